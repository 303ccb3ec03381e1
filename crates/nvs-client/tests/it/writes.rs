//! Writing: outcomes, idempotency, revisions, patches, units, rights.

use std::collections::BTreeMap;

use calsync_testkit::nvs::Failure;
use calsync_testkit::people::{Calendars, Edit};
use nvs_client::NvsErrorKind;
use nvs_client::wire::{
    Appointment, Fields, Mark, MarkKind, Moment, NewAppointment, Notes, NotesFormat, Override, OverridePatch,
    Patch, ProblemCode, Write, WriteOutcome,
};
use serde_json::json;

use super::{applied, at, create, fields, new, references, refused, series, start, write_one};

fn update(key: &str, unit: &str, of: &Appointment, patch: Patch) -> Write {
    Write::Update {
        key: key.into(),
        unit: unit.into(),
        id: of.id.clone(),
        expect: of.revision.clone(),
        patch: Box::new(patch),
    }
}

fn delete(key: &str, unit: &str, of: &Appointment) -> Write {
    Write::Delete { key: key.into(), unit: unit.into(), id: of.id.clone(), expect: of.revision.clone() }
}

fn set(fields: Fields) -> Patch {
    Patch { set: fields, ..Patch::default() }
}

fn subject(text: &str) -> Fields {
    Fields { subject: Some(text.into()), ..Fields::default() }
}

#[tokio::test]
async fn everything_that_can_be_said_comes_back_as_it_was_said() {
    let (_mock, client) = start().await;
    let said = json!({
        "subject": "Montage", "place": "Ulm, Halle 3",
        "notes": {"format": "html", "text": "<p>Zu <b>zweit</b></p>"},
        "type": "Einsatz", "colour": "#00aaFF", "customer": "K-4711",
        "start": {"at": "2026-10-25T02:30:00", "zone": "Europe/Berlin", "later": true},
        "end": {"at": "2026-10-25T05:00:00", "zone": "Europe/London"},
        "private": true, "busy": "out_of_office", "reminder": 0,
        "organiser": {"name": "Chef"},
        "attendees": [{"address": "a@example.com", "role": "optional", "response": "accepted"}],
        "attachments": [{"id": "f1", "name": "Plan.pdf", "media_type": "application/pdf", "size": 12, "url": "https://h/f1"}],
        "mark": {"kind": "moved", "note": "in Exchange"},
        "x-depot": {"bay": [3, null]},
        "references": {"token": "t", "counterpart": "AAMk="},
        "uid": "040000008200E00074C5B7101A82E008",
    });
    let appointment: NewAppointment = serde_json::from_value(said.clone()).unwrap();
    let stored = applied(&client, create("k", "meier", appointment)).await;
    let mut back = serde_json::to_value(&stored).unwrap();
    let back = back.as_object_mut().unwrap();
    assert_eq!(back["references"], json!({"meier": said["references"]}));
    assert_eq!(back["units"], json!(["meier"]));
    back.insert("references".into(), said["references"].clone());
    for (name, value) in said.as_object().unwrap() {
        assert_eq!(&back[name], value, "{name}");
    }
}

#[tokio::test]
async fn each_write_of_a_batch_has_its_own_outcome() {
    let (_mock, client) = start().await;
    let bad = Fields { end: Some(at("2026-03-05T08:00:00")), ..fields("x") };
    let writes = [
        create("1", "meier", new(fields("a"))),
        create("2", "meier", new(bad)),
        create("3", "huber", new(fields("c"))),
    ];
    let answer = client.write(None, &writes).await.unwrap();
    assert!(matches!(answer.entries[0].outcome, WriteOutcome::Applied { .. }));
    let WriteOutcome::Refused(problem) = &answer.entries[1].outcome else { panic!() };
    assert_eq!(problem.code(), ProblemCode::Invalid);
    assert_eq!(problem.errors[0].pointer, "/writes/1/appointment/end");
    assert!(matches!(answer.entries[2].outcome, WriteOutcome::Applied { .. }));
}

#[tokio::test]
async fn a_repeated_write_is_answered_from_memory_and_not_done_again() {
    let (mock, client) = start().await;
    let write = create("same", "meier", new(fields("x")));
    mock.fail_next_of("write", 1, Failure::DropAfter);
    let error = client.write(None, std::slice::from_ref(&write)).await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::NoAnswer);
    assert!(error.may_have_arrived());
    let WriteOutcome::Applied { appointment, replayed: true, .. } = write_one(&client, write).await else {
        panic!()
    };
    assert_eq!(mock.list("meier"), std::slice::from_ref(&appointment.id));

    // What a person did meanwhile is not part of the answer: it says what this write stored.
    assert!(mock.edit(
        "meier",
        &appointment.id,
        &Edit { place: Some("elsewhere".into()), ..Edit::default() }
    ));
    let WriteOutcome::Applied { appointment: again, .. } =
        write_one(&client, create("same", "meier", new(fields("x")))).await
    else {
        panic!()
    };
    assert_eq!(again, appointment);
}

#[tokio::test]
async fn a_write_that_never_arrived_is_done_when_it_is_repeated() {
    let (mock, client) = start().await;
    let write = create("same", "meier", new(fields("x")));
    mock.fail_next_of("write", 1, Failure::DropBefore);
    assert!(client.write(None, std::slice::from_ref(&write)).await.is_err());
    assert!(mock.list("meier").is_empty());
    let WriteOutcome::Applied { replayed: false, .. } = write_one(&client, write).await else { panic!() };
    assert_eq!(mock.list("meier").len(), 1);
}

#[tokio::test]
async fn a_key_serves_one_write_only() {
    let (_mock, client) = start().await;
    applied(&client, create("k", "meier", new(fields("x")))).await;
    let problem = refused(&client, create("k", "meier", new(fields("y")))).await;
    assert_eq!(problem.code(), ProblemCode::KeyReused);
    // A refusal is not remembered: the same key may be tried again when the reason is gone.
    let problem = refused(&client, create("r", "raum 1/ost", new(fields("x")))).await;
    assert_eq!(problem.code(), ProblemCode::Forbidden);
}

#[tokio::test]
async fn a_stale_revision_changes_nothing_and_says_which_is_current() {
    let (mock, client) = start().await;
    let old = applied(&client, create("k", "meier", new(fields("x")))).await;
    assert!(mock.edit("meier", &old.id, &Edit { place: Some("Ulm".into()), ..Edit::default() }));
    for write in [update("u", "meier", &old, set(subject("y"))), delete("d", "meier", &old)] {
        let problem = refused(&client, write).await;
        assert_eq!(problem.code(), ProblemCode::Conflict);
        assert_eq!(problem.current_revision.as_deref(), Some("r2"));
    }
    let now = mock.document("meier", &old.id).unwrap();
    assert_eq!((now["subject"].as_str(), now["place"].as_str()), (Some("x"), Some("Ulm")));
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let (_mock, client) = start().await;
    let full = NewAppointment {
        references: references(&[("token", "t"), ("number", "1")]),
        fields: Fields {
            place: Some("Ulm".into()),
            reminder: Some(Some(15)),
            kind: Some(Some("Einsatz".into())),
            notes: Some(Some(Notes { format: NotesFormat::Plain, text: "a".into() })),
            extra: json!({"x-depot": 3}).as_object().unwrap().clone(),
            ..fields("x")
        },
        ..NewAppointment::default()
    };
    let old = applied(&client, create("k", "meier", full)).await;
    let patch = Patch {
        set: Fields { reminder: Some(None), ..subject("y") },
        references: BTreeMap::from([("number".into(), Some("2".into())), ("token".into(), None)]),
        ..Patch::default()
    };
    let mut expected = old.clone();
    expected.subject = "y".into();
    expected.reminder = None;
    expected.references.insert("meier".into(), references(&[("number", "2")]));
    let now = applied(&client, update("u", "meier", &old, patch)).await;
    expected.revision = "r2".into();
    expected.changed = now.changed.clone();
    assert_eq!(now, expected);
    // A patch that changes nothing is no change.
    let same = applied(&client, update("v", "meier", &now, set(subject("y")))).await;
    assert_eq!(same.revision, "r2");
}

#[tokio::test]
async fn occurrences_are_patched_one_by_one_and_go_back_to_the_series() {
    let (_mock, client) = start().await;
    let keep = Override {
        fields: Fields { extra: json!({"x-depot": 3}).as_object().unwrap().clone(), ..subject("own") },
        ..Override::default()
    };
    let made = NewAppointment {
        overrides: BTreeMap::from([("2026-03-06T09:00:00".into(), keep)]),
        ..new(Fields { reminder: Some(Some(15)), ..series("daily", "FREQ=DAILY;COUNT=5") })
    };
    let v1 = applied(&client, create("k", "meier", made)).await;
    let over = |set: Fields, inherit: &[&str]| {
        Some(OverridePatch {
            set,
            inherit: inherit.iter().map(|name| (*name).into()).collect(),
            ..OverridePatch::default()
        })
    };
    let patch = |entries: Vec<(&str, Option<OverridePatch>)>| Patch {
        overrides: entries.into_iter().map(|(key, change)| (key.into(), change)).collect(),
        ..Patch::default()
    };
    let cancel = Some(OverridePatch { cancelled: Some(true), ..OverridePatch::default() });
    let v2 = applied(
        &client,
        update(
            "u1",
            "meier",
            &v1,
            patch(vec![
                (
                    "2026-03-06T09:00:00",
                    over(Fields { reminder: Some(None), ..Fields::default() }, &["subject"]),
                ),
                ("2026-03-07T09:00:00", cancel),
                ("2026-03-08T09:00:00", over(subject("moved"), &[])),
            ]),
        ),
    )
    .await;
    let sixth = &v2.overrides["2026-03-06T09:00:00"];
    assert_eq!((sixth.fields.subject.as_ref(), sixth.fields.reminder), (None, Some(None)));
    assert_eq!(sixth.fields.extra["x-depot"], 3);
    assert!(v2.overrides["2026-03-07T09:00:00"].cancelled);

    let restore =
        Some(OverridePatch { cancelled: Some(false), set: subject("after all"), ..OverridePatch::default() });
    let v3 = applied(
        &client,
        update(
            "u2",
            "meier",
            &v2,
            patch(vec![("2026-03-07T09:00:00", restore), ("2026-03-08T09:00:00", None)]),
        ),
    )
    .await;
    assert_eq!(v3.overrides.len(), 2);
    assert_eq!(v3.overrides["2026-03-07T09:00:00"].fields, subject("after all"));

    let problem = refused(
        &client,
        update("u3", "meier", &v3, patch(vec![("2026-03-20T09:00:00", over(subject("z"), &[]))])),
    )
    .await;
    assert_eq!(problem.code(), ProblemCode::Invalid);
    let problem = refused(
        &client,
        update(
            "u4",
            "meier",
            &v3,
            patch(vec![("2026-03-06T09:00:00", over(Fields { rule: Some(None), ..Fields::default() }, &[]))]),
        ),
    )
    .await;
    assert_eq!(problem.errors[0].detail, "belongs to the whole series");
}

#[tokio::test]
async fn a_series_that_moves_loses_the_overrides_that_no_longer_fall_on_it() {
    let (_mock, client) = start().await;
    let made = NewAppointment {
        overrides: BTreeMap::from([(
            "2026-03-06T09:00:00".into(),
            Override { fields: subject("own"), ..Override::default() },
        )]),
        ..new(series("daily", "FREQ=DAILY;COUNT=5"))
    };
    let v1 = applied(&client, create("k", "meier", made)).await;
    let mut patch = set(Fields {
        start: Some(at("2026-03-05T11:00:00")),
        end: Some(at("2026-03-05T12:00:00")),
        ..Fields::default()
    });
    patch.overrides.insert(
        "2026-03-07T11:00:00".into(),
        Some(OverridePatch { set: subject("new"), ..OverridePatch::default() }),
    );
    let v2 = applied(&client, update("u", "meier", &v1, patch)).await;
    assert_eq!(v2.overrides.keys().collect::<Vec<_>>(), ["2026-03-07T11:00:00"]);
    let single =
        applied(&client, update("w", "meier", &v2, set(Fields { rule: Some(None), ..Fields::default() })))
            .await;
    assert!(single.overrides.is_empty() && single.rule.is_none());
}

#[tokio::test]
async fn an_appointment_leaves_one_unit_after_the_other_and_then_goes_into_the_bin() {
    let (mock, client) = start().await;
    let both = NewAppointment {
        references: references(&[("token", "of meier")]),
        ..new(Fields { units: Some(vec!["meier".into(), "huber".into()]), ..fields("x") })
    };
    let v1 = applied(&client, create("k", "meier", both)).await;
    // Each unit has a reference field of its own.
    let patch =
        Patch { references: BTreeMap::from([("token".into(), Some("of huber".into()))]), ..Patch::default() };
    let v2 = applied(&client, update("u", "huber", &v1, patch)).await;
    assert_eq!(v2.references["meier"]["token"], "of meier");
    assert_eq!(v2.references["huber"]["token"], "of huber");

    let cursor = client.changes("meier", None, 10).await.unwrap().cursor;
    let WriteOutcome::Applied { appointment: v3, in_bin: false, .. } =
        write_one(&client, delete("d1", "meier", &v2)).await
    else {
        panic!()
    };
    assert_eq!(v3.units, ["huber"]);
    assert!(!v3.references.contains_key("meier"));
    let page = client.changes("meier", Some(&cursor), 10).await.unwrap();
    assert!(page.entries[0].removed);
    assert_eq!(mock.list("huber"), std::slice::from_ref(&v3.id));
    let problem = refused(&client, delete("d2", "meier", &v3)).await;
    assert_eq!(problem.code(), ProblemCode::UnknownAppointment);

    let WriteOutcome::Applied { in_bin: true, .. } = write_one(&client, delete("d3", "huber", &v3)).await
    else {
        panic!()
    };
    assert_eq!(mock.bin("huber"), [v3.id]);
}

#[tokio::test]
async fn units_can_be_added_but_are_left_by_deleting_there() {
    let (mock, client) = start().await;
    let v1 = applied(&client, create("k", "meier", new(fields("x")))).await;
    let units = |units: &[&str]| {
        set(Fields { units: Some(units.iter().map(|unit| (*unit).into()).collect()), ..Fields::default() })
    };
    let problem = refused(&client, update("u1", "meier", &v1, units(&["huber"]))).await;
    assert_eq!(problem.code(), ProblemCode::Invalid);
    let problem = refused(&client, update("u2", "meier", &v1, units(&["meier", "raum 1/ost"]))).await;
    assert_eq!(problem.code(), ProblemCode::Forbidden);
    let v2 = applied(&client, update("u3", "meier", &v1, units(&["meier", "huber"]))).await;
    assert_eq!(mock.list("huber"), std::slice::from_ref(&v2.id));

    // A room that only people may book does not lock the appointment.
    let booked = std::collections::BTreeMap::from([("units".to_owned(), json!(["meier", "raum 1/ost"]))]);
    mock.set_members("meier", &v2.id, &booked).unwrap();
    let v3 = client.read(None, std::slice::from_ref(&v2.id)).await.unwrap().entries.remove(0);
    let nvs_client::wire::ReadEntry::Present(v3) = v3 else { panic!("{v3:?}") };
    assert_eq!(applied(&client, update("u4", "meier", &v3, set(subject("y")))).await.subject, "y");
}

#[tokio::test]
async fn nothing_is_written_into_another_epoch() {
    let (mock, client) = start().await;
    let epoch = client.server().await.unwrap().epoch;
    let backup = mock.snapshot();
    mock.restore(&backup);
    let error = client.write(Some(&epoch), &[create("k", "meier", new(fields("x")))]).await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::EpochChanged);
    assert!(!error.may_have_arrived());
    assert!(mock.list("meier").is_empty());
}

#[tokio::test]
async fn a_protected_type_can_be_marked_but_neither_deleted_nor_moved() {
    let (mock, client) = start().await;
    mock.protect_type("Urlaub");
    let leave = applied(
        &client,
        create("k", "meier", new(Fields { kind: Some(Some("Urlaub".into())), ..fields("x") })),
    )
    .await;
    let later = Fields { start: Some(at("2026-03-05T09:30:00")), ..Fields::default() };
    for write in [delete("d", "meier", &leave), update("u", "meier", &leave, set(later))] {
        assert_eq!(refused(&client, write).await.code(), ProblemCode::ProtectedType);
    }
    let mark = Some(Some(Mark { kind: MarkKind::Deleted, note: None }));
    let marked = applied(&client, update("m", "meier", &leave, set(Fields { mark, ..subject("y") }))).await;
    assert_eq!((marked.subject.as_str(), marked.mark.map(|mark| mark.kind)), ("y", Some(MarkKind::Deleted)));
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_a_pointer() {
    let (mock, client) = start().await;
    let date = |day: &str| Some(Moment::Date { date: day.parse().unwrap() });
    let zone = |zone: &str| {
        Some(Moment::Zoned { at: "2026-03-05T09:00:00".parse().unwrap(), zone: zone.into(), later: false })
    };
    let extra = |name: &str| serde_json::Map::from_iter([(name.to_owned(), json!(1))]);
    let cases: Vec<(&str, Fields)> = vec![
        ("start", Fields { start: zone("Europe/Bielefeld"), ..fields("x") }),
        ("end", Fields { end: date("2026-03-06"), ..fields("x") }),
        ("end", Fields { start: date("2026-03-05"), end: date("2026-03-05"), ..fields("x") }),
        ("rule", series("x", "FREQ=SOMETIMES")),
        ("rule", series("x", "FREQ=DAILY;UNTIL=20260401")),
        ("colour", Fields { colour: Some(Some("red".into())), ..fields("x") }),
        ("busy", Fields { busy: Some(nvs_client::wire::BusyStatus::Other("asleep".into())), ..fields("x") }),
        ("subject", fields("two\nlines")),
        ("rdates", Fields { rdates: Some(vec!["2026-03-05".into()]), ..series("x", "FREQ=DAILY") }),
        ("units/0", Fields { units: Some(vec!["nobody".into()]), ..fields("x") }),
        ("subjekt", Fields { extra: extra("subjekt"), ..fields("x") }),
        ("changed", Fields { extra: extra("changed"), ..fields("x") }),
    ];
    for (index, (member, fields)) in cases.into_iter().enumerate() {
        let problem = refused(&client, create(&format!("k{index}"), "meier", new(fields))).await;
        assert_eq!(problem.code(), ProblemCode::Invalid, "{member}");
        assert_eq!(problem.errors[0].pointer, format!("/writes/0/appointment/{member}"), "{problem}");
    }
    assert!(mock.list("meier").is_empty());
}
