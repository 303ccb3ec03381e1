//! Reads a side's change feed into observations.
//!
//! Each page is stored together with the token that covers it. Our own writes come back in the feed; they are known
//! by their revision and cost no read. Whatever the feed says about an item, the item is read: only that proves that
//! it is there, or gone.

use std::collections::{BTreeMap, BTreeSet};

use super::{LINKS, Pending, Stop, Work, token_commit};
use crate::defects::{Defect, planted};
use crate::ids::{ChangeToken, ItemKey, LinkId, Revision, Side};
use crate::link::{Half, Link, Listing, Observation, Retry, Sighting};
use crate::source::{Item, Seen, SourceError, SourceErrorKind};
use crate::store::Commit;
use crate::sync::rebase::{is_stranger, parted_from};
use crate::sync::settle::retry_after;
use crate::sync::view::has_private;

/// The most entries on one page of a feed. Exchange gives 512 and NVS 1,000 at most.
const ENTRIES: usize = 20_000;

/// The most pages that one round reads of a feed. What is behind them is read by the next round, so an endless feed does
/// not keep the other side waiting.
const PAGES: usize = 10_000;

/// How often the end of a feed is read again where items went while it was read.
const LOOKS: u32 = 3;

impl Work {
    /// Reads everything new on this side.
    pub(super) async fn read(&mut self, side: Side) -> Result<(), Stop> {
        let mut since = self.head.tokens.get(side).clone();
        let mut started_over = false;
        let mut pages = 0;
        let mut looked_again = 0_u32;
        loop {
            let (page, at) = self.port.changes(side, since.clone()).await?;
            let page = match page {
                Ok(page) => page,
                Err(error)
                    if !started_over
                        && (error.kind == SourceErrorKind::TokenExpired
                            || planted(Defect::RestoreUnnoticed)) =>
                {
                    started_over = true;
                    // Stored it stays until the first page gives another one: should this round be cut off, and the side go
                    // back in time, nothing but this token says so.
                    since = None;
                    continue;
                }
                Err(error) => return Err(Stop::Source(side, error)),
            };
            if page.entries.len() > ENTRIES {
                let kind = SourceErrorKind::Protocol(format!(
                    "a page of its change feed has more than {ENTRIES} entries"
                ));
                return Err(Stop::Source(side, SourceError::new("read change feed", kind)));
            }
            pages += 1;
            self.last_read = self.last_read.max(at);
            if let Some(theirs) = page.server_time {
                *self.offsets.get_mut(side) = Some(theirs.signed_duration_since(at).num_milliseconds());
            }
            if since.is_none() {
                self.begin_listing(side);
            }
            self.report.sides.get_mut(side).read += page.entries.len() as u64;
            // An item may appear twice on a page; the last word counts.
            let entries: BTreeMap<ItemKey, Option<Revision>> =
                page.entries.into_iter().map(|entry| (entry.key, entry.revision)).collect();
            let quiet = entries.is_empty() && since.as_ref() == Some(&page.next);
            let mut outrun = false;
            if !quiet {
                outrun = self.observe(side, &entries, page.next.clone()).await?;
            }
            let stuck = since.as_ref() == Some(&page.next);
            since = Some(page.next);
            if !page.more {
                // What went between the page and the reading may have come back under another key: nothing is decided
                // before that is known.
                if outrun && looked_again < LOOKS && !planted(Defect::OutrunIgnored) {
                    looked_again = looked_again.saturating_add(1);
                    continue;
                }
                break;
            }
            if stuck {
                let kind = SourceErrorKind::Protocol("its change feed does not go on".to_owned());
                return Err(Stop::Source(side, SourceError::new("read change feed", kind)));
            }
            if pages >= PAGES {
                let kind = SourceErrorKind::Protocol(format!("its change feed has more than {PAGES} pages"));
                return Err(Stop::Source(side, SourceError::new("read change feed", kind)));
            }
        }
        if self.head.listings.get(side).open && !planted(Defect::UnlistedNotRead) {
            self.read_unlisted(side).await?;
        }
        Ok(())
    }

    /// The listing is stored with its first page.
    fn begin_listing(&mut self, side: Side) {
        let listing = self.head.listings.get_mut(side);
        *listing = Listing { number: listing.number.saturating_add(1), open: true };
    }

    /// Stores what a page says. Whether the calendar went on meanwhile: an item that the page shows is not there any
    /// more.
    async fn observe(
        &mut self,
        side: Side,
        entries: &BTreeMap<ItemKey, Option<Revision>>,
        next: ChangeToken,
    ) -> Result<bool, Stop> {
        let listing = *self.head.listings.get(side);
        if planted(Defect::TokenBeforeData) {
            self.commit(token_commit(side, next.clone(), Some(listing))).await?;
        }
        let mut known: BTreeMap<ItemKey, Link> = BTreeMap::new();
        if !entries.is_empty() {
            for link in self.port.links_by_key(side, entries.keys().cloned().collect()).await? {
                if let Some(half) = link.halves.get(side) {
                    known.insert(half.key.clone(), link);
                }
            }
        }
        // A side that was put back may give out revisions and keys anew: then nothing is believed without reading.
        let thorough = self.head.marks.went_back.is_some();
        let mut to_read = Vec::new();
        let mut put = Vec::new();
        for (key, revision) in entries {
            if self.planned.get(side).contains_key(key) {
                continue;
            }
            match (known.get(key), revision) {
                (None, None) => {}
                (Some(link), Some(revision)) if !thorough && is_echo(link, side, revision) => {
                    if listing.open {
                        let mut link = link.clone();
                        mark_listed(&mut link, side, listing.number);
                        put.push(link);
                    }
                }
                (Some(_) | None, _) => to_read.push(key.clone()),
            }
        }
        let mut seen = self.port.fetch(side, self.batch(side), &to_read).await?;
        if planted(Defect::FeedProvesAbsence) {
            let gone = |key: &ItemKey| entries.get(key).is_some_and(Option::is_none);
            to_read
                .iter()
                .zip(&mut seen)
                .filter(|(key, _)| gone(key))
                .for_each(|(_, seen)| *seen = Seen::Absent);
        }
        let shown = |key: &ItemKey| entries.get(key).is_some_and(Option::is_some);
        let outrun = to_read.iter().zip(&seen).any(|(key, seen)| *seen == Seen::Absent && shown(key));
        let mut left = self.left_by(side, to_read.iter().filter(|key| !known.contains_key(*key))).await?;
        for (key, seen) in to_read.iter().zip(seen) {
            let link = known.remove(key).or_else(|| left.remove(key));
            let stranger = |link: &&Link, item: &Item| thorough && is_stranger(link, side, item);
            if let (Some(old), Seen::Present(item)) = (&link, &seen)
                && stranger(&old, item)
            {
                put.extend(self.part_from_stranger(side, old, item));
                continue;
            }
            put.extend(self.note_seen(side, key, link, seen));
        }
        let commit = Commit { put, ..token_commit(side, next, Some(listing)) };
        self.commit(commit).await?;
        Ok(outrun)
    }

    /// The key of a linked item is another item's now: the link goes on without it, and the item founds its own.
    fn part_from_stranger(&self, side: Side, link: &Link, item: &Item) -> Vec<Link> {
        let half = new_half(item.clone(), self.head.listings.get(side).number);
        let mut own = Link::found(&self.input.pairing, side, half);
        let rest = parted_from(link, side);
        match rest {
            // Nothing is left of it, and the item takes its place.
            None => own.id = link.id,
            Some(_) if own.id == link.id => own.id = own.id.beside(),
            Some(_) => {}
        }
        rest.into_iter().chain([own]).collect()
    }

    /// The links that these items founded once and no longer belong to: an item that comes back under its old key goes
    /// back to its link.
    async fn left_by(
        &self,
        side: Side,
        keys: impl Iterator<Item = &ItemKey>,
    ) -> Result<BTreeMap<ItemKey, Link>, Stop> {
        let founded: BTreeMap<LinkId, ItemKey> =
            keys.map(|key| (LinkId::founded_by(&self.input.pairing, side, key), key.clone())).collect();
        if founded.is_empty() {
            return Ok(BTreeMap::new());
        }
        let links = self.port.links_by_id(founded.keys().copied().collect()).await?;
        Ok(links.into_iter().filter_map(|link| Some((founded.get(&link.id)?.clone(), link))).collect())
    }

    /// Reads the items that a full listing did not mention: their absence from it proves nothing.
    async fn read_unlisted(&mut self, side: Side) -> Result<(), Stop> {
        let number = self.head.listings.get(side).number;
        let mut after = None;
        loop {
            let links = self.port.unlisted_links(side, number, after, LINKS).await?;
            let Some(last) = links.last() else { break };
            after = Some(last.id);
            let pretended = |half: &Half| self.planned.get(side).contains_key(&half.key);
            let links: Vec<Link> = links
                .into_iter()
                .filter(|link| !link.halves.get(side).as_ref().is_some_and(pretended))
                .collect();
            let keys: Vec<ItemKey> = links
                .iter()
                .filter_map(|link| link.halves.get(side).as_ref().map(|half| half.key.clone()))
                .collect();
            let mut seen = self.port.fetch(side, self.batch(side), &keys).await?;
            if planted(Defect::ListingProvesAbsence) {
                seen.fill(Seen::Absent);
            }
            let mut pending = Pending::default();
            for ((key, seen), link) in keys.iter().zip(seen).zip(links) {
                pending.put.extend(self.note_seen(side, key, Some(link), seen));
            }
            self.commit(pending.into_commit()).await?;
        }
        let mut commit = Commit::default();
        *commit.listings.get_mut(side) = Some(Listing { number, open: false });
        self.commit(commit).await
    }

    /// Asks for the items that our receipts in lone items name, where this store does not know them: a listing may have left them
    /// out. While they cannot be read, nothing is decided about what names them.
    pub(super) async fn read_named(&mut self, mut links: Vec<Link>) -> Result<Vec<Link>, Stop> {
        for side in Side::BOTH {
            let named: BTreeSet<ItemKey> = links.iter().filter_map(|link| names_new(link, side)).collect();
            if named.is_empty() || planted(Defect::NoReceiptMatch) {
                continue;
            }
            let mut known = self.port.links_by_key(side, named.iter().cloned().collect()).await?;
            known.retain(|stored| !links.iter().any(|link| link.id == stored.id));
            let halves = || known.iter().chain(&links).filter_map(|link| link.halves.get(side).as_ref());
            let mut unread: BTreeSet<ItemKey> =
                halves().filter(|half| half.is_unread()).map(|half| half.key.clone()).collect();
            let is_known = |key: &ItemKey| {
                halves().any(|half| half.key == *key) || self.planned.get(side).contains_key(key)
            };
            let missing: Vec<ItemKey> = named.into_iter().filter(|key| !is_known(key)).collect();
            let seen = self.port.fetch(side, self.batch(side), &missing).await?;
            let mut left = self.left_by(side, missing.iter()).await?;
            for (key, seen) in missing.into_iter().zip(seen) {
                if matches!(seen, Seen::Unreadable(_)) {
                    unread.insert(key);
                } else if let Some(found) = self.note_seen(side, &key, left.remove(&key), seen) {
                    links.retain(|link| link.id != found.id);
                    links.extend(
                        Some(found).filter(|found| !self.is_open(found.id) && !self.is_made_by_open(found)),
                    );
                }
            }
            links = self
                .set_aside(links, |link| names_new(link, side).is_some_and(|key| unread.contains(&key)))
                .await?;
        }
        Ok(links)
    }

    /// Leaves those links for a later round.
    async fn set_aside(
        &mut self,
        links: Vec<Link>,
        waits: impl Fn(&Link) -> bool,
    ) -> Result<Vec<Link>, Stop> {
        let (mut put, rest): (Vec<Link>, Vec<Link>) = links.into_iter().partition(waits);
        for link in &mut put {
            let why = "its counterpart cannot be read".to_owned();
            link.retry = Some(retry_after(link.retry.as_ref(), why, self.input.now));
        }
        if !put.is_empty() {
            self.commit(Commit { put, ..Commit::default() }).await?;
        }
        Ok(rest)
    }

    /// What reading an item means for its link; `None` where there is nothing to remember.
    pub(super) fn note_seen(
        &mut self,
        side: Side,
        key: &ItemKey,
        link: Option<Link>,
        seen: Seen,
    ) -> Option<Link> {
        let number = self.head.listings.get(side).number;
        match (link, seen) {
            (None, Seen::Absent) => None,
            (None, Seen::Present(item)) => {
                let half = Half { fresh: true, ..new_half(*item, number) };
                Some(Link::found(&self.input.pairing, side, half))
            }
            (None, Seen::Unreadable(why)) => {
                let half = Half {
                    key: key.clone(),
                    shadow: None,
                    seen: Some(Observation::Unread(why.clone())),
                    access: crate::source::Access::ReadOnly,
                    listed: number,
                    kept: None,
                    last: None,
                    fresh: true,
                };
                let mut link = Link::found(&self.input.pairing, side, half);
                link.retry = Some(retry_after(None, why, self.input.now));
                Some(link)
            }
            (Some(mut link), seen) if link.halves.get(side).as_ref().is_none_or(|half| half.key != *key) => {
                let Seen::Present(item) = seen else { return None };
                let half = new_half(*item, number);
                if link.halves.get(side).is_none() {
                    link.hold = None;
                    *link.halves.get_mut(side) = Some(half);
                    return Some(link);
                }
                // Its link went on with another item, so it founds one beside it.
                let mut beside = Link::found(&self.input.pairing, side, half);
                beside.id = beside.id.beside();
                // What was made for it before stays with that link, and its create tokens are spent.
                beside.generation = link.generation.saturating_add(1);
                Some(beside)
            }
            (Some(mut link), seen) => {
                let before = link.retry.clone();
                let lone = link.lone_side().is_some();
                if let Seen::Present(item) = &seen
                    && became_private(&link, side, item)
                {
                    link.memory.private_from = Some(side);
                }
                let half = link.halves.get_mut(side).as_mut()?;
                half.listed = number;
                match seen {
                    Seen::Present(item) => {
                        half.see(*item);
                        // What a person was asked about is no longer there to be decided.
                        if !link.is_dirty() {
                            link.hold = None;
                        }
                    }
                    Seen::Absent => {
                        half.fresh |= !half.is_gone();
                        self.went |= half.fresh;
                        half.go(lone);
                    }
                    Seen::Unreadable(_) if planted(Defect::UnreadableIsGone) => {
                        half.seen = Some(Observation::Gone);
                        return Some(link);
                    }
                    Seen::Unreadable(why) => {
                        if lone && half.is_gone() {
                            // Read again, it was put back, and is not what nothing was made of as it stood.
                            half.last = half.shadow.take().map(Box::new);
                        }
                        half.seen = Some(Observation::Unread(why.clone()));
                        link.retry = Some(retry_after(before.as_ref(), why, self.input.now));
                        return Some(link);
                    }
                }
                // What was never readable stays set aside until the other side is read too, and is due at once.
                let unread = link.halves.get(side.other()).as_ref().is_some_and(Half::is_unread);
                link.retry = before.filter(|_| unread).map(|retry| Retry { at: self.input.now, ..retry });
                Some(link)
            }
        }
    }
}

/// The item of `side` that our receipt in a lone item of the other side names, where nobody is asked about that one.
fn names_new(link: &Link, side: Side) -> Option<ItemKey> {
    let half = link.halves.get(side.other()).as_ref().filter(|_| link.lone_side() == Some(side.other()))?;
    let receipt = half.sighting().filter(|_| link.hold.is_none())?.receipt.as_ref()?;
    Some(receipt.counterpart.clone())
}

/// Whether somebody made it private on this side alone, also where it was private before and public only in between, or the other
/// one was gone. Of what was on the other side meanwhile a lone item says nothing.
fn became_private(link: &Link, side: Side, item: &Item) -> bool {
    if link.memory.arrived(side, item.receipt.as_ref()).is_some() {
        return false;
    }
    let private = |side: Side| Some(has_private(link.halves.get(side).as_ref()?.latest()?.1));
    let alone = link.halves.get(side.other()).as_ref().is_some_and(Half::is_gone);
    private(side) == Some(false)
        && has_private(&item.series)
        && (alone || private(side.other()) == Some(false))
}

/// An item that was never seen before.
pub(super) fn new_half(item: Item, listed: u32) -> Half {
    Half {
        key: item.key.clone(),
        shadow: None,
        access: item.access,
        seen: Some(Observation::Present(Box::new(Sighting::from(item)))),
        listed,
        kept: None,
        last: None,
        fresh: false,
    }
}

fn mark_listed(link: &mut Link, side: Side, number: u32) {
    if let Some(half) = link.halves.get_mut(side).as_mut() {
        half.listed = number;
    }
}

/// Whether this revision is known: our own write coming back, or something seen already.
fn is_echo(link: &Link, side: Side, revision: &Revision) -> bool {
    let Some(half) = link.halves.get(side) else { return false };
    if planted(Defect::EchoIsEdit) {
        return false;
    }
    match &half.seen {
        Some(Observation::Present(sighting)) => sighting.revision == *revision,
        Some(Observation::Gone | Observation::Unread(_)) => false,
        None => half.shadow.as_ref().is_some_and(|shadow| shadow.revision == *revision),
    }
}
