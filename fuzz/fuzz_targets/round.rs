//! The round machine, answered by whatever may answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::round::replies(input));
