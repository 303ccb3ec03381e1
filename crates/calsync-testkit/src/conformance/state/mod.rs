//! The rules of a state store.

mod build;
mod commits;
#[cfg(test)]
mod defects;
mod journal;
mod leases;
mod links;
mod orders;
mod walk;

use std::future::Future;
use std::pin::Pin;

use calsync_core::ids::{LinkId, PairingId};
use calsync_core::link::Link;
use calsync_core::store::{Commit, EntryId, JournalEntry, JournalQuery, StateStore, StoreError};

use super::{Checked, Fault, holds};

pub(super) type Check = for<'a> fn(&'a dyn StateStore) -> Pin<Box<dyn Future<Output = Checked> + 'a>>;

macro_rules! rules {
    ($($rule:literal => $check:path;)+) => {
        /// Every rule with its check.
        pub(super) const RULES: &[(&str, Check)] = &[$(($rule, |store| Box::pin($check(store)))),+];
    };
}

rules! {
    "of an unknown pairing nothing is known, and asking does not make it known" => commits::unknown_pairing;
    "what one pairing stores is not seen by another" => commits::pairings_are_separate;
    "a commit counts the version up and is refused upon another one" => commits::version_is_checked;
    "a refused commit changes nothing at all" => commits::refused_changes_nothing;
    "of two commits upon one head exactly one succeeds" => commits::one_of_two_succeeds;
    "tokens, listings and the end of the first sync change only where a commit says so" => commits::head_follows_apply;
    "a change token of any size comes back as it was" => commits::large_tokens;
    "a reset forgets everything but the journal, and a round that runs meets a conflict" => commits::reset_keeps_the_journal;
    "a link comes back with everything in it" => links::round_trip;
    "a link that is put again is the new one only" => links::put_replaces;
    "a link that is removed is found nowhere, and one put in the same commit stays" => links::removed_is_gone;
    "an item that changes hands in a commit belongs to its new link, in whatever order they are put" => links::handed_over;
    "links come in order of ids, after the one that is named, as many as asked for" => links::pages_in_order;
    "a commit of 512 links is stored whole and read in pages of any size" => links::large_pages;
    "links by id come in order, each once, unknown ones left out" => links::by_id;
    "links by key are those of that side, in order, each once" => links::by_key;
    "keys that differ in case only are different" => links::keys_are_case_sensitive;
    "a lone half is found by every kind of key it has, and by no other" => links::lone_by_each_kind;
    "a half with a counterpart is not found as a lone one" => links::lone_only_while_lone;
    "due is what was seen and not dealt with, whatever was seen" => links::due_is_dirty;
    "what is set aside is due at its time and not before" => links::due_after_retry;
    "due links come in order, in pages" => links::due_in_pages;
    "unlisted is what appeared last in an earlier listing of that side" => links::unlisted;
    "held links are those that wait for a person, in order, in pages" => links::held_in_pages;
    "counts are those of the links that are there now" => links::counts;
    "a tombstone is found by a key of that side and by the UID" => links::tombstones;
    "a journaled write is an open intent, and does not move the version" => journal::opens_intents;
    "journal entries come newest first, as they were written, as many as asked for" => journal::newest_first;
    "a closed intent is no longer open, and its outcome is in the journal" => journal::closes_intents;
    "only the intent that is named is closed" => journal::closes_only_the_named;
    "an outcome belongs to the latest entry where a number was used again" => journal::outcome_of_a_repeated_number;
    "an order is in the head, as it was given, until a commit says that it is done" => orders::until_done;
    "an order counts the version up, so that a round that runs meets a conflict" => orders::ends_the_running_round;
    "a refused commit ends no order" => orders::refused_ends_none;
    "orders have numbers that grow and are never given twice, and a reset forgets them" => orders::numbers;
    "orders of one pairing are not those of another" => orders::pairings_are_separate;
    "journal entries are found by number, link, round, time, what was lost, and in pages" => journal::found_by_everything;
    "of rounds with one number the newest is meant" => journal::newest_of_a_round;
    "what is erased leaves the fact, of the entries that are meant and no others" => journal::erased;
    "a claim is given with the next fence, and does not move the version" => leases::next_fence;
    "only who saw the lease as it is may claim" => leases::only_as_seen;
    "of two claims upon one lease exactly one succeeds" => leases::one_of_two_succeeds;
    "a commit under any fence but the last is refused and changes nothing" => leases::commits_are_fenced;
    "entries under any fence but the last are refused and leave neither entry nor intent" => leases::intents_are_fenced;
    "renewals, commits and entries are signs of life" => leases::signs_of_life;
    "only who has it gives it back, and then nobody has it" => leases::given_back;
    "a reset leaves the lease as it is" => leases::reset_keeps_it;
    "leases of one pairing are not those of another" => leases::pairings_are_separate;
    "whatever is done in whatever order, every answer is that of the store in memory" => walk::like_the_store_in_memory;
}

/// Commits upon the head as it is now.
async fn commit(store: &dyn StateStore, pairing: &PairingId, commit: Commit) -> Result<(), StoreError> {
    let version = store.head(pairing).await?.version;
    store.commit(pairing, &Commit { version, ..commit }).await
}

/// The newest entries of the journal, without the numbers that the store gave, which go down.
async fn journal(
    store: &dyn StateStore,
    pairing: &PairingId,
    limit: usize,
) -> Result<Vec<JournalEntry>, Fault> {
    let entries = store.journal_entries(pairing, &JournalQuery::newest(limit)).await?;
    holds("the numbers of entries do not go down", entries.is_sorted_by(|one, next| one.id > next.id))?;
    holds("an entry has no number", entries.iter().all(|entry| entry.id != EntryId::default()))?;
    Ok(entries.into_iter().map(|entry| JournalEntry { id: EntryId::default(), ..entry }).collect())
}

/// Commits links.
async fn put(store: &dyn StateStore, pairing: &PairingId, links: &[Link]) -> Result<(), StoreError> {
    commit(store, pairing, Commit { put: links.to_vec(), ..Commit::default() }).await
}

/// Fails unless these are the links with these ids in this order.
fn same_ids(what: &str, got: &[Link], wanted: &[u64]) -> Checked {
    let got: Vec<u64> = got.iter().map(|link| link.id.0).collect();
    super::same(what, &got.as_slice(), &wanted)
}

/// Fails unless these links are equal in every part.
fn same_links(what: &str, got: &[Link], wanted: &[Link]) -> Checked {
    let ids = |links: &[Link]| links.iter().map(|link| link.id).collect::<Vec<LinkId>>();
    super::same(what, &ids(got), &ids(wanted))?;
    match got.iter().zip(wanted).find(|(got, wanted)| got != wanted) {
        None => Ok(()),
        Some((got, wanted)) => Err(Fault(format!("{what}: {got:?} instead of {wanted:?}"))),
    }
}
