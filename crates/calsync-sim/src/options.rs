//! What a seed draws before anything happens: the rules of the pairing, how the servers are, how busy people are, what
//! goes wrong and how often. Each seed has some of everything or none of it, so that no fault hides behind another.

use std::collections::BTreeSet;
use std::fmt;

use calsync_core::ids::{PerSide, Side};
use calsync_core::model::Field;
use calsync_core::sync::{
    ConflictPolicy, DeletionGuard, Direction, Filter, Leaving, Mask, Outward, Private, ReadOnlyEdit,
    Settings, Window,
};

use crate::rng::{Rng, Stream};

/// What may happen in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mix {
    /// People only.
    Calm,
    /// Network, crashes, store faults, clock, two daemons.
    Faults,
    /// Sides and store that go back in time or are lost.
    Restores,
    /// Everything.
    All,
}

impl Mix {
    /// Every mix.
    pub const ALL: [Mix; 4] = [Mix::Calm, Mix::Faults, Mix::Restores, Mix::All];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mix::Calm => "calm",
            Mix::Faults => "faults",
            Mix::Restores => "restores",
            Mix::All => "all",
        }
    }

    /// The mix of that name.
    pub fn by_name(name: &str) -> Option<Mix> {
        Mix::ALL.into_iter().find(|mix| mix.name() == name)
    }
}

/// How a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manners {
    /// The most entries of one request.
    pub batch: usize,
    /// The most entries of one page of changes.
    pub page: usize,
    /// Fields that it cannot hold.
    pub unheld: &'static [Field],
    /// Answers writes with the item, or only with its name.
    pub returns_items: bool,
    /// Writes places in capitals and drops seconds.
    pub lossy: bool,
    /// Gives what is created a UID of its own.
    pub own_uids: bool,
    /// Remembers the tokens of creates, and answers a second one with what the first one made.
    pub remembers_tokens: bool,
    /// Says what time it is.
    pub tells_time: bool,
    /// How far its clock is off, in seconds.
    pub skew: i64,
    /// Has an epoch that says that it went back in time.
    pub has_epoch: bool,
    /// Needs two steps for a create, so that one can be left half made.
    pub two_steps: bool,
    /// Holds one category of each appointment.
    pub one_category: bool,
}

/// How often what goes wrong, out of a thousand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rates {
    /// A request is refused before anything was done.
    pub refused: u32,
    /// A request is carried out and the answer is lost.
    pub lost: u32,
    /// Only some entries of a batch are carried out.
    pub partial: u32,
    /// A write arrives long after it was given up.
    pub late: u32,
    /// A write arrives twice.
    pub twice: u32,
    /// Entries of a feed are doubled and out of order, pages are short or empty.
    pub muddled: u32,
    /// A full listing leaves entries out.
    pub short: u32,
    /// An item cannot be read.
    pub unreadable: u32,
    /// A create stops after its first step.
    pub half: u32,
    /// The store refuses before or after it did what it was asked.
    pub store: u32,
    /// The daemon dies; per step.
    pub crash: u32,
    /// A feed forgets how far it was read; per step.
    pub expired: u32,
    /// Our clock jumps; per step.
    pub clock: u32,
    /// A daemon stands still for long; per step.
    pub stall: u32,
    /// A side goes back to a backup; per step.
    pub restore_side: PerSide<u32>,
    /// The store goes back to a backup; per step.
    pub restore_store: u32,
    /// The store is lost; per step.
    pub lose_store: u32,
}

/// What the simulated person does about what waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Nothing.
    Never,
    /// Lets held deletions pass.
    Approves,
}

/// Everything that a seed draws before its run.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// What may happen.
    pub mix: Mix,
    /// The rules of the pairing.
    pub settings: Settings,
    /// How each server is.
    pub manners: PerSide<Manners>,
    /// What goes wrong.
    pub rates: Rates,
    /// How many daemons work on the pairing.
    pub daemons: usize,
    /// How often something is done by a person, out of a thousand steps.
    pub tempo: u32,
    /// How many steps before the world comes to rest.
    pub steps: u32,
    /// Appointments before the first round.
    pub before: u64,
    /// What is done about what waits.
    pub answers: Answers,
    /// A side that refuses some appointments for ever.
    pub poison: Option<Side>,
}

const UNHELD_A: &[&[Field]] = &[&[], &[], &[Field::Meeting], &[Field::Place], &[Field::Notes]];
const UNHELD_B: &[&[Field]] = &[&[], &[], &[Field::Customer, Field::Meeting], &[Field::Categories]];

impl Options {
    /// Whether what was read is remembered for ever: no crash, no failing store, nothing that goes back.
    pub(crate) fn forgets_nothing(&self) -> bool {
        let Rates { store, crash, restore_side, restore_store, lose_store, .. } = &self.rates;
        [*store, *crash, restore_side.a, restore_side.b, *restore_store, *lose_store] == [0; 6]
            && self.daemons == 1
    }

    /// The options of a seed.
    pub fn draw(seed: u64, mix: Mix) -> Options {
        let mut rng = Rng::new(seed, Stream::Options, mix as u64);
        let settings = settings(&mut rng);
        let manners = PerSide::from_fn(|side| manners(side, &mut rng));
        let faults = matches!(mix, Mix::Faults | Mix::All);
        let restores = matches!(mix, Mix::Restores | Mix::All);
        let mut rates = Rates::default();
        if faults {
            network(&mut rates, &mut rng);
        }
        if restores {
            going_back(&mut rates, &mut rng);
        }
        // Drawn apart, so that all else of a seed is the same with one and with two.
        let mut apart = Rng::new(seed, Stream::Options, DAEMONS + mix as u64);
        let daemons = if faults && apart.chance(300) { 2 } else { 1 };
        let answers = if rng.chance(500) { Answers::Approves } else { Answers::Never };
        let (tempo, steps, before) = (rng.between(60, 250), rng.between(180, 420), rng.below(9));
        let poison = (faults && rates.clock == 0 && rng.chance(150)).then_some(if rng.chance(500) {
            Side::A
        } else {
            Side::B
        });
        Options {
            mix,
            settings,
            manners,
            rates,
            daemons,
            tempo: u32::try_from(tempo).unwrap_or(100),
            steps: u32::try_from(steps).unwrap_or(300),
            before,
            answers,
            poison,
        }
    }
}

/// The number of the draw of daemons: behind those of the mixes.
const DAEMONS: u64 = 1 << 32;
/// Whether a restored Exchange can be noticed. The simulated one keeps no mark yet.
const EXCHANGE_GOES_BACK: bool = false;

fn settings(rng: &mut Rng) -> Settings {
    let direction = rng.weighted(&[(7, Direction::Both), (2, Direction::AToB), (2, Direction::BToA)]);
    let conflict = rng.weighted(&[
        (4, ConflictPolicy::Newer),
        (2, ConflictPolicy::Prefer(Side::A)),
        (2, ConflictPolicy::Prefer(Side::B)),
        (2, ConflictPolicy::Hold),
    ]);
    let read_only_edit =
        rng.weighted(&[(3, ReadOnlyEdit::Revert), (1, ReadOnlyEdit::Ignore), (1, ReadOnlyEdit::Report)]);
    let guard = rng.weighted(&[
        (3, DeletionGuard { count: 5, percent: 20 }),
        (2, DeletionGuard { count: 1, percent: 10 }),
        (2, DeletionGuard { count: 3, percent: 100 }),
    ]);
    let leaving = rng.weighted(&[(3, Leaving::Keep), (1, Leaving::Delete), (1, Leaving::Hold)]);
    let outward = PerSide::from_fn(|_| Outward {
        private: rng
            .weighted(&[(4, Private::Pass), (3, Private::Mask), (2, Private::Skip)])
            .unwrap_or_default(),
        mask: Mask(if rng.chance(500) { "Privat".to_owned() } else { "Belegt".to_owned() }),
        filter: if rng.chance(200) {
            Filter { except_categories: BTreeSet::from([LEFT_OUT.to_owned()]), ..Filter::default() }
        } else {
            Filter::default()
        },
        ..Outward::default()
    });
    let window = if rng.chance(250) {
        Window { past_days: Some(20), future_days: Some(40) }
    } else {
        Window::default()
    };
    Settings {
        direction: direction.unwrap_or_default(),
        conflict: conflict.unwrap_or(ConflictPolicy::Newer),
        read_only_edit: read_only_edit.unwrap_or_default(),
        deletion_wins: rng.chance(250),
        guard: guard.unwrap_or(DeletionGuard { count: 5, percent: 20 }),
        lead: if rng.chance(500) { Side::A } else { Side::B },
        outward,
        window,
        leaving: leaving.unwrap_or_default(),
        ..Settings::default()
    }
}

/// The category that a filter leaves out.
pub(crate) const LEFT_OUT: &str = "nicht abgleichen";

fn manners(side: Side, rng: &mut Rng) -> Manners {
    let unheld = match side {
        Side::A => rng.pick(UNHELD_A),
        Side::B => rng.pick(UNHELD_B),
    };
    Manners {
        batch: usize::try_from(rng.between(1, 6)).unwrap_or(3),
        page: usize::try_from(rng.between(1, 8)).unwrap_or(4),
        unheld: unheld.unwrap_or_default(),
        returns_items: rng.chance(if side == Side::A { 700 } else { 200 }),
        lossy: rng.chance(250),
        own_uids: side == Side::B && rng.chance(300),
        remembers_tokens: side == Side::A && rng.chance(700),
        tells_time: rng.chance(700),
        skew: if rng.chance(300) { i64::try_from(rng.below(600)).unwrap_or_default() - 300 } else { 0 },
        has_epoch: side == Side::A,
        two_steps: side == Side::B && rng.chance(300),
        one_category: false,
    }
}

/// Each of these is off in half of the seeds.
fn network(rates: &mut Rates, rng: &mut Rng) {
    let mut some = |most: u64| {
        if rng.chance(500) { 0 } else { u32::try_from(rng.between(1, most)).unwrap_or_default() }
    };
    *rates = Rates {
        refused: some(40),
        lost: some(60),
        partial: some(100),
        late: some(60),
        twice: some(60),
        muddled: some(300),
        short: some(300),
        unreadable: some(30),
        half: some(100),
        store: some(20),
        crash: some(15),
        expired: some(10),
        clock: some(10),
        stall: some(10),
        ..rates.clone()
    };
}

fn going_back(rates: &mut Rates, rng: &mut Rng) {
    let mut some = || if rng.chance(500) { 0 } else { u32::try_from(rng.between(1, 6)).unwrap_or_default() };
    let (a, b) = (some(), some());
    rates.restore_side = PerSide { a, b: if EXCHANGE_GOES_BACK { b } else { 0 } };
    rates.restore_store = some();
    rates.lose_store = some();
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { mix, settings, manners, rates, daemons, tempo, steps, before, answers, poison } = self;
        writeln!(
            f,
            "mix {}, {steps} steps, tempo {tempo}, {before} before, {daemons} daemon(s), {answers:?}",
            mix.name()
        )?;
        let Settings {
            direction, conflict, read_only_edit, deletion_wins, guard, lead, leaving, window, ..
        } = settings;
        writeln!(
            f,
            "{direction:?}, conflicts {conflict:?}, one-way edits {read_only_edit:?}, deletion wins {deletion_wins}, \
             guard {}/{} %, lead {lead}, leaving {leaving:?}, window {:?}/{:?}",
            guard.count, guard.percent, window.past_days, window.future_days
        )?;
        for (side, outward) in settings.outward.iter() {
            let filter = if outward.filter == Filter::default() { "none" } else { "by category" };
            writeln!(f, "{side}: private {:?} as {:?}, filter {filter}", outward.private, outward.mask.0)?;
        }
        for (side, manners) in manners.iter() {
            writeln!(f, "{side}: {manners:?}")?;
        }
        if let Some(side) = poison {
            writeln!(f, "{side} refuses some appointments for ever")?;
        }
        if *rates != Rates::default() {
            writeln!(f, "{rates:?}")?;
        }
        Ok(())
    }
}
