//! Updates that were given up and arrive all the same: what they wrote is nobody's edit.

use calsync_core::ids::Side;
use calsync_core::model::{Sensitivity, Series};
use calsync_core::source::Write;
use calsync_core::sync::{ConflictPolicy, Private, Request};

use super::fake::World;
use super::rounds_world::{in_step, meanwhile, once, writes_to};

/// A write to B that is lost on its way, and then asked for and not found.
fn given_up(world: &World) -> Write {
    let Request::Apply(_, writes) = world.sync_until(writes_to(Side::B)) else { unreachable!() };
    world.sync_until(|request| matches!(request, Request::Changes(Side::A, _)));
    writes[0].get().clone()
}

/// Lets it arrive just before the next write to B, which is refused then.
fn lands(world: &World, late: &Write) {
    meanwhile(world, writes_to(Side::B), || world.b.land(late));
    world.settle();
}

fn place(place: &str) -> impl Fn(&mut Series) {
    move |series| series.event.place = place.to_owned()
}

#[test]
fn what_arrives_late_does_not_win_over_what_was_done_since() {
    let (mut world, mine, _) = in_step(once());
    world.settings.conflict = ConflictPolicy::Prefer(Side::B);
    world.a.edit(&mine, place("Ulm"));
    let late = given_up(&world);
    world.a.edit(&mine, place("Bonn"));
    lands(&world, &late);
    let places = [world.a.events(), world.b.events()].map(|events| events[0].place.clone());
    assert_eq!(places, ["Bonn", "Bonn"]);
}

#[test]
fn what_was_taken_back_since_is_taken_back_also_where_it_arrived_late() {
    let (world, mine, _) = in_step(once());
    world.a.edit(&mine, place("Ulm"));
    let late = given_up(&world);
    world.a.edit(&mine, place(""));
    world.b.land(&late);
    world.settle();
    let places = [world.a.events(), world.b.events()].map(|events| events[0].place.clone());
    assert_eq!(places, ["", ""]);
}

#[test]
fn what_somebody_edits_after_it_arrived_late_is_carried_and_nothing_else() {
    let (world, mine, theirs) = in_step(once());
    world.a.edit(&mine, place("Ulm"));
    let late = given_up(&world);
    world.a.edit(&mine, place("Bonn"));
    world.b.land(&late);
    world.b.edit(&theirs, |series| series.event.subject = "neu".to_owned());
    world.settle();
    for events in [world.a.events(), world.b.events()] {
        assert_eq!((events[0].place.as_str(), events[0].subject.as_str()), ("Bonn", "neu"));
    }
}

#[test]
fn a_mask_that_arrives_late_hides_nothing_that_is_public_since() {
    let (mut world, mine, _) = in_step(once());
    world.settings.outward.a.private = Private::Mask;
    world.settings.outward.b.private = Private::Mask;
    world.settle();
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    let late = given_up(&world);
    world.a.edit(&mine, |series| {
        series.event.sensitivity = Sensitivity::Normal;
        series.event.place = "Ulm".to_owned();
    });
    lands(&world, &late);
    assert_eq!((world.a.subjects(), world.b.subjects()), (vec!["Termin".into()], vec!["Termin".into()]));
    assert_eq!([world.a.events()[0].place.as_str(), world.b.events()[0].place.as_str()], ["Ulm"; 2]);
}
