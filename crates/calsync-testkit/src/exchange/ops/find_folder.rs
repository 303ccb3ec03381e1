//! `FindFolder`: the folders below a folder, shallow or deep.

use super::super::faults::Refusal;
use super::super::soap::{Context, Reply};
use super::super::world::{Folder, Mailbox, Rights, World};
use super::super::xml::{Node, Xml};
use super::get_folder::write_folder;
use super::resolve_folder;

pub(super) fn run(world: &World, ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("FindFolder", &[]);
    let deep = operation.attr("Traversal") == Some("Deep");
    let shape = operation.child("FolderShape");
    let view = operation.child("IndexedPageFolderView");
    let number = |name: &str| view.and_then(|v| v.attr(name)).and_then(|v| v.parse::<usize>().ok());
    for id in operation.child("ParentFolderIds").map(|n| n.children.as_slice()).unwrap_or_default() {
        let found: Result<_, Refusal> = resolve_folder(world, ctx, id, "ErrorFolderNotFound");
        reply.entry(found.map(|(mailbox, parent, _)| {
            move |xml: &mut Xml| {
                let below: Vec<&Folder> = mailbox
                    .folders
                    .values()
                    .filter(|f| {
                        f.number != parent
                            && if deep { is_below(mailbox, f, parent) } else { f.parent == parent }
                    })
                    .filter(|f| mailbox.rights_of(&ctx.caller, f.kind) >= Rights::Reviewer)
                    .collect();
                let offset = number("Offset").unwrap_or(0).min(below.len());
                let page = number("MaxEntriesReturned").unwrap_or(1000);
                let next = (offset + page).min(below.len());
                xml.open_with(
                    "m:RootFolder",
                    &[
                        ("IndexedPagingOffset", &next.to_string()),
                        ("TotalItemsInView", &below.len().to_string()),
                        ("IncludesLastItemInRange", if next == below.len() { "true" } else { "false" }),
                    ],
                );
                xml.open("t:Folders");
                for folder in below.iter().skip(offset).take(page) {
                    let rights = mailbox.rights_of(&ctx.caller, folder.kind);
                    write_folder(xml, ctx, mailbox, folder, rights, shape);
                }
                xml.close();
                xml.close();
            }
        }));
    }
    reply.finish()
}

fn is_below(mailbox: &Mailbox, folder: &Folder, ancestor: u64) -> bool {
    let mut at = folder;
    loop {
        if at.parent == ancestor {
            return true;
        }
        match mailbox.folders.get(&at.parent) {
            Some(parent) if parent.number != at.number => at = parent,
            _ => return false,
        }
    }
}
