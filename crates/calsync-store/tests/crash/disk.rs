//! A disk in memory that remembers what is not safe yet.
//!
//! A file has what programs read, and what would be left without power: its content at the last sync. Between the two lie
//! changes of which a power failure keeps none, all, or any, sector by sector. Names are like that too: a file that was
//! made or deleted is so for good only after its directory was synced, which SQLite does with a log or a journal that is
//! new, and where it deletes one that counts; or, like on the usual file systems, after the file itself was synced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dice::Dice;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Names a file whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node(pub(crate) usize);

/// One thing that was asked of the disk and changes it.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A file is opened that was not there.
    Make {
        name: String,
        node: Node,
    },
    Write {
        node: Node,
        at: usize,
        bytes: Arc<[u8]>,
    },
    Truncate {
        node: Node,
        size: usize,
    },
    /// With the names in the directory, or without.
    Sync {
        node: Node,
        names: bool,
    },
    Delete {
        name: String,
        names: bool,
    },
}

/// What becomes of everything that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The power fails; all of it is lost.
    Lost,
    /// The power fails; all of it was written already.
    Kept,
    /// The power fails; of each file none, all, or any sectors were written, in any order.
    Torn,
    /// Only the process is killed: all of it is there, and still not safe.
    Killed,
}

#[derive(Debug, Clone, Default)]
struct Content {
    now: Arc<Vec<u8>>,
    safe: Arc<Vec<u8>>,
    /// What made `now` out of `safe`, in order.
    since: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Arc<[u8]> },
    Size(usize),
}

/// The files of a directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    names: BTreeMap<String, Node>,
    safe_names: BTreeMap<String, Node>,
    names_since: Vec<(String, Option<Node>)>,
    content: BTreeMap<Node, Content>,
    next: usize,
    /// Counts what became safe.
    pub(crate) syncs: u64,
}

impl Disk {
    pub(crate) fn find(&self, name: &str) -> Option<Node> {
        self.names.get(name).copied()
    }

    /// The number that the next file gets.
    pub(crate) fn next_node(&self) -> Node {
        Node(self.next)
    }

    pub(crate) fn read(&self, node: Node) -> &[u8] {
        self.content.get(&node).map_or(&[], |content| &content.now)
    }

    /// Does what was asked.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Make { name, node } => {
                self.next = self.next.max(node.0 + 1);
                self.content.entry(*node).or_default();
                self.names.insert(name.clone(), *node);
                self.names_since.push((name.clone(), Some(*node)));
            }
            Event::Write { node, at, bytes } => {
                self.change(*node, Change::Write { at: *at, bytes: bytes.clone() });
            }
            Event::Truncate { node, size } => self.change(*node, Change::Size(*size)),
            Event::Sync { node, names } => {
                if let Some(content) = self.content.get_mut(node) {
                    content.safe = content.now.clone();
                    content.since.clear();
                }
                self.sync_name(*node);
                self.sync_names(*names);
            }
            Event::Delete { name, names } => {
                self.names.remove(name);
                self.names_since.push((name.clone(), None));
                self.sync_names(*names);
            }
        }
    }

    fn change(&mut self, node: Node, change: Change) {
        let content = self.content.entry(node).or_default();
        write(Arc::make_mut(&mut content.now), &change);
        content.since.push(change);
    }

    /// A file that is synced is there under its name: the file system writes its own log in order, and up to there.
    fn sync_name(&mut self, node: Node) {
        if let Some(made) = self.names_since.iter().position(|(_, named)| *named == Some(node)) {
            for (name, node) in self.names_since.drain(..=made) {
                match node {
                    Some(node) => self.safe_names.insert(name, node),
                    None => self.safe_names.remove(&name),
                };
            }
        }
    }

    fn sync_names(&mut self, names: bool) {
        self.syncs += 1;
        if names {
            self.safe_names = self.names.clone();
            self.names_since.clear();
            let there: BTreeSet<Node> = self.names.values().copied().collect();
            self.content.retain(|node, _| there.contains(node));
        }
    }

    /// The disk as the next process finds it.
    pub(crate) fn cut(&self, cut: Cut, dice: &mut Dice) -> Disk {
        let mut next = self.clone();
        match cut {
            Cut::Killed => return next,
            Cut::Lost => next.names.clone_from(&next.safe_names),
            Cut::Kept => {}
            Cut::Torn => {
                // Names change in order, up to some point.
                next.names.clone_from(&next.safe_names);
                let kept = dice.below(next.names_since.len() + 1);
                for (name, node) in next.names_since.iter().take(kept) {
                    match node {
                        Some(node) => next.names.insert(name.clone(), *node),
                        None => next.names.remove(name),
                    };
                }
            }
        }
        next.names_since.clear();
        next.safe_names.clone_from(&next.names);
        let named: BTreeSet<Node> = next.names.values().copied().collect();
        next.content.retain(|node, _| named.contains(node));
        for content in next.content.values_mut() {
            content.now = match cut {
                Cut::Lost => content.safe.clone(),
                Cut::Torn => Arc::new(content.torn(dice)),
                Cut::Kept | Cut::Killed => content.now.clone(),
            };
            content.safe = content.now.clone();
            content.since.clear();
        }
        next
    }
}

impl Content {
    fn torn(&self, dice: &mut Dice) -> Vec<u8> {
        let mut left = self.safe.as_ref().clone();
        match dice.below(6) {
            0 => {}
            1 => left.clone_from(&self.now),
            // The first changes only, the last of them by some sectors.
            2 | 3 => {
                let whole = dice.below(self.since.len() + 1);
                for change in self.since.iter().take(whole) {
                    write(&mut left, change);
                }
                if let Some(change) = self.since.get(whole) {
                    tear(&mut left, change, 2, dice);
                }
            }
            // Any sectors of any change: a disk writes in the order that suits it.
            often => {
                let one_of = if often == 4 { 2 } else { 5 };
                for change in &self.since {
                    tear(&mut left, change, one_of, dice);
                }
            }
        }
        left
    }
}

fn write(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Size(size) => file.resize(*size, 0),
        Change::Write { at, bytes } => {
            let end = at + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[*at..end].copy_from_slice(bytes);
        }
    }
}

/// Does a change by sectors, and leaves out one of so many. Where the file grew, a sector that was left out may hold what lay
/// there on the disk before.
fn tear(file: &mut Vec<u8>, change: &Change, one_of: usize, dice: &mut Dice) {
    let (at, bytes) = match change {
        Change::Size(_) => {
            if dice.below(one_of) > 0 {
                write(file, change);
            }
            return;
        }
        Change::Write { at, bytes } => (*at, bytes),
    };
    let old = file.len();
    let mut from = at;
    while from < at + bytes.len() {
        let to = ((from / SECTOR + 1) * SECTOR).min(at + bytes.len());
        let sector: Arc<[u8]> = if dice.below(one_of) > 0 {
            bytes[from - at..to - at].into()
        } else if to > old && dice.below(3) == 0 {
            vec![0x5a; to - from].into()
        } else {
            from = to;
            continue;
        };
        write(file, &Change::Write { at: from, bytes: sector });
        from = to;
    }
}
