//! The NVS side of `check`.

use calsync_core::ids::Side;
use nvs_client::wire::Access;
use nvs_client::{NvsClient, NvsError, NvsErrorKind};

use super::{Finding, Mark, Paired, Server, Step, Steps, Subject, clock_step, connection_good, name_step};
use crate::address::Address;
use crate::clock;
use crate::config::Config;
use crate::connect;
use crate::texts::{CheckText, Message};

const URL: &str = "nvs.url";
const AFTER_NAME: &[Step] = &[Step::Connection, Step::Login, Step::Service, Step::Clock];
/// How many units a message lists.
const UNITS_SHOWN: usize = 10;

/// Name, connection, login, version and clock.
pub(super) async fn server(config: &Config) -> Server<NvsClient> {
    let mut steps = Steps::new(Subject::Nvs);
    let client = match connect::nvs(config) {
        Ok(client) => client,
        Err(error) => {
            steps.add(Step::Settings, Mark::Failed, error.message());
            return Server { findings: steps.findings, client: None };
        }
    };
    let Some(address) = name_step(&mut steps, &config.nvs.url, URL).await else {
        return Server { findings: steps.findings, client: None };
    };
    let before = clock::now();
    let asked = client.server().await;
    let after = clock::now();
    let good = |step| match step {
        Step::Connection => connection_good(&address, false),
        _ => Message::new(CheckText::TokenGood),
    };
    let info = match asked {
        Ok(info) => info,
        Err(error) => {
            let (failed, message) = server_fault(&error, &address);
            steps.broken(AFTER_NAME, good, failed, &message, &error.to_string());
            return Server { findings: steps.findings, client: None };
        }
    };
    steps.good(Step::Connection, good(Step::Connection));
    steps.good(Step::Login, good(Step::Login));
    let message =
        Message::new(CheckText::NvsVersion).with("product", &info.product).with("version", &info.version);
    steps.good(Step::Service, message.with("protocol", &info.protocol));
    clock_step(&mut steps, Some(info.time), before, after);
    Server { findings: steps.findings, client: Some(client) }
}

fn server_fault(error: &NvsError, address: &Address) -> (Step, Message) {
    let at =
        |text| Message::new(text).with("host", &address.host).with("setting", URL).with("ca", "nvs.ca_file");
    match error.kind {
        NvsErrorKind::Unreachable => (Step::Connection, at(CheckText::NoConnection)),
        NvsErrorKind::Untrusted => (Step::Connection, at(CheckText::CertificateUntrusted)),
        NvsErrorKind::Unauthorized => (Step::Login, at(CheckText::TokenRefused)),
        NvsErrorKind::Forbidden => (Step::Login, at(CheckText::NvsForbidden)),
        NvsErrorKind::NotCalender | NvsErrorKind::BadAnswer => (Step::Service, at(CheckText::NotNvs)),
        NvsErrorKind::NoAnswer | NvsErrorKind::Throttled(_) | NvsErrorKind::Unavailable(_) => {
            (Step::Service, at(CheckText::Busy))
        }
        _ => (Step::Service, at(CheckText::Unexpected)),
    }
}

/// Unit and rights of one pairing.
pub(super) async fn pairing(client: Option<&NvsClient>, paired: &Paired) -> Vec<Finding> {
    let mut steps = Steps::new(Subject::Pairing(paired.name.clone()));
    let Some(client) = client else {
        steps.add(Step::Unit, Mark::Skipped, Message::new(CheckText::Skipped));
        return steps.findings;
    };
    let at = |text| Message::new(text).with("unit", &paired.unit).with("pairing", &paired.name);
    match client.unit(&paired.unit).await {
        Ok(unit) if unit.access == Access::Read && paired.direction.writes(Side::A) => {
            steps.add(Step::Unit, Mark::Failed, at(CheckText::UnitReadOnly));
        }
        Ok(unit) => steps.good(Step::Unit, at(CheckText::UnitGood).with("name", unit.name)),
        Err(error) => {
            let message = match error.kind {
                NvsErrorKind::UnknownUnit | NvsErrorKind::NotCalender => {
                    at(CheckText::UnitUnknown).with("known", known_units(client).await)
                }
                NvsErrorKind::Forbidden => at(CheckText::UnitNone),
                NvsErrorKind::NoAnswer
                | NvsErrorKind::Throttled(_)
                | NvsErrorKind::Unavailable(_)
                | NvsErrorKind::Unreachable => at(CheckText::Busy),
                _ => at(CheckText::Unexpected),
            };
            steps.add_with(Step::Unit, Mark::Failed, message, Some(error.to_string()));
        }
    }
    steps.findings
}

async fn known_units(client: &NvsClient) -> String {
    let Ok(units) = client.units().await else { return "?".to_owned() };
    let mut shown: Vec<String> = units.iter().take(UNITS_SHOWN).map(|unit| unit.id.clone()).collect();
    if units.len() > UNITS_SHOWN {
        shown.push("…".to_owned());
    }
    if shown.is_empty() { "–".to_owned() } else { shown.join(", ") }
}
