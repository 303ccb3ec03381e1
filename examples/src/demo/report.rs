//! What the exercise comes to, as one JSON document.

use calsync_core::ids::{PerSide, Side};
use calsync_core::sync::{Action, Reason};
use calsyncd::engine::Finished;
use serde::Serialize;

/// The whole exercise.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How many pairings.
    pub pairings: usize,
    /// How many appointments and series were entered at the start, on both sides together.
    pub appointments: usize,
    /// What was used to make them up.
    pub seed: u64,
    /// Round by round.
    pub rounds: Vec<RoundRow>,
    /// Whether both servers, read back past every client, show the same.
    pub in_step: bool,
    /// How many tiles were compared on each side.
    pub compared: usize,
    /// How many differ.
    pub differences: usize,
}

/// One round over all pairings.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RoundRow {
    /// Which.
    pub name: &'static str,
    /// What was done in NVS.
    pub nvs: SideRow,
    /// What was done on Exchange.
    pub exchange: SideRow,
    /// How long it took.
    pub duration_ms: u64,
    /// Pairings whose round ended before its time, and why.
    pub errors: Vec<String>,
}

/// What one round did on one side.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SideRow {
    /// Appointments made.
    pub created: u64,
    /// Appointments changed.
    pub updated: u64,
    /// Appointments deleted.
    pub deleted: u64,
    /// Appointments on which this side had to give way in a field that both had changed.
    pub conflicts: u64,
    /// Writes to this side that wait for a person.
    pub held: u64,
    /// Writes to this side that failed.
    pub failed: u64,
    /// Requests, as the server counted them.
    pub requests: u64,
    /// Bytes of requests and answers, as the server counted them.
    pub bytes: u64,
}

impl RoundRow {
    pub(super) fn new(name: &'static str) -> RoundRow {
        RoundRow { name, ..RoundRow::default() }
    }

    /// Writes to both sides together.
    pub fn writes(&self) -> u64 {
        [&self.nvs, &self.exchange].iter().map(|side| side.created + side.updated + side.deleted).sum()
    }

    fn side(&mut self, side: Side) -> &mut SideRow {
        match side {
            Side::A => &mut self.nvs,
            Side::B => &mut self.exchange,
        }
    }

    pub(super) fn add(&mut self, finished: &Finished) {
        if let Some(error) = finished.error() {
            self.errors.push(format!("{}: {error}", finished.pairing));
        }
        let Ok(report) = &finished.result else { return };
        for (side, done) in report.sides.iter() {
            let row = self.side(side);
            row.created += done.created;
            row.updated += done.updated;
            row.deleted += done.deleted;
            row.failed += done.failed;
        }
        for step in &report.plan.steps {
            let mut gives_way = PerSide::from_fn(|_| false);
            for conflict in &step.conflicts {
                if let Some(winner) = conflict.winner {
                    *gives_way.get_mut(winner.other()) = true;
                }
            }
            for (side, gave_way) in gives_way.iter() {
                self.side(side).conflicts += u64::from(*gave_way);
            }
            if step.action == Action::Hold {
                match step.reason {
                    Reason::TooManyDeletions(side) => self.side(side.other()).held += 1,
                    _ => Side::BOTH.into_iter().for_each(|side| self.side(side).held += 1),
                }
            }
        }
    }

    pub(super) fn broke(&mut self, error: &tokio::task::JoinError) {
        self.errors.push(error.to_string());
    }
}
