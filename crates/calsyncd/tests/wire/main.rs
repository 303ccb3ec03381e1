//! The simulated world over the real clients, real HTTP and a real state directory.
//!
//! The people, the mishaps and the oracles are those of `calsync-sim`, and so are the seeds; what stands between the engine
//! and the calendars is what an installation has: both clients with their codecs and their HTTP, a mock of each server, and
//! SQLite. `docs/adr/0012` says why it is built like this, `docs/simulation.md` what it leaves out.
//!
//! ```text
//! cargo test -p calsyncd --test wire                                         40 seeds
//! CALSYNC_WIRE_SEEDS=10000 CALSYNC_WIRE_FIRST=0 cargo test --release ...
//! CALSYNC_WIRE_REPLAY=17 cargo test --release -p calsyncd --test wire -- --nocapture
//! ```
//!
//! Reading order: `bench` (what one seed runs over), `gate` (the network), `nvs` and `exchange` (the calendars), `vault`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test that fails this way says where"
)]

/// Seeds are made of many small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod bench;
mod cached;
mod exchange;
mod gate;
mod held;
mod nvs;
mod vault;
mod watched;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use calsync_sim::{HOLD, Mix, Outcome, Script, shrink_over};

/// What only real requests can break, and no seed may. To these come the invariants that no seed breaks in memory. Not yet among
/// them: a request or answer that the other end does not understand. Of 10,000 seeds 773 and 5466 write to NVS an instance that
/// its series does not have; it refuses that, and the item is set aside and reported.
const REAL: &[&str] = &["mail", "panic"];
/// One seed in so many is run twice.
const REPEATED: u64 = 50;
/// What has to happen in a thousand seeds and more.
const FAULTS: &[&str] = &[
    "A goes back",
    "answer cut off",
    "answer lost",
    "answer not understood",
    "crash",
    "denied",
    "late write arrives",
    "request lost",
    "store goes back",
    "store lost",
    "throttled",
    "tokens expired",
    "unavailable",
    "write delayed",
    "write sent twice",
];
/// Failing seeds whose script is printed.
const SHOWN: usize = 3;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// Mixes take turns.
fn mix_of(seed: u64) -> Mix {
    Mix::ALL[usize::try_from(seed % 4).unwrap()]
}

/// What happened in all seeds.
#[derive(Default)]
struct Tally {
    seeds: u64,
    steps: u64,
    requests: u64,
    mails: u64,
    /// Seeds that were run twice, and those of them that ran in two ways.
    repeated: u64,
    varied: Vec<u64>,
    faults: BTreeMap<&'static str, u64>,
    branches: BTreeMap<&'static str, u64>,
    /// Seeds that broke it, by invariant, with what the first few saw.
    broken: BTreeMap<String, Vec<(u64, String)>>,
}

impl Tally {
    fn add(&mut self, seed: u64, run: Result<bench::Run, String>) {
        self.seeds += 1;
        let run = match run {
            Ok(run) => run,
            Err(panic) => return self.broken.entry("panic".to_owned()).or_default().push((seed, panic)),
        };
        self.steps += run.outcome.steps;
        self.requests += run.requests;
        self.mails += run.mails;
        for (all, one) in [(&mut self.faults, run.outcome.faults), (&mut self.branches, run.outcome.branches)]
        {
            for (name, times) in one {
                *all.entry(name).or_default() += times;
            }
        }
        let mut first = BTreeMap::new();
        for violation in run.outcome.violations {
            first.entry(violation.invariant).or_insert(violation.what);
        }
        for (invariant, what) in first {
            self.broken.entry(invariant.to_owned()).or_default().push((seed, what));
        }
    }
}

thread_local! {
    /// The first panic of the seed that runs on this thread. A panic in a task of a server is caught by the runtime, and
    /// nothing is seen of it but a connection that was closed.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn remember_panics() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANIC.with_borrow_mut(|first| {
            first.get_or_insert_with(|| panic.to_string());
        });
        told(panic);
    }));
}

fn run(seed: u64) -> Result<bench::Run, String> {
    let ended = catch_unwind(AssertUnwindSafe(|| bench::run(seed, mix_of(seed), Script::default())));
    match (ended, PANIC.take()) {
        (Ok(run), None) => Ok(run),
        (Ok(_) | Err(_), panic) => Err(panic.unwrap_or_default()),
    }
}

#[test]
fn what_holds_in_memory_holds_over_real_requests_and_a_real_store() {
    if let Some(seed) = setting("CALSYNC_WIRE_REPLAY") {
        return replay(seed);
    }
    let first = setting("CALSYNC_WIRE_FIRST").unwrap_or(0);
    let last = first + setting("CALSYNC_WIRE_SEEDS").unwrap_or(40);
    remember_panics();
    let next = AtomicU64::new(first);
    let tally = Mutex::new(Tally::default());
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        return;
                    }
                    let one = run(seed);
                    let two = seed.is_multiple_of(REPEATED).then(|| run(seed));
                    let mut tally = tally.lock().unwrap();
                    if let (Ok(one), Some(Ok(two))) = (&one, two) {
                        tally.repeated += 1;
                        if one.outcome.trace != two.outcome.trace {
                            tally.varied.push(seed);
                        }
                    }
                    tally.add(seed, one);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    report(&tally, begin.elapsed().as_secs_f64());
    let mut failed: Vec<(&String, u64)> = Vec::new();
    let must_hold = |name: &str| HOLD.contains(&name) || REAL.contains(&name);
    for (invariant, seeds) in tally.broken.iter().filter(|(name, _)| must_hold(name)) {
        failed.extend(seeds.iter().map(|(seed, _)| (invariant, *seed)));
    }
    for (invariant, seed) in failed.iter().take(SHOWN) {
        println!(
            "\n{invariant} breaks in seed {seed} of {}: CALSYNC_WIRE_REPLAY={seed} runs it again",
            mix_of(*seed).name()
        );
        if *invariant != "panic" {
            show(&bench::run(*seed, mix_of(*seed), Script::written()).outcome);
        }
    }
    assert!(failed.is_empty(), "broken: {failed:?}");
    if tally.seeds >= 1000 {
        let missing: Vec<_> = FAULTS.iter().filter(|name| !tally.faults.contains_key(*name)).collect();
        assert!(missing.is_empty(), "never happened: {missing:?}");
    }
}

fn report(tally: &Tally, seconds: f64) {
    #[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
    let per_second = tally.seeds as f64 / seconds;
    println!(
        "wire: {} seeds, {} steps, {} requests, {} mails, {seconds:.1} s, {per_second:.1} seeds/s",
        tally.seeds, tally.steps, tally.requests, tally.mails
    );
    println!("wire: {} seeds were run twice, of which differed: {:?}", tally.repeated, tally.varied);
    for (what, counts) in [("faults", &tally.faults), ("branches", &tally.branches)] {
        let counts: Vec<String> = counts.iter().map(|(name, times)| format!("{name} {times}")).collect();
        println!("wire: {what}: {}", counts.join(", "));
    }
    for (invariant, seeds) in &tally.broken {
        println!("wire: {invariant} breaks in {} seeds", seeds.len());
        for (seed, what) in seeds.iter().take(5) {
            println!("   seed {seed} of {}: {what}", mix_of(*seed).name());
        }
    }
}

fn show(outcome: &Outcome) {
    println!("{}", outcome.options);
    for line in &outcome.script {
        println!("{line}");
    }
}

/// Prints the script of a seed, and the shortest one that was found to fail like it.
fn replay(seed: u64) {
    let written = bench::run(seed, mix_of(seed), Script::written()).outcome;
    show(&written);
    if setting("CALSYNC_WIRE_SHRINK").is_some()
        && let Some(short) = shrink_over(|script| bench::run(seed, mix_of(seed), script).outcome)
    {
        println!("\nThe shortest script that was found to fail:");
        show(&short);
    }
    for violation in written.violations {
        println!("{}: {}", violation.invariant, violation.what);
    }
}

#[test]
fn a_seed_is_the_same_run_each_time() {
    for seed in 0..8 {
        let [one, two] = [(); 2].map(|()| bench::run(seed, mix_of(seed), Script::default()).outcome);
        assert_eq!((one.trace, one.steps, one.faults), (two.trace, two.steps, two.faults), "seed {seed}");
    }
}
