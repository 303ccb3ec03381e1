//! Expands recurring series: one JSON object a line in, one a line out.
//!
//! ```text
//! cargo run --release --example expand < series.jsonl
//! {"id":1,"dtstart":"20261102T090000","tzid":"Europe/Berlin","rrule":"FREQ=DAILY","window":["20261101T000000","20261104T000000"]}
//! {"id":1,"occurrences":["20261102T090000","20261103T090000"]}
//! ```
//!
//! `tzid` is an IANA name, or null for floating times and all-day series; `all_day`, `rdates` and `exdates` may be left
//! out. All times are wall-clock times of the zone, dates (`20261102`) with `all_day`; the end of `window` is exclusive.
//! A line that cannot be read is answered with `error`, and the exit status is 1 then.

use std::io::{self, BufRead as _, BufWriter, Write as _};
use std::process::ExitCode;

use calsync_core::recur::{Rule, SeriesTimes, expand};
use calsync_core::zone::Zone;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More than any calendar window holds, and a limit all the same.
const LIMIT: usize = 1_000_000;

#[derive(Deserialize)]
struct Series {
    dtstart: String,
    tzid: Option<Zone>,
    #[serde(default)]
    all_day: bool,
    rrule: Option<Rule>,
    rdates: Option<Vec<String>>,
    exdates: Option<Vec<String>>,
    window: (String, String),
}

#[derive(Serialize)]
struct Answer {
    id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurrences: Option<Vec<String>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

type Error = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut status = ExitCode::SUCCESS;
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let (id, result) = match serde_json::from_str::<Value>(&line) {
            Ok(value) => (value.get("id").cloned().unwrap_or_default(), starts(value)),
            Err(error) => (Value::Null, Err(error.into())),
        };
        let answer = match result {
            Ok((occurrences, truncated)) => {
                Answer { id, occurrences: Some(occurrences), truncated, error: None }
            }
            Err(error) => {
                status = ExitCode::FAILURE;
                Answer { id, occurrences: None, truncated: false, error: Some(error.to_string()) }
            }
        };
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(status)
}

fn starts(line: Value) -> Result<(Vec<String>, bool), Error> {
    let series: Series = serde_json::from_value(line)?;
    let zone = series.tzid.as_ref();
    let read_all = |list: Option<Vec<String>>| -> Result<Vec<NaiveDateTime>, Error> {
        list.unwrap_or_default().iter().map(|text| read(text, zone)).collect()
    };
    let (rdates, exdates) = (read_all(series.rdates)?, read_all(series.exdates)?);
    let times = SeriesTimes {
        start: read(&series.dtstart, zone)?,
        all_day: series.all_day,
        zone,
        rule: series.rrule.as_ref(),
        rdates: &rdates,
        exdates: &exdates,
    };
    let expansion = expand(times, read(&series.window.0, zone)?..read(&series.window.1, zone)?, LIMIT);
    let format = if series.all_day { "%Y%m%d" } else { "%Y%m%dT%H%M%S" };
    let starts = expansion.starts.iter().map(|at| at.format(format).to_string()).collect();
    Ok((starts, expansion.truncated))
}

/// A date, a wall-clock time, or an instant (`Z`), as wall-clock time.
fn read(text: &str, zone: Option<&Zone>) -> Result<NaiveDateTime, Error> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y%m%d") {
        return Ok(date.and_time(NaiveTime::MIN));
    }
    let (digits, utc) = text.strip_suffix('Z').map_or((text, false), |digits| (digits, true));
    let at = NaiveDateTime::parse_from_str(digits, "%Y%m%dT%H%M%S")
        .map_err(|_| format!("{text:?} is neither YYYYMMDD nor YYYYMMDDTHHMMSS"))?;
    Ok(match zone {
        Some(zone) if utc => zone.to_local(DateTime::from_naive_utc_and_offset(at, Utc)),
        _ => at,
    })
}
