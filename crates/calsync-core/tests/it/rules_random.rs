//! People at both sides, rules that change and rounds that are cut, by seed. What always holds: no private text is on the
//! other side, no original changes because of its copy, everything comes to rest, nothing is doubled, and no template is
//! applied to its own text.
//!
//! Every text that is typed is another word, so that each can be looked for wherever it must not be. A failure names the
//! seed; `CALSYNC_RULES_SEED` runs it alone.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{Side, Uid};
use calsync_core::model::{Notes, Overlay, Override, Recurrence, RecurrenceId, Sensitivity, Series};
use calsync_core::sync::{
    CategoryNames, Direction, Filter, Leaving, Pattern, Private, ReadOnlyEdit, RoundReport, Template,
};

use crate::fake::{Cut, World, event, hour};

/// A small generator (xorshift), so that a seed means the same for ever.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }

    fn side(&mut self) -> Side {
        self.one(&Side::BOTH)
    }
}

/// An appointment that a person made, and where.
struct Origin {
    side: Side,
    key: String,
    /// As it has to stay while its copy is masked.
    fixed: Option<Series>,
}

struct Play {
    world: World,
    dice: Dice,
    origins: Vec<Origin>,
    words: usize,
    /// Words that the other side must not show at any moment.
    hidden: BTreeSet<(Side, String)>,
    filtered: bool,
    story: Vec<String>,
}

fn words_in(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.starts_with("word") && word.len() > 4)
        .map(str::to_owned)
        .collect()
}

fn words_of(value: &impl serde::Serialize) -> BTreeSet<String> {
    words_in(&serde_json::to_string(value).unwrap()).into_iter().collect()
}

/// The words that are private in a series.
fn secrets(series: &Series) -> BTreeSet<String> {
    if series.event.sensitivity.is_private() {
        return words_of(series);
    }
    let private = series.overrides.values().filter_map(|over| match over {
        Override::Changed(overlay) if overlay.sensitivity.is_some_and(Sensitivity::is_private) => {
            Some(overlay)
        }
        Override::Changed(_) | Override::Cancelled => None,
    });
    private.flat_map(words_of).collect()
}

/// Its own words only: a template of the other side may be around them.
fn untemplated(mut series: Series) -> Series {
    series.event.subject = words_in(&series.event.subject).into_iter().next().unwrap_or_default();
    series
}

fn is_private(series: &Series) -> bool {
    series.event.sensitivity.is_private() || !secrets(series).is_empty()
}

impl Play {
    fn new(seed: u64) -> Play {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut world = World::new();
        world.settings.direction = dice.one(&[Direction::Both, Direction::Both, Direction::AToB]);
        world.settings.read_only_edit =
            dice.one(&[ReadOnlyEdit::Revert, ReadOnlyEdit::Ignore, ReadOnlyEdit::Report]);
        world.settings.leaving = dice.one(&[Leaving::Keep, Leaving::Delete, Leaving::Hold]);
        world.settings.lead = dice.side();
        world.settings.deletion_wins = dice.roll(3) == 0;
        world.a.returns_items = dice.roll(2) == 0;
        world.b.returns_items = dice.roll(2) == 0;
        match dice.roll(3) {
            0 => {
                world.settings.outward.a.subject =
                    Some(Template::new("[{type}] {subject} ({place})").unwrap());
            }
            1 => {
                world.settings.outward.a.subject = Some(Template::new("[{type}] {subject}").unwrap());
                world.settings.outward.b.subject = Some(Template::new("{subject} ({place})").unwrap());
            }
            _ => {}
        }
        if dice.roll(2) == 0 {
            let names = [("Einsatz", "Draussen"), ("Montage", "Draussen")];
            let names = names.map(|(a, b)| (a.to_owned(), b.to_owned()));
            world.settings.categories = CategoryNames::from(BTreeMap::from(names));
        }
        let mut play = Play {
            world,
            dice,
            origins: Vec::new(),
            words: 0,
            hidden: BTreeSet::new(),
            filtered: false,
            story: Vec::new(),
        };
        for side in Side::BOTH {
            play.new_rule_about_private(side);
            for _ in 0..=play.dice.roll(3) {
                play.make(side);
            }
        }
        play
    }

    fn word(&mut self) -> String {
        self.words += 1;
        format!("word{}", self.words)
    }

    fn hides(&self, side: Side) -> bool {
        self.world.settings.outward.get(side).private != Private::Pass
    }

    fn hides_now(&self, origin: &Origin) -> bool {
        let fake = self.world.side(origin.side);
        self.hides(origin.side) && fake.keys().contains(&origin.key) && is_private(&fake.series(&origin.key))
    }

    fn new_rule_about_private(&mut self, side: Side) {
        let rule = self.dice.one(&[Private::Pass, Private::Mask, Private::Mask, Private::Skip]);
        self.story.push(format!("private on {side}: {rule:?}"));
        self.world.settings.outward.get_mut(side).private = rule;
    }

    fn make(&mut self, side: Side) {
        let day = 1 + u32::try_from(self.dice.roll(20)).unwrap();
        let mut event = event(&self.word(), day);
        if self.dice.roll(2) == 0 {
            event.sensitivity = Sensitivity::Private;
        }
        event.place = self.word();
        event.notes = Notes::plain(&self.word());
        if side == Side::A {
            event.categories.insert(self.dice.one(&["Einsatz", "Montage", "Rot"]).to_owned());
        }
        let mut series = Series::single(Uid::new(format!("made-{}", self.words)), event);
        if self.dice.roll(4) == 0 {
            series.recurrence =
                Some(Recurrence { rule: "FREQ=DAILY;COUNT=5".parse().unwrap(), dates: BTreeSet::default() });
        }
        let key = self.world.side(side).add_series(series);
        self.story.push(format!("new on {side}: {key}"));
        self.origins.push(Origin { side, key, fixed: None });
    }

    /// Somebody changes an appointment where it was made.
    fn edit_original(&mut self) {
        if self.origins.is_empty() {
            return;
        }
        let index = self.dice.roll(self.origins.len());
        let (side, key) = (self.origins[index].side, self.origins[index].key.clone());
        let (what, word) = (self.dice.roll(9), self.word());
        let kind = self.dice.one(&["Einsatz", "Montage", "Rot"]).to_owned();
        let day = 1 + u32::try_from(self.dice.roll(20)).unwrap();
        self.story.push(format!("{side} edits {key}: {what} {word}"));
        if what == 8 {
            self.world.side(side).delete(&key);
            self.origins.remove(index);
            return;
        }
        self.world.side(side).edit(&key, |series| {
            let event = &mut series.event;
            match what {
                0 => event.subject = word,
                1 => event.place = word,
                2 => event.notes = Notes::plain(&word),
                3 if side == Side::A => event.categories = BTreeSet::from([kind]),
                4 => event.sensitivity = Sensitivity::Normal,
                5 => event.sensitivity = Sensitivity::Private,
                6 if series.recurrence.is_some() => {
                    let start = series.event.span.start.clone();
                    let at = start.local() + chrono::Duration::days(2);
                    let overlay = Overlay {
                        subject: Some(word),
                        sensitivity: Some(Sensitivity::Private),
                        ..Overlay::default()
                    };
                    series.overrides.insert(RecurrenceId::of(&start, at), Override::Changed(overlay));
                }
                7 if series.overrides.is_empty() => event.span = hour(day, 14),
                _ => event.customer = word,
            }
        });
        if self.origins[index].fixed.is_some() {
            self.origins[index].fixed = Some(self.world.side(side).series(&key));
        }
    }

    /// Somebody changes what was made on the other side.
    fn edit_copy(&mut self) {
        let side = self.dice.side();
        let made_here = |key: &String| self.origins.iter().any(|of| of.side == side && of.key == *key);
        let copies: Vec<String> =
            self.world.side(side).keys().into_iter().filter(|key| !made_here(key)).collect();
        if copies.is_empty() {
            return;
        }
        let key = copies[self.dice.roll(copies.len())].clone();
        let (what, word) = (self.dice.roll(6), self.word());
        self.story.push(format!("{side} edits the copy {key}: {what} {word}"));
        if what == 5 {
            self.world.side(side).delete(&key);
            return;
        }
        self.world.side(side).edit(&key, |series| {
            let event = &mut series.event;
            match what {
                0 => match words_in(&event.subject).first() {
                    // On the phone one word of the text is typed anew, the rest stays.
                    Some(old) => event.subject = event.subject.replacen(old, &word, 1),
                    None => event.subject = word,
                },
                1 => event.notes = Notes::plain(&word),
                2 if event.subject == "Privat" => event.sensitivity = Sensitivity::Normal,
                3 => event.categories.extend(["Blau".to_owned()]),
                _ => event.customer = word,
            }
        });
    }

    fn new_rules(&mut self) {
        let side = self.dice.side();
        match self.dice.roll(3) {
            0 => {
                let filter = Filter {
                    except_subjects: vec![Pattern::new(format!("*{}*", self.dice.roll(3)))],
                    ..Filter::default()
                };
                self.story.push(format!("filter on {side}: {filter:?}"));
                self.world.settings.outward.get_mut(side).filter = filter;
                self.filtered = true;
            }
            _ => self.new_rule_about_private(side),
        }
        self.hide();
    }

    /// What is private, and not on the other side now, must not get there.
    fn hide(&mut self) {
        let mut hidden = BTreeSet::new();
        for origin in self.origins.iter().filter(|origin| self.hides(origin.side)) {
            let shown = words_of(&self.world.side(origin.side.other()).all());
            let secrets = secrets(&self.world.side(origin.side).series(&origin.key));
            hidden.extend(secrets.difference(&shown).map(|word| (origin.side, word.clone())));
        }
        self.hidden = hidden;
    }

    fn check(&mut self) {
        for (side, word) in &self.hidden {
            let shown = words_of(&self.world.side(side.other()).all());
            assert!(!shown.contains(word), "{word} of {side} leaked");
        }
        let world = &self.world;
        for origin in &self.origins {
            // What was held while there was a mask may be carried once there is none.
            let holds = world.settings.read_only_edit == ReadOnlyEdit::Report && !self.hides_now(origin);
            if let Some(fixed) = origin.fixed.as_ref().filter(|_| !holds) {
                assert!(world.side(origin.side).keys().contains(&origin.key), "{} is gone", origin.key);
                let now = untemplated(world.side(origin.side).series(&origin.key));
                assert_eq!(now, untemplated(fixed.clone()), "an original changed");
            }
        }
        self.origins.retain(|origin| world.side(origin.side).keys().contains(&origin.key));
        // Once a mask was lifted, edits of the copy are edits.
        for index in 0..self.origins.len() {
            if !self.hides_now(&self.origins[index]) {
                self.origins[index].fixed = None;
            }
        }
    }

    fn step(&mut self) {
        for _ in 0..=self.dice.roll(3) {
            match self.dice.roll(10) {
                0 => self.new_rules(),
                1 => {
                    let side = self.dice.side();
                    self.make(side);
                }
                2..=5 => self.edit_original(),
                _ => self.edit_copy(),
            }
        }
        self.hide();
        match self.dice.roll(3) {
            0 => {
                let at = self.dice.roll(25);
                let cut = if self.dice.roll(2) == 0 { Cut::Before(at) } else { Cut::After(at) };
                self.story.push(format!("cut {cut:?}"));
                self.world.sync_cut(cut);
                self.check();
            }
            1 => {
                self.story.push("round".to_owned());
                let plan = self.world.plan();
                let writes = self.world.a.writes() + self.world.b.writes();
                let report = self.world.sync();
                let wrote = self.world.a.writes() + self.world.b.writes() > writes;
                self.story.extend(report.plan.steps.iter().map(|step| format!("  {step}")));
                assert_eq!(plan.plan, report.plan, "a plan says what a round does");
                assert!(!wrote || !plan.plan.steps.is_empty(), "nothing is written that no plan says");
                self.check();
            }
            _ => self.rest(),
        }
    }

    fn rest(&mut self) {
        self.story.push("rest".to_owned());
        let mut report = self.world.sync();
        for _ in 0..5 {
            self.story.extend(report.plan.steps.iter().map(|step| format!("  {step}")));
            if report.writes() == 0 {
                break;
            }
            report = self.world.sync();
        }
        assert_eq!(report.writes(), 0, "still writing after five rounds");
        self.check();
        for side in Side::BOTH {
            let (mine, theirs) = (self.world.side(side), self.world.side(side.other()));
            assert!(mine.keys().len() <= self.words, "more than was made");
            let subjects: Vec<_> = mine.events().into_iter().map(|event| event.subject).collect();
            for subject in &subjects {
                let brackets = subject.matches('[').count().max(subject.matches('(').count());
                assert!(brackets <= 1, "a template upon a template: {subject}");
            }
            let shown = words_of(&theirs.all());
            for index in 0..self.origins.len() {
                if self.origins[index].side != side {
                    continue;
                }
                let series = mine.series(&self.origins[index].key);
                let hides = self.hides(side) && is_private(&series);
                if hides {
                    let leaked: Vec<_> = secrets(&series).intersection(&shown).cloned().collect();
                    assert!(leaked.is_empty(), "{leaked:?} of {side} are to be read at rest");
                }
                self.assert_one_counterpart(side, &series, &report);
                self.origins[index].fixed = hides.then_some(series);
            }
        }
    }

    /// What nothing keeps from being shown is shown once.
    fn assert_one_counterpart(&self, side: Side, series: &Series, report: &RoundReport) {
        let free = !is_private(series)
            && !self.filtered
            && report.held == 0
            && self.world.settings.read_only_edit == ReadOnlyEdit::Revert
            && self.world.settings.direction.writes(side.other());
        let Some(word) = words_in(&series.event.subject).first().cloned().filter(|_| free) else { return };
        let theirs = self.world.side(side.other()).events();
        let count = theirs.iter().filter(|event| words_in(&event.subject).contains(&word)).count();
        assert_eq!(count, 1, "counterparts of {word} on {}", side.other());
    }
}

fn play(seed: u64) -> (Vec<String>, std::thread::Result<()>) {
    let mut play = Play::new(seed);
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for _ in 0..12 {
            play.step();
        }
        play.rest();
    }));
    (play.story, end)
}

#[test]
fn whatever_people_and_rules_do_nothing_leaks_and_no_original_changes() {
    let one = std::env::var("CALSYNC_RULES_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let cases = std::env::var("CALSYNC_RULES_CASES").ok().map_or(100, |cases| cases.parse().unwrap());
    for seed in one.map_or(0..cases, |seed| seed..seed + 1) {
        let (story, end) = play(seed);
        if let Err(fault) = end {
            eprintln!("seed {seed}:\n  {}", story.join("\n  "));
            std::panic::resume_unwind(fault);
        }
    }
}
