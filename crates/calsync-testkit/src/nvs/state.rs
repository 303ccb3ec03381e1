//! Everything the mock knows, and what happens to it. No HTTP here: the server and the people both act on this.

mod files;
mod reading;
mod whole;
mod writing;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::content::Content;

pub(super) use writing::Target;

/// A calendar unit of the mock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockUnit {
    /// Id.
    pub id: String,
    /// `person`, `vehicle`, `machine` or `room`.
    pub kind: String,
    /// Display name.
    pub name: String,
    /// The owner's mail address.
    pub address: Option<String>,
    /// Whether the token may write to it.
    pub writable: bool,
}

impl MockUnit {
    /// A person that the token may write to.
    pub fn person(id: impl Into<String>, name: impl Into<String>, address: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind: "person".to_owned(),
            name: name.into(),
            address: Some(address.into()),
            writable: true,
        }
    }

    fn to_value(&self) -> Value {
        let mut value = json!({
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "access": if self.writable { "write" } else { "read" },
        });
        if let (Some(address), Some(map)) = (&self.address, value.as_object_mut()) {
            map.insert("address".to_owned(), json!(address));
        }
        value
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Stamp {
    at: DateTime<Utc>,
    by: String,
}

impl Stamp {
    fn to_value(&self) -> Value {
        json!({"at": self.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true), "by": self.by})
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    id: String,
    revision: u64,
    pub(super) uid: String,
    pub(super) content: Content,
    references: BTreeMap<String, BTreeMap<String, String>>,
    created: Stamp,
    changed: Stamp,
}

impl Stored {
    pub(super) fn to_value(&self) -> Value {
        let mut document = Map::new();
        document.insert("id".to_owned(), json!(self.id));
        document.insert("revision".to_owned(), json!(self.revision_text()));
        document.insert("uid".to_owned(), json!(self.uid));
        self.content.write(&mut document);
        document.insert("references".to_owned(), json!(self.references));
        document.insert("created".to_owned(), self.created.to_value());
        document.insert("changed".to_owned(), self.changed.to_value());
        Value::Object(document)
    }

    fn revision_text(&self) -> String {
        format!("r{}", self.revision)
    }
}

#[derive(Debug, Clone)]
struct Binned {
    stored: Stored,
    /// When it was changed last before it was deleted.
    changed: Stamp,
    deleted: Stamp,
}

#[derive(Debug, Clone)]
struct LogEntry {
    number: u64,
    unit: String,
    id: String,
    revision: String,
    removed: bool,
}

#[derive(Debug, Clone)]
struct Remembered {
    digest: Vec<u8>,
    result: Value,
}

/// What a backup holds.
#[derive(Debug, Clone, Default)]
struct Data {
    units: BTreeMap<String, MockUnit>,
    appointments: BTreeMap<String, Stored>,
    bin: BTreeMap<String, Binned>,
    log: Vec<LogEntry>,
    keys: BTreeMap<String, Remembered>,
    /// Bytes by their digest.
    files: BTreeMap<String, Vec<u8>>,
    /// Which unit a file was sent to.
    sent: BTreeSet<(String, String)>,
    next_id: u64,
    next_entry: u64,
}

/// A backup of the mock, to go back to.
#[derive(Debug, Clone)]
pub struct Snapshot(Data);

/// Limits the mock announces and enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MockLimits {
    /// Entries on a page.
    pub page: usize,
    /// Writes, ids, tokens or UIDs in one request.
    pub batch: usize,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Bytes of a file; `None`: the server takes no files.
    pub file_bytes: Option<usize>,
}

impl Default for MockLimits {
    fn default() -> Self {
        Self { page: 1000, batch: 200, body_bytes: 8 << 20, file_bytes: Some(32 << 20) }
    }
}

/// Who acts: rights and protection hold for programs, not for people at the NVS Calender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    Program,
    Person,
}

impl Actor {
    fn name(self) -> String {
        match self {
            Actor::Program => "calsync",
            Actor::Person => "dispatcher",
        }
        .to_owned()
    }
}

#[derive(Debug)]
pub(super) struct State {
    installation: String,
    data: Data,
    epoch: u64,
    /// Cursors made before this entry of the log are expired.
    expired_before: u64,
    /// Counts births over restores, so that no UID is given twice.
    births: u64,
    clock_offset: chrono::TimeDelta,
    /// What the clock shows, where it stands still.
    stopped: Option<DateTime<Utc>>,
    pub(super) limits: MockLimits,
    pub(super) protected: BTreeSet<String>,
    pub(super) unreadable: BTreeSet<String>,
    pub(super) unlisted: BTreeSet<String>,
    /// Units that changed since the last look, for notifications.
    pub(super) touched: BTreeSet<String>,
}

impl State {
    pub(super) fn new(installation: String, limits: MockLimits) -> Self {
        Self {
            installation,
            data: Data::default(),
            epoch: 1,
            expired_before: 0,
            births: 0,
            clock_offset: chrono::TimeDelta::zero(),
            stopped: None,
            limits,
            protected: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            unlisted: BTreeSet::new(),
            touched: BTreeSet::new(),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        if let Some(at) = self.stopped {
            return at;
        }
        let now = jiff::Timestamp::now();
        DateTime::from_timestamp_millis(now.as_millisecond()).unwrap_or_default() + self.clock_offset
    }

    pub(super) fn fix_clock(&mut self, at: DateTime<Utc>) {
        self.stopped = Some(at);
    }

    pub(super) fn set_clock_offset(&mut self, offset: chrono::TimeDelta) {
        self.clock_offset = offset;
    }

    pub(super) fn epoch(&self) -> String {
        format!("epoch-{}", self.epoch)
    }

    pub(super) fn put_unit(&mut self, unit: MockUnit) {
        self.data.units.insert(unit.id.clone(), unit);
    }

    pub(super) fn units(&self) -> impl Iterator<Item = &MockUnit> {
        self.data.units.values()
    }

    pub(super) fn appointments(&self, unit: &str) -> impl Iterator<Item = (&String, &Stored)> {
        self.data
            .appointments
            .iter()
            .filter(move |(_, stored)| stored.content.units.iter().any(|of| of == unit))
    }

    pub(super) fn appointment(&self, unit: &str, id: &str) -> Option<&Stored> {
        self.data.appointments.get(id).filter(|stored| stored.content.units.iter().any(|of| of == unit))
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot(self.data.clone())
    }

    pub(super) fn restore(&mut self, snapshot: &Snapshot) {
        self.data = snapshot.0.clone();
        self.epoch += 1;
        // Cursors of another epoch are refused for that, and numbers are given again.
        self.expired_before = 0;
        self.touched.extend(self.data.units.keys().cloned());
    }

    pub(super) fn expire_cursors(&mut self) {
        self.data.next_entry += 1;
        self.expired_before = self.data.next_entry;
    }

    pub(super) fn forget_keys(&mut self) {
        self.data.keys.clear();
    }
}
