//! What the simulated world found about appointments that are there twice, each with the smallest input that showed it.

use calsync_core::ids::{Side, Uid};
use calsync_core::link::HoldKind;
use calsync_core::memory::MemoryStore;
use calsync_core::model::Series;
use calsync_core::sync::{Request, Window};

use super::fake::{World, event, hour};
use super::rounds_world::{meanwhile, writes_to};

fn once() -> Series {
    Series::single(Uid::new("u"), event("Termin", 1))
}

/// One appointment of A on both sides, with its keys.
fn in_step(own_uids: bool) -> (World, String, String) {
    let mut world = World::new();
    world.b.own_uids = own_uids;
    let mine = world.a.add_series(once());
    world.settle();
    let theirs = world.b.keys().remove(0);
    (world, mine, theirs)
}

fn counts(world: &World) -> (usize, usize) {
    (world.a.keys().len(), world.b.keys().len())
}

fn asked_about_doubles(world: &World) -> usize {
    world.held().iter().filter(|hold| hold.kind == HoldKind::OurDouble).count()
}

fn anew(series: &mut Series) {
    series.event.subject = "anders".to_owned();
    series.event.span = hour(9, 9);
}

/// What B has goes, and is made again because A was edited.
fn made_again(world: &World, text: &str) {
    world.b.delete(&world.b.keys()[0]);
    world.a.edit(&world.a.keys()[0], |series| series.event.place = text.to_owned());
    world.settle();
    assert_eq!(counts(world), (1, 1));
}

#[test]
fn what_we_wrote_under_a_uid_is_a_double_of_what_bears_it_whatever_it_says() {
    for settles in [false, true] {
        let (mut world, mine, _) = in_step(false);
        let kept = world.a.bin(&mine);
        world.b.edit(&world.b.keys()[0], |series| series.event.place = "Ulm".to_owned());
        world.settle();
        world.a.unbin(&mine, kept);
        if settles {
            world.settle();
        }
        world.a.edit(&mine, anew);
        world.store = MemoryStore::new();
        world.settle();
        // Also in later rounds, when nothing is remembered of what the receipt said.
        assert_eq!((counts(&world), asked_about_doubles(&world)), ((2, 1), 1));
    }
}

#[test]
fn what_is_made_again_has_the_uid_that_it_had_there() {
    for lost in [false, true] {
        let (mut world, mine, _) = in_step(true);
        let kept = world.a.bin(&mine);
        if lost {
            // All that is left of it is our receipt in what was made of it.
            world.store = MemoryStore::new();
        } else {
            world.b.edit(&world.b.keys()[0], |series| series.event.place = "Ulm".to_owned());
        }
        world.settle();
        assert_eq!(counts(&world), (1, 1));
        assert_eq!(world.a.all()[0].uid, Uid::new("u"));
        world.a.unbin(&mine, kept);
        world.a.edit(&mine, anew);
        world.settle();
        assert_eq!((counts(&world), asked_about_doubles(&world)), ((2, 1), 1));
    }
}

#[test]
fn what_was_made_after_the_store_was_kept_is_known_by_its_receipt() {
    for renamed in [false, true] {
        let (mut world, mine, _) = in_step(true);
        let kept = MemoryStore::clone(&world.store);
        for text in ["Ulm", "Bonn", "Kiel"] {
            made_again(&world, text);
        }
        world.b.edit(&world.b.keys()[0], anew);
        if renamed {
            world.a.rename(&mine);
        }
        world.store = kept;
        world.settle();
        assert_eq!(counts(&world), (1, 1), "renamed: {renamed}");
        assert_eq!(world.a.events()[0].span, hour(9, 9));
    }
}

#[test]
fn what_is_moved_to_another_time_before_it_is_read_back_is_not_made_again() {
    let mut world = World::new();
    world.b.own_uids = true;
    world.a.add_series(once());
    meanwhile(
        &world,
        |request| matches!(request, Request::Fetch(Side::B, _)),
        || {
            let key = world.b.rename(&world.b.keys()[0]);
            world.b.edit(&key, |series| series.event.span = hour(3, 9));
        },
    );
    world.settle();
    assert_eq!(counts(&world), (1, 1));
    assert_eq!(world.a.events()[0].span, hour(3, 9));
}

#[test]
fn of_two_that_were_made_one_after_the_other_one_is_carried_when_the_store_is_lost() {
    for stands in [false, true] {
        let (mut world, mine, theirs) = in_step(true);
        let first = world.b.take(&theirs);
        world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
        world.settle();
        let first = world.b.put(first);
        world.b.edit(&first, anew);
        if !stands {
            world.a.delete(&mine);
        }
        world.store = MemoryStore::new();
        world.settle();
        assert_eq!((counts(&world), asked_about_doubles(&world)), ((1, 2), 1), "stands: {stands}");
    }
}

#[test]
fn what_is_put_back_beside_what_was_made_of_its_copy_is_a_double() {
    let (mut world, mine, _) = in_step(true);
    // Its copy was carried back under another UID, by a store that knew nothing of it.
    let kept = world.a.bin(&mine);
    world.store = MemoryStore::new();
    world.settle();
    let other = world.a.keys().remove(0);
    world.a.edit(&other, |series| series.uid = Uid::new("another"));
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(counts(&world), (1, 1));
    world.a.unbin(&mine, kept);
    world.settle();
    assert_eq!((counts(&world), asked_about_doubles(&world)), ((2, 1), 1));
}

#[test]
fn what_a_receipt_names_is_asked_for_before_anything_is_made_of_it() {
    for unreadable in [false, true] {
        let (mut world, mine, _) = in_step(true);
        world.store = MemoryStore::new();
        world.a.leave_out(&mine);
        if unreadable {
            world.a.unreadable(&[&mine]);
            for _ in 0..8 {
                world.sync();
                world.clock.pass(3_600);
            }
            assert_eq!(counts(&world), (1, 1));
            world.a.unreadable(&[]);
            world.clock.pass(6 * 3_600);
        }
        world.settle();
        assert_eq!(counts(&world), (1, 1), "unreadable: {unreadable}");
    }
}

#[test]
fn what_a_receipt_names_and_nobody_can_read_is_waited_for_longer_each_time() {
    let (mut world, mine, theirs) = in_step(true);
    world.store = MemoryStore::new();
    world.a.leave_out(&mine);
    world.a.unreadable(&[&mine]);
    let tries = |world: &World| {
        let mut tries = 0;
        for _ in 0..10 {
            world.sync_with(|_, request| {
                tries +=
                    usize::from(matches!(request, Request::Fetch(Side::A, keys) if keys[0].as_str() == mine));
            });
        }
        tries
    };
    assert!(tries(&world) < 8, "not in every round");
    assert_eq!((world.sync().failing, counts(&world)), (1, (1, 1)), "{theirs} is set aside");
}

#[test]
fn the_others_of_a_batch_do_not_wait_for_what_a_receipt_names() {
    let (mut world, mine, _) = in_step(true);
    world.store = MemoryStore::new();
    world.a.leave_out(&mine);
    world.a.add(event("neu auf A", 3));
    world.b.add(event("neu", 2));
    let report = world.sync();
    assert_eq!((counts(&world), report.linked), ((3, 3), 3));
}

#[test]
fn a_copy_does_not_take_the_counterpart_of_an_item_that_we_changed() {
    let (world, mine, theirs) = in_step(false);
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    let copy = world.a.copy(&mine, "of a person");
    world.a.edit(&copy, anew);
    world.settle();
    world.assert_in_step();
    assert_eq!(counts(&world), (2, 2));
    world.a.edit(&mine, |series| series.event.place = "Bonn".to_owned());
    world.settle();
    assert_eq!(world.b.series(&theirs).event.place, "Bonn", "they belong together still");
}

#[test]
fn a_double_leaves_the_first_one_and_what_it_was_made_of_together() {
    let world = World::new();
    world.b.add_series(once());
    world.settle();
    made_again(&world, "Ulm");
    let (mine, made) = (world.a.keys().remove(0), world.b.keys().remove(0));
    let link = world.link_of(Side::A, &mine);
    world.b.late_create(&made);
    world.settle();
    assert_eq!((counts(&world), asked_about_doubles(&world), world.held().len()), ((1, 2), 1, 1));
    assert_eq!([world.link_of(Side::A, &mine), world.link_of(Side::B, &made)], [link; 2]);
}

#[test]
fn a_double_does_not_take_what_is_being_made_for_the_first_one() {
    let mut world = World::new();
    world.b.add_series(once());
    world.settle();
    let mine = world.a.keys().remove(0);
    // It is made again, and then the store is that of before: it knows of the create and not what became of it.
    world.b.delete(&world.b.keys()[0]);
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    world.sync_until(writes_to(Side::B));
    let older = MemoryStore::clone(&world.store);
    world.settle();
    let made = world.b.keys().remove(0);
    world.b.edit(&made, |series| series.event.place = "Bonn".to_owned());
    world.settle();
    world.store = older;
    world.a.late_create(&mine);
    world.b.leave_out(&made);
    world.b.unreadable(&[&made]);
    let reads = |request: &Request| matches!(request, Request::Changes(Side::B, _));
    meanwhile(&world, reads, || world.b.unreadable(&[]));
    world.settle();
    assert_eq!((counts(&world), world.held().len()), ((2, 1), 1));
    assert_eq!(world.link_of(Side::A, &mine), world.link_of(Side::B, &made));
}

#[test]
fn a_double_that_moves_waits_since_it_was_first_asked_about() {
    let (world, _, theirs) = in_step(false);
    let double = world.b.late_create(&theirs);
    world.settle();
    let asked = world.held();
    world.clock.pass(3_600);
    world.b.rename(&double);
    world.settle();
    assert_eq!(world.held(), asked);
}

#[test]
fn two_second_ones_are_not_the_counterparts_of_each_other() {
    let (world, mine, theirs) = in_step(false);
    world.b.late_create(&theirs);
    world.settle();
    let kept = world.a.bin(&mine);
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    assert_eq!(counts(&world), (1, 2));
    world.a.unbin(&mine, kept);
    world.settle();
    assert_eq!((counts(&world), world.held().len()), ((2, 2), 2));
}

#[test]
fn a_double_stays_one_when_the_first_one_leaves_the_scope() {
    let (mut world, mine, theirs) = in_step(true);
    world.b.late_create(&theirs);
    world.settle();
    assert_eq!(asked_about_doubles(&world), 1);
    world.settings.window = Window { past_days: Some(7), future_days: Some(14) };
    world.b.edit(&theirs, |series| series.event.span = hour(20, 9));
    world.a.delete(&mine);
    world.settle();
    assert_eq!((counts(&world), asked_about_doubles(&world)), ((0, 2), 1));
}
