//! Appointments for the tests of what is decided.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};

use crate::ids::{ItemKey, Revision, Uid};
use crate::link::{Half, Observation, Shadow, Sighting};
use crate::model::{Event, Overlay, Override, Recurrence, RecurrenceId, Sensitivity, Series, Span};
use crate::source::Access;

fn on(day: u32) -> Span {
    let day = NaiveDate::from_ymd_opt(2026, 12, day).unwrap();
    Span::days(day, day)
}

pub(super) fn once() -> Series {
    Series::single(Uid::new("u"), Event::new("Termin", on(1)))
}

pub(super) fn daily(times: u32) -> Series {
    let rule = format!("FREQ=DAILY;COUNT={times}").parse().unwrap();
    Series { recurrence: Some(Recurrence { rule, dates: BTreeSet::default() }), ..once() }
}

/// The instance so many days after the first.
pub(super) fn at(series: &Series, days: i64) -> RecurrenceId {
    let start = &series.event.span.start;
    RecurrenceId::of(start, start.local() + TimeDelta::days(days))
}

pub(super) fn with(series: &Series, days: i64, over: Override) -> Series {
    let mut with = series.clone();
    with.overrides.insert(at(series, days), over);
    with
}

pub(super) fn without(series: &Series, days: i64) -> Series {
    let mut without = series.clone();
    without.overrides.remove(&at(series, days));
    without
}

pub(super) fn place(place: &str) -> Override {
    Override::Changed(Overlay { place: Some(place.to_owned()), ..Overlay::default() })
}

pub(super) fn subject(subject: &str) -> Override {
    Override::Changed(Overlay { subject: Some(subject.to_owned()), ..Overlay::default() })
}

pub(super) fn says(place: &str, subject: &str) -> Override {
    let (subject, place) = (Some(subject.to_owned()), Some(place.to_owned()));
    Override::Changed(Overlay { subject, place, ..Overlay::default() })
}

/// As it is when only its master is moved: instances keep their names.
pub(super) fn moved(series: &Series, day: u32) -> Series {
    let mut moved = series.clone();
    moved.event.span = on(day);
    moved
}

pub(super) fn at_place(series: &Series, place: &str) -> Series {
    let mut there = series.clone();
    place.clone_into(&mut there.event.place);
    there
}

pub(super) fn private(mut series: Series) -> Series {
    series.event.sensitivity = Sensitivity::Private;
    series
}

/// As the other side is shown it when it is private.
pub(super) fn masked(mut series: Series) -> Series {
    "Privat".clone_into(&mut series.event.subject);
    series.event.place.clear();
    series
}

/// An item that was in step as `was`, and shows `now`.
pub(super) fn half(key: &str, was: &Series, now: &Series) -> Half {
    let revision = Revision::new("1");
    let sighting = Sighting {
        revision: revision.clone(),
        series: now.clone(),
        receipt: None,
        created: None,
        modified: None,
        access: Access::Full,
        put_back: false,
    };
    Half {
        shadow: Some(Shadow { revision, series: was.clone() }),
        seen: (was != now).then(|| Observation::Present(Box::new(sighting))),
        access: Access::Full,
        ..Half::unread(ItemKey::new(key))
    }
}
