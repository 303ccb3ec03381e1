//! Goes through everything that can happen to one start under one set of rules.
//!
//! A round is a function of the world at its beginning and of what happens meanwhile, so every moment of it can be reached
//! again. What makes no difference is tried once: a deed on a side matters only in relation to the requests to that side, a
//! crash only after a request that changed something, and worlds that went through the same are the same.

use std::collections::BTreeSet;

use calsync_core::ids::Side;
use calsync_core::sync::Settings;

use super::judge::heal;
use super::people::Act;
use super::play::{Meanwhile, Played, Script, play};
use super::rules::Rules;
use super::starts::Start;
use super::world::{Fingerprint, Names, World};

/// How much may happen.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    /// Deeds of people.
    pub deeds: usize,
    /// Crashes and lost writes and answers.
    pub faults: usize,
    /// Rounds in which they may happen; one more begins after each crash.
    pub rounds: usize,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Ways in which it can happen, before those are left out that make no difference.
    pub cases: u64,
    /// Rounds that were played with something happening in them.
    pub played: u64,
    /// Different worlds that were healed and judged.
    pub judged: u64,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.cases += other.cases;
        self.played += other.played;
        self.judged += other.judged;
    }
}

/// What was wrong, and how it came to that.
#[derive(Debug)]
pub struct Wrong {
    pub what: String,
    pub start: Start,
    pub rules: Rules,
    pub path: Vec<String>,
}

pub struct Explorer<'a> {
    names: Names,
    start: Start,
    rules: &'a Rules,
    settings: Settings,
    seen: BTreeSet<(Fingerprint, usize, usize, usize)>,
    judged: BTreeSet<Fingerprint>,
    path: Vec<String>,
    pub tally: Tally,
    pub wrong: Vec<Wrong>,
}

impl<'a> Explorer<'a> {
    pub fn new(start: Start, rules: &'a Rules) -> Explorer<'a> {
        Explorer {
            names: Names::new(),
            start,
            rules,
            settings: rules.settings(),
            seen: BTreeSet::new(),
            judged: BTreeSet::new(),
            path: Vec::new(),
            tally: Tally::default(),
            wrong: Vec::new(),
        }
    }

    pub fn run(&mut self, depth: Depth) {
        let world = self.start.build(self.rules);
        self.round(&world, depth);
    }

    /// Whether the settings can come to decide something in a round in which this happens.
    fn can_matter(&self, start: &World, script: &Script, more: usize) -> bool {
        let before = start.deeds.iter().map(|deed| (deed.side, deed.act));
        let now = script.iter().filter_map(|(_, what)| match what {
            Meanwhile::Deed(side, act) => Some((*side, *act)),
            Meanwhile::Lost { .. } => None,
        });
        let deeds: Vec<(Side, Act)> = before.chain(now).collect();
        self.rules.can_matter(self.start, &deeds, more)
    }

    /// Everything that can happen in a round that starts from this world, and after it.
    fn round(&mut self, world: &World, depth: Depth) {
        if !self.seen.insert((world.fingerprint(), depth.deeds, depth.faults, depth.rounds)) {
            return;
        }
        self.judge(world);
        if !self.can_matter(world, &Vec::new(), depth.deeds) {
            return;
        }
        let Some(played) = self.play(world, &Vec::new()) else { return };
        self.descend(world, &Vec::new(), &played, depth, 0);
    }

    fn play(&mut self, world: &World, script: &Script) -> Option<Played> {
        let played = play(world, &self.names, &self.settings, script, true)?;
        self.tally.played += 1;
        Some(played)
    }

    /// What else can happen in this round, at or after the request `from`.
    fn descend(&mut self, start: &World, script: &Script, played: &Played, depth: Depth, from: usize) {
        if let Some(wrong) = played.end.wrong.first() {
            self.note(wrong.clone(), "then");
            return;
        }
        let spent = Depth { faults: depth.faults.wrapping_sub(1), ..depth };
        if depth.faults > 0 {
            for (at, point) in played.points.iter().enumerate().skip(from) {
                self.tally.cases += 1;
                let here = point.before.as_ref().filter(|_| at > from || at == 0);
                for cut in here.into_iter().chain(&point.inside) {
                    self.path.push(format!("crash before request {at}, {}", point.what));
                    self.round(cut, spent);
                    self.path.pop();
                }
                if point.is_write {
                    for carried_out in [false, true] {
                        self.meanwhile(start, script, at, at + 1, Meanwhile::Lost { carried_out }, spent);
                    }
                }
            }
        }
        if depth.deeds > 0 {
            let less = Depth { deeds: depth.deeds - 1, ..depth };
            for (at, point) in played.points.iter().enumerate().skip(from) {
                self.tally.cases += Act::ALL.len() as u64;
                let Some(side) = point.side else { continue };
                for act in Act::ALL {
                    self.meanwhile(start, script, at, at, Meanwhile::Deed(side, act), less);
                }
            }
        }
        if depth.rounds > 1 && (depth.deeds > 0 || depth.faults > 0) {
            self.path.push("next round".to_owned());
            self.round(&played.end, Depth { rounds: depth.rounds - 1, ..depth });
            self.path.pop();
        } else {
            self.judge(&played.end);
        }
    }

    fn meanwhile(
        &mut self,
        start: &World,
        script: &Script,
        at: usize,
        from: usize,
        what: Meanwhile,
        depth: Depth,
    ) {
        let mut script = script.clone();
        script.push((at, what));
        if !self.can_matter(start, &script, depth.deeds) {
            return;
        }
        let Some(played) = self.play(start, &script) else { return };
        let request = played.points.get(at).map_or("end", |point| point.what);
        self.path.push(format!("before request {at}, {request}: {what:?}"));
        self.descend(start, &script, &played, depth, from);
        self.path.pop();
    }

    fn judge(&mut self, world: &World) {
        if !self.rules.matter(self.start, &world.deeds) || !self.judged.insert(world.fingerprint()) {
            return;
        }
        self.tally.judged += 1;
        if let Err(what) = heal(world.clone(), &self.names, self.rules, self.start) {
            self.note(what, "then quiet");
        }
    }

    fn note(&mut self, what: String, end: &str) {
        let mut path = self.path.clone();
        path.push(end.to_owned());
        self.wrong.push(Wrong { what, start: self.start, rules: *self.rules, path });
    }
}
