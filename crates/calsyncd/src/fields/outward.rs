//! The rules for one direction by name, without the direction: `private` of `to_nvs_private`.

use std::collections::BTreeSet;

use calsync_core::model::Busy;
use calsync_core::sync::{AllDay, Mask, MeetingRule, Pattern, Private, Template, TemplateError};
use calsync_store::OutwardSettings;

use super::{NONE, Words, list, list_word, one_of, word_of, yes_no, yes_word};

const BUSY: Words<Busy> = &[
    ("free", Busy::Free),
    ("tentative", Busy::Tentative),
    ("busy", Busy::Busy),
    ("out_of_office", Busy::OutOfOffice),
    ("working_elsewhere", Busy::WorkingElsewhere),
];
const ALL_DAY: Words<AllDay> =
    &[("with", AllDay::With), ("without", AllDay::Without), ("only", AllDay::Only)];
const PRIVATE: Words<Private> = &[("pass", Private::Pass), ("skip", Private::Skip), ("mask", Private::Mask)];
const MEETING: Words<MeetingRule> =
    &[("show", MeetingRule::Show), ("free", MeetingRule::Free), ("skip", MeetingRule::Skip)];

/// The longest name and subject that every calendar takes.
const LONGEST: usize = 255;

/// Puts a word into a rule; `None` leaves it to the defaults.
pub(super) fn set(rules: &mut OutwardSettings, key: &str, given: Option<&str>) -> Option<Result<(), String>> {
    let done = match key {
        "only_types" => put(&mut rules.only_types, given, names),
        "except_types" => put(&mut rules.except_types, given, names),
        "except_busy" => put(&mut rules.except_busy, given, |text| {
            list(text).iter().map(|word| one_of(BUSY)(word)).collect()
        }),
        "all_day" => put(&mut rules.all_day, given, one_of(ALL_DAY)),
        "only_subjects" => put(&mut rules.only_subjects, given, patterns),
        "except_subjects" => put(&mut rules.except_subjects, given, patterns),
        "private" => put(&mut rules.private, given, one_of(PRIVATE)),
        "mask" => put(&mut rules.mask, given, mask),
        "subject" => put(&mut rules.subject, given, template),
        "unanswered" => put(&mut rules.unanswered, given, one_of(MEETING)),
        "tentative" => put(&mut rules.tentative, given, one_of(MEETING)),
        "declined" => put(&mut rules.declined, given, one_of(MEETING)),
        "cancelled" => put(&mut rules.cancelled, given, one_of(MEETING)),
        "plain_notes" => put(&mut rules.plain_notes, given, yes_no),
        _ => return None,
    };
    Some(done)
}

/// The word of a rule; empty where it is left to the defaults.
pub(super) fn get(rules: &OutwardSettings, key: &str) -> String {
    let named =
        |names: Option<&BTreeSet<String>>| names.map(|names| list_word(names.iter())).unwrap_or_default();
    let like = |patterns: Option<&Vec<Pattern>>| {
        patterns.map(|patterns| list_word(patterns.iter().map(Pattern::as_str))).unwrap_or_default()
    };
    match key {
        "only_types" => named(rules.only_types.as_ref()),
        "except_types" => named(rules.except_types.as_ref()),
        "except_busy" => rules
            .except_busy
            .as_ref()
            .map(|busy| list_word(busy.iter().map(|busy| word_of(BUSY, Some(*busy)))))
            .unwrap_or_default(),
        "all_day" => word_of(ALL_DAY, rules.all_day),
        "only_subjects" => like(rules.only_subjects.as_ref()),
        "except_subjects" => like(rules.except_subjects.as_ref()),
        "private" => word_of(PRIVATE, rules.private),
        "mask" => rules.mask.as_ref().map(|mask| mask.0.clone()).unwrap_or_default(),
        "subject" => rules.subject.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default(),
        "unanswered" => word_of(MEETING, rules.unanswered),
        "tentative" => word_of(MEETING, rules.tentative),
        "declined" => word_of(MEETING, rules.declined),
        "cancelled" => word_of(MEETING, rules.cancelled),
        "plain_notes" => rules.plain_notes.map(yes_word).unwrap_or_default(),
        _ => String::new(),
    }
}

fn put<T>(
    place: &mut Option<T>,
    given: Option<&str>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<(), String> {
    *place = given.map(read).transpose()?;
    Ok(())
}

fn names(text: &str) -> Result<BTreeSet<String>, String> {
    list(text).into_iter().map(entry).collect()
}

fn patterns(text: &str) -> Result<Vec<Pattern>, String> {
    list(text).into_iter().map(|text| entry(text).map(Pattern::new)).collect()
}

fn entry(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= LONGEST && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(format!("A; B; C (1 ... {LONGEST}), {NONE}")) }
}

fn mask(text: &str) -> Result<Mask, String> {
    entry(text).map(Mask).map_err(|_| format!("... (1 ... {LONGEST})"))
}

fn template(text: &str) -> Result<Template, String> {
    // In no language: the names of the fields say it all.
    let example = "[{type}] {customer}, {place} - {subject}";
    Template::new(text).map_err(|error| match error {
        TemplateError::UnknownField(field) => format!("{example} ({{{field}}}?)"),
        TemplateError::Open | TemplateError::Constant => example.to_owned(),
    })
}
