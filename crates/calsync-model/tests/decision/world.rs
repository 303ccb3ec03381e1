//! The whole world of a case: two calendars, the store, the time, and the book of what people did. It can be copied at any
//! moment.

use std::collections::BTreeSet;
use std::sync::Arc;

use calsync_core::drive::{Clock, Pair};
use calsync_core::ids::{CalendarKey, ItemKey, PairingId, PerSide, Side};
use calsync_core::memory::MemoryStore;
use calsync_core::model::Series;
use calsync_core::store::StateStore;
use calsync_core::sync::Settings;
use chrono::{DateTime, Duration, TimeZone, Utc};

use super::calendar::Calendar;
use super::people::{Act, Deed, carry_out, look, name_of};

#[derive(Clone)]
pub struct World {
    pub sides: PerSide<Calendar>,
    pub store: MemoryStore,
    /// Says what was stored, from the beginning.
    pub store_chain: u64,
    pub now: DateTime<Utc>,
    /// What people did.
    pub deeds: Arc<Vec<Deed>>,
    /// Texts that were to be read on that side in an appointment that was not private.
    public: Arc<BTreeSet<(Side, String)>>,
    /// A write arrived that was sent under a claim that was over.
    pub late: bool,
    /// What was found to be wrong while it happened.
    pub wrong: Vec<String>,
}

/// What tells one world from another.
pub type Fingerprint = (u64, u64, u64, i64);

pub struct Names {
    pub pairing: PairingId,
    pub calendar: CalendarKey,
}

impl Names {
    pub fn new() -> Names {
        Names { pairing: PairingId::new("meier"), calendar: CalendarKey::new("calendar") }
    }
}

impl Clock for World {
    fn now(&self) -> DateTime<Utc> {
        self.now
    }

    fn steady(&self) -> std::time::Duration {
        // Nobody else is there.
        std::time::Duration::ZERO
    }
}

impl World {
    pub fn new() -> World {
        let now = Utc.with_ymd_and_hms(2026, 11, 24, 8, 0, 0).unwrap();
        World {
            sides: PerSide { a: Calendar::new(Side::A, now), b: Calendar::new(Side::B, now) },
            store: MemoryStore::new(),
            store_chain: 0,
            now,
            deeds: Arc::new(Vec::new()),
            public: Arc::new(BTreeSet::new()),
            late: false,
            wrong: Vec::new(),
        }
    }

    pub fn fingerprint(&self) -> Fingerprint {
        let chain = |side: Side| self.sides.get(side).shelf().chain;
        (chain(Side::A), chain(Side::B), self.store_chain, self.now.timestamp())
    }

    pub fn pair<'a>(&'a self, names: &'a Names, settings: &'a Settings) -> Pair<'a> {
        Pair {
            id: &names.pairing,
            sources: PerSide { a: &self.sides.a, b: &self.sides.b },
            calendars: PerSide { a: &names.calendar, b: &names.calendar },
            settings,
        }
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now += Duration::seconds(seconds);
        for side in Side::BOTH {
            self.sides.get(side).shelf().now = self.now + Duration::seconds(1);
        }
    }

    /// Somebody does something; `false` where it cannot be done.
    pub fn act(&mut self, side: Side, act: Act) -> bool {
        let n = self.deeds.len();
        let known = self.is_known(side);
        let mut shelf = self.sides.get(side).shelf();
        // The same time whatever the engine does meanwhile: what people do is in the order of the book.
        let engine = shelf.now;
        shelf.now = self.now + Duration::seconds(10 * (n as i64 + 1));
        let deed = carry_out(&mut shelf, act, n);
        shelf.now = engine;
        let Some(deed) = deed else { return false };
        shelf.chain = super::chain::mix(shelf.chain, "deed", &(n, act));
        drop(shelf);
        let theirs = self.sides.get(side.other()).shelf();
        let same = theirs.items.values().find(|stored| name_of(&stored.series) == deed.name);
        let other = same.map(|stored| look(&stored.series));
        drop(theirs);
        Arc::make_mut(&mut self.deeds).push(Deed { known, other, ..deed });
        self.note_public(side);
        true
    }

    /// Somebody makes this appointment.
    pub fn make(&mut self, side: Side, series: Series) {
        let deed = Deed {
            side,
            act: Act::New,
            name: name_of(&series),
            before: None,
            after: Some(look(&series)),
            known: false,
            other: None,
        };
        let mut shelf = self.sides.get(side).shelf();
        shelf.chain = super::chain::mix(shelf.chain, "make", &deed);
        shelf.insert(series, None);
        drop(shelf);
        Arc::make_mut(&mut self.deeds).push(deed);
        self.note_public(side);
    }

    /// Whether the store has the first appointment of a side as it is, and in step with one of the other.
    fn is_known(&self, side: Side) -> bool {
        let first = self
            .sides
            .get(side)
            .shelf()
            .items
            .iter()
            .next()
            .map(|(key, stored)| (ItemKey::new(key), stored.clone()));
        let Some((key, stored)) = first else { return false };
        let pairing = Names::new().pairing;
        let links = block_on(self.store.links_by_key(&pairing, side, &[key])).unwrap();
        links.iter().any(|link| {
            let shadow = |side: Side| link.halves.get(side).as_ref().and_then(|half| half.shadow.as_ref());
            shadow(side).is_some_and(|shadow| shadow.series == *stored.series)
                && shadow(side.other()).is_some()
        })
    }

    pub fn note_public(&mut self, side: Side) {
        let shelf = self.sides.get(side).shelf();
        for stored in shelf.items.values() {
            if !stored.series.event.sensitivity.is_private() {
                for text in texts(&stored.series) {
                    if !self.public.contains(&(side, text.clone())) {
                        Arc::make_mut(&mut self.public).insert((side, text));
                    }
                }
            }
        }
    }

    /// Whether a text was only ever to be read in private appointments of that side, by whose people it was written.
    pub fn is_secret(&self, side: Side, text: &str) -> bool {
        let wrote = |deed: &Deed| {
            let is_its =
                |look: &Option<super::people::Look>| look.iter().flatten().any(|(_, value)| value == text);
            deed.side == side && is_its(&deed.after) && !is_its(&deed.before)
        };
        // That an instance does not take place is no text.
        !["Privat", "cancelled"].contains(&text)
            && !self.public.contains(&(side, text.to_owned()))
            && self.deeds.iter().any(wrote)
    }
}

/// The texts of an appointment that nobody else writes.
pub fn texts(series: &Series) -> Vec<String> {
    let mut look = look(series);
    look.retain(|field, text| ["subject", "place", "one"].contains(field) && !text.is_empty());
    look.into_values().collect()
}

/// Nothing here ever waits, so polling once is running.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("nothing here waits"),
    }
}
