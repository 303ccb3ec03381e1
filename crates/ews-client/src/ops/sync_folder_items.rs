//! `SyncFolderItems`: what changed in a folder.
//!
//! Ids and revisions, and properties of one's own where somebody needs them: each field costs the server a look, and
//! bodies and recurrences are left out regardless. Series are reported as a whole; a changed or deleted occurrence shows as a change of its master.

use super::{FolderRef, Operation, Shape, only};
use crate::client::{EwsClient, Target};
use crate::error::EwsError;
use crate::version::Version;
use crate::wire::{Answer, Change, DateTime, ExtendedField, FieldRef, Writer};

/// Asks for one page of changes.
#[derive(Debug, Clone)]
pub struct SyncFolderItems {
    /// Which folder.
    pub folder: FolderRef,
    /// How far it was read; `None` lists it from the beginning.
    pub sync_state: Option<String>,
    /// The most changes on the page, 1 to 512.
    pub max_changes: u32,
    /// Properties of one's own that are wanted of each item.
    pub extended: Vec<ExtendedField>,
}

/// One page of changes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SyncPage {
    /// The changes in the server's order, newest first since Exchange 2010 SP2.
    pub changes: Vec<Change>,
    /// Where the next page begins. Opaque; it grows with the folder.
    pub sync_state: String,
    /// Whether more can be read at once.
    pub more: bool,
    /// The server's clock.
    pub server_time: Option<DateTime>,
}

impl Operation for SyncFolderItems {
    const NAME: &'static str = "SyncFolderItems";
    const ANY_VERSION: bool = true;
    type Output = SyncPage;

    fn write(&self, xml: &mut Writer, version: Version, target: &Target) {
        xml.start("m:SyncFolderItems");
        let fields = self.extended.iter().cloned().map(FieldRef::Extended).collect();
        Shape::Fields { fields, body: None }.write(xml, version);
        xml.start("m:SyncFolderId");
        self.folder.write(xml, target);
        xml.end("m:SyncFolderId");
        xml.leaf_opt("m:SyncState", self.sync_state.as_ref());
        xml.leaf("m:MaxChangesReturned", self.max_changes.clamp(1, 512)).end("m:SyncFolderItems");
    }

    fn read(&self, answer: Answer) -> Result<SyncPage, EwsError> {
        let server_time = answer.server_time;
        let message = only(answer, Self::NAME)?;
        let incomplete = |what| EwsError::Incomplete { operation: Self::NAME, what };
        Ok(SyncPage {
            changes: message.changes,
            sync_state: message.sync_state.ok_or_else(|| incomplete("sync state"))?,
            more: !message.includes_last.ok_or_else(|| incomplete("mark of the last item"))?,
            server_time,
        })
    }
}

impl EwsClient {
    /// Reads one page of changes of a folder.
    ///
    /// # Errors
    ///
    /// [`StartOver`](crate::Next::StartOver): the state is worth nothing any more; nothing is said about any item.
    pub async fn sync_folder_items(
        &self,
        target: &Target,
        question: &SyncFolderItems,
    ) -> Result<SyncPage, EwsError> {
        self.call(target, question).await
    }
}
