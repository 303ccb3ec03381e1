//! `GetItem`: items by their ids.

use super::{Operation, Shape, each};
use crate::client::{EwsClient, Target};
use crate::error::{EwsError, ResponseError};
use crate::version::Version;
use crate::wire::{Answer, CalendarItem, ItemRef, ResponseCode, Writer};

/// Asks for items.
#[derive(Debug, Clone)]
pub struct GetItem {
    /// Which items, at least one.
    pub items: Vec<ItemRef>,
    /// What of them.
    pub shape: Shape,
}

impl Operation for GetItem {
    const NAME: &'static str = "GetItem";
    type Output = Vec<Result<CalendarItem, ResponseError>>;

    fn write(&self, xml: &mut Writer, version: Version, _target: &Target) {
        xml.start("m:GetItem");
        self.shape.write(xml, version);
        xml.start("m:ItemIds");
        for item in &self.items {
            item.write(xml);
        }
        xml.end("m:ItemIds").end("m:GetItem");
    }

    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError> {
        Ok(each(answer, self.items.len(), |message| {
            message.items.into_iter().next().ok_or_else(|| ResponseError::new(ResponseCode::ItemCorrupt))
        }))
    }
}

impl EwsClient {
    /// Reads items by their ids, one result for each. One bad item does not fail the others; after about a minute of
    /// work the server stops, and the rest is `ErrorBatchProcessingStopped`.
    pub async fn get_item(
        &self,
        target: &Target,
        question: &GetItem,
    ) -> Result<Vec<Result<CalendarItem, ResponseError>>, EwsError> {
        if question.items.is_empty() {
            return Ok(Vec::new());
        }
        self.call(target, question).await
    }
}
