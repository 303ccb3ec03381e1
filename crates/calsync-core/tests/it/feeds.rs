//! Feeds and items of a server that means no good, or has gone mad.

use calsync_core::ids::{ChangeToken, ItemKey, PairingId, PerSide, Revision, Side, Uid};
use calsync_core::link::Observation;
use calsync_core::model::limits::NOTES;
use calsync_core::model::{Event, Notes, Series, Span};
use calsync_core::source::{
    Access, Capabilities, ChangeEntry, ChangePage, Item, Seen, SourceError, SourceErrorKind,
};
use calsync_core::store::Commit;
use calsync_core::sync::{Failure, Mode, Reply, Request, Round, RoundInput, RoundReport, Settings};
use chrono::{DateTime, NaiveDate, Utc};

fn now() -> DateTime<Utc> {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// Runs a round over an empty store; side A answers with `page` and `seen`, side B has nothing.
fn run(
    mut page: impl FnMut(usize) -> Result<ChangePage, SourceError>,
    seen: impl Fn(&ItemKey) -> Seen,
) -> (RoundReport, usize, Vec<Commit>) {
    let mut round = Round::new(RoundInput {
        pairing: PairingId::new("p"),
        settings: Settings::default(),
        mode: Mode::Sync,
        now: now(),
        capabilities: PerSide::from_fn(|_| Capabilities {
            batch: 100,
            unheld: &[],
            marks: false,
            sentinel: false,
            kept_uid: usize::MAX,
        }),
    });
    let (mut pages, mut commits) = (0, Vec::new());
    loop {
        let reply = match round.poll() {
            Request::Done(report) => return (*report, pages, commits),
            Request::Head => Reply::Head(Box::default()),
            Request::Changes(Side::A, _) => {
                pages += 1;
                Reply::Changes(page(pages), now())
            }
            Request::Changes(Side::B, _) => Reply::Changes(Ok(end()), now()),
            Request::Fetch(_, keys) => Reply::Fetched(Ok(keys.iter().map(&seen).collect())),
            Request::Commit(commit) => {
                commits.push(*commit);
                Reply::Committed
            }
            Request::Counts => Reply::Counts(calsync_core::store::Counts::default()),
            Request::Upkeep(_) => Reply::KeptUp(Ok(0)),
            Request::Tombstones(..) => Reply::Tombstones(Vec::new()),
            _ => Reply::Links(Vec::new()),
        };
        round.handle(reply);
    }
}

fn end() -> ChangePage {
    ChangePage { entries: Vec::new(), next: ChangeToken::new("end"), more: false, server_time: None }
}

fn item(key: &ItemKey, notes: usize) -> Seen {
    let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
    let mut event = Event::new("x", Span::days(day, day));
    event.notes = Notes::html(&"x".repeat(notes));
    Seen::Present(Box::new(Item {
        key: key.clone(),
        revision: Revision::new("1"),
        series: Series::single(Uid::new(key.as_str()), event),
        receipt: None,
        created: None,
        modified: None,
        access: Access::Full,
    }))
}

fn entry(key: &str) -> ChangeEntry {
    ChangeEntry { key: ItemKey::new(key), revision: Some(Revision::new("1")) }
}

#[test]
fn a_feed_without_an_end_ends_the_round_and_keeps_how_far_it_was_read() {
    let endless = |page| Ok(ChangePage { next: ChangeToken::new(format!("t{page}")), more: true, ..end() });
    let (report, pages, commits) = run(endless, |_| Seen::Absent);
    assert_eq!(pages, 10_000);
    let Some(Failure::Source { side: Side::A, kind: SourceErrorKind::Protocol(why), .. }) = &report.failure
    else {
        panic!("{:?}", report.failure)
    };
    assert!(why.contains("more than 10000 pages"), "{why}");
    assert_eq!(commits.last().unwrap().tokens.a, Some(ChangeToken::new("t10000")));
}

#[test]
fn a_feed_that_cannot_be_read_is_not_read_from_the_beginning_instead() {
    let throttled = SourceErrorKind::Throttled(std::time::Duration::from_secs(1));
    for (kind, times) in
        [(SourceErrorKind::Unavailable, 1), (throttled, 1), (SourceErrorKind::TokenExpired, 2)]
    {
        let failing = |page| {
            assert!(page < 5, "it is asked again and again");
            Err(SourceError::new("read change feed", kind.clone()))
        };
        let (report, pages, commits) = run(failing, |_| Seen::Absent);
        assert_eq!((pages, commits.len()), (times, 0), "{kind:?}");
        let Some(Failure::Source { side: Side::A, kind: failed, .. }) = report.failure else {
            panic!("{kind:?} does not end the round")
        };
        assert_eq!(failed, kind);
    }
}

#[test]
fn a_feed_is_looked_at_again_only_where_what_it_shows_is_not_there() {
    let page = |_| Ok(ChangePage { entries: vec![entry("a1")], ..end() });
    let seen = |there: bool| move |key: &ItemKey| if there { item(key, 0) } else { Seen::Absent };
    assert_eq!(run(page, seen(true)).1, 1);
    assert_eq!(run(page, seen(false)).1, 4, "what it was may be there under another key; and not for ever");
}

#[test]
fn a_page_with_more_entries_than_any_server_gives_is_refused_and_its_token_is_not_kept() {
    let huge = |_| Ok(ChangePage { entries: (0..20_001).map(|n| entry(&n.to_string())).collect(), ..end() });
    let (report, _, commits) = run(huge, |_| Seen::Absent);
    assert!(matches!(&report.failure, Some(Failure::Source { kind: SourceErrorKind::Protocol(_), .. })));
    assert!(commits.iter().all(|commit| commit.tokens.a.is_none()));
    let gone = |number: i32| ChangeEntry { revision: None, ..entry(&number.to_string()) };
    let large = |_| Ok(ChangePage { entries: (0..20_000).map(gone).collect(), ..end() });
    let (report, ..) = run(large, |_| Seen::Absent);
    assert_eq!((report.failure, report.sides.a.read), (None, 20_000));
}

#[test]
fn an_item_that_is_larger_than_is_carried_is_there_and_unreadable_and_spoils_no_other() {
    let page = |_| Ok(ChangePage { entries: vec![entry("large"), entry("small")], ..end() });
    let seen = |key: &ItemKey| item(key, if key.as_str() == "large" { NOTES + 1 } else { 100 });
    let (_, _, commits) = run(page, seen);
    let kept = |wanted: &str| {
        let links = commits.iter().flat_map(|commit| &commit.put);
        links.filter_map(|link| link.halves.a.clone()).find(|half| half.key.as_str() == wanted).unwrap().seen
    };
    assert!(matches!(kept("small"), Some(Observation::Present(_))));
    let Some(Observation::Unread(why)) = kept("large") else { panic!("it was taken") };
    assert!(why.contains("bytes of notes"), "{why}");
}
