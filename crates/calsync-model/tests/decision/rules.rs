//! The settings that are tried, and which of them can make a difference to a case.

use calsync_core::ids::{PerSide, Side};
use calsync_core::link::{DeletionGuard, Direction};
use calsync_core::sync::{ConflictPolicy, Leaving, Outward, Private, ReadOnlyEdit, Settings, Window};

use super::people::{Act, Deed};
use super::starts::Start;

/// One combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub direction: Direction,
    pub conflict: ConflictPolicy,
    pub deletion_wins: bool,
    pub read_only: ReadOnlyEdit,
    /// For both sides.
    pub private: Private,
    /// With a window of sixty days, what becomes of those that leave it.
    pub window: Option<Leaving>,
}

impl Rules {
    pub const PLAIN: Rules = Rules {
        direction: Direction::Both,
        conflict: ConflictPolicy::Newer,
        deletion_wins: false,
        read_only: ReadOnlyEdit::Revert,
        private: Private::Pass,
        window: None,
    };

    /// Every combination.
    pub fn all() -> Vec<Rules> {
        let mut all = Vec::new();
        for direction in [Direction::Both, Direction::AToB, Direction::BToA] {
            for conflict in POLICIES {
                for deletion_wins in [false, true] {
                    for read_only in [ReadOnlyEdit::Revert, ReadOnlyEdit::Ignore, ReadOnlyEdit::Report] {
                        for private in [Private::Pass, Private::Skip, Private::Mask] {
                            for window in WINDOWS {
                                all.push(Rules {
                                    direction,
                                    conflict,
                                    deletion_wins,
                                    read_only,
                                    private,
                                    window,
                                });
                            }
                        }
                    }
                }
            }
        }
        all
    }

    pub fn settings(&self) -> Settings {
        let outward = Outward { private: self.private, ..Outward::default() };
        Settings {
            direction: self.direction,
            conflict: self.conflict,
            deletion_wins: self.deletion_wins,
            read_only_edit: self.read_only,
            outward: PerSide { a: outward.clone(), b: outward },
            window: self
                .window
                .map_or_else(Window::default, |_| Window { past_days: None, future_days: Some(60) }),
            leaving: self.window.unwrap_or_default(),
            // With one or two appointments in the calendar every deletion would be too many.
            guard: DeletionGuard { count: 5, percent: 100 },
            ..Settings::default()
        }
    }

    /// Whether each of these settings is one that the deeds give something to decide: without a deletion it is all the same
    /// who wins against one, and so on. A case in which a setting decides nothing is tried with the setting's first value
    /// only.
    pub fn matter(&self, start: Start, deeds: &[Deed]) -> bool {
        let deeds: Vec<(Side, Act)> = deeds.iter().map(|deed| (deed.side, deed.act)).collect();
        self.decide(start, &deeds)
    }

    /// Whether that can become so by as many deeds more.
    pub fn can_matter(&self, start: Start, deeds: &[(Side, Act)], more: usize) -> bool {
        let with = |deed: (Side, Act)| self.can_matter(start, &[deeds, &[deed]].concat(), more - 1);
        self.decide(start, deeds)
            || more > 0
                && Side::BOTH.into_iter().any(|side| {
                    // One of each kind that is asked for; what the others do gives no setting anything to decide.
                    [Act::Subject, Act::Delete, Act::Private, Act::Far]
                        .into_iter()
                        .any(|act| with((side, act)))
                })
    }

    fn decide(&self, start: Start, deeds: &[(Side, Act)]) -> bool {
        let did = |acts: &[Act]| deeds.iter().any(|(_, act)| acts.contains(act));
        let by = |wanted: Side| deeds.iter().any(|(side, _)| *side == wanted);
        let both = by(Side::A) && by(Side::B);
        let one_way = self.direction != Direction::Both;
        let hides = self.private != Private::Pass;
        (self.conflict == ConflictPolicy::Newer || both)
            && (!self.deletion_wins || did(&[Act::Delete, Act::CancelOne]))
            && (self.read_only == ReadOnlyEdit::Revert || one_way || hides)
            && (!hides || start.private() || did(&[Act::Private]))
            && (self.window.is_none() || did(&[Act::Far]))
            && (self.window.is_some() || !did(&[Act::Far]))
    }
}

pub const POLICIES: [ConflictPolicy; 4] = [
    ConflictPolicy::Newer,
    ConflictPolicy::Prefer(Side::A),
    ConflictPolicy::Prefer(Side::B),
    ConflictPolicy::Hold,
];

const WINDOWS: [Option<Leaving>; 4] = [None, Some(Leaving::Keep), Some(Leaving::Delete), Some(Leaving::Hold)];
