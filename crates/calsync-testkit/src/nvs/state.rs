//! Everything the mock knows, and what happens to it. No HTTP here: the server and the people both act on this.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::content::{Content, Moment, Override};
use super::problem::{Fault, Problem};

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
}

impl Default for MockLimits {
    fn default() -> Self {
        Self { page: 1000, batch: 200, body_bytes: 8 << 20 }
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
            limits,
            protected: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            unlisted: BTreeSet::new(),
            touched: BTreeSet::new(),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        let now = jiff::Timestamp::now();
        DateTime::from_timestamp_millis(now.as_millisecond()).unwrap_or_default() + self.clock_offset
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
        self.touched.extend(self.data.units.keys().cloned());
    }

    pub(super) fn expire_cursors(&mut self) {
        self.data.next_entry += 1;
        self.expired_before = self.data.next_entry;
    }

    pub(super) fn forget_keys(&mut self) {
        self.data.keys.clear();
    }

    // ---- reading -----------------------------------------------------------------------------------------------

    pub(super) fn server_info(&self) -> Value {
        json!({
            "protocol": "1.0",
            "product": "NVS Calender (mock)",
            "version": env!("CARGO_PKG_VERSION"),
            "installation": self.installation,
            "epoch": self.epoch(),
            "time": self.time(),
            "limits": {
                "page": self.limits.page,
                "batch": self.limits.batch,
                "body_bytes": self.limits.body_bytes,
                "key_memory_seconds": 86400,
            },
            "protected_types": self.protected,
        })
    }

    fn time(&self) -> String {
        self.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    }

    pub(super) fn unit_page(&self, after: Option<&str>, limit: usize) -> Value {
        let mut units: Vec<&MockUnit> = self
            .data
            .units
            .values()
            .filter(|unit| after.is_none_or(|after| unit.id.as_str() > after))
            .take(limit + 1)
            .collect();
        let more = units.len() > limit;
        units.truncate(limit);
        let mut page = json!({"units": units.iter().map(|unit| unit.to_value()).collect::<Vec<_>>()});
        if let (true, Some(last), Some(map)) = (more, units.last(), page.as_object_mut()) {
            map.insert("next".to_owned(), json!(last.id));
        }
        page
    }

    pub(super) fn unit(&self, id: &str) -> Result<Value, Problem> {
        self.data.units.get(id).map(MockUnit::to_value).ok_or_else(|| Problem::unknown_unit(id))
    }

    pub(super) fn knows_unit(&self, id: &str) -> Result<(), Problem> {
        if self.data.units.contains_key(id) { Ok(()) } else { Err(Problem::unknown_unit(id)) }
    }

    /// One page of the feed of `unit`, or of all units.
    ///
    /// Without a cursor the page begins a listing: everything that is there, by id, and after its last page the log
    /// from where it stood when the listing began, so that nothing that happens meanwhile is missed.
    pub(super) fn changes(
        &self,
        unit: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Value, Problem> {
        if let Some(unit) = unit {
            self.knows_unit(unit)?;
        }
        let scope = unit.unwrap_or("*");
        let cursor = match cursor {
            None => Cursor::Listing { since: self.data.next_entry, after: String::new() },
            Some(text) => {
                let (epoch, of, cursor) = Cursor::read(text)
                    .ok_or_else(|| Problem::bad_request("the cursor is not one of this server"))?;
                if of != scope {
                    return Err(Problem::bad_request("the cursor is of another feed"));
                }
                let (Cursor::Listing { since, .. } | Cursor::Log { since }) = &cursor;
                if epoch != self.epoch || *since < self.expired_before {
                    return Err(Problem::cursor_expired());
                }
                cursor
            }
        };
        let mut entries = Vec::new();
        let (next, more) = match cursor {
            Cursor::Listing { since, after } => {
                let (after_id, after_unit) = after.split_once('\u{1e}').unwrap_or(("", ""));
                let mut present: Vec<(&str, &str, String)> = Vec::new();
                for (id, stored) in self.data.appointments.range(after_id.to_owned()..) {
                    if present.len() > limit {
                        break;
                    }
                    let mut units: Vec<&str> = stored.content.units.iter().map(String::as_str).collect();
                    units.sort_unstable();
                    units.retain(|of| unit.is_none_or(|unit| unit == *of));
                    units.retain(|of| {
                        (id.as_str(), *of) > (after_id, after_unit) && !self.unlisted.contains(id)
                    });
                    present.extend(units.into_iter().map(|of| (id.as_str(), of, stored.revision_text())));
                }
                let more = present.len() > limit;
                present.truncate(limit);
                entries.extend(present.iter().map(|(id, of, revision)| change(unit, of, id, Some(revision))));
                match (more, present.last()) {
                    (true, Some((id, of, _))) => {
                        (Cursor::Listing { since, after: format!("{id}\u{1e}{of}") }, true)
                    }
                    _ => (Cursor::Log { since }, self.log_after(unit, since).next().is_some()),
                }
            }
            Cursor::Log { since } => {
                let page: Vec<&LogEntry> = self.log_after(unit, since).take(limit).collect();
                let reached = page.last().map_or(self.data.next_entry, |last| last.number);
                // Of several entries about one appointment on a page the last one says it all.
                for (index, entry) in page.iter().enumerate() {
                    let repeated = page
                        .iter()
                        .skip(index + 1)
                        .any(|later| later.id == entry.id && later.unit == entry.unit);
                    if !repeated {
                        let revision = (!entry.removed).then_some(entry.revision.as_str());
                        entries.push(change(unit, &entry.unit, &entry.id, revision));
                    }
                }
                let more = self.log_after(unit, reached).next().is_some();
                (Cursor::Log { since: if more { reached } else { self.data.next_entry } }, more)
            }
        };
        Ok(json!({
            "epoch": self.epoch(),
            "time": self.time(),
            "entries": entries,
            "cursor": next.write(self.epoch, scope),
            "more": more,
        }))
    }

    fn log_after<'a>(&'a self, unit: Option<&'a str>, since: u64) -> impl Iterator<Item = &'a LogEntry> {
        let from = self.data.log.partition_point(|entry| entry.number <= since);
        self.data.log.iter().skip(from).filter(move |entry| unit.is_none_or(|unit| entry.unit == unit))
    }

    pub(super) fn read(&self, unit: Option<&str>, ids: &[String]) -> Result<Value, Problem> {
        if let Some(unit) = unit {
            self.knows_unit(unit)?;
        }
        let results: Vec<Value> = ids
            .iter()
            .map(|id| {
                let stored = match unit {
                    Some(unit) => self.appointment(unit, id),
                    None => self.data.appointments.get(id),
                };
                match stored {
                    Some(_) if self.unreadable.contains(id) => {
                        json!({"id": id, "state": "unreadable", "problem": Problem::internal().to_value()})
                    }
                    Some(stored) => json!({"id": id, "state": "present", "appointment": stored.to_value()}),
                    None => json!({"id": id, "state": "absent"}),
                }
            })
            .collect();
        Ok(json!({"epoch": self.epoch(), "results": results}))
    }

    pub(super) fn find(&self, unit: &str, tokens: &[String], uids: &[String]) -> Result<Value, Problem> {
        self.knows_unit(unit)?;
        let mut matches = Vec::new();
        for (id, stored) in self.appointments(unit) {
            let revision = stored.revision_text();
            let token = stored.references.get(unit).and_then(|references| references.get("token"));
            if let Some(token) = token.filter(|token| tokens.contains(token)) {
                matches.push(json!({"token": token, "id": id, "revision": revision}));
            }
            if uids.contains(&stored.uid) {
                matches.push(json!({"uid": stored.uid, "id": id, "revision": revision}));
            }
        }
        Ok(json!({"epoch": self.epoch(), "matches": matches}))
    }

    pub(super) fn bin_page(&self, unit: &str, after: Option<&str>, limit: usize) -> Result<Value, Problem> {
        self.knows_unit(unit)?;
        let mut binned: Vec<(&String, &Binned)> = self
            .data
            .bin
            .iter()
            .filter(|(id, binned)| {
                binned.stored.content.units.iter().any(|of| of == unit)
                    && after.is_none_or(|after| id.as_str() > after)
            })
            .take(limit + 1)
            .collect();
        let more = binned.len() > limit;
        binned.truncate(limit);
        let entries: Vec<Value> = binned
            .iter()
            .map(|(_, binned)| json!({"appointment": binned.stored.to_value(), "deleted": binned.deleted.to_value()}))
            .collect();
        let mut page = json!({"entries": entries});
        if let (true, Some((id, _)), Some(map)) = (more, binned.last(), page.as_object_mut()) {
            map.insert("next".to_owned(), json!(id));
        }
        Ok(page)
    }

    // ---- writing -----------------------------------------------------------------------------------------------

    /// Whether a write with this key was carried out before: its result then, or a complaint about another write.
    pub(super) fn remembered(&self, key: &str, write: &Value) -> Option<Result<Value, Problem>> {
        let remembered = self.data.keys.get(key)?;
        if remembered.digest != digest(write) {
            return Some(Err(Problem::key_reused()));
        }
        let mut result = remembered.result.clone();
        if let Some(map) = result.as_object_mut() {
            map.insert("replayed".to_owned(), json!(true));
        }
        Some(Ok(result))
    }

    pub(super) fn remember(&mut self, key: &str, write: &Value, result: &Value) {
        self.data.keys.insert(key.to_owned(), Remembered { digest: digest(write), result: result.clone() });
    }

    fn may_write(&self, actor: Actor, unit: &str) -> Result<(), Problem> {
        let known = self.data.units.get(unit).ok_or_else(|| Problem::unknown_unit(unit))?;
        if actor == Actor::Program && !known.writable {
            return Err(Problem::forbidden(format!("the token may not write to calendar unit {unit:?}")));
        }
        Ok(())
    }

    fn check_units(
        &self,
        actor: Actor,
        content: &Content,
        pointer: &str,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Problem> {
        for (index, unit) in content.units.iter().enumerate() {
            if !self.data.units.contains_key(unit) {
                faults.push(Fault::at(format!("{pointer}/units/{index}"), "is not a calendar unit"));
            } else if content.units.iter().skip(index + 1).any(|later| later == unit) {
                faults.push(Fault::at(format!("{pointer}/units/{index}"), "is named twice"));
            } else {
                self.may_write(actor, unit)?;
            }
        }
        Ok(())
    }

    pub(super) fn create(
        &mut self,
        actor: Actor,
        unit: &str,
        uid: Option<String>,
        mut content: Content,
        references: BTreeMap<String, String>,
        pointer: &str,
    ) -> Result<Stored, Problem> {
        self.may_write(actor, unit)?;
        if content.units.is_empty() {
            content.units.push(unit.to_owned());
        }
        let mut faults = content.check(pointer);
        self.check_units(actor, &content, pointer, &mut faults)?;
        if !content.units.iter().any(|of| of == unit) {
            faults.push(Fault::at(format!("{pointer}/units"), "must name the calendar unit of the write"));
        }
        check_references(&references, &format!("{pointer}/references"), &mut faults);
        if uid.as_ref().is_some_and(|uid| uid.is_empty() || uid.len() > 1024) {
            faults.push(Fault::at(format!("{pointer}/uid"), "must have 1 to 1024 bytes"));
        }
        if !faults.is_empty() {
            return Err(Problem::invalid(&faults));
        }
        self.births += 1;
        self.data.next_id += 1;
        let id = format!("A{:06}", self.data.next_id);
        let birth = Sha256::digest(format!("{}/{}/{}", self.installation, self.epoch, self.births));
        let uid = uid.unwrap_or_else(|| {
            let hex: String = birth.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            format!("{hex}@nvs.example")
        });
        let stamp = Stamp { at: self.now(), by: actor.name() };
        let mut own = BTreeMap::new();
        if !references.is_empty() {
            own.insert(unit.to_owned(), references);
        }
        let stored = Stored {
            id: id.clone(),
            revision: 1,
            uid,
            content,
            references: own,
            created: stamp.clone(),
            changed: stamp,
        };
        self.log(&stored, &stored.content.units.clone());
        self.data.appointments.insert(id, stored.clone());
        Ok(stored)
    }

    /// Replaces the content of an appointment by what `change` makes of it.
    pub(super) fn update(
        &mut self,
        actor: Actor,
        unit: &str,
        id: &str,
        expect: Option<&str>,
        pointer: &str,
        change: impl FnOnce(&mut Content, &mut Vec<Fault>),
        references: &BTreeMap<String, Option<String>>,
    ) -> Result<Stored, Problem> {
        self.may_write(actor, unit)?;
        let mut stored = self.appointment(unit, id).cloned().ok_or_else(Problem::unknown_appointment)?;
        if let Some(expect) = expect
            && expect != stored.revision_text()
        {
            return Err(Problem::conflict(&stored.revision_text()));
        }
        let before = stored.clone();
        let mut faults = Vec::new();
        change(&mut stored.content, &mut faults);
        let moved = |content: &Content| (content.start.clone(), content.rule.clone(), content.rdates.clone());
        if moved(&before.content) != moved(&stored.content) {
            // Overrides the change itself names are looked at below; older ones go when their occurrence is gone.
            let named: BTreeMap<String, Override> = stored
                .content
                .overrides
                .iter()
                .filter(|(key, over)| before.content.overrides.get(*key) != Some(*over))
                .map(|(key, over)| (key.clone(), over.clone()))
                .collect();
            if faults.is_empty()
                && stored.content.check(pointer).iter().all(|fault| fault.pointer.contains("/overrides"))
            {
                stored.content.drop_orphans();
                stored.content.overrides.extend(named);
            }
        }
        if faults.is_empty() {
            faults = stored.content.check(pointer);
        }
        self.check_units(actor, &stored.content, pointer, &mut faults)?;
        let own = stored.references.entry(unit.to_owned()).or_default();
        for (key, value) in references {
            match value {
                Some(value) => own.insert(key.clone(), value.clone()),
                None => own.remove(key),
            };
        }
        check_references(own, &format!("{pointer}/references"), &mut faults);
        stored.references.retain(|_, entries| !entries.is_empty());
        if !faults.is_empty() {
            return Err(Problem::invalid(&faults));
        }
        if actor == Actor::Program {
            self.unprotected(&before.content, Some(&stored.content))?;
        }
        if stored == before {
            return Ok(stored);
        }
        stored.revision += 1;
        stored.changed = Stamp { at: self.now(), by: actor.name() };
        let units: BTreeSet<&String> = before.content.units.iter().chain(&stored.content.units).collect();
        let units: Vec<String> = units.into_iter().cloned().collect();
        self.log(&stored, &units);
        self.data.appointments.insert(id.to_owned(), stored.clone());
        Ok(stored)
    }

    /// Takes an appointment out of a unit. The second value says that it was the last one.
    pub(super) fn delete(
        &mut self,
        actor: Actor,
        unit: &str,
        id: &str,
        expect: Option<&str>,
    ) -> Result<(Stored, bool), Problem> {
        self.may_write(actor, unit)?;
        let mut stored = self.appointment(unit, id).cloned().ok_or_else(Problem::unknown_appointment)?;
        if let Some(expect) = expect
            && expect != stored.revision_text()
        {
            return Err(Problem::conflict(&stored.revision_text()));
        }
        if actor == Actor::Program {
            self.unprotected(&stored.content, None)?;
        }
        stored.revision += 1;
        stored.changed = Stamp { at: self.now(), by: actor.name() };
        let last = stored.content.units.len() == 1;
        if last {
            // The log must say "removed" while the bin remembers the unit.
            self.data.appointments.remove(id);
            let deleted = stored.changed.clone();
            self.append(unit, id, &stored.revision_text(), true);
            self.data.bin.insert(id.to_owned(), Binned { stored: stored.clone(), deleted });
        } else {
            let units = stored.content.units.clone();
            stored.content.units.retain(|of| of != unit);
            stored.references.remove(unit);
            self.log(&stored, &units);
            self.data.appointments.insert(id.to_owned(), stored.clone());
        }
        Ok((stored, last))
    }

    pub(super) fn bring_back(&mut self, actor: Actor, unit: &str, id: &str) -> Result<Stored, Problem> {
        self.may_write(actor, unit)?;
        let binned = self.data.bin.remove(id).ok_or_else(Problem::unknown_appointment)?;
        let mut stored = binned.stored;
        stored.revision += 1;
        stored.changed = Stamp { at: self.now(), by: actor.name() };
        unit.clone_into(stored.content.units.first_mut().ok_or_else(Problem::internal)?);
        // References of a unit it is no longer in would claim a counterpart that is gone.
        stored.references.retain(|of, _| of == unit);
        self.log(&stored, &stored.content.units.clone());
        self.data.appointments.insert(id.to_owned(), stored.clone());
        Ok(stored)
    }

    /// Refuses to delete (`after` is `None`) or to move an appointment of a protected type.
    fn unprotected(&self, before: &Content, after: Option<&Content>) -> Result<(), Problem> {
        let Some(kind) = before.kind.as_ref().filter(|kind| self.protected.contains(*kind)) else {
            return Ok(());
        };
        let times =
            |content: &Content| -> (Moment, Moment, Option<String>, Vec<String>, Vec<(String, Value)>) {
                let moved = content.overrides.iter().filter_map(|(key, over)| match over {
                    Override::Cancelled => Some((key.clone(), Value::Null)),
                    Override::Changed(members) => {
                        let times = [members.get("start"), members.get("end")];
                        times.iter().any(Option::is_some).then(|| (key.clone(), json!(times)))
                    }
                });
                (
                    content.start.clone(),
                    content.end.clone(),
                    content.rule.clone(),
                    content.rdates.clone(),
                    moved.collect(),
                )
            };
        match after {
            Some(after)
                if times(before) == times(after)
                    && before.units.iter().all(|unit| after.units.contains(unit)) =>
            {
                Ok(())
            }
            Some(_) | None => Err(Problem::protected(kind)),
        }
    }

    fn log(&mut self, stored: &Stored, units: &[String]) {
        for unit in units {
            let removed = !stored.content.units.contains(unit);
            self.append(unit, &stored.id, &stored.revision_text(), removed);
        }
    }

    fn append(&mut self, unit: &str, id: &str, revision: &str, removed: bool) {
        self.data.next_entry += 1;
        self.data.log.push(LogEntry {
            number: self.data.next_entry,
            unit: unit.to_owned(),
            id: id.to_owned(),
            revision: revision.to_owned(),
            removed,
        });
        self.touched.insert(unit.to_owned());
    }
}

fn change(unit: Option<&str>, of: &str, id: &str, revision: Option<&str>) -> Value {
    let mut entry = json!({"id": id});
    if let Some(map) = entry.as_object_mut() {
        if unit.is_none() {
            map.insert("unit".to_owned(), json!(of));
        }
        match revision {
            Some(revision) => map.insert("revision".to_owned(), json!(revision)),
            None => map.insert("removed".to_owned(), json!(true)),
        };
    }
    entry
}

fn check_references(references: &BTreeMap<String, String>, pointer: &str, faults: &mut Vec<Fault>) {
    if references.len() > 16 {
        faults.push(Fault::at(pointer, "has more than 16 entries"));
    }
    for (key, value) in references {
        if key.is_empty() || key.len() > 64 || value.len() > 2048 {
            faults
                .push(Fault::at(format!("{pointer}/{key}"), "keys have 1 to 64 bytes, values at most 2048"));
        }
    }
}

fn digest(write: &Value) -> Vec<u8> {
    // Objects are sorted maps, so the text does not depend on the order the client wrote.
    Sha256::digest(write.to_string()).to_vec()
}

/// Where a client is in a feed.
enum Cursor {
    Listing { since: u64, after: String },
    Log { since: u64 },
}

impl Cursor {
    fn write(&self, epoch: u64, scope: &str) -> String {
        use base64::Engine as _;
        let text = match self {
            Cursor::Listing { since, after } => {
                format!("{epoch}\u{1f}L\u{1f}{since}\u{1f}{scope}\u{1f}{after}")
            }
            Cursor::Log { since } => format!("{epoch}\u{1f}F\u{1f}{since}\u{1f}{scope}\u{1f}"),
        };
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    }

    fn read(text: &str) -> Option<(u64, String, Cursor)> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.splitn(5, '\u{1f}');
        let epoch = parts.next()?.parse().ok()?;
        let kind = parts.next()?;
        let since = parts.next()?.parse().ok()?;
        let scope = parts.next()?.to_owned();
        let after = parts.next()?.to_owned();
        let cursor = match kind {
            "L" => Cursor::Listing { since, after },
            "F" => Cursor::Log { since },
            _ => return None,
        };
        Some((epoch, scope, cursor))
    }
}
