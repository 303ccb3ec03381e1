//! The sync service: the scheduler's work done by the engine, and a heartbeat for others to see.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use calsync_core::ids::PairingId;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::clock;
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

/// Keeps all pairings in step until told to stop; `directory` gets the heartbeat.
pub async fn run(service: Service, limits: Limits, stop: watch::Receiver<Stop>, directory: &Path) -> Ended {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "service started");
    let heart = tokio::spawn(beat(directory.to_owned()));
    let ended = scheduler::run(Arc::new(service), limits, stop).await;
    heart.abort();
    // Already gone is as good.
    let _ = std::fs::remove_file(Heartbeat::path(directory));
    tracing::info!(abandoned = ended.abandoned, "service stopped");
    ended
}

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
        (clock::now() - beat.at < DEAD_AFTER).then_some(beat)
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
    use super::*;

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
