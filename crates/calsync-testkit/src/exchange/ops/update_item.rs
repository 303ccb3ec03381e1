//! `UpdateItem`: fields set, appended and cleared, under a conflict rule.
//!
//! `NeverOverwrite` refuses a stale change key. `AutoResolve` keeps the server's value of every field that changed since
//! the key was given out, and counts those. `AlwaysOverwrite` writes over everything.

use super::super::apply;
use super::super::edit::{Edit, Wrong};
use super::super::faults::{Fault, Refusal};
use super::super::ids::change_of_key;
use super::super::item::View;
use super::super::outbox::Notify;
use super::super::soap::{Context, Reply};
use super::super::world::{FolderKind, Rights, World};
use super::super::write_item::write_ids;
use super::super::xml::{Node, Xml};
use super::get_item::resolve;
use super::{author, kind_of};

pub(super) fn run(world: &mut World, ctx: &Context, operation: &Node) -> Result<String, Fault> {
    let mut reply = Reply::new("UpdateItem", &["m:Items"]);
    let notify = match operation.attr("SendMeetingInvitationsOrCancellations") {
        None => None,
        Some(value) => Some(Notify::parse(value, true).ok_or_else(|| {
            Fault::schema("The 'SendMeetingInvitationsOrCancellations' attribute is invalid.")
        })?),
    };
    let rule = operation.attr("ConflictResolution").unwrap_or("AutoResolve");
    for change in operation.child("ItemChanges").map(|n| n.children.as_slice()).unwrap_or_default() {
        match update(world, ctx, change, rule, notify) {
            Ok(Done { address, number, day, conflicts }) => {
                let world = &*world;
                let found = world.mailbox(&address).and_then(|m| Some((m, m.items.get(&number)?)));
                reply.success(|xml: &mut Xml| {
                    if let Some((mailbox, item)) = found {
                        write_ids(xml, ctx, mailbox, View { item, occurrence: day });
                    }
                    xml.open("m:ConflictResults");
                    xml.leaf("t:Count", &conflicts.to_string());
                    xml.close();
                });
            }
            Err(Wrong::Request(fault)) => return Err(fault),
            Err(Wrong::Entry(refusal)) => reply.refused(&refusal),
        }
    }
    Ok(reply.finish())
}

struct Done {
    address: String,
    number: u64,
    day: Option<jiff::civil::Date>,
    conflicts: usize,
}

fn update(
    world: &mut World,
    ctx: &Context,
    change: &Node,
    rule: &str,
    notify: Option<Notify>,
) -> Result<Done, Wrong> {
    let id = change.children.first().ok_or_else(Refusal::not_found)?;
    let (mailbox, item, day) = resolve(world, ctx, id)?;
    let place = kind_of(mailbox, item.folder);
    if mailbox.rights_of(&ctx.caller, place) < Rights::Editor {
        return Err(Refusal::access_denied().into());
    }
    let notify = notify.ok_or_else(|| {
        Refusal::new(
            "ErrorSendMeetingInvitationsOrCancellationsRequired",
            "SendMeetingInvitationsOrCancellations attribute is required for calendar items.",
        )
    })?;
    if place == FolderKind::Deleted && notify != Notify::Nobody {
        return Err(
            Refusal::new("ErrorCalendarCannotUpdateDeletedItem", "Deleted items cannot be updated.").into()
        );
    }
    if let Some(day) = day {
        item.standing(day)?;
    }
    let base = base_change(id, &mailbox.guid, rule)?;
    let stale = base.is_some_and(|base| base != item.change);
    if stale && rule == "NeverOverwrite" {
        return Err(Refusal::new("ErrorIrresolvableConflict", "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.").into());
    }
    let mut conflicts = 0;
    let mut edit = Edit::default();
    for node in change.child("Updates").map(|n| n.children.as_slice()).unwrap_or_default() {
        let before = edit.clone();
        read_update(&mut edit, node, ctx, View { item, occurrence: day })?;
        // Under AutoResolve a field that somebody else changed meanwhile keeps the server's value.
        let newer =
            |field: &String| base.is_some_and(|base| item.touched.get(field).is_some_and(|at| *at > base));
        if stale && rule == "AutoResolve" && edit.fields.iter().skip(before.fields.len()).any(newer) {
            edit = before;
            conflicts += 1;
        }
    }
    let (address, number) = (mailbox.address.to_lowercase(), item.number);
    let by = author(world, ctx);
    let mailbox = world.mailboxes.get_mut(&address).ok_or_else(Refusal::not_found)?;
    let item = mailbox.items.get_mut(&number).ok_or_else(Refusal::not_found)?;
    let before = View { item, occurrence: day }.content();
    match day {
        Some(day) => apply::update_occurrence(item, day, &edit, ctx.zone.as_ref(), ctx.now)?,
        None => apply::update(item, &edit, ctx.zone.as_ref())?,
    }
    let after = View { item, occurrence: day }.content();
    let kind = if item.meeting.request_sent { "update" } else { "request" };
    let mail = notify.mail(&mailbox.address, kind, Some(&before), &after);
    if mail.is_some() {
        item.meeting.request_sent = true;
    }
    mailbox.touch(number, ctx.now, &by, &edit.fields);
    world.outbox.extend(mail);
    Ok(Done { address, number, day, conflicts })
}

/// Counter of the change key that the request is based on.
fn base_change(id: &Node, mailbox: &super::super::ids::Guid, rule: &str) -> Result<Option<u64>, Refusal> {
    match id.attr("ChangeKey").filter(|k| !k.is_empty()) {
        None if rule == "AlwaysOverwrite" => Ok(None),
        None => Err(Refusal::new(
            "ErrorChangeKeyRequiredForWriteOperations",
            "A valid change key is required for write operations.",
        )),
        Some(key) => change_of_key(key, mailbox)
            .map(Some)
            .ok_or_else(|| Refusal::new("ErrorInvalidChangeKey", "The change key is invalid.")),
    }
}

fn read_update(edit: &mut Edit, node: &Node, ctx: &Context, view: View<'_>) -> Result<(), Wrong> {
    let path = node.children.first().ok_or_else(|| Fault::schema("The update has no path."))?;
    if node.name == "DeleteItemField" {
        return Ok(edit.clear(path)?);
    }
    let value = node.children.get(1).ok_or_else(|| Fault::schema("The update has no value."))?;
    if value.name != "CalendarItem" {
        return Err(Refusal::new(
            "ErrorUpdatePropertyMismatch",
            "The property does not match the item's type.",
        )
        .into());
    }
    let [property] = value.children.as_slice() else {
        return Err(Refusal::new(
            "ErrorIncorrectUpdatePropertyCount",
            "Only one property can be set in each update.",
        )
        .into());
    };
    if !same_property(path, property) {
        return Err(Refusal::new(
            "ErrorUpdatePropertyMismatch",
            "The property in the path does not match the property in the item.",
        )
        .into());
    }
    edit.set(property, ctx)?;
    if node.name == "AppendToItemField" {
        append(edit, path, view)?;
    }
    Ok(())
}

fn same_property(path: &Node, property: &Node) -> bool {
    use super::super::item::ExtendedKey;
    match path.name.as_str() {
        "ExtendedFieldURI" => property
            .child("ExtendedFieldURI")
            .is_some_and(|p| ExtendedKey::read(p) == ExtendedKey::read(path)),
        _ => path
            .attr("FieldURI")
            .and_then(|uri| uri.split_once(':'))
            .is_some_and(|(_, name)| name == property.name),
    }
}

/// Puts what is already there in front of what was just set.
fn append(edit: &mut Edit, path: &Node, view: View<'_>) -> Result<(), Refusal> {
    let old = view.content();
    let join = |old: Option<Vec<_>>, new: Option<Vec<_>>| {
        Some(old.into_iter().chain(new).flatten().collect::<Vec<_>>())
    };
    match path.attr("FieldURI").unwrap_or_default() {
        "item:Body" => {
            if let (Some(old), Some(new)) = (old.body, &mut edit.content.body) {
                new.text.insert_str(0, &old.text);
                new.html |= old.html;
            }
        }
        "calendar:RequiredAttendees" => {
            edit.content.required = join(old.required, edit.content.required.take());
        }
        "calendar:OptionalAttendees" => {
            edit.content.optional = join(old.optional, edit.content.optional.take());
        }
        "calendar:Resources" => edit.content.resources = join(old.resources, edit.content.resources.take()),
        uri => {
            return Err(Refusal::new("ErrorInvalidPropertyAppend", "Append action is invalid for property.")
                .field(uri));
        }
    }
    Ok(())
}
