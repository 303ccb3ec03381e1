//! What the state store holds.

use calsync_core::link::{Head, Link, MatchKey, Tombstone};
use calsync_core::source::Item;
use calsync_core::store::{Commit, JournalEntry};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row; the first byte says of which table. A file that was damaged, or written by another version, is an error.
pub fn json(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        b'l' => {
            if let Some(link) = there_and_back::<Link>(bytes) {
                let _ = (link.is_dirty(), link.lone_side());
                for (_, half) in link.halves.iter() {
                    let _ = half.as_ref().map(|half| MatchKey::of(half, &link.memory));
                }
            }
        }
        b'j' => {
            if let Some(entry) = there_and_back::<JournalEntry>(bytes) {
                let _ = entry.intent();
            }
        }
        b'h' => {
            if let Some(mut head) = there_and_back::<Head>(bytes) {
                head.version = head.version.min(u64::MAX / 2);
                head.apply(&Commit::default());
            }
        }
        b't' => drop(there_and_back::<Tombstone>(bytes)),
        _ => drop(there_and_back::<Item>(bytes)),
    }
}

fn there_and_back<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(bytes).ok()?;
    let text = serde_json::to_vec(&read).expect("what was read can be written");
    let again: T = serde_json::from_slice(&text).expect("what was written can be read");
    assert_eq!(read, again);
    Some(read)
}
