//! What the state store holds as JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::stored::json(input));
