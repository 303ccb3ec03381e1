//! Reconciliation of one pairing.
//!
//! [`Round`] is the machine of one run: recover, read, plan, journal, write, commit. Each side is compared with its
//! own shadow, never with the other side: a system that cannot hold a field therefore does not look like a person who
//! cleared it, and rounding by a server does not look like an edit.

mod about;
mod agreed;
mod attachments;
mod breaker;
mod decide;
#[cfg(test)]
mod examples;
mod inverse;
mod merge;
mod original;
mod parting;
mod plan;
mod protected;
mod rebase;
mod restate;
mod round;
mod rules;
mod scope;
mod settings;
mod settle;
mod template;
mod verdict;
mod view;

pub use crate::link::{DeletionGuard, Direction};
pub use plan::{Action, Conflict, Likeness, Plan, Reason, Step};
pub use round::{
    Became, Failure, ItemFailure, LeftOut, Mode, OrderOutcome, Reply, Request, Round, RoundInput,
    RoundReport, SideReport,
};
pub use scope::{AllDay, Filter, Leaving, MeetingRule, Meetings, Outside, Pattern, Window};
pub use settings::{AttachmentPolicy, ChangeGuard, ClockOffsets, ConflictPolicy, ReadOnlyEdit, Settings};
pub use template::{Template, TemplateError};
pub use verdict::{State, Verdict, verdict};
pub use view::{CategoryNames, Mask, Outward, Private};
