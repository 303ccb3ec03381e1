//! `DeleteItem`: items and single occurrences.
//!
//! Whether the change key is looked at is not documented clearly, so a delete is never conditional by itself: read the
//! item first, and prefer [`DeleteType::MoveToDeletedItems`], from where a person can bring it back.

use super::{Notify, Operation, each};
use crate::client::{EwsClient, Target};
use crate::error::{EwsError, ResponseError};
use crate::version::Version;
use crate::wire::{Answer, ItemRef, Writer};

/// Where a deleted item goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeleteType {
    /// Deleted Items.
    #[default]
    MoveToDeletedItems,
    /// The dumpster.
    SoftDelete,
    /// Nowhere.
    HardDelete,
}

/// Deletes items.
#[derive(Debug, Clone)]
pub struct DeleteItem {
    /// Which items, at least one.
    pub items: Vec<ItemRef>,
    /// Where they go. A deleted occurrence goes nowhere, its master remembers it.
    pub delete_type: DeleteType,
    /// Who is told.
    pub notify: Notify,
}

impl Operation for DeleteItem {
    const NAME: &'static str = "DeleteItem";
    const WRITES: bool = true;
    type Output = Vec<Result<(), ResponseError>>;

    fn write(&self, xml: &mut Writer, _version: Version, _target: &Target) {
        let delete_type = match self.delete_type {
            DeleteType::MoveToDeletedItems => "MoveToDeletedItems",
            DeleteType::SoftDelete => "SoftDelete",
            DeleteType::HardDelete => "HardDelete",
        };
        xml.start("m:DeleteItem")
            .attribute("DeleteType", delete_type)
            .attribute("SendMeetingCancellations", self.notify.as_wire());
        xml.start("m:ItemIds");
        for item in &self.items {
            item.write(xml);
        }
        xml.end("m:ItemIds").end("m:DeleteItem");
    }

    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError> {
        Ok(each(answer, self.items.len(), |_| Ok(())))
    }
}

impl EwsClient {
    /// Deletes items, one result for each.
    pub async fn delete_item(
        &self,
        target: &Target,
        question: &DeleteItem,
    ) -> Result<Vec<Result<(), ResponseError>>, EwsError> {
        if question.items.is_empty() {
            return Ok(Vec::new());
        }
        self.call(target, question).await
    }
}
