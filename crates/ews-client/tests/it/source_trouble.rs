//! The adapter when others write too, when rights are lost and when answers are.

use calsync_core::source::{CalendarSource, SourceErrorKind, WriteOp, WriteOutcome};
use calsync_testkit::exchange::Trouble;
use calsync_testkit::people::{Calendars, Edit};

use crate::server::*;
#[tokio::test]
async fn a_stale_write_is_refused_and_touches_nothing() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &rich()).await;
    let id = server.mock.list(MAILBOX).remove(0);
    server.mock.edit(MAILBOX, &id, &Edit { subject: Some("vom Menschen".to_owned()), ..Edit::default() });
    let mut new = item.series.clone();
    new.event.place = "anderswo".to_owned();
    let outcome = change_from(&source, &item, item.series.diff(&new)).await;
    assert!(
        matches!(&outcome, WriteOutcome::Refused(error) if error.kind == SourceErrorKind::Stale),
        "{outcome:?}"
    );
    let outcome = delete(&source, &item.key, &item.revision).await;
    assert!(
        matches!(&outcome, WriteOutcome::Refused(error) if error.kind == SourceErrorKind::Stale),
        "{outcome:?}"
    );
    assert_eq!(read(&source, &item.key).await.series.event.subject, "vom Menschen");
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_asking_settles_it() {
    let server = Server::newest().await;
    let source = server.source();
    server.client.version(&crate::server::target()).await.unwrap();
    for (trouble, made) in [(Trouble::DropAfter, true), (Trouble::DropBefore, false)] {
        server.mock.trouble_for("CreateItem", trouble, 0, 1);
        let series =
            single(if made { "made" } else { "lost" }, timed("2026-03-02T09:00", "2026-03-02T10:00"));
        let token = token(series.uid.as_str());
        let op = WriteOp::Create { token: token.clone(), series: Box::new(series.clone()) };
        let outcome = apply(&source, op, receipt(&token, 1)).await;
        assert!(matches!(outcome, WriteOutcome::Unknown(_)), "{outcome:?}");
        let found = source.find_created(&calendar(), &[token]).await.unwrap().remove(0);
        assert_eq!(found.is_some(), made);
    }
}

#[tokio::test]
async fn many_creates_go_together_and_one_that_is_refused_does_not_fail_the_others() {
    let server = Server::newest().await;
    let source = server.source();
    server.client.version(&crate::server::target()).await.unwrap();
    let before = server.client.traffic().requests();
    let mut ops = Vec::new();
    for n in 0..30 {
        let mut series = single(&n.to_string(), timed("2026-03-02T09:00", "2026-03-02T10:00"));
        if n == 7 {
            // Six years are more than an appointment may last.
            series.event.span = timed("2026-03-02T09:00", "2032-03-02T10:00");
        }
        let token = token(&n.to_string());
        ops.push((WriteOp::Create { token: token.clone(), series: Box::new(series) }, receipt(&token, 1)));
    }
    let outcomes = apply_all(&source, ops).await;
    assert_eq!(server.client.traffic().requests() - before, 2);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, WriteOutcome::Applied(_))).count(), 29);
    assert!(
        matches!(&outcomes[7], WriteOutcome::Refused(error) if matches!(error.kind, SourceErrorKind::Rejected(_))),
        "{:?}",
        outcomes[7]
    );
    stored(&outcomes[29]);
}

#[tokio::test]
async fn a_busy_server_ends_the_batch_without_another_request() {
    let server = Server::newest().await;
    let source = server.source();
    server.client.version(&crate::server::target()).await.unwrap();
    let wait = std::time::Duration::from_secs(7);
    server.mock.trouble_for("CreateItem", Trouble::Busy(wait), 0, 9);
    let before = server.client.traffic().requests();
    let ops = (0..60)
        .map(|n| {
            let series = single(&n.to_string(), timed("2026-03-02T09:00", "2026-03-02T10:00"));
            let token = token(&n.to_string());
            (WriteOp::Create { token: token.clone(), series: Box::new(series) }, receipt(&token, 1))
        })
        .collect();
    let outcomes = apply_all(&source, ops).await;
    assert_eq!(outcomes.len(), 60);
    for outcome in outcomes {
        assert!(
            matches!(&outcome, WriteOutcome::Refused(error) if error.kind == SourceErrorKind::Throttled(wait)),
            "{outcome:?}"
        );
    }
    assert_eq!(server.client.traffic().requests() - before, 1);
}

#[tokio::test]
async fn lost_rights_are_never_taken_for_deletions() {
    let server = Server::newest().await;
    let source = server.source();
    let item = create(&source, &rich()).await;
    server.mock.set_rights(crate::server::ACCOUNT, MAILBOX, calsync_testkit::exchange::Rights::None);
    let error = source.fetch(&calendar(), std::slice::from_ref(&item.key)).await.unwrap_err();
    assert!(matches!(error.kind, SourceErrorKind::NoCalendar(_) | SourceErrorKind::Denied(_)), "{error}");
    let error = source.changes(&calendar(), None).await.unwrap_err();
    assert!(matches!(error.kind, SourceErrorKind::NoCalendar(_) | SourceErrorKind::Denied(_)), "{error}");
}
