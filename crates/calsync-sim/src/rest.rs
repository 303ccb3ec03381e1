//! When the world has come to rest: rounds until nothing is left to do, and then what must be true.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{ItemKey, PerSide, Side};
use calsync_core::link::{DeletionGuard, Head, Link};
use calsync_core::model::Series;
use calsync_core::source::{Access, Receipt, SourceErrorKind};
use calsync_core::sync::{Action, Failure, ReadOnlyEdit, Settings};

use crate::book::{Told, hides};
use crate::options::{Answers, Mix};
use crate::place::Standing;
use crate::show::{is_masked, out_of_scope, same};
use crate::words::{Word, set_of, words};
use crate::world::World;

/// Rounds that the engine has to come to rest.
const MOST_ROUNDS: usize = 14;

impl World {
    /// Runs quiet rounds until two in a row do nothing, and asks what is true then.
    pub(crate) fn rest(&mut self) {
        self.come_to_rest();
        self.settle();
        if self.options.answers == Answers::Approves && self.held_by_guard() {
            self.shared.branch("a person lets deletions pass");
            let guard = DeletionGuard { count: u64::MAX, percent: 100 };
            let settings = Settings { guard, ..self.shared.settings().as_ref().clone() };
            self.set_settings(settings);
            self.settle();
        }
        self.judge();
    }

    fn settle(&mut self) {
        let mut quiet = 0;
        for round in 0..MOST_ROUNDS {
            // Whatever was set aside is tried again: at most six hours later.
            self.shared.clock.pass(if round < 4 { 7 * 3600 } else { 300 });
            let (report, watch) = self.quiet_round();
            let Some(report) = report else { return };
            match report.failure {
                Some(Failure::Source { kind: SourceErrorKind::WentBack, .. }) => {
                    // A person decides to begin anew.
                    self.shared.branch("begun anew after a restore");
                    let store = self.store();
                    drop(self.wait(store.reset(&self.shared.pairing)));
                    self.memory_is_lost();
                    continue;
                }
                Some(failure) => {
                    self.shared.violated("I29", format!("a quiet round failed: {failure}"));
                    return;
                }
                None => {}
            }
            quiet = if watch.applies == 0 { quiet + 1 } else { 0 };
            if quiet >= 2 && (round >= 5 || !self.tries_again()) {
                return;
            }
        }
        self.shared.violated("I1", "rounds do not come to rest".to_owned());
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        let store = self.store();
        self.wait(store.links(&self.shared.pairing, None, usize::MAX)).unwrap_or_default()
    }

    /// Whether something was set aside, so that a quiet round is not the last.
    fn tries_again(&self) -> bool {
        !self.head().intents.is_empty() || self.links().iter().any(|link| link.retry.is_some())
    }

    pub(crate) fn head(&self) -> Head {
        let store = self.store();
        self.wait(store.head(&self.shared.pairing)).unwrap_or_default()
    }

    fn held_by_guard(&self) -> bool {
        self.links().iter().any(|link| link.hold.as_ref().is_some_and(|hold| hold.guard.is_some()))
    }

    /// What a plan says that a round would write.
    fn planned_writes(&mut self) -> Vec<String> {
        let refused = self.shared.watch().poisoned_links.clone();
        let writes =
            |action: &Action| matches!(action, Action::Create(_) | Action::Update(_) | Action::Delete(_));
        let steps = self.plan().map(|report| report.plan.steps).unwrap_or_default();
        let steps = steps.iter().filter(|step| writes(&step.action) && !refused.contains(&step.link));
        steps.map(ToString::to_string).collect()
    }

    fn judge(&mut self) {
        let mut steps = self.planned_writes();
        if !steps.is_empty() {
            // A round that found a token spent writes nothing, and the next one does.
            self.shared.exempt("found out in the last round, and not acted upon yet");
            self.settle();
            steps = self.planned_writes();
        }
        if !steps.is_empty() {
            self.shared
                .violated("I1", format!("a plan after the last round is not empty: {}", steps.join("; ")));
        }
        let open = self.head().intents.len();
        if open > 0 {
            self.shared.violated("I22", format!("{open} writes are never settled"));
        }
        let links = self.links();
        self.judge_links(&links);
        let on = [Side::A, Side::B].map(|side| self.by_event(side));
        let waiting = waiting(&links);
        self.in_step(&on, &waiting);
        self.nothing_lost(&on);
        self.nothing_cleared(&on);
        self.nothing_came_back(&on, &waiting);
    }

    /// I22: an item belongs to one link, and what links name is there.
    fn judge_links(&self, links: &[Link]) {
        let mut owners: BTreeSet<(Side, &ItemKey)> = BTreeSet::new();
        for (side, half) in links.iter().flat_map(|link| link.halves.iter()) {
            if let Some(half) = half
                && !owners.insert((side, &half.key))
            {
                self.shared.violated("I22", format!("{} of {side} belongs to two links", half.key));
            }
        }
    }

    fn by_event(&self, side: Side) -> BTreeMap<usize, Vec<Standing>> {
        let mut events: BTreeMap<usize, Vec<Standing>> = BTreeMap::new();
        let book = self.book();
        for item in self.place(side).items() {
            if let Some(event) = book.event_of(&item.series) {
                events.entry(event).or_default().push(item);
            }
        }
        events
    }

    /// I2, I8: one item per side, and both show the same.
    fn in_step(&self, on: &[BTreeMap<usize, Vec<Standing>>; 2], held: &BTreeMap<(Side, String), String>) {
        let [on_a, on_b] = on;
        let events: BTreeSet<usize> = on_a.keys().chain(on_b.keys()).copied().collect();
        let none = Vec::new();
        for event in events {
            let (a, b) = (on_a.get(&event).unwrap_or(&none), on_b.get(&event).unwrap_or(&none));
            let waits = |side: Side, item: &Standing| held.contains_key(&(side, item.key.clone()));
            let any_held =
                a.iter().any(|item| waits(Side::A, item)) || b.iter().any(|item| waits(Side::B, item));
            if any_held {
                self.shared.exempt("waits for a person");
                continue;
            }
            if a.iter().chain(b).any(|item| item.composed) {
                self.shared.exempt("held as several items");
                continue;
            }
            let (loose, split) = {
                let book = self.book();
                let known = book.event(event);
                (known.and_then(|known| known.loose), known.and_then(|known| known.split))
            };
            if self.shared.watch().poisoned.contains(&event) {
                self.shared.exempt("refused for ever");
                continue;
            }
            if let Some(why) = split {
                self.shared.exempt(why);
                continue;
            }
            for (side, items) in [(Side::A, a), (Side::B, b)] {
                if items.len() > 1 {
                    self.shared.violated(
                        "I8",
                        format!("appointment {event} is there {} times on {side}", items.len()),
                    );
                }
            }
            if let Some(why) = loose {
                self.shared.exempt(why);
                continue;
            }
            match (a.first(), b.first()) {
                (Some(a), Some(b)) => self.shows_the_same(event, a, b),
                (Some(item), None) => self.may_be_alone(event, Side::A, item),
                (None, Some(item)) => self.may_be_alone(event, Side::B, item),
                (None, None) => {}
            }
        }
    }

    fn shows_the_same(&self, event: usize, a: &Standing, b: &Standing) {
        let settings = self.shared.settings();
        let private_by = self.book().event(event).and_then(|event| event.private_by);
        let hidden = |side: Side, item: &Standing| {
            item.series.event.sensitivity.is_private()
                && hides(&settings, side)
                && settings.direction.writes(side.other())
        };
        let masked_a = hidden(Side::A, a);
        let masked_b = hidden(Side::B, b);
        let plain = same(&self.options, &a.series, &b.series);
        let result = match private_by {
            Some(Side::A) if masked_a => is_masked(&a.series, &b.series, |word| self.told_on(Side::B, word)),
            Some(Side::B) if masked_b => is_masked(&b.series, &a.series, |word| self.told_on(Side::A, word)),
            _ => plain,
        };
        // Who made it private went back with the calendar.
        let either = || {
            masked_a && is_masked(&a.series, &b.series, |word| self.told_on(Side::B, word)).is_ok()
                || masked_b && is_masked(&b.series, &a.series, |word| self.told_on(Side::A, word)).is_ok()
        };
        if self.restored && result.is_err() && either() {
            self.shared.exempt("a restore took who made it private");
            return;
        }
        if self.restored && result.is_err() && self.is_ignored(&settings, a, b) {
            self.shared.exempt("what may be an edit is ignored after a loss of memory");
            return;
        }
        if let Err(field) = result {
            self.shared.violated(
                "I2",
                format!(
                    "appointment {event} differs in {field}: A {} | B {}",
                    crate::people::short(&a.series),
                    crate::people::short(&b.series)
                ),
            );
        }
    }

    /// Whether edits of the item that is written only are ignored, and its receipt does not say that there were none: when the
    /// memory is lost, all else that it says may be one, also what the server rounded.
    fn is_ignored(&self, settings: &Settings, a: &Standing, b: &Standing) -> bool {
        let items = PerSide { a, b };
        let may_be_edited = |side: Side| {
            let (item, other) = (items.get(side), items.get(side.other()));
            let unheld = self.options.manners.get(side).unheld;
            let as_made = Series { uid: other.series.uid.clone(), ..item.series.as_ref().clone() };
            let says = |receipt: &Receipt| {
                [item.series.as_ref(), &as_made].into_iter().any(|it| receipt.says(it, unheld))
            };
            !item.receipt.as_deref().is_some_and(says)
        };
        let receives = |side: Side| {
            !settings.direction.writes(side.other()) || items.get(side.other()).access != Access::Full
        };
        settings.read_only_edit == ReadOnlyEdit::Ignore
            && Side::BOTH.into_iter().any(|side| receives(side) && may_be_edited(side))
    }

    fn told_on(&self, side: Side, word: Word) -> bool {
        self.book().told.get(&word).is_some_and(|told| told.side == side)
    }

    fn may_be_alone(&self, event: usize, side: Side, item: &Standing) {
        let settings = self.shared.settings();
        if !settings.direction.writes(side.other()) {
            return;
        }
        if out_of_scope(&settings, side, &item.series, self.now()) {
            return;
        }
        // Nobody makes an original again from its masked copy.
        let masks = hides(&settings, side.other());
        if masks && self.book().event(event).is_some_and(|event| *event.masked_on.get(side)) {
            self.shared.exempt("a masked copy whose original is gone");
            return;
        }
        self.shared.violated(
            "I2",
            format!(
                "appointment {event} is only on {side}: {} {}",
                item.key,
                crate::people::short(&item.series)
            ),
        );
    }

    /// I3, I6: what people wrote is to be seen, or the journal has it.
    fn nothing_lost(&self, on: &[BTreeMap<usize, Vec<Standing>>; 2]) {
        let mut visible: BTreeSet<Word> = BTreeSet::new();
        let mut nobodys = Vec::new();
        let book = self.book();
        for (event, items) in on.iter().flatten() {
            for item in items {
                words(&item.series, &mut |word, _| {
                    visible.insert(word);
                    if !book.told.get(&word).is_some_and(|told| told.events.contains(event)) {
                        nobodys.push((word, item.key.clone()));
                    }
                });
            }
        }
        let (shown, named) = {
            let watch = self.shared.watch();
            (watch.before_images.clone(), watch.named_lost.clone())
        };
        // What was written once, into one appointment, and where it is carried from has to be called lost. Of anything else a
        // before-image is enough: which of several places a word went missing from is not known here, and a restore brings
        // back what the other side takes for edits.
        let journaled = |word: &Word, told: &Told| {
            let loose = self.restored || told.against || told.doubted || told.again || told.events.len() > 1;
            named.contains(word) || loose && shown.contains(word)
        };
        let mut lost = Vec::new();
        let mut overtaken = Vec::new();
        for (word, told) in &book.told {
            if told.alive && !visible.contains(word) && !journaled(word, told) {
                lost.push((*word, told.events.clone(), told.side, told.spot));
            }
            if !told.alive && visible.contains(word) && told.events.len() == 1 && !self.restored {
                let newer = book.told.iter().find(|(other, newer)| {
                    newer.alive
                        && newer.events == told.events
                        && newer.spot == told.spot
                        && !newer.against
                        && !visible.contains(other)
                        && !journaled(other, newer)
                });
                if let Some((newer, _)) = newer {
                    overtaken.push((*word, *newer));
                }
            }
        }
        drop(book);
        for (word, events, side, spot) in lost {
            self.shared.violated(
                "I3",
                format!("{word:?} of appointment {events:?}, written on {side} at {spot:?}, is lost"),
            );
        }
        for (word, key) in nobodys {
            self.shared.violated("I3", format!("{key} shows {word:?}, which nobody wrote there"));
        }
        for (old, new) in overtaken {
            self.shared.violated("I6", format!("{old:?} is shown, which was replaced, and {new:?} is not"));
        }
    }

    /// Whether a write can have been rounded by a side without anybody reading it back at once.
    fn rounds_unseen(&self) -> bool {
        let manners = &self.options.manners;
        self.options.mix != Mix::Calm && (manners.a.lossy || manners.b.lossy)
    }

    /// I7: what was deleted and changed by nobody since stays deleted.
    fn nothing_came_back(
        &self,
        on: &[BTreeMap<usize, Vec<Standing>>; 2],
        held: &BTreeMap<(Side, String), String>,
    ) {
        let book = self.book();
        let alive: BTreeSet<usize> = book
            .told
            .values()
            .filter(|told| told.alive)
            .flat_map(|told| told.events.iter().copied())
            .collect();
        let mut back = Vec::new();
        for (side, events) in Side::BOTH.into_iter().zip(on) {
            for (event, items) in events {
                let Some(appointment) = book.event(*event) else { continue };
                if !appointment.deleted
                    || alive.contains(event)
                    || appointment.loose.is_some()
                    || appointment.split.is_some()
                {
                    continue;
                }
                if items.iter().any(|item| held.contains_key(&(side, item.key.clone()))) {
                    continue;
                }
                let again = items.iter().any(|item| {
                    let has = set_of(&item.series);
                    has.iter().any(|word| book.told.get(word).is_some_and(|told| told.again))
                });
                // An old copy waits for a person where it appeared.
                let revived = &appointment.revived;
                let carried_from_old = *revived.get(side.other()) && !*revived.get(side);
                let excuse = if appointment.unasked {
                    Some("deleted before anybody asked what became of a write")
                } else if appointment.shared {
                    Some("a deleted appointment with copies")
                } else if appointment.one_sided {
                    Some("a deleted appointment with values that one side cannot hold")
                } else if (appointment.put_back.a || appointment.put_back.b) && !carried_from_old {
                    Some("put back on one side and deleted on the other")
                } else if appointment.outran.a || appointment.outran.b {
                    Some("moved out and back while a write was read back")
                } else if self.rounds_unseen() {
                    Some("what a server rounded while a round was cut off counts as an edit")
                } else if again {
                    Some("a deleted appointment shows what was written once more")
                } else {
                    self.restored.then_some("came back with a restore")
                };
                back.push((side, *event, excuse));
            }
        }
        drop(book);
        for (side, event, excuse) in back {
            match excuse {
                Some(why) => self.shared.exempt(why),
                None => self
                    .shared
                    .violated("I7", format!("appointment {event} was deleted and is on {side} again")),
            }
        }
    }
}

/// Items that wait for a person.
fn waiting(links: &[Link]) -> BTreeMap<(Side, String), String> {
    let mut held = BTreeMap::new();
    for link in links {
        let Some(waits) = &link.hold else { continue };
        for (side, half) in link.halves.iter() {
            if let Some(half) = half {
                held.insert((side, half.key.as_str().to_owned()), waits.why.clone());
            }
        }
    }
    held
}
