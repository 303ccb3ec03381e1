//! Categories that are written get into the list of the mailbox, and nothing else of that list is touched.

use std::collections::BTreeMap;

use calsync_core::model::{Overlay, Override, RecurrenceId};
use calsync_testkit::exchange::{ServerVersion, Trouble};

use crate::server::*;

fn looks(server: &Server) -> (u64, u64) {
    let traffic = server.mock.traffic();
    let of = |operation: &str| traffic.get(operation).map_or(0, |traffic| traffic.requests);
    (of("GetUserConfiguration"), of("UpdateUserConfiguration"))
}

#[tokio::test]
async fn new_categories_get_into_the_list_with_a_colour_and_all_else_stays() {
    for version in &VERSIONS[1..] {
        let server = Server::start(*version).await;
        let colours = BTreeMap::from([("Kunde".to_owned(), "dark_blue".parse().unwrap())]);
        let source = server.source().with_category_colours(colours);
        let before = server.mock.category_list(MAILBOX).unwrap();
        let item = create(&source, &rich()).await;
        let after = server.mock.category_list(MAILBOX).unwrap();
        let kept = before.trim_end().strip_suffix("</categories>").unwrap();
        assert!(after.starts_with(kept) && after.ends_with("</categories>\r\n"), "{version:?}: {after}");
        assert!(after.contains("<category name=\"Kunde\" color=\"22\" "), "{after}");
        assert!(after.contains("<category name=\"Wartung\" color=\""), "{after}");
        assert_eq!(looks(&server), (1, 1), "{version:?}");

        // Known now, also in other letters: no further look.
        let mut other = single("zwei", timed("2026-03-03T09:00", "2026-03-03T10:00"));
        other.event.categories = ["KUNDE".to_owned()].into();
        create(&source, &other).await;
        let mut new = item.series.clone();
        new.event.place = "anderswo".to_owned();
        new.event.categories.remove("Kunde");
        let item = change(&source, &item, &new).await;
        assert_eq!(looks(&server), (1, 1), "{version:?}");
        // What is in the list already needs no write.
        new.event.categories.insert("rote kategorie".to_owned());
        let item = change(&source, &item, &new).await;
        assert_eq!(looks(&server), (1, 1), "{version:?}");
        new.event.categories.insert("Neu".to_owned());
        change(&source, &item, &new).await;
        assert_eq!(looks(&server), (2, 2), "{version:?}");
        assert_eq!(server.mock.category_list(MAILBOX).unwrap().matches("<category ").count(), 5);
        // Another run finds all of it there.
        let mut third = single("drei", timed("2026-03-03T09:00", "2026-03-03T10:00"));
        third.event.categories = ["Neu".to_owned()].into();
        create(&server.source(), &third).await;
        assert_eq!(looks(&server), (3, 2), "{version:?}");
    }
}

#[tokio::test]
async fn categories_of_occurrences_are_known_too() {
    let server = Server::newest().await;
    let source = server.source();
    let mut series = single("reihe", timed("2026-03-02T09:00", "2026-03-02T10:00"));
    series.recurrence = Some(repeats("FREQ=DAILY;COUNT=5"));
    let overlay = Overlay { categories: Some(["Einzeln".to_owned()].into()), ..Overlay::default() };
    series.overrides.insert(RecurrenceId::Local(at("2026-03-03T09:00")), Override::Changed(overlay));
    let item = create(&source, &series).await;
    assert_eq!(item.series, series);
    assert!(server.mock.category_list(MAILBOX).unwrap().contains("name=\"Einzeln\""));
}

#[tokio::test]
async fn appointments_without_categories_cost_no_look_and_2007_has_no_list() {
    let server = Server::newest().await;
    create(&server.source(), &single("x", timed("2026-03-03T09:00", "2026-03-03T10:00"))).await;
    assert_eq!(looks(&server), (0, 0));
    let server = Server::start(ServerVersion::Exchange2007Sp1).await;
    let item = create(&server.source(), &rich()).await;
    assert_eq!(item.series, rich());
    assert_eq!(looks(&server), (0, 0));
}

#[tokio::test]
async fn a_server_that_has_no_time_for_the_list_is_asked_with_the_next_category() {
    let server = Server::newest().await;
    let source = server.source();
    server.mock.trouble_for("GetUserConfiguration", Trouble::Busy(std::time::Duration::from_secs(1)), 0, 1);
    assert_eq!(create(&source, &rich()).await.series, rich());
    assert_eq!(looks(&server), (1, 0));
    let mut other = single("zwei", timed("2026-03-03T09:00", "2026-03-03T10:00"));
    other.event.categories = ["Kunde".to_owned()].into();
    create(&source, &other).await;
    assert_eq!(looks(&server), (2, 1));
}

#[tokio::test]
async fn a_list_that_cannot_be_used_keeps_no_appointment_from_being_written() {
    let strange = "<categories><category name=\"a\"";
    for hindrance in ["no right", "no list", "no xml"] {
        let server = Server::newest().await;
        match hindrance {
            "no right" => server.mock.set_delegates_write_category_list(MAILBOX, false),
            "no list" => server.mock.set_category_list(MAILBOX, None),
            _ => server.mock.set_category_list(MAILBOX, Some(strange)),
        }
        let before = server.mock.category_list(MAILBOX);
        let source = server.source();
        assert_eq!(create(&source, &rich()).await.series, rich(), "{hindrance}");
        assert_eq!(server.mock.category_list(MAILBOX), before, "{hindrance}");
        let asked = looks(&server);
        let mut other = rich();
        other.uid = "uid-zwei".into();
        other.event.categories.insert("Neu".to_owned());
        create(&source, &other).await;
        assert_eq!(looks(&server), asked, "{hindrance}: one try is enough");
    }
}
