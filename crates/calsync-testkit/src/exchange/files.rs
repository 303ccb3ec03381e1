//! What people do with the files of appointments in Outlook.

use super::MockExchange;
use super::calendars::item_of;
use super::item::Attached;
use super::server::lock;

/// What kind of attachment a person puts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachedAs {
    /// A file.
    File,
    /// An image inside the text.
    InlineImage,
    /// A mail or another item.
    Item,
}

impl MockExchange {
    /// Puts a file into an appointment, in place of files of its name.
    pub fn attach(&self, mailbox: &str, id: &str, name: &str, bytes: &[u8]) -> bool {
        self.detach_from(mailbox, id, name, false);
        self.attach_as(mailbox, id, name, bytes, AttachedAs::File)
    }

    /// Adds an attachment of that kind.
    pub fn attach_as(&self, mailbox: &str, id: &str, name: &str, bytes: &[u8], kind: AttachedAs) -> bool {
        self.on(mailbox, id, |mailbox, number, now, _| {
            let by = mailbox.name.clone();
            let Some(item) = mailbox.items.get_mut(&number) else { return false };
            item.attach(Attached {
                number: 0,
                name: name.to_owned(),
                content_type: None,
                content_id: (kind == AttachedAs::InlineImage).then(|| format!("{name}@mock")),
                inline: kind == AttachedAs::InlineImage,
                is_item: kind == AttachedAs::Item,
                bytes: bytes.to_vec(),
                modified: now,
            });
            mailbox.touch(number, now, &by, &[]);
            true
        })
    }

    /// Takes all files of a name out of an appointment.
    pub fn detach(&self, mailbox: &str, id: &str, name: &str) -> bool {
        self.detach_from(mailbox, id, name, true)
    }

    fn detach_from(&self, mailbox: &str, id: &str, name: &str, touches: bool) -> bool {
        self.on(mailbox, id, |mailbox, number, now, _| {
            let by = mailbox.name.clone();
            let Some(item) = mailbox.items.get_mut(&number) else { return false };
            let before = item.files.len();
            item.files.retain(|file| file.name != name || file.inline || file.is_item);
            let changed = item.files.len() != before;
            if changed && touches {
                mailbox.touch(number, now, &by, &[]);
            }
            changed
        })
    }

    /// Names and bytes of the attachments of an appointment, of every kind, by name.
    pub fn files(&self, mailbox: &str, id: &str) -> Vec<(String, Vec<u8>)> {
        let world = lock(&self.shared.world);
        let item = item_of(&world, mailbox, id);
        let mut files: Vec<_> = item
            .into_iter()
            .flat_map(|item| &item.files)
            .map(|file| (file.name.clone(), file.bytes.clone()))
            .collect();
        files.sort();
        files
    }
}
