//! Whole rounds of the engine between two NVS servers: the shortest way to see that the source keeps its promises.

use std::sync::Mutex;
use std::time::Duration;

use calsync_core::drive::{Clock, Holder, Pair, sync};
use calsync_core::ids::{CalendarKey, PairingId, PerSide};
use calsync_core::memory::MemoryStore;
use calsync_core::sync::{RoundReport, Settings};
use calsync_testkit::nvs::{Failure, Fault, MockNvs, MockNvsSettings};
use calsync_testkit::people::{Busy, Calendars, Draft, Edit, Repeat, Rhythm, Tile, Until};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc, Weekday};
use nvs_client::NvsSource;

use super::{start, start_as};

/// A clock that goes on by a minute with each look.
struct Minutes(Mutex<DateTime<Utc>>);

impl Clock for Minutes {
    fn now(&self) -> DateTime<Utc> {
        let mut now = self.0.lock().unwrap();
        *now += chrono::TimeDelta::minutes(1);
        *now
    }

    fn steady(&self) -> Duration {
        Duration::ZERO
    }
}

pub(crate) struct World {
    pub(crate) mocks: [MockNvs; 2],
    sources: [NvsSource; 2],
    store: MemoryStore,
    clock: Minutes,
    pub(crate) settings: Settings,
}

pub(crate) const UNIT: &str = "meier";

impl World {
    pub(crate) async fn new() -> Self {
        let (mock_a, client_a) = start().await;
        let other = MockNvsSettings { installation: "the other".into(), ..MockNvsSettings::default() };
        let (mock_b, client_b) = start_as(other).await;
        Self {
            mocks: [mock_a, mock_b],
            sources: [NvsSource::new(client_a), NvsSource::new(client_b)],
            store: MemoryStore::new(),
            clock: Minutes(Mutex::new(std::time::SystemTime::now().into())),
            settings: Settings::default(),
        }
    }

    pub(crate) async fn round(&self) -> RoundReport {
        let id = PairingId::new("meier");
        let calendar = CalendarKey::new(UNIT);
        let pair = Pair {
            id: &id,
            sources: PerSide { a: &self.sources[0], b: &self.sources[1] },
            calendars: PerSide { a: &calendar, b: &calendar },
            settings: &self.settings,
        };
        let holder = Holder::new("test", Duration::from_secs(60));
        sync(pair, &self.store, &self.clock, &holder).await.unwrap()
    }

    fn tiles(&self, side: usize) -> Vec<Tile> {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        self.mocks[side].tiles(UNIT, day("2026-01-01"), day("2027-06-01"))
    }

    fn assert_in_step(&self) {
        assert_eq!(self.tiles(0), self.tiles(1));
    }
}

fn at(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

pub(crate) fn draft(subject: &str, start: &str, repeat: Option<Repeat>) -> Draft {
    Draft {
        subject: subject.into(),
        place: "Ulm".into(),
        notes: "two\nlines".into(),
        start: at(start),
        end: at(start) + chrono::TimeDelta::hours(2),
        zone: "Europe/Berlin".into(),
        all_day: false,
        category: Some("Einsatz".into()),
        busy: Busy::OutOfOffice,
        private: false,
        reminder: Some(15),
        customer: Some("K-1".into()),
        repeat,
    }
}

fn all_day(subject: &str, first: &str, days: i64) -> Draft {
    let start = at(&format!("{first}T00:00:00"));
    Draft {
        all_day: true,
        start,
        end: start + chrono::TimeDelta::days(days),
        ..draft(subject, "2026-03-05T09:00:00", None)
    }
}

pub(crate) fn weekly() -> Repeat {
    Repeat { rhythm: Rhythm::Weekly(vec![Weekday::Mon, Weekday::Thu]), every: 1, until: Until::Count(30) }
}

pub(crate) fn subject(text: &str) -> Edit {
    Edit { subject: Some(text.into()), ..Edit::default() }
}

#[tokio::test]
async fn two_calendars_come_into_step_stay_there_and_a_quiet_round_asks_each_side_once() {
    let world = World::new().await;
    let [a, b] = &world.mocks;
    let single = a.create(UNIT, &draft("single", "2026-03-04T09:00:00", None)).unwrap();
    let series = a.create(UNIT, &draft("series", "2026-03-05T09:00:00", Some(weekly()))).unwrap();
    assert!(a.delete_occurrence(UNIT, &series, at("2026-03-09T09:00:00")));
    b.create(UNIT, &all_day("fair", "2026-04-01", 3)).unwrap();
    b.create(
        UNIT,
        &draft(
            "last day",
            "2026-01-31T16:00:00",
            Some(Repeat { rhythm: Rhythm::MonthlyOn(31), every: 1, until: Until::Forever }),
        ),
    )
    .unwrap();
    let report = world.round().await;
    assert_eq!(
        (report.sides.a.created, report.sides.b.created, report.failures.len()),
        (2, 2, 0),
        "{report:?}"
    );
    world.assert_in_step();
    assert!(world.tiles(0).len() > 40);

    // Edits on both sides, of the same series too.
    assert!(a.edit(UNIT, &single, &Edit { reminder: Some(None), ..subject("changed on a") }));
    let twin = b
        .list(UNIT)
        .into_iter()
        .find(|id| {
            b.occurrences(UNIT, id, "2026-03-05".parse().unwrap(), "2026-03-06".parse().unwrap()).len() == 1
        })
        .unwrap();
    let span = Some((at("2026-03-13T11:00:00"), at("2026-03-13T12:00:00")));
    assert!(b.edit_occurrence(
        UNIT,
        &twin,
        at("2026-03-12T09:00:00"),
        &Edit { span, ..subject("moved on b") }
    ));
    assert!(a.edit_occurrence(
        UNIT,
        &series,
        at("2026-03-12T09:00:00"),
        &Edit { place: Some("Neu-Ulm".into()), ..Edit::default() }
    ));
    assert!(a.delete(UNIT, &a.list(UNIT)[3]));
    let report = world.round().await;
    assert_eq!(report.conflicts, 0, "{report:?}");
    world.assert_in_step();
    let moved = world.tiles(0).into_iter().find(|tile| tile.subject == "moved on b").unwrap();
    assert_eq!((moved.start.as_str(), moved.place.as_str()), ("2026-03-13T10:00:00Z", "Neu-Ulm"));

    // Our own writes come back as changes once, and then there is nothing left to say.
    let echo = world.round().await;
    assert_eq!((echo.sides.a.updated, echo.sides.b.updated), (0, 0));
    for side in &world.mocks {
        side.forget_seen();
    }
    let quiet = world.round().await;
    assert_eq!(quiet.plan.steps.len(), 0);
    for side in &world.mocks {
        let seen: Vec<(String, u64)> = side.seen().requests.into_iter().collect();
        assert_eq!(seen, [("changes".to_owned(), 1)]);
    }
}

#[tokio::test]
async fn lost_answers_of_writes_double_nothing() {
    for failure in [
        Failure::DropBefore,
        Failure::DropAfter,
        Failure::BadGateway,
        Failure::HtmlPage,
        Failure::HalfAnAnswer,
    ] {
        let world = World::new().await;
        let [a, b] = &world.mocks;
        let ids: Vec<String> = (1..6)
            .map(|n| a.create(UNIT, &draft("x", &format!("2026-03-0{n}T09:00:00"), None)).unwrap())
            .collect();
        b.fault(Fault { operation: Some("write".into()), after: 0, times: 1, failure: failure.clone() });
        for _ in 0..3 {
            world.round().await;
        }
        world.assert_in_step();
        assert_eq!(b.list(UNIT).len(), 5, "{failure:?}");

        for id in &ids {
            assert!(a.edit(UNIT, id, &subject("y")));
        }
        assert!(a.delete(UNIT, &ids[0]));
        b.fault(Fault { operation: Some("write".into()), after: 0, times: 1, failure: failure.clone() });
        for _ in 0..3 {
            world.round().await;
        }
        world.assert_in_step();
        assert_eq!(world.tiles(1).iter().filter(|tile| tile.subject == "y").count(), 4, "{failure:?}");
    }
}

#[tokio::test]
async fn an_expired_cursor_costs_a_listing_and_nothing_else() {
    let world = World::new().await;
    let [a, b] = &world.mocks;
    for n in 1..6 {
        a.create(UNIT, &draft("x", &format!("2026-03-0{n}T09:00:00"), None)).unwrap();
    }
    world.round().await;
    world.round().await;
    a.expire_cursors();
    assert!(a.delete(UNIT, &a.list(UNIT)[0]));
    for _ in 0..2 {
        let report = world.round().await;
        assert_eq!((report.sides.a.created, report.sides.b.created), (0, 0));
    }
    world.assert_in_step();
    assert_eq!(b.list(UNIT).len(), 4);
}

#[tokio::test]
async fn what_cannot_be_read_or_is_left_out_of_a_listing_is_not_deleted() {
    let world = World::new().await;
    let [a, b] = &world.mocks;
    for n in 1..6 {
        a.create(UNIT, &draft("x", &format!("2026-03-0{n}T09:00:00"), None)).unwrap();
    }
    world.round().await;
    let ids = a.list(UNIT);
    a.make_unreadable(&ids[0]);
    a.leave_out_of_listings(&ids[1]);
    a.expire_cursors();
    for _ in 0..3 {
        world.round().await;
    }
    assert_eq!(b.list(UNIT).len(), 5);
}
