//! People at the calendar, past the wire, and what a client then sees.

use calsync_testkit::exchange::{CUSTOMER_NAME, CUSTOMER_SET};
use calsync_testkit::people::{Busy, Calendars as _, Draft, Edit, Repeat, Rhythm, Tile, Until};
use chrono::{NaiveDate, NaiveDateTime, Weekday};

use super::{ANNA, Desk, item_id};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn draft() -> Draft {
    Draft {
        subject: "Aufmaß <&>".to_owned(),
        place: "Halle".to_owned(),
        notes: "eins\nzwei".to_owned(),
        start: at("2026-10-20T09:00:00"),
        end: at("2026-10-20T10:00:00"),
        zone: "Europe/Vienna".to_owned(),
        all_day: false,
        category: Some("Wartung".to_owned()),
        busy: Busy::OutOfOffice,
        private: true,
        reminder: Some(30),
        customer: Some("10234".to_owned()),
        repeat: None,
    }
}

fn weekly() -> Draft {
    let repeat = Repeat { rhythm: Rhythm::Weekly(vec![Weekday::Tue]), every: 1, until: Until::Count(4) };
    Draft { repeat: Some(repeat), ..draft() }
}

#[test]
fn what_a_person_enters_is_what_the_tile_and_the_client_show() {
    let desk = Desk::new();
    let id = desk.mock.create(ANNA, &draft()).unwrap();
    assert_eq!(
        desk.mock.tiles(ANNA, day("2026-10-20"), day("2026-10-21")),
        [Tile {
            start: "2026-10-20T07:00:00Z".to_owned(),
            end: "2026-10-20T08:00:00Z".to_owned(),
            subject: "Aufmaß <&>".to_owned(),
            place: "Halle".to_owned(),
            notes: "eins\nzwei".to_owned(),
            category: Some("Wartung".to_owned()),
            busy: Busy::OutOfOffice,
            private: true,
            reminder: Some(30),
            customer: Some("10234".to_owned()),
            recurring: false,
        }]
    );
    let uri = format!(
        r#"<t:AdditionalProperties><t:ExtendedFieldURI PropertySetId="{CUSTOMER_SET}" PropertyName="{CUSTOMER_NAME}" PropertyType="String"/></t:AdditionalProperties>"#
    );
    let seen = desk.get_as(&item_id(&id), &uri);
    assert_eq!(
        (seen.text("t:Sensitivity"), seen.text("t:Value"), seen.text("t:StartTimeZoneId")),
        ("Private".to_owned(), "10234".to_owned(), "W. Europe Standard Time".to_owned())
    );
}

#[test]
fn edits_change_what_they_name_and_the_change_key() {
    let desk = Desk::new();
    let id = desk.mock.create(ANNA, &draft()).unwrap();
    let before = desk.get(&id).id().1;
    let edit = Edit {
        subject: Some("neu".to_owned()),
        span: Some((at("2026-12-20T09:00:00"), at("2026-12-20T09:30:00"))),
        category: Some(None),
        reminder: Some(None),
        customer: Some(None),
        private: Some(false),
        ..Edit::default()
    };
    assert!(desk.mock.edit(ANNA, &id, &edit));
    assert_ne!(desk.get(&id).id().1, before);
    let tile = &desk.mock.tiles(ANNA, day("2026-12-20"), day("2026-12-21"))[0];
    assert_eq!(
        (tile.subject.as_str(), tile.start.as_str(), tile.place.as_str()),
        ("neu", "2026-12-20T08:00:00Z", "Halle")
    );
    assert_eq!((&tile.category, tile.reminder, &tile.customer, tile.private), (&None, None, &None, false));
    assert!(desk.mock.delete(ANNA, &id));
    assert!(!desk.mock.edit(ANNA, &id, &edit) && !desk.mock.delete(ANNA, &id));
    assert_eq!(desk.mock.list(ANNA), Vec::<String>::new());
}

#[test]
fn occurrences_are_changed_and_deleted_by_their_original_start() {
    let desk = Desk::new();
    let id = desk.mock.create(ANNA, &weekly()).unwrap();
    let all = desk.mock.occurrences(ANNA, &id, day("2026-01-01"), day("2027-01-01"));
    assert_eq!(
        all,
        ["2026-10-20T09:00:00", "2026-10-27T09:00:00", "2026-11-03T09:00:00", "2026-11-10T09:00:00"].map(at)
    );
    let later =
        Edit { span: Some((at("2026-10-28T11:00:00"), at("2026-10-28T12:00:00"))), ..Edit::default() };
    assert!(desk.mock.edit_occurrence(ANNA, &id, all[1], &later));
    assert!(desk.mock.delete_occurrence(ANNA, &id, all[2]));
    assert!(!desk.mock.delete_occurrence(ANNA, &id, all[2]));
    assert!(!desk.mock.edit_occurrence(ANNA, &id, at("2026-10-28T11:00:00"), &later));
    let starts: Vec<String> =
        desk.mock.tiles(ANNA, day("2026-10-01"), day("2026-12-01")).into_iter().map(|t| t.start).collect();
    assert_eq!(starts, ["2026-10-20T07:00:00Z", "2026-10-28T10:00:00Z", "2026-11-10T08:00:00Z"]);
    for original in [all[0], all[1], all[3]] {
        assert!(desk.mock.delete_occurrence(ANNA, &id, original));
    }
    assert_eq!(desk.mock.list(ANNA), Vec::<String>::new(), "the series goes with its last occurrence");
}

#[test]
fn whole_days_are_dates_in_every_zone() {
    let desk = Desk::new();
    for zone in ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Auckland"] {
        let whole = Draft {
            all_day: true,
            start: at("2026-10-25T00:00:00"),
            end: at("2026-10-26T00:00:00"),
            zone: zone.to_owned(),
            ..draft()
        };
        let id = desk.mock.create(ANNA, &whole).unwrap();
        let tiles = desk.mock.tiles(ANNA, day("2026-10-25"), day("2026-10-26"));
        assert_eq!((tiles[0].start.as_str(), tiles[0].end.as_str()), ("2026-10-25", "2026-10-26"), "{zone}");
        assert_eq!(desk.mock.tiles(ANNA, day("2026-10-26"), day("2026-10-27")), []);
        assert_eq!(desk.mock.tiles(ANNA, day("2026-10-24"), day("2026-10-25")), []);
        desk.mock.delete(ANNA, &id);
    }
}

#[test]
fn copies_and_moves_have_new_ids() {
    let desk = Desk::new();
    let id = desk.mock.create(ANNA, &draft()).unwrap();
    let copy = desk.mock.copy(ANNA, &id).unwrap();
    assert_ne!(copy, id);
    assert_eq!(desk.mock.extended(ANNA, &copy, CUSTOMER_SET, CUSTOMER_NAME).as_deref(), Some("10234"));
    let moved = desk.mock.move_to_folder(ANNA, &id, "Zweiter").unwrap();
    assert_ne!(moved, id);
    assert_eq!(desk.mock.list(ANNA), [copy]);
    assert!(desk.mock.create("nobody@example.test", &draft()).is_none());
    assert!(desk.mock.create(ANNA, &Draft { zone: "Mars/Olympus".to_owned(), ..draft() }).is_none());
}

#[test]
fn the_servers_clock_stamps_what_happens() {
    let desk = Desk::new();
    desk.mock.fix_clock("2026-11-24T12:00:00Z".parse().unwrap());
    let id = desk.mock.create(ANNA, &draft()).unwrap();
    desk.mock.fix_clock("2026-11-24T12:05:00Z".parse().unwrap());
    desk.mock.edit(ANNA, &id, &Edit { place: Some("dort".to_owned()), ..Edit::default() });
    let seen = desk.get(&id);
    assert_eq!(seen.text("t:DateTimeCreated"), "2026-11-24T12:00:00Z");
    assert_eq!(seen.text("t:LastModifiedTime"), "2026-11-24T12:05:00Z");
    assert_eq!(seen.text("t:LastModifiedName"), "Anna");
}

#[test]
fn a_restored_mailbox_is_as_it_was_and_uses_no_id_twice() {
    let desk = Desk::new();
    let kept = desk.mock.create(ANNA, &draft()).unwrap();
    let backup = desk.mock.snapshot();
    let state = desk.sync("", 512).text("m:SyncState");
    let lost = desk.mock.create(ANNA, &draft()).unwrap();
    desk.mock.delete(ANNA, &kept);
    desk.mock.restore(&backup);
    assert_eq!(desk.mock.list(ANNA), std::slice::from_ref(&kept));
    assert_eq!(desk.get(&lost).codes(), ["ErrorItemNotFound"]);
    assert_ne!(desk.mock.create(ANNA, &draft()).unwrap(), lost);
    assert_eq!(desk.sync(&state, 512).codes(), ["ErrorInvalidSyncStateData"]);
}

#[test]
fn a_spoilt_item_fails_alone() {
    let desk = Desk::new();
    let good = desk.mock.create(ANNA, &draft()).unwrap();
    let bad = desk.mock.create(ANNA, &draft()).unwrap();
    assert!(desk.mock.spoil(ANNA, &bad, Some("ErrorCorruptData")));
    let seen = desk.get_as(&(item_id(&bad) + &item_id(&good)), "");
    assert_eq!(seen.codes(), ["ErrorCorruptData", "NoError"]);
    assert_eq!(desk.sync("", 512).attrs("t:ItemId", "Id"), [bad.clone(), good]);
    assert!(desk.mock.spoil(ANNA, &bad, None));
    assert_eq!(desk.get(&bad).codes(), ["NoError"]);
}
