//! Invariants that are seen broken by what a write changes: who wins a conflict, what comes back as rounded, what belongs to
//! others, and how much is deleted within an hour.

use std::collections::BTreeSet;

use calsync_core::drive::Clock;
use calsync_core::ids::Side;
use calsync_core::link::Direction;
use calsync_core::model::{Field, OverridePatch, Series, SeriesPatch};
use calsync_core::source::{Access, Write, WriteOp};
use calsync_core::sync::ConflictPolicy;

use crate::book::Appointment;
use crate::oracle::Before;
use crate::watch::Shared;
use crate::words::{Word, minute_of, words};

/// Deletions within so many seconds belong together.
const HOUR: i64 = 3_600;
/// How much the clocks of servers that do not tell the time may be off together, in seconds.
const CLOCKS_APART: i64 = 700;

/// Fields whose words stand for the whole of them.
const TEXTS: [Field; 3] = [Field::Subject, Field::Place, Field::Notes];

impl Shared {
    /// Judges a write that was carried out.
    pub(crate) fn judge_write(&self, side: Side, write: &Write, before: &Before) {
        let Some(item) = &before.item else { return };
        self.leaves_what_is_not_ours(side, write, item.access);
        match &write.op {
            WriteOp::Create { .. } => {}
            WriteOp::Delete { .. } => self.is_not_too_much(side),
            WriteOp::Update { patch, .. } => {
                let after = patch.apply(&item.series);
                self.brings_back_no_rounding(side, before, &item.series, &after);
                self.note_outdone(side, before, &item.series, &after);
                let reason = self.journaled(side, write, |entry| entry.reason.clone());
                // Two that are put together have a leading side, and no policy.
                let rules =
                    |reason: &String| reason.ends_with("taken back") || reason.starts_with("the same by");
                if reason.is_some_and(|reason| !rules(&reason)) {
                    self.has_the_right_winner(side, before, &item.series, &after);
                }
                // The server says when the item was changed last, by whomever: our writes count too.
                let now = self.clock.truth();
                let mut book = self.book();
                if let Some(event) = before.event.and_then(|event| book.event_mut(event)) {
                    *event.touched.get_mut(side) = now;
                }
            }
        }
    }

    /// I17: of a meeting that somebody else organises only what belongs to the owner of the calendar is changed.
    fn leaves_what_is_not_ours(&self, side: Side, write: &Write, access: Access) {
        let touched = match &write.op {
            WriteOp::Update { patch, .. } => fields(patch),
            WriteOp::Delete { .. } if access != Access::Full => {
                return self.violated("I17", format!("somebody else's meeting is deleted on {side}"));
            }
            WriteOp::Create { .. } | WriteOp::Delete { .. } => return,
        };
        let unheld = self.options.manners.get(side).unheld;
        if let Some(field) = touched.iter().find(|field| unheld.contains(field)) {
            self.violated("I25", format!("{} is written to {side}, which cannot hold it", field.name()));
        }
        if let Some(field) = touched.into_iter().find(|field| !access.allows(*field)) {
            self.violated("I17", format!("{} of somebody else's meeting is changed on {side}", field.name()));
        }
    }

    /// I15: small helpings are seen as a whole.
    fn is_not_too_much(&self, side: Side) {
        let guard = self.settings().guard;
        let now = self.clock.now().timestamp();
        // What people deleted here is linked until that is carried.
        let standing = |side: Side| self.places.get(side).items().len() as u64;
        let standing = standing(side).max(standing(side.other())).max(self.linked());
        let mut watch = self.watch();
        let deleted = watch.deleted.get_mut(side);
        deleted.retain(|at| now - *at < HOUR);
        deleted.push(now);
        let count = deleted.len() as u64;
        let round = watch.round();
        let of_this_round = *round.deletes.get(side) + 1;
        let begun = *round.standing.get(side) + count.saturating_sub(of_this_round);
        let known = ["clock jumps", "write delayed", "write sent twice", "store lost", "store goes back"];
        let unknowable = known.iter().any(|fault| watch.faults.contains_key(fault));
        drop(watch);
        // Those that are deleted by now were linked before.
        let linked = begun.max(standing + count);
        if !unknowable && count > guard.count && count * 100 > linked * guard.percent {
            self.violated("I15", format!("{count} of {linked} are deleted on {side} within an hour"));
        }
    }

    /// How many appointments are there, on one side at least, that both had.
    pub(crate) fn linked(&self) -> u64 {
        let items = Side::BOTH.map(|side| self.places.get(side).items());
        let book = self.book();
        let events: BTreeSet<usize> =
            items.iter().flatten().filter_map(|item| book.event_of(&item.series)).collect();
        let linked =
            |event: &&usize| book.event(**event).is_some_and(|event| event.seen_on.a && event.seen_on.b);
        events.iter().filter(linked).count() as u64
    }

    /// I11: what a server makes of a text or a time is nobody's edit.
    fn brings_back_no_rounding(&self, side: Side, before: &Before, was: &Series, is: &Series) {
        // What people had themselves, before they were known as the same or in the bin, is spelled as it was there; and what they
        // touch before it is read back counts as theirs as a whole.
        let theirs = |event: &Appointment| {
            event.alike || event.put_back.a || event.put_back.b || event.hasty.a || event.hasty.b
        };
        let alike = before.event.is_none_or(|event| self.book().event(event).is_none_or(theirs));
        let interrupted = self.watch().at_rest || !self.watch().faults.is_empty();
        if alike || before.first_sync || interrupted {
            // After a fault it is carried once rather than an edit be lost.
            return;
        }
        let respelled = |was: &str, is: &str| was != is && was.to_lowercase() == is.to_lowercase();
        let (old, new) = (&was.event, &is.event);
        let rounded = respelled(&old.place, &new.place)
            || old.span != new.span
                && minute_of(was) == minute_of(is)
                && old.span.start.local().date() == new.span.start.local().date();
        if rounded {
            self.violated("I11", format!("what the other server rounded is written to {side}"));
        }
    }

    /// Remembers what lost a conflict: nobody took that away, whatever becomes of what won.
    fn note_outdone(&self, side: Side, before: &Before, was: &Series, is: &Series) {
        let Some(event) = before.event else { return };
        let mut said = Vec::new();
        words(is, &mut |word, spot| said.push((word, spot)));
        let mut book = self.book();
        let mut outdone = Vec::new();
        words(was, &mut |word, spot| {
            let stays = said.iter().any(|(other, _)| *other == word);
            let rival = said.iter().any(|(other, at)| {
                let told = book.told.get(other);
                *at == spot && told.is_some_and(|told| told.side != side && told.events.contains(&event))
            });
            if !stays && rival {
                outdone.push(word);
            }
        });
        for word in outdone {
            if let Some(told) = book.told.get_mut(&word).filter(|told| told.side == side) {
                told.outdone = true;
            }
        }
    }

    /// I6: of two who did not know of each other, the one wins whom the policy names.
    fn has_the_right_winner(&self, side: Side, before: &Before, was: &Series, is: &Series) {
        let settings = self.settings();
        let clear = settings.direction == Direction::Both && !before.first_sync;
        let Some(event) = before.event.filter(|_| clear && self.watch().faults.is_empty()) else { return };
        let book = self.book();
        let Some(appointment) = book.event(event) else { return };
        let odd = appointment.loose.is_some()
            || appointment.split.is_some()
            || appointment.shared
            || appointment.alike
            || appointment.meeting.is_some()
            || appointment.private_by.is_some();
        if odd {
            return;
        }
        let unseen = |series: &Series, side: Side| -> BTreeSet<(Word, Field)> {
            let mut found = BTreeSet::new();
            words(series, &mut |word, (instance, field)| {
                let told = book.told.get(&word);
                let counts = told.is_some_and(|told| {
                    told.alive && !told.again && told.side == side && !told.against && told.events == [event]
                });
                if counts && instance.is_none() && TEXTS.contains(&field) {
                    found.insert((word, field));
                }
            });
            found
        };
        let (lost, won) = (unseen(was, side), unseen(is, side.other()));
        let stays = unseen(is, side);
        let lost = lost.difference(&stays).find(|(_, field)| won.iter().any(|(_, other)| other == field));
        let Some((word, _)) = lost else { return };
        let known = |side: Side| {
            let manners = self.options.manners.get(side);
            manners.tells_time || manners.skew == 0
        };
        let slack = i64::from(settings.clock_uncertainty)
            + if known(Side::A) && known(Side::B) { 5 } else { CLOCKS_APART };
        // Items are compared, so it lost wrongly only where the word is newer than all that was done on the other side.
        let newer = book.told.get(word).map_or(0, |told| told.at) - appointment.touched.get(side.other());
        let wrong = match settings.conflict {
            ConflictPolicy::Hold => true,
            ConflictPolicy::Prefer(preferred) => preferred == side,
            ConflictPolicy::Newer => newer > slack,
        };
        drop(book);
        if wrong {
            let policy = settings.conflict;
            self.violated(
                "I6",
                format!("{word:?} on {side} loses a conflict under {policy:?}, {newer} s newer"),
            );
        }
    }
}

/// Every field that a patch touches, of the master or of an instance.
fn fields(patch: &SeriesPatch) -> BTreeSet<Field> {
    let mut all: BTreeSet<Field> = patch.master.fields().into_iter().collect();
    if patch.recurrence.is_some() {
        all.insert(Field::Span);
    }
    for change in patch.overrides.values() {
        match change {
            OverridePatch::Change(change) => all.extend(change.fields()),
            OverridePatch::Restore(_) | OverridePatch::Cancel => drop(all.insert(Field::Span)),
        }
    }
    all
}
