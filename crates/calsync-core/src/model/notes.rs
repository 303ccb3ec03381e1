//! The notes of an appointment: plain text or HTML.
//!
//! What a person reads counts, not how it is written: [`Notes::to_plain`] gives what is read in either form, an edit of
//! plain text is merged into HTML ([`Notes::rewritten`]), and where the other side shows the words already nothing is
//! written. `docs/notes.md` has the rules.

use serde::{Deserialize, Serialize};

use super::Change;

mod alike;
mod diff;
mod edit;
mod elements;
mod entity;
mod like;
mod merge;
mod read;
mod scan;
mod write;

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

    /// HTML, kept as it is but for line ends. Where there is nothing to read and nothing to look at, such as in the
    /// frame that Exchange and Outlook put around an empty text, these are no notes at all.
    pub fn html(text: &str) -> Notes {
        let text = canonical(text);
        // What is not carried need not be read.
        if text.len() > super::limits::NOTES {
            return Notes { format: NotesFormat::Html, text };
        }
        let reading = read::read(&text);
        if !reading.has_objects && reading.text().is_empty() {
            return Notes::default();
        }
        Notes { format: NotesFormat::Html, text }
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The same for a calendar that knows only plain text: HTML becomes what a person reads in it, a line for each
    /// block, row or item of a list. Plain text stays as it is.
    #[must_use]
    pub fn to_plain(&self) -> Notes {
        match self.format {
            NotesFormat::Plain => self.clone(),
            NotesFormat::Html => Notes::plain(&self.reading()),
        }
    }

    /// What a person reads: lines that end with `\n`, without blanks at their end or blank lines at the end of all.
    /// Tabs are four spaces, non-breaking spaces are spaces, and other control characters are not there.
    pub fn reading(&self) -> String {
        match self.format {
            NotesFormat::Plain => readable(&self.text),
            NotesFormat::Html => read::read(&self.text).text(),
        }
    }

    /// Whether a person reads the same in both.
    pub fn reads_as(&self, other: &Notes) -> bool {
        self == other || self.reading() == other.reading()
    }

    /// These notes, changed so that they read as `text` does. HTML stays HTML: what reads the same already is kept
    /// byte for byte, changed words take the format of the words that they replace, a new line becomes a block like its
    /// neighbour. Nothing to read are no notes.
    #[must_use]
    pub fn rewritten(&self, text: &Notes) -> Notes {
        let wanted = text.reading();
        match self.format {
            NotesFormat::Plain => text.to_plain(),
            NotesFormat::Html if read::read(&self.text).text() == wanted => self.clone(),
            NotesFormat::Html if wanted.is_empty() => Notes::default(),
            NotesFormat::Html => Notes::html(&merge::merge(&self.text, &wanted)),
        }
    }
}

impl Notes {
    /// `to` where these notes are shown: merged into them if these are HTML and that is plain text.
    pub(super) fn rewritten_if_html(&self, to: &Notes) -> Notes {
        match (self.format, to.format) {
            (NotesFormat::Html, NotesFormat::Plain) => self.rewritten(to),
            (NotesFormat::Plain | NotesFormat::Html, NotesFormat::Html)
            | (NotesFormat::Plain, NotesFormat::Plain) => to.clone(),
        }
    }
}

/// What `current` becomes when elsewhere `from` became `to`.
pub(super) fn carry(from: &Notes, to: &Notes, current: &Notes) -> Notes {
    use NotesFormat::{Html, Plain};
    // The change of a side made upon that very side.
    if from == current {
        return to.clone();
    }
    // Taken away is taken away, also what nobody reads: an image must not outlive a text that became private.
    if to.is_empty() {
        return to.clone();
    }
    let only_format = from.reads_as(to);
    match (to.format, current.format) {
        (Plain | Html, Plain) | (Plain, Html) if only_format => current.clone(),
        (Plain | Html, Plain | Html) if !only_format && to.reads_as(current) => current.clone(),
        (Plain, Html) => current.rewritten(to),
        (Plain | Html, Plain) | (Html, Html) => to.clone(),
    }
}

/// Whether changes of both sides cannot both be carried: other words on both sides, or other words here and another
/// format there where neither is plain.
pub(super) fn collides(mine: &Change<Notes>, theirs: &Change<Notes>) -> bool {
    if mine.to == theirs.to {
        return false;
    }
    let new_words = |change: &Change<Notes>| !change.from.reads_as(&change.to);
    if new_words(mine) && new_words(theirs) {
        return !mine.to.reads_as(&theirs.to);
    }
    mine.to.format == NotesFormat::Html && theirs.to.format == NotesFormat::Html
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

/// Plain text as it is read; see [`Notes::reading`].
fn readable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split(['\n', '\u{b}', '\u{c}']).enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let from = out.len();
        for shown in line.chars() {
            match shown {
                '\t' => out.push_str("    "),
                '\u{a0}' => out.push(' '),
                _ if read::is_readable(shown) => out.push(shown),
                _ => {}
            }
        }
        let kept = out.get(from..).map_or(0, |line| line.trim_end().len());
        out.truncate(from + kept);
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests;
