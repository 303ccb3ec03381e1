//! What is decided about one link, where hardly anything but the plan, the journal or the next round shows it.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{CreateToken, ItemKey, Side};
use calsync_core::link::Direction;
use calsync_core::memory::MemoryStore;
use calsync_core::model::{Overlay, Override, Recurrence};
use calsync_core::recur::{Frequency, Parts, Rule};
use calsync_core::source::Access;
use calsync_core::store::{Losing, LostBy};
use calsync_core::sync::{Action, ConflictPolicy, ReadOnlyEdit, Settings};

use super::fake::{World, event, hour};
use super::rounds_world::{daily, in_step, instance, meanwhile, once, writes_to};

/// What lost, oldest first.
fn lost(world: &World) -> Vec<Losing> {
    world.journal().into_iter().filter_map(|entry| entry.losing).collect()
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
fn nothing_is_made_against_the_direction_to_take_a_deletion_back() {
    let world =
        World { settings: Settings { direction: Direction::BToA, ..Settings::default() }, ..World::new() };
    world.b.add(event("Termin", 1));
    world.settle();
    let mine = world.a.keys().remove(0);
    world.a.lock(&mine, Access::Personal);
    world.settle();
    world.b.delete(&world.b.keys()[0]);
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
fn an_instance_that_the_other_sides_new_rule_does_not_have_is_lost_and_named() {
    let own = Override::Changed(Overlay { subject: Some("anders".to_owned()), ..Overlay::default() });
    for over in [own, Override::Cancelled] {
        let (world, mine, theirs) = in_step(daily(5));
        let at = instance(&daily(5), 2);
        let rule = Rule::new(Parts::every(Frequency::Weekly)).unwrap();
        world.a.edit(&mine, |series| {
            series.recurrence = Some(Recurrence { rule: rule.clone(), dates: BTreeSet::new() });
        });
        world.b.edit(&theirs, |series| {
            series.overrides.insert(at, over.clone());
        });
        world.settle();
        assert_eq!(world.b.series(&theirs).overrides, BTreeMap::new());
        let named: Vec<Vec<String>> = lost(&world).into_iter().map(|lost| lost.paths).collect();
        let expected = match over {
            Override::Changed(_) => vec![vec![format!("instance {}", at.to_text())]],
            Override::Cancelled => vec![],
        };
        assert_eq!(named, expected);
    }
}

#[test]
fn an_instance_that_waits_still_waits_after_a_new_rule_was_written_to_it() {
    let (mut world, mine, theirs) = in_step(daily(5));
    world.settings.conflict = ConflictPolicy::Hold;
    world.settle();
    let at = instance(&daily(5), 2);
    let says =
        |text: &str| Override::Changed(Overlay { subject: Some(text.to_owned()), ..Overlay::default() });
    world.a.edit(&mine, |series| {
        series.recurrence = daily(7).recurrence;
        series.overrides.insert(at, says("bei A"));
    });
    world.b.edit(&theirs, |series| {
        series.overrides.insert(at, says("bei B"));
    });
    world.settle();
    let series = world.b.series(&theirs);
    assert_eq!((&series.recurrence, &series.overrides[&at]), (&daily(7).recurrence, &says("bei B")));
    assert_eq!(world.a.series(&mine).overrides[&at], says("bei A"));
}
