//! Appointments of protected types: the other side may neither delete nor move them, but what it tried is marked.
//!
//! Which types these are is a setting, or the server says so when it refuses a write. First the mark is written, by itself
//! and through journal and receipt like any other write; only when it stands is taken back what the other side did. Both
//! are decided from the observation, which stays until then, so that a crash in between repeats at most the mark.

use super::decide::{Context, LinkPlan, PlannedWrite, is_held_back, step};
use super::original::guarded;
use super::plan::{Action, Reason, Step};
use super::settings::Settings;
use super::settle::{Outcome, is_the_items_fault, next_retry};
use super::verdict::Verdict;
use crate::ids::{PerSide, Side};
use crate::link::{Link, LinkMemory, Observation};
use crate::model::{Field, Mark, MarkKind, OverridePatch, Series, SeriesPatch, Span};
use crate::source::{Access, Item, SourceErrorKind, WriteOp};

/// The side whose appointment the other side may neither delete nor move.
pub(super) fn shielded(link: &Link, settings: &Settings) -> Option<Side> {
    let typed =
        |series: &Series| series.event.categories.iter().any(|name| settings.protected.contains(name));
    let by_type = link.halves.a.as_ref().is_some_and(|half| {
        let shadow = half.shadow.as_ref().map(|shadow| &shadow.series);
        let latest = half.latest().map(|(_, series)| series);
        shadow.into_iter().chain(latest).any(typed)
    });
    by_type.then_some(Side::A).or(link.memory.shielded)
}

/// What the other side tried and has to be marked before anything else is done about it, and where.
pub(super) fn to_mark(
    link: &Link,
    verdict: Verdict,
    context: &Context<'_>,
    plan: &LinkPlan,
) -> Option<(Side, Mark)> {
    let side = shielded(link, context.settings)?;
    let (tried_by, half) = (side.other(), link.halves.get(side).as_ref()?);
    let may = *context.marks.get(side)
        && context.settings.direction.writes(side)
        && half.access == Access::Full
        && guarded(link, plan.masked) != Some(side);
    let mark = match verdict {
        Verdict::Delete(gone) | Verdict::Contest(gone) => {
            let counts = gone == tried_by && !is_held_back(link, gone, context);
            counts.then(|| Mark { kind: MarkKind::Deleted, note: String::new() })
        }
        Verdict::Carry(from) => (from == tried_by).then(|| moved(link, tried_by)).flatten(),
        Verdict::Merge => moved(link, tried_by),
        Verdict::Read | Verdict::InStep | Verdict::Forget | Verdict::Create(_) | Verdict::Pair => None,
    };
    mark.filter(|mark| may && link.memory.marked.as_ref() != Some(mark)).map(|mark| (side, mark))
}

/// What became of the time of the appointment on the side `by`, unless the other side shows the same.
fn moved(link: &Link, by: Side) -> Option<Mark> {
    let half = link.halves.get(by).as_ref()?;
    let (_, latest) = half.latest()?;
    let (_, other) = link.halves.get(by.other()).as_ref()?.latest()?;
    let moved = half.shadow.as_ref()?.series.diff(latest).only(|field| field == Field::Span).pending(other);
    if moved.is_empty() {
        return None;
    }
    let whole = moved.master.span.as_ref().map(|change| words(&change.to));
    let (kind, note) = match (whole, moved.overrides.first_key_value()) {
        (Some(note), _) => (MarkKind::Moved, note),
        (None, Some((key, OverridePatch::Cancel))) => (MarkKind::Deleted, key.to_text()),
        (None, Some((key, _))) => (MarkKind::Moved, key.to_text()),
        (None, None) => (MarkKind::Moved, String::new()),
    };
    Some(Mark { kind, note })
}

/// Start and end as numbers, which every dispatcher reads.
fn words(span: &Span) -> String {
    let form = if span.is_all_day() { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" };
    format!("{} - {}", span.start.local().format(form), span.end.local().format(form))
}

/// Writes the mark and nothing else; everything that was seen stays to be decided.
pub(super) fn write_mark(link: &Link, side: Side, mark: Mark, plan: &mut LinkPlan) {
    let Some(half) = link.halves.get(side) else { return };
    let Some((revision, series)) = half.latest() else { return };
    let patch = SeriesPatch { mark: Some(mark.clone()), ..SeriesPatch::default() };
    let reason = Reason::Protected(side.other());
    plan.steps.push(Step { paths: patch.paths(), ..step(link, Action::Update(side), reason.clone()) });
    let op = WriteOp::Update {
        key: half.key.clone(),
        expected: revision.clone(),
        patch: Box::new(patch),
        current: Box::new(series.clone()),
    };
    *plan.writes.get_mut(side) =
        Some(PlannedWrite { op, reason: reason.to_string(), before: Some(series.clone()), losing: None });
    plan.marks = Some((side, mark));
}

/// The link after its mark was written, or was not.
pub(super) fn settle_mark(
    link: &Link,
    (side, mark): &(Side, Mark),
    outcomes: &PerSide<Option<Outcome>>,
    now: chrono::DateTime<chrono::Utc>,
) -> Link {
    let mut next = link.clone();
    next.writes += 1;
    next.hold = None;
    next.retry = next_retry(link, outcomes, now);
    match outcomes.get(*side) {
        Some(Outcome::Written(item) | Outcome::WrittenAndChanged(item)) => {
            marked(&mut next, *side, item, mark);
        }
        Some(
            Outcome::WrittenAndGone(_) | Outcome::Refused(SourceErrorKind::Stale | SourceErrorKind::Missing),
        ) => {
            if let Some(half) = next.halves.get_mut(*side) {
                half.seen = Some(Observation::Unread("it was changed meanwhile".to_owned()));
            }
        }
        // A server that takes no mark for it: what was tried is taken back all the same.
        Some(Outcome::Refused(kind)) if is_the_items_fault(kind) || *kind == SourceErrorKind::Protected => {
            next.memory.marked = Some(mark.clone());
            next.retry = None;
        }
        Some(Outcome::Refused(_) | Outcome::Unknown | Outcome::Deleted) | None => {}
    }
    next
}

/// Remembers that the mark stands. What was seen stays; what the item shows now is seen too.
pub(super) fn marked(link: &mut Link, side: Side, item: &Item, mark: &Mark) {
    if let Some(half) = link.halves.get_mut(side) {
        half.see(item.clone());
    }
    link.memory.marked = Some(mark.clone());
}

/// What was tried on this side is dealt with: the next time it is marked again.
pub(super) fn forget(memory: &mut LinkMemory) {
    (memory.marked, memory.shielded) = (None, None);
}
