//! `status`: how the pairings are doing.

use std::collections::BTreeMap;

use calsync_core::link::HoldKind;
use calsync_core::store::{Counts, StateStore as _};
use calsync_store::{PairingRecord, PairingStore as _, RunOutcome, RunRecord};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::waiting::Waiting;
use super::{Answer, Complaint, Context, Exit, held, open_shared, orders, print, print_json, show};
use crate::config::Config;
use crate::engine::Finished;
use crate::service::Heartbeat;
use crate::texts::{Lang, Message, OutputText as T};

struct Row {
    record: PairingRecord,
    counts: Counts,
    first_sync_done: bool,
    last: Option<RunRecord>,
    waiting: Waiting,
    /// How many of each kind wait.
    kinds: BTreeMap<&'static str, u64>,
}

impl Row {
    fn state(&self) -> State {
        match &self.last {
            _ if !self.record.enabled => State::Paused,
            None => State::Never,
            Some(last) if last.outcome == RunOutcome::Failed => State::Failed,
            Some(_) if self.counts.held > 0 || self.counts.failing > 0 => State::Attention,
            Some(_) if !self.first_sync_done => State::First,
            Some(_) => State::Good,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Paused,
    Never,
    First,
    Attention,
    Failed,
}

impl State {
    fn text(self) -> T {
        match self {
            State::Good => T::StateGood,
            State::Paused => T::StatePaused,
            State::Never => T::StateNever,
            State::First => T::StateFirst,
            State::Attention => T::StateAttention,
            State::Failed => T::StateFailed,
        }
    }

    fn word(self) -> &'static str {
        match self {
            State::Good => "ok",
            State::Paused => "paused",
            State::Never => "never",
            State::First => "first_sync",
            State::Attention => "attention",
            State::Failed => "failed",
        }
    }

    fn exit(self) -> Exit {
        match self {
            State::Good | State::Paused | State::Never | State::First => Exit::Good,
            State::Attention => Exit::Incomplete,
            State::Failed => Exit::Failed,
        }
    }
}

pub(super) async fn status(context: &Context, as_json: bool) -> Answer {
    let config = context.config()?;
    let rows = rows(&config).await?;
    let heartbeat = Heartbeat::read(&config.store.directory);
    let exit = rows.iter().map(|row| row.state().exit()).max().unwrap_or(Exit::Good);
    if as_json {
        print_json(&to_json(&rows, heartbeat.as_ref()));
    } else {
        print(&to_text(&rows, heartbeat.as_ref(), context.lang));
    }
    Ok(exit)
}

async fn rows(config: &Config) -> Result<Vec<Row>, Complaint> {
    if !config.store.directory.is_dir() {
        // Nothing was ever done here; looking must not create anything.
        return Ok(Vec::new());
    }
    let store = open_shared(config).await?;
    let mut last = store.last_runs().await?;
    let mut rows = Vec::new();
    for record in store.pairings().await? {
        let counts = store.counts(&record.id).await?;
        let first_sync_done = store.head(&record.id).await?.first_sync_done;
        let last = last.remove(&record.id);
        let waiting = match counts.held {
            0 => Waiting::default(),
            _ => Waiting::of_state(&store, &record.id).await?,
        };
        let mut kinds = BTreeMap::new();
        if counts.held > 0 {
            for (_, link) in orders::held(&store, std::slice::from_ref(&record)).await? {
                if let Some(hold) = link.hold {
                    *kinds.entry(hold.kind.as_str()).or_insert(0) += 1;
                }
            }
        }
        rows.push(Row { record, counts, first_sync_done, last, waiting, kinds });
    }
    Ok(rows)
}

fn to_text(rows: &[Row], heartbeat: Option<&Heartbeat>, lang: Lang) -> String {
    let service = match heartbeat {
        Some(beat) => {
            let detail = format!("{}, {}", beat.process, time(beat.started));
            Message::new(T::StatusRunning).with("detail", detail)
        }
        None => Message::new(T::StatusNotRunning),
    };
    let mut out = Message::new(T::StatusService).with_message("state", service).to_text(lang) + "\n";
    if rows.is_empty() {
        return out + lang.say(T::StatusNoPairings) + "\n";
    }
    let head =
        [T::ColumnPairing, T::ColumnState, T::ColumnLinked, T::ColumnHeld, T::ColumnFailing, T::ColumnLast];
    let mut table = vec![head.map(|text| lang.say(text).to_owned()).to_vec()];
    table.extend(rows.iter().map(|row| {
        let last = row.last.as_ref().map(|last| {
            let seconds = format!("{:.1}", last.duration().as_secs_f64());
            Message::new(T::LastRound).with("at", time(last.started)).with("seconds", seconds).to_text(lang)
        });
        vec![
            row.record.id.as_str().to_owned(),
            lang.say(row.state().text()).to_owned(),
            row.counts.linked.to_string(),
            held_cell(row, lang),
            row.counts.failing.to_string(),
            last.unwrap_or_else(|| "-".to_owned()),
        ]
    }));
    out.push_str(&columns(&table));
    for row in rows {
        let name = &row.record.id;
        let at = |text| Message::new(text).with("pairing", name);
        match row.state() {
            State::Failed => {
                let why = row.last.as_ref().and_then(|last| last.error.clone()).unwrap_or_default();
                let advice = match Finished::says_went_back(&why) {
                    Some(kind) => show::went_back(&kind).with("pairing", name),
                    None => at(T::SeeCheck),
                };
                out.push_str(&(at(T::LastFailure).with("why", why).to_text(lang) + "\n"));
                out = format!("{out}  {}\n", advice.to_text(lang));
            }
            State::Attention => {
                for (count, text) in [(row.counts.held, T::Held), (row.counts.failing, T::Failing)] {
                    if count > 0 {
                        let why = at(text).with("count", count).to_text(lang);
                        out.push_str(&(at(T::LastFailure).with("why", why).to_text(lang) + "\n"));
                    }
                }
                for advice in row.waiting.advice(name) {
                    out = format!("{out}  - {}\n", advice.to_text(lang));
                }
            }
            State::Good | State::Paused | State::Never | State::First => {}
        }
    }
    out
}

/// How many wait, and of what kind.
fn held_cell(row: &Row, lang: Lang) -> String {
    let of = |kind: &HoldKind| {
        let count = row.kinds.get(kind.as_str())?;
        Some(format!("{count} {}", held::kind(*kind).to_text(lang)))
    };
    let kinds: Vec<String> = HoldKind::ALL.iter().filter_map(of).collect();
    if kinds.is_empty() {
        row.counts.held.to_string()
    } else {
        format!("{} ({})", row.counts.held, kinds.join(", "))
    }
}

/// Cells in columns as wide as their widest cell.
pub(super) fn columns(table: &[Vec<String>]) -> String {
    let count = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        table.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut out = String::new();
    for row in table {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn to_json(rows: &[Row], heartbeat: Option<&Heartbeat>) -> Value {
    let pairings: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "pairing": row.record.id.as_str(),
                "unit": row.record.unit,
                "mailbox": row.record.mailbox,
                "enabled": row.record.enabled,
                "state": row.state().word(),
                "first_sync_done": row.first_sync_done,
                "linked": row.counts.linked,
                "held": row.counts.held,
                "held_by_kind": row.kinds,
                "waiting": row.waiting.to_json(),
                "failing": row.counts.failing,
                "last_round": row.last.as_ref().map(run_json),
            })
        })
        .collect();
    json!({ "service": heartbeat, "pairings": pairings })
}

fn run_json(run: &RunRecord) -> Value {
    json!({
        "started": run.started,
        "duration_ms": run.duration_ms,
        "result": run.outcome.as_str(),
        "first_sync": run.first_sync,
        "nvs": run.sides.a,
        "exchange": run.sides.b,
        "conflicts": run.conflicts,
        "error": run.error,
    })
}
