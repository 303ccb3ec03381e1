//! Notes that are plain text on one side and HTML on the other.

use calsync_core::ids::{Side, Uid};
use calsync_core::model::{Notes, Overlay, Override, Recurrence, RecurrenceId, Series};
use calsync_core::sync::ConflictPolicy;

use crate::fake::{Fake, World, event};

const HTML: &str = "<p class=\"a\">Leiter <b>lang</b></p><p>Helm</p>";

/// NVS, side A, reads plain text; the appointment is from Exchange.
fn world() -> (World, String, String) {
    let mut world = World::new();
    world.settings.outward.b.plain_notes = true;
    world.settings.conflict = ConflictPolicy::Hold;
    let mut event = event("Termin", 1);
    event.notes = Notes::html(HTML);
    let b = world.b.add(event);
    world.settle();
    let a = world.a.keys().into_iter().next().unwrap();
    assert_eq!(notes(&world.a, &a), Notes::plain("Leiter lang\nHelm"));
    (world, a, b)
}

fn notes(fake: &Fake, key: &str) -> Notes {
    fake.series(key).event.notes
}

fn write(fake: &Fake, key: &str, notes: &Notes) {
    fake.edit(key, |series| series.event.notes = notes.clone());
}

fn writes(world: &World) -> u64 {
    world.a.writes() + world.b.writes()
}

#[test]
fn an_edit_of_plain_text_changes_only_these_words_of_the_html() {
    let (world, a, b) = world();
    write(&world.a, &a, &Notes::plain("Leiter kurz\nHelm & Seil\nHandschuhe"));
    world.settle();
    let merged = "<p class=\"a\">Leiter <b>kurz</b></p><p>Helm &amp; Seil</p><p>Handschuhe</p>";
    assert_eq!(notes(&world.b, &b), Notes::html(merged));
    let before = writes(&world);
    world.settle();
    assert_eq!(writes(&world), before, "and that is all");
    write(&world.a, &a, &Notes::default());
    world.settle();
    assert_eq!(notes(&world.b, &b), Notes::default());
}

#[test]
fn another_format_is_neither_written_nor_a_conflict() {
    let (world, a, b) = world();
    let before = world.a.writes();
    write(&world.b, &b, &Notes::html("<p class=\"a\"><i>Leiter</i> <b>lang</b></p><p>Helm</p>"));
    assert_eq!(world.settle().held, 0);
    assert_eq!(world.a.writes(), before);

    write(&world.b, &b, &Notes::html("<p class=\"a\"><u>Leiter</u> <b>lang</b></p><p>Helm</p>"));
    write(&world.a, &a, &Notes::plain("Leiter lang\nHelme"));
    assert_eq!(world.settle().held, 0);
    let both = "<p class=\"a\"><u>Leiter</u> <b>lang</b></p><p>Helme</p>";
    assert_eq!(notes(&world.b, &b), Notes::html(both));
    assert_eq!(notes(&world.a, &a), Notes::plain("Leiter lang\nHelme"));
}

#[test]
fn the_same_words_on_both_sides_are_no_conflict_and_others_are() {
    let (world, a, b) = world();
    write(&world.b, &b, &Notes::html("<div>neu</div>"));
    write(&world.a, &a, &Notes::plain("neu"));
    assert_eq!(world.settle().held, 0);
    assert_eq!(notes(&world.b, &b), Notes::html("<div>neu</div>"));

    write(&world.b, &b, &Notes::html("<div>dies</div>"));
    write(&world.a, &a, &Notes::plain("das"));
    assert_eq!(world.sync().held, 1);
}

#[test]
fn new_words_of_html_arrive_as_text() {
    let (world, a, b) = world();
    write(&world.b, &b, &Notes::html("<ul><li>Leiter</li><li>Helm</li></ul>"));
    world.settle();
    assert_eq!(notes(&world.a, &a), Notes::plain("- Leiter\n- Helm"));
}

#[test]
fn a_side_that_reads_html_gets_html() {
    let (mut world, a, b) = world();
    world.settings.outward.b.plain_notes = false;
    write(&world.b, &b, &Notes::html("<p>neu</p>"));
    world.settle();
    assert_eq!(notes(&world.a, &a), Notes::html("<p>neu</p>"));
}

#[test]
fn the_text_of_one_occurrence_is_merged_into_the_html_of_its_series() {
    let mut world = World::new();
    world.settings.outward.b.plain_notes = true;
    let mut master = event("Termin", 1);
    master.notes = Notes::html(HTML);
    let rule = "FREQ=DAILY;COUNT=5".parse().unwrap();
    let mut series = Series::single(Uid::new("u"), master);
    series.recurrence = Some(Recurrence { rule, dates: std::collections::BTreeSet::default() });
    let b = world.b.add_series(series);
    world.settle();
    let a = world.a.keys().into_iter().next().unwrap();
    let third = crate::fake::hour(3, 9).start;
    let key = RecurrenceId::of(&third, third.local());
    let shown = |fake: &Fake, id: &str| match fake.series(id).overrides.get(&key) {
        Some(Override::Changed(overlay)) => overlay.notes.clone(),
        _ => None,
    };
    for (text, html) in [
        ("Leiter kurz\nHelm", "<p class=\"a\">Leiter <b>kurz</b></p><p>Helm</p>"),
        ("Leiter kurz\nSeil", "<p class=\"a\">Leiter <b>kurz</b></p><p>Seil</p>"),
    ] {
        world.a.edit(&a, |series| {
            let overlay = Overlay { notes: Some(Notes::plain(text)), ..Overlay::default() };
            series.overrides.insert(key, Override::Changed(overlay));
        });
        world.settle();
        assert_eq!(shown(&world.b, &b), Some(Notes::html(html)));
        assert_eq!(notes(&world.b, &b), Notes::html(HTML));
    }
    let before = writes(&world);
    world.settle();
    assert_eq!(writes(&world), before);
}

#[test]
fn two_versions_of_one_appointment_that_read_the_same_are_in_step_at_first_sight() {
    for lead in [Side::A, Side::B] {
        let mut world = World::new();
        world.settings.outward.b.plain_notes = true;
        world.settings.lead = lead;
        let mut plain = event("Termin", 1);
        plain.notes = Notes::plain("Leiter lang\nHelm");
        let mut html = plain.clone();
        html.notes = Notes::html(HTML);
        let (a, b) = (world.a.add(plain.clone()), world.b.add(html.clone()));
        world.settle();
        assert_eq!((notes(&world.a, &a), notes(&world.b, &b)), (plain.notes, html.notes));
        assert_eq!(writes(&world), 0);
    }
}
