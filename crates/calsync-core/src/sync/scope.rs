//! Which appointments are carried at all: filters, the window of time, private ones and answered meetings.
//!
//! Scope is asked of a side's own version, under the rules for what may leave that side. Out of scope is never deleted;
//! what becomes of the counterpart of an appointment that leaves the scope is a setting of its own, [`Leaving`].

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Busy, Event, Meeting, Override, Series};

/// Which appointments may leave a side. The default lets everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Only appointments with one of these types or categories; empty: all.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub only_categories: BTreeSet<String>,
    /// Not those with one of these.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub except_categories: BTreeSet<String>,
    /// Not those that are shown as this.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub except_busy: BTreeSet<Busy>,
    /// Whether all-day appointments pass.
    pub all_day: AllDay,
    /// Only appointments whose subject is like one of these; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only_subjects: Vec<Pattern>,
    /// Not those whose subject is like one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except_subjects: Vec<Pattern>,
}

/// Whether all-day appointments pass a filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllDay {
    /// With all others.
    #[default]
    With,
    /// They do not.
    Without,
    /// Only they do.
    Only,
}

/// A text with `*` for anything and `?` for one character; upper and lower case are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Pattern {
    text: String,
    folded: Vec<char>,
}

impl Pattern {
    /// A pattern; every text is one.
    pub fn new(text: impl Into<String>) -> Pattern {
        let text = text.into();
        let folded = text.trim().to_lowercase().chars().collect();
        Pattern { text, folded }
    }

    /// The text it was made from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `text` is like this.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.trim().to_lowercase().chars().collect();
        // Greedy with one way back, to the last star: linear but for hostile patterns, and never exponential.
        let (mut at, mut of) = (0, 0);
        let mut star = None;
        while at < text.len() {
            match self.folded.get(of) {
                Some('*') => {
                    star = Some((of, at));
                    of += 1;
                }
                Some(wanted) if *wanted == '?' || text.get(at) == Some(wanted) => {
                    at += 1;
                    of += 1;
                }
                _ => match star {
                    Some((back, from)) => (of, at) = (back, from + 1),
                    None => return false,
                },
            }
        }
        self.folded.iter().skip(of).all(|rest| *rest == '*')
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Pattern {
        Pattern::new(text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.text
    }
}

/// Which time is kept in step, in days around the present. The default is all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Window {
    /// Appointments that ended longer ago get no counterpart; `None`: all do.
    pub past_days: Option<u32>,
    /// Appointments that begin later get none before their time has come; `None`: all do.
    pub future_days: Option<u32>,
}

/// What becomes of the counterpart of an appointment that left filter or window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// It stays and is kept in step.
    #[default]
    Keep,
    /// It is deleted, under the guard of deletions.
    Delete,
    /// A person decides.
    Hold,
}

/// What happens to meetings that the owner of the calendar answered like this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeetingRule {
    /// Carried as it is.
    Show,
    /// Carried, and shown as free.
    Free,
    /// Not carried; a counterpart that is there is deleted.
    Skip,
}

/// What happens to meetings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meetings {
    /// Not answered yet.
    pub unanswered: MeetingRule,
    /// Accepted with reservation.
    pub tentative: MeetingRule,
    /// Declined.
    pub declined: MeetingRule,
    /// Cancelled by the organiser.
    pub cancelled: MeetingRule,
}

impl Default for Meetings {
    fn default() -> Self {
        Meetings {
            unanswered: MeetingRule::Show,
            tentative: MeetingRule::Show,
            declined: MeetingRule::Free,
            cancelled: MeetingRule::Free,
        }
    }
}

impl Meetings {
    /// The rule for a meeting in this state.
    pub fn rule(self, meeting: Meeting) -> MeetingRule {
        match meeting {
            Meeting::None | Meeting::Organised | Meeting::Accepted => MeetingRule::Show,
            Meeting::Unanswered => self.unanswered,
            Meeting::Tentative => self.tentative,
            Meeting::Declined => self.declined,
            Meeting::Cancelled => self.cancelled,
        }
    }
}

/// Why an appointment is out of scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outside {
    /// Its type or category.
    Category,
    /// As what it is shown.
    Busy,
    /// All-day or not.
    AllDay,
    /// Its subject.
    Subject,
    /// It is private.
    Private,
    /// Over for too long.
    Past,
    /// Too far ahead.
    Future,
    /// A meeting that was declined, cancelled or not accepted.
    Meeting,
}

impl Outside {
    /// Every reason.
    pub const ALL: [Outside; 8] = [
        Outside::Category,
        Outside::Busy,
        Outside::AllDay,
        Outside::Subject,
        Outside::Private,
        Outside::Past,
        Outside::Future,
        Outside::Meeting,
    ];
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outside::Category => "the filter leaves out its type",
            Outside::Busy => "the filter leaves out its busy status",
            Outside::AllDay => "the filter leaves it out as all-day or not",
            Outside::Subject => "the filter leaves out its subject",
            Outside::Private => "private appointments are not carried",
            Outside::Past => "it is over for too long",
            Outside::Future => "it is too far ahead",
            Outside::Meeting => "the meeting was declined, cancelled or not accepted",
        })
    }
}

impl Filter {
    /// Why an appointment of that content does not pass.
    pub fn stops(&self, event: &Event) -> Option<Outside> {
        let named = |names: &BTreeSet<String>| event.categories.iter().any(|name| names.contains(name));
        let like = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(&event.subject));
        if !self.only_categories.is_empty() && !named(&self.only_categories) || named(&self.except_categories)
        {
            return Some(Outside::Category);
        }
        if self.except_busy.contains(&event.busy) {
            return Some(Outside::Busy);
        }
        match (self.all_day, event.span.is_all_day()) {
            (AllDay::Without, true) | (AllDay::Only, false) => return Some(Outside::AllDay),
            (AllDay::With, _) | (AllDay::Without, false) | (AllDay::Only, true) => {}
        }
        if !self.only_subjects.is_empty() && !like(&self.only_subjects) || like(&self.except_subjects) {
            return Some(Outside::Subject);
        }
        None
    }
}

impl Window {
    /// Whether time alone can bring an appointment into it or out of it.
    pub fn moves(self) -> bool {
        self != Window::default()
    }

    /// On which side of the window a series is, as a whole; `None` where some of it is inside. Days are those of UTC: a
    /// window is a rough thing.
    pub fn stops(self, series: &Series, now: DateTime<Utc>) -> Option<Outside> {
        let today = now.date_naive().and_time(chrono::NaiveTime::MIN);
        let from = self.past_days.and_then(|days| today.checked_sub_signed(Duration::days(days.into())));
        let until = self
            .future_days
            .and_then(|days| today.checked_add_signed(Duration::days(i64::from(days).saturating_add(1))));
        let span = &series.event.span;
        if let Some(until) = until
            && first(series) >= until
        {
            return Some(Outside::Future);
        }
        if let Some(from) = from
            && span.end.local() <= from
            && !goes_on(series, from)
        {
            return Some(Outside::Past);
        }
        None
    }
}

/// The first start of a series.
fn first(series: &Series) -> NaiveDateTime {
    moved(series).map(|event| event.0).chain([series.event.span.start.local()]).min().unwrap_or_default()
}

/// Starts and ends of the instances that were moved.
fn moved(series: &Series) -> impl Iterator<Item = (NaiveDateTime, NaiveDateTime)> {
    series.overrides.values().filter_map(|over| match over {
        Override::Changed(overlay) => {
            overlay.span.as_ref().map(|span| (span.start.local(), span.end.local()))
        }
        Override::Cancelled => None,
    })
}

/// Whether an instance of a recurring series ends after `from`.
fn goes_on(series: &Series, from: NaiveDateTime) -> bool {
    let Some(recurrence) = &series.recurrence else { return false };
    let span = &series.event.span;
    let lasts = span.end.local().signed_duration_since(span.start.local());
    let since = from.checked_sub_signed(lasts).unwrap_or(from);
    let start = span.start.local();
    let mut occurrences = recurrence.rule.occurrences(start, span.start.zone()).starting_at(since);
    let by_rule = occurrences.any(|at| at > since) || occurrences.truncated();
    by_rule
        || recurrence.dates.iter().any(|date| date.local() > since)
        || moved(series).any(|(_, end)| end > from)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::ids::Uid;
    use crate::model::{Overlay, Recurrence, RecurrenceId, Span};

    fn event(subject: &str) -> Event {
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        Event::new(subject, Span::days(day, day))
    }

    #[test]
    fn patterns_match_whole_texts_without_regard_to_case() {
        for (pattern, text, fits) in [
            ("urlaub*", "Urlaub Müller", true),
            ("*MÜLLER", "Urlaub Müller", true),
            ("urlaub", "Urlaub Müller", false),
            ("?rlaub*m*r", "Urlaub Müller", true),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*bc", "abbbbc", true),
            ("a*bc", "abbbbd", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), fits, "{pattern} on {text}");
            assert_eq!(Pattern::new(pattern).as_str(), pattern);
            let written = serde_json::to_value(Pattern::new(pattern)).unwrap();
            assert_eq!(serde_json::from_value::<Pattern>(written).unwrap().as_str(), pattern);
        }
        let hostile = Pattern::new("*a".repeat(200));
        assert!(!hostile.matches(&"a".repeat(199)), "and it ends");
    }

    #[test]
    fn a_filter_says_what_it_stops() {
        let mut sick = event("Krank");
        sick.categories.insert("Abwesenheit".to_owned());
        let only = Filter { only_categories: BTreeSet::from(["Einsatz".to_owned()]), ..Filter::default() };
        assert_eq!(only.stops(&sick), Some(Outside::Category));
        sick.categories.insert("Einsatz".to_owned());
        assert_eq!(only.stops(&sick), None);
        let without = Filter { all_day: AllDay::Without, ..Filter::default() };
        assert_eq!(without.stops(&sick), Some(Outside::AllDay));
        let busy = Filter { except_busy: BTreeSet::from([Busy::Busy]), ..Filter::default() };
        assert_eq!(busy.stops(&sick), Some(Outside::Busy));
        let subject = Filter { except_subjects: vec![Pattern::new("kr*")], ..Filter::default() };
        assert_eq!(subject.stops(&sick), Some(Outside::Subject));
        assert_eq!(Filter::default().stops(&sick), None);
        for (only, stops) in [("kr*", None), ("*", None), ("Einsatz", Some(Outside::Subject))] {
            let filter = Filter { only_subjects: vec![Pattern::new(only)], ..Filter::default() };
            assert_eq!(filter.stops(&sick), stops, "{only}");
        }
    }

    #[test]
    fn every_reason_has_words_of_its_own() {
        let all = [
            Outside::Category,
            Outside::Busy,
            Outside::AllDay,
            Outside::Subject,
            Outside::Private,
            Outside::Past,
            Outside::Future,
            Outside::Meeting,
        ];
        let words: BTreeSet<String> = all.iter().map(Outside::to_string).collect();
        assert_eq!(words.iter().filter(|words| words.len() > 10).count(), all.len());
    }

    #[test]
    fn a_series_is_in_the_window_while_an_instance_of_it_is() {
        let now = "2026-11-24T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let window = Window { past_days: Some(30), future_days: Some(90) };
        let on = |text: &str, rule: Option<&str>| {
            let day: NaiveDate = text.parse().unwrap();
            let mut series = Series::single(Uid::new("u"), Event::new("x", Span::days(day, day)));
            series.recurrence =
                rule.map(|rule| Recurrence { rule: rule.parse().unwrap(), dates: BTreeSet::default() });
            window.stops(&series, now)
        };
        assert_eq!(on("2026-10-24", None), Some(Outside::Past));
        assert_eq!(on("2026-10-25", None), None);
        assert_eq!(on("2027-02-22", None), None);
        assert_eq!(on("2027-02-23", None), Some(Outside::Future));
        assert_eq!(on("2010-01-01", Some("FREQ=YEARLY")), None);
        assert_eq!(on("2010-01-01", Some("FREQ=DAILY;COUNT=10")), Some(Outside::Past));
        assert_eq!(on("2010-01-01", Some("FREQ=DAILY;UNTIL=20261101")), None);
        // The last one ends just where the window begins.
        assert_eq!(on("2010-01-01", Some("FREQ=DAILY;UNTIL=20261024")), Some(Outside::Past));
        assert_eq!(on("2010-01-01", Some("FREQ=DAILY;UNTIL=20261025")), None);
        assert_eq!(on("2027-02-23", Some("FREQ=DAILY")), Some(Outside::Future));
    }

    #[test]
    fn a_series_is_in_the_window_while_a_moved_or_an_added_instance_of_it_is() {
        let now = "2026-11-24T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let window = Window { past_days: Some(30), future_days: Some(90) };
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let series = |first: &str| {
            let mut series =
                Series::single(Uid::new("u"), Event::new("x", Span::days(day(first), day(first))));
            let rule = "FREQ=DAILY;COUNT=10".parse().unwrap();
            series.recurrence = Some(Recurrence { rule, dates: BTreeSet::default() });
            series
        };
        let with_moved = |first: &str, to: &str| {
            let mut series = series(first);
            let key = RecurrenceId::of(&series.event.span.start, day(first).and_time(chrono::NaiveTime::MIN));
            let span = Some(Span::days(day(to), day(to)));
            series.overrides.insert(key, Override::Changed(Overlay { span, ..Overlay::default() }));
            window.stops(&series, now)
        };
        assert_eq!(with_moved("2010-01-01", "2026-10-25"), None);
        assert_eq!(with_moved("2010-01-01", "2026-10-24"), Some(Outside::Past));
        assert_eq!(with_moved("2027-05-01", "2027-02-22"), None);
        assert_eq!(with_moved("2027-05-01", "2027-02-23"), Some(Outside::Future));
        let with_added = |date: &str| {
            let mut series = series("2010-01-01");
            let added = day(date).and_time(chrono::NaiveTime::MIN);
            let added = RecurrenceId::of(&series.event.span.start, added);
            series.recurrence.as_mut().unwrap().dates.insert(added);
            window.stops(&series, now)
        };
        assert_eq!(with_added("2026-10-25"), None);
        assert_eq!(with_added("2026-10-24"), Some(Outside::Past));
    }
}
