//! A process that works on the pairing: a real round that can be stopped between any two requests, and copied.
//!
//! A round cannot be copied, but it is a function of the answers that it was given: the copy is a new one that is given
//! the same.

use std::sync::Arc;

use calsync_core::drive;
use calsync_core::ids::{PerSide, Side};
use calsync_core::source::{CalendarSource, SourceError, WriteOutcome};
use calsync_core::store::{Fence, StateStore, Tenure};
use calsync_core::sync::{Mode, Reply, Request, Round, RoundInput, Settings};
use chrono::{DateTime, Utc};

use super::chain::mix;
use super::play::{inspect, name, unknown};
use super::world::{Names, World, block_on};

/// A round in the making, under a claim.
pub struct Worker {
    pub fence: Fence,
    /// Somebody else has the pairing since, because this one was not to be heard of for longer than its lease.
    pub overtaken: bool,
    /// Writes that were journaled under its claim and not sent yet.
    unsent: usize,
    /// When its round began.
    now: DateTime<Utc>,
    answers: Vec<Arc<Reply>>,
    /// What it is about to ask for.
    pub next: Arc<Request>,
    /// Its last step changed something that outlives it.
    pub left_something: bool,
    /// It left an item half made on this side with its last step.
    pub inside: Option<(Side, Box<super::calendar::Shelf>)>,
    /// Says what it learned, from the beginning.
    pub chain: u64,
    /// The round itself; made again where it is missing.
    live: Option<Round>,
}

impl Clone for Worker {
    fn clone(&self) -> Worker {
        Worker {
            answers: self.answers.clone(),
            next: self.next.clone(),
            inside: self.inside.clone(),
            live: None,
            ..*self
        }
    }
}

/// How a step ended.
pub enum Step {
    /// There is more to do.
    Goes,
    /// The round is over and the claim was given back.
    Done,
    /// The store refused: the round is dropped, whatever it has open.
    Refused,
}

impl Worker {
    /// Claims the pairing as it is now and begins a round.
    pub fn start(world: &mut World, names: &Names, settings: &Settings) -> Worker {
        world.pass(300);
        let seen = block_on(world.store.lease(&names.pairing)).unwrap();
        let length = std::time::Duration::from_secs(60);
        let tenure = Tenure { holder: format!("worker {}", seen.fence.next()), length };
        let lease = block_on(world.store.claim(&names.pairing, &seen, &tenure)).unwrap();
        let mut round = round(world.now, world, names, settings);
        let next = Arc::new(round.poll());
        Worker {
            fence: lease.fence,
            overtaken: false,
            unsent: 0,
            now: world.now,
            answers: Vec::new(),
            next,
            left_something: true,
            inside: None,
            chain: 0,
            live: Some(round),
        }
    }

    /// To which side the next request goes.
    pub fn side(&self) -> Option<Side> {
        match self.next.as_ref() {
            Request::Changes(side, _)
            | Request::Fetch(side, _)
            | Request::FindCreated(side, _)
            | Request::Apply(side, _) => Some(*side),
            _ => None,
        }
    }

    pub fn writes(&self) -> bool {
        matches!(self.next.as_ref(), Request::Apply(..))
    }

    /// Whether it can still change anything though the store takes nothing from it any more: no write leaves that is not
    /// journaled.
    pub fn has_unsent(&self) -> bool {
        self.unsent > 0
    }

    pub fn asks(&self) -> &'static str {
        name(&self.next)
    }

    /// Carries out the next request. `lost`: its answer does not come, after it was carried out or without that.
    pub fn step(
        &mut self,
        world: &mut World,
        names: &Names,
        settings: &Settings,
        lost: Option<bool>,
        fenced: bool,
    ) -> Step {
        let request = self.next.as_ref().clone();
        self.left_something = false;
        self.inside = None;
        let part = match self.side() {
            Some(side) => world.sides.get(side).shelf().chain,
            None => world.store_chain,
        };
        self.chain = mix(self.chain, self.asks(), &(part, lost));
        // A store without fences takes it as if it came from whoever has the pairing.
        let fence =
            if fenced { self.fence } else { block_on(world.store.lease(&names.pairing)).unwrap().fence };
        match &request {
            Request::Done(_) => {
                block_on(world.store.release(&names.pairing, self.fence)).unwrap();
                return Step::Done;
            }
            Request::Apply(side, writes) => inspect(world, *side, writes, settings),
            _ => {}
        }
        match &request {
            Request::Journal(entries) => self.unsent += entries.len(),
            Request::Apply(_, writes) => self.unsent = self.unsent.saturating_sub(writes.len()),
            _ => {}
        }
        let stored = match &request {
            Request::Journal(entries) => mix(world.store_chain, "journal", entries),
            Request::Commit(commit) => mix(world.store_chain, "commit", commit),
            _ => world.store_chain,
        };
        let reply = if lost == Some(false) {
            unknown()
        } else {
            match block_on(drive::answer(world.pair(names, settings), &world.store, world, fence, request)) {
                Ok(_) if lost.is_some() => unknown(),
                Ok(reply) => reply,
                Err(_) => return Step::Refused,
            }
        };
        self.left_something = self.writes() || stored != world.store_chain;
        world.store_chain = stored;
        if let (true, Some(side)) = (self.writes(), self.side()) {
            let halfway = world.sides.get(side).shelf().halfway.take();
            self.inside = halfway.map(|shelf| (side, shelf));
            world.note_public(side);
        }
        self.answer(world, names, settings, reply);
        Step::Goes
    }

    fn answer(&mut self, world: &World, names: &Names, settings: &Settings, reply: Reply) {
        let mut live = self.live.take().unwrap_or_else(|| {
            let mut round = round(self.now, world, names, settings);
            for answer in &self.answers {
                round.poll();
                round.handle(copy(answer));
            }
            round.poll();
            round
        });
        self.answers.push(Arc::new(copy(&reply)));
        live.handle(reply);
        self.next = Arc::new(live.poll());
        self.live = Some(live);
    }
}

fn round(now: DateTime<Utc>, world: &World, names: &Names, settings: &Settings) -> Round {
    Round::new(RoundInput {
        pairing: names.pairing.clone(),
        settings: settings.clone(),
        mode: Mode::Sync,
        now,
        capabilities: PerSide::from_fn(|side| world.sides.get(side).capabilities()),
    })
}

fn same_error(error: &SourceError) -> SourceError {
    SourceError::new(error.doing, error.kind.clone())
}

fn again<T: Clone>(answer: &Result<T, SourceError>) -> Result<T, SourceError> {
    match answer {
        Ok(answer) => Ok(answer.clone()),
        Err(error) => Err(same_error(error)),
    }
}

/// The same answer once more.
fn copy(reply: &Reply) -> Reply {
    let same = |outcome: &WriteOutcome| match outcome {
        WriteOutcome::Applied(applied) => WriteOutcome::Applied(applied.clone()),
        WriteOutcome::Refused(error) => WriteOutcome::Refused(same_error(error)),
        WriteOutcome::Unknown(error) => WriteOutcome::Unknown(same_error(error)),
    };
    match reply {
        Reply::Head(head) => Reply::Head(head.clone()),
        Reply::Links(links) => Reply::Links(links.clone()),
        Reply::Counts(counts) => Reply::Counts(*counts),
        Reply::Tombstones(tombstones) => Reply::Tombstones(tombstones.clone()),
        Reply::Changes(page, at) => Reply::Changes(again(page), *at),
        Reply::Fetched(seen) => Reply::Fetched(again(seen)),
        Reply::Found(seen) => Reply::Found(again(seen)),
        Reply::Fits(fits) => Reply::Fits(fits.clone()),
        Reply::Recorded(writes) => Reply::Recorded(writes.clone()),
        Reply::Applied(outcomes, left_out) => {
            Reply::Applied(outcomes.iter().map(same).collect(), left_out.clone())
        }
        Reply::KeptUp(items) => Reply::KeptUp(again(items)),
        Reply::Mark(mark) => Reply::Mark(again(mark)),
        Reply::MarkSet(done) => Reply::MarkSet(again(done)),
        Reply::Committed => Reply::Committed,
    }
}
