//! The calendar model: what both sides say about an appointment, in the terms of RFC 5545.
//!
//! A [`Series`] is everything that shares a UID: a single appointment, or a recurring master with its overrides. An
//! [`Override`] is sparse: it says only in what the instance differs from the master, so that a change of the master
//! does not look like a change of each instance. Changes are [`Patch`]es, field by field and instance by instance.

mod attachment;
mod event;
mod field;
pub mod limits;
mod notes;
mod series;
mod when;

pub use attachment::{Attachment, Attachments};
pub use event::{
    Attendee, Busy, Categories, Change, Event, Meeting, Overlay, OverlayPatch, Participation, Patch, Person,
    Reminder, Sensitivity,
};
pub use field::Field;
pub use notes::{Notes, NotesFormat};
pub use series::{Mark, MarkKind, Override, OverridePatch, Recurrence, Series, SeriesPatch};
pub use when::{RecurrenceId, Span, When};
