//! Every input of the corpora, on any toolchain.

use std::path::Path;

const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("ews_item", calsync_fuzz::exchange::item),
    ("ews_recurrence", calsync_fuzz::exchange::recurrence),
    ("ews_response", calsync_fuzz::exchange::response),
    ("ews_zone", calsync_fuzz::exchange::zone),
    ("notes", calsync_fuzz::notes::html),
    ("nvs_answer", calsync_fuzz::nvs::answer),
    ("nvs_appointment", calsync_fuzz::nvs::appointment),
    ("nvs_events", calsync_fuzz::nvs::events),
    ("round", calsync_fuzz::round::replies),
    ("rule", calsync_fuzz::rule::text),
    ("stored", calsync_fuzz::stored::json),
];

#[test]
fn no_input_of_the_corpora_is_a_finding() {
    for (target, run) in TARGETS {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let mut count = 0;
        for entry in std::fs::read_dir(&corpus).expect("each target has a corpus") {
            let path = entry.expect("a directory can be listed").path();
            println!("{}", path.display());
            run(&std::fs::read(&path).expect("a corpus can be read"));
            count += 1;
        }
        assert!(count > 0, "{target} has no corpus");
    }
}
