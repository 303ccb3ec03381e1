//! Fields of an appointment that a client may write, in their sparse form.
//!
//! One struct, [`Fields`], serves three purposes: the content of a new appointment, the fields that one occurrence
//! has of its own, and the `set` part of a patch. The rule is the same for all three: an absent member says nothing,
//! `null` says "empty".

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Deserializer, Serialize};

use super::{AttendeeRole, BusyStatus, Extra, MarkKind, NotesFormat, ResponseStatus};

/// A moment in a calendar: a date, or a wall clock reading in an IANA zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Moment {
    /// A whole day, in no zone.
    Date {
        /// The day.
        date: NaiveDate,
    },
    /// A wall clock reading.
    Zoned {
        /// What the clock shows.
        at: NaiveDateTime,
        /// IANA name of the clock's zone.
        zone: String,
        /// The second of two readings, in the hour that a change of the clocks repeats.
        #[serde(default, skip_serializing_if = "is_false")]
        later: bool,
    },
}

/// Notes of an appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// How to read `text`.
    pub format: NotesFormat,
    /// The text.
    pub text: String,
}

/// A person by name and address, for display.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A person that was asked to come, for display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Part played.
    pub role: AttendeeRole,
    /// Answer given.
    pub response: ResponseStatus,
}

/// A file that belongs to an appointment: one that the server has, by its digest, or a mere reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Id, stable while the file is attached.
    pub id: String,
    /// File name.
    pub name: String,
    /// Media type, such as `application/pdf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of the bytes, where the server has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where the bytes are, for those who may read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A remark on an appointment whose type is protected: what was done to its copy elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What happened.
    pub kind: MarkKind,
    /// For the dispatcher to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Fields of an appointment; absent members say nothing, `null` (an inner `None`) says "empty".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// The text on the tile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Notes.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub notes: Option<Option<Notes>>,
    /// Type, by its name.
    #[serde(rename = "type", deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Option<String>>,
    /// Colour as `#rrggbb`.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub colour: Option<Option<String>>,
    /// Customer reference.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub customer: Option<Option<String>>,
    /// Start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Moment>,
    /// End, exclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Moment>,
    /// Only for the owner's eyes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// How the time is shown to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy: Option<BusyStatus>,
    /// Minutes before the start.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub reminder: Option<Option<u32>>,
    /// Who called the meeting.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub organiser: Option<Option<Person>>,
    /// Who was asked to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendees: Option<Vec<Attendee>>,
    /// Files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<Attachment>>,
    /// RRULE text, without the `RRULE:` prefix. Not in an override.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub rule: Option<Option<String>>,
    /// Occurrences beyond the rule, as original starts. Not in an override.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rdates: Option<Vec<String>>,
    /// Calendar units the appointment is in. Not in an override.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<Vec<String>>,
    /// Remark on a protected appointment. Not in an override.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub mark: Option<Option<Mark>>,
    /// Members this version does not know; those we write begin with `x-`.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What one occurrence of a series has of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// The occurrence does not take place; nothing else is set then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cancelled: bool,
    /// Own fields; absent ones are the series'.
    #[serde(flatten)]
    pub fields: Fields,
}

/// Change of one occurrence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OverridePatch {
    /// `true`: the occurrence does not take place (its own fields go); `false`: it does after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<bool>,
    /// Fields the occurrence now has of its own.
    #[serde(skip_serializing_if = "is_empty")]
    pub set: Fields,
    /// Names of fields that follow the series again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inherit: Vec<String>,
}

/// Change of an appointment, field by field; what it does not name stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Patch {
    /// Fields of the appointment (of the series, where it is one).
    #[serde(skip_serializing_if = "is_empty")]
    pub set: Fields,
    /// Per original start; `None` (`null`) makes the occurrence like the series again.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, Option<OverridePatch>>,
    /// Entries of the reference field of the write's unit; `None` (`null`) removes one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, Option<String>>,
}

impl Fields {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn is_empty(fields: &Fields) -> bool {
    fields.is_empty()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference to the field")]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

/// A member that is present, be it `null`.
#[allow(
    clippy::option_option,
    reason = "the outer one says whether the member is there, the inner one whether it is `null`"
)]
fn said<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_member_and_a_null_are_told_apart() {
        let fields: Fields = serde_json::from_str(r#"{"reminder":null,"subject":"x"}"#).unwrap();
        assert_eq!(fields.reminder, Some(None));
        assert_eq!(fields.customer, None);
        assert_eq!(serde_json::to_string(&fields).unwrap(), r#"{"subject":"x","reminder":null}"#);
    }

    #[test]
    fn members_that_are_not_known_come_back_out() {
        let text = r#"{"cancelled":true,"x-depot":{"bay":3}}"#;
        let over: Override = serde_json::from_str(text).unwrap();
        assert!(over.cancelled);
        assert_eq!(serde_json::to_string(&over).unwrap(), text);
    }

    #[test]
    fn a_moment_is_a_date_or_a_clock_in_a_zone() {
        let date: Moment = serde_json::from_str(r#"{"date":"2026-03-05"}"#).unwrap();
        assert_eq!(date, Moment::Date { date: NaiveDate::from_ymd_opt(2026, 3, 5).unwrap() });
        let text = r#"{"at":"2026-10-25T02:30:00","zone":"Europe/Berlin","later":true}"#;
        let zoned: Moment = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&zoned).unwrap(), text);
        assert!(serde_json::from_str::<Moment>(r#"{"at":"2026-10-25T02:30:00"}"#).is_err());
    }

    #[test]
    fn an_override_that_goes_back_to_the_series_is_sent_as_null() {
        let patch =
            Patch { overrides: BTreeMap::from([("2026-03-05".to_owned(), None)]), ..Patch::default() };
        assert_eq!(serde_json::to_string(&patch).unwrap(), r#"{"overrides":{"2026-03-05":null}}"#);
    }
}
