//! What a person is asked, as a digest.
//!
//! It stays the same as long as the question does: an answer that names it cannot be taken for an answer to something
//! else. Revisions are not in it, since servers count them up for reasons of their own, and so do our own writes to
//! fields that nobody was asked about; contents are.

use super::plan::Reason;
use super::verdict::State;
use crate::ids::{ContentHash, PerSide, Side};
use crate::link::{HoldKind, Link};
use crate::model::SeriesPatch;

/// A decision about an appointment as a whole: what is on both sides.
pub(super) fn whole(link: &Link, kind: HoldKind, reason: &Reason) -> ContentHash {
    let of = |side: Side| {
        let half = link.halves.get(side).as_ref();
        let word = match State::of(half) {
            State::Missing => return "missing".to_owned(),
            State::Gone => return "gone".to_owned(),
            State::Unread => return "unread".to_owned(),
            State::Unchanged | State::Changed | State::New => "there",
        };
        let content = half.and_then(|half| half.latest()).map(|(_, series)| series.content_hash());
        format!("{word} {}", content.as_ref().map_or("", ContentHash::as_str))
    };
    ContentHash::of(&["whole", kind.as_str(), &reason.to_string(), &of(Side::A), &of(Side::B)])
}

/// A decision about some fields or instances: what changed in them on each side.
pub(super) fn parts(kind: HoldKind, reason: &Reason, held: &PerSide<SeriesPatch>) -> ContentHash {
    // Patches are plain values, so serialising cannot fail; if it did, the answer would be void and asked for again.
    let of = |side: Side| serde_json::to_string(held.get(side)).unwrap_or_default();
    ContentHash::of(&["parts", kind.as_str(), &reason.to_string(), &of(Side::A), &of(Side::B)])
}
