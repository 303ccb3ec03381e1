//! Days as numbers.
//!
//! Day 1 is 0001-01-01, a Monday, as in `chrono`. Only years 1 to 9999 are expanded: iCalendar and Exchange cannot
//! write others.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "days of years 1 to 9999 fit 22 bits, days of a year 9 bits"
)]

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike, Weekday};

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// 0001-01-01.
pub(super) const FIRST_DAY: i32 = 1;

/// 9999-12-31.
pub(super) const LAST_DAY: i32 = 3_652_059;

/// A set of days of a year, bit 0 is the first.
pub(super) type YearSet = [u64; 6];

pub(super) fn day_of(date: NaiveDate) -> i32 {
    date.num_days_from_ce()
}

/// Seconds since the beginning of day 0.
pub(super) fn seconds(at: NaiveDateTime) -> i64 {
    i64::from(day_of(at.date())) * DAY + i64::from(at.time().num_seconds_from_midnight())
}

/// The day of `seconds` and the seconds in it.
pub(super) fn split(seconds: i64) -> (i32, u32) {
    let day = seconds.div_euclid(DAY).clamp(i64::from(FIRST_DAY) - 1, i64::from(LAST_DAY) + 1);
    (day as i32, seconds.rem_euclid(DAY) as u32)
}

/// 0 for Monday.
pub(super) fn weekday(day: i32) -> u32 {
    (day - 1).rem_euclid(7) as u32
}

pub(super) fn weekday_bit(day: Weekday) -> u8 {
    1 << day.num_days_from_monday()
}

pub(super) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(super) fn year_len(year: i32) -> u32 {
    365 + u32::from(is_leap(year))
}

/// Length of a month, 1 to 12.
pub(super) fn month_len(year: i32, month: u32) -> u32 {
    if month == 2 { 28 + u32::from(is_leap(year)) } else { 30 + ((month + (month >> 3)) & 1) }
}

/// 1 January.
pub(super) fn first_of_year(year: i32) -> i32 {
    let y = year - 1;
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + 1
}

/// Days of the year before `month`.
pub(super) fn month_offset(year: i32, month: u32) -> u32 {
    let table = (367 * month - 362) / 12;
    if month <= 2 { table } else { table - 2 + u32::from(is_leap(year)) }
}

/// Year, month and day of the month.
pub(super) fn ymd(day: i32) -> (i32, u32, u32) {
    NaiveDate::from_num_days_from_ce_opt(day)
        .map_or((0, 1, 1), |date| (date.year(), date.month(), date.day()))
}

/// The days of a month or year that fall on the weekdays `set`, when its first day is a `first` (0 for Monday).
pub(super) fn weekday_pattern(set: u8, first: u32) -> u32 {
    let set = u32::from(set);
    let turned = ((set >> first) | (set << (7 - first))) & 0x7f;
    turned | turned << 7 | turned << 14 | turned << 21 | turned << 28
}

/// Index of the n-th `weekday` in a span of `len` days that begins on a `first`.
pub(super) fn nth_weekday(nth: i32, weekday: u32, first: u32, len: u32) -> Option<u32> {
    let index = if nth > 0 {
        ((weekday + 7 - first) % 7) as i32 + 7 * (nth - 1)
    } else {
        let last = (first + len - 1) % 7;
        len as i32 - 1 - ((last + 7 - weekday) % 7) as i32 + 7 * (nth + 1)
    };
    u32::try_from(index).ok().filter(|index| *index < len)
}

pub(super) fn set_bit(set: &mut YearSet, index: u32) {
    if let Some(word) = set.get_mut(index as usize / 64) {
        *word |= 1 << (index % 64);
    }
}

/// 32 days of `set` from `offset` on.
pub(super) fn bits_from(set: &YearSet, offset: u32) -> u32 {
    let word = |index: u32| set.get(index as usize).copied().unwrap_or(0);
    let (index, shift) = (offset / 64, offset % 64);
    let low = word(index) >> shift;
    let high = if shift == 0 { 0 } else { word(index + 1) << (64 - shift) };
    (low | high) as u32
}

/// First day of week 1 of a year, for weeks that begin on `week_start` (0 for Monday): the week with 4 January.
pub(super) fn first_week(year: i32, week_start: u32) -> i32 {
    let fourth = first_of_year(year) + 3;
    fourth - ((weekday(fourth) + 7 - week_start) % 7) as i32
}

/// The year whose weeks include `day`.
pub(super) fn week_year(day: i32, week_start: u32) -> i32 {
    let (year, _, _) = ymd(day);
    if day < first_week(year, week_start) {
        year - 1
    } else if day >= first_week(year + 1, week_start) {
        year + 1
    } else {
        year
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_numbers_agree_with_chrono() {
        for year in (1..=9999).step_by(37).chain(1999..2030) {
            for month in 1..=12 {
                let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
                let day = first_of_year(year) + month_offset(year, month) as i32;
                assert_eq!(day, day_of(first), "{first}");
                assert_eq!(weekday(day), first.weekday().num_days_from_monday());
                assert_eq!(month_len(year, month), u32::from(first.num_days_in_month()));
                assert_eq!(ymd(day), (year, month, 1));
            }
        }
        assert_eq!(day_of(NaiveDate::from_ymd_opt(9999, 12, 31).unwrap()), LAST_DAY);
    }

    #[test]
    fn weeks_agree_with_iso_8601() {
        for year in 1990..2060 {
            let first = NaiveDate::from_isoywd_opt(year, 1, Weekday::Mon).unwrap();
            assert_eq!(first_week(year, 0), day_of(first));
            for day in [12, 20, 28, 29, 30, 31, 32, 33, 34, 35] {
                let date = first - chrono::TimeDelta::days(20) + chrono::TimeDelta::days(day);
                assert_eq!(week_year(day_of(date), 0), date.iso_week().year());
            }
        }
    }

    #[test]
    fn the_nth_weekday_is_found_from_both_ends() {
        // A month of 30 days that begins on a Wednesday.
        assert_eq!(nth_weekday(1, 2, 2, 30), Some(0));
        assert_eq!(nth_weekday(5, 2, 2, 30), Some(28));
        assert_eq!(nth_weekday(5, 4, 2, 30), None);
        assert_eq!(nth_weekday(-1, 3, 2, 30), Some(29));
        assert_eq!(nth_weekday(-5, 3, 2, 30), Some(1));
        assert_eq!(nth_weekday(-5, 4, 2, 30), None);
    }
}
