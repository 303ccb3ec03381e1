//! Changes of many appointments at once that nobody can have meant.
//!
//! A wrong clock or time zone moves everything on a side by the same time; a program that went wrong changes everything.
//! Before the first decision the changes of each side are counted; where they are too many, all of that side wait for a
//! person. Changes that wait already are not counted again: what people do meanwhile is carried.

use std::collections::BTreeMap;

use chrono::Duration;

use super::reconcile::BATCH;
use super::{Stop, Work};
use crate::ids::{PerSide, Side};
use crate::link::{Half, HoldKind};
use crate::sync::settings::ChangeGuard;
use crate::sync::verdict::State;

/// So many changes at once never wait.
const FEW: u64 = 20;
/// No clock on Earth is further from another.
const CLOCKS_APART: Duration = Duration::hours(14);
/// A day that is told as an instant of another zone becomes the day before or after.
const DAYS_APART: Duration = Duration::hours(24);

/// The changes of one side in one round.
#[derive(Debug, Default)]
struct Tally {
    changed: u64,
    /// How many moved by that many seconds.
    moved: BTreeMap<i64, u64>,
}

impl Tally {
    fn count(&mut self, half: &Half) {
        self.changed += 1;
        if let Some(seconds) = shift(half) {
            *self.moved.entry(seconds).or_default() += 1;
        }
    }

    /// Whether they are too many to be meant, out of `linked` appointments.
    fn is_too_much(&self, guard: ChangeGuard, linked: u64) -> bool {
        let alike = self.moved.values().any(|moved| *moved > FEW);
        match guard {
            ChangeGuard::Off => false,
            ChangeGuard::Shifts => alike,
            ChangeGuard::Any => alike || (self.changed > FEW && self.changed.saturating_mul(2) > linked),
        }
    }
}

/// By how many seconds its start was moved, if a wrong clock could have done that.
fn shift(half: &Half) -> Option<i64> {
    let was = &half.shadow.as_ref()?.series.event.span;
    let is = &half.sighting()?.series.event.span;
    let moved = match (was.start.instant(), is.start.instant()) {
        (Some(was), Some(is)) => is.signed_duration_since(was),
        (_, _) => is.start.local().signed_duration_since(was.start.local()),
    };
    let most = if is.is_all_day() { DAYS_APART } else { CLOCKS_APART };
    (!moved.is_zero() && moved.abs() <= most).then(|| moved.num_seconds())
}

/// Whether it says something else than when both were in step: what was only put back does not.
fn says_otherwise(half: &Half) -> bool {
    let was = half.shadow.as_ref().map(|shadow| &shadow.series);
    State::of(Some(half)) == State::Changed && was != half.sighting().map(|sighting| &sighting.series)
}

impl Work {
    /// On which side there are too many changes to be meant. A first sync has none: nothing was in step before.
    pub(super) async fn count_changes(&self, linked: u64) -> Result<PerSide<bool>, Stop> {
        let guard = self.input.settings.change_guard;
        let mut tallies: PerSide<Tally> = PerSide::default();
        if guard == ChangeGuard::Off || !self.head.first_sync_done {
            return Ok(PerSide::default());
        }
        let mut after = None;
        loop {
            let links = self.port.due_links(after, self.input.now, BATCH).await?;
            for link in &links {
                if link.hold.as_ref().is_some_and(|hold| hold.kind == HoldKind::Changes) {
                    continue;
                }
                for side in Side::BOTH {
                    if let Some(half) = link.halves.get(side)
                        && says_otherwise(half)
                    {
                        tallies.get_mut(side).count(half);
                    }
                }
            }
            match links.last() {
                Some(last) if links.len() == BATCH => after = Some(last.id),
                Some(_) | None => break,
            }
        }
        Ok(PerSide::from_fn(|side| tallies.get(side).is_too_much(guard, linked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Observation;
    use crate::sync::examples::{at_place, half, once};

    fn tally(changed: u64, alike: u64) -> Tally {
        Tally { changed, moved: BTreeMap::from([(3_600, alike)]) }
    }

    #[test]
    fn so_many_changes_are_too_many() {
        use ChangeGuard::{Any, Off, Shifts};
        for (guard, changed, alike, linked, too_many) in [
            (Shifts, 100, FEW, 100, false),
            (Shifts, 100, FEW + 1, 1_000, true),
            (Any, FEW, 0, FEW, false),
            (Any, FEW + 1, 0, 2 * FEW + 1, true),
            (Any, FEW + 1, 0, 2 * FEW + 2, false),
            (Off, 100, 100, 100, false),
        ] {
            assert_eq!(
                tally(changed, alike).is_too_much(guard, linked),
                too_many,
                "{guard:?} {changed} {alike}"
            );
        }
    }

    #[test]
    fn what_says_something_else_is_changed() {
        assert!(says_otherwise(&half("a1", &once(), &at_place(&once(), "Ulm"))));
        let mut put_back = half("a1", &once(), &at_place(&once(), "Ulm"));
        if let Some(Observation::Present(sighting)) = &mut put_back.seen {
            (sighting.series, sighting.put_back) = (once(), true);
        }
        assert!(!says_otherwise(&put_back));
        assert!(!says_otherwise(&half("a1", &once(), &once())));
        let unread = half("a1", &once(), &once());
        let seen = Some(Observation::Unread(String::new()));
        assert!(!says_otherwise(&Half { seen, ..unread }), "nobody knows what it says");
    }
}
