//! What goes wrong on the way, and what the client says about it.

use std::time::Duration;

use calsync_testkit::exchange::{MockExchange, Options, Rights, Trouble};
use ews_client::ops::{CreateItem, FolderRef, GetFolder, Notify};
use ews_client::wire::{DateTime, Property};
use ews_client::{ConnectFailure, EwsClient, EwsError, Next, Secret, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{ACCOUNT, MAILBOX, PASSWORD, Server, USER, client, target};

fn ask() -> GetFolder {
    GetFolder::of(FolderRef::Calendar)
}

async fn error_of(client: &EwsClient) -> EwsError {
    client.get_folder(&target(), &ask()).await.unwrap_err()
}

/// A server that says the same to everybody.
async fn parrot(answer: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 65_536];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}/EWS/Exchange.asmx")
}

#[tokio::test]
async fn a_wrong_password_says_so_and_shows_no_password() {
    let server = Server::newest().await;
    let client = EwsClient::basic(server.mock.url(), USER, Secret::new("wrong horse")).build().unwrap();
    let error = error_of(&client).await;
    assert!(matches!(error, EwsError::Login { .. }), "{error:?}");
    assert_eq!(error.next(), Next::AskPerson);
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("check user name") && !shown.contains("wrong horse"), "{shown}");
}

#[tokio::test]
async fn a_server_without_basic_says_what_to_enable() {
    let url = parrot("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n").await;
    let error = error_of(&client(&url)).await.to_string();
    assert!(error.contains("Negotiate, NTLM") && error.contains("enable Basic"), "{error}");
}

#[tokio::test]
async fn wrong_urls_are_told_apart() {
    let cases = [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "no Exchange Web Services at this URL"),
        (
            "HTTP/1.1 302 Found\r\nLocation: https://mail.example.test/owa/auth/logon.aspx?url=x\r\nContent-Length: 0\r\n\r\n",
            "Outlook on the web",
        ),
        (
            "HTTP/1.1 301 Moved\r\nLocation: https://other.example.test/EWS/Exchange.asmx\r\nContent-Length: 0\r\n\r\n",
            "https://other.example.test/EWS/Exchange.asmx",
        ),
        ("HTTP/1.1 440 Login Timeout\r\nContent-Length: 0\r\n\r\n", "logon form"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "forbids access"),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 30\r\n\r\n<html><body>Sign in</body></ht",
            "HTML page instead of SOAP",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<feed/>", "feed"),
    ];
    for (answer, expected) in cases {
        let error = error_of(&client(&parrot(answer).await)).await;
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert_eq!(error.next(), Next::AskPerson, "{expected}");
        assert!(!error.may_have_happened(), "{expected}");
    }
}

#[tokio::test]
async fn busy_servers_say_how_long_to_wait() {
    let server = Server::newest().await;
    server.mock.trouble(Trouble::Busy(Duration::from_millis(1500)), 1);
    assert_eq!(error_of(&server.client).await.next(), Next::Later(Some(Duration::from_millis(1500))));
    server.mock.trouble(Trouble::Status(503), 1);
    assert!(matches!(error_of(&server.client).await.next(), Next::Later(_)));
    server.mock.trouble(Trouble::HtmlPage, 1);
    assert!(error_of(&server.client).await.to_string().contains("HTML"));
    server.client.get_folder(&target(), &ask()).await.unwrap();
    let url =
        parrot("HTTP/1.1 302 Found\r\nLocation: /ews/genericerrorpage.htm\r\nContent-Length: 0\r\n\r\n")
            .await;
    assert!(matches!(error_of(&client(&url)).await.next(), Next::Later(_)));
}

#[tokio::test]
async fn a_lost_answer_to_a_write_is_not_called_a_failure() {
    for (trouble, may) in
        [(Trouble::DropAfter, true), (Trouble::CutAnswer, true), (Trouble::Status(503), false)]
    {
        let server = Server::newest().await;
        server.client.version(&target()).await.unwrap();
        server.mock.trouble_for("CreateItem", trouble, 0, 1);
        let moment = |text| DateTime::parse(text).unwrap();
        let item = vec![
            Property::Subject("x".to_owned()),
            Property::Start(moment("2026-03-02T09:00:00Z")),
            Property::End(moment("2026-03-02T10:00:00Z")),
        ];
        let question = CreateItem { folder: FolderRef::Calendar, items: vec![item], notify: Notify::Nobody };
        let error = server.client.create_item(&target(), &question).await.unwrap_err();
        assert_eq!(error.may_have_happened(), may, "{error}");
    }
}

#[tokio::test]
async fn a_question_is_asked_again_when_the_connection_was_stale_and_a_write_is_not() {
    let server = Server::newest().await;
    server.mock.trouble(Trouble::DropBefore, 1);
    server.client.get_folder(&target(), &ask()).await.unwrap();
    assert_eq!(server.client.traffic().requests(), 2);
    server.mock.trouble(Trouble::DropBefore, 2);
    assert!(matches!(error_of(&server.client).await, EwsError::NoAnswer { .. }));
    server.mock.trouble_for("CreateItem", Trouble::DropBefore, 0, 1);
    let before = server.client.traffic().requests();
    let question =
        CreateItem { folder: FolderRef::Calendar, items: vec![Vec::new()], notify: Notify::Nobody };
    assert!(server.client.create_item(&target(), &question).await.unwrap_err().may_have_happened());
    assert_eq!(server.client.traffic().requests(), before + 1);
}

#[tokio::test]
async fn nobody_listening_and_unknown_names_are_told_apart() {
    let error = error_of(&client("http://127.0.0.1:9/EWS/Exchange.asmx")).await;
    assert!(matches!(error, EwsError::Unreachable { failure: ConnectFailure::Refused, .. }), "{error:?}");
    assert!(!error.may_have_happened());
    let error = error_of(&client("https://no-such-host.invalid/EWS/Exchange.asmx")).await;
    assert!(error.to_string().contains("no-such-host.invalid:443"), "{error}");
    assert!(matches!(error, EwsError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn missing_rights_and_mailboxes_say_what_to_do() {
    let server = Server::newest().await;
    server.mock.set_rights(ACCOUNT, MAILBOX, Rights::None);
    let error = error_of(&server.client).await;
    assert_eq!(error.next(), Next::AskPerson, "{error}");
    let nobody = Target::by_rights("nobody@example.test");
    let error = server.client.get_folder(&nobody, &ask()).await.unwrap_err();
    assert!(error.to_string().contains("check the mailbox address"), "{error}");
    server.mock.set_impersonation(ACCOUNT, false);
    let error = server.client.get_folder(&Target::impersonated(MAILBOX), &ask()).await.unwrap_err();
    assert!(error.to_string().contains("ApplicationImpersonation"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_swallowed() {
    let server = Server::newest().await;
    let small =
        EwsClient::basic(server.mock.url(), USER, Secret::new(PASSWORD)).max_response(100).build().unwrap();
    assert!(matches!(error_of(&small).await, EwsError::TooLarge { limit: 100 }));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/EWS/Exchange.asmx", listener.local_addr().unwrap());
    let client = EwsClient::basic(url, USER, Secret::new(PASSWORD))
        .timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    let error = error_of(&client).await;
    assert!(matches!(error, EwsError::NoAnswer { .. }), "{error:?}");
    assert!(error.may_have_happened());
}

async fn tls_server() -> MockExchange {
    let mock = MockExchange::start(Options { tls: true, ..Options::default() }).await.unwrap();
    mock.add_mailbox(MAILBOX, "Anna");
    mock.add_account(ACCOUNT, PASSWORD);
    mock.set_rights(ACCOUNT, MAILBOX, Rights::Editor);
    mock
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_and_can_be_trusted_by_file_or_fingerprint() {
    let mock = tls_server().await;
    let basic = || EwsClient::basic(mock.url(), USER, Secret::new(PASSWORD));
    let error = error_of(&basic().build().unwrap()).await;
    let EwsError::Unreachable { failure, .. } = &error else { panic!("{error:?}") };
    assert_eq!(failure, &ConnectFailure::CertificateUntrusted, "{error}");
    assert!(error.to_string().contains("fingerprint"), "{error}");

    let file = std::env::temp_dir().join(format!("ews-client-ca-{}.pem", std::process::id()));
    std::fs::write(&file, mock.certificate_pem().unwrap()).unwrap();
    basic().ca_file(&file).build().unwrap().get_folder(&target(), &ask()).await.unwrap();
    std::fs::remove_file(&file).unwrap();

    let wrong = basic().fingerprint("00".repeat(32)).build().unwrap();
    let EwsError::Unreachable { failure: ConnectFailure::CertificatePin { found }, .. } =
        error_of(&wrong).await
    else {
        panic!("the pin was not looked at")
    };
    basic().fingerprint(found).build().unwrap().get_folder(&target(), &ask()).await.unwrap();
}

#[tokio::test]
async fn a_port_without_tls_is_no_mystery() {
    let url =
        parrot("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.replace("http:", "https:");
    let error = error_of(&client(&url)).await;
    assert!(matches!(&error, EwsError::Unreachable { failure: ConnectFailure::Tls(_), .. }), "{error:?}");
}

/// Some kilobytes of gzip that unpack to `length` zeros: one literal, then copies of it, 258 at a time.
fn bomb(length: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    // Fixed codes: the literal 0 is 00110000, a copy of 258 is 11000101 with distance 00000, the end is 0000000.
    let mut code = |text: &str| bits.extend(text.bytes().map(|bit| bit == b'1'));
    code("00110000");
    (0..length / 258).for_each(|_| code("1100010100000"));
    code("0000000");
    let packed = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit)));
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // The checksum is wrong: nobody should come as far as that.
    head.into_iter().chain(packed).chain([0; 8]).collect()
}

#[tokio::test]
async fn a_small_answer_that_unpacks_to_a_huge_one_is_stopped_at_the_limit() {
    let packed = bomb(200 << 20);
    assert!(packed.len() < 2 << 20);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/EWS/Exchange.asmx", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 65_536];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(&[head.as_bytes(), &packed].concat()).await;
    });
    let client = EwsClient::basic(url, USER, Secret::new(PASSWORD)).max_response(8 << 20).build().unwrap();
    let error = error_of(&client).await;
    assert!(matches!(error, EwsError::TooLarge { limit } if limit == 8 << 20), "{error:?}");
    assert!(client.traffic().bytes_in() < 10 << 20, "{}", client.traffic().bytes_in());
}
