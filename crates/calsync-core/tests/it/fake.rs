//! Two calendars in memory, with people at both, and a clock that only the test moves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use calsync_core::drive::{self, Clock, Holder, Pair};
use calsync_core::ids::{
    CalendarKey, ChangeToken, CreateToken, ItemKey, LinkId, PairingId, PerSide, Revision, Side, Uid,
};
use calsync_core::link::{Answer, Head, Hold, Wish};
use calsync_core::memory::MemoryStore;
use calsync_core::model::{Attachment, Attachments, Change, Event, Field, Mark, Override, Series, Span};
use calsync_core::source::{
    Access, Applied, CalendarSource, Capabilities, ChangeEntry, ChangePage, FileRead, Files, Fit, Item,
    Mark as Sentinel, Receipt, Seen, SourceError, SourceErrorKind, Write, WriteOp, WriteOutcome,
};
use calsync_core::store::{Commit, Fence, JournalEntry, JournalQuery, Recorded, StateStore, StoreError};
use calsync_core::sync::{Request, Round, RoundInput, RoundReport, Settings};
use calsync_core::zone::Zone;
use chrono::{DateTime, NaiveDate, TimeZone, Utc};

pub fn berlin() -> Zone {
    Zone::new("Europe/Berlin").unwrap()
}

/// An hour on that day of December 2026.
pub fn hour(day: u32, hour: u32) -> Span {
    let date = NaiveDate::from_ymd_opt(2026, 12, day).unwrap();
    Span::zoned(date.and_hms_opt(hour, 0, 0).unwrap(), date.and_hms_opt(hour + 1, 0, 0).unwrap(), &berlin())
}

pub fn event(subject: &str, day: u32) -> Event {
    Event::new(subject, hour(day, 9))
}

pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn new() -> Self {
        TestClock(AtomicI64::new(Utc.with_ymd_and_hms(2026, 11, 24, 8, 0, 0).unwrap().timestamp()))
    }

    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap()
    }

    fn steady(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// A calendar system with one calendar.
pub struct Fake {
    name: &'static str,
    pub batch: usize,
    pub page: usize,
    pub unheld: &'static [Field],
    /// What it cannot hold is not there after a write.
    pub drops_unheld: bool,
    /// Whether a mark can be left in it.
    pub sentinel: bool,
    /// Answers writes with the item, or only with its name.
    pub returns_items: bool,
    /// Rounds what is written, as servers do.
    pub shouts: bool,
    /// Gives each item that is made a UID of its own.
    pub own_uids: bool,
    /// Takes marks.
    pub marks: bool,
    /// Says how large files are.
    pub sizes: bool,
    /// How it says that it will hold a series; unset: as it is.
    pub fit: Option<fn(&Series) -> Fit>,
    state: Mutex<State>,
}

#[derive(Default, Clone)]
struct State {
    items: BTreeMap<String, Stored>,
    log: Vec<String>,
    /// Tokens carry it; one of another generation is refused.
    generation: u64,
    counter: u64,
    writes: u64,
    /// Writes of appointments of that subject are refused.
    refuse: Option<(String, SourceErrorKind)>,
    half_make: bool,
    unreadable: Vec<String>,
    /// Type whose appointments are neither deleted nor moved through the protocol.
    protected: Option<String>,
    clock: i64,
    /// Says what its clock says.
    tells_time: bool,
    /// Bytes of files by their stamps.
    files: BTreeMap<String, Vec<u8>>,
    /// Reading files fails.
    files_fail: bool,
    feed_fails: bool,
    /// The next write with files stops after the first of them, and nobody learns of it.
    half_attach: bool,
    mark: Option<Sentinel>,
    /// Marks are refused.
    mark_refused: Option<SourceErrorKind>,
    /// Nobody can look at the mark.
    mark_hidden: Option<SourceErrorKind>,
    /// Nobody learns whether a mark was written; what becomes of it.
    mark_lost: Option<Lost>,
    /// A mark that was thought lost.
    mark_on_its_way: Option<Sentinel>,
    /// How often the source could tidy up.
    upkeeps: u64,
}

/// What becomes of a write whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It was carried out.
    Done,
    /// It arrives later, when [`Fake::arrive`] says so.
    Late,
}

#[derive(Clone)]
pub struct Stored {
    series: Series,
    revision: u64,
    receipt: Option<Receipt>,
    /// Left by the first step of a create, before the receipt.
    token: Option<CreateToken>,
    created: i64,
    modified: i64,
    access: Access,
    /// What was marked, in that order.
    marks: Vec<Mark>,
}

impl Fake {
    pub fn new(name: &'static str) -> Fake {
        Fake {
            name,
            batch: 3,
            page: 4,
            unheld: &[],
            drops_unheld: false,
            sentinel: true,
            fit: None,
            returns_items: true,
            shouts: false,
            own_uids: false,
            marks: name == "a",
            sizes: true,
            state: Mutex::new(State { clock: 1_790_000_000, ..State::default() }),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    pub fn add(&self, event: Event) -> String {
        let uid = format!("uid-{}-{}", self.name, self.with(|state| state.counter));
        self.add_series(Series::single(Uid::new(uid), event))
    }

    pub fn add_series(&self, series: Series) -> String {
        self.with(|state| state.insert(self.name, series, None))
    }

    pub fn edit(&self, key: &str, change: impl FnOnce(&mut Series)) {
        self.with(|state| {
            state.clock += 60;
            let clock = state.clock;
            let stored = state.items.get_mut(key).unwrap();
            change(&mut stored.series);
            stored.revision += 1;
            stored.modified = clock;
            state.log.push(key.to_owned());
        });
    }

    /// Puts a file into an appointment, in place of all others of its name.
    pub fn attach(&self, key: &str, name: &str, bytes: &[u8]) {
        self.with(|state| state.clock += 60);
        let file = self.with(|state| state.store_file((self.name, name), bytes.to_vec(), self.sizes));
        self.edit(key, |series| {
            let files = series.event.attachments.iter().filter(|file| file.name != name).cloned();
            series.event.attachments = Attachments::new(files.chain([file]));
        });
    }

    pub fn detach(&self, key: &str, name: &str) {
        self.edit(key, |series| {
            series.event.attachments = series.event.attachments.only(|file| file.name != name);
        });
    }

    pub fn fail_files(&self, fail: bool) {
        self.with(|state| state.files_fail = fail);
    }

    pub fn fail_feed(&self, fail: bool) {
        self.with(|state| state.feed_fails = fail);
    }

    /// The next write with files stops after the first of them, and nobody learns of it.
    pub fn half_attach(&self) {
        self.with(|state| state.half_attach = true);
    }

    /// Names and bytes of the files of an appointment.
    pub fn files(&self, key: &str) -> Vec<(String, String)> {
        let files = self.series(key).event.attachments;
        let text = |state: &mut State, file: &Attachment| {
            String::from_utf8(state.files[&file.stamp].clone()).unwrap()
        };
        self.with(|state| files.iter().map(|file| (file.name.clone(), text(state, file))).collect())
    }

    pub fn edit_later(&self, seconds: i64, key: &str, change: impl FnOnce(&mut Series)) {
        self.with(|state| state.clock += seconds);
        self.edit(key, change);
    }

    pub fn delete(&self, key: &str) {
        self.with(|state| {
            state.items.remove(key).unwrap();
            state.log.push(key.to_owned());
        });
    }

    /// What Outlook does when a person copies an appointment: everything but identity comes along.
    pub fn copy(&self, key: &str, uid: &str) -> String {
        self.with(|state| {
            let stored = state.items[key].clone();
            let series = Series { uid: Uid::new(uid), ..stored.series };
            state.insert(self.name, series, stored.receipt)
        })
    }

    /// Out of the calendar and back: the same item under a new key.
    pub fn rename(&self, key: &str) -> String {
        self.with(|state| {
            let stored = state.items.remove(key).unwrap();
            state.log.push(key.to_owned());
            state.insert(self.name, stored.series, stored.receipt)
        })
    }

    /// What somebody does who writes into our receipt.
    pub fn forge_number(&self, key: &str, number: u64) {
        self.with(|state| {
            let stored = state.items.get_mut(key).unwrap();
            stored.receipt.as_mut().unwrap().number = number;
            stored.revision += 1;
            state.log.push(key.to_owned());
        });
    }

    pub fn lock(&self, key: &str, access: Access) {
        self.with(|state| {
            let stored = state.items.get_mut(key).unwrap();
            stored.access = access;
            stored.revision += 1;
            state.log.push(key.to_owned());
        });
    }

    /// A backup of the calendar, with the mark in it.
    pub fn backup(&self) -> Backup {
        self.with(|state| Backup {
            items: state.items.clone(),
            mark: state.mark.clone(),
            counter: state.counter,
        })
    }

    /// Puts the calendar back as it was. Keys are not given out twice, and the feed tells of what is other than it was.
    pub fn restore(&self, backup: &Backup) {
        self.with(|state| {
            let Backup { items, mark, counter: _ } = backup.clone();
            let keys: BTreeSet<String> = state.items.keys().chain(items.keys()).cloned().collect();
            for key in keys {
                if state.items.get(&key).map(Stored::looks) != items.get(&key).map(Stored::looks) {
                    state.log.push(key);
                }
            }
            (state.items, state.mark) = (items, mark);
        });
    }

    /// The same, on a server that then gives out keys anew.
    pub fn restore_and_count_anew(&self, backup: &Backup) {
        self.restore(backup);
        self.with(|state| state.counter = backup.counter);
    }

    /// Everything is gone, also the mark: a calendar that was made anew.
    pub fn empty(&self) {
        self.restore(&Backup::default());
    }

    pub fn mark(&self) -> Option<Sentinel> {
        self.with(|state| state.mark.clone())
    }

    pub fn set_mark(&self, mark: Option<Sentinel>) {
        self.with(|state| state.mark = mark);
    }

    pub fn deny_marks(&self, deny: bool) {
        self.refuse_marks(deny.then(|| SourceErrorKind::Denied("the account may not".to_owned())));
    }

    pub fn refuse_marks(&self, kind: Option<SourceErrorKind>) {
        self.with(|state| state.mark_refused = kind);
    }

    pub fn hide_mark(&self, kind: Option<SourceErrorKind>) {
        self.with(|state| state.mark_hidden = kind);
    }

    /// Nobody learns what becomes of the next mark.
    pub fn lose_mark(&self, how: Lost) {
        self.with(|state| state.mark_lost = Some(how));
    }

    /// The mark that was thought lost arrives.
    pub fn arrive(&self) {
        self.with(|state| {
            let mark = state.mark_on_its_way.take();
            state.mark = Some(mark.expect("nothing is on its way"));
        });
    }

    pub fn expire_tokens(&self) {
        self.with(|state| state.generation += 1);
    }

    pub fn refuse_subject(&self, subject: Option<&str>) {
        self.refuse_with(subject, &SourceErrorKind::Rejected("not with that subject".to_owned()));
    }

    pub fn refuse_with(&self, subject: Option<&str>, kind: &SourceErrorKind) {
        self.with(|state| state.refuse = subject.map(|subject| (subject.to_owned(), kind.clone())));
    }

    /// Drops overrides that say what the master says, without that being a change.
    pub fn thin_out(&self, key: &str) {
        self.with(|state| {
            let series = &mut state.items.get_mut(key).unwrap().series;
            let master = series.event.clone();
            series.overrides.retain(|_, change| match change {
                Override::Cancelled => true,
                Override::Changed(overlay) => master.with(overlay) != master,
            });
        });
    }

    /// Takes it into the bin and gives back what is needed to put it in again under the same key.
    pub fn bin(&self, key: &str) -> Series {
        let series = self.series(key);
        self.delete(key);
        series
    }

    /// The feed does not tell of it.
    pub fn leave_out(&self, key: &str) {
        self.with(|state| state.log.retain(|told| told != key));
    }

    /// Takes an item away with all that we wrote into it; [`Fake::put`] puts it back under another key.
    pub fn take(&self, key: &str) -> Stored {
        let stored = self.with(|state| state.items[key].clone());
        self.delete(key);
        stored
    }

    pub fn put(&self, stored: Stored) -> String {
        self.with(|state| {
            state.clock += 60;
            state.insert(self.name, stored.series, stored.receipt)
        })
    }

    pub fn unbin(&self, key: &str, series: Series) {
        self.with(|state| {
            state.clock += 60;
            let stored = Stored {
                series,
                revision: 77,
                receipt: None,
                token: None,
                created: 1_700_000_000,
                modified: state.clock,
                access: Access::Full,
                marks: Vec::new(),
            };
            state.items.insert(key.to_owned(), stored);
            state.log.push(key.to_owned());
        });
    }

    /// What a create that was thought lost does when it arrives after all.
    pub fn late_create(&self, key: &str) -> String {
        self.with(|state| {
            let mut stored = state.items[key].clone();
            if self.own_uids {
                stored.series.uid = Uid::new(format!("{}-own-{}", self.name, state.counter));
                stored.receipt.as_mut().unwrap().own_uid = Some(stored.series.uid.clone());
            }
            state.insert(self.name, stored.series, stored.receipt)
        })
    }

    /// A write that was thought lost arrives.
    pub fn land(&self, write: &Write) {
        self.with(|state| self.apply_one(state, write));
    }

    /// From now on appointments of this type are neither deleted nor moved through the protocol.
    pub fn protect(&self, kind: &str) {
        self.with(|state| state.protected = Some(kind.to_owned()));
    }

    /// What was marked in an appointment.
    pub fn marks(&self, key: &str) -> Vec<Mark> {
        self.with(|state| state.items[key].marks.clone())
    }

    /// Sets the clock of this server.
    pub fn set_clock(&self, at: DateTime<Utc>) {
        self.with(|state| (state.clock, state.tells_time) = (at.timestamp(), true));
    }

    pub fn unreadable(&self, keys: &[&str]) {
        self.with(|state| state.unreadable = keys.iter().map(|key| (*key).to_owned()).collect());
    }

    /// The next create stops after its first step, and nobody learns of it.
    pub fn half_make(&self) {
        self.with(|state| state.half_make = true);
    }

    pub fn keys(&self) -> Vec<String> {
        self.with(|state| state.items.keys().cloned().collect())
    }

    pub fn series(&self, key: &str) -> Series {
        self.with(|state| state.items[key].series.clone())
    }

    pub fn events(&self) -> Vec<Event> {
        let mut events: Vec<Event> =
            self.with(|state| state.items.values().map(|stored| stored.series.event.clone()).collect());
        events.sort_by(|a, b| (&a.subject, &a.span).cmp(&(&b.subject, &b.span)));
        events
    }

    pub fn subjects(&self) -> Vec<String> {
        self.events().into_iter().map(|event| event.subject).collect()
    }

    pub fn all(&self) -> Vec<Series> {
        let mut all: Vec<Series> =
            self.with(|state| state.items.values().map(|stored| stored.series.clone()).collect());
        all.sort_by(|a, b| a.uid.cmp(&b.uid));
        all
    }

    pub fn upkeeps(&self) -> u64 {
        self.with(|state| state.upkeeps)
    }

    pub fn writes(&self) -> u64 {
        self.with(|state| state.writes)
    }
}

/// What a backup of a calendar holds.
#[derive(Default, Clone)]
pub struct Backup {
    items: BTreeMap<String, Stored>,
    mark: Option<Sentinel>,
    counter: u64,
}

impl Stored {
    fn looks(&self) -> (u64, &Series) {
        (self.revision, &self.series)
    }
}

impl State {
    fn store_file(&mut self, (owner, name): (&str, &str), bytes: Vec<u8>, says_size: bool) -> Attachment {
        self.counter += 1;
        let stamp = format!("{owner}{:06}", self.counter);
        let size = says_size.then_some(bytes.len() as u64);
        self.files.insert(stamp.clone(), bytes);
        Attachment { size, ..Attachment::new(name, stamp) }
    }

    fn insert(&mut self, name: &str, series: Series, receipt: Option<Receipt>) -> String {
        self.counter += 1;
        self.clock += 60;
        let key = format!("{name}{}", self.counter);
        let stored = Stored {
            series,
            revision: 1,
            token: receipt.as_ref().map(|receipt| receipt.token.clone()),
            receipt,
            created: self.clock,
            modified: self.clock,
            access: Access::Full,
            marks: Vec::new(),
        };
        self.items.insert(key.clone(), stored);
        self.log.push(key.clone());
        key
    }

    fn seen(&self, key: &str) -> Seen {
        if self.unreadable.iter().any(|bad| bad == key) {
            return Seen::Unreadable("the server stumbles over it".to_owned());
        }
        self.item(key).map_or(Seen::Absent, |item| Seen::Present(Box::new(item)))
    }

    fn item(&self, key: &str) -> Option<Item> {
        let stored = self.items.get(key)?;
        Some(Item {
            key: ItemKey::new(key),
            revision: Revision::new(stored.revision.to_string()),
            series: stored.series.clone(),
            receipt: stored.receipt.clone(),
            created: DateTime::from_timestamp(stored.created, 0),
            modified: DateTime::from_timestamp(stored.modified, 0),
            access: stored.access,
        })
    }
}

#[async_trait]
impl CalendarSource for Fake {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            batch: self.batch,
            unheld: self.unheld,
            marks: self.marks,
            sentinel: self.sentinel,
            kept_uid: if self.own_uids { 0 } else { usize::MAX },
        }
    }

    fn fit(&self, _: &CalendarKey, series: &Series) -> Fit {
        self.fit.map_or(Fit::Whole, |fit| fit(series))
    }

    async fn changes(&self, _: &CalendarKey, since: Option<&ChangeToken>) -> Result<ChangePage, SourceError> {
        self.with(|state| {
            if state.feed_fails {
                return Err(SourceError::new("read change feed", SourceErrorKind::Unavailable));
            }
            let (generation, from) = since.map_or((state.generation, 0), |token| {
                let (generation, from) = token.as_str().split_once(':').unwrap();
                (generation.parse().unwrap(), from.parse::<usize>().unwrap())
            });
            if generation != state.generation {
                return Err(SourceError::new("read change feed", SourceErrorKind::TokenExpired));
            }
            let to = (from + self.page).min(state.log.len());
            // As Exchange does: silent about what came and went between two reads.
            let never_given =
                |key: &&String| !state.items.contains_key(*key) && !state.log[..from].contains(key);
            let entries = state.log[from..to].iter().filter(|key| !never_given(key)).map(|key| ChangeEntry {
                key: ItemKey::new(key),
                revision: state.items.get(key).map(|stored| Revision::new(stored.revision.to_string())),
            });
            Ok(ChangePage {
                entries: entries.collect(),
                next: ChangeToken::new(format!("{generation}:{to}")),
                more: to < state.log.len(),
                server_time: state.tells_time.then(|| DateTime::from_timestamp(state.clock, 0).unwrap()),
            })
        })
    }

    async fn fetch(&self, _: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError> {
        assert!(!keys.is_empty() && keys.len() <= self.batch, "a batch of {}", keys.len());
        Ok(self.with(|state| keys.iter().map(|key| state.seen(key.as_str())).collect()))
    }

    async fn find_created(&self, _: &CalendarKey, tokens: &[CreateToken]) -> Result<Vec<Seen>, SourceError> {
        assert!(!tokens.is_empty() && tokens.len() <= self.batch);
        Ok(self.with(|state| {
            let carries =
                |key: &&String, token: &CreateToken| state.items[*key].token.as_ref() == Some(token);
            tokens
                .iter()
                .map(|token| {
                    let oldest = state
                        .items
                        .keys()
                        .filter(|key| carries(key, token))
                        .min_by_key(|key| state.items[*key].created);
                    oldest.map_or(Seen::Absent, |key| state.seen(key))
                })
                .collect()
        }))
    }

    async fn sentinel(&self, _: &CalendarKey) -> Result<Option<Sentinel>, SourceError> {
        assert!(self.sentinel, "asked for a mark where none can be");
        match self.with(|state| state.mark_hidden.clone()) {
            Some(kind) => Err(SourceError::new("read the mark", kind)),
            None => Ok(self.mark()),
        }
    }

    async fn set_sentinel(
        &self,
        _: &CalendarKey,
        expected: Option<&Sentinel>,
        new: &Sentinel,
    ) -> Result<(), SourceError> {
        assert!(self.sentinel, "a mark where none can be");
        self.with(|state| {
            let failed = |kind| Err(SourceError::new("write the mark", kind));
            if let Some(kind) = &state.mark_refused {
                return failed(kind.clone());
            }
            if state.mark.as_ref() != expected {
                return failed(SourceErrorKind::Stale);
            }
            match state.mark_lost.take() {
                None => state.mark = Some(new.clone()),
                Some(Lost::Done) => {
                    state.mark = Some(new.clone());
                    return failed(SourceErrorKind::NoAnswer);
                }
                Some(Lost::Late) => {
                    state.mark_on_its_way = Some(new.clone());
                    return failed(SourceErrorKind::NoAnswer);
                }
            }
            Ok(())
        })
    }

    async fn apply(
        &self,
        _: &CalendarKey,
        writes: &[Recorded<Write>],
        files: &dyn Files,
    ) -> Vec<WriteOutcome> {
        assert!(!writes.is_empty() && writes.len() <= self.batch);
        let mut outcomes = Vec::new();
        for write in writes {
            outcomes.push(match self.with_files(write.get(), files).await {
                Ok(write) => self.with(|state| self.apply_one(state, &write)),
                Err(outcome) => outcome,
            });
        }
        outcomes
    }

    async fn upkeep(&self, _: &CalendarKey) -> Result<u64, SourceError> {
        self.with(|state| state.upkeeps += 1);
        Ok(0)
    }

    async fn attachment(
        &self,
        _: &CalendarKey,
        key: &ItemKey,
        file: &Attachment,
        max_bytes: u64,
    ) -> Result<FileRead, SourceError> {
        self.with(|state| {
            if state.files_fail {
                return Err(SourceError::new("read file", SourceErrorKind::Unavailable));
            }
            let there = state
                .items
                .get(key.as_str())
                .and_then(|stored| stored.series.event.attachments.get(&file.name, file.nth));
            let bytes = there.map(|there| state.files[&there.stamp].clone());
            Ok(match bytes {
                None => FileRead::Gone,
                Some(bytes) if bytes.len() as u64 > max_bytes => FileRead::TooLarge,
                Some(bytes) => FileRead::Bytes(bytes),
            })
        })
    }
}

impl Fake {
    /// The write with files of this side in place of those of the other.
    async fn with_files(&self, write: &Write, files: &dyn Files) -> Result<Write, WriteOutcome> {
        let mut write = write.clone();
        let change = match &write.op {
            WriteOp::Create { series, .. } => {
                Change { from: Attachments::default(), to: series.event.attachments.clone() }
            }
            WriteOp::Update { patch, .. } => match patch.master.attachments.clone() {
                Some(change) => change,
                None => return Ok(write),
            },
            WriteOp::Delete { .. } => return Ok(write),
        };
        let incoming: Vec<&Attachment> = change.incoming().collect();
        let mut all = Vec::new();
        for file in &change.to {
            if !incoming.contains(&file) {
                all.push(file.clone());
                continue;
            }
            match files.read(&write, file).await {
                Ok(FileRead::Bytes(bytes)) => {
                    all.push(self.with(|state| state.store_file((self.name, &file.name), bytes, self.sizes)));
                }
                Ok(FileRead::TooLarge | FileRead::Gone) => {
                    all.extend(change.from.get(&file.name, file.nth).cloned());
                }
                Err(error) => return Err(WriteOutcome::Refused(error)),
            }
        }
        let half = !incoming.is_empty() && self.with(|state| std::mem::take(&mut state.half_attach));
        let all = Attachments::new(all.into_iter().take(if half { 1 } else { usize::MAX }));
        match &mut write.op {
            WriteOp::Create { series, .. } => series.event.attachments = all,
            WriteOp::Update { patch, .. } => {
                // A source that takes several steps shows an item as it was until the last of them.
                let to = if half { change.from.clone() } else { all };
                patch.master.attachments = Some(Change { from: change.from.clone(), to });
            }
            WriteOp::Delete { .. } => {}
        }
        if !half {
            return Ok(write);
        }
        self.with(|state| {
            let receipt = write.receipt.clone();
            let key = match &write.op {
                WriteOp::Create { .. } => {
                    let next = state.counter + 1;
                    self.apply_one(state, &write);
                    format!("{}{next}", self.name)
                }
                WriteOp::Update { key, .. } | WriteOp::Delete { key, .. } => {
                    self.apply_one(state, &write);
                    key.as_str().to_owned()
                }
            };
            let stored = state.items.get_mut(&key).unwrap();
            assert_eq!(stored.receipt.as_ref(), Some(&receipt));
            stored.receipt = None;
        });
        Err(WriteOutcome::Unknown(SourceError::new("write", SourceErrorKind::NoAnswer)))
    }
}

impl Fake {
    fn apply_one(&self, state: &mut State, write: &Write) -> WriteOutcome {
        let refused = |kind| WriteOutcome::Refused(SourceError::new("write", kind));
        state.writes += 1;
        let hold = |mut series: Series| {
            if self.shouts {
                series.event.place = series.event.place.to_uppercase();
            }
            let blank = Event::new("", series.event.span.clone());
            let unheld = |field| self.drops_unheld && self.unheld.contains(&field);
            series.event.diff(&blank).only(unheld).apply(&mut series.event);
            if series.recurrence.is_some() {
                // No server keeps what was said of an occurrence that there is no more.
                let whole = series.clone();
                series.overrides.retain(|key, _| whole.has_instance(key));
            }
            series
        };
        let key = match &write.op {
            WriteOp::Create { series, .. } => {
                if let Some((_, kind)) = state.refuse.as_ref().filter(|(it, _)| *it == series.event.subject) {
                    return refused(kind.clone());
                }
                if std::mem::take(&mut state.half_make) {
                    let master = Series { overrides: BTreeMap::new(), ..(**series).clone() };
                    let key = state.insert(self.name, hold(master), Some(write.receipt.clone()));
                    state.items.get_mut(&key).unwrap().receipt = None;
                    return WriteOutcome::Unknown(SourceError::new("write", SourceErrorKind::NoAnswer));
                }
                let mut made = hold((**series).clone());
                let mut receipt = write.receipt.clone();
                if self.own_uids {
                    made.uid = Uid::new(format!("{}-own-{}", self.name, state.counter));
                    receipt.own_uid = Some(made.uid.clone());
                }
                state.insert(self.name, made, Some(receipt))
            }
            WriteOp::Update { key, expected, patch, .. } => {
                let Some(stored) = state.items.get_mut(key.as_str()) else {
                    return refused(SourceErrorKind::Missing);
                };
                if stored.revision.to_string() != expected.as_str() {
                    return refused(SourceErrorKind::Stale);
                }
                let subject = &stored.series.event.subject;
                if let Some((_, kind)) = state.refuse.as_ref().filter(|(it, _)| it == subject) {
                    return refused(kind.clone());
                }
                let (before, after) = (&stored.series, patch.apply(&stored.series));
                if before.event.categories.iter().any(|kind| Some(kind) == state.protected.as_ref())
                    && !before.diff(&after).only(|field| field == Field::Span).is_empty()
                {
                    return refused(SourceErrorKind::Protected);
                }
                if let Some(mark) = &patch.mark {
                    assert!(self.marks, "{} takes no marks", self.name);
                    stored.marks.push(mark.clone());
                }
                stored.series = hold(after);
                stored.receipt = Some(write.receipt.clone());
                stored.revision += 1;
                state.clock += 60;
                stored.modified = state.clock;
                state.log.push(key.as_str().to_owned());
                key.as_str().to_owned()
            }
            WriteOp::Delete { key, expected } => {
                let Some(stored) = state.items.get(key.as_str()) else {
                    return refused(SourceErrorKind::Missing);
                };
                if stored.revision.to_string() != expected.as_str() {
                    return refused(SourceErrorKind::Stale);
                }
                if stored.series.event.categories.iter().any(|kind| Some(kind) == state.protected.as_ref()) {
                    return refused(SourceErrorKind::Protected);
                }
                state.items.remove(key.as_str());
                state.log.push(key.as_str().to_owned());
                return WriteOutcome::Applied(Applied::Deleted);
            }
        };
        let item = state.item(&key).unwrap();
        WriteOutcome::Applied(if self.returns_items {
            Applied::Item(Box::new(item))
        } else {
            Applied::Stored { key: item.key, revision: item.revision }
        })
    }
}

/// Two calendars, a store and a clock.
pub struct World {
    pub a: Fake,
    pub b: Fake,
    pub store: MemoryStore,
    pub clock: TestClock,
    pub settings: Settings,
    pub pairing: PairingId,
    pub calendar: CalendarKey,
    pub holder: Holder,
}

/// Where a round is cut off.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// The request was never carried out.
    Before(usize),
    /// It was carried out, and nobody learned of it.
    After(usize),
}

impl World {
    pub fn new() -> World {
        let mut b = Fake::new("b");
        b.returns_items = false;
        World {
            a: Fake::new("a"),
            b,
            store: MemoryStore::new(),
            clock: TestClock::new(),
            settings: Settings::default(),
            pairing: PairingId::new("meier"),
            calendar: CalendarKey::new("calendar"),
            holder: Holder::new("test", Duration::from_secs(60)),
        }
    }

    /// The last one that was given.
    fn fence(&self) -> Fence {
        block_on(self.store.lease(&self.pairing)).unwrap().fence
    }

    fn pair(&self) -> Pair<'_> {
        Pair {
            id: &self.pairing,
            sources: PerSide { a: &self.a, b: &self.b },
            calendars: PerSide { a: &self.calendar, b: &self.calendar },
            settings: &self.settings,
        }
    }

    pub fn side(&self, side: Side) -> &Fake {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    pub fn sync(&self) -> RoundReport {
        self.clock.pass(300);
        let report = block_on(drive::sync(self.pair(), &self.store, &self.clock, &self.holder)).unwrap();
        assert_eq!(report.failure, None);
        report
    }

    pub fn plan(&self) -> RoundReport {
        block_on(drive::plan(self.pair(), &self.store, &self.clock)).unwrap()
    }

    /// Rounds until one writes nothing; more than a few is a fault in itself.
    pub fn settle(&self) -> RoundReport {
        for _ in 0..5 {
            let report = self.sync();
            if report.writes() == 0 {
                return report;
            }
        }
        panic!("still writing after five rounds");
    }

    /// A round in which somebody acts before requests.
    pub fn sync_with(&self, mut before: impl FnMut(usize, &Request)) -> RoundReport {
        self.clock.pass(300);
        let mut round = self.round();
        for number in 0.. {
            let request = round.poll();
            if let Request::Done(report) = request {
                return *report;
            }
            before(number, &request);
            round.handle(
                block_on(drive::answer(self.pair(), &self.store, &self.clock, self.fence(), request))
                    .unwrap(),
            );
        }
        unreachable!()
    }

    /// A round that may end before its time.
    pub fn sync_any(&self) -> RoundReport {
        self.clock.pass(300);
        block_on(drive::sync(self.pair(), &self.store, &self.clock, &self.holder)).unwrap()
    }

    /// A round that somebody else may not let begin.
    pub fn try_sync(&self) -> Result<RoundReport, StoreError> {
        block_on(drive::sync(self.pair(), &self.store, &self.clock, &self.holder))
    }

    /// A round of another process, in which something happens before requests.
    pub fn sync_as(
        &self,
        holder: &Holder,
        mut before: impl FnMut(&World, usize),
    ) -> Result<RoundReport, StoreError> {
        self.clock.pass(300);
        let mut turn = block_on(holder.begin(&self.pairing, &self.store, &self.clock))?;
        let mut round = self.round();
        for number in 0.. {
            let request = round.poll();
            if let Request::Done(report) = request {
                return Ok(*report);
            }
            before(self, number);
            round.handle(block_on(drive::in_turn(
                self.pair(),
                &self.store,
                &self.clock,
                &mut turn,
                request,
            ))?);
        }
        unreachable!()
    }

    /// A person chooses who leads.
    pub fn lead(&self, side: Side) {
        let wish = Wish::Lead(side);
        block_on(self.store.order(&self.pairing, self.clock.now(), "test", &wish)).unwrap();
    }

    /// What a round would do if a person chose this side to lead.
    pub fn plan_led(&self, side: Side) -> RoundReport {
        block_on(drive::plan_asked(self.pair(), &self.store, &self.clock, &[Wish::Lead(side)])).unwrap()
    }

    /// The link of an item.
    pub fn link_of(&self, side: Side, key: &str) -> LinkId {
        let links = block_on(self.store.links_by_key(&self.pairing, side, &[ItemKey::new(key)])).unwrap();
        links[0].id
    }

    pub fn head(&self) -> Head {
        block_on(self.store.head(&self.pairing)).unwrap()
    }

    /// The store as it is now, without its tombstones: what a backup of it holds at least.
    pub fn store_backup(&self) -> MemoryStore {
        block_on(MemoryStore::copy_of(&self.store, &self.pairing)).unwrap()
    }

    pub fn journal(&self) -> Vec<JournalEntry> {
        block_on(self.store.journal_entries(&self.pairing, &JournalQuery::default())).unwrap()
    }

    pub fn round(&self) -> Round {
        Round::new(RoundInput {
            pairing: self.pairing.clone(),
            settings: self.settings.clone(),
            mode: calsync_core::sync::Mode::Sync,
            now: self.clock.now(),
            capabilities: PerSide { a: self.a.capabilities(), b: self.b.capabilities() },
        })
    }

    /// Runs a round until it asks for this, and cuts it off there.
    pub fn sync_until(&self, stops: impl Fn(&Request) -> bool) -> Request {
        self.clock.pass(300);
        let mut round = self.round();
        loop {
            let request = round.poll();
            assert!(!matches!(request, Request::Done(_)), "it was never asked for");
            if stops(&request) {
                return request;
            }
            let reply = block_on(drive::answer(self.pair(), &self.store, &self.clock, self.fence(), request));
            round.handle(reply.unwrap());
        }
    }

    /// Runs a round and cuts it off; `false` when it ended before it came to that.
    pub fn sync_cut(&self, cut: Cut) -> bool {
        self.clock.pass(300);
        let mut round = self.round();
        for number in 0.. {
            let request = round.poll();
            if matches!(request, Request::Done(_)) {
                return false;
            }
            if matches!(cut, Cut::Before(at) if at == number) {
                return true;
            }
            let reply = block_on(drive::answer(self.pair(), &self.store, &self.clock, self.fence(), request))
                .unwrap();
            if matches!(cut, Cut::After(at) if at == number) {
                return true;
            }
            round.handle(reply);
        }
        unreachable!()
    }

    /// What waits for a person.
    pub fn held(&self) -> Vec<Hold> {
        let links = block_on(self.store.held_links(&self.pairing, None, usize::MAX)).unwrap();
        links.into_iter().filter_map(|link| link.hold).collect()
    }

    /// A person says this to everything that waits.
    pub fn answer(&self, answer: Answer) {
        let mut put = block_on(self.store.held_links(&self.pairing, None, usize::MAX)).unwrap();
        for hold in put.iter_mut().filter_map(|link| link.hold.as_mut()) {
            hold.answer = Some(answer);
        }
        let version = block_on(self.store.head(&self.pairing)).unwrap().version;
        let commit = Commit { version, fence: self.fence(), put, ..Commit::default() };
        block_on(self.store.commit(&self.pairing, &commit)).unwrap();
    }

    pub fn assert_in_step(&self) {
        assert_eq!(self.a.events(), self.b.events());
        assert_eq!(self.a.all(), self.b.all());
    }
}

/// Nothing here ever waits, so polling once is running.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("a fake never waits"),
    }
}
