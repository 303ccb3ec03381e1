//! From the model onto the wire.

use std::collections::BTreeMap;

use calsync_core::ids::ContentHash;
use calsync_core::model::{
    Attendee, Busy, Categories, Event, Mark, MarkKind, Notes, NotesFormat, Overlay, OverlayPatch, Override,
    OverridePatch, Participation, Patch, Person, Recurrence, RecurrenceId, Reminder, Series, SeriesPatch,
    Span, When,
};
use calsync_core::recur::{End, Until};
use calsync_core::source::{Receipt, Write, WriteOp};
use chrono::NaiveTime;

use super::read::reference;
use crate::wire::{self, AttendeeRole, BusyStatus, Fields, Moment, NewAppointment, ResponseStatus};

/// Makes up the write, with `attachments` as all its files where they change, and says how many bytes it has. The error
/// says why it cannot be made.
pub(super) fn wire_write(
    unit: &str,
    write: &Write,
    attachments: Option<Vec<wire::Attachment>>,
) -> Result<(wire::Write, usize), String> {
    let unit = unit.to_owned();
    let mut wire = match &write.op {
        WriteOp::Create { series, .. } => {
            let appointment = Box::new(new_appointment(series, &write.receipt)?);
            wire::Write::Create { key: String::new(), unit, appointment }
        }
        WriteOp::Update { key, expected, patch, current } => wire::Write::Update {
            key: String::new(),
            unit,
            id: key.as_str().to_owned(),
            expect: expected.as_str().to_owned(),
            patch: Box::new(series_patch(patch, current, &write.receipt)?),
        },
        WriteOp::Delete { key, expected } => wire::Write::Delete {
            key: String::new(),
            unit,
            id: key.as_str().to_owned(),
            expect: expected.as_str().to_owned(),
        },
    };
    match &mut wire {
        wire::Write::Create { appointment, .. } => appointment.fields.attachments = attachments,
        wire::Write::Update { patch, .. } => patch.set.attachments = attachments,
        wire::Write::Delete { .. } | wire::Write::Restore { .. } => {}
    }
    let text = serde_json::to_string(&wire).map_err(|_| "it cannot be written as json".to_owned())?;
    set_key(&mut wire, &write.op, write.receipt.number, &text);
    Ok((wire, text.len()))
}

/// The idempotency key: the create token, or link-less name and number of the write, and a digest of the write.
///
/// With the digest the key is the same exactly when the whole write is: repeating gives the answer of the first
/// time, and a store that lost its memory and counts from one again never meets its old keys by accident.
fn set_key(wire: &mut wire::Write, op: &WriteOp, number: u64, text: &str) {
    let digest = ContentHash::of(&[text]);
    let name = match op {
        WriteOp::Create { token, .. } => token.as_str().to_owned(),
        WriteOp::Update { .. } => format!("update-{number}"),
        WriteOp::Delete { .. } => format!("delete-{number}"),
    };
    match wire {
        wire::Write::Create { key, .. }
        | wire::Write::Update { key, .. }
        | wire::Write::Delete { key, .. }
        | wire::Write::Restore { key, .. } => *key = format!("{name}-{}", digest.as_str()),
    }
}

/// What a receipt leaves in the reference field; `None` where it leaves nothing under that name.
fn references(receipt: &Receipt) -> [(&'static str, Option<String>); 7] {
    let Receipt { token, counterpart, counterpart_uid, own_uid, masked, number, content } = receipt;
    [
        (reference::TOKEN, Some(token.as_str().to_owned())),
        (reference::COUNTERPART, Some(counterpart.as_str().to_owned())),
        (reference::COUNTERPART_UID, counterpart_uid.as_ref().map(|uid| uid.as_str().to_owned())),
        (reference::OWN_UID, own_uid.as_ref().map(|uid| uid.as_str().to_owned())),
        (reference::MASKED, masked.then(|| true.to_string())),
        (reference::NUMBER, Some(number.to_string())),
        (reference::CONTENT, Some(content.as_str().to_owned())),
    ]
}

fn new_appointment(series: &Series, receipt: &Receipt) -> Result<NewAppointment, String> {
    let mut fields = event(&series.event)?;
    if let Some(recurrence) = &series.recurrence {
        set_recurrence(&mut fields, Some(recurrence), &series.event.span.start);
    }
    let mut overrides = BTreeMap::new();
    for (id, over) in &series.overrides {
        let over = match over {
            Override::Cancelled => wire::Override { cancelled: true, fields: Fields::default() },
            Override::Changed(overlay) => wire::Override {
                cancelled: false,
                fields: overlay_fields(overlay, &series.event.categories)?,
            },
        };
        overrides.insert(id.to_text(), over);
    }
    let uid = series.uid.as_str();
    Ok(NewAppointment {
        uid: (!uid.is_empty()).then(|| uid.to_owned()),
        fields,
        overrides,
        references: references(receipt)
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
    })
}

/// All fields of an event; empty ones are left to the server.
fn event(event: &Event) -> Result<Fields, String> {
    let (start, end) = span(&event.span)?;
    Ok(Fields {
        start: Some(start),
        end: Some(end),
        subject: Some(line(&event.subject)),
        place: Some(line(&event.place)),
        notes: notes(&event.notes).map(Some),
        kind: kind(&event.categories, &Categories::new()).map(Some),
        busy: Some(busy(event.busy)),
        private: Some(event.sensitivity.is_private()),
        reminder: reminder(event.reminder).map(Some),
        organiser: person(&event.organizer).map(Some),
        attendees: (!event.attendees.is_empty()).then(|| event.attendees.iter().map(attendee).collect()),
        customer: customer(&event.customer).map(Some),
        ..Fields::default()
    })
}

fn series_patch(patch: &SeriesPatch, current: &Series, receipt: &Receipt) -> Result<wire::Patch, String> {
    let mut set = event_patch(&patch.master, &current.event)?;
    if let Some(change) = &patch.recurrence {
        let start = patch.master.span.as_ref().map_or(&current.event.span, |span| &span.to).start.clone();
        set_recurrence(&mut set, change.to.as_ref(), &start);
    }
    let new = patch.apply(current);
    let mut overrides = BTreeMap::new();
    for (id, change) in &patch.overrides {
        // Somebody moved the series meanwhile: what was said of an occurrence that is gone is lost with it.
        if new.has_instance(id) {
            overrides.insert(id.to_text(), override_patch(*id, change, current)?);
        }
    }
    set.mark = patch.mark.as_ref().map(|mark| Some(self::mark(mark)));
    let references = references(receipt).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(wire::Patch { set, overrides, references })
}

fn mark(mark: &Mark) -> wire::Mark {
    let kind = match mark.kind {
        MarkKind::Deleted => wire::MarkKind::Deleted,
        MarkKind::Moved => wire::MarkKind::Moved,
    };
    wire::Mark { kind, note: text(&mark.note) }
}

fn event_patch(patch: &Patch, current: &Event) -> Result<Fields, String> {
    let (start, end) = match &patch.span {
        None => (None, None),
        Some(change) => span(&change.to).map(|(start, end)| (Some(start), Some(end)))?,
    };
    let to = |change: &calsync_core::model::Change<String>| line(&change.to);
    Ok(Fields {
        start,
        end,
        subject: patch.subject.as_ref().map(to),
        place: patch.place.as_ref().map(to),
        notes: patch.notes.as_ref().map(|change| notes(&change.to)),
        kind: patch.categories.as_ref().map(|change| kind(&change.to, &current.categories)),
        busy: patch.busy.as_ref().map(|change| busy(change.to)),
        private: patch.sensitivity.as_ref().map(|change| change.to.is_private()),
        reminder: patch.reminder.as_ref().map(|change| reminder(change.to)),
        organiser: patch.organizer.as_ref().map(|change| person(&change.to)),
        attendees: patch.attendees.as_ref().map(|change| change.to.iter().map(attendee).collect()),
        customer: patch.customer.as_ref().map(|change| customer(&change.to)),
        ..Fields::default()
    })
}

fn override_patch(
    id: RecurrenceId,
    patch: &OverridePatch,
    current: &Series,
) -> Result<Option<wire::OverridePatch>, String> {
    match patch {
        OverridePatch::Cancel => {
            Ok(Some(wire::OverridePatch { cancelled: Some(true), ..wire::OverridePatch::default() }))
        }
        OverridePatch::Restore(overlay) if overlay.is_empty() => Ok(None),
        OverridePatch::Restore(overlay) => Ok(Some(wire::OverridePatch {
            cancelled: Some(false),
            set: overlay_fields(overlay, &current.event.categories)?,
            inherit: Vec::new(),
        })),
        OverridePatch::Change(change) => {
            let own = current.overrides.get(&id);
            let cancelled = matches!(own, Some(Override::Cancelled));
            let held = match own {
                Some(Override::Changed(Overlay { categories: Some(held), .. })) => held,
                _ => &current.event.categories,
            };
            let (set, inherit) = overlay_patch(change, held)?;
            Ok(Some(wire::OverridePatch { cancelled: cancelled.then_some(false), set, inherit }))
        }
    }
}

/// The fields an occurrence has of its own.
fn overlay_fields(overlay: &Overlay, held: &Categories) -> Result<Fields, String> {
    let (start, end) = match &overlay.span {
        None => (None, None),
        Some(own) => span(own).map(|(start, end)| (Some(start), Some(end)))?,
    };
    Ok(Fields {
        start,
        end,
        subject: overlay.subject.as_deref().map(line),
        place: overlay.place.as_deref().map(line),
        notes: overlay.notes.as_ref().map(notes),
        kind: overlay.categories.as_ref().map(|categories| kind(categories, held)),
        busy: overlay.busy.map(busy),
        private: overlay.sensitivity.map(calsync_core::model::Sensitivity::is_private),
        reminder: overlay.reminder.map(reminder),
        organiser: overlay.organizer.as_ref().map(person),
        attendees: overlay.attendees.as_ref().map(|list| list.iter().map(attendee).collect()),
        customer: overlay.customer.as_ref().map(|text| customer(text)),
        ..Fields::default()
    })
}

/// Splits a change of an occurrence into what it has of its own now and what is the series' again.
fn overlay_patch(patch: &OverlayPatch, held: &Categories) -> Result<(Fields, Vec<String>), String> {
    let mut now = Overlay::default();
    patch.apply(&mut now);
    let mut inherit = Vec::new();
    let mut follows = |back: bool, members: &[&str]| {
        if back {
            inherit.extend(members.iter().map(|member| (*member).to_owned()));
        }
    };
    follows(patch.span.as_ref().is_some_and(|change| change.to.is_none()), &["start", "end"]);
    follows(patch.subject.as_ref().is_some_and(|change| change.to.is_none()), &["subject"]);
    follows(patch.place.as_ref().is_some_and(|change| change.to.is_none()), &["place"]);
    follows(patch.notes.as_ref().is_some_and(|change| change.to.is_none()), &["notes"]);
    follows(patch.categories.as_ref().is_some_and(|change| change.to.is_none()), &["type"]);
    follows(patch.busy.as_ref().is_some_and(|change| change.to.is_none()), &["busy"]);
    follows(patch.sensitivity.as_ref().is_some_and(|change| change.to.is_none()), &["private"]);
    follows(patch.reminder.as_ref().is_some_and(|change| change.to.is_none()), &["reminder"]);
    follows(patch.organizer.as_ref().is_some_and(|change| change.to.is_none()), &["organiser"]);
    follows(patch.attendees.as_ref().is_some_and(|change| change.to.is_none()), &["attendees"]);
    follows(patch.customer.as_ref().is_some_and(|change| change.to.is_none()), &["customer"]);
    Ok((overlay_fields(&now, held)?, inherit))
}

fn set_recurrence(fields: &mut Fields, recurrence: Option<&Recurrence>, start: &When) {
    fields.rule = Some(recurrence.map(|recurrence| rule(recurrence, start)));
    fields.rdates = Some(
        recurrence.into_iter().flat_map(|recurrence| &recurrence.dates).map(RecurrenceId::to_text).collect(),
    );
}

/// RRULE text. `UNTIL` has the form RFC 5545 section 3.3.10 asks for: a date beside dates, else an instant in UTC.
fn rule(recurrence: &Recurrence, start: &When) -> String {
    let rule = &recurrence.rule;
    let End::Until(until) = rule.end() else {
        return rule.to_string();
    };
    let day_end = NaiveTime::from_hms_opt(23, 59, 59).unwrap_or(NaiveTime::MIN);
    let instant = |local| start.with_local(local).instant();
    let fitting = match (start, until) {
        (When::Date(_), Until::Date(_))
        | (When::Floating(_) | When::Utc(_) | When::Zoned { .. }, Until::Utc(_)) => Some(until),
        (When::Date(_), Until::Local(local)) => Some(Until::Date(local.date())),
        (When::Date(_), Until::Utc(at)) => Some(Until::Date(at.date_naive())),
        (_, Until::Local(local)) => instant(local).map(Until::Utc),
        (_, Until::Date(date)) => instant(date.and_time(day_end)).map(Until::Utc),
    };
    rule.clone().with_end(End::Until(fitting.unwrap_or(until))).to_string()
}

fn span(span: &Span) -> Result<(Moment, Moment), String> {
    Ok((moment(&span.start)?, moment(&span.end)?))
}

fn moment(when: &When) -> Result<Moment, String> {
    match when {
        When::Date(date) => Ok(Moment::Date { date: *date }),
        When::Utc(instant) => {
            Ok(Moment::Zoned { at: instant.naive_utc(), zone: "UTC".to_owned(), later: false })
        }
        When::Zoned { local, zone } => {
            Ok(Moment::Zoned { at: *local, zone: zone.name().to_owned(), later: false })
        }
        When::Floating(_) => Err("the NVS Calender holds no times without a zone; give it a zone".to_owned()),
    }
}

fn notes(notes: &Notes) -> Option<wire::Notes> {
    let format = match notes.format {
        NotesFormat::Plain => wire::NotesFormat::Plain,
        NotesFormat::Html => wire::NotesFormat::Html,
    };
    (!notes.is_empty()).then(|| wire::Notes { format, text: notes.text.clone() })
}

/// The one type of an NVS appointment: the one it has while that is among the categories, else the first of them.
fn kind(categories: &Categories, held: &Categories) -> Option<String> {
    categories.intersection(held).next().or_else(|| categories.first()).map(|category| line(category))
}

fn busy(busy: Busy) -> BusyStatus {
    match busy {
        Busy::Free => BusyStatus::Free,
        Busy::Tentative => BusyStatus::Tentative,
        Busy::Busy => BusyStatus::Busy,
        Busy::OutOfOffice => BusyStatus::OutOfOffice,
        Busy::WorkingElsewhere => BusyStatus::WorkingElsewhere,
    }
}

fn reminder(reminder: Reminder) -> Option<u32> {
    match reminder {
        Reminder::Off => None,
        Reminder::Minutes(minutes) => Some(minutes),
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn customer(customer: &str) -> Option<String> {
    text(&line(customer))
}

/// The longest text of one line.
const LINE: usize = 1024;

/// A text as one line: NVS has neither line ends nor tabs in it, and no longer ones.
pub(super) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_gap = false;
    for c in text.chars().take(LINE) {
        match c.is_control() {
            false => out.push(c),
            true if !in_gap => out.push(' '),
            true => {}
        }
        in_gap = c.is_control();
    }
    out
}

fn person(person: &Person) -> Option<wire::Person> {
    (!person.is_nobody()).then(|| wire::Person { name: text(&person.name), address: text(&person.address) })
}

fn attendee(attendee: &Attendee) -> wire::Attendee {
    wire::Attendee {
        name: text(&attendee.person.name),
        address: text(&attendee.person.address),
        role: match attendee.participation {
            Participation::Required => AttendeeRole::Required,
            Participation::Optional => AttendeeRole::Optional,
            Participation::Resource => AttendeeRole::Resource,
        },
        response: ResponseStatus::None,
    }
}
