//! `CreateAttachment`, `GetAttachment`, `DeleteAttachment`: files of items, with their bytes.
//!
//! An attachment's id holds the id of its item, so it dies with it. Adding and deleting change the item: the answer names
//! its new change key. Who may not write the item may not do either.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::faults::{Fault, Refusal};
use super::super::item::{Attached, Item};
use super::super::soap::{Context, Reply};
use super::super::version::Schema;
use super::super::world::{Mailbox, Rights, World};
use super::super::xml::{Node, Xml};
use super::{author, kind_of};

/// The id of an attachment of an item.
pub(crate) fn attachment_id(mailbox: &Mailbox, item: &Item, file: &Attached) -> String {
    STANDARD.encode(format!("{}/{}", mailbox.item_id(item, None), file.number))
}

fn parse(text: &str) -> Option<(String, u64)> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (item, number) = text.rsplit_once('/')?;
    Some((item.to_owned(), number.parse().ok()?))
}

fn malformed() -> Refusal {
    Refusal::new("ErrorInvalidAttachmentId", "The attachment Id is malformed.")
}

fn resolve<'w>(
    world: &'w World,
    ctx: &Context,
    node: &Node,
) -> Result<(&'w Mailbox, &'w Item, &'w Attached), Refusal> {
    let (item, number) = parse(node.attr("Id").unwrap_or_default()).ok_or_else(malformed)?;
    let (_, mailbox, item) = world.find(&ctx.caller, &item)?;
    let file = item.files.iter().find(|file| file.number == number).ok_or_else(Refusal::not_found)?;
    Ok((mailbox, item, file))
}

/// What a listing says of an attachment.
pub(crate) fn write_attached(
    xml: &mut Xml,
    ctx: &Context,
    mailbox: &Mailbox,
    item: &Item,
    file: &Attached,
    with_content: bool,
) {
    xml.open(if file.is_item { "t:ItemAttachment" } else { "t:FileAttachment" });
    xml.empty_with("t:AttachmentId", &[("Id", &attachment_id(mailbox, item, file))]);
    xml.leaf("t:Name", &file.name);
    if !file.is_item
        && let Some(kind) = &file.content_type
    {
        xml.leaf("t:ContentType", kind);
    }
    if let Some(id) = &file.content_id {
        xml.leaf("t:ContentId", id);
    }
    if ctx.knows(Schema::E2010) {
        // What it takes in the store, which is more than the file has.
        xml.leaf("t:Size", &(file.bytes.len() + 200 + 2 * file.name.len()).to_string());
        xml.leaf("t:LastModifiedTime", &ctx.time(file.modified));
        xml.flag("t:IsInline", file.inline);
    }
    if with_content && !file.is_item {
        xml.leaf("t:Content", &STANDARD.encode(&file.bytes));
    }
    xml.close();
}

pub(super) fn get(world: &World, ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("GetAttachment", &["m:Attachments"]);
    for id in operation.child("AttachmentIds").map(|n| n.children.as_slice()).unwrap_or_default() {
        reply.entry(resolve(world, ctx, id).map(|(mailbox, item, file)| {
            move |xml: &mut Xml| {
                xml.open("m:Attachments");
                write_attached(xml, ctx, mailbox, item, file, true);
                xml.close();
            }
        }));
    }
    reply.finish()
}

pub(super) fn create(world: &mut World, ctx: &Context, operation: &Node) -> Result<String, Fault> {
    let mut reply = Reply::new("CreateAttachment", &["m:Attachments"]);
    let parent = operation.child("ParentItemId").and_then(|n| n.attr("Id")).unwrap_or_default();
    for node in operation.child("Attachments").map(|n| n.children.as_slice()).unwrap_or_default() {
        if node.name != "FileAttachment" {
            reply.refused(&Refusal::new("ErrorInvalidRequest", "Only files can be attached here."));
            continue;
        }
        let bytes = match node.child_text("Content").map(|text| STANDARD.decode(text.trim())) {
            Some(Ok(bytes)) => bytes,
            Some(Err(_)) => return Err(Fault::schema("The 'Content' element is invalid.")),
            None => Vec::new(),
        };
        let text = |name: &str| node.child_text(name).map(str::to_owned);
        let file = Attached {
            number: 0,
            name: text("Name").unwrap_or_default(),
            content_type: text("ContentType"),
            content_id: text("ContentId"),
            inline: text("IsInline").as_deref() == Some("true"),
            is_item: false,
            bytes,
            modified: ctx.now,
        };
        let outcome = attach(world, ctx, parent, file);
        reply.entry(outcome.map(|(id, root, key)| {
            move |xml: &mut Xml| {
                xml.open("m:Attachments");
                xml.open("t:FileAttachment");
                xml.empty_with(
                    "t:AttachmentId",
                    &[("Id", &id), ("RootItemId", &root), ("RootItemChangeKey", &key)],
                );
                xml.close();
                xml.close();
            }
        }));
    }
    Ok(reply.finish())
}

fn attach(
    world: &mut World,
    ctx: &Context,
    parent: &str,
    file: Attached,
) -> Result<(String, String, String), Refusal> {
    let (id, mailbox, item) = world.find(&ctx.caller, parent)?;
    if id.occurrence.is_some() {
        return Err(Refusal::new(
            "ErrorInvalidOperation",
            "Files of occurrences are not kept by this server.",
        ));
    }
    may_write(ctx, mailbox, item)?;
    if file.bytes.len() > MOST {
        let text = "The attachment size limit was exceeded.";
        return Err(Refusal::new("ErrorAttachmentSizeLimitExceeded", text));
    }
    let (address, number) = (mailbox.address.to_lowercase(), item.number);
    let by = author(world, ctx);
    let mailbox = world.mailboxes.get_mut(&address).ok_or_else(Refusal::not_found)?;
    let file = mailbox.items.get_mut(&number).ok_or_else(Refusal::not_found)?.attach(file);
    mailbox.touch(number, ctx.now, &by, &[]);
    let item = mailbox.items.get(&number).ok_or_else(Refusal::not_found)?;
    Ok((attachment_id(mailbox, item, &file), mailbox.item_id(item, None), mailbox.change_key(item)))
}

/// The most bytes of one file: what a request may carry by default, less its base64.
const MOST: usize = 25 << 20;

pub(super) fn delete(world: &mut World, ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("DeleteAttachment", &[]);
    for node in operation.child("AttachmentIds").map(|n| n.children.as_slice()).unwrap_or_default() {
        let outcome = detach(world, ctx, node);
        reply.entry(outcome.map(|(root, key)| {
            move |xml: &mut Xml| {
                xml.empty_with("m:RootItemId", &[("RootItemId", &root), ("RootItemChangeKey", &key)]);
            }
        }));
    }
    reply.finish()
}

fn detach(world: &mut World, ctx: &Context, node: &Node) -> Result<(String, String), Refusal> {
    let (mailbox, item, file) = resolve(world, ctx, node)?;
    may_write(ctx, mailbox, item)?;
    let (address, number, gone) = (mailbox.address.to_lowercase(), item.number, file.number);
    let by = author(world, ctx);
    let mailbox = world.mailboxes.get_mut(&address).ok_or_else(Refusal::not_found)?;
    let item = mailbox.items.get_mut(&number).ok_or_else(Refusal::not_found)?;
    item.files.retain(|file| file.number != gone);
    mailbox.touch(number, ctx.now, &by, &[]);
    let item = mailbox.items.get(&number).ok_or_else(Refusal::not_found)?;
    Ok((mailbox.item_id(item, None), mailbox.change_key(item)))
}

fn may_write(ctx: &Context, mailbox: &Mailbox, item: &Item) -> Result<(), Refusal> {
    if mailbox.rights_of(&ctx.caller, kind_of(mailbox, item.folder)) < Rights::Editor {
        return Err(Refusal::access_denied());
    }
    Ok(())
}
