//! The settings of an installation: one TOML file.
//!
//! Takes the text of the file and gives a [`Config`], or everything that is wrong with it at once, each [`Problem`]
//! with its line and with what to do. Secrets are not in the file: a [`SecretRef`] says where they are. Pairings are not
//! here either, they live in the state store; only what they do not say themselves is, in `[defaults]`.

mod inspect;
mod problem;
mod read;
mod secret;
mod template;

use std::path::{Path, PathBuf};
use std::time::Duration;

use calsync_core::zone::Zone;
use calsync_store::{PairingRecord, PairingSettings};

pub use inspect::{Finding, inspect};
pub use problem::{Place, Problem, Problems};
pub use secret::SecretRef;
pub use template::template;

use crate::fields;
use crate::texts::{ConfigText, Message};
use problem::Lines;
pub(crate) use problem::nearest;
use read::Sections;

/// The settings of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file they are from.
    pub path: PathBuf,
    /// The Exchange server.
    pub exchange: ExchangeConfig,
    /// The NVS server.
    pub nvs: NvsConfig,
    /// How often, and how much at once.
    pub sync: SyncConfig,
    /// The settings of pairings where they do not say otherwise.
    pub defaults: PairingSettings,
    /// Where the state is.
    pub store: StoreConfig,
    /// What is logged.
    pub log: LogConfig,
}

/// The Exchange server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeConfig {
    /// `https://HOST/EWS/Exchange.asmx`.
    pub url: String,
    /// `DOMAIN\user` or `user@domain`.
    pub user: String,
    /// Where the password is.
    pub password: SecretRef,
    /// How calendars are reached that do not say otherwise.
    pub access: Access,
    /// A PEM file with the certificate of an own authority.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the only certificate that is accepted.
    pub fingerprint: Option<String>,
    /// How long to wait for a whole answer.
    pub timeout: Duration,
    /// Where the owners of the mailboxes sit: all-day appointments begin at its midnights.
    pub time_zone: Zone,
}

/// How a calendar on Exchange is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// By the rights that the service account has on the calendar or mailbox.
    #[default]
    Rights,
    /// By impersonating the owner.
    Impersonation,
}

/// The NVS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvsConfig {
    /// Base address of the Calender Sync Protocol.
    pub url: String,
    /// Where the token is.
    pub token: SecretRef,
    /// A PEM file with the certificate of an own authority.
    pub ca_file: Option<PathBuf>,
    /// How long to wait for a whole answer.
    pub timeout: Duration,
}

/// How often, and how much at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncConfig {
    /// From the start of a pairing's round to that of the next, where the pairing has no interval of its own.
    pub interval: Duration,
    /// Rounds at the same time.
    pub concurrency: usize,
    /// How long rounds may take to finish when the service is stopped.
    pub stop_within: Duration,
}

impl Default for SyncConfig {
    fn default() -> Self {
        SyncConfig {
            interval: Duration::from_secs(5 * 60),
            concurrency: 4,
            stop_within: Duration::from_secs(20),
        }
    }
}

/// Where the state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The directory of the database.
    pub directory: PathBuf,
    /// How long the journal keeps what appointments were before calsync changed or deleted them.
    pub keep_journal: Duration,
    /// How long its entries hold the content of appointments; at most as long as they are kept themselves.
    pub keep_contents: Duration,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// A level, or a filter of `tracing-subscriber`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object each.
    Json,
}

const SECTIONS: &[&str] = &["exchange", "nvs", "sync", "defaults", "store", "log"];
const EXCHANGE_URL: &str = "https://mail.example.com/EWS/Exchange.asmx";
const NVS_URL: &str = "https://nvs.example.com/calender";
const DEFAULT_ZONE: &str = "Europe/Berlin";
const DAY: Duration = days(1);

/// More bytes than any configuration has.
const LARGEST: u64 = 1 << 20;

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 60 * 60)
}

/// The text of a file, unless it is larger than that.
fn read_at_most(path: &Path, most: u64) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::io::Read::read_to_string(
        &mut std::io::Read::take(std::fs::File::open(path)?, most.saturating_add(1)),
        &mut text,
    )?;
    if read as u64 > most { Err(std::io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. Whether what it names is there (files, variables) is not looked at, see
    /// [`inspect`].
    pub fn load(path: &Path) -> Result<Config, Problems> {
        let alone = |text, why: String| {
            let message = Message::new(text).with("path", path.display()).with("why", why);
            Problems::new(path, vec![Problem::whole_file(message)])
        };
        let text = read_at_most(path, LARGEST).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => alone(ConfigText::NotThere, String::new()),
            std::io::ErrorKind::FileTooLarge => alone(ConfigText::TooLarge, String::new()),
            _ => alone(ConfigText::Unreadable, error.to_string()),
        })?;
        Config::parse(path, &text)
    }

    /// Understands the text of a file that is or would be at `path`; relative paths in it start there.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(path: &Path, text: &str) -> Result<Config, Problems> {
        // Editors on Windows put it there, and TOML does not allow it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = Lines::new(text);
        let table = toml::de::DeTable::parse(text).map_err(|error| {
            let why = error.message().lines().collect::<Vec<_>>().join(", ");
            let message = Message::new(ConfigText::Syntax).with("why", why);
            let place = error.span().map(|span| lines.place(span.start));
            Problems::new(path, vec![Problem { place, message }])
        })?;
        let mut sections = Sections::new(&lines, table.get_ref(), SECTIONS);
        let base = path.parent().unwrap_or(Path::new(""));
        let exchange = exchange(&mut sections, base);
        let nvs = nvs(&mut sections, base);
        let sync = sync(&mut sections);
        let defaults = defaults(&mut sections);
        let store = store(&mut sections, base, path);
        let log = log(&mut sections);
        let mut problems = sections.finish();
        problems.sort_by_key(|problem| problem.place.map(|place| (place.line, place.column)));
        match (exchange, nvs) {
            (Some(exchange), Some(nvs)) if problems.is_empty() => {
                Ok(Config { path: path.to_owned(), exchange, nvs, sync, defaults, store, log })
            }
            _ => Err(Problems::new(path, problems)),
        }
    }

    /// Where the file is when nobody says so: `calsync.toml` here, else the place of the platform.
    pub fn default_path() -> PathBuf {
        let here = PathBuf::from("calsync.toml");
        let platform = Self::platform_path();
        if !here.exists() && platform.exists() { platform } else { here }
    }

    /// The place of the platform: `/etc/calsync/calsync.toml`, `%ProgramData%\calsync\calsync.toml`.
    pub fn platform_path() -> PathBuf {
        if cfg!(windows) {
            let data = std::env::var_os("ProgramData").unwrap_or_else(|| r"C:\ProgramData".into());
            PathBuf::from(data).join("calsync").join("calsync.toml")
        } else {
            PathBuf::from("/etc/calsync/calsync.toml")
        }
    }

    /// No request to a server takes longer: it has ended then, with or without an answer.
    pub fn longest_request(&self) -> Duration {
        self.exchange.timeout.max(self.nvs.timeout)
    }

    /// The state directory when the file at `path` does not say: that of the platform for the platform's own file,
    /// else `calsync-state` beside the file.
    pub fn default_store(path: &Path) -> PathBuf {
        let base = path.parent().unwrap_or(Path::new(""));
        match path == Self::platform_path() {
            true if cfg!(windows) => base.join("state"),
            true => PathBuf::from("/var/lib/calsync"),
            false => base.join("calsync-state"),
        }
    }
}

fn exchange(sections: &mut Sections<'_>, base: &Path) -> Option<ExchangeConfig> {
    let mut section = sections.section("exchange");
    section.required();
    let url = section.url("url", EXCHANGE_URL);
    let user = section.text_required("user", r"'COMPANY\calsync'");
    let password = section.secret("password", "password_env", "password_file", base);
    let access =
        section.choice("access", &[("rights", Access::Rights), ("impersonation", Access::Impersonation)]);
    let ca_file = section.path("ca_file", base);
    let fingerprint = section.fingerprint("fingerprint");
    let timeout = section.duration("timeout", Duration::from_secs(1)..=Duration::from_secs(15 * 60));
    let time_zone = section.zone("time_zone", DEFAULT_ZONE);
    section.finish();
    Some(ExchangeConfig {
        url: url?,
        user: user?,
        password: password?,
        access: access.unwrap_or_default(),
        ca_file,
        fingerprint,
        timeout: timeout.unwrap_or(Duration::from_secs(60)),
        time_zone: time_zone?,
    })
}

fn nvs(sections: &mut Sections<'_>, base: &Path) -> Option<NvsConfig> {
    let mut section = sections.section("nvs");
    section.required();
    let url = section.url("url", NVS_URL);
    let token = section.secret("token", "token_env", "token_file", base);
    let ca_file = section.path("ca_file", base);
    let timeout = section.duration("timeout", Duration::from_secs(1)..=Duration::from_secs(15 * 60));
    section.finish();
    let timeout = timeout.unwrap_or(Duration::from_secs(60));
    Some(NvsConfig { url: url?, token: token?, ca_file, timeout })
}

fn sync(sections: &mut Sections<'_>) -> SyncConfig {
    let default = SyncConfig::default();
    let mut section = sections.section("sync");
    let interval = section.duration("interval", Duration::from_secs(1)..=DAY);
    let concurrency = section.number("concurrency", 1..=64).and_then(|count| usize::try_from(count).ok());
    let stop_within = section.duration("stop_within", Duration::ZERO..=Duration::from_secs(10 * 60));
    section.finish();
    SyncConfig {
        interval: interval.unwrap_or(default.interval),
        concurrency: concurrency.unwrap_or(default.concurrency),
        stop_within: stop_within.unwrap_or(default.stop_within),
    }
}

/// What pairings are set to where they do not say otherwise. The interval is in `[sync]`.
fn defaults(sections: &mut Sections<'_>) -> PairingSettings {
    let mut record = PairingRecord::new("defaults", "", "");
    let mut section = sections.section("defaults");
    section.words(fields::default_keys(), |key, word| fields::set(&mut record, key, word));
    section.finish();
    record.settings
}

fn store(sections: &mut Sections<'_>, base: &Path, path: &Path) -> StoreConfig {
    let mut section = sections.section("store");
    let directory = section.path("directory", base);
    let keep_journal = section.duration("keep_journal", DAY..=days(3650));
    let keep_contents = section.duration("keep_contents", DAY..=days(3650));
    section.finish();
    let keep_journal = keep_journal.unwrap_or(days(90));
    StoreConfig {
        directory: directory.unwrap_or_else(|| Config::default_store(path)),
        keep_journal,
        keep_contents: keep_contents.map_or(keep_journal, |keep| keep.min(keep_journal)),
    }
}

fn log(sections: &mut Sections<'_>) -> LogConfig {
    let default = LogConfig::default();
    let mut section = sections.section("log");
    let level = section.filter("level");
    let format = section.choice("format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]);
    section.finish();
    LogConfig { level: level.unwrap_or(default.level), format: format.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Lang;

    const GOOD: &str = r#"
[exchange]
url = "https://mail.example.com/EWS/Exchange.asmx"
user = 'COMPANY\calsync'
password_file = "secret/exchange"

[nvs]
url = "http://127.0.0.1:8080"
token_env = "NVS_TOKEN"
"#;

    fn parse(text: &str) -> Result<Config, Problems> {
        Config::parse(Path::new("/etc/x/calsync.toml"), text)
    }

    fn complaints(text: &str) -> String {
        parse(text).unwrap_err().to_text(Lang::En)
    }

    #[test]
    fn a_short_file_is_enough_and_paths_start_where_it_is() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.exchange.password, SecretRef::File("/etc/x/secret/exchange".into()));
        assert_eq!(config.nvs.token, SecretRef::Env("NVS_TOKEN".to_owned()));
        assert_eq!(config.sync.interval, Duration::from_secs(300));
        assert_eq!(config.store.directory, Path::new("/etc/x/calsync-state"));
        assert_eq!(config.store.keep_journal, Duration::from_secs(90 * 86_400));
        assert_eq!(config.log.level, "info");
    }

    #[test]
    fn what_pairings_do_not_say_is_in_the_defaults() {
        let with = |lines: &str| format!("{GOOD}[defaults]\n{lines}");
        let text =
            with("conflict = \"hold\"\npast_days = 30\ndeletion_wins = true\nto_nvs_private = \"mask\"\n");
        let defaults = parse(&text).unwrap().defaults;
        assert_eq!(defaults.past_days, Some(calsync_store::Days::Within(30)));
        assert_eq!(defaults.conflict, Some(calsync_store::Conflict::Hold));
        assert_eq!(defaults.deletion_wins, Some(true));
        assert_eq!(defaults.to_nvs.private, Some(calsync_core::sync::Private::Mask));

        let complaint = complaints(&with("to_nvs_private = \"hide\"\nto_nvs_privat = \"mask\"\nlead = []\n"));
        for part in [
            "\"to_nvs_private\" has to be one of pass, skip, mask",
            "did you mean \"to_nvs_private\"",
            "\"lead\" has to be text",
        ] {
            assert!(complaint.contains(part), "{part} is missing in\n{complaint}");
        }
    }

    #[test]
    fn a_mistyped_key_is_named_with_its_line_and_the_right_one() {
        let text = GOOD.replace("user =", "usr =");
        let complaint = complaints(&text);
        assert!(
            complaint.contains("line 4, column 1: unknown key \"usr\" in [exchange], did you mean \"user\"?"),
            "{complaint}"
        );
        let text = GOOD.replace("[nvs]", "[sinc]\ninterval = \"1m\"\n[nvs]");
        assert!(complaints(&text).contains("line 7, column 2: unknown section [sinc], did you mean [sync]?"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = "[exchange]\nurl = \"mail\"\ntimeout = 5\n[sync]\nintervall = \"5m\"\nconcurrency = 0\n";
        let complaint = complaints(text);
        for part in [
            "line 2",
            "line 3",
            "did you mean \"interval\"",
            "line 6",
            "[exchange] needs \"user\"",
            "section [nvs] is missing",
        ] {
            assert!(complaint.contains(part), "{part} is missing in\n{complaint}");
        }
    }

    #[test]
    fn a_secret_in_the_file_is_refused_and_not_repeated() {
        let complaint =
            complaints(&GOOD.replace("password_file = \"secret/exchange\"", "password = \"hunter2\""));
        assert!(
            complaint.contains("does not belong into this file") && complaint.contains("password_env"),
            "{complaint}"
        );
        assert!(!complaint.contains("hunter2"), "{complaint}");
        let complaint = complaints(&GOOD.replace("https://mail.", "https://me:hunter2@mail."));
        assert!(
            complaint.contains("must not hold a user name") && !complaint.contains("hunter2"),
            "{complaint}"
        );
    }

    #[test]
    fn a_broken_file_is_told_with_its_line() {
        let complaint = complaints("[exchange]\nurl = \"x\nuser = 1");
        assert!(complaint.contains("line 2"), "{complaint}");
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let complaint = complaints(&GOOD.replace("http://127.0.0.1:8080", "http://10.0.0.1"));
        assert!(complaint.contains("line 8") && complaint.contains("https"), "{complaint}");
    }

    #[test]
    fn the_journal_is_kept_for_whole_days_at_least() {
        let with = |keep: &str| format!("{GOOD}[store]\nkeep_journal = \"{keep}\"\n");
        let config = parse(&with("30d")).unwrap();
        assert_eq!(config.store.keep_journal, Duration::from_secs(30 * 86_400));
        assert_eq!(config.store.keep_contents, config.store.keep_journal, "unless something else is said");
        let both = parse(&with("30d\"\nkeep_contents = \"7d")).unwrap();
        assert_eq!(both.store.keep_contents, Duration::from_secs(7 * 86_400));
        for wrong in ["1h", "90", "4000d"] {
            let complaint = complaints(&with(wrong));
            assert!(complaint.contains("\"keep_journal\" has to be a time"), "{complaint}");
            assert!(complaint.contains("from 1d to 3650d"), "{complaint}");
        }
    }

    #[test]
    fn two_places_for_one_secret_are_one_too_many() {
        let complaint = complaints(&GOOD.replace("token_env", "token_file = \"x\"\ntoken_env"));
        assert!(complaint.contains("remove one"), "{complaint}");
    }

    #[test]
    fn german_complaints_are_german() {
        let problems = parse(&GOOD.replace("user =", "usr =")).unwrap_err();
        let complaint = problems.to_text(Lang::De);
        assert!(complaint.contains("Zeile 4, Spalte 1: unbekannter Schlüssel"), "{complaint}");
    }

    #[test]
    fn the_file_that_init_writes_is_understood_in_both_languages() {
        for lang in [Lang::De, Lang::En] {
            let text = template(lang, Path::new("/etc/x/calsync.toml"));
            let config = parse(&text).unwrap();
            assert_eq!(config.sync, SyncConfig::default());
            for key in fields::default_keys().filter(|key| !key.starts_with("to_nvs_")) {
                assert!(text.contains(&format!("\n# {key} = ")), "{key} is not explained");
            }
            let default =
                format!("\n# keep_journal = \"{}\"\n", crate::duration::show(config.store.keep_journal));
            assert!(text.contains(&default), "{default}");
            // Each key that is commented out is one that is known.
            let all = text.lines().map(|line| match line.strip_prefix("# ") {
                Some(rest)
                    if rest
                        .split_once(" = ")
                        .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')) =>
                {
                    rest
                }
                _ => line,
            });
            let all: Vec<&str> = all.collect();
            let complaint = complaints(&all.join("\n"));
            assert_eq!(
                complaint.matches("remove one").count(),
                complaint.matches("line").count(),
                "{complaint}"
            );
        }
    }

    #[test]
    fn a_file_that_is_far_too_large_is_not_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("calsync.toml");
        let with = |length: u64| {
            let comment = "#".repeat(usize::try_from(length).unwrap() - GOOD.len());
            std::fs::write(&path, format!("{GOOD}{comment}")).unwrap();
            Config::load(&path)
        };
        assert!(with(LARGEST).is_ok());
        assert!(with(LARGEST + 1).unwrap_err().to_text(Lang::En).contains("larger than 1 MiB"));
    }
}
