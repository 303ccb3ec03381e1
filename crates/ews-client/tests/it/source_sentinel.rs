//! The mark in a calendar folder.

use calsync_core::source::{CalendarSource, Mark, SourceErrorKind};
use calsync_testkit::exchange::{Rights, Trouble};

use crate::server::*;

fn mark(number: u64) -> Mark {
    Mark { installation: "nvs-1".to_owned(), number }
}

#[tokio::test]
async fn a_mark_is_left_in_the_calendar_and_read_again_on_every_version() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        server.mock.set_rights(ACCOUNT, MAILBOX, Rights::Owner);
        let source = server.source();
        assert!(source.capabilities().sentinel);
        assert_eq!(source.sentinel(&calendar()).await.unwrap(), None, "{version:?}");
        source.set_sentinel(&calendar(), None, &mark(1)).await.unwrap();
        source.set_sentinel(&calendar(), Some(&mark(1)), &mark(2)).await.unwrap();
        server.mock.reset_traffic();
        assert_eq!(source.sentinel(&calendar()).await.unwrap(), Some(mark(2)), "{version:?}");
        let asked: Vec<_> = server.mock.traffic().into_iter().collect();
        assert!(asked.len() == 1 && asked[0].1.requests == 1, "one request reads it: {asked:?}");
        // Another client of the same account sees it too, and the feed says nothing of it.
        assert_eq!(server.source().sentinel(&calendar()).await.unwrap(), Some(mark(2)));
        assert_eq!(source.changes(&calendar(), None).await.unwrap().entries, []);
    }
}

#[tokio::test]
async fn a_mark_that_is_not_the_expected_one_is_not_written_over() {
    let server = Server::newest().await;
    server.mock.set_rights(ACCOUNT, MAILBOX, Rights::Owner);
    let source = server.source();
    source.set_sentinel(&calendar(), None, &mark(4)).await.unwrap();
    for expected in [None, Some(mark(3)), Some(mark(5))] {
        let refused = source.set_sentinel(&calendar(), expected.as_ref(), &mark(6)).await.unwrap_err();
        assert_eq!(refused.kind, SourceErrorKind::Stale);
    }
    assert_eq!(source.sentinel(&calendar()).await.unwrap(), Some(mark(4)));
}

#[tokio::test]
async fn who_does_not_own_the_calendar_reads_marks_and_is_denied_to_write_them() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let source = server.source();
        assert_eq!(source.sentinel(&calendar()).await.unwrap(), None);
        let denied = source.set_sentinel(&calendar(), None, &mark(1)).await.unwrap_err();
        assert!(matches!(denied.kind, SourceErrorKind::Denied(_)), "{version:?}: {denied:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_says_that_the_mark_may_arrive_yet() {
    let server = Server::newest().await;
    server.mock.set_rights(ACCOUNT, MAILBOX, Rights::Owner);
    let source = server.source();
    for (trouble, arrived) in [(Trouble::DropAfter, Some(mark(1))), (Trouble::DropBefore, Some(mark(1)))] {
        let before = source.sentinel(&calendar()).await.unwrap();
        let next = mark(before.as_ref().map_or(1, |mark| mark.number + 1));
        server.mock.trouble_for("UpdateFolder", trouble, 0, 1);
        let lost = source.set_sentinel(&calendar(), before.as_ref(), &next).await.unwrap_err();
        assert_eq!(lost.kind, SourceErrorKind::NoAnswer);
        assert_eq!(source.sentinel(&calendar()).await.unwrap(), arrived);
    }
}

#[tokio::test]
async fn the_mark_goes_back_with_the_mailbox_and_is_gone_with_it() {
    let server = Server::newest().await;
    server.mock.set_rights(ACCOUNT, MAILBOX, Rights::Owner);
    let source = server.source();
    source.set_sentinel(&calendar(), None, &mark(1)).await.unwrap();
    let backup = server.mock.snapshot();
    source.set_sentinel(&calendar(), Some(&mark(1)), &mark(2)).await.unwrap();
    server.mock.restore(&backup);
    assert_eq!(source.sentinel(&calendar()).await.unwrap(), Some(mark(1)));
    server.mock.recreate_mailbox(MAILBOX);
    assert_eq!(source.sentinel(&calendar()).await.unwrap(), None);
}
