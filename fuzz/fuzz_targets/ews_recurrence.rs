//! Recurrences of Exchange, there and back.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::exchange::recurrence(input));
