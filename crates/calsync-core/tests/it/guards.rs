//! What a person has to confirm before it is carried, and what is stopped: programs that answer each other, changes and
//! deletions that are too many to be meant.

use calsync_core::ids::{Side, Uid};
use calsync_core::link::Answer;
use calsync_core::model::{Busy, Sensitivity, Series};
use calsync_core::sync::{Action, Direction, Filter, Pattern, Private, Reason};

use super::fake::{Fake, World, event};

fn only(keys: Vec<String>) -> String {
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.into_iter().next().unwrap()
}

/// A program that puts its value in whenever it finds another one.
fn insist(fake: &Fake, key: &str, place: &str) {
    if fake.series(key).event.place != place {
        fake.edit(key, |series| series.event.place = place.to_owned());
    }
}

/// What `docs/conflict-rules.md` says under that name in its table of guards.
pub fn documented(name: &str) -> u64 {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conflict-rules.md"));
    let text = text.unwrap();
    let row = text.lines().find_map(|line| line.strip_prefix(&format!("| {name} | ")));
    row.unwrap_or_else(|| panic!("no row {name}")).trim_end_matches(" |").parse().unwrap()
}

/// Writes of rounds in which both sides insist on their own, so many seconds apart, beginning with this side.
fn fight(first: Side, rounds: usize, seconds: i64) -> u64 {
    let world = World::new();
    let a = world.a.add(event("T", 1));
    world.settle();
    let b = only(world.b.keys());
    let insists = |side: Side| match side {
        Side::A => insist(&world.a, &a, "Lager"),
        Side::B => insist(&world.b, &b, "Büro"),
    };
    let before = world.a.writes() + world.b.writes();
    for _ in 0..rounds {
        insists(first);
        world.clock.pass(seconds - 300);
        world.sync();
        insists(first.other());
    }
    world.a.writes() + world.b.writes() - before
}

#[test]
fn the_numbers_in_the_documentation_are_those_that_stop_a_fight() {
    for first in Side::BOTH {
        assert_eq!(fight(first, 36, 300), documented("writes in turn within an hour"));
    }
    assert_eq!(
        fight(Side::A, 90, 900),
        documented("writes in turn within a day"),
        "four an hour, for most of a day"
    );
    assert_eq!(fight(Side::A, 20, 4_000), 20, "and these are people");
}

#[test]
fn two_programs_that_answer_each_other_are_stopped_and_reported() {
    let world = World::new();
    let a = world.a.add(event("Kundendienst", 1));
    let other = world.a.add(event("Montage", 2));
    world.settle();
    let b =
        world.b.keys().into_iter().find(|key| world.b.series(key).event.subject == "Kundendienst").unwrap();
    let before = (world.a.writes(), world.b.writes());
    let mut last = world.sync();
    for _ in 0..36 {
        insist(&world.a, &a, "Lager");
        insist(&world.b, &b, "Büro");
        last = world.sync();
    }
    let writes = (world.a.writes() - before.0, world.b.writes() - before.1);
    assert!(writes.0 + writes.1 <= 7, "three hours of rounds wrote {writes:?}");
    assert_eq!(last.held, 1);
    let step = last.plan.steps.iter().find(|step| step.action == Action::Hold).unwrap();
    assert_eq!(step.reason, Reason::Oscillation);
    assert_eq!(world.a.series(&a).event.place, "Lager");
    assert_eq!(world.b.series(&b).event.place, "Büro", "what either says stays where it is");

    world.a.edit(&other, |series| series.event.place = "Ulm".to_owned());
    world.sync();
    assert!(world.b.events().iter().any(|event| event.place == "Ulm"), "all others go on");

    world.clock.pass(86_400);
    let report = world.sync();
    assert_eq!((report.writes(), report.held), (0, 1), "quiet says nothing: they are quiet while we are");
    world.b.edit(&b, |series| series.event.place = "Lager".to_owned());
    assert_eq!(world.settle().held, 0, "both sides say the same");
    world.assert_in_step();
}

#[test]
fn a_calendar_that_writes_every_text_in_its_own_way_is_stopped_where_that_is_taken_back() {
    let mut world = World::new();
    world.settings.direction = Direction::AToB;
    let a = world.a.add(event("T", 1));
    world.a.edit(&a, |series| series.event.place = "ulm".to_owned());
    world.settle();
    let b = only(world.b.keys());
    let before = world.b.writes();
    for _ in 0..36 {
        insist(&world.b, &b, "ULM");
        world.sync();
    }
    assert_eq!(world.b.writes() - before, 6);
    assert_eq!((world.sync().held, world.a.series(&a).event.place.as_str()), (1, "ulm"));
}

#[test]
fn two_calendars_that_each_write_texts_in_their_own_way_are_stopped() {
    let world = World::new();
    let a = world.a.add(event("T", 1));
    world.settle();
    let b = only(world.b.keys());
    world.a.edit(&a, |series| series.event.place = "Ulm".to_owned());
    let before = world.a.writes() + world.b.writes();
    for _ in 0..36 {
        world.sync();
        insist(&world.a, &a, "Ulm");
        insist(&world.b, &b, "Ulm, Deutschland");
    }
    assert!(world.a.writes() + world.b.writes() - before <= 7);
    assert_eq!(world.sync().held, 1);
}

#[test]
fn two_programs_that_each_change_another_field_are_stopped_too() {
    let world = World::new();
    let a = world.a.add(event("T", 1));
    world.settle();
    let b = only(world.b.keys());
    let before = world.a.writes() + world.b.writes();
    for round in 0..36 {
        world.a.edit(&a, |series| series.event.place = format!("Halle {round}"));
        world.b.edit(&b, |series| series.event.customer = format!("Kunde {round}"));
        world.sync();
    }
    assert!(world.a.writes() + world.b.writes() - before <= 14);
    assert_eq!(world.sync().held, 1);
}

#[test]
fn a_person_who_edits_one_side_twenty_times_in_an_hour_is_not_stopped() {
    let world = World::new();
    let a = world.a.add(event("T", 1));
    world.settle();
    for n in 0..20 {
        world.a.edit(&a, |series| series.event.place = format!("Raum {n}"));
        world.clock.pass(-120);
        assert_eq!(world.sync().held, 0);
        assert_eq!(world.b.events()[0].place, format!("Raum {n}"));
    }
}

#[test]
fn people_at_both_sides_who_take_turns_for_a_while_are_not_stopped() {
    let world = World::new();
    let a = world.a.add(event("T", 1));
    world.settle();
    let b = only(world.b.keys());
    for n in 0..40 {
        let (fake, key) = if n % 2 == 0 { (&world.a, &a) } else { (&world.b, &b) };
        fake.edit(key, |series| series.event.place = format!("Raum {n}"));
        world.clock.pass(5_400);
        assert_eq!(world.settle().held, 0, "edit {n}");
        world.assert_in_step();
    }
}

/// A fight that was stopped: the keys of its appointment on both sides.
fn stopped() -> (World, String, String) {
    let world = World::new();
    let a = world.a.add(event("T", 1));
    world.settle();
    let b = only(world.b.keys());
    for _ in 0..12 {
        insist(&world.a, &a, "Lager");
        world.sync();
        insist(&world.b, &b, "Büro");
    }
    assert_eq!(world.sync().held, 1);
    (world, a, b)
}

#[test]
fn a_fight_that_a_person_approves_goes_on_and_is_counted_anew() {
    let (world, a, b) = stopped();
    world.answer(Answer::Approve);
    let before = world.a.writes() + world.b.writes();
    for _ in 0..12 {
        insist(&world.a, &a, "Lager");
        world.sync();
        insist(&world.b, &b, "Büro");
    }
    assert_eq!(world.a.writes() + world.b.writes() - before, 6);
    assert_eq!(world.sync().held, 1, "and stopped again");
}

#[test]
fn a_fight_that_a_person_rejects_leaves_both_sides_as_they_are_until_somebody_edits() {
    let (world, a, b) = stopped();
    world.answer(Answer::Reject);
    let report = world.settle();
    assert_eq!((report.held, report.writes()), (0, 0));
    assert_eq!(
        (world.a.series(&a).event.place, world.b.series(&b).event.place),
        ("Lager".into(), "Büro".into())
    );
    assert_eq!(world.sync().plan.steps.len(), 0, "and that is all");
    world.a.edit(&a, |series| series.event.customer = "Huber".to_owned());
    world.settle();
    assert_eq!(world.b.series(&b).event.customer, "Huber");
    assert_eq!(world.b.series(&b).event.place, "Büro");
}

#[test]
fn after_a_rejected_fight_an_edit_of_either_side_is_carried() {
    for from in [Side::A, Side::B] {
        let (world, a, b) = stopped();
        world.answer(Answer::Reject);
        world.settle();
        let key = if from == Side::A { &a } else { &b };
        world.side(from).edit(key, |series| series.event.customer = "Huber".to_owned());
        assert_eq!(world.settle().held, 0);
        assert_eq!(world.side(from.other()).events()[0].customer, "Huber", "from {from:?}");
    }
}

#[test]
fn a_fight_over_what_a_mask_does_not_hide_is_stopped_too() {
    let mut world = World::new();
    world.settings.outward.a.private = Private::Mask;
    let mut private = event("T", 1);
    private.sensitivity = Sensitivity::Private;
    world.a.add(private);
    world.settle();
    let b = only(world.b.keys());
    let before = world.b.writes();
    for _ in 0..36 {
        if world.b.series(&b).event.busy != Busy::Free {
            world.b.edit(&b, |series| series.event.busy = Busy::Free);
        }
        world.sync();
    }
    assert_eq!((world.b.writes() - before, world.sync().held), (6, 1));
}

#[test]
fn an_answer_does_not_stand_for_what_came_after_it() {
    let (world, a, _) = stopped();
    world.answer(Answer::Reject);
    world.a.edit(&a, |series| series.event.place = "Hof".to_owned());
    assert_eq!(world.sync().held, 1);
}

#[test]
fn what_one_program_makes_again_and_another_deletes_is_stopped() {
    let world = World::new();
    for day in 1..29 {
        for number in 0..4 {
            world.a.add(event(&format!("T{day} {number}"), day));
        }
    }
    world.settle();
    let now = || calsync_core::drive::Clock::now(&world.clock);
    let here = |fake: &Fake| fake.keys().into_iter().find(|key| fake.series(key).event.subject == "Import");
    let before = world.a.writes() + world.b.writes();
    let mut held = 0;
    for _ in 0..36 {
        world.a.set_clock(now());
        if here(&world.a).is_none() {
            world.a.add_series(Series::single(Uid::new("import-1"), event("Import", 3)));
        }
        held = world.sync().held;
        if let Some(key) = here(&world.b) {
            world.b.delete(&key);
        }
        held = held.max(world.sync().held);
    }
    assert!(world.a.writes() + world.b.writes() - before <= 6, "three hours of it");
    assert_eq!(held, 1);
    world.clock.pass(86_400);
    assert_eq!(world.sync().held, 1, "quiet does not end it");
    world.answer(Answer::Reject);
    assert_eq!((world.settle().held, world.b.keys().len()), (0, 112), "it stays where it was made");
    let key = here(&world.a).unwrap();
    world.a.edit(&key, |series| series.event.place = "Ulm".to_owned());
    assert_eq!((world.settle().held, world.b.keys().len()), (0, 113), "an edit is a new wish");
}

#[test]
fn what_is_deleted_when_a_fight_was_stopped_stays_so_if_a_person_wants_that() {
    let (mut world, a, b) = stopped();
    world.b.delete(&b);
    assert_eq!((world.sync().held, world.b.keys().len()), (1, 0));
    world.answer(Answer::Reject);
    assert_eq!((world.settle().held, world.b.keys().len()), (0, 0));
    for stopped in ["x*", "y*", "z*"] {
        world.settings.outward.a.filter =
            Filter { except_subjects: vec![Pattern::new(stopped)], ..Filter::default() };
        world.settle();
        assert_eq!((world.a.keys().len(), world.b.keys().len()), (1, 0), "a rule is no wish");
    }
    world.a.edit(&a, |series| series.event.place = "Ulm".to_owned());
    assert_eq!((world.settle().held, world.b.keys().len()), (0, 1), "an edit is one");
}
