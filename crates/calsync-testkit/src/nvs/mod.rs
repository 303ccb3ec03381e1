//! A mock of the NVS Calender behind the Calender Sync Protocol, over real HTTP on loopback.
//!
//! It reads requests strictly (what the protocol does not know is refused, not ignored), stores in types of its own,
//! and can be made to fail in the ways servers and what is in front of them fail. People act on it through
//! [`Calendars`](crate::people::Calendars), past the wire.

mod content;
mod expand;
mod faults;
mod net;
mod people;
mod problem;
mod server;
mod state;
mod tls;
mod whole;
mod writes;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

pub use faults::{Failure, Fault, Seen};
pub use state::{MockLimits, MockUnit, Snapshot};
pub use tls::MockTls;

use server::Inner;
use state::{Actor, State, Target};

use crate::gate::{Gate, Gateway};

/// How a [`MockNvs`] starts.
#[derive(Debug, Clone)]
pub struct MockNvsSettings {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// The bearer token it accepts.
    pub token: String,
    /// Id of the installation; two mocks with the same one give the same UIDs.
    pub installation: String,
    /// Limits it announces and enforces.
    pub limits: MockLimits,
    /// Serve HTTPS, with a certificate made up on the spot.
    pub tls: Option<MockTls>,
}

impl Default for MockNvsSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: "nvs-mock-token".to_owned(),
            installation: "mock-installation".to_owned(),
            limits: MockLimits::default(),
            tls: None,
        }
    }
}

/// A running mock; it stops when it is dropped.
#[derive(Debug)]
pub struct MockNvs {
    inner: Arc<Inner>,
    url: String,
    task: JoinHandle<()>,
}

impl Drop for MockNvs {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl MockNvs {
    /// Starts a server on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened at, or the certificate cannot be made.
    pub async fn start(settings: MockNvsSettings) -> std::io::Result<Self> {
        let listener = TcpListener::bind(settings.address).await?;
        let address = listener.local_addr()?;
        let (news, _) = broadcast::channel(1024);
        let inner = Arc::new(Inner {
            state: Mutex::new(State::new(settings.installation, settings.limits)),
            hooks: Mutex::default(),
            token: settings.token,
            certificate_is_enough: settings.tls.as_ref().is_some_and(MockTls::wants_client_certificate),
            news,
            gateway: Gateway::default(),
        });
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let tls = settings.tls.map(|tls| tls.acceptor()).transpose()?;
        let router = server::router(Arc::clone(&inner));
        let doors = net::Doors { listener, tls };
        let service = router.into_make_service_with_connect_info::<net::Switch>();
        let task = tokio::spawn(async move {
            // It ends with the task only.
            let _ = axum::serve(doors, service).await;
        });
        Ok(Self { inner, url: format!("{scheme}://{address}"), task })
    }

    /// Base address for clients.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token it accepts.
    pub fn token(&self) -> &str {
        &self.inner.token
    }

    /// Adds a calendar unit, or replaces it.
    pub fn put_unit(&self, unit: MockUnit) {
        self.inner.act(|state| state.put_unit(unit));
    }

    /// Puts a gate in front of the server.
    pub fn set_gate(&self, gate: Arc<dyn Gate>) {
        self.inner.gateway.set(gate);
    }

    /// Makes requests fail.
    pub fn fault(&self, fault: Fault) {
        self.inner.hooks().faults.push_back(fault);
    }

    /// Makes the next `times` requests fail, whichever they are.
    pub fn fail_next(&self, times: u64, failure: Failure) {
        self.fault(Fault { operation: None, after: 0, times, failure });
    }

    /// Makes the next `times` requests of one operation fail.
    pub fn fail_next_of(&self, operation: &str, times: u64, failure: Failure) {
        self.fault(Fault { operation: Some(operation.to_owned()), after: 0, times, failure });
    }

    /// Forgets all failures that did not happen yet.
    pub fn heal(&self) {
        self.inner.hooks().faults.clear();
        self.inner.state().unreadable.clear();
        self.inner.state().unlisted.clear();
    }

    /// Makes every answer wait.
    pub fn latency(&self, latency: Duration) {
        self.inner.hooks().latency = latency;
    }

    /// What went over the wire since the start or the last [`forget_seen`](Self::forget_seen).
    pub fn seen(&self) -> Seen {
        self.inner.hooks().seen.clone()
    }

    /// Starts counting anew.
    pub fn forget_seen(&self) {
        self.inner.hooks().seen = Seen::default();
    }

    /// Writes every body to `directory`, numbered by `numbers`, which other servers may share.
    pub fn trace(&self, directory: impl Into<PathBuf>, numbers: Arc<AtomicU64>) {
        self.inner.hooks().trace = Some((directory.into(), numbers));
    }

    /// Makes all cursors that were given out unknown.
    pub fn expire_cursors(&self) {
        self.inner.state().expire_cursors();
    }

    /// Forgets all idempotency keys, as after their time.
    pub fn forget_keys(&self) {
        self.inner.state().forget_keys();
    }

    /// A backup of everything.
    pub fn snapshot(&self) -> Snapshot {
        self.inner.state().snapshot()
    }

    /// Goes back to a backup; ids and revisions are given again, the epoch is a new one.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.inner.act(|state| state.restore(snapshot));
    }

    /// The epoch clients see.
    pub fn epoch(&self) -> String {
        self.inner.state().epoch()
    }

    /// Protects a type: appointments of it can neither be deleted nor moved through the protocol.
    pub fn protect_type(&self, kind: &str) {
        self.inner.state().protected.insert(kind.to_owned());
    }

    /// Makes an appointment unreadable for clients.
    pub fn make_unreadable(&self, id: &str) {
        self.inner.state().unreadable.insert(id.to_owned());
    }

    /// Leaves an appointment out of listings, as a server with a faulty index does; reading it by id still works.
    pub fn leave_out_of_listings(&self, id: &str) {
        self.inner.state().unlisted.insert(id.to_owned());
    }

    /// Stops the server's clock at an instant.
    pub fn fix_clock(&self, at: chrono::DateTime<chrono::Utc>) {
        self.inner.state().fix_clock(at);
    }

    /// Sets the server's clock against the real one.
    pub fn set_clock_offset(&self, offset: chrono::TimeDelta) {
        self.inner.state().set_clock_offset(offset);
    }

    /// An appointment as the server would give it, past the wire.
    pub fn document(&self, unit: &str, id: &str) -> Option<Value> {
        self.inner.state().appointment(unit, id).map(state::Stored::to_value)
    }

    /// Ids in the bin of a unit.
    pub fn bin(&self, unit: &str) -> Vec<String> {
        let page = self.inner.state().bin_page(unit, None, usize::MAX - 1).ok();
        let entries = page.as_ref().and_then(|page| page.get("entries")).and_then(Value::as_array);
        let id = |entry: &Value| entry.pointer("/appointment/id").and_then(Value::as_str).map(str::to_owned);
        entries.into_iter().flatten().filter_map(id).collect()
    }

    /// Sets members of an appointment as a person does who has every button; the error says what is wrong.
    pub fn set_members(&self, unit: &str, id: &str, members: &BTreeMap<String, Value>) -> Result<(), String> {
        let members = members.clone().into_iter().collect();
        let change = |content: &mut content::Content, faults: &mut Vec<problem::Fault>| {
            content.set_all(&members, "", faults);
        };
        self.inner
            .act(|state| {
                state.update(Actor::Person, Target { unit, id, expect: None }, "", change, &BTreeMap::new())
            })
            .map(|_| ())
            .map_err(|problem| problem.to_value().to_string())
    }

    /// Puts a file into an appointment, in place of those of its name, as a person does.
    pub fn attach(&self, unit: &str, id: &str, name: &str, bytes: &[u8]) -> bool {
        self.inner.act(|state| state.attach(unit, id, name, bytes)).is_ok()
    }

    /// Takes all files of a name out of an appointment, as a person does.
    pub fn detach(&self, unit: &str, id: &str, name: &str) -> bool {
        self.inner.act(|state| state.detach(unit, id, name)).is_ok()
    }

    /// Names and bytes of the files of an appointment, by name.
    pub fn files(&self, unit: &str, id: &str) -> Vec<(String, Vec<u8>)> {
        self.inner.state().files_of(unit, id)
    }

    /// Brings an appointment back from the bin, as a person does.
    pub fn bring_back(&self, unit: &str, id: &str) -> bool {
        self.inner.act(|state| state.bring_back(Actor::Person, unit, id)).is_ok()
    }
}
