//! The calsync daemon as a library: configuration, rounds, schedule, checks, command line.
//!
//! The executable only calls [`commands::main`]. A program that embeds calsync uses [`engine::Engine`] for single rounds
//! and [`scheduler::run`] to keep pairings in step.
//!
//! Reading order: `config`, `engine`, `scheduler`, `service`, `commands`.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice, clippy::unreachable))]

mod address;
pub mod check;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod connect;
pub mod duration;
pub mod engine;
pub mod fields;
mod holder;
pub mod logging;
pub mod scheduler;
pub mod service;
pub mod signals;
pub mod texts;
