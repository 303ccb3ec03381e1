//! `ResolveNames`: mailboxes whose name or address starts with what was typed.

use super::super::faults::Refusal;
use super::super::soap::{Context, Reply};
use super::super::world::{Mailbox, World};
use super::super::xml::{Node, Xml};

/// Most resolutions in one answer.
const MOST: usize = 100;

pub(super) fn run(world: &World, _ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("ResolveNames", &[]);
    let entry = operation.child_text("UnresolvedEntry").unwrap_or_default().trim().to_lowercase();
    let typed = entry.strip_prefix("smtp:").unwrap_or(&entry);
    let found: Vec<&Mailbox> = world
        .mailboxes
        .values()
        .filter(|m| {
            !typed.is_empty()
                && (m.address.to_lowercase().starts_with(typed) || m.name.to_lowercase().starts_with(typed))
        })
        .collect();
    let write = |xml: &mut Xml| {
        let last = if found.len() <= MOST { "true" } else { "false" };
        xml.open_with(
            "m:ResolutionSet",
            &[("TotalItemsInView", &found.len().min(MOST).to_string()), ("IncludesLastItemInRange", last)],
        );
        for mailbox in found.iter().take(MOST) {
            xml.open("t:Resolution");
            xml.open("t:Mailbox");
            xml.leaf("t:Name", &mailbox.name);
            xml.leaf("t:EmailAddress", &mailbox.address);
            xml.leaf("t:RoutingType", "SMTP");
            xml.leaf("t:MailboxType", "Mailbox");
            xml.close();
            xml.close();
        }
        xml.close();
    };
    match found.len() {
        0 => reply.refused(&Refusal::new("ErrorNameResolutionNoResults", "No results were found.")),
        1 => reply.success(write),
        _ => reply.warning("ErrorNameResolutionMultipleResults", "Multiple results were found.", write),
    }
    reply.finish()
}
