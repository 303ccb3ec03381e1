//! The client: one method per operation of the protocol.

use std::collections::BTreeMap;

use crate::error::{NvsError, NvsErrorKind};
use crate::events::EventStream;
use crate::traffic::Traffic;
use crate::transport::{Call, NvsSettings, Transport};
use crate::wire::{
    BinPage, ChangePage, FindMatch, FindRequest, FindResponse, ReadEntry, ReadRequest, ReadResponse,
    ServerInfo, StoredFile, Unit, UnitPage, Write, WriteOutcome, WriteRequest, WriteResponse, WriteResult,
    unreadable,
};

/// Most entries on a page of the protocol.
pub const MAX_PAGE: u32 = 1000;
/// Most writes, ids, tokens or UIDs in one request of the protocol.
pub const MAX_BATCH: usize = 200;

/// The most calendar units that are listed.
const MAX_UNITS: usize = 100_000;

const FEED: &str = "read change feed";

/// A server of the Calender Sync Protocol. Clones share connections and counters.
#[derive(Debug, Clone)]
pub struct NvsClient {
    transport: Transport,
}

/// Answers to one batch together with the epoch they are from.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    /// The server's epoch.
    pub epoch: String,
    /// The answers.
    pub entries: Vec<T>,
}

impl NvsClient {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Settings`](NvsErrorKind::Settings) only.
    pub fn new(settings: NvsSettings) -> Result<Self, NvsError> {
        Ok(Self { transport: Transport::new(settings)? })
    }

    /// What went over the wire so far.
    pub fn traffic(&self) -> &Traffic {
        self.transport.traffic()
    }

    /// Reads what the server says about itself.
    ///
    /// # Errors
    ///
    /// [`NotCalender`](NvsErrorKind::NotCalender) also for a major version of the protocol this client does not know.
    pub async fn server(&self) -> Result<ServerInfo, NvsError> {
        let doing = "read server information";
        let call = Call { doing, operation: "server", path: &["server"], query: vec![] };
        let info: ServerInfo = self.transport.get(call).await?;
        if info.protocol.split('.').next() != Some("1") {
            let advice =
                "the server speaks another version of the Calender Sync Protocol; use a newer calsync";
            return Err(NvsError::new(doing, NvsErrorKind::NotCalender, advice));
        }
        Ok(info)
    }

    /// Reads all calendar units the token may see.
    pub async fn units(&self) -> Result<Vec<Unit>, NvsError> {
        let doing = "list calendar units";
        let mut units = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut query = vec![("limit", MAX_PAGE.to_string())];
            query.extend(after.clone().map(|after| ("after", after)));
            let page: UnitPage =
                self.transport.get(Call { doing, operation: "units", path: &["units"], query }).await?;
            let is_empty = page.units.is_empty();
            units.extend(page.units);
            if units.len() > MAX_UNITS {
                let advice = format!(
                    "the server has more than {MAX_UNITS} calendar units; use a token that sees fewer"
                );
                return Err(NvsError::new(doing, NvsErrorKind::BadAnswer, advice));
            }
            match page.next {
                // A page with nothing on it that leads on to another could go on for ever.
                Some(_) if is_empty => {
                    let advice = "the server has empty pages; report this to its maker";
                    return Err(NvsError::new(doing, NvsErrorKind::BadAnswer, advice));
                }
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                Some(_) => {
                    return Err(NvsError::new(
                        doing,
                        NvsErrorKind::BadAnswer,
                        "the server repeats a page for ever",
                    ));
                }
                None => return Ok(units),
            }
        }
    }

    /// Reads one calendar unit.
    pub async fn unit(&self, unit: &str) -> Result<Unit, NvsError> {
        let call =
            Call { doing: "read calendar unit", operation: "unit", path: &["units", unit], query: vec![] };
        self.transport.get(call).await
    }

    /// Reads one page of changes of a unit after `cursor`, or of all it holds when `cursor` is `None`.
    ///
    /// # Errors
    ///
    /// [`CursorExpired`](NvsErrorKind::CursorExpired): start over with `None`. Others leave the cursor usable.
    pub async fn changes(
        &self,
        unit: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<ChangePage, NvsError> {
        let mut query = vec![("limit", limit.clamp(1, MAX_PAGE).to_string())];
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        let path = &["units", unit, "changes"];
        let page = self.transport.get(Call { doing: FEED, operation: "changes", path, query }).await?;
        moves_on(cursor, page)
    }

    /// As [`changes`](Self::changes), for all units at once; every entry names its unit.
    pub async fn all_changes(&self, cursor: Option<&str>, limit: u32) -> Result<ChangePage, NvsError> {
        let mut query = vec![("limit", limit.clamp(1, MAX_PAGE).to_string())];
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        let call = Call { doing: FEED, operation: "all-changes", path: &["changes"], query };
        moves_on(cursor, self.transport.get(call).await?)
    }

    /// Reads appointments by id, one answer per id in the order of `ids`; any number, in batches.
    ///
    /// With a `unit`, an appointment that is in other units only is absent. An id the server left out of its answer
    /// is unreadable, never absent.
    pub async fn read(&self, unit: Option<&str>, ids: &[String]) -> Result<Answered<ReadEntry>, NvsError> {
        let doing = "read appointments";
        let mut epoch = String::new();
        let mut entries = Vec::with_capacity(ids.len());
        // Batches still to be read, the next one last; one whose answer is too large is halved.
        let mut batches: Vec<&[String]> = ids.chunks(MAX_BATCH).rev().collect();
        while let Some(batch) = batches.pop() {
            let request = ReadRequest { unit: unit.map(str::to_owned), ids: batch.to_vec() };
            let call = Call { doing, operation: "read", path: &["appointments", "read"], query: vec![] };
            let response: ReadResponse = match self.transport.post(call, &request).await {
                Ok(response) => response,
                Err(error) if error.kind == NvsErrorKind::TooLarge => {
                    let (head, tail) = batch.split_at(batch.len() / 2);
                    if head.is_empty() {
                        entries.push(ReadEntry::Unreadable(unreadable(&error.advice)));
                    } else {
                        batches.extend([tail, head]);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            one_epoch(doing, &mut epoch, response.epoch)?;
            let answers: BTreeMap<String, ReadEntry> =
                response.results.iter().filter_map(ReadEntry::of).collect();
            entries.extend(batch.iter().map(|id| match answers.get(id) {
                Some(entry) => entry.clone(),
                None => ReadEntry::Unreadable(unreadable("the server gave no answer for this id")),
            }));
        }
        Ok(Answered { epoch, entries })
    }

    /// Finds appointments of a unit by tokens in their references and by UIDs; any number, in batches.
    pub async fn find(
        &self,
        unit: &str,
        tokens: &[String],
        uids: &[String],
    ) -> Result<Answered<FindMatch>, NvsError> {
        let doing = "find appointments";
        let mut epoch = String::new();
        let mut entries = Vec::new();
        let by_token = tokens.chunks(MAX_BATCH).map(|tokens| (tokens, &[][..]));
        let by_uid = uids.chunks(MAX_BATCH).map(|uids| (&[][..], uids));
        for (tokens, uids) in by_token.chain(by_uid) {
            let request = FindRequest { unit: unit.to_owned(), tokens: tokens.to_vec(), uids: uids.to_vec() };
            let call = Call { doing, operation: "find", path: &["appointments", "find"], query: vec![] };
            let response: FindResponse = self.transport.post(call, &request).await?;
            one_epoch(doing, &mut epoch, response.epoch)?;
            entries.extend(response.matches);
        }
        Ok(Answered { epoch, entries })
    }

    /// Writes one batch of at most [`MAX_BATCH`], one result per write in the same order.
    ///
    /// `epoch` is the one the writes were made up in; when the server has another by now, nothing is written.
    ///
    /// # Errors
    ///
    /// [`may_have_arrived`](NvsError::may_have_arrived) tells whether the writes may have been carried out. Repeating
    /// the same writes with the same keys is safe within the server's memory of keys.
    pub async fn write(
        &self,
        epoch: Option<&str>,
        writes: &[Write],
    ) -> Result<Answered<WriteResult>, NvsError> {
        let doing = "write appointments";
        if writes.len() > MAX_BATCH {
            let advice = format!("a batch holds at most {MAX_BATCH} writes; split it");
            return Err(NvsError::new(doing, NvsErrorKind::Settings, advice));
        }
        let request = WriteRequest { epoch: epoch.map(str::to_owned), writes: writes.to_vec() };
        let call = Call { doing, operation: "write", path: &["writes"], query: vec![] };
        let response: WriteResponse = self.transport.post(call, &request).await?;
        let answers: BTreeMap<String, WriteResult> = response
            .results
            .iter()
            .filter_map(WriteResult::of)
            .map(|result| (result.key.clone(), result))
            .collect();
        let entries = writes
            .iter()
            .map(|write| {
                answers.get(write.key()).cloned().unwrap_or_else(|| WriteResult {
                    key: write.key().to_owned(),
                    outcome: WriteOutcome::Unclear(unreadable("the server gave no answer for this write")),
                })
            })
            .collect();
        Ok(Answered { epoch: response.epoch, entries })
    }

    /// Sends a file, so that writes to this unit can name it by `digest`, which is that of [`digest_of`]. Sending it again
    /// is harmless; a file that no appointment names is dropped by the server after a while.
    pub async fn put_file(&self, unit: &str, digest: &str, bytes: Vec<u8>) -> Result<StoredFile, NvsError> {
        let path = &["units", unit, "files", digest];
        self.transport
            .put_file(Call { doing: "send file", operation: "put-file", path, query: vec![] }, bytes)
            .await
    }

    /// Reads a file that an appointment of this unit names; `None` when it has more than `most` bytes.
    ///
    /// # Errors
    ///
    /// [`BadAnswer`](NvsErrorKind::BadAnswer) also when the bytes are not those that the digest is of.
    pub async fn file(&self, unit: &str, digest: &str, most: usize) -> Result<Option<Vec<u8>>, NvsError> {
        let doing = "read file";
        let path = &["units", unit, "files", digest];
        let call = Call { doing, operation: "file", path, query: vec![] };
        let bytes = self.transport.get_file(call, most).await?;
        match bytes {
            Some(bytes) if digest_of(&bytes) != digest => {
                let advice = "the file is not the one that was asked for; report this to its maker";
                Err(NvsError::new(doing, NvsErrorKind::BadAnswer, advice))
            }
            bytes => Ok(bytes),
        }
    }

    /// Reads one page of the bin of a unit.
    pub async fn bin(&self, unit: &str, after: Option<&str>, limit: u32) -> Result<BinPage, NvsError> {
        let mut query = vec![("limit", limit.clamp(1, MAX_PAGE).to_string())];
        query.extend(after.map(|after| ("after", after.to_owned())));
        let path = &["units", unit, "bin"];
        self.transport.get(Call { doing: "read bin", operation: "bin", path, query }).await
    }

    /// Opens the notification stream for some units, or for all when `units` is empty.
    pub async fn events(&self, units: &[String]) -> Result<EventStream, NvsError> {
        let query = units.iter().map(|unit| ("unit", unit.clone())).collect();
        let call = Call { doing: "open notification stream", operation: "events", path: &["events"], query };
        Ok(EventStream::new(self.transport.open(call).await?))
    }
}

/// SHA-256 of a file, as the protocol names it: 64 hexadecimal digits in lower case.
pub fn digest_of(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
    }
    text
}

/// A page that leads to itself would be read for ever.
fn moves_on(cursor: Option<&str>, page: ChangePage) -> Result<ChangePage, NvsError> {
    if page.more && cursor == Some(page.cursor.as_str()) {
        let advice = "the server repeats a page for ever; report this to its maker";
        return Err(NvsError::new(FEED, NvsErrorKind::BadAnswer, advice));
    }
    Ok(page)
}

/// A reading that spans a restore mixes two histories; it is refused as a whole.
fn one_epoch(doing: &'static str, known: &mut String, answered: String) -> Result<(), NvsError> {
    if known.is_empty() {
        *known = answered;
    } else if *known != answered {
        let advice = "the server was restored from a backup while it was read; read again";
        return Err(NvsError::new(doing, NvsErrorKind::EpochChanged, advice));
    }
    Ok(())
}
