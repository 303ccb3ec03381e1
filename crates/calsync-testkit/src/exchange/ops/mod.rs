//! The operations of the mock, one file each, and the table that leads to them.
//!
//! An operation takes the world, the context of the request and its element, and returns the inside of the SOAP body. A
//! fault ends the whole request; everything that concerns one entry becomes its response message.

pub(crate) mod attachments;
mod convert_id;
mod create_item;
mod delete_item;
mod find_folder;
mod find_item;
mod get_folder;
mod get_item;
mod get_server_time_zones;
mod get_user_configuration;
mod move_item;
mod resolve_names;
mod sync_folder_items;
mod update_folder;
mod update_item;
mod update_user_configuration;

pub(crate) use get_user_configuration::DEFAULT_CATEGORIES;

use super::faults::{Fault, Refusal};
use super::soap::{Context, Reply};
use super::version::Schema;
use super::world::{FolderKind, Mailbox, Rights, World};
use super::xml::Node;

/// Runs an operation.
pub(crate) fn run(world: &mut World, ctx: &Context, operation: &Node) -> Result<String, Fault> {
    match operation.name.as_str() {
        "GetFolder" => Ok(get_folder::run(world, ctx, operation)),
        "UpdateFolder" => update_folder::run(world, ctx, operation),
        "FindFolder" => Ok(find_folder::run(world, ctx, operation)),
        "SyncFolderItems" => sync_folder_items::run(world, ctx, operation),
        "GetItem" => Ok(get_item::run(world, ctx, operation)),
        "CreateItem" => create_item::run(world, ctx, operation),
        "UpdateItem" => update_item::run(world, ctx, operation),
        "DeleteItem" => delete_item::run(world, ctx, operation),
        "MoveItem" => Ok(move_item::run(world, ctx, operation, move_item::Kind::Move)),
        "CopyItem" => Ok(move_item::run(world, ctx, operation, move_item::Kind::Copy)),
        "GetAttachment" => Ok(attachments::get(world, ctx, operation)),
        "CreateAttachment" => attachments::create(world, ctx, operation),
        "DeleteAttachment" => Ok(attachments::delete(world, ctx, operation)),
        "FindItem" => find_item::run(world, ctx, operation),
        "ResolveNames" => Ok(resolve_names::run(world, ctx, operation)),
        "GetServerTimeZones" if ctx.knows(Schema::E2010) => Ok(get_server_time_zones::run(ctx, operation)),
        "ConvertId" => Ok(convert_id::run(operation)),
        "GetUserConfiguration" if ctx.knows(Schema::E2010) => {
            Ok(get_user_configuration::run(world, ctx, operation))
        }
        "UpdateUserConfiguration" if ctx.knows(Schema::E2010) => {
            Ok(update_user_configuration::run(world, ctx, operation))
        }
        name => Err(Fault::schema(&format!(
            "The element '{name}' is not an operation that this server supports."
        ))),
    }
}

/// How many entries a request has, for answers that refuse each of them.
pub(crate) fn refuse_each(operation: &Node, refusal: &Refusal) -> Option<String> {
    let (list, payload): (&str, &'static [&'static str]) = match operation.name.as_str() {
        "GetItem" | "MoveItem" | "CopyItem" => ("ItemIds", &["m:Items"]),
        "DeleteItem" => ("ItemIds", &[]),
        "CreateItem" => ("Items", &["m:Items"]),
        "UpdateItem" => ("ItemChanges", &["m:Items"]),
        "GetFolder" => ("FolderIds", &["m:Folders"]),
        "UpdateFolder" => ("FolderChanges", &["m:Folders"]),
        "GetAttachment" => ("AttachmentIds", &["m:Attachments"]),
        "CreateAttachment" => ("Attachments", &["m:Attachments"]),
        "DeleteAttachment" => ("AttachmentIds", &[]),
        _ => return None,
    };
    let mut reply = Reply::new(&operation.name, payload);
    for _ in &operation.child(list)?.children {
        reply.refused(refusal);
    }
    Some(reply.finish())
}

/// Finds the folder that a `FolderId` or `DistinguishedFolderId` names, with what the caller may do in it.
///
/// `missing` is the code for a folder that is not there or not visible, which differs by operation.
pub(crate) fn resolve_folder<'w>(
    world: &'w World,
    ctx: &Context,
    node: &Node,
    missing: &str,
) -> Result<(&'w Mailbox, u64, Rights), Refusal> {
    let absent = || Refusal::new(missing, "The specified folder could not be found in the store.");
    let (mailbox, folder) = if node.name == "DistinguishedFolderId" {
        let address = node
            .child("Mailbox")
            .and_then(|m| m.child_text("EmailAddress"))
            .map(str::trim)
            .filter(|a| !a.is_empty());
        let mailbox = world.addressed(&ctx.caller, address)?;
        let wanted = node.attr("Id").unwrap_or_default();
        let folder = mailbox.folders.values().find(|f| f.kind.wire() == Some(wanted)).ok_or_else(absent)?;
        (mailbox, folder)
    } else {
        let text = node.attr("Id").unwrap_or_default();
        if text.is_empty() {
            return Err(Refusal::new("ErrorInvalidIdEmpty", "Id must be non-empty."));
        }
        let id = super::ids::FolderId::parse(text)
            .ok_or_else(|| Refusal::new("ErrorInvalidIdMalformed", "Id is malformed."))?;
        let mailbox = world.mailbox_by_guid(&id.mailbox).ok_or_else(absent)?;
        (mailbox, mailbox.folders.get(&id.number).ok_or_else(absent)?)
    };
    let rights = mailbox.rights_of(&ctx.caller, folder.kind);
    if rights < Rights::Reviewer {
        return Err(absent());
    }
    Ok((mailbox, folder.number, rights))
}

/// The name under which a caller's changes are recorded.
pub(crate) fn author(world: &World, ctx: &Context) -> String {
    ctx.caller
        .mailbox
        .as_deref()
        .and_then(|address| world.mailbox(address))
        .map_or_else(|| ctx.caller.account.clone(), |mailbox| mailbox.name.clone())
}

/// Kind of a folder by number.
pub(crate) fn kind_of(mailbox: &Mailbox, folder: u64) -> FolderKind {
    mailbox.folders.get(&folder).map_or(FolderKind::Extra, |f| f.kind)
}
