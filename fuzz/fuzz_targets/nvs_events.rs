//! The notification stream of NVS, however it is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::nvs::events(input));
