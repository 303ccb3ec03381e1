//! A mock server with one mailbox, and ways to reach it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use calsync_core::ids::{CalendarKey, ContentHash, CreateToken, ItemKey, LinkId, PairingId, Revision, Side};
use calsync_core::memory::MemoryStore;
use calsync_core::model::{Busy, Event, Notes, Recurrence, Reminder, Sensitivity, Series, SeriesPatch, Span};
use calsync_core::source::{CalendarSource, Item, NoFiles, Receipt, Seen, Write, WriteOp, WriteOutcome};
use calsync_core::store::{JournalEntry, record};
use calsync_core::zone::Zone;
use calsync_testkit::exchange::{MockExchange, Options, Rights, ServerVersion};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use ews_client::{Access, EwsClient, ExchangeSource, Secret, Target, TraceDir};

pub(crate) const MAILBOX: &str = "anna@example.test";
/// As a client names it; the server knows the account without its domain.
pub(crate) const USER: &str = "EXAMPLE\\sync";
pub(crate) const ACCOUNT: &str = "sync";
pub(crate) const PASSWORD: &str = "correct horse";

/// All bodies of all tests, when somebody wants to see or to check them.
static TRACE: LazyLock<Option<TraceDir>> = LazyLock::new(|| {
    let folder = PathBuf::from(std::env::var_os("EWS_CLIENT_TEST_TRACE")?);
    Some(TraceDir::new(folder).unwrap())
});

pub(crate) struct Server {
    pub(crate) mock: MockExchange,
    pub(crate) client: EwsClient,
}

impl Server {
    pub(crate) async fn start(version: ServerVersion) -> Self {
        let mock = MockExchange::start(Options { version, ..Options::default() }).await.unwrap();
        mock.add_mailbox(MAILBOX, "Anna");
        mock.add_account(ACCOUNT, PASSWORD);
        mock.set_rights(ACCOUNT, MAILBOX, Rights::Editor);
        mock.set_impersonation(ACCOUNT, true);
        let client = client(mock.url());
        Self { mock, client }
    }

    pub(crate) async fn newest() -> Self {
        Self::start(ServerVersion::Exchange2016).await
    }

    pub(crate) fn source(&self) -> ExchangeSource {
        ExchangeSource::new(self.client.clone(), Access::Rights, zone())
    }
}

pub(crate) fn client(url: &str) -> EwsClient {
    let mut builder = EwsClient::basic(url, USER, Secret::new(PASSWORD));
    if let Some(trace) = TRACE.as_ref() {
        builder = builder.trace(trace.clone());
    }
    builder.build().unwrap()
}

pub(crate) fn target() -> Target {
    Target::by_rights(MAILBOX)
}

pub(crate) fn zone() -> Zone {
    Zone::new("Europe/Berlin").unwrap()
}

pub(crate) fn calendar() -> CalendarKey {
    ExchangeSource::calendar_key(MAILBOX, None)
}

pub(crate) fn at(text: &str) -> NaiveDateTime {
    let text = if text.len() == 16 { format!("{text}:00") } else { text.to_owned() };
    NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S").unwrap()
}

pub(crate) fn day(text: &str) -> NaiveDate {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap()
}

pub(crate) fn timed(start: &str, end: &str) -> Span {
    Span::zoned(at(start), at(end), &zone())
}

pub(crate) fn single(subject: &str, span: Span) -> Series {
    Series::single(format!("uid-{subject}").as_str().into(), Event::new(subject, span))
}

pub(crate) fn receipt(token: &CreateToken, number: u64) -> Receipt {
    Receipt {
        token: token.clone(),
        counterpart: ItemKey::new("nvs-1"),
        counterpart_uid: Some("uid-1".into()),
        own_uid: Some("its own".into()),
        masked: number == 1,
        number,
        content: ContentHash::of(&["x"]),
    }
}

pub(crate) fn token(origin: &str) -> CreateToken {
    CreateToken::derive(&PairingId::new("anna"), Side::B, &ItemKey::new(origin), 0)
}

/// Journals one write and carries it out.
pub(crate) async fn apply(source: &ExchangeSource, op: WriteOp, receipt: Receipt) -> WriteOutcome {
    apply_all(source, vec![(op, receipt)]).await.pop().unwrap()
}

pub(crate) async fn apply_all(source: &ExchangeSource, ops: Vec<(WriteOp, Receipt)>) -> Vec<WriteOutcome> {
    let store = MemoryStore::new();
    let entries: Vec<JournalEntry> = ops
        .into_iter()
        .enumerate()
        .map(|(index, (op, receipt))| {
            let write = Write { link: LinkId(index as u64), op, receipt };
            JournalEntry::new(DateTime::default(), Side::B, write, "test")
        })
        .collect();
    let recorded = record(&store, &PairingId::new("anna"), &entries).await.unwrap();
    source.apply(&calendar(), &recorded, &NoFiles).await
}

/// Creates an item and reads it back.
pub(crate) async fn create(source: &ExchangeSource, series: &Series) -> Item {
    let token = token(series.uid.as_str());
    let op = WriteOp::Create { token: token.clone(), series: Box::new(series.clone()) };
    let outcome = apply(source, op, receipt(&token, 1)).await;
    let key = stored(&outcome);
    read(source, &key).await
}

/// Changes an item into `new` and reads it back.
pub(crate) async fn change(source: &ExchangeSource, item: &Item, new: &Series) -> Item {
    let outcome = change_from(source, item, item.series.diff(new)).await;
    let key = stored(&outcome);
    read(source, &key).await
}

pub(crate) async fn change_from(source: &ExchangeSource, item: &Item, patch: SeriesPatch) -> WriteOutcome {
    let op = WriteOp::Update {
        key: item.key.clone(),
        expected: item.revision.clone(),
        patch: Box::new(patch),
        current: Box::new(item.series.clone()),
    };
    apply(source, op, receipt(&token("any"), 2)).await
}

pub(crate) async fn delete(source: &ExchangeSource, key: &ItemKey, expected: &Revision) -> WriteOutcome {
    let op = WriteOp::Delete { key: key.clone(), expected: expected.clone() };
    apply(source, op, receipt(&token("any"), 3)).await
}

pub(crate) fn stored(outcome: &WriteOutcome) -> ItemKey {
    match outcome {
        WriteOutcome::Applied(calsync_core::source::Applied::Stored { key, .. }) => key.clone(),
        other => panic!("not stored: {other:?}"),
    }
}

pub(crate) async fn seen(source: &ExchangeSource, key: &ItemKey) -> Seen {
    source.fetch(&calendar(), std::slice::from_ref(key)).await.unwrap().pop().unwrap()
}

pub(crate) async fn read(source: &ExchangeSource, key: &ItemKey) -> Item {
    match seen(source, key).await {
        Seen::Present(item) => *item,
        other => panic!("not there: {other:?}"),
    }
}

/// An appointment with everything in it.
pub(crate) fn rich() -> Series {
    let mut event = Event::new("Wartung <A> & B", timed("2026-03-02T09:00", "2026-03-02T10:30"));
    event.place = String::from("Halle 3");
    event.notes = Notes::plain("erste Zeile\nzweite Zeile");
    event.categories = ["Kunde".to_owned(), "Wartung".to_owned()].into();
    event.busy = Busy::OutOfOffice;
    event.sensitivity = Sensitivity::Private;
    event.reminder = Reminder::Minutes(30);
    event.customer = String::from("K-4711");
    Series::single("uid-rich".into(), event)
}

pub(crate) fn repeats(rule: &str) -> Recurrence {
    Recurrence { rule: rule.parse().unwrap(), dates: BTreeSet::new() }
}

pub(crate) const VERSIONS: [ServerVersion; 5] = [
    ServerVersion::Exchange2007Sp1,
    ServerVersion::Exchange2010Sp2,
    ServerVersion::Exchange2013Sp1,
    ServerVersion::Exchange2016,
    ServerVersion::ExchangeSe,
];
