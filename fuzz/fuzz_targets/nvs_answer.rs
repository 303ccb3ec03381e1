//! All other answers of NVS: pages, results, problems.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::nvs::answer(input));
