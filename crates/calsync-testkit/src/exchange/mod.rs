//! A mock Exchange: EWS over real HTTP, behaving like the original where it matters for synchronisation.
//!
//! Start one with [`MockExchange::start`], give it mailboxes and accounts, and talk to [`MockExchange::url`] with any EWS
//! client. Tests act as a person through [`Calendars`](crate::people::Calendars), look at what the server saw
//! ([`traffic`](MockExchange::traffic), [`outbox`](MockExchange::outbox)) and order trouble
//! ([`trouble`](MockExchange::trouble)). Parser, serialiser, zone table and recurrence expansion are this module's own, so
//! that a mistake of a client cannot hide on both sides.
//!
//! Reading order: `world` (what is stored), `item` and `series` (what an appointment is), `apply` (how it changes), `ops`
//! (one file per operation), `server` (HTTP).

mod apply;
mod body;
pub(crate) use body::text_of_html;
mod calendars;
mod edit;
mod faults;
mod fields;
mod files;
mod grammar;
mod hooks;
mod ids;
mod item;
mod ops;
mod outbox;
mod outlook;
mod recurrence;
mod restriction;
mod series;
mod server;
mod shape;
mod soap;
mod time;
mod version;
mod whole;
mod world;
mod write_item;
mod xml;
mod zone_table;
mod zone_xml;
mod zones;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use faults::Trouble;
pub use files::AttachedAs;
pub use hooks::Snapshot;
pub use outbox::Mail;
pub use outlook::Reply;
pub use server::{Answer, Call, Traffic};
pub use version::ServerVersion;
pub use world::Rights;

use server::{Certificate, PATH, Shared, lock};
use world::{Account, FolderKind, Mailbox, World};
use zones::Zone;

/// Property set of the customer number, as `PropertySetId` is written on the wire.
pub const CUSTOMER_SET: &str = "7a1c5e0e-3c1b-4f0b-9d2e-2b6f0c1d9a55";
/// Name of the string property with the customer number.
pub const CUSTOMER_NAME: &str = "calsync-customer";

/// How a mock is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Release to pretend to be.
    pub version: ServerVersion,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS with a self-signed certificate for `localhost` and `127.0.0.1`.
    pub tls: bool,
    /// Folder for a copy of every request and answer.
    pub trace: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: ServerVersion::Exchange2016,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
            trace: None,
        }
    }
}

/// A running mock; it stops when this is dropped.
#[derive(Debug)]
pub struct MockExchange {
    shared: Arc<Shared>,
    url: String,
    certificate: Option<String>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for MockExchange {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl MockExchange {
    /// Starts a server without mailboxes or accounts.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound, the certificate not made, or the trace folder not created.
    pub async fn start(options: Options) -> io::Result<Self> {
        if let Some(dir) = &options.trace {
            std::fs::create_dir_all(dir)?;
        }
        let certificate = if options.tls { Some(Certificate::make()?) } else { None };
        let shared = Arc::new(Shared::new(World::new(options.version), options.trace));
        let (address, task) =
            server::serve(Arc::clone(&shared), options.address, certificate.as_ref()).await?;
        let scheme = if options.tls { "https" } else { "http" };
        Ok(Self {
            shared,
            url: format!("{scheme}://{address}{PATH}"),
            certificate: certificate.map(|c| c.pem),
            task: Some(task),
        })
    }

    /// A mock without a socket, for simulations that call [`answer`](Self::answer) themselves.
    pub fn in_memory(version: ServerVersion) -> Self {
        let shared = Arc::new(Shared::new(World::new(version), None));
        Self { shared, url: format!("http://mock.invalid{PATH}"), certificate: None, task: None }
    }

    /// Answers a request as the HTTP server does, without a socket.
    pub fn answer(&self, call: &Call<'_>) -> Answer {
        self.shared.answer(call)
    }

    /// Address of the service, such as `http://127.0.0.1:41234/EWS/Exchange.asmx`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate as PEM, when TLS is on.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Adds a mailbox whose user sits in `W. Europe Standard Time`.
    pub fn add_mailbox(&self, address: &str, name: &str) {
        let zone = Zone::by_windows_id("W. Europe Standard Time").unwrap_or_else(Zone::utc);
        lock(&self.shared.world).mailboxes.insert(address.to_lowercase(), Mailbox::new(address, name, zone));
    }

    /// Adds an account without a mailbox, as service accounts are.
    pub fn add_account(&self, user: &str, password: &str) {
        self.account(user, password, None);
    }

    /// Adds the account of a mailbox's own user.
    pub fn add_owner(&self, user: &str, password: &str, mailbox: &str) {
        self.account(user, password, Some(mailbox.to_owned()));
    }

    fn account(&self, user: &str, password: &str, mailbox: Option<String>) {
        let account = Account { password: password.to_owned(), mailbox, may_impersonate: false };
        lock(&self.shared.world).accounts.insert(user.to_lowercase(), account);
    }

    /// Changes an account's password.
    pub fn set_password(&self, user: &str, password: &str) {
        if let Some(account) = lock(&self.shared.world).accounts.get_mut(&user.to_lowercase()) {
            password.clone_into(&mut account.password);
        }
    }

    /// Lets an account act as any mailbox, or takes that away.
    pub fn set_impersonation(&self, user: &str, allowed: bool) {
        if let Some(account) = lock(&self.shared.world).accounts.get_mut(&user.to_lowercase()) {
            account.may_impersonate = allowed;
        }
    }

    /// Sets what an account may do in a mailbox's calendars.
    pub fn set_rights(&self, user: &str, mailbox: &str, rights: Rights) {
        if let Some(mailbox) = lock(&self.shared.world).mailbox_mut(mailbox) {
            mailbox.rights.insert(user.to_lowercase(), rights);
        }
    }

    /// Whether editors of a mailbox's calendar may move things into its Deleted Items; they may by default.
    pub fn set_delegates_reach_deleted_items(&self, mailbox: &str, allowed: bool) {
        if let Some(mailbox) = lock(&self.shared.world).mailbox_mut(mailbox) {
            mailbox.delegates_reach_deleted_items = allowed;
        }
    }

    /// The counter that numbers the trace's files, for a second server that writes into the same folder.
    pub fn trace_numbers(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.shared.sequence)
    }

    /// Requests and bytes by operation; `Unknown` holds what was no SOAP request.
    pub fn traffic(&self) -> BTreeMap<String, Traffic> {
        lock(&self.shared.traffic).clone()
    }

    /// Starts counting anew.
    pub fn reset_traffic(&self) {
        lock(&self.shared.traffic).clear();
    }

    /// Every mail that the server would have sent.
    pub fn outbox(&self) -> Vec<Mail> {
        lock(&self.shared.world).outbox.clone()
    }

    /// How many items lie in a mailbox's Deleted Items.
    pub fn deleted_items(&self, mailbox: &str) -> usize {
        let world = lock(&self.shared.world);
        let Some(mailbox) = world.mailbox(mailbox) else { return 0 };
        mailbox.folder_of_kind(FolderKind::Deleted).map_or(0, |f| mailbox.items_in(f.number).count())
    }
}
