//! What a round did, for people and for the next decision of the scheduler.

use serde::{Deserialize, Serialize};

use super::super::plan::{Action, Plan, Step};
use crate::ids::{LinkId, PairingId, PerSide, Side};
use crate::link::WentBack;
use crate::source::{SourceErrorKind, WriteOp};

/// What a round did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundReport {
    /// Whether this was (part of) the first sync.
    pub first_sync: bool,
    /// What was done on each side.
    pub sides: PerSide<SideReport>,
    /// Links on which both sides had changed the same field.
    pub conflicts: u64,
    /// Links that wait for a person after this round.
    pub held: u64,
    /// Links that are set aside after a failure.
    pub failing: u64,
    /// Links with an item on both sides after this round.
    pub linked: u64,
    /// What was planned; of a long first sync only the beginning.
    pub plan: Plan,
    /// Steps that `plan` leaves out.
    pub steps_left_out: u64,
    /// Items that could not be dealt with.
    pub failures: Vec<ItemFailure>,
    /// Files that were left out.
    pub left_out: Vec<LeftOut>,
    /// What became of what people asked for.
    pub orders: Vec<OrderOutcome>,
    /// Why no mark can be left on a side: that it went back in time would not be noticed.
    pub unmarked: PerSide<Option<String>>,
    /// What was noticed to have gone back in time and waits for a person, or was dealt with in this round.
    pub went_back: Option<WentBack>,
    /// Why the round ended before its time.
    pub failure: Option<Failure>,
}

/// What became of an [`Order`](crate::link::Order) in a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderOutcome {
    /// Which order.
    pub order: u64,
    /// The link that it was about.
    pub link: Option<LinkId>,
    /// What became of it.
    pub became: Became,
    /// Why, in words; also what a carried out order left as it is. Empty where there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// How an order ended, or that it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It is carried out; in a plan: it would be.
    CarriedOut,
    /// It ended: what was asked is no longer asked. Where something else waits now, that waits anew.
    Void,
    /// It ended: what it wishes cannot be done.
    Refused,
    /// It goes on in a later round.
    Waits,
}

/// What was done on one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideReport {
    /// Entries of the change feed.
    pub read: u64,
    /// Items made.
    pub created: u64,
    /// Items changed.
    pub updated: u64,
    /// Items deleted.
    pub deleted: u64,
    /// Writes that were refused or whose outcome is unknown.
    pub failed: u64,
}

impl SideReport {
    /// One more write was carried out.
    pub(super) fn count(&mut self, op: &WriteOp) {
        match op {
            WriteOp::Create { .. } => self.created += 1,
            WriteOp::Update { .. } => self.updated += 1,
            WriteOp::Delete { .. } => self.deleted += 1,
        }
    }
}

/// An item that could not be dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemFailure {
    /// Its link.
    pub link: LinkId,
    /// Where.
    pub side: Side,
    /// Why, in words.
    pub why: String,
}

/// A file that stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The link of its item.
    pub link: LinkId,
    /// The side that it is not carried to.
    pub side: Side,
    /// Why, in words; the file is not named.
    pub why: String,
}

/// Why a round ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A side could not be used.
    #[error("{side}: {doing}: {kind}")]
    Source {
        /// Which side.
        side: Side,
        /// What was being done.
        doing: &'static str,
        /// What to do about it.
        kind: SourceErrorKind,
    },
    /// The driver answered something that was not asked: a mistake in the embedding program.
    #[error("the round was answered something that it did not ask")]
    WrongReply,
}

/// How many steps a report keeps; a first sync of a large calendar must not fill the memory with them.
const STEPS_KEPT: usize = 2_000;

impl Default for RoundReport {
    fn default() -> Self {
        RoundReport::new(&PairingId::new(""))
    }
}

impl RoundReport {
    pub(super) fn new(pairing: &PairingId) -> RoundReport {
        RoundReport {
            first_sync: false,
            sides: PerSide::default(),
            conflicts: 0,
            held: 0,
            failing: 0,
            linked: 0,
            plan: Plan { pairing: pairing.clone(), steps: Vec::new() },
            steps_left_out: 0,
            failures: Vec::new(),
            left_out: Vec::new(),
            orders: Vec::new(),
            unmarked: PerSide::default(),
            went_back: None,
            failure: None,
        }
    }

    pub(super) fn note(&mut self, steps: Vec<Step>) {
        for step in steps {
            if !step.conflicts.is_empty() {
                self.conflicts += 1;
            }
            if self.plan.steps.len() < STEPS_KEPT {
                self.plan.steps.push(step);
            } else {
                self.steps_left_out += 1;
            }
        }
    }

    pub(super) fn fail(&mut self, link: LinkId, side: Side, why: String) {
        self.sides.get_mut(side).failed += 1;
        if self.failures.len() < STEPS_KEPT {
            self.failures.push(ItemFailure { link, side, why });
        }
    }

    pub(super) fn leave_out(&mut self, left_out: Vec<LeftOut>) {
        let room = STEPS_KEPT.saturating_sub(self.left_out.len());
        self.left_out.extend(left_out.into_iter().take(room));
    }

    pub(super) fn order(
        &mut self,
        order: u64,
        link: Option<LinkId>,
        became: Became,
        note: impl Into<String>,
    ) {
        self.orders.push(OrderOutcome { order, link, became, note: note.into() });
    }

    /// Whether everything was dealt with: nothing failed, nothing waits.
    pub fn is_clean(&self) -> bool {
        self.failure.is_none() && self.failures.is_empty() && self.held == 0 && self.failing == 0
    }

    /// Writes that were carried out on both sides together.
    pub fn writes(&self) -> u64 {
        self.sides.iter().map(|(_, side)| side.created + side.updated + side.deleted).sum()
    }

    /// Steps of the plan that write something.
    pub fn planned_writes(&self) -> usize {
        let writes =
            |step: &&Step| matches!(step.action, Action::Create(_) | Action::Update(_) | Action::Delete(_));
        self.plan.steps.iter().filter(writes).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::plan::{Conflict, Reason};
    use super::*;

    #[test]
    fn conflicts_are_counted_by_appointment_and_of_many_steps_the_first_are_kept() {
        let mut report = RoundReport::new(&PairingId::new("meier"));
        report.note(vec![step(0), step(1), step(3)]);
        assert_eq!((report.conflicts, report.plan.steps.len(), report.steps_left_out), (2, 3, 0));
        report.note(std::iter::repeat_with(|| step(0)).take(STEPS_KEPT).collect());
        assert_eq!((report.plan.steps.len(), report.steps_left_out), (STEPS_KEPT, 3));
    }

    #[test]
    fn of_the_steps_of_a_plan_those_count_that_write() {
        let mut report = RoundReport::new(&PairingId::new("meier"));
        assert_eq!(report.planned_writes(), 0);
        let (a, b) = (Side::A, Side::B);
        let actions = [Action::Create(b), Action::Update(a), Action::Delete(b), Action::Leave, Action::Pair];
        report.note(actions.map(|action| Step { action, ..step(0) }).to_vec());
        assert_eq!(report.planned_writes(), 3);
    }

    fn step(conflicts: usize) -> Step {
        let conflict = || Conflict { path: "master.place".to_owned(), winner: None };
        Step {
            link: link(),
            action: Action::Leave,
            reason: Reason::RulesChanged,
            paths: Vec::new(),
            conflicts: std::iter::repeat_with(conflict).take(conflicts).collect(),
            notes: Vec::new(),
        }
    }

    fn link() -> LinkId {
        LinkId::founded_by(&"meier".into(), Side::A, &"a1".into())
    }

    #[test]
    fn a_round_is_clean_when_nothing_is_left_to_do() {
        let clean = RoundReport::new(&PairingId::new("meier"));
        assert!(clean.is_clean());
        let failure = ItemFailure { link: link(), side: Side::A, why: String::new() };
        assert!(!RoundReport { held: 1, ..clean.clone() }.is_clean());
        assert!(!RoundReport { failing: 1, ..clean.clone() }.is_clean());
        assert!(!RoundReport { failures: vec![failure], ..clean.clone() }.is_clean());
        assert!(!RoundReport { failure: Some(Failure::WrongReply), ..clean }.is_clean());
    }
}
