//! The suite finds what it is there to find: each defect is planted in a store that is right otherwise.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use calsync_core::ids::{ItemKey, LinkId, PairingId, PerSide, Side, Uid};
use calsync_core::link::{Half, Head, Link, MatchKey, Observation, Tombstone, Wish};
use calsync_core::memory::MemoryStore;
use calsync_core::store::{
    Commit, Counts, Fence, JournalEntry, JournalQuery, Lease, StateStore, StoreError, Tenure,
};
use chrono::{DateTime, Utc};

use crate::conformance::{broken_state_store_rules, state_store};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    VersionIsNotChecked,
    KeysIgnoreCase,
    RefusedCommitLeavesTombstones,
    RemovedAfterPut,
    PagesIncludeTheirStart,
    LimitIsIgnored,
    RetryTimeIsIgnored,
    RetryIsDueTooLate,
    ClosedStaysOpen,
    OutcomeIsLost,
    JournalOldestFirst,
    ResetTakesTheJournal,
    ResetStartsOver,
    LoneIgnoresTheSide,
    LoneWithoutUids,
    UidsOfLoneOnly,
    TombstonesByKeyOnly,
    GoneCountsLoneHalves,
    SharedBetweenPairings,
    TokenIsCut,
    ForgetIsIgnored,
    JournalMovesTheVersion,
    OrderIsSilent,
    OrderIsNeverDone,
    OrderOfAll,
    HeldOnlyWhereDue,
    QueriesIgnoreTheRound,
    QueriesIgnoreTheLink,
    ErasesEverything,
    CommitIgnoresTheFence,
    JournalIgnoresTheFence,
    ClaimIgnoresWhatWasSeen,
    RenewalIsSilent,
    AnybodyGivesBack,
    ResetGivesBack,
}

/// A store with one defect.
struct Defective {
    inner: MemoryStore,
    defect: Defect,
    lost: Mutex<Vec<Tombstone>>,
    was_reset: AtomicBool,
}

impl Defective {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn name(&self, pairing: &PairingId) -> PairingId {
        if self.has(Defect::SharedBetweenPairings) { PairingId::new("all") } else { pairing.clone() }
    }

    fn start(&self, after: Option<LinkId>) -> Option<LinkId> {
        match after {
            Some(id) if self.has(Defect::PagesIncludeTheirStart) => id.0.checked_sub(1).map(LinkId),
            after => after,
        }
    }

    fn most(&self, limit: usize) -> usize {
        if self.has(Defect::LimitIsIgnored) { usize::MAX } else { limit }
    }

    async fn all(&self, pairing: &PairingId) -> Result<Vec<Link>, StoreError> {
        self.inner.links(&self.name(pairing), None, usize::MAX).await
    }
}

#[async_trait]
impl StateStore for Defective {
    async fn head(&self, pairing: &PairingId) -> Result<Head, StoreError> {
        let mut head = self.inner.head(&self.name(pairing)).await?;
        if self.has(Defect::OrderIsSilent) {
            head.version -= head.orders.len() as u64;
        }
        Ok(head)
    }

    async fn links_by_key(
        &self,
        pairing: &PairingId,
        side: Side,
        keys: &[ItemKey],
    ) -> Result<Vec<Link>, StoreError> {
        if self.has(Defect::KeysIgnoreCase) {
            let lower: Vec<String> = keys.iter().map(|key| key.as_str().to_lowercase()).collect();
            let mut links = self.all(pairing).await?;
            links.retain(|link| {
                let half = link.halves.get(side).as_ref();
                half.is_some_and(|half| lower.contains(&half.key.as_str().to_lowercase()))
            });
            return Ok(links);
        }
        self.inner.links_by_key(&self.name(pairing), side, keys).await
    }

    async fn links_by_uid(
        &self,
        pairing: &PairingId,
        side: Side,
        uids: &[Uid],
    ) -> Result<Vec<Link>, StoreError> {
        let mut found = self.inner.links_by_uid(&self.name(pairing), side, uids).await?;
        if self.has(Defect::UidsOfLoneOnly) {
            found.retain(|link| link.lone_side().is_some());
        }
        Ok(found)
    }

    async fn links_by_id(&self, pairing: &PairingId, ids: &[LinkId]) -> Result<Vec<Link>, StoreError> {
        self.inner.links_by_id(&self.name(pairing), ids).await
    }

    async fn lone_links(
        &self,
        pairing: &PairingId,
        side: Side,
        by: &[MatchKey],
    ) -> Result<Vec<Link>, StoreError> {
        let pairing = self.name(pairing);
        let mut by = by.to_vec();
        if self.has(Defect::LoneWithoutUids) {
            by.retain(|key| !matches!(key, MatchKey::Uid(_)));
        }
        let mut found = self.inner.lone_links(&pairing, side, &by).await?;
        if self.has(Defect::LoneIgnoresTheSide) {
            found.extend(self.inner.lone_links(&pairing, side.other(), &by).await?);
        }
        Ok(found)
    }

    async fn due_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        let now = match self.defect {
            Defect::RetryTimeIsIgnored => DateTime::<Utc>::MAX_UTC,
            Defect::RetryIsDueTooLate => now - chrono::Duration::milliseconds(1),
            _ => now,
        };
        self.inner.due_links(&self.name(pairing), self.start(after), now, self.most(limit)).await
    }

    async fn unlisted_links(
        &self,
        pairing: &PairingId,
        side: Side,
        listing: u32,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        self.inner.unlisted_links(&self.name(pairing), side, listing, after, limit).await
    }

    async fn links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        // The defect that includes the start is in `due_links` only: here it would make the suite read for ever.
        self.inner.links(&self.name(pairing), after, limit).await
    }

    async fn held_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        let mut held = self.inner.held_links(&self.name(pairing), after, limit).await?;
        if self.has(Defect::HeldOnlyWhereDue) {
            held.retain(Link::is_dirty);
        }
        Ok(held)
    }

    async fn counts(&self, pairing: &PairingId) -> Result<Counts, StoreError> {
        let mut counts = self.inner.counts(&self.name(pairing)).await?;
        if self.has(Defect::GoneCountsLoneHalves) {
            counts.gone = PerSide::default();
            for link in self.all(pairing).await? {
                for (side, half) in link.halves.iter() {
                    let gone = half.as_ref().is_some_and(|half| half.seen == Some(Observation::Gone));
                    *counts.gone.get_mut(side) += u64::from(gone);
                }
            }
        }
        Ok(counts)
    }

    async fn tombstones(
        &self,
        pairing: &PairingId,
        side: Side,
        halves: &[Half],
    ) -> Result<Vec<Tombstone>, StoreError> {
        let mut halves = halves.to_vec();
        if self.has(Defect::TombstonesByKeyOnly) {
            for half in &mut halves {
                half.shadow = None;
                half.seen = None;
            }
        }
        let mut found = self.inner.tombstones(&self.name(pairing), side, &halves).await?;
        found.extend(self.lost.lock().unwrap().iter().cloned());
        Ok(found)
    }

    async fn lease(&self, pairing: &PairingId) -> Result<Lease, StoreError> {
        self.inner.lease(&self.name(pairing)).await
    }

    async fn claim(&self, pairing: &PairingId, seen: &Lease, tenure: &Tenure) -> Result<Lease, StoreError> {
        let pairing = self.name(pairing);
        let now = self.inner.lease(&pairing).await?;
        let seen = if self.has(Defect::ClaimIgnoresWhatWasSeen) { &now } else { seen };
        self.inner.claim(&pairing, seen, tenure).await
    }

    async fn renew(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
        if self.has(Defect::RenewalIsSilent) {
            return Ok(());
        }
        self.inner.renew(&self.name(pairing), fence).await
    }

    async fn release(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
        let pairing = self.name(pairing);
        let now = self.inner.lease(&pairing).await?.fence;
        self.inner.release(&pairing, if self.has(Defect::AnybodyGivesBack) { now } else { fence }).await
    }

    async fn journal(&self, pairing: &PairingId, entries: &[JournalEntry]) -> Result<(), StoreError> {
        let pairing = self.name(pairing);
        let mut entries = entries.to_vec();
        if self.has(Defect::JournalIgnoresTheFence) {
            let fence = self.inner.lease(&pairing).await?.fence;
            for entry in &mut entries {
                entry.fence = fence;
            }
        }
        self.inner.journal(&pairing, &entries).await?;
        if self.has(Defect::JournalMovesTheVersion) {
            let version = self.inner.head(&pairing).await?.version;
            self.inner.commit(&pairing, &Commit { version, ..Commit::default() }).await?;
        }
        Ok(())
    }

    async fn commit(&self, pairing: &PairingId, commit: &Commit) -> Result<(), StoreError> {
        let pairing = self.name(pairing);
        let mut commit = commit.clone();
        match self.defect {
            Defect::VersionIsNotChecked => commit.version = self.inner.head(&pairing).await?.version,
            Defect::CommitIgnoresTheFence => commit.fence = self.inner.lease(&pairing).await?.fence,
            Defect::RemovedAfterPut => commit.put.retain(|link| !commit.remove.contains(&link.id)),
            Defect::OrderIsNeverDone => commit.orders_done.clear(),
            Defect::ClosedStaysOpen => commit.closed.clear(),
            Defect::OutcomeIsLost => commit.closed.iter_mut().for_each(|closed| closed.outcome.clear()),
            Defect::ForgetIsIgnored => commit.forget_tokens = PerSide::default(),
            Defect::TokenIsCut => {
                for side in Side::BOTH {
                    let cut = |token: &calsync_core::ids::ChangeToken| {
                        token.as_str().chars().take(65_535).collect::<String>().as_str().into()
                    };
                    let token = commit.tokens.get(side).as_ref().map(cut);
                    *commit.tokens.get_mut(side) = token;
                }
            }
            _ => {}
        }
        let done = self.inner.commit(&pairing, &commit).await;
        if self.has(Defect::RefusedCommitLeavesTombstones) && done.is_err() {
            self.lost.lock().unwrap().extend(commit.tombstones);
        }
        done
    }

    async fn journal_entries(
        &self,
        pairing: &PairingId,
        query: &JournalQuery,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let mut query = query.clone();
        match self.defect {
            Defect::QueriesIgnoreTheRound => query.round = None,
            Defect::QueriesIgnoreTheLink => query.link = None,
            _ => {}
        }
        let mut entries = self.inner.journal_entries(&self.name(pairing), &query).await?;
        if self.has(Defect::ResetTakesTheJournal) && self.was_reset.load(Ordering::Relaxed) {
            entries.clear();
        }
        if self.has(Defect::JournalOldestFirst) {
            entries.reverse();
        }
        Ok(entries)
    }

    async fn order(
        &self,
        pairing: &PairingId,
        at: DateTime<Utc>,
        by: &str,
        what: &Wish,
    ) -> Result<u64, StoreError> {
        if self.has(Defect::OrderOfAll) {
            self.inner.order(&PairingId::new("Meier"), at, by, what).await?;
        }
        self.inner.order(&self.name(pairing), at, by, what).await
    }

    async fn erase_journal(
        &self,
        pairing: &PairingId,
        before: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let before = before.filter(|_| !self.has(Defect::ErasesEverything));
        self.inner.erase_journal(&self.name(pairing), before, now).await
    }

    async fn reset(&self, pairing: &PairingId) -> Result<(), StoreError> {
        let name = self.name(pairing);
        self.was_reset.store(true, Ordering::Relaxed);
        match self.defect {
            Defect::ResetGivesBack => {
                let fence = self.inner.lease(&name).await?.fence;
                self.inner.release(&name, fence).await?;
                self.inner.reset(&name).await
            }
            Defect::ResetStartsOver => {
                // Everything is gone, but the version a running round knows is still good.
                let remove = self.all(pairing).await?.into_iter().map(|link| link.id).collect();
                let version = self.inner.head(&name).await?.version;
                self.inner.commit(&name, &Commit { version, remove, ..Commit::default() }).await
            }
            _ => self.inner.reset(&name).await,
        }
    }
}

/// The rules that a store with this defect breaks.
async fn broken_by(defect: Defect) -> Vec<&'static str> {
    let make = async || Defective {
        inner: MemoryStore::new(),
        defect,
        lost: Mutex::default(),
        was_reset: AtomicBool::new(false),
    };
    broken_state_store_rules(make).await.into_iter().map(|broken| broken.rule).collect()
}

#[tokio::test]
async fn the_store_in_memory_keeps_every_rule() {
    state_store(async || MemoryStore::new()).await;
}

#[tokio::test]
async fn a_store_without_a_planted_defect_breaks_no_rule() {
    assert_eq!(broken_by(Defect::None).await, Vec::<&str>::new());
}

#[tokio::test]
async fn every_planted_defect_is_found_and_named() {
    let planted = [
        (Defect::VersionIsNotChecked, "a commit counts the version up and is refused upon another one"),
        (Defect::KeysIgnoreCase, "keys that differ in case only are different"),
        (Defect::RefusedCommitLeavesTombstones, "a refused commit changes nothing at all"),
        (
            Defect::RemovedAfterPut,
            "a link that is removed is found nowhere, and one put in the same commit stays",
        ),
        (Defect::PagesIncludeTheirStart, "due links come in order, in pages"),
        (Defect::LimitIsIgnored, "due links come in order, in pages"),
        (Defect::RetryTimeIsIgnored, "what is set aside is due at its time and not before"),
        (Defect::RetryIsDueTooLate, "what is set aside is due at its time and not before"),
        (Defect::ClosedStaysOpen, "a closed intent is no longer open, and its outcome is in the journal"),
        (Defect::OutcomeIsLost, "a closed intent is no longer open, and its outcome is in the journal"),
        (
            Defect::JournalOldestFirst,
            "journal entries come newest first, as they were written, as many as asked for",
        ),
        (
            Defect::ResetTakesTheJournal,
            "a reset forgets everything but the journal, and a round that runs meets a conflict",
        ),
        (
            Defect::ResetStartsOver,
            "a reset forgets everything but the journal, and a round that runs meets a conflict",
        ),
        (Defect::LoneIgnoresTheSide, "a lone half is found by every kind of key it has, and by no other"),
        (Defect::LoneWithoutUids, "a lone half is found by every kind of key it has, and by no other"),
        (Defect::TombstonesByKeyOnly, "a tombstone is found by a key of that side and by the UID"),
        (Defect::GoneCountsLoneHalves, "counts are those of the links that are there now"),
        (Defect::SharedBetweenPairings, "what one pairing stores is not seen by another"),
        (Defect::TokenIsCut, "a change token of any size comes back as it was"),
        (
            Defect::ForgetIsIgnored,
            "tokens, listings and the end of the first sync change only where a commit says so",
        ),
        (
            Defect::JournalMovesTheVersion,
            "a journaled write is an open intent, and does not move the version",
        ),
        (Defect::OrderIsSilent, "an order counts the version up, so that a round that runs meets a conflict"),
        (
            Defect::OrderIsNeverDone,
            "an order is in the head, as it was given, until a commit says that it is done",
        ),
        (Defect::OrderOfAll, "orders of one pairing are not those of another"),
        (Defect::HeldOnlyWhereDue, "held links are those that wait for a person, in order, in pages"),
        (Defect::QueriesIgnoreTheRound, "of rounds with one number the newest is meant"),
        (
            Defect::QueriesIgnoreTheLink,
            "journal entries are found by number, link, round, time, what was lost, and in pages",
        ),
        (
            Defect::ErasesEverything,
            "what is erased leaves the fact, of the entries that are meant and no others",
        ),
        (
            Defect::CommitIgnoresTheFence,
            "a commit under any fence but the last is refused and changes nothing",
        ),
        (
            Defect::JournalIgnoresTheFence,
            "entries under any fence but the last are refused and leave neither entry nor intent",
        ),
        (Defect::ClaimIgnoresWhatWasSeen, "only who saw the lease as it is may claim"),
        (Defect::RenewalIsSilent, "renewals, commits and entries are signs of life"),
        (Defect::AnybodyGivesBack, "only who has it gives it back, and then nobody has it"),
        (Defect::ResetGivesBack, "a reset leaves the lease as it is"),
    ];
    for (defect, rule) in planted {
        let broken = broken_by(defect).await;
        assert!(broken.contains(&rule), "{defect:?} broke {broken:#?}");
    }
}
