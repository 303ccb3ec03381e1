//! What the change feed says of items that belong together.
//!
//! A part is no item of its own, so a change of it is reported as one of its owner. The feed names what is gone by its id
//! alone; which group it belonged to is noted in the change token, beside the server's own state: for each group short
//! digests of the ids of its items. A token of a calendar without groups is the server's state and nothing else.
//!
//! A page on which nothing of a group changed costs nothing more. Else the groups that changed are listed, and everything
//! in them that may have become an appointment of its own is reported too; reading it tells what it is.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{ChangeToken, ContentHash, ItemKey, Revision};
use calsync_core::source::ChangeEntry;
use serde::{Deserialize, Serialize};

use super::group::{Found, first};
use super::{Role, Tag};
use crate::error::EwsError;
use crate::source::{ExchangeSource, Place};
use crate::wire::{CalendarItem, Change};

/// How far a feed was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::source) struct Bookmark {
    /// The server's state.
    pub(in crate::source) state: String,
    /// Digests of the ids of the items of each group.
    #[serde(default)]
    groups: BTreeMap<String, BTreeSet<u32>>,
}

impl Bookmark {
    /// Reads a token. The server's own states are base64, which never begins with a brace.
    pub(in crate::source) fn read(token: &ChangeToken) -> Self {
        let text = token.as_str();
        let read = if text.starts_with('{') { serde_json::from_str(text).ok() } else { None };
        read.unwrap_or_else(|| Self { state: text.to_owned(), groups: BTreeMap::new() })
    }

    pub(in crate::source) fn token(&self) -> ChangeToken {
        if self.groups.is_empty() {
            return ChangeToken::new(&self.state);
        }
        // Maps with text keys, lists and numbers always become JSON.
        serde_json::to_string(self).map_or_else(|_| ChangeToken::new(&self.state), ChangeToken::new)
    }

    /// The names of all groups.
    pub(in crate::source) fn groups(&self) -> impl Iterator<Item = &String> {
        self.groups.keys()
    }

    /// The groups of which something changed.
    fn touched(&self, changes: &[Change]) -> BTreeSet<String> {
        let mut touched = BTreeSet::new();
        for change in changes {
            match change {
                Change::Create(item) | Change::Update(item) => {
                    touched.extend(Tag::read(item).map(|tag| tag.group));
                }
                Change::Delete(id) => {
                    let digest = digest(&id.id);
                    let of = self.groups.iter().filter(|(_, items)| items.contains(&digest));
                    touched.extend(of.map(|(group, _)| group.clone()));
                }
                Change::ReadFlag { .. } => {}
            }
        }
        touched
    }

    /// Notes which items belong to the groups that changed.
    fn note(&mut self, touched: &BTreeSet<String>, found: &[Found]) {
        for group in touched {
            let items: BTreeSet<u32> = found
                .iter()
                .filter(|item| item.tag.group == *group)
                .map(|item| digest(&item.id.id))
                .collect();
            if items.is_empty() {
                self.groups.remove(group);
            } else {
                self.groups.insert(group.clone(), items);
            }
        }
    }
}

/// Two ids with the same digest cost a listing, no more.
fn digest(id: &str) -> u32 {
    let hash = ContentHash::of(&[id]);
    hash.as_str().get(..8).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or_default()
}

impl ExchangeSource {
    /// The entries of a page, with `bookmark` moved to its end.
    pub(in crate::source) async fn entries(
        &self,
        place: &Place,
        changes: &[Change],
        bookmark: &mut Bookmark,
    ) -> Result<Vec<ChangeEntry>, EwsError> {
        let mut entries: Vec<ChangeEntry> = changes.iter().filter_map(entry).collect();
        let touched = bookmark.touched(changes);
        if touched.is_empty() {
            return Ok(entries);
        }
        let found = self.find_groups(place, touched.iter()).await?;
        bookmark.note(&touched, &found);
        entries.extend(found.iter().filter(|item| stands_out(item, &found)).map(|item| ChangeEntry {
            key: ItemKey::new(&item.id.id),
            revision: item.id.change_key.as_deref().map(Revision::new),
        }));
        Ok(entries)
    }
}

/// Whether an item of a group is, or may be, an appointment of its own: the owner; the others when there is none; a copy;
/// and all further series, which fall apart when somebody changes one of them.
fn stands_out(item: &Found, found: &[Found]) -> bool {
    let Tag { role, group } = &item.tag;
    let is_single = matches!(role, Role::Once(_));
    let is_first = first(found, group, *role).is_some_and(|first| first.id.id == item.id.id);
    !is_single || !is_first || first(found, group, Role::Owner).is_none()
}

/// An entry of the feed; other kinds of items in a calendar folder, parts, and marks of having been read are none.
fn entry(change: &Change) -> Option<ChangeEntry> {
    let of_item = |item: &CalendarItem| {
        if item.element != "CalendarItem" || Tag::read(item).is_some() {
            return None;
        }
        let id = item.item_id.as_ref()?;
        Some(ChangeEntry { key: ItemKey::new(&id.id), revision: id.change_key.as_deref().map(Revision::new) })
    };
    match change {
        Change::Create(item) | Change::Update(item) => of_item(item),
        Change::Delete(id) => Some(ChangeEntry { key: ItemKey::new(&id.id), revision: None }),
        Change::ReadFlag { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_before_and_of_calendars_without_groups_are_the_servers_own() {
        let plain = ChangeToken::new("AAAA+/=");
        let read = Bookmark::read(&plain);
        assert_eq!((read.state.as_str(), read.token()), ("AAAA+/=", plain));
        let mut groups = BTreeMap::new();
        groups.insert("g".to_owned(), BTreeSet::from([7, 9]));
        let bookmark = Bookmark { state: "AAAA".to_owned(), groups };
        assert_eq!(Bookmark::read(&bookmark.token()), bookmark);
        let broken = Bookmark::read(&ChangeToken::new("{\"state\""));
        assert_eq!(broken.state, "{\"state\"", "the server says that it is none of its own");
    }

    #[test]
    fn what_is_gone_is_known_by_a_digest_of_its_id() {
        let mut bookmark = Bookmark::default();
        let tag = Tag { role: Role::Rule(2), group: "g".to_owned() };
        let found = [Found { id: crate::wire::ItemId::new("part"), tag }];
        bookmark.note(&["g".to_owned()].into(), &found);
        let gone = |id: &str| [Change::Delete(crate::wire::ItemId::new(id))];
        assert_eq!(bookmark.touched(&gone("part")), ["g".to_owned()].into());
        assert!(bookmark.touched(&gone("other")).is_empty());
        bookmark.note(&["g".to_owned()].into(), &[]);
        assert_eq!(bookmark, Bookmark::default());
    }
}
