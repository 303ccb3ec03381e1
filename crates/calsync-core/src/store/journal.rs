//! The journal: what was written, why, what was there before, what lost a conflict, and how it ended.
//!
//! An entry is made before its write leaves, and its outcome is added afterwards; nothing else about it ever changes,
//! but for one thing: what it holds of an appointment can be [erased](JournalEntry::erase). The fact stays.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Fence;
use crate::ids::{LinkId, Side, Uid};
use crate::link::Intent;
use crate::model::{Event, Series, SeriesPatch, Span};
use crate::source::{Write, WriteOp};

/// Names an entry of a journal; later ones have higher numbers. 0 before it was stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub u64);

/// Names the round of a pairing that made an entry: the version of the head at its beginning, so that a round that is
/// repeated from its inputs has the same name.
///
/// After a loss of our state the numbers begin again. What is asked for by a number is the newest round of that name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoundId(pub u64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RoundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A write, why it is made, and what it replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Its number; the store gives it.
    #[serde(default)]
    pub id: EntryId,
    /// The round that made it.
    #[serde(default)]
    pub round: RoundId,
    /// The claim under which that round worked; whoever drives it sets it.
    #[serde(default, skip_serializing_if = "Fence::is_none")]
    pub fence: Fence,
    /// The round's time, by our clock.
    pub at: DateTime<Utc>,
    /// Which side it goes to.
    pub side: Side,
    /// What is to be done.
    pub write: Write,
    /// Why, in words.
    pub reason: String,
    /// The item as it was before. `None` for creates.
    pub before: Option<Series>,
    /// What people did on this side and this write takes away, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub losing: Option<Losing>,
    /// How it ended; `None` while that is not known.
    pub outcome: Option<String>,
    /// The [`Order`](crate::link::Order) to take back an earlier write that this write carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
    /// Set where the content of the appointment is no longer here, see [`erase`](JournalEntry::erase).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Erased>,
}

/// What lost against the other side, or against the rules of the pairing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losing {
    /// Where it was: the side that is written.
    pub side: Side,
    /// The whole of it, as it was there.
    pub series: Series,
    /// When it was changed last, by the clock of that side's server.
    pub modified: Option<DateTime<Utc>>,
    /// What of it is lost: `master.subject`, `instance 2026-11-24T08:00:00 span`.
    pub paths: Vec<String>,
    /// Why it lost.
    pub by: LostBy,
}

/// Why something lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostBy {
    /// Both sides changed it, and the policy of the pairing chose the other side.
    Policy,
    /// Both sides changed it, and a person chose the other side.
    Person,
    /// Two appointments were recognised as one, and the other side leads.
    Lead,
    /// The other side deleted it, or no longer shows it.
    Deletion,
    /// Changes of this side are not carried.
    Direction,
}

/// That the content of an entry was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// When.
    pub at: DateTime<Utc>,
    /// What was written, by the names of the fields.
    pub paths: Vec<String>,
}

impl JournalEntry {
    /// The outcome of a write that was carried out.
    pub const CARRIED_OUT: &str = "carried out";
    /// The same where that was found out by asking.
    pub const CARRIED_OUT_LATE: &str = "carried out, as found out later";
    /// Some of its steps were carried out, as was found out by asking.
    pub const CARRIED_OUT_IN_PART: &str = "carried out in part, as found out later: the rest follows";
    /// It was not carried out, as was found out by asking.
    pub const NOT_CARRIED_OUT: &str = "not carried out, as found out later";

    /// Whether the write was carried out, as far as is known.
    pub fn is_carried_out(&self) -> bool {
        let done = [Self::CARRIED_OUT, Self::CARRIED_OUT_LATE, Self::CARRIED_OUT_IN_PART];
        self.outcome.as_deref().is_some_and(|outcome| done.contains(&outcome))
    }

    /// An entry for a write that replaces nothing; not stored yet.
    pub fn new(at: DateTime<Utc>, side: Side, write: Write, reason: impl Into<String>) -> JournalEntry {
        JournalEntry {
            id: EntryId::default(),
            round: RoundId::default(),
            fence: Fence::default(),
            at,
            side,
            write,
            reason: reason.into(),
            before: None,
            losing: None,
            outcome: None,
            order: None,
            erased: None,
        }
    }

    /// The intent that stays open until the outcome of this entry is stored.
    pub fn intent(&self) -> Intent {
        Intent { side: self.side, write: self.write.clone(), at: self.at, order: self.order }
    }

    /// What was written, by the names of the fields: those of a change; for a new or deleted item, those that say
    /// something.
    pub fn paths(&self) -> Vec<String> {
        if let Some(erased) = &self.erased {
            return erased.paths.clone();
        }
        match &self.write.op {
            WriteOp::Create { series, .. } => said(series),
            WriteOp::Update { patch, .. } => patch.paths(),
            WriteOp::Delete { .. } => self.before.as_ref().map(said).unwrap_or_default(),
        }
    }

    /// The item as this write was to leave it; `None` where it deletes, and where the content was erased.
    pub fn after(&self) -> Option<Series> {
        if self.erased.is_some() {
            return None;
        }
        match &self.write.op {
            WriteOp::Create { series, .. } => Some((**series).clone()),
            WriteOp::Update { patch, current, .. } => Some(patch.apply(current)),
            WriteOp::Delete { .. } => None,
        }
    }

    /// Takes everything out that was in the appointment, and leaves what happened to it: when, where, why, how it
    /// ended, which fields. Such an entry cannot be undone.
    pub fn erase(&mut self, at: DateTime<Utc>) {
        if self.erased.is_some() {
            return;
        }
        self.erased = Some(Erased { at, paths: self.paths() });
        self.before = None;
        if let Some(losing) = &mut self.losing {
            losing.series = nothing();
        }
        match &mut self.write.op {
            WriteOp::Create { series, .. } => **series = nothing(),
            WriteOp::Update { patch, current, .. } => {
                **patch = SeriesPatch::default();
                **current = nothing();
            }
            WriteOp::Delete { .. } => {}
        }
    }
}

/// The fields of a series that say something, as the path of each.
fn said(series: &Series) -> Vec<String> {
    let mut paths = vec!["master.span".to_owned()];
    paths.extend(series.event.said().into_iter().map(|field| format!("master.{field}")));
    if series.recurrence.is_some() {
        paths.push("recurrence".to_owned());
    }
    paths
}

/// Where content was erased.
fn nothing() -> Series {
    let day = DateTime::UNIX_EPOCH.date_naive();
    Series::single(Uid::new(""), Event::new("", Span::days(day, day)))
}

/// Which entries of a journal are asked for; all conditions have to hold. The newest come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalQuery {
    /// Only these.
    pub ids: Option<BTreeSet<EntryId>>,
    /// Only of this link.
    pub link: Option<LinkId>,
    /// Only of this round: where several have that number, of the newest.
    pub round: Option<RoundId>,
    /// Only those by which something lost.
    pub lost: bool,
    /// Only those of rounds at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Only those before this one: where the next page begins.
    pub before: Option<EntryId>,
    /// At most so many.
    pub limit: usize,
}

impl Default for JournalQuery {
    /// Everything.
    fn default() -> Self {
        JournalQuery {
            ids: None,
            link: None,
            round: None,
            lost: false,
            since: None,
            before: None,
            limit: usize::MAX,
        }
    }
}

impl JournalQuery {
    /// The newest entries.
    pub fn newest(limit: usize) -> JournalQuery {
        JournalQuery { limit, ..JournalQuery::default() }
    }

    /// These entries.
    pub fn these(ids: impl IntoIterator<Item = EntryId>) -> JournalQuery {
        JournalQuery { ids: Some(ids.into_iter().collect()), ..JournalQuery::default() }
    }

    /// Answers the query from all entries of a pairing, in the order in which they were stored: what every store has
    /// to answer.
    pub fn select<'e, E: Borrow<JournalEntry>>(&self, entries: &'e [E]) -> Vec<&'e JournalEntry> {
        let entries = || entries.iter().map(Borrow::borrow);
        let newest = self.round.and_then(|round| {
            let last = entries().rposition(|entry| entry.round == round)?;
            let others = entries().take(last).rposition(|entry| entry.round != round);
            others.map_or(Some(0), |before| Some(before + 1))
        });
        let wanted = |(index, entry): &(usize, &JournalEntry)| {
            self.ids.as_ref().is_none_or(|ids| ids.contains(&entry.id))
                && self.link.is_none_or(|link| entry.write.link == link)
                && self
                    .round
                    .is_none_or(|round| entry.round == round && newest.is_some_and(|begin| *index >= begin))
                && (!self.lost || entry.losing.is_some())
                && self.since.is_none_or(|since| entry.at >= since)
                && self.before.is_none_or(|before| entry.id < before)
        };
        entries().enumerate().filter(wanted).map(|(_, entry)| entry).rev().take(self.limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use crate::ids::{ContentHash, CreateToken, ItemKey, Revision};
    use crate::source::Receipt;

    use super::*;

    fn series(subject: &str) -> Series {
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        Series::single(Uid::new("u"), Event::new(subject, Span::days(day, day)))
    }

    fn entry(op: WriteOp, before: Option<Series>) -> JournalEntry {
        let receipt = Receipt {
            token: CreateToken::from_wire("t"),
            counterpart: ItemKey::new("c"),
            counterpart_uid: None,
            own_uid: None,
            masked: false,
            number: 1,
            content: ContentHash::of(&[]),
        };
        let write = Write { link: LinkId(1), op, receipt };
        JournalEntry {
            id: EntryId(7),
            round: RoundId(3),
            before,
            outcome: Some("carried out".to_owned()),
            ..JournalEntry::new(DateTime::UNIX_EPOCH, Side::B, write, "new on A")
        }
    }

    fn entries() -> [JournalEntry; 3] {
        let (from, to) = (series("Vertraulich"), series("Auch vertraulich"));
        let create = WriteOp::Create { token: CreateToken::from_wire("t"), series: Box::new(from.clone()) };
        let key = ItemKey::new("k");
        let update = WriteOp::Update {
            key: key.clone(),
            expected: Revision::new("r"),
            patch: Box::new(from.diff(&to)),
            current: Box::new(from.clone()),
        };
        let mut update = entry(update, Some(from.clone()));
        update.losing = Some(Losing {
            side: Side::B,
            series: from.clone(),
            modified: None,
            paths: vec!["master.subject".to_owned()],
            by: LostBy::Policy,
        });
        let delete = WriteOp::Delete { key, expected: Revision::new("r") };
        [entry(create, None), update, entry(delete, Some(from))]
    }

    #[test]
    fn what_was_erased_leaves_the_names_of_the_fields_and_nothing_of_their_content() {
        for entry in entries() {
            let mut erased = entry.clone();
            erased.erase(DateTime::UNIX_EPOCH);
            let text = serde_json::to_string(&erased).unwrap();
            assert!(!text.to_lowercase().contains("vertraulich"), "{text}");
            assert_eq!(erased.paths(), entry.paths());
            assert!(erased.paths().contains(&"master.subject".to_owned()));
            assert_eq!((erased.after(), erased.before.is_none()), (None, true));
            assert_eq!((erased.id, erased.round, &erased.reason), (entry.id, entry.round, &entry.reason));
            assert_eq!((&erased.outcome, erased.side, erased.at), (&entry.outcome, entry.side, entry.at));
            assert_eq!(erased.losing.is_some(), entry.losing.is_some());
            let again = erased.clone();
            erased.erase(DateTime::UNIX_EPOCH + chrono::Duration::days(1));
            assert_eq!(erased, again, "what was erased stays as it is");
            assert_eq!(serde_json::from_str::<JournalEntry>(&text).unwrap(), again);
        }
    }

    #[test]
    fn a_write_says_what_it_leaves() {
        let [create, update, delete] = entries();
        assert_eq!(create.after(), Some(series("Vertraulich")));
        assert_eq!(update.after(), Some(series("Auch vertraulich")));
        assert_eq!(delete.after(), None);
    }

    #[test]
    fn a_round_whose_number_was_used_again_is_the_newest_of_that_name() {
        let rounds = [3, 4, 3, 3, 5];
        let [create, ..] = entries();
        let all: Vec<JournalEntry> = (1..)
            .zip(rounds)
            .map(|(id, round)| JournalEntry { id: EntryId(id), round: RoundId(round), ..create.clone() })
            .collect();
        let ids = |round| {
            let query = JournalQuery { round: Some(RoundId(round)), ..JournalQuery::default() };
            query.select(&all).iter().map(|entry| entry.id.0).collect::<Vec<_>>()
        };
        assert_eq!(ids(3), [4, 3]);
        assert_eq!(ids(4), [2]);
        assert_eq!(ids(9), Vec::<u64>::new());
    }
}
