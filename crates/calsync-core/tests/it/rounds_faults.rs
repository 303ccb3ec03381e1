//! What the simulated world found where servers and networks fail, each with the smallest input that showed it.

use calsync_core::ids::Uid;
use calsync_core::link::HoldKind;
use calsync_core::model::Series;

use super::fake::{World, event, hour};

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
    let double = if own_uids { world.b.copy(&made, "its own") } else { world.b.late_create(&made) };
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
    // Moved to another time it is what a person makes of a copy.
    world.b.edit(&double, |series| series.event.span = hour(2, 9));
    world.settle();
    assert_eq!((counts(&world), world.held().len()), ((2, 2), 0));
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
