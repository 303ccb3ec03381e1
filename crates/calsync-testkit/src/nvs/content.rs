//! What the mock stores of an appointment, in types of its own, and the rules it has to obey.
//!
//! Every member that a client writes goes through [`Content::set`], on creation, in a patch and, by way of a trial,
//! in an override. [`Content::check`] then looks at the whole.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::problem::Fault;

const LINE: usize = 1024;
const TEXT: usize = 1 << 20;

/// A date, or a wall clock reading in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Moment {
    Date {
        date: NaiveDate,
    },
    #[serde(rename_all = "snake_case")]
    Clock {
        at: NaiveDateTime,
        zone: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        later: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notes {
    pub(super) format: NotesFormat,
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NotesFormat {
    Plain,
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BusyStatus {
    Free,
    Tentative,
    Busy,
    OutOfOffice,
    WorkingElsewhere,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attendee {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    role: Role,
    response: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Required,
    Optional,
    Resource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    None,
    Accepted,
    Tentative,
    Declined,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attachment {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    kind: MarkKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MarkKind {
    Deleted,
    Moved,
}

impl Person {
    pub(super) fn name(&self) -> String {
        self.name.clone().unwrap_or_default()
    }

    pub(super) fn address(&self) -> String {
        self.address.clone().unwrap_or_default()
    }
}

/// What one occurrence has of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Override {
    Cancelled,
    /// Members by name, each of them accepted by [`Content::set`].
    Changed(BTreeMap<String, Value>),
}

impl Override {
    pub(super) fn to_value(&self) -> Value {
        match self {
            Override::Cancelled => serde_json::json!({"cancelled": true}),
            Override::Changed(members) => Value::Object(members.clone().into_iter().collect()),
        }
    }
}

/// Members that say how a whole series runs and that an occurrence cannot have.
const OF_THE_SERIES: [&str; 4] = ["rule", "rdates", "units", "mark"];

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Content {
    pub(super) units: Vec<String>,
    pub(super) subject: String,
    pub(super) place: String,
    pub(super) notes: Option<Notes>,
    pub(super) kind: Option<String>,
    pub(super) colour: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) start: Moment,
    pub(super) end: Moment,
    pub(super) private: bool,
    pub(super) busy: BusyStatus,
    pub(super) reminder: Option<u32>,
    pub(super) organiser: Option<Person>,
    pub(super) attendees: Vec<Attendee>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) rule: Option<String>,
    pub(super) rdates: Vec<String>,
    pub(super) mark: Option<Mark>,
    pub(super) overrides: BTreeMap<String, Override>,
    pub(super) extra: BTreeMap<String, Value>,
}

impl Content {
    pub(super) fn new(start: Moment, end: Moment) -> Self {
        Self {
            units: Vec::new(),
            subject: String::new(),
            place: String::new(),
            notes: None,
            kind: None,
            colour: None,
            customer: None,
            start,
            end,
            private: false,
            busy: BusyStatus::Busy,
            reminder: None,
            organiser: None,
            attendees: Vec::new(),
            attachments: Vec::new(),
            rule: None,
            rdates: Vec::new(),
            mark: None,
            overrides: BTreeMap::new(),
            extra: BTreeMap::new(),
        }
    }

    /// Sets one member; the error says what is wrong with the value.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "units" => self.units = read(value)?,
            "subject" => self.subject = line(value)?,
            "place" => self.place = line(value)?,
            "notes" => {
                let notes: Option<Notes> = read(value)?;
                if notes.as_ref().is_some_and(|notes| notes.text.len() > TEXT) {
                    return Err(format!("is longer than {TEXT} bytes"));
                }
                self.notes = notes.filter(|notes| !notes.text.is_empty());
            }
            "type" => self.kind = word(value)?,
            "colour" => {
                let colour = word(value)?;
                if let Some(colour) = &colour {
                    let digits = colour.strip_prefix('#').unwrap_or_default();
                    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                        return Err("is not of the form #rrggbb".to_owned());
                    }
                }
                self.colour = colour;
            }
            "customer" => self.customer = word(value)?,
            "start" => self.start = moment(value)?,
            "end" => self.end = moment(value)?,
            "private" => self.private = read(value)?,
            "busy" => self.busy = read(value)?,
            "reminder" => {
                let minutes: Option<u32> = read(value)?;
                if minutes.is_some_and(|minutes| minutes > 525_600) {
                    return Err("is more than a year".to_owned());
                }
                self.reminder = minutes;
            }
            "organiser" => self.organiser = read(value)?,
            "attendees" => self.attendees = read(value)?,
            "attachments" => {
                let list: Vec<Attachment> = read(value)?;
                for (index, file) in list.iter().enumerate() {
                    if file.name.is_empty() || file.name.len() > LINE || file.name.contains(char::is_control)
                    {
                        return Err("has a file name that is empty, too long or not of one line".to_owned());
                    }
                    if list.iter().skip(index + 1).any(|later| later.id == file.id) {
                        return Err("names two files by one id".to_owned());
                    }
                }
                self.attachments = list;
            }
            "rule" => self.rule = word(value)?,
            "rdates" => self.rdates = read(value)?,
            "mark" => self.mark = read(value)?,
            _ if name.starts_with("x-") => {
                if value.is_null() {
                    self.extra.remove(name);
                } else {
                    self.extra.insert(name.to_owned(), value.clone());
                }
            }
            "id" | "revision" | "uid" | "references" | "created" | "changed" | "overrides" => {
                return Err("cannot be set here".to_owned());
            }
            _ => return Err("is not a member of an appointment; extensions begin with x-".to_owned()),
        }
        Ok(())
    }

    /// Sets all members of an object and collects what is wrong.
    pub(super) fn set_all(&mut self, members: &Map<String, Value>, pointer: &str, faults: &mut Vec<Fault>) {
        for (name, value) in members {
            if let Err(detail) = self.set(name, value) {
                faults.push(Fault::at(format!("{pointer}/{name}"), detail));
            }
        }
    }

    /// Tries a member as part of an override.
    pub(super) fn try_in_override(&self, name: &str, value: &Value) -> Result<(), String> {
        if OF_THE_SERIES.contains(&name) {
            return Err("belongs to the whole series".to_owned());
        }
        self.clone().set(name, value)
    }

    /// The content of one occurrence whose original start is `key`, before and without its override.
    pub(super) fn occurrence(&self, key: &str) -> Option<Content> {
        let mut occurrence = self.clone();
        let (start, end) = match (&self.start, &self.end) {
            (Moment::Date { date: first }, Moment::Date { date: last }) => {
                let date: NaiveDate = key.parse().ok()?;
                (Moment::Date { date }, Moment::Date { date: date + (*last - *first) })
            }
            (Moment::Clock { at: from, zone, .. }, Moment::Clock { at: to, zone: to_zone, .. }) => {
                let at: NaiveDateTime = local(key)?;
                let end = at.checked_add_signed(*to - *from)?;
                (
                    Moment::Clock { at, zone: zone.clone(), later: false },
                    Moment::Clock { at: end, zone: to_zone.clone(), later: false },
                )
            }
            _ => return None,
        };
        occurrence.start = start;
        occurrence.end = end;
        occurrence.rule = None;
        occurrence.rdates.clear();
        occurrence.overrides.clear();
        Some(occurrence)
    }

    /// The content of one occurrence as it takes place; `None` when it does not.
    pub(super) fn standing(&self, key: &str) -> Option<Content> {
        let mut occurrence = self.occurrence(key)?;
        match self.overrides.get(key) {
            Some(Override::Cancelled) => return None,
            Some(Override::Changed(members)) => {
                for (name, value) in members {
                    // Accepted when it was stored.
                    let _ = occurrence.set(name, value);
                }
            }
            None => {}
        }
        Some(occurrence)
    }

    pub(super) fn is_series(&self) -> bool {
        self.rule.is_some() || !self.rdates.is_empty()
    }

    /// Whether `key` has the form of an original start of this appointment.
    pub(super) fn is_key(&self, key: &str) -> bool {
        match self.start {
            Moment::Date { .. } => key.len() == 10 && key.parse::<NaiveDate>().is_ok(),
            Moment::Clock { .. } => key.len() == 19 && local(key).is_some(),
        }
    }

    /// Looks at the whole: everything that is wrong, with pointers below `pointer`.
    pub(super) fn check(&self, pointer: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        check_span(&self.start, &self.end, pointer, &mut faults);
        if self.units.is_empty() {
            faults.push(Fault::at(format!("{pointer}/units"), "must name at least one calendar unit"));
        }
        for rdate in &self.rdates {
            if !self.is_key(rdate) {
                faults.push(Fault::at(
                    format!("{pointer}/rdates"),
                    "must have the form of start, without a zone",
                ));
            }
        }
        if let Some(rule) = &self.rule
            && let Err(detail) = super::expand::check_rule(rule, &self.start)
        {
            faults.push(Fault::at(format!("{pointer}/rule"), detail));
        }
        if !faults.is_empty() {
            return faults;
        }
        if !self.overrides.is_empty() && !self.is_series() {
            faults.push(Fault::at(
                format!("{pointer}/overrides"),
                "a single appointment has no occurrences to override",
            ));
            return faults;
        }
        for (key, over) in &self.overrides {
            let here = format!("{pointer}/overrides/{key}");
            if !self.is_key(key) {
                faults.push(Fault::at(here, "must be an original start in the zone of the series"));
            } else if !super::expand::is_occurrence(self, key) {
                faults.push(Fault::at(here, "is not an occurrence of the series"));
            } else if let (Override::Changed(own), Some(occurrence)) = (over, self.standing(key))
                && (own.contains_key("start") || own.contains_key("end"))
            {
                // One that only follows the rule is as it is, also where the clocks skip its start.
                check_span(&occurrence.start, &occurrence.end, &here, &mut faults);
            }
        }
        faults
    }

    /// Drops overrides that no longer fall on an occurrence.
    pub(super) fn drop_orphans(&mut self) {
        if !self.is_series() {
            self.overrides.clear();
        }
        let orphans: Vec<String> =
            self.overrides.keys().filter(|key| !super::expand::is_occurrence(self, key)).cloned().collect();
        for key in orphans {
            self.overrides.remove(&key);
        }
    }

    /// Writes all members, empty ones included.
    pub(super) fn write(&self, document: &mut Map<String, Value>) {
        let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
        put("units", to_json(&self.units));
        put("subject", to_json(&self.subject));
        put("place", to_json(&self.place));
        put("notes", to_json(&self.notes));
        put("type", to_json(&self.kind));
        put("colour", to_json(&self.colour));
        put("customer", to_json(&self.customer));
        put("start", to_json(&self.start));
        put("end", to_json(&self.end));
        put("private", to_json(&self.private));
        put("busy", to_json(&self.busy));
        put("reminder", to_json(&self.reminder));
        put("organiser", to_json(&self.organiser));
        put("attendees", to_json(&self.attendees));
        put("attachments", to_json(&self.attachments));
        put("rule", to_json(&self.rule));
        put("rdates", to_json(&self.rdates));
        put("mark", to_json(&self.mark));
        put(
            "overrides",
            Value::Object(self.overrides.iter().map(|(key, over)| (key.clone(), over.to_value())).collect()),
        );
        for (name, value) in &self.extra {
            put(name, value.clone());
        }
    }
}

fn check_span(start: &Moment, end: &Moment, pointer: &str, faults: &mut Vec<Fault>) {
    let mut wrong =
        |member: &str, detail: &str| faults.push(Fault::at(format!("{pointer}/{member}"), detail));
    match (start, end) {
        (Moment::Date { date: first }, Moment::Date { date: after }) => {
            if after <= first {
                wrong("end", "is exclusive and must be after start");
            }
        }
        (Moment::Clock { .. }, Moment::Clock { .. }) => {
            match (super::expand::instant(start), super::expand::instant(end)) {
                (None, _) => wrong("start", "has a zone that is not in the IANA list"),
                (_, None) => wrong("end", "has a zone that is not in the IANA list"),
                (Some(from), Some(to)) => {
                    if to < from {
                        wrong("end", "must not be before start");
                    }
                }
            }
        }
        _ => wrong("end", "must be a date when start is one, and a clock reading when start is one"),
    }
}

/// Reads `2026-03-05T09:00:00`.
pub(super) fn local(key: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(key, "%Y-%m-%dT%H:%M:%S").ok()
}

fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| error.to_string())
}

fn moment(value: &Value) -> Result<Moment, String> {
    read(value).map_err(|_| "must be {\"date\"} or {\"at\", \"zone\"}, and nothing else".to_owned())
}

fn line(value: &Value) -> Result<String, String> {
    let text: String = read(value)?;
    if text.chars().count() > LINE {
        return Err(format!("is longer than {LINE} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("has control characters".to_owned());
    }
    Ok(text)
}

fn word(value: &Value) -> Result<Option<String>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let text = line(value)?;
    Ok((!text.is_empty()).then_some(text))
}
