//! Moments, dates and durations of the wire.
//!
//! A [`DateTime`] keeps what was written, local time and offset apart: responses always carry an offset, requests of
//! this client always do, and what a missing one means depends on the server's version. A date is the first ten
//! characters of whatever stands there: servers append zones to dates, and converting by them shifts days.

use std::fmt;

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use serde::{Serialize, Serializer};

/// An `xs:dateTime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// As written.
    pub local: NaiveDateTime,
    /// Minutes east of UTC, 0 for `Z`, `None` when nothing was written.
    pub offset: Option<i16>,
}

impl DateTime {
    /// A moment of UTC.
    pub fn utc(moment: NaiveDateTime) -> Self {
        Self { local: moment, offset: Some(0) }
    }

    /// A local time with the offset that holds there.
    pub fn with_offset(local: NaiveDateTime, minutes: i16) -> Self {
        Self { local, offset: Some(minutes) }
    }

    /// The moment in UTC; a missing offset counts as UTC, which is what servers mean by it when nothing else says so.
    pub fn to_utc(self) -> NaiveDateTime {
        let shift = TimeDelta::minutes(i64::from(self.offset.unwrap_or(0)));
        self.local.checked_sub_signed(shift).unwrap_or(self.local)
    }

    /// Reads the wire's spelling.
    ///
    /// Tolerates what has been seen: fractions of any length (cut to nanoseconds), offsets without a colon, `24:00:00`,
    /// a plain date.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let date = parse_date(text)?;
        let rest = text.get(10..)?;
        let Some(rest) = rest.strip_prefix(['T', ' ']) else {
            return Some(Self { local: date.and_hms_opt(0, 0, 0)?, offset: parse_offset(rest).ok()? });
        };
        let bytes = rest.as_bytes();
        let two = |from: usize| number(bytes.get(from..from + 2)?);
        let (hour, minute) = (two(0)?, two(3)?);
        if bytes.get(2) != Some(&b':') {
            return None;
        }
        let (second, mut at) = if bytes.get(5) == Some(&b':') { (two(6)?, 8) } else { (0, 5) };
        let mut nanos: u32 = 0;
        if matches!(bytes.get(at), Some(b'.' | b',')) {
            at += 1;
            let mut unit = 100_000_000;
            while let Some(value) = bytes.get(at).copied().and_then(digit) {
                nanos = value.saturating_mul(unit).saturating_add(nanos);
                unit /= 10;
                at += 1;
            }
        }
        let offset = parse_offset(rest.get(at..)?).ok()?;
        let local = if (hour, minute, second) == (24, 0, 0) {
            date.checked_add_days(Days::new(1))?.and_hms_opt(0, 0, 0)?
        } else {
            date.and_hms_nano_opt(hour, minute, second.min(59), nanos)?
        };
        Some(Self { local, offset })
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.local.format("%Y-%m-%dT%H:%M:%S"))?;
        if self.local.nanosecond() != 0 {
            let digits = format!("{:09}", self.local.nanosecond());
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        match self.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The date in the first ten characters; whatever follows does not move it.
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    let bytes = text.trim_start().as_bytes();
    let part = |from: usize, to: usize| number(bytes.get(from..to)?);
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(part(0, 4)?).ok()?, part(5, 7)?, part(8, 10)?)
}

/// What stands behind a time is no offset.
struct NoOffset;

/// Minutes east of UTC; `None` when nothing is written.
fn parse_offset(text: &str) -> Result<Option<i16>, NoOffset> {
    match text {
        "" => return Ok(None),
        "Z" | "z" => return Ok(Some(0)),
        _ => {}
    }
    let (negative, digits) = match text.as_bytes() {
        [b'+', rest @ ..] => (false, rest),
        [b'-', rest @ ..] => (true, rest),
        _ => return Err(NoOffset),
    };
    let mut numbers =
        digits.iter().filter(|byte| **byte != b':').map(|byte| i16::from(byte.wrapping_sub(b'0')));
    let mut minutes: i16 = 0;
    let mut count = 0_usize;
    for (number, weight) in numbers.by_ref().zip([600, 60, 10, 1]) {
        if number > 9 {
            return Err(NoOffset);
        }
        minutes = minutes.saturating_add(number.saturating_mul(weight));
        count += 1;
    }
    if numbers.next().is_some() || !matches!(count, 2 | 4) || minutes > 14 * 60 {
        return Err(NoOffset);
    }
    Ok(Some(if negative { minutes.saturating_neg() } else { minutes }))
}

/// Whole minutes of an `xs:duration` such as `-PT1H30M`, `PT-60M` or `P1DT2H`. Years and months have no length here.
pub(crate) fn parse_minutes(text: &str) -> Option<i32> {
    let text = text.trim();
    let (backwards, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut seconds: i64 = 0;
    let mut in_time = false;
    let mut number: Option<i64> = None;
    let mut negative = false;
    let mut fraction = false;
    for c in text.strip_prefix('P')?.chars() {
        match c {
            'T' if !in_time => in_time = true,
            '-' if number.is_none() => negative = true,
            '.' if number.is_some() => fraction = true,
            '0'..='9' => {
                if !fraction {
                    let next = i64::from(c.to_digit(10)?);
                    number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(next)?);
                }
            }
            'D' | 'H' | 'M' | 'S' => {
                let unit = match (c, in_time) {
                    ('D', false) => 86_400,
                    ('H', true) => 3_600,
                    ('M', true) => 60,
                    ('S', true) => 1,
                    _ => return None,
                };
                let value = number.take()?.checked_mul(unit)?;
                seconds = seconds.checked_add(if negative == backwards {
                    value
                } else {
                    value.checked_neg()?
                })?;
                (negative, fraction) = (false, false);
            }
            _ => return None,
        }
    }
    if number.is_some() {
        return None;
    }
    i32::try_from(seconds / 60).ok()
}

/// Spells minutes as an `xs:duration`.
pub(crate) fn format_minutes(minutes: i32) -> String {
    let sign = if minutes < 0 { "-" } else { "" };
    let (hours, rest) = (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
    match (hours, rest) {
        (0, rest) => format!("{sign}PT{rest}M"),
        (hours, 0) => format!("{sign}PT{hours}H"),
        (hours, rest) => format!("{sign}PT{hours}H{rest}M"),
    }
}

/// Minutes after midnight of an `xs:time`.
pub(crate) fn parse_time(text: &str) -> Option<i32> {
    let mut parts = text.trim().split(':');
    let hour: i32 = parts.next()?.parse().ok()?;
    let minute: i32 = parts.next()?.get(..2)?.parse().ok()?;
    ((0..=24).contains(&hour) && (0..60).contains(&minute))
        .then_some(hour.saturating_mul(60).saturating_add(minute))
}

/// A number of at most nine digits and nothing else.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0_u32, |sum, byte| sum.checked_mul(10)?.checked_add(digit(*byte)?))
}

fn digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_local_time_and_offset_apart() {
        for text in [
            "2026-03-29T02:30:00Z",
            "2026-03-29T02:30:00+01:00",
            "2026-03-29T02:30:00-03:30",
            "2026-03-29T02:30:00",
            "2026-03-29T02:30:00.123Z",
        ] {
            assert_eq!(DateTime::parse(text).unwrap().to_string(), text);
        }
        let moment = DateTime::parse("2026-01-01T00:30:00+01:00").unwrap();
        assert_eq!(moment.to_utc().to_string(), "2025-12-31 23:30:00");
    }

    #[test]
    fn slightly_wrong_moments_are_understood() {
        assert_eq!(DateTime::parse("2026-03-29T02:30:00+0100").unwrap().offset, Some(60));
        assert_eq!(DateTime::parse("2026-03-29T24:00:00Z").unwrap().to_string(), "2026-03-30T00:00:00Z");
        assert_eq!(DateTime::parse("2026-03-29Z").unwrap().to_string(), "2026-03-29T00:00:00Z");
        assert_eq!(DateTime::parse("0001-01-01T00:00:00Z").unwrap().to_string(), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "tomorrow",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-01-01T25:00:00Z",
            "2026-01-01T10:00:00X",
            "2026-01-01T10:00:00+99:00",
            "ääääääääää",
        ] {
            assert_eq!(DateTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_zone_behind_a_date_does_not_move_it() {
        for text in ["2026-09-07+02:00", "2026-09-07Z", "2026-09-07", "2026-09-07T22:00:00Z"] {
            assert_eq!(parse_date(text).unwrap().to_string(), "2026-09-07");
        }
    }

    #[test]
    fn durations_are_signed_minutes() {
        assert_eq!(parse_minutes("-PT1H"), Some(-60));
        assert_eq!(parse_minutes("PT-60M"), Some(-60));
        assert_eq!(parse_minutes("PT1H30M"), Some(90));
        assert_eq!(parse_minutes("P1DT0.5S"), Some(1440));
        assert_eq!(parse_minutes("PT0S"), Some(0));
        assert_eq!(parse_minutes("1H"), None);
        assert_eq!(parse_minutes("PT99999999999999999999H"), None);
        assert_eq!(format_minutes(-330), "-PT5H30M");
        assert_eq!(parse_minutes(&format_minutes(-330)), Some(-330));
        assert_eq!(format_minutes(0), "PT0M");
    }

    #[test]
    fn times_of_day_are_minutes() {
        assert_eq!(parse_time("02:00:00"), Some(120));
        assert_eq!(parse_time("02:00:00.0000000"), Some(120));
        assert_eq!(parse_time("noon"), None);
    }
}
