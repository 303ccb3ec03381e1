//! `UpdateItem`: changes of existing items.

use super::{Notify, Operation, each};
use crate::client::{EwsClient, Target};
use crate::error::{EwsError, ResponseError};
use crate::version::Version;
use crate::wire::{Answer, FieldChange, ItemId, ItemRef, ResponseCode, Writer, write_changes};

/// What the server does when an item is not as the change key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConflictResolution {
    /// Refuses with `ErrorIrresolvableConflict`.
    #[default]
    NeverOverwrite,
    /// Merges field by field and may quietly keep its own value.
    AutoResolve,
    /// Overwrites.
    AlwaysOverwrite,
}

/// The changes of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemChange {
    /// Which item, with the change key that the changes are based on.
    pub item: ItemRef,
    /// The changes, in any order.
    pub changes: Vec<FieldChange>,
}

/// Changes items.
#[derive(Debug, Clone)]
pub struct UpdateItem {
    /// Which items and how, at least one.
    pub items: Vec<ItemChange>,
    /// What to do about conflicts.
    pub conflict_resolution: ConflictResolution,
    /// Who is told.
    pub notify: Notify,
}

/// An item after its change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Updated {
    /// Its id with the new change key.
    pub item_id: ItemId,
    /// How many conflicts the server resolved by itself.
    pub conflicts: u32,
}

impl Operation for UpdateItem {
    const NAME: &'static str = "UpdateItem";
    const WRITES: bool = true;
    type Output = Vec<Result<Updated, ResponseError>>;

    fn write(&self, xml: &mut Writer, version: Version, _target: &Target) {
        let resolution = match self.conflict_resolution {
            ConflictResolution::NeverOverwrite => "NeverOverwrite",
            ConflictResolution::AutoResolve => "AutoResolve",
            ConflictResolution::AlwaysOverwrite => "AlwaysOverwrite",
        };
        xml.start("m:UpdateItem")
            .attribute("ConflictResolution", resolution)
            .attribute("MessageDisposition", "SaveOnly")
            .attribute("SendMeetingInvitationsOrCancellations", self.notify.as_wire());
        xml.start("m:ItemChanges");
        for change in &self.items {
            xml.start("t:ItemChange");
            change.item.write(xml);
            xml.start("t:Updates");
            write_changes(xml, &change.changes, version);
            xml.end("t:Updates").end("t:ItemChange");
        }
        xml.end("m:ItemChanges").end("m:UpdateItem");
    }

    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError> {
        Ok(each(answer, self.items.len(), |message| {
            let conflicts = message.conflicts.unwrap_or(0);
            let id = message.items.into_iter().next().and_then(|item| item.item_id);
            let item_id = id.ok_or_else(|| ResponseError::new(ResponseCode::InternalServerError))?;
            Ok(Updated { item_id, conflicts })
        }))
    }
}

impl EwsClient {
    /// Changes items, one result for each.
    pub async fn update_item(
        &self,
        target: &Target,
        question: &UpdateItem,
    ) -> Result<Vec<Result<Updated, ResponseError>>, EwsError> {
        if question.items.is_empty() {
            return Ok(Vec::new());
        }
        self.call(target, question).await
    }
}
