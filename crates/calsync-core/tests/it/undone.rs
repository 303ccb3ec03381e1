//! What an order to take something back does where more happened to the appointment than the write that it names.

use std::collections::BTreeSet;

use calsync_core::ids::Side;
use calsync_core::link::{Answer, DeletionGuard, HoldKind, Wish};
use calsync_core::memory::MemoryStore;
use calsync_core::model::{Overlay, Override};
use calsync_core::source::{Write, WriteOp};
use calsync_core::store::{JournalEntry, Recorded};
use calsync_core::sync::{Action, Became, Leaving, Pattern, Request, RoundReport};

use super::fake::{Fake, World, event};
use super::orders::{became, on, weekly};
use super::rounds_world::{meanwhile, writes_to};

fn called(fake: &Fake, subject: &str) -> String {
    fake.keys().into_iter().find(|key| fake.series(key).event.subject == subject).unwrap()
}

fn place(world: &World, side: Side, place: &str) {
    let fake = world.side(side);
    fake.edit(&called(fake, "T"), |series| series.event.place = place.to_owned());
    world.settle();
}

/// An appointment `T` of A that was carried to B beside another, where B gives UIDs of its own or not.
fn carried(own_uids: bool) -> World {
    let mut world = World::new();
    world.b.own_uids = own_uids;
    world.a.add(event("bleibt", 2));
    world.settle();
    world.a.add(event("T", 1));
    world.settle();
    world
}

fn actions(report: &RoundReport) -> Vec<Action> {
    report.plan.steps.iter().map(|step| step.action).collect()
}

#[test]
fn a_copy_is_not_taken_for_the_item_that_was_made() {
    let world = carried(false);
    let made = called(&world.b, "T");
    let copy = world.b.copy(&made, "of a person");
    world.b.delete(&made);
    world.undo(world.last_write(Side::B));
    assert_eq!(became(&world.sync()), [Became::Refused]);
    world.settle();
    assert!(world.b.keys().contains(&copy), "it stays");
}

#[test]
fn what_was_made_is_known_by_its_token_under_another_key() {
    let world = carried(false);
    world.b.rename(&called(&world.b, "T"));
    world.undo(world.last_write(Side::B));
    assert_eq!(became(&world.sync()), [Became::CarriedOut]);
    world.settle();
    assert_eq!([world.a.subjects(), world.b.subjects()], [["bleibt"]; 2]);
}

#[test]
fn what_took_back_is_taken_back_itself() {
    let world = carried(false);
    place(&world, Side::A, "Ulm");
    for expected in ["", "Ulm"] {
        world.undo(world.last_write(Side::B));
        assert_eq!(became(&world.sync()), [Became::CarriedOut], "{expected}");
        world.settle();
        for fake in [&world.a, &world.b] {
            assert_eq!(fake.series(&called(fake, "T")).event.place, expected);
        }
    }
}

#[test]
fn what_is_made_again_and_deleted_before_it_is_seen_stays_deleted() {
    let world = carried(false);
    world.a.delete(&called(&world.a, "T"));
    world.settle();
    world.undo(world.last_write(Side::B));
    meanwhile(
        &world,
        |request| matches!(request, Request::Changes(Side::B, _)),
        || world.b.delete(&called(&world.b, "T")),
    );
    world.settle();
    assert_eq!([world.a.subjects(), world.b.subjects()], [["bleibt"]; 2]);
}

#[test]
fn of_two_that_were_to_be_taken_back_one_that_was_not_yet_is_not_gone() {
    let world = carried(false);
    let made = world.last_write(Side::B);
    world.a.edit(&called(&world.a, "bleibt"), |series| series.event.place = "Ulm".to_owned());
    world.settle();
    world.undo(world.last_write(Side::B));
    world.undo(made);
    let Request::Apply(_, writes) = world.sync_until(writes_to(Side::B)) else { unreachable!() };
    assert_eq!(writes.len(), 2);
    let deletes = |write: &&Recorded<Write>| matches!(write.get().op, WriteOp::Delete { .. });
    world.b.land(writes.iter().find(deletes).unwrap().get());
    world.settle();
    world.assert_in_step();
    assert_eq!((world.a.subjects(), world.a.events()[0].place.as_str()), (vec!["bleibt".to_owned()], ""));
}

#[test]
fn two_that_were_taken_back_are_known_apart_when_the_answer_was_lost() {
    let world = carried(false);
    for subject in ["T", "bleibt"] {
        world.a.edit(&called(&world.a, subject), |series| series.event.place = "Ulm".to_owned());
    }
    world.settle();
    for entry in world.journal().into_iter().filter(|entry| matches!(entry.write.op, WriteOp::Update { .. }))
    {
        world.undo(entry);
    }
    let Request::Apply(_, writes) = world.sync_until(writes_to(Side::B)) else { unreachable!() };
    for write in &writes {
        world.b.land(write.get());
    }
    assert_eq!(became(&world.sync()), [Became::CarriedOut; 2]);
    world.settle();
    world.assert_in_step();
    let events = world.a.events();
    let shown: Vec<_> = events.iter().map(|event| (&*event.subject, &*event.place)).collect();
    assert_eq!(shown, [("T", ""), ("bleibt", "")]);
}

#[test]
fn what_is_found_to_be_taken_back_says_nothing_of_another_write_that_was_lost() {
    let world = carried(false);
    let made = called(&world.b, "T");
    world.undo(world.last_write(Side::B));
    let Request::Apply(_, writes) = world.sync_until(writes_to(Side::B)) else { unreachable!() };
    world.b.land(writes[0].get());
    // Nobody learns yet that it is gone, and meanwhile a write to the other one is lost.
    world.b.unreadable(&[&made]);
    world.a.edit(&called(&world.a, "bleibt"), |series| series.event.place = "Ulm".to_owned());
    world.sync_until(writes_to(Side::B));
    world.b.unreadable(&[]);
    world.settle();
    world.assert_in_step();
    assert_eq!((world.b.subjects(), world.b.events()[0].place.as_str()), (vec!["bleibt".to_owned()], "Ulm"));
}

#[test]
fn a_plan_knows_that_what_is_taken_back_is_newer_than_what_was_edited_before() {
    let world = carried(false);
    place(&world, Side::A, "Ulm");
    world.a.edit(&called(&world.a, "T"), |series| series.event.place = "Bonn".to_owned());
    world.b.edit_later(86_400, &called(&world.b, "bleibt"), |series| series.event.place = "Kiel".to_owned());
    let back = world.journal().into_iter().find(|entry| matches!(entry.write.op, WriteOp::Update { .. }));
    world.undo(back.unwrap());
    let planned = world.plan();
    let report = world.sync();
    assert_eq!(planned.plan, report.plan);
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.series(&called(&world.a, "T")).event.place, "");
}

#[test]
fn while_an_order_waits_nothing_is_stored() {
    let world = carried(false);
    world.b.unreadable(&[&called(&world.b, "T")]);
    world.undo(world.last_write(Side::B));
    let before = world.head().version;
    assert_eq!((became(&world.sync()), world.head().version), (vec![Became::Waits], before));
}

#[test]
fn a_create_is_taken_back_also_where_edits_of_it_were_taken_back_since() {
    for own_uids in [false, true] {
        for edited in [false, true] {
            let world = carried(own_uids);
            let entry = world.last_write(Side::B);
            if edited {
                place(&world, Side::B, "Ulm");
                place(&world, Side::B, "");
            }
            world.undo(entry);
            assert_eq!(became(&world.sync()), [Became::CarriedOut], "own UIDs: {own_uids}, {edited}");
            world.settle();
            assert_eq!([world.a.subjects(), world.b.subjects()], [["bleibt"]; 2]);
        }
    }
}

#[test]
fn what_is_taken_back_is_carried_also_where_its_link_is_another_by_now() {
    let mut world = carried(false);
    place(&world, Side::A, "Ulm");
    let entry = world.last_write(Side::B);
    world.a.rename(&called(&world.a, "T"));
    world.store = MemoryStore::new();
    world.settle();
    let links = [entry.write.link, world.link_of(Side::B, &called(&world.b, "T"))];
    assert_ne!(links[0], links[1]);
    world.undo(entry);
    let report = world.sync();
    assert_eq!((became(&report), report.orders[0].link), (vec![Became::CarriedOut], Some(links[1])));
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.events().iter().map(|event| event.place.as_str()).collect::<Vec<_>>(), ["", ""]);
    assert_eq!(world.link_of(Side::B, &called(&world.b, "T")), links[1]);
}

#[test]
fn what_was_made_again_only_in_part_is_completed() {
    let world = carried(false);
    let mut series = weekly();
    series
        .overrides
        .insert(on(14), Override::Changed(Overlay { place: Some("Ulm".into()), ..Overlay::default() }));
    let key = world.a.add_series(series.clone());
    world.settle();
    world.a.delete(&key);
    world.settle();
    world.undo(world.last_write(Side::B));
    world.b.half_make();
    assert_eq!(became(&world.sync_any()), [Became::Waits]);
    world.settle();
    for fake in [&world.a, &world.b] {
        let made = fake.series(&called(fake, &series.event.subject));
        assert_eq!((&made.event, &made.overrides), (&series.event, &series.overrides));
    }
    assert_eq!([world.a.keys().len(), world.b.keys().len(), world.open_orders()], [3, 3, 0]);
}

#[test]
fn an_order_does_not_end_before_it_is_known_what_became_of_its_write() {
    let world = carried(false);
    world.a.delete(&called(&world.a, "T"));
    world.settle();
    world.undo(world.last_write(Side::B));
    let Request::Apply(_, writes) = world.sync_until(writes_to(Side::B)) else { unreachable!() };
    world.b.land(writes[0].get());
    world.b.unreadable(&[&called(&world.b, "T")]);
    world.a.refuse_subject(Some("T"));
    let mut asked = 0;
    let report = world.sync_with(|_, request| {
        asked += u32::from(matches!(request, Request::FindCreated(Side::B, _)));
        if asked == 2 {
            // It is asked for in vain, and found a moment later.
            world.b.unreadable(&[]);
        }
    });
    assert_eq!(became(&report), [Became::Waits], "{:?}", report.orders);
    assert_eq!(became(&world.sync()), [Became::CarriedOut]);
    world.a.refuse_subject(None);
    world.clock.pass(86_400);
    world.settle();
    assert_eq!([world.a.subjects(), world.b.subjects()], [["T", "bleibt"]; 2]);
}

#[test]
fn a_write_that_takes_back_is_known_as_that_when_its_answer_was_lost() {
    let world = carried(false);
    place(&world, Side::A, "Ulm");
    let order = world.undo(world.last_write(Side::B));
    let Request::Apply(_, writes) = world.sync_until(writes_to(Side::B)) else { unreachable!() };
    world.b.land(writes[0].get());
    let report = world.sync();
    assert_eq!(became(&report), [Became::CarriedOut], "{:?}", report.orders);
    world.settle();
    let places = |fake: &Fake| fake.events().into_iter().map(|event| event.place).collect::<Vec<_>>();
    assert_eq!([places(&world.a), places(&world.b)], [["", ""]; 2]);
    let took_back = |entry: &JournalEntry| entry.order == Some(order);
    let journal = world.journal();
    assert_eq!(journal.iter().filter(|entry| took_back(entry)).count(), 1);
    let numbers: BTreeSet<_> =
        journal.iter().map(|entry| (entry.write.link, entry.write.receipt.number)).collect();
    assert_eq!(numbers.len(), journal.len(), "no two writes of an appointment have one number");
}

#[test]
fn a_round_that_takes_back_and_carries_gives_the_calendars_one_number() {
    let world = carried(false);
    place(&world, Side::A, "Ulm");
    let number = || Side::BOTH.map(|side| world.side(side).mark().unwrap().number);
    let before = number();
    world.undo(world.last_write(Side::B));
    assert_eq!(world.sync().writes(), 2, "on one side and then on the other");
    assert_eq!(number(), before.map(|number| number + 1));
    let rounds: BTreeSet<_> = world.journal().iter().take(2).map(|entry| entry.round).collect();
    assert_eq!(rounds.len(), 1, "the journal shows that both belong together");
}

#[test]
fn what_left_the_scope_and_is_made_again_is_put_together_as_the_plan_says() {
    let mut world = World::new();
    world.settings.leaving = Leaving::Delete;
    world.settings.outward.a.filter.except_subjects = vec![Pattern::new("privat*")];
    world.a.add(event("bleibt", 2));
    let key = world.a.add(event("T", 1));
    world.settle();
    world.a.edit(&key, |series| series.event.subject = "privat".to_owned());
    world.settle();
    assert_eq!(world.b.subjects(), ["bleibt"]);
    world.undo(world.last_write(Side::B));
    let planned = world.plan();
    let report = world.sync();
    assert_eq!(actions(&planned), actions(&report), "{}", planned.plan);
    world.settle();
    assert_eq!([world.a.subjects(), world.b.subjects()], [["bleibt", "privat"]; 2]);
}

#[test]
fn deletions_of_the_other_side_and_those_that_were_decided_hold_nothing_that_is_taken_back() {
    let made = |side: Side| {
        let mut world = World::new();
        world.settings.guard = DeletionGuard { count: 2, percent: 0 };
        for day in 1..4 {
            world.a.add(event(&format!("A{day}"), day));
            world.side(side).add(event(&format!("{side}{day}"), day + 10));
        }
        world.settle();
        world
    };
    let world = made(Side::B);
    let mut entries = world.journal();
    entries.sort_by_key(|entry| entry.write.receipt.counterpart.clone());
    let of = |side: Side| entries.iter().filter(move |entry| entry.side == side).take(2);
    for entry in of(Side::A).chain(of(Side::B)) {
        world.undo(entry.clone());
    }
    assert_eq!(became(&world.sync()), [Became::CarriedOut; 4], "two on each side");

    let world = made(Side::A);
    let mut entries = world.journal();
    let last = entries.pop().unwrap();
    for entry in entries.into_iter().take(3) {
        world.undo(entry);
    }
    assert_eq!(became(&world.sync()), [Became::Waits; 3]);
    assert_eq!(world.reply(HoldKind::Undo, Answer::Approve), 3);
    world.undo(last);
    let report = world.sync();
    assert!(became(&report).iter().all(|became| *became == Became::CarriedOut), "{:?}", report.orders);
}

#[test]
fn what_is_asked_waits_also_where_fewer_are_left_and_counts_with_what_comes_later() {
    let mut world = World::new();
    world.settings.guard = DeletionGuard { count: 2, percent: 0 };
    for day in 1..7 {
        world.a.add(event(&format!("A{day}"), day));
    }
    world.settle();
    let mut entries = world.journal();
    let later = entries.split_off(3);
    for entry in entries {
        world.undo(entry);
    }
    assert_eq!(became(&world.sync()), [Became::Waits; 3]);
    // One is decided: two are left, and are asked about still.
    let (link, about) = world.asked().swap_remove(0);
    world.order(&Wish::Answer { link, about, answer: Answer::Reject });
    let report = world.sync();
    let waits = |report: &RoundReport| became(report).into_iter().filter(|it| *it == Became::Waits).count();
    assert_eq!((waits(&report), world.asked().len(), report.writes()), (2, 2, 0), "{:?}", report.orders);
    // Another one is, and with two more there are three.
    let (link, about) = world.asked().swap_remove(0);
    world.order(&Wish::Answer { link, about, answer: Answer::Reject });
    for entry in later.into_iter().take(2) {
        world.undo(entry);
    }
    let report = world.sync();
    assert_eq!((waits(&report), world.asked().len(), report.writes()), (3, 3, 0), "{:?}", report.orders);
    // Whoever sets another guard need not be asked.
    world.settings.guard = DeletionGuard { count: 3, percent: 0 };
    let report = world.sync();
    assert_eq!((waits(&report), report.sides.b.deleted), (0, 3), "{:?}", report.orders);
}
