//! Runs the simulated world: the whole engine, people, mishaps, and the invariants of a safe sync, seed after seed.
//!
//! ```text
//! cargo run --release --example simulate -- --seeds 10000 --mix all
//! cargo run --release --example simulate -- --mix faults --replay 4711
//! ```

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use calsync_testkit::sim::{self, Counts, Mix, Outcome};
use clap::Parser;
use serde::Serialize;

/// Seeds are made of many small allocations: this one takes a fifth off the time of all of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the simulated world.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// What may happen: calm, faults, restores or all.
    #[arg(long, default_value = "all", value_parser = mix)]
    mix: Mix,
    /// Runs one seed again and prints its script; where it fails, also the shortest script that was found to fail.
    #[arg(long, value_name = "SEED")]
    replay: Option<u64>,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
}

fn mix(name: &str) -> Result<Mix, String> {
    Mix::by_name(name).ok_or_else(|| "use calm, faults, restores or all".to_owned())
}

/// One seed in so many is run twice, and both runs must be the same.
const TWICE: u64 = 100;
/// Failures that are kept; a broken engine has thousands.
const KEPT: usize = 100;

/// What all seeds did together.
#[derive(Debug, Default, Serialize)]
struct Summary {
    mix: &'static str,
    first: u64,
    seeds: u64,
    steps: u64,
    seconds: f64,
    failing: u64,
    faults: Counts,
    branches: Counts,
    exemptions: Counts,
    /// How many seeds broke an invariant first.
    broken: BTreeMap<&'static str, u64>,
    violations: Vec<Failed>,
}

/// A seed in which something did not hold.
#[derive(Debug, Serialize)]
struct Failed {
    seed: u64,
    invariant: &'static str,
    what: String,
}

impl Summary {
    fn add(&mut self, outcome: Outcome) {
        let sum = |into: &mut Counts, more: Counts| {
            for (name, count) in more {
                *into.entry(name).or_default() += count;
            }
        };
        self.seeds += 1;
        self.steps += outcome.steps;
        sum(&mut self.faults, outcome.faults);
        sum(&mut self.branches, outcome.branches);
        sum(&mut self.exemptions, outcome.exemptions);
        if let Some(violation) = outcome.violations.into_iter().next() {
            self.fail(outcome.seed, violation.invariant, violation.what);
        }
    }

    fn fail(&mut self, seed: u64, invariant: &'static str, what: String) {
        self.failing += 1;
        *self.broken.entry(invariant).or_default() += 1;
        if self.violations.len() < KEPT {
            self.violations.push(Failed { seed, invariant, what });
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.replay {
        return replay(seed, arguments.mix);
    }
    let summary = simulate(&arguments);
    if arguments.json {
        match serde_json::to_string_pretty(&summary) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("the result cannot be written as JSON: {error}"),
        }
    } else {
        print(&summary);
    }
    if summary.failing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All seeds, on all cores.
fn simulate(arguments: &Arguments) -> Summary {
    let (first, seeds, mix) = (arguments.first, arguments.seeds, arguments.mix);
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let summary = Mutex::new(Summary { mix: mix.name(), first, ..Summary::default() });
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= seeds {
                return;
            }
            let seed = first.wrapping_add(number);
            let outcome = sim::run(seed, mix);
            let differs = seed % TWICE == 0 && sim::run(seed, mix).trace != outcome.trace;
            let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
            summary.add(outcome);
            if differs {
                summary.fail(seed, "determinism", "two runs of this seed were not the same".to_owned());
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.seconds = began.elapsed().as_secs_f64();
    summary.violations.sort_by_key(|failed| failed.seed);
    summary
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn print(summary: &Summary) {
    println!(
        "{} seeds from {} of mix {}: {} steps in {:.1} s, {:.0} seeds/s",
        summary.seeds,
        summary.first,
        summary.mix,
        summary.steps,
        summary.seconds,
        summary.seeds as f64 / summary.seconds.max(0.001)
    );
    for (title, counts) in [
        ("faults", &summary.faults),
        ("branches", &summary.branches),
        ("where the oracles looked away", &summary.exemptions),
    ] {
        println!("{title}:");
        for (name, count) in counts {
            println!("{count:>12}  {name}");
        }
    }
    if summary.failing == 0 {
        println!("no violation");
        return;
    }
    println!("{} seeds fail:", summary.failing);
    for (invariant, count) in &summary.broken {
        println!("{count:>12}  {invariant}");
    }
    for failed in &summary.violations {
        println!("   seed {}  {}: {}", failed.seed, failed.invariant, failed.what);
    }
}

/// The script of one seed, and a shorter one where it fails.
fn replay(seed: u64, mix: Mix) -> ExitCode {
    let outcome = sim::replay(seed, mix);
    print_script(&outcome);
    if outcome.violations.is_empty() {
        println!("no violation");
        return ExitCode::SUCCESS;
    }
    println!();
    if let Some(shorter) = sim::shrink(seed, mix) {
        println!("shortest script that was found to fail:");
        print_script(&shorter);
    }
    ExitCode::FAILURE
}

fn print_script(outcome: &Outcome) {
    println!("seed {}, {}", outcome.seed, outcome.options);
    for line in &outcome.script {
        println!("{line}");
    }
    for violation in &outcome.violations {
        println!("violated: {}: {}", violation.invariant, violation.what);
    }
}
