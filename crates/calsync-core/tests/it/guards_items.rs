//! Items that are easily taken for something else: copies, two of one name, old copies, what fails again and again.

use std::collections::BTreeSet;
use std::time;

use calsync_core::ids::{Side, Uid};
use calsync_core::model::{Override, Recurrence, RecurrenceId, Sensitivity, Series};
use calsync_core::source::SourceErrorKind;
use calsync_core::sync::{Action, Mask, Private, ReadOnlyEdit, Reason, Request};
use chrono::Duration;

use super::fake::{World, event};

fn only(keys: Vec<String>) -> String {
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.into_iter().next().unwrap()
}

#[test]
fn a_copy_of_a_copy_of_our_item_is_a_new_appointment_each_time() {
    for settled in [false, true] {
        let world = World::new();
        let a = world.a.add(event("T", 1));
        world.settle();
        let original = only(world.b.keys());
        let copy = world.b.copy(&original, "copy");
        if settled {
            world.settle();
        }
        world.b.copy(&copy, "copy of the copy");
        world.settle();
        assert_eq!((world.a.keys().len(), world.b.keys().len()), (3, 3), "settled: {settled}");
        world.a.edit(&a, |series| series.event.place = "Ulm".to_owned());
        world.settle();
        assert_eq!(world.b.series(&original).event.place, "Ulm", "the original kept its link");
        let there: Vec<_> = world.b.events().into_iter().filter(|event| event.place == "Ulm").collect();
        assert_eq!(there.len(), 1, "and its copies theirs");
        world.b.delete(&original);
        world.settle();
        assert_eq!((world.a.keys().len(), world.b.keys().len()), (2, 2));
    }
}

#[test]
fn a_copied_series_is_a_series_of_its_own_with_its_exceptions() {
    let world = World::new();
    let mut series = Series::single(Uid::new("weekly"), event("Jour fixe", 1));
    series.recurrence =
        Some(Recurrence { rule: "FREQ=WEEKLY;COUNT=4".parse().unwrap(), dates: BTreeSet::default() });
    let at = RecurrenceId::from_text("2026-12-08T09:00:00").unwrap();
    series.overrides.insert(at, Override::Cancelled);
    world.a.add_series(series);
    world.settle();
    let copy = world.b.copy(&only(world.b.keys()), "copied series");
    world.settle();
    assert_eq!(world.a.keys().len(), 2);
    world.b.edit(&copy, |series| {
        series.overrides.remove(&at);
    });
    world.settle();
    let cancelled: Vec<_> = world.a.all().iter().map(|series| series.overrides.len()).collect();
    assert_eq!(cancelled.iter().sum::<usize>(), 1, "{cancelled:?}");
}

#[test]
fn two_appointments_with_one_uid_are_two() {
    let world = World::new();
    let twin = |subject: &str, day: u32| Series::single(Uid::new("0"), event(subject, day));
    let one = world.a.add_series(twin("eins", 1));
    let two = world.a.add_series(twin("zwei", 2));
    world.settle();
    assert_eq!(world.b.subjects(), ["eins", "zwei"]);
    world.a.edit(&two, |series| series.event.subject = "drei".to_owned());
    world.settle();
    assert_eq!(world.b.subjects(), ["drei", "eins"]);
    world.a.delete(&one);
    world.settle();
    assert_eq!((world.b.subjects(), world.a.keys().len()), (vec!["drei".to_owned()], 1));
    assert_eq!(world.sync().writes(), 0);
}

#[test]
fn two_uids_that_differ_in_case_only_are_two_appointments() {
    let world = World::new();
    for (uid, day) in [("0400000082", 1), ("0400000082A", 2), ("0400000082a", 3)] {
        world.a.add_series(Series::single(Uid::new(uid), event(uid, day)));
    }
    world.b.add_series(Series::single(Uid::new("0400000082a"), event("0400000082a", 3)));
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (3, 3));
    world.assert_in_step();
}

#[test]
fn what_always_fails_is_tried_less_and_less_often() {
    let world = World::new();
    world.b.refuse_subject(Some("giftig"));
    world.a.add(event("giftig", 1));
    let before = world.b.writes();
    let mut other = 0;
    for round in 0..288 {
        if round % 12 == 0 {
            world.a.add(event(&format!("T{round}"), 2));
            other += 1;
        }
        assert_eq!(world.sync().failing, 1);
    }
    let tries = world.b.writes() - before - other;
    assert!((5..=13).contains(&tries), "{tries} tries in a day");
    assert_eq!(world.b.keys().len() as u64, other, "and it stops nothing else");
    world.b.refuse_subject(None);
    world.clock.pass(6 * 3_600);
    assert_eq!(world.settle().failing, 0);
}

#[test]
fn what_is_refused_because_of_the_whole_side_goes_across_as_soon_as_it_can() {
    for kind in [SourceErrorKind::Unavailable, SourceErrorKind::Throttled(time::Duration::from_secs(30))] {
        let world = World::new();
        let key = world.a.add(event("Termin", 1));
        world.settle();
        world.b.refuse_with(Some("Termin"), &kind);
        world.a.edit(&key, |series| series.event.place = "Ulm".to_owned());
        for _ in 0..20 {
            world.sync_any();
        }
        world.b.refuse_with(None, &kind);
        world.sync_any();
        assert_eq!(world.b.events()[0].place, "Ulm", "{kind:?}");
    }
}

/// An appointment that was deleted on both sides while the server of side B was so many hours ahead of us.
fn buried(ahead: i64) -> (World, Series, chrono::DateTime<chrono::Utc>) {
    let world = World::new();
    let now = || calsync_core::drive::Clock::now(&world.clock);
    let theirs = |of: chrono::DateTime<chrono::Utc>| of + Duration::hours(ahead);
    world.b.set_clock(theirs(now()));
    let a = world.a.add(event("alt", 1));
    world.sync();
    let old = world.b.series(&only(world.b.keys()));
    world.clock.pass(3_600);
    world.b.set_clock(theirs(now()));
    world.a.delete(&a);
    world.settle();
    let deleted = now();
    world.clock.pass(3_600);
    (world, old, deleted)
}

#[test]
fn an_old_copy_is_recognised_by_the_servers_own_clock() {
    for ahead in [-30, 0, 30] {
        let (world, old, deleted) = buried(ahead);
        // Made and changed half an hour before it was deleted.
        world.b.set_clock(deleted + Duration::hours(ahead) - Duration::minutes(30));
        world.b.add_series(old.clone());
        world.b.set_clock(deleted + Duration::hours(ahead + 1));
        assert_eq!((world.sync().held, world.a.keys().len()), (1, 0), "{ahead} hours ahead");
    }
}

#[test]
fn an_old_copy_is_recognised_also_of_what_was_changed_and_deleted_while_the_round_ran() {
    let world = World::new();
    world.a.add(event("alt", 1));
    world.settle();
    let key = only(world.b.keys());
    let now = || calsync_core::drive::Clock::now(&world.clock);
    let mut changed = None;
    world.sync_with(|_, request| {
        if changed.is_none() && matches!(request, Request::Changes(Side::B, _)) {
            world.clock.pass(600);
            world.b.set_clock(now());
            world.b.edit(&key, |series| series.event.place = "Ulm".to_owned());
            changed = Some((world.b.bin(&key), now()));
            world.clock.pass(600);
        }
    });
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (0, 0));
    world.clock.pass(3_600);
    let (old, at) = changed.unwrap();
    world.b.set_clock(at);
    world.b.add_series(old);
    world.b.set_clock(now());
    assert_eq!((world.sync().held, world.a.keys().len()), (1, 0));
}

#[test]
fn what_a_person_makes_anew_is_none_whatever_the_clocks_say() {
    for ahead in [-30, 0, 30] {
        let (world, old, deleted) = buried(ahead);
        world.b.set_clock(deleted + Duration::hours(ahead) + Duration::minutes(30));
        world.b.add_series(old.clone());
        world.b.set_clock(deleted + Duration::hours(ahead + 1));
        let report = world.sync();
        assert_eq!((report.held, world.a.keys().len()), (0, 1), "{ahead} hours ahead");
    }
}

#[test]
fn a_deleted_mask_that_was_left_alone_does_not_come_back_with_the_next_rule() {
    let mut world = World::new();
    world.settings.outward.a.private = Private::Mask;
    world.settings.read_only_edit = ReadOnlyEdit::Ignore;
    let mut dentist = event("Zahnarzt", 1);
    dentist.sensitivity = Sensitivity::Private;
    let a = world.a.add(dentist);
    world.settle();
    world.b.delete(&only(world.b.keys()));
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (1, 0));
    world.settings.outward.a.mask = Mask("Belegt".to_owned());
    world.settle();
    assert_eq!(world.b.keys().len(), 0, "who deleted it does not want it");
    world.a.edit(&a, |series| series.event.span = super::fake::hour(2, 9));
    world.settle();
    assert_eq!(world.b.subjects(), ["Belegt"], "it is another one now");
}

#[test]
fn a_side_that_is_suddenly_empty_waits_and_comes_back_unharmed() {
    let world = World::new();
    for day in 1..4 {
        world.a.add(event(&format!("T{day}"), day));
    }
    world.settle();
    for key in world.b.keys() {
        world.b.delete(&key);
    }
    let report = world.sync();
    assert_eq!((report.held, world.a.keys().len()), (3, 3));
    let reasons: BTreeSet<_> =
        report.plan.steps.iter().map(|step| (step.action, step.reason.to_string())).collect();
    assert_eq!(reasons, BTreeSet::from([(Action::Hold, Reason::TooManyDeletions(Side::B).to_string())]));
}
