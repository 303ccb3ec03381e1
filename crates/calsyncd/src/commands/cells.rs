//! An appointment as text for the administrator's terminal: one value for each path, in the order in which people read.
//!
//! Paths are those of plans (`master.subject`, `instance 2026-11-24T08:00:00 span`), so that what a plan or a journal
//! names is found here. Nothing of this ever goes into a log.

use calsync_core::model::{
    Attendee, Event, Field, Meeting, Override, Participation, Person, Reminder, Series, Span, When,
};
use serde_json::{Map, Value, json};

use crate::texts::{Lang, Message, OrderText as T};

/// The values of an appointment under their paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cells(Vec<(String, String)>);

impl Cells {
    /// Everything that an appointment says.
    pub(super) fn of(series: &Series) -> Cells {
        let mut cells = Vec::new();
        for field in Field::ALL {
            push(&mut cells, format!("master.{field}"), value(&series.event, field));
        }
        if let Some(recurrence) = &series.recurrence {
            let mut text = recurrence.rule.to_string();
            for date in &recurrence.dates {
                text = format!("{text}; {}", date.to_text());
            }
            push(&mut cells, "recurrence".to_owned(), text);
        }
        for (key, over) in &series.overrides {
            let key = key.to_text();
            match over {
                Override::Cancelled => push(&mut cells, format!("instance {key}"), CANCELLED.to_owned()),
                Override::Changed(overlay) => {
                    let instance = series.event.with(overlay);
                    for field in overlay.fields() {
                        push(&mut cells, format!("instance {key} {field}"), value(&instance, field));
                    }
                }
            }
        }
        Cells(cells)
    }

    pub(super) fn get(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == path).map(|(_, value)| value.as_str())
    }

    /// The paths of all of them, in order, each once.
    pub(super) fn paths<'c>(all: &[&'c Cells]) -> Vec<&'c str> {
        let mut paths: Vec<&str> = Vec::new();
        for (path, _) in all.iter().flat_map(|cells| &cells.0) {
            if !paths.contains(&path.as_str()) {
                paths.push(path);
            }
        }
        paths
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        Value::Object(self.0.iter().map(|(path, value)| (path.clone(), json!(value))).collect::<Map<_, _>>())
    }
}

/// What stands for a cancelled instance; [`shown`] says it in the reader's language.
const CANCELLED: &str = "cancelled";

fn push(cells: &mut Vec<(String, String)>, path: String, value: String) {
    if !value.is_empty() {
        cells.push((path, value));
    }
}

/// The name of a path for people.
pub(super) fn label(path: &str, lang: Lang) -> String {
    let field = |name: &str| Field::by_name(name).map(|field| lang.say(field_text(field)));
    if path == "recurrence" {
        return lang.say(T::FieldRecurrence).to_owned();
    }
    if let Some(name) = path.strip_prefix("master.") {
        return field(name).map_or_else(|| path.to_owned(), str::to_owned);
    }
    let Some(rest) = path.strip_prefix("instance ") else { return path.to_owned() };
    let (key, name) = rest.split_once(' ').unwrap_or((rest, ""));
    let day = key.replace('T', " ");
    match field(name) {
        Some(name) => format!("{day}: {name}"),
        None => day,
    }
}

fn field_text(field: Field) -> T {
    match field {
        Field::Span => T::FieldSpan,
        Field::Subject => T::FieldSubject,
        Field::Place => T::FieldPlace,
        Field::Notes => T::FieldNotes,
        Field::Categories => T::FieldCategories,
        Field::Busy => T::FieldBusy,
        Field::Sensitivity => T::FieldSensitivity,
        Field::Reminder => T::FieldReminder,
        Field::Organizer => T::FieldOrganizer,
        Field::Attendees => T::FieldAttendees,
        Field::Customer => T::FieldCustomer,
        Field::Meeting => T::FieldMeeting,
        Field::Attachments => T::FieldAttachments,
    }
}

/// A value for people: what is not there is a dash, long ones go on below.
pub(super) fn shown(value: Option<&str>, indent: usize, lang: Lang) -> String {
    match value {
        None => "-".to_owned(),
        Some(CANCELLED) => lang.say(T::Cancelled).to_owned(),
        Some(value) => value.trim_end().replace('\n', &format!("\n{}", " ".repeat(indent))),
    }
}

/// The text of a value; empty where it says nothing.
fn value(event: &Event, field: Field) -> String {
    match field {
        Field::Span => span(&event.span),
        Field::Subject => event.subject.clone(),
        Field::Place => event.place.clone(),
        Field::Notes => event.notes.reading(),
        Field::Categories => event.categories.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        Field::Busy => word(&event.busy),
        Field::Sensitivity => word(&event.sensitivity),
        Field::Reminder => match event.reminder {
            Reminder::Off => String::new(),
            Reminder::Minutes(minutes) => format!("{minutes} min"),
        },
        Field::Organizer => person(&event.organizer),
        Field::Attendees => event.attendees.iter().map(attendee).collect::<Vec<_>>().join(", "),
        Field::Customer => event.customer.clone(),
        Field::Meeting => match event.meeting {
            Meeting::None => String::new(),
            other => word(&other),
        },
        Field::Attachments => {
            event.attachments.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ")
        }
    }
}

/// The word of a plain enum, as it is stored.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

fn person(person: &Person) -> String {
    match (person.name.is_empty(), person.address.is_empty()) {
        (true, _) => person.address.clone(),
        (false, true) => person.name.clone(),
        (false, false) => format!("{} <{}>", person.name, person.address),
    }
}

fn attendee(attendee: &Attendee) -> String {
    let who = person(&attendee.person);
    match attendee.participation {
        Participation::Required => who,
        Participation::Optional | Participation::Resource => {
            format!("{who} ({})", word(&attendee.participation))
        }
    }
}

/// When it takes place: `2026-11-24 08:00 - 09:30 Europe/Berlin`; the end of days is the last of them.
pub(super) fn span(span: &Span) -> String {
    if let (When::Date(first), When::Date(after)) = (&span.start, &span.end) {
        let last = after.pred_opt().unwrap_or(*after);
        return if last <= *first { first.to_string() } else { format!("{first} - {last}") };
    }
    let (start, end) = (span.start.local(), span.end.local());
    let end_text = if start.date() == end.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    let zone = match &span.start {
        When::Utc(_) => " UTC".to_owned(),
        When::Zoned { zone, .. } => format!(" {}", zone.name()),
        When::Date(_) | When::Floating(_) => String::new(),
    };
    format!("{} - {}{zone}", start.format("%Y-%m-%d %H:%M"), end.format(end_text))
}

/// What names an appointment in a list: its time and its subject. The text of private ones is not for lists.
pub(super) fn title(series: &Series, lang: Lang) -> (String, String) {
    let subject = if series.event.sensitivity.is_private() {
        lang.say(T::PrivateSubject).to_owned()
    } else {
        series.event.subject.replace(['\r', '\n', '\t'], " ")
    };
    (span(&series.event.span), subject)
}

/// Both versions of what differs, one below the other, as `  label` and `    name  value`.
pub(super) fn compare(
    paths: &[&str],
    versions: &[(String, &Cells)],
    mark: impl Fn(&str) -> Option<Message>,
    lang: Lang,
) -> String {
    let width = versions.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for path in paths {
        let mark = mark(path).map(|mark| format!("  [{}]", mark.to_text(lang))).unwrap_or_default();
        out = format!("{out}  {}{mark}\n", label(path, lang));
        for (name, cells) in versions {
            let value = shown(cells.get(path), width + 6, lang);
            out = format!("{out}    {name:<width$}  {value}\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use calsync_core::model::{Notes, Recurrence, RecurrenceId, Sensitivity};
    use calsync_core::zone::Zone;
    use chrono::{NaiveDate, NaiveDateTime};

    use super::*;

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap()
    }

    fn weekly() -> Series {
        let zone = Zone::new("Europe/Berlin").unwrap();
        let span = Span::zoned(local("2026-11-24T08:00"), local("2026-11-24T09:30"), &zone);
        let mut event = Event::new("Wartung", span);
        event.notes = Notes::plain("Tor 3\nSchlüssel beim Pförtner");
        event.reminder = Reminder::Minutes(15);
        let mut moved = event.clone();
        moved.place = "Halle 2".to_owned();
        Series {
            overrides: BTreeMap::from([
                (RecurrenceId::Local(local("2026-12-01T08:00")), Override::Changed(event.overlay(&moved))),
                (RecurrenceId::Local(local("2026-12-08T08:00")), Override::Cancelled),
            ]),
            recurrence: Some(Recurrence { rule: "FREQ=WEEKLY;COUNT=10".parse().unwrap(), dates: [].into() }),
            ..Series::single("u".into(), event)
        }
    }

    #[test]
    fn every_path_of_a_change_is_found_with_its_value() {
        let series = weekly();
        let cells = Cells::of(&series);
        assert_eq!(cells.get("master.span"), Some("2026-11-24 08:00 - 09:30 Europe/Berlin"));
        assert_eq!(cells.get("master.reminder"), Some("15 min"));
        assert_eq!(cells.get("recurrence"), Some("FREQ=WEEKLY;COUNT=10"));
        assert_eq!(cells.get("instance 2026-12-01T08:00:00 place"), Some("Halle 2"));
        assert_eq!(cells.get("instance 2026-12-08T08:00:00"), Some("cancelled"));
        assert_eq!(cells.get("master.place"), None, "what says nothing has no value");
        let mut other = series.clone();
        other.event.subject = "Reparatur".to_owned();
        for path in series.diff(&other).paths() {
            assert!(cells.get(&path).is_some(), "{path}");
        }
    }

    #[test]
    fn days_end_with_the_last_one_that_belongs_to_them() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        assert_eq!(span(&Span::days(day(24), day(24))), "2026-11-24");
        assert_eq!(span(&Span::days(day(24), day(26))), "2026-11-24 - 2026-11-26");
    }

    #[test]
    fn lists_do_not_tell_what_private_appointments_are_about() {
        let mut series = weekly();
        assert_eq!(title(&series, Lang::De).1, "Wartung");
        series.event.sensitivity = Sensitivity::Private;
        assert_eq!(title(&series, Lang::De).1, "(privat)");
    }

    #[test]
    fn versions_stand_below_one_another_with_what_is_not_there_as_a_dash() {
        let (one, mut two) = (weekly(), weekly());
        two.event.place = "Halle 7".to_owned();
        two.overrides.clear();
        let (one, two) = (Cells::of(&one), Cells::of(&two));
        let versions = [("NVS".to_owned(), &one), ("Exchange".to_owned(), &two)];
        let paths = ["master.notes", "master.place", "instance 2026-12-08T08:00:00"];
        let text = compare(&paths, &versions, |_| None, Lang::De);
        let expected = "  Notizen\n    NVS       Tor 3\n              Schlüssel beim Pförtner\n    \
                        Exchange  Tor 3\n              Schlüssel beim Pförtner\n  Ort\n    NVS       -\n    \
                        Exchange  Halle 7\n  2026-12-08 08:00:00\n    NVS       fällt aus\n    Exchange  -\n";
        assert_eq!(text, expected);
    }
}
