//! Integration tests of the core.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test that fails this way says where"
)]
#![allow(clippy::disallowed_methods, reason = "tests measure how long a hostile rule takes")]
#![allow(clippy::assigning_clones, reason = "an assignment reads like what a person does")]

mod decided;
mod decided_series;
mod decision_table;
mod fake;
mod feeds;
mod guards;
mod guards_items;
mod guards_many;
mod orders;
mod protected;
mod recur_props;
mod recur_rules;
mod recur_vectors;
mod rounds;
mod rounds_crash;
mod rounds_doubles;
mod rounds_faults;
mod rounds_files;
mod rounds_fit;
mod rounds_found;
mod rounds_late;
mod rounds_notes;
mod rounds_private;
mod rounds_recovered;
mod rounds_refused;
mod rounds_restores;
mod rounds_safety;
mod rounds_world;
mod rules;
mod rules_random;
mod rules_review;
mod turns;
mod undone;
mod went_back;
