//! `SyncFolderItems`: what changed in a folder since a state.
//!
//! A state says exactly what its holder has been given: a set of item numbers and a set of change counters, both as
//! ranges. So pages may come newest first, and changes made between two pages are neither lost nor given twice. States
//! belong to one folder and one epoch of the mailbox; anything else is `ErrorInvalidSyncStateData`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::super::faults::{Fault, Refusal};
use super::super::item::{Item, View};
use super::super::shape::{NOT_IN_SYNC, Shape};
use super::super::soap::{Context, Reply};
use super::super::version::Schema;
use super::super::world::{Mailbox, World};
use super::super::write_item::write_item;
use super::super::xml::{Node, Xml};
use super::resolve_folder;

/// Most changes a page may have.
const MOST: usize = 512;

pub(super) fn run(world: &World, ctx: &Context, operation: &Node) -> Result<String, Fault> {
    let most: usize =
        operation.child_text("MaxChangesReturned").and_then(|t| t.trim().parse().ok()).unwrap_or(0);
    if !(1..=MOST).contains(&most) {
        return Err(Fault::schema(
            "The 'MaxChangesReturned' element is invalid - The value is out of range 1 to 512.",
        ));
    }
    let mut reply = Reply::new("SyncFolderItems", &[]);
    match page(world, ctx, operation, most) {
        Ok((mailbox, page)) => {
            let shape = Shape::read(operation.child("ItemShape"), NOT_IN_SYNC);
            reply.success(|xml| write_page(xml, ctx, mailbox, &page, &shape));
        }
        Err(refusal) => reply.refused(&refusal),
    }
    Ok(reply.finish())
}

struct Page<'w> {
    state: String,
    last: bool,
    changed: Vec<(&'w Item, bool)>,
    /// Ids of items that are gone.
    gone: Vec<String>,
}

fn page<'w>(
    world: &'w World,
    ctx: &Context,
    operation: &Node,
    most: usize,
) -> Result<(&'w Mailbox, Page<'w>), Refusal> {
    let folder = operation.child("SyncFolderId").and_then(|n| n.children.first());
    let absent =
        || Refusal::new("ErrorSyncFolderNotFound", "The folder to be synchronized could not be found.");
    let (mailbox, number, _) =
        resolve_folder(world, ctx, folder.ok_or_else(absent)?, "ErrorSyncFolderNotFound")?;
    let folder = mailbox.folders.get(&number).ok_or_else(absent)?;
    let mut state = match operation.child_text("SyncState").map(str::trim).filter(|t| !t.is_empty()) {
        None => SyncState {
            mailbox: mailbox.guid,
            folder: number,
            epoch: mailbox.epoch,
            given: Ranges::default(),
            seen: Ranges::default(),
        },
        Some(text) => SyncState::parse(text)
            .filter(|s| s.mailbox == mailbox.guid && s.folder == number && s.epoch == mailbox.epoch)
            .ok_or_else(|| {
                Refusal::new(
                    "ErrorInvalidSyncStateData",
                    "Synchronization state data is corrupt or otherwise invalid.",
                )
            })?,
    };
    let ignored: Vec<&str> = operation
        .child("Ignore")
        .map(|n| n.children.iter().filter_map(|c| c.attr("Id")).collect())
        .unwrap_or_default();
    let mut changed: Vec<&Item> = mailbox
        .items_in(number)
        .filter(|i| !state.seen.holds(i.change) && mailbox.shows(&ctx.caller, i))
        .collect();
    // Newest first since 2010 SP2, oldest first before.
    changed.sort_by_key(|i| i.change);
    if ctx.knows(Schema::E2010Sp2) {
        changed.reverse();
    }
    // Items that became invisible to this caller leave, too.
    let hidden: Vec<(u64, u64)> = mailbox
        .items_in(number)
        .filter(|i| !mailbox.shows(&ctx.caller, i))
        .map(|i| (i.number, i.change))
        .collect();
    let left = folder.left.iter().map(|(number, change)| (*number, *change));
    let gone: Vec<(u64, u64)> = left
        .chain(hidden.iter().copied())
        .filter(|(number, change)| state.given.holds(*number) && !state.seen.holds(*change))
        .collect();
    let last = changed.len() + gone.len() <= most;
    let changed: Vec<(&Item, bool)> =
        changed.into_iter().take(most).map(|i| (i, !state.given.holds(i.number))).collect();
    let gone: Vec<(u64, u64)> = gone.into_iter().take(most - changed.len()).collect();
    for (item, _) in &changed {
        state.given.add(item.number, item.number);
        state.seen.add(item.change, item.change);
    }
    for (number, change) in &gone {
        state.seen.add(*change, *change);
        state.given.remove(*number);
    }
    if last {
        // Everything is known: the sets close up.
        let highest =
            mailbox.items_in(number).map(|i| i.number).chain(folder.left.keys().copied()).max().unwrap_or(0);
        state.given = Ranges::default();
        state.given.add(0, highest);
        for (number, _) in &hidden {
            state.given.remove(*number);
        }
        state.seen = Ranges::default();
        state.seen.add(0, mailbox.latest_change());
    }
    let held = mailbox.items_in(number).count();
    let id_of_gone = |(n, _): &(u64, u64)| {
        super::super::ids::ItemId { mailbox: mailbox.guid, folder: number, number: *n, occurrence: None }
            .text()
    };
    let page = Page {
        state: state.text(held),
        last,
        changed: changed
            .into_iter()
            .filter(|(i, _)| !ignored.contains(&mailbox.item_id(i, None).as_str()))
            .collect(),
        gone: gone.iter().map(id_of_gone).filter(|id| !ignored.contains(&id.as_str())).collect(),
    };
    Ok((mailbox, page))
}

fn write_page(xml: &mut Xml, ctx: &Context, mailbox: &Mailbox, page: &Page<'_>, shape: &Shape) {
    xml.leaf("m:SyncState", &page.state);
    xml.flag("m:IncludesLastItemInRange", page.last);
    xml.open("m:Changes");
    for (item, new) in &page.changed {
        xml.open(if *new { "t:Create" } else { "t:Update" });
        write_item(xml, ctx, mailbox, View::of(item), shape);
        xml.close();
    }
    for id in &page.gone {
        xml.open("t:Delete");
        // The key of something that is gone says nothing; real servers give a short one.
        xml.empty_with("t:ItemId", &[("Id", id), ("ChangeKey", "DwAAAA==")]);
        xml.close();
    }
    xml.close();
}

/// A set of numbers as sorted, separate, inclusive ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    pub(crate) fn holds(&self, n: u64) -> bool {
        let at = self.0.partition_point(|(_, to)| *to < n);
        self.0.get(at).is_some_and(|(from, _)| *from <= n)
    }

    pub(crate) fn add(&mut self, from: u64, to: u64) {
        let (mut from, mut to) = (from, to);
        self.0.retain(|(a, b)| {
            let apart = *b < from.saturating_sub(1) || *a > to.saturating_add(1);
            if !apart {
                from = from.min(*a);
                to = to.max(*b);
            }
            apart
        });
        let at = self.0.partition_point(|(a, _)| *a < from);
        self.0.insert(at, (from, to));
    }

    pub(crate) fn remove(&mut self, n: u64) {
        let Some(at) = self.0.iter().position(|(a, b)| (*a..=*b).contains(&n)) else { return };
        let (from, to) = self.0.remove(at);
        if n < to {
            self.0.insert(at, (n + 1, to));
        }
        if n > from {
            self.0.insert(at, (from, n - 1));
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend((self.0.len() as u64).to_be_bytes());
        for (a, b) in &self.0 {
            out.extend(a.to_be_bytes());
            out.extend(b.to_be_bytes());
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let count = number(bytes)?;
        (0..count).map(|_| Some((number(bytes)?, number(bytes)?))).collect::<Option<Vec<_>>>().map(Self)
    }
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (head, tail) = bytes.split_first_chunk::<8>()?;
    *bytes = tail;
    Some(u64::from_be_bytes(*head))
}

/// What the holder of a state has been given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncState {
    pub(crate) mailbox: super::super::ids::Guid,
    pub(crate) folder: u64,
    pub(crate) epoch: u64,
    pub(crate) given: Ranges,
    pub(crate) seen: Ranges,
}

impl SyncState {
    /// The state's text; like real ones it grows with the folder.
    pub(crate) fn text(&self, items: usize) -> String {
        let mut bytes = self.mailbox.to_vec();
        bytes.extend(self.folder.to_be_bytes());
        bytes.extend(self.epoch.to_be_bytes());
        self.given.write(&mut bytes);
        self.seen.write(&mut bytes);
        let padding = 700 + items * 5 / 6;
        bytes.extend(std::iter::repeat_n(0u8, padding));
        let mut all = Sha256::digest(&bytes).to_vec();
        all.extend(bytes);
        STANDARD.encode(all)
    }

    /// Reads a state; `None` when it is not one, or not whole.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all = STANDARD.decode(text).ok()?;
        let (digest, bytes) = all.split_at_checked(32)?;
        if Sha256::digest(bytes).as_slice() != digest {
            return None;
        }
        let (mailbox, mut bytes) = bytes.split_first_chunk::<16>()?;
        let (folder, epoch) = (number(&mut bytes)?, number(&mut bytes)?);
        let (given, seen) = (Ranges::read(&mut bytes)?, Ranges::read(&mut bytes)?);
        Some(Self { mailbox: *mailbox, folder, epoch, given, seen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_and_know_their_members() {
        let mut r = Ranges::default();
        for n in [5, 7, 6, 1] {
            r.add(n, n);
        }
        assert_eq!(r, Ranges(vec![(1, 1), (5, 7)]));
        r.add(2, 4);
        assert_eq!(r, Ranges(vec![(1, 7)]));
        r.remove(8);
        r.remove(4);
        assert_eq!(r, Ranges(vec![(1, 3), (5, 7)]));
        r.add(4, 4);
        r.add(9, 9);
        assert!(!r.holds(0) && r.holds(1) && r.holds(7) && !r.holds(8) && r.holds(9));
    }

    #[test]
    fn a_state_survives_its_text_and_damage_is_noticed() {
        let mut given = Ranges::default();
        given.add(1, 9);
        let state = SyncState { mailbox: [7; 16], folder: 13, epoch: 2, given, seen: Ranges::default() };
        let text = state.text(10);
        assert_eq!(SyncState::parse(&text), Some(state.clone()));
        assert!(state.text(1000).len() > text.len());
        let damaged = text.replacen('A', "B", 1);
        assert_eq!(SyncState::parse(&damaged), None);
        assert_eq!(SyncState::parse("H4sIAAA="), None);
        assert_eq!(SyncState::parse("not base64!"), None);
    }
}
