//! `CreateItem`: new appointments, series and meetings.

use super::super::apply;
use super::super::edit::{Edit, Wrong};
use super::super::faults::{Fault, Refusal};
use super::super::item::View;
use super::super::outbox::Notify;
use super::super::soap::{Context, Reply};
use super::super::world::{Rights, World};
use super::super::write_item::write_ids;
use super::super::xml::{Node, Xml};
use super::{author, kind_of, resolve_folder};

pub(super) fn run(world: &mut World, ctx: &Context, operation: &Node) -> Result<String, Fault> {
    let mut reply = Reply::new("CreateItem", &["m:Items"]);
    let items = operation.child("Items").map(|n| n.children.as_slice()).unwrap_or_default();
    let notify = match operation.attr("SendMeetingInvitations") {
        None => None,
        Some(value) => Some(
            Notify::parse(value, false)
                .ok_or_else(|| Fault::schema("The 'SendMeetingInvitations' attribute is invalid."))?,
        ),
    };
    let author = author(world, ctx);
    for node in items {
        let mut edit = Edit::default();
        let read = if node.name == "CalendarItem" {
            node.children.iter().try_for_each(|child| edit.set(child, ctx))
        } else {
            Err(Wrong::Entry(Refusal::new(
                "ErrorInvalidRequest",
                "Only calendar items can be created on this server.",
            )))
        };
        match read {
            Ok(()) => {}
            Err(Wrong::Request(fault)) => return Err(fault),
            Err(Wrong::Entry(refusal)) => {
                reply.refused(&refusal);
                continue;
            }
        }
        match create(world, ctx, operation, &edit, notify, &author) {
            Ok((address, number)) => {
                let world = &*world;
                let found = world.mailbox(&address).and_then(|m| Some((m, m.items.get(&number)?)));
                reply.success(|xml: &mut Xml| {
                    if let Some((mailbox, item)) = found {
                        write_ids(xml, ctx, mailbox, View::of(item));
                    }
                });
            }
            Err(refusal) => reply.refused(&refusal),
        }
    }
    Ok(reply.finish())
}

fn create(
    world: &mut World,
    ctx: &Context,
    operation: &Node,
    edit: &Edit,
    notify: Option<Notify>,
    author: &str,
) -> Result<(String, u64), Refusal> {
    let notify = notify.ok_or_else(|| {
        Refusal::new(
            "ErrorSendMeetingInvitationsRequired",
            "SendMeetingInvitations attribute is required for calendar items.",
        )
    })?;
    let target = operation.child("SavedItemFolderId").and_then(|n| n.children.first());
    let (mailbox, folder, rights) = if let Some(node) = target {
        resolve_folder(world, ctx, node, "ErrorSavedItemFolderNotFound")?
    } else {
        let mailbox = world.addressed(&ctx.caller, None)?;
        (mailbox, mailbox.calendar(), Rights::Owner)
    };
    if rights < Rights::Editor {
        return Err(Refusal::new(
            "ErrorCreateItemAccessDenied",
            "User does not have permission to create items in this folder.",
        ));
    }
    if !kind_of(mailbox, folder).is_calendar() {
        return Err(Refusal::new(
            "ErrorCannotCreateCalendarItemInNonCalendarFolder",
            "Cannot create a calendar item in a non-calendar folder.",
        ));
    }
    let address = mailbox.address.to_lowercase();
    let Some(mailbox) = world.mailboxes.get_mut(&address) else { return Err(Refusal::not_found()) };
    let number = apply::create(mailbox, folder, edit, ctx.zone.as_ref(), ctx.now, author)?;
    let from = mailbox.address.clone();
    if let Some(item) = mailbox.items.get_mut(&number)
        && let Some(mail) = notify.mail(&from, "request", None, &item.content)
    {
        item.meeting.request_sent = true;
        world.outbox.push(mail);
    }
    Ok((address, number))
}
