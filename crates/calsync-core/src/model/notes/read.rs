//! What a person reads in HTML, line by line, and where in the source each character stands.
//!
//! One block is one line: a paragraph, an item of a list, a row of a table. Nothing stands between two of them unless
//! there is an empty paragraph or a `<br>` of its own, so the paragraphs of Word and Outlook, which have no margins,
//! do not fall apart, and every text of several lines can be written as blocks again. Style sheets, scripts, comments
//! and what is not displayed are left out. Items of lists begin with `- ` or their number, cells of a row are joined
//! with ` | `, the address of a link follows its text unless it is the text.

use std::collections::BTreeMap;
use std::ops::Range;

use super::elements::{Mark, Style, is_block, is_object, is_void, number};
use super::entity;
use super::scan::{self, Kind, Token};

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The characters of all lines, one after the other.
    pub(super) pieces: Vec<Piece>,
    /// White space that is not shown because it follows white space: by the index of the piece it belongs to.
    pub(super) echoes: Vec<(usize, Range<usize>)>,
    pub(super) lines: Vec<Line>,
    /// Elements by the order in which they begin; the first one stands for the document.
    pub(super) elements: Vec<Element>,
    /// Whether there is something to look at besides text.
    pub(super) has_objects: bool,
    /// Where text of a document without any would be put.
    pub(super) entry: usize,
    /// Where the last `</body>` begins.
    pub(super) exit: Option<usize>,
}

/// A character that is read.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) shown: char,
    /// What stands for it in the source.
    pub(super) source: Range<usize>,
    pub(super) origin: Origin,
}

/// Where a character comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is written.
    Written,
    /// White space, which is a space only between other characters.
    Soft,
    /// It is made for the reader: the sign of a list, the line between cells, the address of a link.
    Made,
}

/// One line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Its first piece.
    pub(super) first: usize,
    /// The end of the pieces that are read.
    pub(super) end: usize,
    /// The end of its pieces with blanks at the end, which nobody reads.
    pub(super) tail: usize,
    /// The innermost element around its first character.
    pub(super) element: usize,
    /// Where the line may begin in the source: after what ended the one before.
    pub(super) from: usize,
    /// What ends it.
    pub(super) stop: Stop,
    /// The sign of the list item that it begins.
    pub(super) mark: Option<Mark>,
}

/// What ends a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// A `<br>`, or a line end where these count.
    Break(Range<usize>),
    /// The tag of a block that begins here, or the end of the document.
    Block(usize),
}

/// An element of the source.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    pub(super) name: String,
    /// Its start tag.
    pub(super) open: Range<usize>,
    /// Its end tag; `None` where it was left out.
    pub(super) close: Option<Range<usize>>,
    pub(super) parent: usize,
    /// Itself or the innermost block around it.
    pub(super) block: usize,
    /// Lines that begin in it.
    pub(super) lines: Range<usize>,
    /// Things to look at in it.
    objects: Range<usize>,
    /// Whether a line ends where it begins even without it.
    pub(super) is_apart: bool,
    style: Style,
    /// For lists: the number of the next item. For links: the first piece.
    count: i64,
}

impl Element {
    /// Whether it holds an image or the like.
    pub(super) fn has_objects(&self) -> bool {
        !self.objects.is_empty()
    }
}

/// What comes before the next character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Nothing,
    /// A new line; the one before ended there.
    Break(usize),
    /// The cell ended there.
    CellEnd(usize),
    /// The line between two cells; the second one begins after this tag.
    Cell(usize),
}

/// Addresses that a person can follow.
const ADDRESSES: [&str; 5] = ["http://", "https://", "mailto:", "tel:", "ftp://"];

/// So many elements are told apart; tags beyond them are not seen, their text is.
const ELEMENTS: usize = 100_000;

/// How far up a misplaced end tag looks for its start: inline elements seldom stand that deep.
const NEAR: usize = 64;

/// Reads `html`.
pub(super) fn read(html: &str) -> Reading {
    let root = Element { is_apart: true, ..Element::default() };
    let mut reader = Reader {
        html,
        out: Reading { elements: vec![root], ..Reading::default() },
        open: vec![0],
        open_by_name: BTreeMap::new(),
        pending: Pending::Nothing,
        blanks: Vec::new(),
        line: None,
        from: 0,
        mark: None,
        row_has_content: false,
        objects: 0,
        pre: usize::MAX,
    };
    let mut end = html.len();
    for token in scan::tokens(html) {
        match &token.kind {
            Kind::Text => reader.text(token.range),
            Kind::Open(name) => reader.open(name, &token),
            Kind::Close(name) => reader.close(name, &token),
            Kind::Skipped => {}
            Kind::Unfinished => end = token.range.start,
        }
    }
    reader.finish(end)
}

/// Whether a character is read at all.
pub(super) fn is_readable(shown: char) -> bool {
    !shown.is_control() && !matches!(shown, '\u{fffe}' | '\u{ffff}')
}

struct Reader<'a> {
    html: &'a str,
    out: Reading,
    /// Open elements, outermost first.
    open: Vec<usize>,
    open_by_name: BTreeMap<String, usize>,
    pending: Pending,
    /// White space since the last character.
    blanks: Vec<Range<usize>>,
    /// The line that is being read.
    line: Option<Line>,
    /// Where the next line may begin.
    from: usize,
    /// The item whose sign has not been shown.
    mark: Option<Mark>,
    row_has_content: bool,
    objects: usize,
    /// Where the last `<pre>` ends.
    pre: usize,
}

impl Reader<'_> {
    fn top(&self) -> usize {
        self.open.last().copied().unwrap_or(0)
    }

    fn style(&self) -> Style {
        self.out.elements.get(self.top()).map_or_else(Style::default, |element| element.style)
    }

    fn text(&mut self, range: Range<usize>) {
        let style = self.style();
        if style.hidden {
            return;
        }
        let (mut at, end) = (range.start, range.end);
        while let Some(rest) = self.html.get(at..end).filter(|rest| !rest.is_empty()) {
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c');
            let blanks = rest.bytes().take_while(|byte| blank(byte)).count();
            if blanks > 0 && !style.verbatim {
                self.blanks.push(at..at + blanks);
                at += blanks;
                continue;
            }
            let Some(first) = rest.chars().next() else { return };
            let (shown, length) = match entity::reference(rest) {
                Some(found) => found,
                None => (first, first.len_utf8()),
            };
            let source = at..at + length;
            at = source.end;
            match shown {
                // The line end behind the start tag is not read.
                '\n' if source.start == self.pre => {}
                '\n' if style.verbatim => self.line_break(source),
                // Behind a reference too these are white space.
                '\t' if style.verbatim => {
                    for _ in 0..4 {
                        self.show(' ', source.clone(), Origin::Written);
                    }
                }
                '\n' | '\t' | '\r' | '\x0c' => self.blanks.push(source),
                '\u{a0}' if style.bullet => self.blanks.push(source),
                '\u{a0}' => self.show(' ', source, Origin::Written),
                _ if is_readable(shown) => self.show(shown, source, Origin::Written),
                _ => {}
            }
        }
    }

    /// Shows a character, after what has to come before it.
    fn show(&mut self, shown: char, source: Range<usize>, origin: Origin) {
        self.begin_content();
        self.flush_blanks();
        self.out.pieces.push(Piece { shown, source, origin });
    }

    /// Begins a line or a cell where one is due.
    fn begin_content(&mut self) {
        match (self.pending, self.line.is_some()) {
            (Pending::Break(at), true) => self.end_line(Stop::Block(at)),
            (Pending::Cell(at) | Pending::CellEnd(at), true) => {
                self.blanks.clear();
                self.made(" | ", at..at);
            }
            _ => {}
        }
        self.pending = Pending::Nothing;
        self.row_has_content = true;
        if self.line.is_none() {
            self.begin_line();
        }
    }

    fn begin_line(&mut self) {
        self.blanks.clear();
        let first = self.out.pieces.len();
        let mark = self.mark.take();
        if let Some(mark) = &mark {
            let text = mark.text();
            let at = self.out.elements.get(mark.item).map_or(0, |item| item.open.end);
            self.made(&text, at..at);
        }
        self.line = Some(Line {
            first,
            end: first,
            tail: first,
            element: self.top(),
            from: self.from,
            stop: Stop::Block(self.from),
            mark,
        });
    }

    fn made(&mut self, text: &str, source: Range<usize>) {
        for shown in text.chars() {
            self.out.pieces.push(Piece { shown, source: source.clone(), origin: Origin::Made });
        }
    }

    /// White space between two characters of a line is one space.
    fn flush_blanks(&mut self) {
        let mut blanks = std::mem::take(&mut self.blanks).into_iter();
        let at_start = self.line.as_ref().is_some_and(|line| line.first == self.out.pieces.len());
        let after_made =
            self.out.pieces.last().is_some_and(|last| last.origin == Origin::Made && last.shown == ' ');
        if at_start || after_made {
            return;
        }
        let Some(first) = blanks.next() else { return };
        let index = self.out.pieces.len();
        self.out.pieces.push(Piece { shown: ' ', source: first, origin: Origin::Soft });
        self.out.echoes.extend(blanks.map(|blank| (index, blank)));
    }

    fn end_line(&mut self, stop: Stop) {
        let Some(mut line) = self.line.take() else { return };
        line.tail = self.out.pieces.len();
        let read = self.out.pieces.get(line.first..line.tail).unwrap_or_default();
        line.end = line.first + trimmed(read.iter().map(|piece| piece.shown));
        line.stop = stop;
        self.out.lines.push(line);
        self.blanks.clear();
    }

    fn line_break(&mut self, source: Range<usize>) {
        if let (Pending::Break(at), true) = (self.pending, self.line.is_some()) {
            self.end_line(Stop::Block(at));
        }
        self.pending = Pending::Nothing;
        if self.line.is_none() {
            self.begin_line();
        }
        self.from = source.end;
        self.end_line(Stop::Break(source));
    }

    /// A block begins or ends: what follows stands in a line of its own.
    fn block(&mut self, tag: &Range<usize>, is_row: bool) {
        self.pending = match self.pending {
            Pending::Cell(_) if !is_row => self.pending,
            Pending::Break(at) | Pending::CellEnd(at) => Pending::Break(at),
            Pending::Nothing | Pending::Cell(_) => Pending::Break(tag.start),
        };
        if !self.style().hidden {
            self.from = tag.end;
        }
    }

    fn lines_begun(&self) -> usize {
        self.out.lines.len() + usize::from(self.line.is_some())
    }

    fn open(&mut self, name: &str, token: &Token) {
        if self.out.elements.len() >= ELEMENTS {
            return;
        }
        let source = self.html.get(token.range.clone()).unwrap_or_default();
        let hidden = self.style().hidden;
        self.imply_ends(name, token.range.start);
        if name == "br" {
            if !hidden {
                self.line_break(token.range.clone());
            }
            return;
        }
        let is_block = is_block(name);
        let is_apart = self.line.is_none() || matches!(self.pending, Pending::Break(_));
        match name {
            "td" | "th" => {
                let joins = self.row_has_content && self.line.is_some();
                self.pending = if joins { Pending::Cell(token.range.end) } else { self.pending };
                if !joins && !hidden {
                    self.from = token.range.end;
                }
            }
            "tr" | "table" => {
                self.block(&token.range, true);
                self.row_has_content = false;
            }
            _ if is_block => self.block(&token.range, false),
            _ => {}
        }
        if is_object(name) && !hidden {
            self.objects += 1;
            self.out.has_objects = true;
        }
        if matches!(name, "html" | "body") {
            self.out.entry = token.range.end;
        }
        if is_void(name) || name.contains(':') {
            if name == "hr" && !hidden {
                for _ in 0..3 {
                    self.show('-', token.range.clone(), Origin::Written);
                }
                self.block(&(token.range.end..token.range.end), false);
            }
            return;
        }
        if name == "pre" {
            self.pre = token.range.end;
        }
        let style = self.style().of(name, source);
        let id = self.out.elements.len();
        let parent = self.top();
        let mut count = 0;
        if name == "ol" {
            count = scan::value(source, "start").and_then(number).unwrap_or(1);
        } else if name == "a" {
            count = i64::try_from(self.out.pieces.len()).unwrap_or(i64::MAX);
        } else if name == "li" {
            self.mark = self.mark_of(id, parent, source);
        }
        let block = self.out.elements.get(parent).map_or(0, |parent| parent.block);
        let (lines, objects) = (self.lines_begun(), self.objects);
        self.out.elements.push(Element {
            name: name.to_owned(),
            open: token.range.clone(),
            close: None,
            parent,
            block: if is_block { id } else { block },
            lines: lines..lines,
            objects: objects..objects,
            is_apart,
            style,
            count,
        });
        self.open.push(id);
        *self.open_by_name.entry(name.to_owned()).or_default() += 1;
    }

    /// The sign of the item `item`, which begins in `parent`.
    fn mark_of(&mut self, item: usize, parent: usize, source: &str) -> Option<Mark> {
        let style = self.style();
        let written = scan::value(source, "value").and_then(number);
        let plain = scan::value(source, "style").is_some_and(|style| {
            style.chars().filter(|c| !c.is_whitespace()).collect::<String>().contains("list-style-type:none")
        });
        let list = self.out.elements.get_mut(parent)?;
        let number = (list.name == "ol").then(|| {
            let number = written.unwrap_or(list.count);
            // An item without a sign is not counted either: what follows keeps its number when it loses one.
            list.count = if plain { list.count } else { number.saturating_add(1) };
            number
        });
        (!plain && !style.hidden).then(|| Mark::new(item, style.depth, number))
    }

    /// Ends what may not hold an element of that name.
    fn imply_ends(&mut self, name: &str, at: usize) {
        match name {
            "li" => self.end_near(&["li"], &["ul", "ol", "menu", "dir"], at),
            "td" | "th" => self.end_near(&["td", "th"], &["tr", "table"], at),
            "tr" => self.end_near(&["tr"], &["table"], at),
            "tbody" | "thead" | "tfoot" => self.end_near(&["tbody", "thead", "tfoot"], &["table"], at),
            "dt" | "dd" => self.end_near(&["dt", "dd"], &["dl"], at),
            "a" => self.end_near(&["a"], &["table"], at),
            _ => {}
        }
        if is_block(name) && self.open_by_name.get("p").is_some_and(|open| *open > 0) {
            self.end_near(&["p"], &["td", "th", "table", "div", "li"], at);
        }
    }

    /// Ends the innermost element of one of these names, if it stands near and not beyond one of the others.
    fn end_near(&mut self, names: &[&str], beyond: &[&str], at: usize) {
        let mut near = self.open.iter().enumerate().rev().take(NEAR);
        let found = near.find_map(|(index, id)| {
            let name = self.out.elements.get(*id)?.name.as_str();
            (names.contains(&name) || beyond.contains(&name)).then_some((index, names.contains(&name)))
        });
        if let Some((index, true)) = found {
            self.end_down_to(index, None, at);
        }
    }

    fn close(&mut self, name: &str, token: &Token) {
        if name == "br" {
            return;
        }
        let is_block = is_block(name);
        if name == "body" {
            self.out.exit = Some(token.range.start);
        }
        if name == "head" {
            self.out.entry = token.range.end;
        }
        let is_open = self.open_by_name.get(name).is_some_and(|open| *open > 0);
        if is_open {
            let reach = if is_block { usize::MAX } else { NEAR };
            let mut near = self.open.iter().enumerate().rev().take(reach);
            let found = near.find_map(|(index, id)| {
                let element = self.out.elements.get(*id)?;
                // An inline element is not ended through a block.
                let stops = !is_block && element.block == *id && *id != 0;
                (element.name == name || stops).then_some((index, element.name == name))
            });
            if let Some((index, true)) = found {
                let was_hidden = self.style().hidden;
                self.end_down_to(index, Some(&token.range), token.range.start);
                if was_hidden && !self.style().hidden {
                    return;
                }
            }
        }
        match name {
            "td" | "th" if self.pending == Pending::Nothing => {
                self.pending = Pending::CellEnd(token.range.start);
            }
            "tr" | "table" => self.block(&token.range, true),
            _ if is_block => self.block(&token.range, false),
            _ => {}
        }
    }

    /// Ends open elements from the innermost to that one, which has its end tag at `close`.
    fn end_down_to(&mut self, index: usize, close: Option<&Range<usize>>, at: usize) {
        while self.open.len() > index.max(1) {
            let Some(id) = self.open.pop() else { return };
            let last = self.open.len() == index;
            let (lines, objects) = (self.lines_begun(), self.objects);
            let Some(element) = self.out.elements.get_mut(id) else { return };
            element.lines.end = lines;
            element.objects.end = objects;
            element.close = close.filter(|_| last).cloned();
            if let Some(open) = self.open_by_name.get_mut(&element.name) {
                *open -= 1;
            }
            let (is_link, is_item, is_block) =
                (element.name == "a", element.name == "li", element.block == id);
            if is_link {
                self.end_link(id, at);
            }
            if is_item {
                // An item in which nothing is read has no sign either.
                self.mark = self.mark.take().filter(|mark| mark.item != id);
            }
            if is_block && !last {
                self.block(&(at..at), false);
            }
        }
    }

    /// Shows the address of a link after its text.
    fn end_link(&mut self, id: usize, at: usize) {
        let Some(element) = self.out.elements.get(id) else { return };
        let end = element.close.as_ref().map_or(at, |close| close.end);
        let source = self.html.get(element.open.clone()).unwrap_or_default();
        let Some(address) = scan::value(source, "href").map(entity::decode) else { return };
        let address: String =
            address.trim().chars().filter(|c| is_readable(*c) && !c.is_whitespace()).collect();
        let can_be_followed = ADDRESSES
            .iter()
            .any(|start| address.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start)));
        let from = usize::try_from(element.count).unwrap_or(usize::MAX);
        let text = self.out.pieces.get(from..).unwrap_or_default();
        // Only as much as an address that says the same could have.
        let longest = address.chars().count() + 8;
        let shown: String = text.iter().take(longest + 1).map(|piece| piece.shown).collect();
        let bare = |text: &str| {
            let text = text.trim().trim_end_matches('/').to_lowercase();
            let start = ADDRESSES.iter().find_map(|start| text.strip_prefix(start).map(str::to_owned));
            start.unwrap_or(text)
        };
        let is_read = self.line.is_some() && !element.style.hidden && !shown.trim().is_empty();
        if is_read && can_be_followed && bare(&shown) != bare(&address) {
            self.made(&format!(" <{address}>"), end..end);
        }
    }

    fn finish(mut self, end: usize) -> Reading {
        self.end_down_to(1, None, end);
        let at = match self.pending {
            Pending::Break(at) | Pending::CellEnd(at) => at,
            Pending::Nothing | Pending::Cell(_) => end,
        };
        self.end_line(Stop::Block(at));
        let (lines, objects) = (self.out.lines.len(), self.objects);
        if let Some(root) = self.out.elements.first_mut() {
            root.lines = 0..lines;
            root.objects = 0..objects;
        }
        self.out.entry = self.out.entry.min(end);
        self.out
    }
}

impl Reading {
    /// The text of one line.
    pub(super) fn line(&self, line: &Line) -> String {
        self.pieces.get(line.first..line.end).unwrap_or_default().iter().map(|piece| piece.shown).collect()
    }

    /// The text, without blank lines at the end.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.pieces.len() + self.lines.len());
        for (index, line) in self.lines.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            let pieces = self.pieces.get(line.first..line.end).unwrap_or_default();
            text.extend(pieces.iter().map(|piece| piece.shown));
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// How many characters are left without the blanks at the end.
fn trimmed(text: impl DoubleEndedIterator<Item = char> + ExactSizeIterator) -> usize {
    let all = text.len();
    all - text.rev().take_while(|shown| shown.is_whitespace()).count()
}
