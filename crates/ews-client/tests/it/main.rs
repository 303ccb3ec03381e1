//! Tests of the client from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test that fails this way says where"
)]

mod attachments;
mod hostile;
mod operations;
mod samples;
mod server;
mod source;
mod source_categories;
mod source_invitations;
mod source_meetings;
mod source_notes;
mod source_parts;
mod source_sentinel;
mod source_series;
mod source_trouble;
mod source_zones;
mod trouble;
