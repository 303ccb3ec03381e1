//! Text as HTML.

use std::ops::Range;

/// `text` as blocks, one for each line.
pub(super) fn document(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.split('\n') {
        out.push_str("<div>");
        out.push_str(if line.is_empty() { "<br>" } else { "" });
        out.push_str(&escape(line));
        out.push_str("</div>");
    }
    out
}

/// One line as HTML.
pub(super) fn escape(line: &str) -> String {
    let line: Vec<char> = line.chars().collect();
    escape_from(&line, 0..line.len())
}

/// A part of a line as HTML, which will stand in the middle of the rest of it.
pub(super) fn escape_from(line: &[char], range: Range<usize>) -> String {
    let mut out = String::new();
    for place in range {
        match line.get(place) {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some(' ') if needs_hard_space(line, place) => out.push_str("&nbsp;"),
            Some(shown) => out.push(*shown),
            None => {}
        }
    }
    out
}

/// Whether the space at `place` is shown only when it is written as a non-breaking one.
pub(super) fn needs_hard_space(line: &[char], place: usize) -> bool {
    place.checked_sub(1).is_none_or(|before| line.get(before) == Some(&' '))
}
