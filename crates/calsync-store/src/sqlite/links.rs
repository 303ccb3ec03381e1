//! Finding links. Every question is answered from an index, in order of link ids.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{PerSide, Side};
use calsync_core::link::MatchKey;
use calsync_core::store::StoreError;
use rusqlite::{Params, Row, Transaction, params};

use super::error::store_error;
use super::row::{LinkText, LoneKey};

macro_rules! select_links {
    ($rest:literal) => {
        concat!(
            "SELECT id, generation, writes, half_a, half_b, hold, retry, masked, memory FROM link ",
            $rest
        )
    };
}

const BY_ID: &str = select_links!("WHERE pairing = ?1 AND id = ?2");
const BY_KEY_A: &str = select_links!("INDEXED BY link_key_a WHERE pairing = ?1 AND key_a = ?2");
const BY_KEY_B: &str = select_links!("INDEXED BY link_key_b WHERE pairing = ?1 AND key_b = ?2");
const BY_UID_A: &str = select_links!("INDEXED BY link_uid_a WHERE pairing = ?1 AND uid_a = ?2");
const BY_UID_B: &str = select_links!("INDEXED BY link_uid_b WHERE pairing = ?1 AND uid_b = ?2");
const ALL: &str = select_links!("WHERE pairing = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
const DUE: &str = select_links!(
    "INDEXED BY link_due WHERE pairing = ?1 AND dirty = 1 AND id > ?2 AND (retry_at IS NULL OR retry_at <= ?4)
     ORDER BY id LIMIT ?3"
);
const HELD: &str =
    select_links!("INDEXED BY link_held WHERE pairing = ?1 AND held = 1 AND id > ?2 ORDER BY id LIMIT ?3");
const UNLISTED_A: &str = select_links!(
    "INDEXED BY link_listed_a WHERE pairing = ?1 AND listed_a < ?4 AND id > ?2 ORDER BY id LIMIT ?3"
);
const UNLISTED_B: &str = select_links!(
    "INDEXED BY link_listed_b WHERE pairing = ?1 AND listed_b < ?4 AND id > ?2 ORDER BY id LIMIT ?3"
);
const LONE: &str = "SELECT link FROM lone_key WHERE pairing = ?1 AND side = ?2 AND kind = ?3 AND value = ?4";

/// Where a page begins and how long it is.
#[derive(Clone, Copy)]
pub(super) struct Page {
    /// After this id; ids are never negative, so -1 is the beginning.
    pub(super) after: i64,
    pub(super) limit: i64,
}

fn read(row: &Row<'_>) -> rusqlite::Result<LinkText> {
    Ok(LinkText {
        id: row.get(0)?,
        generation: row.get(1)?,
        writes: row.get(2)?,
        halves: PerSide { a: row.get(3)?, b: row.get(4)? },
        hold: row.get(5)?,
        retry: row.get(6)?,
        masked: row.get(7)?,
        memory: row.get(8)?,
    })
}

fn query(transaction: &Transaction<'_>, sql: &str, values: impl Params) -> Result<Vec<LinkText>, StoreError> {
    let mut query = transaction.prepare_cached(sql).map_err(store_error)?;
    query.query_map(values, read).and_then(Iterator::collect).map_err(store_error)
}

pub(super) fn by_id(
    transaction: &Transaction<'_>,
    pairing: i64,
    ids: &BTreeSet<i64>,
) -> Result<Vec<LinkText>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(query(transaction, BY_ID, params![pairing, id])?);
    }
    Ok(found)
}

pub(super) fn by_key(
    transaction: &Transaction<'_>,
    pairing: i64,
    side: Side,
    keys: &[String],
) -> Result<Vec<LinkText>, StoreError> {
    let sql = match side {
        Side::A => BY_KEY_A,
        Side::B => BY_KEY_B,
    };
    by_text(transaction, sql, pairing, keys)
}

pub(super) fn by_uid(
    transaction: &Transaction<'_>,
    pairing: i64,
    side: Side,
    uids: &[String],
) -> Result<Vec<LinkText>, StoreError> {
    let sql = match side {
        Side::A => BY_UID_A,
        Side::B => BY_UID_B,
    };
    by_text(transaction, sql, pairing, uids)
}

fn by_text(
    transaction: &Transaction<'_>,
    sql: &str,
    pairing: i64,
    texts: &[String],
) -> Result<Vec<LinkText>, StoreError> {
    let mut found = BTreeMap::new();
    for text in texts {
        found
            .extend(query(transaction, sql, params![pairing, text])?.into_iter().map(|link| (link.id, link)));
    }
    Ok(found.into_values().collect())
}

pub(super) fn lone(
    transaction: &Transaction<'_>,
    pairing: i64,
    by: &[LoneKey],
) -> Result<Vec<LinkText>, StoreError> {
    let mut ids: BTreeSet<i64> = BTreeSet::new();
    let mut query = transaction.prepare_cached(LONE).map_err(store_error)?;
    for key in by {
        let rows = query
            .query_map(params![pairing, key.side, key.kind, key.value], |row| row.get(0))
            .map_err(store_error)?;
        for id in rows {
            ids.insert(id.map_err(store_error)?);
        }
    }
    by_id(transaction, pairing, &ids)
}

pub(super) fn due(
    transaction: &Transaction<'_>,
    pairing: i64,
    page: Page,
    now: i64,
) -> Result<Vec<LinkText>, StoreError> {
    query(transaction, DUE, params![pairing, page.after, page.limit, now])
}

pub(super) fn unlisted(
    transaction: &Transaction<'_>,
    pairing: i64,
    side: Side,
    listing: u32,
    page: Page,
) -> Result<Vec<LinkText>, StoreError> {
    let sql = match side {
        Side::A => UNLISTED_A,
        Side::B => UNLISTED_B,
    };
    query(transaction, sql, params![pairing, page.after, page.limit, listing])
}

pub(super) fn held(
    transaction: &Transaction<'_>,
    pairing: i64,
    page: Page,
) -> Result<Vec<LinkText>, StoreError> {
    query(transaction, HELD, params![pairing, page.after, page.limit])
}

pub(super) fn all(
    transaction: &Transaction<'_>,
    pairing: i64,
    page: Page,
) -> Result<Vec<LinkText>, StoreError> {
    query(transaction, ALL, params![pairing, page.after, page.limit])
}

/// Bodies of the tombstones that name one of these keys on `side` or one of these UIDs, oldest first.
pub(super) fn tombstones(
    transaction: &Transaction<'_>,
    pairing: i64,
    side: Side,
    keys: &[String],
    uids: &[String],
) -> Result<Vec<String>, StoreError> {
    let by_key = match side {
        Side::A => "SELECT id, body FROM tombstone WHERE pairing = ?1 AND key_a = ?2",
        Side::B => "SELECT id, body FROM tombstone WHERE pairing = ?1 AND key_b = ?2",
    };
    let by_uid = "SELECT id, body FROM tombstone WHERE pairing = ?1 AND uid = ?2";
    let mut found: BTreeMap<i64, String> = BTreeMap::new();
    for (sql, values) in [(by_key, keys), (by_uid, uids)] {
        let mut query = transaction.prepare_cached(sql).map_err(store_error)?;
        for value in values {
            let rows = query
                .query_map(params![pairing, value], |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(store_error)?;
            for row in rows {
                let (id, body) = row.map_err(store_error)?;
                found.insert(id, body);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The keys a question for lone links names.
pub(super) fn lone_keys(side: Side, by: &[MatchKey]) -> Vec<LoneKey> {
    by.iter().map(|key| LoneKey::of(side, key)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::files::Files;
    use super::*;

    fn plan(files: &Files, sql: &str) -> String {
        let mut query = files.state.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = query.parameter_count();
        let rows = query
            .query_map(rusqlite::params_from_iter(vec![1; parameters]), |row| row.get::<_, String>(3))
            .unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    }

    #[test]
    fn no_question_for_links_reads_a_table_from_end_to_end() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        for sql in
            [BY_ID, BY_KEY_A, BY_KEY_B, BY_UID_A, BY_UID_B, ALL, DUE, HELD, UNLISTED_A, UNLISTED_B, LONE]
        {
            let plan = plan(&files, sql);
            assert!(plan.starts_with("SEARCH") && !plan.contains("SCAN"), "{sql}: {plan}");
        }
        for sql in [ALL, DUE, HELD] {
            assert!(!plan(&files, sql).contains("TEMP B-TREE"), "a page of {sql} sorts the whole calendar");
        }
        assert!(plan(&files, DUE).contains("link_due (pairing=? AND id>?)"), "{}", plan(&files, DUE));
    }
}
