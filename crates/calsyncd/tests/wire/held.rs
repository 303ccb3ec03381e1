//! What a person can enter on a side, and what of a series a person sees.

use calsync_core::model::{Event, Notes, Overlay, Override, Recurrence, Sensitivity, Series};
use calsync_testkit::whole::short_rule;

/// What of an event people of the world see and change.
fn seen(event: &Event) -> Event {
    let mut seen = Event::new(event.subject.clone(), event.span.clone());
    seen.place.clone_from(&event.place);
    seen.notes = Notes::plain(&event.notes.to_plain().text);
    seen.categories.clone_from(&event.categories);
    seen.busy = event.busy;
    seen.sensitivity =
        if event.sensitivity.is_private() { Sensitivity::Private } else { Sensitivity::Normal };
    seen.reminder = event.reminder;
    seen
}

/// What a person sees in a series, in whatever words a client or the engine says it. Its UID is nothing that is seen.
pub(crate) fn reading(series: &Series) -> Series {
    let event = seen(&series.event);
    let start = event.span.start.local();
    let short = |recurrence: &Recurrence| Recurrence {
        rule: short_rule(&recurrence.rule, start).unwrap_or_else(|| recurrence.rule.clone()),
        dates: recurrence.dates.clone(),
    };
    let overrides = series.overrides.iter().filter_map(|(key, over)| match over {
        Override::Cancelled => Some((*key, Override::Cancelled)),
        Override::Changed(overlay) => {
            let own = event.overlay(&seen(&event.with(overlay)));
            (!own.is_empty()).then_some((*key, Override::Changed(own)))
        }
    });
    Series {
        uid: calsync_core::ids::Uid::new(""),
        recurrence: series.recurrence.as_ref().map(short),
        overrides: overrides.collect(),
        event,
    }
}

/// A series as it can be entered: exceptions that differ, of occurrences that the rule has, each on its own day and so
/// that it crosses no neighbour. Exchange takes no others, and as several items they would be several appointments for
/// the oracles, which know nothing of parts.
pub(crate) fn enterable(mut series: Series) -> Series {
    let Some(recurrence) = series.recurrence.clone() else {
        series.overrides.clear();
        return series;
    };
    let master = series.event.clone();
    let start = &master.span.start;
    let overnight = master.span.end.local().date() != start.local().date();
    series.overrides.retain(|key, over| {
        let Override::Changed(overlay) = over else {
            return recurrence.rule.contains(start.local(), start.zone(), key.local());
        };
        if let Some(span) = &overlay.span
            && (overnight || span.end.local().date() != span.start.local().date())
        {
            overlay.span = None;
        }
        let differs = *overlay != Overlay::default() && master.with(overlay) != master;
        differs && recurrence.rule.contains(start.local(), start.zone(), key.local())
    });
    series
}
