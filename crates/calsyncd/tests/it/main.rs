//! The real executable against mock servers over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test that fails this way says where"
)]

mod complaints;
mod confidential;
mod crash;
mod decisions;
mod every_request;
mod files;
mod guards;
mod pairings;
mod rounds;
mod service;
mod two_daemons;
mod world;
