//! Writing single occurrences of a series.
//!
//! An occurrence is named by its place in the series, reckoned from our own reading of the rule, and nothing is written to
//! it before the server has confirmed that its original start is the one that is meant. Where that fails, a window of
//! time around it is searched. All occurrences share the change key of their master, so they are written one after the
//! other.

use std::collections::BTreeMap;

use calsync_core::model::{Field, Override, OverridePatch, RecurrenceId, Series};
use calsync_core::zone::Zone;
use chrono::TimeDelta;

use super::apply::{Failure, Job};
use super::read::{ItemZones, base_instance, recurrence_id};
use super::write::{field_changes, instance_times};
use super::{ExchangeSource, invite, properties};
use crate::error::{EwsError, ResponseError};
use crate::ops::{DeleteItem, DeleteType, FindItem, Notify, Range, Shape};
use crate::wire::{CalendarItem, DateTime, FieldRef, ItemId, ItemRef, ResponseCode};

type Patches = BTreeMap<RecurrenceId, OverridePatch>;

/// What the server says about the occurrences that are to be written.
struct Located {
    /// The zone by which the series is reckoned on the server.
    zone: Zone,
    /// Ids by original start.
    ids: BTreeMap<RecurrenceId, ItemId>,
    /// Occurrences that are deleted already.
    deleted: Vec<RecurrenceId>,
}

impl ExchangeSource {
    /// Writes `patches` to occurrences of the series `id`, which is to become `new`. Keeps the change key of `id` up to
    /// date; on entry it is the one that the item must have. `told` are those who are told of changes of when, where and with
    /// whom an occurrence is.
    pub(super) async fn write_occurrences(
        &self,
        job: &Job<'_>,
        id: &mut ItemId,
        new: &Series,
        patches: Patches,
        told: Notify,
    ) -> Result<(), Failure> {
        if patches.is_empty() {
            return Ok(());
        }
        let located = self.locate(job, id, new, &patches).await?;
        self.cancel(job, id, &patches, &located, told).await?;
        for (key, patch) in &patches {
            let fields: Vec<Field> = match patch {
                OverridePatch::Cancel => continue,
                OverridePatch::Change(patch) => patch.fields(),
                OverridePatch::Restore(overlay) => overlay.fields(),
            };
            let occurrence = located.ids.get(key).ok_or(Failure::Missing)?;
            let base = base_instance(new, *key);
            let instance = match new.overrides.get(key) {
                Some(Override::Changed(overlay)) => base.with(overlay),
                Some(Override::Cancelled) | None => base,
            };
            let mut changes = field_changes(&fields, &instance);
            changes
                .extend(job.inviting.into_iter().flat_map(|inviting| inviting.changes(&fields, &instance)));
            if fields.contains(&Field::Span) {
                changes.extend(instance_times(&instance.span, &located.zone, new.event.span.is_all_day()));
            }
            if changes.is_empty() {
                continue;
            }
            let guarded = ItemId { id: occurrence.id.clone(), change_key: id.change_key.clone() };
            let notify = if invite::concerns_occurrence(patch) { told } else { Notify::Nobody };
            let updated = match self.update_telling(job, &guarded, changes, notify).await {
                Ok(updated) => updated,
                Err(EwsError::Response(error)) if is_crossing(&error.code) => {
                    return Err(Failure::Crossing(*key));
                }
                Err(error) => return Err(error.into()),
            };
            id.change_key = updated.change_key;
        }
        Ok(())
    }

    /// Deletes the occurrences that are to be, in one request, and learns the change key after it.
    async fn cancel(
        &self,
        job: &Job<'_>,
        id: &mut ItemId,
        patches: &Patches,
        located: &Located,
        notify: Notify,
    ) -> Result<(), Failure> {
        let mut items = Vec::new();
        for (key, _) in patches.iter().filter(|(_, patch)| matches!(patch, OverridePatch::Cancel)) {
            match located.ids.get(key) {
                Some(occurrence) => items.push(ItemRef::Id(occurrence.clone())),
                None if located.deleted.contains(key) => {}
                None => return Err(Failure::Missing),
            }
        }
        if items.is_empty() {
            return Ok(());
        }
        let question = DeleteItem { items, delete_type: DeleteType::MoveToDeletedItems, notify };
        for result in self.client.delete_item(&job.place.target, &question).await? {
            match result {
                Ok(()) => {}
                Err(error) if is_gone(&error.code) => {}
                Err(error) => return Err(EwsError::from(error).into()),
            }
        }
        let mut master =
            self.read_all(&job.place, vec![ItemRef::Id(ItemId::new(&id.id))], Shape::IdOnly).await?;
        let master = master.pop().ok_or(Failure::Missing)?.map_err(EwsError::from)?;
        id.change_key = master.item_id.and_then(|id| id.change_key);
        Ok(())
    }

    /// Finds the ids of occurrences, and makes sure that the series is as its change key says.
    async fn locate(
        &self,
        job: &Job<'_>,
        id: &ItemId,
        new: &Series,
        patches: &Patches,
    ) -> Result<Located, Failure> {
        let keys: Vec<RecurrenceId> = patches.keys().copied().collect();
        let mut asked = vec![ItemRef::Id(ItemId::new(&id.id))];
        let mut by_index = Vec::new();
        for key in &keys {
            if let Some(index) = index_of(new, *key) {
                asked.push(ItemRef::Occurrence { master: ItemId::new(&id.id), index });
                by_index.push(*key);
            }
        }
        let mut answers = self.read_all(&job.place, asked, place_shape(job)).await?.into_iter();
        let master = answers.next().ok_or(Failure::Missing)?.map_err(|error| match error.code {
            ResponseCode::ItemNotFound => Failure::Missing,
            _ => EwsError::from(error).into(),
        })?;
        if let (Some(now), Some(expected)) =
            (master.item_id.as_ref().and_then(|id| id.change_key.as_ref()), &id.change_key)
            && now != expected
        {
            return Err(Failure::Stale);
        }
        let zones = ItemZones::of(&master, &self.zone);
        let mut located =
            Located { zone: zones.reckoning().clone(), ids: BTreeMap::new(), deleted: Vec::new() };
        located
            .deleted
            .extend(master.deleted_occurrences.iter().map(|start| recurrence_id(new, *start, &zones)));
        for info in &master.modified_occurrences {
            located
                .ids
                .insert(recurrence_id(new, info.original_start, &zones), ItemId::new(&info.item_id.id));
        }
        for (key, answer) in by_index.into_iter().zip(answers) {
            note(&mut located, new, key, answer, &zones);
        }
        for key in keys {
            if !located.ids.contains_key(&key) && !located.deleted.contains(&key) {
                self.search(job, new, key, &zones, &mut located).await?;
            }
        }
        Ok(located)
    }

    /// Looks for an occurrence in a window around its original start.
    async fn search(
        &self,
        job: &Job<'_>,
        new: &Series,
        key: RecurrenceId,
        zones: &ItemZones,
        located: &mut Located,
    ) -> Result<(), Failure> {
        let around = located.zone.to_utc(key.local()).naive_utc();
        let day = TimeDelta::days(1);
        let bound = |at: Option<chrono::NaiveDateTime>| DateTime::utc(at.unwrap_or(around));
        let fields =
            ["calendar:UID", "calendar:Start", "calendar:OriginalStart", "calendar:CalendarItemType"];
        let question = FindItem {
            folder: job.place.folder.clone(),
            shape: Shape::Fields { fields: fields.map(FieldRef::Named).to_vec(), body: None },
            range: Range::View {
                start: bound(around.checked_sub_signed(day)),
                end: bound(around.checked_add_signed(TimeDelta::days(2))),
                max: Some(1000),
            },
        };
        let page = self.client.find_item(&job.place.target, &question).await?;
        for item in page.items {
            let same_series = item.uid.as_deref() == Some(new.uid.as_str());
            if same_series && original_start(&item).is_some_and(|at| recurrence_id(new, at, zones) == key) {
                located.ids.extend(item.item_id.map(|id| (key, id)));
            }
        }
        Ok(())
    }
}

/// Notes what the server says about the occurrence that ought to be `key`.
fn note(
    located: &mut Located,
    new: &Series,
    key: RecurrenceId,
    answer: Result<CalendarItem, ResponseError>,
    zones: &ItemZones,
) {
    match answer {
        Ok(item) => {
            let is_it = original_start(&item).is_some_and(|at| recurrence_id(new, at, zones) == key);
            if let (true, Some(id)) = (is_it, item.item_id) {
                located.ids.entry(key).or_insert(id);
            }
        }
        Err(error) if error.code == ResponseCode::CalendarOccurrenceIsDeletedFromRecurrence => {
            if !located.deleted.contains(&key) {
                located.deleted.push(key);
            }
        }
        Err(_) => {}
    }
}

/// The place of an occurrence in its series, from 1.
fn index_of(series: &Series, key: RecurrenceId) -> Option<u32> {
    let start = &series.event.span.start;
    let rule = &series.recurrence.as_ref()?.rule;
    u32::try_from(rule.index_of(start.local(), start.zone(), key.local())?).ok()
}

fn original_start(item: &CalendarItem) -> Option<DateTime> {
    item.original_start.or(item.start)
}

fn is_gone(code: &ResponseCode) -> bool {
    matches!(code, ResponseCode::ItemNotFound | ResponseCode::CalendarOccurrenceIsDeletedFromRecurrence)
}

/// Whether an occurrence is refused because of its neighbours.
fn is_crossing(code: &ResponseCode) -> bool {
    matches!(code, ResponseCode::OccurrenceCrossingBoundary | ResponseCode::OccurrenceTimeSpanTooBig)
}

/// What is needed to know an occurrence, and the zone of its series.
fn place_shape(job: &Job<'_>) -> Shape {
    let mut fields = vec![
        "calendar:Start",
        "calendar:OriginalStart",
        "calendar:CalendarItemType",
        "calendar:ModifiedOccurrences",
        "calendar:DeletedOccurrences",
    ];
    if job.setting.version < crate::version::Version::Exchange2010 {
        fields.push("calendar:MeetingTimeZone");
    } else {
        fields.push("calendar:StartTimeZone");
    }
    let mut fields: Vec<FieldRef> = fields.into_iter().map(FieldRef::Named).collect();
    fields.push(FieldRef::Extended(properties::ZONES));
    Shape::Fields { fields, body: None }
}
