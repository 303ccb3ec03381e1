//! Appointments of NVS, up to the model, the store and what Exchange would make of them.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| calsync_fuzz::nvs::appointment(input));
