//! How long it takes to expand a series: per occurrence, and for a window far from its start.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion's macros, and inputs that are known to be valid"
)]

use std::hint::black_box;

use calsync_core::recur::{Rule, SeriesTimes, expand};
use calsync_core::zone::Zone;
use chrono::{NaiveDate, NaiveDateTime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn at(year: i32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, 1, 3).unwrap().and_hms_opt(9, 0, 0).unwrap()
}

/// All occurrences of some years, in wall-clock time and in UTC.
fn whole_series(c: &mut Criterion) {
    let berlin = Zone::new("Europe/Berlin").unwrap();
    let start = at(2005);
    let mut group = c.benchmark_group("expand");
    for (name, rule, years) in [
        ("weekly-one-day-10-years", "FREQ=WEEKLY", 10),
        ("weekly-mo-we-fr-10-years", "FREQ=WEEKLY;BYDAY=MO,WE,FR", 10),
        ("daily-30-years", "FREQ=DAILY", 30),
        ("last-weekday-of-month-30-years", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", 30),
        ("day-30-or-last-30-years", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", 30),
        ("second-tuesday-30-years", "FREQ=MONTHLY;BYDAY=2TU", 30),
        ("yearly-30-years", "FREQ=YEARLY", 30),
    ] {
        let rule: Rule = rule.parse().unwrap();
        let occurrences = || rule.occurrences(start, None).ending_before(at(2005 + years));
        group.throughput(Throughput::Elements(occurrences().count() as u64));
        group.bench_function(BenchmarkId::new("local", name), |b| {
            b.iter(|| occurrences().fold(0, |count, at| count + usize::from(black_box(at) > start)));
        });
        group.bench_function(BenchmarkId::new("utc", name), |b| {
            b.iter(|| occurrences().fold(0, |sum, at| sum ^ black_box(berlin.to_utc(at)).timestamp()));
        });
    }
    group.finish();
}

/// The same month, at the start of a series and 20 years later.
fn far_window(c: &mut Criterion) {
    let mut group = c.benchmark_group("window");
    for (name, rule) in [
        ("daily", "FREQ=DAILY"),
        ("weekly", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE"),
        ("last-weekday-of-month", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
        ("daily-counted", "FREQ=DAILY;COUNT=9999"),
        ("weekly-counted", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=9999"),
        ("last-weekday-of-month-counted", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=999"),
    ] {
        let rule: Rule = rule.parse().unwrap();
        for (when, year) in [("at-start", 2005), ("20-years-on", 2025)] {
            group.bench_function(BenchmarkId::new(name, when), |b| {
                b.iter(|| {
                    let series = SeriesTimes {
                        start: at(2005),
                        all_day: false,
                        zone: None,
                        rule: Some(black_box(&rule)),
                        rdates: &[],
                        exdates: &[],
                    };
                    expand(series, at(year)..at(year + 1), 1000)
                });
            });
        }
    }
    group.finish();
}

/// Reading a rule, and giving up on one.
fn rules(c: &mut Criterion) {
    let text = "FREQ=MONTHLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;WKST=SU;UNTIL=20301231T225959Z";
    c.bench_function("parse", |b| b.iter(|| black_box(text).parse::<Rule>().is_ok()));
    let never: Rule = "FREQ=SECONDLY;INTERVAL=7919;BYMONTH=2;BYMONTHDAY=29;BYHOUR=23;BYMINUTE=59;BYSECOND=59"
        .parse()
        .unwrap();
    c.bench_function("give-up", |b| b.iter(|| never.occurrences(at(2005), None).next()));
}

criterion_group!(benches, whole_series, far_window, rules);
criterion_main!(benches);
