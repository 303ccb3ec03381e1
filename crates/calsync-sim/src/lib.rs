//! The simulated world: the whole engine over two simulated calendars, a network, a store and a clock, in one thread.
//!
//! [`run`] takes a seed and says what happened. The engine is the real one, `calsync_core::drive`; everything around it is
//! played, by the seed alone: people at both calendars who edit while rounds run, and in the stranger mixes requests that
//! get lost, late and double, crashes between any two requests, full disks, wrong clocks, backups put back on any side.
//! At the end nothing goes wrong any more and the people rest; then the invariants of a safe sync must hold. Some are
//! looked at all the time. The witnesses are the calendars and the people's own book, never what the engine remembers.
//!
//! A seed is its own script: each event is drawn by seed and number, so a run can be repeated, and [`shrink`] leaves out
//! events as long as the run still fails.

mod book;
#[cfg(feature = "defects")]
mod catalogue;
mod clear;
mod clock;
mod deeds;
mod ground;
#[cfg(feature = "defects")]
mod hunt;
mod judge;
mod known;
mod line;
mod model;
mod options;
mod oracle;
mod people;
mod place;
mod rest;
mod rng;
mod shelf;
mod show;
mod trial;
mod watch;
mod wire;
mod words;
mod world;

#[cfg(feature = "defects")]
pub use catalogue::Catalogue;
pub use clock::SimClock;
pub use ground::Ground;
#[cfg(feature = "defects")]
pub use hunt::{Found, Hunt, Layer};
pub use known::{BRANCHES, FAULTS, HOLD};
pub use line::{Aloft, Befalls, Line};
pub use options::{Answers, Manners, Mix, Options, Rates};
pub use place::{Place, Standing};
pub use shelf::Vault;
pub use trial::{Outcome, Script, replay, run, run_over, shrink, shrink_over};
pub use watch::{Counts, Violation};
pub use world::Surroundings;
