//! One world: servers, people, and a daemon that is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use calsync_core::ids::{PairingId, Side};
use calsync_core::store::{JournalQuery, StateStore as _, StoreError};
use calsync_store::SqliteStore;
use calsync_testkit::exchange::{CUSTOMER_NAME, CUSTOMER_SET};
use calsync_testkit::people::{Calendars, Draft, Edit, Repeat, Rhythm, Tile, Until};
use chrono::Datelike as _;
use tokio::process::Child;

use crate::Tally;
use crate::dice::Dice;
use crate::ledger::{Ledger, asks_about};
use crate::world::World;

/// Deeds about one appointment: few enough that nobody takes them for two programs that answer each other.
const TOUCHES: usize = 4;
/// No more appointments than that.
const MOST: usize = 60;

struct Bench {
    world: World,
    name: PairingId,
    ledger: Ledger,
    dice: Dice,
    counter: u64,
    seed: u64,
    kill: u64,
}

/// Runs the world of a seed: so many kills, peace, and a look at what is there.
pub(crate) async fn run(seed: u64, kills: u64, tally: &Tally) {
    let mut world = World::new(1).await;
    world.set_sync("interval = \"1s\"");
    let mut bench = Bench {
        name: prompt(seed),
        world,
        ledger: Ledger::default(),
        dice: Dice::new(seed),
        counter: 0,
        seed,
        kill: 0,
    };
    bench.begin().await;
    for kill in 1..=kills {
        bench.kill = kill;
        bench.run_and_kill(tally).await;
        tally.kills.fetch_add(1, Ordering::Relaxed);
        for _ in 0..bench.below(3) {
            bench.deed(tally);
        }
        bench.look(tally).await;
    }
    bench.end(tally).await;
}

/// A name whose first round begins at once: the daemon spreads first rounds by the names of pairings.
fn prompt(seed: u64) -> PairingId {
    (0..100_000)
        .map(|number| PairingId::new(format!("world-{seed}-{number}")))
        .find(|name| {
            let mut hasher = DefaultHasher::new();
            (name, 0_u64).hash(&mut hasher);
            hasher.finish() % 1000 < 5
        })
        .unwrap()
}

impl Bench {
    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.dice.index(usize::try_from(limit).unwrap()) as u64
    }

    /// Stops the test and says how to do the same again.
    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let Bench { seed, kill, .. } = self;
        let log = std::fs::read_to_string(self.world.path("daemon.log")).unwrap_or_default();
        let end: Vec<&str> = log.lines().rev().take(30).collect();
        let end: Vec<&str> = end.into_iter().rev().collect();
        panic!(
            "{what}\nseed {seed}, after kill {kill}; again: CALSYNC_KILLS=25 CALSYNC_KILLS_SEED={seed} \
             CALSYNC_KILLS_AT_ONCE=1 cargo test -p calsyncd --test kills (moments differ a little from run to run)\n\
             the end of the log:\n{}",
            end.join("\n")
        )
    }

    fn unit(&self) -> String {
        self.world.pairings[0].unit.clone()
    }

    fn mailbox(&self) -> String {
        self.world.pairings[0].mailbox.clone()
    }

    fn calendar(&self, side: Side) -> (&dyn Calendars, String) {
        match side {
            Side::A => (&self.world.nvs, self.unit()),
            Side::B => (&self.world.exchange, self.mailbox()),
        }
    }

    /// Appointments that are in step.
    async fn begin(&mut self) {
        let (unit, mailbox) = (self.unit(), self.mailbox());
        let args = ["pairing", "add", self.name.as_str(), "--unit", &unit, "--mailbox", &mailbox];
        self.world.run(&args).await.exits(0);
        // People delete a lot here, and mean it.
        let args =
            ["pairing", "set", self.name.as_str(), "--set", "guard_percent=100", "--set", "change_guard=off"];
        self.world.run(&args).await.exits(0);
        for _ in 0..8 {
            self.create();
        }
        self.quiet().await;
        self.world.exchange.set_latency(Duration::from_millis(1));
        self.world.nvs.latency(Duration::from_millis(1));
    }

    /// Requests that the servers have seen.
    fn requests(&self) -> u64 {
        let exchange: u64 = self.world.exchange.traffic().values().map(|traffic| traffic.requests).sum();
        exchange + self.world.nvs.seen().requests.values().sum::<u64>()
    }

    fn start(&self) -> Child {
        let log = File::options().create(true).append(true).open(self.world.path("daemon.log")).unwrap();
        let mut command = self.world.command(&["run"]);
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    async fn run_and_kill(&mut self, tally: &Tally) {
        let before = self.requests();
        let started = Instant::now();
        let mut child = self.start();
        // By the clock, or by what it asked the servers.
        let (moment, requests) = match self.below(10) {
            0..=2 => (self.below(400), u64::MAX),
            3 => (900 + self.below(1_500), u64::MAX),
            _ => (3_000, 1 + self.below(30)),
        };
        let moment = Duration::from_millis(moment);
        while started.elapsed() < moment && self.requests() - before < requests {
            if self.below(20) == 0 {
                self.deed(tally);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            if let Ok(Some(status)) = child.try_wait() {
                self.fail(&format!("the daemon ended by itself: {status}"));
            }
        }
        child.kill().await.unwrap();
    }

    /// Somebody does something on one of the sides.
    fn deed(&mut self, tally: &Tally) {
        tally.deeds.fetch_add(1, Ordering::Relaxed);
        let side = if self.below(2) == 0 { Side::A } else { Side::B };
        let before = self.requests();
        match self.below(10) {
            0..=3 if self.there(side).len() < MOST => self.create_on(side),
            0..=7 => {
                let Some((number, id, saw)) = self.somewhere(side) else { return };
                let place = self.place(side);
                let edit = Edit { place: Some(place.clone()), ..Edit::default() };
                let (calendar, of) = self.calendar(side);
                if calendar.edit(&of, &id, &edit) {
                    let unsure = self.requests() != before;
                    self.ledger.edited(&number, saw, place, unsure);
                }
            }
            _ => {
                let Some((number, id, saw)) = self.somewhere(side) else { return };
                let (calendar, of) = self.calendar(side);
                if calendar.delete(&of, &id) {
                    let unsure = self.requests() != before;
                    self.ledger.deleted(&number, side, saw, unsure);
                }
            }
        }
    }

    fn create(&mut self) {
        let side = if self.below(2) == 0 { Side::A } else { Side::B };
        self.create_on(side);
    }

    fn create_on(&mut self, side: Side) {
        let place = self.place(side);
        let number = format!("K{}", self.counter);
        let draft = self.world.draft(&format!("Termin {number}"), 1 + self.counter % 200);
        let weekday = draft.start.date().weekday();
        let repeat = (self.below(6) == 0).then(|| Repeat {
            rhythm: Rhythm::Weekly(vec![weekday]),
            every: 1,
            until: Until::Count(4),
        });
        let draft = Draft { place: place.clone(), customer: Some(number.clone()), repeat, ..draft };
        let (calendar, of) = self.calendar(side);
        calendar.create(&of, &draft).unwrap();
        self.ledger.created(&number, &place);
    }

    /// A place that was never written.
    fn place(&mut self, side: Side) -> String {
        self.counter += 1;
        format!("{side}-{}", self.counter)
    }

    /// An appointment on this side about which not much was done yet: its number, its id, and its place.
    fn somewhere(&mut self, side: Side) -> Option<(String, String, String)> {
        let there = self.there(side);
        if there.is_empty() {
            return None;
        }
        let at = self.dice.index(there.len());
        let (number, ids) = there.into_iter().nth(at)?;
        let thing = self.ledger.things.get_mut(&number)?;
        thing.touched += 1;
        if thing.touched > TOUCHES {
            return None;
        }
        let saw = self.places(side).remove(&number)?;
        Some((number, ids[0].clone(), saw))
    }

    /// Ids by number.
    fn there(&self, side: Side) -> BTreeMap<String, Vec<String>> {
        let (calendar, of) = self.calendar(side);
        let mut there: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for id in calendar.list(&of) {
            let number = match side {
                Side::A => self
                    .world
                    .nvs
                    .document(&of, &id)
                    .and_then(|document| Some(document["subject"].as_str()?.replace("Termin ", ""))),
                Side::B => self.world.exchange.extended(&of, &id, CUSTOMER_SET, CUSTOMER_NAME),
            };
            // Gone between the two questions.
            let Some(number) = number else { continue };
            there.entry(number).or_default().push(id);
        }
        there
    }

    /// Places by number.
    fn places(&self, side: Side) -> BTreeMap<String, String> {
        let one = &self.world.pairings[0];
        let tiles = match side {
            Side::A => self.world.nvs_tiles(one),
            Side::B => self.world.exchange_tiles(one),
        };
        tiles.into_iter().filter_map(|tile| Some((tile.customer?, tile.place))).collect()
    }

    /// Opens a copy of what the daemon left, and notes what it will ask about.
    async fn look(&mut self, tally: &Tally) {
        let copy = tempfile::tempdir().unwrap();
        for file in ["state.sqlite", "state.sqlite-wal", "journal.sqlite", "journal.sqlite-wal"] {
            let from = self.world.path("state").join(file);
            if from.exists() {
                std::fs::copy(from, copy.path().join(file)).unwrap();
            }
        }
        let store = match SqliteStore::open(copy.path()) {
            Ok(store) => store,
            Err(error) => self.fail(&format!("what the kill left cannot be opened: {error}")),
        };
        if let Err(error) = store.check().await {
            self.fail(&format!("what the kill left is damaged: {error}"));
        }
        let intents = store.head(&self.name).await.unwrap().intents;
        tally.open.fetch_add(u64::from(!intents.is_empty()), Ordering::Relaxed);
        tally.intents.fetch_add(intents.len() as u64, Ordering::Relaxed);
        let open: BTreeSet<_> =
            intents.iter().filter_map(|intent| asks_about(intent.side, &intent.write.op)).collect();
        self.ledger.starts(open);
    }

    /// Rounds without a kill and without people, until one has nothing to do. What was set aside is waited for: a feed is silent
    /// about an item that was made and deleted between two looks at it, so that a write to it fails first.
    async fn quiet(&self) {
        let patience = Instant::now() + Duration::from_secs(200);
        let mut rounds = 0;
        while rounds < 8 {
            let ran = self.world.run(&["sync", "--json"]).await;
            let set_aside = ran.code == Some(3) && {
                let one = &ran.json()["pairings"][0];
                one["held"] == 0 && one["error"].is_null() && one["failing"] != 0
            };
            if set_aside && Instant::now() < patience {
                tokio::time::sleep(Duration::from_secs(5)).await;
                continue;
            }
            rounds += 1;
            if ran.code != Some(0) {
                self.fail(&format!("in peace it says {:?}\n{}\n{}", ran.code, ran.out, ran.err));
            }
            let report = ran.json();
            let one = &report["pairings"][0];
            let idle = ["nvs", "exchange"]
                .iter()
                .all(|side| ["created", "updated", "deleted"].iter().all(|what| one[side][what] == 0));
            if idle {
                return;
            }
        }
        self.fail("it never comes to rest");
    }

    async fn end(&mut self, tally: &Tally) {
        self.world.exchange.set_latency(Duration::ZERO);
        self.world.nvs.latency(Duration::ZERO);
        self.quiet().await;
        let (nvs, exchange) = (self.there(Side::A), self.there(Side::B));
        let doubled: Vec<_> =
            nvs.iter().chain(&exchange).filter(|(_, ids)| ids.len() > 1).map(|(number, _)| number).collect();
        if !doubled.is_empty() {
            self.fail(&format!("there twice: {doubled:?}"));
        }
        if !self.world.in_step() || !nvs.keys().eq(exchange.keys()) {
            let one = &self.world.pairings[0];
            let (nvs, exchange) = (self.world.nvs_tiles(one), self.world.exchange_tiles(one));
            let only = |these: &[Tile], others: &[Tile]| -> Vec<Tile> {
                these.iter().filter(|tile| !others.contains(tile)).cloned().collect()
            };
            self.fail(&format!(
                "not in step: only NVS {:?}, only Exchange {:?}",
                only(&nvs, &exchange),
                only(&exchange, &nvs)
            ));
        }
        if !self.world.exchange.outbox().is_empty() {
            self.fail(&format!("mails: {:?}", self.world.exchange.outbox()));
        }
        let store = self.store().await;
        if let Err(error) = store.check().await {
            self.fail(&error.to_string());
        }
        let head = store.head(&self.name).await.unwrap();
        if !head.intents.is_empty() {
            self.fail(&format!("writes that nobody asked about: {:?}", head.intents));
        }
        let journal = store.journal_entries(&self.name, &JournalQuery::default()).await.unwrap();
        let there = self.places(Side::A);
        let judgement = self.ledger.judge(&there, &journal, &self.deleted_items());
        tally.came_back.fetch_add(judgement.came_back, Ordering::Relaxed);
        tally.in_deleted_items.fetch_add(judgement.in_deleted_items, Ordering::Relaxed);
        if !judgement.wrong.is_empty() {
            self.fail(&judgement.wrong.join("\n"));
        }
    }

    /// The places of what is in Deleted Items. Somebody brings all of it back to look: this world is over.
    fn deleted_items(&self) -> BTreeSet<String> {
        let mailbox = self.mailbox();
        while self.world.exchange.restore_deleted(&mailbox).is_some() {}
        let tiles = self.world.exchange_tiles(&self.world.pairings[0]);
        tiles.into_iter().map(|tile| tile.place).collect()
    }

    /// The state, of which a process that another test starts at this moment may have the lock for the blink of an eye.
    async fn store(&self) -> SqliteStore {
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            match SqliteStore::open(self.world.path("state")) {
                Err(StoreError::InUse(_)) if Instant::now() < patience => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                opened => return opened.unwrap(),
            }
        }
    }
}
