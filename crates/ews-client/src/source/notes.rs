//! Notes to and from the bodies of items.
//!
//! In: the body of an item as `Best`; out: plain notes where the item holds plain text, HTML ones where it holds HTML or
//! RTF. Asked for as `Best`, a server of any version gives plain text as it is and everything else as HTML, and says by
//! `BodyType` which of them it gave: that attribute is the only thing to go by. Asked for as `HTML` it would dress up plain
//! text, and asked for as `Text` it would strip everything else; a native format in a property of its own
//! (`PidTagNativeBody`) says no more and is not held by every server.

use calsync_core::model::{Notes, NotesFormat};

use crate::wire::{Body, BodyType};

/// The notes in a body that was asked for as `Best`.
///
/// # Errors
///
/// The server sent only a part of it: whoever wrote that elsewhere would destroy the rest.
pub(super) fn read(body: Option<&Body>) -> Result<Notes, String> {
    let Some(body) = body else { return Ok(Notes::default()) };
    if body.is_truncated {
        return Err("the server sent only a part of its notes".to_owned());
    }
    Ok(match body.body_type {
        BodyType::Html if shows_nothing(&body.text) => Notes::default(),
        BodyType::Html => Notes::html(&body.text),
        BodyType::Text | BodyType::Other(_) => Notes::plain(&body.text),
    })
}

/// The body that holds these notes. Exchange puts HTML into a document of its own and keeps what is inside.
pub(super) fn body(notes: &Notes) -> Body {
    let body_type = match notes.format {
        NotesFormat::Html if !notes.is_empty() => BodyType::Html,
        NotesFormat::Html | NotesFormat::Plain => BodyType::Text,
    };
    Body { body_type, text: notes.text.clone(), is_truncated: false }
}

/// Elements that show something without a letter in them.
const SHOWN: [&str; 10] =
    ["img", "hr", "svg", "object", "embed", "video", "audio", "input", "iframe", "v:imagedata"];
/// Elements whose text is not shown.
const HIDDEN: [&str; 4] = ["head", "style", "script", "title"];

/// Whether a document has nothing to show: Outlook saves such a one where a person left the notes empty.
fn shows_nothing(html: &str) -> bool {
    let mut rest = html;
    let mut hidden: Option<&str> = None;
    while let Some((text, tail)) = rest.split_once('<') {
        if hidden.is_none() && !is_blank(text) {
            return false;
        }
        if let Some(comment) = tail.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((tag, after)) = tail.split_once('>') else { return false };
        rest = after;
        let (name, closes) = tag_name(tag);
        match hidden {
            Some(open) if closes && name.eq_ignore_ascii_case(open) => hidden = None,
            None if SHOWN.iter().any(|shown| name.eq_ignore_ascii_case(shown)) => return false,
            None if !closes && !tag.ends_with('/') => {
                hidden = HIDDEN.into_iter().find(|open| name.eq_ignore_ascii_case(open));
            }
            Some(_) | None => {}
        }
    }
    hidden.is_some() || is_blank(rest)
}

fn tag_name(tag: &str) -> (&str, bool) {
    let closes = tag.starts_with('/');
    let name = tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '/').next();
    (name.unwrap_or_default(), closes)
}

/// Whether text between tags is blank: white space, also as it is written in HTML.
fn is_blank(text: &str) -> bool {
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let blank = ["&nbsp;", "&#160;", "&#xa0;", "&#xA0;", "&#32;"];
        let Some(after) = blank.iter().find_map(|entity| rest.strip_prefix(entity)) else { return false };
        rest = after.trim_start();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body_type: BodyType, text: &str) -> Notes {
        read(Some(&Body { body_type, text: text.to_owned(), is_truncated: false })).unwrap()
    }

    #[test]
    fn the_server_says_which_form_the_notes_have() {
        assert_eq!(of(BodyType::Text, "a <b>\r\n"), Notes::plain("a <b>"));
        assert_eq!(of(BodyType::Html, "<p>a</p>\r\n"), Notes::html("<p>a</p>"));
        assert_eq!(of(BodyType::Other("Rtf".to_owned()), "a"), Notes::plain("a"));
        assert_eq!(read(None), Ok(Notes::default()));
    }

    #[test]
    fn html_that_shows_nothing_is_no_notes() {
        let nothing = [
            "",
            "<html><head><title>x</title><style><!-- p { } --></style></head><body>\r\n<p class=\"MsoNormal\"><o:p>&nbsp;</o:p></p>\r\n</body></html>",
            "<body><div><br></div>&#160;\u{a0}</body>",
            "<HTML><HEAD><META NAME=\"Generator\"></HEAD><BODY><!-- Converted from text/rtf format --></BODY></HTML>",
        ];
        for html in nothing {
            assert_eq!(of(BodyType::Html, html), Notes::default(), "{html}");
        }
        for html in ["<p>.</p>", "<p><img src=\"cid:1\"></p>", "<hr>", "a &lt; b", "<", "<header>x</header>"]
        {
            assert_eq!(of(BodyType::Html, html).format, NotesFormat::Html, "{html}");
        }
    }

    #[test]
    fn a_part_of_the_notes_is_never_taken_for_all_of_them() {
        let cut = Body { body_type: BodyType::Text, text: "a".to_owned(), is_truncated: true };
        assert!(read(Some(&cut)).is_err());
    }

    #[test]
    fn notes_that_were_emptied_are_no_html() {
        assert_eq!(body(&Notes::html("")).body_type, BodyType::Text);
        assert_eq!(body(&Notes::html("<p>a</p>")).body_type, BodyType::Html);
    }
}
