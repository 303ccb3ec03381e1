//! `GetAttachment`: the bytes of one file.

use super::{Operation, only};
use crate::client::{EwsClient, Target};
use crate::error::EwsError;
use crate::version::Version;
use crate::wire::{Answer, FileAttachment, Writer, write_ids};

/// Asks for a file.
#[derive(Debug, Clone)]
pub struct GetAttachment {
    /// Its id.
    pub id: String,
}

impl Operation for GetAttachment {
    const NAME: &'static str = "GetAttachment";
    type Output = FileAttachment;

    fn write(&self, xml: &mut Writer, _version: Version, _target: &Target) {
        xml.start("m:GetAttachment");
        write_ids(xml, std::slice::from_ref(&self.id));
        xml.end("m:GetAttachment");
    }

    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError> {
        let message = only(answer, Self::NAME)?;
        let what = "file with its bytes";
        message
            .attachments
            .into_iter()
            .find(|file| file.content.is_some())
            .ok_or(EwsError::Incomplete { operation: Self::NAME, what })
    }
}

impl EwsClient {
    /// Reads a file with its bytes, all at once: the largest answer that is read limits it.
    pub async fn get_attachment(
        &self,
        target: &Target,
        question: &GetAttachment,
    ) -> Result<FileAttachment, EwsError> {
        self.call(target, question).await
    }
}
