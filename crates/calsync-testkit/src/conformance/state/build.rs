//! What the checks store.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{ContentHash, CreateToken, ItemKey, LinkId, PairingId, PerSide, Revision, Side, Uid};
use calsync_core::link::{Half, Hold, HoldKind, Link, LinkMemory, Observation, Retry, Shadow, Sighting};
use calsync_core::model::{Event, Override, Recurrence, RecurrenceId, Series, Span};
use calsync_core::source::{Access, Receipt, Write, WriteOp};
use calsync_core::store::JournalEntry;
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};

use crate::conformance::Fault;

pub(super) fn pairing() -> PairingId {
    PairingId::new("meier")
}

/// A point in time, so many seconds after a fixed one.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::seconds(1_795_500_000 + seconds)
}

/// An all-day appointment; another `subject` is another appointment to people.
/// Another subject is another day.
pub(super) fn series(uid: &str, subject: &str) -> Series {
    let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap_or_default();
    let day = day + chrono::Days::new(subject.bytes().map(u64::from).sum::<u64>() % 97);
    Series::single(Uid::new(uid), Event::new(subject, Span::days(day, day)))
}

/// A weekly series with a moved, a cancelled and an additional instance, in a zone, with text of several scripts.
pub(super) fn rich_series(uid: &str) -> Result<Series, Fault> {
    let fault = |what: &str| Fault(format!("the check itself is wrong: {what}"));
    let local = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").map_err(|_| fault(text));
    let zone = calsync_core::zone::Zone::new("Europe/Berlin").map_err(|_| fault("the zone"))?;
    let span = Span::zoned(local("2026-11-24T08:00")?, local("2026-11-24T09:30")?, &zone);
    let mut event =
        Event::new("Wartung \"Halle 3\" – Müller & Söhne\r\n'; DROP TABLE link; -- \u{1F69A}", span);
    event.place.push_str("Zürich\t\u{202E}");
    event.categories = BTreeSet::from(["Montage".to_owned(), "Ä".to_owned()]);
    event.customer.push_str("4711");
    let mut moved = event.clone();
    moved.subject.push_str(" verschoben");
    let rule = "FREQ=WEEKLY;COUNT=10".parse().map_err(|_| fault("the rule"))?;
    let instance = |text: &str| local(text).map(RecurrenceId::Local);
    Ok(Series {
        uid: Uid::new(uid),
        overrides: BTreeMap::from([
            (instance("2026-12-01T08:00")?, Override::Changed(event.overlay(&moved))),
            (instance("2026-12-08T08:00")?, Override::Cancelled),
        ]),
        recurrence: Some(Recurrence { rule, dates: BTreeSet::from([instance("2026-12-10T08:00")?]) }),
        event,
    })
}

pub(super) fn shadow(uid: &str) -> Shadow {
    Shadow { revision: Revision::new("r1"), series: series(uid, "as it was") }
}

pub(super) fn sighting(series: Series) -> Sighting {
    Sighting {
        revision: Revision::new("r2"),
        series,
        receipt: None,
        created: None,
        modified: None,
        access: Access::Full,
        put_back: false,
    }
}

pub(super) fn present(series: Series) -> Observation {
    Observation::Present(Box::new(sighting(series)))
}

pub(super) fn receipt(token: &str, counterpart: &str, number: u64) -> Receipt {
    Receipt {
        token: CreateToken::from_wire(token),
        counterpart: ItemKey::new(counterpart),
        counterpart_uid: Some(Uid::new(format!("uid of {counterpart}"))),
        own_uid: Some(Uid::new("its own")),
        masked: false,
        number,
        content: ContentHash::of(&["content"]),
    }
}

/// A half in step.
pub(super) fn half(key: &str) -> Half {
    Half {
        key: ItemKey::new(key),
        shadow: Some(shadow(&format!("uid of {key}"))),
        seen: None,
        access: Access::Full,
        listed: 1,
        kept: None,
        last: None,
        fresh: false,
    }
}

/// A half that was never in step and of which this was seen.
pub(super) fn seen(key: &str, observation: Observation) -> Half {
    Half { shadow: None, seen: Some(observation), ..half(key) }
}

pub(super) fn link(id: u64, a: Option<Half>, b: Option<Half>) -> Link {
    Link {
        id: LinkId(id),
        halves: PerSide { a, b },
        generation: 0,
        writes: 0,
        masked: None,
        hold: None,
        retry: None,
        memory: LinkMemory::default(),
    }
}

/// A link in step.
pub(super) fn linked(id: u64) -> Link {
    link(id, Some(half(&format!("a{id}"))), Some(half(&format!("b{id}"))))
}

/// A link in step of which this was seen on `side`.
pub(super) fn dirty(id: u64, side: Side, observation: Observation) -> Link {
    let mut link = linked(id);
    if let Some(half) = link.halves.get_mut(side) {
        half.seen = Some(observation);
    }
    link
}

pub(super) fn gone(id: u64, side: Side) -> Link {
    dirty(id, side, Observation::Gone)
}

pub(super) fn held(mut link: Link) -> Link {
    link.hold = Some(Hold {
        why: "too many deletions".to_owned(),
        since: at(5),
        guard: None,
        kind: HoldKind::Deletion,
        about: ContentHash::of(&["what was asked"]),
        answer: None,
    });
    link
}

pub(super) fn failing(mut link: Link, until: DateTime<Utc>) -> Link {
    link.retry = Some(Retry { attempts: 3, at: until, why: "refused: no".to_owned() });
    link
}

/// An entry for the deletion of an item.
pub(super) fn entry(id: u64, side: Side, number: u64) -> JournalEntry {
    let op = WriteOp::Delete { key: ItemKey::new(format!("item {id}")), expected: Revision::new("r1") };
    let at = at(i64::try_from(number).unwrap_or_default());
    let write = Write { link: LinkId(id), op, receipt: receipt("t", "c", number) };
    JournalEntry {
        before: Some(series("uid", "as it was before")),
        ..JournalEntry::new(at, side, write, format!("deleted on {}", side.other()))
    }
}
