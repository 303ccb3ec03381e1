//! Rules where implementations are known to go wrong, and rules that are meant to hurt.

use std::time::{Duration, Instant};

use calsync_core::recur::{Rule, SeriesTimes, expand};
use calsync_core::zone::Zone;
use chrono::{NaiveDate, NaiveDateTime};

fn at(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn rule(text: &str) -> Rule {
    text.parse().unwrap()
}

fn dates(text: &str, start: &str, take: usize) -> Vec<String> {
    rule(text).occurrences(at(start), None).take(take).map(|at| at.format("%Y-%m-%d").to_string()).collect()
}

#[test]
fn a_birthday_without_a_month_stays_yearly() {
    assert_eq!(dates("FREQ=YEARLY;BYMONTHDAY=14", "1980-05-14 00:00", 2), ["1980-05-14", "1981-05-14"]);
    assert_eq!(
        dates("FREQ=YEARLY;BYDAY=TU,WE;BYMONTHDAY=14", "1980-05-14 00:00", 2),
        ["1980-05-14", "1985-05-14"]
    );
    // The n-th weekday still counts in the year: the 20th Wednesday of a year on 14 May.
    assert_eq!(
        dates("FREQ=YEARLY;BYDAY=20WE;BYMONTHDAY=14", "1980-05-14 00:00", 2),
        ["1980-05-14", "1986-05-14"]
    );
}

#[test]
fn day_31_skips_short_months_and_minus_1_does_not() {
    assert_eq!(
        dates("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31 00:00", 3),
        ["2026-01-31", "2026-03-31", "2026-05-31"]
    );
    assert_eq!(dates("FREQ=MONTHLY", "2026-01-31 00:00", 2), ["2026-01-31", "2026-03-31"]);
    assert_eq!(dates("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31 00:00", 2), ["2026-01-31", "2026-02-28"]);
    assert_eq!(dates("FREQ=YEARLY", "2024-02-29 00:00", 2), ["2024-02-29", "2028-02-29"]);
}

#[test]
fn plain_and_numbered_weekdays_add_up() {
    assert_eq!(
        dates("FREQ=MONTHLY;BYDAY=MO,-1WE", "2026-06-01 00:00", 6),
        ["2026-06-01", "2026-06-08", "2026-06-15", "2026-06-22", "2026-06-24", "2026-06-29"]
    );
}

#[test]
fn a_week_number_without_a_day_is_one_day_of_that_week() {
    assert_eq!(dates("FREQ=YEARLY;BYWEEKNO=20", "2026-05-13 00:00", 2), ["2026-05-13", "2027-05-19"]);
    // Week 53 is not in every year, and its Friday may lie in January.
    assert_eq!(
        dates("FREQ=YEARLY;BYWEEKNO=53", "2021-01-01 00:00", 3),
        ["2021-01-01", "2027-01-01", "2032-12-31"]
    );
    assert_eq!(
        dates("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2024-01-01 00:00", 3),
        ["2024-01-01", "2024-12-30", "2025-12-29"]
    );
}

#[test]
fn positions_count_in_the_whole_first_period_not_from_the_start() {
    // The start is the last of three days of its week, and the week has only one last day.
    assert_eq!(
        dates("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1", "2026-11-25 00:00", 2),
        ["2026-11-27", "2026-12-04"]
    );
    assert_eq!(
        dates("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", "2026-11-25 00:00", 2),
        ["2026-11-30", "2026-12-07"]
    );
}

#[test]
fn the_first_day_of_the_week_decides_which_weeks_are_taken() {
    let days =
        |wkst| dates(&format!("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST={wkst}"), "1997-08-05 00:00", 4);
    assert_eq!(days("MO"), ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"]);
    assert_eq!(days("SU"), ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"]);
}

#[test]
fn until_in_utc_is_read_in_the_zone_of_the_series() {
    let sydney = Zone::new("Australia/Sydney").unwrap();
    let rule = rule("FREQ=DAILY;UNTIL=20260602T230000Z");
    let last = rule.occurrences(at("2026-06-01 09:00"), Some(&sydney)).last();
    assert_eq!(last, Some(at("2026-06-03 09:00")));
}

#[test]
fn until_as_a_date_includes_that_day() {
    let last = rule("FREQ=DAILY;UNTIL=20260603").occurrences(at("2026-06-01 09:00"), None).last();
    assert_eq!(last, Some(at("2026-06-03 09:00")));
}

#[test]
fn count_counts_from_the_start_whatever_the_window() {
    for text in [
        "FREQ=DAILY;COUNT=400",
        "FREQ=DAILY;INTERVAL=3;BYHOUR=9,15;COUNT=401",
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=400",
        "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=300",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU;COUNT=300",
        "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=60",
        "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1;COUNT=60",
        "FREQ=MONTHLY;BYMONTH=1,5,6;BYDAY=2TU;COUNT=60",
        "FREQ=MONTHLY;INTERVAL=5;BYMONTH=1,5,6;BYDAY=-1FR;COUNT=60",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=60",
        "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU;COUNT=40",
        "FREQ=YEARLY;BYWEEKNO=1,20,53;COUNT=40",
        "FREQ=YEARLY;BYYEARDAY=1,100,-1;COUNT=40",
        "FREQ=HOURLY;INTERVAL=7;COUNT=5000",
        "FREQ=HOURLY;INTERVAL=7;BYHOUR=1,2,3,4,20;BYMINUTE=0,30;COUNT=1000",
        "FREQ=MINUTELY;INTERVAL=90;BYSECOND=0,30;COUNT=10000",
    ] {
        let rule = rule(text);
        let start = at("2020-03-05 11:30");
        let all: Vec<_> = rule.occurrences(start, None).collect();
        for index in [0, 1, 2, all.len() / 3, all.len() / 2, all.len() - 1] {
            let there = all[index];
            assert!(
                rule.occurrences(start, None).starting_at(there).eq(all[index..].iter().copied()),
                "{text} {there}"
            );
            assert_eq!(rule.index_of(start, None, there), Some(index as u64 + 1), "{text} {there}");
        }
        let after = all[all.len() - 1] + chrono::TimeDelta::days(400);
        assert_eq!(rule.occurrences(start, None).starting_at(after).next(), None, "{text}");
    }
}

#[test]
fn rdates_join_and_exdates_leave_without_a_trace() {
    let rule = rule("FREQ=WEEKLY;COUNT=4");
    let series = SeriesTimes {
        start: at("2026-06-01 09:00"),
        all_day: false,
        zone: None,
        rule: Some(&rule),
        // One more, one that is there already, one that is excluded again.
        rdates: &[at("2026-06-17 09:00"), at("2026-06-08 09:00"), at("2026-06-18 09:00")],
        exdates: &[at("2026-06-18 09:00"), at("2026-06-15 09:00"), at("2026-07-01 09:00")],
    };
    let window = at("2026-01-01 00:00")..at("2027-01-01 00:00");
    let expected =
        [at("2026-06-01 09:00"), at("2026-06-08 09:00"), at("2026-06-17 09:00"), at("2026-06-22 09:00")];
    let whole = expand(series, window.clone(), 4);
    assert_eq!(whole.starts, expected);
    assert!(!whole.truncated);
    let part = expand(series, window, 3);
    assert_eq!(part.starts, expected[..3]);
    assert!(part.truncated);
}

#[test]
fn a_window_is_half_open() {
    let rule = rule("FREQ=DAILY");
    let series = SeriesTimes {
        start: at("2026-06-01 09:00"),
        all_day: false,
        zone: None,
        rule: Some(&rule),
        rdates: &[],
        exdates: &[],
    };
    let starts = expand(series, at("2026-06-02 09:00")..at("2026-06-04 09:00"), 100).starts;
    assert_eq!(starts, [at("2026-06-02 09:00"), at("2026-06-03 09:00")]);
}

#[test]
fn rules_that_never_match_end_by_themselves() {
    for text in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6,9,11",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
        "FREQ=MINUTELY;INTERVAL=60;BYMINUTE=30",
        "FREQ=SECONDLY;INTERVAL=60;BYSECOND=30",
        "FREQ=SECONDLY;INTERVAL=86400;BYHOUR=23",
        "FREQ=DAILY;BYSECOND=60",
    ] {
        let begun = Instant::now();
        let mut occurrences = rule(text).occurrences(at("2026-01-01 00:00"), None);
        assert_eq!(occurrences.next(), None, "{text}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{text} took {:?}", begun.elapsed());
    }
}

#[test]
fn hostile_rules_give_up_and_say_so() {
    for text in [
        "FREQ=SECONDLY;INTERVAL=7919;BYMONTH=2;BYMONTHDAY=29;BYHOUR=23;BYMINUTE=59;BYSECOND=59",
        "FREQ=SECONDLY;BYSETPOS=2;BYSECOND=1",
        "FREQ=SECONDLY;COUNT=4294967295;BYDAY=MO",
        "FREQ=SECONDLY;INTERVAL=86399;BYYEARDAY=366;BYHOUR=0",
        "FREQ=MINUTELY;INTERVAL=4294967295;BYHOUR=3",
    ] {
        let begun = Instant::now();
        let rule = rule(text);
        let start = at("2026-01-01 00:00");
        let series =
            SeriesTimes { start, all_day: false, zone: None, rule: Some(&rule), rdates: &[], exdates: &[] };
        expand(series, at("2045-01-01 00:00")..at("9999-01-01 00:00"), 1000);
        assert!(begun.elapsed() < Duration::from_secs(5), "{text} took {:?}", begun.elapsed());
    }
    let mut occurrences = rule("FREQ=SECONDLY;COUNT=4294967295;BYDAY=MO")
        .occurrences(at("2026-01-05 00:00"), None)
        .starting_at(at("2145-01-01 00:00"));
    assert_eq!(occurrences.next(), None);
    assert!(occurrences.truncated());
}

#[test]
fn starts_at_either_end_of_time_do_no_harm() {
    let rules = [
        "FREQ=DAILY",
        "FREQ=WEEKLY;INTERVAL=4294967295",
        "FREQ=MONTHLY",
        "FREQ=YEARLY;BYWEEKNO=1,53",
        "FREQ=HOURLY",
    ];
    for text in rules {
        for start in [
            NaiveDateTime::MIN,
            NaiveDateTime::MAX,
            NaiveDate::from_ymd_opt(1, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap(),
            NaiveDate::from_ymd_opt(9999, 12, 31).unwrap().and_hms_opt(23, 59, 59).unwrap(),
        ] {
            let found: Vec<_> = rule(text).occurrences(start, None).take(5).collect();
            assert!(found.is_sorted(), "{text} {start}");
            assert!(
                rule(text)
                    .occurrences(start, None)
                    .starting_at(NaiveDateTime::MAX)
                    .next()
                    .is_none_or(|at| at == start)
            );
        }
    }
}

#[test]
fn anchored_rules_are_equal_when_only_their_wording_differs() {
    let start = at("2026-06-09 09:30"); // a Tuesday, the second of its month
    for (a, b) in [
        ("FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=TU;WKST=SU"),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2", "FREQ=MONTHLY;BYDAY=2TU"),
        ("FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=9;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12"),
        ("FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=9;BYHOUR=9;BYMINUTE=30"),
        ("FREQ=YEARLY;BYMONTHDAY=9", "FREQ=YEARLY;BYMONTH=6"),
    ] {
        assert_eq!(rule(a).anchored(start), rule(b).anchored(start), "{a} {b}");
        assert_ne!(rule(a), rule(b), "{a} {b}");
    }
    assert_ne!(
        rule("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU").anchored(start),
        rule("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU").anchored(start)
    );
}

#[test]
fn the_last_week_of_a_year_keeps_its_days_in_january() {
    let saturdays = dates("FREQ=YEARLY;BYWEEKNO=52;BYDAY=SA", "2009-12-26 00:00", 3);
    for (found, day) in saturdays.iter().zip(["2009-12-26", "2011-01-01", "2011-12-31"]) {
        assert!(found.starts_with(day), "{found} {day}");
    }
}

#[test]
fn a_week_counted_from_the_end_is_the_week_that_it_is_from_the_start() {
    // 1991 has 52 weeks, and its first one begins in December.
    let first = dates("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO,TU,WE", "1990-12-31 00:00", 3);
    assert_eq!(dates("FREQ=YEARLY;BYWEEKNO=-52;BYDAY=MO,TU,WE", "1990-12-31 00:00", 3), first);
    assert!(first[0].starts_with("1990-12-31") && first[2].starts_with("1991-01-02"), "{first:?}");
}
