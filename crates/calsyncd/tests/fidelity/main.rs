//! What a person sees on one side is what they see on the other.
//!
//! Random appointments are entered and changed by people at both mock servers, the real engine keeps them in step over
//! HTTP, and both calendars are compared tile by tile. A failing case is made as small as it gets and printed as a script
//! that runs again as it is:
//!
//! ```text
//! cargo test -p calsyncd --test fidelity                                    300 cases
//! CALSYNC_FIDELITY_CASES=10000 CALSYNC_FIDELITY_SEED=1 cargo test ...       other numbers
//! CALSYNC_FIDELITY_SCRIPT=/tmp/failing.json cargo test ...                  one script
//! ```
//!
//! Reading order: `script` (what people do), `world` (doing it), `expect` (what must be seen), `generate`, `shrink`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod dice;
mod expect;
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
const AT_ONCE: u64 = 3;

fn setting(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        Err(_) => otherwise,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_show_the_same_whatever_people_do() {
    let world = Arc::new(World::start().await);
    if let Ok(path) = std::env::var("CALSYNC_FIDELITY_SCRIPT") {
        let text = std::fs::read_to_string(path).unwrap();
        let script: Script = serde_json::from_str(&text).unwrap();
        play::play(&world, &script, true).await.unwrap();
        return;
    }
    let first = setting("CALSYNC_FIDELITY_SEED", 1);
    let cases = setting("CALSYNC_FIDELITY_CASES", 300);
    let last = first + cases;
    let next = Arc::new(AtomicU64::new(first));
    let begin = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (world, next) = (Arc::clone(&world), Arc::clone(&next));
        workers.spawn(async move {
            let (mut tally, mut failures) = (Tally::default(), Vec::new());
            while failures.len() < ENOUGH {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= last {
                    break;
                }
                let script = generate::script(seed);
                match play::play(&world, &script, false).await {
                    Ok(one) => tally.add(&one),
                    Err(why) => {
                        let (script, why) = shrink::smallest(&world, script, why).await;
                        failures
                            .push(format!("seed {seed}: {why}\n{}", serde_json::to_string(&script).unwrap()));
                    }
                }
            }
            (tally, failures)
        });
    }
    let (mut tally, mut failures) = (Tally::default(), Vec::new());
    while let Some(done) = workers.join_next().await {
        let (one, more) = done.unwrap();
        tally.add(&one);
        failures.extend(more);
    }
    println!("seeds {first} to {}, {:.1} s", last - 1, begin.elapsed().as_secs_f32());
    println!("{tally}");
    assert!(failures.is_empty(), "{} cases failed:\n\n{}", failures.len(), failures.join("\n\n"));
    assert!(world.mails() == 0, "somebody was mailed");
    // A few cases need not hold everything.
    if cases >= 300 {
        let missing = tally.missing();
        assert!(missing.is_empty(), "these kinds never came up: {missing:?}");
    }
}
