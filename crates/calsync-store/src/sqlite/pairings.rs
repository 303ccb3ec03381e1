//! The registry of pairings and the history of their rounds, in the state file.

use std::collections::BTreeMap;

use async_trait::async_trait;
use calsync_core::ids::PairingId;
use calsync_core::store::StoreError;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::de::DeserializeOwned;

use super::SqliteStore;
use super::error::{json_error, store_error};
use super::files::Files;
use super::row::{json, limit};
use super::state;
use crate::pairing::{PairingError, PairingRecord, PairingStore, RUNS_KEPT, RunRecord};

fn parse<T: DeserializeOwned>(what: &'static str, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|error| json_error(what, &error))
}

fn record(transaction: &Transaction<'_>, id: &PairingId) -> Result<Option<PairingRecord>, StoreError> {
    let mut query = transaction
        .prepare_cached(
            "SELECT body FROM registered JOIN pairing ON pairing.id = registered.pairing WHERE pairing.name = ?1",
        )
        .map_err(store_error)?;
    let body: Option<String> =
        query.query_row([id.as_str()], |row| row.get(0)).optional().map_err(store_error)?;
    body.map(|body| parse("a pairing", &body)).transpose()
}

/// The name of the pairing for which `condition` holds.
fn holder(
    transaction: &Transaction<'_>,
    condition: &str,
    values: &[&str],
) -> Result<Option<PairingId>, StoreError> {
    let sql = format!(
        "SELECT pairing.name FROM registered JOIN pairing ON pairing.id = registered.pairing WHERE {condition}"
    );
    let mut query = transaction.prepare_cached(&sql).map_err(store_error)?;
    let name: Option<String> = query
        .query_row(rusqlite::params_from_iter(values), |row| row.get(0))
        .optional()
        .map_err(store_error)?;
    Ok(name.map(PairingId::new))
}

fn add(files: &mut Files, record: &PairingRecord) -> Result<(), PairingError> {
    let body = json("a pairing", record)?;
    let (mailbox, folder) = record.calendar();
    let transaction = files.write()?;
    if self::record(&transaction, &record.id)?.is_some() {
        return Err(PairingError::IdTaken(record.id.clone()));
    }
    if let Some(by) = holder(&transaction, "unit = ?1", &[&record.unit])? {
        return Err(PairingError::UnitTaken { unit: record.unit.clone(), by });
    }
    if let Some(by) = holder(&transaction, "mailbox = ?1 AND folder = ?2", &[&mailbox, &folder])? {
        return Err(PairingError::CalendarTaken { mailbox: record.mailbox.clone(), by });
    }
    let id = state::intern(&transaction, &record.id)?;
    state::forget(&transaction, id)?;
    transaction
        .execute(
            "INSERT INTO registered (pairing, unit, mailbox, folder, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id, record.unit, mailbox, folder, body],
        )
        .map_err(store_error)?;
    Ok(transaction.commit().map_err(store_error)?)
}

fn update(files: &mut Files, record: &PairingRecord) -> Result<(), PairingError> {
    let body = json("a pairing", record)?;
    let transaction = files.write()?;
    let unknown = || PairingError::Unknown(record.id.clone());
    let stored = self::record(&transaction, &record.id)?.ok_or_else(unknown)?;
    if !stored.same_calendars(record) {
        return Err(PairingError::OtherCalendar(record.id.clone()));
    }
    let id = state::find(&transaction, &record.id)?.ok_or_else(unknown)?;
    transaction
        .execute("UPDATE registered SET body = ?2 WHERE pairing = ?1", params![id, body])
        .map_err(store_error)?;
    Ok(transaction.commit().map_err(store_error)?)
}

fn remove(files: &mut Files, name: &PairingId) -> Result<(), PairingError> {
    let transaction = files.write()?;
    let unknown = || PairingError::Unknown(name.clone());
    let id = state::find(&transaction, name)?.ok_or_else(unknown)?;
    let removed =
        transaction.execute("DELETE FROM registered WHERE pairing = ?1", [id]).map_err(store_error)?;
    if removed == 0 {
        return Err(unknown());
    }
    transaction.execute("DELETE FROM run WHERE pairing = ?1", [id]).map_err(store_error)?;
    state::forget(&transaction, id)?;
    Ok(transaction.commit().map_err(store_error)?)
}

fn add_run(transaction: &Transaction<'_>, pairing: &PairingId, body: &str) -> Result<(), StoreError> {
    let mut insert = transaction
        .prepare_cached(
            "INSERT INTO run (pairing, body)
             SELECT pairing, ?2 FROM registered JOIN pairing ON pairing.id = registered.pairing
             WHERE pairing.name = ?1 RETURNING pairing",
        )
        .map_err(store_error)?;
    let id: Option<i64> = insert
        .query_row(params![pairing.as_str(), body], |row| row.get(0))
        .optional()
        .map_err(store_error)?;
    if let Some(id) = id {
        let mut delete = transaction
            .prepare_cached(
                "DELETE FROM run WHERE pairing = ?1 AND id <= (
                     SELECT id FROM run WHERE pairing = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            )
            .map_err(store_error)?;
        delete.execute(params![id, limit(RUNS_KEPT)]).map_err(store_error)?;
    }
    Ok(())
}

fn runs(transaction: &Transaction<'_>, id: i64, most: usize) -> Result<Vec<String>, StoreError> {
    let mut query = transaction
        .prepare_cached("SELECT body FROM run WHERE pairing = ?1 ORDER BY id DESC LIMIT ?2")
        .map_err(store_error)?;
    query
        .query_map(params![id, limit(most)], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(store_error)
}

impl SqliteStore {
    /// Runs something of the registry on the store's thread, with its own kind of error.
    async fn registry<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Files) -> Result<T, PairingError> + Send + 'static,
    ) -> Result<T, PairingError> {
        self.worker.run(move |files| Ok(act(files))).await?
    }

    async fn bodies(&self, sql: &'static str) -> Result<Vec<String>, StoreError> {
        self.worker
            .run(move |files| {
                let transaction = files.read()?;
                let mut query = transaction.prepare_cached(sql).map_err(store_error)?;
                query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(store_error)
            })
            .await
    }
}

#[async_trait]
impl PairingStore for SqliteStore {
    async fn add_pairing(&self, record: &PairingRecord) -> Result<(), PairingError> {
        record.validate()?;
        let record = record.clone();
        self.registry(move |files| add(files, &record)).await
    }

    async fn pairing(&self, id: &PairingId) -> Result<Option<PairingRecord>, PairingError> {
        let id = id.clone();
        Ok(self.worker.run(move |files| record(&files.read()?, &id)).await?)
    }

    async fn pairings(&self) -> Result<Vec<PairingRecord>, PairingError> {
        let bodies = self
            .bodies(
                "SELECT body FROM registered JOIN pairing ON pairing.id = registered.pairing ORDER BY name",
            )
            .await?;
        bodies.iter().map(|body| Ok(parse("a pairing", body)?)).collect()
    }

    async fn update_pairing(&self, record: &PairingRecord) -> Result<(), PairingError> {
        record.validate()?;
        let record = record.clone();
        self.registry(move |files| update(files, &record)).await
    }

    async fn remove_pairing(&self, id: &PairingId) -> Result<(), PairingError> {
        let id = id.clone();
        self.registry(move |files| remove(files, &id)).await
    }

    async fn add_run(&self, run: &RunRecord) -> Result<(), PairingError> {
        let body = json("a round", run)?;
        let pairing = run.pairing.clone();
        Ok(self
            .worker
            .run(move |files| files.write_soon(|transaction| add_run(transaction, &pairing, &body)))
            .await?)
    }

    async fn runs(&self, id: &PairingId, limit: usize) -> Result<Vec<RunRecord>, PairingError> {
        let bodies = self.ask(id, move |transaction, id| runs(transaction, id, limit)).await?;
        bodies.iter().map(|body| Ok(parse("a round", body)?)).collect()
    }

    async fn last_runs(&self) -> Result<BTreeMap<PairingId, RunRecord>, PairingError> {
        let bodies = self
            .bodies(
                "SELECT (SELECT body FROM run WHERE run.pairing = registered.pairing ORDER BY id DESC LIMIT 1) AS last
                 FROM registered WHERE last IS NOT NULL",
            )
            .await?;
        bodies
            .iter()
            .map(|body| {
                let run: RunRecord = parse("a round", body)?;
                Ok((run.pairing.clone(), run))
            })
            .collect()
    }

    async fn last_run(&self, id: &PairingId) -> Result<Option<RunRecord>, PairingError> {
        Ok(self.runs(id, 1).await?.pop())
    }
}
