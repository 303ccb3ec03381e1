//! The client: one server, any number of mailboxes.
//!
//! Cheap to clone; clones share connections, counters and what was learnt of the server. What version of Exchange a
//! mailbox lives on is remembered per mailbox, because one URL may lead to back ends of different versions, and every
//! answer corrects it. A mailbox that was never asked before is asked once in the oldest form, which every server takes,
//! before anything is sent whose form depends on the version.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::auth::{Authentication, Basic, Secret};
use crate::error::EwsError;
use crate::ops::{FolderRef, GetFolder, Operation};
use crate::tls::Trust;
use crate::trace::TraceDir;
use crate::transport::{Traffic, Transport, TransportSettings};
use crate::version::{ServerBuild, Version};
use crate::wire::{Answer, CodeClass, DateTime, Header, Limits, ResponseClass, decode_answer, envelope};

/// By which right the account reads and writes somebody else's mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Rights on the mailbox or folder: the folder is named together with its mailbox.
    Rights,
    /// The role `ApplicationImpersonation`: the account acts as the owner.
    Impersonation,
}

/// The mailbox that a call concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Primary SMTP address.
    pub address: String,
    /// How it is reached.
    pub access: Access,
}

impl Target {
    /// A mailbox reached by rights of the account.
    pub fn by_rights(address: impl Into<String>) -> Self {
        Self { address: address.into(), access: Access::Rights }
    }

    /// A mailbox reached by impersonation.
    pub fn impersonated(address: impl Into<String>) -> Self {
        Self { address: address.into(), access: Access::Impersonation }
    }
}

/// Collects the settings of an [`EwsClient`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    settings: TransportSettings,
    limits: Limits,
}

impl Builder {
    /// A certificate authority of one's own, or the server's self-signed certificate: a PEM file.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.trust.ca_file = Some(path.into());
        self
    }

    /// The SHA-256 fingerprint of the only certificate to be accepted.
    pub fn fingerprint(mut self, fingerprint: impl Into<String>) -> Self {
        self.settings.trust.fingerprint = Some(fingerprint.into());
        self
    }

    /// How long a request may take in all; 100 s unless set. Exchange itself works on a batch for about a minute.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How long connecting may take; 15 s unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// The largest answer that is read, unpacked; 64 MiB unless set.
    pub fn max_response(mut self, bytes: usize) -> Self {
        self.settings.max_response = bytes;
        self
    }

    /// The most entries that an answer may hold; 20,000 unless set.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.limits.entries = entries;
        self
    }

    /// Writes all bodies into a directory.
    pub fn trace(mut self, trace: TraceDir) -> Self {
        self.settings.trace = Some(trace);
        self
    }

    /// Counts into these counters instead of new ones.
    pub fn traffic(mut self, traffic: Traffic) -> Self {
        self.settings.traffic = traffic;
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Settings`](EwsError::Settings) when URL, CA file or fingerprint make no sense.
    pub fn build(self) -> Result<EwsClient, EwsError> {
        let transport = Transport::new(self.settings)?;
        let learnt = Mutex::new(Learnt::default());
        Ok(EwsClient { inner: Arc::new(Inner { transport, limits: self.limits, learnt }) })
    }
}

/// A client of one Exchange server.
#[derive(Debug, Clone)]
pub struct EwsClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    transport: Transport,
    limits: Limits,
    learnt: Mutex<Learnt>,
}

/// What answers said about the server.
#[derive(Debug, Default)]
struct Learnt {
    by_mailbox: HashMap<String, Known>,
    /// What the last answer said: a good guess for mailboxes not asked yet.
    last: Option<Version>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    version: Version,
    build: Option<ServerBuild>,
}

impl EwsClient {
    /// Begins with the URL, usually `https://HOST/EWS/Exchange.asmx`, and a way to log in.
    pub fn builder(url: impl Into<String>, authentication: impl Authentication + 'static) -> Builder {
        Builder {
            settings: TransportSettings {
                url: url.into(),
                authentication: Arc::new(authentication),
                trust: Trust::default(),
                timeout: Duration::from_secs(100),
                connect_timeout: Duration::from_secs(15),
                max_response: 64 * 1024 * 1024,
                trace: None,
                traffic: Traffic::default(),
            },
            limits: Limits::default(),
        }
    }

    /// Begins with URL, user (`DOMAIN\user` or `user@domain`) and password.
    pub fn basic(url: impl Into<String>, user: impl Into<String>, password: Secret) -> Builder {
        Self::builder(url, Basic::new(user, password))
    }

    /// What went over the line so far.
    pub fn traffic(&self) -> &Traffic {
        self.inner.transport.traffic()
    }

    /// The build that this mailbox lives on, once an answer said so.
    pub fn server_build(&self, target: &Target) -> Option<ServerBuild> {
        self.known(target)?.build
    }

    /// The version that requests for this mailbox follow, asking the server if it is not known yet.
    ///
    /// # Errors
    ///
    /// Those of [`get_folder`](Self::get_folder), except that an answer which says who the server is counts, whatever
    /// else it says.
    pub async fn version(&self, target: &Target) -> Result<Version, EwsError> {
        if let Some(known) = self.known(target) {
            return Ok(known.version);
        }
        if let Some(version) = self.learnt().last {
            return Ok(version);
        }
        let asked = self.call(target, &GetFolder::of(FolderRef::Calendar)).await;
        match (self.known(target), asked) {
            (Some(known), _) => Ok(known.version),
            (None, Ok(_)) => Ok(Version::LOWEST),
            (None, Err(error)) => Err(error),
        }
    }

    /// The version that requests for this mailbox will likely follow, as far as that is known without asking.
    pub(crate) fn version_guess(&self, target: &Target) -> Version {
        let known = self.known(target).map(|known| known.version);
        known.or(self.learnt().last).unwrap_or(Version::Exchange2016)
    }

    /// Carries out one operation.
    pub(crate) async fn call<O: Operation>(
        &self,
        target: &Target,
        operation: &O,
    ) -> Result<O::Output, EwsError> {
        let mut version = match self.known(target) {
            Some(known) => known.version,
            None if O::ANY_VERSION => self.learnt().last.unwrap_or(Version::LOWEST),
            None => Box::pin(self.version(target)).await?,
        }
        .min(O::NEWEST);
        loop {
            let mut answer = self.exchange(target, operation, version).await;
            if !O::WRITES && matches!(&answer, Err(error) if error.is_broken_connection()) {
                // Servers and firewalls drop idle connections; a question may be asked again.
                answer = self.exchange(target, operation, version).await;
            }
            let answer = answer?;
            if refuses_version(&answer)
                && let Some(other) = self.other_version(target, &answer, version)
            {
                tracing::debug!(%version, %other, "the server refuses the request version");
                version = other;
                continue;
            }
            if let Some(fault) = answer.fault {
                return Err(EwsError::of_fault(fault));
            }
            return operation.read(answer);
        }
    }

    async fn exchange<O: Operation>(
        &self,
        target: &Target,
        operation: &O,
        version: Version,
    ) -> Result<Answer, EwsError> {
        let impersonate = (target.access == Access::Impersonation).then_some(target.address.as_str());
        let body = envelope(&Header { version, impersonate }, |xml| operation.write(xml, version, target));
        let reply = self.inner.transport.post(O::NAME, &target.address, body).await?;
        let mut answer = match decode_answer(&reply.body, &self.inner.limits) {
            Ok(answer) => answer,
            // A failure page of the web server or a proxy, not of Exchange.
            Err(_) if reply.status != 200 => return Err(EwsError::Failed { status: reply.status }),
            Err(error) => return Err(error.into()),
        };
        answer.server_time = reply.date.as_deref().and_then(parse_http_date);
        if let Some(build) = answer.server {
            self.learn(target, build);
        }
        Ok(answer)
    }

    /// The version to try after a refusal: what the server says it is, else one step down.
    fn other_version(&self, target: &Target, answer: &Answer, refused: Version) -> Option<Version> {
        let said = answer.server.map(ServerBuild::version).filter(|version| *version < refused);
        let other = said.or_else(|| refused.lower())?;
        let known = Known { version: other, build: answer.server };
        self.learnt().by_mailbox.insert(target.address.clone(), known);
        Some(other)
    }

    fn learn(&self, target: &Target, build: ServerBuild) {
        let version = build.version();
        let mut learnt = self.learnt();
        learnt.last = Some(version);
        match learnt.by_mailbox.get_mut(&target.address) {
            // A version that was stepped down to on this very build stays.
            Some(known) if known.build == Some(build) => {}
            Some(known) => *known = Known { version, build: Some(build) },
            None => {
                learnt.by_mailbox.insert(target.address.clone(), Known { version, build: Some(build) });
            }
        }
    }

    fn known(&self, target: &Target) -> Option<Known> {
        self.learnt().by_mailbox.get(&target.address).copied()
    }

    fn learnt(&self) -> std::sync::MutexGuard<'_, Learnt> {
        // Nothing in here can be half-changed.
        self.inner.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the server did not even look at the request because of its version.
fn refuses_version(answer: &Answer) -> bool {
    let is_version = |class| class == CodeClass::Version;
    match &answer.fault {
        Some(fault) => fault.code.as_ref().is_some_and(|code| is_version(code.class())),
        None => {
            !answer.messages.is_empty()
                && answer
                    .messages
                    .iter()
                    .all(|message| message.class == ResponseClass::Error && is_version(message.code.class()))
        }
    }
}

/// Reads `Tue, 24 Nov 2026 08:00:00 GMT`.
fn parse_http_date(text: &str) -> Option<DateTime> {
    let local = chrono::NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT").ok()?;
    Some(DateTime::utc(local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> EwsClient {
        EwsClient::basic("http://127.0.0.1:1/EWS/Exchange.asmx", "user", Secret::new("hunter2"))
            .build()
            .unwrap()
    }

    fn build(major: u32, minor: u32) -> ServerBuild {
        ServerBuild { major, minor, build: 1000, revision: 0 }
    }

    #[test]
    fn the_client_can_be_shared_between_tasks() {
        fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
        let client = client();
        shared(&client);
        assert!(!format!("{client:?}").contains("hunter2"));
    }

    #[test]
    fn a_refused_version_steps_down_to_what_the_server_says_it_is() {
        let client = client();
        let target = Target::by_rights("a@example.com");
        let said = Answer { server: Some(build(14, 3)), ..Answer::default() };
        assert_eq!(
            client.other_version(&target, &said, Version::Exchange2016),
            Some(Version::Exchange2010Sp2)
        );
        let silent = Answer::default();
        assert_eq!(
            client.other_version(&target, &silent, Version::Exchange2016),
            Some(Version::Exchange2013Sp1)
        );
        assert_eq!(client.other_version(&target, &silent, Version::Exchange2007Sp1), None);
    }

    #[test]
    fn what_is_learnt_belongs_to_one_mailbox_and_is_corrected() {
        let client = client();
        let (old, new) = (Target::by_rights("old@example.com"), Target::by_rights("new@example.com"));
        client.learn(&old, build(8, 3));
        client.learn(&new, build(15, 2));
        assert_eq!(client.known(&old).unwrap().version, Version::Exchange2007Sp1);
        client.learn(&old, build(15, 1));
        assert_eq!(client.known(&old).unwrap().version, Version::Exchange2016);
    }

    #[test]
    fn the_servers_clock_is_read_from_its_header() {
        let date = parse_http_date("Tue, 24 Nov 2026 08:00:00 GMT").unwrap();
        assert_eq!(date.to_string(), "2026-11-24T08:00:00Z");
        assert_eq!(parse_http_date("today"), None);
    }
}
