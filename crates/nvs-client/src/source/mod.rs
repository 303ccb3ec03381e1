//! The NVS side of calsync: [`CalendarSource`] over [`NvsClient`].
//!
//! A calendar is a calendar unit. What the engine writes into an item, its receipt, goes into the reference field of
//! that unit, so that one appointment can be in several pairings. Updates are patches: members that nobody here knows
//! are never sent and so survive.

mod files;
mod outcome;
mod read;
mod write;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use calsync_core::ids::{CalendarKey, ChangeToken, CreateToken, ItemKey, Revision};
use calsync_core::model::{Attachment, Field, Series};
use calsync_core::source::{
    CalendarSource, Capabilities, ChangeEntry, ChangePage, FileRead, Files, Fit, Item, Mark, Seen,
    SourceError, SourceErrorKind, Write, WriteOutcome,
};
use calsync_core::store::Recorded;

use crate::client::{MAX_BATCH, MAX_PAGE, NvsClient};
use crate::error::NvsErrorKind;
use crate::wire::{self, ReadEntry};

/// A server takes bodies of some megabytes; a batch is cut before it gets there.
const MAX_BATCH_BYTES: usize = 2 << 20;

/// What an appointment is in the model, as seen from `unit`.
///
/// # Errors
///
/// Why it cannot be read, for people; nothing of the appointment is repeated.
pub fn read_item(unit: &str, appointment: &wire::Appointment) -> Result<Item, String> {
    read::item(unit, appointment)
}

/// An NVS Calender as a calendar system to be kept in step.
#[derive(Debug)]
pub struct NvsSource {
    client: NvsClient,
    /// Epoch of what was read last: writes are planned upon it and must not land in another one.
    epoch: Mutex<Option<String>>,
    /// Epoch of a calendar's token that had expired: the feed read from its beginning instead has to be of the same one, or a
    /// restore in between would go unnoticed.
    expired: Mutex<BTreeMap<CalendarKey, String>>,
}

impl NvsSource {
    /// Takes a client; nothing is sent yet.
    pub fn new(client: NvsClient) -> Self {
        Self { client, epoch: Mutex::new(None), expired: Mutex::default() }
    }

    /// The client underneath.
    pub fn client(&self) -> &NvsClient {
        &self.client
    }

    /// Which NVS installation this is: a test system that was cloned from it says something else.
    ///
    /// # Errors
    ///
    /// As for all other questions to the server.
    pub async fn installation(&self) -> Result<String, SourceError> {
        let server = self.client.server().await.map_err(outcome::source_error)?;
        Ok(server.installation)
    }

    fn epoch(&self) -> Option<String> {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_epoch(&self, epoch: &str) {
        let mut known = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_deref() != Some(epoch) {
            *known = Some(epoch.to_owned());
        }
    }

    /// What is absent after a restore may be absent because of it: an answer of another epoch than that of the feed
    /// proves nothing.
    fn same_epoch(&self, doing: &'static str, answered: &str) -> Result<(), SourceError> {
        match self.epoch() {
            Some(known) if known != answered && !answered.is_empty() => Err(outcome::went_back(doing)),
            Some(_) | None => Ok(()),
        }
    }

    async fn read(&self, unit: &CalendarKey, ids: &[String]) -> Result<Vec<Seen>, SourceError> {
        let answer = self.client.read(Some(unit.as_str()), ids).await.map_err(outcome::source_error)?;
        self.same_epoch("read appointments", &answer.epoch)?;
        let entries = answer.entries.into_iter().map(|entry| match entry {
            ReadEntry::Present(appointment) => match read::item(unit.as_str(), &appointment) {
                Ok(item) => Seen::Present(Box::new(item)),
                Err(why) => Seen::Unreadable(why),
            },
            ReadEntry::Absent => Seen::Absent,
            ReadEntry::Unreadable(problem) => Seen::Unreadable(problem.to_string()),
        });
        Ok(entries.collect())
    }

    /// Sends one batch and sorts its answers into `outcomes`.
    async fn send(
        &self,
        unit: &CalendarKey,
        batch: Vec<(usize, wire::Write)>,
        outcomes: &mut [Option<WriteOutcome>],
    ) {
        let (places, writes): (Vec<usize>, Vec<wire::Write>) = batch.into_iter().unzip();
        let mut put = |place: usize, outcome: WriteOutcome| {
            if let Some(slot) = outcomes.get_mut(place) {
                *slot = Some(outcome);
            }
        };
        let answer = match self.client.write(self.epoch().as_deref(), &writes).await {
            Ok(answer) => answer,
            Err(error) => {
                // Each entry gets the error; the first one also what is underneath.
                let kind = outcome::kind_of(&error);
                let unknown = error.may_have_arrived();
                let mut first = Some(outcome::source_error(error));
                for place in places {
                    let error =
                        first.take().unwrap_or_else(|| SourceError::new("write appointments", kind.clone()));
                    put(
                        place,
                        if unknown { WriteOutcome::Unknown(error) } else { WriteOutcome::Refused(error) },
                    );
                }
                return;
            }
        };
        // A create that the server remembers may be of an item that was deleted since: look before believing.
        let replayed: Vec<String> =
            answer.entries.iter().filter_map(outcome::replayed_create_id(&writes)).collect();
        let standing: BTreeMap<String, bool> = if replayed.is_empty() {
            BTreeMap::new()
        } else {
            match self.client.read(Some(unit.as_str()), &replayed).await {
                Ok(seen) => replayed
                    .into_iter()
                    .zip(seen.entries.iter().map(|entry| *entry != ReadEntry::Absent))
                    .collect(),
                // Nothing was learned; what the server says of the write stands.
                Err(_) => BTreeMap::new(),
            }
        };
        for ((place, write), result) in places.into_iter().zip(&writes).zip(answer.entries) {
            put(place, outcome::outcome(unit.as_str(), write, result.outcome, &standing));
        }
    }
}

/// Stands between epoch and cursor in a change token; an epoch does not hold it.
const BETWEEN: char = '\n';

/// The epoch and the cursor of a change token; no epoch in one that was stored before epochs were.
fn split_token(token: &ChangeToken) -> (Option<&str>, &str) {
    match token.as_str().split_once(BETWEEN) {
        Some((epoch, cursor)) => (Some(epoch), cursor),
        None => (None, token.as_str()),
    }
}

#[async_trait]
impl CalendarSource for NvsSource {
    fn capabilities(&self) -> Capabilities {
        // The epoch says that the server was restored, and is in every answer.
        Capabilities {
            batch: MAX_BATCH,
            unheld: &[Field::Meeting],
            marks: true,
            sentinel: false,
            kept_uid: usize::MAX,
        }
    }

    fn fit(&self, _: &CalendarKey, _: &Series) -> Fit {
        // RFC 5545 is what NVS speaks.
        Fit::Whole
    }

    async fn changes(
        &self,
        calendar: &CalendarKey,
        since: Option<&ChangeToken>,
    ) -> Result<ChangePage, SourceError> {
        let (epoch, cursor) = since.map(split_token).unzip();
        let expired = || self.expired.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = match since {
            Some(_) => epoch.flatten().map(str::to_owned),
            None => expired().get(calendar).cloned(),
        };
        let answer = self.client.changes(calendar.as_str(), cursor, MAX_PAGE).await;
        // A restored server may have forgotten the cursor; its epoch says which of the two it is.
        let now = match &answer {
            Ok(page) => Some(page.epoch.clone()),
            Err(error) if error.kind == NvsErrorKind::CursorExpired => {
                Some(self.client.server().await.map_err(outcome::source_error)?.epoch)
            }
            Err(_) => None,
        };
        if let Some(now) = &now {
            let went_back = epoch.is_some_and(|before| before != *now);
            if answer.is_err() && !went_back {
                expired().insert(calendar.clone(), now.clone());
            } else {
                expired().remove(calendar);
            }
            if went_back {
                return Err(outcome::went_back("read change feed"));
            }
        }
        let page = answer.map_err(outcome::source_error)?;
        if page.epoch.contains(BETWEEN) {
            let why = "the epoch has a line end in it".to_owned();
            return Err(SourceError::new("read change feed", SourceErrorKind::Protocol(why)));
        }
        self.set_epoch(&page.epoch);
        let entries = page.entries.into_iter().map(|entry| ChangeEntry {
            key: ItemKey::new(entry.id),
            revision: entry.revision.filter(|_| !entry.removed).map(Revision::new),
        });
        Ok(ChangePage {
            entries: entries.collect(),
            next: ChangeToken::new(format!("{}{BETWEEN}{}", page.epoch, page.cursor)),
            more: page.more,
            server_time: page.time,
        })
    }

    async fn fetch(&self, calendar: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError> {
        let ids: Vec<String> = keys.iter().map(|key| key.as_str().to_owned()).collect();
        self.read(calendar, &ids).await
    }

    async fn find_created(
        &self,
        calendar: &CalendarKey,
        tokens: &[CreateToken],
    ) -> Result<Vec<Seen>, SourceError> {
        let wanted: Vec<String> = tokens.iter().map(|token| token.as_str().to_owned()).collect();
        let found = self.client.find(calendar.as_str(), &wanted, &[]).await.map_err(outcome::source_error)?;
        self.same_epoch("find appointments", &found.epoch)?;
        let found = found.entries;
        let mut ids: Vec<String> = found.iter().map(|entry| entry.id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut items: BTreeMap<String, Seen> = BTreeMap::new();
        if !ids.is_empty() {
            for (id, seen) in ids.iter().zip(self.read(calendar, &ids).await?) {
                items.insert(id.clone(), seen);
            }
        }
        let answers = tokens.iter().map(|token| {
            let of_token = found.iter().filter(|entry| entry.token.as_deref() == Some(token.as_str()));
            let seen: Vec<&Seen> = of_token.filter_map(|entry| items.get(&entry.id)).collect();
            let age = |seen: &&Seen| match seen {
                Seen::Present(item) => Some((item.created, item.key.clone())),
                Seen::Absent | Seen::Unreadable(_) => None,
            };
            // One that carries the token and cannot be read may be the original, whatever copies there are: saying
            // "there is none" would double it, naming a copy would take that for it.
            let unreadable = seen.iter().find(|seen| matches!(seen, Seen::Unreadable(_)));
            let oldest = seen.iter().filter(|seen| age(seen).is_some()).min_by_key(|seen| age(seen));
            unreadable.or(oldest).map_or(Seen::Absent, |seen| (*seen).clone())
        });
        Ok(answers.collect())
    }

    async fn sentinel(&self, _: &CalendarKey) -> Result<Option<Mark>, SourceError> {
        Ok(None)
    }

    async fn set_sentinel(&self, _: &CalendarKey, _: Option<&Mark>, _: &Mark) -> Result<(), SourceError> {
        let why = "NVS keeps no marks; its epoch says the same".to_owned();
        Err(SourceError::new("write the mark of the calendar", SourceErrorKind::Denied(why)))
    }

    async fn attachment(
        &self,
        calendar: &CalendarKey,
        key: &ItemKey,
        file: &Attachment,
        max_bytes: u64,
    ) -> Result<FileRead, SourceError> {
        self.read_file(calendar, key, file, max_bytes).await
    }

    async fn apply(
        &self,
        calendar: &CalendarKey,
        writes: &[Recorded<Write>],
        files: &dyn Files,
    ) -> Vec<WriteOutcome> {
        let mut outcomes: Vec<Option<WriteOutcome>> = writes.iter().map(|_| None).collect();
        let mut batch = Vec::new();
        let mut bytes = 0;
        for (place, write) in writes.iter().enumerate() {
            let attachments = match self.bring_files(calendar, write.get(), files).await {
                Ok(attachments) => attachments,
                Err(error) => {
                    if let Some(slot) = outcomes.get_mut(place) {
                        *slot = Some(WriteOutcome::Refused(error));
                    }
                    continue;
                }
            };
            match write::wire_write(calendar.as_str(), write.get(), attachments) {
                Ok((wire, size)) => {
                    if !batch.is_empty() && (batch.len() == MAX_BATCH || bytes + size > MAX_BATCH_BYTES) {
                        self.send(calendar, std::mem::take(&mut batch), &mut outcomes).await;
                        bytes = 0;
                    }
                    bytes += size;
                    batch.push((place, wire));
                }
                Err(why) => {
                    if let Some(slot) = outcomes.get_mut(place) {
                        *slot = Some(WriteOutcome::Refused(outcome::rejected(why)));
                    }
                }
            }
        }
        if !batch.is_empty() {
            self.send(calendar, batch, &mut outcomes).await;
        }
        // Every place was filled above; one that was not would be a write nobody answered for.
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(outcome::unanswered)).collect()
    }

    async fn upkeep(&self, _: &CalendarKey) -> Result<u64, SourceError> {
        Ok(0)
    }
}
