//! Journal entries and open intents.

use calsync_core::ids::{CreateToken, ItemKey, LinkId, PairingId, Revision, Side};
use calsync_core::link::Intent;
use calsync_core::model::SeriesPatch;
use calsync_core::source::WriteOp;
use calsync_core::store::{
    Closed, Commit, EntryId, JournalEntry, JournalQuery, Losing, LostBy, RoundId, StateStore,
};

use super::build::{at, entry, pairing, rich_series, series};
use super::commit;
use crate::conformance::{Checked, Fault, holds, same};

fn closed(id: u64, side: Side, number: u64, outcome: &str) -> Closed {
    Closed { link: LinkId(id), side, number, outcome: outcome.to_owned() }
}

/// Entries of all three kinds of writes.
fn entries() -> Result<Vec<JournalEntry>, Fault> {
    let mut create = entry(1, Side::B, 1);
    create.write.op =
        WriteOp::Create { token: CreateToken::from_wire("t1"), series: Box::new(rich_series("u1")?) };
    create.before = None;
    let mut update = entry(2, Side::A, 2);
    let (from, to) = (series("u2", "as it was"), rich_series("u2")?);
    update.write.op = WriteOp::Update {
        key: ItemKey::new("k2"),
        expected: Revision::new("r2"),
        patch: Box::new(from.diff(&to)),
        current: Box::new(from),
    };
    let mut nothing = entry(3, Side::A, 1);
    nothing.write.op = WriteOp::Update {
        key: ItemKey::new("k3"),
        expected: Revision::new("r3"),
        patch: Box::new(SeriesPatch::default()),
        current: Box::new(to),
    };
    Ok(vec![create, update, nothing, entry(4, Side::B, 1)])
}

fn intents(entries: &[JournalEntry]) -> Vec<Intent> {
    entries.iter().map(JournalEntry::intent).collect()
}

pub(super) async fn opens_intents(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let entries = entries()?;
    let (first, rest) = entries.split_at(1);
    store.journal(&pairing, first).await?;
    let mut expected = intents(first);
    same("intents", &store.head(&pairing).await?.intents, &expected)?;
    store.journal(&pairing, rest).await?;
    store.journal(&pairing, &[]).await?;
    expected.extend(intents(rest));
    let head = store.head(&pairing).await?;
    same("intents in the order of the journal", &head.intents, &expected)?;
    same("version", &head.version, &0)?;
    // The head that a round read before it journaled still holds.
    store.commit(&pairing, &Commit::default()).await?;
    same("intents after a commit that closes none", &store.head(&pairing).await?.intents, &expected)
}

pub(super) async fn newest_first(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let mut expected = entries()?;
    store.journal(&pairing, &expected).await?;
    let more = [entry(5, Side::A, 1), entry(1, Side::A, 7)];
    store.journal(&pairing, &more).await?;
    expected.extend(more);
    expected.reverse();
    same("all", &super::journal(store, &pairing, usize::MAX).await?, &expected)?;
    for limit in 0..expected.len() {
        let newest = expected.iter().take(limit).cloned().collect();
        same(&format!("the newest {limit}"), &super::journal(store, &pairing, limit).await?, &newest)?;
    }
    Ok(())
}

pub(super) async fn closes_intents(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let mut expected = entries()?;
    store.journal(&pairing, &expected).await?;
    for index in 0..expected.len() {
        let Some(entry) = expected.get_mut(index) else { break };
        let outcome = format!("outcome {index}");
        let (id, number) = (entry.write.link.0, entry.write.receipt.number);
        let closed = vec![closed(id, entry.side, number, &outcome)];
        entry.outcome = Some(outcome);
        commit(store, &pairing, Commit { closed, ..Commit::default() }).await?;
        let open = expected.iter().skip(index + 1).map(JournalEntry::intent).collect();
        same("intents", &store.head(&pairing).await?.intents, &open)?;
        let newest: Vec<_> = expected.iter().rev().cloned().collect();
        same("journal", &super::journal(store, &pairing, 10).await?, &newest)?;
    }
    // More entries change nothing about the outcomes of earlier ones.
    let later = entry(9, Side::A, 1);
    store.journal(&pairing, std::slice::from_ref(&later)).await?;
    expected.push(later);
    expected.reverse();
    same("journal", &super::journal(store, &pairing, 10).await?, &expected)
}

pub(super) async fn closes_only_the_named(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    let near = [entry(1, Side::A, 1), entry(1, Side::B, 1), entry(1, Side::A, 2), entry(2, Side::A, 1)];
    store.journal(&pairing, &near).await?;
    let closed =
        vec![closed(1, Side::A, 1, "carried out"), closed(7, Side::B, 1, "of a link without intents")];
    commit(store, &pairing, Commit { closed, ..Commit::default() }).await?;
    let [first, rest @ ..] = near;
    same("intents", &store.head(&pairing).await?.intents, &intents(&rest))?;
    let mut expected = vec![JournalEntry { outcome: Some("carried out".to_owned()), ..first }];
    expected.extend(rest);
    expected.reverse();
    same("journal", &super::journal(store, &pairing, 10).await?, &expected)
}

pub(super) async fn outcome_of_a_repeated_number(store: &dyn StateStore) -> Checked {
    let pairing = pairing();
    // A write that was not carried out is planned again, and may get the same number.
    for outcome in ["not carried out", "carried out"] {
        store.journal(&pairing, &[entry(1, Side::B, 1)]).await?;
        let closed = vec![closed(1, Side::B, 1, outcome)];
        commit(store, &pairing, Commit { closed, ..Commit::default() }).await?;
    }
    store.journal(&pairing, &[entry(1, Side::B, 1)]).await?;
    let outcomes: Vec<_> =
        super::journal(store, &pairing, 10).await?.into_iter().map(|entry| entry.outcome).collect();
    let expected = [None, Some("carried out"), Some("not carried out")].map(|text| text.map(str::to_owned));
    same("outcomes, newest first", &outcomes, &expected.to_vec())?;
    same("intents", &store.head(&pairing).await?.intents.len(), &1)
}

/// Entries that differ in everything that can be asked for, oldest first, as they are stored.
async fn various(store: &dyn StateStore, rounds: &[u64]) -> Result<Vec<JournalEntry>, Fault> {
    let pairing = pairing();
    for (number, round) in (1..).zip(rounds) {
        let mut made = entry(number % 3, if number % 2 == 0 { Side::A } else { Side::B }, number);
        made.round = RoundId(*round);
        if number % 4 == 0 {
            made.losing = Some(Losing {
                side: made.side,
                series: series("uid", "verloren"),
                modified: Some(at(1)),
                paths: vec!["master.subject".to_owned()],
                by: LostBy::Policy,
            });
        }
        // What another pairing journals in between is not found here.
        store.journal(&PairingId::new("huber"), std::slice::from_ref(&made)).await?;
        store.journal(&pairing, &[made]).await?;
    }
    let mut all = store.journal_entries(&pairing, &JournalQuery::default()).await?;
    all.reverse();
    same("how many", &all.len(), &rounds.len())?;
    Ok(all)
}

async fn asked(store: &dyn StateStore, all: &[JournalEntry], query: JournalQuery) -> Checked {
    let found = store.journal_entries(&pairing(), &query).await?;
    let wanted: Vec<JournalEntry> = query.select(all).into_iter().cloned().collect();
    same(&format!("{query:?}"), &found, &wanted)
}

pub(super) async fn found_by_everything(store: &dyn StateStore) -> Checked {
    let all = various(store, &[1, 1, 2, 2, 2, 3, 4, 4, 5, 5, 5, 5]).await?;
    let whole = JournalQuery::default;
    let middle = all.get(6).map(|entry| entry.id).unwrap_or_default();
    let some = all.iter().skip(2).step_by(3).map(|entry| entry.id).chain([EntryId(u64::MAX)]);
    asked(store, &all, JournalQuery::these(some)).await?;
    asked(store, &all, JournalQuery::these([])).await?;
    for link in 0..4 {
        asked(store, &all, JournalQuery { link: Some(LinkId(link)), ..whole() }).await?;
    }
    for round in 0..7 {
        asked(store, &all, JournalQuery { round: Some(RoundId(round)), ..whole() }).await?;
    }
    asked(store, &all, JournalQuery { lost: true, ..whole() }).await?;
    for seconds in [0, 1, 6, 12, 13] {
        asked(store, &all, JournalQuery { since: Some(at(seconds)), ..whole() }).await?;
    }
    for limit in [0, 1, 5, 100] {
        asked(store, &all, JournalQuery { before: Some(middle), limit, ..whole() }).await?;
    }
    asked(store, &all, JournalQuery { before: Some(EntryId(u64::MAX)), ..whole() }).await?;
    let everything = JournalQuery {
        link: Some(LinkId(2)),
        round: Some(RoundId(4)),
        lost: true,
        since: Some(at(5)),
        before: all.last().map(|entry| entry.id),
        limit: 3,
        ..whole()
    };
    holds("the check asks for something that is there", everything.select(&all).len() == 1)?;
    asked(store, &all, everything).await
}

pub(super) async fn newest_of_a_round(store: &dyn StateStore) -> Checked {
    let all = various(store, &[1, 1, 2, 1, 1, 1, 3]).await?;
    let ids = |range: std::ops::Range<usize>| -> Vec<EntryId> {
        all.iter().skip(range.start).take(range.len()).rev().map(|entry| entry.id).collect()
    };
    for (round, range) in [(1, 3..6), (2, 2..3), (3, 6..7), (4, 0..0)] {
        let query = JournalQuery { round: Some(RoundId(round)), ..JournalQuery::default() };
        let found = store.journal_entries(&pairing(), &query).await?;
        let found: Vec<EntryId> = found.iter().map(|entry| entry.id).collect();
        same(&format!("round {round}"), &found, &ids(range))?;
    }
    Ok(())
}

pub(super) async fn erased(store: &dyn StateStore) -> Checked {
    let (pairing, other) = (pairing(), PairingId::new("huber"));
    let mut expected = various(store, &[1, 2, 3, 4, 5, 6]).await?;
    let theirs = store.journal_entries(&other, &JournalQuery::default()).await?;
    let closed = vec![closed(1, Side::B, 1, "carried out")];
    commit(store, &pairing, Commit { closed, ..Commit::default() }).await?;
    if let Some(first) = expected.first_mut() {
        first.outcome = Some("carried out".to_owned());
    }
    let intents = store.head(&pairing).await?.intents;
    for (before, count) in [(Some(at(3)), 2), (Some(at(3)), 0), (None, 4)] {
        same("how many", &store.erase_journal(&pairing, before, at(99)).await?, &count)?;
        for entry in &mut expected {
            if before.is_none_or(|before| entry.at < before) {
                entry.erase(at(99));
            }
        }
        let newest: Vec<JournalEntry> = expected.iter().rev().cloned().collect();
        same("journal", &store.journal_entries(&pairing, &JournalQuery::default()).await?, &newest)?;
        asked(store, &expected, JournalQuery { lost: true, ..JournalQuery::default() }).await?;
    }
    same("the other pairing", &store.journal_entries(&other, &JournalQuery::default()).await?, &theirs)?;
    // What is still under way is not touched, and gets its outcome.
    same("intents", &store.head(&pairing).await?.intents, &intents)?;
    let closed = vec![self::closed(2, Side::A, 2, "refused")];
    commit(store, &pairing, Commit { closed, ..Commit::default() }).await?;
    let outcome = super::journal(store, &pairing, 9).await?.into_iter().rev().nth(1);
    same("outcome", &outcome.and_then(|entry| entry.outcome), &Some("refused".to_owned()))
}
