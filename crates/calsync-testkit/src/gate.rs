//! What may stand in front of a mock: it sees each request before and after it is carried out, and says what becomes of it.
//!
//! A simulation puts one there. Requests and answers are real and come over HTTP; the gate only holds them, breaks their
//! connection, has something else answer, or carries them out twice or late.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It is carried out and answered.
    Through,
    /// The connection breaks before it is looked at.
    Lost,
    /// 429 or 503 with the time after which it may be sent again, as the server says that; nothing is done.
    Throttled(Duration),
    /// 503 without a word about when; nothing is done.
    Unavailable,
    /// 401; nothing is done.
    Denied,
    /// 200 with a page in HTML, as a login form in front of the server gives it; nothing is done.
    Page,
    /// It is carried out, and the connection breaks without an answer.
    AnswerLost,
    /// It is carried out, and the connection breaks in the middle of the answer.
    AnswerCut,
    /// It is carried out when the gate wants; the client waits until it gives up.
    Late,
    /// It is carried out twice, as proxies do that try again; the client gets the first or the second answer.
    Twice {
        /// Whether it is the first one.
        first: bool,
    },
}

/// Something that is still to happen.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// See the [module](self).
pub trait Gate: Send + Sync {
    /// A request of this operation has arrived.
    fn arrives<'a>(&'a self, operation: &'a str) -> Soon<'a, Passage>;

    /// Carries a request of this operation out: calls `act` once, and nothing else happens to the server meanwhile.
    fn carries(&self, operation: &str, act: &mut dyn FnMut());

    /// The answer is ready to be sent.
    fn answered(&self) -> Soon<'_, ()>;

    /// A request to be carried out some time, which nobody waits for any more.
    fn keeps(&self, operation: &str, act: Box<dyn FnMut() + Send>);
}

/// Where a mock keeps its gate.
#[derive(Clone, Default)]
pub(crate) struct Gateway(Arc<Mutex<Option<Arc<dyn Gate>>>>);

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

impl Gateway {
    pub(crate) fn set(&self, gate: Arc<dyn Gate>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(gate);
    }

    pub(crate) fn get(&self) -> Option<Arc<dyn Gate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a gate makes of a request that the mock answers with a `T`.
pub(crate) enum Passed<T> {
    Answer(T),
    /// The answer, and the connection that is to break in the middle of it.
    Cut(T),
    Dropped,
    Throttled(Duration),
    Unavailable,
    Denied,
    Page,
}

/// Takes a request through a gate.
pub(crate) async fn pass<T: Send + 'static>(
    gate: &dyn Gate,
    operation: &str,
    mut answer: impl FnMut() -> T + Send + 'static,
) -> Passed<T> {
    let through = |answer: &mut dyn FnMut() -> T| {
        let mut answered = None;
        gate.carries(operation, &mut || answered = Some(answer()));
        answered
    };
    let passage = gate.arrives(operation).await;
    let answered = match passage {
        Passage::Lost => return Passed::Dropped,
        Passage::Throttled(wait) => return Passed::Throttled(wait),
        Passage::Unavailable => return Passed::Unavailable,
        Passage::Denied => return Passed::Denied,
        Passage::Page => return Passed::Page,
        Passage::Late => {
            gate.keeps(operation, Box::new(move || drop(answer())));
            return std::future::pending().await;
        }
        Passage::Twice { first } => {
            let (one, two) = (through(&mut answer), through(&mut answer));
            if first { one } else { two }
        }
        Passage::Through | Passage::AnswerLost | Passage::AnswerCut => through(&mut answer),
    };
    gate.answered().await;
    match (passage, answered) {
        (Passage::AnswerLost, _) | (_, None) => Passed::Dropped,
        (Passage::AnswerCut, Some(answer)) => Passed::Cut(answer),
        (_, Some(answer)) => Passed::Answer(answer),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A gate that has one thing in mind, and counts what is carried out.
    struct Sure(Passage, AtomicU32, Mutex<Vec<Box<dyn FnMut() + Send>>>);

    impl Gate for Sure {
        fn arrives<'a>(&'a self, _: &'a str) -> Soon<'a, Passage> {
            Box::pin(std::future::ready(self.0))
        }

        fn carries(&self, _: &str, act: &mut dyn FnMut()) {
            self.1.fetch_add(1, Ordering::Relaxed);
            act();
        }

        fn answered(&self) -> Soon<'_, ()> {
            Box::pin(std::future::ready(()))
        }

        fn keeps(&self, _: &str, act: Box<dyn FnMut() + Send>) {
            self.2.lock().unwrap().push(act);
        }
    }

    /// What becomes of a request whose answers count up from 1, and how often it was carried out.
    async fn through(passage: Passage) -> (Option<Passed<u32>>, u32) {
        let gate = Sure(passage, AtomicU32::new(0), Mutex::default());
        let mut answers = 0;
        let count = move || {
            answers += 1;
            answers
        };
        let passed = tokio::time::timeout(Duration::from_millis(20), pass(&gate, "write", count)).await;
        for mut late in gate.2.into_inner().unwrap() {
            late();
        }
        (passed.ok(), gate.1.into_inner())
    }

    #[tokio::test]
    async fn a_gate_decides_whether_and_how_often_a_request_is_carried_out() {
        assert!(matches!(through(Passage::Through).await, (Some(Passed::Answer(1)), 1)));
        assert!(matches!(through(Passage::Lost).await, (Some(Passed::Dropped), 0)));
        assert!(matches!(through(Passage::Denied).await, (Some(Passed::Denied), 0)));
        assert!(matches!(through(Passage::AnswerLost).await, (Some(Passed::Dropped), 1)));
        assert!(matches!(through(Passage::AnswerCut).await, (Some(Passed::Cut(1)), 1)));
        assert!(matches!(through(Passage::Twice { first: true }).await, (Some(Passed::Answer(1)), 2)));
        assert!(matches!(through(Passage::Twice { first: false }).await, (Some(Passed::Answer(2)), 2)));
        // The client waits in vain; the gate carries it out when it wants.
        assert!(matches!(through(Passage::Late).await, (None, 0)));
    }
}
