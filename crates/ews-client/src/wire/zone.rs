//! Time zones as they travel: names, full definitions with transitions, and the older `MeetingTimeZone`.
//!
//! Nothing is interpreted here; [`crate::zones`] does that. A definition that nobody understands is kept, because an
//! item must never move for want of a name.

use serde::Serialize;

use super::open_enum::DayOfWeek;

/// `StartTimeZone` or `EndTimeZone` (Exchange 2010 and later), and each entry of `GetServerTimeZones`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ZoneDefinition {
    /// Usually a Windows zone id; also seen: IANA names, localised names, `Customized Time Zone`, nothing.
    pub id: Option<String>,
    /// Display name, in the language of whoever wrote the item.
    pub name: Option<String>,
    /// Offsets that occur in this zone.
    pub periods: Vec<Period>,
    /// Yearly rules, by group.
    pub groups: Vec<TransitionGroup>,
    /// Which group holds from when.
    pub transitions: Vec<Transition>,
}

/// One offset of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Period {
    /// Referred to by transitions.
    pub id: String,
    /// `Standard`, `Daylight`.
    pub name: String,
    /// Minutes to add to local time to get UTC: the sign is the opposite of an offset, `-60` is UTC+1.
    pub bias_minutes: i32,
}

/// `TransitionsGroup`: the rules of one span of years.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TransitionGroup {
    /// Referred to by transitions.
    pub id: String,
    /// The changes within a year.
    pub transitions: Vec<Transition>,
}

/// A change to another period or group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transition {
    /// What holds from then on.
    pub to: Target,
    /// When.
    pub at: TransitionTime,
}

/// Where a transition leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Target {
    /// A [`Period`] by id.
    Period(String),
    /// A [`TransitionGroup`] by id.
    Group(String),
}

/// When a transition happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum TransitionTime {
    /// From the beginning (`Transition`).
    Always,
    /// At one moment of local time, as `YYYY-MM-DDTHH:MM:SS` (`AbsoluteDateTransition`).
    Date(String),
    /// Each year on the n-th such day of a month (`RecurringDayTransition`).
    YearlyDay {
        /// 1 to 12.
        month: u32,
        /// Which day.
        day: DayOfWeek,
        /// 1 to 4, or -1 for the last.
        occurrence: i32,
        /// Minutes after local midnight.
        minutes: i32,
    },
    /// Each year on one date (`RecurringDateTransition`).
    YearlyDate {
        /// 1 to 12.
        month: u32,
        /// Day of the month.
        day: u32,
        /// Minutes after local midnight.
        minutes: i32,
    },
}

/// `MeetingTimeZone` of Exchange 2007.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MeetingTimeZone {
    /// A Windows zone id as a rule; enough on its own from SP1 on.
    pub name: Option<String>,
    /// Minutes to add to local standard time to get UTC.
    pub base_offset_minutes: Option<i32>,
    /// Change to standard time.
    pub standard: Option<TimeChange>,
    /// Change to daylight saving time.
    pub daylight: Option<TimeChange>,
}

/// `Standard` or `Daylight` of a [`MeetingTimeZone`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TimeChange {
    /// Name of the period.
    pub name: Option<String>,
    /// Minutes on top of the base offset, same sign.
    pub offset_minutes: i32,
    /// The yearly rule; `None` when the change has a fixed date.
    pub rule: Option<ChangeRule>,
    /// A fixed date, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Minutes after local midnight.
    pub minutes: i32,
}

/// `RelativeYearlyRecurrence` of a [`TimeChange`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeRule {
    /// Which day.
    pub day: DayOfWeek,
    /// Which of them in the month.
    pub index: super::open_enum::DayOfWeekIndex,
    /// The month.
    pub month: super::open_enum::MonthName,
}
