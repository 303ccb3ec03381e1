//! What is in step though not all of it could be written: a write that was refused leaves behind what had been agreed upon
//! without it.

use std::collections::BTreeSet;

use super::decide::{LinkPlan, PlannedWrite};
use super::merge::{add_missing, has_instance, reshapes};
use super::settle::in_step;
use crate::ids::{PerSide, Side};
use crate::link::{Half, Link};
use crate::model::{Change, Field, OverridePatch, RecurrenceId, Series, SeriesPatch};
use crate::source::WriteOp;

/// A change of the names that an appointment is filed under.
type Names = Change<BTreeSet<String>>;

/// An update that did not take place: what the item showed was carried, but for what the update was to replace. That still
/// differs, whatever becomes of the other side's version of it. What was never in step is not in step now.
pub(super) fn not_written(half: &mut Half, patch: &SeriesPatch, theirs: Option<&Series>, held: &SeriesPatch) {
    let (Some(shadow), Some(sighting)) = (&half.shadow, half.sighting()) else { return };
    let mut open = replaced_by(shadow.series.diff(&sighting.series), patch, &sighting.series);
    if let (Some(theirs), None, Some(_)) = (theirs, &patch.master.span, &open.recurrence) {
        // A server drops the instances that its rule does not have: of these only what it shows was carried.
        let mine = &sighting.series;
        open.overrides.retain(|key, _| mine.overrides.get(key) != theirs.overrides.get(key));
        open.master.span = open.master.span.filter(|_| mine.event.span != theirs.event.span);
    }
    add_missing(&mut open, held.clone());
    in_step(Some(half), &open);
}

/// What of a side's `own` changes, which made it `latest`, `patch` replaces.
pub(super) fn replaced_by(mut own: SeriesPatch, patch: &SeriesPatch, latest: &Series) -> SeriesPatch {
    let touched = patch.master.fields();
    let moves = own.master.span.is_some() && patch.master.span.is_some();
    let rules = own.recurrence.is_some() && patch.recurrence.is_some();
    // Instances go by the time and the rule that the side gave them: these stay together.
    let together = moves || rules;
    own.recurrence = own.recurrence.filter(|_| together);
    own.master = own.master.only(|field| touched.contains(&field) || field == Field::Span && together);
    if let (Some(mine), Some(theirs)) = (&mut own.master.categories, &patch.master.categories) {
        // Name by name: what the patch only adds to takes nothing away.
        let undone = |name: &String| theirs.from.contains(name) != theirs.to.contains(name);
        let was = std::mem::take(&mut mine.from);
        let stays = mine.to.iter().filter(|name| was.contains(*name) || !undone(name));
        mine.from = stays.chain(was.difference(&mine.to).filter(|name| undone(name))).cloned().collect();
    }
    if own.master.categories.as_ref().is_some_and(|change| change.from == change.to) {
        own.master.categories = None;
    }
    if together {
        return own;
    }
    let replaced = |key: RecurrenceId, mine: OverridePatch| match (mine, patch.overrides.get(&key)) {
        (OverridePatch::Change(mine), Some(OverridePatch::Change(theirs))) => {
            let touched = theirs.fields();
            let mine = mine.only(|field| touched.contains(&field));
            (!mine.is_empty()).then_some((key, OverridePatch::Change(mine)))
        }
        (mine, Some(_)) => Some((key, mine)),
        (mine, None) => (reshapes(patch) && !has_instance(patch, latest, key)).then_some((key, mine)),
    };
    own.overrides = own.overrides.into_iter().filter_map(|(key, mine)| replaced(key, mine)).collect();
    own
}

/// What both sides changed alike is in step, whatever becomes of the rest: taken back later on one of them, it is a change.
/// Not where one side shows a mask, which depends on what else the other says.
pub(super) fn take_agreed(plan: &LinkPlan, next: &mut Link) {
    let deletes = |side| {
        let op = plan.writes.get(side).as_ref().map(|write: &PlannedWrite| &write.op);
        matches!(op, Some(WriteOp::Delete { .. }))
    };
    // Before a deletion nothing was brought together.
    if plan.masked.or(next.masked).is_some() || Side::BOTH.into_iter().any(deletes) {
        return;
    }
    let own = PerSide::from_fn(|side| {
        let half = next.halves.get(side).as_ref()?;
        Some(half.shadow.as_ref()?.series.diff(&half.sighting()?.series))
    });
    let (Some(a), Some(b)) = (own.a, own.b) else { return };
    let patch_to = |side: Side| match plan.writes.get(side).as_ref().map(|write| &write.op) {
        Some(WriteOp::Update { patch, .. }) => Some(patch.as_ref()),
        Some(WriteOp::Create { .. } | WriteOp::Delete { .. }) | None => None,
    };
    let open: Vec<&SeriesPatch> =
        [patch_to(Side::A), patch_to(Side::B), Some(&plan.held.a), Some(&plan.held.b)]
            .into_iter()
            .flatten()
            .collect();
    let moved = [&a, &b].into_iter().chain(open.iter().copied()).any(|patch| patch.master.span.is_some());
    let agreed = |mine: &SeriesPatch, theirs: &SeriesPatch| {
        let (said, mut agreed) = (theirs.master.fields(), mine.clone());
        agreed.master = agreed.master.only(|field| said.contains(&field));
        agreed.overrides.retain(|key, _| theirs.overrides.contains_key(key));
        agreed.recurrence = agreed.recurrence.filter(|_| theirs.recurrence.is_some());
        if moved {
            // Instances go by other names then.
            agreed = SeriesPatch {
                master: agreed.master.only(|field| field != Field::Span),
                ..SeriesPatch::default()
            };
        }
        for open in &open {
            let touched = open.master.fields();
            agreed.master = agreed.master.only(|field| !touched.contains(&field));
            agreed.overrides.retain(|key, _| !open.overrides.contains_key(key));
            agreed.recurrence = agreed.recurrence.filter(|_| open.recurrence.is_none());
        }
        if let (Some(mine), Some(theirs)) = (&mine.master.categories, &theirs.master.categories) {
            let open = open.iter().filter_map(|open| open.master.categories.as_ref());
            agreed.master.categories = agreed_names(mine, theirs, &open.collect::<Vec<_>>());
        }
        agreed
    };
    let agreed = PerSide { a: agreed(&a, &b), b: agreed(&b, &a) };
    for side in Side::BOTH {
        if let Some(shadow) = next.halves.get_mut(side).as_mut().and_then(|half| half.shadow.as_mut()) {
            shadow.series = agreed.get(side).apply(&shadow.series);
        }
    }
}

/// The names that both sides added or took away, but for those that an `open` patch is about: they are agreed upon one by one.
fn agreed_names(mine: &Names, theirs: &Names, open: &[&Names]) -> Option<Names> {
    let changes = |names: &Names, name: &String| names.from.contains(name) != names.to.contains(name);
    let mut agreed = Change { from: mine.from.clone(), to: mine.from.clone() };
    for name in mine.from.symmetric_difference(&mine.to) {
        let alike = changes(theirs, name) && mine.to.contains(name) == theirs.to.contains(name);
        if alike && !open.iter().any(|open| changes(open, name)) && !agreed.to.remove(name) {
            agreed.to.insert(name.clone());
        }
    }
    (agreed.from != agreed.to).then_some(agreed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Override, Series};
    use crate::sync::examples::{at, at_place, daily, moved, once, place, subject, with};

    /// What of the changes from `base` to `mine` a write from `base` to `theirs` replaces.
    fn replaced(base: &Series, mine: &Series, theirs: &Series) -> Vec<String> {
        replaced_by(base.diff(mine), &base.diff(theirs), mine).paths()
    }

    fn instance(days: i64, what: &str) -> String {
        format!("instance {} {what}", at(&daily(5), days).to_text())
    }

    #[test]
    fn a_field_is_replaced_by_the_same_field() {
        let mut mine = at_place(&once(), "Ulm");
        mine.event.subject = "anders".to_owned();
        assert_eq!(replaced(&once(), &mine, &at_place(&once(), "Kiel")), ["master.place"]);
        assert_eq!(replaced(&once(), &mine, &moved(&once(), 3)), [""; 0]);
        assert_eq!(replaced(&once(), &moved(&mine, 2), &moved(&once(), 3)), ["master.span"]);
    }

    #[test]
    fn categories_are_replaced_name_by_name() {
        let of = |names: &[&str]| {
            let mut series = once();
            series.event.categories = names.iter().map(|name| (*name).to_owned()).collect();
            series
        };
        // Somebody put "neu" in and took "alt" away.
        let (base, mine) = (of(&["alt", "bleibt"]), of(&["neu", "bleibt"]));
        for theirs in [of(&["alt", "bleibt", "ihres"]), of(&["alt"]), base.clone()] {
            assert_eq!(replaced(&base, &mine, &theirs), [""; 0], "{theirs:?}");
        }
        // What is written takes "neu" away again, or brings "alt" back.
        for (from, to) in [(&mine, of(&["bleibt"])), (&mine, of(&["alt", "neu", "bleibt"]))] {
            let replaced = replaced_by(base.diff(&mine), &from.diff(&to), &mine);
            assert_eq!(replaced.paths(), ["master.categories"], "{to:?}");
            assert_eq!(
                replaced.master.categories.map(|change| change.to),
                Some(mine.event.categories.clone())
            );
        }
    }

    #[test]
    fn names_are_agreed_upon_one_by_one() {
        let change = |from: &[&str], to: &[&str]| {
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            Change { from: names(from), to: names(to) }
        };
        let mine = change(&["alt", "bleibt"], &["neu", "bleibt"]);
        for (theirs, open, agreed) in [
            (mine.clone(), None, Some(mine.clone())),
            (
                change(&["alt"], &["alt", "neu"]),
                None,
                Some(change(&["alt", "bleibt"], &["alt", "bleibt", "neu"])),
            ),
            (change(&["alt"], &[]), None, Some(change(&["alt", "bleibt"], &["bleibt"]))),
            // Neither of them is there because somebody did that.
            (change(&["neu"], &["neu", "ihres"]), None, None),
            (
                mine.clone(),
                Some(change(&["alt"], &["alt", "neu"])),
                Some(change(&["alt", "bleibt"], &["bleibt"])),
            ),
            (mine.clone(), Some(mine.clone()), None),
        ] {
            assert_eq!(agreed_names(&mine, &theirs, &open.iter().collect::<Vec<_>>()), agreed, "{theirs:?}");
        }
    }

    #[test]
    fn time_rule_and_instances_are_replaced_together() {
        let base = daily(5);
        let mine = with(&moved(&base, 2), 1, place("Ulm"));
        assert_eq!(
            replaced(&base, &mine, &moved(&base, 3)),
            ["master.span".to_owned(), instance(2, "place")]
        );
        let mine = with(&moved(&daily(7), 2), 1, place("Ulm"));
        assert_eq!(
            replaced(&base, &mine, &daily(9)),
            ["recurrence".to_owned(), "master.span".to_owned(), instance(2, "place")]
        );
        assert_eq!(replaced(&base, &daily(7), &moved(&base, 3)), [""; 0], "only the time");
    }

    #[test]
    fn an_instance_is_replaced_by_what_is_said_of_it_or_by_a_rule_without_it() {
        let base = daily(5);
        let mine = with(&base, 3, place("Ulm"));
        let cancelled = with(&base, 3, Override::Cancelled);
        for (mine, theirs, lost) in [
            (&mine, with(&base, 3, place("Kiel")), vec![instance(3, "place")]),
            (&mine, with(&base, 2, place("Kiel")), vec![]),
            (&mine, with(&base, 3, subject("anders")), vec![]),
            (&mine, cancelled.clone(), vec![instance(3, "place")]),
            (&cancelled, with(&base, 3, place("Kiel")), vec![instance(3, "cancelled")]),
            (&mine, daily(3), vec![instance(3, "place")]),
            (&mine, daily(4), vec![]),
            (&mine, moved(&base, 2), vec![]),
            (&mine, moved(&base, 5), vec![instance(3, "place")]),
        ] {
            assert_eq!(replaced(&base, mine, &theirs), lost, "{theirs:?}");
        }
    }
}
