//! The mark in a calendar: a named property of the calendar folder itself.
//!
//! Chosen over a hidden item because it is there on every version since 2007, is read and written by one request each, shows
//! up in no listing of items, and is put back together with the folder. Only the owner of the folder may write it. The
//! server does not compare before it writes, so the mark is read right before; `docs/protocol/ews.md` has the facts.

use calsync_core::ids::CalendarKey;
use calsync_core::source::{Mark, SourceError, SourceErrorKind};

use super::outcome::source_error;
use super::{ExchangeSource, properties};
use crate::error::EwsError;
use crate::ops::{GetFolder, UpdateFolder};
use crate::wire::{ExtendedProperty, ExtendedValue, FolderId};

const READ: &str = "read the mark of the calendar";
const WRITE: &str = "write the mark of the calendar";

impl ExchangeSource {
    /// The folder as it is now, and the mark in it. One that makes no sense counts as none.
    pub(super) async fn read_mark(
        &self,
        calendar: &CalendarKey,
    ) -> Result<(FolderId, Option<Mark>), SourceError> {
        let place = self.place(calendar);
        let question = GetFolder { folder: place.folder.clone(), extended: vec![properties::MARK] };
        let answer = self.client.get_folder(&place.target, &question).await;
        let folder = answer.map_err(|error| source_error(READ, error))?;
        let mark = folder.extended(&properties::MARK).and_then(|text| serde_json::from_str(text).ok());
        let missing = EwsError::Incomplete { operation: "GetFolder", what: "folder id" };
        let id = folder.folder_id.ok_or_else(|| source_error(READ, missing))?;
        Ok((id, mark))
    }

    pub(super) async fn write_mark(
        &self,
        calendar: &CalendarKey,
        expected: Option<&Mark>,
        new: &Mark,
    ) -> Result<(), SourceError> {
        let (folder, found) = self.read_mark(calendar).await?;
        if found.as_ref() != expected {
            return Err(SourceError::new(WRITE, SourceErrorKind::Stale));
        }
        let text = serde_json::to_string(new)
            .map_err(|error| SourceError::new(WRITE, SourceErrorKind::Protocol(error.to_string())))?;
        let property = ExtendedProperty { field: properties::MARK, value: ExtendedValue::One(text) };
        let question = UpdateFolder { folder, set: vec![property] };
        let place = self.place(calendar);
        self.client.update_folder(&place.target, &question).await.map_err(|error| {
            if error.may_have_happened() {
                let kind = SourceErrorKind::NoAnswer;
                return SourceError { doing: WRITE, kind, source: Some(Box::new(error)) };
            }
            source_error(WRITE, error)
        })
    }
}
