//! Points and spans of time as people mean them: dates, wall clocks in a zone, instants.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::zone::Zone;

/// A point in time in one of the forms of RFC 5545 section 3.3.4 and 3.3.5.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// A calendar day, the same day everywhere.
    Date(NaiveDate),
    /// A wall clock reading without a zone.
    Floating(NaiveDateTime),
    /// An instant.
    Utc(DateTime<Utc>),
    /// A wall clock reading in a zone; the zone's rules decide which instant it is.
    Zoned {
        /// What the clock on the wall shows.
        local: NaiveDateTime,
        /// Where the wall is.
        zone: Zone,
    },
}

impl When {
    /// The wall clock reading: midnight for dates, UTC for instants.
    pub fn local(&self) -> NaiveDateTime {
        match self {
            When::Date(date) => date.and_time(chrono::NaiveTime::MIN),
            When::Floating(local) | When::Zoned { local, .. } => *local,
            When::Utc(instant) => instant.naive_utc(),
        }
    }

    /// The instant; `None` for dates and floating times, which have none of their own.
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        match self {
            When::Date(_) | When::Floating(_) => None,
            When::Utc(instant) => Some(*instant),
            When::Zoned { local, zone } => Some(zone.to_utc(*local)),
        }
    }

    /// The zone whose wall clock it is.
    pub fn zone(&self) -> Option<&Zone> {
        match self {
            When::Zoned { zone, .. } => Some(zone),
            When::Date(_) | When::Floating(_) | When::Utc(_) => None,
        }
    }

    /// The same form and zone with another wall clock reading; dates drop the time of day.
    #[must_use]
    pub fn with_local(&self, local: NaiveDateTime) -> When {
        match self {
            When::Date(_) => When::Date(local.date()),
            When::Floating(_) => When::Floating(local),
            When::Utc(_) => When::Utc(local.and_utc()),
            When::Zoned { zone, .. } => When::Zoned { local, zone: zone.clone() },
        }
    }

    /// Whether both name the same point: the same date, or the same instant however it is written.
    pub fn same_point(&self, other: &When) -> bool {
        match (self.instant(), other.instant()) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => self == other,
        }
    }
}

/// From a start to an exclusive end. All-day spans are two dates, never instants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// When it begins.
    pub start: When,
    /// When it is over; the first point that no longer belongs to it.
    pub end: When,
}

impl Span {
    /// Whole days from `first` to `last`, both included.
    pub fn days(first: NaiveDate, last: NaiveDate) -> Span {
        let after = last.checked_add_days(Days::new(1)).unwrap_or(last);
        Span { start: When::Date(first), end: When::Date(after) }
    }

    /// Wall clock readings in one zone.
    pub fn zoned(start: NaiveDateTime, end: NaiveDateTime, zone: &Zone) -> Span {
        let at = |local| When::Zoned { local, zone: zone.clone() };
        Span { start: at(start), end: at(end) }
    }

    /// Whether this is a range of dates.
    pub fn is_all_day(&self) -> bool {
        matches!(self.start, When::Date(_))
    }

    /// Whether both cover the same time, however it is written.
    pub fn same_time(&self, other: &Span) -> bool {
        self.start.same_point(&other.start) && self.end.same_point(&other.end)
    }
}

/// Names an instance of a series by the start that the rule gave it, in the series' own terms (RFC 5545
/// `RECURRENCE-ID`): a date for all-day series, else the wall clock in the series' zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecurrenceId {
    /// Of an all-day series.
    Date(NaiveDate),
    /// Of a timed series.
    Local(NaiveDateTime),
}

impl RecurrenceId {
    /// The id of the instance that the rule starts at `local` in a series that starts at `start`.
    pub fn of(start: &When, local: NaiveDateTime) -> RecurrenceId {
        match start {
            When::Date(_) => RecurrenceId::Date(local.date()),
            When::Floating(_) | When::Utc(_) | When::Zoned { .. } => RecurrenceId::Local(local),
        }
    }

    /// The wall clock reading; midnight for dates.
    pub fn local(&self) -> NaiveDateTime {
        match self {
            RecurrenceId::Date(date) => date.and_time(chrono::NaiveTime::MIN),
            RecurrenceId::Local(local) => *local,
        }
    }

    /// `2026-11-24` or `2026-11-24T08:00:00`: the form for keys in JSON and on the wire.
    pub fn to_text(&self) -> String {
        match self {
            RecurrenceId::Date(date) => date.format("%Y-%m-%d").to_string(),
            RecurrenceId::Local(local) => local.format("%Y-%m-%dT%H:%M:%S").to_string(),
        }
    }

    /// Reads what [`to_text`](Self::to_text) writes.
    pub fn from_text(text: &str) -> Option<RecurrenceId> {
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Some(RecurrenceId::Date(date));
        }
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok().map(RecurrenceId::Local)
    }
}
