//! The adapter with single appointments: what it reads is what was written, and nothing else was touched.

use std::collections::BTreeMap;

use calsync_core::model::{Overlay, Override, RecurrenceId, Reminder, Span, When};
use calsync_core::source::{Access as Rights, Applied, CalendarSource, Seen, SourceErrorKind, WriteOutcome};
use calsync_core::zone::Zone;
use calsync_testkit::people::{self, Calendars, Draft, Edit};

use crate::server::*;

#[tokio::test]
async fn everything_in_an_appointment_comes_back_on_every_version() {
    for version in VERSIONS {
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
    for version in VERSIONS {
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
    for version in VERSIONS {
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
async fn a_single_appointment_becomes_a_series_and_back() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &single("x", timed("2026-03-02T06:00", "2026-03-02T07:00"))).await;
    let mut new = item.series.clone();
    new.recurrence = Some(repeats("FREQ=DAILY;COUNT=5"));
    let series = change(&source, &item, &new).await;
    assert!(series.series.recurrence.is_some());
    let mut back = series.series.clone();
    back.recurrence = None;
    assert_eq!(change(&source, &series, &back).await.series.recurrence, None);
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
    assert_eq!(found[0], Seen::Absent);
    assert!(matches!(&found[1], Seen::Present(found) if found.key == item.key));
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
