//! What people do in one case, as a value: printed when it fails, made smaller, run again.
//!
//! Appointments are named by the order in which they were entered, occurrences by a number that is taken modulo the
//! occurrences there are. A step about something that is not there does nothing, so that any part of a script is a script.

use calsync_testkit::people::{Draft, Edit};
use serde::{Deserialize, Serialize};

/// One of the two calendars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum At {
    Nvs,
    Exchange,
}

impl At {
    pub(crate) const BOTH: [At; 2] = [At::Nvs, At::Exchange];

    pub(crate) fn other(self) -> At {
        match self {
            At::Nvs => At::Exchange,
            At::Exchange => At::Nvs,
        }
    }
}

/// How far something is moved on the clock of its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shift {
    pub(crate) days: i64,
    /// Nothing in whole days.
    pub(crate) minutes: i64,
    /// Minutes, or days for whole days.
    pub(crate) longer: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "a script has a handful of them")]
pub(crate) enum Step {
    Create {
        at: At,
        draft: Draft,
    },
    /// Somebody did by hand what the engine will do: the same single appointment on both sides, with a difference on
    /// Exchange.
    CreateOnBoth {
        draft: Draft,
        edit: Edit,
    },
    Edit {
        at: At,
        item: usize,
        edit: Edit,
    },
    Move {
        at: At,
        item: usize,
        by: Shift,
    },
    Delete {
        at: At,
        item: usize,
    },
    EditOccurrence {
        at: At,
        item: usize,
        nth: usize,
        edit: Edit,
    },
    MoveOccurrence {
        at: At,
        item: usize,
        nth: usize,
        by: Shift,
    },
    DeleteOccurrence {
        at: At,
        item: usize,
        nth: usize,
    },
    /// A single appointment becomes a series, or a series a single appointment.
    Turn {
        at: At,
        item: usize,
        /// The series; its rhythm fits any first day.
        into: Option<Plain>,
    },
    /// "This and all following": the series ends before an occurrence, and another one begins there.
    Split {
        at: At,
        item: usize,
        nth: usize,
        edit: Edit,
    },
    Sync,
}

/// A series that can begin on any day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plain {
    /// On the first day's weekday, or daily.
    pub(crate) weekly: bool,
    pub(crate) every: u16,
    /// Endless without.
    pub(crate) count: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Script {
    /// Name of the Exchange version.
    pub(crate) version: String,
    pub(crate) steps: Vec<Step>,
}
