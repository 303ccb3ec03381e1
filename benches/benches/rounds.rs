//! What a round costs the engine, without servers and without a disk: calendars and store in memory.

#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is measured is known to be valid"
)]

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use calsync_core::drive::{Clock, Holder, Pair, sync};
use calsync_core::ids::{CalendarKey, ChangeToken, CreateToken, ItemKey, PairingId, PerSide, Revision, Uid};
use calsync_core::memory::MemoryStore;
use calsync_core::model::Attachment;
use calsync_core::model::{Event, Series, Span};
use calsync_core::source::{
    Access, Applied, CalendarSource, Capabilities, ChangeEntry, ChangePage, FileRead, Files, Fit, Item, Mark,
    Seen, SourceError, Write, WriteOp, WriteOutcome,
};
use calsync_core::store::Recorded;
use calsync_core::sync::Settings;
use calsync_core::zone::Zone;
use chrono::{DateTime, NaiveDate, Utc};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

/// A calendar as a list of items; the key is the place in the list.
#[derive(Default)]
struct Calendar {
    items: Mutex<Vec<(Series, u64)>>,
    log: Mutex<Vec<usize>>,
}

impl Calendar {
    fn item(&self, index: usize) -> Item {
        let (series, revision) = self.items.lock().unwrap()[index].clone();
        Item {
            key: ItemKey::new(index.to_string()),
            revision: Revision::new(revision.to_string()),
            series,
            receipt: None,
            created: None,
            modified: None,
            access: Access::Full,
        }
    }

    fn put(&self, index: usize, series: Series) {
        let mut items = self.items.lock().unwrap();
        if index == items.len() {
            items.push((series, 0));
        } else {
            items[index] = (series, items[index].1 + 1);
        }
        self.log.lock().unwrap().push(index);
    }
}

#[async_trait]
impl CalendarSource for Calendar {
    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: 100, unheld: &[], marks: false, sentinel: false, kept_uid: usize::MAX }
    }

    fn fit(&self, _: &CalendarKey, _: &Series) -> Fit {
        Fit::Whole
    }

    async fn changes(&self, _: &CalendarKey, since: Option<&ChangeToken>) -> Result<ChangePage, SourceError> {
        let from: usize = since.map_or(0, |token| token.as_str().parse().unwrap());
        let log = self.log.lock().unwrap();
        let to = (from + 512).min(log.len());
        let entries = log[from..to].iter().map(|index| ChangeEntry {
            key: ItemKey::new(index.to_string()),
            revision: Some(Revision::new(self.items.lock().unwrap()[*index].1.to_string())),
        });
        Ok(ChangePage {
            entries: entries.collect(),
            next: ChangeToken::new(to.to_string()),
            more: to < log.len(),
            server_time: None,
        })
    }

    async fn fetch(&self, _: &CalendarKey, keys: &[ItemKey]) -> Result<Vec<Seen>, SourceError> {
        Ok(keys.iter().map(|key| Seen::Present(Box::new(self.item(key.as_str().parse().unwrap())))).collect())
    }

    async fn find_created(&self, _: &CalendarKey, tokens: &[CreateToken]) -> Result<Vec<Seen>, SourceError> {
        Ok(tokens.iter().map(|_| Seen::Absent).collect())
    }

    async fn sentinel(&self, _: &CalendarKey) -> Result<Option<Mark>, SourceError> {
        Ok(None)
    }

    async fn set_sentinel(&self, _: &CalendarKey, _: Option<&Mark>, _: &Mark) -> Result<(), SourceError> {
        panic!("nothing is marked here")
    }

    async fn attachment(
        &self,
        _: &CalendarKey,
        _: &ItemKey,
        _: &Attachment,
        _: u64,
    ) -> Result<FileRead, SourceError> {
        Ok(FileRead::Gone)
    }

    async fn apply(&self, _: &CalendarKey, writes: &[Recorded<Write>], _: &dyn Files) -> Vec<WriteOutcome> {
        let apply = |write: &Recorded<Write>| {
            let (index, series) = match &write.get().op {
                WriteOp::Create { series, .. } => (self.items.lock().unwrap().len(), series.as_ref().clone()),
                WriteOp::Update { key, patch, current, .. } => {
                    (key.as_str().parse().unwrap(), patch.apply(current))
                }
                WriteOp::Delete { .. } => panic!("nothing is deleted here"),
            };
            self.put(index, series);
            WriteOutcome::Applied(Applied::Item(Box::new(self.item(index))))
        };
        writes.iter().map(apply).collect()
    }

    async fn upkeep(&self, _: &CalendarKey) -> Result<u64, SourceError> {
        Ok(0)
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn steady(&self) -> Duration {
        Duration::ZERO
    }
}

struct World {
    a: Calendar,
    b: Calendar,
    store: MemoryStore,
}

impl World {
    fn with(appointments: usize) -> World {
        let world = World { a: Calendar::default(), b: Calendar::default(), store: MemoryStore::new() };
        let zone = Zone::new("Europe/Berlin").unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        for number in 0..appointments {
            let date = day + chrono::Days::new(number as u64 % 365);
            let span =
                Span::zoned(date.and_hms_opt(9, 0, 0).unwrap(), date.and_hms_opt(10, 0, 0).unwrap(), &zone);
            let event = Event::new(format!("Kundentermin {number}"), span);
            world.a.put(number, Series::single(Uid::new(format!("uid-{number}")), event));
        }
        world
    }

    fn in_step(appointments: usize) -> World {
        let world = World::with(appointments);
        for _ in 0..2 {
            world.round();
        }
        world
    }

    fn round(&self) -> u64 {
        let (id, calendar) = (PairingId::new("p"), CalendarKey::new("c"));
        let pair = Pair {
            id: &id,
            sources: PerSide { a: &self.a, b: &self.b },
            calendars: PerSide { a: &calendar, b: &calendar },
            settings: &Settings::default(),
        };
        let holder = Holder::new("bench", Duration::from_secs(60));
        let mut round = pin!(sync(pair, &self.store, &Still, &holder));
        match round.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(report) => report.unwrap().writes(),
            Poll::Pending => panic!("memory never waits"),
        }
    }
}

fn rounds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("round");
    group.sample_size(10);
    for appointments in [1_000, 10_000] {
        let quiet = World::in_step(appointments);
        group.bench_function(BenchmarkId::new("quiet", appointments), |bench| {
            bench.iter(|| assert_eq!(black_box(&quiet).round(), 0));
        });
        group.bench_function(BenchmarkId::new("1 % changed", appointments), |bench| {
            let world = World::in_step(appointments);
            let change = || {
                for index in (0..appointments).step_by(100) {
                    let mut series = world.a.item(index).series;
                    series.event.place.push('x');
                    world.a.put(index, series);
                }
            };
            bench.iter_batched(change, |()| black_box(&world).round(), BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::new("first sync", appointments), |bench| {
            let fresh = || World::with(appointments);
            bench.iter_batched(fresh, |world| world.round(), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, rounds);
criterion_main!(benches);
