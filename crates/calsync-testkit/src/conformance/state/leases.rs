//! Claims, fences, signs of life.

use std::time::Duration;

use calsync_core::ids::{ChangeToken, LinkId, PairingId, PerSide, Side};
use calsync_core::store::{Closed, Commit, Fence, JournalEntry, Lease, StateStore, StoreError, Tenure};
use futures::future;

use super::build::{entry, linked, pairing};
use super::same_links;
use crate::conformance::{Checked, Fault, holds, same};

fn tenure(holder: &str) -> Tenure {
    Tenure { holder: holder.to_owned(), length: Duration::from_secs(90) }
}

/// Claims what was seen just now.
async fn claim(store: &dyn StateStore, pairing: &PairingId, holder: &str) -> Result<Lease, Fault> {
    let seen = store.lease(pairing).await?;
    Ok(store.claim(pairing, &seen, &tenure(holder)).await?)
}

fn under(fence: Fence, number: u64) -> JournalEntry {
    JournalEntry { fence, ..entry(1, Side::B, number) }
}

pub(super) async fn next_fence(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    same("before the first", &store.lease(&pairing).await?, &Lease::default())?;
    for number in 1..=3 {
        let wanted = Lease { fence: Fence(number), beats: 0, tenure: Some(tenure("one")) };
        same("given", &claim(store, &pairing, "one").await?, &wanted)?;
        same("stored", &store.lease(&pairing).await?, &wanted)?;
    }
    same("the version", &store.head(&pairing).await?.version, &0)
}

pub(super) async fn only_as_seen(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let free = Lease::default();
    let first = store.claim(&pairing, &free, &tenure("one")).await?;
    let refused = store.claim(&pairing, &free, &tenure("two")).await;
    let Err(StoreError::Leased { holder, remains }) = refused else {
        return Err(Fault(format!("an old sight was enough: {refused:?}")));
    };
    same("who has it", &(holder.as_str(), remains), &("one", Duration::from_secs(90)))?;
    store.renew(&pairing, first.fence).await?;
    let refused = store.claim(&pairing, &first, &tenure("two")).await;
    holds("a sign of life was overlooked", matches!(refused, Err(StoreError::Leased { .. })))?;
    let seen = store.lease(&pairing).await?;
    same("the lease", &seen, &Lease { beats: 1, ..first })?;
    same("after that", &store.claim(&pairing, &seen, &tenure("two")).await?.fence, &Fence(2))
}

pub(super) async fn one_of_two_succeeds(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    for _ in 0..20 {
        let seen = store.lease(&pairing).await?;
        let (one, two) = (tenure("one"), tenure("two"));
        let both = future::join(store.claim(&pairing, &seen, &one), store.claim(&pairing, &seen, &two)).await;
        match both {
            (Ok(_), Err(StoreError::Leased { .. })) | (Err(StoreError::Leased { .. }), Ok(_)) => {}
            (one, two) => return Err(Fault(format!("{one:?} and {two:?}"))),
        }
    }
    Ok(())
}

/// A pairing with a link and an open intent, claimed twice; the older fence and the newer.
async fn overtaken(store: &dyn StateStore, pairing: &PairingId) -> Result<(Fence, Fence), Fault> {
    let old = claim(store, pairing, "one").await?.fence;
    let put = vec![linked(1)];
    store.commit(pairing, &Commit { version: 0, fence: old, put, ..Commit::default() }).await?;
    store.journal(pairing, &[under(old, 1)]).await?;
    Ok((old, claim(store, pairing, "two").await?.fence))
}

pub(super) async fn commits_are_fenced(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let (old, new) = overtaken(store, &pairing).await?;
    let (head, lease) = (store.head(&pairing).await?, store.lease(&pairing).await?);
    let commit = |fence| Commit {
        version: head.version,
        fence,
        tokens: PerSide { a: Some(ChangeToken::new("t")), b: None },
        put: vec![linked(2)],
        remove: vec![LinkId(1)],
        closed: vec![Closed { link: LinkId(1), side: Side::B, number: 1, outcome: "carried out".to_owned() }],
        ..Commit::default()
    };
    for fence in [Fence::default(), old, new.next()] {
        let refused = store.commit(&pairing, &commit(fence)).await;
        holds(&format!("fence {fence} was let in"), matches!(refused, Err(StoreError::Fenced)))?;
        same("head", &store.head(&pairing).await?, &head)?;
        same("lease", &store.lease(&pairing).await?, &lease)?;
        same_links("links", &store.links(&pairing, None, 10).await?, &[linked(1)])?;
        let outcome = super::journal(store, &pairing, 10).await?.pop().and_then(|entry| entry.outcome);
        same("outcome", &outcome, &None)?;
    }
    store.commit(&pairing, &commit(new)).await?;
    same_links("links", &store.links(&pairing, None, 10).await?, &[linked(2)])
}

pub(super) async fn intents_are_fenced(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let (old, new) = overtaken(store, &pairing).await?;
    let (head, lease) = (store.head(&pairing).await?, store.lease(&pairing).await?);
    let before = super::journal(store, &pairing, 10).await?;
    for entries in [vec![under(old, 2)], vec![under(new, 2), under(old, 3)], vec![entry(1, Side::B, 2)]] {
        let refused = store.journal(&pairing, &entries).await;
        holds("an old fence was let in", matches!(refused, Err(StoreError::Fenced)))?;
        same("intents", &store.head(&pairing).await?, &head)?;
        same("entries", &super::journal(store, &pairing, 10).await?, &before)?;
        same("lease", &store.lease(&pairing).await?, &lease)?;
    }
    store.journal(&pairing, &[under(new, 2)]).await?;
    same("intents", &store.head(&pairing).await?.intents.len(), &2)?;
    let newest = super::journal(store, &pairing, 1).await?.pop();
    same("the fence of the entry", &newest.map(|entry| entry.fence), &Some(new))
}

pub(super) async fn signs_of_life(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let fence = claim(store, &pairing, "one").await?.fence;
    let mut seen = store.lease(&pairing).await?;
    for turn in ["a renewal", "a commit", "an entry", "a renewal again"] {
        match turn {
            "a commit" => store.commit(&pairing, &Commit { fence, ..Commit::default() }).await?,
            "an entry" => store.journal(&pairing, &[under(fence, 1)]).await?,
            _ => store.renew(&pairing, fence).await?,
        }
        let now = store.lease(&pairing).await?;
        holds(&format!("{turn} is no sign of life"), now.beats > seen.beats)?;
        same("whose", &(now.fence, &now.tenure), &(seen.fence, &seen.tenure))?;
        seen = now;
    }
    Ok(())
}

pub(super) async fn given_back(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let (old, new) = overtaken(store, &pairing).await?;
    let lease = store.lease(&pairing).await?;
    store.release(&pairing, old).await?;
    same("after one that was overtaken gave it back", &store.lease(&pairing).await?, &lease)?;
    let refused = store.renew(&pairing, old).await;
    holds("an old fence was renewed", matches!(refused, Err(StoreError::Fenced)))?;
    store.release(&pairing, new).await?;
    same("given back", &store.lease(&pairing).await?, &Lease { tenure: None, ..lease })?;
    let refused = store.renew(&pairing, new).await;
    holds("what was given back was renewed", matches!(refused, Err(StoreError::Fenced)))?;
    store.release(&pairing, new).await?;
    same("the next", &claim(store, &pairing, "three").await?.fence, &new.next())?;
    store.release(&PairingId::new("nobody"), new).await?;
    let refused = store.renew(&PairingId::new("nobody"), Fence::default()).await;
    holds("what nobody claimed was renewed", matches!(refused, Err(StoreError::Fenced)))
}

pub(super) async fn reset_keeps_it(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let (_, new) = overtaken(store, &pairing).await?;
    let lease = store.lease(&pairing).await?;
    store.reset(&pairing).await?;
    same("lease", &store.lease(&pairing).await?, &lease)?;
    store.renew(&pairing, new).await?;
    let version = store.head(&pairing).await?.version;
    Ok(store.commit(&pairing, &Commit { version, fence: new, ..Commit::default() }).await?)
}

pub(super) async fn pairings_are_separate(store: &dyn StateStore) -> Checked {
    let (one, two) = (PairingId::new("meier"), PairingId::new("Meier"));
    let mine = claim(store, &one, "one").await?;
    same("the other", &store.lease(&two).await?, &Lease::default())?;
    store.commit(&two, &Commit::default()).await?;
    claim(store, &two, "two").await?;
    let theirs = claim(store, &two, "two").await?;
    same("mine", &store.lease(&one).await?, &mine)?;
    store.release(&one, mine.fence).await?;
    same("theirs", &store.lease(&two).await?, &theirs)
}
