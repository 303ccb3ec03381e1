//! The occurrences of one period of a daily, weekly, monthly or yearly rule.
//!
//! A period is numbered from the one of the start, and any of them can be computed on its own. Daily rules use months
//! as periods: their days are then stripes in the month's mask.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "days of years 1 to 9999 fit 22 bits, masks and counts of their bits are small"
)]

use super::civil;
use super::plan::{Plan, select};
use super::rule::Frequency;

/// Some days: bit 0 of `mask` is `base`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) base: i32,
    pub(super) mask: u32,
}

/// The occurrences of one period, ascending.
#[derive(Debug, Clone, Default)]
pub(super) struct Period {
    /// Days that occur at all times of the plan.
    pub(super) blocks: Vec<Block>,
    /// Day and index of the time, where `BYSETPOS` picked single times.
    pub(super) picks: Vec<(i32, u32)>,
}

impl Period {
    fn push(&mut self, base: i32, mask: u32) {
        if mask != 0 {
            self.blocks.push(Block { base, mask });
        }
    }

    fn days(&self) -> u64 {
        self.blocks.iter().map(|block| u64::from(block.mask.count_ones())).sum()
    }

    /// How many occurrences there are.
    pub(super) fn len(&self, plan: &Plan) -> u64 {
        self.days() * plan.times.len() as u64 + self.picks.len() as u64
    }

    /// How many of them are before a time.
    pub(super) fn len_before(&self, plan: &Plan, day: i32, second: u32) -> u64 {
        let earlier = plan.times.partition_point(|moment| moment.seconds < second) as u64;
        let mut len = 0;
        for block in &self.blocks {
            len += u64::from((block.mask & below(day - block.base)).count_ones()) * plan.times.len() as u64;
            if (0..32).contains(&(day - block.base)) && block.mask >> (day - block.base) & 1 == 1 {
                len += earlier;
            }
        }
        len + self.picks.partition_point(|pick| *pick < (day, earlier as u32)) as u64
    }

    /// Drops the days before `day`.
    pub(super) fn trim(&mut self, day: i32) {
        for block in &mut self.blocks {
            block.mask &= !below(day - block.base);
        }
        self.picks.retain(|pick| pick.0 >= day);
    }

    /// Keeps what `BYSETPOS` names.
    fn apply_set_pos(&mut self, plan: &Plan) {
        let times = plan.times.len();
        if let ([block], [n], 1) = (self.blocks.as_mut_slice(), plan.set_pos.as_slice(), times) {
            let count = block.mask.count_ones();
            let index = if *n > 0 { n.unsigned_abs() - 1 } else { count.wrapping_sub(n.unsigned_abs()) };
            block.mask = if index < count { 1 << nth_bit(block.mask, index as usize) } else { 0 };
            return;
        }
        let mut picked = select(&plan.set_pos, self.days() as usize * times).peekable();
        let mut passed = 0;
        for block in &mut self.blocks {
            let count = block.mask.count_ones() as usize;
            let mut kept = 0;
            while let Some(index) = picked.next_if(|index| *index < (passed + count) * times) {
                let bit = nth_bit(block.mask, index / times - passed);
                if times == 1 {
                    kept |= 1 << bit;
                } else {
                    self.picks.push((block.base + bit as i32, (index % times) as u32));
                }
            }
            passed += count;
            block.mask = kept;
        }
    }
}

/// The bits below `count`.
fn below(count: i32) -> u32 {
    match count {
        ..=0 => 0,
        1..32 => u32::MAX >> (32 - count),
        32.. => u32::MAX,
    }
}

fn nth_bit(mut mask: u32, n: usize) -> u32 {
    for _ in 0..n {
        mask &= mask.wrapping_sub(1);
    }
    mask.trailing_zeros()
}

impl Plan {
    /// Fills `period` with the occurrences of period `number` and returns the number of the next period worth a
    /// look; `None` at the end of time.
    pub(super) fn load(&self, number: i64, period: &mut Period) -> Option<i64> {
        period.blocks.clear();
        period.picks.clear();
        let mut next = number.checked_add(1)?;
        match self.freq {
            Frequency::Yearly => {
                let year = self.year(number)?;
                if self.weeks.is_some() {
                    self.weeks_of_year(year, period);
                } else {
                    let nth = self.days.nth_of_year(year);
                    let mut months = self.months;
                    while months != 0 {
                        let (base, mask) = self.days.month(year, months.trailing_zeros(), nth.as_ref());
                        period.push(base, mask);
                        months &= months - 1;
                    }
                }
            }
            Frequency::Monthly => {
                let (year, month) = self.month(number.checked_mul(self.interval)?)?;
                if self.months >> month & 1 == 1 {
                    let (base, mask) = self.days.month(year, month, None);
                    period.push(base, mask);
                }
            }
            Frequency::Weekly => {
                let base = self.week(number)?;
                period.push(base, self.week_mask(base));
            }
            _ => {
                let (year, month) = self.month(number)?;
                let (base, mask) = self.days.month(year, month, None);
                let offset = (i64::from(self.day0) - i64::from(base)).rem_euclid(self.interval);
                let len = civil::month_len(year, month);
                if offset >= i64::from(len) {
                    let day = i64::from(base) + offset;
                    if day > i64::from(civil::LAST_DAY) {
                        return None;
                    }
                    next = self.period_of(day as i32);
                } else if self.months >> month & 1 == 1 {
                    period.push(base, mask & stripes(offset as u32, self.interval));
                }
            }
        }
        if !self.set_pos.is_empty() {
            period.apply_set_pos(self);
        }
        Some(next)
    }

    /// The number of the period that has `day`, or of one not long before. `day` is not before the start.
    pub(super) fn period_of(&self, day: i32) -> i64 {
        let (year, month, _) = civil::ymd(day);
        let years = i64::from(year) - i64::from(self.year0);
        let months = i64::from(year) * 12 + i64::from(month) - 1 - self.month0;
        match self.freq {
            // A week may belong to the year before or after the one of its days.
            Frequency::Yearly if self.week_years => (years - 1).max(0) / self.interval,
            Frequency::Yearly => years / self.interval,
            Frequency::Weekly => i64::from(day - self.week0) / 7 / self.interval,
            Frequency::Monthly => months / self.interval,
            _ => months,
        }
    }

    /// Whether all of a period is after a time.
    pub(super) fn begins_after(&self, number: i64, time: i64) -> bool {
        let first = match self.freq {
            Frequency::Yearly => self.year(number).map(|year| civil::first_of_year(year) - 3),
            Frequency::Weekly => self.week(number),
            Frequency::Monthly => {
                number.checked_mul(self.interval).and_then(|months| self.month(months)).map(first_of)
            }
            _ => self.month(number).map(first_of),
        };
        first.is_none_or(|day| i64::from(day) * civil::DAY > time)
    }

    fn year(&self, number: i64) -> Option<i32> {
        let years = i32::try_from(number.checked_mul(self.interval)?).ok()?;
        self.year0.checked_add(years).filter(|year| *year <= 9999)
    }

    fn month(&self, months: i64) -> Option<(i32, u32)> {
        let months = months.checked_add(self.month0)?;
        (months < 10_000 * 12).then(|| ((months / 12) as i32, (months % 12) as u32 + 1))
    }

    fn week(&self, number: i64) -> Option<i32> {
        let days = number.checked_mul(self.interval * 7)?;
        let day = days.checked_add(i64::from(self.week0))?;
        (day <= i64::from(civil::LAST_DAY)).then_some(day as i32)
    }

    /// The days of a week that match, bit 0 is its first day.
    fn week_mask(&self, base: i32) -> u32 {
        let all = civil::weekday_pattern(self.days.weekdays, self.week_start) & 0x7f;
        if self.months == 0x1ffe { all } else { keep(base, all, |_, month, _| self.months >> month & 1 == 1) }
    }

    /// The weeks of a year that `BYWEEKNO` names, bit n for week n, the first day of week 1, and how many there are.
    fn weeks_named(&self, year: i32) -> (u64, i32, u32) {
        let (mut weeks, mut from_end) = self.weeks.unwrap_or_default();
        let first = civil::first_week(year, self.week_start);
        let count = ((civil::first_week(year + 1, self.week_start) - first) / 7) as u32;
        while from_end != 0 {
            if let Some(week @ 1..) = (count + 1).checked_sub(from_end.trailing_zeros()) {
                weeks |= 1 << week;
            }
            from_end &= from_end - 1;
        }
        (weeks & ((2 << count) - 1), first, count)
    }

    fn weeks_of_year(&self, year: i32, period: &mut Period) {
        let (mut weeks, first, count) = self.weeks_named(year);
        if self.week_years {
            while weeks != 0 {
                self.push_week(first + 7 * (weeks.trailing_zeros() as i32 - 1), None, period);
                weeks &= weeks - 1;
            }
            return;
        }
        let (before, _, last) = self.weeks_named(year - 1);
        if before >> last & 1 == 1 {
            self.push_week(first - 7, Some(year), period);
        }
        while weeks != 0 {
            self.push_week(first + 7 * (weeks.trailing_zeros() as i32 - 1), Some(year), period);
            weeks &= weeks - 1;
        }
        if self.weeks_named(year + 1).0 >> 1 & 1 == 1 {
            self.push_week(first + 7 * count as i32, Some(year), period);
        }
    }

    /// Adds the matching days of the week that begins at `base`; only those of calendar year `within`, if given.
    fn push_week(&self, base: i32, within: Option<i32>, period: &mut Period) {
        let mut mask = 0x7f;
        if self.days.by_day {
            mask &= civil::weekday_pattern(self.days.weekdays, self.week_start);
        }
        if let Some(year) = within {
            mask &= !below(civil::first_of_year(year) - base) & below(civil::first_of_year(year + 1) - base);
        }
        if self.months != 0x1ffe || self.days.month_days.is_some() || self.days.year_days.is_some() {
            mask = keep(base, mask, |year, month, day| {
                self.months >> month & 1 == 1 && self.days.month(year, month, None).1 >> (day - 1) & 1 == 1
            });
        }
        period.push(base, mask);
    }
}

fn first_of((year, month): (i32, u32)) -> i32 {
    civil::first_of_year(year) + civil::month_offset(year, month) as i32
}

/// Every `interval`-th bit from `first` on.
fn stripes(first: u32, interval: i64) -> u32 {
    if interval == 1 {
        return u32::MAX;
    }
    let mut mask = 0;
    let mut index = i64::from(first);
    while index < 32 {
        mask |= 1 << index;
        index += interval;
    }
    mask
}

/// The days of `mask` whose year, month and day pass.
fn keep(base: i32, mask: u32, pass: impl Fn(i32, u32, u32) -> bool) -> u32 {
    let mut rest = mask;
    let mut kept = 0;
    while rest != 0 {
        let bit = rest.trailing_zeros();
        let (year, month, day) = civil::ymd(base + bit as i32);
        if pass(year, month, day) {
            kept |= 1 << bit;
        }
        rest &= rest - 1;
    }
    kept
}
