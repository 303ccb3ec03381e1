//! What befalls real requests. A side whose clients speak a protocol plays the mishaps of the network where they happen,
//! between client and server, and asks the world which; what a request does is seen by the oracles at that moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use calsync_core::ids::Side;
use calsync_core::source::{Applied, Write, WriteOp, WriteOutcome};

use crate::clock::SimClock;
use crate::rng::{Rng, Stream};
use crate::watch::Shared;

/// What befalls a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Befalls {
    /// Nothing.
    Nothing,
    /// It never arrives.
    Lost,
    /// The server has no time: later, it says.
    Throttled(Duration),
    /// The server, or what is in front of it, is out of order.
    Unavailable,
    /// The login is refused.
    Denied,
    /// Something else answers.
    NotUnderstood,
    /// It is carried out, and the answer never arrives.
    AnswerLost,
    /// It is carried out, and the answer breaks off.
    AnswerCut,
    /// It is carried out long after the client gave it up: see [`Line::keep`].
    Late,
    /// It is carried out twice; the client gets the first or the second answer.
    Twice {
        /// Whether it is the first one.
        first: bool,
    },
}

/// The line between the clients of a side and its server.
#[derive(Clone)]
pub struct Line {
    shared: Arc<Shared>,
    side: Side,
}

/// A write that is under way, in one request or in several.
struct Flight {
    side: Side,
    write: Write,
    judged: AtomicBool,
}

/// Writes that are under way.
#[derive(Default)]
pub(crate) struct Flights(Mutex<Vec<Arc<Flight>>>);

/// The writes that a request may carry out.
pub struct Aloft(Vec<Arc<Flight>>);

impl Flights {
    /// Notes writes, until what this gives is dropped.
    pub(crate) fn take_off(shared: &Arc<Shared>, side: Side, writes: impl Iterator<Item = Write>) -> Landing {
        let flights: Vec<_> =
            writes.map(|write| Arc::new(Flight { side, write, judged: AtomicBool::new(false) })).collect();
        shared
            .flights
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(flights.iter().map(Arc::clone));
        Landing { shared: Arc::clone(shared), flights }
    }
}

/// Notes that writes have come down when it is dropped.
pub(crate) struct Landing {
    shared: Arc<Shared>,
    flights: Vec<Arc<Flight>>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut aloft = self.shared.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        aloft.retain(|flight| !self.flights.iter().any(|landed| Arc::ptr_eq(landed, flight)));
    }
}

impl Line {
    pub(crate) fn new(shared: Arc<Shared>, side: Side) -> Line {
        Line { shared, side }
    }

    /// The clock of the world.
    pub fn clock(&self) -> &SimClock {
        &self.shared.clock
    }

    /// Whether nothing goes wrong any more, and nobody acts between requests.
    pub fn is_at_rest(&self) -> bool {
        self.shared.watch().at_rest
    }

    /// A request has left its client. Says what befalls it.
    pub fn leaves(&self, what: &str, writes: bool) -> Befalls {
        self.shared.say(format_args!("{}: {what} on the line", self.side));
        let drawn = {
            let mut watch = self.shared.watch();
            watch.requests += 1;
            watch.round().requests += 1;
            let (number, at_rest) = (watch.requests, watch.at_rest);
            drop(watch);
            if at_rest { None } else { self.shared.draw(Stream::Request, number) }
        };
        let befalls = drawn.map_or(Befalls::Nothing, |mut rng| self.draw(&mut rng, writes));
        let name = match befalls {
            Befalls::Nothing => return befalls,
            Befalls::Lost => "request lost",
            Befalls::Throttled(_) => "throttled",
            Befalls::Unavailable => "unavailable",
            Befalls::Denied => "denied",
            Befalls::NotUnderstood => "answer not understood",
            Befalls::AnswerLost => "answer lost",
            Befalls::AnswerCut => "answer cut off",
            Befalls::Late => "write delayed",
            Befalls::Twice { .. } => "write sent twice",
        };
        self.shared.fault(name);
        befalls
    }

    fn draw(&self, rng: &mut Rng, writes: bool) -> Befalls {
        let rates = &self.shared.options.rates;
        if rng.chance(rates.refused) {
            return match rng.below(10) {
                0 | 1 => Befalls::Throttled(Duration::from_secs(60)),
                2 | 3 => Befalls::Lost,
                4 => Befalls::Denied,
                5 => Befalls::NotUnderstood,
                _ => Befalls::Unavailable,
            };
        }
        if rng.chance(rates.lost) {
            return Befalls::AnswerLost;
        }
        if rng.chance(rates.partial) {
            return Befalls::AnswerCut;
        }
        if writes && rng.chance(rates.late) {
            return Befalls::Late;
        }
        if writes && rng.chance(rates.twice) {
            return Befalls::Twice { first: rng.chance(500) };
        }
        Befalls::Nothing
    }

    /// The server has answered.
    pub fn answered(&self) {
        let mut watch = self.shared.watch();
        watch.steps += 1;
        watch.trace(self.side as u64 + 11);
    }

    /// What the clients of this side are writing now.
    pub fn aloft(&self) -> Aloft {
        let flights = self.shared.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        Aloft(flights.iter().filter(|flight| flight.side == self.side).map(Arc::clone).collect())
    }

    /// Lets the server carry out a request, under the eyes of the oracles: whatever changes here and now was changed by one
    /// of these writes.
    pub fn carries<T>(&self, aloft: &Aloft, act: impl FnOnce() -> T) -> T {
        let open = aloft.0.iter().filter(|flight| !flight.judged.load(Ordering::Relaxed));
        let before: Vec<_> = open
            .map(|flight| (flight, self.standing(&flight.write), self.shared.look(self.side, &flight.write)))
            .collect();
        let done = act();
        for (flight, stood, before) in before {
            if self.standing(&flight.write) != stood {
                flight.judged.store(true, Ordering::Relaxed);
                let outcome = WriteOutcome::Applied(Applied::Deleted);
                self.shared.after_write(self.side, &flight.write, &before, &outcome);
            }
        }
        done
    }

    /// What a write would change: the revision of its item, or how often its appointment is there.
    fn standing(&self, write: &Write) -> Option<u64> {
        let place = self.shared.places.get(self.side);
        match &write.op {
            WriteOp::Update { key, .. } | WriteOp::Delete { key, .. } => {
                place.item(key.as_str()).map(|item| item.revision)
            }
            WriteOp::Create { series, .. } => {
                let items = place.items();
                let book = self.shared.book();
                let event = book.event_of(series)?;
                Some(items.iter().filter(|item| book.event_of(&item.series) == Some(event)).count() as u64)
            }
        }
    }

    /// A request that arrives when its client has given it up.
    pub fn keep(&self, arrives: impl FnOnce() + Send + 'static) {
        self.shared.watch().late.push(Box::new(arrives));
    }

    /// Something that must not happen happened on the way, in the words of an oracle.
    pub fn violated(&self, invariant: &'static str, what: String) {
        self.shared.violated(invariant, what);
    }
}
