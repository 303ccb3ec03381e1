//! What people asked for, until a commit says that it is done.
//!
//! An order is one transaction that counts the version of the head up. It needs no lock: like a reset it is given beside
//! a process that runs rounds, which meets another version at its next commit and begins a new round.

use calsync_core::ids::PairingId;
use calsync_core::link::Order;
use calsync_core::store::StoreError;
use rusqlite::{Transaction, params};

use super::error::{json_error, out_of_range, store_error};
use super::files::Files;
use super::row::integer;
use super::state;

/// Notes an order and gives it its number.
pub(super) fn add(files: &mut Files, pairing: &PairingId, body: &str) -> Result<u64, StoreError> {
    let transaction = files.write()?;
    let id = state::intern(&transaction, pairing)?;
    transaction
        .prepare_cached("UPDATE pairing SET version = version + 1 WHERE id = ?1")
        .and_then(|mut update| update.execute([id]))
        .map_err(store_error)?;
    let number = transaction
        .prepare_cached("INSERT INTO orders (pairing, body) VALUES (?1, ?2)")
        .and_then(|mut insert| insert.insert(params![id, body]))
        .map_err(store_error)?;
    transaction.commit().map_err(store_error)?;
    u64::try_from(number).map_err(|_| out_of_range("the number of an order"))
}

/// Numbers and bodies of all orders of a pairing, in order.
pub(super) fn all(transaction: &Transaction<'_>, id: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let mut query = transaction
        .prepare_cached("SELECT id, body FROM orders WHERE pairing = ?1 ORDER BY id")
        .map_err(store_error)?;
    query
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .map_err(store_error)
}

/// Ends an order of this pairing.
pub(super) fn done(transaction: &Transaction<'_>, id: i64, order: u64) -> Result<(), StoreError> {
    let order = integer("the number of an order", order)?;
    let mut delete = transaction
        .prepare_cached("DELETE FROM orders WHERE pairing = ?1 AND id = ?2")
        .map_err(store_error)?;
    delete.execute(params![id, order]).map_err(store_error)?;
    Ok(())
}

/// Reads what [`all`] gave.
pub(super) fn read((id, body): (i64, String)) -> Result<Order, StoreError> {
    let order: Order = serde_json::from_str(&body).map_err(|error| json_error("an order", &error))?;
    let id = u64::try_from(id).map_err(|_| out_of_range("the number of an order"))?;
    Ok(Order { id, ..order })
}
