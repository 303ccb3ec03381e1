//! What a link remembers besides its two halves: small things, and of most links none of them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Intent;
use crate::ids::{PerSide, Side, Uid};
use crate::model::Mark;
use crate::source::Receipt;

/// What is remembered of a link besides its halves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkMemory {
    /// Its last writes, as far as one side answered the other.
    #[serde(skip_serializing_if = "Turns::is_empty")]
    pub turns: Turns,
    /// The mark that stands for what the other side tried with an appointment of a protected type, until that is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marked: Option<Mark>,
    /// The side that said that the other one may neither delete nor move this, until what was tried is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shielded: Option<Side>,
    /// The counterpart was deleted and is not wanted again while nothing but the rules changes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub left_alone: bool,
    /// The side that made it private, where that was seen: its counterpart is private too, so that the appointments
    /// themselves do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_from: Option<Side>,
    /// The side with the original of what was a masked copy until lately, while edits of that copy wait: it is not told them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied_from: Option<Side>,
    /// A person wants the counterpart to stay, though the appointment left filter or window.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stays: bool,
    /// UIDs that its items had and do not have any more, because they were made again.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub uids: BTreeSet<Uid>,
    /// The server gave what we made a UID of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own_uid: bool,
    /// What we made was gone before anybody saw which UID the server gave it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unseen_uid: bool,
    /// Updates that were found not to be carried out, while they may still arrive: what they wrote is no edit of a person then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<Intent>,
}

/// So many earlier UIDs are remembered.
const EARLIER: usize = 4;
/// So many updates that were given up.
const GIVEN_UP: usize = 4;

impl LinkMemory {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == LinkMemory::default()
    }

    /// Remembers the UID of an item that was made again under another one.
    pub(crate) fn had(&mut self, uid: &Uid) {
        if self.uids.len() < EARLIER {
            self.uids.insert(uid.clone());
        }
    }

    /// Remembers an update that was found not to be carried out; made again, it is one with it.
    pub(crate) fn give_up(&mut self, intent: &Intent) {
        self.given_up
            .retain(|known| known.side != intent.side || known.write.receipt != intent.write.receipt);
        let surplus = self.given_up.len().saturating_sub(GIVEN_UP - 1);
        self.given_up.drain(..surplus);
        self.given_up.push(intent.clone());
    }

    /// The update of `side` that was given up and left this receipt all the same.
    pub(crate) fn arrived(&self, side: Side, receipt: Option<&Receipt>) -> Option<&Intent> {
        self.given_up.iter().find(|intent| intent.side == side && Some(&intent.write.receipt) == receipt)
    }
}

/// The writes of a link, as far as one side answered the other: enough to notice two programs that undo each other's
/// work for ever. A person who edits one side all day makes one turn, however often that is carried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Turns {
    /// Where the last one went; `None` where it went both ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Side>,
    /// When they took place, in seconds since 1970, oldest first.
    at: Vec<i64>,
}

/// So many turns within an hour are what people do; one more is what two programs do.
const IN_AN_HOUR: usize = 6;
/// The same for a day: programs that answer each other slowly.
const IN_A_DAY: usize = 24;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

impl Turns {
    /// Whether nothing was written yet but the first copy.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Remembers a write to these sides. `back`: it takes back what was done there, so it answers whatever came before.
    /// The writes of one round, which have one time, are one turn; told twice, a write counts once.
    pub(crate) fn note(&mut self, to: PerSide<bool>, back: bool, now: DateTime<Utc>) {
        let (side, now) = (one(to), now.timestamp());
        let goes_on = !self.answers(to, back);
        match self.at.last_mut() {
            Some(last) if goes_on => *last = now,
            Some(last) if *last == now => self.last = None,
            Some(_) | None => {
                self.at.retain(|at| at.abs_diff(now) < DAY);
                self.at.push(now);
                let surplus = self.at.len().saturating_sub(IN_A_DAY);
                self.at.drain(..surplus);
                self.last = side;
            }
        }
    }

    /// Remembers a write and its answer.
    pub(crate) fn note_answer(&mut self, at: DateTime<Utc>) {
        self.at.extend([at.timestamp(); 2]);
    }

    /// Whether a write to these sides would be one more answer to what came before, and there were too many of them.
    pub(crate) fn stop(&self, to: PerSide<bool>, back: bool, now: DateTime<Utc>) -> bool {
        let within = |span: u64| self.at.iter().filter(|at| at.abs_diff(now.timestamp()) < span).count();
        self.answers(to, back) && (within(HOUR) >= IN_AN_HOUR || within(DAY) >= IN_A_DAY)
    }

    fn answers(&self, to: PerSide<bool>, back: bool) -> bool {
        let side = one(to);
        back || side.is_none() || side != self.last
    }
}

/// The one side, or `None` where it is both.
fn one(to: PerSide<bool>) -> Option<Side> {
    match (to.a, to.b) {
        (true, false) => Some(Side::A),
        (false, true) => Some(Side::B),
        (true, true) | (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PerSide<bool> = PerSide { a: true, b: false };
    const B: PerSide<bool> = PerSide { a: false, b: true };
    const BOTH: PerSide<bool> = PerSide { a: true, b: true };

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_500_000 + 60 * minutes, 0).unwrap()
    }

    /// How many of the writes pass before one is stopped, and all after it.
    fn passed(writes: impl IntoIterator<Item = (i64, PerSide<bool>, bool)>) -> usize {
        let mut turns = Turns::default();
        let mut passed = 0;
        for (minutes, to, back) in writes {
            if turns.stop(to, back, at(minutes)) {
                break;
            }
            turns.note(to, back, at(minutes));
            passed += 1;
        }
        assert!(turns.at.len() <= IN_A_DAY, "what is remembered is bounded");
        passed
    }

    #[test]
    fn more_than_six_writes_in_turn_within_an_hour_are_stopped() {
        let fight = |every: i64, times: i64| {
            (0..times).map(move |n| (n * every, if n % 2 == 0 { A } else { B }, false))
        };
        assert_eq!(passed(fight(5, 7)), 6);
        assert_eq!(passed(fight(15, 20)), 20, "five in an hour are people");
        assert_eq!(passed(fight(15, 90)), 24, "but not all day long");
        assert_eq!(passed((0..7).map(|n| (5 * n, BOTH, false))), 6, "both at once");
        assert_eq!(passed((0..7).map(|n| (5 * n, B, true))), 6, "what is put in again is taken back again");
    }

    #[test]
    fn a_person_who_edits_one_side_all_day_is_not_stopped() {
        assert_eq!(passed((0..200).map(|n| (3 * n, B, false))), 200);
    }

    #[test]
    fn a_write_that_is_told_twice_counts_once() {
        let mut turns = Turns::default();
        turns.note(A, false, at(0));
        turns.note(B, false, at(5));
        let once = turns.clone();
        turns.note(B, false, at(5));
        assert_eq!(turns, once);
        turns.note(A, false, at(5));
        assert_eq!(
            (turns.at.len(), turns.last),
            (2, None),
            "and the writes of one round are one turn, both ways"
        );
    }

    #[test]
    fn a_clock_that_jumped_stops_nobody_for_ever() {
        let mut turns = Turns::default();
        for n in 0..6 {
            turns.note(if n % 2 == 0 { A } else { B }, false, at(1_000_000 + n));
        }
        assert!(!turns.stop(A, false, at(0)), "the clock was set back by two years");
        assert!(turns.stop(A, false, at(1_000_010)));
    }
}
