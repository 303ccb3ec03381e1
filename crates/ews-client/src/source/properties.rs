//! What the adapter keeps in items for itself: a few named properties of an own set.
//!
//! Names are constant, because every name uses up room in a table of the mailbox. People's clients keep the properties
//! and copy them along with an item, so none of them proves who an item is.

use calsync_core::source::Receipt;

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

/// All of them, for reading.
pub(super) fn all() -> Vec<ExtendedField> {
    vec![TOKEN, RECEIPT, CUSTOMER, ZONES]
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
