//! What goes wrong between client and server, and what the client says of it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use calsync_testkit::nvs::{Failure, Fault};
use calsync_testkit::people::Calendars;
use nvs_client::{NvsClient, NvsError, NvsErrorKind, NvsSettings, Token, Trace};

use super::canned::{self, Canned};
use super::{create, fields, new, start};

async fn fails_with(failure: Failure) -> NvsError {
    let (mock, client) = start().await;
    mock.fail_next(1, failure);
    let error = client.server().await.unwrap_err();
    assert!(client.server().await.is_ok(), "only the next request fails");
    error
}

#[tokio::test]
async fn each_failure_says_what_to_do_next() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let cases = [
        (
            Failure::Unavailable { retry_after: Some(7) },
            NvsErrorKind::Unavailable(seconds(7)),
            "wait 7 seconds",
        ),
        (Failure::Unavailable { retry_after: None }, NvsErrorKind::Unavailable(None), "try again in a while"),
        (Failure::Throttled { retry_after: 3 }, NvsErrorKind::Throttled(seconds(3)), "wait 3 seconds"),
        (Failure::Internal, NvsErrorKind::NoAnswer, "look into its log"),
        (Failure::DropBefore, NvsErrorKind::NoAnswer, "connection was lost"),
        (Failure::DropAfter, NvsErrorKind::NoAnswer, "connection was lost"),
        (
            Failure::HtmlPage,
            NvsErrorKind::BadAnswer,
            "an HTML page came instead of JSON; check that the nvs url",
        ),
        (Failure::BadGateway, NvsErrorKind::NoAnswer, "proxy in front of it fails (http 502"),
        (
            Failure::Redirect,
            NvsErrorKind::NotCalender,
            "redirects to https://login.example.com; check the nvs url",
        ),
        (Failure::HalfAnAnswer, NvsErrorKind::BadAnswer, "does not follow the protocol"),
    ];
    for (failure, kind, text) in cases {
        let error = fails_with(failure.clone()).await;
        assert_eq!(error.kind, kind, "{failure:?}");
        assert!(error.to_string().starts_with("read server information: "), "{error}");
        assert!(error.to_string().contains(text), "{failure:?}: {error}");
        assert!(!error.to_string().ends_with('.'));
    }
}

#[tokio::test]
async fn a_failure_hits_the_requests_it_is_meant_for() {
    let (mock, client) = start().await;
    mock.fault(Fault { operation: Some("unit".into()), after: 1, times: 1, failure: Failure::Internal });
    assert!(client.unit("meier").await.is_ok());
    assert!(client.server().await.is_ok());
    assert!(client.unit("meier").await.is_err());
    assert!(client.unit("meier").await.is_ok());
}

#[tokio::test]
async fn a_wrong_token_is_told_without_repeating_it() {
    let (mock, _) = start().await;
    let client = NvsClient::new(NvsSettings::new(mock.url(), Token::new("not-the-token"))).unwrap();
    let error = client.server().await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::Unauthorized);
    assert!(error.to_string().contains("enter a valid token"));
    assert!(!format!("{error:?} {client:?}").contains("not-the-token"));
}

#[tokio::test]
async fn an_unknown_unit_is_no_empty_calendar() {
    let (_mock, client) = start().await;
    for error in [
        client.unit("nobody").await.unwrap_err(),
        client.changes("nobody", None, 10).await.unwrap_err(),
        client.read(Some("nobody"), &["A".into()]).await.unwrap_err(),
        client.find("nobody", &["t".into()], &[]).await.unwrap_err(),
        client.bin("nobody", None, 10).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, NvsErrorKind::UnknownUnit, "{error}");
    }
}

#[tokio::test]
async fn a_wrong_path_a_closed_port_and_an_unknown_host_are_told_apart() {
    let (mock, _) = start().await;
    let client = |url: &str| NvsClient::new(NvsSettings::new(url, Token::new(mock.token()))).unwrap();
    let wrong = client(&format!("{}/calender", mock.url())).server().await.unwrap_err();
    assert_eq!(wrong.kind, NvsErrorKind::NotCalender);
    assert!(wrong.to_string().contains("check the path of the nvs url"), "{wrong}");

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = client(&format!("http://127.0.0.1:{port}")).server().await.unwrap_err();
    assert_eq!(closed.kind, NvsErrorKind::Unreachable);
    assert!(closed.to_string().contains("check host name, port"), "{closed}");
    assert!(!closed.may_have_arrived());

    let unknown = client("https://nvs.invalid").server().await.unwrap_err();
    assert_eq!(unknown.kind, NvsErrorKind::Unreachable);
}

#[tokio::test]
async fn a_write_without_an_answer_in_time_may_have_arrived() {
    let (mock, _) = start().await;
    let mut settings = NvsSettings::new(mock.url(), Token::new(mock.token()));
    settings.timeout = Duration::from_millis(300);
    let client = NvsClient::new(settings).unwrap();
    mock.fail_next_of("write", 1, Failure::Slow(Duration::from_secs(30)));
    let error = client.write(None, &[create("k", "meier", new(fields("x")))]).await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::NoAnswer);
    assert!(error.may_have_arrived());
    assert!(error.to_string().contains("did not answer in time"), "{error}");
}

#[tokio::test]
async fn a_refusal_of_the_whole_batch_means_that_nothing_was_done() {
    let (mock, client) = start().await;
    mock.fail_next_of("write", 1, Failure::Unavailable { retry_after: None });
    let error = client.write(None, &[create("k", "meier", new(fields("x")))]).await.unwrap_err();
    assert!(!error.may_have_arrived());
    assert!(mock.list("meier").is_empty());
    // Half an answer or a proxy's failure says nothing of the kind, and here the server did it.
    mock.fail_next_of("write", 1, Failure::HalfAnAnswer);
    let error = client.write(None, &[create("h", "meier", new(fields("x")))]).await.unwrap_err();
    assert!(error.may_have_arrived());
    assert_eq!(mock.list("meier").len(), 1);
    mock.fail_next_of("write", 1, Failure::BadGateway);
    let error = client.write(None, &[create("l", "meier", new(fields("x")))]).await.unwrap_err();
    assert!(error.may_have_arrived());
    assert_eq!(mock.list("meier").len(), 2);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_stopped() {
    let (mock, _) = start().await;
    let mut settings = NvsSettings::new(mock.url(), Token::new(mock.token()));
    settings.max_answer = 100;
    let error = NvsClient::new(settings).unwrap().server().await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::TooLarge);
}

#[tokio::test]
async fn bodies_are_traced_in_order_and_tokens_are_not() {
    let (mock, _) = start().await;
    let directory = std::env::temp_dir().join(format!("nvs-trace-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let mut settings = NvsSettings::new(mock.url(), Token::new(mock.token()));
    settings.trace = Some(Trace::new(&directory, Arc::new(AtomicU64::new(0))));
    let client = NvsClient::new(settings).unwrap();
    client.server().await.unwrap();
    client.write(None, &[create("k", "meier", new(fields("x")))]).await.unwrap();
    let mut files: Vec<String> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expected = [
        "0001-server-request.json",
        "0001-server-response.json",
        "0002-write-request.json",
        "0002-write-response.json",
    ];
    let texts: Vec<String> =
        files.iter().map(|file| std::fs::read_to_string(directory.join(file)).unwrap()).collect();
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(files, expected);
    for text in texts {
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert!(!text.contains(mock.token()));
    }
}

#[tokio::test]
async fn no_server_makes_anybody_wait_longer_than_an_hour() {
    let hour = Some(Duration::from_secs(3600));
    let problem = |code: &str, more: &str| {
        format!(r#"{{"type":"urn:x-calender-sync:problem:{code}","title":"x","status":1{more}}}"#)
    };
    let absurd = "retry-after: 18446744073709551615\r\n";
    let cases: [(Canned, NvsErrorKind); 4] = [
        ((429, absurd, problem("throttled", "")), NvsErrorKind::Throttled(hour)),
        (
            (503, "retry-after: 999999999999999999999999\r\n", problem("unavailable", "")),
            NvsErrorKind::Unavailable(hour),
        ),
        ((429, "", problem("throttled", r#","retry_after":86400"#)), NvsErrorKind::Throttled(hour)),
        ((429, absurd, "[]".to_owned()), NvsErrorKind::Throttled(hour)),
    ];
    for (answer, kind) in cases {
        let text = format!("{answer:?}");
        assert_eq!(canned::client(vec![answer]).await.server().await.unwrap_err().kind, kind, "{text}");
    }
}

#[tokio::test]
async fn the_words_of_a_server_are_kept_but_never_shown() {
    for (status, code) in [
        (400, "bad-request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "unknown-unit"),
        (404, "not-found"),
        (409, "epoch-changed"),
        (410, "cursor-expired"),
        (422, "invalid"),
        (429, "throttled"),
        (503, "unavailable"),
        (500, "internal"),
        (500, "Geheime Sache"),
        (418, "Geheime Sache"),
    ] {
        let body = format!(
            r#"{{"type":"urn:x-calender-sync:problem:{code}","title":"Geheim","status":1,"detail":"Geheim",
                "errors":[{{"pointer":"/Geheime Sache","detail":"Geheim"}}]}}"#
        );
        let error = canned::client(vec![(status, "", body)]).await.server().await.unwrap_err();
        let mut shown = vec![error.to_string()];
        let mut below: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(&error);
        while let Some(cause) = below {
            shown.push(cause.to_string());
            below = cause.source();
        }
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(!shown.concat().contains("Geheim"), "{shown:?}");
        // Whoever asks for it can have it.
        let problem = error.source.as_ref().unwrap().downcast_ref::<nvs_client::wire::Problem>().unwrap();
        assert_eq!(problem.detail.as_deref(), Some("Geheim"));
    }
}

/// What no client of ours sends, but others may.
#[tokio::test]
async fn the_mock_reads_strictly() {
    let (mock, _) = start().await;
    let http = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(no_tls()).build().unwrap();
    let problem = async |request: reqwest::RequestBuilder| {
        let response = request.bearer_auth(mock.token()).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let status = response.status().as_u16();
        let document: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(document["status"], status);
        document["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
    };
    let url = |path: &str| format!("{}/v1/{path}", mock.url());
    let post = |path: &str, body: &str| {
        http.post(url(path)).header("content-type", "application/json").body(body.to_owned())
    };
    assert_eq!(problem(http.get(url("nothing"))).await, "not-found");
    assert_eq!(problem(http.delete(url("server"))).await, "method-not-allowed");
    assert_eq!(problem(http.get(url("units?limit=0"))).await, "bad-request");
    assert_eq!(problem(http.get(url("units?limit=1001"))).await, "bad-request");
    assert_eq!(problem(http.get(url("units?order=name"))).await, "bad-request");
    assert_eq!(problem(http.get(url("units/meier/changes?cursor=abc"))).await, "bad-request");
    assert_eq!(problem(http.post(url("writes")).body("{}")).await, "unsupported-media-type");
    assert_eq!(problem(post("writes", "{")).await, "bad-request");
    assert_eq!(problem(post("writes", r#"{"writes":[]}"#)).await, "invalid");
    assert_eq!(problem(post("writes", r#"{"writes":[],"x":1}"#)).await, "bad-request");
    let ids: Vec<String> = (0..201).map(|n| n.to_string()).collect();
    assert_eq!(
        problem(post("appointments/read", &serde_json::json!({ "ids": ids }).to_string())).await,
        "too-large"
    );
    let unknown =
        post("writes", r#"{"writes":[{"op":"move","key":"k"},{"op":"delete"}]}"#).bearer_auth(mock.token());
    let answer: serde_json::Value =
        serde_json::from_slice(&unknown.send().await.unwrap().bytes().await.unwrap()).unwrap();
    for result in answer["results"].as_array().unwrap() {
        assert_eq!(result["outcome"], "refused");
        assert_eq!(result["problem"]["type"], "urn:x-calender-sync:problem:invalid");
    }
}

fn no_tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
