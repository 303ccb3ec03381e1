//! Writing: a batch in, one outcome per entry out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Appointment, Fields, Override, Patch, Problem, feed};

/// An appointment to be stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewAppointment {
    /// Identity across systems; the server gives one when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Content; `start` and `end` are required, `units` defaults to the write's unit.
    #[serde(flatten)]
    pub fields: Fields,
    /// What single occurrences have of their own, by original start.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, Override>,
    /// Reference field of the write's unit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, String>,
}

/// One write, seen from one calendar unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Write {
    /// Stores a new appointment.
    Create {
        /// Idempotency key.
        key: String,
        /// Calendar unit.
        unit: String,
        /// Content.
        appointment: Box<NewAppointment>,
    },
    /// Changes fields of an appointment.
    Update {
        /// Idempotency key.
        key: String,
        /// Calendar unit.
        unit: String,
        /// Appointment.
        id: String,
        /// Revision it must still have.
        expect: String,
        /// The change.
        patch: Box<Patch>,
    },
    /// Takes an appointment out of a calendar unit; out of the last one: into the bin.
    Delete {
        /// Idempotency key.
        key: String,
        /// Calendar unit.
        unit: String,
        /// Appointment.
        id: String,
        /// Revision it must still have.
        expect: String,
    },
    /// Brings an appointment back from the bin into a calendar unit.
    Restore {
        /// Idempotency key.
        key: String,
        /// Calendar unit.
        unit: String,
        /// Appointment.
        id: String,
    },
}

impl Write {
    /// Its idempotency key.
    pub fn key(&self) -> &str {
        match self {
            Self::Create { key, .. }
            | Self::Update { key, .. }
            | Self::Delete { key, .. }
            | Self::Restore { key, .. } => key,
        }
    }
}

/// A batch of writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteRequest {
    /// Epoch the writes were made up in; another one by now refuses the whole batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// The writes, each on its own: one that is refused does not stop the others.
    pub writes: Vec<Write>,
}

/// Answer to a [`WriteRequest`], one result per write in the same order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteResponse {
    /// Epoch of the answer.
    pub epoch: String,
    /// Results, still as they came; [`WriteResult::of`] reads one.
    pub results: Vec<Value>,
}

/// How one write ended.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteResult {
    /// Its idempotency key.
    pub key: String,
    /// The end.
    pub outcome: WriteOutcome,
}

/// How a write ends.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteOutcome {
    /// Done.
    Applied {
        /// As stored by this write, also when it was repeated.
        appointment: Box<Appointment>,
        /// The key was known; nothing was done a second time.
        replayed: bool,
        /// A deletion took it out of its last unit, into the bin.
        in_bin: bool,
    },
    /// Not done.
    Refused(Problem),
    /// Answered, but not in a way that can be understood: ask before anything else.
    Unclear(Problem),
}

impl WriteResult {
    /// Reads one entry of [`WriteResponse::results`]. `None` when it does not say which write it is about.
    pub fn of(entry: &Value) -> Option<Self> {
        let key = entry.get("key")?.as_str()?.to_owned();
        let flag = |name: &str| entry.get(name).and_then(Value::as_bool).unwrap_or(false);
        let outcome = match entry.get("outcome").and_then(Value::as_str) {
            Some("applied") => match entry.get("appointment").map(Appointment::deserialize) {
                Some(Ok(appointment)) => WriteOutcome::Applied {
                    appointment: Box::new(appointment),
                    replayed: flag("replayed"),
                    in_bin: flag("in_bin"),
                },
                Some(Err(error)) => WriteOutcome::Unclear(feed::unreadable(&feed::shape_of(&error))),
                None => WriteOutcome::Unclear(feed::unreadable("the answer carries no appointment")),
            },
            Some("refused") => match entry.get("problem").map(Problem::deserialize) {
                Some(Ok(problem)) => WriteOutcome::Refused(problem),
                _ => WriteOutcome::Unclear(feed::unreadable("the refusal carries no problem document")),
            },
            _ => WriteOutcome::Unclear(feed::unreadable(
                "the answer has an outcome this version does not know",
            )),
        };
        Some(Self { key, outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_names_its_operation_on_the_wire() {
        let write = Write::Delete { key: "k".into(), unit: "u".into(), id: "a".into(), expect: "r1".into() };
        assert_eq!(
            serde_json::to_string(&write).unwrap(),
            r#"{"op":"delete","key":"k","unit":"u","id":"a","expect":"r1"}"#
        );
    }

    #[test]
    fn an_answer_that_cannot_be_understood_is_neither_done_nor_refused() {
        for entry in [
            serde_json::json!({"key": "k", "outcome": "applied"}),
            serde_json::json!({"key": "k", "outcome": "refused"}),
            serde_json::json!({"key": "k", "outcome": "queued"}),
        ] {
            let result = WriteResult::of(&entry).unwrap();
            assert!(matches!(result.outcome, WriteOutcome::Unclear(_)), "{entry}");
        }
    }
}
