//! What the engine asks of a calendar system, and what it gets back.
//!
//! A [`CalendarSource`] reads a change feed, reads items by their keys, finds items that a create may have made, and
//! carries out [`Recorded`] writes. It holds no policy: what to write, and whether, is decided elsewhere.

mod files;
mod fit;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{CalendarKey, ChangeToken, ContentHash, CreateToken, ItemKey, LinkId, Revision, Uid};
use crate::model::{Attachment, Field, Series, SeriesPatch};
use crate::store::Recorded;

pub use files::{FileRead, Files, NoFiles};
pub use fit::{Fit, Shape};

/// A calendar system that can be kept in step.
///
/// All batches answer with one entry per question, in the same order. An error of the whole call means that nothing
/// is known about any entry.
#[async_trait]
pub trait CalendarSource: Send + Sync {
    /// What this system can do; known before anything is planned, and constant for the life of the source.
    fn capabilities(&self) -> Capabilities;

    /// How this calendar will hold a recurring series, without asking any server: plans say it, and what is refused here
    /// is never sent. A source that holds every series as it is says [`Fit::Whole`].
    fn fit(&self, calendar: &CalendarKey, series: &Series) -> Fit;

    /// Reads one page of changes after `since`, or of the whole calendar when `since` is `None`.
    ///
    /// Entries keep the order the side reported; an item may appear twice. Content is not included, see
    /// [`fetch`](Self::fetch). A page may be empty and still not be the last one.
    ///
    /// # Errors
    ///
    /// [`TokenExpired`](SourceErrorKind::TokenExpired): start over with `None`. All other kinds leave `since` usable.
    async fn changes(
        &self,
        calendar: &CalendarKey,
        since: Option<&ChangeToken>,
    ) -> Result<ChangePage, SourceError>;

    /// Reads items by key: the only proof that an item is gone.
    async fn fetch(&self, calendar: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError>;

    /// Looks for items that carry these create tokens. A copy made by a person carries the token too; then the
    /// item that was created first is the answer.
    ///
    /// A source that needs several steps for one create leaves the token with the first and the receipt with the last:
    /// an item that is found without receipt is known to be half made. Where the server gives the item another UID than it was to
    /// have, the source adds that to the receipt ([`Receipt::own_uid`]). An item that is there but cannot be read is
    /// [`Seen::Unreadable`]: nobody may make it again.
    async fn find_created(
        &self,
        calendar: &CalendarKey,
        tokens: &[CreateToken],
    ) -> Result<Vec<Seen>, SourceError>;

    /// Carries out writes that the journal holds already.
    ///
    /// An entry whose answer was lost is [`Unknown`](WriteOutcome::Unknown) and is never repeated by the source. The bytes
    /// of files that the writes bring along come from `files`.
    async fn apply(
        &self,
        calendar: &CalendarKey,
        writes: &[Recorded<Write>],
        files: &dyn Files,
    ) -> Vec<WriteOutcome>;

    /// Does what has to be done from time to time so that items stay what they are, such as carrying an expansion
    /// further; says for how many. What [`fetch`](Self::fetch) shows of any item is the same before and after, but for
    /// its revision. Asked at the end of each round that may write here; most of the time there is nothing to do, which
    /// costs no request.
    async fn upkeep(&self, calendar: &CalendarKey) -> Result<u64, SourceError>;

    /// Reads the [`Mark`] that lies in this calendar, where people do not see it; `None` where there is none. Only asked
    /// where [`Capabilities::sentinel`] says that there can be one.
    ///
    /// # Errors
    ///
    /// [`Denied`](SourceErrorKind::Denied): the account may not look there. The calendar is kept in step without.
    async fn sentinel(&self, calendar: &CalendarKey) -> Result<Option<Mark>, SourceError>;

    /// Puts `new` in the place of the mark that lies in this calendar.
    ///
    /// # Errors
    ///
    /// [`Stale`](SourceErrorKind::Stale): it is not the `expected` one that lies there; nothing was written. (A source whose
    /// server cannot compare reads it right before.) [`Denied`](SourceErrorKind::Denied): the account may not write
    /// there. [`NoAnswer`](SourceErrorKind::NoAnswer): it may arrive yet.
    async fn set_sentinel(
        &self,
        calendar: &CalendarKey,
        expected: Option<&Mark>,
        new: &Mark,
    ) -> Result<(), SourceError>;

    /// Reads the file of an item that has this name and number now; its stamp may be of another side.
    ///
    /// A file of more than `max_bytes` is [`TooLarge`](FileRead::TooLarge), found out if possible before it was read.
    async fn attachment(
        &self,
        calendar: &CalendarKey,
        key: &ItemKey,
        file: &Attachment,
        max_bytes: u64,
    ) -> Result<FileRead, SourceError>;
}

/// What a calendar system can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The most keys, tokens or writes that one call takes.
    pub batch: usize,
    /// Fields that are not written to this system, because it cannot hold them or must not be told. What it says of
    /// them itself is carried to the other side all the same.
    pub unheld: &'static [Field],
    /// Whether its appointments can be given a [`Mark`](crate::model::Mark).
    pub marks: bool,
    /// Whether a [`Mark`] can be left in its calendars.
    pub sentinel: bool,
    /// The longest UID, in bytes, that an item which is made with it keeps; 0 where the server gives each one of its own.
    pub kept_uid: usize,
}

/// What the engine leaves in a calendar itself, where people do not see it: it goes back with the calendar when that is
/// restored from a backup, and so tells which of the two calendars and the store did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Who writes it; see [`Settings::installation`](crate::sync::Settings::installation).
    pub installation: String,
    /// Counts the rounds that wrote something; never goes back.
    pub number: u64,
}

/// One page of a change feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePage {
    /// What changed, in the order the side reported.
    pub entries: Vec<ChangeEntry>,
    /// Where the next page begins.
    pub next: ChangeToken,
    /// Whether more can be read at once.
    pub more: bool,
    /// The server's own time when it answered, if it said so.
    pub server_time: Option<DateTime<Utc>>,
}

/// An item that was created, changed or removed. Which of these it was is found out by reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEntry {
    /// Which item.
    pub key: ItemKey,
    /// Its revision; `None` where the feed says that it is gone or does not say.
    pub revision: Option<Revision>,
}

/// What reading one item by its key gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seen {
    /// It is there.
    Present(Box<Item>),
    /// The server says that this calendar has no such item.
    Absent,
    /// It is there but cannot be read, or nobody knows: never a deletion. The text says why.
    Unreadable(String),
}

/// An item as a side shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name on this side.
    pub key: ItemKey,
    /// Its state.
    pub revision: Revision,
    /// Its content.
    pub series: Series,
    /// What the engine wrote into it, if it ever did.
    pub receipt: Option<Receipt>,
    /// When it was created, by the server's clock.
    pub created: Option<DateTime<Utc>>,
    /// When it was last changed, by the server's clock.
    pub modified: Option<DateTime<Utc>>,
    /// What may be written to it.
    pub access: Access,
}

/// What may be written to an item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everything.
    #[default]
    Full,
    /// A meeting that somebody else organises: only what belongs to the owner of the calendar.
    Personal,
    /// Nothing.
    ReadOnly,
}

impl Access {
    /// Whether this field may be written.
    pub fn allows(self, field: Field) -> bool {
        match self {
            Access::Full => true,
            Access::Personal => matches!(field, Field::Busy | Field::Reminder | Field::Categories),
            Access::ReadOnly => false,
        }
    }
}

/// What the engine writes into each item that it writes: the item then says itself what happened, whatever else is
/// lost. Copies made by people carry it along, so it is believed only where [`Receipt::is_of`] says so, and key or UID of
/// the counterpart agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The create token of the item, or of its link where a person created the item.
    pub token: CreateToken,
    /// The item of the other side that it is kept in step with.
    pub counterpart: ItemKey,
    /// The UID of that item, as [`Receipt::uid_of`] gives it: it keeps that under another key, and another item under its
    /// key has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart_uid: Option<Uid>,
    /// The UID of the item that it was written into: a copy that a person makes has another. Of what the server gives a UID of its
    /// own the engine does not know it yet, and the source adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_uid: Option<Uid>,
    /// What was written is a copy without the private text of that item.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
    /// Counts the writes of this link; never goes back.
    pub number: u64,
    /// Digest of what was written, in the fields that the side holds ([`Capabilities::unheld`]).
    pub content: ContentHash,
}

impl Receipt {
    /// The highest number that is believed. No link is written so often; a higher one was put there by somebody else, and
    /// counting on from it would end.
    pub const HIGHEST: u64 = 1 << 53;

    /// The most bytes of a UID that are written into a receipt.
    const UID_BYTES: usize = 1024;

    /// The UID as a receipt holds it; none where it is too long, or where the server gave none.
    pub fn uid_of(series: &Series) -> Option<Uid> {
        let length = series.uid.as_str().len();
        (length > 0 && length <= Receipt::UID_BYTES).then(|| series.uid.clone())
    }

    /// Whether it may have been written into an item with this UID. Servers that hold the UID as bytes give it back in the
    /// case of their own.
    pub fn is_of(&self, uid: &Uid) -> bool {
        self.own_uid.as_ref().is_none_or(|own| own.as_str().eq_ignore_ascii_case(uid.as_str()))
    }

    /// Whether an item that holds this was left as `written`: the source adds the UID that the server gave what it made.
    pub fn is_left_by(&self, written: &Receipt) -> bool {
        let Receipt { token, counterpart, counterpart_uid, own_uid, masked, number, content } = written;
        self.token == *token
            && self.counterpart == *counterpart
            && self.counterpart_uid == *counterpart_uid
            && (own_uid.is_none() || self.own_uid == *own_uid)
            && self.masked == *masked
            && self.number == *number
            && self.content == *content
    }

    /// Whether an item that shows this is just what was written into it, on a side that does not hold these fields.
    pub fn says(&self, series: &Series, unheld: &[Field]) -> bool {
        self.content == Receipt::digest(series, unheld)
    }

    fn digest(series: &Series, unheld: &[Field]) -> ContentHash {
        series.without(unheld).content_hash()
    }

    /// Whether it means the item with this key and content.
    pub fn names(&self, key: &ItemKey, series: Option<&Series>) -> bool {
        match (&self.counterpart_uid, series.and_then(Receipt::uid_of)) {
            (Some(named), Some(uid)) => *named == uid,
            (_, _) => self.counterpart == *key,
        }
    }
}

/// One change to be made on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The link it serves.
    pub link: LinkId,
    /// What to do.
    pub op: WriteOp,
    /// What to leave in the item.
    pub receipt: Receipt,
}

/// What a [`Write`] does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteOp {
    /// Makes an item with the token in it.
    Create {
        /// Found again by [`CalendarSource::find_created`]; also the idempotency key where a server has such.
        token: CreateToken,
        /// Its content.
        series: Box<Series>,
    },
    /// Changes an item that still has the expected revision.
    Update {
        /// Which item.
        key: ItemKey,
        /// The revision it was planned upon.
        expected: Revision,
        /// What changes; all else, also what we do not know, stays.
        patch: Box<SeriesPatch>,
        /// The item as it was read: what the patch is applied upon.
        current: Box<Series>,
    },
    /// Deletes an item (into the bin) that still has the expected revision.
    Delete {
        /// Which item.
        key: ItemKey,
        /// The revision it was planned upon.
        expected: Revision,
    },
}

impl WriteOp {
    /// Digest of what the item is to say afterwards, in the fields that its side holds; of nothing where it is deleted.
    pub(crate) fn content_hash(&self, capabilities: &Capabilities) -> ContentHash {
        match self {
            WriteOp::Create { series, .. } => Receipt::digest(series, capabilities.unheld),
            WriteOp::Update { patch, current, .. } => {
                Receipt::digest(&patch.apply(current), capabilities.unheld)
            }
            WriteOp::Delete { .. } => ContentHash::of(&[]),
        }
    }

    /// The UID of the item afterwards, as far as that is known before.
    pub(crate) fn own_uid(&self, capabilities: &Capabilities) -> Option<Uid> {
        match self {
            WriteOp::Create { series, .. } => {
                Receipt::uid_of(series).filter(|uid| uid.as_str().len() <= capabilities.kept_uid)
            }
            WriteOp::Update { current, .. } => Receipt::uid_of(current),
            WriteOp::Delete { .. } => None,
        }
    }
}

/// How a write ended. "No answer" is not "failed".
#[derive(Debug)]
pub enum WriteOutcome {
    /// Done, and the server said so.
    Applied(Applied),
    /// Not done, and the server said why.
    Refused(SourceError),
    /// The answer was lost: settled by asking, never by repeating.
    Unknown(SourceError),
}

/// What the server said of a write it carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The item as it is now, where the server answers with it.
    Item(Box<Item>),
    /// Name and state of the item; its content has to be read back.
    Stored {
        /// Its name.
        key: ItemKey,
        /// Its state.
        revision: Revision,
    },
    /// It is gone.
    Deleted,
}

/// Why a calendar system did not do what it was asked, sorted by what the caller does next.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {kind}")]
pub struct SourceError {
    /// What was being done, never whose data: "read change feed".
    pub doing: &'static str,
    /// What to do next.
    pub kind: SourceErrorKind,
    /// The protocol's own error.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What the caller of a [`CalendarSource`] does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// Somebody else changed the item: read it again and plan anew.
    #[error("the item was changed meanwhile")]
    Stale,
    /// The item is not there: read it again and plan anew.
    #[error("the item is not there")]
    Missing,
    /// The server was restored from a backup: what it shows now is older than what it showed before, so absence and
    /// difference say nothing about what people did. The pairing stops until a person chooses which side leads.
    #[error("the server went back in time: it was restored from a backup")]
    WentBack,
    /// The calendar shows no mark where there was one. The pairing stops until a person chooses which side leads.
    #[error("the calendar is not the one that it was: it was emptied or made anew")]
    Emptied,
    /// The calendar carries the mark of another installation: one of the two is a copy, or the calendar has two masters. The
    /// pairing stops until a person chooses which side leads, and with it that this installation goes on.
    #[error("another installation keeps this calendar in step")]
    Foreign,
    /// Read the feed from the beginning.
    #[error("the server no longer knows how far its changes were read")]
    TokenExpired,
    /// Come back after that time.
    #[error("the server asks to wait {} s", .0.as_secs_f32())]
    Throttled(Duration),
    /// Try again later; nothing is wrong with the request.
    #[error("the server cannot be used now")]
    Unavailable,
    /// Try again later, it may have been done: the answer was lost.
    #[error("the answer was lost")]
    NoAnswer,
    /// An appointment of this type is neither deleted nor moved from here; what was tried can be marked.
    #[error("appointments of its type can neither be deleted nor moved")]
    Protected,
    /// This one item cannot be taken as it is: set it aside and tell. The text says why.
    #[error("refused: {0}")]
    Rejected(String),
    /// The whole calendar cannot be used until somebody changes rights, credentials or settings. The text says what.
    #[error("{0}")]
    Denied(String),
    /// The calendar itself is not there. Never "everything was deleted".
    #[error("the calendar is not there: {0}")]
    NoCalendar(String),
    /// The server answered something that this client does not understand.
    #[error("not understood: {0}")]
    Protocol(String),
}

impl SourceError {
    /// An error without a protocol error underneath.
    pub fn new(doing: &'static str, kind: SourceErrorKind) -> Self {
        SourceError { doing, kind, source: None }
    }
}
