//! What the simulated world found where servers and networks fail, each with the smallest input that showed it.

use calsync_core::drive::Clock;
use calsync_core::ids::{Side, Uid};
use calsync_core::link::{DeletionGuard, Direction, HoldKind};
use calsync_core::model::{Sensitivity, Series};
use calsync_core::source::Write;
use calsync_core::sync::{Leaving, Private, Request};

use super::fake::{Cut, World, event, hour};
use super::rounds_world::{meanwhile, writes_to};

fn once() -> Series {
    Series::single(Uid::new("u"), event("Termin", 1))
}

/// One appointment of A on both sides, and once more on B, where a create was carried out twice.
fn made_twice(own_uids: bool) -> (World, String) {
    let mut world = World::new();
    world.b.own_uids = own_uids;
    world.a.add_series(once());
    world.settle();
    let made = world.b.keys().remove(0);
    let double = world.b.late_create(&made);
    (world, double)
}

fn counts(world: &World) -> (usize, usize) {
    (world.a.keys().len(), world.b.keys().len())
}

#[test]
fn a_double_to_which_the_server_gave_a_uid_of_its_own_is_one() {
    let (world, double) = made_twice(true);
    world.settle();
    assert_eq!(counts(&world), (1, 2));
    assert_eq!(world.held()[0].kind, HoldKind::OurDouble);
    // It stays one when somebody moves it, or the first one.
    for key in world.b.keys() {
        world.b.edit(&key, |series| series.event.span = hour(2, 9));
        world.settle();
        assert_eq!((counts(&world), world.held().len()), ((1, 2), 1), "{double}");
    }
    // Where the first one is deleted, it takes its place.
    world.b.delete(&world.b.keys()[0]);
    world.settle();
    assert_eq!((counts(&world), world.held().len()), ((1, 1), 0));
}

#[test]
fn a_double_stays_one_when_its_original_goes_by_another_key() {
    for times in 0..3 {
        let (world, _) = made_twice(false);
        for _ in 0..times {
            world.a.rename(&world.a.keys()[0]);
            world.settle();
        }
        world.settle();
        assert_eq!((counts(&world), world.held().len()), ((1, 2), 1), "{times}");
    }
}

#[test]
fn of_two_alike_the_one_that_moved_keeps_the_link() {
    let (world, _) = made_twice(false);
    world.settle();
    let made = world.b.keys().remove(0);
    world.b.edit(&made, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    world.b.rename(&made);
    world.settle();
    assert_eq!((counts(&world), world.held().len()), ((1, 2), 1));
    assert_eq!(world.a.events()[0].place, "Ulm");
}

#[test]
fn what_moved_and_cannot_be_read_yet_is_not_deleted() {
    for side in Side::BOTH {
        let world = World::new();
        world.a.add_series(once());
        world.settle();
        let moved = world.side(side).rename(&world.side(side).keys()[0]);
        world.side(side).unreadable(&[&moved]);
        world.sync();
        assert_eq!(counts(&world), (1, 1), "{side}");
        world.side(side).unreadable(&[]);
        world.clock.pass(600);
        world.settle();
        assert_eq!(counts(&world), (1, 1), "{side}");
        world.assert_in_step();
        // What is deleted while something else cannot be read is deleted a little later.
        let other = world.side(side).add_series(Series { uid: Uid::new("other"), ..once() });
        world.side(side).unreadable(&[&other]);
        world.side(side).delete(&moved);
        for _ in 0..5 {
            world.sync();
        }
        assert_eq!(counts(&world), if side == Side::A { (1, 0) } else { (0, 1) }, "{side}");
    }
}

#[test]
fn what_moved_and_cannot_be_read_under_its_old_key_is_not_made_again() {
    let world = World::new();
    world.a.add_series(once());
    world.settle();
    let old = world.b.keys().remove(0);
    world.b.rename(&old);
    world.b.unreadable(&[&old]);
    world.sync();
    world.b.unreadable(&[]);
    world.clock.pass(600);
    world.settle();
    assert_eq!(counts(&world), (1, 1));
}

#[test]
fn two_of_one_are_no_two_where_a_first_sync_cannot_read_one_of_them() {
    // Where changes go one way, the first one was left alone meanwhile.
    for direction in [Direction::Both, Direction::BToA] {
        let mut world = World::new();
        world.settings.direction = direction;
        world.a.add_series(once());
        let theirs = world.b.add_series(Series { uid: Uid::new("another"), ..once() });
        world.b.unreadable(&[&theirs]);
        world.sync();
        world.b.unreadable(&[]);
        world.clock.pass(600);
        world.settle();
        assert_eq!(counts(&world), (1, 1), "{direction:?}");
    }
}

#[test]
fn what_a_create_made_that_nobody_could_ask_about_is_its_counterpart() {
    for own_uids in [false, true] {
        let mut tried = 0;
        for at in 0.. {
            let mut world = World::new();
            world.b.own_uids = own_uids;
            world.b.add_series(once());
            world.settle();
            let key = world.a.keys().remove(0);
            // The edit wins, so it is made again.
            world.a.edit(&key, |series| series.event.place = "Ulm".to_owned());
            world.b.delete(&world.b.keys()[0]);
            if !world.sync_cut(Cut::After(at)) {
                break;
            }
            let Some(made) = world.b.keys().pop() else { continue };
            world.b.unreadable(&[&made]);
            world.sync_with(|_, request| {
                if matches!(request, Request::Changes(Side::B, _)) {
                    world.b.unreadable(&[]);
                }
            });
            world.settle();
            assert_eq!((counts(&world), world.held().len()), ((1, 1), 0), "own UIDs: {own_uids}, {at}");
            assert_eq!(world.b.events()[0].place, "Ulm");
            tried += 1;
        }
        assert!(tried > 0);
    }
}

#[test]
fn an_expired_token_is_kept_until_there_is_another_one() {
    for at in 0.. {
        let world = World::new();
        world.a.add_series(once());
        world.settle();
        world.a.expire_tokens();
        if !world.sync_cut(Cut::After(at)) {
            break;
        }
        assert!(world.head().tokens.a.is_some(), "cut off after request {at}");
    }
}

/// A create on B that is lost on its way, and then asked for and not found. It may arrive after all.
fn given_up(world: &World) -> Write {
    let sent = world.sync_until(|request| matches!(request, Request::Apply(Side::B, _)));
    let Request::Apply(_, writes) = sent else { unreachable!() };
    world.sync_until(|request| matches!(request, Request::Changes(Side::A, _)));
    writes[0].get().clone()
}

#[test]
fn what_is_made_late_is_no_edit_of_a_person() {
    for (own_uids, deleted) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut world = World::new();
        world.b.own_uids = own_uids;
        world.b.add_series(once());
        world.settle();
        // The edit wins, so it is made again.
        let key = world.a.keys().remove(0);
        world.a.edit(&key, |series| series.event.place = "Ulm".to_owned());
        world.b.delete(&world.b.keys()[0]);
        let late = given_up(&world);
        world.b.land(&late);
        if deleted {
            world.a.delete(&key);
        }
        world.settle();
        let left = if deleted { (0, 0) } else { (1, 1) };
        assert_eq!((counts(&world), world.held().len()), (left, 0), "own UIDs: {own_uids}");
        assert!(world.b.events().iter().all(|event| event.place == "Ulm"));
    }
}

#[test]
fn what_is_made_in_the_round_that_finds_its_origin_gone_waits_too() {
    for own_uids in [false, true] {
        let mut world = World::new();
        world.b.own_uids = own_uids;
        world.a.add(event("anderer", 2));
        world.settle();
        world.a.add_series(once());
        let Request::Apply(_, writes) = world.sync_until(writes_to(Side::B)) else { unreachable!() };
        world.a.delete(&world.a.keys()[1]);
        meanwhile(
            &world,
            |request| matches!(request, Request::Changes(Side::B, _)),
            || {
                world.b.land(writes[0].get());
            },
        );
        world.settle();
        assert_eq!((counts(&world), world.held().len()), ((1, 2), 1), "own UIDs: {own_uids}");
    }
}

#[test]
fn what_is_made_when_its_origin_is_gone_waits_also_under_a_uid_of_its_own() {
    for own_uids in [false, true] {
        let mut world = World::new();
        world.b.own_uids = own_uids;
        world.a.add_series(once());
        let late = given_up(&world);
        world.settle();
        world.a.delete(&world.a.keys()[0]);
        world.settle();
        assert_eq!(counts(&world), (0, 0));
        world.clock.pass(3600);
        world.b.set_clock(world.clock.now());
        world.b.land(&late);
        for _ in 0..3 {
            world.settle();
            assert_eq!((counts(&world), world.held().len()), ((0, 1), 1), "own UIDs: {own_uids}");
        }
    }
}

#[test]
fn the_side_that_changes_come_from_leads_where_they_go_one_way() {
    for (direction, from) in [(Direction::AToB, Side::A), (Direction::BToA, Side::B)] {
        let mut world = World::new();
        world.settings.direction = direction;
        world.settings.lead = from.other();
        for (side, place) in [(from, "Ulm"), (from.other(), "Bonn")] {
            let mut series = once();
            series.event.place = place.to_owned();
            world.side(side).add_series(series);
        }
        world.settle();
        assert_eq!([world.a.events()[0].place.as_str(), world.b.events()[0].place.as_str()], ["Ulm"; 2]);
    }
}

#[test]
fn what_moves_before_it_was_ever_in_step_is_found_again() {
    let world = World::new();
    let mine = world.a.add_series(Series { uid: Uid::new("another"), ..once() });
    let theirs = world.b.add_series(once());
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    let mut moved = None;
    world.sync_with(|_, request| {
        if matches!(request, Request::Apply(Side::B, _)) && moved.is_none() {
            world.a.rename(&mine);
            moved = Some(world.b.rename(&theirs));
        }
    });
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys()), (1, Vec::from_iter(moved)), "nothing is deleted");
    assert_eq!(world.b.events()[0].place, "Ulm");
}

/// What is done on A while its deletion on B is held, and a round is cut off.
fn cut_off_after(done: impl Fn(&World)) -> impl Iterator<Item = (usize, World)> {
    (0..).map_while(move |at| {
        let mut world = World::new();
        world.a.page = 1;
        world.settings.guard = DeletionGuard { count: 0, percent: 0 };
        world.a.add_series(once());
        world.settle();
        done(&world);
        world.sync_cut(Cut::After(at)).then_some((at, world))
    })
}

#[test]
fn what_is_put_back_did_not_move_though_rounds_are_cut_off() {
    let put_back = |world: &World| {
        world.a.delete(&world.a.keys()[0]);
        world.settle();
        assert_eq!(counts(world), (0, 1), "its deletion is held");
        world.a.add_series(once());
        world.b.delete(&world.b.keys()[0]);
    };
    for (at, world) in cut_off_after(put_back) {
        world.settle();
        assert_eq!((counts(&world), world.held().len()), ((1, 1), 0), "cut off after request {at}");
    }
}

#[test]
fn what_moved_was_not_put_back_though_rounds_are_cut_off() {
    let moved = |world: &World| {
        world.a.rename(&world.a.keys()[0]);
        world.b.delete(&world.b.keys()[0]);
    };
    for (at, world) in cut_off_after(moved) {
        world.settle();
        assert_eq!((counts(&world), world.held().len()), ((1, 0), 1), "cut off after request {at}");
    }
}

#[test]
fn what_is_put_back_and_cannot_be_read_at_first_is_carried_all_the_same() {
    let world = World::new();
    let key = world.b.add_series(once());
    // It was seen, and nothing was made of it yet.
    world.sync_until(|request| matches!(request, Request::Journal(_)));
    let kept = world.b.bin(&key);
    world.sync_until(|request| matches!(request, Request::Counts));
    world.b.unbin(&key, kept);
    world.b.unreadable(&[&key]);
    world.sync();
    world.b.unreadable(&[]);
    world.clock.pass(600);
    world.settle();
    assert_eq!(counts(&world), (1, 1));
}

#[test]
fn what_is_put_back_changed_and_cannot_be_read_at_first_is_an_edit_all_the_same() {
    for side in Side::BOTH {
        let mut world = World::new();
        world.settings.guard = DeletionGuard { count: 0, percent: 0 };
        world.settings.lead = side.other();
        let mut series = once();
        series.event.place = "Bonn".to_owned();
        world.a.add_series(series);
        world.settle();
        let fake = world.side(side);
        let key = fake.keys().remove(0);
        let mut kept = fake.bin(&key);
        assert_eq!(world.sync().held, 1, "its deletion waits");
        kept.event.place = "Ulm".to_owned();
        fake.unbin(&key, kept);
        fake.unreadable(&[&key]);
        world.sync();
        fake.unreadable(&[]);
        world.clock.pass(600);
        world.settle();
        world.assert_in_step();
        assert_eq!((counts(&world), world.a.events()[0].place.as_str()), ((1, 1), "Ulm"), "{side}");
    }
}

#[test]
fn what_is_put_back_after_it_was_made_again_is_a_double_also_before_the_first_sync_is_done() {
    let mut world = World::new();
    world.settings.outward.b.private = Private::Mask;
    let mut series = once();
    series.event.sensitivity = Sensitivity::Private;
    world.a.add_series(series);
    // Until it can be read, the first sync is not done.
    let unread = world.b.add(event("anderer", 3));
    world.b.unreadable(&[&unread]);
    for _ in 0..4 {
        world.sync();
    }
    assert!(!world.head().first_sync_done);
    let theirs = world.b.keys().into_iter().find(|key| *key != unread).unwrap();
    let kept = world.a.take(&world.a.keys()[0]);
    world.b.edit(&theirs, |series| series.event.span = hour(2, 9));
    for _ in 0..5 {
        world.sync();
    }
    assert_eq!(world.a.keys().len(), 1, "made again");
    world.a.put(kept);
    world.sync();
    assert_eq!((counts(&world), world.held()[0].kind), ((2, 2), HoldKind::OurDouble));
}

#[test]
fn a_double_that_somebody_moved_takes_the_place_of_the_first_one_or_stays_a_double() {
    for both_changed in [false, true] {
        let (world, double) = made_twice(true);
        world.settle();
        let made = world.b.keys().into_iter().find(|key| *key != double).unwrap();
        world.b.edit(&double, |series| series.event.span = hour(5, 9));
        world.b.delete(&made);
        if both_changed {
            world.a.edit(&world.a.keys()[0], |series| series.event.place = "Ulm".to_owned());
        }
        world.settle();
        assert_eq!((counts(&world), world.held().len()), ((1, 1), 0), "{both_changed}");
    }
}

#[test]
fn what_is_made_again_of_a_copy_that_was_not_masked_is_no_original() {
    let mut world = World::new();
    world.settings.outward.b.private = Private::Mask;
    world.b.add_series(once());
    world.settle();
    let (mine, theirs) = (world.a.keys().remove(0), world.b.keys().remove(0));
    // It was private there, and nobody could write that to A before it was gone.
    world.b.edit(&theirs, |series| series.event.sensitivity = Sensitivity::Private);
    world.sync_until(writes_to(Side::A));
    world.b.delete(&theirs);
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    assert_eq!(counts(&world), (1, 1));
    // Deletion against edit, and the edit wins, on either side.
    world.b.delete(&world.b.keys()[0]);
    world.a.edit(&world.a.keys()[0], |series| series.event.place = "Ulm".to_owned());
    world.settle();
    assert_eq!(counts(&world), (1, 1));
    assert!(world.b.events().iter().all(|event| event.place == "Ulm"));
}

#[test]
fn a_double_stays_one_when_what_it_was_made_of_leaves_the_window() {
    let (mut world, _) = made_twice(true);
    world.settings.window.future_days = Some(14);
    world.settings.leaving = Leaving::Delete;
    world.settle();
    world.a.edit(&world.a.keys()[0], |series| series.event.span = hour(30, 9));
    world.settle();
    assert_eq!((counts(&world), world.held().len()), ((1, 1), 1));
}

#[test]
fn what_was_made_private_while_the_other_was_gone_is_the_original() {
    let mut world = World::new();
    world.settings.outward.b.private = Private::Skip;
    let mut series = once();
    series.event.sensitivity = Sensitivity::Private;
    let mine = world.a.add_series(series);
    world.settle();
    let theirs = world.b.keys().remove(0);
    let kept = world.a.bin(&mine);
    world.b.edit(&theirs, |series| series.event.sensitivity = Sensitivity::Normal);
    world.sync_until(|request| matches!(request, Request::Counts));
    world.b.edit(&theirs, |series| series.event.sensitivity = Sensitivity::Private);
    world.sync_until(|request| matches!(request, Request::Counts));
    world.b.edit(&theirs, |series| series.event.subject = "geheim".to_owned());
    world.a.unbin(&mine, kept);
    world.settle();
    assert_eq!(world.b.subjects(), ["geheim"]);
    assert!(!world.a.subjects().contains(&"geheim".to_owned()));
}
