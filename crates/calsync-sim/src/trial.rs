//! One run of one seed, its repetition with a script, and the search for a shorter script that still fails.

use std::collections::BTreeSet;

use crate::options::{Mix, Options};
use crate::rng::Stream;
use crate::watch::{Counts, Violation};
use crate::world::World;

/// What happened in a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Which run.
    pub seed: u64,
    /// What could happen in it.
    pub options: Options,
    /// Requests answered and things done by people.
    pub steps: u64,
    /// What went wrong, and how often.
    pub faults: Counts,
    /// Branches of recovery and decision that were seen to be taken.
    pub branches: Counts,
    /// Where an oracle looked away, by reason.
    pub exemptions: Counts,
    /// What did not hold.
    pub violations: Vec<Violation>,
    /// The same for two runs of one seed.
    pub trace: u64,
    /// What happened step by step; empty unless asked for.
    pub script: Vec<String>,
}

/// Runs a seed.
pub fn run(seed: u64, mix: Mix) -> Outcome {
    run_without(seed, mix, &BTreeSet::new(), false)
}

/// Runs a seed again and writes down what happens.
pub fn replay(seed: u64, mix: Mix) -> Outcome {
    run_without(seed, mix, &BTreeSet::new(), true)
}

fn run_without(seed: u64, mix: Mix, without: &BTreeSet<(Stream, u64)>, script: bool) -> Outcome {
    let mut world = World::new(seed, mix, without.clone(), script);
    world.run();
    world.rest();
    let mut watch = world.shared.watch();
    Outcome {
        seed,
        options: world.options.clone(),
        steps: watch.steps,
        faults: std::mem::take(&mut watch.faults),
        branches: std::mem::take(&mut watch.branches),
        exemptions: std::mem::take(&mut watch.exemptions),
        violations: std::mem::take(&mut watch.violations),
        trace: watch.hash,
        script: watch.script.take().unwrap_or_default(),
    }
}

/// Leaves out what people did and what went wrong as long as the same invariant still breaks; the script of what is
/// left. `None` where the seed does not fail.
pub fn shrink(seed: u64, mix: Mix) -> Option<Outcome> {
    let first = run(seed, mix);
    let broken = first.violations.first()?.invariant;
    let fails = |without: &BTreeSet<(Stream, u64)>| {
        run_without(seed, mix, without, false).violations.iter().any(|found| found.invariant == broken)
    };
    let most = first.steps * 8 + 64;
    let mut without: BTreeSet<(Stream, u64)> = BTreeSet::new();
    for stream in [Stream::Request, Stream::Mishap, Stream::Person, Stream::Beginning] {
        let mut size = most.next_power_of_two();
        while size > 0 {
            let mut from = 0;
            while from < most {
                let range = from..(from + size).min(most);
                let more: BTreeSet<(Stream, u64)> =
                    range.map(|number| (stream, number)).filter(|event| !without.contains(event)).collect();
                if !more.is_empty() {
                    let tried: BTreeSet<(Stream, u64)> = without.union(&more).copied().collect();
                    if fails(&tried) {
                        without = tried;
                    }
                }
                from += size;
            }
            // Single events are tried where there is something left to try.
            size = if size > 1 { size / 4 } else { 0 };
        }
    }
    Some(run_without(seed, mix, &without, true))
}
