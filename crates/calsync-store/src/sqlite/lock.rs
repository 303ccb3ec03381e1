//! One process at a time runs rounds upon a state directory.
//!
//! The lock is the operating system's, on a file that is never removed: it ends with the process, however that ends.
//! A second file says who has it, for the message only, since a locked file cannot be read on every system.
//!
//! It is the first line, not the last: locks fail on some network file systems, in copied machines, and when somebody
//! tidies up. What keeps two processes apart then are leases. Where it does hold, it tells more than they do: two
//! processes cannot have had one lock at one time, so whoever has it knows that those who claimed something under it have
//! ended, and need not wait for their leases to run out.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use calsync_core::store::StoreError;

const LOCK: &str = "state.lock";
const OWNER: &str = "state.owner";

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    name: Option<String>,
}

impl Lock {
    /// Names this lock: the same for two processes only if the system would not have given it to both. `None` where that
    /// cannot be said.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

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
                Ok(Lock { name: name(&file), _file: file })
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

/// The file that is locked, and the run of the kernel that keeps the lock. A path would not do: another file may lie there
/// by now.
#[cfg(target_os = "linux")]
fn name(file: &File) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let file = file.metadata().ok()?;
    Some(format!("{}/{}/{}", kernel.trim(), file.dev(), file.ino()))
}

#[cfg(not(target_os = "linux"))]
fn name(_: &File) -> Option<String> {
    None
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
