//! Reading: change feed, reading by id, finding, the bin.
//!
//! An item that cannot be understood is a value in its page, never the end of it, and never an absence.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Appointment, Problem, Stamp};

/// One line of the change feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Calendar unit; always there in the feed of all units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Appointment.
    pub id: String,
    /// Its revision when the page was made; a removed one has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// It is no longer in the unit. A hint to ask, not yet a proof.
    #[serde(default, skip_serializing_if = "super::fields::is_false")]
    pub removed: bool,
}

/// Some of the changes, in the order they happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePage {
    /// Epoch the cursor belongs to.
    pub epoch: String,
    /// The server's clock when the page was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<DateTime<Utc>>,
    /// The changes; an appointment may come twice.
    pub entries: Vec<Change>,
    /// Where to go on; opaque.
    pub cursor: String,
    /// Whether there is another page already.
    pub more: bool,
}

/// Question for appointments by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRequest {
    /// As seen from this unit: what is elsewhere only is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The ids.
    pub ids: Vec<String>,
}

/// Answer to a [`ReadRequest`], one entry per id in the same order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadResponse {
    /// Epoch of the answers.
    pub epoch: String,
    /// Entries, still as they came; [`ReadEntry::of`] reads one.
    pub results: Vec<Value>,
}

/// What became of one id.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadEntry {
    /// Here it is.
    Present(Box<Appointment>),
    /// It is not there: the only proof of a deletion.
    Absent,
    /// It is there, or may be, but could not be read.
    Unreadable(Problem),
}

impl ReadEntry {
    /// Reads one entry of [`ReadResponse::results`] with its id. Whatever cannot be understood is unreadable.
    pub fn of(entry: &Value) -> Option<(String, Self)> {
        let id = entry.get("id")?.as_str()?.to_owned();
        let read = match entry.get("state").and_then(Value::as_str) {
            Some("present") => match entry.get("appointment").map(Appointment::deserialize) {
                Some(Ok(appointment)) if appointment.id == id => Self::Present(Box::new(appointment)),
                Some(Ok(_)) => Self::Unreadable(unreadable("the answer carries another id")),
                Some(Err(error)) => Self::Unreadable(unreadable(&shape_of(&error))),
                None => Self::Unreadable(unreadable("the answer carries no appointment")),
            },
            Some("absent") => Self::Absent,
            Some("unreadable") => {
                let problem = entry.get("problem").and_then(|problem| Problem::deserialize(problem).ok());
                Self::Unreadable(problem.unwrap_or_else(|| unreadable("the server gave no reason")))
            }
            _ => Self::Unreadable(unreadable("the answer has a state this version does not know")),
        };
        Some((id, read))
    }
}

/// Says what is wrong with a document without quoting it: serde's text may hold values, which may be private.
pub(crate) fn shape_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let missing = text.split("missing field `").nth(1).and_then(|rest| rest.split('`').next());
    match missing {
        Some(member) => format!("the member {member} is missing"),
        None => "a member has a value of the wrong form".to_owned(),
    }
}

/// What this client could not read; `why` quotes nothing.
pub(crate) fn unreadable(why: &str) -> Problem {
    Problem {
        kind: "urn:x-calender-sync:problem:unreadable".to_owned(),
        title: "not readable".to_owned(),
        status: 0,
        detail: None,
        errors: Vec::new(),
        current_revision: None,
        retry_after: None,
        ours: Some(why.to_owned()),
        extra: super::Extra::new(),
    }
}

impl Problem {
    /// Whether it was this client that could not read something.
    pub fn is_unreadable(&self) -> bool {
        self.ours.is_some()
    }
}

/// Question which appointments carry a token or UID.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindRequest {
    /// Tokens are looked for in this unit's references, UIDs in the appointments that are in this unit.
    pub unit: String,
    /// Values of the reference `token`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<String>,
    /// UIDs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uids: Vec<String>,
}

/// One appointment that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindMatch {
    /// The token asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The UID asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Appointment.
    pub id: String,
    /// Its revision.
    pub revision: String,
}

/// Answer to a [`FindRequest`]; one line per match, so a value may come several times or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindResponse {
    /// Epoch of the answer.
    pub epoch: String,
    /// What was found.
    pub matches: Vec<FindMatch>,
}

/// An appointment in the bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binned {
    /// As it was; `units` names the one it was removed from last.
    pub appointment: Appointment,
    /// By whom and when.
    pub deleted: Stamp,
}

/// Some of the bin, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BinPage {
    /// The appointments.
    pub entries: Vec<Binned>,
    /// `after` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_appointment_that_cannot_be_understood_is_unreadable_and_not_absent() {
        let entry = serde_json::json!({"id": "a1", "state": "present", "appointment": {"id": "a1", "subject": "secret"}});
        let (id, read) = ReadEntry::of(&entry).unwrap();
        assert_eq!(id, "a1");
        let ReadEntry::Unreadable(problem) = read else { panic!("{read:?}") };
        assert!(problem.is_unreadable());
        assert!(!problem.to_string().contains("secret"));
    }

    #[test]
    fn a_state_that_is_not_known_is_not_an_absence() {
        let (_, read) = ReadEntry::of(&serde_json::json!({"id": "a1", "state": "archived"})).unwrap();
        assert!(matches!(read, ReadEntry::Unreadable(_)));
    }
}
