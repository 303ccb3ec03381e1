//! What is carried at all, and how it is shown on the other side: filters, window, masks, templates, names of types,
//! meetings.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{Side, Uid};
use calsync_core::model::{
    Busy, Event, Meeting, Notes, Overlay, Override, Recurrence, RecurrenceId, Sensitivity, Series,
};
use calsync_core::sync::{
    Action, AllDay, CategoryNames, Direction, Filter, Leaving, Mask, MeetingRule, Outside, Pattern, Private,
    ReadOnlyEdit, Reason, Template, Window,
};

use crate::fake::{Cut, Fake, World, event, hour};

fn only(keys: Vec<String>) -> String {
    assert_eq!(keys.len(), 1);
    keys.into_iter().next().unwrap()
}

fn by_subject(fake: &Fake, subject: &str) -> String {
    only(fake.keys().into_iter().filter(|key| fake.series(key).event.subject == subject).collect())
}

fn put(series: &mut Series, category: &str) {
    series.event.categories.insert(category.to_owned());
}

fn take(series: &mut Series, category: &str) {
    series.event.categories.remove(category);
}

fn private(subject: &str, day: u32) -> calsync_core::model::Event {
    let mut event = event(subject, day);
    event.sensitivity = Sensitivity::Private;
    event.place = "Praxis".to_owned();
    event.notes = Notes::plain("nüchtern");
    event.customer = "K-1".to_owned();
    event.categories.insert("Arzt".to_owned());
    event
}

fn masking(from: Side) -> World {
    let mut world = World::new();
    world.settings.outward.get_mut(from).private = Private::Mask;
    world
}

/// Nothing of [`private`] is there but the time.
fn assert_masked(fake: &Fake, key: &str) {
    let shown = fake.series(key).event;
    assert_nothing_leaked(fake);
    assert_eq!((shown.subject.as_str(), shown.sensitivity), ("Privat", Sensitivity::Private));
}

fn assert_nothing_leaked(fake: &Fake) {
    let text = serde_json::to_string(&fake.all()).unwrap();
    for secret in ["Zahnarzt", "Praxis", "nüchtern", "K-1", "Arzt"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn what_a_filter_leaves_out_gets_no_counterpart_until_it_fits() {
    let mut world = World::new();
    world.settings.outward.a.filter =
        Filter { only_categories: BTreeSet::from(["Einsatz".to_owned()]), ..Filter::default() };
    let key = world.a.add(event("Urlaub", 1));
    let report = world.sync();
    assert_eq!(report.plan.steps[0].reason, Reason::OutOfScope(Side::A, Outside::Category));
    assert_eq!((world.b.keys().len(), report.held), (0, 0));
    assert!(world.sync().plan.steps.is_empty(), "it is said once");
    world.b.add(event("vom Handy", 2));
    world.sync();
    assert_eq!(world.a.keys().len(), 2, "the filter is about what leaves A");

    world.a.edit(&key, |series| put(series, "Einsatz"));
    world.settle();
    world.assert_in_step();
}

#[test]
fn a_counterpart_stays_in_step_when_its_original_leaves_the_filter() {
    let mut world = World::new();
    world.settings.outward.a.filter =
        Filter { except_subjects: vec![Pattern::new("privat*")], ..Filter::default() };
    let key = world.a.add(event("Termin", 1));
    world.sync();
    world.a.edit(&key, |series| series.event.subject = "Privates".to_owned());
    world.settle();
    world.assert_in_step();
    assert_eq!(world.b.subjects(), ["Privates"]);
}

#[test]
fn a_counterpart_that_shall_go_goes_and_comes_back_with_its_original() {
    for crashes in [false, true] {
        let mut world = World::new();
        world.settings.outward.a.filter = Filter { all_day: AllDay::Without, ..Filter::default() };
        world.settings.leaving = Leaving::Delete;
        let key = world.a.add(event("Termin", 1));
        world.a.add(event("bleibt", 2));
        world.sync();
        let span = world.a.series(&key).event.span;
        let day = span.start.local().date();
        world.a.edit(&key, |series| series.event.span = calsync_core::model::Span::days(day, day));
        if crashes {
            // Cut off after every request in turn: the original is never taken for deleted.
            for number in 0.. {
                if !world.sync_cut(Cut::After(number)) {
                    break;
                }
            }
        }
        world.settle();
        assert_eq!(world.b.subjects(), ["bleibt"]);
        assert_eq!(world.a.subjects().len(), 2, "the original is not touched");
        world.a.edit(&key, |series| series.event.span = span.clone());
        assert_eq!(world.settle().held, 0);
        world.assert_in_step();
    }
}

#[test]
fn counterparts_that_go_because_of_a_changed_filter_are_guarded_like_deletions() {
    let mut world = World::new();
    for day in 1..=20 {
        let key = world.a.add(event(&format!("T{day}"), day));
        if day > 2 {
            world.a.edit(&key, |series| put(series, "Urlaub"));
        }
    }
    world.settle();
    world.settings.leaving = Leaving::Delete;
    world.settings.outward.a.filter =
        Filter { except_categories: BTreeSet::from(["Urlaub".to_owned()]), ..Filter::default() };
    let plan = world.plan();
    assert_eq!(plan.plan.steps.len(), 18, "a preview shows what the new rule does");
    let report = world.sync();
    assert_eq!((report.held, report.writes()), (18, 0));
    assert_eq!(report.plan.steps[0].reason, Reason::TooManyDeletions(Side::A));
    world.settings.guard.percent = 100;
    world.settle();
    assert_eq!((world.a.keys().len(), world.b.keys().len()), (20, 2));

    world.settings.outward.a.filter = Filter::default();
    world.settle();
    world.assert_in_step();
}

#[test]
fn leaving_can_wait_for_a_person() {
    let mut world = World::new();
    world.settings.outward.a.filter =
        Filter { except_busy: BTreeSet::from([Busy::Free]), ..Filter::default() };
    world.settings.leaving = Leaving::Hold;
    let key = world.a.add(event("Termin", 1));
    world.sync();
    world.a.edit(&key, |series| series.event.busy = Busy::Free);
    let report = world.sync();
    assert_eq!((report.held, report.writes()), (1, 0));
    assert_eq!(report.plan.steps[0].reason, Reason::LeftScope(Side::A, Outside::Busy));
    world.settings.leaving = Leaving::Keep;
    world.settle();
    world.assert_in_step();
}

#[test]
fn time_brings_appointments_into_the_window() {
    let mut world = World::new();
    world.settings.window = Window { past_days: Some(7), future_days: Some(14) };
    world.a.add(event("nah", 1));
    world.a.add(event("fern", 20));
    world.b.add(event("fern vom Handy", 21));
    let report = world.sync();
    assert_eq!((world.b.keys().len(), world.a.keys().len()), (2, 2));
    assert!(report.plan.steps.iter().any(|step| step.reason == Reason::OutOfScope(Side::A, Outside::Future)));
    assert!(world.settle().plan.steps.is_empty());
    world.clock.pass(14 * 24 * 3600);
    world.settle();
    world.assert_in_step();
    assert_eq!(world.a.keys().len(), 3);
    world.clock.pass(60 * 24 * 3600);
    let report = world.settle();
    assert_eq!(report.linked, 3, "what is over stays in step");
    world.a.edit(&by_subject(&world.a, "nah"), |series| series.event.place = "x".to_owned());
    world.settle();
    world.assert_in_step();
}

#[test]
fn a_masked_copy_shows_nothing_but_the_time() {
    for from in Side::BOTH {
        let world = masking(from);
        let (original, copy) = (world.side(from), world.side(from.other()));
        let key = original.add(private("Zahnarzt", 1));
        world.sync();
        let theirs = only(copy.keys());
        assert_masked(copy, &theirs);
        original.edit(&key, |series| {
            series.event.subject = "Zahnarzt, schon wieder".to_owned();
            series.event.span = hour(1, 15);
        });
        assert_eq!(world.sync().sides.get(from.other()).updated, 1);
        assert_masked(copy, &theirs);
        assert_eq!(copy.series(&theirs).event.span, hour(1, 15));
        assert_eq!(original.series(&key).event.place, "Praxis");
        assert_eq!(world.settle().plan.steps.len(), 0);
    }
}

#[test]
fn editing_or_deleting_a_masked_copy_never_touches_the_original() {
    for edit in [ReadOnlyEdit::Revert, ReadOnlyEdit::Ignore, ReadOnlyEdit::Report] {
        for from in Side::BOTH {
            let mut world = masking(from);
            world.settings.read_only_edit = edit;
            // The other direction masks too: the copy, itself private, must not be taken for an original.
            world.settings.outward.get_mut(from.other()).private = Private::Mask;
            let (original, copy) = (world.side(from), world.side(from.other()));
            let key = original.add(private("Zahnarzt", 1));
            let before = original.series(&key);
            world.sync();
            let theirs = only(copy.keys());
            copy.edit(&theirs, |series| {
                series.event.subject = "Was?".to_owned();
                series.event.span = hour(2, 9);
                series.event.sensitivity = Sensitivity::Normal;
            });
            world.settle();
            assert_eq!(original.series(&key), before);
            if edit == ReadOnlyEdit::Revert {
                assert_masked(copy, &theirs);
            }
            copy.delete(&theirs);
            world.settle();
            assert_eq!(original.series(&key), before);
            if edit == ReadOnlyEdit::Revert {
                assert_masked(copy, &only(copy.keys()));
            }
            original.edit(&key, |series| series.event.place = "Praxis 2".to_owned());
            world.settle();
            assert_eq!(original.series(&key).event.place, "Praxis 2");
        }
    }
}

#[test]
fn an_original_that_is_deleted_takes_its_edited_copy_along() {
    for from in Side::BOTH {
        let world = masking(from);
        let (original, copy) = (world.side(from), world.side(from.other()));
        let key = original.add(private("Zahnarzt", 1));
        original.add(event("bleibt", 2));
        world.sync();
        copy.edit(&by_subject(copy, "Privat"), |series| series.event.place = "hier".to_owned());
        original.delete(&key);
        world.settle();
        assert_eq!(copy.subjects(), ["bleibt"]);
    }
}

#[test]
fn becoming_private_blanks_the_copy_and_becoming_public_fills_it_again() {
    for from in Side::BOTH {
        let world = masking(from);
        let (original, copy) = (world.side(from), world.side(from.other()));
        let key = original.add(private("Zahnarzt", 1));
        original.edit(&key, |series| series.event.sensitivity = Sensitivity::Normal);
        world.sync();
        world.assert_in_step();
        let theirs = only(copy.keys());
        original.edit(&key, |series| series.event.sensitivity = Sensitivity::Private);
        world.sync();
        assert_masked(copy, &theirs);
        assert_eq!(world.settle().writes(), 0);
        original.edit(&key, |series| series.event.sensitivity = Sensitivity::Normal);
        world.settle();
        world.assert_in_step();
        copy.edit(&theirs, |series| series.event.subject = "Kontrolle".to_owned());
        world.settle();
        world.assert_in_step();
    }
}

#[test]
fn a_private_occurrence_is_masked_in_a_series_that_is_not() {
    let world = masking(Side::A);
    let mut series = Series::single(Uid::new("u"), event("Besuch", 1));
    series.recurrence =
        Some(Recurrence { rule: "FREQ=DAILY;COUNT=5".parse().unwrap(), dates: BTreeSet::default() });
    let key = RecurrenceId::of(&series.event.span.start, hour(3, 9).start.local());
    let overlay = Overlay {
        subject: Some("Zahnarzt".to_owned()),
        place: Some("Praxis".to_owned()),
        sensitivity: Some(Sensitivity::Private),
        ..Overlay::default()
    };
    series.overrides.insert(key, Override::Changed(overlay));
    world.a.add_series(series);
    world.sync();
    let shown = world.b.series(&only(world.b.keys()));
    assert_eq!(shown.event.subject, "Besuch");
    let Some(Override::Changed(overlay)) = shown.overrides.get(&key) else { panic!("{shown:?}") };
    assert_eq!((overlay.subject.as_deref(), overlay.place.as_deref()), (Some("Privat"), None));
    assert_eq!(world.settle().writes(), 0);
}

#[test]
fn private_appointments_can_be_left_out() {
    let mut world = World::new();
    world.settings.outward.a.private = Private::Skip;
    let key = world.a.add(private("Zahnarzt", 1));
    let report = world.sync();
    assert_eq!(report.plan.steps[0].reason, Reason::OutOfScope(Side::A, Outside::Private));
    assert!(world.b.keys().is_empty());
    world.a.edit(&key, |series| series.event.sensitivity = Sensitivity::Normal);
    world.sync();
    let theirs = only(world.b.keys());
    assert_eq!(world.b.subjects(), ["Zahnarzt"]);
    world.a.edit(&key, |series| series.event.sensitivity = Sensitivity::Private);
    world.settle();
    assert_masked(&world.b, &theirs);
}

#[test]
fn a_new_rule_about_private_appointments_holds_for_old_ones_at_once() {
    for from in Side::BOTH {
        let mut world = World::new();
        let key = world.side(from).add(private("Zahnarzt", 1));
        world.sync();
        world.assert_in_step();
        world.settings.outward.get_mut(from).private = Private::Mask;
        let report = world.sync();
        assert_eq!(report.plan.steps[0].reason, Reason::RulesChanged);
        let copy = world.side(from.other());
        assert_masked(copy, &only(copy.keys()));
        assert_eq!(world.side(from).series(&key).event.subject, "Zahnarzt");
        world.settings.outward.get_mut(from).private = Private::Pass;
        world.settle();
        world.assert_in_step();
    }
}

#[test]
fn masks_survive_the_loss_of_our_memory() {
    for from in Side::BOTH {
        let mut world = masking(from);
        let key = world.side(from).add(private("Zahnarzt", 1));
        world.sync();
        world.store = calsync_core::memory::MemoryStore::new();
        world.settle();
        assert_eq!(world.side(from).series(&key).event.subject, "Zahnarzt");
        let copy = world.side(from.other());
        assert_masked(copy, &only(copy.keys()));
        copy.edit(&only(copy.keys()), |series| series.event.subject = "Was?".to_owned());
        world.settle();
        assert_eq!(world.side(from).series(&key).event.subject, "Zahnarzt");
    }
}

#[test]
fn cutting_rounds_anywhere_leaks_nothing_and_loses_nothing() {
    for cut in [Cut::Before, Cut::After] {
        for number in 0..60 {
            let mut world = masking(Side::A);
            world.settings.outward.a.subject = Some(Template::new("[{type}] {subject}, {place}").unwrap());
            let secret = world.a.add(private("Zahnarzt", 1));
            let mut visit = event("Besuch", 2);
            visit.place = "Köln".to_owned();
            visit.categories.insert("Einsatz".to_owned());
            let visit = world.a.add(visit);
            world.sync_cut(cut(number));
            assert_nothing_leaked(&world.b);
            world.a.edit(&secret, |series| series.event.place = "Praxis 2".to_owned());
            world.a.edit(&visit, |series| series.event.place = "Bonn".to_owned());
            world.sync_cut(cut(number));
            assert_nothing_leaked(&world.b);
            world.settle();
            let subjects = world.b.subjects();
            assert_eq!(subjects.len(), 2, "{cut:?}", cut = cut(number));
            assert!(subjects.contains(&"[Einsatz] Besuch, Bonn".to_owned()), "{subjects:?}");
            assert_masked(&world.b, &by_subject(&world.b, "Privat"));
            assert_eq!(world.a.series(&visit).event.subject, "Besuch");
            assert_eq!(world.a.series(&secret).event.subject, "Zahnarzt");
        }
    }
}

fn visit() -> calsync_core::model::Event {
    let mut visit = event("Leiter bringen", 1);
    visit.place = "Köln".to_owned();
    visit.customer = "Müller".to_owned();
    visit.categories.insert("Einsatz".to_owned());
    visit
}

#[test]
fn a_template_makes_the_text_and_what_is_typed_on_the_phone_is_read_back() {
    let mut world = World::new();
    world.settings.outward.a.subject = Some(Template::new("[{type}] {customer}: {subject}").unwrap());
    let key = world.a.add(visit());
    world.sync();
    assert_eq!(world.b.subjects(), ["[Einsatz] Müller: Leiter bringen"]);
    let theirs = only(world.b.keys());
    world.b.edit(&theirs, |series| series.event.subject = "[Einsatz] Müller: zwei Leitern".to_owned());
    world.settle();
    assert_eq!(world.a.series(&key).event.subject, "zwei Leitern");
    world.b.edit(&theirs, |series| series.event.customer = "Maier".to_owned());
    world.settle();
    assert_eq!(world.a.series(&key).event.customer, "Maier");
    assert_eq!(world.a.series(&key).event.subject, "zwei Leitern");
    assert_eq!(world.b.subjects(), ["[Einsatz] Maier: zwei Leitern"], "the text follows");
    world.b.edit(&theirs, |series| series.event.subject = "ganz anders".to_owned());
    world.settle();
    assert_eq!(world.a.series(&key).event.subject, "ganz anders");
    world.a.edit(&key, |series| series.event.customer = "Kunz".to_owned());
    world.settle();
    assert_eq!(world.b.subjects(), ["[Einsatz] Kunz: ganz anders"]);
}

#[test]
fn a_text_that_only_the_template_makes_is_taken_back_when_it_is_edited() {
    let mut world = World::new();
    world.settings.outward.a.subject = Some(Template::new("[{type}] {customer}, {place}").unwrap());
    let key = world.a.add(visit());
    world.sync();
    assert_eq!(world.b.subjects(), ["[Einsatz] Müller, Köln"]);
    let theirs = only(world.b.keys());
    world.b.edit(&theirs, |series| series.event.subject = "neu".to_owned());
    world.settle();
    assert_eq!(world.b.subjects(), ["[Einsatz] Müller, Köln"]);
    assert_eq!(world.a.series(&key).event.subject, "Leiter bringen");
    // Both at once: what A says stands, and no old text comes back.
    world.b.edit(&theirs, |series| series.event.subject = "neu".to_owned());
    world.a.edit(&key, |series| series.event.place = "Bonn".to_owned());
    world.settle();
    assert_eq!(world.b.subjects(), ["[Einsatz] Müller, Bonn"]);
}

#[test]
fn an_edit_that_is_taken_back_does_not_take_back_what_the_other_side_changed() {
    let mut world = World::new();
    world.settings.direction = Direction::AToB;
    let key = world.a.add(event("eins", 1));
    world.sync();
    world.b.edit(&only(world.b.keys()), |series| series.event.subject = "von B".to_owned());
    world.a.edit(&key, |series| series.event.subject = "zwei".to_owned());
    world.settle();
    assert_eq!(world.b.subjects(), ["zwei"]);
    world.assert_in_step();
}

#[test]
fn a_new_template_is_applied_to_what_is_there() {
    let mut world = World::new();
    world.a.add(visit());
    world.sync();
    world.settings.outward.a.subject = Some(Template::new("{place}: {subject}").unwrap());
    assert_eq!(world.plan().plan.steps[0].action, Action::Update(Side::B));
    world.settle();
    assert_eq!(world.b.subjects(), ["Köln: Leiter bringen"]);
    assert_eq!(world.a.subjects(), ["Leiter bringen"]);
}

#[test]
fn a_text_says_the_type_as_its_own_side_calls_it() {
    let mut world = World::new();
    world.settings.outward.a.subject = Some(Template::new("[{type}] {subject}").unwrap());
    let mut termin = event("Wartung", 1);
    termin.categories.insert("Einsatz".to_owned());
    world.a.add(termin.clone());
    world.settle();
    let names = BTreeMap::from([("Einsatz".to_owned(), "Außendienst".to_owned())]);
    world.settings.categories = CategoryNames::from(names);
    world.a.add(Event { span: hour(2, 9), ..termin });
    world.settle();
    assert_eq!(world.b.subjects(), ["[Einsatz] Wartung", "[Einsatz] Wartung"]);
    assert!(world.b.events().iter().all(|event| event.categories.contains("Außendienst")));
}

#[test]
fn types_have_another_name_on_the_other_side() {
    let mut world = World::new();
    world.settings.categories =
        CategoryNames::from(BTreeMap::from([("Einsatz".to_owned(), "Außendienst".to_owned())]));
    let key = world.a.add(visit());
    world.sync();
    let theirs = only(world.b.keys());
    let names =
        |fake: &Fake, key: &str| -> Vec<String> { fake.series(key).event.categories.into_iter().collect() };
    assert_eq!(names(&world.b, &theirs), ["Außendienst"]);
    world.b.edit(&theirs, |series| put(series, "Rot"));
    world.settle();
    assert_eq!(names(&world.a, &key), ["Einsatz", "Rot"]);
    world.a.edit(&key, |series| take(series, "Einsatz"));
    world.settle();
    assert_eq!(names(&world.b, &theirs), ["Rot"]);
    world.b.edit(&theirs, |series| put(series, "Außendienst"));
    world.settle();
    assert_eq!(names(&world.a, &key), ["Einsatz", "Rot"]);
}

#[test]
fn declined_meetings_take_no_time_and_can_be_left_out() {
    let mut world = World::new();
    world.a.unheld = &[calsync_core::model::Field::Meeting];
    let mut meeting = event("Besprechung", 1);
    meeting.meeting = Meeting::Accepted;
    let key = world.b.add(meeting);
    world.b.add(event("bleibt", 2));
    world.sync();
    let theirs = by_subject(&world.a, "Besprechung");
    assert_eq!(world.a.series(&theirs).event.busy, Busy::Busy);
    world.b.edit(&key, |series| series.event.meeting = Meeting::Declined);
    world.settle();
    assert_eq!(world.a.series(&theirs).event.busy, Busy::Free);
    world.settings.outward.b.meetings.declined = MeetingRule::Skip;
    world.settle();
    assert_eq!(world.a.subjects(), ["bleibt"]);
    assert_eq!(world.b.keys().len(), 2);
    world.b.edit(&key, |series| series.event.meeting = Meeting::Accepted);
    world.settle();
    assert_eq!(world.a.keys().len(), 2);
}

#[test]
fn a_cancelled_occurrence_of_a_meeting_can_be_left_out() {
    let mut world = World::new();
    world.a.unheld = &[calsync_core::model::Field::Meeting];
    world.settings.outward.b.meetings.cancelled = MeetingRule::Skip;
    let mut series = Series::single(Uid::new("u"), event("Runde", 1));
    series.event.meeting = Meeting::Accepted;
    series.recurrence =
        Some(Recurrence { rule: "FREQ=DAILY;COUNT=5".parse().unwrap(), dates: BTreeSet::default() });
    let third = RecurrenceId::of(&series.event.span.start, hour(3, 9).start.local());
    let key = world.b.add_series(series);
    world.sync();
    world.b.edit(&key, |series| {
        let overlay = Overlay { meeting: Some(Meeting::Cancelled), ..Overlay::default() };
        series.overrides.insert(third, Override::Changed(overlay));
    });
    world.settle();
    let shown = world.a.series(&only(world.a.keys()));
    assert_eq!(shown.overrides.get(&third), Some(&Override::Cancelled));
    assert!(matches!(world.b.series(&key).overrides.get(&third), Some(Override::Changed(_))));
}

#[test]
fn the_mask_is_called_what_the_settings_say() {
    let mut world = masking(Side::B);
    world.settings.outward.b.mask = Mask("Abwesend".to_owned());
    world.b.add(private("Zahnarzt", 1));
    world.sync();
    assert_eq!(world.a.subjects(), ["Abwesend"]);
}

#[test]
fn what_a_template_or_a_mask_made_before_us_is_known_by_its_text() {
    for template in ["[{type}] {customer}, {place}", "[{type}] {subject}"] {
        let mut world = World::new();
        world.settings.outward.a.subject = Some(Template::new(template).unwrap());
        world.settings.outward.a.private = Private::Mask;
        let visit = world.a.add(visit());
        let secret = world.a.add(private("Zahnarzt", 2));
        let shown = if template.contains("subject") {
            "[Einsatz] Leiter bringen"
        } else {
            "[Einsatz] Müller, Köln"
        };
        world.b.add(event(shown, 1));
        let mut mask = event("Privat", 2);
        mask.sensitivity = Sensitivity::Private;
        world.b.add(mask);
        // Something else at the same time.
        world.b.add(event("Telefon", 1));
        world.settle();
        assert_eq!((world.a.keys().len(), world.b.keys().len()), (3, 3), "nothing doubled");
        assert_eq!(world.a.series(&visit).event.subject, "Leiter bringen");
        assert_eq!(world.a.series(&secret).event.subject, "Zahnarzt");
        assert_masked(&world.b, &by_subject(&world.b, "Privat"));
    }
}

#[test]
fn copies_that_are_there_follow_a_rule_that_is_changed_or_taken_away() {
    let mut world = World::new();
    let mut job = event("Wartung", 1);
    job.place = "Ulm".to_owned();
    job.categories = ["Einsatz".to_owned()].into();
    job.notes = Notes::html("<html><body><p>Schlüssel beim <b>Hausmeister</b></p></body></html>");
    world.a.add(job);
    let mut dentist = event("Zahnarzt", 2);
    dentist.sensitivity = Sensitivity::Private;
    world.a.add(dentist);
    world.settings.outward.a.subject = Some(Template::new("{place}: {subject}").unwrap());
    world.settings.outward.a.private = Private::Mask;
    world.settings.outward.a.plain_notes = true;
    world.settings.categories = BTreeMap::from([("Einsatz".to_owned(), "Job".to_owned())]).into();
    world.settle();
    let there = |world: &World| world.b.events().into_iter().find(|event| event.place == "Ulm").unwrap();
    assert_eq!(there(&world).subject, "Ulm: Wartung");
    let before = world.a.all();

    world.settings.outward.a.subject = None;
    world.settle();
    assert_eq!(there(&world).subject, "Wartung", "the template is gone, and so is its text");
    world.settings.categories = BTreeMap::from([("Einsatz".to_owned(), "Auftrag".to_owned())]).into();
    world.settle();
    assert_eq!(there(&world).categories, ["Auftrag".to_owned()].into());
    world.settings.outward.a.plain_notes = false;
    world.settle();
    assert!(there(&world).notes.text.contains("<b>"), "the form is carried again");
    world.settings.outward.a.plain_notes = true;
    world.settle();
    assert!(!there(&world).notes.text.contains('<'), "and no longer");
    world.settings.outward.a.mask = Mask("Belegt".to_owned());
    world.settle();
    assert!(world.b.subjects().contains(&"Belegt".to_owned()), "{:?}", world.b.subjects());
    assert_eq!(world.a.all(), before, "nothing of it came back");
    assert_eq!(world.sync().plan.steps.len(), 0);
}

#[test]
fn a_rule_that_changes_while_rounds_are_cut_off_reaches_every_copy() {
    for cut in 0.. {
        let mut world = World::new();
        for day in 1..6 {
            let mut job = event(&format!("T{day}"), day);
            job.categories = ["Einsatz".to_owned()].into();
            world.a.add(job);
        }
        world.settle();
        world.settings.categories = BTreeMap::from([("Einsatz".to_owned(), "Job".to_owned())]).into();
        let at = if cut % 2 == 0 { Cut::Before(cut / 2) } else { Cut::After(cut / 2) };
        let cut_off = world.sync_cut(at);
        world.settle();
        let called = |events: Vec<calsync_core::model::Event>, name: &str| {
            events.iter().all(|event| event.categories.contains(name) && event.categories.len() == 1)
        };
        assert!(called(world.b.events(), "Job") && called(world.a.events(), "Einsatz"), "{at:?}");
        if !cut_off {
            break;
        }
    }
}
