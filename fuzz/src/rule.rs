//! RRULE text.

use calsync_core::recur::{Rule, SeriesTimes, expand};
use chrono::{Days, NaiveDate, NaiveTime};

use crate::HOME;

/// What is accepted can be written, read again and expanded, from anywhere.
pub fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(rule) = text.parse::<Rule>() else { return };
    let again: Rule = rule.to_string().parse().expect("what is written can be read");
    assert_eq!(rule, again);
    let Some(start) = NaiveDate::from_ymd_opt(2026, 11, 24).map(|date| date.and_time(NaiveTime::MIN)) else {
        return;
    };
    let anchored = rule.anchored(start);
    for all_day in [false, true] {
        let zone = (!all_day).then_some(&*HOME);
        let window = start..start + Days::new(800);
        let starts = |rule| {
            let times = SeriesTimes { start, all_day, zone, rule: Some(rule), rdates: &[], exdates: &[] };
            expand(times, window.clone(), 50)
        };
        let found = starts(&rule);
        assert!(found.starts.len() <= 50 && found.starts.is_sorted());
        assert!(found.starts.iter().all(|at| window.contains(at)));
        if !found.truncated {
            assert_eq!(found, starts(&anchored), "{rule} is not {anchored}");
        }
    }
    // Years that the calendar hardly has.
    for year in [1, 1600, 9999] {
        let Some(start) = NaiveDate::from_ymd_opt(year, 12, 31).map(|date| date.and_time(NaiveTime::MIN))
        else {
            return;
        };
        let _ = rule.occurrences(start, None).nth(1);
        let _ = rule.index_of(start, Some(&HOME), start);
    }
}
