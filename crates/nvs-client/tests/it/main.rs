//! The client against the mock, over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test that fails this way says where"
)]

mod canned;
mod errors;
mod feed;
mod files;
mod openapi;
mod rounds;
mod source;
mod tls;
mod writes;

use std::collections::BTreeMap;

use calsync_testkit::nvs::{MockLimits, MockNvs, MockNvsSettings, MockUnit};
use nvs_client::wire::{Appointment, Fields, Moment, NewAppointment, Problem, Write, WriteOutcome};
use nvs_client::{NvsClient, NvsSettings, Token};

/// A mock with two persons and a room that may only be read, and a client of it.
async fn start() -> (MockNvs, NvsClient) {
    start_as(MockNvsSettings::default()).await
}

async fn start_with(limits: MockLimits) -> (MockNvs, NvsClient) {
    start_as(MockNvsSettings { limits, ..MockNvsSettings::default() }).await
}

async fn start_as(settings: MockNvsSettings) -> (MockNvs, NvsClient) {
    let mock = MockNvs::start(settings).await.unwrap();
    mock.put_unit(MockUnit::person("meier", "Eva Meier", "eva.meier@example.com"));
    mock.put_unit(MockUnit::person("huber", "Jan Huber", "jan.huber@example.com"));
    mock.put_unit(MockUnit {
        id: "raum 1/ost".into(),
        kind: "room".into(),
        name: "Raum 1".into(),
        address: None,
        writable: false,
    });
    let client = client_of(&mock);
    (mock, client)
}

fn client_of(mock: &MockNvs) -> NvsClient {
    NvsClient::new(NvsSettings::new(mock.url(), Token::new(mock.token()))).unwrap()
}

fn at(text: &str) -> Moment {
    Moment::Zoned { at: text.parse().unwrap(), zone: "Europe/Berlin".into(), later: false }
}

fn fields(subject: &str) -> Fields {
    Fields {
        subject: Some(subject.into()),
        start: Some(at("2026-03-05T09:00:00")),
        end: Some(at("2026-03-05T10:00:00")),
        ..Fields::default()
    }
}

fn new(fields: Fields) -> NewAppointment {
    NewAppointment { fields, ..NewAppointment::default() }
}

fn create(key: &str, unit: &str, appointment: NewAppointment) -> Write {
    Write::Create { key: key.into(), unit: unit.into(), appointment: Box::new(appointment) }
}

fn series(subject: &str, rule: &str) -> Fields {
    Fields { rule: Some(Some(rule.into())), ..fields(subject) }
}

async fn write_one(client: &NvsClient, write: Write) -> WriteOutcome {
    let answer = client.write(None, &[write]).await.unwrap();
    answer.entries.into_iter().next().unwrap().outcome
}

async fn applied(client: &NvsClient, write: Write) -> Appointment {
    match write_one(client, write).await {
        WriteOutcome::Applied { appointment, .. } => *appointment,
        other => panic!("{other:?}"),
    }
}

async fn refused(client: &NvsClient, write: Write) -> Problem {
    match write_one(client, write).await {
        WriteOutcome::Refused(problem) => problem,
        other => panic!("{other:?}"),
    }
}

fn references(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
