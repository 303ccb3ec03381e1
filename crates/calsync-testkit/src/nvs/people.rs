//! People at the NVS Calender: they act on what is stored, not over the wire.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, Weekday};
use serde_json::{Map, Value, json};

use super::MockNvs;
use super::content::{BusyStatus, Content, Moment, NotesFormat, Override};
use super::expand;
use super::problem::Fault;
use super::state::{Actor, Target};
use crate::people::{Busy, Calendars, Draft, Edit, Repeat, Rhythm, Tile, Until};

impl Calendars for MockNvs {
    fn calendars(&self) -> BTreeMap<String, String> {
        self.inner.state().units().map(|unit| (unit.id.clone(), unit.name.clone())).collect()
    }

    fn list(&self, calendar: &str) -> Vec<String> {
        self.inner.state().appointments(calendar).map(|(id, _)| id.clone()).collect()
    }

    fn create(&self, calendar: &str, draft: &Draft) -> Option<String> {
        let place = |at: NaiveDateTime| {
            if draft.all_day {
                Moment::Date { date: at.date() }
            } else {
                Moment::Clock { at, zone: draft.zone.clone(), later: false }
            }
        };
        let mut content = Content::new(place(draft.start), place(draft.end));
        let edit = Edit {
            subject: Some(draft.subject.clone()),
            place: Some(draft.place.clone()),
            notes: Some(draft.notes.clone()),
            html: None,
            span: None,
            category: Some(draft.category.clone()),
            busy: Some(draft.busy),
            private: Some(draft.private),
            reminder: Some(draft.reminder),
            customer: Some(draft.customer.clone()),
            repeat: Some(draft.repeat.clone()),
        };
        let mut faults = Vec::new();
        content.set_all(&members(&edit, &content), "", &mut faults);
        if !faults.is_empty() {
            return None;
        }
        let created =
            self.inner.act(|state| state.create(Actor::Person, calendar, None, content, BTreeMap::new(), ""));
        let document = created.ok()?.to_value();
        document.get("id").and_then(Value::as_str).map(str::to_owned)
    }

    fn edit(&self, calendar: &str, id: &str, edit: &Edit) -> bool {
        self.change(calendar, id, |content, faults| {
            let members = members(edit, content);
            content.set_all(&members, "", faults);
            if edit.repeat.is_some() {
                // What was different about occurrences that are none any more is forgotten.
                let overrides = std::mem::take(&mut content.overrides);
                let stands = |key: &String| content.rule.is_some() && expand::is_occurrence(content, key);
                content.overrides = overrides.into_iter().filter(|(key, _)| stands(key)).collect();
            }
        })
    }

    fn delete(&self, calendar: &str, id: &str) -> bool {
        self.inner
            .act(|state| state.delete(Actor::Person, Target { unit: calendar, id, expect: None }))
            .is_ok()
    }

    fn edit_occurrence(&self, calendar: &str, id: &str, original: NaiveDateTime, edit: &Edit) -> bool {
        self.change_occurrence(calendar, id, original, |standing| members(edit, standing))
    }

    fn delete_occurrence(&self, calendar: &str, id: &str, original: NaiveDateTime) -> bool {
        self.change(calendar, id, |content, faults| {
            let key = key(content, original);
            if !expand::is_occurrence(content, &key) || content.standing(&key).is_none() {
                faults.push(Fault::at("", "the occurrence is gone"));
            }
            content.overrides.insert(key, Override::Cancelled);
        })
    }

    fn occurrences(&self, calendar: &str, id: &str, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDateTime> {
        let midnight = chrono::NaiveTime::MIN;
        let state = self.inner.state();
        match state.appointment(calendar, id) {
            Some(stored) if stored.content.is_series() => {
                expand::standing(&stored.content, from.and_time(midnight), to.and_time(midnight))
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn tiles(&self, calendar: &str, from: NaiveDate, to: NaiveDate) -> Vec<Tile> {
        let state = self.inner.state();
        let mut tiles: Vec<Tile> = state
            .appointments(calendar)
            .flat_map(|(_, stored)| {
                let recurring = stored.content.is_series();
                expand::shown(&stored.content, from, to).into_iter().map(move |one| tile(&one, recurring))
            })
            .collect();
        tiles.sort();
        tiles
    }
}

impl MockNvs {
    /// Sets members of one occurrence, named by its original start, as a person does who has every button.
    pub fn set_occurrence_members(
        &self,
        unit: &str,
        id: &str,
        original: NaiveDateTime,
        members: &BTreeMap<String, Value>,
    ) -> bool {
        self.change_occurrence(unit, id, original, |_| members.clone().into_iter().collect())
    }

    /// Changes one occurrence; `members` are told what it shows now.
    fn change_occurrence(
        &self,
        calendar: &str,
        id: &str,
        original: NaiveDateTime,
        members: impl FnOnce(&Content) -> Map<String, Value>,
    ) -> bool {
        self.change(calendar, id, |content, faults| {
            let key = key(content, original);
            let Some(standing) = content.standing(&key).filter(|_| expand::is_occurrence(content, &key))
            else {
                faults.push(Fault::at("", "the occurrence is gone"));
                return;
            };
            let mut own = match content.overrides.remove(&key) {
                Some(Override::Changed(members)) => members,
                Some(Override::Cancelled) | None => BTreeMap::new(),
            };
            for (name, value) in members(&standing) {
                if let Err(detail) = content.try_in_override(&name, &value) {
                    faults.push(Fault::at(&*name, detail));
                }
                own.insert(name, value);
            }
            if !own.is_empty() {
                content.overrides.insert(key, Override::Changed(own));
            }
        })
    }

    /// Changes an appointment; `false` when it is gone or the change breaks a rule.
    fn change(&self, calendar: &str, id: &str, change: impl FnOnce(&mut Content, &mut Vec<Fault>)) -> bool {
        self.inner
            .act(|state| {
                state.update(
                    Actor::Person,
                    Target { unit: calendar, id, expect: None },
                    "",
                    change,
                    &BTreeMap::new(),
                )
            })
            .is_ok()
    }
}

fn key(content: &Content, original: NaiveDateTime) -> String {
    match content.start {
        Moment::Date { .. } => original.format("%Y-%m-%d").to_string(),
        Moment::Clock { .. } => original.format("%Y-%m-%dT%H:%M:%S").to_string(),
    }
}

/// An edit as members of `content`, whose form of start decides what a new span looks like.
fn members(edit: &Edit, content: &Content) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    put("subject", edit.subject.as_ref().map(|subject| json!(subject)));
    put("place", edit.place.as_ref().map(|place| json!(place)));
    put("notes", edit.notes.as_ref().map(|notes| json!({"format": "plain", "text": notes})));
    put("notes", edit.html.as_ref().map(|html| json!({"format": "html", "text": html})));
    put("type", edit.category.as_ref().map(|category| json!(category)));
    put("busy", edit.busy.map(|busy| json!(busy)));
    put("private", edit.private.map(|private| json!(private)));
    put("reminder", edit.reminder.map(|reminder| json!(reminder)));
    put("customer", edit.customer.as_ref().map(|customer| json!(customer)));
    if let Some(repeat) = &edit.repeat {
        let start = match (edit.span, &content.start) {
            (Some((start, _)), _) => start,
            (None, Moment::Date { date }) => date.and_time(chrono::NaiveTime::MIN),
            (None, Moment::Clock { at, .. }) => *at,
        };
        put("rule", Some(json!(repeat.as_ref().map(|repeat| rule(repeat, start, &content.start)))));
    }
    if let Some((start, end)) = edit.span {
        let place = |at: NaiveDateTime, like: &Moment| match like {
            Moment::Date { .. } => json!({"date": at.date()}),
            Moment::Clock { zone, .. } => {
                json!({"at": at.format("%Y-%m-%dT%H:%M:%S").to_string(), "zone": zone})
            }
        };
        put("start", Some(place(start, &content.start)));
        // A person sees both ends on the clock of the start.
        put("end", Some(place(end, &content.start)));
    }
    members
}

/// The rule of a series that starts at `start`, which is a time or a day like `form`.
fn rule(repeat: &Repeat, start: NaiveDateTime, form: &Moment) -> String {
    let every = repeat.every.max(1);
    let mut rule = match &repeat.rhythm {
        Rhythm::Daily => format!("FREQ=DAILY;INTERVAL={every}"),
        Rhythm::Weekly(days) => {
            let days: Vec<&str> = days.iter().map(|day| weekday(*day)).collect();
            format!("FREQ=WEEKLY;INTERVAL={every};BYDAY={}", days.join(","))
        }
        Rhythm::MonthlyOn(31) => format!("FREQ=MONTHLY;INTERVAL={every};BYMONTHDAY=-1"),
        Rhythm::MonthlyOn(day) => format!("FREQ=MONTHLY;INTERVAL={every};BYMONTHDAY={day}"),
        Rhythm::MonthlyNth(nth, day) => format!("FREQ=MONTHLY;INTERVAL={every};BYDAY={nth}{}", weekday(*day)),
        Rhythm::Yearly => {
            let (month, day) = (start.format("%-m"), start.format("%-d"));
            format!("FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={day}")
        }
    };
    if matches!(repeat.rhythm, Rhythm::Weekly(_)) {
        rule.push_str(";WKST=MO");
    }
    let until = match (&repeat.until, form) {
        (Until::Forever, _) => String::new(),
        (Until::Count(count), _) => format!(";COUNT={count}"),
        (Until::Day(day), Moment::Date { .. }) => format!(";UNTIL={}", day.format("%Y%m%d")),
        (Until::Day(day), Moment::Clock { zone, .. }) => {
            // The last start that may still be: the end of that day where the appointment is.
            let last = day.and_hms_opt(23, 59, 59).unwrap_or(start);
            let until = expand::in_zone(last, zone, false).unwrap_or_else(|| last.and_utc());
            format!(";UNTIL={}", until.format("%Y%m%dT%H%M%SZ"))
        }
    };
    rule.push_str(&until);
    rule
}

fn weekday(day: Weekday) -> &'static str {
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

fn tile(content: &Content, recurring: bool) -> Tile {
    let show = |moment: &Moment| match moment {
        Moment::Date { date } => date.to_string(),
        Moment::Clock { .. } => {
            expand::instant(moment).map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
        }
    };
    let notes = content.notes.as_ref().map_or_else(String::new, |notes| match notes.format {
        NotesFormat::Plain => notes.text.clone(),
        // A person reads the same in both calendars.
        NotesFormat::Html => crate::exchange::text_of_html(&notes.text),
    });
    // Where the clocks skip the start, it is later than it says, and may be later than the end.
    let end = match (expand::instant(&content.start), expand::instant(&content.end)) {
        (Some(start), Some(end)) if end < start => &content.start,
        _ => &content.end,
    };
    Tile {
        start: show(&content.start),
        end: show(end),
        subject: content.subject.clone(),
        place: content.place.clone(),
        notes: notes.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned(),
        category: content.kind.clone(),
        busy: match content.busy {
            BusyStatus::Free => Busy::Free,
            BusyStatus::Tentative => Busy::Tentative,
            BusyStatus::Busy => Busy::Busy,
            BusyStatus::OutOfOffice => Busy::OutOfOffice,
            BusyStatus::WorkingElsewhere => Busy::WorkingElsewhere,
        },
        private: content.private,
        reminder: content.reminder,
        customer: content.customer.clone(),
        recurring,
    }
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn draft(repeat: Option<Repeat>) -> Draft {
        Draft {
            subject: "Wartung".into(),
            place: "Ulm".into(),
            notes: String::new(),
            start: day("2026-01-31").and_hms_opt(9, 0, 0).unwrap(),
            end: day("2026-01-31").and_hms_opt(10, 0, 0).unwrap(),
            zone: "Europe/Berlin".into(),
            all_day: false,
            category: None,
            busy: Busy::Busy,
            private: false,
            reminder: None,
            customer: None,
            repeat,
        }
    }

    async fn mock() -> MockNvs {
        let mock = MockNvs::start(super::super::MockNvsSettings::default()).await.unwrap();
        mock.put_unit(super::super::MockUnit::person("u1", "Meier", "meier@example.com"));
        mock
    }

    #[tokio::test]
    async fn the_31st_of_each_month_is_the_last_day() {
        let mock = mock().await;
        let repeat = Repeat { rhythm: Rhythm::MonthlyOn(31), every: 1, until: Until::Day(day("2026-04-30")) };
        let id = mock.create("u1", &draft(Some(repeat))).unwrap();
        let days: Vec<String> = mock
            .occurrences("u1", &id, day("2026-01-01"), day("2027-01-01"))
            .iter()
            .map(|at| at.date().to_string())
            .collect();
        assert_eq!(days, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]);
    }

    #[tokio::test]
    async fn tiles_follow_overrides_wherever_they_go() {
        let mock = mock().await;
        let repeat = Repeat { rhythm: Rhythm::Daily, every: 1, until: Until::Count(3) };
        let id = mock.create("u1", &draft(Some(repeat))).unwrap();
        let original = day("2026-02-01").and_hms_opt(9, 0, 0).unwrap();
        let to = day("2026-03-10").and_hms_opt(14, 0, 0).unwrap();
        let span = Some((to, to + chrono::TimeDelta::minutes(30)));
        assert!(mock.edit_occurrence("u1", &id, original, &Edit { span, ..Edit::default() }));
        assert!(mock.delete_occurrence("u1", &id, day("2026-02-02").and_hms_opt(9, 0, 0).unwrap()));
        let starts = |from, to| -> Vec<String> {
            mock.tiles("u1", day(from), day(to)).into_iter().map(|tile| tile.start).collect()
        };
        assert_eq!(starts("2026-01-01", "2026-03-01"), ["2026-01-31T08:00:00Z"]);
        assert_eq!(starts("2026-03-01", "2026-04-01"), ["2026-03-10T13:00:00Z"]);
        assert!(!mock.delete_occurrence("u1", &id, day("2026-02-02").and_hms_opt(9, 0, 0).unwrap()));
        assert!(!mock.edit_occurrence("u1", &id, to, &Edit { place: Some("x".into()), ..Edit::default() }));
    }

    #[tokio::test]
    async fn a_day_is_a_date_in_every_zone() {
        let mock = mock().await;
        let mut whole = draft(None);
        whole.all_day = true;
        whole.start = day("2026-01-31").and_hms_opt(0, 0, 0).unwrap();
        whole.end = (day("2026-01-31") + Days::new(1)).and_hms_opt(0, 0, 0).unwrap();
        mock.create("u1", &whole).unwrap();
        let tiles = mock.tiles("u1", day("2026-01-31"), day("2026-02-01"));
        assert_eq!((tiles[0].start.as_str(), tiles[0].end.as_str()), ("2026-01-31", "2026-02-01"));
    }
}
