//! Problem documents as the mock writes them.

use serde_json::{Map, Value, json};

/// A problem on its way out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    code: &'static str,
    title: &'static str,
    pub(super) status: u16,
    detail: String,
    members: Map<String, Value>,
}

/// What is wrong where, for `invalid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) pointer: String,
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl Problem {
    fn new(code: &'static str, title: &'static str, status: u16, detail: impl Into<String>) -> Self {
        Self { code, title, status, detail: detail.into(), members: Map::new() }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new("bad-request", "The request cannot be read", 400, detail)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new("unauthorized", "Not authorized", 401, "send a valid bearer token")
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new("forbidden", "Not allowed", 403, detail)
    }

    pub(super) fn not_found() -> Self {
        Self::new("not-found", "No such address", 404, "see the OpenAPI document for the addresses")
    }

    pub(super) fn unknown_unit(unit: &str) -> Self {
        Self::new("unknown-unit", "No such calendar unit", 404, format!("there is no calendar unit {unit:?}"))
    }

    pub(super) fn unknown_appointment() -> Self {
        Self::new(
            "unknown-appointment",
            "No such appointment",
            404,
            "there is no such appointment in this calendar unit",
        )
    }

    pub(super) fn unknown_file() -> Self {
        Self::new("unknown-file", "No such file", 404, "no appointment of this calendar unit names this file")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new("method-not-allowed", "Method not allowed", 405, "see the OpenAPI document for the methods")
    }

    pub(super) fn conflict(current: &str) -> Self {
        let mut problem = Self::new(
            "conflict",
            "The appointment was changed",
            409,
            "read the appointment again and decide anew",
        );
        problem.members.insert("current_revision".to_owned(), json!(current));
        problem
    }

    pub(super) fn epoch_changed() -> Self {
        Self::new(
            "epoch-changed",
            "The server was restored",
            409,
            "nothing was written; read everything again",
        )
    }

    pub(super) fn cursor_expired() -> Self {
        Self::new("cursor-expired", "The cursor is no longer known", 410, "read the feed from the beginning")
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new("too-large", "Too large", 413, detail)
    }

    pub(super) fn media_type() -> Self {
        Self::new(
            "unsupported-media-type",
            "Another media type",
            415,
            "send the body as application/json, files as application/octet-stream",
        )
    }

    pub(super) fn invalid(faults: &[Fault]) -> Self {
        let mut problem =
            Self::new("invalid", "The content breaks a rule", 422, "correct the members named in errors");
        let errors: Vec<Value> =
            faults.iter().map(|fault| json!({"pointer": fault.pointer, "detail": fault.detail})).collect();
        problem.members.insert("errors".to_owned(), Value::Array(errors));
        problem
    }

    pub(super) fn protected(kind: &str) -> Self {
        Self::new(
            "protected-type",
            "The type is protected",
            403,
            format!(
                "appointments of type {kind:?} are deleted and moved in the NVS Calender only; set a mark instead"
            ),
        )
    }

    pub(super) fn key_reused() -> Self {
        Self::new(
            "key-reused",
            "The key was used for something else",
            422,
            "make a new key for each different write",
        )
    }

    pub(super) fn throttled(seconds: u64) -> Self {
        Self::new("throttled", "Too many requests", 429, "wait as long as Retry-After says").waiting(seconds)
    }

    pub(super) fn unavailable(seconds: Option<u64>) -> Self {
        let problem = Self::new("unavailable", "Not now", 503, "try again later; nothing was done");
        match seconds {
            Some(seconds) => problem.waiting(seconds),
            None => problem,
        }
    }

    pub(super) fn internal() -> Self {
        Self::new("internal", "A fault of the server", 500, "look into the log of the server")
    }

    fn waiting(mut self, seconds: u64) -> Self {
        self.members.insert("retry_after".to_owned(), json!(seconds));
        self
    }

    pub(super) fn retry_after(&self) -> Option<u64> {
        self.members.get("retry_after").and_then(Value::as_u64)
    }

    /// The document.
    pub(super) fn to_value(&self) -> Value {
        let mut document = json!({
            "type": format!("urn:x-calender-sync:problem:{}", self.code),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        });
        if let Value::Object(map) = &mut document {
            map.extend(self.members.clone());
        }
        document
    }
}
