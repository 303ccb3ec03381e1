//! Creating items.
//!
//! Single appointments and plain series go with token and receipt in one request. A series with changed or deleted
//! occurrences gets its receipt last. If Exchange refuses one of its occurrences, the item is taken back: half a series
//! would look finished. Where Exchange gives an item a UID of its own, that is added to the receipt.

use std::collections::BTreeMap;

use calsync_core::ids::{CreateToken, Uid};
use calsync_core::model::{Overlay, Override, OverridePatch, RecurrenceId, Series};
use calsync_core::source::{Receipt, Write, WriteOp, WriteOutcome};

use super::apply::{Failure, Job, Outcomes, stored};
use super::outcome::{failed_write, rejected};
use super::{ExchangeSource, properties, write};
use crate::error::{EwsError, ResponseError};
use crate::ops::{
    ConflictResolution, CreateItem, DeleteItem, DeleteType, ItemChange, Notify, Shape, UpdateItem,
};
use crate::wire::{FieldChange, FieldRef, ItemId, ItemRef, Property, ResponseCode};

const DOING: &str = "create items";

/// Whether one request makes it, with all that there is to know of it.
pub(super) fn is_plain(series: &Series) -> bool {
    is_whole(series) && write::keeps_uid(series)
}

/// Whether one request makes all of it.
fn is_whole(series: &Series) -> bool {
    series.overrides.is_empty() && series.event.attachments.is_empty()
}

impl ExchangeSource {
    /// Creates items that need one request, together.
    pub(super) async fn create_plain(&self, job: &Job<'_>, writes: Vec<(usize, Write)>) -> Outcomes {
        let mut outcomes = Outcomes::new();
        let mut indexes = Vec::new();
        let mut items: Vec<Vec<Property>> = Vec::new();
        let notify = job.told(writes.iter().map(|(_, write)| write));
        for (index, write) in writes {
            let WriteOp::Create { token, series } = &write.op else { continue };
            match write::new_item(series, token, job.setting) {
                Ok(mut item) => {
                    item.extend(properties::receipt(&write.receipt));
                    item.extend(
                        job.inviting.into_iter().flat_map(|inviting| inviting.new_item(&series.event)),
                    );
                    indexes.push(index);
                    items.push(item);
                }
                Err(why) => outcomes.push((index, WriteOutcome::Refused(rejected(DOING, why)))),
            }
        }
        let question = CreateItem { folder: job.place.folder.clone(), items, notify };
        match self.client.create_item(&job.place.target, &question).await {
            Ok(results) => {
                outcomes.extend(indexes.into_iter().zip(results.into_iter().map(|result| match result {
                    Ok(id) => stored(&id),
                    Err(error) => failed_write(DOING, error.into()),
                })));
            }
            Err(error) => outcomes.extend(fail_all(indexes, error)),
        }
        outcomes
    }

    /// Creates what needs several requests: a series with changed or deleted occurrences, an item with files, or with a UID that
    /// only Exchange knows.
    pub(super) async fn create_series(
        &self,
        job: &Job<'_>,
        write: &Write,
        token: &CreateToken,
        series: &Series,
    ) -> WriteOutcome {
        let receipt = &write.receipt;
        let mut master = match write::new_item(series, token, job.setting) {
            Ok(master) => master,
            Err(why) => return WriteOutcome::Refused(rejected(DOING, why)),
        };
        master.extend(job.inviting.into_iter().flat_map(|inviting| inviting.new_item(&series.event)));
        if is_whole(series) {
            // Nothing but its UID is missing in it.
            master.extend(properties::receipt(receipt));
        }
        let mut id = match self.create_one(job, master).await {
            Ok(id) => id,
            Err(error) => return failed_write(DOING, error),
        };
        let patches = overrides_as_patches(series);
        if let Err(failure) = self.write_occurrences(job, &mut id, series, patches, Notify::Nobody).await {
            let crossing = if let Failure::Crossing(key) = &failure { Some(*key) } else { None };
            let outcome = self.take_back(job, &id, failure).await;
            return match (crossing, &outcome) {
                // It can be an appointment of its own.
                (Some(key), WriteOutcome::Refused(_)) => {
                    self.create_group(&job.silent(), token, series, receipt, [key].into()).await
                }
                _ => outcome,
            };
        }
        if let Err(failure) = self.put_files(job, &mut id, &series.event.attachments, write).await {
            return self.take_back(job, &id, failure).await;
        }
        let told = job.inviting.map(|inviting| inviting.of_new(series)).unwrap_or_default();
        let finished = match self.receipt_of(job, &id, series, receipt).await {
            Ok(receipt) => self.write_receipt(job, &id, &receipt, told).await,
            Err(error) => Err(error),
        };
        match finished {
            Ok(id) => stored(&id),
            // All is in place but for the receipt, or what it says of its UID: whoever finds it must look at it again.
            Err(error) => WriteOutcome::Unknown(super::source_error(DOING, error)),
        }
    }

    pub(super) async fn create_one(&self, job: &Job<'_>, item: Vec<Property>) -> Result<ItemId, EwsError> {
        let question =
            CreateItem { folder: job.place.folder.clone(), items: vec![item], notify: Notify::Nobody };
        let mut results = self.client.create_item(&job.place.target, &question).await?;
        let result =
            results.pop().unwrap_or_else(|| Err(ResponseError::new(ResponseCode::InternalServerError)));
        Ok(result?)
    }

    /// Whether an item is as our last request left it.
    async fn is_untouched(&self, job: &Job<'_>, id: &ItemId) -> bool {
        let ids = vec![ItemRef::Id(ItemId::new(&id.id))];
        let as_left = |item: ItemId| item.change_key.is_some() && item.change_key == id.change_key;
        match self.read_all(&job.place, ids, Shape::IdOnly).await {
            Ok(answers) => {
                answers.into_iter().all(|answer| answer.is_ok_and(|item| item.item_id.is_some_and(as_left)))
            }
            Err(_) => false,
        }
    }

    /// Removes a series whose occurrences could not be written, unless nobody knows what was written or somebody has changed
    /// it since: then it stays, unfinished, and is found by its token.
    async fn take_back(&self, job: &Job<'_>, id: &ItemId, failure: Failure) -> WriteOutcome {
        if failure.may_have_happened() {
            return failure.outcome(DOING);
        }
        let question = DeleteItem {
            items: vec![ItemRef::Id(ItemId::new(&id.id))],
            delete_type: DeleteType::SoftDelete,
            notify: Notify::Nobody,
        };
        let taken_back = self.is_untouched(job, id).await
            && match self.client.delete_item(&job.place.target, &question).await {
                Ok(results) => results.into_iter().all(|result| result.is_ok()),
                Err(_) => false,
            };
        if taken_back {
            return failure.outcome(DOING);
        }
        WriteOutcome::Unknown(rejected(
            DOING,
            "the series is incomplete on Exchange and could not be taken back",
        ))
    }

    /// The receipt of a new item, with the UID that Exchange gave it where it did not get that of the series.
    pub(super) async fn receipt_of(
        &self,
        job: &Job<'_>,
        id: &ItemId,
        series: &Series,
        receipt: &Receipt,
    ) -> Result<Receipt, EwsError> {
        let mut receipt = receipt.clone();
        if !write::keeps_uid(series) {
            let shape = Shape::Fields { fields: vec![FieldRef::Named("calendar:UID")], body: None };
            let answers = self.read_all(&job.place, vec![ItemRef::Id(ItemId::new(&id.id))], shape).await?;
            let uid = answers.into_iter().next().transpose()?.and_then(|item| item.uid);
            receipt.own_uid = uid.filter(|uid| uid.len() <= write::MAX_UID).map(Uid::new);
        }
        Ok(receipt)
    }

    /// Writes the receipt into an item whose change key is known.
    pub(super) async fn write_receipt(
        &self,
        job: &Job<'_>,
        id: &ItemId,
        receipt: &Receipt,
        notify: Notify,
    ) -> Result<ItemId, EwsError> {
        let Some(change) = write::receipt_change(receipt) else { return Ok(id.clone()) };
        self.update_telling(job, id, vec![change], notify).await
    }

    /// Changes one item that must be as its change key says.
    pub(super) async fn update_one(
        &self,
        job: &Job<'_>,
        id: &ItemId,
        changes: Vec<FieldChange>,
    ) -> Result<ItemId, EwsError> {
        self.update_telling(job, id, changes, Notify::Nobody).await
    }

    /// The same, with a word to those who are invited perhaps.
    pub(super) async fn update_telling(
        &self,
        job: &Job<'_>,
        id: &ItemId,
        changes: Vec<FieldChange>,
        notify: Notify,
    ) -> Result<ItemId, EwsError> {
        let question = UpdateItem {
            items: vec![ItemChange { item: ItemRef::Id(id.clone()), changes }],
            conflict_resolution: ConflictResolution::NeverOverwrite,
            notify,
        };
        let mut results = self.client.update_item(&job.place.target, &question).await?;
        let result =
            results.pop().unwrap_or_else(|| Err(ResponseError::new(ResponseCode::InternalServerError)));
        Ok(result?.item_id)
    }
}

/// What turns a plain series into one with these overrides.
pub(super) fn overrides_as_patches(series: &Series) -> BTreeMap<RecurrenceId, OverridePatch> {
    let patch = |value: &Override| match value {
        Override::Cancelled => OverridePatch::Cancel,
        Override::Changed(overlay) => OverridePatch::Change(Overlay::default().diff(overlay)),
    };
    series.overrides.iter().map(|(key, value)| (*key, patch(value))).collect()
}

/// The same end for every item of a request. The first keeps the error itself.
pub(super) fn fail_all(indexes: Vec<usize>, error: EwsError) -> Outcomes {
    let unknown = error.may_have_happened();
    let first = failed_write(DOING, error);
    let kind = match &first {
        WriteOutcome::Unknown(error) | WriteOutcome::Refused(error) => error.kind.clone(),
        WriteOutcome::Applied(_) => return Outcomes::new(),
    };
    let same = move || {
        let error = calsync_core::source::SourceError::new(DOING, kind.clone());
        if unknown { WriteOutcome::Unknown(error) } else { WriteOutcome::Refused(error) }
    };
    let mut first = Some(first);
    indexes.into_iter().map(|index| (index, first.take().unwrap_or_else(&same))).collect()
}
