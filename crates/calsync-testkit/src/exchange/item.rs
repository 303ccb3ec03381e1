//! What the store holds: items, their content, and what a series adds.
//!
//! An [`Item`] is a single appointment or a recurring master; occurrences are never stored, exceptions are part of their
//! master. [`View`] is how every reader looks at an item or at one occurrence of it: content of an exception lies over the
//! master's, field by field.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::recurrence::Recurrence;
use super::time::civil;
use super::zones::Zone;

/// Key of an extended property, normalised: GUIDs in lower case, distinguished sets and tags as they came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExtendedKey {
    /// Attributes of `ExtendedFieldURI` in schema order, without the type.
    pub(crate) attrs: Vec<(&'static str, String)>,
    pub(crate) kind: String,
}

/// One value, or the values of a multi-valued property.
pub(crate) type ExtendedValue = Vec<String>;

/// Text with its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) html: bool,
    pub(crate) text: String,
}

/// Someone invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attendee {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) response: String,
}

/// Everything that an exception may hold differently from its master; `None` is absent, or inherited in an exception.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) subject: Option<String>,
    pub(crate) sensitivity: Option<String>,
    pub(crate) body: Option<Body>,
    pub(crate) categories: Option<Vec<String>>,
    pub(crate) importance: Option<String>,
    pub(crate) reminder_set: Option<bool>,
    pub(crate) reminder_minutes: Option<u32>,
    pub(crate) culture: Option<String>,
    pub(crate) busy: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) response_requested: Option<bool>,
    pub(crate) required: Option<Vec<Attendee>>,
    pub(crate) optional: Option<Vec<Attendee>>,
    pub(crate) resources: Option<Vec<Attendee>>,
    pub(crate) extended: BTreeMap<ExtendedKey, ExtendedValue>,
}

impl Content {
    /// This content with `over` laid on top.
    pub(crate) fn under(&self, over: &Self) -> Self {
        fn pick<T: Clone>(over: Option<&T>, below: Option<&T>) -> Option<T> {
            over.or(below).cloned()
        }
        let mut extended = self.extended.clone();
        extended.extend(over.extended.iter().map(|(k, v)| (k.clone(), v.clone())));
        Self {
            subject: pick(over.subject.as_ref(), self.subject.as_ref()),
            sensitivity: pick(over.sensitivity.as_ref(), self.sensitivity.as_ref()),
            body: pick(over.body.as_ref(), self.body.as_ref()),
            categories: pick(over.categories.as_ref(), self.categories.as_ref()),
            importance: pick(over.importance.as_ref(), self.importance.as_ref()),
            reminder_set: pick(over.reminder_set.as_ref(), self.reminder_set.as_ref()),
            reminder_minutes: pick(over.reminder_minutes.as_ref(), self.reminder_minutes.as_ref()),
            culture: pick(over.culture.as_ref(), self.culture.as_ref()),
            busy: pick(over.busy.as_ref(), self.busy.as_ref()),
            location: pick(over.location.as_ref(), self.location.as_ref()),
            response_requested: pick(over.response_requested.as_ref(), self.response_requested.as_ref()),
            required: pick(over.required.as_ref(), self.required.as_ref()),
            optional: pick(over.optional.as_ref(), self.optional.as_ref()),
            resources: pick(over.resources.as_ref(), self.resources.as_ref()),
            extended,
        }
    }

    /// Whether anyone but the owner takes part.
    pub(crate) fn has_attendees(&self) -> bool {
        self.everyone().next().is_some()
    }

    /// All attendees, required first.
    pub(crate) fn everyone(&self) -> impl Iterator<Item = &Attendee> {
        [&self.required, &self.optional, &self.resources].into_iter().flatten().flatten()
    }
}

/// When an item is; `end` is exclusive.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct When {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) zone: Zone,
    pub(crate) end_zone: Zone,
    pub(crate) all_day: bool,
}

impl When {
    /// What the clock of the zone shows at a moment; midnight for whole days, also where the clocks skip it.
    pub(crate) fn reading(&self, at: Timestamp) -> DateTime {
        let reading = civil(at, &self.zone);
        if self.all_day { reading.date().at(0, 0, 0, 0) } else { reading }
    }
}

/// What makes an item a recurring master.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) recurrence: Recurrence,
    /// By day of the original start.
    pub(crate) exceptions: BTreeMap<Date, Exception>,
    pub(crate) deleted: BTreeSet<Date>,
}

/// What differs in one occurrence.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exception {
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    pub(crate) all_day: Option<bool>,
    pub(crate) content: Content,
    /// The organiser took this occurrence back.
    pub(crate) cancelled: bool,
    /// An answer to this occurrence alone.
    pub(crate) my_response: Option<String>,
    pub(crate) modified: Timestamp,
}

/// Who organises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Plain appointment, or a meeting of the mailbox's owner when there are attendees.
    Own,
    /// A copy of somebody else's meeting.
    Attendee,
}

/// Meeting state of an item.
#[derive(Debug, Clone)]
pub(crate) struct Meeting {
    pub(crate) role: Role,
    pub(crate) organizer: Attendee,
    pub(crate) request_sent: bool,
    pub(crate) cancelled: bool,
    pub(crate) my_response: String,
    pub(crate) sequence: u32,
}

/// A file, an image inside the text, or another item, attached to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attached {
    /// Never used again within the item.
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) content_id: Option<String>,
    pub(crate) inline: bool,
    pub(crate) is_item: bool,
    pub(crate) bytes: Vec<u8>,
    pub(crate) modified: Timestamp,
}

/// A stored item of a calendar folder.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) number: u64,
    pub(crate) folder: u64,
    /// Counter of the last change; the item's change key.
    pub(crate) change: u64,
    pub(crate) uid: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    /// When it was changed last before it came into its folder.
    pub(crate) modified_before: Timestamp,
    pub(crate) modified_by: String,
    pub(crate) when: When,
    pub(crate) content: Content,
    pub(crate) meeting: Meeting,
    pub(crate) series: Option<Series>,
    /// Attachments, in the order in which they came.
    pub(crate) files: Vec<Attached>,
    pub(crate) next_file: u64,
    /// Which change last touched a field; decides what `AutoResolve` keeps.
    pub(crate) touched: BTreeMap<String, u64>,
    /// `Some` for something that is not an appointment, such as a note a user dropped into the calendar.
    pub(crate) foreign_class: Option<String>,
    /// Code that every access to this item meets.
    pub(crate) spoilt: Option<String>,
}

impl Item {
    /// Adds an attachment under a new number.
    pub(crate) fn attach(&mut self, file: Attached) -> Attached {
        self.next_file += 1;
        let file = Attached { number: self.next_file, ..file };
        self.files.push(file.clone());
        file
    }
}

/// An item, or one occurrence of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) item: &'a Item,
    pub(crate) occurrence: Option<Date>,
}

impl<'a> View<'a> {
    /// The stored item itself.
    pub(crate) fn of(item: &'a Item) -> Self {
        Self { item, occurrence: None }
    }

    /// The exception record, when this occurrence is one.
    pub(crate) fn exception(&self) -> Option<&'a Exception> {
        self.item.series.as_ref()?.exceptions.get(&self.occurrence?)
    }

    /// `Single`, `Occurrence`, `Exception` or `RecurringMaster`.
    pub(crate) fn kind(&self) -> &'static str {
        match (&self.item.series, self.occurrence) {
            (None, _) => "Single",
            (Some(_), None) => "RecurringMaster",
            (Some(_), Some(_)) if self.exception().is_some() => "Exception",
            (Some(_), Some(_)) => "Occurrence",
        }
    }

    /// Start and exclusive end.
    pub(crate) fn span(&self) -> (Timestamp, Timestamp) {
        match self.occurrence {
            None => (self.item.when.start, self.item.when.end),
            Some(day) => self.exception().and_then(|e| e.span).unwrap_or_else(|| self.item.slot(day)),
        }
    }

    /// Whether it covers whole days.
    pub(crate) fn all_day(&self) -> bool {
        self.exception().and_then(|e| e.all_day).unwrap_or(self.item.when.all_day)
    }

    /// Content with the exception's on top.
    pub(crate) fn content(&self) -> Content {
        match self.exception() {
            Some(exception) => self.item.content.under(&exception.content),
            None => self.item.content.clone(),
        }
    }

    /// Whether the organiser cancelled it.
    pub(crate) fn cancelled(&self) -> bool {
        self.item.meeting.cancelled || self.exception().is_some_and(|e| e.cancelled)
    }

    /// What the mailbox's owner answered.
    pub(crate) fn my_response(&self) -> &'a str {
        let own = self.exception().and_then(|e| e.my_response.as_deref());
        own.unwrap_or(&self.item.meeting.my_response)
    }

    /// Time of the last change of this view.
    pub(crate) fn modified(&self) -> Timestamp {
        self.exception().map_or(self.item.modified, |e| e.modified)
    }
}
