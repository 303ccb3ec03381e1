//! `GetUserConfiguration`: the configurations that the mock has: the time zone a user chose in the web client, and the
//! list of categories in the calendar.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::faults::Refusal;
use super::super::soap::{Context, Reply};
use super::super::world::{FolderKind, Mailbox, Rights, World};
use super::super::xml::{Node, Xml};
use super::{kind_of, resolve_folder};

/// The list as Outlook makes it (MS-OXOCFG 2.2.5.2), here with two of its categories.
pub(crate) const DEFAULT_CATEGORIES: &str = concat!(
    "<?xml version=\"1.0\"?>\r\n",
    "<categories default=\"Rote Kategorie\" lastSavedSession=\"5\" lastSavedTime=\"2026-01-07T03:01:50.429\" xmlns=\"CategoryList.xsd\">\r\n",
    "<category name=\"Rote Kategorie\" color=\"0\" keyboardShortcut=\"0\" usageCount=\"7\" lastTimeUsedNotes=\"1601-01-01T00:00:00.000\" ",
    "lastTimeUsedJournal=\"1601-01-01T00:00:00.000\" lastTimeUsedContacts=\"1601-01-01T00:00:00.000\" lastTimeUsedTasks=\"1601-01-01T00:00:00.000\" ",
    "lastTimeUsedCalendar=\"2026-01-06T15:00:08.030\" lastTimeUsedMail=\"1601-01-01T00:00:00.000\" lastTimeUsed=\"2026-01-06T15:00:08.030\" ",
    "lastSessionUsed=\"3\" guid=\"{2B7FCD26-E8B4-4C53-9F66-9F6F9B0A6B6A}\" renameOnFirstUse=\"1\"/>\r\n",
    "<category name=\"Blaue Kategorie\" color=\"7\" keyboardShortcut=\"0\" guid=\"{33A1F357-54CB-4A72-A5B7-8C5F2B7A7C11}\"/>\r\n",
    "</categories>\r\n",
);

/// A configuration that a request names.
pub(super) enum Named<'w> {
    /// The user's options of the web client.
    Options(&'w Mailbox, u64),
    /// The list of categories, with what the caller may do in its folder.
    Categories(&'w Mailbox, u64, Rights),
}

/// Finds the configuration that a `UserConfigurationName` names.
pub(super) fn find<'w>(world: &'w World, ctx: &Context, name: Option<&Node>) -> Result<Named<'w>, Refusal> {
    let folder = name.and_then(|n| n.children.first()).ok_or_else(|| {
        Refusal::new("ErrorFolderNotFound", "The specified folder could not be found in the store.")
    })?;
    let (mailbox, folder, rights) = resolve_folder(world, ctx, folder, "ErrorFolderNotFound")?;
    match (name.and_then(|n| n.attr("Name")), kind_of(mailbox, folder)) {
        (Some("OWA.UserOptions"), _) => Ok(Named::Options(mailbox, folder)),
        (Some("CategoryList"), FolderKind::Calendar) if mailbox.category_list.is_some() => {
            Ok(Named::Categories(mailbox, folder, rights))
        }
        _ => Err(Refusal::not_found()),
    }
}

pub(super) fn run(world: &World, ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("GetUserConfiguration", &[]);
    let asked = operation.child_text("UserConfigurationProperties").unwrap_or_default();
    let wants = |what: &str| asked.split_ascii_whitespace().any(|word| word == what || word == "All");
    let found = find(world, ctx, operation.child("UserConfigurationName"));
    reply.entry(found.map(|named| {
        move |xml: &mut Xml| {
            let (mailbox, folder, name) = match &named {
                Named::Options(mailbox, folder) => (mailbox, *folder, "OWA.UserOptions"),
                Named::Categories(mailbox, folder, _) => (mailbox, *folder, "CategoryList"),
            };
            xml.open("m:UserConfiguration");
            xml.open_with("t:UserConfigurationName", &[("Name", name)]);
            xml.empty_with("t:FolderId", &[("Id", &mailbox.folder_id(folder))]);
            xml.close();
            match &named {
                Named::Options(mailbox, _) if wants("Dictionary") => options(xml, mailbox),
                Named::Categories(mailbox, ..) if wants("XmlData") => {
                    let list = mailbox.category_list.as_deref().unwrap_or_default();
                    xml.leaf("t:XmlData", &STANDARD.encode(list));
                }
                Named::Options(..) | Named::Categories(..) => {}
            }
            xml.close();
        }
    }));
    reply.finish()
}

fn options(xml: &mut Xml, mailbox: &Mailbox) {
    xml.open("t:Dictionary");
    xml.open("t:DictionaryEntry");
    for (element, value) in [("t:DictionaryKey", "timezone"), ("t:DictionaryValue", mailbox.zone.id.as_str())]
    {
        xml.open(element);
        xml.leaf("t:Type", "String");
        xml.leaf("t:Value", value);
        xml.close();
    }
    xml.close();
    xml.close();
}
