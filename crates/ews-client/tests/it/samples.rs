//! Real messages, collected by others and kept beside the project. Skipped where they are not there.

use std::fs;
use std::path::{Path, PathBuf};

use ews_client::wire::{Limits, XmlError, decode_answer};

fn folder() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ews-samples");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: there are no samples at {}", path.display());
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .chain(fs::read_dir(folder.join("not-wellformed")).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .collect();
    files.sort();
    files
}

fn is_response(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.contains("-response-") || name.contains("_response")
}

/// A text without the elements of that name: neighbours of an appointment are no items of the answer.
fn without(text: &str, name: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(&format!("{name}>")) {
        let (before, inside) = rest.split_at(begin);
        out.push_str(before);
        rest = inside.split_once(&format!("/t:{name}>")).map_or("", |(_, after)| after);
    }
    out + rest
}

/// How many calendar items a text holds, by counting tags.
fn tags(text: &str) -> usize {
    let text = without(&without(text, "ConflictingMeetings"), "AdjacentMeetings");
    text.match_indices("CalendarItem")
        .filter(|(at, name)| {
            let before = text[..*at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            let opens = match before {
                Some('<') => true,
                Some(':') => {
                    text[..*at].rfind('<').is_some_and(|open| !text[open + 1..*at].contains(['/', ' ', '>']))
                }
                _ => false,
            };
            opens && after.is_some_and(|c| matches!(c, '>' | ' ' | '/' | '\n' | '\r' | '\t'))
        })
        .count()
}

#[test]
fn every_response_with_calendar_items_gives_its_items() {
    let Some(folder) = folder() else { return };
    let (mut responses, mut with_items, mut problems) = (0, 0, Vec::new());
    for path in files(&folder).into_iter().filter(|path| is_response(path)) {
        responses += 1;
        let bytes = fs::read(&path).unwrap();
        let expected = tags(&String::from_utf8_lossy(&bytes));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match decode_answer(&bytes, &Limits::default()) {
            Ok(answer) => {
                let found = answer.to_json().iter().filter(|line| line["element"] == "CalendarItem").count();
                if found != expected {
                    problems.push(format!("{name}: {found} of {expected} items"));
                }
                with_items += usize::from(found > 0);
            }
            Err(error) if expected > 0 => problems.push(format!("{name}: {error}")),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    println!("{responses} responses, {with_items} with calendar items");
    assert!(responses > 200 && with_items > 20, "{responses} responses, {with_items} with items");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn requests_are_told_apart_from_answers() {
    let Some(folder) = folder() else { return };
    for path in files(&folder).into_iter().filter(|path| path.to_string_lossy().contains("-request-")) {
        let bytes = fs::read(&path).unwrap();
        let result = decode_answer(&bytes, &Limits::default());
        if let Ok(answer) = &result {
            assert!(answer.operation.ends_with("Response"), "{}: {}", path.display(), answer.operation);
        }
        assert!(!matches!(result, Err(XmlError::DocumentType)), "{}", path.display());
    }
}
