//! A series cut to a window: the rule, plus `RDATE`, minus `EXDATE`.

use std::ops::Range;

use chrono::NaiveDateTime;

use super::rule::Rule;
use crate::zone::Zone;

/// When a series happens. All times are wall-clock times of the series' own zone, dates are midnight.
#[derive(Debug, Clone, Copy)]
pub struct SeriesTimes<'a> {
    /// First start.
    pub start: NaiveDateTime,
    /// The starts are dates; the rule's hours, minutes and seconds are ignored.
    pub all_day: bool,
    /// The zone, needed for an `UNTIL` in UTC; `None` for floating and all-day series.
    pub zone: Option<&'a Zone>,
    /// The rule. Without one the series is its start and `rdates`.
    pub rule: Option<&'a Rule>,
    /// Further starts, in any order.
    pub rdates: &'a [NaiveDateTime],
    /// Starts that do not happen, in any order.
    pub exdates: &'a [NaiveDateTime],
}

/// The starts within a window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expansion {
    /// Ascending, without duplicates.
    pub starts: Vec<NaiveDateTime>,
    /// There are more, or the rule was given up; see [`Occurrences::truncated`](super::Occurrences::truncated).
    pub truncated: bool,
}

/// Lists the starts of a series that lie in `window`, at most `limit` of them.
///
/// An occurrence that began before the window and reaches into it is not listed: widen the window by the duration of
/// the series where that matters. The start itself is listed only when it matches the rule.
///
/// ```
/// use calsync_core::recur::{Rule, SeriesTimes, expand};
/// use chrono::NaiveDate;
///
/// let day = |d| NaiveDate::from_ymd_opt(2026, 11, d).unwrap().and_hms_opt(9, 0, 0).unwrap();
/// let rule: Rule = "FREQ=DAILY;INTERVAL=2".parse()?;
/// let series = SeriesTimes {
///     start: day(1), all_day: false, zone: None, rule: Some(&rule), rdates: &[], exdates: &[day(5)],
/// };
/// assert_eq!(expand(series, day(2)..day(9), 100).starts, [day(3), day(7)]);
/// # Ok::<(), calsync_core::recur::RuleError>(())
/// ```
pub fn expand(series: SeriesTimes<'_>, window: Range<NaiveDateTime>, limit: usize) -> Expansion {
    let mut extra: Vec<NaiveDateTime> = series.rdates.to_vec();
    if series.rule.is_none() {
        extra.push(series.start);
    }
    extra.retain(|at| window.contains(at));
    extra.sort_unstable();
    extra.dedup();
    let mut excluded = series.exdates.to_vec();
    excluded.sort_unstable();

    let timeless;
    let rule = match series.rule {
        Some(rule) if series.all_day => {
            timeless = rule.clone().without_times();
            Some(&timeless)
        }
        other => other,
    };
    let mut occurrences = rule.map(|rule| {
        rule.occurrences(series.start, series.zone).starting_at(window.start).ending_before(window.end)
    });
    let mut from_rule = occurrences.as_mut().and_then(Iterator::next);
    let mut extra = extra.into_iter().peekable();
    let mut expansion = Expansion::default();
    loop {
        let at = match (from_rule, extra.peek()) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) => a,
            (None, Some(b)) => *b,
            (None, None) => break,
        };
        if from_rule == Some(at) {
            from_rule = occurrences.as_mut().and_then(Iterator::next);
        }
        extra.next_if_eq(&at);
        if excluded.binary_search(&at).is_ok() {
            continue;
        }
        if expansion.starts.len() == limit {
            expansion.truncated = true;
            return expansion;
        }
        expansion.starts.push(at);
    }
    expansion.truncated = occurrences.is_some_and(|occurrences| occurrences.truncated());
    expansion
}
