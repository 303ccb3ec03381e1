//! `MoveItem`: to another folder. The id changes on the way.

use super::{FolderRef, Operation, each};
use crate::client::{EwsClient, Target};
use crate::error::{EwsError, ResponseError};
use crate::version::Version;
use crate::wire::{Answer, ItemId, Writer};

/// Moves items.
#[derive(Debug, Clone)]
pub struct MoveItem {
    /// Which items, at least one; occurrences cannot be moved.
    pub items: Vec<ItemId>,
    /// Where to.
    pub to: FolderRef,
}

impl Operation for MoveItem {
    const NAME: &'static str = "MoveItem";
    const WRITES: bool = true;
    type Output = Vec<Result<Option<ItemId>, ResponseError>>;

    fn write(&self, xml: &mut Writer, version: Version, target: &Target) {
        xml.start("m:MoveItem").start("m:ToFolderId");
        self.to.write(xml, target);
        xml.end("m:ToFolderId").start("m:ItemIds");
        for item in &self.items {
            item.write(xml, "t:ItemId");
        }
        xml.end("m:ItemIds");
        if version >= Version::Exchange2010Sp1 {
            xml.leaf("m:ReturnNewItemIds", true);
        }
        xml.end("m:MoveItem");
    }

    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError> {
        Ok(each(answer, self.items.len(), |message| {
            Ok(message.items.into_iter().next().and_then(|item| item.item_id))
        }))
    }
}

impl EwsClient {
    /// Moves items; the new id of each, as far as the server says it (Exchange 2010 SP1 and later).
    pub async fn move_item(
        &self,
        target: &Target,
        question: &MoveItem,
    ) -> Result<Vec<Result<Option<ItemId>, ResponseError>>, EwsError> {
        if question.items.is_empty() {
            return Ok(Vec::new());
        }
        self.call(target, question).await
    }
}
