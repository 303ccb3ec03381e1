//! What came up in a run, by kind.

use std::collections::BTreeMap;
use std::fmt;

/// Kinds that a run of some hundred cases must have met.
const WANTED: [&str; 47] = [
    "cases",
    "version exchange2007_sp1",
    "version exchange2010_sp2",
    "version exchange2013_sp1",
    "version exchange2016",
    "version exchange_se",
    "entered in nvs",
    "entered in exchange",
    "entered on both sides",
    "single timed",
    "single all-day",
    "series timed",
    "series all-day",
    "rhythm daily",
    "rhythm weekly",
    "rhythm monthly day",
    "rhythm monthly last day",
    "rhythm monthly nth",
    "rhythm yearly",
    "ends never",
    "ends by count",
    "ends by day",
    "starts in a gap",
    "starts in a fold",
    "crosses a change of the clocks",
    "private",
    "working elsewhere",
    "empty subject",
    "edited in nvs",
    "edited in exchange",
    "moved in nvs",
    "moved in exchange",
    "deleted in nvs",
    "deleted in exchange",
    "occurrence edited in nvs",
    "occurrence edited in exchange",
    "occurrence moved in nvs",
    "occurrence moved in exchange",
    "occurrence deleted in nvs",
    "occurrence deleted in exchange",
    "occurrence moved to another day",
    "edited on both sides",
    "edits followed to the other side",
    "syncs",
    "quiet rounds",
    "tiles compared",
    "refused: crosses its neighbour",
];

#[derive(Debug, Default, Clone)]
pub(crate) struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub(crate) fn count(&mut self, kind: impl Into<String>) {
        self.count_many(kind, 1);
    }

    pub(crate) fn count_many(&mut self, kind: impl Into<String>, many: u64) {
        *self.0.entry(kind.into()).or_default() += many;
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        for (kind, many) in &other.0 {
            self.count_many(kind, *many);
        }
    }

    pub(crate) fn missing(&self) -> Vec<&'static str> {
        WANTED.into_iter().filter(|kind| !self.0.contains_key(*kind)).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, many) in &self.0 {
            writeln!(f, "{many:>9}  {kind}")?;
        }
        Ok(())
    }
}
