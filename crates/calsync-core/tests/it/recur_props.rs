//! Random rules: against a slow reading of RFC 5545, against the `rrule` crate, and against themselves.

use std::num::NonZeroU32;

use calsync_core::recur::{DayRule, End, Frequency, Parts, Rule};
use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Weekday};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const DAYS: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

fn start() -> impl Strategy<Value = NaiveDateTime> {
    (0..20_000i64, 0..24u32, select(vec![0u32, 15, 30, 59])).prop_map(|(day, hour, minute)| {
        (NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + TimeDelta::days(day))
            .and_hms_opt(hour, minute, 0)
            .unwrap()
    })
}

/// A list that is often empty.
fn some<T: Clone + std::fmt::Debug + 'static>(
    item: impl Strategy<Value = T> + 'static,
    max: usize,
) -> BoxedStrategy<Vec<T>> {
    let item = item.boxed();
    prop_oneof![3 => Just(Vec::new()), 2 => vec(item, 1..=max)].boxed()
}

fn rule(frequencies: &'static [Frequency]) -> impl Strategy<Value = Rule> {
    let nonzero = |max: i16| (-max..=max).prop_filter("zero", |n| *n != 0);
    let days = some((proptest::option::weighted(0.4, nonzero(5)), select(DAYS.to_vec())), 4);
    let dates = (some(1..=12u8, 3), some(nonzero(53), 2), some(nonzero(366), 3), some(nonzero(31), 4), days);
    let times = (some(0..24u8, 3), some(0..60u8, 2), some(0..60u8, 2), some(nonzero(9), 2));
    let rest =
        (select(frequencies.to_vec()), 1..6u32, proptest::option::weighted(0.3, select(DAYS.to_vec())));
    (rest, dates, times, proptest::option::weighted(0.3, 1..40u32)).prop_filter_map(
        "not a rule",
        |(
            (freq, interval, week_start),
            (months, weeks, year_days, month_days, days),
            (hours, minutes, seconds, pos),
            count,
        )| {
            let small = |n: i16| i8::try_from(n).unwrap();
            let numbered = matches!(freq, Frequency::Monthly | Frequency::Yearly);
            let mut parts = Parts::every(freq);
            parts.interval = NonZeroU32::new(interval).unwrap();
            parts.week_start = week_start;
            parts.by_month = months;
            if freq == Frequency::Yearly {
                parts.by_week_no = weeks.into_iter().map(small).collect();
            }
            if freq == Frequency::Yearly || freq < Frequency::Daily {
                parts.by_year_day = year_days;
            }
            if freq != Frequency::Weekly {
                parts.by_month_day = month_days.into_iter().map(small).collect();
            }
            let number =
                |nth: Option<i16>| nth.filter(|_| numbered && parts.by_week_no.is_empty()).map(small);
            parts.by_day =
                days.into_iter().map(|(nth, weekday)| DayRule { nth: number(nth), weekday }).collect();
            (parts.by_hour, parts.by_minute, parts.by_second, parts.by_set_pos) =
                (hours, minutes, seconds, pos);
            if let Some(count) = count {
                parts.end = End::Count(NonZeroU32::new(count).unwrap());
            }
            Rule::new(parts).ok()
        },
    )
}

const COARSE: &[Frequency] = &[Frequency::Daily, Frequency::Weekly, Frequency::Monthly, Frequency::Yearly];
const FINE: &[Frequency] = &[Frequency::Hourly, Frequency::Minutely];

/// Reads a rule the slow way: walks all hours or minutes, asks each part about each of them, and collects periods.
fn slowly(rule: &Rule, start: NaiveDateTime, end: NaiveDateTime) -> Vec<NaiveDateTime> {
    let anchored = rule.anchored(start);
    let parts = anchored.parts();
    let own = rule.parts();
    let has = |list: &[u8], n: u32| list.is_empty() || list.contains(&u8::try_from(n).unwrap());
    let fits = |list: &[u8], n: u32, own: u32, expands: bool| {
        if list.is_empty() { !expands || n == own } else { list.contains(&u8::try_from(n).unwrap()) }
    };
    let week_of = |date: NaiveDate| {
        let first = date.week(anchored.week_start()).first_day();
        // Every week belongs to the year of its fourth day.
        let year = (first + TimeDelta::days(3)).year();
        let one = NaiveDate::from_ymd_opt(year, 1, 4).unwrap().week(anchored.week_start()).first_day();
        let next = NaiveDate::from_ymd_opt(year + 1, 1, 4).unwrap().week(anchored.week_start()).first_day();
        (year, (first - one).num_days() / 7 + 1, (next - one).num_days() / 7)
    };
    let week_years = !own.by_week_no.is_empty() && own.by_day.is_empty();
    let own_month = own.freq == Frequency::Yearly
        && own.by_month.is_empty()
        && own.by_week_no.is_empty()
        && own.by_year_day.is_empty()
        && !parts.by_month_day.is_empty();
    let year_of = |date: NaiveDate| if week_years { week_of(date).0 } else { date.year() };
    let day_matches = |date: NaiveDate| {
        let month_len = i64::from(date.num_days_in_month());
        let year_len = if date.leap_year() { 366 } else { 365 };
        let (day, year_day) = (i64::from(date.day()), i64::from(date.ordinal()));
        let (_, week, weeks) = week_of(date);
        let in_year = parts.freq == Frequency::Yearly && own.by_month.is_empty();
        let (place, span) = if in_year { (year_day, year_len) } else { (day, month_len) };
        has(&parts.by_month, date.month())
            && (!own_month || date.month() == start.month())
            && (parts.by_week_no.is_empty()
                || parts
                    .by_week_no
                    .iter()
                    .any(|n| i64::from(*n) == week || i64::from(*n) == week - weeks - 1))
            && (parts.by_year_day.is_empty()
                || parts
                    .by_year_day
                    .iter()
                    .any(|n| i64::from(*n) == year_day || i64::from(*n) == year_day - year_len - 1))
            && (parts.by_month_day.is_empty()
                || parts
                    .by_month_day
                    .iter()
                    .any(|n| i64::from(*n) == day || i64::from(*n) == day - month_len - 1))
            && (parts.by_day.is_empty()
                || parts.by_day.iter().any(|rule| {
                    rule.weekday == date.weekday()
                        && match rule.nth.map(i64::from) {
                            None => true,
                            Some(nth @ 1..) => nth == (place - 1) / 7 + 1,
                            Some(nth) => -nth == (span - place) / 7 + 1,
                        }
                }))
    };
    let period = |at: NaiveDateTime| -> i64 {
        let days = i64::from(at.date().num_days_from_ce());
        match parts.freq {
            Frequency::Yearly => i64::from(year_of(at.date())),
            Frequency::Monthly => i64::from(at.year()) * 12 + i64::from(at.month()),
            Frequency::Weekly => {
                i64::from(at.date().week(anchored.week_start()).first_day().num_days_from_ce()) / 7
            }
            Frequency::Daily => days,
            Frequency::Hourly => days * 24 + i64::from(at.hour()),
            Frequency::Minutely => days * 1440 + i64::from(at.hour() * 60 + at.minute()),
            Frequency::Secondly => unreachable!("not generated"),
        }
    };
    let mut times = Vec::new();
    for (hour, minute) in (0..24).flat_map(|hour| (0..60).map(move |minute| (hour, minute))) {
        if fits(&parts.by_hour, hour, start.hour(), parts.freq >= Frequency::Daily)
            && fits(&parts.by_minute, minute, start.minute(), parts.freq >= Frequency::Hourly)
        {
            let seconds = (0..60).filter(|second| fits(&parts.by_second, *second, start.second(), true));
            times.extend(seconds.map(|second| (hour, minute, second)));
        }
    }
    // Early enough for all of the first period.
    let first = start.date() - TimeDelta::days(if parts.freq < Frequency::Daily { 1 } else { 740 });
    let mut found: Vec<NaiveDateTime> = Vec::new();
    let mut set: Vec<NaiveDateTime> = Vec::new();
    let mut current = i64::MIN;
    let mut flush = |set: &mut Vec<NaiveDateTime>| {
        let len = i64::try_from(set.len()).unwrap();
        for (index, at) in set.drain(..).enumerate() {
            let index = i64::try_from(index).unwrap();
            let named = |n: &i16| i64::from(*n) == index + 1 || i64::from(*n) == index - len;
            if (parts.by_set_pos.is_empty() || parts.by_set_pos.iter().any(named)) && at >= start {
                found.push(at);
            }
        }
    };
    for date in first.iter_days().take_while(|date| {
        date.and_hms_opt(0, 0, 0).unwrap()
            < end + TimeDelta::days(if parts.freq < Frequency::Daily { 1 } else { 400 })
    }) {
        if !day_matches(date) {
            continue;
        }
        for (hour, minute, second) in &times {
            let at = date.and_hms_opt(*hour, *minute, *second).unwrap();
            let number = period(at);
            if (number - period(start)).rem_euclid(i64::from(parts.interval.get())) != 0 {
                continue;
            }
            if number != current {
                flush(&mut set);
                current = number;
            }
            set.push(at);
        }
    }
    flush(&mut set);
    if let End::Count(count) = parts.end {
        found.truncate(count.get() as usize);
    }
    found.retain(|at| *at < end);
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn coarse_rules_agree_with_a_slow_reading(rule in rule(COARSE), start in start()) {
        let end = start + TimeDelta::days(365 * 6);
        let ours: Vec<_> = rule.occurrences(start, None).ending_before(end).collect();
        prop_assert_eq!(ours, slowly(&rule, start, end), "{}", rule);
    }

    #[test]
    fn fine_rules_agree_with_a_slow_reading(rule in rule(FINE), start in start()) {
        let end = start + TimeDelta::days(60);
        let ours: Vec<_> = rule.occurrences(start, None).ending_before(end).collect();
        prop_assert_eq!(ours, slowly(&rule, start, end), "{}", rule);
    }

    #[test]
    fn a_rule_reads_back_as_it_was_written(rule in rule(COARSE)) {
        let again: Rule = rule.to_string().parse().unwrap();
        prop_assert_eq!(again.to_string(), rule.to_string());
        prop_assert_eq!(again, rule);
    }

    #[test]
    fn what_the_start_decides_can_be_written_out(rule in rule(COARSE), start in start()) {
        // A week number without a day, and a numbered day without a month, have no other wording.
        let parts = rule.parts();
        if !parts.by_week_no.is_empty() || parts.by_day.iter().any(|day| day.nth.is_some()) {
            return Ok(());
        }
        let anchored = rule.anchored(start);
        let end = start + TimeDelta::days(3000);
        let of = |rule: &Rule| rule.occurrences(start, None).ending_before(end).take(200).collect::<Vec<_>>();
        prop_assert_eq!(of(&anchored), of(&rule), "{} {}", rule, anchored);
        prop_assert_eq!(anchored.anchored(start), anchored);
    }

    #[test]
    fn seeking_and_counting_agree_with_walking(rule in rule(COARSE), start in start(), away in 0..9000i64, minutes in 0..1440i64) {
        let from = start + TimeDelta::days(away) + TimeDelta::minutes(minutes);
        let end = from + TimeDelta::days(900);
        let walked: Vec<_> = rule.occurrences(start, None).ending_before(end).skip_while(|at| *at < from).collect();
        let sought: Vec<_> = rule.occurrences(start, None).starting_at(from).ending_before(end).collect();
        prop_assert_eq!(&sought, &walked, "{}", rule);
        if let Some(first) = walked.first() {
            let index = rule.occurrences(start, None).position(|at| at == *first).map(|index| index as u64 + 1);
            prop_assert_eq!(rule.index_of(start, None, *first), index, "{}", rule);
        }
    }

    #[test]
    fn seeking_and_counting_agree_with_walking_for_fine_rules(rule in rule(FINE), start in start(), minutes in 0..90_000i64) {
        let from = start + TimeDelta::minutes(minutes);
        let end = from + TimeDelta::days(2);
        let walked: Vec<_> = rule.occurrences(start, None).ending_before(end).skip_while(|at| *at < from).collect();
        let sought: Vec<_> = rule.occurrences(start, None).starting_at(from).ending_before(end).collect();
        prop_assert_eq!(&sought, &walked, "{}", rule);
        if let Some(first) = walked.first() {
            let index = rule.occurrences(start, None).position(|at| at == *first).map(|index| index as u64 + 1);
            prop_assert_eq!(rule.index_of(start, None, *first), index, "{}", rule);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(FREQ=(DAILY|MONTHLY|YEARLY|SECONDLY))?(;(BY[A-Z]{3,8}|UNTIL|COUNT|WKST|INTERVAL)=[-+0-9A-Z,ß]{0,12}){0,4};?") {
        if let Ok(rule) = text.parse::<Rule>() {
            let start = NaiveDate::from_ymd_opt(2026, 2, 28).unwrap().and_hms_opt(23, 59, 59).unwrap();
            let found: Vec<_> = rule.occurrences(start, None).take(10).collect();
            prop_assert!(found.is_sorted());
        }
    }

    /// `rrule` reads these rules like everybody else; where it is known to go wrong it is not asked.
    #[test]
    fn the_rrule_crate_agrees(rule in rule(COARSE), start in start()) {
        let parts = rule.parts();
        let numbered = parts.by_day.iter().any(|day| day.nth.is_some());
        let mixed = numbered && parts.by_day.iter().any(|day| day.nth.is_none());
        let weekless = !parts.by_week_no.is_empty() && parts.by_day.is_empty();
        let every_month = parts.freq == Frequency::Yearly && !parts.by_month_day.is_empty() && parts.by_month.is_empty();
        let first_week = parts.freq == Frequency::Weekly && !parts.by_set_pos.is_empty();
        // Of weeks that cross the new year it loses days: the 52nd of 2010 has 2011-01-01, the one that is first from the
        // end of 1991 has 1990-12-31.
        let crosses_new_year = parts.by_week_no.iter().any(|week| week.unsigned_abs() >= 52);
        if mixed || weekless || every_month || first_week || crosses_new_year {
            return Ok(());
        }
        let end = start + TimeDelta::days(365 * 8);
        let ours: Vec<_> = rule.occurrences(start, None).ending_before(end).take(300).collect();
        let text = format!("DTSTART:{}\nRRULE:{}", start.format("%Y%m%dT%H%M%SZ"), rule);
        let Ok(set) = text.parse::<rrule::RRuleSet>() else { return Ok(()) };
        let theirs: Vec<_> = set
            .before(end.and_utc().with_timezone(&rrule::Tz::UTC))
            .all(300)
            .dates
            .into_iter()
            .map(|at| at.naive_utc())
            .filter(|at| *at < end)
            .collect();
        prop_assert_eq!(ours, theirs, "{}", rule);
    }
}
