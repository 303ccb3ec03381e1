//! Recurrence vectors, put in as Exchange patterns and read back through a calendar view.
//!
//! The vectors are occurrence lists that independent programs agree upon; they lie with `calsync-core`.

use std::fmt::Write as _;

use calsync_testkit::people::Calendars as _;
use chrono::{Days, NaiveDate, NaiveDateTime};
use serde_json::Value;

use super::{ANNA, Desk};

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn local(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S")
        .unwrap_or_else(|_| NaiveDate::parse_from_str(text, "%Y%m%d").unwrap().into())
}

/// The native form as elements, in schema order.
fn recurrence(native: &Value) -> String {
    let mut out = String::new();
    let parts: [(&str, &[&str]); 2] = [
        ("pattern", &["Interval", "DaysOfWeek", "FirstDayOfWeek", "DayOfWeekIndex", "DayOfMonth", "Month"]),
        ("range", &["StartDate", "EndDate", "NumberOfOccurrences"]),
    ];
    for (part, keys) in parts {
        let part = &native[part];
        let kind = text(part, "type");
        write!(out, "<t:{kind}>").unwrap();
        for key in keys {
            let value = match &part[*key] {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Array(all) => all.iter().map(|v| v.as_str().unwrap()).collect::<Vec<_>>().join(" "),
                number => number.to_string(),
            };
            write!(out, "<t:{key}>{value}</t:{key}>").unwrap();
        }
        write!(out, "</t:{kind}>").unwrap();
    }
    out
}

/// Starts in the form of the vectors, read in windows of less than two years.
fn read_back(desk: &Desk, vector: &Value, all_day: bool) -> Vec<String> {
    let bound = |n: usize| local(vector["window"][n].as_str().unwrap()).date();
    let (mut from, to) = (bound(0) - Days::new(1), bound(1) + Days::new(1));
    let mut starts = Vec::new();
    while from < to {
        let next = (from + Days::new(700)).min(to);
        let seen = desk.ask(&format!(
            r#"<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="calendar:Start"/></t:AdditionalProperties></m:ItemShape><m:CalendarView StartDate="{from}T00:00:00Z" EndDate="{next}T00:00:00Z"/><m:ParentFolderIds>{}</m:ParentFolderIds></m:FindItem>"#,
            super::CALENDAR
        ));
        starts.extend(seen.texts("t:Start"));
        from = next;
    }
    starts.sort();
    starts.dedup();
    let form = |start: String| {
        let plain: String = start.chars().filter(|c| !matches!(c, '-' | ':')).collect();
        if all_day { plain[..8].to_owned() } else { plain }
    };
    starts.into_iter().map(form).collect()
}

/// A first start that the zone's clocks skip: possible in iCalendar, but not on a server that stores instants.
fn starts_in_gap(vector: &Value) -> bool {
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(text(vector, "tzid")).unwrap();
    let start = local(text(vector, "dtstart")).format("%Y-%m-%dT%H:%M:%S").to_string();
    matches!(
        zone.to_ambiguous_timestamp(start.parse().unwrap()).offset(),
        jiff::tz::AmbiguousOffset::Gap { .. }
    )
}

fn run(file: &str) -> usize {
    let path = format!("{}/../calsync-core/tests/data/recurrence/{file}", env!("CARGO_MANIFEST_DIR"));
    let vectors = std::fs::read_to_string(path).unwrap();
    let mut checked = 0;
    for line in vectors.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let native = &vector["native"];
        let all_day = vector["all_day"] == Value::Bool(true);
        if native.is_null() || (native["StartTimeZone"].is_null() && !all_day) {
            continue;
        }
        if !all_day && starts_in_gap(&vector) {
            continue;
        }
        let desk = Desk::new();
        // Whole days in UTC: the view then gives the dates as they are.
        let zone = if all_day { "UTC" } else { text(native, "StartTimeZone") };
        let start = local(&text(native, "Start").replace(['-', ':'], ""));
        let end = if all_day { start + Days::new(1) } else { start + chrono::TimeDelta::minutes(15) };
        let seen = desk.create(&format!(
            r#"<t:Start>{}</t:Start><t:End>{}</t:End><t:IsAllDayEvent>{all_day}</t:IsAllDayEvent><t:Recurrence>{}</t:Recurrence><t:StartTimeZone Id="{zone}"/>"#,
            start.format("%Y-%m-%dT%H:%M:%S"),
            end.format("%Y-%m-%dT%H:%M:%S"),
            recurrence(native)
        ));
        assert_eq!(seen.codes(), ["NoError"], "{line}");
        let (id, _) = seen.id();
        for exdate in vector["exdates"].as_array().unwrap() {
            assert!(desk.mock.delete_occurrence(ANNA, &id, local(exdate.as_str().unwrap())), "{line}");
        }
        let wanted = if all_day { &vector["expected"] } else { &vector["expected_utc"] };
        let wanted: Vec<&str> = wanted.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        let mut got = read_back(&desk, &vector, all_day);
        // The view reaches a day further on both sides.
        got.retain(|start| wanted.contains(&start.as_str()) || inside(&vector, start, all_day));
        assert_eq!(got, wanted, "{line}");
        checked += 1;
    }
    checked
}

/// Whether a start lies so far inside the window that the zone cannot matter.
fn inside(vector: &Value, start: &str, all_day: bool) -> bool {
    let bound = |n: usize| local(vector["window"][n].as_str().unwrap()).date();
    let day = local(start.trim_end_matches('Z')).date();
    if all_day { day >= bound(0) && day < bound(1) } else { day > bound(0) && day + Days::new(1) < bound(1) }
}

#[test]
fn exchange_patterns_give_the_dates_that_others_give() {
    let checked = run("exchange.jsonl");
    assert!(checked > 300, "{checked}");
}

#[test]
fn strange_zones_do_not_change_that() {
    let checked = run("exchange_dst_extra.jsonl");
    assert!(checked > 100, "{checked}");
}
