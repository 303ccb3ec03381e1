//! Why a link waits for a person, what that person can answer, and what the answer is about.
//!
//! An answer is bound to [`Hold::about`], a digest of what was asked: it never stands for something that changed after
//! the person looked at it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::DeletionGuard;
use crate::ids::{ContentHash, Side};

/// Why a link waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What was decided, in words.
    pub why: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whether it is a deletion that the guard held, and under which guard: it waits until a person approves it or
    /// sets another guard, however many appointments there are by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<DeletionGuard>,
    /// What kind of decision waits.
    pub kind: HoldKind,
    /// Digest of what a person is asked: the same as long as that is the same, whatever else happens to the link.
    pub about: ContentHash,
    /// What a person said to it. It stays until it was carried out, or until something else is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// What kind of decision waits for a person; `docs/conflict-rules.md` says what each answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// A deletion, one of too many at once.
    Deletion,
    /// Both sides changed the same, and the settings leave it to a person.
    Conflict,
    /// A change or deletion that may not be carried.
    NotCarried,
    /// It was deleted before and came back from an old copy.
    CameBack,
    /// The appointment is there twice.
    OurDouble,
    /// The appointment left filter or window.
    LeftScope,
    /// Taking back an earlier write would delete an item, one of too many at once.
    Undo,
    /// The two sides answer each other for ever.
    Oscillation,
    /// A change, one of too many at once.
    Changes,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: [HoldKind; 9] = [
        HoldKind::Deletion,
        HoldKind::Conflict,
        HoldKind::NotCarried,
        HoldKind::CameBack,
        HoldKind::OurDouble,
        HoldKind::LeftScope,
        HoldKind::Undo,
        HoldKind::Oscillation,
        HoldKind::Changes,
    ];

    /// The word for programs, as it is serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            HoldKind::Deletion => "deletion",
            HoldKind::Conflict => "conflict",
            HoldKind::NotCarried => "not_carried",
            HoldKind::CameBack => "came_back",
            HoldKind::OurDouble => "our_double",
            HoldKind::LeftScope => "left_scope",
            HoldKind::Undo => "undo",
            HoldKind::Oscillation => "oscillation",
            HoldKind::Changes => "changes",
        }
    }

    /// Why this is no answer to what waits, if it is none: conflicts are answered with a side, everything else with yes
    /// or no.
    pub fn refuses(self, answer: Answer) -> Option<&'static str> {
        let is_choice = self == HoldKind::Conflict;
        match answer {
            Answer::Approve | Answer::Reject if is_choice => {
                Some("a conflict is neither approved nor rejected: say whose values stand")
            }
            Answer::Prefer(_) if !is_choice => {
                Some("there are no two values to choose from: approve or reject it")
            }
            Answer::Approve | Answer::Reject | Answer::Prefer(_) => None,
        }
    }
}

/// What a person says to what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Do what was decided.
    Approve,
    /// Do the opposite, which never loses anything.
    Reject,
    /// The values of this side stand.
    Prefer(Side),
}
