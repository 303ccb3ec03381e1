//! `pairing ...`: which calendar unit goes with which mailbox.

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use calsync_core::drive::Clock as _;
use calsync_core::link::Wish;
use calsync_core::store::StateStore as _;
use calsync_store::{MailboxAccess, PairingRecord, PairingStore as _, SqliteStore};
use serde_json::{Map, Value, json};

use super::{Answer, Complaint, Context, Exit, find, open_shared, pairing_file, print, print_json, status};
use crate::cli::{FileFormat, Leader, PairingCommand, SettingArgs, bad_value};
use crate::clock::SystemClock;
use crate::config::{Access, Config};
use crate::fields::{self, KEYS};
use crate::texts::{Lang, Message, OrderText, PairingText as T};
use crate::{clock, duration};

pub(super) async fn pairing(context: &Context, command: &PairingCommand) -> Answer {
    let config = context.config()?;
    let store = open_shared(&config).await?;
    match command {
        PairingCommand::List { json } => list(context, &config, &store, *json).await?,
        PairingCommand::Show { name, json } => show(&find(&store, name).await?, *json),
        PairingCommand::Add { name, unit, mailbox, folder, paused, settings } => {
            let record = new_record(&config, [name, unit, mailbox], folder.as_deref(), settings)?;
            let record = PairingRecord { enabled: !paused, ..record };
            store.add_pairing(&record).await?;
            context.tell(&named(T::Added, name));
        }
        PairingCommand::Set { name, settings } => {
            let mut record = find(&store, name).await?;
            if settings.is_empty() {
                return Err(Complaint::Usage(Message::new(T::NothingToSet)));
            }
            let before = record.clone();
            settings.put_into(&mut record).map_err(Complaint::Usage)?;
            update(context, &store, &before, &record, T::Changed).await?;
        }
        PairingCommand::Pause { name } => enable(context, &store, name, false).await?,
        PairingCommand::Resume { name, lead: None } => enable(context, &store, name, true).await?,
        PairingCommand::Resume { name, lead: Some(lead) } => {
            choose(context, &store, name, *lead).await?;
        }
        PairingCommand::Remove { name, yes, erase } => {
            let record = find(&store, name).await?;
            confirm(context, *yes, &named(if *erase { T::AskRemoveErase } else { T::AskRemove }, name))?;
            store.remove_pairing(&record.id).await?;
            context.tell(&named(T::Removed, name));
            if *erase {
                let count = store.erase_journal(&record.id, None, clock::now()).await?;
                context.tell(&Message::new(OrderText::Erased).with("name", name).with("count", count));
            }
        }
        PairingCommand::Reset { name, yes } => {
            let record = find(&store, name).await?;
            confirm(context, *yes, &named(T::AskReset, name))?;
            store.reset(&record.id).await?;
            context.tell(&named(T::Reset, name));
        }
        PairingCommand::Import { file, format } => import(context, &config, &store, file, *format).await?,
        PairingCommand::Export { format } => {
            let records = store.pairings().await?;
            print(&match format {
                Some(FileFormat::Toml) => pairing_file::to_toml(&records),
                Some(FileFormat::Csv) | None => pairing_file::to_csv(&records),
            });
        }
    }
    Ok(Exit::Good)
}

fn named(text: T, name: &str) -> Message {
    Message::new(text).with("name", name)
}

fn new_record(
    config: &Config,
    [name, unit, mailbox]: [&String; 3],
    folder: Option<&str>,
    settings: &SettingArgs,
) -> Result<PairingRecord, Complaint> {
    let mut record = blank(config, name);
    let words =
        [("unit", unit.as_str()), ("mailbox", mailbox.as_str()), ("folder", folder.unwrap_or_default())];
    for (key, word) in words {
        fields::set(&mut record, key, word)
            .map_err(|wanted| Complaint::Usage(bad_value(key, word, &wanted)))?;
    }
    settings.put_into(&mut record).map_err(Complaint::Usage)?;
    Ok(record)
}

/// A new pairing, reached as the configuration says.
pub(super) fn blank(config: &Config, name: &str) -> PairingRecord {
    let access = match config.exchange.access {
        Access::Rights => MailboxAccess::Rights,
        Access::Impersonation => MailboxAccess::Impersonation,
    };
    PairingRecord { access, ..PairingRecord::new(name, "", "") }
}

async fn update(
    context: &Context,
    store: &SqliteStore,
    before: &PairingRecord,
    record: &PairingRecord,
    done: T,
) -> Result<(), Complaint> {
    if before == record {
        context.tell(&named(T::Unchanged, record.id.as_str()));
        return Ok(());
    }
    store.update_pairing(record).await?;
    context.tell(&named(done, record.id.as_str()));
    Ok(())
}

async fn enable(context: &Context, store: &SqliteStore, name: &str, enabled: bool) -> Result<(), Complaint> {
    let before = find(store, name).await?;
    let record = PairingRecord { enabled, ..before.clone() };
    update(context, store, &before, &record, if enabled { T::Resumed } else { T::Paused }).await
}

/// After something went back in time: the next round lets this side lead. A pairing that was paused meanwhile goes on.
async fn choose(context: &Context, store: &SqliteStore, name: &str, lead: Leader) -> Result<(), Complaint> {
    let record = find(store, name).await?;
    if store.head(&record.id).await?.marks.went_back.is_none() {
        return Err(Complaint::Failed(named(T::NothingToChoose, name)));
    }
    store.order(&record.id, SystemClock.now(), "command line", &Wish::Lead(lead.side())).await?;
    if !record.enabled {
        store.update_pairing(&PairingRecord { enabled: true, ..record }).await?;
    }
    let side = match lead {
        Leader::Nvs => "NVS",
        Leader::Exchange => "Exchange",
    };
    context.tell(&named(T::Leads, name).with("side", side));
    Ok(())
}

/// Asks, unless told not to. Without a terminal there is nobody to ask, and nothing is done.
pub(super) fn confirm(context: &Context, yes: bool, question: &Message) -> Result<(), Complaint> {
    if yes {
        return Ok(());
    }
    let mut error = std::io::stderr().lock();
    let _ = write!(error, "{}", question.to_text(context.lang)).and_then(|()| error.flush());
    let mut answer = String::new();
    let heard = std::io::stdin().lock().read_line(&mut answer).is_ok();
    match answer.trim().to_lowercase().as_str() {
        "yes" | "y" | "ja" | "j" if heard => Ok(()),
        _ => Err(Complaint::Failed(Message::new(T::NotConfirmed))),
    }
}

async fn list(
    context: &Context,
    config: &Config,
    store: &SqliteStore,
    as_json: bool,
) -> Result<(), Complaint> {
    let records = store.pairings().await?;
    if as_json {
        let rows: Vec<Value> = records.iter().map(to_json).collect();
        print_json(&json!({ "pairings": rows }));
        return Ok(());
    }
    let lang = context.lang;
    let head = [
        T::ColumnName,
        T::ColumnUnit,
        T::ColumnMailbox,
        T::ColumnDirection,
        T::ColumnInterval,
        T::ColumnState,
    ];
    let mut table = vec![head.map(|text| lang.say(text).to_owned()).to_vec()];
    table.extend(records.iter().map(|record| row(record, config, lang)));
    print(&status::columns(&table));
    Ok(())
}

fn row(record: &PairingRecord, config: &Config, lang: Lang) -> Vec<String> {
    let settings = record.settings.over(&config.defaults);
    let direction = fields::get(&PairingRecord { settings, ..record.clone() }, "direction");
    let interval = record.settings.interval().unwrap_or(config.sync.interval);
    vec![
        record.id.as_str().to_owned(),
        record.unit.clone(),
        record.mailbox.clone(),
        if direction.is_empty() { "both".to_owned() } else { direction },
        duration::show(interval),
        lang.say(if record.enabled { T::On } else { T::Off }).to_owned(),
    ]
}

fn show(record: &PairingRecord, as_json: bool) {
    if as_json {
        print_json(&to_json(record));
        return;
    }
    let words = KEYS.iter().map(|key| {
        let word = fields::get(record, key);
        let word = if word.is_empty() { "default".to_owned() } else { word };
        vec![(*key).to_owned(), word]
    });
    print(&status::columns(&words.collect::<Vec<_>>()));
}

/// Every setting by its name; `null` where it is left to the defaults.
fn to_json(record: &PairingRecord) -> Value {
    let words = KEYS.iter().map(|key| {
        let word = fields::get(record, key);
        ((*key).to_owned(), if word.is_empty() { Value::Null } else { json!(word) })
    });
    Value::Object(words.collect::<Map<_, _>>())
}

async fn import(
    context: &Context,
    config: &Config,
    store: &SqliteStore,
    file: &Path,
    format: Option<FileFormat>,
) -> Result<(), Complaint> {
    let unreadable = |error: std::io::Error| {
        let message = Message::new(T::ImportUnreadable).with("path", file.display());
        Complaint::Failed(message.with("why", error))
    };
    let from: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(unreadable)?)
    };
    // One byte beyond the limit says that it is too large.
    let most = (pairing_file::LARGEST as u64).saturating_add(1);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(from, most), &mut bytes).map_err(unreadable)?;
    let is_toml = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let format = format.unwrap_or(if is_toml { FileFormat::Toml } else { FileFormat::Csv });
    let stored = store.pairings().await?;
    let planned = pairing_file::read(&bytes, format, &stored, |name| blank(config, name));
    let changes = planned.map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(|mistake| mistake.to_text(context.lang)).collect();
        let head = Message::new(T::ImportFailed).with("path", file.display()).to_text(context.lang);
        let whole = format!("{head}\n{}", lines.join("\n"));
        Complaint::Usage(Message::new(crate::texts::OutputText::WhyOther).with("detail", whole))
    })?;
    for record in &changes.add {
        store.add_pairing(record).await?;
    }
    for record in &changes.update {
        store.update_pairing(record).await?;
    }
    let message =
        Message::new(T::Imported).with("added", changes.add.len()).with("changed", changes.update.len());
    context.tell(&message.with("same", changes.same));
    Ok(())
}
