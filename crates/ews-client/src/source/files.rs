//! Files of items.
//!
//! A file is a request of its own, and so is taking some away, so a write with files takes several steps. Before the first
//! the item is told which names are being worked at, and what it had: until the receipt, whoever reads it is shown that.
//! A write that was cut short so never looks like a person who put a file in or took one away, and the next try clears
//! up after it.
//!
//! Images inside the text and attached items are no files: they are neither read nor touched. Changed occurrences keep
//! what they have; read, they have the files of their series.

use std::collections::BTreeSet;

use calsync_core::ids::{CalendarKey, ItemKey};
use calsync_core::model::{Attachment, Attachments, Change};
use calsync_core::source::{FileRead, Write, WriteOp};

use super::apply::{Failure, Job};
use super::properties::{self, WorkedAt};
use super::{ExchangeSource, Place};
use crate::error::{EwsError, ResponseError};
use crate::ops::{CreateAttachment, DeleteAttachment, GetAttachment, Shape};
use crate::wire::{
    CalendarItem, CodeClass, FieldChange, FieldRef, FileAttachment, ItemId, ItemRef, ResponseCode,
};

/// The files of an item as they are.
pub(super) fn read(item: &CalendarItem) -> Attachments {
    Attachments::new(listed(item).into_iter().map(|(file, _)| file))
}

/// The files of an item as they were before a write that is not finished.
pub(super) fn settled(item: &CalendarItem) -> Attachments {
    let now = read(item);
    match WorkedAt::read(item) {
        None => now,
        Some(WorkedAt { before, names }) => {
            let others = now.only(|file| !names.contains(&file.name));
            let before = before.only(|file| names.contains(&file.name));
            Attachments::new(others.iter().chain(&before).cloned())
        }
    }
}

/// Files with their ids.
fn listed(item: &CalendarItem) -> Vec<(Attachment, String)> {
    let files = item.attachments.iter().filter(|file| !is_inline(file) && !file.id.is_empty());
    let mut files: Vec<(Attachment, String)> = files.map(|file| (model(file), file.id.clone())).collect();
    files.sort_by(|(a, a_id), (b, b_id)| {
        (&a.name, &a.stamp, &a.media_type, a_id).cmp(&(&b.name, &b.stamp, &b.media_type, b_id))
    });
    files
}

/// Whether it is shown inside the text. Exchange 2007 does not say; there what a text can name counts.
fn is_inline(file: &FileAttachment) -> bool {
    file.is_inline.unwrap_or(file.content_id.is_some())
}

fn model(file: &FileAttachment) -> Attachment {
    let stamp = match (file.size, file.last_modified_time) {
        // Unlike the id, both stay when the item moves.
        (Some(size), Some(at)) => format!("{size} {}", at.to_utc().and_utc().to_rfc3339()),
        _ => file.id.clone(),
    };
    Attachment {
        media_type: file.content_type.clone().unwrap_or_default(),
        size: file.size,
        ..Attachment::new(file.name.clone().unwrap_or_default(), stamp)
    }
}

impl ExchangeSource {
    /// See [`CalendarSource::attachment`](calsync_core::source::CalendarSource::attachment).
    pub(super) async fn read_file(
        &self,
        calendar: &CalendarKey,
        key: &ItemKey,
        file: &Attachment,
        max_bytes: u64,
    ) -> Result<FileRead, EwsError> {
        let place = self.place(calendar);
        let item = match self.item_with_files(&place, &ItemId::new(key.as_str())).await? {
            Ok(item) => item,
            Err(error) if error.code.class() == CodeClass::Missing => return Ok(FileRead::Gone),
            Err(error) => return Err(error.into()),
        };
        let nth = usize::try_from(file.nth).unwrap_or(usize::MAX);
        let Some((now, id)) = listed(&item).into_iter().filter(|(now, _)| now.name == file.name).nth(nth)
        else {
            return Ok(FileRead::Gone);
        };
        if now.size.is_some_and(|size| size > max_bytes) {
            return Ok(FileRead::TooLarge);
        }
        match self.client.get_attachment(&place.target, &GetAttachment { id }).await {
            Ok(FileAttachment { content: Some(bytes), .. }) if bytes.len() as u64 <= max_bytes => {
                Ok(FileRead::Bytes(bytes))
            }
            Ok(_) => Ok(FileRead::TooLarge),
            Err(EwsError::Response(error)) if is_gone(&error.code) => Ok(FileRead::Gone),
            Err(error) => Err(error),
        }
    }

    async fn item_with_files(
        &self,
        place: &Place,
        id: &ItemId,
    ) -> Result<Result<CalendarItem, ResponseError>, EwsError> {
        let fields = vec![FieldRef::Named("item:Attachments"), FieldRef::Extended(properties::FILES)];
        let shape = Shape::Fields { fields, body: None };
        let mut items = self.read_all(place, vec![ItemRef::Id(ItemId::new(&id.id))], shape).await?;
        Ok(items.pop().unwrap_or_else(|| Err(ResponseError::new(ResponseCode::InternalServerError))))
    }

    /// Puts files into a new item, which has no receipt yet and is looked at again if this is cut short.
    pub(super) async fn put_files(
        &self,
        job: &Job<'_>,
        id: &mut ItemId,
        files: &Attachments,
        write: &Write,
    ) -> Result<(), Failure> {
        for file in files {
            self.put_file(job, id, file, write).await?;
        }
        Ok(())
    }

    /// Makes the files of an item what `change` says, and keeps the change key of `id` up to date; on entry it is the one
    /// that the item must have. The mark stays in the item until its receipt is written.
    pub(super) async fn change_files(
        &self,
        job: &Job<'_>,
        id: &mut ItemId,
        change: &Change<Attachments>,
        write: &Write,
    ) -> Result<(), Failure> {
        let item = match self.item_with_files(&job.place, id).await? {
            Ok(item) => item,
            Err(error) if error.code.class() == CodeClass::Missing => return Err(Failure::Missing),
            Err(error) => return Err(EwsError::from(error).into()),
        };
        if item.item_id.as_ref().and_then(|now| now.change_key.as_ref()) != id.change_key.as_ref() {
            return Err(Failure::Stale);
        }
        let mut names: BTreeSet<String> =
            change.incoming().chain(change.outgoing()).map(|file| file.name.clone()).collect();
        names.extend(WorkedAt::read(&item).into_iter().flat_map(|mark| mark.names));
        let mark = WorkedAt { before: change.from.clone(), names };
        let changes = mark.property().map(FieldChange::Set).into_iter().collect();
        *id = self.update_one(job, id, changes).await?;

        let incoming: Vec<&Attachment> = change.incoming().collect();
        let mut stays: Vec<&Attachment> = change.to.iter().filter(|file| !incoming.contains(file)).collect();
        for file in incoming {
            if !self.put_file(job, id, file, write).await? {
                // What does not come leaves the old version where it is.
                stays.extend(change.from.get(&file.name, file.nth));
            }
        }
        let mut goes = Vec::new();
        for (file, file_id) in listed(&item) {
            let kept = stays.iter().position(|kept| kept.name == file.name && kept.stamp == file.stamp);
            match kept {
                Some(place) => drop(stays.remove(place)),
                None if mark.names.contains(&file.name) => goes.push(file_id),
                None => {}
            }
        }
        self.delete_files(job, id, goes).await
    }

    /// Puts one file into an item; `false` when it is left out.
    async fn put_file(
        &self,
        job: &Job<'_>,
        id: &mut ItemId,
        file: &Attachment,
        write: &Write,
    ) -> Result<bool, Failure> {
        let content = match job.files.read(write, file).await {
            Ok(FileRead::Bytes(bytes)) => bytes,
            Ok(FileRead::TooLarge | FileRead::Gone) => return Ok(false),
            Err(error) => return Err(Failure::OtherSide(error)),
        };
        let question = CreateAttachment {
            parent: id.clone(),
            name: file.name.clone(),
            content_type: (!file.media_type.is_empty()).then(|| file.media_type.clone()),
            content,
        };
        match self.client.create_attachment(&job.place.target, &question).await {
            Ok(now) => {
                self.adopt(job, id, now.change_key).await?;
                Ok(true)
            }
            Err(EwsError::Response(error)) if is_too_large(&error.code) => {
                job.files.leave_out(write, "a file is larger than Exchange takes".to_owned());
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn delete_files(&self, job: &Job<'_>, id: &mut ItemId, ids: Vec<String>) -> Result<(), Failure> {
        if ids.is_empty() {
            return Ok(());
        }
        let question = DeleteAttachment { ids };
        let mut key = None;
        for result in self.client.delete_attachment(&job.place.target, &question).await? {
            match result {
                Ok(now) => key = now,
                Err(error) if is_gone(&error.code) => {}
                Err(error) => return Err(EwsError::from(error).into()),
            }
        }
        self.adopt(job, id, key).await
    }

    /// Takes the change key that the server named, or asks for it.
    async fn adopt(&self, job: &Job<'_>, id: &mut ItemId, key: Option<String>) -> Result<(), Failure> {
        if key.is_some() {
            id.change_key = key;
            return Ok(());
        }
        let asked = self.read_all(&job.place, vec![ItemRef::Id(ItemId::new(&id.id))], Shape::IdOnly).await?;
        match asked.into_iter().next() {
            Some(Ok(item)) => {
                id.change_key = item.item_id.and_then(|id| id.change_key);
                Ok(())
            }
            Some(Err(error)) => Err(EwsError::from(error).into()),
            None => Err(Failure::Missing),
        }
    }
}

/// The same write without files: a series that is several items keeps what its first item has.
pub(super) fn without_files(job: &Job<'_>, write: &Write) -> Write {
    let mut write = write.clone();
    let comes = match &mut write.op {
        WriteOp::Create { series, .. } => !std::mem::take(&mut series.event.attachments).is_empty(),
        WriteOp::Update { patch, .. } => {
            patch.master.attachments.take().is_some_and(|change| change.incoming().next().is_some())
        }
        WriteOp::Delete { .. } => false,
    };
    if comes {
        let why = "files of a series that is several on Exchange are not carried";
        job.files.leave_out(&write, why.to_owned());
    }
    write
}

fn is_gone(code: &ResponseCode) -> bool {
    code.class() == CodeClass::Missing || code.as_wire() == "ErrorInvalidAttachmentId"
}

fn is_too_large(code: &ResponseCode) -> bool {
    matches!(code.as_wire(), "ErrorAttachmentSizeLimitExceeded" | "ErrorMessageSizeExceeded")
}
