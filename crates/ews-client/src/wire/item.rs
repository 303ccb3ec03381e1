//! The calendar item as it travels, all that a synchronisation needs of it.
//!
//! Every other kind of item (messages, meeting requests, tasks in a calendar folder) is read into the same structure: what
//! it has of these fields is filled. A field that could not be understood is named in [`CalendarItem::malformed`], so
//! that the item can be set aside without failing its page.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::attachment::FileAttachment;
use super::id::{ExtendedField, FolderId, ItemId};
use super::open_enum::{BodyType, BusyStatus, Importance, ItemKind, ResponseType, Sensitivity};
use super::person::{Attendee, Mailbox};
use super::recurrence::Recurrence;
use super::time::DateTime;
use super::zone::{MeetingTimeZone, ZoneDefinition};

/// An item of a calendar folder. Fields that were not asked for, or that the server left out, are `None` or empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct CalendarItem {
    /// Name of the element it came in: `CalendarItem`, or another kind of item.
    pub element: String,
    /// Id and revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_id: Option<ItemId>,
    /// The folder it lies in now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_folder_id: Option<FolderId>,
    /// `IPM.Appointment` and its descendants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_class: Option<String>,
    /// Subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    /// Body in the form that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// Whether it has attachments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_attachments: Option<bool>,
    /// Categories, in the order given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Importance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<Importance>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_time_created: Option<DateTime>,
    /// When the reminder is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminder_due_by: Option<DateTime>,
    /// Whether there is a reminder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminder_is_set: Option<bool>,
    /// Minutes before the start; meaningful only while the reminder is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminder_minutes_before_start: Option<i32>,
    /// Properties outside the schema.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extended_properties: Vec<ExtendedProperty>,
    /// What the caller may do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_rights: Option<EffectiveRights>,
    /// Who changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified_name: Option<String>,
    /// When it was changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified_time: Option<DateTime>,
    /// Identity across mailboxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Original start of an occurrence, in iCalendar's sense; unreliable on Exchange 2007.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrence_id: Option<DateTime>,
    /// When the iCalendar form was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_time_stamp: Option<DateTime>,
    /// Start. Of a series: of its first occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<DateTime>,
    /// Exclusive end. Of a series: of its first occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<DateTime>,
    /// Original start of an occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_start: Option<DateTime>,
    /// A range of dates rather than of instants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_all_day_event: Option<bool>,
    /// How it shows to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_free_busy_status: Option<BusyStatus>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// It has attendees. Unreliable on its own, see `appointment_state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_meeting: Option<bool>,
    /// Cancelled by its organiser. The subject's prefix is localised and says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_cancelled: Option<bool>,
    /// It belongs to a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_recurring: Option<bool>,
    /// The organiser has sent invitations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meeting_request_was_sent: Option<bool>,
    /// The organiser wants answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_response_requested: Option<bool>,
    /// What it is within a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar_item_type: Option<ItemKind>,
    /// The mailbox owner's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub my_response_type: Option<ResponseType>,
    /// Organiser, read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organizer: Option<Mailbox>,
    /// Required attendees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required_attendees: Vec<Attendee>,
    /// Optional attendees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub optional_attendees: Vec<Attendee>,
    /// Rooms and equipment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Attendee>,
    /// Length, as an `xs:duration`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Display name of a zone, in some language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// When the mailbox owner answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment_reply_time: Option<DateTime>,
    /// Number of the organiser's revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment_sequence_number: Option<i32>,
    /// Bits: 1 meeting, 2 received, 4 cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment_state: Option<i32>,
    /// Recurrence of a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// First occurrence of a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_occurrence: Option<OccurrenceInfo>,
    /// Last occurrence of a series that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_occurrence: Option<OccurrenceInfo>,
    /// Files and images inside the text; no attached items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileAttachment>,
    /// Changed occurrences of a series: times only, the content is read per id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modified_occurrences: Vec<OccurrenceInfo>,
    /// Original starts of the deleted occurrences of a series.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted_occurrences: Vec<DateTime>,
    /// Zone on Exchange 2007.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meeting_time_zone: Option<MeetingTimeZone>,
    /// Zone of the start and of the recurrence, Exchange 2010 and later.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shared")]
    pub start_time_zone: Option<Arc<ZoneDefinition>>,
    /// Zone of the end, Exchange 2010 and later.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shared")]
    pub end_time_zone: Option<Arc<ZoneDefinition>>,
    /// Id of the start's zone, Exchange 2013 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time_zone_id: Option<String>,
    /// Id of the end's zone, Exchange 2013 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time_zone_id: Option<String>,
    /// The mailbox owner is the organiser, Exchange 2013 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_organizer: Option<bool>,
    /// Names of the fields whose value made no sense.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub malformed: Vec<&'static str>,
}

impl CalendarItem {
    /// The value of a property outside the schema, by [`ExtendedField::is_same`].
    pub fn extended(&self, field: &ExtendedField) -> Option<&str> {
        self.extended_properties
            .iter()
            .find(|property| property.field.is_same(field))
            .and_then(ExtendedProperty::single)
    }
}

#[allow(clippy::ref_option, reason = "serde gives a reference to the field")]
fn shared<S: Serializer>(zone: &Option<Arc<ZoneDefinition>>, serializer: S) -> Result<S::Ok, S::Error> {
    zone.as_deref().serialize(serializer)
}

/// A body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Body {
    /// Its form.
    pub body_type: BodyType,
    /// Its text; Exchange normalises line ends and adds an HTML head.
    pub text: String,
    /// The server cut it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_truncated: bool,
}

/// `ExtendedProperty`: a property outside the schema, with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtendedProperty {
    /// Which property.
    pub field: ExtendedField,
    /// Its value.
    pub value: ExtendedValue,
}

impl ExtendedProperty {
    /// The value, or the first of several.
    pub fn single(&self) -> Option<&str> {
        match &self.value {
            ExtendedValue::One(value) => Some(value),
            ExtendedValue::Many(values) => values.first().map(String::as_str),
        }
    }
}

/// One value or several, all as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ExtendedValue {
    /// `Value`.
    One(String),
    /// `Values`.
    Many(Vec<String>),
}

/// `EffectiveRights` of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct EffectiveRights {
    /// May create items.
    pub create_contents: bool,
    /// May delete.
    pub delete: bool,
    /// May change.
    pub modify: bool,
    /// May read.
    pub read: bool,
    /// May see private items; `None` where the server does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_private_items: Option<bool>,
}

/// `OccurrenceInfo`: where an occurrence lies and where it would have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OccurrenceInfo {
    /// Its id; the change key is the master's.
    pub item_id: ItemId,
    /// Start.
    pub start: DateTime,
    /// Exclusive end.
    pub end: DateTime,
    /// Start by the pattern.
    pub original_start: DateTime,
}
