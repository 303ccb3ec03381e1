//! Zones that nobody knows: an item is set aside or read as it is, and never moved.

use calsync_core::ids::ItemKey;
use calsync_core::model::{Span, When};
use calsync_core::source::{CalendarSource, Seen};

use crate::server::*;

/// Clocks that no known zone has.
const OWN: &str = "STD-5:17DST-6:17,M3.5.0/2:00,M10.5.0/3:00";

fn instants(start: &str, end: &str) -> Span {
    Span { start: When::Utc(at(start).and_utc()), end: When::Utc(at(end).and_utc()) }
}

#[tokio::test]
async fn an_item_in_an_unknown_zone_is_set_aside_and_the_others_are_read() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = server.source();
        let mut series = single("reihe", timed("2026-03-02T09:00", "2026-03-02T10:00"));
        series.recurrence = Some(repeats("FREQ=DAILY;COUNT=40"));
        let lost = create(&source, &series).await;
        let other = create(&source, &rich()).await;
        for name in ["Mitteleurop\u{e4}ische Zeit", "Customized Time Zone", "tzone://Microsoft/Custom"] {
            assert!(server.mock.put_into_zone(MAILBOX, lost.key.as_str(), name, None));
            let keys: [ItemKey; 2] = [lost.key.clone(), other.key.clone()];
            let seen = source.fetch(&calendar(), &keys).await.unwrap();
            assert!(
                matches!(&seen[0], Seen::Unreadable(why) if why.contains(name)),
                "{version:?}: {:?}",
                seen[0]
            );
            assert!(matches!(&seen[1], Seen::Present(item) if item.series == other.series), "{version:?}");
        }
        assert!(server.mock.put_into_zone(MAILBOX, lost.key.as_str(), "tzone://Microsoft/Utc", Some("UTC0")));
        assert!(matches!(seen(&source, &lost.key).await, Seen::Present(_)), "{version:?}");
        // A series in a zone of its own cannot be reckoned; a name is not enough to say where that would be.
        assert!(server.mock.put_into_zone(MAILBOX, lost.key.as_str(), "Customized Time Zone", Some(OWN)));
        assert!(matches!(seen(&source, &lost.key).await, Seen::Unreadable(_)), "{version:?}");
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        assert!(server.mock.put_into_zone(MAILBOX, lost.key.as_str(), "Customized Time Zone", Some(berlin)));
        assert_eq!(read(&source, &lost.key).await.series, series, "{version:?}");
    }
}

#[tokio::test]
async fn a_zone_of_its_own_is_kept_when_the_appointment_is_written() {
    for version in &VERSIONS[1..] {
        let server = Server::start(*version).await;
        let source = server.source();
        let item = create(&source, &single("x", timed("2026-07-01T09:00", "2026-07-01T10:00"))).await;
        assert!(server.mock.put_into_zone(MAILBOX, item.key.as_str(), "Customized Time Zone", Some(OWN)));
        let item = read(&source, &item.key).await;
        assert_eq!(item.series.event.span, instants("2026-07-01T07:00", "2026-07-01T08:00"));
        let mut new = item.series.clone();
        new.event.subject = "anders".to_owned();
        new.event.span = instants("2026-07-02T07:30", "2026-07-02T08:30");
        let changed = change(&source, &item, &new).await;
        assert_eq!(changed.series, new, "{version:?}");
        assert_eq!(server.mock.zone_name(MAILBOX, item.key.as_str()).unwrap(), "Customized Time Zone");
        // A person who chooses a zone elsewhere has chosen.
        new.event.span = timed("2026-07-02T09:00", "2026-07-02T10:00");
        assert_eq!(change(&source, &changed, &new).await.series, new, "{version:?}");
        assert_eq!(server.mock.zone_name(MAILBOX, item.key.as_str()).unwrap(), "W. Europe Standard Time");
    }
}

#[tokio::test]
async fn whole_days_are_days_in_any_zone() {
    let server = Server::newest().await;
    let source = server.source();
    let series = single("tag", Span::days(day("2026-03-29"), day("2026-03-29")));
    let item = create(&source, &series).await;
    for rule in [None, Some(OWN)] {
        assert!(server.mock.put_into_zone(MAILBOX, item.key.as_str(), "Customized Time Zone", rule));
        assert_eq!(read(&source, &item.key).await.series, series);
    }
}
