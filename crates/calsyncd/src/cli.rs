//! The command line: what can be asked for, its help in both languages, and what is said to wrong usage.

use std::ffi::OsString;
use std::path::PathBuf;

use calsync_core::ids::{LinkId, Side};
use calsync_core::store::EntryId;
use calsync_store::PairingRecord;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::nearest;
use crate::fields;
use crate::texts::{HelpText, Lang, Message, UsageText, help};

/// What was asked for.
#[derive(Debug, Parser)]
#[command(
    name = "calsyncd",
    version,
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "PATH", display_order = 900)]
    pub config: Option<PathBuf>,
    /// The language.
    #[arg(long, global = true, value_name = "de|en", display_order = 901)]
    pub lang: Option<Lang>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The service in the foreground.
    Run,
    /// One round now.
    Sync(Choice),
    /// What a round would do.
    Plan {
        /// Of which pairings.
        #[command(flatten)]
        choice: Choice,
        /// As if this side had been chosen to lead.
        #[arg(long, value_enum, value_name = "SIDE", requires = "pairing")]
        lead: Option<Leader>,
    },
    /// Which unit goes with which mailbox.
    #[command(subcommand)]
    Pairing(Box<PairingCommand>),
    /// What waits for a person.
    #[command(subcommand)]
    Held(HeldCommand),
    /// Where both sides said something different.
    #[command(subcommand)]
    Conflict(ConflictCommand),
    /// What was written.
    #[command(subcommand)]
    Journal(Box<JournalCommand>),
    /// How the pairings are doing.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Whether everything can work.
    Check(Choice),
    /// The configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// The side that leads after something went back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Leader {
    /// NVS.
    Nvs,
    /// Exchange.
    Exchange,
}

impl Leader {
    /// The engine's name of this side.
    pub fn side(self) -> Side {
        match self {
            Leader::Nvs => Side::A,
            Leader::Exchange => Side::B,
        }
    }
}

/// All pairings or one, for people or as JSON.
#[derive(Debug, Args)]
pub struct Choice {
    /// Only this one.
    #[arg(long, value_name = "NAME")]
    pub pairing: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do about what waits.
#[derive(Debug, Subcommand)]
pub enum HeldCommand {
    /// All of it.
    List(Choice),
    /// Do what was decided.
    Approve(AnswerArgs),
    /// Do the opposite.
    Reject(AnswerArgs),
}

/// What is answered.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    /// These.
    #[arg(value_name = "LINK", value_parser = link)]
    pub links: Vec<LinkId>,
    /// Everything of a pairing.
    #[arg(long)]
    pub all: bool,
    /// Of this one.
    #[arg(long, value_name = "NAME")]
    pub pairing: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do about conflicts.
#[derive(Debug, Subcommand)]
pub enum ConflictCommand {
    /// Those that wait, or those that were decided.
    List {
        /// Of which pairings.
        #[command(flatten)]
        choice: Choice,
        /// Those in the journal.
        #[arg(long)]
        decided: bool,
        /// At most so many of each pairing.
        #[arg(long, value_name = "N", default_value = "50", value_parser = count, hide_default_value = true)]
        limit: usize,
    },
    /// One, field by field.
    Show(ConflictArgs),
    /// Whose values stand.
    Resolve {
        /// Which.
        #[command(flatten)]
        which: ConflictArgs,
        /// Whose.
        #[arg(long, value_name = "SIDE", value_parser = side)]
        prefer: Side,
    },
}

/// Which conflict.
#[derive(Debug, Args)]
pub struct ConflictArgs {
    /// Its link, or its journal entry.
    #[arg(value_name = "LINK|ENTRY", value_parser = link_or_entry)]
    pub number: LinkOrEntry,
    /// Of this one.
    #[arg(long, value_name = "NAME")]
    pub pairing: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do with the journal.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// The newest entries.
    List {
        /// Of which pairings.
        #[command(flatten)]
        choice: Choice,
        /// Of one link.
        #[arg(long, value_parser = link)]
        link: Option<LinkId>,
        /// Of one round.
        #[arg(long, value_name = "N", value_parser = number)]
        round: Option<u64>,
        /// Not older.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value = "50", value_parser = count, hide_default_value = true)]
        limit: usize,
    },
    /// One entry.
    Show {
        /// Which.
        #[arg(value_parser = number)]
        entry: u64,
        /// Of which pairing.
        #[command(flatten)]
        choice: Choice,
    },
    /// Take back.
    Undo(UndoArgs),
    /// Erase contents.
    Erase {
        /// Of which pairing.
        #[arg(long, value_name = "NAME")]
        pairing: String,
        /// Only older ones.
        #[arg(long, value_name = "TIME")]
        before: Option<String>,
        /// Without asking.
        #[arg(long)]
        yes: bool,
    },
}

/// What is taken back.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// These entries.
    #[arg(long = "entry", value_name = "ID", value_parser = number, conflicts_with_all = ["round", "since"])]
    pub entries: Vec<u64>,
    /// All of a round.
    #[arg(long, value_name = "N", value_parser = number)]
    pub round: Option<u64>,
    /// All that is not older.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Of which pairing.
    #[arg(long, value_name = "NAME")]
    pub pairing: Option<String>,
    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

fn number(text: &str) -> Result<u64, String> {
    let largest = i64::MAX.unsigned_abs();
    text.parse().ok().filter(|number| *number <= largest).ok_or_else(|| "1, 2, 3, ...".to_owned())
}

/// What a number names: links are written with sixteen hexadecimal digits, entries with few decimal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkOrEntry {
    /// A link.
    Link(LinkId),
    /// An entry of the journal.
    Entry(EntryId),
}

impl std::fmt::Display for LinkOrEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LinkOrEntry::Link(link) => link.fmt(f),
            LinkOrEntry::Entry(entry) => entry.fmt(f),
        }
    }
}

/// As many digits as a link is shown with.
const LINK_DIGITS: usize = 16;

fn link(text: &str) -> Result<LinkId, String> {
    let wanted = || format!("{}, ...", LinkId(0x2f1e_0d3c_4b5a_6978));
    if text.len() != LINK_DIGITS {
        return Err(wanted());
    }
    let id = u64::from_str_radix(text, 16).ok().filter(|id| i64::try_from(*id).is_ok());
    id.map(LinkId).ok_or_else(wanted)
}

fn link_or_entry(text: &str) -> Result<LinkOrEntry, String> {
    if text.len() == LINK_DIGITS {
        return link(text).map(LinkOrEntry::Link);
    }
    number(text).map(|number| LinkOrEntry::Entry(EntryId(number)))
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "1, 2, 3, ...".to_owned())
}

fn side(text: &str) -> Result<Side, String> {
    let found = Side::BOTH.into_iter().find(|side| fields::side_word(*side).eq_ignore_ascii_case(text));
    found.ok_or_else(|| "nvs, exchange".to_owned())
}

/// What to do with the configuration file.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Write a new one.
    Init,
    /// Check it.
    Check,
}

/// What to do with pairings.
#[derive(Debug, Subcommand)]
pub enum PairingCommand {
    /// All.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// One.
    Show {
        /// Which.
        name: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// A new one.
    Add {
        /// Its name.
        #[arg(value_parser = fields::pairing_name)]
        name: String,
        /// Calendar unit.
        #[arg(long)]
        unit: String,
        /// Mailbox.
        #[arg(long)]
        mailbox: String,
        /// Calendar folder.
        #[arg(long)]
        folder: Option<String>,
        /// Paused from the start.
        #[arg(long)]
        paused: bool,
        /// Its settings.
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Other settings.
    #[command(arg_required_else_help = true)]
    Set {
        /// Which.
        name: String,
        /// What changes.
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// No longer.
    Remove {
        /// Which.
        name: String,
        /// With what the journal holds of its appointments.
        #[arg(long)]
        erase: bool,
        /// Without asking.
        #[arg(long)]
        yes: bool,
    },
    /// From a file.
    Import {
        /// The file.
        file: PathBuf,
        /// Instead of what the file's name says.
        #[arg(long, value_parser = file_format)]
        format: Option<FileFormat>,
    },
    /// To standard output.
    Export {
        /// As what.
        #[arg(long, value_parser = file_format)]
        format: Option<FileFormat>,
    },
    /// For a while.
    Pause {
        /// Which.
        name: String,
    },
    /// Again.
    Resume {
        /// Which.
        name: String,
        /// Whose values stand, after something went back in time.
        #[arg(long, value_enum, value_name = "SIDE")]
        lead: Option<Leader>,
    },
    /// From the beginning.
    Reset {
        /// Which.
        name: String,
        /// Without asking.
        #[arg(long)]
        yes: bool,
    },
}

/// Settings of a pairing as words, see [`fields`]; what is `None` stays.
#[derive(Debug, Default, Args)]
pub struct SettingArgs {
    /// How the mailbox is reached.
    #[arg(long)]
    pub access: Option<String>,
    /// How often.
    #[arg(long)]
    pub interval: Option<String>,
    /// Which way changes go.
    #[arg(long)]
    pub direction: Option<String>,
    /// Who wins.
    #[arg(long, value_name = "RULE")]
    pub conflict: Option<String>,
    /// Who wins, for one field.
    #[arg(long = "conflict-of", value_name = "FIELD=RULE")]
    pub conflict_of: Vec<String>,
    /// Edits that are not carried.
    #[arg(long, value_name = "RULE")]
    pub read_only_edit: Option<String>,
    /// Deletion against edit.
    #[arg(long, value_name = "yes|no")]
    pub deletion_wins: Option<String>,
    /// The guard against too many deletions.
    #[arg(long, value_name = "N")]
    pub guard_count: Option<String>,
    /// The guard against too many deletions.
    #[arg(long, value_name = "PERCENT")]
    pub guard_percent: Option<String>,
    /// Who leads in a first sync.
    #[arg(long, value_name = "SIDE")]
    pub lead: Option<String>,
    /// Any setting by its name.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl SettingArgs {
    fn words(&self) -> [(&'static str, &Option<String>); 9] {
        [
            ("access", &self.access),
            ("interval", &self.interval),
            ("direction", &self.direction),
            ("conflict", &self.conflict),
            ("read_only_edit", &self.read_only_edit),
            ("deletion_wins", &self.deletion_wins),
            ("guard_count", &self.guard_count),
            ("guard_percent", &self.guard_percent),
            ("lead", &self.lead),
        ]
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.conflict_of.is_empty()
            && self.set.is_empty()
            && self.words().iter().all(|(_, word)| word.is_none())
    }

    /// Puts what was given into a record.
    ///
    /// # Errors
    ///
    /// The option, its word, and what it takes instead.
    pub fn put_into(&self, record: &mut PairingRecord) -> Result<(), Message> {
        for (key, word) in self.words() {
            let Some(word) = word else { continue };
            fields::set(record, key, word).map_err(|wanted| bad_value(key, word, &wanted))?;
        }
        for word in &self.conflict_of {
            fields::set_conflict_of(record, word)
                .map_err(|wanted| bad_value("conflict_of", word, &wanted))?;
        }
        for given in &self.set {
            let known = fields::default_keys().collect::<Vec<_>>();
            let (key, word) = given
                .split_once('=')
                .map(|(key, word)| (key.trim(), word))
                .ok_or_else(|| bad_value("set", given, "KEY=VALUE"))?;
            if !known.contains(&key) {
                let wanted = nearest(key, known.iter().copied()).map(|near| format!("{near}=..."));
                return Err(bad_value("set", given, &wanted.unwrap_or_else(|| known.join(", "))));
            }
            fields::set(record, key, word)
                .map_err(|wanted| bad_value(&format!("set {key}"), word, &wanted))?;
        }
        Ok(())
    }
}

/// What is said to a word that an option does not take.
pub fn bad_value(key: &str, value: &str, wanted: &str) -> Message {
    // What follows the name of an option stays as it is.
    let (name, rest) =
        key.split_once(' ').map_or((key, String::new()), |(name, rest)| (name, format!(" {rest}")));
    let option = format!("--{}{rest}", name.replace('_', "-"));
    Message::new(UsageText::BadValue).with("option", option).with("value", value).with("wanted", wanted)
}

/// A form in which pairings travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// A table with a header.
    Csv,
    /// One `[[pairing]]` each.
    Toml,
}

fn file_format(text: &str) -> Result<FileFormat, String> {
    match text.to_ascii_lowercase().as_str() {
        "csv" => Ok(FileFormat::Csv),
        "toml" => Ok(FileFormat::Toml),
        _ => Err("csv, toml".to_owned()),
    }
}

impl Command {
    /// Whether standard output is to get one JSON document.
    pub fn wants_json(&self) -> bool {
        match self {
            Command::Sync(choice) | Command::Plan { choice, .. } | Command::Check(choice) => choice.json,
            Command::Status { json }
            | Command::Held(
                HeldCommand::List(Choice { json, .. })
                | HeldCommand::Approve(AnswerArgs { json, .. })
                | HeldCommand::Reject(AnswerArgs { json, .. }),
            )
            | Command::Conflict(
                ConflictCommand::List { choice: Choice { json, .. }, .. }
                | ConflictCommand::Show(ConflictArgs { json, .. })
                | ConflictCommand::Resolve { which: ConflictArgs { json, .. }, .. },
            ) => *json,
            Command::Journal(command) => match command.as_ref() {
                JournalCommand::List { choice: Choice { json, .. }, .. }
                | JournalCommand::Show { choice: Choice { json, .. }, .. }
                | JournalCommand::Undo(UndoArgs { json, .. }) => *json,
                JournalCommand::Erase { .. } => false,
            },
            Command::Pairing(command) => match command.as_ref() {
                PairingCommand::List { json } | PairingCommand::Show { json, .. } => *json,
                _ => false,
            },
            Command::Run | Command::Config(_) => false,
        }
    }
}

/// What the command line comes to.
#[derive(Debug)]
pub enum Asked {
    /// Something to do.
    Run(Box<Cli>, Lang),
    /// Help or version, for standard output.
    Show(String),
    /// Wrong usage, for standard error.
    Wrong(String),
}

/// Understands the arguments, the program's name first.
pub fn understand(arguments: Vec<OsString>, env: impl Fn(&str) -> Option<String>) -> Asked {
    let lang = Lang::choose(asked_lang(&arguments), env);
    let parsed =
        command(lang).try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => Asked::Run(Box::new(cli), lang),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Asked::Show(error.to_string()),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Asked::Wrong(error.to_string()),
            _ => Asked::Wrong(complaint(&error, lang)),
        },
    }
}

/// The language has to be known before the rest is understood, because the rest may be a mistake.
fn asked_lang(arguments: &[OsString]) -> Option<Lang> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let apart = words.windows(2).find_map(|pair| match pair {
        ["--lang", value] => value.parse().ok(),
        _ => None,
    });
    apart.or_else(|| words.iter().find_map(|word| word.strip_prefix("--lang=")?.parse().ok()))
}

/// The whole command line with its help in one language.
pub fn command(lang: Lang) -> clap::Command {
    let program = Cli::command()
        .after_help(lang.say(UsageText::ExitStatus))
        .arg(Arg::new("help").short('h').long("help").global(true).display_order(902).action(ArgAction::Help))
        .arg(Arg::new("version").short('V').long("version").display_order(903).action(ArgAction::Version));
    localise(program, "", lang)
}

fn localise(command: clap::Command, path: &str, lang: Lang) -> clap::Command {
    let usage = lang.say(UsageText::Usage);
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command
        .help_template(format!("{{about-with-newline}}\n{usage}: {{usage}}\n\n{{all-args}}{{after-help}}\n"))
        .subcommand_help_heading(lang.say(UsageText::Commands))
        .mut_args(|arg| {
            let text = help(path, Some(arg.get_id().as_str())).map(|text| lang.say(text));
            let heading = if arg.is_positional() { UsageText::Arguments } else { UsageText::Options };
            arg.help(text).help_heading(lang.say(heading))
        });
    if matches!(path, "pairing add" | "pairing set") {
        let after = format!("{}\n\n{}", lang.say(HelpText::ArgSettings), lang.say(HelpText::Rules));
        command = command.after_help(after);
    }
    if let Some(about) = help(path, None) {
        command = command.about(lang.say(about));
    }
    for name in names {
        let below = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        command = command.mut_subcommand(&name, |sub| localise(sub, &below, lang));
    }
    command
}

fn complaint(error: &clap::Error, lang: Lang) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(list)) if !list.is_empty() => Some(list.join(", ")),
        _ => None,
    };
    let option = || text(ContextKind::InvalidArg).unwrap_or_default();
    let with_hint = |message: Message, kind| match text(kind) {
        Some(near) => Message::new(UsageText::DidYouMean).with_message("what", message).with("near", near),
        None => message,
    };
    let message = match error.kind() {
        ErrorKind::MissingSubcommand => {
            let known = text(ContextKind::ValidSubcommand).unwrap_or_default();
            Message::new(UsageText::MissingCommand).with("known", known)
        }
        ErrorKind::InvalidSubcommand => {
            let word = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            let known = command(lang);
            let names = || known.get_subcommands().map(clap::Command::get_name);
            let near = text(ContextKind::SuggestedSubcommand);
            let near = near.or_else(|| nearest(&word, names()).map(str::to_owned));
            let message = Message::new(UsageText::UnknownCommand).with("word", &word);
            match near {
                Some(near) => {
                    Message::new(UsageText::DidYouMean).with_message("what", message).with("near", near)
                }
                None => message,
            }
        }
        ErrorKind::UnknownArgument => with_hint(
            Message::new(UsageText::UnknownOption).with("word", option()),
            ContextKind::SuggestedArg,
        ),
        ErrorKind::MissingRequiredArgument => Message::new(UsageText::Missing).with("words", option()),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => match text(ContextKind::InvalidValue) {
            Some(value) if !value.is_empty() => {
                let wanted = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
                Message::new(UsageText::BadValue)
                    .with("option", option())
                    .with("value", value)
                    .with("wanted", wanted)
            }
            _ => Message::new(UsageText::NoValue).with("option", option()),
        },
        ErrorKind::ArgumentConflict | ErrorKind::TooManyValues => {
            Message::new(UsageText::Conflict).with("option", option())
        }
        _ => Message::new(UsageText::Other),
    };
    let hint = Message::new(UsageText::SeeHelp).with("command", "calsyncd");
    format!("{}\n{}\n", message.to_text(lang), hint.to_text(lang))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: &[&str]) -> Asked {
        let arguments =
            std::iter::once("calsyncd").chain(words.iter().copied()).map(OsString::from).collect();
        understand(arguments, |_| None)
    }

    fn wrong(words: &[&str]) -> String {
        match ask(words) {
            Asked::Wrong(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn clap_finds_nothing_wrong_with_it() {
        command(Lang::En).debug_assert();
        command(Lang::De).debug_assert();
    }

    #[test]
    fn every_command_and_option_has_its_help_in_both_languages() {
        fn walk(command: &clap::Command, path: &str) {
            assert!(help(path, None).is_some(), "no help for \"{path}\"");
            for arg in command.get_arguments() {
                assert!(
                    help(path, Some(arg.get_id().as_str())).is_some(),
                    "no help for {} of \"{path}\"",
                    arg.get_id()
                );
            }
            for sub in command.get_subcommands() {
                let below = format!("{path} {}", sub.get_name());
                walk(sub, below.trim_start());
            }
        }
        walk(&command(Lang::En), "");
    }

    #[test]
    fn help_is_in_the_language_that_was_asked_for() {
        let Asked::Show(german) = ask(&["pairing", "add", "--help", "--lang", "de"]) else { panic!() };
        for word in ["Aufruf:", "Optionen", "Argumente", "Eine Paarung anlegen", "Diese Hilfe ausgeben"] {
            assert!(german.contains(word), "{word} is missing in\n{german}");
        }
        for word in ["Usage", "Options", "Arguments", "Print"] {
            assert!(!german.contains(word), "{word} is in\n{german}");
        }
        let Asked::Show(english) = ask(&["--help"]) else { panic!() };
        assert!(english.contains("Usage:") && english.contains("Exit status: 0"), "{english}");
    }

    #[test]
    fn wrong_usage_is_told_with_what_is_right() {
        assert!(wrong(&["sink"]).contains("did you mean \"sync\""), "{}", wrong(&["sink"]));
        assert!(wrong(&["sync", "--jsn", "--lang=de"]).contains("gemeint ist wohl \u{201e}--json\u{201c}"));
        assert!(wrong(&["pairing", "add", "x"]).contains("--unit"), "{}", wrong(&["pairing", "add", "x"]));
        assert!(wrong(&["sync", "--pairing"]).contains("needs a value"), "{}", wrong(&["sync", "--pairing"]));
        assert!(wrong(&[]).contains("sync"), "{}", wrong(&[]));
    }

    #[test]
    fn settings_are_put_into_a_record_or_answered_with_what_is_right() {
        let settings = |words: &[&str]| {
            let words = [&["pairing", "set", "meier"], words].concat();
            let Asked::Run(cli, _) = ask(&words) else { panic!("{words:?}") };
            let Command::Pairing(command) = cli.command else { panic!("{words:?}") };
            let PairingCommand::Set { settings, .. } = *command else { panic!("{words:?}") };
            settings
        };
        let mut record = PairingRecord::new("meier", "p1", "meier@example.com");
        let words = [
            "--conflict-of",
            "span=nvs",
            "--conflict-of",
            "notes=hold",
            "--interval",
            "90s",
            "--direction=to_nvs",
        ];
        settings(&words).put_into(&mut record).unwrap();
        assert_eq!(fields::get(&record, "conflict_by_field"), "span=nvs notes=hold");
        assert_eq!(record.settings.interval_seconds, Some(90));
        settings(&["--conflict-of", "span=default", "--interval", "default"]).put_into(&mut record).unwrap();
        assert_eq!(fields::get(&record, "conflict_by_field"), "notes=hold");
        assert_eq!(record.settings.interval_seconds, None);
        let message = settings(&["--conflict", "oldest"]).put_into(&mut record).unwrap_err();
        assert_eq!(
            message.to_text(Lang::En),
            "--conflict does not take \"oldest\"; it takes newer, nvs, exchange, hold"
        );
    }
}
