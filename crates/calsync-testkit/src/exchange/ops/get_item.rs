//! `GetItem`: items, occurrences by id or by index, and masters of occurrences.

use jiff::civil::Date;

use super::super::faults::Refusal;
use super::super::item::Item;
use super::super::shape::Shape;
use super::super::soap::{Context, Reply};
use super::super::world::{Mailbox, World};
use super::super::write_item::{view_of, write_item};
use super::super::xml::{Node, Xml};

pub(super) fn run(world: &World, ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("GetItem", &["m:Items"]);
    let shape = Shape::read(operation.child("ItemShape"), &[]);
    for id in operation.child("ItemIds").map(|n| n.children.as_slice()).unwrap_or_default() {
        let found =
            resolve(world, ctx, id).and_then(|(mailbox, item, day)| Ok((mailbox, view_of(item, day)?)));
        let shape = &shape;
        reply.entry(found.map(|(mailbox, view)| {
            move |xml: &mut Xml| {
                xml.open("m:Items");
                write_item(xml, ctx, mailbox, view, shape);
                xml.close();
            }
        }));
    }
    reply.finish()
}

/// Finds what an `ItemId`, `OccurrenceItemId` or `RecurringMasterItemId` names.
pub(super) fn resolve<'w>(
    world: &'w World,
    ctx: &Context,
    node: &Node,
) -> Result<(&'w Mailbox, &'w Item, Option<Date>), Refusal> {
    match node.name.as_str() {
        "ItemId" => {
            let (id, mailbox, item) = world.find(&ctx.caller, node.attr("Id").unwrap_or_default())?;
            Ok((mailbox, item, id.occurrence))
        }
        "OccurrenceItemId" => {
            let (id, mailbox, item) =
                world.find(&ctx.caller, node.attr("RecurringMasterId").unwrap_or_default())?;
            if id.occurrence.is_some() || item.series.is_none() {
                return Err(Refusal::not_a_master());
            }
            let index: i64 = node.attr("InstanceIndex").and_then(|i| i.parse().ok()).unwrap_or(0);
            let day = item.day_of_index(usize::try_from(index).unwrap_or(0))?;
            Ok((mailbox, item, Some(day)))
        }
        "RecurringMasterItemId" => {
            let (id, mailbox, item) =
                world.find(&ctx.caller, node.attr("OccurrenceId").unwrap_or_default())?;
            if id.occurrence.is_none() {
                return Err(Refusal::new(
                    "ErrorCalendarCannotUseIdForRecurringMasterId",
                    "The Id can't be used as the occurrence Id for a recurring master.",
                ));
            }
            Ok((mailbox, item, None))
        }
        _ => Err(Refusal::new("ErrorInvalidRequest", "This kind of id is not supported.")),
    }
}
