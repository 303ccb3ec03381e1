//! Files of every format that was ever released still load.
//!
//! The files in `tests/golden/vN` were written by the release that introduced format N and are never written again.
//! A change of the core's types that makes this fail needs a new schema step that rewrites what is stored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use calsync_core::ids::{
    ChangeToken, ContentHash, CreateToken, ItemKey, LinkId, PairingId, PerSide, Revision, Side,
};
use calsync_core::link::{
    Answer, Half, Head, Hold, HoldKind, Link, Listing, Observation, Retry, Shadow, Sighting, Tombstone, Wish,
};
use calsync_core::model::{Event, Override, Recurrence, RecurrenceId, Series, Span};
use calsync_core::source::{Access, WriteOp};
use calsync_core::store::{Closed, Commit, Counts, JournalEntry, StateStore};
use calsync_core::zone::Zone;
use calsync_store::{PairingRecord, PairingStore, RunRecord, SqliteStore};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use crate::pairings::{full_settings, run};
use crate::sample::{at, edited, entry, half, journal_of, linked, pairing, series};

/// Everything that a store says about itself.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Contents {
    pairings: Vec<PairingRecord>,
    runs: Vec<RunRecord>,
    of: BTreeMap<PairingId, Pairing>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pairing {
    head: Head,
    counts: Counts,
    links: Vec<Link>,
    tombstones: Vec<Tombstone>,
    journal: Vec<JournalEntry>,
}

async fn contents(store: &SqliteStore) -> Contents {
    let mut of = BTreeMap::new();
    for id in [pairing(), PairingId::new("huber")] {
        let buried: Vec<Half> = [half("A90")].to_vec();
        let pairing = Pairing {
            head: store.head(&id).await.unwrap(),
            counts: store.counts(&id).await.unwrap(),
            links: store.links(&id, None, usize::MAX).await.unwrap(),
            tombstones: store.tombstones(&id, Side::A, &buried).await.unwrap(),
            journal: journal_of(store, &id).await,
        };
        of.insert(id, pairing);
    }
    Contents {
        pairings: store.pairings().await.unwrap(),
        runs: store.runs(&pairing(), usize::MAX).await.unwrap(),
        of,
    }
}

fn weekly(uid: &str) -> Series {
    let local = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap();
    let span =
        |start: &str, end: &str| Span::zoned(local(start), local(end), &Zone::new("Europe/Berlin").unwrap());
    let event = Event::new("Wartung", span("2026-11-24T08:00", "2026-11-24T09:30"));
    let mut moved = event.clone();
    moved.span = span("2026-12-01T13:00", "2026-12-01T14:30");
    moved.place.push_str("Zürich");
    Series {
        overrides: BTreeMap::from([
            (RecurrenceId::Local(local("2026-12-01T08:00")), Override::Changed(event.overlay(&moved))),
            (RecurrenceId::Local(local("2026-12-08T08:00")), Override::Cancelled),
        ]),
        recurrence: Some(Recurrence {
            rule: "FREQ=WEEKLY;COUNT=10".parse().unwrap(),
            dates: [RecurrenceId::Local(local("2026-12-10T08:00"))].into(),
        }),
        ..Series::single(uid.into(), event)
    }
}

/// Stores something of everything.
async fn fill(store: &SqliteStore) {
    let id = pairing();
    store
        .add_pairing(&PairingRecord {
            settings: full_settings(),
            folder: Some("Montage".to_owned()),
            ..PairingRecord::new("meier", "4711", "Meier@example.com")
        })
        .await
        .unwrap();
    store.add_pairing(&PairingRecord::new("huber", "4712", "huber@example.com")).await.unwrap();
    store.add_run(&run("meier", 1)).await.unwrap();
    store
        .add_run(&RunRecord::failed(
            id.clone(),
            "B: read change feed: no",
            at(2),
            std::time::Duration::from_secs(1),
        ))
        .await
        .unwrap();

    let mut recurring = linked(1);
    recurring.halves.b.as_mut().unwrap().shadow =
        Some(Shadow { revision: Revision::new("r7"), series: weekly("weekly") });
    (recurring.generation, recurring.writes) = (2, 5);
    let lone = Link {
        halves: PerSide {
            a: None,
            b: Some(Half {
                shadow: None,
                seen: Some(Observation::Present(Box::new(Sighting {
                    revision: Revision::new("r8"),
                    series: weekly("lone"),
                    receipt: Some(entry(2, 9).write.receipt),
                    created: Some(at(3)),
                    modified: Some(at(4)),
                    access: Access::Personal,
                    put_back: false,
                }))),
                ..half("B2")
            }),
        },
        ..linked(2)
    };
    let mut gone = linked(3);
    gone.halves.a.as_mut().unwrap().seen = Some(Observation::Gone);
    gone.hold = Some(Hold {
        why: "deleted on A: too many at once to be meant".to_owned(),
        since: at(5),
        guard: None,
        kind: HoldKind::Deletion,
        about: ContentHash::of(&["what was asked"]),
        answer: Some(Answer::Approve),
    });
    let mut unread = linked(4);
    unread.halves.b.as_mut().unwrap().seen = Some(Observation::Unread("not understood".to_owned()));
    unread.halves.b.as_mut().unwrap().access = Access::ReadOnly;
    unread.retry = Some(Retry { attempts: 4, at: at(480), why: "refused: no".to_owned() });
    let buried = Tombstone {
        link: LinkId(90),
        uid: "buried".into(),
        keys: PerSide { a: Some(ItemKey::new("A90")), b: Some(ItemKey::new("B90")) },
        at: at(6),
    };
    let version = store.head(&id).await.unwrap().version;
    let commit = Commit {
        version,
        tokens: PerSide { a: Some(ChangeToken::new("cursor:17")), b: Some(ChangeToken::new("H4sIAAA=")) },
        listings: PerSide {
            a: Some(Listing { number: 2, open: false }),
            b: Some(Listing { number: 3, open: true }),
        },
        first_sync_done: true,
        put: vec![recurring, lone, gone, unread, edited(5)],
        tombstones: vec![buried],
        ..Commit::default()
    };
    store.commit(&id, &commit).await.unwrap();

    let mut create = entry(2, 1);
    create.write.op =
        WriteOp::Create { token: CreateToken::from_wire("t2"), series: Box::new(weekly("created")) };
    create.before = None;
    let mut update = entry(5, 1);
    update.write.op = WriteOp::Update {
        key: ItemKey::new("B5"),
        expected: Revision::new("r1"),
        patch: Box::new(series("x", "in step").diff(&weekly("x"))),
        current: Box::new(series("x", "in step")),
    };
    let mut undo = entry(5, 2);
    undo.order = Some(7);
    store.journal(&id, &[create, update.clone(), entry(3, 1)]).await.unwrap();
    let closed = |link, outcome: &str| Closed {
        link: LinkId(link),
        side: Side::B,
        number: 1,
        outcome: outcome.to_owned(),
    };
    let commit = Commit { version: version + 1, closed: vec![closed(3, "carried out")], ..Commit::default() };
    store.commit(&id, &commit).await.unwrap();
    store.journal(&id, &[entry(6, 1), undo]).await.unwrap();
    // This outcome is still on its way into the journal when the files are copied.
    let commit = Commit { version: version + 2, closed: vec![closed(5, "refused: no")], ..Commit::default() };
    store.commit(&id, &commit).await.unwrap();
    let about = ContentHash::of(&["what was asked"]);
    let answer = Wish::Answer { link: LinkId(3), about, answer: Answer::Prefer(Side::A) };
    for what in [answer, Wish::Undo(Box::new(update)), Wish::Lead(Side::B)] {
        store.order(&id, at(7), "command line", &what).await.unwrap();
    }
}

fn golden(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{version}"))
}

#[tokio::test]
async fn files_of_format_1_still_load_with_everything_in_them() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["state.sqlite", "journal.sqlite"] {
        std::fs::copy(golden(1).join(name), dir.path().join(name)).unwrap();
    }
    let expected = std::fs::read_to_string(golden(1).join("contents.json")).unwrap();
    let expected: Contents = serde_json::from_str(&expected).unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    store.check().await.unwrap();
    let found = contents(&store).await;
    assert_eq!(found, expected);
    // The file of expectations is not empty by accident.
    let meier = &found.of[&pairing()];
    assert_eq!((found.pairings.len(), found.runs.len(), meier.links.len()), (2, 2, 5));
    assert_eq!((meier.tombstones.len(), meier.journal.len(), meier.head.intents.len()), (1, 5, 3));
    assert_eq!(meier.head.orders.len(), 3);
    let outcomes = meier.journal.iter().filter(|entry| entry.outcome.is_some()).count();
    assert_eq!(outcomes, 2);
}

#[tokio::test]
#[ignore = "writes the golden files of the current format: once, with the release that introduces it"]
async fn write_the_golden_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    Box::pin(fill(&store)).await;
    let into = golden(1);
    store.backup(&into).await.unwrap();
    let text = serde_json::to_string_pretty(&contents(&store).await).unwrap();
    std::fs::write(into.join("contents.json"), text + "\n").unwrap();
}
