//! The people's own book: who wrote which word where, what its reader saw when it was replaced, and what became of the
//! appointment. The engine never sees it; the oracles ask it.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{PerSide, Side};
use calsync_core::link::Direction;
use calsync_core::model::{Field, Series};
use calsync_core::source::Access;
use calsync_core::sync::{Private, ReadOnlyEdit, Settings};

use crate::place::Standing;
use crate::words::{Spot, Word, minute_of, set_of, words};

/// A word that somebody wrote.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The appointments that it belongs to: several where one was copied.
    pub(crate) events: Vec<usize>,
    /// Where it was written.
    pub(crate) side: Side,
    /// The side that alone shows it, since the other one was put back to before it was written.
    pub(crate) only_on: Option<Side>,
    /// Where in the appointment.
    pub(crate) spot: Spot,
    /// Whether nobody who saw it has replaced it or deleted it.
    pub(crate) alive: bool,
    /// Written into a private appointment whose text must not reach the other side.
    pub(crate) secret: bool,
    /// Written once more after it was replaced: it may be what both sides had when they were in step.
    pub(crate) again: bool,
    /// Written where nothing may be carried from.
    pub(crate) against: bool,
    /// Somebody who saw it replaced it, or deleted it, in a deed that may not be carried as a whole.
    pub(crate) doubted: bool,
    /// It lost a conflict with what the other side said in the same place.
    pub(crate) outdone: bool,
    /// When, in true seconds.
    pub(crate) at: i64,
}

/// An appointment, whatever items it has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Appointment {
    /// Where it was first made; on both sides for one that both had before the first round.
    pub(crate) born: PerSide<bool>,
    /// The side that made it private, if that is known.
    pub(crate) private_by: Option<Side>,
    /// The side that has the original only because it was put back there alone.
    pub(crate) back_alone: Option<Side>,
    /// At which step it was made public on this side.
    pub(crate) bared: PerSide<Option<u64>>,
    /// Both sides made it private, or it was two appointments then: which is the original is not known.
    pub(crate) disputed: bool,
    /// Why the two sides need not show the same: named, and counted when it is used.
    pub(crate) loose: Option<&'static str>,
    /// Whether it was on this side at any time.
    pub(crate) seen_on: PerSide<bool>,
    /// Writes of the engine on this side since a person did something.
    pub(crate) echoes: PerSide<u32>,
    /// Somebody deleted it.
    pub(crate) deleted: bool,
    /// The engine carried that.
    pub(crate) carried: bool,
    /// Copies of it were made, or it is one: words are shared.
    pub(crate) shared: bool,
    /// A meeting that somebody else organises, in the calendar of this side.
    pub(crate) meeting: Option<Side>,
    /// It has values that one side cannot hold.
    pub(crate) one_sided: bool,
    /// Made on both sides by people: known as the same by its UID, or by nothing but subject and time.
    pub(crate) alike: bool,
    /// Why it may rightly be two appointments by now.
    pub(crate) split: Option<&'static str>,
    /// What was last written to this side was a masked copy.
    pub(crate) masked_on: PerSide<bool>,
    /// It was private at some time.
    pub(crate) hidden: bool,
    /// Moved by a person on this side.
    pub(crate) moved: PerSide<bool>,
    /// A series was given another rule.
    pub(crate) ruled: bool,
    /// When it was last changed on this side, by a person or the engine, in true seconds.
    pub(crate) touched: PerSide<i64>,
    /// A counterpart of it was deleted because it left the filter or the window.
    pub(crate) parted: bool,
    /// What the engine last wrote on this side was behind the mask.
    pub(crate) masked: PerSide<bool>,
    /// At which step the engine last wrote it on this side.
    pub(crate) written: PerSide<u64>,
    /// Edited on this side in the round in which the engine wrote it there: perhaps before that was read back.
    pub(crate) hasty: PerSide<bool>,
    /// Moved out of the calendar and back in the round in which the engine wrote it there: perhaps read back in between, so
    /// that it was seen gone and looks put back.
    pub(crate) outran: PerSide<bool>,
    /// Deleted where a write had made or changed it, before its outcome was asked for: nobody can tell any more.
    pub(crate) unasked: bool,
    /// Put back from the bin on this side.
    pub(crate) put_back: PerSide<bool>,
    /// Brought back on this side by an old device, and no person put it back or moved it since.
    pub(crate) revived: PerSide<bool>,
    /// Put back on this side before anybody saw that it was gone.
    pub(crate) slipped: PerSide<bool>,
}

/// Everything people did.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) told: BTreeMap<Word, Told>,
    pub(crate) events: Vec<Appointment>,
    texts: u32,
    minutes: u32,
    reminders: u32,
    counts: u32,
}

/// What a person changed, and what that meant.
pub(crate) struct Deed<'a> {
    pub(crate) side: Side,
    pub(crate) event: usize,
    pub(crate) before: Option<&'a Series>,
    pub(crate) after: Option<&'a Series>,
    /// It may not be carried from there.
    pub(crate) against: bool,
    /// What the series says now is not for the other side.
    pub(crate) secret: bool,
    /// When, in true seconds.
    pub(crate) at: i64,
}

impl Book {
    pub(crate) fn text(&mut self) -> u32 {
        self.texts += 1;
        self.texts
    }

    /// A minute of the day; a run has far fewer than a day has minutes.
    pub(crate) fn minute(&mut self) -> u32 {
        self.minutes = (self.minutes + 1) % 1440;
        self.minutes
    }

    pub(crate) fn reminder(&mut self) -> u32 {
        self.reminders += 1;
        self.reminders
    }

    pub(crate) fn count(&mut self) -> u32 {
        self.counts += 1;
        self.counts + 5
    }

    /// A new appointment.
    pub(crate) fn found(&mut self, side: Side) -> usize {
        let mut event = Appointment::default();
        *event.born.get_mut(side) = true;
        self.events.push(event);
        self.events.len() - 1
    }

    /// The appointment that an item shows.
    pub(crate) fn event_of(&self, series: &Series) -> Option<usize> {
        self.told.get(&minute_of(series))?.events.first().copied()
    }

    pub(crate) fn event(&self, id: usize) -> Option<&Appointment> {
        self.events.get(id)
    }

    pub(crate) fn event_mut(&mut self, id: usize) -> Option<&mut Appointment> {
        self.events.get_mut(id)
    }

    /// Somebody did something, and everybody may know what was seen and what was said.
    pub(crate) fn write(&mut self, deed: &Deed<'_>) {
        let Deed { side, event, before, after, against, secret, at } = *deed;
        let was = before.map(set_of).unwrap_or_default();
        let mut is: BTreeMap<Word, Spot> = BTreeMap::new();
        if let Some(after) = after {
            words(after, &mut |word, spot| {
                is.insert(word, spot);
            });
        }
        for word in was.iter().filter(|word| !is.contains_key(word)) {
            if let Some(told) = self.told.get_mut(word) {
                let passes = !against || told.side == side || told.only_on == Some(side);
                told.alive &= !passes;
                told.doubted |= !passes;
            }
        }
        for (word, spot) in &is {
            let new = !self.told.contains_key(word);
            let told = self.told.entry(*word).or_insert_with(|| Told {
                events: Vec::new(),
                side,
                only_on: None,
                spot: *spot,
                alive: false,
                again: false,
                secret,
                against,
                doubted: false,
                outdone: false,
                at,
            });
            if !told.events.contains(&event) {
                told.events.push(event);
            }
            if !was.contains(word) {
                told.alive = true;
                told.again |= !new;
                told.side = side;
                told.only_on = None;
                told.against = against;
                told.doubted = false;
                told.outdone = false;
                told.at = at;
            }
            told.secret = secret && (told.secret || new);
        }
        if let Some(event) = self.events.get_mut(event) {
            event.echoes = PerSide::default();
            *event.touched.get_mut(side) = at;
            event.carried &= after.is_none();
            *event.seen_on.get_mut(side) = true;
            event.deleted = after.is_none() && !against || event.deleted && after.is_none();
        }
    }

    /// The appointment becomes an original with a masked copy on `side`: what was written there and is not in the original yet
    /// is an edit of the copy from now on. Says whether there is any.
    pub(crate) fn leaves_behind(&mut self, side: Side, copy: &Series, original: &Series) -> bool {
        let has = set_of(original);
        let mut any = false;
        for word in set_of(copy).iter().filter(|word| !has.contains(word)) {
            if let Some(told) = self.told.get_mut(word).filter(|told| told.side == side) {
                told.against = true;
                any = true;
            }
        }
        any
    }

    /// Nobody can know that what stands on `side` was an original: what was written there is no secret.
    pub(crate) fn reveal(&mut self, side: Side, event: usize) {
        for told in self.told.values_mut().filter(|told| told.side == side && told.events == [event]) {
            told.secret = false;
        }
    }

    /// Words that nobody will find again because an administrator took a backup: they are no concern of the engine.
    pub(crate) fn forget(&mut self, lost: &BTreeSet<Word>) {
        for word in lost {
            if let Some(told) = self.told.get_mut(word) {
                told.alive = false;
            }
        }
    }
}

/// Whether what a person does to this item may not be carried to the other side.
pub(crate) fn is_against(
    settings: &Settings,
    side: Side,
    item: &Standing,
    event: &Appointment,
    touched: &[Field],
) -> bool {
    let other = side.other();
    if !settings.direction.writes(other)
        || is_copy_behind_mask(settings, side, event)
        || looks_masked(settings, side, item)
        || *event.masked.get(side)
    {
        return true;
    }
    let foreign = event.meeting == Some(other) && item.access == Access::Full;
    foreign && (touched.is_empty() || touched.iter().any(|field| !Access::Personal.allows(*field)))
}

/// Whether an item shows what this side is shown of private appointments: a person can have unmade the original since.
pub(crate) fn looks_masked(settings: &Settings, side: Side, item: &Standing) -> bool {
    settings.direction.writes(side) && item.series.event.subject == settings.outward.get(side.other()).mask.0
}

/// Whether what stands on this side is the masked copy of an original on the other side, or will be.
pub(crate) fn is_copy_behind_mask(settings: &Settings, side: Side, event: &Appointment) -> bool {
    let other = side.other();
    settings.direction.writes(side) && hides(settings, other) && event.private_by == Some(other)
}

/// Whether what is private on this side is not for the other.
pub(crate) fn hides(settings: &Settings, side: Side) -> bool {
    settings.outward.get(side).private != Private::Pass
}

/// Whether an edit that may not be carried leaves the two sides different.
pub(crate) fn loosens(settings: &Settings, side: Side) -> Option<&'static str> {
    match settings.read_only_edit {
        ReadOnlyEdit::Revert if settings.direction.writes(side) || settings.direction == Direction::Both => {
            None
        }
        ReadOnlyEdit::Revert => Some("an edit on a side that is not written"),
        ReadOnlyEdit::Ignore => Some("an edit that is ignored"),
        ReadOnlyEdit::Report => Some("an edit that is reported"),
    }
}
