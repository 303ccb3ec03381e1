//! Files of appointments: over the wire, and in whole rounds between two servers.

use std::collections::BTreeMap;

use calsync_core::sync::AttachmentPolicy;
use calsync_testkit::nvs::{Failure, MockLimits};
use calsync_testkit::people::Calendars;
use nvs_client::wire::{Fields, Patch, ProblemCode, Write};
use nvs_client::{NvsErrorKind, digest_of};
use serde_json::{Value, json};

use super::rounds::{UNIT, World, draft, subject, weekly};
use super::{applied, create, fields, new, refused, start, start_with};

fn list(files: &Value) -> Fields {
    Fields { attachments: serde_json::from_value(files.clone()).unwrap(), ..fields("Montage") }
}

#[tokio::test]
async fn a_file_is_sent_once_and_named_by_its_digest() {
    let (_mock, client) = start().await;
    let digest = digest_of(b"plan");
    let files = json!([{"id": "f1", "name": "Plan.pdf", "digest": digest}]);
    let problem = refused(&client, create("early", UNIT, new(list(&files)))).await;
    assert_eq!(problem.code(), ProblemCode::Invalid);
    assert!(problem.errors[0].pointer.ends_with("/attachments/0/digest"), "{:?}", problem.errors);

    client.put_file(UNIT, &digest, b"plan".to_vec()).await.unwrap();
    assert_eq!(client.put_file(UNIT, &digest, b"plan".to_vec()).await.unwrap().size, 4);
    let stored = applied(&client, create("k", UNIT, new(list(&files)))).await;
    assert_eq!((stored.attachments[0].size, &stored.attachments[0].digest), (Some(4), &Some(digest.clone())));
    assert_eq!(client.file(UNIT, &digest, 4).await.unwrap(), Some(b"plan".to_vec()));
    assert_eq!(client.file(UNIT, &digest, 3).await.unwrap(), None);
    // Whoever may not see an appointment does not see its files.
    let elsewhere = client.file("huber", &digest, 4).await.unwrap_err();
    assert!(
        matches!(&elsewhere.kind, NvsErrorKind::Refused(problem) if problem.code() == ProblemCode::UnknownFile)
    );

    let patch =
        Patch { set: Fields { attachments: Some(Vec::new()), ..Fields::default() }, ..Patch::default() };
    let empty = Write::Update {
        key: "e".into(),
        unit: UNIT.into(),
        id: stored.id.clone(),
        expect: stored.revision,
        patch: Box::new(patch),
    };
    assert_eq!(applied(&client, empty).await.attachments, []);
}

#[tokio::test]
async fn what_is_too_large_or_another_file_is_refused() {
    let (_mock, client) = start_with(MockLimits { file_bytes: Some(4), ..MockLimits::default() }).await;
    let code = |error: nvs_client::NvsError| match error.kind {
        NvsErrorKind::Refused(problem) => problem.code(),
        other => panic!("{other:?}"),
    };
    let large = client.put_file(UNIT, &digest_of(b"12345"), b"12345".to_vec()).await.unwrap_err();
    assert_eq!(code(large), ProblemCode::TooLarge);
    let other = client.put_file(UNIT, &digest_of(b"1234"), b"4321".to_vec()).await.unwrap_err();
    assert_eq!(code(other), ProblemCode::Invalid);
    let read_only = client.put_file("raum 1/ost", &digest_of(b"1234"), b"1234".to_vec()).await.unwrap_err();
    assert_eq!(read_only.kind, NvsErrorKind::Forbidden);
    assert_eq!(client.server().await.unwrap().limits.file_bytes, Some(4));
}

impl World {
    /// The appointment of that subject on the second side.
    fn other(&self, subject: &str) -> String {
        let [_, b] = &self.mocks;
        let ids: Vec<String> = (1..9).map(|number| format!("A{number:06}")).collect();
        ids.into_iter()
            .find(|id| b.document(UNIT, id).is_some_and(|document| document["subject"] == subject))
            .unwrap()
    }

    fn files(&self, side: usize, id: &str) -> Vec<(String, String)> {
        let text = |(name, bytes): (String, Vec<u8>)| (name, String::from_utf8(bytes).unwrap());
        self.mocks[side].files(UNIT, id).into_iter().map(text).collect()
    }

    async fn assert_quiet(&self) {
        self.mocks.iter().for_each(calsync_testkit::nvs::MockNvs::forget_seen);
        assert_eq!(self.round().await.writes(), 0);
        for mock in &self.mocks {
            assert_eq!(mock.seen().requests.keys().collect::<Vec<_>>(), ["changes"]);
        }
    }
}

fn files(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn files_go_both_ways_byte_for_byte_and_a_quiet_round_asks_for_nothing_more() {
    let world = World::new().await;
    let [mock_a, mock_b] = &world.mocks;
    let a = mock_a.create(UNIT, &draft("Montage", "2026-03-04T09:00:00", None)).unwrap();
    let series = mock_a.create(UNIT, &draft("Serie", "2026-03-05T09:00:00", Some(weekly()))).unwrap();
    let every: Vec<u8> = (0..=255).collect();
    assert!(mock_a.attach(UNIT, &a, "alles.bin", &every));
    assert!(mock_a.attach(UNIT, &series, "Liste.txt", b"liste"));
    assert_eq!(world.round().await.failures, []);
    let b = world.other("Montage");
    assert_eq!(mock_b.files(UNIT, &b), [("alles.bin".to_owned(), every)]);
    assert_eq!(world.files(1, &world.other("Serie")), files(&[("Liste.txt", "liste")]));
    world.round().await;
    world.assert_quiet().await;

    assert!(mock_b.attach(UNIT, &b, "Notiz.txt", b"notiz"));
    assert!(mock_b.attach(UNIT, &b, "alles.bin", b"neu"));
    assert_eq!(world.round().await.writes(), 1);
    assert_eq!(world.files(0, &a), files(&[("Notiz.txt", "notiz"), ("alles.bin", "neu")]));
    world.round().await;
    world.assert_quiet().await;

    assert!(mock_a.detach(UNIT, &a, "alles.bin"));
    world.round().await;
    assert_eq!(world.files(1, &b), files(&[("Notiz.txt", "notiz")]));
    world.round().await;
    world.assert_quiet().await;
}

#[tokio::test]
async fn references_to_files_elsewhere_stay_where_they_are() {
    let world = World::new().await;
    let [mock_a, mock_b] = &world.mocks;
    let a = mock_a.create(UNIT, &draft("Montage", "2026-03-04T09:00:00", None)).unwrap();
    world.round().await;
    let b = world.other("Montage");
    let link = json!([{"id": "l1", "name": "Ordner", "url": "https://files.example.com/4711"}]);
    mock_b.set_members(UNIT, &b, &BTreeMap::from([("attachments".to_owned(), link)])).unwrap();
    assert!(mock_a.attach(UNIT, &a, "Plan.pdf", b"plan"));
    world.round().await;
    let there = &mock_b.document(UNIT, &b).unwrap()["attachments"];
    assert_eq!((&there[0]["id"], &there[1]["name"]), (&json!("l1"), &json!("Plan.pdf")));
    assert_eq!(world.files(0, &a), files(&[("Plan.pdf", "plan")]));
}

#[tokio::test]
async fn limits_of_settings_and_server_leave_files_out_and_the_rest_goes_on() {
    let mut world = World::new().await;
    world.settings.attachments = AttachmentPolicy::Carry { max_bytes: 4 };
    let a = world.mocks[0].create(UNIT, &draft("Montage", "2026-03-04T09:00:00", None)).unwrap();
    assert!(world.mocks[0].attach(UNIT, &a, "gross", b"12345"));
    assert!(world.mocks[0].attach(UNIT, &a, "klein", b"1234"));
    let report = world.round().await;
    assert_eq!((report.failures.len(), report.left_out.len()), (0, 1));
    let b = world.other("Montage");
    assert_eq!(world.files(1, &b), files(&[("klein", "1234")]));
    world.round().await;
    world.assert_quiet().await;

    world.settings.attachments = AttachmentPolicy::Skip;
    assert!(world.mocks[0].attach(UNIT, &a, "klein", b"1"));
    assert!(world.mocks[0].edit(UNIT, &a, &subject("Montage 2")));
    world.round().await;
    assert_eq!(world.files(1, &world.other("Montage 2")), files(&[("klein", "1234")]));
    world.round().await;
    world.assert_quiet().await;
}

#[tokio::test]
async fn a_failure_anywhere_on_the_way_of_a_file_is_repaired_by_the_next_rounds() {
    for (operation, failure) in [
        ("put-file", Failure::DropBefore),
        ("put-file", Failure::DropAfter),
        ("put-file", Failure::Unavailable { retry_after: None }),
        ("write", Failure::DropAfter),
        ("write", Failure::DropBefore),
    ] {
        let world = World::new().await;
        let [mock_a, mock_b] = &world.mocks;
        let a = mock_a.create(UNIT, &draft("Montage", "2026-03-04T09:00:00", None)).unwrap();
        world.round().await;
        let b = world.other("Montage");
        assert!(mock_a.attach(UNIT, &a, "eins", b"1"));
        assert!(mock_a.attach(UNIT, &a, "zwei", b"2"));
        mock_b.fail_next_of(operation, 1, failure.clone());
        for _ in 0..8 {
            world.round().await;
        }
        assert_eq!(world.files(1, &b), files(&[("eins", "1"), ("zwei", "2")]), "{operation} {failure:?}");
        assert_eq!(world.files(0, &a), files(&[("eins", "1"), ("zwei", "2")]), "{operation} {failure:?}");
        world.assert_quiet().await;
    }
}
