//! `MoveItem` and `CopyItem`: both give a new id; a copy keeps everything, extended properties and UID included.

use super::super::faults::Refusal;
use super::super::item::View;
use super::super::soap::{Context, Reply};
use super::super::version::Schema;
use super::super::world::{Rights, World};
use super::super::write_item::write_ids;
use super::super::xml::{Node, Xml};
use super::get_item::resolve;
use super::{kind_of, resolve_folder};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Move,
    Copy,
}

pub(super) fn run(world: &mut World, ctx: &Context, operation: &Node, kind: Kind) -> String {
    let name = if kind == Kind::Move { "MoveItem" } else { "CopyItem" };
    let mut reply = Reply::new(name, &["m:Items"]);
    let wanted = operation.child_text("ReturnNewItemIds").is_none_or(|t| !matches!(t.trim(), "false" | "0"));
    for node in operation.child("ItemIds").map(|n| n.children.as_slice()).unwrap_or_default() {
        match carry(world, ctx, operation, node, kind) {
            Ok((address, number, same_mailbox)) => {
                let world = &*world;
                let found = world.mailbox(&address).and_then(|m| Some((m, m.items.get(&number)?)));
                // Before 2010 SP1 a move did not tell the new id; moves between mailboxes never do.
                let tells = wanted && same_mailbox && ctx.knows(Schema::E2010Sp1);
                reply.success(|xml: &mut Xml| match found.filter(|_| tells) {
                    Some((mailbox, item)) => write_ids(xml, ctx, mailbox, View::of(item)),
                    None => xml.empty("m:Items"),
                });
            }
            Err(refusal) => reply.refused(&refusal),
        }
    }
    reply.finish()
}

fn carry(
    world: &mut World,
    ctx: &Context,
    operation: &Node,
    node: &Node,
    kind: Kind,
) -> Result<(String, u64, bool), Refusal> {
    let target = operation.child("ToFolderId").and_then(|n| n.children.first());
    let target = target.ok_or_else(|| {
        Refusal::new("ErrorToFolderNotFound", "The destination folder could not be found in the store.")
    })?;
    let (to, folder, rights) = resolve_folder(world, ctx, target, "ErrorToFolderNotFound")?;
    let to_address = to.address.to_lowercase();
    if rights < Rights::Editor {
        return Err(Refusal::access_denied());
    }
    let (from, item, day) = resolve(world, ctx, node)?;
    if day.is_some() {
        return Err(Refusal::new(
            "ErrorCalendarCannotMoveOrCopyOccurrence",
            "Occurrences of a recurring calendar item cannot be moved or copied.",
        ));
    }
    let place = kind_of(from, item.folder);
    if kind == Kind::Move && from.rights_of(&ctx.caller, place) < Rights::Editor {
        return Err(Refusal::new("ErrorMoveCopyFailed", "The move or copy operation failed."));
    }
    let (from_address, number) = (from.address.to_lowercase(), item.number);
    let mut copy = item.clone();
    if kind == Kind::Copy {
        copy.created = ctx.now;
    }
    if kind == Kind::Move
        && let Some(from) = world.mailboxes.get_mut(&from_address)
    {
        from.remove(number);
    }
    let to = world.mailboxes.get_mut(&to_address).ok_or_else(Refusal::not_found)?;
    let number = to.put(copy, folder, ctx.now);
    Ok((to_address.clone(), number, to_address == from_address))
}
