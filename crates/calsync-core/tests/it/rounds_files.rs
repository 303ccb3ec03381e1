//! Rounds in which people put files into appointments, replace them and take them away.

use calsync_core::ids::Side;
use calsync_core::model::{Attachments, Sensitivity};
use calsync_core::sync::{Action, AttachmentPolicy, Private, RoundReport};

use super::fake::{Cut, World, event};

/// An appointment on both sides, with its keys.
fn pair() -> (World, String, String) {
    let world = World::new();
    let a = world.a.add(event("Montage", 1));
    world.settle();
    let b = world.b.keys().remove(0);
    (world, a, b)
}

fn files(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Rounds until nothing is written, then one more that asks for nothing but the feeds.
fn assert_quiet(world: &World) {
    world.settle();
    let written = world.a.writes() + world.b.writes();
    let report = world.sync();
    assert_eq!((report.writes(), report.plan.steps.len()), (0, 0));
    assert_eq!(world.a.writes() + world.b.writes(), written);
}

fn left_out(report: &RoundReport) -> Vec<Side> {
    report.left_out.iter().map(|left| left.side).collect()
}

#[test]
fn files_come_change_and_go_both_ways_and_are_quiet_afterwards() {
    let (world, a, b) = pair();
    world.a.attach(&a, "Plan.pdf", b"plan 1");
    world.a.attach(&a, "Foto.jpg", b"foto");
    assert_eq!(world.sync().writes(), 1);
    assert_eq!(world.b.files(&b), files(&[("Foto.jpg", "foto"), ("Plan.pdf", "plan 1")]));
    assert_quiet(&world);

    world.b.attach(&b, "Plan.pdf", b"plan 2");
    world.b.attach(&b, "Notiz.txt", b"notiz");
    assert_eq!(world.sync().writes(), 1);
    let now = files(&[("Foto.jpg", "foto"), ("Notiz.txt", "notiz"), ("Plan.pdf", "plan 2")]);
    assert_eq!(world.a.files(&a), now);
    assert_quiet(&world);

    world.a.detach(&a, "Foto.jpg");
    world.b.edit(&b, |series| series.event.place = "Ulm".to_owned());
    world.sync();
    assert_eq!(world.b.files(&b), files(&[("Notiz.txt", "notiz"), ("Plan.pdf", "plan 2")]));
    assert_eq!(world.a.series(&a).event.place, "Ulm");
    assert_quiet(&world);
}

#[test]
fn a_new_appointment_brings_its_files() {
    let world = World::new();
    let a = world.a.add(event("Montage", 1));
    world.a.attach(&a, "Plan.pdf", b"plan");
    world.sync();
    assert_eq!(world.b.files(&world.b.keys()[0]), files(&[("Plan.pdf", "plan")]));
    assert_quiet(&world);
}

#[test]
fn files_added_on_both_sides_at_once_are_on_both_sides_afterwards() {
    let (world, a, b) = pair();
    world.a.attach(&a, "A.txt", b"a");
    world.b.attach(&b, "B.txt", b"b");
    world.settle();
    let both = files(&[("A.txt", "a"), ("B.txt", "b")]);
    assert_eq!((world.a.files(&a), world.b.files(&b)), (both.clone(), both));
    assert_quiet(&world);
}

#[test]
fn a_file_replaced_on_both_sides_is_a_conflict_that_one_side_wins() {
    let (world, a, b) = pair();
    world.a.attach(&a, "Plan.pdf", b"plan");
    world.settle();
    world.a.attach(&a, "Plan.pdf", b"von a");
    world.b.edit_later(600, &b, |_| {});
    world.b.attach(&b, "Plan.pdf", b"von b");
    let report = world.sync();
    assert_eq!(report.conflicts, 1);
    let wins = files(&[("Plan.pdf", "von b")]);
    assert_eq!((world.a.files(&a), world.b.files(&b)), (wins.clone(), wins));
    assert_quiet(&world);
}

#[test]
fn two_files_of_one_name_are_two_files() {
    let (world, a, b) = pair();
    world.a.attach(&a, "Scan.pdf", b"eins");
    let first = world.a.series(&a).event.attachments;
    world.a.attach(&a, "Scan.pdf", b"zwei");
    world.a.edit(&a, |series| {
        series.event.attachments = Attachments::new(first.iter().chain(&series.event.attachments).cloned());
    });
    world.sync();
    assert_eq!(world.b.files(&b), files(&[("Scan.pdf", "eins"), ("Scan.pdf", "zwei")]));
    assert_quiet(&world);
    // The first goes, so the second becomes the first.
    world.a.edit(&a, |series| {
        let second = series.event.attachments.get("Scan.pdf", 1).cloned();
        series.event.attachments = Attachments::new(second);
    });
    world.sync();
    assert_eq!(world.b.files(&b), files(&[("Scan.pdf", "zwei")]));
    assert_quiet(&world);
}

#[test]
fn a_file_that_is_too_large_is_left_out_and_said_once() {
    for sizes in [true, false] {
        let mut world = World::new();
        (world.a.sizes, world.b.sizes) = (sizes, sizes);
        world.settings.attachments = AttachmentPolicy::Carry { max_bytes: 5 };
        let a = world.a.add(event("Montage", 1));
        world.a.attach(&a, "klein", b"12345");
        world.a.attach(&a, "zu gross", b"123456");
        let report = world.sync();
        assert_eq!(left_out(&report), [Side::B], "sizes are said: {sizes}");
        let why = &report.left_out[0].why;
        assert!(report.is_clean() && why.contains("larger than 5 bytes") && !why.contains("gross"), "{why}");
        let b = world.b.keys().remove(0);
        assert_eq!(world.b.files(&b), files(&[("klein", "12345")]));
        assert_quiet(&world);
        assert_eq!(left_out(&world.sync()), []);

        // What grows too large stays on the other side as it was; an edit of something else does not bring it up again.
        world.a.attach(&a, "klein", b"1234567");
        assert_eq!(left_out(&world.sync()), [Side::B]);
        world.a.edit(&a, |series| series.event.place = "Ulm".to_owned());
        assert_eq!(left_out(&world.sync()), []);
        assert_eq!(world.b.files(&b), files(&[("klein", "12345")]));
        assert_eq!(world.b.series(&b).event.place, "Ulm");

        world.a.attach(&a, "klein", b"1");
        world.sync();
        assert_eq!(world.b.files(&b), files(&[("klein", "1")]));
        world.a.detach(&a, "zu gross");
        assert_quiet(&world);
        assert_eq!(world.b.files(&b), files(&[("klein", "1")]));
    }
}

#[test]
fn a_step_says_what_is_written_without_the_file_that_is_too_large() {
    let (mut world, a, b) = pair();
    world.settings.attachments = AttachmentPolicy::Carry { max_bytes: 5 };
    world.a.attach(&a, "Foto.jpg", b"gross genug");
    world.a.edit(&a, |series| series.event.place = "Ulm".to_owned());
    assert_eq!(world.plan().plan.steps[0].paths, ["master.place"]);
    world.a.attach(&a, "Notiz.txt", b"neu");
    assert_eq!(world.plan().plan.steps[0].paths, ["master.place", "master.attachments"]);
    world.settle();
    assert_eq!(world.b.files(&b), files(&[("Notiz.txt", "neu")]));
}

#[test]
fn a_plan_says_what_will_be_left_out() {
    let (mut world, a, _) = pair();
    world.settings.attachments = AttachmentPolicy::Carry { max_bytes: 5 };
    world.a.attach(&a, "zu gross", b"123456");
    let report = world.plan();
    assert_eq!(left_out(&report), [Side::B]);
    assert!(report.plan.steps.iter().all(|step| step.action == Action::Leave), "{}", report.plan);
}

#[test]
fn skipped_files_stay_where_they_are_and_are_not_taken_back() {
    let (mut world, a, b) = pair();
    world.settings.attachments = AttachmentPolicy::Skip;
    world.settings.direction = calsync_core::sync::Direction::AToB;
    world.a.attach(&a, "A.txt", b"a");
    world.b.attach(&b, "B.txt", b"b");
    let second = world.a.add(event("Zweiter", 2));
    world.a.attach(&second, "C.txt", b"c");
    let report = world.sync();
    assert_eq!(report.left_out, []);
    assert_eq!(world.a.files(&a), files(&[("A.txt", "a")]));
    assert_eq!(world.b.files(&b), files(&[("B.txt", "b")]));
    assert_quiet(&world);
    assert_eq!(world.b.keys().iter().filter(|key| !world.b.files(key).is_empty()).count(), 1);
}

#[test]
fn on_a_side_that_only_follows_a_file_is_taken_back_like_any_other_edit() {
    let (mut world, a, b) = pair();
    world.a.attach(&a, "Plan.pdf", b"plan");
    world.settle();
    world.settings.direction = calsync_core::sync::Direction::AToB;
    world.b.attach(&b, "Plan.pdf", b"gefaelscht");
    world.b.attach(&b, "Neu.txt", b"neu");
    world.settle();
    assert_eq!(world.b.files(&b), files(&[("Plan.pdf", "plan")]));
    assert_quiet(&world);
}

#[test]
fn appointments_that_are_recognised_bring_their_files_together() {
    let world = World::new();
    let (a, b) = (world.a.add(event("Montage", 1)), world.b.add(event("Montage", 1)));
    world.a.attach(&a, "A.txt", b"a");
    world.a.attach(&a, "beide", b"von a");
    world.b.attach(&b, "B.txt", b"b");
    world.b.attach(&b, "beide", b"von b");
    world.settle();
    assert_eq!(world.a.files(&a), files(&[("A.txt", "a"), ("B.txt", "b"), ("beide", "von a")]));
    assert_eq!(world.b.files(&b), files(&[("A.txt", "a"), ("B.txt", "b"), ("beide", "von b")]));
    assert_quiet(&world);
}

#[test]
fn a_file_that_cannot_be_read_holds_up_its_appointment_only() {
    let (world, a, b) = pair();
    let other = world.a.add(event("Zweiter", 2));
    world.settle();
    world.a.attach(&a, "Plan.pdf", b"plan");
    world.a.edit(&other, |series| series.event.place = "Ulm".to_owned());
    world.a.fail_files(true);
    let report = world.sync();
    assert_eq!((report.writes(), report.failures.len()), (1, 1));
    assert!(report.failures[0].why.contains("cannot be read"), "{}", report.failures[0].why);
    assert_eq!(world.b.files(&b), []);
    world.a.fail_files(false);
    world.clock.pass(600);
    world.settle();
    assert_eq!(world.b.files(&b), files(&[("Plan.pdf", "plan")]));
    assert_quiet(&world);
}

/// Everything that can be done with files is waiting to be done.
fn busy() -> (World, String, String) {
    let (world, a, b) = pair();
    for name in ["bleibt", "geht", "neu fassen"] {
        world.a.attach(&a, name, b"alt");
    }
    world.settle();
    world.a.attach(&a, "neu fassen", b"neu");
    world.a.detach(&a, "geht");
    world.b.attach(&b, "kommt", b"von b");
    let new = world.a.add(event("Neu", 3));
    world.a.attach(&new, "eins", b"1");
    world.a.attach(&new, "zwei", b"2");
    (world, a, b)
}

#[test]
fn a_round_that_is_cut_off_anywhere_leaves_no_file_lost_or_doubled() {
    let end = files(&[("bleibt", "alt"), ("kommt", "von b"), ("neu fassen", "neu")]);
    for half in [false, true] {
        for number in 0.. {
            let mut ended = true;
            for cut in [Cut::Before(number), Cut::After(number)] {
                let (world, a, b) = busy();
                if half {
                    world.b.half_attach();
                }
                ended &= !world.sync_cut(cut);
                // A write whose outcome is unknown looks like a round that writes nothing.
                for _ in 0..2 {
                    world.clock.pass(3600);
                    world.settle();
                }
                assert_eq!(world.a.files(&a), end, "{cut:?}");
                assert_eq!(world.b.files(&b), end, "{cut:?}");
                let new: Vec<_> = world.b.keys().into_iter().filter(|key| *key != b).collect();
                assert_eq!(new.len(), 1, "{cut:?}");
                assert_eq!(world.b.files(&new[0]), files(&[("eins", "1"), ("zwei", "2")]), "{cut:?}");
                assert_quiet(&world);
            }
            if ended {
                assert!(number > 5);
                break;
            }
        }
    }
}

#[test]
fn a_mask_takes_away_files_that_were_carried_even_where_none_are_now() {
    let (mut world, a, b) = pair();
    world.a.attach(&a, "Befund.pdf", b"geheim");
    world.settle();
    assert_eq!(world.b.files(&b).len(), 1);
    world.settings.attachments = AttachmentPolicy::Skip;
    world.settings.outward.a.private = Private::Mask;
    world.a.edit(&a, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    assert_eq!((world.b.files(&b).len(), world.a.files(&a).len()), (0, 1));
    assert_quiet(&world);
}
