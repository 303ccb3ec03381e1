//! What stands between the engine and a calendar system: requests that do not arrive, answers that are lost, writes that
//! arrive late or twice. Each request waits once before and once after its effect, and there the world may do anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use calsync_core::ids::{CalendarKey, ChangeToken, CreateToken, ItemKey, Side};
use calsync_core::model::{Attachment, Series};
use calsync_core::source::{
    Applied, CalendarSource, Capabilities, ChangeEntry, ChangePage, FileRead, Files, Fit, Mark, NoFiles,
    Receipt, Seen, SourceError, SourceErrorKind, Write, WriteOp, WriteOutcome,
};
use calsync_core::store::Recorded;

use crate::line::Flights;
use crate::place::Standing;
use crate::rng::{Rng, Stream};
use crate::watch::Shared;

/// A client behind a network.
pub(crate) struct Wire {
    side: Side,
    inner: Arc<dyn CalendarSource>,
    /// Whose it is.
    daemon: usize,
    shared: Arc<Shared>,
    /// A full listing is under way.
    lists: AtomicBool,
}

/// Pages up to this length are put out of order by a draw for each comparison; sorting longer ones, as real servers give
/// them, needs one draw for each entry.
const SHORT: usize = 16;

/// What befalls a request.
#[derive(Debug, Clone)]
enum Mishap {
    None,
    Refused(SourceErrorKind),
    Lost,
    Partial(u64),
    Late,
    Twice,
}

impl Wire {
    pub(crate) fn new(side: Side, daemon: usize, shared: Arc<Shared>) -> Wire {
        let inner = Arc::from(shared.places.get(side).client());
        Wire { side, inner, daemon, shared, lists: AtomicBool::new(false) }
    }

    /// A request leaves; says what befalls it, and gives what else is to be drawn for it.
    async fn leaves(&self, what: &'static str, writes: bool) -> (Mishap, Option<Rng>) {
        let drawn = {
            let mut watch = self.shared.watch();
            watch.requests += 1;
            watch.round().requests += 1;
            let number = watch.requests;
            let at_rest = watch.at_rest;
            drop(watch);
            if at_rest { None } else { self.shared.draw(Stream::Request, number) }
        };
        self.shared.pause().await;
        let Some(mut rng) = drawn else {
            self.shared.say(format_args!("{}: {what}", self.side));
            return (Mishap::None, None);
        };
        if self.shared.real {
            // On the line it is, and only there.
            self.shared.say(format_args!("{}: {what}", self.side));
            return (Mishap::None, Some(rng));
        }
        let mishap = self.mishap(&mut rng, writes);
        let name = match &mishap {
            Mishap::None => None,
            Mishap::Refused(SourceErrorKind::Throttled(_)) => Some("throttled"),
            Mishap::Refused(SourceErrorKind::NoAnswer) => Some("request lost"),
            Mishap::Refused(SourceErrorKind::Denied(_)) => Some("denied"),
            Mishap::Refused(SourceErrorKind::Protocol(_)) => Some("answer not understood"),
            Mishap::Refused(_) => Some("unavailable"),
            Mishap::Lost => Some("answer lost"),
            Mishap::Partial(_) => Some("batch cut off"),
            Mishap::Late => Some("write delayed"),
            Mishap::Twice => Some("write sent twice"),
        };
        self.shared.say(format_args!("{}: {what}", self.side));
        if let Some(name) = name {
            self.shared.fault(name);
        }
        (mishap, Some(rng))
    }

    fn mishap(&self, rng: &mut Rng, writes: bool) -> Mishap {
        let rates = &self.shared.options.rates;
        if rng.chance(rates.refused) {
            return Mishap::Refused(match rng.below(10) {
                0 | 1 => SourceErrorKind::Throttled(Duration::from_secs(60)),
                2 | 3 => SourceErrorKind::NoAnswer,
                4 => SourceErrorKind::Denied("the account is locked".to_owned()),
                5 => SourceErrorKind::Protocol("no such element".to_owned()),
                _ => SourceErrorKind::Unavailable,
            });
        }
        if rng.chance(rates.lost) {
            return Mishap::Lost;
        }
        if writes {
            if rng.chance(rates.partial) {
                return Mishap::Partial(rng.bits());
            }
            if rng.chance(rates.late) {
                return Mishap::Late;
            }
            if rng.chance(rates.twice) {
                return Mishap::Twice;
            }
        }
        Mishap::None
    }

    /// A question leaves, and may be refused at once.
    async fn asks(
        &self,
        what: &'static str,
        doing: &'static str,
    ) -> Result<(Mishap, Option<Rng>), SourceError> {
        match self.leaves(what, false).await {
            (Mishap::Refused(kind), _) => {
                self.answered().await;
                Err(SourceError::new(doing, kind))
            }
            passed => Ok(passed),
        }
    }

    async fn answered(&self) {
        {
            let mut watch = self.shared.watch();
            watch.steps += 1;
            watch.trace(self.side as u64 + 1);
        }
        self.shared.pause().await;
    }

    async fn read<T>(&self, mishap: &Mishap, answer: Result<T, SourceError>) -> Result<T, SourceError> {
        self.answered().await;
        match mishap {
            Mishap::Lost => Err(SourceError::new("read", SourceErrorKind::NoAnswer)),
            _ => answer,
        }
    }

    /// Some items cannot be read.
    fn spoil(&self, rng: Option<Rng>, seen: &mut [Seen]) {
        let rate = self.shared.options.rates.unreadable;
        let (Some(mut rng), true) = (rng, rate > 0) else { return };
        for entry in seen {
            if rng.chance(rate) {
                *entry = Seen::Unreadable("the server stumbles over it".to_owned());
                self.shared.fault("item unreadable");
            }
        }
    }

    /// Entries twice and in any order; full listings that leave something out.
    fn muddle(&self, rng: Option<Rng>, lists: bool, page: &mut ChangePage) {
        let Some(mut rng) = rng else { return };
        let rates = &self.shared.options.rates;
        if rng.chance(rates.muddled) && !page.entries.is_empty() {
            let twice = page.entries.clone();
            page.entries.extend(twice.into_iter().filter(|_| rng.chance(400)));
            let mut drawn =
                |entry: &ChangeEntry| crate::rng::mix(rng.bits() ^ entry.key.as_str().len() as u64);
            if page.entries.len() > SHORT {
                page.entries.sort_by_cached_key(drawn);
            } else {
                page.entries.sort_by_key(|entry| drawn(entry));
            }
            self.shared.fault("feed muddled");
        }
        if !lists && rng.chance(rates.muddled) && rng.chance(200) && self.shared.options.forgets_nothing() {
            let mut watch = self.shared.watch();
            for entry in &mut page.entries {
                // Of what was never read, a feed that says no more than that hides it.
                let known = watch.shown.contains(&(self.side, entry.key.clone()));
                if known && entry.revision.is_some() && rng.chance(500) {
                    entry.revision = None;
                    *watch.faults.entry("feed calls gone what stands").or_default() += 1;
                }
            }
        }
        if lists && rng.chance(rates.short) && page.entries.len() > 1 {
            let keep = usize::try_from(rng.below(page.entries.len() as u64)).unwrap_or_default();
            let (left_out, gone): (Vec<_>, Vec<_>) =
                page.entries.split_off(keep).into_iter().partition(|entry| entry.revision.is_some());
            // It is short of what is there; what it listed before and is gone since it does not hide.
            page.entries.extend(gone);
            for left_out in left_out {
                let item = self.shared.places.get(self.side).item(left_out.key.as_str());
                let mut book = self.shared.book();
                let event = item.as_ref().and_then(|item| book.event_of(&item.series));
                let is_named = item.is_some_and(|item| self.is_named(&item));
                let name = (self.side, left_out.key);
                let unknown = {
                    let watch = self.shared.watch();
                    !is_named && !watch.stored.contains(&name) && !watch.made.contains(&name)
                };
                if let Some(event) = event.and_then(|event| book.event_mut(event)) {
                    event.loose = Some("left out of a full listing");
                    // Nobody can know that it is there: not what it is the same as, nor that it is what was moved.
                    if unknown {
                        event.split = Some("left out of a full listing before it was read");
                    }
                }
            }
            self.shared.fault("listing short");
        }
    }

    /// Whether a receipt in an item of the other side names it: then it is asked for before anything is made of that one.
    fn is_named(&self, item: &Standing) -> bool {
        let others = self.shared.places.get(self.side.other()).items();
        let names = |receipt: &Receipt| receipt.counterpart.as_str() == item.key;
        others.iter().any(|other| other.receipt.as_deref().is_some_and(names))
    }

    /// Carries out writes one by one, each under the eyes of the oracles.
    pub(crate) async fn deliver(
        shared: &Shared,
        side: Side,
        client: &dyn CalendarSource,
        writes: &[Recorded<Write>],
        files: &dyn Files,
    ) -> Vec<WriteOutcome> {
        let mut outcomes = Vec::with_capacity(writes.len());
        for write in writes {
            let before = shared.before_write(side, write.get());
            let outcome = if let Some(refused) = shared.poison(side, write.get(), &before) {
                refused
            } else {
                let mut answers = client.apply(&shared.calendar, std::slice::from_ref(write), files).await;
                answers.pop().unwrap_or_else(unknown)
            };
            if let (WriteOp::Create { .. }, WriteOutcome::Applied(applied)) = (&write.get().op, &outcome)
                && let Some(key) = key_of(applied)
                && !Wire::is_there_twice(shared, side, &key, write.get())
            {
                shared.watch().made.insert((side, key));
            }
            shared.after_write(side, write.get(), &before, &outcome);
            outcomes.push(outcome);
        }
        outcomes
    }

    /// Whether what a create made is there already: of two with one token nobody asks for the second.
    fn is_there_twice(shared: &Shared, side: Side, key: &ItemKey, write: &Write) -> bool {
        let token = |item: &Standing| item.receipt.as_deref().map(|receipt| receipt.token.clone());
        let items = shared.places.get(side).items();
        items
            .iter()
            .any(|item| item.key != key.as_str() && token(item).as_ref() == Some(&write.receipt.token))
    }

    /// Sends writes together, as the engine does: what each of them does is seen on the line.
    async fn send(&self, writes: &[Recorded<Write>], files: &dyn Files) -> Vec<WriteOutcome> {
        let shared = &self.shared;
        let poisoned = |write: &Recorded<Write>| {
            let before = shared.before_write(self.side, write.get());
            shared.poison(self.side, write.get(), &before)
        };
        let mut outcomes: Vec<Option<WriteOutcome>> = writes.iter().map(poisoned).collect();
        let sent: Vec<_> = writes
            .iter()
            .zip(&outcomes)
            .filter(|(_, out)| out.is_none())
            .map(|(write, _)| write.clone())
            .collect();
        let landing = Flights::take_off(shared, self.side, sent.iter().map(|write| write.get().clone()));
        let mut answers = match sent.as_slice() {
            [] => Vec::new(),
            sent => self.inner.apply(&shared.calendar, sent, files).await,
        }
        .into_iter();
        drop(landing);
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_none()) {
            *outcome = answers.next();
        }
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unknown)).collect()
    }

    /// What does the writes later, when they were given up.
    fn late(&self, writes: &[Recorded<Write>]) -> crate::watch::Late {
        let (shared, side, writes) = (Arc::clone(&self.shared), self.side, writes.to_vec());
        let client = Arc::clone(&self.inner);
        // What was decided then is judged by what could be known then.
        let then = {
            let mut watch = self.shared.watch();
            (watch.round().began, watch.first_sync_done)
        };
        let judged_by = |shared: &Shared, (began, first_sync_done): (u64, bool)| {
            let mut watch = shared.watch();
            let before = (watch.round().began, watch.first_sync_done);
            (watch.round().began, watch.first_sync_done) = (began, first_sync_done);
            before
        };
        Box::new(move || {
            let now = judged_by(&shared, then);
            let mut work = std::pin::pin!(Wire::deliver(&shared, side, client.as_ref(), &writes, &NoFiles));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            // A side in memory never waits.
            while work.as_mut().poll(&mut context).is_pending() {}
            judged_by(&shared, now);
        })
    }
}

fn key_of(applied: &Applied) -> Option<ItemKey> {
    match applied {
        Applied::Item(item) => Some(item.key.clone()),
        Applied::Stored { key, .. } => Some(key.clone()),
        Applied::Deleted => None,
    }
}

fn unknown() -> WriteOutcome {
    WriteOutcome::Unknown(SourceError::new("write", SourceErrorKind::NoAnswer))
}

#[async_trait]
impl CalendarSource for Wire {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn fit(&self, calendar: &CalendarKey, series: &Series) -> Fit {
        self.inner.fit(calendar, series)
    }

    async fn changes(
        &self,
        calendar: &CalendarKey,
        since: Option<&ChangeToken>,
    ) -> Result<ChangePage, SourceError> {
        let (mishap, rng) = self.asks("changes", "read change feed").await?;
        let mut page = self.inner.changes(calendar, since).await;
        match &mut page {
            Ok(page) => {
                let lists = since.is_none() || self.lists.load(Ordering::Relaxed);
                self.lists.store(lists && page.more, Ordering::Relaxed);
                self.muddle(rng, lists, page);
            }
            Err(error) if error.kind == SourceErrorKind::TokenExpired => {
                self.shared.branch("token expired, full listing");
            }
            Err(error) if error.kind == SourceErrorKind::WentBack => self.shared.branch("went back"),
            Err(_) => {}
        }
        self.read(&mishap, page).await
    }

    async fn fetch(&self, calendar: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError> {
        let (mishap, rng) = self.asks("fetch", "read items").await?;
        let mut seen = self.inner.fetch(calendar, keys).await;
        if let Ok(seen) = &mut seen {
            self.spoil(rng, seen);
            if !matches!(mishap, Mishap::Lost) {
                let mut watch = self.shared.watch();
                let there =
                    |seen: &Seen| if let Seen::Present(item) = seen { Some(item.key.clone()) } else { None };
                let at = watch.steps;
                watch.read.extend(seen.iter().filter_map(there).map(|key| ((self.side, key), at)));
                watch.shown.extend(seen.iter().filter_map(there).map(|key| (self.side, key)));
                let absent = keys.iter().zip(seen.iter()).filter(|(_, seen)| matches!(seen, Seen::Absent));
                for (key, _) in absent {
                    watch.missed.entry((self.side, key.clone())).or_insert(at);
                }
            }
        }
        self.read(&mishap, seen).await
    }

    async fn find_created(
        &self,
        calendar: &CalendarKey,
        tokens: &[CreateToken],
    ) -> Result<Vec<Seen>, SourceError> {
        let (mishap, rng) = self.asks("find", "find items").await?;
        let mut seen = self.inner.find_created(calendar, tokens).await;
        if let Ok(seen) = &mut seen {
            self.spoil(rng, seen);
            for entry in seen.iter() {
                if let Seen::Present(item) = entry {
                    let half = item.receipt.is_none();
                    self.shared.branch(if half { "found half made" } else { "found by token" });
                }
            }
        }
        self.read(&mishap, seen).await
    }

    async fn sentinel(&self, calendar: &CalendarKey) -> Result<Option<Mark>, SourceError> {
        let (mishap, _) = self.asks("mark", "read the mark of the calendar").await?;
        let mark = self.inner.sentinel(calendar).await;
        self.read(&mishap, mark).await
    }

    async fn set_sentinel(
        &self,
        calendar: &CalendarKey,
        expected: Option<&Mark>,
        new: &Mark,
    ) -> Result<(), SourceError> {
        let (mishap, _) = self.asks("mark", "write the mark of the calendar").await?;
        self.shared.writes(self.daemon, self.side);
        let done = self.inner.set_sentinel(calendar, expected, new).await;
        self.read(&mishap, done).await
    }

    async fn apply(
        &self,
        _: &CalendarKey,
        writes: &[Recorded<Write>],
        files: &dyn Files,
    ) -> Vec<WriteOutcome> {
        let (mishap, rng) = self.leaves("apply", true).await;
        self.shared.writes(self.daemon, self.side);
        let place = self.shared.places.get(self.side);
        if let Some(mut rng) = rng
            && rng.chance(self.shared.options.rates.half)
        {
            place.leave_half_made(true);
        }
        {
            let mut watch = self.shared.watch();
            let taken = writes.iter().any(|write| !watch.poisoned_links.contains(&write.get().link));
            watch.round().applies += u64::from(taken);
        }
        if self.shared.real {
            let outcomes = self.send(writes, files).await;
            place.leave_half_made(false);
            self.answered().await;
            return outcomes;
        }
        let deliver = |writes| Wire::deliver(&self.shared, self.side, self.inner.as_ref(), writes, files);
        let outcomes = match mishap {
            Mishap::None => deliver(writes).await,
            Mishap::Refused(SourceErrorKind::NoAnswer) => writes.iter().map(|_| unknown()).collect(),
            Mishap::Refused(kind) => writes
                .iter()
                .map(|_| WriteOutcome::Refused(SourceError::new("write", kind.clone())))
                .collect(),
            Mishap::Lost => {
                deliver(writes).await;
                writes.iter().map(|_| unknown()).collect()
            }
            Mishap::Partial(draw) => {
                let done = usize::try_from(draw % (writes.len() as u64 + 1)).unwrap_or_default();
                let (now, rest) = writes.split_at_checked(done).unwrap_or((writes, &[]));
                let mut outcomes = deliver(now).await;
                outcomes.extend(rest.iter().map(|_| {
                    if draw & (1 << 40) == 0 {
                        unknown()
                    } else {
                        WriteOutcome::Refused(SourceError::new("write", SourceErrorKind::Unavailable))
                    }
                }));
                outcomes
            }
            Mishap::Late => {
                let late = self.late(writes);
                self.shared.watch().late.push(late);
                writes.iter().map(|_| unknown()).collect()
            }
            Mishap::Twice => {
                let outcomes = deliver(writes).await;
                deliver(writes).await;
                outcomes
            }
        };
        place.leave_half_made(false);
        self.answered().await;
        outcomes
    }

    async fn upkeep(&self, calendar: &CalendarKey) -> Result<u64, SourceError> {
        self.shared.writes(self.daemon, self.side);
        self.inner.upkeep(calendar).await
    }

    async fn attachment(
        &self,
        calendar: &CalendarKey,
        key: &ItemKey,
        file: &Attachment,
        max_bytes: u64,
    ) -> Result<FileRead, SourceError> {
        self.inner.attachment(calendar, key, file, max_bytes).await
    }
}
