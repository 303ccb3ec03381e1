//! Stops a link on which two programs answer each other for ever.
//!
//! Looks at what was decided and at the turns that the link remembers ([`Turns`](crate::link::Turns)); where there were
//! too many of them, nothing is written any more and the link waits. Quiet does not end that: two programs that answer
//! each other are quiet exactly while we are. It ends when a person answers, or when both sides say the same.

use chrono::{DateTime, Utc};

use super::decide::{Context, LinkPlan, answered, hold, step};
use super::parting::still_shows;
use super::plan::{Action, Reason};
use super::verdict::State;
use crate::ids::PerSide;
use crate::link::{Answer, HoldKind, Link, LinkMemory, Turns};
use crate::source::WriteOp;

/// The sides that a plan writes content to, if any. A mark is none, and a deletion ends what went to and fro.
fn writes(plan: &LinkPlan) -> Option<PerSide<bool>> {
    if plan.marks.is_some() {
        return None;
    }
    let to = PerSide::from_fn(|side| {
        plan.writes.get(side).as_ref().is_some_and(|write| match write.op {
            WriteOp::Create { .. } | WriteOp::Update { .. } => true,
            WriteOp::Delete { .. } => false,
        })
    });
    (to.a || to.b).then_some(to)
}

/// Whether the plan takes back what was done on the side that it writes to.
fn takes_back(plan: &LinkPlan) -> bool {
    plan.reverts.a || plan.reverts.b
}

/// Holds a link whose sides answered each other too often. What is private is masked all the same.
pub(super) fn stop(link: &Link, context: &Context<'_>, plan: &mut LinkPlan) {
    let Some(to) = writes(plan) else { return };
    let stopped = is_stopped(link) || link.memory.turns.stop(to, takes_back(plan), context.now);
    let masks = plan.masked.is_some_and(|original| still_shows(link, original, context));
    if !stopped || masks {
        return;
    }
    match answered(link, HoldKind::Oscillation, &Reason::Oscillation) {
        Some(Answer::Approve | Answer::Prefer(_)) => (plan.calms, plan.answered) = (true, true),
        // Both sides count as in step as they are; what is gone stays away.
        Some(Answer::Reject) => {
            let gone = PerSide::from_fn(|side| State::of(link.halves.get(side).as_ref()) == State::Gone);
            let left_alone = gone.a || gone.b;
            *plan =
                LinkPlan { masked: plan.masked, drop: gone, left_alone, calms: true, ..LinkPlan::default() };
            plan.steps.push(step(link, Action::Leave, Reason::Oscillation));
        }
        None => {
            *plan = LinkPlan::default();
            hold(link, HoldKind::Oscillation, Reason::Oscillation, plan);
        }
    }
}

/// Whether an item that is there again was deleted too often: each of these deletions answered a copy, so each is two turns.
/// What was stopped stays so until a person answers.
pub(super) fn is_made_again(
    link: &Link,
    deleted: impl Iterator<Item = DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    let mut turns = Turns::default();
    for at in deleted {
        turns.note_answer(at);
    }
    is_stopped(link) || turns.stop(PerSide { a: true, b: true }, false, now)
}

/// Whether it waits since it was stopped.
fn is_stopped(link: &Link) -> bool {
    link.hold.as_ref().is_some_and(|hold| hold.kind == HoldKind::Oscillation)
}

/// Remembers the writes of a plan that may have been carried out. The first copy of an appointment answers nothing.
pub(super) fn remember(
    link: &Link,
    plan: &LinkPlan,
    carried_out: PerSide<bool>,
    now: DateTime<Utc>,
    memory: &mut LinkMemory,
) {
    if plan.calms {
        memory.turns = Turns::default();
    }
    let Some(planned) = writes(plan) else { return };
    let to = PerSide::from_fn(|side| *planned.get(side) && *carried_out.get(side));
    if (to.a || to.b) && link.lone_side().is_none() {
        memory.turns.note(to, takes_back(plan), now);
    }
}
