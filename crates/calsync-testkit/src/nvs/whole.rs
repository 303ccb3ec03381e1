//! Whole appointments of a calendar unit, see [`whole`](crate::whole).

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::Uid;
use calsync_core::model::{
    Busy, Event, Notes, Override as Differs, Person, Recurrence, Reminder, Sensitivity, Series, Span, When,
};
use calsync_core::recur::Rule;
use serde_json::{Map, Value, json};

use super::MockNvs;
use super::content::{BusyStatus, Content, Moment, NotesFormat, Override, local};
use super::expand;
use super::problem::Fault;
use super::state::{Actor, Target};
use crate::whole::{self, Whole};

impl MockNvs {
    /// What stands in a unit, and the revision of each appointment.
    pub fn standing(&self, unit: &str) -> Vec<(String, u64)> {
        self.inner.state().appointments(unit).map(|(id, stored)| (id.clone(), stored.revision())).collect()
    }

    /// The same of what lies in the bin of a unit.
    pub fn binned(&self, unit: &str) -> Vec<(String, u64)> {
        self.inner.state().binned(unit).map(|(id, stored)| (id.clone(), stored.revision())).collect()
    }

    /// An appointment of a unit or of its bin, and its revision.
    pub fn whole(&self, unit: &str, id: &str) -> Option<(u64, Whole)> {
        let state = self.inner.state();
        let stored = state
            .appointment(unit, id)
            .or_else(|| state.binned(unit).find(|(of, _)| *of == id).map(|(_, stored)| stored))?;
        Some((stored.revision(), Whole { series: series(&stored.uid, &stored.content)?, received: false }))
    }

    /// The revision of an appointment of a unit.
    pub fn revision_of(&self, unit: &str, id: &str) -> Option<u64> {
        self.inner.state().appointment(unit, id).map(super::state::Stored::revision)
    }

    /// Enters a whole appointment.
    pub fn enter(&self, unit: &str, series: &Series) -> Option<String> {
        let (start, end) = (moment(&series.event.span.start), moment(&series.event.span.end));
        let mut content = Content::new(start, end);
        set(&mut content, series).ok()?;
        let uid = Some(series.uid.as_str().to_owned()).filter(|uid| !uid.is_empty());
        let act = |state: &mut super::State| {
            state
                .create(Actor::Person, unit, uid, content, BTreeMap::new(), "")
                .map(|stored| stored.id().to_owned())
        };
        self.inner.act(act).ok()
    }

    /// Makes an appointment what `series` says; what a person does not see in it stays.
    pub fn replace(&self, unit: &str, id: &str, series: &Series) -> bool {
        let change = |content: &mut Content, faults: &mut Vec<Fault>| {
            if let Err(wrong) = set(content, series) {
                faults.push(wrong);
            }
        };
        let target = Target { unit, id, expect: None };
        self.inner.act(|state| state.update(Actor::Person, target, "", change, &BTreeMap::new())).is_ok()
    }

    /// Copies an appointment to where `series` says: everything else comes along. Gives its id.
    pub fn copy_as(&self, unit: &str, id: &str, series: &Series) -> Option<String> {
        let uid = series.uid.as_str().to_owned();
        let copy = self.inner.act(|state| state.double(unit, id, Some(uid)))?;
        self.replace(unit, &copy, series).then_some(copy)
    }

    /// A device files again what lies in the bin, as it was and as of when it was changed last; gives its id.
    pub fn file_again(&self, unit: &str, id: &str) -> Option<String> {
        self.inner.act(|state| state.double(unit, id, None))
    }

    /// Moves an appointment to another unit and back: it keeps its id and loses what was noted for this unit.
    pub fn move_out_and_back(&self, unit: &str, id: &str, other: &str) -> bool {
        let to = |units: Vec<String>| move |content: &mut Content, _: &mut Vec<Fault>| content.units = units;
        let [there, back] = [other, unit].map(|unit| to(vec![unit.to_owned()]));
        let target = |unit| Target { unit, id, expect: None };
        self.inner.act(|state| {
            state.update(Actor::Person, target(unit), "", there, &BTreeMap::new()).is_ok()
                && state.update(Actor::Person, target(other), "", back, &BTreeMap::new()).is_ok()
        })
    }
}

fn series(uid: &str, content: &Content) -> Option<Series> {
    let mut series = Series::single(Uid::new(uid), event(content)?);
    let Some(rule) = &content.rule else { return Some(series) };
    let rule: Rule = rule.parse().ok()?;
    let rule = whole::short_rule(&rule, series.event.span.start.local())?;
    series.recurrence = Some(Recurrence { rule, dates: BTreeSet::new() });
    for key in content.overrides.keys() {
        let instance = content.standing(key).map(|instance| event(&instance));
        let instance = match instance {
            None => None,
            Some(instance) => Some(instance?),
        };
        whole::note(&mut series, local(key)?, instance);
    }
    Some(series)
}

fn event(content: &Content) -> Option<Event> {
    let span = whole::span(expand::instant(&content.start)?, expand::instant(&content.end)?)?;
    let mut event = Event::new(content.subject.clone(), span);
    event.place.clone_from(&content.place);
    let plain = |notes: &super::content::Notes| match notes.format {
        NotesFormat::Plain => Notes::plain(&notes.text),
        NotesFormat::Html => Notes::plain(&crate::exchange::text_of_html(&notes.text)),
    };
    event.notes = content.notes.as_ref().map(plain).unwrap_or_default();
    event.categories = content.kind.iter().cloned().collect();
    event.busy = match content.busy {
        BusyStatus::Free => Busy::Free,
        BusyStatus::Tentative => Busy::Tentative,
        BusyStatus::Busy => Busy::Busy,
        BusyStatus::OutOfOffice => Busy::OutOfOffice,
        BusyStatus::WorkingElsewhere => Busy::WorkingElsewhere,
    };
    event.sensitivity = if content.private { Sensitivity::Private } else { Sensitivity::Normal };
    event.reminder = content.reminder.map_or(Reminder::Off, Reminder::Minutes);
    if let Some(who) = &content.organiser {
        event.organizer = Person { name: who.name(), address: who.address() };
    }
    Some(event)
}

/// Makes content what a series says, occurrences included.
fn set(content: &mut Content, series: &Series) -> Result<(), Fault> {
    for (name, value) in members(&series.event, None) {
        content.set(&name, &value).map_err(|detail| Fault::at(format!("/{name}"), detail))?;
    }
    content.rule = series.recurrence.as_ref().map(|recurrence| recurrence.rule.to_string());
    let mut old = std::mem::take(&mut content.overrides);
    for (key, over) in &series.overrides {
        let text = key.to_text();
        let new = match over {
            Differs::Cancelled => Override::Cancelled,
            Differs::Changed(overlay) => {
                let planned = whole::planned(&series.event, key.local());
                let mut own: BTreeMap<String, Value> =
                    members(&planned.with(overlay), Some(&planned)).into_iter().collect();
                // Members that nobody here sees stay.
                if let Some(Override::Changed(old)) = old.remove(&text) {
                    own.extend(old.into_iter().filter(|(name, _)| !SEEN.contains(&name.as_str())));
                }
                Override::Changed(own)
            }
        };
        content.overrides.insert(text, new);
    }
    Ok(())
}

/// Members that people of the simulated world see.
const SEEN: [&str; 9] = ["subject", "place", "notes", "type", "busy", "private", "reminder", "start", "end"];

/// What an event says, or what it says otherwise than `master`.
fn members(event: &Event, master: Option<&Event>) -> Map<String, Value> {
    let say = |event: &Event| -> [(&'static str, Value); 9] {
        let notes = json!({"format": "plain", "text": event.notes.text});
        let reminder =
            if let Reminder::Minutes(minutes) = event.reminder { json!(minutes) } else { Value::Null };
        let busy = match event.busy {
            Busy::Free => "free",
            Busy::Tentative => "tentative",
            Busy::Busy => "busy",
            Busy::OutOfOffice => "out_of_office",
            Busy::WorkingElsewhere => "working_elsewhere",
        };
        [
            ("subject", json!(event.subject)),
            ("place", json!(event.place)),
            ("notes", if event.notes.is_empty() { Value::Null } else { notes }),
            ("type", json!(event.categories.first())),
            ("busy", json!(busy)),
            ("private", json!(event.sensitivity.is_private())),
            ("reminder", reminder),
            ("start", json!(moment(&event.span.start))),
            ("end", json!(moment(&event.span.end))),
        ]
    };
    let theirs = master.map(say);
    let differs = |name: &str, value: &Value| {
        theirs.as_ref().is_none_or(|all| !all.iter().any(|(of, theirs)| *of == name && theirs == value))
    };
    let moved = master.is_some_and(|master| {
        let Span { start, end } = &master.span;
        *start != event.span.start || *end != event.span.end
    });
    // Start and end are one thing.
    let wanted = |name: &str, value: &Value| differs(name, value) || moved && matches!(name, "start" | "end");
    say(event)
        .into_iter()
        .filter(|(name, value)| wanted(name, value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn moment(when: &When) -> Moment {
    Moment::Clock { at: when.local(), zone: whole::HOME.to_owned(), later: false }
}
