//! A series in wall-clock time: slots, exceptions, and what Exchange refuses.
//!
//! In: a master and a day; out: the instants of that occurrence, or the refusal with the server's own code. All steps are
//! taken in the wall clock of the series' zone and turned into instants last, so that an occurrence keeps its hour over
//! daylight saving changes.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span, Timestamp};

use super::faults::Refusal;
use super::item::{Exception, Item, Series, View};
use super::recurrence::{DaySet, End, Pattern, Recurrence, days_between, last_end_date};
use super::time::{civil, utc};

/// Longest appointment: five years.
const LONGEST_DAYS: i64 = 5 * 366;

impl Item {
    /// Wall clock of the master's start in its zone; midnight of whole days, also where the clocks skip it.
    pub(crate) fn civil_start(&self) -> DateTime {
        self.when.reading(self.when.start)
    }

    /// Length of an occurrence in wall-clock time.
    fn civil_length(&self) -> SignedDuration {
        self.civil_start().duration_until(self.when.reading(self.when.end))
    }

    /// Start and end of the occurrence on that day as the pattern has it.
    pub(crate) fn slot(&self, day: Date) -> (Timestamp, Timestamp) {
        let start = day.to_datetime(self.civil_start().time());
        let end = start.saturating_add(self.civil_length());
        let start = self.when.zone.instant(start);
        // Where the clocks skip the start, it is later than it says, and may be later than the end.
        (start, self.when.zone.instant(end).max(start))
    }

    /// Day of the `index`-th occurrence.
    pub(crate) fn day_of_index(&self, index: usize) -> Result<Date, Refusal> {
        let series = self.series.as_ref().ok_or_else(Refusal::not_a_master)?;
        let day = series.recurrence.nth(index).ok_or_else(|| {
            Refusal::new(
                "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange",
                "Occurrence index is out of recurrence range.",
            )
        })?;
        self.standing(day)?;
        Ok(day)
    }

    /// Refuses days that are not, or no longer, in the series.
    pub(crate) fn standing(&self, day: Date) -> Result<(), Refusal> {
        let series = self.series.as_ref().ok_or_else(Refusal::not_a_master)?;
        if series.deleted.contains(&day) {
            return Err(Refusal::new(
                "ErrorCalendarOccurrenceIsDeletedFromRecurrence",
                "Occurrence with this index was previously deleted from the recurrence.",
            ));
        }
        if series.exceptions.contains_key(&day) || series.recurrence.falls_on(day) {
            return Ok(());
        }
        Err(Refusal::new("ErrorItemNotFound", "The specified object was not found in the store."))
    }

    /// Days of all occurrences that still stand, by original start, from `from` on.
    pub(crate) fn standing_days(&self, from: Date) -> impl Iterator<Item = Date> + '_ {
        self.series.iter().flat_map(move |s| s.recurrence.dates_from(from).filter(|d| !s.deleted.contains(d)))
    }

    /// Views of the single item or of every occurrence that touches `[from, to)`.
    pub(crate) fn expand(&self, from: Timestamp, to: Timestamp) -> Vec<View<'_>> {
        let touches = |v: &View<'_>| {
            let (start, end) = v.span();
            start < to && (end > from || (start == end && start >= from))
        };
        let Some(series) = &self.series else {
            return [View::of(self)].into_iter().filter(touches).collect();
        };
        let reach = Span::new().days(self.civil_length().as_hours() / 24 + 2);
        let first = civil(from, &self.when.zone).date().checked_sub(reach).unwrap_or(Date::MIN);
        let last = civil(to, &self.when.zone).date().checked_add(Span::new().days(1)).unwrap_or(Date::MAX);
        let mut views: Vec<View<'_>> = self
            .standing_days(first)
            .take_while(|day| *day <= last)
            .filter(|day| !series.exceptions.contains_key(day))
            .chain(series.exceptions.keys().copied())
            .map(|day| View { item: self, occurrence: Some(day) })
            .filter(touches)
            .collect();
        views.sort_by_key(View::span);
        views
    }

    /// Deletes one occurrence; an exception of it goes with it.
    pub(crate) fn delete_occurrence(&mut self, day: Date) -> Result<(), Refusal> {
        self.standing(day)?;
        let others = self.standing_days(Date::MIN).any(|d| d != day);
        if !others {
            return Err(Refusal::new(
                "ErrorRecurrenceHasNoOccurrence",
                "The recurrence has no occurrence instances in the specified range.",
            ));
        }
        if let Some(series) = &mut self.series {
            series.exceptions.remove(&day);
            series.deleted.insert(day);
        }
        Ok(())
    }

    /// Checks a new span of one occurrence against its neighbours: their days and their times stay free.
    pub(crate) fn check_boundaries(
        &self,
        day: Date,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<(), Refusal> {
        let zone = &self.when.zone;
        let new_first = civil(start, zone).date();
        let before = self.neighbour_before(day);
        let after = self.standing_days(day).find(|d| *d != day);
        for (neighbour, earlier) in [(before, true), (after, false)] {
            let Some(neighbour) = neighbour else { continue };
            let view = View { item: self, occurrence: Some(neighbour) };
            let (other_start, other_end) = view.span();
            let other_first = civil(other_start, zone).date();
            let free = if earlier {
                start >= other_end && new_first > other_first
            } else {
                end <= other_start && new_first < other_first
            };
            if !free {
                let original = self.slot(day).0;
                return Err(Refusal::new(
                    "ErrorOccurrenceCrossingBoundary",
                    "Modified occurrence is crossing or overlapping adjacent occurrence.",
                )
                .with("AdjacentOccurrenceOriginalStartTime", utc(self.slot(neighbour).0))
                .with("AdjacentOccurrenceStartTime", utc(other_start))
                .with("AdjacentOccurrenceEndTime", utc(other_end))
                .with("ModifiedOccurrenceOriginalStartTime", utc(original))
                .with("ModifiedOccurrenceStartTime", utc(start))
                .with("ModifiedOccurrenceEndTime", utc(end)));
            }
        }
        Ok(())
    }

    fn neighbour_before(&self, day: Date) -> Option<Date> {
        let series = self.series.as_ref()?;
        series.recurrence.dates().take_while(|d| *d < day).filter(|d| !series.deleted.contains(d)).last()
    }

    /// Writes an exception's record and returns it for changes.
    pub(crate) fn exception_mut(&mut self, day: Date) -> Option<&mut Exception> {
        Some(self.series.as_mut()?.exceptions.entry(day).or_default())
    }
}

impl Series {
    /// A series without exceptions.
    pub(crate) fn new(recurrence: Recurrence) -> Self {
        Self {
            recurrence,
            exceptions: std::collections::BTreeMap::new(),
            deleted: std::collections::BTreeSet::new(),
        }
    }
}

/// Checks what holds for every item: order of the ends and length.
pub(crate) fn check_span(start: Timestamp, end: Timestamp) -> Result<(), Refusal> {
    if end < start {
        return Err(Refusal::new(
            "ErrorCalendarEndDateIsEarlierThanStartDate",
            "EndDate is earlier than StartDate",
        ));
    }
    if start.duration_until(end).as_hours() / 24 > LONGEST_DAYS {
        return Err(Refusal::new(
            "ErrorCalendarDurationIsTooLong",
            "The duration of a calendar item is too long.",
        ));
    }
    Ok(())
}

/// Checks a recurrence against Exchange's bounds and against the length of an occurrence.
pub(crate) fn check_recurrence(
    recurrence: &Recurrence,
    start: DateTime,
    end: DateTime,
) -> Result<(), Refusal> {
    let invalid = || Refusal::new("ErrorCalendarInvalidRecurrence", "The recurrence is invalid.");
    let interval_ok = |interval: &i32, most: i32| (1..=most).contains(interval);
    let pattern_ok = match &recurrence.pattern {
        Pattern::Daily { interval } => interval_ok(interval, 999),
        Pattern::Weekly { interval, days, .. } => interval_ok(interval, 99) && !days.is_empty(),
        Pattern::AbsoluteMonthly { interval, day } => interval_ok(interval, 99) && (1..=31).contains(day),
        Pattern::RelativeMonthly { interval, .. } => interval_ok(interval, 99),
        Pattern::AbsoluteYearly { day, .. } => (1..=31).contains(day),
        Pattern::RelativeYearly { .. } => true,
    };
    if !pattern_ok {
        return Err(invalid());
    }
    match recurrence.end {
        End::Count(n) if !(1..=999).contains(&n) => return Err(invalid()),
        End::Day(day) if day > last_end_date() => {
            return Err(Refusal::new(
                "ErrorRecurrenceEndDateTooBig",
                "The end date of the recurrence is too big.",
            ));
        }
        End::Day(day) if day < recurrence.start => {
            return Err(Refusal::new(
                "ErrorCalendarEndDateIsEarlierThanStartDate",
                "EndDate is earlier than StartDate",
            ));
        }
        End::Day(_) | End::Never | End::Count(_) => {}
    }
    if recurrence.first().is_none() {
        return Err(Refusal::new(
            "ErrorRecurrenceHasNoOccurrence",
            "The recurrence has no occurrence instances in the specified range.",
        ));
    }
    let length = start.duration_until(end);
    if length > SignedDuration::from_hours(24 * i64::from(closest_days(recurrence))) {
        return Err(Refusal::new("ErrorOccurrenceTimeSpanTooBig", "Occurrence time span is too big."));
    }
    Ok(())
}

/// Fewest days between two occurrences. Two years of dates show every rhythm's closest pair.
fn closest_days(recurrence: &Recurrence) -> i32 {
    let dates: Vec<Date> = recurrence.dates().take(60).collect();
    let seen = dates.windows(2).filter_map(|pair| Some(days_between(*pair.first()?, *pair.last()?))).min();
    let unbounded = match &recurrence.pattern {
        Pattern::Daily { interval } => *interval,
        Pattern::Weekly { interval, .. } => interval * 7,
        Pattern::AbsoluteMonthly { interval, .. }
        | Pattern::RelativeMonthly { interval, days: DaySet::One(_), .. } => interval * 28,
        Pattern::RelativeMonthly { interval, .. } => interval * 26,
        Pattern::AbsoluteYearly { .. } | Pattern::RelativeYearly { .. } => 357,
    };
    seen.unwrap_or(unbounded)
}
