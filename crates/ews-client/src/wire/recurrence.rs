//! `Recurrence` of a calendar item: one pattern, then one range.
//!
//! The two always travel together; Exchange has no way to change only one of them. Nothing is computed here, what a
//! pattern means is the subject of the mapping to the core's rules.

use chrono::NaiveDate;
use serde::Serialize;

use super::open_enum::{DayOfWeek, DayOfWeekIndex, MonthName};

/// A complete `Recurrence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recurrence {
    /// How it repeats.
    pub pattern: Pattern,
    /// From when and until when.
    pub range: Range,
}

/// The pattern of a recurrence, in the terms of the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Pattern {
    /// `DailyRecurrence`.
    Daily {
        /// Days between two occurrences, 1 to 999.
        interval: u32,
    },
    /// `WeeklyRecurrence`.
    Weekly {
        /// Weeks between two weeks with occurrences, 1 to 99.
        interval: u32,
        /// The days, in the order the server gave them.
        days: Vec<DayOfWeek>,
        /// Where a week begins; only Exchange 2010 SP1 and later know it. It matters when `interval` is above 1.
        first_day: Option<DayOfWeek>,
    },
    /// `AbsoluteMonthlyRecurrence`.
    AbsoluteMonthly {
        /// Months between two months with occurrences, 1 to 99.
        interval: u32,
        /// Day of the month, 1 to 31. Past the month's end it means the last day.
        day: u32,
    },
    /// `RelativeMonthlyRecurrence`.
    RelativeMonthly {
        /// Months between two months with occurrences, 1 to 99.
        interval: u32,
        /// The day, or the set of days that is counted.
        days: DayOfWeek,
        /// Which of them.
        index: DayOfWeekIndex,
    },
    /// `AbsoluteYearlyRecurrence`.
    AbsoluteYearly {
        /// Day of the month, 1 to 31. Past the month's end it means the last day.
        day: u32,
        /// The month.
        month: MonthName,
    },
    /// `RelativeYearlyRecurrence`.
    RelativeYearly {
        /// The day, or the set of days that is counted.
        days: DayOfWeek,
        /// Which of them.
        index: DayOfWeekIndex,
        /// The month.
        month: MonthName,
    },
    /// A pattern that calendar items do not have (`DailyRegeneration` and its kin) or that this client does not
    /// know: the name of its element.
    Other(String),
}

/// The range of a recurrence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Range {
    /// `NoEndRecurrence`.
    NoEnd {
        /// Date of the first occurrence, in the series' zone.
        start: NaiveDate,
    },
    /// `EndDateRecurrence`.
    EndDate {
        /// Date of the first occurrence, in the series' zone.
        start: NaiveDate,
        /// The last date on which an occurrence may start.
        end: NaiveDate,
    },
    /// `NumberedRecurrence`.
    Numbered {
        /// Date of the first occurrence, in the series' zone.
        start: NaiveDate,
        /// Number of occurrences, 1 to 999, deleted and moved ones included.
        count: u32,
    },
}

impl Range {
    /// Date of the first occurrence.
    pub fn start(&self) -> NaiveDate {
        match self {
            Self::NoEnd { start } | Self::EndDate { start, .. } | Self::Numbered { start, .. } => *start,
        }
    }
}
