//! Finding and reading the items of groups.
//!
//! The record of an owner names its parts by their ids, so a group costs one more request to read, and a series that is
//! no group costs none. Only what is not found by its id is looked for by the name of the group: ids change when a
//! mailbox moves or a person takes an item back out of the bin.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{ItemKey, Revision};
use calsync_core::source::{Item, Seen};

use super::compose::{Composed, compose};
use super::{Role, Tag, Whole};
use crate::error::EwsError;
use crate::ops::{FindItem, Range, Restriction, Shape};
use crate::source::fetch::Look;
use crate::source::{ExchangeSource, Place, properties};
use crate::wire::{CalendarItem, DateTime, FieldRef, Folder, ItemId};

/// The most groups in one condition: servers refuse conditions that are too long.
const GROUPS: usize = 50;

/// What an item says of itself besides its content.
#[derive(Debug, Clone)]
pub(in crate::source) struct Mark {
    pub(in crate::source) tag: Tag,
    whole: Option<Whole>,
    unfinished: bool,
}

impl Mark {
    pub(in crate::source) fn read(item: &CalendarItem) -> Option<Self> {
        let unfinished = item.extended(&properties::UNFINISHED).is_some();
        Some(Self { tag: Tag::read(item)?, whole: Whole::read(item), unfinished })
    }

    /// Whether it is being written, or a write was cut off.
    pub(in crate::source) fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    /// The record, if nothing is being written.
    pub(in crate::source) fn settled(&self) -> Option<&Whole> {
        self.whole.as_ref().filter(|_| !self.unfinished)
    }

    pub(in crate::source) fn whole(&self) -> Option<&Whole> {
        self.whole.as_ref()
    }
}

/// An item as it lies in the folder.
#[derive(Debug)]
pub(in crate::source) struct Lying {
    pub(in crate::source) seen: Seen,
    pub(in crate::source) mark: Option<Mark>,
}

/// An item of a group, as a listing shows it.
#[derive(Debug, Clone)]
pub(in crate::source) struct Found {
    pub(in crate::source) id: ItemId,
    pub(in crate::source) tag: Tag,
}

/// A revision says of which kind the item is, so that a write knows it without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Kind {
    /// No group.
    Plain,
    /// The owner of a group, or of one that is being written.
    Owner,
    /// An item that was one of a group.
    Apart,
}

/// The revision of an owner whose group is being written.
const UNFINISHED: &str = "unfinished";
/// The revision of an item that was one of a group.
const APART: &str = "apart";

/// The change key in a revision, and what kind of item it is of.
pub(in crate::source) fn read_revision(revision: &Revision) -> (&str, Kind) {
    match revision.as_str().split_once(' ') {
        None => (revision.as_str(), Kind::Plain),
        Some((key, APART)) => (key, Kind::Apart),
        Some((key, _)) => (key, Kind::Owner),
    }
}

fn suffixed(mut item: Box<Item>, suffix: &str) -> Seen {
    item.revision = Revision::new(format!("{} {suffix}", item.revision.as_str()));
    Seen::Present(item)
}

/// What became of the group of an owner.
#[derive(Debug)]
enum State {
    /// It is being written: all its items belong to it.
    Unfinished,
    /// These items are one series.
    One { item: Box<Item>, claimed: BTreeSet<ItemKey> },
    /// Its items are appointments of their own.
    Apart,
    /// It cannot be read at the moment.
    Unreadable(String),
}

impl ExchangeSource {
    /// Turns items as they lie into items as they are meant: owners show the whole series, parts are none.
    pub(in crate::source) async fn compose_all(
        &self,
        place: &Place,
        folder: &mut Folder,
        keys: &[ItemKey],
        lying: Vec<Lying>,
    ) -> Result<Vec<Seen>, EwsError> {
        if lying.iter().all(|lying| lying.mark.is_none()) {
            return Ok(lying.into_iter().map(|lying| lying.seen).collect());
        }
        let mut owners: BTreeMap<ItemKey, Lying> = BTreeMap::new();
        let mut strays: BTreeSet<String> = BTreeSet::new();
        for (key, item) in keys.iter().zip(&lying) {
            let Some(mark) = &item.mark else { continue };
            if mark.tag.role == Role::Owner {
                let lying = Lying { seen: item.seen.clone(), mark: item.mark.clone() };
                owners.insert(key.clone(), lying);
            } else {
                strays.insert(mark.tag.group.clone());
            }
        }
        let mut found = self.find_groups(place, strays.iter()).await?;
        let owner_of: BTreeMap<String, ItemKey> = strays
            .iter()
            .filter_map(|group| {
                Some((group.clone(), ItemKey::new(&first(&found, group, Role::Owner)?.id.id)))
            })
            .collect();
        let unread: Vec<ItemKey> =
            owner_of.values().filter(|key| !owners.contains_key(*key)).cloned().collect();
        let read = self.read_lying(place, folder, &unread, Look::Settled).await?;
        owners.extend(unread.into_iter().zip(read));
        let states = self.states(place, folder, &owners, &mut found).await?;
        let answers = keys.iter().zip(lying).map(|(key, item)| {
            let (Some(mark), Seen::Present(own)) = (item.mark, item.seen.clone()) else { return item.seen };
            let owner = match mark.tag.role {
                Role::Owner => Some(key),
                Role::Rule(_) | Role::Once(_) => owner_of.get(&mark.tag.group),
            };
            let Some(owner) = owner else { return suffixed(own, APART) };
            match (states.get(owner), owner == key) {
                (Some(State::Unfinished), true) => suffixed(own, UNFINISHED),
                (Some(State::Unfinished), false) => Seen::Absent,
                (Some(State::One { item, .. }), true) => Seen::Present(item.clone()),
                (Some(State::One { claimed, .. }), false) if claimed.contains(key) => Seen::Absent,
                (Some(State::One { .. } | State::Apart), _) => suffixed(own, APART),
                (Some(State::Unreadable(why)), _) => Seen::Unreadable(why.clone()),
                (None, _) => Seen::Unreadable("the series that it belongs to cannot be read".to_owned()),
            }
        });
        Ok(answers.collect())
    }

    /// What became of each owner's group.
    async fn states(
        &self,
        place: &Place,
        folder: &mut Folder,
        owners: &BTreeMap<ItemKey, Lying>,
        found: &mut Vec<Found>,
    ) -> Result<BTreeMap<ItemKey, State>, EwsError> {
        let mut states = BTreeMap::new();
        let mut wholes: Vec<(&ItemKey, &Item, &str, &Whole)> = Vec::new();
        for (key, lying) in owners {
            let state = match (&lying.seen, &lying.mark) {
                (Seen::Present(_), Some(mark)) if mark.tag.role != Role::Owner => State::Apart,
                (Seen::Present(item), Some(Mark { tag, whole: Some(whole), unfinished: false })) => {
                    wholes.push((key, item, &tag.group, whole));
                    continue;
                }
                // Made, but not finished, or being changed.
                (Seen::Present(item), Some(mark)) if mark.unfinished || item.receipt.is_none() => {
                    State::Unfinished
                }
                (Seen::Present(_), Some(_)) => State::Unreadable(
                    "its record of the items that belong to it is lost: delete it there".to_owned(),
                ),
                (Seen::Present(_), None) | (Seen::Absent, _) => State::Apart,
                (Seen::Unreadable(why), _) => State::Unreadable(why.clone()),
            };
            states.insert(key.clone(), state);
        }
        let mut ids: BTreeMap<(&ItemKey, Role), ItemKey> = BTreeMap::new();
        for (owner, _, _, whole) in &wholes {
            let parts = whole.items.iter().filter(|(role, _)| **role != Role::Owner);
            ids.extend(parts.map(|(role, kept)| ((*owner, *role), ItemKey::new(&kept.id))));
        }
        let mut parts = self.read_parts(place, folder, ids.values()).await?;
        let is_there = |seen: Option<&Seen>| matches!(seen, Some(Seen::Present(_) | Seen::Unreadable(_)));
        let lost: BTreeSet<String> = wholes
            .iter()
            .filter(|(owner, _, _, whole)| {
                !is_own(owner, whole)
                    || ids.iter().any(|((of, _), id)| of == owner && !is_there(parts.get(id)))
            })
            .map(|(_, _, group, _)| (*group).to_owned())
            .collect();
        found.extend(self.find_groups(place, lost.iter()).await?);
        let mut looked = Vec::new();
        for ((owner, role), id) in &mut ids {
            let group = wholes.iter().find(|(key, ..)| key == owner).map(|(_, _, group, _)| *group);
            if let (Some(group), false) =
                (group.filter(|group| lost.contains(*group)), is_there(parts.get(id)))
                && let Some(other) = first(found, group, *role)
            {
                *id = ItemKey::new(&other.id.id);
                looked.push(id.clone());
            }
        }
        parts.extend(self.read_parts(place, folder, looked.iter()).await?);
        for (owner, item, group, whole) in wholes {
            let is_copy = !is_own(owner, whole)
                && first(found, group, Role::Owner).is_none_or(|found| found.id.id != owner.as_str());
            let mine = ids.iter().filter(|((of, _), _)| *of == owner).map(|((_, role), id)| (*role, id));
            let state = if is_copy { State::Apart } else { state_of(item, whole, mine, &parts) };
            states.insert(owner.clone(), state);
        }
        Ok(states)
    }

    async fn read_parts(
        &self,
        place: &Place,
        folder: &mut Folder,
        ids: impl Iterator<Item = &ItemKey>,
    ) -> Result<BTreeMap<ItemKey, Seen>, EwsError> {
        let ids: Vec<ItemKey> = ids.cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let lying = self.read_lying(place, folder, &ids, Look::Settled).await?;
        Ok(ids.into_iter().zip(lying.into_iter().map(|lying| lying.seen)).collect())
    }

    /// All items that say they belong to these groups, those that were created first at the front.
    pub(in crate::source) async fn find_groups(
        &self,
        place: &Place,
        groups: impl Iterator<Item = &String>,
    ) -> Result<Vec<Found>, EwsError> {
        let groups: Vec<String> = groups.cloned().collect();
        let fields = vec![FieldRef::Named("item:DateTimeCreated"), FieldRef::Extended(properties::PART)];
        let mut all: Vec<(Option<DateTime>, Found)> = Vec::new();
        for groups in groups.chunks(GROUPS) {
            let mut offset = 0;
            loop {
                let restriction = Restriction::OneOf { field: properties::GROUP, values: groups.to_vec() };
                let question = FindItem {
                    folder: place.folder.clone(),
                    shape: Shape::Fields { fields: fields.clone(), body: None },
                    range: Range::Page { offset, max: 500, restriction: Some(restriction) },
                };
                let page = self.client.find_item(&place.target, &question).await?;
                all.extend(page.items.into_iter().filter_map(|item| {
                    let found = Found { tag: Tag::read(&item)?, id: item.item_id? };
                    Some((item.date_time_created, found))
                }));
                match page.next_offset {
                    Some(next) => offset = next,
                    None => break,
                }
            }
        }
        all.sort_by_key(|(created, _)| created.map(DateTime::to_utc));
        Ok(all.into_iter().map(|(_, found)| found).collect())
    }
}

/// Whether an owner is the item that wrote the record, and not a copy of it.
fn is_own(owner: &ItemKey, whole: &Whole) -> bool {
    whole.items.get(&Role::Owner).is_some_and(|kept| kept.id == owner.as_str())
}

/// The item of a group in this role: a copy that a person made is younger.
pub(in crate::source) fn first<'a>(found: &'a [Found], group: &str, role: Role) -> Option<&'a Found> {
    found.iter().find(|found| found.tag.role == role && found.tag.group == group)
}

fn state_of<'a>(
    owner: &Item,
    whole: &Whole,
    ids: impl Iterator<Item = (Role, &'a ItemKey)>,
    read: &BTreeMap<ItemKey, Seen>,
) -> State {
    let mut parts = BTreeMap::new();
    let mut claimed = BTreeSet::new();
    for (role, id) in ids {
        match read.get(id) {
            Some(Seen::Present(item)) => {
                claimed.insert(id.clone());
                parts.insert(role, item.as_ref().clone());
            }
            Some(Seen::Absent) => {}
            Some(Seen::Unreadable(why)) => {
                return State::Unreadable(format!("a part of the series cannot be read: {why}"));
            }
            None => return State::Unreadable("the server did not answer about a part of it".to_owned()),
        }
    }
    match compose(whole, owner, &parts) {
        Composed::One(item) => State::One { item, claimed },
        Composed::Apart => State::Apart,
    }
}
