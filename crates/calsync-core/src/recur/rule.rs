//! The parts of a rule and what equality of two rules means.
//!
//! [`Parts`] is plain data that anybody may fill; [`Rule`] is the same data after it was checked, sorted and freed of
//! duplicates. Only rules can be expanded.

use std::num::NonZeroU32;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc, Weekday};

use super::parse::RuleError;

/// How often a rule repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// Every n seconds.
    Secondly,
    /// Every n minutes.
    Minutely,
    /// Every n hours.
    Hourly,
    /// Every n days.
    Daily,
    /// Every n weeks.
    Weekly,
    /// Every n months.
    Monthly,
    /// Every n years.
    Yearly,
}

/// The `UNTIL` of a rule, in the form it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Until {
    /// A date; occurrences on that day belong to the rule.
    Date(NaiveDate),
    /// A wall-clock time, inclusive.
    Local(NaiveDateTime),
    /// An instant, inclusive.
    Utc(DateTime<Utc>),
}

/// Where a rule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum End {
    /// Never.
    #[default]
    Never,
    /// After so many occurrences, the excluded ones included.
    Count(NonZeroU32),
    /// At a time.
    Until(Until),
}

/// One entry of `BYDAY`: a weekday, or the n-th such weekday of the month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DayRule {
    /// `None` for every such weekday; otherwise -53 to 53 without 0, negative counts from the end.
    pub nth: Option<i8>,
    /// The weekday.
    pub weekday: Weekday,
}

impl DayRule {
    /// Every such weekday.
    pub const fn every(weekday: Weekday) -> Self {
        Self { nth: None, weekday }
    }

    /// The n-th such weekday.
    pub const fn nth(nth: i8, weekday: Weekday) -> Self {
        Self { nth: Some(nth), weekday }
    }

    fn order(self) -> (Option<i8>, u32) {
        (self.nth, self.weekday.num_days_from_monday())
    }
}

/// The parts of a rule as plain data, see [`Rule::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// `FREQ`.
    pub freq: Frequency,
    /// `INTERVAL`.
    pub interval: NonZeroU32,
    /// `COUNT` or `UNTIL`.
    pub end: End,
    /// `WKST`; Monday when not given.
    pub week_start: Option<Weekday>,
    /// `BYMONTH`, 1 to 12.
    pub by_month: Vec<u8>,
    /// `BYWEEKNO`, -53 to 53 without 0.
    pub by_week_no: Vec<i8>,
    /// `BYYEARDAY`, -366 to 366 without 0.
    pub by_year_day: Vec<i16>,
    /// `BYMONTHDAY`, -31 to 31 without 0.
    pub by_month_day: Vec<i8>,
    /// `BYDAY`.
    pub by_day: Vec<DayRule>,
    /// `BYHOUR`, 0 to 23.
    pub by_hour: Vec<u8>,
    /// `BYMINUTE`, 0 to 59.
    pub by_minute: Vec<u8>,
    /// `BYSECOND`, 0 to 60. No occurrence falls on second 60.
    pub by_second: Vec<u8>,
    /// `BYSETPOS`, -366 to 366 without 0.
    pub by_set_pos: Vec<i16>,
}

impl Parts {
    /// A rule that repeats at every step of `freq` and never ends.
    pub const fn every(freq: Frequency) -> Self {
        Self {
            freq,
            interval: NonZeroU32::MIN,
            end: End::Never,
            week_start: None,
            by_month: Vec::new(),
            by_week_no: Vec::new(),
            by_year_day: Vec::new(),
            by_month_day: Vec::new(),
            by_day: Vec::new(),
            by_hour: Vec::new(),
            by_minute: Vec::new(),
            by_second: Vec::new(),
            by_set_pos: Vec::new(),
        }
    }
}

/// A valid recurrence rule.
///
/// Parsed with `str::parse` from an `RRULE` value, written by `Display` in a fixed order of parts, and serialised as
/// that text. Two rules are equal when their parts are: order and duplicates in a list do not count, nor does a `WKST`
/// that changes nothing. Whether two rules mean the same for a given start is the question for
/// [`anchored`](Self::anchored).
#[derive(Debug, Clone)]
pub struct Rule {
    parts: Parts,
}

impl Rule {
    /// Makes a rule of its parts: sorts the lists and checks that RFC 5545 knows the combination.
    ///
    /// # Errors
    ///
    /// Names the part that is out of range or does not go with the others.
    ///
    /// # Protocol
    ///
    /// RFC 5545 section 3.3.10.
    pub fn new(mut parts: Parts) -> Result<Self, RuleError> {
        fn tidy<T: Ord>(list: &mut Vec<T>) {
            list.sort_unstable();
            list.dedup();
        }
        tidy(&mut parts.by_month);
        tidy(&mut parts.by_week_no);
        tidy(&mut parts.by_year_day);
        tidy(&mut parts.by_month_day);
        tidy(&mut parts.by_hour);
        tidy(&mut parts.by_minute);
        tidy(&mut parts.by_second);
        tidy(&mut parts.by_set_pos);
        parts.by_day.sort_unstable_by_key(|day| day.order());
        parts.by_day.dedup();
        super::parse::check(&parts)?;
        Ok(Self { parts })
    }

    /// The parts, lists sorted and without duplicates.
    pub const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// `FREQ`.
    pub const fn freq(&self) -> Frequency {
        self.parts.freq
    }

    /// `INTERVAL`.
    pub const fn interval(&self) -> NonZeroU32 {
        self.parts.interval
    }

    /// `COUNT` or `UNTIL`.
    pub const fn end(&self) -> End {
        self.parts.end
    }

    /// The same rule with another end.
    #[must_use]
    pub fn with_end(mut self, end: End) -> Self {
        self.parts.end = end;
        self
    }

    /// `WKST`, Monday when not given.
    pub const fn week_start(&self) -> Weekday {
        match self.parts.week_start {
            Some(day) => day,
            None => Weekday::Mon,
        }
    }

    /// Whether another `WKST` could change the dates.
    pub fn week_start_matters(&self) -> bool {
        let parts = &self.parts;
        match parts.freq {
            Frequency::Weekly => parts.interval.get() > 1 || !parts.by_set_pos.is_empty(),
            Frequency::Yearly => !parts.by_week_no.is_empty(),
            _ => false,
        }
    }

    /// The same rule without `BYHOUR`, `BYMINUTE` and `BYSECOND`, which mean nothing when the start is a date.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        self.parts.by_hour.clear();
        self.parts.by_minute.clear();
        self.parts.by_second.clear();
        self
    }

    /// Writes out what the rule leaves to its start, and drops what changes nothing.
    ///
    /// Two rules of series with the same `start` have equal anchored forms when they differ only in how explicit they
    /// are: `FREQ=WEEKLY` and `FREQ=WEEKLY;BYDAY=MO` for a start on a Monday, `BYDAY=TU;BYSETPOS=2` and `BYDAY=2TU`.
    #[must_use]
    pub fn anchored(&self, start: NaiveDateTime) -> Self {
        let mut parts = self.parts.clone();
        fill(&mut parts, start);
        for (list, own) in [
            (&mut parts.by_hour, start.hour()),
            (&mut parts.by_minute, start.minute()),
            (&mut parts.by_second, start.second()),
        ] {
            if parts.freq >= Frequency::Daily && matches!(list.as_slice(), [only] if u32::from(*only) == own)
            {
                list.clear();
            }
        }
        if parts.by_month.len() == 12 && parts.freq != Frequency::Yearly {
            parts.by_month.clear();
        }
        let one_set = match parts.freq {
            Frequency::Monthly => true,
            Frequency::Yearly => parts.by_month.len() == 1,
            _ => false,
        };
        let plain = parts.by_month_day.is_empty()
            && parts.by_week_no.is_empty()
            && parts.by_year_day.is_empty()
            && parts.by_hour.is_empty()
            && parts.by_minute.is_empty()
            && parts.by_second.is_empty();
        if let ([day], [position], true) =
            (parts.by_day.as_slice(), parts.by_set_pos.as_slice(), one_set && plain)
            && day.nth.is_none()
            && let Ok(nth @ -5..=5) = i8::try_from(*position)
        {
            parts.by_day = vec![DayRule::nth(nth, day.weekday)];
            parts.by_set_pos.clear();
        }
        let mut rule = Self { parts };
        if !rule.week_start_matters() {
            rule.parts.week_start = None;
        }
        rule
    }
}

/// Adds the parts that the start decides.
///
/// `FREQ=YEARLY;BYMONTHDAY=14` without a month means the month of the start, not every month: implementations differ,
/// and a birthday must not become a monthly event.
pub(super) fn fill(parts: &mut Parts, start: NaiveDateTime) {
    let day = i8::try_from(start.day()).unwrap_or(1);
    let month = u8::try_from(start.month()).unwrap_or(1);
    let weekday = DayRule::every(start.weekday());
    match parts.freq {
        Frequency::Yearly => {
            if !parts.by_week_no.is_empty() {
                if parts.by_day.is_empty() && parts.by_month_day.is_empty() && parts.by_year_day.is_empty() {
                    parts.by_day.push(weekday);
                }
            } else if parts.by_year_day.is_empty() {
                if parts.by_month_day.is_empty() && parts.by_day.is_empty() {
                    parts.by_month_day.push(day);
                }
                // An n-th weekday without a month counts in the year, so the month of the start must not be added
                // to it here; the plan limits the days instead.
                let in_year = parts.by_day.iter().any(|day| day.nth.is_some());
                if parts.by_month.is_empty() && !parts.by_month_day.is_empty() && !in_year {
                    parts.by_month.push(month);
                }
            }
        }
        Frequency::Monthly => {
            if parts.by_month_day.is_empty() && parts.by_day.is_empty() {
                parts.by_month_day.push(day);
            }
        }
        Frequency::Weekly => {
            if parts.by_day.is_empty() {
                parts.by_day.push(weekday);
            }
        }
        Frequency::Daily | Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => {}
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        // Taken apart so that a new part cannot be forgotten here.
        let Parts {
            freq,
            interval,
            end,
            week_start: _,
            by_month,
            by_week_no,
            by_year_day,
            by_month_day,
            by_day,
            by_hour,
            by_minute,
            by_second,
            by_set_pos,
        } = &self.parts;
        let that = &other.parts;
        *freq == that.freq
            && *interval == that.interval
            && *end == that.end
            && (self.week_start() == other.week_start() || !self.week_start_matters())
            && *by_month == that.by_month
            && *by_week_no == that.by_week_no
            && *by_year_day == that.by_year_day
            && *by_month_day == that.by_month_day
            && *by_day == that.by_day
            && *by_hour == that.by_hour
            && *by_minute == that.by_minute
            && *by_second == that.by_second
            && *by_set_pos == that.by_set_pos
    }
}

impl Eq for Rule {}
