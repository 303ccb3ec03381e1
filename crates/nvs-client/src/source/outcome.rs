//! From answers and errors of the protocol to those of the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use calsync_core::ids::{ItemKey, Revision};
use calsync_core::source::{Applied, SourceError, SourceErrorKind, WriteOutcome};

use super::read;
use crate::error::{NvsError, NvsErrorKind};
use crate::wire::{self, Problem, ProblemCode, WriteResult};

const WRITING: &str = "write appointments";

pub(super) fn kind_of(error: &NvsError) -> SourceErrorKind {
    match &error.kind {
        NvsErrorKind::Settings
        | NvsErrorKind::Untrusted
        | NvsErrorKind::Unauthorized
        | NvsErrorKind::Forbidden
        | NvsErrorKind::NotCalender => SourceErrorKind::Denied(error.advice.clone()),
        NvsErrorKind::Unreachable | NvsErrorKind::Unavailable(None) => SourceErrorKind::Unavailable,
        NvsErrorKind::UnknownUnit => SourceErrorKind::NoCalendar(error.advice.clone()),
        NvsErrorKind::CursorExpired => SourceErrorKind::TokenExpired,
        NvsErrorKind::EpochChanged => SourceErrorKind::WentBack,
        NvsErrorKind::Throttled(wait) => SourceErrorKind::Throttled(wait.unwrap_or(Duration::from_secs(30))),
        NvsErrorKind::Unavailable(Some(wait)) => SourceErrorKind::Throttled(*wait),
        NvsErrorKind::NoAnswer => SourceErrorKind::NoAnswer,
        NvsErrorKind::Refused(_) => SourceErrorKind::Rejected(error.advice.clone()),
        NvsErrorKind::BadAnswer | NvsErrorKind::TooLarge => SourceErrorKind::Protocol(error.advice.clone()),
    }
}

pub(super) fn source_error(error: NvsError) -> SourceError {
    SourceError { doing: error.doing, kind: kind_of(&error), source: Some(Box::new(error)) }
}

fn kind_of_refusal(problem: &Problem) -> SourceErrorKind {
    match problem.code() {
        ProblemCode::Conflict => SourceErrorKind::Stale,
        ProblemCode::UnknownAppointment | ProblemCode::UnknownFile => SourceErrorKind::Missing,
        ProblemCode::ProtectedType => SourceErrorKind::Protected,
        ProblemCode::Forbidden | ProblemCode::Unauthorized => SourceErrorKind::Denied(problem.to_string()),
        ProblemCode::UnknownUnit => SourceErrorKind::NoCalendar(problem.to_string()),
        ProblemCode::CursorExpired => SourceErrorKind::TokenExpired,
        ProblemCode::EpochChanged => SourceErrorKind::WentBack,
        ProblemCode::Throttled => {
            SourceErrorKind::Throttled(problem.wait().unwrap_or(Duration::from_secs(30)))
        }
        ProblemCode::Unavailable | ProblemCode::Internal => SourceErrorKind::Unavailable,
        ProblemCode::BadRequest
        | ProblemCode::NotFound
        | ProblemCode::MethodNotAllowed
        | ProblemCode::TooLarge
        | ProblemCode::UnsupportedMediaType
        | ProblemCode::Invalid
        | ProblemCode::KeyReused
        | ProblemCode::Other(_) => SourceErrorKind::Rejected(problem.to_string()),
    }
}

/// The id of a create that the server answered from memory.
pub(super) fn replayed_create_id(writes: &[wire::Write]) -> impl Fn(&WriteResult) -> Option<String> + '_ {
    |result| match &result.outcome {
        wire::WriteOutcome::Applied { appointment, replayed: true, .. } => writes
            .iter()
            .any(|write| matches!(write, wire::Write::Create { key, .. } if *key == result.key))
            .then(|| appointment.id.clone()),
        _ => None,
    }
}

/// What one write came to. `standing` says of replayed creates whether their item is still there.
pub(super) fn outcome(
    unit: &str,
    write: &wire::Write,
    outcome: wire::WriteOutcome,
    standing: &BTreeMap<String, bool>,
) -> WriteOutcome {
    match outcome {
        wire::WriteOutcome::Applied { .. } if matches!(write, wire::Write::Delete { .. }) => {
            WriteOutcome::Applied(Applied::Deleted)
        }
        wire::WriteOutcome::Applied { appointment, .. } => {
            if standing.get(&appointment.id) == Some(&false) {
                return WriteOutcome::Refused(SourceError::new(WRITING, SourceErrorKind::Missing));
            }
            match read::item(unit, &appointment) {
                Ok(item) => WriteOutcome::Applied(Applied::Item(Box::new(item))),
                // It is stored, as what cannot be read: its name and state are known all the same.
                Err(_) => WriteOutcome::Applied(Applied::Stored {
                    key: ItemKey::new(appointment.id),
                    revision: Revision::new(appointment.revision),
                }),
            }
        }
        wire::WriteOutcome::Refused(problem) => {
            let kind = kind_of_refusal(&problem);
            WriteOutcome::Refused(SourceError { doing: WRITING, kind, source: Some(Box::new(problem)) })
        }
        wire::WriteOutcome::Unclear(problem) => {
            let kind = SourceErrorKind::Protocol(problem.to_string());
            WriteOutcome::Unknown(SourceError { doing: WRITING, kind, source: None })
        }
    }
}

pub(super) fn rejected(why: String) -> SourceError {
    SourceError::new(WRITING, SourceErrorKind::Rejected(why))
}

pub(super) fn unanswered() -> WriteOutcome {
    WriteOutcome::Unknown(SourceError::new(WRITING, SourceErrorKind::NoAnswer))
}

/// The server shows an older state than before.
pub(super) fn went_back(doing: &'static str) -> SourceError {
    SourceError::new(doing, SourceErrorKind::WentBack)
}
