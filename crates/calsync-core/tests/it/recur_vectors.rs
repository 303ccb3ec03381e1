//! Expansion and conversion to UTC against what independent implementations agree on.

use std::fs;
use std::path::{Path, PathBuf};

use calsync_core::recur::{Rule, SeriesTimes, expand};
use calsync_core::zone::Zone;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    id: String,
    dtstart: String,
    tzid: Option<Zone>,
    all_day: bool,
    rrule: Rule,
    exdates: Vec<String>,
    rdates: Vec<String>,
    window: (String, String),
    expected: Vec<String>,
    #[serde(default)]
    expected_utc: Vec<String>,
}

fn read(text: &str) -> NaiveDateTime {
    match NaiveDate::parse_from_str(text, "%Y%m%d") {
        Ok(date) => date.and_time(NaiveTime::MIN),
        Err(_) => NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").unwrap(),
    }
}

fn read_all(list: &[String]) -> Vec<NaiveDateTime> {
    list.iter().map(|text| read(text)).collect()
}

/// Checks all vectors of a folder and returns how many there were.
fn check(folder: &Path) -> usize {
    let mut count = 0;
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    for file in files {
        for line in fs::read_to_string(&file).unwrap().lines() {
            let vector: Vector = serde_json::from_str(line).unwrap();
            let (rdates, exdates) = (read_all(&vector.rdates), read_all(&vector.exdates));
            let series = SeriesTimes {
                start: read(&vector.dtstart),
                all_day: vector.all_day,
                zone: vector.tzid.as_ref(),
                rule: Some(&vector.rrule),
                rdates: &rdates,
                exdates: &exdates,
            };
            let expansion = expand(series, read(&vector.window.0)..read(&vector.window.1), usize::MAX);
            assert_eq!(expansion.starts, read_all(&vector.expected), "{} {}", vector.id, vector.rrule);
            assert!(!expansion.truncated, "{}", vector.id);
            if let Some(zone) = &vector.tzid {
                for (start, utc) in expansion.starts.iter().zip(&vector.expected_utc) {
                    let ours = zone.to_utc(*start).format("%Y%m%dT%H%M%SZ").to_string();
                    assert_eq!(ours, *utc, "{} {start} {zone}", vector.id);
                }
            }
            let again: Rule = vector.rrule.to_string().parse().unwrap();
            assert_eq!(again, vector.rrule, "{}", vector.id);
            count += 1;
        }
    }
    count
}

#[test]
fn expansion_agrees_with_independent_implementations() {
    let count = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recurrence"));
    assert!(count > 1000, "only {count} vectors");
}

#[test]
fn expansion_agrees_on_the_whole_set_where_it_is_at_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recurrence");
    if folder.is_dir() {
        let count = check(&folder);
        assert!(count > 1000, "only {count} vectors");
    } else {
        eprintln!("skipped: no {}", folder.display());
    }
}
