//! What clients and people write, and what becomes of the feed, the bin and the memory of keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Actor, Binned, LogEntry, Remembered, Stamp, State, Stored};
use crate::nvs::content::{Content, Override};
use crate::nvs::problem::{Fault, Problem};

/// Which appointment a write is about.
#[derive(Debug, Clone, Copy)]
pub(in crate::nvs) struct Target<'a> {
    pub(in crate::nvs) unit: &'a str,
    pub(in crate::nvs) id: &'a str,
    /// The revision it must still have.
    pub(in crate::nvs) expect: Option<&'a str>,
}

impl State {
    /// Whether a write with this key was carried out before: its result then, or a complaint about another write.
    pub(in crate::nvs) fn remembered(&self, key: &str, write: &Value) -> Option<Result<Value, Problem>> {
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

    pub(in crate::nvs) fn remember(&mut self, key: &str, write: &Value, result: &Value) {
        self.data.keys.insert(key.to_owned(), Remembered { digest: digest(write), result: result.clone() });
    }

    pub(super) fn may_write(&self, actor: Actor, unit: &str) -> Result<(), Problem> {
        let known = self.data.units.get(unit).ok_or_else(|| Problem::unknown_unit(unit))?;
        if actor == Actor::Program && !known.writable {
            return Err(Problem::forbidden(format!("the token may not write to calendar unit {unit:?}")));
        }
        Ok(())
    }

    /// The appointment a write is about, if it may be written and still has the revision.
    fn aimed_at(&self, actor: Actor, target: Target<'_>) -> Result<Stored, Problem> {
        self.may_write(actor, target.unit)?;
        let stored = self.appointment(target.unit, target.id).ok_or_else(Problem::unknown_appointment)?;
        match target.expect {
            Some(expect) if expect != stored.revision_text() => {
                Err(Problem::conflict(&stored.revision_text()))
            }
            Some(_) | None => Ok(stored.clone()),
        }
    }

    /// Looks at the units of `content`; those of `before` may stay whoever writes.
    fn check_units(
        &self,
        actor: Actor,
        before: &[String],
        content: &Content,
        pointer: &str,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Problem> {
        for (index, unit) in content.units.iter().enumerate() {
            if !self.data.units.contains_key(unit) {
                faults.push(Fault::at(format!("{pointer}/units/{index}"), "is not a calendar unit"));
            } else if content.units.iter().skip(index + 1).any(|later| later == unit) {
                faults.push(Fault::at(format!("{pointer}/units/{index}"), "is named twice"));
            } else if !before.contains(unit) {
                self.may_write(actor, unit)?;
            }
        }
        if actor == Actor::Program && before.iter().any(|unit| !content.units.contains(unit)) {
            faults.push(Fault::at(
                format!("{pointer}/units"),
                "leaves out a unit; delete the appointment there",
            ));
        }
        Ok(())
    }

    pub(in crate::nvs) fn create(
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
        self.check_units(actor, &[], &content, pointer, &mut faults)?;
        self.check_files(unit, &mut content, pointer, &mut faults);
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
            let (head, _) = birth.split_at(16);
            let number = head.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
            format!("{number:032x}@nvs.example")
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
    pub(in crate::nvs) fn update(
        &mut self,
        actor: Actor,
        target: Target<'_>,
        pointer: &str,
        change: impl FnOnce(&mut Content, &mut Vec<Fault>),
        references: &BTreeMap<String, Option<String>>,
    ) -> Result<Stored, Problem> {
        let mut stored = self.aimed_at(actor, target)?;
        let Target { unit, id, .. } = target;
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
        self.check_units(actor, &before.content.units, &stored.content, pointer, &mut faults)?;
        self.check_files(unit, &mut stored.content, pointer, &mut faults);
        let own = stored.references.entry(unit.to_owned()).or_default();
        for (key, value) in references {
            match value {
                Some(value) => own.insert(key.clone(), value.clone()),
                None => own.remove(key),
            };
        }
        check_references(own, &format!("{pointer}/references"), &mut faults);
        let Stored { references: all, content, .. } = &mut stored;
        all.retain(|of, entries| !entries.is_empty() && content.units.contains(of));
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
    pub(in crate::nvs) fn delete(
        &mut self,
        actor: Actor,
        target: Target<'_>,
    ) -> Result<(Stored, bool), Problem> {
        let mut stored = self.aimed_at(actor, target)?;
        let Target { unit, id, .. } = target;
        if actor == Actor::Program {
            self.unprotected(&stored.content, None)?;
        }
        stored.revision += 1;
        let changed = std::mem::replace(&mut stored.changed, Stamp { at: self.now(), by: actor.name() });
        let last = stored.content.units.len() == 1;
        if last {
            // The log must say "removed" while the bin remembers the unit.
            self.data.appointments.remove(id);
            let deleted = stored.changed.clone();
            self.append(unit, id, &stored.revision_text(), true);
            self.data.bin.insert(id.to_owned(), Binned { stored: stored.clone(), changed, deleted });
        } else {
            let units = stored.content.units.clone();
            stored.content.units.retain(|of| of != unit);
            stored.references.remove(unit);
            self.log(&stored, &units);
            self.data.appointments.insert(id.to_owned(), stored.clone());
        }
        Ok((stored, last))
    }

    pub(in crate::nvs) fn bring_back(
        &mut self,
        actor: Actor,
        unit: &str,
        id: &str,
    ) -> Result<Stored, Problem> {
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
        match after {
            Some(after)
                if same_times(before, after)
                    && before.units.iter().all(|unit| after.units.contains(unit)) =>
            {
                Ok(())
            }
            Some(_) | None => Err(Problem::protected(kind)),
        }
    }

    pub(super) fn log(&mut self, stored: &Stored, units: &[String]) {
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

/// Whether both take place at the same times, occurrence by occurrence.
fn same_times(one: &Content, other: &Content) -> bool {
    let own = |content: &Content| -> BTreeMap<String, Option<Value>> {
        let of = |over: &Override| match over {
            Override::Cancelled => Some(None),
            Override::Changed(members) => {
                let times = [members.get("start"), members.get("end")];
                times.iter().any(Option::is_some).then(|| Some(json!(times)))
            }
        };
        content.overrides.iter().filter_map(|(key, over)| Some((key.clone(), of(over)?))).collect()
    };
    (&one.start, &one.end, &one.rule, &one.rdates) == (&other.start, &other.end, &other.rule, &other.rdates)
        && own(one) == own(other)
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
