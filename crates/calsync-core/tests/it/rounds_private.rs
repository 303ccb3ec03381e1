//! Which side has the original of a private appointment, and what its copy is never asked.

use calsync_core::ids::Side;
use calsync_core::link::Answer;
use calsync_core::model::Sensitivity;
use calsync_core::sync::{Private, ReadOnlyEdit};

use super::rounds_world::{in_step, meanwhile, once, writes_to};

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
