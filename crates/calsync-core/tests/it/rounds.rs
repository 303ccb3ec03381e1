//! What rounds do, in calm weather.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{PairingId, Side, Uid};
use calsync_core::link::Head;
use calsync_core::model::{Categories, Field, Overlay, Override, Recurrence, RecurrenceId, Reminder, Series};
use calsync_core::source::Access;
use calsync_core::store::{JournalQuery, LostBy, StateStore};
use calsync_core::sync::{
    Action, ConflictPolicy, Direction, Failure, Likeness, ReadOnlyEdit, Reason, Reply, Request,
};
use chrono::NaiveDate;

use super::fake::{Fake, World, block_on, event, hour};

fn only(keys: Vec<String>) -> String {
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.into_iter().next().unwrap()
}

#[test]
fn what_is_entered_changed_and_deleted_on_either_side_arrives_on_the_other() {
    for side in Side::BOTH {
        let world = World::new();
        let (here, there) = (world.side(side), world.side(side.other()));
        let key = here.add(event("Kundentermin", 1));
        let stays = here.add(event("Werkstatt", 2));
        let report = world.sync();
        assert_eq!(report.sides.get(side.other()).created, 2);
        assert_eq!(report.writes(), 2);
        world.assert_in_step();

        here.edit(&key, |series| series.event.place = "Halle 3".to_owned());
        there.edit(
            &only(
                there
                    .keys()
                    .into_iter()
                    .filter(|key| there.series(key).event.subject == "Werkstatt")
                    .collect(),
            ),
            |series| {
                series.event.reminder = Reminder::Minutes(15);
            },
        );
        let report = world.sync();
        assert_eq!((report.sides.get(side.other()).updated, report.sides.get(side).updated), (1, 1));
        world.assert_in_step();

        here.delete(&stays);
        let report = world.sync();
        assert_eq!((report.writes(), report.sides.get(side.other()).deleted), (1, 1));
        world.assert_in_step();
        assert_eq!(here.subjects(), ["Kundentermin"]);
        assert_eq!(world.sync().writes(), 0);
    }
}

#[test]
fn a_quiet_round_plans_nothing_and_changes_nothing_in_the_store() {
    let world = World::new();
    for day in 1..12 {
        world.a.add(event(&format!("T{day}"), day));
    }
    world.sync();
    world.sync(); // reads back the echo of the first
    let before = block_on(world.store.head(&world.pairing)).unwrap();
    let report = world.sync();
    assert_eq!((report.plan.steps.len(), report.sides.a.read, report.sides.b.read), (0, 0, 0));
    assert_eq!(block_on(world.store.head(&world.pairing)).unwrap(), before);
}

#[test]
fn our_own_writes_come_back_without_being_read_again() {
    let world = World::new();
    world.a.add(event("T", 1));
    world.sync();
    let report = world.sync();
    assert_eq!((report.sides.b.read, report.writes()), (1, 0), "the echo is read from the feed and no more");
}

#[test]
fn only_what_was_made_is_looked_for_by_the_next_round() {
    let world = World::new();
    let key = world.a.add(event("T", 1));
    world.sync();
    let looks =
        |world: &World| world.head().listings.iter().map(|(_, listing)| listing.open).collect::<Vec<_>>();
    assert_eq!(looks(&world), [false, true], "it was made on B");
    world.sync();
    world.a.edit(&key, |series| series.event.place = "Ulm".to_owned());
    assert_eq!((world.sync().writes(), looks(&world)), (1, vec![false, false]));
}

#[test]
fn sides_that_are_written_may_tidy_up_in_a_round_and_not_in_a_plan() {
    for (direction, times) in [(Direction::Both, [1, 1]), (Direction::AToB, [0, 1])] {
        let mut world = World::new();
        world.settings.direction = direction;
        world.plan();
        assert_eq!([world.a.upkeeps(), world.b.upkeeps()], [0, 0]);
        world.sync();
        assert_eq!([world.a.upkeeps(), world.b.upkeeps()], times, "{direction:?}");
    }
}

#[test]
fn nothing_is_asked_about_nothing() {
    let world = World::new();
    world.a.add(event("T", 1));
    let ask = |_: usize, request: &Request| {
        let empty = match request {
            Request::LinksByKey(_, keys) | Request::Fetch(_, keys) => keys.is_empty(),
            Request::LinksById(ids) => ids.is_empty(),
            Request::FindCreated(_, tokens) => tokens.is_empty(),
            Request::Journal(entries) => entries.is_empty(),
            Request::Apply(_, writes) => writes.is_empty(),
            _ => false,
        };
        assert!(!empty, "{request:?}");
    };
    world.sync_with(ask);
    // Nor after a write of which nothing arrived.
    world.a.edit(&only(world.a.keys()), |series| series.event.place = "Ulm".to_owned());
    world.sync_until(|request| matches!(request, Request::Apply(..)));
    world.sync_with(ask);
    world.assert_in_step();
}

#[test]
fn what_can_be_read_again_on_one_side_is_read_on_the_other_at_once() {
    let world = World::new();
    let mine = world.a.add(event("T", 1));
    world.settle();
    let theirs = only(world.b.keys());
    let edit = |fake: &Fake, key: &str, place: &str| {
        fake.edit(key, |series| series.event.place = place.to_owned());
        fake.unreadable(&[key]);
    };
    edit(&world.a, &mine, "Ulm");
    edit(&world.b, &theirs, "Ulm");
    for _ in 0..6 {
        world.clock.pass(86_400);
        world.sync();
    }
    edit(&world.a, &mine, "Bonn");
    world.a.unreadable(&[]);
    world.b.unreadable(&[]);
    world.sync();
    world.assert_in_step();
}

#[test]
fn a_report_says_whether_it_is_of_the_first_sync() {
    let world = World::new();
    assert_eq!([world.sync().first_sync, world.sync().first_sync], [true, false]);
}

#[test]
fn a_round_asks_the_same_until_it_is_answered_and_is_over_for_good() {
    let mut round = World::new().round();
    for _ in 0..2 {
        assert!(matches!(round.poll(), Request::Head));
    }
    round.handle(Reply::Committed);
    for _ in 0..2 {
        let Request::Done(report) = round.poll() else { panic!("that was no answer") };
        assert_eq!(report.failure, Some(Failure::WrongReply));
    }
    assert!(format!("{round:?}").contains("WrongReply"), "{round:?}");
}

#[test]
fn changes_of_different_fields_are_merged() {
    let world = World::new();
    let key = world.a.add(event("T", 1));
    world.sync();
    world.a.edit(&key, |series| series.event.subject = "T neu".to_owned());
    world.b.edit(&only(world.b.keys()), |series| series.event.place = "Köln".to_owned());
    let report = world.sync();
    assert_eq!((report.conflicts, report.writes()), (0, 2));
    world.assert_in_step();
    assert_eq!((world.a.events()[0].subject.as_str(), world.a.events()[0].place.as_str()), ("T neu", "Köln"));
}

#[test]
fn the_newer_change_of_the_same_field_wins_and_the_loser_is_in_the_journal() {
    for winner in Side::BOTH {
        let world = World::new();
        world.a.add(event("T", 1));
        world.sync();
        let (wins, loses) = (world.side(winner), world.side(winner.other()));
        loses.edit(&only(loses.keys()), |series| series.event.subject = "verliert".to_owned());
        wins.edit_later(86_400, &only(wins.keys()), |series| series.event.subject = "gewinnt".to_owned());
        let report = world.sync();
        assert_eq!((report.conflicts, report.writes()), (1, 1));
        world.assert_in_step();
        assert_eq!(world.a.subjects(), ["gewinnt"]);
        let query = JournalQuery { lost: true, ..JournalQuery::newest(1) };
        let journal = block_on(world.store.journal_entries(&world.pairing, &query)).unwrap();
        assert_eq!(journal[0].before.as_ref().unwrap().event.subject, "verliert");
        let losing = journal[0].losing.as_ref().unwrap();
        assert_eq!((losing.side, losing.by), (winner.other(), LostBy::Policy));
        assert_eq!(
            (&losing.series, losing.paths.as_slice()),
            (journal[0].before.as_ref().unwrap(), &["master.subject".to_owned()][..])
        );
    }
}

#[test]
fn categories_are_added_and_taken_away_one_by_one() {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Categories>();
    let world = World::new();
    let key = world.a.add(event("T", 1));
    world.a.edit(&key, |series| series.event.categories = names(&["Wartung"]));
    world.sync();
    world.a.edit(&key, |series| series.event.categories = names(&[]));
    world.b.edit(&only(world.b.keys()), |series| series.event.categories = names(&["Wartung", "Urlaub"]));
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.events()[0].categories, names(&["Urlaub"]));
}

#[test]
fn a_conflict_that_is_held_waits_and_the_rest_of_the_appointment_goes_on() {
    let mut world = World::new();
    world.settings.conflict_by_field = BTreeMap::from([(Field::Subject, ConflictPolicy::Hold)]);
    world.a.add(event("T", 1));
    world.sync();
    world.a.edit(&only(world.a.keys()), |series| series.event.subject = "A".to_owned());
    world.b.edit(&only(world.b.keys()), |series| {
        series.event.subject = "B".to_owned();
        series.event.place = "Ulm".to_owned();
    });
    let report = world.sync();
    assert_eq!((report.held, report.writes()), (1, 1));
    assert_eq!(world.a.events()[0].place, "Ulm");
    assert_eq!((world.a.subjects(), world.b.subjects()), (vec!["A".to_owned()], vec!["B".to_owned()]));
    let report = world.sync();
    assert_eq!(
        (report.held, report.writes()),
        (1, 0),
        "it goes on waiting, and nothing is written meanwhile"
    );

    world.settings.conflict_by_field.clear();
    world.settings.conflict = ConflictPolicy::Prefer(Side::B);
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.subjects(), ["B"]);
}

#[test]
fn rounding_by_a_server_is_no_edit() {
    let mut world = World::new();
    world.b.shouts = true;
    let key = world.a.add(event("T", 1));
    world.a.edit(&key, |series| series.event.place = "Halle 3".to_owned());
    world.sync();
    assert_eq!(world.b.events()[0].place, "HALLE 3");
    assert_eq!(world.settle().writes(), 0);
    world.a.edit(&key, |series| series.event.subject = "neu".to_owned());
    world.settle();
    assert_eq!(world.a.events()[0].place, "Halle 3", "what A says is not rounded by what B can hold");
}

#[test]
fn what_is_not_written_to_a_side_is_still_believed_of_it() {
    let mut world = World::new();
    world.b.unheld = &[Field::Customer];
    let key = world.a.add(event("T", 1));
    world.a.edit(&key, |series| series.event.customer = "K-17".to_owned());
    world.sync();
    world.a.edit(&key, |series| series.event.customer = "K-18".to_owned());
    assert_eq!(world.sync().writes(), 0);
    world.b.edit(&only(world.b.keys()), |series| series.event.customer = "K-19".to_owned());
    world.settle();
    assert_eq!(world.a.events()[0].customer, "K-19");
}

#[test]
fn a_counterpart_that_was_deleted_before_the_feed_ever_showed_it_is_noticed() {
    for side in Side::BOTH {
        let world = World::new();
        let key = world.side(side).add(event("T", 1));
        world.side(side).add(event("bleibt", 2));
        world.sync();
        let there = world.side(side.other());
        let theirs = |key: &String| there.series(key).event.subject == "T";
        there.delete(&only(there.keys().into_iter().filter(theirs).collect()));
        let report = world.sync();
        assert_eq!((report.writes(), report.sides.get(side).deleted), (1, 1));
        assert!(!world.side(side).keys().contains(&key));
        world.assert_in_step();
        world.settle();
    }
}

#[test]
fn an_edit_beats_a_deletion_and_the_item_is_made_again() {
    for gone in Side::BOTH {
        let world = World::new();
        world.a.add(event("T", 1));
        world.sync();
        let (deletes, edits) = (world.side(gone), world.side(gone.other()));
        deletes.delete(&only(deletes.keys()));
        edits.edit(&only(edits.keys()), |series| series.event.subject = "wichtig".to_owned());
        let report = world.sync();
        assert_eq!(report.plan.steps[0].reason, Reason::EditBeatsDeletion(gone));
        assert_eq!(world.settle().held, 0);
        world.assert_in_step();
        assert_eq!(world.a.subjects(), ["wichtig"]);
    }
}

#[test]
fn a_deletion_wins_where_that_is_set() {
    let mut world = World::new();
    world.settings.deletion_wins = true;
    world.a.add(event("T", 1));
    world.sync();
    world.a.delete(&only(world.a.keys()));
    world.b.edit(&only(world.b.keys()), |series| series.event.subject = "egal".to_owned());
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (0, 0));
}

#[test]
fn too_many_deletions_at_once_wait_for_a_person_and_everything_else_goes_on() {
    let world = World::new();
    for day in 1..21 {
        world.a.add(event(&format!("T{day:02}"), day));
    }
    world.sync();
    for key in world.b.keys().into_iter().take(8) {
        world.b.delete(&key);
    }
    world.a.add(event("neu", 25));
    let report = world.sync();
    assert_eq!((report.held, report.sides.a.deleted, report.sides.b.created), (8, 0, 1));
    assert_eq!(world.a.keys().len(), 21);
    assert_eq!(world.sync().held, 8);
}

#[test]
fn one_way_takes_back_changes_on_the_other_side_and_leaves_its_own_items_alone() {
    let mut world = World::new();
    world.settings.direction = Direction::AToB;
    let private = world.b.add(event("Zahnarzt", 3));
    world.a.add(event("T", 1));
    world.sync();
    assert_eq!(world.a.subjects(), ["T"], "nothing is carried to A");
    assert_eq!(world.b.keys().len(), 2);

    let copy = only(world.b.keys().into_iter().filter(|key| *key != private).collect());
    world.b.edit(&copy, |series| series.event.subject = "geändert".to_owned());
    world.sync();
    assert_eq!(world.b.series(&copy).event.subject, "T");
    world.b.delete(&copy);
    world.sync();
    assert!(world.b.subjects().contains(&"T".to_owned()), "made again");
    assert_eq!(world.a.writes(), 0);
    assert!(world.b.keys().contains(&private));
    assert_eq!(world.settle().held, 0);

    world.settings.read_only_edit = ReadOnlyEdit::Ignore;
    let copy = only(world.b.keys().into_iter().filter(|key| *key != private).collect());
    world.b.edit(&copy, |series| series.event.subject = "bleibt".to_owned());
    assert_eq!(world.sync().writes(), 0);
    assert_eq!(world.b.series(&copy).event.subject, "bleibt");

    world.settings.read_only_edit = ReadOnlyEdit::Report;
    world.b.edit(&copy, |series| series.event.place = "Ulm".to_owned());
    let report = world.sync();
    assert_eq!((report.writes(), report.held), (0, 1));
}

#[test]
fn of_a_foreign_meeting_only_what_belongs_to_the_owner_is_written() {
    let world = World::new();
    let key = world.b.add(event("Besprechung", 1));
    world.b.lock(&key, Access::Personal);
    world.sync();
    world.a.edit(&only(world.a.keys()), |series| {
        series.event.subject = "umbenannt".to_owned();
        series.event.reminder = Reminder::Minutes(5);
    });
    world.settle();
    world.assert_in_step();
    assert_eq!(world.b.events()[0].subject, "Besprechung");
    assert_eq!(world.b.events()[0].reminder, Reminder::Minutes(5));
    world.a.delete(&only(world.a.keys()));
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (1, 1), "taken back");
}

#[test]
fn a_first_sync_pairs_by_uid_and_by_content_and_doubles_nothing() {
    let world = World::new();
    world.a.add_series(Series::single(Uid::new("shared"), event("gleiche UID", 1)));
    world.b.add_series(Series::single(Uid::new("shared"), event("gleiche UID", 1)));
    world.a.add(event("gleicher Inhalt", 2));
    let mut theirs = event("gleicher Inhalt", 2);
    theirs.place = "Bonn".to_owned();
    world.b.add(theirs);
    for _ in 0..2 {
        world.a.add(event("zweimal", 3));
    }
    world.b.add(event("zweimal", 3));
    let report = world.sync();
    let paired = |likeness| {
        report
            .plan
            .steps
            .iter()
            .filter(|step| step.reason == Reason::SameAppointment(likeness) && step.action == Action::Pair)
            .count()
    };
    assert_eq!((paired(Likeness::Uid), paired(Likeness::Content)), (1, 1));
    assert_eq!(world.a.events(), world.b.events());
    assert_eq!(world.a.keys().len(), 5, "what is not unique is kept, not guessed: two of A, one of B");
    assert_eq!(
        world.a.events()[1].place,
        "Bonn",
        "what the leading side leaves blank is filled from the other"
    );
    world.settle();
}

#[test]
fn a_copy_that_carries_our_receipt_is_a_new_appointment() {
    let world = World::new();
    world.a.add(event("Original", 1));
    world.sync();
    let original = only(world.b.keys());
    let copy = world.b.copy(&original, "copied-uid");
    world.b.edit(&copy, |series| series.event.span = hour(2, 9));
    world.sync();
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.keys().len(), 2);
    world.b.delete(&copy);
    world.settle();
    assert_eq!(world.a.subjects(), ["Original"]);
}

#[test]
fn an_item_that_comes_back_under_another_key_keeps_its_link() {
    let world = World::new();
    let key = world.a.add(event("T", 1));
    world.sync();
    world.b.rename(&only(world.b.keys()));
    let report = world.sync();
    assert_eq!(report.writes(), 0);
    world.a.edit(&key, |series| series.event.place = "Ulm".to_owned());
    world.settle();
    world.assert_in_step();
}

#[test]
fn an_expired_token_lists_everything_again_and_proves_absence_item_by_item() {
    let world = World::new();
    for day in 1..10 {
        world.a.add(event(&format!("T{day}"), day));
    }
    world.sync();
    world.settle();
    let gone = world.b.keys()[4].clone();
    let changed = world.b.keys()[2].clone();
    world.b.delete(&gone);
    world.b.edit(&changed, |series| series.event.place = "Ulm".to_owned());
    world.b.expire_tokens();
    let report = world.sync();
    assert_eq!((report.sides.a.deleted, report.sides.a.updated, report.sides.b.created), (1, 1, 0));
    world.assert_in_step();
    world.settle();
}

#[test]
fn an_item_that_is_refused_is_set_aside_with_growing_delay_and_the_rest_goes_on() {
    let world = World::new();
    world.b.refuse_subject(Some("giftig"));
    world.a.add(event("giftig", 1));
    world.a.add(event("gut", 2));
    let report = world.sync();
    assert_eq!((report.sides.b.created, report.sides.b.failed, report.failing), (1, 1, 1));
    assert!(report.failures[0].why.contains("not with that subject"), "{}", report.failures[0].why);
    let mut tries = 1;
    for _ in 0..12 {
        tries += world.sync().sides.b.failed; // five minutes each
    }
    assert!((3..7).contains(&tries), "{tries} tries within an hour");
    world.b.refuse_subject(None);
    world.clock.pass(86_400);
    world.sync();
    world.assert_in_step();
}

#[test]
fn an_item_that_cannot_be_read_is_no_deletion_and_is_tried_again_later() {
    let world = World::new();
    let known = world.a.add(event("bekannt", 1));
    world.sync();
    let new = world.a.add(event("neu", 2));
    world.a.edit(&known, |series| series.event.place = "Ulm".to_owned());
    world.a.unreadable(&[&known, &new]);
    for _ in 0..12 {
        assert_eq!(world.sync().writes(), 0);
    }
    assert_eq!(world.sync().failing, 2);
    world.a.unreadable(&[]);
    world.clock.pass(86_400);
    world.sync();
    world.assert_in_step();
    assert_eq!(world.settle().failing, 0);
}

#[test]
fn a_lost_store_finds_everything_again() {
    let mut world = World::new();
    for day in 1..8 {
        world.a.add(event(&format!("T{day}"), day));
        world.b.add(event(&format!("U{day}"), day));
    }
    // Two that look the same can only be told apart by receipt.
    world.a.add(event("Doppel", 9));
    world.a.add(event("Doppel", 9));
    world.sync();
    world.settle();
    world.store = calsync_core::memory::MemoryStore::new();
    let report = world.sync();
    assert_eq!(report.writes(), 0, "{}", report.plan);
    world.assert_in_step();
    assert_eq!(world.a.keys().len(), 16);
}

#[test]
fn a_plan_says_what_a_round_does_and_touches_nothing() {
    let world = World::new();
    let key = world.a.add(event("T", 1));
    world.b.add(event("U", 2));
    let planned = world.plan();
    assert_eq!((world.a.writes(), world.b.writes()), (0, 0));
    assert_eq!(block_on(world.store.head(&world.pairing)).unwrap(), Head::default());
    assert_eq!(world.sync().plan, planned.plan);

    world.a.edit(&key, |series| series.event.place = "Ulm".to_owned());
    let planned = world.plan();
    assert_eq!(planned.plan.steps.len(), 1);
    assert_eq!(planned.plan.steps[0].paths, ["master.place"]);
    assert!(planned.plan.to_string().starts_with("update  B  link "), "{}", planned.plan);
    assert_eq!(world.sync().plan, planned.plan);
}

fn weekly() -> Series {
    let mut series = Series::single(Uid::new("serie"), event("Wochenrunde", 7));
    series.recurrence =
        Some(Recurrence { rule: "FREQ=WEEKLY;COUNT=6".parse().unwrap(), dates: BTreeSet::default() });
    series
}

fn on(day: u32) -> RecurrenceId {
    RecurrenceId::Local(NaiveDate::from_ymd_opt(2026, 12, day).unwrap().and_hms_opt(9, 0, 0).unwrap())
}

#[test]
fn a_series_stays_a_series_and_its_instances_are_merged_one_by_one() {
    let world = World::new();
    let key = world.a.add_series(weekly());
    world.sync();
    let theirs = only(world.b.keys());
    world.a.edit(&key, |series| {
        series.overrides.insert(on(14), Override::Cancelled);
        series.event.subject = "Wochenrunde Nord".to_owned();
    });
    world.b.edit(&theirs, |series| {
        let moved = Overlay { span: Some(hour(22, 10)), ..Overlay::default() };
        series.overrides.insert(on(21), Override::Changed(moved));
    });
    let report = world.sync();
    assert_eq!((report.conflicts, report.writes()), (0, 2));
    world.assert_in_step();
    assert_eq!(world.a.series(&key).overrides.len(), 2);

    world.a.edit(&key, |series| {
        series.overrides.insert(
            on(21),
            Override::Changed(Overlay {
                place: Some("Ulm".to_owned()),
                span: Some(hour(22, 10)),
                ..Overlay::default()
            }),
        );
    });
    world.b.edit(&theirs, |series| {
        series
            .overrides
            .insert(on(21), Override::Changed(Overlay { span: Some(hour(22, 12)), ..Overlay::default() }));
    });
    world.settle();
    world.assert_in_step();
    let Override::Changed(overlay) = &world.a.series(&key).overrides[&on(21)] else { panic!("cancelled") };
    assert_eq!((overlay.place.as_deref(), overlay.span.as_ref()), (Some("Ulm"), Some(&hour(22, 12))));
}

#[test]
fn a_series_that_was_made_only_in_part_is_completed() {
    let world = World::new();
    let key = world.a.add_series(weekly());
    world.a.edit(&key, |series| {
        series.overrides.insert(on(14), Override::Cancelled);
    });
    world.b.half_make();
    let report = world.sync_any();
    assert_eq!((report.sides.b.created, report.sides.b.failed), (0, 1));
    assert_eq!(world.b.keys().len(), 1, "it is there, without its exception");
    let report = world.sync();
    assert_eq!((report.sides.b.created, report.sides.b.updated), (1, 1));
    world.assert_in_step();
    world.settle();
}

#[test]
fn what_was_changed_in_an_item_that_was_made_only_in_part_is_a_change() {
    let world = World::new();
    let key = world.a.add_series(weekly());
    world.a.edit(&key, |series| {
        series.overrides.insert(on(14), Override::Cancelled);
    });
    world.b.half_make();
    world.sync_any();
    let moved = Override::Changed(Overlay { place: Some("Halle".to_owned()), ..Overlay::default() });
    world.b.edit(&only(world.b.keys()), |series| {
        series.event.place = "Ulm".to_owned();
        series.overrides.insert(on(21), moved.clone());
    });
    world.settle();
    world.assert_in_step();
    let series = world.a.series(&key);
    assert_eq!((series.event.place.as_str(), &series.overrides[&on(21)]), ("Ulm", &moved));
    assert_eq!(series.overrides[&on(14)], Override::Cancelled);
}

#[test]
fn an_edited_instance_beats_its_cancellation() {
    let world = World::new();
    let key = world.a.add_series(weekly());
    world.sync();
    world.a.edit(&key, |series| {
        series.overrides.insert(on(14), Override::Cancelled);
    });
    world.b.edit(&only(world.b.keys()), |series| {
        let changed =
            Overlay { categories: Some(Categories::from(["Wichtig".to_owned()])), ..Overlay::default() };
        series.overrides.insert(on(14), Override::Changed(changed));
    });
    let report = world.sync();
    assert_eq!(report.conflicts, 1);
    world.assert_in_step();
    assert!(matches!(world.a.series(&key).overrides[&on(14)], Override::Changed(_)));
}

#[test]
fn what_was_deleted_on_both_sides_does_not_come_back_from_an_old_copy() {
    let world = World::new();
    let key = world.a.add(event("alt", 1));
    world.sync();
    let old = world.b.series(&only(world.b.keys()));
    world.a.delete(&key);
    world.sync();
    world.clock.pass(86_400 * 400); // the fake servers' clocks stand before the deletion
    world.b.add_series(old);
    let planned = world.plan();
    assert_eq!(planned.plan.steps[0].action, Action::Hold, "{}", planned.plan);
    let report = world.sync();
    assert_eq!((report.held, report.writes()), (1, 0));
}

#[test]
fn pairings_do_not_see_each_other() {
    let mut world = World::new();
    world.a.add(event("T", 1));
    world.sync();
    let links = block_on(world.store.links(&world.pairing, None, 10)).unwrap();
    assert_eq!(links.len(), 1);
    world.pairing = PairingId::new("other");
    assert_eq!(block_on(world.store.links(&world.pairing, None, 10)).unwrap(), []);
}
