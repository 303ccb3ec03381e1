//! Files that are torn, damaged, missing, newer, or of another program.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use calsync_core::store::{StateStore, StoreError};
use calsync_store::SqliteStore;
use rusqlite::Connection;

use crate::sample::{edited, entry, journal_of, linked, pairing, put};

/// A directory as a process leaves it that is killed: the newest pages are in the write-ahead logs only.
fn killed(from: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["state.sqlite", "state.sqlite-wal", "journal.sqlite", "journal.sqlite-wal"] {
        fs::copy(from.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

async fn number_of_entries(dir: &Path) -> usize {
    let store = SqliteStore::open(dir).unwrap();
    store.check().await.unwrap();
    journal_of(&store, &pairing()).await.len()
}

#[tokio::test]
async fn a_torn_journal_opens_with_everything_before_the_tear() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    for number in 1..=8 {
        store.journal(&pairing(), &[entry(number, 1)]).await.unwrap();
    }
    let log = "journal.sqlite-wal";
    let whole = fs::metadata(dir.path().join(log)).unwrap().len();
    assert_eq!(number_of_entries(killed(dir.path()).path()).await, 8);

    // Cut off anywhere, or with a tail that is not what was written: whole entries or none, and more from longer logs.
    let mut before = 0;
    for cut in (0..=whole).step_by(2_000) {
        let torn = killed(dir.path());
        OpenOptions::new().write(true).open(torn.path().join(log)).unwrap().set_len(cut).unwrap();
        let entries = number_of_entries(torn.path()).await;
        assert!(entries >= before && entries <= 8, "{entries} entries from {cut} bytes, {before} from fewer");
        before = entries;

        let torn = killed(dir.path());
        let mut file = OpenOptions::new().write(true).open(torn.path().join(log)).unwrap();
        file.seek(SeekFrom::Start(cut)).unwrap();
        file.write_all(&vec![0x5a; usize::try_from(whole - cut).unwrap()]).unwrap();
        assert_eq!(number_of_entries(torn.path()).await, entries, "garbage after {cut} bytes");
    }
    assert!(before >= 7, "only {before} of 8 entries from nearly the whole log");
}

#[tokio::test]
async fn a_process_that_stops_between_journal_and_intents_has_written_nothing_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    store.journal(&pairing(), &[entry(1, 1)]).await.unwrap();
    // The journal of a moment later beside the state of a moment before.
    let before = killed(dir.path());
    store.journal(&pairing(), &[entry(2, 1)]).await.unwrap();
    let after = killed(dir.path());
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
        fs::copy(after.path().join(name), before.path().join(name)).unwrap();
    }

    let store = SqliteStore::open(before.path()).unwrap();
    assert_eq!(store.head(&pairing()).await.unwrap().intents, [entry(1, 1).intent()], "no write of it left");
    assert_eq!(journal_of(&store, &pairing()).await, [entry(2, 1), entry(1, 1)]);
    store.journal(&pairing(), &[entry(2, 1)]).await.unwrap();
    assert_eq!(store.head(&pairing()).await.unwrap().intents.len(), 2);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    for name in ["state.sqlite", "journal.sqlite"] {
        let dir = tempfile::tempdir().unwrap();
        drop(SqliteStore::open(dir.path()).unwrap());
        let path = dir.path().join(name);
        fs::write(&path, "this was a database once".repeat(300)).unwrap();
        for opened in [SqliteStore::open(dir.path()), SqliteStore::open_shared(dir.path())] {
            let Err(StoreError::Damaged(text)) = opened else { panic!("{name}: {opened:?}") };
            assert!(text.contains(name) && text.contains("restore a backup"), "{text}");
        }
        assert!(fs::read_to_string(&path).unwrap().starts_with("this was"), "{name} was overwritten");
    }
}

#[tokio::test]
async fn a_damaged_page_is_found_by_the_check_and_never_read_as_an_empty_calendar() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let links: Vec<_> = (0..400).map(edited).collect();
    put(&store, &links).await.unwrap();
    drop(store);
    let path = dir.path().join("state.sqlite");
    let size = fs::metadata(&path).unwrap().len();
    let page = 4_096;
    let mut found = 0;
    for number in (2..size / page).step_by(7) {
        let mut bytes = Vec::new();
        fs::File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
        let (start, end) = (number * page, number * page + 64);
        bytes[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()].fill(0xff);
        let copy = tempfile::tempdir().unwrap();
        fs::write(copy.path().join("state.sqlite"), bytes).unwrap();
        let store = match SqliteStore::open(copy.path()) {
            Ok(store) => store,
            Err(error) => {
                assert!(matches!(error, StoreError::Damaged(_)), "page {number}: {error}");
                found += 1;
                continue;
            }
        };
        found += usize::from(store.check().await.is_err());
        match store.links(&pairing(), None, usize::MAX).await {
            Ok(read) => assert_eq!(read, links, "page {number}"),
            Err(error) => assert!(matches!(error, StoreError::Damaged(_)), "page {number}: {error}"),
        }
    }
    assert!(found > 5, "only {found} damaged pages were noticed");
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_an_error_that_does_not_show_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    put(&store, &[linked(1), linked(2)]).await.unwrap();
    let file = Connection::open(dir.path().join("state.sqlite")).unwrap();
    file.execute("UPDATE link SET half_a = replace(half_a, 'in step', 'secret\"') WHERE id = 2", []).unwrap();
    let error = store.links(&pairing(), None, 9).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    assert_eq!(store.links(&pairing(), None, 1).await.unwrap(), [linked(1)]);
}

#[tokio::test]
async fn counters_that_do_not_count_what_is_there_are_found_by_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    put(&store, &[linked(1)]).await.unwrap();
    store.check().await.unwrap();
    let file = Connection::open(dir.path().join("state.sqlite")).unwrap();
    file.execute("UPDATE tally SET linked = 2", []).unwrap();
    assert!(matches!(store.check().await, Err(StoreError::Damaged(text)) if text.contains("counters")));
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_as_it_is() {
    for name in ["state.sqlite", "journal.sqlite"] {
        let dir = tempfile::tempdir().unwrap();
        drop(SqliteStore::open(dir.path()).unwrap());
        let file = Connection::open(dir.path().join(name)).unwrap();
        file.pragma_update(None, "user_version", 9).unwrap();
        drop(file);
        for opened in [SqliteStore::open(dir.path()), SqliteStore::open_shared(dir.path())] {
            let text = opened.unwrap_err().to_string();
            assert!(text.contains(name) && text.contains("newer calsync (format 9"), "{text}");
        }
        let file = Connection::open(dir.path().join(name)).unwrap();
        let version: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 9);
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = Connection::open(dir.path().join("state.sqlite")).unwrap();
    file.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(file);
    let text = SqliteStore::open(dir.path()).unwrap_err().to_string();
    assert!(text.contains("another program") && text.contains("choose another state directory"), "{text}");
    let file = Connection::open(dir.path().join("state.sqlite")).unwrap();
    let mode: String = file.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete", "it was changed all the same");
    assert!(!dir.path().join("journal.sqlite").exists());
}

#[tokio::test]
async fn a_batch_that_the_journal_refuses_halfway_leaves_neither_entries_nor_intents() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path()).unwrap());
    let file = Connection::open(dir.path().join("journal.sqlite")).unwrap();
    // Stands for a disk that is full at the third entry.
    file.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON entry WHEN (SELECT count(*) FROM entry) >= 2
         BEGIN SELECT RAISE(ABORT, 'no room'); END",
    )
    .unwrap();
    drop(file);
    let store = SqliteStore::open(dir.path()).unwrap();
    let many: Vec<_> = (1..=5).map(|number| entry(1, number)).collect();
    assert!(store.journal(&pairing(), &many).await.is_err());
    assert_eq!(store.head(&pairing()).await.unwrap().intents, [], "an intent without its journal entry");
    assert_eq!(journal_of(&store, &pairing()).await, [], "half a batch in the journal");
    store.journal(&pairing(), &many[..2]).await.unwrap();
    store.check().await.unwrap();
}
