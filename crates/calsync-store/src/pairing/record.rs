//! What is set up for one pairing.

use calsync_core::ids::PairingId;
use serde::{Deserialize, Serialize};

use super::settings::PairingSettings;
use super::store::PairingError;
use super::words::words;

words! {
    /// How the service account gets at the mailbox.
    MailboxAccess {
        /// By rights that the mailbox or its folder gives to the service account.
        Rights = "rights",
        /// By acting as the owner of the mailbox.
        Impersonation = "impersonation",
    }
}

/// A calendar unit of NVS and a calendar folder of Exchange that are kept in step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingRecord {
    /// Its name, chosen by the administrator.
    pub id: PairingId,
    /// The calendar unit of NVS.
    pub unit: String,
    /// The SMTP address of the mailbox. Upper and lower case make no difference.
    pub mailbox: String,
    /// The calendar folder in it; `None` for the default calendar.
    pub folder: Option<String>,
    /// How the service account gets at the mailbox.
    pub access: MailboxAccess,
    /// Whether it is kept in step at all.
    pub enabled: bool,
    /// Where it differs from the defaults.
    #[serde(default)]
    pub settings: PairingSettings,
}

impl PairingRecord {
    /// A pairing with the default calendar of a mailbox, by rights, enabled, with default settings.
    pub fn new(id: impl Into<String>, unit: impl Into<String>, mailbox: impl Into<String>) -> PairingRecord {
        PairingRecord {
            id: PairingId::new(id),
            unit: unit.into(),
            mailbox: mailbox.into(),
            folder: None,
            access: MailboxAccess::Rights,
            enabled: true,
            settings: PairingSettings::default(),
        }
    }

    /// Under which name the calendar folder is unique in the installation.
    pub(crate) fn calendar(&self) -> (String, String) {
        (self.mailbox.to_lowercase(), self.folder.clone().unwrap_or_default())
    }

    /// Whether another record means the same two calendars.
    pub(crate) fn same_calendars(&self, other: &PairingRecord) -> bool {
        self.unit == other.unit && self.calendar() == other.calendar()
    }

    pub(crate) fn validate(&self) -> Result<(), PairingError> {
        let texts = [
            ("id", Some(self.id.as_str())),
            ("calendar unit", Some(self.unit.as_str())),
            ("mailbox", Some(self.mailbox.as_str())),
            ("folder", self.folder.as_deref()),
        ];
        for (what, text) in texts {
            let Some(text) = text else { continue };
            if text.is_empty() || text.trim() != text || text.contains(char::is_control) {
                return Err(PairingError::Invalid(format!(
                    "the {what} must not be empty, nor begin or end with a space, nor hold control characters"
                )));
            }
        }
        if self.settings.interval_seconds == Some(0) {
            return Err(PairingError::Invalid("the interval must be at least one second".to_owned()));
        }
        Ok(())
    }
}
