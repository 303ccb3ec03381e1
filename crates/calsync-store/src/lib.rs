//! Durable state of calsync: what the engine remembers, and the pairings as the administrator set them up.
//!
//! - [`SqliteStore`] implements [`StateStore`](calsync_core::store::StateStore) and [`PairingStore`] upon a directory;
//! - [`PairingStore`] is the registry of pairings with their settings and the history of their rounds;
//! - [`MemoryPairings`] is the same without a disk, for tests and for programs that keep pairings elsewhere.
//!
//! What is true on disk at each moment of a round is in `docs/crash-safety.md`.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice, clippy::unreachable))]

mod pairing;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use self::pairing::{
    Conflict, Days, Direction, Invitations, Lead, MailboxAccess, MemoryPairings, OutwardSettings,
    PairingError, PairingRecord, PairingSettings, PairingStore, RUNS_KEPT, RunOutcome, RunRecord, UnfitRules,
    UnknownWord,
};
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
