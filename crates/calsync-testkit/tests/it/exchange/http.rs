//! The real socket: log-on, TLS, trouble on demand, traffic and trace.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use calsync_testkit::exchange::{MockExchange, Options, Trouble};
use calsync_testkit::people::Calendars as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{ANNA, Desk};

async fn started(options: Options) -> MockExchange {
    let mock = MockExchange::start(options).await.unwrap();
    mock.add_mailbox(ANNA, "Anna");
    mock.add_owner(ANNA, "pw", ANNA);
    mock
}

fn request(path: &str, authorization: Option<&str>, content_type: &str, body: &str) -> String {
    let authorization = authorization
        .map(|login| {
            format!("Authorization: Basic {}\r\n", base64::engine::general_purpose::STANDARD.encode(login))
        })
        .unwrap_or_default();
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Everything the server sends until it closes; an abrupt end is an end.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn send(mock: &MockExchange, request: &str) -> String {
    let address = mock.url().split('/').nth(2).unwrap().to_owned();
    exchange(&mut TcpStream::connect(address).await.unwrap(), request).await
}

fn soap(body: &str) -> String {
    request(
        "/EWS/Exchange.asmx",
        Some("anna@example.test:pw"),
        "text/xml; charset=utf-8",
        &Desk::new().envelope(body),
    )
}

fn create() -> String {
    soap(
        r#"<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>x</t:Subject></t:CalendarItem></m:Items></m:CreateItem>"#,
    )
}

#[tokio::test]
async fn log_on_path_and_content_type_are_checked_as_iis_does() {
    let mock = started(Options::default()).await;
    let body = Desk::new().envelope("");
    let anonymous = send(&mock, &request("/EWS/Exchange.asmx", None, "text/xml", &body)).await;
    assert!(anonymous.starts_with("HTTP/1.1 401"));
    assert!(anonymous.to_lowercase().contains("www-authenticate: basic realm="));
    let wrong =
        send(&mock, &request("/EWS/Exchange.asmx", Some("anna@example.test:nein"), "text/xml", &body)).await;
    assert!(wrong.starts_with("HTTP/1.1 401"));
    assert!(
        send(&mock, &request("/owa", Some("anna@example.test:pw"), "text/xml", &body))
            .await
            .starts_with("HTTP/1.1 404")
    );
    let json =
        send(&mock, &request("/EWS/Exchange.asmx", Some("anna@example.test:pw"), "application/json", &body))
            .await;
    assert!(json.starts_with("HTTP/1.1 415"));
    let get = send(&mock, "GET /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(get.starts_with("HTTP/1.1 405"));
    assert!(send(&mock, &create()).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn busy_servers_say_so_in_two_ways() {
    let mock = started(Options::default()).await;
    mock.trouble(Trouble::Busy(Duration::from_millis(297_749)), 1);
    let fault = send(&mock, &create()).await;
    assert!(fault.starts_with("HTTP/1.1 500"));
    assert!(fault.contains(r#"<t:Value Name="BackOffMilliseconds">297749</t:Value>"#));
    assert!(fault.contains("a:ErrorServerBusy"));
    mock.trouble(Trouble::BusyPerItem(Duration::from_secs(1)), 1);
    let entry = send(&mock, &create()).await;
    assert!(
        entry.starts_with("HTTP/1.1 200")
            && entry.contains("<m:ResponseCode>ErrorServerBusy</m:ResponseCode>"),
        "{entry}"
    );
    assert_eq!(mock.list(ANNA), Vec::<String>::new());
    assert!(send(&mock, &create()).await.contains("NoError"));
}

#[tokio::test]
async fn a_connection_breaks_before_or_after_the_write() {
    let mock = started(Options::default()).await;
    mock.trouble(Trouble::DropBefore, 1);
    assert_eq!(send(&mock, &create()).await, "");
    assert_eq!(mock.list(ANNA).len(), 0);
    mock.trouble_for("CreateItem", Trouble::DropAfter, 0, 1);
    assert_eq!(send(&mock, &create()).await, "");
    assert_eq!(mock.list(ANNA).len(), 1);
    mock.trouble(Trouble::CutAnswer, 1);
    let cut = send(&mock, &create()).await;
    assert!(cut.starts_with("HTTP/1.1 200") && !cut.ends_with("Envelope>"), "{cut}");
    assert_eq!(mock.list(ANNA).len(), 2);
}

#[tokio::test]
async fn pages_and_statuses_that_are_no_soap() {
    let mock = started(Options::default()).await;
    mock.trouble(Trouble::Status(503), 1);
    mock.trouble(Trouble::HtmlPage, 1);
    mock.trouble(Trouble::Unauthorized, 1);
    mock.trouble(Trouble::Fault("ErrorInternalServerError".to_owned()), 1);
    assert!(send(&mock, &create()).await.starts_with("HTTP/1.1 503"));
    let html = send(&mock, &create()).await;
    assert!(html.starts_with("HTTP/1.1 200") && html.contains("text/html"));
    assert!(send(&mock, &create()).await.starts_with("HTTP/1.1 401"));
    assert!(send(&mock, &create()).await.contains("ErrorInternalServerError"));
    assert!(send(&mock, &create()).await.contains("NoError"));
    mock.trouble(Trouble::Status(503), 5);
    mock.clear_trouble();
    assert!(send(&mock, &create()).await.contains("NoError"));
}

#[tokio::test]
async fn traffic_is_counted_and_latency_waited() {
    let mock = started(Options::default()).await;
    mock.set_latency(Duration::from_millis(60));
    let start = std::time::Instant::now();
    send(&mock, &create()).await;
    assert!(start.elapsed() >= Duration::from_millis(60));
    send(&mock, &request("/EWS/Exchange.asmx", Some("anna@example.test:pw"), "text/xml", "nonsense")).await;
    let traffic = mock.traffic();
    assert_eq!(traffic["CreateItem"].requests, 1);
    assert!(traffic["CreateItem"].bytes_in > 300 && traffic["CreateItem"].bytes_out > 300);
    assert_eq!(traffic["Unknown"].requests, 1);
    mock.reset_traffic();
    assert!(mock.traffic().is_empty());
}

#[tokio::test]
async fn a_trace_holds_every_request_and_answer() {
    let dir = std::env::temp_dir().join(format!("calsync-trace-{}", std::process::id()));
    let mock = started(Options { trace: Some(dir.clone()), ..Options::default() }).await;
    send(&mock, &create()).await;
    send(&mock, &create()).await;
    let mut names: Vec<String> =
        std::fs::read_dir(&dir).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "0001-CreateItem-request.xml",
            "0001-CreateItem-response.xml",
            "0002-CreateItem-request.xml",
            "0002-CreateItem-response.xml"
        ]
    );
    assert!(std::fs::read_to_string(dir.join(&names[1])).unwrap().contains("CreateItemResponse"));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test]
async fn tls_works_for_those_who_trust_the_certificate() {
    let mock = started(Options { tls: true, ..Options::default() }).await;
    assert!(mock.url().starts_with("https://127.0.0.1:"));
    let pem = mock.certificate_pem().unwrap();
    let der: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
    let connect = |trusted: bool| {
        let mut roots = rustls::RootCertStore::empty();
        if trusted {
            roots.add(der.clone().into()).unwrap();
        }
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        let address = mock.url().split('/').nth(2).unwrap().to_owned();
        async move {
            let tcp = TcpStream::connect(address).await.unwrap();
            tokio_rustls::TlsConnector::from(Arc::new(config))
                .connect("127.0.0.1".try_into().unwrap(), tcp)
                .await
        }
    };
    let mut stream = connect(true).await.unwrap();
    assert!(exchange(&mut stream, &create()).await.contains("NoError"));
    assert!(connect(false).await.is_err());
}

#[tokio::test]
async fn a_dropped_mock_stops_serving() {
    let mock = started(Options::default()).await;
    let address = mock.url().split('/').nth(2).unwrap().to_owned();
    drop(mock);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(address).await.is_err());
}
