//! Problem documents (RFC 9457): every error of the protocol.
//!
//! What a server says in its own words may quote an appointment, so it stays in the fields of [`Problem`], for a caller
//! who asks. What is shown (`Display`), and with it every log and message, is made of our words, the code, and the
//! names of members.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::Extra;

const PREFIX: &str = "urn:x-calender-sync:problem:";
/// No server makes us wait longer than this, whatever it asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// How long to wait for a server that asks for so many seconds.
pub(crate) fn wait_of(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(LONGEST_WAIT)
}

/// What went wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// URI of the kind of problem; [`code`](Self::code) reads it.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Short and the same for each problem of the kind, in the server's words.
    #[serde(default)]
    pub title: String,
    /// HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What to do about this one, in the server's words. It should not quote an appointment, but nobody can know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// For `invalid`: what is wrong where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// For `conflict`: the revision as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_revision: Option<String>,
    /// For `throttled` and `unavailable` within a batch: seconds to wait, as the server says; see
    /// [`wait`](Self::wait).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "seconds")]
    pub retry_after: Option<u64>,
    /// What this client found wrong, where the problem is its own and no server's.
    #[serde(skip)]
    pub(crate) ours: Option<String>,
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
    /// No such file (in this unit).
    UnknownFile,
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
        ("unknown-file", Self::UnknownFile),
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

impl ProblemCode {
    /// What it means, in our words.
    fn words(&self) -> &'static str {
        match self {
            Self::BadRequest => "the request cannot be read",
            Self::Unauthorized => "the token is not accepted",
            Self::Forbidden => "not allowed",
            Self::NotFound => "no such address",
            Self::UnknownUnit => "no such calendar unit",
            Self::UnknownAppointment => "no such appointment",
            Self::UnknownFile => "no such file",
            Self::MethodNotAllowed => "the address knows other methods",
            Self::Conflict => "the appointment was changed meanwhile",
            Self::EpochChanged => "the server was restored from a backup",
            Self::CursorExpired => "the place in the change feed is no longer known",
            Self::TooLarge => "too much at once",
            Self::UnsupportedMediaType => "the body is not JSON",
            Self::Invalid => "the content breaks a rule",
            Self::ProtectedType => "appointments of this type can neither be deleted nor moved",
            Self::KeyReused => "the key was used for something else",
            Self::Throttled => "too many requests",
            Self::Unavailable => "not now",
            Self::Internal => "a fault of the server",
            Self::Other(_) => "a problem that this version does not know",
        }
    }
}

impl Problem {
    /// The kind of problem.
    pub fn code(&self) -> ProblemCode {
        let word = self.word();
        ProblemCode::KNOWN
            .iter()
            .find(|(known, _)| *known == word)
            .map_or_else(|| ProblemCode::Other(word.to_owned()), |(_, code)| code.clone())
    }

    fn word(&self) -> &str {
        self.kind.strip_prefix(PREFIX).unwrap_or(&self.kind)
    }

    /// How long to wait before the next try; at most an hour, whatever the server asks for.
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after.map(wait_of)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(ours) = &self.ours {
            return write!(f, "not readable: {ours}");
        }
        let code = self.code();
        match &code {
            ProblemCode::Other(word) if !is_a_code(word) => f.write_str(code.words())?,
            _ => write!(f, "{}: {}", self.word(), code.words())?,
        }
        let mut before = "; wrong at ";
        for error in self.errors.iter().filter(|error| is_a_name(&error.pointer)).take(3) {
            write!(f, "{before}{}", error.pointer)?;
            before = ", ";
        }
        Ok(())
    }
}

/// Whether a word looks like a code of a later version: small letters with hyphens.
fn is_a_code(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&word.len()) && word.bytes().all(fits)
}

/// Whether a word is the name of a member or a path of such, and nothing that a person wrote.
fn is_a_name(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b':');
    (1..=100).contains(&word.len()) && word.bytes().all(fits)
}

/// A number of seconds; one beyond all reason is as good as the largest, and one that makes no sense is none.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<serde_json::Number>::deserialize(from)?;
    Ok(number.and_then(|number| {
        // Numbers beyond u64 come as floating point.
        let beyond = number.as_f64().filter(|seconds| *seconds >= 1e9).map(|_| u64::MAX);
        number.as_u64().or(beyond)
    }))
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
            "invalid: the content breaks a rule; wrong at /writes/0/patch/set/end"
        );
        assert!(problem.extra.contains_key("x-trace"));
    }

    #[test]
    fn what_the_server_says_in_its_own_words_is_kept_and_not_shown() {
        let text = r#"{"type":"urn:x-calender-sync:problem:invalid","title":"Geheim","status":422,"detail":"Geheim",
            "errors":[{"pointer":"/writes/0/Geheime Sache","detail":"Geheim"},{"pointer":"/end","detail":"Geheim"}]}"#;
        let problem: Problem = serde_json::from_str(text).unwrap();
        assert_eq!(problem.to_string(), "invalid: the content breaks a rule; wrong at /end");
        assert_eq!(problem.detail.as_deref(), Some("Geheim"));
        for kind in ["Geheime Sache", "Geheim", "", "about:blank"] {
            let text = format!(r#"{{"type":"{PREFIX}{kind}","title":"Geheim","detail":"Geheim"}}"#);
            let unknown: Problem = serde_json::from_str(&text).unwrap();
            assert_eq!(unknown.to_string(), "a problem that this version does not know");
        }
        // Nobody but this client says what this client found.
        let forged: Problem = serde_json::from_str(r#"{"type":"x","ours":"Geheim"}"#).unwrap();
        assert_eq!(forged.to_string(), "x: a problem that this version does not know");
    }

    #[test]
    fn no_wait_is_longer_than_an_hour_and_an_absurd_one_spoils_nothing() {
        for (given, wait) in [
            ("7", Some(7)),
            ("86400", Some(3600)),
            ("18446744073709551615", Some(3600)),
            ("1e300", Some(3600)),
            ("-1", None),
            ("null", None),
        ] {
            let text = format!(r#"{{"type":"{PREFIX}throttled","retry_after":{given}}}"#);
            let problem: Problem = serde_json::from_str(&text).unwrap();
            assert_eq!(problem.wait(), wait.map(Duration::from_secs), "{given}");
        }
    }

    #[test]
    fn a_kind_that_is_not_known_is_kept() {
        let problem: Problem =
            serde_json::from_str(r#"{"type":"about:blank","title":"Teapot","status":418}"#).unwrap();
        assert_eq!(problem.code(), ProblemCode::Other("about:blank".to_owned()));
    }
}
