//! The adapter when others write too, when rights are lost and when answers are.

use calsync_core::model::Notes;
use calsync_core::source::{CalendarSource, Seen, SourceErrorKind, WriteOp, WriteOutcome};
use calsync_testkit::exchange::{ServerVersion, Trouble};
use calsync_testkit::people::{Calendars, Edit};

use ews_client::{Access, EwsClient, ExchangeSource, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
        assert_eq!(matches!(found, Seen::Present(_)), made);
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

#[tokio::test]
async fn an_item_that_was_made_private_is_not_taken_for_a_deleted_one() {
    for version in [ServerVersion::Exchange2010Sp2, ServerVersion::Exchange2016] {
        let server = Server::start(version).await;
        server.mock.set_sees_private(ACCOUNT, MAILBOX, false);
        let source = server.source();
        let item = create(&source, &single("x", timed("2026-03-02T09:00", "2026-03-02T10:00"))).await;
        server.mock.edit(MAILBOX, item.key.as_str(), &Edit { private: Some(true), ..Edit::default() });
        let seen = seen(&source, &item.key).await;
        assert!(matches!(&seen, Seen::Unreadable(why) if why.contains("private")), "{seen:?}");
    }
}

#[tokio::test]
async fn a_spoilt_item_does_not_keep_the_others_from_being_read() {
    let server = Server::newest().await;
    let source = server.source();
    let span = || timed("2026-03-02T09:00", "2026-03-02T10:00");
    let good = create(&source, &single("good", span())).await;
    let bad = create(&source, &single("bad", span())).await;
    for code in ["ErrorItemCorrupt", "ErrorInternalServerError", "ErrorAccessDenied", "ErrorNeverHeardOf"] {
        server.mock.spoil(MAILBOX, bad.key.as_str(), Some(code));
        let seen = source.fetch(&calendar(), &[bad.key.clone(), good.key.clone()]).await.unwrap();
        assert!(matches!(&seen[0], Seen::Unreadable(why) if why.contains(code)), "{seen:?}");
        assert_eq!(seen[1], Seen::Present(Box::new(good.clone())));
    }
}

/// A server that gives these bodies one after the other.
async fn scripted(bodies: Vec<String>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/EWS/Exchange.asmx", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for body in bodies {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"</s:Envelope>") {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).await.unwrap();
                request.extend_from_slice(&piece[..read]);
            }
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.unwrap();
        }
    });
    url
}

fn answer(operation: &str, messages: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='s'><s:Header><t:ServerVersionInfo xmlns:t='t' MajorVersion='15' MinorVersion='1'/></s:Header>\
         <s:Body><m:{operation}Response xmlns:m='m' xmlns:t='t'><m:ResponseMessages>{messages}</m:ResponseMessages>\
         </m:{operation}Response></s:Body></s:Envelope>"
    )
}

fn item_message(id: &str) -> String {
    format!(
        "<m:R ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode><m:Items><t:CalendarItem>\
         <t:ItemId Id='{id}' ChangeKey='k'/><t:ParentFolderId Id='here'/><t:Start>2026-03-02T09:00:00Z</t:Start>\
         <t:End>2026-03-02T10:00:00Z</t:End></t:CalendarItem></m:Items></m:R>"
    )
}

const STOPPED: &str =
    "<m:R ResponseClass='Error'><m:ResponseCode>ErrorBatchProcessingStopped</m:ResponseCode></m:R>";
const FOLDER: &str = "<m:R ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode><m:Folders><t:CalendarFolder>\
     <t:FolderId Id='here'/></t:CalendarFolder></m:Folders></m:R>";

#[tokio::test]
async fn a_batch_that_was_stopped_is_asked_for_the_rest() {
    let bodies = vec![
        answer("GetFolder", FOLDER),
        answer("GetItem", &[item_message("a").as_str(), STOPPED, STOPPED].concat()),
        answer("GetItem", &[STOPPED, STOPPED].concat()),
        answer("GetItem", &item_message("b")),
        answer("GetItem", &item_message("c")),
    ];
    let source = ExchangeSource::new(client(&scripted(bodies).await), Access::Rights, zone());
    let seen = source.fetch(&calendar(), &["a".into(), "b".into(), "c".into()]).await.unwrap();
    let keys: Vec<&str> = seen
        .iter()
        .map(|seen| match seen {
            Seen::Present(item) => item.key.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_server_that_stops_at_once_every_time_is_given_up() {
    let mut bodies = vec![answer("GetFolder", FOLDER)];
    bodies.extend(std::iter::repeat_n(answer("GetItem", STOPPED), 20));
    let source = ExchangeSource::new(client(&scripted(bodies).await), Access::Rights, zone());
    let error = source.fetch(&calendar(), &["a".into()]).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn items_that_are_too_much_together_are_read_apart_and_one_that_is_too_much_alone_is_unreadable() {
    let server = Server::newest().await;
    let source = server.source();
    let mut keys = Vec::new();
    for (index, length) in [20_000, 20_000, 200_000, 20_000, 20_000].into_iter().enumerate() {
        let mut series = rich();
        series.uid = format!("large-{index}").as_str().into();
        series.event.notes = Notes::plain(&"x".repeat(length));
        keys.push(create(&source, &series).await.key);
    }
    let client = EwsClient::basic(server.mock.url(), USER, Secret::new(PASSWORD))
        .max_response(60_000)
        .build()
        .unwrap();
    let small = ExchangeSource::new(client, Access::Rights, zone());
    let seen = small.fetch(&calendar(), &keys).await.unwrap();
    assert_eq!(seen.len(), keys.len());
    for (index, seen) in seen.iter().enumerate() {
        match seen {
            Seen::Present(item) => assert_eq!((index == 2, &item.key), (false, &keys[index])),
            Seen::Unreadable(why) => {
                assert!(index == 2 && why.contains("more than an answer may hold"), "{why}");
            }
            Seen::Absent => panic!("{index} is there"),
        }
    }
}
