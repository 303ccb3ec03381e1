//! What the exhaustive search of `calsync-model` found, each with the smallest input that showed it.

use calsync_core::ids::{Side, Uid};
use calsync_core::model::{Sensitivity, Series};
use calsync_core::store::StateStore;
use calsync_core::sync::Request;

use super::fake::{Cut, World, block_on, event};

fn known(uid: &str, day: u32) -> Series {
    Series::single(Uid::new(uid), event("Termin", day))
}

/// One appointment on both sides, never read, that says more on A.
fn two_of_one() -> World {
    let world = World::new();
    let mut mine = known("u", 1);
    mine.event.place = "Ulm".to_owned();
    world.a.add_series(mine);
    world.b.add_series(known("u", 1));
    world
}

fn counts(world: &World) -> (usize, usize) {
    (world.a.keys().len(), world.b.keys().len())
}

#[test]
fn two_that_became_one_by_a_write_whose_commit_was_lost_stay_one() {
    for at in 0.. {
        let world = two_of_one();
        if !world.sync_cut(Cut::After(at)) {
            break;
        }
        world.settle();
        assert_eq!(counts(&world), (1, 1), "cut off after request {at}");
        world.assert_in_step();
    }
}

#[test]
fn what_moved_between_the_page_and_the_reading_is_no_deletion() {
    for side in Side::BOTH {
        let world = World::new();
        world.a.add(event("Termin", 1));
        world.settle();
        let key = world.side(side).keys().remove(0);
        world.side(side).edit(&key, |series| series.event.place = "Ulm".to_owned());
        let mut moved = false;
        world.sync_with(|_, request| {
            if matches!(request, Request::Fetch(of, _) if *of == side) && !std::mem::replace(&mut moved, true)
            {
                world.side(side).rename(&key);
            }
        });
        let report = world.settle();
        assert!(moved);
        assert_eq!((counts(&world), report.held), ((1, 1), 0));
        assert_eq!(world.a.events()[0].place, "Ulm");
        world.assert_in_step();
    }
}

#[test]
fn a_change_that_is_taken_back_after_it_was_carried_is_carried_too() {
    let world = World::new();
    let key = world.a.add(event("Termin", 1));
    world.settle();
    let theirs = world.b.keys().remove(0);
    world.a.edit(&key, |series| series.event.sensitivity = Sensitivity::Private);
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    // The write to A is refused for that, the one to B is not.
    world.sync_with(|_, request| {
        if matches!(request, Request::Apply(Side::A, _)) {
            world.a.edit(&key, |series| series.event.sensitivity = Sensitivity::Normal);
        }
    });
    world.settle();
    world.assert_in_step();
    assert_eq!(world.b.events()[0].sensitivity, Sensitivity::Normal);
    assert_eq!(world.a.events()[0].place, "Ulm");
}

#[test]
fn what_moves_while_a_first_sync_is_cut_off_is_not_made_again() {
    for side in Side::BOTH {
        for at in 0.. {
            let world = World::new();
            world.b.add_series(known("u", 1));
            world.settle();
            // The receipt on A names the key that B has no more.
            block_on(world.store.reset(&world.pairing)).unwrap();
            if !world.sync_cut(Cut::After(at)) {
                break;
            }
            let key = world.side(side).keys().remove(0);
            world.side(side).rename(&key);
            world.settle();
            assert_eq!(counts(&world), (1, 1), "cut off after request {at}, then moved on {side}");
        }
    }
}

#[test]
fn what_moves_before_the_first_write_to_it_is_found_again() {
    let world = two_of_one();
    let key = world.b.keys().remove(0);
    world.sync_with(|_, request| {
        if matches!(request, Request::Apply(Side::B, _)) {
            world.b.rename(&key);
        }
    });
    world.settle();
    assert_eq!(counts(&world), (1, 1));
    world.assert_in_step();
}

#[test]
fn after_the_loss_of_the_store_an_original_keeps_its_counterpart_before_its_copies() {
    // Which of the two comes first depends on their keys, so both sides and several keys are tried.
    for side in Side::BOTH {
        for more in 0..6 {
            let world = World::new();
            for day in 0..more {
                world.side(side.other()).add(event(&format!("T{day}"), day + 10));
            }
            world.side(side.other()).add_series(known("u", 1));
            world.settle();
            let subjects = |key: &String| world.side(side).series(key).uid == Uid::new("u");
            let key = world.side(side).keys().into_iter().find(subjects).unwrap();
            world.side(side).copy(&key, "kopie");
            block_on(world.store.reset(&world.pairing)).unwrap();
            world.settle();
            world.assert_in_step();
        }
    }
}

#[test]
fn a_first_sync_goes_by_uid_before_it_goes_by_looks() {
    for side in Side::BOTH {
        let world = World::new();
        // Moved on one side, where a copy of it stands at its old time.
        world.side(side).add_series(known("u", 3));
        world.side(side).add_series(known("kopie", 1));
        world.side(side.other()).add_series(known("u", 1));
        world.settle();
        assert_eq!(counts(&world), (2, 2));
        let uids = |side: Side| -> Vec<Uid> {
            world.side(side).all().into_iter().map(|series| series.uid).collect()
        };
        assert_eq!(uids(Side::A), uids(Side::B));
    }
}

#[test]
fn what_is_recognised_late_in_a_batch_is_not_made_early_in_it() {
    for more in 0..6 {
        let world = World::new();
        for day in 0..more {
            world.a.add(event(&format!("T{day}"), day + 10));
        }
        world.a.add_series(known("u", 1));
        world.b.add_series(known("u", 1));
        world.a.add_series(known("eine", 1));
        world.b.add_series(known("andere", 1));
        world.settle();
        let there = 2 + more as usize;
        assert_eq!(counts(&world), (there, there));
    }
}
