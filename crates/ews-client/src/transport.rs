//! Sending a request and receiving its answer.
//!
//! HTTPS, or plain HTTP to this very machine; HTTP/1.1 with keep-alive and gzip; no proxy and no redirect, because
//! either could carry the login elsewhere. The one distinction that matters afterwards is whether the request may have
//! been sent: [`EwsError::Unreachable`] says no, [`EwsError::NoAnswer`] says maybe.

use std::collections::hash_map::RandomState;
use std::error::Error as _;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use reqwest::{StatusCode, Url};

use crate::auth::Authentication;
use crate::error::{BROKEN, ConnectFailure, EwsError, LONGEST_WAIT};
use crate::tls::{self, Trust};
use crate::trace::TraceDir;
use crate::wire::soap_action;

/// Counts what went over the line. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
}

impl Traffic {
    /// Requests sent.
    pub fn requests(&self) -> u64 {
        self.counters.requests.load(Ordering::Relaxed)
    }

    /// Bytes of request bodies.
    pub fn bytes_out(&self) -> u64 {
        self.counters.bytes_out.load(Ordering::Relaxed)
    }

    /// Bytes of answers, unpacked.
    pub fn bytes_in(&self) -> u64 {
        self.counters.bytes_in.load(Ordering::Relaxed)
    }
}

/// How to reach a server.
#[derive(Debug)]
pub(crate) struct TransportSettings {
    pub(crate) url: String,
    pub(crate) authentication: Arc<dyn Authentication>,
    pub(crate) trust: Trust,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_response: usize,
    pub(crate) trace: Option<TraceDir>,
    pub(crate) traffic: Traffic,
}

/// A body that came back with status 200 or 500.
pub(crate) struct Reply {
    pub(crate) body: Vec<u8>,
    pub(crate) status: u16,
    /// The server's clock, from the `Date` header.
    pub(crate) date: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    url: Url,
    host: String,
    settings: TransportSettings,
}

impl Transport {
    pub(crate) fn new(settings: TransportSettings) -> Result<Self, EwsError> {
        let url = check_url(&settings.url)?;
        let host = format!(
            "{}:{}",
            url.host_str().unwrap_or_default(),
            url.port_or_known_default().unwrap_or_default()
        );
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(&settings.trust, url.scheme() == "https")?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .gzip(true)
            .timeout(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            .user_agent(concat!("calsync-ews/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| EwsError::Settings("the HTTP client cannot be set up".to_owned()))?;
        Ok(Self { http, url, host, settings })
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.settings.traffic
    }

    /// Sends a request. `mailbox` is the one it concerns: servers with several back ends route by it.
    pub(crate) async fn post(
        &self,
        operation: &'static str,
        mailbox: &str,
        body: String,
    ) -> Result<Reply, EwsError> {
        let counters = &self.settings.traffic.counters;
        counters.requests.fetch_add(1, Ordering::Relaxed);
        counters.bytes_out.fetch_add(body.len() as u64, Ordering::Relaxed);
        let traced =
            self.settings.trace.as_ref().map(|trace| (trace, trace.request(operation, body.as_bytes())));
        let request = self.http.post(self.url.clone()).headers(self.headers(operation, mailbox)?).body(body);
        let mut response = request.send().await.map_err(|error| self.explain(operation, &error))?;
        let status = response.status();
        if let Some(error) = self.refusal(status, response.headers()) {
            return Err(error);
        }
        let date = response.headers().get(DATE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) if error.is_timeout() => {
                    return Err(EwsError::NoAnswer { operation, what: "the answer did not end in time" });
                }
                Err(_) => {
                    return Err(EwsError::NoAnswer {
                        operation,
                        what: "the connection broke during the answer",
                    });
                }
            };
            counters.bytes_in.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            if body.len() + chunk.len() > self.settings.max_response {
                return Err(EwsError::TooLarge { limit: self.settings.max_response });
            }
            body.extend_from_slice(&chunk);
        }
        if let Some((trace, number)) = traced
            && body.trim_ascii_start().starts_with(b"<")
        {
            trace.response(number, operation, &body);
        }
        Ok(Reply { body, status: status.as_u16(), date })
    }

    fn headers(&self, operation: &str, mailbox: &str) -> Result<HeaderMap, EwsError> {
        let unfit =
            |what: &str| EwsError::Settings(format!("the {what} holds characters that HTTP cannot carry"));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
        let action = soap_action(operation);
        headers.insert("SOAPAction", HeaderValue::from_str(&action).map_err(|_| unfit("operation"))?);
        headers
            .insert("X-AnchorMailbox", HeaderValue::from_str(mailbox).map_err(|_| unfit("mailbox address"))?);
        headers.insert(
            "client-request-id",
            HeaderValue::from_str(&request_id()).map_err(|_| unfit("request id"))?,
        );
        headers.insert("return-client-request-id", HeaderValue::from_static("true"));
        let authorization = self.settings.authentication.authorization();
        let mut value = HeaderValue::from_str(authorization.reveal()).map_err(|_| unfit("login"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(headers)
    }

    /// What a status other than 200 and 500 means.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap) -> Option<EwsError> {
        let wrong_url = |what: String| Some(EwsError::WrongUrl { what });
        match status.as_u16() {
            200 | 500 => None,
            401 => Some(self.login_refused(headers)),
            403 => Some(EwsError::Forbidden),
            404 | 405 => wrong_url(format!("there is no Exchange Web Services at this URL ({})", status.as_u16())),
            440 => wrong_url("the server asks for a logon form (440), so the URL leads to Outlook on the web".to_owned()),
            413 => Some(EwsError::Settings(
                "the request is larger than the server allows (413): raise maxAllowedContentLength of the EWS directory \
                 or shorten the appointment's notes"
                    .to_owned(),
            )),
            408 | 429 | 502..=504 => {
                let wait = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
                let refused_first = matches!(status.as_u16(), 429 | 503);
                let what = format!("HTTP status {}", status.as_u16());
                let wait = wait.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
                Some(EwsError::Busy { wait, what, refused_first })
            }
            300..=399 => {
                let target = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
                let lower = target.to_ascii_lowercase();
                if lower.contains("genericerrorpage") {
                    let what = "the server redirects to its error page".to_owned();
                    return Some(EwsError::Busy { wait: None, what, refused_first: false });
                }
                if lower.contains("/owa/") || lower.contains("logon") || lower.contains("login") {
                    return wrong_url(
                        "the server redirects to a logon page, so the URL leads to Outlook on the web or a gateway in front \
                         of Exchange"
                            .to_owned(),
                    );
                }
                let shown = self.url.join(target).map_or_else(
                    |_| "another address".to_owned(),
                    |url| format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path()),
                );
                wrong_url(format!("the server redirects to {shown}; redirects are not followed, set that URL if you trust it"))
            }
            status => Some(EwsError::Failed { status }),
        }
    }

    fn login_refused(&self, headers: &HeaderMap) -> EwsError {
        let offered: Vec<&str> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .filter_map(|value| value.split_ascii_whitespace().next())
            .take(5)
            .collect();
        let scheme = self.settings.authentication.scheme();
        let takes_ours = offered.is_empty() || offered.iter().any(|offer| offer.eq_ignore_ascii_case(scheme));
        let advice = if takes_ours {
            "check user name (DOMAIN\\user or user@domain) and password, and that the account is not locked"
        } else {
            "the server does not take this kind of login, enable Basic authentication for its EWS directory"
        };
        let offered =
            if offered.is_empty() { String::new() } else { format!(", it offers {}", offered.join(", ")) };
        EwsError::Login { offered, advice }
    }

    fn explain(&self, operation: &'static str, error: &reqwest::Error) -> EwsError {
        if error.is_connect() {
            return EwsError::Unreachable { host: self.host.clone(), failure: connect_failure(error) };
        }
        let what = if error.is_timeout() { "the server did not answer in time" } else { BROKEN };
        EwsError::NoAnswer { operation, what }
    }
}

fn check_url(text: &str) -> Result<Url, EwsError> {
    let wrong = |why: &str| {
        EwsError::Settings(format!("the Exchange URL {why}: it looks like https://HOST/EWS/Exchange.asmx"))
    };
    let url = Url::parse(text.trim()).map_err(|_| wrong("is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold a user name or password"));
    }
    let host = url.host_str().ok_or_else(|| wrong("has no host"))?.to_owned();
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&host) => Ok(url),
        "http" => Err(wrong("must begin with https: plain HTTP would show the password to the network")),
        _ => Err(wrong("must begin with https")),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn connect_failure(error: &reqwest::Error) -> ConnectFailure {
    if error.is_timeout() {
        return ConnectFailure::TimedOut;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(failure) = known_failure(cause) {
            return failure;
        }
        source = cause.source();
    }
    if error.is_dns() { ConnectFailure::Name } else { ConnectFailure::Other }
}

/// What a cause says by itself or by what it wraps: errors of the TLS library come inside errors of the operating system.
fn known_failure(cause: &(dyn std::error::Error + 'static)) -> Option<ConnectFailure> {
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(tls::explain(tls));
    }
    let io = cause.downcast_ref::<io::Error>()?;
    if let Some(inner) = io.get_ref()
        && let Some(failure) = known_failure(inner)
    {
        return Some(failure);
    }
    match io.kind() {
        io::ErrorKind::ConnectionRefused => Some(ConnectFailure::Refused),
        io::ErrorKind::TimedOut => Some(ConnectFailure::TimedOut),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            Some(ConnectFailure::Tls("the server closed the connection".to_owned()))
        }
        _ => None,
    }
}

/// A random GUID by which the server's log can be searched.
fn request_id() -> String {
    let state = RandomState::new();
    let word = |salt: u64| {
        let mut hasher = state.build_hasher();
        hasher.write_u64(salt);
        hasher.finish()
    };
    let (high, low) = (word(1), word(2));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        0x8000 | ((low >> 48) & 0x3FFF),
        low & 0xFFFF_FFFF_FFFF
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_very_machine_are_allowed() {
        for good in [
            "https://mail.example.com/EWS/Exchange.asmx",
            "http://127.0.0.1:8080/EWS/Exchange.asmx",
            "http://localhost/x",
            "http://[::1]:1/x",
        ] {
            assert!(check_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://mail.example.com/EWS/Exchange.asmx",
            "http://10.0.0.1/x",
            "http://localhost.example.com/x",
            "ftp://mail.example.com/x",
            "https://user:password@mail.example.com/x",
            "mail.example.com",
            "",
        ] {
            let error = check_url(bad).unwrap_err().to_string();
            assert!(
                error.contains("https://HOST/EWS/Exchange.asmx") && !error.contains("password@"),
                "{bad}: {error}"
            );
        }
    }

    #[test]
    fn request_ids_are_guids_and_differ() {
        let id = request_id();
        assert_eq!(id.len(), 36);
        assert_ne!(id, request_id());
    }
}
