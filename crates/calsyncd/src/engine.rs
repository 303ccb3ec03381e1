//! Rounds: one pairing, both servers, the state.
//!
//! An [`Engine`] takes a [`PairingRecord`], connects its two calendars, runs a round of the core and notes in the history
//! what became of it. It decides nothing about when: that is the scheduler's, or the embedding program's.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use calsync_core::drive::{self, Clock, Holder, Pair};
use calsync_core::ids::{CalendarKey, ChangeToken, CreateToken, ItemKey, PairingId, PerSide, Side};
use calsync_core::link::Wish;
use calsync_core::model::{Attachment, Series};
use calsync_core::source::{
    CalendarSource, Capabilities, ChangePage, FileRead, Files, Fit, Mark, Seen, SourceError, SourceErrorKind,
    Write, WriteOutcome,
};
use calsync_core::store::{Recorded, StateStore, StoreError};
use calsync_core::sync::{Failure, RoundReport};
use calsync_core::zone::Zone;
use calsync_store::{
    Invitations, MailboxAccess, PairingRecord, PairingSettings, PairingStore, RunOutcome, RunRecord,
    UnfitRules,
};
use chrono::{DateTime, Utc};
use ews_client::wire::FolderId;
use ews_client::{CategoryColour, EwsClient, ExchangeSource};
use nvs_client::{NvsClient, NvsSource};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::connect::{self, ConnectError};
use crate::fields::side_word;
use crate::holder;
use crate::scheduler::RoundEnd;

/// Everything that is remembered: the engine's state, the pairings, the history.
pub trait State: StateStore + PairingStore {}

impl<T: StateStore + PairingStore> State for T {}

/// The calendar systems on both sides.
#[async_trait]
pub trait Sides: Send + Sync {
    /// The two systems of a pairing, whose settings are whole: the defaults are in them.
    fn sources(&self, record: &PairingRecord) -> PerSide<Arc<dyn CalendarSource>>;

    /// Its calendars on them.
    fn calendars(&self, record: &PairingRecord) -> PerSide<CalendarKey>;

    /// Who keeps calendars in step with these systems, as it is said in the marks that are left in them: the id of the NVS
    /// installation, which a test system that was cloned from it does not have.
    async fn installation(&self) -> Result<String, SourceError>;
}

/// The NVS server on side `A`, the Exchange server on side `B`.
#[derive(Debug)]
pub struct Servers {
    nvs: NvsClient,
    exchange: PerAccess<ExchangeSource>,
    /// As the NVS server said it, once in the life of this.
    installation: tokio::sync::OnceCell<String>,
}

#[derive(Debug)]
struct PerAccess<T> {
    rights: T,
    impersonation: T,
}

impl Servers {
    /// Takes the two clients. `zone` is where the owners of the mailboxes sit.
    pub fn new(nvs: NvsClient, exchange: EwsClient, zone: Zone) -> Servers {
        let by_rights = ExchangeSource::new(exchange.clone(), ews_client::Access::Rights, zone.clone());
        let impersonating = ExchangeSource::new(exchange, ews_client::Access::Impersonation, zone);
        Servers {
            nvs,
            exchange: PerAccess { rights: by_rights, impersonation: impersonating },
            installation: tokio::sync::OnceCell::new(),
        }
    }

    /// Makes clients for what a configuration names.
    ///
    /// # Errors
    ///
    /// When a secret or file cannot be read. Nothing is sent.
    pub fn from_config(config: &Config) -> Result<Servers, ConnectError> {
        let (nvs, exchange) = (connect::nvs(config)?, connect::exchange(config, None)?);
        Ok(Servers::new(nvs, exchange, config.exchange.time_zone.clone()))
    }
}

#[async_trait]
impl Sides for Servers {
    fn sources(&self, record: &PairingRecord) -> PerSide<Arc<dyn CalendarSource>> {
        let exchange = match record.access {
            MailboxAccess::Rights => &self.exchange.rights,
            MailboxAccess::Impersonation => &self.exchange.impersonation,
        };
        let exchange = exchange
            .clone()
            .with_unfit_rules(unfit_rules(&record.settings))
            .with_invitations(invitations(&record.settings))
            .with_category_colours(category_colours(&record.settings));
        // One NVS source for each round: it remembers in which epoch that round read.
        PerSide { a: Arc::new(NvsSource::new(self.nvs.clone())), b: Arc::new(exchange) }
    }

    fn calendars(&self, record: &PairingRecord) -> PerSide<CalendarKey> {
        let folder = record.folder.as_ref().map(FolderId::new);
        PerSide {
            a: CalendarKey::new(&record.unit),
            b: ExchangeSource::calendar_key(&record.mailbox, folder.as_ref()),
        }
    }

    async fn installation(&self) -> Result<String, SourceError> {
        let asked =
            self.installation.get_or_try_init(async || NvsSource::new(self.nvs.clone()).installation().await);
        asked.await.cloned()
    }
}

fn unfit_rules(settings: &PairingSettings) -> ews_client::UnfitRules {
    match settings.unfit_rules {
        None => ews_client::UnfitRules::default(),
        Some(UnfitRules::Split) => ews_client::UnfitRules::Split,
        Some(UnfitRules::Expand) => ews_client::UnfitRules::Expand,
        Some(UnfitRules::Report) => ews_client::UnfitRules::Report,
    }
}

fn category_colours(settings: &PairingSettings) -> BTreeMap<String, CategoryColour> {
    let given = settings.category_colours.iter().flatten();
    given.filter_map(|(name, colour)| Some((name.clone(), colour.parse().ok()?))).collect()
}

fn invitations(settings: &PairingSettings) -> ews_client::Invitations {
    match settings.invitations {
        None | Some(Invitations::Never) => ews_client::Invitations::Never,
        Some(Invitations::Changes) => ews_client::Invitations::SensitiveChanges,
    }
}

/// Runs rounds.
pub struct Engine {
    sides: Arc<dyn Sides>,
    state: Arc<dyn State>,
    clock: Arc<dyn Clock>,
    defaults: PairingSettings,
    /// Who works on pairings here.
    holder: Holder,
}

/// The longest time that a request takes unless a configuration says something else.
const LONGEST_REQUEST: Duration = Duration::from_secs(100);

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("defaults", &self.defaults).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine with the machine's clock, and with the engine's own defaults for pairings.
    pub fn new(sides: Arc<dyn Sides>, state: Arc<dyn State>) -> Engine {
        Engine {
            sides,
            state,
            clock: Arc::new(SystemClock),
            defaults: PairingSettings::default(),
            holder: holder::new(LONGEST_REQUEST),
        }
    }

    /// With clients whose requests end after this time at the latest, with or without an answer. While this engine works on
    /// a pairing no other one does; should it stop without giving that back, others wait for three times as long.
    #[must_use]
    pub fn with_longest_request(mut self, longest: Duration) -> Engine {
        self.holder = holder::new(longest);
        self
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Engine {
        self.clock = clock;
        self
    }

    /// With other defaults for what a pairing leaves open.
    #[must_use]
    pub fn with_defaults(mut self, defaults: PairingSettings) -> Engine {
        self.defaults = defaults;
        self
    }

    /// What is remembered.
    pub fn state(&self) -> &Arc<dyn State> {
        &self.state
    }

    /// Runs one round and notes it in the history, unless somebody else works on the pairing. Dropping the future anywhere is
    /// harmless.
    pub async fn sync(&self, record: &PairingRecord) -> Finished {
        let finished = self.round(record, Kind::Sync).await;
        if let Err(StoreError::Leased { holder, remains }) = &finished.result {
            let wait_s = remains.as_secs();
            tracing::info!(pairing = %record.id, holder, wait_s, "another process works on this pairing");
            return finished;
        }
        if let Err(error) = self.state.add_run(&finished.run()).await {
            tracing::warn!(pairing = %record.id, %error, "the round cannot be noted in the history");
        }
        finished.log();
        finished
    }

    /// Says what a round would do; writes nothing anywhere.
    pub async fn plan(&self, record: &PairingRecord) -> Finished {
        self.round(record, Kind::Plan(&[])).await
    }

    /// Says what a round would do if this was asked for before it; writes nothing anywhere.
    pub async fn plan_asked(&self, record: &PairingRecord, wishes: &[Wish]) -> Finished {
        self.round(record, Kind::Plan(wishes)).await
    }

    async fn round(&self, record: &PairingRecord, kind: Kind<'_>) -> Finished {
        let (started, begin) = (self.clock.now(), Instant::now());
        // What is asked for holds appointments: it is not for the log.
        let dry = matches!(kind, Kind::Plan(_));
        tracing::debug!(pairing = %record.id, dry, "round begins");
        let record = &PairingRecord { settings: record.settings.over(&self.defaults), ..record.clone() };
        let sources = self.sides.sources(record);
        let sources = PerSide { a: Noting::new(sources.a), b: Noting::new(sources.b) };
        let calendars = self.sides.calendars(record);
        let mut settings = record.settings.engine();
        match self.sides.installation().await {
            Ok(installation) => settings.installation = installation,
            Err(error) => {
                let details = PerSide { a: Some(said(&error)), b: None };
                let failure = Some(Failure::Source { side: Side::A, doing: error.doing, kind: error.kind });
                let result = Ok(RoundReport { failure, ..RoundReport::default() });
                return Finished {
                    pairing: record.id.clone(),
                    started,
                    took: begin.elapsed(),
                    result,
                    details,
                };
            }
        }
        let pair = Pair {
            id: &record.id,
            sources: PerSide { a: &sources.a, b: &sources.b },
            calendars: PerSide { a: &calendars.a, b: &calendars.b },
            settings: &settings,
        };
        let result = match kind {
            Kind::Sync => drive::sync(pair, self.state.as_ref(), self.clock.as_ref(), &self.holder).await,
            Kind::Plan(wishes) => {
                drive::plan_asked(pair, self.state.as_ref(), self.clock.as_ref(), wishes).await
            }
        };
        let details = PerSide { a: sources.a.last(), b: sources.b.last() };
        Finished { pairing: record.id.clone(), started, took: begin.elapsed(), result, details }
    }
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    Sync,
    Plan(&'a [Wish]),
}

/// A round that ended.
#[derive(Debug)]
pub struct Finished {
    /// Of which pairing.
    pub pairing: PairingId,
    /// When it began.
    pub started: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// What it did, or why the state ended it.
    pub result: Result<RoundReport, StoreError>,
    /// What each side's client said last when a call failed as a whole.
    details: PerSide<Option<String>>,
}

impl Finished {
    /// How it ended.
    pub fn outcome(&self) -> RunOutcome {
        match &self.result {
            Ok(report) if report.failure.is_some() => RunOutcome::Failed,
            Ok(report) if report.is_clean() => RunOutcome::Ok,
            Ok(_) => RunOutcome::Held,
            Err(_) => RunOutcome::Failed,
        }
    }

    /// The side that could not be used, if that ended the round.
    pub fn failed_side(&self) -> Option<Side> {
        match &self.result.as_ref().ok()?.failure {
            Some(Failure::Source { side, .. }) => Some(*side),
            Some(Failure::WrongReply) | None => None,
        }
    }

    /// Whether it ended because a side went back in time, or is not the one that it was: nothing goes on until a person
    /// chooses.
    pub fn went_back(&self) -> bool {
        self.failed_kind().is_some_and(waits_for_choice)
    }

    fn failed_kind(&self) -> Option<&SourceErrorKind> {
        match &self.result.as_ref().ok()?.failure {
            Some(Failure::Source { kind, .. }) => Some(kind),
            Some(Failure::WrongReply) | None => None,
        }
    }

    /// What the error of a round in the history says that a person has to choose about, if it does.
    pub fn says_went_back(error: &str) -> Option<SourceErrorKind> {
        [SourceErrorKind::WentBack, SourceErrorKind::Emptied, SourceErrorKind::Foreign]
            .into_iter()
            .find(|kind| error.ends_with(&kind.to_string()))
    }

    /// Why it ended before its time, in English and with what the client said.
    pub fn error(&self) -> Option<String> {
        match &self.result {
            Err(error) => Some(error.to_string()),
            Ok(report) => report.failure.as_ref().map(|failure| match failure {
                // The same words whoever noticed it; see `says_went_back`.
                Failure::Source { side, doing, kind } if waits_for_choice(kind) => {
                    format!("{}: {doing}: {kind}", side_word(*side))
                }
                Failure::Source { side, doing, kind } => {
                    let detail = self.details.get(*side).clone().unwrap_or_else(|| kind.to_string());
                    format!("{}: {doing}: {detail}", side_word(*side))
                }
                Failure::WrongReply => failure.to_string(),
            }),
        }
    }

    /// What the client of a side said last when a call failed as a whole.
    pub fn detail(&self, side: Side) -> Option<&str> {
        self.details.get(side).as_deref()
    }

    /// What is kept of it in the history.
    pub fn run(&self) -> RunRecord {
        match &self.result {
            Ok(report) => {
                let run = RunRecord::of(self.pairing.clone(), report, self.started, self.took);
                RunRecord { error: self.error(), ..run }
            }
            Err(error) => RunRecord::failed(self.pairing.clone(), error.to_string(), self.started, self.took),
        }
    }

    /// What it means for the next one.
    pub fn end(&self) -> RoundEnd {
        match &self.result {
            Err(StoreError::Leased { remains, .. }) => RoundEnd::Elsewhere(*remains),
            Err(_) => RoundEnd::Failed,
            Ok(report) => match &report.failure {
                None => RoundEnd::Done,
                Some(Failure::Source { kind: SourceErrorKind::Throttled(wait), .. }) => {
                    RoundEnd::Throttled(*wait)
                }
                Some(_) => RoundEnd::Failed,
            },
        }
    }

    fn log_marks(&self, report: &RoundReport) {
        let pairing = &self.pairing;
        for (side, why) in report.unmarked.iter() {
            if let Some(why) = why {
                let side = side_word(side);
                tracing::warn!(%pairing, side, why, "no mark can be left: a restore of this side would not be noticed");
            }
        }
        if let Some(went_back) = report.went_back.filter(|went_back| !went_back.waits()) {
            tracing::warn!(%pairing, which = ?went_back.which, "something went back in time and was dealt with");
        }
    }

    fn log(&self) {
        let pairing = &self.pairing;
        let took_ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        if let Some(error) = self.error() {
            tracing::warn!(%pairing, took_ms, error, "round failed");
            return;
        }
        let Ok(report) = &self.result else { return };
        self.log_marks(report);
        let (nvs, exchange) = (&report.sides.a, &report.sides.b);
        let quiet = report.writes() == 0 && report.is_clean();
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    %pairing,
                    took_ms,
                    first_sync = report.first_sync,
                    linked = report.linked,
                    nvs_read = nvs.read,
                    nvs_created = nvs.created,
                    nvs_updated = nvs.updated,
                    nvs_deleted = nvs.deleted,
                    nvs_failed = nvs.failed,
                    exchange_read = exchange.read,
                    exchange_created = exchange.created,
                    exchange_updated = exchange.updated,
                    exchange_deleted = exchange.deleted,
                    exchange_failed = exchange.failed,
                    conflicts = report.conflicts,
                    held = report.held,
                    failing = report.failing,
                    "round done"
                )
            };
        }
        if quiet {
            tell!(debug);
        } else {
            tell!(info);
        }
        for failure in &report.failures {
            // Why is the adapter's word on one item and may hold a field's name, never its text.
            tracing::warn!(%pairing, side = side_word(failure.side), link = %failure.link, why = failure.why, "item failed");
        }
        for left in &report.left_out {
            tracing::info!(%pairing, side = side_word(left.side), link = %left.link, why = left.why, "file not carried");
        }
    }
}

/// Whether nothing goes on before a person chose which side leads.
fn waits_for_choice(kind: &SourceErrorKind) -> bool {
    matches!(kind, SourceErrorKind::WentBack | SourceErrorKind::Emptied | SourceErrorKind::Foreign)
}

/// A source that remembers what was said when a call failed: the report of a round only keeps what to do next.
struct Noting {
    inner: Arc<dyn CalendarSource>,
    last: Mutex<Option<String>>,
}

impl Noting {
    fn new(inner: Arc<dyn CalendarSource>) -> Noting {
        Noting { inner, last: Mutex::new(None) }
    }

    fn last(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note<T>(&self, result: Result<T, SourceError>) -> Result<T, SourceError> {
        if let Err(error) = &result {
            self.keep(error);
        }
        result
    }

    fn keep(&self, error: &SourceError) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(said(error));
    }
}

fn said(error: &SourceError) -> String {
    error.source().map_or_else(|| error.kind.to_string(), ToString::to_string)
}

#[async_trait]
impl CalendarSource for Noting {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn fit(&self, calendar: &CalendarKey, series: &Series) -> Fit {
        self.inner.fit(calendar, series)
    }

    async fn changes(
        &self,
        calendar: &CalendarKey,
        since: Option<&ChangeToken>,
    ) -> Result<ChangePage, SourceError> {
        self.note(self.inner.changes(calendar, since).await)
    }

    async fn fetch(&self, calendar: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError> {
        self.note(self.inner.fetch(calendar, keys).await)
    }

    async fn find_created(
        &self,
        calendar: &CalendarKey,
        tokens: &[CreateToken],
    ) -> Result<Vec<Seen>, SourceError> {
        self.note(self.inner.find_created(calendar, tokens).await)
    }

    async fn sentinel(&self, calendar: &CalendarKey) -> Result<Option<Mark>, SourceError> {
        self.note(self.inner.sentinel(calendar).await)
    }

    async fn set_sentinel(
        &self,
        calendar: &CalendarKey,
        expected: Option<&Mark>,
        new: &Mark,
    ) -> Result<(), SourceError> {
        self.note(self.inner.set_sentinel(calendar, expected, new).await)
    }

    async fn attachment(
        &self,
        calendar: &CalendarKey,
        key: &ItemKey,
        file: &Attachment,
        max_bytes: u64,
    ) -> Result<FileRead, SourceError> {
        self.note(self.inner.attachment(calendar, key, file, max_bytes).await)
    }

    async fn apply(
        &self,
        calendar: &CalendarKey,
        writes: &[Recorded<Write>],
        files: &dyn Files,
    ) -> Vec<WriteOutcome> {
        let outcomes = self.inner.apply(calendar, writes, files).await;
        for outcome in &outcomes {
            match outcome {
                WriteOutcome::Applied(_) => {}
                WriteOutcome::Refused(error) | WriteOutcome::Unknown(error) => self.keep(error),
            }
        }
        outcomes
    }

    async fn upkeep(&self, calendar: &CalendarKey) -> Result<u64, SourceError> {
        self.note(self.inner.upkeep(calendar).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exchange_side_is_told_what_a_pairing_says() {
        let settings = |unfit_rules, invitations| PairingSettings {
            unfit_rules,
            invitations,
            ..PairingSettings::default()
        };
        let nothing = settings(None, None);
        assert_eq!(unfit_rules(&nothing), ews_client::UnfitRules::Split);
        assert_eq!(
            invitations(&nothing),
            ews_client::Invitations::Never,
            "nobody is mailed unless asked for"
        );
        let all = settings(Some(UnfitRules::Report), Some(Invitations::Changes));
        assert_eq!(unfit_rules(&all), ews_client::UnfitRules::Report);
        assert_eq!(invitations(&all), ews_client::Invitations::SensitiveChanges);
        assert!(category_colours(&nothing).is_empty());
        let colours = Some(BTreeMap::from([("Job".to_owned(), "red".to_owned())]));
        let coloured = PairingSettings { category_colours: colours, ..PairingSettings::default() };
        assert_eq!(category_colours(&coloured), BTreeMap::from([("Job".to_owned(), "red".parse().unwrap())]));
        let some = settings(Some(UnfitRules::Expand), Some(Invitations::Never));
        assert_eq!(unfit_rules(&some), ews_client::UnfitRules::Expand);
        assert_eq!(invitations(&some), ews_client::Invitations::Never);
    }
}
