//! RRULE text: what is accepted can be written, read again and expanded.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::rule::text(input));
