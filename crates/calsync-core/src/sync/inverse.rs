//! The inverse of one write, as far as nobody changed since what it wrote.
//!
//! Takes what was written, what was there before and what is there now, all of one side, and gives the change that takes
//! the write back. A field or instance that no longer shows what was written stays as it is: somebody changed it since,
//! and that is not ours to undo. Time and rule of a series go together with its instances, or not at all.

use crate::model::{Field, OverridePatch, Series, SeriesPatch};

/// What takes an update back, and the paths that stay as they are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inverse {
    pub(super) patch: SeriesPatch,
    pub(super) kept: Vec<String>,
}

/// Takes back `patch`, which made `written` of `before`, upon an item that shows `now`.
pub(super) fn inverse(patch: &SeriesPatch, before: &Series, written: &Series, now: &Series) -> Inverse {
    let touched = patch.master.fields();
    let moves = patch.recurrence.is_some() || patch.master.span.is_some();
    let mut back = written.diff(before);
    back.master = back.master.only(|field| touched.contains(&field));
    if patch.recurrence.is_none() {
        back.recurrence = None;
    }
    back.overrides.retain(|key, _| moves || patch.overrides.contains_key(key));
    let all = back.paths();

    let since = written.diff(now);
    let changed = since.master.fields();
    let recurs = now.recurrence.is_some() || written.recurrence.is_some();
    let times = back.recurrence.is_some() || recurs && back.master.span.is_some();
    let changed_shape =
        since.recurrence.is_some() || since.master.span.is_some() || !since.overrides.is_empty();
    if times && changed_shape {
        back.recurrence = None;
        back.overrides.clear();
        back.master = back.master.only(|field| field != Field::Span);
    }
    // What a file held is gone with it: files can be taken away, and none can be brought back.
    let lost = back.master.attachments.as_ref().is_some_and(|change| change.incoming().next().is_some());
    back.master =
        back.master.only(|field| !(changed.contains(&field) || field == Field::Attachments && lost));
    back.overrides = back
        .overrides
        .into_iter()
        .filter_map(|(key, patch)| match (patch, since.overrides.get(&key)) {
            (patch, None) => Some((key, patch)),
            (OverridePatch::Change(patch), Some(OverridePatch::Change(since))) => {
                let changed = since.fields();
                let rest = patch.only(|field| !changed.contains(&field));
                (!rest.is_empty()).then_some((key, OverridePatch::Change(rest)))
            }
            (_, Some(_)) => None,
        })
        .collect();
    let left = back.paths();
    Inverse { kept: all.into_iter().filter(|path| !left.contains(path)).collect(), patch: back }
}
