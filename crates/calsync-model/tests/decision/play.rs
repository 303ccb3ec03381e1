//! Plays one round, with somebody acting before some of its requests, or an answer getting lost.

use std::sync::Arc;

use calsync_core::drive;
use calsync_core::ids::{PerSide, Side};
use calsync_core::source::{CalendarSource, SourceError, SourceErrorKind, WriteOp, WriteOutcome};
use calsync_core::store::{Recorded, StateStore};
use calsync_core::sync::{Mode, Private, Reply, Request, Round, RoundInput, RoundReport, Settings};

use super::people::Act;
use super::world::{Names, World, block_on, texts};

/// What happens besides the round, and before which of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// Somebody does something.
    Deed(Side, Act),
    /// The write of this request does not arrive, or its answer does not.
    Lost { carried_out: bool },
}

pub type Script = Vec<(usize, Meanwhile)>;

/// One request of a round.
pub struct Point {
    /// What it asks for.
    pub what: &'static str,
    /// To which side it goes.
    pub side: Option<Side>,
    pub is_write: bool,
    /// The world before it, where that is another one than before the request before it.
    pub before: Option<Arc<World>>,
    /// The world in the middle of it.
    pub inside: Option<Arc<World>>,
}

pub struct Played {
    pub points: Vec<Point>,
    /// Something was journaled or written.
    pub wrote: bool,
    pub end: World,
    pub report: RoundReport,
}

/// Plays a round. `None` where somebody cannot do what the script says. Without `watched`, the worlds on the way are
/// not kept.
pub fn play(
    start: &World,
    names: &Names,
    settings: &Settings,
    script: &[(usize, Meanwhile)],
    watched: bool,
) -> Option<Played> {
    let mut world = start.clone();
    world.pass(300);
    let mut round = Round::new(RoundInput {
        pairing: names.pairing.clone(),
        settings: settings.clone(),
        mode: Mode::Sync,
        now: world.now,
        capabilities: PerSide::from_fn(|side| world.sides.get(side).capabilities()),
    });
    // As whoever has the pairing.
    let fence = block_on(world.store.lease(&names.pairing)).unwrap().fence;
    let mut points: Vec<Point> = Vec::new();
    let mut changed = true;
    let mut wrote = false;
    for number in 0.. {
        let request = round.poll();
        let mut lost = None;
        for (at, meanwhile) in script {
            if *at == number {
                match *meanwhile {
                    Meanwhile::Deed(side, act) => {
                        if !world.act(side, act) {
                            return None;
                        }
                        changed = true;
                    }
                    Meanwhile::Lost { carried_out } => lost = Some(carried_out),
                }
            }
        }
        if let Request::Done(report) = request {
            return Some(Played { points, wrote, end: world, report: *report });
        }
        let before = (watched && std::mem::take(&mut changed)).then(|| Arc::new(world.clone()));
        let what = name(&request);
        let (side, is_write) = match &request {
            Request::Changes(side, _) | Request::Fetch(side, _) | Request::FindCreated(side, _) => {
                (Some(*side), false)
            }
            Request::Apply(side, writes) => {
                inspect(&mut world, *side, writes, settings);
                (Some(*side), true)
            }
            Request::Journal(entries) => {
                world.store_chain = super::chain::mix(world.store_chain, "journal", entries);
                (None, false)
            }
            Request::Commit(commit) => {
                world.store_chain = super::chain::mix(world.store_chain, "commit", commit);
                (None, false)
            }
            _ => (None, false),
        };
        let stores = matches!(request, Request::Journal(_) | Request::Commit(_));
        changed |= is_write || stores;
        wrote |= is_write || matches!(request, Request::Journal(_));
        let reply = if lost == Some(false) && is_write {
            unknown()
        } else {
            let reply =
                block_on(drive::answer(world.pair(names, settings), &world.store, &world, fence, request));
            let reply = reply.unwrap();
            if lost.is_some() && is_write { unknown() } else { reply }
        };
        let mut inside = None;
        if let (true, Some(side)) = (is_write, side) {
            let halfway = world.sides.get(side).shelf().halfway.take();
            if let (true, Some(halfway)) = (watched, halfway) {
                let inner = world.clone();
                *inner.sides.get(side).shelf() = *halfway;
                inside = Some(Arc::new(inner));
            }
            world.note_public(side);
        }
        points.push(Point { what, side, is_write, before, inside });
        round.handle(reply);
    }
    None
}

/// What is asked for, in a word.
pub fn name(request: &Request) -> &'static str {
    let write = |writes: &[Recorded<calsync_core::source::Write>]| match writes
        .first()
        .map(|write| &write.get().op)
    {
        Some(WriteOp::Create { .. }) => "create",
        Some(WriteOp::Update { .. }) => "update",
        Some(WriteOp::Delete { .. }) => "delete",
        None => "nothing",
    };
    match request {
        Request::Head => "head",
        Request::LinksByKey(..)
        | Request::LinksByUid(..)
        | Request::LinksById(_)
        | Request::LoneLinks(..) => "links",
        Request::DueLinks { .. } | Request::UnlistedLinks { .. } => "due",
        Request::Changes(..) => "changes",
        Request::Fetch(..) => "fetch",
        Request::FindCreated(..) => "find",
        Request::Journal(_) => "journal",
        Request::Apply(_, writes) => write(writes),
        Request::Commit(_) => "commit",
        Request::Done(_) => "done",
        _ => "else",
    }
}

pub fn unknown() -> Reply {
    let error = SourceError::new("write", SourceErrorKind::NoAnswer);
    Reply::Applied(vec![WriteOutcome::Unknown(error)], Vec::new())
}

/// What no write may ever do.
pub fn inspect(
    world: &mut World,
    side: Side,
    writes: &[Recorded<calsync_core::source::Write>],
    settings: &Settings,
) {
    let mut wrong = Vec::new();
    if !settings.direction.writes(side) {
        wrong.push(format!("a write to {side} against the direction"));
    }
    let from = side.other();
    if settings.outward.get(from).private != Private::Pass {
        let shelf = world.sides.get(side).shelf();
        for write in writes {
            let written = match &write.get().op {
                WriteOp::Create { series, .. } => texts(series),
                WriteOp::Update { key, patch, .. } => {
                    let there = shelf.items.get(key.as_str()).map(|stored| stored.series.as_ref());
                    let old = there.map(texts).unwrap_or_default();
                    let mut new = there.map(|series| texts(&patch.apply(series))).unwrap_or_default();
                    new.retain(|text| !old.contains(text));
                    new
                }
                WriteOp::Delete { .. } => Vec::new(),
            };
            for text in written {
                if world.is_secret(from, &text) {
                    wrong.push(format!("the private text {text} of {from} is written to {side}"));
                }
            }
        }
    }
    world.wrong.append(&mut wrong);
}
