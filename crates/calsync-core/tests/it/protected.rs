//! Appointments of protected types: what Exchange tries is marked in NVS, and taken back.

use std::collections::BTreeSet;
use std::time::Duration;

use calsync_core::ids::{Side, Uid};
use calsync_core::model::{Mark, MarkKind, Override, Recurrence, RecurrenceId, Series};
use calsync_core::source::SourceErrorKind;
use calsync_core::sync::{Action, Direction, Filter, Leaving, Pattern, ReadOnlyEdit, Reason};

use super::fake::{Cut, World, event, hour};

fn only(keys: Vec<String>) -> String {
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.into_iter().next().unwrap()
}

fn leave() -> calsync_core::model::Event {
    let mut leave = event("Urlaub Meier", 1);
    leave.categories = ["Urlaub".to_owned()].into();
    leave
}

/// A leave on both sides, of a type that the settings protect.
fn world() -> (World, String, String) {
    let mut world = World::new();
    world.settings.protected = BTreeSet::from(["Urlaub".to_owned()]);
    let a = world.a.add(leave());
    world.settle();
    let b = only(world.b.keys());
    (world, a, b)
}

fn deleted() -> Mark {
    Mark { kind: MarkKind::Deleted, note: String::new() }
}

#[test]
fn a_deletion_is_marked_and_the_appointment_is_put_back() {
    let (world, a, b) = world();
    world.b.delete(&b);
    let plan = world.plan();
    let step = &plan.plan.steps[0];
    assert_eq!((step.action, &step.reason), (Action::Update(Side::A), &Reason::Protected(Side::B)));
    assert_eq!(step.paths, ["mark deleted"]);
    world.settle();
    assert_eq!(world.a.marks(&a), [deleted()]);
    world.assert_in_step();
    assert_eq!(world.b.subjects(), ["Urlaub Meier"]);

    world.b.delete(&only(world.b.keys()));
    world.settle();
    assert_eq!(world.a.marks(&a).len(), 2, "who tries it again is told again");
    world.assert_in_step();
}

#[test]
fn a_move_is_marked_and_taken_back_and_everything_else_is_carried() {
    let (world, a, b) = world();
    world.b.edit(&b, |series| {
        series.event.span = hour(2, 10);
        series.event.place = "Kreta".to_owned();
    });
    world.settle();
    let mark = Mark { kind: MarkKind::Moved, note: "2026-12-02 10:00 - 2026-12-02 11:00".to_owned() };
    assert_eq!(world.a.marks(&a), [mark]);
    world.assert_in_step();
    assert_eq!(
        (world.b.series(&b).event.span, world.a.series(&a).event.place),
        (hour(1, 9), "Kreta".to_owned())
    );
}

#[test]
fn a_deletion_of_what_was_edited_meanwhile_is_marked_too_also_where_deletions_win() {
    let (mut world, a, b) = world();
    world.settings.deletion_wins = true;
    world.b.delete(&b);
    world.a.edit(&a, |series| series.event.place = "Kreta".to_owned());
    world.settle();
    assert_eq!(world.a.marks(&a), [deleted()]);
    assert_eq!((world.b.events()[0].place.as_str(), world.a.keys().len()), ("Kreta", 1));
}

#[test]
fn dispatchers_delete_and_move_what_is_protected() {
    let (world, a, _) = world();
    world.a.edit(&a, |series| series.event.span = hour(3, 9));
    world.settle();
    world.assert_in_step();
    world.a.delete(&a);
    world.settle();
    assert!(world.b.keys().is_empty());
}

#[test]
fn both_may_move_it_to_the_same_time() {
    let (world, a, b) = world();
    for (fake, key) in [(&world.a, &a), (&world.b, &b)] {
        fake.edit(key, |series| series.event.span = hour(3, 9));
    }
    world.settle();
    assert!(world.a.marks(&a).is_empty());
    world.assert_in_step();
}

#[test]
fn a_cancelled_instance_takes_place_again_and_is_marked() {
    let mut world = World::new();
    world.settings.protected = BTreeSet::from(["Urlaub".to_owned()]);
    let mut series = Series::single(Uid::new("weekly"), leave());
    series.recurrence =
        Some(Recurrence { rule: "FREQ=WEEKLY;COUNT=4".parse().unwrap(), dates: BTreeSet::default() });
    let a = world.a.add_series(series);
    world.settle();
    let b = only(world.b.keys());
    let key = RecurrenceId::from_text("2026-12-08T09:00:00").unwrap();
    world.b.edit(&b, |series| {
        series.overrides.insert(key, Override::Cancelled);
    });
    world.settle();
    let mark = Mark { kind: MarkKind::Deleted, note: "2026-12-08T09:00:00".to_owned() };
    assert_eq!(world.a.marks(&a), [mark]);
    world.assert_in_step();
    assert!(world.b.series(&b).overrides.is_empty());
}

#[test]
fn what_the_server_says_is_protected_is_marked_after_one_refusal() {
    for moved in [false, true] {
        let world = World::new();
        world.a.protect("Urlaub");
        let a = world.a.add(leave());
        world.settle();
        let b = only(world.b.keys());
        if moved {
            world.b.edit(&b, |series| series.event.span = hour(2, 10));
        } else {
            world.b.delete(&b);
        }
        let refused = world.sync();
        assert_eq!((refused.writes(), refused.failures.len()), (0, 1));
        let report = world.settle();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(world.a.marks(&a).len(), 1, "moved: {moved}");
        world.assert_in_step();
        assert_eq!(world.b.events()[0].span, hour(1, 9));
    }
}

#[test]
fn where_exchange_is_not_written_the_mark_is_all() {
    let (mut world, a, b) = world();
    world.settings.direction = Direction::BToA;
    world.b.delete(&b);
    world.settle();
    assert_eq!((world.a.marks(&a), world.b.keys().len(), world.a.keys().len()), (vec![deleted()], 0, 1));
}

#[test]
fn where_nvs_is_not_written_it_is_only_put_back() {
    let (mut world, a, b) = world();
    world.settings.direction = Direction::AToB;
    world.b.delete(&b);
    world.settle();
    assert!(world.a.marks(&a).is_empty());
    world.assert_in_step();
}

#[test]
fn a_pairing_that_ignores_what_it_does_not_carry_leaves_it_as_it_is_and_marks_it() {
    let (mut world, a, b) = world();
    world.settings.read_only_edit = ReadOnlyEdit::Ignore;
    world.b.edit(&b, |series| series.event.span = hour(2, 10));
    world.settle();
    assert_eq!((world.a.marks(&a).len(), world.b.series(&b).event.span), (1, hour(2, 10)));
    assert_eq!(world.a.series(&a).event.span, hour(1, 9));
}

#[test]
fn a_side_that_takes_no_marks_is_not_given_any() {
    let (mut world, a, b) = world();
    world.a.marks = false;
    world.b.delete(&b);
    world.settle();
    assert!(world.a.marks(&a).is_empty());
    world.assert_in_step();
}

#[test]
fn no_crash_loses_the_mark_or_the_appointment() {
    for moved in [false, true] {
        for cut in 0.. {
            let (world, a, b) = world();
            if moved {
                world.b.edit(&b, |series| series.event.span = hour(2, 10));
            } else {
                world.b.delete(&b);
            }
            let at = if cut % 2 == 0 { Cut::Before(cut / 2) } else { Cut::After(cut / 2) };
            let cut_off = world.sync_cut(at);
            world.settle();
            assert_eq!(world.a.marks(&a).len(), 1, "{at:?}");
            world.assert_in_step();
            assert_eq!(world.b.events()[0].span, hour(1, 9));
            if !cut_off {
                break;
            }
        }
    }
}

#[test]
fn deletions_that_wait_are_not_marked_before_a_person_answered() {
    let mut world = World::new();
    world.settings.protected = BTreeSet::from(["Urlaub".to_owned()]);
    for number in 0..10 {
        let mut leave = leave();
        leave.subject = format!("Urlaub {number}");
        world.a.add(leave);
    }
    world.settle();
    for key in world.b.keys() {
        world.b.delete(&key);
    }
    assert_eq!(world.sync().held, 10);
    assert!(world.a.keys().iter().all(|key| world.a.marks(key).is_empty()));
}

#[test]
fn a_server_that_takes_no_mark_keeps_the_appointment_all_the_same() {
    let (world, a, b) = world();
    world.a.refuse_subject(Some("Urlaub Meier"));
    world.b.delete(&b);
    let refused = world.sync();
    assert_eq!(refused.failures.len(), 1);
    let report = world.settle();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((world.a.marks(&a), world.b.subjects()), (vec![], vec!["Urlaub Meier".to_owned()]));
    assert_eq!(world.sync().writes(), 0);
}

#[test]
fn a_mark_that_could_not_be_written_now_is_written_later() {
    for kind in [SourceErrorKind::Unavailable, SourceErrorKind::Throttled(Duration::from_secs(30))] {
        let (world, a, b) = world();
        world.a.refuse_with(Some("Urlaub Meier"), &kind);
        world.b.delete(&b);
        world.sync_any();
        assert_eq!(world.a.marks(&a), []);
        world.a.refuse_with(None, &kind);
        world.settle();
        assert_eq!((world.a.marks(&a), world.b.keys().len()), (vec![deleted()], 1), "{kind:?}");
    }
}

#[test]
fn every_write_has_a_number_above_those_before_it() {
    let (mut world, a, b) = world();
    world.settings.leaving = Leaving::Delete;
    world.b.edit(&b, |series| series.event.place = "Kreta".to_owned());
    world.settle();
    world.b.delete(&b);
    world.settle();
    world.settings.outward.a.filter =
        Filter { except_subjects: vec![Pattern::new("intern")], ..Filter::default() };
    for subject in ["intern", "Urlaub Meier"] {
        world.a.edit(&a, |series| series.event.subject = subject.to_owned());
        world.settle();
    }
    assert_eq!(world.a.marks(&a).len(), 1);
    let entries = world.journal();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.write.receipt.number).collect();
    assert!(numbers.len() >= 5 && numbers.is_sorted_by(|later, before| later > before), "{numbers:?}");
}
