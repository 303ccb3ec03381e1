//! Servers, clients, state and engine of the demo.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use calsync_store::{PairingRecord, PairingStore as _, SqliteStore};
use calsync_testkit::exchange::{MockExchange, Options, ServerVersion};
use calsync_testkit::nvs::{MockNvs, MockNvsSettings};
use calsync_testkit::sample::{self, SamplePairing, SampleSpec};
use calsyncd::engine::{Engine, Finished, Servers};
use chrono::{DateTime, NaiveDate, Utc};
use ews_client::{EwsClient, Secret};
use nvs_client::{NvsClient, NvsSettings, Token};
use tempfile::TempDir;

use super::report::{RoundRow, SideRow};

/// The one account that reaches every mailbox.
const USER: &str = "svc-calsync@example.test";
/// Its password; the servers listen on loopback only.
const PASSWORD: &str = "sync-it";

/// What stops the demo.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Everything the demo consists of.
#[derive(Debug)]
pub struct World {
    /// The mock Exchange server.
    pub exchange: MockExchange,
    /// The mock NVS server.
    pub nvs: MockNvs,
    /// Whose calendars they are.
    pub pairings: Vec<SamplePairing>,
    /// The day round which the sample lies.
    pub around: NaiveDate,
    /// Appointments and series that were entered on both sides together.
    pub appointments: usize,
    /// The state, as a second process would open it.
    pub store: SqliteStore,
    engine: Arc<Engine>,
    state: TempDir,
}

impl World {
    /// Starts the servers, fills them, sets the pairings up.
    ///
    /// # Errors
    ///
    /// When a server cannot listen, the trace or the state cannot be written.
    pub async fn start(
        pairings: usize,
        appointments: usize,
        seed: u64,
        version: ServerVersion,
        trace: Option<&Path>,
    ) -> Result<World, Error> {
        let options = Options { version, trace: trace.map(Path::to_owned), ..Options::default() };
        let exchange = MockExchange::start(options).await?;
        let nvs = MockNvs::start(MockNvsSettings::default()).await?;
        if let Some(directory) = trace {
            nvs.trace(directory, exchange.trace_numbers());
        }
        let spec = SampleSpec { pairings, appointments, seed, around: today() };
        let pairings = sample::pairings(spec.pairings, spec.seed);
        sample::furnish(&exchange, &nvs, &pairings, USER, PASSWORD);
        let appointments = sample::fill(&exchange, &nvs, &spec);

        let directory = tempfile::tempdir()?;
        let store = SqliteStore::open(directory.path())?;
        for pairing in &pairings {
            store.add_pairing(&record(pairing)).await?;
        }
        let ews = EwsClient::basic(exchange.url(), USER, Secret::new(PASSWORD)).build()?;
        let client = NvsClient::new(NvsSettings::new(nvs.url(), Token::new(nvs.token())))?;
        let zone = calsync_core::zone::Zone::new("Europe/Berlin")?;
        let servers = Servers::new(client, ews, zone);
        let engine = Arc::new(Engine::new(Arc::new(servers), Arc::new(store.clone())));
        let around = spec.around;
        Ok(World { exchange, nvs, pairings, around, appointments, store, engine, state: directory })
    }

    /// The engine that keeps the pairings in step.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The directory of the state.
    pub fn directory(&self) -> &Path {
        self.state.path()
    }

    /// One round of every pairing, several at a time, and what it came to.
    pub async fn round(
        &self,
        name: &'static str,
        mut tell: impl FnMut(&SamplePairing, &Finished),
    ) -> RoundRow {
        self.exchange.reset_traffic();
        self.nvs.forget_seen();
        let begin = Instant::now();
        let mut running = tokio::task::JoinSet::new();
        let mut waiting = self.pairings.iter().cloned();
        let mut row = RoundRow::new(name);
        loop {
            while running.len() < AT_ONCE
                && let Some(pairing) = waiting.next()
            {
                let engine = Arc::clone(&self.engine);
                running.spawn(async move {
                    let finished = engine.sync(&record(&pairing)).await;
                    (pairing, finished)
                });
            }
            match running.join_next().await {
                Some(Ok((pairing, finished))) => {
                    row.add(&finished);
                    tell(&pairing, &finished);
                }
                Some(Err(error)) => row.broke(&error),
                None => break,
            }
        }
        row.duration_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.count_traffic(&mut row.nvs, &mut row.exchange);
        row
    }

    /// What the servers themselves counted.
    fn count_traffic(&self, nvs: &mut SideRow, exchange: &mut SideRow) {
        let seen = self.nvs.seen();
        nvs.requests = seen.requests.values().sum();
        nvs.bytes = seen.received + seen.sent;
        let traffic = self.exchange.traffic();
        exchange.requests = traffic.values().map(|one| one.requests).sum();
        exchange.bytes = traffic.values().map(|one| one.bytes_in + one.bytes_out).sum();
    }
}

/// Rounds at the same time.
const AT_ONCE: usize = 4;

/// The pairing as the state knows it.
fn record(pairing: &SamplePairing) -> PairingRecord {
    PairingRecord::new(&pairing.unit, &pairing.unit, &pairing.mailbox)
}

fn today() -> NaiveDate {
    DateTime::<Utc>::from(SystemTime::now()).date_naive()
}
