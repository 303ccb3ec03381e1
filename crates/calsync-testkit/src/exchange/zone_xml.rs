//! Time zones on the wire: names, and full definitions with periods and transitions.
//!
//! In: a `StartTimeZone`, `TimeZoneDefinition` or `MeetingTimeZone` of a request; out: a [`Zone`] or the server's refusal.
//! In the other direction the full definition that servers from 2010 on send with every item, made from the zone's rules of
//! the current year.

use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, Timestamp};

use super::faults::Refusal;
use super::recurrence::WEEKDAYS;
use super::time::civil;
use super::xml::{Node, Xml};
use super::zones::Zone;

/// Reads a zone of a request: a known id, or a definition that brings its own rules.
pub(crate) fn read_definition(node: &Node) -> Result<Zone, Refusal> {
    let id = node.attr("Id").unwrap_or_default();
    if let Some(zone) = Zone::by_windows_id(id) {
        return Ok(zone);
    }
    read_rules(node, id).ok_or_else(|| {
        Refusal::new("ErrorCalendarInvalidTimeZone", "The time zone is invalid.")
            .field("calendar:StartTimeZone")
    })
}

/// Reads the `MeetingTimeZone` of Exchange 2007: a name is enough, a definition is used when the name is unknown.
pub(crate) fn read_meeting_zone(node: &Node) -> Result<Zone, Refusal> {
    let invalid = || {
        Refusal::new("ErrorCalendarInvalidTimeZone", "The time zone is invalid.")
            .field("calendar:MeetingTimeZone")
    };
    if let Some(zone) = node.attr("TimeZoneName").and_then(Zone::by_windows_id) {
        return Ok(zone);
    }
    let base = node.child_text("BaseOffset").and_then(minutes_of_duration).ok_or_else(invalid)?;
    let rule = match (node.child("Standard"), node.child("Daylight")) {
        (Some(standard), Some(daylight)) => {
            let offset = |n: &Node| n.child_text("Offset").and_then(minutes_of_duration).unwrap_or(0);
            let change = |n: &Node| {
                let relative = n.child("RelativeYearlyRecurrence")?;
                let month = super::recurrence::MONTHS
                    .iter()
                    .position(|m| Some(*m) == relative.child_text("Month"))?
                    + 1;
                let week = super::recurrence::INDEXES
                    .iter()
                    .position(|(_, w)| Some(*w) == relative.child_text("DayOfWeekIndex"))?
                    + 1;
                let day = WEEKDAYS.iter().position(|(_, d)| Some(*d) == relative.child_text("DaysOfWeek"))?;
                let time = n.child_text("Time").and_then(|t| t.get(..8)).unwrap_or("02:00:00");
                Some(format!("M{month}.{week}.{day}/{time}"))
            };
            let to_summer = change(daylight).ok_or_else(invalid)?;
            let to_winter = change(standard).ok_or_else(invalid)?;
            posix(base + offset(standard), Some((base + offset(daylight), &to_summer, &to_winter)))
        }
        _ => posix(base, None),
    };
    Zone::by_rule(node.attr("TimeZoneName").unwrap_or("Customized Time Zone"), &rule).ok_or_else(invalid)
}

/// POSIX rule from biases in minutes, where positive is west, as on the wire.
fn posix(bias: i64, summer: Option<(i64, &str, &str)>) -> String {
    let clock = |bias: i64| {
        format!("{}{:02}:{:02}", if bias < 0 { "-" } else { "" }, bias.abs() / 60, bias.abs() % 60)
    };
    match summer {
        Some((summer, to_summer, to_winter)) => {
            format!("<S>{}<D>{},{to_summer},{to_winter}", clock(bias), clock(summer))
                .replace("<S>", "STD")
                .replace("<D>", "DST")
        }
        None => format!("STD{}", clock(bias)),
    }
}

/// Minutes of an `xs:duration` such as `-PT1H`, `PT60M` or `P0DT1H0M0.0S`.
fn minutes_of_duration(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut minutes = 0;
    let mut number = String::new();
    for c in text.strip_prefix('P')?.chars() {
        match c {
            '0'..='9' | '.' => number.push(c),
            'T' => {}
            unit => {
                let value: i64 = number.split('.').next()?.parse().ok()?;
                number.clear();
                minutes += match unit {
                    'D' => value * 1440,
                    'H' => value * 60,
                    'M' => value,
                    'S' => value / 60,
                    _ => return None,
                };
            }
        }
    }
    Some(sign * minutes)
}

/// Rules of a definition that came with periods: the last group of transitions counts.
fn read_rules(node: &Node, id: &str) -> Option<Zone> {
    let periods = node.child("Periods")?;
    let bias = |period: &str| {
        let period = periods.children.iter().find(|p| p.attr("Id") == Some(period))?;
        minutes_of_duration(period.attr("Bias")?)
    };
    let group = node.child("TransitionsGroups").and_then(|groups| groups.children.last());
    let changes: Vec<(i64, String)> = group
        .iter()
        .flat_map(|g| g.children.iter())
        .filter(|t| t.name == "RecurringDayTransition")
        .filter_map(|t| {
            let month: i64 = t.child_text("Month")?.trim().parse().ok()?;
            let day = WEEKDAYS.iter().position(|(_, d)| Some(*d) == t.child_text("DayOfWeek"))?;
            let week = match t.child_text("Occurrence")?.trim() {
                "-1" => "5",
                week => week,
            };
            let minutes = minutes_of_duration(t.child_text("TimeOffset")?)?;
            let to = bias(&t.child("To")?.text)?;
            Some((to, format!("M{month}.{week}.{day}/{}:{:02}", minutes / 60, minutes % 60)))
        })
        .collect();
    let rule = match changes.as_slice() {
        [(a, to_a), (b, to_b)] if a < b => posix(*b, Some((*a, to_a, to_b))),
        [(a, to_a), (b, to_b)] => posix(*a, Some((*b, to_b, to_a))),
        _ => posix(periods.children.first().and_then(|p| minutes_of_duration(p.attr("Bias")?))?, None),
    };
    Zone::by_rule(if id.is_empty() { "Customized Time Zone" } else { id }, &rule)
}

/// One change of the offset in a year, as a rule.
struct Change {
    to_summer: bool,
    month: i8,
    weekday: &'static str,
    /// 1 to 4, or -1 for the last.
    occurrence: i64,
    time: SignedDuration,
}

/// Standard offset in seconds, summer offset if the zone has one in that year, and the changes.
fn rules(zone: &Zone, year: i16) -> (i32, Option<i32>, Vec<Change>) {
    let start = zone.instant(date(year, 1, 1).at(0, 0, 0, 0));
    let end = zone.instant(date(year, 12, 31).at(23, 59, 59, 0));
    let mut changes = Vec::new();
    let (mut standard, mut summer) = (zone.offset(start).seconds(), None);
    let mut at = start;
    while let Some((instant, offset, dst)) = zone.next_change(at).filter(|(instant, ..)| *instant < end) {
        if dst {
            summer = Some(offset.seconds());
        } else {
            standard = offset.seconds();
        }
        // The wall clock before the change is what rules are written in.
        let before = zone.offset(instant - SignedDuration::from_secs(1)).to_datetime(instant);
        changes.push(change(before, dst));
        at = instant;
    }
    (standard, summer, changes)
}

fn change(at: DateTime, to_summer: bool) -> Change {
    let day: Date = at.date();
    let last = day.day() + 7 > day.days_in_month();
    let weekday = WEEKDAYS.iter().find(|(d, _)| *d == day.weekday()).map_or("Sunday", |(_, name)| name);
    Change {
        to_summer,
        month: day.month(),
        weekday,
        occurrence: if last { -1 } else { i64::from((day.day() - 1) / 7 + 1) },
        time: day.at(0, 0, 0, 0).duration_until(at),
    }
}

fn bias(seconds: i32) -> String {
    let sign = if seconds > 0 { "-" } else { "" };
    let minutes = seconds.abs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "PT0S".to_owned(),
        (hours, 0) => format!("{sign}PT{hours}H"),
        (0, minutes) => format!("{sign}PT{minutes}M"),
        (hours, minutes) => format!("{sign}PT{hours}H{minutes}M"),
    }
}

/// Writes a full definition under the given element name.
pub(crate) fn write_definition(xml: &mut Xml, element: &str, zone: &Zone, now: Timestamp) {
    if zone.named_only {
        xml.empty_with(element, &[("Id", &zone.id)]);
        return;
    }
    let year = civil(now, zone).year();
    let (standard, summer, changes) = rules(zone, year);
    let id = |part: &str| format!("trule:Microsoft/Registry/{}/{year}-{part}", zone.id);
    xml.open_with(element, &[("Id", &zone.id), ("Name", zone.display_name())]);
    xml.open("t:Periods");
    let period = |xml: &mut Xml, seconds: i32, name: &str| {
        xml.empty_with("t:Period", &[("Bias", &bias(seconds)), ("Name", name), ("Id", &id(name))]);
    };
    period(xml, standard, "Standard");
    if let Some(summer) = summer {
        period(xml, summer, "Daylight");
    }
    xml.close();
    xml.open("t:TransitionsGroups");
    xml.open_with("t:TransitionsGroup", &[("Id", "0")]);
    if changes.is_empty() || summer.is_none() {
        xml.open("t:Transition");
        xml.leaf_with("t:To", &[("Kind", "Period")], &id("Standard"));
        xml.close();
    } else {
        for change in &changes {
            xml.open("t:RecurringDayTransition");
            xml.leaf_with(
                "t:To",
                &[("Kind", "Period")],
                &id(if change.to_summer { "Daylight" } else { "Standard" }),
            );
            xml.leaf("t:TimeOffset", &super::time::duration(change.time));
            xml.leaf("t:Month", &change.month.to_string());
            xml.leaf("t:DayOfWeek", change.weekday);
            xml.leaf("t:Occurrence", &change.occurrence.to_string());
            xml.close();
        }
    }
    xml.close();
    xml.close();
    xml.open("t:Transitions");
    xml.open("t:Transition");
    xml.leaf_with("t:To", &[("Kind", "Group")], "0");
    xml.close();
    xml.close();
    xml.close();
}

/// Writes the `MeetingTimeZone` of Exchange 2007.
pub(crate) fn write_meeting_zone(xml: &mut Xml, zone: &Zone, now: Timestamp) {
    if zone.named_only {
        xml.empty_with("t:MeetingTimeZone", &[("TimeZoneName", &zone.id)]);
        return;
    }
    let (standard, summer, changes) = rules(zone, civil(now, zone).year());
    xml.open_with("t:MeetingTimeZone", &[("TimeZoneName", &zone.id)]);
    xml.leaf("t:BaseOffset", &bias(standard));
    let (to_winter, to_summer) =
        (changes.iter().find(|c| !c.to_summer), changes.iter().find(|c| c.to_summer));
    if let (Some(summer), Some(to_winter), Some(to_summer)) = (summer, to_winter, to_summer) {
        for (name, change, seconds) in
            [("Standard", to_winter, 0), ("Daylight", to_summer, summer - standard)]
        {
            xml.open(&format!("t:{name}"));
            xml.leaf("t:Offset", &bias(seconds));
            xml.open("t:RelativeYearlyRecurrence");
            xml.leaf("t:DaysOfWeek", change.weekday);
            xml.leaf(
                "t:DayOfWeekIndex",
                match change.occurrence {
                    1 => "First",
                    2 => "Second",
                    3 => "Third",
                    4 => "Fourth",
                    _ => "Last",
                },
            );
            let month = usize::try_from(change.month - 1).unwrap_or(0);
            xml.leaf("t:Month", super::recurrence::MONTHS.get(month).copied().unwrap_or("January"));
            xml.close();
            let minutes = change.time.as_mins();
            xml.leaf("t:Time", &format!("{:02}:{:02}:00", minutes / 60, minutes % 60));
            xml.close();
        }
    }
    xml.close();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::xml::parse;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    /// Writes a zone, renames it so that only its rules count, and reads it again.
    fn through_rules(zone: &Zone) -> Zone {
        let mut xml = Xml::default();
        write_definition(&mut xml, "StartTimeZone", zone, now());
        let text = xml.finish().replace("t:", "").replacen(&zone.id, "Customized Time Zone", 1);
        read_definition(&parse(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_definition_read_back_from_its_rules_has_the_same_offsets_this_year() {
        for id in [
            "W. Europe Standard Time",
            "Eastern Standard Time",
            "AUS Eastern Standard Time",
            "India Standard Time",
            "UTC",
        ] {
            let zone = Zone::by_windows_id(id).unwrap();
            let copy = through_rules(&zone);
            for month in 1..=12 {
                let at = date(2026, month, 11).at(12, 0, 0, 0);
                assert_eq!(zone.instant(at), copy.instant(at), "{id} in month {month}");
            }
        }
    }

    #[test]
    fn the_sign_of_a_bias_is_inverted() {
        assert_eq!(bias(3600), "-PT1H");
        assert_eq!(bias(-18000), "PT5H");
        assert_eq!(bias(19800), "-PT5H30M");
    }

    #[test]
    fn an_unknown_name_without_rules_is_refused() {
        for text in [r#"<StartTimeZone Id="Europe/Berlin"/>"#, "<StartTimeZone/>"] {
            let refusal = read_definition(&parse(text.as_bytes()).unwrap()).unwrap_err();
            assert_eq!(refusal.code, "ErrorCalendarInvalidTimeZone");
        }
        let meeting = parse(br#"<MeetingTimeZone TimeZoneName="nowhere"/>"#).unwrap();
        assert!(read_meeting_zone(&meeting).is_err());
    }

    #[test]
    fn the_zone_of_2007_reads_back_from_its_rules() {
        let zone = Zone::by_windows_id("W. Europe Standard Time").unwrap();
        let mut xml = Xml::default();
        write_meeting_zone(&mut xml, &zone, now());
        let text = xml.finish().replace("t:", "").replace("W. Europe Standard Time", "mine");
        let copy = read_meeting_zone(&parse(text.as_bytes()).unwrap()).unwrap();
        for month in 1..=12 {
            let at = date(2026, month, 11).at(12, 0, 0, 0);
            assert_eq!(zone.instant(at), copy.instant(at), "month {month}");
        }
    }
}
