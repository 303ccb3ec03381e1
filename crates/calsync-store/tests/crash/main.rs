//! The power fails at every I/O point of many scenarios, and again while what is left is opened.
//!
//! SQLite runs upon disks in memory ([`vfs`]), so that a scenario is played once and what would be left at each of its points
//! is made from what it asked of the disk ([`disk`]). What the store shows when it is opened upon that is what it showed after
//! the last step that was acknowledged, or after the one that was being done: never less, and nothing in between.
//!
//! A point lies before each thing that changes the disk (a file made or deleted, a write, a cut, a sync) and after the last.
//! What was not synced is lost, kept, torn, or kept without being safe, as where only the process is killed. What is left is
//! opened, changed and closed; that is the recovery, and the power fails in it too.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `CALSYNC_CRASH_SCENARIOS` | how many scenarios; 16 unless it says more; CI takes 40, in an optimised build |
//! | `CALSYNC_CRASH_FIRST` | the first of them, 0 |
//! | `CALSYNC_CRASH_WHOLE` | set: see below |
//!
//! What is left where all is lost is tried whenever it is another than before; of the three others one at each point, by
//! turns. Of each recovery one point is tried, with one of these, and of one recovery of each scenario all points. Where
//! `CALSYNC_CRASH_WHOLE` is set, all four are tried at each point, and at each point of each recovery three.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a test that fails this way says where"
)]

mod dice;
mod disk;
mod observe;
#[path = "../it/sample.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod sample;
mod scenario;
mod vfs;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use calsync_core::ids::PairingId;
use calsync_core::store::{Closed, Commit, JournalEntry, StateStore};
use calsync_store::SqliteStore;
use rusqlite::Connection;

use crate::dice::Dice;
use crate::disk::{Cut, Disk, Event};
use crate::observe::{Allowed, PAIRINGS, Seen, see};
use crate::scenario::{Kind, Story, play};
use crate::vfs::mount;

/// What was done, over all scenarios.
#[derive(Debug, Default)]
struct Tally {
    points: AtomicU64,
    crashes: AtomicU64,
    recovery_points: AtomicU64,
    recovery_crashes: AtomicU64,
}

fn more(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect(name))
}

/// Which scenario it is, and where the power failed.
struct Place<'s> {
    scenario: u64,
    story: &'s Story,
    point: usize,
    cut: Cut,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { scenario, story, point, cut } = self;
        let step = story.step_of(*point);
        write!(
            f,
            "scenario {scenario}, point {point} of {} ({cut:?}), in: {step}; steps: {:?}\nagain: \
             CALSYNC_CRASH_FIRST={scenario} CALSYNC_CRASH_SCENARIOS=1 cargo test -p calsync-store --test crash",
            story.trace.len(),
            story.steps
        )
    }
}

/// A directory for one thread: the lock file is a real one, the databases are not.
struct Bench {
    dir: tempfile::TempDir,
    schema: Vec<(String, String)>,
    whole: bool,
    /// What was seen, and what was seen after going on from there.
    known: Option<(Seen, Seen)>,
}

impl Bench {
    fn new(whole: bool) -> Bench {
        Bench { dir: tempfile::tempdir().unwrap(), schema: Vec::new(), whole, known: None }
    }

    fn dir(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    /// A disk with files that were made and closed; what their schema is.
    fn prepared(&mut self) -> Disk {
        let drive = mount(self.dir(), Disk::default());
        drop(SqliteStore::open(self.dir()).unwrap());
        self.schema = self.schema_now();
        assert!(self.schema.len() > 30, "{:?}", self.schema);
        drive.lock().unwrap().disk.clone()
    }

    /// Names and texts of all that both files hold.
    fn schema_now(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for file in ["state", "journal"] {
            let connection = Connection::open(format!("{}/{file}.sqlite", self.dir())).unwrap();
            let mut query = connection
                .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY 1, 2")
                .unwrap();
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            found.extend(rows.map(Result::unwrap));
            for pragma in ["application_id", "user_version"] {
                let value: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
                found.push((format!("{file} {pragma}"), value.to_string()));
            }
        }
        found
    }

    /// The first thing that the next process does: it settles what is open, and stores a page. What the store shows then.
    async fn go_on(&mut self, store: &SqliteStore, seen: &Seen) -> Seen {
        let name = PairingId::new(PAIRINGS[0]);
        let head = &seen.state.pairings[&name].head;
        let settled = head.intents.iter().map(|intent| Closed {
            link: intent.write.link,
            side: intent.side,
            number: intent.write.receipt.number,
            outcome: JournalEntry::NOT_CARRIED_OUT.to_owned(),
        });
        let commit = Commit {
            version: head.version,
            put: vec![sample::edited(3)],
            closed: settled.collect(),
            ..Commit::default()
        };
        store.commit(&name, &commit).await.unwrap();
        // What follows from the same is the same, and looking takes the most time.
        match &self.known {
            Some((before, after)) if before == seen => after.clone(),
            Some(_) | None => {
                let after = see(store).await;
                self.known = Some((seen.clone(), after.clone()));
                after
            }
        }
    }

    /// Opens what is left and looks at it: the store, and what it shows.
    async fn open(&self, left: Disk, allowed: &Allowed, place: &dyn Fn() -> String) -> (SqliteStore, Seen) {
        mount(self.dir(), left);
        let store = SqliteStore::open(self.dir()).unwrap_or_else(|error| panic!("{error}\n{}", place()));
        if let Err(error) = store.check().await {
            panic!("{error}\n{}", place());
        }
        let seen = see(&store).await;
        if let Some(objection) = allowed.objection(&seen) {
            panic!("{}\n{objection}", place());
        }
        (store, seen)
    }
}

/// Crashes one scenario at each of its points.
async fn crash_everywhere(bench: &mut Bench, scenario: u64, tally: &Tally) {
    let kind = match scenario % 200 {
        100 => Kind::Large,
        number if number % 20 == 0 => Kind::Beginning,
        _ => Kind::Usual,
    };
    let prepared = bench.prepared();
    let before = if kind == Kind::Beginning { Disk::default() } else { prepared };
    let story = play(bench.dir(), before, kind, scenario).await;
    let crashes = story.trace.len() + 1;
    // The recovery of which every point is tried.
    let chosen = Dice::of(&[scenario, 2]).below(crashes);
    let mut disk = story.before.clone();
    bench.known = None;
    let mut lost_last = None;
    for point in 0..crashes {
        more(&tally.points);
        let allowed = story.allowed(point);
        for cut in [Cut::Lost, Cut::Kept, Cut::Torn, Cut::Killed] {
            // Without what is not safe, the disk is the same until more becomes safe.
            let acknowledged = story.trace.get(point).map(|(acknowledged, _)| *acknowledged);
            if cut == Cut::Lost
                && lost_last.replace((disk.syncs, acknowledged)) == Some((disk.syncs, acknowledged))
            {
                continue;
            }
            let turns = [Cut::Torn, Cut::Kept, Cut::Torn, Cut::Killed];
            if !bench.whole
                && cut != Cut::Lost
                && cut != turns[(point + usize::try_from(scenario).unwrap()) % 4]
            {
                continue;
            }
            let mut dice = Dice::of(&[scenario, 3, point as u64, cut as u64]);
            let left = disk.cut(cut, &mut dice);
            let place = Place { scenario, story: &story, point, cut };
            let every = bench.whole || (chosen == point && cut != Cut::Lost);
            recover(bench, &place, left, &allowed, every, tally).await;
        }
        if let Some((_, event)) = story.trace.get(point) {
            disk.apply(event);
        }
    }
}

/// Opens what a crash left, goes on, closes; then crashes in that, and opens again.
async fn recover(
    bench: &mut Bench,
    place: &Place<'_>,
    left: Disk,
    allowed: &Allowed,
    every: bool,
    tally: &Tally,
) {
    more(&tally.crashes);
    let (store, seen) = bench.open(left.clone(), allowed, &|| place.to_string()).await;
    let drive = vfs::mounted(bench.dir());
    drive.lock().unwrap().acknowledged = 1;
    if place.point.is_multiple_of(8) || place.scenario.is_multiple_of(20) {
        assert!(bench.schema_now() == bench.schema, "another schema: {place}");
    }
    let after = bench.go_on(&store, &seen).await;
    drive.lock().unwrap().acknowledged = 2;
    drop(store);
    let trace = std::mem::take(&mut drive.lock().unwrap().trace);

    // While it is opened, what was not safe is not: where only the process was killed, the power can still take it. From then
    // on everything is that was shown.
    let mut opening = if place.cut == Cut::Killed { allowed.clone() } else { Allowed::default() };
    opening.add(&seen);
    let mut gone_on = Allowed::default();
    gone_on.add(&after);
    let mut going_on = gone_on.clone();
    going_on.add(&seen);

    let mut dice = Dice::of(&[place.scenario, 4, place.point as u64, place.cut as u64]);
    let chosen = dice.below(trace.len() + 1);
    let cuts = [Cut::Lost, Cut::Kept, Cut::Torn];
    let chosen_cut = dice.below(3);
    let mut disk = left;
    let mut lost_last = None;
    tally.recovery_points.fetch_add(trace.len() as u64 + 1, Ordering::Relaxed);
    let last = if every { trace.len() } else { chosen };
    for point in 0..=last {
        if every || point == chosen {
            let acknowledged = trace.get(point).map_or(2, |(acknowledged, _)| *acknowledged);
            let allowed = [&opening, &going_on, &gone_on][acknowledged];
            for cut in cuts {
                let same = cut == Cut::Lost
                    && every
                    && lost_last.replace((disk.syncs, acknowledged)) == Some((disk.syncs, acknowledged));
                let other = if bench.whole { same } else { cut != cuts[(chosen_cut + point) % 3] };
                if other {
                    continue;
                }
                more(&tally.recovery_crashes);
                let numbers =
                    [place.scenario, 5, place.point as u64, place.cut as u64, point as u64, cut as u64];
                let left = disk.cut(cut, &mut Dice::of(&numbers));
                let text =
                    || format!("{place}\nthen at point {point} of {} of the recovery ({cut:?})", trace.len());
                drop(bench.open(left, allowed, &text).await);
            }
        }
        if let Some((_, event)) = trace.get(point) {
            disk.apply(event);
        }
    }
}

#[test]
fn a_crash_at_every_point_and_in_every_recovery_leaves_what_was_acknowledged() {
    let scenarios = number("CALSYNC_CRASH_SCENARIOS", 16);
    let first = number("CALSYNC_CRASH_FIRST", 0);
    let whole = std::env::var_os("CALSYNC_CRASH_WHOLE").is_some();
    let (started, tally, next) = (Instant::now(), Tally::default(), AtomicU64::new(first));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let mut bench = Bench::new(whole);
                loop {
                    let scenario = next.fetch_add(1, Ordering::Relaxed);
                    if scenario >= first + scenarios {
                        break;
                    }
                    runtime.block_on(crash_everywhere(&mut bench, scenario, &tally));
                }
            });
        }
    });
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "crash, {scenarios} scenarios: {} points, {} crashes; {} points of their recoveries, {} crashes there; {:.1} s",
        of(&tally.points),
        of(&tally.crashes),
        of(&tally.recovery_points),
        of(&tally.recovery_crashes),
        started.elapsed().as_secs_f64()
    );
    assert!(of(&tally.points) > 50 * scenarios, "so few points?");
    assert!(of(&tally.recovery_crashes) >= of(&tally.crashes));
}

// What the disk itself is worth: a store that did not wait for it would be found out.
#[test]
fn the_disk_loses_what_was_not_synced_and_only_that() {
    let mut disk = Disk::default();
    let node = disk.next_node();
    let mut dice = Dice::of(&[0]);
    disk.apply(&Event::Make { name: "log".to_owned(), node });
    disk.apply(&Event::Write { node, at: 0, bytes: vec![1; 2_000].into() });
    assert!(disk.cut(Cut::Lost, &mut dice).find("log").is_none());
    disk.apply(&Event::Sync { node, names: true });
    disk.apply(&Event::Write { node, at: 1_000, bytes: vec![2; 2_000].into() });
    assert_eq!(disk.cut(Cut::Lost, &mut dice).read(node), [1; 2_000]);
    assert_eq!(disk.cut(Cut::Kept, &mut dice).read(node)[1_000..], [2; 2_000]);
    let mut kinds = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let torn = disk.cut(Cut::Torn, &mut dice);
        let bytes = torn.read(node);
        assert_eq!(bytes[..1_000], [1; 1_000], "a write changed its neighbours");
        kinds.insert(bytes.to_vec());
    }
    assert!(kinds.len() > 20, "only {} ways to tear a write", kinds.len());
    disk.apply(&Event::Delete { name: "log".to_owned(), names: false });
    assert!(disk.cut(Cut::Lost, &mut dice).find("log").is_some());
    assert!(disk.cut(Cut::Kept, &mut dice).find("log").is_none());
}
