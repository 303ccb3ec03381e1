//! Deals with links on which something was seen: match, decide, look before create, journal, write, commit.

use std::collections::{BTreeMap, BTreeSet};

use super::read::new_half;
use super::{Mode, Pending, Stop, Work};
use chrono::{DateTime, Utc};

use crate::ids::{CreateToken, ItemKey, LinkId, PerSide, Revision, Side};
use crate::link::{Link, MatchKey, Observation};
use crate::source::{Applied, Item, Receipt, Seen, SourceErrorKind, Write, WriteOp, WriteOutcome};
use crate::store::{Closed, JournalEntry, Recorded};
use crate::sync::decide::{Context, LinkPlan, PlannedWrite, State, Suspicion, decide};
use crate::sync::plan::Likeness;
use crate::sync::settle::{After, Outcome, adopt_half_made, retry_after, settle};

/// How many links are planned, journaled and committed together.
const BATCH: usize = 100;

/// A link in the making, with what was decided about it.
struct Case {
    link: Link,
    likeness: Option<Likeness>,
    suspicion: Option<Suspicion>,
    plan: LinkPlan,
}

impl Work {
    /// Deals with everything that was seen and is not set aside.
    pub(super) async fn reconcile(&mut self) -> Result<(), Stop> {
        let hold_deletions = self.prepare().await?;
        let mut after = None;
        let mut consumed = BTreeSet::new();
        loop {
            let links = self.port.due_links(after, self.input.now, BATCH).await?;
            let Some(last) = links.last() else { break };
            after = Some(last.id);
            let links =
                links.into_iter().filter(|link| !consumed.contains(&link.id) && !self.is_open(link.id));
            self.deal_with(links.collect(), hold_deletions, &mut consumed).await?;
        }
        // What was refused for a whole side ends the round only now: the other side was served meanwhile.
        for side in Side::BOTH {
            if let Some(error) = self.unusable.get_mut(side).take() {
                return Err(Stop::Source(side, error));
            }
        }
        Ok(())
    }

    /// Whether a write of this link still waits for its outcome.
    fn is_open(&self, link: LinkId) -> bool {
        self.head.intents.iter().any(|intent| intent.write.link == link)
    }

    /// Learns all that has to be known of the whole calendar before the first decision: what could not be read before
    /// is read, what moved to another key is found again, and then the deletions that are left are counted. Says on
    /// which side they are too many to be meant; a first sync deletes nothing at all.
    async fn prepare(&mut self) -> Result<PerSide<bool>, Stop> {
        let mut counts = self.port.counts().await?;
        if counts.failing > 0 || counts.gone.a > 0 || counts.gone.b > 0 {
            let mut after = None;
            let mut consumed = BTreeSet::new();
            loop {
                let links = self.port.due_links(after, self.input.now, BATCH).await?;
                let Some(last) = links.last() else { break };
                after = Some(last.id);
                let before = links.clone();
                let mut pending = Pending::default();
                let links = self.read_unread(links).await?;
                let links = self.find_moved(links, &mut pending, &mut consumed).await?;
                pending.put = links.into_iter().filter(|link| !before.contains(link)).collect();
                if !pending.is_empty() {
                    self.commit(pending.into_commit()).await?;
                }
            }
            counts = self.port.counts().await?;
        }
        Ok(PerSide::from_fn(|side| {
            !self.head.first_sync_done
                || self.input.settings.guard.holds(*counts.gone.get(side), counts.linked)
        }))
    }

    async fn deal_with(
        &mut self,
        links: Vec<Link>,
        hold_deletions: PerSide<bool>,
        consumed: &mut BTreeSet<LinkId>,
    ) -> Result<(), Stop> {
        let mut pending = Pending::default();
        let links = self.read_unread(links).await?;
        let mut cases = self.find_counterparts(links, &mut pending, consumed).await?;
        self.find_buried(&mut cases).await?;
        self.find_doubles(&mut cases).await?;
        let unheld = self.setting().unheld;
        let decide_case = |work: &Work, case: &Case| {
            let context = Context {
                pairing: &work.input.pairing,
                settings: &work.input.settings,
                offsets: work.offsets,
                hold_deletions,
                unheld,
                suspicion: case.suspicion,
                likeness: case.likeness,
            };
            decide(&case.link, &context)
        };
        for case in &mut cases {
            case.plan = decide_case(self, case);
        }
        for index in self.look_before_create(&mut cases).await? {
            if let Some(case) = cases.get_mut(index) {
                case.plan = decide_case(self, case);
            }
        }
        for case in &mut cases {
            self.report.note(std::mem::take(&mut case.plan.steps));
        }
        if self.input.mode == Mode::Plan {
            return Ok(());
        }
        self.carry_out(cases, pending).await
    }

    /// Reads what has to be read before anything is decided.
    async fn read_unread(&mut self, mut links: Vec<Link>) -> Result<Vec<Link>, Stop> {
        for side in Side::BOTH {
            let unread = |link: &Link| State::of(link.halves.get(side).as_ref()) == State::Unread;
            let keys: Vec<ItemKey> = links
                .iter()
                .filter(|link| unread(link))
                .filter_map(|link| link.halves.get(side).as_ref().map(|half| half.key.clone()))
                .collect();
            let mut seen = self.port.fetch(side, self.batch(side), &keys).await?.into_iter();
            for link in links.iter_mut().filter(|link| unread(link)) {
                let Some(half) = link.halves.get(side).as_ref() else { continue };
                let key = half.key.clone();
                let Some(seen) = seen.next() else { continue };
                if let Seen::Unreadable(why) = &seen {
                    self.report.fail(link.id, side, why.clone());
                }
                if let Some(read) = self.note_seen(side, &key, Some(link.clone()), seen) {
                    *link = read;
                }
            }
        }
        Ok(links)
    }

    /// An item that is gone under its key may be there under another: moved out of the calendar and back, or made
    /// anew by the server. Then the link goes on with the new key.
    async fn find_moved(
        &mut self,
        mut links: Vec<Link>,
        pending: &mut Pending,
        consumed: &mut BTreeSet<LinkId>,
    ) -> Result<Vec<Link>, Stop> {
        for side in Side::BOTH {
            let is_gone = |link: &Link| {
                link.lone_side().is_none()
                    && link.halves.get(side).as_ref().is_some_and(|half| half.seen == Some(Observation::Gone))
            };
            let by: Vec<MatchKey> =
                links.iter().filter(|link| is_gone(link)).filter_map(|link| uid_of(link, side)).collect();
            if by.is_empty() {
                continue;
            }
            let candidates = self.port.lone_links(side, by).await?;
            for link in links.iter_mut().filter(|link| is_gone(link)) {
                let Some(uid) = uid_of(link, side) else { continue };
                let mut same = candidates
                    .iter()
                    .filter(|lone| !consumed.contains(&lone.id) && uid_of(lone, side).as_ref() == Some(&uid));
                let (Some(lone), None) = (same.next(), same.next()) else { continue };
                let (Some(new), Some(half)) = (lone.halves.get(side).clone(), link.halves.get_mut(side))
                else {
                    continue;
                };
                consumed.insert(lone.id);
                pending.remove.push(lone.id);
                half.key = new.key;
                half.seen = new.seen;
                half.access = new.access;
                half.listed = new.listed;
            }
        }
        links.retain(|link| !consumed.contains(&link.id));
        Ok(links)
    }

    /// Puts lone halves together that are the same appointment: by receipt, by UID, and in a first sync by content
    /// where it is unique on both sides.
    async fn find_counterparts(
        &mut self,
        links: Vec<Link>,
        pending: &mut Pending,
        consumed: &mut BTreeSet<LinkId>,
    ) -> Result<Vec<Case>, Stop> {
        let mut pool: PerSide<Vec<Link>> = PerSide::default();
        for side in Side::BOTH {
            let by: BTreeSet<MatchKey> = links.iter().filter_map(keys_of_new).flatten().collect();
            if !by.is_empty() {
                *pool.get_mut(side) = self.port.lone_links(side, by.into_iter().collect()).await?;
            }
        }
        let mut cases = Vec::with_capacity(links.len());
        for link in links {
            if consumed.contains(&link.id) {
                continue;
            }
            let found = self.counterpart(&link, &pool, consumed);
            let Some((side, lone, likeness)) = found else {
                cases.push(Case { link, likeness: None, suspicion: None, plan: LinkPlan::default() });
                continue;
            };
            // The link of side A lives on, so that both orders of reading give the same id.
            let (mut kept, dropped) = if side == Side::A { (link, lone) } else { (lone, link) };
            kept.halves.b.clone_from(&dropped.halves.b);
            kept.retry = None;
            consumed.insert(dropped.id);
            consumed.insert(kept.id);
            pending.remove.push(dropped.id);
            cases.push(Case {
                link: kept,
                likeness: Some(likeness),
                suspicion: None,
                plan: LinkPlan::default(),
            });
        }
        Ok(cases)
    }

    /// The counterpart of a lone half: the side of `link`, the other lone link, and by what it was recognised.
    fn counterpart(
        &self,
        link: &Link,
        pool: &PerSide<Vec<Link>>,
        consumed: &BTreeSet<LinkId>,
    ) -> Option<(Side, Link, Likeness)> {
        let side = link.lone_side()?;
        let half = link.halves.get(side).as_ref()?;
        let sighting = half.sighting()?;
        let free = |side: Side| {
            pool.get(side).iter().filter(move |lone| !consumed.contains(&lone.id) && lone.id != link.id)
        };
        let other = |lone: &Link| lone.halves.get(side.other()).clone();
        let uid = &sighting.series.uid;

        // A copy made by a person carries the receipt too; the one that shares our UID is the original.
        let mut by_receipt: Vec<&Link> = free(side.other())
            .filter(|lone| {
                other(lone).is_some_and(|theirs| {
                    let theirs_names_ours = theirs
                        .sighting()
                        .and_then(|sighting| sighting.receipt.as_ref())
                        .is_some_and(|receipt| receipt.counterpart == half.key);
                    let ours_names_theirs =
                        sighting.receipt.as_ref().is_some_and(|receipt| receipt.counterpart == theirs.key);
                    theirs_names_ours || ours_names_theirs
                })
            })
            .collect();
        by_receipt.sort_by_key(|lone| {
            let theirs = other(lone);
            let sighting = theirs.as_ref().and_then(|theirs| theirs.sighting());
            let same_uid = sighting.is_some_and(|sighting| sighting.series.uid == *uid);
            (!same_uid, sighting.and_then(|sighting| sighting.created))
        });
        if let Some(lone) = by_receipt.first() {
            return Some((side, (*lone).clone(), Likeness::Receipt));
        }

        let only = |matches: &dyn Fn(&Link, Side) -> bool| -> Option<Link> {
            let mut theirs = free(side.other()).filter(|lone| matches(lone, side.other()));
            let (found, None) = (theirs.next()?, theirs.next()) else { return None };
            free(side).all(|lone| !matches(lone, side)).then(|| found.clone())
        };
        let same_uid = |lone: &Link, side: Side| {
            let half = lone.halves.get(side).as_ref();
            half.and_then(|half| half.latest()).is_some_and(|(_, series)| series.uid == *uid)
        };
        if let Some(lone) = only(&same_uid) {
            return Some((side, lone, Likeness::Uid));
        }
        if self.head.first_sync_done {
            return None;
        }
        let likeness = sighting.series.likeness();
        let alike = |lone: &Link, side: Side| {
            let half = lone.halves.get(side).as_ref();
            half.and_then(|half| half.sighting())
                .is_some_and(|sighting| sighting.series.likeness() == likeness)
        };
        only(&alike).map(|lone| (side, lone, Likeness::Content))
    }

    /// Recognises old copies of what was deleted on both sides.
    async fn find_buried(&mut self, cases: &mut [Case]) -> Result<(), Stop> {
        for side in Side::BOTH {
            let lone = |case: &Case| case.link.lone_side() == Some(side) && keys_of_new(&case.link).is_some();
            let halves: Vec<_> = cases
                .iter()
                .filter(|case| lone(case))
                .filter_map(|case| case.link.halves.get(side).clone())
                .collect();
            if halves.is_empty() || !self.head.first_sync_done {
                continue;
            }
            let tombstones = self.port.tombstones(side, halves).await?;
            for case in cases.iter_mut().filter(|case| lone(case)) {
                let sighting = case.link.halves.get(side).as_ref().and_then(|half| half.sighting());
                let buried = sighting.is_some_and(|sighting| {
                    tombstones.iter().any(|tombstone| {
                        let old = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at < tombstone.at);
                        tombstone.uid == sighting.series.uid
                            && old(sighting.modified)
                            && old(sighting.created)
                    })
                });
                if buried {
                    case.suspicion = Some(Suspicion::CameBack);
                }
            }
        }
        Ok(())
    }

    /// Recognises what we made twice because an answer came too late: an item with our receipt whose counterpart is
    /// in step with another item of the same UID. (A copy that a person made has a UID of its own.)
    async fn find_doubles(&mut self, cases: &mut [Case]) -> Result<(), Stop> {
        for side in Side::BOTH {
            let counterpart = |case: &Case| -> Option<ItemKey> {
                (case.link.lone_side() == Some(side)).then_some(())?;
                let sighting = case.link.halves.get(side).as_ref()?.sighting()?;
                Some(sighting.receipt.as_ref()?.counterpart.clone())
            };
            let keys: Vec<ItemKey> = cases.iter().filter_map(counterpart).collect();
            if keys.is_empty() {
                continue;
            }
            let links = self.port.links_by_key(side.other(), keys).await?;
            for case in cases.iter_mut() {
                let Some(key) = counterpart(case) else { continue };
                let ours = uid_of(&case.link, side);
                let taken = links.iter().any(|link| {
                    let named = link.halves.get(side.other()).as_ref().is_some_and(|half| half.key == key);
                    let half = link.halves.get(side).as_ref();
                    let stands = half.is_some_and(|half| half.seen != Some(Observation::Gone));
                    link.id != case.link.id && named && stands && uid_of(link, side) == ours
                });
                if taken {
                    case.suspicion = Some(Suspicion::OurDouble);
                }
            }
        }
        Ok(())
    }

    /// Asks the target for items that an earlier create may have made and that its feed has not shown yet. Returns
    /// the cases about which something new is known.
    async fn look_before_create(&mut self, cases: &mut [Case]) -> Result<Vec<usize>, Stop> {
        let mut changed = Vec::new();
        for side in Side::BOTH {
            let mut asked: Vec<(usize, CreateToken)> = Vec::new();
            for (index, case) in cases.iter().enumerate() {
                if let Some(PlannedWrite { op: WriteOp::Create { token, .. }, .. }) =
                    case.plan.writes.get(side)
                {
                    asked.push((index, token.clone()));
                }
            }
            let tokens: Vec<CreateToken> = asked.iter().map(|(_, token)| token.clone()).collect();
            let found = self.port.find(side, self.batch(side), &tokens).await?;
            let mut found_items: BTreeMap<usize, Item> = BTreeMap::new();
            for ((index, _), seen) in asked.iter().zip(found) {
                match seen {
                    Seen::Present(item) => drop(found_items.insert(*index, *item)),
                    Seen::Absent => {}
                    // It is there, so it must not be made again; what it is will be known when it can be read.
                    Seen::Unreadable(why) => {
                        if let Some(case) = cases.get_mut(*index) {
                            case.link.retry =
                                Some(retry_after(case.link.retry.as_ref(), why.clone(), self.input.now));
                            self.report.fail(case.link.id, side, why);
                            case.plan = LinkPlan { untouched: true, ..LinkPlan::default() };
                        }
                    }
                }
            }
            let found = found_items;
            if found.is_empty() {
                continue;
            }
            let keys = found.values().map(|item| item.key.clone()).collect();
            let known = self.port.links_by_key(side, keys).await?;
            for (index, item) in found {
                let taken = known
                    .iter()
                    .any(|link| link.halves.get(side).as_ref().is_some_and(|half| half.key == item.key));
                let Some(case) = cases.get_mut(index) else { continue };
                // An item that belongs to another link is a copy, and says nothing about this one.
                if taken {
                    continue;
                }
                if item.receipt.is_some() {
                    *case.link.halves.get_mut(side) =
                        Some(new_half(item, self.head.listings.get(side).number));
                    case.likeness = Some(Likeness::Receipt);
                } else {
                    case.link = adopt_half_made(&case.link, side, item, *self.head.listings.get(side));
                }
                changed.push(index);
            }
        }
        Ok(changed)
    }

    async fn carry_out(&mut self, cases: Vec<Case>, mut pending: Pending) -> Result<(), Stop> {
        let made = PerSide::from_fn(|side| self.report.sides.get(side).created);
        let mut outcomes: BTreeMap<(LinkId, Side), Outcome> = BTreeMap::new();
        for (case, side) in cases.iter().flat_map(|case| Side::BOTH.map(|side| (case, side))) {
            // What a side that cannot be used would be sent is neither journaled nor sent.
            if self.unusable.get(side).is_some() && case.plan.writes.get(side).is_some() {
                outcomes.insert((case.link.id, side), Outcome::Refused(SourceErrorKind::Unavailable));
            }
        }
        let entries = self.journal_entries(&cases);
        if !entries.is_empty() {
            let recorded = self.port.journal(entries.clone()).await?;
            if recorded.len() != entries.len() {
                return Err(Stop::WrongReply);
            }
            self.head.intents.extend(entries.iter().map(JournalEntry::intent));
            for side in Side::BOTH {
                let mine: Vec<_> = recorded
                    .iter()
                    .zip(&entries)
                    .filter(|(_, entry)| entry.side == side)
                    .map(|(write, _)| write.clone())
                    .collect();
                for batch in mine.chunks(self.batch(side)) {
                    if self.unusable.get(side).is_some() {
                        // What was not sent was certainly not carried out.
                        for write in batch {
                            let refused = Outcome::Refused(SourceErrorKind::Unavailable);
                            outcomes.insert((write.get().link, side), refused);
                        }
                        continue;
                    }
                    let results = self.port.apply_some(side, batch.to_vec()).await?;
                    if results.len() != batch.len() {
                        return Err(Stop::WrongReply);
                    }
                    let writes: Vec<&Write> = batch.iter().map(Recorded::get).collect();
                    self.note_outcomes(side, &writes, results, &mut outcomes).await?;
                }
            }
        }
        for case in cases {
            let outcome = PerSide::from_fn(|side| outcomes.remove(&(case.link.id, side)));
            self.close(&case.link, &outcome, &mut pending);
            match settle(&case.link, &case.plan, &outcome, &self.setting()) {
                After::Keep(link) => pending.put.push(*link),
                After::End => pending.bury(&case.link, self.input.now),
            }
        }
        if !pending.is_empty() {
            self.commit_with_made(pending, &made).await?;
        }
        Ok(())
    }

    fn journal_entries(&self, cases: &[Case]) -> Vec<JournalEntry> {
        let mut entries = Vec::new();
        for case in cases {
            let mut number = case.link.writes;
            for side in Side::BOTH {
                let Some(planned) = case.plan.writes.get(side) else { continue };
                if self.unusable.get(side).is_some() {
                    continue;
                }
                number += 1;
                let Some(receipt) = self.receipt(&case.link, side, &planned.op, number) else { continue };
                entries.push(JournalEntry {
                    at: self.input.now,
                    side,
                    write: Write { link: case.link.id, op: planned.op.clone(), receipt },
                    reason: planned.reason.clone(),
                    before: planned.before.clone(),
                    outcome: None,
                });
            }
        }
        entries
    }

    fn receipt(&self, link: &Link, side: Side, op: &WriteOp, number: u64) -> Option<Receipt> {
        let counterpart = link.halves.get(side.other()).as_ref()?.key.clone();
        let derived = || CreateToken::derive(&self.input.pairing, side, &counterpart, link.generation);
        let (token, content) = match op {
            WriteOp::Create { token, series } => (token.clone(), series.content_hash()),
            WriteOp::Update { patch, current, .. } => {
                let written =
                    link.halves.get(side).as_ref().and_then(|half| half.sighting()?.receipt.as_ref());
                let token = written.map_or_else(derived, |receipt| receipt.token.clone());
                (token, patch.apply(current).content_hash())
            }
            WriteOp::Delete { .. } => (derived(), crate::ids::ContentHash::of(&[])),
        };
        Some(Receipt { token, counterpart, number, content })
    }

    /// Takes the answers of one batch and reads back what was only named. Where every write of the batch met what is
    /// wrong with the side and not with the item, the side is not written any more in this round.
    async fn note_outcomes(
        &mut self,
        side: Side,
        writes: &[&Write],
        results: Vec<WriteOutcome>,
        outcomes: &mut BTreeMap<(LinkId, Side), Outcome>,
    ) -> Result<(), Stop> {
        let mut unusable = None;
        let mut usable = false;
        let mut ends = None;
        let mut read_back: Vec<(&Write, ItemKey, Revision)> = Vec::new();
        for (write, result) in writes.iter().zip(results) {
            let outcome = match result {
                WriteOutcome::Applied(Applied::Item(item)) => Outcome::Written(item),
                WriteOutcome::Applied(Applied::Deleted) => Outcome::Deleted,
                WriteOutcome::Applied(Applied::Stored { key, revision }) => {
                    usable = true;
                    read_back.push((write, key, revision));
                    continue;
                }
                WriteOutcome::Refused(error) => {
                    self.report.fail(write.link, side, error.to_string());
                    let kind = error.kind.clone();
                    match scope(&kind) {
                        Scope::Item => usable = true,
                        Scope::Either => drop(unusable.get_or_insert(error)),
                        Scope::Side => drop(ends.get_or_insert(error)),
                    }
                    Outcome::Refused(kind)
                }
                WriteOutcome::Unknown(error) => {
                    self.report.fail(write.link, side, error.to_string());
                    unusable.get_or_insert(error);
                    Outcome::Unknown
                }
            };
            usable |= matches!(outcome, Outcome::Written(_) | Outcome::Deleted);
            self.count(side, write, &outcome);
            outcomes.insert((write.link, side), outcome);
        }
        for batch in read_back.chunks(self.batch(side)) {
            let keys = batch.iter().map(|(_, key, _)| key.clone()).collect();
            // What cannot be read back now is not in step yet: the intent stays open, and the next round asks.
            let seen = match self.port.fetch_some(side, keys).await {
                Ok(seen) => seen,
                Err(Stop::Source(_, error)) => {
                    ends.get_or_insert(error);
                    Vec::new()
                }
                Err(stop) => return Err(stop),
            };
            let mut seen = seen.into_iter();
            for (write, _, revision) in batch {
                let outcome = match seen.next() {
                    Some(Seen::Present(item)) if item.revision == *revision => Outcome::Written(item),
                    Some(Seen::Present(item)) => Outcome::WrittenAndChanged(item),
                    Some(Seen::Absent | Seen::Unreadable(_)) | None => Outcome::Unknown,
                };
                self.count(side, write, &outcome);
                outcomes.insert((write.link, side), outcome);
            }
        }
        if ends.is_none() && !usable {
            ends = unusable;
            // What everything was denied for is not the fault of any item.
            for write in writes {
                if let Some(outcome) = outcomes.get_mut(&(write.link, side))
                    && matches!(outcome, Outcome::Refused(SourceErrorKind::Denied(_)))
                {
                    *outcome = Outcome::Refused(SourceErrorKind::Unavailable);
                }
            }
        }
        if ends.is_some() {
            *self.unusable.get_mut(side) = ends;
        }
        Ok(())
    }

    fn count(&mut self, side: Side, write: &Write, outcome: &Outcome) {
        let side = self.report.sides.get_mut(side);
        match (outcome, &write.op) {
            (Outcome::Written(_) | Outcome::WrittenAndChanged(_), WriteOp::Create { .. }) => {
                side.created += 1
            }
            (Outcome::Written(_) | Outcome::WrittenAndChanged(_), _) => side.updated += 1,
            (Outcome::Deleted, _) => side.deleted += 1,
            (Outcome::Refused(_) | Outcome::Unknown, _) => {}
        }
    }

    fn close(&self, link: &Link, outcomes: &PerSide<Option<Outcome>>, pending: &mut Pending) {
        for intent in self.head.intents.iter().filter(|intent| intent.write.link == link.id) {
            let outcome = match outcomes.get(intent.side) {
                Some(Outcome::Written(_) | Outcome::WrittenAndChanged(_) | Outcome::Deleted) => {
                    "carried out".to_owned()
                }
                Some(Outcome::Refused(kind)) => kind.to_string(),
                Some(Outcome::Unknown) | None => continue,
            };
            pending.closed.push(Closed {
                link: link.id,
                side: intent.side,
                number: intent.write.receipt.number,
                outcome,
            });
        }
    }
}

/// What a refusal is about.
enum Scope {
    /// This item.
    Item,
    /// This item, unless every item of the batch met it.
    Either,
    /// The whole side.
    Side,
}

fn scope(kind: &SourceErrorKind) -> Scope {
    match kind {
        SourceErrorKind::Stale
        | SourceErrorKind::Missing
        | SourceErrorKind::Rejected(_)
        | SourceErrorKind::Protocol(_) => Scope::Item,
        SourceErrorKind::Denied(_) | SourceErrorKind::NoAnswer => Scope::Either,
        SourceErrorKind::TokenExpired
        | SourceErrorKind::WentBack
        | SourceErrorKind::Throttled(_)
        | SourceErrorKind::Unavailable
        | SourceErrorKind::NoCalendar(_) => Scope::Side,
    }
}

fn uid_of(link: &Link, side: Side) -> Option<MatchKey> {
    let (_, series) = link.halves.get(side).as_ref()?.latest()?;
    Some(MatchKey::Uid(series.uid.clone()))
}

/// The keys under which the counterpart of a lone new half would be found; `None` for any other link.
fn keys_of_new(link: &Link) -> Option<Vec<MatchKey>> {
    let side = link.lone_side()?;
    let half = link.halves.get(side).as_ref()?;
    let sighting = half.sighting()?;
    let mut keys = vec![
        MatchKey::Counterpart(half.key.clone()),
        MatchKey::Uid(sighting.series.uid.clone()),
        MatchKey::Likeness(sighting.series.likeness()),
    ];
    if let Some(receipt) = &sighting.receipt {
        keys.push(MatchKey::Key(receipt.counterpart.clone()));
    }
    Some(keys)
}
