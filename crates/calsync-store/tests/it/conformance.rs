use std::sync::atomic::{AtomicU32, Ordering};

use calsync_core::memory::MemoryStore;
use calsync_store::SqliteStore;
use calsync_testkit::conformance;

#[tokio::test]
async fn the_store_in_memory_is_a_state_store() {
    conformance::state_store(async || MemoryStore::new()).await;
}

#[tokio::test]
async fn the_sqlite_store_is_a_state_store() {
    let dir = tempfile::tempdir().unwrap();
    let next = AtomicU32::new(0);
    conformance::state_store(async || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        SqliteStore::open(dir.path().join(number.to_string())).unwrap()
    })
    .await;
    // Whatever the rules did to them, the files are sound.
    for number in 0..next.into_inner() {
        SqliteStore::open(dir.path().join(number.to_string())).unwrap().check().await.unwrap();
    }
}

#[tokio::test]
async fn the_shared_sqlite_store_is_a_state_store_while_nobody_else_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let next = AtomicU32::new(0);
    conformance::state_store(async || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        SqliteStore::open_shared(dir.path().join(number.to_string())).unwrap()
    })
    .await;
}
