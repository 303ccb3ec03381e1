//! `DeleteItem`: into Deleted Items, or for good; whole items or one occurrence.

use super::super::faults::{Fault, Refusal};
use super::super::outbox::Notify;
use super::super::soap::{Context, Reply};
use super::super::world::{FolderKind, Rights, World};
use super::super::xml::{Node, Xml};
use super::get_item::resolve;
use super::{author, kind_of};

pub(super) fn run(world: &mut World, ctx: &Context, operation: &Node) -> Result<String, Fault> {
    let mut reply = Reply::new("DeleteItem", &[]);
    let notify = match operation.attr("SendMeetingCancellations") {
        None => None,
        Some(value) => Some(
            Notify::parse(value, false)
                .ok_or_else(|| Fault::schema("The 'SendMeetingCancellations' attribute is invalid."))?,
        ),
    };
    let kind = operation.attr("DeleteType").unwrap_or_default();
    for node in operation.child("ItemIds").map(|n| n.children.as_slice()).unwrap_or_default() {
        let outcome = delete(world, ctx, node, kind, notify);
        reply.entry(outcome.map(|()| |_: &mut Xml| {}));
    }
    Ok(reply.finish())
}

fn delete(
    world: &mut World,
    ctx: &Context,
    node: &Node,
    kind: &str,
    notify: Option<Notify>,
) -> Result<(), Refusal> {
    let (mailbox, item, day) = resolve(world, ctx, node)?;
    let place = kind_of(mailbox, item.folder);
    if mailbox.rights_of(&ctx.caller, place) < Rights::Editor {
        return Err(Refusal::access_denied());
    }
    let (address, number, calendar) =
        (mailbox.address.to_lowercase(), item.number, item.foreign_class.is_none());
    if calendar && notify.is_none() {
        return Err(Refusal::new(
            "ErrorSendMeetingCancellationsRequired",
            "SendMeetingCancellations attribute is required for calendar items.",
        ));
    }
    let deleted = mailbox.rights_of(&ctx.caller, FolderKind::Deleted);
    let to_deleted_items = kind == "MoveToDeletedItems" && place != FolderKind::Deleted && day.is_none();
    if to_deleted_items && deleted < Rights::Editor {
        return Err(Refusal::new("ErrorCannotDeleteObject", "This object cannot be deleted."));
    }
    let mail = notify.and_then(|n| n.mail(&mailbox.address, "cancellation", None, &item.content));
    let by = author(world, ctx);
    let Some(mailbox) = world.mailboxes.get_mut(&address) else { return Err(Refusal::not_found()) };
    if let Some(day) = day {
        let item = mailbox.items.get_mut(&number).ok_or_else(Refusal::not_found)?;
        item.delete_occurrence(day)?;
        mailbox.touch(number, ctx.now, &by, &[]);
    } else {
        let target = mailbox.folder_of_kind(FolderKind::Deleted).map(|f| f.number);
        let item = mailbox.remove(number).ok_or_else(Refusal::not_found)?;
        if let Some(target) = target.filter(|_| to_deleted_items) {
            mailbox.put(item, target, ctx.now);
        }
    }
    world.outbox.extend(mail);
    Ok(())
}
