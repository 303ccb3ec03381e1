//! What the tests of a round's parts have in common.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use chrono::DateTime;

use super::port::Port;
use super::{Mode, Reply, Request, RoundInput, Stop, Work};
use crate::ids::{ContentHash, CreateToken, ItemKey, PairingId, PerSide, Side};
use crate::link::{Half, Hold, HoldKind, Link, Observation, Sighting};
use crate::model::Series;
use crate::source::{Capabilities, Receipt};
use crate::sync::Settings;
use crate::sync::examples::{half, left, moved, once};

pub(super) fn pairing() -> PairingId {
    PairingId::new("meier")
}

/// A round of that pairing that did nothing yet; both sides hold all fields, and B gives UIDs of its own.
pub(super) fn work() -> Work {
    let side =
        |kept_uid: usize| Capabilities { batch: 3, unheld: &[], marks: false, sentinel: false, kept_uid };
    let input = RoundInput {
        pairing: pairing(),
        settings: Settings::default(),
        mode: Mode::Sync,
        now: DateTime::UNIX_EPOCH,
        capabilities: PerSide { a: side(255), b: side(0) },
    };
    Work::new(input, Port::default())
}

/// What a part of a round comes to where its requests are answered so.
pub(super) fn answered<T>(
    port: &Port,
    work: impl Future<Output = Result<T, Stop>>,
    answer: impl Fn(&Request) -> Reply,
) -> T {
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(done)) => return done,
            Poll::Ready(Err(_)) => panic!("it stopped"),
            Poll::Pending => port.answer(answer(&port.request().unwrap())),
        }
    }
}

/// An item of which nothing is known but what was just seen, perhaps with a receipt.
pub(super) fn lone(side: Side, key: &str, series: &Series, receipt: Option<Receipt>) -> Link {
    let item = half(key, series, series);
    let seen = item.sighted_anew().map(|sighting| Sighting { receipt, ..sighting });
    let seen = seen.map(|sighting| Observation::Present(Box::new(sighting)));
    Link::found(&pairing(), side, Half { shadow: None, seen, ..item })
}

/// The item `a1` of A as it is everywhere here, in step with the item `b1` of B.
pub(super) fn pair(theirs: &Series) -> Link {
    let mut link = Link::found(&pairing(), Side::A, half("a1", &once(), &once()));
    link.halves.b = Some(half("b1", theirs, theirs));
    link
}

/// The link, about which a person is asked that.
pub(super) fn known_as(kind: HoldKind, mut link: Link) -> Link {
    let (about, since) = (ContentHash::of(&[]), DateTime::UNIX_EPOCH);
    link.hold = Some(Hold { why: String::new(), since, guard: None, kind, about, answer: None });
    link
}

/// What we leave in what we make of `a1`, when so many were made before.
pub(super) fn made(before: u32) -> Receipt {
    let counterpart = ItemKey::new("a1");
    let token = CreateToken::derive(&pairing(), Side::B, &counterpart, before);
    Receipt { token, counterpart, ..left(1, &once(), &once()) }
}

/// The appointment on another day.
pub(super) fn elsewhen() -> Series {
    moved(&once(), 5)
}
