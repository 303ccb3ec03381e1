//! Writes every body to a directory, for support and for schema checks.
//!
//! The files hold the text of appointments; tokens are in headers and are not written.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Directory for `NNNN-OPERATION-request.json` and `NNNN-OPERATION-response.json`.
///
/// Numbers come from a counter that several clients may share, so that their files sort in the order of time.
#[derive(Debug, Clone)]
pub struct Trace {
    directory: PathBuf,
    numbers: Arc<AtomicU64>,
}

impl Trace {
    /// Traces into `directory`, which must exist.
    pub fn new(directory: impl Into<PathBuf>, numbers: Arc<AtomicU64>) -> Self {
        Self { directory: directory.into(), numbers }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn next(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) async fn write(&self, number: u64, operation: &str, part: &str, body: &[u8]) {
        let path = self.directory.join(format!("{number:04}-{operation}-{part}.json"));
        if let Err(error) = tokio::fs::write(&path, body).await {
            // A full disk must not stop the synchronisation.
            tracing::warn!(%error, "trace file cannot be written");
        }
    }
}
