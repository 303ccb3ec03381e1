//! The registry of pairings and the history of their rounds.

use std::collections::BTreeMap;

use async_trait::async_trait;
use calsync_core::ids::PairingId;
use calsync_core::store::StoreError;

use super::record::PairingRecord;
use super::run::RunRecord;

/// How many rounds are remembered of each pairing.
pub const RUNS_KEPT: usize = 200;

/// Which pairings there are, how they are set up, and how their last rounds went.
///
/// Every method is one transaction. Edits may come from another process than the one that synchronises.
#[async_trait]
pub trait PairingStore: Send + Sync {
    /// Adds a pairing. What the engine may know of an earlier one of that name is forgotten: its next round is a
    /// first sync.
    ///
    /// # Errors
    ///
    /// [`IdTaken`](PairingError::IdTaken), [`UnitTaken`](PairingError::UnitTaken),
    /// [`CalendarTaken`](PairingError::CalendarTaken), [`Invalid`](PairingError::Invalid).
    async fn add_pairing(&self, record: &PairingRecord) -> Result<(), PairingError>;

    /// The pairing of that name, if there is one.
    async fn pairing(&self, id: &PairingId) -> Result<Option<PairingRecord>, PairingError>;

    /// All pairings in order of their names.
    async fn pairings(&self) -> Result<Vec<PairingRecord>, PairingError>;

    /// Replaces access, state and settings of a pairing. Its two calendars stay what they are, since all that the
    /// engine knows of it is about them.
    ///
    /// # Errors
    ///
    /// [`Unknown`](PairingError::Unknown), [`OtherCalendar`](PairingError::OtherCalendar),
    /// [`Invalid`](PairingError::Invalid).
    async fn update_pairing(&self, record: &PairingRecord) -> Result<(), PairingError>;

    /// Removes a pairing, its history, and what the engine knows of it. Appointments on both sides stay, and so does
    /// the journal.
    ///
    /// # Errors
    ///
    /// [`Unknown`](PairingError::Unknown).
    async fn remove_pairing(&self, id: &PairingId) -> Result<(), PairingError>;

    /// Adds a round to the history of a pairing; of each pairing the last [`RUNS_KEPT`] are kept. A power failure
    /// may take back the last ones. Of a pairing that was removed meanwhile nothing is kept.
    async fn add_run(&self, run: &RunRecord) -> Result<(), PairingError>;

    /// The last rounds of a pairing, newest first.
    async fn runs(&self, id: &PairingId, limit: usize) -> Result<Vec<RunRecord>, PairingError>;

    /// The last round of every pairing that had one.
    async fn last_runs(&self) -> Result<BTreeMap<PairingId, RunRecord>, PairingError>;

    /// The last round of a pairing.
    async fn last_run(&self, id: &PairingId) -> Result<Option<RunRecord>, PairingError>;
}

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairingError {
    /// Choose another name.
    #[error("there is a pairing named {0} already: choose another name, or change that one")]
    IdTaken(PairingId),
    /// Remove the other pairing first.
    #[error("calendar unit {unit} is in pairing {by} already: remove that one first")]
    UnitTaken {
        /// Which calendar unit.
        unit: String,
        /// Who has it.
        by: PairingId,
    },
    /// Remove the other pairing first, or name another folder.
    #[error(
        "this calendar of {mailbox} is in pairing {by} already: remove that one first, or choose another folder"
    )]
    CalendarTaken {
        /// Whose calendar.
        mailbox: String,
        /// Who has it.
        by: PairingId,
    },
    /// There is no such pairing.
    #[error("there is no pairing named {0}: see the list of pairings")]
    Unknown(PairingId),
    /// What is known of a pairing is about its two calendars.
    #[error(
        "pairing {0} cannot be given another calendar unit, mailbox or folder: remove it and add it anew \
         (its appointments are recognised)"
    )]
    OtherCalendar(PairingId),
    /// Something in the record cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Refuses a record whose name or calendars another pairing has.
pub(super) fn refuse_taken(record: &PairingRecord, other: &PairingRecord) -> Result<(), PairingError> {
    if record.id == other.id {
        return Err(PairingError::IdTaken(record.id.clone()));
    }
    if record.unit == other.unit {
        return Err(PairingError::UnitTaken { unit: record.unit.clone(), by: other.id.clone() });
    }
    if record.calendar() == other.calendar() {
        return Err(PairingError::CalendarTaken { mailbox: record.mailbox.clone(), by: other.id.clone() });
    }
    Ok(())
}
