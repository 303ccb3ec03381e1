//! Calendar items of Exchange, up to the model and the store.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::exchange::item(input));
