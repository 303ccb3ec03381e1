//! Time zones of Exchange.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::exchange::zone(input));
