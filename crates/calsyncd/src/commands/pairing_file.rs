//! Pairings as a CSV table or a TOML file.
//!
//! Both have the names of [`fields`]. Reading checks everything against what is stored before anything is
//! changed; columns that are missing leave what is stored alone. CSV is read with `,` or `;` (what spreadsheets write in
//! German), quoted or not, with or without a byte order mark.

use std::collections::{BTreeMap, BTreeSet};

use calsync_store::PairingRecord;
use toml::de::{DeTable, DeValue};

use crate::cli::FileFormat;
use crate::config::nearest;
use crate::fields::{self, KEYS};
use crate::texts::{Message, PairingText as T};

/// More bytes than tens of thousands of pairings have.
pub(super) const LARGEST: usize = 16 << 20;

/// What an import does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) add: Vec<PairingRecord>,
    pub(super) update: Vec<PairingRecord>,
    pub(super) same: usize,
}

/// One pairing of a file: words by name, and the line where it stands.
struct Entry {
    line: usize,
    words: BTreeMap<String, String>,
}

/// Understands a file; all that is wrong with it, or all that it changes.
pub(super) fn read(
    bytes: &[u8],
    format: FileFormat,
    stored: &[PairingRecord],
    blank: impl Fn(&str) -> PairingRecord,
) -> Result<Changes, Vec<Message>> {
    if bytes.len() > LARGEST {
        return Err(vec![Message::new(T::ImportTooLarge)]);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| vec![Message::new(T::ImportNotText)])?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut mistakes = Vec::new();
    let entries = match format {
        FileFormat::Csv => csv_entries(text, &mut mistakes),
        FileFormat::Toml => toml_entries(text, &mut mistakes),
    };
    if entries.is_empty() && mistakes.is_empty() {
        mistakes.push(Message::new(T::ImportEmpty));
    }
    let mut changes = Changes::default();
    let mut names = BTreeSet::new();
    for entry in &entries {
        match record_of(entry, stored, &blank) {
            Ok(record) if !names.insert(record.id.clone()) => {
                mistakes.push(at_line(entry.line, Message::new(T::ImportTwice).with("name", &record.id)));
            }
            Ok(record) => match stored.iter().find(|known| known.id == record.id) {
                Some(known) if *known == record => changes.same += 1,
                Some(_) => changes.update.push(record),
                None => changes.add.push(record),
            },
            Err(mistake) => mistakes.push(at_line(entry.line, mistake)),
        }
    }
    mistakes.extend(collisions(&changes, stored));
    if mistakes.is_empty() { Ok(changes) } else { Err(mistakes) }
}

fn at_line(line: usize, what: Message) -> Message {
    Message::new(T::ImportLine).with("line", line).with_message("what", what)
}

fn record_of(
    entry: &Entry,
    stored: &[PairingRecord],
    blank: impl Fn(&str) -> PairingRecord,
) -> Result<PairingRecord, Message> {
    let missing = |key| Message::new(T::ImportColumnMissing).with("key", key);
    let wrong = |key: &str, value: &str, wanted: String| {
        Message::new(T::ImportValue).with("key", key).with("value", value).with("wanted", wanted)
    };
    let name = entry.words.get("name").ok_or_else(|| missing("name"))?;
    let name = fields::pairing_name(name.trim()).map_err(|wanted| wrong("name", name, wanted))?;
    let known = stored.iter().find(|record| record.id.as_str() == name);
    let mut record = known.cloned().unwrap_or_else(|| blank(&name));
    for key in KEYS.iter().filter(|key| **key != "name") {
        match entry.words.get(*key) {
            Some(word) if *key == "access" && word.trim().is_empty() => {}
            Some(word) => fields::set(&mut record, key, word).map_err(|wanted| wrong(key, word, wanted))?,
            None => {}
        }
    }
    for (key, value) in [("unit", &record.unit), ("mailbox", &record.mailbox)] {
        if value.is_empty() {
            return Err(missing(key));
        }
    }
    if let Some(known) = known {
        let same = known.unit == record.unit
            && known.mailbox.to_lowercase() == record.mailbox.to_lowercase()
            && known.folder == record.folder;
        if !same {
            return Err(Message::new(T::OtherCalendar).with("name", name));
        }
    }
    Ok(record)
}

/// Units and calendars that would be in two pairings. The store refuses them too, but one by one.
fn collisions(changes: &Changes, stored: &[PairingRecord]) -> Vec<Message> {
    let mut mistakes = Vec::new();
    let mut units: BTreeMap<String, String> = BTreeMap::new();
    let mut calendars: BTreeMap<(String, String), String> = BTreeMap::new();
    for record in stored.iter().chain(&changes.add) {
        let name = record.id.as_str().to_owned();
        if let Some(other) = units.insert(record.unit.clone(), name.clone()) {
            mistakes.push(Message::new(T::UnitTaken).with("unit", &record.unit).with("other", other));
        }
        let calendar = (record.mailbox.to_lowercase(), record.folder.clone().unwrap_or_default());
        if let Some(other) = calendars.insert(calendar, name) {
            mistakes
                .push(Message::new(T::CalendarTaken).with("mailbox", &record.mailbox).with("other", other));
        }
    }
    mistakes
}

fn unknown_key(key: &str) -> Message {
    match nearest(key, KEYS.iter().copied()) {
        Some(near) => Message::new(T::ImportColumnNear).with("key", key).with("near", near),
        None => Message::new(T::ImportColumnUnknown).with("key", key).with("known", KEYS.join(", ")),
    }
}

fn csv_entries(text: &str, mistakes: &mut Vec<Message>) -> Vec<Entry> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let separator = if first.contains(';') && !first.contains(',') { ';' } else { ',' };
    let rows = match csv_rows(text, separator) {
        Ok(rows) => rows,
        Err(line) => {
            mistakes.push(at_line(line, Message::new(T::ImportQuote)));
            return Vec::new();
        }
    };
    let mut rows = rows.into_iter().filter(|(_, cells)| cells.iter().any(|cell| !cell.trim().is_empty()));
    let Some((head_line, head)) = rows.next() else { return Vec::new() };
    let head: Vec<String> = head.into_iter().map(|cell| cell.trim().to_lowercase()).collect();
    for key in &head {
        if !KEYS.contains(&key.as_str()) {
            mistakes.push(at_line(head_line, unknown_key(key)));
        }
    }
    if !head.iter().any(|key| key == "name") {
        mistakes.push(at_line(head_line, Message::new(T::ImportColumnMissing).with("key", "name")));
        return Vec::new();
    }
    let mut entries = Vec::new();
    for (line, cells) in rows {
        if cells.len() == head.len() {
            entries.push(Entry { line, words: head.iter().cloned().zip(cells).collect() });
        } else {
            let message = Message::new(T::ImportCells).with("found", cells.len()).with("wanted", head.len());
            mistakes.push(at_line(line, message));
        }
    }
    entries
}

/// Rows with the line in which each begins; the line of a quotation mark that is not closed.
fn csv_rows(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>)>, usize> {
    let mut rows = Vec::new();
    let mut chars = text.chars().peekable();
    let (mut line, mut row_line) = (1, 1);
    let mut row = Vec::new();
    let mut cell = String::new();
    let mut quoted_at = None;
    while let Some(c) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        match (c, quoted_at) {
            ('"', Some(_)) if chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            ('"', Some(_)) => quoted_at = None,
            ('"', None) if cell.trim().is_empty() => {
                cell.clear();
                quoted_at = Some(line);
            }
            (c, None) if c == separator => row.push(std::mem::take(&mut cell)),
            ('\r', None) => {}
            ('\n', None) => {
                row.push(std::mem::take(&mut cell));
                rows.push((row_line, std::mem::take(&mut row)));
                row_line = line;
            }
            (c, _) => cell.push(c),
        }
    }
    if let Some(line) = quoted_at {
        return Err(line);
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push((row_line, row));
    }
    Ok(rows)
}

fn toml_entries(text: &str, mistakes: &mut Vec<Message>) -> Vec<Entry> {
    let line_of = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let what = Message::new(crate::texts::ConfigText::Syntax).with("why", error.message());
            mistakes.push(at_line(error.span().map_or(1, |span| line_of(span.start)), what));
            return Vec::new();
        }
    };
    let mut entries = Vec::new();
    for (key, value) in table.get_ref() {
        let line = line_of(key.span().start);
        let DeValue::Array(list) = value.get_ref() else {
            let what =
                Message::new(T::ImportColumnUnknown).with("key", key.get_ref()).with("known", "[[pairing]]");
            mistakes.push(at_line(line, what));
            continue;
        };
        if key.get_ref() != "pairing" {
            let what =
                Message::new(T::ImportColumnUnknown).with("key", key.get_ref()).with("known", "[[pairing]]");
            mistakes.push(at_line(line, what));
            continue;
        }
        for one in list {
            let DeValue::Table(pairing) = one.get_ref() else { continue };
            let mut entry = Entry { line: line_of(one.span().start), words: BTreeMap::new() };
            for (key, value) in pairing {
                let name = key.get_ref().as_ref();
                if !KEYS.contains(&name) {
                    mistakes.push(at_line(line_of(key.span().start), unknown_key(name)));
                    continue;
                }
                let word = match value.get_ref() {
                    DeValue::String(text) => text.to_string(),
                    DeValue::Integer(number) => number.as_str().to_owned(),
                    DeValue::Boolean(yes) => if *yes { "yes" } else { "no" }.to_owned(),
                    _ => "?".to_owned(),
                };
                entry.words.insert(name.to_owned(), word);
            }
            entries.push(entry);
        }
    }
    entries
}

/// A table with all columns.
pub(super) fn to_csv(records: &[PairingRecord]) -> String {
    let mut out = KEYS.join(",") + "\n";
    for record in records {
        let cells: Vec<String> = KEYS.iter().map(|key| csv_cell(&fields::get(record, key))).collect();
        out.push_str(&(cells.join(",") + "\n"));
    }
    out
}

fn csv_cell(text: &str) -> String {
    if text.contains([',', ';', '"', '\n', '\r']) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// One `[[pairing]]` each, with what is set.
pub(super) fn to_toml(records: &[PairingRecord]) -> String {
    let blocks = records.iter().map(|record| {
        let lines = KEYS.iter().filter_map(|key| {
            let word = fields::get(record, key);
            (!word.is_empty()).then(|| format!("{key} = {}\n", toml::Value::String(word)))
        });
        format!("[[pairing]]\n{}", lines.collect::<String>())
    });
    blocks.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Lang;

    fn record(name: &str) -> PairingRecord {
        let mut record = PairingRecord::new(name, format!("u-{name}"), format!("{name}@example.com"));
        fields::set(&mut record, "conflict_by_field", "span=nvs notes=hold").unwrap();
        fields::set(&mut record, "interval", "90s").unwrap();
        record
    }

    fn import(text: &str, format: FileFormat, stored: &[PairingRecord]) -> Result<Changes, String> {
        read(text.as_bytes(), format, stored, |name| PairingRecord::new(name, "", "")).map_err(|mistakes| {
            mistakes.iter().map(|one| one.to_text(Lang::En)).collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn a_file_of_the_largest_size_is_read_and_a_larger_one_is_not() {
        let mistakes = |length| import(&"\n".repeat(length), FileFormat::Toml, &[]).unwrap_err();
        assert!(!mistakes(LARGEST).contains("16 MiB"));
        assert!(mistakes(LARGEST + 1).contains("16 MiB"));
    }

    #[test]
    fn what_was_exported_is_imported_again() {
        let mut odd = record("odd");
        odd.unit = "a \"b\", c; d".to_owned();
        odd.enabled = false;
        let records = vec![record("meier"), odd];
        for (text, format) in [(to_csv(&records), FileFormat::Csv), (to_toml(&records), FileFormat::Toml)] {
            let changes = import(&text, format, &[]).unwrap();
            assert_eq!(changes.add, records, "{text}");
            let again = import(&text, format, &records).unwrap();
            assert_eq!(again, Changes { same: 2, ..Changes::default() });
        }
    }

    #[test]
    fn a_table_from_a_german_spreadsheet_is_understood() {
        let text =
            "\u{feff}Name;Unit;Mailbox\r\nmeier;p1;meier@example.com\r\n\r\nvan;f1;\"van@example.com\"\r\n";
        let changes = import(text, FileFormat::Csv, &[]).unwrap();
        assert_eq!(changes.add.len(), 2);
        assert_eq!(changes.add[1].mailbox, "van@example.com");
    }

    #[test]
    fn columns_that_are_missing_leave_what_is_stored() {
        let stored = [record("meier")];
        let changes = import("name,enabled\nmeier,no\n", FileFormat::Csv, &stored).unwrap();
        assert_eq!(changes.update, vec![PairingRecord { enabled: false, ..record("meier") }]);
    }

    #[test]
    fn all_mistakes_are_told_with_their_lines_and_nothing_is_changed() {
        let text = "name,unit,mailbx\na,p1,x\n";
        assert!(
            import(text, FileFormat::Csv, &[])
                .unwrap_err()
                .contains("line 1: unknown column or key \"mailbx\", did you mean \"mailbox\"")
        );
        let text = "name,unit,mailbox,conflict\na,p1,a@x.de,oldest\nb,p1,b@x.de,\nb,p2,c@x.de,\nc,p3\n";
        let told = import(text, FileFormat::Csv, &[]).unwrap_err();
        for part in [
            "line 2: \"conflict\" does not take \"oldest\"",
            "line 4: the pairing \"b\" is in it twice",
            "line 5: this line has 2 fields instead of 4",
        ] {
            assert!(told.contains(part), "{part} is missing in\n{told}");
        }
        let told = import("name,unit,mailbox\na,p1,a@x.de\nb,p1,A@X.de\n", FileFormat::Csv, &[]).unwrap_err();
        assert!(told.contains("unit p1 is in") && told.contains("calendar of A@X.de is in"), "{told}");
        let told =
            import("name,unit,mailbox\nmeier,other,meier@example.com\n", FileFormat::Csv, &[record("meier")])
                .unwrap_err();
        assert!(told.contains("add it anew"), "{told}");
        assert!(import("a,\"b\n", FileFormat::Csv, &[]).unwrap_err().contains("line 1: a quotation mark"));
        assert!(import("", FileFormat::Csv, &[]).unwrap_err().contains("no pairing"));
    }
}
