//! A pattern and its range as a rule.

use std::num::NonZeroU32;

use calsync_core::recur::{DayRule, End, Frequency, Parts, Rule, RuleError, Until};
use chrono::{NaiveDate, NaiveDateTime, Weekday};

use super::{EVERY_DAY, Series, WEEKDAYS, WEEKEND, month_number, weekday};
use crate::wire::{DayOfWeek, DayOfWeekIndex, MonthName};
use crate::wire::{Pattern, Range, Recurrence};

/// A recurrence as rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromExchange {
    /// First start of the series, on the rule.
    pub start: NaiveDateTime,
    /// The rule.
    pub rule: Rule,
}

/// Why a recurrence of an item could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownPattern {
    /// A pattern that only tasks have, or that this client does not know.
    #[error("recurrence pattern {0:?} is not one of calendar items")]
    Pattern(String),
    /// A day, index or month that the schema does not have.
    #[error("recurrence pattern has the unknown value {0:?}")]
    Value(String),
    /// A number out of range.
    #[error("recurrence pattern is out of range")]
    Range(#[source] Option<RuleError>),
    /// The range ends before the first occurrence.
    #[error("recurrence has no occurrence")]
    Empty,
}

/// Reads a recurrence.
///
/// `series.start` is the item's start; only its time of day is taken when the range begins on another date. If the range
/// does not begin on a day of the pattern, the series starts on the first one that is, as in Exchange.
///
/// # Errors
///
/// The item cannot be expanded and must be left alone.
pub fn to_rule(recurrence: &Recurrence, series: Series<'_>) -> Result<FromExchange, UnknownPattern> {
    let begin = recurrence.range.start().and_time(series.start.time());
    let mut parts = pattern(&recurrence.pattern)?;
    parts.end = match &recurrence.range {
        Range::NoEnd { .. } => End::Never,
        Range::EndDate { end, .. } => End::Until(until(*end, series)),
        Range::Numbered { count, .. } => End::Count(positive(*count)?),
    };
    let rule = Rule::new(parts).map_err(|error| UnknownPattern::Range(Some(error)))?;
    let start = rule.occurrences(begin, series.zone).next().ok_or(UnknownPattern::Empty)?;
    Ok(FromExchange { start, rule })
}

/// The end of the last day, in the form that goes with the start.
fn until(end: NaiveDate, series: Series<'_>) -> Until {
    if series.all_day {
        return Until::Date(end);
    }
    let last = end.and_hms_opt(23, 59, 59).unwrap_or_else(|| end.and_time(series.start.time()));
    match series.zone {
        Some(zone) => Until::Utc(zone.to_utc(last)),
        None => Until::Local(last),
    }
}

fn pattern(pattern: &Pattern) -> Result<Parts, UnknownPattern> {
    let every = |freq, interval| -> Result<Parts, UnknownPattern> {
        let mut parts = Parts::every(freq);
        parts.interval = positive(interval)?;
        Ok(parts)
    };
    Ok(match pattern {
        Pattern::Daily { interval } => every(Frequency::Daily, *interval)?,
        Pattern::Weekly { interval, days, first_day } => {
            let mut parts = every(Frequency::Weekly, *interval)?;
            parts.by_day = days.iter().map(day_set).collect::<Result<Vec<_>, _>>()?.concat();
            // Without it a rule means Monday. Exchange 2007 does not say; Outlook's own default is Sunday.
            parts.week_start = Some(match first_day {
                Some(day) => weekday(day).ok_or_else(|| UnknownPattern::Value(day.to_string()))?,
                None => Weekday::Sun,
            });
            parts
        }
        Pattern::AbsoluteMonthly { interval, day } => {
            let mut parts = every(Frequency::Monthly, *interval)?;
            day_of_month(&mut parts, *day, 31)?;
            parts
        }
        Pattern::RelativeMonthly { interval, days, index } => {
            let mut parts = every(Frequency::Monthly, *interval)?;
            relative(&mut parts, days, index)?;
            parts
        }
        Pattern::AbsoluteYearly { day, month } => {
            let mut parts = in_month(month)?;
            let len = match parts.by_month.first() {
                Some(2) => 29,
                Some(4 | 6 | 9 | 11) => 30,
                _ => 31,
            };
            day_of_month(&mut parts, *day, len)?;
            parts
        }
        Pattern::RelativeYearly { days, index, month } => {
            let mut parts = in_month(month)?;
            relative(&mut parts, days, index)?;
            parts
        }
        Pattern::Other(name) => return Err(UnknownPattern::Pattern(name.clone())),
    })
}

fn in_month(month: &MonthName) -> Result<Parts, UnknownPattern> {
    let number = month_number(month).and_then(|number| u8::try_from(number).ok());
    let mut parts = Parts::every(Frequency::Yearly);
    parts.by_month = vec![number.ok_or_else(|| UnknownPattern::Value(month.to_string()))?];
    Ok(parts)
}

/// A day that months of `longest` days may not have means their last day.
fn day_of_month(parts: &mut Parts, day: u32, longest: u32) -> Result<(), UnknownPattern> {
    let own = i8::try_from(day).map_err(|_| UnknownPattern::Range(None))?;
    let list = match day {
        1..=28 => vec![own],
        29..=31 if day >= longest => vec![-1],
        // A month that always has this day.
        29 | 30 if !parts.by_month.is_empty() => vec![own],
        29 | 30 => (28..=own).collect(),
        _ => return Err(UnknownPattern::Range(None)),
    };
    if list.len() > 1 {
        parts.by_set_pos = vec![-1];
    }
    parts.by_month_day = list;
    Ok(())
}

fn relative(parts: &mut Parts, days: &DayOfWeek, index: &DayOfWeekIndex) -> Result<(), UnknownPattern> {
    let nth: i8 = match index {
        DayOfWeekIndex::First => 1,
        DayOfWeekIndex::Second => 2,
        DayOfWeekIndex::Third => 3,
        DayOfWeekIndex::Fourth => 4,
        DayOfWeekIndex::Last => -1,
        DayOfWeekIndex::Other(other) => return Err(UnknownPattern::Value(other.clone())),
    };
    if let Some(weekday) = weekday(days) {
        parts.by_day = vec![DayRule::nth(nth, weekday)];
    } else {
        parts.by_day = day_set(days)?;
        parts.by_set_pos = vec![i16::from(nth)];
    }
    Ok(())
}

fn day_set(day: &DayOfWeek) -> Result<Vec<DayRule>, UnknownPattern> {
    let set: &[Weekday] = match day {
        DayOfWeek::Day => &EVERY_DAY,
        DayOfWeek::Weekday => &WEEKDAYS,
        DayOfWeek::WeekendDay => &WEEKEND,
        single => {
            let weekday = weekday(single).ok_or_else(|| UnknownPattern::Value(single.to_string()))?;
            return Ok(vec![DayRule::every(weekday)]);
        }
    };
    Ok(set.iter().copied().map(DayRule::every).collect())
}

fn positive(number: u32) -> Result<NonZeroU32, UnknownPattern> {
    NonZeroU32::new(number).ok_or(UnknownPattern::Range(None))
}
