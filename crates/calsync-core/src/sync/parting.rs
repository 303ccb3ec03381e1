//! Appointments that left the scope of the pairing: which did, and what becomes of their counterparts.

use super::decide::{Context, LinkPlan, Question, held_back, refuse, wait, write_deletion};
use super::original::{began_on, guarded};
use super::plan::Reason;
use super::protected;
use super::scope::{Leaving, Outside};
use crate::defects::{Defect, planted};
use crate::ids::Side;
use crate::link::{Answer, HoldKind, Link};
use crate::model::Field;
use crate::source::Access;

/// Which side's version left the scope, and why. Of links on which nothing changed this is asked only when the rules or
/// the window did.
pub(super) fn leaving(link: &Link, context: &Context<'_>) -> Option<(Side, Outside)> {
    if link.memory.stays {
        return None;
    }
    Side::BOTH.into_iter().find_map(|side| {
        let half = link.halves.get(side).as_ref()?;
        link.halves.get(side.other()).as_ref()?;
        let series = &half.sighting()?.series;
        let why = context.settings.out_of_scope(side, series, context.now)?;
        let shadow = half.shadow.as_ref()?;
        let was = context.settings.out_of_scope(side, &shadow.series, context.now);
        // The counterpart of an appointment of the other side is none that leaves.
        let entered = was.is_none() || shadow.series == *series && began_on(link, side, context.pairing);
        entered.then_some((side, why))
    })
}

/// Whether the appointment of one of the sides is out of scope, as it is now.
pub(super) fn is_out_of_scope(link: &Link, context: &Context<'_>) -> bool {
    Side::BOTH.into_iter().any(|side| {
        let latest = link.halves.get(side).as_ref().and_then(|half| half.latest());
        latest.is_some_and(|(_, series)| context.settings.out_of_scope(side, series, context.now).is_some())
    })
}

/// What becomes of the counterpart of an item that left the scope. Says whether that is all there is to decide.
pub(super) fn part(
    link: &Link,
    side: Side,
    why: Outside,
    context: &Context<'_>,
    plan: &mut LinkPlan,
) -> bool {
    let target = side.other();
    // Nobody deletes an original by editing its copy.
    if guarded(link, plan.masked) == Some(target)
        || protected::shielded(link, context.settings) == Some(target)
    {
        return false;
    }
    let leaving = context.settings.leaving_for(why);
    let reason = Reason::LeftScope(side, why);
    let Some(half) = link.halves.get(target) else { return false };
    // What became private does not wait to be masked.
    let masks = plan.masked == Some(side) && still_shows(link, side, context);
    if leaving == Leaving::Keep && !planted(Defect::LeavingDeletes) {
        return false;
    }
    let asked = match leaving {
        Leaving::Hold => Some(Question::whole(link, HoldKind::LeftScope, reason.clone())),
        Leaving::Keep | Leaving::Delete => held_back(link, side, context),
    };
    let may_delete = context.settings.direction.writes(target) && half.access == Access::Full;
    match asked.map(|question| (question.answer(link), question)) {
        None if !may_delete => return false,
        Some((Some(Answer::Reject), _)) => {
            plan.stays = true;
            return false;
        }
        // What became private is masked instead of waiting to be deleted.
        Some(_) if masks => return false,
        Some((Some(Answer::Approve), question)) if !may_delete => {
            refuse(link, question, "it may not be deleted there: delete it by hand", plan);
            return true;
        }
        None | Some((Some(Answer::Approve), _)) => {}
        Some((Some(Answer::Prefer(_)) | None, question)) => {
            wait(link, question, plan);
            return true;
        }
    }
    write_deletion(link, target, reason, plan);
    true
}

/// Whether the counterpart still shows something of the private appointment on the side `original`.
pub(super) fn still_shows(link: &Link, original: Side, context: &Context<'_>) -> bool {
    let latest = |side: Side| link.halves.get(side).as_ref()?.latest().map(|(_, series)| series);
    let target = original.other();
    let is_written =
        |field: Field| !context.unheld.get(target).contains(&field) && context.settings.carries(field);
    match (latest(original), latest(target)) {
        (Some(own), Some(copy)) => !context.settings.shows_masked(original, own, copy, is_written),
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PairingId, PerSide};
    use crate::model::Series;
    use crate::sync::Private;
    use crate::sync::examples::{at_place, context, half, hides, masked, once, private};

    /// A private appointment of A, and what B shows of it.
    fn link(copy: &Series) -> Link {
        let original = private(at_place(&once(), "Praxis"));
        let mut link = Link::found(&PairingId::new("meier"), Side::A, half("a1", &original, &original));
        (link.halves.b, link.masked) = (Some(half("b1", copy, copy)), Some(Side::A));
        link
    }

    #[test]
    fn a_copy_shows_nothing_in_fields_that_are_not_written_to_it() {
        let (pairing, settings) = (PairingId::new("meier"), hides(Private::Mask));
        let link = link(&at_place(&masked(private(once())), "Praxis"));
        let shows = |context: &Context<'_>| still_shows(&link, Side::A, context);
        assert!(shows(&context(&pairing, &settings)));
        assert!(!shows(&Context {
            unheld: PerSide { a: &[], b: &[Field::Place] },
            ..context(&pairing, &settings)
        }));
    }

    #[test]
    fn what_is_masked_already_waits_to_leave_like_any_other() {
        let (pairing, mut settings) = (PairingId::new("meier"), hides(Private::Mask));
        settings.leaving = Leaving::Hold;
        let waits = |copy: &Series| {
            let mut plan = LinkPlan { masked: Some(Side::A), ..LinkPlan::default() };
            let all = part(&link(copy), Side::A, Outside::Past, &context(&pairing, &settings), &mut plan);
            assert_eq!(all, plan.hold.is_some());
            all
        };
        assert!(waits(&masked(private(once()))));
        assert!(!waits(&private(at_place(&once(), "Praxis"))), "it is masked first");
    }
}
