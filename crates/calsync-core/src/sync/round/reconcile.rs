//! Deals with links on which something was seen, batch by batch: what has to be known first, who belongs to whom, what
//! is decided, and carrying it out.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::{Mode, Pending, Stop, Work};
use crate::defects::{Defect, planted};
use crate::ids::{ItemKey, LinkId, PerSide, Side};
use crate::link::{Half, Hold, HoldKind, Intent, Link, Retry};
use crate::source::{Seen, WriteOp};
use crate::store::Commit;
use crate::sync::decide::{Context, LinkPlan, Suspicion, decide};
use crate::sync::parting::leaving;
use crate::sync::plan::Likeness;
use crate::sync::rebase::outranked;
use crate::sync::scope::Leaving;
use crate::sync::settle::settle_arrived;
use crate::sync::verdict::State;

/// How many links are planned, journaled and committed together.
pub(super) const BATCH: usize = 100;

/// Whether this link is without its item of `side`, and a person said what is to follow from that.
fn is_answered_deletion(link: &Link, side: Side) -> bool {
    let gone = link.halves.get(side).as_ref().is_some_and(Half::is_gone);
    let answered = |hold: &Hold| hold.kind == HoldKind::Deletion && hold.answer.is_some();
    link.lone_side().is_none() && gone && link.hold.as_ref().is_some_and(answered)
}

/// How often an item that nobody could read yet is tried before what may be about it goes on without: about half an hour.
const READINGS: u32 = 5;

/// Whether there is something on this side that was never read, and will soon be tried again.
fn is_unread_yet(link: &Link, side: Side) -> bool {
    let half = link.halves.get(side).as_ref();
    let unread = half.is_some_and(|half| half.shadow.is_none() && State::of(Some(half)) == State::Unread);
    unread && link.retry.as_ref().is_none_or(|retry| retry.attempts <= READINGS)
}

/// For how many rounds a link waits for that.
const WAITS: u32 = 3;

/// Leaves the link as it is for a round.
fn wait_for_reading(link: &mut Link, now: DateTime<Utc>) -> LinkPlan {
    let attempts = link.retry.as_ref().map_or(0, |retry| retry.attempts).saturating_add(1);
    let why = "something that nobody could read yet may be the same".to_owned();
    link.retry = Some(Retry { attempts, at: now, why });
    LinkPlan { untouched: true, ..LinkPlan::default() }
}

/// A link in the making, with what was decided about it.
pub(super) struct Case {
    pub(super) link: Link,
    pub(super) likeness: Option<Likeness>,
    pub(super) suspicion: Option<Suspicion>,
    pub(super) plan: LinkPlan,
}

impl Case {
    /// Whether anything is other afterwards; not where it waits for a person as before.
    fn settles(&self) -> bool {
        let waits = self.plan.hold.is_some() && self.link.hold.is_some();
        let writes = Side::BOTH.into_iter().any(|side| self.plan.writes.get(side).is_some());
        !self.plan.untouched && (writes || !waits)
    }
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
            let waits = |link: &Link| self.is_open(link.id) || self.is_made_by_open(link);
            let links = links.into_iter().filter(|link| !consumed.contains(&link.id) && !waits(link));
            let links = links.collect();
            self.deal_with(links, hold_deletions, &mut consumed).await?;
        }
        self.look_after_answers().await?;
        // What was refused for a whole side ends the round only now: the other side was served meanwhile.
        for side in Side::BOTH {
            if let Some(error) = self.unusable.get_mut(side).take() {
                return Err(Stop::Source(side, error));
            }
        }
        Ok(())
    }

    /// Whether a write of this link still waits for its outcome.
    pub(super) fn is_open(&self, link: LinkId) -> bool {
        self.head.intents.iter().any(|intent| intent.write.link == link) && !planted(Defect::OpenWriteIgnored)
    }

    /// Whether the lone item is what a create made whose outcome is not known yet: it is the counterpart of that link, and settling
    /// the create says so.
    pub(super) fn is_made_by_open(&self, link: &Link) -> bool {
        let Some(side) = link.lone_side() else { return false };
        let Some(half) = link.halves.get(side).as_ref().filter(|half| half.shadow.is_none()) else {
            return false;
        };
        let made = |intent: &&Intent| {
            let create = matches!(intent.write.op, WriteOp::Create { .. });
            create && intent.side == side && intent.order.is_none() && intent.write.link != link.id
        };
        let is_it = |intent: &Intent| match (half.receipt(), half.sighting(), &intent.write.op) {
            (Some(receipt), _, _) => receipt.is_left_by(&intent.write.receipt),
            // Made by the first of several steps.
            (None, Some(sighting), WriteOp::Create { series, .. }) => {
                sighting.series.is_at_the_time_of(series)
            }
            (None, _, _) => false,
        };
        self.head.intents.iter().filter(made).any(is_it) && !planted(Defect::OpenWriteIgnored)
    }

    /// Learns all that has to be known of the whole calendar before the first decision: what could not be read before
    /// is read, what moved to another key is found again, and then the deletions that are left are counted. Says on
    /// which side they are too many to be meant; a first sync deletes nothing at all.
    async fn prepare(&mut self) -> Result<PerSide<bool>, Stop> {
        let now = self.input.now;
        (self.unread, self.unsure) = (PerSide::default(), PerSide::default());
        let mut counts = self.port.counts().await?;
        let mut parting = PerSide { a: 0, b: 0 };
        // Deletions about which a person decided are meant, or do not take place: they hold no others.
        let mut answered = PerSide { a: 0, b: 0 };
        let parts = self.input.settings.parts();
        let gone = counts.gone.a > 0 || counts.gone.b > 0 || self.went;
        if counts.failing > 0 {
            self.read_failing().await?;
        }
        if counts.failing > 0 || gone || parts {
            // What is set aside may have moved all the same.
            let later = now.checked_add_signed(Duration::days(1)).unwrap_or(now);
            let mut after = None;
            let mut consumed = BTreeSet::new();
            loop {
                let links = self.port.due_links(after, later, BATCH).await?;
                let Some(last) = links.last() else { break };
                after = Some(last.id);
                let before = links.clone();
                let mut pending = Pending::default();
                let mut links = self.find_moved(links, &mut pending, &mut consumed).await?;
                // Both sides were read to their ends.
                links.iter_mut().for_each(Link::looked_at);
                for side in Side::BOTH {
                    *self.unread.get_mut(side) |= links.iter().any(|link| is_unread_yet(link, side));
                    let unsure = links.iter().filter_map(|link| link.halves.get(side).as_ref());
                    let unsure = unsure.filter(|half| half.is_unread()).filter_map(Half::latest);
                    self.unsure.get_mut(side).extend(unsure.map(|(_, series)| series.uid.clone()));
                }
                for side in Side::BOTH {
                    let decided = links.iter().filter(|link| is_answered_deletion(link, side)).count();
                    *answered.get_mut(side) += decided as u64;
                }
                for link in links.iter().filter(|_| parts && !planted(Defect::PartingUncounted)) {
                    let left = leaving(link, &self.context(PerSide::default(), None, None));
                    if let Some((side, why)) = left
                        && link.hold.as_ref().is_none_or(|hold| hold.answer.is_none())
                        && self.input.settings.leaving_for(why) == Leaving::Delete
                    {
                        *parting.get_mut(side) += 1;
                    }
                }
                pending.put = links.into_iter().filter(|link| !before.contains(link)).collect();
                if !pending.is_empty() {
                    self.commit(pending.into_commit()).await?;
                }
            }
            counts = self.port.counts().await?;
        }
        self.hold_changes = self.count_changes(counts.linked).await?;
        // What comes in small helpings is seen as a whole: the deletions of the last hour count, and what they deleted.
        Ok(PerSide::from_fn(|side| {
            let before = self.head.deleted.get(side).count(now);
            let deletions = counts.gone.get(side).saturating_sub(*answered.get(side)) + *parting.get(side);
            let too_many = self.input.settings.guard.holds(deletions + before, counts.linked + before);
            !self.head.first_sync_done && !planted(Defect::FirstSyncDeletes)
                || deletions > 0 && too_many && !planted(Defect::GuardOff)
        }))
    }

    /// Reads what could not be read before, where it is due.
    async fn read_failing(&mut self) -> Result<(), Stop> {
        let mut after = None;
        loop {
            let before = self.port.due_links(after, self.input.now, BATCH).await?;
            let Some(last) = before.last() else { return Ok(()) };
            after = Some(last.id);
            let links = self.read_unread(before.clone()).await?;
            let put: Vec<Link> = links.into_iter().filter(|link| !before.contains(link)).collect();
            if !put.is_empty() {
                self.commit(Commit { put, ..Commit::default() }).await?;
            }
        }
    }

    async fn deal_with(
        &mut self,
        links: Vec<Link>,
        hold_deletions: PerSide<bool>,
        consumed: &mut BTreeSet<LinkId>,
    ) -> Result<(), Stop> {
        let mut pending = Pending::default();
        let links = self.read_unread(links).await?;
        let links = self.read_named(links).await?;
        let links = self.settle_all_arrived(links);
        let links = self.lead_late(links).await?;
        let mut cases = self.find_counterparts(links, &mut pending, consumed).await?;
        for case in &mut cases {
            // Read from a store that is older than the items, or lost.
            if let Some(link) = outranked(&case.link, &self.setting())
                && !planted(Defect::OlderStoreUnnoticed)
            {
                case.link = link;
            }
        }
        if !planted(Defect::TombstoneIgnored) {
            self.find_buried(&mut cases).await?;
        }
        if !planted(Defect::DoublesUnnoticed) {
            self.find_doubles(&mut cases).await?;
        }
        if !planted(Defect::TwinsUnnoticed) {
            self.find_twins(&mut cases).await?;
        }
        let decide_case = |work: &Work, case: &Case| {
            let context = work.context(hold_deletions, case.suspicion, case.likeness);
            let plan = decide(&case.link, &Context { leads: work.leads(case.link.id), ..context });
            if work.waits_for_reading(case, &plan) { None } else { Some(plan) }
        };
        for case in &mut cases {
            case.plan =
                decide_case(self, case).unwrap_or_else(|| wait_for_reading(&mut case.link, self.input.now));
        }
        for index in self.look_before_create(&mut cases).await? {
            if let Some(case) = cases.get_mut(index) {
                case.plan = decide_case(self, case)
                    .unwrap_or_else(|| wait_for_reading(&mut case.link, self.input.now));
            }
        }
        self.ask_fits(&mut cases).await?;
        if cases.iter().any(Case::settles) {
            self.look_at_marks().await?;
        }
        for case in &mut cases {
            self.report.note(std::mem::take(&mut case.plan.steps));
            self.report.leave_out(std::mem::take(&mut case.plan.left_out));
        }
        if self.input.mode == Mode::Plan {
            for case in &cases {
                self.note_answer(&case.link, &case.plan, &PerSide::default());
            }
            return Ok(());
        }
        self.carry_out(cases, pending).await
    }

    /// What was given up and arrived all the same counts as carried out, before anything is made of it.
    fn settle_all_arrived(&self, links: Vec<Link>) -> Vec<Link> {
        let settled = |link: Link| settle_arrived(&link, &self.setting()).unwrap_or(link);
        links.into_iter().map(settled).collect()
    }

    /// Whether what nobody could read yet may be what is missing here: the item that is gone, under another key, or in a first
    /// sync the counterpart that is about to be made. Until then nothing is deleted in a first sync, and nobody is asked.
    fn waits_for_reading(&self, case: &Case, plan: &LinkPlan) -> bool {
        let waited = case.link.retry.as_ref().map_or(0, |retry| retry.attempts) >= WAITS;
        let unread = self.unread.a || self.unread.b;
        let first = !self.head.first_sync_done;
        let misses = Side::BOTH.into_iter().any(|side| {
            let gone = case.link.halves.get(side).as_ref().is_some_and(Half::is_gone);
            let write = plan.writes.get(side).as_ref();
            let creates = write.is_some_and(|write| matches!(write.op, WriteOp::Create { .. }));
            // It may be what cannot be read under its old key.
            let lone = case.link.lone_side() == Some(side);
            let latest = case.link.halves.get(side).as_ref().and_then(Half::latest);
            let unsure = latest.is_some_and(|(_, series)| self.unsure.get(side).contains(&series.uid));
            lone && unsure
                || gone && (*self.unread.get(side) || first && unread)
                || creates && first && *self.unread.get(side)
        });
        misses && !waited
    }

    pub(super) fn context(
        &self,
        hold_deletions: PerSide<bool>,
        suspicion: Option<Suspicion>,
        likeness: Option<Likeness>,
    ) -> Context<'_> {
        Context {
            pairing: &self.input.pairing,
            settings: &self.input.settings,
            before: self.before.as_deref(),
            now: self.input.now,
            offsets: self.offsets,
            hold_deletions,
            hold_changes: self.hold_changes,
            marks: PerSide::from_fn(|side| self.input.capabilities.get(side).marks),
            unheld: PerSide::from_fn(|side| self.input.capabilities.get(side).unheld),
            kept_uid: PerSide::from_fn(|side| self.input.capabilities.get(side).kept_uid),
            suspicion,
            likeness,
            leads: None,
        }
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
}
