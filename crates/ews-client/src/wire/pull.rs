//! The pull parser under everything that is read from a server.
//!
//! Elements are told apart by local name alone: prefixes differ between servers, and published samples even carry wrong
//! namespace names. A document type declaration is refused, depth and size are limited, and characters that XML 1.0
//! forbids (real servers send them, raw and as `&#x0;`) are dropped instead of failing a whole page.
//!
//! [`Pull::child`] walks the children of one element. Whatever of a child was left unread is skipped by the next call,
//! so an unknown element costs its reader nothing.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::zone::ZoneDefinition;

/// Deeper nesting than any answer has.
const MAX_DEPTH: usize = 64;

/// Why a document could not be read.
///
/// Positions are byte offsets; no text of the document is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// Not well-formed.
    #[error("the answer is not well-formed XML (at byte {at}: {what})")]
    Malformed {
        /// Byte offset.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The document stops in the middle.
    #[error("the answer ends in the middle (after byte {at}), ask again")]
    Truncated {
        /// Byte offset.
        at: u64,
    },
    /// It has a document type declaration, which no Exchange server sends.
    #[error(
        "the answer has a document type declaration, which is refused; check that the URL leads to an Exchange server"
    )]
    DocumentType,
    /// Nested too deeply.
    #[error("the answer is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More entries than any answer has.
    #[error("the answer has more than {limit} {what}, ask for a smaller page")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An HTML page.
    #[error(
        "the answer is an HTML page instead of SOAP; check the URL, it usually ends in /EWS/Exchange.asmx"
    )]
    Html,
    /// Nothing at all.
    #[error("the answer is empty; check that the URL leads to an Exchange server")]
    Empty,
    /// XML, but not an answer of Exchange Web Services.
    #[error(
        "the answer is XML but not an Exchange Web Services response (root element {root}); check the URL"
    )]
    NotEws {
        /// Local name of the root element, shortened.
        root: String,
    },
}

/// A start tag. Its content is read through [`Pull`].
pub(crate) struct Element<'a> {
    start: BytesStart<'a>,
    name_from: usize,
}

impl<'a> Element<'a> {
    fn new(start: BytesStart<'a>) -> Self {
        let name = start.name().into_inner();
        let name_from = name.find(':').map_or(0, |colon| colon + 1);
        Self { start, name_from }
    }

    /// The name without its prefix.
    pub(crate) fn local(&self) -> &str {
        self.start.name().into_inner().get(self.name_from..).unwrap_or_default()
    }

    /// Its attributes as they are written.
    pub(crate) fn raw_attributes(&self) -> &str {
        self.start.attributes_raw()
    }

    /// The value of an attribute by local name. Attributes that are not well-formed count as absent.
    pub(crate) fn attribute(&self, local: &str) -> Option<String> {
        for attribute in self.start.attributes().with_checks(false).flatten() {
            let key = attribute.key.into_inner();
            if key.rsplit(':').next() != Some(local) || key.starts_with("xmlns") {
                continue;
            }
            let mut value = String::new();
            unescape(&attribute.value, &mut value);
            return Some(value);
        }
        None
    }

    /// Calls `each` with every attribute, by local name, namespace declarations left out.
    pub(crate) fn attributes(&self, mut each: impl FnMut(&str, String)) {
        for attribute in self.start.attributes().with_checks(false).flatten() {
            let key = attribute.key.into_inner();
            if key.starts_with("xmlns") {
                continue;
            }
            let mut value = String::new();
            unescape(&attribute.value, &mut value);
            each(key.rsplit(':').next().unwrap_or(key), value);
        }
    }
}

/// A cursor over one document.
pub(crate) struct Pull<'a> {
    source: &'a str,
    reader: Reader<&'a [u8]>,
    depth: usize,
    /// Zones that were read, by their markup: a page repeats one definition for every item.
    pub(super) zones: Vec<SeenZone<'a>>,
}

/// A zone definition with the markup it was read from.
pub(super) struct SeenZone<'a> {
    pub(super) attributes: String,
    pub(super) inside: &'a str,
    pub(super) zone: Arc<ZoneDefinition>,
}

impl<'a> Pull<'a> {
    /// Starts before the root element.
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { source: text, reader, depth: 0, zones: Vec::new() }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// The root element.
    pub(crate) fn root(&mut self) -> Result<Element<'a>, XmlError> {
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(Element::new(start)),
                Event::Eof => return Err(XmlError::Empty),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(self.malformed("text before the first element"));
                }
                _ => {}
            }
        }
    }

    /// Reads on after the root element: nothing but white space and comments may follow.
    pub(crate) fn finish(&mut self) -> Result<(), XmlError> {
        while self.depth > 0 {
            if matches!(self.event()?, Event::Eof) {
                return Err(self.truncated());
            }
        }
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Start(_) => return Err(self.malformed("a second root element")),
                _ => {}
            }
        }
    }

    /// The next child of the element that is `level` deep, `None` after its last one.
    ///
    /// `level` is [`depth`](Self::depth) as it was when that element had just been entered.
    pub(crate) fn child(&mut self, level: usize) -> Result<Option<Element<'a>>, XmlError> {
        if self.depth < level {
            return Ok(None);
        }
        loop {
            match self.event()? {
                Event::Start(start) if self.depth == level + 1 => return Ok(Some(Element::new(start))),
                Event::End(_) if self.depth < level => return Ok(None),
                Event::Eof => return Err(self.truncated()),
                _ => {}
            }
        }
    }

    /// The text of the element that was just entered, and leaves it. Text of nested elements does not count.
    ///
    /// Borrows when the text is in one piece.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, XmlError> {
        let level = self.depth;
        let mut text: Cow<'a, str> = Cow::Borrowed("");
        loop {
            match self.event()? {
                Event::Text(piece) if self.depth == level => append(&mut text, clean(piece.xml10_content())),
                Event::CData(piece) if self.depth == level => append(&mut text, clean(piece.xml10_content())),
                Event::GeneralRef(reference) if self.depth == level => {
                    resolve(&reference, text.to_mut());
                }
                Event::End(_) if self.depth < level => return Ok(text),
                Event::Eof => return Err(self.truncated()),
                _ => {}
            }
        }
    }

    /// The markup inside the element that was just entered, and leaves it. Two elements with the same markup have the same
    /// content, so a reader need not look at it twice.
    pub(crate) fn raw(&mut self) -> Result<&'a str, XmlError> {
        let level = self.depth;
        let from = self.reader.buffer_position();
        let mut to = from;
        while self.depth >= level {
            to = self.reader.buffer_position();
            if matches!(self.event()?, Event::Eof) {
                return Err(self.truncated());
            }
        }
        let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
        Ok(self.source.get(at(from)..at(to)).unwrap_or_default())
    }

    /// As [`text`](Self::text), owned.
    pub(crate) fn string(&mut self) -> Result<String, XmlError> {
        Ok(self.text()?.into_owned())
    }

    /// As [`string`](Self::string), `None` when there is nothing but white space.
    pub(crate) fn filled(&mut self) -> Result<Option<String>, XmlError> {
        let text = self.text()?;
        Ok(if text.trim().is_empty() { None } else { Some(text.into_owned()) })
    }

    fn event(&mut self) -> Result<Event<'a>, XmlError> {
        let event = match self.reader.read_event() {
            Ok(event) => event,
            Err(error) => return Err(self.explain(&error)),
        };
        match &event {
            Event::Start(_) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(XmlError::TooDeep);
                }
            }
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::DocType(_) => return Err(XmlError::DocumentType),
            _ => {}
        }
        Ok(event)
    }

    fn explain(&self, error: &quick_xml::Error) -> XmlError {
        use quick_xml::Error;
        use quick_xml::errors::{IllFormedError, SyntaxError};
        match error {
            Error::Syntax(SyntaxError::UnclosedDoctype) => XmlError::DocumentType,
            Error::Syntax(SyntaxError::InvalidBangMarkup) => self.malformed("unknown markup after <!"),
            Error::Syntax(_) => XmlError::Truncated { at: self.reader.error_position() },
            Error::IllFormed(IllFormedError::MissingEndTag(_)) => self.truncated(),
            Error::IllFormed(
                IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_),
            ) => self.malformed("an end tag does not match its start tag"),
            Error::IllFormed(IllFormedError::UnclosedReference) => self.malformed("a lone ampersand"),
            _ => self.malformed("not XML"),
        }
    }

    fn malformed(&self, what: &'static str) -> XmlError {
        XmlError::Malformed { at: self.reader.error_position().max(self.reader.buffer_position()), what }
    }

    fn truncated(&self) -> XmlError {
        XmlError::Truncated { at: self.reader.buffer_position() }
    }
}

/// Makes text of what a server sent: UTF-8 as a rule, UTF-16 by its mark, bad bytes replaced.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let utf16 = |rest: &[u8], join: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(join);
        Cow::Owned(
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
        )
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        },
    }
}

/// Whether XML 1.0 lets this character stand in a document.
pub(crate) fn is_legal(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

fn clean(text: Cow<'_, str>) -> Cow<'_, str> {
    let suspicious = |byte: &u8| (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0xEF;
    if text.as_bytes().iter().any(suspicious) && !text.chars().all(is_legal) {
        return Cow::Owned(text.chars().filter(|c| is_legal(*c)).collect());
    }
    text
}

fn append<'a>(text: &mut Cow<'a, str>, piece: Cow<'a, str>) {
    if text.is_empty() {
        *text = piece;
    } else {
        text.to_mut().push_str(&piece);
    }
}

/// Appends what a reference stands for. Unknown entities stay as they are written; illegal characters vanish.
fn resolve(name: &str, out: &mut String) {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let character = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let Some(digits) = name.strip_prefix('#') else {
                out.push('&');
                out.push_str(name);
                out.push(';');
                return;
            };
            match digits.strip_prefix(['x', 'X']) {
                Some(hex) => number(hex, 16),
                None => number(digits, 10),
            }
        }
    };
    out.extend(character.filter(|c| is_legal(*c)));
}

/// Resolves the references in an attribute value.
fn unescape(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        out.extend(before.chars().filter(|c| is_legal(*c)));
        if let Some((name, behind)) = after.split_once(';') {
            resolve(name, out);
            rest = behind;
        } else {
            out.push('&');
            rest = after;
        }
    }
    if rest.bytes().all(|byte| byte >= 0x20 && byte != 0xEF) {
        out.push_str(rest);
    } else {
        out.extend(rest.chars().filter(|c| is_legal(*c)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_text(xml: &str) -> Result<String, XmlError> {
        let mut pull = Pull::new(xml);
        pull.root()?;
        let text = pull.string()?;
        pull.finish()?;
        Ok(text)
    }

    #[test]
    fn references_and_pieces_become_one_text() {
        assert_eq!(only_text("<a>x &amp; &#x41;<![CDATA[<b>]]>&#66;</a>").unwrap(), "x & A<b>B");
        assert_eq!(only_text("<a>1<b>not this</b>2</a>").unwrap(), "12");
    }

    #[test]
    fn illegal_characters_vanish_whether_raw_or_as_references() {
        assert_eq!(only_text("<a>x&#x0;\u{1}&#x1F;&#xFFFE;&#xD800;\u{FFFF}y</a>").unwrap(), "xy");
        assert_eq!(only_text("<a>tab\tline\n\u{FFFD}</a>").unwrap(), "tab\tline\n\u{FFFD}");
    }

    #[test]
    fn unknown_entities_stay_as_written() {
        assert_eq!(only_text("<a>&nbsp;</a>").unwrap(), "&nbsp;");
    }

    #[test]
    fn a_document_type_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
        assert_eq!(only_text(bomb), Err(XmlError::DocumentType));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let mut pull = Pull::new("<a>");
        pull.root().unwrap();
        let deep = "<a>".repeat(10_000);
        let mut pull_deep = Pull::new(&deep);
        pull_deep.root().unwrap();
        assert_eq!(pull_deep.text(), Err(XmlError::TooDeep));
        assert!(matches!(pull.text(), Err(XmlError::Truncated { .. })));
    }

    #[test]
    fn unread_children_are_skipped() {
        let mut pull = Pull::new("<a><b><c>1</c><c/></b><x:d xmlns:x='u' Id='&lt;5&#10;'>2</x:d></a>");
        pull.root().unwrap();
        let level = pull.depth();
        assert_eq!(pull.child(level).unwrap().unwrap().local(), "b");
        let second = pull.child(level).unwrap().unwrap();
        assert_eq!(second.local(), "d");
        assert_eq!(second.attribute("Id").unwrap(), "<5\n");
        assert_eq!(pull.text().unwrap(), "2");
        assert!(pull.child(level).unwrap().is_none());
        assert!(pull.child(level).unwrap().is_none());
        pull.finish().unwrap();
    }

    #[test]
    fn mismatched_and_cut_documents_say_what_is_wrong() {
        assert!(matches!(only_text("<a>x</b>"), Err(XmlError::Malformed { .. })));
        assert!(matches!(only_text("<a>x"), Err(XmlError::Truncated { .. })));
        assert!(matches!(only_text("<a>x</a><b/>"), Err(XmlError::Malformed { .. })));
        assert_eq!(only_text(""), Err(XmlError::Empty));
        assert!(matches!(only_text("hello"), Err(XmlError::Malformed { .. })));
    }

    #[test]
    fn utf_16_and_bad_bytes_are_read() {
        assert_eq!(decode(&[0xFF, 0xFE, b'<', 0, b'a', 0]), "<a");
        assert_eq!(decode(&[0xEF, 0xBB, 0xBF, b'<']), "<");
        assert_eq!(decode(&[b'x', 0xFF]), "x\u{FFFD}");
    }
}
