//! Rules, zones and occurrences, for what the mock has to know about them.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use jiff::civil;
use jiff::tz::TimeZone;

use super::content::{Content, Moment, local};
use calsync_core::recur::Rule;

/// More than ten years of a daily series.
const MOST: usize = 5000;

/// The instant of a clock reading, `None` for an unknown zone. Dates have none; they count as midnight UTC.
pub(super) fn instant(moment: &Moment) -> Option<DateTime<Utc>> {
    match moment {
        Moment::Date { date } => Some(date.and_hms_opt(0, 0, 0)?.and_utc()),
        Moment::Clock { at, zone, later } => in_zone(*at, zone, *later),
    }
}

/// The instant of a wall clock reading: readings that a change of the clocks leaves out move on by the gap.
pub(super) fn in_zone(at: NaiveDateTime, zone: &str, later: bool) -> Option<DateTime<Utc>> {
    use chrono::{Datelike, Timelike};

    let zone = TimeZone::get(zone).ok()?;
    let civil = civil::DateTime::new(
        i16::try_from(at.year()).ok()?,
        i8::try_from(at.month()).ok()?,
        i8::try_from(at.day()).ok()?,
        i8::try_from(at.hour()).ok()?,
        i8::try_from(at.minute()).ok()?,
        i8::try_from(at.second()).ok()?,
        0,
    )
    .ok()?;
    let ambiguous = zone.to_ambiguous_zoned_datetime(civil);
    let zoned = if later { ambiguous.later() } else { ambiguous.compatible() }.ok()?;
    DateTime::from_timestamp(zoned.timestamp().as_second(), 0)
}

/// Whether the rule can be read and fits the form of start.
pub(super) fn check_rule(rule: &str, start: &Moment) -> Result<(), String> {
    rule.parse::<Rule>().map_err(|error| format!("is not a valid RRULE: {error}"))?;
    let until = rule.to_ascii_uppercase();
    let until = until.split(';').find_map(|part| part.strip_prefix("UNTIL=").map(str::to_owned));
    match (until, start) {
        (None, _) => Ok(()),
        (Some(until), Moment::Date { .. }) if until.len() == 8 => Ok(()),
        (Some(until), Moment::Clock { .. }) if until.len() == 16 && until.ends_with('Z') => Ok(()),
        (Some(_), Moment::Date { .. }) => Err("UNTIL must be a date, as start is".to_owned()),
        (Some(_), Moment::Clock { .. }) => Err("UNTIL must be in UTC, as 20261231T225959Z".to_owned()),
    }
}

fn wall(moment: &Moment) -> NaiveDateTime {
    match moment {
        Moment::Date { date } => date.and_time(chrono::NaiveTime::MIN),
        Moment::Clock { at, .. } => *at,
    }
}

fn key_of(content: &Content, at: NaiveDateTime) -> String {
    match content.start {
        Moment::Date { .. } => at.format("%Y-%m-%d").to_string(),
        Moment::Clock { .. } => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
    }
}

fn of_key(key: &str) -> Option<NaiveDateTime> {
    local(key).or_else(|| key.parse::<NaiveDate>().ok().map(|date| date.and_time(chrono::NaiveTime::MIN)))
}

/// Whether the series has an occurrence with this original start.
pub(super) fn is_occurrence(content: &Content, key: &str) -> bool {
    let Some(at) = of_key(key) else { return false };
    let Some(end) = at.checked_add_signed(TimeDelta::seconds(1)) else { return false };
    content.rdates.iter().any(|rdate| rdate == key) || starts(content, at, end).contains(&at)
}

/// Original starts within `[from, to)`, in order, cancelled ones included.
pub(super) fn starts(content: &Content, from: NaiveDateTime, to: NaiveDateTime) -> Vec<NaiveDateTime> {
    let first = wall(&content.start);
    let mut starts: Vec<NaiveDateTime> = match content.rule.as_deref().map(str::parse::<Rule>) {
        Some(Ok(rule)) => {
            let zone = zone_of(&content.start);
            rule.occurrences(first, zone.as_ref()).starting_at(from).ending_before(to).take(MOST).collect()
        }
        // Start counts as an occurrence of its own where dates are listed.
        Some(Err(_)) | None => vec![first],
    };
    starts.extend(content.rdates.iter().filter_map(|rdate| of_key(rdate)));
    starts.retain(|at| *at >= from && *at < to);
    starts.sort_unstable();
    starts.dedup();
    starts
}

fn zone_of(moment: &Moment) -> Option<calsync_core::zone::Zone> {
    match moment {
        Moment::Date { .. } => None,
        Moment::Clock { zone, .. } => calsync_core::zone::Zone::new(zone).ok(),
    }
}

/// Original starts within `[from, to)` of the occurrences that take place.
pub(super) fn standing(content: &Content, from: NaiveDateTime, to: NaiveDateTime) -> Vec<NaiveDateTime> {
    starts(content, from, to)
        .into_iter()
        .filter(|at| content.standing(&key_of(content, *at)).is_some())
        .collect()
}

/// Everything of the appointment that a person sees within `[from, to)`: single appointments as they are, series
/// occurrence by occurrence, wherever an override moved them.
pub(super) fn shown(content: &Content, from: NaiveDate, to: NaiveDate) -> Vec<Content> {
    if !content.is_series() {
        return vec![content.clone()].into_iter().filter(|one| overlaps(one, from, to)).collect();
    }
    let length = instant(&content.end)
        .zip(instant(&content.start))
        .map_or(TimeDelta::zero(), |(end, start)| end - start);
    // A day of zones on each side; overrides that were moved into the window come separately.
    let early = (from - Days::new(1)).and_time(chrono::NaiveTime::MIN) - length;
    let late = (to + Days::new(1)).and_time(chrono::NaiveTime::MIN);
    let mut keys: Vec<String> =
        starts(content, early, late).into_iter().map(|at| key_of(content, at)).collect();
    keys.extend(content.overrides.keys().cloned());
    keys.sort_unstable();
    keys.dedup();
    keys.iter().filter_map(|key| content.standing(key)).filter(|one| overlaps(one, from, to)).collect()
}

fn overlaps(content: &Content, from: NaiveDate, to: NaiveDate) -> bool {
    let (Some(start), Some(end)) = (instant(&content.start), instant(&content.end)) else { return false };
    let from = from.and_time(chrono::NaiveTime::MIN).and_utc();
    let to = to.and_time(chrono::NaiveTime::MIN).and_utc();
    start < to && (end > from || (end == start && start >= from))
}
