//! The invariants that can be seen broken at once: when a write reaches a side, when the store takes a step.
//!
//! The witnesses are the calendars themselves and the people's book. What the engine believes is never asked, but for what
//! it promised its own journal.

use std::collections::BTreeSet;

use calsync_core::ids::{ItemKey, Side};
use calsync_core::link::{Head, Link};
use calsync_core::model::Series;
use calsync_core::source::{Access, Applied, Write, WriteOp, WriteOutcome};
use calsync_core::store::{Commit, Fence, JournalEntry};
use calsync_core::sync::{Leaving, Private};

use crate::book::hides;
use crate::place::Standing;
use crate::show::out_of_scope;
use crate::watch::{Journaled, Shared};
use crate::words::{Word, set_of, words};

/// What stood there before a write.
pub(crate) struct Before {
    pub(crate) item: Option<Standing>,
    pub(crate) event: Option<usize>,
    /// Words that were alive there.
    alive: BTreeSet<Word>,
    pub(crate) first_sync: bool,
}

impl Shared {
    /// I20: a write leaves only from whoever was given the pairing last. What was delayed on its way is not looked at.
    pub(crate) fn writes(&self, daemon: usize, side: Side) {
        let granted = self.watch().granted;
        if granted.is_none_or(|(last, _)| last != daemon) {
            let last = granted.map_or_else(|| "nobody".to_owned(), |(last, _)| format!("daemon {last}"));
            self.violated("I20", format!("daemon {daemon} writes to {side}, and {last} has the pairing"));
        }
    }

    /// I20: the store takes a step from whoever was given the pairing last.
    pub(crate) fn stored(&self, fence: Fence) {
        let granted = self.watch().granted;
        if let Some((_, last)) = granted
            && last != fence
        {
            self.violated(
                "I20",
                format!("the store took a step under fence {fence}, and the last is {last}"),
            );
        }
    }

    /// The store gave the pairing to a daemon. I20: its number grows.
    pub(crate) fn grant(&self, daemon: usize, fence: Fence) {
        let before = self.watch().granted.replace((daemon, fence));
        if let Some((last, old)) = before {
            if old >= fence {
                self.violated("I20", format!("fence {fence} was given after {old}"));
            }
            if last != daemon {
                self.branch("another daemon took over");
            }
        }
    }

    /// A write reaches a side.
    pub(crate) fn before_write(&self, side: Side, write: &Write) -> Before {
        let settings = self.settings();
        let other = side.other();
        if !settings.direction.writes(side) {
            self.violated("I12", format!("a write to {side} against the direction"));
        }
        self.is_journaled(side, write);
        self.says_no_secret(side, write);
        if let WriteOp::Create { series, .. } = &write.op {
            // What is written late left the window meanwhile, perhaps.
            let planned = self.journaled(side, write, |entry| entry.planned);
            let now = || calsync_core::drive::Clock::now(self.clock.as_ref());
            self.is_in_scope(other, series, planned.unwrap_or_else(now));
        }
        self.look(side, write)
    }

    /// What stands there now.
    pub(crate) fn look(&self, side: Side, write: &Write) -> Before {
        let other = side.other();
        let key = match &write.op {
            WriteOp::Create { .. } => None,
            WriteOp::Update { key, .. } | WriteOp::Delete { key, .. } => Some(key.as_str()),
        };
        let item = key.and_then(|key| self.places.get(side).item(key));
        let book = self.book();
        let event = item.as_ref().and_then(|item| book.event_of(&item.series));
        let mut alive = BTreeSet::new();
        if let Some(item) = &item {
            words(&item.series, &mut |word, spot| {
                let told = book.told.get(&word);
                let unheld = self.options.manners.get(other).unheld.contains(&spot.1);
                if told.is_some_and(|told| told.alive && !told.against && told.events.len() == 1) && !unheld {
                    alive.insert(word);
                }
            });
        }
        drop(book);
        let first_sync = !self.watch().first_sync_done;
        Before { item, event, alive, first_sync }
    }

    /// What the journal says of a write, if it holds it.
    pub(crate) fn journaled<T>(
        &self,
        side: Side,
        write: &Write,
        says: impl FnOnce(&Journaled) -> T,
    ) -> Option<T> {
        let watch = self.watch();
        let entries = watch.journal.get(&(write.link.0, side, write.receipt.number))?;
        entries.iter().rev().find(|entry| entry.receipt == write.receipt).map(says)
    }

    /// I23: the journal holds the write before it leaves.
    fn is_journaled(&self, side: Side, write: &Write) {
        if self.journaled(side, write, |_| ()).is_none() {
            self.violated("I23", format!("a write to {side} that the journal does not hold"));
        }
    }

    /// I16: no word of a private appointment.
    fn says_no_secret(&self, side: Side, write: &Write) {
        let (says, known): (Series, BTreeSet<Word>) = match &write.op {
            WriteOp::Create { series, .. } => (series.as_ref().clone(), BTreeSet::new()),
            WriteOp::Update { patch, current, .. } => (patch.apply(current), set_of(current)),
            WriteOp::Delete { .. } => return,
        };
        let is_late = self.is_private_since(side, write);
        let book = self.book();
        let is_original_here =
            |event: &usize| book.event(*event).is_some_and(|event| event.private_by == Some(side));
        let (mut told, mut late) = (Vec::new(), false);
        words(&says, &mut |word, _| {
            if let (Word::Text(_), false, Some(about)) = (word, known.contains(&word), book.told.get(&word))
                && about.secret
                && about.side != side
            {
                if is_late && about.events.iter().all(is_original_here) {
                    late = true;
                } else {
                    told.push(word);
                }
            }
        });
        drop(book);
        if late {
            self.exempt("made private where it goes since that was read");
        }
        if !told.is_empty() {
            self.violated("I16", format!("private words {told:?} are sent to {side}"));
        }
    }

    /// Whether what it changes was made private since it was read: the write will be refused.
    fn is_private_since(&self, side: Side, write: &Write) -> bool {
        let WriteOp::Update { key, current, .. } = &write.op else { return false };
        let is_private = |series: &Series| series.event.sensitivity.is_private();
        let stands = self.places.get(side).item(key.as_str());
        !is_private(current) && stands.is_some_and(|item| is_private(&item.series))
    }

    /// I13: nothing is made from what is out of scope.
    fn is_in_scope(&self, from: Side, series: &Series, at: chrono::DateTime<chrono::Utc>) {
        let settings = self.settings();
        let private = series.event.sensitivity.is_private();
        if private && settings.outward.get(from).private != Private::Pass {
            // Its filter cannot be seen behind the mask.
            return;
        }
        if out_of_scope(&settings, from, series, at) {
            // An appointment that both sides had is made again where it was deleted against the rules.
            let book = self.book();
            let event = book.event_of(series);
            let both = event
                .and_then(|event| book.event(event))
                .is_some_and(|event| event.seen_on.a && event.seen_on.b);
            drop(book);
            if !both {
                self.violated("I13", "an appointment out of scope was carried".to_owned());
            }
        }
    }

    /// A write has reached a side.
    pub(crate) fn after_write(&self, side: Side, write: &Write, before: &Before, outcome: &WriteOutcome) {
        let done = matches!(outcome, WriteOutcome::Applied(_));
        self.trace_write(side, write, done);
        if !done {
            return;
        }
        if let (WriteOp::Update { current, .. }, Some(item)) = (&write.op, &before.item)
            && !item.composed
            && !self.places.get(side).shows_same(current, &item.series)
        {
            self.violated("I4", format!("a write to {side} replaces what was not read"));
        }
        self.keeps_before_image(side, write, before);
        self.judge_write(side, write, before);
        self.masks(side, write, before);
        match (&write.op, outcome) {
            (WriteOp::Delete { .. }, _) => self.is_founded(side, write, before),
            (WriteOp::Create { .. }, WriteOutcome::Applied(Applied::Item(item))) => {
                self.was_made(side, &item.series);
            }
            (WriteOp::Create { series, .. }, _) => self.was_made(side, series),
            (WriteOp::Update { .. }, _) => {}
        }
        self.echoes(side, before, write);
    }

    /// Remembers what is a masked copy from now on.
    fn masks(&self, side: Side, write: &Write, before: &Before) {
        let written = match &write.op {
            WriteOp::Create { series, .. } => series.as_ref().clone(),
            WriteOp::Update { patch, current, .. } => patch.apply(current),
            WriteOp::Delete { .. } => return,
        };
        let mut book = self.book();
        let event = before.event.or_else(|| book.event_of(&written));
        if let Some(event) = event.and_then(|event| book.event_mut(event)) {
            let subject = &written.event.subject;
            let masked = *subject == self.settings().outward.get(side.other()).mask.0;
            *event.masked_on.get_mut(side) = masked && written.event.sensitivity.is_private();
        }
    }

    fn trace_write(&self, side: Side, write: &Write, done: bool) {
        let mut watch = self.watch();
        watch.trace(write.link.0 ^ u64::from(done));
        if watch.script.is_none() {
            return;
        }
        let done = if done { "" } else { " (refused)" };
        let what = match &write.op {
            WriteOp::Create { series, .. } => format!("creates {}", crate::people::short(series)),
            WriteOp::Update { key, patch, current, .. } => {
                let becomes = patch.apply(current);
                format!("updates {key} {:?} to {}", patch.paths(), crate::people::short(&becomes))
            }
            WriteOp::Delete { key, .. } => format!("deletes {key}"),
        };
        watch.say(format_args!("{side}: calsync {what} (link {}){done}", write.link));
    }

    /// I4: what a person wrote and nobody has seen is in the journal before it is replaced.
    fn keeps_before_image(&self, side: Side, write: &Write, before: &Before) {
        let Some(item) = &before.item else { return };
        if item.composed {
            return self.exempt("held as several items");
        }
        let kept = self.journaled(side, write, |entry| entry.before.clone()).flatten();
        let same = |kept: &Series| self.places.get(side).shows_same(kept, &item.series);
        if !kept.as_ref().is_some_and(same) {
            self.violated("I4", format!("a write to {side} without a true image of what it replaces"));
        }
    }

    fn was_made(&self, side: Side, series: &Series) {
        let (settings, from) = (self.settings(), side.other());
        let there = self.places.get(from).items();
        let mut book = self.book();
        let Some(event) = book.event_of(series) else { return };
        let is_meeting =
            |item: &Standing| item.access != Access::Full && book.event_of(&item.series) == Some(event);
        let theirs = self.places.get(side).items().iter().any(is_meeting);
        // It is made of what the other side has: where that is not for this side, there is the original from now on.
        let hidden = hides(&settings, from)
            && there.iter().any(|item| {
                item.series.event.sensitivity.is_private() && book.event_of(&item.series) == Some(event)
            });
        if let Some(event) = book.event_mut(event) {
            *event.seen_on.get_mut(side) = true;
            if hidden {
                event.private_by = Some(from);
            }
            // What we made in the place of somebody else's meeting is none.
            event.meeting = event.meeting.filter(|meeting| *meeting != side || theirs);
        }
        drop(book);
        let mut watch = self.watch();
        let at = watch.steps;
        watch.came.insert((side, event), at);
        watch.taken.remove(&(side, event));
    }

    /// I5, I14, I15, I28: a deletion has a reason that a person gave.
    fn is_founded(&self, side: Side, write: &Write, before: &Before) {
        let settings = self.settings();
        let other = side.other();
        *self.watch().round().deletes.get_mut(side) += 1;
        // One that was delayed was planned before the memory was lost.
        let planned = self.journaled(side, write, |entry| entry.first_sync);
        if planned.unwrap_or(before.first_sync) {
            self.violated("I28", format!("a first round deletes on {side}"));
        }
        let Some(event) = before.event else { return };
        if let Some(why) = self.book().event(event).and_then(|event| event.split) {
            return self.exempt(why);
        }
        if self.book().event(event).is_some_and(|event| event.disputed) {
            return self.exempt("made private on both sides at once");
        }
        if self.book().event(event).is_some_and(|event| *event.slipped.get(side)) {
            return self.exempt("put back before anybody saw that it was gone");
        }
        let parts = self.journaled(side, write, |entry| entry.reason.starts_with("no longer carried"));
        if parts == Some(true) && settings.leaving == Leaving::Delete {
            // Not for a person's deletion; that it left the scope is the reason.
            if let Some(event) = self.book().event_mut(event) {
                event.parted = true;
            }
            return self.branch("counterpart of what left the scope deleted");
        }
        let there = self.places.get(other).items();
        let mut book = self.book();
        let counterpart = there.iter().any(|item| book.event_of(&item.series) == Some(event));
        if let Some(event) = book.event_mut(event) {
            event.carried = true;
            if event.private_by == Some(side) {
                // What the other side has is the original from now on.
                event.private_by = counterpart.then_some(other);
            }
        }
        drop(book);
        let came_since = {
            let mut watch = self.watch();
            let began = watch.round().began;
            watch.came.get(&(other, event)).is_some_and(|at| *at >= began)
        };
        if counterpart && !came_since {
            let name = &write.receipt.counterpart;
            self.violated("I14", format!("{name} is deleted on {side}, and {other} has it still"));
        }
        // What came after this round began, and was taken again, was gone when it looked.
        if !counterpart && !came_since && self.watch().taken.contains(&(other, event)) {
            self.violated("I19", format!("what a restore took from {other} is deleted on {side}"));
        }
        let mut alive = before.alive.clone();
        if !alive.is_empty() && !settings.deletion_wins && !came_since {
            // What another item of this side says too is not deleted with this one.
            for item in self.places.get(side).items() {
                words(&item.series, &mut |word, _| {
                    alive.remove(&word);
                });
            }
            if !alive.is_empty() {
                self.violated("I5", format!("an edit {alive:?} that nobody saw is deleted on {side}"));
            }
        }
    }

    /// I11: a write of ours causes no other.
    fn echoes(&self, side: Side, before: &Before, write: &Write) {
        let event = match (&write.op, before.event) {
            (WriteOp::Create { series, .. }, _) => self.book().event_of(series),
            (_, event) => event,
        };
        let settings = self.settings();
        let mask = &settings.outward.get(side.other()).mask.0;
        let masked = match &write.op {
            WriteOp::Create { series, .. } => series.event.subject == *mask,
            WriteOp::Update { patch, current, .. } => patch.apply(current).event.subject == *mask,
            WriteOp::Delete { .. } => false,
        };
        let (faults, steps) = {
            let watch = self.watch();
            (watch.faults.values().sum::<u64>(), watch.steps)
        };
        let mut book = self.book();
        let Some(event) = event.and_then(|event| book.event_mut(event)) else { return };
        *event.written.get_mut(side) = steps;
        *event.masked.get_mut(side) = masked;
        let split = event.split.is_some();
        let echoes = event.echoes.get_mut(side);
        *echoes += 1;
        let echoes = u64::from(*echoes);
        drop(book);
        if echoes > 3 + faults && !split {
            self.violated("I11", format!("{echoes} writes to {side} of one appointment that nobody touched"));
        }
    }

    /// The store took a step. I18: nothing in it goes back.
    pub(crate) fn committed(&self, before: &Head, after: &Head, commit: &Commit) {
        {
            let mut watch = self.watch();
            watch.round().commits += 1;
            watch.first_sync_done = after.first_sync_done;
            watch.stored.extend(commit.put.iter().flat_map(names));
        }
        let back = after.version <= before.version
            || (before.first_sync_done && !after.first_sync_done)
            || after.listings.a.number < before.listings.a.number
            || after.listings.b.number < before.listings.b.number;
        if back {
            self.violated("I18", "the state went back".to_owned());
        }
        for closed in &commit.closed {
            match closed.outcome.as_str() {
                JournalEntry::CARRIED_OUT_LATE => self.branch("settled late"),
                JournalEntry::NOT_CARRIED_OUT => {
                    self.branch("found not done");
                    let name = (closed.link.0, closed.side, closed.number);
                    self.watch().given_up.insert(name);
                    let event = self.watch().deleted_open.get(&name).copied();
                    if let Some(event) = event
                        && let Some(event) = self.book().event_mut(event)
                    {
                        event.unasked = true;
                    }
                }
                JournalEntry::CARRIED_OUT_IN_PART => {
                    self.branch("rest of half made");
                }
                "the item was changed meanwhile" => self.branch("stale write refused"),
                "the item is not there" => self.branch("missing item refused"),
                _ => {}
            }
        }
    }
}

/// The names of the items of a link.
pub(crate) fn names(link: &Link) -> impl Iterator<Item = (Side, ItemKey)> {
    link.halves.iter().filter_map(|(side, half)| Some((side, half.as_ref()?.key.clone())))
}
