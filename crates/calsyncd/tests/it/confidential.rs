//! Whatever is logged, at the most talkative level: never a secret, never what an appointment is about.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use calsync_testkit::exchange::Trouble;
use calsync_testkit::nvs::Failure;
use calsync_testkit::people::{Calendars as _, Edit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::world::{PASSWORD, World};

/// What must never be seen.
const SUBJECT: &str = "Geheimbetreff";
const PLACE: &str = "Geheimort";
const NOTES: &str = "Geheimnotiz";
const CUSTOMER: &str = "Geheimkunde";

#[tokio::test(flavor = "multi_thread")]
async fn no_stream_ever_shows_a_secret_or_an_appointment() {
    let world = World::new(1).await;
    let one = &world.pairings[0];
    for (at, days) in (0..6).zip(1..) {
        let mut draft = world.draft(&format!("{SUBJECT} {at}"), days);
        draft.place = PLACE.to_owned();
        draft.notes = NOTES.to_owned();
        draft.customer = Some(CUSTOMER.to_owned());
        let id = if at % 2 == 0 {
            world.nvs.create(&one.unit, &draft).unwrap()
        } else {
            world.exchange.create(&one.mailbox, &draft).unwrap()
        };
        if at == 0 {
            world.nvs.make_unreadable(&id);
        }
    }
    let mut text = std::fs::read_to_string(world.config_path()).unwrap();
    text.push_str("[log]\nlevel = \"trace,hyper=trace,reqwest=trace,rustls=trace\"\n");
    std::fs::write(world.config_path(), &text).unwrap();
    world.pair_all().await;

    let mut said = String::new();
    let mut rounds = 0;
    let json = text.replace("[log]\n", "[log]\nformat = \"json\"\n");
    for config in [text, json] {
        std::fs::write(world.config_path(), config).unwrap();
        for args in [
            ["plan"].as_slice(),
            &["plan", "--json"],
            &["sync"],
            &["status"],
            &["check"],
            &["pairing", "show", "u-0001"],
        ] {
            let ran = world.run(args).await;
            said.push_str(&ran.out);
            said.push_str(&ran.err);
            rounds += 1;
        }
        // With every kind of trouble, too.
        let edit = Edit { subject: Some(format!("{SUBJECT} neu {rounds}")), ..Edit::default() };
        for id in world.nvs.list(&one.unit) {
            world.nvs.edit(&one.unit, &id, &edit);
        }
        world.exchange.trouble_for("UpdateItem", Trouble::Fault("ErrorSchemaValidation".to_owned()), 0, 2);
        world.exchange.trouble_for("GetItem", Trouble::CutAnswer, 0, 1);
        world.nvs.fail_next_of("write", 1, Failure::HalfAnAnswer);
        for _ in 0..3 {
            let ran = world.run(&["sync"]).await;
            said.push_str(&ran.out);
            said.push_str(&ran.err);
        }
        let mut child = world.command(&["run"]).spawn().unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        child.start_kill().unwrap();
        let ran = child.wait_with_output().await.unwrap();
        said.push_str(&String::from_utf8(ran.stderr).unwrap());
        world.exchange.clear_trouble();
        world.nvs.heal();
    }

    // It was talkative indeed.
    assert!(said.contains("TRACE") && said.contains("round done") && said.lines().count() > 200, "{said}");
    let login = "c3ZjLWNhbHN5bmM"; // how the user's name begins in Basic authentication
    for secret in [PASSWORD, world.nvs.token(), login, SUBJECT, PLACE, NOTES, CUSTOMER] {
        if let Some(line) = said.lines().find(|line| line.contains(secret)) {
            panic!("\"{secret}\" is in: {line}");
        }
    }
}

/// A gateway in front of the NVS server that answers some requests itself, with problems that quote an appointment.
struct Gateway {
    url: String,
    /// How many answers quoted it.
    quoted: Arc<AtomicUsize>,
}

impl Gateway {
    /// `says` gives what it answers to a request line, if it does not pass the request on.
    async fn start(nvs: &str, says: fn(&str) -> Option<Quote>) -> Gateway {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (quoted, nvs) = (Arc::new(AtomicUsize::new(0)), nvs.strip_prefix("http://").unwrap().to_owned());
        let count = Arc::clone(&quoted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (nvs, count) = (nvs.clone(), Arc::clone(&count));
                tokio::spawn(async move { pass_on(stream, &nvs, says, &count).await });
            }
        });
        Gateway { url, quoted }
    }
}

/// What a gateway says itself.
enum Quote {
    /// An answer to the whole request.
    Whole(u16, &'static str),
    /// A refusal of each write of the batch.
    Writes(&'static str),
}

/// One request on one connection; what is said of it follows `says`.
async fn pass_on(mut stream: TcpStream, nvs: &str, says: fn(&str) -> Option<Quote>, count: &AtomicUsize) {
    let mut read = Vec::new();
    let body = loop {
        let head = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if read.len() >= head + 4 + length.parse::<usize>().unwrap() {
                break String::from_utf8_lossy(&read[head + 4..]).into_owned();
            }
        }
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let line = String::from_utf8_lossy(&read).lines().next().unwrap_or_default().to_owned();
    let problem = |code: &str| {
        format!(
            r#"{{"type":"urn:x-calender-sync:problem:{code}","title":"{SUBJECT}","status":1,"detail":"{SUBJECT}",
                "errors":[{{"pointer":"/{SUBJECT} {PLACE}","detail":"{SUBJECT}"}}]}}"#
        )
    };
    let (status, kind, answer) = match says(&line) {
        None => {
            let text = String::from_utf8_lossy(&read).replacen("\r\n", "\r\nconnection: close\r\n", 1);
            let mut server = TcpStream::connect(nvs).await.unwrap();
            server.write_all(text.as_bytes()).await.unwrap();
            // Whoever went away does not matter.
            let _ = tokio::io::copy(&mut server, &mut stream).await;
            return;
        }
        Some(Quote::Whole(status, code)) => (status, "application/problem+json", problem(code)),
        Some(Quote::Writes(code)) => {
            let request: serde_json::Value = serde_json::from_str(&body).unwrap();
            let results: Vec<serde_json::Value> = request["writes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|write| {
                    let problem: serde_json::Value = serde_json::from_str(&problem(code)).unwrap();
                    serde_json::json!({"key": write["key"], "outcome": "refused", "problem": problem})
                })
                .collect();
            let answer = serde_json::json!({"epoch": request["epoch"], "results": results});
            (200, "application/json", answer.to_string())
        }
    };
    count.fetch_add(1, Ordering::SeqCst);
    let length = answer.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let _ = stream.write_all((head + &answer).as_bytes()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_in_its_own_words_is_never_repeated() {
    let cases: [fn(&str) -> Option<Quote>; 6] = [
        |line| line.contains("/changes").then_some(Quote::Whole(403, "forbidden")),
        |line| line.contains("/changes").then_some(Quote::Whole(422, "Geheimbetreff und Geheimort")),
        |line| line.contains("/changes").then_some(Quote::Whole(500, "internal")),
        |line| line.contains("/writes").then_some(Quote::Whole(413, "too-large")),
        |line| line.contains("/writes").then_some(Quote::Writes("invalid")),
        |line| line.contains("/writes").then_some(Quote::Writes("Geheimbetreff")),
    ];
    for (at, says) in cases.into_iter().enumerate() {
        let world = World::new(1).await;
        world.pair_all().await;
        world.exchange.create(&world.pairings[0].mailbox, &world.draft("Harmlos", 3)).unwrap();
        let gateway = Gateway::start(world.nvs.url(), says).await;
        world.configure_urls(world.exchange.url(), &gateway.url, "", "");
        let mut text = std::fs::read_to_string(world.config_path()).unwrap();
        text.push_str("[log]\nlevel = \"trace\"\n");
        std::fs::write(world.config_path(), &text).unwrap();
        for args in [
            ["sync"].as_slice(),
            &["sync", "--json"],
            &["status"],
            &["status", "--json"],
            &["plan"],
            &["check"],
        ] {
            let ran = world.run(args).await;
            let said = ran.out + &ran.err;
            for secret in [SUBJECT, PLACE] {
                if let Some(line) = said.lines().find(|line| line.contains(secret)) {
                    panic!("case {at}, {args:?}: \"{secret}\" is in: {line}");
                }
            }
        }
        assert!(gateway.quoted.load(Ordering::SeqCst) > 0, "case {at}: nothing was quoted");
        // Nor is it kept: the state holds the history.
        for file in std::fs::read_dir(world.path("state")).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(SUBJECT), "case {at}");
        }
    }
}
