//! What people ask for, on its way to the engine: placed in the state, and done by the next round.
//!
//! Where no service runs, that round is run here at once; where one does, it is told so.

use std::collections::BTreeMap;
use std::sync::Arc;

use calsync_core::ids::{LinkId, PairingId};
use calsync_core::link::{Link, Wish};
use calsync_core::store::{EntryId, JournalEntry, JournalQuery, StateStore as _, StoreError};
use calsync_store::{PairingRecord, PairingStore as _, SqliteStore};
use serde_json::{Value, json};

use super::{Answer, Complaint, Context, Exit, find, open_shared, print_json, sync};
use crate::clock;
use crate::config::Config;
use crate::service::Heartbeat;
use crate::texts::{Message, OrderText as T};

/// Who asks, in orders and journals.
const BY: &str = "command line";
/// How many links or entries are read together.
const PAGE: usize = 500;

/// The pairings that a command is about.
pub(super) async fn chosen(
    store: &SqliteStore,
    pairing: Option<&String>,
) -> Result<Vec<PairingRecord>, Complaint> {
    match pairing {
        Some(name) => Ok(vec![find(store, name).await?]),
        None => Ok(store.pairings().await?),
    }
}

/// What waits for a person, of these pairings.
pub(super) async fn held(
    store: &SqliteStore,
    records: &[PairingRecord],
) -> Result<Vec<(PairingRecord, Link)>, Complaint> {
    let mut held = Vec::new();
    for record in records {
        let mut after = None;
        loop {
            let page = store.held_links(&record.id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            held.extend(page.into_iter().map(|link| (record.clone(), link)));
        }
    }
    Ok(held)
}

/// The journal entry of that number, of one of these pairings.
pub(super) async fn entry(
    store: &SqliteStore,
    pairings: &[PairingId],
    id: EntryId,
) -> Result<Option<(PairingId, JournalEntry)>, Complaint> {
    for pairing in pairings {
        let found = store.journal_entries(pairing, &JournalQuery::these([id])).await?.pop();
        if let Some(entry) = found {
            return Ok(Some((pairing.clone(), entry)));
        }
    }
    Ok(None)
}

/// What is asked for, in the order in which it is to be done.
#[derive(Debug, Default)]
pub(super) struct Wishes(Vec<(PairingId, Wish)>);

impl Wishes {
    pub(super) fn add(&mut self, pairing: &PairingId, wish: Wish) {
        self.0.push((pairing.clone(), wish));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By pairing.
    pub(super) fn by_pairing(self) -> BTreeMap<PairingId, Vec<Wish>> {
        let mut by: BTreeMap<PairingId, Vec<Wish>> = BTreeMap::new();
        for (pairing, wish) in self.0 {
            by.entry(pairing).or_default().push(wish);
        }
        by
    }
}

/// Places what is asked for, and runs a round of each pairing unless a service does that. `so_far` is how the command
/// would end if all of it is done.
pub(super) async fn place(
    context: &Context,
    config: &Config,
    store: SqliteStore,
    wishes: Wishes,
    as_json: bool,
    so_far: Exit,
) -> Answer {
    let mut placed: Vec<(PairingRecord, Vec<u64>)> = Vec::new();
    for (pairing, wishes) in wishes.by_pairing() {
        let record = find(&store, pairing.as_str()).await?;
        let mut numbers = Vec::with_capacity(wishes.len());
        for wish in &wishes {
            numbers.push(store.order(&pairing, clock::now(), BY, wish).await?);
        }
        placed.push((record, numbers));
    }
    drop(store);
    let (run, wait): (Vec<_>, Vec<_>) = placed.into_iter().partition(|(record, _)| record.enabled);
    let own = match (run.is_empty(), Heartbeat::read(&config.store.directory)) {
        (false, None) => {
            let directory = config.store.directory.clone();
            match super::blocking(move || SqliteStore::open(directory)).await {
                Ok(store) => Some(store),
                // Another command runs rounds at this moment, or a service that just started.
                Err(StoreError::InUse(_)) => None,
                Err(error) => return Err(error.into()),
            }
        }
        (true, _) | (_, Some(_)) => None,
    };
    let mut documents: Vec<Value> = Vec::new();
    let mut tell = |placed: &[(PairingRecord, Vec<u64>)], text: T, word: &str| {
        for (record, numbers) in placed {
            let message = Message::new(text).with("pairing", &record.id).with("count", numbers.len());
            if !as_json {
                context.tell(&message);
            }
            documents.push(json!({ "pairing": record.id.as_str(), "orders": numbers, "result": word }));
        }
    };
    tell(&wait, T::PlacedPaused, "placed");
    let Some(store) = own else {
        tell(&run, T::PlacedNext, "placed");
        if as_json {
            print_json(&json!({ "result": result_word(so_far), "pairings": documents }));
        }
        return Ok(so_far);
    };
    let records = run.into_iter().map(|(record, _)| record).collect();
    let (exit, rounds) = sync::now(context, config, store, records, as_json).await?;
    documents.extend(rounds);
    let exit = exit.max(so_far);
    if as_json {
        print_json(&json!({ "result": result_word(exit), "pairings": documents }));
    }
    Ok(exit)
}

/// Says what a round would do if it was asked for this; writes nothing.
pub(super) async fn preview(
    context: &Context,
    config: &Config,
    store: SqliteStore,
    wishes: Wishes,
    as_json: bool,
    so_far: Exit,
) -> Answer {
    let store = Arc::new(store);
    let (mut exit, mut documents) = (so_far, Vec::new());
    for (pairing, wishes) in wishes.by_pairing() {
        let record = find(&store, pairing.as_str()).await?;
        let (ended, rounds) =
            sync::plan_with(context, config, Arc::clone(&store), &record, &wishes, as_json).await?;
        exit = exit.max(ended);
        documents.extend(rounds);
    }
    if as_json {
        print_json(&json!({ "result": result_word(exit), "pairings": documents }));
    }
    Ok(exit)
}

/// The word for programs, as `sync` says it.
pub(super) fn result_word(exit: Exit) -> &'static str {
    match exit {
        Exit::Good => "ok",
        Exit::Incomplete => "incomplete",
        Exit::Failed | Exit::Usage => "failed",
    }
}

/// Opens the state; where nothing was ever done there is nothing to look at.
pub(super) async fn look(context: &Context) -> Result<(Config, SqliteStore), Complaint> {
    let config = context.config()?;
    let store = open_shared(&config).await?;
    Ok((config, store))
}

/// What is said to a link that does not wait.
pub(super) fn not_held(link: LinkId) -> Complaint {
    Complaint::Usage(Message::new(T::NotHeld).with("link", link))
}
