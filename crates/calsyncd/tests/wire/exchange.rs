//! The Exchange side: people at the mock's state, and the real client over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use calsync_core::model::Series;
use calsync_core::source::{Access, CalendarSource};
use calsync_core::zone::Zone;
use calsync_sim::{Line, Manners, Place, SimClock, Standing};
use calsync_testkit::exchange::{CUSTOMER_SET, MockExchange, Options, Rights, ServerVersion, Snapshot};
use calsync_testkit::people::Calendars as _;
use calsync_testkit::whole::{HOME, Whole};
use chrono::{DateTime, Utc};
use ews_client::{EwsClient, ExchangeSource, Secret};

use super::cached::Cached;
use super::gate::{PATIENCE, Pace, Turnpike};
use super::held::{enterable, reading};
use super::watched::Watched;

/// The mailbox has the name that the world gives the calendar.
const MAILBOX: &str = "calendar";
const USER: &str = "svc-calsync@example.test";
const PASSWORD: &str = "keeps in step";
/// By what the client knows an item as one of several that are one series.
const PART: &str = "calsync-part";

pub(crate) struct Exchange {
    mock: Arc<MockExchange>,
    client: EwsClient,
    gate: Arc<Turnpike>,
    tell_time: Arc<dyn Fn() + Send + Sync>,
    cached: Cached,
    backups: Mutex<Vec<Snapshot>>,
    /// What a process remembers of the server, and which process it is.
    process: Mutex<(u64, ExchangeSource)>,
    lives: Arc<AtomicU64>,
}

/// It only decides how far a series is expanded, and none is.
fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_507_200, 0).unwrap_or_default()
}

fn source(client: &EwsClient) -> ExchangeSource {
    let zone = Zone::new(HOME).expect("Berlin is known");
    ExchangeSource::new(client.clone(), ews_client::Access::Rights, zone).with_clock(beginning)
}

impl Exchange {
    pub(crate) fn start(
        pace: &Arc<Pace>,
        seed: u64,
        manners: &Manners,
        clock: Arc<SimClock>,
        lives: &Arc<AtomicU64>,
    ) -> Exchange {
        let versions = ServerVersion::ALL;
        let version = versions[usize::try_from(seed / 4).unwrap() % versions.len()];
        let options = Options { version, ..Options::default() };
        let mock = Arc::new(pace.runtime().block_on(MockExchange::start(options)).unwrap());
        mock.add_account(USER, PASSWORD);
        mock.add_mailbox(MAILBOX, "Ömer Groß");
        mock.set_rights(USER, MAILBOX, Rights::Owner);
        // Its gate tells it the time, and it has the gate: one of them must not keep the other.
        let (server, skew) = (Arc::downgrade(&mock), manners.skew);
        let tell_time: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            if let Some(server) = server.upgrade() {
                server.fix_clock(clock.at_server(skew));
            }
        });
        tell_time();
        let told = Arc::clone(&tell_time);
        let gate = Arc::new(Turnpike::new(pace, move || told()));
        mock.set_gate(Arc::clone(&gate) as _);
        let builder = EwsClient::basic(mock.url(), USER, Secret::new(PASSWORD)).timeout(PATIENCE);
        let client = builder.build().unwrap();
        let process = Mutex::new((0, source(&client)));
        let (cached, backups, lives) = (Cached::default(), Mutex::default(), Arc::clone(lives));
        Exchange { mock, client, gate, tell_time, cached, backups, process, lives }
    }

    pub(crate) fn disconnect(&self) {
        self.gate.disconnect();
    }

    pub(crate) fn requests(&self) -> u64 {
        self.mock.traffic().values().map(|traffic| traffic.requests).sum()
    }

    pub(crate) fn mails(&self) -> u64 {
        self.mock.outbox().len() as u64
    }

    fn standing(&self, key: &str, change: u64) -> Option<Standing> {
        let standing = self.cached.get(key, change, || self.mock.whole(MAILBOX, key))?;
        let composed = self.mock.extended(MAILBOX, key, CUSTOMER_SET, PART).is_some();
        Some(Standing { composed, ..standing })
    }

    /// The server, as of now.
    fn mock(&self) -> &MockExchange {
        (self.tell_time)();
        &self.mock
    }
}

impl Place for Exchange {
    fn client(&self) -> Box<dyn CalendarSource> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let life = self.lives.load(Ordering::Relaxed);
        if process.0 != life {
            *process = (life, source(&self.client));
        }
        Box::new(Watched::new(process.1.clone(), Arc::clone(&self.gate)))
    }

    fn items(&self) -> Vec<Standing> {
        let standing = self.mock.standing(MAILBOX);
        standing.iter().filter_map(|(key, change)| self.standing(key, *change)).collect()
    }

    fn item(&self, key: &str) -> Option<Standing> {
        // An id names its folder too: what lies elsewhere has another one.
        self.standing(key, self.mock.change_of(MAILBOX, key)?)
    }

    fn make(&self, series: Series, access: Access) -> String {
        let whole = Whole { received: access == Access::Personal, series };
        self.mock().enter(MAILBOX, &whole).expect("what can be entered is entered")
    }

    fn edit(&self, key: &str, series: Series) {
        assert!(self.mock().replace(MAILBOX, key, &series), "{key} cannot become {series:?}");
    }

    fn bin(&self, key: &str) {
        self.mock().delete(MAILBOX, key);
    }

    fn binned(&self) -> Vec<Standing> {
        let binned = self.mock.binned(MAILBOX);
        binned.iter().filter_map(|(key, change)| self.standing(key, *change)).collect()
    }

    /// Whatever is moved gets another name.
    fn put_back(&self, key: &str, _: bool) -> Option<String> {
        self.mock().bring_back(MAILBOX, key)
    }

    fn comes_back(&self, key: &str) -> Option<String> {
        self.mock().file_again(MAILBOX, key)
    }

    fn copy(&self, key: &str, series: Series) -> Option<String> {
        self.mock().copy_as(MAILBOX, key, &series)
    }

    fn move_out_and_back(&self, key: &str) -> Option<String> {
        self.mock().move_out_and_back(MAILBOX, key)
    }

    fn expire(&self) {
        self.mock.invalidate_sync_states(MAILBOX);
    }

    fn backup(&self) -> usize {
        let mut backups = self.backups.lock().unwrap_or_else(PoisonError::into_inner);
        backups.push(self.mock.snapshot());
        backups.len() - 1
    }

    fn restore(&self, backup: usize) {
        let backups = self.backups.lock().unwrap_or_else(PoisonError::into_inner);
        self.mock().restore(&backups[backup]);
        self.cached.clear();
    }

    /// Creates of several requests are left half made by what befalls these.
    fn leave_half_made(&self, _: bool) {}

    fn as_held(&self, series: Series) -> Series {
        enterable(series)
    }

    fn shows_same(&self, one: &Series, other: &Series) -> bool {
        reading(one) == reading(other)
    }

    fn connect(&self, line: Line) {
        self.gate.connect(line);
    }
}
