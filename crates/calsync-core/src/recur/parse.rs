//! Reading an `RRULE` value: strict, because a rule that is read wrongly moves appointments.

use std::num::NonZeroU32;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};

use super::rule::{DayRule, End, Frequency, Parts, Rule, Until};

/// Why a text is not a rule that this crate expands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A part without `=`, or an empty one.
    #[error("rule part {0} of the recurrence rule is not NAME=VALUE")]
    Shape(usize),
    /// The same part twice.
    #[error("{0} stands twice in the recurrence rule")]
    Twice(&'static str),
    /// No `FREQ`.
    #[error("the recurrence rule has no FREQ")]
    NoFrequency,
    /// A part of an extension.
    #[error("{0:?} is not a rule part of RFC 5545; leave it out")]
    UnknownPart(String),
    /// A value that cannot be read or is out of range.
    #[error("{part} does not take the value {value:?}")]
    Value {
        /// The part.
        part: &'static str,
        /// Its value, cut short.
        value: String,
    },
    /// Both ends are given.
    #[error("COUNT and UNTIL exclude each other")]
    TwoEnds,
    /// A part that RFC 5545 does not allow at this frequency or beside another part.
    #[error("{part} is not allowed with {with}")]
    NotWith {
        /// The part.
        part: &'static str,
        /// What it does not go with.
        with: &'static str,
    },
}

fn bad(part: &'static str, value: &str) -> RuleError {
    RuleError::Value { part, value: value.chars().take(32).collect() }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut freq = None;
        let mut interval = None;
        let mut count = None;
        let mut until = None;
        let mut parts = Parts::every(Frequency::Daily);
        for (index, part) in text.split(';').enumerate() {
            let (name, value) = part
                .split_once('=')
                .filter(|(_, value)| !value.is_empty())
                .ok_or(RuleError::Shape(index.saturating_add(1)))?;
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => once("FREQ", &mut freq, frequency(value)?)?,
                "INTERVAL" => once("INTERVAL", &mut interval, positive("INTERVAL", value)?)?,
                "COUNT" => once("COUNT", &mut count, positive("COUNT", value)?)?,
                "UNTIL" => once("UNTIL", &mut until, self::until(value).ok_or_else(|| bad("UNTIL", value))?)?,
                "WKST" => {
                    let day = weekday(value).ok_or_else(|| bad("WKST", value))?;
                    once("WKST", &mut parts.week_start, day)?;
                }
                "BYMONTH" => list("BYMONTH", value, &mut parts.by_month, number)?,
                "BYWEEKNO" => list("BYWEEKNO", value, &mut parts.by_week_no, number)?,
                "BYYEARDAY" => list("BYYEARDAY", value, &mut parts.by_year_day, number)?,
                "BYMONTHDAY" => list("BYMONTHDAY", value, &mut parts.by_month_day, number)?,
                "BYDAY" => list("BYDAY", value, &mut parts.by_day, day_rule)?,
                "BYHOUR" => list("BYHOUR", value, &mut parts.by_hour, number)?,
                "BYMINUTE" => list("BYMINUTE", value, &mut parts.by_minute, number)?,
                "BYSECOND" => list("BYSECOND", value, &mut parts.by_second, number)?,
                "BYSETPOS" => list("BYSETPOS", value, &mut parts.by_set_pos, number)?,
                other => return Err(RuleError::UnknownPart(other.chars().take(32).collect())),
            }
        }
        parts.freq = freq.ok_or(RuleError::NoFrequency)?;
        parts.interval = interval.unwrap_or(NonZeroU32::MIN);
        parts.end = match (count, until) {
            (None, None) => End::Never,
            (Some(count), None) => End::Count(count),
            (None, Some(until)) => End::Until(until),
            (Some(_), Some(_)) => return Err(RuleError::TwoEnds),
        };
        Self::new(parts)
    }
}

/// Checks ranges and combinations; see [`Rule::new`].
pub(super) fn check(parts: &Parts) -> Result<(), RuleError> {
    range("BYMONTH", &parts.by_month, |n| (1..=12).contains(&n))?;
    range("BYWEEKNO", &parts.by_week_no, |n| n != 0 && (-53..=53).contains(&n))?;
    range("BYYEARDAY", &parts.by_year_day, |n| n != 0 && (-366..=366).contains(&n))?;
    range("BYMONTHDAY", &parts.by_month_day, |n| n != 0 && (-31..=31).contains(&n))?;
    range("BYHOUR", &parts.by_hour, |n| n <= 23)?;
    range("BYMINUTE", &parts.by_minute, |n| n <= 59)?;
    range("BYSECOND", &parts.by_second, |n| n <= 60)?;
    range("BYSETPOS", &parts.by_set_pos, |n| n != 0 && (-366..=366).contains(&n))?;
    let numbered = parts.by_day.iter().filter_map(|day| day.nth).collect::<Vec<_>>();
    range("BYDAY", &numbered, |n| n != 0 && (-53..=53).contains(&n))?;

    let no = |part, with| Err(RuleError::NotWith { part, with });
    let freq = parts.freq;
    if !numbered.is_empty() && !matches!(freq, Frequency::Monthly | Frequency::Yearly) {
        return no("a numbered BYDAY", "a FREQ other than MONTHLY and YEARLY");
    }
    if !numbered.is_empty() && !parts.by_week_no.is_empty() {
        return no("a numbered BYDAY", "BYWEEKNO");
    }
    if !parts.by_week_no.is_empty() && freq != Frequency::Yearly {
        return no("BYWEEKNO", "a FREQ other than YEARLY");
    }
    if !parts.by_year_day.is_empty()
        && matches!(freq, Frequency::Daily | Frequency::Weekly | Frequency::Monthly)
    {
        return no("BYYEARDAY", "FREQ=DAILY, WEEKLY or MONTHLY");
    }
    if !parts.by_month_day.is_empty() && freq == Frequency::Weekly {
        return no("BYMONTHDAY", "FREQ=WEEKLY");
    }
    let sets = [parts.by_month.is_empty(), parts.by_week_no.is_empty(), parts.by_year_day.is_empty()];
    let days = [parts.by_month_day.is_empty(), parts.by_day.is_empty()];
    let times = [parts.by_hour.is_empty(), parts.by_minute.is_empty(), parts.by_second.is_empty()];
    if !parts.by_set_pos.is_empty() && [&sets[..], &days, &times].concat().into_iter().all(|empty| empty) {
        return no("BYSETPOS", "no other BY part beside it");
    }
    Ok(())
}

fn range<T: Copy + std::fmt::Display>(
    part: &'static str,
    list: &[T],
    valid: impl Fn(T) -> bool,
) -> Result<(), RuleError> {
    match list.iter().find(|value| !valid(**value)) {
        Some(value) => Err(bad(part, &value.to_string())),
        None => Ok(()),
    }
}

fn once<T>(part: &'static str, slot: &mut Option<T>, value: T) -> Result<(), RuleError> {
    match slot.replace(value) {
        Some(_) => Err(RuleError::Twice(part)),
        None => Ok(()),
    }
}

fn list<T>(
    part: &'static str,
    value: &str,
    slot: &mut Vec<T>,
    item: impl Fn(&str) -> Option<T>,
) -> Result<(), RuleError> {
    if !slot.is_empty() {
        return Err(RuleError::Twice(part));
    }
    for text in value.split(',') {
        slot.push(item(text).ok_or_else(|| bad(part, text))?);
    }
    Ok(())
}

/// A number as RFC 5545 writes it: digits, with an optional sign where `T` has one.
fn number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn positive(part: &'static str, value: &str) -> Result<NonZeroU32, RuleError> {
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_err(|_| bad(part, value))
    } else {
        Err(bad(part, value))
    }
}

fn frequency(value: &str) -> Result<Frequency, RuleError> {
    Ok(match value.to_ascii_uppercase().as_str() {
        "SECONDLY" => Frequency::Secondly,
        "MINUTELY" => Frequency::Minutely,
        "HOURLY" => Frequency::Hourly,
        "DAILY" => Frequency::Daily,
        "WEEKLY" => Frequency::Weekly,
        "MONTHLY" => Frequency::Monthly,
        "YEARLY" => Frequency::Yearly,
        _ => return Err(bad("FREQ", value)),
    })
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}

fn day_rule(text: &str) -> Option<DayRule> {
    let (nth, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let nth = if nth.is_empty() { None } else { Some(number(nth)?) };
    Some(DayRule { nth, weekday: weekday(day)? })
}

fn until(text: &str) -> Option<Until> {
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let year = i32::try_from(number(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(4, 6)?, number(6, 8)?)?;
    if text.len() == 8 {
        return Some(Until::Date(date));
    }
    if !matches!(text.as_bytes().get(8), Some(b'T' | b't')) {
        return None;
    }
    let time = NaiveTime::from_hms_opt(number(9, 11)?, number(11, 13)?, number(13, 15)?)?;
    let at = NaiveDateTime::new(date, time);
    match text.get(15..)? {
        "" => Some(Until::Local(at)),
        "Z" | "z" => Some(Until::Utc(DateTime::from_naive_utc_and_offset(at, Utc))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> RuleError {
        text.parse::<Rule>().unwrap_err()
    }

    #[test]
    fn parts_may_come_in_any_order_and_case() {
        let a: Rule = "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR,+1MO;COUNT=3".parse().unwrap();
        let b: Rule = "count=3;byday=1mo,-1fr;interval=2;freq=monthly".parse().unwrap();
        assert_eq!(a, b);
    }

    #[test]
    fn every_kind_of_until_is_kept() {
        let end = |text: &str| format!("FREQ=DAILY;UNTIL={text}").parse::<Rule>().unwrap().end();
        assert!(matches!(end("20260301"), End::Until(Until::Date(_))));
        assert!(matches!(end("20260301T101500"), End::Until(Until::Local(_))));
        assert!(matches!(end("20260301T101500Z"), End::Until(Until::Utc(_))));
    }

    #[test]
    fn malformed_rules_are_refused_with_the_part_that_is_wrong() {
        assert_eq!(error(""), RuleError::Shape(1));
        assert_eq!(error("FREQ=DAILY;"), RuleError::Shape(2));
        assert_eq!(error("INTERVAL=2"), RuleError::NoFrequency);
        assert_eq!(error("FREQ=DAILY;FREQ=DAILY"), RuleError::Twice("FREQ"));
        assert_eq!(error("FREQ=DAILY;BYHOUR=1;BYHOUR=2"), RuleError::Twice("BYHOUR"));
        assert_eq!(error("FREQ=DAILY;X-FOO=1"), RuleError::UnknownPart("X-FOO".into()));
        assert_eq!(error("FREQ=DAILY;COUNT=1;UNTIL=20260101"), RuleError::TwoEnds);
        for text in [
            "FREQ=FORTNIGHTLY",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=+1",
            "FREQ=DAILY;COUNT=-1",
            "FREQ=DAILY;COUNT=99999999999",
            "FREQ=DAILY;UNTIL=20260230",
            "FREQ=DAILY;UNTIL=2026-02-03",
            "FREQ=DAILY;UNTIL=20260203T1010",
            "FREQ=DAILY;UNTIL=20260203T101010+0100",
            "FREQ=DAILY;BYMONTH=13",
            "FREQ=DAILY;BYMONTH=-1",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=MONTHLY;BYDAY=0MO",
            "FREQ=MONTHLY;BYDAY=54MO",
            "FREQ=MONTHLY;BYDAY=M\u{d6}",
            "FREQ=MONTHLY;BYDAY=",
            "FREQ=MONTHLY;BYDAY=MO,",
            "FREQ=YEARLY;BYYEARDAY=367",
            "FREQ=DAILY;BYSECOND=61",
        ] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }

    #[test]
    fn combinations_that_the_rfc_forbids_are_refused() {
        for text in [
            "FREQ=WEEKLY;BYDAY=1MO",
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO",
            "FREQ=MONTHLY;BYWEEKNO=20",
            "FREQ=DAILY;BYYEARDAY=20",
            "FREQ=WEEKLY;BYMONTHDAY=20",
            "FREQ=MONTHLY;BYSETPOS=1",
        ] {
            assert!(matches!(error(text), RuleError::NotWith { .. }), "{text}");
        }
    }
}
