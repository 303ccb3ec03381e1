//! Journal entries and open intents.

use calsync_core::ids::{CreateToken, ItemKey, LinkId, Revision, Side};
use calsync_core::link::Intent;
use calsync_core::model::SeriesPatch;
use calsync_core::source::WriteOp;
use calsync_core::store::{Closed, Commit, JournalEntry, StateStore};

use super::build::{entry, pairing, rich_series, series};
use super::commit;
use crate::conformance::{Checked, Fault, same};

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
    same("all", &store.journal_entries(&pairing, usize::MAX).await?, &expected)?;
    for limit in 0..expected.len() {
        let newest = expected.iter().take(limit).cloned().collect();
        same(&format!("the newest {limit}"), &store.journal_entries(&pairing, limit).await?, &newest)?;
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
        same("journal", &store.journal_entries(&pairing, 10).await?, &newest)?;
    }
    // More entries change nothing about the outcomes of earlier ones.
    let later = entry(9, Side::A, 1);
    store.journal(&pairing, std::slice::from_ref(&later)).await?;
    expected.push(later);
    expected.reverse();
    same("journal", &store.journal_entries(&pairing, 10).await?, &expected)
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
    same("journal", &store.journal_entries(&pairing, 10).await?, &expected)
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
        store.journal_entries(&pairing, 10).await?.into_iter().map(|entry| entry.outcome).collect();
    let expected = [None, Some("carried out"), Some("not carried out")].map(|text| text.map(str::to_owned));
    same("outcomes, newest first", &outcomes, &expected.to_vec())?;
    same("intents", &store.head(&pairing).await?.intents.len(), &1)
}
