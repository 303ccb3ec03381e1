//! What the simulated world found, each with the smallest input that showed it.

use calsync_core::ids::{Side, Uid};
use calsync_core::link::{Direction, HoldKind};
use calsync_core::memory::MemoryStore;
use calsync_core::model::{Busy, Overlay, Override, Recurrence, RecurrenceId, Sensitivity, Series};
use calsync_core::recur::{End, Frequency, Parts, Rule};
use calsync_core::sync::{ConflictPolicy, Filter, Leaving, Private, ReadOnlyEdit, Request};
use chrono::TimeDelta;
use std::collections::BTreeSet;
use std::num::NonZeroU32;

use super::fake::{World, event, hour};

/// A world with one appointment of A on both sides, and its key on A and on B.
pub fn in_step(series: Series) -> (World, String, String) {
    let world = World::new();
    let mine = world.a.add_series(series);
    world.settle();
    let theirs = world.b.keys().remove(0);
    (world, mine, theirs)
}

pub fn once() -> Series {
    Series::single(Uid::new("u"), event("Termin", 1))
}

pub fn daily(times: u32) -> Series {
    let rule = Rule::new(Parts::every(Frequency::Daily)).unwrap();
    let rule = rule.with_end(End::Count(NonZeroU32::new(times).unwrap()));
    Series { recurrence: Some(Recurrence { rule, dates: BTreeSet::new() }), ..once() }
}

/// The instance so many days after the first.
pub fn instance(series: &Series, days: i64) -> RecurrenceId {
    let start = &series.event.span.start;
    RecurrenceId::of(start, start.local() + TimeDelta::days(days))
}

pub fn cancel(series: &mut Series, days: i64) {
    let key = instance(series, days);
    series.overrides.insert(key, Override::Cancelled);
}

/// A round in which somebody does something before the first request of a kind.
pub fn meanwhile(world: &World, at: impl Fn(&Request) -> bool, mut act: impl FnMut()) {
    let mut done = false;
    world.sync_with(|_, request| {
        if at(request) && !std::mem::replace(&mut done, true) {
            act();
        }
    });
    assert!(done, "the round never got there");
}

pub fn writes_to(side: Side) -> impl Fn(&Request) -> bool {
    move |request| matches!(request, Request::Apply(to, _) if *to == side)
}

#[test]
fn what_is_deleted_before_it_is_read_back_stays_deleted() {
    // B names what it stored, and is asked for it: that is where the item is gone already.
    let reads_back = |request: &Request| matches!(request, Request::Fetch(Side::B, _));
    let world = World::new();
    world.a.add_series(once());
    meanwhile(&world, reads_back, || world.b.delete(&world.b.keys()[0]));
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (0, 0), "made");

    let (world, mine, theirs) = in_step(once());
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    meanwhile(&world, reads_back, || world.b.delete(&theirs));
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (0, 0), "updated");
}

#[test]
fn what_is_put_back_after_it_was_made_again_is_a_double() {
    let (world, mine, theirs) = in_step(once());
    let kept = world.a.bin(&mine);
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    world.a.unbin(&mine, kept);
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (2, 1));
    assert_eq!(world.held()[0].kind, HoldKind::OurDouble);
    // It stays one when the counterpart goes by another name.
    world.b.rename(&theirs);
    world.settle();
    assert_eq!((world.held().len(), world.b.keys().len()), (1, 1));
}

#[test]
fn what_both_deleted_and_one_put_back_is_there_again() {
    for renamed in [false, true] {
        let (world, mine, theirs) = in_step(once());
        let kept = world.a.bin(&mine);
        meanwhile(&world, writes_to(Side::B), || {
            world.b.delete(&theirs);
            world.a.unbin(&mine, kept.clone());
            if renamed {
                world.a.rename(&mine);
            }
        });
        world.settle();
        assert_eq!((world.a.keys().len(), world.b.keys().len()), (1, 1), "{renamed}");
        assert_eq!(world.held().len(), 0);
    }
}

#[test]
fn a_category_that_one_side_did_not_get_is_not_forgotten_with_a_conflict_of_the_other() {
    let (world, mine, theirs) = in_step(once());
    world.a.edit(&mine, |series| {
        series.event.categories.insert("eigene".to_owned());
    });
    world.b.edit(&theirs, |series| {
        series.event.categories.insert("ihre".to_owned());
    });
    // The write to B meets an edit there, the one to A is done.
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.subject = "anders".to_owned());
    });
    world.b.delete(&theirs);
    world.settle();
    assert_eq!(world.a.events().len(), 1, "an edit that nobody saw there is not deleted");
    world.assert_in_step();
}

#[test]
fn a_cancelled_instance_outlives_a_new_rule_of_the_other_side_whose_answer_it_missed() {
    let (world, mine, theirs) = in_step(daily(6));
    world.a.edit(&mine, |series| cancel(series, 1));
    world.b.edit(&theirs, |series| series.recurrence = daily(7).recurrence);
    meanwhile(&world, writes_to(Side::B), || world.b.edit(&theirs, |series| cancel(series, 3)));
    world.settle();
    world.assert_in_step();
    assert_eq!(world.b.all()[0].overrides.len(), 2);
}

#[test]
fn a_cancelled_instance_moves_along_also_when_the_move_is_refused_at_first() {
    let (world, mine, theirs) = in_step(daily(6));
    world.a.edit(&mine, |series| {
        series.event.span = hour(1, 12);
    });
    world.b.edit(&theirs, |series| cancel(series, 2));
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    });
    world.settle();
    world.assert_in_step();
    assert_eq!(world.b.all()[0].overrides.len(), 1);
}

#[test]
fn a_cancelled_instance_moves_along_also_when_it_is_refused_where_the_move_was_made() {
    let (world, mine, theirs) = in_step(daily(6));
    world.a.edit(&mine, |series| {
        series.event.span = hour(1, 12);
    });
    world.b.edit(&theirs, |series| cancel(series, 2));
    meanwhile(&world, writes_to(Side::A), || {
        world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    });
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.all()[0].overrides.len(), 1);
}

#[test]
fn what_was_brought_together_is_no_edit_when_one_side_deletes_it() {
    let (world, mine, theirs) = in_step(daily(6));
    world.a.edit(&mine, |series| {
        series.event.span = hour(1, 12);
    });
    world.b.edit(&theirs, |series| {
        series.recurrence = daily(8).recurrence;
        let key = instance(series, 2);
        let overlay = Overlay { subject: Some("anders".to_owned()), ..Overlay::default() };
        series.overrides.insert(key, Override::Changed(overlay));
    });
    world.sync();
    world.a.delete(&mine);
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (0, 0));
}

#[test]
fn what_is_moved_out_and_back_beside_its_double_is_the_same_still() {
    let (world, mine, theirs) = in_step(once());
    let kept = world.a.bin(&mine);
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    let again = world.a.keys().remove(0);
    world.a.unbin(&mine, kept);
    world.settle();
    world.a.rename(&again);
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (2, 1));
    assert_eq!((world.held().len(), world.b.keys()), (1, vec![theirs]));
}

#[test]
fn a_category_added_against_the_direction_is_taken_back_beside_one_that_is_carried() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.direction = Direction::BToA;
    world.settings.read_only_edit = ReadOnlyEdit::Revert;
    world.settle();
    world.a.edit(&mine, |series| {
        series.event.categories.insert("eigene".to_owned());
    });
    world.b.edit(&theirs, |series| {
        series.event.categories.insert("ihre".to_owned());
    });
    world.settle();
    assert_eq!(world.a.events()[0].categories, BTreeSet::from(["ihre".to_owned()]));
    world.assert_in_step();
}

#[test]
fn what_was_changed_against_the_direction_while_the_store_was_lost_is_taken_back() {
    let (mut world, mine, _) = in_step(once());
    world.settings.direction = Direction::BToA;
    world.settings.read_only_edit = ReadOnlyEdit::Revert;
    // B has our receipt, and A has the edit.
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(world.a.events()[0].place, "");
    world.assert_in_step();
    // What was never in step was not changed.
    let world = World { settings: world.settings.clone(), ..World::new() };
    world.a.add_series(once());
    world.b.add_series(once());
    world.a.edit(&world.a.keys()[0], |series| series.event.place = "Ulm".to_owned());
    world.settle();
    assert_eq!(world.a.events()[0].place, "Ulm");
}

#[test]
fn an_item_that_got_the_key_of_another_after_a_restore_is_not_its_counterpart() {
    let world = World::new();
    let backup = world.a.backup();
    world.a.add_series(once());
    world.settle();
    // A server that gives keys out anew, and a store that begins anew.
    world.a.restore_and_count_anew(&backup);
    let other = Series::single(Uid::new("other"), event("Anderes", 4));
    world.a.edit_later(3_600, &world.a.add_series(other), |_| ());
    let world = World { store: MemoryStore::new(), ..world };
    world.settle();
    let looks = |side: &super::fake::Fake| -> BTreeSet<String> {
        side.events().into_iter().map(|event| event.subject).collect()
    };
    assert_eq!(looks(&world.a), BTreeSet::from(["Termin".to_owned(), "Anderes".to_owned()]));
    assert_eq!(looks(&world.a), looks(&world.b));
}

#[test]
fn what_is_put_back_after_a_store_that_never_knew_it_made_it_again_is_a_double() {
    let (world, mine, theirs) = in_step(once());
    let kept = world.a.bin(&mine);
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    let world = World { store: MemoryStore::new(), ..world };
    world.settle();
    assert_eq!(world.a.keys().len(), 1);
    world.a.unbin(&mine, kept);
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (2, 1));
    assert_eq!(world.held()[0].kind, HoldKind::OurDouble);
}

#[test]
fn a_copy_of_what_left_with_its_counterpart_is_an_appointment_of_its_own() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.leaving = Leaving::Delete;
    world.settings.outward.a.filter =
        Filter { except_busy: BTreeSet::from([Busy::Free]), ..Filter::default() };
    world.settle();
    world.a.edit(&mine, |series| series.event.busy = Busy::Free);
    meanwhile(&world, writes_to(Side::B), || drop(world.b.copy(&theirs, "copy")));
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (2, 1), "the copy has a counterpart of its own");
    assert_eq!(world.a.series(&mine).event.busy, Busy::Free, "and the original is not touched");
}

#[test]
fn a_copy_of_what_was_made_again_does_not_belong_to_what_was_put_back() {
    let (world, mine, theirs) = in_step(once());
    let kept = world.a.bin(&mine);
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    world.a.unbin(&mine, kept.clone());
    world.settle();
    world.b.copy(&theirs, "copy");
    world.settle();
    assert_eq!(world.a.series(&mine), kept, "nothing is written to the double");
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (3, 2));
}

#[test]
fn what_became_private_first_is_the_original_though_that_could_not_be_written() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.outward.a.private = Private::Mask;
    world.settings.outward.b.private = Private::Mask;
    world.settle();
    world.b.edit(&theirs, |series| series.event.sensitivity = Sensitivity::Private);
    meanwhile(&world, writes_to(Side::A), || {
        world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    });
    world.settle();
    assert_eq!((world.a.subjects(), world.b.subjects()), (vec!["Privat".into()], vec!["Termin".into()]));
}

#[test]
fn what_is_put_back_beside_its_copy_of_where_private_passes_is_masked_by_nobody() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.lead = Side::B;
    world.settings.outward.b.private = Private::Skip;
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    let kept = world.a.bin(&mine);
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    world.a.unbin(&mine, kept);
    world.settle();
    assert_eq!(world.a.subjects(), ["Termin"]);
}

#[test]
fn the_text_of_an_instance_is_masked_though_its_time_waits_for_a_person() {
    let (mut world, mine, theirs) = in_step(daily(6));
    world.settings.conflict = ConflictPolicy::Hold;
    world.settings.outward.a.private = Private::Mask;
    world.settle();
    let change = |series: &mut Series, at: u32, subject: Option<&str>| {
        let key = instance(series, 2);
        let (span, subject) = (Some(hour(3, at)), subject.map(str::to_owned));
        series.overrides.insert(key, Override::Changed(Overlay { span, subject, ..Overlay::default() }));
    };
    world.a.edit(&mine, |series| change(series, 14, Some("geheim")));
    world.b.edit(&theirs, |series| change(series, 16, None));
    world.settle();
    assert_eq!(world.held().len(), 1);
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    let shown = world.b.series(&theirs);
    assert!(!format!("{:?}", shown.overrides).contains("geheim"), "{:?}", shown.overrides);
}

#[test]
fn what_waits_is_no_newer_because_something_was_written_beside_it() {
    let (world, mine, theirs) = in_step(once());
    // A's text is written to B at the second try; meanwhile B is written for its own sake.
    world.a.edit(&mine, |series| series.event.subject = "alt".to_owned());
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit_later(3_600, &theirs, |series| series.event.subject = "neu".to_owned());
    });
    world.settle();
    assert_eq!((world.a.subjects(), world.b.subjects()), (vec!["neu".into()], vec!["neu".into()]));
}

#[test]
fn what_is_moved_before_it_is_read_back_is_known_by_its_receipt_where_servers_give_uids() {
    for sensitivity in [Sensitivity::Normal, Sensitivity::Private] {
        let mut world = World::new();
        world.b.own_uids = true;
        world.settings.outward.a.private = Private::Mask;
        let mine = world.a.add_series(daily(6));
        world.a.edit(&mine, |series| series.event.sensitivity = sensitivity);
        meanwhile(
            &world,
            |request| matches!(request, Request::Fetch(Side::B, _)),
            || {
                world.b.rename(&world.b.keys()[0]);
            },
        );
        world.settle();
        assert_eq!((world.a.keys().len(), world.b.keys().len()), (1, 1));
    }
}

#[test]
fn what_both_sides_did_alike_can_be_taken_back_though_something_else_was_refused() {
    let (world, mine, theirs) = in_step(daily(6));
    world.a.edit(&mine, |series| {
        cancel(series, 2);
        series.event.place = "Ulm".to_owned();
    });
    world.b.edit(&theirs, |series| cancel(series, 2));
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.subject = "anders".to_owned());
        world.a.edit(&mine, |series| series.overrides.clear());
    });
    world.settle();
    world.assert_in_step();
    assert!(world.b.all()[0].overrides.is_empty());
}

#[test]
fn a_copy_made_just_before_its_original_goes_does_not_belong_to_what_is_put_back() {
    let world = World::new();
    let theirs = world.b.add_series(once());
    world.settle();
    let mine = world.a.keys().remove(0);
    let kept = world.b.bin(&theirs);
    meanwhile(&world, writes_to(Side::A), || {
        let copy = world.a.copy(&mine, "copy");
        world.a.edit(&copy, |series| series.event.span = hour(5, 9));
        world.b.unbin(&theirs, kept.clone());
        world.b.edit_later(365 * 86_400, &theirs, |series| series.event.place = "Ulm".to_owned());
    });
    world.settle();
    world.assert_in_step();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (2, 2), "both are there");
}

#[test]
fn a_copy_of_what_was_left_alone_when_it_was_deleted_does_not_take_its_place() {
    let mut world = World::new();
    world.b.own_uids = true;
    world.settings.direction = Direction::AToB;
    world.settings.read_only_edit = ReadOnlyEdit::Ignore;
    let mine = world.a.add_series(once());
    world.settle();
    let theirs = world.b.keys().remove(0);
    let copy = world.b.copy(&theirs, "of a person");
    world.b.edit(&copy, |series| series.event.span = hour(5, 9));
    world.settle();
    world.b.delete(&theirs);
    world.settle();
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    world.b.edit(&copy, |series| series.event.subject = "umbenannt".to_owned());
    world.settle();
    assert_eq!(world.b.series(&copy).event.place, "");
}
