//! One process at a time runs rounds upon a state directory.
//!
//! The lock is the operating system's, on a file that is never removed: it ends with the process, however that ends.
//! A second file says who has it, for the message only, since a locked file cannot be read on every system.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use calsync_core::store::StoreError;

const LOCK: &str = "state.lock";
const OWNER: &str = "state.owner";

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a state directory, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Lock, StoreError> {
        let unavailable = |error: std::io::Error| {
            StoreError::Unavailable(format!(
                "{}: {error}: check that this account may write the state directory",
                dir.join(LOCK).display()
            ))
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(dir.join(LOCK))
            .map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {
                // Only for the message above; without it the lock is as good.
                let _ = std::fs::write(dir.join(OWNER), std::process::id().to_string());
                Ok(Lock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let owner = std::fs::read_to_string(dir.join(OWNER)).unwrap_or_default();
                let owner = match owner.trim().parse::<u32>() {
                    Ok(id) => format!("process {id}"),
                    Err(_) => "another process".to_owned(),
                };
                Err(StoreError::InUse(format!(
                    "{owner} synchronises with {}: stop it first (the calsync service, or a command that still runs)",
                    dir.display()
                )))
            }
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_by_name_until_the_first_ends() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path()).unwrap();
        let refused = Lock::take(dir.path()).unwrap_err();
        assert!(
            matches!(&refused, StoreError::InUse(text) if text.contains(&std::process::id().to_string()))
        );
        drop(first);
        Lock::take(dir.path()).unwrap();
    }
}
