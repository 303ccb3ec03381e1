//! Writes of which nobody learned what became: the next round asks, and makes no more of it than is there.

use calsync_core::ids::{Side, Uid};
use calsync_core::link::HoldKind;
use calsync_core::model::Series;
use calsync_core::store::JournalEntry;
use calsync_core::sync::Request;

use super::fake::World;
use super::rounds_world::{cancel, daily, once, writes_to};

/// Series of A that are made on B in one batch, the round being cut off before the answer; the last one whole or in part.
fn made(in_part: bool) -> World {
    let world = World::new();
    for number in 0..3 {
        let mut series = Series { uid: Uid::new(format!("u{number}")), ..daily(5) };
        series.event.subject = format!("T{number}");
        cancel(&mut series, number);
        world.a.add_series(series);
    }
    let Request::Apply(_, writes) = world.sync_until(writes_to(Side::B)) else { unreachable!() };
    let (last, others) = writes.split_last().unwrap();
    for write in others {
        world.b.land(write.get());
    }
    if in_part {
        world.b.half_make();
    }
    world.b.land(last.get());
    world
}

fn outcomes(world: &World) -> Vec<String> {
    world.journal().into_iter().filter_map(|entry| entry.outcome).collect()
}

#[test]
fn what_was_made_whole_is_not_written_once_more() {
    let world = made(false);
    world.settle();
    world.assert_in_step();
    assert_eq!((outcomes(&world), world.b.writes()), (vec![JournalEntry::CARRIED_OUT_LATE.to_owned(); 3], 3));
}

#[test]
fn of_several_that_were_made_only_the_one_that_lacks_something_is_completed() {
    let world = made(true);
    world.settle();
    world.assert_in_step();
    assert_eq!((world.b.keys().len(), world.b.writes()), (3, 4));
    assert!(outcomes(&world).contains(&JournalEntry::CARRIED_OUT_IN_PART.to_owned()));
}

#[test]
fn what_was_made_where_somebody_entered_the_same_meanwhile_is_a_double_and_not_forgotten() {
    let world = World::new();
    world.b.add_series(once());
    let Request::Apply(_, writes) = world.sync_until(writes_to(Side::A)) else { unreachable!() };
    world.a.land(writes[0].get());
    world.a.unreadable(&[&world.a.keys()[0]]);
    world.a.add_series(once());
    world.sync();
    world.a.unreadable(&[]);
    world.clock.pass(3_600);
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (2, 1));
    assert_eq!(world.held().iter().map(|hold| hold.kind).collect::<Vec<_>>(), [HoldKind::OurDouble]);
}
