//! A rule as pattern and range, if Exchange has it.
//!
//! First the rule is brought into the form with the fewest parts, then its frequency is changed to the one that
//! Exchange has for it (every weekday is weekly, the last day of a quarter is every three months), and then there are
//! only two questions left: which day of a month, and every how many months.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "the numbers of a rule are within the ranges of RFC 5545, intervals are at most 999 by then"
)]

use calsync_core::recur::{DayRule, End, Frequency, Parts, Rule, Until};
use chrono::{Datelike, NaiveDateTime, Weekday};

use super::{EVERY_DAY, Series, WEEKDAYS, WEEKEND, to_rule};
use crate::wire::{DayOfWeek, DayOfWeekIndex, MonthName};
use crate::wire::{Pattern, Range, Recurrence};

/// A rule as Exchange says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToExchange {
    /// Pattern and range.
    pub recurrence: Recurrence,
    /// The first occurrence, which the item has to start with. Later than the start of the series when that does not
    /// match the rule.
    pub start: NaiveDateTime,
}

/// Why Exchange cannot hold a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotExpressible {
    /// Hourly or finer.
    #[error("repeats more often than daily")]
    SubDaily,
    /// Several times a day.
    #[error("has several times a day, or another time than its start")]
    Times,
    /// `BYWEEKNO`.
    #[error("counts weeks of the year")]
    WeekNumber,
    /// `BYYEARDAY`.
    #[error("counts days of the year")]
    YearDay,
    /// A set of months that is not every n-th.
    #[error("happens in months that are not evenly spaced")]
    Months,
    /// A day that short months do not have: they are skipped, Exchange would take their last day.
    #[error("skips months without day 29, 30 or 31, where Exchange takes the last day")]
    SkipsShortMonths,
    /// Several days of a month, or a day counted from the end.
    #[error("has several days of a month, or counts them from the end")]
    MonthDays,
    /// Numbered weekdays beyond the first four and the last, or several.
    #[error("has a numbered weekday other than one of the first four and the last")]
    NumberedDays,
    /// `BYSETPOS` on something that is not a weekday set of Exchange's.
    #[error("counts in a set of days that Exchange does not have")]
    SetPosition,
    /// Both days of the month and weekdays.
    #[error("combines days of the month with weekdays")]
    CombinedDays,
    /// Limited to months, but not monthly.
    #[error("is limited to some months")]
    LimitedMonths,
    /// Limited to weekdays, with an interval of days.
    #[error("combines an interval of days with other limits")]
    LimitedDays,
    /// An interval that is too long.
    #[error("has a longer interval than 999 days, 99 weeks or 99 months")]
    Interval,
    /// The week begins on a day that the server cannot be told.
    #[error("depends on the first day of the week, which this server cannot be told")]
    FirstDayOfWeek,
    /// No occurrence.
    #[error("has no occurrence")]
    Empty,
    /// The pattern found does not give the same dates.
    #[error("has no equal among Exchange's patterns")]
    Other,
}

/// Occurrences that are compared before a pattern is believed.
const COMPARED: usize = 64;

/// Exchange's calendar ends in 4500; a rule that ends later does not end.
pub(super) const LAST_YEAR: i32 = 4500;

/// Writes a rule as Exchange's recurrence.
///
/// `first_day_known` says whether the server knows `FirstDayOfWeek` (Exchange 2010 SP1 and later).
///
/// # Errors
///
/// Exchange has no pattern with exactly these dates. Further dates (`RDATE`) are the caller's to look at.
pub fn to_exchange(
    rule: &Rule,
    series: Series<'_>,
    first_day_known: bool,
) -> Result<ToExchange, NotExpressible> {
    let rule = if series.all_day { rule.clone().without_times() } else { rule.clone() };
    let start = rule.occurrences(series.start, series.zone).next().ok_or(NotExpressible::Empty)?;
    let mut parts = rule.anchored(series.start).parts().clone();
    let end = parts.end;
    parts.end = End::Never;
    let pattern = pattern(parts, start, rule.week_start(), first_day_known)?;
    let recurrence = Recurrence { pattern, range: range(&rule, end, start, series)? };
    let found = ToExchange { recurrence, start };
    if equal(&rule, &found, series) { Ok(found) } else { Err(NotExpressible::Other) }
}

/// Whether the recurrence gives the dates of the rule.
fn equal(rule: &Rule, found: &ToExchange, series: Series<'_>) -> bool {
    let Ok(back) = to_rule(&found.recurrence, Series { start: found.start, ..series }) else { return false };
    let ours =
        rule.occurrences(series.start, series.zone).take_while(|at| at.year() < LAST_YEAR).take(COMPARED);
    let theirs =
        back.rule.occurrences(back.start, series.zone).take_while(|at| at.year() < LAST_YEAR).take(COMPARED);
    ours.eq(theirs)
}

fn range(rule: &Rule, end: End, first: NaiveDateTime, series: Series<'_>) -> Result<Range, NotExpressible> {
    let start = first.date();
    Ok(match end {
        End::Never => Range::NoEnd { start },
        End::Count(count) if count.get() <= 999 => Range::Numbered { start, count: count.get() },
        End::Count(_) => {
            let last = rule.occurrences(series.start, series.zone).last().ok_or(NotExpressible::Empty)?;
            Range::EndDate { start, end: last.date() }
        }
        End::Until(until) => {
            let until = match (until, series.zone) {
                (Until::Date(date), _) => date.and_time(first.time()),
                (Until::Local(at), _) => at,
                (Until::Utc(at), Some(zone)) => zone.to_local(at),
                (Until::Utc(at), None) => at.naive_utc(),
            };
            // The end date says nothing about times, so a day that ends too early for an occurrence is left out.
            let end = if until.time() < first.time() { until.date().pred_opt() } else { Some(until.date()) };
            match end {
                Some(end) if end.year() >= LAST_YEAR => Range::NoEnd { start },
                Some(end) if end >= start => Range::EndDate { start, end },
                _ => return Err(NotExpressible::Empty),
            }
        }
    })
}

/// The pattern of anchored parts.
fn pattern(
    mut parts: Parts,
    start: NaiveDateTime,
    week_start: Weekday,
    first_day_known: bool,
) -> Result<Pattern, NotExpressible> {
    if parts.freq < Frequency::Daily {
        return Err(NotExpressible::SubDaily);
    }
    if !(parts.by_hour.is_empty() && parts.by_minute.is_empty() && parts.by_second.is_empty()) {
        return Err(NotExpressible::Times);
    }
    if !parts.by_week_no.is_empty() {
        return Err(NotExpressible::WeekNumber);
    }
    if !parts.by_year_day.is_empty() {
        return Err(NotExpressible::YearDay);
    }
    regroup(&mut parts)?;
    let interval = parts.interval.get();
    match parts.freq {
        Frequency::Daily => {
            if !(parts.by_month.is_empty() && parts.by_month_day.is_empty() && parts.by_day.is_empty()) {
                return Err(NotExpressible::LimitedDays);
            }
            within(interval, 999).map(|interval| Pattern::Daily { interval })
        }
        Frequency::Weekly => weekly(&parts, start, week_start, first_day_known),
        _ => monthly(parts, start),
    }
}

/// Changes the frequency to a longer or shorter one where that means the same and Exchange has it.
fn regroup(parts: &mut Parts) -> Result<(), NotExpressible> {
    let single = parts.interval.get() == 1;
    let plain_days = !parts.by_day.is_empty() && parts.by_day.iter().all(|day| day.nth.is_none());
    match parts.freq {
        Frequency::Daily => {
            // A set of one.
            if parts.by_set_pos.iter().any(|n| n.abs() == 1) {
                parts.by_set_pos.clear();
            }
            if single && !(parts.by_month.is_empty() && parts.by_month_day.is_empty()) {
                parts.freq = Frequency::Monthly;
                if parts.by_month_day.is_empty() && parts.by_day.is_empty() {
                    // Every day of some months.
                    return Err(NotExpressible::LimitedMonths);
                }
            } else if single && plain_days {
                parts.freq = Frequency::Weekly;
            }
        }
        Frequency::Monthly | Frequency::Yearly => {
            let whole =
                parts.by_month.is_empty() && parts.by_month_day.is_empty() && parts.by_set_pos.is_empty();
            if single && whole && plain_days {
                parts.freq = Frequency::Weekly;
            }
        }
        _ => {}
    }
    if parts.freq == Frequency::Weekly && parts.by_day.len() == 7 && single && parts.by_set_pos.is_empty() {
        parts.freq = Frequency::Daily;
        parts.by_day.clear();
        if !parts.by_month.is_empty() {
            return Err(NotExpressible::LimitedMonths);
        }
    }
    Ok(())
}

fn weekly(
    parts: &Parts,
    start: NaiveDateTime,
    week_start: Weekday,
    first_day_known: bool,
) -> Result<Pattern, NotExpressible> {
    if !parts.by_month.is_empty() {
        return Err(NotExpressible::LimitedMonths);
    }
    let mut days: Vec<Weekday> = parts.by_day.iter().map(|day| day.weekday).collect();
    days.sort_by_key(|day| day.days_since(week_start));
    if !parts.by_set_pos.is_empty() {
        // Every week has all its days, so the positions are always the same ones.
        let len = i64::try_from(days.len()).unwrap_or(7);
        let named = |index: usize| {
            let index = i64::try_from(index).unwrap_or(7);
            parts.by_set_pos.iter().any(|n| i64::from(*n) == index + 1 || i64::from(*n) == index - len)
        };
        days = days.into_iter().enumerate().filter(|(index, _)| named(*index)).map(|(_, day)| day).collect();
        if days.is_empty() {
            return Err(NotExpressible::Empty);
        }
    }
    let interval = within(parts.interval.get(), 99)?;
    let first_day = if first_day_known {
        Some(week_start)
    } else if interval == 1 || same_weeks(&days, start.weekday(), week_start, Weekday::Sun) {
        None
    } else {
        return Err(NotExpressible::FirstDayOfWeek);
    };
    days.sort_by_key(Weekday::num_days_from_sunday);
    Ok(Pattern::Weekly {
        interval,
        days: days.into_iter().map(day_name).collect(),
        first_day: first_day.map(day_name),
    })
}

/// Whether all days fall into the same weeks, seen from the start, whichever of two days begins a week.
fn same_weeks(days: &[Weekday], start: Weekday, a: Weekday, b: Weekday) -> bool {
    let away =
        |day: &Weekday, first: Weekday| i64::from(day.days_since(first)) - i64::from(start.days_since(first));
    days.iter().all(|day| away(day, a) == away(day, b))
}

/// Monthly and yearly rules.
fn monthly(mut parts: Parts, start: NaiveDateTime) -> Result<Pattern, NotExpressible> {
    let yearly = parts.freq == Frequency::Yearly;
    if yearly && parts.by_month.is_empty() {
        parts.by_month = vec![month_of_numbered_day(&parts)?];
    }
    // Every how many months, and, if it is always the same one, the month.
    let (interval, month) = if yearly {
        match parts.by_month.as_slice() {
            [month] => (parts.interval.get().saturating_mul(12), Some(u32::from(*month))),
            _ if parts.interval.get() == 1 && parts.by_set_pos.is_empty() => {
                (spacing(&parts.by_month)?, None)
            }
            _ => return Err(NotExpressible::Months),
        }
    } else {
        match parts.by_month.as_slice() {
            [] => (parts.interval.get(), None),
            [month] if 12 % parts.interval.get() == 0 => (12, Some(u32::from(*month))),
            _ if parts.interval.get() == 1 => (spacing(&parts.by_month)?, None),
            _ => return Err(NotExpressible::Months),
        }
    };
    let month = month.or_else(|| (interval % 12 == 0).then(|| start.month()));
    let day = day(&parts, &Months::reached(interval, start.month()))?;
    Ok(match (day, month) {
        (Day::Of(day), Some(month)) if interval == 12 => {
            // Whatever lies beyond the month's end means its last day.
            Pattern::AbsoluteYearly { day: day.min(longest(month)), month: month_name(month)? }
        }
        (Day::Of(day), _) => Pattern::AbsoluteMonthly { interval: within(interval, 99)?, day },
        (Day::Nth(index, days), Some(month)) if interval == 12 => {
            Pattern::RelativeYearly { days, index, month: month_name(month)? }
        }
        (Day::Nth(index, days), _) => {
            Pattern::RelativeMonthly { interval: within(interval, 99)?, days, index }
        }
    })
}

/// The months that a rule can come to.
struct Months {
    shortest: u32,
    longest: u32,
}

impl Months {
    fn reached(interval: u32, first: u32) -> Self {
        let months = (0..12u32).map(|step| (first - 1 + step * (interval % 12)) % 12 + 1);
        let lens = months.map(|month| (if month == 2 { 28 } else { longest(month) }, longest(month)));
        lens.fold(Self { shortest: 31, longest: 28 }, |all, (least, most)| Self {
            shortest: all.shortest.min(least),
            longest: all.longest.max(most),
        })
    }
}

fn longest(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The distance of months that are evenly spread over the year.
fn spacing(months: &[u8]) -> Result<u32, NotExpressible> {
    let count = u32::try_from(months.len()).unwrap_or(13);
    if count == 0 || 12 % count != 0 {
        return Err(NotExpressible::Months);
    }
    let step = 12 / count;
    let even = months.windows(2).all(|pair| matches!(pair, [a, b] if u32::from(b - a) == step));
    if even { Ok(step) } else { Err(NotExpressible::Months) }
}

/// The n-th weekday of a year is the one of its first or last month.
fn month_of_numbered_day(parts: &Parts) -> Result<u8, NotExpressible> {
    match parts.by_day.as_slice() {
        [DayRule { nth: Some(1..=4), .. }] => Ok(1),
        [DayRule { nth: Some(-4..=-1), .. }] => Ok(12),
        [DayRule { nth: Some(_), .. }, ..] => Err(NotExpressible::NumberedDays),
        _ => Err(NotExpressible::SetPosition),
    }
}

/// A day of the month as Exchange has it.
enum Day {
    /// By number; past the month's end it means the last day.
    Of(u32),
    /// By its place among the days of a kind.
    Nth(DayOfWeekIndex, DayOfWeek),
}

fn day(parts: &Parts, months: &Months) -> Result<Day, NotExpressible> {
    match (parts.by_month_day.as_slice(), parts.by_day.as_slice()) {
        ([], []) => Err(NotExpressible::MonthDays),
        (days, []) => absolute(days, &parts.by_set_pos, months).map(Day::Of),
        ([], days) => relative(days, &parts.by_set_pos),
        (days, [DayRule { nth: None, weekday }]) if parts.by_set_pos.is_empty() => {
            // Seven days in a row have one of each weekday: the 8th to the 14th have the second.
            let index = match days {
                [first @ (1 | 8 | 15 | 22), .., last] if days.len() == 7 && last - first == 6 => {
                    (first + 6) / 7
                }
                [-7, .., -1] if days.len() == 7 => -1,
                _ => return Err(NotExpressible::CombinedDays),
            };
            Ok(Day::Nth(index_name(i16::from(index))?, day_name(*weekday)))
        }
        _ => Err(NotExpressible::CombinedDays),
    }
}

/// A single day of the month, in Exchange's sense.
fn absolute(days: &[i8], set_pos: &[i16], months: &Months) -> Result<u32, NotExpressible> {
    let number = |day: i8| u32::try_from(day).map_err(|_| NotExpressible::MonthDays);
    match (days, set_pos) {
        ([-1], [] | [1 | -1]) => Ok(31),
        ([day @ 1..=31], [] | [1 | -1]) => {
            let day = number(*day)?;
            if day <= months.shortest { Ok(day) } else { Err(NotExpressible::SkipsShortMonths) }
        }
        ([day], [] | [1 | -1]) if months.shortest == months.longest => {
            let from_end = u32::from(day.unsigned_abs()) - 1;
            months.shortest.checked_sub(from_end).filter(|day| *day > 0).ok_or(NotExpressible::MonthDays)
        }
        // The earlier of a day and the last one.
        ([-1, day @ 1..=31], [1]) => number(*day),
        // The last of 28 to a day; days before do not matter.
        ([first @ 1..=31, .., last], [-1]) => {
            let from_28 = days.iter().filter(|day| **day >= 28).count();
            let gapless = *last <= 28 || (*first <= 28 && from_28 == usize::from(last.unsigned_abs()) - 27);
            if gapless { number(*last) } else { Err(NotExpressible::SkipsShortMonths) }
        }
        ([first @ 1..=28, .., _], [1]) => number(*first),
        (_, []) => Err(NotExpressible::MonthDays),
        _ => Err(NotExpressible::SetPosition),
    }
}

fn relative(days: &[DayRule], set_pos: &[i16]) -> Result<Day, NotExpressible> {
    match (days, set_pos) {
        ([DayRule { nth: Some(nth), weekday }], [] | [1 | -1]) => {
            Ok(Day::Nth(index_name(i16::from(*nth))?, day_name(*weekday)))
        }
        (_, [position]) if days.iter().all(|day| day.nth.is_none()) => {
            let is = |set: &[Weekday]| {
                days.len() == set.len() && days.iter().all(|day| set.contains(&day.weekday))
            };
            let kind = match days {
                [single] => day_name(single.weekday),
                _ if is(&WEEKDAYS) => DayOfWeek::Weekday,
                _ if is(&WEEKEND) => DayOfWeek::WeekendDay,
                _ if is(&EVERY_DAY) => DayOfWeek::Day,
                _ => return Err(NotExpressible::SetPosition),
            };
            Ok(Day::Nth(index_name(*position).map_err(|_| NotExpressible::SetPosition)?, kind))
        }
        (_, []) => Err(NotExpressible::NumberedDays),
        _ => Err(NotExpressible::SetPosition),
    }
}

fn index_name(n: i16) -> Result<DayOfWeekIndex, NotExpressible> {
    Ok(match n {
        1 => DayOfWeekIndex::First,
        2 => DayOfWeekIndex::Second,
        3 => DayOfWeekIndex::Third,
        4 => DayOfWeekIndex::Fourth,
        -1 => DayOfWeekIndex::Last,
        _ => return Err(NotExpressible::NumberedDays),
    })
}

pub(crate) fn day_name(day: Weekday) -> DayOfWeek {
    match day {
        Weekday::Mon => DayOfWeek::Monday,
        Weekday::Tue => DayOfWeek::Tuesday,
        Weekday::Wed => DayOfWeek::Wednesday,
        Weekday::Thu => DayOfWeek::Thursday,
        Weekday::Fri => DayOfWeek::Friday,
        Weekday::Sat => DayOfWeek::Saturday,
        Weekday::Sun => DayOfWeek::Sunday,
    }
}

fn month_name(month: u32) -> Result<MonthName, NotExpressible> {
    // The names are chrono's, and Exchange's.
    let name = u8::try_from(month).ok().and_then(|month| chrono::Month::try_from(month).ok());
    name.map(|month| MonthName::from_wire(month.name())).ok_or(NotExpressible::Months)
}

/// A limit that Exchange puts on numbers.
fn within(number: u32, most: u32) -> Result<u32, NotExpressible> {
    if number <= most { Ok(number) } else { Err(NotExpressible::Interval) }
}
