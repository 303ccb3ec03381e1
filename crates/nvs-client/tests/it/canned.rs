//! A server that gives the answers it was told to give, whatever it is asked: for answers that no mock would give.

use std::sync::{Arc, Mutex};

use nvs_client::{NvsClient, NvsSettings, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Status, further header lines, JSON; `{KEY}` in it is the key of the first write that was asked for.
pub(crate) type Canned = (u16, &'static str, String);

/// A client of a server that gives these answers, one for each request; the last one for ever.
pub(crate) async fn client(answers: Vec<Canned>) -> NvsClient {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = Arc::new(Mutex::new(answers));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&answers)));
        }
    });
    NvsClient::new(NvsSettings::new(url, Token::new("t"))).unwrap()
}

async fn serve(mut stream: TcpStream, answers: Arc<Mutex<Vec<Canned>>>) {
    let mut read = Vec::new();
    let whole = |read: &[u8]| {
        let text = String::from_utf8_lossy(read).to_ascii_lowercase();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        (body.len() >= length.parse::<usize>().unwrap()).then_some(())
    };
    while whole(&read).is_none() {
        if stream.read_buf(&mut read).await.unwrap() == 0 {
            return;
        }
    }
    let (status, headers, body) = {
        let mut answers = answers.lock().unwrap();
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    };
    let text = String::from_utf8_lossy(&read).into_owned();
    let key = text.split(r#""key":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let body = body.replace("{KEY}", key);
    let kind = if status < 300 { "application/json" } else { "application/problem+json" };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n{body}"
    );
    // A client that went away does not matter.
    let _ = stream.write_all(answer.as_bytes()).await;
}
