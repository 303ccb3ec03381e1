//! One request over HTTP: address, token, limits, counting, tracing, and what an answer that is no answer means.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{NvsError, NvsErrorKind, later};
use crate::tls::{self, ClientIdentity};
use crate::trace::Trace;
use crate::traffic::Traffic;
use crate::wire::{Problem, wait_of};

/// A bearer token; it does not show itself.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes the token without the word `Bearer`; space around it is dropped.
    pub fn new(token: impl AsRef<str>) -> Self {
        Self(token.as_ref().trim().to_owned())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// How to reach a server.
#[derive(Debug, Clone)]
pub struct NvsSettings {
    /// Base address, with or without `/v1`. HTTPS; plain HTTP only to this machine.
    pub url: String,
    /// Bearer token; `None` when the client certificate says enough.
    pub token: Option<Token>,
    /// Client certificate.
    pub identity: Option<ClientIdentity>,
    /// PEM file of a certificate authority trusted beside those of the machine.
    pub extra_ca: Option<Vec<u8>>,
    /// How long to wait for a whole answer.
    pub timeout: Duration,
    /// Most bytes of an answer.
    pub max_answer: usize,
    /// Where to write bodies.
    pub trace: Option<Trace>,
}

impl NvsSettings {
    /// Settings with a token and the usual limits: 60 seconds, 16 MiB. JSON takes up to sixteen times its bytes in memory; a
    /// batch that is larger is read in halves.
    pub fn new(url: impl Into<String>, token: Token) -> Self {
        Self {
            url: url.into(),
            token: Some(token),
            identity: None,
            extra_ca: None,
            timeout: Duration::from_secs(60),
            max_answer: 16 << 20,
            trace: None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base: Url,
    token: Option<Token>,
    timeout: Duration,
    max_answer: usize,
    trace: Option<Trace>,
    traffic: Traffic,
}

/// A request: what for, its name in traces, where to, what with.
pub(crate) struct Call<'a> {
    pub(crate) doing: &'static str,
    pub(crate) operation: &'static str,
    /// Path below `/v1`, one segment each, not yet escaped.
    pub(crate) path: &'a [&'a str],
    pub(crate) query: Vec<(&'static str, String)>,
}

impl Transport {
    pub(crate) fn new(settings: NvsSettings) -> Result<Self, NvsError> {
        let base = base_url(&settings.url)?;
        let is_encrypted = base.scheme() == "https";
        let config =
            tls::client_config(is_encrypted, settings.extra_ca.as_deref(), settings.identity.as_ref())?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            // A redirect would carry the token to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.timeout.min(Duration::from_secs(20)))
            .user_agent(concat!("calsync-nvs/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| NvsError::from_http("set up http", error))?;
        if let Some(Token(token)) = &settings.token
            && (token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(NvsError::new(
                "set up http",
                NvsErrorKind::Settings,
                "the nvs token is empty or has characters that no token has; copy it again",
            ));
        }
        Ok(Self {
            http,
            base,
            token: settings.token,
            timeout: settings.timeout,
            max_answer: settings.max_answer,
            trace: settings.trace,
            traffic: Traffic::default(),
        })
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(crate) async fn get<A: DeserializeOwned>(&self, call: Call<'_>) -> Result<A, NvsError> {
        self.exchange(Method::GET, call, None).await
    }

    /// Sends a file. Its bytes are not traced.
    pub(crate) async fn put_file<A: DeserializeOwned>(
        &self,
        call: Call<'_>,
        bytes: Vec<u8>,
    ) -> Result<A, NvsError> {
        self.exchange(Method::PUT, call, Some(Content::File(bytes))).await
    }

    /// Reads a file; `None` when it has more than `most` bytes. Its bytes are not traced.
    pub(crate) async fn get_file(&self, call: Call<'_>, most: usize) -> Result<Option<Vec<u8>>, NvsError> {
        let doing = call.doing;
        let request = self.request(Method::GET, &call)?.timeout(self.timeout).header(ACCEPT, FILE);
        let trace = self.trace_request(&call, None).await;
        self.traffic.request(0);
        let response = request.send().await.map_err(|error| NvsError::from_http(doing, error))?;
        if response.status().is_success() && media_type(&response) == FILE {
            if response.content_length().is_some_and(|length| length > most as u64) {
                return Ok(None);
            }
            let bytes = match self.collect(doing, response, most).await {
                Ok(answer) => answer.body,
                Err(error) if error.kind == NvsErrorKind::TooLarge => return Ok(None),
                Err(error) => return Err(error),
            };
            if let Some((trace, number)) = trace {
                let line = serde_json::json!({ "bytes": bytes.len() }).to_string();
                trace.write(number, call.operation, "response", line.as_bytes()).await;
            }
            return Ok(Some(bytes));
        }
        let answer = self.collect(doing, response, self.max_answer).await?;
        if let Some((trace, number)) = trace {
            trace.write(number, call.operation, "response", &answer.body).await;
        }
        Err(match answer.understand::<serde_json::Value>(doing) {
            Ok(_) => NvsError::new(doing, NvsErrorKind::BadAnswer, "the server answers without a file"),
            Err(error) => error,
        })
    }

    pub(crate) async fn post<A: DeserializeOwned>(
        &self,
        call: Call<'_>,
        body: &impl Serialize,
    ) -> Result<A, NvsError> {
        let body = serde_json::to_vec(body).map_err(|error| {
            NvsError::new(call.doing, NvsErrorKind::Settings, "the request cannot be written as json")
                .because(error)
        })?;
        self.exchange(Method::POST, call, Some(Content::Json(body))).await
    }

    /// Opens a stream of events; there is no time limit on the stream itself.
    pub(crate) async fn open(&self, call: Call<'_>) -> Result<Response, NvsError> {
        let doing = call.doing;
        let request = self.request(Method::GET, &call)?.header(ACCEPT, "text/event-stream");
        self.traffic.request(0);
        let response = match tokio::time::timeout(self.timeout, request.send()).await {
            Ok(sent) => sent.map_err(|error| NvsError::from_http(doing, error))?,
            Err(_) => {
                return Err(NvsError::new(
                    doing,
                    NvsErrorKind::NoAnswer,
                    "the server did not answer in time",
                ));
            }
        };
        if response.status() == StatusCode::OK && media_type(&response) == "text/event-stream" {
            return Ok(response);
        }
        let answer = self.collect(doing, response, self.max_answer).await?;
        Err(match answer.understand::<serde_json::Value>(doing) {
            Ok(_) => {
                NvsError::new(doing, NvsErrorKind::BadAnswer, "the server answers without a stream of events")
            }
            Err(error) => error,
        })
    }

    fn request(&self, method: Method, call: &Call<'_>) -> Result<reqwest::RequestBuilder, NvsError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| {
                NvsError::new(call.doing, NvsErrorKind::Settings, "the nvs url has no path; check it")
            })?
            .pop_if_empty()
            .push("v1")
            .extend(call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(method, url);
        if let Some(Token(token)) = &self.token {
            request = request.bearer_auth(token);
        }
        Ok(request)
    }

    async fn exchange<A: DeserializeOwned>(
        &self,
        method: Method,
        call: Call<'_>,
        body: Option<Content>,
    ) -> Result<A, NvsError> {
        let doing = call.doing;
        let mut request =
            self.request(method, &call)?.timeout(self.timeout).header(ACCEPT, "application/json");
        let trace = self.trace_request(&call, body.as_ref()).await;
        self.traffic.request(match &body {
            Some(Content::Json(body) | Content::File(body)) => body.len(),
            None => 0,
        });
        request = match body {
            Some(Content::Json(body)) => request.header(CONTENT_TYPE, "application/json").body(body),
            Some(Content::File(body)) => request.header(CONTENT_TYPE, FILE).body(body),
            None => request,
        };
        let response = request.send().await.map_err(|error| NvsError::from_http(doing, error))?;
        let answer = self.collect(doing, response, self.max_answer).await?;
        if let Some((trace, number)) = trace {
            trace.write(number, call.operation, "response", &answer.body).await;
        }
        answer.understand(doing)
    }

    /// Writes a request down, if that is wanted, and gives the number for its answer.
    async fn trace_request(&self, call: &Call<'_>, body: Option<&Content>) -> Option<(&Trace, u64)> {
        let trace = self.trace.as_ref()?;
        let number = trace.next();
        let document = match body {
            Some(Content::Json(body)) => body.clone(),
            Some(Content::File(body)) => serde_json::json!({ "bytes": body.len() }).to_string().into_bytes(),
            None => {
                let line = serde_json::json!({ "get": call.path.join("/"), "query": call.query });
                line.to_string().into_bytes()
            }
        };
        trace.write(number, call.operation, "request", &document).await;
        Some((trace, number))
    }

    async fn collect(
        &self,
        doing: &'static str,
        mut response: Response,
        most: usize,
    ) -> Result<Answer, NvsError> {
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry_after = header(RETRY_AFTER).and_then(|text| retry_after(text.trim()));
        let location = header(LOCATION);
        let media_type = media_type(&response);
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| NvsError::from_http(doing, error))? {
            self.traffic.answer(chunk.len());
            if body.len() + chunk.len() > most {
                let advice = format!("the answer is larger than {most} bytes; ask for fewer items at once");
                return Err(NvsError::new(doing, NvsErrorKind::TooLarge, advice));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, media_type, retry_after, location, body })
    }
}

/// What a request carries.
enum Content {
    Json(Vec<u8>),
    File(Vec<u8>),
}

/// Media type of files.
const FILE: &str = "application/octet-stream";

struct Answer {
    status: StatusCode,
    media_type: String,
    retry_after: Option<Duration>,
    location: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn understand<A: DeserializeOwned>(self, doing: &'static str) -> Result<A, NvsError> {
        if self.status.is_success() && self.media_type == "application/json" {
            return serde_json::from_slice(&self.body).map_err(|error| {
                let advice = format!(
                    "the server's answer does not follow the protocol ({}); check its version",
                    crate::wire::shape_of(&error)
                );
                NvsError::new(doing, NvsErrorKind::BadAnswer, advice)
            });
        }
        if matches!(self.media_type.as_str(), "application/problem+json" | "application/json")
            && !self.status.is_success()
            && let Ok(mut problem) = serde_json::from_slice::<Problem>(&self.body)
            && !problem.kind.is_empty()
        {
            problem.status = self.status.as_u16();
            return Err(NvsError::from_problem(doing, problem, self.retry_after));
        }
        Err(self.stranger(doing))
    }

    /// An answer that no server of this protocol gives: something else, or something in between, answered.
    fn stranger(self, doing: &'static str) -> NvsError {
        let number = self.status.as_u16();
        let page =
            if self.looks_like_html() { "an HTML page" } else { "something that is no problem document" };
        match number {
            200..=299 => NvsError::new(
                doing,
                // It may be a login page in front of the server: whether the request went on is not known.
                NvsErrorKind::BadAnswer,
                format!(
                    "{page} came instead of JSON; check that the nvs url points to the Calender Sync Protocol"
                ),
            ),
            300..=399 => NvsError::new(
                doing,
                NvsErrorKind::NotCalender,
                match self.location.as_deref().and_then(|location| Url::parse(location).ok()) {
                    Some(url) => format!(
                        "the server redirects to {}; check the nvs url",
                        url.origin().ascii_serialization()
                    ),
                    None => "the server redirects elsewhere; check the nvs url".to_owned(),
                },
            ),
            401 => NvsError::new(
                doing,
                NvsErrorKind::Unauthorized,
                "the server does not accept the token; check it",
            ),
            403 => NvsError::new(
                doing,
                NvsErrorKind::Forbidden,
                format!(
                    "access is forbidden by {page}; check the nvs url and what is in front of the server"
                ),
            ),
            407 => NvsError::new(
                doing,
                NvsErrorKind::Unreachable,
                "a proxy asks for a password; let this address pass it",
            ),
            429 => NvsError::new(
                doing,
                NvsErrorKind::Throttled(self.retry_after),
                later("the server gets too many requests", self.retry_after),
            ),
            // 502 and 504 say that a proxy waited in vain: the server may have done it all. A proxy's 503 may, too.
            500..=599 => NvsError::new(
                doing,
                NvsErrorKind::NoAnswer,
                format!(
                    "the server or a proxy in front of it fails (http {number}, {page}); look into its log"
                ),
            ),
            _ => NvsError::new(
                doing,
                NvsErrorKind::NotCalender,
                format!(
                    "no Calender Sync Protocol at this address (http {number}, {page}); check the nvs url"
                ),
            ),
        }
    }

    fn looks_like_html(&self) -> bool {
        self.media_type == "text/html" || self.body.trim_ascii_start().first() == Some(&b'<')
    }
}

/// Seconds to wait, at most an hour; a date, which the header may hold too, is left out: clocks differ.
fn retry_after(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| wait_of(text.parse().unwrap_or(u64::MAX)))
}

fn media_type(response: &Response) -> String {
    let value =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn base_url(text: &str) -> Result<Url, NvsError> {
    let bad = |advice: &str| NvsError::new("set up http", NvsErrorKind::Settings, advice);
    let mut url = Url::parse(text.trim())
        .map_err(|_| bad("the nvs url is not a url; write it like https://nvs.example.com/calender"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("the nvs url holds a user name; leave it out and use a token"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(bad("the nvs url is not encrypted; use https (http is for this machine only)"));
        }
        _ => return Err(bad("the nvs url has an unknown scheme; use https")),
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/v1").unwrap_or(path).to_owned();
    url.set_path(&path);
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_may_end_in_any_of_the_usual_ways() {
        for text in
            ["https://h/c", "https://h/c/", "https://h/c/v1", " https://h/c/v1/ ", "https://h/c?x=1#y"]
        {
            assert_eq!(base_url(text).unwrap().as_str(), "https://h/c", "{text}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for text in ["http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:1"] {
            assert!(base_url(text).is_ok(), "{text}");
        }
        for text in
            ["http://nvs.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1", "ftp://h", "nvs"]
        {
            assert_eq!(base_url(text).unwrap_err().kind, NvsErrorKind::Settings, "{text}");
        }
    }

    #[test]
    fn a_wait_is_never_longer_than_an_hour() {
        let wait = |text| retry_after(text).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        for absurd in ["3601", "86400", "18446744073709551615", "99999999999999999999999999"] {
            assert_eq!(wait(absurd), Some(3600), "{absurd}");
        }
        for none in ["", "-1", "+5", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(wait(none), None, "{none}");
        }
    }

    #[test]
    fn a_password_in_the_address_is_refused_without_repeating_it() {
        let error = base_url("https://me:hunter2@h/").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn a_token_does_not_show_itself() {
        let settings = NvsSettings::new("https://h", Token::new(" abc "));
        assert!(!format!("{settings:?}").contains("abc"));
        let transport = Transport::new(settings).unwrap();
        assert!(!format!("{transport:?}").contains("abc"));
    }

    #[test]
    fn a_token_with_a_line_break_in_it_is_a_mistake_of_the_settings() {
        let error = Transport::new(NvsSettings::new("https://h", Token::new("ab\ncd"))).unwrap_err();
        assert_eq!(error.kind, NvsErrorKind::Settings);
    }
}
