//! The executable is killed with `kill -9` again and again, while people change both calendars.
//!
//! The mock servers live in this process and survive; the daemon runs on real files. After each kill a copy of its files is
//! opened and looked through. When the kills of a world are over, the daemon is left in peace until it has nothing to do, and
//! then both calendars show the same, everything once, and all that people did is there, or was overwritten by somebody who
//! saw it, or is kept as what lost a conflict ([`ledger`]).
//!
//! | variable | meaning |
//! | --- | --- |
//! | `CALSYNC_KILLS` | how many kills, 25 |
//! | `CALSYNC_KILLS_SEED` | the seed of the first world, 1 |
//! | `CALSYNC_KILLS_AT_ONCE` | worlds beside each other, 2 |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a test that fails this way says where"
)]

mod bench;
#[path = "../fidelity/dice.rs"]
#[allow(dead_code, reason = "the other test uses the rest")]
mod dice;
mod ledger;
#[path = "../it/world.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Kills of one world; then it is left in peace and looked at.
const EACH: u64 = 25;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) kills: AtomicU64,
    /// Kills after which writes waited to be asked about.
    pub(crate) open: AtomicU64,
    /// Writes that waited.
    pub(crate) intents: AtomicU64,
    pub(crate) deeds: AtomicU64,
    /// Appointments that came back as `docs/crash-safety.md` says.
    pub(crate) came_back: AtomicU64,
    /// Edits that came between the look before a deletion and the deletion.
    pub(crate) in_deleted_items: AtomicU64,
    worlds: AtomicU64,
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect(name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_loses_nothing_and_doubles_nothing() {
    let kills = number("CALSYNC_KILLS", EACH);
    let first = number("CALSYNC_KILLS_SEED", 1);
    let tally = Arc::new(Tally::default());
    let (started, next) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let workers: Vec<_> = (0..number("CALSYNC_KILLS_AT_ONCE", 2))
        .map(|_| {
            let (tally, next) = (tally.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let world = next.fetch_add(1, Ordering::Relaxed);
                    let Some(left) = kills.checked_sub(world * EACH).filter(|left| *left > 0) else { break };
                    bench::run(first + world, left.min(EACH), &tally).await;
                    let worlds = tally.worlds.fetch_add(1, Ordering::Relaxed) + 1;
                    if worlds.is_multiple_of(20) {
                        println!("{}", told(&tally, started));
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    println!("{}", told(&tally, started));
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    assert_eq!(of(&tally.kills), kills);
    if kills >= 100 {
        assert!(of(&tally.open) > kills / 20, "hardly a kill hit a write");
    }
}

fn told(tally: &Tally, started: Instant) -> String {
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let seconds = started.elapsed().as_secs_f64();
    format!(
        "kills: {} in {seconds:.0} s, {} deeds of people; {} kills left open writes, {} altogether; {} appointments came \
         back that were deleted before they were asked about, {} edits went to Deleted Items with the appointment",
        of(&tally.kills),
        of(&tally.deeds),
        of(&tally.open),
        of(&tally.intents),
        of(&tally.came_back),
        of(&tally.in_deleted_items)
    )
}
