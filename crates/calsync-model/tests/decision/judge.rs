//! What has to be true at the end, seen from the outside: the calendars, the journal, and the book of what people did.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{PerSide, Side};
use calsync_core::link::Direction;
use calsync_core::store::{JournalQuery, StateStore};
use calsync_core::sync::{ConflictPolicy, Leaving, Private, ReadOnlyEdit};

use super::people::{Act, Deed, Look, look, name_of};
use super::play::play;
use super::rules::Rules;
use super::starts::Start;
use super::world::{Names, World, block_on};

/// How many rounds may pass before it is quiet.
const ROUNDS: usize = 7;

/// Plays rounds until nothing is written any more, and says what is wrong then.
pub fn heal(mut world: World, names: &Names, rules: &Rules, start: Start) -> Result<(), String> {
    let settings = rules.settings();
    let mut quiet = 0;
    for _ in 0..ROUNDS {
        let before = world.store_chain;
        let Some(played) = play(&world, names, &settings, &[], false) else { break };
        world = played.end;
        let held = played.report.held;
        if let Some(wrong) = world.wrong.first() {
            return Err(wrong.clone());
        }
        let settled = !played.wrote && played.report.failure.is_none() && played.report.failing == 0;
        quiet = if settled { quiet + 1 } else { 0 };
        // What nothing is stored about is the same in the next round; what waits for a person is looked at each time.
        if settled && (world.store_chain == before || quiet == 2 && held > 0) {
            return Case::new(&world, names, rules, start, held).judge();
        }
    }
    Err(format!("not quiet after {ROUNDS} rounds"))
}

struct Case<'a> {
    rules: &'a Rules,
    start: Start,
    held: u64,
    deeds: &'a [Deed],
    /// What each side shows, by appointment.
    shown: PerSide<BTreeMap<String, Vec<Look>>>,
    /// What was kept of versions that were replaced.
    kept: Vec<Look>,
    late: bool,
    open: usize,
}

impl<'a> Case<'a> {
    fn new(world: &'a World, names: &Names, rules: &'a Rules, start: Start, held: u64) -> Case<'a> {
        let shown = PerSide::from_fn(|side| {
            let mut shown: BTreeMap<String, Vec<Look>> = BTreeMap::new();
            for stored in world.sides.get(side).shelf().items.values() {
                shown.entry(name_of(&stored.series)).or_default().push(look(&stored.series));
            }
            shown
        });
        let journal =
            block_on(world.store.journal_entries(&names.pairing, &JournalQuery::default())).unwrap();
        let head = block_on(world.store.head(&names.pairing)).unwrap();
        Case {
            rules,
            start,
            held,
            deeds: &world.deeds,
            shown,
            kept: journal.iter().filter_map(|entry| entry.before.as_ref()).map(look).collect(),
            late: world.late,
            open: head.intents.len(),
        }
    }

    fn judge(&self) -> Result<(), String> {
        if self.open > 0 {
            return Err(format!("{} writes are still open", self.open));
        }
        let names: BTreeSet<&str> = self.deeds.iter().map(|deed| deed.name.as_str()).collect();
        for side in Side::BOTH {
            if let Some(name) = self.shown.get(side).keys().find(|name| !names.contains(name.as_str())) {
                return Err(format!("nobody made {name} on {side}"));
            }
        }
        if self.late {
            // What was made twice because the first was held up on its way is seen by a person. Nothing may be lost.
            return names.iter().try_for_each(|name| {
                let deeds: Vec<&Deed> = self.deeds.iter().filter(|deed| deed.name == *name).collect();
                self.nothing_invented(name, &deeds)?;
                self.nothing_lost(name, &deeds)
            });
        }
        // Somebody takes an item out of the bin at the moment when it is made anew, because the edit of the other side won:
        // then there are two, and a person sees that. Nothing may be lost of either.
        let edited = |side: Side| {
            let edits =
                |deed: &Deed| deed.before.is_some() && deed.after.is_some() && deed.before != deed.after;
            self.start.is_first_sync()
                // Made anew because deletions of the other side are not carried.
                || self.rules.direction != Direction::Both
                || self.deeds.iter().any(|deed| deed.side == side && edits(deed))
        };
        if self.deeds.iter().any(|deed| deed.act == Act::PutBack && edited(deed.side.other())) {
            return names.iter().try_for_each(|name| {
                let deeds: Vec<&Deed> = self.deeds.iter().filter(|deed| deed.name == *name).collect();
                self.nothing_lost(name, &deeds)
            });
        }
        names.iter().try_for_each(|name| self.judge_one(name).map_err(|wrong| format!("{name}: {wrong}")))
    }

    fn looks(&self, side: Side, name: &str) -> &[Look] {
        self.shown.get(side).get(name).map_or(&[], Vec::as_slice)
    }

    fn judge_one(&self, name: &str) -> Result<(), String> {
        let deeds: Vec<&Deed> = self.deeds.iter().filter(|deed| deed.name == name).collect();
        let did = |acts: &[Act]| deeds.iter().any(|deed| acts.contains(&deed.act));
        // An item that comes back while its counterpart is made anew is there twice, which a person is told. Two that are
        // alike and were told apart before they were ever read are two.
        let told = self.held > 0 && did(&[Act::PutBack, Act::Rename]);
        let apart = self.start == Start::FirstAlike && self.deeds.len() > 2;
        for side in Side::BOTH {
            if self.looks(side, name).len() > 1 && !told && !apart {
                return Err(format!("it is there {} times on {side}", self.looks(side, name).len()));
            }
        }
        self.nothing_invented(name, &deeds)?;
        self.nothing_lost(name, &deeds)?;
        self.waits_with_reason()?;
        self.there_or_not(name, &deeds)?;
        self.alike(name, &deeds)
    }

    /// Whether a copy may have taken the place of its original: the original went or became another before the engine knew
    /// it, and the copy looks like it and carries its receipt.
    fn stands_in(&self) -> bool {
        let Some(copied) = self.deeds.iter().position(|deed| deed.act == Act::Copy) else { return false };
        let side = self.deeds.get(copied).map(|deed| deed.side);
        self.deeds.iter().filter(|deed| Some(deed.side) == side).any(|deed| {
            deed.act == Act::Delete && !deed.known || self.start.is_first_sync() && deed.act != Act::New
        })
    }

    /// Every value was written by somebody into this appointment, or is what a mask shows.
    fn nothing_invented(&self, name: &str, deeds: &[&Deed]) -> Result<(), String> {
        let masks = self.rules.private != Private::Pass;
        for side in Side::BOTH {
            for (field, value) in self.looks(side, name).iter().flatten() {
                let written = deeds.iter().any(|deed| {
                    [&deed.before, &deed.after]
                        .into_iter()
                        .flatten()
                        .any(|look| look.get(field) == Some(value))
                });
                let masked = masks && (value == "Privat" || value.is_empty());
                // An instance that the rule shows as its master shows it.
                let bare = *field == "one" && value.is_empty();
                if !written && !masked && !bare {
                    return Err(format!("nobody wrote {field} {value:?} on {side}"));
                }
            }
        }
        Ok(())
    }

    /// Every value that nobody replaced or deleted knowingly is on a side, or was kept.
    fn nothing_lost(&self, name: &str, deeds: &[&Deed]) -> Result<(), String> {
        for (field, value) in alive(deeds) {
            let has = |look: &Look| look.values().any(|shown| shown == value);
            let there = Side::BOTH.iter().any(|side| self.looks(*side, name).iter().any(has));
            if !there && !self.kept.iter().any(has) {
                return Err(format!("{field} {value} is lost"));
            }
        }
        Ok(())
    }

    fn waits_with_reason(&self) -> Result<(), String> {
        let did = |act: Act| self.deeds.iter().any(|deed| deed.act == act);
        let may = self.rules.conflict == ConflictPolicy::Hold
            || self.rules.read_only == ReadOnlyEdit::Report
            || self.rules.window == Some(Leaving::Hold)
            // An old copy of what was deleted.
            || did(Act::PutBack)
            // It went on one side and was moved on the other.
            || did(Act::Rename) && did(Act::Delete)
            // A first sync deletes nothing.
            || self.start.is_first_sync()
                && (did(Act::Delete) || self.rules.window == Some(Leaving::Delete) && did(Act::Far));
        if self.held > 0 && !may { Err("it waits for a person without reason".to_owned()) } else { Ok(()) }
    }

    /// Who deleted it and was not contradicted is obeyed; what nobody deleted is there.
    fn there_or_not(&self, name: &str, deeds: &[&Deed]) -> Result<(), String> {
        let there = PerSide::from_fn(|side| !self.looks(side, name).is_empty());
        let mut deleted: PerSide<Option<&Deed>> = PerSide::default();
        let mut made = PerSide { a: false, b: false };
        for deed in deeds {
            match deed.act {
                Act::Delete => *deleted.get_mut(deed.side) = Some(deed),
                Act::PutBack => *deleted.get_mut(deed.side) = None,
                Act::New | Act::Copy => *made.get_mut(deed.side) = true,
                _ => {}
            }
        }
        let decided = self.held == 0 && self.rules.window.is_none() && self.rules.private == Private::Pass;
        if self.start == Start::FirstAlike && self.deeds.len() > 2 || self.stands_in() {
            return Ok(());
        }
        match (deleted.a, deleted.b) {
            (None, None) if !deeds.iter().any(|deed| deed.act == Act::PutBack) => {
                for side in Side::BOTH {
                    let carried = self.rules.direction.writes(side) && decided;
                    // Of one that left the window the counterpart goes, wherever it was made; that itself stays.
                    let left = self.rules.window == Some(Leaving::Delete) && *there.get(side.other());
                    if (*made.get(side) && !left || carried) && !there.get(side) {
                        return Err(format!("nobody deleted it, and it is not there on {side}"));
                    }
                }
            }
            (Some(_), Some(_)) => {
                let again = deeds.iter().any(|deed| deed.act == Act::PutBack);
                if !again && decided && (there.a || there.b) && alive(deeds).is_empty() {
                    return Err("deleted on both sides, and there again".to_owned());
                }
            }
            (Some(deed), None) | (None, Some(deed)) => self.obeyed(deed, deeds, there, decided)?,
            (None, None) => {}
        }
        Ok(())
    }

    /// Somebody deleted it on one side only.
    fn obeyed(
        &self,
        deed: &Deed,
        deeds: &[&Deed],
        there: PerSide<bool>,
        decided: bool,
    ) -> Result<(), String> {
        let other = deed.side.other();
        let again = deeds.iter().any(|deed| deed.act == Act::PutBack);
        if !decided || !deed.known || self.start.is_first_sync() || again {
            return Ok(());
        }
        let at = deeds.iter().position(|d| std::ptr::eq(*d, deed)).unwrap_or_default();
        let untold = |look: &Look| deed.before.as_ref() != Some(look);
        let toggled = deeds.iter().any(|d| d.side == other && matches!(d.act, Act::Private | Act::Public));
        if toggled {
            return Ok(());
        }
        // What somebody wrote on the other side without seeing that it was deleted, or without this being seen here.
        let contested = deed.other.as_ref().is_some_and(untold)
            || deeds.iter().skip(at).any(|d| d.side == other && d.before.is_some() && d.before != d.after);
        let obeys = match self.rules.direction {
            Direction::Both => !contested || self.rules.deletion_wins,
            direction if direction.writes(other) => true,
            _ => {
                return match self.rules.read_only {
                    ReadOnlyEdit::Revert if there.a && there.b => Ok(()),
                    ReadOnlyEdit::Revert => {
                        Err("it was deleted where it may not, and is not there again".to_owned())
                    }
                    ReadOnlyEdit::Ignore | ReadOnlyEdit::Report if *there.get(other) => Ok(()),
                    ReadOnlyEdit::Ignore | ReadOnlyEdit::Report => {
                        Err("a deletion that is not carried was carried".to_owned())
                    }
                };
            }
        };
        match (obeys, there.a || there.b, there.a && there.b) {
            (true, false, _) | (false, _, true) => Ok(()),
            (true, true, _) => Err(format!("deleted on {}, and still there", deed.side)),
            (false, _, false) => {
                Err(format!("deleted on {} and edited on {other}: the edit lost", deed.side))
            }
        }
    }

    /// Both sides show the same, and it is what the rules say.
    fn alike(&self, name: &str, deeds: &[&Deed]) -> Result<(), String> {
        let (Some(a), Some(b)) = (self.looks(Side::A, name).first(), self.looks(Side::B, name).first())
        else {
            return Ok(());
        };
        if self.rules.private != Private::Pass || self.held > 0 {
            return Ok(());
        }
        if self.start == Start::FirstAlike && self.deeds.len() > 2 || self.stands_in() {
            return Ok(());
        }
        let looks = PerSide { a, b };
        let lead = match self.rules.direction {
            Direction::Both => None,
            Direction::AToB => Some(Side::A),
            Direction::BToA => Some(Side::B),
        };
        if a != b
            && (lead.is_none() || self.rules.read_only == ReadOnlyEdit::Revert && !self.start.is_first_sync())
        {
            return Err(format!("the sides differ: {a:?} and {b:?}"));
        }
        let alive = alive(deeds);
        let beats = |rival: &Deed, deed: &Deed| {
            let at = |wanted: &Deed| deeds.iter().position(|deed| std::ptr::eq(*deed, wanted));
            match self.rules.conflict {
                ConflictPolicy::Newer => at(rival) > at(deed),
                ConflictPolicy::Prefer(side) => side == rival.side,
                ConflictPolicy::Hold => true,
            }
        };
        // People who did anything else besides made one side newer than the other.
        let only_rivals = deeds
            .iter()
            .all(|deed| deed.act == Act::New || deed.wrote().is_some_and(|wrote| alive.contains(&wrote)));
        for deed in deeds {
            let Some((field, value)) = deed.wrote().filter(|wrote| alive.contains(wrote)) else { continue };
            let rivals: Vec<&&Deed> =
                deeds.iter().filter(|rival| rival.side != deed.side && rival.changed(field)).collect();
            let wins = match (lead, self.rules.conflict) {
                // `Settings::lead` is A; where nothing is carried from there, differences at first sight stay.
                // With its receipts a link is known again before it is written: of what comes after that the policy
                // decides, as of any later edit. Where both would take this one, it wins.
                _ if matches!(self.start, Start::StoreLost(_))
                    && rivals.iter().any(|rival| beats(rival, deed)) =>
                {
                    false
                }
                _ if self.start.is_first_sync() => deed.side == Side::A && lead != Some(Side::B),
                (Some(lead), _) => lead == deed.side,
                (None, _) if rivals.is_empty() => true,
                (None, ConflictPolicy::Prefer(side)) => side == deed.side,
                (None, ConflictPolicy::Newer) => {
                    only_rivals && deeds.last().is_some_and(|last| std::ptr::eq(*last, *deed))
                }
                (None, ConflictPolicy::Hold) => false,
            };
            let target = deed.side.other();
            let shows = |side: Side| looks.get(side).values().any(|shown| shown == value);
            let may_stay = lead.is_some()
                && self.rules.read_only != ReadOnlyEdit::Revert
                && deeds.iter().any(|deed| deed.side == target);
            if wins && !may_stay && !(shows(Side::A) && shows(Side::B)) {
                return Err(format!("{field} {value} should have won: {a:?} and {b:?}"));
            }
        }
        Ok(())
    }
}

/// The values that people wrote into an appointment, and that nobody replaced or deleted who had seen them.
fn alive<'a>(deeds: &[&'a Deed]) -> Vec<(&'static str, &'a str)> {
    let mut alive: Vec<(&'static str, &str)> = Vec::new();
    for deed in deeds {
        for (field, value) in deed.before.iter().flatten() {
            let stays = deed.after.as_ref().and_then(|after| after.get(field)) == Some(value);
            if !stays {
                alive.retain(|known| *known != (*field, value.as_str()));
            }
        }
        alive.extend(deed.wrote());
    }
    alive
}
