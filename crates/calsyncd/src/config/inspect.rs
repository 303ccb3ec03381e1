//! Looks whether what a configuration names is there: variables, files, the directory of the state.

use std::path::Path;

use super::Config;
use crate::texts::{ConfigText, Message};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether the service cannot work like this; else it is only good to know.
    pub fatal: bool,
    /// What, and what to do.
    pub message: Message,
}

/// Looks at everything the configuration names on this machine; the servers are not asked.
pub fn inspect(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let fatal = |message| Finding { fatal: true, message };
    let hint = |message| Finding { fatal: false, message };
    let secrets = [
        ("exchange", &config.exchange.password, ["password_env", "password_file"]),
        ("nvs", &config.nvs.token, ["token_env", "token_file"]),
    ];
    for (section, secret, keys) in secrets {
        match secret.read(section, keys) {
            Ok(_) => findings.extend(secret.open_to_others().map(|path| {
                let [_, key] = keys;
                let message = Message::new(ConfigText::SecretFileOpen).with("path", path.display());
                hint(message.with("section", section).with("key", key))
            })),
            Err(message) => findings.push(fatal(message)),
        }
    }
    let files = [("exchange", &config.exchange.ca_file), ("nvs", &config.nvs.ca_file)];
    for (section, file) in files {
        let Some(path) = file else { continue };
        if let Err(error) = std::fs::read(path) {
            let message =
                Message::new(ConfigText::FileUnreadable).with("path", path.display()).with("why", error);
            findings.push(fatal(message.with("section", section).with("key", "ca_file")));
        }
    }
    let directory = &config.store.directory;
    match directory_state(directory) {
        Ok(true) => {}
        Ok(false) => {
            findings.push(hint(Message::new(ConfigText::GoodButStoreNew).with("path", directory.display())));
        }
        Err(error) => {
            let message = Message::new(ConfigText::StoreUnusable).with("path", directory.display());
            findings.push(fatal(message.with("why", error)));
        }
    }
    findings
}

/// Whether the directory is there already.
fn directory_state(directory: &Path) -> std::io::Result<bool> {
    match std::fs::metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => Err(std::io::ErrorKind::NotADirectory.into()),
        Ok(metadata) if metadata.permissions().readonly() => Err(std::io::ErrorKind::PermissionDenied.into()),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
