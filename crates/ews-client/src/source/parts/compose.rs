//! What the items of a group say together.
//!
//! In: the owner's record and what each item shows now; out: one series, or that they no longer make one. Nothing here
//! asks a server.
//!
//! - A field that one of the series says differently from the record was changed by a person, and is changed for the
//!   whole series.
//! - A single instance differs from the master where the record says so, and where it no longer says what the master
//!   said then.
//! - A single instance that is gone is cancelled.
//! - When one of the series is gone or has another rhythm there is no whole any more: each item stands for itself.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{ContentHash, Revision};
use calsync_core::model::{Event, Field, Override, RecurrenceId, Series};
use calsync_core::source::Item;

use super::layout::Layout;
use super::{Kept, Role, Whole, digests, is_shared, rule_of};
use crate::source::read::base_instance;

/// What a group is at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) enum Composed {
    /// One series, shown by its owner.
    One(Box<Item>),
    /// Appointments of their own.
    Apart,
}

/// Puts together what the items of a group show. `parts` has the parts that are there.
pub(in crate::source) fn compose(whole: &Whole, owner: &Item, parts: &BTreeMap<Role, Item>) -> Composed {
    let mut rules: Vec<&Series> = Vec::new();
    for (role, kept) in &whole.items {
        let Some(rule) = &kept.rule else { continue };
        let item = if *role == Role::Owner { Some(owner) } else { parts.get(role) };
        let Some(item) = item.filter(|item| rule_of(&item.series).as_ref() == Some(rule)) else {
            return Composed::Apart;
        };
        rules.push(&item.series);
    }
    if whole.owner.is_some() && owner.series.recurrence.is_some() {
        return Composed::Apart;
    }
    let shown = || std::iter::once(&owner.series).chain(parts.values().map(|part| &part.series));
    let mut series = Series {
        uid: owner.series.uid.clone(),
        event: master(whole, &rules, shown().map(|series| &series.event)),
        recurrence: Some(whole.recurrence.clone()),
        overrides: whole.rest.iter().cloned().collect(),
    };
    series.event.span = whole.span.clone();
    series.event.attachments.clone_from(&owner.series.event.attachments);
    for piece in rules {
        for (key, value) in &piece.overrides {
            if whole.items.contains_key(&Role::Once(*key)) {
                continue;
            }
            let value = match value {
                Override::Cancelled => Some(Override::Cancelled),
                Override::Changed(overlay) => {
                    let base = base_instance(&series, *key);
                    let overlay = base.overlay(&base.with(overlay));
                    (!overlay.is_empty()).then_some(Override::Changed(overlay))
                }
            };
            series.overrides.extend(value.map(|value| (*key, value)));
        }
    }
    for (role, kept) in &whole.items {
        let (key, shown) = match (role, whole.owner) {
            (Role::Once(key), _) => (*key, parts.get(role).map(|part| &part.series.event)),
            (Role::Owner, Some(key)) => (key, Some(&owner.series.event)),
            (Role::Owner, None) | (Role::Rule(_), _) => continue,
        };
        if let Some(value) = instance(whole, kept, &series, key, shown) {
            series.overrides.insert(key, value);
        }
    }
    let modified = std::iter::once(owner).chain(parts.values()).filter_map(|item| item.modified).max();
    Composed::One(Box::new(Item {
        series,
        modified,
        revision: revision(whole, owner, parts),
        ..owner.clone()
    }))
}

/// What the master says: what a person made of it in one of the series, else what the record says.
fn master<'a>(whole: &Whole, rules: &[&Series], shown: impl Iterator<Item = &'a Event>) -> Event {
    let shown: Vec<(&Event, BTreeMap<Field, ContentHash>)> = match rules {
        [] => shown.map(|event| (event, digests(event))).collect(),
        rules => rules.iter().map(|series| (&series.event, digests(&series.event))).collect(),
    };
    let Some((first, _)) = shown.first() else { return Event::new("", whole.span.clone()) };
    let mut master = (*first).clone();
    for field in Field::ALL.into_iter().filter(|field| is_shared(*field)) {
        // Of series the changed one counts, of instances the ones that were not changed.
        let changed = !rules.is_empty();
        let found =
            shown.iter().find(|(_, digests)| (digests.get(&field) != whole.master.get(&field)) == changed);
        if let Some((event, _)) = found {
            take(&mut master, event, field);
        }
    }
    master
}

/// Takes one field of another event.
fn take(event: &mut Event, from: &Event, field: Field) {
    event.diff(from).only(|other| other == field).apply(event);
}

/// What is special about an instance that is an item of its own.
fn instance(
    whole: &Whole,
    kept: &Kept,
    series: &Series,
    key: RecurrenceId,
    shown: Option<&Event>,
) -> Option<Override> {
    let Some(shown) = shown else { return Some(Override::Cancelled) };
    let base = base_instance(series, key);
    let mut instance = shown.clone();
    if instance.span.same_time(&base.span) {
        instance.span = base.span.clone();
    }
    take(&mut instance, &base, Field::Attachments);
    for (field, digest) in digests(shown) {
        if !kept.differs.contains(&field) && whole.master.get(&field) == Some(&digest) {
            take(&mut instance, &base, field);
        }
    }
    let overlay = base.overlay(&instance);
    (!overlay.is_empty()).then_some(Override::Changed(overlay))
}

/// The state of the whole group: that of the owner, and a digest of those of its parts.
fn revision(whole: &Whole, owner: &Item, parts: &BTreeMap<Role, Item>) -> Revision {
    let roles: BTreeSet<Role> = whole.items.keys().copied().filter(|role| *role != Role::Owner).collect();
    group_revision(
        owner.revision.as_str(),
        roles.into_iter().map(|role| (role, parts.get(&role).map(|part| part.revision.as_str().to_owned()))),
    )
}

pub(super) fn group_revision(owner: &str, parts: impl Iterator<Item = (Role, Option<String>)>) -> Revision {
    let texts: Vec<String> =
        parts.map(|(role, state)| format!("{} {}", role.to_text(), state.unwrap_or_default())).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Revision::new(format!("{owner} {}", ContentHash::of(&texts).as_str()))
}

/// The record of a group that was just written: `series` as it was meant, and its items as they were read back.
pub(super) fn record(
    series: &Series,
    layout: &Layout,
    forced: &BTreeSet<RecurrenceId>,
    items: &BTreeMap<Role, Item>,
) -> Option<Whole> {
    let owner = items.get(&Role::Owner)?;
    let differs = |role: &Role| -> BTreeSet<Field> {
        let key = match (role, layout.owner) {
            (Role::Once(key), _) => *key,
            (Role::Owner, Some(key)) => key,
            (Role::Owner, None) | (Role::Rule(_), _) => return BTreeSet::new(),
        };
        match series.overrides.get(&key) {
            Some(Override::Changed(overlay)) => {
                overlay.fields().into_iter().filter(|field| is_shared(*field)).collect()
            }
            Some(Override::Cancelled) | None => BTreeSet::new(),
        }
    };
    let kept: BTreeMap<Role, Kept> = items
        .iter()
        .map(|(role, item)| {
            let rule = if layout.owner.is_none() { rule_of(&item.series) } else { None };
            (*role, Kept { id: item.key.as_str().to_owned(), rule, differs: differs(role) })
        })
        .collect();
    // What the server makes of what was written counts as written, where an item shows it.
    let mut master = digests(&series.event);
    if layout.owner.is_none() {
        master = digests(&owner.series.event);
    } else {
        for field in Field::ALL {
            let shows = kept.iter().find(|(_, kept)| !kept.differs.contains(&field));
            let event = shows.and_then(|(role, _)| items.get(role)).map(|item| &item.series.event);
            if let (Some(event), true) = (event, is_shared(field))
                && let Some(digest) = digests(event).remove(&field)
            {
                master.insert(field, digest);
            }
        }
    }
    Some(Whole {
        span: series.event.span.clone(),
        recurrence: series.recurrence.clone()?,
        owner: layout.owner,
        items: kept,
        rest: layout.rest.iter().map(|(key, value)| (*key, value.clone())).collect(),
        forced: forced.iter().filter(|key| layout.items.contains_key(&Role::Once(**key))).copied().collect(),
        master,
        until: layout.until,
    })
}
