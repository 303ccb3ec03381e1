//! How many occurrences a rule has before a time.
//!
//! `COUNT` and the index of an occurrence need it. Where every period has equally many it is a multiplication,
//! otherwise the bits of each period in between are counted.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "days of years 1 to 9999 fit 22 bits, masks and counts of their bits are small"
)]

use super::civil::{self, DAY};
use super::fine::Fine;
use super::period::Period;
use super::plan::{Plan, select};
use super::rule::Frequency;

impl Plan {
    /// Occurrences from the start on that are before `time`; `None` when `budget` is not enough to count them.
    pub(super) fn count_before(&self, time: i64, budget: &mut u64) -> Option<u64> {
        let start = i64::from(self.day0) * DAY + i64::from(self.second0);
        if time <= start {
            return Some(0);
        }
        if self.freq < Frequency::Daily {
            return Fine::new(self).count_before(self, time, budget);
        }
        let (day, second) = civil::split(time);
        let mut period = Period::default();
        if self.freq == Frequency::Daily && self.months == 0x1ffe && self.days.is_open() {
            let full = (i64::from(day - self.day0) + self.interval - 1) / self.interval;
            let on_day = i64::from(day - self.day0) % self.interval == 0;
            let earlier = |second: u32| self.times.partition_point(|moment| moment.seconds < second) as u64;
            let total = full as u64 * self.times.len() as u64 + if on_day { earlier(second) } else { 0 };
            return Some(total - earlier(self.second0).min(total));
        }
        let first = self.period_of(self.day0);
        let last = self.period_of(day);
        let mut total = match self.per_period() {
            Some(count) => self.matching_periods(last - first) * count,
            None => self.walk(first, last, &mut period, budget)?,
        };
        // The last periods may be the one of `time` and, with weeks, the one before it.
        let mut number = last;
        while self.load(number, &mut period).is_some() && !self.begins_after(number, time) {
            spend(budget)?;
            total += period.len_before(self, day, second);
            number += 1;
        }
        // Nothing before the start counts; a week of the first year may lie before it, too.
        number = first;
        while self.load(number, &mut period).is_some() && !self.begins_after(number, start) {
            spend(budget)?;
            total -= period.len_before(self, self.day0, self.second0).min(total);
            number += 1;
        }
        Some(total)
    }

    fn walk(&self, first: i64, last: i64, period: &mut Period, budget: &mut u64) -> Option<u64> {
        let mut total: u64 = 0;
        let mut number = first;
        while number < last {
            spend(budget)?;
            let Some(next) = self.load(number, period) else { break };
            total = total.saturating_add(period.len(self));
            number = next;
        }
        Some(total)
    }

    /// Of the first `periods` periods, how many are in a month of `BYMONTH`.
    fn matching_periods(&self, periods: i64) -> u64 {
        if self.freq != Frequency::Monthly || self.months == 0x1ffe {
            return periods as u64;
        }
        let month0 = i64::from(civil::ymd(self.day0).1) - 1;
        let hit = |number: i64| {
            let month = (month0 + number % 12 * (self.interval % 12)) % 12 + 1;
            self.months >> month & 1 == 1
        };
        let among = |count: i64| (0..count).filter(|number| hit(*number)).count() as u64;
        (periods / 12) as u64 * among(12) + among(periods % 12)
    }

    /// Occurrences of a period, if every one has equally many.
    fn per_period(&self) -> Option<u64> {
        let times = self.times.len();
        // Days that a period has at least, and whether it never has more.
        let (least, exact) = match self.freq {
            Frequency::Weekly if self.months == 0x1ffe => (self.days.weekdays.count_ones(), true),
            Frequency::Monthly => self.per_month()?,
            Frequency::Yearly => self.per_year()?,
            _ => return None,
        };
        let least = least as usize * times;
        if self.set_pos.is_empty() {
            return exact.then_some(least as u64);
        }
        let fits = self.set_pos.iter().all(|n| n.unsigned_abs() as usize <= least);
        let one_sided = self.set_pos.iter().all(|n| *n > 0) || self.set_pos.iter().all(|n| *n < 0);
        (fits && (exact || one_sided)).then(|| select(&self.set_pos, least).count() as u64)
    }

    fn per_month(&self) -> Option<(u32, bool)> {
        let days = &self.days;
        if days.year_days.is_some() {
            return None;
        }
        match (days.month_days, days.by_day) {
            (None, false) => Some((28, false)),
            (Some((list, 0) | (0, list)), false) => {
                Some(((list & 0x0fff_ffff).count_ones(), list >> 28 == 0))
            }
            (None, true) if days.nth.is_empty() => Some((4 * days.weekdays.count_ones(), false)),
            (None, true) if days.weekdays == 0 && !days.nth_in_year => {
                let one_sided = days.nth.iter().all(|(n, _)| *n > 0) || days.nth.iter().all(|(n, _)| *n < 0);
                let always = days.nth.iter().filter(|(n, _)| n.unsigned_abs() <= 4).count() as u32;
                one_sided.then_some((always, always as usize == days.nth.len()))
            }
            _ => None,
        }
    }

    fn per_year(&self) -> Option<(u32, bool)> {
        let days = &self.days;
        if let Some((from_start, from_end)) = self.weeks {
            let filtered = self.months != 0x1ffe || days.month_days.is_some() || days.year_days.is_some();
            let list = match (from_start, from_end) {
                (list, 0) | (0, list) if !filtered => list,
                _ => return None,
            };
            let in_week = if days.by_day { days.weekdays.count_ones() } else { 7 };
            // The first and the last weeks of a calendar year may be cut.
            let always = list & if self.week_years { !(1 << 53) } else { (1 << 52) - 4 };
            return Some((always.count_ones() * in_week, always == list));
        }
        if days.nth_in_year || days.year_days.is_some() {
            return None;
        }
        let (in_month, exact) = self.per_month()?;
        Some((in_month * self.months.count_ones(), exact))
    }
}

fn spend(budget: &mut u64) -> Option<()> {
    *budget = budget.checked_sub(1)?;
    Some(())
}
