//! Which side has the original of a private appointment whose counterpart is masked.
//!
//! The copy is private too, so the appointments themselves do not tell. It is remembered in the link; these are the rules
//! for when nothing is remembered: new links, links put together at first sight, and rules that are newer than a link.

use super::settings::Settings;
use super::view::has_private;
use crate::defects::{Defect, planted};
use crate::ids::{LinkId, PairingId, PerSide, Side};
use crate::link::{Half, Link};
use crate::model::{Field, Series};

/// The side with the original of a private appointment, where the other side is shown a masked copy: what was made so
/// stays so; else the side that made it private, or that it comes from.
pub(super) fn original(link: &Link, pairing: &PairingId, settings: &Settings) -> Option<Side> {
    let shadow = |side: Side| link.halves.get(side).as_ref()?.shadow.as_ref().map(|shadow| &shadow.series);
    let latest = |side: Side| link.halves.get(side).as_ref()?.latest().map(|(_, series)| series);
    let hid = |side: Side| shadow(side).is_some_and(|series| settings.hides(side, series));
    let hides = |side: Side| latest(side).is_some_and(|series| settings.hides(side, series));
    if let Some(side) = link.masked.filter(|_| !planted(Defect::OriginalForgotten)) {
        return still_hides(link, side, settings).then_some(side);
    }
    // Where nothing is shown to the other side, nothing is masked there.
    let hides = |side: Side| settings.direction.writes(side.other()) && hides(side);
    let (Some(a), Some(b)) = (latest(Side::A), latest(Side::B)) else {
        return Side::BOTH.into_iter().find(|side| hides(*side));
    };
    if shadow(Side::A).is_none() || shadow(Side::B).is_none() {
        // Put together just now, and no receipt says who is a copy: one is known by its looks, or by whose receipt names whom.
        let lead = settings.leading();
        let mut sides = [(Side::A, a, b), (Side::B, b, a)].into_iter();
        if let Some((side, ..)) =
            sides.clone().find(|(side, original, copy)| settings.is_mask_of(*side, original, copy))
        {
            return Some(side);
        }
        // What was copied as it is where it passes is no original for that.
        let made_private = |(side, original, _): &(Side, &Series, &Series)| {
            has_private(original) && link.memory.private_from == Some(*side)
        };
        if let Some((side, ..)) = sides.find(made_private) {
            return hides(side).then_some(side);
        }
        let is_copied = |side: &Side| link.memory.private_from == Some(side.other());
        return [lead, lead.other()].into_iter().find(|side| hides(*side) && !is_copied(side));
    }
    // Where one became private before the other, and that could not be written yet, the first one is the original.
    let became = |side: &Side| hides(*side) && !hid(*side);
    let first = link.memory.private_from.filter(became);
    if let Some(side) = first.or_else(|| Side::BOTH.into_iter().find(became)) {
        return Some(side);
    }
    // Both are private, and neither is a copy of what is hidden: the rule is newer than the link. The original is where it
    // became private; where that was not seen, where the link began, if that is still known.
    let mut sides = Side::BOTH.into_iter();
    let began = link.memory.private_from.or_else(|| {
        sides.find(|side| began_on(link, *side, pairing) && settings.direction.writes(side.other()))
    });
    Side::BOTH.into_iter().find(|side| hides(*side) && began.is_none_or(|began| began == *side))
}

/// The side that made the appointment private, now that what was seen of it was dealt with; `None` where neither side is
/// private, and where that is not known.
pub(super) fn private_from(before: &Link, now: &Link) -> Option<Side> {
    let is_private = |series: Option<&Series>| series.is_some_and(has_private);
    let latest = |link: &Link, side: Side| {
        is_private(link.halves.get(side).as_ref().and_then(|half| half.latest()).map(|(_, series)| series))
    };
    let was = |side: Side| {
        let shadow = before.halves.get(side).as_ref().and_then(|half| half.shadow.as_ref());
        is_private(shadow.map(|shadow| &shadow.series))
    };
    if !Side::BOTH.into_iter().any(|side| latest(now, side)) {
        return None;
    }
    // What was made anew was made of the other one.
    let key = |link: &Link, side: Side| link.halves.get(side).as_ref().map(|half| half.key.clone());
    let is_made = |side: &Side| {
        let was_gone = before.halves.get(*side).as_ref().is_none_or(Half::is_gone);
        was_gone && key(now, *side).is_some_and(|new| Some(new) != key(before, *side))
    };
    if let Some(made) = Side::BOTH.into_iter().find(is_made)
        && latest(now, made.other())
    {
        return Some(made.other());
    }
    let alone = |side: &Side| latest(before, *side) && !latest(before, side.other());
    let never = !was(Side::A) && !was(Side::B);
    before.memory.private_from.or(Side::BOTH.into_iter().find(|side| never && alone(side)))
}

/// Takes what our receipts in the items of a link say about who has the original and who made it private: all that is known of
/// it when our memory was lost.
///
/// `unheld` are the fields that a side does not hold.
pub(super) fn recall(link: &mut Link, unheld: PerSide<&[Field]>) {
    link.masked = link.masked.or(masked_by_receipt(link));
    let latest = |side: Side| Some(link.halves.get(side).as_ref()?.latest()?.1);
    let private = |side: Side| latest(side).is_some_and(has_private);
    // That a copy is private nobody but the original said, as long as the copy is just what was written.
    let is_as_made = |side: Side| {
        let receipt = link.halves.get(side).as_ref().and_then(Half::receipt);
        let made = latest(side).zip(latest(side.other()));
        let made = made.map(|(copy, from)| Series { uid: from.uid.clone(), ..copy.clone() });
        receipt.zip(made).is_some_and(|(receipt, made)| receipt.says(&made, unheld.get(side)))
    };
    let was_private = |side: Side| private(side) || private(side.other()) && is_as_made(side.other());
    let copied = Side::BOTH.into_iter().find(|side| only_copied_from(link, *side) && was_private(*side));
    link.memory.private_from = copied.or(link.memory.private_from);
}

/// The side whose item our receipt in the other one calls the original of a masked copy.
fn masked_by_receipt(link: &Link) -> Option<Side> {
    Side::BOTH.into_iter().find(|side| {
        let (original, copy) = (link.halves.get(*side).as_ref(), link.halves.get(side.other()).as_ref());
        let is_masked = |copy: &Half| copy.receipt().is_some_and(|receipt| receipt.masked);
        original.zip(copy).is_some_and(|(original, copy)| copy.names(original) && is_masked(copy))
    })
}

/// Whether the other side's item was made from this side's, and not the other way round as well.
fn only_copied_from(link: &Link, side: Side) -> bool {
    let copied_from = |side: Side| -> Option<bool> {
        let original = link.halves.get(side).as_ref()?;
        let copy = link.halves.get(side.other()).as_ref()?;
        copy.receipt()?;
        Some(copy.names(original))
    };
    copied_from(side) == Some(true) && copied_from(side.other()) != Some(true)
}

/// Whether the link began with the item of this side.
pub(super) fn began_on(link: &Link, side: Side, pairing: &PairingId) -> bool {
    let key = link.halves.get(side).as_ref().map(|half| &half.key);
    key.is_some_and(|key| LinkId::founded_by(pairing, side, key) == link.id)
}

/// The side to which nothing goes, because the other side has a masked copy of what is there, or had one until now: what
/// a person did to that is about the copy.
pub(super) fn guarded(link: &Link, masked: Option<Side>) -> Option<Side> {
    masked.or(link.masked).filter(|_| !planted(Defect::MaskedCopyCarriedBack))
}

/// The side to which no change of the other one goes: as [`guarded`], and where edits of what was a masked copy wait.
pub(super) fn told_nothing(link: &Link, masked: Option<Side>) -> Option<Side> {
    guarded(link, masked).or(link.memory.copied_from).filter(|_| !planted(Defect::MaskedCopyCarriedBack))
}

/// Whether the original is private, or was when both sides were in step.
pub(super) fn still_hides(link: &Link, original: Side, settings: &Settings) -> bool {
    let Some(half) = link.halves.get(original) else { return false };
    let shadow = half.shadow.as_ref().map(|shadow| &shadow.series);
    let latest = half.latest().map(|(_, series)| series);
    shadow.into_iter().chain(latest).any(|series| settings.hides(original, series))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::LinkMemory;
    use crate::sync::Private;
    use crate::sync::examples::{at_place, half, once, private};

    /// A link whose sides were in step as the first of each pair and show the second.
    fn link(a: (&Series, &Series), b: (&Series, &Series)) -> Link {
        let mut link = Link::found(&PairingId::new("meier"), Side::A, half("a1", a.0, a.1));
        link.halves.b = Some(half("b1", b.0, b.1));
        link
    }

    #[test]
    fn the_side_that_became_private_first_made_it_private() {
        let (public, hidden) = (once(), private(once()));
        let (public, hidden) = (&public, &hidden);
        let after = link((hidden, hidden), (hidden, hidden));
        let from = |a, b| private_from(&link(a, b), &after);
        assert_eq!(from((public, hidden), (public, public)), Some(Side::A));
        assert_eq!(from((public, public), (public, hidden)), Some(Side::B));
        assert_eq!(from((public, hidden), (public, hidden)), None, "both at once");
        assert_eq!(from((hidden, hidden), (hidden, public)), None, "it was private before");
        assert_eq!(from((hidden, hidden), (public, public)), None, "one of them was");
        assert_eq!(from((public, public), (hidden, hidden)), None, "one of them was");
        let remembered = LinkMemory { private_from: Some(Side::B), ..LinkMemory::default() };
        let before = Link { memory: remembered, ..link((public, hidden), (public, public)) };
        assert_eq!(private_from(&before, &after), Some(Side::B), "what is known stays known");
        assert_eq!(private_from(&before, &link((public, public), (public, public))), None);
    }

    #[test]
    fn what_was_made_anew_was_made_of_the_other() {
        let (public, hidden) = (once(), private(once()));
        let after = link((&hidden, &hidden), (&hidden, &hidden));
        let mut before = link((&public, &hidden), (&public, &public));
        before.memory.private_from = Some(Side::B);
        before.halves.b = None;
        assert_eq!(private_from(&before, &after), Some(Side::A));
        let after = link((&public, &public), (&hidden, &hidden));
        assert_eq!(private_from(&before, &after), Some(Side::B), "the other one is public");
    }

    #[test]
    fn who_has_the_original_is_not_asked_twice() {
        let pairing = PairingId::new("meier");
        let mut settings = Settings::default();
        (settings.outward.a.private, settings.outward.b.private) = (Private::Mask, Private::Mask);
        let (public, hidden) = (once(), private(once()));
        for side in Side::BOTH {
            let mut link = link((&public, &hidden), (&public, &hidden));
            link.memory.private_from = Some(side.other());
            assert_eq!(original(&link, &pairing, &settings), Some(side.other()));
            link.masked = Some(side);
            assert_eq!(original(&link, &pairing, &settings), Some(side), "it has a masked copy");
        }
        // Where it is public by now, nothing is masked any more.
        let mut link = link((&hidden, &hidden), (&hidden, &hidden));
        link.masked = Some(Side::A);
        assert_eq!(original(&link, &pairing, &settings), Some(Side::A));
        link.halves.a = Some(half("a1", &public, &at_place(&public, "Ulm")));
        assert_eq!(original(&link, &pairing, &settings), None);
    }
}
