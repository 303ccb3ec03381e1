//! Takes back writes of ours, as a person at that side would: what is written here is seen and not carried, so that the
//! rest of the round brings it to the other side under direction, guard, filter and masks like any other edit.
//!
//! Every order says itself what is to be taken back; the item is read at once before, and what changed since stays. The
//! order of things is that of every write: journal, write, commit, and the commit ends the order. A write whose answer was
//! lost is settled by the next round, by asking.

use std::collections::{BTreeMap, BTreeSet};

use super::read::new_half;
use super::report::Became;
use super::{Mode, Pending, Stop, Work};
use crate::ids::{ContentHash, CreateToken, ItemKey, LinkId, PerSide, Revision, Side};
use crate::link::{Answer, Hold, HoldKind, Link, Observation, Wish};
use crate::model::{Attachments, Series};
use crate::source::{Access, Item, Receipt, Seen, SourceErrorKind, Write, WriteOp};
use crate::store::{Closed, JournalEntry};
use crate::sync::inverse::inverse;
use crate::sync::original::guarded;
use crate::sync::plan::{Action, Reason, Step};
use crate::sync::settle::{Outcome, as_held, is_the_items_fault};

/// An order to take back what an entry says.
#[derive(Clone)]
struct Wanted {
    order: u64,
    entry: JournalEntry,
}

/// Where the item of an entry is now.
struct Located {
    /// Under the key that it has as far as is known.
    by_key: Option<Seen>,
    /// By its create token, where it is not under that key. For a deletion: what was made again.
    by_token: Option<Seen>,
    link: Option<Link>,
}

/// What follows from an order.
enum Act {
    /// It ends.
    End(Became, String),
    /// It goes on in a later round.
    Wait(String),
    /// A person is asked first.
    Ask(Box<Hold>),
    /// This is done.
    Write(Box<Undoing>),
}

/// One write that takes another back.
struct Undoing {
    wanted: Wanted,
    link: Option<Link>,
    op: WriteOp,
    /// The item as it was read.
    item: Option<Item>,
    /// Paths that changed since and stay.
    kept: Vec<String>,
}

/// In a plan: items as they would be, which nobody can read.
pub(super) type Planned = BTreeMap<ItemKey, Option<Item>>;

impl Work {
    /// Carries out all orders to take something back, the newest write of each appointment first.
    pub(super) async fn take_back(&mut self) -> Result<(), Stop> {
        let wanted = self.head.orders.iter().filter_map(|order| match &order.what {
            Wish::Undo(entry) => Some(Wanted { order: order.id, entry: entry.as_ref().clone() }),
            Wish::Answer { .. } | Wish::Lead(_) => None,
        });
        let mut wanted: Vec<Wanted> = wanted.collect();
        if wanted.is_empty() {
            return Ok(());
        }
        if !self.head.first_sync_done {
            for wanted in wanted {
                let link = Some(wanted.entry.write.link);
                self.report.order(wanted.order, link, Became::Waits, "the first sync has not ended");
            }
            return Ok(());
        }
        wanted.sort_by_key(|wanted| {
            std::cmp::Reverse((wanted.entry.at, wanted.entry.write.receipt.number, wanted.order))
        });
        let too_many = self.too_many(&wanted).await?;
        while !wanted.is_empty() {
            let mut busy = BTreeSet::new();
            let (wave, rest): (Vec<Wanted>, Vec<Wanted>) =
                wanted.into_iter().partition(|wanted| busy.insert(wanted.entry.write.link));
            wanted = rest;
            for side in Side::BOTH {
                let mine: Vec<Wanted> =
                    wave.iter().filter(|wanted| wanted.entry.side == side).cloned().collect();
                for batch in mine.chunks(self.batch(side)) {
                    self.take_back_some(side, batch, *too_many.get(side)).await?;
                }
            }
        }
        Ok(())
    }

    /// On which side more items would be deleted than the guard lets pass, without those about which a person decided.
    async fn too_many(&mut self, wanted: &[Wanted]) -> Result<PerSide<bool>, Stop> {
        let deletes = |wanted: &&Wanted| matches!(wanted.entry.write.op, WriteOp::Create { .. });
        let ids: Vec<LinkId> = wanted.iter().filter(deletes).map(|wanted| wanted.entry.write.link).collect();
        if ids.is_empty() {
            return Ok(PerSide::default());
        }
        let links = self.port.links_by_id(ids).await?;
        let decided = |id: LinkId| {
            let hold = links.iter().find(|link| link.id == id).and_then(|link| link.hold.as_ref());
            hold.is_some_and(|hold| hold.kind == HoldKind::Undo && hold.answer.is_some())
        };
        let linked = self.port.counts().await?.linked;
        Ok(PerSide::from_fn(|side| {
            let count = wanted
                .iter()
                .filter(deletes)
                .filter(|wanted| wanted.entry.side == side && !decided(wanted.entry.write.link))
                .count();
            self.input.settings.guard.holds(count as u64, linked)
        }))
    }

    async fn take_back_some(&mut self, side: Side, batch: &[Wanted], too_many: bool) -> Result<(), Stop> {
        let made = PerSide::from_fn(|side| self.report.sides.get(side).created);
        let located = self.locate(side, batch).await?;
        let mut pending = Pending::default();
        let mut undoings = Vec::new();
        for (wanted, located) in batch.iter().zip(located) {
            let id = located.link.as_ref().map_or(wanted.entry.write.link, |link| link.id);
            let link = located.link.clone();
            match self.act(wanted, located, too_many) {
                Act::End(became, note) => {
                    self.end(wanted.order, id, became, note, &mut pending);
                    pending.put.extend(link.and_then(without_question));
                }
                Act::Wait(note) => self.report.order(wanted.order, Some(id), Became::Waits, note),
                Act::Ask(hold) => {
                    let reason = Reason::Undo(side);
                    self.report.note(vec![step(id, Action::Hold, reason, Vec::new(), Vec::new())]);
                    self.report.order(wanted.order, Some(id), Became::Waits, "a person is asked first");
                    let asked = link.filter(|link| link.hold.as_ref() != Some(&hold));
                    pending.put.extend(asked.map(|link| Link { hold: Some(*hold), ..link }));
                }
                Act::Write(undoing) => undoings.push(*undoing),
            }
        }
        self.write_undone(side, undoings, &mut pending).await?;
        if pending.is_empty() { Ok(()) } else { self.commit_with_made(pending, &made).await }
    }

    /// Looks where the items are: under the key that the link knows or the entry names, and by create token.
    async fn locate(&mut self, side: Side, batch: &[Wanted]) -> Result<Vec<Located>, Stop> {
        let ids = batch.iter().map(|wanted| wanted.entry.write.link).collect();
        let links = self.port.links_by_id(ids).await?;
        let linked = |wanted: &Wanted| links.iter().find(|link| link.id == wanted.entry.write.link);
        let key = |wanted: &Wanted| {
            let half = linked(wanted).and_then(|link| link.halves.get(side).as_ref());
            half.map(|half| half.key.clone()).or_else(|| match &wanted.entry.write.op {
                WriteOp::Create { .. } => None,
                WriteOp::Update { key, .. } | WriteOp::Delete { key, .. } => Some(key.clone()),
            })
        };
        let keys: Vec<ItemKey> = batch.iter().filter_map(key).collect();
        let mut seen = self.port.fetch(side, self.batch(side), &keys).await?.into_iter();
        let mut located: Vec<Located> = batch
            .iter()
            .map(|wanted| {
                let key = key(wanted);
                let seen = key.as_ref().and_then(|_| seen.next());
                let simulated = key.and_then(|key| self.planned.get(side).get(&key));
                let by_key = match simulated {
                    Some(Some(item)) => Some(Seen::Present(Box::new(item.clone()))),
                    Some(None) => Some(Seen::Absent),
                    None => seen,
                };
                Located { by_key, by_token: None, link: linked(wanted).cloned() }
            })
            .collect();
        let lost = |located: &Located| matches!(located.by_key, None | Some(Seen::Absent));
        let tokens: Vec<CreateToken> = batch
            .iter()
            .zip(&located)
            .filter(|(_, located)| lost(located))
            .map(|(wanted, _)| self.token_of(&wanted.entry))
            .collect();
        let mut found = self.port.find(side, self.batch(side), &tokens).await?.into_iter();
        for located in located.iter_mut().filter(|located| lost(located)) {
            located.by_token = found.next();
        }
        // The item may belong to another link by now, or to none.
        let keys: Vec<ItemKey> =
            located.iter().filter_map(|located| Some(located.item()?.key.clone())).collect();
        if !keys.is_empty() {
            let owners = self.port.links_by_key(side, keys).await?;
            for located in &mut located {
                let Some(key) = located.item().map(|item| item.key.clone()) else { continue };
                let owns = |link: &&Link| link.halves.get(side).as_ref().is_some_and(|half| half.key == key);
                located.link = owners.iter().find(owns).cloned();
            }
        }
        Ok(located)
    }

    /// The create token by which the item of an entry is found, or what was made again of a deleted one.
    fn token_of(&self, entry: &JournalEntry) -> CreateToken {
        let Write { link, op, receipt } = &entry.write;
        match op {
            WriteOp::Create { token, .. } => token.clone(),
            WriteOp::Update { .. } => receipt.token.clone(),
            WriteOp::Delete { .. } => {
                let pairing = &self.input.pairing;
                CreateToken::of_undone(pairing, entry.side, *link, receipt.number, entry.at.timestamp())
            }
        }
    }

    fn act(&self, wanted: &Wanted, located: Located, too_many: bool) -> Act {
        let entry = &wanted.entry;
        let side = entry.side;
        let direction = self.input.settings.direction;
        let refuse = |why: &str| Act::End(Became::Refused, why.to_owned());
        if self.is_open(entry.write.link) || located.link.as_ref().is_some_and(|link| self.is_open(link.id)) {
            return Act::Wait("the outcome of another write is not known yet".to_owned());
        }
        if self.unusable.get(side).is_some() {
            return Act::Wait("this side cannot be written now".to_owned());
        }
        if !direction.writes(side) || !direction.writes(side.other()) {
            return refuse("changes of this side are not carried to the other: change it there by hand");
        }
        let copy = located.link.as_ref().is_some_and(|link| guarded(link, link.masked) == Some(side.other()));
        let looks = located.link.is_none()
            && entry
                .before
                .as_ref()
                .is_some_and(|before| self.input.settings.looks_masked(side.other(), before));
        if copy || looks {
            return refuse("it is a copy without the private text of its original: change the original");
        }
        if let WriteOp::Delete { .. } = &entry.write.op {
            return self.make_again(wanted, located);
        }
        let by_token = !matches!(located.by_key, Some(Seen::Present(_)));
        let item = match located.present() {
            Ok(item) => item,
            Err(Some(why)) => return Act::Wait(why),
            Err(None) => return refuse("the item is not there any more"),
        };
        // A copy carries the token too; what was written is known by its UID.
        let uid = match &entry.write.op {
            WriteOp::Create { series, .. } => Some(&series.uid),
            WriteOp::Update { current, .. } => Some(&current.uid),
            WriteOp::Delete { .. } => None,
        };
        if by_token && uid.is_some_and(|uid| *uid != item.series.uid) {
            return refuse("the item is not there any more");
        }
        if item.access != Access::Full {
            return refuse("the item may not be changed: somebody else organises or owns it");
        }
        let link = located.link;
        let untouched = is_untouched(entry, &item, link.as_ref());
        match &entry.write.op {
            WriteOp::Update { patch, current, .. } => {
                let Some(before) = &entry.before else {
                    return refuse("what was there before is no longer in the journal");
                };
                let mut written = patch.apply(current);
                if untouched {
                    // All that is there is what was written, as the server gave it back; but for fields that only this
                    // side has, which a person may have changed without any further write.
                    let own = self.input.capabilities.get(side.other()).unheld;
                    written = written.diff(&item.series).only(|field| !own.contains(&field)).apply(&written);
                }
                let back = inverse(patch, before, &written, &item.series);
                if back.patch.is_empty() {
                    return refuse("nothing of it is as it was written: it was changed since, or taken back");
                }
                let op = WriteOp::Update {
                    key: item.key.clone(),
                    expected: item.revision.clone(),
                    patch: Box::new(back.patch),
                    current: Box::new(item.series.clone()),
                };
                let (wanted, kept) = (wanted.clone(), back.kept);
                Act::Write(Box::new(Undoing { wanted, link, op, item: Some(item), kept }))
            }
            WriteOp::Create { series, .. } => {
                let written = as_held(series, &item, self.input.capabilities.get(side).unheld);
                let as_made = Series { uid: item.series.uid.clone(), ..written };
                if !untouched && as_made != item.series {
                    return refuse("it was changed since it was made: delete it by hand");
                }
                match self.asked(wanted, link.as_ref(), &item, too_many) {
                    Some(Err(hold)) => return Act::Ask(hold),
                    Some(Ok(Answer::Reject)) => {
                        return Act::End(Became::Void, "a person rejected it".to_owned());
                    }
                    Some(Ok(Answer::Approve | Answer::Prefer(_))) | None => {}
                }
                let op = WriteOp::Delete { key: item.key.clone(), expected: item.revision.clone() };
                let (wanted, kept) = (wanted.clone(), Vec::new());
                Act::Write(Box::new(Undoing { wanted, link, op, item: Some(item), kept }))
            }
            WriteOp::Delete { .. } => refuse("nothing is to be made again"),
        }
    }

    /// What a person has to say, or said, before one more item is deleted; `None` where nobody has to be asked.
    fn asked(
        &self,
        wanted: &Wanted,
        link: Option<&Link>,
        item: &Item,
        too_many: bool,
    ) -> Option<Result<Answer, Box<Hold>>> {
        let guard = self.input.settings.guard;
        let content = item.series.content_hash();
        let about = ContentHash::of(&["undo", &wanted.order.to_string(), content.as_str()]);
        let before = link.and_then(|link| link.hold.as_ref()).filter(|hold| hold.kind == HoldKind::Undo);
        if let Some(answer) = before.filter(|hold| hold.about == about).and_then(|hold| hold.answer) {
            return Some(Ok(answer));
        }
        if !too_many && before.is_none_or(|hold| hold.guard != Some(guard)) {
            return None;
        }
        Some(Err(Box::new(Hold {
            why: Reason::Undo(wanted.entry.side).to_string(),
            since: before.map_or(self.input.now, |hold| hold.since),
            guard: Some(guard),
            kind: HoldKind::Undo,
            about,
            answer: None,
        })))
    }

    /// What was deleted is made again: as a new item, found by its token if the answer was lost.
    fn make_again(&self, wanted: &Wanted, located: Located) -> Act {
        let entry = &wanted.entry;
        let refuse = |why: &str| Act::End(Became::Refused, why.to_owned());
        match &located.by_key {
            Some(Seen::Present(_)) => return refuse("the item is there"),
            Some(Seen::Unreadable(why)) => return Act::Wait(why.clone()),
            Some(Seen::Absent) | None => {}
        }
        let Some(before) = &entry.before else {
            return refuse("what was there before is no longer in the journal");
        };
        let token = self.token_of(entry);
        let mut series = Series { uid: token.as_str().into(), ..before.clone() };
        let kept = if series.event.attachments.is_empty() {
            Vec::new()
        } else {
            // What was in the files is gone with them.
            series.event.attachments = Attachments::default();
            vec!["master.attachments".to_owned()]
        };
        let wanted = wanted.clone();
        let (op, item) = match located.by_token {
            Some(Seen::Present(item)) if item.receipt.is_some() => {
                return Act::End(Became::Void, "it was made again already".to_owned());
            }
            // Made in part: what is missing follows, and then the receipt.
            Some(Seen::Present(item)) => {
                let op = WriteOp::Update {
                    key: item.key.clone(),
                    expected: item.revision.clone(),
                    patch: Box::new(item.series.diff(&series)),
                    current: Box::new(item.series.clone()),
                };
                (op, Some(*item))
            }
            Some(Seen::Unreadable(why)) => return Act::Wait(why),
            Some(Seen::Absent) | None => (WriteOp::Create { token, series: Box::new(series) }, None),
        };
        Act::Write(Box::new(Undoing { wanted, link: located.link, op, item, kept }))
    }

    /// Journals and writes, or in a plan pretends to, and brings what is seen then into the links.
    async fn write_undone(
        &mut self,
        side: Side,
        undoings: Vec<Undoing>,
        pending: &mut Pending,
    ) -> Result<(), Stop> {
        if undoings.is_empty() {
            return Ok(());
        }
        for undoing in &undoings {
            let (action, paths) = match &undoing.op {
                WriteOp::Create { .. } => (Action::Create(side), Vec::new()),
                WriteOp::Update { patch, .. } => (Action::Update(side), patch.paths()),
                WriteOp::Delete { .. } => (Action::Delete(side), Vec::new()),
            };
            let notes = kept_note(&undoing.kept).into_iter().collect();
            self.report.note(vec![step(undoing.id(), action, Reason::Undo(side), paths, notes)]);
        }
        let entries: Vec<JournalEntry> = undoings.iter().map(|undoing| self.undo_entry(undoing)).collect();
        let mut outcomes = BTreeMap::new();
        if self.input.mode == Mode::Plan {
            for (undoing, entry) in undoings.iter().zip(&entries) {
                let outcome = self.pretend(undoing, &entry.write.receipt);
                outcomes.insert((undoing.id(), side), outcome);
            }
        } else {
            self.look_at_marks().await?;
            let recorded = self.record(&entries).await?;
            self.send(side, &recorded, &mut outcomes).await?;
        }
        for (undoing, entry) in undoings.into_iter().zip(entries) {
            let outcome = outcomes.remove(&(undoing.id(), side)).unwrap_or(Outcome::Unknown);
            self.settle_undoing(undoing, &entry, outcome, pending);
        }
        Ok(())
    }

    fn undo_entry(&self, undoing: &Undoing) -> JournalEntry {
        let Undoing { wanted, link, op, item, .. } = undoing;
        let entry = &wanted.entry;
        let other = link.as_ref().and_then(|link| link.halves.get(entry.side.other()).as_ref());
        let known = item.as_ref().and_then(|item| item.receipt.as_ref());
        let token = match op {
            WriteOp::Create { token, .. } => token.clone(),
            WriteOp::Update { .. } => {
                known.map_or_else(|| self.token_of(entry), |receipt| receipt.token.clone())
            }
            WriteOp::Delete { .. } => self.token_of(entry),
        };
        let before = &entry.write.receipt;
        let counterpart = other.map_or_else(|| before.counterpart.clone(), |half| half.key.clone());
        let counterpart_uid = other.map_or_else(
            || before.counterpart_uid.clone(),
            |half| half.latest().and_then(|(_, series)| Receipt::uid_of(series)),
        );
        // A masked copy is not taken back.
        let masked = false;
        let number = link.as_ref().map_or(before.number, |link| link.writes) + 1;
        let content = op.content_hash(self.input.capabilities.get(entry.side));
        let own_uid = op.own_uid(self.input.capabilities.get(entry.side));
        let receipt = Receipt { token, counterpart, counterpart_uid, own_uid, masked, number, content };
        let write = Write { link: undoing.id(), op: op.clone(), receipt };
        JournalEntry {
            round: self.round,
            before: item.as_ref().map(|item| item.series.clone()),
            order: Some(wanted.order),
            ..JournalEntry::new(self.input.now, entry.side, write, Reason::Undo(entry.side).to_string())
        }
    }

    /// What a plan sees after a write that it does not make.
    fn pretend(&mut self, undoing: &Undoing, receipt: &Receipt) -> Outcome {
        let now = Some(self.input.now);
        let receipt = Some(receipt.clone());
        let made = |series: Series, token: &CreateToken| Item {
            key: ItemKey::new(token.as_str()),
            revision: Revision::new("planned"),
            series,
            receipt: receipt.clone(),
            created: now,
            modified: now,
            access: Access::Full,
        };
        let (key, item) = match (&undoing.op, &undoing.item) {
            (WriteOp::Create { token, series }, _) => {
                let item = made(series.as_ref().clone(), token);
                (item.key.clone(), Some(item))
            }
            (WriteOp::Update { key, patch, current, .. }, Some(item)) => {
                let series = patch.apply(current);
                let item = Item { series, receipt: receipt.clone(), modified: now, ..item.clone() };
                (key.clone(), Some(item))
            }
            (WriteOp::Update { key, .. } | WriteOp::Delete { key, .. }, _) => (key.clone(), None),
        };
        self.planned.get_mut(undoing.wanted.entry.side).insert(key, item.clone());
        item.map_or(Outcome::Deleted, |item| Outcome::Written(Box::new(item)))
    }

    fn settle_undoing(
        &mut self,
        undoing: Undoing,
        entry: &JournalEntry,
        outcome: Outcome,
        pending: &mut Pending,
    ) {
        let (order, id, side) = (undoing.wanted.order, undoing.id(), entry.side);
        let closed = |outcome: String| Closed { link: id, side, number: entry.write.receipt.number, outcome };
        let mut link = undoing.link;
        if let Some(link) = &mut link {
            link.writes = link.writes.max(entry.write.receipt.number);
        }
        match outcome {
            Outcome::Written(item) | Outcome::WrittenAndChanged(item) => {
                pending.closed.push(closed(JournalEntry::CARRIED_OUT.to_owned()));
                let note = kept_note(&undoing.kept).unwrap_or_default();
                self.end(order, id, Became::CarriedOut, note, pending);
                let owned = link.as_ref().and_then(|link| link.halves.get(side).as_ref());
                match link {
                    Some(mut link) if owned.is_some_and(|half| half.key == item.key) => {
                        see_undone(&mut link, side, Some(*item));
                        pending.put.push(link);
                    }
                    link => {
                        pending.put.extend(link);
                        pending.put.push(self.found_undone(side, *item));
                    }
                }
            }
            Outcome::Deleted | Outcome::WrittenAndGone(_) => {
                pending.closed.push(closed(JournalEntry::CARRIED_OUT.to_owned()));
                self.end(order, id, Became::CarriedOut, String::new(), pending);
                if let Some(mut link) = link {
                    see_undone(&mut link, side, None);
                    pending.put.push(link);
                }
            }
            Outcome::Refused(kind) => {
                pending.closed.push(closed(kind.to_string()));
                pending.put.extend(link);
                if is_the_items_fault(&kind) {
                    self.end(order, id, Became::Refused, kind.to_string(), pending);
                } else {
                    self.report.order(order, Some(id), Became::Waits, kind.to_string());
                }
            }
            // The intent stays open, and the next round asks.
            Outcome::Unknown => {
                self.report.order(order, Some(id), Became::Waits, SourceErrorKind::NoAnswer.to_string());
            }
        }
    }

    fn end(&mut self, order: u64, link: LinkId, became: Became, note: String, pending: &mut Pending) {
        // Whoever answered what this order asked is told too.
        if let Some(given) = self.answers.remove(&link) {
            self.report.order(given.order, Some(link), Became::CarriedOut, "");
        }
        self.report.order(order, Some(link), became, note);
        pending.orders_done.push(order);
    }

    /// The link of an item that was made again.
    pub(super) fn found_undone(&self, side: Side, item: Item) -> Link {
        let listing = self.head.listings.get(side);
        // In a plan nobody could read it, so nobody must look for it.
        let listed = if self.input.mode == Mode::Plan { listing.number } else { listing.not_shown_yet() };
        Link::found(&self.input.pairing, side, new_half(item, listed))
    }
}

impl Located {
    fn item(&self) -> Option<&Item> {
        [&self.by_key, &self.by_token].into_iter().find_map(|seen| match seen {
            Some(Seen::Present(item)) => Some(item.as_ref()),
            Some(Seen::Absent | Seen::Unreadable(_)) | None => None,
        })
    }

    /// The item, or why it cannot be read, or nothing where it is not there.
    fn present(&self) -> Result<Item, Option<String>> {
        if let Some(item) = self.item() {
            return Ok(item.clone());
        }
        let unreadable = [&self.by_key, &self.by_token].into_iter().find_map(|seen| match seen {
            Some(Seen::Unreadable(why)) => Some(why.clone()),
            Some(Seen::Present(_) | Seen::Absent) | None => None,
        });
        Err(unreadable)
    }
}

impl Undoing {
    /// The link that the write serves.
    fn id(&self) -> LinkId {
        self.link.as_ref().map_or(self.wanted.entry.write.link, |link| link.id)
    }
}

/// The link after its item of `side` was taken back: as if it had just been read.
pub(super) fn see_undone(link: &mut Link, side: Side, item: Option<Item>) {
    if link.hold.as_ref().is_some_and(|hold| hold.kind == HoldKind::Undo) {
        link.hold = None;
    }
    link.retry = None;
    if let Some(half) = link.halves.get_mut(side).as_mut() {
        match item {
            Some(item) => half.see(item),
            None => half.seen = Some(Observation::Gone),
        }
    }
}

/// Whether the item is as the server gave it back after just this write: nobody wrote since, and nobody edited.
fn is_untouched(entry: &JournalEntry, item: &Item, link: Option<&Link>) -> bool {
    let Some(link) = link else { return false };
    let half = link.halves.get(entry.side).as_ref();
    let in_step = half.is_some_and(|half| {
        half.seen.is_none() && half.shadow.as_ref().is_some_and(|shadow| shadow.series == item.series)
    });
    in_step
        && link.writes == entry.write.receipt.number
        && item.receipt.as_ref() == Some(&entry.write.receipt)
}

/// The link without the question whether something is to be taken back, if it has that.
fn without_question(link: Link) -> Option<Link> {
    let asked = link.hold.as_ref().is_some_and(|hold| hold.kind == HoldKind::Undo);
    asked.then(|| Link { hold: None, ..link })
}

fn kept_note(kept: &[String]) -> Option<String> {
    (!kept.is_empty()).then(|| format!("changed since, and left: {}", kept.join(", ")))
}

fn step(link: LinkId, action: Action, reason: Reason, paths: Vec<String>, notes: Vec<String>) -> Step {
    Step { link, action, reason, paths, conflicts: Vec::new(), notes }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::ids::PairingId;
    use crate::sync::examples::{half, once};

    #[test]
    fn of_all_that_waits_taking_back_ends_only_the_question_whether_to() {
        for kind in HoldKind::ALL {
            let mut link = Link::found(&PairingId::new("p"), Side::B, half("b1", &once(), &once()));
            link.hold = Some(Hold {
                why: "asked".to_owned(),
                since: DateTime::UNIX_EPOCH,
                guard: None,
                kind,
                about: ContentHash::of(&["asked"]),
                answer: None,
            });
            see_undone(&mut link, Side::B, None);
            assert_eq!(link.hold.is_none(), kind == HoldKind::Undo, "{kind:?}");
        }
    }
}
