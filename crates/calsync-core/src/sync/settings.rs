//! How one pairing is to be kept in step.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::scope::{Leaving, Window};
use super::view::{CategoryNames, Outward};
use crate::ids::{PerSide, Side};
use crate::link::{DeletionGuard, Direction};
use crate::model::Field;

/// What happens when both sides changed the same field differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// The side that was changed last; where the clocks are too close to tell, side `A`.
    Newer,
    /// Always this side.
    Prefer(Side),
    /// A person decides.
    Hold,
}

/// What happens to a change on a side from which nothing may be carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadOnlyEdit {
    /// It is taken back.
    #[default]
    Revert,
    /// It stays, and is not carried.
    Ignore,
    /// It stays, and a person is told.
    Report,
}

/// Whether files are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentPolicy {
    /// Files up to this size; larger ones stay where they are, and the report says so.
    Carry {
        /// The most bytes of one file.
        max_bytes: u64,
    },
    /// No files: each side keeps its own.
    Skip,
}

impl Default for AttachmentPolicy {
    /// Up to 10 MiB.
    fn default() -> Self {
        AttachmentPolicy::Carry { max_bytes: 10 << 20 }
    }
}

impl AttachmentPolicy {
    /// Why a file is left out, in words.
    pub(crate) fn too_large(self) -> String {
        match self {
            AttachmentPolicy::Carry { max_bytes } => {
                format!("a file is larger than {max_bytes} bytes and is not carried")
            }
            AttachmentPolicy::Skip => "files are not carried".to_owned(),
        }
    }
}

/// Which changes of many appointments at once wait for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeGuard {
    /// None.
    Off,
    /// Those that move them all by the same time, as a wrong clock or time zone does.
    #[default]
    Shifts,
    /// These, and changes of any kind of more than half of all appointments.
    Any,
}

/// The settings of a pairing that the engine reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Which way changes go.
    pub direction: Direction,
    /// What happens when both sides changed the same field.
    pub conflict: ConflictPolicy,
    /// The same for single fields.
    pub conflict_by_field: BTreeMap<Field, ConflictPolicy>,
    /// What happens to a change that may not be carried.
    pub read_only_edit: ReadOnlyEdit,
    /// Whether a deletion wins over an edit made at the same time.
    pub deletion_wins: bool,
    /// When deletions wait for a person.
    pub guard: DeletionGuard,
    /// Which changes of many appointments at once wait for a person.
    pub change_guard: ChangeGuard,
    /// Types of side `A` that side `B` may neither delete nor move: what is done there is only marked on `A`.
    pub protected: BTreeSet<String>,
    /// Which side wins where a first sync finds two different versions of one appointment. It says nothing where one side alone
    /// is written.
    pub lead: Side,
    /// What may leave each side, and how it is shown on the other.
    pub outward: PerSide<Outward>,
    /// Which time is kept in step.
    pub window: Window,
    /// What becomes of the counterpart of an appointment that left filter or window.
    pub leaving: Leaving,
    /// Names of types and categories.
    pub categories: CategoryNames,
    /// Whether files are carried.
    pub attachments: AttachmentPolicy,
    /// How far each server's clock can be off ours, in seconds, beyond what was measured.
    pub clock_uncertainty: u32,
    /// Who keeps these calendars in step, as it is said in the marks that are left in them: a copy of the whole installation
    /// for tests has to say something else, and then refuses to touch them.
    pub installation: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            direction: Direction::Both,
            conflict: ConflictPolicy::Newer,
            conflict_by_field: BTreeMap::new(),
            read_only_edit: ReadOnlyEdit::Revert,
            deletion_wins: false,
            guard: DeletionGuard { count: 5, percent: 20 },
            change_guard: ChangeGuard::default(),
            protected: BTreeSet::new(),
            lead: Side::A,
            outward: PerSide::default(),
            window: Window::default(),
            leaving: Leaving::Keep,
            categories: CategoryNames::default(),
            attachments: AttachmentPolicy::default(),
            clock_uncertainty: 2,
            installation: String::new(),
        }
    }
}

impl Settings {
    /// Whether the settings want this field carried at all.
    pub(super) fn carries(&self, field: Field) -> bool {
        field != Field::Attachments || self.attachments != AttachmentPolicy::Skip
    }

    /// Which side wins where two versions of one appointment are put together: the one that changes come from, where they go one
    /// way.
    pub(super) fn leading(&self) -> Side {
        match self.direction {
            Direction::Both => self.lead,
            Direction::AToB => Side::A,
            Direction::BToA => Side::B,
        }
    }

    /// The policy for one field.
    pub fn conflict_policy(&self, field: Field) -> ConflictPolicy {
        self.conflict_by_field.get(&field).copied().unwrap_or(self.conflict)
    }
}

/// How far a server's clock is ahead of ours, in milliseconds; what is known of each side.
pub type ClockOffsets = PerSide<Option<i64>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_needs_both_a_number_and_a_share_or_an_emptied_side() {
        let guard = DeletionGuard { count: 5, percent: 20 };
        assert!(!guard.holds(5, 10), "five are always allowed");
        assert!(guard.holds(6, 29));
        assert!(!guard.holds(6, 30), "20 % of 30 is 6, not more");
        assert!(guard.holds(2, 2), "a side that is suddenly empty");
        assert!(!guard.holds(1, 1), "the only appointment may be deleted");
        let off = DeletionGuard { count: 5, percent: 100 };
        assert!(!off.holds(2, 2) && !off.holds(30, 30), "a person allowed it");
    }
}
