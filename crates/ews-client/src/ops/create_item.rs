//! `CreateItem`: new calendar items.
//!
//! Exchange knows no idempotency key. Put one into a property of your own and look for it before any second try.

use super::{FolderRef, Notify, Operation, each};
use crate::client::{EwsClient, Target};
use crate::error::{EwsError, ResponseError};
use crate::version::Version;
use crate::wire::{Answer, ItemId, Property, ResponseCode, Writer, write_item};

/// Makes calendar items in a folder.
#[derive(Debug, Clone)]
pub struct CreateItem {
    /// Where.
    pub folder: FolderRef,
    /// The properties of each item, in any order; at least one item.
    pub items: Vec<Vec<Property>>,
    /// Who is told.
    pub notify: Notify,
}

impl Operation for CreateItem {
    const NAME: &'static str = "CreateItem";
    const WRITES: bool = true;
    type Output = Vec<Result<ItemId, ResponseError>>;

    fn write(&self, xml: &mut Writer, version: Version, target: &Target) {
        xml.start("m:CreateItem")
            .attribute("MessageDisposition", "SaveOnly")
            .attribute("SendMeetingInvitations", self.notify.as_wire());
        xml.start("m:SavedItemFolderId");
        self.folder.write(xml, target);
        xml.end("m:SavedItemFolderId").start("m:Items");
        for item in &self.items {
            write_item(xml, item, version);
        }
        xml.end("m:Items").end("m:CreateItem");
    }

    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError> {
        Ok(each(answer, self.items.len(), |message| {
            let id = message.items.into_iter().next().and_then(|item| item.item_id);
            // It worked, yet without an id nobody can say what it made.
            id.ok_or_else(|| ResponseError::new(ResponseCode::InternalServerError))
        }))
    }
}

impl EwsClient {
    /// Makes calendar items, one id or error for each.
    pub async fn create_item(
        &self,
        target: &Target,
        question: &CreateItem,
    ) -> Result<Vec<Result<ItemId, ResponseError>>, EwsError> {
        if question.items.is_empty() {
            return Ok(Vec::new());
        }
        self.call(target, question).await
    }
}
