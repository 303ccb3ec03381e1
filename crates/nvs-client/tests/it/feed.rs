//! Server, units, change feed, reading, finding, bin, notifications.

use std::collections::BTreeMap;
use std::time::Duration;

use calsync_testkit::nvs::{MockLimits, MockUnit};
use calsync_testkit::people::Calendars;
use nvs_client::wire::{Access, NewAppointment, ReadEntry, UnitKind, Write, WriteOutcome};
use nvs_client::{Event, NvsErrorKind};

use super::{applied, canned, create, fields, new, references, start, start_with, write_one};

fn small() -> MockLimits {
    MockLimits { page: 2, ..MockLimits::default() }
}

#[tokio::test]
async fn the_server_says_who_it_is_and_what_time_it_has() {
    let (mock, client) = start().await;
    mock.set_clock_offset(chrono::TimeDelta::hours(5));
    mock.protect_type("Urlaub");
    let info = client.server().await.unwrap();
    assert_eq!(info.epoch, mock.epoch());
    assert_eq!(info.limits.batch, 200);
    assert_eq!(info.protected_types, ["Urlaub"]);
    let ahead = info.time - chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    assert!((290..310).contains(&ahead.num_minutes()), "{ahead}");
    assert_eq!(client.traffic().requests(), 1);
    assert!(client.traffic().received() > 100);
}

#[tokio::test]
async fn units_are_read_page_by_page_with_kind_and_access() {
    let (mock, client) = start_with(small()).await;
    let units = client.units().await.unwrap();
    let ids: Vec<&str> = units.iter().map(|unit| unit.id.as_str()).collect();
    assert_eq!(ids, ["huber", "meier", "raum 1/ost"]);
    assert_eq!(mock.seen().requests["units"], 2);
    let room = client.unit("raum 1/ost").await.unwrap();
    assert_eq!((room.kind, room.access, room.address), (UnitKind::Room, Access::Read, None));
    mock.put_unit(MockUnit { kind: "crane".into(), ..MockUnit::person("kran", "Kran", "k@example.com") });
    assert_eq!(client.unit("kran").await.unwrap().kind, UnitKind::Other("crane".into()));
}

#[tokio::test]
async fn a_listing_misses_nothing_that_happens_while_it_is_read() {
    let (mock, client) = start_with(small()).await;
    for n in 0..5 {
        applied(&client, create(&format!("k{n}"), "meier", new(fields("x")))).await;
    }
    let first = client.changes("meier", None, 2).await.unwrap();
    assert_eq!((first.entries.len(), first.more), (2, true));
    // One that was listed already goes, one comes.
    let gone = first.entries[0].id.clone();
    assert!(mock.delete("meier", &gone));
    let new = applied(&client, create("late", "meier", new(fields("x")))).await;

    let mut cursor = first.cursor;
    let mut entries = first.entries;
    loop {
        let page = client.changes("meier", Some(&cursor), 2).await.unwrap();
        entries.extend(page.entries);
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    let mut last = BTreeMap::new();
    for entry in entries {
        last.insert(entry.id.clone(), entry);
    }
    assert_eq!(last.len(), 6);
    assert!(last[&gone].removed && last[&gone].revision.is_none());
    assert_eq!(last[&new.id].revision.as_deref(), Some("r1"));

    mock.forget_seen();
    let quiet = client.changes("meier", Some(&cursor), 1000).await.unwrap();
    assert!(quiet.entries.is_empty() && !quiet.more);
    assert_eq!(mock.seen().requests, BTreeMap::from([("changes".to_owned(), 1)]));
}

#[tokio::test]
async fn one_feed_tells_of_all_units_and_names_them() {
    let (_mock, client) = start().await;
    let both = NewAppointment {
        fields: nvs_client::wire::Fields { units: Some(vec!["meier".into(), "huber".into()]), ..fields("x") },
        ..NewAppointment::default()
    };
    let start = client.all_changes(None, 100).await.unwrap();
    let made = applied(&client, create("k", "meier", both)).await;
    let page = client.all_changes(Some(&start.cursor), 100).await.unwrap();
    let units: Vec<Option<&str>> = page.entries.iter().map(|entry| entry.unit.as_deref()).collect();
    assert_eq!(units, [Some("meier"), Some("huber")]);
    assert!(page.entries.iter().all(|entry| entry.id == made.id));
    // A cursor of one feed is of no use in another.
    let error = client.changes("meier", Some(&page.cursor), 100).await.unwrap_err();
    assert!(matches!(error.kind, NvsErrorKind::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_cursor_that_is_too_old_or_of_another_epoch_has_expired() {
    let (mock, client) = start().await;
    let page = client.changes("meier", None, 10).await.unwrap();
    mock.expire_cursors();
    let error = client.changes("meier", Some(&page.cursor), 10).await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::CursorExpired);

    let backup = mock.snapshot();
    let page = client.changes("meier", None, 10).await.unwrap();
    mock.restore(&backup);
    let error = client.changes("meier", Some(&page.cursor), 10).await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::CursorExpired);
    let anew = client.changes("meier", None, 10).await.unwrap();
    assert_ne!(anew.epoch, page.epoch);
    client.changes("meier", Some(&anew.cursor), 10).await.unwrap();
}

#[tokio::test]
async fn a_page_that_leads_to_itself_is_an_error_and_no_endless_loop() {
    let page = |cursor: &str, more: bool| {
        let text = format!(
            r#"{{"epoch":"e","time":"2026-03-05T09:00:00Z","entries":[],"cursor":"{cursor}","more":{more}}}"#
        );
        (200, "", text)
    };
    let client = canned::client(vec![page("c1", true)]).await;
    client.changes("meier", None, 10).await.unwrap();
    let error = client.changes("meier", Some("c1"), 10).await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::BadAnswer);
    assert!(error.to_string().contains("repeats a page for ever"), "{error}");
    assert_eq!(client.all_changes(Some("c1"), 10).await.unwrap_err().kind, NvsErrorKind::BadAnswer);
    // The last page may well name itself: that is where the next reading begins.
    let client = canned::client(vec![page("c1", false)]).await;
    client.changes("meier", Some("c1"), 10).await.unwrap();
}

#[tokio::test]
async fn every_id_asked_for_is_answered_present_absent_or_unreadable() {
    let (mock, client) = start().await;
    let a = applied(&client, create("a", "meier", new(fields("x")))).await;
    let b = applied(&client, create("b", "meier", new(fields("x")))).await;
    let other = applied(&client, create("c", "huber", new(fields("x")))).await;
    mock.make_unreadable(&b.id);
    let ids =
        [a.id.clone(), "never".into(), b.id.clone(), a.id.to_lowercase(), other.id.clone(), a.id.clone()];
    let answer = client.read(Some("meier"), &ids).await.unwrap();
    let states: Vec<&str> = answer
        .entries
        .iter()
        .map(|entry| match entry {
            ReadEntry::Present(_) => "present",
            ReadEntry::Absent => "absent",
            ReadEntry::Unreadable(_) => "unreadable",
        })
        .collect();
    assert_eq!(states, ["present", "absent", "unreadable", "absent", "absent", "present"]);
    assert_eq!(answer.entries[0], ReadEntry::Present(Box::new(a)));
    // Without a unit it does not matter where it is.
    let anywhere = client.read(None, std::slice::from_ref(&other.id)).await.unwrap();
    assert_eq!(anywhere.entries, [ReadEntry::Present(Box::new(other))]);
}

#[tokio::test]
async fn what_is_left_out_of_listings_can_still_be_read() {
    let (mock, client) = start().await;
    let a = applied(&client, create("a", "meier", new(fields("x")))).await;
    mock.leave_out_of_listings(&a.id);
    assert!(client.changes("meier", None, 10).await.unwrap().entries.is_empty());
    let answer = client.read(Some("meier"), std::slice::from_ref(&a.id)).await.unwrap();
    assert!(matches!(answer.entries[0], ReadEntry::Present(_)));
}

#[tokio::test]
async fn appointments_are_found_by_the_token_of_their_unit_and_by_uid() {
    let (_mock, client) = start().await;
    let token =
        |token: &str| NewAppointment { references: references(&[("token", token)]), ..new(fields("x")) };
    let a = applied(&client, create("a", "meier", token("t1"))).await;
    let b = applied(&client, create("b", "meier", token("t1"))).await;
    applied(&client, create("c", "huber", token("t1"))).await;
    let found = client.find("meier", &["t1".into(), "t2".into()], &[]).await.unwrap().entries;
    let ids: Vec<(&str, Option<&str>)> = found.iter().map(|m| (m.id.as_str(), m.token.as_deref())).collect();
    assert_eq!(ids, [(a.id.as_str(), Some("t1")), (b.id.as_str(), Some("t1"))]);
    let found = client.find("meier", &[], std::slice::from_ref(&b.uid)).await.unwrap().entries;
    assert_eq!(
        (found.len(), found[0].id.as_str(), found[0].uid.as_deref()),
        (1, b.id.as_str(), Some(b.uid.as_str()))
    );
}

#[tokio::test]
async fn many_ids_are_read_in_batches_and_a_batch_that_is_too_large_is_halved() {
    let (mock, client) = start().await;
    let mut ids = Vec::new();
    for batch in 0..3 {
        let writes: Vec<Write> = (0..100)
            .map(|n| {
                let long = "y".repeat(500);
                create(
                    &format!("{batch}-{n}"),
                    "meier",
                    new(nvs_client::wire::Fields { place: Some(long), ..fields("x") }),
                )
            })
            .collect();
        for result in client.write(None, &writes).await.unwrap().entries {
            let WriteOutcome::Applied { appointment, .. } = result.outcome else {
                panic!("{:?}", result.outcome)
            };
            ids.push(appointment.id);
        }
    }
    mock.forget_seen();
    let answer = client.read(Some("meier"), &ids).await.unwrap();
    assert_eq!(mock.seen().requests["read"], 2);
    let mut settings = nvs_client::NvsSettings::new(mock.url(), nvs_client::Token::new(mock.token()));
    settings.max_answer = 60_000;
    mock.forget_seen();
    let narrow = nvs_client::NvsClient::new(settings).unwrap();
    assert_eq!(narrow.read(Some("meier"), &ids).await.unwrap().entries, answer.entries);
    assert!(mock.seen().requests["read"] > 4);
}

#[tokio::test]
async fn what_was_deleted_is_in_the_bin_and_comes_back_from_there() {
    let (_mock, client) = start().await;
    let a = applied(&client, create("a", "meier", new(fields("x")))).await;
    let delete =
        Write::Delete { key: "d".into(), unit: "meier".into(), id: a.id.clone(), expect: a.revision.clone() };
    let WriteOutcome::Applied { in_bin: true, .. } = write_one(&client, delete).await else { panic!() };
    let bin = client.bin("meier", None, 10).await.unwrap();
    assert_eq!(bin.entries.len(), 1);
    assert_eq!(bin.entries[0].appointment.uid, a.uid);
    assert_eq!(bin.entries[0].deleted.by.as_deref(), Some("calsync"));
    let back =
        applied(&client, Write::Restore { key: "r".into(), unit: "meier".into(), id: a.id.clone() }).await;
    assert_eq!((back.uid, back.subject), (a.uid, a.subject));
    assert!(client.bin("meier", None, 10).await.unwrap().entries.is_empty());
}

#[tokio::test]
async fn notifications_name_the_unit_and_tell_of_a_restore() {
    let (mock, client) = start().await;
    let mut stream = client.events(&["meier".into()]).await.unwrap();
    let Some(Event::Hello { epoch, .. }) = stream.next().await.unwrap() else { panic!() };
    assert_eq!(epoch, mock.epoch());
    let backup = mock.snapshot();
    applied(&client, create("h", "huber", new(fields("x")))).await;
    applied(&client, create("m", "meier", new(fields("x")))).await;
    let next = tokio::time::timeout(Duration::from_secs(5), stream.next()).await.unwrap().unwrap();
    assert_eq!(next, Some(Event::Changed { unit: "meier".into() }));
    mock.restore(&backup);
    let next = stream.next().await.unwrap();
    assert_eq!(next, Some(Event::Epoch { epoch: mock.epoch() }));
    let error = client.events(&["nobody".into()]).await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::UnknownUnit);
}

#[tokio::test]
async fn a_list_of_units_that_has_no_end_is_given_up() {
    let empty = r#"{"units":[],"next":"x"}"#.to_owned();
    let error = canned::client(vec![(200, "", empty)]).await.units().await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::BadAnswer);
    let unit = |n| format!(r#"{{"id":"u{n}","kind":"person","name":"N","access":"write"}}"#);
    let page = |at: usize| {
        let units: Vec<String> = (0..60_000).map(unit).collect();
        format!(r#"{{"units":[{}],"next":"{at}"}}"#, units.join(","))
    };
    let pages = vec![(200, "", page(1)), (200, "", page(2)), (200, "", page(3))];
    let error = canned::client(pages).await.units().await.unwrap_err();
    assert!(error.to_string().contains("more than 100000 calendar units"), "{error}");
}
