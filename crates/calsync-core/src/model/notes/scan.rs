//! Cuts HTML into texts, tags and what nobody reads.
//!
//! Tolerant as browsers are: everything is some token, nothing is an error. Each byte is looked at a fixed number of
//! times, whatever the input, and where a comment, a tag or a script is never closed the rest of the input is one
//! [`Kind::Unfinished`] token.

use std::ops::Range;

/// A piece of HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it stands in the source, in bytes.
    pub(super) range: Range<usize>,
}

/// What a piece of HTML is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, with character references in it.
    Text,
    /// A start tag, by its name in lower case.
    Open(String),
    /// An end tag, by its name in lower case.
    Close(String),
    /// A comment, a declaration, the inside of a script or a style sheet.
    Skipped,
    /// The rest of the input, which begins something that never ends.
    Unfinished,
}

/// Elements whose inside is no HTML.
const RAW: [&str; 7] = ["script", "style", "title", "iframe", "noembed", "noframes", "textarea"];

/// The tokens of `html`, without gaps.
pub(super) fn tokens(html: &str) -> Tokens<'_> {
    let xml_ends = last_end_of_xml(html);
    Tokens { html, at: 0, raw: None, xml_ends }
}

/// See [`tokens`].
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    html: &'a str,
    at: usize,
    /// The element whose inside comes next.
    raw: Option<String>,
    /// Where the last `</xml` stands: Word's islands of XML are skipped where they end.
    xml_ends: Option<usize>,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.html.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (kind, length) = match self.raw.take() {
            Some(name) => match end_of_raw(rest, &name) {
                Some(0) => markup(rest)?,
                Some(length) => (Kind::Skipped, length),
                None => (Kind::Unfinished, rest.len()),
            },
            None => match markup(rest) {
                Some(found) => found,
                None => (Kind::Text, length_of_text(rest)),
            },
        };
        if let Kind::Open(name) = &kind {
            let island = name == "xml" && self.xml_ends.is_some_and(|end| end > self.at);
            if island || RAW.contains(&name.as_str()) {
                self.raw = Some(name.clone());
            }
        }
        let range = self.at..self.at + length;
        self.at = range.end;
        Some(Token { kind, range })
    }
}

fn last_end_of_xml(html: &str) -> Option<usize> {
    html.rmatch_indices("</").map(|(at, _)| at).find(|at| starts_with(html.get(at + 2..), "xml"))
}

fn starts_with(text: Option<&str>, word: &str) -> bool {
    text.and_then(|text| text.get(..word.len())).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Where the end tag of `name` begins.
fn end_of_raw(rest: &str, name: &str) -> Option<usize> {
    rest.match_indices("</").map(|(at, _)| at).find(|at| {
        let after = rest.get(at + 2..);
        let next = after.and_then(|after| after.as_bytes().get(name.len()));
        starts_with(after, name)
            && next.is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
    })
}

fn length_of_text(rest: &str) -> usize {
    let begins_markup = |at: &usize| {
        let next = rest.as_bytes().get(at + 1);
        next.is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!' | b'?'))
    };
    let mut found = rest.match_indices('<').map(|(at, _)| at).filter(|at| *at > 0);
    found.find(begins_markup).unwrap_or(rest.len())
}

/// The tag, comment or declaration at the start of `rest`; `None` where that is text.
fn markup(rest: &str) -> Option<(Kind, usize)> {
    let after = rest.strip_prefix('<')?;
    let until = |end: &str, from: usize| {
        let at = rest.get(from..).and_then(|rest| rest.find(end));
        at.map_or((Kind::Unfinished, rest.len()), |at| (Kind::Skipped, from + at + end.len()))
    };
    let first = *after.as_bytes().first()?;
    Some(match first {
        b'!' if after.starts_with("!-->") => (Kind::Skipped, 5),
        b'!' if after.starts_with("!--") => until("-->", 4),
        b'!' | b'?' => until(">", 1),
        b'/' if !after.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic) => until(">", 1),
        b'/' => tag(rest, 2).map_or((Kind::Unfinished, rest.len()), |(name, end)| (Kind::Close(name), end)),
        _ if first.is_ascii_alphabetic() => {
            tag(rest, 1).map_or((Kind::Unfinished, rest.len()), |(name, end)| (Kind::Open(name), end))
        }
        _ => return None,
    })
}

/// The name that begins at `from`, and where the tag ends.
fn tag(text: &str, from: usize) -> Option<(String, usize)> {
    let end = from + length_of_name(text.get(from..)?);
    let name = text.get(from..end)?.to_ascii_lowercase();
    let mut at = end;
    while let Some(attribute) = attribute(text, at) {
        at = attribute.end;
    }
    let at = skip_between(text, at);
    text.get(at..)?.starts_with('>').then_some((name, at + 1))
}

fn length_of_name(text: &str) -> usize {
    text.bytes().take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'>')).count()
}

fn skip_between(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes().get(at..).unwrap_or_default();
    at + bytes.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'/').count()
}

fn skip_blanks(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes().get(at..).unwrap_or_default();
    at + bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

struct Attribute {
    name: Range<usize>,
    value: Range<usize>,
    end: usize,
}

/// The attribute that begins at `at`; `None` at the end of the tag or where the input ends within the attribute.
fn attribute(text: &str, at: usize) -> Option<Attribute> {
    let start = skip_between(text, at);
    let bytes = text.as_bytes();
    if matches!(bytes.get(start), None | Some(b'>')) {
        return None;
    }
    let rest = bytes.get(start + 1..)?;
    let ends_name = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>' | b'=');
    let name = start..start + 1 + rest.iter().take_while(|byte| !ends_name(byte)).count();
    let equals = skip_blanks(text, name.end);
    if bytes.get(equals) != Some(&b'=') {
        return Some(Attribute { value: name.end..name.end, end: name.end, name });
    }
    let from = skip_blanks(text, equals + 1);
    if let Some(quote @ (b'"' | b'\'')) = bytes.get(from) {
        let length = bytes.get(from + 1..)?.iter().position(|byte| byte == quote)?;
        return Some(Attribute { name, value: from + 1..from + 1 + length, end: from + length + 2 });
    }
    let inside = bytes.get(from..)?;
    let length = inside.iter().take_while(|byte| !byte.is_ascii_whitespace() && **byte != b'>').count();
    Some(Attribute { name, value: from..from + length, end: from + length })
}

/// The value of an attribute of a start tag, as it is written; of several the first.
pub(super) fn value<'a>(tag: &'a str, wanted: &str) -> Option<&'a str> {
    let mut at = 1 + length_of_name(tag.get(1..)?);
    while let Some(attribute) = attribute(tag, at) {
        if tag.get(attribute.name)?.eq_ignore_ascii_case(wanted) {
            return tag.get(attribute.value);
        }
        at = attribute.end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> Vec<String> {
        let shown = |token: Token| {
            let text = &html[token.range];
            match token.kind {
                Kind::Text => format!("text {text}"),
                Kind::Open(name) => format!("open {name}"),
                Kind::Close(name) => format!("close {name}"),
                Kind::Skipped => format!("skipped {text}"),
                Kind::Unfinished => format!("unfinished {text}"),
            }
        };
        tokens(html).map(shown).collect()
    }

    #[test]
    fn tags_and_texts_are_told_apart() {
        assert_eq!(
            shown("a < 5 <b>x</B >&amp;<br/><p title=\"a>b\" x='>'>"),
            ["text a < 5 ", "open b", "text x", "close b", "text &amp;", "open br", "open p"]
        );
        assert_eq!(
            shown("<!DOCTYPE html><?xml ?><!-- <p> --><!--><![if !x]>y<![endif]>"),
            [
                "skipped <!DOCTYPE html>",
                "skipped <?xml ?>",
                "skipped <!-- <p> -->",
                "skipped <!-->",
                "skipped <![if !x]>",
                "text y",
                "skipped <![endif]>"
            ]
        );
    }

    #[test]
    fn scripts_styles_and_islands_hold_no_tags() {
        assert_eq!(
            shown("<style>a<b></styl></STYLE >x"),
            ["open style", "skipped a<b></styl>", "close style", "text x"]
        );
        assert_eq!(
            shown("<xml><w:p>x</w:p></xml>y"),
            ["open xml", "skipped <w:p>x</w:p>", "close xml", "text y"]
        );
        assert_eq!(shown("<xml>x"), ["open xml", "text x"]);
        assert_eq!(shown("<style></style>"), ["open style", "close style"]);
    }

    #[test]
    fn what_never_ends_is_the_rest() {
        for html in ["a<!-- x", "a<p title='", "a<p", "a</p", "a<!x", "a<p x=1 y"] {
            let shown = shown(html);
            assert_eq!(shown.len(), 2, "{shown:?}");
            assert!(shown[1].starts_with("unfinished <"), "{shown:?}");
        }
        assert_eq!(shown("<script>x"), ["open script", "unfinished x"]);
        assert_eq!(shown("<"), ["text <"]);
    }

    #[test]
    fn attributes_are_found_in_every_way_of_writing() {
        let tag = "<li a VALUE = '3' style=x:y;z class=\"c d\" value=4 ä=\"ö\" ==>";
        assert_eq!(value(tag, "value"), Some("3"));
        assert_eq!(value(tag, "style"), Some("x:y;z"));
        assert_eq!(value(tag, "class"), Some("c d"));
        assert_eq!(value(tag, "a"), Some(""));
        assert_eq!(value(tag, "none"), None);
        assert_eq!(shown(tag), ["open li"]);
    }
}
