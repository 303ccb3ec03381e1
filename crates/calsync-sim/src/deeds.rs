//! Rare deeds of the world outside: an old device that brings back what was deleted, a server that refuses some items for
//! ever.

use calsync_core::drive::Clock;
use calsync_core::ids::Side;
use calsync_core::source::{SourceError, SourceErrorKind, Write, WriteOp, WriteOutcome};

use crate::oracle::Before;
use crate::rng::{Rng, mix};
use crate::watch::{Refused, Shared};
use crate::words::{Word, minute_of};
use crate::world::World;

/// The first delay after an item was refused, in seconds.
const SET_ASIDE: i64 = 60;

impl World {
    /// A device that was off for long brings back what was deleted on both sides, as it was.
    pub(crate) fn old_copy(&mut self, side: Side, rng: &mut Rng) {
        let draw = rng.bits();
        let rates = &self.options.rates;
        let manners = &self.options.manners;
        // What is remembered has one UID and one time: where a server makes up the one or nobody knows the other, an old
        // copy is not known.
        let knowable = !manners.b.own_uids && (manners.get(side).tells_time || manners.get(side).skew == 0);
        if !knowable || rates.clock > 0 || self.restored || !self.shared.watch().first_sync_done {
            return;
        }
        let binned = self.place(side).binned();
        let drawn = |item: &crate::place::Standing| match minute_of(&item.series) {
            Word::Minute(minute) => mix(draw ^ u64::from(minute)),
            _ => 0,
        };
        let Some(item) = binned.into_iter().min_by_key(drawn) else { return };
        let Some(event) = self.book().event_of(&item.series) else { return };
        let gone = self.items_of(Side::A, event) + self.items_of(Side::B, event) == 0;
        let known = self.book().event(event).is_some_and(|event| event.deleted && event.carried);
        if !gone || !known {
            return;
        }
        if let Some(event) = self.book().event_mut(event) {
            *event.put_back.get_mut(side) = true;
            *event.revived.get_mut(side) = true;
        }
        let key = self.place(side).comes_back(&item.key);
        self.appeared(side, event);
        self.shared.branch("an old copy comes back");
        self.say(format_args!("{side}: an old device brings back {} as {key:?}", item.key));
    }
}

impl Shared {
    /// Refuses what this server never takes. Says what it answers.
    pub(crate) fn poison(&self, side: Side, write: &Write, before: &Before) -> Option<WriteOutcome> {
        let series = match &write.op {
            WriteOp::Create { series, .. } => series,
            WriteOp::Update { current, .. } => current,
            WriteOp::Delete { .. } => return None,
        };
        let Word::Minute(minute) = minute_of(series) else { return None };
        if self.options.poison != Some(side) || minute % 4 != 0 {
            return None;
        }
        let event = before.event.or_else(|| self.book().event_of(series));
        let touched = event.and_then(|event| self.book().event(event).map(|event| event.touched));
        let touched = touched.unwrap_or_default();
        let now = self.clock.now().timestamp();
        let planned = self.journaled(side, write, |entry| entry.planned.timestamp()).unwrap_or(now);
        let planned_in_truth = planned - now + self.clock.truth();
        let mut watch = self.watch();
        watch.poisoned.extend(event);
        watch.poisoned_links.insert(write.link);
        *watch.faults.entry("item refused for ever").or_default() += 1;
        let faults =
            watch.faults.iter().filter(|(name, _)| **name != "item refused for ever").map(|(_, n)| n).sum();
        let mut now = Refused {
            content: write.receipt.content.clone(),
            number: write.receipt.number,
            planned,
            touched,
            outdated: touched.a.max(touched.b) >= planned_in_truth,
            tries: 1,
            faults,
        };
        let same = watch.refused.get(&(side, write.link)).filter(|before| {
            before.content == now.content
                && before.touched == now.touched
                && before.faults == now.faults
                && !before.outdated
        });
        let mut early = None;
        // One request that arrives twice is one try.
        if let Some(before) = same {
            let again = u32::from(before.number != now.number);
            let waited = now.planned - before.planned;
            early = (again == 1 && waited < SET_ASIDE << (before.tries - 1).min(5)).then_some(waited);
            now.tries = before.tries + again;
        }
        watch.refused.insert((side, write.link), now);
        drop(watch);
        if let Some(seconds) = early {
            self.violated("I21", format!("what {side} refused is sent again after {seconds} s"));
        }
        let kind = SourceErrorKind::Rejected("this item cannot be stored".to_owned());
        Some(WriteOutcome::Refused(SourceError::new("write", kind)))
    }
}
