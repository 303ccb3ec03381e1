//! Behaviour of the mock servers as a client sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test that fails this way says where"
)]

mod exchange;
