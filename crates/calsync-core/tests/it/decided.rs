//! What is decided about one link, where hardly anything but the plan, the journal or the next round shows it.

use std::collections::BTreeSet;

use calsync_core::drive::Clock;
use calsync_core::ids::{CreateToken, ItemKey, Side};
use calsync_core::link::{Answer, Direction};
use calsync_core::memory::MemoryStore;
use calsync_core::model::{Busy, Overlay, Override, Sensitivity};
use calsync_core::source::{Access, SourceErrorKind};
use calsync_core::store::{Losing, LostBy};
use calsync_core::sync::{
    Action, ConflictPolicy, Filter, Leaving, Pattern, Private, ReadOnlyEdit, Reason, Settings,
};
use chrono::TimeDelta;

use super::fake::{World, event, hour};
use super::rounds_world::{daily, in_step, instance, meanwhile, once, writes_to};

/// What lost, the newest first.
pub fn lost(world: &World) -> Vec<Losing> {
    world.journal().into_iter().filter_map(|entry| entry.losing).collect()
}

fn all_but(subject: &str) -> Filter {
    Filter { except_subjects: vec![Pattern::new(subject)], ..Filter::default() }
}

#[test]
fn what_the_side_that_does_not_lead_said_first_is_in_the_journal() {
    let world = World::new();
    let mut mine = daily(5);
    (mine.event.place, mine.event.customer) = ("Ulm".to_owned(), "K-17".to_owned());
    mine.event.span = hour(1, 11);
    let mut theirs = daily(5);
    theirs.event.place = "Halle".to_owned();
    let over = Override::Changed(Overlay { subject: Some("anders".to_owned()), ..Overlay::default() });
    let at = instance(&theirs, 2);
    theirs.overrides.insert(at, over);
    world.a.add_series(mine);
    world.b.add_series(theirs.clone());
    world.settle();
    let lost = lost(&world);
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(
        (lost[0].side, lost[0].by, &lost[0].series.event.place),
        (Side::B, LostBy::Lead, &theirs.event.place)
    );
    let paths: BTreeSet<&str> = lost[0].paths.iter().map(String::as_str).collect();
    assert_eq!(paths.len(), lost[0].paths.len(), "each is named once");
    assert!(paths.contains("master.span") && paths.contains("master.place"), "{paths:?}");
    assert!(!paths.contains("master.customer"), "nothing was said there: {paths:?}");
}

#[test]
fn what_only_comes_to_what_was_said_loses_nothing() {
    let world = World::new();
    let mut mine = once();
    mine.event.place = "Ulm".to_owned();
    world.a.add_series(mine);
    world.b.add_series(once());
    world.settle();
    assert_eq!((world.b.events()[0].place.as_str(), lost(&world)), ("Ulm", vec![]));
}

#[test]
fn what_is_taken_back_is_in_the_journal_and_in_the_plan() {
    let (mut world, _, theirs) = in_step(once());
    world.settings.direction = Direction::AToB;
    world.settle();
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    let report = world.sync();
    let step = report.plan.steps.iter().find(|step| step.action == Action::Update(Side::B)).unwrap();
    assert_eq!(step.paths, ["master.place"]);
    let lost = lost(&world);
    assert_eq!(
        (lost.len(), lost[0].by, lost[0].paths.as_slice()),
        (1, LostBy::Direction, &["master.place".to_owned()][..])
    );
}

#[test]
fn what_is_carried_together_with_what_is_taken_back_is_not_lost() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.direction = Direction::AToB;
    world.settle();
    world.a.edit(&mine, |series| series.event.subject = "anders".to_owned());
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    world.sync();
    let lost = lost(&world);
    assert_eq!(
        (lost.len(), lost[0].by, lost[0].paths.as_slice()),
        (1, LostBy::Direction, &["master.place".to_owned()][..])
    );
}

#[test]
fn what_our_receipts_name_was_in_step_also_in_the_round_after_the_first() {
    let (mut world, _, theirs) = in_step(once());
    world.settings.direction = Direction::AToB;
    world.settle();
    world.store = MemoryStore::new();
    world.b.edit(&theirs, |series| series.event.place = "Ulm".to_owned());
    // They are put together, and what is taken back meets somebody who was quicker: nobody recognises them a second time.
    meanwhile(&world, writes_to(Side::B), || {
        world.b.edit(&theirs, |series| series.event.customer = "K-17".to_owned());
    });
    world.settle();
    assert_eq!((world.b.events()[0].place.as_str(), world.b.events()[0].customer.as_str()), ("", ""));
}

#[test]
fn each_counterpart_has_a_token_of_its_own_and_the_first_one_the_first() {
    let (world, mine, theirs) = in_step(once());
    let token = |number| CreateToken::derive(&world.pairing, Side::B, &ItemKey::new(&mine), number);
    let written = || -> Vec<CreateToken> {
        let made =
            world.journal().into_iter().filter(|entry| entry.side == Side::B && entry.before.is_none());
        made.map(|entry| entry.write.receipt.token.clone()).collect()
    };
    assert_eq!(written(), [token(0)]);
    world.b.delete(&theirs);
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    assert_eq!(world.b.keys().len(), 1);
    assert!(written().contains(&token(1)), "a token makes one item");
}

#[test]
fn a_token_is_used_again_unless_what_it_made_is_gone() {
    for (kind, next) in [(SourceErrorKind::Missing, 1), (SourceErrorKind::Unavailable, 0)] {
        let world = World::new();
        world.b.refuse_with(Some("Termin"), &kind);
        let mine = world.a.add_series(once());
        world.sync_any();
        world.b.refuse_with(None, &kind);
        world.settle();
        let token = |number| CreateToken::derive(&world.pairing, Side::B, &ItemKey::new(&mine), number);
        let written: Vec<CreateToken> =
            world.journal().into_iter().rev().map(|entry| entry.write.receipt.token).collect();
        assert_eq!(written, [token(0), token(next)], "{kind:?}");
        assert_eq!(world.b.keys().len(), 1);
    }
}

#[test]
fn numbers_of_writes_go_on_when_the_store_was_lost_and_nothing_differs() {
    let (mut world, mine, _) = in_step(once());
    let number = |world: &World| world.journal()[0].write.receipt.number;
    for place in ["Ulm", "Kiel", "Bonn"] {
        world.a.edit(&mine, |series| series.event.place = place.to_owned());
        world.settle();
    }
    let before = number(&world);
    world.store = MemoryStore::new();
    assert_eq!(world.settle().writes(), 0);
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    assert!(number(&world) > before, "{} after {before}", number(&world));
}

#[test]
fn nothing_is_made_against_the_direction_to_take_a_deletion_back() {
    let world =
        World { settings: Settings { direction: Direction::BToA, ..Settings::default() }, ..World::new() };
    world.b.add(event("Termin", 1));
    world.settle();
    let mine = world.a.keys().remove(0);
    world.a.lock(&mine, Access::Personal);
    world.settle();
    world.b.delete(&world.b.keys()[0]);
    let report = world.sync();
    assert_eq!(report.plan.steps[0].reason, Reason::NotCarried(Side::B));
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (1, 0));
}

#[test]
fn what_is_ignored_and_then_written_over_is_in_the_journal() {
    for edits in [ReadOnlyEdit::Ignore, ReadOnlyEdit::Report] {
        let (mut world, mine, theirs) = in_step(once());
        (world.settings.direction, world.settings.read_only_edit) = (Direction::AToB, edits);
        world.settle();
        world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
        world.b.edit(&theirs, |series| series.event.place = "Halle".to_owned());
        world.sync();
        let lost = lost(&world);
        assert_eq!(
            (lost.len(), lost[0].by, lost[0].series.event.place.as_str()),
            (1, LostBy::Direction, "Halle")
        );
        assert_eq!(lost[0].paths, ["master.place"]);
    }
}

#[test]
fn which_edit_is_newer_is_told_by_our_clock() {
    for ahead in [TimeDelta::hours(1), TimeDelta::zero(), TimeDelta::hours(-1)] {
        let (mut world, mine, theirs) = in_step(once());
        world.settings.conflict = ConflictPolicy::Newer;
        let now = world.clock.now();
        world.b.set_clock(now + ahead - TimeDelta::minutes(10));
        world.b.edit(&theirs, |series| series.event.place = "zuerst".to_owned());
        world.b.set_clock(now + ahead);
        world.a.set_clock(now - TimeDelta::minutes(1));
        world.a.edit(&mine, |series| series.event.place = "zuletzt".to_owned());
        world.settle();
        assert_eq!(world.b.events()[0].place, "zuletzt", "B's clock is ahead by {ahead}");

        world.b.edit(&theirs, |series| series.event.place = "später".to_owned());
        world.a.edit(&mine, |series| series.event.place = "von A".to_owned());
        world.b.set_clock(now + ahead + TimeDelta::minutes(20));
        world.b.edit(&theirs, |series| series.event.place = "danach".to_owned());
        world.a.set_clock(now + TimeDelta::minutes(21));
        world.settle();
        assert_eq!(world.a.events()[0].place, "danach", "B's clock is ahead by {ahead}");
    }
}

#[test]
fn side_a_stands_where_clocks_are_too_close_to_tell() {
    for (seconds, stands) in [(2, "von A"), (3, "von B")] {
        let (mut world, mine, theirs) = in_step(once());
        world.settings.conflict = ConflictPolicy::Newer;
        assert_eq!(world.settings.clock_uncertainty, 2);
        let now = world.clock.now();
        for (side, key, late) in [(Side::A, &mine, 0), (Side::B, &theirs, seconds)] {
            world.side(side).set_clock(now + TimeDelta::seconds(late));
            let place = if side == Side::A { "von A" } else { "von B" };
            world.side(side).edit(key, |series| series.event.place = place.to_owned());
            world.side(side).set_clock(now + TimeDelta::seconds(300));
        }
        world.settle();
        assert_eq!(world.a.events()[0].place, stands, "{seconds} s");
    }
}

#[test]
fn a_counterpart_that_its_own_side_would_leave_out_takes_nothing_along_when_rules_change() {
    let mut world = World::new();
    world.settings.leaving = Leaving::Delete;
    world.settings.outward.b.filter = all_but("Termin");
    world.a.add_series(once());
    world.settle();
    world.settings.outward.a.plain_notes = !world.settings.outward.a.plain_notes;
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (1, 1));
}

#[test]
fn what_leaves_the_scope_of_the_side_that_nothing_is_carried_from_stays_on_the_other() {
    let mut world = World::new();
    world.settings.direction = Direction::BToA;
    world.settings.read_only_edit = ReadOnlyEdit::Ignore;
    world.settings.leaving = Leaving::Delete;
    world.settings.outward.a.filter = all_but("intern");
    world.b.add_series(once());
    world.settle();
    world.a.edit(&world.a.keys()[0], |series| series.event.subject = "intern".to_owned());
    let report = world.settle();
    assert_eq!((world.b.keys().len(), report.writes()), (1, 0), "{}", report.plan);
    assert_eq!(world.b.writes(), 0, "nor is it tried");
}

#[test]
fn what_was_private_on_both_sides_before_there_was_a_rule_is_masked_where_it_is_written() {
    for (direction, masked) in [(Direction::BToA, Side::A), (Direction::AToB, Side::B)] {
        let mut world = World::new();
        world.settings.direction = direction;
        for side in Side::BOTH {
            let mut series = once();
            series.event.sensitivity = Sensitivity::Private;
            world.side(side).add_series(series);
        }
        world.settle();
        (world.settings.outward.a.private, world.settings.outward.b.private) = (Private::Mask, Private::Mask);
        world.settle();
        assert_eq!(world.side(masked).subjects(), ["Privat"], "{direction:?}");
        assert_eq!(world.side(masked.other()).subjects(), ["Termin"], "{direction:?}");
    }
}

#[test]
fn what_differs_at_first_sight_and_is_not_carried_stays_where_that_is_ignored() {
    let mut world = World::new();
    (world.settings.direction, world.settings.read_only_edit) = (Direction::AToB, ReadOnlyEdit::Ignore);
    world.a.add_series(once());
    let mut theirs = once();
    theirs.event.place = "Ulm".to_owned();
    world.b.add_series(theirs);
    world.settle();
    assert_eq!(world.b.events()[0].place, "Ulm");
}

#[test]
fn a_masked_copy_that_was_edited_while_the_store_was_lost_is_no_original() {
    let mut world = World::new();
    world.settings.lead = Side::B;
    (world.settings.outward.a.private, world.settings.outward.b.private) = (Private::Mask, Private::Mask);
    let mut series = once();
    series.event.sensitivity = Sensitivity::Private;
    world.a.add_series(series);
    world.settle();
    world.b.edit(&world.b.keys()[0], |series| series.event.subject = "Zahnarzt?".to_owned());
    world.store = MemoryStore::new();
    world.settle();
    assert_eq!(world.a.subjects(), ["Termin"]);
}

#[test]
fn of_two_receipts_that_a_store_does_not_know_the_later_one_counts() {
    for (last, own_uids) in [(Side::A, false), (Side::A, true), (Side::B, false), (Side::B, true)] {
        let mut world = World::new();
        world.b.own_uids = own_uids;
        world.settings.conflict = ConflictPolicy::Prefer(last);
        world.a.add_series(once());
        world.settle();
        let set_place = |side: Side, place: &str| {
            let key = world.side(side).keys().remove(0);
            world.side(side).edit(&key, |series| series.event.place = place.to_owned());
        };
        let yesterday = world.store_backup();
        set_place(last, "erst");
        world.settle();
        set_place(last.other(), "dann");
        world.settle();
        // `last` was written last, and only the other side was edited since.
        set_place(last.other(), "zuletzt");
        let world = World { store: yesterday, ..world };
        world.settle();
        for side in Side::BOTH {
            assert_eq!(world.side(side).events()[0].place, "zuletzt", "{last:?}, own UIDs: {own_uids}");
        }
    }
}

#[test]
fn what_stays_though_it_left_the_scope_is_asked_about_again_when_it_leaves_again() {
    let (mut world, mine, _) = in_step(once());
    world.settings.leaving = Leaving::Hold;
    world.settings.outward.a.filter = all_but("intern");
    world.settle();
    let call = |world: &World, subject: &str| {
        world.a.edit(&mine, |series| series.event.subject = subject.to_owned());
        world.settle().held
    };
    assert_eq!(call(&world, "intern"), 1);
    world.answer(Answer::Reject);
    assert_eq!(world.settle().held, 0);
    world.a.edit(&mine, |series| series.event.place = "Ulm".to_owned());
    assert_eq!((world.settle().held, world.b.events()[0].place.as_str()), (0, "Ulm"), "it stays");
    world.settings.outward.a.filter.except_subjects.push(Pattern::new("geheim"));
    assert_eq!(world.settle().held, 0, "a rule that changed says nothing new about it");
    assert_eq!(call(&world, "Termin"), 0);
    assert_eq!(call(&world, "intern"), 1);
}

#[test]
fn what_is_taken_back_beside_a_dispute_is_named_and_so_is_that() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.conflict = ConflictPolicy::Prefer(Side::B);
    // On B nothing but what is a person's own may be changed, so the place of A has no way.
    world.b.lock(&theirs, Access::Personal);
    world.settle();
    world.a.edit(&mine, |series| {
        series.event.place = "Ulm".to_owned();
        series.event.categories = ["von A".to_owned()].into();
        series.event.busy = Busy::Free;
    });
    world.b.edit(&theirs, |series| series.event.busy = Busy::Tentative);
    world.settle();
    let paths: BTreeSet<String> = lost(&world).into_iter().flat_map(|lost| lost.paths).collect();
    assert!(paths.contains("master.place") && paths.contains("master.busy"), "{paths:?}");
    assert_eq!((world.a.events()[0].place.as_str(), world.a.events()[0].busy), ("", Busy::Tentative));
}

#[test]
fn what_left_the_scope_and_may_not_be_deleted_is_refused_and_waits_on() {
    let (mut world, mine, theirs) = in_step(once());
    world.settings.leaving = Leaving::Hold;
    world.settings.outward.a.filter = all_but("intern");
    world.b.lock(&theirs, Access::Personal);
    world.settle();
    world.a.edit(&mine, |series| series.event.subject = "intern".to_owned());
    assert_eq!(world.settle().held, 1);
    world.answer(Answer::Approve);
    let writes = world.b.writes();
    assert_eq!((world.settle().held, world.b.writes() - writes, world.b.keys().len()), (1, 0, 1));
}
