//! One round for one pairing, as a machine that asks and is answered.
//!
//! [`Round::poll`] gives the next [`Request`], [`Round::handle`] takes the [`Reply`]; nothing else goes in or out, so a
//! round can be repeated from its replies. The order is
//!
//! 1. recover: writes whose outcome was not stored are settled by asking;
//! 2. orders: what people asked for is noted where it is decided, and earlier writes are taken back;
//! 3. read: pages of each side's feed become observations, stored together with the token that covers them;
//! 4. for each batch of links with observations: match, decide, look before create, journal, write, read back, commit.
//!
//! A round that is dropped anywhere leaves observations, intents and tokens from which the next one goes on. Inside,
//! the steps are written as an `async` function that is polled by hand: it needs no runtime and reads top to bottom.

mod carry_out;
#[cfg(test)]
mod examples;
mod fit;
mod guard;
mod matching;
mod orders;
mod port;
mod read;
mod reconcile;
mod recover;
mod report;
mod revisit;
mod sentinel;
mod twins;
mod undo;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};

use chrono::{DateTime, Utc};

use self::orders::Given;
use self::port::Port;
pub use self::port::{Reply, Request};
pub use self::report::{Became, Failure, ItemFailure, LeftOut, OrderOutcome, RoundReport, SideReport};
use self::undo::Planned;
use super::settings::{ClockOffsets, Settings};
use super::settle::Setting;
use crate::defects::{Defect, planted};
use crate::ids::{ChangeToken, LinkId, PairingId, PerSide, Side, Uid};
use crate::link::{Answer, Half, Head, Link, Listing, Tombstone, Which};
use crate::source::{Capabilities, SourceError, SourceErrorKind};
use crate::store::{Closed, Commit, RoundId};

/// What a round may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Read, plan and write.
    Sync,
    /// Read and plan. Commits are still asked for and have to go to a scratch copy of the store; journal and
    /// writes are never asked for.
    Plan,
}

/// Everything a round depends on, besides the replies.
#[derive(Debug, Clone)]
pub struct RoundInput {
    /// For which pairing.
    pub pairing: PairingId,
    /// How it is to be kept in step.
    pub settings: Settings,
    /// What this round may do.
    pub mode: Mode,
    /// Our clock at the start.
    pub now: DateTime<Utc>,
    /// What each side can do.
    pub capabilities: PerSide<Capabilities>,
}

/// The machine of one round.
pub struct Round {
    work: Pin<Box<dyn Future<Output = RoundReport> + Send>>,
    port: Port,
    done: Option<Box<RoundReport>>,
}

impl std::fmt::Debug for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Round").field("done", &self.done).finish_non_exhaustive()
    }
}

impl Round {
    /// A round that has not asked for anything yet.
    pub fn new(input: RoundInput) -> Round {
        let port = Port::default();
        let work = Box::pin(run(Work::new(input, port.clone())));
        Round { work, port, done: None }
    }

    /// The next request. Asked again before it was answered, it is the same; after the end it is always
    /// [`Request::Done`].
    pub fn poll(&mut self) -> Request {
        if self.done.is_none() && !self.port.is_asking() {
            let mut context = TaskContext::from_waker(Waker::noop());
            if let Poll::Ready(report) = self.work.as_mut().poll(&mut context) {
                self.done = Some(Box::new(report));
            }
        }
        match (&self.done, self.port.request()) {
            (Some(report), _) => Request::Done(report.clone()),
            (None, Some(request)) => request,
            // Unreachable by construction: the work only waits for replies. Ending is the safe answer.
            (None, None) => Request::Done(Box::new(RoundReport {
                failure: Some(Failure::WrongReply),
                ..RoundReport::default()
            })),
        }
    }

    /// Answers the last request.
    pub fn handle(&mut self, reply: Reply) {
        self.port.answer(reply);
    }
}

/// The state of a round while it runs.
struct Work {
    input: RoundInput,
    port: Port,
    head: Head,
    /// The name of this round in the journal.
    round: RoundId,
    offsets: ClockOffsets,
    /// Our clock when a change feed was read last. What is found to be gone went before that.
    last_read: DateTime<Utc>,
    /// The settings under which everything was as it is, where the rules changed since.
    before: Option<Box<Settings>>,
    /// On which side there are too many changes to be meant.
    hold_changes: PerSide<bool>,
    /// Where something is that nobody could read yet, and that may be anything.
    unread: PerSide<bool>,
    /// The UIDs of what cannot be read now, and may be gone.
    unsure: PerSide<BTreeSet<Uid>>,
    /// Why a side is not written any more in this round.
    unusable: PerSide<Option<SourceError>>,
    /// Answers that this round took and that nothing was decided upon yet.
    answers: BTreeMap<LinkId, Given>,
    /// In a plan: items as they would be after what is taken back.
    planned: PerSide<Planned>,
    report: RoundReport,
    /// The marks were looked at in this round.
    marks_seen: bool,
    /// The number that they are given is stored.
    marks_open: bool,
    /// Something was found to be gone in this round.
    went: bool,
    /// The side that leads, of links that were brought under it in this round.
    leading: BTreeMap<LinkId, Side>,
}

/// Why a round ends before its time.
enum Stop {
    Source(Side, SourceError),
    WrongReply,
    /// It begins anew: this store turned out to be older than the calendars.
    StartOver,
}

impl Work {
    fn new(input: RoundInput, port: Port) -> Work {
        let report = RoundReport::new(&input.pairing);
        Work {
            last_read: input.now,
            input,
            port,
            head: Head::default(),
            round: RoundId::default(),
            offsets: ClockOffsets::default(),
            before: None,
            hold_changes: PerSide::default(),
            unread: PerSide::default(),
            unsure: PerSide::default(),
            unusable: PerSide::default(),
            answers: BTreeMap::new(),
            planned: PerSide::default(),
            report,
            marks_seen: false,
            marks_open: false,
            went: false,
            leading: BTreeMap::new(),
        }
    }

    /// Stores one step forward and keeps the head in step with it.
    async fn commit(&mut self, mut commit: Commit) -> Result<(), Stop> {
        commit.version = self.head.version;
        self.head.apply(&commit);
        self.port.commit(commit).await
    }

    /// Stores one step forward; on sides where more items were made than `made` says, the next read looks for them.
    async fn commit_with_made(&mut self, pending: Pending, made: &PerSide<u64>) -> Result<(), Stop> {
        let deleted = pending.deleted;
        let mut commit = pending.into_commit();
        if deleted.a + deleted.b > 0 {
            let now = self.input.now;
            commit.deleted =
                Some(PerSide::from_fn(|side| self.head.deleted.get(side).with(*deleted.get(side), now)));
        }
        for side in Side::BOTH {
            if self.report.sides.get(side).created > *made.get(side) && !planted(Defect::MadeNotLookedFor) {
                *commit.listings.get_mut(side) = Some(self.head.listings.get(side).reopened());
            }
        }
        self.commit(commit).await
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            pairing: &self.input.pairing,
            settings: &self.input.settings,
            listings: self.head.listings,
            unheld: PerSide::from_fn(|side| self.input.capabilities.get(side).unheld),
            now: self.input.now,
        }
    }

    fn batch(&self, side: Side) -> usize {
        self.input.capabilities.get(side).batch.max(1)
    }
}

impl Head {
    /// The head after `commit`. Stores use it too, so that both sides of the promise are the same code.
    pub fn apply(&mut self, commit: &Commit) {
        self.version += 1;
        for side in Side::BOTH {
            if *commit.forget_tokens.get(side) {
                *self.tokens.get_mut(side) = None;
            }
            if let Some(token) = commit.tokens.get(side) {
                *self.tokens.get_mut(side) = Some(token.clone());
            }
            if let Some(listing) = commit.listings.get(side) {
                *self.listings.get_mut(side) = *listing;
            }
        }
        self.first_sync_done |= commit.first_sync_done;
        if let Some(deleted) = &commit.deleted {
            self.deleted.clone_from(deleted);
        }
        if commit.rules.is_some() {
            self.rules.clone_from(&commit.rules);
        }
        self.orders.retain(|order| !commit.orders_done.contains(&order.id));
        if let Some(marks) = &commit.marks {
            self.marks.clone_from(marks);
        }
        self.intents.retain(|intent| {
            !commit.closed.iter().any(|closed| {
                closed.link == intent.write.link
                    && closed.side == intent.side
                    && closed.number == intent.write.receipt.number
            })
        });
    }
}

async fn run(mut work: Work) -> RoundReport {
    let mut result = work.all().await;
    if let Err(Stop::Source(side, error)) = &result
        && error.kind == SourceErrorKind::WentBack
        && work.head.marks.went_back.is_none_or(|known| !known.waits())
        && let Err(stop) = work.notice(Which::Side(*side)).await
    {
        result = Err(stop);
    }
    match result {
        Ok(()) => {}
        Err(Stop::Source(side, error)) => {
            work.report.failure = Some(Failure::Source { side, doing: error.doing, kind: error.kind });
        }
        Err(Stop::WrongReply | Stop::StartOver) => work.report.failure = Some(Failure::WrongReply),
    }
    work.leave_answers();
    work.report
}

impl Work {
    async fn all(&mut self) -> Result<(), Stop> {
        self.head = self.port.head().await?;
        self.round = RoundId(self.head.version);
        self.report.first_sync = !self.head.first_sync_done;
        self.take_lead().await?;
        self.wait_for_choice().await?;
        self.recover().await?;
        match self.take_orders().await {
            // What is left of them is done when both sides were read anew.
            Err(Stop::StartOver) => {}
            taken => taken?,
        }
        self.marks_seen = false;
        self.revisit().await?;
        let mut begun_anew = 0;
        loop {
            for side in Side::BOTH {
                self.read(side).await?;
            }
            self.come_through().await?;
            match self.reconcile().await {
                // At most once for each side: what it shows is known then.
                Err(Stop::StartOver) if begun_anew < Side::BOTH.len() => {
                    begun_anew += 1;
                    self.marks_seen = false;
                }
                done => break done?,
            }
        }
        self.adopt_rules().await?;
        if !self.head.first_sync_done && !self.unread.a && !self.unread.b {
            self.commit(Commit { first_sync_done: true, ..Commit::default() }).await?;
        }
        let counts = self.port.counts().await?;
        self.report.held = counts.held;
        self.report.failing = counts.failing;
        self.report.linked = counts.linked;
        for side in Side::BOTH {
            if self.input.mode == Mode::Sync && self.input.settings.direction.writes(side) {
                self.port.upkeep(side).await?;
            }
        }
        self.set_marks().await
    }
}

/// How many links are handled at a time where no source sets the size.
const LINKS: usize = 200;

/// A commit in the making.
#[derive(Default)]
struct Pending {
    put: Vec<Link>,
    remove: Vec<LinkId>,
    closed: Vec<Closed>,
    tombstones: Vec<Tombstone>,
    /// Deletions that were carried from this side.
    deleted: PerSide<u64>,
    orders_done: Vec<u64>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.put.is_empty()
            && self.remove.is_empty()
            && self.closed.is_empty()
            && self.tombstones.is_empty()
            && self.orders_done.is_empty()
    }

    fn into_commit(self) -> Commit {
        let Pending { put, remove, closed, tombstones, orders_done, deleted: _ } = self;
        Commit { put, remove, closed, tombstones, orders_done, ..Commit::default() }
    }

    /// A deletion was carried to this side; those that a person approved are not counted.
    fn count_deletion(&mut self, link: &Link, to: Side) {
        if link.hold.as_ref().is_none_or(|hold| hold.answer != Some(Answer::Approve))
            && !planted(Defect::HourForgotten)
        {
            *self.deleted.get_mut(to.other()) += 1;
        }
    }

    /// Items that were gone and that the link has others for from now on, or none: put back, they would be there twice, and
    /// what names them is of this link. Of an item that this store never knew, its counterpart's receipt tells.
    fn remember_replaced(&mut self, before: &Link, now: &Link, at: DateTime<Utc>) {
        for side in Side::BOTH {
            let uid_of = |half: &Half| half.latest().map(|(_, series)| series.uid.clone());
            let new = now.halves.get(side).as_ref();
            let (key, uid) = match before.halves.get(side) {
                Some(old) if old.is_gone() => (Some(&old.key), uid_of(old)),
                Some(_) => (None, None),
                None => {
                    let Some(new) = new else { continue };
                    let theirs = before.halves.get(side.other()).as_ref().and_then(|half| half.sighting());
                    let receipt = theirs.and_then(|sighting| sighting.receipt.as_ref());
                    let named = receipt.and_then(|receipt| receipt.counterpart_uid.clone());
                    (receipt.map(|receipt| &receipt.counterpart), named.or_else(|| uid_of(new)))
                }
            };
            if let (Some(key), Some(uid)) = (key, uid)
                && new.is_none_or(|new| new.key != *key)
                && !planted(Defect::ReplacedForgotten)
            {
                self.tombstones.push(Tombstone::of_item(before.id, side, key.clone(), uid, at));
            }
        }
    }

    /// Two were put together one of which was made of another item: should that come, it would be there twice.
    fn remember_named(&mut self, link: &Link, at: DateTime<Utc>) {
        for side in Side::BOTH {
            let (Some(half), Some(theirs)) = (link.halves.get(side), link.halves.get(side.other())) else {
                continue;
            };
            let Some(receipt) = theirs.receipt().filter(|_| !theirs.names(half)) else { continue };
            if let Some(uid) = receipt.counterpart_uid.clone()
                && receipt.counterpart != half.key
                && !planted(Defect::ReplacedForgotten)
            {
                self.tombstones.push(Tombstone::of_item(link.id, side, receipt.counterpart.clone(), uid, at));
            }
        }
    }

    /// The link ends, and what it was is remembered.
    fn bury(&mut self, link: &Link, at: DateTime<Utc>) {
        let uid = Side::BOTH
            .into_iter()
            .find_map(|side| link.halves.get(side).as_ref()?.latest().map(|(_, series)| series.uid.clone()));
        if let Some(uid) = uid
            && !planted(Defect::NoTombstone)
        {
            let keys = PerSide::from_fn(|side| link.halves.get(side).as_ref().map(|half| half.key.clone()));
            self.tombstones.push(Tombstone { link: link.id, uid, keys, at });
        }
        self.remove.push(link.id);
    }
}

/// Says where to read on.
fn token_commit(side: Side, token: ChangeToken, listing: Option<Listing>) -> Commit {
    let mut commit = Commit::default();
    *commit.tokens.get_mut(side) = Some(token);
    *commit.listings.get_mut(side) = listing;
    commit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ItemKey, Revision};
    use crate::link::{Intent, Observation};
    use crate::source::{Write, WriteOp};
    use crate::store::JournalEntry;
    use crate::sync::examples::{half, left, once};

    #[test]
    fn only_the_write_whose_outcome_is_stored_is_no_longer_open() {
        let intent = |link: u64, side: Side, number: u64| {
            let receipt = left(number, &once(), &once());
            let op = WriteOp::Delete { key: ItemKey::new("1"), expected: Revision::new("1") };
            let write = Write { link: LinkId(link), op, receipt };
            Intent { side, write, at: DateTime::UNIX_EPOCH, order: None }
        };
        let others = vec![intent(1, Side::A, 2), intent(1, Side::B, 1), intent(2, Side::A, 1)];
        let closed = Closed {
            link: LinkId(1),
            side: Side::A,
            number: 1,
            outcome: JournalEntry::CARRIED_OUT.to_owned(),
        };
        let mut head = Head { intents: others.clone(), ..Head::default() };
        head.intents.push(intent(1, Side::A, 1));
        head.apply(&Commit { closed: vec![closed], ..Commit::default() });
        assert_eq!((head.intents, head.version), (others, 1));
    }

    #[test]
    fn only_what_was_gone_is_remembered_as_replaced() {
        let at = DateTime::UNIX_EPOCH;
        for gone in [false, true] {
            let mut before = Link::found(&PairingId::new("p"), Side::A, half("a1", &once(), &once()));
            let mut theirs = half("b1", &once(), &once());
            theirs.seen = gone.then_some(Observation::Gone);
            before.halves.b = Some(theirs);
            for new in [None, Some(half("b2", &once(), &once()))] {
                let mut now = before.clone();
                now.halves.b = new;
                let mut pending = Pending::default();
                pending.remember_replaced(&before, &now, at);
                let keys = pending.tombstones.iter().map(|buried| buried.keys.b.clone());
                let expected = before.halves.b.iter().filter(|_| gone).map(|half| Some(half.key.clone()));
                assert_eq!(keys.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
        }
    }
}
