//! Two processes on one state directory: what the lock decides, and what leases decide where there is no lock.

use std::path::Path;
use std::time::Duration;

use calsync_core::store::{Commit, Fence, JournalEntry, Lease, StateStore, StoreError, Tenure};
use calsync_store::SqliteStore;

use crate::sample::{entry, journal_of, linked, pairing};

fn tenure(holder: &str) -> Tenure {
    Tenure { holder: holder.to_owned(), length: Duration::from_secs(90) }
}

async fn claim(store: &SqliteStore, holder: &str) -> Fence {
    let seen = store.lease(&pairing()).await.unwrap();
    store.claim(&pairing(), &seen, &tenure(holder)).await.unwrap().fence
}

fn under(fence: Fence, number: u64) -> JournalEntry {
    JournalEntry { fence, ..entry(1, number) }
}

/// A second process that the lock does not keep out: somebody tidied up.
fn open_without_lock(dir: &Path) -> SqliteStore {
    std::fs::remove_file(dir.join("state.lock")).unwrap();
    SqliteStore::open(dir).unwrap()
}

#[tokio::test]
async fn where_no_lock_keeps_them_apart_leases_do() {
    let dir = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(dir.path()).unwrap();
    let old = claim(&first, "first").await;
    let second = open_without_lock(dir.path());
    let seen = second.lease(&pairing()).await.unwrap();
    assert_eq!(seen.tenure, Some(tenure("first")), "its lock says nothing about the first one");

    first.commit(&pairing(), &Commit { fence: old, ..Commit::default() }).await.unwrap();
    let refused = second.claim(&pairing(), &seen, &tenure("second")).await;
    assert!(matches!(refused, Err(StoreError::Leased { .. })), "it lives: {refused:?}");

    let new = claim(&second, "second").await;
    let commit = Commit { version: 1, fence: old, put: vec![linked(1)], ..Commit::default() };
    for refused in [
        first.commit(&pairing(), &commit).await,
        first.journal(&pairing(), &[under(old, 1)]).await,
        first.renew(&pairing(), old).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
    }
    first.release(&pairing(), old).await.unwrap();
    assert_eq!(journal_of(&second, &pairing()).await, [], "not even an entry");
    second.journal(&pairing(), &[under(new, 1)]).await.unwrap();
    second.commit(&pairing(), &Commit { fence: new, ..commit }).await.unwrap();
    second.check().await.unwrap();
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn who_has_the_lock_knows_that_those_before_it_have_ended() {
    let dir = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(dir.path()).unwrap();
    let old = claim(&first, "first").await;
    let held = Some(tenure("first"));
    assert_eq!(first.lease(&pairing()).await.unwrap().tenure, held, "that is itself");
    assert_eq!(first.clone().lease(&pairing()).await.unwrap().tenure, held);
    let beside = SqliteStore::open_shared(dir.path()).unwrap();
    assert_eq!(beside.lease(&pairing()).await.unwrap().tenure, held, "it has no lock");
    let seen = beside.lease(&pairing()).await.unwrap();
    let refused = beside.claim(&pairing(), &seen, &tenure("beside")).await;
    assert!(matches!(refused, Err(StoreError::InUse(_))), "{refused:?}");

    drop((first, beside));
    let second = SqliteStore::open(dir.path()).unwrap();
    let free = second.lease(&pairing()).await.unwrap();
    assert_eq!(free, Lease { fence: old, beats: 0, tenure: None }, "nobody has to wait for the dead");
    assert!(claim(&second, "second").await > old);
}

#[tokio::test]
async fn a_claim_is_still_there_for_the_next_process_where_the_lock_is_another() {
    let dir = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(dir.path()).unwrap();
    let old = claim(&first, "first").await;
    // Kept open elsewhere, so that the next file cannot be this one again.
    let _other = std::fs::File::open(dir.path().join("state.lock")).unwrap();
    drop(first);
    let second = open_without_lock(dir.path());
    let seen = second.lease(&pairing()).await.unwrap();
    assert_eq!((seen.fence, seen.tenure), (old, Some(tenure("first"))));
}
