//! `GetFolder`: what a folder is and what may be done in it.

use super::{FolderRef, Operation, only};
use crate::client::{EwsClient, Target};
use crate::error::EwsError;
use crate::version::Version;
use crate::wire::{Answer, ExtendedField, Folder, Writer};

/// Asks about one folder.
#[derive(Debug, Clone)]
pub struct GetFolder {
    /// Which folder.
    pub folder: FolderRef,
    /// Which of its properties outside the schema.
    pub extended: Vec<ExtendedField>,
}

impl GetFolder {
    /// Without properties outside the schema.
    pub fn of(folder: FolderRef) -> Self {
        Self { folder, extended: Vec::new() }
    }
}

impl Operation for GetFolder {
    const NAME: &'static str = "GetFolder";
    const ANY_VERSION: bool = true;
    type Output = Folder;

    fn write(&self, xml: &mut Writer, _version: Version, target: &Target) {
        xml.start("m:GetFolder").start("m:FolderShape").leaf("t:BaseShape", "Default");
        xml.start("t:AdditionalProperties");
        for field in ["folder:FolderClass", "folder:EffectiveRights", "folder:ParentFolderId"] {
            xml.start("t:FieldURI").attribute("FieldURI", field).end("t:FieldURI");
        }
        for field in &self.extended {
            field.write(xml);
        }
        xml.end("t:AdditionalProperties").end("m:FolderShape").start("m:FolderIds");
        self.folder.write(xml, target);
        xml.end("m:FolderIds").end("m:GetFolder");
    }

    fn read(&self, answer: Answer) -> Result<Folder, EwsError> {
        let message = only(answer, Self::NAME)?;
        message
            .folders
            .into_iter()
            .next()
            .ok_or(EwsError::Incomplete { operation: Self::NAME, what: "folder" })
    }
}

impl EwsClient {
    /// Asks about one folder: its id, its class, the caller's rights.
    pub async fn get_folder(&self, target: &Target, question: &GetFolder) -> Result<Folder, EwsError> {
        self.call(target, question).await
    }
}
