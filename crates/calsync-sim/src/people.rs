//! What people do at the two calendars, drawn by seed. Each does one thing at a time and is understood by both sides:
//! creates, edits of single fields, moves, deletions, the bin, copies, series with their occurrences, privacy, undo.

use std::fmt;
use std::sync::Arc;

use calsync_core::ids::{ItemKey, PerSide, Side, Uid};
use calsync_core::link::{Direction, Intent};
use calsync_core::model::{
    Busy, Event, Field, Notes, Overlay, Override, Person, Recurrence, RecurrenceId, Reminder, Sensitivity,
    Series, Span,
};
use calsync_core::recur::{End, Frequency, Parts, Rule};
use calsync_core::source::{Access, WriteOp};
use calsync_core::zone::Zone;
use chrono::{NaiveDate, TimeDelta};
use std::num::NonZeroU32;

use crate::book::{Deed, hides, is_against, is_copy_behind_mask, looks_masked, loosens};
use crate::options::LEFT_OUT;
use crate::place::Standing;
use crate::rng::{Rng, mix};
use crate::words::{Word, minute_of, set_of};
use crate::world::World;

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Make,
    MakeSeries,
    MakeMeeting,
    Subject,
    Place,
    Notes,
    Time,
    Busy,
    Category,
    Filtered,
    Private,
    Delete,
    PutBack,
    Copy,
    OutAndBack,
    Undo,
    Rule,
    OccurrenceText,
    OccurrenceTime,
    OccurrenceCancel,
    OccurrenceRestore,
    DeleteMany,
    OldCopy,
}

const ACTS: &[(u32, Act)] = &[
    (9, Act::Make),
    (4, Act::MakeSeries),
    (2, Act::MakeMeeting),
    (9, Act::Subject),
    (7, Act::Place),
    (6, Act::Notes),
    (8, Act::Time),
    (5, Act::Busy),
    (4, Act::Category),
    (2, Act::Filtered),
    (4, Act::Private),
    (7, Act::Delete),
    (3, Act::PutBack),
    (3, Act::Copy),
    (3, Act::OutAndBack),
    (3, Act::Undo),
    (2, Act::Rule),
    (4, Act::OccurrenceText),
    (3, Act::OccurrenceTime),
    (3, Act::OccurrenceCancel),
    (2, Act::OccurrenceRestore),
    (1, Act::DeleteMany),
    (3, Act::OldCopy),
];

/// The zone of everything.
pub(crate) fn berlin() -> Option<Zone> {
    static ZONE: std::sync::LazyLock<Option<Zone>> =
        std::sync::LazyLock::new(|| Zone::new("Europe/Berlin").ok());
    ZONE.clone()
}

/// Why a copy need not get a counterpart.
const COPY_OF_A_MASKED_COPY: &str = "a copy of a masked copy";

impl World {
    /// A person does something.
    pub(crate) fn person_acts(&mut self, rng: &mut Rng) {
        let side = if rng.chance(500) { Side::A } else { Side::B };
        let Some(act) = rng.weighted(ACTS) else { return };
        match act {
            Act::Make => self.make(side, rng, false, Access::Full),
            Act::MakeSeries => self.make(side, rng, true, Access::Full),
            Act::MakeMeeting => self.make(Side::B, rng, false, Access::Personal),
            Act::PutBack => self.put_back(side, rng),
            Act::OldCopy => self.old_copy(side, rng),
            Act::DeleteMany => {
                for _ in 0..rng.between(3, 8) {
                    self.upon_one(side, Act::Delete, rng);
                }
            }
            act => self.upon_one(side, act, rng),
        }
    }

    /// What both calendars hold before the first round.
    pub(crate) fn begin(&mut self, rng: &mut Rng) {
        for _ in 0..self.options.before {
            match rng.below(4) {
                0 => self.make(Side::A, rng, rng.clone().chance(250), Access::Full),
                1 => self.make(Side::B, rng, rng.clone().chance(250), Access::Full),
                _ => self.make_on_both(rng),
            }
        }
    }

    /// The same appointment on both sides, made by people: known by its UID, or by subject and time.
    fn make_on_both(&mut self, rng: &mut Rng) {
        let event = self.book().found(Side::A);
        let Some(mut series) = self.new_series(rng, false) else { return };
        series.event.sensitivity = Sensitivity::Normal;
        // A side that drops seconds would show another time: two appointments, for everybody.
        let Some(span) = self.new_span(rng, false) else { return };
        series.event.span = span;
        let settings = Arc::clone(&self.settings);
        let same_uid = rng.chance(500);
        for side in Side::BOTH {
            let mut own = series.clone();
            own.uid = Uid::new(if same_uid { format!("uid-{event}") } else { format!("uid-{side}-{event}") });
            let differs = rng.chance(400);
            if differs {
                own.event.place = format!("w{} zu zweit", self.book().text());
            }
            let held = self.place(side).as_held(own);
            self.say(format_args!("{side}: has {} before the first round", short(&held)));
            let deed = Deed {
                side,
                event,
                before: None,
                after: Some(&held),
                against: !settings.direction.writes(side.other()),
                secret: false,
                at: self.shared.clock.truth(),
            };
            self.book().write(&deed);
            if let Some(event) = self.book().event_mut(event) {
                *event.born.get_mut(side) = true;
                event.alike = true;
                if differs && settings.direction != Direction::Both {
                    event.loose = Some("other from the beginning, and one way");
                }
            }
            self.place(side).make(held, Access::Full);
            self.appeared(side, event);
        }
    }

    fn new_series(&mut self, rng: &mut Rng, repeats: bool) -> Option<Series> {
        let span = self.new_span(rng, !repeats)?;
        let subject = format!("w{} Termin", self.book().text());
        let mut event = Event::new(subject, span);
        if rng.chance(400) {
            event.place = format!("w{} Ort", self.book().text());
        }
        if rng.chance(200) {
            event.notes = Notes::plain(&format!("w{} steht da", self.book().text()));
        }
        if rng.chance(120) {
            event.sensitivity = Sensitivity::Private;
        }
        let mut series = Series::single(Uid::new(""), event);
        if repeats {
            series.recurrence = Some(self.new_rule(rng)?);
        }
        Some(series)
    }

    /// A time that no other appointment has; the day is near, or far enough for a window to matter.
    fn new_span(&mut self, rng: &mut Rng, once: bool) -> Option<Span> {
        let minute = self.book().minute();
        // Far ahead, or where the window will be in some days.
        let day = rng.weighted(&[(15, 70), (10, 11), (75, 0)]).unwrap_or_default();
        let day = if rng.chance(80) { rng.below(40) } else { 40 + rng.below(20) + day };
        let date = NaiveDate::from_ymd_opt(2026, 10, 26)? + TimeDelta::days(i64::try_from(day).ok()?);
        let seconds = if rng.chance(100) && once { 30 } else { 0 };
        let start = date.and_hms_opt(minute / 60, minute % 60, seconds)?;
        Some(Span::zoned(start, start + TimeDelta::minutes(25), &berlin()?))
    }

    fn new_rule(&mut self, rng: &mut Rng) -> Option<Recurrence> {
        let freq = if rng.chance(500) { Frequency::Daily } else { Frequency::Weekly };
        let end = End::Count(NonZeroU32::new(self.book().count())?);
        let rule = Rule::new(Parts::every(freq)).ok()?.with_end(end);
        Some(Recurrence { rule, dates: std::collections::BTreeSet::new() })
    }

    fn make(&mut self, side: Side, rng: &mut Rng, repeats: bool, access: Access) {
        let event = self.book().found(side);
        let Some(mut series) = self.new_series(rng, repeats) else { return };
        series.uid = Uid::new(format!("uid-{side}-{event}"));
        if access == Access::Personal {
            series.event.organizer =
                Person { name: "Frau Kern".to_owned(), address: "kern@example.org".to_owned() };
            series.event.sensitivity = Sensitivity::Normal;
            if let Some(event) = self.book().event_mut(event) {
                event.meeting = Some(side);
            }
        }
        let series = self.place(side).as_held(series);
        if series.event.sensitivity.is_private()
            && let Some(event) = self.book().event_mut(event)
        {
            event.private_by = Some(side);
        }
        let settings = Arc::clone(&self.settings);
        let deed = Deed {
            side,
            event,
            before: None,
            after: Some(&series),
            against: !settings.direction.writes(side.other()),
            secret: series.event.sensitivity.is_private() && hides(&settings, side),
            at: self.shared.clock.truth(),
        };
        self.book().write(&deed);
        self.say(format_args!("{side}: a person makes {}", short(&series)));
        self.place(side).make(series, access);
        self.appeared(side, event);
    }

    /// An appointment is there that was not there before.
    pub(crate) fn appeared(&self, side: Side, event: usize) {
        let mut watch = self.shared.watch();
        let at = watch.steps;
        watch.came.insert((side, event), at);
        watch.taken.remove(&(side, event));
    }

    /// An item to do something with: always the same one for the same draw, whatever else stands there.
    fn some_item(
        &mut self,
        side: Side,
        rng: &mut Rng,
        wanted: impl Fn(&Standing) -> bool,
    ) -> Option<Standing> {
        let draw = rng.bits();
        let items = self.place(side).items();
        items.into_iter().filter(wanted).min_by_key(|item| {
            let Word::Minute(minute) = minute_of(&item.series) else { return 0 };
            mix(draw ^ u64::from(minute))
        })
    }

    fn upon_one(&mut self, side: Side, act: Act, rng: &mut Rng) {
        let recurring = matches!(
            act,
            Act::Rule
                | Act::OccurrenceText
                | Act::OccurrenceTime
                | Act::OccurrenceCancel
                | Act::OccurrenceRestore
        );
        let Some(item) = self.some_item(side, rng, |item| !recurring || item.series.recurrence.is_some())
        else {
            return;
        };
        let Some(event) = self.book().event_of(&item.series) else { return };
        match act {
            Act::Delete => return self.delete(side, event, &item),
            Act::Copy => return self.copy(side, event, &item, rng),
            Act::OutAndBack => {
                let key = self.place(side).move_out_and_back(&item.key);
                let now = self.shared.clock.truth();
                let began = self.shared.watch().round().began.max(1);
                if let Some(event) = self.book().event_mut(event) {
                    *event.touched.get_mut(side) = now;
                    // Nobody can read back any more what was written there just now.
                    let unread = *event.written.get(side) >= began;
                    *event.hasty.get_mut(side) |= unread;
                    *event.outran.get_mut(side) |= unread;
                    event.revived = PerSide::default();
                }
                self.appeared(side, event);
                self.say(format_args!("{side}: a person moves {} out and back: {key:?}", item.key));
                return;
            }
            _ => {}
        }
        let Some((series, fields)) = self.changed(side, act, &item, rng) else { return };
        let series = self.place(side).as_held(series);
        if series == *item.series {
            return;
        }
        self.record(side, event, &item, Some(&series), &fields);
        if let Some(event) = self.book().event_mut(event) {
            *event.moved.get_mut(side) |= act == Act::Time;
            event.ruled |= act == Act::Rule;
        }
        self.say(format_args!("{side}: a person changes {} ({act:?}): {}", item.key, short(&series)));
        self.place(side).edit(&item.key, series);
    }

    /// Writes down what somebody did to an item.
    fn record(
        &mut self,
        side: Side,
        event: usize,
        item: &Standing,
        after: Option<&Series>,
        fields: &[Field],
    ) {
        let settings = Arc::clone(&self.settings);
        let known = self.shared.watch().first_sync_done;
        let unheld_there = self.options.manners.get(side.other()).unheld;
        let there = self.place(side.other()).items();
        let began = self.shared.watch().round().began.max(1);
        let mut book = self.book();
        let is_it = |theirs: &Standing| book.event_of(&theirs.series) == Some(event);
        let theirs: Vec<Standing> = there.into_iter().filter(is_it).collect();
        let theirs_private = theirs.iter().any(|theirs| theirs.series.event.sensitivity.is_private());
        let Some(appointment) = book.event(event) else { return };
        let against = is_against(&settings, side, item, appointment, fields);
        let behind = is_copy_behind_mask(&settings, side, appointment);
        let masked = looks_masked(&settings, side, item);
        let now_private = after.is_some_and(|after| after.event.sensitivity.is_private());
        let was_private = item.series.event.sensitivity.is_private();
        let one_sided = fields.iter().any(|field| unheld_there.contains(field));
        let (steps, read) = {
            let watch = self.shared.watch();
            let key = (side, ItemKey::new(item.key.as_str()));
            (watch.steps, watch.read.get(&key).copied().unwrap_or_default())
        };
        if let Some(appointment) = book.event_mut(event) {
            *appointment.hasty.get_mut(side) |= *appointment.written.get(side) >= began;
            // Where the original is gone already, or was made anew from what passes, this is one.
            let carries = settings.direction.writes(side.other());
            let counts = !against || behind && carries && !masked && !theirs_private;
            if now_private != was_private && after.is_some() && counts {
                appointment.private_by = now_private.then_some(side);
                if now_private && !hides(&settings, side) && hides(&settings, side.other()) {
                    appointment.loose = Some("made private where it passes");
                }
            }
            if appointment.alike && !known {
                appointment.split = Some("changed before both were known as the same");
            }
            if against && now_private && hides(&settings, side) && appointment.meeting == Some(side.other()) {
                appointment.loose = Some("somebody else's meeting made private in a copy");
            }
            if against && let Some(why) = loosens(&settings, side) {
                appointment.loose = Some(why);
            }
            if theirs_private && now_private && !was_private {
                appointment.loose = Some("made private on both sides at once");
                appointment.disputed = true;
            }
            if now_private && !was_private {
                let read = read.max(*appointment.written.get(side));
                if appointment.bared.get(side).is_some_and(|at| at > read) {
                    appointment.loose = Some("made public and private again before that was read");
                    appointment.disputed = true;
                }
            } else if was_private && !now_private && after.is_some() {
                *appointment.bared.get_mut(side) = Some(steps);
            }
            appointment.disputed |= appointment.split.is_some();
            appointment.one_sided |= one_sided;
            appointment.hidden |= now_private || was_private;
        }
        if now_private && !was_private && !against && hides(&settings, side) {
            let gone =
                theirs.is_empty() && book.event(event).is_some_and(|event| *event.seen_on.get(side.other()));
            let behind = theirs.iter().fold(gone, |behind, theirs| {
                book.leaves_behind(side.other(), &theirs.series, &item.series) || behind
            });
            if behind
                && let (Some(why), Some(event)) = (loosens(&settings, side.other()), book.event_mut(event))
            {
                event.loose = Some(why);
            }
        }
        // Of an original that the other side made private, only what hides it there counts.
        let original = book.event(event).is_some_and(|event| event.private_by == Some(side));
        let disputed = book.event(event).is_some_and(|event| event.disputed);
        let secret = now_private && !disputed && (hides(&settings, side) && original || behind);
        let at = self.shared.clock.truth();
        let deed = Deed { side, event, before: Some(&item.series), after, against, secret, at };
        book.write(&deed);
    }

    fn delete(&mut self, side: Side, event: usize, item: &Standing) {
        let was_deleted = self.book().event(event).is_some_and(|event| event.deleted);
        self.record(side, event, item, None, &[]);
        // One of two that stand there is not the appointment.
        if self.items_of(side, event) > 1
            && let Some(event) = self.book().event_mut(event)
        {
            event.deleted = was_deleted;
        }
        self.deletes_open(side, event, item);
        self.say(format_args!("{side}: a person deletes {} {}", item.key, short(&item.series)));
        self.place(side).bin(&item.key);
    }

    /// A person deletes what a write made or changed, and the store does not hold yet what became of that write, or holds that it
    /// was not carried out.
    fn deletes_open(&self, side: Side, event: usize, item: &Standing) {
        let intents = self.head().intents;
        // The receipt comes with the last step.
        let is_made_by = |intent: &&Intent| match (&item.receipt, &intent.write.op) {
            (Some(receipt), _) => receipt.is_left_by(&intent.write.receipt),
            (None, WriteOp::Create { series, .. }) => item.series.is_at_the_time_of(series.as_ref()),
            (None, _) => false,
        };
        if let Some(intent) = intents.iter().filter(|intent| intent.side == side).find(is_made_by) {
            let name = (intent.write.link.0, side, intent.write.receipt.number);
            self.shared.watch().deleted_open.insert(name, event);
            return;
        }
        let Some(receipt) = item.receipt.as_deref() else { return };
        // It arrived after it was given up, and nobody read yet what it made.
        let unread = {
            let watch = self.shared.watch();
            let is_it = |name: &&(u64, Side, u64)| {
                let journaled = watch.journal.get(*name);
                journaled
                    .is_some_and(|all| all.iter().any(|journaled| receipt.is_left_by(&journaled.receipt)))
            };
            let key = (side, ItemKey::new(item.key.as_str()));
            !watch.shown.contains(&key) && watch.given_up.iter().any(|name| is_it(&name))
        };
        if unread && let Some(event) = self.book().event_mut(event) {
            event.unasked = true;
        }
    }

    fn put_back(&mut self, side: Side, rng: &mut Rng) {
        let draw = rng.bits();
        let binned = self.place(side).binned();
        let Some(item) = binned.into_iter().min_by_key(|item| {
            let Word::Minute(minute) = minute_of(&item.series) else { return 0 };
            mix(draw ^ u64::from(minute))
        }) else {
            return;
        };
        let Some(event) = self.book().event_of(&item.series) else { return };
        // Nobody puts an appointment back beside itself.
        if self.items_of(side, event) > 0 {
            return;
        }
        let settings = Arc::clone(&self.settings);
        let private = item.series.event.sensitivity.is_private();
        let against = {
            let book = self.book();
            book.event(event).is_some_and(|event| is_against(&settings, side, &item, event, &[]))
        };
        let deed = Deed {
            side,
            event,
            before: None,
            after: Some(&item.series),
            against,
            secret: private && hides(&settings, side),
            at: self.shared.clock.truth(),
        };
        self.book().write(&deed);
        // Gone and back before a round was told and came to its end is a move: one that is cut off while it reads decides nothing.
        let missed = {
            let watch = self.shared.watch();
            let told = watch.missed.get(&(side, ItemKey::new(item.key.as_str())));
            told.is_some_and(|at| *at < watch.ended)
        };
        let alone = self.items_of(side.other(), event) == 0;
        let slipped = !missed;
        let there = self.place(side.other()).items();
        let (theirs_private, theirs_masked) = {
            let book = self.book();
            let theirs = || there.iter().filter(|item| book.event_of(&item.series) == Some(event));
            let private = theirs().any(|item| item.series.event.sensitivity.is_private());
            (private, theirs().any(|item| looks_masked(&settings, side.other(), item)))
        };
        let theirs_hidden = hides(&settings, side.other()) && theirs_private;
        // Whether a round looked at the other one while it stood there alone.
        let seen = {
            let watch = self.shared.watch();
            watch.came.get(&(side.other(), event)).is_some_and(|at| *at < watch.decided)
        };
        let mut unknown = false;
        if let Some(event) = self.book().event_mut(event) {
            *event.put_back.get_mut(side) = true;
            event.revived = PerSide::default();
            *event.slipped.get_mut(side) |= slipped;
            unknown = event.back_alone == Some(side.other()) && !seen;
            // Beside a masked copy it is the original once more; a private one that stood there alone is it.
            let beside = event.private_by.is_none() && *event.masked.get(side.other());
            let original = alone || theirs_masked || beside || unknown;
            // What nobody saw gone was made public where it was private.
            if !private && theirs_hidden && missed && event.private_by.is_none() {
                event.private_by = Some(side.other());
            }
            let was_original = event.private_by == Some(side);
            event.back_alone = (private && alone && !was_original).then_some(side);
            if private && original {
                event.private_by = Some(side);
            }
            if event.put_back.a && event.put_back.b {
                event.split = Some("put back on both sides");
            }
        }
        if unknown {
            self.book().reveal(side.other(), event);
            self.shared.exempt("put back on both sides before anybody saw one alone");
        }
        let key = self.place(side).put_back(&item.key, rng.chance(500));
        self.appeared(side, event);
        self.say(format_args!("{side}: a person puts {} back as {key:?}: {}", item.key, short(&item.series)));
    }

    /// What dragging with the control key does: everything but identity and time comes along.
    fn copy(&mut self, side: Side, event: usize, item: &Standing, rng: &mut Rng) {
        if item.access != Access::Full {
            return;
        }
        let once = item.series.recurrence.is_none();
        let Some(span) = self.new_span(rng, once) else { return };
        let copy = self.book().found(side);
        let mut series = item.series.as_ref().clone();
        series.uid = Uid::new(format!("uid-{side}-{copy}"));
        series.event.span = span;
        series.overrides.clear();
        let series = self.place(side).as_held(series);
        let settings = Arc::clone(&self.settings);
        {
            let mut book = self.book();
            let private_by = series.event.sensitivity.is_private().then_some(side);
            for id in [event, copy] {
                if let Some(event) = book.event_mut(id) {
                    event.shared = true;
                }
            }
            // Its receipt says of the copy too that it is one, whatever a person made of it.
            let behind = looks_masked(&settings, side, item)
                || book.event(event).is_some_and(|event| {
                    *event.masked.get(side) || event.split == Some(COPY_OF_A_MASKED_COPY)
                });
            if let Some(copied) = book.event_mut(copy) {
                copied.private_by = private_by;
                copied.split = behind.then_some(COPY_OF_A_MASKED_COPY);
            }
            let deed = Deed {
                side,
                event: copy,
                before: None,
                after: Some(&series),
                against: !settings.direction.writes(side.other()),
                secret: private_by.is_some() && hides(&settings, side),
                at: self.shared.clock.truth(),
            };
            book.write(&deed);
        }
        self.say(format_args!("{side}: a person copies {}: {}", item.key, short(&series)));
        self.place(side).copy(&item.key, series);
        self.appeared(side, copy);
    }

    /// What an item becomes, and which fields of it that touches.
    fn changed(
        &mut self,
        side: Side,
        act: Act,
        item: &Standing,
        rng: &mut Rng,
    ) -> Option<(Series, Vec<Field>)> {
        let mut series = item.series.as_ref().clone();
        let field = match act {
            Act::Subject => {
                series.event.subject = format!("w{} neu", self.book().text());
                Field::Subject
            }
            Act::Place => {
                series.event.place = format!("w{} Raum", self.book().text());
                Field::Place
            }
            Act::Notes => {
                series.event.notes = Notes::plain(&format!("w{} Notiz", self.book().text()));
                Field::Notes
            }
            Act::Time => {
                series.event.span = self.new_span(rng, series.recurrence.is_none())?;
                series.overrides.clear();
                Field::Span
            }
            Act::Busy => {
                series.event.busy =
                    if series.event.busy == Busy::Busy { Busy::OutOfOffice } else { Busy::Busy };
                series.event.reminder = Reminder::Minutes(self.book().reminder());
                Field::Busy
            }
            Act::Category => {
                series.event.categories.insert(format!("w{}", self.book().text()));
                Field::Categories
            }
            Act::Filtered => {
                if !series.event.categories.remove(LEFT_OUT) {
                    series.event.categories.insert(LEFT_OUT.to_owned());
                }
                series.event.reminder = Reminder::Minutes(self.book().reminder());
                Field::Categories
            }
            Act::Private => {
                series.event.sensitivity = if series.event.sensitivity.is_private() {
                    Sensitivity::Normal
                } else {
                    Sensitivity::Private
                };
                series.event.reminder = Reminder::Minutes(self.book().reminder());
                Field::Sensitivity
            }
            Act::Undo => return self.undone(side, &series, rng),
            Act::Rule => {
                series.recurrence = Some(self.new_rule(rng)?);
                series.overrides.clear();
                Field::Span
            }
            Act::OccurrenceText | Act::OccurrenceTime | Act::OccurrenceCancel | Act::OccurrenceRestore => {
                self.occurrence(act, &mut series, rng)?
            }
            Act::Make
            | Act::MakeSeries
            | Act::MakeMeeting
            | Act::Delete
            | Act::DeleteMany
            | Act::OldCopy
            | Act::PutBack
            | Act::Copy
            | Act::OutAndBack => return None,
        };
        let fields = vec![field];
        Some((series, fields))
    }

    fn occurrence(&mut self, act: Act, series: &mut Series, rng: &mut Rng) -> Option<Field> {
        let start = &series.event.span.start;
        let step = match series.recurrence.as_ref()?.rule.freq() {
            Frequency::Weekly => 7,
            _ => 1,
        };
        let local = start.local() + TimeDelta::days(i64::try_from(rng.below(4)).ok()? * step);
        let key = RecurrenceId::of(start, local);
        let own = match series.overrides.get(&key) {
            Some(Override::Changed(overlay)) => Some(overlay.clone()),
            Some(Override::Cancelled) => None,
            None => Some(Overlay::default()),
        };
        match (act, own) {
            (Act::OccurrenceText, Some(mut overlay)) => {
                overlay.subject = Some(format!("w{} ausnahmsweise", self.book().text()));
                series.overrides.insert(key, Override::Changed(overlay));
                Some(Field::Subject)
            }
            (Act::OccurrenceTime, Some(mut overlay)) => {
                let minute = self.book().minute();
                let at = local.date().and_hms_opt(minute / 60, minute % 60, 0)?;
                overlay.span = Some(Span::zoned(at, at + TimeDelta::minutes(20), &berlin()?));
                series.overrides.insert(key, Override::Changed(overlay));
                Some(Field::Span)
            }
            (Act::OccurrenceCancel, Some(_)) => {
                series.overrides.insert(key, Override::Cancelled);
                series.event.reminder = Reminder::Minutes(self.book().reminder());
                Some(Field::Span)
            }
            (Act::OccurrenceRestore, None) => {
                let overlay =
                    Overlay { subject: Some(format!("w{} doch", self.book().text())), ..Overlay::default() };
                series.overrides.insert(key, Override::Changed(overlay));
                Some(Field::Span)
            }
            _ => None,
        }
    }

    /// Somebody writes again what stood there before.
    fn undone(&mut self, side: Side, series: &Series, rng: &mut Rng) -> Option<(Series, Vec<Field>)> {
        let event = self.book().event_of(series)?;
        let shown = set_of(series);
        let book = self.book();
        let old: Vec<u32> = book
            .told
            .iter()
            .filter(|(word, told)| {
                told.events == [event]
                    && told.side == side
                    && told.spot == (None, Field::Subject)
                    && !shown.contains(word)
            })
            .filter_map(|(word, _)| if let Word::Text(text) = word { Some(*text) } else { None })
            .collect();
        drop(book);
        let word = rng.pick(&old)?;
        let mut series = series.clone();
        series.event.subject = format!("w{word} wieder");
        Some((series, vec![Field::Subject]))
    }
}

/// An appointment in a line of a script.
pub(crate) fn short(series: &Series) -> Short<'_> {
    Short(series)
}

/// See [`short`]; written only where a script is.
pub(crate) struct Short<'a>(&'a Series);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Short(series) = self;
        let event = &series.event;
        let start = event.span.start.local();
        write!(f, "[{}] {} {}", series.uid, event.subject, start.format("%m-%d %H:%M"))?;
        if event.sensitivity.is_private() {
            f.write_str(" private")?;
        }
        if !event.place.is_empty() {
            write!(f, " @{}", event.place)?;
        }
        if !event.notes.is_empty() {
            write!(f, " notes {}", event.notes.text)?;
        }
        if !event.categories.is_empty() {
            write!(f, " {:?}", event.categories)?;
        }
        if let Reminder::Minutes(minutes) = event.reminder {
            write!(f, " r{minutes}")?;
        }
        if let Some(recurrence) = &series.recurrence {
            write!(f, " {}", recurrence.rule)?;
        }
        for (key, over) in &series.overrides {
            match over {
                Override::Cancelled => {
                    write!(f, " -{}", key.local().format("%m-%d"))?;
                }
                Override::Changed(overlay) => {
                    let span =
                        overlay.span.as_ref().map(|span| span.start.local().format("%H:%M").to_string());
                    write!(f, " +{}({:?} {span:?})", key.local().format("%m-%d"), overlay.subject)?;
                }
            }
        }
        Ok(())
    }
}
