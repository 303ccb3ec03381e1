//! `DeleteAttachment`: files out of one item.

use super::{Operation, each};
use crate::client::{EwsClient, Target};
use crate::error::{EwsError, ResponseError};
use crate::version::Version;
use crate::wire::{Answer, Writer, write_ids};

/// Deletes files. They go nowhere.
#[derive(Debug, Clone)]
pub struct DeleteAttachment {
    /// Their ids.
    pub ids: Vec<String>,
}

impl Operation for DeleteAttachment {
    const NAME: &'static str = "DeleteAttachment";
    const WRITES: bool = true;
    type Output = Vec<Result<Option<String>, ResponseError>>;

    fn write(&self, xml: &mut Writer, _version: Version, _target: &Target) {
        xml.start("m:DeleteAttachment");
        write_ids(xml, &self.ids);
        xml.end("m:DeleteAttachment");
    }

    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError> {
        Ok(each(answer, self.ids.len(), |message| Ok(message.root_change_key)))
    }
}

impl EwsClient {
    /// Deletes files, and gives for each the change key that its item has then, where the server names it.
    pub async fn delete_attachment(
        &self,
        target: &Target,
        question: &DeleteAttachment,
    ) -> Result<Vec<Result<Option<String>, ResponseError>>, EwsError> {
        if question.ids.is_empty() {
            return Ok(Vec::new());
        }
        self.call(target, question).await
    }
}
