//! Who works on which pairing: columns of its row, so that a fence is looked at in the transaction that it guards.
//!
//! A claim and its end wait for no disk. After a power failure they may be gone, and so is whoever made them; what was
//! stored under them was on disk, and all that was before it.

use calsync_core::ids::PairingId;
use calsync_core::store::{Fence, Lease, StoreError, Tenure};
use rusqlite::{Transaction, params};

use super::error::{json_error, out_of_range, store_error};
use super::files::Files;
use super::row::{integer, json};
use super::state::{find, intern};

/// A lease as it is stored, and under which lock it was claimed.
fn stored(transaction: &Transaction<'_>, id: i64) -> Result<(Lease, Option<String>), StoreError> {
    let mut query = transaction
        .prepare_cached("SELECT fence, beats, tenure, lock FROM pairing WHERE id = ?1")
        .map_err(store_error)?;
    let (fence, beats, tenure, lock): (i64, i64, Option<String>, Option<String>) = query
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .map_err(store_error)?;
    let count = |value: i64| u64::try_from(value).map_err(|_| out_of_range("the lease of a pairing"));
    let tenure = tenure.map(|text| serde_json::from_str(&text)).transpose();
    let tenure = tenure.map_err(|error| json_error("the lease of a pairing", &error))?;
    Ok((Lease { fence: Fence(count(fence)?), beats: count(beats)?, tenure }, lock))
}

/// The lease of a pairing. Who claimed it under the lock that is ours now has ended, unless it was through these files.
pub(super) fn of(files: &mut Files, pairing: &PairingId) -> Result<Lease, StoreError> {
    let ours = files.lock_name().map(str::to_owned);
    let given = files.given.get(pairing).copied();
    let transaction = files.read()?;
    match find(&transaction, pairing)? {
        Some(id) => lease(&transaction, id, ours.as_deref(), given),
        None => Ok(Lease::default()),
    }
}

fn lease(
    transaction: &Transaction<'_>,
    id: i64,
    ours: Option<&str>,
    given: Option<Fence>,
) -> Result<Lease, StoreError> {
    let (mut lease, lock) = stored(transaction, id)?;
    if ours.is_some() && lock.as_deref() == ours && given != Some(lease.fence) {
        lease.tenure = None;
    }
    Ok(lease)
}

/// Gives the pairing away, if its lease is still as it was seen.
pub(super) fn claim(
    files: &mut Files,
    pairing: &PairingId,
    seen: &Lease,
    tenure: &Tenure,
) -> Result<Lease, StoreError> {
    files.own()?;
    let ours = files.lock_name().map(str::to_owned);
    let given = files.given.get(pairing).copied();
    let next = seen.next(tenure);
    let fence = integer("the fence of a pairing", next.fence.0)?;
    let text = json("the lease of a pairing", tenure)?;
    files.write_soon(|transaction| {
        let id = intern(transaction, pairing)?;
        let now = lease(transaction, id, ours.as_deref(), given)?;
        if now != *seen {
            return Err(now.refusal());
        }
        let mut update = transaction
            .prepare_cached("UPDATE pairing SET fence = ?2, beats = 0, tenure = ?3, lock = ?4 WHERE id = ?1")
            .map_err(store_error)?;
        update.execute(params![id, fence, text, ours]).map_err(store_error)?;
        Ok(())
    })?;
    files.given.insert(pairing.clone(), next.fence);
    Ok(next)
}

/// Refuses whoever names another fence than the last that was given.
pub(super) fn admit(transaction: &Transaction<'_>, id: i64, fence: Fence) -> Result<(), StoreError> {
    let mut query =
        transaction.prepare_cached("SELECT fence FROM pairing WHERE id = ?1").map_err(store_error)?;
    let last: i64 = query.query_row([id], |row| row.get(0)).map_err(store_error)?;
    if integer("the fence of a pairing", fence.0)? == last { Ok(()) } else { Err(StoreError::Fenced) }
}

/// Counts a sign of life.
pub(super) fn beat(transaction: &Transaction<'_>, id: i64) -> Result<(), StoreError> {
    let mut update = transaction
        .prepare_cached("UPDATE pairing SET beats = beats + 1 WHERE id = ?1")
        .map_err(store_error)?;
    update.execute([id]).map_err(store_error)?;
    Ok(())
}

/// Counts a sign of life of whoever has it.
pub(super) fn renew(files: &mut Files, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
    files.write_soon(|transaction| {
        let id = find(transaction, pairing)?.ok_or(StoreError::Fenced)?;
        admit(transaction, id, fence)?;
        if stored(transaction, id)?.0.tenure.is_none() {
            return Err(StoreError::Fenced);
        }
        beat(transaction, id)
    })
}

/// Ends what was given with this fence.
pub(super) fn release(files: &mut Files, pairing: &PairingId, fence: Fence) -> Result<(), StoreError> {
    let fence = integer("the fence of a pairing", fence.0)?;
    files.write_soon(|transaction| {
        let mut update = transaction
            .prepare_cached("UPDATE pairing SET tenure = NULL WHERE name = ?1 AND fence = ?2")
            .map_err(store_error)?;
        update.execute(params![pairing.as_str(), fence]).map_err(store_error)?;
        Ok(())
    })
}
