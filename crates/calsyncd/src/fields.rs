//! The settings of a pairing by name, as they stand on the command line, in CSV columns and in TOML keys.
//!
//! One table for all three: [`set`] reads a word into a record, [`get`] writes it back. An empty word, or `default`,
//! leaves a setting to the defaults.

use calsync_core::ids::Side;
use calsync_core::model::Field;
use calsync_core::sync::ReadOnlyEdit;
use calsync_store::{Conflict, Direction, Lead, MailboxAccess, PairingRecord};

use crate::duration;

/// Every name, in the order of columns. The first three say what the pairing is.
pub const KEYS: &[&str] = &[
    "name",
    "unit",
    "mailbox",
    "folder",
    "access",
    "enabled",
    "interval",
    "direction",
    "conflict",
    "conflict_by_field",
    "read_only_edit",
    "deletion_wins",
    "guard_count",
    "guard_percent",
    "lead",
];

/// The name of a side for people and programs.
pub fn side_word(side: Side) -> &'static str {
    match side {
        Side::A => "nvs",
        Side::B => "exchange",
    }
}

const READ_ONLY: &[(&str, ReadOnlyEdit)] =
    &[("revert", ReadOnlyEdit::Revert), ("ignore", ReadOnlyEdit::Ignore), ("report", ReadOnlyEdit::Report)];

/// Puts the word `text` into the setting `key` (one of [`KEYS`] but the name) of a record.
///
/// # Errors
///
/// What it takes instead.
pub fn set(record: &mut PairingRecord, key: &str, text: &str) -> Result<(), String> {
    let text = text.trim();
    let given = Some(text).filter(|text| !text.is_empty() && *text != "default");
    let settings = &mut record.settings;
    match key {
        "unit" => record.unit = something(text)?,
        "mailbox" => record.mailbox = mailbox(text)?,
        "folder" => record.folder = given.map(something).transpose()?,
        "access" => {
            record.access =
                given.map_or(Ok(MailboxAccess::Rights), choose(MailboxAccess::ALL, MailboxAccess::as_str))?;
        }
        "enabled" => record.enabled = given.map_or(Ok(true), yes_no)?,
        "interval" => settings.interval_seconds = given.map(interval).transpose()?,
        "direction" => {
            settings.direction = given.map(choose(Direction::ALL, Direction::as_str)).transpose()?;
        }
        "conflict" => settings.conflict = given.map(conflict).transpose()?,
        "conflict_by_field" => {
            settings.conflict_by_field.clear();
            for part in given.unwrap_or_default().split_whitespace() {
                set_conflict_of(record, part)?;
            }
        }
        "read_only_edit" => {
            let words = |text: &str| {
                let found = READ_ONLY.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
                found.map(|(_, value)| *value).ok_or_else(|| "revert, ignore, report".to_owned())
            };
            settings.read_only_edit = given.map(words).transpose()?;
        }
        "deletion_wins" => settings.deletion_wins = given.map(yes_no).transpose()?,
        "guard_count" => {
            settings.guard_count = given.map(|text| number(text, u64::from(u32::MAX))).transpose()?;
        }
        "guard_percent" => settings.guard_percent = given.map(|text| number(text, 100)).transpose()?,
        "lead" => settings.lead = given.map(choose(Lead::ALL, Lead::as_str)).transpose()?,
        _ => return Err(KEYS.join(", ")),
    }
    Ok(())
}

/// Reads `FIELD=RULE`; `FIELD=default` takes the rule of that field away.
///
/// # Errors
///
/// What it takes instead.
pub fn set_conflict_of(record: &mut PairingRecord, text: &str) -> Result<(), String> {
    let fields = || Field::ALL.map(|field| format!("{}=...", field.name())).join(", ");
    let (field, rule) = text.split_once('=').ok_or_else(fields)?;
    let field = Field::ALL.into_iter().find(|known| known.name() == field.trim()).ok_or_else(fields)?;
    let rules = &mut record.settings.conflict_by_field;
    match rule.trim() {
        "default" => drop(rules.remove(&field)),
        rule => drop(rules.insert(field, conflict(rule)?)),
    }
    Ok(())
}

/// The word of a setting; empty where it is left to the defaults.
pub fn get(record: &PairingRecord, key: &str) -> String {
    let settings = &record.settings;
    let word = |word: Option<&str>| word.unwrap_or_default().to_owned();
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    match key {
        "name" => record.id.as_str().to_owned(),
        "unit" => record.unit.clone(),
        "mailbox" => record.mailbox.clone(),
        "folder" => word(record.folder.as_deref()),
        "access" => record.access.as_str().to_owned(),
        "enabled" => yes(record.enabled).to_owned(),
        "interval" => settings.interval().map(duration::show).unwrap_or_default(),
        "direction" => word(settings.direction.map(Direction::as_str)),
        "conflict" => word(settings.conflict.map(Conflict::as_str)),
        "conflict_by_field" => {
            let rules = settings.conflict_by_field.iter();
            rules.map(|(field, rule)| format!("{}={rule}", field.name())).collect::<Vec<_>>().join(" ")
        }
        "read_only_edit" => {
            let found = READ_ONLY.iter().find(|(_, value)| Some(*value) == settings.read_only_edit);
            word(found.map(|(word, _)| *word))
        }
        "deletion_wins" => word(settings.deletion_wins.map(yes)),
        "guard_count" => settings.guard_count.map(|count| count.to_string()).unwrap_or_default(),
        "guard_percent" => settings.guard_percent.map(|percent| percent.to_string()).unwrap_or_default(),
        "lead" => word(settings.lead.map(Lead::as_str)),
        _ => String::new(),
    }
}

/// Reads the name of a new pairing.
///
/// # Errors
///
/// What it takes instead.
pub fn pairing_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    let good =
        !text.is_empty() && text.len() <= 100 && text.chars().all(fits) && !text.starts_with(['-', '.']);
    if good { Ok(text.to_owned()) } else { Err("A-Z, a-z, 0-9, - _ . @".to_owned()) }
}

fn conflict(text: &str) -> Result<Conflict, String> {
    choose(Conflict::ALL, Conflict::as_str)(text)
}

fn choose<T: Copy + 'static>(
    all: &'static [T],
    word: impl Fn(T) -> &'static str,
) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let found = all.iter().copied().find(|value| word(*value).eq_ignore_ascii_case(text));
        found.ok_or_else(|| all.iter().map(|value| word(*value)).collect::<Vec<_>>().join(", "))
    }
}

fn yes_no(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "ja" | "1" => Ok(true),
        "no" | "false" | "nein" | "0" => Ok(false),
        _ => Err("yes, no".to_owned()),
    }
}

fn number(text: &str, most: u64) -> Result<u64, String> {
    text.parse().ok().filter(|number| *number <= most).ok_or_else(|| format!("0 ... {most}"))
}

fn interval(text: &str) -> Result<u32, String> {
    let span =
        duration::parse(text).map(|span| span.as_secs()).filter(|seconds| (1..=86_400).contains(seconds));
    span.and_then(|seconds| u32::try_from(seconds).ok())
        .ok_or_else(|| "30s, 5m, 1h (1s ... 1d), default".to_owned())
}

fn mailbox(text: &str) -> Result<String, String> {
    let parts = text.split_once('@');
    let good =
        parts.is_some_and(|(name, domain)| !name.is_empty() && domain.len() > 1 && !domain.contains('@'));
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | '#');
    if good && !text.contains(odd) { Ok(text.to_owned()) } else { Err("name@example.com".to_owned()) }
}

fn something(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_control) {
        Err("...".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_read_back_as_it_was_written() {
        let words = [
            ("folder", "AAMk="),
            ("access", "impersonation"),
            ("enabled", "no"),
            ("interval", "1m30s"),
            ("direction", "to_nvs"),
            ("conflict", "hold"),
            ("conflict_by_field", "span=nvs subject=exchange"),
            ("read_only_edit", "report"),
            ("deletion_wins", "yes"),
            ("guard_count", "7"),
            ("guard_percent", "50"),
            ("lead", "exchange"),
        ];
        let mut record = PairingRecord::new("meier", "p1", "meier@example.com");
        for (key, word) in words {
            set(&mut record, key, word).unwrap();
            assert_eq!(get(&record, key), word, "{key}");
        }
        assert_eq!(words.len() + 3, KEYS.len(), "a setting was forgotten here");
        for (key, _) in words {
            set(&mut record, key, "").unwrap();
        }
        assert_eq!(record, PairingRecord::new("meier", "p1", "meier@example.com"));
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        let mut record = PairingRecord::new("meier", "p1", "meier@example.com");
        assert_eq!(set(&mut record, "conflict", "oldest").unwrap_err(), "newer, nvs, exchange, hold");
        assert!(set(&mut record, "conflict_by_field", "color=nvs").unwrap_err().contains("subject"));
        assert!(set(&mut record, "guard_percent", "101").is_err());
        assert!(set(&mut record, "mailbox", "meier").is_err());
        assert!(
            pairing_name("a b").is_err() && pairing_name("--x").is_err() && pairing_name("Müller-1").is_ok()
        );
    }
}
