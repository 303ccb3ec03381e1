//! From SQLite's errors to what a caller does next. Nothing of what is stored gets into a message.

use calsync_core::store::StoreError;
use rusqlite::ErrorCode;

/// Sorts an error of SQLite.
#[allow(clippy::needless_pass_by_value, reason = "`map_err` gives it so")]
pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    sort(None, &error)
}

/// The same, for a file that has to be named because nothing else about it is known yet.
pub(super) fn file_error(file: &str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| sort(Some(file), &error)
}

fn sort(file: Option<&str>, error: &rusqlite::Error) -> StoreError {
    let file = file.map(|file| format!("{file}: ")).unwrap_or_default();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged(format!("{file}{error}: restore a backup of the state directory"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unavailable(format!(
            "{file}another program keeps it locked: leave the state directory out of virus scans and file backups"
        )),
        Some(ErrorCode::DiskFull) => StoreError::Unavailable(format!("{file}the disk is full: make room")),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            StoreError::Unavailable(format!(
                "{file}{error}: check that this account may write the state directory and all files in it"
            ))
        }
        Some(_) => StoreError::Unavailable(format!("{file}{error}")),
        None => StoreError::Damaged(format!("{file}a value has an unexpected type: restore a backup")),
    }
}

/// JSON that cannot be read. The position is told, not the content.
pub(super) fn json_error(what: &'static str, error: &serde_json::Error) -> StoreError {
    StoreError::Damaged(format!(
        "{what} cannot be read (line {}, column {}): restore a backup, or reset the pairing",
        error.line(),
        error.column()
    ))
}

/// A number that does not fit; none of ours ever is that large.
pub(super) fn out_of_range(what: &'static str) -> StoreError {
    StoreError::Damaged(format!("{what} is out of range: restore a backup, or reset the pairing"))
}
