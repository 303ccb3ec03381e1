//! Rules finer than daily: hours, minutes, seconds.
//!
//! Time is counted in units of the frequency. The next unit that matches is found by leaps: from a day that does not
//! match to the next one that does, from an hour that is not in `BYHOUR` to the next one that is, and so on; after
//! each leap the unit is rounded up to the interval again.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "seconds of years 1 to 9999 fit 39 bits, units of a day 17"
)]

use chrono::NaiveTime;

use super::civil::{self, DAY};
use super::iter::Found;
use super::plan::{Moment, Plan};
use super::rule::Frequency;

/// Where a walk over hours, minutes or seconds stands.
#[derive(Debug, Clone)]
pub(super) struct Fine {
    /// Units of a day.
    per_day: i64,
    /// Seconds of a unit.
    len: i64,
    first: i64,
    /// The next unit to look at; always on the interval.
    unit: i64,
    /// Index into the plan's times within the unit found last.
    time: usize,
    found: bool,
    month: Month,
}

/// The days of the month that was looked at last.
#[derive(Debug, Clone, Copy, Default)]
struct Month {
    base: i32,
    end: i32,
    mask: u32,
}

impl Fine {
    pub(super) fn new(plan: &Plan) -> Self {
        let len = match plan.freq {
            Frequency::Hourly => 3600,
            Frequency::Minutely => 60,
            _ => 1,
        };
        let first = (i64::from(plan.day0) * DAY + i64::from(plan.second0)).div_euclid(len);
        let mut fine = Self {
            per_day: DAY / len,
            len,
            first,
            unit: first,
            time: 0,
            found: false,
            month: Month::default(),
        };
        if !fine.can_match(plan) {
            fine.unit = i64::MAX;
        }
        fine
    }

    /// Goes to the unit of `from`.
    pub(super) fn seek(&mut self, plan: &Plan, from: i64) {
        let target = from.div_euclid(self.len);
        if self.unit != i64::MAX {
            self.unit = self.align(plan, target.max(self.first));
        }
        (self.time, self.found) = (0, false);
    }

    /// The first unit from `target` on that the interval allows.
    fn align(&self, plan: &Plan, target: i64) -> i64 {
        let away = target - self.first;
        let steps = (away + plan.interval - 1).div_euclid(plan.interval);
        self.first.saturating_add(steps.saturating_mul(plan.interval))
    }

    /// Whether any time of day is both on the interval and within the limits. Without this a rule such as every 60
    /// seconds at second 30, started at second 0, would be searched to the end.
    fn can_match(&self, plan: &Plan) -> bool {
        if plan.times.is_empty() {
            return false;
        }
        let step = gcd(plan.interval, self.per_day);
        let offset = self.first.rem_euclid(self.per_day) % step;
        if step == 1 {
            return true;
        }
        let mut unit = offset;
        while unit < self.per_day {
            match self.leap_in_day(plan, unit) {
                None => return true,
                Some(next) => unit = next + (offset - next).rem_euclid(step),
            }
        }
        false
    }

    /// `None` when the unit of a day is within the limits, otherwise the next one that may be.
    fn leap_in_day(&self, plan: &Plan, unit: i64) -> Option<i64> {
        let second = unit * self.len;
        let (hour, minute) = (second / 3600, second / 60 % 60);
        if plan.hours >> hour & 1 == 0 {
            return Some(
                next_bit(u64::from(plan.hours), hour).map_or(self.per_day, |hour| hour * 3600 / self.len),
            );
        }
        if self.len < 3600 && plan.minutes >> minute & 1 == 0 {
            let next = next_bit(plan.minutes, minute).unwrap_or(60);
            return Some((hour * 3600 + next * 60) / self.len);
        }
        if self.len == 1 && plan.seconds >> (second % 60) & 1 == 0 {
            let next = next_bit(plan.seconds, second % 60).unwrap_or(60).min(60);
            return Some(second - second % 60 + next);
        }
        None
    }

    /// `None` when the day matches, otherwise a later one that may.
    fn leap_to_day(&mut self, plan: &Plan, day: i32) -> Option<i32> {
        if plan.months == 0x1ffe && plan.days.is_open() {
            return None;
        }
        if !(self.month.base..self.month.end).contains(&day) {
            let (year, month, _) = civil::ymd(day);
            let nth = plan.days.nth_of_year(year);
            let (base, mask) = plan.days.month(year, month, nth.as_ref());
            let mask = if plan.months >> month & 1 == 1 { mask } else { 0 };
            self.month = Month { base, end: base + civil::month_len(year, month) as i32, mask };
        }
        match (self.month.mask >> (day - self.month.base)).trailing_zeros() {
            0 => None,
            32 => Some(self.month.end),
            days => Some(day + days as i32),
        }
    }

    /// Goes to the next unit that matches, `unit` included.
    fn find(&mut self, plan: &Plan, last: i64, budget: &mut u64) -> Found {
        loop {
            if self.unit > last.div_euclid(self.len)
                || self.unit >= (i64::from(civil::LAST_DAY) + 1) * self.per_day
            {
                return Found::End;
            }
            if *budget == 0 {
                return Found::Tired;
            }
            *budget -= 1;
            let (day, in_day) = (self.unit.div_euclid(self.per_day), self.unit.rem_euclid(self.per_day));
            let target = if let Some(day) = self.leap_to_day(plan, day as i32) {
                i64::from(day) * self.per_day
            } else if let Some(next) = self.leap_in_day(plan, in_day) {
                day * self.per_day + next
            } else {
                return Found::At(0, 0, NaiveTime::MIN);
            };
            self.unit = self.align(plan, target);
        }
    }

    #[inline]
    pub(super) fn next(&mut self, plan: &Plan, last: i64, budget: &mut u64) -> Found {
        loop {
            if self.found {
                if let Some(Moment { seconds, .. }) = plan.times.get(self.time) {
                    self.time += 1;
                    let (day, second) = civil::split(self.unit * self.len + i64::from(*seconds));
                    let time =
                        NaiveTime::from_num_seconds_from_midnight_opt(second, 0).unwrap_or(NaiveTime::MIN);
                    return Found::At(day, second, time);
                }
                self.unit = self.unit.saturating_add(plan.interval);
                self.found = false;
            }
            match self.find(plan, last, budget) {
                Found::At(..) => (self.time, self.found) = (0, true),
                other => return other,
            }
        }
    }

    /// Occurrences from the start on that are before `time`.
    pub(super) fn count_before(mut self, plan: &Plan, time: i64, budget: &mut u64) -> Option<u64> {
        let open = plan.months == 0x1ffe && plan.days.is_open();
        let per_unit = plan.times.len() as u64;
        let before = |unit: i64, time: i64, len: i64| {
            plan.times.partition_point(|moment| unit * len + i64::from(moment.seconds) < time) as u64
        };
        let start = i64::from(plan.day0) * DAY + i64::from(plan.second0);
        let mut total: u64 = 0;
        let all_day = plan.hours == 0x00ff_ffff && (self.len == 3600 || plan.minutes == u64::MAX >> 4);
        if open && all_day && (self.len > 1 || plan.seconds == u64::MAX >> 3) {
            let target = time.div_euclid(self.len);
            let units = (target - self.first + plan.interval - 1).div_euclid(plan.interval);
            total = units as u64 * per_unit;
            if self.align(plan, target) == target {
                total += before(target, time, self.len);
            }
            return Some(total - before(self.first, start, self.len).min(total));
        }
        loop {
            match self.find(plan, time, budget) {
                Found::At(..) => {}
                Found::End => return Some(total),
                Found::Tired => return None,
            }
            total += before(self.unit, time, self.len);
            total -= before(self.unit, start, self.len).min(total);
            self.unit = self.unit.saturating_add(plan.interval);
        }
    }
}

/// The next bit above `bit`.
fn next_bit(set: u64, bit: i64) -> Option<i64> {
    let rest = set >> bit >> 1;
    (rest != 0).then(|| bit + 1 + i64::from(rest.trailing_zeros()))
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_found_upwards_only() {
        assert_eq!(next_bit(0b1001, 0), Some(3));
        assert_eq!(next_bit(0b1001, 3), None);
        assert_eq!(next_bit(1 << 59, 58), Some(59));
    }
}
