//! Everything that the public interface of the store shows, and which of it may be there after a crash.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use calsync_core::ids::{PairingId, Side};
use calsync_core::link::{Half, Head, Link, Tombstone};
use calsync_core::store::{Counts, JournalEntry, JournalQuery, StateStore};
use calsync_store::{PairingRecord, PairingStore, RunRecord, SqliteStore};

use crate::sample::half;

/// The pairings that scenarios work with.
pub(crate) const PAIRINGS: [&str; 2] = ["meier", "schmidt"];

/// Scenarios use links below this number.
pub(crate) const LINKS: u64 = 48;

/// What the store shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) state: State,
    /// Of each pairing, the newest first.
    pub(crate) journal: Vec<Vec<JournalEntry>>,
    /// The history, of which a power failure may take back the end.
    pub(crate) runs: Vec<Vec<RunRecord>>,
}

/// What is in the state file, but for the history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) registered: Vec<PairingRecord>,
    pub(crate) pairings: BTreeMap<PairingId, Known>,
}

/// What is known of a pairing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) head: Head,
    pub(crate) links: Vec<Link>,
    counts: Counts,
    tombstones: Vec<Tombstone>,
}

/// Under what tombstones are looked for.
static BURIED: OnceLock<Vec<Half>> = OnceLock::new();

/// Asks the store for all that it holds. That its indexes and counters say the same is what its own check looks at.
pub(crate) async fn see(store: &SqliteStore) -> Seen {
    let mut seen = Seen {
        state: State { registered: store.pairings().await.unwrap(), pairings: BTreeMap::new() },
        journal: Vec::new(),
        runs: Vec::new(),
    };
    let buried = BURIED.get_or_init(|| (0..LINKS).map(|id| half(&format!("A{id}"))).collect());
    for name in PAIRINGS {
        let id = PairingId::new(name);
        let head = store.head(&id).await.unwrap();
        let known = Known {
            links: store.links(&id, None, usize::MAX).await.unwrap(),
            counts: store.counts(&id).await.unwrap(),
            tombstones: store.tombstones(&id, Side::A, buried).await.unwrap(),
            head,
        };
        seen.state.pairings.insert(id.clone(), known);
        seen.journal.push(store.journal_entries(&id, &JournalQuery::default()).await.unwrap());
        seen.runs.push(store.runs(&id, usize::MAX).await.unwrap());
    }
    seen
}

/// What may be there after a crash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowed {
    /// State and journal that belong together.
    pub(crate) states: Vec<(State, Vec<Vec<JournalEntry>>)>,
    /// The history on its own.
    pub(crate) runs: Vec<Vec<Vec<RunRecord>>>,
}

impl Allowed {
    pub(crate) fn add(&mut self, seen: &Seen) {
        self.states.push((seen.state.clone(), seen.journal.clone()));
        self.runs.push(seen.runs.clone());
    }

    /// What is wrong with what was seen, if it is.
    pub(crate) fn objection(&self, seen: &Seen) -> Option<String> {
        if !self.runs.contains(&seen.runs) {
            return Some(format!("history: {}\nallowed: {}", short(&seen.runs), short(&self.runs)));
        }
        if self.states.iter().any(|(state, journal)| *state == seen.state && *journal == seen.journal) {
            return None;
        }
        let differences = self.states.iter().map(|(state, journal)| {
            let mut text = "not like one of what is allowed:".to_owned();
            let mut differ = |what: &str, found: String, wanted: String| {
                if found != wanted {
                    let at =
                        found.bytes().zip(wanted.bytes()).take_while(|(one, other)| one == other).count();
                    let near = |text: &str| {
                        String::from_utf8_lossy(
                            text.as_bytes().get(at.saturating_sub(60)..).unwrap_or_default(),
                        )
                        .chars()
                        .take(200)
                        .collect::<String>()
                    };
                    text.extend(["\n  ", what, ": ...", &near(&found), "\n      not ...", &near(&wanted)]);
                }
            };
            differ("registered", short(&seen.state.registered), short(&state.registered));
            for (name, known) in &state.pairings {
                differ(name.as_str(), format!("{:?}", seen.state.pairings[name]), format!("{known:?}"));
            }
            differ("journal", format!("{:?}", seen.journal), format!("{journal:?}"));
            text
        });
        Some(differences.collect::<Vec<_>>().join("\n"))
    }
}

fn short(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").chars().take(600).collect()
}
