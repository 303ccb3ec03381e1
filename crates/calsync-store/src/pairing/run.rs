//! What became of a round, for status pages and for the monitor.

use std::time::Duration;

use calsync_core::ids::{PairingId, PerSide};
use calsync_core::sync::{RoundReport, SideReport};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// How a round ended.
    RunOutcome {
        /// Everything was dealt with.
        Ok = "ok",
        /// It went through, but something waits for a person, or single items failed.
        Held = "held",
        /// It ended before its time.
        Failed = "failed",
    }
}

/// One round that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Of which pairing.
    pub pairing: PairingId,
    /// When it began.
    pub started: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: u64,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Whether it was (part of) the first sync.
    pub first_sync: bool,
    /// What it did on each side; `a` is NVS, `b` is Exchange.
    pub sides: PerSide<SideReport>,
    /// Appointments that both sides had changed in the same field.
    pub conflicts: u64,
    /// Appointments that wait for a person.
    pub held: u64,
    /// Appointments that are set aside after a failure.
    pub failing: u64,
    /// Why it ended before its time.
    pub error: Option<String>,
}

impl RunRecord {
    /// What is kept of a round's report.
    pub fn of(pairing: PairingId, report: &RoundReport, started: DateTime<Utc>, took: Duration) -> RunRecord {
        let outcome = match &report.failure {
            Some(_) => RunOutcome::Failed,
            None if report.is_clean() => RunOutcome::Ok,
            None => RunOutcome::Held,
        };
        RunRecord {
            pairing,
            started,
            duration_ms: millis(took),
            outcome,
            first_sync: report.first_sync,
            sides: report.sides,
            conflicts: report.conflicts,
            held: report.held,
            failing: report.failing,
            error: report.failure.as_ref().map(ToString::to_string),
        }
    }

    /// A round that could not even begin, or that the state store ended.
    pub fn failed(
        pairing: PairingId,
        why: impl Into<String>,
        started: DateTime<Utc>,
        took: Duration,
    ) -> RunRecord {
        RunRecord {
            pairing,
            started,
            duration_ms: millis(took),
            outcome: RunOutcome::Failed,
            first_sync: false,
            sides: PerSide::default(),
            conflicts: 0,
            held: 0,
            failing: 0,
            error: Some(why.into()),
        }
    }

    /// How long it took.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.duration_ms)
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
