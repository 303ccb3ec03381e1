//! Things to store.

use calsync_core::ids::{ContentHash, CreateToken, ItemKey, LinkId, PairingId, PerSide, Revision, Side, Uid};
use calsync_core::link::{Half, Link, LinkMemory, Observation, Shadow, Sighting};
use calsync_core::model::{Event, Series, Span};
use calsync_core::source::{Access, Receipt, Write, WriteOp};
use calsync_core::store::{Commit, EntryId, JournalEntry, JournalQuery, StateStore, StoreError};
use chrono::{DateTime, NaiveDate, Utc};

pub(crate) fn pairing() -> PairingId {
    PairingId::new("meier")
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_500_000 + seconds, 0).unwrap()
}

pub(crate) fn series(uid: &str, subject: &str) -> Series {
    let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
    Series::single(Uid::new(uid), Event::new(subject, Span::days(day, day)))
}

pub(crate) fn half(key: &str) -> Half {
    Half {
        key: ItemKey::new(key),
        shadow: Some(Shadow { revision: Revision::new("r1"), series: series(key, "in step") }),
        seen: None,
        access: Access::Full,
        listed: 1,
        kept: None,
        last: None,
        fresh: false,
    }
}

pub(crate) fn linked(id: u64) -> Link {
    let halves = PerSide::from_fn(|side| Some(half(&format!("{side}{id}"))));
    Link {
        id: LinkId(id),
        halves,
        generation: 0,
        writes: 0,
        masked: None,
        hold: None,
        retry: None,
        memory: LinkMemory::default(),
    }
}

/// With an edit on side A.
pub(crate) fn edited(id: u64) -> Link {
    let mut link = linked(id);
    if let Some(half) = &mut link.halves.a {
        half.seen = Some(Observation::Present(Box::new(Sighting {
            revision: Revision::new("r2"),
            series: series("edited", "edited"),
            receipt: None,
            created: None,
            modified: Some(at(1)),
            access: Access::Full,
            put_back: false,
        })));
    }
    link
}

pub(crate) fn entry(link: u64, number: u64) -> JournalEntry {
    let receipt = Receipt {
        token: CreateToken::from_wire("t"),
        counterpart: ItemKey::new("c"),
        counterpart_uid: None,
        own_uid: None,
        masked: false,
        number,
        content: ContentHash::of(&[]),
    };
    let op = WriteOp::Delete { key: ItemKey::new(format!("B{link}")), expected: Revision::new("r1") };
    let write = Write { link: LinkId(link), op, receipt };
    JournalEntry {
        before: Some(series("before", "as it was before")),
        ..JournalEntry::new(at(0), Side::B, write, "deleted on A")
    }
}

/// The journal, newest first, without the numbers that the store gave.
pub(crate) async fn journal_of(store: &dyn StateStore, of: &PairingId) -> Vec<JournalEntry> {
    let entries = store.journal_entries(of, &JournalQuery::default()).await.unwrap();
    assert!(entries.is_sorted_by(|one, next| one.id > next.id), "{entries:?}");
    entries.into_iter().map(|entry| JournalEntry { id: EntryId::default(), ..entry }).collect()
}

pub(crate) async fn put(store: &dyn StateStore, links: &[Link]) -> Result<(), StoreError> {
    let pairing = pairing();
    let version = store.head(&pairing).await?.version;
    store.commit(&pairing, &Commit { version, put: links.to_vec(), ..Commit::default() }).await
}
