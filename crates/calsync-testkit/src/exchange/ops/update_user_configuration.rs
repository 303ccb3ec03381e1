//! `UpdateUserConfiguration`: replaces the list of categories. What it is replaced with is not looked into, as on a real
//! server: a client that writes nonsense destroys the list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::faults::Refusal;
use super::super::soap::{Context, Reply};
use super::super::world::{Rights, World};
use super::super::xml::{Node, Xml};
use super::get_user_configuration::{Named, find};

pub(super) fn run(world: &mut World, ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("UpdateUserConfiguration", &[]);
    let done = update(world, ctx, operation.child("UserConfiguration"));
    reply.entry(done.map(|()| |_: &mut Xml| {}));
    reply.finish()
}

fn update(world: &mut World, ctx: &Context, node: Option<&Node>) -> Result<(), Refusal> {
    let named = find(world, ctx, node.and_then(|n| n.child("UserConfigurationName")))?;
    let Named::Categories(mailbox, _, rights) = named else { return Err(Refusal::access_denied()) };
    let may = rights == Rights::Owner || (rights == Rights::Editor && mailbox.delegates_write_category_list);
    if !may {
        return Err(Refusal::access_denied());
    }
    let list = node
        .and_then(|n| n.child_text("XmlData"))
        .and_then(|data| STANDARD.decode(data.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Refusal::new("ErrorInvalidRequest", "The request is invalid."))?;
    let address = mailbox.address.to_lowercase();
    if let Some(mailbox) = world.mailboxes.get_mut(&address) {
        mailbox.category_list = Some(list);
    }
    Ok(())
}
