//! Deals with links on which something was seen: match, decide, look before create, journal, write, commit.

use std::collections::{BTreeMap, BTreeSet};

use super::read::new_half;
use super::{Mode, Pending, Stop, Work};
use crate::ids::{CreateToken, ItemKey, LinkId, PerSide, Side};
use crate::link::{Link, MatchKey, Observation};
use crate::source::{Applied, Receipt, Seen, SourceError, SourceErrorKind, Write, WriteOp, WriteOutcome};
use crate::store::{Closed, JournalEntry, Recorded};
use crate::sync::decide::{Context, LinkPlan, PlannedWrite, State, decide};
use crate::sync::plan::Likeness;
use crate::sync::settle::{After, Outcome, adopt_half_made, is_the_items_fault, settle};

/// How many links are planned, journaled and committed together.
const BATCH: usize = 100;

/// A link in the making, with what was decided about it.
struct Case {
    link: Link,
    likeness: Option<Likeness>,
    buried: bool,
    plan: LinkPlan,
}

impl Work {
    /// Deals with everything that was seen and is not set aside.
    pub(super) async fn reconcile(&mut self) -> Result<(), Stop> {
        let mut after = None;
        let mut hold_deletions = None;
        let mut consumed = BTreeSet::new();
        loop {
            let links = self.port.due_links(after, self.input.now, BATCH).await?;
            let Some(last) = links.last() else { return Ok(()) };
            after = Some(last.id);
            let hold_deletions = match hold_deletions {
                Some(hold) => hold,
                None => *hold_deletions.insert(self.guard().await?),
            };
            let links =
                links.into_iter().filter(|link| !consumed.contains(&link.id) && !self.is_open(link.id));
            self.deal_with(links.collect(), hold_deletions, &mut consumed).await?;
        }
    }

    /// Whether a write of this link still waits for its outcome.
    fn is_open(&self, link: LinkId) -> bool {
        self.head.intents.iter().any(|intent| intent.write.link == link)
    }

    /// Whether the deletions seen on a side are too many to be meant; a first sync deletes nothing at all.
    async fn guard(&mut self) -> Result<PerSide<bool>, Stop> {
        let counts = self.port.counts().await?;
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
        let links = self.find_moved(links, &mut pending, consumed).await?;
        let mut cases = self.find_counterparts(links, &mut pending, consumed).await?;
        self.find_buried(&mut cases).await?;
        let unheld = PerSide::from_fn(|side| self.input.capabilities.get(side).unheld);
        let decide_case = |work: &Work, case: &Case| {
            let context = Context {
                pairing: &work.input.pairing,
                settings: &work.input.settings,
                offsets: work.offsets,
                hold_deletions,
                unheld,
                buried: case.buried,
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
                cases.push(Case { link, likeness: None, buried: false, plan: LinkPlan::default() });
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
                buried: false,
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
                case.buried = sighting.is_some_and(|sighting| {
                    tombstones.iter().any(|tombstone| {
                        let old = |at: Option<chrono::DateTime<chrono::Utc>>| {
                            at.is_some_and(|at| at < tombstone.at)
                        };
                        tombstone.uid == sighting.series.uid
                            && old(sighting.modified)
                            && old(sighting.created)
                    })
                });
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
            let found: BTreeMap<usize, _> =
                asked.iter().zip(found).filter_map(|((index, _), item)| Some((*index, item?))).collect();
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
                    case.link = adopt_half_made(&case.link, side, item, &self.head.listings);
                }
                changed.push(index);
            }
        }
        Ok(changed)
    }

    async fn carry_out(&mut self, mut cases: Vec<Case>, mut pending: Pending) -> Result<(), Stop> {
        let made = PerSide::from_fn(|side| self.report.sides.get(side).created);
        let entries = self.journal_entries(&mut cases);
        let mut outcomes: BTreeMap<(LinkId, Side), Outcome> = BTreeMap::new();
        let mut stop = None;
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
                    if stop.is_some() {
                        // The side cannot be used: what was not sent was certainly not carried out.
                        for write in batch {
                            outcomes.insert(
                                (write.get().link, side),
                                Outcome::Refused(SourceErrorKind::Unavailable),
                            );
                        }
                        continue;
                    }
                    let results = self.port.apply_some(side, batch.to_vec()).await?;
                    if results.len() != batch.len() {
                        return Err(Stop::WrongReply);
                    }
                    let writes: Vec<&Write> = batch.iter().map(Recorded::get).collect();
                    stop = self.note_outcomes(side, &writes, results, &mut outcomes).await?;
                }
            }
        }
        for case in cases {
            let outcome = PerSide::from_fn(|side| outcomes.remove(&(case.link.id, side)));
            self.close(&case.link, &outcome, &mut pending);
            match settle(&case.link, &case.plan, &outcome, &self.head.listings, self.input.now) {
                After::Keep(link) => pending.put.push(*link),
                After::End => pending.bury(&case.link, self.input.now),
            }
        }
        if !pending.is_empty() {
            self.commit_with_made(pending, &made).await?;
        }
        match stop {
            Some((side, error)) => Err(Stop::Source(side, error)),
            None => Ok(()),
        }
    }

    fn journal_entries(&self, cases: &mut [Case]) -> Vec<JournalEntry> {
        let mut entries = Vec::new();
        for case in cases {
            let mut number = case.link.writes;
            for side in Side::BOTH {
                let Some(planned) = case.plan.writes.get(side) else { continue };
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

    /// Takes the answers of one batch, reads back what was only named, and says whether the side can still be used.
    async fn note_outcomes(
        &mut self,
        side: Side,
        writes: &[&Write],
        results: Vec<WriteOutcome>,
        outcomes: &mut BTreeMap<(LinkId, Side), Outcome>,
    ) -> Result<Option<(Side, SourceError)>, Stop> {
        let mut stop = None;
        let mut read_back: Vec<(&Write, ItemKey)> = Vec::new();
        for (write, result) in writes.iter().zip(results) {
            let outcome = match result {
                WriteOutcome::Applied(Applied::Item(item)) => Outcome::Written(item),
                WriteOutcome::Applied(Applied::Deleted) => Outcome::Deleted,
                WriteOutcome::Applied(Applied::Stored { key, .. }) => {
                    read_back.push((write, key));
                    continue;
                }
                WriteOutcome::Refused(error) => {
                    self.report.fail(write.link, side, error.to_string());
                    let kind = error.kind.clone();
                    let whole_side = !is_the_items_fault(&kind)
                        && !matches!(kind, SourceErrorKind::Stale | SourceErrorKind::Missing);
                    if whole_side && stop.is_none() {
                        stop = Some((side, error));
                    }
                    Outcome::Refused(kind)
                }
                WriteOutcome::Unknown(error) => {
                    self.report.fail(write.link, side, error.to_string());
                    Outcome::Unknown
                }
            };
            self.count(side, write, &outcome);
            outcomes.insert((write.link, side), outcome);
        }
        for batch in read_back.chunks(self.batch(side)) {
            let keys = batch.iter().map(|(_, key)| key.clone()).collect();
            // What cannot be read back now is not in step yet: the intent stays open, and the next round asks.
            let seen = match self.port.fetch_some(side, keys).await {
                Ok(seen) => seen,
                Err(Stop::Source(side, error)) => {
                    stop.get_or_insert((side, error));
                    Vec::new()
                }
                Err(stop) => return Err(stop),
            };
            let mut seen = seen.into_iter();
            for (write, _) in batch {
                let outcome = match seen.next() {
                    Some(Seen::Present(item)) => Outcome::Written(item),
                    Some(Seen::Absent | Seen::Unreadable(_)) | None => Outcome::Unknown,
                };
                self.count(side, write, &outcome);
                outcomes.insert((write.link, side), outcome);
            }
        }
        Ok(stop)
    }

    fn count(&mut self, side: Side, write: &Write, outcome: &Outcome) {
        let side = self.report.sides.get_mut(side);
        match (outcome, &write.op) {
            (Outcome::Written(_), WriteOp::Create { .. }) => side.created += 1,
            (Outcome::Written(_), _) => side.updated += 1,
            (Outcome::Deleted, _) => side.deleted += 1,
            (Outcome::Refused(_) | Outcome::Unknown, _) => {}
        }
    }

    fn close(&self, link: &Link, outcomes: &PerSide<Option<Outcome>>, pending: &mut Pending) {
        for intent in self.head.intents.iter().filter(|intent| intent.write.link == link.id) {
            let outcome = match outcomes.get(intent.side) {
                Some(Outcome::Written(_) | Outcome::Deleted) => "carried out".to_owned(),
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
