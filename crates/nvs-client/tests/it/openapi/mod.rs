//! The OpenAPI document against the wire types of the client, and against what really goes over the wire.

mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use calsync_testkit::nvs::MockLimits;
use nvs_client::wire::{self, Fields, NewAppointment, OverridePatch, Patch, Write};
use nvs_client::{NvsClient, NvsSettings, Token, Trace, digest_of};
use schema::Document;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{applied, create, fields, new, references, refused, series, start_with};

/// Reads a value into a wire type and writes it again.
fn round<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, serde_json::Error> {
    serde_json::from_value::<T>(value.clone()).map(|read| serde_json::to_value(read).unwrap())
}

type Round = fn(&Value) -> Result<Value, serde_json::Error>;

/// Schemas that are a type of the client, by name.
fn types() -> Vec<(&'static str, Round)> {
    vec![
        ("ServerInfo", round::<wire::ServerInfo>),
        ("Limits", round::<wire::Limits>),
        ("Unit", round::<wire::Unit>),
        ("UnitPage", round::<wire::UnitPage>),
        ("StoredFile", round::<wire::StoredFile>),
        ("Change", round::<wire::Change>),
        ("ChangePage", round::<wire::ChangePage>),
        ("ReadRequest", round::<wire::ReadRequest>),
        ("ReadResponse", round::<wire::ReadResponse>),
        ("FindRequest", round::<wire::FindRequest>),
        ("FindResponse", round::<wire::FindResponse>),
        ("FindMatch", round::<wire::FindMatch>),
        ("BinPage", round::<wire::BinPage>),
        ("Moment", round::<wire::Moment>),
        ("Notes", round::<wire::Notes>),
        ("Person", round::<wire::Person>),
        ("Attendee", round::<wire::Attendee>),
        ("Attachment", round::<wire::Attachment>),
        ("Mark", round::<wire::Mark>),
        ("Stamp", round::<wire::Stamp>),
        ("Fields", round::<wire::Fields>),
        ("SeriesFields", round::<wire::Fields>),
        ("References", round::<BTreeMap<String, String>>),
        ("Override", round::<wire::Override>),
        ("Appointment", round::<wire::Appointment>),
        ("NewAppointment", round::<wire::NewAppointment>),
        ("Patch", round::<wire::Patch>),
        ("OverridePatch", round::<wire::OverridePatch>),
        ("WriteRequest", round::<wire::WriteRequest>),
        ("CreateWrite", round::<wire::Write>),
        ("UpdateWrite", round::<wire::Write>),
        ("DeleteWrite", round::<wire::Write>),
        ("RestoreWrite", round::<wire::Write>),
        ("Problem", round::<wire::Problem>),
        ("FieldError", round::<wire::FieldError>),
    ]
}

#[test]
fn every_schema_has_an_example_that_follows_it_and_is_known_to_this_test() {
    let document = Document::load();
    // Words and values without members; unions whose parts are types; an entry of a page.
    let others = [
        "UnitKind",
        "Access",
        "BusyStatus",
        "NotesFormat",
        "AttendeeRole",
        "ResponseStatus",
        "MarkKind",
        "ProblemType",
        "Key",
        "OriginalStart",
        "Digest",
        "Write",
        "ReadEntry",
        "WriteResult",
        "WriteResponse",
        "Event",
        "Binned",
    ];
    let known: BTreeSet<&str> = types().iter().map(|(name, _)| *name).chain(others).collect();
    let there: BTreeSet<&str> =
        document.0["components"]["schemas"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(known, there);
    for (name, _) in types() {
        let examples =
            document.schema(name)["examples"].as_array().unwrap_or_else(|| panic!("{name} has no example"));
        for example in examples {
            assert_eq!(document.faults(document.schema(name), example), Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn every_member_of_the_document_is_a_member_of_the_client_s_types() {
    let document = Document::load();
    for (name, round) in types() {
        let examples = document.schema(name)["examples"].as_array().unwrap();
        for example in examples {
            let back = round(example).unwrap_or_else(|error| panic!("{name}: {error}"));
            // What a type leaves out is what says nothing: `false` flags, empty lists and maps.
            for (member, value) in example.as_object().unwrap() {
                let says_nothing = *value == json!(false) || *value == json!([]) || *value == json!({});
                assert!(
                    back.get(member) == Some(value) || (says_nothing && back.get(member).is_none()),
                    "{name}.{member}"
                );
            }
        }
        // Together the examples show every member; each is then broken on purpose. A type that only kept it among
        // the members it does not know would read it all the same.
        let properties = document.properties(document.schema(name));
        for member in &properties {
            let shown: Vec<&Value> =
                examples.iter().filter(|example| example.get(member).is_some()).collect();
            let in_part = ["Fields", "SeriesFields"]
                .iter()
                .any(|part| *part != name && document.properties(document.schema(part)).contains(member));
            assert!(!shown.is_empty() || in_part, "no example of {name} shows {member}");
            for example in shown {
                let mut broken = example.clone();
                broken[member] = json!([1]);
                assert!(
                    round(&broken).is_err() || may_be_anything(name, member),
                    "{name}.{member} is not a member of the type"
                );
            }
        }
    }
}

/// Members whose value is kept as it came, entry by entry.
fn may_be_anything(name: &str, member: &str) -> bool {
    matches!((name, member), ("ReadResponse" | "WriteResponse", "results"))
}

#[test]
fn every_member_of_the_client_s_types_is_in_the_document() {
    let document = Document::load();
    let said = json!({
        "subject": "a", "place": "b", "notes": null, "type": null, "colour": null, "customer": null,
        "start": {"date": "2026-03-05"}, "end": {"date": "2026-03-06"}, "private": true, "busy": "free", "reminder": 1,
        "organiser": null, "attendees": [], "attachments": [], "rule": null, "rdates": [], "units": ["u"], "mark": null,
    });
    let fields: Fields = serde_json::from_value(said.clone()).unwrap();
    assert_eq!(fields.extra.len(), 0);
    let new = NewAppointment { uid: Some("u".into()), fields: fields.clone(), ..NewAppointment::default() };
    assert_eq!(
        document.faults(document.schema("NewAppointment"), &serde_json::to_value(new).unwrap()),
        Vec::<String>::new()
    );
    let patch = Patch { set: fields, ..Patch::default() };
    assert_eq!(
        document.faults(document.schema("Patch"), &serde_json::to_value(patch).unwrap()),
        Vec::<String>::new()
    );

    let text = serde_json::to_value(&document.schema("Appointment")["examples"][0]).unwrap();
    let appointment: wire::Appointment = serde_json::from_value(text).unwrap();
    assert_eq!(appointment.extra.keys().collect::<Vec<_>>(), ["x-depot"]);
    let written = serde_json::to_value(appointment).unwrap();
    let members: BTreeSet<String> =
        written.as_object().unwrap().keys().filter(|name| *name != "x-depot").cloned().collect();
    assert_eq!(members, document.properties(document.schema("Appointment")));
}

#[test]
fn words_and_kinds_of_problems_are_those_of_the_document() {
    let document = Document::load();
    let words: [(&str, &[&str]); 7] = [
        ("UnitKind", wire::UnitKind::KNOWN),
        ("Access", wire::Access::KNOWN),
        ("BusyStatus", wire::BusyStatus::KNOWN),
        ("NotesFormat", wire::NotesFormat::KNOWN),
        ("AttendeeRole", wire::AttendeeRole::KNOWN),
        ("ResponseStatus", wire::ResponseStatus::KNOWN),
        ("MarkKind", wire::MarkKind::KNOWN),
    ];
    for (name, known) in words {
        assert_eq!(document.schema(name)["enum"], json!(known), "{name}");
    }
    let codes: Vec<String> = wire::ProblemCode::KNOWN
        .iter()
        .map(|(word, _)| format!("urn:x-calender-sync:problem:{word}"))
        .collect();
    let mut listed: Vec<String> =
        serde_json::from_value(document.schema("ProblemType")["enum"].clone()).unwrap();
    let mut codes = codes;
    codes.sort();
    listed.sort();
    assert_eq!(listed, codes);
}

/// Names of operations in traces, and where they are in the document.
const OPERATIONS: [(&str, &str, &str); 11] = [
    ("server", "get", "/v1/server"),
    ("units", "get", "/v1/units"),
    ("unit", "get", "/v1/units/{unit}"),
    ("changes", "get", "/v1/units/{unit}/changes"),
    ("all-changes", "get", "/v1/changes"),
    ("bin", "get", "/v1/units/{unit}/bin"),
    ("put-file", "put", "/v1/units/{unit}/files/{digest}"),
    ("file", "get", "/v1/units/{unit}/files/{digest}"),
    ("read", "post", "/v1/appointments/read"),
    ("find", "post", "/v1/appointments/find"),
    ("write", "post", "/v1/writes"),
];

#[tokio::test]
async fn what_client_and_mock_say_to_each_other_follows_the_document() {
    let document = Document::load();
    let directory = std::env::temp_dir().join(format!("nvs-openapi-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    talk(&directory).await;

    let mut covered = BTreeSet::new();
    let mut names: Vec<String> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in names {
        let body: Value = serde_json::from_slice(&std::fs::read(directory.join(&name)).unwrap()).unwrap();
        let operation =
            name.strip_suffix("-request.json").or_else(|| name.strip_suffix("-response.json")).unwrap();
        let operation = &operation[5..];
        let (_, method, path) = OPERATIONS.into_iter().find(|(name, ..)| *name == operation).unwrap();
        let described = &document.0["paths"][path][method];
        assert!(described.is_object(), "{method} {path}");
        let faults = if name.ends_with("-request.json") && method == "get" {
            let parameters: BTreeSet<&str> = described["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|parameter| document.resolve(parameter)["name"].as_str().unwrap())
                .collect();
            let sent = body["query"].as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap());
            sent.filter(|name| !parameters.contains(name))
                .map(|name| format!("there is no parameter {name}"))
                .collect()
        } else if name.ends_with("-request.json") && method == "put" {
            // Files are traced by their size alone.
            let file = &described["requestBody"]["content"]["application/octet-stream"];
            assert!(file.is_object() && body["bytes"].is_u64(), "{body}");
            Vec::new()
        } else if name.ends_with("-request.json") {
            document.faults(&described["requestBody"]["content"]["application/json"]["schema"], &body)
        } else if body["type"].as_str().is_some_and(|kind| kind.starts_with("urn:")) {
            document.faults(document.schema("Problem"), &body)
        } else if described["responses"]["200"]["content"]["application/octet-stream"].is_object() {
            covered.insert(operation.to_owned());
            assert!(body["bytes"].is_u64(), "{body}");
            Vec::new()
        } else {
            covered.insert(operation.to_owned());
            document.faults(&described["responses"]["200"]["content"]["application/json"]["schema"], &body)
        };
        assert_eq!(faults, Vec::<String>::new(), "{name}: {body:#}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(covered.len(), OPERATIONS.len(), "{covered:?}");

    // And nothing is in the document that nobody serves, but for the stream, which has tests of its own.
    let described: BTreeSet<&str> =
        document.0["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let served: BTreeSet<&str> = OPERATIONS.iter().map(|(_, _, path)| *path).chain(["/v1/events"]).collect();
    assert_eq!(described, served);
}

async fn talk(directory: &Path) {
    let (mock, _) = start_with(MockLimits { page: 2, ..MockLimits::default() }).await;
    let mut settings = NvsSettings::new(mock.url(), Token::new(mock.token()));
    settings.trace = Some(Trace::new(directory, Arc::new(AtomicU64::new(0))));
    let client = NvsClient::new(settings).unwrap();
    mock.protect_type("Urlaub");
    client.server().await.unwrap();
    client.units().await.unwrap();
    client.unit("meier").await.unwrap();
    let document = Document::load();
    let full: NewAppointment = serde_json::from_value(json!({
        "start": {"at": "2026-03-05T09:00:00", "zone": "Europe/Berlin", "later": true}, "end": {"at": "2026-03-05T10:00:00", "zone": "UTC"},
    }))
    .unwrap();
    let mut example = document.schema("Fields")["examples"][0].clone();
    example["rule"] = json!("FREQ=DAILY;COUNT=9");
    let example: Fields = serde_json::from_value(example).unwrap();
    let over = wire::Override {
        fields: Fields { place: Some("x".into()), reminder: Some(None), ..Fields::default() },
        ..wire::Override::default()
    };
    let rich = NewAppointment {
        uid: Some("u-1".into()),
        overrides: BTreeMap::from([
            ("2026-03-06T09:00:00".into(), over),
            ("2026-03-07T09:00:00".into(), wire::Override { cancelled: true, ..wire::Override::default() }),
        ]),
        references: references(&[("token", "t")]),
        ..new(example)
    };
    let answer = client
        .write(Some(&mock.epoch()), &[create("a", "meier", rich.clone()), create("b", "meier", full)])
        .await
        .unwrap();
    assert_eq!(answer.entries.len(), 2);
    let stored = applied(&client, create("a", "meier", rich)).await;
    let patch = Patch {
        set: Fields { mark: Some(None), subject: Some("y".into()), ..Fields::default() },
        overrides: BTreeMap::from([
            ("2026-03-06T09:00:00".into(), None),
            (
                "2026-03-07T09:00:00".into(),
                Some(OverridePatch {
                    cancelled: Some(false),
                    set: Fields { subject: Some("z".into()), ..Fields::default() },
                    inherit: vec!["place".into()],
                }),
            ),
        ]),
        references: BTreeMap::from([("token".into(), None), ("number".into(), Some("2".into()))]),
    };
    let update = |key: &str| Write::Update {
        key: key.into(),
        unit: "meier".into(),
        id: stored.id.clone(),
        expect: stored.revision.clone(),
        patch: Box::new(patch.clone()),
    };
    let updated = applied(&client, update("u")).await;
    refused(&client, update("stale")).await;
    refused(&client, create("r", "raum 1/ost", new(fields("x")))).await;
    refused(&client, create("i", "meier", new(series("x", "FREQ=NEVER")))).await;
    mock.make_unreadable("A000002");
    client.read(Some("meier"), &[updated.id.clone(), "no".into(), "A000002".into()]).await.unwrap();
    client.read(None, std::slice::from_ref(&updated.id)).await.unwrap();
    client.find("meier", &["t".into()], &["u-1".into()]).await.unwrap();
    let delete = |key: &str| Write::Delete {
        key: key.into(),
        unit: "meier".into(),
        id: updated.id.clone(),
        expect: updated.revision.clone(),
    };
    applied(&client, delete("d")).await;
    refused(&client, delete("gone")).await;
    let digest = digest_of(b"plan");
    client.file("meier", &digest, 9).await.unwrap_err();
    client.put_file("meier", &digest, b"plan".to_vec()).await.unwrap();
    client.put_file("meier", &digest, b"another".to_vec()).await.unwrap_err();
    assert_eq!(client.file("meier", &digest, 9).await.unwrap(), Some(b"plan".to_vec()));
    client.bin("meier", None, 1).await.unwrap();
    let page = client.changes("meier", None, 1).await.unwrap();
    client.changes("meier", Some(&page.cursor), 2).await.unwrap();
    client.all_changes(None, 2).await.unwrap();
    applied(&client, Write::Restore { key: "b2".into(), unit: "meier".into(), id: updated.id.clone() }).await;
    client.changes("nobody", None, 1).await.unwrap_err();
    client.write(Some("another"), &[create("z", "meier", new(fields("x")))]).await.unwrap_err();
    mock.expire_cursors();
    client.changes("meier", Some(&page.cursor), 2).await.unwrap_err();
}
