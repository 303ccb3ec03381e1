//! Reads sections and keys of a TOML table, and collects what is wrong instead of stopping at the first mistake.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use calsync_core::zone::Zone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SecretRef;
use super::problem::{Lines, Problem, nearest};
use crate::address::Address;
use crate::duration;
use crate::texts::{ConfigText, Message};

/// All sections of a file.
pub(super) struct Sections<'a> {
    lines: &'a Lines<'a>,
    table: &'a DeTable<'a>,
    problems: Vec<Problem>,
}

impl<'a> Sections<'a> {
    /// Complains about everything at the top that is not one of these sections.
    pub(super) fn new(lines: &'a Lines<'a>, table: &'a DeTable<'a>, known: &[&'static str]) -> Sections<'a> {
        let mut problems = Vec::new();
        let list = || known.iter().map(|name| format!("[{name}]")).collect::<Vec<_>>().join(", ");
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let is_table = matches!(value.get_ref(), DeValue::Table(_));
            let message = match known.contains(&name) {
                true if is_table => continue,
                true => Message::new(ConfigText::NotASection),
                false if !is_table => Message::new(ConfigText::OutsideSection).with("known", list()),
                false => match nearest(name, known.iter().copied()) {
                    Some(near) => Message::new(ConfigText::UnknownSectionNear).with("near", near),
                    None => Message::new(ConfigText::UnknownSection).with("known", list()),
                },
            };
            let place = Some(lines.place(key.span().start));
            problems.push(Problem { place, message: message.with("key", name) });
        }
        Sections { lines, table, problems }
    }

    /// One section, there or not.
    pub(super) fn section<'s>(&'s mut self, name: &'static str) -> Section<'s, 'a> {
        let found = self.table.iter().find(|(key, _)| key.get_ref() == name);
        let (table, at) = match found {
            Some((key, value)) => match value.get_ref() {
                DeValue::Table(table) => (Some(table), Some(key.span())),
                _ => (None, Some(key.span())),
            },
            None => (None, None),
        };
        Section { name, table, at, asked: BTreeSet::new(), sections: self }
    }

    pub(super) fn finish(self) -> Vec<Problem> {
        self.problems
    }
}

/// One section, there or not.
pub(super) struct Section<'s, 'a> {
    name: &'static str,
    table: Option<&'a DeTable<'a>>,
    at: Option<Range<usize>>,
    asked: BTreeSet<&'static str>,
    sections: &'s mut Sections<'a>,
}

impl<'a> Section<'_, 'a> {
    /// Complains when the section is not there at all.
    pub(super) fn required(&mut self) {
        if self.at.is_none() {
            let message = Message::new(ConfigText::MissingSection).with("section", self.name);
            self.sections.problems.push(Problem::whole_file(message));
        }
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.insert(key);
        self.table?.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn complain(&mut self, at: Option<Range<usize>>, message: Message) {
        let place = at.map(|span| self.sections.lines.place(span.start));
        self.sections.problems.push(Problem { place, message });
    }

    fn wrong(&mut self, at: Range<usize>, key: &str, wanted: Message) {
        let message = Message::new(ConfigText::WrongType).with("key", key).with_message("wanted", wanted);
        self.complain(Some(at), message);
    }

    fn text(&mut self, key: &'static str) -> Option<(String, Range<usize>)> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.complain(Some(value.span()), Message::new(ConfigText::Empty).with("key", key));
                None
            }
            DeValue::String(text) => Some((text.trim().to_owned(), value.span())),
            _ => {
                self.wrong(value.span(), key, Message::new(ConfigText::WantedText));
                None
            }
        }
    }

    /// A text that has to be there.
    pub(super) fn text_required(&mut self, key: &'static str, example: &str) -> Option<String> {
        let found = self.text(key);
        self.missing(key, &format!("{key} = {example}"));
        found.map(|(text, _)| text)
    }

    fn missing(&mut self, key: &'static str, example: &str) {
        // Nothing is said about the keys of a section that is missing as a whole.
        let Some(table) = self.table else { return };
        if !table.keys().any(|name| name.get_ref() == key) {
            let message = Message::new(ConfigText::Missing).with("section", self.name).with("key", key);
            self.complain(self.at.clone(), message.with("example", example));
        }
    }

    /// An address of a server.
    pub(super) fn url(&mut self, key: &'static str, example: &str) -> Option<String> {
        let found = self.text(key);
        self.missing(key, &format!("{key} = \"{example}\""));
        let (text, at) = found?;
        match url_fault(&text) {
            None => Some(text),
            Some(fault) => {
                self.complain(Some(at), Message::new(fault).with("key", key).with("example", example));
                None
            }
        }
    }

    /// A path; relative ones start at `base`.
    pub(super) fn path(&mut self, key: &'static str, base: &Path) -> Option<PathBuf> {
        self.text(key).map(|(text, _)| base.join(text))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let (text, at) = self.text(key)?;
        let found = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.wrong(at, key, Message::new(ConfigText::WantedChoice).with("choices", words.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// A whole number.
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let wanted =
                Message::new(ConfigText::WantedNumber).with("from", range.start()).with("to", range.end());
            self.wrong(value.span(), key, wanted);
        }
        number
    }

    /// A span of time like `5m`.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let value = self.value(key)?;
        let found = match value.get_ref() {
            DeValue::String(text) => duration::parse(text).filter(|found| range.contains(found)),
            _ => None,
        };
        if found.is_none() {
            let wanted = Message::new(ConfigText::WantedDuration)
                .with("from", duration::show(*range.start()))
                .with("to", duration::show(*range.end()));
            self.wrong(value.span(), key, wanted);
        }
        found
    }

    /// The settings of pairings that are given here, as words; `read` says what is wrong with one.
    pub(super) fn words(
        &mut self,
        keys: impl Iterator<Item = &'static str>,
        mut read: impl FnMut(&'static str, &str) -> Result<(), String>,
    ) {
        for key in keys {
            let Some(value) = self.value(key) else { continue };
            let word = match value.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                DeValue::Integer(number) => Some(number.as_str().to_owned()),
                DeValue::Boolean(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
                _ => None,
            };
            let Some(word) = word else {
                self.wrong(value.span(), key, Message::new(ConfigText::WantedText));
                continue;
            };
            if let Err(wanted) = read(key, &word) {
                self.wrong(value.span(), key, Message::new(ConfigText::WantedChoice).with("choices", wanted));
            }
        }
    }

    /// A SHA-256 value.
    pub(super) fn fingerprint(&mut self, key: &'static str) -> Option<String> {
        let (text, at) = self.text(key)?;
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ' | '-')).collect();
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(digits);
        }
        self.wrong(at, key, Message::new(ConfigText::WantedFingerprint));
        None
    }

    /// An IANA time zone; `None` where it is none.
    pub(super) fn zone(&mut self, key: &'static str, default: &str) -> Option<Zone> {
        let (name, at) = match self.text(key) {
            Some((name, at)) => (name, Some(at)),
            None => (default.to_owned(), None),
        };
        let zone = Zone::new(&name).ok();
        if let (None, Some(at)) = (&zone, at) {
            self.wrong(at, key, Message::new(ConfigText::WantedZone));
        }
        zone
    }

    /// A level or filter of the log.
    pub(super) fn filter(&mut self, key: &'static str) -> Option<String> {
        let (text, at) = self.text(key)?;
        if tracing_subscriber::EnvFilter::builder().parse(&text).is_ok() && known_level(&text) {
            return Some(text);
        }
        self.complain(Some(at), Message::new(ConfigText::FilterBad).with("key", key));
        None
    }

    /// Where a secret is: exactly one of a variable and a file. The secret itself is refused.
    pub(super) fn secret(
        &mut self,
        forbidden: &'static str,
        env_key: &'static str,
        file_key: &'static str,
        base: &Path,
    ) -> Option<SecretRef> {
        let either = |text| {
            Message::new(text).with("section", self.name).with("first", env_key).with("second", file_key)
        };
        let (needs, both) = (either(ConfigText::NeedsOneOf), either(ConfigText::OnlyOneOf));
        if self.value(forbidden).is_some() {
            let at = self
                .table
                .and_then(|table| table.keys().find(|name| name.get_ref() == forbidden))
                .map(Spanned::span);
            let message = Message::new(ConfigText::SecretInFile).with("key", forbidden);
            self.complain(at, message.with("instead", format!("{env_key} / {file_key}")));
            let _ = (self.value(env_key), self.value(file_key));
            return None;
        }
        match (self.value(env_key), self.value(file_key)) {
            (Some(_), Some(second)) => {
                self.complain(Some(second.span()), both);
                None
            }
            (Some(_), None) => self.text(env_key).map(|(name, _)| SecretRef::Env(name)),
            (None, Some(_)) => self.path(file_key, base).map(SecretRef::File),
            (None, None) => {
                if self.table.is_some() {
                    self.complain(self.at.clone(), needs);
                }
                None
            }
        }
    }

    /// Complains about every key that nobody asked for.
    pub(super) fn finish(mut self) {
        let Some(table) = self.table else { return };
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if self.asked.contains(name) {
                continue;
            }
            // The secret itself is asked for only to refuse it.
            let offered = self.asked.iter().copied().filter(|known| !matches!(*known, "password" | "token"));
            let message = match nearest(name, offered.clone()) {
                Some(near) => Message::new(ConfigText::UnknownKeyNear).with("near", near),
                None => {
                    Message::new(ConfigText::UnknownKey).with("known", offered.collect::<Vec<_>>().join(", "))
                }
            };
            let message = message.with("key", name).with("section", self.name);
            self.complain(Some(key.span()), message);
        }
    }
}

fn url_fault(text: &str) -> Option<ConfigText> {
    let Some(address) = Address::of(text) else { return Some(ConfigText::UrlNoUrl) };
    match address.scheme.as_str() {
        _ if address.has_login => Some(ConfigText::UrlHasLogin),
        "https" => None,
        "http" if address.is_loopback() => None,
        "http" => Some(ConfigText::UrlNotEncrypted),
        _ => Some(ConfigText::UrlNoUrl),
    }
}

/// A single word has to be a level: the filter language would take any word for the name of a module.
fn known_level(text: &str) -> bool {
    let is_word = !text.contains(['=', ',', '[']);
    let level = ["off", "error", "warn", "info", "debug", "trace"];
    !is_word || level.iter().any(|level| level.eq_ignore_ascii_case(text))
}
