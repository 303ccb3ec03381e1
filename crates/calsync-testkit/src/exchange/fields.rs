//! Every property of a calendar item: name, place in the schema, first version, and which shapes hold it.
//!
//! One table serves three purposes: order of elements in requests, order and choice of elements in answers, and which
//! field names a version knows. `item:` properties come before `calendar:` properties, as in the schema.

use super::faults::Fault;
use super::version::Schema;
use super::xml::Node;

/// In which shapes a property is included without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum In {
    /// `Default` and `AllProperties`.
    Default,
    /// `AllProperties`.
    All,
    /// Only when named.
    Named,
}

/// Name, first schema, shapes.
type Row = (&'static str, Schema, In);

use In::{All, Default as Def, Named};
use Schema::{E2007 as V07, E2010 as V10, E2013 as V13, E2016 as V16, Se as VSe};

/// Properties of `ItemType` in schema order.
pub(crate) const ITEM: &[Row] = &[
    ("MimeContent", V07, Named),
    ("ItemId", V07, Def),
    ("ParentFolderId", V07, All),
    ("ItemClass", V07, All),
    ("Subject", V07, Def),
    ("Sensitivity", V07, All),
    ("Body", V07, Def),
    ("Attachments", V07, All),
    ("DateTimeReceived", V07, All),
    ("Size", V07, All),
    ("Categories", V07, All),
    ("Importance", V07, All),
    ("InReplyTo", V07, All),
    ("IsSubmitted", V07, All),
    ("IsDraft", V07, All),
    ("IsFromMe", V07, All),
    ("IsResend", V07, All),
    ("IsUnmodified", V07, All),
    ("InternetMessageHeaders", V07, All),
    ("DateTimeSent", V07, All),
    ("DateTimeCreated", V07, All),
    ("ResponseObjects", V07, Def),
    ("ReminderDueBy", V07, All),
    ("ReminderIsSet", V07, All),
    ("ReminderNextTime", V13, Named),
    ("ReminderMinutesBeforeStart", V07, All),
    ("DisplayCc", V07, All),
    ("DisplayTo", V07, All),
    ("DisplayBcc", VSe, Named),
    ("HasAttachments", V07, Def),
    ("ExtendedProperty", V07, Named),
    ("Culture", V07, All),
    ("EffectiveRights", V07, All),
    ("LastModifiedName", V07, All),
    ("LastModifiedTime", V07, All),
    ("IsAssociated", V10, All),
    ("WebClientReadFormQueryString", V10, Named),
    ("WebClientEditFormQueryString", V10, Named),
    ("ConversationId", V10, Named),
    ("UniqueBody", V10, Named),
    ("Flag", V13, Named),
    ("StoreEntryId", V10, Named),
    ("InstanceKey", V13, Named),
    ("NormalizedBody", V13, Named),
    ("EntityExtractionResult", V13, Named),
    ("PolicyTag", V13, Named),
    ("ArchiveTag", V13, Named),
    ("RetentionDate", V13, Named),
    ("Preview", V13, Named),
    ("RightsManagementLicenseData", V13, Named),
    ("PredictedActionReasons", V13, Named),
    ("IsClutter", V13, Named),
    ("BlockStatus", V13, Named),
    ("HasBlockedImages", V13, Named),
    ("TextBody", V13, Named),
    ("IconIndex", V13, Named),
    ("SearchKey", V16, Named),
    ("SortKey", V16, Named),
    ("Hashtags", V16, Named),
    ("Mentions", V16, Named),
    ("MentionedMe", V16, Named),
];

/// Properties of `CalendarItemType` in schema order.
pub(crate) const CALENDAR: &[Row] = &[
    ("UID", V07, All),
    ("RecurrenceId", V07, All),
    ("DateTimeStamp", V07, All),
    ("Start", V07, Def),
    ("End", V07, Def),
    ("OriginalStart", V07, All),
    ("IsAllDayEvent", V07, Def),
    ("LegacyFreeBusyStatus", V07, Def),
    ("Location", V07, Def),
    ("When", V07, All),
    ("IsMeeting", V07, Def),
    ("IsCancelled", V07, Def),
    ("IsRecurring", V07, Def),
    ("MeetingRequestWasSent", V07, Def),
    ("IsResponseRequested", V07, Def),
    ("CalendarItemType", V07, Def),
    ("MyResponseType", V07, Def),
    ("Organizer", V07, Def),
    ("RequiredAttendees", V07, Def),
    ("OptionalAttendees", V07, Def),
    ("Resources", V07, Def),
    ("InboxReminders", V16, Named),
    ("ConflictingMeetingCount", V07, All),
    ("AdjacentMeetingCount", V07, All),
    ("ConflictingMeetings", V07, Named),
    ("AdjacentMeetings", V07, Named),
    ("Duration", V07, All),
    ("TimeZone", V07, All),
    ("AppointmentReplyTime", V07, All),
    ("AppointmentSequenceNumber", V07, All),
    ("AppointmentState", V07, All),
    ("Recurrence", V07, Def),
    ("FirstOccurrence", V07, Def),
    ("LastOccurrence", V07, Def),
    ("ModifiedOccurrences", V07, Def),
    ("DeletedOccurrences", V07, Def),
    ("MeetingTimeZone", V07, Def),
    ("StartTimeZone", V10, Def),
    ("EndTimeZone", V10, Def),
    ("ConferenceType", V07, All),
    ("AllowNewTimeProposal", V07, All),
    ("IsOnlineMeeting", V07, All),
    ("MeetingWorkspaceUrl", V07, All),
    ("NetShowUrl", V07, All),
    ("EnhancedLocation", V13, Named),
    ("StartWallClock", V13, All),
    ("EndWallClock", V13, All),
    ("StartTimeZoneId", V13, All),
    ("EndTimeZoneId", V13, All),
    ("IntendedFreeBusyStatus", V13, All),
    ("JoinOnlineMeetingUrl", V13, Named),
    ("OnlineMeetingSettings", V13, Named),
    ("IsOrganizer", V13, All),
    ("CalendarActivityData", VSe, Named),
    ("DoNotForwardMeeting", VSe, Named),
];

/// Element names of a calendar item that a schema knows, in order.
pub(crate) fn order(schema: Schema) -> impl Iterator<Item = &'static str> {
    ITEM.iter().chain(CALENDAR).filter(move |row| row.1 <= schema).map(|row| row.0)
}

/// Finds the row of a field name such as `calendar:Start`.
pub(crate) fn row(uri: &str) -> Option<&'static Row> {
    let (family, name) = uri.split_once(':')?;
    let table = match family {
        "item" => ITEM,
        "calendar" => CALENDAR,
        _ => return None,
    };
    table.iter().find(|row| row.0 == name)
}

/// Refuses field names in the request that the schema does not know; other families than item and calendar pass.
pub(crate) fn check_uris(node: &Node, schema: Schema) -> Result<(), Fault> {
    if node.name == "FieldURI"
        && let Some(uri) = node.attr("FieldURI")
        && (uri.starts_with("item:") || uri.starts_with("calendar:"))
        && row(uri).is_none_or(|row| row.1 > schema || row.0 == "ExtendedProperty")
    {
        return Err(Fault::schema(&format!(
            "The 'FieldURI' attribute is invalid - The value '{uri}' is invalid according to its datatype - The Enumeration constraint failed."
        )));
    }
    node.children.iter().try_for_each(|child| check_uris(child, schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_appear_with_their_version() {
        assert!(order(Schema::E2007Sp1).all(|name| name != "StartTimeZone"));
        assert!(order(Schema::E2010).any(|name| name == "StartTimeZone"));
        assert_eq!(row("calendar:StartTimeZoneId").map(|r| r.1), Some(Schema::E2013));
        assert!(row("calendar:Subject").is_none());
    }
}
