//! Our expansion of recurrence rules beside that of libical, in one run.
//!
//! ```text
//! benches/expand-vs-libical.sh          builds both and runs this
//! expand_vs_libical PEER                PEER is the program of peers/libical.c
//! ```
//!
//! For each rule both list the same occurrences, which is checked, in turns and several times over; the best time of each
//! counts, since whatever else the machine does can only make a run slower. Fails when we take longer than libical per
//! occurrence, or when a window twenty years after the start of a series costs more than three times one at its start.
//!
//! Without PEER only the windows are checked.

#![allow(clippy::print_stdout, reason = "this is a program, and what it measures is its output")]
#![allow(clippy::cast_precision_loss, reason = "nanoseconds as a ratio")]

use std::error::Error;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use calsync_core::recur::{Rule, SeriesTimes, expand};
use calsync_core::zone::Zone;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// How often each is measured, in turns.
const TURNS: usize = 5;
/// How long one measurement goes on.
const LONG_ENOUGH: Duration = Duration::from_millis(100);
/// What a window twenty years on may cost, as a multiple of the same window at the start.
const WINDOW_FACTOR: f64 = 3.0;
const ZONE: &str = "Europe/Berlin";
const FIRST_YEAR: i32 = 2005;

/// Name, rule, years. The first three are what has to be at least as fast; the others are told.
const SERIES: [(&str, &str, i32); 7] = [
    ("weekly, 10 years", "FREQ=WEEKLY", 10),
    ("daily, 30 years", "FREQ=DAILY", 30),
    ("last weekday of the month, 30 years", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", 30),
    ("weekly MO,WE,FR, 10 years", "FREQ=WEEKLY;BYDAY=MO,WE,FR", 10),
    ("day 30 or last, 30 years", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", 30),
    ("second Tuesday, 30 years", "FREQ=MONTHLY;BYDAY=2TU", 30),
    ("yearly, 30 years", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=3", 30),
];
const MUST: usize = 3;

/// Name and rule of the windows.
const WINDOWS: [(&str, &str); 6] = [
    ("daily", "FREQ=DAILY"),
    ("weekly MO,WE, every second", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE"),
    ("last weekday of the month", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
    ("daily, counted", "FREQ=DAILY;COUNT=9999"),
    ("weekly MO,WE, counted", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=9999"),
    ("last weekday, counted", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=999"),
];

/// What one expansion gave: occurrences, the exclusive or of their seconds, and its best time in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Measured {
    count: u64,
    sum: i64,
    best: f64,
}

impl Measured {
    fn better(self, other: Option<Measured>) -> Measured {
        Measured { best: other.map_or(self.best, |other| self.best.min(other.best)), ..self }
    }

    fn each(self) -> f64 {
        self.best / self.count.max(1) as f64
    }
}

/// Nine o'clock on the third of January, in 2005 a Monday.
fn at(year: i32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, 1, 3).unwrap_or_default().and_time(NaiveTime::MIN) + TimeDelta::hours(9)
}

/// Repeats `once` for a while and keeps the best time.
fn measure(once: impl Fn() -> (u64, i64)) -> Measured {
    let begin = Instant::now();
    let mut best: Option<Measured> = None;
    let mut runs = 0;
    while runs < 3 || begin.elapsed() < LONG_ENOUGH {
        let started = Instant::now();
        let (count, sum) = once();
        let took = started.elapsed().as_nanos() as f64;
        best = Some(Measured { count, sum, best: took }.better(best));
        runs += 1;
    }
    best.unwrap_or(Measured { count: 0, sum: 0, best: 0.0 })
}

/// All occurrences of some years, as the clock shows them or in UTC.
fn ours(rule: &Rule, years: i32, zone: Option<&Zone>) -> Measured {
    measure(|| {
        let occurrences =
            black_box(rule).occurrences(at(FIRST_YEAR), None).ending_before(at(FIRST_YEAR + years));
        occurrences.fold((0, 0), |(count, sum), local| {
            let seconds = match zone {
                Some(zone) => zone.to_utc(local).timestamp(),
                None => local.and_utc().timestamp(),
            };
            (count + 1, sum ^ black_box(seconds))
        })
    })
}

/// One year of a series, cut out as the engine does it.
fn window(rule: &Rule, year: i32) -> Measured {
    measure(|| {
        let series = SeriesTimes {
            start: at(FIRST_YEAR),
            all_day: false,
            zone: None,
            rule: Some(black_box(rule)),
            rdates: &[],
            exdates: &[],
        };
        let starts = expand(series, at(year)..at(year + 1), 1000).starts;
        let count = starts.len() as u64;
        (count, starts.into_iter().fold(0, |sum, local| sum ^ local.and_utc().timestamp()))
    })
}

fn theirs(
    peer: &str,
    rule: &str,
    from: i32,
    end: i32,
    zone: Option<&str>,
) -> Result<Measured, Box<dyn Error>> {
    let text = |year| at(year).format("%Y%m%dT%H%M%S").to_string();
    let output =
        Command::new(peer).args([rule, &text(FIRST_YEAR), &text(from), &text(end)]).args(zone).output()?;
    if !output.status.success() {
        return Err(format!("{rule}: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    let line = String::from_utf8(output.stdout)?;
    let mut words = line.split_whitespace();
    let mut word = || words.next().ok_or("the peer printed too little");
    Ok(Measured { count: word()?.parse()?, sum: word()?.parse()?, best: word()?.parse()? })
}

/// Prints the table of whole series; `false` when one that must be as fast is not.
fn whole_series(peer: &str) -> Result<bool, Box<dyn Error>> {
    let berlin = Zone::new(ZONE)?;
    let mut good = true;
    println!("{:<38} {:>6} {:>11} {:>11} {:>8}", "series", "dates", "ours ns", "libical ns", "ratio");
    for (utc, zone) in [("", None), (", UTC", Some(&berlin))] {
        for (k, (name, text, years)) in SERIES.into_iter().enumerate() {
            let rule: Rule = text.parse()?;
            let (mut our, mut their) = (None, None);
            for _ in 0..TURNS {
                our = Some(ours(&rule, years, zone).better(our));
                let measured = theirs(peer, text, FIRST_YEAR, FIRST_YEAR + years, zone.map(|_| ZONE))?;
                their = Some(measured.better(their));
            }
            let (Some(our), Some(their)) = (our, their) else { return Ok(false) };
            if (our.count, our.sum) != (their.count, their.sum) {
                return Err(format!("{name}: we list {our:?}, libical {their:?}").into());
            }
            let ratio = their.each() / our.each();
            let slow = k < MUST && ratio < 1.0;
            good &= !slow;
            println!(
                "{:<38} {:>6} {:>11.1} {:>11.1} {ratio:>7.1}x{}",
                format!("{name}{utc}"),
                our.count,
                our.each(),
                their.each(),
                if slow { "  slower than libical" } else { "" }
            );
        }
    }
    Ok(good)
}

/// Prints the table of windows; `false` when one far away costs too much.
fn windows(peer: Option<&str>) -> Result<bool, Box<dyn Error>> {
    let mut good = true;
    println!(
        "{:<38} {:>11} {:>11} {:>8}   libical",
        "window of a year", "at start ns", "20 y on ns", "factor"
    );
    for (name, text) in WINDOWS {
        let rule: Rule = text.parse()?;
        let (mut near, mut far) = (None, None);
        for _ in 0..TURNS {
            near = Some(window(&rule, FIRST_YEAR).better(near));
            far = Some(window(&rule, FIRST_YEAR + 20).better(far));
        }
        let (Some(near), Some(far)) = (near, far) else { return Ok(false) };
        // libical cannot seek in a rule with a count.
        let sought = match peer.filter(|_| !text.contains("COUNT")) {
            Some(peer) => {
                let their = theirs(peer, text, FIRST_YEAR + 20, FIRST_YEAR + 21, None)?;
                if (their.count, their.sum) != (far.count, far.sum) {
                    return Err(format!("{name}, 20 years on: we list {far:?}, libical {their:?}").into());
                }
                format!("{:.0} ns", their.best)
            }
            None => "-".to_owned(),
        };
        // A window at the start may be a few dates shorter or longer than one later.
        let factor = far.best / near.best;
        let slow = factor > WINDOW_FACTOR;
        good &= !slow;
        println!(
            "{name:<38} {:>11.0} {:>11.0} {factor:>8.2}   {sought}{}",
            near.best,
            far.best,
            if slow { "  more than 3 times" } else { "" }
        );
    }
    Ok(good)
}

fn run() -> Result<bool, Box<dyn Error>> {
    let peer = std::env::args().nth(1);
    let series = match &peer {
        Some(peer) => whole_series(peer)?,
        None => true,
    };
    let windows = windows(peer.as_deref())?;
    Ok(series && windows)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => {
            println!("1 passed: as fast as wanted");
            ExitCode::SUCCESS
        }
        Ok(false) => {
            println!("0 passed, 1 failed: too slow, see above");
            ExitCode::FAILURE
        }
        Err(why) => {
            println!("0 passed, 1 failed: {why}");
            ExitCode::FAILURE
        }
    }
}
