//! Whole appointments: what a program beside ours carries that knows all of one at once, such as a phone or an import of
//! files, and what a simulation needs to act as people and to see what stands there.
//!
//! As everywhere in the mocks no client takes part: the series of the model is only the form in which an appointment is
//! handed over, and each mock reads and writes it in its own terms. Only what people of the simulated world do is understood:
//! times in one zone, plain notes, daily and weekly rules with an end by count or without one.

use calsync_core::model::{Event, Override, RecurrenceId, Series, Span};
use calsync_core::recur::{End, Rule};
use calsync_core::zone::Zone;
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc, Weekday};

/// The zone of everything.
pub const HOME: &str = "Europe/Berlin";

/// An appointment that stands in a calendar or lies in the bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// Everything it says.
    pub series: Series,
    /// Whether somebody else organises it.
    pub received: bool,
}

pub(crate) fn home() -> Option<Zone> {
    static ZONE: std::sync::LazyLock<Option<Zone>> = std::sync::LazyLock::new(|| Zone::new(HOME).ok());
    ZONE.clone()
}

/// A span as the clock at home shows it.
pub(crate) fn span(start: DateTime<Utc>, end: DateTime<Utc>) -> Option<Span> {
    let zone = home()?;
    Some(Span::zoned(zone.to_local(start), zone.to_local(end), &zone))
}

/// A rule as short as it can be said for a series that starts then.
pub fn short_rule(rule: &Rule, start: NaiveDateTime) -> Option<Rule> {
    let own = day(start.weekday());
    let text = rule.to_string();
    let says_something = |part: &&str| {
        let own_day = part.strip_prefix("BYDAY=").is_some_and(|days| days == own);
        !own_day && !part.starts_with("WKST=") && *part != "INTERVAL=1"
    };
    let parts: Vec<&str> = text.split(';').filter(says_something).collect();
    parts.join(";").parse().ok()
}

pub(crate) fn day(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "MO",
        Weekday::Tue => "TU",
        Weekday::Wed => "WE",
        Weekday::Thu => "TH",
        Weekday::Fri => "FR",
        Weekday::Sat => "SA",
        Weekday::Sun => "SU",
    }
}

/// How often a rule repeats, where it ends by count.
pub(crate) fn count(rule: &Rule) -> Option<u32> {
    match rule.end() {
        End::Count(count) => Some(count.get()),
        _ => None,
    }
}

/// The occurrence of that original start as the rule alone makes it.
pub(crate) fn planned(master: &Event, original: NaiveDateTime) -> Event {
    let Span { start, end } = &master.span;
    let length: TimeDelta = end.local() - start.local();
    let span = Span { start: start.with_local(original), end: end.with_local(original + length) };
    Event { span, ..master.clone() }
}

/// Notes how one occurrence differs, unless it does not.
pub(crate) fn note(series: &mut Series, original: NaiveDateTime, instance: Option<Event>) {
    let key = RecurrenceId::of(&series.event.span.start, original);
    match instance {
        None => drop(series.overrides.insert(key, Override::Cancelled)),
        Some(instance) => {
            let overlay = planned(&series.event, original).overlay(&instance);
            if !overlay.is_empty() {
                series.overrides.insert(key, Override::Changed(overlay));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{MockExchange, ServerVersion};
    use crate::nvs::{MockNvs, MockNvsSettings, MockUnit};
    use calsync_core::ids::Uid;
    use calsync_core::model::{Notes, Overlay, Recurrence, Reminder, Sensitivity};

    fn at(day: u32, hour: u32) -> NaiveDateTime {
        chrono::NaiveDate::from_ymd_opt(2026, 11, day).unwrap().and_hms_opt(hour, 5, 0).unwrap()
    }

    /// A weekly series with one occurrence that differs and one that does not take place.
    fn weekly() -> Series {
        let zone = home().unwrap();
        let mut event = Event::new("Wartung", Span::zoned(at(2, 9), at(2, 10), &zone));
        event.place = "Ulm".to_owned();
        event.notes = Notes::plain("Leiter mitnehmen\nund den Schlüssel");
        event.categories.insert("Einsatz".to_owned());
        event.sensitivity = Sensitivity::Private;
        event.reminder = Reminder::Minutes(7);
        let rule: Rule = "FREQ=WEEKLY;COUNT=6".parse().unwrap();
        let mut series = Series::single(Uid::new("uid-1"), event);
        series.recurrence = Some(Recurrence { rule, dates: std::collections::BTreeSet::new() });
        let start = &series.event.span.start;
        let (one, two) = (RecurrenceId::of(start, at(9, 9)), RecurrenceId::of(start, at(16, 9)));
        let overlay = Overlay {
            subject: Some("Abnahme".to_owned()),
            span: Some(Span::zoned(at(9, 14), at(9, 15), &zone)),
            ..Overlay::default()
        };
        series.overrides.insert(one, Override::Changed(overlay));
        series.overrides.insert(two, Override::Cancelled);
        series
    }

    fn changed(series: &Series) -> Series {
        let mut series = series.clone();
        series.event.subject = "Wartung, neu".to_owned();
        series.event.notes = Notes::default();
        series.event.reminder = Reminder::Off;
        let brought_back = RecurrenceId::of(&series.event.span.start, at(16, 9));
        series.overrides.insert(
            brought_back,
            Override::Changed(Overlay { place: Some("Bonn".to_owned()), ..Overlay::default() }),
        );
        series
    }

    #[test]
    fn exchange_shows_what_was_entered_replaced_copied_and_brought_back() {
        let mock = MockExchange::in_memory(ServerVersion::Exchange2016);
        mock.add_mailbox("m@example.test", "M");
        let seen = |id: &str| mock.whole("m@example.test", id).unwrap().1.series;
        let id = mock.enter("m@example.test", &Whole { series: weekly(), received: false }).unwrap();
        assert_eq!(seen(&id), weekly());
        let before = mock.change_of("m@example.test", &id);
        assert!(mock.replace("m@example.test", &id, &changed(&weekly())));
        assert_eq!(seen(&id), changed(&weekly()));
        assert_ne!(mock.change_of("m@example.test", &id), before);

        let mut elsewhere = weekly();
        elsewhere.uid = Uid::new("uid-2");
        elsewhere.event.place = "Köln".to_owned();
        let copy = mock.copy_as("m@example.test", &id, &elsewhere).unwrap();
        assert_eq!(seen(&copy), elsewhere);
        let moved = mock.move_out_and_back("m@example.test", &id).unwrap();
        assert_eq!(seen(&moved), changed(&weekly()));
        assert_ne!(moved, id);

        assert!(crate::people::Calendars::delete(&mock, "m@example.test", &moved));
        let (binned, _) = mock.binned("m@example.test").pop().unwrap();
        let again = mock.file_again("m@example.test", &binned).unwrap();
        let back = mock.bring_back("m@example.test", &binned).unwrap();
        assert!(again != back && seen(&again) == seen(&back) && mock.binned("m@example.test").is_empty());
    }

    #[test]
    fn a_meeting_of_somebody_else_is_told_from_an_appointment() {
        let mock = MockExchange::in_memory(ServerVersion::Exchange2016);
        mock.add_mailbox("m@example.test", "M");
        let mut series = weekly();
        series.event.organizer.address = "kern@example.org".to_owned();
        let id = mock.enter("m@example.test", &Whole { series: series.clone(), received: true }).unwrap();
        assert_eq!(mock.whole("m@example.test", &id).unwrap().1, Whole { series, received: true });
        assert!(mock.outbox().is_empty());
    }

    #[tokio::test]
    async fn nvs_shows_what_was_entered_replaced_copied_and_brought_back() {
        let mock = MockNvs::start(MockNvsSettings::default()).await.unwrap();
        for unit in ["u1", "u2"] {
            mock.put_unit(MockUnit::person(unit, "Meier", "m@example.test"));
        }
        let seen = |id: &str| mock.whole("u1", id).unwrap().1.series;
        let id = mock.enter("u1", &weekly()).unwrap();
        assert_eq!(seen(&id), weekly());
        let before = mock.revision_of("u1", &id);
        assert!(mock.replace("u1", &id, &changed(&weekly())));
        assert_eq!(seen(&id), changed(&weekly()));
        assert_ne!(mock.revision_of("u1", &id), before);

        let mut elsewhere = weekly();
        elsewhere.uid = Uid::new("uid-2");
        elsewhere.event.place = "Köln".to_owned();
        let copy = mock.copy_as("u1", &id, &elsewhere).unwrap();
        assert_eq!(seen(&copy), elsewhere);
        assert!(mock.move_out_and_back("u1", &id, "u2"));
        assert_eq!(seen(&id), changed(&weekly()));

        assert!(crate::people::Calendars::delete(&mock, "u1", &id));
        assert_eq!(mock.binned("u1").len(), 1);
        let again = mock.file_again("u1", &id).unwrap();
        assert!(mock.bring_back("u1", &id) && seen(&again) == seen(&id) && mock.binned("u1").is_empty());
    }
}
