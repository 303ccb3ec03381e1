//! What the simulated world found about restores, each with the smallest input that showed it.

use std::cell::Cell;
use std::collections::BTreeSet;

use calsync_core::ids::{Side, Uid};
use calsync_core::link::{Direction, HoldKind};
use calsync_core::memory::MemoryStore;
use calsync_core::model::{Busy, Field, Reminder, Sensitivity, Series};
use calsync_core::sync::{Leaving, Private, ReadOnlyEdit, Request};
use chrono::DateTime;

use super::fake::{Cut, Fake, World, event, hour};

fn once() -> Series {
    Series::single(Uid::new("u"), event("Termin", 1))
}

fn counts(world: &World) -> (usize, usize) {
    (world.a.keys().len(), world.b.keys().len())
}

/// A world whose Exchange gives UIDs of its own, with one appointment of A on both sides, and its keys.
fn in_step(series: Series) -> (World, String, String) {
    let mut world = World::new();
    world.b.own_uids = true;
    let mine = world.a.add_series(series);
    world.settle();
    let theirs = world.b.keys().remove(0);
    (world, mine, theirs)
}

/// The same where what is private on A is masked on B, with a private appointment.
fn masked() -> (World, String, String) {
    let mut world = World::new();
    world.settings.outward.a.private = Private::Mask;
    let mut series = once();
    series.event.sensitivity = Sensitivity::Private;
    let mine = world.a.add_series(series);
    world.settle();
    let theirs = world.b.keys().remove(0);
    assert_eq!(world.b.events()[0].subject, "Privat");
    (world, mine, theirs)
}

#[test]
fn what_has_another_key_when_the_store_is_lost_is_known_by_its_uid() {
    let (mut world, mine, theirs) = in_step(once());
    world.a.rename(&mine);
    world.b.edit(&theirs, |series| series.event.span = hour(3, 9));
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(world.a.events(), world.b.events());
    assert_eq!((counts(&world), &world.a.events()[0].span), ((1, 1), &hour(3, 9)), "the edit is carried");
}

#[test]
fn another_item_under_the_key_that_a_receipt_names_is_not_meant() {
    let mut world = World::new();
    world.b.own_uids = true;
    let backup = world.a.backup();
    world.a.add(event("Termin", 1));
    world.settle();
    world.a.restore_and_count_anew(&backup);
    // At the same time, and called the same: the key is given out anew, the UID is not.
    world.a.add_series(Series::single(Uid::new("another"), event("Termin", 1)));
    world.b.edit(&world.b.keys()[0], |series| series.event.span = hour(3, 9));
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(counts(&world), (2, 2));
}

#[test]
fn a_copy_is_known_by_its_own_uid_when_the_original_and_the_store_are_gone() {
    for own_uids in [false, true] {
        let mut world = World::new();
        world.b.own_uids = own_uids;
        world.a.add_series(once());
        world.settle();
        let theirs = world.b.keys().remove(0);
        let copy = world.b.copy(&theirs, "of the copy");
        world.b.edit(&copy, |series| series.event.span = hour(3, 9));
        world.b.delete(&theirs);
        world.store = MemoryStore::new();
        world.settle();
        assert_eq!(counts(&world), (2, 2), "own UIDs: {own_uids}");
        assert_eq!(world.a.events()[0].span, hour(1, 9), "what was copied did not move");
    }
}

#[test]
fn of_two_with_one_uid_one_is_carried_and_the_other_waits() {
    let mut world = World::new();
    let mine = world.a.add_series(once());
    let twin = world.a.copy(&mine, "u");
    world.settle();
    assert_eq!(counts(&world), (2, 1));
    let waits = |world: &World| world.held().iter().map(|hold| hold.kind).collect::<Vec<_>>();
    assert_eq!(waits(&world), [HoldKind::OurDouble]);
    // Nor when nobody knows which of them has the counterpart.
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!((counts(&world), waits(&world)), ((2, 1), vec![HoldKind::OurDouble]));
    world.a.delete(&mine);
    world.settle();
    assert_eq!((counts(&world), waits(&world)), ((1, 1), vec![]), "the other one takes its place");
    world.a.edit(&twin, |series| series.event.subject = "geändert".to_owned());
    world.settle();
    assert_eq!(world.b.events()[0].subject, "geändert");
}

#[test]
fn what_is_put_back_while_it_is_made_anew_is_not_carried_a_second_time() {
    let mut world = World::new();
    let mine = world.a.add_series(once());
    world.settle();
    let kept = world.a.bin(&mine);
    world.b.edit(&world.b.keys()[0], |series| series.event.subject = "geändert".to_owned());
    world.settle();
    assert_eq!(counts(&world), (1, 1), "the edit is kept");
    world.a.unbin(&mine, kept);
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(counts(&world), (2, 1));
}

#[test]
fn what_bears_the_uid_of_a_counterpart_is_not_carried_a_second_time() {
    let world = World::new();
    world.a.add(event("Termin", 1));
    let theirs = world.b.add(event("Termin", 1));
    world.settle();
    assert_eq!(counts(&world), (1, 1), "the same by content, under two UIDs");
    world.a.add_series(world.b.series(&theirs));
    world.settle();
    assert_eq!(counts(&world), (2, 1));
    assert_eq!(world.held()[0].kind, HoldKind::OurDouble);
}

#[test]
fn what_is_put_back_when_its_original_is_private_by_then_is_not_carried_back() {
    let mut world = World::new();
    world.settings.outward.a.private = Private::Skip;
    let mine = world.a.add(event("Termin", 1));
    let theirs = world.b.add(event("Termin", 1));
    world.settle();
    let kept = world.b.series(&theirs);
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    world.settings.leaving = Leaving::Delete;
    world.settle();
    assert_eq!(counts(&world), (1, 0));
    world.b.unbin(&theirs, kept);
    world.settle();
    assert_eq!(counts(&world).0, 1, "it is known by its UID, though both have another one");
}

#[test]
fn what_was_changed_on_both_sides_when_the_store_was_lost_comes_together_wherever_the_round_is_cut_off() {
    for at in 0.. {
        let mut world = World::new();
        world.settings.lead = Side::A;
        let theirs = world.b.add_series(once());
        world.settle();
        let mine = world.a.keys().remove(0);
        world.store = MemoryStore::new();
        world.a.edit(&mine, |series| series.event.categories = ["w".into()].into());
        world.b.edit(&theirs, |series| series.event.span = hour(2, 9));
        let cut = world.sync_cut(Cut::After(at));
        world.settle();
        assert_eq!(world.a.events(), world.b.events(), "cut off after request {at}");
        if !cut {
            break;
        }
    }
}

#[test]
fn what_was_written_is_known_as_unchanged_though_its_side_does_not_hold_all_of_it() {
    let mut world = World::new();
    world.settings.direction = Direction::BToA;
    world.settings.lead = Side::A;
    world.settings.read_only_edit = ReadOnlyEdit::Ignore;
    world.a.unheld = &[Field::Place];
    let mut series = once();
    series.event.place = "bei uns".to_owned();
    let theirs = world.b.add_series(series);
    world.settle();
    world.b.edit(&theirs, |series| series.event.span = hour(3, 9));
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(world.a.events()[0].span, hour(3, 9), "nobody changed it there");
}

#[test]
fn what_is_left_alone_is_known_by_its_receipt_when_its_counterpart_comes_back() {
    let (mut world, mine, _) = in_step(once());
    world.settings.direction = Direction::AToB;
    let kept = world.a.bin(&mine);
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(counts(&world), (0, 1), "nobody knows that it was deleted");
    world.a.unbin(&mine, kept);
    world.a.rename(&mine);
    world.settle();
    assert_eq!(counts(&world), (1, 1));
}

#[test]
fn nobody_makes_an_original_again_from_its_masked_copy() {
    let (mut world, mine, theirs) = masked();
    world.b.edit(&theirs, |series| series.event.place = "bei mir".to_owned());
    world.a.delete(&mine);
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(counts(&world), (0, 1));
    // Not when it is edited, either.
    world.b.edit(&theirs, |series| series.event.subject = "umbenannt".to_owned());
    world.settle();
    assert_eq!(counts(&world), (0, 1));
}

#[test]
fn an_edited_masked_copy_is_known_as_one_when_the_store_is_lost() {
    let (mut world, mine, theirs) = masked();
    // Both carry receipts, and neither looks like a masked copy.
    world.b.edit(&theirs, |series| series.event.span = hour(2, 9));
    world.a.edit(&mine, |series| series.event.subject = "Arzt".to_owned());
    world.settle();
    world.b.edit(&theirs, |series| series.event.subject = "umbenannt".to_owned());
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(counts(&world), (1, 1));
    assert_eq!(
        (world.a.subjects(), world.b.subjects()),
        (vec!["Arzt".to_owned()], vec!["Privat".to_owned()])
    );
}

#[test]
fn what_a_person_copied_from_a_masked_copy_is_their_own() {
    for lost in [false, true] {
        let (mut world, mine, theirs) = masked();
        let copy = world.b.copy(&theirs, "of a person");
        world.b.edit(&copy, |series| series.event.span = hour(5, 9));
        world.a.rename(&mine);
        if lost {
            world.store = MemoryStore::new();
        }
        world.settle();
        assert_eq!(counts(&world), (2, 2), "{lost}");
        assert_eq!(world.a.subjects().iter().filter(|subject| *subject == "Privat").count(), 1, "{lost}");
        // What it was copied from goes, and it stays.
        let original = world.a.keys().into_iter().find(|key| world.a.series(key).event.subject == "Termin");
        world.a.delete(&original.unwrap());
        world.settle();
        assert_eq!(counts(&world), (1, 1), "{lost}");
    }
}

#[test]
fn a_copy_does_not_take_what_the_receipt_in_it_names() {
    // Known as the same by subject and time: only A has a receipt, and the UIDs differ.
    let mut world = World::new();
    let mine = world.a.add_series(once());
    let mut theirs = Series::single(Uid::new("v"), event("Termin", 1));
    theirs.event.place = "Ulm".to_owned();
    world.b.add_series(theirs);
    world.settings.lead = Side::A;
    world.settle();
    assert_eq!(world.a.events()[0].place, "Ulm");
    let copy = world.a.copy(&mine, "a copy");
    world.a.edit(&copy, |series| series.event.span = hour(5, 9));
    world.settle();
    assert_eq!(counts(&world), (2, 2));
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(counts(&world), (2, 2));
    for span in [hour(1, 9), hour(5, 9)] {
        for fake in [&world.a, &world.b] {
            assert_eq!(fake.events().iter().filter(|event| event.span == span).count(), 1);
        }
    }
}

#[test]
fn what_a_side_cannot_hold_was_not_cleared_there_when_the_store_is_lost() {
    for direction in [Direction::Both, Direction::BToA] {
        let mut world = World::new();
        (world.a.unheld, world.a.drops_unheld) = (&[Field::Place], true);
        world.settings.direction = direction;
        let mut series = once();
        series.event.place = "Ulm".to_owned();
        let theirs = world.b.add_series(series);
        world.settle();
        let mine = world.a.keys().remove(0);
        for edited in [false, true] {
            if edited {
                world.b.edit(&theirs, |series| series.event.busy = Busy::OutOfOffice);
                world.settle();
                world.a.edit(&mine, |series| series.event.subject = "auf A".to_owned());
            }
            world.store = MemoryStore::new();
            let before = world.a.writes();
            world.settle();
            assert_eq!(world.b.events()[0].place, "Ulm", "{direction:?} {edited}");
            assert_eq!(world.a.writes() - before, u64::from(edited && direction == Direction::BToA));
        }
    }
}

#[test]
fn a_double_is_one_also_when_the_store_is_lost() {
    let (mut world, _, theirs) = in_step(once());
    world.b.late_create(&theirs);
    world.settle();
    assert_eq!((counts(&world), world.held().len()), ((1, 2), 1));
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!((counts(&world), world.held().len()), ((1, 2), 1));
    assert_eq!(world.held()[0].kind, HoldKind::OurDouble);
}

#[test]
fn a_masked_copy_that_is_known_by_its_looks_follows_its_original() {
    let mut world = World::new();
    world.settings.outward.a.private = Private::Mask;
    let mut original = once();
    original.event.sensitivity = Sensitivity::Private;
    let mut copy = original.clone();
    copy.event.subject = "Privat".to_owned();
    copy.event.reminder = Reminder::Minutes(15);
    world.a.add_series(original);
    world.b.add_series(copy);
    world.settle();
    let reminders = |fake: &Fake| fake.events().into_iter().map(|event| event.reminder).collect::<Vec<_>>();
    assert_eq!((reminders(&world.a), reminders(&world.b)), (vec![Reminder::Off], vec![Reminder::Off]));
}

#[test]
fn an_original_that_is_public_by_now_is_not_told_what_its_masked_copy_says() {
    let (mut world, mine, theirs) = masked();
    world.settings.lead = Side::B;
    world.b.edit(&theirs, |series| series.event.place = "bei mir".to_owned());
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Normal);
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(
        (world.a.subjects(), world.b.subjects()),
        (vec!["Termin".to_owned()], vec!["Termin".to_owned()])
    );
    assert_eq!((&*world.a.events()[0].place, &*world.b.events()[0].place), ("", ""));
}

#[test]
fn a_copy_that_is_written_gets_a_token_of_its_own() {
    let (world, _, theirs) = in_step(once());
    let copy = world.b.copy(&theirs, "of a person");
    world.b.edit(&copy, |series| series.event.span = hour(5, 9));
    world.settle();
    let mine = world.a.keys().into_iter().find(|key| world.a.series(key).event.span == hour(5, 9)).unwrap();
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    let tokens: BTreeSet<_> = world.journal().into_iter().map(|entry| entry.write.receipt.token).collect();
    assert_eq!(tokens.len(), 3, "of the first one, of the copy on A, and of the copy on B");
}

#[test]
fn what_our_receipt_names_was_in_step_also_where_the_round_that_put_it_together_was_cut_off() {
    let mut world = World::new();
    world.settings.direction = Direction::AToB;
    let mut series = once();
    series.event.place = "Ulm".to_owned();
    let mine = world.a.add_series(series);
    world.settle();
    world.b.edit(&world.b.keys()[0], |series| series.event.subject = "auf B".to_owned());
    world.store = MemoryStore::new();
    let written = Cell::new(false);
    world.sync_until(|request| {
        written.replace(written.get() || matches!(request, Request::Apply(Side::B, _)))
    });
    world.a.edit(&mine, |series| series.event.place = String::new());
    world.settle();
    assert_eq!((world.b.subjects(), world.b.events()[0].place.as_str()), (vec!["Termin".into()], ""));
}

#[test]
fn what_was_made_of_what_was_put_back_is_its_counterpart_when_the_store_is_older() {
    let (mut world, mine, _) = in_step(once());
    let kept = world.a.bin(&mine);
    world.settle();
    assert_eq!(counts(&world), (0, 0));
    let older = MemoryStore::clone(&world.store);
    world.a.set_clock(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    world.a.unbin(&mine, kept);
    world.settle();
    assert_eq!(counts(&world), (1, 1));
    world.store = older;
    world.settle();
    assert_eq!((counts(&world), world.held().len()), ((1, 1), 0));
}

#[test]
fn what_is_made_a_masked_copy_when_the_store_is_lost_says_what_its_original_makes_it() {
    let mut world = World::new();
    world.settings.outward.a.private = Private::Mask;
    world.settings.read_only_edit = ReadOnlyEdit::Ignore;
    let theirs = world.b.add_series(once());
    world.settle();
    let mine = world.a.keys().remove(0);
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    world.b.edit(&theirs, |series| series.event.reminder = Reminder::Minutes(7));
    world.store = MemoryStore::new();
    world.settle();
    let (original, copy) = (&world.a.events()[0], &world.b.events()[0]);
    assert_eq!((copy.subject.as_str(), &copy.reminder), ("Privat", &original.reminder));
}

#[test]
fn what_a_copy_took_over_as_private_is_no_original_when_the_store_is_lost() {
    let mut world = World::new();
    world.settings.outward.a.private = Private::Mask;
    let mut series = once();
    series.event.sensitivity = Sensitivity::Private;
    let theirs = world.b.add_series(series);
    world.settle();
    world.b.edit(&theirs, |series| series.event.sensitivity = Sensitivity::Normal);
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!((world.a.subjects(), world.b.subjects()), (vec!["Termin".into()], vec!["Termin".into()]));
}
