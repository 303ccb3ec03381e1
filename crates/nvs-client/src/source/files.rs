//! Files of appointments: reading them for the other side, and sending those that a write brings along.
//!
//! The server names a file by the digest of its bytes, which is therefore its stamp. Sending comes before the write that
//! names the file: sent twice is sent once, and what no write came to name is dropped by the server itself, so that a
//! write with files is still one step. References to files elsewhere, which have no digest, are nobody's to carry; they
//! stay in the list.

use calsync_core::ids::{CalendarKey, ItemKey};
use calsync_core::model::{Attachment, Attachments, Change};
use calsync_core::source::{FileRead, Files, SourceError, SourceErrorKind, Write, WriteOp};

use super::write::line;
use super::{NvsSource, outcome};
use crate::client::digest_of;
use crate::error::{NvsError, NvsErrorKind};
use crate::wire::{self, Appointment, ProblemCode, ReadEntry};

const READING: &str = "read file";
const SENDING: &str = "send file";

/// The files of an appointment that the server has.
pub(super) fn read(list: &[wire::Attachment]) -> Attachments {
    Attachments::new(list.iter().filter_map(|file| {
        Some(Attachment {
            media_type: file.media_type.clone().unwrap_or_default(),
            size: file.size,
            ..Attachment::new(&file.name, file.digest.as_deref()?)
        })
    }))
}

impl NvsSource {
    /// See [`CalendarSource::attachment`](calsync_core::source::CalendarSource::attachment).
    pub(super) async fn read_file(
        &self,
        unit: &CalendarKey,
        key: &ItemKey,
        file: &Attachment,
        max_bytes: u64,
    ) -> Result<FileRead, SourceError> {
        let Some(appointment) = self.appointment(unit, key).await? else { return Ok(FileRead::Gone) };
        let files = read(&appointment.attachments);
        let Some(file) = files.get(&file.name, file.nth) else { return Ok(FileRead::Gone) };
        if file.size.is_some_and(|size| size > max_bytes) {
            return Ok(FileRead::TooLarge);
        }
        let most = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        match self.client.file(unit.as_str(), &file.stamp, most).await {
            Ok(Some(bytes)) => Ok(FileRead::Bytes(bytes)),
            Ok(None) => Ok(FileRead::TooLarge),
            Err(error) if is_refused_as(&error, &ProblemCode::UnknownFile) => Ok(FileRead::Gone),
            Err(error) => Err(outcome::source_error(error)),
        }
    }

    async fn appointment(
        &self,
        unit: &CalendarKey,
        key: &ItemKey,
    ) -> Result<Option<Box<Appointment>>, SourceError> {
        let ids = [key.as_str().to_owned()];
        let answer = self.client.read(Some(unit.as_str()), &ids).await.map_err(outcome::source_error)?;
        self.same_epoch(READING, &answer.epoch)?;
        match answer.entries.into_iter().next() {
            Some(ReadEntry::Present(appointment)) => Ok(Some(appointment)),
            Some(ReadEntry::Absent) => Ok(None),
            Some(ReadEntry::Unreadable(problem)) => {
                Err(SourceError::new(READING, SourceErrorKind::Protocol(problem.to_string())))
            }
            None => Err(SourceError::new(READING, SourceErrorKind::NoAnswer)),
        }
    }

    /// Sends the files that `write` brings along and gives the whole list that the appointment is to have; `None` where
    /// the write is not about files.
    ///
    /// # Errors
    ///
    /// Nothing was written to the appointment.
    pub(super) async fn bring_files(
        &self,
        unit: &CalendarKey,
        write: &Write,
        files: &dyn Files,
    ) -> Result<Option<Vec<wire::Attachment>>, SourceError> {
        let (change, mut list) = match &write.op {
            WriteOp::Create { series, .. } => {
                let (from, to) = (Attachments::default(), series.event.attachments.clone());
                (Change { from, to }, Vec::new())
            }
            WriteOp::Update { key, expected, patch, .. } => {
                let Some(change) = patch.master.attachments.clone() else { return Ok(None) };
                // The list is replaced whole, and has entries that the engine knows nothing of.
                let Some(appointment) = self.appointment(unit, key).await? else {
                    return Err(SourceError::new(SENDING, SourceErrorKind::Missing));
                };
                if appointment.revision != expected.as_str() {
                    return Err(SourceError::new(SENDING, SourceErrorKind::Stale));
                }
                (change, appointment.attachments)
            }
            WriteOp::Delete { .. } => return Ok(None),
        };
        if change.from == change.to {
            return Ok(None);
        }
        let mut goes: Vec<Attachment> = change.outgoing().cloned().collect();
        let most = if change.incoming().next().is_some() { self.largest_file().await? } else { None };
        for file in change.incoming() {
            let sent = if let Some(most) = most {
                self.send_file(unit, write, file, most, files).await?
            } else {
                files.leave_out(write, "the NVS Calender takes no files".to_owned());
                None
            };
            match sent {
                Some((digest, size)) => list.push(wire::Attachment {
                    id: free_id(&list, &digest),
                    name: line(&file.name),
                    media_type: (!file.media_type.is_empty()).then(|| line(&file.media_type)),
                    size: Some(size),
                    digest: Some(digest),
                    url: None,
                }),
                // What does not come leaves the old version where it is.
                None => goes.retain(|old| (&old.name, old.nth) != (&file.name, file.nth)),
            }
        }
        for old in goes {
            let is_it = |entry: &wire::Attachment| {
                entry.name == old.name && entry.digest.as_deref() == Some(old.stamp.as_str())
            };
            if let Some(place) = list.iter().position(is_it) {
                list.remove(place);
            }
        }
        Ok(Some(list))
    }

    /// Sends one file and gives its digest and size; `None` when it stays where it is.
    async fn send_file(
        &self,
        unit: &CalendarKey,
        write: &Write,
        file: &Attachment,
        most: u64,
        files: &dyn Files,
    ) -> Result<Option<(String, u64)>, SourceError> {
        let FileRead::Bytes(bytes) = files.read(write, file).await? else { return Ok(None) };
        let size = bytes.len() as u64;
        let too_large = || format!("a file is larger than the {most} bytes that the NVS Calender takes");
        if size > most {
            files.leave_out(write, too_large());
            return Ok(None);
        }
        let digest = digest_of(&bytes);
        match self.client.put_file(unit.as_str(), &digest, bytes).await {
            Ok(_) => Ok(Some((digest, size))),
            Err(error) if is_refused_as(&error, &ProblemCode::TooLarge) => {
                files.leave_out(write, too_large());
                Ok(None)
            }
            // Whether it arrived or not: nothing names it yet.
            Err(error) => Err(outcome::source_error(error)),
        }
    }

    async fn largest_file(&self) -> Result<Option<u64>, SourceError> {
        let server = self.client.server().await.map_err(outcome::source_error)?;
        Ok(server.limits.file_bytes)
    }
}

fn is_refused_as(error: &NvsError, code: &ProblemCode) -> bool {
    matches!(&error.kind, NvsErrorKind::Refused(problem) if problem.code() == *code)
}

/// An id that no entry of the list has.
fn free_id(list: &[wire::Attachment], digest: &str) -> String {
    let head = digest.get(..16).unwrap_or(digest);
    let taken = |id: &String| list.iter().any(|entry| entry.id == *id);
    let numbered = (0..=list.len()).map(|number| format!("{head}-{number}"));
    numbered.into_iter().find(|id| !taken(id)).unwrap_or_else(|| head.to_owned())
}
