//! What is too many at once to be meant: deletions in small helpings, changes by a wrong clock.

use calsync_core::ids::Side;
use calsync_core::link::{Answer, HoldKind};
use calsync_core::model::Span;
use calsync_core::sync::{Action, ChangeGuard, ReadOnlyEdit, Reason};
use chrono::{Duration, NaiveDate};

use super::fake::{World, berlin, event};
use super::guards::documented;

/// A calendar of that many appointments, in step.
fn calendar(count: u32) -> World {
    let world = World::new();
    for number in 0..count {
        let mut event = event(&format!("T{number:03}"), 1 + number % 28);
        event.place = format!("Ort {number}");
        world.a.add(event);
    }
    world.settle();
    world
}

/// Moves so many appointments of side B by so many minutes, as a server with another idea of the time does.
fn shift(world: &World, count: usize, minutes: i64) {
    for key in world.b.keys().into_iter().take(count) {
        world.b.edit(&key, |series| {
            let by =
                |when: &calsync_core::model::When| when.with_local(when.local() + Duration::minutes(minutes));
            let span = &series.event.span;
            series.event.span = Span { start: by(&span.start), end: by(&span.end) };
        });
    }
}

#[test]
fn the_numbers_in_the_documentation_are_those_of_the_guards() {
    let guard = calsync_core::sync::Settings::default().guard;
    assert_eq!(guard.count, documented("deletions within an hour that never wait"));
    let share = "share of the linked appointments beyond which deletions wait, in percent";
    assert_eq!(guard.percent, documented(share));
    let few = usize::try_from(documented("changes in one round that never wait")).unwrap();
    let apart = i64::try_from(documented("longest move that a clock can have made, in hours")).unwrap() * 60;
    for (count, minutes, held) in
        [(few, 60, 0), (few + 1, 60, few + 1), (few + 1, -apart, few + 1), (few + 1, apart + 1, 0)]
    {
        let world = calendar(60);
        shift(&world, count, minutes);
        assert_eq!(world.sync().held, held as u64, "{count} by {minutes} minutes");
    }
    assert_eq!(documented("the same where appointments are whole days, in hours"), 24, "see below");
}

#[test]
fn deletions_in_small_helpings_are_seen_as_a_whole() {
    let world = calendar(100);
    for _ in 0..12 {
        for key in world.b.keys().into_iter().take(5) {
            world.b.delete(&key);
        }
        world.sync();
    }
    assert_eq!(world.b.keys().len(), 40);
    assert_eq!(world.a.keys().len(), 80, "a fifth of them, and then it waits");
    assert_eq!(world.sync().held, 40);
    world.clock.pass(7_200);
    assert_eq!((world.sync().writes(), world.a.keys().len()), (0, 80), "time alone approves nothing");
}

#[test]
fn a_person_who_deletes_now_and_then_is_not_asked() {
    let world = calendar(30);
    for _ in 0..10 {
        for key in world.b.keys().into_iter().take(2) {
            world.b.delete(&key);
        }
        world.clock.pass(3_000);
        world.sync();
        world.assert_in_step();
    }
}

#[test]
fn deletions_that_a_person_approved_count_no_more() {
    let world = calendar(40);
    for key in world.b.keys().into_iter().take(10) {
        world.b.delete(&key);
    }
    assert_eq!(world.sync().held, 10);
    world.answer(Answer::Approve);
    world.b.delete(&world.b.keys()[0]);
    assert_eq!(world.sync().sides.a.deleted, 11, "one more meanwhile");
    world.b.delete(&world.b.keys()[0]);
    assert_eq!((world.sync().sides.a.deleted, world.a.keys().len()), (1, 28), "one more within the hour");
}

#[test]
fn a_side_on_which_a_clock_went_wrong_waits_and_the_rest_goes_on() {
    let world = calendar(60);
    shift(&world, 25, 60);
    let report = world.sync();
    assert_eq!((report.writes(), report.held), (0, 25));
    let step = &report.plan.steps[0];
    assert_eq!((step.action, &step.reason), (Action::Hold, &Reason::TooManyChanges(Side::B)));
    let last = world.b.keys().pop().unwrap();
    world.b.edit(&last, |series| series.event.customer = "Huber".to_owned());
    let report = world.sync();
    assert_eq!((report.sides.a.updated, report.held), (1, 25), "an ordinary change meanwhile");
    assert!(world.held().iter().all(|hold| hold.kind == HoldKind::Changes));

    world.answer(Answer::Approve);
    assert_eq!((world.settle().held, world.a.events()), (0, world.b.events()));
}

#[test]
fn what_a_wrong_clock_did_is_taken_back_when_a_person_says_so() {
    let mut world = calendar(60);
    // Whatever becomes of single edits.
    world.settings.read_only_edit = ReadOnlyEdit::Ignore;
    let before = world.a.events();
    shift(&world, 25, -120);
    world.sync();
    let late = world.a.keys()[0].clone();
    world.a.edit(&late, |series| series.event.customer = "Huber".to_owned());
    world.sync();
    world.answer(Answer::Reject);
    assert_eq!(world.settle().held, 0);
    world.assert_in_step();
    let spans = |events: Vec<calsync_core::model::Event>| {
        events.into_iter().map(|event| event.span).collect::<Vec<_>>()
    };
    assert!(spans(world.a.events()) == spans(before), "a time of before is lost");
    assert!(
        world.b.events().iter().any(|event| event.customer == "Huber"),
        "what the other side did is carried"
    );
}

#[test]
fn what_people_do_to_many_appointments_is_carried() {
    let world = calendar(60);
    shift(&world, 20, 60);
    assert_eq!(world.settle().held, 0, "twenty are not too many");
    shift(&world, 60, 7 * 24 * 60);
    assert_eq!(world.settle().held, 0, "no clock is a week off");
    for key in world.a.keys() {
        world.a.edit(&key, |series| series.event.categories = ["Einsatz".to_owned()].into());
    }
    assert_eq!(world.settle().held, 0, "a dispatcher gave them all a new type");
    world.assert_in_step();
}

#[test]
fn all_day_appointments_that_all_moved_by_a_day_wait() {
    let world = World::new();
    for number in 0..25 {
        let day = NaiveDate::from_ymd_opt(2026, 12, 1 + number).unwrap();
        let mut event = event(&format!("Urlaub {number}"), 1);
        event.span = Span::days(day, day);
        world.a.add(event);
    }
    world.settle();
    shift(&world, 25, -24 * 60);
    assert_eq!(world.sync().held, 25);
}

#[test]
fn changes_of_more_than_half_wait_where_the_pairing_asks_for_it() {
    let mut world = calendar(60);
    world.settings.change_guard = ChangeGuard::Any;
    let keys = world.b.keys();
    let edit = |count: usize, place: &str| {
        for key in keys.iter().take(count) {
            world.b.edit(key, |series| series.event.place = place.to_owned());
        }
    };
    edit(30, "Halle 1");
    assert_eq!(world.settle().held, 0, "half is not more than half");
    edit(31, "Halle 2");
    assert_eq!(world.sync().held, 31);
    world.settings.change_guard = ChangeGuard::Off;
    assert_eq!(world.settle().held, 0, "who sets no guard is not asked");
    world.assert_in_step();
}

#[test]
fn changes_are_counted_of_the_whole_calendar() {
    let world = calendar(220);
    // More than are looked at together, and no hundred of them has too many.
    shift(&world, 30, 60);
    for key in world.b.keys() {
        world.b.edit(&key, |series| series.event.customer = "Huber".to_owned());
    }
    assert_eq!(world.sync().held, 220);
}

#[test]
fn what_was_away_and_is_there_again_as_it_was_is_no_change() {
    let mut world = calendar(60);
    world.settings.change_guard = ChangeGuard::Any;
    let away: Vec<_> = world.b.keys().into_iter().take(40).map(|key| (world.b.bin(&key), key)).collect();
    assert_eq!(world.sync().held, 40);
    for (series, key) in away {
        world.b.unbin(&key, series);
    }
    assert_eq!(world.sync().held, 0);
    world.assert_in_step();
}

#[test]
fn what_became_private_is_masked_though_it_is_one_of_many() {
    let mut world = calendar(30);
    world.settings.outward.a.private = calsync_core::sync::Private::Mask;
    for key in world.a.keys() {
        world.a.edit(&key, |series| {
            let span = &series.event.span;
            let by = |when: &calsync_core::model::When| when.with_local(when.local() + Duration::hours(1));
            series.event.span = Span { start: by(&span.start), end: by(&span.end) };
        });
    }
    let secret = world.a.keys()[7].clone();
    world.a.edit(&secret, |series| series.event.sensitivity = calsync_core::model::Sensitivity::Private);
    let report = world.sync();
    assert_eq!((report.held, report.sides.b.updated), (29, 1));
    assert!(!world.b.subjects().contains(&world.a.series(&secret).event.subject));
}

#[test]
fn a_change_of_the_zone_that_keeps_the_instants_is_no_move() {
    let world = calendar(30);
    for key in world.b.keys() {
        world.b.edit(&key, |series| {
            let at =
                |when: &calsync_core::model::When| calsync_core::model::When::Utc(when.instant().unwrap());
            let span = &series.event.span;
            series.event.span = Span { start: at(&span.start), end: at(&span.end) };
        });
    }
    assert_eq!(world.settle().held, 0);
    assert_eq!(berlin().name(), "Europe/Berlin");
}
