//! What the larger examples share. The examples themselves are the files beside this package's `Cargo.toml`.

pub mod demo;
