//! HTML that somebody put into an appointment, and an edit of its text.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::notes::html(input));
