//! A rule and its start, prepared for expansion: defaults filled in, lists turned into masks.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "all values were checked against the ranges of RFC 5545"
)]

use chrono::{NaiveDateTime, NaiveTime, Timelike};

use super::civil::{self, YearSet};
use super::rule::{self, Frequency, Parts};

/// What [`super::period`] and [`super::fine`] need to know about a rule.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) freq: Frequency,
    pub(super) interval: i64,
    /// First day and seconds of that day.
    pub(super) day0: i32,
    pub(super) second0: u32,
    /// The first period: its year, its month counted from January of year 0, the first day of its week.
    pub(super) year0: i32,
    pub(super) month0: i64,
    pub(super) week0: i32,
    /// 0 for Monday.
    pub(super) week_start: u32,
    /// Bit 1 is January; all bits when there is no `BYMONTH`.
    pub(super) months: u16,
    pub(super) days: DayFilter,
    /// `BYWEEKNO`: bit n for week n, and for week n from the end.
    pub(super) weeks: Option<(u64, u64)>,
    /// Yearly periods are years of whole weeks, not calendar years.
    pub(super) week_years: bool,
    /// Times within a day (daily and coarser) or within a period (finer), ascending, `BYSETPOS` applied where the
    /// period is not longer than that.
    pub(super) times: Vec<Moment>,
    /// `BYSETPOS` still to be applied to each period.
    pub(super) set_pos: Vec<i32>,
    /// Limits on the time of day, for rules finer than daily.
    pub(super) hours: u32,
    pub(super) minutes: u64,
    pub(super) seconds: u64,
}

/// A time of day in both forms that are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) seconds: u32,
    pub(super) time: NaiveTime,
}

/// Which days of a month match, month by month.
#[derive(Debug, Clone, Default)]
pub(super) struct DayFilter {
    /// `BYMONTHDAY`: bit 0 is the first day, and the last one.
    pub(super) month_days: Option<(u32, u32)>,
    /// `BYYEARDAY` in years of 365 and 366 days.
    pub(super) year_days: Option<Box<(YearSet, YearSet)>>,
    pub(super) by_day: bool,
    /// Plain weekdays of `BYDAY`.
    pub(super) weekdays: u8,
    /// Numbered ones: n and weekday, 0 for Monday.
    pub(super) nth: Vec<(i8, u8)>,
    /// Numbered weekdays count in the year, not in the month.
    pub(super) nth_in_year: bool,
}

impl DayFilter {
    /// Whether it lets every day pass.
    pub(super) fn is_open(&self) -> bool {
        self.month_days.is_none() && self.year_days.is_none() && !self.by_day
    }

    /// The numbered weekdays of a year; `None` unless they count in the year.
    pub(super) fn nth_of_year(&self, year: i32) -> Option<YearSet> {
        if !self.nth_in_year {
            return None;
        }
        let mut set = YearSet::default();
        let first = civil::weekday(civil::first_of_year(year));
        for (nth, weekday) in &self.nth {
            let index =
                civil::nth_weekday(i32::from(*nth), u32::from(*weekday), first, civil::year_len(year));
            if let Some(index) = index {
                civil::set_bit(&mut set, index);
            }
        }
        Some(set)
    }

    /// First day of the month and the mask of its days that match.
    pub(super) fn month(&self, year: i32, month: u32, nth_of_year: Option<&YearSet>) -> (i32, u32) {
        let len = civil::month_len(year, month);
        let offset = civil::month_offset(year, month);
        let base = civil::first_of_year(year) + offset as i32;
        let mut mask = u32::MAX >> (32 - len);
        if let Some((from_start, from_end)) = self.month_days {
            mask &= from_start | from_end.reverse_bits() >> (32 - len);
        }
        if let Some(year_days) = &self.year_days {
            let set = if civil::is_leap(year) { &year_days.1 } else { &year_days.0 };
            mask &= civil::bits_from(set, offset);
        }
        if self.by_day {
            let first = civil::weekday(base);
            let mut days = civil::weekday_pattern(self.weekdays, first);
            if let Some(set) = nth_of_year {
                days |= civil::bits_from(set, offset);
            } else {
                for (nth, weekday) in &self.nth {
                    if let Some(index) = civil::nth_weekday(i32::from(*nth), u32::from(*weekday), first, len)
                    {
                        days |= 1 << index;
                    }
                }
            }
            mask &= days;
        }
        (base, mask)
    }
}

impl Plan {
    /// `None` when the start is outside of years 1 to 9999: such a rule has no occurrences.
    pub(super) fn new(parts: &Parts, start: NaiveDateTime) -> Option<Self> {
        let day0 = civil::day_of(start.date());
        if !(civil::FIRST_DAY..=civil::LAST_DAY).contains(&day0) {
            return None;
        }
        // `BYWEEKNO` alone is one day of a week, wherever that week lies; with `BYDAY` it limits the days of a
        // calendar year. That is how implementations read it; it only shows with `INTERVAL` or `BYSETPOS`.
        let week_years = !parts.by_week_no.is_empty() && parts.by_day.is_empty();
        let mut parts = parts.clone();
        rule::fill(&mut parts, start);
        let freq = parts.freq;
        let week_start = parts.week_start.map_or(0, |day| day.num_days_from_monday());
        let (year, month, _) = civil::ymd(day0);
        let mut plan = Self {
            freq,
            interval: i64::from(parts.interval.get()),
            day0,
            second0: start.time().num_seconds_from_midnight(),
            year0: if week_years { civil::week_year(day0, week_start) } else { year },
            month0: i64::from(year) * 12 + i64::from(month) - 1,
            week0: day0 - ((civil::weekday(day0) + 7 - week_start) % 7) as i32,
            week_start,
            months: months(&parts, start),
            days: days(&parts),
            weeks: weeks(&parts),
            week_years,
            times: Vec::new(),
            set_pos: parts.by_set_pos.iter().map(|n| i32::from(*n)).collect(),
            hours: bits(&parts.by_hour, 0x00ff_ffff) as u32,
            minutes: bits(&parts.by_minute, u64::MAX >> 4),
            seconds: bits(&parts.by_second, u64::MAX >> 3),
        };
        plan.times = times(&parts, start);
        if freq <= Frequency::Daily && !plan.set_pos.is_empty() {
            plan.times = select(&plan.set_pos, plan.times.len())
                .filter_map(|index| plan.times.get(index).copied())
                .collect();
            plan.set_pos.clear();
        }
        Some(plan)
    }
}

/// Indices, ascending and without duplicates, of the members of a set of `len` that `BYSETPOS` names.
pub(super) fn select(set_pos: &[i32], len: usize) -> impl Iterator<Item = usize> + use<> {
    let len = len as i64;
    let mut picked: Vec<usize> = set_pos
        .iter()
        .map(|n| i64::from(*n))
        .filter(|n| n.abs() <= len)
        .map(|n| if n > 0 { n - 1 } else { len + n } as usize)
        .collect();
    picked.sort_unstable();
    picked.dedup();
    picked.into_iter()
}

fn bits(list: &[u8], all: u64) -> u64 {
    if list.is_empty() { all } else { list.iter().fold(0, |set, n| set | 1 << n) }
}

fn months(parts: &Parts, start: NaiveDateTime) -> u16 {
    if !parts.by_month.is_empty() {
        return parts.by_month.iter().fold(0, |set, month| set | 1 << month);
    }
    // `fill` left the month out because it would change what the n-th weekday counts in.
    let own = parts.freq == Frequency::Yearly
        && !parts.by_month_day.is_empty()
        && parts.by_year_day.is_empty()
        && parts.by_week_no.is_empty();
    if own { 1 << civil::ymd(civil::day_of(start.date())).1 } else { 0x1ffe }
}

fn days(parts: &Parts) -> DayFilter {
    let mut filter = DayFilter { by_day: !parts.by_day.is_empty(), ..DayFilter::default() };
    if !parts.by_month_day.is_empty() {
        let (mut from_start, mut from_end) = (0, 0);
        for day in &parts.by_month_day {
            let bit = 1u32 << (day.unsigned_abs() - 1);
            if *day > 0 { from_start |= bit } else { from_end |= bit }
        }
        filter.month_days = Some((from_start, from_end));
    }
    if !parts.by_year_day.is_empty() {
        let (mut common, mut leap) = (YearSet::default(), YearSet::default());
        for (set, len) in [(&mut common, 365), (&mut leap, 366)] {
            for day in &parts.by_year_day {
                let index = if *day > 0 { i32::from(*day) - 1 } else { len + i32::from(*day) };
                if (0..len).contains(&index) {
                    civil::set_bit(set, index as u32);
                }
            }
        }
        filter.year_days = Some(Box::new((common, leap)));
    }
    for day in &parts.by_day {
        match day.nth {
            None => filter.weekdays |= civil::weekday_bit(day.weekday),
            Some(nth) => filter.nth.push((nth, day.weekday.num_days_from_monday() as u8)),
        }
    }
    filter.nth_in_year =
        parts.freq == Frequency::Yearly && parts.by_month.is_empty() && !filter.nth.is_empty();
    filter
}

fn weeks(parts: &Parts) -> Option<(u64, u64)> {
    if parts.by_week_no.is_empty() {
        return None;
    }
    let (mut from_start, mut from_end) = (0, 0);
    for week in &parts.by_week_no {
        let bit = 1u64 << week.unsigned_abs();
        if *week > 0 { from_start |= bit } else { from_end |= bit }
    }
    Some((from_start, from_end))
}

/// The times of a day, or of a period of a finer rule. Second 60 is a leap second, which civil time here does not have.
fn times(parts: &Parts, start: NaiveDateTime) -> Vec<Moment> {
    let or = |list: &[u8], own: u32| -> Vec<u32> {
        if list.is_empty() { vec![own] } else { list.iter().map(|n| u32::from(*n)).collect() }
    };
    let hours = if parts.freq >= Frequency::Daily { or(&parts.by_hour, start.hour()) } else { vec![0] };
    let minutes =
        if parts.freq >= Frequency::Hourly { or(&parts.by_minute, start.minute()) } else { vec![0] };
    let seconds =
        if parts.freq >= Frequency::Minutely { or(&parts.by_second, start.second()) } else { vec![0] };
    let mut times = Vec::with_capacity(hours.len() * minutes.len() * seconds.len());
    for hour in &hours {
        for minute in &minutes {
            for second in &seconds {
                if let Some(time) = NaiveTime::from_hms_opt(*hour, *minute, *second) {
                    times.push(Moment { seconds: time.num_seconds_from_midnight(), time });
                }
            }
        }
    }
    times
}
