//! Recurrence rules: read, written, compared and expanded.
//!
//! A [`Rule`] is the parsed form of an `RRULE` value. [`Rule::occurrences`] yields the wall-clock times it stands for,
//! [`expand`] adds `RDATE` and `EXDATE` and cuts to a window. What an occurrence means in UTC is left to
//! [`crate::zone`].
//!
//! The one idea: everything is computed in wall-clock time on civil day numbers. A month is a mask of up to 31 bits, a
//! week one of 7; each rule part is an `and` on such masks. Any period can be computed without its predecessors, so a
//! window far from the start costs what a window at the start costs, and a rule that never matches runs out of its
//! budget instead of running on.

mod civil;
mod count;
mod expand;
mod fine;
mod iter;
mod parse;
mod period;
mod plan;
mod rule;
mod text;

pub use expand::{Expansion, SeriesTimes, expand};
pub use iter::Occurrences;
pub use parse::RuleError;
pub use rule::{DayRule, End, Frequency, Parts, Rule, Until};
