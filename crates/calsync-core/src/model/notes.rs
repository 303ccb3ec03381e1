//! The notes of an appointment: plain text or HTML.

use serde::{Deserialize, Serialize};

/// How [`Notes`] are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotesFormat {
    /// Plain text.
    #[default]
    Plain,
    /// HTML as a server gave it.
    Html,
}

/// The long text of an appointment.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notes {
    /// How `text` is to be read.
    pub format: NotesFormat,
    /// The text; line ends are `\n` and nothing blank stands at the end.
    pub text: String,
}

impl Notes {
    /// Plain text, brought to canonical line ends: servers add and drop carriage returns and final blank lines, and
    /// that must not look like an edit.
    pub fn plain(text: &str) -> Notes {
        Notes { format: NotesFormat::Plain, text: canonical(text) }
    }

    /// HTML, kept as it is but for line ends.
    pub fn html(text: &str) -> Notes {
        Notes { format: NotesFormat::Html, text: canonical(text) }
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

fn canonical(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\r' {
            rest.next_if_eq(&'\n');
            out.push('\n');
        } else {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_blank_ends_are_no_difference() {
        assert_eq!(Notes::plain("a\r\nb\rc\n\r\n "), Notes::plain("a\nb\nc"));
        assert_ne!(Notes::plain(" a"), Notes::plain("a"));
    }
}
