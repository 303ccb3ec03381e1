//! What is remembered of the marks in both calendars, and what went back in time.
//!
//! A mark counts the rounds that wrote something. It lies in the calendar and here, so that each tells whether the other was
//! put back; see `sync/round/sentinel.rs` for what follows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{LinkId, PerSide, Side};
use crate::source::Mark;

/// What tells whether a side, or the store itself, went back in time, and what follows from it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// What each side is expected to show.
    pub known: PerSide<KnownMark>,
    /// Which of the three went back; until it is dealt with.
    pub went_back: Option<WentBack>,
    /// Links that could not be read when a side was chosen to lead, and that side: its values stand as soon as they can.
    pub led: BTreeMap<LinkId, Side>,
}

/// What is known of the mark in one calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownMark {
    /// What it showed last, or was given last.
    pub shown: Option<Mark>,
    /// The number that it is to be given at the end of this round. Stored before anything is written, so that a round that was
    /// cut off does not look like a side that went back.
    pub open: Option<u64>,
    /// Numbers that were sent and may arrive yet: a late one is no sign that the side went back.
    pub late: Vec<u64>,
}

/// Something went back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WentBack {
    /// What did.
    pub which: Which,
    /// When it was noticed.
    pub since: DateTime<Utc>,
    /// The side that a person chose to lead: its values stand. Until then nothing is done.
    pub lead: Option<Side>,
}

/// What went back in time, or is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// This side shows an older mark: it was restored from a backup. A person chooses who leads.
    Side(Side),
    /// This side shows no mark where there was one: it was emptied or made anew. A person chooses who leads.
    Absent(Side),
    /// This side shows the mark of another installation. A person chooses who leads, and with it that this one goes on.
    Foreign(Side),
    /// A side shows a newer mark than ours: this store is an older one. Both sides are read from the beginning, and what
    /// the items say themselves stands.
    State,
    /// This side went back and is itself again: it is read from the beginning.
    Again(Side),
}

impl WentBack {
    /// Whether a person has to choose before anything is done.
    pub fn waits(&self) -> bool {
        let needs = matches!(self.which, Which::Side(_) | Which::Absent(_) | Which::Foreign(_));
        needs && self.lead.is_none()
    }
}

impl Marks {
    /// A number that was never given to either side.
    pub fn next_number(&self) -> u64 {
        let numbers = self.known.iter().flat_map(|(_, known)| {
            known.shown.iter().map(|mark| mark.number).chain(known.open).chain(known.late.iter().copied())
        });
        numbers.max().map_or(1, |number| number.saturating_add(1))
    }
}
