//! From the wire into the model.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{ContentHash, CreateToken, ItemKey, Revision, Uid};
use calsync_core::model::{
    Attendee, Busy, Categories, Event, Meeting, Notes, Overlay, Override, Participation, Person, Recurrence,
    RecurrenceId, Reminder, Sensitivity, Series, Span, When,
};
use calsync_core::recur::Rule;
use calsync_core::source::{Access, Item, Receipt};
use calsync_core::zone::{Resolved, Zone};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;

use crate::wire::{self, Appointment, AttendeeRole, BusyStatus, Fields, Moment, NotesFormat};

/// Names under which a receipt stands in the reference field.
pub(super) mod reference {
    pub(crate) const TOKEN: &str = "token";
    pub(crate) const COUNTERPART: &str = "counterpart";
    pub(crate) const COUNTERPART_UID: &str = "counterpart_uid";
    pub(crate) const OWN_UID: &str = "own_uid";
    /// There, and `true`, only where the appointment is a masked copy.
    pub(crate) const MASKED: &str = "masked";
    pub(crate) const NUMBER: &str = "number";
    pub(crate) const CONTENT: &str = "content";
}

/// Reads an appointment as seen from `unit`; the error says why it cannot be read, without quoting it.
pub(super) fn item(unit: &str, appointment: &Appointment) -> Result<Item, String> {
    Ok(Item {
        key: ItemKey::new(&*appointment.id),
        revision: Revision::new(&*appointment.revision),
        series: series(appointment)?,
        receipt: appointment.references.get(unit).and_then(receipt),
        created: Some(appointment.created.at),
        modified: Some(appointment.changed.at),
        access: Access::Full,
    })
}

fn receipt(references: &BTreeMap<String, String>) -> Option<Receipt> {
    let content: Result<ContentHash, ValueError> =
        ContentHash::deserialize(references.get(reference::CONTENT)?.as_str().into_deserializer());
    Some(Receipt {
        token: CreateToken::from_wire(references.get(reference::TOKEN)?),
        counterpart: ItemKey::new(references.get(reference::COUNTERPART)?),
        counterpart_uid: references.get(reference::COUNTERPART_UID).map(Uid::new),
        own_uid: references.get(reference::OWN_UID).map(Uid::new),
        masked: references.contains_key(reference::MASKED),
        number: references.get(reference::NUMBER)?.parse().ok()?,
        content: content.ok()?,
    })
}

fn series(appointment: &Appointment) -> Result<Series, String> {
    let recurs = appointment.rule.is_some() || !appointment.rdates.is_empty();
    let start = when(&appointment.start, recurs)?;
    let end = when(&appointment.end, recurs)?;
    if std::mem::discriminant(&start.local_form()) != std::mem::discriminant(&end.local_form()) {
        return Err("start and end are not of the same form".to_owned());
    }
    let event = Event {
        span: Span { start, end },
        subject: appointment.subject.clone(),
        place: appointment.place.clone(),
        notes: notes(appointment.notes.as_ref()),
        categories: categories(appointment.kind.as_deref()),
        busy: busy(&appointment.busy),
        sensitivity: sensitivity(appointment.private),
        reminder: reminder(appointment.reminder),
        organizer: appointment.organiser.as_ref().map(person).unwrap_or_default(),
        attendees: appointment.attendees.iter().map(attendee).collect(),
        customer: appointment.customer.clone().unwrap_or_default(),
        meeting: Meeting::None,
        attachments: super::files::read(&appointment.attachments),
    };
    let recurrence = if recurs { Some(recurrence(appointment, &event.span.start)?) } else { None };
    let mut overrides = BTreeMap::new();
    for (key, over) in &appointment.overrides {
        let id = recurrence_id(key, &event.span)?;
        if over.cancelled {
            overrides.insert(id, Override::Cancelled);
        } else {
            // What an occurrence has of its own, though it is what the series says, is no difference: Exchange cannot
            // tell, and both sides must mean the same by it.
            let planned = Event { span: planned_span(id, &event.span), ..event.clone() };
            let overlay = planned.overlay(&planned.with(&overlay(id, &event.span, &over.fields)?));
            // Fields that only the NVS Calender has do not make an instance different for anybody else.
            if !overlay.is_empty() {
                overrides.insert(id, Override::Changed(overlay));
            }
        }
    }
    if recurrence.is_none() && !overrides.is_empty() {
        return Err("a single appointment has changed occurrences".to_owned());
    }
    Ok(Series { uid: Uid::new(&*appointment.uid), event, recurrence, overrides })
}

/// What the rule leaves to its start is said: another day is another rule, and moving a series moves its days.
fn recurrence(appointment: &Appointment, start: &When) -> Result<Recurrence, String> {
    // Dates without a rule: the start counts as the first, which is what a rule of one occurrence says.
    let text = appointment.rule.as_deref().unwrap_or("FREQ=DAILY;COUNT=1");
    let rule: Rule = text.parse().map_err(|error| format!("its recurrence cannot be read: {error}"))?;
    let dates = appointment
        .rdates
        .iter()
        .map(|key| RecurrenceId::from_text(key).ok_or_else(|| "an additional date cannot be read".to_owned()))
        .collect::<Result<BTreeSet<_>, _>>()?;
    Ok(Recurrence { rule: rule.anchored(start.local()), dates })
}

fn recurrence_id(key: &str, span: &Span) -> Result<RecurrenceId, String> {
    let id = RecurrenceId::from_text(key).ok_or("the original start of an occurrence cannot be read")?;
    if matches!(id, RecurrenceId::Date(_)) == span.is_all_day() {
        Ok(id)
    } else {
        Err("the original start of an occurrence is not of the form of the series' start".to_owned())
    }
}

fn overlay(id: RecurrenceId, master: &Span, fields: &Fields) -> Result<Overlay, String> {
    let span = match (&fields.start, &fields.end) {
        (None, None) => None,
        (start, end) => {
            let planned = planned_span(id, master);
            let start = start.as_ref().map_or(Ok(planned.start), |start| when(start, false))?;
            let end = end.as_ref().map_or(Ok(planned.end), |end| when(end, false))?;
            if start.local_form() == end.local_form() {
                Some(Span { start, end })
            } else {
                return Err("start and end of an occurrence are not of the same form".to_owned());
            }
        }
    };
    Ok(Overlay {
        span,
        subject: fields.subject.clone(),
        place: fields.place.clone(),
        notes: fields.notes.as_ref().map(|value| notes(value.as_ref())),
        categories: fields.kind.as_ref().map(|kind| categories(kind.as_deref())),
        busy: fields.busy.as_ref().map(busy),
        sensitivity: fields.private.map(sensitivity),
        reminder: fields.reminder.map(reminder),
        organizer: fields.organiser.as_ref().map(|value| value.as_ref().map(person).unwrap_or_default()),
        attendees: fields.attendees.as_ref().map(|list| list.iter().map(attendee).collect()),
        customer: fields.customer.as_ref().map(|value| value.clone().unwrap_or_default()),
        meeting: None,
        attachments: None,
    })
}

/// Start and end that the rule gives an occurrence: as long by the clock on the wall as the first one.
fn planned_span(id: RecurrenceId, master: &Span) -> Span {
    let length = master.end.local().signed_duration_since(master.start.local());
    let start = id.local();
    let end = start.checked_add_signed(length).unwrap_or(start);
    Span { start: master.start.with_local(start), end: master.end.with_local(end) }
}

fn when(moment: &Moment, of_series: bool) -> Result<When, String> {
    match moment {
        Moment::Date { date } => Ok(When::Date(*date)),
        Moment::Zoned { at, zone, .. } if zone == "UTC" || zone == "Etc/UTC" => Ok(When::Utc(at.and_utc())),
        Moment::Zoned { at, zone, later } => {
            let zone = Zone::new(zone).map_err(|error| error.to_string())?;
            if *later
                && !of_series
                && let Some(instant) = second_reading(&zone, *at)
            {
                // The model's zoned times mean the first reading; the second has no other name than its instant.
                return Ok(When::Utc(instant));
            }
            Ok(When::Zoned { local: *at, zone })
        }
    }
}

fn second_reading(zone: &Zone, local: chrono::NaiveDateTime) -> Option<chrono::DateTime<chrono::Utc>> {
    let Resolved::Fold(first) = zone.resolve(local) else {
        return None;
    };
    // The clocks went back within the hours after the first reading; by then the later offset holds.
    let offset = zone.offset_at(first.checked_add_signed(chrono::TimeDelta::hours(24))?);
    let second = local.checked_sub_offset(offset)?.and_utc();
    (zone.to_local(second) == local && second > first).then_some(second)
}

fn notes(notes: Option<&wire::Notes>) -> Notes {
    match notes {
        None => Notes::default(),
        Some(wire::Notes { format: NotesFormat::Html, text }) => Notes::html(text),
        Some(wire::Notes { text, .. }) => Notes::plain(text),
    }
}

fn categories(kind: Option<&str>) -> Categories {
    kind.into_iter().map(str::to_owned).collect()
}

fn busy(status: &BusyStatus) -> Busy {
    match status {
        BusyStatus::Free => Busy::Free,
        BusyStatus::Tentative => Busy::Tentative,
        BusyStatus::OutOfOffice => Busy::OutOfOffice,
        BusyStatus::WorkingElsewhere => Busy::WorkingElsewhere,
        // A status of a later version: the time is taken as long as nobody says that it is free.
        BusyStatus::Busy | BusyStatus::Other(_) => Busy::Busy,
    }
}

fn sensitivity(private: bool) -> Sensitivity {
    if private { Sensitivity::Private } else { Sensitivity::Normal }
}

fn reminder(minutes: Option<u32>) -> Reminder {
    minutes.map_or(Reminder::Off, Reminder::Minutes)
}

fn person(person: &wire::Person) -> Person {
    Person {
        name: person.name.clone().unwrap_or_default(),
        address: person.address.clone().unwrap_or_default(),
    }
}

fn attendee(attendee: &wire::Attendee) -> Attendee {
    Attendee {
        person: Person {
            name: attendee.name.clone().unwrap_or_default(),
            address: attendee.address.clone().unwrap_or_default(),
        },
        participation: match attendee.role {
            AttendeeRole::Optional => Participation::Optional,
            AttendeeRole::Resource => Participation::Resource,
            AttendeeRole::Required | AttendeeRole::Other(_) => Participation::Required,
        },
    }
}

/// Dates on the one hand, clock readings on the other.
#[derive(PartialEq, Eq)]
pub(super) enum Form {
    Date,
    Clock,
}

pub(super) trait LocalForm {
    fn local_form(&self) -> Form;
}

impl LocalForm for When {
    fn local_form(&self) -> Form {
        match self {
            When::Date(_) => Form::Date,
            When::Floating(_) | When::Utc(_) | When::Zoned { .. } => Form::Clock,
        }
    }
}
