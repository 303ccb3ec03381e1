//! Batches of writes: each entry read strictly, carried out on its own, remembered by its key.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::content::{Content, Moment, Override};
use super::problem::{Fault, Problem};
use super::state::{Actor, State, Target};

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum Write {
    Create { key: String, unit: String, appointment: Map<String, Value> },
    Update { key: String, unit: String, id: String, expect: String, patch: Patch },
    Delete { key: String, unit: String, id: String, expect: String },
    Restore { key: String, unit: String, id: String },
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Patch {
    set: Map<String, Value>,
    overrides: BTreeMap<String, Option<OverridePatch>>,
    references: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct OverridePatch {
    cancelled: Option<bool>,
    set: Map<String, Value>,
    inherit: Vec<String>,
}

/// Carries out a batch and answers with one result per write, in the same order.
pub(super) fn carry_out(state: &mut State, epoch: Option<&str>, writes: &[Value]) -> Result<Value, Problem> {
    if epoch.is_some_and(|epoch| epoch != state.epoch()) {
        return Err(Problem::epoch_changed());
    }
    let mut results = Vec::with_capacity(writes.len());
    for (index, write) in writes.iter().enumerate() {
        let key = write.get("key").and_then(Value::as_str).unwrap_or_default();
        let result = if key.is_empty() || key.len() > 256 {
            Err(Problem::invalid(&[Fault::at(format!("/writes/{index}/key"), "must have 1 to 256 bytes")]))
        } else {
            match state.remembered(key, write) {
                Some(known) => known,
                None => one(state, write, index).inspect(|result| state.remember(key, write, result)),
            }
        };
        results.push(match result {
            Ok(result) => result,
            Err(problem) => json!({"key": key, "outcome": "refused", "problem": problem.to_value()}),
        });
    }
    Ok(json!({"epoch": state.epoch(), "results": results}))
}

fn one(state: &mut State, write: &Value, index: usize) -> Result<Value, Problem> {
    let here = format!("/writes/{index}");
    let write: Write = serde_json::from_value(write.clone())
        .map_err(|error| Problem::invalid(&[Fault::at(here.clone(), error.to_string())]))?;
    let (key, stored, in_bin) = match write {
        Write::Create { key, unit, appointment } => {
            (key, create(state, &unit, appointment, &format!("{here}/appointment"))?, false)
        }
        Write::Update { key, unit, id, expect, patch } => {
            let here = format!("{here}/patch");
            let change = |content: &mut Content, faults: &mut Vec<Fault>| {
                patch_content(content, &patch, &here, faults);
            };
            let stored = state.update(
                Actor::Program,
                Target { unit: &unit, id: &id, expect: Some(&expect) },
                &here,
                change,
                &patch.references,
            )?;
            (key, stored, false)
        }
        Write::Delete { key, unit, id, expect } => {
            let (stored, last) =
                state.delete(Actor::Program, Target { unit: &unit, id: &id, expect: Some(&expect) })?;
            (key, stored, last)
        }
        Write::Restore { key, unit, id } => (key, state.bring_back(Actor::Program, &unit, &id)?, false),
    };
    Ok(
        json!({"key": key, "outcome": "applied", "replayed": false, "in_bin": in_bin, "appointment": stored.to_value()}),
    )
}

fn create(
    state: &mut State,
    unit: &str,
    mut document: Map<String, Value>,
    here: &str,
) -> Result<super::state::Stored, Problem> {
    let mut faults = Vec::new();
    let mut take = |name: &str| document.remove(name).filter(|value| !value.is_null());
    let uid: Option<String> = member(take("uid"), here, "uid", &mut faults);
    let references: Option<BTreeMap<String, String>> =
        member(take("references"), here, "references", &mut faults);
    let overrides: Option<BTreeMap<String, Map<String, Value>>> =
        member(take("overrides"), here, "overrides", &mut faults);
    let moment = |name: &str| {
        document.get(name).and_then(|value| serde_json::from_value::<Moment>(value.clone()).ok())
    };
    let (Some(start), Some(end)) = (moment("start"), moment("end")) else {
        return Err(Problem::invalid(&[Fault::at(format!("{here}/start"), "start and end are required")]));
    };
    let mut content = Content::new(start, end);
    content.set_all(&document, here, &mut faults);
    for (key, members) in overrides.unwrap_or_default() {
        let here = format!("{here}/overrides/{key}");
        if let Some(over) = new_override(&content, members, &here, &mut faults) {
            content.overrides.insert(key, over);
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(&faults));
    }
    state.create(Actor::Program, unit, uid, content, references.unwrap_or_default(), here)
}

fn member<T: serde::de::DeserializeOwned>(
    value: Option<Value>,
    here: &str,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Option<T> {
    match serde_json::from_value(value?) {
        Ok(value) => Some(value),
        Err(error) => {
            faults.push(Fault::at(format!("{here}/{name}"), error.to_string()));
            None
        }
    }
}

fn new_override(
    content: &Content,
    mut members: Map<String, Value>,
    here: &str,
    faults: &mut Vec<Fault>,
) -> Option<Override> {
    match members.remove("cancelled") {
        Some(Value::Bool(true)) if members.is_empty() => return Some(Override::Cancelled),
        Some(Value::Bool(true)) => {
            faults.push(Fault::at(here, "a cancelled occurrence has no other members"));
        }
        None | Some(Value::Bool(false)) => {}
        Some(_) => faults.push(Fault::at(format!("{here}/cancelled"), "must be true or false")),
    }
    for (name, value) in &members {
        if let Err(detail) = content.try_in_override(name, value) {
            faults.push(Fault::at(format!("{here}/{name}"), detail));
        }
    }
    (!members.is_empty()).then(|| Override::Changed(members.into_iter().collect()))
}

fn patch_content(content: &mut Content, patch: &Patch, here: &str, faults: &mut Vec<Fault>) {
    content.set_all(&patch.set, &format!("{here}/set"), faults);
    for (key, change) in &patch.overrides {
        let here = format!("{here}/overrides/{key}");
        let old = content.overrides.remove(key);
        let Some(change) = change else { continue };
        let mut members = match (old, change.cancelled) {
            (_, Some(true)) => {
                if !change.set.is_empty() || !change.inherit.is_empty() {
                    faults.push(Fault::at(here, "a cancelled occurrence has no other members"));
                }
                content.overrides.insert(key.clone(), Override::Cancelled);
                continue;
            }
            (Some(Override::Cancelled), None) => {
                faults.push(Fault::at(
                    here,
                    "the occurrence is cancelled; set cancelled to false to bring it back",
                ));
                continue;
            }
            (Some(Override::Changed(members)), _) => members,
            (Some(Override::Cancelled) | None, _) => BTreeMap::new(),
        };
        for name in &change.inherit {
            if change.set.contains_key(name) {
                faults.push(Fault::at(format!("{here}/inherit"), format!("{name:?} is set as well")));
            }
            // That it was the series' already is no mistake: a patch says how it shall be.
            members.remove(name);
        }
        for (name, value) in &change.set {
            match content.try_in_override(name, value) {
                Ok(()) => {
                    members.insert(name.clone(), value.clone());
                }
                Err(detail) => faults.push(Fault::at(format!("{here}/set/{name}"), detail)),
            }
        }
        if !members.is_empty() {
            content.overrides.insert(key.clone(), Override::Changed(members));
        }
    }
}
