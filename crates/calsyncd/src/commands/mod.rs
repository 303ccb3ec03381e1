//! What each command does, from understood arguments to the exit status.
//!
//! Texts go to standard output (the answer) and standard error (complaints, logs). With `--json` standard output gets one
//! document and nothing else, also when the command fails.

mod cells;
mod check;
mod config;
mod conflict;
mod held;
mod journal;
mod orders;
mod pairing;
mod pairing_file;
mod run;
mod show;
mod status;
mod sync;
mod waiting;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use calsync_core::ids::PairingId;
use calsync_core::store::StoreError;
use calsync_store::{PairingError, PairingRecord, PairingStore as _, SqliteStore};

use crate::cli::{self, Asked, Cli, Command};
use crate::config::{Config, Problems};
use crate::connect::ConnectError;
use crate::logging;
use crate::texts::{Lang, Message, OutputText, PairingText};

/// The pairings in a file as `pairing import` reads it, CSV or TOML, where nothing is stored yet.
///
/// # Errors
///
/// Everything that is wrong with it, in English.
pub fn pairings_of_file(bytes: &[u8], is_toml: bool) -> Result<Vec<PairingRecord>, Vec<String>> {
    let format = if is_toml { cli::FileFormat::Toml } else { cli::FileFormat::Csv };
    match pairing_file::read(bytes, format, &[], |name| PairingRecord::new(name, "", "")) {
        Ok(changes) => Ok(changes.add),
        Err(mistakes) => Err(mistakes.iter().map(|mistake| mistake.to_text(Lang::En)).collect()),
    }
}

/// A file with these pairings as `pairing export` writes it.
pub fn file_of_pairings(records: &[PairingRecord], is_toml: bool) -> String {
    if is_toml { pairing_file::to_toml(records) } else { pairing_file::to_csv(records) }
}

/// How a command ended, as the exit status says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All well.
    Good,
    /// Done, but something was held, skipped or failed for single items.
    Incomplete,
    /// Failed.
    Failed,
    /// Wrong usage or configuration.
    Usage,
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Exit::Good => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Incomplete => 3,
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
enum Complaint {
    /// Wrong usage.
    Usage(Message),
    /// The configuration is wrong.
    Config(Problems),
    /// It failed.
    Failed(Message),
}

impl Complaint {
    fn text(&self, lang: Lang) -> String {
        match self {
            Complaint::Usage(message) | Complaint::Failed(message) => message.to_text(lang),
            Complaint::Config(problems) => problems.to_text(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Complaint::Usage(_) | Complaint::Config(_) => Exit::Usage,
            Complaint::Failed(_) => Exit::Failed,
        }
    }
}

impl From<Problems> for Complaint {
    fn from(problems: Problems) -> Self {
        Complaint::Config(problems)
    }
}

impl From<StoreError> for Complaint {
    fn from(error: StoreError) -> Self {
        Complaint::Failed(store_message(&error))
    }
}

impl From<PairingError> for Complaint {
    fn from(error: PairingError) -> Self {
        Complaint::Failed(pairing_message(&error))
    }
}

impl From<ConnectError> for Complaint {
    fn from(error: ConnectError) -> Self {
        // A secret that is not where the configuration says, or settings that make no sense.
        Complaint::Usage(error.message())
    }
}

fn store_message(error: &StoreError) -> Message {
    let (text, detail) = match error {
        StoreError::Conflict => (OutputText::WhyStoreConflict, String::new()),
        StoreError::Fenced => (OutputText::WhyStoreFenced, String::new()),
        StoreError::Leased { holder, .. } => (OutputText::WhyStoreLeased, holder.clone()),
        StoreError::Unavailable(detail) => (OutputText::WhyStoreUnavailable, detail.clone()),
        StoreError::InUse(detail) => (OutputText::WhyStoreInUse, detail.clone()),
        StoreError::Damaged(detail) => (OutputText::WhyStoreDamaged, detail.clone()),
        other => (OutputText::WhyOther, other.to_string()),
    };
    Message::new(text).with("detail", detail)
}

fn pairing_message(error: &PairingError) -> Message {
    match error {
        PairingError::IdTaken(name) => Message::new(PairingText::Exists).with("name", name),
        PairingError::UnitTaken { unit, by } => {
            Message::new(PairingText::UnitTaken).with("unit", unit).with("other", by)
        }
        PairingError::CalendarTaken { mailbox, by } => {
            Message::new(PairingText::CalendarTaken).with("mailbox", mailbox).with("other", by)
        }
        PairingError::Unknown(name) => Message::new(PairingText::UnknownNone).with("name", name),
        PairingError::OtherCalendar(name) => Message::new(PairingText::OtherCalendar).with("name", name),
        PairingError::Store(error) => store_message(error),
        other => Message::new(OutputText::WhyOther).with("detail", other),
    }
}

/// Something of the machine did not work.
fn failed(error: &impl std::fmt::Display) -> Complaint {
    Complaint::Failed(Message::new(OutputText::WhyOther).with("detail", error))
}

type Answer = Result<Exit, Complaint>;

/// The whole program.
pub fn main() -> ExitCode {
    let env = |name: &str| std::env::var(name).ok();
    match cli::understand(std::env::args_os().collect(), env) {
        Asked::Show(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Asked::Wrong(text) => {
            complain(&text);
            ExitCode::from(Exit::Usage.code())
        }
        Asked::Run(cli, lang) => ExitCode::from(perform(&cli, lang).code()),
    }
}

fn perform(cli: &Cli, lang: Lang) -> Exit {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("{error}\n"));
            return Exit::Failed;
        }
    };
    let context = Context { lang, path: cli.config.clone().unwrap_or_else(Config::default_path) };
    let answer = runtime.block_on(async {
        match &cli.command {
            Command::Run => run::run(&context).await,
            Command::Sync(choice) => sync::sync(&context, choice).await,
            Command::Plan { choice, lead } => sync::plan(&context, choice, *lead).await,
            Command::Status { json } => status::status(&context, *json).await,
            Command::Held(command) => held::run(&context, command).await,
            Command::Conflict(command) => conflict::run(&context, command).await,
            Command::Journal(command) => journal::run(&context, command).await,
            Command::Check(choice) => check::check(&context, choice).await,
            Command::Pairing(command) => pairing::pairing(&context, command).await,
            Command::Config(command) => config::config(&context, *command),
        }
    });
    let exit = answer.unwrap_or_else(|complaint| {
        let text = complaint.text(lang);
        if cli.command.wants_json() {
            print_json(&serde_json::json!({ "result": "failed", "error": text }));
        }
        complain(&text);
        complaint.exit()
    });
    // Whatever still runs on other threads (a name that is not resolved, say) is not waited for.
    runtime.shutdown_background();
    exit
}

/// What every command needs.
struct Context {
    lang: Lang,
    path: PathBuf,
}

impl Context {
    /// Reads the configuration and starts logging as it says.
    fn config_of_service(&self) -> Result<Config, Problems> {
        let config = Config::load(&self.path)?;
        logging::start(&config.log);
        Ok(config)
    }

    /// Reads the configuration. A command says itself what it did and what went wrong; its log only speaks when it was
    /// made talkative.
    fn config(&self) -> Result<Config, Problems> {
        let mut config = Config::load(&self.path)?;
        if ["info", "warn"].iter().any(|level| config.log.level.eq_ignore_ascii_case(level)) {
            "error".clone_into(&mut config.log.level);
        }
        logging::start(&config.log);
        Ok(config)
    }

    /// One line of the answer.
    fn tell(&self, message: &Message) {
        print(&(message.to_text(self.lang) + "\n"));
    }

    /// One line beside the answer.
    fn warn(&self, message: &Message) {
        complain(&message.to_text(self.lang));
    }
}

/// Opens the state beside a service that may be running.
async fn open_shared(config: &Config) -> Result<SqliteStore, Complaint> {
    let directory = config.store.directory.clone();
    Ok(blocking(move || SqliteStore::open_shared(directory)).await?)
}

/// Opens the state to run rounds.
async fn open(config: &Config) -> Result<SqliteStore, Complaint> {
    let directory = config.store.directory.clone();
    Ok(blocking(move || SqliteStore::open(directory)).await?)
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(act).await {
        Ok(done) => done,
        Err(error) => Err(StoreError::Unavailable(error.to_string())),
    }
}

/// The pairing of that name.
async fn find(store: &SqliteStore, name: &str) -> Result<PairingRecord, Complaint> {
    if let Some(record) = store.pairing(&PairingId::new(name)).await? {
        return Ok(record);
    }
    let known: Vec<String> =
        store.pairings().await?.into_iter().map(|record| record.id.to_string()).collect();
    let message = if known.is_empty() {
        Message::new(PairingText::UnknownNone)
    } else {
        Message::new(PairingText::Unknown).with("known", list(&known))
    };
    Err(Complaint::Usage(message.with("name", name)))
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    if names.len() > SHOWN {
        shown.push("...");
    }
    shown.join(", ")
}

/// Writes to standard output. Whoever closed it does not want to know.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn print_json(document: &serde_json::Value) {
    print(&format!("{document:#}\n"));
}

/// Writes to standard error.
fn complain(text: &str) {
    let text = text.trim_end_matches('\n');
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
