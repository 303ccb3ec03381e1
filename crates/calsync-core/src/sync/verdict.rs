//! The decision table of `docs/conflict-rules.md`: what is on each side, and what follows from both.

use crate::ids::Side;
use crate::link::{Half, Observation};

/// What is known of one side of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// There never was an item.
    Missing,
    /// As it was when both were in step.
    Unchanged,
    /// Other than it was when both were in step, or gone for a while and there again.
    Changed,
    /// There, and never in step.
    New,
    /// Its absence was proved.
    Gone,
    /// Nobody knows before it was read.
    Unread,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] =
        [State::Missing, State::Unchanged, State::Changed, State::New, State::Gone, State::Unread];

    /// The state of one half of a link.
    pub fn of(half: Option<&Half>) -> State {
        let Some(half) = half else { return State::Missing };
        match (&half.shadow, &half.seen) {
            (_, Some(Observation::Unread(_))) | (None, None) => State::Unread,
            (_, Some(Observation::Gone)) => State::Gone,
            (None, Some(Observation::Present(_))) => State::New,
            (Some(_), None) => State::Unchanged,
            (Some(shadow), Some(Observation::Present(sighting))) => {
                if shadow.series == sighting.series && !sighting.put_back {
                    State::Unchanged
                } else {
                    State::Changed
                }
            }
        }
    }
}

/// What follows from the states of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is decided before the unread side was read.
    Read,
    /// Both are as they were.
    InStep,
    /// Nothing is left on either side.
    Forget,
    /// The item of this side gets a counterpart.
    Create(Side),
    /// Both exist and were never in step.
    Pair,
    /// The changes of this side are carried to the other.
    Carry(Side),
    /// The changes of both sides are brought together.
    Merge,
    /// The item was deleted on this side and is unchanged on the other.
    Delete(Side),
    /// The item was deleted on this side and changed on the other.
    Contest(Side),
}

/// The decision table. One `match` without a catch-all, so that a new state cannot slip through.
pub fn verdict(a: State, b: State) -> Verdict {
    use State::{Changed, Gone, Missing, New, Unchanged, Unread};
    match (a, b) {
        (Unread, Missing | Unchanged | Changed | New | Gone | Unread)
        | (Missing | Unchanged | Changed | New | Gone, Unread) => Verdict::Read,
        (Unchanged, Unchanged | Missing) | (Missing, Unchanged) => Verdict::InStep,
        (Missing | Gone, Missing | Gone) => Verdict::Forget,
        (New | Changed, Missing) | (New, Gone) => Verdict::Create(Side::A),
        (Missing, New | Changed) | (Gone, New) => Verdict::Create(Side::B),
        (New, New | Unchanged | Changed) | (Unchanged | Changed, New) => Verdict::Pair,
        (Changed, Unchanged) => Verdict::Carry(Side::A),
        (Unchanged, Changed) => Verdict::Carry(Side::B),
        (Changed, Changed) => Verdict::Merge,
        (Gone, Unchanged) => Verdict::Delete(Side::A),
        (Unchanged, Gone) => Verdict::Delete(Side::B),
        (Gone, Changed) => Verdict::Contest(Side::A),
        (Changed, Gone) => Verdict::Contest(Side::B),
    }
}
