//! Whatever an NVS gateway answers for an appointment; members that we do not know survive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvs_client::wire::Appointment;

fuzz_target!(|bytes: &[u8]| {
    let Ok(appointment) = serde_json::from_slice::<Appointment>(bytes) else { return };
    let text = serde_json::to_vec(&appointment).expect("what was read can be written");
    let again: Appointment = serde_json::from_slice(&text).expect("what was written can be read");
    assert_eq!(appointment, again);
});
