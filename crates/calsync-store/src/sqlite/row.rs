//! Links as rows: the JSON that is the truth, and the columns beside it that queries look at.
//!
//! Rows are made and read on the thread of whoever waits for them; the store's own thread only moves text.

use calsync_core::ids::{LinkId, PerSide, Side};
use calsync_core::link::{Half, Link, MatchKey, Observation};
use calsync_core::store::StoreError;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{json_error, out_of_range};

/// A link as it is written.
pub(super) struct LinkRow {
    pub(super) text: LinkText,
    pub(super) keys: PerSide<Option<String>>,
    pub(super) uids: PerSide<Option<String>>,
    pub(super) listed: PerSide<Option<u32>>,
    pub(super) dirty: bool,
    pub(super) retry_at: Option<i64>,
    pub(super) linked: bool,
    pub(super) gone: PerSide<bool>,
    pub(super) lone: Vec<LoneKey>,
}

/// A link as it is read.
pub(super) struct LinkText {
    pub(super) id: i64,
    pub(super) generation: u32,
    pub(super) writes: i64,
    pub(super) halves: PerSide<Option<String>>,
    pub(super) hold: Option<String>,
    pub(super) retry: Option<String>,
    pub(super) masked: Option<String>,
    pub(super) memory: Option<String>,
}

/// One key under which a lone half is found.
pub(super) struct LoneKey {
    pub(super) side: &'static str,
    pub(super) kind: u8,
    pub(super) value: String,
}

impl LinkRow {
    pub(super) fn of(link: &Link) -> Result<LinkRow, StoreError> {
        let half = |side: Side| link.halves.get(side).as_ref();
        let linked = half(Side::A).is_some() && half(Side::B).is_some();
        let lone = match link.lone_side() {
            Some(side) => half(side)
                .map(|half| MatchKey::of(half, &link.memory))
                .unwrap_or_default()
                .iter()
                .map(|key| LoneKey::of(side, key))
                .collect(),
            None => Vec::new(),
        };
        Ok(LinkRow {
            text: LinkText::of(link)?,
            keys: PerSide::from_fn(|side| half(side).map(|half| half.key.as_str().to_owned())),
            uids: PerSide::from_fn(|side| Some(half(side)?.uid()?.as_str().to_owned())),
            listed: PerSide::from_fn(|side| half(side).map(|half| half.listed)),
            dirty: link.is_dirty(),
            retry_at: link.retry.as_ref().map(|retry| micros(retry.at)),
            linked,
            gone: PerSide::from_fn(|side| linked && half(side).is_some_and(is_gone)),
            lone,
        })
    }
}

fn is_gone(half: &Half) -> bool {
    half.seen == Some(Observation::Gone)
}

impl LinkText {
    fn of(link: &Link) -> Result<LinkText, StoreError> {
        let half = |side| link.halves.get(side).as_ref().map(|half| json("a link", half)).transpose();
        Ok(LinkText {
            id: link_integer(link.id)?,
            generation: link.generation,
            writes: integer("the number of a write", link.writes)?,
            halves: PerSide { a: half(Side::A)?, b: half(Side::B)? },
            hold: link.hold.as_ref().map(|hold| json("a hold", hold)).transpose()?,
            retry: link.retry.as_ref().map(|retry| json("a retry", retry)).transpose()?,
            masked: link.masked.map(|side| side_text(side).to_owned()),
            memory: (!link.memory.is_empty())
                .then(|| json("the memory of a link", &link.memory))
                .transpose()?,
        })
    }

    pub(super) fn read(self) -> Result<Link, StoreError> {
        let LinkText { id, generation, writes, halves, hold, retry, masked, memory } = self;
        Ok(Link {
            id: LinkId(u64::try_from(id).map_err(|_| out_of_range("the id of a link"))?),
            halves: PerSide { a: optional("a link", halves.a)?, b: optional("a link", halves.b)? },
            generation,
            writes: u64::try_from(writes).map_err(|_| out_of_range("the number of a write"))?,
            hold: optional("a hold", hold)?,
            retry: optional("a retry", retry)?,
            // The table lets nothing else in.
            masked: masked.map(|side| if side == side_text(Side::A) { Side::A } else { Side::B }),
            memory: optional("the memory of a link", memory)?.unwrap_or_default(),
        })
    }
}

impl LoneKey {
    pub(super) fn of(side: Side, key: &MatchKey) -> LoneKey {
        let (kind, value) = match key {
            MatchKey::Key(key) => (0, key.as_str()),
            MatchKey::Counterpart(key) => (1, key.as_str()),
            MatchKey::Uid(uid) => (2, uid.as_str()),
            MatchKey::Time(hash) => (3, hash.as_str()),
            MatchKey::CounterpartUid(uid) => (4, uid.as_str()),
        };
        LoneKey { side: side_text(side), kind, value: value.to_owned() }
    }
}

/// Whole microseconds since 1970, rounded down on both sides of every comparison.
pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

pub(super) fn side_text(side: Side) -> &'static str {
    match side {
        Side::A => "A",
        Side::B => "B",
    }
}

/// SQL integers are signed; the core keeps its ids within 63 bits, so that their order is the same everywhere.
pub(super) fn link_integer(id: LinkId) -> Result<i64, StoreError> {
    integer("the id of a link", id.0)
}

pub(super) fn integer(what: &'static str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| out_of_range(what))
}

pub(super) fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

pub(super) fn json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| json_error(what, &error))
}

fn optional<T: DeserializeOwned>(what: &'static str, text: Option<String>) -> Result<Option<T>, StoreError> {
    text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| json_error(what, &error))
}
