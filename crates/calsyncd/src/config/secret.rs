//! Where a secret is. The secret itself never is in the configuration, and never in an error.

use std::path::PathBuf;

use crate::texts::{ConfigText, Message};

/// Where a password or token is read from, each time it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file; space and line ends around the secret are dropped.
    File(PathBuf),
}

impl SecretRef {
    /// Reads it. `section` and `keys` (variable, file) are for the message.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to do.
    pub fn read(&self, section: &'static str, keys: [&'static str; 2]) -> Result<String, Message> {
        let [env_key, file_key] = keys;
        let (text, key) = match self {
            SecretRef::Env(name) => {
                let unset = || {
                    Message::new(ConfigText::SecretEnvUnset)
                        .with("name", name)
                        .with("section", section)
                        .with("key", env_key)
                        .with("instead", file_key)
                };
                (std::env::var(name).map_err(|_| unset())?, env_key)
            }
            SecretRef::File(path) => {
                let unreadable = |error: std::io::Error| {
                    Message::new(ConfigText::SecretFileUnreadable)
                        .with("path", path.display())
                        .with("section", section)
                        .with("key", file_key)
                        .with("why", error)
                };
                (std::fs::read_to_string(path).map_err(unreadable)?, file_key)
            }
        };
        let secret = text.trim_start_matches('\u{feff}').trim();
        if secret.is_empty() {
            return Err(Message::new(ConfigText::SecretEmpty).with("section", section).with("key", key));
        }
        Ok(secret.to_owned())
    }

    /// The file, if it is one that others than its owner can read.
    pub(super) fn open_to_others(&self) -> Option<&PathBuf> {
        let SecretRef::File(path) = self else { return None };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(path).ok()?.permissions().mode();
            (mode & 0o004 != 0).then_some(path)
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            None
        }
    }
}
