//! The master category list: categories that are written are known to Outlook there, with a colour.
//!
//! It lies in the mailbox's default calendar, whatever folder is written to, and can be reached from Exchange 2010 on; on
//! 2007 categories are written without it. It is looked at after writes that brought a new category, once for each, and
//! never fails any of them: an item keeps its categories with or without the list. A mailbox that has no list yet gets
//! none, because Outlook then makes one with its own categories in it.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use calsync_core::model::{Categories, Override, OverridePatch};
use calsync_core::source::{Write, WriteOp, WriteOutcome};
use calsync_core::store::Recorded;

use super::ExchangeSource;
use super::apply::Job;
use super::category_list::{CategoryList, key};
use crate::error::{EwsError, Next};
use crate::ops::{FolderRef, GetUserConfiguration, UpdateUserConfiguration};
use crate::version::Version;

const LIST: &str = "CategoryList";
/// How long a list is believed to have what it had.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// What is known of the list of a mailbox.
#[derive(Debug, Clone)]
pub(super) struct KnownList {
    /// Names that it has, and those that cannot be added to it, as [`key`] makes them.
    settled: BTreeSet<String>,
    /// It cannot be read or written.
    is_closed: bool,
    asked: Instant,
}

impl KnownList {
    fn new(settled: BTreeSet<String>) -> Self {
        Self { settled, is_closed: false, asked: Instant::now() }
    }
}

impl ExchangeSource {
    /// Adds the categories that writes brought to the list of the mailbox, where it lacks them.
    pub(super) async fn list_categories(
        &self,
        job: &Job<'_>,
        writes: &[Recorded<Write>],
        outcomes: &[WriteOutcome],
    ) {
        if job.setting.version < Version::Exchange2010 {
            return;
        }
        let written = writes.iter().zip(outcomes).filter(|(_, outcome)| {
            // Whoever has no answer now would not get another one.
            matches!(outcome, WriteOutcome::Applied(_))
        });
        let mut names: BTreeSet<String> = written.flat_map(|(write, _)| brought(&write.get().op)).collect();
        let address = &job.place.target.address;
        let known = self.lists.lock().unwrap_or_else(PoisonError::into_inner).get(address).cloned();
        if let Some(known) = known.filter(|known| known.asked.elapsed() < FRESH) {
            if known.is_closed {
                return;
            }
            names.retain(|name| !known.settled.contains(&key(name)));
        }
        if names.is_empty() {
            return;
        }
        let now = match self.add_categories(job, &names).await {
            Ok(now) => now,
            Err(why) => {
                tracing::warn!(mailbox = %address, %why, "categories are not added to the list of the mailbox");
                if matches!(&why, Closed::Ews(error) if matches!(error.next(), Next::Later(_))) {
                    // The next write that brings a category may find it open.
                    return;
                }
                KnownList { is_closed: true, ..KnownList::new(BTreeSet::new()) }
            }
        };
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).insert(address.clone(), now);
    }

    async fn add_categories(&self, job: &Job<'_>, names: &BTreeSet<String>) -> Result<KnownList, Closed> {
        let target = &job.place.target;
        let question = GetUserConfiguration { folder: FolderRef::Calendar, name: LIST };
        let bytes = self.client.get_user_configuration(target, &question).await?.ok_or(Closed::NoList)?;
        let list = CategoryList::read(&bytes).ok_or(Closed::NoList)?;
        if let Some(xml_data) = list.with(names, &self.colours) {
            let change = UpdateUserConfiguration { folder: FolderRef::Calendar, name: LIST, xml_data };
            self.client.update_user_configuration(target, &change).await?;
        }
        Ok(KnownList::new(list.names().iter().cloned().chain(names.iter().map(|name| key(name))).collect()))
    }
}

/// Why nothing is added to a list.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("the mailbox has no list that can be read, open it in Outlook once")]
    NoList,
    #[error(transparent)]
    Ews(#[from] EwsError),
}

/// Categories that a write brings to its item.
fn brought(op: &WriteOp) -> Vec<String> {
    let mut lists: Vec<&Categories> = Vec::new();
    let new;
    match op {
        WriteOp::Create { series, .. } => {
            lists.push(&series.event.categories);
            lists.extend(series.overrides.values().filter_map(|value| match value {
                Override::Changed(overlay) => overlay.categories.as_ref(),
                Override::Cancelled => None,
            }));
            lists.into_iter().flatten().cloned().collect()
        }
        WriteOp::Update { patch, current, .. } => {
            if let Some(change) = &patch.master.categories {
                new = change.to.difference(&current.event.categories).cloned().collect();
                lists.push(&new);
            }
            lists.extend(patch.overrides.values().filter_map(|patch| match patch {
                OverridePatch::Change(patch) => patch.categories.as_ref()?.to.as_ref(),
                OverridePatch::Restore(overlay) => overlay.categories.as_ref(),
                OverridePatch::Cancel => None,
            }));
            lists.into_iter().flatten().cloned().collect()
        }
        WriteOp::Delete { .. } => Vec::new(),
    }
}
