//! The store upon real files: the rules of its traits, crashes, damage, several processes, files of earlier releases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test that fails this way says where"
)]

mod conformance;
mod damage;
mod golden;
mod kill;
mod leases;
mod pairings;
mod sample;
mod sharing;
