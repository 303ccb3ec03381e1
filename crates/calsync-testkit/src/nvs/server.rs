//! The mock over HTTP: addresses, strict reading of requests, faults on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::faults::{Failure, Hooks};
use super::net::Switch;
use super::problem::{Fault, Problem};
use super::state::State;
use super::writes;
use crate::gate::{self, Gateway, Passed};

/// What notifications are about.
#[derive(Debug, Clone)]
pub(super) enum News {
    Changed(String),
    Epoch(String),
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) state: Mutex<State>,
    pub(super) hooks: Mutex<Hooks>,
    pub(super) token: String,
    /// Connections that showed a client certificate need no token.
    pub(super) certificate_is_enough: bool,
    pub(super) news: broadcast::Sender<News>,
    pub(super) gateway: Gateway,
}

impl Inner {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hooks(&self) -> MutexGuard<'_, Hooks> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the state and tells the listeners.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let epoch = state.epoch();
        let result = act(&mut state);
        let touched = std::mem::take(&mut state.touched);
        // Nobody listening is not an error.
        if state.epoch() != epoch {
            let _ = self.news.send(News::Epoch(state.epoch()));
        }
        for unit in touched {
            let _ = self.news.send(News::Changed(unit));
        }
        result
    }
}

pub(super) fn router(inner: Arc<Inner>) -> Router {
    Router::new().fallback(answer).with_state(inner)
}

/// A request, taken apart.
struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(String, String)>,
    media_type: String,
    body: Bytes,
}

async fn answer(
    Shared(inner): Shared<Arc<Inner>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response {
    let authorized = inner.certificate_is_enough
        || request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|token| token == inner.token);
    let media_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim().to_owned())
        .unwrap_or_default();
    let path = segments(request.uri().path());
    let query = pairs(request.uri().query().unwrap_or_default());
    let method = request.method().clone();
    let Ok(body) = axum::body::to_bytes(request.into_body(), 64 << 20).await else {
        return problem(&Problem::bad_request("the body is not complete"));
    };
    let call = Call { method, path, query, media_type, body };
    let operation = operation(&call.method, &call.path);
    let (latency, failure) = inner.hooks().hit(operation, call.body.len());
    let trace = inner.hooks().trace(operation);
    if let Some((path, _)) = &trace {
        let line = json!({"get": call.path.join("/"), "query": call.query}).to_string();
        let bytes = json!({"bytes": call.body.len()}).to_string();
        let document = match call.media_type.as_str() {
            FILE => bytes.as_bytes(),
            _ if call.body.is_empty() => line.as_bytes(),
            _ => &call.body,
        };
        let _ = std::fs::write(path, document);
    }
    tokio::time::sleep(latency).await;

    if let Some(gate) = inner.gateway.get() {
        let own = Arc::clone(&inner);
        let act = move || if authorized { dispatch(&own, &call) } else { Err(Problem::unauthorized()) };
        return match gate::pass(gate.as_ref(), operation, act).await {
            Passed::Answer(answer) => to_response(answer),
            Passed::Cut(answer) => {
                let (parts, body) = to_response(answer).into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                switch.cut_after(body.len() / 2 + 100);
                Response::from_parts(parts, Body::from(body))
            }
            Passed::Dropped => {
                switch.cut();
                Response::default()
            }
            Passed::Throttled(wait) => problem(&Problem::throttled(wait.as_secs())),
            Passed::Unavailable => problem(&Problem::unavailable(None)),
            Passed::Denied => problem(&Problem::unauthorized()),
            Passed::Page => page(StatusCode::OK),
        };
    }
    let done =
        |inner: &Arc<Inner>| if authorized { dispatch(inner, &call) } else { Err(Problem::unauthorized()) };
    let response = match failure {
        None => to_response(done(&inner)),
        Some(Failure::Slow(time)) => {
            tokio::time::sleep(time).await;
            to_response(done(&inner))
        }
        Some(Failure::Unavailable { retry_after }) => problem(&Problem::unavailable(retry_after)),
        Some(Failure::Throttled { retry_after }) => problem(&Problem::throttled(retry_after)),
        Some(Failure::Internal) => problem(&Problem::internal()),
        Some(Failure::DropBefore) => {
            switch.cut();
            Response::default()
        }
        Some(Failure::DropAfter) => {
            let response = to_response(done(&inner));
            switch.cut();
            response
        }
        Some(Failure::HtmlPage) => page(StatusCode::OK),
        Some(Failure::BadGateway) => {
            let _ = done(&inner);
            page(StatusCode::BAD_GATEWAY)
        }
        Some(Failure::Redirect) => {
            let mut response = page(StatusCode::FOUND);
            response
                .headers_mut()
                .insert(LOCATION, HeaderValue::from_static("https://login.example.com/?next=nvs"));
            response
        }
        Some(Failure::HalfAnAnswer) => match done(&inner) {
            Ok(Reply::Json(value)) => {
                let text = value.to_string();
                document(
                    StatusCode::OK,
                    "application/json",
                    text.get(..text.len() / 2).unwrap_or_default().to_owned(),
                )
            }
            other => to_response(other),
        },
    };
    let (parts, body) = response.into_parts();
    if parts.headers.get(CONTENT_TYPE).is_some_and(|value| value == "text/event-stream") {
        return Response::from_parts(parts, body);
    }
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return problem(&Problem::internal());
    };
    inner.hooks().seen.sent += body.len() as u64;
    if let Some((_, path)) = &trace {
        let is_file = parts.headers.get(CONTENT_TYPE).is_some_and(|value| value == FILE);
        let bytes = json!({"bytes": body.len()}).to_string();
        let _ = std::fs::write(path, if is_file { bytes.as_bytes() } else { &body });
    }
    Response::from_parts(parts, Body::from(body))
}

/// Media type of files.
const FILE: &str = "application/octet-stream";

enum Reply {
    Json(Value),
    File(Vec<u8>),
    Stream(Body),
}

/// The operation's name in counters and traces.
fn operation(method: &Method, path: &[String]) -> &'static str {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["v1", "server"] => "server",
        ["v1", "units"] => "units",
        ["v1", "units", _] => "unit",
        ["v1", "units", _, "changes"] => "changes",
        ["v1", "units", _, "bin"] => "bin",
        ["v1", "units", _, "files", _] if method == Method::PUT => "put-file",
        ["v1", "units", _, "files", _] => "file",
        ["v1", "changes"] => "all-changes",
        ["v1", "appointments", "read"] => "read",
        ["v1", "appointments", "find"] => "find",
        ["v1", "writes"] => "write",
        ["v1", "events"] => "events",
        _ => "unknown",
    }
}

fn dispatch(inner: &Arc<Inner>, call: &Call) -> Result<Reply, Problem> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let get = call.method == Method::GET;
    let post = call.method == Method::POST;
    match path.as_slice() {
        ["v1", "server"] if get => {
            call.query(&[])?;
            Ok(Reply::Json(inner.state().server_info()))
        }
        ["v1", "units"] if get => {
            let state = inner.state();
            let query = call.query(&["after", "limit"])?;
            let limit = limit(&query, state.limits.page)?;
            Ok(Reply::Json(state.unit_page(query.get("after").map(String::as_str), limit)))
        }
        ["v1", "units", unit] if get => {
            call.query(&[])?;
            inner.state().unit(unit).map(Reply::Json)
        }
        ["v1", "units", unit, "changes"] if get => changes(inner, call, Some(unit)),
        ["v1", "changes"] if get => changes(inner, call, None),
        ["v1", "units", unit, "bin"] if get => {
            let state = inner.state();
            let query = call.query(&["after", "limit"])?;
            let limit = limit(&query, state.limits.page)?;
            state.bin_page(unit, query.get("after").map(String::as_str), limit).map(Reply::Json)
        }
        ["v1", "units", unit, "files", digest] if get => {
            call.query(&[])?;
            inner.state().file(unit, digest).map(Reply::File)
        }
        ["v1", "units", unit, "files", digest] if call.method == Method::PUT => {
            call.query(&[])?;
            if call.media_type != FILE {
                return Err(Problem::media_type());
            }
            inner.state().put_file(unit, digest, &call.body).map(Reply::Json)
        }
        ["v1", "appointments", "read"] if post => {
            let state = inner.state();
            let request: ReadRequest = call.body(state.limits.body_bytes)?;
            batch(request.ids.len(), state.limits.batch, "/ids")?;
            state.read(request.unit.as_deref(), &request.ids).map(Reply::Json)
        }
        ["v1", "appointments", "find"] if post => {
            let state = inner.state();
            let request: FindRequest = call.body(state.limits.body_bytes)?;
            batch(request.tokens.len() + request.uids.len(), state.limits.batch, "")?;
            state.find(&request.unit, &request.tokens, &request.uids).map(Reply::Json)
        }
        ["v1", "writes"] if post => {
            let limits = inner.state().limits;
            let request: WriteRequest = call.body(limits.body_bytes)?;
            batch(request.writes.len(), limits.batch, "/writes")?;
            inner
                .act(|state| writes::carry_out(state, request.epoch.as_deref(), &request.writes))
                .map(Reply::Json)
        }
        ["v1", "events"] if get => {
            let mut units = BTreeSet::new();
            for (name, value) in &call.query {
                if name != "unit" {
                    return Err(Problem::bad_request(format!("there is no query parameter {name:?}")));
                }
                inner.state().knows_unit(value)?;
                units.insert(value.clone());
            }
            Ok(Reply::Stream(events(inner, units)))
        }
        _ if operation(&call.method, &call.path) == "unknown" => Err(Problem::not_found()),
        _ => Err(Problem::method_not_allowed()),
    }
}

fn changes(inner: &Inner, call: &Call, unit: Option<&str>) -> Result<Reply, Problem> {
    let state = inner.state();
    let query = call.query(&["cursor", "limit"])?;
    let limit = limit(&query, state.limits.page)?;
    state.changes(unit, query.get("cursor").map(String::as_str), limit).map(Reply::Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadRequest {
    unit: Option<String>,
    ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FindRequest {
    unit: String,
    #[serde(default)]
    tokens: Vec<String>,
    #[serde(default)]
    uids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteRequest {
    epoch: Option<String>,
    writes: Vec<Value>,
}

impl Call {
    /// The query, each parameter at most once and none that the operation does not know.
    fn query(&self, known: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
        let mut query = BTreeMap::new();
        for (name, value) in &self.query {
            if !known.contains(&name.as_str()) {
                return Err(Problem::bad_request(format!("there is no query parameter {name:?}")));
            }
            if query.insert(name.clone(), value.clone()).is_some() {
                return Err(Problem::bad_request(format!("the query parameter {name:?} comes twice")));
            }
        }
        Ok(query)
    }

    fn body<T: DeserializeOwned>(&self, most: usize) -> Result<T, Problem> {
        if self.media_type != "application/json" {
            return Err(Problem::media_type());
        }
        if self.body.len() > most {
            return Err(Problem::too_large(format!("a body has at most {most} bytes")));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Problem::bad_request(format!("the body does not fit: {error}")))
    }
}

fn limit(query: &BTreeMap<String, String>, most: usize) -> Result<usize, Problem> {
    match query.get("limit") {
        None => Ok(most.min(500)),
        Some(text) => match text.parse::<usize>() {
            // A page may always be shorter than asked for.
            Ok(limit) if (1..=1000).contains(&limit) => Ok(limit.min(most)),
            _ => Err(Problem::bad_request("limit must be 1 to 1000")),
        },
    }
}

fn batch(length: usize, most: usize, pointer: &str) -> Result<(), Problem> {
    if length == 0 {
        return Err(Problem::invalid(&[Fault::at(pointer, "must not be empty")]));
    }
    if length > most {
        return Err(Problem::too_large(format!("a request has at most {most} entries")));
    }
    Ok(())
}

fn events(inner: &Arc<Inner>, units: BTreeSet<String>) -> Body {
    let news = inner.news.subscribe();
    let state = inner.state();
    let info = state.server_info();
    let hello = json!({"epoch": info.get("epoch"), "time": info.get("time")});
    drop(state);
    let first = Some(format!("event: hello\ndata: {hello}\n\n"));
    let stream = futures::stream::unfold((news, units, first), |(mut news, units, first)| async move {
        if let Some(first) = first {
            return Some((Ok::<_, std::convert::Infallible>(first), (news, units, None)));
        }
        loop {
            let text = match tokio::time::timeout(Duration::from_secs(15), news.recv()).await {
                Err(_) => ": alive\n\n".to_owned(),
                Ok(Ok(News::Changed(unit))) if units.is_empty() || units.contains(&unit) => {
                    format!("event: changed\ndata: {}\n\n", json!({"unit": unit}))
                }
                Ok(Ok(News::Changed(_))) => continue,
                Ok(Ok(News::Epoch(epoch))) => format!("event: epoch\ndata: {}\n\n", json!({"epoch": epoch})),
                // Too slow a reader gets a new stream, and with it a reason to look at everything.
                Ok(Err(_)) => return None,
            };
            return Some((Ok(text), (news, units, None)));
        }
    });
    Body::from_stream(stream)
}

fn to_response(result: Result<Reply, Problem>) -> Response {
    match result {
        Ok(Reply::Json(value)) => document(StatusCode::OK, "application/json", value.to_string()),
        Ok(Reply::File(bytes)) => document(StatusCode::OK, FILE, bytes),
        Ok(Reply::Stream(body)) => {
            let mut response = Response::new(body);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            response
        }
        Err(what) => problem(&what),
    }
}

fn problem(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = document(status, "application/problem+json", problem.to_value().to_string());
    if let Some(seconds) = problem.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn page(status: StatusCode) -> Response {
    document(
        status,
        "text/html; charset=utf-8",
        "<!DOCTYPE html><title>Login</title><p>Please log in.".to_owned(),
    )
}

fn document(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(|segment| unescape(segment, false)).collect()
}

fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(name, true), unescape(value, true))
        })
        .collect()
}

fn unescape(text: &str, form: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
        match byte {
            b'%' => {
                if let (Some(high), Some(low)) = (hex(rest.next()), hex(rest.next())) {
                    bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                }
            }
            b'+' if form => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
