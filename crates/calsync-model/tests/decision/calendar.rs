//! One calendar of one side: what a server keeps, what people do to it, and the answers it gives the engine.
//!
//! Both sides hold everything as it is. Side A answers a write with the item. Side B answers with its name, so that it
//! has to be read back, and makes an item in two steps, so that a crash can leave one half made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use calsync_core::defects::{Defect, planted};
use calsync_core::ids::{CalendarKey, ChangeToken, CreateToken, ItemKey, Revision, Side};
use calsync_core::model::{Attachment, Series};
use calsync_core::source::{
    Access, Applied, CalendarSource, Capabilities, ChangeEntry, ChangePage, FileRead, Files, Fit, Item, Mark,
    Receipt, Seen, SourceError, SourceErrorKind, Write, WriteOp, WriteOutcome,
};
use calsync_core::store::Recorded;
use chrono::{DateTime, Utc};

use super::chain::mix;

/// A calendar that a test can copy at any moment.
pub struct Calendar(Mutex<Shelf>);

/// What a server keeps.
#[derive(Clone)]
pub struct Shelf {
    pub side: Side,
    pub items: BTreeMap<String, Stored>,
    /// Keys in the order of their changes: the change feed.
    log: Vec<String>,
    made: u32,
    /// What a person deleted last, and under which key.
    pub bin: Option<(String, Stored)>,
    /// By the server's clock; moved by the world.
    pub now: DateTime<Utc>,
    /// Says what happened here, from the beginning.
    pub chain: u64,
    /// As it was in the middle of the last create.
    pub halfway: Option<Box<Shelf>>,
}

/// An item as the server has it.
#[derive(Clone)]
pub struct Stored {
    pub series: Arc<Series>,
    pub revision: u32,
    pub receipt: Option<Receipt>,
    pub token: Option<CreateToken>,
    pub created: DateTime<Utc>,
    pub modified: DateTime<Utc>,
}

impl Clone for Calendar {
    fn clone(&self) -> Self {
        Calendar(Mutex::new(self.shelf().clone()))
    }
}

impl Calendar {
    pub fn new(side: Side, now: DateTime<Utc>) -> Calendar {
        Calendar(Mutex::new(Shelf {
            side,
            items: BTreeMap::new(),
            log: Vec::new(),
            made: 0,
            bin: None,
            now,
            chain: 0,
            halfway: None,
        }))
    }

    pub fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap()
    }
}

impl Shelf {
    /// A new item under a new key.
    pub fn insert(&mut self, series: Series, receipt: Option<Receipt>) -> String {
        self.made += 1;
        let key = format!("{}{}", if self.side == Side::A { "a" } else { "b" }, self.made);
        let stored = Stored {
            series: Arc::new(series),
            revision: 1,
            token: receipt.as_ref().map(|receipt| receipt.token.clone()),
            receipt,
            created: self.now,
            modified: self.now,
        };
        self.items.insert(key.clone(), stored);
        self.log.push(key.clone());
        key
    }

    /// A new state of an item.
    pub fn change(&mut self, key: &str, change: impl FnOnce(&mut Series)) {
        let now = self.now;
        let stored = self.items.get_mut(key).unwrap();
        change(Arc::make_mut(&mut stored.series));
        stored.revision += 1;
        stored.modified = now;
        self.log.push(key.to_owned());
    }

    pub fn remove(&mut self, key: &str) -> Stored {
        self.log.push(key.to_owned());
        self.items.remove(key).unwrap()
    }

    /// Puts an item that was there before under this key.
    pub fn put_back(&mut self, key: &str, stored: Stored) {
        self.items.insert(key.to_owned(), stored);
        self.log.push(key.to_owned());
    }

    /// The same item under a new key.
    pub fn rename(&mut self, key: &str) -> String {
        let stored = self.remove(key);
        self.made += 1;
        let key = format!("{}{}", if self.side == Side::A { "a" } else { "b" }, self.made);
        self.put_back(&key, stored);
        key
    }

    fn item(&self, key: &str) -> Seen {
        let Some(stored) = self.items.get(key) else { return Seen::Absent };
        Seen::Present(Box::new(Item {
            key: ItemKey::new(key),
            revision: Revision::new(stored.revision.to_string()),
            series: stored.series.as_ref().clone(),
            receipt: stored.receipt.clone(),
            created: Some(stored.created),
            modified: Some(stored.modified),
            access: Access::Full,
        }))
    }

    fn read_feed(&self, since: Option<&ChangeToken>) -> ChangePage {
        let from = since.map_or(0, |token| token.as_str().parse::<usize>().unwrap());
        // As Exchange does: silent about what came and went between two reads.
        let never_given = |key: &&String| !self.items.contains_key(*key) && !self.log[..from].contains(key);
        let new = self.log[from..].iter().filter(|key| !never_given(key));
        let entries = new.map(|key| ChangeEntry {
            key: ItemKey::new(key),
            revision: self.items.get(key).map(|stored| Revision::new(stored.revision.to_string())),
        });
        ChangePage {
            entries: entries.collect(),
            next: ChangeToken::new(self.log.len().to_string()),
            more: false,
            server_time: None,
        }
    }

    fn find(&self, token: &CreateToken) -> Seen {
        let carries = self.items.iter().filter(|(_, stored)| stored.token.as_ref() == Some(token));
        let oldest = carries.min_by_key(|(_, stored)| stored.created);
        oldest.map_or(Seen::Absent, |(key, _)| self.item(key))
    }

    fn apply(&mut self, write: &Write) -> WriteOutcome {
        let refused = |kind| WriteOutcome::Refused(SourceError::new("write", kind));
        let before = self.chain;
        self.chain = mix(before, "write", write);
        let key = match &write.op {
            WriteOp::Create { series, .. } => {
                let key = self.insert(series.as_ref().clone(), Some(write.receipt.clone()));
                if self.side == Side::B {
                    let mut halfway = self.clone();
                    halfway.chain = mix(before, "half", write);
                    if let Some(stored) = halfway.items.get_mut(&key) {
                        stored.receipt = None;
                    }
                    self.halfway = Some(Box::new(halfway));
                }
                key
            }
            WriteOp::Update { key, expected, .. } | WriteOp::Delete { key, expected } => {
                let Some(stored) = self.items.get(key.as_str()) else {
                    return refused(SourceErrorKind::Missing);
                };
                let unconditional = planted(match &write.op {
                    WriteOp::Delete { .. } => Defect::DeleteUnconditional,
                    _ => Defect::UpdateUnconditional,
                });
                if stored.revision.to_string() != expected.as_str() && !unconditional {
                    return refused(SourceErrorKind::Stale);
                }
                let WriteOp::Update { patch, .. } = &write.op else {
                    self.remove(key.as_str());
                    return WriteOutcome::Applied(Applied::Deleted);
                };
                self.change(key.as_str(), |series| *series = patch.apply(series));
                let stored = self.items.get_mut(key.as_str()).unwrap();
                stored.receipt = Some(write.receipt.clone());
                key.as_str().to_owned()
            }
        };
        let Seen::Present(item) = self.item(&key) else { return refused(SourceErrorKind::Missing) };
        WriteOutcome::Applied(match self.side {
            Side::A => Applied::Item(item),
            Side::B => Applied::Stored { key: item.key, revision: item.revision },
        })
    }
}

#[async_trait]
impl CalendarSource for Calendar {
    fn capabilities(&self) -> Capabilities {
        // One at a time: so there is a request, and with it a crash, between any two writes.
        Capabilities {
            batch: 1,
            unheld: &[],
            marks: self.shelf().side == Side::A,
            sentinel: false,
            kept_uid: usize::MAX,
        }
    }

    fn fit(&self, _: &CalendarKey, _: &Series) -> Fit {
        Fit::Whole
    }

    async fn changes(&self, _: &CalendarKey, since: Option<&ChangeToken>) -> Result<ChangePage, SourceError> {
        Ok(self.shelf().read_feed(since))
    }

    async fn fetch(&self, _: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError> {
        let shelf = self.shelf();
        Ok(keys.iter().map(|key| shelf.item(key.as_str())).collect())
    }

    async fn find_created(&self, _: &CalendarKey, tokens: &[CreateToken]) -> Result<Vec<Seen>, SourceError> {
        let shelf = self.shelf();
        Ok(tokens.iter().map(|token| shelf.find(token)).collect())
    }

    async fn apply(&self, _: &CalendarKey, writes: &[Recorded<Write>], _: &dyn Files) -> Vec<WriteOutcome> {
        let mut shelf = self.shelf();
        writes.iter().map(|write| shelf.apply(write.get())).collect()
    }

    async fn upkeep(&self, _: &CalendarKey) -> Result<u64, SourceError> {
        Ok(0)
    }

    async fn sentinel(&self, _: &CalendarKey) -> Result<Option<Mark>, SourceError> {
        Ok(None)
    }

    async fn set_sentinel(&self, _: &CalendarKey, _: Option<&Mark>, _: &Mark) -> Result<(), SourceError> {
        Err(SourceError::new("leave a mark", SourceErrorKind::Denied("nothing can be left here".to_owned())))
    }

    async fn attachment(
        &self,
        _: &CalendarKey,
        _: &ItemKey,
        _: &Attachment,
        _: u64,
    ) -> Result<FileRead, SourceError> {
        Ok(FileRead::Gone)
    }
}
