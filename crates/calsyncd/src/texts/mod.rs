//! What people read, in German and English.
//!
//! A text is one entry of a `texts!` table with both languages side by side, so none can be missing. A [`Message`]
//! is a text with its values, still without a language: whoever prints it chooses one. Logs and library errors are
//! English and not in here.

mod check;
mod cli;
mod config;
mod orders;
mod output;
mod pairing;

use std::fmt;
use std::str::FromStr;

pub use check::CheckText;
pub use cli::{HelpText, UsageText, help};
pub use config::ConfigText;
pub use orders::OrderText;
pub use output::OutputText;
pub use pairing::PairingText;

/// The language of what people read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lang {
    /// German.
    De,
    /// English.
    #[default]
    En,
}

impl Lang {
    /// The choice of the command line, else of `LC_ALL`, `LC_MESSAGES`, `LANG`, else English.
    pub fn choose(asked: Option<Lang>, env: impl Fn(&str) -> Option<String>) -> Lang {
        if let Some(asked) = asked {
            return asked;
        }
        let locale =
            ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(env).find(|value| !value.is_empty());
        match locale {
            Some(locale) if locale.to_ascii_lowercase().starts_with("de") => Lang::De,
            _ => Lang::En,
        }
    }

    /// The text in this language, as it is.
    pub fn say(self, text: impl Text) -> &'static str {
        match self {
            Lang::De => text.de(),
            Lang::En => text.en(),
        }
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "de" | "deutsch" | "german" => Ok(Lang::De),
            "en" | "english" | "englisch" => Ok(Lang::En),
            _ => Err("de, en".to_owned()),
        }
    }
}

/// An entry of a table of texts.
pub trait Text: Copy {
    /// In English.
    fn en(self) -> &'static str;
    /// In German.
    fn de(self) -> &'static str;
}

/// A text with its values, in no language yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    en: &'static str,
    de: &'static str,
    with: Vec<(&'static str, Value)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Plain(String),
    Message(Message),
}

impl Message {
    /// A text that has no values, or gets them by [`with`](Self::with).
    pub fn new(text: impl Text) -> Message {
        Message { en: text.en(), de: text.de(), with: Vec::new() }
    }

    /// Puts a value where the text has `{name}`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Message {
        self.with.push((name, Value::Plain(value.to_string())));
        self
    }

    /// Puts another message where the text has `{name}`.
    #[must_use]
    pub fn with_message(mut self, name: &'static str, message: Message) -> Message {
        self.with.push((name, Value::Message(message)));
        self
    }

    /// Whether this is that text, whatever its values.
    pub fn is(&self, text: impl Text) -> bool {
        self.en == text.en()
    }

    /// The whole message in one language.
    pub fn to_text(&self, lang: Lang) -> String {
        let pattern = match lang {
            Lang::De => self.de,
            Lang::En => self.en,
        };
        // One pass: a value that looks like a placeholder is left as it is.
        let mut out = String::with_capacity(pattern.len());
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            match self.with.iter().find(|(known, _)| *known == name) {
                Some((_, Value::Plain(value))) => out.push_str(value),
                Some((_, Value::Message(message))) => out.push_str(&message.to_text(lang)),
                // A value that was forgotten: visible, and found by the tests.
                None => out.extend(["{", name, "}"]),
            }
            rest = tail;
        }
        out.push_str(rest);
        out
    }
}

/// Makes an enum of texts with both languages.
macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($key:ident { en: $en:expr, de: $de:expr $(,)? })+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the English text says what each entry is")]
        pub enum $name { $($key,)+ }

        impl $crate::texts::Text for $name {
            fn en(self) -> &'static str {
                match self { $($name::$key => $en,)+ }
            }

            fn de(self) -> &'static str {
                match self { $($name::$key => $de,)+ }
            }
        }

        impl $name {
            /// All texts of this table.
            pub const ALL: &'static [$name] = &[$($name::$key,)+];
        }
    };
}
pub(crate) use texts;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    fn all() -> Vec<(String, &'static str, &'static str)> {
        fn rows<T: Text + fmt::Debug>(table: &[T]) -> Vec<(String, &'static str, &'static str)> {
            table.iter().map(|text| (format!("{text:?}"), text.en(), text.de())).collect()
        }
        [
            rows(CheckText::ALL),
            rows(HelpText::ALL),
            rows(UsageText::ALL),
            rows(ConfigText::ALL),
            rows(OutputText::ALL),
            rows(PairingText::ALL),
            rows(OrderText::ALL),
        ]
        .concat()
    }

    #[test]
    fn both_catalogues_are_complete_and_take_the_same_values() {
        for (key, en, de) in all() {
            assert!(!en.trim().is_empty() && !de.trim().is_empty(), "{key} is empty");
            assert_eq!(placeholders(en), placeholders(de), "{key}: the values differ");
            let own_words = en.split_whitespace().filter(|word| !word.contains('{')).count();
            assert!(own_words < 2 || en != de, "{key} was not translated");
        }
    }

    #[test]
    fn german_is_written_with_umlauts() {
        let spelled_out = [
            "fuer",
            "ueber",
            "koenn",
            "moecht",
            "aender",
            "loesch",
            "pruef",
            "waehl",
            "muess",
            "zurueck",
            "naechst",
            "ungueltig",
            "schluessel",
            "eintraeg",
            "laeuft",
            "groess",
            "schliess",
            "heisst",
            "ausser",
        ];
        for (key, _, de) in all() {
            let lower = de.to_lowercase();
            for word in spelled_out {
                assert!(!lower.contains(word), "{key} spells out an umlaut: {de}");
            }
        }
    }

    #[test]
    fn no_text_is_left_in_the_wrong_language() {
        for (key, en, _) in all() {
            assert!(en.is_ascii() || !en.contains(['ä', 'ö', 'ü', 'ß']), "{key}: German in the English text");
        }
    }

    #[test]
    fn the_language_comes_from_the_command_line_then_from_the_locale() {
        let env = |all: &'static str, lang: &'static str| {
            move |name: &str| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LANG" => Some(lang.to_owned()),
                _ => None,
            }
        };
        assert_eq!(Lang::choose(Some(Lang::En), env("de_DE.UTF-8", "")), Lang::En);
        assert_eq!(Lang::choose(None, env("de_DE.UTF-8", "en_US")), Lang::De);
        assert_eq!(Lang::choose(None, env("", "de_AT")), Lang::De);
        assert_eq!(Lang::choose(None, env("C", "de_DE")), Lang::En);
        assert_eq!(Lang::choose(None, |_| None), Lang::En);
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_stays_as_it_is() {
        #[derive(Clone, Copy)]
        struct Two;
        impl Text for Two {
            fn en(self) -> &'static str {
                "{a} and {b}"
            }
            fn de(self) -> &'static str {
                "{a} und {b}"
            }
        }
        let message = Message::new(Two).with("a", "{b}").with("b", "x");
        assert_eq!(message.to_text(Lang::En), "{b} and x");
        assert_eq!(Message::new(Two).to_text(Lang::De), "{a} und {b}");
    }
}
