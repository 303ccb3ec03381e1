//! Asks each side how it will hold the series that are about to be written to it, so that the plan can say so.
//!
//! What a side refuses beforehand is neither journaled nor sent; it counts as refused by the side, so that the link is
//! set aside and reported like any other that cannot be written, and is tried again when something changes.

use super::{Stop, Work};
use crate::ids::Side;
use crate::model::Series;
use crate::source::{Fit, WriteOp};
use crate::sync::decide::LinkPlan;
use crate::sync::plan::Action;
use crate::sync::round::reconcile::Case;

impl Work {
    /// Notes in the plans of `cases` how each side will hold what is planned for it.
    pub(super) async fn ask_fits(&mut self, cases: &mut [Case]) -> Result<(), Stop> {
        for side in Side::BOTH {
            let (asked, series): (Vec<usize>, Vec<Series>) = cases
                .iter()
                .enumerate()
                .filter_map(|(index, case)| {
                    Some((index, to_be_held(&case.plan.writes.get(side).as_ref()?.op)?))
                })
                .unzip();
            if series.is_empty() {
                continue;
            }
            let fits = self.port.fits(side, series).await?;
            if fits.len() != asked.len() {
                return Err(Stop::WrongReply);
            }
            for (index, fit) in asked.into_iter().zip(fits) {
                if let Some(case) = cases.get_mut(index) {
                    note_fit(&mut case.plan, side, &fit);
                }
            }
        }
        Ok(())
    }
}

/// The recurring series that a write makes, where the write says anything about when it takes place.
fn to_be_held(op: &WriteOp) -> Option<Series> {
    let series = match op {
        WriteOp::Create { series, .. } => series.as_ref().clone(),
        WriteOp::Update { patch, current, .. } => {
            let says_when =
                patch.recurrence.is_some() || patch.master.span.is_some() || !patch.overrides.is_empty();
            if !says_when {
                return None;
            }
            patch.apply(current)
        }
        WriteOp::Delete { .. } => return None,
    };
    series.recurrence.is_some().then_some(series)
}

fn note_fit(plan: &mut LinkPlan, side: Side, fit: &Fit) {
    if let Fit::Refused(why) = fit {
        *plan.unfit.get_mut(side) = Some(why.clone());
    }
    for step in &mut plan.steps {
        if matches!(step.action, Action::Create(at) | Action::Update(at) if at == side) {
            step.notes.extend(fit.notes());
            if matches!(fit, Fit::Refused(_)) {
                step.action = Action::Leave;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::examples::{at_place, daily, moved, once, place, with};

    /// What has to be held after a write from `base` to `written`.
    fn after(base: &Series, written: &Series) -> Option<Series> {
        to_be_held(&WriteOp::Update {
            key: "b1".into(),
            expected: "1".into(),
            patch: Box::new(base.diff(written)),
            current: Box::new(base.clone()),
        })
    }

    #[test]
    fn of_a_series_all_is_asked_about_that_says_when_it_takes_place() {
        let base = daily(5);
        for written in [daily(7), moved(&base, 2), with(&base, 1, place("Ulm"))] {
            assert_eq!(after(&base, &written), Some(written));
        }
        assert_eq!(after(&base, &at_place(&base, "Ulm")), None, "its text");
        assert_eq!(after(&once(), &moved(&once(), 2)), None, "no series");
        assert_eq!(after(&once(), &base), Some(base), "it becomes one");
    }
}
