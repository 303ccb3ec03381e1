//! A round that is cut off at any request, before or after it was carried out, leaves nothing that the next rounds
//! do not repair: both sides in step, nothing doubled, nothing lost.

use std::collections::BTreeSet;

use calsync_core::ids::Uid;
use calsync_core::model::{Notes, Overlay, Override, Recurrence, RecurrenceId, Series};
use chrono::NaiveDate;

use super::fake::{Cut, World, event, hour};

/// A world in which everything a round can do is waiting to be done.
pub(super) fn busy() -> World {
    let world = World::new();
    let mut mine = Vec::new();
    for day in 1..7 {
        mine.push(world.a.add(event(&format!("A{day}"), day)));
        world.b.add(event(&format!("B{day}"), day));
    }
    let mut series = Series::single(Uid::new("serie"), event("Serie", 7));
    series.recurrence =
        Some(Recurrence { rule: "FREQ=WEEKLY;COUNT=4".parse().unwrap(), dates: BTreeSet::default() });
    let series = world.a.add_series(series);
    world.sync();
    world.settle();

    let theirs = |subject: &str| {
        world.b.keys().into_iter().find(|key| world.b.series(key).event.subject == subject).unwrap()
    };
    world.a.add(event("A neu", 20));
    world.b.add(event("B neu", 21));
    world.a.edit(&mine[0], |series| series.event.place = "Ulm".to_owned());
    world.b.edit(&theirs("A2"), |series| series.event.span = hour(2, 14));
    world.a.edit(&mine[2], |series| series.event.place = "Bonn".to_owned());
    world.b.edit(&theirs("A3"), |series| series.event.customer = "K-3".to_owned());
    world.a.delete(&mine[3]);
    world.b.delete(&theirs("B5"));
    world.a.delete(&mine[5]);
    world.b.edit(&theirs("A6"), |series| series.event.place = "bleibt".to_owned());
    world.a.edit(&series, |series| {
        let at = NaiveDate::from_ymd_opt(2026, 12, 14).unwrap().and_hms_opt(9, 0, 0).unwrap();
        series.overrides.insert(RecurrenceId::Local(at), Override::Cancelled);
    });
    world.b.edit(&theirs("Serie"), |series| {
        let at = NaiveDate::from_ymd_opt(2026, 12, 21).unwrap().and_hms_opt(9, 0, 0).unwrap();
        let moved = Overlay { span: Some(hour(22, 9)), ..Overlay::default() };
        series.overrides.insert(RecurrenceId::Local(at), Override::Changed(moved));
    });
    world
}

pub(super) fn expected() -> Vec<Series> {
    let world = busy();
    world.settle();
    world.assert_in_step();
    world.a.all()
}

fn assert_repaired(world: &World, expected: &[Series], cut: &[Cut]) {
    world.settle();
    let subjects = |all: &[Series]| all.iter().map(|series| series.event.subject.clone()).collect::<Vec<_>>();
    assert_eq!(subjects(&world.a.all()), subjects(expected), "A after {cut:?}");
    assert_eq!(world.a.all(), expected, "A after {cut:?}");
    assert_eq!(world.b.all(), expected, "B after {cut:?}");
}

#[test]
fn a_crash_at_every_request_of_a_round_is_repaired() {
    let expected = expected();
    let mut cuts = 0;
    for cut in [Cut::Before as fn(usize) -> Cut, Cut::After] {
        for at in 0.. {
            let world = busy();
            if !world.sync_cut(cut(at)) {
                break;
            }
            cuts += 1;
            assert_repaired(&world, &expected, &[cut(at)]);
        }
    }
    assert!(cuts > 50, "only {cuts} cuts: the round did not do what it was to do");
}

#[test]
fn a_crash_during_the_repair_of_a_crash_is_repaired() {
    let expected = expected();
    for first in 0.. {
        let world = busy();
        if !world.sync_cut(Cut::After(first)) {
            break;
        }
        for second in 0.. {
            let world = busy();
            world.sync_cut(Cut::After(first));
            if !world.sync_cut(Cut::After(second)) {
                break;
            }
            assert_repaired(&world, &expected, &[Cut::After(first), Cut::After(second)]);
        }
    }
}

#[test]
fn a_first_sync_that_is_cut_off_again_and_again_ends_in_step() {
    let world = World::new();
    for day in 1..20 {
        world.a.add(event(&format!("A{day:02}"), day));
        world.b.add(event(&format!("B{day:02}"), day));
    }
    for at in 0.. {
        if !world.sync_cut(Cut::After(at)) {
            break;
        }
    }
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.keys().len(), 38);
}

#[test]
fn an_edit_made_between_a_crash_and_the_repair_is_not_lost() {
    let mut edited = 0;
    for cut in [Cut::Before as fn(usize) -> Cut, Cut::After] {
        for at in 0.. {
            let world = World::new();
            let known = world.a.add(event("bekannt", 1));
            world.sync();
            world.add_and_change(&known);
            if !world.sync_cut(cut(at)) {
                break;
            }
            let made = world.b.subjects();
            for key in world.b.keys() {
                world.b.edit(&key, |series| {
                    // The new item in a field that was just written, the known one in another.
                    if series.event.subject == "neu" {
                        series.event.place = "von Hand".to_owned();
                    } else {
                        series.event.notes = Notes::plain("von Hand");
                    }
                });
                edited += 1;
            }
            world.settle();
            world.assert_in_step();
            assert_eq!(world.a.keys().len(), 2);
            for event in world.a.events().iter().filter(|event| made.contains(&event.subject)) {
                let arrived = [event.place.as_str(), event.notes.text.as_str()].contains(&"von Hand");
                assert!(arrived, "the edit of {} is lost after {:?}", event.subject, cut(at));
            }
        }
    }
    assert!(edited > 20);
}

impl World {
    /// One appointment waits to be made on B, and one to be changed there in the very field that is edited later.
    fn add_and_change(&self, known: &str) {
        self.a.add(event("neu", 2));
        self.a.edit(known, |series| series.event.place = "Ulm".to_owned());
    }
}
