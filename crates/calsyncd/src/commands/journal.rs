//! `journal`: every write that was made, with what was there before, and taking it back.

use calsync_core::ids::PairingId;
use calsync_core::link::Wish;
use calsync_core::source::WriteOp;
use calsync_core::store::{EntryId, Erased, JournalEntry, JournalQuery, RoundId, StateStore as _};
use calsync_core::sync::Action;
use calsync_store::{PairingStore as _, SqliteStore};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::cells::{self, Cells};
use super::held::time;
use super::orders::{self, Wishes, look};
use super::{Answer, Complaint, Context, Exit, print, print_json, show, status, waiting};
use crate::cli::{self, JournalCommand, UndoArgs};
use crate::config::Config;
use crate::fields::side_word;
use crate::texts::{Lang, Message, OrderText as T};
use crate::{clock, duration};

pub(super) async fn run(context: &Context, command: &JournalCommand) -> Answer {
    let (config, store) = look(context).await?;
    match command {
        JournalCommand::List { choice, link, round, since, limit } => {
            let query = JournalQuery {
                link: *link,
                round: round.map(RoundId),
                since: since.as_deref().map(|text| point(text, "since", &config)).transpose()?,
                ..JournalQuery::newest(*limit)
            };
            let mut entries = Vec::new();
            for pairing in pairings(&store, choice.pairing.as_ref()).await? {
                let found = store.journal_entries(&pairing, &query).await?;
                entries.extend(found.into_iter().map(|entry| (pairing.clone(), entry)));
            }
            // The numbers are those of the file, whatever the pairing.
            entries.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.id));
            entries.truncate(*limit);
            list(&entries, choice.json, context.lang);
        }
        JournalCommand::Show { entry, choice } => {
            let pairings = pairings(&store, choice.pairing.as_ref()).await?;
            let (pairing, entry) = one(&store, &pairings, *entry).await?;
            if choice.json {
                print_json(&whole_json(&pairing, &entry));
            } else {
                print(&whole_text(&pairing, &entry, context.lang));
            }
        }
        JournalCommand::Undo(args) => return undo(context, &config, store, args).await,
        JournalCommand::Erase { pairing, before, yes } => {
            let before = before.as_deref().map(|text| point(text, "before", &config)).transpose()?;
            let name = known(&store, pairing).await?;
            super::pairing::confirm(context, *yes, &Message::new(T::AskErase).with("name", pairing))?;
            let count = store.erase_journal(&name, before, clock::now()).await?;
            context.tell(&Message::new(T::Erased).with("name", pairing).with("count", count));
        }
    }
    Ok(Exit::Good)
}

/// The pairings whose journals are asked for. One that was removed has its journal still.
async fn pairings(store: &SqliteStore, name: Option<&String>) -> Result<Vec<PairingId>, Complaint> {
    match name {
        Some(name) => Ok(vec![known(store, name).await?]),
        None => Ok(store.pairings().await?.into_iter().map(|record| record.id).collect()),
    }
}

async fn known(store: &SqliteStore, name: &str) -> Result<PairingId, Complaint> {
    let id = PairingId::new(name);
    if store.journal_entries(&id, &JournalQuery::newest(1)).await?.is_empty() {
        super::find(store, name).await?;
    }
    Ok(id)
}

async fn one(
    store: &SqliteStore,
    pairings: &[PairingId],
    number: u64,
) -> Result<(PairingId, JournalEntry), Complaint> {
    let found = orders::entry(store, pairings, EntryId(number)).await?;
    found.ok_or_else(|| Complaint::Usage(Message::new(T::NoEntry).with("number", number)))
}

/// A point in time as people write it: `2026-11-24T08:00:00Z`, `2026-11-24 08:00` or `2026-11-24` in the zone of the
/// calendars, or how long ago, `2h`.
fn point(text: &str, option: &str, config: &Config) -> Result<DateTime<Utc>, Complaint> {
    let local = |at: NaiveDateTime| config.exchange.time_zone.to_utc(at);
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.with_timezone(&Utc));
    }
    for form in ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, form) {
            return Ok(local(at));
        }
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(local(day.and_time(NaiveTime::MIN)));
    }
    let ago = duration::parse(text).and_then(|ago| TimeDelta::from_std(ago).ok());
    ago.and_then(|ago| clock::now().checked_sub_signed(ago)).ok_or_else(|| {
        Complaint::Usage(cli::bad_value(
            option,
            text,
            "2026-11-24, 2026-11-24 08:00, 2026-11-24T07:00:00Z, 2h",
        ))
    })
}

/// Why an entry cannot be undone, if so.
pub(super) fn cannot_undo(entry: &JournalEntry) -> Option<Message> {
    let text = match (&entry.erased, entry.is_carried_out()) {
        (Some(_), _) => T::SkippedErased,
        (None, false) => T::SkippedNotDone,
        (None, true) => return None,
    };
    Some(Message::new(text).with("number", entry.id))
}

async fn undo(context: &Context, config: &Config, store: SqliteStore, args: &UndoArgs) -> Answer {
    let UndoArgs { entries: numbers, round, since, pairing, dry_run, json } = args;
    let mut entries: Vec<(PairingId, JournalEntry)> = Vec::new();
    if !numbers.is_empty() && round.is_none() && since.is_none() {
        let pairings = pairings(&store, pairing.as_ref()).await?;
        for number in numbers {
            entries.push(one(&store, &pairings, *number).await?);
        }
        entries.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.id));
        entries.dedup_by_key(|(_, entry)| entry.id);
    } else {
        let (Some(name), true, true) = (pairing, numbers.is_empty(), round.is_some() || since.is_some())
        else {
            return Err(Complaint::Usage(Message::new(T::UndoWhat)));
        };
        let record = super::find(&store, name).await?;
        let query = JournalQuery {
            round: round.map(RoundId),
            since: since.as_deref().map(|text| point(text, "since", config)).transpose()?,
            ..JournalQuery::default()
        };
        let found = store.journal_entries(&record.id, &query).await?;
        entries.extend(found.into_iter().map(|entry| (record.id.clone(), entry)));
    }
    let mut wishes = Wishes::default();
    let mut so_far = Exit::Good;
    for (pairing, entry) in entries {
        match cannot_undo(&entry) {
            Some(why) => {
                so_far = Exit::Incomplete;
                context.warn(&why);
            }
            None => wishes.add(&pairing, Wish::Undo(Box::new(entry))),
        }
    }
    if wishes.is_empty() {
        if *json {
            print_json(&json!({ "result": orders::result_word(so_far), "pairings": [] }));
        } else {
            context.tell(&Message::new(T::UndoNothing));
        }
        return Ok(so_far);
    }
    if *dry_run {
        orders::preview(context, config, store, wishes, *json, so_far).await
    } else {
        orders::place(context, config, store, wishes, *json, so_far).await
    }
}

fn list(entries: &[(PairingId, JournalEntry)], as_json: bool, lang: Lang) {
    if as_json {
        let rows: Vec<Value> =
            entries.iter().map(|(pairing, entry)| Value::Object(facts(pairing, entry))).collect();
        print_json(&json!({ "entries": rows }));
        return;
    }
    if entries.is_empty() {
        print(&format!("{}\n", lang.say(T::NoEntries)));
        return;
    }
    let head = [
        T::ColumnEntry,
        T::ColumnRound,
        T::ColumnAt,
        T::ColumnPairing,
        T::ColumnWhat,
        T::ColumnSubject,
        T::ColumnWhy,
        T::ColumnOutcome,
    ];
    let mut table = vec![head.map(|text| lang.say(text).to_owned()).to_vec()];
    table.extend(entries.iter().map(|(pairing, entry)| {
        let series = entry.before.clone().or_else(|| entry.after());
        vec![
            entry.id.to_string(),
            entry.round.to_string(),
            time(entry.at),
            pairing.as_str().to_owned(),
            what(entry).to_text(lang),
            series.map_or_else(|| "-".to_owned(), |series| cells::title(&series, lang).1),
            why(entry, lang),
            outcome(entry).to_text(lang),
        ]
    }));
    print(&status::columns(&table));
}

/// What the write does, as plans say it.
fn what(entry: &JournalEntry) -> Message {
    show::action(match entry.write.op {
        WriteOp::Create { .. } => Action::Create(entry.side),
        WriteOp::Update { .. } => Action::Update(entry.side),
        WriteOp::Delete { .. } => Action::Delete(entry.side),
    })
}

fn why(entry: &JournalEntry, lang: Lang) -> String {
    let reason = waiting::known(&entry.reason).map(|reason| show::reason(&reason).to_text(lang));
    reason.unwrap_or_else(|| entry.reason.clone())
}

fn outcome(entry: &JournalEntry) -> Message {
    match entry.outcome.as_deref() {
        None => Message::new(T::OutcomeOpen),
        Some(JournalEntry::CARRIED_OUT) => Message::new(T::OutcomeDone),
        Some(JournalEntry::CARRIED_OUT_LATE) => Message::new(T::OutcomeDoneLate),
        Some(JournalEntry::NOT_CARRIED_OUT) => Message::new(T::OutcomeNot),
        Some(other) => Message::new(T::OutcomeOther).with("outcome", other),
    }
}

pub(super) fn erased(erased: &Erased) -> Message {
    Message::new(T::EntryErased).with("at", time(erased.at)).with("paths", erased.paths.join(", "))
}

fn facts(pairing: &PairingId, entry: &JournalEntry) -> serde_json::Map<String, Value> {
    let word = match entry.write.op {
        WriteOp::Create { .. } => "create",
        WriteOp::Update { .. } => "update",
        WriteOp::Delete { .. } => "delete",
    };
    let facts: [(&str, Value); 13] = [
        ("entry", json!(entry.id.0)),
        ("round", json!(entry.round.0)),
        ("at", json!(time(entry.at))),
        ("pairing", json!(pairing.as_str())),
        ("side", json!(side_word(entry.side))),
        ("action", json!(word)),
        ("link", json!(entry.write.link.to_string())),
        ("reason", json!(entry.reason)),
        ("outcome", json!(entry.outcome)),
        ("carried_out", json!(entry.is_carried_out())),
        ("paths", json!(entry.paths())),
        ("lost", json!(entry.losing.as_ref().map(|losing| &losing.paths))),
        ("erased", json!(entry.erased.as_ref().map(|erased| time(erased.at)))),
    ];
    facts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Before and after of an entry.
fn versions(entry: &JournalEntry) -> (Cells, Cells) {
    let before = entry.before.as_ref().map(Cells::of).unwrap_or_default();
    (before, entry.after().as_ref().map(Cells::of).unwrap_or_default())
}

fn whole_json(pairing: &PairingId, entry: &JournalEntry) -> Value {
    let (before, after) = versions(entry);
    let mut document = facts(pairing, entry);
    document.insert("before".to_owned(), entry.before.as_ref().map_or(Value::Null, |_| before.to_json()));
    let after = entry.after().map_or(Value::Null, |_| after.to_json());
    document.insert("after".to_owned(), after);
    Value::Object(document)
}

fn whole_text(pairing: &PairingId, entry: &JournalEntry, lang: Lang) -> String {
    let head = Message::new(T::EntryHead)
        .with("pairing", pairing)
        .with("entry", entry.id)
        .with("round", entry.round)
        .with("at", time(entry.at))
        .with("link", entry.write.link)
        .with_message("what", what(entry));
    let mut lines = vec![
        head.to_text(lang),
        Message::new(T::EntryWhy).with("why", why(entry, lang)).to_text(lang),
        Message::new(T::EntryOutcome).with_message("outcome", outcome(entry)).to_text(lang),
    ];
    lines.extend(entry.erased.as_ref().map(|gone| erased(gone).to_text(lang)));
    let (before, after) = versions(entry);
    let paths: Vec<&str> = Cells::paths(&[&before, &after])
        .into_iter()
        .filter(|path| before.get(path) != after.get(path))
        .collect();
    let names = [T::VersionBefore, T::VersionAfter].map(|text| lang.say(text).to_owned());
    let versions: Vec<(String, &Cells)> = names.into_iter().zip([&before, &after]).collect();
    let is_lost =
        |path: &str| entry.losing.as_ref().is_some_and(|losing| losing.paths.iter().any(|lost| lost == path));
    let mark = |path: &str| is_lost(path).then(|| Message::new(T::Lost));
    lines.join("\n") + "\n" + &cells::compare(&paths, &versions, mark, lang)
}
