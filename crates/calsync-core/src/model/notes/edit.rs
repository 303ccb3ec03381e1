//! Changes to be made in a text, collected by place and made at once.

use std::ops::Range;

/// Removals and insertions, by byte of the text as it is before any of them.
#[derive(Debug, Default)]
pub(super) struct Edits {
    list: Vec<(Range<usize>, String)>,
}

impl Edits {
    pub(super) fn remove(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.list.push((range, String::new()));
        }
    }

    /// Inserts before the byte `at`. What is inserted at one place comes out in the order in which it was inserted.
    pub(super) fn insert(&mut self, at: usize, text: &str) {
        self.list.push((at..at, text.to_owned()));
    }

    /// Makes the changes. Removals may overlap; what is inserted within a removal stays.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.list.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (range, inserted) in &self.list {
            if range.start > at {
                out.push_str(text.get(at..range.start).unwrap_or_default());
            }
            out.push_str(inserted);
            at = at.max(range.end);
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_made_where_the_text_was() {
        let mut edits = Edits::default();
        edits.insert(4, "x");
        edits.remove(1..3);
        edits.insert(1, "y");
        edits.remove(2..3);
        edits.insert(4, "z");
        assert_eq!(edits.apply("abcde"), "aydxze");
    }
}
