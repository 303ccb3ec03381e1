//! A calendar system in memory: items with revisions, a change feed, a bin, backups.
//!
//! It knows nothing of the engine and nothing of the other side. What it does with a write is what the real servers
//! document: an update or deletion names the revision it expects, a feed is silent about what came and went between two
//! reads, a restored server hands out names again that it gave before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use calsync_core::defects::{Defect, planted};
use calsync_core::ids::{CalendarKey, ChangeToken, CreateToken, ItemKey, Revision, Side, Uid};
use calsync_core::model::{Attachment, Event, Field, Override, Series, Span, When};
use calsync_core::source::{
    Access, Applied, CalendarSource, Capabilities, ChangeEntry, ChangePage, FileRead, Files, Fit, Item, Mark,
    Receipt, Seen, SourceError, SourceErrorKind, Write, WriteOp, WriteOutcome,
};
use calsync_core::store::Recorded;
use chrono::Timelike;

use crate::clock::SimClock;
use crate::options::Manners;
use crate::place::{Place, Standing};

/// A calendar system with one calendar.
pub(crate) struct Model {
    shared: Arc<Shared>,
}

struct Shared {
    side: Side,
    manners: Manners,
    clock: Arc<SimClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: Content,
    backups: Vec<Content>,
    /// Counts the times it went back.
    epoch: u64,
    /// Feeds of another generation are forgotten.
    generation: u64,
    half: bool,
}

/// What a backup holds.
#[derive(Clone, Default)]
struct Content {
    items: BTreeMap<String, Stored>,
    bin: BTreeMap<String, Stored>,
    log: Vec<String>,
    /// Where in the log a name appears first.
    first: BTreeMap<String, usize>,
    made: u64,
    /// Tokens of creates, and what they made.
    tokens: BTreeMap<CreateToken, String>,
}

#[derive(Clone)]
struct Stored {
    series: Arc<Series>,
    revision: u64,
    receipt: Option<Arc<Receipt>>,
    /// Left by the first step of a create.
    token: Option<CreateToken>,
    created: i64,
    modified: i64,
    access: Access,
}

impl Model {
    pub(crate) fn new(side: Side, manners: Manners, clock: Arc<SimClock>) -> Model {
        Model { shared: Arc::new(Shared { side, manners, clock, state: Mutex::default() }) }
    }

    fn with<T>(&self, act: impl FnOnce(&Shared, &mut State) -> T) -> T {
        let mut state = self.shared.lock();
        act(&self.shared, &mut state)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.at_server(self.manners.skew).timestamp()
    }

    /// The series as this server holds it.
    fn hold(&self, series: &mut Series) {
        if !self.manners.unheld.is_empty() {
            blank(&mut series.event, self.manners.unheld);
            for over in series.overrides.values_mut() {
                if let Override::Changed(overlay) = over {
                    let held = |field: Field| !self.manners.unheld.contains(&field);
                    let kept = calsync_core::model::Overlay::default().diff(overlay).only(held);
                    let mut bare = calsync_core::model::Overlay::default();
                    kept.apply(&mut bare);
                    *overlay = bare;
                }
            }
        }
        if self.manners.lossy {
            let capitals = |text: &mut String| {
                if text.bytes().any(|b| b.is_ascii_lowercase()) {
                    *text = text.to_uppercase();
                }
            };
            capitals(&mut series.event.place);
            without_seconds(&mut series.event.span);
            for over in series.overrides.values_mut() {
                if let Override::Changed(overlay) = over {
                    overlay.place.iter_mut().for_each(capitals);
                    overlay.span.iter_mut().for_each(without_seconds);
                }
            }
        }
        // What the rule no longer has is gone with its exception.
        if let (Some(recurrence), false) = (&series.recurrence, series.overrides.is_empty()) {
            let start = &series.event.span.start;
            let (from, zone) = (start.local(), start.zone());
            series.overrides.retain(|key, _| recurrence.rule.contains(from, zone, key.local()));
        }
        // An instance that says what the master says is none that differs.
        if !series.overrides.is_empty() {
            let master = series.event.clone();
            series.overrides.retain(|_, over| match over {
                Override::Cancelled => true,
                Override::Changed(overlay) => !overlay.is_empty() && master.with(overlay) != master,
            });
        }
    }
}

fn blank(event: &mut Event, unheld: &[Field]) {
    let nothing = Event::new("", event.span.clone());
    event.diff(&nothing).only(|field| unheld.contains(&field)).apply(event);
}

fn without_seconds(span: &mut Span) {
    for when in [&mut span.start, &mut span.end] {
        if let When::Zoned { local, .. } = when
            && local.second() != 0
        {
            *local = local.with_second(0).unwrap_or(*local);
        }
    }
}

impl Content {
    fn note(&mut self, key: &str) {
        let at = self.log.len();
        self.first.entry(key.to_owned()).or_insert(at);
        self.log.push(key.to_owned());
    }

    fn insert(&mut self, side: Side, stored: Stored) -> String {
        self.made += 1;
        let key = format!("{}{}", if side == Side::A { 'a' } else { 'b' }, self.made);
        self.items.insert(key.clone(), stored);
        self.note(&key);
        key
    }

    fn standing(&self, key: &str) -> Option<Standing> {
        self.items.get(key).map(|stored| stored.standing(key))
    }

    fn item(&self, key: &str) -> Option<Item> {
        let stored = self.items.get(key)?;
        Some(Item {
            key: ItemKey::new(key),
            revision: Revision::new(stored.revision.to_string()),
            series: stored.series.as_ref().clone(),
            receipt: stored.receipt.as_deref().cloned(),
            created: chrono::DateTime::from_timestamp(stored.created, 0),
            modified: chrono::DateTime::from_timestamp(stored.modified, 0),
            access: stored.access,
        })
    }
}

impl Stored {
    fn standing(&self, key: &str) -> Standing {
        Standing {
            key: key.to_owned(),
            revision: self.revision,
            series: Arc::clone(&self.series),
            receipt: self.receipt.clone(),
            access: self.access,
            composed: false,
        }
    }
}

impl Place for Model {
    fn client(&self) -> Box<dyn CalendarSource> {
        Box::new(Client {
            shared: Arc::clone(&self.shared),
            epoch: Mutex::default(),
            expired: Mutex::default(),
        })
    }

    fn items(&self) -> Vec<Standing> {
        self.with(|_, state| state.now.items.iter().map(|(key, stored)| stored.standing(key)).collect())
    }

    fn item(&self, key: &str) -> Option<Standing> {
        self.with(|_, state| state.now.standing(key))
    }

    fn make(&self, mut series: Series, access: Access) -> String {
        self.with(|shared, state| {
            shared.hold(&mut series);
            let now = shared.now();
            let stored = Stored {
                series: Arc::new(series),
                revision: 1,
                receipt: None,
                token: None,
                created: now,
                modified: now,
                access,
            };
            state.now.insert(shared.side, stored)
        })
    }

    fn edit(&self, key: &str, mut series: Series) {
        self.with(|shared, state| {
            shared.hold(&mut series);
            if let Some(stored) = state.now.items.get_mut(key) {
                stored.series = Arc::new(series);
                stored.revision += 1;
                stored.modified = shared.now();
                state.now.note(key);
            }
        });
    }

    fn bin(&self, key: &str) {
        self.with(|_, state| {
            if let Some(stored) = state.now.items.remove(key) {
                state.now.bin.insert(key.to_owned(), stored);
                state.now.note(key);
            }
        });
    }

    fn binned(&self) -> Vec<Standing> {
        self.with(|_, state| state.now.bin.iter().map(|(key, stored)| stored.standing(key)).collect())
    }

    fn put_back(&self, key: &str, new_name: bool) -> Option<String> {
        self.with(|shared, state| {
            let mut stored = state.now.bin.remove(key)?;
            stored.modified = shared.now();
            stored.revision += 1;
            if new_name || state.now.items.contains_key(key) {
                return Some(state.now.insert(shared.side, stored));
            }
            state.now.items.insert(key.to_owned(), stored);
            state.now.note(key);
            Some(key.to_owned())
        })
    }

    fn comes_back(&self, key: &str) -> Option<String> {
        self.with(|shared, state| {
            let old = state.now.bin.get(key)?.clone();
            Some(state.now.insert(shared.side, old))
        })
    }

    fn copy(&self, key: &str, mut series: Series) -> Option<String> {
        self.with(|shared, state| {
            let original = state.now.items.get(key)?.clone();
            shared.hold(&mut series);
            let now = shared.now();
            let series = Arc::new(series);
            let copy = Stored { series, revision: 1, created: now, modified: now, ..original };
            Some(state.now.insert(shared.side, copy))
        })
    }

    fn move_out_and_back(&self, key: &str) -> Option<String> {
        self.with(|shared, state| {
            let mut stored = state.now.items.remove(key)?;
            state.now.note(key);
            stored.modified = shared.now();
            Some(state.now.insert(shared.side, stored))
        })
    }

    fn expire(&self) {
        self.with(|_, state| state.generation += 1);
    }

    fn backup(&self) -> usize {
        self.with(|_, state| {
            state.backups.push(state.now.clone());
            state.backups.len() - 1
        })
    }

    fn restore(&self, backup: usize) {
        self.with(|_, state| {
            if let Some(content) = state.backups.get(backup).cloned() {
                state.now = content;
                state.epoch += 1;
                state.generation += 1;
            }
        });
    }

    fn leave_half_made(&self, on: bool) {
        self.with(|_, state| state.half = on);
    }

    fn as_held(&self, mut series: Series) -> Series {
        self.shared.hold(&mut series);
        series
    }
}

/// One process that speaks to the calendar system.
struct Client {
    shared: Arc<Shared>,
    /// The epoch of what was read last, where the server has such.
    epoch: Mutex<Option<u64>>,
    /// The epoch of a token that had expired, until the feed was read from its beginning.
    expired: Mutex<Option<u64>>,
}

impl Client {
    fn same_epoch(&self, state: &State, doing: &'static str) -> Result<(), SourceError> {
        let known = *self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.manners.has_epoch && known.is_some_and(|known| known != state.epoch) {
            return Err(SourceError::new(doing, SourceErrorKind::WentBack));
        }
        Ok(())
    }

    fn seen(state: &State, key: &str) -> Seen {
        state.now.item(key).map_or(Seen::Absent, |item| Seen::Present(Box::new(item)))
    }

    fn create(&self, state: &mut State, write: &Write, token: &CreateToken, series: &Series) -> WriteOutcome {
        let Shared { side, manners, .. } = self.shared.as_ref();
        if manners.remembers_tokens
            && let Some(key) = state.now.tokens.get(token)
        {
            let key = key.clone();
            return if state.now.items.contains_key(&key) {
                self.answer(state, &key)
            } else {
                refused(SourceErrorKind::Missing)
            };
        }
        let mut held = series.clone();
        if manners.own_uids {
            held.uid = Uid::new(format!("made-{}{}", state.now.made, state.epoch));
        }
        let half = manners.two_steps && std::mem::take(&mut state.half);
        if half {
            // The master is made at once, the occurrences and the receipt follow.
            held.overrides.clear();
        }
        self.shared.hold(&mut held);
        let now = self.shared.now();
        // The client completes it where the server gives UIDs of its own.
        let receipt = Receipt { own_uid: Receipt::uid_of(&held), ..write.receipt.clone() };
        let stored = Stored {
            series: Arc::new(held),
            revision: 1,
            receipt: (!half).then(|| Arc::new(receipt)),
            token: Some(token.clone()),
            created: now,
            modified: now,
            access: Access::Full,
        };
        let key = state.now.insert(*side, stored);
        // Not those that carry it along: copies, and what was moved.
        state.now.tokens.entry(token.clone()).or_insert_with(|| key.clone());
        if half {
            return WriteOutcome::Unknown(SourceError::new("write", SourceErrorKind::NoAnswer));
        }
        self.answer(state, &key)
    }

    fn answer(&self, state: &State, key: &str) -> WriteOutcome {
        let Some(item) = state.now.item(key) else { return refused(SourceErrorKind::Missing) };
        WriteOutcome::Applied(if self.shared.manners.returns_items {
            Applied::Item(Box::new(item))
        } else {
            Applied::Stored { key: item.key, revision: item.revision }
        })
    }

    fn carry_out(&self, state: &mut State, write: &Write) -> WriteOutcome {
        match &write.op {
            WriteOp::Create { token, series } => self.create(state, write, token, series),
            WriteOp::Update { key, expected, patch, .. } => {
                let Some(stored) = state.now.items.get_mut(key.as_str()) else {
                    return refused(SourceErrorKind::Missing);
                };
                if stored.revision.to_string() != expected.as_str() && !planted(Defect::UpdateUnconditional) {
                    return refused(SourceErrorKind::Stale);
                }
                let mut series = patch.apply(&stored.series);
                self.shared.hold(&mut series);
                stored.series = Arc::new(series);
                stored.receipt = Some(Arc::new(write.receipt.clone()));
                stored.token = Some(write.receipt.token.clone());
                stored.revision += 1;
                stored.modified = self.shared.now();
                state.now.note(key.as_str());
                self.answer(state, key.as_str())
            }
            WriteOp::Delete { key, expected } => {
                let Some(stored) = state.now.items.get(key.as_str()) else {
                    return refused(SourceErrorKind::Missing);
                };
                if stored.revision.to_string() != expected.as_str() && !planted(Defect::DeleteUnconditional) {
                    return refused(SourceErrorKind::Stale);
                }
                if let Some(stored) = state.now.items.remove(key.as_str()) {
                    state.now.bin.insert(key.as_str().to_owned(), stored);
                }
                state.now.note(key.as_str());
                WriteOutcome::Applied(Applied::Deleted)
            }
        }
    }
}

fn refused(kind: SourceErrorKind) -> WriteOutcome {
    WriteOutcome::Refused(SourceError::new("write", kind))
}

/// Epoch, generation and place in the log.
fn token_of(text: &str) -> Option<(u64, u64, usize)> {
    let mut parts = text.split(':');
    let mut number = || parts.next()?.parse::<u64>().ok();
    Some((number()?, number()?, usize::try_from(number()?).ok()?))
}

#[async_trait]
impl CalendarSource for Client {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kept_uid: if self.shared.manners.own_uids { 0 } else { usize::MAX },
            batch: self.shared.manners.batch,
            unheld: self.shared.manners.unheld,
            marks: false,
            sentinel: false,
        }
    }

    fn fit(&self, _: &CalendarKey, _: &Series) -> Fit {
        Fit::Whole
    }

    async fn changes(&self, _: &CalendarKey, since: Option<&ChangeToken>) -> Result<ChangePage, SourceError> {
        let state = self.shared.lock();
        let error = |kind| Err(SourceError::new("read change feed", kind));
        let expired = self.expired.lock().unwrap_or_else(PoisonError::into_inner).take();
        let beginning = (expired.unwrap_or(state.epoch), state.generation, 0);
        let (epoch, generation, from) = since.and_then(|token| token_of(token.as_str())).unwrap_or(beginning);
        if self.shared.manners.has_epoch && epoch != state.epoch {
            return error(SourceErrorKind::WentBack);
        }
        if generation != state.generation {
            *self.expired.lock().unwrap_or_else(PoisonError::into_inner) = Some(epoch);
            return error(SourceErrorKind::TokenExpired);
        }
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.epoch);
        let log = &state.now.log;
        let to = (from + self.shared.manners.page).min(log.len());
        let given = |key: &String| {
            state.now.items.contains_key(key) || state.now.first.get(key).is_some_and(|first| *first < from)
        };
        let entries = log.get(from..to).unwrap_or_default().iter().filter(|key| given(key));
        Ok(ChangePage {
            entries: entries
                .map(|key| ChangeEntry {
                    key: ItemKey::new(key),
                    revision: state
                        .now
                        .items
                        .get(key)
                        .map(|stored| Revision::new(stored.revision.to_string())),
                })
                .collect(),
            next: ChangeToken::new(format!("{}:{generation}:{to}", state.epoch)),
            more: to < log.len(),
            server_time: self
                .shared
                .manners
                .tells_time
                .then(|| self.shared.clock.at_server(self.shared.manners.skew)),
        })
    }

    async fn fetch(&self, _: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError> {
        let state = self.shared.lock();
        self.same_epoch(&state, "read items")?;
        Ok(keys.iter().map(|key| Client::seen(&state, key.as_str())).collect())
    }

    async fn find_created(&self, _: &CalendarKey, tokens: &[CreateToken]) -> Result<Vec<Seen>, SourceError> {
        let state = self.shared.lock();
        self.same_epoch(&state, "find items")?;
        let oldest = |token: &CreateToken| {
            let carries = state.now.items.iter().filter(|(_, stored)| stored.token.as_ref() == Some(token));
            carries.min_by_key(|(key, stored)| (stored.created, key.len(), *key)).map(|(key, _)| key)
        };
        Ok(tokens
            .iter()
            .map(|token| oldest(token).map_or(Seen::Absent, |key| Client::seen(&state, key)))
            .collect())
    }

    async fn apply(&self, _: &CalendarKey, writes: &[Recorded<Write>], _: &dyn Files) -> Vec<WriteOutcome> {
        let mut state = self.shared.lock();
        writes
            .iter()
            .map(|write| match self.same_epoch(&state, "write") {
                Ok(()) => self.carry_out(&mut state, write.get()),
                Err(error) => WriteOutcome::Refused(error),
            })
            .collect()
    }

    async fn sentinel(&self, _: &CalendarKey) -> Result<Option<Mark>, SourceError> {
        Ok(None)
    }

    async fn set_sentinel(&self, _: &CalendarKey, _: Option<&Mark>, _: &Mark) -> Result<(), SourceError> {
        let kind = SourceErrorKind::Denied("no marks here".to_owned());
        Err(SourceError::new("write the mark of the calendar", kind))
    }

    async fn upkeep(&self, _: &CalendarKey) -> Result<u64, SourceError> {
        Ok(0)
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
