//! What people asked the engine to do.
//!
//! A command stores an [`Order`] and is done; the next round carries it out, under the same guards, directions, filters
//! and masks as everything else. Nothing but a round ever writes to a calendar.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Answer;
use crate::ids::{ContentHash, LinkId, Side};
use crate::store::JournalEntry;

/// Something that a person asked for and that is not done yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number, given by the store; of two, the later one has the larger.
    pub id: u64,
    /// When it was given.
    pub at: DateTime<Utc>,
    /// By whom: an account, or "command line".
    pub by: String,
    /// What is wished.
    pub what: Wish,
}

/// What an [`Order`] wishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// An answer to what waits. Void when `about` is no longer what the [`Hold`](super::Hold) of the link is about.
    Answer {
        /// The link that waits.
        link: LinkId,
        /// What was asked.
        about: ContentHash,
        /// What is answered.
        answer: Answer,
    },
    /// Takes back one write of ours: the entry as it was journaled, so that nothing else has to be found again.
    Undo(Box<JournalEntry>),
    /// This side leads, after a side or our own state went back in time.
    Lead(Side),
}
