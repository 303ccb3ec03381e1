//! The state of all pairings in a directory with two SQLite files.
//!
//! [`SqliteStore`] makes text of what it is given and sends it to the thread that owns the files; what comes back it
//! makes into values again. It is cheap to clone, and the last clone that is dropped closes the files.

mod error;
mod files;
mod journal;
mod leases;
mod links;
mod lock;
mod orders;
mod pairings;
mod row;
mod schema;
mod state;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use calsync_core::ids::{ItemKey, LinkId, PairingId, Side, Uid};
use calsync_core::link::{Half, Head, Link, MatchKey, Order, Tombstone, Wish};
use calsync_core::store::{
    Commit, Counts, Fence, JournalEntry, JournalQuery, Lease, StateStore, StoreError, Tenure,
};
use chrono::{DateTime, Utc};
use rusqlite::Transaction;

use self::error::{json_error, store_error};
use self::files::Files;
use self::journal::{EntryRow, EntryText};
use self::links::Page;
use self::row::{LinkText, limit, link_integer, micros};
use self::state::CommitRows;
use self::worker::Worker;

/// Durable state in a directory: `state.sqlite`, and `journal.sqlite` with every write before it was made.
///
/// What a method stored is on disk when it returns. A method whose future is dropped may still be carried out, always
/// before anything that is asked later.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    worker: Arc<Worker>,
}

impl SqliteStore {
    /// Opens a state directory to run rounds, and creates it where it is missing. Blocks while it does so.
    ///
    /// Files of an older format are updated; a copy of each is laid beside it first.
    ///
    /// # Errors
    ///
    /// [`InUse`](StoreError::InUse): another process has it open like this.
    /// [`Unavailable`](StoreError::Unavailable): the directory cannot be written, or its files are of a newer format
    /// or another program. [`Damaged`](StoreError::Damaged): a backup is needed.
    pub fn open(dir: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        Ok(SqliteStore { worker: Arc::new(Worker::start(Files::open(dir.as_ref())?)?) })
    }

    /// Opens a state directory beside a process that may be running rounds: for reading, for planning, for editing
    /// pairings, for [`order`](StateStore::order) and [`reset`](StateStore::reset). Blocks while it does so.
    ///
    /// The first [`claim`](StateStore::claim), [`journal`](StateStore::journal) or [`commit`](StateStore::commit) makes it like one that was
    /// opened with [`open`](Self::open) or fails with [`InUse`](StoreError::InUse).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open); [`InUse`](StoreError::InUse) only where files have to be created or updated and
    /// another process keeps them.
    pub fn open_shared(dir: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        Ok(SqliteStore { worker: Arc::new(Worker::start(Files::open_shared(dir.as_ref())?)?) })
    }

    /// Writes a consistent copy of the state into another directory, while it is in use. Opening that directory, or
    /// putting its files in place of the original ones while nothing runs, restores it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](StoreError::Unavailable): the copy could not be written.
    pub async fn backup(&self, into: impl Into<PathBuf>) -> Result<(), StoreError> {
        let into = into.into();
        self.worker.run(move |files| files.backup(&into)).await
    }

    /// Looks for damage. Reads everything, so it takes a second for some hundred megabytes.
    ///
    /// # Errors
    ///
    /// [`Damaged`](StoreError::Damaged): what was found.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.worker.run(Files::check).await
    }

    /// Ends journal entries that are older, of all pairings, and says how many there were. Entries whose outcome is
    /// still awaited, and all that came after them, stay.
    ///
    /// # Errors
    ///
    /// Those of every other method.
    pub async fn forget_journal_before(&self, at: DateTime<Utc>) -> Result<u64, StoreError> {
        self.worker.run(move |files| journal::prune(files, at)).await
    }

    /// Erases what journal entries of all pairings hold of appointments, where they are older, and says of how many:
    /// see [`JournalEntry::erase`].
    ///
    /// # Errors
    ///
    /// Those of every other method.
    pub async fn erase_contents_before(
        &self,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.worker.run(move |files| journal::erase(files, None, Some(at), now)).await
    }

    /// Asks something about a pairing; of one that is not there, the answer is the default.
    async fn ask<T: Default + Send + 'static>(
        &self,
        pairing: &PairingId,
        question: impl FnOnce(&Transaction<'_>, i64) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let pairing = pairing.clone();
        self.worker
            .run(move |files| {
                let transaction = files.read()?;
                match state::find(&transaction, &pairing)? {
                    Some(id) => question(&transaction, id),
                    None => Ok(T::default()),
                }
            })
            .await
    }

    async fn ask_links(
        &self,
        pairing: &PairingId,
        question: impl FnOnce(&Transaction<'_>, i64) -> Result<Vec<LinkText>, StoreError> + Send + 'static,
    ) -> Result<Vec<Link>, StoreError> {
        self.ask(pairing, question).await?.into_iter().map(LinkText::read).collect()
    }
}

fn page(after: Option<LinkId>, most: usize) -> Result<Page, StoreError> {
    Ok(Page { after: after.map(link_integer).transpose()?.unwrap_or(-1), limit: limit(most) })
}

#[async_trait]
impl StateStore for SqliteStore {
    async fn head(&self, pairing: &PairingId) -> Result<Head, StoreError> {
        self.ask(pairing, state::head).await?.read()
    }

    async fn links_by_key(
        &self,
        pairing: &PairingId,
        side: Side,
        keys: &[ItemKey],
    ) -> Result<Vec<Link>, StoreError> {
        let keys: Vec<String> = keys.iter().map(|key| key.as_str().to_owned()).collect();
        self.ask_links(pairing, move |transaction, id| links::by_key(transaction, id, side, &keys)).await
    }

    async fn links_by_uid(
        &self,
        pairing: &PairingId,
        side: Side,
        uids: &[Uid],
    ) -> Result<Vec<Link>, StoreError> {
        let uids: Vec<String> = uids.iter().map(|uid| uid.as_str().to_owned()).collect();
        self.ask_links(pairing, move |transaction, id| links::by_uid(transaction, id, side, &uids)).await
    }

    async fn links_by_id(&self, pairing: &PairingId, ids: &[LinkId]) -> Result<Vec<Link>, StoreError> {
        let ids = ids.iter().copied().map(link_integer).collect::<Result<_, _>>()?;
        self.ask_links(pairing, move |transaction, id| links::by_id(transaction, id, &ids)).await
    }

    async fn lone_links(
        &self,
        pairing: &PairingId,
        side: Side,
        by: &[MatchKey],
    ) -> Result<Vec<Link>, StoreError> {
        let by = links::lone_keys(side, by);
        self.ask_links(pairing, move |transaction, id| links::lone(transaction, id, &by)).await
    }

    async fn due_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        let page = page(after, limit)?;
        self.ask_links(pairing, move |transaction, id| links::due(transaction, id, page, micros(now))).await
    }

    async fn unlisted_links(
        &self,
        pairing: &PairingId,
        side: Side,
        listing: u32,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        let page = page(after, limit)?;
        self.ask_links(pairing, move |transaction, id| links::unlisted(transaction, id, side, listing, page))
            .await
    }

    async fn links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        let page = page(after, limit)?;
        self.ask_links(pairing, move |transaction, id| links::all(transaction, id, page)).await
    }

    async fn held_links(
        &self,
        pairing: &PairingId,
        after: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        let page = page(after, limit)?;
        self.ask_links(pairing, move |transaction, id| links::held(transaction, id, page)).await
    }

    async fn counts(&self, pairing: &PairingId) -> Result<Counts, StoreError> {
        self.ask(pairing, state::counts).await
    }

    async fn tombstones(
        &self,
        pairing: &PairingId,
        side: Side,
        halves: &[Half],
    ) -> Result<Vec<Tombstone>, StoreError> {
        let keys: Vec<String> = halves.iter().map(|half| half.key.as_str().to_owned()).collect();
        let uids: Vec<String> = halves
            .iter()
            .filter_map(|half| half.latest().map(|(_, series)| series.uid.as_str().to_owned()))
            .collect();
        self.ask(pairing, move |transaction, id| links::tombstones(transaction, id, side, &keys, &uids))
            .await?
            .iter()
            .map(|body| serde_json::from_str(body).map_err(|error| json_error("a tombstone", &error)))
            .collect()
    }

    async fn lease(&self, pairing: &PairingId) -> Result<Lease, StoreError> {
        let pairing = pairing.clone();
        self.worker.run(move |files| leases::of(files, &pairing)).await
    }

    async fn claim(&self, pairing: &PairingId, seen: &Lease, tenure: &Tenure) -> Result<Lease, StoreError> {
        let (pairing, seen, tenure) = (pairing.clone(), seen.clone(), tenure.clone());
        self.worker.run(move |files| leases::claim(files, &pairing, &seen, &tenure)).await
    }

    async fn renew(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
        let pairing = pairing.clone();
        self.worker.run(move |files| leases::renew(files, &pairing, fence)).await
    }

    async fn release(&self, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
        let pairing = pairing.clone();
        self.worker.run(move |files| leases::release(files, &pairing, fence)).await
    }

    async fn journal(&self, pairing: &PairingId, entries: &[JournalEntry]) -> Result<(), StoreError> {
        let rows = entries.iter().map(EntryRow::of).collect::<Result<Vec<_>, _>>()?;
        let pairing = pairing.clone();
        self.worker.run(move |files| journal::append(files, &pairing, &rows)).await
    }

    async fn commit(&self, pairing: &PairingId, commit: &Commit) -> Result<(), StoreError> {
        let rows = CommitRows::of(commit)?;
        let pairing = pairing.clone();
        self.worker.run(move |files| rows.store(files, &pairing)).await
    }

    async fn journal_entries(
        &self,
        pairing: &PairingId,
        query: &JournalQuery,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let (pairing, query) = (pairing.clone(), query.clone());
        let entries = self.worker.run(move |files| journal::entries(files, &pairing, &query)).await?;
        entries.into_iter().map(EntryText::read).collect()
    }

    async fn erase_journal(
        &self,
        pairing: &PairingId,
        before: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let pairing = pairing.clone();
        self.worker.run(move |files| journal::erase(files, Some(&pairing), before, now)).await
    }

    async fn order(
        &self,
        pairing: &PairingId,
        at: DateTime<Utc>,
        by: &str,
        what: &Wish,
    ) -> Result<u64, StoreError> {
        let order = Order { id: 0, at, by: by.to_owned(), what: what.clone() };
        let (pairing, body) = (pairing.clone(), row::json("an order", &order)?);
        self.worker.run(move |files| orders::add(files, &pairing, &body)).await
    }

    async fn reset(&self, pairing: &PairingId) -> Result<(), StoreError> {
        let pairing = pairing.clone();
        self.worker
            .run(move |files| {
                let transaction = files.write()?;
                let id = state::intern(&transaction, &pairing)?;
                state::forget(&transaction, id)?;
                transaction.commit().map_err(store_error)
            })
            .await
    }
}
