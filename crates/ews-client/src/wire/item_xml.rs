//! Reading of calendar items.

use super::attachment::FileAttachment;
use super::id::{ExtendedField, FolderId, ItemId};
use super::item::{Body, CalendarItem, EffectiveRights, ExtendedProperty, ExtendedValue, OccurrenceInfo};
use super::open_enum::{BodyType, BusyStatus, Importance, ItemKind, ResponseType, Sensitivity};
use super::person::{Attendee, Mailbox};
use super::pull::{Element, Pull, XmlError};
use super::recurrence::Recurrence;
use super::time::DateTime;
use super::zone::{MeetingTimeZone, ZoneDefinition};

/// Reads what a leaf holds; a value without sense is noted under its name.
macro_rules! leaf {
    ($xml:ident, $item:ident, $field:ident, $name:literal, $parse:expr) => {{
        let text = $xml.text()?;
        let text = text.trim();
        $item.$field = $parse(text);
        if $item.$field.is_none() && !text.is_empty() {
            $item.malformed.push($name);
        }
    }};
}

impl CalendarItem {
    /// Reads the content of an item's element.
    pub(crate) fn read(element: &Element<'_>, xml: &mut Pull<'_>) -> Result<Self, XmlError> {
        let mut item = Self { element: element.local().to_owned(), ..Self::default() };
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            match child.local() {
                "ItemId" => item.item_id = Some(ItemId::read(&child)),
                "ParentFolderId" => item.parent_folder_id = Some(FolderId::read(&child)),
                "ItemClass" => item.item_class = xml.filled()?,
                "Subject" => item.subject = Some(xml.string()?),
                "Sensitivity" => item.sensitivity = Some(Sensitivity::from_wire(xml.text()?.trim())),
                "Body" => {
                    let body_type =
                        child.attribute("BodyType").as_deref().map_or(BodyType::Text, BodyType::from_wire);
                    let is_truncated = child.attribute("IsTruncated").as_deref() == Some("true");
                    item.body = Some(Body { body_type, text: xml.string()?, is_truncated });
                }
                "HasAttachments" => leaf!(xml, item, has_attachments, "HasAttachments", boolean),
                "Attachments" => item.attachments = FileAttachment::read_list(xml)?,
                "Categories" => item.categories = read_strings(xml)?,
                "Importance" => item.importance = Some(Importance::from_wire(xml.text()?.trim())),
                "DateTimeCreated" => leaf!(xml, item, date_time_created, "DateTimeCreated", DateTime::parse),
                "ReminderDueBy" => leaf!(xml, item, reminder_due_by, "ReminderDueBy", DateTime::parse),
                "ReminderIsSet" => leaf!(xml, item, reminder_is_set, "ReminderIsSet", boolean),
                "ReminderMinutesBeforeStart" => {
                    leaf!(xml, item, reminder_minutes_before_start, "ReminderMinutesBeforeStart", number);
                }
                "ExtendedProperty" => {
                    if let Some(property) = ExtendedProperty::read(xml)? {
                        item.extended_properties.push(property);
                    }
                }
                "EffectiveRights" => item.effective_rights = Some(EffectiveRights::read(xml)?),
                "LastModifiedName" => item.last_modified_name = xml.filled()?,
                "LastModifiedTime" => {
                    leaf!(xml, item, last_modified_time, "LastModifiedTime", DateTime::parse);
                }
                "UID" => item.uid = xml.filled()?,
                "RecurrenceId" => leaf!(xml, item, recurrence_id, "RecurrenceId", DateTime::parse),
                "DateTimeStamp" => leaf!(xml, item, date_time_stamp, "DateTimeStamp", DateTime::parse),
                "Start" => leaf!(xml, item, start, "Start", DateTime::parse),
                "End" => leaf!(xml, item, end, "End", DateTime::parse),
                "OriginalStart" => leaf!(xml, item, original_start, "OriginalStart", DateTime::parse),
                "IsAllDayEvent" => leaf!(xml, item, is_all_day_event, "IsAllDayEvent", boolean),
                "LegacyFreeBusyStatus" => {
                    item.legacy_free_busy_status = Some(BusyStatus::from_wire(xml.text()?.trim()));
                }
                "Location" => item.location = Some(xml.string()?),
                "IsMeeting" => leaf!(xml, item, is_meeting, "IsMeeting", boolean),
                "IsCancelled" => leaf!(xml, item, is_cancelled, "IsCancelled", boolean),
                "IsRecurring" => leaf!(xml, item, is_recurring, "IsRecurring", boolean),
                "MeetingRequestWasSent" => {
                    leaf!(xml, item, meeting_request_was_sent, "MeetingRequestWasSent", boolean);
                }
                "IsResponseRequested" => {
                    leaf!(xml, item, is_response_requested, "IsResponseRequested", boolean);
                }
                "CalendarItemType" => item.calendar_item_type = Some(ItemKind::from_wire(xml.text()?.trim())),
                "MyResponseType" => item.my_response_type = Some(ResponseType::from_wire(xml.text()?.trim())),
                "Organizer" => item.organizer = Mailbox::read_inside(xml)?,
                "RequiredAttendees" => item.required_attendees = Attendee::read_list(xml)?,
                "OptionalAttendees" => item.optional_attendees = Attendee::read_list(xml)?,
                "Resources" => item.resources = Attendee::read_list(xml)?,
                "Duration" => item.duration = xml.filled()?,
                "TimeZone" => item.time_zone = xml.filled()?,
                "AppointmentReplyTime" => {
                    leaf!(xml, item, appointment_reply_time, "AppointmentReplyTime", DateTime::parse);
                }
                "AppointmentSequenceNumber" => {
                    leaf!(xml, item, appointment_sequence_number, "AppointmentSequenceNumber", number);
                }
                "AppointmentState" => leaf!(xml, item, appointment_state, "AppointmentState", number),
                "Recurrence" => {
                    item.recurrence = Recurrence::read(xml)?;
                    if item.recurrence.is_none() {
                        item.malformed.push("Recurrence");
                    }
                }
                "FirstOccurrence" => item.first_occurrence = OccurrenceInfo::read(xml)?,
                "LastOccurrence" => item.last_occurrence = OccurrenceInfo::read(xml)?,
                "ModifiedOccurrences" => item.read_modified(xml)?,
                "DeletedOccurrences" => item.read_deleted(xml)?,
                "MeetingTimeZone" => item.meeting_time_zone = Some(MeetingTimeZone::read(&child, xml)?),
                "StartTimeZone" => item.start_time_zone = Some(ZoneDefinition::read(&child, xml)?),
                "EndTimeZone" => item.end_time_zone = Some(ZoneDefinition::read(&child, xml)?),
                "StartTimeZoneId" => item.start_time_zone_id = xml.filled()?,
                "EndTimeZoneId" => item.end_time_zone_id = xml.filled()?,
                "IsOrganizer" => leaf!(xml, item, is_organizer, "IsOrganizer", boolean),
                _ => {}
            }
        }
        Ok(item)
    }

    fn read_modified(&mut self, xml: &mut Pull<'_>) -> Result<(), XmlError> {
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            if child.local() == "Occurrence" {
                match OccurrenceInfo::read(xml)? {
                    Some(occurrence) => self.modified_occurrences.push(occurrence),
                    None => self.malformed.push("ModifiedOccurrences"),
                }
            }
        }
        Ok(())
    }

    fn read_deleted(&mut self, xml: &mut Pull<'_>) -> Result<(), XmlError> {
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            if child.local() != "DeletedOccurrence" {
                continue;
            }
            let mut start = None;
            let inner = xml.depth();
            while let Some(leaf) = xml.child(inner)? {
                if leaf.local() == "Start" {
                    start = DateTime::parse(&xml.text()?);
                }
            }
            match start {
                Some(start) => self.deleted_occurrences.push(start),
                None => self.malformed.push("DeletedOccurrences"),
            }
        }
        Ok(())
    }
}

impl OccurrenceInfo {
    /// Reads an occurrence; `None` when its id or a time is missing.
    fn read(xml: &mut Pull<'_>) -> Result<Option<Self>, XmlError> {
        let (mut id, mut start, mut end, mut original) = (None, None, None, None);
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            match child.local() {
                "ItemId" => id = Some(ItemId::read(&child)),
                "Start" => start = DateTime::parse(&xml.text()?),
                "End" => end = DateTime::parse(&xml.text()?),
                "OriginalStart" => original = DateTime::parse(&xml.text()?),
                _ => {}
            }
        }
        let (Some(item_id), Some(start), Some(end)) = (id, start, end) else { return Ok(None) };
        Ok(Some(Self { item_id, start, end, original_start: original.unwrap_or(start) }))
    }
}

impl ExtendedProperty {
    pub(crate) fn read(xml: &mut Pull<'_>) -> Result<Option<Self>, XmlError> {
        let (mut field, mut value) = (None, None);
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            match child.local() {
                "ExtendedFieldURI" => field = Some(ExtendedField::read(&child)),
                "Value" => value = Some(ExtendedValue::One(xml.string()?)),
                "Values" => value = Some(ExtendedValue::Many(read_strings(xml)?)),
                _ => {}
            }
        }
        Ok(field.zip(value).map(|(field, value)| Self { field, value }))
    }
}

impl EffectiveRights {
    pub(crate) fn read(xml: &mut Pull<'_>) -> Result<Self, XmlError> {
        let mut rights = Self::default();
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            let name = child.local().to_owned();
            let granted = boolean(xml.text()?.trim()).unwrap_or(false);
            match name.as_str() {
                "CreateContents" => rights.create_contents = granted,
                "Delete" => rights.delete = granted,
                "Modify" => rights.modify = granted,
                "Read" => rights.read = granted,
                "ViewPrivateItems" => rights.view_private_items = Some(granted),
                _ => {}
            }
        }
        Ok(rights)
    }
}

fn read_strings(xml: &mut Pull<'_>) -> Result<Vec<String>, XmlError> {
    let mut list = Vec::new();
    let level = xml.depth();
    while xml.child(level)?.is_some() {
        list.push(xml.string()?);
    }
    Ok(list)
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "True" => Some(true),
        "false" | "0" | "False" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<i32> {
    text.parse().ok()
}
