//! The rule by which a lease goes from one process to another, with time in it: two processes, the store between them, every
//! delay on the way, and processes that stand still for as long as they like. Gone through to the end.
//!
//! This is a model, not the engine: it says that the numbers of the rule are right. What the engine makes of a write that
//! is late all the same is found out in `contest.rs`.

use std::collections::HashSet;

/// How long a lease is, in steps of the clock.
const LENGTH: u8 = 6;
/// How long a write is on its way at most; after that it does not arrive any more.
const LONGEST: u8 = 2;
/// Claims that are looked at.
const CLAIMS: u8 = 3;

/// A part of the rule that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    Nothing,
    /// A holder writes until the end of its lease, not only as long as the longest request fits in.
    Margin,
    /// A holder writes as long as nobody told it that the lease is over.
    Looking,
    /// A holder counts its lease from the answer to a sign of life, not from when it was sent.
    CountingFromSending,
    /// Whoever wants the lease counts from when it asked, not from when it was told.
    CountingFromSeeing,
    /// Whoever wants the lease takes it when it has waited, whether there were signs of life meanwhile or not.
    SignsOfLife,
    /// Whoever wants the lease waits less than its length.
    Patience,
}

/// A sign of life on its way; with its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sign {
    None,
    Sent(u8),
    Stored(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Process {
    Idle,
    /// Asked what the lease is, so long ago; with whether that is still as the store said, once it said something.
    Asks {
        age: u8,
        same: Option<bool>,
    },
    /// Knows the lease, and waits.
    Waits {
        age: u8,
        same: bool,
    },
    /// Has it under this fence; the last sign of life that was stored is so old.
    Holds {
        fence: u8,
        age: u8,
        sign: Sign,
    },
}

/// The whole of it. A write is on its way with the fence of its sender and its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    fence: u8,
    processes: [Process; 2],
    writes: [Option<(u8, u8)>; 2],
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    pub states: u64,
    /// Times that a lease was taken from somebody.
    pub taken: u64,
    /// Writes that arrived.
    pub arrived: u64,
}

/// Goes through everything. `Err`: a write arrived after a newer claim.
pub fn search(without: Without) -> Result<Count, String> {
    let mut count = Count::default();
    let first = State {
        fence: 1,
        processes: [Process::Holds { fence: 1, age: 0, sign: Sign::None }, Process::Idle],
        writes: [None, None],
    };
    let mut seen = HashSet::from([first]);
    let mut open = vec![first];
    while let Some(state) = open.pop() {
        count.states += 1;
        for next in after(&state, without, &mut count)? {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    Ok(count)
}

fn after(state: &State, without: Without, count: &mut Count) -> Result<Vec<State>, String> {
    let mut all = vec![tick(state)];
    for at in 0..2 {
        if let Some((fence, age)) = state.writes[at] {
            if fence != state.fence {
                return Err(format!("a write of {fence} arrives after {age} while {} reads", state.fence));
            }
            count.arrived += 1;
            let mut next = *state;
            next.writes[at] = None;
            all.push(next);
        }
        let mut becomes = |process: Process| {
            let mut next = *state;
            next.processes[at] = process;
            all.push(next);
        };
        match state.processes[at] {
            Process::Idle => becomes(Process::Asks { age: 0, same: None }),
            Process::Asks { age, same: None } => becomes(Process::Asks { age, same: Some(true) }),
            Process::Asks { age, same: Some(same) } => {
                let age = if without == Without::CountingFromSeeing { age } else { 0 };
                becomes(Process::Waits { age, same });
            }
            Process::Waits { age, same } => {
                // Ends, or looks again.
                becomes(Process::Idle);
                let patience = if without == Without::Patience { LENGTH - 1 } else { LENGTH };
                let same = same || without == Without::SignsOfLife;
                if age >= patience && same && state.fence < CLAIMS {
                    count.taken += 1;
                    all.push(claimed(state, at));
                }
            }
            Process::Holds { fence, age, sign } => {
                // Ends; what it sent is still on its way.
                becomes(Process::Idle);
                let may_write = match without {
                    Without::Margin => age < LENGTH,
                    Without::Looking => true,
                    _ => age + LONGEST < LENGTH,
                };
                match sign {
                    Sign::None => becomes(Process::Holds { fence, age, sign: Sign::Sent(0) }),
                    Sign::Sent(sent) => all.push(stored(state, at, sent)),
                    Sign::Stored(sent) => {
                        let age = if without == Without::CountingFromSending { 0 } else { sent };
                        becomes(Process::Holds { fence, age, sign: Sign::None });
                    }
                }
                if may_write && state.writes[at].is_none() {
                    let mut next = *state;
                    next.writes[at] = Some((fence, 0));
                    all.push(next);
                }
            }
        }
    }
    Ok(all)
}

/// Time passes.
fn tick(state: &State) -> State {
    let older = |age: u8| (age + 1).min(LENGTH + 1);
    let process = |process: Process| match process {
        Process::Idle => Process::Idle,
        Process::Asks { age, same } => Process::Asks { age: older(age), same },
        Process::Waits { age, same } => Process::Waits { age: older(age), same },
        Process::Holds { fence, age, sign } => {
            let sign = match sign {
                Sign::None => Sign::None,
                Sign::Sent(age) => Sign::Sent(older(age)),
                Sign::Stored(age) => Sign::Stored(older(age)),
            };
            Process::Holds { fence, age: older(age), sign }
        }
    };
    // A write that is older does not arrive any more: whoever sent it gave up, and the connection with it.
    let write = |write: (u8, u8)| (write.1 < LONGEST).then_some((write.0, write.1 + 1));
    State {
        fence: state.fence,
        processes: state.processes.map(process),
        writes: state.writes.map(|on_its_way| on_its_way.and_then(write)),
    }
}

/// The lease is another one: whoever knows it as it was knows that.
fn changed(state: &State) -> State {
    let process = |process: Process| match process {
        Process::Asks { age, same: Some(_) } => Process::Asks { age, same: Some(false) },
        Process::Waits { age, .. } => Process::Waits { age, same: false },
        other => other,
    };
    State { processes: state.processes.map(process), ..*state }
}

/// A sign of life reaches the store. It refuses one of an older claim.
fn stored(state: &State, at: usize, sent: u8) -> State {
    let Process::Holds { fence, age, .. } = state.processes[at] else { return *state };
    if fence != state.fence {
        let mut next = *state;
        next.processes[at] = Process::Idle;
        return next;
    }
    let mut next = changed(state);
    next.processes[at] = Process::Holds { fence, age, sign: Sign::Stored(sent) };
    next
}

fn claimed(state: &State, at: usize) -> State {
    let mut next = changed(state);
    next.fence += 1;
    next.processes[at] = Process::Holds { fence: next.fence, age: 0, sign: Sign::None };
    next
}
