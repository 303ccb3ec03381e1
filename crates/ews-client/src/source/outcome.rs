//! From errors of the client to what the engine does next.

use calsync_core::source::{SourceError, SourceErrorKind, WriteOutcome};

use crate::error::{EwsError, Next, ResponseError};
use crate::wire::{CodeClass, ResponseCode};

/// An error as the engine wants it.
pub(super) fn source_error(doing: &'static str, error: EwsError) -> SourceError {
    let kind = kind_of(&error);
    SourceError { doing, kind, source: Some(Box::new(error)) }
}

/// A write that did not end well: refused where that is certain, else unknown.
pub(super) fn failed_write(doing: &'static str, error: EwsError) -> WriteOutcome {
    if error.may_have_happened() {
        let kind = SourceErrorKind::NoAnswer;
        return WriteOutcome::Unknown(SourceError { doing, kind, source: Some(Box::new(error)) });
    }
    WriteOutcome::Refused(source_error(doing, error))
}

/// What this item cannot be or do on Exchange.
pub(super) fn rejected(doing: &'static str, why: impl Into<String>) -> SourceError {
    SourceError::new(doing, SourceErrorKind::Rejected(why.into()))
}

fn kind_of(error: &EwsError) -> SourceErrorKind {
    match error.next() {
        Next::Later(Some(wait)) => SourceErrorKind::Throttled(wait),
        Next::Later(None) => SourceErrorKind::Unavailable,
        Next::StartOver => SourceErrorKind::TokenExpired,
        Next::ReadAgain => match error {
            EwsError::Response(ResponseError { code, .. }) if code.class() == CodeClass::Missing => {
                SourceErrorKind::Missing
            }
            _ => SourceErrorKind::Stale,
        },
        Next::AskPerson => match error {
            EwsError::Response(ResponseError { code, .. }) if names_no_folder(code) => {
                SourceErrorKind::NoCalendar(error.to_string())
            }
            _ => SourceErrorKind::Denied(error.to_string()),
        },
        Next::SkipItem => SourceErrorKind::Rejected(error.to_string()),
        Next::Smaller | Next::Mistake => SourceErrorKind::Protocol(error.to_string()),
    }
}

fn names_no_folder(code: &ResponseCode) -> bool {
    matches!(
        code,
        ResponseCode::FolderNotFound
            | ResponseCode::SyncFolderNotFound
            | ResponseCode::SavedItemFolderNotFound
            | ResponseCode::ToFolderNotFound
            | ResponseCode::NoCalendar
            | ResponseCode::NonExistentMailbox
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: ResponseCode) -> SourceErrorKind {
        kind_of(&EwsError::from(ResponseError::new(code)))
    }

    #[test]
    fn a_folder_that_is_gone_is_never_taken_for_an_emptied_one() {
        assert!(matches!(of(ResponseCode::SyncFolderNotFound), SourceErrorKind::NoCalendar(_)));
        assert!(matches!(of(ResponseCode::AccessDenied), SourceErrorKind::Denied(_)));
        assert_eq!(of(ResponseCode::InvalidSyncStateData), SourceErrorKind::TokenExpired);
        assert_eq!(of(ResponseCode::IrresolvableConflict), SourceErrorKind::Stale);
        assert_eq!(of(ResponseCode::ItemNotFound), SourceErrorKind::Missing);
        assert!(matches!(of(ResponseCode::Other("ErrorNew".to_owned())), SourceErrorKind::Rejected(_)));
    }

    #[test]
    fn an_unclear_write_is_unknown_and_a_refused_one_is_refused() {
        let lost = EwsError::NoAnswer { operation: "CreateItem", what: "the connection broke" };
        assert!(matches!(failed_write("create", lost), WriteOutcome::Unknown(_)));
        let refused = EwsError::from(ResponseError::new(ResponseCode::CreateItemAccessDenied));
        assert!(matches!(failed_write("create", refused), WriteOutcome::Refused(_)));
    }
}
