//! The head of a pairing, and the step forward that a commit is.

use calsync_core::ids::{ChangeToken, PairingId, PerSide, Side};
use calsync_core::link::{Head, Intent, Listing, Tombstone};
use calsync_core::store::{Commit, Counts, StoreError};
use rusqlite::{OptionalExtension, Transaction, params};

use super::error::{json_error, out_of_range, store_error};
use super::files::Files;
use super::row::{LinkRow, integer, json, link_integer, side_text};
use super::{journal, leases, orders};

/// The row of a pairing, if anything was ever stored about it.
pub(super) fn find(transaction: &Transaction<'_>, pairing: &PairingId) -> Result<Option<i64>, StoreError> {
    let mut query =
        transaction.prepare_cached("SELECT id FROM pairing WHERE name = ?1").map_err(store_error)?;
    query.query_row([pairing.as_str()], |row| row.get(0)).optional().map_err(store_error)
}

/// The row of a pairing, made if it was not there.
pub(super) fn intern(transaction: &Transaction<'_>, pairing: &PairingId) -> Result<i64, StoreError> {
    if let Some(id) = find(transaction, pairing)? {
        return Ok(id);
    }
    let mut insert =
        transaction.prepare_cached("INSERT INTO pairing (name) VALUES (?1)").map_err(store_error)?;
    insert.insert([pairing.as_str()]).map_err(store_error)
}

/// A head as it is read: its intents and orders are still text.
#[derive(Default)]
pub(super) struct HeadText {
    head: Head,
    intents: Vec<String>,
    orders: Vec<(i64, String)>,
    marks: Option<String>,
}

impl HeadText {
    /// Brings intents and orders back into their head.
    pub(super) fn read(self) -> Result<Head, StoreError> {
        let HeadText { mut head, intents, orders, marks } = self;
        if let Some(marks) = marks {
            head.marks = serde_json::from_str(&marks).map_err(|error| json_error("the marks", &error))?;
        }
        head.intents = intents
            .iter()
            .map(|text| serde_json::from_str::<Intent>(text))
            .collect::<Result<_, _>>()
            .map_err(|error| json_error("an intent", &error))?;
        head.orders = orders.into_iter().map(orders::read).collect::<Result<_, _>>()?;
        Ok(head)
    }
}

/// Version, whether the first sync is done, and what is kept as text.
type Row = (i64, bool, Option<String>, Option<String>, Option<String>);

/// What a pairing's next round stands on.
pub(super) fn head(transaction: &Transaction<'_>, id: i64) -> Result<HeadText, StoreError> {
    let mut query = transaction
        .prepare_cached("SELECT version, first_sync_done, rules, deleted, marks FROM pairing WHERE id = ?1")
        .map_err(store_error)?;
    let (version, first_sync_done, rules, deleted, marks): Row = query
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .map_err(store_error)?;
    let version = u64::try_from(version).map_err(|_| out_of_range("the version of a head"))?;
    let deleted = deleted.map(|text| serde_json::from_str(&text)).transpose();
    let deleted = deleted.map_err(|error| json_error("the deletions of the last hour", &error))?;
    let deleted = deleted.unwrap_or_default();
    let mut head = Head { version, first_sync_done, rules, deleted, ..Head::default() };

    let mut query = transaction
        .prepare_cached("SELECT token, listing, listing_open FROM feed WHERE pairing = ?1 AND side = ?2")
        .map_err(store_error)?;
    for side in Side::BOTH {
        let feed = query
            .query_row(params![id, side_text(side)], |row| {
                Ok((row.get::<_, Option<String>>(0)?, Listing { number: row.get(1)?, open: row.get(2)? }))
            })
            .optional()
            .map_err(store_error)?;
        if let Some((token, listing)) = feed {
            *head.tokens.get_mut(side) = token.map(ChangeToken::new);
            *head.listings.get_mut(side) = listing;
        }
    }

    let mut query = transaction
        .prepare_cached("SELECT body FROM intent WHERE pairing = ?1 ORDER BY id")
        .map_err(store_error)?;
    let intents = query.query_map([id], |row| row.get(0)).and_then(Iterator::collect).map_err(store_error)?;
    Ok(HeadText { head, intents, orders: orders::all(transaction, id)?, marks })
}

/// Reads the counters, which triggers keep.
pub(super) fn counts(transaction: &Transaction<'_>, id: i64) -> Result<Counts, StoreError> {
    let mut query = transaction
        .prepare_cached("SELECT linked, gone_a, gone_b, held, failing FROM tally WHERE pairing = ?1")
        .map_err(store_error)?;
    let [linked, a, b, held, failing]: [i64; 5] = query
        .query_row([id], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))
        .map_err(store_error)?;
    let count = |value: i64| u64::try_from(value).map_err(|_| out_of_range("a counter"));
    Ok(Counts {
        linked: count(linked)?,
        gone: PerSide { a: count(a)?, b: count(b)? },
        held: count(held)?,
        failing: count(failing)?,
    })
}

/// A commit as text, made by whoever waits for it.
pub(super) struct CommitRows {
    /// Without links and tombstones.
    commit: Commit,
    put: Vec<LinkRow>,
    remove: Vec<i64>,
    tombstones: Vec<TombstoneRow>,
    /// As JSON, where they change.
    marks: Option<String>,
}

struct TombstoneRow {
    uid: String,
    keys: PerSide<Option<String>>,
    body: String,
}

impl CommitRows {
    pub(super) fn of(commit: &Commit) -> Result<CommitRows, StoreError> {
        let Commit {
            version,
            fence,
            tokens,
            forget_tokens,
            listings,
            first_sync_done,
            rules,
            marks,
            put,
            remove,
            closed,
            tombstones,
            orders_done,
            deleted,
        } = commit;
        Ok(CommitRows {
            marks: marks.as_ref().map(|marks| json("the marks", marks)).transpose()?,
            put: put.iter().map(LinkRow::of).collect::<Result<_, _>>()?,
            remove: remove.iter().copied().map(link_integer).collect::<Result<_, _>>()?,
            tombstones: tombstones.iter().map(TombstoneRow::of).collect::<Result<_, _>>()?,
            commit: Commit {
                version: *version,
                fence: *fence,
                tokens: tokens.clone(),
                forget_tokens: *forget_tokens,
                listings: *listings,
                first_sync_done: *first_sync_done,
                rules: rules.clone(),
                closed: closed.clone(),
                orders_done: orders_done.clone(),
                deleted: deleted.clone(),
                ..Commit::default()
            },
        })
    }

    /// Stores it, all or nothing.
    pub(super) fn store(self, files: &mut Files, pairing: &PairingId) -> Result<(), StoreError> {
        files.own()?;
        let transaction = files.write()?;
        let id = intern(&transaction, pairing)?;
        leases::admit(&transaction, id, self.commit.fence)?;
        let HeadText { mut head, .. } = head(&transaction, id)?;
        if head.version != self.commit.version {
            return Err(StoreError::Conflict);
        }
        leases::beat(&transaction, id)?;
        head.apply(&self.commit);
        self.store_head(&transaction, id, &head)?;
        for link in &self.remove {
            remove(&transaction, id, *link)?;
        }
        for row in &self.put {
            put(&transaction, id, row)?;
        }
        for row in &self.tombstones {
            row.insert(&transaction, id)?;
        }
        for closed in &self.commit.closed {
            let intent = (closed.link, closed.side, closed.number);
            journal::close(&transaction, (id, pairing), intent, &closed.outcome)?;
        }
        for order in &self.commit.orders_done {
            orders::done(&transaction, id, *order)?;
        }
        transaction.commit().map_err(store_error)
    }

    fn store_head(&self, transaction: &Transaction<'_>, id: i64, head: &Head) -> Result<(), StoreError> {
        let mut update = transaction
            .prepare_cached(
                "UPDATE pairing SET version = ?2, first_sync_done = ?3, rules = ?4, deleted = ?5 WHERE id = ?1",
            )
            .map_err(store_error)?;
        let version = integer("the version of a head", head.version)?;
        let rules = head.rules.as_deref();
        let counted = head.deleted.iter().any(|(_, lately)| !lately.is_empty());
        let deleted = counted.then(|| json("the deletions of the last hour", &head.deleted)).transpose()?;
        update.execute(params![id, version, head.first_sync_done, rules, deleted]).map_err(store_error)?;
        if let Some(marks) = &self.marks {
            let mut update = transaction
                .prepare_cached("UPDATE pairing SET marks = ?2 WHERE id = ?1")
                .map_err(store_error)?;
            update.execute(params![id, marks]).map_err(store_error)?;
        }
        for side in Side::BOTH {
            let untouched = self.commit.tokens.get(side).is_none()
                && !self.commit.forget_tokens.get(side)
                && self.commit.listings.get(side).is_none();
            if untouched {
                continue;
            }
            let mut upsert = transaction
                .prepare_cached(
                    "INSERT INTO feed (pairing, side, listing, listing_open, token) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (pairing, side) DO UPDATE
                     SET listing = excluded.listing, listing_open = excluded.listing_open, token = excluded.token",
                )
                .map_err(store_error)?;
            let listing = head.listings.get(side);
            let token = head.tokens.get(side).as_ref().map(ChangeToken::as_str);
            upsert
                .execute(params![id, side_text(side), listing.number, listing.open, token])
                .map_err(store_error)?;
        }
        Ok(())
    }
}

fn remove(transaction: &Transaction<'_>, id: i64, link: i64) -> Result<(), StoreError> {
    let mut delete =
        transaction.prepare_cached("DELETE FROM link WHERE pairing = ?1 AND id = ?2").map_err(store_error)?;
    delete.execute(params![id, link]).map_err(store_error)?;
    Ok(())
}

fn put(transaction: &Transaction<'_>, id: i64, row: &LinkRow) -> Result<(), StoreError> {
    let mut upsert = transaction
        .prepare_cached(
            "INSERT INTO link (pairing, id, key_a, key_b, uid_a, uid_b, listed_a, listed_b, dirty, retry_at, linked,
                 gone_a, gone_b, held, failing, generation, writes, half_a, half_b, hold, retry, masked, memory)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                 ?21, ?22, ?23)
             ON CONFLICT (pairing, id) DO UPDATE
             SET key_a = excluded.key_a, key_b = excluded.key_b, uid_a = excluded.uid_a,
                 uid_b = excluded.uid_b, listed_a = excluded.listed_a, listed_b = excluded.listed_b,
                 dirty = excluded.dirty, retry_at = excluded.retry_at, linked = excluded.linked,
                 gone_a = excluded.gone_a, gone_b = excluded.gone_b, held = excluded.held,
                 failing = excluded.failing, generation = excluded.generation, writes = excluded.writes,
                 half_a = excluded.half_a, half_b = excluded.half_b, hold = excluded.hold,
                 retry = excluded.retry, masked = excluded.masked, memory = excluded.memory",
        )
        .map_err(store_error)?;
    let text = &row.text;
    upsert
        .execute(params![
            id,
            text.id,
            row.keys.a,
            row.keys.b,
            row.uids.a,
            row.uids.b,
            row.listed.a,
            row.listed.b,
            row.dirty,
            row.retry_at,
            row.linked,
            row.gone.a,
            row.gone.b,
            text.hold.is_some(),
            text.retry.is_some(),
            text.generation,
            text.writes,
            text.halves.a,
            text.halves.b,
            text.hold,
            text.retry,
            text.masked,
            text.memory,
        ])
        .map_err(store_error)?;

    let mut delete = transaction
        .prepare_cached("DELETE FROM lone_key WHERE pairing = ?1 AND link = ?2")
        .map_err(store_error)?;
    delete.execute(params![id, text.id]).map_err(store_error)?;
    let mut insert = transaction
        .prepare_cached(
            "INSERT INTO lone_key (pairing, side, kind, value, link) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )
        .map_err(store_error)?;
    for key in &row.lone {
        insert.execute(params![id, key.side, key.kind, key.value, text.id]).map_err(store_error)?;
    }
    Ok(())
}

impl TombstoneRow {
    fn of(tombstone: &Tombstone) -> Result<TombstoneRow, StoreError> {
        let key = |side| tombstone.keys.get(side).as_ref().map(|key| key.as_str().to_owned());
        Ok(TombstoneRow {
            uid: tombstone.uid.as_str().to_owned(),
            keys: PerSide::from_fn(key),
            body: json("a tombstone", tombstone)?,
        })
    }

    fn insert(&self, transaction: &Transaction<'_>, id: i64) -> Result<(), StoreError> {
        let mut insert = transaction
            .prepare_cached(
                "INSERT INTO tombstone (pairing, uid, key_a, key_b, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .map_err(store_error)?;
        insert.execute(params![id, self.uid, self.keys.a, self.keys.b, self.body]).map_err(store_error)?;
        Ok(())
    }
}

/// Forgets what the engine knows of a pairing. Version and fence go on, so that a round that still runs meets another one.
pub(super) fn forget(transaction: &Transaction<'_>, id: i64) -> Result<(), StoreError> {
    for table in ["lone_key", "link", "tombstone", "intent", "orders", "feed"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE pairing = ?1"), [id]).map_err(store_error)?;
    }
    transaction
        .execute(
            "UPDATE pairing SET version = version + 1, first_sync_done = 0, rules = NULL, deleted = NULL,
                 marks = NULL
             WHERE id = ?1",
            [id],
        )
        .map_err(store_error)?;
    Ok(())
}
