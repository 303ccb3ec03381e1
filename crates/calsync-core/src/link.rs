//! What is remembered of a pairing: links, their halves, open intents, orders, tombstones.
//!
//! A [`Half`] keeps two things apart: the *shadow*, as the side gave the series back when both were last in step, and
//! the *observation*, what was seen of it since. Observations are stored as soon as they are read, together with
//! the change token that covers them, so that a token never moves past something that was not dealt with: what is
//! held, refused or interrupted simply stays observed.

mod hold;
mod lately;
mod marks;
mod memory;
mod order;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use lately::Lately;
pub use memory::{LinkMemory, Turns};

use crate::defects::{Defect, planted};
use crate::ids::{ChangeToken, ContentHash, ItemKey, LinkId, PairingId, PerSide, Revision, Side, Uid};
use crate::model::Series;
use crate::source::{Access, Item, Receipt, Write, WriteOp};

pub use hold::{Answer, Hold, HoldKind};
pub use marks::{KnownMark, Marks, WentBack, Which};
pub use order::{Order, Wish};

/// A series as a side gave it back when both sides were last in step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// The state it had.
    pub revision: Revision,
    /// The content it had.
    pub series: Series,
}

/// What was seen of an item since its shadow was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// It is there and looks like this.
    Present(Box<Sighting>),
    /// Its absence was proved by reading it.
    Gone,
    /// It has to be read (again) before anything is decided. The text says why.
    Unread(String),
}

/// An item that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Its state.
    pub revision: Revision,
    /// Its content.
    pub series: Series,
    /// The engine's own mark in it.
    pub receipt: Option<Receipt>,
    /// When it was created, by the server's clock.
    pub created: Option<DateTime<Utc>>,
    /// When it was last changed, by the server's clock.
    pub modified: Option<DateTime<Utc>>,
    /// What may be written to it.
    pub access: Access,
    /// It was gone before, and somebody put it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub put_back: bool,
}

impl From<Item> for Sighting {
    fn from(item: Item) -> Self {
        let Item { key: _, revision, series, receipt, created, modified, access } = item;
        Sighting { revision, series, receipt, created, modified, access, put_back: false }
    }
}

/// One side of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Half {
    /// The item.
    pub key: ItemKey,
    /// `None` while it was never in step.
    pub shadow: Option<Shadow>,
    /// `None` while nothing was seen that the shadow does not say.
    pub seen: Option<Observation>,
    /// What may be written to it, as last seen.
    pub access: Access,
    /// The number of the full listing in which it last appeared, see [`Head::listings`].
    pub listed: u32,
    /// Our receipt in it as it was last seen, while it has no counterpart: one that comes later is recognised by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Box<Receipt>>,
    /// How it was last seen, while it was never in step and is gone or has to be read again: it is known by that if it comes
    /// back under another key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Box<Shadow>>,
    /// It was first seen, or found gone, since its side was last read to the end: what moved goes at one place of the feed and comes
    /// at another, and a round may be cut off in between.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
}

impl Half {
    /// An item of which nothing is known but its key.
    pub(crate) fn unread(key: ItemKey) -> Half {
        let seen = Some(Observation::Unread("nothing is known of it yet".to_owned()));
        Half {
            key,
            shadow: None,
            seen,
            access: Access::ReadOnly,
            listed: 0,
            kept: None,
            last: None,
            fresh: false,
        }
    }

    /// What was read of it since the shadow, if it is there.
    pub fn sighting(&self) -> Option<&Sighting> {
        match &self.seen {
            Some(Observation::Present(sighting)) => Some(sighting),
            Some(Observation::Gone | Observation::Unread(_)) | None => None,
        }
    }

    /// The item as it was read since the shadow, if it is there.
    pub(crate) fn item(&self) -> Option<Item> {
        let Sighting { revision, series, receipt, created, modified, access, put_back: _ } =
            self.sighting()?.clone();
        Some(Item { key: self.key.clone(), revision, series, receipt, created, modified, access })
    }

    /// Our receipt in it, as far as it is known.
    pub fn receipt(&self) -> Option<&Receipt> {
        match self.sighting() {
            Some(sighting) => sighting.receipt.as_ref(),
            None => self.kept.as_deref(),
        }
    }

    /// It is about another item.
    pub(crate) fn forget_receipt(&mut self) {
        self.kept = None;
        if let Some(Observation::Present(sighting)) = &mut self.seen {
            sighting.receipt = None;
        }
    }

    /// Whether our receipt in it means that item of the other side.
    pub(crate) fn names(&self, theirs: &Half) -> bool {
        self.receipt()
            .is_some_and(|receipt| receipt.names(&theirs.key, theirs.latest().map(|(_, series)| series)))
    }

    /// Whether its absence was proved.
    pub fn is_gone(&self) -> bool {
        matches!(self.seen, Some(Observation::Gone))
    }

    /// Whether it has to be read before anything is decided.
    pub(crate) fn is_unread(&self) -> bool {
        matches!(self.seen, Some(Observation::Unread(_)))
    }

    /// Takes that its absence was proved. What a lone item looked like is known from nowhere else.
    pub(crate) fn go(&mut self, lone: bool) {
        if let (true, None, Some(Observation::Present(sighting))) = (lone, &self.shadow, &self.seen) {
            let Sighting { revision, series, .. } = sighting.as_ref();
            self.shadow = Some(Shadow { revision: revision.clone(), series: series.clone() });
        }
        self.unsee(Observation::Gone);
    }

    /// Takes that it is not there, or has to be read again.
    pub(crate) fn unsee(&mut self, instead: Observation) {
        if let (None, Some(Observation::Present(sighting))) = (&self.shadow, &self.seen) {
            let Sighting { revision, series, .. } = sighting.as_ref();
            self.last = Some(Box::new(Shadow { revision: revision.clone(), series: series.clone() }));
        }
        self.seen = Some(instead);
    }

    /// What is known of the item, as if it had been read just now; `None` where it never was.
    pub(crate) fn sighted_anew(&self) -> Option<Sighting> {
        match (&self.seen, &self.shadow) {
            (Some(Observation::Present(sighting)), _) => Some(sighting.as_ref().clone()),
            (_, Some(Shadow { revision, series })) => Some(Sighting {
                revision: revision.clone(),
                series: series.clone(),
                receipt: self.kept.as_deref().cloned(),
                created: None,
                modified: None,
                access: self.access,
                put_back: false,
            }),
            (_, None) => None,
        }
    }

    /// Takes what was read; where it says what the shadow says, only its revision is new. What was gone and is there again
    /// stays observed: somebody wants it.
    pub(crate) fn see(&mut self, item: Item) {
        self.access = item.access;
        self.last = None;
        let put_back = self.is_gone() || self.sighting().is_some_and(|sighting| sighting.put_back);
        match &mut self.shadow {
            Some(shadow) if shadow.series == item.series && !put_back && !planted(Defect::EchoIsEdit) => {
                shadow.revision = item.revision;
                self.kept = self.kept.take().and(item.receipt).map(Box::new);
                self.seen = None;
            }
            Some(_) | None => {
                let sighting = Sighting { put_back, ..Sighting::from(item) };
                self.seen = Some(Observation::Present(Box::new(sighting)));
            }
        }
    }

    /// The UID that it was last known by; none where nothing was read of it, or where the server gave it none.
    pub fn uid(&self) -> Option<&Uid> {
        self.latest().map(|(_, series)| &series.uid).filter(|uid| !uid.as_str().is_empty())
    }

    /// The content as it was last known, whatever was seen.
    pub fn latest(&self) -> Option<(&Revision, &Series)> {
        match (&self.seen, &self.shadow) {
            (Some(Observation::Present(sighting)), _) => Some((&sighting.revision, &sighting.series)),
            (_, Some(shadow)) => Some((&shadow.revision, &shadow.series)),
            (_, None) => self.last.as_ref().map(|last| (&last.revision, &last.series)),
        }
    }
}

/// Which way changes go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Only from `A` to `B`.
    AToB,
    /// Only from `B` to `A`.
    BToA,
}

impl Direction {
    /// Whether this side may be written.
    pub fn writes(self, side: Side) -> bool {
        match self {
            Direction::Both => true,
            Direction::AToB => side == Side::B,
            Direction::BToA => side == Side::A,
        }
    }
}

/// When all deletions of a round wait for a person: more than `count` and more than `percent` of the linked items, or
/// a side that is suddenly empty. With 100 percent nothing waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionGuard {
    /// So many are always allowed.
    pub count: u64,
    /// Of the linked items.
    pub percent: u64,
}

impl DeletionGuard {
    /// Whether that many deletions out of `linked` items are too many to be meant.
    pub fn holds(self, deletions: u64, linked: u64) -> bool {
        let emptied = deletions > 1 && deletions == linked && self.percent < 100;
        emptied
            || (deletions > self.count && deletions.saturating_mul(100) > linked.saturating_mul(self.percent))
    }
}

/// A link that was set aside after a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How often it failed in a row.
    pub attempts: u32,
    /// Not before.
    pub at: DateTime<Utc>,
    /// What happened last.
    pub why: String,
}

/// A series on both sides; with one half only, a series that has no counterpart yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Stable for the life of the link.
    pub id: LinkId,
    /// What is known of each side.
    pub halves: PerSide<Option<Half>>,
    /// How often a counterpart was made; part of the create token.
    pub generation: u32,
    /// How many writes were planned for it; the number in receipts.
    pub writes: u64,
    /// The side with the original, where the other side has a copy without its private text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked: Option<Side>,
    /// Waits for a person.
    pub hold: Option<Hold>,
    /// Set aside after a failure.
    pub retry: Option<Retry>,
    /// What else is remembered of it.
    #[serde(default, skip_serializing_if = "LinkMemory::is_empty")]
    pub memory: LinkMemory,
}

impl Link {
    /// A link that a newly seen item founds.
    pub fn found(pairing: &PairingId, side: Side, half: Half) -> Link {
        let id = LinkId::founded_by(pairing, side, &half.key);
        let mut halves = PerSide::default();
        *halves.get_mut(side) = Some(half);
        Link {
            id,
            halves,
            generation: 0,
            writes: 0,
            masked: None,
            hold: None,
            retry: None,
            memory: LinkMemory::default(),
        }
    }

    /// Whether something was seen that is not dealt with.
    pub fn is_dirty(&self) -> bool {
        self.halves.iter().any(|(_, half)| half.as_ref().is_some_and(|half| half.seen.is_some()))
    }

    /// Forgets updates that were given up and cannot arrive any more: their item has another revision than they expect.
    pub(crate) fn forget_given_up(&mut self) {
        let Link { halves, memory, .. } = self;
        memory.given_up.retain(|intent| match (&intent.write.op, halves.get(intent.side)) {
            (WriteOp::Update { expected, .. }, Some(half)) => {
                half.latest().is_some_and(|(revision, _)| revision == expected)
            }
            _ => false,
        });
    }

    /// Its sides were read to their ends since it was last seen.
    pub(crate) fn looked_at(&mut self) {
        for side in Side::BOTH {
            if let Some(half) = self.halves.get_mut(side) {
                half.fresh = false;
            }
        }
    }

    /// Whether our receipt in one of its items names the other one.
    pub(crate) fn is_named(&self) -> bool {
        match (&self.halves.a, &self.halves.b) {
            (Some(a), Some(b)) => a.names(b) || b.names(a),
            (Some(_) | None, _) => false,
        }
    }

    /// Whether it has one side only, that is, no counterpart yet; and which.
    pub fn lone_side(&self) -> Option<Side> {
        match (&self.halves.a, &self.halves.b) {
            (Some(_), None) => Some(Side::A),
            (None, Some(_)) => Some(Side::B),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

/// How a lone half can be recognised as the counterpart of another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchKey {
    /// The item itself.
    Key(ItemKey),
    /// An item whose receipt names this item as counterpart.
    Counterpart(ItemKey),
    /// An item whose receipt names an item with this UID as counterpart.
    CounterpartUid(Uid),
    /// An item with this UID.
    Uid(Uid),
    /// An item that takes place at the same time, by [`Series::time_hash`].
    Time(ContentHash),
}

impl MatchKey {
    /// Under which keys a lone half is found; `memory` is that of its link.
    pub fn of(half: &Half, memory: &LinkMemory) -> Vec<MatchKey> {
        let mut keys = vec![MatchKey::Key(half.key.clone())];
        if let Some(receipt) = half.receipt() {
            keys.push(MatchKey::Counterpart(receipt.counterpart.clone()));
            keys.extend(receipt.counterpart_uid.clone().map(MatchKey::CounterpartUid));
        }
        if let Some((_, series)) = half.latest() {
            keys.push(MatchKey::Uid(series.uid.clone()));
            keys.push(MatchKey::Time(series.time_hash()));
        }
        keys.extend(memory.uids.iter().cloned().map(MatchKey::Uid));
        keys.sort();
        keys.dedup();
        keys
    }
}

/// A write that was journaled and whose outcome is not stored yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Which side it goes to.
    pub side: Side,
    /// What is to be done.
    pub write: Write,
    /// When it was journaled.
    pub at: DateTime<Utc>,
    /// The [`Order`] to take back an earlier write that this write carries out: what it leaves counts as a person's
    /// edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
}

/// Something that was deleted on both sides and must not come back from an old copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The link that ended.
    pub link: LinkId,
    /// Its UID.
    pub uid: Uid,
    /// The items it had.
    pub keys: PerSide<Option<ItemKey>>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Tombstone {
    /// Of one item of `side`, whose link goes on without it.
    pub(crate) fn of_item(link: LinkId, side: Side, key: ItemKey, uid: Uid, at: DateTime<Utc>) -> Tombstone {
        let mut keys = PerSide::default();
        *keys.get_mut(side) = Some(key);
        Tombstone { link, uid, keys, at }
    }
}

/// The part of a pairing's snapshot that every round needs: small, whatever the size of the calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Counts commits: a commit names the version it stands on, so that two writers cannot both succeed.
    pub version: u64,
    /// How far each side's feed was read.
    pub tokens: PerSide<Option<ChangeToken>>,
    /// Counts the full listings of each side. While one runs, every item that appears gets its number; afterwards,
    /// items without it are read one by one, since only that proves absence.
    pub listings: PerSide<Listing>,
    /// Whether both sides were once read to the end.
    pub first_sync_done: bool,
    /// Under which rules everything is as it is, as text that only the engine reads; other ones bring all links up again.
    pub rules: Option<String>,
    /// Deletions of the last hour that nobody approved, by the side that they came from.
    pub deleted: PerSide<Lately>,
    /// Writes whose outcome is not stored.
    pub intents: Vec<Intent>,
    /// What people asked for and is not done yet, in the order of their numbers.
    pub orders: Vec<Order>,
    /// What tells whether a side, or this store, went back in time.
    pub marks: Marks,
}

/// A full listing of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Its number; 0 before the first.
    pub number: u32,
    /// Whether items that did not appear still have to be read: because a full listing runs, or because we made items
    /// that the feed has not shown yet. A feed is silent about an item that was made and deleted between two reads.
    pub open: bool,
}

impl Listing {
    /// The number for an item that we made: it counts as listed when the feed shows it.
    pub fn not_shown_yet(self) -> u32 {
        self.number.saturating_sub(1)
    }

    /// The same listing, with items to be looked for.
    #[must_use]
    pub fn reopened(self) -> Listing {
        Listing { open: true, ..self }
    }
}
