//! The registry of pairings: the same rules for both implementations.

use std::collections::BTreeMap;
use std::time::Duration;

use calsync_core::ids::{PairingId, PerSide};
use calsync_core::model::Field;
use calsync_core::store::{Commit, StateStore, StoreError};
use calsync_core::sync::{ReadOnlyEdit, RoundReport};
use calsync_store::{
    Conflict, Direction, Lead, MailboxAccess, MemoryPairings, PairingError, PairingRecord, PairingSettings,
    PairingStore, RUNS_KEPT, RunOutcome, RunRecord, SqliteStore,
};

use crate::sample::{at, entry, journal_of, linked};

/// Does `check` upon an empty registry of each kind.
async fn both(check: impl AsyncFn(&dyn PairingStore)) {
    check(&MemoryPairings::new()).await;
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    check(&store).await;
    store.check().await.unwrap();
}

fn record(name: &str) -> PairingRecord {
    PairingRecord::new(name, format!("unit of {name}"), format!("{name}@example.com"))
}

pub(crate) fn full_settings() -> PairingSettings {
    PairingSettings {
        direction: Some(Direction::ToNvs),
        conflict: Some(Conflict::Hold),
        conflict_by_field: BTreeMap::from([
            (Field::Place, Conflict::Nvs),
            (Field::Notes, Conflict::Exchange),
        ]),
        read_only_edit: Some(ReadOnlyEdit::Report),
        deletion_wins: Some(true),
        guard_count: Some(3),
        guard_percent: Some(50),
        lead: Some(Lead::Exchange),
        interval_seconds: Some(60),
        ..PairingSettings::default()
    }
}

pub(crate) fn run(name: &str, number: i64) -> RunRecord {
    let report = RoundReport { held: 2, first_sync: true, conflicts: 1, ..RoundReport::default() };
    RunRecord::of(PairingId::new(name), &report, at(number), Duration::from_millis(1_500))
}

#[tokio::test]
async fn a_pairing_comes_back_as_it_was_added_and_changed() {
    both(async |store| {
        let mut meier = PairingRecord {
            folder: Some("AAMkAb=".to_owned()),
            access: MailboxAccess::Impersonation,
            settings: full_settings(),
            ..record("meier")
        };
        store.add_pairing(&record("huber")).await.unwrap();
        store.add_pairing(&meier).await.unwrap();
        store.add_pairing(&record("Zoe")).await.unwrap();
        let names: Vec<_> = store.pairings().await.unwrap().into_iter().map(|record| record.id).collect();
        assert_eq!(names, ["Zoe", "huber", "meier"].map(PairingId::new), "in order of names");
        assert_eq!(store.pairing(&meier.id).await.unwrap().as_ref(), Some(&meier));
        assert_eq!(store.pairing(&"MEIER".into()).await.unwrap(), None);

        meier.enabled = false;
        meier.settings = PairingSettings::default();
        meier.mailbox = "Meier@Example.com".to_owned();
        store.update_pairing(&meier).await.unwrap();
        assert_eq!(store.pairing(&meier.id).await.unwrap(), Some(meier));
    })
    .await;
}

#[tokio::test]
async fn a_name_a_unit_and_a_calendar_belong_to_one_pairing_only() {
    both(async |store| {
        store.add_pairing(&record("meier")).await.unwrap();
        let named = PairingRecord { id: "meier".into(), ..record("other") };
        let refused = store.add_pairing(&named).await.unwrap_err();
        assert!(matches!(&refused, PairingError::IdTaken(id) if id.as_str() == "meier"), "{refused}");

        let same_unit = PairingRecord { unit: "unit of meier".to_owned(), ..record("huber") };
        let refused = store.add_pairing(&same_unit).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "calendar unit unit of meier is in pairing meier already: remove that one first"
        );

        let same_mailbox = PairingRecord { mailbox: "MEIER@EXAMPLE.COM".to_owned(), ..record("huber") };
        let refused = store.add_pairing(&same_mailbox).await.unwrap_err();
        assert!(
            matches!(&refused, PairingError::CalendarTaken { by, .. } if by.as_str() == "meier"),
            "{refused}"
        );

        let other_folder = PairingRecord { folder: Some("Montage".to_owned()), ..same_mailbox };
        store.add_pairing(&other_folder).await.unwrap();
        let case_of_folder = PairingRecord {
            folder: Some("montage".to_owned()),
            mailbox: "meier@example.com".to_owned(),
            ..record("schulze")
        };
        store.add_pairing(&case_of_folder).await.unwrap();
        assert_eq!(store.pairings().await.unwrap().len(), 3);

        store.remove_pairing(&"meier".into()).await.unwrap();
        store.add_pairing(&record("meier")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_pairing_keeps_its_calendars_for_life() {
    both(async |store| {
        let meier = record("meier");
        store.add_pairing(&meier).await.unwrap();
        let changed = [
            PairingRecord { unit: "unit 9".to_owned(), ..meier.clone() },
            PairingRecord { mailbox: "huber@example.com".to_owned(), ..meier.clone() },
            PairingRecord { folder: Some("Montage".to_owned()), ..meier.clone() },
        ];
        for changed in changed {
            let refused = store.update_pairing(&changed).await.unwrap_err();
            assert!(matches!(refused, PairingError::OtherCalendar(_)), "{refused}");
        }
        assert_eq!(store.pairing(&meier.id).await.unwrap(), Some(meier));
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_is_refused() {
    both(async |store| {
        let unknown = [store.update_pairing(&record("x")).await, store.remove_pairing(&"x".into()).await];
        for refused in unknown {
            assert!(matches!(&refused, Err(PairingError::Unknown(id)) if id.as_str() == "x"), "{refused:?}");
        }
        let interval = PairingSettings { interval_seconds: Some(0), ..PairingSettings::default() };
        let invalid = [
            PairingRecord { id: "".into(), ..record("x") },
            PairingRecord { unit: " 7".to_owned(), ..record("x") },
            PairingRecord { mailbox: "a\n@b".to_owned(), ..record("x") },
            PairingRecord { folder: Some(String::new()), ..record("x") },
            PairingRecord { settings: interval, ..record("x") },
        ];
        for invalid in invalid {
            let refused = store.add_pairing(&invalid).await;
            assert!(matches!(refused, Err(PairingError::Invalid(_))), "{invalid:?}: {refused:?}");
        }
        assert!(store.pairings().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_history_is_newest_first_bounded_and_ends_with_its_pairing() {
    both(async |store| {
        for name in ["huber", "meier"] {
            store.add_pairing(&record(name)).await.unwrap();
        }
        let (huber, meier) = (PairingId::new("huber"), PairingId::new("meier"));
        assert_eq!(store.last_run(&meier).await.unwrap(), None);
        store.add_run(&run("huber", 1)).await.unwrap();
        let many = i64::try_from(RUNS_KEPT).unwrap() + 20;
        for number in 0..many {
            store.add_run(&run("meier", number)).await.unwrap();
        }
        store.add_run(&run("nobody", 1)).await.unwrap();

        assert_eq!(store.last_run(&meier).await.unwrap(), Some(run("meier", many - 1)));
        let three: Vec<_> = (1..=3).map(|back| run("meier", many - back)).collect();
        assert_eq!(store.runs(&meier, 3).await.unwrap(), three);
        let kept = store.runs(&meier, usize::MAX).await.unwrap();
        assert_eq!((kept.len(), kept.last()), (RUNS_KEPT, Some(&run("meier", 20))));
        assert_eq!(store.runs(&huber, 9).await.unwrap(), [run("huber", 1)], "cut by the other's history");
        assert_eq!(store.runs(&"nobody".into(), 9).await.unwrap(), []);
        let last = store.last_runs().await.unwrap();
        assert_eq!(last, BTreeMap::from([(huber, run("huber", 1)), (meier.clone(), run("meier", many - 1))]));

        store.remove_pairing(&meier).await.unwrap();
        store.add_pairing(&record("meier")).await.unwrap();
        assert_eq!(store.runs(&meier, 9).await.unwrap(), []);
    })
    .await;
}

#[test]
fn a_round_is_remembered_by_how_it_ended() {
    let of = |report: RoundReport| RunRecord::of("meier".into(), &report, at(0), Duration::from_secs(2));
    let clean = of(RoundReport::default());
    assert_eq!((clean.outcome, clean.error, clean.duration_ms), (RunOutcome::Ok, None, 2_000));
    let waits = of(RoundReport { held: 1, ..RoundReport::default() });
    assert_eq!((waits.outcome, waits.held), (RunOutcome::Held, 1));
    let failed = of(RoundReport {
        failure: Some(calsync_core::sync::Failure::WrongReply),
        sides: PerSide::default(),
        held: 1,
        ..RoundReport::default()
    });
    assert_eq!(failed.outcome, RunOutcome::Failed);
    assert!(failed.error.unwrap().contains("did not ask"));
}

#[tokio::test]
async fn adding_and_removing_a_pairing_forgets_what_the_engine_knew_of_another_calendar() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let meier = PairingId::new("meier");
    store.add_pairing(&record("meier")).await.unwrap();
    let version = store.head(&meier).await.unwrap().version;
    let commit = Commit { version, put: vec![linked(1)], first_sync_done: true, ..Commit::default() };
    store.commit(&meier, &commit).await.unwrap();
    store.journal(&meier, &[entry(1, 1)]).await.unwrap();

    store.remove_pairing(&meier).await.unwrap();
    assert_eq!(store.links(&meier, None, 9).await.unwrap(), []);
    // A round that began before the removal, or with an old list of pairings after it, leaves nothing behind.
    let late = store.commit(&meier, &Commit { version: version + 1, ..commit.clone() }).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    let stale = store.head(&meier).await.unwrap().version;
    store.commit(&meier, &Commit { version: stale, ..commit }).await.unwrap();
    store.add_pairing(&PairingRecord { unit: "unit 9".to_owned(), ..record("meier") }).await.unwrap();
    let head = store.head(&meier).await.unwrap();
    assert!(!head.first_sync_done && head.intents.is_empty() && head.version > stale);
    assert_eq!(store.links(&meier, None, 9).await.unwrap(), []);
    assert_eq!(journal_of(&store, &meier).await, [entry(1, 1)], "the journal stays");
}
