//! Names of things: sides, calendars, items, revisions, change tokens, pairings, links, create tokens.
//!
//! Everything a server hands out is opaque text that never crosses to the other side. Everything of our own is
//! derived, not drawn: the same inputs give the same id on every try.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One of the two calendars of a pairing. In calsync `A` is NVS and `B` is Exchange; the core does not know that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The first calendar.
    A,
    /// The second calendar.
    B,
}

impl Side {
    /// Both sides, `A` first.
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    /// The opposite side.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Side::A => "A",
            Side::B => "B",
        })
    }
}

/// One value for each side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PerSide<T> {
    /// The value of side `A`.
    pub a: T,
    /// The value of side `B`.
    pub b: T,
}

impl<T> PerSide<T> {
    /// Builds the pair by asking for each side.
    pub fn from_fn(mut value: impl FnMut(Side) -> T) -> Self {
        PerSide { a: value(Side::A), b: value(Side::B) }
    }

    /// The value of `side`.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// The value of `side`, to change it.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    /// Both values with their sides, `A` first.
    pub fn iter(&self) -> impl Iterator<Item = (Side, &T)> {
        [(Side::A, &self.a), (Side::B, &self.b)].into_iter()
    }
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                $name(text.into())
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.to_owned())
            }
        }
    )+};
}

text_ids! {
    /// Names a calendar within one side: a mailbox folder on Exchange, a calendar unit in NVS.
    CalendarKey,
    /// Names an item on one side: EWS `ItemId`, NVS appointment id. Case-sensitive, may change when the item moves.
    ItemKey,
    /// Names a state of an item: EWS `ChangeKey`, NVS revision. Only equality means anything.
    Revision,
    /// How far a side's change feed was read: EWS `SyncState`, NVS cursor. Grows with the folder on Exchange.
    ChangeToken,
    /// Names a pairing for people and in commands; chosen by the administrator, unique in the installation.
    PairingId,
    /// RFC 5545 `UID`. On Exchange it may change after the item was made by another client: a hint, not an identity.
    Uid,
}

/// Names a link; derived from the item that founded it, so it is stable over a lost store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkId(pub u64);

impl LinkId {
    /// The id of the link that the item `key` of `side` founds in `pairing`.
    pub fn founded_by(pairing: &PairingId, side: Side, key: &ItemKey) -> Self {
        let digest = digest(&["link", pairing.as_str(), side_name(side), key.as_str()]);
        let mut head = [0u8; 8];
        head.copy_from_slice(digest.split_at(8).0);
        // 63 bits: SQL integers are signed, and the order must be the same everywhere.
        LinkId(u64::from_be_bytes(head) >> 1)
    }

    /// The id of a link that has to stand beside this one, because the item that founded this one is elsewhere now.
    #[must_use]
    pub(crate) fn beside(self) -> Self {
        LinkId(self.0 ^ 1)
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Travels inside a created item and answers, after a crash or a lost answer, whether the create took place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CreateToken(String);

impl CreateToken {
    /// The token of the item to be made on `target` as counterpart of the item `origin` of the other side.
    ///
    /// `generation` counts how often the counterpart was made: a restored appointment is a new item, and a server that
    /// remembers idempotency keys must not answer with the old one.
    pub fn derive(pairing: &PairingId, target: Side, origin: &ItemKey, generation: u32) -> Self {
        let digest = digest(&[
            "create",
            pairing.as_str(),
            side_name(target),
            origin.as_str(),
            &generation.to_string(),
        ]);
        CreateToken(hex(digest.split_at(16).0))
    }

    /// The token of the item that is made again on `target` where a write of ours deleted one: the same for the same
    /// write, however often it is taken back.
    pub fn of_undone(pairing: &PairingId, target: Side, link: LinkId, number: u64, at: i64) -> Self {
        let digest = digest(&[
            "undo",
            pairing.as_str(),
            side_name(target),
            &link.to_string(),
            &number.to_string(),
            &at.to_string(),
        ]);
        CreateToken(hex(digest.split_at(16).0))
    }

    /// Wraps a token that was read from a server.
    pub fn from_wire(text: impl Into<String>) -> Self {
        CreateToken(text.into())
    }

    /// 32 hexadecimal digits when it is one of ours.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CreateToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A short digest of content, to recognise it without keeping it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    /// Hashes text parts; the border between two parts counts.
    pub fn of(parts: &[&str]) -> Self {
        ContentHash(hex(digest(parts).split_at(12).0))
    }

    /// 24 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::A => "A",
        Side::B => "B",
    }
}

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_the_same_on_every_try_and_differ_where_they_must() {
        let pairing = PairingId::new("meier");
        let key = ItemKey::new("AAMk=");
        let token = CreateToken::derive(&pairing, Side::B, &key, 0);
        assert_eq!(token, CreateToken::derive(&pairing, Side::B, &key, 0));
        assert_ne!(token, CreateToken::derive(&pairing, Side::A, &key, 0));
        assert_ne!(token, CreateToken::derive(&pairing, Side::B, &key, 1));
        assert_ne!(token, CreateToken::derive(&pairing, Side::B, &ItemKey::new("aamk="), 0));
        assert_eq!(token.as_str().len(), 32);
    }

    #[test]
    fn the_border_between_hashed_parts_counts() {
        assert_ne!(ContentHash::of(&["ab", "c"]), ContentHash::of(&["a", "bc"]));
    }
}
