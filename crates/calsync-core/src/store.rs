//! What the engine remembers between rounds, and the order that makes a crash harmless: journal, write, commit.
//!
//! [`record`] is the only maker of [`Recorded`], and a source accepts nothing else: no write leaves before the journal
//! holds it. [`Commit`] stores links, closed intents, tombstones and change tokens in one transaction.

mod journal;
mod lease;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::defects::{Defect, planted};
use crate::ids::{ChangeToken, ItemKey, LinkId, PairingId, PerSide, Side, Uid};
use crate::link::{Half, Head, Lately, Link, Listing, Marks, MatchKey, Tombstone, Wish};
use crate::source::Write;

pub use self::journal::{EntryId, Erased, JournalEntry, JournalQuery, Losing, LostBy, RoundId};
pub use self::lease::{Fence, Lease, Tenure};

/// Durable state of all pairings.
///
/// An item belongs to one link at a time, and link ids stay below 2^63: the engine sees to both. A conformance suite
/// for implementations is in `calsync-testkit`.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The head of a pairing; of one that was never synchronised, the default.
    async fn head(&self, pairing: &PairingId) -> Result<Head, StoreError>;

    /// The links whose `side` is one of these items; unknown keys are left out, order is that of link ids.
    async fn links_by_key(
        &self,
        pairing: &PairingId,
        side: Side,
        keys: &[ItemKey],
    ) -> Result<Vec<Link>, StoreError>;

    /// The links whose item on `side` had one of these UIDs when it was last known, in order of ids, each once.
    async fn links_by_uid(
        &self,
        pairing: &PairingId,
        side: Side,
        uids: &[Uid],
    ) -> Result<Vec<Link>, StoreError>;

    /// The links with these ids, in order of ids; unknown ones are left out.
    async fn links_by_id(&self, pairing: &PairingId, ids: &[LinkId]) -> Result<Vec<Link>, StoreError>;

    /// The links that have only a half on `side` and are found under one of these keys, in order of ids, each once.
    async fn lone_links(
        &self,
        pairing: &PairingId,
        side: Side,
        by: &[MatchKey],
    ) -> Result<Vec<Link>, StoreError>;

    /// Links that are dirty and not set aside beyond `now`, in order of ids after `after`.
    async fn due_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError>;

    /// Links with a half on `side` that was last listed before `listing`, in order of ids after `after`.
    async fn unlisted_links(
        &self,
        pairing: &PairingId,
        side: Side,
        listing: u32,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError>;

    /// All links, in order of ids after `after`.
    async fn links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError>;

    /// Links that wait for a person, in order of ids after `after`.
    async fn held_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError>;

    /// How many links there are, and of what kind.
    async fn counts(&self, pairing: &PairingId) -> Result<Counts, StoreError>;

    /// The tombstones that name one of these items on `side`, or share the UID of one.
    async fn tombstones(
        &self,
        pairing: &PairingId,
        side: Side,
        halves: &[Half],
    ) -> Result<Vec<Tombstone>, StoreError>;

    /// Who works on a pairing, and the last fence that was given.
    async fn lease(&self, pairing: &PairingId) -> Result<Lease, StoreError>;

    /// Gives the pairing to somebody, with the next fence, if the lease is still as it was `seen`.
    ///
    /// The store does not ask whether that is allowed: that the last holder has ended is for the caller to know.
    ///
    /// # Errors
    ///
    /// [`Leased`](StoreError::Leased): it is not as it was seen. Look again.
    async fn claim(&self, pairing: &PairingId, seen: &Lease, tenure: &Tenure) -> Result<Lease, StoreError>;

    /// One more sign of life of whoever was given this fence.
    ///
    /// # Errors
    ///
    /// [`Fenced`](StoreError::Fenced): somebody else has the pairing, or nobody.
    async fn renew(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError>;

    /// Gives a pairing back. Changes nothing where somebody else has it by now.
    async fn release(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError>;

    /// Appends entries to the journal and their writes to the open intents. Both are durable when it returns. The entries
    /// get numbers; those that they have are ignored. Also a sign of life.
    ///
    /// # Errors
    ///
    /// [`Fenced`](StoreError::Fenced): an entry names another [fence](JournalEntry::fence) than the last that was given.
    async fn journal(&self, pairing: &PairingId, entries: &[JournalEntry]) -> Result<(), StoreError>;

    /// Stores one step forward, all or nothing. Also a sign of life.
    ///
    /// # Errors
    ///
    /// [`Fenced`](StoreError::Fenced): it names another [fence](Commit::fence) than the last that was given.
    /// [`Conflict`](StoreError::Conflict): somebody else committed since the head was read; end the round.
    async fn commit(&self, pairing: &PairingId, commit: &Commit) -> Result<(), StoreError>;

    /// Entries of the journal, the newest first; what is asked for and is not there is left out. Like
    /// [`JournalQuery::select`].
    async fn journal_entries(
        &self,
        pairing: &PairingId,
        query: &JournalQuery,
    ) -> Result<Vec<JournalEntry>, StoreError>;

    /// Notes what a person asked for and says under which number: it is in [`Head::orders`] until a commit says that it
    /// is done. Counts the version up, so that a round that runs meets [`Conflict`](StoreError::Conflict) and the next
    /// one knows of it. Numbers are never given twice.
    async fn order(
        &self,
        pairing: &PairingId,
        at: DateTime<Utc>,
        by: &str,
        what: &Wish,
    ) -> Result<u64, StoreError>;

    /// Erases what the journal holds of the appointments of a pairing, of entries before this time or of all: see
    /// [`JournalEntry::erase`]. Says of how many. Allowed beside a running daemon.
    async fn erase_journal(
        &self,
        pairing: &PairingId,
        before: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError>;

    /// Forgets everything about a pairing but its journal and its lease, orders too: the next round is a first sync.
    async fn reset(&self, pairing: &PairingId) -> Result<(), StoreError>;
}

/// How many links a pairing has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// With an item on both sides.
    pub linked: u64,
    /// Of these, with an absence on this side that is not dealt with.
    pub gone: PerSide<u64>,
    /// Waiting for a person.
    pub held: u64,
    /// Set aside after a failure.
    pub failing: u64,
}

/// One step forward: everything in it becomes durable together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The head this stands on; see [`Head::version`].
    pub version: u64,
    /// The claim this stands on; whoever drives the round sets it.
    #[serde(default, skip_serializing_if = "Fence::is_none")]
    pub fence: Fence,
    /// Where to read on, for sides that were read.
    pub tokens: PerSide<Option<ChangeToken>>,
    /// Sides whose token is to be forgotten, so that the next read is a full listing.
    pub forget_tokens: PerSide<bool>,
    /// Listings that began or ended.
    pub listings: PerSide<Option<Listing>>,
    /// Both sides were read to the end and dealt with.
    pub first_sync_done: bool,
    /// Under which rules everything is as it is from now on.
    pub rules: Option<String>,
    /// The marks as they are now.
    pub marks: Option<Marks>,
    /// Links as they are now.
    pub put: Vec<Link>,
    /// Links that ended.
    pub remove: Vec<LinkId>,
    /// Intents whose outcome is known.
    pub closed: Vec<Closed>,
    /// Deletions of the last hour, where there are more of them.
    pub deleted: Option<PerSide<Lately>>,
    /// What must not come back.
    pub tombstones: Vec<Tombstone>,
    /// Orders that are dealt with, one way or another.
    pub orders_done: Vec<u64>,
}

/// An intent whose outcome is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The link it served.
    pub link: LinkId,
    /// Which side it went to.
    pub side: Side,
    /// The number in its receipt.
    pub number: u64,
    /// How it ended, in words.
    pub outcome: String,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else works on the same pairing: end the round, begin a new one.
    #[error("another process changed the state of this pairing meanwhile")]
    Conflict,
    /// Somebody else has this pairing since, or had it: end the round and store nothing more.
    #[error("another process took over this pairing meanwhile")]
    Fenced,
    /// Somebody else works on this pairing: try again later.
    #[error("{holder} works on this pairing")]
    Leased {
        /// Who.
        holder: String,
        /// Whoever sees no sign of life for so long may take its place.
        remains: Duration,
    },
    /// The store cannot be used now: try again later.
    #[error("the state store cannot be used now: {0}")]
    Unavailable(String),
    /// Another process has it: only one may.
    #[error("the state store is in use: {0}")]
    InUse(String),
    /// What is stored cannot be understood: restore a backup, or reset the pairing.
    #[error("the state store is damaged: {0}")]
    Damaged(String),
}

/// A value that the journal holds durably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded<T>(T);

impl<T> Recorded<T> {
    /// What was recorded.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Makes the journal hold these writes, and hands them out to be carried out.
pub async fn record(
    store: &dyn StateStore,
    pairing: &PairingId,
    entries: &[JournalEntry],
) -> Result<Vec<Recorded<Write>>, StoreError> {
    if !planted(Defect::NoJournal) {
        let journaled = store.journal(pairing, entries).await;
        if !planted(Defect::JournalErrorIgnored) {
            journaled?;
        }
    }
    Ok(entries.iter().map(|entry| Recorded(entry.write.clone())).collect())
}
