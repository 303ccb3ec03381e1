//! The hunt for planted defects: each has to be found by an invariant, in a seed in which nothing is wrong without it.
//!
//! The layers against duplicates stand behind each other, so one that fails is not seen. Each of them is looked at with all
//! others off: what it alone prevents is what happens when it is off too.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use calsync_core::defects::{self, Defect};

use crate::options::Mix;
use crate::trial::{Outcome, run};
use crate::watch::Violation;

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
    /// Its name in `docs/defects.md`: that of the defect, or `only` and that of the layer.
    pub name: String,
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
    /// A seed that shows it.
    pub seed: u64,
    /// What did not hold there.
    pub violation: Violation,
    /// The whole run.
    pub outcome: Outcome,
}

impl Hunt {
    /// How this defect is looked for.
    pub fn new(defect: Defect) -> Hunt {
        let (mix, breaks) = breaks(defect);
        Hunt { name: defect.name().to_owned(), defect, mix, breaks, beside: beside(defect) }
    }

    /// How it is shown that a layer acts while no other one does.
    pub fn alone(layer: Layer) -> Hunt {
        let name = format!("only {}", layer.name());
        Hunt { name, mix: Mix::All, breaks: &["I8"], beside: layer.others(), ..Hunt::new(layer.off()) }
    }

    /// Every defect, and then every layer alone.
    pub fn all() -> Vec<Hunt> {
        let defects = Defect::ALL.iter().copied().map(Hunt::new);
        defects.chain(Layer::ALL.into_iter().map(Hunt::alone)).collect()
    }

    /// What is wrong with it, in one sentence.
    pub fn says(&self) -> &'static str {
        self.defect.says()
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
        self.some(first, seeds, 1).pop()
    }

    /// The first seeds that find it, so many at most, of those from `first` on; on all cores, in their order.
    pub fn some(&self, first: u64, seeds: u64, wanted: usize) -> Vec<Found> {
        let next = AtomicU64::new(0);
        // Seeds behind the ones that are enough need not be looked at.
        let end = AtomicU64::new(seeds);
        let all: Mutex<BTreeMap<u64, Found>> = Mutex::default();
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end.load(Ordering::Relaxed) {
                    return;
                }
                if let Some(found) = self.look(first.wrapping_add(number)) {
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.insert(number, found);
                    while all.len() > wanted {
                        all.pop_last();
                    }
                    if let (true, Some((last, _))) = (all.len() == wanted, all.last_key_value()) {
                        end.fetch_min(*last, Ordering::Relaxed);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(work);
            }
        });
        all.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }
}

/// In which mix a defect is looked for, and which invariants it breaks. What else breaks with it may be by chance: a defect
/// changes what happens afterwards.
#[expect(clippy::match_same_arms, reason = "by what they are about")]
fn breaks(defect: Defect) -> (Mix, &'static [&'static str]) {
    use Defect as D;
    use Mix::{All, Calm, Faults, Restores};
    match defect {
        // Asked, journaled, and looked after: crashes and lost answers.
        D::RecoveryAssumesDone | D::HalfMadeIsWhole => (Faults, &["I2", "I3", "I6"]),
        D::UnknownIsWritten | D::RefusedIsWritten => (Faults, &["I2", "I3", "I4"]),
        D::NoRecovery => (Faults, &["I22"]),
        D::RecoveryAsksNobody | D::NoIntents | D::OpenWriteIgnored => (Faults, &["I8"]),
        D::UnreadableMadeAgain => (Faults, &["I8"]),
        D::NoLookBeforeCreate => (All, &["I8"]),
        D::FoundedTwice => (Faults, &["I8", "I22"]),
        D::TakenAdopted => (All, &["I8", "I22"]),
        D::SpentTokenKept | D::TokenUsedAgain => (Faults, &["I2"]),
        D::NumberIsReceipt => (All, &["I2", "I3", "I6"]),
        D::NoJournal | D::JournalErrorIgnored => (Faults, &["I23"]),
        D::NoBeforeImage => (Calm, &["I4"]),
        D::RefusedIsInStep | D::ChangedSinceIsOurs => (Faults, &["I2", "I3", "I6"]),
        D::NoReadBack => (Calm, &["I4"]),
        D::ShadowAsSent => (Calm, &["I11"]),
        D::UpdateUnconditional | D::DeleteUnconditional => (Calm, &["I4"]),
        D::CommitVersionIgnored => (Faults, &["I18"]),
        D::FenceIgnored | D::LeaseNeverEnds | D::LeaseTakenAtOnce => (Faults, &["I20"]),
        // Reading.
        D::TokenBeforeData | D::UnlistedNotRead | D::MadeNotLookedFor => (Faults, &["I2"]),
        D::FeedProvesAbsence | D::ListingProvesAbsence | D::UnreadableIsGone => (Faults, &["I14"]),
        D::OutrunIgnored | D::MovesNotFound => (Calm, &["I14"]),
        D::NoRetryDelay => (Faults, &["I21"]),
        D::BadItemStopsSide => (Faults, &["I2", "I29"]),
        D::EchoIsEdit => (Calm, &["I2", "I7", "I11"]),
        // Going back in time.
        D::RestoreUnnoticed => (Restores, &["I19"]),
        D::OlderStoreUnnoticed => (Restores, &["I2", "I3", "I6"]),
        // Who belongs to whom.
        D::NoReceiptMatch | D::CopyIsOurs => (Restores, &["I8"]),
        D::NoUidMatch | D::NoContentMatch => (Calm, &["I8"]),
        D::DoublesUnnoticed => (Faults, &["I8"]),
        D::TombstoneIgnored | D::NoTombstone => (Calm, &["I7"]),
        D::ReplacedForgotten | D::TwinsUnnoticed => (All, &["I8"]),
        // Deletions.
        D::GuardOff | D::HourForgotten | D::PartingUncounted => (Calm, &["I15"]),
        D::FirstSyncDeletes => (All, &["I28"]),
        D::DeletionBeatsEdit | D::MaskedCopyDeletes => (Calm, &["I5"]),
        D::LeavingDeletes => (Calm, &["I14"]),
        // Rules.
        D::ClockOffsetIgnored | D::HoldIgnored | D::WrongSideWins => (Calm, &["I6"]),
        D::DirectionIgnored | D::EditAgainstDirection => (Calm, &["I12"]),
        D::FilterIgnored | D::WindowIgnored => (Calm, &["I13"]),
        D::AccessIgnored | D::ForeignDeleted => (Calm, &["I17"]),
        D::RulesNotRevisited => (Calm, &["I2"]),
        D::UnheldWritten => (Calm, &["I25"]),
        D::MaskedCopyCarriedBack | D::MaskMissesInstances => (Calm, &["I16"]),
        D::PrivateCarried | D::OriginalForgotten => (Calm, &["I2", "I16"]),
        // Bringing together.
        D::WholeRecordWins | D::InstancesStayBehind | D::CancelledBeatsEdit => (Calm, &["I2", "I3"]),
    }
}

/// What has to be off besides, because it prevents the same by design.
fn beside(defect: Defect) -> Vec<Defect> {
    match defect {
        // What recovery does not find is found by its token before it is made again.
        Defect::RecoveryAsksNobody | Defect::OpenWriteIgnored => vec![Defect::NoLookBeforeCreate],
        // Nothing is decided as long as a write is open, so nobody asks for its token then.
        Defect::UnreadableMadeAgain => vec![Defect::OpenWriteIgnored],
        // A server that knows the token refuses it, and then the next one is taken.
        Defect::TokenUsedAgain => vec![Defect::SpentTokenKept],
        _ => Vec::new(),
    }
}
