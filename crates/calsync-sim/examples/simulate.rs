//! Runs the simulated world: the whole engine, people, mishaps, and the invariants of a safe sync, seed after seed.
//!
//! ```text
//! cargo run --release --example simulate -- --seeds 10000 --mix all
//! cargo run --release --example simulate -- --fresh 100000 --at-most 3
//! cargo run --release --example simulate -- --mix faults --replay 4711
//! cargo run --release --example simulate -- --defect all
//! cargo run --release --example simulate -- --confirm docs/defects.md
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use calsync_core::defects::{self, Defect};
use calsync_sim::{self as sim, Catalogue, Counts, Found, Hunt, Layer, Mix, Outcome, Violation};
use clap::Parser;
use serde::Serialize;

/// Seeds are made of many small allocations: this one takes a fifth off the time of all of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the simulated world.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds: 1,000, or up to 50,000 where a defect is looked for.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first of them; 0 unless given.
    #[arg(long)]
    first: Option<u64>,
    /// What may happen: calm, faults, restores or all. The default is all; defects have one each.
    #[arg(long, value_parser = mix)]
    mix: Option<Mix>,
    /// Runs so many seeds that nobody has run yet, a quarter in each mix, beginning with a number that the clock gives. Exit
    /// status 1 where a mishap or a way of the engine to deal with one never occurred, where an invariant broke that no seed
    /// breaks, and where more seeds fail than `--at-most` allows.
    #[arg(long, value_name = "SEEDS", conflicts_with_all = ["replay", "seeds", "mix", "confirm", "defect"])]
    fresh: Option<u64>,
    /// With `--fresh`: so many of 1,000 seeds of a mix may fail; none unless given.
    #[arg(long, value_name = "SEEDS", requires = "fresh", default_value_t = 0)]
    at_most: u64,
    /// Runs one seed again and prints its script; where it fails, also the shortest script that was found to fail.
    #[arg(long, value_name = "SEED")]
    replay: Option<u64>,
    /// Plants a defect and looks for the first seed that shows it: an invariant breaks, and without the defect none does. Exit
    /// status 1 where it is found, like for every violation, and 0 where it is not. `all` looks for every one, prints a
    /// table, and ends with 0 only if every one was found. With `--replay`, the seed is run with the defect.
    #[arg(long, value_name = "NAME")]
    defect: Option<String>,
    /// Looks for every planted defect, and for each layer against duplicates alone, where the table in this file says that
    /// it shows; where it no longer does, from seed 0. Exit status 0 only if every one was found.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["replay", "defect"])]
    confirm: Option<PathBuf>,
    /// With `--confirm`: writes the table anew, with the seeds that were found. With `--first 0` every one is looked for
    /// from there.
    #[arg(long, requires = "confirm")]
    write: bool,
    /// Names the defects that can be planted.
    #[arg(long)]
    list_defects: bool,
    /// Switches off all layers against duplicates but this one (receipt, uid, content, token, recovery, doubles), and looks for
    /// the first seed that is clean as long as this one is there and fails when it is off too; then says in which mishaps it
    /// helped alone. `all` does so for each of them. Exit status 0 only if that seed was found.
    #[arg(long, value_name = "LAYER", conflicts_with_all = ["replay", "defect"])]
    only_layer: Option<String>,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
}

fn mix(name: &str) -> Result<Mix, String> {
    Mix::by_name(name).ok_or_else(|| "use calm, faults, restores or all".to_owned())
}

/// One seed in so many is run twice, and both runs must be the same.
const TWICE: u64 = 100;
/// Failures that are kept, and besides all of what no seed breaks; a broken engine has thousands.
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
        if self.violations.len() < KEPT || sim::HOLD.contains(&invariant) {
            self.violations.push(Failed { seed, invariant, what });
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list_defects {
        for defect in Defect::ALL {
            println!("{:<28}{}", defect.name(), defect.says());
        }
        return ExitCode::SUCCESS;
    }
    if let Some(file) = &arguments.confirm {
        return confirm(file, &arguments);
    }
    if let (Some(name), None) = (&arguments.defect, arguments.replay) {
        return hunt(name, &arguments);
    }
    if let Some(name) = &arguments.only_layer {
        return layers(name, &arguments);
    }
    if let Some(seed) = arguments.replay {
        let Some(name) = &arguments.defect else {
            return replay(seed, arguments.mix.unwrap_or(Mix::All));
        };
        let Some(hunt) = Hunt::all().into_iter().find(|hunt| hunt.name == *name) else {
            eprintln!("there is no defect of that name; --list-defects names them");
            return ExitCode::from(2);
        };
        let mix = arguments.mix.unwrap_or(hunt.mix);
        let planted = hunt.beside.iter().copied().chain([hunt.defect]);
        return defects::with(planted, || replay(seed, mix));
    }
    if let Some(seeds) = arguments.fresh {
        return fresh(seeds, &arguments);
    }
    let (first, mix) = (arguments.first.unwrap_or(0), arguments.mix.unwrap_or(Mix::All));
    let summary = simulate(first, arguments.seeds.unwrap_or(1_000), mix);
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

/// Seeds that nobody has run yet, in all mixes, and whether they did all they can.
fn fresh(seeds: u64, arguments: &Arguments) -> ExitCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let first = arguments.first.unwrap_or(now.saturating_mul(1_000));
    let (mut faults, mut branches, mut wrong) = (Counts::new(), Counts::new(), Vec::new());
    for mix in Mix::ALL {
        let summary = simulate(first, seeds.div_ceil(Mix::ALL.len() as u64), mix);
        print(&summary);
        faults.extend(summary.faults.keys().map(|name| (*name, 1)));
        branches.extend(summary.branches.keys().map(|name| (*name, 1)));
        let never = summary.violations.iter().filter(|failed| sim::HOLD.contains(&failed.invariant));
        wrong.extend(never.map(|Failed { seed, invariant, what }| {
            format!("{invariant} broke in seed {seed} of mix {}: {what}", mix.name())
        }));
        if summary.failing.saturating_mul(1_000) > summary.seeds.saturating_mul(arguments.at_most) {
            wrong.push(format!("{} of {} seeds fail in mix {}", summary.failing, summary.seeds, mix.name()));
        }
    }
    let missing = |known: &[&'static str], counts: &Counts| -> Vec<String> {
        let never = known.iter().filter(|name| !counts.contains_key(*name));
        never.map(|name| format!("never happened: {name}")).collect()
    };
    wrong.extend(missing(sim::FAULTS, &faults));
    wrong.extend(missing(sim::BRANCHES, &branches));
    println!(
        "simulated: {seeds} seeds from {first}, {} of {} mishaps and {} of {} branches occurred",
        faults.len(),
        sim::FAULTS.len(),
        branches.len(),
        sim::BRANCHES.len()
    );
    for why in &wrong {
        println!("   {why}");
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All seeds, on all cores.
fn simulate(first: u64, seeds: u64, mix: Mix) -> Summary {
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
            let differs = seed.is_multiple_of(TWICE) && sim::run(seed, mix).trace != outcome.trace;
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

/// Seeds in which a defect has to show.
const ENOUGH: u64 = 50_000;

/// Looks for one defect, or for all of them.
fn hunt(name: &str, arguments: &Arguments) -> ExitCode {
    let every = name == "all";
    let defects: Vec<Defect> =
        if every { Defect::ALL.to_vec() } else { Defect::by_name(name).into_iter().collect() };
    if defects.is_empty() {
        eprintln!("there is no defect of that name; --list-defects names them");
        return ExitCode::from(2);
    }
    let hunts = defects.into_iter().map(|defect| (defect.name(), Hunt::new(defect)));
    let found = search(hunts.collect(), arguments);
    match (every, found.iter().all(Option::is_some)) {
        (true, true) | (false, false) => ExitCode::SUCCESS,
        (true, false) | (false, true) => ExitCode::FAILURE,
    }
}

/// Shows what one layer against duplicates does alone, or each of them.
fn layers(name: &str, arguments: &Arguments) -> ExitCode {
    let layers: Vec<Layer> =
        if name == "all" { Layer::ALL.to_vec() } else { Layer::by_name(name).into_iter().collect() };
    if layers.is_empty() {
        eprintln!("there is no layer of that name; --help names them");
        return ExitCode::from(2);
    }
    let hunts = layers.into_iter().map(|layer| (layer.name(), Hunt::alone(layer)));
    let found = search(hunts.collect(), arguments);
    if found.iter().all(Option::is_some) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A row of the table of what was looked for.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    mix: &'static str,
    seed: Option<u64>,
    seeds: u64,
    invariant: Option<&'static str>,
    what: String,
    seconds: f64,
}

fn search(hunts: Vec<(&'static str, Hunt)>, arguments: &Arguments) -> Vec<Option<Found>> {
    let (first, seeds) = (arguments.first.unwrap_or(0), arguments.seeds.unwrap_or(ENOUGH));
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for (name, hunt) in hunts {
        let began = Instant::now();
        let hunt = Hunt { mix: arguments.mix.unwrap_or(hunt.mix), ..hunt };
        let found = hunt.first(first, seeds);
        let row = Row {
            name,
            mix: hunt.mix.name(),
            seed: found.as_ref().map(|found| found.seed),
            seeds: found.as_ref().map_or(seeds, |found| found.seed.wrapping_sub(first) + 1),
            invariant: found.as_ref().map(|found| found.violation.invariant),
            what: found.as_ref().map(|found| found.violation.what.clone()).unwrap_or_default(),
            seconds: began.elapsed().as_secs_f64(),
        };
        if !arguments.json {
            let at = row.invariant.unwrap_or("NOT FOUND");
            println!(
                "{name:<28}{:<10}{at:<11}{:>6} seeds {:>6.1} s  {}",
                row.mix, row.seeds, row.seconds, row.what
            );
        }
        rows.push(row);
        all.push(found);
    }
    if arguments.json {
        match serde_json::to_string_pretty(&rows) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("the result cannot be written as JSON: {error}"),
        }
    } else {
        println!("{} of {} found", all.iter().flatten().count(), all.len());
    }
    all
}

/// How many seeds the table has of each.
const SHOWN: usize = 3;

/// Looks for everything in the table where the table says that it shows.
fn confirm(file: &Path, arguments: &Arguments) -> ExitCode {
    let (text, mut table) = match std::fs::read_to_string(file) {
        Ok(text) => match Catalogue::read(&text) {
            Ok(table) => (text, table),
            Err(why) => {
                eprintln!("{} cannot be read: {why}", file.display());
                return ExitCode::from(2);
            }
        },
        Err(error) => {
            eprintln!("{} cannot be read: {error}", file.display());
            return ExitCode::from(2);
        }
    };
    let seeds = arguments.seeds.unwrap_or(ENOUGH);
    let (mut confirmed, mut moved, mut waiting, mut missing) = (0, 0, 0, Vec::new());
    let began = Instant::now();
    for hunt in Hunt::all() {
        let known = table.seeds(&hunt.name).to_vec();
        // What the page says was not found yet is looked for only where all is measured anew.
        if known.is_empty() && !arguments.write && arguments.first.is_none() {
            println!("{:<28}not found yet, not looked for: see the page", hunt.name);
            waiting += 1;
            continue;
        }
        let shown = known.iter().copied().find(|seed| hunt.look(*seed).is_some());
        if let (Some(seed), None) = (shown, arguments.first) {
            confirmed += 1;
            println!("{:<28}seed {seed}", hunt.name);
            continue;
        }
        let started = Instant::now();
        let first = arguments.first.unwrap_or(0);
        let found = hunt.some(first, seeds, if arguments.write { SHOWN } else { 1 });
        let seconds = started.elapsed().as_secs_f64();
        let Some(one) = found.first() else {
            println!("{:<28}NOT FOUND in {seeds} seeds from {first}, {seconds:.1} s", hunt.name);
            table.put(&hunt.name, Vec::new());
            missing.push(hunt.name);
            continue;
        };
        moved += 1;
        let Violation { invariant, what } = &one.violation;
        println!("{:<28}seed {}, not {known:?}, {seconds:.1} s: {invariant}: {what}", hunt.name, one.seed);
        table.put(&hunt.name, found.iter().map(|found| found.seed).collect());
    }
    if arguments.write
        && let Err(error) = std::fs::write(file, table.write_into(&text))
    {
        eprintln!("{} cannot be written: {error}", file.display());
        return ExitCode::FAILURE;
    }
    println!(
        "{confirmed} passed where the table says, {moved} at other seeds, {waiting} not looked for, {} not found{}, {:.1} s",
        missing.len(),
        if missing.is_empty() { String::new() } else { format!(" ({})", missing.join(", ")) },
        began.elapsed().as_secs_f64()
    );
    if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
