//! Several handles, several processes, dropped futures.

use std::future::Future;
use std::path::Path;
use std::task::{Context, Poll, Waker};

use calsync_core::ids::PairingId;
use calsync_core::ids::Side;
use calsync_core::link::{Order, Wish};
use calsync_core::store::{Closed, Commit, JournalEntry, JournalQuery, StateStore, StoreError};
use calsync_store::{PairingRecord, PairingStore, SqliteStore};
use rusqlite::Connection;

use crate::sample::{at, edited, entry, journal_of, linked, pairing, put, series};

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_store_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(dir.path()).unwrap();
    let refused = SqliteStore::open(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::InUse(_)), "{refused}");
    let text = refused.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    assert!(text.contains("stop it first"), "{text}");

    let clone = first.clone();
    drop(first);
    assert!(SqliteStore::open(dir.path()).is_err(), "a clone still uses the store");
    drop(clone);
    SqliteStore::open(dir.path()).unwrap();
}

#[tokio::test]
async fn beside_a_running_process_others_read_plan_and_edit_pairings_but_do_not_synchronise() {
    let dir = tempfile::tempdir().unwrap();
    let running = SqliteStore::open(dir.path()).unwrap();
    let beside = SqliteStore::open_shared(dir.path()).unwrap();
    put(&running, &[edited(1)]).await.unwrap();
    running.journal(&pairing(), &[entry(1, 1)]).await.unwrap();

    // What is stored here is seen there at once.
    assert_eq!(beside.head(&pairing()).await.unwrap(), running.head(&pairing()).await.unwrap());
    assert_eq!(beside.due_links(&pairing(), None, at(0), 9).await.unwrap(), [edited(1)]);
    assert_eq!(journal_of(&beside, &pairing()).await, [entry(1, 1)]);
    let closed =
        vec![Closed { link: linked(1).id, side: Side::B, number: 1, outcome: "carried out".to_owned() }];
    running.commit(&pairing(), &Commit { version: 1, closed, ..Commit::default() }).await.unwrap();
    let outcome = journal_of(&beside, &pairing()).await.remove(0).outcome;
    assert_eq!(outcome.as_deref(), Some("carried out"));

    // Pairings are edited from both.
    beside.add_pairing(&PairingRecord::new("huber", "unit 7", "huber@example.com")).await.unwrap();
    let mut record = running.pairings().await.unwrap().remove(0);
    record.enabled = false;
    running.update_pairing(&record).await.unwrap();
    assert_eq!(beside.pairing(&record.id).await.unwrap(), Some(record));

    // Rounds are not.
    let refused = [put(&beside, &[linked(2)]).await, beside.journal(&pairing(), &[entry(2, 2)]).await];
    for refused in refused {
        assert!(matches!(refused, Err(StoreError::InUse(_))), "{refused:?}");
    }
    assert_eq!(journal_of(&running, &pairing()).await.len(), 1);
}

#[tokio::test]
async fn a_reset_from_beside_ends_the_running_round() {
    let dir = tempfile::tempdir().unwrap();
    let running = SqliteStore::open(dir.path()).unwrap();
    put(&running, &[linked(1)]).await.unwrap();
    let head = running.head(&pairing()).await.unwrap();
    SqliteStore::open_shared(dir.path()).unwrap().reset(&pairing()).await.unwrap();
    let late = running.commit(&pairing(), &Commit { version: head.version, ..Commit::default() }).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
}

#[tokio::test]
async fn an_order_is_given_beside_a_running_process_which_begins_anew_and_finds_it() {
    let dir = tempfile::tempdir().unwrap();
    let running = SqliteStore::open(dir.path()).unwrap();
    put(&running, &[linked(1)]).await.unwrap();
    let head = running.head(&pairing()).await.unwrap();
    let beside = SqliteStore::open_shared(dir.path()).unwrap();
    let wish = Wish::Lead(Side::A);
    let id = beside.order(&pairing(), at(1), "command line", &wish).await.unwrap();
    let late = running.commit(&pairing(), &Commit { version: head.version, ..Commit::default() }).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    let head = running.head(&pairing()).await.unwrap();
    assert_eq!(head.orders, [Order { id, at: at(1), by: "command line".to_owned(), what: wish }]);
    let commit = Commit { version: head.version, orders_done: vec![id], ..Commit::default() };
    running.commit(&pairing(), &commit).await.unwrap();
    assert_eq!(beside.head(&pairing()).await.unwrap().orders, []);
}

#[tokio::test]
async fn a_shared_store_may_synchronise_when_nobody_else_does_and_then_keeps_others_out() {
    let dir = tempfile::tempdir().unwrap();
    let shared = SqliteStore::open_shared(dir.path()).unwrap();
    put(&shared, &[linked(1)]).await.unwrap();
    assert!(matches!(SqliteStore::open(dir.path()), Err(StoreError::InUse(_))));
    drop(shared);
    let next = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(next.links(&pairing(), None, 9).await.unwrap(), [linked(1)]);
}

#[test]
fn commands_that_are_started_at_once_upon_a_new_directory_all_open_it() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let opened: Vec<Result<SqliteStore, StoreError>> = std::thread::scope(|scope| {
            let open = || scope.spawn(|| SqliteStore::open_shared(dir.path()));
            let threads: Vec<_> = (0..6).map(|_| open()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for store in &opened {
            assert!(store.is_ok(), "{store:?}");
        }
        drop(opened);
        SqliteStore::open(dir.path()).unwrap();
    }
}

/// Polls once, as a caller does that gives up right afterwards.
fn poll_and_drop<T>(future: impl Future<Output = T>) {
    let mut future = Box::pin(future);
    let _: Poll<T> = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

#[tokio::test]
async fn what_was_sent_is_done_before_what_is_asked_later_even_if_nobody_waited() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let pairing = pairing();
    for version in 0..50 {
        let commit = Commit { version, put: vec![linked(version)], ..Commit::default() };
        poll_and_drop(store.commit(&pairing, &commit));
        poll_and_drop(store.journal(&pairing, &[entry(version, 1)]));
        let head = store.head(&pairing).await.unwrap();
        assert_eq!((head.version, head.intents.len() as u64), (version + 1, version + 1));
    }
    // Not polled at all: nothing was sent.
    drop(store.reset(&pairing));
    assert_eq!(store.head(&pairing).await.unwrap().version, 50);
}

#[tokio::test]
async fn everything_is_there_after_a_drop_without_a_close() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    put(&store, &[edited(1), linked(2)]).await.unwrap();
    store.journal(&pairing(), &[entry(1, 1), entry(2, 1)]).await.unwrap();
    let closed =
        vec![Closed { link: linked(1).id, side: Side::B, number: 1, outcome: "carried out".to_owned() }];
    store.commit(&pairing(), &Commit { version: 1, closed, ..Commit::default() }).await.unwrap();
    let (head, journal) = (store.head(&pairing()).await.unwrap(), journal_of(&store, &pairing()).await);
    let commit = Commit { version: 2, put: vec![linked(3)], ..Commit::default() };
    poll_and_drop(store.commit(&pairing(), &commit));
    drop(store);

    let store = SqliteStore::open(dir.path()).unwrap();
    store.check().await.unwrap();
    assert_eq!(store.links(&pairing(), None, 9).await.unwrap(), [edited(1), linked(2), linked(3)]);
    let reopened = store.head(&pairing()).await.unwrap();
    assert_eq!((reopened.version, &reopened.intents), (3, &head.intents));
    assert_eq!(journal_of(&store, &pairing()).await, journal);
}

#[tokio::test]
async fn a_state_that_is_put_back_does_not_take_the_journal_with_it() {
    let (dir, yesterday) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = SqliteStore::open(dir.path()).unwrap();
    put(&store, &[linked(1)]).await.unwrap();
    store.journal(&pairing(), &[entry(1, 1)]).await.unwrap();
    store.backup(yesterday.path()).await.unwrap();

    let closed = |id: u64, number| Closed {
        link: linked(id).id,
        side: Side::B,
        number,
        outcome: format!("carried out: {id}"),
    };
    put(&store, &[edited(1), linked(2)]).await.unwrap();
    store
        .commit(&pairing(), &Commit { version: 2, closed: vec![closed(1, 1)], ..Commit::default() })
        .await
        .unwrap();
    store.journal(&pairing(), &[entry(2, 1)]).await.unwrap();
    store
        .commit(&pairing(), &Commit { version: 3, closed: vec![closed(2, 1)], ..Commit::default() })
        .await
        .unwrap();
    drop(store);

    std::fs::copy(yesterday.path().join("state.sqlite"), dir.path().join("state.sqlite")).unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    store.check().await.unwrap();
    assert_eq!(
        store.links(&pairing(), None, 9).await.unwrap(),
        [linked(1)],
        "the state is that of yesterday"
    );
    let outcomes: Vec<_> =
        journal_of(&store, &pairing()).await.into_iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Some("carried out: 2".to_owned()), Some("carried out: 1".to_owned())]);

    // The open intent of yesterday is settled by the next round; the outcome that the journal has stands.
    store
        .commit(&pairing(), &Commit { version: 1, closed: vec![closed(1, 1)], ..Commit::default() })
        .await
        .unwrap();
    assert_eq!(journal_of(&store, &pairing()).await.len(), 2);
}

#[tokio::test]
async fn a_backup_opens_as_a_store_of_its_own() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = SqliteStore::open(dir.path()).unwrap();
    put(&store, &[edited(1)]).await.unwrap();
    store.add_pairing(&PairingRecord::new("huber", "unit 7", "huber@example.com")).await.unwrap();
    store.backup(copy.path()).await.unwrap();
    put(&store, &[linked(1)]).await.unwrap();
    store.backup(copy.path().join("later")).await.unwrap();

    let copied = SqliteStore::open(copy.path()).unwrap();
    copied.check().await.unwrap();
    assert_eq!(copied.links(&pairing(), None, 9).await.unwrap(), [edited(1)]);
    assert_eq!(copied.pairings().await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_program_that_keeps_the_file_locked_is_named_as_the_cause_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    put(&store, &[linked(1)]).await.unwrap();
    let other = Connection::open(dir.path().join("state.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; CREATE TABLE x (y)").unwrap();
    // Reading goes on meanwhile, also of those who only look.
    let beside = SqliteStore::open_shared(dir.path()).unwrap();
    assert_eq!(beside.links(&pairing(), None, 9).await.unwrap(), [linked(1)]);

    let waiting = put(&store, &[linked(2)]).await;
    let Err(StoreError::Unavailable(text)) = waiting else { panic!("{waiting:?}") };
    assert!(text.contains("another program"), "{text}");
    other.execute_batch("ROLLBACK").unwrap();
    put(&store, &[linked(3)]).await.unwrap();
    assert_eq!(store.links(&pairing(), None, 9).await.unwrap(), [linked(1), linked(3)]);
}

#[tokio::test]
async fn old_journal_entries_can_be_ended_but_for_those_that_still_matter() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let old = |link| calsync_core::store::JournalEntry { at: at(-1_000), ..entry(link, 1) };
    store.journal(&pairing(), &[old(1), old(2), entry(3, 1), entry(4, 1)]).await.unwrap();
    let closed = Closed { link: linked(1).id, side: Side::B, number: 1, outcome: "carried out".to_owned() };
    store.commit(&pairing(), &Commit { closed: vec![closed], ..Commit::default() }).await.unwrap();
    assert_eq!(store.forget_journal_before(at(-500)).await.unwrap(), 1, "the open one stays");
    let left: Vec<_> = journal_of(&store, &pairing()).await.iter().map(|entry| entry.write.link.0).collect();
    assert_eq!(left, [4, 3, 2]);
    store.check().await.unwrap();
}

/// The files of a state directory that hold this text.
fn files_with(dir: &Path, text: &str) -> Vec<String> {
    let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let has = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    files.filter(|path| has(path)).map(|path| path.file_name().unwrap().display().to_string()).collect()
}

/// Entries about appointments with this text, and small and large ones of it, so that every way to store them is met.
async fn journal_about(store: &SqliteStore, pairing: &PairingId, text: &str, at: i64) {
    for batch in 0..8_u64 {
        let entries: Vec<JournalEntry> = (0..25)
            .map(|index| {
                let number = batch * 25 + index;
                let mut before = series("uid", text);
                before.event.place =
                    format!("{text} ").repeat(usize::try_from(number * number % 211).unwrap());
                JournalEntry { before: Some(before), at: self::at(at), ..entry(number, 1) }
            })
            .collect();
        store.journal(pairing, &entries).await.unwrap();
        let closed = entries.iter().map(|entry| Closed {
            link: entry.write.link,
            side: Side::B,
            number: 1,
            outcome: "carried out".to_owned(),
        });
        let version = store.head(pairing).await.unwrap().version;
        store
            .commit(pairing, &Commit { version, closed: closed.collect(), ..Commit::default() })
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn what_is_erased_is_in_none_of_the_files_and_the_facts_stay() {
    let dir = tempfile::tempdir().unwrap();
    let running = SqliteStore::open(dir.path()).unwrap();
    let beside = SqliteStore::open_shared(dir.path()).unwrap();
    let other = PairingId::new("huber");
    journal_about(&running, &pairing(), "Vertraulich", -1_000).await;
    journal_about(&running, &other, "Bleibt", -1_000).await;
    journal_about(&running, &pairing(), "Jünger", 0).await;
    assert!(!files_with(dir.path(), "Vertraulich").is_empty(), "there is something to erase");

    // By age, beside a process that runs rounds.
    assert_eq!(beside.erase_journal(&pairing(), Some(at(-500)), at(9)).await.unwrap(), 200);
    assert_eq!(files_with(dir.path(), "Vertraulich"), Vec::<String>::new());
    assert!(!files_with(dir.path(), "Jünger").is_empty() && !files_with(dir.path(), "Bleibt").is_empty());
    let journal = running.journal_entries(&pairing(), &JournalQuery::default()).await.unwrap();
    let erased = journal.iter().filter(|entry| entry.erased.is_some()).count();
    assert_eq!((journal.len(), erased), (400, 200));
    assert!(journal.iter().all(|entry| entry.reason == "deleted on A" && entry.outcome.is_some()));

    // Everything of a pairing, and then what is too old of all.
    assert_eq!(beside.erase_journal(&pairing(), None, at(9)).await.unwrap(), 200);
    assert_eq!(files_with(dir.path(), "Jünger"), Vec::<String>::new());
    assert_eq!(running.erase_contents_before(at(0), at(9)).await.unwrap(), 200);
    assert_eq!(files_with(dir.path(), "Bleibt"), Vec::<String>::new());
    assert_eq!(beside.erase_contents_before(at(0), at(9)).await.unwrap(), 0);

    // It is still a journal that is only added to.
    let file = Connection::open(dir.path().join("journal.sqlite")).unwrap();
    for forged in ["UPDATE entry SET erased = 0, body = ''", "UPDATE entry SET body = ''"] {
        let refused = file.execute(forged, []).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{refused}");
    }
    running.check().await.unwrap();
}

#[tokio::test]
async fn a_pairing_that_is_removed_and_erased_leaves_no_text_of_an_appointment() {
    let dir = tempfile::tempdir().unwrap();
    let running = SqliteStore::open(dir.path()).unwrap();
    running.add_pairing(&PairingRecord::new("meier", "unit 7", "meier@example.com")).await.unwrap();
    for round in 0..40_u64 {
        let mut links = vec![edited(round), edited(round / 2)];
        for (link, times) in links.iter_mut().zip([3, 400]) {
            let shadow = link.halves.b.as_mut().unwrap().shadow.as_mut().unwrap();
            shadow.series.event.place = "Vertraulich ".repeat(times + usize::try_from(round).unwrap());
        }
        put(&running, &links).await.unwrap();
    }
    journal_about(&running, &pairing(), "Vertraulich", 0).await;
    running.journal(&pairing(), &[entry(1_000, 1)]).await.unwrap();
    assert!(!files_with(dir.path(), "Vertraulich").is_empty());

    let beside = SqliteStore::open_shared(dir.path()).unwrap();
    beside.remove_pairing(&pairing()).await.unwrap();
    beside.erase_journal(&pairing(), None, at(9)).await.unwrap();
    assert_eq!(files_with(dir.path(), "Vertraulich"), Vec::<String>::new());
    running.check().await.unwrap();
}
