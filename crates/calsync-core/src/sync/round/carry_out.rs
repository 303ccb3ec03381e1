//! Carries out what was decided: journal, write, read back, commit.

use std::collections::BTreeMap;

use super::reconcile::Case;
use super::{Pending, Stop, Work};
use crate::defects::{Defect, planted};
use crate::ids::{CreateToken, ItemKey, LinkId, PerSide, Revision, Side};
use crate::link::Link;
use crate::source::{Access, Applied, Item, Receipt, Seen, SourceErrorKind, Write, WriteOp, WriteOutcome};
use crate::store::{Closed, JournalEntry, Recorded};
use crate::sync::settle::{After, Outcome, settle};

impl Work {
    pub(super) async fn carry_out(&mut self, cases: Vec<Case>, mut pending: Pending) -> Result<(), Stop> {
        let made = PerSide::from_fn(|side| self.report.sides.get(side).created);
        let mut outcomes: BTreeMap<(LinkId, Side), Outcome> = BTreeMap::new();
        for (case, side) in cases.iter().flat_map(|case| Side::BOTH.map(|side| (case, side))) {
            // What a side that cannot be used would be sent is neither journaled nor sent.
            if self.unusable.get(side).is_some() && case.plan.writes.get(side).is_some() {
                outcomes.insert((case.link.id, side), Outcome::Refused(SourceErrorKind::Unavailable));
            } else if let Some(why) = case.plan.unfit.get(side) {
                self.report.fail(case.link.id, side, why.clone());
                outcomes
                    .insert((case.link.id, side), Outcome::Refused(SourceErrorKind::Rejected(why.clone())));
            }
        }
        let entries = self.journal_entries(&cases);
        if !entries.is_empty() {
            let recorded = self.record(&entries).await?;
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
                    self.send(side, batch, &mut outcomes).await?;
                }
            }
        }
        for case in cases {
            let outcome = PerSide::from_fn(|side| outcomes.remove(&(case.link.id, side)));
            self.close(&case.link, &outcome, &mut pending);
            for side in Side::BOTH {
                if matches!(outcome.get(side), Some(Outcome::Deleted)) {
                    pending.count_deletion(&case.link, side);
                }
            }
            self.note_answer(&case.link, &case.plan, &outcome);
            match settle(&case.link, &case.plan, &outcome, &self.setting()) {
                After::Keep(mut link) => {
                    link.looked_at();
                    pending.remember_replaced(&case.link, &link, self.last_read);
                    pending.put.push(*link);
                }
                After::End => pending.bury(&case.link, self.last_read),
            }
        }
        if !pending.is_empty() {
            self.commit_with_made(pending, &made).await?;
        }
        Ok(())
    }

    /// Makes the journal hold writes, so that they may be sent. The number for the marks is stored before.
    pub(super) async fn record(&mut self, entries: &[JournalEntry]) -> Result<Vec<Recorded<Write>>, Stop> {
        self.open_marks().await?;
        let recorded = self.port.journal(entries.to_vec()).await?;
        if recorded.len() != entries.len() {
            return Err(Stop::WrongReply);
        }
        self.head.intents.extend(entries.iter().map(JournalEntry::intent));
        Ok(recorded)
    }

    /// Sends one batch to a side and takes its answers.
    pub(super) async fn send(
        &mut self,
        side: Side,
        batch: &[Recorded<Write>],
        outcomes: &mut BTreeMap<(LinkId, Side), Outcome>,
    ) -> Result<(), Stop> {
        let (results, left_out) = self.port.apply_some(side, batch.to_vec()).await?;
        self.report.leave_out(left_out);
        if results.len() != batch.len() {
            return Err(Stop::WrongReply);
        }
        let writes: Vec<&Write> = batch.iter().map(Recorded::get).collect();
        self.note_outcomes(side, &writes, results, outcomes).await
    }

    fn journal_entries(&self, cases: &[Case]) -> Vec<JournalEntry> {
        let mut entries = Vec::new();
        for case in cases {
            let mut number = case.link.writes;
            for side in Side::BOTH {
                let Some(planned) = case.plan.writes.get(side) else { continue };
                if self.unusable.get(side).is_some() || case.plan.unfit.get(side).is_some() {
                    continue;
                }
                number += 1;
                let masked = case.plan.masked == Some(side.other());
                let Some(receipt) = self.receipt(&case.link, side, &planned.op, number, masked) else {
                    continue;
                };
                let write = Write { link: case.link.id, op: planned.op.clone(), receipt };
                entries.push(JournalEntry {
                    round: self.round,
                    before: planned.before.clone().filter(|_| !planted(Defect::NoBeforeImage)),
                    losing: planned.losing.clone(),
                    ..JournalEntry::new(self.input.now, side, write, &planned.reason)
                });
            }
        }
        entries
    }

    fn receipt(&self, link: &Link, side: Side, op: &WriteOp, number: u64, masked: bool) -> Option<Receipt> {
        // A lone item can only be deleted: what is left in it goes with it.
        let own = || link.halves.get(side).as_ref();
        let theirs = link.halves.get(side.other()).as_ref().or_else(own)?;
        let counterpart = theirs.key.clone();
        let counterpart_uid = theirs.latest().and_then(|(_, series)| Receipt::uid_of(series));
        let derived = || CreateToken::derive(&self.input.pairing, side, &counterpart, link.generation);
        let token = match op {
            WriteOp::Create { token, .. } => token.clone(),
            WriteOp::Update { .. } => {
                // One that names somebody else came along with a copy: the token in it is that of the original.
                let own = own().filter(|half| half.names(theirs));
                let written = own.and_then(|half| half.sighting()?.receipt.as_ref());
                written.map_or_else(derived, |receipt| receipt.token.clone())
            }
            WriteOp::Delete { .. } => derived(),
        };
        let own_uid = op.own_uid(self.input.capabilities.get(side));
        let content = op.content_hash(self.input.capabilities.get(side));
        Some(Receipt { token, counterpart, counterpart_uid, own_uid, masked, number, content })
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
            let outcome = match believed(write, result) {
                // More than was written, and more than is carried: reading it says so.
                WriteOutcome::Applied(Applied::Item(item)) if item.series.within_limits().is_err() => {
                    usable = true;
                    read_back.push((write, item.key, item.revision));
                    continue;
                }
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
            for (write, key, revision) in batch {
                let outcome = match seen.next() {
                    Some(Seen::Present(item))
                        if item.revision == *revision || planted(Defect::ChangedSinceIsOurs) =>
                    {
                        Outcome::Written(item)
                    }
                    Some(Seen::Present(item)) => Outcome::WrittenAndChanged(item),
                    Some(Seen::Absent) => as_written(write, key, revision)
                        .map_or(Outcome::Unknown, |item| Outcome::WrittenAndGone(Box::new(item))),
                    Some(Seen::Unreadable(_)) | None => Outcome::Unknown,
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
        match outcome {
            Outcome::Written(_)
            | Outcome::WrittenAndChanged(_)
            | Outcome::WrittenAndGone(_)
            | Outcome::Deleted => {
                self.report.sides.get_mut(side).count(&write.op);
            }
            Outcome::Refused(_) | Outcome::Unknown => {}
        }
    }

    fn close(&self, link: &Link, outcomes: &PerSide<Option<Outcome>>, pending: &mut Pending) {
        for intent in self.head.intents.iter().filter(|intent| intent.write.link == link.id) {
            let outcome = match outcomes.get(intent.side) {
                Some(
                    Outcome::Written(_)
                    | Outcome::WrittenAndChanged(_)
                    | Outcome::WrittenAndGone(_)
                    | Outcome::Deleted,
                ) => JournalEntry::CARRIED_OUT.to_owned(),
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

/// An answer as it came; where a defect is planted, as if it said more than it does.
fn believed(write: &Write, answer: WriteOutcome) -> WriteOutcome {
    let done = match (&answer, &write.op) {
        (WriteOutcome::Unknown(_), _) if planted(Defect::UnknownIsWritten) => true,
        (WriteOutcome::Refused(_), _) if planted(Defect::RefusedIsWritten) => true,
        (WriteOutcome::Applied(Applied::Stored { .. }), WriteOp::Update { .. }) => {
            planted(Defect::NoReadBack)
        }
        _ => false,
    };
    match &write.op {
        WriteOp::Delete { .. } if done => WriteOutcome::Applied(Applied::Deleted),
        WriteOp::Update { key, expected, .. } if done => {
            let revision = match &answer {
                WriteOutcome::Applied(Applied::Stored { revision, .. }) => revision.clone(),
                _ => expected.clone(),
            };
            as_written(write, key, &revision)
                .map_or(answer, |item| WriteOutcome::Applied(Applied::Item(Box::new(item))))
        }
        WriteOp::Create { .. } | WriteOp::Update { .. } | WriteOp::Delete { .. } => answer,
    }
}

/// The item that a write left, for when nobody can read it any more.
fn as_written(write: &Write, key: &ItemKey, revision: &Revision) -> Option<Item> {
    let series = match &write.op {
        WriteOp::Create { series, .. } => series.as_ref().clone(),
        WriteOp::Update { patch, current, .. } => patch.apply(current),
        WriteOp::Delete { .. } => return None,
    };
    Some(Item {
        key: key.clone(),
        revision: revision.clone(),
        series,
        receipt: Some(write.receipt.clone()),
        created: None,
        modified: None,
        access: Access::Full,
    })
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
        SourceErrorKind::Rejected(_) if planted(Defect::BadItemStopsSide) => Scope::Side,
        SourceErrorKind::Stale
        | SourceErrorKind::Missing
        | SourceErrorKind::Protected
        | SourceErrorKind::Rejected(_)
        | SourceErrorKind::Protocol(_) => Scope::Item,
        SourceErrorKind::Denied(_) | SourceErrorKind::NoAnswer => Scope::Either,
        SourceErrorKind::TokenExpired
        | SourceErrorKind::WentBack
        | SourceErrorKind::Emptied
        | SourceErrorKind::Foreign
        | SourceErrorKind::Throttled(_)
        | SourceErrorKind::Unavailable
        | SourceErrorKind::NoCalendar(_) => Scope::Side,
    }
}
