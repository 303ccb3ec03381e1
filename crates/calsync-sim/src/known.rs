//! What the simulated world can do to the engine, what the engine can do about it, and what may never break.

/// Mishaps that the world has a name for and that do not happen over typed sides in memory: B cannot go back in time there yet,
/// and an answer is cut off only where it is sent.
pub(crate) const ELSEWHERE: &[&str] = &["B goes back", "answer cut off"];

/// Every mishap but that B goes back in time, which is not simulated yet. Over many seeds of all mixes each of them has to happen: one that does not is not tested.
pub const FAULTS: &[&str] = &[
    "A goes back",
    "answer lost",
    "answer not understood",
    "batch cut off",
    "clock jumps",
    "crash",
    "daemon stalls",
    "denied",
    "feed calls gone what stands",
    "feed muddled",
    "item refused for ever",
    "item unreadable",
    "late write arrives",
    "listing short",
    "request lost",
    "store full",
    "store goes back",
    "store lost",
    "store not readable",
    "store's answer lost",
    "throttled",
    "tokens expired",
    "unavailable",
    "write delayed",
    "write sent twice",
];

/// What the engine does about mishaps and about people who disagree; the same holds for these.
pub const BRANCHES: &[&str] = &[
    "a person lets deletions pass",
    "an old copy comes back",
    "an old fence was refused",
    "another daemon took over",
    "begun anew after a restore",
    "came back",
    "conflict",
    "conflict held",
    "counterpart of what left the scope deleted",
    "deletion beat edit",
    "double held",
    "edit beat deletion",
    "found by token",
    "found half made",
    "found not done",
    "guard held",
    "left the scope",
    "missing item refused",
    "paired by UID",
    "paired by content",
    "paired by receipt",
    "paused after a restore",
    "rest of half made",
    "round ended by a side",
    "rules or window changed",
    "settled late",
    "stale write refused",
    "taken back",
    "token expired, full listing",
    "went back",
    "woke up too late",
];

/// Invariants that no seed breaks. The others are still broken by some in a thousand, see docs/simulation.md.
pub const HOLD: &[&str] = &["I1", "I12", "I13", "I18", "I20", "I22", "I27", "I29"];
