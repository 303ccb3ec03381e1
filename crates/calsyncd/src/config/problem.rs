//! What is wrong with a file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::texts::{ConfigText, Lang, Message};

/// A place in a file; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` for what is not there.
    pub place: Option<Place>,
    /// What, and what to do.
    pub message: Message,
}

impl Problem {
    pub(super) fn whole_file(message: Message) -> Problem {
        Problem { place: None, message }
    }
}

/// Everything that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file.
    pub path: PathBuf,
    /// In order of lines; what is not there comes first.
    pub list: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(path: &Path, list: Vec<Problem>) -> Problems {
        Problems { path: path.to_owned(), list }
    }

    /// One line for each problem.
    pub fn to_text(&self, lang: Lang) -> String {
        let lines = self.list.iter().map(|problem| {
            let line = match problem.place {
                Some(place) => {
                    Message::new(ConfigText::Line).with("line", place.line).with("column", place.column)
                }
                None if problem.message.is(ConfigText::NotThere)
                    || problem.message.is(ConfigText::Unreadable) =>
                {
                    return problem.message.to_text(lang);
                }
                None => Message::new(ConfigText::NoLine),
            };
            line.with("path", self.path.display()).with_message("what", problem.message.clone()).to_text(lang)
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(Lang::En))
    }
}

impl std::error::Error for Problems {}

/// Finds lines and columns in a text.
pub(super) struct Lines<'a>(&'a str);

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Lines<'a> {
        Lines(text)
    }

    pub(super) fn place(&self, at: usize) -> Place {
        let before = self.0.get(..at).unwrap_or(self.0);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// The known word that `word` most likely was meant to be.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody mistypes a name into so long a word, and comparing takes time in proportion to it.
    if word.len() > 100 {
        return None;
    }
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be added, dropped, replaced or swapped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&row, j) + usize::from(from != to);
            let mut best = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let known = ["url", "user", "password_env", "password_file", "timeout"];
        assert_eq!(nearest("usr", known), Some("user"));
        assert_eq!(nearest("Timeout", known), Some("timeout"));
        assert_eq!(nearest("tiemout", known), Some("timeout"));
        assert_eq!(nearest("passwort_file", known), Some("password_file"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        let lines = Lines::new("a = \"ü\"\nübel = 1");
        assert_eq!(lines.place(9), Place { line: 2, column: 1 });
        assert_eq!(lines.place(7), Place { line: 1, column: 7 });
    }
}
