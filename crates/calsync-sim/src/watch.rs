//! What the world remembers of a run besides the calendars: counts, violations, the script, late writes, and what the
//! running rounds have done. Shared by everything that stands between the engine and its world.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use calsync_core::ids::{CalendarKey, ContentHash, ItemKey, LinkId, PairingId, PerSide, Side};
use calsync_core::model::Series;
use calsync_core::source::Receipt;
use calsync_core::store::Fence;
use calsync_core::sync::Settings;

use crate::book::Book;
use crate::clock::SimClock;
use crate::known::{BRANCHES, ELSEWHERE, FAULTS};
use crate::line::Flights;
use crate::options::Options;
use crate::place::Place;
use crate::rng::{Rng, Stream, mix};
use crate::trial::Script;
use crate::words::Word;

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one: `I3`.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}

/// How often something happened, by name.
pub type Counts = BTreeMap<&'static str, u64>;

/// A write that arrives after it was given up: what it does when it arrives.
pub(crate) type Late = Box<dyn FnOnce() + Send>;

/// What a round has done so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct RoundWatch {
    pub(crate) began: u64,
    pub(crate) requests: u64,
    /// Batches of writes, but for those that are refused for ever.
    pub(crate) applies: u64,
    pub(crate) commits: u64,
    pub(crate) deletes: PerSide<u64>,
    /// Items when it began.
    pub(crate) standing: PerSide<u64>,
}

/// A write that a server refused because of what it is.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) content: ContentHash,
    pub(crate) number: u64,
    /// When it was planned, in seconds of our clock.
    pub(crate) planned: i64,
    pub(crate) touched: PerSide<i64>,
    /// The appointment was changed since: the next try is the first one of what it is now.
    pub(crate) outdated: bool,
    /// How often the same was refused until then.
    pub(crate) tries: u32,
    /// How much had gone wrong until then.
    pub(crate) faults: u64,
}

/// A write that the journal holds.
#[derive(Debug, Clone)]
pub(crate) struct Journaled {
    pub(crate) receipt: Receipt,
    pub(crate) before: Option<Series>,
    pub(crate) reason: String,
    /// When it was planned.
    pub(crate) planned: chrono::DateTime<chrono::Utc>,
    /// Whether the round that planned it was the first one.
    pub(crate) first_sync: bool,
}

#[derive(Default)]
pub(crate) struct Watch {
    /// Requests answered and things done by people.
    pub(crate) steps: u64,
    /// Requests so far: the number of the next draw.
    pub(crate) requests: u64,
    pub(crate) faults: Counts,
    pub(crate) branches: Counts,
    pub(crate) exemptions: Counts,
    pub(crate) violations: Vec<Violation>,
    /// Nothing goes wrong any more.
    pub(crate) at_rest: bool,
    /// Both sides were read to the end.
    pub(crate) first_sync_done: bool,
    pub(crate) late: Vec<Late>,
    pub(crate) rounds: BTreeMap<usize, RoundWatch>,
    pub(crate) daemon: usize,
    /// Which daemon was given the pairing last, and with which fence; `None` where the store does not know any more.
    pub(crate) granted: Option<(usize, Fence)>,
    /// When an appointment last appeared on a side.
    pub(crate) came: BTreeMap<(Side, usize), u64>,
    /// Appointments that a restore took from a side.
    pub(crate) taken: BTreeSet<(Side, usize)>,
    /// What the journal was told, whatever becomes of the store.
    /// Link, side and number of a write; after a crash a number may be given to another write.
    pub(crate) journal: BTreeMap<(u64, Side, u64), Vec<Journaled>>,
    /// When something was deleted by the engine, in seconds of our clock.
    pub(crate) deleted: PerSide<Vec<i64>>,
    /// Names of items that the store holds, or held since it was last put back.
    pub(crate) stored: BTreeSet<(Side, ItemKey)>,
    /// Names of items that were read.
    pub(crate) shown: BTreeSet<(Side, ItemKey)>,
    /// At which step an item was last read.
    pub(crate) read: BTreeMap<(Side, ItemKey), u64>,
    /// At which step a daemon was first told that an item is not there.
    pub(crate) missed: BTreeMap<(Side, ItemKey), u64>,
    /// At which step a round last came to its end.
    pub(crate) ended: u64,
    /// At which step the last round that came to its end began: what came before that was seen.
    pub(crate) decided: u64,
    /// Writes that were closed as not carried out.
    pub(crate) given_up: BTreeSet<(u64, Side, u64)>,
    /// Names of items that the engine made, whether or not it was told.
    pub(crate) made: BTreeSet<(Side, ItemKey)>,
    /// Writes whose item a person deleted while their outcome was not stored, and the appointment.
    pub(crate) deleted_open: BTreeMap<(u64, Side, u64), usize>,
    /// What a server refused last.
    pub(crate) refused: BTreeMap<(Side, LinkId), Refused>,
    /// Appointments that a server never takes, and their links.
    pub(crate) poisoned: BTreeSet<usize>,
    pub(crate) poisoned_links: BTreeSet<LinkId>,
    /// What the journal shows: words of an item as it was before a write.
    pub(crate) before_images: BTreeSet<Word>,
    /// What the journal says is lost: by name, or deleted with its item.
    pub(crate) named_lost: BTreeSet<Word>,
    pub(crate) hash: u64,
    pub(crate) script: Option<Vec<String>>,
}

/// What is shared by all that stands around the engine.
pub(crate) struct Shared {
    pub(crate) seed: u64,
    pub(crate) options: Options,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) places: PerSide<Arc<dyn Place>>,
    pub(crate) pairing: PairingId,
    pub(crate) calendar: CalendarKey,
    /// Events that are left out, to find a shorter script.
    pub(crate) without: BTreeSet<(Stream, u64)>,
    /// Clients send real requests: mishaps of the network happen on the line.
    pub(crate) real: bool,
    /// Writes that are under way in real requests.
    pub(crate) flights: Flights,
    /// A daemon has got as far as it gets without the world.
    paused: AtomicBool,
    settings: Mutex<Arc<Settings>>,
    watch: Mutex<Watch>,
    book: Mutex<Book>,
}

impl Shared {
    pub(crate) fn new(
        seed: u64,
        options: Options,
        clock: Arc<SimClock>,
        places: PerSide<Arc<dyn Place>>,
        real: bool,
        script: Script,
    ) -> Shared {
        let Script { without, written } = script;
        let watch = Watch { script: written.then(Vec::new), hash: seed, ..Watch::default() };
        Shared {
            seed,
            settings: Mutex::new(Arc::new(options.settings.clone())),
            options,
            clock,
            places,
            pairing: PairingId::new("world"),
            calendar: CalendarKey::new("calendar"),
            without,
            real,
            flights: Flights::default(),
            paused: AtomicBool::new(false),
            watch: Mutex::new(watch),
            book: Mutex::default(),
        }
    }

    pub(crate) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_settings(&self, settings: Settings) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// Lets the world act once.
    pub(crate) async fn pause(&self) {
        let mut waited = false;
        poll_fn(|_| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            self.paused.store(true, Ordering::Relaxed);
            Poll::Pending
        })
        .await;
    }

    /// Whether a daemon waits for the world since this was asked last.
    pub(crate) fn has_paused(&self) -> bool {
        self.paused.swap(false, Ordering::Relaxed)
    }

    /// A line of the script; part of the trace by which two runs of one seed are compared.
    pub(crate) fn say(&self, line: fmt::Arguments<'_>) {
        let mut watch = self.watch();
        watch.say(line);
    }

    pub(crate) fn violated(&self, invariant: &'static str, what: String) {
        let mut watch = self.watch();
        watch.say(format_args!("!! {invariant}: {what}"));
        // One cause can be seen many times.
        if watch.violations.len() < 20 {
            watch.violations.push(Violation { invariant, what });
        }
    }

    pub(crate) fn fault(&self, name: &'static str) {
        debug_assert!(FAULTS.contains(&name) || ELSEWHERE.contains(&name), "{name}");
        let mut watch = self.watch();
        *watch.faults.entry(name).or_default() += 1;
        watch.say(format_args!("   -- {name}"));
    }

    pub(crate) fn branch(&self, name: &'static str) {
        debug_assert!(BRANCHES.contains(&name), "{name}");
        *self.watch().branches.entry(name).or_default() += 1;
    }

    pub(crate) fn exempt(&self, name: &'static str) {
        *self.watch().exemptions.entry(name).or_default() += 1;
    }

    /// The draws of one event, unless it is left out.
    pub(crate) fn draw(&self, stream: Stream, number: u64) -> Option<Rng> {
        (!self.without.contains(&(stream, number))).then(|| Rng::new(self.seed, stream, number))
    }
}

impl Watch {
    pub(crate) fn say(&mut self, line: fmt::Arguments<'_>) {
        if let Some(script) = &mut self.script {
            script.push(format!("{:>5} {line}", self.steps));
        }
    }

    /// Takes something that happened into the trace.
    pub(crate) fn trace(&mut self, what: u64) {
        self.hash = mix(self.hash ^ what).wrapping_add(self.steps);
    }

    pub(crate) fn round(&mut self) -> &mut RoundWatch {
        self.rounds.entry(self.daemon).or_default()
    }
}
