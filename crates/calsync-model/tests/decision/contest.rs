//! Two processes on one link: everything that they, the people and the faults can do, in every order.
//!
//! A state is the world, with what each process learned and is about to ask for, and what may still happen. States that
//! went through the same are the same, so orders that make no difference are tried once.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use calsync_core::ids::Side;
use calsync_core::store::StateStore;
use calsync_core::sync::Settings;

use super::judge::heal;
use super::people::Act;
use super::rules::Rules;
use super::starts::Start;
use super::worker::{Step, Worker};
use super::world::{Names, World, block_on};

/// What may happen, and what is taken out on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Deeds of people.
    pub deeds: usize,
    /// Crashes, lost writes and answers, and pauses for longer than the lease.
    pub faults: usize,
    /// Rounds that are begun, by either process.
    pub rounds: usize,
    /// What becomes of a process that was paused for longer than its lease, and whose place another took.
    pub late: Late,
    /// Everything that is stored names the fence of the claim under which it is stored.
    pub fenced: bool,
}

/// A process goes on that was overtaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// It sees by its clock what happened, before its next request. That the clock is right is shown in `lease.rs`.
    Ends,
    /// It does not see it, and must not write.
    Wrong,
    /// It does not see it: its clock stood still meanwhile, or what it was about to send was held up on the way. What it
    /// journaled before arrives, and nothing may be lost by that.
    Arrives,
}

/// What people do here: enough for an edit, a deletion and a new one to meet.
const ACTS: [Act; 3] = [Act::Subject, Act::Delete, Act::New];

#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// Different states.
    pub states: u64,
    /// Steps between them.
    pub steps: u64,
    /// States in which nobody worked, healed and judged.
    pub judged: u64,
    /// Claims upon a process that was paused.
    pub overtaken: u64,
    /// Writes that were sent under a claim that was over.
    pub late: u64,
    /// Journal entries and commits that the store refused.
    pub refused: u64,
}

/// Something that can happen in a state.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A process claims the pairing and begins a round. Whoever had it is dead, or paused.
    Start(usize),
    /// A process carries out its next request.
    Step(usize),
    /// Somebody does something, before the process carries out its next request.
    Deed(usize, Side, Act),
    /// The write does not arrive, or its answer does not.
    Lost(usize, bool),
    /// A process ends.
    Crash(usize),
    /// A process ended in the middle of its last request.
    CrashInside(usize),
}

#[derive(Clone)]
struct State {
    world: World,
    workers: [Option<Worker>; 2],
    deeds: usize,
    faults: usize,
    rounds: usize,
}

pub struct Contest {
    names: Names,
    rules: Rules,
    settings: Settings,
    start: Start,
    terms: Terms,
    seen: HashSet<u64>,
    judged: HashSet<super::world::Fingerprint>,
    path: Vec<(Event, &'static str)>,
    pub count: Count,
    /// What was wrong, and how it came to that.
    pub wrong: Option<String>,
}

impl Contest {
    pub fn new(start: Start, rules: Rules, terms: Terms) -> Contest {
        Contest {
            names: Names::new(),
            settings: rules.settings(),
            rules,
            start,
            terms,
            seen: HashSet::new(),
            judged: HashSet::new(),
            path: Vec::new(),
            count: Count::default(),
            wrong: None,
        }
    }

    /// Goes through everything, or until something is wrong.
    pub fn run(&mut self) {
        let Terms { deeds, faults, rounds, .. } = self.terms;
        let world = self.start.build(&self.rules);
        self.visit(State { world, workers: [None, None], deeds, faults, rounds });
    }

    fn visit(&mut self, state: State) {
        if self.wrong.is_some() || !self.seen.insert(self.name(&state)) {
            return;
        }
        self.count.states += 1;
        if let Some(wrong) = state.world.wrong.first() {
            self.note(wrong.clone());
            return;
        }
        if state.workers.iter().all(Option::is_none) {
            self.judge(&state.world);
        }
        let mut events = self.events(&state);
        let last = events.pop();
        for event in events {
            self.happen(state.clone(), event);
        }
        // The last one, most often a mere step, goes on with the round as it is.
        if let Some(event) = last {
            self.happen(state, event);
        }
    }

    /// A number for all that tells a state from others.
    fn name(&self, state: &State) -> u64 {
        let lease = block_on(state.world.store.lease(&self.names.pairing)).unwrap();
        let worker = |worker: &Worker| (worker.chain, worker.fence, worker.overtaken, worker.left_something);
        let mut workers = [0, 1].map(|at| state.workers[at].as_ref().map(worker));
        // It makes no difference which of two is which.
        workers.sort_unstable();
        let left = [state.deeds, state.faults, state.rounds];
        let mut hasher = DefaultHasher::new();
        (state.world.fingerprint(), lease.fence, workers, left).hash(&mut hasher);
        hasher.finish()
    }

    /// What can happen, with a mere step last.
    fn events(&self, state: &State) -> Vec<Event> {
        let mut events = Vec::new();
        let idle = state.workers.iter().position(Option::is_none);
        // Whoever has the pairing and was not overtaken. A process that is dead is not among them. One that is paused
        // where it can do no harm later is like one that died after the last thing that it left.
        let holder = state.workers.iter().flatten().find(|worker| !worker.overtaken);
        if let Some(idle) = idle
            && state.rounds > 0
            && holder.is_none_or(|holder| state.faults > 0 && (holder.left_something || self.harms(holder)))
        {
            events.push(Event::Start(idle));
        }
        for (at, worker) in state.workers.iter().enumerate() {
            let Some(worker) = worker else { continue };
            if state.faults > 0 {
                if worker.left_something {
                    events.push(Event::Crash(at));
                }
                if worker.inside.is_some() {
                    events.push(Event::CrashInside(at));
                }
                if worker.writes() {
                    events.extend([false, true].map(|carried_out| Event::Lost(at, carried_out)));
                }
            }
            if let (true, Some(side)) = (state.deeds > 0, worker.side()) {
                events.extend(ACTS.map(|act| Event::Deed(at, side, act)));
            }
        }
        let working = (0..state.workers.len()).filter(|at| state.workers[*at].is_some());
        events.extend(working.map(Event::Step));
        events
    }

    fn happen(&mut self, mut state: State, event: Event) {
        if self.wrong.is_some() {
            return;
        }
        let at = match event {
            Event::Start(at)
            | Event::Step(at)
            | Event::Deed(at, ..)
            | Event::Lost(at, _)
            | Event::Crash(at)
            | Event::CrashInside(at) => at,
        };
        if !matches!(event, Event::CrashInside(_)) {
            // That moment is over.
            state.workers.iter_mut().flatten().for_each(|worker| worker.inside = None);
        }
        let asks = state.workers[at].as_ref().map_or("claim", Worker::asks);
        let happened = match event {
            Event::Start(at) => self.begin(&mut state, at),
            Event::Step(at) => self.step(&mut state, at, None),
            Event::Lost(at, carried_out) => {
                state.faults -= 1;
                self.step(&mut state, at, Some(carried_out))
            }
            Event::Deed(at, side, act) => {
                state.deeds -= 1;
                state.world.act(side, act) && self.step(&mut state, at, None)
            }
            Event::Crash(at) => {
                state.faults -= 1;
                state.workers[at] = None;
                true
            }
            Event::CrashInside(at) => {
                state.faults -= 1;
                if let Some((side, shelf)) = state.workers[at].take().and_then(|worker| worker.inside) {
                    *state.world.sides.get(side).shelf() = *shelf;
                }
                true
            }
        };
        if happened {
            self.path.push((event, asks));
            self.visit(state);
            self.path.pop();
        }
    }

    /// Whether a process that is overtaken can still do anything that lasts.
    fn harms(&self, worker: &Worker) -> bool {
        self.terms.late != Late::Ends && (worker.has_unsent() || !self.terms.fenced)
    }

    fn begin(&mut self, state: &mut State, at: usize) -> bool {
        for worker in &mut state.workers {
            // Nobody begins while another gives signs of life: this one is paused from now on, until its next step.
            let Some(holder) = worker.as_mut().filter(|worker| !worker.overtaken) else { continue };
            holder.overtaken = true;
            state.faults -= 1;
            self.count.overtaken += 1;
            if !self.harms(holder) {
                *worker = None;
            }
        }
        state.rounds -= 1;
        state.workers[at] = Some(Worker::start(&mut state.world, &self.names, &self.settings));
        true
    }

    fn step(&mut self, state: &mut State, at: usize, lost: Option<bool>) -> bool {
        self.count.steps += 1;
        let Some(worker) = state.workers[at].as_mut() else { return false };
        if worker.overtaken && worker.writes() {
            self.count.late += 1;
            state.world.late = true;
            if self.terms.late == Late::Wrong {
                state.world.wrong.push("a write under a claim that was over".to_owned());
            }
        }
        match worker.step(&mut state.world, &self.names, &self.settings, lost, self.terms.fenced) {
            Step::Goes if worker.overtaken && !self.harms(worker) => state.workers[at] = None,
            Step::Goes => {}
            Step::Done => state.workers[at] = None,
            Step::Refused => {
                self.count.refused += 1;
                state.workers[at] = None;
            }
        }
        true
    }

    fn judge(&mut self, world: &World) {
        if !self.judged.insert(world.fingerprint()) {
            return;
        }
        self.count.judged += 1;
        if let Err(wrong) = heal(world.clone(), &self.names, &self.rules, self.start) {
            self.note(wrong);
        }
    }

    fn note(&mut self, wrong: String) {
        self.wrong = Some(format!("{wrong}: {:?}, {:?}, {:?}", self.start, self.terms, self.path));
    }
}
