//! The network: every request and every answer waits at a gate until the world has had its turn, and there the mishaps of the
//! seed befall it. The runtime runs only while a daemon has its turn.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use calsync_sim::{Befalls, Ground, Line};
use calsync_testkit::gate::{Gate, Passage, Soon};
use tokio::runtime::Runtime;

/// How long both clients wait for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The turns of the world, and the runtime that runs between them.
pub(crate) struct Pace {
    /// What runs in it holds the gate, so the gate does not hold it: it ends with the seed, and its sockets are closed.
    runtime: Weak<Runtime>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    turn: u64,
    /// Somebody waits at a gate since this turn began.
    waits: bool,
    at_gates: Vec<Waker>,
    driver: Option<Waker>,
    /// A client is to wait in vain.
    in_vain: bool,
}

impl Pace {
    pub(crate) fn runtime(&self) -> Arc<Runtime> {
        self.runtime.upgrade().unwrap()
    }

    pub(crate) fn new(runtime: &Arc<Runtime>) -> Arc<Pace> {
        Arc::new(Pace { runtime: Arc::downgrade(runtime), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at a gate until the world has had a turn.
    async fn hold(&self) {
        let arrived = self.state().turn;
        poll_fn(|context| {
            let mut state = self.state();
            if state.turn > arrived {
                return Poll::Ready(());
            }
            state.at_gates.push(context.waker().clone());
            Self::stop(&mut state);
            Poll::Pending
        })
        .await;
    }

    /// Lets what passed a gate get as far as it gets, also what nobody waits for any more, before a daemon goes on: else it
    /// would depend on the machine which of them is first.
    async fn settle(&self) {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }

    /// Ends the turn of the daemon.
    fn stop(state: &mut State) {
        state.waits = true;
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
    }
}

impl Ground for Pace {
    fn turn(&self, poll: &mut dyn FnMut(&mut Context<'_>) -> bool) {
        let (at_gates, in_vain) = {
            let mut state = self.state();
            state.turn += 1;
            state.waits = false;
            (std::mem::take(&mut state.at_gates), std::mem::take(&mut state.in_vain))
        };
        let is_busy = !at_gates.is_empty();
        at_gates.into_iter().for_each(Waker::wake);
        self.runtime().block_on(async {
            if in_vain {
                tokio::time::pause();
                tokio::time::advance(PATIENCE + Duration::from_secs(1)).await;
                tokio::time::resume();
            }
            if is_busy {
                self.settle().await;
                if self.state().waits {
                    return;
                }
            }
            poll_fn(|context| {
                if poll(context) || self.state().waits {
                    return Poll::Ready(());
                }
                self.state().driver = Some(context.waker().clone());
                Poll::Pending
            })
            .await;
        });
    }
}

/// The gate in front of a server.
pub(crate) struct Turnpike {
    pace: Arc<Pace>,
    line: Mutex<Option<Line>>,
    /// Sets the server's clock.
    tell_time: Box<dyn Fn() + Send + Sync>,
    /// An answer was given since this was asked last that nobody can understand.
    mangled: AtomicBool,
}

impl Turnpike {
    pub(crate) fn new(pace: &Arc<Pace>, tell_time: impl Fn() + Send + Sync + 'static) -> Turnpike {
        Turnpike {
            pace: Arc::clone(pace),
            line: Mutex::default(),
            tell_time: Box::new(tell_time),
            mangled: AtomicBool::new(false),
        }
    }

    pub(crate) fn connect(&self, line: Line) {
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }

    /// The world ends: it has the places, these have their gates, and a gate that kept its line would keep them all.
    pub(crate) fn disconnect(&self) {
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn line(&self) -> Line {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.clone().expect("nothing is sent before the world begins")
    }

    /// Whether an answer was spoilt on purpose since this was asked last.
    pub(crate) fn was_mangled(&self) -> bool {
        self.mangled.swap(false, Ordering::Relaxed)
    }
}

/// Operations that change something.
fn writes(operation: &str) -> bool {
    let prefixes = ["Create", "Update", "Delete", "Move", "write", "put-file"];
    prefixes.iter().any(|prefix| operation.starts_with(prefix))
}

impl Gate for Turnpike {
    fn arrives<'a>(&'a self, operation: &'a str) -> Soon<'a, Passage> {
        Box::pin(async move {
            let line = self.line();
            if line.is_at_rest() {
                return Passage::Through;
            }
            self.pace.hold().await;
            let befalls = line.leaves(operation, writes(operation));
            if matches!(befalls, Befalls::NotUnderstood | Befalls::AnswerCut) {
                self.mangled.store(true, Ordering::Relaxed);
            }
            match befalls {
                Befalls::Nothing => Passage::Through,
                Befalls::Lost => Passage::Lost,
                Befalls::Throttled(wait) => Passage::Throttled(wait),
                Befalls::Unavailable => Passage::Unavailable,
                Befalls::Denied => Passage::Denied,
                Befalls::NotUnderstood => Passage::Page,
                Befalls::AnswerLost => Passage::AnswerLost,
                Befalls::AnswerCut => Passage::AnswerCut,
                Befalls::Late => Passage::Late,
                Befalls::Twice { first } => Passage::Twice { first },
            }
        })
    }

    fn carries(&self, operation: &str, act: &mut dyn FnMut()) {
        (self.tell_time)();
        if writes(operation) {
            self.line().carries(&self.line().aloft(), act);
        } else {
            act();
        }
    }

    fn answered(&self) -> Soon<'_, ()> {
        Box::pin(async move {
            let line = self.line();
            line.answered();
            if !line.is_at_rest() {
                self.pace.hold().await;
            }
        })
    }

    fn keeps(&self, _: &str, act: Box<dyn FnMut() + Send>) {
        let line = self.line();
        let aloft = line.aloft();
        self.line().keep(move || line.carries(&aloft, act));
        let mut state = self.pace.state();
        state.in_vain = true;
        Pace::stop(&mut state);
    }
}
