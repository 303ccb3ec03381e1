//! The settings of a pairing by name, as they stand on the command line, in CSV columns and in TOML keys.
//!
//! One table for all three: [`set`] reads a word into a record, [`get`] writes it back. An empty word, or `default`,
//! leaves a setting to the defaults. Lists stand between semicolons; `none` is an empty one.

mod outward;

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::Side;
use calsync_core::model::Field;
use calsync_core::sync::{AttachmentPolicy, ChangeGuard, Leaving, ReadOnlyEdit};
use calsync_store::{Conflict, Days, Direction, Invitations, Lead, MailboxAccess, PairingRecord, UnfitRules};
use ews_client::CategoryColour;

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
    "change_guard",
    "protected_types",
    "lead",
    "past_days",
    "future_days",
    "leaving",
    "type_names",
    "attachments",
    "unfit_rules",
    "invitations",
    "category_colours",
    "to_exchange_only_types",
    "to_exchange_except_types",
    "to_exchange_except_busy",
    "to_exchange_all_day",
    "to_exchange_only_subjects",
    "to_exchange_except_subjects",
    "to_exchange_private",
    "to_exchange_mask",
    "to_exchange_subject",
    "to_exchange_unanswered",
    "to_exchange_tentative",
    "to_exchange_declined",
    "to_exchange_cancelled",
    "to_exchange_plain_notes",
    "to_nvs_only_types",
    "to_nvs_except_types",
    "to_nvs_except_busy",
    "to_nvs_all_day",
    "to_nvs_only_subjects",
    "to_nvs_except_subjects",
    "to_nvs_private",
    "to_nvs_mask",
    "to_nvs_subject",
    "to_nvs_unanswered",
    "to_nvs_tentative",
    "to_nvs_declined",
    "to_nvs_cancelled",
    "to_nvs_plain_notes",
];

/// What can stand in the defaults for all pairings: everything but what a pairing is.
pub fn default_keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().copied().skip_while(|key| *key != "direction")
}

/// The words of a setting with their values.
type Words<T> = &'static [(&'static str, T)];

/// The name of a side for people and programs.
pub fn side_word(side: Side) -> &'static str {
    match side {
        Side::A => "nvs",
        Side::B => "exchange",
    }
}

const READ_ONLY: Words<ReadOnlyEdit> =
    &[("revert", ReadOnlyEdit::Revert), ("ignore", ReadOnlyEdit::Ignore), ("report", ReadOnlyEdit::Report)];

const LEAVING: Words<Leaving> =
    &[("keep", Leaving::Keep), ("delete", Leaving::Delete), ("hold", Leaving::Hold)];

const CHANGE_GUARD: Words<ChangeGuard> =
    &[("off", ChangeGuard::Off), ("shifts", ChangeGuard::Shifts), ("any", ChangeGuard::Any)];

/// The furthest end of the window in days.
const FURTHEST: u64 = 36_500;

/// The largest file in MiB: what servers take at most.
const LARGEST_FILE: u64 = 1024;

const MIB: u64 = 1 << 20;

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
        "read_only_edit" => settings.read_only_edit = given.map(one_of(READ_ONLY)).transpose()?,
        "deletion_wins" => settings.deletion_wins = given.map(yes_no).transpose()?,
        "guard_count" => {
            settings.guard_count = given.map(|text| number(text, u64::from(u32::MAX))).transpose()?;
        }
        "guard_percent" => settings.guard_percent = given.map(|text| number(text, 100)).transpose()?,
        "change_guard" => settings.change_guard = given.map(one_of(CHANGE_GUARD)).transpose()?,
        "protected_types" => settings.protected_types = given.map(types).transpose()?,
        "lead" => settings.lead = given.map(choose(Lead::ALL, Lead::as_str)).transpose()?,
        "past_days" => settings.past_days = given.map(days).transpose()?,
        "future_days" => settings.future_days = given.map(days).transpose()?,
        "leaving" => settings.leaving = given.map(one_of(LEAVING)).transpose()?,
        "type_names" => settings.type_names = given.map(type_names).transpose()?,
        "attachments" => settings.attachments = given.map(attachments).transpose()?,
        "unfit_rules" => {
            settings.unfit_rules = given.map(choose(UnfitRules::ALL, UnfitRules::as_str)).transpose()?;
        }
        "category_colours" => settings.category_colours = given.map(category_colours).transpose()?,
        "invitations" => {
            settings.invitations = given.map(choose(Invitations::ALL, Invitations::as_str)).transpose()?;
        }
        _ => {
            let done = match (key.strip_prefix("to_exchange_"), key.strip_prefix("to_nvs_")) {
                (Some(rule), _) => outward::set(&mut settings.to_exchange, rule, given),
                (None, Some(rule)) => outward::set(&mut settings.to_nvs, rule, given),
                (None, None) => None,
            };
            done.unwrap_or_else(|| Err(KEYS.join(", ")))?;
        }
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
    match key {
        "name" => record.id.as_str().to_owned(),
        "unit" => record.unit.clone(),
        "mailbox" => record.mailbox.clone(),
        "folder" => word(record.folder.as_deref()),
        "access" => record.access.as_str().to_owned(),
        "enabled" => yes_word(record.enabled),
        "interval" => settings.interval().map(duration::show).unwrap_or_default(),
        "direction" => word(settings.direction.map(Direction::as_str)),
        "conflict" => word(settings.conflict.map(Conflict::as_str)),
        "conflict_by_field" => {
            let rules = settings.conflict_by_field.iter();
            rules.map(|(field, rule)| format!("{}={rule}", field.name())).collect::<Vec<_>>().join(" ")
        }
        "read_only_edit" => word_of(READ_ONLY, settings.read_only_edit),
        "deletion_wins" => settings.deletion_wins.map(yes_word).unwrap_or_default(),
        "guard_count" => settings.guard_count.map(|count| count.to_string()).unwrap_or_default(),
        "guard_percent" => settings.guard_percent.map(|percent| percent.to_string()).unwrap_or_default(),
        "change_guard" => word_of(CHANGE_GUARD, settings.change_guard),
        "protected_types" => {
            settings.protected_types.as_ref().map(|types| list_word(types.iter())).unwrap_or_default()
        }
        "lead" => word(settings.lead.map(Lead::as_str)),
        "past_days" => settings.past_days.map(days_word).unwrap_or_default(),
        "future_days" => settings.future_days.map(days_word).unwrap_or_default(),
        "leaving" => word_of(LEAVING, settings.leaving),
        "type_names" => pairs_word(settings.type_names.as_ref()),
        "category_colours" => pairs_word(settings.category_colours.as_ref()),
        "attachments" => settings.attachments.map(attachments_word).unwrap_or_default(),
        "invitations" => word(settings.invitations.map(Invitations::as_str)),
        "unfit_rules" => word(settings.unfit_rules.map(UnfitRules::as_str)),
        _ => match (key.strip_prefix("to_exchange_"), key.strip_prefix("to_nvs_")) {
            (Some(rule), _) => outward::get(&settings.to_exchange, rule),
            (None, Some(rule)) => outward::get(&settings.to_nvs, rule),
            (None, None) => String::new(),
        },
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

fn one_of<T: Copy>(words: Words<T>) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "))
    }
}

fn word_of<T: Copy + PartialEq>(words: Words<T>, value: Option<T>) -> String {
    let found = words.iter().find(|(_, known)| Some(*known) == value);
    found.map(|(word, _)| (*word).to_owned()).unwrap_or_default()
}

/// The entries of a list; an empty one is the word `none`.
fn list(text: &str) -> Vec<&str> {
    let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
    if text == NONE { Vec::new() } else { entries.collect() }
}

fn list_word(entries: impl Iterator<Item = impl AsRef<str>>) -> String {
    let entries: Vec<String> = entries.map(|entry| entry.as_ref().to_owned()).collect();
    if entries.is_empty() { NONE.to_owned() } else { entries.join("; ") }
}

/// A list without entries.
const NONE: &str = "none";

fn days(text: &str) -> Result<Days, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Days::All);
    }
    let days = number(text, FURTHEST).ok().and_then(|days| u32::try_from(days).ok());
    days.map(Days::Within).ok_or_else(|| format!("0 ... {FURTHEST}, all"))
}

fn days_word(days: Days) -> String {
    match days {
        Days::All => "all".to_owned(),
        Days::Within(days) => days.to_string(),
    }
}

/// Entries `NAME=VALUE`.
fn pairs(text: &str, wanted: impl Fn() -> String) -> Result<BTreeMap<String, String>, String> {
    let mut pairs = BTreeMap::new();
    for entry in list(text) {
        let (name, value) = entry.split_once('=').ok_or_else(&wanted)?;
        let (name, value) = (name.trim(), value.trim());
        let is_new = pairs.insert(name.to_owned(), value.to_owned()).is_none();
        if name.is_empty() || value.is_empty() || !is_new {
            return Err(wanted());
        }
    }
    Ok(pairs)
}

fn pairs_word(pairs: Option<&BTreeMap<String, String>>) -> String {
    let pairs = pairs.map(|pairs| pairs.iter().map(|(name, value)| format!("{name}={value}")));
    pairs.map(list_word).unwrap_or_default()
}

fn types(text: &str) -> Result<BTreeSet<String>, String> {
    let types: BTreeSet<String> = list(text).into_iter().map(str::to_owned).collect();
    let fits = |name: &String| name.chars().count() <= 255 && !name.contains(char::is_control);
    if types.iter().all(fits) { Ok(types) } else { Err("TYPE; TYPE (1 ... 255), none".to_owned()) }
}

fn type_names(text: &str) -> Result<BTreeMap<String, String>, String> {
    pairs(text, || "TYPE=CATEGORY; TYPE=CATEGORY, none".to_owned())
}

fn category_colours(text: &str) -> Result<BTreeMap<String, String>, String> {
    let wanted = || {
        let names: Vec<String> = CategoryColour::all().map(|colour| colour.to_string()).collect();
        format!("CATEGORY=COLOUR; CATEGORY=COLOUR (none, {}), none", names.join(", "))
    };
    let colours = pairs(text, wanted)?;
    let known = colours.values().all(|colour| colour.parse::<CategoryColour>().is_ok());
    if known { Ok(colours) } else { Err(wanted()) }
}

fn attachments(text: &str) -> Result<AttachmentPolicy, String> {
    if text.eq_ignore_ascii_case("skip") {
        return Ok(AttachmentPolicy::Skip);
    }
    let size = text.to_ascii_lowercase();
    let size = size.strip_suffix("mib").or(size.strip_suffix("mb")).unwrap_or(&size).trim();
    let size = number(size, LARGEST_FILE).ok().filter(|size| *size > 0);
    size.map(|size| AttachmentPolicy::Carry { max_bytes: size * MIB })
        .ok_or_else(|| format!("1mib ... {LARGEST_FILE}mib, skip"))
}

fn attachments_word(policy: AttachmentPolicy) -> String {
    match policy {
        AttachmentPolicy::Carry { max_bytes } => format!("{}mib", max_bytes.div_ceil(MIB)),
        AttachmentPolicy::Skip => "skip".to_owned(),
    }
}

fn yes_word(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
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
            ("change_guard", "any"),
            ("protected_types", "Krank; Urlaub"),
            ("lead", "exchange"),
            ("past_days", "30"),
            ("future_days", "all"),
            ("leaving", "hold"),
            ("type_names", "Einsatz=Job; Urlaub=Out"),
            ("attachments", "25mib"),
            ("unfit_rules", "expand"),
            ("invitations", "changes"),
            ("category_colours", "Job=dark_red; Out=none"),
            ("to_exchange_only_types", "Einsatz; Urlaub"),
            ("to_exchange_except_types", "none"),
            ("to_exchange_except_busy", "free; working_elsewhere"),
            ("to_exchange_all_day", "without"),
            ("to_exchange_only_subjects", "A*; ?b"),
            ("to_exchange_except_subjects", "*intern*"),
            ("to_exchange_private", "mask"),
            ("to_exchange_mask", "Privater Termin"),
            ("to_exchange_subject", "[{type}] {customer}, {place}"),
            ("to_exchange_unanswered", "show"),
            ("to_exchange_tentative", "free"),
            ("to_exchange_declined", "skip"),
            ("to_exchange_cancelled", "skip"),
            ("to_exchange_plain_notes", "no"),
            ("to_nvs_only_types", "none"),
            ("to_nvs_except_types", "Privat"),
            ("to_nvs_except_busy", "tentative"),
            ("to_nvs_all_day", "only"),
            ("to_nvs_only_subjects", "none"),
            ("to_nvs_except_subjects", "x"),
            ("to_nvs_private", "skip"),
            ("to_nvs_mask", "Belegt"),
            ("to_nvs_subject", "{subject} ({ort})"),
            ("to_nvs_unanswered", "free"),
            ("to_nvs_tentative", "show"),
            ("to_nvs_declined", "free"),
            ("to_nvs_cancelled", "show"),
            ("to_nvs_plain_notes", "yes"),
        ];
        let mut record = PairingRecord::new("meier", "p1", "meier@example.com");
        for (key, word) in words {
            set(&mut record, key, word).unwrap();
            assert_eq!(get(&record, key), word, "{key}");
        }
        assert_eq!(words.len() + 3, KEYS.len(), "a setting was forgotten here");
        let stored = serde_json::to_string(&record.settings).unwrap();
        assert_eq!(serde_json::from_str::<calsync_store::PairingSettings>(&stored).unwrap(), record.settings);
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
        for (key, word, wanted) in [
            ("change_guard", "on", "off, shifts, any"),
            ("protected_types", "a\tb", "TYPE; TYPE"),
            ("past_days", "-1", "0 ... 36500, all"),
            ("attachments", "0", "1mib ... 1024mib, skip"),
            ("type_names", "Einsatz", "TYPE=CATEGORY"),
            ("type_names", "a=b; a=c", "TYPE=CATEGORY"),
            ("category_colours", "Job=pink", "dark_red"),
            ("to_nvs_only_types", &"x".repeat(256), "1 ... 255"),
            ("to_nvs_mask", "a\tb", "1 ... 255"),
            ("to_nvs_private", "hide", "pass, skip, mask"),
            ("to_nvs_except_busy", "free; away", "out_of_office"),
            ("to_exchange_subject", "{kund}", "{customer}"),
            ("to_exchange_declined", "delete", "show, free, skip"),
            ("to_exchange_colour", "x", "to_exchange_private"),
        ] {
            let said = set(&mut record, key, word).unwrap_err();
            assert!(said.contains(wanted), "{key}: {said}");
        }
        assert_eq!(record.settings, calsync_store::PairingSettings::default());
        assert!(
            pairing_name("a b").is_err() && pairing_name("--x").is_err() && pairing_name("Müller-1").is_ok()
        );
    }
}
