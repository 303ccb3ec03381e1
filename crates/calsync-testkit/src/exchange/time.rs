//! Dates and times as they travel: `xs:dateTime` with or without offset, `xs:date` with a useless zone suffix.
//!
//! The mock computes in wall-clock time of a zone and stores instants; this module only converts text.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::zones::Zone;

/// A time as a request gave it; without an offset its meaning depends on zones given elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WireTime {
    pub(crate) civil: DateTime,
    pub(crate) offset: Option<Offset>,
}

impl WireTime {
    /// Reads an `xs:dateTime`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let split = text.get(10..)?.find(['Z', '+', '-']).map(|at| at + 10);
        let (civil, zone) = match split {
            Some(at) => (text.get(..at)?, text.get(at..)?),
            None => (text, ""),
        };
        if civil.get(10..11)? != "T" {
            return None;
        }
        let civil: DateTime = civil.parse().ok()?;
        Some(Self { civil, offset: if zone.is_empty() { None } else { Some(offset(zone)?) } })
    }

    /// The instant; a time without offset is taken in `fallback`.
    pub(crate) fn instant(self, fallback: &Zone) -> Option<Timestamp> {
        let instant = match self.offset {
            Some(offset) => offset.to_timestamp(self.civil).ok()?,
            None => fallback.instant(self.civil),
        };
        Timestamp::from_second(instant.as_second()).ok()
    }
}

fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let seconds = (hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?) * 60;
    Offset::from_seconds(sign * seconds).ok()
}

/// Reads an `xs:date`; a zone suffix is ignored, as Exchange does.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    text.trim().get(..10)?.parse().ok()
}

/// `2026-11-24T08:00:00Z`.
pub(crate) fn utc(instant: Timestamp) -> String {
    format!("{}Z", Offset::UTC.to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S"))
}

/// The instant in a zone: `2026-11-24T09:00:00+01:00`.
pub(crate) fn zoned(instant: Timestamp, zone: &Zone) -> String {
    let offset = zone.offset(instant);
    format!("{}{}", offset.to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S"), suffix(offset))
}

/// A date with the offset its midnight has in the zone, as newer servers write recurrence ranges.
pub(crate) fn date_in(date: Date, zone: &Zone) -> String {
    let offset = zone.offset(zone.instant(date.at(0, 0, 0, 0)));
    format!("{}{}", date.strftime("%Y-%m-%d"), suffix(offset))
}

fn suffix(offset: Offset) -> String {
    let seconds = offset.seconds();
    if seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `xs:duration` in minutes, as `calendar:Duration` shows it.
pub(crate) fn duration(span: SignedDuration) -> String {
    // Writing to a string cannot fail.
    let minutes = span.as_mins();
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let mut text = "P".to_owned();
    if days > 0 {
        let _ = write!(text, "{days}D");
    }
    if hours > 0 || minutes > 0 || days == 0 {
        text.push('T');
        if hours > 0 {
            let _ = write!(text, "{hours}H");
        }
        if minutes > 0 || hours == 0 {
            let _ = write!(text, "{minutes}M");
        }
    }
    text
}

/// Clones of zones and wall clocks meet here: the wall clock of an instant, cut to seconds.
pub(crate) fn civil(instant: Timestamp, zone: &Zone) -> DateTime {
    zone.offset(instant).to_datetime(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_decides_the_instant_whatever_the_zone() {
        let zone = Zone::by_windows_id("Tokyo Standard Time").unwrap();
        let time = WireTime::parse("2026-03-27T09:00:00+01:00").unwrap();
        assert_eq!(utc(time.instant(&zone).unwrap()), "2026-03-27T08:00:00Z");
    }

    #[test]
    fn a_time_without_offset_is_taken_in_the_given_zone() {
        let zone = Zone::by_windows_id("W. Europe Standard Time").unwrap();
        let time = WireTime::parse("2026-07-01T09:00:00").unwrap();
        assert_eq!(utc(time.instant(&zone).unwrap()), "2026-07-01T07:00:00Z");
        assert_eq!(zoned(time.instant(&zone).unwrap(), &zone), "2026-07-01T09:00:00+02:00");
    }

    #[test]
    fn a_plain_date_is_no_date_time() {
        assert_eq!(WireTime::parse("2026-03-27"), None);
        assert_eq!(WireTime::parse("2026-03-27+01:00"), None);
        assert_eq!(WireTime::parse("bad"), None);
    }

    #[test]
    fn the_zone_suffix_of_a_date_never_moves_it() {
        let date = jiff::civil::date(2026, 9, 7);
        for text in ["2026-09-07", "2026-09-07Z", "2026-09-07+14:00", "2026-09-07-12:00"] {
            assert_eq!(parse_date(text), Some(date));
        }
    }

    #[test]
    fn durations_have_the_short_form() {
        assert_eq!(duration(SignedDuration::from_mins(90)), "PT1H30M");
        assert_eq!(duration(SignedDuration::from_mins(1440)), "P1D");
        assert_eq!(duration(SignedDuration::ZERO), "PT0M");
    }
}
