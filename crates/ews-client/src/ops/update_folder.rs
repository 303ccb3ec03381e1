//! `UpdateFolder`: properties of a calendar folder itself; since Exchange 2007.
//!
//! Only the folder's owner may, and who acts as the owner. There is no conflict resolution: what somebody else wrote since
//! it was read is lost, so it is read right before.

use super::{Operation, only};
use crate::client::{EwsClient, Target};
use crate::error::EwsError;
use crate::version::Version;
use crate::wire::{Answer, ExtendedProperty, FolderId, Writer};

/// Sets properties outside the schema on a calendar folder.
#[derive(Debug, Clone)]
pub struct UpdateFolder {
    /// Which folder, with its change key: servers refuse an id without one.
    pub folder: FolderId,
    /// The properties, at least one.
    pub set: Vec<ExtendedProperty>,
}

impl Operation for UpdateFolder {
    const NAME: &'static str = "UpdateFolder";
    const WRITES: bool = true;
    type Output = ();

    fn write(&self, xml: &mut Writer, _version: Version, _target: &Target) {
        xml.start("m:UpdateFolder").start("m:FolderChanges").start("t:FolderChange");
        xml.start("t:FolderId")
            .attribute("Id", &self.folder.id)
            .attribute_opt("ChangeKey", self.folder.change_key.as_ref())
            .end("t:FolderId");
        xml.start("t:Updates");
        for property in &self.set {
            xml.start("t:SetFolderField");
            property.field.write(xml);
            xml.start("t:CalendarFolder");
            property.write(xml);
            xml.end("t:CalendarFolder").end("t:SetFolderField");
        }
        xml.end("t:Updates").end("t:FolderChange").end("m:FolderChanges").end("m:UpdateFolder");
    }

    fn read(&self, answer: Answer) -> Result<(), EwsError> {
        only(answer, Self::NAME).map(|_| ())
    }
}

impl EwsClient {
    /// Sets properties outside the schema on a calendar folder.
    ///
    /// # Errors
    ///
    /// `ErrorAccessDenied` for everybody but the folder's owner.
    pub async fn update_folder(&self, target: &Target, question: &UpdateFolder) -> Result<(), EwsError> {
        self.call(target, question).await
    }
}
