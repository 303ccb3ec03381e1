//! One run of one seed, its repetition with a script, and the search for a shorter script that still fails.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::clock::SimClock;
use crate::options::{Mix, Options};
use crate::rng::Stream;
use crate::watch::{Counts, Violation};
use crate::world::{Surroundings, World};

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

/// How a run differs from the plain run of its seed.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Events that are left out.
    pub(crate) without: BTreeSet<(Stream, u64)>,
    /// What happens is written down.
    pub(crate) written: bool,
}

impl Script {
    /// Everything happens and is written down.
    pub fn written() -> Script {
        Script { without: BTreeSet::new(), written: true }
    }
}

/// Runs a seed.
pub fn run(seed: u64, mix: Mix) -> Outcome {
    play(World::new(seed, mix, Script::default()))
}

/// Runs a seed again and writes down what happens.
pub fn replay(seed: u64, mix: Mix) -> Outcome {
    play(World::new(seed, mix, Script::written()))
}

/// Runs a seed over other surroundings, which `make` makes for these options and the clock of the world.
pub fn run_over(
    seed: u64,
    options: Options,
    script: Script,
    make: impl FnOnce(&Options, &Arc<SimClock>) -> Surroundings,
) -> Outcome {
    play(World::over(seed, options, script, make))
}

fn play(mut world: World) -> Outcome {
    world.run();
    world.rest();
    let mut watch = world.shared.watch();
    Outcome {
        seed: world.shared.seed,
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
    shrink_over(|script| play(World::new(seed, mix, script)))
}

/// The same for any run.
pub fn shrink_over(run: impl Fn(Script) -> Outcome) -> Option<Outcome> {
    let first = run(Script::default());
    let broken = first.violations.first()?.invariant;
    let fails = |without: &BTreeSet<(Stream, u64)>| {
        let script = Script { without: without.clone(), written: false };
        run(script).violations.iter().any(|found| found.invariant == broken)
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
    Some(run(Script { without, written: true }))
}
