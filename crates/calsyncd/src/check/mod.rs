//! Whether everything can work, and what to do where it cannot.
//!
//! Goes from this machine outwards: settings, name, connection, login, service, then each pairing's calendar, unit and
//! rights. Each step is one [`Finding`]; after a failure the steps behind it are skipped, so that the first line that
//! failed is the one to act upon. Nothing is written anywhere.

mod exchange;
mod nvs;

use std::time::Duration;

use calsync_core::ids::Side;
use calsync_core::sync::Direction;
use chrono::{DateTime, Datelike as _, Utc};
use futures::StreamExt as _;
use serde::Serialize;

use crate::address::Address;
use crate::clock;
use crate::config::{Access, Config};
use crate::texts::{CheckText, Lang, Message};

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// This machine: files, variables, the state directory.
    Installation,
    /// The Exchange server.
    Exchange,
    /// The NVS server.
    Nvs,
    /// One pairing.
    Pairing(String),
}

/// One step of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Files and variables.
    Settings,
    /// The directory of the state.
    Store,
    /// How old the data about time zones is.
    Zones,
    /// The host's name.
    Name,
    /// Connection and certificate.
    Connection,
    /// Who we are.
    Login,
    /// What answers.
    Service,
    /// The clocks.
    Clock,
    /// The calendar on Exchange.
    Calendar,
    /// The rights on Exchange.
    Rights,
    /// The calendar unit, and the rights on it.
    Unit,
}

impl Step {
    fn text(self) -> CheckText {
        match self {
            Step::Settings => CheckText::StepSettings,
            Step::Store => CheckText::StepStore,
            Step::Zones => CheckText::StepZones,
            Step::Name => CheckText::StepName,
            Step::Connection => CheckText::StepConnection,
            Step::Login => CheckText::StepLogin,
            Step::Service => CheckText::StepService,
            Step::Clock => CheckText::StepClock,
            Step::Calendar => CheckText::StepCalendar,
            Step::Rights => CheckText::StepRights,
            Step::Unit => CheckText::StepUnit,
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Good.
    Ok,
    /// It works, but should be looked at.
    Warning,
    /// It does not work.
    Failed,
    /// Not looked at, because something before failed.
    Skipped,
}

/// One step and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub subject: Subject,
    /// Which step.
    pub step: Step,
    /// How it ended.
    pub mark: Mark,
    /// What was found, and what to do.
    pub message: Message,
    /// What the client or server said, in English.
    pub detail: Option<String>,
}

/// A pairing, as far as it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// Its name.
    pub name: String,
    /// The calendar unit.
    pub unit: String,
    /// The mailbox.
    pub mailbox: String,
    /// A folder other than the mailbox's own calendar.
    pub folder: Option<String>,
    /// How the mailbox is reached.
    pub access: Access,
    /// Which way changes go.
    pub direction: Direction,
}

/// Checks this machine, both servers and these pairings.
pub async fn check(config: &Config, pairings: &[Paired], concurrency: usize) -> Vec<Finding> {
    let mut findings = installation(config);
    let now = clock::now();
    findings.push(zones(calsync_core::zone::data_version(), calsync_core::zone::data_year(), now));
    let (exchange, nvs) = tokio::join!(exchange::server(config, pairings.first()), nvs::server(config));
    findings.extend(exchange.findings);
    findings.extend(nvs.findings);
    let of_pairings = futures::stream::iter(pairings).map(|paired| {
        let (exchange, nvs) = (exchange.client.clone(), nvs.client.clone());
        async move {
            let (mut calendar, unit) = tokio::join!(
                exchange::pairing(exchange.as_ref(), paired),
                nvs::pairing(nvs.as_ref(), paired)
            );
            calendar.extend(unit);
            calendar
        }
    });
    let of_pairings: Vec<Vec<Finding>> = of_pairings.buffered(concurrency.max(1)).collect().await;
    findings.extend(of_pairings.into_iter().flatten());
    findings
}

/// Checks what one side of one pairing needs; for the message after a round in which that side failed.
pub async fn check_side(config: &Config, side: Side, paired: &Paired) -> Vec<Finding> {
    match side {
        Side::A => {
            let server = nvs::server(config).await;
            let mut findings = server.findings;
            findings.extend(nvs::pairing(server.client.as_ref(), paired).await);
            findings
        }
        Side::B => {
            let server = exchange::server(config, Some(paired)).await;
            let mut findings = server.findings;
            findings.extend(exchange::pairing(server.client.as_ref(), paired).await);
            findings
        }
    }
}

fn installation(config: &Config) -> Vec<Finding> {
    let subject = Subject::Installation;
    let found = crate::config::inspect(config);
    let store_path = config.store.directory.display();
    let mut findings: Vec<Finding> = found
        .into_iter()
        .map(|finding| {
            let mark = if finding.fatal { Mark::Failed } else { Mark::Warning };
            let about_store = finding.message.is(crate::texts::ConfigText::StoreUnusable)
                || finding.message.is(crate::texts::ConfigText::GoodButStoreNew);
            let step = if about_store { Step::Store } else { Step::Settings };
            Finding { subject: subject.clone(), step, mark, message: finding.message, detail: None }
        })
        .collect();
    if !findings.iter().any(|finding| finding.step == Step::Store) {
        let message = Message::new(CheckText::StoreGood).with("path", store_path);
        findings.push(Finding { subject, step: Step::Store, mark: Mark::Ok, message, detail: None });
    }
    findings
}

/// Whether the data about time zones, of that version and year, is older than a year.
fn zones(version: &str, year: Option<i32>, now: DateTime<Utc>) -> Finding {
    let is_current =
        year.is_some_and(|year| (now.year(), now.month()) <= (year.saturating_add(1), month_of(version)));
    let (mark, text) =
        if is_current { (Mark::Ok, CheckText::ZonesGood) } else { (Mark::Warning, CheckText::ZonesOld) };
    let message = Message::new(text).with("version", version);
    Finding { subject: Subject::Installation, step: Step::Zones, mark, message, detail: None }
}

/// The month in which a version such as `2026f` came out, roughly: the versions of a year have letters instead of dates,
/// and there are about six of them.
fn month_of(version: &str) -> u32 {
    let letter = version.as_bytes().get(4).copied().filter(u8::is_ascii_lowercase).unwrap_or(b'a');
    let number = u32::from(letter.saturating_sub(b'a')).saturating_add(1);
    number.saturating_mul(2).min(12)
}

/// A server after its check: the client to go on with, if it can be used.
struct Server<C> {
    findings: Vec<Finding>,
    client: Option<C>,
}

/// Collects the steps of one subject.
struct Steps {
    subject: Subject,
    findings: Vec<Finding>,
}

impl Steps {
    fn new(subject: Subject) -> Steps {
        Steps { subject, findings: Vec::new() }
    }

    fn add(&mut self, step: Step, mark: Mark, message: Message) {
        self.add_with(step, mark, message, None);
    }

    fn add_with(&mut self, step: Step, mark: Mark, message: Message, detail: Option<String>) {
        self.findings.push(Finding { subject: self.subject.clone(), step, mark, message, detail });
    }

    fn good(&mut self, step: Step, message: Message) {
        self.add(step, Mark::Ok, message);
    }

    /// Marks the steps before `failed` as good by `good`, that one as failed, and those behind as skipped.
    fn broken(
        &mut self,
        steps: &[Step],
        good: impl Fn(Step) -> Message,
        failed: Step,
        message: &Message,
        detail: &str,
    ) {
        for step in steps {
            match step.cmp(&failed) {
                std::cmp::Ordering::Less => self.good(*step, good(*step)),
                std::cmp::Ordering::Equal => {
                    self.add_with(*step, Mark::Failed, message.clone(), Some(detail.to_owned()));
                }
                std::cmp::Ordering::Greater => {
                    self.add(*step, Mark::Skipped, Message::new(CheckText::Skipped));
                }
            }
        }
    }
}

/// Whether the host has an address; `None` when the URL is none.
async fn name_step(steps: &mut Steps, url: &str, setting: &'static str) -> Option<Address> {
    let address = Address::of(url)?;
    let host = |text| Message::new(text).with("host", &address.host);
    if address.ip().is_some() {
        steps.good(Step::Name, host(CheckText::NameIsAddress));
        return Some(address);
    }
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
    let known = found.is_ok_and(|mut found| found.next().is_some());
    if !known {
        steps.add(Step::Name, Mark::Failed, host(CheckText::NameUnknown).with("setting", setting));
        return None;
    }
    steps.good(Step::Name, host(CheckText::NameGood));
    Some(address)
}

/// What a certificate and the way there come to, when all is well.
fn connection_good(address: &Address, pinned: bool) -> Message {
    Message::new(match (address.scheme.as_str(), pinned) {
        ("http", _) => CheckText::ConnectionPlain,
        (_, true) => CheckText::ConnectionPinned,
        (_, false) => CheckText::ConnectionTls,
    })
}

/// More than this between two clocks is told.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

fn clock_step(steps: &mut Steps, server: Option<DateTime<Utc>>, before: DateTime<Utc>, after: DateTime<Utc>) {
    let Some(server) = server else {
        steps.add(Step::Clock, Mark::Warning, Message::new(CheckText::ClockUnknown));
        return;
    };
    let half = after.signed_duration_since(before).checked_div(2).unwrap_or_default();
    let ours = before.checked_add_signed(half).unwrap_or(before);
    let offset = server.signed_duration_since(ours).abs();
    let tolerated = offset.to_std().is_ok_and(|offset| offset <= CLOCK_TOLERANCE);
    // Rounded up: the header has whole seconds.
    let shown = offset.num_seconds().saturating_add(1);
    if tolerated {
        steps.good(Step::Clock, Message::new(CheckText::ClockGood).with("offset", shown));
    } else {
        steps.add(Step::Clock, Mark::Warning, Message::new(CheckText::ClockOff).with("offset", shown));
    }
}

/// How many steps failed.
pub fn failed(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.mark == Mark::Failed).count()
}

/// For people: one heading for each subject, one line for each step.
pub fn to_text(findings: &[Finding], lang: Lang) -> String {
    let mut out = String::new();
    let mut subject = None;
    for finding in findings {
        if subject != Some(&finding.subject) {
            subject = Some(&finding.subject);
            out.push_str(&heading(&finding.subject, lang));
            out.push('\n');
        }
        out.push_str(&line(finding, lang));
    }
    out
}

/// Only what failed, as lines.
pub fn failures_to_text(findings: &[Finding], lang: Lang) -> String {
    findings
        .iter()
        .filter(|finding| finding.mark == Mark::Failed)
        .map(|finding| line(finding, lang))
        .collect()
}

fn heading(subject: &Subject, lang: Lang) -> String {
    match subject {
        Subject::Installation => lang.say(CheckText::Installation).to_owned(),
        Subject::Exchange => "Exchange".to_owned(),
        Subject::Nvs => "NVS".to_owned(),
        Subject::Pairing(name) => Message::new(CheckText::PairingHeading).with("pairing", name).to_text(lang),
    }
}

fn line(finding: &Finding, lang: Lang) -> String {
    let mark = lang.say(match finding.mark {
        Mark::Ok => CheckText::MarkOk,
        Mark::Warning => CheckText::MarkWarning,
        Mark::Failed => CheckText::MarkFailed,
        Mark::Skipped => CheckText::MarkSkipped,
    });
    let step = lang.say(finding.step.text());
    let mut line = format!("  {mark:<9}{step:<15}{}\n", finding.message.to_text(lang));
    if let Some(detail) = &finding.detail {
        let detail = Message::new(CheckText::Detail).with("detail", detail).to_text(lang);
        line = format!("{line}{:26}{detail}\n", "");
    }
    line
}

/// For programs.
pub fn to_json(findings: &[Finding], lang: Lang) -> serde_json::Value {
    let rows: Vec<serde_json::Value> = findings
        .iter()
        .map(|finding| {
            let (subject, pairing) = match &finding.subject {
                Subject::Installation => ("installation", None),
                Subject::Exchange => ("exchange", None),
                Subject::Nvs => ("nvs", None),
                Subject::Pairing(name) => ("pairing", Some(name)),
            };
            serde_json::json!({
                "subject": subject,
                "pairing": pairing,
                "step": finding.step,
                "result": finding.mark,
                "text": finding.message.to_text(lang),
                "detail": finding.detail,
            })
        })
        .collect();
    serde_json::json!({ "ok": failed(findings) == 0, "checks": rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_data_older_than_a_year_is_told_in_both_languages() {
        let at = |text: &str| format!("{text}T12:00:00Z").parse::<DateTime<Utc>>().unwrap();
        for (version, day, mark) in [
            ("2026f", "2026-11-24", Mark::Ok),
            ("2026f", "2027-12-31", Mark::Ok),
            ("2026f", "2028-01-01", Mark::Warning),
            ("2025b", "2026-04-30", Mark::Ok),
            ("2025b", "2026-05-01", Mark::Warning),
            ("2026h", "2027-12-01", Mark::Ok),
        ] {
            let year = version[..4].parse().ok();
            assert_eq!(zones(version, year, at(day)).mark, mark, "{version} on {day}");
        }
        let old = zones("2025b", Some(2025), at("2027-01-01"));
        let shown = [old.clone()];
        assert!(to_text(&shown, Lang::En).contains("2025b"), "{}", to_text(&shown, Lang::En));
        assert!(to_text(&shown, Lang::De).contains("älter als ein Jahr"), "{}", to_text(&shown, Lang::De));
        assert_eq!(failed(&shown), 0, "it works, and should be looked at");
        assert_eq!(zones("unknown", None, at("2026-01-01")).mark, Mark::Warning);
        let (version, year) = (calsync_core::zone::data_version(), calsync_core::zone::data_year());
        assert_eq!(zones(version, year, at("2026-11-24")).mark, Mark::Ok, "{version}");
    }
}
