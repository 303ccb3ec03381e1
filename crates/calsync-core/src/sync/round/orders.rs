//! Takes what people asked for: brings answers to the links they are about, and says at the end what became of each.
//!
//! An answer is stored in the hold that it answers, in one commit with the end of its order; deciding about the link
//! then acts upon it, in this round or, after a crash, in the next. It is used only while the same is asked.

use std::collections::BTreeMap;

use super::report::Became;
use super::{Pending, Stop, Work};
use crate::ids::{ContentHash, LinkId, PerSide, Side};
use crate::link::{Answer, Link, Wish};
use crate::sync::decide::LinkPlan;
use crate::sync::settle::Outcome;

/// An answer that was taken.
pub(super) struct Given {
    pub(super) order: u64,
    about: ContentHash,
}

impl Work {
    /// Deals with all orders, before anything is read or decided.
    pub(super) async fn take_orders(&mut self) -> Result<(), Stop> {
        if self.head.orders.is_empty() {
            return Ok(());
        }
        self.take_answers().await?;
        self.take_back().await
    }

    async fn take_answers(&mut self) -> Result<(), Stop> {
        let mut answers: Vec<(u64, LinkId, ContentHash, Answer)> = Vec::new();
        let mut pending = Pending::default();
        for order in &self.head.orders {
            match &order.what {
                Wish::Answer { link, about, answer } => {
                    answers.push((order.id, *link, about.clone(), *answer));
                }
                Wish::Lead(_) => {
                    let note = "neither side nor the state went back in time";
                    self.report.order(order.id, None, Became::Refused, note);
                    pending.orders_done.push(order.id);
                }
                Wish::Undo(_) => {}
            }
        }
        let mut ids: Vec<LinkId> = answers.iter().map(|(_, link, ..)| *link).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut links: BTreeMap<LinkId, Link> = BTreeMap::new();
        if !ids.is_empty() {
            links.extend(self.port.links_by_id(ids).await?.into_iter().map(|link| (link.id, link)));
        }
        for (order, id, about, answer) in answers {
            pending.orders_done.push(order);
            let hold = links.get_mut(&id).and_then(|link| link.hold.as_mut());
            let ended = match hold {
                None => Some((Became::Void, "nothing waits there any more")),
                Some(hold) if hold.about != about => {
                    Some((Became::Void, "what is asked there changed meanwhile: look at it again"))
                }
                Some(hold) => {
                    let refused = hold.kind.refuses(answer);
                    if refused.is_none() {
                        hold.answer = Some(answer);
                    }
                    refused.map(|why| (Became::Refused, why))
                }
            };
            if let Some((became, note)) = ended {
                self.report.order(order, Some(id), became, note);
                continue;
            }
            if let Some(retry) = links.get_mut(&id).and_then(|link| link.retry.as_mut()) {
                retry.at = self.input.now;
            }
            if let Some(before) = self.answers.insert(id, Given { order, about }) {
                self.report.order(before.order, Some(id), Became::Void, "it was answered again");
            }
        }
        pending.put = links.into_values().filter(|link| self.answers.contains_key(&link.id)).collect();
        if pending.is_empty() { Ok(()) } else { self.commit(pending.into_commit()).await }
    }

    /// Notes what became of the answer that this round took for this link, if it took one.
    pub(super) fn note_answer(&mut self, link: &Link, plan: &LinkPlan, outcomes: &PerSide<Option<Outcome>>) {
        if plan.untouched {
            return;
        }
        let Some(Given { order, about }) = self.answers.remove(&link.id) else { return };
        let failed = Side::BOTH.into_iter().any(|side| {
            plan.unfit.get(side).is_some()
                || matches!(outcomes.get(side), Some(Outcome::Refused(_) | Outcome::Unknown))
        });
        let (became, note) = match &plan.hold {
            Some(asked) if asked.about == about => {
                (Became::Refused, plan.refused.unwrap_or("it is not what is asked there"))
            }
            Some(_) if !plan.answered => {
                (Became::Void, "what is asked there changed meanwhile: look at it again")
            }
            Some(_) => (Became::CarriedOut, "something else waits there now"),
            None if failed => (Became::Waits, "it could not be written: it is tried again"),
            None => (Became::CarriedOut, ""),
        };
        self.report.order(order, Some(link.id), became, note);
    }

    /// Says what became of answers upon which nothing was decided in this round.
    pub(super) async fn look_after_answers(&mut self) -> Result<(), Stop> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let ids = self.answers.keys().copied().collect();
        for link in self.port.links_by_id(ids).await? {
            let waits = link.hold.as_ref().is_some_and(|hold| hold.answer.is_some());
            if waits && let Some(given) = self.answers.remove(&link.id) {
                let note = "the appointment cannot be dealt with now: it is tried again";
                self.report.order(given.order, Some(link.id), Became::Waits, note);
            }
        }
        for (link, given) in std::mem::take(&mut self.answers) {
            self.report.order(given.order, Some(link), Became::Void, "nothing waits there any more");
        }
        Ok(())
    }

    /// The same for a round that ended before its time.
    pub(super) fn leave_answers(&mut self) {
        for (link, given) in std::mem::take(&mut self.answers) {
            self.report.order(given.order, Some(link), Became::Waits, "the round ended before its time");
        }
    }
}
