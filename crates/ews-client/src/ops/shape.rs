//! What a reading operation shall bring of each item.

use crate::version::Version;
use crate::wire::{ExtendedField, FieldRef, Writer};

/// In which form a body is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// Plain text, made from HTML where need be.
    Text,
    /// HTML, made from plain text where need be.
    Html,
    /// As it is stored.
    Best,
}

/// Which fields are wanted, besides id and change key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Shape {
    /// Nothing more.
    #[default]
    IdOnly,
    /// These fields.
    Fields {
        /// The fields.
        fields: Vec<FieldRef>,
        /// The form of the body, if it is among them.
        body: Option<BodyForm>,
    },
    /// What a calendar client needs, as far as the server's version knows it, with these properties of one's own.
    Calendar {
        /// Properties outside the schema.
        extended: Vec<ExtendedField>,
        /// The form of the body.
        body: BodyForm,
    },
}

impl Shape {
    pub(crate) fn write(&self, xml: &mut Writer, version: Version) {
        xml.start("m:ItemShape").leaf("t:BaseShape", "IdOnly");
        let (named, given, body): (Vec<&'static str>, Vec<FieldRef>, Option<BodyForm>) = match self {
            Self::IdOnly => (Vec::new(), Vec::new(), None),
            Self::Fields { fields, body } => (Vec::new(), fields.clone(), *body),
            Self::Calendar { extended, body } => {
                let own = extended.iter().cloned().map(FieldRef::Extended).collect();
                (calendar_fields(version), own, Some(*body))
            }
        };
        if let Some(body) = body {
            let body = match body {
                BodyForm::Text => "Text",
                BodyForm::Html => "HTML",
                BodyForm::Best => "Best",
            };
            xml.leaf("t:BodyType", body);
        }
        if !(named.is_empty() && given.is_empty()) {
            xml.start("t:AdditionalProperties");
            for name in named {
                FieldRef::Named(name).write(xml);
            }
            for field in given {
                field.write(xml);
            }
            xml.end("t:AdditionalProperties");
        }
        xml.end("m:ItemShape");
    }
}

/// The fields that a calendar client needs and this version knows.
pub fn calendar_fields(version: Version) -> Vec<&'static str> {
    let mut fields = vec![
        "item:ParentFolderId",
        "item:ItemClass",
        "item:Subject",
        "item:Sensitivity",
        "item:Body",
        "item:Attachments",
        "item:Categories",
        "item:Importance",
        "item:DateTimeCreated",
        "item:ReminderIsSet",
        "item:ReminderMinutesBeforeStart",
        "item:EffectiveRights",
        "item:LastModifiedTime",
        "calendar:UID",
        "calendar:RecurrenceId",
        "calendar:Start",
        "calendar:End",
        "calendar:OriginalStart",
        "calendar:IsAllDayEvent",
        "calendar:LegacyFreeBusyStatus",
        "calendar:Location",
        "calendar:IsMeeting",
        "calendar:IsCancelled",
        "calendar:IsRecurring",
        "calendar:IsResponseRequested",
        "calendar:CalendarItemType",
        "calendar:MyResponseType",
        "calendar:Organizer",
        "calendar:RequiredAttendees",
        "calendar:OptionalAttendees",
        "calendar:Resources",
        "calendar:AppointmentState",
        "calendar:Recurrence",
        "calendar:ModifiedOccurrences",
        "calendar:DeletedOccurrences",
    ];
    if version < Version::Exchange2010 {
        fields.push("calendar:MeetingTimeZone");
    } else {
        fields.extend(["calendar:StartTimeZone", "calendar:EndTimeZone"]);
    }
    fields
}
