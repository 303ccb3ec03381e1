//! What the settings say about the fields of one link: which may be written, who wins, what becomes of the rest.

use chrono::{DateTime, Duration, Utc};

use super::decide::Context;
use super::merge::FieldRules;
use super::protected;
use super::settings::{ConflictPolicy, ReadOnlyEdit};
use crate::defects::{Defect, planted};
use crate::ids::Side;
use crate::link::Link;
use crate::model::Field;

pub(super) struct Rules<'a> {
    link: &'a Link,
    context: &'a Context<'a>,
    /// The side with the original of a masked copy: nothing goes there.
    original: Option<Side>,
    /// Whose values a person chose, where the settings leave it to one.
    pub(super) chosen: Option<Side>,
    /// What happens to a change that may not be carried: as set, or as a person said.
    pub(super) forbidden: ReadOnlyEdit,
}

impl<'a> Rules<'a> {
    pub(super) fn new(link: &'a Link, context: &'a Context<'a>, original: Option<Side>) -> Rules<'a> {
        Rules { link, context, original, chosen: None, forbidden: context.settings.read_only_edit }
    }
}

impl FieldRules for Rules<'_> {
    fn may_write(&self, target: Side, field: Field) -> bool {
        let access = self.link.halves.get(target).as_ref().map(|half| half.access).unwrap_or_default();
        (self.context.settings.direction.writes(target) || planted(Defect::EditAgainstDirection))
            && (access.allows(field) || planted(Defect::AccessIgnored))
            && self.original != Some(target)
            && !(field == Field::Span
                && protected::shielded(self.link, self.context.settings) == Some(target))
            && !(field == Field::Subject && self.context.settings.dictates_subject_of(target.other()))
    }

    fn holds(&self, target: Side, field: Field) -> bool {
        // What a mask takes away is taken away, whether or not it would be carried now.
        let hides = self.original == Some(target.other());
        (!self.context.unheld.get(target).contains(&field) || planted(Defect::UnheldWritten))
            && (hides || self.context.settings.carries(field))
    }

    fn winner(&self, field: Field) -> Option<Side> {
        match self.context.settings.conflict_policy(field) {
            ConflictPolicy::Prefer(side) if planted(Defect::WrongSideWins) => Some(side.other()),
            ConflictPolicy::Prefer(side) => Some(side),
            ConflictPolicy::Hold if planted(Defect::HoldIgnored) => Some(self.newer()),
            ConflictPolicy::Hold => self.chosen,
            ConflictPolicy::Newer => Some(self.newer()),
        }
    }

    fn deletion_wins(&self) -> bool {
        self.context.settings.deletion_wins
    }

    fn read_only_edit(&self) -> ReadOnlyEdit {
        self.forbidden
    }
}

impl Rules<'_> {
    /// The side that was changed last by our clock; `A` where the clocks are too close to tell.
    fn newer(&self) -> Side {
        let changed = |side: Side| -> Option<DateTime<Utc>> {
            let modified = self.link.halves.get(side).as_ref()?.sighting()?.modified?;
            let offset = self.context.offsets.get(side).filter(|_| !planted(Defect::ClockOffsetIgnored));
            let offset = offset.unwrap_or_default();
            modified.checked_sub_signed(Duration::milliseconds(offset))
        };
        let uncertainty = Duration::seconds(i64::from(self.context.settings.clock_uncertainty));
        match (changed(Side::A), changed(Side::B)) {
            (Some(a), Some(b)) if b.signed_duration_since(a) > uncertainty => Side::B,
            _ => Side::A,
        }
    }
}
