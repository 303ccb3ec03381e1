//! `GetUserConfiguration`: the one configuration the mock has, the time zone a user chose in the web client.

use super::super::faults::Refusal;
use super::super::soap::{Context, Reply};
use super::super::world::World;
use super::super::xml::{Node, Xml};
use super::resolve_folder;

pub(super) fn run(world: &World, ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("GetUserConfiguration", &[]);
    let name = operation.child("UserConfigurationName");
    let folder = name.and_then(|n| n.children.first());
    let found = folder
        .ok_or_else(|| {
            Refusal::new("ErrorFolderNotFound", "The specified folder could not be found in the store.")
        })
        .and_then(|node| resolve_folder(world, ctx, node, "ErrorFolderNotFound"))
        .and_then(|(mailbox, folder, _)| match name.and_then(|n| n.attr("Name")) {
            Some("OWA.UserOptions") => Ok((mailbox, folder)),
            _ => Err(Refusal::not_found()),
        });
    reply.entry(found.map(|(mailbox, folder)| {
        move |xml: &mut Xml| {
            xml.open("m:UserConfiguration");
            xml.open_with("t:UserConfigurationName", &[("Name", "OWA.UserOptions")]);
            xml.empty_with("t:FolderId", &[("Id", &mailbox.folder_id(folder))]);
            xml.close();
            xml.open("t:Dictionary");
            xml.open("t:DictionaryEntry");
            for (element, value) in
                [("t:DictionaryKey", "timezone"), ("t:DictionaryValue", mailbox.zone.id.as_str())]
            {
                xml.open(element);
                xml.leaf("t:Type", "String");
                xml.leaf("t:Value", value);
                xml.close();
            }
            xml.close();
            xml.close();
            xml.close();
        }
    }));
    reply.finish()
}
