//! What people did, and whether it is still to be found.
//!
//! Each appointment has a number that nobody changes, as its customer; its place says who wrote there last, since every place
//! is written once. A place may only be gone if somebody saw it when they wrote another one or deleted the appointment, or if
//! the journal keeps it as what lost. A deleted appointment is gone, unless somebody wrote a place that whoever deleted it did
//! not see.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::Side;
use calsync_core::source::WriteOp;
use calsync_core::store::JournalEntry;

/// One appointment.
#[derive(Debug, Default)]
pub(crate) struct Thing {
    /// Places, in order.
    written: Vec<String>,
    /// Places that somebody saw who then did something about them.
    seen: BTreeSet<String>,
    /// Where it was deleted, and what was seen there.
    deleted: Vec<(Side, String)>,
    /// The daemon was busy at the very moment when somebody looked and did something: what it had just brought counts as seen.
    unsure: bool,
    /// Sides on which what the daemon had made or changed was deleted before it asked what had become of that.
    before_repair: BTreeSet<Side>,
    pub(crate) touched: usize,
}

/// All appointments of a pairing.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) things: BTreeMap<String, Thing>,
    /// Creates and updates whose outcome nobody knew when the daemon started last.
    asked_about: BTreeSet<(String, Side)>,
    /// What was deleted since the daemon started last.
    deleted_lately: BTreeSet<(String, Side)>,
}

/// What is to be said of what is there in the end.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) wrong: Vec<String>,
    /// Appointments that came back as documented.
    pub(crate) came_back: u64,
    /// Edits that are in Exchange's Deleted Items, with the appointment.
    pub(crate) in_deleted_items: u64,
}

/// A write that waits to be asked about: the number of the appointment that it makes or changes, and where.
pub(crate) fn asks_about(side: Side, op: &WriteOp) -> Option<(String, Side)> {
    match op {
        WriteOp::Create { series, .. } => Some((series.event.customer.clone(), side)),
        WriteOp::Update { current, .. } => Some((current.event.customer.clone(), side)),
        WriteOp::Delete { .. } => None,
    }
}

impl Ledger {
    pub(crate) fn created(&mut self, number: &str, place: &str) {
        self.things.entry(number.to_owned()).or_default().written.push(place.to_owned());
    }

    pub(crate) fn edited(&mut self, number: &str, saw: String, place: String, unsure: bool) {
        let thing = self.things.get_mut(number).unwrap();
        thing.seen.insert(saw);
        thing.written.push(place);
        thing.unsure |= unsure;
    }

    pub(crate) fn deleted(&mut self, number: &str, side: Side, saw: String, unsure: bool) {
        let key = (number.to_owned(), side);
        let thing = self.things.get_mut(number).unwrap();
        if self.asked_about.contains(&key) {
            thing.before_repair.insert(side);
        }
        thing.seen.insert(saw.clone());
        thing.deleted.push((side, saw));
        thing.unsure |= unsure;
        self.deleted_lately.insert(key);
    }

    /// The daemon is about to start and will ask about these.
    pub(crate) fn starts(&mut self, open: BTreeSet<(String, Side)>) {
        for (number, side) in open.intersection(&self.deleted_lately) {
            self.things.get_mut(number).unwrap().before_repair.insert(*side);
        }
        self.asked_about = open;
        self.deleted_lately.clear();
    }

    /// What is wrong with what is there in the end, by number and place, on both sides. `deleted_items` are the places in
    /// Exchange's Deleted Items.
    pub(crate) fn judge(
        &self,
        there: &BTreeMap<String, String>,
        journal: &[JournalEntry],
        deleted_items: &BTreeSet<String>,
    ) -> Judgement {
        let Judgement { mut wrong, mut came_back, mut in_deleted_items } = Judgement::default();
        for number in there.keys().filter(|number| !self.things.contains_key(*number)) {
            wrong.push(format!("{number} is there and nobody entered it"));
        }
        for (number, thing) in &self.things {
            let entries: Vec<&JournalEntry> = journal.iter().filter(|entry| belongs(entry, number)).collect();
            let lost: BTreeSet<&str> = entries
                .iter()
                .filter_map(|entry| Some(entry.losing.as_ref()?.series.event.place.as_str()))
                .collect();
            let brought: BTreeSet<String> = entries
                .iter()
                .filter(|entry| thing.unsure && entry.is_carried_out())
                .filter_map(|entry| Some(entry.after()?.event.place))
                .collect();
            let now = there.get(number);
            match now {
                None if thing.deleted.is_empty() => {
                    wrong.push(format!("{number} is gone and nobody deleted it"));
                }
                Some(place) if !thing.written.contains(place) => {
                    wrong.push(format!("{number} has a place that nobody wrote: {place}"));
                }
                Some(place) if thing.deleted.iter().any(|(_, saw)| saw == place) && !thing.unsure => {
                    let asked = entries.iter().any(|entry| {
                        // Whoever deleted it saw what this write had left, and the journal says that it never was.
                        thing.before_repair.contains(&entry.side)
                            && entry.after().is_some_and(|after| after.event.place == *place)
                            && entry.outcome.as_deref() == Some(JournalEntry::NOT_CARRIED_OUT)
                    });
                    if asked {
                        came_back += 1;
                    } else {
                        wrong.push(format!("{number} was deleted as {place} and is there again: {thing:?}"));
                    }
                }
                None | Some(_) => {}
            }
            for place in &thing.written {
                let kept = now == Some(place)
                    || thing.seen.contains(place)
                    || lost.contains(place.as_str())
                    || brought.contains(place);
                // Exchange deletes whatever there is: an edit between the look before it and the deletion goes along.
                if !kept && now.is_none() && deleted_items.contains(place) {
                    in_deleted_items += 1;
                } else if !kept {
                    wrong.push(format!("{number}: {place} is lost; it is {now:?} now: {thing:?}"));
                }
            }
        }
        Judgement { wrong, came_back, in_deleted_items }
    }
}

/// Whether an entry is about this appointment.
fn belongs(entry: &JournalEntry, number: &str) -> bool {
    let of = |series: Option<&calsync_core::model::Series>| {
        series.is_some_and(|series| series.event.customer == number)
    };
    of(entry.before.as_ref())
        || of(entry.losing.as_ref().map(|losing| &losing.series))
        || of(entry.after().as_ref())
}
