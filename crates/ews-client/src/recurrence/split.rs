//! A rule that no single pattern can hold, as several series.
//!
//! The 1st and the 15th of each month are two patterns; 9 and 15 o'clock are two series. A list of a rule is taken apart
//! into rules with one entry each, in as few parts as possible, and the dates of all parts together are compared with
//! those of the rule.

use calsync_core::recur::{End, Frequency, Parts, Rule, Until};
use chrono::{Datelike, NaiveDateTime};

use super::into_exchange::LAST_YEAR;
use super::{Series, ToExchange, to_exchange, to_rule};

/// Occurrences that are compared before a split is believed.
const COMPARED: usize = 256;

/// Lists that can be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Times,
    Days,
    MonthDays,
    Months,
}

const LISTS: [List; 4] = [List::Times, List::Days, List::MonthDays, List::Months];

/// Writes a rule as at most `most` recurrences that together have exactly its dates, none of them twice.
///
/// They come in order of their first occurrence. `None` when there is no such split; a rule that needs none comes back as
/// the one that [`to_exchange`] gives.
pub fn split(rule: &Rule, series: Series<'_>, first_day_known: bool, most: usize) -> Option<Vec<ToExchange>> {
    let rule = if series.all_day { rule.clone().without_times() } else { rule.clone() };
    if let Ok(whole) = to_exchange(&rule, series, first_day_known) {
        return Some(vec![whole]);
    }
    let mut rule = rule.anchored(series.start);
    if let End::Count(_) = rule.end() {
        // Each part has a share of the number that nobody knows; all of them end with the last occurrence.
        let mut occurrences = rule.occurrences(series.start, series.zone);
        let last = occurrences.by_ref().last().filter(|_| !occurrences.truncated())?;
        rule = rule.with_end(End::Until(Until::Local(last)));
    }
    let parts = rule.parts();
    // A position counts in the whole set.
    if !parts.by_set_pos.is_empty() || parts.freq < Frequency::Daily {
        return None;
    }
    let mut choices: Vec<Vec<Parts>> = (1u8..16)
        .filter_map(|choice| {
            let mut lists =
                LISTS.iter().enumerate().filter(|(index, _)| choice >> index & 1 == 1).map(|(_, list)| *list);
            lists.try_fold(vec![parts.clone()], |all, list| {
                let apart: Vec<Parts> = all.iter().flat_map(|parts| take_apart(parts, list)).collect();
                (apart.len() <= most.max(12)).then_some(apart)
            })
        })
        .filter(|choice| choice.len() > 1)
        .collect();
    choices.sort_by_key(Vec::len);
    choices.into_iter().find_map(|choice| {
        let mut found = Vec::new();
        for parts in choice {
            let part = Rule::new(parts).ok()?;
            // Short months may leave a part without any occurrence.
            let Some(start) = part.occurrences(series.start, series.zone).next() else { continue };
            found.push(to_exchange(&part, Series { start, ..series }, first_day_known).ok()?);
        }
        found.sort_by_key(|part| part.start);
        (found.len() <= most && equal(&rule, &found, series)).then_some(found)
    })
}

fn take_apart(parts: &Parts, list: List) -> Vec<Parts> {
    let with = |change: &dyn Fn(&mut Parts)| {
        let mut parts = parts.clone();
        change(&mut parts);
        parts
    };
    match list {
        List::Times => {
            let or_none = |list: &[u8]| -> Vec<Vec<u8>> {
                if list.is_empty() { vec![vec![]] } else { list.iter().map(|n| vec![*n]).collect() }
            };
            let mut all = Vec::new();
            for hour in or_none(&parts.by_hour) {
                for minute in or_none(&parts.by_minute) {
                    for second in or_none(&parts.by_second) {
                        all.push(with(&|parts| {
                            parts.by_hour.clone_from(&hour);
                            parts.by_minute.clone_from(&minute);
                            parts.by_second.clone_from(&second);
                        }));
                    }
                }
            }
            all
        }
        List::Days if !parts.by_day.is_empty() => {
            parts.by_day.iter().map(|day| with(&|parts| parts.by_day = vec![*day])).collect()
        }
        List::MonthDays if !parts.by_month_day.is_empty() => {
            parts.by_month_day.iter().map(|day| with(&|parts| parts.by_month_day = vec![*day])).collect()
        }
        // Every month, one by one: the way to days that some months do not have.
        List::Months
            if parts.by_month.is_empty() && parts.freq == Frequency::Monthly && parts.interval.get() == 1 =>
        {
            (1..=12).map(|month| with(&|parts| parts.by_month = vec![month])).collect()
        }
        List::Months if !parts.by_month.is_empty() => {
            parts.by_month.iter().map(|month| with(&|parts| parts.by_month = vec![*month])).collect()
        }
        _ => vec![parts.clone()],
    }
}

/// Whether the parts have the dates of the rule, each once.
fn equal(rule: &Rule, found: &[ToExchange], series: Series<'_>) -> bool {
    let in_range = |at: &NaiveDateTime| at.year() < LAST_YEAR;
    let ours: Vec<_> =
        rule.occurrences(series.start, series.zone).take_while(in_range).take(COMPARED).collect();
    let mut theirs = Vec::new();
    for part in found {
        let Ok(back) = to_rule(&part.recurrence, Series { start: part.start, ..series }) else {
            return false;
        };
        theirs.extend(back.rule.occurrences(back.start, series.zone).take_while(in_range).take(COMPARED));
    }
    theirs.sort_unstable();
    theirs.truncate(COMPARED);
    ours == theirs
}
