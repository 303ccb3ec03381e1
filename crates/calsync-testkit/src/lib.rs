//! Mock Exchange, mock NVS and conformance suites of calsync. Never published.
//!
//! The mock servers speak real HTTP and have serialisers of their own, so that a mistake of a client cannot hide on
//! both sides. [`people`] is how tests act as a person at either calendar and compare what both sides show.

pub mod conformance;
pub mod exchange;
pub mod gate;
pub mod nvs;
pub mod people;
pub mod sample;
pub mod whole;
