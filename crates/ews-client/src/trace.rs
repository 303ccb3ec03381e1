//! Bodies of requests and answers, written to files for whoever has to look at them.
//!
//! Bodies only: headers carry the login. Bodies carry appointments, so a trace is for test systems and for support with
//! the customer's consent.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory that gets `NNNN-OPERATION-request.xml` and `NNNN-OPERATION-response.xml`. Clones count on together.
#[derive(Debug, Clone)]
pub struct TraceDir {
    path: Arc<Path>,
    next: Arc<AtomicU64>,
}

impl TraceDir {
    /// Makes the directory when it is not there. Counting starts at 1.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path: PathBuf = path.into();
        std::fs::create_dir_all(&path)?;
        Ok(Self { path: path.into(), next: Arc::new(AtomicU64::new(1)) })
    }

    /// Writes a request and gives the number for its answer.
    pub(crate) fn request(&self, operation: &str, body: &[u8]) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.write(number, operation, "request", body);
        number
    }

    /// Writes an answer.
    pub(crate) fn response(&self, number: u64, operation: &str, body: &[u8]) {
        self.write(number, operation, "response", body);
    }

    fn write(&self, number: u64, operation: &str, what: &str, body: &[u8]) {
        let path = self.path.join(format!("{number:04}-{operation}-{what}.xml"));
        if let Err(error) = std::fs::write(&path, body) {
            tracing::warn!(path = %path.display(), %error, "cannot write the trace");
        }
    }
}
