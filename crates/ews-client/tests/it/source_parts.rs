//! Series that Exchange cannot hold as one item: several items in the mailbox, one series for everybody else.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{ChangeToken, ItemKey};
use calsync_core::model::{Overlay, Override, RecurrenceId, Series, Span};
use calsync_core::recur::{SeriesTimes, expand};
use calsync_core::source::{
    Applied, CalendarSource, Fit, Item, Seen, SourceErrorKind, WriteOp, WriteOutcome,
};
use calsync_testkit::exchange::{ServerVersion, Trouble};
use calsync_testkit::people::{Calendars, Edit};
use chrono::{DateTime, NaiveDateTime, Utc};
use ews_client::{ExchangeSource, UnfitRules};

use crate::server::*;

fn november() -> DateTime<Utc> {
    at("2026-11-24T12:00").and_utc()
}

fn source(server: &Server) -> ExchangeSource {
    server.source().with_clock(november)
}

fn key(text: &str) -> RecurrenceId {
    RecurrenceId::Local(at(text))
}

fn called(subject: &str) -> Override {
    Override::Changed(Overlay { subject: Some(subject.to_owned()), ..Overlay::default() })
}

fn moved(start: &str, end: &str) -> Override {
    Override::Changed(Overlay { span: Some(timed(start, end)), ..Overlay::default() })
}

fn series(rule: &str) -> Series {
    let mut series = single("Runde", timed("2026-11-02T09:00", "2026-11-02T10:00"));
    series.event.place = String::from("Halle 3");
    series.recurrence = Some(repeats(rule));
    series
}

/// 9 and 15 o'clock, with a bit of everything: three items.
fn halves() -> Series {
    let mut halves = series("FREQ=DAILY;BYHOUR=9,15;BYMINUTE=0;COUNT=60");
    halves.overrides = BTreeMap::from([
        (key("2026-11-04T15:00"), called("nachmittags")),
        (key("2026-11-05T09:00"), Override::Cancelled),
        (key("2026-11-06T15:00"), moved("2026-11-09T15:00", "2026-11-09T16:00")),
    ]);
    halves
}

/// Mondays of some weeks of the year, as single appointments.
fn weeks() -> Series {
    let mut weeks = series("FREQ=YEARLY;BYWEEKNO=45,46,47,48;BYDAY=MO");
    weeks.overrides = BTreeMap::from([
        (key("2026-11-09T09:00"), called("zweite")),
        (key("2026-11-16T09:00"), Override::Cancelled),
    ]);
    weeks
}

fn with_dates() -> Series {
    let mut series = series("FREQ=WEEKLY;BYDAY=MO;COUNT=6");
    series.recurrence.as_mut().unwrap().dates = [key("2026-11-03T15:00"), key("2026-11-12T08:00")].into();
    series
}

/// What a person ought to see in these months.
fn starts(series: &Series) -> Vec<NaiveDateTime> {
    let recurrence = series.recurrence.as_ref().unwrap();
    let dates: Vec<NaiveDateTime> = recurrence.dates.iter().map(RecurrenceId::local).collect();
    let start = &series.event.span.start;
    let times = SeriesTimes {
        start: start.local(),
        all_day: false,
        zone: start.zone(),
        rule: Some(&recurrence.rule),
        rdates: &dates,
        exdates: &[],
    };
    let window = at("2026-11-01T00:00")..at("2027-01-01T00:00");
    let mut starts: Vec<NaiveDateTime> = expand(times, window, 1000)
        .starts
        .into_iter()
        .filter_map(|at| match series.overrides.get(&RecurrenceId::Local(at)) {
            Some(Override::Cancelled) => None,
            Some(Override::Changed(overlay)) => {
                Some(overlay.span.as_ref().map_or(at, |span| span.start.local()))
            }
            None => Some(at),
        })
        .collect();
    starts.sort();
    starts
}

fn tiles(server: &Server) -> Vec<NaiveDateTime> {
    let tiles = server.mock.tiles(MAILBOX, day("2026-11-01"), day("2027-01-01"));
    let mut starts: Vec<NaiveDateTime> =
        tiles.iter().map(|tile| zone().to_local(tile.start.parse::<DateTime<Utc>>().unwrap())).collect();
    starts.sort();
    starts
}

async fn page(source: &ExchangeSource, since: Option<&ChangeToken>) -> (BTreeSet<ItemKey>, ChangeToken) {
    let page = source.changes(&calendar(), since).await.unwrap();
    assert!(!page.more);
    (page.entries.into_iter().map(|entry| entry.key).collect(), page.next)
}

/// What there is to be seen besides the series.
async fn others(source: &ExchangeSource, server: &Server, owner: &ItemKey) -> Vec<Item> {
    let mut found = Vec::new();
    for id in server.mock.list(MAILBOX).iter().filter(|id| id.as_str() != owner.as_str()) {
        if let Seen::Present(item) = seen(source, &id.as_str().into()).await {
            found.push(*item);
        }
    }
    found
}

fn part_called<'a>(server: &Server, ids: &'a [String], role: &str) -> &'a String {
    let set = "7a1c5e0e-3c1b-4f0b-9d2e-2b6f0c1d9a55";
    let is = |id: &&String| {
        server.mock.extended(MAILBOX, id, set, "calsync-part").is_some_and(|text| text.starts_with(role))
    };
    ids.iter().find(is).unwrap()
}

#[tokio::test]
async fn a_series_of_several_items_comes_back_as_one_on_every_version() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = source(&server);
        for (series, count) in [(halves(), 3), (with_dates(), 3), (weeks(), 7)] {
            let item = create(&source, &series).await;
            assert_eq!(item.series.recurrence, series.recurrence, "{version:?}");
            assert_eq!(item.series.overrides, series.overrides, "{version:?}");
            assert_eq!(item.series.event, series.event, "{version:?}");
            assert_eq!(item.receipt.as_ref().unwrap().number, 1);
            assert_eq!(server.mock.list(MAILBOX).len(), count, "{version:?}");
            assert_eq!(tiles(&server), starts(&series), "{version:?}");
            assert_eq!(others(&source, &server, &item.key).await, []);
            let outcome = delete(&source, &item.key, &item.revision).await;
            assert!(matches!(outcome, WriteOutcome::Applied(Applied::Deleted)), "{outcome:?}");
            assert_eq!(server.mock.list(MAILBOX), Vec::<String>::new());
            assert!(server.mock.outbox().is_empty());
        }
    }
}

#[tokio::test]
async fn whole_days_and_what_overlaps_or_begins_in_a_gap_of_the_clocks_come_back_too() {
    let mut days = single("Urlaub", Span::days(day("2026-11-02"), day("2026-11-02")));
    days.recurrence = Some(repeats("FREQ=MONTHLY;BYMONTHDAY=2,16;COUNT=7"));
    days.recurrence.as_mut().unwrap().dates = [RecurrenceId::Date(day("2026-11-05"))].into();
    days.overrides.insert(RecurrenceId::Date(day("2026-12-02")), Override::Cancelled);
    let overlay =
        Overlay { span: Some(Span::days(day("2026-12-30"), day("2027-01-01"))), ..Overlay::default() };
    days.overrides.insert(RecurrenceId::Date(day("2026-12-16")), Override::Changed(overlay));
    let mut long = series("FREQ=DAILY;COUNT=5");
    long.event.span = timed("2026-11-02T09:00", "2026-11-03T12:00");
    let mut gap = series("FREQ=WEEKLY;COUNT=5");
    gap.event.span = timed("2026-03-29T02:45", "2026-03-29T04:15");
    for version in [ServerVersion::Exchange2007Sp1, ServerVersion::ExchangeSe] {
        let server = Server::start(version).await;
        let source = source(&server);
        for (series, count) in [(&days, 3), (&long, 5), (&gap, 2)] {
            let item = create(&source, series).await;
            assert_eq!(item.series.overrides, series.overrides, "{version:?}");
            assert_eq!(item.series.recurrence, series.recurrence, "{version:?}");
            assert_eq!(item.series.event.span, series.event.span, "{version:?}");
            assert_eq!(server.mock.list(MAILBOX).len(), count, "{version:?}");
            delete(&source, &item.key, &item.revision).await;
        }
    }
}

#[tokio::test]
async fn the_answer_to_a_write_names_the_state_that_is_read_back() {
    let server = Server::newest().await;
    let source = source(&server);
    let series = halves();
    let token = token("x");
    let op = WriteOp::Create { token: token.clone(), series: Box::new(series.clone()) };
    let outcome = apply(&source, op, receipt(&token, 1)).await;
    let WriteOutcome::Applied(Applied::Stored { key, revision }) = &outcome else { panic!("{outcome:?}") };
    let item = read(&source, key).await;
    assert_eq!(item.revision, *revision);
    let found = source.find_created(&calendar(), &[token]).await.unwrap().remove(0);
    assert_eq!(found, Seen::Present(Box::new(item)));
}

#[tokio::test]
async fn how_a_series_is_held_is_known_beforehand() {
    let server = Server::newest().await;
    let source = source(&server);
    let notes = |source: &ExchangeSource, series: &Series| source.fit(&calendar(), series).notes();
    assert_eq!(
        notes(&source, &halves()),
        [
            "as 2 series",
            "2026-11-06T15:00:00 as a single appointment: its neighbour in the series is in the way"
        ]
    );
    assert_eq!(notes(&source, &with_dates()), ["2 additional dates as single appointments"]);
    assert_eq!(
        notes(&source, &weeks()),
        ["expanded to single appointments until 2027-12-29: it counts weeks of the year"]
    );
    assert_eq!(source.fit(&calendar(), &series("FREQ=DAILY")), Fit::Whole);
    let report = source.with_unfit_rules(UnfitRules::Report);
    assert_eq!(notes(&report, &weeks()), ["cannot be held: it counts weeks of the year"]);
    assert_eq!(server.client.traffic().requests(), 0);
}

#[tokio::test]
async fn a_quiet_feed_costs_one_request_and_a_part_is_reported_as_its_owner() {
    let server = Server::newest().await;
    let source = source(&server);
    let (_, start) = page(&source, None).await;
    let item = create(&source, &halves()).await;
    let (keys, next) = page(&source, Some(&start)).await;
    assert!(keys.contains(&item.key));
    for key in keys.iter().filter(|key| **key != item.key) {
        assert_eq!(seen(&source, key).await, Seen::Absent);
    }
    let before = server.client.traffic().requests();
    let (keys, next) = page(&source, Some(&next)).await;
    assert_eq!((keys.len(), server.client.traffic().requests() - before), (0, 1));

    let ids = server.mock.list(MAILBOX);
    let single = part_called(&server, &ids, "once:");
    let edit = Edit { place: Some("Büro".to_owned()), ..Edit::default() };
    assert!(server.mock.edit(MAILBOX, single, &edit));
    let (keys, next) = page(&source, Some(&next)).await;
    assert!(keys.contains(&item.key) && !keys.contains(&single.as_str().into()), "{keys:?}");
    let after = read(&source, &item.key).await;
    assert_ne!(after.revision, item.revision);
    let mut expected = item.series.clone();
    let Some(Override::Changed(overlay)) = expected.overrides.get_mut(&key("2026-11-06T15:00")) else {
        panic!()
    };
    overlay.place = Some("Büro".to_owned());
    assert_eq!(after.series, expected);

    // It is deleted, which the feed says by nothing but its id.
    assert!(server.mock.delete(MAILBOX, single));
    let (keys, _) = page(&source, Some(&next)).await;
    assert!(keys.contains(&item.key), "{keys:?}");
    expected.overrides.insert(key("2026-11-06T15:00"), Override::Cancelled);
    assert_eq!(read(&source, &item.key).await.series, expected);
}

#[tokio::test]
async fn a_listing_from_the_beginning_knows_the_parts_too() {
    let server = Server::newest().await;
    let source = source(&server);
    let item = create(&source, &halves()).await;
    let (keys, next) = page(&source, None).await;
    assert!(keys.contains(&item.key));
    let ids = server.mock.list(MAILBOX);
    assert!(server.mock.delete(MAILBOX, part_called(&server, &ids, "once:")));
    assert!(page(&source, Some(&next)).await.0.contains(&item.key));
}

#[tokio::test]
async fn an_edit_of_one_of_the_series_is_one_of_the_whole() {
    let server = Server::newest().await;
    let source = source(&server);
    let item = create(&source, &halves()).await;
    let ids = server.mock.list(MAILBOX);
    let edit = Edit { subject: Some("Große Runde".to_owned()), ..Edit::default() };
    assert!(server.mock.edit(MAILBOX, part_called(&server, &ids, "rule:2"), &edit));
    let read_back = read(&source, &item.key).await;
    let mut expected = item.series.clone();
    expected.event.subject = "Große Runde".to_owned();
    assert_eq!(read_back.series, expected);
    // The other side answers with another change: now all items say it.
    let mut new = expected.clone();
    new.event.place = "Halle 4".to_owned();
    let changed = change(&source, &read_back, &new).await;
    assert_eq!(changed.series, new);
    let subjects: BTreeSet<String> = server
        .mock
        .tiles(MAILBOX, day("2026-11-10"), day("2026-11-30"))
        .into_iter()
        .map(|tile| format!("{} {}", tile.subject, tile.place))
        .collect();
    assert_eq!(subjects, ["Große Runde Halle 4".to_owned()].into());
}

#[tokio::test]
async fn a_series_whose_rhythm_a_person_changes_falls_apart_and_nothing_is_lost() {
    let server = Server::newest().await;
    let source = source(&server);
    let item = create(&source, &halves()).await;
    let (_, next) = page(&source, None).await;
    let ids = server.mock.list(MAILBOX);
    let owner = item.key.as_str().to_owned();
    let edit = Edit { span: Some((at("2026-11-02T08:00"), at("2026-11-02T08:30"))), ..Edit::default() };
    assert!(server.mock.edit(MAILBOX, &owner, &edit));
    let (keys, _) = page(&source, Some(&next)).await;
    let apart = read(&source, &item.key).await;
    assert_eq!(apart.series.event.span, timed("2026-11-02T08:00", "2026-11-02T08:30"));
    assert_eq!(apart.series.recurrence.as_ref().unwrap().dates, BTreeSet::new());
    let others = others(&source, &server, &item.key).await;
    assert_eq!(others.len(), ids.len() - 1);
    let afternoon = others.iter().find(|item| item.series.recurrence.is_some()).unwrap();
    assert!(keys.contains(&afternoon.key), "the feed names what is seen anew");
    assert_eq!(afternoon.series.event.span, timed("2026-11-02T15:00", "2026-11-02T16:00"));

    // Each of them can be written and deleted for itself.
    let mut new = afternoon.series.clone();
    new.event.subject = "nachmittags".to_owned();
    assert_eq!(change(&source, afternoon, &new).await.series.event, new.event);
    let mut new = apart.series.clone();
    new.recurrence = Some(repeats("FREQ=DAILY;BYHOUR=8,12;BYMINUTE=0"));
    let again = change(&source, &apart, &new).await;
    assert_eq!(again.series.recurrence, new.recurrence);
    let afternoon = read(&source, &afternoon.key).await;
    assert_eq!(afternoon.series.event.subject, "nachmittags");
    let outcome = delete(&source, &afternoon.key, &afternoon.revision).await;
    assert!(matches!(outcome, WriteOutcome::Applied(Applied::Deleted)), "{outcome:?}");
    assert_eq!(read(&source, &item.key).await.series, again.series);
}

#[tokio::test]
async fn items_whose_owner_a_person_deletes_are_appointments_of_their_own() {
    let server = Server::newest().await;
    let source = source(&server);
    let item = create(&source, &halves()).await;
    let (_, next) = page(&source, None).await;
    assert!(server.mock.delete(MAILBOX, item.key.as_str()));
    let (keys, next) = page(&source, Some(&next)).await;
    let others = others(&source, &server, &item.key).await;
    assert_eq!(seen(&source, &item.key).await, Seen::Absent);
    assert_eq!(others.len(), 2);
    assert!(others.iter().all(|item| keys.contains(&item.key)));
    // Somebody takes it out of the bin again, where it gets another id.
    let back = server.mock.restore_deleted(MAILBOX).unwrap();
    let (keys, _) = page(&source, Some(&next)).await;
    assert!(keys.contains(&back.as_str().into()));
    assert_eq!(read(&source, &back.as_str().into()).await.series, item.series);
}

#[tokio::test]
async fn a_copy_of_a_part_and_a_copy_of_the_owner_are_appointments_of_their_own() {
    let server = Server::newest().await;
    let source = source(&server);
    let item = create(&source, &halves()).await;
    let ids = server.mock.list(MAILBOX);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let (_, next) = page(&source, None).await;
    let single = server.mock.copy(MAILBOX, part_called(&server, &ids, "once:")).unwrap();
    let owner = server.mock.copy(MAILBOX, item.key.as_str()).unwrap();
    let (keys, _) = page(&source, Some(&next)).await;
    for copy in [&single, &owner] {
        assert!(keys.contains(&copy.as_str().into()), "{keys:?}");
    }
    assert_eq!(read(&source, &single.as_str().into()).await.series.recurrence, None);
    let copied = read(&source, &owner.as_str().into()).await;
    assert_eq!(copied.series.event.span, item.series.event.span);
    assert_ne!(copied.series.recurrence, item.series.recurrence);
    assert_eq!(read(&source, &item.key).await.series, item.series);
    // Deleting the copy leaves the series alone.
    let outcome = delete(&source, &copied.key, &copied.revision).await;
    assert!(matches!(outcome, WriteOutcome::Applied(Applied::Deleted)), "{outcome:?}");
    assert_eq!(read(&source, &item.key).await.series, item.series);
}

#[tokio::test]
async fn a_series_changes_between_one_item_and_several() {
    for version in [ServerVersion::Exchange2007Sp1, ServerVersion::Exchange2016] {
        let server = Server::start(version).await;
        let source = source(&server);
        let mut item = create(&source, &series("FREQ=WEEKLY;BYDAY=MO;COUNT=8")).await;
        let key = item.key.clone();
        for (target, count) in
            [(halves(), 3), (weeks(), 7), (with_dates(), 3), (series("FREQ=DAILY;COUNT=9"), 1)]
        {
            let new = Series { uid: item.series.uid.clone(), ..target };
            item = change(&source, &item, &new).await;
            assert_eq!((&item.key, &item.series), (&key, &new), "{version:?}");
            assert_eq!(server.mock.list(MAILBOX).len(), count, "{version:?}");
            assert_eq!(tiles(&server), starts(&new), "{version:?}");
        }
        // It is a plain item again, without anything of ours that was not in it before.
        assert!(!item.revision.as_str().contains(' '));
    }
}

#[tokio::test]
async fn an_instance_that_goes_back_to_its_place_goes_back_into_the_series() {
    let server = Server::newest().await;
    let source = source(&server);
    let mut crossing = series("FREQ=WEEKLY;BYDAY=MO;COUNT=10");
    crossing.overrides.insert(key("2026-11-16T09:00"), moved("2026-11-24T09:00", "2026-11-24T10:00"));
    let item = create(&source, &crossing).await;
    assert_eq!(server.mock.list(MAILBOX).len(), 2);
    assert_eq!(item.series, Series { uid: item.series.uid.clone(), ..crossing.clone() });
    let mut new = item.series.clone();
    new.overrides.insert(key("2026-11-16T09:00"), moved("2026-11-17T09:00", "2026-11-17T10:00"));
    let changed = change(&source, &item, &new).await;
    assert_eq!(changed.series, new);
    assert_eq!(server.mock.list(MAILBOX).len(), 1);
}

#[tokio::test]
async fn an_occurrence_that_only_the_server_refuses_becomes_a_single_appointment() {
    // In the end both stand in order; on the way there one would have to pass the other.
    let overrides = BTreeMap::from([
        (key("2026-11-09T09:00"), moved("2026-11-17T09:00", "2026-11-17T10:00")),
        (key("2026-11-16T09:00"), moved("2026-11-18T09:00", "2026-11-18T10:00")),
    ]);
    let server = Server::newest().await;
    let source = source(&server);
    let mut series = series("FREQ=WEEKLY;BYDAY=MO;COUNT=10");
    series.overrides = overrides;
    assert_eq!(source.fit(&calendar(), &series), Fit::Whole);
    let item = create(&source, &series).await;
    assert_eq!(item.series.overrides, series.overrides);
    assert_eq!(tiles(&server), starts(&series));
    assert_eq!(server.mock.list(MAILBOX).len(), 2);
    // What was refused once is not tried again with every change.
    let mut new = item.series.clone();
    new.event.subject = "neu".to_owned();
    new.overrides.insert(key("2026-11-23T09:00"), Override::Cancelled);
    let changed = change(&source, &item, &new).await;
    assert_eq!(changed.series, new);

    // The same as a change of a series that is there.
    let mut plain = series.clone();
    plain.uid = "uid-plain".into();
    plain.overrides.clear();
    let item = create(&source, &plain).await;
    let new = Series { overrides: series.overrides.clone(), ..item.series.clone() };
    let changed = change(&source, &item, &new).await;
    assert_eq!(changed.series, new);
    assert_eq!(changed.receipt.unwrap().number, 2);
}

#[tokio::test]
async fn a_change_planned_upon_something_else_is_stale() {
    let server = Server::newest().await;
    let source = source(&server);
    let item = create(&source, &halves()).await;
    let ids = server.mock.list(MAILBOX);
    let edit = Edit { place: Some("vom Menschen".to_owned()), ..Edit::default() };
    assert!(server.mock.edit(MAILBOX, part_called(&server, &ids, "once:"), &edit));
    let mut new = item.series.clone();
    new.event.subject = "neu".to_owned();
    for outcome in [
        change_from(&source, &item, item.series.diff(&new)).await,
        delete(&source, &item.key, &item.revision).await,
    ] {
        assert!(
            matches!(&outcome, WriteOutcome::Refused(error) if error.kind == SourceErrorKind::Stale),
            "{outcome:?}"
        );
    }
    assert_eq!(server.mock.list(MAILBOX), ids);
    assert_eq!(read(&source, &item.key).await.series.event.subject, "Runde");
}

const REQUESTS: [&str; 5] = ["CreateItem", "UpdateItem", "DeleteItem", "GetItem", "FindItem"];

/// Every request of a write in turn is lost, or its answer is; `act` is told how the server is to be met.
async fn with_each_request_lost(mut act: impl AsyncFnMut(&Server, &dyn Fn(&Server)) -> bool) {
    for operation in REQUESTS {
        for trouble in [Trouble::DropBefore, Trouble::DropAfter] {
            for pass in 0.. {
                let server = Server::newest().await;
                server.client.version(&target()).await.unwrap();
                let order = |server: &Server| server.mock.trouble_for(operation, trouble.clone(), pass, 1);
                if act(&server, &order).await {
                    break;
                }
                assert!(pass < 40, "{operation} never ends");
            }
        }
    }
}

/// Brings a write to its end as the engine does: by asking what is there.
async fn finish(source: &ExchangeSource, token: &calsync_core::ids::CreateToken, series: &Series) -> Item {
    let found = source.find_created(&calendar(), std::slice::from_ref(token)).await.unwrap().remove(0);
    match found {
        Seen::Absent => {
            let op = WriteOp::Create { token: token.clone(), series: Box::new(series.clone()) };
            read(source, &stored(&apply(source, op, receipt(token, 2)).await)).await
        }
        Seen::Present(item) if item.receipt.is_none() => change(source, &item, series).await,
        Seen::Present(item) => *item,
        Seen::Unreadable(why) => panic!("{why}"),
    }
}

#[tokio::test]
async fn a_create_that_is_cut_off_anywhere_is_finished_and_nothing_is_doubled() {
    let series = halves();
    with_each_request_lost(async |server, order| {
        let source = source(server);
        let token = token("x");
        order(server);
        let op = WriteOp::Create { token: token.clone(), series: Box::new(series.clone()) };
        let outcome = apply(&source, op, receipt(&token, 1)).await;
        let whole = matches!(outcome, WriteOutcome::Applied(_));
        server.mock.clear_trouble();
        if let Seen::Present(item) =
            source.find_created(&calendar(), std::slice::from_ref(&token)).await.unwrap().remove(0)
        {
            assert_eq!(others(&source, server, &item.key).await, [], "{outcome:?}");
        }
        let item = finish(&source, &token, &series).await;
        assert_eq!(item.series.overrides, series.overrides, "{outcome:?}");
        assert_eq!(item.series.recurrence, series.recurrence, "{outcome:?}");
        assert_eq!(server.mock.list(MAILBOX).len(), 3, "{outcome:?}");
        assert_eq!(tiles(server), starts(&series), "{outcome:?}");
        whole
    })
    .await;
}

#[tokio::test]
async fn a_change_that_is_cut_off_anywhere_shows_what_was_until_it_is_finished() {
    with_each_request_lost(async |server, order| {
        let source = source(server);
        let item = create(&source, &halves()).await;
        let mut new = with_dates();
        new.uid = item.series.uid.clone();
        order(server);
        let outcome = change_from(&source, &item, item.series.diff(&new)).await;
        let whole = matches!(outcome, WriteOutcome::Applied(_));
        server.mock.clear_trouble();
        let between = read(&source, &item.key).await;
        assert_eq!(others(&source, server, &item.key).await, [], "{outcome:?}");
        let done = between.receipt.as_ref().unwrap().number == 2;
        assert_eq!(between.series, if done { new.clone() } else { item.series.clone() }, "{outcome:?}");
        if !done {
            let after = change(&source, &between, &new).await;
            assert_eq!(after.series, new, "{outcome:?}");
        }
        assert_eq!(server.mock.list(MAILBOX).len(), 3, "{outcome:?}");
        assert_eq!(tiles(server), starts(&new), "{outcome:?}");
        whole
    })
    .await;
}

#[tokio::test]
async fn a_deletion_that_is_cut_off_anywhere_is_finished() {
    with_each_request_lost(async |server, order| {
        let source = source(server);
        let item = create(&source, &halves()).await;
        order(server);
        let outcome = delete(&source, &item.key, &item.revision).await;
        let whole = matches!(outcome, WriteOutcome::Applied(_));
        server.mock.clear_trouble();
        if let Seen::Present(between) = seen(&source, &item.key).await {
            assert_eq!(between.series, item.series, "{outcome:?}");
            let outcome = delete(&source, &between.key, &between.revision).await;
            assert!(matches!(outcome, WriteOutcome::Applied(Applied::Deleted)), "{outcome:?}");
        }
        assert_eq!(server.mock.list(MAILBOX), Vec::<String>::new(), "{outcome:?}");
        whole
    })
    .await;
}

/// When the first expansion has less than half a year left.
fn next_july() -> DateTime<Utc> {
    at("2027-07-15T12:00").and_utc()
}

#[tokio::test]
async fn an_expansion_is_carried_further_long_before_it_ends() {
    let server = Server::newest().await;
    let early = source(&server);
    let item = create(&early, &weeks()).await;
    let (_, next) = page(&early, None).await;
    let before = server.client.traffic().requests();
    assert_eq!(early.upkeep(&calendar()).await.unwrap(), 0);
    assert!(server.client.traffic().requests() - before <= 3);
    let before = server.client.traffic().requests();
    assert_eq!(early.upkeep(&calendar()).await.unwrap(), 0);
    assert_eq!(server.client.traffic().requests(), before, "once a day");

    let late = server.source().with_clock(next_july);
    let (_, next) = page(&late, Some(&next)).await;
    assert_eq!(late.upkeep(&calendar()).await.unwrap(), 1);
    let after = read(&late, &item.key).await;
    assert_eq!((after.series, after.receipt), (item.series.clone(), item.receipt.clone()));
    // The four of 2026 but for the cancelled one, and those of 2027.
    assert_eq!(server.mock.list(MAILBOX).len(), 7);
    let far = server.source().with_clock(|| at("2028-02-01T12:00").and_utc());
    page(&far, Some(&next)).await;
    assert_eq!(far.upkeep(&calendar()).await.unwrap(), 1);
    assert_eq!(server.mock.list(MAILBOX).len(), 11);
    assert_eq!(server.mock.tiles(MAILBOX, day("2028-11-01"), day("2028-12-31")).len(), 4);
    assert_eq!(read(&far, &item.key).await.series, item.series);
    assert_eq!(far.upkeep(&calendar()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_calendar_without_groups_is_never_looked_through() {
    let server = Server::newest().await;
    let source = source(&server);
    create(&source, &series("FREQ=DAILY")).await;
    page(&source, None).await;
    let before = server.client.traffic().requests();
    assert_eq!(source.upkeep(&calendar()).await.unwrap(), 0);
    assert_eq!(server.client.traffic().requests(), before);
}

#[tokio::test]
async fn carrying_further_that_is_cut_off_anywhere_is_finished_later() {
    with_each_request_lost(async |server, order| {
        let item = create(&source(server), &weeks()).await;
        let late = server.source().with_clock(|| at("2028-02-01T12:00").and_utc());
        page(&late, None).await;
        order(server);
        let outcome = late.upkeep(&calendar()).await;
        server.mock.clear_trouble();
        let between = read(&late, &item.key).await;
        assert_eq!(between.series, item.series, "{outcome:?}");
        assert_eq!(others(&late, server, &item.key).await, [], "{outcome:?}");
        let again = server.source().with_clock(|| at("2028-02-02T12:00").and_utc());
        page(&again, None).await;
        assert!(again.upkeep(&calendar()).await.unwrap() <= u64::from(outcome.is_err()));
        assert_eq!(server.mock.list(MAILBOX).len(), 11, "{outcome:?}");
        // It is whole again: an edit of a part is seen.
        let ids = server.mock.list(MAILBOX);
        let edit = Edit { place: Some("Büro".to_owned()), ..Edit::default() };
        assert!(server.mock.edit(MAILBOX, part_called(server, &ids, "once:2028-11"), &edit));
        assert_ne!(read(&again, &item.key).await.series, item.series);
        outcome.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_part_that_is_edited_while_a_change_begins_makes_it_stale() {
    let server = Server::newest().await;
    let source = source(&server);
    let item = create(&source, &halves()).await;
    let ids = server.mock.list(MAILBOX);
    let mut new = item.series.clone();
    new.event.subject = "neu".to_owned();
    server.mock.set_latency(std::time::Duration::from_millis(100));
    let before = server.client.traffic().requests();
    let person = async {
        // The series was looked at with its parts; the next look is at the owner alone.
        while server.client.traffic().requests() < before + 3 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let edit = Edit { place: Some("vom Menschen".to_owned()), ..Edit::default() };
        assert!(server.mock.edit(MAILBOX, part_called(&server, &ids, "once:"), &edit));
    };
    let (outcome, ()) = tokio::join!(change_from(&source, &item, item.series.diff(&new)), person);
    server.mock.set_latency(std::time::Duration::ZERO);
    assert!(
        matches!(&outcome, WriteOutcome::Refused(error) if error.kind == SourceErrorKind::Stale),
        "{outcome:?}"
    );
    let read = read(&source, &item.key).await;
    assert_eq!(read.series.event, item.series.event);
    let Override::Changed(overlay) = &read.series.overrides[&key("2026-11-06T15:00")] else { panic!() };
    assert_eq!(overlay.place.as_deref(), Some("vom Menschen"));
}
