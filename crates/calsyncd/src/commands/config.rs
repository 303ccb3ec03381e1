//! `config init` and `config check`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use super::{Answer, Complaint, Context, Exit};
use crate::cli::ConfigCommand;
use crate::config::{Config, inspect, template};
use crate::texts::{ConfigText, Message};

pub(super) fn config(context: &Context, command: ConfigCommand) -> Answer {
    match command {
        ConfigCommand::Init => init(context),
        ConfigCommand::Check => check(context),
    }
}

fn init(context: &Context) -> Answer {
    let path = &context.path;
    let at = |text| Message::new(text).with("path", path.display());
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Complaint::Failed(at(ConfigText::AlreadyThere)),
        _ => Complaint::Failed(at(ConfigText::NotWritten).with("why", error)),
    };
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(template(context.lang, path).as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    context.tell(&at(ConfigText::Written));
    Ok(Exit::Good)
}

fn check(context: &Context) -> Answer {
    let config = Config::load(&context.path)?;
    let findings = inspect(&config);
    let mut exit = Exit::Good;
    for finding in findings {
        let line = Message::new(ConfigText::NoLine)
            .with("path", context.path.display())
            .with_message("what", finding.message);
        context.warn(&line);
        if finding.fatal {
            exit = Exit::Usage;
        }
    }
    if exit == Exit::Good {
        context.tell(&Message::new(ConfigText::Good).with("path", context.path.display()));
    }
    Ok(exit)
}
