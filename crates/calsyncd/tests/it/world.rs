//! Mock servers with sample calendars, a configuration file that leads to them, and the executable.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use calsync_testkit::exchange::{MockExchange, Options};
use calsync_testkit::nvs::{MockNvs, MockNvsSettings, MockTls};
use calsync_testkit::people::{Calendars, Draft, Tile};
use calsync_testkit::sample::{self, SamplePairing, SampleSpec};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub(crate) const USER: &str = r"EXAMPLE\svc-calsync";
/// Pairings and appointments are those of one seed.
const SEED: u64 = 1;
pub(crate) const PASSWORD: &str = "sync-it-4711";

pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) exchange: MockExchange,
    pub(crate) nvs: MockNvs,
    pub(crate) pairings: Vec<SamplePairing>,
    pub(crate) around: NaiveDate,
    /// Lines added to the `[sync]` section.
    sync: String,
}

/// What the executable did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Stops the test, with everything that was said, unless the exit status is this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// Stops the test unless all of this was said, on either stream.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Ran {
        for part in parts {
            let said = self.out.contains(part) || self.err.contains(part);
            assert!(said, "\"{part}\" is missing in\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err))
    }
}

impl World {
    /// Servers with `pairings` empty calendars on each side.
    pub(crate) async fn new(pairings: usize) -> World {
        World::with(pairings, Options::default(), None).await
    }

    pub(crate) async fn with(pairings: usize, exchange: Options, nvs_tls: Option<MockTls>) -> World {
        let exchange = MockExchange::start(exchange).await.unwrap();
        let nvs =
            MockNvs::start(MockNvsSettings { tls: nvs_tls, ..MockNvsSettings::default() }).await.unwrap();
        let pairings = sample::pairings(pairings, SEED);
        // A domain in front of the user does not matter to the mock.
        sample::furnish(&exchange, &nvs, &pairings, "svc-calsync", PASSWORD);
        let directory = tempfile::tempdir().unwrap();
        let around = DateTime::<Utc>::from(SystemTime::now()).date_naive();
        let world = World { directory, exchange, nvs, pairings, around, sync: String::new() };
        std::fs::write(world.path("nvs.token"), world.nvs.token()).unwrap();
        world.configure("", "");
        world
    }

    /// Enters sample appointments, that many for each pairing on both sides together.
    pub(crate) fn fill(&self, appointments: usize) {
        let spec =
            SampleSpec { pairings: self.pairings.len(), appointments, seed: SEED, around: self.around };
        assert_eq!(sample::fill(&self.exchange, &self.nvs, &spec), self.pairings.len() * appointments);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.path("calsync.toml")
    }

    /// Writes the configuration; `exchange` and `nvs` are lines added to these sections.
    pub(crate) fn configure(&self, exchange: &str, nvs: &str) {
        self.configure_urls(self.exchange.url(), self.nvs.url(), exchange, nvs);
    }

    pub(crate) fn configure_urls(&self, exchange_url: &str, nvs_url: &str, exchange: &str, nvs: &str) {
        let text = format!(
            "[exchange]\nurl = \"{exchange_url}\"\nuser = '{USER}'\npassword_env = \"CALSYNC_TEST_PASSWORD\"\n\
             timeout = \"20s\"\n{exchange}\n[nvs]\nurl = \"{nvs_url}\"\ntoken_file = \"nvs.token\"\n\
             timeout = \"20s\"\n{nvs}\n[sync]\n{}\n[store]\ndirectory = 'state'\n",
            self.sync
        );
        std::fs::write(self.config_path(), text).unwrap();
    }

    /// Sets lines of the `[sync]` section.
    pub(crate) fn set_sync(&mut self, lines: &str) {
        lines.clone_into(&mut self.sync);
        self.configure("", "");
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calsyncd"));
        command
            .arg("--config")
            .arg(self.config_path())
            .args(args)
            .env("CALSYNC_TEST_PASSWORD", PASSWORD)
            .env("LC_ALL", "C")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args)).await
    }

    /// Runs in German.
    pub(crate) async fn run_in_german(&self, args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command.env("LC_ALL", "de_DE.UTF-8");
        finish(command).await
    }

    /// Adds all pairings by the command line.
    pub(crate) async fn pair_all(&self) {
        for pairing in &self.pairings {
            let args =
                ["pairing", "add", &pairing.unit, "--unit", &pairing.unit, "--mailbox", &pairing.mailbox];
            self.run(&args).await.exits(0);
        }
    }

    fn window(&self) -> (NaiveDate, NaiveDate) {
        (self.around - Days::new(300), self.around + Days::new(300))
    }

    pub(crate) fn nvs_tiles(&self, pairing: &SamplePairing) -> Vec<Tile> {
        let (from, to) = self.window();
        self.nvs.tiles(&pairing.unit, from, to)
    }

    pub(crate) fn exchange_tiles(&self, pairing: &SamplePairing) -> Vec<Tile> {
        let (from, to) = self.window();
        self.exchange.tiles(&pairing.mailbox, from, to)
    }

    pub(crate) fn in_step(&self) -> bool {
        self.pairings.iter().all(|pairing| self.nvs_tiles(pairing) == self.exchange_tiles(pairing))
    }

    /// Stops the test unless both servers show the same, read past every client.
    #[track_caller]
    pub(crate) fn assert_in_step(&self) {
        for pairing in &self.pairings {
            let (nvs, exchange) = (self.nvs_tiles(pairing), self.exchange_tiles(pairing));
            let lost: Vec<_> = nvs.iter().filter(|tile| !exchange.contains(tile)).collect();
            let extra: Vec<_> = exchange.iter().filter(|tile| !nvs.contains(tile)).collect();
            assert!(nvs == exchange, "{}: only NVS {lost:#?}, only Exchange {extra:#?}", pairing.name);
        }
    }

    /// A simple appointment `days` from now.
    pub(crate) fn draft(&self, subject: &str, days: u64) -> Draft {
        let start = (self.around + Days::new(days)).and_time(NaiveTime::MIN) + TimeDelta::hours(10);
        Draft {
            place: "Halle 2".to_owned(),
            notes: "Schlüssel beim Hausmeister".to_owned(),
            ..Draft::new(subject, start, start + TimeDelta::hours(1))
        }
    }
}

pub(crate) async fn finish(mut command: Command) -> Ran {
    let output = command.output().await.unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits for something that a running service does.
pub(crate) async fn wait_for(what: &str, done: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(40);
    while !done() {
        assert!(Instant::now() < patience, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Asks a process to end, as the system does.
pub(crate) fn terminate(child: &Child) {
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
}

/// Waits for the end of a process, but not for ever.
pub(crate) async fn ended(child: &mut Child) -> ExitStatus {
    tokio::time::timeout(Duration::from_secs(40), child.wait()).await.expect("it does not end").unwrap()
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
