//! The machine's clock; the only place that reads it.

use std::time::SystemTime;

use calsync_core::drive::Clock;
use chrono::{DateTime, Utc};

/// The time now.
pub fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// The machine's clock, for the engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        now()
    }
}
