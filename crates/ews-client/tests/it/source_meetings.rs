//! Meetings of other people: what they are is read on every version, and only what is personal is written.

use calsync_core::model::{Busy, Meeting, Override, RecurrenceId, Reminder};
use calsync_core::source::{Access as Rights, WriteOutcome};
use calsync_testkit::exchange::Reply;
use calsync_testkit::people::{Draft, Repeat, Rhythm, Until};

use crate::server::*;

const BOSS: &str = "chef@example.test";

fn draft(repeat: Option<Repeat>) -> Draft {
    Draft { repeat, ..Draft::new("Besprechung", at("2026-03-26T10:00"), at("2026-03-26T11:00")) }
}

fn daily() -> Repeat {
    Repeat { rhythm: Rhythm::Daily, every: 1, until: Until::Count(5) }
}

#[tokio::test]
async fn a_meeting_of_somebody_else_may_only_be_written_personally() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = server.source();
        let id = server.mock.receive_meeting(MAILBOX, BOSS, &draft(None)).unwrap();
        let item = read(&source, &id.as_str().into()).await;
        assert_eq!(item.access, Rights::Personal);
        assert_eq!(item.series.event.organizer.address, BOSS);
        let mut new = item.series.clone();
        new.event.reminder = Reminder::Minutes(10);
        new.event.categories.insert("wichtig".to_owned());
        let changed = change(&source, &item, &new).await;
        assert_eq!(changed.series, new, "{version:?}");
        assert!(server.mock.outbox().is_empty());
    }
}

#[tokio::test]
async fn what_a_person_answered_is_read() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = server.source();
        let id = server.mock.receive_invitation(MAILBOX, BOSS, &draft(None), true).unwrap();
        let key = id.as_str().into();
        assert_eq!(read(&source, &key).await.series.event.meeting, Meeting::Unanswered, "{version:?}");
        for (reply, meeting) in [
            (Reply::Decline, Meeting::Declined),
            (Reply::Tentative, Meeting::Tentative),
            (Reply::Accept, Meeting::Accepted),
        ] {
            assert!(server.mock.answer_meeting(MAILBOX, &id, None, reply));
            assert_eq!(read(&source, &key).await.series.event.meeting, meeting, "{version:?}");
        }
        assert!(server.mock.cancel_by_organizer(MAILBOX, &id, None));
        let item = read(&source, &key).await;
        assert_eq!((item.series.event.meeting, item.access), (Meeting::Cancelled, Rights::Personal));
        let silent = server.mock.receive_invitation(MAILBOX, BOSS, &draft(None), false).unwrap();
        let silent = read(&source, &silent.as_str().into()).await;
        assert_eq!(silent.series.event.meeting, Meeting::Accepted, "{version:?}");
        assert_eq!(create(&source, &rich()).await.series.event.meeting, Meeting::None);
    }
}

#[tokio::test]
async fn single_occurrences_are_answered_and_cancelled_on_their_own() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = server.source();
        let id = server.mock.receive_meeting(MAILBOX, BOSS, &draft(Some(daily()))).unwrap();
        let (declined, cancelled) = (at("2026-03-27T10:00"), at("2026-03-29T10:00"));
        assert!(server.mock.answer_meeting(MAILBOX, &id, Some(declined), Reply::Decline));
        assert!(server.mock.cancel_by_organizer(MAILBOX, &id, Some(cancelled)));
        let item = read(&source, &id.as_str().into()).await;
        assert_eq!(item.series.event.meeting, Meeting::Accepted, "{version:?}");
        assert_eq!(item.series.overrides.len(), 2);
        for (original, meeting) in [(declined, Meeting::Declined), (cancelled, Meeting::Cancelled)] {
            let Some(Override::Changed(overlay)) = item.series.overrides.get(&RecurrenceId::Local(original))
            else {
                panic!("{version:?}: {:?}", item.series.overrides)
            };
            assert_eq!((overlay.meeting, overlay.busy), (Some(meeting), Some(Busy::Free)), "{version:?}");
        }
    }
}

#[tokio::test]
async fn what_a_meeting_is_is_never_written() {
    let server = Server::newest().await;
    let source = server.source();
    let mut series = rich();
    series.event.meeting = Meeting::Accepted;
    series.event.organizer =
        calsync_core::model::Person { name: "Chef".to_owned(), address: BOSS.to_owned() };
    assert_eq!(create(&source, &series).await.series, rich());
    let id = server.mock.receive_invitation(MAILBOX, BOSS, &draft(None), true).unwrap();
    let item = read(&source, &id.as_str().into()).await;
    let mut new = item.series.clone();
    new.event.meeting = Meeting::Accepted;
    let outcome = change_from(&source, &item, item.series.diff(&new)).await;
    assert!(matches!(outcome, WriteOutcome::Applied(_)), "{outcome:?}");
    assert_eq!(read(&source, &item.key).await.series, item.series);
    assert!(server.mock.outbox().is_empty());
}
