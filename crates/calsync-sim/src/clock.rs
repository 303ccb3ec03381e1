//! The clock of the world: it stands still unless the world moves it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use calsync_core::drive::Clock;
use chrono::{DateTime, TimeDelta, Utc};

/// 24 November 2026, 8 o'clock UTC.
const BEGINNING: i64 = 1_795_507_200;

/// Seconds since 1970, moved by the world only. The true time is that of the servers; ours may be wrong.
#[derive(Debug)]
pub struct SimClock {
    truth: AtomicI64,
    /// How far ours is off.
    wrong: AtomicI64,
}

impl SimClock {
    pub(crate) fn new() -> SimClock {
        SimClock { truth: AtomicI64::new(BEGINNING), wrong: AtomicI64::new(0) }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: i64) {
        self.truth.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The true time, in seconds since 1970.
    pub fn truth(&self) -> i64 {
        self.truth.load(Ordering::Relaxed)
    }

    /// Sets ours wrong by that much, from now on.
    pub(crate) fn set_wrong(&self, seconds: i64) {
        self.wrong.store(seconds, Ordering::Relaxed);
    }

    /// The time at a server whose clock is off by `skew`.
    pub fn at_server(&self, skew: i64) -> DateTime<Utc> {
        at(self.truth.load(Ordering::Relaxed) + skew)
    }
}

impl Clock for SimClock {
    fn now(&self) -> DateTime<Utc> {
        at(self.truth.load(Ordering::Relaxed) + self.wrong.load(Ordering::Relaxed))
    }

    fn steady(&self) -> Duration {
        Duration::from_secs(self.truth.load(Ordering::Relaxed).unsigned_abs())
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}
