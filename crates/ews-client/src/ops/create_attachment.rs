//! `CreateAttachment`: a new file in an item.
//!
//! It changes the item at once, whatever change key is named: look at the item before.

use super::{Operation, only};
use crate::client::{EwsClient, Target};
use crate::error::EwsError;
use crate::version::Version;
use crate::wire::{Answer, ItemId, Writer, write_file};

/// Puts a file into an item.
#[derive(Debug, Clone)]
pub struct CreateAttachment {
    /// The item.
    pub parent: ItemId,
    /// File name.
    pub name: String,
    /// Media type.
    pub content_type: Option<String>,
    /// The bytes.
    pub content: Vec<u8>,
}

impl Operation for CreateAttachment {
    const NAME: &'static str = "CreateAttachment";
    const WRITES: bool = true;
    type Output = ItemId;

    fn write(&self, xml: &mut Writer, _version: Version, _target: &Target) {
        xml.start("m:CreateAttachment");
        self.parent.write(xml, "m:ParentItemId");
        xml.start("m:Attachments");
        write_file(xml, &self.name, self.content_type.as_deref(), &self.content);
        xml.end("m:Attachments").end("m:CreateAttachment");
    }

    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError> {
        let message = only(answer, Self::NAME)?;
        let key = message.attachments.into_iter().find_map(|file| file.root_change_key);
        Ok(ItemId { id: self.parent.id.clone(), change_key: key })
    }
}

impl EwsClient {
    /// Puts a file into an item, and gives the item with its new change key, where the server names it.
    pub async fn create_attachment(
        &self,
        target: &Target,
        question: &CreateAttachment,
    ) -> Result<ItemId, EwsError> {
        self.call(target, question).await
    }
}
