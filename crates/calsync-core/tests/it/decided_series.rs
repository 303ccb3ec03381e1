//! What is decided about the rule and the instances of one series.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::Side;
use calsync_core::link::{Answer, Direction};
use calsync_core::model::{Overlay, Override, Recurrence, RecurrenceId};
use calsync_core::recur::{Frequency, Parts, Rule};
use calsync_core::store::LostBy;
use calsync_core::sync::{Action, ConflictPolicy, ReadOnlyEdit, RoundReport, Step};

use super::decided::lost;
use super::fake::{Fake, World, hour};
use super::rounds_world::{daily, in_step, instance};

/// A series on both sides, in a world where a person decides every conflict.
fn where_people_decide() -> (World, String, String) {
    let (mut world, mine, theirs) = in_step(daily(5));
    world.settings.conflict = ConflictPolicy::Hold;
    world.settle();
    (world, mine, theirs)
}

fn every(frequency: Frequency) -> Recurrence {
    Recurrence { rule: Rule::new(Parts::every(frequency)).unwrap(), dates: BTreeSet::new() }
}

fn says(subject: &str) -> Override {
    Override::Changed(Overlay { subject: Some(subject.to_owned()), ..Overlay::default() })
}

fn held_at(place: &str) -> Override {
    Override::Changed(Overlay { place: Some(place.to_owned()), ..Overlay::default() })
}

fn say_of(fake: &Fake, key: &str, at: RecurrenceId, over: Override) {
    fake.edit(key, |series| {
        series.overrides.insert(at, over);
    });
}

/// What a person is asked.
fn asked(report: &RoundReport) -> &Step {
    report.plan.steps.iter().find(|step| step.action == Action::Hold).unwrap()
}

#[test]
fn an_instance_that_the_other_sides_new_rule_does_not_have_is_lost_and_named() {
    let own = says("anders");
    for over in [own, Override::Cancelled] {
        let (world, mine, theirs) = in_step(daily(5));
        let at = instance(&daily(5), 2);
        world.a.edit(&mine, |series| series.recurrence = Some(every(Frequency::Weekly)));
        say_of(&world.b, &theirs, at, over.clone());
        world.settle();
        assert_eq!(world.b.series(&theirs).overrides, BTreeMap::new());
        let named: Vec<Vec<String>> = lost(&world).into_iter().map(|lost| lost.paths).collect();
        let expected = match over {
            Override::Changed(_) => vec![vec![format!("instance {}", at.to_text())]],
            Override::Cancelled => vec![],
        };
        assert_eq!(named, expected);
    }
}

#[test]
fn an_instance_that_waits_still_waits_after_a_new_rule_was_written_to_it() {
    let (world, mine, theirs) = where_people_decide();
    let at = instance(&daily(5), 2);
    world.a.edit(&mine, |series| {
        series.recurrence = daily(7).recurrence;
        series.overrides.insert(at, says("bei A"));
    });
    say_of(&world.b, &theirs, at, says("bei B"));
    world.settle();
    let series = world.b.series(&theirs);
    assert_eq!((&series.recurrence, &series.overrides[&at]), (&daily(7).recurrence, &says("bei B")));
    assert_eq!(world.a.series(&mine).overrides[&at], says("bei A"));
}

#[test]
fn a_series_that_waits_with_its_instance_is_moved_when_a_person_decided() {
    let (world, mine, theirs) = where_people_decide();
    let at = instance(&daily(5), 2);
    world.a.edit(&mine, |series| {
        series.event.span = hour(1, 10);
        series.event.place = "Ulm".to_owned();
        let moved = instance(series, 2);
        series.overrides.insert(moved, says("bei A"));
        series.overrides.insert(at, says("bei A"));
    });
    say_of(&world.b, &theirs, at, says("bei B"));
    let report = world.sync();
    let asked = asked(&report);
    assert!(asked.paths.contains(&"master.span".to_owned()), "{}", report.plan);
    assert!(!asked.paths.contains(&"master.place".to_owned()), "{}", report.plan);
    let event = world.b.series(&theirs).event;
    assert_eq!((event.span, event.place.as_str()), (hour(1, 9), "Ulm"));
    world.answer(Answer::Prefer(Side::A));
    world.settle();
    assert_eq!(world.b.series(&theirs).event.span, hour(1, 10));
}

#[test]
fn all_that_is_disputed_in_an_instance_waits() {
    let (world, mine, theirs) = where_people_decide();
    let at = instance(&daily(5), 2);
    let says = |text: &str| {
        let (subject, place) = (Some(text.to_owned()), Some(text.to_owned()));
        Override::Changed(Overlay { subject, place, ..Overlay::default() })
    };
    say_of(&world.a, &mine, at, says("bei A"));
    say_of(&world.b, &theirs, at, says("bei B"));
    let report = world.sync();
    let asked = asked(&report);
    for field in ["subject", "place"] {
        let path = format!("instance {} {field}", at.to_text());
        assert_eq!(asked.paths.iter().filter(|it| **it == path).count(), 2, "{path} in {:?}", asked.paths);
    }
}

#[test]
fn two_rules_for_one_series_are_a_conflict_and_two_equal_ones_are_none() {
    for (theirs, conflicts) in [(Frequency::Weekly, 0), (Frequency::Monthly, 1)] {
        let (world, mine, other) = in_step(daily(5));
        world.a.edit(&mine, |series| series.recurrence = Some(every(Frequency::Weekly)));
        world.b.edit(&other, |series| series.recurrence = Some(every(theirs)));
        let report = world.sync();
        assert_eq!(report.conflicts, conflicts, "{}", report.plan);
        world.settle();
        world.assert_in_step();
        assert_eq!(world.a.series(&mine).recurrence, Some(every(Frequency::Weekly)));
        let named: Vec<Vec<String>> = lost(&world).into_iter().map(|lost| lost.paths).collect();
        assert_eq!(named, vec![vec!["recurrence".to_owned()]; usize::from(conflicts > 0)]);
    }
}

#[test]
fn two_rules_for_one_series_wait_for_a_person_and_either_can_be_chosen() {
    for chosen in Side::BOTH {
        let (world, mine, theirs) = where_people_decide();
        world.a.edit(&mine, |series| series.recurrence = daily(7).recurrence);
        world.b.edit(&theirs, |series| series.recurrence = daily(9).recurrence);
        let report = world.sync();
        let asked = asked(&report);
        assert_eq!((asked.paths.len(), asked.paths.iter().all(|path| path == "recurrence")), (2, true));
        assert_eq!((asked.conflicts.len(), asked.conflicts[0].winner), (1, None));
        world.answer(Answer::Prefer(chosen));
        world.settle();
        world.assert_in_step();
        let times = if chosen == Side::A { 7 } else { 9 };
        assert_eq!(world.a.series(&mine).recurrence, daily(times).recurrence);
    }
}

#[test]
fn a_cancelled_instance_beats_an_edit_where_deletions_win() {
    for cancels in Side::BOTH {
        let (mut world, mine, theirs) = in_step(daily(5));
        world.settings.deletion_wins = true;
        world.settle();
        let at = instance(&daily(5), 2);
        for (side, key) in [(Side::A, &mine), (Side::B, &theirs)] {
            let edit = held_at("Ulm");
            let over = if side == cancels { Override::Cancelled } else { edit };
            say_of(world.side(side), key, at, over);
        }
        world.settle();
        world.assert_in_step();
        assert_eq!(world.a.series(&mine).overrides[&at], Override::Cancelled, "{cancels:?} cancels");
    }
}

#[test]
fn a_rule_that_may_not_be_carried_is_taken_back() {
    let (mut world, mine, theirs) = in_step(daily(5));
    world.settings.direction = Direction::AToB;
    world.settle();
    world.b.edit(&theirs, |series| series.recurrence = daily(9).recurrence);
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.series(&mine).recurrence, daily(5).recurrence);
    assert_eq!(lost(&world)[0].paths, ["recurrence"]);
}

#[test]
fn what_is_ignored_in_an_instance_and_written_over_is_named() {
    let at = instance(&daily(5), 3);
    let edited = held_at("Halle");
    let other = says("anders");
    for (theirs, mine, named) in [
        (edited.clone(), None, format!("instance {} place", at.to_text())),
        (Override::Cancelled, Some(other), format!("instance {} cancelled", at.to_text())),
    ] {
        let (mut world, a, b) = in_step(daily(5));
        world.settings.direction = Direction::AToB;
        world.settings.read_only_edit = ReadOnlyEdit::Ignore;
        world.settle();
        say_of(&world.b, &b, at, theirs.clone());
        world.a.edit(&a, |series| match mine.clone() {
            Some(over) => {
                series.overrides.insert(at, over);
            }
            None => series.recurrence = daily(2).recurrence,
        });
        world.settle();
        let lost = lost(&world);
        assert_eq!(lost.len(), 1, "{named}: {lost:?}");
        assert_eq!((lost[0].by, lost[0].paths.as_slice()), (LostBy::Direction, &[named][..]));
    }
}

#[test]
fn an_instance_that_the_leading_rule_does_not_have_is_named_once_at_first_sight() {
    let world = World::new();
    world.a.add_series(daily(2));
    let mut theirs = daily(5);
    let at = instance(&theirs, 3);
    let edited = held_at("Halle");
    theirs.overrides.insert(at, edited);
    theirs.event.place = "Halle".to_owned();
    world.b.add_series(theirs);
    world.settle();
    let paths = lost(&world).remove(0).paths;
    assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len(), "{paths:?}");
    assert!(paths.iter().any(|path| path.starts_with(&format!("instance {}", at.to_text()))), "{paths:?}");
}

#[test]
fn a_rule_that_would_drop_an_instance_that_waits_is_carried_when_a_person_decided() {
    let (world, mine, theirs) = where_people_decide();
    let at = instance(&daily(5), 1);
    let weekly = every(Frequency::Weekly);
    say_of(&world.a, &mine, at, says("bei A"));
    say_of(&world.b, &theirs, at, says("bei B"));
    world.settle();
    world.a.edit(&mine, |series| series.recurrence = Some(weekly.clone()));
    let report = world.sync();
    let asked = asked(&report);
    assert!(asked.paths.contains(&"recurrence".to_owned()), "{}", report.plan);
    assert_eq!(world.b.series(&theirs).recurrence, daily(5).recurrence);
    world.answer(Answer::Prefer(Side::A));
    world.settle();
    assert_eq!(world.b.series(&theirs).recurrence, Some(weekly));
}
