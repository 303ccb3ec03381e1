//! The state directory: two SQLite files, closed and opened again with each life of the daemon, and copies of them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calsync_core::store::StateStore;
use calsync_sim::Vault;
use calsync_store::SqliteStore;
use tempfile::TempDir;

use super::gate::Pace;

pub(crate) struct Disk {
    dir: TempDir,
    pace: Arc<Pace>,
    /// Lives of the daemon that has the directory for itself.
    lives: Arc<AtomicU64>,
    open: Mutex<Option<SqliteStore>>,
    backups: AtomicU64,
}

impl Disk {
    pub(crate) fn new(pace: Arc<Pace>, lives: Arc<AtomicU64>) -> Disk {
        // What the disk does is the matter of the crash tests of the store; here it only costs time.
        let memory = tempfile::tempdir_in("/dev/shm");
        let dir = memory.or_else(|_| tempfile::tempdir()).unwrap();
        Disk { dir, pace, lives, open: Mutex::default(), backups: AtomicU64::new(0) }
    }

    fn open(&self) -> MutexGuard<'_, Option<SqliteStore>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn copy(&self, number: u64) -> PathBuf {
        self.dir.path().join(format!("backup-{number}"))
    }

    fn opened(&self) -> SqliteStore {
        self.open().get_or_insert_with(|| SqliteStore::open(self.state()).unwrap()).clone()
    }
}

impl Vault for Disk {
    fn store(&self) -> Arc<dyn StateStore> {
        Arc::new(self.opened())
    }

    fn backup(&self) -> usize {
        let number = self.backups.fetch_add(1, Ordering::Relaxed);
        self.pace.runtime().block_on(self.opened().backup(self.copy(number))).unwrap();
        usize::try_from(number).unwrap()
    }

    fn restore(&self, backup: Option<usize>) {
        // The last clone closes the files.
        *self.open() = None;
        if self.state().exists() {
            std::fs::remove_dir_all(self.state()).unwrap();
        }
        if let Some(number) = backup {
            std::fs::create_dir(self.state()).unwrap();
            for file in std::fs::read_dir(self.copy(number as u64)).unwrap() {
                let file = file.unwrap();
                std::fs::copy(file.path(), self.state().join(file.file_name())).unwrap();
            }
        }
        self.lives.fetch_add(1, Ordering::Relaxed);
    }

    fn abandoned(&self) {
        *self.open() = None;
        self.lives.fetch_add(1, Ordering::Relaxed);
    }
}
