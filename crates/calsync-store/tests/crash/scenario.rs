//! What a program does with the store, by seed, and what the store showed after each step.

use calsync_core::ids::{ChangeToken, ContentHash, LinkId, PairingId, PerSide, Side, Uid};
use calsync_core::link::{
    Answer, DeletionGuard, Head, Hold, HoldKind, Link, Listing, Marks, Retry, Tombstone, WentBack, Which,
    Wish,
};
use calsync_core::store::{Closed, Commit, JournalEntry, Losing, LostBy, StateStore};
use calsync_store::{PairingRecord, PairingStore, RunRecord, SqliteStore};

use crate::dice::Dice;
use crate::disk::{Disk, Event};
use crate::observe::{Allowed, LINKS, PAIRINGS, Seen, see};
use crate::sample::{at, edited, entry, linked, series};
use crate::vfs::mount;

/// What a scenario is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The files are made, then used.
    Beginning,
    /// The files are there.
    Usual,
    /// So much is written that the log is brought into the file in between.
    Large,
}

/// A run without a crash.
pub(crate) struct Story {
    /// The disk before it.
    pub(crate) before: Disk,
    /// What changed it, and how many steps were acknowledged before.
    pub(crate) trace: Vec<(usize, Event)>,
    /// What the store showed after so many steps.
    shown: Vec<Seen>,
    /// What else it may show while the step of this number is being done.
    between: Vec<Option<Seen>>,
    /// Whether the step of this number makes everything safe that was in the state file before.
    safe: Vec<bool>,
    /// What was done, for people who look for a mistake.
    pub(crate) steps: Vec<String>,
}

impl Story {
    /// What may be there after a crash before the event of this number, or at the end.
    pub(crate) fn allowed(&self, point: usize) -> Allowed {
        let last = self.shown.len() - 1;
        let acknowledged = self.trace.get(point).map_or(last, |(acknowledged, _)| *acknowledged);
        let mut allowed = Allowed::default();
        let next = (acknowledged + 1).min(last);
        for seen in &self.shown[acknowledged..=next] {
            allowed.add(seen);
        }
        if let Some(between) = &self.between[next]
            && next > acknowledged
        {
            allowed.add(between);
        }
        // History is safe with the next step that is.
        let safe = (0..=acknowledged).rev().find(|step| self.safe[*step]).unwrap_or(0);
        allowed.runs.extend(self.shown[safe..acknowledged].iter().map(|seen| seen.runs.clone()));
        allowed
    }

    /// In which step the event of this number is.
    pub(crate) fn step_of(&self, point: usize) -> &str {
        let step = self.trace.get(point).map(|(acknowledged, _)| *acknowledged);
        step.and_then(|step| self.steps.get(step)).map_or("the end", String::as_str)
    }
}

struct Play {
    dir: String,
    store: Option<SqliteStore>,
    beside: Option<SqliteStore>,
    dice: Dice,
    kind: Kind,
    clock: i64,
}

/// Plays a scenario upon a disk with the files that it needs.
pub(crate) async fn play(dir: &str, before: Disk, kind: Kind, seed: u64) -> Story {
    let drive = mount(dir, before.clone());
    let mut dice = Dice::of(&[seed, 1]);
    let steps = if kind == Kind::Large { 7 } else { dice.between(4, 8) };
    let mut play = Play { dir: dir.to_owned(), store: None, beside: None, dice, kind, clock: 0 };
    play.restart();
    // Opening is the first step, and shows what was there before it: nothing.
    let opened = play.see().await;
    drive.lock().unwrap().acknowledged = 1;
    let mut story = Story {
        before,
        trace: Vec::new(),
        shown: vec![opened.clone(), opened],
        between: vec![None, None],
        safe: vec![true, true],
        steps: vec!["open".to_owned()],
    };
    for number in 1..=steps {
        let shown = story.shown[number].clone();
        let done = play.step(&shown).await;
        drive.lock().unwrap().acknowledged = number + 1;
        let after = play.see().await;
        // The journal is written first, then the state.
        let between = done.journal_first.then(|| Seen { journal: after.journal.clone(), ..shown });
        story.between.push(between);
        story.safe.push(done.safe);
        story.steps.push(done.what);
        story.shown.push(after);
    }
    play.beside = None;
    play.store = None;
    story.steps.push("close".to_owned());
    story.trace = std::mem::take(&mut drive.lock().unwrap().trace);
    story
}

struct Done {
    what: String,
    safe: bool,
    journal_first: bool,
}

impl Done {
    fn safe(what: impl Into<String>) -> Done {
        Done { what: what.into(), safe: true, journal_first: false }
    }
}

impl Play {
    fn store(&self) -> &SqliteStore {
        self.store.as_ref().unwrap()
    }

    async fn see(&self) -> Seen {
        see(self.store()).await
    }

    fn restart(&mut self) {
        self.beside = None;
        self.store = None;
        self.store = Some(SqliteStore::open(&self.dir).unwrap());
    }

    async fn step(&mut self, shown: &Seen) -> Done {
        self.clock += 1;
        let name = PairingId::new(self.dice.pick(&PAIRINGS));
        let head = shown.state.pairings[&name].head.clone();
        let registered = shown.state.registered.iter().find(|record| record.id == name).cloned();
        let what = if self.kind == Kind::Large { self.dice.between(4, 11) } else { self.dice.below(24) };
        match what {
            0..=3 => self.registry(&name, registered).await,
            4..=9 => {
                let commit = self.commit(&head, &shown.state.pairings[&name].links);
                self.store().commit(&name, &commit).await.unwrap();
                Done::safe(format!("commit of {} links to {name:?}", commit.put.len()))
            }
            10..=13 => {
                let entries = self.entries(&head);
                self.store().journal(&name, &entries).await.unwrap();
                let what = format!("{} journal entries of {name:?}", entries.len());
                Done { journal_first: true, ..Done::safe(what) }
            }
            14 | 15 => self.order(&name).await,
            16 => {
                self.store().reset(&name).await.unwrap();
                Done::safe(format!("reset of {name:?}"))
            }
            17 | 18 => {
                let run =
                    RunRecord::failed(name.clone(), "no route", at(self.clock), std::time::Duration::ZERO);
                self.store().add_run(&run).await.unwrap();
                Done { safe: false, ..Done::safe(format!("a round of {name:?} in the history")) }
            }
            19 | 20 => self.journal_ends(&name).await,
            _ => {
                self.restart();
                Done::safe("restart")
            }
        }
    }

    async fn registry(&mut self, name: &PairingId, registered: Option<PairingRecord>) -> Done {
        let Some(mut record) = registered else {
            let record = PairingRecord::new(name.as_str(), name.as_str(), format!("{name:?}@example.com"));
            self.store().add_pairing(&record).await.unwrap();
            return Done::safe(format!("{name:?} added"));
        };
        if self.dice.below(3) == 0 {
            self.store().remove_pairing(name).await.unwrap();
            return Done::safe(format!("{name:?} removed"));
        }
        record.enabled = !record.enabled;
        record.settings.interval_seconds = Some(60 + u32::try_from(self.clock).unwrap());
        self.store().update_pairing(&record).await.unwrap();
        Done::safe(format!("{name:?} set up anew"))
    }

    /// A person gives an order, in this process or through a second connection that stays open for a while.
    async fn order(&mut self, name: &PairingId) -> Done {
        let wish = match self.dice.below(3) {
            0 => Wish::Lead(Side::A),
            1 => Wish::Undo(Box::new(entry(self.some_link(), 1))),
            _ => Wish::Answer {
                link: LinkId(self.some_link()),
                about: ContentHash::of(&["asked"]),
                answer: Answer::Approve,
            },
        };
        if self.dice.below(2) == 0 {
            self.beside.get_or_insert_with(|| SqliteStore::open_shared(&self.dir).unwrap());
        }
        let store = self.beside.as_ref().unwrap_or_else(|| self.store());
        store.order(name, at(self.clock), "command line", &wish).await.unwrap();
        Done::safe(format!("an order for {name:?}"))
    }

    /// Retention and erasure; only the journal file is written.
    async fn journal_ends(&mut self, name: &PairingId) -> Done {
        let now = at(self.clock);
        let before = at(self.clock - i64::try_from(self.dice.below(4)).unwrap());
        let what = match self.dice.below(3) {
            0 => format!("{} entries forgotten", self.store().forget_journal_before(before).await.unwrap()),
            1 => {
                let erased = self.store().erase_contents_before(before, now).await.unwrap();
                format!("{erased} entries erased")
            }
            _ => {
                let erased = self.store().erase_journal(name, Some(before), now).await.unwrap();
                format!("{erased} entries of {name:?} erased")
            }
        };
        Done { safe: false, ..Done::safe(what) }
    }

    fn some_link(&mut self) -> u64 {
        self.dice.bits() % LINKS
    }

    /// Entries of as many writes; of one link only one at a time.
    fn entries(&mut self, head: &Head) -> Vec<JournalEntry> {
        let first = self.some_link();
        let count = self.dice.between(1, 4) as u64;
        (0..count)
            .map(|offset| {
                let link = (first + offset) % LINKS;
                let mut entry = JournalEntry { at: at(self.clock), ..entry(link, head.version) };
                entry.round.0 = head.version;
                if self.kind == Kind::Large {
                    entry.before.as_mut().unwrap().event.place = "weit weg ".repeat(6_000);
                }
                if self.dice.below(3) == 0 {
                    entry.losing = Some(Losing {
                        side: Side::B,
                        series: series("losing", "what somebody typed"),
                        modified: None,
                        paths: vec!["master.subject".to_owned()],
                        by: LostBy::Policy,
                    });
                }
                entry
            })
            .collect()
    }

    /// A step forward: a page of links, and whatever else a commit can hold.
    fn commit(&mut self, head: &Head, links: &[Link]) -> Commit {
        let mut commit = Commit { version: head.version, ..Commit::default() };
        let count = if self.kind == Kind::Large { 24 } else { self.dice.between(0, 6) };
        let first = self.some_link();
        commit.put = (0..count as u64).map(|offset| self.link((first + offset) % LINKS)).collect();
        let put: Vec<LinkId> = commit.put.iter().map(|link| link.id).collect();
        let others = links.iter().filter(|link| !put.contains(&link.id));
        commit.remove = others.map(|link| link.id).filter(|_| self.dice.below(4) == 0).collect();
        commit.tombstones = commit.remove.iter().map(|link| tombstone(link.0, self.clock)).collect();
        let closed = head.intents.iter().filter(|_| self.dice.below(3) > 0);
        commit.closed = closed
            .map(|intent| Closed {
                link: intent.write.link,
                side: intent.side,
                number: intent.write.receipt.number,
                outcome: JournalEntry::CARRIED_OUT.to_owned(),
            })
            .collect();
        commit.orders_done = head.orders.iter().map(|order| order.id).take(self.dice.below(3)).collect();
        for side in Side::BOTH {
            match self.dice.below(5) {
                0 | 1 => {
                    *commit.tokens.get_mut(side) = Some(ChangeToken::new(format!("token {}", self.clock)));
                }
                2 => {
                    let number = head.listings.get(side).number + 1;
                    *commit.listings.get_mut(side) = Some(Listing { number, open: self.clock % 2 == 0 });
                    *commit.forget_tokens.get_mut(side) = true;
                }
                _ => {}
            }
        }
        match self.dice.below(6) {
            0 => commit.first_sync_done = true,
            1 => commit.rules = Some(format!("rules {}", self.clock)),
            2 => {
                let went_back =
                    Some(WentBack { which: Which::Side(Side::B), since: at(self.clock), lead: None });
                commit.marks = Some(Marks { went_back, ..Marks::default() });
            }
            3 => {
                let mut deleted = head.deleted.clone();
                deleted.a = deleted.a.with(3, at(self.clock));
                commit.deleted = Some(deleted);
            }
            _ => {}
        }
        commit
    }

    /// In step, edited, without counterpart, waiting for a person, or set aside.
    fn link(&mut self, id: u64) -> Link {
        let mut link = if self.dice.below(2) == 0 { linked(id) } else { edited(id) };
        match self.dice.below(5) {
            0 => link.halves = PerSide { b: None, ..link.halves },
            1 => {
                link.hold = Some(Hold {
                    why: "both sides changed the subject".to_owned(),
                    since: at(self.clock),
                    guard: Some(DeletionGuard { count: 5, percent: 20 }),
                    kind: HoldKind::Conflict,
                    about: ContentHash::of(&["both"]),
                    answer: (self.dice.below(2) == 0).then_some(Answer::Approve),
                });
            }
            2 => {
                let why = "cannot be read".to_owned();
                link.retry = Some(Retry { attempts: 2, at: at(self.clock + 9), why });
            }
            _ => {}
        }
        link.writes = self.clock.unsigned_abs();
        if self.kind == Kind::Large
            && let Some(shadow) = link.halves.a.as_mut().and_then(|half| half.shadow.as_mut())
        {
            shadow.series.event.place = "Baustelle ".repeat(2_000);
        }
        link
    }
}

fn tombstone(link: u64, clock: i64) -> Tombstone {
    let keys = PerSide::from_fn(|side| Some(calsync_core::ids::ItemKey::new(format!("{side}{link}"))));
    Tombstone { link: LinkId(link), uid: Uid::new(format!("A{link}")), keys, at: at(clock) }
}
