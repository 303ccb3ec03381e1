//! What both sides are compared with after something went back in time.
//!
//! A shadow says how a side looked when both were in step. That is no longer true of a side that was put back, nor of all links
//! in a store that was. Here such shadows are replaced, and nothing else: what follows from them is decided, carried out and
//! repaired like any other change. Where a side leads, the other one counts as unchanged and what differs as changed by the
//! leading one; where our receipt in an item is newer than the link, the item it was left in says who changed since.

use super::original::original;
use super::settle::{Setting, shown_as};
use super::view::{Past, View};
use crate::ids::{Side, Uid};
use crate::link::{Half, Link, Observation, Shadow};
use crate::model::{Field, Series};
use crate::source::{Item, Receipt};

/// The link with the values of `lead` as the only changes: everything in which the other side differs is overruled, also
/// what `lead` has cleared, and what is missing on one side is made again there. `None` where a side could not be read.
pub(super) fn led_by(link: &Link, lead: Side, setting: &Setting<'_>) -> Option<Link> {
    let unread = |side: Side| {
        let half = link.halves.get(side).as_ref();
        half.is_some_and(|half| matches!(half.seen, Some(Observation::Unread(_))) || half.latest().is_none())
    };
    if unread(Side::A) || unread(Side::B) {
        return None;
    }
    let mut next = link.clone();
    (next.hold, next.retry) = (None, None);
    // No receipt says anything against it any more.
    let receipts = Side::BOTH.into_iter().filter_map(|side| receipt_of(link, side));
    next.writes = receipts.map(|receipt| receipt.number).fold(link.writes, u64::max);
    let masked = original(link, setting.pairing, setting.settings);
    // A copy is made of its original, whoever leads.
    let lead = masked.unwrap_or(lead);
    let gone = Side::BOTH.map(|side| link.halves.get(side).as_ref().is_some_and(Half::is_gone));
    match gone {
        [true, true] => {}
        [true, false] => make_again(&mut next, Side::A, masked),
        [false, true] => make_again(&mut next, Side::B, masked),
        [false, false] => {
            calm(next.halves.get_mut(lead.other()).as_mut());
            if setting.settings.direction.writes(lead.other()) {
                differ(&mut next, lead, &View::new(setting.settings, lead, masked), setting);
            } else {
                calm(next.halves.get_mut(lead).as_mut());
            }
        }
    }
    Some(next)
}

/// Whether the item that is there now is another one than the link knows: its key was given out anew after the side was
/// put back.
pub(super) fn is_stranger(link: &Link, side: Side, item: &Item) -> bool {
    let Some(half) = link.halves.get(side).as_ref().filter(|half| half.key == item.key) else { return false };
    let Some(theirs) = link.halves.get(side.other()) else { return false };
    let known = half.shadow.as_ref().map(|shadow| &shadow.series).or(half.latest().map(|(_, series)| series));
    let their_series = theirs.latest().map(|(_, series)| series);
    let names_theirs = item.receipt.as_ref().is_some_and(|receipt| receipt.names(&theirs.key, their_series));
    known.is_some_and(|known| known.uid != item.series.uid) && !names_theirs
}

/// The link without its item of this side, whose key is another item's now; what is on the other side is new again.
/// `None` where nothing is left of it.
pub(super) fn parted_from(link: &Link, side: Side) -> Option<Link> {
    let mut next = link.clone();
    *next.halves.get_mut(side) = None;
    (next.hold, next.retry, next.masked) = (None, None, None);
    next.generation = next.generation.saturating_add(1);
    let rest = next.halves.get_mut(side.other()).as_mut()?;
    if rest.is_gone() {
        return None;
    }
    as_new(rest);
    Some(next)
}

/// The link as the receipts in its items say it is, where one of them is newer than the link: then the store is older than
/// the items. The side on which the newest receipt still describes the item was not changed since, so what differs was
/// changed on the other one; and the other way round where the other side still shows what was written. Where both were
/// changed since, all that is known is how many writes there were.
pub(super) fn outranked(link: &Link, setting: &Setting<'_>) -> Option<Link> {
    let receipts =
        Side::BOTH.map(|side| receipt_of(link, side).filter(|receipt| receipt.number > link.writes));
    let (side, receipt) = match &receipts {
        [Some(a), Some(b)] if b.number > a.number => (Side::B, *b),
        [Some(a), _] => (Side::A, *a),
        [None, Some(b)] => (Side::B, *b),
        [None, None] => return None,
    };
    let mut next = link.clone();
    next.writes = receipt.number;
    next.masked = receipt.masked.then_some(side.other());
    next.memory.private_from = next.masked.or(next.memory.private_from);
    let masked = original(&next, setting.pairing, setting.settings);
    let other = link.halves.get(side.other()).as_ref();
    let (Some((_, mine)), Some(other)) = (link.halves.get(side).as_ref().and_then(Half::latest), other)
    else {
        return Some(next);
    };
    let was_paired =
        link.halves.iter().all(|(_, half)| half.as_ref().is_some_and(|half| half.shadow.is_some()));
    // Pairs of a lost store that are masked, or cannot be read: decided as any pair is.
    if matches!(other.seen, Some(Observation::Unread(_))) || (masked.is_some() && !was_paired) {
        return Some(next);
    }
    let says = |series: &Series| {
        let unheld = setting.unheld.get(side);
        let with = |uid| receipt.says(&Series { uid, ..series.clone() }, unheld);
        let theirs = other.latest().map(|(_, theirs)| theirs.uid.clone());
        receipt.says(series, unheld) || theirs.is_some_and(with)
    };
    if says(mine) {
        calm(next.halves.get_mut(side).as_mut());
        if !other.is_gone() {
            differ(&mut next, side.other(), &View::new(setting.settings, side.other(), masked), setting);
        }
    } else if let Some((_, theirs)) = other.latest().filter(|_| !other.is_gone()) {
        let view = View::new(setting.settings, side.other(), masked);
        let past = Past { was: None, theirs: Some(mine) };
        let written = view.show(theirs, past).into_owned();
        let under = |uid: &Uid| {
            receipt.says(&Series { uid: uid.clone(), ..written.clone() }, setting.unheld.get(side))
        };
        if under(&written.uid) || under(&mine.uid) {
            let written = as_both_hold(&Series { uid: mine.uid.clone(), ..written }, mine, setting);
            calm(next.halves.get_mut(side.other()).as_mut());
            if let Some(half) = next.halves.get_mut(side).as_mut() {
                changed_since(half, written);
            }
        }
    }
    let in_step = !next.is_dirty();
    // What was never in step and does not differ is put together as any pair is.
    if in_step && !was_paired { Some(Link { writes: next.writes, ..link.clone() }) } else { Some(next) }
}

/// Our receipt in the item of this side, if it is about this link.
fn receipt_of(link: &Link, side: Side) -> Option<&Receipt> {
    let mine = link.halves.get(side).as_ref()?;
    let theirs = link.halves.get(side.other()).as_ref()?;
    mine.receipt().filter(|receipt| mine.names(theirs) && receipt.number <= Receipt::HIGHEST)
}

/// What is seen is how it was when both were in step.
fn calm(half: Option<&mut Half>) {
    let Some(half) = half else { return };
    if let Some(Observation::Present(sighting)) = &half.seen {
        half.access = sighting.access;
        half.shadow = Some(Shadow { revision: sighting.revision.clone(), series: sighting.series.clone() });
    }
    half.seen = None;
}

/// What is seen was changed since it looked like `shadow`.
fn changed_since(half: &mut Half, shadow: Series) {
    let Some(sighting) = half.sighted_anew() else { return };
    let differs = shadow != sighting.series;
    half.shadow = Some(Shadow { revision: sighting.revision.clone(), series: shadow });
    half.seen = differs.then(|| Observation::Present(Box::new(sighting)));
}

/// As if `side` had changed all in which it differs from what the other side shows.
fn differ(link: &mut Link, side: Side, view: &View<'_>, setting: &Setting<'_>) {
    let Some((_, theirs)) = link.halves.get(side.other()).as_ref().and_then(Half::latest) else { return };
    let theirs = theirs.clone();
    let Some(half) = link.halves.get_mut(side).as_mut() else { return };
    let was = half.shadow.as_ref().map(|shadow| shadow.series.clone());
    let past = Past { was: was.as_ref(), theirs: Some(&theirs) };
    let Some((_, latest)) = half.latest() else { return };
    let shadow = as_both_hold(&shown_as(latest, past, view, &theirs), latest, setting);
    changed_since(half, shadow);
}

/// `shadow`, but as it is now in fields that one of the sides cannot hold: that nothing is there says nothing.
fn as_both_hold(shadow: &Series, latest: &Series, setting: &Setting<'_>) -> Series {
    let unheld = |field: Field| setting.unheld.iter().any(|(_, unheld)| unheld.contains(&field));
    shadow.diff(latest).only(unheld).apply(shadow)
}

/// The item that is left is new: the one of `missing` is made again. Nobody makes an original again from its masked copy.
fn make_again(link: &mut Link, missing: Side, masked: Option<Side>) {
    let Some(rest) = link.halves.get_mut(missing.other()).as_mut() else { return };
    if masked == Some(missing) {
        calm(Some(rest));
        *link.halves.get_mut(missing) = None;
        link.masked = None;
        link.generation = link.generation.saturating_add(1);
    } else {
        as_new(rest);
    }
}

fn as_new(half: &mut Half) {
    half.seen = half.sighted_anew().map(|sighting| Observation::Present(Box::new(sighting)));
    half.shadow = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PairingId, PerSide};
    use crate::sync::examples::{
        at_place, called, half, hides, left, masked, moved, once, private, setting, shows,
    };
    use crate::sync::{Private, Settings};

    fn link(a: Half, b: Half) -> Link {
        let mut link = Link::found(&PairingId::new("meier"), Side::A, a);
        (link.halves.b, link.writes) = (Some(b), 3);
        link
    }

    /// What a half was like and what was seen since, after a look at the receipts.
    fn after(link: &Link, settings: &Settings) -> PerSide<(Option<Series>, Option<Series>)> {
        let pairing = PairingId::new("meier");
        let next = outranked(link, &setting(&pairing, settings, &[])).unwrap();
        assert_eq!(next.writes, 5);
        PerSide::from_fn(|side| {
            let half = next.halves.get(side).clone().unwrap();
            let seen = half.sighting().map(|sighting| sighting.series.clone());
            (half.shadow.map(|shadow| shadow.series), seen)
        })
    }

    /// Side A under its own name, and B under the one that its server gave it.
    fn named(place: &str) -> (Series, Series) {
        let there = at_place(&once(), place);
        (there.clone(), called("vom Server", there))
    }

    #[test]
    fn the_side_that_is_as_it_was_written_was_not_changed_since() {
        let ((old_a, old_b), (ulm, _), (_, kiel)) = (named("Alt"), named("Ulm"), named("Kiel"));
        for written in [&ulm, &called("vom Server", ulm.clone())] {
            // What is written to make an item may bear the name of the other one.
            let receipt = left(5, &kiel, written);
            let link = link(shows(half("a1", &old_a, &ulm), &receipt), half("b1", &old_b, &kiel));
            let after = after(&link, &Settings::default());
            assert_eq!(after.a, (Some(ulm.clone()), None));
            assert_eq!(after.b, (Some(called("vom Server", ulm.clone())), Some(kiel.clone())));
        }
    }

    #[test]
    fn where_the_other_side_shows_what_was_written_this_one_was_changed() {
        let ((old_a, old_b), (ulm, ulm_b), (_, kiel)) = (named("Alt"), named("Ulm"), named("Kiel"));
        for written in [&ulm, &ulm_b] {
            let receipt = left(5, &ulm, written);
            let link = link(half("a1", &old_a, &ulm), shows(half("b1", &old_b, &kiel), &receipt));
            let after = after(&link, &Settings::default());
            assert_eq!(after.a, (Some(ulm.clone()), None));
            assert_eq!(after.b, (Some(ulm_b.clone()), Some(kiel.clone())));
        }
    }

    #[test]
    fn what_was_never_in_step_is_told_by_the_receipt_unless_it_is_masked() {
        let lone = |half: Half| Half { shadow: None, ..half };
        let (ulm, kiel) = (at_place(&once(), "Ulm"), at_place(&once(), "Kiel"));
        let receipt = left(5, &kiel, &ulm);
        let found = link(lone(shows(half("a1", &ulm, &ulm), &receipt)), lone(half("b1", &once(), &kiel)));
        let told = after(&found, &Settings::default());
        assert_eq!(told.a, (Some(ulm.clone()), None));
        assert_eq!(told.b, (Some(ulm), Some(kiel)));
        let (original, copy) = (private(once()), masked(private(once())));
        let receipt = Receipt { masked: true, ..left(5, &original, &copy) };
        let found = link(
            lone(half("a1", &at_place(&original, "Alt"), &original)),
            lone(shows(half("b1", &copy, &copy), &receipt)),
        );
        let told = after(&found, &hides(Private::Mask));
        assert_eq!((told.a, told.b), ((None, Some(original)), (None, Some(copy))), "as any pair");
    }

    #[test]
    fn a_masked_copy_that_is_as_it_was_written_tells_what_became_of_its_original() {
        let original = |day: u32| private(moved(&at_place(&once(), "Praxis"), day));
        let copy = |day: u32| masked(original(day));
        let receipt = Receipt { masked: true, ..left(5, &original(2), &copy(2)) };
        let link =
            link(half("a1", &original(1), &original(3)), shows(half("b1", &copy(1), &copy(2)), &receipt));
        let after = after(&link, &hides(Private::Mask));
        assert_eq!(after.a, (Some(original(2)), Some(original(3))));
        assert_eq!(after.b, (Some(copy(2)), None));
    }
}
