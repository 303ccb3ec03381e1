//! Carrying expanded series further, long before their last single appointment is over.
//!
//! Once a day for each calendar that has groups. What the series say is not touched: an expansion that has become short
//! is written again as it is, by the clock of today.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use calsync_core::ids::{CalendarKey, ItemKey};
use calsync_core::model::SeriesPatch;
use calsync_core::source::{NoFiles, Seen};
use chrono::NaiveDate;

use super::Role;
use super::feed::Bookmark;
use super::group::first;
use super::layout::is_due;
use crate::error::EwsError;
use crate::source::ExchangeSource;
use crate::source::apply::{Failure, Job};
use crate::source::fetch::Look;
use crate::source::write::Setting;

/// What the feed said of the groups of a calendar, and when they were last looked through.
#[derive(Debug, Clone, Default)]
pub(in crate::source) struct KnownGroups {
    names: BTreeSet<String>,
    looked: Option<NaiveDate>,
}

impl ExchangeSource {
    /// Remembers which groups a calendar has.
    pub(in crate::source) fn note_groups(&self, calendar: &CalendarKey, bookmark: &Bookmark) {
        let mut known = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(calendar.clone()).or_default();
        known.names = bookmark.groups().cloned().collect();
    }

    /// Carries further what has become short, and says how many series that were.
    pub(in crate::source) async fn roll_on(&self, calendar: &CalendarKey) -> Result<u64, EwsError> {
        let today = self.today();
        let known = self.groups.lock().unwrap_or_else(PoisonError::into_inner).get(calendar).cloned();
        let Some(known) = known.filter(|known| !known.names.is_empty() && known.looked != Some(today)) else {
            return Ok(0);
        };
        let place = self.place(calendar);
        let version = self.version(&place).await?;
        let setting = Setting { home: &self.zone, version };
        // What is said anew is nothing new.
        let job = Job { calendar, place, setting, files: &NoFiles, inviting: None };
        let found = self.find_groups(&job.place, known.names.iter()).await?;
        let owners: Vec<ItemKey> = known
            .names
            .iter()
            .filter_map(|group| first(&found, group, Role::Owner))
            .map(|owner| ItemKey::new(&owner.id.id))
            .collect();
        let mut folder = self.folder(calendar, &job.place).await?;
        let lying = self.read_lying(&job.place, &mut folder, &owners, Look::Raw).await?;
        let mut rolled = 0;
        for (key, lying) in owners.iter().zip(lying) {
            let Some(mark) = lying.mark else { continue };
            let until = mark.settled().and_then(|whole| whole.until);
            // Also what was cut off, and what nobody came back to.
            if mark.is_unfinished() || until.is_some_and(|until| is_due(until, today)) {
                rolled += u64::from(self.roll(&job, key).await?);
            }
        }
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.entry(calendar.clone()).or_default().looked = Some(today);
        Ok(rolled)
    }

    /// Writes a series again as it is. What is not as it was a moment ago is left for another day.
    async fn roll(&self, job: &Job<'_>, key: &ItemKey) -> Result<bool, EwsError> {
        let Seen::Present(item) = self.fetch_one(job.calendar, key, Look::Settled).await? else {
            return Ok(false);
        };
        let Some(receipt) = &item.receipt else { return Ok(false) };
        let as_it_is = (&SeriesPatch::default(), &item.series);
        let forced = BTreeSet::new();
        match self.change_group(job, key, &item.revision, as_it_is, receipt, forced).await {
            Ok(_) => Ok(true),
            Err(Failure::Ews(error)) => Err(error),
            Err(
                Failure::NotHeld(_)
                | Failure::Crossing(_)
                | Failure::Stale
                | Failure::Missing
                | Failure::OtherSide(_),
            ) => Ok(false),
        }
    }
}
