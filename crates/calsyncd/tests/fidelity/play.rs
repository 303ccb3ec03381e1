//! Plays a script: people act, the engine keeps in step, both calendars are looked at.
//!
//! Beyond "both show the same", what one side alone did must stand there unchanged, every text that a person entered must
//! be seen on both sides, nothing may vanish that nobody deleted, and a calendar at rest causes no write.

use std::collections::BTreeMap;

use calsync_core::zone::{Resolved, Zone};
use calsync_testkit::people::{Busy, Draft, Edit, Repeat, Rhythm, Tile, Until};
use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, TimeDelta};

use super::expect::{
    WINDOW, agreed, begins_in_gap, cannot_hold, difference, empties, first_difference, is_agreed,
    may_come_back,
};
use super::script::{At, Plain, Script, Shift, Step};
use super::tally::Tally;
use super::world::{Pairing, World};

/// Rounds after which a calendar must be at rest.
const MOST_ROUNDS: u64 = 4;
/// Fewer occurrences than this are not deleted from: Exchange has no series without one.
const FEW: usize = 6;

/// What is known of one appointment.
struct Item {
    nvs: Option<String>,
    exchange: Option<String>,
    /// Of the master; wall clock.
    span: (NaiveDateTime, NaiveDateTime),
    all_day: bool,
    repeats: bool,
    /// As it was entered, but for its time: what a split goes on with.
    draft: Draft,
    /// The side on which a person deleted it since the last sync.
    deleted: [bool; 2],
    /// Who moved what since the last sync.
    moved: Moved,
    /// Whether occurrences were ever changed.
    changed_within: bool,
    /// Whether texts of occurrences were ever cleared.
    emptied_within: bool,
    /// Which sides deleted occurrences since the last sync.
    thinned: [bool; 2],
    /// Which side set categories since the last sync. What both set is kept, but NVS shows one of them only.
    sets_category: Option<At>,
    over: bool,
}

/// Who moved what of an appointment. Where one side moves occurrences, the other leaves all times alone: together they
/// could ask for something that Exchange refuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Moved {
    whole: [bool; 2],
    occurrence: [bool; 2],
    /// Became a series or a single appointment, or was split.
    turned: [bool; 2],
}

impl Item {
    fn id(&self, at: At) -> Option<&str> {
        match at {
            At::Nvs => self.nvs.as_deref(),
            At::Exchange => self.exchange.as_deref(),
        }
    }
}

/// A text that a person entered since the last sync: appointment, original day of an occurrence, field.
type Place = (usize, Option<NaiveDate>, &'static str);

struct Play<'w> {
    pair: Pairing<'w>,
    version: &'w str,
    items: Vec<Item>,
    /// What people deleted, by side.
    binned: [usize; 2],
    /// Which sides were changed since the last sync.
    changed: [bool; 2],
    /// Whether nothing but entering happened since the start.
    only_entered: bool,
    /// Whether an edit since the last sync may come back changed, see [`may_come_back`].
    comes_back: bool,
    synced: bool,
    texts: BTreeMap<Place, Vec<(At, String)>>,
    window: (NaiveDate, NaiveDate),
    tally: Tally,
}

/// Plays a script in calendars of its own.
pub(crate) async fn play(world: &World, script: &Script, loud: bool) -> Result<Tally, String> {
    let pair = world.pair(&script.version).ok_or_else(|| format!("no version {:?}", script.version))?;
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let mut play = Play {
        pair,
        version: &script.version,
        items: Vec::new(),
        binned: [0, 0],
        changed: [false, false],
        only_entered: true,
        comes_back: false,
        synced: false,
        texts: BTreeMap::new(),
        window: (day(WINDOW.0), day(WINDOW.1)),
        tally: Tally::default(),
    };
    play.tally.count("cases");
    play.tally.count(format!("version {}", script.version));
    for step in &script.steps {
        match step {
            Step::Sync => play.sync(loud).await?,
            other => {
                let done = play.act(other);
                if loud {
                    println!("{} {other:?}", if done { "done   " } else { "not done" });
                }
            }
        }
    }
    play.sync(loud).await?;
    play.at_rest().await?;
    Ok(play.tally)
}

fn index(at: At) -> usize {
    match at {
        At::Nvs => 0,
        At::Exchange => 1,
    }
}

fn word(at: At) -> &'static str {
    match at {
        At::Nvs => "nvs",
        At::Exchange => "exchange",
    }
}

fn shifted(at: NaiveDateTime, days: i64, minutes: i64) -> NaiveDateTime {
    at + TimeDelta::days(days) + TimeDelta::minutes(minutes)
}

impl Play<'_> {
    fn tiles(&self, at: At) -> Vec<Tile> {
        let (people, calendar) = self.pair.people(at);
        people.tiles(calendar, self.window.0, self.window.1)
    }

    /// Lets a person do something; `false` when it could not be done.
    fn act(&mut self, step: &Step) -> bool {
        let (at, item) = match step {
            Step::Create { at, draft } => return self.enter(*at, draft),
            Step::CreateOnBoth { draft, edit } => return self.enter_on_both(draft, edit),
            Step::Edit { at, item, .. }
            | Step::Move { at, item, .. }
            | Step::Delete { at, item }
            | Step::EditOccurrence { at, item, .. }
            | Step::MoveOccurrence { at, item, .. }
            | Step::DeleteOccurrence { at, item, .. }
            | Step::Turn { at, item, .. }
            | Step::Split { at, item, .. } => (*at, *item),
            Step::Sync => return false,
        };
        let Some(known) = self.items.get(item) else { return false };
        if known.over || known.deleted[index(at)] {
            return false;
        }
        if !self.synced && known.nvs.is_some() && known.exchange.is_some() {
            // Changed, they would not be taken for the same.
            return false;
        }
        let Some(id) = known.id(at).map(str::to_owned) else { return false };
        let done = match step {
            Step::Create { .. } | Step::CreateOnBoth { .. } | Step::Sync => false,
            Step::Edit { edit, .. } => self.edit(at, item, &id, edit),
            Step::Move { by, .. } => self.shift(at, item, &id, *by),
            Step::Delete { .. } => self.delete(at, item, &id),
            Step::EditOccurrence { nth, edit, .. } => self.edit_occurrence(at, item, &id, *nth, edit),
            Step::MoveOccurrence { nth, by, .. } => self.move_occurrence(at, item, &id, *nth, *by),
            Step::DeleteOccurrence { nth, .. } => self.delete_occurrence(at, item, &id, *nth),
            Step::Turn { into, .. } => self.turn(at, item, &id, *into),
            Step::Split { nth, edit, .. } => self.split(at, item, &id, *nth, edit),
        };
        if done {
            self.changed[index(at)] = true;
            self.only_entered = false;
        }
        done
    }

    fn enter(&mut self, at: At, draft: &Draft) -> bool {
        let (people, calendar) = self.pair.people(at);
        let cannot_hold = cannot_hold(self.version, at, draft);
        let entered = if cannot_hold.is_none() { people.create(calendar, draft) } else { None };
        let Some(id) = entered else {
            let why = cannot_hold.map_or_else(|| format!("not entered in {}", word(at)), str::to_owned);
            self.tally.count(why);
            // It keeps its number.
            self.items.push(Item {
                nvs: None,
                exchange: None,
                span: (draft.start, draft.end),
                all_day: draft.all_day,
                repeats: false,
                draft: draft.clone(),
                deleted: [false, false],
                moved: Moved::default(),
                changed_within: false,
                emptied_within: false,
                thinned: [false, false],
                sets_category: None,
                over: true,
            });
            return false;
        };
        let (nvs, exchange) = match at {
            At::Nvs => (Some(id), None),
            At::Exchange => (None, Some(id)),
        };
        self.items.push(Item {
            nvs,
            exchange,
            span: (draft.start, draft.end),
            all_day: draft.all_day,
            repeats: draft.repeat.is_some(),
            draft: draft.clone(),
            deleted: [false, false],
            moved: Moved::default(),
            changed_within: false,
            emptied_within: false,
            thinned: [false, false],
            sets_category: None,
            over: false,
        });
        self.changed[index(at)] = true;
        self.tally.count(format!("entered in {}", word(at)));
        self.tally_draft(draft);
        true
    }

    /// Only before the first sync are two of the same taken for one.
    fn enter_on_both(&mut self, draft: &Draft, edit: &Edit) -> bool {
        let plain = !draft.subject.is_empty() && is_agreed(&draft.subject);
        let held = cannot_hold(self.version, At::Exchange, draft).is_none();
        if self.synced || !plain || !held || !self.enter(At::Nvs, draft) {
            return false;
        }
        let differs = Edit { subject: None, ..edit.clone() };
        let (people, calendar) = self.pair.people(At::Exchange);
        let Some(id) = people.create(calendar, draft) else { return false };
        people.edit(calendar, &id, &differs);
        if let Some(item) = self.items.last_mut() {
            item.exchange = Some(id);
        }
        self.changed = [true, true];
        self.only_entered = false;
        self.tally.count("entered on both sides");
        true
    }

    fn tally_draft(&mut self, draft: &Draft) {
        let tally = &mut self.tally;
        tally.count(match (&draft.repeat, draft.all_day) {
            (None, false) => "single timed",
            (None, true) => "single all-day",
            (Some(_), false) => "series timed",
            (Some(_), true) => "series all-day",
        });
        if let Some(repeat) = &draft.repeat {
            tally.count(match repeat.rhythm {
                Rhythm::Daily => "rhythm daily",
                Rhythm::Weekly(_) => "rhythm weekly",
                Rhythm::MonthlyOn(31) => "rhythm monthly last day",
                Rhythm::MonthlyOn(_) => "rhythm monthly day",
                Rhythm::MonthlyNth(..) => "rhythm monthly nth",
                Rhythm::Yearly => "rhythm yearly",
            });
            tally.count(match repeat.until {
                Until::Forever => "ends never",
                Until::Count(_) => "ends by count",
                Until::Day(_) => "ends by day",
            });
        }
        tally.count(format!("zone {}", draft.zone));
        if !draft.all_day
            && let Ok(zone) = Zone::new(&draft.zone)
        {
            match zone.resolve(draft.start) {
                Resolved::Once(_) => {}
                Resolved::Gap(_) => tally.count("starts in a gap"),
                Resolved::Fold(_) => tally.count("starts in a fold"),
            }
            let begin = zone.to_utc(draft.start);
            if draft.repeat.is_some() && zone.changes(begin, begin + TimeDelta::days(365)).next().is_some() {
                tally.count("crosses a change of the clocks");
            }
        }
        for (is, kind) in [
            (draft.private, "private"),
            (draft.busy == Busy::WorkingElsewhere, "working elsewhere"),
            (draft.subject.is_empty(), "empty subject"),
        ] {
            if is {
                tally.count(kind);
            }
        }
    }

    /// The edit without what both sides may not do until the next sync; `None` when nothing is left.
    fn allowed(&mut self, at: At, item: usize, edit: &Edit) -> Option<Edit> {
        let mut edit = edit.clone();
        if edit.category.is_some() {
            let by = self.items[item].sets_category.get_or_insert(at);
            if *by != at {
                self.tally.count("left out: both sides set a category");
                edit.category = None;
            }
        }
        (edit != Edit::default()).then_some(edit)
    }

    fn edit(&mut self, at: At, item: usize, id: &str, edit: &Edit) -> bool {
        let Some(edit) = &self.allowed(at, item, edit) else { return false };
        let (people, calendar) = self.pair.people(at);
        if !people.edit(calendar, id, edit) {
            return false;
        }
        self.tally.count(format!("edited in {}", word(at)));
        let known = &self.items[item];
        self.comes_back |= known.changed_within && may_come_back(edit, known.emptied_within);
        self.note_texts(at, item, None, edit);
        true
    }

    fn note_texts(&mut self, at: At, item: usize, day: Option<NaiveDate>, edit: &Edit) {
        let fields = [
            ("subject", edit.subject.as_deref()),
            ("place", edit.place.as_deref()),
            ("notes", edit.notes.as_deref().or(edit.html.as_deref())),
            ("customer", edit.customer.as_ref().map(|customer| customer.as_deref().unwrap_or_default())),
        ];
        for (field, text) in fields {
            if let Some(text) = text {
                self.texts.entry((item, day, field)).or_default().push((at, text.to_owned()));
            }
        }
    }

    /// Whether this side may move things of the appointment until the next sync.
    fn may_move(&mut self, at: At, item: usize, occurrence: bool) -> bool {
        let (here, there) = (index(at), index(at.other()));
        let moved = &mut self.items[item].moved;
        if moved.occurrence[there] || (moved.whole[there] && (occurrence || moved.turned != [false, false])) {
            self.tally.count("left out: the other side moves it");
            return false;
        }
        if occurrence {
            moved.occurrence[here] = true;
        } else {
            moved.whole[here] = true;
        }
        if moved.whole == [true, true] {
            self.tally.count("moved on both sides");
        }
        true
    }

    fn shift(&mut self, at: At, item: usize, id: &str, by: Shift) -> bool {
        if !self.may_move(at, item, false) {
            return false;
        }
        let known = &self.items[item];
        let minutes = if known.all_day { 0 } else { by.minutes };
        let longer = match (known.all_day, known.repeats) {
            // An occurrence that reaches the next one is refused by Exchange.
            (true, true) => 0,
            (true, false) => by.longer * 1440,
            (false, _) => by.longer,
        };
        let start = shifted(known.span.0, by.days, minutes);
        let end = shifted(known.span.1, by.days, minutes + longer);
        if end < start || (known.all_day && end == start) {
            return false;
        }
        if known.repeats && end - start > TimeDelta::days(1) {
            self.tally.count("left out: an occurrence that reaches the next one");
            return false;
        }
        // One that was made as long as the others are by now looks like them, and does not follow all the same.
        self.comes_back |= known.changed_within && longer != 0;
        let (people, calendar) = self.pair.people(at);
        let before = if at == At::Nvs { self.nvs_span(id) } else { None };
        let edit = Edit { span: Some((start, end)), ..Edit::default() };
        if !people.edit(calendar, id, &edit) {
            self.tally.count(format!("refused: moved in {}", word(at)));
            return false;
        }
        if at == At::Nvs
            && known.repeats
            && let Some(why) = self
                .cannot_begin(id, end - start)
                .or_else(|| self.meets_moved_ones(id).then_some("refused: crosses its neighbour"))
        {
            let back = Edit { span: before, ..Edit::default() };
            assert!(people.edit(calendar, id, &back), "a person puts it back where it was");
            self.tally.count(why);
            return true;
        }
        self.items[item].span = (start, end);
        self.tally.count(format!("moved in {}", word(at)));
        true
    }

    /// Lets only one side say how it repeats until the next sync.
    fn may_turn(&mut self, at: At, item: usize) -> bool {
        if self.items[item].moved.whole[index(at.other())] || !self.may_move(at, item, false) {
            return false;
        }
        self.items[item].moved.turned[index(at)] = true;
        true
    }

    fn turn(&mut self, at: At, item: usize, id: &str, into: Option<Plain>) -> bool {
        let known = &self.items[item];
        let (start, end) = known.span;
        let repeat = into.map(|plain| Repeat {
            rhythm: if plain.weekly { Rhythm::Weekly(vec![start.weekday()]) } else { Rhythm::Daily },
            every: plain.every,
            until: plain.count.map_or(Until::Forever, Until::Count),
        });
        let draft = Draft { start, end, repeat, ..known.draft.clone() };
        let too_long = draft.repeat.is_some() && end - start > TimeDelta::days(1);
        if known.repeats == draft.repeat.is_some()
            || too_long
            || cannot_hold(self.version, At::Nvs, &draft).is_some()
            || cannot_hold(self.version, At::Exchange, &draft).is_some()
            || !self.may_turn(at, item)
        {
            return false;
        }
        let (people, calendar) = self.pair.people(at);
        let edit = Edit { repeat: Some(draft.repeat.clone()), ..Edit::default() };
        if !people.edit(calendar, id, &edit) {
            self.tally.count(format!("refused: turned in {}", word(at)));
            return false;
        }
        self.tally.count(if draft.repeat.is_some() { "became a series" } else { "became a single one" });
        let known = &mut self.items[item];
        (known.repeats, known.draft) = (draft.repeat.is_some(), draft);
        true
    }

    fn split(&mut self, at: At, item: usize, id: &str, nth: usize, edit: &Edit) -> bool {
        let Some((all, k)) = self.occurrence(at, id, nth) else { return false };
        let known = &self.items[item];
        let Some(repeat) = known.draft.repeat.clone() else { return false };
        // Few would be left: the other side may delete them at the same time, and Exchange has no series without one.
        let (Some(last), true) = (all[k].date().pred_opt(), known.repeats && k >= FEW) else { return false };
        let length = known.span.1 - known.span.0;
        let draft = Draft { start: all[k], end: all[k] + length, ..known.draft.clone() };
        if cannot_hold(self.version, At::Nvs, &draft).is_some()
            || cannot_hold(self.version, At::Exchange, &draft).is_some()
            || !self.may_turn(at, item)
        {
            return false;
        }
        let (people, calendar) = self.pair.people(at);
        let until = Repeat { until: Until::Day(last), ..repeat };
        let ends = Edit { repeat: Some(Some(until.clone())), ..Edit::default() };
        if !people.edit(calendar, id, &ends) {
            self.tally.count(format!("refused: split in {}", word(at)));
            return false;
        }
        self.items[item].draft.repeat = Some(until);
        self.tally.count(format!("split in {}", word(at)));
        if self.enter(at, &draft) {
            let new = self.items.len() - 1;
            if let Some(id) = self.items[new].id(at).map(str::to_owned) {
                self.edit(at, new, &id, edit);
            }
        }
        true
    }

    /// What the clock shows at the ends of an appointment in NVS.
    fn nvs_span(&self, id: &str) -> Option<(NaiveDateTime, NaiveDateTime)> {
        let document = self.pair.nvs_document(id)?;
        Some((clock(&document["start"])?, clock(&document["end"])?))
    }

    /// Why Exchange cannot hold the series as it begins in NVS now.
    fn cannot_begin(&self, id: &str, length: TimeDelta) -> Option<&'static str> {
        let (people, calendar) = self.pair.people(At::Nvs);
        let (from, to) = self.window;
        let all = people.occurrences(calendar, id, from - Days::new(4000), to + Days::new(4000));
        let Some(first) = all.first() else { return Some("cannot hold: no occurrence left") };
        let document = self.pair.nvs_document(id)?;
        let zone = document["start"]["zone"].as_str()?;
        begins_in_gap(zone, *first, *first + length).then_some("cannot hold: first occurrence in a gap")
    }

    /// Whether an occurrence that was moved lies where the series has another one now.
    fn meets_moved_ones(&self, id: &str) -> bool {
        let (people, calendar) = self.pair.people(At::Nvs);
        let (from, to) = self.window;
        let all = people.occurrences(calendar, id, from - Days::new(4000), to + Days::new(4000));
        let Some(document) = self.pair.nvs_document(id) else { return false };
        let Some(overrides) = document["overrides"].as_object() else { return false };
        overrides.iter().any(|(key, own)| {
            let original = key
                .parse::<NaiveDateTime>()
                .ok()
                .or_else(|| key.parse::<NaiveDate>().ok().map(|day| day.and_time(chrono::NaiveTime::MIN)));
            let new = clock(&own["start"]).zip(clock(&own["end"]));
            match (original.and_then(|original| all.iter().position(|at| *at == original)), new) {
                (Some(k), Some(new)) => self.crosses(id, &all, k, new),
                (_, _) => false,
            }
        })
    }

    fn delete(&mut self, at: At, item: usize, id: &str) -> bool {
        let standing = self.items.iter().filter(|item| !item.over);
        let (all, left) = standing
            .fold((0, 0), |(all, left), item| (all + 1, left + usize::from(item.deleted == [false, false])));
        if all > 1 && left == 1 && self.items[item].deleted == [false, false] {
            // A calendar that was emptied waits for a person, whatever the guard's numbers.
            self.tally.count("left out: the last appointment");
            return false;
        }
        let (people, calendar) = self.pair.people(at);
        if !people.delete(calendar, id) {
            return false;
        }
        self.items[item].deleted[index(at)] = true;
        self.binned[index(at)] += 1;
        self.tally.count(format!("deleted in {}", word(at)));
        true
    }

    /// Original starts around one of the standing occurrences, and which of them it is.
    fn occurrence(&self, at: At, id: &str, nth: usize) -> Option<(Vec<NaiveDateTime>, usize)> {
        let (people, calendar) = self.pair.people(at);
        let (from, to) = self.window;
        let all = people.occurrences(calendar, id, from - Days::new(800), to + Days::new(800));
        let inside: Vec<usize> = (0..all.len())
            .filter(|k| (from..to).contains(&all[*k].date()))
            // Further on is as good as near, and slower.
            .take(40)
            .collect();
        let at = *inside.get(nth.checked_rem(inside.len())?)?;
        Some((all, at))
    }

    fn edit_occurrence(&mut self, at: At, item: usize, id: &str, nth: usize, edit: &Edit) -> bool {
        let Some((all, k)) = self.occurrence(at, id, nth) else { return false };
        let Some(edit) = &self.allowed(at, item, edit) else { return false };
        let (people, calendar) = self.pair.people(at);
        if !people.edit_occurrence(calendar, id, all[k], edit) {
            return false;
        }
        self.tally.count(format!("occurrence edited in {}", word(at)));
        self.items[item].changed_within = true;
        self.items[item].emptied_within |= empties(edit);
        self.note_texts(at, item, Some(all[k].date()), edit);
        true
    }

    fn move_occurrence(&mut self, at: At, item: usize, id: &str, nth: usize, by: Shift) -> bool {
        let Some((all, k)) = self.occurrence(at, id, nth) else { return false };
        if !self.may_move(at, item, true) {
            return false;
        }
        let known = &self.items[item];
        let original = all[k];
        let (minutes, longer) = if known.all_day { (0, by.longer * 1440) } else { (by.minutes, by.longer) };
        let start = shifted(original, by.days, minutes);
        let end = start + (known.span.1 - known.span.0) + TimeDelta::minutes(longer);
        if end < start || (known.all_day && end == start) {
            return false;
        }
        if at == At::Nvs && self.crosses(id, &all, k, (start, end)) {
            self.tally.count("refused: crosses its neighbour");
            return false;
        }
        let (people, calendar) = self.pair.people(at);
        let edit = Edit { span: Some((start, end)), ..Edit::default() };
        if !people.edit_occurrence(calendar, id, original, &edit) {
            self.tally.count("refused: crosses its neighbour");
            return false;
        }
        self.tally.count(format!("occurrence moved in {}", word(at)));
        self.items[item].changed_within = true;
        if start.date() != original.date() {
            self.tally.count("occurrence moved to another day");
        }
        true
    }

    /// Whether Exchange would refuse to hold the occurrence there, with room for the series to become a little longer.
    fn crosses(
        &self,
        id: &str,
        all: &[NaiveDateTime],
        k: usize,
        new: (NaiveDateTime, NaiveDateTime),
    ) -> bool {
        let document = self.pair.nvs_document(id).unwrap();
        let all_day = document["start"].get("date").is_some();
        let length = clock(&document["end"]).unwrap() - clock(&document["start"]).unwrap();
        let margin = if all_day { TimeDelta::zero() } else { TimeDelta::hours(3) };
        let span = |original: NaiveDateTime| {
            let key = original.format(if all_day { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S" }).to_string();
            let own = &document["overrides"][&key];
            let start = clock(&own["start"]).unwrap_or(original);
            (start, clock(&own["end"]).unwrap_or(start + length))
        };
        let before = k.checked_sub(1).map(|k| span(all[k]));
        let after = all.get(k + 1).map(|next| span(*next));
        before.is_some_and(|(start, end)| new.0.date() <= start.date() || new.0 < end + margin)
            || after.is_some_and(|(start, _)| new.0.date() >= start.date() || new.1 + margin > start)
    }

    fn delete_occurrence(&mut self, at: At, item: usize, id: &str, nth: usize) -> bool {
        let Some((all, k)) = self.occurrence(at, id, nth) else { return false };
        if all.len() < FEW {
            self.tally.count("left out: one of the last occurrences");
            return false;
        }
        let (people, calendar) = self.pair.people(at);
        if !people.delete_occurrence(calendar, id, all[k]) {
            return false;
        }
        self.items[item].thinned[index(at)] = true;
        self.tally.count(format!("occurrence deleted in {}", word(at)));
        true
    }

    /// Lets the engine work until it is done, and looks at both calendars.
    async fn sync(&mut self, loud: bool) -> Result<(), String> {
        let before = At::BOTH.map(|at| self.tiles(at));
        let mut rounds = 0;
        loop {
            let report = self.pair.round().await;
            rounds += 1;
            if loud {
                println!("round {rounds}: {} writes\n{}", report.writes(), report.plan);
            }
            if let Some(failure) = &report.failure {
                return Err(format!("a round failed: {failure}"));
            }
            if let Some(failure) = report.failures.first() {
                return Err(format!("an appointment failed on {}: {}", failure.side, failure.why));
            }
            if !report.is_clean() {
                return Err(format!("{} held, {} failing:\n{}", report.held, report.failing, report.plan));
            }
            if report.writes() == 0 {
                break;
            }
            if rounds == MOST_ROUNDS {
                return Err(format!("not at rest after {rounds} rounds; the last one:\n{}", report.plan));
            }
        }
        self.tally.count("syncs");
        self.tally.count_many("rounds", rounds);
        let after = At::BOTH.map(|at| self.tiles(at));
        self.compare(&before, &after)?;
        self.account().await?;
        if self.changed == [true, true] {
            self.tally.count("edited on both sides");
        }
        self.changed = [false, false];
        self.only_entered = false;
        self.comes_back = false;
        self.synced = true;
        self.texts.clear();
        Ok(())
    }

    fn compare(&mut self, before: &[Vec<Tile>; 2], after: &[Vec<Tile>; 2]) -> Result<(), String> {
        if let Some(difference) = difference(self.version, &after[0], &after[1]) {
            return Err(difference);
        }
        self.tally.count_many("tiles compared", after[0].len() as u64);
        // What only one side did is how it was done there.
        for at in At::BOTH {
            let (here, there) = (index(at), index(at.other()));
            if self.changed[there] || self.comes_back {
                continue;
            }
            if let Some(difference) = first_difference("before", &before[here], "after", &after[here]) {
                return Err(format!(
                    "{} was changed though nobody changed the other side: {difference}",
                    word(at)
                ));
            }
        }
        if self.only_entered
            && let Some(difference) = difference(self.version, &before.concat(), &after[0])
        {
            return Err(difference);
        }
        for ((item, day, field), texts) in &self.texts {
            let moved = self.items[*item].moved != Moved::default();
            let mine = texts[0].0;
            let also_there = |texts: &[(At, String)]| texts.iter().any(|(at, _)| *at != mine);
            // What is said of a single occurrence may hide what is said of the whole.
            let thinned = self.items[*item].thinned[index(mine.other())];
            let hidden = day.is_none()
                && (thinned
                    || self
                        .texts
                        .iter()
                        .any(|((of, _, same), texts)| of == item && same == field && also_there(texts)));
            let both = also_there(texts) || hidden;
            if moved || both || self.comes_back {
                continue;
            }
            for (at, text) in texts.iter().filter(|(_, text)| !text.trim().is_empty()) {
                let shows =
                    |tiles: &[Tile]| tiles.iter().any(|tile| has_text(self.version, tile, field, text));
                if !shows(&before[index(*at)]) {
                    continue;
                }
                self.tally.count("edits followed to the other side");
                if !shows(&after[0]) || !shows(&after[1]) {
                    return Err(format!(
                        "lost: {field} {text:?} of appointment {item} {day:?}, edited in {}",
                        word(*at)
                    ));
                }
            }
        }
        Ok(())
    }

    /// Looks for appointments that vanished, came back or were doubled.
    async fn account(&mut self) -> Result<(), String> {
        let linked = self.pair.linked().await;
        for (number, item) in self.items.iter_mut().enumerate() {
            if item.over {
                continue;
            }
            let link = linked.iter().find(|(nvs, exchange)| {
                Some(nvs) == item.nvs.as_ref() || Some(exchange) == item.exchange.as_ref()
            });
            let deleted = item.deleted;
            if let Some((nvs, exchange)) = link {
                if deleted == [true, true] {
                    return Err(format!("appointment {number} was deleted on both sides and is linked"));
                }
                if deleted != [false, false] {
                    self.tally.count("deleted and restored by an edit");
                }
                if let Some(document) = self.pair.nvs_document(nvs)
                    && let (Some(start), Some(end)) = (clock(&document["start"]), clock(&document["end"]))
                {
                    item.span = (start, end);
                }
                item.sets_category = None;
                item.thinned = [false, false];
                item.nvs = Some(nvs.clone());
                item.exchange = Some(exchange.clone());
            } else if deleted == [false, false] {
                return Err(format!("appointment {number} vanished"));
            } else {
                item.over = true;
                for at in At::BOTH {
                    if item.id(at).is_some() && !deleted[index(at)] {
                        self.binned[index(at)] += 1;
                    }
                }
            }
            item.deleted = [false, false];
            item.moved = Moved::default();
        }
        let standing = self.items.iter().filter(|item| !item.over).count();
        for at in At::BOTH {
            let (people, calendar) = self.pair.people(at);
            let (listed, binned) = (people.list(calendar).len(), self.pair.binned(at));
            if listed != standing {
                return Err(format!("{standing} appointments stand, {} has {listed}", word(at)));
            }
            let by_people = self.binned[index(at)];
            if binned != by_people {
                return Err(format!("people deleted {by_people}, the bin of {} has {binned}", word(at)));
            }
        }
        let half = self.pair.half_links().await;
        if half != 0 {
            return Err(format!("{half} links have one half"));
        }
        Ok(())
    }

    /// A calendar that nobody touches causes no write.
    async fn at_rest(&mut self) -> Result<(), String> {
        let report = self.pair.round().await;
        if report.writes() != 0 || !report.is_clean() {
            return Err(format!("a quiet round wrote:\n{}", report.plan));
        }
        self.tally.count("quiet rounds");
        Ok(())
    }
}

/// What the clock shows at a moment of an NVS document.
fn clock(moment: &serde_json::Value) -> Option<NaiveDateTime> {
    match (moment.get("date"), moment.get("at")) {
        (Some(date), _) => Some(date.as_str()?.parse::<NaiveDate>().ok()?.and_time(chrono::NaiveTime::MIN)),
        (_, Some(at)) => at.as_str()?.parse().ok(),
        (None, None) => None,
    }
}

/// Whether a tile shows a text in a field, as well as it can.
fn has_text(version: &str, tile: &Tile, field: &str, text: &str) -> bool {
    let mut like = tile.clone();
    let text = text.to_owned();
    match field {
        "subject" => like.subject = text,
        "place" => like.place = text,
        "notes" => like.notes = text.replace("\r\n", "\n"),
        "customer" => like.customer = Some(text),
        _ => return false,
    }
    agreed(version, &like) == agreed(version, tile)
}
