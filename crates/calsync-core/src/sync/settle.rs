//! What becomes of a link when the outcome of its writes is known.
//!
//! One principle: what we wrote is taken as the server gave it back, so that rounding is no edit; what we did not
//! write and looks different is a person's edit and stays observed.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::agreed::{not_written, take_agreed};
use super::decide::{LinkPlan, Question, next_generation};
use super::merge::{own, whole, without_held};
use super::original::{original, private_from, still_hides};
use super::settings::Settings;
use super::view::{Past, View};
use super::{breaker, protected};
use crate::defects::{Defect, planted};
use crate::ids::{PairingId, PerSide, Side, Uid};
use crate::link::{Half, Hold, Intent, Link, LinkMemory, Listing, Observation, Retry, Shadow, Sighting};
use crate::model::{Event, Field, Overlay, Override, OverridePatch, RecurrenceId, Series, SeriesPatch};
use crate::source::{Item, SourceErrorKind, WriteOp};

/// How a planned write ended, after reading back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was carried out, and this is the item as the server gave it back.
    Written(Box<Item>),
    /// It was carried out, and when it was read back somebody had changed it already.
    WrittenAndChanged(Box<Item>),
    /// It was carried out as this item, and when it was read back somebody had deleted it already.
    WrittenAndGone(Box<Item>),
    /// The item is gone.
    Deleted,
    /// It was not carried out.
    Refused(SourceErrorKind),
    /// Nobody knows; the intent stays open.
    Unknown,
}

/// What settling depends on besides the link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) pairing: &'a PairingId,
    pub(super) settings: &'a Settings,
    pub(super) listings: PerSide<Listing>,
    /// Fields that are not written to a side.
    pub(super) unheld: PerSide<&'a [Field]>,
    pub(super) now: DateTime<Utc>,
}

/// What becomes of the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    /// It lives on like this.
    Keep(Box<Link>),
    /// It ends.
    End,
}

/// Brings the outcome of a plan into the link.
pub(super) fn settle(
    link: &Link,
    plan: &LinkPlan,
    outcomes: &PerSide<Option<Outcome>>,
    setting: &Setting<'_>,
) -> After {
    if plan.bury {
        return After::End;
    }
    let deleted = Side::BOTH.into_iter().find(|side| matches!(outcomes.get(*side), Some(Outcome::Deleted)));
    if let Some(side) = deleted {
        return parted(link, side);
    }
    if plan.untouched {
        return After::Keep(Box::new(link.clone()));
    }
    if let Some(marks) = &plan.marks {
        return After::Keep(Box::new(protected::settle_mark(link, marks, outcomes, setting.now)));
    }
    let mut next = link.clone();
    next.writes += Side::BOTH.into_iter().filter(|side| plan.writes.get(*side).is_some()).count() as u64;
    let carried_out = PerSide::from_fn(|side| match outcomes.get(side) {
        Some(
            Outcome::Written(_)
            | Outcome::WrittenAndChanged(_)
            | Outcome::WrittenAndGone(_)
            | Outcome::Unknown,
        ) => true,
        Some(Outcome::Deleted | Outcome::Refused(_)) | None => false,
    });
    breaker::remember(link, plan, carried_out, setting.now, &mut next.memory);
    let done = Side::BOTH.into_iter().all(|side| succeeded(plan, outcomes, side));
    // An answer stays until what follows from it is done.
    let answered = link.hold.clone().filter(|hold| hold.answer.is_some() && !done);
    next.memory.stays = plan.stays;
    next.hold = plan.hold.as_ref().map_or(answered, |asked| Some(asked_of(link, asked, setting.now)));
    let waits_whole = plan.hold.is_some() && plan.held.a.is_empty() && plan.held.b.is_empty();
    if !waits_whole {
        take_agreed(plan, &mut next);
        for side in Side::BOTH {
            settle_half(link, side, plan, outcomes, setting, &mut next);
            // Whoever deleted it had what was written before them.
            if let (Some(Outcome::WrittenAndGone(_)), Some(half)) =
                (outcomes.get(side), next.halves.get_mut(side))
            {
                half.seen = Some(Observation::Gone);
                let written = plan.writes.get(side).as_ref();
                next.memory.unseen_uid |=
                    written.is_some_and(|write| matches!(write.op, WriteOp::Create { .. }));
            }
        }
        if plan.masked.or(link.masked).is_none_or(|original| succeeded(plan, outcomes, original.other())) {
            // Of an appointment without counterpart nothing is masked.
            next.masked = plan.masked.filter(|original| {
                next.lone_side().is_none() && still_hides(&next, *original, setting.settings)
            });
            let copied = link.masked.or(link.memory.copied_from).filter(|_| next.masked.is_none());
            next.memory.copied_from = copied.filter(|original| !plan.held.get(original.other()).is_empty());
        }
    }
    remember(link, plan, outcomes, &mut next);
    keep_receipt(link, &mut next);
    next.retry = next_retry(link, outcomes, setting.now);
    next.forget_given_up();
    if next.halves.a.is_none() && next.halves.b.is_none() {
        return After::End;
    }
    After::Keep(Box::new(next))
}

/// What else the link remembers after that.
fn remember(link: &Link, plan: &LinkPlan, outcomes: &PerSide<Option<Outcome>>, next: &mut Link) {
    next.memory.private_from = private_from(link, next);
    let lone = next.lone_side();
    next.memory.left_alone =
        lone.is_some() && (plan.left_alone || link.memory.left_alone && lone == link.lone_side());
    for side in Side::BOTH {
        if matches!(outcomes.get(side), Some(Outcome::Refused(SourceErrorKind::Protected))) {
            next.memory.shielded = Some(side);
            return;
        }
    }
    if !next.is_dirty() {
        protected::forget(&mut next.memory);
    }
}

/// What has no counterpart is recognised by our receipt when one comes; a pair is known by its link.
fn keep_receipt(link: &Link, next: &mut Link) {
    let lone = next.lone_side();
    for side in Side::BOTH {
        let before = link.halves.get(side).as_ref().filter(|_| lone == Some(side));
        let receipt = before.and_then(Half::receipt).cloned().map(Box::new);
        if let Some(half) = next.halves.get_mut(side) {
            half.kept = receipt;
        }
    }
}

/// What waits from now on; since when it waits does not change while it goes on.
fn asked_of(link: &Link, asked: &Question, now: DateTime<Utc>) -> Hold {
    Hold {
        why: asked.reason.to_string(),
        since: link.hold.as_ref().map_or(now, |hold| hold.since),
        guard: asked.guard,
        kind: asked.kind,
        about: asked.about.clone(),
        answer: None,
    }
}

/// What is left when the item of `side` was deleted. Where the other one is still there, only the two were parted: the
/// appointment left the scope.
fn parted(link: &Link, side: Side) -> After {
    if link.halves.get(side.other()).as_ref().is_none_or(Half::is_gone) {
        return After::End;
    }
    let mut next = link.clone();
    next.generation = next_generation(link, side);
    next.writes += 1;
    *next.halves.get_mut(side) = None;
    (next.hold, next.retry, next.masked) = (None, None, None);
    // Put back, it is known by its UID, and is no original for that.
    let stays = |from: &Side| *from == side.other();
    next.memory = LinkMemory {
        uids: link.memory.uids.clone(),
        private_from: link.masked.or(link.memory.private_from).filter(stays),
        ..LinkMemory::default()
    };
    if let Some(uid) = link.halves.get(side).as_ref().and_then(Half::uid) {
        next.memory.had(uid);
    }
    in_step(next.halves.get_mut(side.other()).as_mut(), &SeriesPatch::default());
    keep_receipt(link, &mut next);
    After::Keep(Box::new(next))
}

fn succeeded(plan: &LinkPlan, outcomes: &PerSide<Option<Outcome>>, side: Side) -> bool {
    plan.writes.get(side).is_none()
        || planted(Defect::RefusedIsInStep)
        || matches!(
            outcomes.get(side),
            Some(Outcome::Written(_) | Outcome::WrittenAndChanged(_) | Outcome::WrittenAndGone(_))
        )
}

fn settle_half(
    link: &Link,
    side: Side,
    plan: &LinkPlan,
    outcomes: &PerSide<Option<Outcome>>,
    setting: &Setting<'_>,
    next: &mut Link,
) {
    if *plan.drop.get(side) {
        if let Some((_, was)) = link.halves.get(side).as_ref().and_then(Half::latest) {
            next.memory.had(&was.uid);
        }
        // Its create token is spent: what still bears that was copied from it.
        next.generation = next_generation(link, side);
        *next.halves.get_mut(side) = None;
        return;
    }
    let reached = succeeded(plan, outcomes, side.other());
    let carried = reached && (!plan.reverts.get(side) || succeeded(plan, outcomes, side));
    let held = plan.held.get(side);
    let (written, changed_since) = match outcomes.get(side) {
        Some(Outcome::Written(item)) => (Some(item.as_ref()), false),
        Some(Outcome::WrittenAndChanged(item) | Outcome::WrittenAndGone(item)) => (Some(item.as_ref()), true),
        Some(Outcome::Deleted | Outcome::Refused(_) | Outcome::Unknown) | None => (None, false),
    };

    let Some(op) = plan.writes.get(side).as_ref().map(|write| &write.op) else {
        if carried {
            in_step(next.halves.get_mut(side).as_mut(), held);
        }
        return;
    };
    match (op, written) {
        (WriteOp::Create { series, .. }, Some(item)) => {
            next.generation = next_generation(link, side);
            was_made(link, side, &series.uid, &item.series.uid, next);
            let gone = matches!(outcomes.get(side), Some(Outcome::WrittenAndGone(_)));
            let given_back = if gone && !planted(Defect::ShadowAsSent) {
                series.without(setting.unheld.get(side))
            } else if changed_since || planted(Defect::ShadowAsSent) {
                as_held(series, item, setting.unheld.get(side))
            } else {
                item.series.clone()
            };
            let listed = setting.listings.get(side).not_shown_yet();
            *next.halves.get_mut(side) = Some(half_of(item, given_back, listed));
        }
        (WriteOp::Update { patch, current, .. }, Some(item)) => {
            let Some(half) = next.halves.get_mut(side).as_mut() else { return };
            if carried {
                in_step(Some(half), held);
            } else if half.shadow.is_none() {
                // Put together for the first time, and the other side did not get its part: they are not in step.
                half.key = item.key.clone();
                half.access = item.access;
                half.seen = Some(Observation::Present(Box::new(Sighting::from(item.clone()))));
                return;
            }
            let unwritten_changes = half.seen.is_some();
            let changed = half.sighting().map(|sighting| sighting.modified);
            let base = half.shadow.as_ref().map_or(&item.series, |shadow| &shadow.series);
            let given_back = match (changed_since, carried) {
                (true, true) => patch.apply(base),
                (true, false) => alone(base, current, patch),
                // Where all was carried nothing is left of a person's own but what waits.
                (false, _) => {
                    without_own(base, current, patch).apply(&as_given_back(base, patch, &item.series))
                }
            };
            let mut new = half_of(item, given_back, half.listed);
            if unwritten_changes && new.seen.is_none() {
                new.seen = Some(Observation::Present(Box::new(Sighting::from(item.clone()))));
            }
            if let (Some(changed), Some(Observation::Present(sighting)), false) =
                (changed, &mut new.seen, changed_since)
            {
                // What waits on was done then; that we wrote beside it makes it no newer.
                sighting.modified = changed;
            }
            *half = new;
        }
        // The server remembers the token and says that what it made is gone: the next try is another item.
        (WriteOp::Create { .. }, None)
            if outcomes.get(side) == &Some(Outcome::Refused(SourceErrorKind::Missing))
                && !planted(Defect::SpentTokenKept) =>
        {
            next.generation = next_generation(link, side).saturating_add(1);
        }
        (WriteOp::Delete { .. }, _) | (_, None) => {
            // Of what was done to a masked copy nothing is carried.
            let is_copy = plan.masked.or(link.masked) == Some(side.other());
            let theirs = match outcomes.get(side.other()) {
                Some(Outcome::Written(item) | Outcome::WrittenAndChanged(item)) => Some(&item.series),
                _ => link.halves.get(side.other()).as_ref().and_then(Half::latest).map(|(_, theirs)| theirs),
            };
            let Some(half) = next.halves.get_mut(side).as_mut() else { return };
            if let (true, false, WriteOp::Update { patch, .. }) = (reached, is_copy, op) {
                not_written(half, patch, theirs, held);
            }
            if let Some(Outcome::Refused(SourceErrorKind::Stale | SourceErrorKind::Missing)) =
                outcomes.get(side)
            {
                half.unsee(Observation::Unread("it was changed meanwhile".to_owned()));
            }
        }
    }
}

/// An item was made, perhaps in the place of one that is gone; remembers UIDs, also where the server gave it another one than
/// it was to have.
fn was_made(link: &Link, side: Side, written: &Uid, uid: &Uid, next: &mut Link) {
    next.memory.own_uid |= written != uid;
    let was = link.halves.get(side).as_ref().and_then(Half::latest);
    if let Some((_, was)) = was.filter(|(_, was)| was.uid != *uid) {
        next.memory.had(&was.uid);
    }
}

/// A create was carried out after all, and nobody touched since what it made, which the lone link has: the link goes on with it.
pub(super) fn settle_made(link: &mut Link, lone: &Link, side: Side) {
    let Some(mut made) = lone.halves.get(side).clone() else { return };
    let Some(was) = link.halves.get(side.other()).as_ref().and_then(Half::latest) else { return };
    let (written, before) = (was.1.uid.clone(), link.clone());
    if let Some((_, series)) = made.latest() {
        was_made(&before, side, &written, &series.uid, link);
    }
    in_step(Some(&mut made), &SeriesPatch::default());
    made.kept = None;
    link.generation = next_generation(link, side);
    *link.halves.get_mut(side) = Some(made);
}

/// Everything seen on this half was dealt with, but for what is held.
pub(super) fn in_step(half: Option<&mut Half>, held: &SeriesPatch) {
    let Some(half) = half else { return };
    let Some(Observation::Present(sighting)) = &half.seen else { return };
    let Sighting { revision, series, access, .. } = sighting.as_ref();
    half.access = *access;
    if held.is_empty() {
        half.shadow = Some(Shadow { revision: revision.clone(), series: series.clone() });
        half.seen = None;
    } else {
        let old = half.shadow.as_ref().map_or(series, |shadow| &shadow.series);
        half.shadow = Some(Shadow { revision: revision.clone(), series: without_held(series, old, held) });
    }
}

/// What was written, as far as the side can hold it.
pub(super) fn as_held(series: &Series, item: &Item, unheld: &[Field]) -> Series {
    series.diff(&item.series).only(|field| unheld.contains(&field)).apply(series)
}

/// A half whose item was just written: in step with `shadow`, and where it shows something else, that is a person's
/// edit.
fn half_of(item: &Item, shadow: Series, listed: u32) -> Half {
    let shadow = Series { uid: item.series.uid.clone(), ..shadow };
    let edited = shadow != item.series;
    Half {
        key: item.key.clone(),
        shadow: Some(Shadow { revision: item.revision.clone(), series: shadow }),
        seen: edited.then(|| Observation::Present(Box::new(Sighting::from(item.clone())))),
        access: item.access,
        listed,
        kept: None,
        last: None,
        fresh: false,
    }
}

/// Takes what a person had changed in `current` since `base` out of what was given back after `patch` was written over it: in
/// a field that is a set, and in instances that a new rule re-makes, it would be taken for a part of what was written.
fn without_own(base: &Series, current: &Series, patch: &SeriesPatch) -> SeriesPatch {
    patch.apply(current).diff(&alone(base, current, patch))
}

/// `base` after `patch`, as if the person who made `current` of it had not.
fn alone(base: &Series, current: &Series, patch: &SeriesPatch) -> Series {
    let mut alone = patch.apply(base);
    for (key, moved) in taken_along(base, current, patch) {
        // As it was, but for what was written of it.
        match alone.overrides.get(&key).cloned() {
            Some(was) => alone.overrides.insert(moved, was),
            None => alone.overrides.remove(&moved),
        };
    }
    let (from, to) = (base.event.span.start.local(), current.event.span.start.local());
    let shift = to.signed_duration_since(from);
    if let (Some(recurrence), false, None) = (&alone.recurrence, shift.is_zero(), &patch.master.span) {
        // The person moved the master, and what was written names instances by where they are since.
        let start = &base.event.span.start;
        let stands = |key: &RecurrenceId| recurrence.rule.contains(from, start.zone(), key.local());
        let moved: Vec<RecurrenceId> = patch.overrides.keys().filter(|key| !stands(key)).copied().collect();
        for key in moved {
            let before = key.local().checked_sub_signed(shift).map(|local| RecurrenceId::of(start, local));
            if let (Some(over), Some(key)) = (alone.overrides.remove(&key), before) {
                alone.overrides.insert(key, over);
            }
        }
    }
    alone
}

/// The instances that a person changed in `current` since `base` and that `patch` takes along to where it moves the series:
/// their names before and after.
fn taken_along(base: &Series, current: &Series, patch: &SeriesPatch) -> Vec<(RecurrenceId, RecurrenceId)> {
    let Some(span) = &patch.master.span else { return Vec::new() };
    let shift = span.to.start.local().signed_duration_since(span.from.start.local());
    let own = current.overrides.iter().filter(|(key, over)| base.overrides.get(key) != Some(over));
    own.filter_map(|(key, over)| {
        let moved = RecurrenceId::of(&span.to.start, key.local().checked_add_signed(shift)?);
        let along = moved != *key && patch.overrides.get(&moved) == Some(&whole(Some(over)));
        along.then_some((*key, moved))
    })
    .collect()
}

/// The shadow after a write: `base` with what `patch` touched as it is in `read`.
fn as_given_back(base: &Series, patch: &SeriesPatch, read: &Series) -> Series {
    let touched = patch.master.fields();
    let mut shadow = base.clone();
    shadow.uid.clone_from(&read.uid);
    base.event.diff(&read.event).only(|field| touched.contains(&field)).apply(&mut shadow.event);
    if let Some(change) = &patch.master.attachments {
        // A person may have done something with files that were not written.
        shadow.event.attachments = base.event.attachments.given_back(change, &read.event.attachments);
    }
    if patch.recurrence.is_some() {
        // A new rule re-makes the instances: what the server did with the overrides is its doing, not a person's.
        shadow.recurrence.clone_from(&read.recurrence);
        shadow.overrides = read
            .overrides
            .iter()
            .filter_map(|(key, over)| {
                Some((
                    *key,
                    without_unsaid(over, base.overrides.get(key), patch.overrides.get(key), &touched)?,
                ))
            })
            .collect();
        return shadow;
    }
    for (key, change) in &patch.overrides {
        let given = read.overrides.get(key);
        let merged = match (change, own(shadow.overrides.get(key)), own(given)) {
            // Only the fields that were written: what else the instance shows was not ours, also where the master took
            // along all instances but those that had a value of their own.
            (OverridePatch::Change(change), Some(mut overlay), Some(new)) => {
                let fields = change.fields();
                overlay.diff(&new).only(|field| fields.contains(&field)).apply(&mut overlay);
                (!overlay.is_empty()).then_some(Override::Changed(overlay))
            }
            _ => given.cloned(),
        };
        match merged {
            Some(value) => shadow.overrides.insert(*key, value),
            None => shadow.overrides.remove(key),
        };
    }
    // An override that now says what the master says is gone without anybody having touched it.
    let keys: BTreeSet<_> = base.overrides.keys().chain(read.overrides.keys()).copied().collect();
    for key in keys.into_iter().filter(|key| !patch.overrides.contains_key(key)) {
        let (before, now) = (shadow.overrides.get(&key), read.overrides.get(&key));
        if before != now && instance(&shadow.event, before) == instance(&read.event, now) {
            match now.cloned() {
                Some(value) => shadow.overrides.insert(key, value),
                None => shadow.overrides.remove(&key),
            };
        }
    }
    if patch.master.span.is_some() && read.recurrence.is_some() {
        // Where the series was moved away from, there is no instance any more that could have been touched.
        let start = &read.event.span.start;
        let stands =
            |key: &RecurrenceId| RecurrenceId::of(start, key.local()) == *key && read.has_instance(key);
        shadow.overrides.retain(|key, _| read.overrides.contains_key(key) || stands(key));
    }
    shadow
}

/// An instance after a write of a new rule, without what it says for itself only because the master no longer says it:
/// fields that the write changed in the master, and that nobody had seen or written in this instance. Somebody said that
/// before, and it stays to be seen. `None` where nothing is left.
fn without_unsaid(
    read: &Override,
    before: Option<&Override>,
    written: Option<&OverridePatch>,
    touched: &[Field],
) -> Option<Override> {
    let Override::Changed(overlay) = read else { return Some(read.clone()) };
    let mut known = own(before).map_or_else(Vec::new, |before| before.fields());
    match written {
        Some(OverridePatch::Change(change)) => known.extend(change.fields()),
        Some(OverridePatch::Restore(_) | OverridePatch::Cancel) => return Some(read.clone()),
        None => {}
    }
    let mut overlay = overlay.clone();
    let unsaid = |field: Field| field != Field::Span && touched.contains(&field) && !known.contains(&field);
    overlay.diff(&Overlay::default()).only(unsaid).apply(&mut overlay);
    (!overlay.is_empty()).then_some(Override::Changed(overlay))
}

/// What a person sees of an instance; `None` when it does not take place.
fn instance(master: &Event, change: Option<&Override>) -> Option<Event> {
    match change {
        Some(Override::Cancelled) => None,
        Some(Override::Changed(overlay)) => Some(master.with(overlay)),
        None => Some(master.clone()),
    }
}

/// Brings a write whose outcome was found out later into the link as it was stored: `found` is the item that carries
/// the write's receipt, or `None` when the item that was to be deleted is gone.
///
/// A person may have edited the item since, and nobody saw it as it was given back. So here, other than in a round that
/// reads back at once, everything that differs from what was written counts as an edit: at worst a server's rounding
/// is carried once, where else an edit would be lost.
pub(super) fn settle_late(
    link: &Link,
    intent: &Intent,
    found: Option<&Item>,
    setting: &Setting<'_>,
) -> After {
    let side = intent.side;
    let mut next = link.clone();
    let Some(item) = found else { return parted(link, side) };
    next.masked = masked_late(link, intent, setting);
    next.memory.copied_from = link.masked.or(link.memory.copied_from).filter(|_| next.masked.is_none());
    let (written, listed) = match &intent.write.op {
        WriteOp::Delete { .. } => return parted(link, side),
        WriteOp::Create { series, .. } => {
            next.generation = next_generation(link, side);
            was_made(link, side, &series.uid, &item.series.uid, &mut next);
            (as_held(series, item, setting.unheld.get(side)), setting.listings.get(side).not_shown_yet())
        }
        WriteOp::Update { patch, .. } if patch.mark.is_some() => {
            if let Some(mark) = &patch.mark {
                protected::marked(&mut next, side, item, mark);
            }
            next.masked = link.masked;
            next.writes = next.writes.max(intent.write.receipt.number);
            next.retry = None;
            return After::Keep(Box::new(next));
        }
        WriteOp::Update { patch, current, .. } => {
            let half = link.halves.get(side).as_ref();
            let base =
                half.and_then(|half| half.shadow.as_ref()).map_or(current.as_ref(), |shadow| &shadow.series);
            // What they did is dealt with only when the other side has it, of which nothing is known here.
            let mut written = alone(base, current, patch);
            if next.masked == Some(side.other()) {
                // Nor is what was said of an instance brought back behind a mask.
                let instances = patch.apply(current).overrides;
                written.overrides.retain(|key, _| instances.contains_key(key));
            }
            (written, half.map_or(0, |half| half.listed))
        }
    };
    let mut half = half_of(item, written, listed);
    // Two that were put together by this write are not stored as one yet, and find each other by the receipt; or they are, and were
    // never in step.
    let theirs = next.halves.get(side.other()).as_ref();
    let unpaired = theirs.is_none_or(|theirs| theirs.shadow.is_none());
    half.kept = item.receipt.clone().filter(|_| unpaired).map(Box::new);
    *next.halves.get_mut(side) = Some(half);
    if let Some(origin) = next.halves.get_mut(side.other()).as_mut() {
        let view = View::new(setting.settings, side.other(), next.masked);
        let theirs = link.halves.get(side).as_ref().and_then(|half| half.shadow.as_ref());
        carried_late(origin, theirs.map(|shadow| &shadow.series), &view, &intent.write.op);
    }
    next.memory.private_from = private_from(link, &next);
    next.writes = next.writes.max(intent.write.receipt.number);
    if link.lone_side().is_none() {
        next.memory.turns.note(PerSide::from_fn(|at| at == side), false, intent.at);
    }
    next.retry = None;
    // An answer that is carried out waits no longer; where something is left to do, deciding says what becomes of it.
    if !next.is_dirty() {
        next.hold = None;
    }
    next.forget_given_up();
    After::Keep(Box::new(next))
}

/// An update that was given up, and that the item of its side shows all the same, counts as carried out.
pub(super) fn settle_arrived(link: &Link, setting: &Setting<'_>) -> Option<Link> {
    let (intent, item) = Side::BOTH.into_iter().find_map(|side| {
        let half = link.halves.get(side).as_ref()?;
        let sighting = half.sighting().filter(|sighting| !sighting.put_back && half.shadow.is_some())?;
        Some((link.memory.arrived(side, sighting.receipt.as_ref())?, half.item()?))
    })?;
    let mut before = link.clone();
    if let Some(half) = before.halves.get_mut(intent.side) {
        // What it shows is not what somebody made of it.
        half.seen = None;
    }
    match settle_late(&before, intent, Some(&item), setting) {
        After::Keep(next) => Some(*next),
        After::End => None,
    }
}

/// The side with the original, now that the write is known to have taken place: what was to be masked when it was
/// journaled counts only if the write masked it, since the rules may be others by now.
fn masked_late(link: &Link, intent: &Intent, setting: &Setting<'_>) -> Option<Side> {
    let written = match &intent.write.op {
        WriteOp::Create { series, .. } => series.as_ref().clone(),
        WriteOp::Update { patch, current, .. } => patch.apply(current),
        WriteOp::Delete { .. } => return link.masked,
    };
    masked_as(link, intent.side, &written, intent.write.receipt.masked, setting)
}

/// `planned`: it was made to be a masked copy.
fn masked_as(
    link: &Link,
    side: Side,
    written: &Series,
    planned: bool,
    setting: &Setting<'_>,
) -> Option<Side> {
    let from = side.other();
    let Setting { settings, unheld, .. } = setting;
    let now = original(link, setting.pairing, settings).or(planned.then_some(from));
    let private = link.halves.get(from).as_ref().and_then(|half| half.latest()).map(|(_, series)| series);
    let masked = private.is_some_and(|private| {
        let is_written = |field: Field| !unheld.get(side).contains(&field) && settings.carries(field);
        settings.shows_masked(from, private, written, is_written)
    });
    match now {
        Some(original) if original == from && masked => now,
        None if link.masked == Some(from) && !masked => None,
        Some(_) | None => link.masked,
    }
}

/// What a write carried is in step on the side it came from; what was seen there beyond it stays observed.
fn carried_late(origin: &mut Half, theirs: Option<&Series>, view: &View<'_>, op: &WriteOp) {
    // What looks as it did before may have been taken back since.
    let unseen = origin.shadow.as_ref().filter(|_| origin.seen.is_none());
    let unseen = unseen.and_then(|_| origin.sighted_anew());
    match op {
        WriteOp::Create { series, .. } => {
            let was = origin.shadow.as_ref().map(|shadow| &shadow.series);
            let past = Past { was, theirs };
            if let Some((revision, latest)) = origin.latest() {
                origin.shadow =
                    Some(Shadow { revision: revision.clone(), series: shown_as(latest, past, view, series) });
            }
        }
        WriteOp::Update { patch, .. } => {
            if let (Some(shadow), Some((_, latest))) = (&origin.shadow, origin.latest()) {
                let past = Past { was: Some(&shadow.series), theirs };
                let carried = patch.apply(&view.show(&shadow.series, past));
                let series = shown_as(latest, past, view, &carried);
                origin.shadow = Some(Shadow { revision: shadow.revision.clone(), series });
            }
        }
        WriteOp::Delete { .. } => {}
    }
    origin.seen = origin.seen.take().or(unseen.map(|now| Observation::Present(Box::new(now))));
    let in_step = match (&origin.shadow, origin.sighting()) {
        (Some(shadow), Some(sighting)) => shadow.series == sighting.series,
        (None, _) | (_, None) => false,
    };
    if in_step {
        self::in_step(Some(origin), &SeriesPatch::default());
    }
}

/// `latest`, but where it is shown as something else than `shown`: there, what is shown. Such a field differs from
/// `latest`, and that is all that is asked of it: it counts as changed since.
pub(super) fn shown_as(latest: &Series, past: Past<'_>, view: &View<'_>, shown: &Series) -> Series {
    view.show(latest, past).diff(shown).apply(latest)
}

/// Takes an item that a create left unfinished as counterpart: both sides count as in step at what had been written, so that
/// the rest of the other side's content is carried as a change. What the item says otherwise than was `sent` was changed
/// there since. `masked`: it was to be a masked copy.
pub(super) fn adopt_half_made(
    link: &Link,
    side: Side,
    item: &Item,
    sent: Option<&Series>,
    masked: bool,
    setting: &Setting<'_>,
) -> Link {
    let mut next = link.clone();
    next.masked = masked_as(link, side, &item.series, masked, setting);
    let view = View::new(setting.settings, side.other(), next.masked);
    next.generation = next_generation(link, side);
    next.retry = None;
    let begun = sent.map_or_else(|| item.series.clone(), |sent| as_begun(&item.series, sent));
    if let Some(origin) = next.halves.get_mut(side.other()).as_mut()
        && let Some((revision, latest)) = origin.latest()
    {
        let theirs = link.halves.get(side).as_ref().and_then(|half| half.latest()).map(|(_, series)| series);
        let past = Past { was: origin.shadow.as_ref().map(|shadow| &shadow.series), theirs };
        let series = shown_as(latest, past, &view, &begun);
        origin.shadow = Some(Shadow { revision: revision.clone(), series });
    }
    let origin = link.halves.get(side.other()).as_ref().and_then(Half::latest);
    next.memory.own_uid |= origin.is_some_and(|(_, origin)| origin.uid != item.series.uid);
    *next.halves.get_mut(side) = Some(half_of(item, begun, setting.listings.get(side).not_shown_yet()));
    next.memory.private_from = private_from(link, &next);
    next
}

/// What had been written when a create of `sent` stopped: `item`, but for what it says otherwise, which a person has changed
/// since. What it does not say, and what is missing in an instance, may not be written yet.
fn as_begun(item: &Series, sent: &Series) -> Series {
    let said = item.event.said();
    // Files arrive one after another: some of them are no change.
    let later = |field: Field| field == Field::Span || said.contains(&field) && field != Field::Attachments;
    let mut begun = item.clone();
    item.event.diff(&sent.event).only(later).apply(&mut begun.event);
    begun.overrides.retain(|key, _| sent.overrides.contains_key(key));
    begun
}

/// An item that always fails is set aside with growing delay; what is wrong with the whole side is not its fault.
pub(super) fn next_retry(
    link: &Link,
    outcomes: &PerSide<Option<Outcome>>,
    now: DateTime<Utc>,
) -> Option<Retry> {
    Side::BOTH.into_iter().find_map(|side| match outcomes.get(side) {
        Some(Outcome::Refused(kind)) if is_the_items_fault(kind) => {
            Some(retry_after(link.retry.as_ref(), kind.to_string(), now))
        }
        // Settled by asking in the next round; an item for which no answer ever comes must not stop all others.
        Some(Outcome::Unknown) => {
            Some(retry_after(link.retry.as_ref(), SourceErrorKind::NoAnswer.to_string(), now))
        }
        // To be read at once, before anything else is decided.
        Some(Outcome::Refused(kind @ (SourceErrorKind::Stale | SourceErrorKind::Missing))) => {
            let attempts = link.retry.as_ref().map_or(0, |retry| retry.attempts);
            Some(Retry { attempts, at: now, why: kind.to_string() })
        }
        Some(
            Outcome::Written(_)
            | Outcome::WrittenAndChanged(_)
            | Outcome::WrittenAndGone(_)
            | Outcome::Deleted
            | Outcome::Refused(_),
        )
        | None => None,
    })
}

/// The next try after one more failure: a minute, doubled each time, at most six hours.
pub(super) fn retry_after(before: Option<&Retry>, why: String, now: DateTime<Utc>) -> Retry {
    let attempts = before.map_or(0, |retry| retry.attempts).saturating_add(1);
    let minutes = 1i64.checked_shl(attempts.saturating_sub(1).min(9)).unwrap_or(360).min(360);
    let minutes = if planted(Defect::NoRetryDelay) { 0 } else { minutes };
    let at = now.checked_add_signed(Duration::minutes(minutes)).unwrap_or(now);
    Retry { attempts, at, why }
}

/// Whether a refusal is about this item, and not about the whole side.
pub(super) fn is_the_items_fault(kind: &SourceErrorKind) -> bool {
    match kind {
        SourceErrorKind::Rejected(_) | SourceErrorKind::Protocol(_) | SourceErrorKind::Denied(_) => true,
        // What is protected is marked by the next round.
        SourceErrorKind::Protected
        | SourceErrorKind::Stale
        | SourceErrorKind::Missing
        | SourceErrorKind::TokenExpired
        | SourceErrorKind::Throttled(_)
        | SourceErrorKind::Unavailable
        | SourceErrorKind::NoAnswer
        | SourceErrorKind::WentBack
        | SourceErrorKind::Emptied
        | SourceErrorKind::Foreign
        | SourceErrorKind::NoCalendar(_) => false,
    }
}

#[cfg(test)]
mod tests;
