//! Changing items.
//!
//! The change key that the plan was made upon guards the first request; each answer brings the key for the next one.
//! Exchange forgets changed and deleted occurrences when a recurrence or a start changes, so after that the series is
//! read again and what is missing is written anew.

use std::collections::BTreeMap;

use calsync_core::model::{OverridePatch, RecurrenceId, Series, SeriesPatch};
use calsync_core::source::{Receipt, Seen, Write, WriteOp, WriteOutcome};

use super::apply::{Failure, Job, Outcomes, stored};
use super::create::fail_all;
use super::fetch::Look;
use super::outcome::{failed_write, rejected};
use super::write::{field_changes, keep_zone, no_recurrence, receipt_change, stub_changes, time_changes};
use super::{ExchangeSource, apply, properties};
use crate::ops::{ConflictResolution, ItemChange, UpdateItem};
use crate::wire::{FieldChange, FieldRef, ItemId, ItemRef};

const DOING: &str = "update items";

/// Whether one request is enough: no occurrence is touched, and none can get lost.
pub(super) fn is_plain(patch: &SeriesPatch, current: &Series) -> bool {
    patch.overrides.is_empty()
        && patch.master.attachments.is_none()
        && (!changes_times(patch) || current.overrides.is_empty())
}

fn changes_times(patch: &SeriesPatch) -> bool {
    patch.recurrence.is_some() || patch.master.span.is_some()
}

/// What changes in the single appointment or the master.
fn master_changes(job: &Job<'_>, patch: &SeriesPatch, new: &Series) -> Result<Vec<FieldChange>, String> {
    let fields = patch.master.fields();
    let mut changes = field_changes(&fields, &new.event);
    changes.extend(job.inviting.into_iter().flat_map(|inviting| inviting.changes(&fields, &new.event)));
    if changes_times(patch) {
        let mut times = time_changes(new, job.setting)?;
        if let Some(span) = &patch.master.span {
            keep_zone(&mut times, &span.from, new);
        }
        changes.extend(times);
    }
    if patch.recurrence.is_some() && new.recurrence.is_none() {
        changes.push(no_recurrence());
    }
    Ok(changes)
}

/// Makes Exchange forget all exceptions of a series, and notes in the item what the series was `before`: see
/// [`Unfinished`](properties::Unfinished).
fn take_apart(before: Option<&Series>, new: &Series, job: &Job<'_>) -> Result<Vec<FieldChange>, String> {
    let mut changes = stub_changes(new, job.setting)?;
    let mark = before.and_then(|before| properties::Unfinished::of(before).property());
    changes.extend(mark.map(FieldChange::Set));
    Ok(changes)
}

impl ExchangeSource {
    /// Changes items that need one request, together.
    pub(super) async fn update_plain(&self, job: &Job<'_>, writes: Vec<(usize, Write)>) -> Outcomes {
        let mut outcomes = Outcomes::new();
        let mut indexes = Vec::new();
        let mut items = Vec::new();
        let notify = job.told(writes.iter().map(|(_, write)| write));
        for (index, write) in writes {
            let WriteOp::Update { key, expected, patch, current } = &write.op else { continue };
            match master_changes(job, patch, &patch.apply(current)) {
                Ok(mut changes) => {
                    changes.extend(receipt_change(&write.receipt));
                    let id = ItemId::with_change_key(key.as_str(), expected.as_str());
                    indexes.push(index);
                    items.push(ItemChange { item: ItemRef::Id(id), changes });
                }
                Err(why) => outcomes.push((index, WriteOutcome::Refused(rejected(DOING, why)))),
            }
        }
        let question = UpdateItem { items, conflict_resolution: ConflictResolution::NeverOverwrite, notify };
        match self.client.update_item(&job.place.target, &question).await {
            Ok(results) => {
                outcomes.extend(indexes.into_iter().zip(results.into_iter().map(|result| match result {
                    Ok(updated) => stored(&updated.item_id),
                    Err(error) => failed_write(DOING, error.into()),
                })));
            }
            Err(error) => outcomes.extend(fail_all(indexes, error)),
        }
        outcomes
    }

    /// Changes a series together with its occurrences. When Exchange refuses one of them because of its neighbours, it
    /// is named, with the state in which the item was left.
    pub(super) async fn update_series(
        &self,
        job: &Job<'_>,
        mut id: ItemId,
        patch: &SeriesPatch,
        current: &Series,
        receipt: &Receipt,
    ) -> Result<WriteOutcome, (RecurrenceId, ItemId)> {
        match self.update_all(job, &mut id, patch, current, receipt).await {
            Ok(()) => Ok(apply::stored(&id)),
            Err(Failure::Crossing(key)) => Err((key, id)),
            Err(failure) => Ok(failure.outcome(DOING)),
        }
    }

    async fn update_all(
        &self,
        job: &Job<'_>,
        id: &mut ItemId,
        patch: &SeriesPatch,
        current: &Series,
        receipt: &Receipt,
    ) -> Result<(), Failure> {
        self.update_content(job, id, patch, current, true).await?;
        let told = job.inviting.map(|inviting| inviting.of_update(patch, current)).unwrap_or_default();
        let mut changes: Vec<FieldChange> = receipt_change(receipt).into_iter().collect();
        changes.push(FieldChange::Delete(FieldRef::Extended(properties::UNFINISHED)));
        if patch.master.attachments.is_some() {
            changes.push(FieldChange::Delete(FieldRef::Extended(properties::FILES)));
        }
        *id = self.update_telling(job, id, changes, told.item).await?;
        Ok(())
    }

    /// Changes all that is to be changed in a series but for its receipt, and keeps the change key of `id` up to date.
    /// `mark` says that the item itself tells what it was while it is taken apart.
    pub(super) async fn update_content(
        &self,
        job: &Job<'_>,
        id: &mut ItemId,
        patch: &SeriesPatch,
        current: &Series,
        mark: bool,
    ) -> Result<(), Failure> {
        let new = patch.apply(current);
        let told = job.inviting.map(|inviting| inviting.of_update(patch, current)).unwrap_or_default();
        let changes = master_changes(job, patch, &new)?;
        if !changes.is_empty() {
            *id = self.update_one(job, id, changes).await?;
        }
        let mut patches = patch.overrides.clone();
        keep_standing(&mut patches, &new);
        if changes_times(patch) {
            patches = self.missing_overrides(job, id, &new).await?;
        }
        if patches.values().any(|patch| matches!(patch, OverridePatch::Restore(_))) {
            // There is no way to bring an occurrence back but to set the recurrence anew.
            let before = if mark { Some(current) } else { None };
            *id = self.update_one(job, id, take_apart(before, &new, job)?).await?;
            *id = self.update_one(job, id, time_changes(&new, job.setting)?).await?;
            patches = self.missing_overrides(job, id, &new).await?;
            if patches.values().any(|patch| matches!(patch, OverridePatch::Restore(_))) {
                return Err(Failure::NotHeld(
                    "Exchange does not bring back a deleted occurrence of this series".to_owned(),
                ));
            }
        }
        self.write_occurrences(job, id, &new, patches, told.occurrences).await
    }

    /// What the occurrences lack after the times of the series changed. Occurrences that the new rule does not have are
    /// lost with the old one.
    async fn missing_overrides(
        &self,
        job: &Job<'_>,
        id: &mut ItemId,
        new: &Series,
    ) -> Result<BTreeMap<RecurrenceId, OverridePatch>, Failure> {
        let key = calsync_core::ids::ItemKey::new(&id.id);
        let now = match self.fetch_one(job.calendar, &key, Look::Raw).await? {
            Seen::Present(item) => item,
            Seen::Absent => return Err(Failure::Missing),
            Seen::Unreadable(why) => {
                return Err(Failure::NotHeld(format!("the series cannot be read back: {why}")));
            }
        };
        id.change_key = Some(now.revision.as_str().to_owned());
        let mut patches = now.series.diff(new).overrides;
        keep_standing(&mut patches, new);
        Ok(patches)
    }
}

/// Leaves out occurrences that the series does not have, such as those of before somebody moved it.
fn keep_standing(patches: &mut BTreeMap<RecurrenceId, OverridePatch>, series: &Series) {
    let start = &series.event.span.start;
    match &series.recurrence {
        Some(recurrence) => {
            patches.retain(|key, _| recurrence.rule.contains(start.local(), start.zone(), key.local()));
        }
        None => patches.clear(),
    }
}
