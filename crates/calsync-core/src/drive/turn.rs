//! Whose turn it is to work on a pairing, and for how long.
//!
//! A [`Holder`] is a process, a [`Turn`] its work on one pairing from claim to release. The two ends of a lease are measured
//! by two clocks that never have to agree:
//!
//! - whoever *has* the pairing counts from before it last gave a sign of life, and lets no write leave when less is left of
//!   the lease than one request may take. It gives another sign first, and goes on only if the store says that nobody came
//!   in between. A process that was stopped or suspended does that too: it looks at its clock before it does anything;
//! - whoever *wants* it counts from after it first saw the lease as it is, and takes it when there was no sign of life since
//!   for its whole length.
//!
//! Both use [`Clock::steady`], so that a clock that is set changes nothing. What is left is the moment between looking at the
//! clock and the first byte on the wire. A process that is stopped right there and for longer than a lease sends one request
//! late, as a slow network does; the expected revision, the token or the receipt in it makes that harmless.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use super::Clock;
use crate::defects::{Defect, planted};
use crate::ids::PairingId;
use crate::store::{Fence, Lease, StateStore, StoreError, Tenure};

/// A process that works on pairings. There is one for all its rounds.
#[derive(Debug)]
pub struct Holder {
    tenure: Tenure,
    margin: Duration,
    known: Mutex<BTreeMap<PairingId, Known>>,
}

/// What a holder knows of a pairing.
#[derive(Debug, Default)]
struct Known {
    /// It works on it.
    busy: bool,
    /// The lease of somebody else, and since when it is as it is.
    seen: Option<(Lease, Duration)>,
}

/// Shorter leases are not worth their renewals.
const SHORTEST: Duration = Duration::from_secs(1);

impl Holder {
    /// `name` is one that no other process has or had, and is shown to people. `longest_request` is the longest time from
    /// the beginning of a request to a calendar system to its end, with or without an answer. A lease is three times as
    /// long.
    pub fn new(name: impl Into<String>, longest_request: Duration) -> Holder {
        let length = longest_request.saturating_mul(3).max(SHORTEST);
        let tenure = Tenure { holder: name.into(), length };
        Holder { tenure, margin: longest_request, known: Mutex::default() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.tenure.holder
    }

    /// Claims a pairing.
    ///
    /// # Errors
    ///
    /// [`Leased`](StoreError::Leased): somebody else works on it. Asked again after that time, it gets the pairing if there
    /// was no sign of life since. Otherwise those of the store.
    pub async fn begin<'a>(
        &'a self,
        pairing: &'a PairingId,
        store: &'a dyn StateStore,
        clock: &'a dyn Clock,
    ) -> Result<Turn<'a>, StoreError> {
        let seat = self.sit_down(pairing)?;
        let asked = clock.steady();
        let lease = store.lease(pairing).await?;
        if let Some(remains) = self.waits(pairing, &lease, asked, clock.steady()) {
            let holder = lease.tenure.map(|tenure| tenure.holder).unwrap_or_default();
            return Err(StoreError::Leased { holder, remains });
        }
        let since = clock.steady();
        let fence = store.claim(pairing, &lease, &self.tenure).await?.fence;
        Ok(Turn { seat, store, clock, fence, since })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<PairingId, Known>> {
        // Whatever a panic left behind is whole: each entry is changed in one step.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Two rounds of one pairing in one process would be one holder to the store.
    fn sit_down<'a>(&'a self, pairing: &'a PairingId) -> Result<Seat<'a>, StoreError> {
        let mut known = self.known();
        let known = known.entry(pairing.clone()).or_default();
        if std::mem::replace(&mut known.busy, true) {
            return Err(StoreError::Leased { holder: self.tenure.holder.clone(), remains: Duration::ZERO });
        }
        Ok(Seat { holder: self, pairing })
    }

    /// How long this lease has to stay as it is before it may be taken; `None` where it may be.
    fn waits(
        &self,
        pairing: &PairingId,
        lease: &Lease,
        asked: Duration,
        answered: Duration,
    ) -> Option<Duration> {
        let mut known = self.known();
        let known = known.entry(pairing.clone()).or_default();
        let Some(tenure) = lease.tenure.as_ref().filter(|tenure| tenure.holder != self.tenure.holder) else {
            known.seen = None;
            return None;
        };
        let since = match &known.seen {
            Some((seen, since)) if seen == lease => *since,
            Some(_) | None => {
                known.seen = Some((lease.clone(), answered));
                answered
            }
        };
        if planted(Defect::LeaseTakenAtOnce) {
            return None;
        }
        let remains = tenure.length.saturating_sub(asked.saturating_sub(since));
        (!remains.is_zero()).then_some(remains)
    }
}

/// That this process works on a pairing, as long as it lives.
#[derive(Debug)]
struct Seat<'a> {
    holder: &'a Holder,
    pairing: &'a PairingId,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(known) = self.holder.known().get_mut(self.pairing) {
            known.busy = false;
        }
    }
}

type Renewing<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// The right to work on a pairing. Dropped without [`end`](Self::end), it runs out by itself; for the same holder it is free
/// at once.
pub struct Turn<'a> {
    seat: Seat<'a>,
    store: &'a dyn StateStore,
    clock: &'a dyn Clock,
    fence: Fence,
    /// Before the last sign of life was given.
    since: Duration,
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Turn { seat, store: _, clock: _, fence, since } = self;
        f.debug_struct("Turn").field("seat", seat).field("fence", fence).field("since", since).finish()
    }
}

impl Turn<'_> {
    /// What everything that is stored has to name.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// Something is stored, which is a sign of life.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn stores<T>(
        &mut self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let since = self.clock.steady();
        let done = work.await?;
        self.since = since;
        Ok(done)
    }

    /// Something is written to a calendar system: goes on only while this turn lasts, and makes it last.
    ///
    /// # Errors
    ///
    /// [`Fenced`](StoreError::Fenced): somebody else has the pairing; nothing was written since. Otherwise those of the
    /// store and of the work.
    pub async fn writes<T>(
        &mut self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (store, pairing, fence) = (self.store, self.seat.pairing, self.fence);
        let mut work = pin!(work);
        let mut renewal: Option<(Duration, Renewing<'_>)> = None;
        poll_fn(|context| {
            if renewal.is_none() && self.grows_old() {
                renewal = Some((self.clock.steady(), Box::pin(store.renew(pairing, fence))));
            }
            if let Some((asked, renewing)) = &mut renewal
                && let Poll::Ready(renewed) = renewing.as_mut().poll(context)
            {
                let asked = *asked;
                renewal = None;
                renewed?;
                self.since = asked;
            }
            if self.is_over() {
                // Where the renewal took too long another one is asked for; where it is under way, that wakes us.
                if renewal.is_none() {
                    context.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            work.as_mut().poll(context)
        })
        .await
    }

    /// Gives the pairing back.
    ///
    /// # Errors
    ///
    /// Those of the store; the turn has ended all the same.
    pub async fn end(self) -> Result<(), StoreError> {
        self.store.release(self.seat.pairing, self.fence).await
    }

    /// How long a write may still leave after the last sign of life.
    fn lasts(&self) -> Duration {
        let Holder { tenure, margin, .. } = self.seat.holder;
        tenure.length.saturating_sub(*margin)
    }

    fn age(&self) -> Duration {
        self.clock.steady().saturating_sub(self.since)
    }

    /// Whether it is time for a sign of life.
    fn grows_old(&self) -> bool {
        self.age() >= self.lasts().checked_div(2).unwrap_or_default()
    }

    /// Whether no write may leave before a sign of life was given.
    fn is_over(&self) -> bool {
        self.age() >= self.lasts() && !planted(Defect::LeaseNeverEnds)
    }
}
