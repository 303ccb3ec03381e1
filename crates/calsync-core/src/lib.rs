//! Pure reconciliation of two calendars.
//!
//! Two calendar systems are kept in step by *rounds*. A [`Round`](sync::Round) is a value that asks for what it needs
//! ([`Request`](sync::Request)) and is given it ([`Reply`](sync::Reply)); it reads no clock, no file and no socket.
//! [`drive`](mod@drive) is the short loop that connects it to two [`CalendarSource`](source::CalendarSource)s and a
//! [`StateStore`](store::StateStore).
//!
//! Modules point one way: `ids, zone, recur <- model <- link, source, store <- sync <- drive`; the three in the middle
//! are one layer, since what is remembered, read and written is said in the same terms.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::string_slice, clippy::unreachable))]

pub mod defects;
pub mod drive;
pub mod ids;
pub mod link;
pub mod memory;
pub mod model;
pub mod recur;
pub mod source;
pub mod store;
pub mod sync;
pub mod zone;
