//! The occurrences of a rule, in order.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "days of years 1 to 9999 fit 22 bits, masks and counts of their bits are small"
)]

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::civil::{self, DAY};
use super::fine::Fine;
use super::period::{Block, Period};
use super::plan::Plan;
use super::rule::{End, Frequency, Rule, Until};
use crate::zone::Zone;

/// Steps that lead to no occurrence which an iterator may take in all: some ten milliseconds.
const BUDGET: u64 = 1_000_000;

/// What each occurrence adds to the budget.
const REFILL: u64 = 1_000;

/// Wall-clock times of a rule, ascending and without duplicates; see [`Rule::occurrences`].
///
/// Ends at the rule's end, at the end of year 9999, or when so many steps led to nothing that the rule must be hostile
/// or mistaken; [`truncated`](Self::truncated) tells the last case from the others.
#[derive(Debug, Clone)]
pub struct Occurrences {
    plan: Option<Plan>,
    /// Everything below is in seconds of civil time. No occurrence is before `from` or after `last`.
    from: i64,
    last: i64,
    /// Occurrences that `COUNT` still allows.
    left: u64,
    count: Option<u64>,
    walk: Walk,
    pub(super) budget: u64,
    truncated: bool,
}

#[derive(Debug, Clone)]
enum Walk {
    Days(Days),
    Fine(Fine),
}

/// Where a walk over periods stands.
#[derive(Debug, Clone, Default)]
struct Days {
    /// The period to load next.
    next: Option<i64>,
    period: Period,
    block: usize,
    mask: u32,
    base: i32,
    /// The day whose times are being returned.
    day: i32,
    time: usize,
    pick: usize,
}

impl Rule {
    /// The occurrences of a series that starts at `start`, in its wall-clock time.
    ///
    /// `zone` is the series' zone; it is only needed to understand an `UNTIL` in UTC. The start itself is among the
    /// occurrences only when it matches the rule: RFC 5545 leaves the other case undefined.
    pub fn occurrences(&self, start: NaiveDateTime, zone: Option<&Zone>) -> Occurrences {
        let plan = Plan::new(self.parts(), start);
        let last = match self.end() {
            End::Until(until) => until_bound(until, zone),
            End::Never | End::Count(_) => i64::MAX,
        };
        let count = match self.end() {
            End::Count(count) => Some(u64::from(count.get())),
            End::Never | End::Until(_) => None,
        };
        let walk = match &plan {
            Some(plan) if plan.freq < Frequency::Daily => Walk::Fine(Fine::new(plan)),
            Some(_) => Walk::Days(Days { next: Some(0), ..Days::default() }),
            None => Walk::Days(Days::default()),
        };
        Occurrences {
            plan,
            from: civil::seconds(start),
            last,
            left: count.unwrap_or(u64::MAX),
            count,
            walk,
            budget: BUDGET,
            truncated: false,
        }
    }

    /// Whether the series has an occurrence at exactly `at`.
    pub fn contains(&self, start: NaiveDateTime, zone: Option<&Zone>, at: NaiveDateTime) -> bool {
        self.occurrences(start, zone).starting_at(at).next() == Some(at)
    }

    /// The place of an occurrence in the series, counted from 1; `None` when `at` is none.
    pub fn index_of(&self, start: NaiveDateTime, zone: Option<&Zone>, at: NaiveDateTime) -> Option<u64> {
        let mut occurrences = self.clone().with_end(End::Never).occurrences(start, zone);
        let index = occurrences.count_before(civil::seconds(at))?.checked_add(1)?;
        self.contains(start, zone, at).then_some(index)
    }
}

/// The last second at which an occurrence may start.
fn until_bound(until: Until, zone: Option<&Zone>) -> i64 {
    match (until, zone) {
        (Until::Date(date), _) => civil::seconds(date.and_time(NaiveTime::MIN)) + DAY - 1,
        (Until::Local(at), _) => civil::seconds(at),
        (Until::Utc(at), Some(zone)) => civil::seconds(zone.to_local(at)),
        // A floating or all-day series: the digits are all there is.
        (Until::Utc(at), None) => civil::seconds(at.naive_utc()),
    }
}

impl Occurrences {
    /// Starts over at the first occurrence that is not before `from`.
    ///
    /// Costs no more than a step where the number of occurrences before `from` is not needed (no `COUNT`) or follows
    /// from the pattern; otherwise one step per period in between.
    #[must_use]
    pub fn starting_at(mut self, from: NaiveDateTime) -> Self {
        self.seek(civil::seconds(from));
        self
    }

    /// Ends before `end`, which also stops a search that found nothing until then.
    #[must_use]
    pub fn ending_before(mut self, end: NaiveDateTime) -> Self {
        self.last = self.last.min(civil::seconds(end) - 1);
        self
    }

    /// Whether it gave up before the end of the rule.
    pub const fn truncated(&self) -> bool {
        self.truncated
    }

    /// How many occurrences are before a time; `None` when the budget did not suffice to count them.
    fn count_before(&mut self, time: i64) -> Option<u64> {
        let plan = self.plan.as_ref()?;
        plan.count_before(time, &mut self.budget)
    }

    fn seek(&mut self, from: i64) {
        let Some(plan) = &self.plan else { return };
        let start = i64::from(plan.day0) * DAY + i64::from(plan.second0);
        let from = from.max(start);
        let (day, _) = civil::split(from);
        self.from = from;
        self.walk = match &self.walk {
            Walk::Fine(_) => {
                let mut fine = Fine::new(plan);
                fine.seek(plan, from);
                Walk::Fine(fine)
            }
            Walk::Days(_) => Walk::Days(Days { next: Some(plan.period_of(day)), ..Days::default() }),
        };
        if let Some(count) = self.count {
            if let Some(before) = self.count_before(from) {
                self.left = count.saturating_sub(before);
            } else {
                self.left = 0;
                self.truncated = true;
            }
        }
    }

    fn give_up(&mut self) -> Option<NaiveDateTime> {
        self.truncated = true;
        self.left = 0;
        None
    }
}

impl Iterator for Occurrences {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        if self.left == 0 {
            return None;
        }
        let plan = self.plan.as_ref()?;
        loop {
            let found = match &mut self.walk {
                Walk::Days(days) => days.next(plan, self.from, self.last, &mut self.budget),
                Walk::Fine(fine) => fine.next(plan, self.last, &mut self.budget),
            };
            let (day, second, time) = match found {
                Found::At(day, second, time) => (day, second, time),
                Found::End => {
                    self.left = 0;
                    return None;
                }
                Found::Tired => return self.give_up(),
            };
            let at = i64::from(day) * DAY + i64::from(second);
            if at < self.from {
                if self.budget == 0 {
                    return self.give_up();
                }
                self.budget -= 1;
                continue;
            }
            if at > self.last {
                self.left = 0;
                return None;
            }
            self.left -= 1;
            self.budget = self.budget.saturating_add(REFILL);
            return NaiveDate::from_num_days_from_ce_opt(day).map(|date| NaiveDateTime::new(date, time));
        }
    }
}

/// What a walk came upon.
pub(super) enum Found {
    /// Day, second of the day, and the same as a time.
    At(i32, u32, NaiveTime),
    /// Nothing more.
    End,
    /// The budget is used up.
    Tired,
}

impl Days {
    #[inline]
    fn next(&mut self, plan: &Plan, from: i64, last: i64, budget: &mut u64) -> Found {
        loop {
            if let Some(moment) = plan.times.get(self.time)
                && self.day != 0
            {
                self.time += 1;
                return Found::At(self.day, moment.seconds, moment.time);
            }
            if self.mask != 0 {
                self.day = self.base + self.mask.trailing_zeros() as i32;
                self.mask &= self.mask - 1;
                self.time = 0;
                continue;
            }
            if let Some(Block { base, mask }) = self.period.blocks.get(self.block) {
                self.block += 1;
                (self.base, self.mask) = (*base, *mask);
                continue;
            }
            if let Some((day, index)) = self.period.picks.get(self.pick) {
                self.pick += 1;
                if let Some(moment) = plan.times.get(*index as usize) {
                    return Found::At(*day, moment.seconds, moment.time);
                }
            }
            match self.load(plan, from, last, budget) {
                Found::At(..) => {}
                other => return other,
            }
        }
    }

    /// Loads the next period that has something.
    fn load(&mut self, plan: &Plan, from: i64, last: i64, budget: &mut u64) -> Found {
        (self.block, self.pick, self.day) = (0, 0, 0);
        loop {
            let Some(number) = self.next else { return Found::End };
            if *budget == 0 {
                return Found::Tired;
            }
            *budget -= 1;
            self.next = plan.load(number, &mut self.period);
            if self.next.is_none() {
                self.period = Period::default();
                return Found::End;
            }
            let first = match (self.period.blocks.first(), self.period.picks.first()) {
                (Some(block), _) => block.base,
                (None, Some(pick)) => pick.0,
                (None, None) => {
                    if plan.begins_after(number, last) {
                        return Found::End;
                    }
                    continue;
                }
            };
            if i64::from(first) * DAY > last {
                return Found::End;
            }
            let (day, _) = civil::split(from);
            if first < day {
                self.period.trim(day);
            }
            return Found::At(0, 0, NaiveTime::MIN);
        }
    }
}
