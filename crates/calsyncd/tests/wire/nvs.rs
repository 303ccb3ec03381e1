//! The NVS side: people at the mock's state, and the real client over HTTP.

use std::sync::Arc;

use calsync_core::model::Series;
use calsync_core::source::{Access, CalendarSource};
use calsync_sim::{Line, Manners, Place, SimClock, Standing};
use calsync_testkit::nvs::{MockLimits, MockNvs, MockNvsSettings, MockUnit, Snapshot};
use calsync_testkit::people::Calendars as _;
use nvs_client::{NvsClient, NvsSettings, NvsSource, Token};
use std::sync::{Mutex, PoisonError};

use super::cached::Cached;
use super::gate::{PATIENCE, Pace, Turnpike};
use super::held::{enterable, reading};
use super::watched::Watched;

/// The calendar that the world knows, and one beside it.
const UNIT: &str = "calendar";
const OTHER: &str = "elsewhere";

pub(crate) struct Nvs {
    mock: Arc<MockNvs>,
    client: NvsClient,
    gate: Arc<Turnpike>,
    tell_time: Arc<dyn Fn() + Send + Sync>,
    cached: Cached,
    backups: Mutex<Vec<Snapshot>>,
}

impl Nvs {
    pub(crate) fn start(pace: &Arc<Pace>, manners: &Manners, clock: Arc<SimClock>) -> Nvs {
        let limits = MockLimits { page: manners.page, ..MockLimits::default() };
        let settings = MockNvsSettings { limits, ..MockNvsSettings::default() };
        let mock = Arc::new(pace.runtime().block_on(MockNvs::start(settings)).unwrap());
        for unit in [UNIT, OTHER] {
            mock.put_unit(MockUnit::person(unit, "Ömer Groß", "gross@example.test"));
        }
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
        let mut settings = NvsSettings::new(mock.url(), Token::new(mock.token()));
        settings.timeout = PATIENCE;
        let client = NvsClient::new(settings).unwrap();
        Nvs { mock, client, gate, tell_time, cached: Cached::default(), backups: Mutex::default() }
    }

    pub(crate) fn disconnect(&self) {
        self.gate.disconnect();
    }

    pub(crate) fn requests(&self) -> u64 {
        self.mock.seen().requests.values().sum()
    }

    fn standing(&self, key: &str, revision: u64) -> Option<Standing> {
        self.cached.get(key, revision, || self.mock.whole(UNIT, key))
    }

    /// The server, as of now.
    fn mock(&self) -> &MockNvs {
        (self.tell_time)();
        &self.mock
    }
}

impl Place for Nvs {
    fn client(&self) -> Box<dyn CalendarSource> {
        Box::new(Watched::new(NvsSource::new(self.client.clone()), Arc::clone(&self.gate)))
    }

    fn items(&self) -> Vec<Standing> {
        let standing = self.mock.standing(UNIT);
        standing.iter().filter_map(|(key, revision)| self.standing(key, *revision)).collect()
    }

    fn item(&self, key: &str) -> Option<Standing> {
        self.standing(key, self.mock.revision_of(UNIT, key)?)
    }

    fn make(&self, series: Series, _: Access) -> String {
        self.mock().enter(UNIT, &series).expect("what can be entered is entered")
    }

    fn edit(&self, key: &str, series: Series) {
        assert!(self.mock().replace(UNIT, key, &series), "{key} cannot become {series:?}");
    }

    fn bin(&self, key: &str) {
        self.mock().delete(UNIT, key);
    }

    fn binned(&self) -> Vec<Standing> {
        let binned = self.mock.binned(UNIT);
        binned.iter().filter_map(|(key, revision)| self.standing(key, *revision)).collect()
    }

    /// An appointment keeps its name in the bin.
    fn put_back(&self, key: &str, _: bool) -> Option<String> {
        self.mock().bring_back(UNIT, key).then(|| key.to_owned())
    }

    fn comes_back(&self, key: &str) -> Option<String> {
        self.mock().file_again(UNIT, key)
    }

    fn copy(&self, key: &str, series: Series) -> Option<String> {
        self.mock().copy_as(UNIT, key, &series)
    }

    fn move_out_and_back(&self, key: &str) -> Option<String> {
        self.mock().move_out_and_back(UNIT, key, OTHER).then(|| key.to_owned())
    }

    fn expire(&self) {
        self.mock.expire_cursors();
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

    /// A create is one request.
    fn leave_half_made(&self, _: bool) {}

    /// An appointment has one type.
    fn as_held(&self, series: Series) -> Series {
        let mut series = enterable(series);
        while series.event.categories.len() > 1 {
            series.event.categories.pop_first();
        }
        series
    }

    fn shows_same(&self, one: &Series, other: &Series) -> bool {
        reading(one) == reading(other)
    }

    fn connect(&self, line: Line) {
        self.gate.connect(line);
    }
}
