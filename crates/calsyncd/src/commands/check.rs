//! `check`.

use calsync_store::{MailboxAccess, PairingRecord, PairingStore as _};

use super::{Answer, Complaint, Context, Exit, find, open_shared, print, print_json};
use crate::check::{self, Paired};
use crate::cli::Choice;
use crate::config::{Access, Config};
use crate::texts::{CheckText, Message};

pub(super) async fn check(context: &Context, choice: &Choice) -> Answer {
    let config = context.config()?;
    let records = records(&config, choice).await?;
    let paired: Vec<Paired> = records.iter().map(|record| paired(&config, record)).collect();
    let findings = check::check(&config, &paired, config.sync.concurrency).await;
    let failed = check::failed(&findings);
    if choice.json {
        print_json(&check::to_json(&findings, context.lang));
    } else {
        print(&check::to_text(&findings, context.lang));
        if paired.is_empty() {
            context.tell(&Message::new(CheckText::NoPairings));
        }
        match failed {
            0 => context.tell(&Message::new(CheckText::AllGood)),
            count => context.tell(&Message::new(CheckText::SomeFailed).with("count", count)),
        }
    }
    Ok(if failed == 0 { Exit::Good } else { Exit::Failed })
}

async fn records(config: &Config, choice: &Choice) -> Result<Vec<PairingRecord>, Complaint> {
    if choice.pairing.is_none() && !config.store.directory.is_dir() {
        // Nothing was ever done here; looking must not create anything.
        return Ok(Vec::new());
    }
    let store = open_shared(config).await?;
    match &choice.pairing {
        Some(name) => Ok(vec![find(&store, name).await?]),
        None => Ok(store.pairings().await?.into_iter().filter(|record| record.enabled).collect()),
    }
}

/// A pairing, as far as it is checked.
pub(super) fn paired(config: &Config, record: &PairingRecord) -> Paired {
    Paired {
        name: record.id.as_str().to_owned(),
        unit: record.unit.clone(),
        mailbox: record.mailbox.clone(),
        folder: record.folder.clone(),
        access: match record.access {
            MailboxAccess::Rights => Access::Rights,
            MailboxAccess::Impersonation => Access::Impersonation,
        },
        direction: record.settings.over(&config.defaults).engine().direction,
    }
}
