//! What people asked for.

use calsync_core::ids::{ContentHash, LinkId, PairingId, Side};
use calsync_core::link::{Answer, Order, Wish};
use calsync_core::store::{Commit, StateStore, StoreError};

use super::build::{at, entry, linked, pairing, rich_series};
use super::{commit, put, same_links};
use crate::conformance::{Checked, Fault, holds, same};

pub(super) fn answer(link: u64) -> Wish {
    Wish::Answer { link: LinkId(link), about: ContentHash::of(&["asked"]), answer: Answer::Prefer(Side::B) }
}

/// One of each kind.
fn wishes() -> Result<Vec<Wish>, Fault> {
    let mut written = entry(2, Side::B, 3);
    written.before = Some(rich_series("as it was")?);
    written.outcome = Some("carried out".to_owned());
    Ok(vec![answer(1), Wish::Undo(Box::new(written)), Wish::Lead(Side::A)])
}

async fn ids(store: &dyn StateStore, pairing: &PairingId) -> Result<Vec<u64>, StoreError> {
    Ok(store.head(pairing).await?.orders.iter().map(|order| order.id).collect())
}

pub(super) async fn until_done(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let mut expected = Vec::new();
    for (second, what) in (0..).zip(wishes()?) {
        let by = "CONTOSO\\möller";
        let id = store.order(&pairing, at(second), by, &what).await?;
        expected.push(Order { id, at: at(second), by: by.to_owned(), what });
        same("orders", &store.head(&pairing).await?.orders, &expected)?;
    }
    put(store, &pairing, &[linked(1)]).await?;
    same("orders after a commit of something else", &store.head(&pairing).await?.orders, &expected)?;
    let middle = expected.remove(1);
    let done =
        Commit { put: vec![linked(2)], orders_done: vec![middle.id, u64::MAX >> 1], ..Commit::default() };
    commit(store, &pairing, done).await?;
    same("orders after one is done", &store.head(&pairing).await?.orders, &expected)?;
    same_links("links", &store.links(&pairing, None, 10).await?, &[linked(1), linked(2)])?;
    let rest = expected.iter().map(|order| order.id).collect();
    commit(store, &pairing, Commit { orders_done: rest, ..Commit::default() }).await?;
    same("orders after all are done", &store.head(&pairing).await?.orders, &Vec::new())
}

pub(super) async fn ends_the_running_round(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    store.order(&pairing, at(0), "command line", &answer(1)).await?;
    same("the version of a pairing that never ran", &store.head(&pairing).await?.version, &1)?;
    put(store, &pairing, &[linked(1)]).await?;
    let running = store.head(&pairing).await?.version;
    store.journal(&pairing, &[entry(1, Side::B, 1)]).await?;
    store.order(&pairing, at(0), "command line", &answer(1)).await?;
    let late = store.commit(&pairing, &Commit { version: running, ..Commit::default() }).await;
    holds("a round that did not know of the order could commit", matches!(late, Err(StoreError::Conflict)))?;
    let head = store.head(&pairing).await?;
    same("version", &head.version, &(running + 1))?;
    same("intents", &head.intents.len(), &1)?;
    same_links("links", &store.links(&pairing, None, 10).await?, &[linked(1)])
}

pub(super) async fn refused_ends_none(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let id = store.order(&pairing, at(0), "command line", &answer(1)).await?;
    let refused =
        store.commit(&pairing, &Commit { version: 7, orders_done: vec![id], ..Commit::default() }).await;
    holds("the commit was not refused", matches!(refused, Err(StoreError::Conflict)))?;
    same("orders", &ids(store, &pairing).await?, &vec![id])
}

pub(super) async fn numbers(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let mut last = 0;
    for turn in 0..4 {
        let id = store.order(&pairing, at(0), "command line", &answer(1)).await?;
        holds(&format!("number {id} came after {last}"), id > last)?;
        last = id;
        match turn {
            0 => commit(store, &pairing, Commit { orders_done: vec![id], ..Commit::default() }).await?,
            1 => {
                store.reset(&pairing).await?;
                same("orders after a reset", &ids(store, &pairing).await?, &vec![])?;
            }
            _ => {}
        }
    }
    same("orders", &ids(store, &pairing).await?.len(), &2)
}

pub(super) async fn pairings_are_separate(store: &dyn StateStore) -> Checked {
    let (one, two) = (PairingId::new("meier"), PairingId::new("Meier"));
    let mine = store.order(&one, at(0), "command line", &answer(1)).await?;
    same("the version of the other", &store.head(&two).await?.version, &0)?;
    same("orders of the other", &ids(store, &two).await?, &vec![])?;
    let theirs = store.order(&two, at(0), "command line", &answer(1)).await?;
    commit(store, &two, Commit { orders_done: vec![theirs], ..Commit::default() }).await?;
    same("orders", &ids(store, &one).await?, &vec![mine])?;
    store.reset(&two).await?;
    same("orders after a reset of the other", &ids(store, &one).await?, &vec![mine])
}
