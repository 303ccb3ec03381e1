//! HTML that somebody put into an appointment, and an edit of its text: what a zero byte separates.
#![no_main]

use calsync_core::model::Notes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (html, edited) = text.split_once('\0').unwrap_or((text, ""));
    let (html, edited) = (Notes::html(html), Notes::plain(edited));
    assert_eq!(html.rewritten(&html.to_plain()), html);
    assert_eq!(html.rewritten(&edited).reading(), edited.reading());
});
