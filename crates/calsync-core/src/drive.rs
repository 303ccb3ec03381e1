//! The loop that connects a [`Round`] to two calendar systems and a store.

mod turn;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::ids::{CalendarKey, PairingId, PerSide, Side};
use crate::link::Wish;
use crate::model::Attachment;
use crate::source::{CalendarSource, FileRead, Files, SourceError, SourceErrorKind, Write};
use crate::store::{Fence, StateStore, StoreError, record};
use crate::sync::{
    AttachmentPolicy, LeftOut, Mode, Reply, Request, Round, RoundInput, RoundReport, Settings,
};

pub use self::turn::{Holder, Turn};

/// Tells the time; the engine has no clock of its own.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;

    /// How much time passed since some moment that stays the same as long as this process lives. Nobody can set it, it
    /// never goes back, and it goes on while the machine sleeps.
    fn steady(&self) -> Duration;
}

/// Two calendars, and how they are to be kept in step.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    /// The name of the pairing.
    pub id: &'a PairingId,
    /// Both calendar systems.
    pub sources: PerSide<&'a dyn CalendarSource>,
    /// The calendar on each.
    pub calendars: PerSide<&'a CalendarKey>,
    /// How to keep them in step.
    pub settings: &'a Settings,
}

/// Runs one round: claims the pairing, reads, plans, journals, writes, commits.
///
/// # Errors
///
/// Only the store's; what a calendar system refuses is in the report. [`Leased`](StoreError::Leased) and
/// [`Fenced`](StoreError::Fenced) say that somebody else has the pairing. Dropping the future anywhere is harmless.
pub async fn sync(
    pair: Pair<'_>,
    store: &dyn StateStore,
    clock: &dyn Clock,
    holder: &Holder,
) -> Result<RoundReport, StoreError> {
    let mut turn = holder.begin(pair.id, store, clock).await?;
    let mut round = round(pair, clock, Mode::Sync);
    let report = loop {
        let reply = match round.poll() {
            Request::Done(report) => break Ok(*report),
            request => in_turn(pair, store, clock, &mut turn, request).await,
        };
        match reply {
            Ok(reply) => round.handle(reply),
            Err(error) => break Err(error),
        }
    };
    // What is not given back runs out by itself.
    let _ = turn.end().await;
    report
}

/// Answers one request of a round whose turn it is, as [`answer`] does: stores nothing that somebody else may not expect, and
/// writes only as long as the turn lasts.
///
/// # Errors
///
/// Only the store's.
pub async fn in_turn(
    pair: Pair<'_>,
    store: &dyn StateStore,
    clock: &dyn Clock,
    turn: &mut Turn<'_>,
    request: Request,
) -> Result<Reply, StoreError> {
    let stores = matches!(request, Request::Journal(_) | Request::Commit(_));
    let writes = matches!(request, Request::Apply(..) | Request::SetMark { .. } | Request::Upkeep(_));
    let answer = answer(pair, store, clock, turn.fence(), request);
    match (stores, writes) {
        (true, _) => turn.stores(answer).await,
        (_, true) => turn.writes(answer).await,
        (false, false) => answer.await,
    }
}

/// Says what a round would do, and writes nothing, neither to a calendar nor to the store.
///
/// # Errors
///
/// Only the store's.
pub async fn plan(
    pair: Pair<'_>,
    store: &dyn StateStore,
    clock: &dyn Clock,
) -> Result<RoundReport, StoreError> {
    plan_asked(pair, store, clock, &[]).await
}

/// Says what a round would do if a person had asked for this before it; writes nothing, like [`plan`].
///
/// # Errors
///
/// Only the store's.
pub async fn plan_asked(
    pair: Pair<'_>,
    store: &dyn StateStore,
    clock: &dyn Clock,
    wishes: &[Wish],
) -> Result<RoundReport, StoreError> {
    let scratch = crate::memory::MemoryStore::copy_of(store, pair.id).await?;
    for wish in wishes {
        scratch.order(pair.id, clock.now(), "plan", wish).await?;
    }
    // The copy has links and head only; tombstones may be many and are only ever read, so they stay where they are.
    let mut round = round(pair, clock, Mode::Plan);
    loop {
        let reply = match round.poll() {
            Request::Done(report) => return Ok(*report),
            request @ Request::Tombstones(..) => {
                answer(pair, store, clock, Fence::default(), request).await?
            }
            request => answer(pair, &scratch, clock, Fence::default(), request).await?,
        };
        round.handle(reply);
    }
}

fn round(pair: Pair<'_>, clock: &dyn Clock, mode: Mode) -> Round {
    Round::new(RoundInput {
        pairing: pair.id.clone(),
        settings: pair.settings.clone(),
        mode,
        now: clock.now(),
        capabilities: PerSide::from_fn(|side| pair.sources.get(side).capabilities()),
    })
}

/// Answers one request of a round. Programs that want to stop, delay or look at single requests write their own loop
/// around it; [`Request::Done`] is theirs to handle and is answered with nothing of meaning. What is stored names this
/// fence: that of a [`Turn`], or none where nobody ever claimed the pairing.
///
/// # Errors
///
/// Only the store's.
pub async fn answer(
    pair: Pair<'_>,
    store: &dyn StateStore,
    clock: &dyn Clock,
    fence: Fence,
    request: Request,
) -> Result<Reply, StoreError> {
    let at = |side: Side| (*pair.sources.get(side), *pair.calendars.get(side));
    Ok(match request {
        Request::Head => Reply::Head(Box::new(store.head(pair.id).await?)),
        Request::LinksByKey(side, keys) => Reply::Links(store.links_by_key(pair.id, side, &keys).await?),
        Request::LinksByUid(side, uids) => Reply::Links(store.links_by_uid(pair.id, side, &uids).await?),
        Request::LinksById(ids) => Reply::Links(store.links_by_id(pair.id, &ids).await?),
        Request::LoneLinks(side, by) => Reply::Links(store.lone_links(pair.id, side, &by).await?),
        Request::DueLinks { after, now, limit } => {
            Reply::Links(store.due_links(pair.id, after, now, limit).await?)
        }
        Request::UnlistedLinks { side, listing, after, limit } => {
            Reply::Links(store.unlisted_links(pair.id, side, listing, after, limit).await?)
        }
        Request::Counts => Reply::Counts(store.counts(pair.id).await?),
        Request::Tombstones(side, halves) => {
            Reply::Tombstones(store.tombstones(pair.id, side, &halves).await?)
        }
        Request::Changes(side, since) => {
            let (source, calendar) = at(side);
            let page = source.changes(calendar, since.as_ref()).await;
            Reply::Changes(page, clock.now())
        }
        Request::Fetch(side, keys) => {
            let (source, calendar) = at(side);
            Reply::Fetched(source.fetch(calendar, &keys).await)
        }
        Request::FindCreated(side, tokens) => {
            let (source, calendar) = at(side);
            Reply::Found(source.find_created(calendar, &tokens).await)
        }
        Request::Fit(side, series) => {
            let (source, calendar) = at(side);
            Reply::Fits(series.iter().map(|series| source.fit(calendar, series)).collect())
        }
        Request::Journal(mut entries) => {
            for entry in &mut entries {
                entry.fence = fence;
            }
            Reply::Recorded(record(store, pair.id, &entries).await?)
        }
        Request::Apply(side, writes) => {
            let (source, calendar) = at(side);
            let (from, of) = at(side.other());
            let files =
                OtherSide { side, from, of, policy: pair.settings.attachments, left_out: Mutex::default() };
            let outcomes = source.apply(calendar, &writes, &files).await;
            Reply::Applied(outcomes, files.left_out.into_inner().unwrap_or_else(PoisonError::into_inner))
        }
        Request::Upkeep(side) => {
            let (source, calendar) = at(side);
            Reply::KeptUp(source.upkeep(calendar).await)
        }
        Request::Mark(side) => {
            let (source, calendar) = at(side);
            Reply::Mark(source.sentinel(calendar).await)
        }
        Request::SetMark { side, expected, new } => {
            let (source, calendar) = at(side);
            Reply::MarkSet(source.set_sentinel(calendar, expected.as_ref(), &new).await)
        }
        Request::Commit(mut commit) => {
            commit.fence = fence;
            store.commit(pair.id, &commit).await?;
            Reply::Committed
        }
        // The loop ends before it gets here.
        Request::Done(_) => Reply::Committed,
    })
}

/// The files of the items that writes to a side come from.
struct OtherSide<'a> {
    /// Which side is written.
    side: Side,
    from: &'a dyn CalendarSource,
    of: &'a CalendarKey,
    policy: AttachmentPolicy,
    left_out: Mutex<Vec<LeftOut>>,
}

#[async_trait]
impl Files for OtherSide<'_> {
    async fn read(&self, write: &Write, file: &Attachment) -> Result<FileRead, SourceError> {
        let AttachmentPolicy::Carry { max_bytes } = self.policy else { return Ok(FileRead::Gone) };
        let read = self.from.attachment(self.of, &write.receipt.counterpart, file, max_bytes).await;
        match read {
            Ok(FileRead::Bytes(bytes)) if bytes.len() as u64 <= max_bytes => Ok(FileRead::Bytes(bytes)),
            Ok(FileRead::Bytes(_) | FileRead::TooLarge) => {
                self.leave_out(write, self.policy.too_large());
                Ok(FileRead::TooLarge)
            }
            Ok(FileRead::Gone) => Ok(FileRead::Gone),
            // Whatever is wrong there is no fault of the side that is written: only this item waits for it.
            Err(error) => {
                let why = format!("a file of {} cannot be read: {}", self.side.other(), error.kind);
                Err(SourceError { doing: error.doing, kind: SourceErrorKind::Rejected(why), ..error })
            }
        }
    }

    fn leave_out(&self, write: &Write, why: String) {
        let left = LeftOut { link: write.link, side: self.side, why };
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).push(left);
    }
}
