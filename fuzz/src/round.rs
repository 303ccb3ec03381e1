//! The round machine, answered by whatever may answer.
//!
//! The store is a real one in memory; both calendars are made up from the input: items that come and go, content from the
//! edges of what the model can hold, errors of every kind. Now and then a reply is spoilt: of the wrong kind, with too many
//! or too few entries, in another order. Whatever happens, nothing panics and every round ends: when the input is used up
//! the calendars have nothing more to say.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use calsync_core::ids::{ChangeToken, CreateToken, ItemKey, PairingId, PerSide, Revision, Side, Uid};
use calsync_core::memory::MemoryStore;
use calsync_core::model::{
    Attachment, Attachments, Attendee, Busy, Event, Notes, Overlay, Override, Participation, Person,
    Recurrence, RecurrenceId, Reminder, Sensitivity, Series, Span, When,
};
use calsync_core::source::{
    Access, Applied, Capabilities, ChangeEntry, ChangePage, Fit, Item, Mark, Receipt, Seen, SourceError,
    SourceErrorKind, WriteOp, WriteOutcome,
};
use calsync_core::store::{StateStore as _, record};
use calsync_core::sync::{
    ConflictPolicy, DeletionGuard, Direction, Leaving, Mode, Reply, Request, Round, RoundInput, Settings,
    Window,
};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use crate::HOME;

/// Some rounds over one store.
pub fn replies(bytes: &[u8]) {
    let most = 2_000 + 100 * bytes.len();
    let mut input = Input(bytes);
    let store = MemoryStore::new();
    let pairing = PairingId::new("p");
    let settings = settings(&mut input);
    let mut now = DateTime::from_timestamp(1_795_500_000, 0).unwrap_or_default();
    for _ in 0..3 {
        let mode = if input.one_in(8) { Mode::Plan } else { Mode::Sync };
        let capabilities = PerSide::from_fn(|_| Capabilities {
            batch: usize::from(input.byte() % 4),
            unheld: &[],
            marks: input.one_in(2),
            sentinel: input.one_in(2),
            kept_uid: if input.one_in(2) { 0 } else { usize::MAX },
        });
        let mut round = Round::new(RoundInput {
            pairing: pairing.clone(),
            settings: settings.clone(),
            mode,
            now,
            capabilities,
        });
        let mut requests = 0;
        loop {
            requests += 1;
            assert!(requests <= most, "a round asked {requests} times");
            let request = round.poll();
            if let Request::Done(report) = &request {
                let _ = format!("{report:?}");
                break;
            }
            let Some(reply) = answer(&mut input, &store, &pairing, now, request) else { break };
            let reply = spoil(&mut input, reply);
            round.handle(reply);
        }
        now = now.checked_add_signed(TimeDelta::minutes(10)).unwrap_or(now);
    }
}

/// `None`: the store refused, which ends a round.
fn answer(
    input: &mut Input<'_>,
    store: &MemoryStore,
    pairing: &PairingId,
    now: DateTime<Utc>,
    request: Request,
) -> Option<Reply> {
    Some(match request {
        Request::Head => Reply::Head(Box::new(ready(store.head(pairing)).ok()?)),
        Request::LinksByKey(side, keys) => {
            Reply::Links(ready(store.links_by_key(pairing, side, &keys)).ok()?)
        }
        Request::LinksByUid(side, uids) => {
            Reply::Links(ready(store.links_by_uid(pairing, side, &uids)).ok()?)
        }
        Request::LinksById(ids) => Reply::Links(ready(store.links_by_id(pairing, &ids)).ok()?),
        Request::LoneLinks(side, by) => Reply::Links(ready(store.lone_links(pairing, side, &by)).ok()?),
        Request::DueLinks { after, now, limit } => {
            Reply::Links(ready(store.due_links(pairing, after, now, limit)).ok()?)
        }
        Request::UnlistedLinks { side, listing, after, limit } => {
            Reply::Links(ready(store.unlisted_links(pairing, side, listing, after, limit)).ok()?)
        }
        Request::Counts => Reply::Counts(ready(store.counts(pairing)).ok()?),
        Request::Tombstones(side, halves) => {
            Reply::Tombstones(ready(store.tombstones(pairing, side, &halves)).ok()?)
        }
        Request::Journal(entries) => Reply::Recorded(ready(record(store, pairing, &entries)).ok()?),
        Request::Commit(commit) => {
            ready(store.commit(pairing, &commit)).ok()?;
            Reply::Committed
        }
        Request::Changes(_, since) => Reply::Changes(page(input, since, now), now),
        Request::Fetch(_, keys) => {
            Reply::Fetched(perhaps(input, |input| keys.iter().map(|key| seen(input, key.clone())).collect()))
        }
        Request::FindCreated(_, tokens) => Reply::Found(perhaps(input, |input| {
            tokens
                .iter()
                .map(|token| {
                    let key = key(input);
                    match seen(input, key) {
                        Seen::Present(mut item) => {
                            if let (Some(receipt), false) = (&mut item.receipt, input.one_in(4)) {
                                receipt.token = token.clone();
                            }
                            Seen::Present(item)
                        }
                        other => other,
                    }
                })
                .collect()
        })),
        Request::Fit(_, series) => Reply::Fits(
            series
                .iter()
                .map(|_| if input.one_in(5) { Fit::Refused("no".to_owned()) } else { Fit::Whole })
                .collect(),
        ),
        Request::Apply(_, writes) => {
            let outcomes = writes.iter().map(|write| {
                let Some(kind) = input.next() else { return WriteOutcome::Unknown(error(input)) };
                match (kind % 5, &write.get().op) {
                    (0, _) => WriteOutcome::Refused(error(input)),
                    (1, _) => WriteOutcome::Unknown(error(input)),
                    (2, WriteOp::Create { .. }) => {
                        WriteOutcome::Applied(Applied::Stored { key: key(input), revision: revision(input) })
                    }
                    (2, WriteOp::Update { key, .. } | WriteOp::Delete { key, .. }) => {
                        WriteOutcome::Applied(Applied::Stored { key: key.clone(), revision: revision(input) })
                    }
                    (3, _) => {
                        let key = key(input);
                        WriteOutcome::Applied(Applied::Item(Box::new(item(input, key))))
                    }
                    (_, WriteOp::Delete { .. }) => WriteOutcome::Applied(Applied::Deleted),
                    (_, WriteOp::Create { series, .. }) => {
                        let key = key(input);
                        let mut item = item(input, key);
                        item.series = (**series).clone();
                        item.receipt = Some(write.get().receipt.clone());
                        WriteOutcome::Applied(Applied::Item(Box::new(item)))
                    }
                    (_, WriteOp::Update { key, patch, current, .. }) => {
                        let mut item = item(input, key.clone());
                        item.series = patch.apply(current);
                        item.receipt = Some(write.get().receipt.clone());
                        WriteOutcome::Applied(Applied::Item(Box::new(item)))
                    }
                }
            });
            Reply::Applied(outcomes.collect(), Vec::new())
        }
        Request::Upkeep(_) => Reply::KeptUp(perhaps(input, |input| input.byte().into())),
        Request::Mark(_) => Reply::Mark(perhaps(input, |input| input.one_in(2).then(|| mark(input)))),
        Request::SetMark { .. } => Reply::MarkSet(perhaps(input, |_| ())),
        Request::Done(_) => return None,
    })
}

/// A mark of ours or of another installation, whose number goes to and fro.
fn mark(input: &mut Input<'_>) -> Mark {
    let installation = if input.one_in(8) { "theirs" } else { "" };
    Mark { installation: installation.to_owned(), number: u64::from(input.byte() % 8) }
}

/// Spoils one reply in twenty or so.
fn spoil(input: &mut Input<'_>, reply: Reply) -> Reply {
    if !input.one_in(20) {
        return reply;
    }
    fn bend<T>(input: &mut Input<'_>, mut list: Vec<T>) -> Vec<T> {
        match input.byte() % 3 {
            0 => drop(list.pop()),
            1 => list.reverse(),
            _ => list.clear(),
        }
        list
    }
    match (input.byte() % 6, reply) {
        (0, _) => Reply::Committed,
        (1, _) => Reply::Links(Vec::new()),
        (2, _) => Reply::Fetched(Ok(vec![Seen::Absent; 3])),
        (_, Reply::Links(mut links)) => {
            if let (Some(first), true) = (links.first().cloned(), input.one_in(2)) {
                links.push(first);
            }
            Reply::Links(bend(input, links))
        }
        (_, Reply::Fetched(Ok(seen))) => Reply::Fetched(Ok(bend(input, seen))),
        (_, Reply::Found(Ok(seen))) => Reply::Found(Ok(bend(input, seen))),
        (_, Reply::Fits(fits)) => Reply::Fits(bend(input, fits)),
        (_, Reply::Recorded(writes)) => Reply::Recorded(bend(input, writes)),
        (_, Reply::Applied(outcomes, left)) => Reply::Applied(bend(input, outcomes), left),
        (_, Reply::Tombstones(tombstones)) => Reply::Tombstones(bend(input, tombstones)),
        (_, reply) => reply,
    }
}

fn settings(input: &mut Input<'_>) -> Settings {
    Settings {
        direction: input.pick(&[Direction::Both, Direction::AToB, Direction::BToA]),
        conflict: input.pick(&[ConflictPolicy::Newer, ConflictPolicy::Prefer(Side::A), ConflictPolicy::Hold]),
        deletion_wins: input.one_in(2),
        guard: DeletionGuard { count: input.byte().into(), percent: 20 },
        lead: input.pick(&[Side::A, Side::B]),
        window: Window {
            past_days: input.pick(&[None, Some(30), Some(u32::MAX)]),
            future_days: input.pick(&[None, Some(90), Some(u32::MAX)]),
        },
        leaving: input.pick(&[Leaving::Keep, Leaving::Delete]),
        clock_uncertainty: input.pick(&[2, u32::MAX]),
        ..Settings::default()
    }
}

fn page(
    input: &mut Input<'_>,
    since: Option<ChangeToken>,
    now: DateTime<Utc>,
) -> Result<ChangePage, SourceError> {
    let Some(kind) = input.next() else {
        // Nothing more, ever.
        let next = since.unwrap_or_else(|| ChangeToken::new("end"));
        return Ok(ChangePage { entries: Vec::new(), next, more: false, server_time: None });
    };
    if kind % 16 == 15 {
        return Err(error(input));
    }
    let entries = (0..kind % 6).map(|_| {
        let key = key(input);
        ChangeEntry { key, revision: if input.one_in(3) { None } else { Some(revision(input)) } }
    });
    Ok(ChangePage {
        entries: entries.collect(),
        next: ChangeToken::new(format!("t{}", input.byte() % 8)),
        more: input.one_in(3),
        server_time: input.pick(&[
            None,
            Some(now),
            Some(DateTime::<Utc>::MIN_UTC),
            Some(DateTime::<Utc>::MAX_UTC),
        ]),
    })
}

fn perhaps<T>(input: &mut Input<'_>, make: impl FnOnce(&mut Input<'_>) -> T) -> Result<T, SourceError> {
    if input.one_in(12) { Err(error(input)) } else { Ok(make(input)) }
}

fn error(input: &mut Input<'_>) -> SourceError {
    use SourceErrorKind as Kind;
    let kinds = [
        Kind::Stale,
        Kind::Missing,
        Kind::WentBack,
        Kind::TokenExpired,
        Kind::Throttled(std::time::Duration::MAX),
        Kind::Unavailable,
        Kind::NoAnswer,
        Kind::Rejected("no".to_owned()),
        Kind::Denied("no".to_owned()),
        Kind::NoCalendar("gone".to_owned()),
        Kind::Protocol("what".to_owned()),
    ];
    SourceError::new("try", input.pick(&kinds))
}

fn key(input: &mut Input<'_>) -> ItemKey {
    ItemKey::new(format!("k{}", input.byte() % 6))
}

fn revision(input: &mut Input<'_>) -> Revision {
    Revision::new(format!("r{}", input.byte() % 4))
}

fn seen(input: &mut Input<'_>, key: ItemKey) -> Seen {
    match input.byte() % 4 {
        0 => Seen::Absent,
        1 => Seen::Unreadable("torn".to_owned()),
        _ => Seen::Present(Box::new(item(input, key))),
    }
}

fn item(input: &mut Input<'_>, key: ItemKey) -> Item {
    let series = series(input);
    let moment = |input: &mut Input<'_>| {
        let far = [None, Some(DateTime::<Utc>::MIN_UTC), Some(DateTime::<Utc>::MAX_UTC)];
        if input.one_in(4) {
            input.pick(&far)
        } else {
            DateTime::from_timestamp(1_795_400_000 + i64::from(input.byte()), 0)
        }
    };
    Item {
        revision: revision(input),
        receipt: input.one_in(3).then(|| Receipt {
            token: CreateToken::from_wire(format!("c{}", input.byte() % 4)),
            counterpart: self::key(input),
            counterpart_uid: input.one_in(2).then(|| Uid::new(format!("u{}", input.byte() % 4))),
            own_uid: input.one_in(2).then(|| Uid::new(format!("u{}", input.byte() % 4))),
            masked: input.one_in(4),
            number: if input.one_in(9) { u64::MAX } else { input.byte().into() },
            content: series.content_hash(),
        }),
        created: moment(input),
        modified: moment(input),
        access: input.pick(&[Access::Full, Access::Full, Access::Personal, Access::ReadOnly]),
        key,
        series,
    }
}

fn series(input: &mut Input<'_>) -> Series {
    const RULES: &[&str] = &[
        "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=MO,FR;COUNT=10",
        "FREQ=MONTHLY;BYDAY=-1SU;UNTIL=20270101T000000Z",
        "FREQ=YEARLY;INTERVAL=4294967295",
        "FREQ=SECONDLY;COUNT=4294967295",
        "FREQ=YEARLY;BYYEARDAY=366;BYSETPOS=-1;COUNT=4294967295",
    ];
    // Searched to the end of its budget, which takes milliseconds.
    const NEVER: &str = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30";
    let span = span(input);
    let mut event = Event::new(text(input), span.clone());
    event.place = text(input);
    event.notes = if input.one_in(2) {
        Notes::html(&format!("<p>{}<b>x", text(input)))
    } else {
        Notes::plain(&text(input))
    };
    event.busy = input.pick(&[Busy::Busy, Busy::Free, Busy::WorkingElsewhere]);
    event.sensitivity = input.pick(&[Sensitivity::Normal, Sensitivity::Private]);
    event.reminder = input.pick(&[Reminder::Off, Reminder::Minutes(u32::MAX)]);
    if input.one_in(3) {
        event.categories.insert(text(input));
        let person = Person { name: text(input), address: text(input) };
        event.attendees.push(Attendee { person, participation: Participation::Required });
        event.attachments =
            Attachments::new([Attachment::new(text(input), "1"), Attachment::new(text(input), "2")]);
    }
    let mut series = Series::single(Uid::new(format!("u{}", input.byte() % 4)), event);
    if input.one_in(2)
        && let Ok(rule) = (if input.one_in(200) { NEVER } else { input.pick(RULES) }).parse()
    {
        let dates =
            if input.one_in(3) { [RecurrenceId::of(&span.start, local(input))].into() } else { [].into() };
        series.recurrence = Some(Recurrence { rule, dates });
        for _ in 0..input.byte() % 3 {
            let id = RecurrenceId::of(&span.start, local(input));
            let over = if input.one_in(2) {
                Override::Cancelled
            } else {
                let span = input.one_in(2).then(|| self::span(input));
                Override::Changed(Overlay { subject: Some(text(input)), span, ..Overlay::default() })
            };
            series.overrides.insert(id, over);
        }
    }
    series
}

fn span(input: &mut Input<'_>) -> Span {
    let (start, end) = (local(input), local(input));
    let when = |local: NaiveDateTime, kind: u8| match kind {
        0 => When::Date(local.date()),
        1 => When::Floating(local),
        2 => When::Utc(local.and_utc()),
        _ => When::Zoned { local, zone: HOME.clone() },
    };
    let kind = input.byte() % 4;
    Span { start: when(start, kind), end: when(end, kind) }
}

fn local(input: &mut Input<'_>) -> NaiveDateTime {
    let kind = input.byte();
    let base = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap_or_default();
    let date = match kind % 16 {
        0 => NaiveDate::MIN,
        1 => NaiveDate::MAX,
        2 => NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default(),
        3 => NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or_default(),
        4 => NaiveDate::from_ymd_opt(2026, 3, 29).unwrap_or_default(),
        day => base.checked_add_days(Days::new(day.into())).unwrap_or(base),
    };
    date.and_hms_opt(u32::from(kind / 16), 30, 0).unwrap_or_default()
}

fn text(input: &mut Input<'_>) -> String {
    const WORDS: &[&str] =
        &["", "a", "b", "Termin", "\r\n\u{202e}=cmd\u{0}", "<p>&amp;", "\u{a0} \u{feff}", "*?"];
    input.pick(WORDS).to_owned()
}

/// What is left of the input. An input that is used up gives zeros.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    fn one_in(&mut self, many: u8) -> bool {
        self.next().is_some_and(|byte| byte % many == many - 1)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()].clone()
    }
}

/// The value of a future of the store in memory, which never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the store in memory waits"),
    }
}
