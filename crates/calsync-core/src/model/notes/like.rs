//! New lines that are written like their neighbours.

use super::read::{Element, Line, Reading};
use super::scan;
use super::write::escape;

/// How a line like another one is written.
pub(super) struct Like {
    open: String,
    close: String,
    /// The list item it is like: its blanks, and whether it has a number.
    item: Option<(usize, bool)>,
}

impl Like {
    /// Like `line`, which is what `block` holds.
    pub(super) fn new(html: &str, reading: &Reading, block: &Element, line: &Line) -> Like {
        // What follows a heading is no heading.
        let name = if block.name.starts_with('h') { "div" } else { block.name.as_str() };
        let item = line.mark.as_ref().map(|mark| (mark.indent, mark.number.is_some()));
        let mut copy = Like { open: String::new(), close: format!("</{name}>"), item };
        if name == block.name {
            copy.open.push_str(&attributes(html, block, &["class", "style", "dir", "align", "lang"]));
        }
        copy.open = format!("<{name}{}>", copy.open);
        if name != block.name {
            return copy;
        }
        // The font of the text, from the outside to the inside.
        let mut fonts = Vec::new();
        let mut id = line.element;
        for _ in 0..8 {
            let Some(element) =
                reading.elements.get(id).filter(|element| element.open.start > block.open.start)
            else {
                break;
            };
            if matches!(element.name.as_str(), "span" | "font") {
                fonts.push(element);
            }
            id = element.parent;
        }
        for font in fonts.into_iter().rev() {
            let wanted = ["class", "style", "face", "size", "color", "lang"];
            let tag = format!("<{}{}>", font.name, attributes(html, font, &wanted));
            copy.open.push_str(&tag);
            copy.close.insert_str(0, &format!("</{}>", font.name));
        }
        copy
    }

    /// Whether it is an item of a numbered list.
    pub(super) fn is_numbered(&self) -> bool {
        self.item.is_some_and(|(_, is_numbered)| is_numbered)
    }

    /// Adds a line that reads as `text`.
    pub(super) fn write(&self, text: &str, out: &mut String) {
        let Some((indent, is_numbered)) = self.item else {
            out.push_str(&self.open);
            out.push_str(&if text.is_empty() { "&nbsp;".to_owned() } else { escape(text) });
            out.push_str(&self.close);
            return;
        };
        let sign = format!("{}- ", " ".repeat(indent));
        let (attribute, rest) = if is_numbered {
            match numbered(text, indent) {
                Some((number, length)) => {
                    (format!(" value=\"{number}\""), text.chars().skip(length).collect::<String>())
                }
                None => (" style=\"list-style-type:none\"".to_owned(), text.to_owned()),
            }
        } else {
            match text.strip_prefix(&sign) {
                Some(rest) => (String::new(), rest.to_owned()),
                None => (" style=\"list-style-type:none\"".to_owned(), text.to_owned()),
            }
        };
        let at = self.open.find("<li").map_or(0, |at| at + 3);
        let (start, end) = self.open.split_at(at);
        out.push_str(start);
        out.push_str(&attribute);
        out.push_str(end);
        out.push_str(&if rest.is_empty() { "&nbsp;".to_owned() } else { escape(&rest) });
        out.push_str(&self.close);
    }
}

/// The attributes of an element that its like has too, as they are written.
fn attributes(html: &str, element: &Element, wanted: &[&str]) -> String {
    let source = html.get(element.open.clone()).unwrap_or_default();
    let mut out = String::new();
    for name in wanted {
        if let Some(value) = scan::value(source, name) {
            let quote = if value.contains('"') { "'" } else { "\"" };
            for part in [" ", name, "=", quote, value, quote] {
                out.push_str(part);
            }
        }
    }
    out
}

/// The number of a list item of that indent, and the length of its sign.
pub(super) fn numbered(text: &str, indent: usize) -> Option<(i32, usize)> {
    let blanks = " ".repeat(indent);
    let rest = text.strip_prefix(&blanks)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).take(9).collect();
    let number = digits.parse().ok()?;
    let is_canonical = digits == format!("{number}");
    let after = rest.get(digits.len()..)?;
    let sign = if after == "." { 1 } else { 2 };
    (is_canonical && (after.starts_with(". ") || after == "."))
        .then_some((number, indent + digits.len() + sign))
}
