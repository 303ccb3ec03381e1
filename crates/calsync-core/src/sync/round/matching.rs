//! Who belongs to whom: finds the counterparts of lone halves, items that moved to another key, old copies, and what
//! was made twice.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::read::new_half;
use super::reconcile::Case;
use super::{Pending, Stop, Work};
use crate::defects::{Defect, planted};
use crate::ids::{CreateToken, ItemKey, LinkId, PerSide, Side};
use crate::link::{Half, HoldKind, Link, MatchKey, Observation, Sighting, Tombstone};
use crate::model::Series;
use crate::source::{Item, Receipt, Seen, WriteOp};
use crate::sync::breaker;
use crate::sync::decide::{LinkPlan, PlannedWrite, Suspicion, next_generation};
use crate::sync::original::recall;
use crate::sync::plan::Likeness;
use crate::sync::settle::{adopt_half_made, retry_after, settle_made};

/// Whose an item is or was.
struct Owner {
    key: ItemKey,
    /// `None` where it ended.
    link: Option<Link>,
    /// What is remembered where it is no longer its item.
    buried: Option<Tombstone>,
}

/// What receipts of lone items name though it belongs to others.
#[derive(Default)]
struct Left {
    /// The items of each side whose link stands with other items since: whatever still names them is a copy that a person
    /// made, or a double.
    keys: PerSide<BTreeSet<ItemKey>>,
    /// Lone links with a copy of an item that went together with the one that it names: should that be put back, it is of
    /// the one that went.
    copies: BTreeSet<LinkId>,
}

/// Whether the lone item of `side` names what was buried together with another item of that side.
fn is_copy_of_buried(lone: &Link, side: Side, buried: &Tombstone) -> bool {
    let (Some(half), Some(named)) = (lone.halves.get(side), named_key(lone, side)) else { return false };
    let uid = half.latest().map(|(_, series)| &series.uid);
    // What says its own UID is no copy.
    half.receipt().is_some_and(|receipt| receipt.own_uid.is_none())
        && buried.keys.get(side.other()).as_ref() == Some(named)
        && buried.keys.get(side).as_ref().is_some_and(|key| *key != half.key)
        && uid != Some(&buried.uid)
}

/// So many earlier counterparts of an item are known by the tokens they were made with.
const EARLIER: u32 = 16;

impl Work {
    /// An item that is gone under its key may be there under another: moved out of the calendar and back, or made
    /// anew by the server. Then the link goes on with the new key.
    pub(super) async fn find_moved(
        &mut self,
        mut links: Vec<Link>,
        pending: &mut Pending,
        consumed: &mut BTreeSet<LinkId>,
    ) -> Result<Vec<Link>, Stop> {
        for side in Side::BOTH {
            let is_gone = |link: &Link| link.halves.get(side).as_ref().is_some_and(Half::is_gone);
            let by: Vec<MatchKey> =
                links.iter().filter(|link| is_gone(link)).flat_map(|link| keys_of_gone(link, side)).collect();
            if by.is_empty() || planted(Defect::MovesNotFound) {
                continue;
            }
            let candidates = self.port.lone_links(side, by).await?;
            // A link with both sides comes first: of two lone ones nothing is lost.
            let (both, lone): (Vec<&mut Link>, Vec<&mut Link>) =
                links.iter_mut().filter(|link| is_gone(link)).partition(|link| link.lone_side().is_none());
            for link in both.into_iter().chain(lone) {
                let uids = uids_gone(link);
                // Where we made one twice there are two of them, and the one that came now is the one that moved.
                let alike = |lone: &Link| {
                    let was = link.halves.get(side).as_ref().and_then(|half| half.shadow.as_ref());
                    let is = lone.halves.get(side).as_ref().and_then(|half| half.latest());
                    // Which UID the server gave it may not be known.
                    let same =
                        |was: &Series, is: &Series| Series { uid: was.uid.clone(), ..is.clone() } == *was;
                    matches!((was, is), (Some(was), Some((_, is))) if same(&was.series, is))
                };
                let is_it = |lone: &&Link| {
                    lone.id != link.id
                        && !is_gone(lone)
                        && !consumed.contains(&lone.id)
                        && (uid_of(lone, side).is_some_and(|uid| uids.contains(&uid))
                            || self.is_same(lone, link, side)
                            || is_known_second(lone, link, side)
                            || self.is_made_late(lone, link, side)
                            || self.is_made_unknown(lone, link, side)
                            || self.is_moved_unread(lone, link, side))
                };
                let Some(lone) = candidates.iter().filter(is_it).max_by_key(|lone| {
                    let its_own = uid_of(lone, side) == uid_of(link, side);
                    (its_own, is_fresh(lone, side), alike(lone), Reverse(lone.id))
                }) else {
                    continue;
                };
                let alone = link.lone_side().is_some();
                if self.is_made_late(lone, link, side) && self.is_as_made(lone, link, side) {
                    consumed.insert(lone.id);
                    pending.remove.push(lone.id);
                    let before = link.clone();
                    settle_made(link, lone, side);
                    pending.remember_replaced(&before, link, self.last_read);
                    continue;
                }
                let (Some(new), Some(half)) = (lone.halves.get(side).clone(), link.halves.get_mut(side))
                else {
                    continue;
                };
                consumed.insert(lone.id);
                pending.remove.push(lone.id);
                // Receipts in what was made of it go on naming the old key.
                if let Some((_, Series { uid, .. })) = new.latest() {
                    let (key, uid) = (half.key.clone(), uid.clone());
                    pending.tombstones.push(Tombstone::of_item(link.id, side, key, uid, self.last_read));
                }
                if alone {
                    *half = new;
                    continue;
                }
                half.key = new.key;
                if let (Some(shadow), Some((_, Series { uid, .. }))) =
                    (&mut half.shadow, lone.halves.get(side).as_ref().and_then(Half::latest))
                {
                    // It is known by the name that it has now.
                    shadow.series.uid.clone_from(uid);
                }
                half.seen = new.seen;
                half.last = None;
                if let Some(Observation::Present(sighting)) = &mut half.seen {
                    // Out of the calendar and back between two looks is a move, also where a round was cut off in between. What
                    // was gone for longer somebody put back.
                    sighting.put_back = !half.fresh && new.fresh;
                }
                half.access = new.access;
                half.listed = new.listed;
            }
        }
        links.retain(|link| !consumed.contains(&link.id));
        Ok(links)
    }

    /// Puts lone halves together that are the same appointment: by receipt, by UID, and in a first sync by content
    /// where it is unique on both sides.
    pub(super) async fn find_counterparts(
        &mut self,
        links: Vec<Link>,
        pending: &mut Pending,
        consumed: &mut BTreeSet<LinkId>,
    ) -> Result<Vec<Case>, Stop> {
        let mut pool: PerSide<Vec<Link>> = PerSide::default();
        for side in Side::BOTH {
            let by: BTreeSet<MatchKey> = links.iter().filter_map(keys_of_new).flatten().collect();
            if !by.is_empty() {
                let mut lone = self.port.lone_links(side, by.into_iter().collect()).await?;
                lone.retain(|lone| !self.is_made_by_open(lone));
                *pool.get_mut(side) = lone;
            }
        }
        let left = self.left_for_others(&links, &pool).await?;
        let mut cases = Vec::with_capacity(links.len());
        for mut link in links {
            if consumed.contains(&link.id) {
                continue;
            }
            let mut found = self.counterpart(&link, &pool, &left, consumed);
            for pair in found.clone().iter().flat_map(|(_, lone, _)| [&link, lone]) {
                if self.is_second(pair).await? {
                    found = None;
                }
            }
            let Some((side, lone, likeness)) = found else {
                forget_copied_receipt(&mut link, &pool);
                cases.push(Case { link, likeness: None, suspicion: None, plan: LinkPlan::default() });
                continue;
            };
            // The link of side A lives on, so that both orders of reading give the same id.
            let (mut kept, dropped) = if side == Side::A { (link, lone) } else { (lone, link) };
            kept.halves.b.clone_from(&dropped.halves.b);
            kept.retry = None;
            kept.masked = None;
            kept.memory.private_from = kept.memory.private_from.or(dropped.memory.private_from);
            recall(&mut kept, self.setting().unheld);
            self.recall_made(&mut kept);
            pending.remember_named(&kept, self.last_read);
            consumed.insert(dropped.id);
            consumed.insert(kept.id);
            pending.remove.push(dropped.id);
            // The other one came first and found nobody, because there was one too many then.
            cases.retain(|case: &Case| case.link.id != kept.id && case.link.id != dropped.id);
            cases.push(Case {
                link: kept,
                likeness: Some(likeness),
                suspicion: None,
                plan: LinkPlan::default(),
            });
        }
        Ok(cases)
    }

    /// What receipts of lone items name though it belongs to others.
    async fn left_for_others(&mut self, links: &[Link], pool: &PerSide<Vec<Link>>) -> Result<Left, Stop> {
        let mut left = Left::default();
        for side in Side::BOTH {
            let lone = || links.iter().chain(pool.get(side.other()));
            let named: BTreeSet<ItemKey> =
                lone().filter_map(|link| named_key(link, side.other())).cloned().collect();
            if named.is_empty() {
                continue;
            }
            let halves = named.iter().cloned().map(Half::unread).collect();
            let tombstones = self.port.tombstones(side, halves).await?;
            let copies =
                lone().filter(|lone| tombstones.iter().any(|it| is_copy_of_buried(lone, side.other(), it)));
            left.copies.extend(copies.map(|copy| copy.id));
            let stands = |link: &Link| {
                Side::BOTH
                    .into_iter()
                    .all(|side| link.halves.get(side).as_ref().is_some_and(|half| !half.is_gone()))
            };
            let owners = self.owners(side, named.into_iter().collect()).await?;
            let is_left = |owner: &Owner| owner.link.as_ref().is_some_and(stands);
            *left.keys.get_mut(side) = owners.into_iter().filter(is_left).map(|owner| owner.key).collect();
        }
        Ok(left)
    }

    /// Whether the receipt of `claimant`, an item of `side`, says that it is the counterpart of the item of `named`, and not of
    /// one that it had before: that one is gone, and this is a copy of it.
    fn claims(&self, claimant: &Link, side: Side, named: &Link) -> bool {
        let (Some(half), Some(theirs)) = (claimant.halves.get(side), named.halves.get(side.other())) else {
            return false;
        };
        let Some(receipt) = half.receipt().filter(|_| half.names(theirs)) else { return false };
        let key = &receipt.counterpart;
        let before = named.generation.saturating_sub(EARLIER)..named.generation;
        let is_spent =
            |spent: u32| CreateToken::derive(&self.input.pairing, side, key, spent) == receipt.token;
        !before.into_iter().any(is_spent)
    }

    /// The one among `theirs`, of the other side, that our receipt names, in it or in the item of `link`; `mine` are the others
    /// of this side.
    fn named<'l>(
        &self,
        link: &Link,
        side: Side,
        mine: &[&Link],
        theirs: &[&'l Link],
        left: &Left,
    ) -> Option<&'l Link> {
        let same_uid = |lone: &Link| uid_of(lone, side.other()) == uid_of(link, side);
        let claims = |claimant: &Link, side: Side, named: &Link| {
            let is_left =
                |key: Option<&ItemKey>| key.is_some_and(|key| left.keys.get(side.other()).contains(key));
            let key = named.halves.get(side.other()).as_ref().map(|half| &half.key);
            self.claims(claimant, side, named)
                && !left.copies.contains(&claimant.id)
                && !is_left(key)
                && !is_left(named_key(claimant, side))
        };
        let ours = |lone: &Link| claims(link, side, lone);
        let back = |lone: &Link| claims(lone, side.other(), link);
        // A copy made by a person carries the receipt too: what it names belongs to the original.
        let is_copied = |lone: &Link| {
            let original = |rival: &&Link| {
                let older = created(rival, side) < created(link, side);
                (older || uid_of(rival, side) == uid_of(lone, side.other())) && claims(rival, side, lone)
            };
            mine.iter().any(original) && !planted(Defect::CopyIsOurs)
        };
        let is_named = |lone: &&&Link| {
            back(lone) || ours(lone) && (same_uid(lone) || !is_double(lone) && !is_copied(lone))
        };
        let mut found: Vec<&Link> = theirs.iter().filter(is_named).copied().collect();
        found.sort_by_key(|lone| {
            let (ours, back) = (ours(lone), back(lone));
            let doubts = [!(ours && back), !same_uid(lone), !back];
            let doubts = if planted(Defect::CopyIsOurs) { [false; 3] } else { doubts };
            (doubts, created(lone, side.other()))
        });
        found.first().copied()
    }

    /// Whether the lone item is what we made for `link` and somebody moved before we learned which UID the server gave it. A
    /// copy that a person made says the same of itself; where what was copied is gone, that is how they moved it.
    fn is_moved_unread(&self, lone: &Link, link: &Link, side: Side) -> bool {
        link.memory.unseen_uid
            && uid_of(link, side) == uid_of(link, side.other())
            && self.claims(lone, side, link)
    }

    /// Whether the lone item is one that we made of the counterpart that `link` still has, after what this store remembers. It is no
    /// copy of the one that the link knows: that has an earlier token, or was not made by us.
    fn is_made_unknown(&self, lone: &Link, link: &Link, side: Side) -> bool {
        let receipt = lone.halves.get(side).as_ref().and_then(Half::receipt);
        let theirs = link.halves.get(side.other()).as_ref().filter(|half| !half.is_gone());
        // What says its own UID is no copy.
        let may_be_copy = link.memory.own_uid && receipt.is_some_and(|receipt| receipt.own_uid.is_none());
        let first = link.generation.saturating_add(u32::from(may_be_copy));
        theirs.and_then(|theirs| self.made_as(lone, side, theirs)).is_some_and(|made| made >= first)
    }

    /// Whether the lone item is one that we made of the counterpart of `link` before the one that it has, of which this store knows
    /// nothing: somebody put it back.
    fn is_made_before(&self, lone: &Link, link: &Link, side: Side) -> bool {
        let theirs = link.halves.get(side.other()).as_ref();
        let made = theirs.and_then(|theirs| self.made_as(lone, side, theirs));
        link.memory.uids.is_empty() && made.is_some_and(|made| made < link.generation)
    }

    /// Which of the items that were made for the item of the other side this one is, by our receipt in it.
    fn made_as(&self, lone: &Link, side: Side, theirs: &Half) -> Option<u32> {
        let half = lone.halves.get(side).as_ref().filter(|half| half.names(theirs))?;
        let receipt = half.receipt()?;
        let token = |made: u32| CreateToken::derive(&self.input.pairing, side, &receipt.counterpart, made);
        (0..EARLIER).find(|made| token(*made) == receipt.token)
    }

    /// What our receipts in two items that were put together tell of what was made before.
    fn recall_made(&self, link: &mut Link) {
        for side in Side::BOTH {
            let (Some(half), Some(theirs)) = (link.halves.get(side), link.halves.get(side.other())) else {
                continue;
            };
            let Some(made) = self.made_as(link, side, theirs) else { continue };
            let no_uid = half.receipt().is_some_and(|receipt| receipt.own_uid.is_none());
            link.memory.own_uid |= no_uid && half.uid() != theirs.uid();
            link.generation = link.generation.max(made);
        }
    }

    /// Whether the lone item is what a create of `link` made after it had been asked about and was not there yet. Its token is the
    /// one that the next create would have; what was known to be made spent its own.
    fn is_made_late(&self, lone: &Link, link: &Link, side: Side) -> bool {
        let Some(theirs) = link.halves.get(side.other()) else { return false };
        let receipt =
            lone.halves.get(side).as_ref().filter(|half| half.names(theirs)).and_then(Half::receipt);
        let next = next_generation(link, side);
        let token =
            |receipt: &Receipt| CreateToken::derive(&self.input.pairing, side, &receipt.counterpart, next);
        receipt.is_some_and(|receipt| receipt.token == token(receipt))
    }

    /// The counterpart of a lone half: the side of `link`, the other lone link, and by what it was recognised.
    fn counterpart<'l>(
        &self,
        link: &'l Link,
        pool: &'l PerSide<Vec<Link>>,
        left: &Left,
        consumed: &BTreeSet<LinkId>,
    ) -> Option<(Side, Link, Likeness)> {
        let side = link.lone_side()?;
        let half = link.halves.get(side).as_ref()?;
        let sighting = half.sighting()?;
        // One that is gone is nobody's counterpart: what it was called may be there under another key.
        let is_gone = |lone: &Link, side: Side| lone.halves.get(side).as_ref().is_none_or(Half::is_gone);
        let free = |side: Side| {
            pool.get(side).iter().filter(move |lone| {
                !consumed.contains(&lone.id) && lone.id != link.id && !is_gone(lone, side)
            })
        };
        let uid = &sighting.series.uid;

        let (mine, theirs): (Vec<&Link>, Vec<&Link>) = (free(side).collect(), free(side.other()).collect());
        if let Some(lone) = self.named(link, side, &mine, &theirs, left)
            && !planted(Defect::NoReceiptMatch)
        {
            return Some((side, lone.clone(), Likeness::Receipt));
        }

        let only = |matches: &dyn Fn(&Link, Side) -> bool| -> Option<Link> {
            let mut theirs = free(side.other()).filter(|lone| matches(lone, side.other()));
            let (found, None) = (theirs.next()?, theirs.next()) else { return None };
            free(side).all(|lone| !matches(lone, side)).then(|| found.clone())
        };
        let same_uid = |lone: &Link, side: Side| {
            let half = lone.halves.get(side).as_ref();
            half.and_then(|half| half.latest()).is_some_and(|(_, series)| series.uid == *uid)
                || lone.memory.uids.contains(uid)
        };
        if let Some(lone) = only(&same_uid)
            && !planted(Defect::NoUidMatch)
        {
            return Some((side, lone, Likeness::Uid));
        }
        if self.head.first_sync_done || planted(Defect::NoContentMatch) {
            return None;
        }
        // By content, where neither side has another one like it.
        let series = |lone: &'l Link, side: Side| -> Option<&'l Series> {
            lone.halves.get(side).as_ref()?.latest().map(|(_, series)| series)
        };
        let alike = |mine: &Series, theirs: &Series| {
            let (a, b) = if side == Side::A { (mine, theirs) } else { (theirs, mine) };
            self.input.settings.are_alike(a, b)
        };
        let bears_its_uid = |lone: &Link| {
            let uid = uid_of(lone, side.other());
            free(side).any(|rival| uid_of(rival, side) == uid)
        };
        let mut found = free(side.other()).filter(|lone| {
            series(lone, side.other()).is_some_and(|theirs| alike(&sighting.series, theirs))
                && !bears_its_uid(lone)
        });
        let (lone, None) = (found.next()?, found.next()) else { return None };
        let theirs = series(lone, side.other())?;
        let unique = free(side).filter_map(|rival| series(rival, side)).all(|rival| !alike(rival, theirs));
        unique.then(|| (side, lone.clone(), Likeness::Content))
    }

    /// Recognises old copies of what was deleted on both sides.
    pub(super) async fn find_buried(&mut self, cases: &mut [Case]) -> Result<(), Stop> {
        for side in Side::BOTH {
            let offset = self.offsets.get(side).filter(|_| !planted(Defect::ClockOffsetIgnored));
            let offset = Duration::milliseconds(offset.unwrap_or_default());
            let halves: Vec<Half> =
                cases.iter().filter_map(|case| Some(seen_alone(&case.link, side)?.0.clone())).collect();
            if halves.is_empty() {
                continue;
            }
            let tombstones = self.port.tombstones(side, halves).await?;
            let (replaced, mut tombstones) = self.replaced(side, tombstones).await?;
            if !self.head.first_sync_done {
                tombstones.clear();
            }
            for case in cases.iter_mut() {
                let Some((_, sighting)) = seen_alone(&case.link, side) else { continue };
                // Of a counterpart that its link dropped.
                let is_its_own = |tombstone: &Tombstone| {
                    tombstone.link == case.link.id && tombstone.keys.get(side).is_none()
                };
                let is_it =
                    |tombstone: &Tombstone| tombstone.uid == sighting.series.uid && !is_its_own(tombstone);
                // What the link itself had before it moved is no other item.
                if replaced.iter().any(|tombstone| tombstone.link != case.link.id && is_it(tombstone)) {
                    case.suspicion = Some(Suspicion::OurDouble);
                    continue;
                }
                let is_buried = |tombstone: &Tombstone| {
                    // The server's clock, and ours.
                    let old = |at: Option<DateTime<Utc>>| {
                        at.and_then(|at| at.checked_sub_signed(offset)).is_some_and(|at| at < tombstone.at)
                    };
                    is_it(tombstone) && old(sighting.modified) && old(sighting.created)
                };
                if tombstones.iter().any(is_buried) {
                    case.suspicion = Some(Suspicion::CameBack);
                    continue;
                }
                let mine = tombstones.iter().filter(|tombstone| is_it(tombstone));
                if breaker::is_made_again(&case.link, mine.map(|tombstone| tombstone.at), self.input.now) {
                    case.suspicion = Some(Suspicion::MadeAgain);
                }
            }
        }
        Ok(())
    }

    /// Parts tombstones of items for which their link has others since, which stand, from those of links that ended.
    async fn replaced(
        &mut self,
        side: Side,
        tombstones: Vec<Tombstone>,
    ) -> Result<(Vec<Tombstone>, Vec<Tombstone>), Stop> {
        if tombstones.is_empty() {
            return Ok((Vec::new(), tombstones));
        }
        let ids: BTreeSet<LinkId> = tombstones.iter().map(|tombstone| tombstone.link).collect();
        let links = self.port.links_by_id(ids.into_iter().collect()).await?;
        let stands = |tombstone: &Tombstone| {
            let link = links.iter().find(|link| link.id == tombstone.link);
            // One that is not here any more left the window or the filter, and its counterpart stands.
            let stands =
                |half: &Half| !half.is_gone() && tombstone.keys.get(side).as_ref() != Some(&half.key);
            link.is_some_and(|link| link.halves.get(side).as_ref().is_none_or(stands))
                && tombstone.keys.get(side.other()).is_none()
        };
        Ok(tombstones.into_iter().partition(stands))
    }

    /// Recognises what we made twice because an answer came too late: an item with our receipt whose counterpart is
    /// in step with another item that is the same. A copy that a person made is another one, at another time, and our receipt
    /// in it says nothing about it.
    pub(super) async fn find_doubles(&mut self, cases: &mut [Case]) -> Result<(), Stop> {
        for side in Side::BOTH {
            let counterpart = |case: &Case| -> Option<ItemKey> {
                (case.link.lone_side() == Some(side)).then_some(())?;
                named_key(&case.link, side).cloned()
            };
            let keys: Vec<ItemKey> = cases.iter().filter_map(counterpart).collect();
            if keys.is_empty() {
                continue;
            }
            let mut owners = self.owners(side.other(), keys).await?;
            // Those that were put together just now are not stored yet.
            let paired = cases.iter().filter(|case| case.link.lone_side().is_none());
            owners.extend(paired.filter_map(|case| {
                let half = case.link.halves.get(side.other()).as_ref()?;
                Some(Owner { key: half.key.clone(), link: Some(case.link.clone()), buried: None })
            }));
            for case in cases.iter_mut() {
                let Some(key) = counterpart(case) else { continue };
                let owners: Vec<&Owner> = owners
                    .iter()
                    .filter(|owner| {
                        owner.key == key && owner.link.as_ref().is_none_or(|link| link.id != case.link.id)
                    })
                    .collect();
                let links = || owners.iter().filter_map(|owner| owner.link.as_ref());
                // Once known it stays one, whatever people do to either of the two.
                let known = is_double(&case.link) || waits_as(&case.link, HoldKind::CameBack);
                let stands = |link: &Link| link.halves.get(side).as_ref().is_some_and(|half| !half.is_gone());
                let is_late = |owner: &&Owner| match (&owner.link, &owner.buried) {
                    (Some(link), _) => self.is_of_gone(&case.link, link, side),
                    (None, Some(tombstone)) => known || self.is_late(&case.link, side, tombstone),
                    (None, None) => false,
                };
                let ours = uid_of(&case.link, side);
                let is_another = |link: &Link| uid_of(link, side).is_some_and(|uid| Some(uid) != ours);
                let is_it = |link: &Link| {
                    known
                        || self.is_same(&case.link, link, side)
                        || self.is_made_unknown(&case.link, link, side)
                        || self.is_made_before(&case.link, link, side)
                };
                // The first one was parted from its counterpart, which left the scope.
                let parted = |link: &Link| known && link.halves.get(side).is_none();
                if links().any(|link| stands(link) && is_it(link) || parted(link)) {
                    case.suspicion = Some(Suspicion::OurDouble);
                } else if owners.iter().any(is_late) {
                    // What it was made of is deleted since.
                    case.suspicion = Some(Suspicion::CameBack);
                } else if links().any(is_another)
                    && let Some(half) = case.link.halves.get_mut(side)
                {
                    half.forget_receipt();
                }
            }
        }
        Ok(())
    }

    /// Whether the lone item is what a create made of the item of `link` that is gone, and that never got another counterpart. (A
    /// copy that a person made has a UID of its own, and is not as it was made.)
    fn is_of_gone(&self, lone: &Link, link: &Link, side: Side) -> bool {
        let theirs = link.halves.get(side.other()).as_ref().filter(|theirs| theirs.is_gone());
        let uid = theirs.and_then(Half::latest).map(|(_, series)| series.uid.clone());
        link.halves.get(side).is_none()
            && uid.is_some_and(|uid| {
                self.is_made_as(lone, side, &uid) || uid_of(lone, side) == Some(MatchKey::Uid(uid))
            })
    }

    /// Whether this is what a create made that came too late: after that of which it was to be made was deleted, or nobody ever
    /// learned of an item that it made. Where the server gives UIDs of its own, it is just what its receipt says.
    fn is_late(&self, lone: &Link, side: Side, tombstone: &Tombstone) -> bool {
        let offset = Duration::milliseconds(self.offsets.get(side).unwrap_or_default());
        let created = created(lone, side).and_then(|created| created.checked_sub_signed(offset));
        let made_since = created.is_some_and(|created| created >= tombstone.at);
        (made_since || tombstone.keys.get(side).is_none())
            && (uid_of(lone, side) == Some(MatchKey::Uid(tombstone.uid.clone()))
                || self.is_made_as(lone, side, &tombstone.uid))
    }

    /// Whose the items of this side are, or were before they moved or their links ended.
    async fn owners(&mut self, side: Side, keys: Vec<ItemKey>) -> Result<Vec<Owner>, Stop> {
        let now = self.port.links_by_key(side, keys.clone()).await?;
        let mut owners: Vec<Owner> = now
            .into_iter()
            .filter_map(|link| {
                let key = link.halves.get(side).as_ref()?.key.clone();
                Some(Owner { key, link: Some(link), buried: None })
            })
            .collect();
        let missing = keys.into_iter().filter(|key| !owners.iter().any(|owner| owner.key == *key));
        let halves: Vec<Half> = missing.map(Half::unread).collect();
        if halves.is_empty() {
            return Ok(owners);
        }
        let tombstones = self.port.tombstones(side, halves).await?;
        let ids: BTreeSet<LinkId> = tombstones.iter().map(|tombstone| tombstone.link).collect();
        let links = self.port.links_by_id(ids.into_iter().collect()).await?;
        owners.extend(tombstones.into_iter().filter_map(|tombstone| {
            let link = links.iter().find(|link| link.id == tombstone.link).cloned();
            Some(Owner { key: tombstone.keys.get(side).clone()?, link, buried: Some(tombstone) })
        }));
        Ok(owners)
    }

    /// Asks the target for items that an earlier create may have made and that its feed has not shown yet. Returns
    /// the cases about which something new is known.
    pub(super) async fn look_before_create(&mut self, cases: &mut [Case]) -> Result<Vec<usize>, Stop> {
        let mut changed = Vec::new();
        for side in Side::BOTH {
            let mut asked: Vec<(usize, CreateToken)> = Vec::new();
            for (index, case) in cases.iter().enumerate() {
                if let Some(PlannedWrite { op: WriteOp::Create { token, .. }, .. }) =
                    case.plan.writes.get(side)
                {
                    asked.push((index, token.clone()));
                }
            }
            if planted(Defect::NoLookBeforeCreate) {
                continue;
            }
            let tokens: Vec<CreateToken> = asked.iter().map(|(_, token)| token.clone()).collect();
            let found = self.port.find(side, self.batch(side), &tokens).await?;
            let mut found_items: BTreeMap<usize, Item> = BTreeMap::new();
            for ((index, _), seen) in asked.iter().zip(found) {
                match seen {
                    Seen::Present(item) => drop(found_items.insert(*index, *item)),
                    Seen::Absent => {}
                    // It is there, so it must not be made again; what it is will be known when it can be read.
                    Seen::Unreadable(_) if planted(Defect::UnreadableMadeAgain) => {}
                    Seen::Unreadable(why) => {
                        if let Some(case) = cases.get_mut(*index) {
                            case.link.retry =
                                Some(retry_after(case.link.retry.as_ref(), why.clone(), self.input.now));
                            self.report.fail(case.link.id, side, why);
                            case.plan = LinkPlan { untouched: true, ..LinkPlan::default() };
                        }
                    }
                }
            }
            let found = found_items;
            if found.is_empty() {
                continue;
            }
            let keys = found.values().map(|item| item.key.clone()).collect();
            let known = self.port.links_by_key(side, keys).await?;
            for (index, item) in found {
                let taken = known
                    .iter()
                    .any(|link| link.halves.get(side).as_ref().is_some_and(|half| half.key == item.key));
                let Some(case) = cases.get_mut(index) else { continue };
                // An item that belongs to another link says nothing about this one, but its token is spent: a server that
                // remembers tokens would answer with that item. The next round looks for the next token.
                if taken && !planted(Defect::TakenAdopted) {
                    case.link.generation = next_generation(&case.link, side).saturating_add(1);
                    case.plan = LinkPlan { untouched: true, ..LinkPlan::default() };
                    continue;
                }
                if item.receipt.is_some() {
                    let theirs = case.link.halves.get(side.other()).as_ref().and_then(Half::latest);
                    case.link.memory.own_uid |=
                        theirs.is_some_and(|(_, theirs)| theirs.uid != item.series.uid);
                    *case.link.halves.get_mut(side) =
                        Some(new_half(item, self.head.listings.get(side).number));
                    case.likeness = Some(Likeness::Receipt);
                    recall(&mut case.link, self.setting().unheld);
                } else {
                    let masked = case.plan.masked == Some(side.other());
                    case.link = adopt_half_made(&case.link, side, &item, None, masked, &self.setting());
                }
                changed.push(index);
            }
        }
        Ok(changed)
    }
}

/// Our receipt in a copy that a person made says nothing about the copy: the original is there too, older, under another UID and
/// at another time.
fn forget_copied_receipt(link: &mut Link, pool: &PerSide<Vec<Link>>) {
    let Some(side) = link.lone_side().filter(|_| !is_double(link)) else { return };
    let token = |link: &Link| Some(link.halves.get(side).as_ref()?.receipt()?.token.clone());
    let latest = |link: &Link| link.halves.get(side).as_ref()?.latest().map(|(_, series)| series.time_hash());
    let is_original = |rival: &Link| {
        let older = created(rival, side) < created(link, side);
        let another = uid_of(rival, side) != uid_of(link, side) && latest(rival) != latest(link);
        rival.id != link.id && token(rival) == token(link) && older && another
    };
    let copied = token(link).is_some() && pool.get(side).iter().any(is_original);
    if let Some(half) = link.halves.get_mut(side).as_mut().filter(|_| copied) {
        half.forget_receipt();
    }
}

/// When the item of this side was created, where that is known.
fn created(link: &Link, side: Side) -> Option<DateTime<Utc>> {
    link.halves.get(side).as_ref()?.sighting()?.created
}

/// Whether the lone item waits as a second one beside the item of `link`: where that is gone, it takes its place, whatever people
/// did to it.
fn is_known_second(lone: &Link, link: &Link, side: Side) -> bool {
    let (half, theirs) = (lone.halves.get(side).as_ref(), link.halves.get(side.other()).as_ref());
    is_double(lone) && half.zip(theirs).is_some_and(|(half, theirs)| half.names(theirs))
}

/// Whether it waits as a second one that we made.
pub(super) fn is_double(link: &Link) -> bool {
    waits_as(link, HoldKind::OurDouble)
}

fn waits_as(link: &Link, kind: HoldKind) -> bool {
    link.hold.as_ref().is_some_and(|hold| hold.kind == kind)
}

pub(super) fn uid_of(link: &Link, side: Side) -> Option<MatchKey> {
    let (_, series) = link.halves.get(side).as_ref()?.latest()?;
    Some(MatchKey::Uid(series.uid.clone()))
}

/// Whether the item was first seen since its side was last read to the end.
fn is_fresh(link: &Link, side: Side) -> bool {
    link.halves.get(side).as_ref().is_some_and(|half| half.fresh)
}

/// The item of this side and what was seen of it, where it has no counterpart.
fn seen_alone(link: &Link, side: Side) -> Option<(&Half, &Sighting)> {
    let half = link.halves.get(side).as_ref().filter(|_| link.lone_side() == Some(side))?;
    Some((half, half.sighting()?))
}

/// The UIDs of an item that is gone: its own, that of its counterpart, which was made of it or it of that, and those that
/// its items had before. Where a server gives UIDs of its own, these differ, and what is put back has an earlier one.
fn uids_gone(link: &Link) -> BTreeSet<MatchKey> {
    let before = link.memory.uids.iter().cloned().map(MatchKey::Uid);
    Side::BOTH.into_iter().filter_map(|side| uid_of(link, side)).chain(before).collect()
}

/// The keys under which an item that is gone would be found at another place.
fn keys_of_gone(link: &Link, side: Side) -> BTreeSet<MatchKey> {
    let counterpart = link.halves.get(side.other()).as_ref();
    let mut keys = uids_gone(link);
    keys.extend(counterpart.map(|half| MatchKey::Counterpart(half.key.clone())));
    keys.extend(counterpart.and_then(Half::uid).cloned().map(MatchKey::CounterpartUid));
    keys
}

/// The keys under which the counterpart of a lone new half would be found; `None` for any other link.
fn keys_of_new(link: &Link) -> Option<Vec<MatchKey>> {
    let (half, sighting) = seen_alone(link, link.lone_side()?)?;
    let mut keys = vec![
        MatchKey::Counterpart(half.key.clone()),
        MatchKey::CounterpartUid(sighting.series.uid.clone()),
        MatchKey::Uid(sighting.series.uid.clone()),
        MatchKey::Time(sighting.series.time_hash()),
    ];
    if let Some(receipt) = &sighting.receipt {
        keys.push(MatchKey::Key(receipt.counterpart.clone()));
        keys.extend(receipt.counterpart_uid.clone().map(MatchKey::Uid));
        // What this one was copied from, or what was copied from it.
        keys.push(MatchKey::Counterpart(receipt.counterpart.clone()));
        keys.extend(receipt.counterpart_uid.clone().map(MatchKey::CounterpartUid));
    }
    Some(keys)
}

/// The key of the counterpart that the receipt of the item of `side` names.
pub(super) fn named_key(link: &Link, side: Side) -> Option<&ItemKey> {
    Some(&link.halves.get(side).as_ref()?.receipt()?.counterpart)
}

#[cfg(test)]
mod tests;
