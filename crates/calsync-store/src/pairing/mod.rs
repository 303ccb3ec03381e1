//! The pairings as the administrator set them up, and what became of their rounds.
//!
//! Here the sides have names: NVS is side `A` of the engine, Exchange is side `B`.

mod memory;
mod outward;
mod record;
mod run;
mod settings;
mod store;
mod words;

pub use self::memory::MemoryPairings;
pub use self::outward::OutwardSettings;
pub use self::record::{MailboxAccess, PairingRecord};
pub use self::run::{RunOutcome, RunRecord};
pub use self::settings::{Conflict, Days, Direction, Invitations, Lead, PairingSettings, UnfitRules};
pub use self::store::{PairingError, PairingStore, RUNS_KEPT};
pub use self::words::UnknownWord;
