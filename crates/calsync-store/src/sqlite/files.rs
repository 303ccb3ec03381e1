//! The two database files of a state directory, and who may write them.
//!
//! The journal is a file of its own: putting yesterday's `state.sqlite` back does not take away the before-images of
//! today. Rounds need the lock; reading, the registry of pairings and a reset do not, they are single transactions
//! that a running round notices by the version of its head.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calsync_core::ids::PairingId;
use calsync_core::store::{Fence, StoreError};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::store_error;
use super::journal;
use super::lock::Lock;
use super::schema::{JOURNAL, STATE, copy_to};

/// How long to wait for another process that creates or updates the files.
const CREATION: Duration = Duration::from_secs(10);

/// The open files.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    pub(super) state: Connection,
    pub(super) journal: Connection,
    lock: Option<Lock>,
    /// The last fence of each pairing that was given through this.
    pub(super) given: BTreeMap<PairingId, Fence>,
}

impl Files {
    /// Opens the files to run rounds, and creates them where they are missing.
    pub(super) fn open(dir: &Path) -> Result<Files, StoreError> {
        make_dir(dir)?;
        let lock = Lock::take(dir)?;
        let mut state = STATE.connect(dir)?;
        let mut journal = JOURNAL.connect(dir)?;
        STATE.migrate(&mut state, dir)?;
        JOURNAL.migrate(&mut journal, dir)?;
        let mut files =
            Files { dir: dir.to_owned(), state, journal, lock: Some(lock), given: BTreeMap::new() };
        files.take_over()?;
        Ok(files)
    }

    /// Opens the files beside a process that may be running rounds.
    pub(super) fn open_shared(dir: &Path) -> Result<Files, StoreError> {
        make_dir(dir)?;
        let mut state = STATE.connect(dir)?;
        let mut journal = JOURNAL.connect(dir)?;
        let started = Instant::now();
        while !(STATE.is_ready(&state)? && JOURNAL.is_ready(&journal)?) {
            match Lock::take(dir) {
                Ok(_until_done) => {
                    STATE.migrate(&mut state, dir)?;
                    JOURNAL.migrate(&mut journal, dir)?;
                }
                Err(StoreError::InUse(_)) if started.elapsed() < CREATION => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Files { dir: dir.to_owned(), state, journal, lock: None, given: BTreeMap::new() })
    }

    /// Makes sure that no other process runs rounds; from here until the files are closed.
    pub(super) fn own(&mut self) -> Result<(), StoreError> {
        if self.lock.is_none() {
            self.lock = Some(Lock::take(&self.dir)?);
            self.take_over()?;
        }
        Ok(())
    }

    /// Which lock this has, where it has one and that can be said.
    pub(super) fn lock_name(&self) -> Option<&str> {
        self.lock.as_ref()?.name()
    }

    /// Several questions to one state.
    pub(super) fn read(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.state.transaction_with_behavior(TransactionBehavior::Deferred).map_err(store_error)
    }

    /// One step forward, all or nothing; durable when it is committed.
    pub(super) fn write(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.state.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)
    }

    /// The same for what a power failure may take back: history that nobody decides upon.
    pub(super) fn write_soon<T>(
        &mut self,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.state.pragma_update(None, "synchronous", "NORMAL").map_err(store_error)?;
        let done = self.write().and_then(|transaction| {
            let value = act(&transaction)?;
            transaction.commit().map_err(store_error)?;
            Ok(value)
        });
        self.state.pragma_update(None, "synchronous", "FULL").map_err(store_error)?;
        done
    }

    /// After the lock was taken, from a process that may have been killed.
    ///
    /// What it was committing can be read and is not on the disk yet. The checkpoints wait for the disk; from here on nothing
    /// that was read is taken back by a power failure: neither what one file says because of the other, nor what was found to
    /// be done already.
    fn take_over(&mut self) -> Result<(), StoreError> {
        for connection in [&self.state, &self.journal] {
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(store_error)?;
        }
        self.deliver_outcomes()
    }

    /// Brings stored outcomes into the journal file.
    fn deliver_outcomes(&mut self) -> Result<(), StoreError> {
        let settled = journal::settled(&self.state)?;
        let Some(last) = settled.last() else { return Ok(()) };
        let transaction =
            self.journal.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
        journal::note_outcomes(&transaction, &settled)?;
        transaction.commit().map_err(store_error)?;
        journal::forget_settled(&self.state, last.id)
    }

    /// Empties the logs of both files: what was erased or deleted is in neither of them then.
    pub(super) fn clear_logs(&mut self) -> Result<(), StoreError> {
        for connection in [&self.state, &self.journal] {
            // It waits for whoever reads or writes at this moment.
            let busy: bool = connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
                .map_err(store_error)?;
            if busy {
                return Err(StoreError::Unavailable(
                    "it is done, but the write-ahead log is in use and may still hold what was erased: \
                     do the same once more"
                        .to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// A consistent copy of both files, while they are in use.
    pub(super) fn backup(&mut self, into: &Path) -> Result<(), StoreError> {
        make_dir(into)?;
        // The journal last: a copy of it that is newer than the state holds everything that the state needs.
        copy_to(&self.state, &into.join(STATE.file()))?;
        copy_to(&self.journal, &into.join(JOURNAL.file()))
    }

    /// Looks for damage in both files, and for counters that do not count what is there.
    pub(super) fn check(&mut self) -> Result<(), StoreError> {
        for (schema, connection) in [(&STATE, &self.state), (&JOURNAL, &self.journal)] {
            let file = schema.file();
            let damaged = |text: String| StoreError::Damaged(format!("{file}: {text}: restore a backup"));
            let found: String = connection
                .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
                .map_err(store_error)?;
            if found != "ok" {
                return Err(damaged(found));
            }
            let mut orphans = connection.prepare("PRAGMA foreign_key_check").map_err(store_error)?;
            if orphans.exists([]).map_err(store_error)? {
                return Err(damaged("rows refer to rows that are not there".to_owned()));
            }
        }
        let miscounted = "SELECT 1 FROM pairing p JOIN tally t ON t.pairing = p.id
             WHERE (t.linked, t.gone_a, t.gone_b, t.held, t.failing) IS NOT (
                 SELECT total(linked), total(gone_a), total(gone_b), total(held), total(failing)
                 FROM link WHERE pairing = p.id)
             UNION ALL SELECT 1 FROM pairing WHERE id NOT IN (SELECT pairing FROM tally)";
        if self.state.prepare(miscounted).and_then(|mut query| query.exists([])).map_err(store_error)? {
            return Err(StoreError::Damaged(format!(
                "{}: its counters do not count what is there: restore a backup",
                STATE.file()
            )));
        }
        Ok(())
    }

    /// Before the files are closed.
    pub(super) fn finish(mut self) {
        if self.lock.is_some() {
            // What stays is delivered when the files are opened again.
            let _ = self.deliver_outcomes();
        }
    }
}

fn make_dir(dir: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    // Appointments of other people are in there.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| {
        StoreError::Unavailable(format!(
            "{}: {error}: create this directory for the service account",
            dir.display()
        ))
    })
}
