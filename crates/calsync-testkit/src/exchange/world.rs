//! Everything the mock server stores: accounts, mailboxes, folders, items, outbox.
//!
//! In: who asks ([`Caller`]) and what for; out: references with rights already checked, or the refusal a real server gives.
//! All state lives in one [`World`] behind one lock, so an operation is atomic as far as a client can see.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::faults::{Fault, Refusal};
use super::ids::{self, FolderId, Guid, ItemId, KeyKind};
use super::item::{ExtendedKey, ExtendedValue, Item};
use super::outbox::Mail;
use super::version::ServerVersion;
use super::zones::Zone;

/// What an account may do in somebody else's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Rights {
    /// The calendar does not exist for the account.
    #[default]
    None,
    /// Reads everything, changes nothing.
    Reviewer,
    /// Reads, creates, changes and deletes.
    Editor,
    /// All of it, as for the mailbox's own user.
    Owner,
}

/// Somebody who can log on.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) password: String,
    /// Address of the account's own mailbox; service accounts often have none.
    pub(crate) mailbox: Option<String>,
    pub(crate) may_impersonate: bool,
}

/// Which folder of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FolderKind {
    Root,
    Top,
    Calendar,
    Deleted,
    Inbox,
    Sent,
    Drafts,
    Outbox,
    /// A second calendar, made by a test.
    Extra,
}

/// A folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) number: u64,
    pub(crate) kind: FolderKind,
    pub(crate) parent: u64,
    pub(crate) name: String,
    pub(crate) change: u64,
    /// Properties outside the schema.
    pub(crate) extended: BTreeMap<ExtendedKey, ExtendedValue>,
    /// Items that left, with the change that took them away; numbers are never used again.
    pub(crate) left: BTreeMap<u64, u64>,
}

impl FolderKind {
    /// Distinguished name on the wire.
    pub(crate) const fn wire(self) -> Option<&'static str> {
        Some(match self {
            Self::Root => "root",
            Self::Top => "msgfolderroot",
            Self::Calendar => "calendar",
            Self::Deleted => "deleteditems",
            Self::Inbox => "inbox",
            Self::Sent => "sentitems",
            Self::Drafts => "drafts",
            Self::Outbox => "outbox",
            Self::Extra => return None,
        })
    }

    /// Whether it holds appointments.
    pub(crate) const fn is_calendar(self) -> bool {
        matches!(self, Self::Calendar | Self::Extra)
    }

    /// `FolderClass` on the wire.
    pub(crate) const fn class(self) -> Option<&'static str> {
        match self {
            Self::Root => None,
            Self::Calendar | Self::Extra => Some("IPF.Appointment"),
            _ => Some("IPF.Note"),
        }
    }
}

/// A mailbox with its store.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    pub(crate) address: String,
    pub(crate) name: String,
    pub(crate) guid: Guid,
    pub(crate) zone: Zone,
    pub(crate) folders: BTreeMap<u64, Folder>,
    pub(crate) items: BTreeMap<u64, Item>,
    /// By account name in lower case.
    pub(crate) rights: BTreeMap<String, Rights>,
    /// Whether editors may also move things into this mailbox's Deleted Items.
    pub(crate) delegates_reach_deleted_items: bool,
    /// The list of categories, as XML; `None` until Outlook has made one.
    pub(crate) category_list: Option<String>,
    /// Whether editors of the calendar may write that list; it lies in a hidden item of somebody else.
    pub(crate) delegates_write_category_list: bool,
    /// Accounts that do not see private items here.
    pub(crate) blind_to_private: BTreeSet<String>,
    /// Sync states of an earlier epoch are not valid any more.
    pub(crate) epoch: u64,
    next_number: u64,
    next_change: u64,
}

impl Mailbox {
    pub(crate) fn new(address: &str, name: &str, zone: Zone) -> Self {
        let mut mailbox = Self {
            address: address.to_owned(),
            name: name.to_owned(),
            guid: ids::guid_from(&address.to_lowercase()),
            zone,
            folders: BTreeMap::new(),
            items: BTreeMap::new(),
            rights: BTreeMap::new(),
            delegates_reach_deleted_items: true,
            category_list: Some(super::ops::DEFAULT_CATEGORIES.to_owned()),
            delegates_write_category_list: true,
            blind_to_private: BTreeSet::new(),
            epoch: 1,
            next_number: 1000,
            next_change: 5000,
        };
        let kinds = [
            (FolderKind::Root, 1, 1, ""),
            (FolderKind::Top, 8, 1, "Top of Information Store"),
            (FolderKind::Deleted, 10, 8, "Deleted Items"),
            (FolderKind::Outbox, 11, 8, "Outbox"),
            (FolderKind::Inbox, 12, 8, "Inbox"),
            (FolderKind::Calendar, 13, 8, "Calendar"),
            (FolderKind::Drafts, 15, 8, "Drafts"),
            (FolderKind::Sent, 16, 8, "Sent Items"),
        ];
        for (kind, number, parent, name) in kinds {
            mailbox.add_folder(number, kind, parent, name);
        }
        mailbox
    }

    pub(crate) fn add_folder(&mut self, number: u64, kind: FolderKind, parent: u64, name: &str) {
        let change = self.bump();
        let folder = Folder {
            number,
            kind,
            parent,
            name: name.to_owned(),
            change,
            extended: BTreeMap::new(),
            left: BTreeMap::new(),
        };
        self.folders.insert(number, folder);
    }

    /// A new number for an item or folder.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// A new value of the change counter.
    pub(crate) fn bump(&mut self) -> u64 {
        self.next_change += 1;
        self.next_change
    }

    /// Goes on counting after another state of the same mailbox, so that nothing is used twice and no sync state of
    /// either is valid.
    pub(crate) fn count_on_from(&mut self, other: &Self) {
        self.next_number = self.next_number.max(other.next_number);
        self.epoch = self.epoch.max(other.epoch) + 1;
        self.next_change = self.next_change.max(other.next_change);
    }

    /// Whether the caller sees this item at all.
    pub(crate) fn shows(&self, caller: &Caller, item: &Item) -> bool {
        let private = item.content.sensitivity.as_deref() == Some("Private");
        !private || self.sees_private(caller)
    }

    /// Whether the caller sees private items.
    pub(crate) fn sees_private(&self, caller: &Caller) -> bool {
        let own = caller.mailbox.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(&self.address));
        own || !self.blind_to_private.contains(&caller.account)
    }

    /// The newest value of the change counter.
    pub(crate) fn latest_change(&self) -> u64 {
        self.next_change
    }

    pub(crate) fn folder_of_kind(&self, kind: FolderKind) -> Option<&Folder> {
        self.folders.values().find(|f| f.kind == kind)
    }

    /// Number of the calendar folder every mailbox has.
    pub(crate) fn calendar(&self) -> u64 {
        self.folder_of_kind(FolderKind::Calendar).map_or(0, |f| f.number)
    }

    pub(crate) fn items_in(&self, folder: u64) -> impl Iterator<Item = &Item> {
        self.items.values().filter(move |i| i.folder == folder)
    }

    pub(crate) fn folder_id(&self, number: u64) -> String {
        FolderId { mailbox: self.guid, number }.text()
    }

    pub(crate) fn item_id(&self, item: &Item, occurrence: Option<jiff::civil::Date>) -> String {
        ItemId { mailbox: self.guid, folder: item.folder, number: item.number, occurrence }.text()
    }

    pub(crate) fn change_key(&self, item: &Item) -> String {
        let kind = if item.foreign_class.is_some() { KeyKind::Message } else { KeyKind::Calendar };
        ids::change_key(kind, &self.guid, item.change)
    }

    /// What the caller may do in a folder.
    pub(crate) fn rights_of(&self, caller: &Caller, folder: FolderKind) -> Rights {
        if caller.mailbox.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(&self.address)) {
            return Rights::Owner;
        }
        if caller.impersonated {
            return Rights::None;
        }
        let granted = self.rights.get(&caller.account).copied().unwrap_or_default();
        match folder {
            FolderKind::Calendar | FolderKind::Extra => granted,
            FolderKind::Deleted if self.delegates_reach_deleted_items => granted,
            FolderKind::Root | FolderKind::Top => granted.min(Rights::Reviewer),
            _ if granted == Rights::Owner => granted,
            _ => Rights::None,
        }
    }

    /// Marks an item as changed now.
    pub(crate) fn touch(&mut self, number: u64, now: Timestamp, by: &str, fields: &[String]) {
        let change = self.bump();
        if let Some(item) = self.items.get_mut(&number) {
            item.change = change;
            item.modified = now;
            by.clone_into(&mut item.modified_by);
            for field in fields {
                item.touched.insert(field.clone(), change);
            }
        }
    }

    /// Takes an item out of the store for good.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Item> {
        let item = self.items.remove(&number)?;
        let change = self.bump();
        if let Some(folder) = self.folders.get_mut(&item.folder) {
            folder.left.insert(number, change);
            folder.change = change;
        }
        Some(item)
    }

    /// Puts an item into a folder under a new number, hence with a new id; returns the number.
    pub(crate) fn put(&mut self, mut item: Item, folder: u64, now: Timestamp) -> u64 {
        item.number = self.number();
        item.folder = folder;
        item.change = self.bump();
        item.modified_before = std::mem::replace(&mut item.modified, now);
        item.touched.clear();
        let number = item.number;
        if let Some(folder) = self.folders.get_mut(&folder) {
            folder.change = item.change;
        }
        self.items.insert(number, item);
        number
    }
}

/// Who a request acts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Account name as given at log-on, in lower case.
    pub(crate) account: String,
    /// Mailbox that is impersonated, or the account's own.
    pub(crate) mailbox: Option<String>,
    pub(crate) impersonated: bool,
}

/// All state of the mock.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) version: ServerVersion,
    pub(crate) accounts: BTreeMap<String, Account>,
    /// By address in lower case.
    pub(crate) mailboxes: BTreeMap<String, Mailbox>,
    pub(crate) outbox: Vec<Mail>,
    clock: Clock,
}

/// The server's clock.
#[derive(Debug, Clone, Copy)]
enum Clock {
    /// The machine's, plus this.
    Running(SignedDuration),
    Fixed(Timestamp),
}

impl World {
    pub(crate) fn new(version: ServerVersion) -> Self {
        Self {
            version,
            accounts: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            outbox: Vec::new(),
            clock: Clock::Running(SignedDuration::ZERO),
        }
    }

    /// The server's time, in whole seconds.
    pub(crate) fn now(&self) -> Timestamp {
        let now = match self.clock {
            Clock::Running(offset) => Timestamp::now().saturating_add(offset).unwrap_or(Timestamp::MAX),
            Clock::Fixed(at) => at,
        };
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    pub(crate) fn set_clock_offset(&mut self, offset: SignedDuration) {
        self.clock = Clock::Running(offset);
    }

    pub(crate) fn fix_clock(&mut self, at: Timestamp) {
        self.clock = Clock::Fixed(at);
    }

    pub(crate) fn mailbox(&self, address: &str) -> Option<&Mailbox> {
        self.mailboxes.get(&address.to_lowercase())
    }

    pub(crate) fn mailbox_mut(&mut self, address: &str) -> Option<&mut Mailbox> {
        self.mailboxes.get_mut(&address.to_lowercase())
    }

    pub(crate) fn mailbox_by_guid(&self, guid: &Guid) -> Option<&Mailbox> {
        self.mailboxes.values().find(|m| m.guid == *guid)
    }

    /// Resolves the mailbox an address in a request means.
    pub(crate) fn addressed(&self, caller: &Caller, address: Option<&str>) -> Result<&Mailbox, Refusal> {
        match address {
            Some(address) => self.mailbox(address).ok_or_else(|| {
                Refusal::new("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
            }),
            None => caller.mailbox.as_deref().and_then(|own| self.mailbox(own)).ok_or_else(|| {
                Refusal::new(
                    "ErrorMissingEmailAddress",
                    "When making a request as an account that does not have a mailbox, you must specify the mailbox primary SMTP address for any distinguished folder Ids.",
                )
            }),
        }
    }

    /// Logs a caller on.
    pub(crate) fn log_on(&self, user: &str, password: &str) -> Option<Caller> {
        let account = user.to_lowercase();
        let found = self.accounts.get(&account)?;
        (found.password == password).then(|| Caller {
            account,
            mailbox: found.mailbox.clone(),
            impersonated: false,
        })
    }

    /// Turns a caller into the owner of the mailbox that it impersonates.
    pub(crate) fn impersonate(&self, caller: &Caller, address: &str) -> Result<Caller, Fault> {
        let mailbox = self.mailbox(address).ok_or_else(|| {
            Fault::new("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
        })?;
        let own = caller.mailbox.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(address));
        if !own && !self.accounts.get(&caller.account).is_some_and(|a| a.may_impersonate) {
            return Err(Fault::new(
                "ErrorImpersonateUserDenied",
                "The account does not have permission to impersonate the requested user.",
            ));
        }
        Ok(Caller {
            account: caller.account.clone(),
            mailbox: Some(mailbox.address.clone()),
            impersonated: true,
        })
    }

    /// Finds the mailbox an item id belongs to and the item's number; the folder in the id must still hold it.
    pub(crate) fn find(&self, caller: &Caller, id: &str) -> Result<(ItemId, &Mailbox, &Item), Refusal> {
        let id = parse_item_id(id)?;
        let mailbox = self.mailbox_by_guid(&id.mailbox).ok_or_else(Refusal::not_found)?;
        let item =
            mailbox.items.get(&id.number).filter(|i| i.folder == id.folder).ok_or_else(Refusal::not_found)?;
        let kind = mailbox.folders.get(&item.folder).map_or(FolderKind::Extra, |f| f.kind);
        if mailbox.rights_of(caller, kind) < Rights::Reviewer {
            return Err(Refusal::not_found());
        }
        if !mailbox.shows(caller, item) {
            return Err(Refusal::not_found());
        }
        if let Some(code) = &item.spoilt {
            return Err(Refusal::new(code, "The item is damaged."));
        }
        Ok((id, mailbox, item))
    }
}

/// Reads an item id as the server does before it looks into any store.
pub(crate) fn parse_item_id(text: &str) -> Result<ItemId, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new("ErrorInvalidIdEmpty", "Id must be non-empty."));
    }
    ItemId::parse(text).ok_or_else(|| Refusal::new("ErrorInvalidIdMalformed", "Id is malformed."))
}
