//! What a person sees on one side is what they see on the other.
//!
//! Random appointments are entered and changed by people at both mock servers, the real engine keeps them in step over
//! HTTP, and both calendars are compared tile by tile. A failing case is made as small as it gets and printed as a script
//! that runs again as it is:
//!
//! ```text
//! cargo test -p calsyncd --test fidelity                                    300 cases
//! CALSYNC_FIDELITY_CASES=10000 CALSYNC_FIDELITY_SEED=1 cargo test --release ...
//! CALSYNC_FIDELITY_SCRIPT=/tmp/failing.json cargo test ...                  one script
//! ```
//!
//! Reading order: `script` (what people do), `world` (doing it), `expect` (what must be seen), `generate`, `shrink`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test that fails this way says where"
)]

mod dice;
mod expect;
mod fields;
mod generate;
mod play;
mod script;
mod shrink;
mod small;
mod tally;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use script::Script;
use tally::Tally;
use world::World;

/// Failing cases after which a run ends.
const ENOUGH: usize = 8;
/// Cases that are run at the same time.
const AT_ONCE: u64 = 4;
/// Cases after which a worker takes new servers: what earlier ones left there is looked through again and again.
const FRESH: u64 = 100;

fn setting(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        Err(_) => otherwise,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_show_the_same_whatever_people_do() {
    if let Ok(path) = std::env::var("CALSYNC_FIDELITY_SCRIPT") {
        let text = std::fs::read_to_string(path).unwrap();
        let script: Script = serde_json::from_str(&text).unwrap();
        play::play(&World::start().await, &script, true).await.unwrap();
        return;
    }
    let first = setting("CALSYNC_FIDELITY_SEED", 1);
    let cases = setting("CALSYNC_FIDELITY_CASES", 300);
    let last = first + cases;
    let next = Arc::new(AtomicU64::new(first));
    let begin = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        workers.spawn(work(Arc::clone(&next), last));
    }
    let mut all = Found::default();
    while let Some(done) = workers.join_next().await {
        let one = done.unwrap();
        all.tally.add(&one.tally);
        all.failures.extend(one.failures);
        all.mails += one.mails;
    }
    let Found { tally, failures, mails } = all;
    println!("seeds {first} to {}, {:.1} s", last - 1, begin.elapsed().as_secs_f32());
    println!("{tally}");
    assert!(failures.is_empty(), "{} cases failed:\n\n{}", failures.len(), failures.join("\n\n"));
    assert_eq!(mails, 0, "somebody was mailed");
    // A few cases need not hold everything.
    if cases >= 300 {
        let missing = tally.missing();
        assert!(missing.is_empty(), "these kinds never came up: {missing:?}");
    }
}

/// What a worker met.
#[derive(Debug, Default)]
struct Found {
    tally: Tally,
    failures: Vec<String>,
    mails: usize,
}

/// Plays the cases that come next until there are no more, or too many failed.
async fn work(next: Arc<AtomicU64>, last: u64) -> Found {
    let mut found = Found::default();
    loop {
        let world = World::start().await;
        for _ in 0..FRESH {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= last || found.failures.len() == ENOUGH {
                found.mails += world.mails();
                return found;
            }
            let script = generate::script(seed);
            match play::play(&world, &script, false).await {
                Ok(one) => found.tally.add(&one),
                Err(why) => {
                    let (script, why) = shrink::smallest(&world, script, why).await;
                    let script = serde_json::to_string(&script).unwrap();
                    found.failures.push(format!("seed {seed}: {why}\n{script}"));
                }
            }
        }
        found.mails += world.mails();
    }
}
