//! Carrying out an [`Edit`]: new items, changed items, changed occurrences.
//!
//! The rules of a real server that matter for synchronisation live here: whole days are cut in the creation zone, changing
//! only the zone keeps the wall clock, a new pattern or start drops every exception, an occurrence stays between its
//! neighbours. Used by the operations and by the people who act on the store directly.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::edit::Edit;
use super::faults::Refusal;
use super::ids;
use super::item::{Attendee, Item, Meeting, Role, Series, View, When};
use super::recurrence::{End, Recurrence};
use super::series::{check_recurrence, check_span};
use super::time::{WireTime, civil};
use super::world::Mailbox;
use super::zones::Zone;

/// Reminder that a calendar item has when its creator says nothing.
const DEFAULT_REMINDER: u32 = 15;

/// Makes a new item and puts it into a folder; returns its number.
pub(crate) fn create(
    mailbox: &mut Mailbox,
    folder: u64,
    edit: &Edit,
    context_zone: Option<&Zone>,
    now: Timestamp,
    by: &str,
) -> Result<u64, Refusal> {
    let zone = edit.zone.as_ref().or(context_zone).cloned().unwrap_or_else(Zone::utc);
    let end_zone = edit.end_zone.clone().unwrap_or_else(|| zone.clone());
    let start = match edit.start {
        Some(start) => instant(start, &zone)?,
        None => next_half_hour(now),
    };
    let end = match edit.end {
        Some(end) => instant(end, edit.end_zone.as_ref().or(context_zone).unwrap_or(&zone))?,
        None => start + SignedDuration::from_mins(30),
    };
    let all_day = edit.all_day.unwrap_or(false);
    let (start, end) = whole_days(all_day, start, end, &zone);
    check_span(start, end)?;
    let mut when = When { start, end, zone, end_zone, all_day };
    let series = match &edit.recurrence {
        Some(recurrence) => Some(start_series(recurrence.clone(), &mut when)?),
        None => None,
    };
    let mut content = edit.content.clone();
    content.reminder_set.get_or_insert(true);
    content.reminder_minutes.get_or_insert(DEFAULT_REMINDER);
    content.busy.get_or_insert_with(|| "Busy".to_owned());
    drop_empty(&mut content);
    let number_hint = mailbox.latest_change();
    let uid = edit.uid.clone().unwrap_or_else(|| {
        let ticks = u64::try_from(now.as_second()).unwrap_or(0).saturating_add(11_644_473_600) * 10_000_000;
        ids::new_uid(&mailbox.guid, number_hint, ticks)
    });
    let organizer = Attendee {
        name: mailbox.name.clone(),
        address: mailbox.address.clone(),
        response: "Organizer".to_owned(),
    };
    let item = Item {
        number: 0,
        folder,
        change: 0,
        uid,
        created: now,
        modified: now,
        modified_before: now,
        modified_by: by.to_owned(),
        when,
        content,
        meeting: Meeting {
            role: Role::Own,
            organizer,
            request_sent: false,
            cancelled: false,
            my_response: "Organizer".to_owned(),
            sequence: 0,
        },
        series,
        files: Vec::new(),
        next_file: 0,
        touched: std::collections::BTreeMap::new(),
        foreign_class: None,
        spoilt: None,
    };
    Ok(mailbox.put(item, folder, now))
}

/// Changes a single item or a master in place.
pub(crate) fn update(item: &mut Item, edit: &Edit, context_zone: Option<&Zone>) -> Result<(), Refusal> {
    if item.meeting.role == Role::Attendee {
        refuse_organizer_fields(edit)?;
    }
    let mut new = item.clone();
    new.content = new.content.under(&edit.content);
    for key in &edit.cleared_extended {
        new.content.extended.remove(key);
    }
    drop_empty(&mut new.content);
    if let Some(uid) = &edit.uid {
        new.uid.clone_from(uid);
    }
    new.when = changed_when(&item.when, edit, context_zone)?;
    change_series(item, &mut new, edit)?;
    if new.content.has_attendees() && new.when != item.when {
        new.meeting.sequence += 1;
    }
    *item = new;
    Ok(())
}

/// Changes one occurrence in place; it becomes an exception.
pub(crate) fn update_occurrence(
    item: &mut Item,
    day: Date,
    edit: &Edit,
    context_zone: Option<&Zone>,
    now: Timestamp,
) -> Result<(), Refusal> {
    item.standing(day)?;
    for (refused, uri) in [
        (edit.recurrence.is_some(), "calendar:Recurrence"),
        (edit.uid.is_some(), "calendar:UID"),
        (edit.fields.iter().any(|f| f == "calendar:MeetingTimeZone"), "calendar:MeetingTimeZone"),
    ] {
        if refused {
            return Err(
                Refusal::new("ErrorInvalidPropertySet", "Set action is invalid for property.").field(uri)
            );
        }
    }
    if edit.clear_recurrence {
        return Err(Refusal::new("ErrorInvalidPropertyDelete", "Delete action is invalid for property.")
            .field("calendar:Recurrence"));
    }
    if item.meeting.role == Role::Attendee {
        refuse_organizer_fields(edit)?;
    }
    let view = View { item, occurrence: Some(day) };
    let (old_start, old_end) = view.span();
    let all_day = edit.all_day.unwrap_or(view.all_day());
    let fallback = edit.zone.as_ref().or(context_zone).cloned().unwrap_or_else(Zone::utc);
    let start = edit.start.map_or(Ok(old_start), |t| instant(t, &fallback))?;
    let end = edit.end.map_or(Ok(old_end), |t| instant(t, edit.end_zone.as_ref().unwrap_or(&fallback)))?;
    let (start, end) = whole_days(all_day, start, end, &item.when.zone);
    check_span(start, end)?;
    let moved = (start, end) != (old_start, old_end);
    if moved {
        item.check_boundaries(day, start, end)?;
    }
    let series_all_day = item.when.all_day;
    if let Some(exception) = item.exception_mut(day) {
        exception.content = exception.content.under(&edit.content);
        for key in &edit.cleared_extended {
            // An empty list hides the master's value.
            exception.content.extended.insert(key.clone(), Vec::new());
        }
        if moved || exception.span.is_some() {
            exception.span = Some((start, end));
        }
        exception.all_day =
            (all_day != series_all_day).then_some(all_day).or(exception.all_day.map(|_| all_day));
        exception.modified = now;
    }
    Ok(())
}

/// A copy of somebody else's meeting only takes what concerns its own reader.
fn refuse_organizer_fields(edit: &Edit) -> Result<(), Refusal> {
    const REFUSED: [&str; 8] = [
        "calendar:RequiredAttendees",
        "calendar:OptionalAttendees",
        "calendar:Resources",
        "calendar:StartTimeZone",
        "calendar:EndTimeZone",
        "calendar:MeetingTimeZone",
        "calendar:Recurrence",
        "calendar:IsResponseRequested",
    ];
    match edit.fields.iter().find(|f| REFUSED.contains(&f.as_str())) {
        Some(field) => {
            Err(Refusal::new("ErrorInvalidPropertySet", "Set action is invalid for property.").field(field))
        }
        None => Ok(()),
    }
}

fn instant(time: WireTime, fallback: &Zone) -> Result<Timestamp, Refusal> {
    time.instant(fallback)
        .ok_or_else(|| Refusal::new("ErrorCalendarOutOfRange", "The calendar date or time is out of range."))
}

fn next_half_hour(now: Timestamp) -> Timestamp {
    let seconds = now.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(1800) + 1800).unwrap_or(now)
}

/// Start floored and end ceiled to midnight in the zone.
fn whole_days(all_day: bool, start: Timestamp, end: Timestamp, zone: &Zone) -> (Timestamp, Timestamp) {
    if !all_day {
        return (start, end);
    }
    let first = civil(start, zone).date();
    let last = civil(end, zone).date();
    // Midnight is when the day begins, also where the clocks skip twelve o'clock.
    let mut after =
        if zone.instant(last.at(0, 0, 0, 0)) == end { last } else { last.tomorrow().unwrap_or(last) };
    if after <= first {
        after = first.tomorrow().unwrap_or(first);
    }
    (zone.instant(first.at(0, 0, 0, 0)), zone.instant(after.at(0, 0, 0, 0)))
}

fn changed_when(old: &When, edit: &Edit, context_zone: Option<&Zone>) -> Result<When, Refusal> {
    let zone = edit.zone.clone().unwrap_or_else(|| old.zone.clone());
    let end_zone =
        edit.end_zone.clone().or_else(|| edit.zone.clone()).unwrap_or_else(|| old.end_zone.clone());
    let fallback = edit.zone.as_ref().or(context_zone).cloned().unwrap_or_else(Zone::utc);
    // A new zone without a new time keeps the wall clock, so the instant moves.
    let start = match edit.start {
        Some(start) => instant(start, &fallback)?,
        None if zone != old.zone => zone.instant(civil(old.start, &old.zone)),
        None => old.start,
    };
    let end = match edit.end {
        Some(end) => instant(end, edit.end_zone.as_ref().unwrap_or(&fallback))?,
        None if zone != old.zone && edit.start.is_none() => end_zone.instant(civil(old.end, &old.end_zone)),
        None => old.end,
    };
    let all_day = edit.all_day.unwrap_or(old.all_day);
    let (start, end) = whole_days(all_day, start, end, &zone);
    check_span(start, end)?;
    Ok(When { start, end, zone, end_zone, all_day })
}

/// Makes a series of an item: the first day on the pattern becomes its start.
fn start_series(mut recurrence: Recurrence, when: &mut When) -> Result<Series, Refusal> {
    let start = when.reading(when.start);
    let end = when.reading(when.end);
    check_recurrence(&recurrence, start, end)?;
    if let Some(first) = recurrence.first() {
        let new_start = first.to_datetime(start.time());
        let new_end = new_start.saturating_add(start.duration_until(end));
        when.start = when.zone.instant(new_start);
        when.end = when.zone.instant(new_end);
        if when.end < when.start {
            // The clocks skip the start on that day: the appointment moves as a whole.
            when.end = when.start + start.duration_until(end);
        }
        recurrence.start = first;
    }
    Ok(Series::new(recurrence))
}

fn change_series(old: &Item, new: &mut Item, edit: &Edit) -> Result<(), Refusal> {
    if edit.clear_recurrence {
        new.series = None;
        return Ok(());
    }
    let Some(series) = &old.series else {
        if let Some(recurrence) = &edit.recurrence {
            new.series = Some(start_series(recurrence.clone(), &mut new.when)?);
        }
        return Ok(());
    };
    if edit.recurrence.is_none() && new.when == old.when {
        return Ok(());
    }
    let recurrence = edit.recurrence.clone().unwrap_or_else(|| {
        let start = civil(new.when.start, &new.when.zone).date();
        Recurrence { start, ..series.recurrence.clone() }
    });
    let mut fresh = start_series(recurrence, &mut new.when)?;
    let same_rhythm = fresh.recurrence.pattern == series.recurrence.pattern
        && new.when.zone == old.when.zone
        && new.when.all_day == old.when.all_day
        && new.when.start == old.when.start;
    if same_rhythm {
        // Only the end of the range, or the length, changed: what still lies within it is kept.
        let last = match fresh.recurrence.end {
            End::Day(day) => Some(day),
            End::Never => None,
            End::Count(_) => fresh.recurrence.last(),
        };
        let within = |day: &Date| last.is_none_or(|last| *day <= last);
        fresh.exceptions =
            series.exceptions.iter().filter(|(day, _)| within(day)).map(|(d, e)| (*d, e.clone())).collect();
        fresh.deleted = series.deleted.iter().copied().filter(within).collect();
    }
    new.series = Some(fresh);
    if new.standing_days(Date::MIN).next().is_none() {
        return Err(Refusal::new(
            "ErrorRecurrenceHasNoOccurrence",
            "The recurrence has no occurrence instances in the specified range.",
        ));
    }
    Ok(())
}

/// On a stored item, an empty list or text is an absent one.
fn drop_empty(content: &mut super::item::Content) {
    for text in [&mut content.subject, &mut content.location] {
        if text.as_ref().is_some_and(String::is_empty) {
            *text = None;
        }
    }
    if content.categories.as_ref().is_some_and(Vec::is_empty) {
        content.categories = None;
    }
    if content.body.as_ref().is_some_and(|b| b.text.is_empty()) {
        content.body = None;
    }
}
