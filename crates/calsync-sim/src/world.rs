//! The world of one seed: two calendars with people, daemons that keep them in step, and everything that can go wrong.
//!
//! One thread, no runtime: the world decides at every step who acts next, a person, a daemon (which gets as far as its
//! next request), an administrator or mishap. A daemon is the real `calsync_core::drive::sync`, polled by hand; dropping
//! it is a crash.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use calsync_core::drive::{self, Clock, Holder, Pair};
use calsync_core::ids::{ItemKey, PerSide, Side};
use calsync_core::link::Direction;
use calsync_core::source::SourceErrorKind;
use calsync_core::store::StoreError;
use calsync_core::sync::{Action, Failure, Likeness, Reason, RoundReport, Settings};

use crate::book::Book;
use crate::clock::SimClock;
use crate::ground::{Ground, Played};
use crate::line::Line;
use crate::model::Model;
use crate::options::{Mix, Options};
use crate::oracle::names;
use crate::place::{Place, Standing};
use crate::rng::{Rng, Stream};
use crate::shelf::{MemoryVault, Shelf, Vault};
use crate::trial::Script;
use crate::watch::{Late, RoundWatch, Shared};
use crate::wire::Wire;
use crate::words::set_of;

type Running = Pin<Box<dyn Future<Output = Result<RoundReport, StoreError>> + Send>>;

/// A process that keeps the pairing in step.
struct Daemon {
    round: Option<Running>,
    /// Steps before it does anything again.
    sleeps: u64,
    /// The process as others see it.
    holder: Arc<Holder>,
    /// How often it was started again.
    lives: u64,
}

impl Daemon {
    fn new(number: usize) -> Daemon {
        Daemon { round: None, sleeps: 0, holder: holder(number, 0), lives: 0 }
    }
}

fn holder(number: usize, life: u64) -> Arc<Holder> {
    Arc::new(Holder::new(format!("daemon {number}, life {life}"), LONGEST_REQUEST))
}

/// What a daemon takes to be the longest time of a request.
const LONGEST_REQUEST: Duration = Duration::from_secs(60);

/// What stands around the engine, played or real.
pub struct Surroundings {
    /// Both calendar systems.
    pub places: PerSide<Arc<dyn Place>>,
    /// The store.
    pub vault: Arc<dyn Vault>,
    /// What drives the daemons.
    pub ground: Arc<dyn Ground>,
    /// Whether clients send real requests: then places play the mishaps of the network, see [`Place::connect`].
    pub real: bool,
}

/// A seed's world.
pub(crate) struct World {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
    pub(crate) settings: Arc<Settings>,
    vault: Arc<dyn Vault>,
    ground: Arc<dyn Ground>,
    daemons: Vec<Daemon>,
    backups: PerSide<Vec<usize>>,
    store_backups: Vec<usize>,
    /// Words that only a lost store's journal held.
    pub(crate) restored: bool,
}

/// A round that asks more often than this does not end.
const MOST_REQUESTS: u64 = 3_000;

impl World {
    /// The world in memory.
    pub(crate) fn new(seed: u64, mix: Mix, script: Script) -> World {
        let options = Options::draw(seed, mix);
        World::over(seed, options, script, |options, clock| Surroundings {
            places: PerSide::from_fn(|side| {
                let manners = options.manners.get(side).clone();
                Arc::new(Model::new(side, manners, Arc::clone(clock))) as Arc<dyn Place>
            }),
            vault: Arc::new(MemoryVault::default()),
            ground: Arc::new(Played),
            real: false,
        })
    }

    /// A world over any two calendar systems and any store.
    pub(crate) fn over(
        seed: u64,
        options: Options,
        script: Script,
        make: impl FnOnce(&Options, &Arc<SimClock>) -> Surroundings,
    ) -> World {
        let clock = Arc::new(SimClock::new());
        let Surroundings { places, vault, ground, real } = make(&options, &clock);
        let shared = Arc::new(Shared::new(seed, options.clone(), clock, places, real, script));
        for (side, place) in shared.places.iter() {
            place.connect(Line::new(Arc::clone(&shared), side));
        }
        World {
            settings: shared.settings(),
            shared,
            daemons: (0..options.daemons).map(Daemon::new).collect(),
            options,
            vault,
            ground,
            backups: PerSide::default(),
            store_backups: Vec::new(),
            restored: false,
        }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book()
    }

    pub(crate) fn place(&self, side: Side) -> &dyn Place {
        self.shared.places.get(side).as_ref()
    }

    pub(crate) fn say(&self, line: fmt::Arguments<'_>) {
        self.shared.say(line);
    }

    /// How many items of an appointment stand on a side.
    pub(crate) fn items_of(&self, side: Side, event: usize) -> usize {
        let items = self.place(side).items();
        let book = self.book();
        items.iter().filter(|item| book.event_of(&item.series) == Some(event)).count()
    }

    /// Everything that happens before the world comes to rest.
    pub(crate) fn run(&mut self) {
        if let Some(mut rng) = self.shared.draw(Stream::Beginning, 0) {
            self.begin(&mut rng);
        }
        self.backup();
        let end = u64::from(self.options.steps);
        let mut tick = 0;
        while self.shared.watch().steps < end && tick < end * 6 {
            tick += 1;
            self.step(tick);
            if self.shared.watch().violations.len() > 5 {
                break;
            }
        }
    }

    fn step(&mut self, tick: u64) {
        let mut rng = Rng::new(self.shared.seed, Stream::Step, tick);
        self.shared.clock.pass(i64::try_from(rng.below(4)).unwrap_or_default());
        if rng.chance(self.options.tempo) {
            self.shared.watch().steps += 1;
            if let Some(mut rng) = self.shared.draw(Stream::Person, tick) {
                let before = self.shared.watch().steps;
                self.shared.watch().trace(before);
                self.person_acts(&mut rng);
            }
            return;
        }
        if self.options.mix != Mix::Calm
            && let Some(mut rng) = self.shared.draw(Stream::Mishap, tick)
        {
            self.mishaps(&mut rng);
        }
        let daemon = usize::try_from(rng.below(self.daemons.len() as u64)).unwrap_or_default();
        self.poll(daemon);
    }

    /// What happens to the world besides requests.
    fn mishaps(&mut self, rng: &mut Rng) {
        let rates = self.options.rates.clone();
        if rng.chance(rates.crash) {
            let daemon = usize::try_from(rng.below(self.daemons.len() as u64)).unwrap_or_default();
            if self.daemons.get(daemon).is_some_and(|daemon| daemon.round.is_some()) {
                self.shared.fault("crash");
                self.crash(daemon);
            }
        }
        if rng.chance(30) {
            let late = {
                let mut watch = self.shared.watch();
                if watch.late.is_empty() { None } else { Some(watch.late.remove(0)) }
            };
            if let Some(late) = late {
                self.arrives(late);
            }
        }
        if rng.chance(rates.expired) {
            let side = if rng.chance(500) { Side::A } else { Side::B };
            self.shared.fault("tokens expired");
            self.place(side).expire();
        }
        if rng.chance(rates.clock) {
            self.shared.fault("clock jumps");
            let wrong = i64::try_from(rng.below(7200)).unwrap_or_default() - 3600;
            self.shared.clock.set_wrong(wrong);
        }
        if rng.chance(rates.stall)
            && let Some(daemon) = self.any_daemon(rng)
            && daemon.round.is_some()
        {
            daemon.sleeps = 60;
            self.shared.fault("daemon stalls");
            self.shared.clock.pass(3600);
        }
        self.going_back(rng);
    }

    /// A write that was given up arrives after all.
    fn arrives(&self, late: Late) {
        self.shared.fault("late write arrives");
        late();
    }

    fn any_daemon(&mut self, rng: &mut Rng) -> Option<&mut Daemon> {
        let number = if self.daemons.len() > 1 { rng.below(self.daemons.len() as u64) } else { 0 };
        self.daemons.get_mut(usize::try_from(number).ok()?)
    }

    fn backup(&mut self) {
        for side in Side::BOTH {
            if *self.options.rates.restore_side.get(side) > 0 {
                let backup = self.place(side).backup();
                self.backups.get_mut(side).push(backup);
            }
        }
        if self.options.rates.restore_store > 0 {
            self.store_backups.push(self.vault.backup());
        }
    }

    /// Backups are made and needed.
    fn going_back(&mut self, rng: &mut Rng) {
        let rates = self.options.rates.clone();
        if rng.chance(20) {
            self.backup();
        }
        for side in Side::BOTH {
            if rng.chance(*rates.restore_side.get(side))
                && let Some(backup) = rng.pick(self.backups.get(side))
            {
                self.restore_side(side, backup);
            }
        }
        if rng.chance(rates.restore_store)
            && let Some(backup) = rng.pick(&self.store_backups)
        {
            self.shared.fault("store goes back");
            self.crash_all();
            self.vault.restore(Some(backup));
            self.shared.watch().granted = None;
            self.shared.watch().first_sync_done &= self.head().first_sync_done;
            self.memory_is_lost();
            self.restored = true;
        }
        if rng.chance(rates.lose_store) {
            self.shared.fault("store lost");
            self.crash_all();
            self.vault.restore(None);
            self.shared.watch().granted = None;
            self.shared.watch().first_sync_done = false;
            self.restored = true;
            self.memory_is_lost();
        }
    }

    /// The store does not know any more what it knew. Two that were the same by subject and time, and that nobody had to write
    /// to, have no receipt and two UIDs: where they differ by now, nothing says that they are one.
    pub(crate) fn memory_is_lost(&self) {
        self.shared.watch().stored = self.links().iter().flat_map(names).collect();
        let [a, b] = [Side::A, Side::B].map(|side| self.place(side).items());
        let names = |item: &Standing, other: &Standing| {
            let key = ItemKey::new(other.key.as_str());
            item.receipt.as_deref().is_some_and(|receipt| receipt.names(&key, Some(&other.series)))
        };
        let settings = self.shared.settings();
        let mut book = self.book();
        for (a, b) in a.iter().flat_map(|a| b.iter().map(move |b| (a, b))) {
            let event = book.event_of(&a.series);
            let same = event.is_some() && event == book.event_of(&b.series);
            let (mine, theirs) = (&a.series, &b.series);
            let received = names(a, b) || names(b, a);
            let alike = mine.is_at_the_time_of(theirs) && mine.event.subject == theirs.event.subject;
            if let Some(event) = event.filter(|_| same && !received).and_then(|event| book.event_mut(event))
                && event.alike
            {
                if mine.uid != theirs.uid && !alike {
                    event.split = Some("known as the same by the store alone, which was lost");
                } else if mine.event != theirs.event && settings.direction != Direction::Both {
                    event.loose = Some("other from the beginning, and one way");
                }
            }
        }
    }

    fn restore_side(&mut self, side: Side, backup: usize) {
        self.shared.fault(if side == Side::A { "A goes back" } else { "B goes back" });
        self.restored = true;
        let before = self.place(side).items();
        self.place(side).restore(backup);
        let after = self.place(side).items();
        let shown: BTreeSet<_> = after
            .iter()
            .chain(&self.place(side.other()).items())
            .flat_map(|item| set_of(&item.series))
            .collect();
        let lost: BTreeSet<_> = before
            .iter()
            .flat_map(|item| set_of(&item.series))
            .filter(|word| !shown.contains(word))
            .collect();
        let stands: BTreeSet<_> = after.iter().flat_map(|item| set_of(&item.series)).collect();
        let mut book = self.book();
        book.forget(&lost);
        for word in before.iter().flat_map(|item| set_of(&item.series)) {
            if let Some(told) = book.told.get_mut(&word).filter(|_| !stands.contains(&word)) {
                told.only_on = Some(side.other());
            }
        }
        let events = |items: &[crate::place::Standing]| -> BTreeSet<usize> {
            items.iter().filter_map(|item| book.event_of(&item.series)).collect()
        };
        let (had, has) = (events(&before), events(&after));
        drop(book);
        let mut watch = self.shared.watch();
        let at = watch.steps;
        for event in has.difference(&had) {
            watch.came.insert((side, *event), at);
        }
        for event in had.difference(&has) {
            watch.taken.insert((side, *event));
        }
        for event in &has {
            watch.taken.remove(&(side, *event));
        }
    }

    fn crash_all(&mut self) {
        for daemon in 0..self.daemons.len() {
            self.crash(daemon);
        }
    }

    fn crash(&mut self, number: usize) {
        let alone = self.daemons.len() == 1;
        if let Some(daemon) = self.daemons.get_mut(number) {
            daemon.round = None;
            daemon.sleeps = 5;
            if alone {
                self.vault.abandoned();
            }
            // One that is alone has the lock of the state directory: that tells it that its former life has ended.
            if !alone {
                daemon.lives += 1;
                daemon.holder = holder(number, daemon.lives);
            }
        }
    }

    /// A daemon gets as far as its next request.
    fn poll(&mut self, number: usize) {
        let Some(daemon) = self.daemons.get_mut(number) else { return };
        if daemon.sleeps > 0 {
            daemon.sleeps -= 1;
            self.shared.clock.pass(20);
            return;
        }
        self.shared.watch().daemon = number;
        if daemon.round.is_none() {
            let holder = Arc::clone(&daemon.holder);
            let round = self.new_round(number, holder);
            self.begin_round(number);
            if let Some(daemon) = self.daemons.get_mut(number) {
                daemon.round = Some(round);
            }
        }
        if let Some(Ok(report)) = self.poll_round(number) {
            self.read_report(&report);
        }
    }

    fn poll_round(&mut self, number: usize) -> Option<Result<RoundReport, StoreError>> {
        let daemon = self.daemons.get_mut(number)?;
        let round = daemon.round.as_mut()?;
        let mut polled = Poll::Pending;
        let (shared, ground) = (&self.shared, &self.ground);
        ground.turn(&mut |context: &mut Context<'_>| {
            polled = round.as_mut().poll(context);
            polled.is_ready() || shared.has_paused()
        });
        let requests = self.shared.watch().round().requests;
        if requests > MOST_REQUESTS {
            daemon.round = None;
            self.shared.violated("I21", format!("a round asked {requests} times and did not end"));
            return None;
        }
        let Poll::Ready(ended) = polled else { return None };
        daemon.round = None;
        daemon.sleeps = 8;
        self.round_ended();
        if let Err(error) = &ended {
            self.say(format_args!("daemon {number}: the round ends: {error}"));
        }
        Some(ended)
    }

    fn begin_round(&mut self, number: usize) {
        // What one side deleted and the other has is linked until that is carried; what both did, until that is seen.
        let store = self.store();
        let known = self.wait(store.counts(&self.shared.pairing)).map_or(0, |counts| counts.linked);
        let linked = self.shared.linked().max(known);
        let standing = PerSide::from_fn(|side| linked.max(self.place(side).items().len() as u64));
        let mut watch = self.shared.watch();
        let began = watch.steps;
        watch.rounds.insert(number, RoundWatch { began, standing, ..RoundWatch::default() });
        watch.say(format_args!("daemon {number}: a round begins"));
    }

    /// The real engine over this world.
    fn new_round(&self, number: usize, holder: Arc<Holder>) -> Running {
        let shared = Arc::clone(&self.shared);
        let settings = shared.settings();
        let store = self.vault.store();
        Box::pin(async move {
            let wires = PerSide::from_fn(|side| Wire::new(side, number, Arc::clone(&shared)));
            let disk = Shelf::new(store, number, Arc::clone(&shared));
            let pair = Pair {
                id: &shared.pairing,
                sources: PerSide { a: &wires.a, b: &wires.b },
                calendars: PerSide { a: &shared.calendar, b: &shared.calendar },
                settings: &settings,
            };
            drive::sync(pair, &disk, shared.clock.as_ref(), &holder).await
        })
    }

    /// I15: not more deletions than can be meant.
    fn round_ended(&self) {
        let settings = self.shared.settings();
        let round = self.shared.watch().round().clone();
        for (side, deletes) in round.deletes.iter() {
            let linked = round.standing.get(side);
            if *deletes > settings.guard.count && deletes * 100 > linked * settings.guard.percent {
                self.shared.violated(
                    "I15",
                    format!("a round made {deletes} deletions on {side} of {linked} appointments"),
                );
            }
        }
    }

    /// What a round says of itself: the branches it took, and that it names nobody's appointments.
    pub(crate) fn read_report(&self, report: &RoundReport) {
        for step in &report.plan.steps {
            let name = match (&step.action, &step.reason) {
                (_, Reason::SameAppointment(Likeness::Receipt)) => "paired by receipt",
                (_, Reason::SameAppointment(Likeness::Uid)) => "paired by UID",
                (_, Reason::SameAppointment(Likeness::Content)) => "paired by content",
                (_, Reason::TooManyDeletions(_)) => "guard held",
                (_, Reason::CameBack(_)) => "came back",
                (_, Reason::OurDouble(_)) => "double held",
                (_, Reason::EditBeatsDeletion(_)) => "edit beat deletion",
                (_, Reason::DeletionBeatsEdit(_)) => "deletion beat edit",
                (_, Reason::Reverted(_)) => "taken back",
                (_, Reason::LeftScope(..)) => "left the scope",
                (_, Reason::RulesChanged) => "rules or window changed",
                (Action::Hold, Reason::Conflict) => "conflict held",
                _ => continue,
            };
            self.shared.branch(name);
        }
        if report.conflicts > 0 {
            self.shared.branch("conflict");
        }
        match &report.failure {
            Some(Failure::Source { kind: SourceErrorKind::WentBack, .. }) => {
                self.shared.branch("paused after a restore");
            }
            Some(Failure::WrongReply) => self.shared.violated("I29", "wrong reply".to_owned()),
            Some(_) => self.shared.branch("round ended by a side"),
            None => {
                let mut watch = self.shared.watch();
                watch.ended = watch.steps;
                watch.decided = watch.round().began;
            }
        }
        if self.shared.watch().script.is_some() {
            self.say(format_args!(
                "the round ends: {:?}, held {}, failing {}",
                report.failure, report.held, report.failing
            ));
            for step in &report.plan.steps {
                self.say(format_args!("   {step}"));
            }
        }
        for failure in &report.failures {
            let mut named = false;
            crate::words::text(&failure.why, &mut |_| named = true);
            if named {
                self.shared.violated("I27", "an error names an appointment".to_owned());
            }
        }
    }

    /// A round from beginning to end, with nothing in between.
    pub(crate) fn quiet_round(&mut self) -> (Option<RoundReport>, RoundWatch) {
        self.quiet_round_after(false)
    }

    fn quiet_round_after(&mut self, waited: bool) -> (Option<RoundReport>, RoundWatch) {
        self.shared.watch().daemon = 0;
        let Some(holder) = self.daemons.first().map(|daemon| Arc::clone(&daemon.holder)) else {
            return (None, RoundWatch::default());
        };
        let round = self.new_round(0, holder);
        self.begin_round(0);
        if let Some(daemon) = self.daemons.first_mut() {
            daemon.round = Some(round);
        }
        while self.daemons.first().is_some_and(|daemon| daemon.round.is_some()) {
            if let Some(ended) = self.poll_round(0) {
                let watch = self.shared.watch().round().clone();
                let report = match ended {
                    Ok(report) => Some(report),
                    Err(StoreError::Leased { remains, .. }) if !waited => {
                        // Of a daemon that died over it.
                        self.shared.clock.pass(i64::try_from(remains.as_secs()).unwrap_or_default());
                        return self.quiet_round_after(true);
                    }
                    Err(error) => {
                        self.shared.violated("I29", format!("a quiet round failed: {error}"));
                        None
                    }
                };
                if let Some(report) = &report {
                    self.read_report(report);
                }
                return (report, watch);
            }
        }
        (None, self.shared.watch().round().clone())
    }

    /// What a round would do now.
    pub(crate) fn plan(&self) -> Option<RoundReport> {
        let shared = &self.shared;
        let settings = shared.settings();
        let store = self.vault.store();
        let clients = PerSide::from_fn(|side| shared.places.get(side).client());
        let pair = Pair {
            id: &shared.pairing,
            sources: PerSide { a: clients.a.as_ref(), b: clients.b.as_ref() },
            calendars: PerSide { a: &shared.calendar, b: &shared.calendar },
            settings: &settings,
        };
        self.wait(drive::plan(pair, store.as_ref(), shared.clock.as_ref())).ok()
    }

    /// Waits for something that the world does not interrupt.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            let mut polled = Poll::Pending;
            self.ground.turn(&mut |context: &mut Context<'_>| {
                polled = work.as_mut().poll(context);
                polled.is_ready()
            });
            if let Poll::Ready(answer) = polled {
                return answer;
            }
        }
    }

    /// No more mishaps; what was under way arrives or dies.
    pub(crate) fn come_to_rest(&mut self) {
        if self.options.mix == Mix::Calm {
            for daemon in 0..self.daemons.len() {
                while self.daemons.get(daemon).is_some_and(|daemon| daemon.round.is_some()) {
                    self.poll_round(daemon);
                }
            }
        }
        self.crash_all();
        let late = std::mem::take(&mut self.shared.watch().late);
        for late in late {
            self.arrives(late);
        }
        self.shared.watch().at_rest = true;
        self.shared.clock.set_wrong(0);
        self.say(format_args!("the world comes to rest"));
    }

    pub(crate) fn store(&self) -> Arc<dyn calsync_core::store::StateStore> {
        self.vault.store()
    }

    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        Clock::now(self.shared.clock.as_ref())
    }

    pub(crate) fn set_settings(&mut self, settings: Settings) {
        self.shared.set_settings(settings);
        self.settings = self.shared.settings();
    }
}
