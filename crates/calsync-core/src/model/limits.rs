//! How much of one appointment is carried at most.
//!
//! Far beyond what people write, and small enough that nothing that a server sends fills the memory or keeps a round busy.
//! An appointment beyond them counts as one that cannot be read: it is left alone on both sides, told, and tried again
//! later. `docs/limits.md` lists these limits beside those of the protocols.

use super::{Override, Series};

/// Bytes of notes, of the whole appointment or of one of its instances.
pub const NOTES: usize = 2 << 20;
/// Bytes of any other text, such as a subject.
pub const TEXT: usize = 256 << 10;
/// Bytes of all texts of a series with its instances.
pub const WHOLE: usize = 16 << 20;
/// Instances that are different from their series, or do not take place.
pub const OVERRIDES: usize = 5_000;
/// Additional dates of a series.
pub const DATES: usize = 5_000;
/// Attendees, of the appointment or of an instance.
pub const ATTENDEES: usize = 5_000;
/// Categories, of the appointment or of an instance.
pub const CATEGORIES: usize = 1_000;
/// Files.
pub const ATTACHMENTS: usize = 1_000;

/// An appointment is larger than is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has more than {limit} {what}, which is more than is carried; make it smaller")]
pub struct TooMuch {
    /// What there is too much of.
    pub what: &'static str,
    /// How much of it is carried.
    pub limit: usize,
}

impl Series {
    /// Whether all of it is within the limits of this module.
    ///
    /// # Errors
    ///
    /// The first limit that it is beyond. Nothing of the appointment is repeated.
    pub fn within_limits(&self) -> Result<(), TooMuch> {
        let mut meter = Meter { bytes: 0 };
        let event = &self.event;
        meter.text(self.uid.as_str())?;
        for text in [&event.subject, &event.place, &event.customer] {
            meter.text(text)?;
        }
        meter.notes(&event.notes.text)?;
        meter.people([&event.organizer].into_iter().chain(event.attendees.iter().map(|one| &one.person)))?;
        meter.categories(&event.categories)?;
        meter.files(&event.attachments)?;
        at_most(
            "additional dates",
            DATES,
            self.recurrence.as_ref().map_or(0, |recurrence| recurrence.dates.len()),
        )?;
        at_most("changed instances", OVERRIDES, self.overrides.len())?;
        for over in self.overrides.values() {
            let Override::Changed(own) = over else { continue };
            for text in [&own.subject, &own.place, &own.customer].into_iter().flatten() {
                meter.text(text)?;
            }
            if let Some(notes) = &own.notes {
                meter.notes(&notes.text)?;
            }
            let attendees = own.attendees.iter().flatten().map(|one| &one.person);
            meter.people(own.organizer.iter().chain(attendees))?;
            if let Some(categories) = &own.categories {
                meter.categories(categories)?;
            }
            if let Some(files) = &own.attachments {
                meter.files(files)?;
            }
        }
        Ok(())
    }
}

/// Adds up texts.
struct Meter {
    bytes: usize,
}

impl Meter {
    fn take(&mut self, bytes: usize) -> Result<(), TooMuch> {
        self.bytes = self.bytes.saturating_add(bytes);
        at_most("bytes of text", WHOLE, self.bytes)
    }

    fn text(&mut self, text: &str) -> Result<(), TooMuch> {
        at_most("bytes in one text", TEXT, text.len())?;
        self.take(text.len())
    }

    fn notes(&mut self, text: &str) -> Result<(), TooMuch> {
        at_most("bytes of notes", NOTES, text.len())?;
        self.take(text.len())
    }

    fn people<'a>(&mut self, people: impl Iterator<Item = &'a super::Person>) -> Result<(), TooMuch> {
        for (index, person) in people.enumerate() {
            // The first is the organiser.
            at_most("attendees", ATTENDEES, index)?;
            self.text(&person.name)?;
            self.text(&person.address)?;
        }
        Ok(())
    }

    fn categories(&mut self, categories: &super::Categories) -> Result<(), TooMuch> {
        at_most("categories", CATEGORIES, categories.len())?;
        categories.iter().try_for_each(|name| self.text(name))
    }

    fn files(&mut self, files: &super::Attachments) -> Result<(), TooMuch> {
        at_most("files", ATTACHMENTS, files.len())?;
        files.iter().try_for_each(|file| {
            [&file.name, &file.media_type, &file.stamp].into_iter().try_for_each(|text| self.text(text))
        })
    }
}

fn at_most(what: &'static str, limit: usize, there: usize) -> Result<(), TooMuch> {
    if there > limit { Err(TooMuch { what, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;
    use crate::ids::Uid;
    use crate::model::{
        Attachment, Attachments, Attendee, Event, Notes, Overlay, Participation, Person, Recurrence,
        RecurrenceId, Span,
    };

    fn series() -> Series {
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        Series::single(Uid::new("u"), Event::new("x", Span::days(day, day)))
    }

    fn days(count: usize) -> impl Iterator<Item = RecurrenceId> {
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        (0..count as u64).map(move |n| RecurrenceId::Date(day + Days::new(n)))
    }

    #[test]
    fn each_limit_lets_through_what_reaches_it_and_stops_one_more() {
        type Make = fn(&mut Series, usize);
        let cases: [(&str, usize, Make); 7] = [
            ("bytes in one text", TEXT, |series, n| series.event.subject = "x".repeat(n)),
            ("bytes of notes", NOTES, |series, n| series.event.notes = Notes::plain(&"x".repeat(n))),
            ("attendees", ATTENDEES, |series, n| {
                let attendee = Attendee { person: Person::default(), participation: Participation::Required };
                series.event.attendees = vec![attendee; n];
            }),
            ("categories", CATEGORIES, |series, n| {
                series.event.categories = (0..n).map(|n| n.to_string()).collect();
            }),
            ("files", ATTACHMENTS, |series, n| {
                series.event.attachments =
                    Attachments::new((0..n).map(|n| Attachment::new(n.to_string(), "1")));
            }),
            ("changed instances", OVERRIDES, |series, n| {
                series.overrides = days(n).map(|day| (day, Override::Cancelled)).collect();
            }),
            ("additional dates", DATES, |series, n| {
                let rule = "FREQ=DAILY".parse().unwrap();
                series.recurrence = Some(Recurrence { rule, dates: days(n).collect() });
            }),
        ];
        for (what, limit, make) in cases {
            let mut series = series();
            make(&mut series, limit);
            assert_eq!(series.within_limits(), Ok(()), "{what}");
            make(&mut series, limit + 1);
            assert_eq!(series.within_limits(), Err(TooMuch { what, limit }));
        }
    }

    #[test]
    fn many_instances_with_long_notes_are_too_much_together() {
        let mut series = series();
        let notes = Notes::plain(&"x".repeat(NOTES));
        let own = Override::Changed(Overlay { notes: Some(notes), ..Overlay::default() });
        series.overrides = days(9).map(|day| (day, own.clone())).collect();
        assert_eq!(series.within_limits(), Err(TooMuch { what: "bytes of text", limit: WHOLE }));
    }
}
