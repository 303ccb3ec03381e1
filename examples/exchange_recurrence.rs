//! Translates recurrences between Exchange and iCalendar: one JSON object a line in, one a line out.
//!
//! ```text
//! cargo run --example exchange_recurrence < recurrences.jsonl
//! {"id":1,"native":{"pattern":{"type":"AbsoluteMonthlyRecurrence","Interval":1,"DayOfMonth":31},"range":{"type":"NoEndRecurrence","StartDate":"2026-01-31"},"Start":"2026-01-31T09:00:00","IsAllDayEvent":false,"StartTimeZone":"W. Europe Standard Time"}}
//! {"id":1,"dtstart":"20260131T090000","rrule":"FREQ=MONTHLY;BYMONTHDAY=-1"}
//! {"id":2,"dtstart":"20260131T090000","tzid":"Europe/Berlin","all_day":false,"rrule":"FREQ=MONTHLY"}
//! {"id":2,"not_expressible":"skips months without day 29, 30 or 31, where Exchange takes the last day"}
//! ```
//!
//! `Start` and `dtstart` are wall-clock times; `StartTimeZone` is null for all-day series and where Windows has no such
//! zone. A line that cannot be read is answered with `error`, and the exit status
//! is 1 then.

use std::io::{self, BufRead as _, BufWriter, Write as _};
use std::process::ExitCode;

use calsync_core::recur::Rule;
use calsync_core::zone::Zone;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use ews_client::recurrence::{Series, to_exchange, to_rule};
use ews_client::wire::{DayOfWeek, DayOfWeekIndex, MonthName, Pattern, Range, Recurrence};
use ews_client::zones;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type Error = Box<dyn std::error::Error>;

#[derive(Deserialize)]
struct Ours {
    dtstart: String,
    tzid: Option<Zone>,
    #[serde(default)]
    all_day: bool,
    rrule: Rule,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Native {
    #[serde(rename = "pattern")]
    pattern: NativePattern,
    #[serde(rename = "range")]
    range: NativeRange,
    start: NaiveDateTime,
    is_all_day_event: bool,
    start_time_zone: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "type", rename_all_fields = "PascalCase")]
enum NativePattern {
    #[serde(rename = "DailyRecurrence")]
    Daily { interval: u32 },
    #[serde(rename = "WeeklyRecurrence")]
    Weekly {
        interval: u32,
        days_of_week: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        first_day_of_week: Option<String>,
    },
    #[serde(rename = "AbsoluteMonthlyRecurrence")]
    AbsoluteMonthly { interval: u32, day_of_month: u32 },
    #[serde(rename = "RelativeMonthlyRecurrence")]
    RelativeMonthly { interval: u32, days_of_week: String, day_of_week_index: String },
    #[serde(rename = "AbsoluteYearlyRecurrence")]
    AbsoluteYearly { day_of_month: u32, month: String },
    #[serde(rename = "RelativeYearlyRecurrence")]
    RelativeYearly { days_of_week: String, day_of_week_index: String, month: String },
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "type", rename_all_fields = "PascalCase")]
enum NativeRange {
    #[serde(rename = "NoEndRecurrence")]
    NoEnd { start_date: NaiveDate },
    #[serde(rename = "EndDateRecurrence")]
    EndDate { start_date: NaiveDate, end_date: NaiveDate },
    #[serde(rename = "NumberedRecurrence")]
    Numbered { start_date: NaiveDate, number_of_occurrences: u32 },
}

fn main() -> Result<ExitCode, Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut status = ExitCode::SUCCESS;
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let (id, result) = match serde_json::from_str::<Value>(&line) {
            Ok(value) => (value.get("id").cloned().unwrap_or_default(), answer(value)),
            Err(error) => (Value::Null, Err(error.into())),
        };
        let mut answer = result.unwrap_or_else(|error| {
            status = ExitCode::FAILURE;
            json!({ "error": error.to_string() })
        });
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("id".into(), id);
        }
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(status)
}

fn answer(mut line: Value) -> Result<Value, Error> {
    match line.get_mut("native") {
        Some(native) => from_native(serde_json::from_value(native.take())?),
        None => to_native(&serde_json::from_value(line)?),
    }
}

fn from_native(native: Native) -> Result<Value, Error> {
    let zone = match &native.start_time_zone {
        Some(id) => {
            Some(Zone::new(zones::iana_name(id, None).ok_or_else(|| format!("unknown zone {id:?}"))?)?)
        }
        None => None,
    };
    let series = Series { start: native.start, all_day: native.is_all_day_event, zone: zone.as_ref() };
    let recurrence = Recurrence { pattern: native.pattern.into(), range: native.range.into() };
    let found = to_rule(&recurrence, series)?;
    let format = if series.all_day { "%Y%m%d" } else { "%Y%m%dT%H%M%S" };
    Ok(json!({ "dtstart": found.start.format(format).to_string(), "rrule": found.rule }))
}

fn to_native(ours: &Ours) -> Result<Value, Error> {
    let start = match NaiveDate::parse_from_str(&ours.dtstart, "%Y%m%d") {
        Ok(date) => date.and_time(NaiveTime::MIN),
        Err(_) => NaiveDateTime::parse_from_str(&ours.dtstart, "%Y%m%dT%H%M%S")
            .map_err(|_| format!("dtstart {:?} is neither YYYYMMDD nor YYYYMMDDTHHMMSS", ours.dtstart))?,
    };
    let series = Series { start, all_day: ours.all_day, zone: ours.tzid.as_ref() };
    let found = match to_exchange(&ours.rrule, series, true) {
        Ok(found) => found,
        Err(reason) => return Ok(json!({ "not_expressible": reason.to_string() })),
    };
    let start_time_zone = ours.tzid.as_ref().and_then(|zone| zones::windows_id(zone.name())).map(Into::into);
    let native = Native {
        pattern: found.recurrence.pattern.try_into()?,
        range: found.recurrence.range.try_into()?,
        start: found.start,
        is_all_day_event: ours.all_day,
        start_time_zone,
    };
    Ok(json!({ "native": native }))
}

impl From<NativePattern> for Pattern {
    fn from(native: NativePattern) -> Self {
        use NativePattern as N;
        let day = |text: &String| DayOfWeek::from_wire(text);
        let (index, month) =
            (|text: &str| DayOfWeekIndex::from_wire(text), |text: &str| MonthName::from_wire(text));
        match native {
            N::Daily { interval } => Self::Daily { interval },
            N::Weekly { interval, days_of_week, first_day_of_week } => Self::Weekly {
                interval,
                days: days_of_week.iter().map(day).collect(),
                first_day: first_day_of_week.as_ref().map(day),
            },
            N::AbsoluteMonthly { interval, day_of_month } => {
                Self::AbsoluteMonthly { interval, day: day_of_month }
            }
            N::RelativeMonthly { interval, days_of_week, day_of_week_index } => {
                Self::RelativeMonthly { interval, days: day(&days_of_week), index: index(&day_of_week_index) }
            }
            N::AbsoluteYearly { day_of_month, month: name } => {
                Self::AbsoluteYearly { day: day_of_month, month: month(&name) }
            }
            N::RelativeYearly { days_of_week, day_of_week_index, month: name } => Self::RelativeYearly {
                days: day(&days_of_week),
                index: index(&day_of_week_index),
                month: month(&name),
            },
        }
    }
}

impl TryFrom<Pattern> for NativePattern {
    type Error = Error;

    fn try_from(pattern: Pattern) -> Result<Self, Error> {
        Ok(match pattern {
            Pattern::Daily { interval } => Self::Daily { interval },
            Pattern::Weekly { interval, days, first_day } => Self::Weekly {
                interval,
                days_of_week: days.iter().map(ToString::to_string).collect(),
                first_day_of_week: first_day.map(|day| day.to_string()),
            },
            Pattern::AbsoluteMonthly { interval, day } => {
                Self::AbsoluteMonthly { interval, day_of_month: day }
            }
            Pattern::RelativeMonthly { interval, days, index } => Self::RelativeMonthly {
                interval,
                days_of_week: days.to_string(),
                day_of_week_index: index.to_string(),
            },
            Pattern::AbsoluteYearly { day, month } => {
                Self::AbsoluteYearly { day_of_month: day, month: month.to_string() }
            }
            Pattern::RelativeYearly { days, index, month } => Self::RelativeYearly {
                days_of_week: days.to_string(),
                day_of_week_index: index.to_string(),
                month: month.to_string(),
            },
            other => return Err(format!("no calendar item has {other:?}").into()),
        })
    }
}

impl From<NativeRange> for Range {
    fn from(native: NativeRange) -> Self {
        match native {
            NativeRange::NoEnd { start_date: start } => Self::NoEnd { start },
            NativeRange::EndDate { start_date: start, end_date: end } => Self::EndDate { start, end },
            NativeRange::Numbered { start_date: start, number_of_occurrences: count } => {
                Self::Numbered { start, count }
            }
        }
    }
}

impl TryFrom<Range> for NativeRange {
    type Error = Error;

    fn try_from(range: Range) -> Result<Self, Error> {
        Ok(match range {
            Range::NoEnd { start } => Self::NoEnd { start_date: start },
            Range::EndDate { start, end } => Self::EndDate { start_date: start, end_date: end },
            Range::Numbered { start, count } => {
                Self::Numbered { start_date: start, number_of_occurrences: count }
            }
            other => return Err(format!("no calendar item has {other:?}").into()),
        })
    }
}
