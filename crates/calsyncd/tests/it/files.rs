//! Files of appointments between the two servers, in this process and with every version of Exchange: the bytes on both
//! sides, quiet rounds afterwards, and rounds that are cut off or lose an answer on the way.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use calsync_core::drive::{self, Clock, Holder, Pair};
use calsync_core::ids::{CalendarKey, PairingId, PerSide};
use calsync_core::memory::MemoryStore;
use calsync_core::source::CalendarSource;
use calsync_core::store::StateStore as _;
use calsync_core::sync::{AttachmentPolicy, Mode, Request, Round, RoundInput, RoundReport, Settings};
use calsync_testkit::exchange::{AttachedAs, MockExchange, Options, Rights, ServerVersion, Trouble};
use calsync_testkit::nvs::{MockNvs, MockNvsSettings, MockUnit};
use calsync_testkit::people::{Calendars as _, Draft, Edit, Repeat, Rhythm, Until};
use calsyncd::clock::SystemClock;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ews_client::{Access, EwsClient, ExchangeSource, Secret};
use nvs_client::{NvsClient, NvsSettings, NvsSource, Token};

const UNIT: &str = "meier";
const MAILBOX: &str = "meier@example.test";

const VERSIONS: [ServerVersion; 5] = [
    ServerVersion::Exchange2007Sp1,
    ServerVersion::Exchange2010Sp2,
    ServerVersion::Exchange2013Sp1,
    ServerVersion::Exchange2016,
    ServerVersion::ExchangeSe,
];

/// A clock that a test puts forward, so that what was set aside for a while is due.
#[derive(Default)]
struct Forward(AtomicI64);

impl Clock for Forward {
    fn now(&self) -> DateTime<Utc> {
        DateTime::<Utc>::from(SystemTime::now()) + TimeDelta::minutes(self.0.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        SystemClock.steady()
    }
}

struct Sides {
    exchange: MockExchange,
    nvs: MockNvs,
    sources: PerSide<Box<dyn CalendarSource>>,
    calendars: PerSide<CalendarKey>,
    id: PairingId,
    store: MemoryStore,
    clock: Forward,
    holder: Holder,
    settings: Settings,
}

/// Where a round stops.
#[derive(Debug, Clone, Copy)]
struct Crash {
    request: usize,
    /// Whether that request is still carried out.
    answered: bool,
}

impl Sides {
    async fn new(version: ServerVersion) -> Sides {
        let exchange = MockExchange::start(Options { version, ..Options::default() }).await.unwrap();
        exchange.add_mailbox(MAILBOX, "Meier");
        exchange.add_account("sync", "4711");
        exchange.set_rights("sync", MAILBOX, Rights::Editor);
        let nvs = MockNvs::start(MockNvsSettings::default()).await.unwrap();
        nvs.put_unit(MockUnit::person(UNIT, "Meier", MAILBOX));
        let nvs_client = NvsClient::new(NvsSettings::new(nvs.url(), Token::new(nvs.token()))).unwrap();
        let ews = EwsClient::basic(exchange.url(), "sync", Secret::new("4711")).build().unwrap();
        let zone = calsync_core::zone::Zone::new("Europe/Berlin").unwrap();
        let sources: PerSide<Box<dyn CalendarSource>> = PerSide {
            a: Box::new(NvsSource::new(nvs_client)),
            b: Box::new(ExchangeSource::new(ews, Access::Rights, zone)),
        };
        let calendars = PerSide { a: CalendarKey::new(UNIT), b: ExchangeSource::calendar_key(MAILBOX, None) };
        Sides {
            exchange,
            nvs,
            sources,
            calendars,
            id: PairingId::new("meier"),
            store: MemoryStore::new(),
            clock: Forward::default(),
            holder: Holder::new("test", Duration::from_secs(60)),
            settings: Settings::default(),
        }
    }

    fn pair(&self) -> Pair<'_> {
        Pair {
            id: &self.id,
            sources: PerSide { a: self.sources.a.as_ref(), b: self.sources.b.as_ref() },
            calendars: PerSide { a: &self.calendars.a, b: &self.calendars.b },
            settings: &self.settings,
        }
    }

    async fn round(&self) -> RoundReport {
        self.clock.0.fetch_add(1, Ordering::SeqCst);
        let report = drive::sync(self.pair(), &self.store, &self.clock, &self.holder).await.unwrap();
        assert_eq!(report.failure, None);
        report
    }

    /// Rounds until one has nothing to do, whatever happened before.
    async fn settle(&self) {
        let mut quiet = 0;
        for _ in 0..12 {
            self.clock.0.fetch_add(30, Ordering::SeqCst);
            let report = drive::sync(self.pair(), &self.store, &self.clock, &self.holder).await.unwrap();
            quiet = if report.writes() == 0 && report.is_clean() { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Runs a round up to the crash; whether it got that far.
    async fn stopped_round(&self, crash: Crash) -> bool {
        let pair = self.pair();
        let fence = self.store.lease(&self.id).await.unwrap().fence;
        let mut round = Round::new(RoundInput {
            pairing: self.id.clone(),
            settings: self.settings.clone(),
            mode: Mode::Sync,
            now: self.clock.now(),
            capabilities: PerSide::from_fn(|side| pair.sources.get(side).capabilities()),
        });
        for number in 0.. {
            let request = round.poll();
            if matches!(request, Request::Done(_)) {
                break;
            }
            if number == crash.request && !crash.answered {
                return true;
            }
            let reply = drive::answer(pair, &self.store, &self.clock, fence, request).await.unwrap();
            if number == crash.request {
                return true;
            }
            round.handle(reply);
        }
        false
    }

    /// A round in which nobody is asked for anything but news.
    async fn assert_quiet(&self) {
        self.round().await;
        self.nvs.forget_seen();
        self.exchange.reset_traffic();
        let report = self.round().await;
        assert_eq!((report.writes(), report.left_out.len()), (0, 0), "{}", report.plan);
        assert_eq!(self.nvs.seen().requests.keys().collect::<Vec<_>>(), ["changes"]);
        assert_eq!(self.exchange.traffic().keys().collect::<Vec<_>>(), ["SyncFolderItems"]);
    }

    fn in_nvs(&self, subject: &str) -> String {
        let is_it = |id: &String| self.nvs.document(UNIT, id).unwrap()["subject"] == subject;
        self.nvs.list(UNIT).into_iter().find(is_it).unwrap()
    }

    /// The only item on Exchange.
    fn on_exchange(&self) -> String {
        let ids = self.exchange.list(MAILBOX);
        assert_eq!(ids.len(), 1, "{ids:?}");
        ids[0].clone()
    }

    fn nvs_files(&self, subject: &str) -> Vec<(String, String)> {
        text(self.nvs.files(UNIT, &self.in_nvs(subject)))
    }

    fn exchange_files(&self) -> Vec<(String, String)> {
        text(self.exchange.files(MAILBOX, &self.on_exchange()))
    }

    #[track_caller]
    fn assert_files(&self, subject: &str, expected: &[(&str, &str)], what: &str) {
        assert_eq!(self.nvs_files(subject), files(expected), "in NVS, {what}");
        assert_eq!(self.exchange_files(), files(expected), "on Exchange, {what}");
    }
}

fn text(files: Vec<(String, Vec<u8>)>) -> Vec<(String, String)> {
    files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

fn files(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn draft(subject: &str) -> Draft {
    let start = NaiveDate::from_ymd_opt(2027, 3, 4).unwrap().and_hms_opt(10, 0, 0).unwrap();
    Draft { place: "Ulm".to_owned(), ..Draft::new(subject, start, start + TimeDelta::hours(1)) }
}

fn weekly(subject: &str) -> Draft {
    let rhythm = Rhythm::Weekly(vec![chrono::Weekday::Thu]);
    Draft { repeat: Some(Repeat { rhythm, every: 1, until: Until::Count(5) }), ..draft(subject) }
}

fn place(text: &str) -> Edit {
    Edit { place: Some(text.to_owned()), ..Edit::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_both_ways_byte_for_byte_with_every_version() {
    for version in VERSIONS {
        let sides = Sides::new(version).await;
        let a = sides.nvs.create(UNIT, &draft("Montage")).unwrap();
        let every: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        assert!(sides.nvs.attach(UNIT, &a, "alles.bin", &every));
        assert!(sides.nvs.attach(UNIT, &a, "Plan.pdf", b"plan"));
        assert_eq!(sides.round().await.failures, [], "{version:?}");
        let b = sides.on_exchange();
        let there = [("Plan.pdf".to_owned(), b"plan".to_vec()), ("alles.bin".to_owned(), every.clone())];
        assert_eq!(sides.exchange.files(MAILBOX, &b), there, "{version:?}");
        sides.assert_quiet().await;

        // Replaced, added and taken away on Exchange.
        assert!(sides.exchange.attach(MAILBOX, &b, "Plan.pdf", b"plan, zweite Fassung"));
        assert!(sides.exchange.attach(MAILBOX, &b, "Notiz.txt", b"notiz"));
        assert!(sides.exchange.detach(MAILBOX, &b, "alles.bin"));
        assert_eq!(sides.round().await.writes(), 1, "{version:?}");
        let now = [("Notiz.txt", "notiz"), ("Plan.pdf", "plan, zweite Fassung")];
        sides.assert_files("Montage", &now, &format!("{version:?}"));
        sides.assert_quiet().await;

        // And back, together with something else.
        assert!(sides.nvs.attach(UNIT, &a, "Plan.pdf", b"plan 3"));
        assert!(sides.nvs.detach(UNIT, &a, "Notiz.txt"));
        assert!(sides.nvs.edit(UNIT, &a, &place("Bonn")));
        assert_eq!(sides.round().await.writes(), 1, "{version:?}");
        sides.assert_files("Montage", &[("Plan.pdf", "plan 3")], &format!("{version:?}"));
        sides.assert_quiet().await;
        assert_eq!(sides.nvs.list(UNIT).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_in_the_text_and_attached_mails_stay_where_they_are() {
    for version in VERSIONS {
        let sides = Sides::new(version).await;
        let b = sides.exchange.create(MAILBOX, &draft("Montage")).unwrap();
        assert!(sides.exchange.attach_as(MAILBOX, &b, "logo.png", b"bild", AttachedAs::InlineImage));
        assert!(sides.exchange.attach_as(MAILBOX, &b, "Anfrage", b"mail", AttachedAs::Item));
        assert!(sides.exchange.attach(MAILBOX, &b, "Plan.pdf", b"plan"));
        sides.round().await;
        assert_eq!(sides.nvs_files("Montage"), files(&[("Plan.pdf", "plan")]), "{version:?}");
        sides.assert_quiet().await;

        let a = sides.in_nvs("Montage");
        assert!(sides.nvs.detach(UNIT, &a, "Plan.pdf"));
        assert!(sides.nvs.attach(UNIT, &a, "logo.png", b"eine Datei desselben Namens"));
        sides.round().await;
        let all = [("Anfrage", "mail"), ("logo.png", "bild"), ("logo.png", "eine Datei desselben Namens")];
        assert_eq!(sides.exchange_files(), files(&all), "{version:?}");
        sides.assert_quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_has_files_and_its_changed_occurrences_stay_as_they_are() {
    for version in VERSIONS {
        let sides = Sides::new(version).await;
        let a = sides.nvs.create(UNIT, &weekly("Serie")).unwrap();
        let second = draft("").start + TimeDelta::weeks(1);
        assert!(sides.nvs.edit_occurrence(UNIT, &a, second, &place("Bonn")));
        assert!(sides.nvs.attach(UNIT, &a, "Liste.txt", b"liste"));
        assert_eq!(sides.round().await.failures, [], "{version:?}");
        sides.assert_files("Serie", &[("Liste.txt", "liste")], "new");
        sides.assert_quiet().await;
        let b = sides.on_exchange();
        assert!(sides.exchange.attach(MAILBOX, &b, "Liste.txt", b"liste, erweitert"));
        assert!(sides.exchange.edit_occurrence(MAILBOX, &b, second + TimeDelta::weeks(1), &place("Köln")));
        sides.round().await;
        sides.assert_files("Serie", &[("Liste.txt", "liste, erweitert")], "changed on Exchange");
        assert!(sides.nvs.attach(UNIT, &a, "Liste.txt", b"neu"));
        assert!(sides.nvs.delete_occurrence(UNIT, &a, second + TimeDelta::weeks(2)));
        sides.round().await;
        sides.assert_files("Serie", &[("Liste.txt", "neu")], "changed in NVS");
        sides.assert_quiet().await;
        let overrides = sides.nvs.document(UNIT, &a).unwrap()["overrides"].as_object().unwrap().len();
        assert_eq!(overrides, 3, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_and_skip_hold_both_ways_with_every_version() {
    for version in VERSIONS {
        let mut sides = Sides::new(version).await;
        // What Exchange says of a size is more than the file has, so the limit leaves room for that.
        sides.settings.attachments = AttachmentPolicy::Carry { max_bytes: 1000 };
        let a = sides.nvs.create(UNIT, &draft("Montage")).unwrap();
        assert!(sides.nvs.attach(UNIT, &a, "gross", &[b'x'; 1001]));
        assert!(sides.nvs.attach(UNIT, &a, "klein", b"klein"));
        assert_eq!(sides.round().await.left_out.len(), 1, "{version:?}");
        let b = sides.on_exchange();
        assert_eq!(sides.exchange_files(), files(&[("klein", "klein")]), "{version:?}");
        sides.assert_quiet().await;

        assert!(sides.exchange.attach(MAILBOX, &b, "auch gross", &[b'y'; 1001]));
        assert!(sides.exchange.attach(MAILBOX, &b, "auch klein", b"auch klein"));
        let report = sides.round().await;
        assert_eq!((report.left_out.len(), report.failures.len()), (1, 0), "{version:?}");
        let names: Vec<String> = sides.nvs_files("Montage").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["auch klein", "gross", "klein"], "{version:?}");
        sides.assert_quiet().await;

        sides.settings.attachments = AttachmentPolicy::Skip;
        assert!(sides.exchange.attach(MAILBOX, &b, "klein", b"nur hier"));
        assert!(sides.exchange.edit(MAILBOX, &b, &place("Bonn")));
        sides.round().await;
        assert!(sides.nvs_files("Montage").contains(&("klein".to_owned(), "klein".to_owned())));
        assert_eq!(sides.nvs.document(UNIT, &a).unwrap()["place"], "Bonn");
        sides.assert_quiet().await;
    }
}

/// Everything that can be done with files is waiting to be done.
async fn busy(version: ServerVersion) -> Sides {
    let sides = Sides::new(version).await;
    let a = sides.nvs.create(UNIT, &draft("Montage")).unwrap();
    for name in ["bleibt", "geht", "wird neu"] {
        assert!(sides.nvs.attach(UNIT, &a, name, b"alt"));
    }
    sides.settle().await;
    let b = sides.on_exchange();
    assert!(sides.nvs.attach(UNIT, &a, "wird neu", b"neue Fassung"));
    assert!(sides.nvs.attach(UNIT, &a, "kommt", b"aus NVS"));
    assert!(sides.nvs.detach(UNIT, &a, "geht"));
    assert!(sides.exchange.attach(MAILBOX, &b, "kommt auch", b"von Exchange"));
    sides
}

const END: [(&str, &str); 4] =
    [("bleibt", "alt"), ("kommt", "aus NVS"), ("kommt auch", "von Exchange"), ("wird neu", "neue Fassung")];

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_stops_at_any_request_loses_and_doubles_no_file() {
    for version in [ServerVersion::Exchange2007Sp1, ServerVersion::Exchange2016] {
        for request in 0.. {
            let mut reached = false;
            for answered in [false, true] {
                let sides = busy(version).await;
                let crash = Crash { request, answered };
                reached |= sides.stopped_round(crash).await;
                sides.settle().await;
                sides.assert_files("Montage", &END, &format!("{version:?} {crash:?}"));
            }
            if !reached {
                assert!(request > 8);
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_answer_of_exchange_that_is_lost_on_the_way_of_files_is_made_good() {
    let writes = [("UpdateItem", 3), ("CreateAttachment", 3), ("DeleteAttachment", 1), ("GetAttachment", 1)];
    for version in [ServerVersion::Exchange2007Sp1, ServerVersion::Exchange2016] {
        for (operation, times) in writes {
            for pass in 0..times {
                for trouble in [Trouble::DropBefore, Trouble::DropAfter, Trouble::Status(503)] {
                    let sides = busy(version).await;
                    sides.exchange.trouble_for(operation, trouble.clone(), pass, 1);
                    sides.settle().await;
                    sides.assert_files(
                        "Montage",
                        &END,
                        &format!("{version:?} {operation} {pass} {trouble:?}"),
                    );
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_appointment_whose_files_do_not_arrive_at_once_is_made_once_and_whole() {
    for operation in ["CreateItem", "CreateAttachment", "UpdateItem"] {
        for pass in 0..2 {
            for trouble in [Trouble::DropBefore, Trouble::DropAfter, Trouble::Status(503)] {
                let sides = Sides::new(ServerVersion::Exchange2016).await;
                let a = sides.nvs.create(UNIT, &draft("Montage")).unwrap();
                assert!(sides.nvs.attach(UNIT, &a, "eins", b"1"));
                assert!(sides.nvs.attach(UNIT, &a, "zwei", b"22"));
                sides.exchange.trouble_for(operation, trouble.clone(), pass, 1);
                sides.settle().await;
                let what = format!("{operation} {pass} {trouble:?}");
                sides.assert_files("Montage", &[("eins", "1"), ("zwei", "22")], &what);
                assert_eq!(sides.nvs.list(UNIT).len(), 1, "{what}");
            }
        }
    }
}
