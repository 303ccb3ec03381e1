//! What a request wants an item to become: fields of a `CalendarItem` element, read and checked.
//!
//! In: the children of a `CalendarItem` (all of them for a create, one for each `SetItemField`); out: an [`Edit`] that knows
//! what is set and what is cleared. Times stay as they came until all fields are known, because a zone given later in the
//! same request decides what a time without offset means.

use super::body;
use super::faults::{Fault, Refusal};
use super::item::{Attendee, Content, ExtendedKey};
use super::recurrence::{DaySet, End, INDEXES, MONTHS, Pattern, Recurrence, WEEKDAYS};
use super::soap::Context;
use super::time::{WireTime, parse_date};
use super::version::Schema;
use super::xml::Node;
use super::zone_xml::{read_definition, read_meeting_zone};
use super::zones::Zone;

/// Fields to set; `None` leaves a field alone. Cleared text fields are set to empty ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edit {
    pub(crate) content: Content,
    pub(crate) cleared_extended: Vec<ExtendedKey>,
    pub(crate) start: Option<WireTime>,
    pub(crate) end: Option<WireTime>,
    pub(crate) all_day: Option<bool>,
    pub(crate) zone: Option<Zone>,
    pub(crate) end_zone: Option<Zone>,
    pub(crate) recurrence: Option<Recurrence>,
    pub(crate) clear_recurrence: bool,
    pub(crate) uid: Option<String>,
    /// Field names touched, as in `item:Subject`; extended properties by their key's text.
    pub(crate) fields: Vec<String>,
}

/// Problems of an edit: the schema, which ends the request, or a value, which refuses the entry.
#[derive(Debug)]
pub(crate) enum Wrong {
    Request(Fault),
    Entry(Refusal),
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        Self::Request(fault)
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self::Entry(refusal)
    }
}

fn bad(node: &Node, kind: &str) -> Fault {
    Fault::schema(&format!(
        "The '{}' element is invalid - The value '{}' is invalid according to its datatype '{kind}'.",
        node.name, node.text
    ))
}

fn flag(node: &Node) -> Result<bool, Fault> {
    match node.text.trim() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(bad(node, "http://www.w3.org/2001/XMLSchema:boolean")),
    }
}

fn time(node: &Node) -> Result<WireTime, Fault> {
    WireTime::parse(&node.text).ok_or_else(|| bad(node, "http://www.w3.org/2001/XMLSchema:dateTime"))
}

fn number<T: std::str::FromStr>(node: &Node) -> Result<T, Fault> {
    node.text.trim().parse().map_err(|_| bad(node, "http://www.w3.org/2001/XMLSchema:int"))
}

impl Edit {
    /// Reads one child of a `CalendarItem`.
    pub(crate) fn set(&mut self, node: &Node, ctx: &Context) -> Result<(), Wrong> {
        let read_only = |family: &str| {
            Wrong::Entry(
                Refusal::new("ErrorInvalidPropertySet", "Set action is invalid for property.")
                    .field(&format!("{family}:{}", node.name)),
            )
        };
        let text = || Some(node.text.clone());
        let content = &mut self.content;
        let family = match node.name.as_str() {
            "Subject" => {
                if node.text.chars().count() > 255 {
                    content.subject = Some(node.text.chars().take(255).collect());
                } else {
                    content.subject = text();
                }
                "item"
            }
            "Sensitivity" => {
                content.sensitivity = text();
                "item"
            }
            "Body" => {
                content.body = Some(body::store(node.attr("BodyType") == Some("HTML"), &node.text));
                "item"
            }
            "Categories" => {
                content.categories = Some(node.children.iter().map(|c| c.text.clone()).collect());
                "item"
            }
            "Importance" => {
                content.importance = text();
                "item"
            }
            "ReminderIsSet" => {
                content.reminder_set = Some(flag(node)?);
                "item"
            }
            "ReminderMinutesBeforeStart" => {
                content.reminder_minutes = Some(number(node)?);
                "item"
            }
            "Culture" => {
                content.culture = text();
                "item"
            }
            // Written by clients together with the start; Exchange computes it for calendar items.
            "ReminderDueBy" => {
                time(node)?;
                "item"
            }
            "ExtendedProperty" => {
                let key = node.child("ExtendedFieldURI").map(ExtendedKey::read);
                let key = key
                    .ok_or_else(|| Fault::schema("The element 'ExtendedProperty' has incomplete content."))?;
                check_extended(&key)?;
                let values = match node.child("Values") {
                    Some(values) => values.children.iter().map(|v| v.text.clone()).collect(),
                    None => vec![node.child_text("Value").unwrap_or_default().to_owned()],
                };
                self.fields.push(format!("{key:?}"));
                content.extended.insert(key, values);
                return Ok(());
            }
            "UID" => {
                self.uid = text().filter(|uid| !uid.is_empty());
                "calendar"
            }
            "Start" => {
                self.start = Some(time(node)?);
                "calendar"
            }
            "End" => {
                self.end = Some(time(node)?);
                "calendar"
            }
            "IsAllDayEvent" => {
                self.all_day = Some(flag(node)?);
                "calendar"
            }
            "LegacyFreeBusyStatus" => {
                content.busy = text();
                "calendar"
            }
            "Location" => {
                content.location = text();
                "calendar"
            }
            "IsResponseRequested" => {
                content.response_requested = Some(flag(node)?);
                "calendar"
            }
            "RequiredAttendees" => {
                content.required = Some(attendees(node));
                "calendar"
            }
            "OptionalAttendees" => {
                content.optional = Some(attendees(node));
                "calendar"
            }
            "Resources" => {
                content.resources = Some(attendees(node));
                "calendar"
            }
            "Recurrence" => {
                self.recurrence = Some(read_recurrence(node)?);
                "calendar"
            }
            "MeetingTimeZone" => {
                if ctx.knows(Schema::E2010) {
                    return Err(read_only("calendar"));
                }
                let zone = read_meeting_zone(node)?;
                self.end_zone = Some(zone.clone());
                self.zone = Some(zone);
                "calendar"
            }
            "StartTimeZone" => {
                self.zone = Some(read_definition(node)?);
                "calendar"
            }
            "EndTimeZone" => {
                self.end_zone = Some(read_definition(node)?);
                "calendar"
            }
            // Accepted and without effect on what the mock shows.
            "AllowNewTimeProposal"
            | "ConferenceType"
            | "MeetingWorkspaceUrl"
            | "NetShowUrl"
            | "EnhancedLocation"
            | "When" => "calendar",
            "IsOnlineMeeting" if !ctx.knows(Schema::E2016) => "calendar",
            name if super::fields::ITEM.iter().any(|row| row.0 == name) => return Err(read_only("item")),
            _ => return Err(read_only("calendar")),
        };
        self.fields.push(format!("{family}:{}", node.name));
        Ok(())
    }

    /// Clears the field that a `DeleteItemField` names.
    pub(crate) fn clear(&mut self, path: &Node) -> Result<(), Refusal> {
        if path.name == "ExtendedFieldURI" {
            let key = ExtendedKey::read(path);
            self.fields.push(format!("{key:?}"));
            self.cleared_extended.push(key);
            return Ok(());
        }
        let uri = path.attr("FieldURI").unwrap_or_default();
        let content = &mut self.content;
        match uri {
            "item:Subject" => content.subject = Some(String::new()),
            "item:Body" => content.body = Some(body::store(false, "")),
            "item:Categories" => content.categories = Some(Vec::new()),
            "item:Importance" => content.importance = Some("Normal".to_owned()),
            "item:Sensitivity" => content.sensitivity = Some("Normal".to_owned()),
            "calendar:Location" => content.location = Some(String::new()),
            "calendar:RequiredAttendees" => content.required = Some(Vec::new()),
            "calendar:OptionalAttendees" => content.optional = Some(Vec::new()),
            "calendar:Resources" => content.resources = Some(Vec::new()),
            "calendar:Recurrence" => self.clear_recurrence = true,
            _ => {
                return Err(Refusal::new(
                    "ErrorInvalidPropertyDelete",
                    "Delete action is invalid for property.",
                )
                .field(uri));
            }
        }
        self.fields.push(uri.to_owned());
        Ok(())
    }
}

/// Refuses properties that have one of Exchange's own fields or cannot be kept.
pub(crate) fn check_extended(key: &ExtendedKey) -> Result<(), Refusal> {
    let invalid = |text: &str| Err(Refusal::new("ErrorInvalidExtendedProperty", text));
    let has = |name: &str| key.attrs.iter().any(|(k, _)| *k == name);
    let set = has("PropertySetId") || has("DistinguishedPropertySetId");
    if has("PropertyTag") {
        if set || has("PropertyName") || has("PropertyId") {
            return invalid("The extended property attribute combination is invalid.");
        }
        let tag =
            key.attrs.iter().find(|(k, _)| *k == "PropertyTag").map(|(_, v)| v.as_str()).unwrap_or_default();
        let number = tag.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if number.is_none_or(|n| n >= 0x8000) {
            return invalid(
                "The extended property tag is in the custom range (0x8000 or greater). Properties in this range must be referred to by name.",
            );
        }
    } else if !set || has("PropertyName") == has("PropertyId") {
        return invalid("The extended property attribute combination is invalid.");
    }
    Ok(())
}

fn attendees(node: &Node) -> Vec<Attendee> {
    node.children
        .iter()
        .filter_map(|a| {
            let mailbox = a.child("Mailbox")?;
            let address = mailbox.child_text("EmailAddress")?.trim().to_owned();
            Some(Attendee {
                name: mailbox.child_text("Name").filter(|n| !n.is_empty()).unwrap_or(&address).to_owned(),
                address,
                // What the organiser's client claims about responses does not count.
                response: "Unknown".to_owned(),
            })
        })
        .collect()
}

fn read_recurrence(node: &Node) -> Result<Recurrence, Wrong> {
    let incomplete = || Wrong::Request(Fault::schema("The element 'Recurrence' has incomplete content."));
    let [pattern, range] = node.children.as_slice() else { return Err(incomplete()) };
    let child = |of: &Node, name: &str| of.child(name).cloned().ok_or_else(incomplete);
    let interval = |of: &Node| -> Result<i32, Wrong> { Ok(number(&child(of, "Interval")?)?) };
    let weekday = |text: &str| WEEKDAYS.iter().find(|(_, name)| *name == text).map(|(day, _)| *day);
    let days = |of: &Node| -> Result<DaySet, Wrong> {
        let node = child(of, "DaysOfWeek")?;
        Ok(match node.text.trim() {
            "Day" => DaySet::Any,
            "Weekday" => DaySet::Working,
            "WeekendDay" => DaySet::Weekend,
            one => DaySet::One(weekday(one).ok_or_else(|| bad(&node, "DayOfWeekType"))?),
        })
    };
    let index = |of: &Node| -> Result<_, Wrong> {
        let node = child(of, "DayOfWeekIndex")?;
        let found = INDEXES.iter().find(|(_, name)| *name == node.text.trim()).map(|(index, _)| *index);
        Ok(found.ok_or_else(|| bad(&node, "DayOfWeekIndexType"))?)
    };
    let month = |of: &Node| -> Result<i8, Wrong> {
        let node = child(of, "Month")?;
        let found =
            MONTHS.iter().zip(1..).find(|(name, _)| **name == node.text.trim()).map(|(_, month)| month);
        Ok(found.ok_or_else(|| bad(&node, "MonthNamesType"))?)
    };
    let day = |of: &Node| -> Result<i8, Wrong> { Ok(number(&child(of, "DayOfMonth")?)?) };
    let refused = |code: &str, text: &str| Wrong::Entry(Refusal::new(code, text));
    let pattern = match pattern.name.as_str() {
        "DailyRecurrence" => Pattern::Daily { interval: interval(pattern)? },
        "WeeklyRecurrence" => {
            let listed = child(pattern, "DaysOfWeek")?;
            let days: Option<Vec<_>> = listed.text.split_ascii_whitespace().map(weekday).collect();
            let days = days.ok_or_else(|| {
                refused(
                    "ErrorCalendarInvalidDayForWeeklyRecurrence",
                    "The day is not valid for a weekly recurrence.",
                )
            })?;
            let first = pattern.child_text("FirstDayOfWeek").and_then(|t| weekday(t.trim()));
            Pattern::Weekly {
                interval: interval(pattern)?,
                days,
                first: first.unwrap_or(jiff::civil::Weekday::Sunday),
            }
        }
        "AbsoluteMonthlyRecurrence" => {
            Pattern::AbsoluteMonthly { interval: interval(pattern)?, day: day(pattern)? }
        }
        "RelativeMonthlyRecurrence" => Pattern::RelativeMonthly {
            interval: interval(pattern)?,
            days: days(pattern)?,
            index: index(pattern)?,
        },
        "AbsoluteYearlyRecurrence" => Pattern::AbsoluteYearly { day: day(pattern)?, month: month(pattern)? },
        "RelativeYearlyRecurrence" => {
            Pattern::RelativeYearly { days: days(pattern)?, index: index(pattern)?, month: month(pattern)? }
        }
        _ => return Err(refused("ErrorCalendarInvalidRecurrence", "The recurrence is invalid.")),
    };
    let date = |name: &str| -> Result<_, Wrong> {
        let node = child(range, name)?;
        Ok(parse_date(&node.text).ok_or_else(|| bad(&node, "http://www.w3.org/2001/XMLSchema:date"))?)
    };
    let end = match range.name.as_str() {
        "EndDateRecurrence" => End::Day(date("EndDate")?),
        "NumberedRecurrence" => {
            let count: i64 = number(&child(range, "NumberOfOccurrences")?)?;
            End::Count(usize::try_from(count).unwrap_or(0))
        }
        _ => End::Never,
    };
    Ok(Recurrence { pattern, start: date("StartDate")?, end })
}
