//! The journal file: every write before it is made, and how it ended.
//!
//! Entries are durable before their intents are, and those before a write leaves. Outcomes are stored with the commit
//! that closes the intent, in the state file; from there they reach the journal with the next entries. Readers look
//! at both places, so that this costs no time on disk and shows nowhere.

use std::collections::BTreeMap;

use calsync_core::ids::{LinkId, PairingId, Side};
use calsync_core::link::Intent;
use calsync_core::store::{JournalEntry, StoreError};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::error::{json_error, out_of_range, store_error};
use super::files::Files;
use super::row::{integer, json, limit, link_integer, side_text};
use super::state::intern;

/// An entry as text, made by whoever waits for it.
pub(super) struct EntryRow {
    link: i64,
    side: &'static str,
    number: i64,
    at: i64,
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
            at: entry.at.timestamp(),
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
    let settled = settled(&files.state)?;
    let mut entries = Vec::with_capacity(rows.len());
    let transaction =
        files.journal.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    note_outcomes(&transaction, &settled)?;
    {
        let mut insert = transaction
            .prepare_cached(
                "INSERT INTO entry (pairing, link, side, number, at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .map_err(store_error)?;
        for row in rows {
            let values = params![pairing.as_str(), row.link, row.side, row.number, row.at, row.entry];
            entries.push(insert.insert(values).map_err(store_error)?);
        }
    }
    transaction.commit().map_err(store_error)?;

    let transaction = files.write()?;
    let id = intern(&transaction, pairing)?;
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

/// Bodies and outcomes of the newest entries, newest first.
pub(super) fn newest(
    files: &mut Files,
    pairing: &PairingId,
    most: usize,
) -> Result<Vec<(String, Option<String>)>, StoreError> {
    // In this order: an outcome leaves the first place only after it has reached the second.
    let settled: BTreeMap<i64, String> = settled(&files.state)?
        .into_iter()
        .filter(|one| one.pairing == pairing.as_str())
        .map(|one| (one.entry, one.outcome))
        .collect();
    let mut query = files
        .journal
        .prepare_cached(
            "SELECT entry.id, entry.body, outcome.text FROM entry LEFT JOIN outcome ON outcome.entry = entry.id
             WHERE entry.pairing = ?1 ORDER BY entry.id DESC LIMIT ?2",
        )
        .map_err(store_error)?;
    let rows = query
        .query_map(params![pairing.as_str(), limit(most)], |row| {
            let id: i64 = row.get(0)?;
            let outcome: Option<String> = row.get(2)?;
            Ok((row.get(1)?, outcome.or_else(|| settled.get(&id).cloned())))
        })
        .map_err(store_error)?;
    rows.collect::<Result<_, _>>().map_err(store_error)
}

/// Reads what [`newest`] gave.
pub(super) fn entry_of((body, outcome): (String, Option<String>)) -> Result<JournalEntry, StoreError> {
    let mut entry: JournalEntry =
        serde_json::from_str(&body).map_err(|error| json_error("a journal entry", &error))?;
    entry.outcome = outcome;
    Ok(entry)
}

/// Ends entries that are older; those that still wait for their outcome stay.
pub(super) fn prune(files: &mut Files, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let oldest_open: Option<i64> =
        files.state.query_row("SELECT min(entry) FROM intent", [], |row| row.get(0)).map_err(store_error)?;
    let removed = files
        .journal
        .execute(
            "DELETE FROM entry WHERE at < ?1 AND id < ?2",
            params![before.timestamp(), oldest_open.unwrap_or(i64::MAX)],
        )
        .map_err(store_error)?;
    u64::try_from(removed).map_err(|_| out_of_range("the number of entries"))
}
