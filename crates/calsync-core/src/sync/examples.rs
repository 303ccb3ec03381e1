//! Appointments for the tests of what is decided.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta};

use super::decide::Context;
use super::settings::{ClockOffsets, Settings};
use super::settle::Setting;
use super::view::Private;
use crate::ids::{CreateToken, ItemKey, PairingId, PerSide, Revision, Uid};
use crate::link::{Half, Observation, Shadow, Sighting};
use crate::model::{Event, Field, Overlay, Override, Recurrence, RecurrenceId, Sensitivity, Series, Span};
use crate::source::{Access, Receipt};

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

/// Under another name.
pub(super) fn called(uid: &str, series: Series) -> Series {
    Series { uid: Uid::new(uid), ..series }
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

/// What the engine leaves in an item as which it writes `written`, kept in step with an item that looks like `theirs`.
pub(super) fn left(number: u64, theirs: &Series, written: &Series) -> Receipt {
    Receipt {
        token: CreateToken::from_wire("t"),
        counterpart: ItemKey::new("under another key"),
        counterpart_uid: Some(theirs.uid.clone()),
        own_uid: None,
        masked: false,
        number,
        content: written.content_hash(),
    }
}

/// The item, seen with this receipt in it.
pub(super) fn shows(mut half: Half, receipt: &Receipt) -> Half {
    half.seen = half.sighted_anew().map(|sighting| {
        Observation::Present(Box::new(Sighting { receipt: Some(receipt.clone()), ..sighting }))
    });
    half
}

/// Of a pairing on whose side B these fields are not held.
pub(super) fn setting<'a>(
    pairing: &'a PairingId,
    settings: &'a Settings,
    unheld_by_b: &'a [Field],
) -> Setting<'a> {
    Setting {
        pairing,
        settings,
        listings: PerSide::default(),
        unheld: PerSide { a: &[], b: unheld_by_b },
        now: DateTime::UNIX_EPOCH,
    }
}

/// What becomes of private appointments of A.
pub(super) fn hides(private: Private) -> Settings {
    let mut settings = Settings::default();
    settings.outward.a.private = private;
    settings
}

/// Of a decision on which nothing bears but the settings: both sides hold all fields, and nothing waits.
pub(super) fn context<'a>(pairing: &'a PairingId, settings: &'a Settings) -> Context<'a> {
    Context {
        pairing,
        settings,
        before: None,
        now: DateTime::UNIX_EPOCH,
        offsets: ClockOffsets::default(),
        hold_deletions: PerSide::default(),
        hold_changes: PerSide::default(),
        marks: PerSide::default(),
        unheld: PerSide { a: &[], b: &[] },
        kept_uid: PerSide { a: 255, b: 255 },
        suspicion: None,
        likeness: None,
        leads: None,
    }
}
