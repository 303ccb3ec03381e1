//! The words by which a value is known again: every value that a person writes has one that nobody else ever wrote.
//!
//! A subject holds `w17`, a time begins in a minute of the day that no other has, a reminder rings a number of minutes
//! before that is its own, a rule ends after so many times as no other. So what a side shows tells who wrote it.

use std::collections::BTreeSet;

use calsync_core::model::{Field, Overlay, Override, RecurrenceId, Reminder, Series, Span};
use calsync_core::recur::End;
use chrono::Timelike;

/// One value that a person wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    /// In a text: subject, place, notes, a category.
    Text(u32),
    /// The minute of the day at which it begins.
    Minute(u32),
    /// So many minutes before.
    Reminder(u32),
    /// So many times.
    Count(u32),
}

/// Where a value stands: in the master or in an instance, and in which field.
pub(crate) type Spot = (Option<RecurrenceId>, Field);

/// Names every word in a series, with the place where it stands.
pub(crate) fn words(series: &Series, with: &mut impl FnMut(Word, Spot)) {
    let event = &series.event;
    let mut at = |word, field| with(word, (None, field));
    minute(&event.span, &mut |word| at(word, Field::Span));
    text(&event.subject, &mut |word| at(word, Field::Subject));
    text(&event.place, &mut |word| at(word, Field::Place));
    text(&event.notes.text, &mut |word| at(word, Field::Notes));
    event.categories.iter().for_each(|name| text(name, &mut |word| at(word, Field::Categories)));
    if let Reminder::Minutes(minutes) = event.reminder {
        at(Word::Reminder(minutes), Field::Reminder);
    }
    if let Some(recurrence) = &series.recurrence
        && let End::Count(count) = recurrence.rule.end()
    {
        at(Word::Count(count.get()), Field::Span);
    }
    for (key, over) in &series.overrides {
        if let Override::Changed(overlay) = over {
            of_instance(overlay, &mut |word, field| with(word, (Some(*key), field)));
        }
    }
}

fn of_instance(overlay: &Overlay, with: &mut impl FnMut(Word, Field)) {
    if let Some(span) = &overlay.span {
        minute(span, &mut |word| with(word, Field::Span));
    }
    for (value, field) in [(&overlay.subject, Field::Subject), (&overlay.place, Field::Place)] {
        if let Some(value) = value {
            text(value, &mut |word| with(word, field));
        }
    }
    if let Some(notes) = &overlay.notes {
        text(&notes.text, &mut |word| with(word, Field::Notes));
    }
    for name in overlay.categories.iter().flatten() {
        text(name, &mut |word| with(word, Field::Categories));
    }
    if let Some(Reminder::Minutes(minutes)) = overlay.reminder {
        with(Word::Reminder(minutes), Field::Reminder);
    }
}

/// Every word of a series, once.
pub(crate) fn set_of(series: &Series) -> BTreeSet<Word> {
    let mut all = BTreeSet::new();
    words(series, &mut |word, _| {
        all.insert(word);
    });
    all
}

/// The minute by which an appointment is known as this one.
pub(crate) fn minute_of(series: &Series) -> Word {
    let start = series.event.span.start.local();
    Word::Minute(start.hour() * 60 + start.minute())
}

fn minute(span: &Span, with: &mut impl FnMut(Word)) {
    let start = span.start.local();
    with(Word::Minute(start.hour() * 60 + start.minute()));
}

/// The words in a text, whatever a server made of upper and lower case.
pub(crate) fn text(text: &str, with: &mut impl FnMut(Word)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) =
        bytes.get(at..).and_then(|rest| rest.iter().position(|b| matches!(b, b'w' | b'W')))
    {
        at += found + 1;
        let mut number = 0u32;
        let mut digits = 0;
        while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
            number = number.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
            at += 1;
            digits += 1;
        }
        if digits > 0 {
            with(Word::Text(number));
        }
    }
}
