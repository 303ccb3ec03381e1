//! Three-way merge: what each side changed against its own shadow, brought together field by field.
//!
//! In go the changes of both sides, out comes what has to be written to each. Values of a side are only ever compared
//! with values of the same side; the one exception is "does it show this already", which saves a write. What is carried is
//! in the terms of the side that it goes to: the difference of two views (`view.rs`).

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::plan::Conflict;
use super::settings::ReadOnlyEdit;
use super::view::{Past, View};
use crate::defects::{Defect, planted};
use crate::ids::{PerSide, Side};
use crate::model::{
    Change, Field, Overlay, Override, OverridePatch, Patch, RecurrenceId, Series, SeriesPatch, Span, When,
};
use crate::recur::Rule;

/// What each side shows, and showed when both were in step.
pub(super) struct Versions<'a> {
    pub(super) shadow: PerSide<&'a Series>,
    pub(super) latest: PerSide<&'a Series>,
    /// Both as the other side is to show them.
    shown: PerSide<Shown<'a>>,
    views: PerSide<View<'a>>,
}

/// Shadow and present of one side in the terms of the other.
#[derive(Clone)]
struct Shown<'a> {
    shadow: Cow<'a, Series>,
    latest: Cow<'a, Series>,
}

impl<'a> Versions<'a> {
    /// How each side is shown to the other: `before` says how it was when both were in step, `views` how it is to be.
    pub(super) fn new(
        shadow: PerSide<&'a Series>,
        latest: PerSide<&'a Series>,
        before: &PerSide<View<'a>>,
        views: PerSide<View<'a>>,
    ) -> Versions<'a> {
        let shown = PerSide::from_fn(|side| {
            let past = Past { was: Some(shadow.get(side)), theirs: Some(shadow.get(side.other())) };
            let (shadow, latest) = (*shadow.get(side), *latest.get(side));
            Shown { shadow: before.get(side).show(shadow, past), latest: views.get(side).show(latest, past) }
        });
        Versions { shadow, latest, shown, views }
    }

    /// What changed on a side, in its own terms.
    fn changes(&self, side: Side) -> SeriesPatch {
        self.shadow.get(side).diff(self.latest.get(side))
    }

    /// What changed on a side, in the terms of the other; `changes` is the same in its own.
    fn shown_changes(&self, side: Side, changes: &SeriesPatch) -> SeriesPatch {
        match self.shown.get(side) {
            Shown { shadow: Cow::Borrowed(_), latest: Cow::Borrowed(_) } => changes.clone(),
            Shown { shadow, latest } => shadow.diff(latest),
        }
    }
}

/// What the settings say about fields.
pub(super) trait FieldRules {
    /// Whether a change of this field may be carried to `target`.
    fn may_write(&self, target: Side, field: Field) -> bool;
    /// Whether `target` can hold this field at all.
    fn holds(&self, target: Side, field: Field) -> bool;
    /// Who wins where both changed this field; `None`: a person decides.
    fn winner(&self, field: Field) -> Option<Side>;
    /// Whether a cancelled instance stays cancelled when the other side edited it.
    fn deletion_wins(&self) -> bool;
    /// What happens to a change that may not be carried.
    fn read_only_edit(&self) -> ReadOnlyEdit;
}

/// The result of a merge.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// What has to be written to this side.
    pub(super) to: PerSide<SeriesPatch>,
    /// Changes of this side that wait for a person and stay observed.
    pub(super) held: PerSide<SeriesPatch>,
    /// Whether `to` of this side takes back changes made there.
    pub(super) reverts: PerSide<bool>,
    /// Changes of this side that stay there and are not carried.
    pub(super) ignored: PerSide<bool>,
    /// Fields that both sides changed differently.
    pub(super) conflicts: Vec<Conflict>,
}

/// Brings the changes of both sides together.
pub(super) fn merge(versions: &Versions<'_>, rules: &dyn FieldRules) -> Merged {
    let changes = PerSide::from_fn(|side| versions.changes(side));
    let mut merged = Merged::default();

    let mut carried = PerSide::from_fn(|side| {
        versions
            .shown_changes(side, changes.get(side))
            .only(|field| rules.may_write(side.other(), field) && rules.holds(side.other(), field))
    });
    for side in Side::BOTH {
        if changes.get(side.other()).master.span.is_none() {
            say_when(carried.get_mut(side), versions.shown.get(side));
        }
    }
    if planted(Defect::WholeRecordWins) && !carried.a.is_empty() {
        carried.b = SeriesPatch::default();
    }
    collide(&mut carried, &changes, versions, rules, &mut merged);
    wait_together(&mut carried, &changes, versions, &mut merged);
    for side in Side::BOTH {
        if !planted(Defect::InstancesStayBehind) {
            follow_the_master(side, &mut carried, versions, &mut merged);
        }
    }
    for side in Side::BOTH {
        let target = side.other();
        merge_into(merged.to.get_mut(target), carried.get(side).pending(versions.latest.get(target)));
    }

    for side in Side::BOTH {
        let target = side.other();
        // What the other side says too is not blocked: both did the same.
        let theirs = carried.get(target);
        let news = theirs.pending(versions.latest.get(side));
        let blocked =
            changes.get(side).only(|field| !rules.may_write(target, field) && rules.holds(target, field));
        let as_told = theirs.apply(versions.shadow.get(side));
        let own_names = blocked.master.pending(&as_told.event).categories;
        let mut blocked = without_agreed(blocked, theirs, &news);
        // Names are agreed upon one by one.
        blocked.master.categories = own_names;
        if blocked.is_empty() {
            continue;
        }
        match rules.read_only_edit() {
            ReadOnlyEdit::Revert => {
                // Of a field that is a set, what the other side said of it is to be there and what was said here is not.
                let back = versions.latest.get(side).diff(&as_told).only(|field| {
                    !rules.may_write(target, field)
                        && rules.holds(target, field)
                        && rules.may_write(side, field)
                        && rules.holds(side, field)
                });
                let names = back.master.categories.clone();
                let mut back = without_agreed(back, theirs, &news);
                back.master.categories = names;
                if back.is_empty() {
                    *merged.ignored.get_mut(side) = true;
                } else {
                    *merged.reverts.get_mut(side) = true;
                    let to = merged.to.get_mut(side);
                    let told = std::mem::replace(to, back);
                    add_missing(to, told);
                }
            }
            ReadOnlyEdit::Ignore => *merged.ignored.get_mut(side) = true,
            ReadOnlyEdit::Report => merge_into(merged.held.get_mut(side), blocked),
        }
    }
    for side in Side::BOTH {
        if rules.may_write(side, Field::Subject) {
            tell_back(side, carried.get(side), versions, &mut merged.to);
        }
    }
    merged
}

/// Without the fields and instances that `theirs` changes to what is there already: all of it but `news`.
fn without_agreed(mut patch: SeriesPatch, theirs: &SeriesPatch, news: &SeriesPatch) -> SeriesPatch {
    let (said, new) = (theirs.master.fields(), news.master.fields());
    patch.master = patch.master.only(|field| !said.contains(&field) || new.contains(&field));
    if theirs.recurrence.is_some() && news.recurrence.is_none() {
        patch.recurrence = None;
    }
    patch.overrides.retain(|key, _| !theirs.overrides.contains_key(key) || news.overrides.contains_key(key));
    patch
}

/// Where a person changed what the text on this side's tile is made of, the text follows.
fn tell_back(side: Side, carried: &SeriesPatch, versions: &Versions<'_>, to: &mut PerSide<SeriesPatch>) {
    let view = versions.views.get(side.other());
    let names = |fields: Vec<Field>| fields.into_iter().any(|field| view.makes_subject_of(field));
    let master = names(carried.master.fields());
    let instances = carried.overrides.iter().filter_map(|(key, patch)| match patch {
        OverridePatch::Change(patch) => names(patch.fields()).then_some(*key),
        OverridePatch::Cancel | OverridePatch::Restore(_) => None,
    });
    let instances: BTreeSet<RecurrenceId> = instances.collect();
    if !master && instances.is_empty() {
        return;
    }
    let other = to.get(side.other()).apply(versions.latest.get(side.other()));
    let mine = to.get(side).apply(versions.latest.get(side));
    // What was just carried was made of what this side said before it was told.
    let past = Past { was: None, theirs: Some(versions.latest.get(side)) };
    let mut text = mine.diff(&view.show(&other, past)).only(|field| field == Field::Subject);
    text.overrides.retain(|key, _| instances.contains(key));
    if !master {
        text.master = Patch::default();
    }
    merge_into(to.get_mut(side), text);
}

/// A rule is told with its time: it means nothing without the start and zone it was made for, and a side may show the start
/// of a series at another place, where the old rule had its first instance there.
fn say_when(carried: &mut SeriesPatch, shown: &Shown<'_>) {
    if carried.recurrence.is_some() {
        let (from, to) = (shown.shadow.event.span.clone(), shown.latest.event.span.clone());
        carried.master.span.get_or_insert(Change { from, to });
    }
}

/// Settles fields and instances that both sides changed differently: takes the losing change out of `carried`.
fn collide(
    carried: &mut PerSide<SeriesPatch>,
    changes: &PerSide<SeriesPatch>,
    versions: &Versions<'_>,
    rules: &dyn FieldRules,
    merged: &mut Merged,
) {
    // Compared in the terms of one side: what is the same there is no conflict, whatever the other side calls it.
    let on_b = carried.a.master.collisions(&changes.b.master);
    let on_a = changes.a.master.collisions(&carried.b.master);
    for field in on_b.into_iter().filter(|field| on_a.contains(field)) {
        let winner = rules.winner(field);
        merged.conflicts.push(Conflict { path: format!("master.{field}"), winner });
        for side in losers(winner) {
            let lost = changes.get(side).master.only(|candidate| candidate == field);
            let kept = carried.get(side).master.only(|candidate| candidate != field);
            if winner.is_none() {
                merge_into(merged.held.get_mut(side), SeriesPatch { master: lost, ..SeriesPatch::default() });
            }
            carried.get_mut(side).master = kept;
        }
    }
    if let (Some(mine), Some(theirs)) = (&carried.a.recurrence, &carried.b.recurrence)
        && mine.to != theirs.to
    {
        let winner = rules.winner(Field::Span);
        merged.conflicts.push(Conflict { path: "recurrence".to_owned(), winner });
        for side in losers(winner) {
            let lost = carried.get_mut(side).recurrence.take();
            if winner.is_none() {
                merge_into(
                    merged.held.get_mut(side),
                    SeriesPatch { recurrence: lost, ..SeriesPatch::default() },
                );
            }
        }
    }
    let both: Vec<RecurrenceId> =
        carried.a.overrides.keys().filter(|key| carried.b.overrides.contains_key(key)).copied().collect();
    for key in both {
        collide_instance(key, carried, changes, versions, rules, merged);
    }
}

fn collide_instance(
    key: RecurrenceId,
    carried: &mut PerSide<SeriesPatch>,
    changes: &PerSide<SeriesPatch>,
    versions: &Versions<'_>,
    rules: &dyn FieldRules,
    merged: &mut Merged,
) {
    let (Some(a), Some(b)) = (carried.a.overrides.get(&key).cloned(), carried.b.overrides.get(&key).cloned())
    else {
        return;
    };
    let instance = key.to_text();
    match (&a, &b) {
        (OverridePatch::Cancel, OverridePatch::Cancel) => {}
        (OverridePatch::Change(mine), OverridePatch::Change(theirs)) => {
            let patches = PerSide { a: mine, b: theirs };
            let own = PerSide::from_fn(|side| match changes.get(side).overrides.get(&key) {
                Some(OverridePatch::Change(own)) => own.clone(),
                _ => (*patches.get(side)).clone(),
            });
            let mut lost: PerSide<BTreeSet<Field>> = PerSide::default();
            let (on_b, on_a) = (mine.collisions(&own.b), own.a.collisions(theirs));
            for field in on_b.into_iter().filter(|field| on_a.contains(field)) {
                let winner = rules.winner(field);
                merged.conflicts.push(Conflict { path: format!("instance {instance} {field}"), winner });
                for side in losers(winner) {
                    lost.get_mut(side).insert(field);
                    if winner.is_none() {
                        let held = own.get(side).only(|candidate| candidate == field);
                        merged
                            .held
                            .get_mut(side)
                            .overrides
                            .entry(key)
                            .and_modify(|patch| {
                                if let OverridePatch::Change(patch) = patch {
                                    *patch = own.get(side).only(|candidate| {
                                        candidate == field || patch.fields().contains(&candidate)
                                    });
                                }
                            })
                            .or_insert(OverridePatch::Change(held));
                    }
                }
            }
            for side in Side::BOTH {
                let kept = patches.get(side).only(|field| !lost.get(side).contains(&field));
                if kept.is_empty() {
                    carried.get_mut(side).overrides.remove(&key);
                } else {
                    carried.get_mut(side).overrides.insert(key, OverridePatch::Change(kept));
                }
            }
        }
        // One of them is about whether the instance takes place: then the whole instance of one side stands.
        (OverridePatch::Cancel | OverridePatch::Restore(_) | OverridePatch::Change(_), _) => {
            let latest = PerSide::from_fn(|side| versions.shown.get(side).latest.overrides.get(&key));
            if latest.a == versions.latest.b.overrides.get(&key) {
                return;
            }
            let cancelled = PerSide::from_fn(|side| matches!(latest.get(side), Some(Override::Cancelled)));
            let deletion_wins = rules.deletion_wins() || planted(Defect::CancelledBeatsEdit);
            let winner = match (cancelled.a, cancelled.b) {
                (true, false) => Some(if deletion_wins { Side::A } else { Side::B }),
                (false, true) => Some(if deletion_wins { Side::B } else { Side::A }),
                _ => rules.winner(Field::Span),
            };
            merged.conflicts.push(Conflict { path: format!("instance {instance}"), winner });
            for side in losers(winner) {
                carried.get_mut(side).overrides.remove(&key);
                let lost = changes.get(side).overrides.get(&key).cloned();
                if let (None, Some(lost)) = (winner, lost) {
                    merged.held.get_mut(side).overrides.insert(key, lost);
                }
            }
            if let Some(winner) = winner {
                carried.get_mut(winner).overrides.insert(key, whole(*latest.get(winner)));
            }
        }
    }
}

/// Where `mover` moved its master or gave it another rule, the instances that the other side changed may no longer be where
/// that side named them: they move along, on both sides. One that does not take place any more is lost, and named.
fn follow_the_master(
    mover: Side,
    carried: &mut PerSide<SeriesPatch>,
    versions: &Versions<'_>,
    merged: &mut Merged,
) {
    let change = carried.get(mover);
    if !reshapes(change) {
        return;
    }
    let change = change.clone();
    let other = mover.other();
    let (latest, shown) = (versions.latest.get(other), &versions.shown.get(other).latest);
    let start = start_of(&change, latest);
    let shift = change.master.span.as_ref().map_or(TimeDelta::zero(), shift_of);
    for (key, patch) in std::mem::take(&mut carried.get_mut(other).overrides) {
        // Where the rule names it as before (Sundays and Wednesdays, begun a day later), it stays where it is.
        if has_instance(&change, latest, key) {
            carried.get_mut(other).overrides.insert(key, patch);
            continue;
        }
        let Some(over) = latest.overrides.get(&key) else { continue };
        let there = key.local().checked_add_signed(shift).map(|local| RecurrenceId::of(start, local));
        let stands = |new: &RecurrenceId| {
            has_instance(&change, latest, *new) && !carried.get(mover).overrides.contains_key(new)
        };
        let Some(new) = there.filter(stands) else {
            if *over != Override::Cancelled {
                let path = format!("instance {}", key.to_text());
                merged.conflicts.push(Conflict { path, winner: Some(mover) });
            }
            continue;
        };
        carried.get_mut(other).overrides.insert(new, whole(shown.overrides.get(&key)));
        merged.to.get_mut(other).overrides.insert(new, whole(Some(over)));
    }
}

/// Whether a change of the master says anew where its instances are.
pub(super) fn reshapes(change: &SeriesPatch) -> bool {
    let moves = change.master.span.as_ref().is_some_and(|span| !shift_of(span).is_zero());
    moves || change.recurrence.is_some()
}

fn shift_of(change: &Change<Span>) -> TimeDelta {
    change.to.start.local().signed_duration_since(change.from.start.local())
}

/// When a series starts once `patch` is written to it.
fn start_of<'a>(patch: &'a SeriesPatch, latest: &'a Series) -> &'a When {
    &patch.master.span.as_ref().map_or(&latest.event.span, |change| &change.to).start
}

/// Whether a series has an instance of this name once `patch` is written to it.
pub(super) fn has_instance(patch: &SeriesPatch, latest: &Series, key: RecurrenceId) -> bool {
    let start = start_of(patch, latest);
    let recurrence = patch.recurrence.as_ref().map_or(&latest.recurrence, |change| &change.to);
    let names = |rule: &Rule| rule.contains(start.local(), start.zone(), key.local());
    RecurrenceId::of(start, key.local()) == key && recurrence.as_ref().is_some_and(|it| names(&it.rule))
}

/// A master does not move, and gets no other rule, under an instance that waits for a person and would be dropped by that.
fn wait_together(
    carried: &mut PerSide<SeriesPatch>,
    changes: &PerSide<SeriesPatch>,
    versions: &Versions<'_>,
    merged: &mut Merged,
) {
    for mover in Side::BOTH {
        let (change, target) = (carried.get_mut(mover), mover.other());
        let latest = versions.latest.get(target);
        let mut waiting = merged.held.get(target).overrides.keys();
        if !reshapes(change) || waiting.all(|key| has_instance(change, latest, *key)) {
            continue;
        }
        let own = changes.get(mover);
        let mut waits = SeriesPatch {
            recurrence: change.recurrence.take().and(own.recurrence.clone()),
            master: own.master.only(|field| field == Field::Span && change.master.span.is_some()),
            ..SeriesPatch::default()
        };
        change.master = change.master.only(|field| field != Field::Span);
        for key in std::mem::take(&mut change.overrides).into_keys() {
            waits.overrides.extend(own.overrides.get(&key).map(|change| (key, change.clone())));
        }
        merge_into(merged.held.get_mut(mover), waits);
    }
}

/// An instance as it is, whole.
pub(super) fn whole(over: Option<&Override>) -> OverridePatch {
    match over {
        Some(Override::Cancelled) => OverridePatch::Cancel,
        Some(Override::Changed(overlay)) => OverridePatch::Restore(overlay.clone()),
        None => OverridePatch::Restore(Overlay::default()),
    }
}

/// The sides whose change does not stand.
fn losers(winner: Option<Side>) -> Vec<Side> {
    match winner {
        Some(winner) => vec![winner.other()],
        None => Side::BOTH.to_vec(),
    }
}

/// Adds the changes of `more`, which touches other fields and instances than `patch`.
fn merge_into(patch: &mut SeriesPatch, more: SeriesPatch) {
    if more.recurrence.is_some() {
        patch.recurrence = more.recurrence;
    }
    patch.master.absorb(more.master);
    for (key, more) in more.overrides {
        match (patch.overrides.get_mut(&key), more) {
            (Some(OverridePatch::Change(fields)), OverridePatch::Change(more)) => fields.absorb(more),
            (_, more) => {
                patch.overrides.insert(key, more);
            }
        }
    }
}

/// Adds the changes of `more` to fields and instances that `patch` does not touch.
pub(super) fn add_missing(patch: &mut SeriesPatch, more: SeriesPatch) {
    let SeriesPatch { recurrence, master, overrides, mark: _ } = more;
    patch.recurrence = patch.recurrence.take().or(recurrence);
    let touched = patch.master.fields();
    patch.master.absorb(master.only(|field| !touched.contains(&field)));
    for (key, more) in overrides {
        match (patch.overrides.get_mut(&key), more) {
            (None, more) => {
                patch.overrides.insert(key, more);
            }
            (Some(OverridePatch::Change(fields)), OverridePatch::Change(more)) => {
                let touched = fields.fields();
                fields.absorb(more.only(|field| !touched.contains(&field)));
            }
            (Some(_), _) => {}
        }
    }
}

/// `latest` as if the `held` changes had not been made: what may be called in step while they wait.
pub(super) fn without_held(latest: &Series, shadow: &Series, held: &SeriesPatch) -> Series {
    let mut out = latest.clone();
    held.master.undo(&latest.event).apply(&mut out.event);
    if held.recurrence.is_some() {
        out.recurrence.clone_from(&shadow.recurrence);
    }
    for (key, held) in &held.overrides {
        let before = shadow.overrides.get(key).cloned();
        let without = match (held, own(latest.overrides.get(key)), own(before.as_ref())) {
            // What else was changed of the instance was carried.
            (OverridePatch::Change(held), Some(mut overlay), Some(before)) => {
                let waits = held.fields();
                overlay.diff(&before).only(|field| waits.contains(&field)).apply(&mut overlay);
                (!overlay.is_empty()).then_some(Override::Changed(overlay))
            }
            _ => before,
        };
        match without {
            Some(value) => out.overrides.insert(*key, value),
            None => out.overrides.remove(key),
        };
    }
    out
}

/// What an instance says of itself; `None` when it does not take place.
pub(super) fn own(change: Option<&Override>) -> Option<Overlay> {
    match change {
        Some(Override::Cancelled) => None,
        Some(Override::Changed(overlay)) => Some(overlay.clone()),
        None => Some(Overlay::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::examples::{at, at_place, daily, moved, place, says, subject, with};

    #[test]
    fn a_rule_is_told_with_its_time() {
        let (was, is) = (daily(5), moved(&daily(7), 2));
        let shown = Shown { shadow: Cow::Borrowed(&was), latest: Cow::Borrowed(&is) };
        let told = |mut carried: SeriesPatch| {
            say_when(&mut carried, &shown);
            carried.master.span
        };
        let (from, to) = (was.event.span.clone(), is.event.span.clone());
        assert_eq!(told(daily(5).diff(&daily(7))), Some(Change { from, to }));
        assert_eq!(told(daily(5).diff(&at_place(&daily(5), "Ulm"))), None);
    }

    #[test]
    fn what_a_patch_says_already_is_not_said_again() {
        let base = daily(5);
        let mut patch = base.diff(&with(&at_place(&base, "Ulm"), 1, place("Ulm")));
        let mut more = with(&with(&at_place(&base, "Kiel"), 1, says("Kiel", "anders")), 2, place("Kiel"));
        more.event.subject = "anders".to_owned();
        add_missing(&mut patch, base.diff(&more));
        let mut both = with(&with(&at_place(&base, "Ulm"), 1, says("Ulm", "anders")), 2, place("Kiel"));
        both.event.subject = "anders".to_owned();
        assert_eq!(patch.apply(&base), both);
    }

    #[test]
    fn while_a_change_of_an_instance_waits_the_rest_of_it_is_in_step() {
        let base = daily(5);
        let held = |series: &Series| base.diff(&with(series, 1, place("Ulm")));
        // The place waits, and nothing else was changed; or the subject was, too.
        let now = with(&base, 1, place("Ulm"));
        assert_eq!(without_held(&now, &base, &held(&base)), base);
        let now = with(&base, 1, says("Ulm", "anders"));
        assert_eq!(without_held(&now, &base, &held(&base)), with(&base, 1, subject("anders")));
        let before = with(&base, 1, says("Kiel", "alt"));
        let waits = before.diff(&with(&base, 1, says("Ulm", "alt")));
        assert_eq!(without_held(&now, &before, &waits), with(&base, 1, says("Kiel", "anders")));
        // Whether it takes place waits as a whole.
        let cancelled = with(&base, 1, Override::Cancelled);
        assert_eq!(without_held(&cancelled, &before, &before.diff(&cancelled)), before);
        assert_eq!(before.diff(&cancelled).overrides[&at(&base, 1)], OverridePatch::Cancel);
    }
}
