//! What a side cannot hold, or not as one item, is said before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::Side;
use calsync_core::model::{Recurrence, RecurrenceId, Series};
use calsync_core::source::{Fit, Shape};
use calsync_core::sync::Action;

use super::fake::{World, event};

fn daily(subject: &str, rule: &str) -> Series {
    Series {
        uid: format!("uid-{subject}").as_str().into(),
        event: event(subject, 1),
        recurrence: Some(Recurrence { rule: rule.parse().unwrap(), dates: BTreeSet::new() }),
        overrides: BTreeMap::new(),
    }
}

/// Holds what repeats daily, splits what has a number, and refuses weeks of the year.
fn picky(series: &Series) -> Fit {
    match series.recurrence.as_ref().unwrap().rule.to_string() {
        rule if rule.contains("BYWEEKNO") => Fit::Refused("it counts weeks of the year".to_owned()),
        rule if rule.contains("COUNT") => Fit::Composed(vec![
            Shape::Split(2),
            Shape::Single {
                instance: RecurrenceId::from_text("2026-12-02T09:00:00").unwrap(),
                why: "its neighbour is in the way".to_owned(),
            },
        ]),
        _ => Fit::Whole,
    }
}

#[test]
fn a_plan_says_how_a_series_will_be_held() {
    let mut world = World::new();
    world.b.fit = Some(picky);
    world.a.add_series(daily("ganz", "FREQ=DAILY"));
    world.a.add_series(daily("geteilt", "FREQ=DAILY;COUNT=3"));
    let lines = world.plan().plan.to_string();
    assert!(lines.contains("new on A (as 2 series; 2026-12-02T09:00:00 as a single appointment"), "{lines}");
    assert_eq!(lines.matches('(').count(), 1, "{lines}");
    assert_eq!(world.sync().writes(), 2);
    world.assert_in_step();
}

#[test]
fn what_cannot_be_held_is_set_aside_and_the_rest_goes_on() {
    let mut world = World::new();
    world.b.fit = Some(picky);
    let unfit = world.a.add_series(daily("Wochen", "FREQ=YEARLY;BYWEEKNO=20"));
    world.a.add(event("Termin", 3));
    let planned = world.plan();
    let lines = planned.plan.to_string();
    assert!(lines.contains("leave   -"), "{lines}");
    assert!(lines.contains("new on A (cannot be held: it counts weeks of the year)"), "{lines}");
    assert_eq!(planned.planned_writes(), 1);

    let report = world.sync();
    assert_eq!((report.writes(), report.failing), (1, 1));
    assert!(report.failures.iter().any(|failure| failure.side == Side::B && failure.why.contains("weeks")));
    assert_eq!(world.b.subjects(), ["Termin"]);

    // A person makes it something that fits.
    world.a.edit(&unfit, |series| {
        series.recurrence.as_mut().unwrap().rule = "FREQ=DAILY".parse().unwrap();
    });
    let report = world.sync();
    assert_eq!((report.writes(), report.failing), (1, 0));
    world.assert_in_step();
}

#[test]
fn a_change_that_the_other_side_cannot_hold_leaves_it_as_it_was() {
    let mut world = World::new();
    world.b.fit = Some(picky);
    let key = world.a.add_series(daily("Serie", "FREQ=DAILY"));
    world.sync();
    world.sync();
    world.a.edit(&key, |series| {
        series.recurrence.as_mut().unwrap().rule = "FREQ=YEARLY;BYWEEKNO=20".parse().unwrap();
    });
    let report = world.sync();
    assert_eq!((report.writes(), report.failing), (0, 1));
    assert!(report.plan.steps.iter().all(|step| step.action == Action::Leave), "{}", report.plan);
    let there = world.b.keys().remove(0);
    assert_eq!(world.b.series(&there).recurrence.unwrap().rule.to_string(), "FREQ=DAILY");
}
