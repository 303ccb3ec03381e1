//! Settles writes whose outcome was not stored: by asking, never by repeating.

use std::collections::BTreeMap;

use super::report::Became;
use super::undo::see_undone;
use super::{Pending, Stop, Work};
use crate::defects::{Defect, planted};
use crate::ids::{CreateToken, ItemKey, LinkId, PerSide, Side};
use crate::link::{Intent, Link};
use crate::source::{Item, Seen, WriteOp};
use crate::store::{Closed, JournalEntry};
use crate::sync::settle::{After, adopt_half_made, settle_late};

/// What asking gave.
enum Finding {
    /// The write took place; this is the item, or it is gone as it should be.
    Done(Option<Box<Item>>),
    /// The item was made, but not all that was to be in it: a source that needs several steps leaves the receipt last.
    HalfMade(Box<Item>),
    /// It did not take place, or something came after it: what is there now will be read and planned anew.
    NotDone,
    /// Nobody knows yet.
    StillUnknown,
}

impl Work {
    pub(super) async fn recover(&mut self) -> Result<(), Stop> {
        if planted(Defect::NoRecovery) {
            return Ok(());
        }
        let intents = self.head.intents.clone();
        for side in Side::BOTH {
            let mine: Vec<&Intent> = intents.iter().filter(|intent| intent.side == side).collect();
            for batch in mine.chunks(self.batch(side)) {
                let findings = self.ask_about(side, batch).await?;
                self.settle_findings(batch, findings).await?;
            }
        }
        Ok(())
    }

    async fn ask_about(&mut self, side: Side, intents: &[&Intent]) -> Result<Vec<Finding>, Stop> {
        let tokens: Vec<CreateToken> = intents.iter().filter_map(|intent| created(intent)).collect();
        let keys: Vec<ItemKey> = intents.iter().filter_map(|intent| touched(intent)).collect();
        let found = self.port.find(side, self.batch(side), &tokens).await?;
        let seen = self.port.fetch(side, self.batch(side), &keys).await?;
        let (mut found, mut seen) = (found.into_iter(), seen.into_iter());
        Ok(intents
            .iter()
            .map(|intent| match &intent.write.op {
                WriteOp::Create { .. } => match found.next() {
                    Some(_) if planted(Defect::RecoveryAsksNobody) => Finding::NotDone,
                    Some(Seen::Present(item))
                        if has_receipt(&item, intent) || planted(Defect::HalfMadeIsWhole) =>
                    {
                        Finding::Done(Some(item))
                    }
                    Some(Seen::Present(item)) => Finding::HalfMade(item),
                    Some(Seen::Absent) => Finding::NotDone,
                    Some(Seen::Unreadable(_)) | None => Finding::StillUnknown,
                },
                WriteOp::Update { .. } => match seen.next() {
                    Some(Seen::Present(item)) => {
                        if has_receipt(&item, intent) || planted(Defect::RecoveryAssumesDone) {
                            Finding::Done(Some(item))
                        } else {
                            Finding::NotDone
                        }
                    }
                    Some(Seen::Absent) => Finding::NotDone,
                    Some(Seen::Unreadable(_)) | None => Finding::StillUnknown,
                },
                WriteOp::Delete { .. } => match seen.next() {
                    Some(Seen::Absent) => Finding::Done(None),
                    Some(Seen::Present(_)) => Finding::NotDone,
                    Some(Seen::Unreadable(_)) | None => Finding::StillUnknown,
                },
            })
            .collect())
    }

    async fn settle_findings(&mut self, intents: &[&Intent], findings: Vec<Finding>) -> Result<(), Stop> {
        let made = PerSide::from_fn(|side| self.report.sides.get(side).created);
        let mut ids: Vec<_> = intents.iter().map(|intent| intent.write.link).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut links = self.port.links_by_id(ids).await?;
        let remove = self.beside(intents, &findings, &links).await?;
        let mut pending = Pending { remove, ..Pending::default() };
        let mut undone = Vec::new();
        for (intent, finding) in intents.iter().zip(findings) {
            let outcome = match finding {
                Finding::StillUnknown => continue,
                Finding::NotDone => {
                    give_up(intent, &mut links);
                    JournalEntry::NOT_CARRIED_OUT
                }
                Finding::Done(item) if let Some(order) = intent.order => {
                    undone.push((*intent, order, item));
                    JournalEntry::CARRIED_OUT_LATE
                }
                Finding::HalfMade(_) if intent.order.is_some() => JournalEntry::CARRIED_OUT_IN_PART,
                Finding::Done(item) => {
                    self.settle_done(intent, item.as_deref(), &mut links, &mut pending);
                    JournalEntry::CARRIED_OUT_LATE
                }
                Finding::HalfMade(item) => {
                    if let Some(link) = links.iter_mut().find(|link| link.id == intent.write.link) {
                        let masked = intent.write.receipt.masked;
                        let sent = match &intent.write.op {
                            WriteOp::Create { series, .. } => Some(series.as_ref()),
                            WriteOp::Update { .. } | WriteOp::Delete { .. } => None,
                        };
                        *link = adopt_half_made(link, intent.side, &item, sent, masked, &self.setting());
                    }
                    self.report.sides.get_mut(intent.side).created += 1;
                    JournalEntry::CARRIED_OUT_IN_PART
                }
            };
            pending.closed.push(Closed {
                link: intent.write.link,
                side: intent.side,
                number: intent.write.receipt.number,
                outcome: outcome.to_owned(),
            });
        }
        let mut seen_anew = Vec::new();
        for (intent, order, item) in undone {
            seen_anew.extend(self.settle_undone(intent, order, item, &mut links, &mut pending).await?);
        }
        pending.put = links.into_iter().filter(|link| !pending.remove.contains(&link.id)).collect();
        pending.put.extend(seen_anew);
        if pending.is_empty() { Ok(()) } else { self.commit_with_made(pending, &made).await }
    }

    /// What took back an earlier write counts as seen, and not as carried. Gives the link that it founds, if any.
    async fn settle_undone(
        &mut self,
        intent: &Intent,
        order: u64,
        item: Option<Box<Item>>,
        links: &mut [Link],
        pending: &mut Pending,
    ) -> Result<Option<Link>, Stop> {
        let side = intent.side;
        let mut found = None;
        match item {
            Some(item) => {
                let known = self.port.links_by_key(side, vec![item.key.clone()]).await?.pop();
                let own =
                    links.iter_mut().find(|link| known.as_ref().is_some_and(|known| known.id == link.id));
                match (own, known) {
                    (Some(link), _) => see_undone(link, side, Some(*item)),
                    (None, Some(mut known)) => {
                        see_undone(&mut known, side, Some(*item));
                        found = Some(known);
                    }
                    (None, None) => found = Some(self.found_undone(side, *item)),
                }
            }
            None => {
                if let Some(link) = links.iter_mut().find(|link| link.id == intent.write.link) {
                    see_undone(link, side, None);
                }
            }
        }
        if let Some(link) = links.iter_mut().find(|link| link.id == intent.write.link) {
            link.writes = link.writes.max(intent.write.receipt.number);
        }
        self.report.sides.get_mut(side).count(&intent.write.op);
        self.report.order(order, Some(intent.write.link), Became::CarriedOut, "as found out later");
        pending.orders_done.push(order);
        Ok(found)
    }

    /// Links that items founded before it was known that they belong to another: the feed showed them as new, or two
    /// links became one by a write whose commit was lost. An item belongs to one link.
    async fn beside(
        &mut self,
        intents: &[&Intent],
        findings: &[Finding],
        links: &[Link],
    ) -> Result<Vec<LinkId>, Stop> {
        let mut remove = Vec::new();
        for side in Side::BOTH {
            let settled = intents.iter().zip(findings).filter(|(intent, _)| {
                let owner = links.iter().any(|link| link.id == intent.write.link);
                intent.side == side && intent.order.is_none() && owner
            });
            let owners: BTreeMap<ItemKey, LinkId> = settled
                .filter_map(|(intent, finding)| match finding {
                    Finding::Done(Some(item)) | Finding::HalfMade(item) => {
                        Some((item.key.clone(), intent.write.link))
                    }
                    Finding::Done(None) | Finding::NotDone | Finding::StillUnknown => None,
                })
                .collect();
            if owners.is_empty() || planted(Defect::FoundedTwice) {
                continue;
            }
            let founded = self.port.links_by_key(side, owners.keys().cloned().collect()).await?;
            remove.extend(founded.into_iter().filter_map(|link| {
                let key = &link.halves.get(side).as_ref()?.key;
                (link.lone_side().is_some() && owners.get(key) != Some(&link.id)).then_some(link.id)
            }));
        }
        Ok(remove)
    }

    fn settle_done(
        &mut self,
        intent: &Intent,
        item: Option<&Item>,
        links: &mut [Link],
        pending: &mut Pending,
    ) {
        let setting = self.setting();
        let Some(link) = links.iter_mut().find(|link| link.id == intent.write.link) else { return };
        if matches!(intent.write.op, WriteOp::Delete { .. }) {
            pending.count_deletion(link, intent.side);
        }
        match settle_late(link, intent, item, &setting) {
            After::Keep(next) => {
                pending.remember_replaced(link, &next, self.last_read);
                *link = *next;
            }
            After::End => pending.bury(link, self.last_read),
        }
        self.report.sides.get_mut(intent.side).count(&intent.write.op);
    }
}

/// An update may arrive all the same, long after its answer was awaited.
fn give_up(intent: &Intent, links: &mut [Link]) {
    let is_update = matches!(intent.write.op, WriteOp::Update { .. });
    if let Some(link) = links.iter_mut().find(|link| link.id == intent.write.link)
        && is_update
        && intent.order.is_none()
    {
        link.memory.give_up(intent);
        link.forget_given_up();
    }
}

fn has_receipt(item: &Item, intent: &Intent) -> bool {
    // The whole receipt: numbers repeat after a write that was not carried out, or in a store of yesterday.
    if planted(Defect::NumberIsReceipt) {
        return item.receipt.as_ref().is_some_and(|receipt| receipt.number == intent.write.receipt.number);
    }
    item.receipt.as_ref().is_some_and(|receipt| receipt.is_left_by(&intent.write.receipt))
}

fn created(intent: &Intent) -> Option<CreateToken> {
    match &intent.write.op {
        WriteOp::Create { token, .. } => Some(token.clone()),
        WriteOp::Update { .. } | WriteOp::Delete { .. } => None,
    }
}

fn touched(intent: &Intent) -> Option<ItemKey> {
    match &intent.write.op {
        WriteOp::Create { .. } => None,
        WriteOp::Update { key, .. } | WriteOp::Delete { key, .. } => Some(key.clone()),
    }
}
