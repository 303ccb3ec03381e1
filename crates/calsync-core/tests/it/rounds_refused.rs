//! What is in step, and what is not, after a write that a server refused because somebody was quicker.

use calsync_core::ids::{Side, Uid};
use calsync_core::link::Direction;
use calsync_core::model::{Busy, Field, Overlay, Override, Sensitivity, Series};
use calsync_core::source::{Access, SourceErrorKind};
use calsync_core::sync::{ConflictPolicy, Filter, Leaving, Private, ReadOnlyEdit, Request};
use std::collections::BTreeSet;

use super::fake::{World, event, hour};
use super::rounds_world::{cancel, daily, in_step, instance, meanwhile, once, writes_to};

#[test]
fn a_time_that_lost_is_not_in_step_before_it_was_replaced() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.conflict = ConflictPolicy::Prefer(Side::A);
    world.settings.read_only_edit = ReadOnlyEdit::Revert;
    world.settings.outward.b.private = Private::Mask;
    world.settle();
    world.a.edit(&mine, |series| series.event.span = hour(2, 9));
    world.b.edit(&theirs, |series| series.event.span = hour(3, 9));
    // From now on A has the copy, and its time has no say any more.
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.sensitivity = Sensitivity::Private);
    });
    world.settle();
    assert_eq!(world.a.subjects(), ["Privat"]);
    assert_eq!(world.a.events()[0].span, world.b.events()[0].span);
}

#[test]
fn an_instance_whose_cancellation_lost_is_made_again_whole() {
    let named = |series: &mut Series, at: Option<u32>| {
        let (subject, span) = (Some("anders".to_owned()), at.map(|at| hour(3, at)));
        let over = Override::Changed(Overlay { subject, span, ..Overlay::default() });
        series.overrides.insert(instance(series, 2), over);
    };
    let mut series = daily(6);
    named(&mut series, None);
    let (world, mine, theirs) = in_step(series);
    world.a.edit(&mine, |series| named(series, Some(14)));
    world.b.edit(&theirs, |series| cancel(series, 2));
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    });
    world.settle();
    world.assert_in_step();
    let expected = world.a.series(&mine);
    assert!(matches!(&expected.overrides[&instance(&expected, 2)],
        Override::Changed(overlay) if overlay.subject.as_deref() == Some("anders") && overlay.span.is_some()));
}

#[test]
fn what_was_carried_is_in_step_though_taking_back_the_rest_was_refused() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.read_only_edit = ReadOnlyEdit::Revert;
    world.b.lock(&theirs, Access::Personal);
    world.settle();
    world.a.edit(&mine, |series| {
        series.event.subject = "anders".to_owned();
        series.event.busy = Busy::OutOfOffice;
    });
    // The subject is taken back; what is carried meets somebody who takes it back as well.
    meanwhile(&world, writes_to(Side::A), || {
        world.a.edit(&mine, |series| series.event.busy = Busy::Busy);
    });
    world.settle();
    world.assert_in_step();
}

#[test]
fn before_a_deletion_that_was_refused_nothing_was_brought_together() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.leaving = Leaving::Delete;
    world.settings.outward.a.filter =
        Filter { except_busy: BTreeSet::from([Busy::Free]), ..Filter::default() };
    world.settle();
    world.a.edit(&mine, |series| {
        series.event.busy = Busy::Free;
        series.event.place = "Ulm".to_owned();
    });
    world.b.edit(&theirs, |series| series.event.place = "Halle".to_owned());
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.subject = "anders".to_owned());
    });
    world.settle();
    let places: BTreeSet<String> =
        world.a.events().into_iter().chain(world.b.events()).map(|event| event.place).collect();
    assert_eq!(places.len(), 1, "gone, or the same on both sides: {places:?}");
}

#[test]
fn two_that_are_put_together_are_not_in_step_before_that_was_written() {
    let mut world = World::new();
    world.settings.lead = Side::B;
    world.settings.outward.b.filter =
        Filter { except_busy: BTreeSet::from([Busy::Free]), ..Filter::default() };
    let mut theirs = once();
    (theirs.event.busy, theirs.event.place) = (Busy::Free, "Halle".to_owned());
    world.b.add_series(theirs);
    world.settle();
    let mut mine = once();
    (mine.event.busy, mine.event.place) = (Busy::Free, "Ulm".to_owned());
    let mine = world.a.add_series(mine);
    meanwhile(&world, writes_to(Side::A), || {
        world.a.edit(&mine, |series| series.event.subject = "anders".to_owned());
    });
    world.settle();
    assert_eq!(world.a.events()[0].place, "Halle");
    world.assert_in_step();
}

#[test]
fn what_moves_before_it_was_ever_in_step_is_the_same_still() {
    let world = World::new();
    let mut mine = once();
    mine.event.place = "Ulm".to_owned();
    let mine = world.a.add_series(mine);
    let theirs = world.b.add_series(Series { uid: Uid::new("other"), ..once() });
    meanwhile(&world, writes_to(Side::B), || drop(world.b.rename(&theirs)));
    world.a.rename(&mine);
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (1, 1));
    assert_eq!(world.a.events(), world.b.events());
}

#[test]
fn what_is_known_by_another_uid_since_it_moved_can_move_again() {
    let mut world = World::new();
    world.b.own_uids = true;
    world.b.returns_items = false;
    let mine = world.a.add_series(once());
    let read_back = |request: &Request| matches!(request, Request::Fetch(Side::B, _));
    meanwhile(&world, read_back, || drop(world.b.rename(&world.b.keys()[0])));
    world.settle();
    world.b.rename(&world.b.keys()[0]);
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (1, 1));
    assert_eq!(world.a.events(), world.b.events());
}

#[test]
fn what_nobody_can_read_back_did_not_lose_what_its_side_cannot_hold() {
    let mut world = World::new();
    world.b.unheld = &[Field::Customer];
    world.b.drops_unheld = true;
    world.b.returns_items = false;
    let mine = world.a.add(event("T", 1));
    world.a.edit(&mine, |series| series.event.customer = "K-17".to_owned());
    let read_back = |request: &Request| matches!(request, Request::Fetch(Side::B, _));
    meanwhile(&world, read_back, || drop(world.b.rename(&world.b.keys()[0])));
    world.settle();
    assert_eq!(world.a.events()[0].customer, "K-17");
}

#[test]
fn what_a_side_cannot_hold_is_not_written_there_to_take_something_back() {
    let (mut world, mine, _) = in_step(once());
    world.a.unheld = &[Field::Customer];
    world.settings.direction = Direction::BToA;
    world.settings.read_only_edit = ReadOnlyEdit::Revert;
    world.settle();
    world.a.edit(&mine, |series| series.event.customer = "K-17".to_owned());
    world.settle();
    assert_eq!(world.a.events()[0].customer, "K-17");
}

#[test]
fn names_are_agreed_upon_one_by_one() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.direction = Direction::AToB;
    world.settings.read_only_edit = ReadOnlyEdit::Revert;
    world.settle();
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    world.a.edit(&mine, |series| series.event.categories = names(&["beide"]));
    world.b.edit(&theirs, |series| series.event.categories = names(&["beide", "ihre"]));
    world.settle();
    assert_eq!(world.b.events()[0].categories, BTreeSet::from(["beide".to_owned()]));
    world.assert_in_step();
}

#[test]
fn a_name_that_both_sides_gave_is_agreed_upon_though_another_could_not_be_written() {
    let (world, mine, theirs) = in_step(once());
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    world.a.edit(&mine, |series| series.event.categories = names(&["beide", "meine"]));
    world.b.edit(&theirs, |series| series.event.categories = names(&["beide"]));
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    });
    world.a.edit(&mine, |series| series.event.categories = names(&["meine"]));
    world.settle();
    assert_eq!(world.b.events()[0].categories, BTreeSet::from(["meine".to_owned()]));
    world.assert_in_step();
}

#[test]
fn what_both_sides_did_alike_beside_a_move_can_be_taken_back_though_that_was_refused() {
    let (world, mine, theirs) = in_step(daily(6));
    world.a.edit(&mine, |series| {
        series.event.span = hour(2, 9);
        series.event.place = "Ulm".to_owned();
    });
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.subject = "anders".to_owned());
        world.a.edit(&mine, |series| series.event.place = String::new());
    });
    world.settle();
    world.assert_in_step();
    assert_eq!(world.b.events()[0].place, "");
}

#[test]
fn an_instance_that_was_carried_beside_a_rule_that_lost_can_be_taken_back() {
    let (mut world, mine, theirs) = in_step(daily(6));
    world.settings.conflict = ConflictPolicy::Prefer(Side::B);
    world.a.edit(&mine, |series| {
        series.recurrence = daily(8).recurrence;
        cancel(series, 2);
    });
    world.b.edit(&theirs, |series| series.recurrence = daily(9).recurrence);
    // A new rule has none of the instances that were said of the old one.
    meanwhile(&world, writes_to(Side::A), || {
        world.a.edit(&mine, |series| {
            series.recurrence = daily(7).recurrence;
            series.overrides.clear();
        });
    });
    world.settle();
    world.assert_in_step();
    assert!(world.b.all()[0].overrides.is_empty());
}

#[test]
fn a_side_that_takes_one_of_two_is_no_side_that_takes_none() {
    for side in Side::BOTH {
        let world = World::new();
        let target = world.side(side.other());
        target.refuse_with(Some("verboten"), &SourceErrorKind::Denied("no right".to_owned()));
        world.side(side).add(event("erlaubt", 1));
        world.side(side).add(event("verboten", 2));
        let report = world.sync_any();
        assert_eq!((report.failure, report.failing), (None, 1), "{side}: only that one is set aside");
        assert_eq!(target.subjects(), ["erlaubt"]);
        world.side(side).add(event("verboten", 3));
        assert!(world.sync_any().failure.is_some(), "{side}: nothing was taken");
    }
}
