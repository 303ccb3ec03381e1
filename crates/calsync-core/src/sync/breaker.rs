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

#[cfg(test)]
mod tests {
    use super::super::decide::PlannedWrite;
    use super::*;
    use crate::ids::{PairingId, Side};
    use crate::link::Hold;
    use crate::sync::Settings;
    use crate::sync::examples::{at_place, context, half, once};

    /// Each side was written in turn, five minutes apart, until that was stopped.
    fn fought(answer: Option<Answer>) -> Link {
        let mut link = Link::found(&PairingId::new("meier"), Side::A, half("a1", &once(), &once()));
        link.halves.b = Some(half("b1", &once(), &at_place(&once(), "Ulm")));
        for n in 0..6 {
            let to = PerSide { a: n % 2 == 0, b: n % 2 == 1 };
            link.memory.turns.note(to, false, DateTime::from_timestamp(300 * n, 0).unwrap());
        }
        let mut plan = LinkPlan::default();
        hold(&link, HoldKind::Oscillation, Reason::Oscillation, &mut plan);
        let asked = plan.hold.unwrap();
        link.hold = Some(Hold {
            why: asked.reason.to_string(),
            since: DateTime::UNIX_EPOCH,
            guard: None,
            kind: asked.kind,
            about: asked.about,
            answer,
        });
        link
    }

    /// What is left of the plan to write to A once more, and the turns afterwards.
    fn once_more(link: &Link) -> (LinkPlan, Turns) {
        let (pairing, settings) = (PairingId::new("meier"), Settings::default());
        let now = DateTime::from_timestamp(1_800, 0).unwrap();
        let op = WriteOp::Update {
            key: "a1".into(),
            expected: "1".into(),
            patch: Box::new(once().diff(&at_place(&once(), "Ulm"))),
            current: Box::new(once()),
        };
        let write = PlannedWrite { op, reason: String::new(), before: None, losing: None };
        let mut plan = LinkPlan { writes: PerSide { a: Some(write), b: None }, ..LinkPlan::default() };
        stop(link, &Context { now, ..context(&pairing, &settings) }, &mut plan);
        let mut memory = link.memory.clone();
        remember(link, &plan, writes(&plan).unwrap_or_default(), now, &mut memory);
        (plan, memory.turns)
    }

    #[test]
    fn turns_are_counted_from_the_beginning_when_a_person_answered() {
        let (plan, turns) = once_more(&fought(None));
        assert!(plan.hold.is_some() && plan.writes.a.is_none());
        assert_eq!(turns, fought(None).memory.turns);
        let (plan, turns) = once_more(&fought(Some(Answer::Approve)));
        assert!(plan.hold.is_none() && plan.writes.a.is_some());
        let to_a = PerSide { a: true, b: false };
        let now = DateTime::from_timestamp(2_100, 0).unwrap();
        assert!(!turns.stop(PerSide { a: false, b: true }, false, now));
        assert!(!turns.is_empty());
        let (plan, turns) = once_more(&fought(Some(Answer::Reject)));
        assert!(plan.hold.is_none() && plan.writes.a.is_none(), "they stay as they are");
        assert!(turns.is_empty());
        assert!(!turns.stop(to_a, false, now));
    }
}
