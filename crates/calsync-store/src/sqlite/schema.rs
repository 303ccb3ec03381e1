//! How a database file is opened, recognised, and brought up to date.
//!
//! Each file carries an application id and, as `user_version`, the number of schema steps it has taken. Steps are
//! never edited once released: a new one is added. Before the first step upon a file with content, a copy of it is
//! laid beside it.

use std::path::Path;
use std::time::{Duration, Instant};

use calsync_core::store::StoreError;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::error::{file_error, store_error};

/// What a file is to be.
pub(super) struct Schema {
    /// Its name in the state directory, without extension.
    pub(super) name: &'static str,
    /// In the header of the file.
    pub(super) application_id: i32,
    /// One for each version, oldest first.
    pub(super) steps: &'static [&'static str],
}

pub(super) const STATE: Schema = Schema {
    name: "state",
    application_id: 0x6361_6c73, // "cals"
    steps: &[include_str!("schema/state_v1.sql")],
};

pub(super) const JOURNAL: Schema = Schema {
    name: "journal",
    application_id: 0x6361_6c6a, // "calj"
    steps: &[include_str!("schema/journal_v1.sql")],
};

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// The log of writes is cut back to this size when it was larger.
const WAL_LIMIT: i64 = 64 << 20;

impl Schema {
    /// The name of the file.
    pub(super) fn file(&self) -> String {
        format!("{}.sqlite", self.name)
    }

    /// Opens or creates the file, without changing its schema. One that is not ours is left as it is.
    pub(super) fn connect(&self, dir: &Path) -> Result<Connection, StoreError> {
        let path = dir.join(self.file());
        let shown = path.display().to_string();
        let failed = file_error(&shown);
        let connection = Connection::open(&path).map_err(&failed)?;
        connection.busy_timeout(BUSY).map_err(&failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        self.missing_steps(&connection)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(&failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(&failed)?;
        // What people deleted, and what was erased, is not to be found in the free pages of a file.
        connection.pragma_update(None, "secure_delete", true).map_err(&failed)?;
        connection.pragma_update(None, "trusted_schema", false).map_err(&failed)?;
        connection.pragma_update(None, "journal_size_limit", WAL_LIMIT).map_err(&failed)?;
        Ok(connection)
    }

    /// How many steps the file still has to take. One of a newer version, or of another program, is refused.
    pub(super) fn missing_steps(&self, connection: &Connection) -> Result<usize, StoreError> {
        let file = self.file();
        // One transaction: another process may be creating the file at this moment.
        let snapshot = connection.unchecked_transaction().map_err(file_error(&file))?;
        let number = |name: &str| snapshot.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let id = number("application_id").map_err(file_error(&file))?;
        let version = number("user_version").map_err(file_error(&file))?;
        let tables: i64 = snapshot
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(file_error(&file))?;
        if id == 0 && version == 0 && tables == 0 {
            return Ok(self.steps.len());
        }
        if id != i64::from(self.application_id) {
            return Err(StoreError::Unavailable(format!(
                "{file} belongs to another program: choose another state directory"
            )));
        }
        let taken = usize::try_from(version).unwrap_or(0);
        self.steps.len().checked_sub(taken).ok_or_else(|| {
            StoreError::Unavailable(format!(
                "{file} was written by a newer calsync (format {version}, this one knows {}): \
                 install that version, or restore a backup from before the update",
                self.steps.len()
            ))
        })
    }

    /// Whether the file can be used as it is.
    pub(super) fn is_ready(&self, connection: &Connection) -> Result<bool, StoreError> {
        let mode: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .map_err(file_error(&self.file()))?;
        Ok(mode == "wal" && self.missing_steps(connection)? == 0)
    }

    /// Switches to a write-ahead log, and takes the missing steps, each in a transaction of its own.
    pub(super) fn migrate(&self, connection: &mut Connection, dir: &Path) -> Result<(), StoreError> {
        self.use_log(connection)?;
        let missing = self.missing_steps(connection)?;
        let taken = self.steps.len() - missing;
        if missing > 0 && taken > 0 {
            copy_to(connection, &dir.join(format!("{}.v{taken}.backup.sqlite", self.name)))?;
        }
        for (version, step) in (1_i64..).zip(self.steps).skip(taken) {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(store_error)?;
            transaction.execute_batch(step).map_err(store_error)?;
            transaction.pragma_update(None, "application_id", self.application_id).map_err(store_error)?;
            transaction.pragma_update(None, "user_version", version).map_err(store_error)?;
            transaction.commit().map_err(store_error)?;
        }
        Ok(())
    }

    /// The one step for which SQLite does not wait: others may just be looking what kind of file this is.
    fn use_log(&self, connection: &Connection) -> Result<(), StoreError> {
        let started = Instant::now();
        loop {
            match connection.pragma_update(None, "journal_mode", "WAL") {
                Err(error) if is_busy(&error) && started.elapsed() < BUSY => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                done => return done.map_err(file_error(&self.file())),
            }
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Writes a whole, consistent copy of a database into one file, while others may use it.
pub(super) fn copy_to(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let unfinished = path.with_extension("unfinished");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let Some(target) = unfinished.to_str() else {
        return Err(StoreError::Unavailable(format!("{}: the path is not Unicode", path.display())));
    };
    connection.execute("VACUUM INTO ?1", [target]).map_err(store_error)?;
    std::fs::OpenOptions::new()
        .write(true)
        .open(&unfinished)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    std::fs::rename(&unfinished, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Schema =
        Schema { name: "t", application_id: 7, steps: &["CREATE TABLE a (x INTEGER) STRICT"] };
    const TWO: Schema = Schema {
        name: "t",
        application_id: 7,
        steps: &[
            "CREATE TABLE a (x INTEGER) STRICT",
            "CREATE TABLE b (y INTEGER) STRICT; INSERT INTO b SELECT x FROM a",
        ],
    };
    const BROKEN: Schema = Schema {
        name: "t",
        application_id: 7,
        steps: &[
            "CREATE TABLE a (x INTEGER) STRICT",
            "CREATE TABLE b (y INTEGER) STRICT; INSERT INTO c VALUES (1)",
        ],
    };

    fn file_of_version_one(dir: &Path) -> Connection {
        let mut connection = ONE.connect(dir).unwrap();
        ONE.migrate(&mut connection, dir).unwrap();
        connection.execute("INSERT INTO a VALUES (41)", []).unwrap();
        connection
    }

    #[test]
    fn an_older_file_takes_the_missing_steps_and_a_copy_of_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = file_of_version_one(dir.path());
        assert_eq!(TWO.missing_steps(&connection).unwrap(), 1);
        TWO.migrate(&mut connection, dir.path()).unwrap();
        assert_eq!(connection.query_row("SELECT y FROM b", [], |row| row.get::<_, i64>(0)), Ok(41));

        let copy = Connection::open(dir.path().join("t.v1.backup.sqlite")).unwrap();
        assert_eq!(ONE.missing_steps(&copy).unwrap(), 0, "the copy is the file as it was");
        assert_eq!(copy.query_row("SELECT x FROM a", [], |row| row.get::<_, i64>(0)), Ok(41));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = file_of_version_one(dir.path());
        BROKEN.migrate(&mut connection, dir.path()).unwrap_err();
        assert_eq!(ONE.missing_steps(&connection).unwrap(), 0);
        assert!(connection.query_row("SELECT y FROM b", [], |_| Ok(())).is_err(), "half a step was kept");
        TWO.migrate(&mut connection, dir.path()).unwrap();
    }

    #[test]
    fn a_newer_file_and_a_file_of_another_program_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = TWO.connect(dir.path()).unwrap();
        TWO.migrate(&mut connection, dir.path()).unwrap();
        let newer = ONE.missing_steps(&connection).unwrap_err().to_string();
        assert!(newer.contains("newer calsync (format 2, this one knows 1)"), "{newer}");

        connection.pragma_update(None, "application_id", 8).unwrap();
        let foreign = TWO.missing_steps(&connection).unwrap_err().to_string();
        assert!(foreign.contains("another program"), "{foreign}");
    }
}
