//! A plan as a value: what a round does and why, to be printed, stored, compared and carried out.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scope::Outside;
use crate::ids::{LinkId, PairingId, Side};

/// What one round does, in the order it does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// For which pairing.
    pub pairing: PairingId,
    /// What is done, link by link.
    pub steps: Vec<Step>,
}

/// What is done about one link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which link.
    pub link: LinkId,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// What changes, in words: `master.subject`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Fields that both sides changed, and who won.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// What is unusual about how the side will hold it: see [`Fit`](crate::source::Fit).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a [`Step`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Makes a counterpart on this side.
    Create(Side),
    /// Changes the item of this side.
    Update(Side),
    /// Deletes the item of this side.
    Delete(Side),
    /// Takes two items for one appointment.
    Pair,
    /// Waits for a person.
    Hold,
    /// Leaves it as it is.
    Leave,
}

/// Why a [`Step`] is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The item is new on this side.
    NewOn(Side),
    /// The item was changed on this side.
    ChangedOn(Side),
    /// The item was changed on both sides.
    ChangedOnBoth,
    /// The item was deleted on this side.
    DeletedOn(Side),
    /// The item was deleted on this side and edited on the other, and the edit wins.
    EditBeatsDeletion(Side),
    /// The item was deleted on this side and edited on the other, and the deletion wins.
    DeletionBeatsEdit(Side),
    /// Changes on this side are not carried, and were taken back.
    Reverted(Side),
    /// Changes on this side are not carried.
    NotCarried(Side),
    /// Both items are the same appointment.
    SameAppointment(Likeness),
    /// More deletions on this side than can be meant.
    TooManyDeletions(Side),
    /// Both sides changed the same, and the settings leave it to a person.
    Conflict,
    /// The appointment was deleted before and came back on this side from an old copy.
    CameBack(Side),
    /// The item of this side is out of scope, and gets no counterpart.
    OutOfScope(Side, Outside),
    /// The item of this side left the scope.
    LeftScope(Side, Outside),
    /// Nothing changed but the rules.
    RulesChanged,
    /// There are two items for one appointment on this side: an answer came too late, or a person put back what was made anew.
    OurDouble(Side),
    /// More changes on this side than can be meant.
    TooManyChanges(Side),
    /// What was done on this side is not allowed with an appointment of that type: it is marked, then taken back.
    Protected(Side),
    /// Both sides answered each other's change for too long: two programs write this appointment.
    Oscillation,
    /// A person does not want what was deleted on this side to be deleted.
    Rejected(Side),
    /// Both sides changed the same, and a person chose this side.
    Chosen(Side),
    /// A person takes back an earlier write to this side.
    Undo(Side),
    /// A side went back in time, and this one was chosen to lead.
    Leads(Side),
}

/// By what two items were taken for the same appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// One carries our receipt for the other.
    Receipt,
    /// They share a UID.
    Uid,
    /// Subject, start and end agree, and nothing else on either side does.
    Content,
}

/// A field that both sides changed to different values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Where: `master.subject`, `instance 2026-11-24T08:00:00 span`.
    pub path: String,
    /// Whose value stands; `None`: a person decides.
    pub winner: Option<Side>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NewOn(side) => write!(f, "new on {side}"),
            Reason::ChangedOn(side) => write!(f, "changed on {side}"),
            Reason::ChangedOnBoth | Reason::Conflict => f.write_str("changed on both"),
            Reason::DeletedOn(side) => write!(f, "deleted on {side}"),
            Reason::EditBeatsDeletion(side) => write!(f, "deleted on {side}, but edited on {}", side.other()),
            Reason::DeletionBeatsEdit(side) => write!(f, "edited on {}, but deleted on {side}", side.other()),
            Reason::Reverted(side) => write!(f, "changed on {side}, which is not carried: taken back"),
            Reason::NotCarried(side) => write!(f, "{side} is not carried to {}", side.other()),
            Reason::SameAppointment(Likeness::Receipt) => f.write_str("the same by our receipt"),
            Reason::SameAppointment(Likeness::Uid) => f.write_str("the same by UID"),
            Reason::SameAppointment(Likeness::Content) => f.write_str("the same by subject, start and end"),
            Reason::TooManyDeletions(side) => write!(f, "deleted on {side}: too many at once to be meant"),
            Reason::CameBack(side) => write!(f, "was deleted before and came back on {side}"),
            Reason::OutOfScope(side, why) => write!(f, "{side} is not carried: {why}"),
            Reason::LeftScope(side, why) => write!(f, "no longer carried from {side}: {why}"),
            Reason::RulesChanged => f.write_str("the rules changed"),
            Reason::Leads(side) => write!(f, "{side} leads since a side went back in time"),
            Reason::OurDouble(side) => write!(f, "there twice on {side}: delete one of the two"),
            Reason::TooManyChanges(side) => write!(f, "changed on {side}: too many at once to be meant"),
            Reason::Protected(side) => {
                write!(f, "deleted or moved on {side}, where its type may not be: marked, then taken back")
            }
            Reason::Oscillation => {
                f.write_str("written to and fro too often: two programs answer each other")
            }
            Reason::Rejected(side) => write!(f, "deleted on {side}, which a person rejected"),
            Reason::Chosen(side) => write!(f, "changed on both, and a person chose {side}"),
            Reason::Undo(side) => write!(f, "a person takes back what was written to {side}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, side) = match self.action {
            Action::Create(side) => ("create", Some(side)),
            Action::Update(side) => ("update", Some(side)),
            Action::Delete(side) => ("delete", Some(side)),
            Action::Pair => ("pair", None),
            Action::Hold => ("hold", None),
            Action::Leave => ("leave", None),
        };
        let side = match side {
            Some(Side::A) => "A",
            Some(Side::B) => "B",
            None => "-",
        };
        write!(f, "{verb:<7} {side}  link {}  {}", self.link, self.reason)?;
        if !self.paths.is_empty() {
            write!(f, ": {}", self.paths.join(", "))?;
        }
        if !self.notes.is_empty() {
            write!(f, " ({})", self.notes.join("; "))?;
        }
        for conflict in &self.conflicts {
            match conflict.winner {
                Some(winner) => write!(f, " [{}: {winner} wins]", conflict.path)?,
                None => write!(f, " [{}: waits]", conflict.path)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}
