//! Naming a folder.

use crate::client::{Access, Target};
use crate::wire::{FolderId, Writer};

/// A folder of the mailbox that a call concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FolderRef {
    /// Its default calendar.
    Calendar,
    /// Its Deleted Items.
    DeletedItems,
    /// A folder by id. The id carries the mailbox.
    Id(FolderId),
}

impl FolderRef {
    pub(crate) fn write(&self, xml: &mut Writer, target: &Target) {
        let name = match self {
            Self::Calendar => "calendar",
            Self::DeletedItems => "deleteditems",
            Self::Id(id) => {
                xml.start("t:FolderId")
                    .attribute("Id", &id.id)
                    .attribute_opt("ChangeKey", id.change_key.as_ref());
                xml.end("t:FolderId");
                return;
            }
        };
        xml.start("t:DistinguishedFolderId").attribute("Id", name);
        if target.access == Access::Rights {
            xml.start("t:Mailbox").leaf("t:EmailAddress", &target.address).end("t:Mailbox");
        }
        xml.end("t:DistinguishedFolderId");
    }
}
