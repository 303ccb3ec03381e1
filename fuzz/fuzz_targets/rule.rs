//! RRULE text: what is accepted can be written, read again and expanded.
#![no_main]

use calsync_core::recur::{Rule, SeriesTimes, expand};
use chrono::{Days, NaiveDate, NaiveTime};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(rule) = text.parse::<Rule>() else { return };
    let again: Rule = rule.to_string().parse().expect("what is written can be read");
    assert_eq!(rule, again);
    let Some(start) = NaiveDate::from_ymd_opt(2026, 11, 24).map(|date| date.and_time(NaiveTime::MIN)) else { return };
    for all_day in [false, true] {
        let times = SeriesTimes { start, all_day, zone: None, rule: Some(&rule), rdates: &[], exdates: &[] };
        assert!(expand(times, start..start + Days::new(800), 50).starts.len() <= 50);
    }
});
