//! What travels: the JSON documents of the Calender Sync Protocol, spelled as on the wire.
//!
//! `docs/calender-sync-protocol.yaml` is the authority; a test holds these types against it. Reading is lenient
//! (members that are not known are kept in `extra`, words that are not known become `Other`), writing is exact: what
//! is not set is not sent, so that a server never takes our silence for an instruction.

mod appointment;
mod feed;
mod fields;
mod problem;
mod server;
mod words;
mod write;

pub use appointment::{Appointment, Stamp};
pub use feed::{
    BinPage, Binned, Change, ChangePage, FindMatch, FindRequest, FindResponse, ReadEntry, ReadRequest,
    ReadResponse,
};
pub(crate) use feed::{shape_of, unreadable};
pub use fields::{Attachment, Attendee, Fields, Mark, Moment, Notes, Override, OverridePatch, Patch, Person};
pub(crate) use problem::wait_of;
pub use problem::{FieldError, Problem, ProblemCode};
pub use server::{Limits, ServerInfo, StoredFile, Unit, UnitPage};
pub use words::{Access, AttendeeRole, BusyStatus, MarkKind, NotesFormat, ResponseStatus, UnitKind};
pub use write::{NewAppointment, Write, WriteOutcome, WriteRequest, WriteResponse, WriteResult};

/// Members that this version of the protocol does not know; they are kept and, in documents of our own, sent back.
pub type Extra = serde_json::Map<String, serde_json::Value>;
