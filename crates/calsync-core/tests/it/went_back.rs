//! A side, or the store, goes back in time: it is noticed before anything is written, and the right side wins.

use calsync_core::ids::{Side, Uid};
use calsync_core::link::Which;
use calsync_core::memory::MemoryStore;
use calsync_core::model::Series;
use calsync_core::source::{Mark, SourceErrorKind, WriteOp};
use calsync_core::sync::{Became, ConflictPolicy, Direction, Failure, Request, RoundReport, Settings};

use super::fake::{Backup, Cut, Fake, Lost, World, event, hour};

fn failed(report: &RoundReport) -> Option<(Side, &SourceErrorKind)> {
    match &report.failure {
        Some(Failure::Source { side, kind, .. }) => Some((*side, kind)),
        Some(Failure::WrongReply) | None => None,
    }
}

fn deletions(world: &World) -> usize {
    world.journal().iter().filter(|entry| matches!(entry.write.op, WriteOp::Delete { .. })).count()
}

fn theirs(fake: &Fake, subject: &str) -> String {
    fake.keys().into_iter().find(|key| fake.series(key).event.subject == subject).unwrap()
}

/// In step, then a backup of `side`, then a day of work that is in step too.
fn worked_on(side: Side) -> (World, Backup) {
    let world = World::new();
    for day in 1..9 {
        world.a.add(event(&format!("T{day}"), day));
    }
    world.settle();
    let backup = world.side(side).backup();
    let (a, b) = (&world.a, &world.b);
    a.edit(&theirs(a, "T1"), |series| series.event.place = "Ulm".to_owned());
    b.edit(&theirs(b, "T2"), |series| series.event.span = hour(2, 14));
    b.edit(&theirs(b, "T3"), |series| series.event.subject = "T3 neu".to_owned());
    a.delete(&theirs(a, "T4"));
    a.add(event("neu auf A", 20));
    b.add(event("neu auf B", 21));
    world.settle();
    world.assert_in_step();
    (world, backup)
}

#[test]
fn a_restored_side_is_noticed_and_nothing_is_written_until_a_person_chose() {
    for side in Side::BOTH {
        let (world, backup) = worked_on(side);
        world.side(side).restore(&backup);
        let before = (world.a.all(), world.b.all(), world.a.writes(), world.b.writes());
        for _ in 0..3 {
            let report = world.sync_any();
            assert_eq!(failed(&report), Some((side, &SourceErrorKind::WentBack)), "{side}");
            assert_eq!(report.went_back.unwrap().which, Which::Side(side));
        }
        let after = (world.a.all(), world.b.all(), world.a.writes(), world.b.writes());
        assert_eq!(before, after);
        let mut requests = Vec::new();
        world.sync_with(|_, request| requests.push(format!("{request:?}")));
        assert_eq!(
            requests,
            ["Head".to_owned(), format!("Mark({side})").replace(&side.to_string(), &format!("{side:?}"))]
        );
    }
}

#[test]
fn the_chosen_side_wins_and_nothing_is_deleted() {
    for side in Side::BOTH {
        let (world, backup) = worked_on(side);
        let expected = world.side(side.other()).all();
        world.side(side).restore(&backup);
        let (restored, deleted) = (world.side(side), deletions(&world));
        // Somebody works on the restored side before anybody notices.
        restored.edit(&theirs(restored, "T1"), |series| series.event.place = "nach dem Restore".to_owned());
        restored.add(event("nach dem Restore", 25));
        world.sync_any();

        let plan = world.plan_led(side.other());
        assert_eq!(plan.failure, None);
        let numbers: Vec<u64> =
            world.head().marks.known.iter().map(|(_, known)| known.shown.as_ref().unwrap().number).collect();
        world.lead(side.other());
        let report = world.sync();
        let planned: Vec<String> = plan.plan.steps.iter().map(ToString::to_string).collect();
        let done: Vec<String> = report.plan.steps.iter().map(ToString::to_string).collect();
        assert_eq!(planned, done, "the plan said what was done");
        assert!(done.iter().any(|step| step.contains("leads since")), "{done:#?}");
        world.settle();

        let mut now = world.side(side.other()).all();
        now.retain(|series| series.event.subject != "nach dem Restore" && series.event.subject != "T4");
        assert_eq!(now, expected, "{side} was restored");
        assert_eq!(deletions(&world), deleted, "nothing is deleted");
        let lost = world.journal().into_iter().filter_map(|entry| entry.before);
        let lost: Vec<String> = lost.map(|series| series.event.place).collect();
        assert!(lost.contains(&"nach dem Restore".to_owned()), "what lost is in the journal: {lost:?}");
        // What was deleted on both sides came back with the backup, and waits.
        assert_eq!(report.held, 1);
        assert_eq!(world.side(side.other()).subjects().iter().filter(|subject| *subject == "T4").count(), 0);
        for (_, known) in world.head().marks.known.iter() {
            assert!(known.shown.as_ref().unwrap().number > *numbers.iter().max().unwrap());
        }
        assert_eq!(world.sync().writes(), 0);
    }
}

#[test]
fn the_restored_side_may_lead_too() {
    let (world, backup) = worked_on(Side::B);
    world.b.restore(&backup);
    world.sync_any();
    world.lead(Side::B);
    world.settle();
    let place = |fake: &Fake| fake.series(&theirs(fake, "T1")).event.place;
    assert_eq!(
        (place(&world.a), place(&world.b)),
        (String::new(), String::new()),
        "what was cleared is cleared"
    );
    assert_eq!(world.a.series(&theirs(&world.a, "T2")).event.span, hour(2, 9));
    // What the backup does not have was made since, and stays.
    for subject in ["neu auf A", "neu auf B"] {
        assert!(world.b.subjects().contains(&subject.to_owned()), "{subject}");
    }
}

#[test]
fn a_side_that_shows_no_mark_is_not_restored_but_emptied() {
    let (world, _) = worked_on(Side::B);
    let (expected, deleted) = (world.a.all(), deletions(&world));
    world.b.empty();
    for _ in 0..2 {
        let report = world.sync_any();
        assert_eq!(failed(&report), Some((Side::B, &SourceErrorKind::Emptied)));
    }
    assert_eq!(world.a.all(), expected);
    world.lead(Side::A);
    world.settle();
    assert_eq!((world.a.all(), world.b.all()), (expected.clone(), expected));
    assert_eq!(deletions(&world), deleted);
}

#[test]
fn a_side_that_comes_up_empty_and_is_itself_again_needs_nobody() {
    let (world, _) = worked_on(Side::B);
    let (expected, deleted, now) = (world.a.all(), deletions(&world), world.b.backup());
    world.b.empty();
    assert_eq!(failed(&world.sync_any()), Some((Side::B, &SourceErrorKind::Emptied)));
    world.b.restore(&now);
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.all().len(), expected.len());
    assert_eq!(deletions(&world), deleted);
    assert_eq!(world.head().marks.went_back, None);
}

#[test]
fn a_calendar_of_another_installation_is_not_written() {
    let (world, _) = worked_on(Side::B);
    world.b.set_mark(Some(Mark { installation: "Produktion".to_owned(), number: 900 }));
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    let writes = world.b.writes();
    assert_eq!(failed(&world.sync_any()), Some((Side::B, &SourceErrorKind::Foreign)));
    assert_eq!(world.b.writes(), writes);
    world.lead(Side::A);
    world.settle();
    world.assert_in_step();
    let mark = world.b.mark().unwrap();
    assert!(mark.installation.is_empty() && mark.number > 900, "{mark:?}");

    // Also when nothing was ever in step.
    let world = World::new();
    world.a.add(event("Test", 1));
    world.b.set_mark(Some(Mark { installation: "Produktion".to_owned(), number: 3 }));
    assert_eq!(failed(&world.sync_any()), Some((Side::B, &SourceErrorKind::Foreign)));
    assert_eq!(world.b.keys().len(), 0);
}

#[test]
fn a_quiet_round_touches_no_mark() {
    let (world, _) = worked_on(Side::B);
    let mut asked = 0;
    let mut count =
        |_: usize, request: &Request| asked += usize::from(format!("{request:?}").contains("Mark"));
    world.sync_with(&mut count);
    assert_eq!(asked, 0);
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    let mut asked = 0;
    world.sync_with(|_, request| {
        asked += usize::from(matches!(request, Request::Mark(_) | Request::SetMark { .. }));
    });
    assert_eq!(asked, 4, "each side is asked once and told once");
}

#[test]
fn a_mark_whose_answer_was_lost_is_no_restore_whether_it_arrived_or_not() {
    for how in [Lost::Done, Lost::Late] {
        for side in Side::BOTH {
            let (world, _) = worked_on(side);
            world.side(side).lose_mark(how);
            let edit = |place: &str| {
                world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = place.to_owned());
            };
            edit("Bonn");
            world.sync();
            world.sync();
            edit("Köln");
            world.settle();
            if how == Lost::Late {
                world.side(side).arrive();
                edit("Trier");
                world.settle();
                let number = |side: Side| world.side(side).mark().unwrap().number;
                assert!(number(side) >= number(side.other()), "it was written over");
            }
            world.assert_in_step();
            assert_eq!(world.head().marks.went_back, None);
        }
    }
}

/// Both sides are edited alike: the marks are looked at, and nothing is written to an appointment.
fn edited_alike(world: &World, place: &str) {
    for fake in [&world.a, &world.b] {
        fake.edit(&theirs(fake, "T5"), |series| series.event.place = place.to_owned());
    }
}

fn number(fake: &Fake) -> u64 {
    fake.mark().unwrap().number
}

#[test]
fn a_mark_that_arrived_is_no_news_when_it_comes_back_from_a_backup() {
    let (world, _) = worked_on(Side::B);
    world.b.lose_mark(Lost::Done);
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    world.sync();
    let sent = number(&world.b);
    edited_alike(&world, "Trier");
    world.sync();
    assert_eq!(number(&world.b), sent, "it need not be written again");
    let backup = world.b.backup();
    world.a.edit(&theirs(&world.a, "T6"), |series| series.event.place = "Kiel".to_owned());
    world.settle();
    world.b.restore(&backup);
    assert_eq!(failed(&world.sync_any()), Some((Side::B, &SourceErrorKind::WentBack)));
}

#[test]
fn a_mark_that_arrives_over_a_newer_one_is_written_over_at_once() {
    let (world, _) = worked_on(Side::B);
    world.b.lose_mark(Lost::Late);
    for place in ["Bonn", "Köln"] {
        world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = place.to_owned());
        world.settle();
    }
    let newer = number(&world.b);
    world.b.arrive();
    assert!(number(&world.b) < newer);
    edited_alike(&world, "Trier");
    world.sync();
    assert!(number(&world.b) > newer);
    assert_eq!(world.sync_any().failure, None);
}

#[test]
fn a_mark_that_arrives_before_the_next_one_does_not_take_its_place() {
    let (world, _) = worked_on(Side::B);
    world.b.lose_mark(Lost::Late);
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    world.sync();
    let mut arrived = false;
    world.sync_with(|_, request| {
        if matches!(request, Request::SetMark { side: Side::B, .. }) && !arrived {
            arrived = true;
            world.b.arrive();
        }
    });
    assert!(arrived);
    let late = number(&world.b);
    world.sync();
    assert!(number(&world.b) > late, "the next one is written still");
    assert_eq!(world.head().marks.went_back, None);
}

#[test]
fn whoever_marks_a_calendar_in_the_same_moment_is_noticed_in_the_same_round() {
    let (world, _) = worked_on(Side::B);
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    let report = world.sync_with(|_, request| {
        if matches!(request, Request::SetMark { side: Side::B, .. }) {
            world.b.set_mark(Some(Mark { installation: "Produktion".to_owned(), number: 900 }));
        }
    });
    assert_eq!(failed(&report), Some((Side::B, &SourceErrorKind::Foreign)));
}

#[test]
fn a_calendar_whose_mark_is_newer_at_every_look_ends_the_round() {
    let (world, _) = worked_on(Side::B);
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    let mut looks = 0;
    let report = world.sync_with(|_, request| {
        if matches!(request, Request::Mark(Side::B)) {
            looks += 1;
            assert!(looks < 10, "it never ends");
            world.b.set_mark(Some(Mark { installation: String::new(), number: 900 + looks }));
        }
    });
    assert_eq!((looks, report.failure), (3, Some(Failure::WrongReply)));
    world.settle();
    world.assert_in_step();
}

#[test]
fn an_account_that_may_not_leave_marks_keeps_calendars_in_step_all_the_same() {
    let world = World::new();
    world.b.deny_marks(true);
    world.a.add(event("Termin", 1));
    let report = world.sync();
    assert!(report.unmarked.b.is_some() && report.unmarked.a.is_none());
    assert!(report.is_clean());
    assert!(world.head().marks.known.b.late.is_empty(), "what was refused will not arrive");
    world.settle();
    world.assert_in_step();
    assert_eq!(world.sync().unmarked.b, None, "a quiet round does not try");
}

#[test]
fn a_side_whose_mark_cannot_be_seen_is_written_only_where_that_will_never_be() {
    let (world, _) = worked_on(Side::B);
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    let writes = world.b.writes();
    world.b.hide_mark(Some(SourceErrorKind::Unavailable));
    assert_eq!(failed(&world.sync_any()), Some((Side::B, &SourceErrorKind::Unavailable)));
    assert_eq!(world.b.writes(), writes);
    world.b.hide_mark(Some(SourceErrorKind::Denied("the account may not look".to_owned())));
    let report = world.sync();
    assert!(report.unmarked.b.is_some_and(|why| why.contains("may not look")));
    world.settle();
    world.assert_in_step();
}

#[test]
fn a_side_that_asks_to_wait_when_it_is_given_its_mark_is_left_alone() {
    let (world, _) = worked_on(Side::B);
    let wait = SourceErrorKind::Throttled(std::time::Duration::from_secs(60));
    world.b.refuse_marks(Some(wait.clone()));
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    let mut last = String::new();
    let report = world.sync_with(|_, request| last = format!("{request:?}"));
    assert_eq!(failed(&report), Some((Side::B, &wait)));
    assert!(last.starts_with("SetMark"), "{last}");
    world.b.refuse_marks(None);
    world.settle();
    world.assert_in_step();
    assert!(world.b.mark().unwrap().number >= world.a.mark().unwrap().number);
}

#[test]
fn a_side_that_is_itself_again_is_read_anew_also_where_the_round_was_cut_off() {
    let (world, _) = worked_on(Side::B);
    let now = world.b.backup();
    world.b.empty();
    world.sync_any();
    world.b.restore(&now);
    world.sync_until(|request| matches!(request, Request::Changes(..)));
    let head = world.head();
    assert_eq!(head.marks.went_back.map(|went_back| went_back.which), Some(Which::Again(Side::B)));
    let mut anew = Vec::new();
    world.sync_with(|_, request| {
        if let Request::Changes(side, None) = request {
            anew.push(*side);
        }
    });
    assert_eq!(anew, [Side::B]);
}

#[test]
fn a_crash_at_every_request_of_the_round_in_which_a_side_leads_is_repaired() {
    let ready = |side: Side| {
        let (world, backup) = worked_on(side);
        world.side(side).restore(&backup);
        let restored = world.side(side);
        restored.edit(&theirs(restored, "T1"), |series| series.event.place = "später".to_owned());
        world.sync_any();
        world.lead(side.other());
        world
    };
    let mut cuts = 0;
    for side in Side::BOTH {
        let world = ready(side);
        world.settle();
        let expected = (world.a.all(), world.b.all());
        for cut in [Cut::Before as fn(usize) -> Cut, Cut::After] {
            for at in 0.. {
                let world = ready(side);
                let deleted = deletions(&world);
                if !world.sync_cut(cut(at)) {
                    break;
                }
                cuts += 1;
                world.settle();
                assert_eq!((world.a.all(), world.b.all()), expected, "{side} after {:?}", cut(at));
                assert_eq!(deletions(&world), deleted, "{side} after {:?}", cut(at));
            }
        }
    }
    assert!(cuts > 100, "only {cuts} cuts");
}

#[test]
fn what_cannot_be_read_when_a_side_leads_is_led_as_soon_as_it_can() {
    for (unreadable, cut) in Side::BOTH.into_iter().flat_map(|side| [false, true].map(|cut| (side, cut))) {
        let (world, backup) = worked_on(Side::B);
        world.b.restore(&backup);
        world.sync_any();
        let key = theirs(world.side(unreadable), "T1");
        world.side(unreadable).unreadable(&[&key]);
        world.lead(Side::A);
        world.sync();
        world.side(unreadable).unreadable(&[]);
        world.clock.pass(7 * 3600);
        if cut {
            world.sync_until(|request| matches!(request, Request::Journal(_)));
        }
        world.settle();
        let place = |fake: &Fake| fake.series(&theirs(fake, "T1")).event.place;
        assert_eq!(
            (place(&world.a).as_str(), place(&world.b).as_str()),
            ("Ulm", "Ulm"),
            "{unreadable}, {cut}"
        );
        assert!(world.head().marks.led.is_empty());
    }
}

#[test]
fn a_key_that_is_given_out_anew_after_a_restore_is_another_appointment() {
    for (side, from) in Side::BOTH.into_iter().flat_map(|side| Side::BOTH.map(|from| (side, from))) {
        let world = World::new();
        world.a.add(event("T1", 1));
        world.settle();
        let backup = world.side(side).backup();
        world.side(from).add(event("geht verloren", 2));
        world.settle();
        let key = theirs(world.side(side), "geht verloren");
        world.side(side).restore_and_count_anew(&backup);
        let another = Series::single(Uid::new("another"), event("ein anderer", 3));
        assert_eq!(world.side(side).add_series(another), key, "the same key");
        // It even has the revision of the other one; what gives occasion to look at the marks is another appointment.
        world.side(side.other()).add(event("Anlass", 4));
        world.sync_any();
        world.lead(side.other());
        world.settle();
        world.assert_in_step();
        let all = ["Anlass", "T1", "ein anderer", "geht verloren"];
        assert_eq!(world.a.subjects(), all, "{side} was restored, {from} had it first");
    }
}

#[test]
fn what_came_under_a_key_that_was_given_out_anew_keeps_its_counterpart_when_it_moves() {
    let world = World::new();
    world.a.add(event("T1", 1));
    world.settle();
    let backup = world.b.backup();
    world.a.add(event("geht verloren", 2));
    world.settle();
    let key = theirs(&world.b, "geht verloren");
    world.b.restore_and_count_anew(&backup);
    world.b.add(event("ein anderer", 3));
    world.a.add(event("Anlass", 4));
    world.sync_any();
    world.lead(Side::A);
    world.settle();
    world.b.rename(&key);
    world.settle();
    world.b.unbin(&key, Series::single(Uid::new("third"), event("ein dritter", 5)));
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.subjects(), ["Anlass", "T1", "ein anderer", "ein dritter", "geht verloren"]);
}

#[test]
fn a_choice_is_made_once() {
    let (world, backup) = worked_on(Side::B);
    world.b.restore(&backup);
    world.sync_any();
    world.lead(Side::A);
    let report = world.sync();
    assert_eq!(report.orders.iter().map(|order| order.became).collect::<Vec<_>>(), [Became::CarriedOut]);
    assert_eq!((world.sync().orders, world.head().orders), (vec![], vec![]));
}

#[test]
fn in_one_direction_nothing_is_written_against_it_whoever_leads() {
    for lead in Side::BOTH {
        let world = World {
            settings: Settings { direction: Direction::AToB, ..Settings::default() },
            ..World::new()
        };
        for day in 1..5 {
            world.a.add(event(&format!("T{day}"), day));
        }
        world.settle();
        let backup = world.a.backup();
        world.a.edit(&theirs(&world.a, "T1"), |series| series.event.place = "Ulm".to_owned());
        world.settle();
        world.a.restore(&backup);
        assert_eq!(failed(&world.sync_any()), Some((Side::A, &SourceErrorKind::WentBack)));
        let writes = world.a.writes();
        world.lead(lead);
        world.settle();
        assert_eq!(world.a.writes(), writes);
        let place = world.b.series(&theirs(&world.b, "T1")).event.place;
        assert_eq!(place, if lead == Side::A { "" } else { "Ulm" });
    }
}

/// Edits on both sides in turn, all carried, under a policy that would let the wrong side win.
fn store_of_yesterday(policy: ConflictPolicy) -> (World, MemoryStore) {
    let world = World { settings: Settings { conflict: policy, ..Settings::default() }, ..World::new() };
    for day in 1..7 {
        world.a.add(event(&format!("T{day}"), day));
    }
    world.settle();
    let yesterday = world.store_backup();
    for day in 1..7 {
        world.a.edit(&theirs(&world.a, &format!("T{day}")), |series| series.event.place = "Ulm".to_owned());
    }
    world.settle();
    (world, yesterday)
}

#[test]
fn an_older_store_is_noticed_and_receipts_say_who_changed_since() {
    for policy in [
        ConflictPolicy::Newer,
        ConflictPolicy::Hold,
        ConflictPolicy::Prefer(Side::A),
        ConflictPolicy::Prefer(Side::B),
    ] {
        let (mut world, yesterday) = store_of_yesterday(policy);
        world.b.edit(&theirs(&world.b, "T5"), |series| series.event.place = "Kiel".to_owned());
        world.settle();
        // Not carried yet when the store is put back.
        world.a.edit(&theirs(&world.a, "T1"), |series| series.event.place = "Ulm, Münster".to_owned());
        world.b.edit(&theirs(&world.b, "T2"), |series| series.event.place = "Ulm, Bahnhof".to_owned());
        world.a.edit(&theirs(&world.a, "T3"), |series| series.event.place = String::new());
        world.a.delete(&theirs(&world.a, "T4"));
        world.store = yesterday;
        let report = world.sync();
        assert_eq!(report.went_back.unwrap().which, Which::State, "{policy:?}");
        assert_eq!(report.held, 0, "{policy:?}: nothing is left to a person: {}", report.plan);
        assert_eq!(report.conflicts, 0, "{policy:?}: {}", report.plan);
        world.settle();
        world.assert_in_step();
        let places: Vec<String> = world.a.events().into_iter().map(|event| event.place).collect();
        assert_eq!(places, ["Ulm, Münster", "Ulm, Bahnhof", "", "Kiel", "Ulm"], "{policy:?}");
        assert_eq!(world.head().marks.went_back, None);
    }
}

#[test]
fn an_older_store_reads_both_sides_from_the_beginning() {
    let (mut world, yesterday) = store_of_yesterday(ConflictPolicy::Newer);
    world.a.add(event("Anlass", 9));
    world.store = yesterday;
    let mut anew = Vec::new();
    world.sync_with(|_, request| {
        if let Request::Changes(side, None) = request {
            anew.push(*side);
        }
    });
    assert_eq!(anew, Side::BOTH);
}

#[test]
fn write_numbers_go_on_above_those_in_the_items() {
    let (mut world, yesterday) = store_of_yesterday(ConflictPolicy::Newer);
    let numbers = |world: &World| -> Vec<u64> {
        world.journal().iter().map(|entry| entry.write.receipt.number).collect()
    };
    let highest = numbers(&world).into_iter().max().unwrap();
    world.store = yesterday;
    world.settle();
    let links = world.journal().len();
    world.a.edit(&theirs(&world.a, "T1"), |series| series.event.place = "Jena".to_owned());
    world.settle();
    let new: Vec<u64> = numbers(&world).into_iter().take(world.journal().len() - links).collect();
    assert!(new.iter().all(|number| *number > highest), "{new:?} after {highest}");
}

#[test]
fn a_crash_at_every_request_after_the_store_was_put_back_is_repaired() {
    let ready = || {
        let (mut world, yesterday) = store_of_yesterday(ConflictPolicy::Prefer(Side::B));
        world.a.edit(&theirs(&world.a, "T1"), |series| series.event.place = "Ulm, Münster".to_owned());
        world.b.edit(&theirs(&world.b, "T2"), |series| series.event.place = "Ulm, Bahnhof".to_owned());
        world.store = yesterday;
        world
    };
    let world = ready();
    world.settle();
    let expected = world.a.all();
    for cut in [Cut::Before as fn(usize) -> Cut, Cut::After] {
        for at in 0.. {
            let world = ready();
            if !world.sync_cut(cut(at)) {
                break;
            }
            world.settle();
            assert_eq!(
                (world.a.all(), world.b.all()),
                (expected.clone(), expected.clone()),
                "after {:?}",
                cut(at)
            );
        }
    }
}

#[test]
fn a_lost_store_doubles_and_deletes_nothing_and_no_old_value_wins() {
    for lead in Side::BOTH {
        let (mut world, _) = store_of_yesterday(ConflictPolicy::Newer);
        world.settings.lead = lead;
        let mark = world.a.mark().unwrap();
        world.a.edit(&theirs(&world.a, "T1"), |series| series.event.place = String::new());
        world.b.edit(&theirs(&world.b, "T2"), |series| series.event.place = "Ulm, Bahnhof".to_owned());
        world.b.edit(&theirs(&world.b, "T3"), |series| series.event.place = String::new());
        world.store = MemoryStore::new();
        world.settle();
        world.assert_in_step();
        assert_eq!(world.a.keys().len(), 6);
        let places: Vec<String> = world.a.events().into_iter().map(|event| event.place).collect();
        assert_eq!(places, ["", "Ulm, Bahnhof", "", "Ulm", "Ulm", "Ulm"], "{lead} leads");
        assert_eq!(deletions(&world), 0);
        assert!(world.a.mark().unwrap().number > mark.number);
    }
}

#[test]
fn a_calendar_whose_every_key_changed_is_the_same_calendar() {
    for side in Side::BOTH {
        let (world, _) = worked_on(side);
        let (writes, count) = (world.a.writes() + world.b.writes(), world.a.keys().len());
        for key in world.side(side).keys() {
            world.side(side).rename(&key);
        }
        world.side(side).expire_tokens();
        world.settle();
        assert_eq!(world.a.writes() + world.b.writes(), writes, "nothing has to be written");
        world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
        world.b.edit(&theirs(&world.b, "T6"), |series| series.event.place = "Mainz".to_owned());
        world.settle();
        world.assert_in_step();
        assert_eq!(world.a.keys().len(), count);
    }
}

#[test]
fn side_and_store_put_back_together_lose_nothing() {
    let world = World::new();
    for day in 1..6 {
        world.a.add(event(&format!("T{day}"), day));
    }
    world.settle();
    world.a.edit(&theirs(&world.a, "T5"), |series| series.event.place = "Bonn".to_owned());
    world.settle();
    let backup = world.b.backup();
    world.a.edit(&theirs(&world.a, "T1"), |series| series.event.place = "Ulm".to_owned());
    world.settle();
    let yesterday = world.store_backup();
    world.b.edit(&theirs(&world.b, "T2"), |series| series.event.place = "Kiel".to_owned());
    world.settle();
    let expected = world.a.all();
    let world = World { store: yesterday, ..world };
    world.b.restore(&backup);
    assert_eq!(failed(&world.sync_any()), Some((Side::B, &SourceErrorKind::WentBack)));
    world.lead(Side::A);
    world.settle();
    let looks = |all: &[calsync_core::model::Series]| -> Vec<String> {
        all.iter().map(|series| format!("{} {}", series.event.subject, series.event.place)).collect()
    };
    assert_eq!(looks(&world.a.all()), looks(&expected));
    assert_eq!(looks(&world.b.all()), looks(&expected));
    assert_eq!((world.a.all(), world.b.all()), (expected.clone(), expected));
}

#[test]
fn a_number_that_somebody_wrote_into_a_receipt_is_no_number_to_count_on_from() {
    let world = World::new();
    let key = world.a.add(event("T", 1));
    world.sync();
    let copy = world.b.keys().pop().unwrap();
    world.b.forge_number(&copy, u64::MAX);
    world.b.edit(&copy, |series| series.event.subject = "U".to_owned());
    world.settle();
    world.a.edit(&key, |series| series.event.subject = "V".to_owned());
    world.settle();
    assert_eq!(world.b.subjects(), ["V"]);
    assert!(world.journal().iter().all(|entry| entry.write.receipt.number < 10));
}
