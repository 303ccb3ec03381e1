//! Reads a whole Exchange calendar: first the change feed to its end, then the content of what it named.
//!
//! ```text
//! cargo run --release --example read_calendar -- --url https://mail.example.com/EWS/Exchange.asmx \
//!     --user 'EXAMPLE\sync' --password-env EWS_PASSWORD --mailbox meier@example.com
//! ```
//!
//! Prints how many items there are, what it took to read them, and with `--items` the items themselves.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use calsync_core::ids::{ChangeToken, ItemKey};
use calsync_core::source::{CalendarSource, Item, Seen};
use calsync_core::zone::Zone;
use clap::{Parser, ValueEnum};
use ews_client::{Access, EwsClient, ExchangeSource, Secret, TraceDir};
use serde_json::json;

/// Reads a whole Exchange calendar.
#[derive(Debug, Parser)]
struct Arguments {
    /// Address of Exchange Web Services, usually <https://HOST/EWS/Exchange.asmx>.
    #[arg(long)]
    url: String,
    /// Account: DOMAIN\user or user@domain.
    #[arg(long)]
    user: String,
    /// Name of the environment variable that holds the password.
    #[arg(long)]
    password_env: String,
    /// Address of the mailbox whose calendar is read.
    #[arg(long)]
    mailbox: String,
    /// By which right the account reads the mailbox.
    #[arg(long, value_enum, default_value_t = By::Rights)]
    access: By,
    /// Time zone of the mailbox owner.
    #[arg(long, default_value = "Europe/Berlin")]
    zone: String,
    /// PEM file with a certificate authority of your own.
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// SHA-256 fingerprint of the only certificate to be accepted.
    #[arg(long)]
    fingerprint: Option<String>,
    /// Directory for the bodies of all requests and answers.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
    /// Prints the items too.
    #[arg(long)]
    items: bool,
}

/// By which right a mailbox is read.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// Rights on the mailbox or its calendar.
    Rights,
    /// The role `ApplicationImpersonation`.
    Impersonation,
}

/// What was read.
#[derive(Default)]
struct Calendar {
    items: Vec<Item>,
    unreadable: Vec<(ItemKey, String)>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(complete) if complete => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(3),
        Err(error) => {
            eprintln!("read_calendar: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Reads and prints; whether every item could be read.
async fn run(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let password = std::env::var(&arguments.password_env).map_err(|_| {
        format!("the environment variable {} does not hold a password, set it first", arguments.password_env)
    })?;
    let zone = Zone::new(&arguments.zone)?;
    let mut builder = EwsClient::basic(&arguments.url, &arguments.user, Secret::new(password));
    if let Some(path) = &arguments.ca_file {
        builder = builder.ca_file(path);
    }
    if let Some(fingerprint) = &arguments.fingerprint {
        builder = builder.fingerprint(fingerprint);
    }
    if let Some(path) = &arguments.trace {
        builder = builder.trace(TraceDir::new(path)?);
    }
    let client = builder.build()?;
    let access = match arguments.access {
        By::Rights => Access::Rights,
        By::Impersonation => Access::Impersonation,
    };
    let source = ExchangeSource::new(client.clone(), access, zone);
    let began = Instant::now();
    let calendar = read(&source, &arguments.mailbox).await?;
    print(arguments, &calendar, &client, began.elapsed().as_secs_f64());
    Ok(calendar.unreadable.is_empty())
}

async fn read(source: &ExchangeSource, mailbox: &str) -> Result<Calendar, Box<dyn std::error::Error>> {
    let key = ExchangeSource::calendar_key(mailbox, None);
    let mut token: Option<ChangeToken> = None;
    let mut keys = std::collections::BTreeSet::new();
    loop {
        let page = source.changes(&key, token.as_ref()).await?;
        for entry in page.entries {
            match entry.revision {
                Some(_) => keys.insert(entry.key),
                None => keys.remove(&entry.key),
            };
        }
        token = Some(page.next);
        if !page.more {
            break;
        }
    }
    let keys: Vec<ItemKey> = keys.into_iter().collect();
    let mut calendar = Calendar::default();
    for batch in keys.chunks(source.capabilities().batch) {
        for (key, seen) in batch.iter().zip(source.fetch(&key, batch).await?) {
            match seen {
                Seen::Present(item) => calendar.items.push(*item),
                Seen::Unreadable(why) => calendar.unreadable.push((key.clone(), why)),
                // Deleted while we were reading.
                Seen::Absent => {}
            }
        }
    }
    calendar.items.sort_by(|a, b| a.series.event.span.cmp(&b.series.event.span));
    Ok(calendar)
}

fn print(arguments: &Arguments, calendar: &Calendar, client: &EwsClient, seconds: f64) {
    let traffic = client.traffic();
    let bytes = traffic.bytes_out() + traffic.bytes_in();
    if arguments.json {
        let mut report = json!({
            "mailbox": arguments.mailbox,
            "items": calendar.items.len(),
            "series": calendar.items.iter().filter(|item| item.series.recurrence.is_some()).count(),
            "unreadable": calendar.unreadable.iter().map(|(key, why)| json!({ "key": key, "why": why })).collect::<Vec<_>>(),
            "requests": traffic.requests(),
            "bytes": bytes,
            "bytes_out": traffic.bytes_out(),
            "bytes_in": traffic.bytes_in(),
            "seconds": seconds,
        });
        if let (true, Some(report)) = (arguments.items, report.as_object_mut()) {
            report.insert("content".to_owned(), json!(calendar.items));
        }
        println!("{report}");
        return;
    }
    if arguments.items {
        for item in &calendar.items {
            let event = &item.series.event;
            let repeats = item.series.recurrence.as_ref().map(|recurrence| format!("  {}", recurrence.rule));
            println!("{}  {}{}", event.span.start.local(), event.subject, repeats.unwrap_or_default());
        }
    }
    for (key, why) in &calendar.unreadable {
        println!("unreadable  {key}: {why}");
    }
    println!(
        "{} items, {} unreadable, {} requests, {bytes} bytes, {seconds:.2} s",
        calendar.items.len(),
        calendar.unreadable.len(),
        traffic.requests()
    );
}

/// The error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
