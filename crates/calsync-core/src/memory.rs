//! A [`StateStore`] in memory: for dry runs, tests, and programs that need no durable state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::defects::{Defect, planted};
use crate::ids::{ItemKey, LinkId, PairingId, Side, Uid};
use crate::link::{Half, Head, Link, MatchKey, Order, Tombstone, Wish};
use crate::store::{
    Commit, Counts, EntryId, Fence, JournalEntry, JournalQuery, Lease, StateStore, StoreError, Tenure,
};

/// Keeps the state of any number of pairings as long as it lives.
#[derive(Debug, Default)]
pub struct MemoryStore {
    pairings: Mutex<BTreeMap<PairingId, Pairing>>,
}

/// A copy of everything, as a backup is.
impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        let pairings = self.pairings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        MemoryStore { pairings: Mutex::new(pairings) }
    }
}

#[derive(Debug, Clone, Default)]
struct Pairing {
    head: Head,
    /// Shared with the copies that backups are: a link is large and is only ever replaced as a whole.
    links: BTreeMap<LinkId, Arc<Link>>,
    /// Which link an item belongs to.
    by_key: BTreeMap<(Side, ItemKey), LinkId>,
    /// Which links have an item with a UID.
    by_uid: BTreeMap<(Side, Uid), BTreeSet<LinkId>>,
    /// Under which keys links with one half only are found.
    lone: BTreeMap<(Side, MatchKey), BTreeSet<LinkId>>,
    tombstones: Vec<Tombstone>,
    journal: Vec<Arc<JournalEntry>>,
    /// The number of the last order.
    last_order: u64,
    lease: Lease,
}

impl Pairing {
    /// Refuses whoever was not given the last fence.
    fn admit(&self, fence: Fence) -> Result<(), StoreError> {
        if self.lease.fence == fence || planted(Defect::FenceIgnored) {
            return Ok(());
        }
        Err(StoreError::Fenced)
    }

    fn beat(&mut self) {
        self.lease.beats = self.lease.beats.saturating_add(1);
    }

    fn put(&mut self, link: Link) {
        self.remove(link.id);
        for (side, half) in link.halves.iter() {
            if let Some(half) = half {
                self.by_key.insert((side, half.key.clone()), link.id);
            }
            if let Some(uid) = half.as_ref().and_then(Half::uid) {
                self.by_uid.entry((side, uid.clone())).or_default().insert(link.id);
            }
        }
        for key in lone_keys(&link) {
            self.lone.entry(key).or_default().insert(link.id);
        }
        self.links.insert(link.id, Arc::new(link));
    }

    fn remove(&mut self, id: LinkId) {
        let Some(link) = self.links.remove(&id) else { return };
        for (side, half) in link.halves.iter() {
            if let Some(half) = half
                && self.by_key.get(&(side, half.key.clone())) == Some(&id)
            {
                self.by_key.remove(&(side, half.key.clone()));
            }
            if let Some(uid) = half.as_ref().and_then(Half::uid) {
                take(&mut self.by_uid, &(side, uid.clone()), id);
            }
        }
        for key in lone_keys(&link) {
            take(&mut self.lone, &key, id);
        }
    }

    fn named(&self, ids: impl Iterator<Item = LinkId>) -> Vec<Link> {
        let ids: BTreeSet<LinkId> = ids.collect();
        ids.iter().filter_map(|id| self.links.get(id)).map(|link| link.as_ref().clone()).collect()
    }
}

fn take<K: Ord>(index: &mut BTreeMap<K, BTreeSet<LinkId>>, key: &K, id: LinkId) {
    if let Some(links) = index.get_mut(key) {
        links.remove(&id);
        if links.is_empty() {
            index.remove(key);
        }
    }
}

fn lone_keys(link: &Link) -> Vec<(Side, MatchKey)> {
    let Some(side) = link.lone_side() else { return Vec::new() };
    let half = link.halves.get(side).as_ref();
    let keys = half.map(|half| MatchKey::of(half, &link.memory)).unwrap_or_default();
    keys.into_iter().map(|key| (side, key)).collect()
}

/// How many links are copied at a time.
const PAGE: usize = 500;
/// How often a copy is begun anew when the original moves.
const COPY_TRIES: usize = 5;

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// A copy of head (orders too) and links of one pairing, as another store has them at one moment; without journal
    /// and tombstones.
    ///
    /// # Errors
    ///
    /// Those of the other store; [`Conflict`](StoreError::Conflict) when a round there goes on committing meanwhile.
    pub async fn copy_of(store: &dyn StateStore, pairing: &PairingId) -> Result<MemoryStore, StoreError> {
        for _ in 0..COPY_TRIES {
            let mut copy = Pairing { head: store.head(pairing).await?, ..Pairing::default() };
            let mut after = None;
            loop {
                let page = store.links(pairing, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                for link in page {
                    copy.put(link);
                }
            }
            if store.head(pairing).await?.version == copy.head.version {
                return Ok(MemoryStore { pairings: Mutex::new(BTreeMap::from([(pairing.clone(), copy)])) });
            }
        }
        Err(StoreError::Conflict)
    }

    fn with<T>(&self, pairing: &PairingId, act: impl FnOnce(&mut Pairing) -> T) -> T {
        let mut pairings = self.pairings.lock().unwrap_or_else(PoisonError::into_inner);
        act(pairings.entry(pairing.clone()).or_default())
    }

    fn select(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
        wanted: impl Fn(&Link) -> bool,
    ) -> Vec<Link> {
        self.with(pairing, |pairing| {
            pairing
                .links
                .values()
                .filter(|link| after.is_none_or(|after| link.id > after) && wanted(link))
                .take(limit)
                .map(|link| link.as_ref().clone())
                .collect()
        })
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn head(&self, pairing: &PairingId) -> Result<Head, StoreError> {
        Ok(self.with(pairing, |pairing| pairing.head.clone()))
    }

    async fn links_by_key(
        &self,
        pairing: &PairingId,
        side: Side,
        keys: &[ItemKey],
    ) -> Result<Vec<Link>, StoreError> {
        Ok(self.with(pairing, |pairing| {
            let ids = keys.iter().filter_map(|key| pairing.by_key.get(&(side, key.clone())));
            pairing.named(ids.copied())
        }))
    }

    async fn links_by_uid(
        &self,
        pairing: &PairingId,
        side: Side,
        uids: &[Uid],
    ) -> Result<Vec<Link>, StoreError> {
        Ok(self.with(pairing, |pairing| {
            let ids = uids.iter().filter_map(|uid| pairing.by_uid.get(&(side, uid.clone())));
            pairing.named(ids.flatten().copied())
        }))
    }

    async fn links_by_id(&self, pairing: &PairingId, ids: &[LinkId]) -> Result<Vec<Link>, StoreError> {
        Ok(self.with(pairing, |pairing| pairing.named(ids.iter().copied())))
    }

    async fn lone_links(
        &self,
        pairing: &PairingId,
        side: Side,
        by: &[MatchKey],
    ) -> Result<Vec<Link>, StoreError> {
        Ok(self.with(pairing, |pairing| {
            let ids = by.iter().filter_map(|key| pairing.lone.get(&(side, key.clone())));
            pairing.named(ids.flatten().copied())
        }))
    }

    async fn due_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        Ok(self.select(pairing, after, limit, |link| {
            link.is_dirty() && link.retry.as_ref().is_none_or(|retry| retry.at <= now)
        }))
    }

    async fn unlisted_links(
        &self,
        pairing: &PairingId,
        side: Side,
        listing: u32,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        Ok(self.select(pairing, after, limit, |link| {
            link.halves.get(side).as_ref().is_some_and(|half| half.listed < listing)
        }))
    }

    async fn links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        Ok(self.select(pairing, after, limit, |_| true))
    }

    async fn held_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        Ok(self.select(pairing, after, limit, |link| link.hold.is_some()))
    }

    async fn counts(&self, pairing: &PairingId) -> Result<Counts, StoreError> {
        Ok(self.with(pairing, |pairing| {
            let mut counts = Counts::default();
            for link in pairing.links.values() {
                counts.held += u64::from(link.hold.is_some());
                counts.failing += u64::from(link.retry.is_some());
                if link.lone_side().is_none() {
                    counts.linked += 1;
                    for side in Side::BOTH {
                        let half = link.halves.get(side).as_ref();
                        let gone = half.is_some_and(Half::is_gone);
                        *counts.gone.get_mut(side) += u64::from(gone);
                    }
                }
            }
            counts
        }))
    }

    async fn tombstones(
        &self,
        pairing: &PairingId,
        side: Side,
        halves: &[Half],
    ) -> Result<Vec<Tombstone>, StoreError> {
        Ok(self.with(pairing, |pairing| {
            let names = |tombstone: &Tombstone, half: &Half| {
                tombstone.keys.get(side).as_ref() == Some(&half.key)
                    || half.latest().is_some_and(|(_, series)| series.uid == tombstone.uid)
            };
            let wanted = |tombstone: &&Tombstone| halves.iter().any(|half| names(tombstone, half));
            pairing.tombstones.iter().filter(wanted).cloned().collect()
        }))
    }

    async fn lease(&self, pairing: &PairingId) -> Result<Lease, StoreError> {
        Ok(self.with(pairing, |pairing| pairing.lease.clone()))
    }

    async fn claim(&self, pairing: &PairingId, seen: &Lease, tenure: &Tenure) -> Result<Lease, StoreError> {
        self.with(pairing, |pairing| {
            if pairing.lease != *seen {
                return Err(pairing.lease.refusal());
            }
            pairing.lease = seen.next(tenure);
            Ok(pairing.lease.clone())
        })
    }

    async fn renew(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
        self.with(pairing, |pairing| {
            pairing.admit(fence)?;
            if pairing.lease.tenure.is_none() {
                return Err(StoreError::Fenced);
            }
            pairing.beat();
            Ok(())
        })
    }

    async fn release(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
        self.with(pairing, |pairing| {
            if pairing.lease.fence == fence {
                pairing.lease.tenure = None;
            }
        });
        Ok(())
    }

    async fn journal(&self, pairing: &PairingId, entries: &[JournalEntry]) -> Result<(), StoreError> {
        self.with(pairing, |pairing| {
            for entry in entries {
                pairing.admit(entry.fence)?;
            }
            pairing.beat();
            if !planted(Defect::NoIntents) {
                pairing.head.intents.extend(entries.iter().map(JournalEntry::intent));
            }
            for entry in entries {
                let id = EntryId(pairing.journal.len() as u64 + 1);
                pairing.journal.push(Arc::new(JournalEntry { id, outcome: None, ..entry.clone() }));
            }
            Ok(())
        })
    }

    async fn commit(&self, pairing: &PairingId, commit: &Commit) -> Result<(), StoreError> {
        self.with(pairing, |pairing| {
            pairing.admit(commit.fence)?;
            if pairing.head.version != commit.version && !planted(Defect::CommitVersionIgnored) {
                return Err(StoreError::Conflict);
            }
            pairing.beat();
            pairing.head.apply(commit);
            for id in &commit.remove {
                pairing.remove(*id);
            }
            for link in &commit.put {
                pairing.put(link.clone());
            }
            pairing.tombstones.extend(commit.tombstones.iter().cloned());
            for closed in &commit.closed {
                let entry = pairing.journal.iter_mut().rev().find(|entry| {
                    entry.write.link == closed.link
                        && entry.side == closed.side
                        && entry.write.receipt.number == closed.number
                });
                if let Some(entry) = entry {
                    Arc::make_mut(entry).outcome = Some(closed.outcome.clone());
                }
            }
            Ok(())
        })
    }

    async fn journal_entries(
        &self,
        pairing: &PairingId,
        query: &JournalQuery,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        Ok(self.with(pairing, |pairing| query.select(&pairing.journal).into_iter().cloned().collect()))
    }

    async fn erase_journal(
        &self,
        pairing: &PairingId,
        before: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        Ok(self.with(pairing, |pairing| {
            let mut erased = 0;
            for entry in &mut pairing.journal {
                if entry.erased.is_none() && before.is_none_or(|before| entry.at < before) {
                    Arc::make_mut(entry).erase(now);
                    erased += 1;
                }
            }
            erased
        }))
    }

    async fn order(
        &self,
        pairing: &PairingId,
        at: DateTime<Utc>,
        by: &str,
        what: &Wish,
    ) -> Result<u64, StoreError> {
        Ok(self.with(pairing, |pairing| {
            pairing.last_order += 1;
            let order = Order { id: pairing.last_order, at, by: by.to_owned(), what: what.clone() };
            pairing.head.version += 1;
            pairing.head.orders.push(order);
            pairing.last_order
        }))
    }

    async fn reset(&self, pairing: &PairingId) -> Result<(), StoreError> {
        self.with(pairing, |pairing| {
            let journal = std::mem::take(&mut pairing.journal);
            let version = pairing.head.version + 1;
            let lease = std::mem::take(&mut pairing.lease);
            *pairing = Pairing { journal, lease, last_order: pairing.last_order, ..Pairing::default() };
            pairing.head.version = version;
        });
        Ok(())
    }
}
