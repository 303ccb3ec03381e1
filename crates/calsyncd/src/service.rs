//! The sync service: the scheduler's work done by the engine, a heartbeat for others to see, and the journal kept
//! from growing for ever.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use calsync_core::drive::Clock;
use calsync_core::ids::PairingId;
use calsync_store::SqliteStore;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::clock::{self, SystemClock};
use crate::engine::Engine;
use crate::scheduler::{self, Ended, Job, Limits, RoundEnd, Stop, Work};

/// The engine as the scheduler wants it.
#[derive(Debug)]
pub struct Service {
    engine: Engine,
    interval: Duration,
}

impl Service {
    /// `interval` is for pairings that have none of their own.
    pub fn new(engine: Engine, interval: Duration) -> Service {
        Service { engine, interval }
    }
}

#[async_trait]
impl Work for Service {
    async fn jobs(&self) -> Result<Vec<Job>, String> {
        let records = self.engine.state().pairings().await.map_err(|error| error.to_string())?;
        let jobs = records.into_iter().filter(|record| record.enabled).map(|record| Job {
            interval: record.settings.interval().unwrap_or(self.interval),
            pairing: record.id,
        });
        Ok(jobs.collect())
    }

    async fn round(&self, pairing: &PairingId) -> RoundEnd {
        // Read again: it may have been changed since the scheduler read the list.
        match self.engine.state().pairing(pairing).await {
            Ok(Some(record)) if record.enabled => self.engine.sync(&record).await.end(),
            Ok(_) => RoundEnd::Done,
            Err(error) => {
                tracing::error!(%pairing, %error, "the pairing cannot be read");
                RoundEnd::Failed
            }
        }
    }
}

/// What the journal keeps: the content of appointments as it was before each change, for so long.
#[derive(Debug, Clone)]
pub struct JournalKeeping {
    /// The store that has the journal.
    pub store: Arc<SqliteStore>,
    /// How long.
    pub keep: Duration,
    /// How long with the content of appointments.
    pub contents: Duration,
}

impl JournalKeeping {
    /// Ends what is older, now and then once a day.
    async fn run(self, clock: Arc<dyn Clock>) {
        loop {
            self.tidy(clock.now()).await;
            tokio::time::sleep(DAY).await;
        }
    }

    async fn tidy(&self, now: DateTime<Utc>) {
        let before = |keep: Duration| now.checked_sub_signed(TimeDelta::from_std(keep).ok()?);
        if let Some(before) = before(self.keep) {
            match self.store.forget_journal_before(before).await {
                Ok(0) => {}
                Ok(entries) => tracing::info!(entries, "old journal entries ended"),
                Err(error) => {
                    tracing::warn!(%error, "old journal entries cannot be ended; tried again tomorrow");
                }
            }
        }
        if let Some(before) = before(self.contents) {
            match self.store.erase_contents_before(before, now).await {
                Ok(0) => {}
                Ok(entries) => tracing::info!(entries, "contents of old journal entries erased"),
                Err(error) => {
                    tracing::warn!(%error, "contents of old journal entries cannot be erased; tried again tomorrow");
                }
            }
        }
    }
}

/// Keeps all pairings in step until told to stop; `directory` gets the heartbeat.
pub async fn run(
    service: Service,
    journal: JournalKeeping,
    limits: Limits,
    stop: watch::Receiver<Stop>,
    directory: &Path,
) -> Ended {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "service started");
    let heart = tokio::spawn(beat(directory.to_owned()));
    let tidying = tokio::spawn(journal.run(Arc::new(SystemClock)));
    let ended = scheduler::run(Arc::new(service), limits, stop).await;
    tidying.abort();
    heart.abort();
    // Already gone is as good.
    let _ = std::fs::remove_file(Heartbeat::path(directory));
    tracing::info!(abandoned = ended.abandoned, "service stopped");
    ended
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often the heart beats.
const BEAT: Duration = Duration::from_secs(5);
/// So long without a beat is dead, or hung.
const DEAD_AFTER: TimeDelta = TimeDelta::seconds(30);

/// What a running service says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Its process.
    pub process: u32,
    /// When it started.
    pub started: DateTime<Utc>,
    /// When it last said so.
    pub at: DateTime<Utc>,
    /// Its version.
    pub version: String,
}

impl Heartbeat {
    fn path(directory: &Path) -> PathBuf {
        directory.join("service.heartbeat")
    }

    /// The last beat of a service that lives.
    pub fn read(directory: &Path) -> Option<Heartbeat> {
        let text = std::fs::read_to_string(Heartbeat::path(directory)).ok()?;
        let beat: Heartbeat = serde_json::from_str(&text).ok()?;
        (clock::now().signed_duration_since(beat.at) < DEAD_AFTER).then_some(beat)
    }

    fn write(&self, directory: &Path) -> std::io::Result<()> {
        // Beside and then in place, so that nobody reads half of it.
        let beside = directory.join("service.heartbeat.new");
        std::fs::write(&beside, serde_json::to_string(self)?)?;
        std::fs::rename(beside, Heartbeat::path(directory))
    }
}

async fn beat(directory: PathBuf) {
    let started = clock::now();
    loop {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let beat = Heartbeat { process: std::process::id(), started, at: clock::now(), version };
        if let Err(error) = beat.write(&directory) {
            tracing::warn!(%error, "the heartbeat cannot be written");
        }
        tokio::time::sleep(BEAT).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use calsync_core::ids::{ContentHash, CreateToken, ItemKey, LinkId, Revision, Side};
    use calsync_core::source::{Receipt, Write, WriteOp};
    use calsync_core::store::{Closed, Commit, JournalEntry, JournalQuery, StateStore as _};
    use calsync_store::{PairingRecord, PairingStore as _};

    use super::*;

    struct Hands(Mutex<DateTime<Utc>>);

    impl Clock for Hands {
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().unwrap()
        }

        fn steady(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn entry(link: u64, at: DateTime<Utc>) -> JournalEntry {
        let key = ItemKey::new("k");
        let receipt = Receipt {
            token: CreateToken::from_wire("t"),
            counterpart: key.clone(),
            counterpart_uid: None,
            own_uid: None,
            masked: false,
            number: 1,
            content: ContentHash::of(&[]),
        };
        let op = WriteOp::Delete { key, expected: Revision::new("r") };
        let write = Write { link: LinkId(link), op, receipt };
        JournalEntry::new(at, Side::A, write, "test")
    }

    #[tokio::test]
    async fn old_journal_entries_are_ended_once_a_day() {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(directory.path()).unwrap());
        let pairing = PairingId::new("p");
        store.add_pairing(&PairingRecord::new("p", "u", "p@example.test")).await.unwrap();
        let now = clock::now();
        let ages = [120, 90, 89, 1];
        let entries: Vec<_> =
            (1..).zip(ages).map(|(link, age)| entry(link, now - TimeDelta::days(age))).collect();
        store.journal(&pairing, &entries).await.unwrap();
        let closed = entries.iter().map(|entry| Closed {
            link: entry.write.link,
            side: Side::A,
            number: 1,
            outcome: "carried out".to_owned(),
        });
        let version = store.head(&pairing).await.unwrap().version;
        let commit = Commit { version, closed: closed.collect(), ..Commit::default() };
        store.commit(&pairing, &commit).await.unwrap();
        let left = async || store.journal_entries(&pairing, &JournalQuery::default()).await.unwrap().len();

        let clock = Arc::new(Hands(Mutex::new(now)));
        let journal = JournalKeeping { store: Arc::clone(&store), keep: 90 * DAY, contents: 30 * DAY };
        let task = tokio::spawn(journal.run(clock.clone()));
        let patience = std::time::Instant::now() + Duration::from_secs(20);
        while left().await > 3 && std::time::Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(left().await, 3, "only what is older than ninety days");
        let erased = async || {
            let entries = store.journal_entries(&pairing, &JournalQuery::default()).await.unwrap();
            entries.iter().filter(|entry| entry.erased.is_some()).count()
        };
        while erased().await < 2 && std::time::Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(erased().await, 2, "the youngest entry keeps its content");

        // The next day another one is old enough, and nobody has to start anything for it.
        *clock.0.lock().unwrap() = now + TimeDelta::days(1) + TimeDelta::minutes(1);
        tokio::time::pause();
        tokio::time::advance(DAY + Duration::from_secs(60)).await;
        tokio::time::resume();
        while left().await > 1 && std::time::Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(left().await, 1);
        assert!(!task.is_finished());
        task.abort();
    }

    #[test]
    fn a_heart_that_stopped_long_ago_is_dead() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Heartbeat::read(directory.path()), None);
        let mut beat =
            Heartbeat { process: 1, started: clock::now(), at: clock::now(), version: "0.1.0".to_owned() };
        beat.write(directory.path()).unwrap();
        assert_eq!(Heartbeat::read(directory.path()), Some(beat.clone()));
        beat.at -= TimeDelta::minutes(2);
        beat.write(directory.path()).unwrap();
        assert_eq!(Heartbeat::read(directory.path()), None);
    }
}
