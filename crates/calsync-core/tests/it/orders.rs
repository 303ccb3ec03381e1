//! What people ask for: answers to what waits, and taking back what was written. The table of
//! `docs/conflict-rules.md` says what each answer does; it is read here and played through.

use std::collections::BTreeMap;

use calsync_core::ids::{ContentHash, LinkId, Side, Uid};
use calsync_core::link::{Answer, HoldKind, Wish};
use calsync_core::model::{Overlay, Override, Recurrence, RecurrenceId, Sensitivity, Series};
use calsync_core::source::{Access, WriteOp};
use calsync_core::store::{JournalEntry, JournalQuery, LostBy, StateStore};
use calsync_core::sync::{
    Action, Became, ConflictPolicy, Direction, Leaving, Pattern, Private, ReadOnlyEdit, Reason, RoundReport,
};
use chrono::NaiveDate;

use super::fake::{Cut, World, block_on, event, hour};

impl World {
    /// Gives an answer to everything of that kind that waits; says to how many.
    pub fn reply(&self, kind: HoldKind, answer: Answer) -> usize {
        let held = block_on(self.store.held_links(&self.pairing, None, 1_000)).unwrap();
        let asked: Vec<_> =
            held.iter().filter(|link| link.hold.as_ref().is_some_and(|hold| hold.kind == kind)).collect();
        for link in &asked {
            let about = link.hold.as_ref().unwrap().about.clone();
            self.order(&Wish::Answer { link: link.id, about, answer });
        }
        asked.len()
    }

    pub fn order(&self, what: &Wish) -> u64 {
        let now = calsync_core::drive::Clock::now(&self.clock);
        block_on(self.store.order(&self.pairing, now, "test", what)).unwrap()
    }

    /// The newest entry that was written to this side.
    pub fn last_write(&self, side: Side) -> JournalEntry {
        let all = block_on(self.store.journal_entries(&self.pairing, &JournalQuery::newest(500))).unwrap();
        all.into_iter().find(|entry| entry.side == side).unwrap()
    }

    pub fn undo(&self, entry: JournalEntry) -> u64 {
        self.order(&Wish::Undo(Box::new(entry)))
    }

    /// What a person is asked, and about which links.
    pub fn asked(&self) -> Vec<(LinkId, ContentHash)> {
        let held = block_on(self.store.held_links(&self.pairing, None, 1_000)).unwrap();
        held.into_iter().map(|link| (link.id, link.hold.unwrap().about)).collect()
    }

    pub fn waiting(&self) -> Vec<HoldKind> {
        let held = block_on(self.store.held_links(&self.pairing, None, 1_000)).unwrap();
        held.into_iter().map(|link| link.hold.unwrap().kind).collect()
    }

    pub fn open_orders(&self) -> usize {
        block_on(self.store.head(&self.pairing)).unwrap().orders.len()
    }
}

pub fn became(report: &RoundReport) -> Vec<Became> {
    report.orders.iter().map(|order| order.became).collect()
}

fn only(keys: Vec<String>) -> String {
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.into_iter().next().unwrap()
}

fn subject(world: &World, side: Side, key: &str, text: &str) {
    world.side(side).edit(key, |series| series.event.subject = text.to_owned());
}

/// A world in which just one question of this kind waits, about an appointment called `T` or what became of it.
fn asking(kind: HoldKind) -> World {
    let mut world = World::new();
    match kind {
        HoldKind::Deletion => {
            world.a.add(event("T", 1));
            world.a.add(event("U", 2));
            world.sync();
            world.b.keys().iter().for_each(|key| world.b.delete(key));
        }
        HoldKind::Conflict => {
            world.settings.conflict = ConflictPolicy::Hold;
            let key = world.a.add(event("T", 1));
            world.sync();
            subject(&world, Side::A, &key, "von A");
            subject(&world, Side::B, &only(world.b.keys()), "von B");
            world.a.edit(&key, |series| series.event.place = "Ulm".to_owned());
        }
        HoldKind::NotCarried => {
            world.settings.direction = Direction::AToB;
            world.settings.read_only_edit = ReadOnlyEdit::Report;
            world.a.add(event("T", 1));
            world.sync();
            subject(&world, Side::B, &only(world.b.keys()), "geändert");
        }
        HoldKind::CameBack => {
            let key = world.a.add(event("T", 1));
            world.sync();
            let old = world.b.series(&only(world.b.keys()));
            world.a.delete(&key);
            world.sync();
            world.clock.pass(86_400 * 400);
            world.b.add_series(old);
        }
        HoldKind::OurDouble => {
            world.a.add(event("T", 1));
            world.sync();
            world.b.late_create(&only(world.b.keys()));
        }
        HoldKind::LeftScope => {
            world.settings.leaving = Leaving::Hold;
            world.settings.outward.a.filter.except_subjects = vec![Pattern::new("privat*")];
            let key = world.a.add(event("T", 1));
            world.sync();
            subject(&world, Side::A, &key, "privat");
        }
        HoldKind::Undo => {
            world.settings.guard = calsync_core::sync::DeletionGuard { count: 0, percent: 50 };
            world.a.add(event("T", 1));
            world.sync();
            let entry = world.last_write(Side::B);
            world.undo(entry);
        }
        HoldKind::Oscillation | HoldKind::Changes => unreachable!("played through elsewhere"),
    }
    let report = world.sync();
    assert!(report.held > 0, "{kind:?}: {}", report.plan);
    assert!(world.waiting().iter().all(|waits| *waits == kind), "{kind:?}: {:?}", world.waiting());
    world
}

/// What an answer does, in the words of the table.
fn what_happens(kind: HoldKind, answer: Answer) -> String {
    let world = asking(kind);
    let count = world.reply(kind, answer);
    let planned = world.plan();
    let report = world.sync();
    assert_eq!(report.plan, planned.plan, "{kind:?} {answer:?}: the plan is what the round does");
    assert_eq!(report.orders, planned.orders, "{kind:?} {answer:?}");
    let expected = usize::from(kind == HoldKind::Undo && report.orders.len() > count);
    assert_eq!(report.orders.len() - expected, count, "{kind:?} {answer:?}: {:?}", report.orders);
    if became(&report).contains(&Became::Refused) {
        assert_eq!(world.sync().writes(), 0);
        assert!(!world.waiting().is_empty(), "it still waits");
        return "refused".to_owned();
    }
    assert_eq!(world.open_orders(), 0, "{kind:?} {answer:?}");
    world.settle();
    let (a, b) = (world.a.subjects(), world.b.subjects());
    // A deletion that a person undid on one side is carried, and asked about, like any other.
    let show = |subjects: Vec<String>| if subjects.is_empty() { "-".to_owned() } else { subjects.join("+") };
    let rest = if world.waiting() == [HoldKind::Deletion] {
        ", and the rest is asked"
    } else {
        assert_eq!(world.waiting(), [], "{kind:?} {answer:?}");
        ""
    };
    format!("A {} B {}{rest}", show(a), show(b))
}

#[test]
fn the_answers_do_what_the_table_says() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conflict-rules.md"))
        .unwrap();
    let mut rows: BTreeMap<HoldKind, Vec<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let kind = HoldKind::ALL.into_iter().find(|kind| format!("`{}`", kind.as_str()) == cells[0]);
        if let Some(kind) = kind {
            assert_eq!(cells.len(), 5, "{line}");
            let cells = cells.iter().map(|cell| (*cell).to_owned()).collect();
            assert!(rows.insert(kind, cells).is_none(), "{kind:?} twice");
        }
    }
    assert_eq!(rows.len(), HoldKind::ALL.len(), "every kind has a row: {rows:?}");
    // What the words of the table come to in the worlds above.
    let seen = |kind, answer| match (kind, what_happens(kind, answer).as_str()) {
        (_, "refused") => "refused",
        (HoldKind::Deletion, "A - B -") => "it is deleted",
        (HoldKind::Deletion, "A T+U B T+U") => "it is made again where it went",
        (HoldKind::Conflict, "A von A B von A" | "A von B B von B") => "the values of that side stand",
        (HoldKind::NotCarried, "A T B geändert") => "it stays as it is and is not asked about again",
        (HoldKind::NotCarried, "A T B T") => "it is taken back",
        (HoldKind::CameBack, "A T B T") => "it is carried as a new one",
        (HoldKind::CameBack, "A - B -") => "it is deleted where it came back",
        (HoldKind::OurDouble, "A T B T") => "the second one is deleted, if nobody changed it",
        (HoldKind::OurDouble, "A T+T B T+T") => "it becomes an appointment of its own",
        (HoldKind::LeftScope, "A privat B -") => "the counterpart is deleted",
        (HoldKind::LeftScope, "A privat B privat") => "the counterpart stays and is kept in step",
        (HoldKind::Undo, "A T B -, and the rest is asked") => "the write is taken back",
        (HoldKind::Undo, "A T B T") => "the write stays",
        (_, other) => panic!("{kind:?} {answer:?}: {other}"),
    };
    for (kind, cells) in rows {
        if matches!(kind, HoldKind::Oscillation | HoldKind::Changes) {
            continue;
        }
        assert_eq!(seen(kind, Answer::Approve), cells[2], "{kind:?} approved");
        assert_eq!(seen(kind, Answer::Reject), cells[3], "{kind:?} rejected");
        for side in Side::BOTH {
            assert_eq!(seen(kind, Answer::Prefer(side)), cells[4], "{kind:?} prefers {side}");
        }
    }
}

#[test]
fn an_answer_to_something_else_is_void_and_the_question_waits_anew() {
    let world = asking(HoldKind::Conflict);
    assert_eq!(world.reply(HoldKind::Conflict, Answer::Prefer(Side::A)), 1);
    subject(&world, Side::B, &only(world.b.keys()), "noch einmal anders");
    let report = world.sync();
    assert_eq!((became(&report), report.writes()), (vec![Became::Void], 0), "{:?}", report.orders);
    assert_eq!(world.b.subjects(), ["noch einmal anders"]);
    assert_eq!(world.reply(HoldKind::Conflict, Answer::Prefer(Side::B)), 1, "it waits anew");
    world.settle();
    assert_eq!((world.a.subjects(), world.waiting()), (world.b.subjects(), vec![]));

    // Nothing at all is asked any more, or never was.
    let link = calsync_core::ids::LinkId(7);
    world.order(&Wish::Answer { link, about: ContentHash::of(&["x"]), answer: Answer::Approve });
    world.order(&Wish::Lead(Side::A));
    let report = world.sync();
    assert!(became(&report).contains(&Became::Void) && world.open_orders() == 0, "{:?}", report.orders);
}

#[test]
fn an_answer_to_what_was_asked_before_does_nothing() {
    let world = asking(HoldKind::Conflict);
    let asked = block_on(world.store.held_links(&world.pairing, None, 1)).unwrap().remove(0);
    let about = asked.hold.unwrap().about;
    subject(&world, Side::B, &only(world.b.keys()), "noch einmal anders");
    world.sync();
    world.order(&Wish::Answer { link: asked.id, about, answer: Answer::Prefer(Side::A) });
    for became_of_it in [vec![Became::Void], vec![]] {
        let report = world.sync();
        assert_eq!((became(&report), report.writes()), (became_of_it, 0));
    }
    assert_eq!(world.b.subjects(), ["noch einmal anders"]);
}

#[test]
fn what_lost_because_a_person_said_so_is_journaled_as_that() {
    for chosen in Side::BOTH {
        let world = asking(HoldKind::Conflict);
        world.reply(HoldKind::Conflict, Answer::Prefer(chosen));
        world.sync();
        let lost: Vec<_> = world.journal().into_iter().filter_map(|entry| entry.losing).collect();
        assert_eq!(lost.len(), 1);
        assert_eq!((lost[0].side, lost[0].by), (chosen.other(), LostBy::Person));
    }
}

#[test]
fn what_is_to_stay_though_it_left_the_scope_is_not_asked_about_again() {
    let world = asking(HoldKind::LeftScope);
    world.reply(HoldKind::LeftScope, Answer::Reject);
    world.sync();
    for place in ["Ulm", "Halle"] {
        world.a.edit(&only(world.a.keys()), |series| series.event.place = place.to_owned());
        assert_eq!((world.sync().held, world.waiting()), (0, vec![]), "{place}");
    }
    assert_eq!(world.b.keys().len(), 1);
}

#[test]
fn what_is_to_stay_though_it_left_the_scope_stays_until_it_was_in_it_again() {
    let mut world = asking(HoldKind::LeftScope);
    world.reply(HoldKind::LeftScope, Answer::Reject);
    world.settle();
    for days in [400, 500] {
        world.settings.window.future_days = Some(days);
        assert_eq!((world.sync().held, world.b.keys().len()), (0, 1), "another rule is no other question");
    }
    let filter = std::mem::take(&mut world.settings.outward.a.filter);
    world.settle();
    world.settings.outward.a.filter = filter;
    world.settle();
    assert_eq!((world.waiting(), world.b.keys().len()), (vec![HoldKind::LeftScope], 1));
}

#[test]
fn an_answer_that_does_not_fit_the_question_leaves_it_open() {
    let world = asking(HoldKind::OurDouble);
    world.reply(HoldKind::OurDouble, Answer::Prefer(Side::A));
    world.sync();
    assert_eq!((world.waiting(), world.b.keys().len()), (vec![HoldKind::OurDouble], 2));
}

#[test]
fn a_double_is_not_deleted_where_nothing_is_written_or_where_it_may_not_be() {
    for locked in [false, true] {
        let mut world = asking(HoldKind::OurDouble);
        if locked {
            world.b.keys().iter().for_each(|key| world.b.lock(key, Access::Personal));
            world.sync();
        } else {
            world.settings.direction = Direction::BToA;
        }
        world.reply(HoldKind::OurDouble, Answer::Approve);
        world.sync();
        assert_eq!(world.b.keys().len(), 2, "locked: {locked}");
    }
}

#[test]
fn what_a_person_was_not_asked_about_is_not_in_the_way_of_an_answer() {
    let world = asking(HoldKind::Conflict);
    world.reply(HoldKind::Conflict, Answer::Prefer(Side::B));
    world.a.edit(&only(world.a.keys()), |series| series.event.customer = "K-17".to_owned());
    let report = world.sync();
    assert_eq!(became(&report), [Became::CarriedOut], "{:?}", report.orders);
    world.settle();
    world.assert_in_step();
    assert_eq!((world.a.subjects(), world.a.events()[0].customer.as_str()), (vec!["von B".into()], "K-17"));
}

#[test]
fn approved_deletions_hold_no_others_and_release_none() {
    let world = World::new();
    for day in 1..21 {
        world.a.add(event(&format!("T{day:02}"), day));
    }
    world.sync();
    for key in world.b.keys().into_iter().take(8) {
        world.b.delete(&key);
    }
    assert_eq!(world.sync().held, 8);
    let held = block_on(world.store.held_links(&world.pairing, None, 3)).unwrap();
    for link in &held {
        let about = link.hold.as_ref().unwrap().about.clone();
        world.order(&Wish::Answer { link: link.id, about, answer: Answer::Approve });
    }
    let report = world.sync();
    assert_eq!((became(&report), report.sides.a.deleted, report.held), (vec![Became::CarriedOut; 3], 3, 5));
    assert_eq!(world.reply(HoldKind::Deletion, Answer::Reject), 5);
    let report = world.sync();
    assert_eq!((report.sides.b.created, report.held), (5, 0));
    assert!(report.plan.steps.iter().all(|step| step.reason == Reason::Rejected(Side::B)), "{}", report.plan);
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.keys().len(), 17);
}

#[test]
fn an_answer_that_cannot_be_written_now_stays_and_is_carried_out_later() {
    let world = asking(HoldKind::CameBack);
    world.a.refuse_subject(Some("T"));
    world.reply(HoldKind::CameBack, Answer::Approve);
    assert_eq!(became(&world.sync()), [Became::Waits]);
    world.a.refuse_subject(None);
    world.clock.pass(86_400);
    world.settle();
    assert_eq!((world.a.subjects(), world.waiting()), (vec!["T".to_owned()], vec![]));
}

#[test]
fn whoever_answered_is_told_when_nothing_can_be_decided_yet() {
    let world = asking(HoldKind::Conflict);
    let key = only(world.b.keys());
    world.b.unreadable(&[&key]);
    subject(&world, Side::B, &key, "wieder anders");
    world.reply(HoldKind::Conflict, Answer::Prefer(Side::A));
    let report = world.sync();
    assert_eq!((became(&report), report.writes()), (vec![Became::Waits], 0));
    assert!(report.orders[0].note.contains("tried again"), "{:?}", report.orders);
}

#[test]
fn whoever_answered_is_told_when_the_round_ends_before_its_time() {
    let world = asking(HoldKind::Conflict);
    world.reply(HoldKind::Conflict, Answer::Prefer(Side::A));
    world.b.fail_feed(true);
    let report = world.sync_any();
    assert_eq!((became(&report), report.writes()), (vec![Became::Waits], 0));
    assert!(report.orders[0].note.contains("before its time"), "{:?}", report.orders);
    world.b.fail_feed(false);
    world.settle();
    assert_eq!((world.b.subjects(), world.waiting()), (vec!["von A".to_owned()], vec![]));
}

#[test]
fn a_double_that_somebody_changed_is_not_deleted() {
    let world = asking(HoldKind::OurDouble);
    let double = world.b.keys().pop().unwrap();
    world.b.edit(&double, |series| series.event.place = "Ulm".to_owned());
    world.sync();
    world.reply(HoldKind::OurDouble, Answer::Approve);
    let report = world.sync();
    assert_eq!((became(&report), report.writes()), (vec![Became::Refused], 0));
    assert!(report.orders[0].note.contains("by hand"), "{:?}", report.orders);
}

pub fn weekly() -> Series {
    let mut series = Series::single(Uid::new("serie"), event("Wochenrunde", 7));
    series.recurrence = Some(Recurrence { rule: "FREQ=WEEKLY;COUNT=6".parse().unwrap(), dates: [].into() });
    series
}

pub fn on(day: u32) -> RecurrenceId {
    RecurrenceId::Local(NaiveDate::from_ymd_opt(2026, 12, day).unwrap().and_hms_opt(9, 0, 0).unwrap())
}

/// A series and an appointment, changed on A, carried to B.
fn changed() -> World {
    let world = World::new();
    let single = world.a.add(event("T", 1));
    let series = world.a.add_series(weekly());
    world.a.add(event("bleibt", 3));
    world.sync();
    world.settle();
    subject(&world, Side::A, &single, "umbenannt");
    world.a.edit(&single, |series| series.event.place = "Ulm".to_owned());
    world.a.edit(&series, |series| {
        let moved = Overlay { span: Some(hour(15, 9)), ..Overlay::default() };
        series.overrides.insert(on(14), Override::Changed(moved));
        series.overrides.insert(on(21), Override::Cancelled);
    });
    world.sync();
    world.settle();
    world.assert_in_step();
    world
}

fn updates(world: &World) -> Vec<JournalEntry> {
    let all = block_on(world.store.journal_entries(&world.pairing, &JournalQuery::newest(500))).unwrap();
    all.into_iter().filter(|entry| matches!(entry.write.op, WriteOp::Update { .. })).collect()
}

#[test]
fn an_update_is_taken_back_on_its_side_and_that_is_carried_like_an_edit() {
    let world = changed();
    for entry in updates(&world) {
        world.undo(entry);
    }
    let planned = world.plan();
    let report = world.sync();
    assert_eq!(report.plan, planned.plan);
    assert_eq!(became(&report), [Became::CarriedOut; 2], "{:?}", report.orders);
    assert!(
        report.plan.steps.iter().any(|step| step.reason == Reason::ChangedOn(Side::B)),
        "{}",
        report.plan
    );
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.subjects(), ["T", "Wochenrunde", "bleibt"]);
    assert!(world.a.all().iter().all(|series| series.overrides.is_empty() && series.event.place.is_empty()));
    // Once more there is nothing to take back.
    world.undo(updates(&world).pop().unwrap());
    let report = world.sync();
    assert_eq!((became(&report), report.writes()), (vec![Became::Refused], 0));
}

#[test]
fn what_was_changed_since_stays_and_is_told() {
    let world = changed();
    let key = world.b.keys().into_iter().find(|key| world.b.series(key).event.place == "Ulm").unwrap();
    world.b.edit(&key, |series| series.event.place = "Bonn".to_owned());
    let entry =
        updates(&world).into_iter().find(|entry| entry.before.as_ref().unwrap().uid.as_str() != "serie");
    world.undo(entry.unwrap());
    let report = world.sync();
    assert_eq!(became(&report), [Became::CarriedOut]);
    assert!(report.orders[0].note.contains("master.place"), "{:?}", report.orders);
    world.settle();
    world.assert_in_step();
    let event = world.a.events().into_iter().find(|event| event.subject == "T").unwrap();
    assert_eq!(event.place, "Bonn");
}

#[test]
fn a_person_who_carried_on_is_not_undone_by_the_looks_of_a_receipt() {
    let world = changed();
    let entry =
        updates(&world).into_iter().find(|entry| entry.before.as_ref().unwrap().uid.as_str() != "serie");
    let key = world.b.keys().into_iter().find(|key| world.b.series(key).event.place == "Ulm").unwrap();
    world.b.edit(&key, |series| {
        series.event.place = "Bonn".to_owned();
        series.event.subject = "anders".to_owned();
    });
    world.settle();
    world.undo(entry.unwrap());
    let report = world.sync();
    assert_eq!((became(&report), report.writes()), (vec![Became::Refused], 0), "{:?}", report.orders);
}

#[test]
fn a_server_that_rounds_does_not_keep_a_write_from_being_taken_back() {
    let mut world = World::new();
    world.b.shouts = true;
    let key = world.a.add(event("T", 1));
    world.sync();
    world.a.edit(&key, |series| series.event.place = "Ulm".to_owned());
    world.sync();
    assert_eq!(world.b.events()[0].place, "ULM");
    world.undo(world.last_write(Side::B));
    assert_eq!(became(&world.sync()), [Became::CarriedOut]);
    world.settle();
    assert_eq!((world.a.events()[0].place.as_str(), world.b.events()[0].place.as_str()), ("", ""));
}

#[test]
fn a_create_is_taken_back_only_as_it_was_made() {
    for edited in [false, true] {
        let world = World::new();
        world.a.add(event("bleibt", 2));
        world.sync();
        world.a.add(event("T", 1));
        world.sync();
        let entry = world.last_write(Side::B);
        if edited {
            let key =
                world.b.keys().into_iter().find(|key| world.b.series(key).event.subject == "T").unwrap();
            world.b.edit(&key, |series| series.event.place = "Ulm".to_owned());
        }
        world.undo(entry);
        let planned = world.plan();
        let report = world.sync();
        assert_eq!(report.plan, planned.plan);
        world.settle();
        world.assert_in_step();
        let (expected, left) = if edited { (Became::Refused, 2) } else { (Became::CarriedOut, 1) };
        assert_eq!((became(&report), world.a.keys().len()), (vec![expected], left), "{}", report.plan);
    }
}

#[test]
fn what_was_deleted_is_made_again_and_comes_back_on_the_other_side() {
    let world = World::new();
    let key = world.a.add(event("T", 1));
    world.a.add(event("bleibt", 2));
    world.sync();
    world.a.delete(&key);
    world.sync();
    assert_eq!(world.b.subjects(), ["bleibt"]);
    let entry = world.last_write(Side::B);
    world.undo(entry.clone());
    let actions = |report: &RoundReport| report.plan.steps.iter().map(|step| step.action).collect::<Vec<_>>();
    let planned = world.plan();
    let report = world.sync();
    assert_eq!(became(&report), [Became::CarriedOut]);
    assert_eq!(actions(&report), [Action::Create(Side::B), Action::Create(Side::A)]);
    assert_eq!(actions(&planned), actions(&report));
    world.settle();
    world.assert_in_step();
    assert_eq!((world.a.subjects(), world.waiting()), (vec!["T".to_owned(), "bleibt".to_owned()], vec![]));
    // Asked twice it is not made twice.
    world.undo(entry);
    assert_eq!(became(&world.sync()), [Became::Void]);
    world.settle();
    assert_eq!(world.b.keys().len(), 2);
}

#[test]
fn a_deleted_masked_copy_is_not_made_an_original() {
    for (private, made) in [(true, Became::Refused), (false, Became::CarriedOut)] {
        for masks in Side::BOTH {
            let mut world = World::new();
            world.settings.outward.get_mut(masks).private = Private::Mask;
            let mut termin = event("T", 1);
            if private {
                termin.sensitivity = Sensitivity::Private;
            }
            let key = world.side(masks).add(termin);
            world.side(masks).add(event("bleibt", 2));
            world.settle();
            world.side(masks).delete(&key);
            world.settle();
            world.undo(world.last_write(masks.other()));
            assert_eq!(became(&world.sync()), [made], "private: {private}, {masks:?} masks");
            // Private where that passes, it is a person's own.
            let mut own = event("eigen", 3);
            own.sensitivity = Sensitivity::Private;
            let key = world.side(masks.other()).add(own);
            world.settle();
            world.side(masks.other()).delete(&key);
            world.settle();
            world.undo(world.last_write(masks));
            assert_eq!(became(&world.sync()), [Became::CarriedOut], "private: {private}, {masks:?} masks");
        }
    }
}

#[test]
fn nothing_is_taken_back_where_that_is_not_carried() {
    let mut world = changed();
    world.settings.direction = Direction::AToB;
    for entry in updates(&world) {
        world.undo(entry);
    }
    let before = (world.a.all(), world.b.all());
    let report = world.sync();
    assert_eq!(became(&report), [Became::Refused; 2]);
    world.settle();
    assert_eq!((world.a.all(), world.b.all()), before);
}

#[test]
fn orders_survive_a_crash_at_every_request() {
    type Ask = fn(&World);
    let kinds: [(Ask, &[&str]); 4] = [
        (
            |world| {
                for entry in updates(world) {
                    world.undo(entry);
                }
            },
            &["T", "Wochenrunde", "bleibt"],
        ),
        (
            |world| {
                let key = world.a.keys()[0].clone();
                world.a.delete(&key);
                world.sync();
                world.undo(world.last_write(Side::B));
            },
            &["Wochenrunde", "bleibt", "umbenannt"],
        ),
        (
            |world| {
                world.a.add(event("neu", 9));
                world.sync();
                world.undo(world.last_write(Side::B));
            },
            &["Wochenrunde", "bleibt", "umbenannt"],
        ),
        (
            |world| {
                world.b.keys().iter().for_each(|key| world.b.delete(key));
                world.sync();
                assert_eq!(world.reply(HoldKind::Deletion, Answer::Reject), 3);
            },
            &["Wochenrunde", "bleibt", "umbenannt"],
        ),
    ];
    for (number, (ask, expected)) in kinds.into_iter().enumerate() {
        let mut cuts = 0;
        for cut in [Cut::Before as fn(usize) -> Cut, Cut::After] {
            for at in 0.. {
                let world = changed();
                ask(&world);
                if !world.sync_cut(cut(at)) {
                    break;
                }
                cuts += 1;
                world.settle();
                world.assert_in_step();
                assert_eq!(world.a.subjects(), expected, "order {number} after {:?}", cut(at));
                assert_eq!(
                    (world.open_orders(), world.waiting()),
                    (0, vec![]),
                    "{number} after {:?}",
                    cut(at)
                );
            }
        }
        assert!(cuts > 15, "only {cuts} cuts");
    }
}
