use super::*;
use crate::wire::open_enum::DayOfWeekIndex;
use crate::wire::{Pattern, Range, Recurrence};
use calsync_core::recur::Rule;
use chrono::{NaiveDate, NaiveDateTime};

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> NaiveDateTime {
    date(text).and_hms_opt(9, 30, 0).unwrap()
}

fn series(start: &str) -> Series<'static> {
    Series { start: at(start), all_day: false, zone: None }
}

fn there(rule: &str, start: &str) -> Result<ToExchange, NotExpressible> {
    to_exchange(&rule.parse().unwrap(), series(start), true)
}

fn pattern(rule: &str, start: &str) -> Pattern {
    there(rule, start).unwrap_or_else(|error| panic!("{rule}: {error}")).recurrence.pattern
}

fn back(pattern: Pattern, start: &str) -> String {
    let range = Range::NoEnd { start: date(start) };
    to_rule(&Recurrence { pattern, range }, series(start)).unwrap().rule.to_string()
}

#[test]
fn each_pattern_has_its_rule() {
    use DayOfWeek::{Day, Friday, Monday, Sunday, Weekday, WeekendDay};
    let monthly = |day| Pattern::AbsoluteMonthly { interval: 1, day };
    let yearly = |day, month| Pattern::AbsoluteYearly { day, month };
    let nth = |days, index| Pattern::RelativeMonthly { interval: 2, days, index };
    let weekly = Pattern::Weekly { interval: 2, days: vec![Sunday, Friday], first_day: Some(Monday) };
    for (pattern, rule) in [
        (Pattern::Daily { interval: 3 }, "FREQ=DAILY;INTERVAL=3"),
        (weekly, "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR,SU;WKST=MO"),
        (monthly(28), "FREQ=MONTHLY;BYMONTHDAY=28"),
        (monthly(29), "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1"),
        (monthly(30), "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1"),
        (monthly(31), "FREQ=MONTHLY;BYMONTHDAY=-1"),
        (nth(Friday, DayOfWeekIndex::Last), "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR"),
        (nth(Weekday, DayOfWeekIndex::Third), "FREQ=MONTHLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=3"),
        (nth(WeekendDay, DayOfWeekIndex::First), "FREQ=MONTHLY;INTERVAL=2;BYDAY=SA,SU;BYSETPOS=1"),
        (nth(Day, DayOfWeekIndex::Last), "FREQ=MONTHLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1"),
        (yearly(28, MonthName::February), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28"),
        (yearly(29, MonthName::February), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
        (yearly(31, MonthName::February), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
        (yearly(31, MonthName::April), "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=-1"),
        (yearly(30, MonthName::May), "FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=30"),
        (
            Pattern::RelativeYearly {
                days: Monday,
                index: DayOfWeekIndex::Second,
                month: MonthName::October,
            },
            "FREQ=YEARLY;BYMONTH=10;BYDAY=2MO",
        ),
    ] {
        assert_eq!(back(pattern, "2026-01-01"), rule);
    }
}

#[test]
fn what_only_tasks_have_or_nobody_is_refused() {
    let read = |pattern| {
        to_rule(
            &Recurrence { pattern, range: Range::NoEnd { start: date("2026-01-01") } },
            series("2026-01-01"),
        )
    };
    for pattern in [
        Pattern::Other("DailyRegeneration".into()),
        Pattern::Daily { interval: 0 },
        Pattern::AbsoluteMonthly { interval: 1, day: 0 },
        Pattern::AbsoluteMonthly { interval: 1, day: 32 },
        Pattern::AbsoluteYearly { day: 400, month: MonthName::May },
        Pattern::AbsoluteYearly { day: 1, month: MonthName::Other("Smarch".into()) },
        Pattern::Weekly { interval: 1, days: vec![DayOfWeek::Other("Someday".into())], first_day: None },
    ] {
        assert!(read(pattern.clone()).is_err(), "{pattern:?}");
    }
}

#[test]
fn a_range_that_begins_off_the_pattern_starts_on_its_first_day() {
    let weekly = |interval| Pattern::Weekly {
        interval,
        days: vec![DayOfWeek::Monday],
        first_day: Some(DayOfWeek::Monday),
    };
    // A Wednesday; the Monday of its week is over, so with every second week the next is in twelve days.
    let range = Range::Numbered { start: date("2026-11-25"), count: 2 };
    let read = |interval| {
        to_rule(&Recurrence { pattern: weekly(interval), range: range.clone() }, series("2026-11-25"))
            .unwrap()
            .start
    };
    assert_eq!(read(1), at("2026-11-30"));
    assert_eq!(read(2), at("2026-12-07"));
}

#[test]
fn the_end_date_is_the_end_of_that_day_in_the_zone_of_the_series() {
    let sydney = Zone::new("Australia/Sydney").unwrap();
    let recurrence = Recurrence {
        pattern: Pattern::Daily { interval: 1 },
        range: Range::EndDate { start: date("2026-06-01"), end: date("2026-06-03") },
    };
    let of = |all_day, zone| {
        to_rule(&recurrence, Series { all_day, zone, ..series("2026-06-01") }).unwrap().rule.to_string()
    };
    assert_eq!(of(false, Some(&sydney)), "FREQ=DAILY;UNTIL=20260603T135959Z");
    assert_eq!(of(true, None), "FREQ=DAILY;UNTIL=20260603");
    assert_eq!(of(false, None), "FREQ=DAILY;UNTIL=20260603T235959");
}

#[test]
fn an_end_before_the_start_is_no_series() {
    let recurrence = Recurrence {
        pattern: Pattern::Daily { interval: 1 },
        range: Range::EndDate { start: date("2026-06-03"), end: date("2026-06-01") },
    };
    assert_eq!(to_rule(&recurrence, series("2026-06-03")), Err(UnknownPattern::Empty));
}

#[test]
fn rules_in_other_words_find_their_pattern() {
    // (rule, start, the rule that its pattern reads back as)
    for (rule, start, same) in [
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "2026-11-23", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;WKST=MO"),
        ("FREQ=DAILY;BYMONTHDAY=15", "2026-11-15", "FREQ=MONTHLY;BYMONTHDAY=15"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "2026-11-23", "FREQ=DAILY"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1", "2026-11-27", "FREQ=WEEKLY;BYDAY=FR;WKST=MO"),
        ("FREQ=MONTHLY;BYDAY=MO", "2026-11-23", "FREQ=WEEKLY;BYDAY=MO;WKST=MO"),
        ("FREQ=YEARLY;BYDAY=MO", "2026-11-23", "FREQ=WEEKLY;BYDAY=MO;WKST=MO"),
        ("FREQ=MONTHLY", "2026-11-23", "FREQ=MONTHLY;BYMONTHDAY=23"),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", "2026-11-30", "FREQ=MONTHLY;BYMONTHDAY=-1"),
        (
            "FREQ=MONTHLY;BYMONTHDAY=30,-1;BYSETPOS=1",
            "2026-11-30",
            "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=5,12;BYSETPOS=1", "2026-11-05", "FREQ=MONTHLY;BYMONTHDAY=5"),
        ("FREQ=MONTHLY;BYDAY=TU;BYMONTHDAY=8,9,10,11,12,13,14", "2026-11-10", "FREQ=MONTHLY;BYDAY=2TU"),
        ("FREQ=MONTHLY;BYDAY=TU;BYMONTHDAY=-1,-2,-3,-4,-5,-6,-7", "2026-11-24", "FREQ=MONTHLY;BYDAY=-1TU"),
        ("FREQ=MONTHLY;BYMONTH=2,5,8,11;BYDAY=2TU", "2026-11-10", "FREQ=MONTHLY;INTERVAL=3;BYDAY=2TU"),
        ("FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=31", "2026-01-31", "FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=-1"),
        ("FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=31", "2026-01-31", "FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=-1"),
        ("FREQ=MONTHLY;INTERVAL=12", "2026-03-31", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=-1"),
        ("FREQ=MONTHLY;BYMONTH=3", "2026-03-09", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=9"),
        ("FREQ=YEARLY;INTERVAL=3", "2026-03-09", "FREQ=MONTHLY;INTERVAL=36;BYMONTHDAY=9"),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=-2", "2026-12-30", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=30"),
        ("FREQ=YEARLY;BYDAY=1MO", "2026-01-05", "FREQ=YEARLY;BYMONTH=1;BYDAY=1MO"),
        ("FREQ=YEARLY;BYDAY=-1FR", "2026-12-25", "FREQ=YEARLY;BYMONTH=12;BYDAY=-1FR"),
        ("FREQ=YEARLY;BYMONTHDAY=14", "2026-05-14", "FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=14"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "2026-02-28", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
    ] {
        assert_eq!(back(pattern(rule, start), start), same, "{rule}");
    }
}

#[test]
fn what_exchange_cannot_say_is_refused_with_its_reason() {
    use NotExpressible as No;
    for (rule, start, reason) in [
        ("FREQ=HOURLY", "2026-11-23", No::SubDaily),
        ("FREQ=DAILY;BYHOUR=9,15", "2026-11-23", No::Times),
        ("FREQ=YEARLY;BYWEEKNO=20", "2026-05-13", No::WeekNumber),
        ("FREQ=YEARLY;BYYEARDAY=100", "2026-04-10", No::YearDay),
        ("FREQ=MONTHLY;BYMONTH=1,2;BYMONTHDAY=5", "2026-01-05", No::Months),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31", No::SkipsShortMonths),
        ("FREQ=MONTHLY;BYMONTHDAY=29", "2026-01-29", No::SkipsShortMonths),
        ("FREQ=YEARLY", "2024-02-29", No::SkipsShortMonths),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", "2026-01-01", No::MonthDays),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "2026-01-30", No::MonthDays),
        ("FREQ=MONTHLY;BYDAY=5MO", "2026-03-30", No::NumberedDays),
        ("FREQ=MONTHLY;BYDAY=-2MO", "2026-03-23", No::NumberedDays),
        ("FREQ=MONTHLY;BYDAY=1MO,3MO", "2026-03-02", No::NumberedDays),
        ("FREQ=YEARLY;BYDAY=20MO", "2026-05-18", No::NumberedDays),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1", "2026-03-02", No::SetPosition),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "2026-03-30", No::SetPosition),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2026-03-13", No::CombinedDays),
        ("FREQ=WEEKLY;BYMONTH=1;BYDAY=MO", "2026-01-05", No::LimitedMonths),
        ("FREQ=DAILY;BYMONTH=1", "2026-01-05", No::LimitedMonths),
        ("FREQ=DAILY;INTERVAL=2;BYDAY=MO", "2026-01-05", No::LimitedDays),
        ("FREQ=DAILY;INTERVAL=1000", "2026-01-05", No::Interval),
        ("FREQ=WEEKLY;INTERVAL=100", "2026-01-05", No::Interval),
        ("FREQ=YEARLY;INTERVAL=9", "2026-01-05", No::Interval),
        ("FREQ=DAILY;UNTIL=20250101", "2026-01-05", No::Empty),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-01-05", No::Empty),
    ] {
        assert_eq!(there(rule, start), Err(reason), "{rule}");
    }
}

#[test]
fn a_start_off_the_rule_is_rolled_forward() {
    let found = there("FREQ=WEEKLY;BYDAY=MO", "2026-11-25").unwrap();
    assert_eq!(found.start, at("2026-11-30"));
    assert_eq!(found.recurrence.range.start(), date("2026-11-30"));
}

#[test]
fn ends_are_written_as_exchange_has_them() {
    let range = |rule: &str| there(rule, "2026-11-23").unwrap().recurrence.range;
    let start = date("2026-11-23");
    assert_eq!(range("FREQ=DAILY;COUNT=999"), Range::Numbered { start, count: 999 });
    assert_eq!(range("FREQ=DAILY;COUNT=1001"), Range::EndDate { start, end: date("2029-08-19") });
    assert_eq!(range("FREQ=DAILY;UNTIL=20261201"), Range::EndDate { start, end: date("2026-12-01") });
    assert_eq!(range("FREQ=DAILY;UNTIL=20261201T093000"), Range::EndDate { start, end: date("2026-12-01") });
    assert_eq!(range("FREQ=DAILY;UNTIL=20261201T092959"), Range::EndDate { start, end: date("2026-11-30") });
    assert_eq!(range("FREQ=DAILY;UNTIL=99991231"), Range::NoEnd { start });
}

#[test]
fn a_server_without_first_day_of_week_gets_only_what_does_not_need_it() {
    let old = |rule: &str, start| {
        to_exchange(&rule.parse().unwrap(), series(start), false).map(|found| found.recurrence.pattern)
    };
    let days =
        |interval, days: &[DayOfWeek]| Ok(Pattern::Weekly { interval, days: days.to_vec(), first_day: None });
    assert_eq!(
        old("FREQ=WEEKLY;BYDAY=SU,WE", "2026-11-25"),
        days(1, &[DayOfWeek::Sunday, DayOfWeek::Wednesday])
    );
    assert_eq!(
        old("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", "2026-11-25"),
        days(2, &[DayOfWeek::Monday, DayOfWeek::Wednesday])
    );
    assert_eq!(old("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,WE", "2026-11-25"), Err(NotExpressible::FirstDayOfWeek));
    assert_eq!(
        old("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,WE;WKST=SU", "2026-11-25"),
        days(2, &[DayOfWeek::Sunday, DayOfWeek::Wednesday])
    );
}

#[test]
fn rules_that_one_pattern_cannot_hold_become_several_series() {
    let parts = |rule: &str, start: &str| -> Option<Vec<(NaiveDateTime, String)>> {
        let found = split(&rule.parse().unwrap(), series(start), true, 8)?;
        let read = |part: &ToExchange| {
            to_rule(&part.recurrence, Series { start: part.start, ..series(start) }).unwrap().rule.to_string()
        };
        Some(found.iter().map(|part| (part.start, read(part))).collect())
    };
    let of = |list: &[(&str, &str)]| {
        Some(list.iter().map(|(start, rule)| (at(start), (*rule).to_owned())).collect())
    };
    assert_eq!(parts("FREQ=DAILY", "2026-11-25"), of(&[("2026-11-25", "FREQ=DAILY")]));
    assert_eq!(
        parts("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1,15", "2026-01-15"),
        of(&[
            ("2026-01-15", "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=15"),
            ("2026-03-01", "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1"),
        ])
    );
    assert_eq!(
        parts("FREQ=MONTHLY;BYDAY=1MO,3MO;COUNT=5", "2026-01-05"),
        of(&[
            ("2026-01-05", "FREQ=MONTHLY;BYDAY=1MO;UNTIL=20260302T235959"),
            ("2026-01-19", "FREQ=MONTHLY;BYDAY=3MO;UNTIL=20260302T235959"),
        ])
    );
    // Evenly spaced months stay together.
    assert_eq!(
        parts("FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1,15", "2026-01-01"),
        of(&[
            ("2026-01-01", "FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=1"),
            ("2026-01-15", "FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=15"),
        ])
    );
    let months = parts("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31").unwrap();
    assert_eq!(months.len(), 7);
    assert_eq!(months[1], (at("2026-03-31"), "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=-1".to_owned()));
    // More than the limit, a leap day, the same days twice, positions.
    for rule in [
        "FREQ=MONTHLY;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=MONTHLY;BYDAY=MO,1MO",
        "FREQ=MONTHLY;BYMONTHDAY=1,2,3;BYSETPOS=2",
        "FREQ=HOURLY;INTERVAL=12",
    ] {
        assert_eq!(parts(rule, "2028-02-29"), None, "{rule}");
    }
}

#[test]
fn several_times_a_day_are_a_series_each() {
    let rule: Rule = "FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9,15;COUNT=3".parse().unwrap();
    let found = split(&rule, series("2026-11-23"), true, 8).unwrap();
    let monday = date("2026-11-23");
    assert_eq!(
        found.iter().map(|part| part.start).collect::<Vec<_>>(),
        [at("2026-11-23"), monday.and_hms_opt(15, 30, 0).unwrap()]
    );
    // Monday at both times, Wednesday only in the morning.
    let ends: Vec<_> = found.iter().map(|part| part.recurrence.range.clone()).collect();
    let until = |end: &str| Range::EndDate { start: monday, end: date(end) };
    assert_eq!(ends, [until("2026-11-25"), until("2026-11-24")]);
}

mod random {
    use super::*;
    use calsync_core::recur::{End, Frequency, Parts};
    use proptest::prelude::*;
    use proptest::sample::select;

    fn day() -> impl Strategy<Value = DayOfWeek> {
        use DayOfWeek as D;
        select(vec![D::Sunday, D::Monday, D::Tuesday, D::Wednesday, D::Thursday, D::Friday, D::Saturday])
    }

    fn recurrence() -> impl Strategy<Value = Recurrence> {
        use DayOfWeekIndex as I;
        let months =
            (1..=12u8).prop_map(|n| MonthName::from_wire(chrono::Month::try_from(n).unwrap().name()));
        let index = select(vec![I::First, I::Second, I::Third, I::Fourth, I::Last]);
        let any = prop_oneof![day(), select(vec![DayOfWeek::Day, DayOfWeek::Weekday, DayOfWeek::WeekendDay])];
        let days = proptest::collection::btree_set(day(), 1..=7)
            .prop_map(|days| days.into_iter().collect::<Vec<_>>());
        let pattern = prop_oneof![
            (1..=999u32).prop_map(|interval| Pattern::Daily { interval }),
            (1..=99u32, days, day()).prop_map(|(interval, days, first)| Pattern::Weekly {
                interval,
                days,
                first_day: Some(first)
            }),
            (1..=99u32, 1..=31u32).prop_map(|(interval, day)| Pattern::AbsoluteMonthly { interval, day }),
            (1..=99u32, any.clone(), index.clone())
                .prop_map(|(interval, days, index)| Pattern::RelativeMonthly { interval, days, index }),
            (1..=31u32, months.clone()).prop_map(|(day, month)| Pattern::AbsoluteYearly { day, month }),
            (any, index, months).prop_map(|(days, index, month)| Pattern::RelativeYearly {
                days,
                index,
                month
            }),
        ];
        let range = (0..20_000i64, 0..3000i64, 1..=999u32, 0..3u8).prop_map(|(from, len, count, kind)| {
            let start = date("1990-01-01") + chrono::TimeDelta::days(from);
            match kind {
                0 => Range::NoEnd { start },
                1 => Range::EndDate { start, end: start + chrono::TimeDelta::days(len) },
                _ => Range::Numbered { start, count },
            }
        });
        (pattern, range).prop_map(|(pattern, range)| Recurrence { pattern, range })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_recurrence_of_exchange_returns_with_the_same_dates(recurrence in recurrence()) {
            let series = |start| Series { start, all_day: false, zone: None };
            let begin = recurrence.range.start().and_hms_opt(9, 30, 0).unwrap();
            let Ok(there) = to_rule(&recurrence, series(begin)) else {
                // The end date may come before the first day of the pattern.
                let ends = matches!(recurrence.range, Range::EndDate { .. });
                prop_assert!(ends);
                return Ok(());
            };
            let back = to_exchange(&there.rule, series(there.start), true);
            prop_assert!(back.is_ok(), "{:?} {}", back, there.rule);
            let back = back.unwrap();
            prop_assert_eq!(back.start, there.start);
            let again = to_rule(&back.recurrence, series(back.start)).unwrap();
            let dates = |found: &FromExchange| found.rule.occurrences(found.start, None).take(1000).collect::<Vec<_>>();
            prop_assert_eq!(dates(&again), dates(&there), "{}", there.rule);
        }

        #[test]
        fn what_is_written_has_the_dates_of_the_rule(
            freq in select(vec![Frequency::Daily, Frequency::Weekly, Frequency::Monthly, Frequency::Yearly]),
            interval in 1..5u32,
            months in proptest::collection::vec(1..=12u8, 0..3),
            month_days in proptest::collection::vec(select(vec![-7i8, -2, -1, 1, 13, 28, 29, 30, 31]), 0..4),
            days in proptest::collection::vec((select(vec![None, Some(1i8), Some(-1), Some(5)]), 0..7u8), 0..4),
            position in proptest::option::of(select(vec![-1i16, 1, 2, 5])),
            from in 0..20_000i64,
        ) {
            let mut parts = Parts::every(freq);
            parts.interval = interval.try_into().unwrap();
            parts.by_month = months;
            parts.by_month_day = month_days;
            parts.by_day = days.into_iter().map(|(nth, day)| calsync_core::recur::DayRule {
                nth, weekday: chrono::Weekday::try_from(day).unwrap(),
            }).collect();
            parts.by_set_pos = position.into_iter().collect();
            let Ok(rule) = Rule::new(parts) else { return Ok(()) };
            let start = (date("1990-01-01") + chrono::TimeDelta::days(from)).and_hms_opt(9, 30, 0).unwrap();
            let series = Series { start, all_day: false, zone: None };
            match to_exchange(&rule, series, true) {
                // `Other` would mean that a pattern was found, and a wrong one.
                Err(reason) => {
                    prop_assert_ne!(reason, NotExpressible::Other, "{} {}", rule, start);
                    let parts = split(&rule, series, true, 12).unwrap_or_default();
                    let mut dates: Vec<_> = parts.iter().flat_map(|part| {
                        let back = to_rule(&part.recurrence, Series { start: part.start, ..series }).unwrap();
                        back.rule.occurrences(back.start, None).take(400)
                    }).collect();
                    dates.sort_unstable();
                    dates.truncate(400);
                    if !parts.is_empty() {
                        let ours: Vec<_> = rule.occurrences(start, None).take(400).collect();
                        prop_assert_eq!(ours, dates, "{}", rule);
                    }
                }
                Ok(found) => {
                    let back = to_rule(&found.recurrence, Series { start: found.start, ..series }).unwrap();
                    let ours: Vec<_> = rule.occurrences(start, None).take(400).collect();
                    let theirs: Vec<_> = back.rule.occurrences(back.start, None).take(400).collect();
                    prop_assert_eq!(ours, theirs, "{} {}", rule, back.rule);
                    prop_assert_eq!(back.rule.end(), End::Never);
                }
            }
        }
    }
}
