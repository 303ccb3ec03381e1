//! What people do at a calendar, and what they see in it.
//!
//! Both mock servers implement [`Calendars`], each in its own terms: the mock Exchange stores Exchange patterns and
//! expands them itself, the mock NVS stores RRULE text. Nothing here goes through HTTP or through a client of the
//! workspace, so that a mistake of a client cannot hide: this is the independent path by which demo and tests
//! compare two calendars.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, Weekday};
use serde::{Deserialize, Deserializer, Serialize};

/// An appointment as a person would type it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The text on the tile.
    pub subject: String,
    /// Where.
    pub place: String,
    /// Plain text.
    pub notes: String,
    /// Wall clock in `zone`; midnight for all-day appointments.
    pub start: NaiveDateTime,
    /// Exclusive end, wall clock in `zone`; midnight after the last day for all-day appointments.
    pub end: NaiveDateTime,
    /// IANA name.
    pub zone: String,
    /// A range of dates; `zone` is where the person sits.
    pub all_day: bool,
    /// NVS type, Exchange category.
    pub category: Option<String>,
    /// Free, busy and so on.
    pub busy: Busy,
    /// Only for the owner's eyes.
    pub private: bool,
    /// Minutes before the start.
    pub reminder: Option<u32>,
    /// NVS customer number.
    pub customer: Option<String>,
    /// `None` for a single appointment.
    pub repeat: Option<Repeat>,
}

impl Draft {
    /// A single appointment of that subject, wall clock of Europe/Berlin; everything else as nobody entered it.
    pub fn new(subject: impl Into<String>, start: NaiveDateTime, end: NaiveDateTime) -> Draft {
        Draft {
            subject: subject.into(),
            place: String::new(),
            notes: String::new(),
            start,
            end,
            zone: "Europe/Berlin".to_owned(),
            all_day: false,
            category: None,
            busy: Busy::Busy,
            private: false,
            reminder: None,
            customer: None,
            repeat: None,
        }
    }
}

/// Busy status as both systems show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Busy {
    /// Free.
    Free,
    /// Tentative.
    Tentative,
    /// Busy.
    Busy,
    /// Out of office.
    OutOfOffice,
    /// Working elsewhere (Exchange 2013 and later).
    WorkingElsewhere,
}

/// A recurrence that both systems can say; the first occurrence is the draft's own start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// How the dates follow each other.
    pub rhythm: Rhythm,
    /// Every how many days, weeks, months (ignored for yearly rhythms, which are always every year).
    pub every: u16,
    /// Where it stops.
    pub until: Until,
}

/// The rhythm of a [`Repeat`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rhythm {
    /// Every n days.
    Daily,
    /// On these days of every n-th week; weeks start on Monday.
    Weekly(Vec<Weekday>),
    /// On this day of the month, 1 to 28, or 31 for the last day.
    MonthlyOn(u8),
    /// On the n-th (1 to 4, or -1 for the last) such weekday of the month.
    MonthlyNth(i8, Weekday),
    /// Each year on the start's own month and day (never 29 February).
    Yearly,
}

/// The end of a [`Repeat`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    /// Never.
    Forever,
    /// After so many occurrences.
    Count(u32),
    /// On this day at the latest, inclusive.
    Day(NaiveDate),
}

/// What a person changes; `None` leaves the field alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Edit {
    /// New subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// New place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// New notes, plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// New notes with formatting: HTML as a program writes it; instead of `notes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// New start and exclusive end, wall clock in the appointment's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<(NaiveDateTime, NaiveDateTime)>,
    /// New category; `null` takes it away.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub category: Option<Option<String>>,
    /// New busy status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy: Option<Busy>,
    /// New privacy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// New reminder; `null` takes it away.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub reminder: Option<Option<u32>>,
    /// New customer; `null` takes it away.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub customer: Option<Option<String>>,
    /// New recurrence of the whole appointment; `null` makes it a single one. The first occurrence is its own start.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Option<Repeat>>,
}

/// A member that is present, be it `null`.
#[allow(
    clippy::option_option,
    reason = "the outer one says whether the member is there, the inner one whether it is `null`"
)]
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// One tile in the calendar, as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tile {
    /// `2026-11-24T08:00:00Z` (always UTC) or, for all-day, `2026-11-24`.
    pub start: String,
    /// Exclusive, same form.
    pub end: String,
    /// The text on the tile.
    pub subject: String,
    /// Where.
    pub place: String,
    /// Plain text with `\n` line ends and no blank space at the end.
    pub notes: String,
    /// NVS type, first Exchange category.
    pub category: Option<String>,
    /// Free, busy and so on.
    pub busy: Busy,
    /// Only for the owner's eyes.
    pub private: bool,
    /// Minutes before the start.
    pub reminder: Option<u32>,
    /// NVS customer number.
    pub customer: Option<String>,
    /// Whether the tile belongs to a series.
    pub recurring: bool,
}

/// A person at a calendar. `calendar` is a mailbox address or a calendar unit; `id` is the server's own.
///
/// Operations on something that is not there return `false` (or `None`), as a person finds it gone.
pub trait Calendars: Send + Sync {
    /// All calendars with their display names.
    fn calendars(&self) -> BTreeMap<String, String>;
    /// Ids of all appointments and series in storage order.
    fn list(&self, calendar: &str) -> Vec<String>;
    /// Enters an appointment.
    fn create(&self, calendar: &str, draft: &Draft) -> Option<String>;
    /// Changes an appointment or a whole series.
    fn edit(&self, calendar: &str, id: &str, edit: &Edit) -> bool;
    /// Deletes an appointment or a whole series (into the bin).
    fn delete(&self, calendar: &str, id: &str) -> bool;
    /// Changes one occurrence of a series, named by its original start (wall clock in the series' zone).
    fn edit_occurrence(&self, calendar: &str, id: &str, original: NaiveDateTime, edit: &Edit) -> bool;
    /// Deletes one occurrence of a series.
    fn delete_occurrence(&self, calendar: &str, id: &str, original: NaiveDateTime) -> bool;
    /// Original starts of the occurrences that still stand, within `[from, to)`, wall clock in the series' zone.
    fn occurrences(&self, calendar: &str, id: &str, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDateTime>;
    /// Everything a person sees within `[from, to)`, sorted.
    fn tiles(&self, calendar: &str, from: NaiveDate, to: NaiveDate) -> Vec<Tile>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_something_away_is_told_from_leaving_it_alone() {
        let edit = Edit { reminder: Some(None), private: Some(true), ..Edit::default() };
        let text = serde_json::to_string(&edit).unwrap();
        assert_eq!(text, r#"{"private":true,"reminder":null}"#);
        assert_eq!(serde_json::from_str::<Edit>(&text).unwrap(), edit);
    }
}
