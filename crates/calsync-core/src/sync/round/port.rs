//! The opening through which a round asks and is answered.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use chrono::{DateTime, Utc};

use super::{LeftOut, RoundReport, Stop};
use crate::defects::{Defect, planted};
use crate::ids::{ChangeToken, CreateToken, ItemKey, LinkId, Side, Uid};
use crate::link::{Half, Head, Link, MatchKey, Tombstone};
use crate::model::Series;
use crate::source::{ChangePage, Fit, Item, Mark, Receipt, Seen, SourceError, Write, WriteOutcome};
use crate::store::{Commit, Counts, JournalEntry, Recorded};

/// What a round asks for. Those that name a side go to its `CalendarSource`, the others to the `StateStore`.
#[derive(Debug, Clone)]
pub enum Request {
    /// `StateStore::head`.
    Head,
    /// `StateStore::links_by_key`.
    LinksByKey(Side, Vec<ItemKey>),
    /// `StateStore::links_by_uid`.
    LinksByUid(Side, Vec<Uid>),
    /// `StateStore::links_by_id`.
    LinksById(Vec<LinkId>),
    /// `StateStore::lone_links`.
    LoneLinks(Side, Vec<MatchKey>),
    /// `StateStore::due_links`.
    DueLinks {
        /// After this one.
        after: Option<LinkId>,
        /// Not set aside beyond this time.
        now: DateTime<Utc>,
        /// At most.
        limit: usize,
    },
    /// `StateStore::unlisted_links`.
    UnlistedLinks {
        /// Of this side.
        side: Side,
        /// Last listed before this listing.
        listing: u32,
        /// After this one.
        after: Option<LinkId>,
        /// At most.
        limit: usize,
    },
    /// `StateStore::counts`.
    Counts,
    /// `StateStore::tombstones`.
    Tombstones(Side, Vec<Half>),
    /// `CalendarSource::changes`.
    Changes(Side, Option<ChangeToken>),
    /// `CalendarSource::fetch`.
    Fetch(Side, Vec<ItemKey>),
    /// `CalendarSource::find_created`.
    FindCreated(Side, Vec<CreateToken>),
    /// `CalendarSource::fit`, for each.
    Fit(Side, Vec<Series>),
    /// `store::record`.
    Journal(Vec<JournalEntry>),
    /// `CalendarSource::apply`.
    Apply(Side, Vec<Recorded<Write>>),
    /// `CalendarSource::upkeep`.
    Upkeep(Side),
    /// `CalendarSource::sentinel`.
    Mark(Side),
    /// `CalendarSource::set_sentinel`.
    SetMark {
        /// On this side.
        side: Side,
        /// What it shows.
        expected: Option<Mark>,
        /// What it is to show.
        new: Mark,
    },
    /// `StateStore::commit`.
    Commit(Box<Commit>),
    /// The round is over.
    Done(Box<RoundReport>),
}

/// The answer to a [`Request`]. A store that fails is not answered: the round is dropped.
#[derive(Debug)]
pub enum Reply {
    /// To [`Request::Head`].
    Head(Box<Head>),
    /// To the requests for links.
    Links(Vec<Link>),
    /// To [`Request::Counts`].
    Counts(Counts),
    /// To [`Request::Tombstones`].
    Tombstones(Vec<Tombstone>),
    /// To [`Request::Changes`]; with our clock when the answer came.
    Changes(Result<ChangePage, SourceError>, DateTime<Utc>),
    /// To [`Request::Fetch`].
    Fetched(Result<Vec<Seen>, SourceError>),
    /// To [`Request::FindCreated`].
    Found(Result<Vec<Seen>, SourceError>),
    /// To [`Request::Fit`].
    Fits(Vec<Fit>),
    /// To [`Request::Journal`].
    Recorded(Vec<Recorded<Write>>),
    /// To [`Request::Apply`]; with the files that the writes went without.
    Applied(Vec<WriteOutcome>, Vec<LeftOut>),
    /// To [`Request::Upkeep`].
    KeptUp(Result<u64, SourceError>),
    /// To [`Request::Mark`].
    Mark(Result<Option<Mark>, SourceError>),
    /// To [`Request::SetMark`].
    MarkSet(Result<(), SourceError>),
    /// To [`Request::Commit`].
    Committed,
}

#[derive(Default)]
struct Slot {
    request: Option<Request>,
    reply: Option<Reply>,
}

/// Both ends of the opening.
#[derive(Clone, Default)]
pub(super) struct Port(Arc<Mutex<Slot>>);

/// Items beyond what is carried count as unreadable: there, and left alone. The receipt in a copy that a person made is
/// about another item.
fn believed(seen: Seen) -> Seen {
    match seen {
        Seen::Present(mut item) => match item.series.within_limits() {
            Ok(()) => {
                if is_copy(&item) {
                    item.receipt = None;
                }
                Seen::Present(item)
            }
            Err(too_much) => Seen::Unreadable(too_much.to_string()),
        },
        other => other,
    }
}

/// What carries a token, unless it is a copy: of that which was made with the token, no other is older.
fn found(seen: Seen) -> Seen {
    match seen {
        Seen::Present(item) if is_copy(&item) => Seen::Absent,
        other => believed(other),
    }
}

fn each(look: fn(Seen) -> Seen, seen: Vec<Seen>) -> Vec<Seen> {
    seen.into_iter().map(look).collect()
}

fn is_copy(item: &Item) -> bool {
    let other = |receipt: &Receipt| !receipt.is_of(&item.series.uid);
    item.receipt.as_ref().is_some_and(other) && !planted(Defect::CopyIsOurs)
}

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident($($arg:ident : $type:ty),*) = $request:expr => $pattern:pat => $value:expr, $output:ty;)+) => {$(
        $(#[$doc])*
        pub(super) async fn $name(&self $(, $arg: $type)*) -> Result<$output, Stop> {
            match self.ask($request).await {
                $pattern => $value,
                _ => Err(Stop::WrongReply),
            }
        }
    )+};
}

impl Port {
    fn with<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> T {
        // Nothing in here can panic while the lock is held, so a poisoned lock still holds a whole slot.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a request waits for an answer.
    pub(super) fn is_asking(&self) -> bool {
        self.with(|slot| slot.request.is_some())
    }

    /// The request that waits for an answer.
    pub(super) fn request(&self) -> Option<Request> {
        self.with(|slot| slot.request.clone())
    }

    /// Answers it.
    pub(super) fn answer(&self, reply: Reply) {
        self.with(|slot| {
            slot.request = None;
            slot.reply = Some(reply);
        });
    }

    async fn ask(&self, request: Request) -> Reply {
        self.with(|slot| slot.request = Some(request));
        poll_fn(|_| self.with(|slot| slot.reply.take().map_or(Poll::Pending, Poll::Ready))).await
    }

    questions! {
        head() = Request::Head => Reply::Head(head) => Ok(*head), Head;
        links_by_key(side: Side, keys: Vec<ItemKey>) = Request::LinksByKey(side, keys)
            => Reply::Links(links) => Ok(links), Vec<Link>;
        links_by_uid(side: Side, uids: Vec<Uid>) = Request::LinksByUid(side, uids)
            => Reply::Links(links) => Ok(links), Vec<Link>;
        links_by_id(ids: Vec<LinkId>) = Request::LinksById(ids) => Reply::Links(links) => Ok(links), Vec<Link>;
        lone_links(side: Side, by: Vec<MatchKey>) = Request::LoneLinks(side, by)
            => Reply::Links(links) => Ok(links), Vec<Link>;
        due_links(after: Option<LinkId>, now: DateTime<Utc>, limit: usize) = Request::DueLinks { after, now, limit }
            => Reply::Links(links) => Ok(links), Vec<Link>;
        unlisted_links(side: Side, listing: u32, after: Option<LinkId>, limit: usize)
            = Request::UnlistedLinks { side, listing, after, limit }
            => Reply::Links(links) => Ok(links), Vec<Link>;
        counts() = Request::Counts => Reply::Counts(counts) => Ok(counts), Counts;
        tombstones(side: Side, halves: Vec<Half>) = Request::Tombstones(side, halves)
            => Reply::Tombstones(tombstones) => Ok(tombstones), Vec<Tombstone>;
        changes(side: Side, since: Option<ChangeToken>) = Request::Changes(side, since)
            => Reply::Changes(page, at) => Ok((page, at)), (Result<ChangePage, SourceError>, DateTime<Utc>);
        fetch_some(side: Side, keys: Vec<ItemKey>) = Request::Fetch(side, keys)
            => Reply::Fetched(seen) => seen.map(|seen| each(believed, seen)).map_err(|error| Stop::Source(side, error)), Vec<Seen>;
        find_some(side: Side, tokens: Vec<CreateToken>) = Request::FindCreated(side, tokens)
            => Reply::Found(seen) => seen.map(|seen| each(found, seen)).map_err(|error| Stop::Source(side, error)), Vec<Seen>;
        fits(side: Side, series: Vec<Series>) = Request::Fit(side, series) => Reply::Fits(fits) => Ok(fits), Vec<Fit>;
        journal(entries: Vec<JournalEntry>) = Request::Journal(entries)
            => Reply::Recorded(writes) => Ok(writes), Vec<Recorded<Write>>;
        apply_some(side: Side, writes: Vec<Recorded<Write>>) = Request::Apply(side, writes)
            => Reply::Applied(outcomes, left_out) => Ok((outcomes, left_out)), (Vec<WriteOutcome>, Vec<LeftOut>);
        upkeep(side: Side) = Request::Upkeep(side)
            => Reply::KeptUp(items) => items.map_err(|error| Stop::Source(side, error)), u64;
        mark(side: Side) = Request::Mark(side)
            => Reply::Mark(mark) => Ok(mark), Result<Option<Mark>, SourceError>;
        set_mark(side: Side, expected: Option<Mark>, new: Mark) = Request::SetMark { side, expected, new }
            => Reply::MarkSet(done) => Ok(done), Result<(), SourceError>;
        commit(commit: Commit) = Request::Commit(Box::new(commit)) => Reply::Committed => Ok(()), ();
    }

    /// Reads any number of items, one answer each.
    pub(super) async fn fetch(&self, side: Side, batch: usize, keys: &[ItemKey]) -> Result<Vec<Seen>, Stop> {
        let mut all = Vec::with_capacity(keys.len());
        for keys in keys.chunks(batch) {
            let seen = self.fetch_some(side, keys.to_vec()).await?;
            if seen.len() != keys.len() {
                return Err(Stop::WrongReply);
            }
            all.extend(seen);
        }
        Ok(all)
    }

    /// Looks for any number of created items, one answer each.
    pub(super) async fn find(
        &self,
        side: Side,
        batch: usize,
        tokens: &[CreateToken],
    ) -> Result<Vec<Seen>, Stop> {
        let mut all = Vec::with_capacity(tokens.len());
        for tokens in tokens.chunks(batch) {
            let found = self.find_some(side, tokens.to_vec()).await?;
            if found.len() != tokens.len() {
                return Err(Stop::WrongReply);
            }
            all.extend(found);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Uid;
    use crate::sync::examples::{half, left, once, shows};

    #[test]
    fn a_copy_that_carries_the_token_is_not_what_was_made_with_it() {
        let mut item = shows(half("b1", &once(), &once()), &left(1, &once(), &once())).item().unwrap();
        let present = |item: &Item| Seen::Present(Box::new(item.clone()));
        for (own_uid, is_it) in [(None, true), (Some(once().uid), true), (Some(Uid::new("another")), false)] {
            if let Some(receipt) = &mut item.receipt {
                receipt.own_uid = own_uid;
            }
            let expected = if is_it { present(&item) } else { Seen::Absent };
            assert_eq!(found(present(&item)), expected);
        }
    }
}
