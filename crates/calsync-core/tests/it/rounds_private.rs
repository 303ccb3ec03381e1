//! Which side has the original of a private appointment, and what its copy is never asked.

use calsync_core::ids::Side;
use calsync_core::link::Answer;
use calsync_core::memory::MemoryStore;
use calsync_core::model::{Overlay, Override, Sensitivity, Series};
use calsync_core::sync::{Leaving, Private, ReadOnlyEdit, Request};

use super::fake::{Cut, World, hour};
use super::rounds_world::{daily, in_step, instance, meanwhile, once, writes_to};

#[test]
fn edits_of_a_masked_copy_wait_on_when_their_original_is_public() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.read_only_edit = ReadOnlyEdit::Report;
    world.settings.outward.a.private = Private::Mask;
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    world.b.edit(&theirs, |series| series.event.place = "geheim".to_owned());
    world.settle();
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Normal);
    for _ in 0..3 {
        world.settle();
        assert_eq!((world.a.events()[0].place.as_str(), world.held().len()), ("", 1));
    }
    assert_eq!(world.b.subjects(), ["Termin"]);
    world.answer(Answer::Approve);
    world.settle();
    assert_eq!((world.a.events()[0].place.as_str(), world.held().len()), ("", 0));
    // What is said from then on is said of a public appointment.
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    assert_eq!(world.a.events()[0].place, "Ulm");
}

#[test]
fn what_is_made_again_of_a_private_copy_is_its_masked_copy() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.outward.b.private = Private::Mask;
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    assert_eq!(world.b.subjects(), ["Termin"], "private passes there");
    world.a.delete(&mine);
    world.b.edit(&theirs, |series| series.event.place = "geheim".to_owned());
    world.settle();
    assert_eq!((world.a.subjects(), world.a.events()[0].place.as_str()), (vec!["Privat".into()], ""));
    world.b.edit(&theirs, |series| series.event.place = "auch geheim".to_owned());
    world.settle();
    assert_eq!(world.a.events()[0].place, "");
}

#[test]
fn what_was_public_and_is_made_private_again_is_private_there() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.outward.b.private = Private::Mask;
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    world.b.edit(&theirs, |series| series.event.sensitivity = Sensitivity::Normal);
    // That does not get through, and then each side does the opposite.
    meanwhile(&world, writes_to(Side::A), || {
        world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Normal);
        world.b.edit(&theirs, |series| {
            series.event.sensitivity = Sensitivity::Private;
            series.event.place = "geheim".to_owned();
        });
    });
    world.settle();
    assert_eq!(world.a.events()[0].place, "");
}

fn make_private(series: &mut Series) {
    series.event.sensitivity = Sensitivity::Private;
}

/// A world with one appointment of B on both sides, and its key on A and on B.
fn of_b() -> (World, String, String) {
    let world = World::new();
    let theirs = world.b.add_series(once());
    world.settle();
    let mine = world.a.keys().remove(0);
    (world, mine, theirs)
}

fn shows(world: &World, side: Side) -> (String, String) {
    let event = world.side(side).events().remove(0);
    (event.subject, event.place)
}

#[test]
fn a_copy_says_that_it_is_masked_when_the_store_is_older() {
    let (mut world, mine, theirs) = of_b();
    world.settings.outward.b.private = Private::Mask;
    let yesterday = world.store_backup();
    world.b.edit(&theirs, make_private);
    world.settle();
    world.store = yesterday;
    world.settle();
    world.a.edit(&mine, |series| series.event.place = "geheim".to_owned());
    world.settle();
    assert_eq!(shows(&world, Side::B), ("Termin".to_owned(), String::new()));
    assert_eq!(shows(&world, Side::A), ("Privat".to_owned(), String::new()));
}

#[test]
fn a_copy_that_could_not_be_written_goes_with_its_original() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.outward.a.private = Private::Mask;
    world.a.edit(&mine, make_private);
    world.settle();
    world.b.edit(&theirs, |series| series.event.place = "geheim".to_owned());
    world.store = MemoryStore::new();
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.place = "auch geheim".to_owned());
        world.a.delete(&mine);
    });
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (0, 0));
}

#[test]
fn what_was_copied_as_it_is_where_it_passes_is_no_original_later_either() {
    let (mut world, mine, theirs) = of_b();
    world.settings.outward.a.private = Private::Mask;
    world.b.edit(&theirs, make_private);
    world.settle();
    world.store = MemoryStore::new();
    world.settle();
    world.a.delete(&mine);
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    assert_eq!(shows(&world, Side::A), ("Termin".to_owned(), "Ulm".to_owned()), "an edit beats a deletion");
}

#[test]
fn what_was_copied_from_the_other_side_belongs_there_though_it_became_private_here_as_well() {
    let (mut world, mine, theirs) = of_b();
    world.settings.outward.b.private = Private::Mask;
    world.b.edit(&theirs, make_private);
    world.store = MemoryStore::new();
    world.sync_until(|request| matches!(request, Request::Changes(Side::B, _)));
    world.a.edit(&mine, make_private);
    world.b.edit(&theirs, |series| series.event.place = "geheim".to_owned());
    world.settle();
    assert_eq!(shows(&world, Side::A), ("Privat".to_owned(), String::new()));
}

#[test]
fn what_is_masked_when_it_is_put_together_stays_so_wherever_the_round_is_cut_off() {
    for at in 0.. {
        let (mut world, mine, theirs) = in_step(once());
        world.settings.outward.b.private = Private::Skip;
        world.b.edit(&theirs, make_private);
        let kept = world.a.bin(&mine);
        world.settle();
        world.a.unbin(&mine, kept);
        world.a.rename(&mine);
        let cut = world.sync_cut(Cut::After(at));
        world.b.edit(&theirs, |series| series.event.place = "geheim".to_owned());
        world.settle();
        assert_eq!(
            shows(&world, Side::A),
            ("Privat".to_owned(), String::new()),
            "cut off after request {at}"
        );
        if !cut {
            break;
        }
    }
}

#[test]
fn what_a_new_rule_took_away_does_not_come_back_in_a_masked_copy_wherever_the_round_is_cut_off() {
    for at in 0.. {
        let mut series = daily(6);
        let changed = Overlay { subject: Some("geheim".to_owned()), ..Overlay::default() };
        series.overrides.insert(instance(&series, 2), Override::Changed(changed));
        let (mut world, mine, theirs) = in_step(series);
        world.settings.outward.a.private = Private::Mask;
        world.a.edit(&mine, |series| {
            make_private(series);
            (series.recurrence, series.overrides) = (daily(7).recurrence, [].into());
        });
        world.b.edit(&theirs, |series| {
            series.event.span = hour(1, 10);
            series.overrides = [(instance(series, 3), Override::Cancelled)].into();
        });
        let cut = world.sync_cut(Cut::After(at));
        world.settle();
        assert_eq!(world.b.series(&theirs).overrides, [].into(), "cut off after request {at}");
        if !cut {
            break;
        }
    }
}

#[test]
fn what_was_to_be_masked_and_could_not_be_is_masked_when_the_original_is_gone() {
    let (mut world, mine, theirs) = in_step(once());
    (world.settings.outward.a.private, world.settings.outward.b.private) = (Private::Skip, Private::Mask);
    world.settle();
    let mut kept = world.b.bin(&theirs);
    world.a.edit(&mine, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    (kept.event.sensitivity, kept.event.subject) = (Sensitivity::Private, "geheim".to_owned());
    world.b.unbin(&theirs, kept);
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    });
    for key in world.a.keys() {
        world.a.delete(&key);
    }
    world.settle();
    assert!(!world.a.subjects().contains(&"geheim".to_owned()), "{:?}", world.a.subjects());
}

#[test]
fn what_left_the_scope_and_is_put_back_is_no_original() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.outward.a.private = Private::Mask;
    world.settings.leaving = Leaving::Delete;
    world.settings.window.future_days = Some(14);
    world.b.edit(&theirs, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    let kept = world.a.series(&mine);
    world.b.edit(&theirs, |series| series.event.span = hour(30, 9));
    world.settle();
    assert!(world.a.keys().is_empty());
    world.a.unbin(&mine, kept);
    world.settle();
    assert_eq!((world.a.subjects(), world.b.subjects()), (vec!["Termin".into()], vec!["Termin".into()]));
}

#[test]
fn a_copy_under_another_uid_is_no_original_when_the_store_was_lost_and_the_original_is_public() {
    for own_uids in [false, true] {
        let mut world = World::new();
        world.a.own_uids = own_uids;
        world.settings.outward.a.private = Private::Mask;
        let mut series = once();
        make_private(&mut series);
        let theirs = world.b.add_series(series);
        world.settle();
        assert_eq!(shows(&world, Side::A), ("Termin".to_owned(), String::new()), "private passes there");
        world.store = MemoryStore::new();
        world.b.edit(&theirs, |series| {
            series.event.sensitivity = Sensitivity::Normal;
            series.event.place = "Ulm".to_owned();
        });
        world.settle();
        let expected = ("Termin".to_owned(), "Ulm".to_owned());
        assert_eq!((shows(&world, Side::A), shows(&world, Side::B)), (expected.clone(), expected));
    }
}
