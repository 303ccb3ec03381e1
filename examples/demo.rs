//! The main job, end to end, with nothing to install.
//!
//! Starts a mock Exchange and a mock NVS Calender with sample calendars for a few employees, a room and a van, keeps them
//! in step over real HTTP, and prints what it does, while people edit on both sides, until Ctrl-C.
//!
//! ```text
//! cargo run --release --example demo
//! cargo run --release --example demo -- --once --json --pairings 20 --appointments 200
//! ```
//!
//! `--once` is one complete exercise: first sync, edits on both sides, second sync, a quiet round. Then both servers are
//! read back past every client and compared. Exit status 1 when they are not in step.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use calsync_core::ids::{LinkId, PairingId, Side};
use calsync_core::link::Link;
use calsync_core::store::StateStore as _;
use calsync_core::sync::{Action, Step};
use calsync_examples::demo::{Done, Error, People, Report, RoundRow, World, compare};
use calsync_examples::release;
use calsync_store::{PairingRecord, SqliteStore};
use calsync_testkit::exchange::ServerVersion;
use calsync_testkit::sample::SamplePairing;
use calsyncd::engine::{Engine, Finished};
use calsyncd::scheduler::{self, Job, Limits, RoundEnd, Stop, Work};
use clap::Parser;
use tokio::sync::watch;

/// Mock servers with sample calendars, kept in step while people edit on both sides
#[derive(Debug, Parser)]
#[command(name = "demo")]
struct Args {
    /// One complete exercise, then end
    #[arg(long)]
    once: bool,
    /// With --once: one JSON report on standard output, everything else on standard error
    #[arg(long, requires = "once")]
    json: bool,
    /// Pairings of a calendar unit and a mailbox
    #[arg(long, value_name = "N", default_value_t = 5)]
    pairings: usize,
    /// Appointments of each pairing, on both sides together
    #[arg(long, value_name = "M", default_value_t = 40)]
    appointments: usize,
    /// The same seed makes the same calendars and the same edits
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Exchange release to pretend to be
    #[arg(long, value_name = "RELEASE", default_value = "exchange2016", value_parser = release)]
    server_version: ServerVersion,
    /// Folder for a copy of every request and answer
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let ended = if args.once { once(&args).await } else { forever(&args).await };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Readable lines: on standard output, unless the JSON report goes there.
#[derive(Debug, Clone, Copy)]
struct Lines {
    to_stderr: bool,
}

impl Lines {
    fn say(self, line: &str) {
        // Whoever closed the stream does not want to know.
        let _ = if self.to_stderr {
            writeln!(std::io::stderr().lock(), "{line}")
        } else {
            writeln!(std::io::stdout().lock(), "{line}")
        };
    }

    fn did(self, done: &Done) {
        self.say(&format!("  {:<9} {}: {}", done.side, done.name, done.what));
    }

    fn round(self, row: &RoundRow) {
        for (name, side) in [("NVS", &row.nvs), ("Exchange", &row.exchange)] {
            self.say(&format!(
                "  {name:<9} {} created, {} changed, {} deleted, {} gave way in conflicts, {} held, {} failed; \
                 {} requests, {} kB",
                side.created,
                side.updated,
                side.deleted,
                side.conflicts,
                side.held,
                side.failed,
                side.requests,
                side.bytes / 1000
            ));
        }
        for error in &row.errors {
            self.say(&format!("  failed: {error}"));
        }
        self.say(&format!("  {} ms", row.duration_ms));
    }
}

/// First sync, edits on both sides, second sync, quiet round; whether both sides show the same then.
async fn once(args: &Args) -> Result<bool, Error> {
    let lines = Lines { to_stderr: args.json };
    let world = start(args, lines).await?;
    let mut people = People::new(args.seed);
    let mut rounds = Vec::new();

    lines.say("first sync");
    rounds.push(round(&world, "first_sync", lines).await);
    lines.say("people edit on both sides");
    for done in people.edit_everywhere(&world).await? {
        lines.did(&done);
    }
    lines.say("second sync");
    rounds.push(round(&world, "second_sync", lines).await);
    lines.say("quiet round");
    rounds.push(round(&world, "quiet", lines).await);

    let in_step = judge(&world, lines);
    if args.json {
        let (compared, differences) = compare(&world);
        let report = Report {
            pairings: world.pairings.len(),
            appointments: world.appointments,
            seed: args.seed,
            rounds,
            in_step,
            compared,
            differences: differences.len(),
        };
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(in_step)
}

async fn start(args: &Args, lines: Lines) -> Result<World, Error> {
    let world =
        World::start(args.pairings, args.appointments, args.seed, args.server_version, args.trace.as_deref())
            .await?;
    lines.say(&format!("Exchange  {}", world.exchange.url()));
    lines.say(&format!("NVS       {}", world.nvs.url()));
    for pairing in &world.pairings {
        lines.say(&format!("  {:<8} {:<30} {}", pairing.unit, pairing.name, pairing.mailbox));
    }
    lines.say(&format!("{} pairings, {} appointments", world.pairings.len(), world.appointments));
    Ok(world)
}

async fn round(world: &World, name: &'static str, lines: Lines) -> RoundRow {
    let row = world.round(name, |_, _| {}).await;
    lines.round(&row);
    row
}

/// Reads both servers back past every client, and says whether they show the same.
fn judge(world: &World, lines: Lines) -> bool {
    let (compared, differences) = compare(world);
    for difference in &differences {
        eprintln!("{difference}");
    }
    if differences.is_empty() {
        lines.say(&format!("in step: both sides show the same {compared} tiles"));
    } else {
        lines.say(&format!("NOT in step: {} of {compared} tiles differ", differences.len()));
    }
    differences.is_empty()
}

/// People edit now and then, and every few seconds each pairing has its round, until Ctrl-C.
async fn forever(args: &Args) -> Result<bool, Error> {
    let lines = Lines { to_stderr: false };
    let world = start(args, lines).await?;
    lines.say("first sync");
    round(&world, "first_sync", lines).await;
    lines.say("people edit now and then; Ctrl-C ends it");

    let (stop, stopped) = watch::channel(Stop::No);
    let service: Arc<dyn Work> = Arc::new(Telling {
        engine: Arc::clone(world.engine()),
        store: world.store.clone(),
        pairings: world.pairings.clone(),
        lines,
    });
    let schedule = tokio::spawn(scheduler::run(service, Limits::default(), stopped));
    let mut people = People::new(args.seed);
    loop {
        tokio::select! {
            ended = tokio::signal::ctrl_c() => {
                ended?;
                break;
            }
            () = tokio::time::sleep(Duration::from_millis(2500)) => {
                if let Some(done) = people.edit_once(&world).await? {
                    lines.did(&done);
                }
            }
        }
    }
    lines.say("ending: what was edited last is still carried");
    stop.send(Stop::Finish)?;
    schedule.await?;
    let row = world.round("last", |_, _| {}).await;
    lines.round(&row);
    Ok(judge(&world, lines))
}

/// Rounds that say what they did.
struct Telling {
    engine: Arc<Engine>,
    store: SqliteStore,
    pairings: Vec<SamplePairing>,
    lines: Lines,
}

#[async_trait]
impl Work for Telling {
    async fn jobs(&self) -> Result<Vec<Job>, String> {
        let job = |pairing: &SamplePairing| Job {
            pairing: PairingId::new(&pairing.unit),
            interval: Duration::from_secs(4),
        };
        Ok(self.pairings.iter().map(job).collect())
    }

    async fn round(&self, id: &PairingId) -> RoundEnd {
        let Some(pairing) = self.pairings.iter().find(|pairing| pairing.unit == id.as_str()) else {
            return RoundEnd::Done;
        };
        let record = PairingRecord::new(&pairing.unit, &pairing.unit, &pairing.mailbox);
        // Before the round: afterwards nothing is known any more of what it deleted.
        let mut subjects = self.subjects(id).await;
        let finished = self.engine.sync(&record).await;
        subjects.extend(self.subjects(id).await);
        self.tell(pairing, &finished, &subjects);
        finished.end()
    }
}

impl Telling {
    fn tell(&self, pairing: &SamplePairing, finished: &Finished, subjects: &BTreeMap<LinkId, String>) {
        if let Some(error) = finished.error() {
            self.lines.say(&format!("  calsync   {}: {error}", pairing.name));
        }
        let Ok(report) = &finished.result else { return };
        for step in &report.plan.steps {
            let subject = subjects.get(&step.link).map_or("an appointment", String::as_str);
            self.lines.say(&format!("  calsync   {}: {}", pairing.name, sentence(step, subject)));
        }
    }

    /// What the appointments are called. Sample data may be shown; the daemon never does this.
    async fn subjects(&self, pairing: &PairingId) -> BTreeMap<LinkId, String> {
        let links = self.store.links(pairing, None, usize::MAX >> 1).await.unwrap_or_default();
        let subject = |link: &Link| {
            let half = link.halves.a.as_ref().or(link.halves.b.as_ref())?;
            half.latest().map(|(_, series)| format!("\u{201c}{}\u{201d}", series.event.subject))
        };
        links.iter().filter_map(|link| Some((link.id, subject(link)?))).collect()
    }
}

fn sentence(step: &Step, subject: &str) -> String {
    let name = |side: Side| match side {
        Side::A => "NVS",
        Side::B => "Exchange",
    };
    let what = match step.action {
        Action::Create(side) => format!("created {subject} in {}", name(side)),
        Action::Update(side) => format!("changed {subject} in {} ({})", name(side), step.paths.join(", ")),
        Action::Delete(side) => format!("deleted {subject} in {}", name(side)),
        Action::Pair => format!("recognised {subject}"),
        Action::Hold => format!("holds {subject} for a person"),
        Action::Leave => format!("left {subject} alone"),
    };
    let conflicts = step.conflicts.iter().filter_map(|conflict| {
        conflict.winner.map(|winner| format!("; both changed {}, {} wins", conflict.path, name(winner)))
    });
    what + &conflicts.collect::<String>()
}
