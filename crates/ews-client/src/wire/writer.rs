//! The writer under every request.
//!
//! Text is escaped, and characters that XML 1.0 forbids are left out: a server refuses the whole request for one of them.
//! Names and their order are the business of the callers, because order is what the schema is strict about.

use std::fmt::{Display, Write as _};

use super::pull::is_legal;

/// A document that grows.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: String,
    in_tag: bool,
}

impl Writer {
    /// An empty document with room for a usual request.
    pub(crate) fn new() -> Self {
        Self { out: String::with_capacity(2048), in_tag: false }
    }

    /// Opens an element; attributes may follow.
    pub(crate) fn start(&mut self, name: &str) -> &mut Self {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.in_tag = true;
        self
    }

    /// An attribute of the element that was just opened.
    pub(crate) fn attribute(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        let _ = write!(Escaped { out: &mut self.out, attribute: true }, "{value}");
        self.out.push('"');
        self
    }

    /// An attribute, when there is a value.
    pub(crate) fn attribute_opt(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.attribute(name, value);
        }
        self
    }

    /// Text of the open element.
    pub(crate) fn text(&mut self, text: impl Display) -> &mut Self {
        self.close_tag();
        let _ = write!(Escaped { out: &mut self.out, attribute: false }, "{text}");
        self
    }

    /// Closes the element of that name.
    pub(crate) fn end(&mut self, name: &str) -> &mut Self {
        if self.in_tag {
            self.out.push_str("/>");
            self.in_tag = false;
        } else {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
        self
    }

    /// An element with nothing but text.
    pub(crate) fn leaf(&mut self, name: &str, text: impl Display) -> &mut Self {
        self.start(name).text(text).end(name)
    }

    /// As [`leaf`](Self::leaf), when there is a value.
    pub(crate) fn leaf_opt(&mut self, name: &str, text: Option<impl Display>) -> &mut Self {
        if let Some(text) = text {
            self.leaf(name, text);
        }
        self
    }

    /// Text that is already markup.
    pub(crate) fn raw(&mut self, markup: &str) -> &mut Self {
        self.close_tag();
        self.out.push_str(markup);
        self
    }

    /// The document.
    pub(crate) fn finish(mut self) -> String {
        self.close_tag();
        self.out
    }

    fn close_tag(&mut self) {
        if self.in_tag {
            self.out.push('>');
            self.in_tag = false;
        }
    }
}

struct Escaped<'w> {
    out: &'w mut String,
    attribute: bool,
}

impl std::fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\r' => self.out.push_str("&#xD;"),
                '"' if self.attribute => self.out.push_str("&quot;"),
                '\n' if self.attribute => self.out.push_str("&#xA;"),
                '\t' if self.attribute => self.out.push_str("&#x9;"),
                c if is_legal(c) => self.out.push(c),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pull::Pull;

    #[test]
    fn what_is_written_reads_back_without_illegal_characters() {
        let mut writer = Writer::new();
        writer.start("a").attribute("b", "1 \"<&\n\t\u{0}").text("x<y>&\r\n\u{1}\u{FFFE}z").end("a");
        let text = writer.finish();
        let mut pull = Pull::new(&text);
        let root = pull.root().unwrap();
        assert_eq!(root.attribute("b").unwrap(), "1 \"<&\n\t");
        assert_eq!(pull.text().unwrap(), "x<y>&\r\nz");
    }

    #[test]
    fn elements_without_content_are_closed_at_once() {
        let mut writer = Writer::new();
        writer.start("a").start("b").attribute("c", 1).end("b").end("a");
        assert_eq!(writer.finish(), "<a><b c=\"1\"/></a>");
    }
}
