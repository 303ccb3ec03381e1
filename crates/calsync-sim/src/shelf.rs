//! The state store behind a disk that may be full, a process that may die, and an administrator with backups.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use calsync_core::ids::{ItemKey, LinkId, PairingId, Side, Uid};
use calsync_core::link::{Half, Head, Link, MatchKey, Tombstone, Wish};
use calsync_core::memory::MemoryStore;
use calsync_core::model::Field;
use calsync_core::source::WriteOp;
use calsync_core::store::{
    Commit, Counts, Fence, JournalEntry, JournalQuery, Lease, StateStore, StoreError, Tenure,
};
use chrono::{DateTime, Utc};

use crate::rng::Stream;
use crate::watch::{Journaled, Shared};
use crate::words::{Spot, words};

/// A state store with backups.
pub trait Vault: Send + Sync {
    /// The store as it is now.
    fn store(&self) -> Arc<dyn StateStore>;
    /// Takes a backup; gives its number.
    fn backup(&self) -> usize;
    /// Goes back to a backup; `None` is an empty store.
    fn restore(&self, backup: Option<usize>);
    /// The only process that had it open has died.
    fn abandoned(&self) {}
}

/// A vault in memory.
#[derive(Default)]
pub(crate) struct MemoryVault {
    now: Mutex<Arc<MemoryStore>>,
    backups: Mutex<Vec<MemoryStore>>,
}

impl Vault for MemoryVault {
    fn store(&self) -> Arc<dyn StateStore> {
        Arc::<MemoryStore>::clone(&self.now.lock().unwrap_or_else(PoisonError::into_inner)) as _
    }

    fn backup(&self) -> usize {
        let now = MemoryStore::clone(&self.now.lock().unwrap_or_else(PoisonError::into_inner));
        let mut backups = self.backups.lock().unwrap_or_else(PoisonError::into_inner);
        backups.push(now);
        backups.len() - 1
    }

    fn restore(&self, backup: Option<usize>) {
        let backups = self.backups.lock().unwrap_or_else(PoisonError::into_inner);
        let content = backup.and_then(|at| backups.get(at)).cloned().unwrap_or_default();
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(content);
    }
}

/// The store as a daemon has it.
pub(crate) struct Shelf {
    inner: Arc<dyn StateStore>,
    /// Whose it is.
    daemon: usize,
    shared: Arc<Shared>,
}

/// When the disk is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    No,
    Before,
    After,
}

impl Shelf {
    pub(crate) fn new(inner: Arc<dyn StateStore>, daemon: usize, shared: Arc<Shared>) -> Shelf {
        Shelf { inner, daemon, shared }
    }

    /// Whether leases matter. A daemon that is alone meets none but its own; its runs stay as they were without.
    fn is_alone(&self) -> bool {
        self.shared.options.daemons == 1
    }

    async fn begins(&self, writes: bool) -> Result<Full, StoreError> {
        let drawn = {
            let mut watch = self.shared.watch();
            watch.requests += 1;
            watch.round().requests += 1;
            let number = watch.requests;
            let at_rest = watch.at_rest || self.shared.options.rates.store == 0;
            drop(watch);
            if at_rest { None } else { self.shared.draw(Stream::Request, number) }
        };
        self.shared.pause().await;
        let mut full = Full::No;
        if let Some(mut rng) = drawn
            && rng.chance(self.shared.options.rates.store)
        {
            full = if writes && rng.chance(500) { Full::After } else { Full::Before };
        }
        if full == Full::Before {
            self.shared.fault(if writes { "store full" } else { "store not readable" });
            self.answered().await;
            return Err(gone_wrong());
        }
        Ok(full)
    }

    async fn answered(&self) {
        {
            let mut watch = self.shared.watch();
            watch.steps += 1;
            watch.trace(9);
        }
        self.shared.pause().await;
    }

    async fn ends<T>(&self, full: Full, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if full == Full::After {
            self.shared.fault("store's answer lost");
        }
        self.answered().await;
        if full == Full::After { Err(gone_wrong()) } else { answer }
    }

    async fn reads<T>(&self, answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let full = self.begins(false).await?;
        self.ends(full, answer.await).await
    }

    /// The journal as it is, whatever becomes of the store.
    fn note(&self, entries: &[JournalEntry]) {
        let mut watch = self.shared.watch();
        for entry in entries {
            if let Some(before) = &entry.before {
                let deletes = matches!(entry.write.op, WriteOp::Delete { .. });
                words(before, &mut |word, _| {
                    watch.before_images.insert(word);
                    if deletes {
                        watch.named_lost.insert(word);
                    }
                });
            }
            if let Some(losing) = &entry.losing {
                words(&losing.series, &mut |word, spot| {
                    if losing.paths.iter().any(|path| names(path, &spot)) {
                        watch.named_lost.insert(word);
                    }
                });
            }
            let name = (entry.write.link.0, entry.side, entry.write.receipt.number);
            let journaled = Journaled {
                receipt: entry.write.receipt.clone(),
                before: entry.before.clone(),
                reason: entry.reason.clone(),
                planned: entry.at,
                first_sync: !watch.first_sync_done,
            };
            watch.journal.entry(name).or_default().push(journaled);
            watch.trace(entry.write.link.0);
            if watch.script.is_some() {
                watch.say(format_args!("journal {}: {}", entry.side, entry.reason));
            }
        }
    }
}

/// Whether what stands at `spot` is part of what a path of the journal names.
fn names(path: &str, (instance, field): &Spot) -> bool {
    match instance {
        None => path == format!("master.{field}") || *field == Field::Span && path == "recurrence",
        Some(key) => {
            let whole = format!("instance {}", key.to_text());
            path == whole || path == format!("{whole} {field}")
        }
    }
}

fn gone_wrong() -> StoreError {
    StoreError::Unavailable("the disk is full".to_owned())
}

#[async_trait]
impl StateStore for Shelf {
    async fn head(&self, pairing: &PairingId) -> Result<Head, StoreError> {
        self.reads(self.inner.head(pairing)).await
    }

    async fn links_by_key(
        &self,
        pairing: &PairingId,
        side: Side,
        keys: &[ItemKey],
    ) -> Result<Vec<Link>, StoreError> {
        self.reads(self.inner.links_by_key(pairing, side, keys)).await
    }

    async fn links_by_uid(
        &self,
        pairing: &PairingId,
        side: Side,
        uids: &[Uid],
    ) -> Result<Vec<Link>, StoreError> {
        self.reads(self.inner.links_by_uid(pairing, side, uids)).await
    }

    async fn links_by_id(&self, pairing: &PairingId, ids: &[LinkId]) -> Result<Vec<Link>, StoreError> {
        self.reads(self.inner.links_by_id(pairing, ids)).await
    }

    async fn lone_links(
        &self,
        pairing: &PairingId,
        side: Side,
        by: &[MatchKey],
    ) -> Result<Vec<Link>, StoreError> {
        self.reads(self.inner.lone_links(pairing, side, by)).await
    }

    async fn due_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        self.reads(self.inner.due_links(pairing, after, now, limit)).await
    }

    async fn unlisted_links(
        &self,
        pairing: &PairingId,
        side: Side,
        listing: u32,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        self.reads(self.inner.unlisted_links(pairing, side, listing, after, limit)).await
    }

    async fn links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        self.reads(self.inner.links(pairing, after, limit)).await
    }

    async fn counts(&self, pairing: &PairingId) -> Result<Counts, StoreError> {
        self.reads(self.inner.counts(pairing)).await
    }

    async fn tombstones(
        &self,
        pairing: &PairingId,
        side: Side,
        halves: &[Half],
    ) -> Result<Vec<Tombstone>, StoreError> {
        self.reads(self.inner.tombstones(pairing, side, halves)).await
    }

    async fn lease(&self, pairing: &PairingId) -> Result<Lease, StoreError> {
        if self.is_alone() {
            return self.inner.lease(pairing).await;
        }
        self.reads(self.inner.lease(pairing)).await
    }

    async fn claim(&self, pairing: &PairingId, seen: &Lease, tenure: &Tenure) -> Result<Lease, StoreError> {
        let full = if self.is_alone() { Full::No } else { self.begins(true).await? };
        let answer = self.inner.claim(pairing, seen, tenure).await;
        if let Ok(lease) = &answer {
            self.shared.grant(self.daemon, lease.fence);
        }
        if self.is_alone() {
            return answer;
        }
        self.ends(full, answer).await
    }

    async fn renew(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
        if self.is_alone() {
            return self.inner.renew(pairing, fence).await;
        }
        let full = self.begins(true).await?;
        let answer = self.inner.renew(pairing, fence).await;
        if matches!(answer, Err(StoreError::Fenced)) {
            self.shared.branch("woke up too late");
        }
        self.ends(full, answer).await
    }

    async fn release(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
        if self.is_alone() {
            return self.inner.release(pairing, fence).await;
        }
        let full = self.begins(true).await?;
        let answer = self.inner.release(pairing, fence).await;
        self.ends(full, answer).await
    }

    async fn journal(&self, pairing: &PairingId, entries: &[JournalEntry]) -> Result<(), StoreError> {
        let full = self.begins(true).await?;
        let answer = self.inner.journal(pairing, entries).await;
        if answer.is_ok() {
            self.note(entries);
            for entry in entries {
                self.shared.stored(entry.fence);
            }
        }
        self.ends(full, answer).await
    }

    async fn commit(&self, pairing: &PairingId, commit: &Commit) -> Result<(), StoreError> {
        let full = self.begins(true).await?;
        let before = self.inner.head(pairing).await?;
        let answer = self.inner.commit(pairing, commit).await;
        match &answer {
            Ok(()) => {
                let after = self.inner.head(pairing).await?;
                self.shared.committed(&before, &after, commit);
                self.shared.stored(commit.fence);
            }
            Err(StoreError::Fenced) => self.shared.branch("an old fence was refused"),
            Err(StoreError::Conflict) => {
                self.shared.violated("I20", "two daemons commit upon the same state".to_owned());
            }
            Err(_) => {}
        }
        self.ends(full, answer).await
    }

    async fn held_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        self.reads(self.inner.held_links(pairing, after, limit)).await
    }

    async fn journal_entries(
        &self,
        pairing: &PairingId,
        query: &JournalQuery,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        self.reads(self.inner.journal_entries(pairing, query)).await
    }

    async fn order(
        &self,
        pairing: &PairingId,
        at: DateTime<Utc>,
        by: &str,
        what: &Wish,
    ) -> Result<u64, StoreError> {
        self.inner.order(pairing, at, by, what).await
    }

    async fn erase_journal(
        &self,
        pairing: &PairingId,
        before: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.inner.erase_journal(pairing, before, now).await
    }

    async fn reset(&self, pairing: &PairingId) -> Result<(), StoreError> {
        self.inner.reset(pairing).await
    }
}
