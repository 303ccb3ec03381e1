//! Which items of one side are one appointment that is there twice: by their UIDs, or by what our receipts in them say.

use std::collections::BTreeSet;

use super::matching::{is_double, named_key, uid_of};
use super::reconcile::Case;
use super::{Stop, Work};
use crate::ids::{Side, Uid};
use crate::link::{Half, Link, MatchKey};
use crate::model::Series;
use crate::sync::decide::Suspicion;

impl Work {
    /// Suspects lone items whose UID another item of their side bears, or the counterpart of another: of one that was put back
    /// while we made it anew, of one that was made twice, and of what an import doubled, both would be carried. The one that has a
    /// counterpart is the appointment; of several without, one goes first.
    pub(super) async fn find_twins(&mut self, cases: &mut [Case]) -> Result<(), Stop> {
        for side in Side::BOTH {
            let lone = || cases.iter().filter_map(|case| lone_half(&case.link, side));
            let uids: BTreeSet<Uid> =
                lone().flat_map(|half| [half.uid(), counterpart_uid(half)]).flatten().cloned().collect();
            if uids.is_empty() {
                continue;
            }
            let uids: Vec<Uid> = uids.into_iter().collect();
            let by = uids.iter().cloned().map(MatchKey::CounterpartUid).collect();
            let mut bearers = self.port.lone_links(side, by).await?;
            bearers.extend(self.port.links_by_uid(side.other(), uids.clone()).await?);
            bearers.extend(self.port.links_by_uid(side, uids).await?);
            // What was put together or read in this round is not stored yet as it is.
            bearers.retain(|stored| !cases.iter().any(|case| case.link.id == stored.id));
            bearers.extend(cases.iter().map(|case| case.link.clone()));
            for case in cases.iter_mut().filter(|case| case.suspicion.is_none()) {
                if bearers.iter().any(|twin| goes_first(twin, &case.link, side)) {
                    case.suspicion = Some(Suspicion::OurDouble);
                }
            }
        }
        Ok(())
    }

    /// Whether this is a double whose first one stands with a counterpart: it has none itself.
    pub(super) async fn is_second(&mut self, link: &Link) -> Result<bool, Stop> {
        let Some(side) = link.lone_side().filter(|_| is_double(link)) else { return Ok(false) };
        let Some(uid) = lone_half(link, side).and_then(Half::uid) else { return Ok(false) };
        let bearers = self.port.links_by_uid(side, vec![uid.clone()]).await?;
        let stands = |twin: &Link| {
            twin.halves.iter().all(|(_, half)| half.as_ref().is_some_and(|half| !half.is_gone()))
        };
        Ok(bearers.iter().any(|twin| stands(twin) && goes_first(twin, link, side)))
    }

    /// Whether the lone item is the same as the one that `link` has on this side, or had, by its UID. A server that gives each item
    /// a UID of its own gave one to the first that we made, too: there it is one of ours that takes place at the same time, or is
    /// what its receipt says.
    pub(super) fn is_same(&self, lone: &Link, link: &Link, side: Side) -> bool {
        let sighting = lone.halves.get(side).as_ref().and_then(Half::sighting);
        let (Some(sighting), Some(half)) = (sighting, link.halves.get(side)) else { return false };
        let same_uid = uid_of(link, side) == uid_of(lone, side);
        if same_uid || named_key(lone, side).is_none() {
            return same_uid;
        }
        // What says its own UID is no copy.
        let is_its_own = sighting.receipt.as_ref().is_some_and(|receipt| receipt.own_uid.is_some());
        let names = |theirs: &Half| lone.halves.get(side).as_ref().is_some_and(|half| half.names(theirs));
        if is_its_own && link.halves.get(side.other()).as_ref().is_some_and(names) {
            return true;
        }
        let known = half.shadow.as_ref().map(|shadow| &shadow.series);
        let mut known = known.into_iter().chain(half.latest().map(|(_, series)| series));
        known.any(|known| sighting.series.is_at_the_time_of(known)) || self.is_as_made(lone, link, side)
    }

    /// Whether the lone item is just what its receipt says that we made, of the counterpart that `link` has.
    pub(super) fn is_as_made(&self, lone: &Link, link: &Link, side: Side) -> bool {
        let theirs = link.halves.get(side.other()).as_ref().and_then(Half::latest);
        theirs.is_some_and(|(_, theirs)| self.is_made_as(lone, side, &theirs.uid))
    }

    /// Whether it is just what its receipt says that we made, with that UID.
    pub(super) fn is_made_as(&self, lone: &Link, side: Side, uid: &Uid) -> bool {
        let sighting = lone.halves.get(side).as_ref().and_then(Half::sighting);
        sighting.is_some_and(|sighting| {
            let made = Series { uid: uid.clone(), ..sighting.series.clone() };
            let unheld = self.input.capabilities.get(side).unheld;
            sighting.receipt.as_ref().is_some_and(|receipt| receipt.says(&made, unheld))
        })
    }
}

/// Whether `twin` has on this side what the lone item of `link` is, too, and goes before it.
fn goes_first(twin: &Link, link: &Link, side: Side) -> bool {
    let (Some(own), Some(half)) = (lone_half(link, side), twin.halves.get(side)) else { return false };
    let comes_first = || twin.lone_side().is_none() || rank(twin, side) < rank(link, side);
    twin.id != link.id
        && half.key != own.key
        && !half.is_gone()
        && is_alike(own, half, twin.halves.get(side.other()).as_ref(), is_double(link))
        && comes_first()
}

/// The item of this side where it is there and has no counterpart.
fn lone_half(link: &Link, side: Side) -> Option<&Half> {
    link.halves.get(side).as_ref().filter(|half| !half.is_gone() && link.lone_side() == Some(side))
}

/// The UID of the item that our receipt in it names.
fn counterpart_uid(half: &Half) -> Option<&Uid> {
    half.receipt()?.counterpart_uid.as_ref()
}

/// Whether a lone item and another one, with its counterpart, may be one appointment. They bear one UID, or, where the server gave
/// one of them a UID of its own, that of the counterpart, or that of which the counterpart was made; a program that gives many one
/// UID means many, unless we wrote it. Two whose receipts name one counterpart may be a copy and what was copied, unless they take
/// place at the same time or were made one after the other. Once `known` it stays one, whatever people do to either of the two.
fn is_alike(lone: &Half, other: &Half, counterpart: Option<&Half>, known: bool) -> bool {
    let (Some((_, one)), Some((_, two))) = (lone.latest(), other.latest()) else { return false };
    let same_time = known || one.is_at_the_time_of(two);
    let same_looks = same_time || one.event.subject == two.event.subject;
    let (uid, theirs) = (lone.uid(), counterpart.and_then(Half::uid));
    if uid.is_some() && (uid == other.uid() || uid == theirs) {
        return same_looks || uid == other.uid() && (is_vouched(lone) || is_vouched(other));
    }
    let made_of = counterpart.and_then(counterpart_uid);
    if uid.is_some() && uid == made_of {
        return same_looks;
    }
    let (named, from_other) = (counterpart_uid(lone), counterpart_uid(other));
    let names_other = named.is_some() && named == other.uid() || from_other.is_some() && from_other == uid;
    let names_same = named.is_some() && (named == theirs || named == from_other);
    let token = |half: &Half| half.receipt().map(|receipt| receipt.token.clone());
    // A copy bears the token of what was copied.
    let both_made = named == from_other && token(lone) != token(other);
    names_other || names_same && (same_time || both_made)
}

/// Whether our receipt in it says that we wrote into an item with its UID.
fn is_vouched(half: &Half) -> bool {
    half.receipt().is_some_and(|receipt| receipt.own_uid.is_some())
}

/// Of several without counterpart the one that we wrote goes first, then the oldest.
fn rank(link: &Link, side: Side) -> impl Ord {
    let half = link.halves.get(side).as_ref();
    let created = half.and_then(Half::sighting).and_then(|sighting| sighting.created);
    (half.and_then(Half::receipt).is_none(), created, link.id)
}

#[cfg(test)]
mod tests {
    use super::super::Reply;
    use super::super::examples::{answered, elsewhen, known_as, lone, made, pair, work};
    use super::*;
    use crate::link::HoldKind;
    use crate::source::Receipt;
    use crate::sync::examples::{at_place, called, half, left, moved, once, shows};

    #[test]
    fn an_item_is_the_same_as_another_by_its_uid_or_by_our_receipt_in_it() {
        let is_same = |theirs: &Series, series: &Series, receipt: Option<Receipt>| {
            work().is_same(&lone(Side::B, "b2", series, receipt), &pair(theirs), Side::B)
        };
        let theirs = called("b-own", once());
        let other = |series: Series| called("other", series);
        let own_uid = Some(Uid::new("other"));
        assert!(is_same(&theirs, &called("b-own", elsewhen()), None), "its UID");
        assert!(!is_same(&theirs, &other(once()), None), "nothing says that we made it");
        assert!(is_same(&theirs, &other(at_place(&once(), "Ulm")), Some(made(0))), "one of ours, then");
        assert!(!is_same(&theirs, &other(elsewhen()), Some(made(0))), "moved, it is a copy");
        let says = Receipt { own_uid, ..made(0) };
        assert!(is_same(&theirs, &other(elsewhen()), Some(says.clone())), "what says its own UID is no copy");
        let of_another = Receipt { counterpart_uid: Some(Uid::new("v")), ..says };
        assert!(!is_same(&theirs, &other(elsewhen()), Some(of_another)), "ours, but of another one");
        let theirs = called("b-own", elsewhen());
        assert!(is_same(&theirs, &other(once()), Some(made(0))), "as we made it");
        assert!(!is_same(&theirs, &other(at_place(&once(), "Ulm")), Some(made(0))), "edited since");
    }

    #[test]
    fn under_two_uids_one_appointment_is_known_by_what_receipts_name() {
        let theirs = half("a1", &once(), &once());
        let item = |uid: &str, series: Series, receipt: Option<&Receipt>| {
            let item = half(uid, &called(uid, series.clone()), &called(uid, series));
            receipt.into_iter().fold(item, shows)
        };
        let of = |uid: &str| left(1, &called(uid, once()), &once());
        let another = Receipt { token: made(1).token, ..of("u") };
        let cases = vec![
            (true, item("x", elsewhen(), Some(&of("y"))), item("y", once(), None), "it names the other"),
            (true, item("x", elsewhen(), None), item("y", once(), Some(&of("x"))), "the other names it"),
            (
                true,
                item("x", once(), Some(&of("u"))),
                item("y", once(), None),
                "the counterpart, and the time",
            ),
            (true, item("x", once(), Some(&of("v"))), item("y", once(), Some(&of("v"))), "both name one"),
            (true, item("x", elsewhen(), Some(&of("u"))), item("y", once(), Some(&another)), "made twice"),
            (false, item("x", elsewhen(), Some(&of("u"))), item("y", once(), Some(&of("u"))), "a copy"),
            (false, item("x", elsewhen(), Some(&of("u"))), item("y", once(), None), "the time is another"),
            (false, item("x", once(), Some(&of("v"))), item("y", once(), None), "it names nobody here"),
            (false, item("x", once(), None), item("y", once(), None), "nothing is named"),
        ];
        for (is, lone, other, why) in cases {
            assert_eq!(is_alike(&lone, &other, Some(&theirs), false), is, "{why}");
        }
    }

    #[test]
    fn under_the_uid_of_the_counterpart_time_or_subject_tells() {
        let theirs = half("a1", &once(), &once());
        let other = half("b1", &called("b-own", once()), &called("b-own", once()));
        let mut renamed = once();
        renamed.event.subject = "anders".to_owned();
        let neither = moved(&renamed, 5);
        let is = |lone: &Series, known| is_alike(&half("b2", lone, lone), &other, Some(&theirs), known);
        assert!(is(&elsewhen(), false) && is(&renamed, false), "one of them");
        assert!(!is(&neither, false), "a program gives many one UID");
        assert!(is(&neither, true), "it was known");
        // Its own UID, which we wrote.
        let (own, says) = (called("b-own", neither), Receipt { own_uid: Some(Uid::new("b-own")), ..made(0) });
        let (plain, vouched) = (half("b2", &own, &own), shows(half("b2", &own, &own), &says));
        assert!(!is_alike(&plain, &other, None, false) && is_alike(&vouched, &other, None, false));
        assert!(is_alike(&plain, &shows(other, &says), None, false));
        // That of which its counterpart was made.
        let copied = shows(half("a1", &once(), &once()), &left(1, &called("b-first", once()), &once()));
        let is = |lone: &Series| {
            let lone = called("b-first", lone.clone());
            is_alike(&half("b2", &lone, &lone), &half("b1", &once(), &once()), Some(&copied), false)
        };
        assert!(is(&renamed) && !is(&own));
    }

    #[test]
    fn a_double_is_a_second_one_while_the_first_one_stands_with_a_counterpart() {
        let is_second = |link: &Link, bearer: &Link| {
            let mut work = work();
            let port = work.port.clone();
            answered(&port, work.is_second(link), |_| Reply::Links(vec![bearer.clone()]))
        };
        let lone = |key| lone(Side::B, key, &called("b-own", once()), Some(made(0)));
        let (double, first) = (known_as(HoldKind::OurDouble, lone("b2")), pair(&called("b-own", once())));
        assert!(is_second(&double, &first));
        assert!(!is_second(&lone("b2"), &first), "it is not known as one");
        for side in Side::BOTH {
            let mut first = first.clone();
            first.halves.get_mut(side).as_mut().unwrap().go(false);
            assert!(!is_second(&double, &first), "{side} is gone");
        }
        for key in ["b1", "b3", "b4"] {
            assert!(!is_second(&double, &lone(key)), "{key} has no counterpart");
        }
    }

    #[test]
    fn what_has_a_counterpart_is_no_double_of_anything() {
        let twin = lone(Side::B, "b1", &once(), None);
        let link = |key| lone(Side::B, key, &once(), Some(made(0)));
        assert!(goes_first(&link("b0"), &twin, Side::B), "what we wrote goes first");
        assert!(!goes_first(&twin, &link("b0"), Side::B));
        let paired = pair(&once());
        assert!(goes_first(&paired, &link("b2"), Side::B), "before it even what we wrote");
        assert!(!goes_first(&link("b2"), &paired, Side::B));
        let mut gone = twin.clone();
        gone.halves.b.as_mut().unwrap().go(true);
        assert!(!goes_first(&link("b0"), &gone, Side::B), "nor is what is gone");
        assert!(!goes_first(&gone, &link("b0"), Side::B));
    }
}
