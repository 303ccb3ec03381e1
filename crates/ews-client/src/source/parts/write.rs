//! Writing a series that is held by several items.
//!
//! However many requests it takes, and wherever they stop: first the owner is marked as unfinished, with what the series
//! was, then the items are made to look like the layout, last come the record and the receipt. Nothing depends on how
//! far an earlier try came. What is there is looked for and compared; what is missing is made, what differs is changed,
//! what is too much is deleted.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{CreateToken, ItemKey, Revision};
use calsync_core::model::{Field, RecurrenceId, Series, SeriesPatch};
use calsync_core::source::{
    Applied, Item, Receipt, Seen, SourceError, SourceErrorKind, Write, WriteOp, WriteOutcome,
};

use super::compose::{group_revision, record};
use super::group::{Kind, first, read_revision};
use super::layout::{Before, Layout, Terms, layout};
use super::{Role, Tag, Whole};
use crate::error::EwsError;
use crate::ops::{CreateItem, DeleteItem, DeleteType, Notify};
use crate::source::apply::{Failure, Job, Outcomes};
use crate::source::create::overrides_as_patches;
use crate::source::fetch::Look;
use crate::source::outcome::rejected;
use crate::source::write::{new_item, receipt_change};
use crate::source::{ExchangeSource, properties};
use crate::wire::{CodeClass, FieldChange, FieldRef, ItemId, ItemRef, Property};

const DOING: &str = "write a series of several items";
/// The most items in one request.
const WRITES: usize = 25;

/// A series on its way into its items.
struct Task<'a> {
    group: String,
    series: &'a Series,
    before: Before,
    receipt: &'a Receipt,
}

impl ExchangeSource {
    /// Which items hold a series, and whether that is more than one.
    pub(in crate::source) fn layout(
        &self,
        job: &Job<'_>,
        series: &Series,
        before: &Before,
    ) -> Result<Layout, String> {
        let terms = Terms { setting: job.setting, unfit: self.unfit, today: self.today() };
        layout(series, &terms, before)
    }

    /// Makes the items of a new series. `forced` are instances that Exchange refused to hold in their series.
    pub(in crate::source) async fn create_group(
        &self,
        job: &Job<'_>,
        token: &CreateToken,
        series: &Series,
        receipt: &Receipt,
        forced: BTreeSet<RecurrenceId>,
    ) -> WriteOutcome {
        let before = Before { forced, ..Before::default() };
        let group = token.as_str().to_owned();
        let task = Task { group, series, before, receipt };
        match self.make_group(job, token, task).await {
            Ok(outcome) => outcome,
            Err(failure) => failure.outcome(DOING),
        }
    }

    async fn make_group(
        &self,
        job: &Job<'_>,
        token: &CreateToken,
        task: Task<'_>,
    ) -> Result<WriteOutcome, Failure> {
        let layout = self.layout(job, task.series, &task.before)?;
        let owner = layout.items.get(&Role::Owner).ok_or(Failure::Missing)?;
        let plain = Series { overrides: BTreeMap::new(), ..owner.clone() };
        let mut item = new_item(&plain, token, job.setting)?;
        item.extend(Tag { role: Role::Owner, group: task.group.clone() }.properties());
        let id = self.create_one(job, item).await?;
        // From here on something is there: whoever finds it sees that it was not finished.
        let settled = match self.receipt_of(job, &id, task.series, task.receipt).await {
            Ok(receipt) => self.settle(job, id, Task { receipt: &receipt, ..task }).await,
            Err(error) => Err(error.into()),
        };
        Ok(match settled {
            Ok((key, revision)) => WriteOutcome::Applied(Applied::Stored { key, revision }),
            Err(failure) => WriteOutcome::Unknown(unfinished(failure)),
        })
    }

    /// Changes a series that is, or is to be, held by several items.
    pub(in crate::source) async fn update_group(
        &self,
        job: &Job<'_>,
        write: &Write,
        forced: BTreeSet<RecurrenceId>,
    ) -> WriteOutcome {
        let WriteOp::Update { key, expected, patch, current } = &write.op else {
            return WriteOutcome::Refused(rejected(DOING, "it is no change"));
        };
        match self.change_group(job, key, expected, (patch, current), &write.receipt, forced).await {
            Ok((key, revision)) => WriteOutcome::Applied(Applied::Stored { key, revision }),
            Err(failure) => failure.outcome(DOING),
        }
    }

    /// Makes a group of a plain series, one of whose occurrences Exchange has just refused. `id` is the item with the
    /// change key that the refused request left.
    pub(in crate::source) async fn regroup(
        &self,
        job: &Job<'_>,
        write: &Write,
        (instance, id): (RecurrenceId, ItemId),
    ) -> WriteOutcome {
        let WriteOp::Update { key, patch, current, .. } = &write.op else {
            return WriteOutcome::Refused(rejected(DOING, "it is no change"));
        };
        let expected = Revision::new(id.change_key.unwrap_or_default());
        let forced = [instance].into();
        match self.change_group(job, key, &expected, (patch, current), &write.receipt, forced).await {
            Ok((key, revision)) => WriteOutcome::Applied(Applied::Stored { key, revision }),
            Err(failure) => failure.outcome(DOING),
        }
    }

    pub(super) async fn change_group(
        &self,
        job: &Job<'_>,
        key: &ItemKey,
        expected: &Revision,
        (patch, current): (&SeriesPatch, &Series),
        receipt: &Receipt,
        forced: BTreeSet<RecurrenceId>,
    ) -> Result<(ItemKey, Revision), Failure> {
        let series = patch.apply(current);
        let (change_key, kind) = read_revision(expected);
        let mut lying = self.owner_now(job, key, expected).await?;
        let tag = lying.mark.take().filter(|_| kind == Kind::Owner);
        // A group of old whose items went their own ways must not get them back.
        let group = match &tag {
            Some(mark) => mark.tag.group.clone(),
            None => format!("{}.{}", receipt.token, receipt.number),
        };
        let mut before = tag.as_ref().and_then(|mark| mark.whole()).map(Before::of).unwrap_or_default();
        before.forced.extend(forced);
        // What cannot be held is refused before anything is touched.
        self.layout(job, &series, &before)?;
        let mut changes: Vec<FieldChange> =
            properties::Unfinished::of(current).property().map(FieldChange::Set).into_iter().collect();
        let owner = Tag { role: Role::Owner, group: group.clone() };
        changes.extend(owner.properties().map(FieldChange::Set));
        let id = self.update_one(job, &ItemId::with_change_key(key.as_str(), change_key), changes).await?;
        if let Some(whole) = tag.as_ref().and_then(|mark| mark.settled())
            && self.was_edited(job, whole, change_key, expected).await?
        {
            // Back to what it was, so that the edit is seen.
            let unmark = vec![FieldChange::Delete(FieldRef::Extended(properties::UNFINISHED))];
            self.update_one(job, &id, unmark).await?;
            return Err(Failure::Stale);
        }
        self.settle(job, id, Task { group, series: &series, before, receipt }).await
    }

    /// Whether a part is not as it was when the change was planned. The owner's own revision guards the mark; those of the
    /// parts are looked at once the mark is there.
    async fn was_edited(
        &self,
        job: &Job<'_>,
        whole: &Whole,
        change_key: &str,
        expected: &Revision,
    ) -> Result<bool, Failure> {
        let parts = whole.items.iter().filter(|(role, _)| **role != Role::Owner);
        let keys: BTreeMap<Role, ItemKey> =
            parts.map(|(role, kept)| (*role, ItemKey::new(&kept.id))).collect();
        let items = self.items(job, &keys).await?;
        let states =
            keys.keys().map(|role| (*role, items.get(role).map(|item| item.revision.as_str().to_owned())));
        // Items that are under other ids now, as after a move of the mailbox, were compared before.
        Ok(items.len() == keys.len() && group_revision(change_key, states) != *expected)
    }

    /// The owner as it lies there, if the whole group is still as `expected` says.
    async fn owner_now(
        &self,
        job: &Job<'_>,
        key: &ItemKey,
        expected: &Revision,
    ) -> Result<super::group::Lying, Failure> {
        match self.fetch_one(job.calendar, key, Look::Settled).await? {
            Seen::Present(item) if item.revision == *expected => {}
            Seen::Present(_) => return Err(Failure::Stale),
            Seen::Absent => return Err(Failure::Missing),
            Seen::Unreadable(why) => return Err(Failure::NotHeld(why)),
        }
        let mut folder = self.folder(job.calendar, &job.place).await?;
        let keys = std::slice::from_ref(key);
        let mut lying = self.read_lying(&job.place, &mut folder, keys, Look::Raw).await?;
        lying.pop().ok_or(Failure::Missing)
    }

    /// Makes the mailbox look like the series and says that it does. Starts over when Exchange refuses an occurrence.
    async fn settle(
        &self,
        job: &Job<'_>,
        mut owner: ItemId,
        mut task: Task<'_>,
    ) -> Result<(ItemKey, Revision), Failure> {
        loop {
            let layout = self.layout(job, task.series, &task.before)?;
            match self.settle_once(job, &mut owner, &task, &layout).await {
                Err(Failure::Crossing(instance)) if task.before.forced.insert(instance) => {
                    // The refused request changed nothing, those before it did.
                    owner = self.current(job, &owner).await?;
                }
                other => return other,
            }
        }
    }

    /// The item with the change key that it has now.
    async fn current(&self, job: &Job<'_>, id: &ItemId) -> Result<ItemId, Failure> {
        match self.fetch_one(job.calendar, &ItemKey::new(&id.id), Look::Raw).await? {
            Seen::Present(item) => Ok(ItemId::with_change_key(&id.id, item.revision.as_str())),
            Seen::Absent => Err(Failure::Missing),
            Seen::Unreadable(why) => Err(Failure::NotHeld(why)),
        }
    }

    async fn settle_once(
        &self,
        job: &Job<'_>,
        owner: &mut ItemId,
        task: &Task<'_>,
        layout: &Layout,
    ) -> Result<(ItemKey, Revision), Failure> {
        let owner_key = ItemKey::new(&owner.id);
        let found = self.find_groups(&job.place, std::iter::once(&task.group)).await?;
        let mut there: BTreeMap<Role, ItemKey> = BTreeMap::from([(Role::Owner, owner_key.clone())]);
        for found_item in &found {
            let role = found_item.tag.role;
            let is_first =
                first(&found, &task.group, role).is_some_and(|first| first.id.id == found_item.id.id);
            if is_first && role != Role::Owner {
                there.insert(role, ItemKey::new(&found_item.id.id));
            }
        }
        let now = self.items(job, &there).await?;
        if now
            .get(&Role::Owner)
            .is_none_or(|item| Some(item.revision.as_str()) != owner.change_key.as_deref())
        {
            return Err(Failure::Stale);
        }
        let mut missing = Vec::new();
        for (role, target) in &layout.items {
            let Some(item) = now.get(role) else {
                missing.push((*role, target));
                continue;
            };
            // Files are not written with the rest.
            let patch = item.series.diff(target).only(|field| field != Field::Attachments);
            if patch.is_empty() {
                continue;
            }
            let mut id = ItemId::with_change_key(item.key.as_str(), item.revision.as_str());
            self.update_content(job, &mut id, &patch, &item.series, false).await?;
            if *role == Role::Owner {
                *owner = id;
            }
        }
        there.extend(self.make_parts(job, &task.group, missing).await?);
        let surplus: Vec<Role> =
            there.keys().copied().filter(|role| !layout.items.contains_key(role)).collect();
        let doomed = surplus.iter().filter_map(|role| there.remove(role)).collect();
        self.delete_parts(job, doomed).await?;
        self.finish(job, owner, &owner_key, task, layout, &there).await
    }

    /// Notes in the owner what the items hold.
    async fn finish(
        &self,
        job: &Job<'_>,
        owner: &ItemId,
        owner_key: &ItemKey,
        task: &Task<'_>,
        layout: &Layout,
        there: &BTreeMap<Role, ItemKey>,
    ) -> Result<(ItemKey, Revision), Failure> {
        let mut changes: Vec<FieldChange> = receipt_change(task.receipt).into_iter().collect();
        changes.push(FieldChange::Delete(FieldRef::Extended(properties::UNFINISHED)));
        if layout.is_whole() {
            changes.extend(Tag::removal());
            let id = self.update_one(job, owner, changes).await?;
            return Ok((owner_key.clone(), Revision::new(id.change_key.unwrap_or_default())));
        }
        let items = self.items(job, there).await?;
        if items.len() != there.len() {
            return Err(Failure::Missing);
        }
        let whole = record(task.series, layout, &task.before.forced, &items).ok_or(Failure::Missing)?;
        changes.extend(whole.change());
        let id = self.update_one(job, owner, changes).await?;
        let parts = items.iter().filter(|(role, _)| **role != Role::Owner);
        let parts = parts.map(|(role, item)| (*role, Some(item.revision.as_str().to_owned())));
        Ok((owner_key.clone(), group_revision(&id.change_key.unwrap_or_default(), parts)))
    }

    /// Items as they lie there; those that are gone are left out.
    async fn items(
        &self,
        job: &Job<'_>,
        keys: &BTreeMap<Role, ItemKey>,
    ) -> Result<BTreeMap<Role, Item>, Failure> {
        let asked: Vec<ItemKey> = keys.values().cloned().collect();
        let seen = self.fetch_items(job.calendar, &asked, Look::Raw).await?;
        let mut items = BTreeMap::new();
        for (role, seen) in keys.keys().zip(seen) {
            match seen {
                Seen::Present(item) => drop(items.insert(*role, *item)),
                Seen::Absent => {}
                Seen::Unreadable(why) => return Err(Failure::NotHeld(why)),
            }
        }
        Ok(items)
    }

    /// Makes parts that are not there, and says under which ids.
    async fn make_parts(
        &self,
        job: &Job<'_>,
        group: &str,
        missing: Vec<(Role, &Series)>,
    ) -> Result<Vec<(Role, ItemKey)>, Failure> {
        let mut made = Vec::new();
        let token = CreateToken::from_wire("");
        let is_token = FieldRef::Extended(properties::TOKEN);
        for missing in missing.chunks(WRITES) {
            let mut items: Vec<Vec<Property>> = Vec::new();
            for (role, series) in missing {
                let plain = Series { overrides: BTreeMap::new(), ..(*series).clone() };
                let mut item = new_item(&plain, &token, job.setting)?;
                // Only the owner is found by the token of the series.
                item.retain(|property| property.field() != is_token);
                item.extend(Tag { role: *role, group: group.to_owned() }.properties());
                items.push(item);
            }
            let question = CreateItem { folder: job.place.folder.clone(), items, notify: Notify::Nobody };
            let results = self.client.create_item(&job.place.target, &question).await?;
            for ((role, series), result) in missing.iter().zip(results) {
                let mut id = result.map_err(EwsError::from)?;
                if !series.overrides.is_empty() {
                    let patches = overrides_as_patches(series);
                    self.write_occurrences(job, &mut id, series, patches, Notify::Nobody).await?;
                }
                made.push((*role, ItemKey::new(&id.id)));
            }
        }
        Ok(made)
    }

    async fn delete_parts(&self, job: &Job<'_>, doomed: Vec<ItemKey>) -> Result<(), Failure> {
        for doomed in doomed.chunks(WRITES) {
            let question = DeleteItem {
                items: doomed.iter().map(|key| ItemRef::Id(ItemId::new(key.as_str()))).collect(),
                delete_type: DeleteType::MoveToDeletedItems,
                notify: Notify::Nobody,
            };
            for result in self.client.delete_item(&job.place.target, &question).await? {
                match result {
                    Err(error) if error.code.class() != CodeClass::Missing => {
                        return Err(EwsError::from(error).into());
                    }
                    Ok(()) | Err(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Deletes a series with all its items, the owner last.
    pub(in crate::source) async fn delete_group(
        &self,
        job: &Job<'_>,
        index: usize,
        write: Write,
    ) -> Outcomes {
        let WriteOp::Delete { key, expected } = &write.op else { return Outcomes::new() };
        match self.empty_group(job, key, expected).await {
            Ok(change_key) => {
                let op = WriteOp::Delete { key: key.clone(), expected: Revision::new(change_key) };
                self.delete_items(job, vec![(index, Write { op, ..write })]).await
            }
            Err(Failure::Missing) => vec![(index, WriteOutcome::Applied(Applied::Deleted))],
            Err(failure) => vec![(index, failure.outcome(DOING))],
        }
    }

    /// Deletes the parts of a series and says which change key its owner has then.
    async fn empty_group(
        &self,
        job: &Job<'_>,
        key: &ItemKey,
        expected: &Revision,
    ) -> Result<String, Failure> {
        let (change_key, kind) = read_revision(expected);
        let current = match self.fetch_one(job.calendar, key, Look::Settled).await? {
            Seen::Present(item) if item.revision == *expected => item.series,
            Seen::Present(_) => return Err(Failure::Stale),
            Seen::Absent => return Err(Failure::Missing),
            Seen::Unreadable(why) => return Err(Failure::NotHeld(why)),
        };
        if kind != Kind::Owner {
            return Ok(change_key.to_owned());
        }
        // Whoever looks in between must not take the parts that are gone for a person's doing.
        let mark = properties::Unfinished::of(&current).property().map(FieldChange::Set);
        let id = ItemId::with_change_key(key.as_str(), change_key);
        let id = self.update_one(job, &id, mark.into_iter().collect()).await?;
        let mut folder = self.folder(job.calendar, &job.place).await?;
        let keys = std::slice::from_ref(key);
        let lying = self.read_lying(&job.place, &mut folder, keys, Look::Raw).await?;
        let mark = lying.into_iter().next().and_then(|lying| lying.mark).ok_or(Failure::Stale)?;
        let found = self.find_groups(&job.place, std::iter::once(&mark.tag.group)).await?;
        let roles: BTreeSet<Role> =
            found.iter().map(|found| found.tag.role).filter(|role| *role != Role::Owner).collect();
        let parts = roles.into_iter().filter_map(|role| first(&found, &mark.tag.group, role));
        self.delete_parts(job, parts.map(|found| ItemKey::new(&found.id.id)).collect()).await?;
        Ok(id.change_key.unwrap_or_default())
    }
}

/// Why a series is there in part.
fn unfinished(failure: Failure) -> SourceError {
    match failure.outcome(DOING) {
        WriteOutcome::Unknown(error) | WriteOutcome::Refused(error) => error,
        WriteOutcome::Applied(_) => SourceError::new(DOING, SourceErrorKind::NoAnswer),
    }
}
