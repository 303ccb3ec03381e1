//! HTTP in front of the mock: connections, TLS, log-on, trouble on demand, trace.
//!
//! In: bytes from a socket; out: bytes, or a connection that breaks exactly where a test wants it. [`Shared::answer`] is the
//! whole server without a socket, so that a simulation can use it in memory.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Poll2, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::serve::IncomingStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::faults::{Fault, Orders, Refusal, Trouble};
use super::world::World;
use super::{ops, soap, xml};
use crate::gate::{self, Gateway, Passed};

/// Path of the service.
pub(crate) const PATH: &str = "/EWS/Exchange.asmx";
/// Largest request, as on servers from 2013 on.
const LARGEST: usize = 64 * 1024 * 1024;

/// Requests and bytes of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests received.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes_in: u64,
    /// Bytes of the answers' bodies.
    pub bytes_out: u64,
}

/// What a request comes with.
#[derive(Debug, Clone, Default)]
pub struct Call<'a> {
    /// Value of the `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP response.
    Http {
        /// HTTP status.
        status: u16,
        /// Value of `Content-Type`.
        content_type: &'static str,
        /// The body.
        body: String,
    },
    /// The connection breaks without a byte of an answer.
    Drop,
    /// The connection breaks in the middle of this body.
    Cut {
        /// The body that would have been sent.
        body: String,
    },
}

/// The server's state, shared by handle and connections.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    pub(crate) orders: Mutex<Orders>,
    pub(crate) traffic: Mutex<BTreeMap<String, Traffic>>,
    pub(crate) latency: Mutex<Duration>,
    pub(crate) gateway: Gateway,
    pub(crate) trace: Option<PathBuf>,
    pub(crate) sequence: Arc<AtomicU64>,
}

/// A lock that a panicking test thread cannot spoil for the others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(world: World, trace: Option<PathBuf>) -> Self {
        Self {
            world: Mutex::new(world),
            orders: Mutex::default(),
            traffic: Mutex::default(),
            latency: Mutex::default(),
            gateway: Gateway::default(),
            trace,
            sequence: Arc::default(),
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&self, call: &Call<'_>) -> Answer {
        let parsed = xml::parse(call.body);
        let name = parsed
            .as_ref()
            .ok()
            .and_then(|e| soap::operation(e).ok())
            .map_or("Unknown", |o| o.name.as_str())
            .to_owned();
        let answer = self.answer_named(call, parsed.as_ref().map_err(String::as_str), &name);
        let sent = match &answer {
            Answer::Http { body, .. } | Answer::Cut { body } => body.as_str(),
            Answer::Drop => "",
        };
        {
            let mut traffic = lock(&self.traffic);
            let entry = traffic.entry(name.clone()).or_default();
            entry.requests += 1;
            entry.bytes_in += call.body.len() as u64;
            entry.bytes_out += sent.len() as u64;
        }
        if name != "Unknown"
            && matches!(answer, Answer::Http { content_type, .. } if content_type.starts_with("text/xml"))
        {
            self.trace(&name, call.body, sent);
        }
        answer
    }

    fn answer_named(&self, call: &Call<'_>, parsed: Result<&xml::Node, &str>, name: &str) -> Answer {
        let trouble = lock(&self.orders).strike(name);
        match &trouble {
            Some(Trouble::DropBefore) => return Answer::Drop,
            Some(Trouble::Status(status)) => return plain(*status, "The service is unavailable."),
            Some(Trouble::Unauthorized) => {
                return plain(401, UNAUTHORIZED);
            }
            Some(Trouble::HtmlPage) => return page(),
            _ => {}
        }
        let mut world = lock(&self.world);
        let Some(caller) = call
            .authorization
            .and_then(credentials)
            .and_then(|(user, password)| world.log_on(&user, &password))
        else {
            return plain(401, UNAUTHORIZED);
        };
        let version = world.version;
        let done = match &trouble {
            Some(Trouble::Busy(back_off)) => Err(Fault(Refusal::busy(*back_off))),
            Some(Trouble::Fault(code)) => {
                Err(Fault::new(code, "The server could not carry out the request."))
            }
            _ => parsed.map_err(Fault::schema).and_then(|envelope| {
                let operation = soap::operation(envelope)?;
                let ctx = soap::context(&world, caller, envelope)?;
                soap::check_operation(operation, ctx.schema)?;
                if let Some(Trouble::BusyPerItem(back_off)) = &trouble {
                    let refusal = Refusal::busy(*back_off);
                    return ops::refuse_each(operation, &refusal).ok_or(Fault(refusal));
                }
                ops::run(&mut world, &ctx, operation)
            }),
        };
        drop(world);
        let (status, body) = match done {
            Ok(body) => (200, soap::envelope(version, &body)),
            Err(fault) => (500, soap::envelope(version, &soap::fault_body(version, &fault))),
        };
        match trouble {
            Some(Trouble::DropAfter) => Answer::Drop,
            Some(Trouble::CutAnswer) => Answer::Cut { body },
            _ => Answer::Http { status, content_type: "text/xml; charset=utf-8", body },
        }
    }

    fn trace(&self, name: &str, request: &[u8], response: &str) {
        let Some(dir) = &self.trace else { return };
        let number = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let stem = format!("{number:04}-{name}");
        // A trace that cannot be written must not change what the server does.
        let _ = std::fs::write(dir.join(format!("{stem}-request.xml")), request);
        let _ = std::fs::write(dir.join(format!("{stem}-response.xml")), response);
    }
}

const UNAUTHORIZED: &str = "401 - Unauthorized: Access is denied due to invalid credentials.";

/// What a login form in front of the server answers.
fn page() -> Answer {
    Answer::Http {
        status: 200,
        content_type: "text/html; charset=utf-8",
        body: "<!DOCTYPE html><html><head><title>Outlook</title></head><body><form action=\"/owa/auth.owa\"></form></body></html>".to_owned(),
    }
}

fn plain(status: u16, text: &str) -> Answer {
    Answer::Http { status, content_type: "text/html", body: text.to_owned() }
}

/// User and password of a `Basic` header; a domain in front of the user does not matter here.
fn credentials(header: &str) -> Option<(String, String)> {
    let (scheme, token) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    let user = user.rsplit_once('\\').map_or(user, |(_, user)| user);
    Some((user.to_owned(), password.to_owned()))
}

/// A connection's write budget in bytes; when it is used up, the connection breaks.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<AtomicI64>);

impl Budget {
    fn unlimited() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MAX)))
    }

    fn limit(&self, bytes: usize) {
        self.0.store(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, Doors>> for Budget {
    fn connect_info(stream: IncomingStream<'_, Doors>) -> Self {
        stream.remote_addr().clone()
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A socket that can be made to break after a number of bytes.
pub(crate) struct Link {
    stream: Stream,
    budget: Budget,
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Poll2<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Stream::Tls(s) => Pin::new(s.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Poll2<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let link = self.get_mut();
        let left = usize::try_from(link.budget.0.load(Ordering::SeqCst)).unwrap_or(0);
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let part = buf.get(..left.min(buf.len())).unwrap_or(buf);
        let written = match &mut link.stream {
            Stream::Plain(s) => Pin::new(s).poll_write(cx, part),
            Stream::Tls(s) => Pin::new(s.as_mut()).poll_write(cx, part),
        };
        if let Poll::Ready(Ok(n)) = &written
            && left < usize::MAX / 2
        {
            link.budget.limit(left - n);
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Poll2<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(s) => Pin::new(s).poll_flush(cx),
            Stream::Tls(s) => Pin::new(s.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Poll2<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Stream::Tls(s) => Pin::new(s.as_mut()).poll_shutdown(cx),
        }
    }
}

/// Accepted connections, TLS already done.
pub(crate) struct Doors {
    ready: mpsc::Receiver<Link>,
}

impl Doors {
    /// Accepts in the background, so that one slow handshake holds up nobody.
    fn open(listener: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        let (sender, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = sender.closed() => return,
                };
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                // Small answers must not wait for more bytes to fill a packet.
                let _ = stream.set_nodelay(true);
                let (sender, tls) = (sender.clone(), tls.clone());
                tokio::spawn(async move {
                    let stream = match tls {
                        None => Stream::Plain(stream),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => Stream::Tls(Box::new(stream)),
                            Err(_) => return,
                        },
                    };
                    let _ = sender.send(Link { stream, budget: Budget::unlimited() }).await;
                });
            }
        });
        Self { ready }
    }
}

impl axum::serve::Listener for Doors {
    type Io = Link;
    type Addr = Budget;

    async fn accept(&mut self) -> (Link, Budget) {
        match self.ready.recv().await {
            Some(link) => {
                let budget = link.budget.clone();
                (link, budget)
            }
            // The sender lives as long as this; without it there is nothing left to accept.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Budget> {
        Ok(Budget::unlimited())
    }
}

/// A self-signed certificate for loopback names and its server side.
pub(crate) struct Certificate {
    /// The certificate as PEM, for clients to trust.
    pub(crate) pem: String,
    acceptor: TlsAcceptor,
}

impl Certificate {
    pub(crate) fn make() -> io::Result<Self> {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key.into())
                .map_err(io::Error::other)?;
        Ok(Self { pem: made.cert.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

/// Starts to serve; the task ends when it is aborted.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    address: SocketAddr,
    certificate: Option<&Certificate>,
) -> io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let doors = Doors::open(listener, certificate.map(|c| c.acceptor.clone()));
    let router = Router::new().fallback(handle).with_state(shared);
    let service = router.into_make_service_with_connect_info::<Budget>();
    let task = tokio::spawn(async move {
        let _ = axum::serve(doors, service).await;
    });
    Ok((address, task))
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(budget): ConnectInfo<Budget>,
    request: Request,
) -> Response {
    let latency = *lock(&shared.latency);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let (parts, body) = request.into_parts();
    if !parts.uri.path().eq_ignore_ascii_case(PATH) {
        return response(404, "text/html", "404 - File or directory not found.".to_owned());
    }
    if parts.method != axum::http::Method::POST {
        return response(
            405,
            "text/html",
            "405 - HTTP verb used to access this page is not allowed.".to_owned(),
        );
    }
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return response(413, "text/html", "413 - Request entity too large.".to_owned());
    };
    let authorization = parts.headers.get("authorization").and_then(|v| v.to_str().ok());
    let kind = parts.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if authorization.is_some() && !kind.to_ascii_lowercase().starts_with("text/xml") {
        return response(
            415,
            "text/html",
            "415 - Unsupported media type; a SOAP 1.1 request has text/xml.".to_owned(),
        );
    }
    let mut wait = None;
    let answer = match shared.gateway.get() {
        None => shared.answer(&Call { authorization, body: &body }),
        Some(gate) => {
            let (own, authorization) = (Arc::clone(&shared), authorization.map(str::to_owned));
            let act = move || own.answer(&Call { authorization: authorization.as_deref(), body: &body });
            let action = parts.headers.get("soapaction").and_then(|v| v.to_str().ok()).unwrap_or_default();
            let operation = action.trim_matches('"').rsplit('/').next().unwrap_or_default();
            match gate::pass(gate.as_ref(), operation, act).await {
                Passed::Cut(Answer::Http { body, .. }) => Answer::Cut { body },
                Passed::Answer(answer) | Passed::Cut(answer) => answer,
                Passed::Dropped => Answer::Drop,
                Passed::Throttled(after) => {
                    wait = Some(after);
                    plain(503, "The service is unavailable.")
                }
                Passed::Unavailable => plain(503, "The service is unavailable."),
                Passed::Denied => plain(401, UNAUTHORIZED),
                Passed::Page => page(),
            }
        }
    };
    let mut answer = match answer {
        Answer::Http { status, content_type, body } => response(status, content_type, body),
        Answer::Drop => {
            budget.limit(0);
            response(200, "text/xml; charset=utf-8", String::new())
        }
        Answer::Cut { body } => {
            budget.limit(body.len() / 2 + 200);
            response(200, "text/xml; charset=utf-8", body)
        }
    };
    if let Some(wait) = wait {
        answer.headers_mut().insert("retry-after", wait.as_secs().into());
    }
    // What time it is at this server, not at the machine that plays it.
    let now = lock(&shared.world).now();
    if let Ok(date) = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string().parse() {
        answer.headers_mut().insert("date", date);
    }
    if let Some(id) = parts.headers.get("client-request-id") {
        answer.headers_mut().insert("request-id", id.clone());
    }
    answer
}

fn response(status: u16, content_type: &'static str, body: String) -> Response {
    let mut builder =
        Response::builder().status(status).header("Content-Type", content_type).header("X-FEServer", "MOCK");
    if status == 401 {
        builder = builder.header("WWW-Authenticate", "Basic realm=\"mock.example.test\"");
    }
    builder.body(Body::from(body)).unwrap_or_default()
}
