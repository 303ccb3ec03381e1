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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attachment, Attachments, Override};
    use crate::sync::examples::{at, at_place, daily, moved, once, place, says, with};

    /// What is there after a write that made `written` of `before` was taken back from `now`, and what stayed.
    fn taken_back(before: &Series, written: &Series, now: &Series) -> (Series, Vec<String>) {
        let Inverse { patch, kept } = inverse(&before.diff(written), before, written, now);
        (patch.apply(now), kept)
    }

    #[test]
    fn what_nobody_touched_since_is_as_before() {
        for (before, written) in [
            (once(), moved(&once(), 3)),
            (daily(5), daily(7)),
            (daily(5), moved(&daily(5), 3)),
            (once(), daily(5)),
            (daily(5), with(&daily(5), 1, place("Ulm"))),
            (with(&daily(5), 1, place("Ulm")), with(&daily(5), 1, Override::Cancelled)),
            // A new rule takes the instances along that it does not have.
            (with(&daily(5), 4, place("Ulm")), daily(3)),
        ] {
            assert_eq!(taken_back(&before, &written, &written), (before, vec![]));
        }
    }

    #[test]
    fn instances_that_went_with_a_rule_or_a_time_come_back_with_it() {
        let before = with(&daily(5), 4, place("Ulm"));
        for (written, now) in [(daily(5), daily(3)), (daily(5), moved(&daily(5), 9))] {
            // They were not named: the server dropped what its rule did not have any more.
            let patch = written.diff(&now);
            assert_eq!(patch.overrides, [].into());
            assert_eq!(inverse(&patch, &before, &now, &now).patch.apply(&now), before);
        }
        // What else happened to an instance meanwhile is another's business.
        let patch = daily(5).diff(&at_place(&daily(5), "Kiel"));
        let now = at_place(&daily(5), "Kiel");
        assert_eq!(inverse(&patch, &before, &now, &now).patch.apply(&now), daily(5));
    }

    #[test]
    fn files_can_be_taken_away_again_and_not_brought_back() {
        let mut filed = once();
        filed.event.attachments = Attachments::new([Attachment::new("Plan.pdf", "1")]);
        assert_eq!(taken_back(&once(), &filed, &filed), (once(), vec![]));
        let kept = vec!["master.attachments".to_owned()];
        assert_eq!(taken_back(&filed, &once(), &once()), (once(), kept));
    }

    #[test]
    fn what_somebody_changed_since_stays_and_is_named() {
        let mut now = moved(&once(), 3);
        now.event.place = "Ulm".to_owned();
        let mut expected = once();
        expected.event.place = "Ulm".to_owned();
        assert_eq!(taken_back(&once(), &moved(&once(), 3), &now), (expected, vec![]));
        let elsewhere = moved(&once(), 4);
        let kept = vec!["master.span".to_owned()];
        assert_eq!(taken_back(&once(), &moved(&once(), 3), &elsewhere), (elsewhere.clone(), kept));
    }

    #[test]
    fn time_and_rule_of_a_series_go_with_its_instances_or_stay() {
        let cancelled = |series: &Series| with(series, 2, Override::Cancelled);
        for (before, written, kept) in
            [(daily(5), daily(7), "recurrence"), (daily(5), moved(&daily(5), 3), "master.span")]
        {
            let now = cancelled(&written);
            assert_eq!(taken_back(&before, &written, &now), (now.clone(), vec![kept.to_owned()]));
        }
        // It was moved when it was no series yet.
        let now = moved(&daily(5), 3);
        let kept = vec!["master.span".to_owned()];
        assert_eq!(taken_back(&once(), &moved(&once(), 3), &now), (now.clone(), kept));
        // An instance is another's business.
        let written = with(&daily(5), 1, place("Ulm"));
        assert_eq!(taken_back(&daily(5), &written, &cancelled(&written)), (cancelled(&daily(5)), vec![]));
    }

    #[test]
    fn an_instance_that_changed_since_keeps_what_changed() {
        let before = with(&daily(5), 1, says("Ulm", "alt"));
        let written = with(&daily(5), 1, says("Kiel", "neu"));
        let now = with(&daily(5), 1, says("Bonn", "neu"));
        let expected = with(&daily(5), 1, says("Bonn", "alt"));
        let kept = vec![format!("instance {} place", at(&daily(5), 1).to_text())];
        assert_eq!(taken_back(&before, &written, &now), (expected, kept));
        let gone = with(&daily(5), 1, Override::Cancelled);
        let (now, kept) = taken_back(&before, &written, &gone);
        assert_eq!((now, kept.len()), (gone, 2));
    }
}
