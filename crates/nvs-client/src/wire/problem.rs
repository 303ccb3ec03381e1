//! Problem documents (RFC 9457): every error of the protocol.

use serde::{Deserialize, Serialize};

use super::Extra;

const PREFIX: &str = "urn:x-calender-sync:problem:";

/// What went wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// URI of the kind of problem; [`code`](Self::code) reads it.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Short and the same for each problem of the kind.
    #[serde(default)]
    pub title: String,
    /// HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What to do about this one. May quote identifiers, never the text of an appointment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// For `invalid`: what is wrong where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// For `conflict`: the revision as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_revision: Option<String>,
    /// For `throttled` and `unavailable` within a batch: seconds to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One mistake in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON pointer into the request.
    pub pointer: String,
    /// What is wrong.
    pub detail: String,
}

/// Kinds of problems.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemCode {
    /// The request cannot be read.
    BadRequest,
    /// No token, or one that is not valid.
    Unauthorized,
    /// Known, but not allowed.
    Forbidden,
    /// No such address.
    NotFound,
    /// No such calendar unit.
    UnknownUnit,
    /// No such appointment (in this unit).
    UnknownAppointment,
    /// The address knows other methods.
    MethodNotAllowed,
    /// The appointment has another revision by now.
    Conflict,
    /// The server was restored since the request was made up.
    EpochChanged,
    /// The cursor is too old, or of another epoch; read from the beginning.
    CursorExpired,
    /// The body or batch is too large.
    TooLarge,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// The content breaks a rule, see `errors`.
    Invalid,
    /// Appointments of this type can neither be deleted nor moved.
    ProtectedType,
    /// The idempotency key was used for something else.
    KeyReused,
    /// Too many requests.
    Throttled,
    /// Not now.
    Unavailable,
    /// A fault of the server.
    Internal,
    /// One this version does not know.
    Other(String),
}

impl ProblemCode {
    /// Every code of this version with its word.
    pub const KNOWN: &'static [(&'static str, ProblemCode)] = &[
        ("bad-request", Self::BadRequest),
        ("unauthorized", Self::Unauthorized),
        ("forbidden", Self::Forbidden),
        ("not-found", Self::NotFound),
        ("unknown-unit", Self::UnknownUnit),
        ("unknown-appointment", Self::UnknownAppointment),
        ("method-not-allowed", Self::MethodNotAllowed),
        ("conflict", Self::Conflict),
        ("epoch-changed", Self::EpochChanged),
        ("cursor-expired", Self::CursorExpired),
        ("too-large", Self::TooLarge),
        ("unsupported-media-type", Self::UnsupportedMediaType),
        ("invalid", Self::Invalid),
        ("protected-type", Self::ProtectedType),
        ("key-reused", Self::KeyReused),
        ("throttled", Self::Throttled),
        ("unavailable", Self::Unavailable),
        ("internal", Self::Internal),
    ];
}

impl Problem {
    /// The kind of problem.
    pub fn code(&self) -> ProblemCode {
        let word = self.kind.strip_prefix(PREFIX).unwrap_or(&self.kind);
        ProblemCode::KNOWN
            .iter()
            .find(|(known, _)| *known == word)
            .map_or_else(|| ProblemCode::Other(word.to_owned()), |(_, code)| code.clone())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = self.kind.strip_prefix(PREFIX).unwrap_or(&self.kind);
        f.write_str(if word.is_empty() { &self.title } else { word })?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        for error in self.errors.iter().take(3) {
            write!(f, "; {}: {}", error.pointer, error.detail)?;
        }
        Ok(())
    }
}

// A refusal inside a batch is an error of its own, with the whole problem in it.
impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_one_line_that_says_where() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":"urn:x-calender-sync:problem:invalid","title":"Invalid","status":422,"detail":"correct the fields",
                "errors":[{"pointer":"/writes/0/patch/set/end","detail":"must be after start"}],"x-trace":"17"}"#,
        )
        .unwrap();
        assert_eq!(problem.code(), ProblemCode::Invalid);
        assert_eq!(
            problem.to_string(),
            "invalid: correct the fields; /writes/0/patch/set/end: must be after start"
        );
        assert!(problem.extra.contains_key("x-trace"));
    }

    #[test]
    fn a_kind_that_is_not_known_is_kept() {
        let problem: Problem =
            serde_json::from_str(r#"{"type":"about:blank","title":"Teapot","status":418}"#).unwrap();
        assert_eq!(problem.code(), ProblemCode::Other("about:blank".to_owned()));
    }
}
