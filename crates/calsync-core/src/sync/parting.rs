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
