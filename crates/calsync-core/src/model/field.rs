//! The names of the fields of an [`Event`](super::Event).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A field that is compared, carried and decided upon by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Start and end, which move together.
    Span,
    /// The text on the tile.
    Subject,
    /// Where.
    Place,
    /// The long text.
    Notes,
    /// NVS type, Exchange categories.
    Categories,
    /// Free, busy and so on.
    Busy,
    /// Normal, personal, private, confidential.
    Sensitivity,
    /// Minutes before the start.
    Reminder,
    /// Who called the meeting.
    Organizer,
    /// Who was asked to come.
    Attendees,
    /// NVS customer reference.
    Customer,
    /// What it is as a meeting.
    Meeting,
    /// Files.
    Attachments,
}

impl Field {
    /// Every field, in the order of [`Event`](super::Event).
    pub const ALL: [Field; 13] = [
        Field::Span,
        Field::Subject,
        Field::Place,
        Field::Notes,
        Field::Categories,
        Field::Busy,
        Field::Sensitivity,
        Field::Reminder,
        Field::Organizer,
        Field::Attendees,
        Field::Customer,
        Field::Meeting,
        Field::Attachments,
    ];

    /// The name in settings, plans and files.
    pub fn name(self) -> &'static str {
        match self {
            Field::Span => "span",
            Field::Subject => "subject",
            Field::Place => "place",
            Field::Notes => "notes",
            Field::Categories => "categories",
            Field::Busy => "busy",
            Field::Sensitivity => "sensitivity",
            Field::Reminder => "reminder",
            Field::Organizer => "organizer",
            Field::Attendees => "attendees",
            Field::Customer => "customer",
            Field::Meeting => "meeting",
            Field::Attachments => "attachments",
        }
    }

    /// The field of that name.
    pub fn by_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
