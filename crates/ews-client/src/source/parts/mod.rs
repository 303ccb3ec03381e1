//! Series that Exchange cannot hold as one item.
//!
//! Such a series is a *group* of items: the *owner*, whose id is the key of the series, and its *parts*. [`layout`] takes
//! a series apart into what each item is to hold, [`compose`] puts what the items show together again; both ask nobody.
//! `group` finds and reads the items, `write` makes the mailbox look like a layout, `feed` reports a change of a part
//! as one of its owner, `roll` carries expansions further.
//!
//! The one idea: the owner keeps, beside what it shows, a record of the whole ([`Whole`]): the rule as it was meant, and
//! what each item held when the last write was complete. Whatever is different from the record is a person's edit. As
//! long as the record and the items go together the parts are not items of their own; when they do not (the owner is
//! gone, or somebody gave one of the series another rhythm), each item is an appointment of its own again, so that what
//! is seen on Exchange is what is carried.

pub(super) mod compose;
pub(super) mod feed;
pub(super) mod group;
pub(super) mod layout;
pub(super) mod roll;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::ContentHash;
use calsync_core::model::{Event, Field, Override, Recurrence, RecurrenceId, Series, Span};
use calsync_core::recur::Rule;
use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use super::properties;
use crate::wire::{CalendarItem, FieldChange, FieldRef};

/// What becomes of series whose rule Exchange does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnfitRules {
    /// They are written as several series; what cannot be split is expanded.
    #[default]
    Split,
    /// Their instances are written as single appointments, as far as a horizon.
    Expand,
    /// They are not written, and the plan says why.
    Report,
}

/// What an item of a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) enum Role {
    /// It stands for the series.
    Owner,
    /// A further piece of the rule, from 2.
    Rule(u16),
    /// One instance.
    Once(RecurrenceId),
}

impl Role {
    pub(super) fn to_text(self) -> String {
        match self {
            Self::Owner => "owner".to_owned(),
            Self::Rule(number) => format!("rule:{number}"),
            Self::Once(instance) => format!("once:{}", instance.to_text()),
        }
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "owner").then_some(Self::Owner),
            Some(("rule", number)) => number.parse().ok().map(Self::Rule),
            Some(("once", instance)) => RecurrenceId::from_text(instance).map(Self::Once),
            Some(_) => None,
        }
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.to_text()
    }
}

impl TryFrom<String> for Role {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_text(&text).ok_or("not a role of an item")
    }
}

/// To which group an item belongs, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) role: Role,
    pub(super) group: String,
}

impl Tag {
    pub(super) fn read(item: &CalendarItem) -> Option<Self> {
        Self::from_text(item.extended(&properties::PART)?)
    }

    /// Reads what [`to_text`](Self::to_text) writes. What makes no sense counts as none: a person or a program wrote
    /// over it.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let (role, group) = text.split_once(' ')?;
        let role = Role::from_text(role)?;
        (!group.is_empty()).then(|| Self { role, group: group.to_owned() })
    }

    pub(super) fn to_text(&self) -> String {
        format!("{} {}", self.role.to_text(), self.group)
    }

    /// As properties of an item.
    pub(super) fn properties(&self) -> [crate::wire::Property; 2] {
        [
            properties::text(properties::GROUP, self.group.as_str()),
            properties::text(properties::PART, self.to_text()),
        ]
    }

    /// What makes an item one of its own.
    pub(super) fn removal() -> [FieldChange; 3] {
        [properties::GROUP, properties::PART, properties::WHOLE]
            .map(|field| FieldChange::Delete(FieldRef::Extended(field)))
    }
}

/// The record of a series that is held by several items, as its owner keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Whole {
    /// First instance.
    pub(super) span: Span,
    /// The rule as it was meant.
    pub(super) recurrence: Recurrence,
    /// The instance that the owner shows, when the series is expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<RecurrenceId>,
    /// The items, with the owner.
    pub(super) items: BTreeMap<Role, Kept>,
    /// What is special about instances that no item stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rest: Vec<(RecurrenceId, Override)>,
    /// Instances that Exchange refused to hold in their series.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) forced: BTreeSet<RecurrenceId>,
    /// Digests of what the master said, as far as items share it.
    pub(super) master: BTreeMap<Field, ContentHash>,
    /// The last day, when the series is expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<NaiveDate>,
}

/// What an item held when the last write was complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) id: String,
    /// Of a series: its first start and its rule, as the server gave them back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<(NaiveDateTime, Rule)>,
    /// Of a single instance: the fields in which it was meant to differ from the master.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) differs: BTreeSet<Field>,
}

impl Whole {
    pub(super) fn read(item: &CalendarItem) -> Option<Self> {
        serde_json::from_str(item.extended(&properties::WHOLE)?).ok()
    }

    /// As a change of the owner. Maps with text keys, lists and numbers always become JSON.
    pub(super) fn change(&self) -> Option<FieldChange> {
        let json = serde_json::to_string(self).ok()?;
        Some(FieldChange::Set(properties::text(properties::WHOLE, json)))
    }
}

/// First start and rule of a recurring item.
pub(super) fn rule_of(series: &Series) -> Option<(NaiveDateTime, Rule)> {
    Some((series.event.span.start.local(), series.recurrence.as_ref()?.rule.clone()))
}

/// The fields of which the items of a group have one value together. Times are each item's own, and files lie with the
/// owner.
pub(super) fn is_shared(field: Field) -> bool {
    !matches!(field, Field::Span | Field::Attachments)
}

/// Digests of the fields of an event that are shared.
pub(super) fn digests(event: &Event) -> BTreeMap<Field, ContentHash> {
    let Ok(serde_json::Value::Object(values)) = serde_json::to_value(event) else { return BTreeMap::new() };
    Field::ALL
        .into_iter()
        .filter(|field| is_shared(*field))
        .map(|field| {
            let text = values.get(field.name()).map(ToString::to_string).unwrap_or_default();
            (field, ContentHash::of(&[&text]))
        })
        .collect()
}

#[cfg(test)]
mod tests;
