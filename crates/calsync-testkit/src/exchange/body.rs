//! Bodies as Exchange gives them back: CRLF line ends, HTML in a document, text and HTML converted into each other.
//!
//! In: what was stored; out: what a client reads. A client that compares bytes with what it wrote must see a difference,
//! because on a real server it would.

use super::item::Body;

/// Head of every HTML body that a real server returns.
const HEAD: &str =
    "<html>\r\n<head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\r\n";

/// Stored form: line ends only.
pub(crate) fn store(html: bool, text: &str) -> Body {
    Body { html, text: crlf(text) }
}

/// The body as asked for: `HTML`, `Text`, or anything else for the best there is.
pub(crate) fn render(body: &Body, asked: &str) -> (&'static str, String) {
    match asked {
        "Text" => ("Text", plain(body)),
        "HTML" => ("HTML", html(body)),
        _ if body.html => ("HTML", html(body)),
        _ => ("Text", plain(body)),
    }
}

/// Plain text of a body.
pub(crate) fn plain(body: &Body) -> String {
    if body.html { crlf(text_of_html(&body.text).trim_matches('\n')) } else { body.text.clone() }
}

fn html(body: &Body) -> String {
    if !body.html {
        return format!(
            "{HEAD}<meta name=\"Generator\" content=\"Microsoft Exchange Server\">\r\n<!-- converted from text -->\r\n\
             <style><!-- .EmailQuote {{ margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px solid; }} --></style>\r\n\
             </head>\r\n<body>\r\n<font size=\"2\"><span style=\"font-size:11pt;\"><div class=\"PlainText\">{}</div></span></font>\r\n</body>\r\n</html>\r\n",
            escaped(&body.text)
        );
    }
    let inner = between(&body.text, "<body", "</body>").unwrap_or(&body.text);
    let style = between(&body.text, "<head", "</head>").map(without_meta).unwrap_or_default();
    format!("{HEAD}{style}</head>\r\n<body>\r\n{}\r\n</body>\r\n</html>\r\n", inner.trim())
}

/// What lies inside the first such element, found without regard to case.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find(open)?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = lower.rfind(close)?;
    text.get(start..end)
}

/// A head without the content type that the server writes itself.
fn without_meta(head: &str) -> String {
    head.lines()
        .filter(|line| {
            !line.to_ascii_lowercase().contains("<meta http-equiv=\"content-type\"")
                && !line.trim().is_empty()
        })
        .fold(String::new(), |all, line| all + line.trim_end() + "\r\n")
}

fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace("\r\n", "<br>\r\n")
}

/// Text of an HTML fragment with `\n` line ends: blocks and breaks become lines, blank space outside is folded.
pub(crate) fn text_of_html(html: &str) -> String {
    let inner = between(html, "<body", "</body>").unwrap_or(html);
    let mut out = String::new();
    let mut rest = inner;
    let mut skip_until: Option<&str> = None;
    while let Some(at) = rest.find('<') {
        let (text, tail) = rest.split_at(at);
        if skip_until.is_none() {
            add_words(&mut out, text);
        }
        if let Some(comment) = tail.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some(end) = tail.find('>') else {
            // A lone '<' is text.
            add_words(&mut out, tail);
            rest = "";
            break;
        };
        let tag = tail.get(1..end).unwrap_or_default().to_ascii_lowercase();
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/', '\r', '\n', '\t'])
            .next()
            .unwrap_or_default()
            .to_owned();
        match (skip_until, name.as_str()) {
            (Some(open), closing) if tag.starts_with('/') && closing == open => skip_until = None,
            (None, "style") if !tag.starts_with('/') => skip_until = Some("style"),
            (None, "script") if !tag.starts_with('/') => skip_until = Some("script"),
            (None, "br") => out.push('\n'),
            (None, "p" | "div" | "tr" | "li" | "h1" | "h2" | "h3" | "ul" | "ol" | "table") => {
                if !out.is_empty() && !out.ends_with('\n') {
                    out.push('\n');
                }
            }
            (Some(_) | None, _) => {}
        }
        rest = tail.get(end + 1..).unwrap_or_default();
    }
    if skip_until.is_none() {
        add_words(&mut out, rest);
    }
    out
}

fn add_words(out: &mut String, text: &str) {
    let mut folded = String::new();
    for c in text.chars() {
        match c {
            ' ' | '\t' | '\r' | '\n' => {
                let at_break = folded.ends_with(' ')
                    || (folded.is_empty() && (out.is_empty() || out.ends_with(['\n', ' '])));
                if !at_break {
                    folded.push(' ');
                }
            }
            c => folded.push(c),
        }
    }
    out.push_str(&unescaped(&folded));
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let reference =
            tail.get(1..).and_then(|t| t.split_once(';')).map(|(name, _)| name).filter(|n| n.len() <= 8);
        let resolved = reference.and_then(|name| match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "nbsp" => Some(' '),
            "auml" => Some('ä'),
            "ouml" => Some('ö'),
            "uuml" => Some('ü'),
            "szlig" => Some('ß'),
            number => {
                let code = match number.strip_prefix("#x") {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => number.strip_prefix('#').and_then(|n| n.parse().ok()),
                };
                code.and_then(char::from_u32)
            }
        });
        if let (Some(name), Some(c)) = (reference, resolved) {
            out.push(c);
            rest = tail.get(name.len() + 2..).unwrap_or_default();
        } else {
            out.push('&');
            rest = tail.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_with_windows_line_ends() {
        assert_eq!(
            render(&store(false, "eins\nzwei\r\ndrei"), "Text"),
            ("Text", "eins\r\nzwei\r\ndrei".to_owned())
        );
    }

    #[test]
    fn html_comes_back_inside_a_document_and_settles() {
        let (kind, once) = render(&store(true, "<p>Grün &amp; <b>gut</b></p>"), "HTML");
        assert_eq!(kind, "HTML");
        assert!(once.starts_with("<html>\r\n<head>\r\n<meta http-equiv"));
        assert!(once.contains("<p>Grün &amp; <b>gut</b></p>"));
        let (_, twice) = render(&store(true, &once), "HTML");
        assert_eq!(once, twice);
    }

    #[test]
    fn html_as_text_loses_its_tags_and_keeps_its_lines() {
        let body = store(
            true,
            "<html><head><style>p {}</style></head><body><p>eins &lt;2&gt;</p>\r\n<p>zwei<br>drei&nbsp;&#252;</p></body></html>",
        );
        assert_eq!(render(&body, "Text").1, "eins <2>\r\nzwei\r\ndrei ü");
    }

    #[test]
    fn text_as_html_and_back_is_the_text() {
        let body = store(false, "a <b> & c\n\nd");
        let html = render(&body, "HTML").1;
        assert_eq!(render(&store(true, &html), "Text").1, "a <b> & c\r\n\r\nd");
    }

    #[test]
    fn the_best_body_is_the_one_that_was_stored() {
        assert_eq!(render(&store(false, "x"), "Best").0, "Text");
        assert_eq!(render(&store(true, "x"), "Best").0, "HTML");
    }
}
