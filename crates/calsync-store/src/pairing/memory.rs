//! A [`PairingStore`] in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use calsync_core::ids::PairingId;

use super::record::PairingRecord;
use super::run::RunRecord;
use super::store::{PairingError, PairingStore, RUNS_KEPT, refuse_taken};

/// Keeps pairings and their history as long as it lives. It knows no engine state: a program that uses it beside a
/// [`StateStore`](calsync_core::store::StateStore) resets a pairing there when it adds or removes it here.
#[derive(Debug, Default)]
pub struct MemoryPairings {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    records: BTreeMap<PairingId, PairingRecord>,
    runs: BTreeMap<PairingId, VecDeque<RunRecord>>,
}

impl MemoryPairings {
    /// An empty registry.
    pub fn new() -> MemoryPairings {
        MemoryPairings::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PairingStore for MemoryPairings {
    async fn add_pairing(&self, record: &PairingRecord) -> Result<(), PairingError> {
        record.validate()?;
        let mut inner = self.inner();
        for other in inner.records.values() {
            refuse_taken(record, other)?;
        }
        inner.records.insert(record.id.clone(), record.clone());
        Ok(())
    }

    async fn pairing(&self, id: &PairingId) -> Result<Option<PairingRecord>, PairingError> {
        Ok(self.inner().records.get(id).cloned())
    }

    async fn pairings(&self) -> Result<Vec<PairingRecord>, PairingError> {
        Ok(self.inner().records.values().cloned().collect())
    }

    async fn update_pairing(&self, record: &PairingRecord) -> Result<(), PairingError> {
        record.validate()?;
        let mut inner = self.inner();
        let stored =
            inner.records.get_mut(&record.id).ok_or_else(|| PairingError::Unknown(record.id.clone()))?;
        if !stored.same_calendars(record) {
            return Err(PairingError::OtherCalendar(record.id.clone()));
        }
        *stored = record.clone();
        Ok(())
    }

    async fn remove_pairing(&self, id: &PairingId) -> Result<(), PairingError> {
        let mut inner = self.inner();
        inner.runs.remove(id);
        inner.records.remove(id).map(drop).ok_or_else(|| PairingError::Unknown(id.clone()))
    }

    async fn add_run(&self, run: &RunRecord) -> Result<(), PairingError> {
        let mut inner = self.inner();
        if inner.records.contains_key(&run.pairing) {
            let runs = inner.runs.entry(run.pairing.clone()).or_default();
            runs.push_front(run.clone());
            runs.truncate(RUNS_KEPT);
        }
        Ok(())
    }

    async fn runs(&self, id: &PairingId, limit: usize) -> Result<Vec<RunRecord>, PairingError> {
        Ok(self.inner().runs.get(id).into_iter().flatten().take(limit).cloned().collect())
    }

    async fn last_runs(&self) -> Result<BTreeMap<PairingId, RunRecord>, PairingError> {
        let inner = self.inner();
        let last = |(id, runs): (&PairingId, &VecDeque<RunRecord>)| Some((id.clone(), runs.front()?.clone()));
        Ok(inner.runs.iter().filter_map(last).collect())
    }

    async fn last_run(&self, id: &PairingId) -> Result<Option<RunRecord>, PairingError> {
        Ok(self.inner().runs.get(id).and_then(|runs| runs.front()).cloned())
    }
}
