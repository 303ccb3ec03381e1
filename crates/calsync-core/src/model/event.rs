//! The content of one instance, and what changes in it.
//!
//! [`Event`] is the content, [`Overlay`] the sparse content of an override, [`Patch`] and [`OverlayPatch`] are the
//! differences between two of each. The four are made from one list of fields, at the end of the macro call below: to
//! add a field, add a line there and a variant to [`Field`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Attachments, Field, Notes, Span, notes};

/// Busy status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Busy {
    /// The time is free.
    Free,
    /// Perhaps.
    Tentative,
    /// The time is taken.
    #[default]
    Busy,
    /// Away.
    OutOfOffice,
    /// Works, but elsewhere (Exchange 2013 and later).
    WorkingElsewhere,
}

/// For whose eyes (EWS `Sensitivity`, RFC 5545 `CLASS`). NVS knows only private or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Everybody with access.
    #[default]
    Normal,
    /// Personal.
    Personal,
    /// Only the owner.
    Private,
    /// Confidential.
    Confidential,
}

impl Sensitivity {
    /// Whether others must not read it.
    pub fn is_private(self) -> bool {
        matches!(self, Sensitivity::Private | Sensitivity::Confidential)
    }
}

/// Whether and when to remind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// Not at all.
    #[default]
    Off,
    /// So many minutes before the start.
    Minutes(u32),
}

/// Somebody with a mail address.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Person {
    /// Display name; may be empty.
    pub name: String,
    /// SMTP address; may be empty for resources without one.
    pub address: String,
}

/// How an attendee takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Participation {
    /// Must come.
    Required,
    /// May come.
    Optional,
    /// A room or a thing.
    Resource,
}

/// Somebody who was asked to come.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attendee {
    /// Who.
    pub person: Person,
    /// How.
    pub participation: Participation,
}

/// What an appointment is as a meeting, for the owner of the calendar. Nobody writes it: people answer and cancel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meeting {
    /// No meeting.
    #[default]
    None,
    /// The owner of the calendar called it.
    Organised,
    /// Somebody else called it, and the owner has not answered.
    Unanswered,
    /// The owner will come.
    Accepted,
    /// The owner may come.
    Tentative,
    /// The owner will not come.
    Declined,
    /// It will not take place; the owner has not removed it yet.
    Cancelled,
}

/// Names of NVS types or Exchange categories, without order.
pub type Categories = BTreeSet<String>;

impl Person {
    /// Whether it names nobody.
    pub fn is_nobody(&self) -> bool {
        self.name.is_empty() && self.address.is_empty()
    }
}

/// A value that became another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change<T> {
    /// What the side showed when both were last in step.
    pub from: T,
    /// What it shows now.
    pub to: T,
}

/// How a change made on one side is carried into the value of the other.
trait Carry: Clone + PartialEq {
    /// What `current` becomes when elsewhere `from` became `to`: the new value, whole.
    fn carry(_from: &Self, to: &Self, _current: &Self) -> Self {
        to.clone()
    }

    /// Whether two changes made on both sides cannot both be carried.
    fn collides(mine: &Change<Self>, theirs: &Change<Self>) -> bool {
        mine.to != theirs.to
    }
}

impl Carry for Span {}
impl Carry for String {}
impl Carry for Busy {}
impl Carry for Sensitivity {}
impl Carry for Reminder {}
impl Carry for Person {}
impl Carry for Meeting {}
impl Carry for Vec<Attendee> {}

/// What was added is added, what was taken away is taken away: NVS knows one type where Exchange knows many
/// categories, and changing the one must not take the others away.
impl Carry for Categories {
    fn carry(from: &Self, to: &Self, current: &Self) -> Self {
        let kept = current.iter().filter(|name| to.contains(*name) || !from.contains(*name));
        kept.chain(to.difference(from)).cloned().collect()
    }

    fn collides(_: &Change<Self>, _: &Change<Self>) -> bool {
        false
    }
}

/// What a person reads is carried, not how it is written.
impl Carry for Notes {
    fn carry(from: &Self, to: &Self, current: &Self) -> Self {
        notes::carry(from, to, current)
    }

    fn collides(mine: &Change<Self>, theirs: &Change<Self>) -> bool {
        notes::collides(mine, theirs)
    }
}

impl Carry for Attachments {
    fn carry(from: &Self, to: &Self, current: &Self) -> Self {
        Attachments::carry(from, to, current)
    }

    fn collides(mine: &Change<Self>, theirs: &Change<Self>) -> bool {
        Attachments::collide(mine, theirs)
    }
}

impl<T: Carry> Carry for Option<T> {
    fn carry(from: &Self, to: &Self, current: &Self) -> Self {
        match (from, to, current) {
            (Some(from), Some(to), Some(current)) => Some(T::carry(from, to, current)),
            _ => to.clone(),
        }
    }

    fn collides(mine: &Change<Self>, theirs: &Change<Self>) -> bool {
        let whole =
            |change: &Change<Self>| Some(Change { from: change.from.clone()?, to: change.to.clone()? });
        match (whole(mine), whole(theirs)) {
            (Some(mine), Some(theirs)) => T::collides(&mine, &theirs),
            _ => mine.to != theirs.to,
        }
    }
}

/// Writes a record of fields, the patch between two such records, and what can be done with both.
macro_rules! record {
    (
        $(#[$record_doc:meta])* $record:ident,
        $(#[$patch_doc:meta])* $patch:ident,
        $derive_default:meta,
        $field_serde:meta,
        { $($(#[$field_doc:meta])* $name:ident / $field:ident : $type:ty),+ $(,)? }
    ) => {
        $(#[$record_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[$derive_default]
        pub struct $record {
            $($(#[$field_doc])* #[$field_serde] pub $name: $type,)+
        }

        $(#[$patch_doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $patch {
            $(
                $(#[$field_doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $name: Option<Change<$type>>,
            )+
        }

        impl $record {
            /// What has to change in `self` to make it equal to `to`.
            #[must_use]
            pub fn diff(&self, to: &$record) -> $patch {
                $patch {
                    $($name: (self.$name != to.$name)
                        .then(|| Change { from: self.$name.clone(), to: to.$name.clone() }),)+
                }
            }
        }

        impl $patch {
            /// Whether nothing changes.
            pub fn is_empty(&self) -> bool {
                $(self.$name.is_none())&&+
            }

            /// The fields that change.
            pub fn fields(&self) -> Vec<Field> {
                let mut fields = Vec::new();
                $(if self.$name.is_some() { fields.push(Field::$field); })+
                fields
            }

            /// Makes the changes in `record`; other fields stay.
            pub fn apply(&self, record: &mut $record) {
                $(if let Some(change) = &self.$name {
                    record.$name = Carry::carry(&change.from, &change.to, &record.$name);
                })+
            }

            /// Only the fields that `keep` wants.
            #[must_use]
            pub fn only(&self, mut keep: impl FnMut(Field) -> bool) -> $patch {
                $patch {
                    $($name: self.$name.as_ref().filter(|_| keep(Field::$field)).cloned(),)+
                }
            }

            /// The same changes as they have to be made upon `record`, without those that it shows already.
            #[must_use]
            pub fn pending(&self, record: &$record) -> $patch {
                $patch {
                    $($name: self.$name.as_ref().and_then(|change| {
                        let to = Carry::carry(&change.from, &change.to, &record.$name);
                        (to != record.$name).then(|| Change { from: record.$name.clone(), to })
                    }),)+
                }
            }

            /// The way back: the old values of these fields as a patch upon `now`.
            #[must_use]
            pub fn undo(&self, now: &$record) -> $patch {
                $patch {
                    $($name: self.$name.as_ref()
                        .filter(|change| change.from != now.$name)
                        .map(|change| Change { from: now.$name.clone(), to: change.from.clone() }),)+
                }
            }

            /// Adds the changes of another patch; where both change a field, the other one stands.
            pub fn absorb(&mut self, other: $patch) {
                $(if other.$name.is_some() { self.$name = other.$name; })+
            }

            /// The fields that both patches change to different values.
            pub fn collisions(&self, other: &$patch) -> Vec<Field> {
                let mut fields = Vec::new();
                $(if let (Some(mine), Some(theirs)) = (&self.$name, &other.$name)
                    && Carry::collides(mine, theirs) { fields.push(Field::$field); })+
                fields
            }
        }
    };
}

/// Calls `record!` for the events and again, with every type optional, for the overlays.
macro_rules! events {
    ({ $($(#[$field_doc:meta])* $name:ident / $field:ident : $type:ty),+ $(,)? }) => {
        record! {
            /// The content of one instance: a single appointment, a recurring master, or a computed occurrence.
            Event,
            /// The difference between two events, field by field.
            Patch,
            derive(),
            serde(),
            { $($(#[$field_doc])* $name / $field : $type),+ }
        }
        record! {
            /// The content of an override: only what differs from the master.
            Overlay,
            /// The difference between two overlays; `None` as a value means "as the master".
            OverlayPatch,
            derive(Default),
            serde(default, skip_serializing_if = "Option::is_none"),
            { $(
                $(#[$field_doc])*
                $name / $field : Option<$type>
            ),+ }
        }

        impl Event {
            /// What an override must say to turn an instance that shows `self` into `instance`.
            #[must_use]
            pub fn overlay(&self, instance: &Event) -> Overlay {
                Overlay {
                    $($name: (self.$name != instance.$name).then(|| instance.$name.clone()),)+
                }
            }

            /// The instance that `overlay` makes of `self`.
            #[must_use]
            pub fn with(&self, overlay: &Overlay) -> Event {
                Event {
                    $($name: overlay.$name.as_ref().unwrap_or(&self.$name).clone(),)+
                }
            }
        }

        impl Overlay {
            /// Whether nothing differs from the master.
            pub fn is_empty(&self) -> bool {
                $(self.$name.is_none())&&+
            }

            /// The fields that differ from the master.
            pub fn fields(&self) -> Vec<Field> {
                let mut fields = Vec::new();
                $(if self.$name.is_some() { fields.push(Field::$field); })+
                fields
            }
        }
    };
}

events! {{
    /// Start and exclusive end.
    span / Span: Span,
    /// The text on the tile.
    subject / Subject: String,
    /// Where.
    place / Place: String,
    /// The long text.
    notes / Notes: Notes,
    /// NVS type, Exchange categories.
    categories / Categories: Categories,
    /// Free, busy and so on.
    busy / Busy: Busy,
    /// For whose eyes.
    sensitivity / Sensitivity: Sensitivity,
    /// Whether and when to remind.
    reminder / Reminder: Reminder,
    /// Who called the meeting; empty for appointments.
    organizer / Organizer: Person,
    /// Who was asked to come.
    attendees / Attendees: Vec<Attendee>,
    /// NVS customer reference; empty without one.
    customer / Customer: String,
    /// What it is as a meeting; never written.
    meeting / Meeting: Meeting,
    /// Files. Instances of a series show those of the master.
    attachments / Attachments: Attachments,
}}

impl Event {
    /// The fields in which it says something, besides its time: those that differ from a new appointment without a subject.
    pub(crate) fn said(&self) -> Vec<Field> {
        Event::new("", self.span.clone()).diff(self).fields()
    }

    /// An appointment of that subject and time; everything else as new appointments have it.
    pub fn new(subject: impl Into<String>, span: Span) -> Event {
        Event {
            span,
            subject: subject.into(),
            place: String::new(),
            notes: Notes::default(),
            categories: Categories::new(),
            busy: Busy::Busy,
            sensitivity: Sensitivity::Normal,
            reminder: Reminder::Off,
            organizer: Person::default(),
            attendees: Vec::new(),
            customer: String::new(),
            meeting: Meeting::None,
            attachments: Attachments::default(),
        }
    }
}
