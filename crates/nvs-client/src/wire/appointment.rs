//! An appointment as the server gives it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Attachment, Attendee, BusyStatus, Extra, Mark, Moment, Notes, Override, Person};

/// Who did something, and when by the server's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When.
    pub at: DateTime<Utc>,
    /// User or program, for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A single appointment or a whole series, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Appointment {
    /// The server's id; case matters.
    pub id: String,
    /// Changes with every change of the appointment, also of its references; opaque.
    pub revision: String,
    /// Identity across systems, given once.
    pub uid: String,
    /// Calendar units it is in, at least one.
    pub units: Vec<String>,
    /// The text on the tile.
    #[serde(default)]
    pub subject: String,
    /// Where.
    #[serde(default)]
    pub place: String,
    /// Notes.
    #[serde(default)]
    pub notes: Option<Notes>,
    /// Type, by its name.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// Colour as `#rrggbb`.
    #[serde(default)]
    pub colour: Option<String>,
    /// Customer reference.
    #[serde(default)]
    pub customer: Option<String>,
    /// Start; of the first occurrence, where it is a series.
    pub start: Moment,
    /// End, exclusive.
    pub end: Moment,
    /// Only for the owner's eyes.
    #[serde(default)]
    pub private: bool,
    /// How the time is shown to others.
    #[serde(default = "busy")]
    pub busy: BusyStatus,
    /// Minutes before the start.
    #[serde(default)]
    pub reminder: Option<u32>,
    /// Who called the meeting.
    #[serde(default)]
    pub organiser: Option<Person>,
    /// Who was asked to come.
    #[serde(default)]
    pub attendees: Vec<Attendee>,
    /// Files.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// RRULE text, without the `RRULE:` prefix; a single appointment has none.
    #[serde(default)]
    pub rule: Option<String>,
    /// Occurrences beyond the rule, as original starts in the zone of `start`.
    #[serde(default)]
    pub rdates: Vec<String>,
    /// What single occurrences have of their own, by original start in the zone of `start`.
    #[serde(default)]
    pub overrides: BTreeMap<String, Override>,
    /// Remark on a protected appointment.
    #[serde(default)]
    pub mark: Option<Mark>,
    /// Reference field: per calendar unit a small map of strings that belongs to the sync program.
    #[serde(default)]
    pub references: BTreeMap<String, BTreeMap<String, String>>,
    /// First stored.
    pub created: Stamp,
    /// Last changed.
    pub changed: Stamp,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

fn busy() -> BusyStatus {
    BusyStatus::Busy
}
