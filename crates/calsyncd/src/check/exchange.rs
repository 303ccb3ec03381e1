//! The Exchange side of `check`.

use chrono::{DateTime, Utc};
use ews_client::ops::{FolderRef, GetFolder, ResolveNames, SyncFolderItems};
use ews_client::wire::{EffectiveRights, FolderId, ResponseCode};
use ews_client::{ConnectFailure, EwsClient, EwsError, Target};

use super::{Mark, Paired, Server, Step, Steps, Subject, clock_step, connection_good, name_step};
use crate::address::Address;
use crate::clock;
use crate::config::{Access, Config};
use crate::connect;
use crate::texts::{CheckText, Message};

const URL: &str = "exchange.url";
const AFTER_NAME: &[Step] = &[Step::Connection, Step::Login, Step::Service, Step::Clock];

/// Name, connection, login, version and clock. The server is asked about a mailbox of ours, where there is one.
pub(super) async fn server(config: &Config, paired: Option<&Paired>) -> Server<EwsClient> {
    let mut steps = Steps::new(Subject::Exchange);
    let client = match connect::exchange(config, None) {
        Ok(client) => client,
        Err(error) => {
            steps.add(Step::Settings, Mark::Failed, error.message());
            return Server { findings: steps.findings, client: None };
        }
    };
    let Some(address) = name_step(&mut steps, &config.exchange.url, URL).await else {
        return Server { findings: steps.findings, client: None };
    };
    let target = match paired {
        Some(paired) => connect::target(&paired.mailbox, paired.access),
        None => Target::by_rights(if config.exchange.user.contains('@') {
            config.exchange.user.as_str()
        } else {
            ""
        }),
    };
    let before = clock::now();
    let (asked, time) = ask(&client, &target, paired).await;
    let after = clock::now();
    let pinned = config.exchange.fingerprint.is_some();
    let good = |step| match step {
        Step::Connection => connection_good(&address, pinned),
        _ => Message::new(CheckText::LoginGood).with("user", &config.exchange.user),
    };
    if let Err(error) = asked
        && let Some((failed, message)) = server_fault(&error, &address)
    {
        steps.broken(AFTER_NAME, good, failed, &message, &error.to_string());
        return Server { findings: steps.findings, client: None };
    }
    // Whatever it said of that mailbox: it is Exchange, and it knows us.
    steps.good(Step::Connection, good(Step::Connection));
    steps.good(Step::Login, good(Step::Login));
    match client.server_build(&target) {
        Some(build) => {
            let message = Message::new(CheckText::ExchangeVersion).with("build", build);
            steps.good(Step::Service, message.with("version", build.version()));
        }
        None => steps.add(Step::Service, Mark::Warning, Message::new(CheckText::Unexpected)),
    }
    // The clock is told with the change feed only, which a mailbox that is not there does not have.
    if time.is_some() {
        clock_step(&mut steps, time, before, after);
    }
    Server { findings: steps.findings, client: Some(client) }
}

async fn ask(
    client: &EwsClient,
    target: &Target,
    paired: Option<&Paired>,
) -> (Result<(), EwsError>, Option<DateTime<Utc>>) {
    let Some(paired) = paired else {
        let question = ResolveNames { name: "smtp:calsync@example.invalid".to_owned() };
        return (client.resolve_names(target, &question).await.map(drop), None);
    };
    let question =
        SyncFolderItems { folder: folder(paired), sync_state: None, max_changes: 1, extended: Vec::new() };
    match client.sync_folder_items(target, &question).await {
        Ok(page) => (Ok(()), page.server_time.map(|time| time.to_utc().and_utc())),
        Err(error) => (Err(error), None),
    }
}

fn folder(paired: &Paired) -> FolderRef {
    paired.folder.as_ref().map_or(FolderRef::Calendar, |id| FolderRef::Id(FolderId::new(id)))
}

/// Which step this error belongs to; `None` when the server itself is fine and only the mailbox is not.
fn server_fault(error: &EwsError, address: &Address) -> Option<(Step, Message)> {
    let at = |text| {
        Message::new(text).with("host", &address.host).with("setting", URL).with("ca", "exchange.ca_file")
    };
    Some(match error {
        EwsError::Settings(_) => (Step::Connection, at(CheckText::Unexpected)),
        EwsError::Unreachable { failure, .. } => {
            let message = match failure {
                ConnectFailure::Name => at(CheckText::NameUnknown),
                ConnectFailure::Refused => at(CheckText::Refused),
                ConnectFailure::TimedOut => at(CheckText::TimedOut),
                ConnectFailure::CertificateUntrusted | ConnectFailure::Certificate(_) => {
                    at(CheckText::CertificateUntrusted)
                }
                ConnectFailure::CertificateName { .. } => at(CheckText::CertificateName),
                ConnectFailure::CertificateExpired => at(CheckText::CertificateExpired),
                ConnectFailure::CertificateTooNew => at(CheckText::CertificateTooNew),
                ConnectFailure::CertificatePin { found } => {
                    at(CheckText::CertificatePin).with("found", found)
                }
                ConnectFailure::Tls(_) => at(CheckText::NoTls),
                _ => at(CheckText::NoConnection),
            };
            (Step::Connection, message)
        }
        EwsError::Login { .. } => (Step::Login, at(CheckText::LoginRefused)),
        EwsError::Forbidden => (Step::Login, at(CheckText::EwsForbidden)),
        EwsError::WrongUrl { .. } | EwsError::Unreadable(_) | EwsError::Incomplete { .. } => {
            (Step::Service, at(CheckText::NotEws))
        }
        EwsError::NoAnswer { .. } | EwsError::Busy { .. } | EwsError::Failed { .. } => {
            (Step::Service, at(CheckText::Busy))
        }
        EwsError::Response(_) => return None,
        _ => (Step::Service, at(CheckText::Unexpected)),
    })
}

/// Calendar and rights of one pairing.
pub(super) async fn pairing(client: Option<&EwsClient>, paired: &Paired) -> Vec<super::Finding> {
    let mut steps = Steps::new(Subject::Pairing(paired.name.clone()));
    let skipped = || Message::new(CheckText::Skipped);
    let Some(client) = client else {
        steps.add(Step::Calendar, Mark::Skipped, skipped());
        return steps.findings;
    };
    let target = connect::target(&paired.mailbox, paired.access);
    let folder = match client.get_folder(&target, &GetFolder::of(folder(paired))).await {
        Ok(folder) => folder,
        Err(error) => {
            let message = mailbox_fault(&error, paired);
            steps.add_with(Step::Calendar, Mark::Failed, message, Some(error.to_string()));
            steps.add(Step::Rights, Mark::Skipped, skipped());
            return steps.findings;
        }
    };
    let class = folder.folder_class.as_deref().unwrap_or("IPF.Appointment");
    if !class.starts_with("IPF.Appointment") {
        let message =
            Message::new(CheckText::NotACalendar).with("class", class).with("pairing", &paired.name);
        steps.add(Step::Calendar, Mark::Failed, message);
        steps.add(Step::Rights, Mark::Skipped, skipped());
        return steps.findings;
    }
    steps.good(Step::Calendar, Message::new(CheckText::CalendarGood).with("mailbox", &paired.mailbox));
    match folder.effective_rights {
        None => steps.add(Step::Rights, Mark::Warning, Message::new(CheckText::RightsUnknown)),
        Some(rights) => rights_step(&mut steps, rights, paired),
    }
    steps.findings
}

fn rights_step(steps: &mut Steps, rights: EffectiveRights, paired: &Paired) {
    // Rights to change and delete are those of the folder itself here, which an editor of its items need not have.
    let wanted = [(rights.read, CheckText::RightRead), (rights.create_contents, CheckText::RightCreate)];
    let writes = paired.direction.writes(calsync_core::ids::Side::B);
    let missing = wanted.iter().filter(|(has, text)| !has && (writes || *text == CheckText::RightRead));
    let missing: Vec<CheckText> = missing.map(|(_, text)| *text).collect();
    let message = match missing.as_slice() {
        [] if writes => Message::new(CheckText::RightsGood),
        [] => Message::new(CheckText::RightsReadOnlyWanted),
        [first, ..] => {
            let message = Message::new(CheckText::RightsMissing).with("mailbox", &paired.mailbox);
            steps.add(Step::Rights, Mark::Failed, message.with_message("missing", Message::new(*first)));
            return;
        }
    };
    steps.good(Step::Rights, message);
}

fn mailbox_fault(error: &EwsError, paired: &Paired) -> Message {
    let at = |text| Message::new(text).with("mailbox", &paired.mailbox).with("pairing", &paired.name);
    let EwsError::Response(response) = error else {
        return at(match error {
            EwsError::NoAnswer { .. } | EwsError::Busy { .. } | EwsError::Failed { .. } => CheckText::Busy,
            _ => CheckText::Unexpected,
        });
    };
    at(match &response.code {
        ResponseCode::NonExistentMailbox
        | ResponseCode::NonPrimarySmtpAddress
        | ResponseCode::NameResolutionNoMailbox
        | ResponseCode::MissingEmailAddress => CheckText::MailboxUnknown,
        ResponseCode::FolderNotFound
        | ResponseCode::SyncFolderNotFound
        | ResponseCode::ItemNotFound
        | ResponseCode::NoCalendar => CheckText::CalendarHidden,
        ResponseCode::AccessDenied if paired.access == Access::Rights => CheckText::CalendarDenied,
        ResponseCode::AccessDenied
        | ResponseCode::ImpersonateUserDenied
        | ResponseCode::ImpersonationDenied
        | ResponseCode::ImpersonationFailed => CheckText::ImpersonationDenied,
        _ => CheckText::Unexpected,
    })
}
