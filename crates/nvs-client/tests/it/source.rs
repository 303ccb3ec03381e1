//! The calendar source against the mock: what the engine writes is what it reads, and it is told how each write ended.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{
    CalendarKey, ChangeToken, ContentHash, CreateToken, ItemKey, LinkId, PairingId, Revision, Side, Uid,
};
use calsync_core::memory::MemoryStore;
use calsync_core::model::{
    Attendee, Busy, Event, Mark, MarkKind, Notes, Overlay, Override, OverridePatch, Participation, Person,
    Recurrence, RecurrenceId, Reminder, Sensitivity, Series, SeriesPatch, Span, When,
};
use calsync_core::recur::Rule;
use calsync_core::source::{
    Applied, CalendarSource, Item, NoFiles, Receipt, Seen, SourceErrorKind, Write, WriteOp, WriteOutcome,
};
use calsync_core::store::{JournalEntry, Recorded, record};
use calsync_core::zone::Zone;
use calsync_testkit::nvs::{Failure, MockNvs};
use calsync_testkit::people::{Calendars, Edit};
use chrono::{NaiveDate, NaiveDateTime};
use nvs_client::{NvsSource, wire};
use proptest::prelude::*;

use super::{canned, start};

fn unit() -> CalendarKey {
    CalendarKey::new("meier")
}

async fn source() -> (MockNvs, NvsSource) {
    let (mock, client) = start().await;
    (mock, NvsSource::new(client))
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn berlin() -> Zone {
    Zone::new("Europe/Berlin").unwrap()
}

fn hour(text: &str) -> Span {
    Span::zoned(local(text), local(text) + chrono::TimeDelta::hours(1), &berlin())
}

fn series(event: Event, rule: &str) -> Series {
    let recurrence = Recurrence { rule: rule.parse::<Rule>().unwrap(), dates: BTreeSet::new() };
    Series { recurrence: Some(recurrence), ..Series::single(Uid::new("u-1"), event) }
}

fn receipt(number: u64) -> Receipt {
    Receipt {
        token: CreateToken::derive(&PairingId::new("p"), Side::A, &ItemKey::new("AAMk="), 0),
        counterpart: ItemKey::new("AAMk="),
        // Of the second write on there is no mask any more.
        counterpart_uid: Some(Uid::new("040000008200E0")),
        own_uid: Some(Uid::new("its own")),
        masked: number == 1,
        number,
        content: ContentHash::of(&["x"]),
    }
}

async fn recorded(op: WriteOp, number: u64) -> Vec<Recorded<Write>> {
    let write = Write { link: LinkId(7), op, receipt: receipt(number) };
    let entry = JournalEntry::new(chrono::DateTime::UNIX_EPOCH, Side::A, write, "test");
    record(&MemoryStore::new(), &PairingId::new("p"), &[entry]).await.unwrap()
}

async fn apply(source: &NvsSource, op: WriteOp, number: u64) -> WriteOutcome {
    source.apply(&unit(), &recorded(op, number).await, &NoFiles).await.pop().unwrap()
}

fn create(series: &Series) -> WriteOp {
    WriteOp::Create { token: receipt(1).token, series: Box::new(series.clone()) }
}

fn update(item: &Item, to: &Series) -> WriteOp {
    WriteOp::Update {
        key: item.key.clone(),
        expected: item.revision.clone(),
        patch: Box::new(item.series.diff(to)),
        current: Box::new(item.series.clone()),
    }
}

fn item(outcome: WriteOutcome) -> Item {
    match outcome {
        WriteOutcome::Applied(Applied::Item(item)) => *item,
        other => panic!("{other:?}"),
    }
}

fn refusal(outcome: WriteOutcome) -> SourceErrorKind {
    match outcome {
        WriteOutcome::Refused(error) => error.kind,
        other => panic!("{other:?}"),
    }
}

async fn read(source: &NvsSource, key: &ItemKey) -> Seen {
    source.fetch(&unit(), std::slice::from_ref(key)).await.unwrap().pop().unwrap()
}

fn full() -> Event {
    Event {
        place: "Ulm".into(),
        notes: Notes::html("<p>a</p>"),
        categories: BTreeSet::from(["Einsatz".into()]),
        busy: Busy::OutOfOffice,
        sensitivity: Sensitivity::Private,
        reminder: Reminder::Minutes(15),
        organizer: Person { name: "Chef".into(), address: "chef@example.com".into() },
        attendees: vec![Attendee {
            person: Person { name: String::new(), address: "a@example.com".into() },
            participation: Participation::Optional,
        }],
        customer: "K-4711".into(),
        ..Event::new("Montage", hour("2026-03-05T09:00:00"))
    }
}

#[tokio::test]
async fn what_is_created_is_read_back_with_its_receipt_and_found_by_its_token() {
    let (_mock, source) = source().await;
    let mut made = series(full(), "FREQ=WEEKLY;BYDAY=TH;COUNT=10");
    let key = |text: &str| RecurrenceId::from_text(text).unwrap();
    made.overrides.insert(key("2026-03-12T09:00:00"), Override::Cancelled);
    let overlay =
        Overlay { reminder: Some(Reminder::Off), customer: Some(String::new()), ..Overlay::default() };
    made.overrides.insert(key("2026-03-19T09:00:00"), Override::Changed(overlay));
    made.recurrence.as_mut().unwrap().dates.insert(key("2026-03-06T11:00:00"));

    let stored = item(apply(&source, create(&made), 1).await);
    assert_eq!(stored.series, made);
    assert_eq!(stored.receipt, Some(receipt(1)));
    assert_eq!(read(&source, &stored.key).await, Seen::Present(Box::new(stored.clone())));
    let other = CreateToken::from_wire("other");
    let found = source.find_created(&unit(), &[other, receipt(1).token]).await.unwrap();
    assert_eq!(found, [Seen::Absent, Seen::Present(Box::new(stored.clone()))]);

    let page = source.changes(&unit(), None).await.unwrap();
    assert_eq!(page.entries[0].key, stored.key);
    assert_eq!(page.entries[0].revision.as_ref(), Some(&stored.revision));
    assert!(page.server_time.is_some() && !page.more);
}

#[tokio::test]
async fn what_nvs_cannot_hold_is_rounded_and_never_refused() {
    let (_mock, source) = source().await;
    let mut event = full();
    event.categories = BTreeSet::from(["A".into(), "B".into()]);
    event.sensitivity = Sensitivity::Personal;
    let single = Series::single(Uid::new("u"), event.clone());
    let stored = item(apply(&source, create(&single), 1).await);
    assert_eq!(stored.series.event.categories, BTreeSet::from(["A".to_owned()]));
    assert_eq!(stored.series.event.sensitivity, Sensitivity::Normal);
    // The type it has stays while it is among the categories.
    let mut to = stored.series.clone();
    to.event.categories = BTreeSet::from(["0".into(), "A".into()]);
    let stored = item(apply(&source, update(&stored, &to), 2).await);
    assert_eq!(stored.series.event.categories, BTreeSet::from(["A".to_owned()]));
    // A day without a time, a time without a zone, an instant.
    let day = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
    let mut floating = single.clone();
    floating.event.span = Span {
        start: When::Floating(local("2026-03-05T09:00:00")),
        end: When::Floating(local("2026-03-05T10:00:00")),
    };
    assert!(matches!(refusal(apply(&source, create(&floating), 1).await), SourceErrorKind::Rejected(_)));
    for span in [
        Span::days(day, day),
        Span {
            start: When::Utc(local("2026-03-05T09:00:00").and_utc()),
            end: When::Utc(local("2026-03-05T09:00:00").and_utc()),
        },
    ] {
        let mut other = single.clone();
        other.event = Event { span: span.clone(), ..Event::new("x", span) };
        assert_eq!(item(apply(&source, create(&other), 1).await).series, other);
    }
}

#[tokio::test]
async fn an_end_of_a_rule_is_written_in_the_form_its_start_asks_for() {
    let (mock, source) = source().await;
    let timed = series(full(), "FREQ=DAILY;UNTIL=20260310");
    let stored = item(apply(&source, create(&timed), 1).await);
    let document = mock.document("meier", stored.key.as_str()).unwrap();
    assert_eq!(document["rule"], "FREQ=DAILY;UNTIL=20260310T225959Z");
    let day = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
    let all_day = series(Event::new("x", Span::days(day, day)), "FREQ=DAILY;UNTIL=20260310T225959Z");
    let stored = item(apply(&source, create(&all_day), 1).await);
    assert_eq!(mock.document("meier", stored.key.as_str()).unwrap()["rule"], "FREQ=DAILY;UNTIL=20260310");
}

#[tokio::test]
async fn a_series_that_is_moved_to_another_day_repeats_on_that_day() {
    let (mock, source) = source().await;
    // 5 March is a Thursday, and the rule says nothing of days.
    let stored = item(apply(&source, create(&series(full(), "FREQ=WEEKLY;COUNT=5")), 1).await);
    let rule = |item: &Item| item.series.recurrence.as_ref().unwrap().rule.to_string();
    assert!(rule(&stored).contains("BYDAY=TH"), "{}", rule(&stored));
    let implied = BTreeMap::from([("rule".to_owned(), serde_json::json!("FREQ=WEEKLY;COUNT=5"))]);
    mock.set_members("meier", stored.key.as_str(), &implied).unwrap();
    let Seen::Present(seen) = read(&source, &stored.key).await else { panic!() };
    assert_eq!(seen.series, stored.series, "the same, in fewer words");
    let to = (local("2026-03-06T09:00:00"), local("2026-03-06T10:00:00"));
    assert!(mock.edit("meier", stored.key.as_str(), &Edit { span: Some(to), ..Edit::default() }));
    let Seen::Present(moved) = read(&source, &stored.key).await else { panic!() };
    assert!(rule(&moved).contains("BYDAY=FR"), "{}", rule(&moved));
    assert!(stored.series.diff(&moved.series).recurrence.is_some(), "the other side is told of the day");
}

#[tokio::test]
async fn fields_that_nobody_here_knows_survive_an_update() {
    let (mock, source) = source().await;
    let stored = item(apply(&source, create(&series(full(), "FREQ=DAILY;COUNT=5")), 1).await);
    let extra = BTreeMap::from([
        ("x-depot".to_owned(), serde_json::json!({"bay": 3})),
        ("colour".to_owned(), serde_json::json!("#00ff00")),
    ]);
    mock.set_members("meier", stored.key.as_str(), &extra).unwrap();
    let Seen::Present(seen) = read(&source, &stored.key).await else { panic!() };
    assert_eq!(seen.series, stored.series, "what only NVS has makes no difference");
    let mut to = seen.series.clone();
    to.event.subject = "y".into();
    let key = RecurrenceId::from_text("2026-03-06T09:00:00").unwrap();
    to.overrides.insert(key, Override::Cancelled);
    let now = item(apply(&source, update(&seen, &to), 2).await);
    assert_eq!((&now.series, now.receipt), (&to, Some(receipt(2))));
    let document = mock.document("meier", stored.key.as_str()).unwrap();
    assert_eq!(
        (&document["x-depot"]["bay"], &document["colour"]),
        (&serde_json::json!(3), &serde_json::json!("#00ff00"))
    );
}

#[tokio::test]
async fn of_copies_with_the_same_token_the_oldest_is_found() {
    let (mock, source) = source().await;
    mock.set_clock_offset(chrono::TimeDelta::hours(-1));
    let first = item(apply(&source, create(&Series::single(Uid::new("a"), full())), 1).await);
    mock.set_clock_offset(chrono::TimeDelta::hours(-2));
    let older = item(apply(&source, create(&Series::single(Uid::new("b"), full())), 1).await);
    assert_ne!(first.key, older.key);
    let older_key = older.key.clone();
    assert_eq!(
        source.find_created(&unit(), &[receipt(1).token]).await.unwrap(),
        [Seen::Present(Box::new(older))]
    );
    // The one that cannot be read may be the original, and the other a copy.
    mock.make_unreadable(older_key.as_str());
    let found = source.find_created(&unit(), &[receipt(1).token]).await.unwrap();
    assert!(matches!(found.as_slice(), [Seen::Unreadable(_)]), "{found:?}");
}

#[tokio::test]
async fn an_occurrence_that_differs_only_in_what_nvs_knows_does_not_differ() {
    let (_mock, client) = start().await;
    let extra = serde_json::json!({ "x-depot": 3 }).as_object().unwrap().clone();
    let own = wire::Override { fields: wire::Fields { extra, ..wire::Fields::default() }, cancelled: false };
    let made = wire::NewAppointment {
        overrides: BTreeMap::from([("2026-03-06T09:00:00".into(), own)]),
        ..super::new(super::series("x", "FREQ=DAILY;COUNT=5"))
    };
    let stored = super::applied(&client, super::create("k", "meier", made)).await;
    assert_eq!(stored.overrides.len(), 1);
    let Seen::Present(item) = read(&NvsSource::new(client), &ItemKey::new(stored.id)).await else { panic!() };
    assert_eq!(item.series.overrides, BTreeMap::new());
}

#[tokio::test]
async fn the_second_reading_of_a_repeated_hour_is_an_hour_later() {
    let (_mock, client) = start().await;
    let at =
        |later| wire::Moment::Zoned { at: local("2026-10-25T02:30:00"), zone: "Europe/Berlin".into(), later };
    let fields = wire::Fields { start: Some(at(false)), end: Some(at(true)), ..wire::Fields::default() };
    let stored = super::applied(&client, super::create("k", "meier", super::new(fields))).await;
    let Seen::Present(item) = read(&NvsSource::new(client), &ItemKey::new(stored.id)).await else { panic!() };
    let instants = (item.series.event.span.start.instant(), item.series.event.span.end.instant());
    let utc = |text: &str| Some(local(text).and_utc());
    assert_eq!(instants, (utc("2026-10-25T00:30:00"), utc("2026-10-25T01:30:00")));
}

#[tokio::test]
async fn a_change_of_a_cancelled_occurrence_brings_it_back() {
    let (_mock, source) = source().await;
    let mut made = series(full(), "FREQ=DAILY;COUNT=5");
    let key = RecurrenceId::from_text("2026-03-06T09:00:00").unwrap();
    made.overrides.insert(key, Override::Cancelled);
    let stored = item(apply(&source, create(&made), 1).await);
    let own = Overlay { place: Some("x".into()), ..Overlay::default() };
    let patch = SeriesPatch {
        overrides: BTreeMap::from([(key, OverridePatch::Change(Overlay::default().diff(&own)))]),
        ..SeriesPatch::default()
    };
    let expected = patch.apply(&stored.series);
    let op = WriteOp::Update {
        key: stored.key.clone(),
        expected: stored.revision.clone(),
        patch: Box::new(patch),
        current: Box::new(stored.series.clone()),
    };
    let now = item(apply(&source, op, 2).await);
    assert_eq!(now.series, expected);
    assert_eq!(now.series.overrides[&key], Override::Changed(own));
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_settled_by_asking() {
    let (mock, source) = source().await;
    let single = Series::single(Uid::new("u"), full());
    mock.fail_next_of("write", 1, Failure::DropBefore);
    let outcome = apply(&source, create(&single), 1).await;
    assert!(
        matches!(&outcome, WriteOutcome::Unknown(error) if error.kind == SourceErrorKind::NoAnswer),
        "{outcome:?}"
    );
    assert_eq!(source.find_created(&unit(), &[receipt(1).token]).await.unwrap(), [Seen::Absent]);

    mock.fail_next_of("write", 1, Failure::DropAfter);
    assert!(matches!(apply(&source, create(&single), 1).await, WriteOutcome::Unknown(_)));
    let found = source.find_created(&unit(), &[receipt(1).token]).await.unwrap().pop().unwrap();
    let Seen::Present(found) = found else { panic!("{found:?}") };
    assert_eq!(found.series, single);
    // Repeating would do no harm either.
    assert_eq!(item(apply(&source, create(&single), 1).await), *found);
    assert_eq!(mock.list("meier").len(), 1);
}

#[tokio::test]
async fn a_remembered_create_is_not_believed_when_its_item_was_deleted_since() {
    let (mock, source) = source().await;
    let single = Series::single(Uid::new("u"), full());
    let stored = item(apply(&source, create(&single), 1).await);
    assert!(mock.delete("meier", stored.key.as_str()));
    assert_eq!(refusal(apply(&source, create(&single), 1).await), SourceErrorKind::Missing);
}

#[tokio::test]
async fn each_refusal_says_what_the_engine_does_next() {
    let (mock, source) = source().await;
    let single = Series::single(Uid::new("u"), full());
    let stored = item(apply(&source, create(&single), 1).await);
    assert!(mock.edit("meier", stored.key.as_str(), &Edit { place: Some("x".into()), ..Edit::default() }));
    let mut to = single.clone();
    to.event.subject = "y".into();
    assert_eq!(refusal(apply(&source, update(&stored, &to), 2).await), SourceErrorKind::Stale);
    let delete = |key: &ItemKey, revision: &str| WriteOp::Delete {
        key: key.clone(),
        expected: Revision::new(revision),
    };
    assert_eq!(refusal(apply(&source, delete(&stored.key, "r1"), 2).await), SourceErrorKind::Stale);
    assert_eq!(refusal(apply(&source, delete(&ItemKey::new("no"), "r1"), 2).await), SourceErrorKind::Missing);
    mock.protect_type("Einsatz");
    assert_eq!(refusal(apply(&source, delete(&stored.key, "r2"), 2).await), SourceErrorKind::Protected);
    let mark = Mark { kind: MarkKind::Deleted, note: String::new() };
    let marking = WriteOp::Update {
        key: stored.key.clone(),
        expected: Revision::new("r2"),
        patch: Box::new(SeriesPatch { mark: Some(mark), ..SeriesPatch::default() }),
        current: Box::new(stored.series.clone()),
    };
    item(apply(&source, marking, 2).await);
    let document = mock.document("meier", stored.key.as_str()).unwrap();
    assert_eq!(document["mark"], serde_json::json!({"kind": "deleted"}));
    mock.heal();
    mock.fail_next(1, Failure::Throttled { retry_after: 4 });
    let seconds = std::time::Duration::from_secs(4);
    assert_eq!(refusal(apply(&source, create(&single), 3).await), SourceErrorKind::Throttled(seconds));
    mock.fail_next(1, Failure::Unavailable { retry_after: None });
    assert_eq!(refusal(apply(&source, create(&single), 3).await), SourceErrorKind::Unavailable);

    let read_only = CalendarKey::new("raum 1/ost");
    let outcome =
        source.apply(&read_only, &recorded(create(&single), 1).await, &NoFiles).await.pop().unwrap();
    assert!(matches!(refusal(outcome), SourceErrorKind::Denied(_)));
    let unknown = CalendarKey::new("nobody");
    let outcome = source.apply(&unknown, &recorded(create(&single), 1).await, &NoFiles).await.pop().unwrap();
    assert!(matches!(refusal(outcome), SourceErrorKind::NoCalendar(_)));
    let error = source.changes(&unknown, None).await.unwrap_err();
    assert!(matches!(error.kind, SourceErrorKind::NoCalendar(_)));
}

#[tokio::test]
async fn reading_tells_absent_from_unreadable() {
    let (mock, source) = source().await;
    let a = item(apply(&source, create(&Series::single(Uid::new("a"), full())), 1).await);
    let mut other = full();
    other.subject = "b".into();
    let b = item(apply(&source, create(&Series::single(Uid::new("b"), other)), 1).await);
    mock.make_unreadable(a.key.as_str());
    let seen = source.fetch(&unit(), &[a.key.clone(), ItemKey::new("gone"), b.key.clone()]).await.unwrap();
    assert!(matches!(seen[0], Seen::Unreadable(_)));
    assert_eq!(seen[1], Seen::Absent);
    assert_eq!(seen[2], Seen::Present(Box::new(b)));
    // Both carry the token, and the one that was made first cannot be read: "there is none" would be a guess. What
    // nobody made is not held up by it.
    let other = CreateToken::from_wire("other");
    let found = source.find_created(&unit(), &[receipt(1).token, other]).await.unwrap();
    assert!(matches!(found.as_slice(), [Seen::Unreadable(_), Seen::Absent]), "{found:?}");
}

#[tokio::test]
async fn after_a_restore_nothing_is_written_until_it_was_read_from_the_beginning() {
    let (mock, source) = source().await;
    let page = source.changes(&unit(), None).await.unwrap();
    let backup = mock.snapshot();
    let single = Series::single(Uid::new("u"), full());
    let made = item(apply(&source, create(&single), 1).await);
    mock.restore(&backup);
    assert_eq!(refusal(apply(&source, create(&single), 1).await), SourceErrorKind::WentBack);
    assert!(mock.list("meier").is_empty());
    let error = source.changes(&unit(), Some(&page.next)).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::WentBack);
    // It was there before the restore: that it is not there now is no deletion.
    let error = source.fetch(&unit(), std::slice::from_ref(&made.key)).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::WentBack);
    let error = source.find_created(&unit(), &[receipt(1).token]).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::WentBack);

    source.changes(&unit(), None).await.unwrap();
    assert_eq!(read(&source, &made.key).await, Seen::Absent);
    item(apply(&source, create(&single), 1).await);
}

#[tokio::test]
async fn a_restore_is_noticed_by_the_token_alone_and_an_expired_cursor_is_none() {
    let (mock, source) = source().await;
    item(apply(&source, create(&Series::single(Uid::new("u"), full())), 1).await);
    let page = source.changes(&unit(), None).await.unwrap();
    // Whoever asks knows nothing but the token, as after a restart.
    let restarted = || NvsSource::new(super::client_of(&mock));
    restarted().changes(&unit(), Some(&page.next)).await.unwrap();
    mock.expire_cursors();
    let error = restarted().changes(&unit(), Some(&page.next)).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::TokenExpired);

    let page = source.changes(&unit(), None).await.unwrap();
    let backup = mock.snapshot();
    mock.expire_cursors();
    let error = source.changes(&unit(), Some(&page.next)).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::TokenExpired);
    mock.restore(&backup);
    let error = source.changes(&unit(), None).await.unwrap_err();
    assert_eq!(
        error.kind,
        SourceErrorKind::WentBack,
        "restored between the expired token and the new beginning"
    );
    source.changes(&unit(), None).await.unwrap();
    for _ in 0..2 {
        let error = restarted().changes(&unit(), Some(&page.next)).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::WentBack, "and it is noticed until somebody chooses");
    }
    // A token from before tokens had an epoch says nothing about it.
    let (_, cursor) = page.next.as_str().split_once('\n').unwrap();
    let error = restarted().changes(&unit(), Some(&ChangeToken::new(cursor))).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::TokenExpired);
}

#[tokio::test]
async fn why_an_item_is_refused_or_unreadable_is_told_without_the_words_of_the_server() {
    let problem = r#"{"type":"urn:x-calender-sync:problem:invalid","title":"Geheim","status":422,"detail":"Geheim",
        "errors":[{"pointer":"/writes/0/appointment/end","detail":"Geheim"}]}"#;
    let read =
        format!(r#"{{"epoch":"e","results":[{{"id":"a","state":"unreadable","problem":{problem}}}]}}"#);
    let source = NvsSource::new(canned::client(vec![(200, "", read)]).await);
    let Seen::Unreadable(why) = self::read(&source, &ItemKey::new("a")).await else { panic!() };
    assert_eq!(why, "invalid: the content breaks a rule; wrong at /writes/0/appointment/end");

    let writes = recorded(create(&Series::single(Uid::new("u"), full())), 1).await;
    let written =
        format!(r#"{{"epoch":"e","results":[{{"key":"{{KEY}}","outcome":"refused","problem":{problem}}}]}}"#);
    let source = NvsSource::new(canned::client(vec![(200, "", written)]).await);
    let outcome = source.apply(&unit(), &writes, &NoFiles).await.pop().unwrap();
    let SourceErrorKind::Rejected(why) = refusal(outcome) else { panic!() };
    assert_eq!(why, "invalid: the content breaks a rule; wrong at /writes/0/appointment/end");
}

#[tokio::test]
async fn a_large_batch_goes_out_in_pieces_and_one_bad_entry_spoils_nothing() {
    let (mock, source) = source().await;
    let mut writes = Vec::new();
    for n in 0..10 {
        let mut event = full();
        event.subject = format!("s{n}");
        if n == 3 {
            event.span.end = event.span.start.with_local(local("2026-03-05T08:00:00"));
        }
        event.notes = Notes::plain(&"z".repeat(600_000));
        writes.extend(recorded(create(&Series::single(Uid::new(format!("u{n}")), event)), n).await);
    }
    let outcomes = source.apply(&unit(), &writes, &NoFiles).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(matches!(outcome, WriteOutcome::Refused(_)), n == 3, "{n}");
    }
    assert_eq!(mock.list("meier").len(), 9);
    assert!(mock.seen().requests["write"] >= 3);
}

// ---- any change from any content to any other ------------------------------------------------------------------

fn any_person() -> impl Strategy<Value = Person> {
    prop_oneof![Just(Person::default()), Just(Person { name: "N".into(), address: "n@example.com".into() })]
}

fn any_busy() -> impl Strategy<Value = Busy> {
    prop_oneof![Just(Busy::Free), Just(Busy::Tentative), Just(Busy::Busy), Just(Busy::WorkingElsewhere)]
}

fn any_overlay() -> impl Strategy<Value = Overlay> {
    let of = |strategy: BoxedStrategy<String>| proptest::option::of(strategy);
    (
        proptest::option::of(0..20i64),
        of("[a-c]{0,2}".boxed()),
        of("[a-c]{0,2}".boxed()),
        proptest::option::of(prop_oneof![Just(Notes::default()), Just(Notes::plain("n"))]),
        proptest::option::of(prop_oneof![Just(BTreeSet::new()), Just(BTreeSet::from(["T".to_owned()]))]),
        proptest::option::of(any_busy()),
        proptest::option::of(prop_oneof![Just(Reminder::Off), Just(Reminder::Minutes(5))]),
        proptest::option::of(any_person()),
        of("[K]{0,1}".boxed()),
    )
        .prop_map(|(days, subject, place, notes, categories, busy, reminder, organizer, customer)| Overlay {
            span: days.map(|days| {
                let start = local("2026-03-05T13:00:00") + chrono::TimeDelta::days(days);
                Span::zoned(start, start + chrono::TimeDelta::minutes(30), &berlin())
            }),
            subject,
            place,
            notes,
            categories,
            busy,
            sensitivity: None,
            reminder,
            organizer,
            attendees: None,
            customer,
            meeting: None,
            attachments: None,
        })
        .prop_filter("an overlay says something", |overlay| !overlay.is_empty())
}

fn any_series() -> impl Strategy<Value = Series> {
    let event = (
        "[a-c]{0,3}",
        "[a-c]{0,2}",
        prop_oneof![Just(Notes::default()), Just(Notes::plain("n")), Just(Notes::html("<i>n</i>"))],
        prop_oneof![Just(BTreeSet::new()), Just(BTreeSet::from(["T".to_owned()]))],
        any_busy(),
        any::<bool>(),
        prop_oneof![Just(Reminder::Off), Just(Reminder::Minutes(0)), Just(Reminder::Minutes(15))],
        any_person(),
        "[K]{0,1}",
    )
        .prop_map(|(subject, place, notes, categories, busy, private, reminder, organizer, customer)| {
            Event {
                place,
                notes,
                categories,
                busy,
                sensitivity: if private { Sensitivity::Private } else { Sensitivity::Normal },
                reminder,
                organizer,
                customer,
                ..Event::new(subject, hour("2026-03-05T09:00:00"))
            }
        });
    let over = prop_oneof![1 => Just(Override::Cancelled), 3 => any_overlay().prop_map(Override::Changed)];
    let overrides = proptest::collection::btree_map(0..6i64, over, 0..4);
    let rule = prop_oneof![
        Just("FREQ=DAILY;COUNT=6"),
        Just("FREQ=DAILY"),
        Just("FREQ=DAILY;UNTIL=20260320T080000Z")
    ];
    (event, proptest::option::weighted(0.8, rule), overrides).prop_map(|(event, rule, overrides)| {
        let Some(rule) = rule else { return Series::single(Uid::new("u-1"), event) };
        let mut series = series(event, rule);
        series.overrides = overrides
            .into_iter()
            .filter_map(|(day, over)| {
                let start = local("2026-03-05T09:00:00") + chrono::TimeDelta::days(day);
                let over = match over {
                    Override::Cancelled => Override::Cancelled,
                    Override::Changed(overlay) => {
                        Override::Changed(difference(&series.event, start, &overlay)?)
                    }
                };
                Some((RecurrenceId::Local(start), over))
            })
            .collect();
        series
    })
}

/// What an overlay says beyond the series.
fn difference(event: &Event, start: NaiveDateTime, overlay: &Overlay) -> Option<Overlay> {
    let span = Span::zoned(start, start + chrono::TimeDelta::hours(1), &berlin());
    let planned = Event { span, ..event.clone() };
    Some(planned.overlay(&planned.with(overlay))).filter(|overlay| !overlay.is_empty())
}

#[tokio::test]
async fn an_occurrence_that_says_what_the_series_says_does_not_differ_until_the_series_changes() {
    let (mock, source) = source().await;
    let made = item(apply(&source, create(&series(full(), "FREQ=DAILY;COUNT=3")), 1).await);
    let id = made.key.as_str();
    let original = local("2026-03-06T09:00:00");
    let private = |private| Edit { private: Some(private), ..Edit::default() };
    let is = made.series.event.sensitivity.is_private();
    assert!(mock.edit_occurrence("meier", id, original, &private(is)));
    let Seen::Present(same) = read(&source, &made.key).await else { panic!() };
    assert_eq!(same.series.overrides, BTreeMap::new());

    assert!(mock.edit("meier", id, &private(!is)));
    let Seen::Present(differs) = read(&source, &made.key).await else { panic!() };
    let Some(Override::Changed(overlay)) = differs.series.overrides.get(&RecurrenceId::Local(original))
    else {
        panic!("{:?}", differs.series.overrides)
    };
    assert_eq!(overlay.sensitivity.map(Sensitivity::is_private), Some(is));
}

#[test]
fn any_change_from_any_content_to_any_other_arrives() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mock, source) = runtime.block_on(source());
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(from in any_series(), to in any_series())| {
        // The same content may come twice, and the mock would remember the first.
        mock.forget_keys();
        let (before, after) = runtime.block_on(async {
            let created = item(apply(&source, create(&from), 1).await);
            let updated = if created.series.diff(&to).is_empty() {
                created.clone()
            } else {
                item(apply(&source, update(&created, &to), 2).await)
            };
            let delete = WriteOp::Delete { key: updated.key.clone(), expected: updated.revision.clone() };
            assert!(matches!(apply(&source, delete, 3).await, WriteOutcome::Applied(Applied::Deleted)));
            (created.series, updated.series)
        });
        prop_assert_eq!(before, from);
        prop_assert_eq!(after, to);
    });
}
