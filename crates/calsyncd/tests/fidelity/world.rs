//! Servers that all cases share, and the two calendars of one case.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use calsync_core::drive::{self, Holder, Pair};
use calsync_core::ids::{CalendarKey, PairingId, PerSide, Side};
use calsync_core::link::Link;
use calsync_core::memory::MemoryStore;
use calsync_core::source::CalendarSource;
use calsync_core::store::StateStore as _;
use calsync_core::sync::{DeletionGuard, RoundReport, Settings};
use calsync_core::zone::Zone;
use calsync_testkit::exchange::{Answer, Call, MockExchange, Options, Rights, ServerVersion};
use calsync_testkit::nvs::{MockNvs, MockNvsSettings, MockUnit};
use calsync_testkit::people::{Calendars, Draft};
use calsyncd::clock::SystemClock;
use chrono::NaiveDateTime;
use ews_client::{Access, EwsClient, ExchangeSource, Secret};
use nvs_client::{NvsClient, NvsSettings, NvsSource, Token};
use serde_json::Value;

use super::expect::HOME;
use super::script::At;

const USER: &str = "svc-calsync@example.test";
const PASSWORD: &str = "keeps in step";
/// Both as HTTP sends them.
const BASIC: &str = "Basic c3ZjLWNhbHN5bmNAZXhhbXBsZS50ZXN0OmtlZXBzIGluIHN0ZXA=";

/// One Exchange of every version, and one NVS.
pub(crate) struct World {
    exchanges: BTreeMap<&'static str, (MockExchange, ExchangeSource)>,
    nvs: MockNvs,
    client: NvsClient,
    calendars: AtomicU64,
}

impl World {
    pub(crate) async fn start() -> World {
        let nvs = MockNvs::start(MockNvsSettings::default()).await.unwrap();
        let client = NvsClient::new(NvsSettings::new(nvs.url(), Token::new(nvs.token()))).unwrap();
        let mut exchanges = BTreeMap::new();
        for version in ServerVersion::ALL {
            let mock = MockExchange::start(Options { version, ..Options::default() }).await.unwrap();
            mock.add_account(USER, PASSWORD);
            let ews = EwsClient::basic(mock.url(), USER, Secret::new(PASSWORD)).build().unwrap();
            let source = ExchangeSource::new(ews, Access::Rights, Zone::new(HOME).unwrap());
            exchanges.insert(version.name(), (mock, source));
        }
        World { exchanges, nvs, client, calendars: AtomicU64::new(0) }
    }

    /// Mails that anybody would have been sent.
    pub(crate) fn mails(&self) -> usize {
        self.exchanges.values().map(|(mock, _)| mock.outbox().len()).sum()
    }

    /// Two new calendars that nobody else uses.
    pub(crate) fn pair(&self, version: &str) -> Option<Pairing<'_>> {
        let (exchange, source) = self.exchanges.get(version)?;
        let number = self.calendars.fetch_add(1, Ordering::Relaxed);
        let mailbox = format!("u{number}@example.test");
        let unit = format!("u-{number}");
        exchange.add_mailbox(&mailbox, "Ömer Groß");
        exchange.set_rights(USER, &mailbox, Rights::Owner);
        self.nvs.put_unit(MockUnit::person(&unit, "Ömer Groß", &mailbox));
        Some(Pairing {
            id: PairingId::new(&unit),
            keys: PerSide { a: CalendarKey::new(&unit), b: ExchangeSource::calendar_key(&mailbox, None) },
            unit,
            mailbox,
            exchange,
            source,
            nvs: &self.nvs,
            client: &self.client,
            store: MemoryStore::new(),
            // Cases have so few appointments that any deletion is a large share of them.
            settings: Settings {
                guard: DeletionGuard { count: u64::MAX, percent: 100 },
                ..Settings::default()
            },
        })
    }
}

/// The two calendars of one case, and what the engine remembers of them.
pub(crate) struct Pairing<'w> {
    id: PairingId,
    keys: PerSide<CalendarKey>,
    unit: String,
    mailbox: String,
    exchange: &'w MockExchange,
    source: &'w ExchangeSource,
    pub(crate) nvs: &'w MockNvs,
    client: &'w NvsClient,
    store: MemoryStore,
    settings: Settings,
}

impl Pairing<'_> {
    pub(crate) fn people(&self, at: At) -> (&dyn Calendars, &str) {
        match at {
            At::Nvs => (self.nvs, &self.unit),
            At::Exchange => (self.exchange, &self.mailbox),
        }
    }

    /// Appointments in the bin of a side.
    pub(crate) fn binned(&self, at: At) -> usize {
        match at {
            At::Nvs => self.nvs.bin(&self.unit).len(),
            At::Exchange => self.exchange.deleted_items(&self.mailbox),
        }
    }

    /// Sets members of an appointment in NVS, or of one occurrence.
    pub(crate) fn set_in_nvs(&self, id: &str, of: Option<NaiveDateTime>, members: &BTreeMap<String, Value>) {
        match of {
            None => self.nvs.set_members(&self.unit, id, members).unwrap(),
            Some(original) => {
                assert!(self.nvs.set_occurrence_members(&self.unit, id, original, members), "{members:?}");
            }
        }
    }

    /// Asks Exchange as another program of the same user would.
    pub(crate) fn ask_exchange(&self, schema: &str, body: &str) -> String {
        let envelope = format!(
            r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Header><t:RequestServerVersion Version="{schema}"/></s:Header><s:Body>{body}</s:Body></s:Envelope>"#
        );
        match self.exchange.answer(&Call { authorization: Some(BASIC), body: envelope.as_bytes() }) {
            Answer::Http { status: 200, body, .. } => body,
            other => panic!("{other:?}"),
        }
    }

    /// Lets the owner of the mailbox accept a meeting of somebody else.
    pub(crate) fn receive_meeting(&self, organizer: &str, draft: &Draft) -> Option<String> {
        self.exchange.receive_meeting(&self.mailbox, organizer, draft)
    }

    pub(crate) fn nvs_document(&self, id: &str) -> Option<serde_json::Value> {
        self.nvs.document(&self.unit, id)
    }

    pub(crate) async fn round(&self) -> RoundReport {
        let nvs = NvsSource::new(self.client.clone());
        let sources: PerSide<&dyn CalendarSource> = PerSide { a: &nvs, b: self.source };
        let pair = Pair {
            id: &self.id,
            sources,
            calendars: PerSide { a: &self.keys.a, b: &self.keys.b },
            settings: &self.settings,
        };
        let holder = Holder::new("fidelity", Duration::from_secs(60));
        drive::sync(pair, &self.store, &SystemClock, &holder).await.unwrap()
    }

    /// Ids of appointments that are linked, NVS first.
    pub(crate) async fn linked(&self) -> Vec<(String, String)> {
        let links = self.store.links(&self.id, None, 1000).await.unwrap();
        let key =
            |link: &Link, side: Side| link.halves.get(side).as_ref().map(|half| half.key.as_str().to_owned());
        links.iter().filter_map(|link| Some((key(link, Side::A)?, key(link, Side::B)?))).collect()
    }

    /// Links of which one half is missing.
    pub(crate) async fn half_links(&self) -> usize {
        let links = self.store.links(&self.id, None, 1000).await.unwrap();
        links.iter().filter(|link| link.halves.a.is_none() || link.halves.b.is_none()).count()
    }
}
