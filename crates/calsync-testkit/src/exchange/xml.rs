//! Reading and writing XML for the mock, independent of every client in the workspace.
//!
//! In: request bytes, out: a small tree of [`Node`]s; and [`Xml`], a writer with the prefixes `t:` and `m:`. Requests are
//! small, so a tree is fine here. Document types are refused, and characters that XML 1.0 forbids are refused in requests
//! but written as references in answers, which is what real servers do with old data.

use std::fmt::Write as _;

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

pub(crate) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(crate) const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
pub(crate) const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
pub(crate) const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

/// Deepest nesting accepted; real messages stay below 20.
const MAX_DEPTH: usize = 64;

/// Namespace of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ns {
    Soap,
    Messages,
    Types,
    Other,
}

/// An element with everything below it; mixed content is joined into `text`.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) ns: Ns,
    pub(crate) name: String,
    pub(crate) attrs: Vec<(String, String)>,
    pub(crate) children: Vec<Node>,
    pub(crate) text: String,
}

impl Node {
    /// First child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.name == name)
    }

    /// First descendant along the path.
    pub(crate) fn path(&self, names: &[&str]) -> Option<&Self> {
        names.iter().try_fold(self, |node, name| node.child(name))
    }

    /// Text of the first child of that name.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|c| c.text.as_str())
    }

    /// Value of an unprefixed attribute.
    pub(crate) fn attr(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Parses a whole document.
///
/// # Errors
///
/// A sentence for the fault text: not well-formed, a document type, a forbidden character, nested too deeply.
pub(crate) fn parse(body: &[u8]) -> Result<Node, String> {
    let text = std::str::from_utf8(body).map_err(|_| "The request is not valid UTF-8.".to_owned())?;
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Node> = Vec::new();
    loop {
        let event =
            reader.read_resolved_event().map_err(|e| format!("The request is not well-formed XML: {e}"))?;
        match event {
            (resolved, Event::Start(start)) => {
                let node = element(&resolved, &start)?;
                if open.len() >= MAX_DEPTH {
                    return Err("The request is nested too deeply.".to_owned());
                }
                open.push(node);
            }
            (resolved, Event::Empty(start)) => {
                let node = element(&resolved, &start)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => return Ok(node),
                }
            }
            (_, Event::End(_)) => {
                let Some(node) = open.pop() else {
                    return Err("The request is not well-formed XML.".to_owned());
                };
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => return Ok(node),
                }
            }
            (_, Event::Text(text)) => add_text(&mut open, &text.xml10_content())?,
            (_, Event::CData(text)) => add_text(&mut open, &text)?,
            (_, Event::GeneralRef(reference)) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(c)) => c.to_string(),
                    Ok(None) => match &*reference {
                        "lt" => "<".to_owned(),
                        "gt" => ">".to_owned(),
                        "amp" => "&".to_owned(),
                        "apos" => "'".to_owned(),
                        "quot" => "\"".to_owned(),
                        other => {
                            return Err(format!("The request refers to the undeclared entity '{other}'."));
                        }
                    },
                    Err(_) => return Err("The request has an invalid character reference.".to_owned()),
                };
                add_text(&mut open, &resolved)?;
            }
            (_, Event::DocType(_)) => {
                return Err("For security reasons DTD is prohibited in this XML document.".to_owned());
            }
            (_, Event::Eof) => return Err("The request ends before its root element does.".to_owned()),
            (_, Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => {}
        }
    }
}

fn add_text(open: &mut [Node], text: &str) -> Result<(), String> {
    if let Some(bad) = text.chars().find(|c| !is_xml_char(*c)) {
        return Err(format!(
            "'{}', hexadecimal value 0x{:02X}, is an invalid character.",
            bad.escape_default(),
            u32::from(bad)
        ));
    }
    if let Some(node) = open.last_mut() {
        node.text.push_str(text);
    }
    Ok(())
}

/// Whether XML 1.0 allows the character.
pub(crate) fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}')
}

fn element(resolved: &ResolveResult<'_>, start: &BytesStart<'_>) -> Result<Node, String> {
    let ns = match resolved {
        ResolveResult::Bound(ns) => match ns.0 {
            SOAP => Ns::Soap,
            MESSAGES => Ns::Messages,
            TYPES => Ns::Types,
            _ => Ns::Other,
        },
        ResolveResult::Unbound => Ns::Other,
        ResolveResult::Unknown(prefix) => return Err(format!("'{prefix}' is an undeclared prefix.")),
    };
    let mut attrs = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| format!("The request is not well-formed XML: {e}"))?;
        let key = attribute.key.into_inner();
        if key == "xmlns" || key.starts_with("xmlns:") {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|e| format!("The request is not well-formed XML: {e}"))?;
        attrs.push((key.to_owned(), value.into_owned()));
    }
    Ok(Node {
        ns,
        name: start.local_name().into_inner().to_owned(),
        attrs,
        children: Vec::new(),
        text: String::new(),
    })
}

/// Writes elements; names carry their prefix.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    out: String,
    open: Vec<String>,
}

impl Xml {
    /// Opens an element.
    pub(crate) fn open(&mut self, name: &str) {
        self.open_with(name, &[]);
    }

    /// Opens an element with attributes.
    pub(crate) fn open_with(&mut self, name: &str, attrs: &[(&str, &str)]) {
        self.start(name, attrs);
        self.out.push('>');
        self.open.push(name.to_owned());
    }

    /// Closes the innermost open element.
    pub(crate) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(&name);
            self.out.push('>');
        }
    }

    /// An element with text.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.leaf_with(name, &[], text);
    }

    /// An element with attributes and text.
    pub(crate) fn leaf_with(&mut self, name: &str, attrs: &[(&str, &str)], text: &str) {
        if text.is_empty() {
            self.empty_with(name, attrs);
            return;
        }
        self.start(name, attrs);
        self.out.push('>');
        escape(&mut self.out, text);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element with a truth value.
    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.leaf(name, if value { "true" } else { "false" });
    }

    /// An empty element.
    pub(crate) fn empty(&mut self, name: &str) {
        self.empty_with(name, &[]);
    }

    /// An empty element with attributes.
    pub(crate) fn empty_with(&mut self, name: &str, attrs: &[(&str, &str)]) {
        self.start(name, attrs);
        self.out.push_str("/>");
    }

    /// Adds what another writer made.
    pub(crate) fn raw(&mut self, xml: &str) {
        self.out.push_str(xml);
    }

    /// Closes everything and returns the text.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn start(&mut self, name: &str, attrs: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attrs {
            self.out.push(' ');
            self.out.push_str(key);
            self.out.push_str("=\"");
            escape(&mut self.out, value);
            self.out.push('"');
        }
    }
}

/// Escapes as .NET's writer does: carriage returns and forbidden characters leave as references.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            c if is_xml_char(c) => out.push(c),
            c => {
                // Writing to a string cannot fail.
                let _ = write!(out, "&#x{:X};", u32::from(c));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_writer_escapes_the_parser_reads_back() {
        let mut xml = Xml::default();
        xml.leaf_with("a", &[("k", "x\"<&>")], "Grün <&> \"q\"\r\nzwei");
        let node = parse(xml.finish().as_bytes()).unwrap();
        assert_eq!(node.text, "Grün <&> \"q\"\r\nzwei");
        assert_eq!(node.attr("k"), Some("x\"<&>"));
    }

    #[test]
    fn a_document_type_is_refused() {
        let text = r#"<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>"#;
        assert!(parse(text.as_bytes()).unwrap_err().contains("DTD"));
    }

    #[test]
    fn a_forbidden_character_in_a_request_is_refused_even_as_a_reference() {
        assert!(parse(b"<a>&#x1F;</a>").unwrap_err().contains("0x1F"));
        assert!(parse(b"<a>\x01</a>").is_err());
    }

    #[test]
    fn a_forbidden_character_in_an_answer_leaves_as_a_reference() {
        let mut xml = Xml::default();
        xml.leaf("a", "x\u{1f}y");
        assert_eq!(xml.finish(), "<a>x&#x1F;y</a>");
    }

    #[test]
    fn unfinished_documents_are_refused() {
        for text in ["", "<a>", "<a></b>", "text"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
