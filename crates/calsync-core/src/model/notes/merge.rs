//! Brings an edited text into the HTML it was read from.
//!
//! The text is compared with what is read in the HTML, line by line and word by word, and only the source of what
//! differs is changed. A new line becomes a block like its neighbour. Whatever comes out is read again: where it does
//! not read as the text (broken HTML, signs of lists that a person took apart), the changed lines are written anew
//! without regard to their words, and where that does not do either, the whole text is.

use std::collections::BTreeMap;
use std::ops::Range;

use super::alike::{most_alike, slices, words};
use super::canonical;
use super::diff::{Hunk, diff};
use super::edit::Edits;
use super::like::{Like, numbered};
use super::read::{Element, Line, Origin, Piece, Reading, Stop, read};
use super::write::{document, escape, escape_from, needs_hard_space};

/// `html` as it reads `text`, which is in canonical form and not empty.
pub(super) fn merge(html: &str, text: &str) -> String {
    let reading = read(html);
    if reading.text() == text {
        return html.to_owned();
    }
    for care in [Care::Words, Care::Lines] {
        let merged = canonical(&Merge::new(html, &reading, text, care).run());
        if read(&merged).text() == text {
            return merged;
        }
    }
    let body = reading.entry;
    let (head, foot) = (html.get(..body), html.get(reading.exit.unwrap_or(html.len()).max(body)..));
    let framed = format!("{}{}{}", head.unwrap_or_default(), document(text), foot.unwrap_or_default());
    if read(&framed).text() == text { framed } else { document(text) }
}

/// How much of a changed line is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Its words.
    Words,
    /// Its place.
    Lines,
}

/// What becomes of the lines between two equal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The old line goes.
    Remove(usize),
    /// The old line becomes the new one.
    Change(usize, usize),
    /// The new line comes.
    Add(usize),
}

struct Merge<'a> {
    html: &'a str,
    reading: &'a Reading,
    old: Vec<String>,
    new: Vec<&'a str>,
    care: Care,
    edits: Edits,
    /// Old lines that go.
    removed: Vec<bool>,
    /// Whether items of numbered lists came, went or got another number in this difference.
    renumbered: bool,
}

impl<'a> Merge<'a> {
    fn new(html: &'a str, reading: &'a Reading, text: &'a str, care: Care) -> Merge<'a> {
        let mut old: Vec<String> = reading.lines.iter().map(|line| reading.line(line)).collect();
        while old.last().is_some_and(String::is_empty) {
            old.pop();
        }
        let removed = vec![false; old.len()];
        let new = text.split('\n').collect();
        Merge { html, reading, old, new, care, edits: Edits::default(), removed, renumbered: false }
    }

    fn run(mut self) -> String {
        if self.old.is_empty() {
            // Blank lines in front would be read as lines of the text.
            let blank: Vec<usize> = (0..self.reading.lines.len()).collect();
            for index in blank {
                self.clear_line(index);
            }
            let text = self.new.join("\n");
            self.edits.insert(self.reading.entry, &document(&text));
            return self.edits.apply(self.html);
        }
        let hunks = {
            let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
            let mut name = |line| {
                let next = numbers.len();
                *numbers.entry(line).or_insert(next)
            };
            let old: Vec<usize> = self.old.iter().map(|line| name(line.as_str())).collect();
            let new: Vec<usize> = self.new.iter().map(|line| name(line)).collect();
            diff(&old, &new)
        };
        let steps: Vec<(usize, Vec<Step>)> =
            hunks.iter().map(|hunk| (hunk.old.start, self.pair(hunk))).collect();
        for step in steps.iter().flat_map(|(_, steps)| steps) {
            if let Step::Remove(old) = step
                && let Some(removed) = self.removed.get_mut(*old)
            {
                *removed = true;
            }
        }
        for (start, steps) in &steps {
            self.carry_out(*start, steps);
        }
        self.edits.apply(self.html)
    }

    /// Which old line of a difference becomes which new one: those that are most alike, in order.
    fn pair(&self, hunk: &Hunk) -> Vec<Step> {
        let old = self.old.get(hunk.old.clone()).unwrap_or_default();
        let new = self.new.get(hunk.new.clone()).unwrap_or_default();
        let pairs = if old.len() == new.len() { Vec::new() } else { most_alike(old, new) };
        let mut steps = Vec::new();
        let (mut from_old, mut from_new) = (0, 0);
        for (to_old, to_new, is_pair) in
            pairs.into_iter().map(|(old, new)| (old, new, true)).chain([(old.len(), new.len(), false)])
        {
            // Between two that are alike the others are taken in order.
            while from_old < to_old && from_new < to_new {
                steps.push(Step::Change(hunk.old.start + from_old, hunk.new.start + from_new));
                (from_old, from_new) = (from_old + 1, from_new + 1);
            }
            steps.extend((from_old..to_old).map(|old| Step::Remove(hunk.old.start + old)));
            steps.extend((from_new..to_new).map(|new| Step::Add(hunk.new.start + new)));
            if is_pair {
                steps.push(Step::Change(hunk.old.start + to_old, hunk.new.start + to_new));
            }
            (from_old, from_new) = (to_old + 1, to_new + 1);
        }
        steps
    }

    fn carry_out(&mut self, start: usize, steps: &[Step]) {
        self.renumbered = false;
        let mut before = start.checked_sub(1);
        let mut after = start;
        let mut added: Vec<usize> = Vec::new();
        for step in steps {
            match *step {
                Step::Add(new) => added.push(new),
                Step::Remove(old) => {
                    self.remove(old);
                    after = old + 1;
                }
                Step::Change(old, new) => {
                    self.add(before, old, &std::mem::take(&mut added));
                    self.change(old, new);
                    (before, after) = (Some(old), old + 1);
                }
            }
        }
        // Lines are put behind one that stays, or before one.
        while let Some(index) = before.filter(|index| self.removed.get(*index) == Some(&true)) {
            before = index.checked_sub(1);
        }
        self.add(before, after, &added);
        if self.renumbered {
            self.keep_number(after);
        }
    }

    fn element(&self, id: usize) -> Option<&'a Element> {
        self.reading.elements.get(id)
    }

    fn line(&self, index: usize) -> Option<&'a Line> {
        self.reading.lines.get(index)
    }

    fn pieces(&self, range: Range<usize>) -> &'a [Piece] {
        self.reading.pieces.get(range).unwrap_or_default()
    }

    // What goes.

    fn remove(&mut self, index: usize) {
        let Some(line) = self.line(index) else { return };
        self.renumbered |= line.mark.as_ref().is_some_and(|mark| mark.number.is_some());
        let mut largest = None;
        let mut id = line.mark.as_ref().map_or(line.element, |mark| mark.item);
        // As far up as nothing stays.
        for _ in 0..16 {
            let Some(element) = self.element(id) else { break };
            let is_cell = matches!(element.name.as_str(), "td" | "th");
            let is_frame = matches!(element.name.as_str(), "" | "html" | "body" | "head");
            let is_small = !element.lines.is_empty() && element.lines.len() <= 64;
            let goes = |line: usize| self.removed.get(line) == Some(&true);
            if is_frame || !is_small || !element.lines.clone().all(goes) {
                break;
            }
            // A cell of its own does not go: the others would move.
            if !is_cell && element.block == id && element.is_apart && !element.has_objects() {
                largest = element.close.as_ref().map(|close| element.open.start..close.end).or(largest);
            }
            id = element.parent;
        }
        match largest {
            Some(range) => self.edits.remove(range),
            None => self.clear_line(index),
        }
    }

    /// Takes away what is read of a line, and its `<br>`.
    fn clear_line(&mut self, index: usize) {
        let Some(line) = self.line(index) else { return };
        self.clear(line);
        if let Stop::Break(range) = &line.stop {
            self.edits.remove(range.clone());
        }
    }

    fn clear(&mut self, line: &Line) {
        for index in line.first..line.tail {
            self.clear_piece(index);
        }
    }

    fn clear_piece(&mut self, index: usize) {
        let Some(piece) = self.reading.pieces.get(index).filter(|piece| piece.origin != Origin::Made) else {
            return;
        };
        self.edits.remove(piece.source.clone());
        let echoes = &self.reading.echoes;
        let first = echoes.partition_point(|(owner, _)| *owner < index);
        let more = echoes.iter().skip(first).take_while(|(owner, _)| *owner == index);
        for (_, range) in more {
            self.edits.remove(range.clone());
        }
    }

    // What changes.

    fn change(&mut self, old: usize, new: usize) {
        let (Some(line), Some(text)) = (self.line(old), self.new.get(new).copied()) else { return };
        let wanted: Vec<char> = text.chars().collect();
        let skipped = self.change_mark(line, text);
        let (kept, wanted_from) = skipped;
        if self.care == Care::Lines || !self.change_words(line, kept, &wanted, wanted_from) {
            self.change_whole(line, &wanted, wanted_from);
        }
    }

    /// Brings the sign of a list item to what the new text begins with. Returns how many pieces of the line and how
    /// many characters of the text are dealt with.
    fn change_mark(&mut self, line: &Line, text: &str) -> (usize, usize) {
        let Some(mark) = &line.mark else { return (0, 0) };
        let sign = mark.text();
        let length = sign.chars().count();
        // A sign without text is read without its last blank.
        if (text.starts_with(&sign) || text == sign.trim_end()) && !self.renumbered {
            return (length, length);
        }
        let Some(item) = self.element(mark.item) else { return (length, 0) };
        let at = item.open.start + 1 + item.name.len();
        if mark.number.is_some()
            && let Some((number, length_of_new)) = numbered(text, mark.indent)
        {
            self.edits.insert(at, &format!(" value=\"{number}\""));
            self.renumbered = true;
            return (length, length_of_new);
        }
        if text.starts_with(&sign) {
            return (length, length);
        }
        self.renumbered |= mark.number.is_some();
        self.edits.insert(at, " style=\"list-style-type:none\"");
        (length, 0)
    }

    /// Changes the words of a line that differ. `false` where what is made for the reader would have to change.
    fn change_words(&mut self, line: &Line, kept: usize, wanted: &[char], wanted_from: usize) -> bool {
        let first = (line.first + kept).min(line.end);
        let pieces = self.pieces(first..line.end);
        let shown: Vec<char> = pieces.iter().map(|piece| piece.shown).collect();
        let wanted_rest = wanted.get(wanted_from..).unwrap_or_default();
        if pieces.is_empty() {
            return false;
        }
        let (old_words, new_words) = (words(&shown), words(wanted_rest));
        let hunks = diff(&slices(&shown, &old_words), &slices(wanted_rest, &new_words));
        let span = |words: &[Range<usize>], hunk: &Range<usize>, length: usize| {
            let start = words.get(hunk.start).map_or(length, |word| word.start);
            let end = words.get(hunk.end).map_or(length, |word| word.start);
            start..end
        };
        let hunks: Vec<(Range<usize>, Range<usize>)> = hunks
            .iter()
            .map(|hunk| {
                (span(&old_words, &hunk.old, shown.len()), span(&new_words, &hunk.new, wanted_rest.len()))
            })
            .collect();
        let is_made = |index: usize| pieces.get(index).is_some_and(|piece| piece.origin == Origin::Made);
        let touches_made = hunks.iter().any(|(old, _)| {
            let inside = old.is_empty() && old.start > 0 && is_made(old.start - 1) && is_made(old.start);
            inside || old.clone().any(is_made)
        });
        if touches_made {
            return false;
        }
        let (mut at_old, mut at_new) = (0, wanted_from);
        for (old, new) in &hunks {
            self.keep_spaces(first, pieces, at_old..old.start, wanted, at_new);
            for index in old.clone() {
                self.clear_piece(first + index);
            }
            let new = wanted_from + new.start..wanted_from + new.end;
            let written = escape_from(wanted, new.clone());
            let before = old.start.checked_sub(1).and_then(|index| pieces.get(index));
            let at = match (pieces.get(old.start).filter(|_| !old.is_empty()), before, pieces.get(old.start))
            {
                (Some(first), _, _) => Some(first.source.start),
                (None, Some(before), _) => Some(before.source.end),
                (None, None, Some(next)) => Some(next.source.start),
                (None, None, None) => None,
            };
            if let Some(at) = at {
                self.edits.insert(at, &written);
            }
            (at_old, at_new) = (old.end, new.end);
        }
        self.keep_spaces(first, pieces, at_old..pieces.len(), wanted, at_new);
        true
    }

    /// A space that stays, and now follows another one or begins the line, would not be shown any more.
    fn keep_spaces(
        &mut self,
        first: usize,
        pieces: &[Piece],
        range: Range<usize>,
        wanted: &[char],
        wanted_from: usize,
    ) {
        for (index, place) in range.zip(wanted_from..) {
            let Some(piece) = pieces.get(index).filter(|piece| piece.origin == Origin::Soft) else {
                continue;
            };
            if needs_hard_space(wanted, place) {
                self.clear_piece(first + index);
                self.edits.insert(piece.source.start, "&nbsp;");
            }
        }
    }

    fn change_whole(&mut self, line: &Line, wanted: &[char], wanted_from: usize) {
        let sign = line.mark.as_ref().map_or(0, |mark| mark.text().chars().count());
        let pieces = self.pieces((line.first + sign).min(line.tail)..line.tail);
        // Within a link or a cell it would be read as a part of that.
        let is_made = pieces.iter().any(|piece| piece.origin == Origin::Made);
        let at = match (pieces.first().filter(|_| !is_made), &line.mark, &line.stop) {
            (Some(piece), _, _) => piece.source.start,
            (None, Some(mark), _) => self.element(mark.item).map_or(line.from, |item| item.open.end),
            (None, None, Stop::Break(range)) if pieces.is_empty() => range.start,
            (None, None, Stop::Break(_) | Stop::Block(_)) => line.from,
        };
        self.clear(line);
        let rest = wanted_from..wanted.len();
        // A block that holds nothing would not be a line.
        let written = if rest.is_empty() && matches!(line.stop, Stop::Block(_)) {
            "&nbsp;".to_owned()
        } else {
            escape_from(wanted, rest)
        };
        self.edits.insert(at, &written);
    }

    // What comes.

    /// Puts new lines behind the line `before`, or before the line `after`.
    fn add(&mut self, before: Option<usize>, after: usize, added: &[usize]) {
        if added.is_empty() {
            return;
        }
        let texts: Vec<&str> = added.iter().filter_map(|new| self.new.get(*new).copied()).collect();
        let mut out = String::new();
        if let Some(line) = before.and_then(|index| self.line(index)) {
            if let Some(block) = self.block_to_copy(line) {
                let copy = Like::new(self.html, self.reading, block, line);
                self.renumbered |= copy.is_numbered();
                for text in texts {
                    copy.write(text, &mut out);
                }
                let at = block.close.as_ref().map_or(block.open.end, |close| close.end);
                return self.edits.insert(at, &out);
            }
            match &line.stop {
                Stop::Break(range) => {
                    for text in texts {
                        out.push_str(&escape(text));
                        out.push_str("<br>");
                    }
                    self.edits.insert(range.end, &out);
                }
                Stop::Block(at) => {
                    for text in texts {
                        out.push_str("<br>");
                        out.push_str(if text.is_empty() { "&nbsp;" } else { "" });
                        out.push_str(&escape(text));
                    }
                    self.edits.insert(*at, &out);
                }
            }
            return;
        }
        let Some(line) = self.line(after) else { return };
        // Before an item that begins with its sign stands another item, whatever else is in it.
        let item = line.mark.as_ref().and_then(|mark| self.element(mark.item));
        if let Some(block) = item.or_else(|| self.block_to_copy(line)) {
            let copy = Like::new(self.html, self.reading, block, line);
            self.renumbered |= copy.is_numbered();
            for text in texts {
                copy.write(text, &mut out);
            }
            return self.edits.insert(block.open.start, &out);
        }
        for text in texts {
            out.push_str(&escape(text));
            out.push_str("<br>");
        }
        self.edits.insert(line.from, &out);
    }

    /// The block that is this line and nothing else, if more of its kind can stand beside it.
    fn block_to_copy(&self, line: &Line) -> Option<&'a Element> {
        let around = self.element(line.element)?;
        let id = line.mark.as_ref().map_or(around.block, |mark| mark.item);
        let block = self.element(id)?;
        let can_be_copied =
            matches!(block.name.as_str(), "p" | "div" | "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
        let is_item = block.name == "li" && line.mark.is_none();
        (can_be_copied && !is_item && block.lines.len() == 1 && block.close.is_some() && block.is_apart)
            .then_some(block)
    }

    /// The item of a numbered list that now follows something else keeps its number.
    fn keep_number(&mut self, index: usize) {
        let Some(mark) = self.line(index).and_then(|line| line.mark.as_ref()) else { return };
        let (Some(number), Some(item)) = (mark.number, self.element(mark.item)) else { return };
        let at = item.open.start + 1 + item.name.len();
        self.edits.insert(at, &format!(" value=\"{number}\""));
    }
}
