//! The clock that a zone definition describes: which offset holds when.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, Utc, Weekday};

use crate::wire::{DayOfWeek, DayOfWeekIndex};
use crate::wire::{MeetingTimeZone, Target, TimeChange, TransitionTime, ZoneDefinition};

/// Offsets and changes in some span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    /// The offset at its beginning.
    pub before: FixedOffset,
    /// When the offset changes, and to what.
    pub changes: Vec<(DateTime<Utc>, FixedOffset)>,
}

/// The clock of a zone that is given by rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Rules by the local time from which they hold; never empty.
    eras: BTreeMap<NaiveDateTime, Vec<Yearly>>,
}

/// The clock is set once a year, or (`when` is `None`) is simply so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Yearly {
    when: Option<When>,
    minutes: i32,
    offset: FixedOffset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// The n-th weekday of a month; -1 is the last.
    Day { month: u32, weekday: Weekday, nth: i32 },
    /// A date of each year.
    Date { month: u32, day: u32 },
}

impl When {
    fn in_year(self, year: i32) -> Option<NaiveDate> {
        match self {
            Self::Date { month, day } => NaiveDate::from_ymd_opt(year, month, day),
            Self::Day { month, weekday, nth: nth @ 1..=5 } => {
                let nth = u8::try_from(nth).ok()?;
                // Windows writes 5 for the last one, too.
                (1..=nth)
                    .rev()
                    .find_map(|nth| NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth))
            }
            Self::Day { month, weekday, nth: -1 } => Self::Day { month, weekday, nth: 5 }.in_year(year),
            Self::Day { .. } => None,
        }
    }
}

impl Clock {
    /// The clock of a full definition; `None` if it has no rules or they contradict themselves.
    pub fn of_definition(definition: &ZoneDefinition) -> Option<Self> {
        let offset = |id: &str| {
            let period = definition.periods.iter().find(|period| period.id == id)?;
            bias(period.bias_minutes)
        };
        let yearly = |transition: &crate::wire::Transition| -> Option<Yearly> {
            let Target::Period(period) = &transition.to else { return None };
            let offset = offset(period)?;
            Some(match &transition.at {
                TransitionTime::Always => Yearly { when: None, minutes: 0, offset },
                TransitionTime::YearlyDay { month, day, occurrence, minutes } => {
                    let when = When::Day { month: *month, weekday: weekday(day)?, nth: *occurrence };
                    Yearly { when: Some(when), minutes: *minutes, offset }
                }
                TransitionTime::YearlyDate { month, day, minutes } => {
                    Yearly { when: Some(When::Date { month: *month, day: *day }), minutes: *minutes, offset }
                }
                TransitionTime::Date(_) => return None,
            })
        };
        let mut eras = BTreeMap::new();
        for transition in &definition.transitions {
            let from = match &transition.at {
                TransitionTime::Always => NaiveDateTime::MIN,
                TransitionTime::Date(text) => text.parse().ok()?,
                _ => return None,
            };
            let rules = match &transition.to {
                Target::Period(id) => vec![Yearly { when: None, minutes: 0, offset: offset(id)? }],
                Target::Group(id) => {
                    let group = definition.groups.iter().find(|group| group.id == *id)?;
                    group.transitions.iter().map(yearly).collect::<Option<Vec<_>>>()?
                }
            };
            eras.insert(from, rules);
        }
        if eras.is_empty()
            && let [period] = definition.periods.as_slice()
        {
            let only = Yearly { when: None, minutes: 0, offset: bias(period.bias_minutes)? };
            eras.insert(NaiveDateTime::MIN, vec![only]);
        }
        let complete = !eras.is_empty() && eras.values().all(|rules| !rules.is_empty());
        complete.then_some(Self { eras })
    }

    /// The clock of a `MeetingTimeZone`; `None` if it says nothing about offsets, or gives fixed dates.
    pub fn of_meeting(zone: &MeetingTimeZone) -> Option<Self> {
        let base = zone.base_offset_minutes?;
        let yearly = |change: &TimeChange| -> Option<Yearly> {
            let rule = change.rule.as_ref().filter(|_| change.date.is_none())?;
            let nth = match rule.index {
                DayOfWeekIndex::First => 1,
                DayOfWeekIndex::Second => 2,
                DayOfWeekIndex::Third => 3,
                DayOfWeekIndex::Fourth => 4,
                DayOfWeekIndex::Last => -1,
                DayOfWeekIndex::Other(_) => return None,
            };
            let month = crate::recurrence::month_number(&rule.month)?;
            Some(Yearly {
                when: Some(When::Day { month, weekday: weekday(&rule.day)?, nth }),
                minutes: change.minutes,
                offset: bias(base.checked_add(change.offset_minutes)?)?,
            })
        };
        let rules = match (&zone.standard, &zone.daylight) {
            (Some(standard), Some(daylight)) => vec![yearly(standard)?, yearly(daylight)?],
            (Some(only), None) => {
                let offset = bias(base.checked_add(only.offset_minutes)?)?;
                vec![Yearly { when: None, minutes: 0, offset }]
            }
            _ => vec![Yearly { when: None, minutes: 0, offset: bias(base)? }],
        };
        Some(Self { eras: BTreeMap::from([(NaiveDateTime::MIN, rules)]) })
    }

    /// What the clock does from `from` until `to`; `None` when a rule names a day that does not exist, or the span is
    /// longer than any series.
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Between> {
        let (first, last) = (from.year().checked_sub(1)?, to.year().checked_add(1)?);
        if !(0..1000).contains(&last.checked_sub(first)?) {
            return None;
        }
        // Every setting of the clock, by local time of the clock as it was until then.
        let mut settings: BTreeMap<NaiveDateTime, FixedOffset> = BTreeMap::new();
        let mut eras = self.eras.iter().peekable();
        while let Some((begin, rules)) = eras.next() {
            let end = eras.peek().map_or(NaiveDateTime::MAX, |(end, _)| **end);
            let begin = (*begin).max(NaiveDate::from_ymd_opt(first, 1, 1)?.and_time(chrono::NaiveTime::MIN));
            if end <= begin {
                continue;
            }
            settings.insert(begin, state_at(rules, begin)?);
            for year in begin.year()..=last.min(end.year()) {
                for rule in rules {
                    if let Some(at) = rule.in_year(year)?
                        && (begin..end).contains(&at)
                    {
                        settings.insert(at, rule.offset);
                    }
                }
            }
        }
        let mut settings = settings.into_iter();
        let (_, mut offset) = settings.next()?;
        let mut before = offset;
        let mut changes = Vec::new();
        for (local, new) in settings {
            let at: DateTime<Utc> = local.and_local_timezone(offset).single()?.to_utc();
            if at <= from {
                before = new;
            } else if at < to && new != offset {
                changes.push((at, new));
            }
            offset = new;
        }
        Some(Between { before, changes })
    }
}

impl Yearly {
    /// Local time of the change in a year; the inner `None` when there is no change.
    #[allow(clippy::option_option, reason = "a rule that does not change is not a rule that names no day")]
    fn in_year(&self, year: i32) -> Option<Option<NaiveDateTime>> {
        let Some(when) = self.when else { return Some(None) };
        let midnight = when.in_year(year)?.and_time(chrono::NaiveTime::MIN);
        Some(Some(midnight.checked_add_signed(TimeDelta::minutes(i64::from(self.minutes)))?))
    }
}

/// The offset that holds at a time: that of the change before it, in that year or the year before.
fn state_at(rules: &[Yearly], at: NaiveDateTime) -> Option<FixedOffset> {
    let mut latest: Option<(NaiveDateTime, FixedOffset)> = None;
    for rule in rules {
        let Some(now) = rule.in_year(at.year())? else { return Some(rule.offset) };
        let change = if now <= at { now } else { rule.in_year(at.year().checked_sub(1)?)?? };
        if latest.is_none_or(|(known, _)| known < change) {
            latest = Some((change, rule.offset));
        }
    }
    latest.map(|(_, offset)| offset)
}

/// Exchange counts from local time to UTC.
fn bias(minutes: i32) -> Option<FixedOffset> {
    FixedOffset::west_opt(minutes.checked_mul(60)?)
}

fn weekday(day: &DayOfWeek) -> Option<Weekday> {
    crate::recurrence::weekday(day)
}
