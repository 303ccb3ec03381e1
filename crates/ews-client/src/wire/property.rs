//! What can be written of a calendar item, and the order in which the schema wants it.
//!
//! The same values make new items and change existing ones. What a server's version would refuse is left out here and
//! nowhere else: the zones of another version, the first day of the week, the busy status of Exchange 2013.

use super::id::FieldRef;
use super::item::{Body, ExtendedProperty, ExtendedValue};
use super::open_enum::{BusyStatus, Importance, Sensitivity};
use super::person::Attendee;
use super::recurrence::Recurrence;
use super::time::DateTime;
use super::writer::Writer;
use super::zone::{MeetingTimeZone, ZoneDefinition};
use crate::version::Version;

/// A field with the value to be written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Property {
    /// Subject.
    Subject(String),
    /// Who may see it.
    Sensitivity(Sensitivity),
    /// Body.
    Body(Body),
    /// All categories.
    Categories(Vec<String>),
    /// Importance.
    Importance(Importance),
    /// Whether there is a reminder.
    ReminderIsSet(bool),
    /// Minutes before the start.
    ReminderMinutesBeforeStart(u32),
    /// A property outside the schema.
    Extended(ExtendedProperty),
    /// Identity across mailboxes; not on occurrences.
    Uid(String),
    /// Start, with an offset.
    Start(DateTime),
    /// Exclusive end, with an offset.
    End(DateTime),
    /// A range of dates: start and end are then midnights in the item's zone.
    IsAllDayEvent(bool),
    /// How it shows to others; `WorkingElsewhere` is written as `Busy` for servers before Exchange 2013.
    LegacyFreeBusyStatus(BusyStatus),
    /// Where.
    Location(String),
    /// Required attendees. Whether they are told is decided by the operation.
    RequiredAttendees(Vec<Attendee>),
    /// Optional attendees.
    OptionalAttendees(Vec<Attendee>),
    /// Rooms and equipment.
    Resources(Vec<Attendee>),
    /// The complete recurrence; not on occurrences.
    Recurrence(Recurrence),
    /// Zone, written for Exchange 2007 only.
    MeetingTimeZone(MeetingTimeZone),
    /// Zone of the start and of the recurrence, written for Exchange 2010 and later.
    StartTimeZone(ZoneDefinition),
    /// Zone of the end, written for Exchange 2010 and later.
    EndTimeZone(ZoneDefinition),
}

impl ExtendedProperty {
    pub(crate) fn write<'w>(&self, xml: &'w mut Writer) -> &'w mut Writer {
        xml.start("t:ExtendedProperty");
        self.field.write(xml);
        match &self.value {
            ExtendedValue::One(value) => {
                xml.leaf("t:Value", value);
            }
            ExtendedValue::Many(values) => {
                xml.start("t:Values");
                for value in values {
                    xml.leaf("t:Value", value);
                }
                xml.end("t:Values");
            }
        }
        xml.end("t:ExtendedProperty")
    }
}

/// One change of an item.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldChange {
    /// Gives a field a new value.
    Set(Property),
    /// Removes a field.
    Delete(FieldRef),
}

impl Property {
    /// The path of its field.
    pub fn field(&self) -> FieldRef {
        FieldRef::Named(match self {
            Self::Subject(_) => "item:Subject",
            Self::Sensitivity(_) => "item:Sensitivity",
            Self::Body(_) => "item:Body",
            Self::Categories(_) => "item:Categories",
            Self::Importance(_) => "item:Importance",
            Self::ReminderIsSet(_) => "item:ReminderIsSet",
            Self::ReminderMinutesBeforeStart(_) => "item:ReminderMinutesBeforeStart",
            Self::Extended(property) => return FieldRef::Extended(property.field.clone()),
            Self::Uid(_) => "calendar:UID",
            Self::Start(_) => "calendar:Start",
            Self::End(_) => "calendar:End",
            Self::IsAllDayEvent(_) => "calendar:IsAllDayEvent",
            Self::LegacyFreeBusyStatus(_) => "calendar:LegacyFreeBusyStatus",
            Self::Location(_) => "calendar:Location",
            Self::RequiredAttendees(_) => "calendar:RequiredAttendees",
            Self::OptionalAttendees(_) => "calendar:OptionalAttendees",
            Self::Resources(_) => "calendar:Resources",
            Self::Recurrence(_) => "calendar:Recurrence",
            Self::MeetingTimeZone(_) => "calendar:MeetingTimeZone",
            Self::StartTimeZone(_) => "calendar:StartTimeZone",
            Self::EndTimeZone(_) => "calendar:EndTimeZone",
        })
    }

    /// Whether a server of this version takes it.
    pub fn is_known_to(&self, version: Version) -> bool {
        match self {
            Self::MeetingTimeZone(_) => version < Version::Exchange2010,
            Self::StartTimeZone(_) | Self::EndTimeZone(_) => version >= Version::Exchange2010,
            _ => true,
        }
    }

    /// Its place within the schema's sequence.
    fn rank(&self) -> u8 {
        match self {
            Self::Subject(_) => 0,
            Self::Sensitivity(_) => 1,
            Self::Body(_) => 2,
            Self::Categories(_) => 3,
            Self::Importance(_) => 4,
            Self::ReminderIsSet(_) => 5,
            Self::ReminderMinutesBeforeStart(_) => 6,
            Self::Extended(_) => 7,
            Self::Uid(_) => 8,
            Self::Start(_) => 9,
            Self::End(_) => 10,
            Self::IsAllDayEvent(_) => 11,
            Self::LegacyFreeBusyStatus(_) => 12,
            Self::Location(_) => 13,
            Self::RequiredAttendees(_) => 14,
            Self::OptionalAttendees(_) => 15,
            Self::Resources(_) => 16,
            Self::Recurrence(_) => 17,
            Self::MeetingTimeZone(_) => 18,
            Self::StartTimeZone(_) => 19,
            Self::EndTimeZone(_) => 20,
        }
    }

    /// The order in which changes are applied: zones before the times that are read in them, times before what depends
    /// on them.
    pub(crate) fn update_rank(&self) -> u8 {
        match self {
            Self::MeetingTimeZone(_) | Self::StartTimeZone(_) | Self::EndTimeZone(_) => 0,
            Self::IsAllDayEvent(_) => 1,
            Self::Start(_) | Self::End(_) => 2,
            Self::Recurrence(_) => 3,
            _ => 4,
        }
    }

    fn write(&self, xml: &mut Writer, version: Version) {
        match self {
            Self::Subject(text) => xml.leaf("t:Subject", text),
            Self::Sensitivity(value) => xml.leaf("t:Sensitivity", value),
            Self::Body(body) => {
                xml.start("t:Body").attribute("BodyType", &body.body_type).text(&body.text).end("t:Body")
            }
            Self::Categories(list) => {
                xml.start("t:Categories");
                for category in list {
                    xml.leaf("t:String", category);
                }
                xml.end("t:Categories")
            }
            Self::Importance(value) => xml.leaf("t:Importance", value),
            Self::ReminderIsSet(value) => xml.leaf("t:ReminderIsSet", value),
            Self::ReminderMinutesBeforeStart(minutes) => xml.leaf("t:ReminderMinutesBeforeStart", minutes),
            Self::Extended(property) => property.write(xml),
            Self::Uid(uid) => xml.leaf("t:UID", uid),
            Self::Start(at) => xml.leaf("t:Start", at),
            Self::End(at) => xml.leaf("t:End", at),
            Self::IsAllDayEvent(value) => xml.leaf("t:IsAllDayEvent", value),
            Self::LegacyFreeBusyStatus(BusyStatus::WorkingElsewhere) if version < Version::Exchange2013 => {
                xml.leaf("t:LegacyFreeBusyStatus", BusyStatus::Busy)
            }
            Self::LegacyFreeBusyStatus(value) => xml.leaf("t:LegacyFreeBusyStatus", value),
            Self::Location(text) => xml.leaf("t:Location", text),
            Self::RequiredAttendees(list) => write_attendees(xml, "t:RequiredAttendees", list),
            Self::OptionalAttendees(list) => write_attendees(xml, "t:OptionalAttendees", list),
            Self::Resources(list) => write_attendees(xml, "t:Resources", list),
            Self::Recurrence(recurrence) => {
                recurrence.write(xml, version);
                xml
            }
            Self::MeetingTimeZone(zone) => {
                zone.write(xml);
                xml
            }
            Self::StartTimeZone(zone) => {
                zone.write(xml, "t:StartTimeZone");
                xml
            }
            Self::EndTimeZone(zone) => {
                zone.write(xml, "t:EndTimeZone");
                xml
            }
        };
    }
}

fn write_attendees<'w>(xml: &'w mut Writer, name: &str, list: &[Attendee]) -> &'w mut Writer {
    xml.start(name);
    for attendee in list {
        xml.start("t:Attendee");
        attendee.mailbox.write(xml);
        xml.end("t:Attendee");
    }
    xml.end(name)
}

/// Writes a new item: the properties in schema order, without those that the version does not know.
pub(crate) fn write_item(xml: &mut Writer, properties: &[Property], version: Version) {
    let mut sorted: Vec<&Property> =
        properties.iter().filter(|property| property.is_known_to(version)).collect();
    sorted.sort_by_key(|property| property.rank());
    xml.start("t:CalendarItem");
    for property in sorted {
        property.write(xml, version);
    }
    xml.end("t:CalendarItem");
}

/// Writes changes of an item, exactly one property in each, in the order in which they can be applied.
pub(crate) fn write_changes(xml: &mut Writer, changes: &[FieldChange], version: Version) {
    let mut sorted: Vec<&FieldChange> = changes
        .iter()
        .filter(|change| match change {
            FieldChange::Set(property) => property.is_known_to(version),
            FieldChange::Delete(_) => true,
        })
        .collect();
    sorted.sort_by_key(|change| match change {
        FieldChange::Set(property) => property.update_rank(),
        FieldChange::Delete(_) => 5,
    });
    for change in sorted {
        match change {
            FieldChange::Set(property) => {
                xml.start("t:SetItemField");
                property.field().write(xml);
                xml.start("t:CalendarItem");
                property.write(xml, version);
                xml.end("t:CalendarItem").end("t:SetItemField");
            }
            FieldChange::Delete(field) => {
                xml.start("t:DeleteItemField");
                field.write(xml);
                xml.end("t:DeleteItemField");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        BodyType, CalendarItem, ExtendedField, Limits, Mailbox, Pattern, Range, decode_answer,
    };

    fn all() -> Vec<Property> {
        let moment = |text: &str| DateTime::parse(text).unwrap();
        let attendee = |address: &str| Attendee { mailbox: Mailbox::smtp(address), ..Attendee::default() };
        vec![
            Property::EndTimeZone(ZoneDefinition::by_id("UTC")),
            Property::StartTimeZone(ZoneDefinition::by_id("W. Europe Standard Time")),
            Property::MeetingTimeZone(MeetingTimeZone::by_name("W. Europe Standard Time")),
            Property::Recurrence(Recurrence {
                pattern: Pattern::Daily { interval: 2 },
                range: Range::NoEnd { start: moment("2026-01-05").local.date() },
            }),
            Property::Resources(vec![attendee("room@example.com")]),
            Property::OptionalAttendees(vec![attendee("b@example.com")]),
            Property::RequiredAttendees(vec![attendee("a@example.com")]),
            Property::Location("<here> & there".to_owned()),
            Property::LegacyFreeBusyStatus(BusyStatus::WorkingElsewhere),
            Property::IsAllDayEvent(false),
            Property::End(moment("2026-01-05T11:00:00+01:00")),
            Property::Start(moment("2026-01-05T10:00:00+01:00")),
            Property::Uid("uid".to_owned()),
            Property::Extended(ExtendedProperty {
                field: ExtendedField::string("00000000-0000-0000-0000-000000000001", "x"),
                value: ExtendedValue::One("1".to_owned()),
            }),
            Property::ReminderMinutesBeforeStart(15),
            Property::ReminderIsSet(true),
            Property::Importance(Importance::High),
            Property::Categories(vec!["a".to_owned(), "b".to_owned()]),
            Property::Body(Body {
                body_type: BodyType::Text,
                text: "body\u{0}".to_owned(),
                is_truncated: false,
            }),
            Property::Sensitivity(Sensitivity::Private),
            Property::Subject("subject".to_owned()),
        ]
    }

    fn written(version: Version) -> CalendarItem {
        let mut xml = Writer::new();
        write_item(&mut xml, &all(), version);
        let mut answer = decode_answer(xml.finish().as_bytes(), &Limits::default()).unwrap();
        answer.messages.remove(0).items.remove(0)
    }

    #[test]
    fn what_is_written_reads_back() {
        let item = written(Version::Exchange2016);
        assert_eq!(item.subject.as_deref(), Some("subject"));
        assert_eq!(item.body.unwrap().text, "body");
        assert_eq!(item.location.as_deref(), Some("<here> & there"));
        assert_eq!(item.categories, ["a", "b"]);
        assert_eq!(item.start.unwrap().to_string(), "2026-01-05T10:00:00+01:00");
        assert_eq!(item.required_attendees.len(), 1);
        assert_eq!(item.legacy_free_busy_status, Some(BusyStatus::WorkingElsewhere));
        assert!(item.recurrence.is_some() && item.malformed.is_empty());
    }

    #[test]
    fn each_version_gets_only_what_it_knows() {
        let old = written(Version::Exchange2007Sp1);
        assert!(
            old.meeting_time_zone.is_some() && old.start_time_zone.is_none() && old.end_time_zone.is_none()
        );
        assert_eq!(old.legacy_free_busy_status, Some(BusyStatus::Busy));
        let new = written(Version::Exchange2010);
        assert!(
            new.meeting_time_zone.is_none() && new.start_time_zone.is_some() && new.end_time_zone.is_some()
        );
    }

    #[test]
    fn zones_are_changed_before_the_times_that_are_read_in_them() {
        let mut xml = Writer::new();
        let changes: Vec<FieldChange> = all().into_iter().map(FieldChange::Set).collect();
        write_changes(&mut xml, &changes, Version::Exchange2016);
        let text = xml.finish();
        let at = |uri: &str| text.find(&format!("FieldURI=\"{uri}\"")).unwrap();
        assert!(at("calendar:StartTimeZone") < at("calendar:Start"));
        assert!(at("calendar:Start") < at("calendar:Recurrence"));
        assert_eq!(text.matches("<t:SetItemField>").count(), 20);
        assert!(!text.contains("MeetingTimeZone"));
    }
}
