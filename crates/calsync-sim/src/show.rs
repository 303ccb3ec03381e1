//! What each side must show of the other: stated once more, simply, and without a line of the engine.

use calsync_core::ids::Side;
use calsync_core::model::{Event, Field, Override, Series};
use calsync_core::sync::{Filter, Private, Settings};
use chrono::{DateTime, TimeDelta, Utc};

use crate::options::{LEFT_OUT, Options};
use crate::words::{Word, words};

/// Whether an appointment of `from` is none that the other side is to have.
pub(crate) fn out_of_scope(settings: &Settings, from: Side, series: &Series, now: DateTime<Utc>) -> bool {
    let outward = settings.outward.get(from);
    if outward.private == Private::Skip && series.event.sensitivity.is_private() {
        return true;
    }
    if outward.filter != Filter::default() && series.event.categories.contains(LEFT_OUT) {
        return true;
    }
    let today = now.date_naive();
    let days = |days: u32| TimeDelta::days(i64::from(days));
    let starts = starts(series);
    let (Some(first), Some(last)) = (starts.iter().min(), starts.iter().max()) else { return false };
    settings.window.future_days.is_some_and(|ahead| *first > today + days(ahead))
        || settings.window.past_days.is_some_and(|back| *last < today - days(back))
}

/// The days on which it begins, the first and the last of them at least. All end on the day they begin.
fn starts(series: &Series) -> Vec<chrono::NaiveDate> {
    use calsync_core::recur::{End, Frequency};
    let start = series.event.span.start.local().date();
    let mut days = vec![start];
    if let Some(recurrence) = &series.recurrence
        && let End::Count(count) = recurrence.rule.end()
    {
        let step = if recurrence.rule.freq() == Frequency::Weekly { 7 } else { 1 };
        days.push(start + TimeDelta::days(step * i64::from(count.get() - 1)));
    }
    for over in series.overrides.values() {
        if let Override::Changed(overlay) = over
            && let Some(span) = &overlay.span
        {
            days.push(span.start.local().date());
        }
    }
    days
}

/// Whether two sides show the same appointment, as far as both can hold it.
pub(crate) fn same(options: &Options, a: &Series, b: &Series) -> Result<(), String> {
    let unheld =
        |field: Field| Side::BOTH.iter().any(|side| options.manners.get(*side).unheld.contains(&field));
    if a.recurrence != b.recurrence {
        return Err("recurrence".to_owned());
    }
    let same_event = |a: &Event, b: &Event| {
        same_event(a, b, &unheld)?;
        let [one_a, one_b] = [Side::A, Side::B].map(|side| options.manners.get(side).one_category);
        let same = a.categories == b.categories
            || one_a && a.categories.is_subset(&b.categories)
            || one_b && b.categories.is_subset(&a.categories);
        if same || unheld(Field::Categories) { Ok(()) } else { Err(Field::Categories.name().to_owned()) }
    };
    same_event(&a.event, &b.event)?;
    let keys = a.overrides.keys().chain(b.overrides.keys());
    for key in keys {
        let at = |series: &Series| match series.overrides.get(key) {
            Some(Override::Cancelled) => None,
            Some(Override::Changed(overlay)) => Some(series.event.with(overlay)),
            None => Some(series.event.clone()),
        };
        let moved = |series: &Series| match series.overrides.get(key) {
            Some(Override::Changed(overlay)) => overlay.span.clone(),
            _ => None,
        };
        match (at(a), at(b)) {
            (None, None) => {}
            (Some(mut mine), Some(mut theirs)) => {
                // Where neither was moved, both are where the rule says.
                let (to_a, to_b) = (moved(a), moved(b));
                match (to_a, to_b) {
                    (Some(_), Some(_)) => {}
                    (None, None) => mine.span.clone_from(&theirs.span),
                    _ => return Err(format!("instance {} was moved on one side", key.to_text())),
                }
                theirs.attachments.clone_from(&mine.attachments);
                mine.attachments.clone_from(&theirs.attachments);
                same_event(&mine, &theirs).map_err(|field| format!("instance {} {field}", key.to_text()))?;
            }
            _ => return Err(format!("instance {} is cancelled on one side", key.to_text())),
        }
    }
    Ok(())
}

fn same_event(a: &Event, b: &Event, unheld: &impl Fn(Field) -> bool) -> Result<(), String> {
    let differ = |field: Field, same: bool| {
        if same || unheld(field) { Ok(()) } else { Err(field.name().to_owned()) }
    };
    let minute = |event: &Event| {
        (
            event.span.start.local().format("%F %H:%M").to_string(),
            event.span.end.local().format("%F %H:%M").to_string(),
        )
    };
    differ(Field::Span, a.span == b.span || minute(a) == minute(b))?;
    differ(Field::Subject, a.subject == b.subject)?;
    differ(Field::Place, a.place == b.place || a.place.to_uppercase() == b.place.to_uppercase())?;
    differ(Field::Notes, a.notes.text == b.notes.text)?;
    differ(Field::Busy, a.busy == b.busy)?;
    differ(Field::Sensitivity, a.sensitivity == b.sensitivity)?;
    differ(Field::Reminder, a.reminder == b.reminder)
}

/// Whether `copy` shows the time of `original` and nothing else: no word that was written on the original's side
/// (`theirs_own` says which were written on the copy's).
pub(crate) fn is_masked(
    original: &Series,
    copy: &Series,
    theirs_own: impl Fn(Word) -> bool,
) -> Result<(), String> {
    let (mine, theirs) = (&original.event, &copy.event);
    let mut told = false;
    words(copy, &mut |word, _| told |= matches!(word, Word::Text(_)) && !theirs_own(word));
    if told {
        return Err("text behind the mask".to_owned());
    }
    if mine.span.start.local().format("%F %H:%M").to_string()
        != theirs.span.start.local().format("%F %H:%M").to_string()
    {
        return Err("time of a masked copy".to_owned());
    }
    if mine.busy != theirs.busy || mine.reminder != theirs.reminder {
        return Err("busy or reminder of a masked copy".to_owned());
    }
    Ok(())
}
