//! The adapter: what it reads is what was written, and nothing else was touched.

use std::collections::BTreeMap;

use calsync_core::model::{
    Busy, Event, Notes, Overlay, Override, Recurrence, RecurrenceId, Reminder, Sensitivity, Series, Span,
    When,
};
use calsync_core::source::{
    Access as Rights, Applied, CalendarSource, Seen, SourceErrorKind, WriteOp, WriteOutcome,
};
use calsync_core::zone::Zone;
use calsync_testkit::exchange::{ServerVersion, Trouble};
use calsync_testkit::people::{self, Calendars, Draft, Edit};

use crate::server::{
    MAILBOX, Server, apply, apply_all, at, calendar, change, change_from, create, day, delete, read, receipt,
    seen, single, stored, timed, token, zone,
};

const ALL: [ServerVersion; 5] = [
    ServerVersion::Exchange2007Sp1,
    ServerVersion::Exchange2010Sp2,
    ServerVersion::Exchange2013Sp1,
    ServerVersion::Exchange2016,
    ServerVersion::ExchangeSe,
];

fn rich() -> Series {
    let mut event = Event::new("Wartung <A> & B", timed("2026-03-02T09:00", "2026-03-02T10:30"));
    event.place = "Halle 3".to_owned();
    event.notes = Notes::plain("erste Zeile\nzweite Zeile");
    event.categories = ["Kunde".to_owned(), "Wartung".to_owned()].into();
    event.busy = Busy::OutOfOffice;
    event.sensitivity = Sensitivity::Private;
    event.reminder = Reminder::Minutes(30);
    event.customer = "K-4711".to_owned();
    Series::single("uid-rich".into(), event)
}

fn weekly(overrides: BTreeMap<RecurrenceId, Override>) -> Series {
    let mut series = single("Schicht", timed("2026-03-02T06:00", "2026-03-02T14:00"));
    let rule = "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20;WKST=MO".parse().unwrap();
    series.recurrence = Some(Recurrence { rule, dates: Default::default() });
    series.overrides = overrides;
    series
}

fn moved() -> (RecurrenceId, Override) {
    let overlay = Overlay {
        span: Some(timed("2026-04-01T08:00", "2026-04-01T12:00")),
        place: Some("Halle 9".to_owned()),
        ..Overlay::default()
    };
    (RecurrenceId::Local(at("2026-04-01T06:00")), Override::Changed(overlay))
}

fn cancelled() -> (RecurrenceId, Override) {
    (RecurrenceId::Local(at("2026-03-30T06:00")), Override::Cancelled)
}

#[tokio::test]
async fn everything_in_an_appointment_comes_back_on_every_version() {
    for version in ALL {
        let server = Server::start(version).await;
        let item = create(&server.source(), &rich()).await;
        assert_eq!(item.series, rich(), "{version:?}");
        assert_eq!(item.access, Rights::Full);
        assert_eq!(item.receipt.unwrap().number, 1);
        assert!(item.created.is_some() && item.modified.is_some());
        assert!(server.mock.outbox().is_empty());
    }
}

#[tokio::test]
async fn all_day_appointments_are_dates_across_a_change_of_the_clocks() {
    for version in ALL {
        let server = Server::start(version).await;
        let source = server.source();
        for (first, last) in
            [("2026-03-29", "2026-03-29"), ("2026-10-24", "2026-10-26"), ("2026-06-01", "2026-06-01")]
        {
            let series = single(first, Span::days(day(first), day(last)));
            assert_eq!(create(&source, &series).await.series, series, "{version:?}");
        }
        let tiles = server.mock.tiles(MAILBOX, day("2026-03-01"), day("2026-12-01"));
        let shown: Vec<(&str, &str)> =
            tiles.iter().map(|tile| (tile.start.as_str(), tile.end.as_str())).collect();
        let expected =
            [("2026-03-29", "2026-03-30"), ("2026-06-01", "2026-06-02"), ("2026-10-24", "2026-10-27")];
        assert_eq!(shown, expected, "{version:?}");
    }
}

#[tokio::test]
async fn zones_keep_their_names_and_instants_never_move() {
    let server = Server::newest().await;
    let source = server.source();
    let spans = [
        timed("2026-07-01T09:00", "2026-07-01T10:00"),
        Span::zoned(at("2026-07-01T09:00"), at("2026-07-01T10:00"), &Zone::new("Europe/Vienna").unwrap()),
        Span::zoned(at("2026-07-01T09:00"), at("2026-07-01T10:00"), &Zone::new("Asia/Kolkata").unwrap()),
        Span {
            start: When::Zoned { local: at("2026-07-01T09:00"), zone: zone() },
            end: When::Zoned { local: at("2026-07-01T10:00"), zone: Zone::new("Europe/London").unwrap() },
        },
        Span {
            start: When::Utc(at("2026-07-01T09:00").and_utc()),
            end: When::Utc(at("2026-07-01T10:00").and_utc()),
        },
    ];
    for (index, span) in spans.into_iter().enumerate() {
        let series = single(&index.to_string(), span.clone());
        assert_eq!(create(&source, &series).await.series.event.span, span);
    }
    // A zone that Windows does not have: the instant stands, and so does the name.
    let troll =
        Span::zoned(at("2026-07-01T09:00"), at("2026-07-01T10:00"), &Zone::new("Antarctica/Troll").unwrap());
    let read = create(&source, &single("troll", troll.clone())).await.series.event.span;
    assert!(read.same_time(&troll), "{read:?}");
}

#[tokio::test]
async fn a_series_with_changed_and_deleted_occurrences_comes_back_on_every_version() {
    for version in ALL {
        let server = Server::start(version).await;
        let series = weekly(BTreeMap::from([moved(), cancelled()]));
        let item = create(&server.source(), &series).await;
        assert_eq!(item.series.overrides, series.overrides, "{version:?}");
        assert_eq!(item.series.event, series.event, "{version:?}");
        assert_eq!(item.receipt.unwrap().number, 1);
        let ids = server.mock.list(MAILBOX);
        assert_eq!(ids.len(), 1);
        let starts = server.mock.occurrences(MAILBOX, &ids[0], day("2026-03-01"), day("2026-12-01"));
        assert_eq!(starts.len(), 19);
        assert!(server.mock.outbox().is_empty());
    }
}

#[tokio::test]
async fn all_day_series_keep_their_exceptions() {
    for version in [ServerVersion::Exchange2007Sp1, ServerVersion::Exchange2016] {
        let server = Server::start(version).await;
        let mut series = single("Urlaub", Span::days(day("2026-03-23"), day("2026-03-23")));
        let rule = "FREQ=WEEKLY;BYDAY=MO;COUNT=6".parse().unwrap();
        series.recurrence = Some(Recurrence { rule, dates: Default::default() });
        series.overrides.insert(RecurrenceId::Date(day("2026-03-30")), Override::Cancelled);
        let overlay =
            Overlay { span: Some(Span::days(day("2026-04-07"), day("2026-04-08"))), ..Overlay::default() };
        series.overrides.insert(RecurrenceId::Date(day("2026-04-06")), Override::Changed(overlay));
        let item = create(&server.source(), &series).await;
        assert_eq!(item.series.overrides, series.overrides, "{version:?}");
        assert_eq!(item.series.event.span, series.event.span, "{version:?}");
    }
}

#[tokio::test]
async fn changes_touch_only_what_they_name() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &rich()).await;
    let mut new = item.series.clone();
    new.event.subject = "Neu".to_owned();
    new.event.categories.clear();
    new.event.reminder = Reminder::Off;
    new.event.customer.clear();
    let before = server.client.traffic().requests();
    let changed = change(&source, &item, &new).await;
    assert_eq!(changed.series, new);
    assert_eq!(changed.receipt.unwrap().number, 2);
    // One request to write, one to read back.
    assert_eq!(server.client.traffic().requests() - before, 2);
}

#[tokio::test]
async fn a_moved_appointment_moves_with_its_zone() {
    for version in ALL {
        let server = Server::start(version).await;
        let source = server.source();
        let item = create(&source, &rich()).await;
        let mut new = item.series.clone();
        new.event.span = timed("2026-11-02T11:00", "2026-11-02T12:00");
        let changed = change(&source, &item, &new).await;
        assert_eq!(changed.series.event.span, new.event.span, "{version:?}");
        let mut all_day = changed.series.clone();
        all_day.event.span = Span::days(day("2026-11-03"), day("2026-11-04"));
        assert_eq!(
            change(&source, &changed, &all_day).await.series.event.span,
            all_day.event.span,
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn occurrences_are_changed_cancelled_and_changed_back() {
    for version in ALL {
        let server = Server::start(version).await;
        let source = server.source();
        let plain = create(&source, &weekly(BTreeMap::new())).await;
        let with = weekly(BTreeMap::from([moved(), cancelled()]));
        let mut new = plain.series.clone();
        new.overrides = with.overrides.clone();
        let changed = change(&source, &plain, &new).await;
        assert_eq!(changed.series.overrides, with.overrides, "{version:?}");
        let mut back = changed.series.clone();
        back.overrides.remove(&moved().0);
        let changed = change(&source, &changed, &back).await;
        assert_eq!(changed.series.overrides, BTreeMap::from([cancelled()]), "{version:?}");
    }
}

#[tokio::test]
async fn a_moved_series_keeps_its_exceptions() {
    for version in ALL {
        let server = Server::start(version).await;
        let source = server.source();
        let item = create(&source, &weekly(BTreeMap::from([moved(), cancelled()]))).await;
        // A new end of the series: occurrences keep their places, Exchange forgets what was special about them.
        let mut new = item.series.clone();
        let rule = "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=30;WKST=MO".parse().unwrap();
        new.recurrence = Some(Recurrence { rule, dates: Default::default() });
        let changed = change(&source, &item, &new).await;
        assert_eq!(changed.series.overrides, item.series.overrides, "{version:?}");
        let ids = server.mock.list(MAILBOX);
        assert_eq!(server.mock.occurrences(MAILBOX, &ids[0], day("2026-03-01"), day("2026-12-31")).len(), 29);
    }
}

#[tokio::test]
async fn a_single_appointment_becomes_a_series_and_back() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &single("x", timed("2026-03-02T06:00", "2026-03-02T07:00"))).await;
    let mut new = item.series.clone();
    let rule = "FREQ=DAILY;COUNT=5".parse().unwrap();
    new.recurrence = Some(Recurrence { rule, dates: Default::default() });
    let series = change(&source, &item, &new).await;
    assert!(series.series.recurrence.is_some());
    let mut back = series.series.clone();
    back.recurrence = None;
    assert_eq!(change(&source, &series, &back).await.series.recurrence, None);
}

#[tokio::test]
async fn a_deleted_occurrence_comes_back() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &weekly(BTreeMap::from([moved(), cancelled()]))).await;
    let mut new = item.series.clone();
    new.overrides.remove(&cancelled().0);
    let changed = change(&source, &item, &new).await;
    assert_eq!(changed.series, new);
    assert_eq!(changed.receipt.unwrap().number, 2);
}

#[tokio::test]
async fn a_series_that_is_being_taken_apart_shows_what_it_was() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &weekly(BTreeMap::from([moved(), cancelled()]))).await;
    let mut new = item.series.clone();
    new.overrides.remove(&cancelled().0);
    let patch = item.series.diff(&new);
    // The first of the updates goes well, then the network is gone.
    server.mock.trouble_for("UpdateItem", Trouble::DropBefore, 1, 1);
    let outcome = change_from(&source, &item, patch.clone()).await;
    assert!(matches!(outcome, WriteOutcome::Unknown(_)), "{outcome:?}");
    let between = read(&source, &item.key).await;
    assert_eq!(between.series, item.series);
    assert_eq!(between.receipt.as_ref().unwrap().number, 1);
    let outcome = change_from(&source, &between, patch).await;
    assert_eq!(read(&source, &stored(&outcome)).await.series, new);
}

#[tokio::test]
async fn what_people_do_is_read() {
    let server = Server::newest().await;
    let source = server.source();
    let draft = Draft {
        subject: "Termin".to_owned(),
        place: "Büro".to_owned(),
        notes: "Notiz".to_owned(),
        start: at("2026-03-26T23:00"),
        end: at("2026-03-27T01:00"),
        zone: "Europe/Berlin".to_owned(),
        all_day: false,
        category: Some("Kunde".to_owned()),
        busy: people::Busy::Tentative,
        private: false,
        reminder: Some(15),
        customer: None,
        repeat: Some(people::Repeat {
            rhythm: people::Rhythm::Daily,
            every: 1,
            until: people::Until::Count(6),
        }),
    };
    let id = server.mock.create(MAILBOX, &draft).unwrap();
    // Both lie around the change of the clocks.
    assert!(server.mock.delete_occurrence(MAILBOX, &id, at("2026-03-29T23:00")));
    let edit = Edit { subject: Some("anders".to_owned()), ..Edit::default() };
    assert!(server.mock.edit_occurrence(MAILBOX, &id, at("2026-03-30T23:00"), &edit));
    let item = read(&source, &id.as_str().into()).await;
    assert_eq!(item.series.event.span, timed("2026-03-26T23:00", "2026-03-27T01:00"));
    assert_eq!(item.series.event.reminder, Reminder::Minutes(15));
    assert_eq!(item.receipt, None);
    let overlay = Overlay { subject: Some("anders".to_owned()), ..Overlay::default() };
    let expected = BTreeMap::from([
        (RecurrenceId::Local(at("2026-03-29T23:00")), Override::Cancelled),
        (RecurrenceId::Local(at("2026-03-30T23:00")), Override::Changed(overlay)),
    ]);
    assert_eq!(item.series.overrides, expected);
}

#[tokio::test]
async fn a_stale_write_is_refused_and_touches_nothing() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &rich()).await;
    let id = server.mock.list(MAILBOX).remove(0);
    server.mock.edit(MAILBOX, &id, &Edit { subject: Some("vom Menschen".to_owned()), ..Edit::default() });
    let mut new = item.series.clone();
    new.event.place = "anderswo".to_owned();
    let outcome = change_from(&source, &item, item.series.diff(&new)).await;
    assert!(
        matches!(&outcome, WriteOutcome::Refused(error) if error.kind == SourceErrorKind::Stale),
        "{outcome:?}"
    );
    let outcome = delete(&source, &item.key, &item.revision).await;
    assert!(
        matches!(&outcome, WriteOutcome::Refused(error) if error.kind == SourceErrorKind::Stale),
        "{outcome:?}"
    );
    assert_eq!(read(&source, &item.key).await.series.event.subject, "vom Menschen");
}

#[tokio::test]
async fn a_stale_change_of_an_occurrence_is_refused() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &weekly(BTreeMap::new())).await;
    let id = server.mock.list(MAILBOX).remove(0);
    server.mock.edit(MAILBOX, &id, &Edit { place: Some("vom Menschen".to_owned()), ..Edit::default() });
    let mut new = item.series.clone();
    new.overrides = BTreeMap::from([cancelled()]);
    let outcome = change_from(&source, &item, item.series.diff(&new)).await;
    assert!(
        matches!(&outcome, WriteOutcome::Refused(error) if error.kind == SourceErrorKind::Stale),
        "{outcome:?}"
    );
    assert!(read(&source, &item.key).await.series.overrides.is_empty());
}

#[tokio::test]
async fn deleting_puts_into_the_bin_even_where_deleting_there_is_refused() {
    for reach in [true, false] {
        let server = Server::newest().await;
        server.mock.set_delegates_reach_deleted_items(MAILBOX, reach);
        let source = server.source();
        let item = create(&source, &rich()).await;
        let outcome = delete(&source, &item.key, &item.revision).await;
        if reach {
            assert!(matches!(outcome, WriteOutcome::Applied(Applied::Deleted)), "{outcome:?}");
            assert_eq!(server.mock.deleted_items(MAILBOX), 1);
            assert_eq!(seen(&source, &item.key).await, Seen::Absent);
            let again = delete(&source, &item.key, &item.revision).await;
            assert!(matches!(again, WriteOutcome::Applied(Applied::Deleted)), "{again:?}");
        } else {
            assert!(
                matches!(&outcome, WriteOutcome::Refused(error) if matches!(error.kind, SourceErrorKind::Denied(_) | SourceErrorKind::Rejected(_))),
                "{outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_created_item_is_found_by_its_token_and_copies_do_not_matter() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &rich()).await;
    let id = server.mock.list(MAILBOX).remove(0);
    // The server's creation times have whole seconds.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    server.mock.copy(MAILBOX, &id).unwrap();
    let tokens = [token("nobody"), token("uid-rich")];
    let found = source.find_created(&calendar(), &tokens).await.unwrap();
    assert!(found[0].is_none());
    assert_eq!(found[1].as_ref().unwrap().key, item.key);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_asking_settles_it() {
    let server = Server::newest().await;
    let source = server.source();
    server.client.version(&crate::server::target()).await.unwrap();
    for (trouble, made) in [(Trouble::DropAfter, true), (Trouble::DropBefore, false)] {
        server.mock.trouble_for("CreateItem", trouble, 0, 1);
        let series =
            single(if made { "made" } else { "lost" }, timed("2026-03-02T09:00", "2026-03-02T10:00"));
        let token = token(series.uid.as_str());
        let op = WriteOp::Create { token: token.clone(), series: Box::new(series.clone()) };
        let outcome = apply(&source, op, receipt(&token, 1)).await;
        assert!(matches!(outcome, WriteOutcome::Unknown(_)), "{outcome:?}");
        let found = source.find_created(&calendar(), &[token]).await.unwrap().remove(0);
        assert_eq!(found.is_some(), made);
    }
}

#[tokio::test]
async fn a_series_that_was_not_finished_has_no_receipt() {
    let server = Server::newest().await;
    let source = server.source();
    server.client.version(&crate::server::target()).await.unwrap();
    server.mock.trouble_for("UpdateItem", Trouble::DropBefore, 0, 1);
    let series = weekly(BTreeMap::from([moved(), cancelled()]));
    let token = token(series.uid.as_str());
    let op = WriteOp::Create { token: token.clone(), series: Box::new(series) };
    let outcome = apply(&source, op, receipt(&token, 1)).await;
    assert!(matches!(outcome, WriteOutcome::Unknown(_)), "{outcome:?}");
    let found = source.find_created(&calendar(), &[token]).await.unwrap().remove(0).unwrap();
    assert_eq!(found.receipt, None);
}

#[tokio::test]
async fn a_series_that_exchange_refuses_in_part_is_taken_back() {
    let server = Server::newest().await;
    let source = server.source();
    // The occurrence is moved beyond its neighbour.
    let overlay = Overlay { span: Some(timed("2026-04-15T08:00", "2026-04-15T12:00")), ..Overlay::default() };
    let series =
        weekly(BTreeMap::from([(RecurrenceId::Local(at("2026-04-01T06:00")), Override::Changed(overlay))]));
    let token = token("x");
    let op = WriteOp::Create { token: token.clone(), series: Box::new(series) };
    let outcome = apply(&source, op, receipt(&token, 1)).await;
    let WriteOutcome::Refused(error) = &outcome else { panic!("{outcome:?}") };
    assert!(
        matches!(&error.kind, SourceErrorKind::Rejected(why) if why.contains("ErrorOccurrenceCrossingBoundary")),
        "{error}"
    );
    assert!(server.mock.list(MAILBOX).is_empty());
}

#[tokio::test]
async fn what_exchange_cannot_hold_is_rejected_without_a_request() {
    let server = Server::newest().await;
    let source = server.source();
    server.client.version(&crate::server::target()).await.unwrap();
    let before = server.client.traffic().requests();
    let mut series = single("x", timed("2026-03-02T06:00", "2026-03-02T07:00"));
    let rule = "FREQ=HOURLY;INTERVAL=5".parse().unwrap();
    series.recurrence = Some(Recurrence { rule, dates: Default::default() });
    let token = token("x");
    let op = WriteOp::Create { token: token.clone(), series: Box::new(series) };
    let outcome = apply(&source, op, receipt(&token, 1)).await;
    assert!(
        matches!(&outcome, WriteOutcome::Refused(error) if matches!(error.kind, SourceErrorKind::Rejected(_))),
        "{outcome:?}"
    );
    assert_eq!(server.client.traffic().requests(), before);
}

#[tokio::test]
async fn many_creates_go_together_and_one_that_is_refused_does_not_fail_the_others() {
    let server = Server::newest().await;
    let source = server.source();
    server.client.version(&crate::server::target()).await.unwrap();
    let before = server.client.traffic().requests();
    let mut ops = Vec::new();
    for n in 0..30 {
        let mut series = single(&n.to_string(), timed("2026-03-02T09:00", "2026-03-02T10:00"));
        if n == 7 {
            // Six years are more than an appointment may last.
            series.event.span = timed("2026-03-02T09:00", "2032-03-02T10:00");
        }
        let token = token(&n.to_string());
        ops.push((WriteOp::Create { token: token.clone(), series: Box::new(series) }, receipt(&token, 1)));
    }
    let outcomes = apply_all(&source, ops).await;
    assert_eq!(server.client.traffic().requests() - before, 2);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, WriteOutcome::Applied(_))).count(), 29);
    assert!(
        matches!(&outcomes[7], WriteOutcome::Refused(error) if matches!(error.kind, SourceErrorKind::Rejected(_))),
        "{:?}",
        outcomes[7]
    );
    stored(&outcomes[29]);
}

#[tokio::test]
async fn a_busy_server_ends_the_batch_without_another_request() {
    let server = Server::newest().await;
    let source = server.source();
    server.client.version(&crate::server::target()).await.unwrap();
    let wait = std::time::Duration::from_secs(7);
    server.mock.trouble_for("CreateItem", Trouble::Busy(wait), 0, 9);
    let before = server.client.traffic().requests();
    let ops = (0..60)
        .map(|n| {
            let series = single(&n.to_string(), timed("2026-03-02T09:00", "2026-03-02T10:00"));
            let token = token(&n.to_string());
            (WriteOp::Create { token: token.clone(), series: Box::new(series) }, receipt(&token, 1))
        })
        .collect();
    let outcomes = apply_all(&source, ops).await;
    assert_eq!(outcomes.len(), 60);
    for outcome in outcomes {
        assert!(
            matches!(&outcome, WriteOutcome::Refused(error) if error.kind == SourceErrorKind::Throttled(wait)),
            "{outcome:?}"
        );
    }
    assert_eq!(server.client.traffic().requests() - before, 1);
}

#[tokio::test]
async fn the_feed_reports_changes_once_and_forgets_nothing() {
    let server = Server::newest().await;
    let source = server.source();
    let first = source.changes(&calendar(), None).await.unwrap();
    assert!(first.entries.is_empty() && !first.more);
    let item = create(&source, &rich()).await;
    server.mock.add_foreign_item(MAILBOX, "IPM.Note", "eine Nachricht");
    let page = source.changes(&calendar(), Some(&first.next)).await.unwrap();
    assert_eq!(page.entries.len(), 1);
    assert_eq!((&page.entries[0].key, page.entries[0].revision.as_ref()), (&item.key, Some(&item.revision)));
    let quiet = source.changes(&calendar(), Some(&page.next)).await.unwrap();
    assert!(quiet.entries.is_empty() && quiet.server_time.is_some());
    delete(&source, &item.key, &item.revision).await;
    let page = source.changes(&calendar(), Some(&quiet.next)).await.unwrap();
    assert_eq!((&page.entries[0].key, &page.entries[0].revision), (&item.key, &None));
    server.mock.invalidate_sync_states(MAILBOX);
    let error = source.changes(&calendar(), Some(&page.next)).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::TokenExpired);
}

#[tokio::test]
async fn an_item_in_another_folder_is_absent_here() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &rich()).await;
    let id = server.mock.list(MAILBOX).remove(0);
    let new = server.mock.move_to_folder(MAILBOX, &id, "Anderer Kalender").unwrap();
    assert_eq!(seen(&source, &item.key).await, Seen::Absent);
    assert_eq!(seen(&source, &new.as_str().into()).await, Seen::Absent);
}

#[tokio::test]
async fn lost_rights_are_never_taken_for_deletions() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &rich()).await;
    server.mock.set_rights(crate::server::ACCOUNT, MAILBOX, calsync_testkit::exchange::Rights::None);
    let error = source.fetch(&calendar(), std::slice::from_ref(&item.key)).await.unwrap_err();
    assert!(matches!(error.kind, SourceErrorKind::NoCalendar(_) | SourceErrorKind::Denied(_)), "{error}");
    let error = source.changes(&calendar(), None).await.unwrap_err();
    assert!(matches!(error.kind, SourceErrorKind::NoCalendar(_) | SourceErrorKind::Denied(_)), "{error}");
}

#[tokio::test]
async fn a_meeting_of_somebody_else_may_only_be_written_personally() {
    let server = Server::newest().await;
    let source = server.source();
    let draft = Draft {
        subject: "Besprechung".to_owned(),
        place: String::new(),
        notes: String::new(),
        start: at("2026-03-26T10:00"),
        end: at("2026-03-26T11:00"),
        zone: "Europe/Berlin".to_owned(),
        all_day: false,
        category: None,
        busy: people::Busy::Busy,
        private: false,
        reminder: None,
        customer: None,
        repeat: None,
    };
    let id = server.mock.receive_meeting(MAILBOX, "chef@example.test", &draft).unwrap();
    let item = read(&source, &id.as_str().into()).await;
    assert_eq!(item.access, Rights::Personal);
    assert_eq!(item.series.event.organizer.address, "chef@example.test");
    let mut new = item.series.clone();
    new.event.reminder = Reminder::Minutes(10);
    new.event.categories.insert("wichtig".to_owned());
    let changed = change(&source, &item, &new).await;
    assert_eq!(changed.series.event.reminder, Reminder::Minutes(10));
    assert!(server.mock.outbox().is_empty());
}
