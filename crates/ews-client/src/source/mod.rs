//! The Exchange side of calsync: a [`CalendarSource`] over [`EwsClient`].
//!
//! A calendar is named by its mailbox, `meier@example.com`, and by the id of the folder behind a `#` when it is not the
//! mailbox's default calendar.
//!
//! Series are read as masters with their changed and deleted occurrences. Written are the master first, then one
//! occurrence after the other, the receipt last: an item whose receipt is old or missing was not finished, whatever
//! stopped it. Nobody is ever mailed, unless [`Invitations`] say so.

mod apply;
mod categories;
mod category_colour;
mod category_list;
mod create;
mod delete;
mod fetch;
mod files;
mod find;
mod invite;
mod meeting;
mod notes;
mod occurrences;
mod outcome;
mod parts;
mod properties;
mod read;
mod sentinel;
mod update;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use calsync_core::ids::{CalendarKey, ChangeToken, CreateToken, ItemKey};
use calsync_core::model::{Attachment, Field, Series};
use calsync_core::source::{
    CalendarSource, Capabilities, ChangePage, FileRead, Files, Fit, Item, Mark, Seen, SourceError, Write,
    WriteOutcome,
};
use calsync_core::store::Recorded;
use calsync_core::zone::Zone;
use chrono::{DateTime, NaiveDate, Utc};

use crate::client::{Access, EwsClient, Target};
use crate::error::EwsError;
use crate::ops::{FolderRef, GetFolder, SyncFolderItems};
use crate::version::Version;
use crate::wire::{CalendarItem, Folder, FolderId, OccurrenceInfo};
use categories::KnownList;
pub use category_colour::{CategoryColour, UnknownColour};
use fetch::Look;
pub use invite::Invitations;
use outcome::source_error;
pub use parts::UnfitRules;
use parts::feed::Bookmark;
use parts::layout::{Before, Terms, layout};
use parts::roll::KnownGroups;
use write::Setting;

/// The most items in one reading request. A server that has no time for all of them says so, and is asked for the rest.
const BATCH: usize = 512;
/// The most changes on one page.
const PAGE: u32 = 512;
/// How long a folder's rights are believed.
const FOLDER_FRESH: Duration = Duration::from_secs(15 * 60);

/// What an item of the wire is in the model, in a mailbox whose owner sits in `home`; with the content of each of its
/// changed occurrences.
///
/// # Errors
///
/// Why it cannot be read, for people; nothing of its content is repeated.
pub fn read_item(
    master: &CalendarItem,
    exceptions: &[(&OccurrenceInfo, &CalendarItem)],
    home: &Zone,
) -> Result<Item, String> {
    read::settled_item(master, exceptions, home)
}

/// Calendars of an Exchange server, reached by one account in one way.
#[derive(Debug, Clone)]
pub struct ExchangeSource {
    client: EwsClient,
    access: Access,
    /// Where the mailbox owners sit.
    zone: Zone,
    invitations: Invitations,
    /// Colours of categories that are to have a certain one.
    colours: Arc<BTreeMap<String, CategoryColour>>,
    lists: Arc<Mutex<HashMap<String, KnownList>>>,
    folders: Arc<Mutex<HashMap<CalendarKey, KnownFolder>>>,
    groups: Arc<Mutex<HashMap<CalendarKey, KnownGroups>>>,
    unfit: UnfitRules,
    clock: fn() -> DateTime<Utc>,
}

#[derive(Debug, Clone)]
struct KnownFolder {
    folder: Folder,
    asked: Instant,
}

/// A calendar, resolved.
#[derive(Debug, Clone)]
struct Place {
    calendar: CalendarKey,
    target: Target,
    folder: FolderRef,
}

impl ExchangeSource {
    /// `zone` is where the owners of the mailboxes sit: all-day items begin at its midnights.
    pub fn new(client: EwsClient, access: Access, zone: Zone) -> Self {
        Self {
            client,
            access,
            zone,
            invitations: Invitations::Never,
            colours: Arc::default(),
            lists: Arc::default(),
            folders: Arc::default(),
            groups: Arc::default(),
            unfit: UnfitRules::default(),
            clock: || std::time::SystemTime::now().into(),
        }
    }

    /// Says what becomes of series whose rule Exchange does not have.
    #[must_use]
    pub fn with_unfit_rules(mut self, unfit: UnfitRules) -> Self {
        self.unfit = unfit;
        self
    }

    /// Tells the time by another clock than the machine's. It only decides how far a series is expanded.
    #[must_use]
    pub fn with_clock(mut self, clock: fn() -> DateTime<Utc>) -> Self {
        self.clock = clock;
        self
    }

    /// Lets attendees be told of changes that concern them. A decision of the operator; nobody is told without it.
    #[must_use]
    pub fn with_invitations(mut self, invitations: Invitations) -> Self {
        self.invitations = invitations;
        self
    }

    /// Colours of categories, by name, where they are added to the list of a mailbox. Others get one that is free there.
    #[must_use]
    pub fn with_category_colours(mut self, colours: BTreeMap<String, CategoryColour>) -> Self {
        self.colours = Arc::new(colours);
        self
    }

    /// The day it is where the owners of the mailboxes sit.
    fn today(&self) -> NaiveDate {
        self.zone.to_local((self.clock)()).date()
    }

    /// The client underneath.
    pub fn client(&self) -> &EwsClient {
        &self.client
    }

    /// The key of a mailbox's default calendar, or of another folder of it.
    pub fn calendar_key(mailbox: &str, folder: Option<&FolderId>) -> CalendarKey {
        match folder {
            None => CalendarKey::new(mailbox),
            Some(folder) => CalendarKey::new(format!("{mailbox}#{}", folder.id)),
        }
    }

    fn place(&self, calendar: &CalendarKey) -> Place {
        let (address, folder) = match calendar.as_str().split_once('#') {
            Some((address, folder)) => (address, FolderRef::Id(FolderId::new(folder))),
            None => (calendar.as_str(), FolderRef::Calendar),
        };
        let target = Target { address: address.to_owned(), access: self.access };
        Place { calendar: calendar.clone(), target, folder }
    }

    /// What the folder is, as it was said within the last minutes.
    async fn folder(&self, calendar: &CalendarKey, place: &Place) -> Result<Folder, EwsError> {
        let lock = || self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(calendar).filter(|known| known.asked.elapsed() < FOLDER_FRESH) {
            return Ok(known.folder.clone());
        }
        self.folder_now(calendar, place).await
    }

    /// What the folder is, asked at this moment.
    async fn folder_now(&self, calendar: &CalendarKey, place: &Place) -> Result<Folder, EwsError> {
        let folder = self.client.get_folder(&place.target, &GetFolder::of(place.folder.clone())).await?;
        let known = KnownFolder { folder: folder.clone(), asked: Instant::now() };
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).insert(calendar.clone(), known);
        Ok(folder)
    }

    async fn version(&self, place: &Place) -> Result<Version, EwsError> {
        self.client.version(&place.target).await
    }
}

#[async_trait]
impl CalendarSource for ExchangeSource {
    fn capabilities(&self) -> Capabilities {
        let unheld: &[Field] = match self.invitations {
            Invitations::Never => &[Field::Organizer, Field::Attendees, Field::Meeting],
            Invitations::SensitiveChanges => &[Field::Organizer, Field::Meeting],
        };
        Capabilities { batch: BATCH, unheld, marks: false, sentinel: true, kept_uid: write::MAX_UID }
    }

    fn fit(&self, calendar: &CalendarKey, series: &Series) -> Fit {
        let place = self.place(calendar);
        let setting = Setting { home: &self.zone, version: self.client.version_guess(&place.target) };
        let terms = Terms { setting, unfit: self.unfit, today: self.today() };
        match layout(series, &terms, &Before::default()) {
            Ok(layout) if layout.is_whole() => Fit::Whole,
            Ok(layout) => Fit::Composed(layout.shapes),
            Err(why) => Fit::Refused(why),
        }
    }

    async fn changes(
        &self,
        calendar: &CalendarKey,
        since: Option<&ChangeToken>,
    ) -> Result<ChangePage, SourceError> {
        let place = self.place(calendar);
        let mut bookmark = since.map(Bookmark::read);
        let question = SyncFolderItems {
            folder: place.folder.clone(),
            sync_state: bookmark.as_ref().map(|bookmark| bookmark.state.clone()),
            max_changes: PAGE,
            extended: vec![properties::PART],
        };
        let failed = |error| source_error("read change feed", error);
        let page = self.client.sync_folder_items(&place.target, &question).await.map_err(failed)?;
        let mut bookmark = bookmark.take().unwrap_or_default();
        bookmark.state = page.sync_state;
        let entries = self.entries(&place, &page.changes, &mut bookmark).await.map_err(failed)?;
        self.note_groups(calendar, &bookmark);
        Ok(ChangePage {
            entries,
            next: bookmark.token(),
            more: page.more,
            server_time: page.server_time.map(|at| at.to_utc().and_utc()),
        })
    }

    async fn fetch(&self, calendar: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError> {
        self.fetch_items(calendar, keys, Look::Settled)
            .await
            .map_err(|error| source_error("read items", error))
    }

    async fn find_created(
        &self,
        calendar: &CalendarKey,
        tokens: &[CreateToken],
    ) -> Result<Vec<Seen>, SourceError> {
        self.find_tokens(calendar, tokens)
            .await
            .map_err(|error| source_error("look for created items", error))
    }

    async fn sentinel(&self, calendar: &CalendarKey) -> Result<Option<Mark>, SourceError> {
        self.read_mark(calendar).await.map(|(_, mark)| mark)
    }

    async fn set_sentinel(
        &self,
        calendar: &CalendarKey,
        expected: Option<&Mark>,
        new: &Mark,
    ) -> Result<(), SourceError> {
        self.write_mark(calendar, expected, new).await
    }

    async fn attachment(
        &self,
        calendar: &CalendarKey,
        key: &ItemKey,
        file: &Attachment,
        max_bytes: u64,
    ) -> Result<FileRead, SourceError> {
        self.read_file(calendar, key, file, max_bytes).await.map_err(|error| source_error("read file", error))
    }

    async fn apply(
        &self,
        calendar: &CalendarKey,
        writes: &[Recorded<Write>],
        files: &dyn Files,
    ) -> Vec<WriteOutcome> {
        self.apply_writes(calendar, writes, files).await
    }

    async fn upkeep(&self, calendar: &CalendarKey) -> Result<u64, SourceError> {
        self.roll_on(calendar).await.map_err(|error| source_error("carry expanded series further", error))
    }
}
