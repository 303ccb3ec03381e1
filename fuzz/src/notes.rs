//! Notes.

use calsync_core::model::{Notes, NotesFormat};

/// HTML and an edit of its text, which a zero byte separates.
pub fn html(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (html, edited) = text.split_once('\0').unwrap_or((text, ""));
    let (html, edited) = (Notes::html(html), Notes::plain(edited));
    assert_eq!(html.rewritten(&html.to_plain()), html);
    let merged = html.rewritten(&edited);
    assert_eq!(merged.reading(), edited.reading());
    if merged.format == NotesFormat::Html {
        assert_eq!(merged.rewritten(&edited), merged, "merged twice is merged once");
    }
    let reading = edited.reading();
    assert_eq!(Notes::plain(&reading).reading(), reading, "what is read, read again");
}
