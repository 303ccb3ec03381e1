//! What travels: calendar items, ids, recurrences and zones, in the wire's own terms.
//!
//! Reading is by local names and tolerates what it does not know; writing follows the order of the schema and leaves out
//! what the server's version would refuse.

mod answer;
mod attachment;
mod code;
mod envelope;
mod id;
mod item;
mod item_xml;
mod json;
pub(crate) mod open_enum;
mod person;
mod property;
mod pull;
mod recurrence;
mod recurrence_xml;
mod time;
mod writer;
pub(crate) mod zone;
mod zone_xml;

pub use answer::{Answer, Change, Fault, Folder, Limits, Message, Resolution, ResponseClass, decode_answer};
pub use attachment::FileAttachment;
pub use code::{CodeClass, ResponseCode};
pub use id::{ExtendedField, FieldRef, FolderId, ItemId, ItemRef};
pub use item::{Body, CalendarItem, EffectiveRights, ExtendedProperty, ExtendedValue, OccurrenceInfo};
pub use open_enum::{
    BodyType, BusyStatus, DayOfWeek, DayOfWeekIndex, Importance, ItemKind, MonthName, ResponseType,
    Sensitivity,
};
pub use person::{Attendee, Mailbox};
pub use property::{FieldChange, Property};
pub use pull::XmlError;
pub use recurrence::{Pattern, Range, Recurrence};
pub use time::DateTime;
pub use zone::{
    ChangeRule, MeetingTimeZone, Period, Target, TimeChange, Transition, TransitionGroup, TransitionTime,
    ZoneDefinition,
};

pub(crate) use attachment::{write_file, write_ids};
pub(crate) use envelope::{Header, envelope, soap_action};
pub(crate) use property::{write_changes, write_item};
pub(crate) use pull::{Element, Pull};
pub(crate) use writer::Writer;
