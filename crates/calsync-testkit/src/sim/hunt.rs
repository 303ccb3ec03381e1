//! The hunt for planted defects: each has to be found by an invariant, in a seed in which nothing is wrong without it.
//!
//! The layers against duplicates stand behind each other, so one that fails is not seen. Each of them is looked at with all
//! others off: what it alone prevents is what happens when it is off too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use calsync_core::defects::{self, Defect};

use super::options::Mix;
use super::trial::{Outcome, run};
use super::watch::Violation;

/// A layer against duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Receipts in the items put them together.
    Receipt,
    /// Items of one UID are put together.
    Uid,
    /// In a first sync, items at the same time with the same subject are put together.
    Content,
    /// Before a create the target is asked for its token.
    Token,
    /// After a crash the target is asked for the token of a create that was under way.
    Recovery,
    /// What we made a second time waits for a person.
    Doubles,
}

impl Layer {
    /// Every layer.
    pub const ALL: [Layer; 6] =
        [Layer::Receipt, Layer::Uid, Layer::Content, Layer::Token, Layer::Recovery, Layer::Doubles];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Layer::Receipt => "receipt",
            Layer::Uid => "uid",
            Layer::Content => "content",
            Layer::Token => "token",
            Layer::Recovery => "recovery",
            Layer::Doubles => "doubles",
        }
    }

    /// The layer of that name.
    pub fn by_name(name: &str) -> Option<Layer> {
        Layer::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// What is planted where it is off.
    pub fn off(self) -> Defect {
        match self {
            Layer::Receipt => Defect::NoReceiptMatch,
            Layer::Uid => Defect::NoUidMatch,
            Layer::Content => Defect::NoContentMatch,
            Layer::Token => Defect::NoLookBeforeCreate,
            Layer::Recovery => Defect::RecoveryAsksNobody,
            Layer::Doubles => Defect::DoublesUnnoticed,
        }
    }

    fn others(self) -> Vec<Defect> {
        Layer::ALL.into_iter().filter(|layer| *layer != self).map(Layer::off).collect()
    }
}

/// How a defect is looked for.
#[derive(Debug, Clone)]
pub struct Hunt {
    /// What is planted.
    pub defect: Defect,
    /// What may happen.
    pub mix: Mix,
    /// The invariants that find it; any, where there is none.
    pub breaks: &'static [&'static str],
    /// What is planted besides, also in the run that has to be clean: other layers behind which it would hide.
    pub beside: Vec<Defect>,
}

/// Where a defect was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The first seed, of those that were tried.
    pub seed: u64,
    /// What did not hold there.
    pub violation: Violation,
    /// The whole run.
    pub outcome: Outcome,
}

impl Hunt {
    /// How this defect is looked for.
    pub fn new(defect: Defect) -> Hunt {
        Hunt { defect, mix: Mix::All, breaks: &[], beside: Vec::new() }
    }

    /// How it is shown that a layer acts while no other one does.
    pub fn alone(layer: Layer) -> Hunt {
        let beside = layer.others();
        Hunt { beside, breaks: &[], ..Hunt::new(layer.off()) }
    }

    /// What is wrong in a seed with the defect, where all is well without it.
    pub fn look(&self, seed: u64) -> Option<Found> {
        let beside = || self.beside.iter().copied();
        let outcome = defects::with(beside().chain([self.defect]), || run(seed, self.mix));
        let shows = |found: &&Violation| self.breaks.is_empty() || self.breaks.contains(&found.invariant);
        let violation = outcome.violations.iter().find(shows)?.clone();
        let without = defects::with(beside(), || run(seed, self.mix));
        without.violations.is_empty().then_some(Found { seed, violation, outcome })
    }

    /// The first of so many seeds that finds it, on all cores.
    pub fn first(&self, first: u64, seeds: u64) -> Option<Found> {
        let next = AtomicU64::new(0);
        // Seeds behind the best one so far need not be looked at.
        let end = AtomicU64::new(seeds);
        let best: Mutex<Option<(u64, Found)>> = Mutex::default();
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end.load(Ordering::Relaxed) {
                    return;
                }
                if let Some(found) = self.look(first.wrapping_add(number)) {
                    end.fetch_min(number, Ordering::Relaxed);
                    let mut best = best.lock().unwrap_or_else(PoisonError::into_inner);
                    if best.as_ref().is_none_or(|(known, _)| number < *known) {
                        *best = Some((number, found));
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(work);
            }
        });
        best.into_inner().unwrap_or_else(PoisonError::into_inner).map(|(_, found)| found)
    }
}
