//! `FindItem`: stored items of a folder by restriction and page, or everything within a time window expanded.

use super::super::faults::{Fault, Refusal};
use super::super::item::{Item, View};
use super::super::restriction::Restriction;
use super::super::shape::{NOT_IN_LISTS, Shape};
use super::super::soap::{Context, Reply};
use super::super::time::WireTime;
use super::super::world::{Mailbox, World};
use super::super::write_item::write_item;
use super::super::xml::{Node, Xml};
use super::super::zones::Zone;
use super::{kind_of, resolve_folder};

/// Find limit of the default throttling policy.
const FIND_LIMIT: usize = 1000;
/// Longest window of a calendar view.
const VIEW_YEARS: i64 = 2;

pub(super) fn run(world: &World, ctx: &Context, operation: &Node) -> Result<String, Fault> {
    let mut reply = Reply::new("FindItem", &[]);
    let shape = Shape::read(operation.child("ItemShape"), NOT_IN_LISTS);
    let associated = operation.attr("Traversal") != Some("Shallow");
    let restriction = match operation.child("Restriction").and_then(|n| n.children.first()) {
        Some(node) => Some(Restriction::read(node)?),
        None => None,
    };
    for id in operation.child("ParentFolderIds").map(|n| n.children.as_slice()).unwrap_or_default() {
        let found = match operation.child("CalendarView") {
            Some(view) => {
                window(world, ctx, id, view, restriction.is_some() || operation.child("SortOrder").is_some())
            }
            None => listing(world, ctx, id, operation, restriction.as_ref(), associated),
        };
        let shape = &shape;
        reply.entry(found.map(|found| {
            move |xml: &mut Xml| {
                let mut attrs = Vec::new();
                let (offset, total) = (found.offset.unwrap_or(0).to_string(), found.total.to_string());
                if found.offset.is_some() {
                    attrs.push(("IndexedPagingOffset", offset.as_str()));
                }
                attrs.push(("TotalItemsInView", total.as_str()));
                attrs.push(("IncludesLastItemInRange", if found.last { "true" } else { "false" }));
                xml.open_with("m:RootFolder", &attrs);
                xml.open("t:Items");
                for view in &found.views {
                    write_item(xml, ctx, found.mailbox, *view, shape);
                }
                xml.close();
                xml.close();
            }
        }));
    }
    Ok(reply.finish())
}

struct Found<'w> {
    mailbox: &'w Mailbox,
    views: Vec<View<'w>>,
    offset: Option<usize>,
    total: usize,
    last: bool,
}

fn window<'w>(
    world: &'w World,
    ctx: &Context,
    id: &Node,
    view: &Node,
    restricted: bool,
) -> Result<Found<'w>, Refusal> {
    let (mailbox, folder, _) = resolve_folder(world, ctx, id, "ErrorFolderNotFound")?;
    if restricted {
        return Err(Refusal::new(
            "ErrorInvalidRequest",
            "Restrictions and sort order may not be specified for a CalendarView.",
        ));
    }
    if !kind_of(mailbox, folder).is_calendar() {
        return Err(Refusal::new(
            "ErrorCalendarFolderIsInvalidForCalendarView",
            "CalendarView is only valid for calendar folders.",
        ));
    }
    let zone = ctx.zone.clone().unwrap_or_else(Zone::utc);
    let bound = |name: &str| {
        view.attr(name)
            .and_then(WireTime::parse)
            .and_then(|t| t.instant(&zone))
            .ok_or_else(|| Refusal::new("ErrorInvalidRequest", "The window of the CalendarView is invalid."))
    };
    let (from, to) = (bound("StartDate")?, bound("EndDate")?);
    if to < from {
        return Err(Refusal::new(
            "ErrorCalendarEndDateIsEarlierThanStartDate",
            "EndDate is earlier than StartDate",
        ));
    }
    if from.duration_until(to).as_hours() > VIEW_YEARS * 366 * 24 {
        return Err(Refusal::new(
            "ErrorCalendarViewRangeTooBig",
            "The specified view range exceeds the maximum range of two years.",
        ));
    }
    let mut views: Vec<View<'w>> = mailbox
        .items_in(folder)
        .filter(|i| i.foreign_class.is_none() && mailbox.shows(&ctx.caller, i))
        .flat_map(|i| i.expand(from, to))
        .collect();
    views.sort_by_key(|v| (v.span(), v.item.number));
    let most = view.attr("MaxEntriesReturned").and_then(|t| t.parse::<usize>().ok());
    let total = views.len();
    if total.min(most.unwrap_or(usize::MAX)) > FIND_LIMIT {
        return Err(Refusal::new(
            "ErrorExceededFindCountLimit",
            "You have exceeded the maximum number of objects that can be returned for the find operation. Use paging to reduce the result size and try your request again.",
        )
        .with("PolicyLimit", FIND_LIMIT.to_string()));
    }
    views.truncate(most.unwrap_or(FIND_LIMIT));
    let last = views.len() == total;
    Ok(Found { mailbox, views, offset: None, total, last })
}

fn listing<'w>(
    world: &'w World,
    ctx: &Context,
    id: &Node,
    operation: &Node,
    restriction: Option<&Restriction>,
    associated: bool,
) -> Result<Found<'w>, Refusal> {
    let (mailbox, folder, _) = resolve_folder(world, ctx, id, "ErrorFolderNotFound")?;
    let mut items: Vec<&Item> = if associated {
        Vec::new()
    } else {
        mailbox.items_in(folder).filter(|i| mailbox.shows(&ctx.caller, i)).collect()
    };
    if let Some(restriction) = restriction {
        items.retain(|item| restriction.holds(&View::of(item)));
    }
    // Newest first, unless the request sorts.
    items.sort_by_key(|i| std::cmp::Reverse((i.created, i.number)));
    for order in operation.child("SortOrder").map(|n| n.children.as_slice()).unwrap_or_default().iter().rev()
    {
        let uri = order.children.first().and_then(|p| p.attr("FieldURI")).unwrap_or_default();
        items.sort_by_key(|i| super::super::restriction::sort_key(&View::of(i), uri));
        if order.attr("Order") == Some("Descending") {
            items.reverse();
        }
    }
    let page = operation.child("IndexedPageItemView");
    let number = |name: &str| page.and_then(|p| p.attr(name)).and_then(|t| t.parse::<usize>().ok());
    let most = number("MaxEntriesReturned").unwrap_or(FIND_LIMIT).min(FIND_LIMIT);
    let total = items.len();
    if page.and_then(|p| p.attr("BasePoint")) == Some("End") {
        items.reverse();
    }
    let offset = number("Offset").unwrap_or(0).min(total);
    let views: Vec<View<'w>> = items.into_iter().skip(offset).take(most).map(View::of).collect();
    let next = offset + views.len();
    Ok(Found { mailbox, views, offset: Some(next), total, last: next == total })
}
