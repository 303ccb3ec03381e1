//! What travels: calendar items, ids, recurrences and zones, in the wire's own terms.
//!
//! Reading is by local names and tolerates what it does not know; writing follows the order of the schema.

mod open_enum;
mod recurrence;
mod zone;

pub use open_enum::{
    BodyType, BusyStatus, DayOfWeek, DayOfWeekIndex, Importance, ItemKind, MonthName, ResponseType, Sensitivity,
};
pub use recurrence::{Pattern, Range, Recurrence};
pub use zone::{
    ChangeRule, MeetingTimeZone, Period, Target, TimeChange, Transition, TransitionGroup, TransitionTime,
    ZoneDefinition,
};
