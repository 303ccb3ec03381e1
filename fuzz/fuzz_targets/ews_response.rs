//! Whatever an Exchange server, or something that pretends to be one, answers.
#![no_main]

use ews_client::wire::{Limits, decode_answer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(answer) = decode_answer(bytes, &Limits::default()) {
        let _ = answer.to_json();
    }
});
