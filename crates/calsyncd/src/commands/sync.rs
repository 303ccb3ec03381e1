//! `sync` and `plan`: single rounds, now.

use std::sync::Arc;
use std::time::Duration;

use calsync_core::link::Wish;
use calsync_core::store::StoreError;
use calsync_core::sync::Became;
use calsync_store::{PairingRecord, PairingStore as _, RunOutcome, SqliteStore};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::{
    Answer, Complaint, Context, Exit, check, find, open, open_shared, orders, print, print_json, show,
};
use crate::check as checks;
use crate::cli::{Choice, Leader};
use crate::config::Config;
use crate::engine::{Engine, Finished, Servers};
use crate::texts::{Message, OutputText, PairingText};

pub(super) async fn sync(context: &Context, choice: &Choice) -> Answer {
    let config = context.config()?;
    let store = open(&config).await?;
    let records = chosen(&store, choice).await?;
    if let (Some(_), [record]) = (&choice.pairing, records.as_slice())
        && !record.enabled
    {
        return Err(Complaint::Failed(Message::new(PairingText::IsPaused).with("name", &record.id)));
    }
    let enabled: Vec<PairingRecord> = records.into_iter().filter(|record| record.enabled).collect();
    rounds(context, choice, &config, store, enabled, What::Sync).await
}

pub(super) async fn plan(context: &Context, choice: &Choice, lead: Option<Leader>) -> Answer {
    let config = context.config()?;
    let store = open_shared(&config).await?;
    let records = chosen(&store, choice).await?;
    let wishes: Vec<Wish> = lead.iter().map(|lead| Wish::Lead(lead.side())).collect();
    rounds(context, choice, &config, store, records, What::Plan(&wishes)).await
}

#[derive(Clone, Copy)]
enum What<'a> {
    Sync,
    Plan(&'a [Wish]),
}

async fn chosen(store: &SqliteStore, choice: &Choice) -> Result<Vec<PairingRecord>, Complaint> {
    match &choice.pairing {
        Some(name) => Ok(vec![find(store, name).await?]),
        None => Ok(store.pairings().await?),
    }
}

async fn rounds(
    context: &Context,
    choice: &Choice,
    config: &Config,
    store: SqliteStore,
    records: Vec<PairingRecord>,
    what: What<'_>,
) -> Answer {
    if records.is_empty() && !choice.json {
        context.warn(&Message::new(OutputText::StatusNoPairings));
    }
    let (exit, documents) = each(context, config, Arc::new(store), &records, what, choice.json).await?;
    if choice.json {
        print_json(&json!({ "result": orders::result_word(exit), "pairings": documents }));
    }
    Ok(exit)
}

/// One round now for each of these pairings, told as it ends; with `as_json` the documents are the caller's to print.
pub(super) async fn now(
    context: &Context,
    config: &Config,
    store: SqliteStore,
    records: Vec<PairingRecord>,
    as_json: bool,
) -> Result<(Exit, Vec<Value>), Complaint> {
    each(context, config, Arc::new(store), &records, What::Sync, as_json).await
}

/// What a round would do if this was asked for.
pub(super) async fn plan_with(
    context: &Context,
    config: &Config,
    store: Arc<SqliteStore>,
    record: &PairingRecord,
    wishes: &[Wish],
    as_json: bool,
) -> Result<(Exit, Vec<Value>), Complaint> {
    each(context, config, store, std::slice::from_ref(record), What::Plan(wishes), as_json).await
}

async fn each(
    context: &Context,
    config: &Config,
    store: Arc<SqliteStore>,
    records: &[PairingRecord],
    what: What<'_>,
    as_json: bool,
) -> Result<(Exit, Vec<Value>), Complaint> {
    let engine = Engine::new(Arc::new(Servers::from_config(config)?), store);
    let engine = engine.with_defaults(config.defaults.clone()).with_longest_request(config.longest_request());
    let engine = &engine;
    let mut finished = futures::stream::iter(records)
        .map(|record| async move {
            let finished = match what {
                What::Sync => in_turn(context, engine, record).await,
                What::Plan(wishes) => engine.plan_asked(record, wishes).await,
            };
            (record, finished)
        })
        // In the order of the list, so that two runs can be compared.
        .buffered(config.sync.concurrency);
    let mut exit = Exit::Good;
    let mut documents = Vec::new();
    while let Some((record, finished)) = finished.next().await {
        exit = exit.max(exit_of(&finished));
        if unmet(&finished) {
            exit = exit.max(Exit::Incomplete);
        }
        if as_json {
            documents.push(match what {
                What::Sync => show::round_json(record, &finished, context.lang),
                What::Plan(_) => show::plan_json(record, &finished, context.lang),
            });
        } else {
            print(&match what {
                What::Sync => show::round_text(&finished, context.lang),
                What::Plan(_) => show::plan_text(&finished, context.lang),
            });
        }
        if finished.outcome() == RunOutcome::Failed {
            advise(context, config, record, &finished).await;
        }
    }
    Ok((exit, documents))
}

/// One round, when nobody else works on the pairing: somebody who died over it is waited for, somebody who works is not.
async fn in_turn(context: &Context, engine: &Engine, record: &PairingRecord) -> Finished {
    let mut finished = engine.sync(record).await;
    let mut waited_for = None;
    while let Err(StoreError::Leased { holder, remains }) = &finished.result {
        // It was taken by somebody else, or gave a sign of life: the time that remains begins anew.
        if remains.is_zero() || waited_for.as_ref().is_some_and(|before| before <= remains) {
            break;
        }
        if waited_for.is_none() {
            let seconds = remains.as_secs().saturating_add(1);
            let waiting = Message::new(OutputText::WaitsForLease).with("pairing", &record.id);
            context.warn(&waiting.with("holder", holder).with("seconds", seconds));
        }
        waited_for = Some(*remains);
        tokio::time::sleep((*remains).min(LOOK_AGAIN)).await;
        finished = engine.sync(record).await;
    }
    finished
}

/// How often to look whether whoever has a pairing still lives.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Whether something that a person asked for was not done.
fn unmet(finished: &Finished) -> bool {
    let orders = finished.result.iter().flat_map(|report| &report.orders);
    orders.into_iter().any(|order| order.became != Became::CarriedOut)
}

fn exit_of(finished: &Finished) -> Exit {
    match finished.outcome() {
        RunOutcome::Ok => Exit::Good,
        RunOutcome::Held => Exit::Incomplete,
        RunOutcome::Failed => Exit::Failed,
    }
}

/// After a side failed: what exactly is wrong there, and what to do, in the reader's language.
async fn advise(context: &Context, config: &Config, record: &PairingRecord, finished: &Finished) {
    context.warn(&show::failure(finished));
    let Some(side) = finished.failed_side() else { return };
    if finished.went_back() {
        // That is all: nothing is wrong with the server.
        return;
    }
    let findings = checks::check_side(config, side, &check::paired(config, record)).await;
    let failures = checks::failures_to_text(&findings, context.lang);
    if failures.is_empty() {
        context.warn(&Message::new(OutputText::SeeCheck).with("pairing", &record.id));
    } else {
        super::complain(&failures);
    }
}
