//! Who works on a pairing.
//!
//! A round *claims* its pairing first and is given a [`Fence`], a number that only grows. Everything that it stores names
//! that number, and the store refuses any but the last one it gave. So nobody who was overtaken can store anything, however
//! long it slept: neither a step forward nor the intent without which no write leaves.
//!
//! The store has no clock. Whether a holder is dead is found by whoever wants its place: it looks until the lease was
//! *unchanged for its whole length*, by a clock of its own that never jumps. See `drive/turn.rs`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StoreError;

/// Counts the claims of a pairing: 0 before the first. Never given twice, and never smaller than one that was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl Fence {
    /// Whether nothing was ever claimed.
    pub fn is_none(&self) -> bool {
        self.0 == 0
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Fence {
        Fence(self.0.saturating_add(1))
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A claim as the store has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The last number that was given. It stays when the claim is given back.
    pub fence: Fence,
    /// Counts signs of life since the claim: renewals, and everything that was stored under it.
    pub beats: u64,
    /// Who has it; `None` where nobody has, because it was given back or because whoever had it is known to have ended.
    pub tenure: Option<Tenure>,
}

/// Who claims, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenure {
    /// A name that nobody else has, also not the same program after it was started again. Shown to people.
    pub holder: String,
    /// Whoever gives no sign of life for so long counts as dead.
    pub length: Duration,
}

impl Lease {
    /// The lease after a claim upon this one.
    #[must_use]
    pub fn next(&self, tenure: &Tenure) -> Lease {
        Lease { fence: self.fence.next(), beats: 0, tenure: Some(tenure.clone()) }
    }

    /// What is said to whoever wanted it.
    pub fn refusal(&self) -> StoreError {
        match &self.tenure {
            Some(Tenure { holder, length }) => {
                StoreError::Leased { holder: holder.clone(), remains: *length }
            }
            // It was given away and back at this moment.
            None => StoreError::Leased { holder: "another process".to_owned(), remains: Duration::ZERO },
        }
    }
}
