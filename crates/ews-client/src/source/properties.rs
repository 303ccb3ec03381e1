//! What the adapter keeps in items for itself: a few named properties of an own set.
//!
//! Names are constant, because every name uses up room in a table of the mailbox. People's clients keep the properties
//! and copy them along with an item, so none of them proves who an item is.

use std::collections::BTreeSet;

use calsync_core::model::{Attachments, Override, Recurrence, RecurrenceId, Series, Span};
use calsync_core::source::Receipt;
use serde::{Deserialize, Serialize};

use crate::wire::{CalendarItem, ExtendedField, ExtendedProperty, ExtendedValue, Property};

/// The property set.
const SET: &str = "7a1c5e0e-3c1b-4f0b-9d2e-2b6f0c1d9a55";

/// Create token: what a create is found again by.
pub(super) const TOKEN: ExtendedField = ExtendedField::string(SET, "calsync-token");
/// Receipt of the last complete write, as JSON.
pub(super) const RECEIPT: ExtendedField = ExtendedField::string(SET, "calsync-receipt");
/// Customer reference.
pub(super) const CUSTOMER: ExtendedField = ExtendedField::string(SET, "calsync-customer");
/// IANA names of the zones of start and end, which Windows ids do not tell exactly.
pub(super) const ZONES: ExtendedField = ExtendedField::string(SET, "calsync-zone");
/// The day on which a week begins, of weekly series on servers that have no place for it.
pub(super) const WEEK: ExtendedField = ExtendedField::string(SET, "calsync-week");

/// The group that an item belongs to: see [`parts`](super::parts). What its items are found by.
pub(super) const GROUP: ExtendedField = ExtendedField::string(SET, "calsync-group");
/// What an item is in which group.
pub(super) const PART: ExtendedField = ExtendedField::string(SET, "calsync-part");
/// The record of a group, in its owner.
pub(super) const WHOLE: ExtendedField = ExtendedField::string(SET, "calsync-whole");
/// Who called an appointment that is written without its attendees, as JSON; only where invitations are on.
pub(super) const ORGANIZER: ExtendedField = ExtendedField::string(SET, "calsync-organizer");
/// Which files are being worked at, while that is going on; see [`WorkedAt`].
pub(super) const FILES: ExtendedField = ExtendedField::string(SET, "calsync-files");
/// What a series was before its recurrence was taken apart, while that is going on; see [`Unfinished`].
pub(super) const UNFINISHED: ExtendedField = ExtendedField::string(SET, "calsync-unfinished");

/// The mark in a calendar folder, as JSON: a property of the folder itself, which no client shows and no listing of items
/// names.
pub(super) const MARK: ExtendedField = ExtendedField::string(SET, "calsync-mark");

/// All of those in items, for reading.
pub(super) fn all() -> Vec<ExtendedField> {
    vec![TOKEN, RECEIPT, CUSTOMER, ZONES, WEEK, ORGANIZER, UNFINISHED, PART, WHOLE, FILES]
}

/// The times of a series whose recurrence is being set anew, which takes several requests.
///
/// Whoever reads the item in between is shown these, so that a write that was cut short does not look like a person who
/// cut the series short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unfinished {
    span: Span,
    recurrence: Option<Recurrence>,
    overrides: Vec<(RecurrenceId, Override)>,
}

impl Unfinished {
    pub(super) fn of(series: &Series) -> Self {
        Self {
            span: series.event.span.clone(),
            recurrence: series.recurrence.clone(),
            overrides: series.overrides.iter().map(|(key, value)| (*key, value.clone())).collect(),
        }
    }

    pub(super) fn read(item: &CalendarItem) -> Option<Self> {
        serde_json::from_str(item.extended(&UNFINISHED)?).ok()
    }

    pub(super) fn apply(self, series: &mut Series) {
        series.event.span = self.span;
        series.recurrence = self.recurrence;
        series.overrides = self.overrides.into_iter().collect();
    }

    /// As a property; text, numbers and lists always become JSON.
    pub(super) fn property(&self) -> Option<Property> {
        serde_json::to_string(self).ok().map(|json| text(UNFINISHED, json))
    }
}

/// The files of an item that are being worked at, which takes several requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WorkedAt {
    /// The files that the item had.
    pub(super) before: Attachments,
    /// The names that are being worked at; all other files are as the item shows them.
    pub(super) names: BTreeSet<String>,
}

impl WorkedAt {
    pub(super) fn read(item: &CalendarItem) -> Option<Self> {
        serde_json::from_str(item.extended(&FILES)?).ok()
    }

    /// As a property; text, numbers and lists always become JSON.
    pub(super) fn property(&self) -> Option<Property> {
        serde_json::to_string(self).ok().map(|json| text(FILES, json))
    }
}

pub(super) fn text(field: ExtendedField, value: impl Into<String>) -> Property {
    Property::Extended(ExtendedProperty { field, value: ExtendedValue::One(value.into()) })
}

/// The receipt as a property. A receipt is text and numbers and always becomes JSON.
pub(super) fn receipt(receipt: &Receipt) -> Option<Property> {
    serde_json::to_string(receipt).ok().map(|json| text(RECEIPT, json))
}

/// The receipt in an item. One that makes no sense counts as none: a person or a program wrote over it.
pub(super) fn read_receipt(item: &CalendarItem) -> Option<Receipt> {
    serde_json::from_str(item.extended(&RECEIPT)?).ok()
}
