//! What people do: a small alphabet of deeds, each with a value that nobody else writes, and the book kept about them.

use std::collections::BTreeMap;

use calsync_core::ids::{Side, Uid};
use calsync_core::model::{Event, Overlay, Override, Recurrence, RecurrenceId, Sensitivity, Series, Span};
use calsync_core::zone::Zone;
use chrono::{Days, NaiveDate};
use serde::Serialize;

use super::calendar::{Shelf, Stored};

/// What a person does to the first appointment of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Act {
    /// Makes an appointment.
    New,
    /// Writes another subject.
    Subject,
    /// Writes another place.
    Place,
    /// Moves it, within the window.
    Move,
    /// Moves it out of the window.
    Far,
    /// Makes it private.
    Private,
    /// Makes it public.
    Public,
    /// Deletes it.
    Delete,
    /// Takes the last deleted one out of the bin. On A it is the same item; on B an old one under a new key.
    PutBack,
    /// Copies it, with all that is in it.
    Copy,
    /// Moves it out of the calendar and back, which gives it a new key.
    Rename,
    /// Cancels the second instance.
    CancelOne,
    /// Writes another subject into the second instance.
    EditOne,
}

impl Act {
    pub const ALL: [Act; 13] = [
        Act::New,
        Act::Subject,
        Act::Place,
        Act::Move,
        Act::Far,
        Act::Private,
        Act::Public,
        Act::Delete,
        Act::PutBack,
        Act::Copy,
        Act::Rename,
        Act::CancelOne,
        Act::EditOne,
    ];
}

/// What is to be seen of an appointment, by the name of the field.
pub type Look = BTreeMap<&'static str, String>;

/// What somebody did, and what that somebody saw.
#[derive(Debug, Clone, Serialize)]
pub struct Deed {
    pub side: Side,
    pub act: Act,
    /// Which appointment.
    pub name: String,
    /// Before; `None` where there was nothing.
    pub before: Option<Look>,
    /// After; `None` where nothing is left.
    pub after: Option<Look>,
    /// Both sides had been in step before, and the engine knew what was to be seen here.
    pub known: bool,
    /// What the other side showed.
    pub other: Option<Look>,
}

impl Deed {
    /// Whether something else was to be seen in that field afterwards.
    pub fn changed(&self, field: &str) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => before.get(field) != after.get(field),
            (_, _) => false,
        }
    }

    /// The value that this deed wrote, and where.
    pub fn wrote(&self) -> Option<(&'static str, &str)> {
        let field = match self.act {
            Act::Subject => "subject",
            Act::Place => "place",
            Act::Move | Act::Far => "time",
            Act::EditOne => "one",
            Act::New
            | Act::Private
            | Act::Public
            | Act::Delete
            | Act::PutBack
            | Act::Copy
            | Act::Rename
            | Act::CancelOne => return None,
        };
        self.after.as_ref()?.get(field).map(|value| (field, value.as_str()))
    }
}

/// An hour on a day counted from the first of December 2026.
pub fn hour(day: u64) -> Span {
    let date = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap().checked_add_days(Days::new(day)).unwrap();
    let at = |hour| date.and_hms_opt(hour, 0, 0).unwrap();
    Span::zoned(at(9), at(10), &Zone::new("Europe/Berlin").unwrap())
}

pub fn single(uid: &str, subject: &str, day: u64) -> Series {
    Series::single(Uid::new(uid), Event::new(subject, hour(day)))
}

pub fn weekly(uid: &str, subject: &str) -> Series {
    let rule = "FREQ=WEEKLY;COUNT=3".parse().unwrap();
    Series { recurrence: Some(Recurrence { rule, dates: [].into() }), ..single(uid, subject, 0) }
}

pub fn look(series: &Series) -> Look {
    let Event { subject, place, span, sensitivity, .. } = &series.event;
    let mut look = Look::from([
        ("subject", subject.clone()),
        ("place", place.clone()),
        ("time", span.start.local().to_string()),
        ("private", sensitivity.is_private().to_string()),
    ]);
    for over in series.overrides.values() {
        let text = match over {
            Override::Cancelled => "cancelled".to_owned(),
            Override::Changed(overlay) => overlay.subject.clone().unwrap_or_default(),
        };
        look.insert("one", text);
    }
    look
}

/// The appointment that an item is. Two that people made on both sides for the same thing are one.
pub fn name_of(series: &Series) -> String {
    series.uid.as_str().trim_end_matches(['<', '>']).to_owned()
}

/// The second instance, as the rule has it now.
fn second(series: &Series) -> RecurrenceId {
    let start = series.event.span.start.local().checked_add_days(Days::new(7)).unwrap();
    RecurrenceId::of(&series.event.span.start, start)
}

/// Carries out a deed, the `n`th of all, and says what is to be written into the book; `None` where it cannot be done.
pub fn carry_out(shelf: &mut Shelf, act: Act, n: usize) -> Option<Deed> {
    let side = shelf.side;
    let deed = |name: &str, before: Option<Look>, after: Option<Look>| {
        Some(Deed { side, act, name: name.to_owned(), before, after, known: false, other: None })
    };
    match act {
        Act::New => {
            let series = single(&format!("new{n}"), &format!("s{n}"), n as u64);
            let after = look(&series);
            let name = name_of(&series);
            shelf.insert(series, None);
            return deed(&name, None, Some(after));
        }
        Act::PutBack => {
            let (key, stored) = shelf.bin.take()?;
            let (name, after) = (name_of(&stored.series), look(&stored.series));
            if side == Side::A {
                let stored = Stored { revision: stored.revision + 1, modified: shelf.now, ..stored };
                shelf.put_back(&key, stored);
            } else {
                shelf.put_back(&key, stored);
                shelf.rename(&key);
            }
            return deed(&name, None, Some(after));
        }
        _ => {}
    }
    let (key, stored) =
        shelf.items.iter().find(|(_, stored)| !stored.series.uid.as_str().starts_with("copy"))?;
    let (key, series) = (key.clone(), stored.series.as_ref().clone());
    let (name, before) = (name_of(&series), look(&series));
    let private = series.event.sensitivity.is_private();
    let is_series = series.recurrence.is_some();
    match act {
        Act::New | Act::PutBack => return None,
        Act::Subject => shelf.change(&key, |series| series.event.subject = format!("s{n}")),
        Act::Place => shelf.change(&key, |series| series.event.place = format!("p{n}")),
        Act::Move | Act::Far => shelf.change(&key, |series| {
            series.event.span = hour(n as u64 + if act == Act::Far { 200 } else { 0 });
            // As Outlook does: a series that is moved forgets what was different about its instances.
            series.overrides.clear();
        }),
        Act::Private if !private => {
            shelf.change(&key, |series| series.event.sensitivity = Sensitivity::Private);
        }
        Act::Public if private => shelf.change(&key, |series| series.event.sensitivity = Sensitivity::Normal),
        Act::Private | Act::Public => return None,
        Act::Delete => {
            let stored = shelf.remove(&key);
            shelf.bin = Some((key, stored));
            return deed(&name, Some(before), None);
        }
        Act::Copy => {
            let receipt = stored_receipt(shelf, &key);
            let copy = Series { uid: Uid::new(format!("copy{n}")), ..series };
            shelf.insert(copy, receipt);
            return deed(&format!("copy{n}"), None, Some(before));
        }
        Act::Rename => {
            shelf.rename(&key);
            return deed(&name, Some(before.clone()), Some(before));
        }
        Act::CancelOne | Act::EditOne => {
            if !is_series || series.overrides.get(&second(&series)) == Some(&Override::Cancelled) {
                return None;
            }
            shelf.change(&key, |series| {
                let overlay = Overlay { subject: Some(format!("o{n}")), ..Overlay::default() };
                let over =
                    if act == Act::CancelOne { Override::Cancelled } else { Override::Changed(overlay) };
                series.overrides.insert(second(series), over);
            });
        }
    }
    let after = shelf.items.get(&key).map(|stored| look(&stored.series));
    deed(&name, Some(before), after)
}

fn stored_receipt(shelf: &Shelf, key: &str) -> Option<calsync_core::source::Receipt> {
    shelf.items.get(key)?.receipt.clone()
}
