//! Exchange's patterns and ours.
//!
//! [`to_rule`] reads a `Recurrence` of an item as a [`Rule`](calsync_core::recur::Rule), [`to_exchange`] writes one,
//! if Exchange has it. Both keep Exchange's own meaning: a day past the end of a month is that month's last day, where
//! a rule skips the month; the end date is inclusive; the range begins on the first occurrence.
//!
//! What Exchange cannot say is [`NotExpressible`], never an approximation: `to_exchange` reads its own result back and
//! compares the dates. Some of it can be said by several series, see [`split`].

mod from_exchange;
mod into_exchange;
mod split;

use calsync_core::zone::Zone;
use chrono::{NaiveDateTime, Weekday};

use crate::wire::{DayOfWeek, MonthName};

pub use from_exchange::{FromExchange, UnknownPattern, to_rule};
pub(crate) use into_exchange::day_name;
pub use into_exchange::{NotExpressible, ToExchange, to_exchange};
pub use split::split;

/// The series that a pattern belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// First start, in wall-clock time of the series' zone; midnight for all-day series.
    pub start: NaiveDateTime,
    /// The starts are dates.
    pub all_day: bool,
    /// The zone; `None` for all-day series and where it is unknown.
    pub zone: Option<&'a Zone>,
}

/// 1 to 12.
pub(crate) fn month_number(month: &MonthName) -> Option<u32> {
    Some(match month {
        MonthName::January => 1,
        MonthName::February => 2,
        MonthName::March => 3,
        MonthName::April => 4,
        MonthName::May => 5,
        MonthName::June => 6,
        MonthName::July => 7,
        MonthName::August => 8,
        MonthName::September => 9,
        MonthName::October => 10,
        MonthName::November => 11,
        MonthName::December => 12,
        MonthName::Other(_) => return None,
    })
}

/// The single weekday, not a set of days.
pub(crate) fn weekday(day: &DayOfWeek) -> Option<Weekday> {
    Some(match day {
        DayOfWeek::Monday => Weekday::Mon,
        DayOfWeek::Tuesday => Weekday::Tue,
        DayOfWeek::Wednesday => Weekday::Wed,
        DayOfWeek::Thursday => Weekday::Thu,
        DayOfWeek::Friday => Weekday::Fri,
        DayOfWeek::Saturday => Weekday::Sat,
        DayOfWeek::Sunday => Weekday::Sun,
        _ => return None,
    })
}

const WEEKDAYS: [Weekday; 5] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
const WEEKEND: [Weekday; 2] = [Weekday::Sat, Weekday::Sun];
const EVERY_DAY: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

#[cfg(test)]
mod tests;
