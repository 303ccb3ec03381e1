//! Items of one side that bear one UID and are alike: one appointment that is there twice.

use std::collections::BTreeSet;

use super::reconcile::Case;
use super::{Stop, Work};
use crate::ids::{Side, Uid};
use crate::link::{Half, Link};
use crate::sync::decide::Suspicion;

impl Work {
    /// Suspects lone items whose UID another item of their side bears: of one that was put back while we made it anew, of one that
    /// was made twice, and of what an import doubled, both would be carried. The one that has a counterpart is the appointment;
    /// of several without, one goes first.
    pub(super) async fn find_twins(&mut self, cases: &mut [Case]) -> Result<(), Stop> {
        for side in Side::BOTH {
            let uids: BTreeSet<Uid> =
                cases.iter().filter_map(|case| lone_uid(&case.link, side)).cloned().collect();
            if uids.is_empty() {
                continue;
            }
            let mut bearers = self.port.links_by_uid(side, uids.into_iter().collect()).await?;
            // What was put together or read in this round is not stored yet as it is.
            bearers.retain(|stored| !cases.iter().any(|case| case.link.id == stored.id));
            bearers.extend(cases.iter().map(|case| case.link.clone()));
            for case in cases.iter_mut() {
                let Some(uid) = lone_uid(&case.link, side) else { continue };
                let goes_first = |twin: &Link| {
                    let (Some(own), Some(half)) = (case.link.halves.get(side), twin.halves.get(side)) else {
                        return false;
                    };
                    let comes_first =
                        || twin.lone_side().is_none() || rank(twin, side) < rank(&case.link, side);
                    twin.id != case.link.id
                        && half.key != own.key
                        && !half.is_gone()
                        && half.uid() == Some(uid)
                        && is_alike(own, half)
                        && comes_first()
                };
                if case.suspicion.is_none() && bearers.iter().any(goes_first) {
                    case.suspicion = Some(Suspicion::OurDouble);
                }
            }
        }
        Ok(())
    }
}

/// The UID of an item of this side that is there and has no counterpart.
fn lone_uid(link: &Link, side: Side) -> Option<&Uid> {
    let half = link.halves.get(side).as_ref().filter(|half| !half.is_gone())?;
    half.uid().filter(|_| link.lone_side() == Some(side))
}

/// Whether both may be one appointment. A program that gives many one UID means many.
fn is_alike(one: &Half, other: &Half) -> bool {
    let (Some((_, one)), Some((_, other))) = (one.latest(), other.latest()) else { return false };
    one.is_at_the_time_of(other) || one.event.subject == other.event.subject
}

/// Of several without counterpart the one that we wrote goes first, then the oldest.
fn rank(link: &Link, side: Side) -> impl Ord {
    let half = link.halves.get(side).as_ref();
    let created = half.and_then(Half::sighting).and_then(|sighting| sighting.created);
    (half.and_then(Half::receipt).is_none(), created, link.id)
}
