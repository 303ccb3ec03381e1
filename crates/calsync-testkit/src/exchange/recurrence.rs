//! Recurrence as Exchange stores it, expanded with Exchange's own meaning.
//!
//! In: a [`Recurrence`] of pattern and range; out: dates. Nothing here knows RRULE: a day of the month past the month's end
//! is the month's last day, weeks start where the pattern says, yearly patterns have no interval. Time of day and zone
//! are added by [`super::series`]; dates are all that a pattern decides.

use jiff::Span;
use jiff::civil::{Date, Weekday, date};

/// Pattern and range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recurrence {
    pub(crate) pattern: Pattern,
    /// First day on which an occurrence may lie.
    pub(crate) start: Date,
    pub(crate) end: End,
}

/// How the dates follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Daily { interval: i32 },
    Weekly { interval: i32, days: Vec<Weekday>, first: Weekday },
    AbsoluteMonthly { interval: i32, day: i8 },
    RelativeMonthly { interval: i32, days: DaySet, index: Index },
    AbsoluteYearly { day: i8, month: i8 },
    RelativeYearly { days: DaySet, index: Index, month: i8 },
}

/// Where it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Never,
    /// Inclusive.
    Day(Date),
    /// Deleted and moved occurrences count.
    Count(usize),
}

/// The days a relative pattern counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DaySet {
    One(Weekday),
    Any,
    Working,
    Weekend,
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    First,
    Second,
    Third,
    Fourth,
    Last,
}

/// Weekdays with their wire names.
pub(crate) const WEEKDAYS: [(Weekday, &str); 7] = [
    (Weekday::Sunday, "Sunday"),
    (Weekday::Monday, "Monday"),
    (Weekday::Tuesday, "Tuesday"),
    (Weekday::Wednesday, "Wednesday"),
    (Weekday::Thursday, "Thursday"),
    (Weekday::Friday, "Friday"),
    (Weekday::Saturday, "Saturday"),
];

/// Months with their wire names, January first.
pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Positions with their wire names.
pub(crate) const INDEXES: [(Index, &str); 5] = [
    (Index::First, "First"),
    (Index::Second, "Second"),
    (Index::Third, "Third"),
    (Index::Fourth, "Fourth"),
    (Index::Last, "Last"),
];

/// The last day Exchange accepts as the end of a range.
pub(crate) fn last_end_date() -> Date {
    date(4500, 9, 1)
}

impl Recurrence {
    /// All dates, ascending; an endless recurrence ends with the calendar.
    pub(crate) fn dates(&self) -> impl Iterator<Item = Date> + '_ {
        self.dates_after_periods(0)
    }

    /// Dates from `from` on.
    pub(crate) fn dates_from(&self, from: Date) -> impl Iterator<Item = Date> + '_ {
        // A count has to be walked from the start; every other range may start near the window.
        let skip = if matches!(self.end, End::Count(_)) { 0 } else { self.periods_before(from) };
        self.dates_after_periods(skip).skip_while(move |d| *d < from)
    }

    /// The first occurrence, if there is any.
    pub(crate) fn first(&self) -> Option<Date> {
        self.dates().next()
    }

    /// The last occurrence of a recurrence that has one.
    pub(crate) fn last(&self) -> Option<Date> {
        match self.end {
            End::Never => None,
            End::Day(day) => {
                let from = day.checked_sub(Span::new().years(2)).unwrap_or(self.start).max(self.start);
                // Two years hold at least one occurrence of most patterns; the rest is walked.
                self.dates_from(from).last().or_else(|| self.dates().last())
            }
            End::Count(_) => self.dates().last(),
        }
    }

    /// Whether the pattern as generated has an occurrence on that day.
    pub(crate) fn falls_on(&self, day: Date) -> bool {
        self.dates_from(day).next() == Some(day)
    }

    /// Date of the `n`-th occurrence as generated; the first is 1.
    pub(crate) fn nth(&self, n: usize) -> Option<Date> {
        self.dates().nth(n.checked_sub(1)?)
    }

    fn dates_after_periods(&self, skip: i32) -> impl Iterator<Item = Date> + '_ {
        let count = match self.end {
            End::Count(n) => n,
            End::Never | End::Day(_) => usize::MAX,
        };
        let last = match self.end {
            End::Day(day) => day,
            End::Never | End::Count(_) => date(4500, 12, 31),
        };
        (skip..)
            .map_while(move |k| self.period(k))
            .flatten()
            .filter(move |d| *d >= self.start)
            .take_while(move |d| *d <= last)
            .take(count)
    }

    /// How many whole periods surely lie before `from`.
    fn periods_before(&self, from: Date) -> i32 {
        let days = days_between(self.start, from);
        let months = (i32::from(from.year()) - i32::from(self.start.year())) * 12 + i32::from(from.month())
            - i32::from(self.start.month());
        let periods = match &self.pattern {
            Pattern::Daily { interval } => days / interval,
            Pattern::Weekly { interval, .. } => days / 7 / interval,
            Pattern::AbsoluteMonthly { interval, .. } | Pattern::RelativeMonthly { interval, .. } => {
                months / interval
            }
            Pattern::AbsoluteYearly { .. } | Pattern::RelativeYearly { .. } => months / 12,
        };
        (periods - 1).max(0)
    }

    /// Dates of the `k`-th period, counted from the one that holds the start; `None` past the calendar.
    fn period(&self, k: i32) -> Option<Vec<Date>> {
        match &self.pattern {
            Pattern::Daily { interval } => Some(vec![add_days(self.start, k.checked_mul(*interval)?)?]),
            Pattern::Weekly { interval, days, first } => {
                let since = i32::from(self.start.weekday().since(*first));
                let week = add_days(self.start, k.checked_mul(7 * interval)?.checked_sub(since)?)?;
                let mut dates: Vec<Date> =
                    days.iter().filter_map(|d| add_days(week, i32::from(d.since(*first)))).collect();
                dates.sort_unstable();
                dates.dedup();
                Some(dates)
            }
            Pattern::AbsoluteMonthly { interval, day } => {
                let (year, month) = month_after(self.start, k.checked_mul(*interval)?)?;
                Some(vec![clamped(year, month, *day)?])
            }
            Pattern::RelativeMonthly { interval, days, index } => {
                let (year, month) = month_after(self.start, k.checked_mul(*interval)?)?;
                Some(relative(year, month, *days, *index)?.into_iter().collect())
            }
            Pattern::AbsoluteYearly { day, month } => {
                let year = i16::try_from(i32::from(self.start.year()).checked_add(k)?).ok()?;
                Some(vec![clamped(year, *month, *day)?])
            }
            Pattern::RelativeYearly { days, index, month } => {
                let year = i16::try_from(i32::from(self.start.year()).checked_add(k)?).ok()?;
                Some(relative(year, *month, *days, *index)?.into_iter().collect())
            }
        }
    }
}

impl DaySet {
    fn holds(self, day: Weekday) -> bool {
        let weekend = matches!(day, Weekday::Saturday | Weekday::Sunday);
        match self {
            Self::One(one) => one == day,
            Self::Any => true,
            Self::Working => !weekend,
            Self::Weekend => weekend,
        }
    }
}

/// Whole days from `from` to `to`.
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    i32::try_from(from.duration_until(to).as_hours() / 24).unwrap_or(i32::MAX)
}

fn add_days(day: Date, n: i32) -> Option<Date> {
    day.checked_add(Span::new().days(n)).ok()
}

fn month_after(start: Date, months: i32) -> Option<(i16, i8)> {
    let total = (i32::from(start.year()) * 12 + i32::from(start.month()) - 1).checked_add(months)?;
    Some((i16::try_from(total / 12).ok()?, i8::try_from(total % 12 + 1).ok()?))
}

fn clamped(year: i16, month: i8, day: i8) -> Option<Date> {
    let first = Date::new(year, month, 1).ok()?;
    Date::new(year, month, day.clamp(1, first.days_in_month())).ok()
}

/// `None` past the calendar, `Some(None)` never happens for real patterns but is not the end.
#[expect(
    clippy::option_option,
    reason = "the outer one ends the walk, the inner one is a period without a date"
)]
fn relative(year: i16, month: i8, days: DaySet, index: Index) -> Option<Option<Date>> {
    let first = Date::new(year, month, 1).ok()?;
    let mut hits = (1..=first.days_in_month())
        .filter_map(|day| Date::new(year, month, day).ok())
        .filter(|day| days.holds(day.weekday()));
    Some(match index {
        Index::First => hits.next(),
        Index::Second => hits.nth(1),
        Index::Third => hits.nth(2),
        Index::Fourth => hits.nth(3),
        Index::Last => hits.next_back(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pattern: Pattern, start: Date, end: End, n: usize) -> Vec<String> {
        Recurrence { pattern, start, end }.dates().take(n).map(|d| d.to_string()).collect()
    }

    #[test]
    fn day_31_is_the_last_day_of_every_month() {
        let got = run(Pattern::AbsoluteMonthly { interval: 1, day: 31 }, date(2024, 1, 31), End::Never, 4);
        assert_eq!(got, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]);
    }

    #[test]
    fn the_29th_of_february_falls_on_the_28th_in_other_years() {
        let got = run(Pattern::AbsoluteYearly { day: 29, month: 2 }, date(2024, 2, 29), End::Never, 3);
        assert_eq!(got, ["2024-02-29", "2025-02-28", "2026-02-28"]);
    }

    #[test]
    fn the_first_day_of_the_week_matters_for_every_second_week() {
        let days = vec![Weekday::Tuesday, Weekday::Sunday];
        let monday = Pattern::Weekly { interval: 2, days: days.clone(), first: Weekday::Monday };
        let sunday = Pattern::Weekly { interval: 2, days, first: Weekday::Sunday };
        let start = date(1997, 8, 5);
        assert_eq!(
            run(monday, start, End::Count(4), 9),
            ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"]
        );
        assert_eq!(
            run(sunday, start, End::Count(4), 9),
            ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"]
        );
    }

    #[test]
    fn relative_patterns_count_days_working_days_and_weekend_days() {
        let start = date(2026, 1, 1);
        let pattern = |days, index| Pattern::RelativeMonthly { interval: 1, days, index };
        assert_eq!(
            run(pattern(DaySet::Working, Index::Last), start, End::Count(3), 9),
            ["2026-01-30", "2026-02-27", "2026-03-31"]
        );
        assert_eq!(
            run(pattern(DaySet::Weekend, Index::First), start, End::Count(2), 9),
            ["2026-01-03", "2026-02-01"]
        );
        assert_eq!(
            run(pattern(DaySet::Any, Index::Last), start, End::Count(2), 9),
            ["2026-01-31", "2026-02-28"]
        );
        assert_eq!(
            run(pattern(DaySet::One(Weekday::Tuesday), Index::Second), start, End::Count(2), 9),
            ["2026-01-13", "2026-02-10"]
        );
    }

    #[test]
    fn a_range_end_is_inclusive_and_a_start_off_the_pattern_rolls_forward() {
        let weekly = Pattern::Weekly { interval: 1, days: vec![Weekday::Monday], first: Weekday::Sunday };
        let got = run(weekly, date(2026, 11, 25), End::Day(date(2026, 12, 14)), 9);
        assert_eq!(got, ["2026-11-30", "2026-12-07", "2026-12-14"]);
    }

    #[test]
    fn starting_near_a_window_gives_what_walking_from_the_start_gives() {
        let patterns = [
            Pattern::Daily { interval: 3 },
            Pattern::Weekly {
                interval: 2,
                days: vec![Weekday::Sunday, Weekday::Wednesday],
                first: Weekday::Monday,
            },
            Pattern::AbsoluteMonthly { interval: 5, day: 30 },
            Pattern::RelativeMonthly { interval: 2, days: DaySet::Working, index: Index::Fourth },
            Pattern::AbsoluteYearly { day: 31, month: 4 },
            Pattern::RelativeYearly { days: DaySet::Weekend, index: Index::Last, month: 10 },
        ];
        for pattern in patterns {
            for end in [End::Never, End::Day(date(2031, 5, 5)), End::Count(40)] {
                let r = Recurrence { pattern: pattern.clone(), start: date(2020, 2, 29), end };
                for from in [date(2019, 1, 1), date(2020, 2, 29), date(2024, 7, 31), date(2027, 1, 1)] {
                    let walked: Vec<Date> = r.dates().skip_while(|d| *d < from).take(9).collect();
                    let seeked: Vec<Date> = r.dates_from(from).take(9).collect();
                    assert_eq!(walked, seeked, "{r:?} from {from}");
                }
            }
        }
    }

    #[test]
    fn an_endless_recurrence_ends_with_the_calendar() {
        let r = Recurrence {
            pattern: Pattern::AbsoluteYearly { day: 1, month: 1 },
            start: date(2000, 1, 1),
            end: End::Never,
        };
        assert_eq!(r.dates().last(), Some(date(4500, 1, 1)));
        assert_eq!(r.last(), None);
    }
}
