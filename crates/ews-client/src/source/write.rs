//! From the model to what is written.
//!
//! Nothing here asks a server. Times always go with an explicit offset and with their zone, so that no rule about missing
//! offsets applies, and start, end, all-day mark and zones always go together. Organiser and attendees are never
//! written: whoever writes them becomes the organiser and may one day mail everybody.

use calsync_core::ids::CreateToken;
use calsync_core::model::{Busy, Event, Field, Reminder, Sensitivity, Series, Span, When};
use calsync_core::source::Receipt;
use calsync_core::zone::{Resolved, Zone};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::{notes, properties};
use crate::recurrence::{self, day_name};
use crate::version::Version;
use crate::wire::{
    self, BusyStatus, FieldChange, FieldRef, MeetingTimeZone, Pattern, Property, Range, ZoneDefinition,
};
use crate::zones;

/// Why Exchange cannot hold something; for people.
pub(super) type NotHeld = String;

/// The longest UID that is given to a new item.
pub(super) const MAX_UID: usize = 255;

/// What the writing depends on besides the content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    /// Where the mailbox owner sits.
    pub(super) home: &'a Zone,
    /// What the server knows.
    pub(super) version: Version,
}

/// All properties of a new item, without receipt.
pub(super) fn new_item(
    series: &Series,
    token: &CreateToken,
    setting: Setting<'_>,
) -> Result<Vec<Property>, NotHeld> {
    let event = &series.event;
    let mut properties = vec![properties::text(properties::TOKEN, token.as_str())];
    if keeps_uid(series) {
        properties.push(Property::Uid(series.uid.as_str().to_owned()));
    }
    for field in Field::ALL {
        if field != Field::Span {
            properties.extend(values(field, event).into_iter().filter(says_something));
        }
    }
    properties.extend(times(series, setting)?);
    Ok(properties)
}

/// Whether an item that is made of it has its UID; else Exchange gives it one of its own.
pub(super) fn keeps_uid(series: &Series) -> bool {
    (1..=MAX_UID).contains(&series.uid.as_str().len())
}

/// An empty text or list needs not be said of a new item.
fn says_something(property: &Property) -> bool {
    match property {
        Property::Categories(list) => !list.is_empty(),
        Property::Body(body) => !body.text.is_empty(),
        Property::Location(text) => !text.is_empty(),
        Property::Extended(property) => property.single().is_some_and(|value| !value.is_empty()),
        _ => true,
    }
}

/// What turns these fields of an item into what `event` says. `Span` is left to [`time_changes`].
pub(super) fn field_changes(fields: &[Field], event: &Event) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for field in fields.iter().filter(|field| **field != Field::Span) {
        for property in values(*field, event) {
            changes.push(match (&property, says_something(&property)) {
                (Property::Categories(_) | Property::Extended(_), false) => {
                    FieldChange::Delete(property.field())
                }
                _ => FieldChange::Set(property),
            });
        }
    }
    changes
}

/// Start, end, all-day mark and zones, and the recurrence if there is one.
pub(super) fn time_changes(series: &Series, setting: Setting<'_>) -> Result<Vec<FieldChange>, NotHeld> {
    Ok(times(series, setting)?.into_iter().map(FieldChange::Set).collect())
}

/// Leaves the zone of a single appointment alone where both its times are known and to be as instants: it may be of a
/// zone that only the server knows, and says UTC nowhere.
pub(super) fn keep_zone(changes: &mut Vec<FieldChange>, was: &Span, new: &Series) {
    let are_instants = |span: &Span| matches!((&span.start, &span.end), (When::Utc(_), When::Utc(_)));
    if new.recurrence.is_some() || !are_instants(was) || !are_instants(&new.event.span) {
        return;
    }
    changes.retain(|change| match change {
        FieldChange::Set(
            Property::StartTimeZone(_) | Property::EndTimeZone(_) | Property::MeetingTimeZone(_),
        ) => false,
        FieldChange::Set(Property::Extended(property)) => property.field != properties::ZONES,
        FieldChange::Set(_) | FieldChange::Delete(_) => true,
    });
}

/// The times of a series with a recurrence that has nothing in common with its own, for a moment: one occurrence, the
/// first one.
pub(super) fn stub_changes(series: &Series, setting: Setting<'_>) -> Result<Vec<FieldChange>, NotHeld> {
    let mut properties = times(series, setting)?;
    for property in &mut properties {
        if let Property::Recurrence(recurrence) = property {
            let interval = if recurrence.pattern == (Pattern::Daily { interval: 1 }) { 2 } else { 1 };
            recurrence.pattern = Pattern::Daily { interval };
            recurrence.range = Range::Numbered { start: recurrence.range.start(), count: 1 };
        }
    }
    Ok(properties.into_iter().map(FieldChange::Set).collect())
}

/// The change that makes a single appointment of a series.
pub(super) fn no_recurrence() -> FieldChange {
    FieldChange::Delete(FieldRef::Named("calendar:Recurrence"))
}

/// Start and end of one occurrence. Its zone is that of its series and is not written; `reckoning` is that zone, for
/// midnights.
pub(super) fn instance_times(span: &Span, reckoning: &Zone, series_is_all_day: bool) -> Vec<FieldChange> {
    let mut changes = vec![
        FieldChange::Set(Property::Start(moment(&span.start, reckoning))),
        FieldChange::Set(Property::End(moment(&span.end, reckoning))),
    ];
    if span.is_all_day() != series_is_all_day {
        changes.push(FieldChange::Set(Property::IsAllDayEvent(span.is_all_day())));
    }
    changes
}

/// The receipt as a change.
pub(super) fn receipt_change(receipt: &Receipt) -> Option<FieldChange> {
    properties::receipt(receipt).map(FieldChange::Set)
}

fn values(field: Field, event: &Event) -> Vec<Property> {
    match field {
        // Times need more than the event, and nobody's meeting is made here.
        Field::Span | Field::Organizer | Field::Attendees | Field::Meeting | Field::Attachments => Vec::new(),
        Field::Subject => vec![Property::Subject(event.subject.clone())],
        Field::Place => vec![Property::Location(event.place.clone())],
        Field::Notes => vec![Property::Body(notes::body(&event.notes))],
        Field::Categories => vec![Property::Categories(event.categories.iter().cloned().collect())],
        Field::Busy => vec![Property::LegacyFreeBusyStatus(match event.busy {
            Busy::Free => BusyStatus::Free,
            Busy::Tentative => BusyStatus::Tentative,
            Busy::Busy => BusyStatus::Busy,
            Busy::OutOfOffice => BusyStatus::OutOfOffice,
            Busy::WorkingElsewhere => BusyStatus::WorkingElsewhere,
        })],
        Field::Sensitivity => vec![Property::Sensitivity(match event.sensitivity {
            Sensitivity::Normal => wire::Sensitivity::Normal,
            Sensitivity::Personal => wire::Sensitivity::Personal,
            Sensitivity::Private => wire::Sensitivity::Private,
            Sensitivity::Confidential => wire::Sensitivity::Confidential,
        })],
        // Servers set a reminder of their own when none is mentioned.
        Field::Reminder => match event.reminder {
            Reminder::Off => vec![Property::ReminderIsSet(false)],
            Reminder::Minutes(minutes) => {
                vec![Property::ReminderIsSet(true), Property::ReminderMinutesBeforeStart(minutes)]
            }
        },
        Field::Customer => vec![properties::text(properties::CUSTOMER, event.customer.as_str())],
    }
}

fn times(series: &Series, setting: Setting<'_>) -> Result<Vec<Property>, NotHeld> {
    let mut span = series.event.span.clone();
    let mut recurrence = None;
    let mut week = None;
    if let Some(pattern) = &series.recurrence {
        if !pattern.dates.is_empty() {
            return Err("Exchange has no series with additional dates".to_owned());
        }
        let times = recurrence::Series {
            start: span.start.local(),
            all_day: span.is_all_day(),
            zone: span.start.zone(),
        };
        let first_day_known = setting.version >= Version::Exchange2010Sp1;
        let found = recurrence::to_exchange(&pattern.rule, times, first_day_known)
            .map_err(|error| format!("Exchange cannot hold this series: it {error}"))?;
        span = starting_at(&span, found.start);
        refuse_gaps(&span)?;
        if let Pattern::Weekly { first_day: None, .. } = found.recurrence.pattern {
            week = Some(properties::text(properties::WEEK, day_name(pattern.rule.week_start()).as_wire()));
        }
        recurrence = Some(Property::Recurrence(found.recurrence));
    }
    let mut properties = span_properties(&span, setting.home, recurrence.is_some())?;
    properties.extend(recurrence);
    properties.extend(week);
    Ok(properties)
}

/// Exchange keeps the times of a series as those of its first occurrence, as instants: where the clocks skip one of them
/// on that day, all other occurrences would have another time.
fn refuse_gaps(first: &Span) -> Result<(), NotHeld> {
    let skipped = |when: &When| match when {
        When::Zoned { local, zone } => matches!(zone.resolve(*local), Resolved::Gap(_)),
        When::Date(_) | When::Floating(_) | When::Utc(_) => false,
    };
    if skipped(&first.start) || skipped(&first.end) {
        return Err(
            "Exchange cannot hold this series: on its first day the clocks skip its start or end, let it \
                    begin on another day"
                .to_owned(),
        );
    }
    Ok(())
}

/// The span moved to another start, with the same length on the clock.
pub(super) fn starting_at(span: &Span, start: NaiveDateTime) -> Span {
    let length = span.end.local().signed_duration_since(span.start.local());
    let end = start.checked_add_signed(length).unwrap_or(start);
    Span { start: span.start.with_local(start), end: span.end.with_local(end) }
}

/// Start, end, all-day mark and zones.
fn span_properties(span: &Span, home: &Zone, recurs: bool) -> Result<Vec<Property>, NotHeld> {
    let start_zone = zone_of(&span.start, home);
    let end_zone = zone_of(&span.end, home);
    let start_id = windows_id(&start_zone, span, recurs)?;
    let end_id = windows_id(&end_zone, span, recurs)?;
    let mut properties = vec![
        Property::StartTimeZone(ZoneDefinition::by_id(&start_id)),
        Property::EndTimeZone(ZoneDefinition::by_id(&end_id)),
        Property::MeetingTimeZone(MeetingTimeZone::by_name(&start_id)),
        Property::IsAllDayEvent(span.is_all_day()),
        Property::Start(moment(&span.start, &start_zone)),
        Property::End(moment(&span.end, &end_zone)),
    ];
    if !span.is_all_day() {
        let names = format!("{}|{}", start_zone.name(), end_zone.name());
        properties.push(properties::text(properties::ZONES, names));
    }
    Ok(properties)
}

/// The zone in which a point is reckoned: its own, or the owner's where it has none.
fn zone_of(when: &When, home: &Zone) -> Zone {
    match when {
        When::Zoned { zone, .. } => zone.clone(),
        When::Utc(_) => Zone::utc(),
        When::Date(_) | When::Floating(_) => home.clone(),
    }
}

/// The name by which Exchange knows a zone.
///
/// A single appointment in a zone that Windows lacks goes by the clocks at that time; a series needs clocks that agree for
/// years.
fn windows_id(zone: &Zone, span: &Span, recurs: bool) -> Result<String, NotHeld> {
    if super::read::is_utc(zone) {
        return Ok("UTC".to_owned());
    }
    let begin = span.start.instant().unwrap_or_else(|| zone.to_utc(span.start.local()));
    let margin = TimeDelta::days(if recurs { 3 * 366 } else { 2 });
    let from = begin.checked_sub_signed(TimeDelta::days(2)).unwrap_or(begin);
    let to = begin.checked_add_signed(margin).unwrap_or(begin);
    zones::windows_id_by_rules(zone, &(from..to))
        .map(str::to_owned)
        .ok_or_else(|| format!("Exchange has no time zone with the clocks of {zone}"))
}

/// A moment with the offset that holds there.
fn moment(when: &When, zone: &Zone) -> wire::DateTime {
    let utc = when.instant().unwrap_or_else(|| zone.to_utc(when.local()));
    with_offset(utc, zone)
}

fn with_offset(utc: DateTime<Utc>, zone: &Zone) -> wire::DateTime {
    let seconds = zone.offset_at(utc).local_minus_utc();
    match i16::try_from(seconds / 60) {
        // The wire has no offsets with seconds, as local mean times do.
        Ok(minutes) if seconds % 60 == 0 && minutes.abs() <= 14 * 60 => {
            wire::DateTime::with_offset(zone.to_local(utc), minutes)
        }
        _ => wire::DateTime::utc(utc.naive_utc()),
    }
}
