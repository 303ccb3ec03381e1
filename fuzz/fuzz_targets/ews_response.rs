//! Whatever an Exchange server, or something that pretends to be one, answers.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::exchange::response(input));
