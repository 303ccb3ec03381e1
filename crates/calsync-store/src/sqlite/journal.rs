//! The journal file: every write before it is made, and how it ended.
//!
//! Entries are durable before their intents are, and those before a write leaves. Outcomes are stored with the commit
//! that closes the intent, in the state file; from there they reach the journal with the next entries. Readers look
//! at both places, so that this costs no time on disk and shows nowhere.

use std::collections::BTreeMap;

use calsync_core::ids::{LinkId, PairingId, Side};
use calsync_core::link::Intent;
use calsync_core::store::{EntryId, Fence, JournalEntry, JournalQuery, StoreError};
use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, TransactionBehavior, params, params_from_iter};

use super::error::{json_error, out_of_range, store_error};
use super::files::Files;
use super::leases;
use super::row::{integer, json, limit, link_integer, micros, side_text};
use super::state::{find, intern};

/// An entry as text, made by whoever waits for it.
pub(super) struct EntryRow {
    link: i64,
    side: &'static str,
    number: i64,
    round: i64,
    at: i64,
    lost: bool,
    fence: Fence,
    entry: String,
    intent: String,
}

impl EntryRow {
    pub(super) fn of(entry: &JournalEntry) -> Result<EntryRow, StoreError> {
        let intent: Intent = entry.intent();
        Ok(EntryRow {
            link: link_integer(entry.write.link)?,
            side: side_text(entry.side),
            number: integer("the number of a write", entry.write.receipt.number)?,
            round: integer("the number of a round", entry.round.0)?,
            at: micros(entry.at),
            lost: entry.losing.is_some(),
            fence: entry.fence,
            entry: json("a journal entry", entry)?,
            intent: json("an intent", &intent)?,
        })
    }
}

/// An outcome that the journal file may not hold yet.
pub(super) struct Settled {
    pub(super) id: i64,
    entry: i64,
    pairing: String,
    link: i64,
    side: String,
    number: i64,
    outcome: String,
}

/// What [`Settled`] there is, oldest first.
pub(super) fn settled(state: &Connection) -> Result<Vec<Settled>, StoreError> {
    let mut query = state
        .prepare_cached("SELECT id, entry, pairing, link, side, number, outcome FROM settled ORDER BY id")
        .map_err(store_error)?;
    let rows = query
        .query_map([], |row| {
            Ok(Settled {
                id: row.get(0)?,
                entry: row.get(1)?,
                pairing: row.get(2)?,
                link: row.get(3)?,
                side: row.get(4)?,
                number: row.get(5)?,
                outcome: row.get(6)?,
            })
        })
        .map_err(store_error)?;
    rows.collect::<Result<_, _>>().map_err(store_error)
}

/// Adds outcomes to the journal; twice is as good as once. The entry has to agree in every part: after one of the two
/// files was restored, its number may mean another entry.
pub(super) fn note_outcomes(journal: &Transaction<'_>, settled: &[Settled]) -> Result<(), StoreError> {
    let mut insert = journal
        .prepare_cached(
            "INSERT INTO outcome (entry, text)
             SELECT id, ?6 FROM entry WHERE id = ?1 AND pairing = ?2 AND link = ?3 AND side = ?4 AND number = ?5
             ON CONFLICT (entry) DO NOTHING",
        )
        .map_err(store_error)?;
    for one in settled {
        insert
            .execute(params![one.entry, one.pairing, one.link, one.side, one.number, one.outcome])
            .map_err(store_error)?;
    }
    Ok(())
}

/// Ends what the journal holds durably.
pub(super) fn forget_settled(state: &Connection, up_to: i64) -> Result<(), StoreError> {
    let mut delete = state.prepare_cached("DELETE FROM settled WHERE id <= ?1").map_err(store_error)?;
    delete.execute([up_to]).map_err(store_error)?;
    Ok(())
}

/// Appends entries: first the journal is durable, then the intents are.
pub(super) fn append(files: &mut Files, pairing: &PairingId, rows: &[EntryRow]) -> Result<(), StoreError> {
    files.own()?;
    if rows.is_empty() {
        return Ok(());
    }
    // Also below, where it counts: this spares the journal what no write will follow.
    let transaction = files.read()?;
    if let Some(id) = find(&transaction, pairing)? {
        admit(&transaction, id, rows)?;
    }
    drop(transaction);
    let settled = settled(&files.state)?;
    let mut entries = Vec::with_capacity(rows.len());
    let transaction =
        files.journal.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    note_outcomes(&transaction, &settled)?;
    {
        let mut insert = transaction
            .prepare_cached(
                "INSERT INTO entry (pairing, link, side, number, round, at, lost, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .map_err(store_error)?;
        for row in rows {
            let EntryRow { link, side, number, round, at, lost, fence: _, entry, intent: _ } = row;
            let values = params![pairing.as_str(), link, side, number, round, at, lost, entry];
            entries.push(insert.insert(values).map_err(store_error)?);
        }
    }
    transaction.commit().map_err(store_error)?;

    let transaction = files.write()?;
    let id = intern(&transaction, pairing)?;
    admit(&transaction, id, rows)?;
    leases::beat(&transaction, id)?;
    {
        let mut insert = transaction
            .prepare_cached(
                "INSERT INTO intent (pairing, link, side, number, entry, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .map_err(store_error)?;
        for (row, entry) in rows.iter().zip(entries) {
            insert
                .execute(params![id, row.link, row.side, row.number, entry, row.intent])
                .map_err(store_error)?;
        }
    }
    if let Some(last) = settled.last() {
        forget_settled(&transaction, last.id)?;
    }
    transaction.commit().map_err(store_error)
}

/// Refuses all of them where one names another fence than the last that was given.
fn admit(transaction: &Transaction<'_>, id: i64, rows: &[EntryRow]) -> Result<(), StoreError> {
    rows.iter().try_for_each(|row| leases::admit(transaction, id, row.fence))
}

/// Closes an intent: it ends here, and its outcome goes to the journal.
pub(super) fn close(
    transaction: &Transaction<'_>,
    pairing: (i64, &PairingId),
    (link, side, number): (LinkId, Side, u64),
    outcome: &str,
) -> Result<(), StoreError> {
    let (id, name) = pairing;
    let (link, side) = (link_integer(link)?, side_text(side));
    let number = integer("the number of a write", number)?;
    let mut delete = transaction
        .prepare_cached(
            "DELETE FROM intent WHERE pairing = ?1 AND link = ?2 AND side = ?3 AND number = ?4 RETURNING entry",
        )
        .map_err(store_error)?;
    let entries: Vec<i64> = delete
        .query_map(params![id, link, side, number], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(store_error)?;
    let mut insert = transaction
        .prepare_cached(
            "INSERT INTO settled (entry, pairing, link, side, number, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .map_err(store_error)?;
    for entry in entries {
        insert.execute(params![entry, name.as_str(), link, side, number, outcome]).map_err(store_error)?;
    }
    Ok(())
}

/// An entry as it is read.
pub(super) struct EntryText {
    id: i64,
    body: String,
    outcome: Option<String>,
}

impl EntryText {
    pub(super) fn read(self) -> Result<JournalEntry, StoreError> {
        let entry: JournalEntry =
            serde_json::from_str(&self.body).map_err(|error| json_error("a journal entry", &error))?;
        let id = EntryId(u64::try_from(self.id).map_err(|_| out_of_range("the number of an entry"))?);
        Ok(JournalEntry { id, outcome: self.outcome, ..entry })
    }
}

/// Entries with their outcomes, newest first.
pub(super) fn entries(
    files: &mut Files,
    pairing: &PairingId,
    query: &JournalQuery,
) -> Result<Vec<EntryText>, StoreError> {
    // In this order: an outcome leaves the first place only after it has reached the second.
    let settled: BTreeMap<i64, String> = settled(&files.state)?
        .into_iter()
        .filter(|one| one.pairing == pairing.as_str())
        .map(|one| (one.entry, one.outcome))
        .collect();
    let (conditions, values) = conditions(pairing, query)?;
    let sql = format!(
        "SELECT entry.id, entry.body, outcome.text FROM entry LEFT JOIN outcome ON outcome.entry = entry.id
         WHERE {conditions} ORDER BY entry.id DESC LIMIT ?"
    );
    let mut select = files.journal.prepare_cached(&sql).map_err(store_error)?;
    let rows = select
        .query_map(params_from_iter(values), |row| {
            let id: i64 = row.get(0)?;
            let outcome: Option<String> = row.get(2)?;
            Ok(EntryText { id, body: row.get(1)?, outcome: outcome.or_else(|| settled.get(&id).cloned()) })
        })
        .map_err(store_error)?;
    rows.collect::<Result<_, _>>().map_err(store_error)
}

/// What has to hold of the entries, and the values for it and for the limit, in order.
fn conditions(pairing: &PairingId, query: &JournalQuery) -> Result<(String, Vec<Value>), StoreError> {
    let JournalQuery { ids, link, round, lost, since, before, limit: most } = query;
    let name = || Value::Text(pairing.as_str().to_owned());
    let mut all = vec!["entry.pairing = ?"];
    let mut values = vec![name()];
    if let Some(ids) = ids {
        all.push("entry.id IN (SELECT value FROM json_each(?))");
        values.push(Value::Text(json("numbers", ids)?));
    }
    if let Some(link) = link {
        all.push("entry.link = ?");
        values.push(Value::Integer(link_integer(*link)?));
    }
    if let Some(round) = round {
        // Of several rounds with this number the newest: the others ended before a round with another number.
        let round = integer("the number of a round", round.0)?;
        all.push(
            "entry.round = ? AND entry.id > coalesce(
                 (SELECT max(id) FROM entry WHERE pairing = ? AND round <> ? AND id < (
                     SELECT max(id) FROM entry WHERE pairing = ? AND round = ?)), 0)",
        );
        values.extend([Value::Integer(round), name(), Value::Integer(round), name(), Value::Integer(round)]);
    }
    if *lost {
        all.push("entry.lost = 1");
    }
    if let Some(since) = since {
        all.push("entry.at >= ?");
        values.push(Value::Integer(micros(*since)));
    }
    if let Some(before) = before {
        all.push("entry.id < ?");
        // No entry has a number beyond those that fit.
        values.push(Value::Integer(i64::try_from(before.0).unwrap_or(i64::MAX)));
    }
    values.push(Value::Integer(limit(*most)));
    Ok((all.join(" AND "), values))
}

/// Ends entries that are older; those that still wait for their outcome stay.
pub(super) fn prune(files: &mut Files, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let oldest_open: Option<i64> =
        files.state.query_row("SELECT min(entry) FROM intent", [], |row| row.get(0)).map_err(store_error)?;
    let removed = files
        .journal
        .execute(
            "DELETE FROM entry WHERE at < ?1 AND id < ?2",
            params![micros(before), oldest_open.unwrap_or(i64::MAX)],
        )
        .map_err(store_error)?;
    u64::try_from(removed).map_err(|_| out_of_range("the number of entries"))
}

/// How many entries are erased in one transaction, so that a round beside it does not wait long.
const ERASED_AT_ONCE: i64 = 200;

/// Erases the content of entries of one pairing or all, before a time or all: from the file, not only from its answers.
pub(super) fn erase(
    files: &mut Files,
    pairing: Option<&PairingId>,
    before: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let before = before.map_or(i64::MAX, micros);
    let mut erased = 0;
    loop {
        let transaction =
            files.journal.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
        let found: Vec<(i64, String)> = {
            let mut select = transaction
                .prepare_cached(
                    "SELECT id, body FROM entry
                     WHERE erased = 0 AND at < ?1 AND (?2 IS NULL OR pairing = ?2) LIMIT ?3",
                )
                .map_err(store_error)?;
            select
                .query_map(params![before, pairing.map(PairingId::as_str), ERASED_AT_ONCE], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .and_then(Iterator::collect)
                .map_err(store_error)?
        };
        if found.is_empty() {
            break;
        }
        for (id, body) in found {
            let mut entry = EntryText { id, body, outcome: None }.read()?;
            entry.erase(now);
            let mut update = transaction
                .prepare_cached("UPDATE entry SET erased = 1, body = ?2 WHERE id = ?1")
                .map_err(store_error)?;
            update.execute(params![id, json("a journal entry", &entry)?]).map_err(store_error)?;
            erased += 1;
        }
        transaction.commit().map_err(store_error)?;
    }
    files.clear_logs()?;
    Ok(erased)
}
