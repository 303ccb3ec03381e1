//! The adapter with series: occurrences are written one by one and none gets lost.

use std::collections::BTreeMap;
use std::time::Duration;

use calsync_core::model::{Overlay, Override, RecurrenceId, Series, Span};
use calsync_core::source::{CalendarSource, Receipt, Seen, SourceErrorKind, WriteOp, WriteOutcome};
use calsync_testkit::exchange::{ServerVersion, Trouble};
use calsync_testkit::people::{Calendars, Edit};

use ews_client::UnfitRules;

use crate::server::*;

fn weekly(overrides: BTreeMap<RecurrenceId, Override>) -> Series {
    let mut series = single("Schicht", timed("2026-03-02T06:00", "2026-03-02T14:00"));
    series.recurrence = Some(repeats("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20;WKST=MO"));
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
async fn a_series_with_changed_and_deleted_occurrences_comes_back_on_every_version() {
    for version in VERSIONS {
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
async fn what_somebody_changes_while_it_is_made_is_not_taken_back() {
    let server = Server::newest().await;
    server.mock.set_latency(Duration::from_millis(30));
    let source = server.source();
    let series = weekly(BTreeMap::from([moved(), cancelled()]));
    let op = WriteOp::Create { token: token("1"), series: Box::new(series) };
    let edited = async {
        loop {
            if let [id] = server.mock.list(MAILBOX).as_slice() {
                let edit = Edit { place: Some("Halle 3".to_owned()), ..Edit::default() };
                return assert!(server.mock.edit(MAILBOX, id, &edit));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let (outcome, ()) = tokio::join!(apply(&source, op, receipt(&token("1"), 1)), edited);
    // Found by its token later, and finished.
    assert!(matches!(outcome, WriteOutcome::Unknown(_)), "{outcome:?}");
    let found = source.find_created(&calendar(), &[token("1")]).await.unwrap();
    let [Seen::Present(item)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((item.series.event.place.as_str(), &item.receipt), ("Halle 3", &None));
}

#[tokio::test]
async fn all_day_series_keep_their_exceptions() {
    for version in [ServerVersion::Exchange2007Sp1, ServerVersion::Exchange2016] {
        let server = Server::start(version).await;
        let mut series = single("Urlaub", Span::days(day("2026-03-23"), day("2026-03-23")));
        series.recurrence = Some(repeats("FREQ=WEEKLY;BYDAY=MO;COUNT=6"));
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
async fn occurrences_are_changed_cancelled_and_changed_back() {
    for version in VERSIONS {
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
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = server.source();
        let item = create(&source, &weekly(BTreeMap::from([moved(), cancelled()]))).await;
        // A new end of the series: occurrences keep their places, Exchange forgets what was special about them.
        let mut new = item.series.clone();
        new.recurrence = Some(repeats("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=30;WKST=MO"));
        let changed = change(&source, &item, &new).await;
        assert_eq!(changed.series.overrides, item.series.overrides, "{version:?}");
        let ids = server.mock.list(MAILBOX);
        assert_eq!(server.mock.occurrences(MAILBOX, &ids[0], day("2026-03-01"), day("2026-12-31")).len(), 29);
    }
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
    let found = source.find_created(&calendar(), &[token]).await.unwrap().remove(0);
    assert!(matches!(found, Seen::Present(found) if found.receipt.is_none()));
}

#[tokio::test]
async fn a_series_that_exchange_refuses_in_part_is_taken_back() {
    let server = Server::newest().await;
    let source = server.source();
    // An occurrence that would be longer than Exchange's calendar allows at all.
    let overlay = Overlay { span: Some(timed("2026-07-01T08:00", "2036-07-01T12:00")), ..Overlay::default() };
    let mut series = weekly(BTreeMap::new());
    series.recurrence = Some(repeats("FREQ=WEEKLY;BYDAY=MO;COUNT=3"));
    series.overrides.insert(RecurrenceId::Local(at("2026-03-16T06:00")), Override::Changed(overlay));
    let token = token("x");
    let op = WriteOp::Create { token: token.clone(), series: Box::new(series) };
    let outcome = apply(&source, op, receipt(&token, 1)).await;
    let WriteOutcome::Refused(error) = &outcome else { panic!("{outcome:?}") };
    assert!(
        matches!(&error.kind, SourceErrorKind::Rejected(why) if why.contains("ErrorCalendarDurationIsTooLong")),
        "{error}"
    );
    assert!(server.mock.list(MAILBOX).is_empty());
}

#[tokio::test]
async fn what_exchange_cannot_hold_is_rejected_without_a_request() {
    let server = Server::newest().await;
    let source = server.source().with_unfit_rules(UnfitRules::Report);
    server.client.version(&crate::server::target()).await.unwrap();
    let before = server.client.traffic().requests();
    let mut series = single("x", timed("2026-03-02T06:00", "2026-03-02T07:00"));
    series.recurrence = Some(repeats("FREQ=HOURLY;INTERVAL=5"));
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
async fn the_receipt_names_the_uid_that_exchange_gave() {
    let server = Server::newest().await;
    let mut long = single("Termin", timed("2026-03-02T06:00", "2026-03-02T14:00"));
    long.uid = "u".repeat(256).as_str().into();
    let token = token("1");
    let op = WriteOp::Create { token: token.clone(), series: Box::new(long.clone()) };
    let unknown = Receipt { own_uid: None, ..receipt(&token, 1) };
    let key = stored(&apply(&server.source(), op, unknown.clone()).await);
    let item = read(&server.source(), &key).await;
    assert_ne!(item.series.uid, long.uid);
    assert_eq!(item.receipt, Some(Receipt { own_uid: Some(item.series.uid), ..unknown }));
}
