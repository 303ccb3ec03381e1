//! The main job in one process: mock servers with sample calendars, real clients over HTTP, the engine, a state on disk.
//!
//! [`World`] is all of it together, [`People`] edit on both sides, [`compare`](fn@compare) reads both servers back past
//! every client and the engine, [`Report`] is what the exercise comes to.

mod compare;
mod people;
mod report;
mod world;

pub use compare::{Difference, compare};
pub use people::{Done, People};
pub use report::{Report, RoundRow, SideRow};
pub use world::{Error, World};
