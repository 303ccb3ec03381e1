//! Carrying out writes: what takes one request goes in small batches, what takes several goes alone.

use std::collections::BTreeSet;

use calsync_core::ids::CalendarKey;
use calsync_core::model::{RecurrenceId, Series};
use calsync_core::source::{Applied, Files, SourceError, SourceErrorKind, Write, WriteOp, WriteOutcome};
use calsync_core::store::Recorded;

use super::invite::{self, Inviting};
use super::outcome::{failed_write, rejected};
use super::parts::group::{Kind, read_revision};
use super::parts::layout::Before;
use super::write::Setting;
use super::{ExchangeSource, Place, create, files};
use crate::error::EwsError;
use crate::ops::Notify;
use crate::wire::ItemId;

/// The most items in one writing request: if its answer is lost, so many have to be asked about.
const WRITES: usize = 25;

/// The server refused, or nobody knows.
#[derive(Debug)]
pub(super) enum Failure {
    /// As the client said it.
    Ews(EwsError),
    /// Exchange cannot hold it.
    NotHeld(String),
    /// Exchange does not let this occurrence stand in its series.
    Crossing(RecurrenceId),
    /// The item is not as the write expects.
    Stale,
    /// The item is not there.
    Missing,
    /// A file of the other side cannot be read.
    OtherSide(SourceError),
}

impl From<EwsError> for Failure {
    fn from(error: EwsError) -> Self {
        Self::Ews(error)
    }
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::NotHeld(why)
    }
}

impl Failure {
    pub(super) fn outcome(self, doing: &'static str) -> WriteOutcome {
        match self {
            Self::Ews(error) => failed_write(doing, error),
            Self::NotHeld(why) => WriteOutcome::Refused(rejected(doing, why)),
            Self::Crossing(key) => WriteOutcome::Refused(rejected(
                doing,
                format!("Exchange refuses the occurrence {}: its neighbour is in the way", key.to_text()),
            )),
            Self::Stale => WriteOutcome::Refused(SourceError::new(doing, SourceErrorKind::Stale)),
            Self::OtherSide(error) => WriteOutcome::Refused(error),
            Self::Missing => WriteOutcome::Refused(SourceError::new(doing, SourceErrorKind::Missing)),
        }
    }

    /// Whether a part of the write may have been carried out by the request that failed.
    pub(super) fn may_have_happened(&self) -> bool {
        matches!(self, Self::Ews(error) if error.may_have_happened())
    }
}

/// What is needed for every write of a call.
pub(super) struct Job<'a> {
    pub(super) calendar: &'a CalendarKey,
    pub(super) place: Place,
    pub(super) setting: Setting<'a>,
    /// Where the bytes of files come from.
    pub(super) files: &'a dyn Files,
    /// `None` where nobody is ever told of anything.
    pub(super) inviting: Option<Inviting<'a>>,
}

impl Job<'_> {
    /// The same without invitations: a series of several items would be announced as several meetings.
    pub(super) fn silent(&self) -> Job<'_> {
        Job { place: self.place.clone(), inviting: None, ..*self }
    }

    /// Who is told of writes that go together in one request.
    pub(super) fn told<'w>(&self, mut writes: impl Iterator<Item = &'w Write>) -> Notify {
        match self.inviting {
            Some(inviting) if writes.any(|write| invite::is_told(self.inviting, write)) => {
                inviting.everybody()
            }
            _ => Notify::Nobody,
        }
    }
}

/// Outcomes by the index of their write.
pub(super) type Outcomes = Vec<(usize, WriteOutcome)>;

impl ExchangeSource {
    pub(super) async fn apply_writes(
        &self,
        calendar: &CalendarKey,
        writes: &[Recorded<Write>],
        files: &dyn Files,
    ) -> Vec<WriteOutcome> {
        let place = self.place(calendar);
        let version = match self.version(&place).await {
            Ok(version) => version,
            // Nothing was written yet, so this refuses every write, whatever it was.
            Err(error) => return refuse_all(writes.len(), error),
        };
        let owner = place.target.address.clone();
        let inviting = Inviting::new(self.invitations, &owner);
        let setting = Setting { home: &self.zone, version };
        let job = Job { calendar, place, setting, files, inviting };
        let mut slots: Vec<Option<WriteOutcome>> = writes.iter().map(|_| None).collect();
        let mut stop: Option<SourceErrorKind> = None;
        for part in self.parts(&job, writes) {
            let outcomes = match &stop {
                Some(kind) => part
                    .indexes()
                    .iter()
                    .map(|index| (*index, WriteOutcome::Refused(SourceError::new("write", kind.clone()))))
                    .collect(),
                None => self.carry_out(&job, &part, writes).await,
            };
            for (index, outcome) in outcomes {
                if stop.is_none() {
                    stop = ends_it(&outcome);
                }
                if let Some(slot) = slots.get_mut(index) {
                    *slot = Some(outcome);
                }
            }
        }
        let missing = || WriteOutcome::Refused(SourceError::new("write", SourceErrorKind::Unavailable));
        let outcomes: Vec<WriteOutcome> =
            slots.into_iter().map(|slot| slot.unwrap_or_else(missing)).collect();
        if stop.is_none() {
            self.list_categories(&job, writes, &outcomes).await;
        }
        outcomes
    }

    async fn carry_out(&self, job: &Job<'_>, part: &Part, writes: &[Recorded<Write>]) -> Outcomes {
        let of = |indexes: &[usize]| -> Vec<(usize, Write)> {
            indexes.iter().filter_map(|index| Some((*index, writes.get(*index)?.get().clone()))).collect()
        };
        match part {
            Part::Creates(indexes) => self.create_plain(job, of(indexes)).await,
            Part::Updates(indexes) => self.update_plain(job, of(indexes)).await,
            Part::Deletes(indexes) => self.delete_items(job, of(indexes)).await,
            Part::Alone(index) => {
                let Some(write) = writes.get(*index).map(Recorded::get) else { return Vec::new() };
                let outcome = match &write.op {
                    WriteOp::Create { token, series } => self.create_series(job, write, token, series).await,
                    WriteOp::Update { key, expected, patch, current } => {
                        let mut id = ItemId::with_change_key(key.as_str(), expected.as_str());
                        if let Some(change) = &patch.master.attachments
                            && let Err(failure) = self.change_files(job, &mut id, change, write).await
                        {
                            return vec![(*index, failure.outcome("write files"))];
                        }
                        match self.update_series(job, id, patch, current, &write.receipt).await {
                            Ok(outcome) => outcome,
                            // Some of it is written already, so the item has another revision by now.
                            Err(crossing) => self.regroup(&job.silent(), write, crossing).await,
                        }
                    }
                    WriteOp::Delete { .. } => return self.delete_items(job, of(&[*index])).await,
                };
                vec![(*index, outcome)]
            }
            Part::Group(index) => {
                let Some(write) = writes.get(*index).map(Recorded::get) else { return Vec::new() };
                let job = &job.silent();
                let write = &files::without_files(job, write);
                let outcome = match &write.op {
                    WriteOp::Create { token, series } => {
                        self.create_group(job, token, series, &write.receipt, BTreeSet::new()).await
                    }
                    WriteOp::Update { .. } => self.update_group(job, write, BTreeSet::new()).await,
                    WriteOp::Delete { .. } => return self.delete_group(job, *index, write.clone()).await,
                };
                vec![(*index, outcome)]
            }
            Part::Unfit(index, why) => {
                vec![(*index, WriteOutcome::Refused(rejected("write", why.clone())))]
            }
        }
    }

    /// Sorts writes by what they need.
    fn parts(&self, job: &Job<'_>, writes: &[Recorded<Write>]) -> Vec<Part> {
        // One request tells about all of its items or about none, so those two kinds go apart.
        let (mut creates, mut told_creates) = (Vec::new(), Vec::new());
        let (mut updates, mut told_updates) = (Vec::new(), Vec::new());
        let (mut deletes, mut alone) = (Vec::new(), Vec::new());
        for (index, write) in writes.iter().enumerate() {
            let op = &write.get().op;
            match self.is_group(job, op) {
                Ok(false) => {}
                Ok(true) => {
                    alone.push(Part::Group(index));
                    continue;
                }
                Err(why) => {
                    alone.push(Part::Unfit(index, why));
                    continue;
                }
            }
            let is_told = invite::is_told(job.inviting, write.get());
            match op {
                WriteOp::Create { series, .. } if create::is_plain(series) => {
                    if is_told { &mut told_creates } else { &mut creates }.push(index);
                }
                WriteOp::Update { patch, current, .. } if super::update::is_plain(patch, current) => {
                    if is_told { &mut told_updates } else { &mut updates }.push(index);
                }
                WriteOp::Delete { .. } => deletes.push(index),
                WriteOp::Create { .. } | WriteOp::Update { .. } => alone.push(Part::Alone(index)),
            }
        }
        let mut parts: Vec<Part> = Vec::new();
        for creates in [creates, told_creates] {
            parts.extend(creates.chunks(WRITES).map(|chunk| Part::Creates(chunk.to_vec())));
        }
        for updates in [updates, told_updates] {
            parts.extend(updates.chunks(WRITES).map(|chunk| Part::Updates(chunk.to_vec())));
        }
        parts.extend(alone);
        parts.extend(deletes.chunks(WRITES).map(|chunk| Part::Deletes(chunk.to_vec())));
        parts
    }

    /// Whether a write is about a series that is, or is to be, held by several items; or why it cannot be held.
    fn is_group(&self, job: &Job<'_>, op: &WriteOp) -> Result<bool, String> {
        let several =
            |series: &Series| self.layout(job, series, &Before::default()).map(|layout| !layout.is_whole());
        match op {
            WriteOp::Create { series, .. } => several(series),
            WriteOp::Update { expected, .. } if read_revision(expected).1 != Kind::Plain => Ok(true),
            WriteOp::Update { patch, current, .. } => several(&patch.apply(current)),
            WriteOp::Delete { expected, .. } => Ok(read_revision(expected).1 != Kind::Plain),
        }
    }
}

/// Writes that go together.
enum Part {
    Creates(Vec<usize>),
    Updates(Vec<usize>),
    Deletes(Vec<usize>),
    Alone(usize),
    /// A series of several items.
    Group(usize),
    /// What Exchange cannot hold, and why.
    Unfit(usize, String),
}

impl Part {
    fn indexes(&self) -> Vec<usize> {
        match self {
            Self::Creates(indexes) | Self::Updates(indexes) | Self::Deletes(indexes) => indexes.clone(),
            Self::Alone(index) | Self::Group(index) | Self::Unfit(index, _) => vec![*index],
        }
    }
}

/// Whether an outcome says that the next request would fare no better.
fn ends_it(outcome: &WriteOutcome) -> Option<SourceErrorKind> {
    match outcome {
        WriteOutcome::Applied(_) => None,
        WriteOutcome::Refused(error) => match &error.kind {
            kind @ (SourceErrorKind::Throttled(_)
            | SourceErrorKind::Unavailable
            | SourceErrorKind::NoCalendar(_)) => Some(kind.clone()),
            // What one item is denied for need not hold for the next.
            _ => None,
        },
        // The server may be going down; writing on would only add to what is unknown.
        WriteOutcome::Unknown(_) => Some(SourceErrorKind::Unavailable),
    }
}

fn refuse_all(count: usize, error: EwsError) -> Vec<WriteOutcome> {
    let first = super::source_error("write", error);
    let kind = first.kind.clone();
    let rest = (1..count).map(|_| SourceError::new("write", kind.clone()));
    let mut outcomes: Vec<WriteOutcome> =
        std::iter::once(first).chain(rest).map(WriteOutcome::Refused).collect();
    outcomes.truncate(count);
    outcomes
}

/// An item that was written, to be read back.
pub(super) fn stored(id: &ItemId) -> WriteOutcome {
    WriteOutcome::Applied(Applied::Stored {
        key: calsync_core::ids::ItemKey::new(&id.id),
        revision: calsync_core::ids::Revision::new(id.change_key.as_deref().unwrap_or_default()),
    })
}
