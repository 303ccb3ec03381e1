//! Invitations: who is written as attendee, and which writes tell them.
//!
//! Nobody is ever told unless an operator has decided so ([`Invitations`]). Then attendees are written to appointments of
//! the mailbox's owner, and of those writes that make a meeting, change its time, place, recurrence or attendees, or take
//! it away, all attendees are told; of all others nobody.
//!
//! Whoever writes attendees becomes the organiser. An appointment that somebody else called elsewhere is therefore written
//! without them, and who called it is noted in the item, so that later changes know it too.
//!
//! A write of several requests tells with its last one: what is taken back was never announced, and nothing is announced
//! twice. If it is cut short before that, nobody is told. A series that takes several items is never announced, and
//! written without attendees.

use calsync_core::model::{self, Event, Field, Meeting, Override, OverridePatch, Participation, Patch};
use calsync_core::model::{Person, Series, SeriesPatch};
use calsync_core::source::{Write, WriteOp};

use super::properties;
use crate::ops::{MayNotify, Notify};
use crate::wire::{self, CalendarItem, FieldChange, Mailbox, Property};

/// Whether attendees are told of what is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Invitations {
    /// Never, and attendees are not written at all.
    #[default]
    Never,
    /// Of new meetings, of meetings that go, and where time, place, recurrence or attendees change.
    SensitiveChanges,
}

/// Inviting on behalf of a mailbox's owner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inviting<'a> {
    may: MayNotify,
    /// Address of the owner.
    owner: &'a str,
}

/// Who is told of an update: about the whole item, or about single occurrences.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    /// With the last request that concerns the whole item.
    pub(super) item: Notify,
    /// With each request that changes when, where or with whom an occurrence is.
    pub(super) occurrences: Notify,
}

impl<'a> Inviting<'a> {
    /// `None` where nobody is ever told.
    pub(super) fn new(invitations: Invitations, owner: &'a str) -> Option<Self> {
        match invitations {
            Invitations::Never => None,
            Invitations::SensitiveChanges => Some(Self { may: MayNotify::decided_by_operator(), owner }),
        }
    }

    /// Whether the owner is, or becomes, the one who calls people together.
    fn is_own(&self, event: &Event) -> bool {
        let by_owner =
            event.organizer.is_nobody() || event.organizer.address.eq_ignore_ascii_case(self.owner);
        by_owner && matches!(event.meeting, Meeting::None | Meeting::Organised)
    }

    /// Attendees that can be written: those with an address, other than the owner.
    fn invited<'e>(&self, event: &'e Event) -> impl Iterator<Item = &'e model::Attendee> {
        event.attendees.iter().filter(|attendee| {
            let address = &attendee.person.address;
            !address.is_empty() && !address.eq_ignore_ascii_case(self.owner)
        })
    }

    fn list(&self, event: &Event, participation: Participation) -> Vec<wire::Attendee> {
        self.invited(event)
            .filter(|attendee| attendee.participation == participation)
            .map(|attendee| wire::Attendee {
                mailbox: Mailbox {
                    name: Some(attendee.person.name.clone()).filter(|name| !name.is_empty()),
                    ..Mailbox::smtp(&attendee.person.address)
                },
                ..wire::Attendee::default()
            })
            .collect()
    }

    fn lists(&self, event: &Event) -> [Property; 3] {
        [
            Property::RequiredAttendees(self.list(event, Participation::Required)),
            Property::OptionalAttendees(self.list(event, Participation::Optional)),
            Property::Resources(self.list(event, Participation::Resource)),
        ]
    }

    fn has_invited(&self, series: &Series) -> bool {
        let changed = series.overrides.values().any(|value| match value {
            Override::Changed(overlay) => self.invited(&series.event.with(overlay)).next().is_some(),
            Override::Cancelled => false,
        });
        changed || self.invited(&series.event).next().is_some()
    }

    /// Attendees of a new item, or the note of who called it.
    pub(super) fn new_item(&self, event: &Event) -> Vec<Property> {
        if self.is_own(event) {
            return self.lists(event).into_iter().filter(|list| !is_empty(list)).collect();
        }
        note_of(&event.organizer).into_iter().collect()
    }

    /// Attendees of an item or of an occurrence, if they are among the fields that change.
    pub(super) fn changes(&self, fields: &[Field], event: &Event) -> Vec<FieldChange> {
        if !fields.contains(&Field::Attendees) || !self.is_own(event) {
            return Vec::new();
        }
        let change = |list: Property| {
            if is_empty(&list) { FieldChange::Delete(list.field()) } else { FieldChange::Set(list) }
        };
        self.lists(event).into_iter().map(change).collect()
    }

    /// Who is told of a new item.
    pub(super) fn of_new(&self, series: &Series) -> Notify {
        self.all_if(self.is_own(&series.event) && self.has_invited(series))
    }

    /// Who is told of a change.
    pub(super) fn of_update(&self, patch: &SeriesPatch, current: &Series) -> Told {
        let new = patch.apply(current);
        if !self.is_own(&current.event) || !(self.has_invited(current) || self.has_invited(&new)) {
            return Told::default();
        }
        let restores = patch.overrides.values().any(|patch| matches!(patch, OverridePatch::Restore(_)));
        if patch.recurrence.is_some() || concerns(&patch.master) || restores {
            return Told { item: self.all_if(true), occurrences: Notify::Nobody };
        }
        Told { item: Notify::Nobody, occurrences: self.all_if(true) }
    }

    /// Who is told that an item is taken away.
    pub(super) fn of_deletion(&self, item: &CalendarItem) -> Notify {
        let is_own = super::meeting::read(item) == Meeting::Organised;
        // Who was never invited needs not be told that nothing comes of it.
        self.all_if(is_own && item.meeting_request_was_sent == Some(true))
    }

    /// Everybody who was invited.
    pub(super) fn everybody(self) -> Notify {
        Notify::All(self.may)
    }

    fn all_if(self, told: bool) -> Notify {
        if told { self.everybody() } else { Notify::Nobody }
    }
}

/// Whether everybody is told of a write that goes together with others in one request.
pub(super) fn is_told(inviting: Option<Inviting<'_>>, write: &Write) -> bool {
    let Some(inviting) = inviting else { return false };
    let notify = match &write.op {
        WriteOp::Create { series, .. } => inviting.of_new(series),
        WriteOp::Update { patch, current, .. } => inviting.of_update(patch, current).item,
        WriteOp::Delete { .. } => Notify::Nobody,
    };
    notify != Notify::Nobody
}

/// Whether invited people must know of a change.
fn concerns(patch: &Patch) -> bool {
    patch.fields().iter().any(|field| matches!(field, Field::Span | Field::Place | Field::Attendees))
}

/// Whether invited people must know of a change of an occurrence that goes with a request of its own.
pub(super) fn concerns_occurrence(patch: &OverridePatch) -> bool {
    match patch {
        OverridePatch::Cancel | OverridePatch::Restore(_) => true,
        OverridePatch::Change(patch) => {
            patch.fields().iter().any(|field| matches!(field, Field::Span | Field::Place | Field::Attendees))
        }
    }
}

fn is_empty(list: &Property) -> bool {
    match list {
        Property::RequiredAttendees(list) | Property::OptionalAttendees(list) | Property::Resources(list) => {
            list.is_empty()
        }
        _ => false,
    }
}

fn note_of(organizer: &Person) -> Option<Property> {
    serde_json::to_string(organizer).ok().map(|json| properties::text(properties::ORGANIZER, json))
}

/// Who called the appointment elsewhere, if that was noted when it was written.
pub(super) fn noted_organizer(item: &CalendarItem) -> Option<Person> {
    serde_json::from_str(item.extended(&properties::ORGANIZER)?).ok()
}
