//! `GetFolder`: ids, names, counts and rights of folders.

use super::super::faults::Refusal;
use super::super::ids::{KeyKind, change_key};
use super::super::shape::Shape;
use super::super::soap::{Context, Reply};
use super::super::version::Schema;
use super::super::world::{Folder, FolderKind, Mailbox, Rights, World};
use super::super::write_item::{write_extended, write_rights};
use super::super::xml::{Node, Xml};
use super::resolve_folder;

pub(super) fn run(world: &World, ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("GetFolder", &["m:Folders"]);
    let shape = operation.child("FolderShape");
    for id in operation.child("FolderIds").map(|n| n.children.as_slice()).unwrap_or_default() {
        let found: Result<_, Refusal> = resolve_folder(world, ctx, id, "ErrorFolderNotFound");
        reply.entry(found.map(|(mailbox, number, rights)| {
            move |xml: &mut Xml| {
                xml.open("m:Folders");
                if let Some(folder) = mailbox.folders.get(&number) {
                    write_folder(xml, ctx, mailbox, folder, rights, shape);
                }
                xml.close();
            }
        }));
    }
    reply.finish()
}

/// Writes a folder in a shape.
pub(super) fn write_folder(
    xml: &mut Xml,
    ctx: &Context,
    mailbox: &Mailbox,
    folder: &Folder,
    rights: Rights,
    shape: Option<&Node>,
) {
    let base = shape.and_then(|s| s.child_text("BaseShape")).unwrap_or("IdOnly").trim().to_owned();
    let named: Vec<&str> = shape
        .and_then(|s| s.child("AdditionalProperties"))
        .map(|n| n.children.iter().filter_map(|c| c.attr("FieldURI")).collect())
        .unwrap_or_default();
    let has = |name: &str, default: bool| {
        named.contains(&format!("folder:{name}").as_str())
            || base == "AllProperties"
            || (default && base == "Default")
    };
    let calendar = folder.kind.is_calendar();
    xml.open(if calendar { "t:CalendarFolder" } else { "t:Folder" });
    let key = |change| change_key(KeyKind::Folder, &mailbox.guid, change);
    xml.empty_with(
        "t:FolderId",
        &[("Id", &mailbox.folder_id(folder.number)), ("ChangeKey", &key(folder.change))],
    );
    if has("ParentFolderId", false) {
        let parent = mailbox.folders.get(&folder.parent).map_or(1, |p| p.change);
        xml.empty_with(
            "t:ParentFolderId",
            &[("Id", &mailbox.folder_id(folder.parent)), ("ChangeKey", &key(parent))],
        );
    }
    if let Some(class) = folder.kind.class().filter(|_| has("FolderClass", false)) {
        xml.leaf("t:FolderClass", class);
    }
    if has("DisplayName", true) {
        xml.leaf("t:DisplayName", &folder.name);
    }
    if has("TotalCount", true) {
        xml.leaf("t:TotalCount", &mailbox.items_in(folder.number).count().to_string());
    }
    if has("ChildFolderCount", true) {
        let children =
            mailbox.folders.values().filter(|f| f.parent == folder.number && f.number != folder.number);
        xml.leaf("t:ChildFolderCount", &children.count().to_string());
    }
    for key in shape.map(|shape| Shape::read(Some(shape), &[]).extended).unwrap_or_default() {
        if let Some(values) = folder.extended.get(&key).filter(|values| !values.is_empty()) {
            write_extended(xml, &key, values);
        }
    }
    if has("EffectiveRights", false) {
        write_rights(xml, ctx, mailbox, rights, true);
    }
    if let Some(name) =
        folder.kind.wire().filter(|_| ctx.knows(Schema::E2013) && has("DistinguishedFolderId", false))
    {
        xml.leaf("t:DistinguishedFolderId", name);
    }
    if has("UnreadCount", true) && !calendar && folder.kind != FolderKind::Root {
        xml.leaf("t:UnreadCount", "0");
    }
    xml.close();
}
