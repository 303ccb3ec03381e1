//! What a test makes go wrong, and what it can count afterwards.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What happens to a request instead of, or beside, being answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// 503 with a problem document; nothing is done.
    Unavailable {
        /// `Retry-After`.
        retry_after: Option<u64>,
    },
    /// 429 with a problem document; nothing is done.
    Throttled {
        /// `Retry-After`.
        retry_after: u64,
    },
    /// 500 with a problem document; nothing is done.
    Internal,
    /// The connection is closed before anything is done.
    DropBefore,
    /// Everything is done and the connection is closed without an answer.
    DropAfter,
    /// 200 with an HTML page, as a login page in front of the server would give.
    HtmlPage,
    /// 502 with an HTML page, as a proxy gives it; the request was carried out.
    BadGateway,
    /// A redirect to another address.
    Redirect,
    /// 200 with the first half of the answer, as a complete body; the request was carried out.
    HalfAnAnswer,
    /// The server takes that long before it does anything.
    Slow(Duration),
}

/// A failure, and which requests it hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Only requests of this operation (`changes`, `read`, `find`, `write` ...); `None`: all.
    pub operation: Option<String>,
    /// How many matching requests get through first.
    pub after: u64,
    /// How many requests it then hits.
    pub times: u64,
    /// What happens to them.
    pub failure: Failure,
}

/// What went over the wire, counted by the mock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests by operation.
    pub requests: BTreeMap<String, u64>,
    /// Bytes of request bodies.
    pub received: u64,
    /// Bytes of answer bodies.
    pub sent: u64,
}

#[derive(Debug, Default)]
pub(super) struct Hooks {
    pub(super) faults: VecDeque<Fault>,
    pub(super) latency: Duration,
    pub(super) seen: Seen,
    pub(super) trace: Option<(PathBuf, Arc<AtomicU64>)>,
}

impl Hooks {
    /// Counts a request and says what is to happen to it.
    pub(super) fn hit(&mut self, operation: &str, bytes: usize) -> (Duration, Option<Failure>) {
        *self.seen.requests.entry(operation.to_owned()).or_default() += 1;
        self.seen.received += bytes as u64;
        let mut failure = None;
        for fault in &mut self.faults {
            if fault.operation.as_deref().is_some_and(|of| of != operation) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
            } else if failure.is_none() && fault.times > 0 {
                fault.times -= 1;
                failure = Some(fault.failure.clone());
            }
        }
        self.faults.retain(|fault| fault.times > 0);
        (self.latency, failure)
    }

    /// Paths for the two files of one exchange, when bodies are traced.
    pub(super) fn trace(&self, operation: &str) -> Option<(PathBuf, PathBuf)> {
        let (directory, numbers) = self.trace.as_ref()?;
        let number = numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let path = |part: &str| directory.join(format!("{number:04}-{operation}-{part}.json"));
        Some((path("request"), path("response")))
    }
}
