//! A round stops at each of its requests in turn, and each HTTP request in turn is lost: what comes after ends in the
//! same calendars as if nothing had happened.
//!
//! Here the round runs in this process, so that the moment is exact: with the real clients, the real state on disk, and
//! mock servers over HTTP. The executable itself is killed in `crash`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use calsync_core::drive::{self, Clock, Pair};
use calsync_core::ids::PerSide;
use calsync_core::store::{StateStore as _, StoreError};
use calsync_core::sync::{Mode, Request, Round, RoundInput, Settings};
use calsync_store::{PairingRecord, PairingStore as _, SqliteStore};
use calsync_testkit::exchange::Trouble;
use calsync_testkit::nvs::{Failure, Fault};
use calsync_testkit::people::{Calendars as _, Draft, Edit, Repeat, Rhythm, Tile, Until};
use calsyncd::clock::SystemClock;
use calsyncd::engine::{Engine, Servers, Sides as _};
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use ews_client::{EwsClient, Secret};
use nvs_client::{NvsClient, NvsSettings, Token};

use super::world::{PASSWORD, World};

struct Now;

impl Clock for Now {
    fn now(&self) -> DateTime<Utc> {
        SystemTime::now().into()
    }

    fn steady(&self) -> Duration {
        SystemClock.steady()
    }
}

/// A clock that a test puts forward, so that what was set aside for a while is due.
#[derive(Default)]
struct Forward(AtomicI64);

impl Clock for Forward {
    fn now(&self) -> DateTime<Utc> {
        Now.now() + TimeDelta::minutes(self.0.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        SystemClock.steady()
    }
}

/// Where a round stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Crash {
    request: usize,
    /// Whether that request is still answered.
    answered: bool,
}

struct Bench {
    world: World,
    record: PairingRecord,
    servers: Arc<Servers>,
}

impl Bench {
    async fn new() -> Bench {
        let world = World::new(1).await;
        let one = &world.pairings[0];
        let record = PairingRecord::new(&one.unit, &one.unit, &one.mailbox);
        let ews =
            EwsClient::basic(world.exchange.url(), "svc-calsync", Secret::new(PASSWORD)).build().unwrap();
        let nvs = NvsClient::new(NvsSettings::new(world.nvs.url(), Token::new(world.nvs.token()))).unwrap();
        let zone = calsync_core::zone::Zone::new("Europe/Berlin").unwrap();
        let bench = Bench { record, servers: Arc::new(Servers::new(nvs, ews, zone)), world };
        bench.state().add_pairing(&bench.record).await.unwrap();
        bench
    }

    /// The state as a process finds it that has just started.
    fn state(&self) -> SqliteStore {
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            match SqliteStore::open(self.world.path("state")) {
                // A process that another test starts at this moment has our lock for the blink of an eye.
                Err(StoreError::InUse(_)) if Instant::now() < patience => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                opened => return opened.unwrap(),
            }
        }
    }

    /// Runs a round up to the crash; whether it got that far.
    async fn stopped_round(&self, crash: Crash) -> bool {
        let store = self.state();
        let fence = store.lease(&self.record.id).await.unwrap().fence;
        let (sources, calendars) = (self.servers.sources(&self.record), self.servers.calendars(&self.record));
        // Who leaves marks is the same in every process of one installation.
        let installation = self.servers.installation().await.unwrap();
        let settings = Settings { installation, ..self.record.settings.engine() };
        let pair = Pair {
            id: &self.record.id,
            sources: PerSide { a: sources.a.as_ref(), b: sources.b.as_ref() },
            calendars: PerSide { a: &calendars.a, b: &calendars.b },
            settings: &settings,
        };
        let mut round = Round::new(RoundInput {
            pairing: self.record.id.clone(),
            settings: settings.clone(),
            mode: Mode::Sync,
            now: Now.now(),
            capabilities: PerSide::from_fn(|side| pair.sources.get(side).capabilities()),
        });
        for number in 0.. {
            let request = round.poll();
            if matches!(request, Request::Done(_)) {
                break;
            }
            let here = number == crash.request;
            if here && !crash.answered {
                return true;
            }
            let reply = drive::answer(pair, &store, &Now, fence, request).await.unwrap();
            if here {
                return true;
            }
            round.handle(reply);
        }
        false
    }

    /// Rounds of a fresh process, until one has nothing to do.
    async fn whole_rounds(&self) {
        let clock = Arc::new(Forward::default());
        let engine = Engine::new(self.servers.clone(), Arc::new(self.state())).with_clock(clock.clone());
        for turn in 0.. {
            // A write whose answer was lost is not tried again at once.
            clock.0.store(10 * turn, Ordering::SeqCst);
            let finished = engine.sync(&self.record).await;
            let report = finished.result.as_ref().unwrap();
            assert_eq!(report.failure, None);
            if report.writes() == 0 && report.is_clean() {
                break;
            }
            assert!(turn < 5, "it never comes to rest: {report:?}");
        }
    }

    fn fill(&self) {
        self.world.fill(6);
        let one = &self.world.pairings[0];
        self.world.nvs.create(&one.unit, &self.weekly("Serie NVS", 2)).unwrap();
        self.world.exchange.create(&one.mailbox, &self.weekly("Serie Exchange", 3)).unwrap();
    }

    fn weekly(&self, subject: &str, days: u64) -> Draft {
        let draft = self.world.draft(subject, days);
        let weekday = draft.start.date().weekday();
        let rhythm = Rhythm::Weekly(vec![weekday]);
        Draft { repeat: Some(Repeat { rhythm, every: 1, until: Until::Count(6) }), ..draft }
    }

    /// People on both sides do a bit of everything.
    fn edit(&self) {
        let (world, one) = (&self.world, &self.world.pairings[0]);
        let place = |text: &str| Edit { place: Some(text.to_owned()), ..Edit::default() };
        let [nvs, exchange] = [&world.nvs.list(&one.unit), &world.exchange.list(&one.mailbox)];
        let in_nvs = |subject: &str| self.id_in_nvs(nvs, subject);
        assert!(world.nvs.edit(&one.unit, &in_nvs("Serie NVS"), &place("Neuer Ort der Serie")));
        let original = self.weekly("", 2).start + chrono::TimeDelta::weeks(2);
        assert!(world.nvs.edit_occurrence(&one.unit, &in_nvs("Serie NVS"), original, &place("Nur einmal")));
        assert!(world.nvs.delete_occurrence(
            &one.unit,
            &in_nvs("Serie NVS"),
            original + chrono::TimeDelta::weeks(1)
        ));
        world.nvs.create(&one.unit, &world.draft("Neu NVS", 9)).unwrap();
        world.exchange.create(&one.mailbox, &world.draft("Neu Exchange", 10)).unwrap();
        world.exchange.create(&one.mailbox, &self.weekly("Neue Serie Exchange", 11)).unwrap();
        // The first and the last in storage order, whatever they are.
        assert!(world.exchange.edit(&one.mailbox, &exchange[0], &place("Neuer Ort")));
        assert!(world.exchange.delete(&one.mailbox, exchange.last().unwrap()));
        let gone = nvs.iter().find(|id| self.is_single(id)).unwrap();
        assert!(world.nvs.delete(&one.unit, gone));
    }

    fn document(&self, id: &str) -> serde_json::Value {
        self.world.nvs.document(&self.world.pairings[0].unit, id).unwrap()
    }

    fn id_in_nvs(&self, ids: &[String], subject: &str) -> String {
        ids.iter().find(|id| self.document(id)["subject"] == subject).unwrap().clone()
    }

    fn is_single(&self, id: &str) -> bool {
        let document = self.document(id);
        document.get("recurrence").is_none_or(serde_json::Value::is_null)
            && document["subject"] != "Serie NVS"
    }

    fn tiles(&self) -> [Vec<Tile>; 2] {
        let one = &self.world.pairings[0];
        [self.world.nvs_tiles(one), self.world.exchange_tiles(one)]
    }
}

/// What both sides show when nothing goes wrong.
async fn undisturbed(edits: bool) -> Vec<Tile> {
    let bench = Bench::new().await;
    bench.fill();
    bench.whole_rounds().await;
    if edits {
        bench.edit();
        bench.whole_rounds().await;
    }
    let [nvs, exchange] = bench.tiles();
    assert_eq!(nvs, exchange);
    assert!(nvs.len() > 15);
    nvs
}

#[track_caller]
fn assert_same(bench: &Bench, wanted: &[Tile], what: &str) {
    for (side, tiles) in ["NVS", "Exchange"].into_iter().zip(bench.tiles()) {
        let lost: Vec<_> = wanted.iter().filter(|tile| !tiles.contains(tile)).collect();
        let extra: Vec<_> = tiles.iter().filter(|tile| !wanted.contains(tile)).collect();
        assert!(tiles == wanted, "{what}: {side} lost {lost:#?}, has besides {extra:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_every_request_of_a_first_sync_changes_nothing_in_the_end() {
    let wanted = undisturbed(false).await;
    let mut crashes = 0;
    for request in 0.. {
        for answered in [false, true] {
            let bench = Bench::new().await;
            bench.fill();
            if !bench.stopped_round(Crash { request, answered }).await {
                assert!(crashes > 15, "only {crashes} requests in a first sync?");
                return;
            }
            crashes += 1;
            bench.whole_rounds().await;
            assert_same(&bench, &wanted, &format!("crash at request {request}, answered: {answered}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_every_request_of_a_round_changes_nothing_in_the_end() {
    let wanted = undisturbed(true).await;
    let mut crashes = 0;
    for request in 0.. {
        for answered in [false, true] {
            let bench = Bench::new().await;
            bench.fill();
            bench.whole_rounds().await;
            bench.edit();
            if !bench.stopped_round(Crash { request, answered }).await {
                assert!(crashes > 15, "only {crashes} requests in a round with edits?");
                return;
            }
            crashes += 1;
            bench.whole_rounds().await;
            assert_same(&bench, &wanted, &format!("crash at request {request}, answered: {answered}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_lost_request_or_answer_changes_nothing_in_the_end() {
    let wanted = undisturbed(true).await;
    let edited = async || {
        let bench = Bench::new().await;
        bench.fill();
        bench.whole_rounds().await;
        bench.edit();
        bench.world.exchange.reset_traffic();
        bench.world.nvs.forget_seen();
        bench
    };
    // How many requests there are.
    let bench = edited().await;
    bench.whole_rounds().await;
    let of_exchange = bench.world.exchange.traffic();
    let of_nvs: u64 = bench.world.nvs.seen().requests.values().sum();

    for (operation, traffic) in of_exchange {
        for pass in 0..u32::try_from(traffic.requests).unwrap() {
            for trouble in [Trouble::DropBefore, Trouble::DropAfter] {
                let bench = edited().await;
                bench.world.exchange.trouble_for(&operation, trouble.clone(), pass, 1);
                settle(&bench).await;
                assert_same(&bench, &wanted, &format!("{operation} {pass}: {trouble:?}"));
            }
        }
    }
    for after in 0..of_nvs {
        for failure in [Failure::DropBefore, Failure::DropAfter, Failure::HalfAnAnswer] {
            let bench = edited().await;
            bench.world.nvs.fault(Fault { operation: None, after, times: 1, failure: failure.clone() });
            settle(&bench).await;
            assert_same(&bench, &wanted, &format!("request {after} to NVS: {failure:?}"));
        }
    }
}

/// One round that may fail, then whole ones.
async fn settle(bench: &Bench) {
    {
        let engine = Engine::new(bench.servers.clone(), Arc::new(bench.state()));
        let _ = engine.sync(&bench.record).await;
    }
    bench.world.exchange.clear_trouble();
    bench.world.nvs.heal();
    bench.whole_rounds().await;
}

/// A series of which one instance passes its neighbour, which Exchange cannot hold in one item.
impl Bench {
    fn fill_crossing(&self) -> String {
        let one = &self.world.pairings[0];
        self.world.nvs.create(&one.unit, &self.weekly("Serie NVS", 2)).unwrap()
    }

    fn cross(&self, id: &str) {
        let one = &self.world.pairings[0];
        let draft = self.weekly("", 2);
        let weeks = |count| TimeDelta::weeks(count);
        let later = weeks(2) + TimeDelta::days(8);
        let span = Some((draft.start + later, draft.end + later));
        let edit = Edit { span, place: Some("Ausweichort".to_owned()), ..Edit::default() };
        assert!(self.world.nvs.edit_occurrence(&one.unit, id, draft.start + weeks(2), &edit));
    }

    /// Without what only tells how an instance is stored.
    fn plain_tiles(&self) -> [Vec<Tile>; 2] {
        self.tiles().map(|tiles| {
            let plain = |tile: Tile| Tile { recurring: false, ..tile };
            let mut tiles: Vec<Tile> = tiles.into_iter().map(plain).collect();
            tiles.sort();
            tiles
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_every_request_of_writing_a_series_of_two_items_changes_nothing_in_the_end() {
    let mut crashes = 0;
    for request in 0.. {
        for answered in [false, true] {
            let bench = Bench::new().await;
            let id = bench.fill_crossing();
            bench.whole_rounds().await;
            bench.cross(&id);
            let stopped = bench.stopped_round(Crash { request, answered }).await;
            bench.whole_rounds().await;
            let what = format!("crash at request {request}, answered: {answered}");
            let [nvs, exchange] = bench.plain_tiles();
            assert_eq!(nvs, exchange, "{what}");
            assert_eq!(nvs.len(), 6, "{what}");
            let mailbox = bench.world.pairings[0].mailbox.clone();
            assert_eq!(bench.world.exchange.list(&mailbox).len(), 2, "{what}");
            assert_eq!(bench.world.nvs.list(&bench.world.pairings[0].unit).len(), 1, "{what}");
            if !stopped {
                assert!(crashes > 10, "only {crashes} requests in a round?");
                return;
            }
            crashes += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_do_to_the_items_of_one_series_arrives_as_changes_of_its_instances() {
    let bench = Bench::new().await;
    let id = bench.fill_crossing();
    bench.cross(&id);
    bench.whole_rounds().await;
    let (world, one) = (&bench.world, &bench.world.pairings[0]);
    let single = |world: &World| {
        let tiles = world.exchange_tiles(one);
        assert_eq!(tiles.iter().filter(|tile| !tile.recurring).count(), 1);
        let of = |id: &String| {
            world.exchange.extended(&one.mailbox, id, "7a1c5e0e-3c1b-4f0b-9d2e-2b6f0c1d9a55", "calsync-part")
        };
        let ids = world.exchange.list(&one.mailbox);
        ids.into_iter().find(|id| of(id).is_some_and(|part| part.starts_with("once:"))).unwrap()
    };
    let edit = Edit { subject: Some("vom Menschen".to_owned()), ..Edit::default() };
    assert!(world.exchange.edit(&one.mailbox, &single(world), &edit));
    bench.whole_rounds().await;
    let [nvs, exchange] = bench.plain_tiles();
    assert_eq!(nvs, exchange);
    assert_eq!(nvs.iter().filter(|tile| tile.subject == "vom Menschen").count(), 1);
    assert_eq!(world.nvs.list(&one.unit).len(), 1);

    assert!(world.exchange.delete(&one.mailbox, &single(world)));
    bench.whole_rounds().await;
    let [nvs, exchange] = bench.plain_tiles();
    assert_eq!(nvs, exchange);
    assert_eq!(nvs.len(), 5);

    assert!(world.nvs.delete(&one.unit, &id));
    bench.whole_rounds().await;
    assert_eq!(bench.plain_tiles(), [vec![], vec![]]);
    assert_eq!(world.exchange.list(&one.mailbox), Vec::<String>::new());
}
