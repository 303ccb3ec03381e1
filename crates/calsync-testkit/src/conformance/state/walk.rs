//! Long random use, compared answer by answer with the store in memory.
//!
//! The rules beside this one say what is right; this one finds the combinations that nobody thought of. The same
//! numbers are drawn on every run. An item belongs to one link at a time, as the engine sees to: each link has two
//! items of its own on each side, which it takes by turns.

use calsync_core::ids::{ChangeToken, ItemKey, LinkId, PerSide, Side, Uid};
use calsync_core::link::{Half, Lately, Link, Listing, MatchKey, Observation, Sighting, Tombstone};
use calsync_core::memory::MemoryStore;
use calsync_core::store::{Closed, Commit, StateStore};

use super::build::{at, entry, failing, half, held, link, pairing, receipt, series, sighting};
use crate::conformance::{Checked, Fault, same};

const STEPS: usize = 150;
const IDS: u64 = 12;

/// Draws numbers (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % sides
    }

    fn once_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.below(4)).unwrap_or_default()
    }

    fn key(&mut self) -> String {
        format!("key{}", self.below(2 * IDS))
    }

    fn half(&mut self, link: u64) -> Option<Half> {
        if self.once_in(4) {
            return None;
        }
        let mut half = half(&format!("key{}", link + IDS * self.below(2)));
        half.listed = self.small();
        if self.once_in(3) {
            half.shadow = None;
        }
        half.seen = match self.below(6) {
            0 => Some(Observation::Gone),
            1 => Some(Observation::Unread("why".to_owned())),
            2 | 3 => {
                let series = series(&format!("uid{}", self.below(5)), &format!("subject{}", self.below(4)));
                let receipt =
                    self.once_in(2).then(|| receipt(&format!("token{}", self.below(4)), &self.key(), 1));
                Some(Observation::Present(Box::new(Sighting { receipt, ..sighting(series) })))
            }
            _ => None,
        };
        Some(half)
    }

    fn link(&mut self) -> Link {
        let id = self.below(IDS);
        let (a, b) = (self.half(id), self.half(id));
        let a = if b.is_none() { a.or_else(|| Some(half(&format!("key{id}")))) } else { a };
        let mut link = link(id, a, b);
        if self.once_in(4) {
            link = held(link);
        }
        if self.once_in(4) {
            link = failing(link, at(i64::from(self.small())));
        }
        link
    }

    fn commit(&mut self, version: u64) -> Commit {
        let mut commit = Commit { version, first_sync_done: self.once_in(20), ..Commit::default() };
        for side in Side::BOTH {
            *commit.tokens.get_mut(side) =
                self.once_in(3).then(|| ChangeToken::new(format!("token{}", self.below(1000))));
            *commit.forget_tokens.get_mut(side) = self.once_in(8);
            *commit.listings.get_mut(side) =
                self.once_in(4).then(|| Listing { number: self.small(), open: self.once_in(2) });
        }
        commit.rules = self.once_in(4).then(|| format!("rules {}", self.below(3)));
        commit.deleted = self.once_in(5).then(|| {
            PerSide::from_fn(|_| Lately::default().with(self.below(9), at(i64::from(self.small()))))
        });
        commit.put = (0..self.below(4)).map(|_| self.link()).collect();
        commit.remove = (0..self.below(3)).map(|_| LinkId(self.below(IDS))).collect();
        if self.once_in(3) {
            commit.tombstones.push(Tombstone {
                link: LinkId(self.below(IDS)),
                uid: format!("uid{}", self.below(5)).as_str().into(),
                keys: PerSide {
                    a: self.once_in(2).then(|| ItemKey::new(self.key())),
                    b: self.once_in(2).then(|| ItemKey::new(self.key())),
                },
                at: at(0),
            });
        }
        commit
    }

    fn uid(&mut self) -> Uid {
        format!("uid{}", self.below(5)).as_str().into()
    }

    fn match_key(&mut self) -> MatchKey {
        let key = |dice: &mut Dice| ItemKey::new(dice.key());
        match self.below(4) {
            0 => MatchKey::Key(key(self)),
            1 => MatchKey::Counterpart(key(self)),
            2 => MatchKey::Uid(self.uid()),
            _ => MatchKey::Time(series("", &format!("subject{}", self.below(4))).time_hash()),
        }
    }
}

pub(super) async fn like_the_store_in_memory(store: &dyn StateStore) -> Checked {
    let model = MemoryStore::new();
    let pairing = pairing();
    let mut dice = Dice(1);
    let mut written: u64 = 0;
    for step in 0..STEPS {
        match dice.below(13) {
            12 => {
                let what = super::orders::answer(dice.below(IDS));
                let given = store.order(&pairing, at(0), "walk", &what).await?;
                same("number", &given, &model.order(&pairing, at(0), "walk", &what).await?)?;
            }
            0 => {
                written += 1;
                let entries =
                    [entry(dice.below(IDS), if dice.once_in(2) { Side::A } else { Side::B }, written)];
                store.journal(&pairing, &entries).await?;
                model.journal(&pairing, &entries).await?;
            }
            1 if step % 5 == 0 => {
                store.reset(&pairing).await?;
                model.reset(&pairing).await?;
            }
            _ => {
                let head = model.head(&pairing).await?;
                let mut commit = dice.commit(head.version);
                commit.orders_done =
                    head.orders.iter().map(|order| order.id).filter(|_| dice.once_in(2)).collect();
                if let Some(intent) = head.intents.first().filter(|_| dice.once_in(2)) {
                    commit.closed.push(Closed {
                        link: intent.write.link,
                        side: intent.side,
                        number: intent.write.receipt.number,
                        outcome: format!("outcome {step}"),
                    });
                }
                store.commit(&pairing, &commit).await?;
                model.commit(&pairing, &commit).await?;
            }
        }
        compare(store, &model, &mut dice)
            .await
            .map_err(|Fault(why)| Fault(format!("after step {step}: {why}")))?;
    }
    Ok(())
}

async fn compare(store: &dyn StateStore, model: &dyn StateStore, dice: &mut Dice) -> Checked {
    let pairing = pairing();
    same("head", &store.head(&pairing).await?, &model.head(&pairing).await?)?;
    same("counts", &store.counts(&pairing).await?, &model.counts(&pairing).await?)?;
    same("links", &store.links(&pairing, None, 100).await?, &model.links(&pairing, None, 100).await?)?;
    same(
        "journal",
        &super::journal(store, &pairing, 100).await?,
        &super::journal(model, &pairing, 100).await?,
    )?;
    let after = dice.once_in(2).then(|| LinkId(dice.below(IDS)));
    let limit = usize::try_from(dice.below(IDS)).unwrap_or_default();
    let now = at(i64::from(dice.small()));
    same(
        "due links",
        &store.due_links(&pairing, after, now, limit).await?,
        &model.due_links(&pairing, after, now, limit).await?,
    )?;
    same(
        "held links",
        &store.held_links(&pairing, after, limit).await?,
        &model.held_links(&pairing, after, limit).await?,
    )?;
    for side in Side::BOTH {
        let listing = dice.small();
        same(
            "unlisted links",
            &store.unlisted_links(&pairing, side, listing, after, limit).await?,
            &model.unlisted_links(&pairing, side, listing, after, limit).await?,
        )?;
        let keys: Vec<ItemKey> = (0..3).map(|_| ItemKey::new(dice.key())).collect();
        same(
            "links by key",
            &store.links_by_key(&pairing, side, &keys).await?,
            &model.links_by_key(&pairing, side, &keys).await?,
        )?;
        let uids: Vec<Uid> = (0..3).map(|_| dice.uid()).collect();
        same(
            "links by UID",
            &store.links_by_uid(&pairing, side, &uids).await?,
            &model.links_by_uid(&pairing, side, &uids).await?,
        )?;
        let by: Vec<MatchKey> = (0..3).map(|_| dice.match_key()).collect();
        same(
            &format!("lone links by {by:?}"),
            &store.lone_links(&pairing, side, &by).await?,
            &model.lone_links(&pairing, side, &by).await?,
        )?;
        let halves: Vec<Half> = (0..2).filter_map(|link| dice.half(link)).collect();
        same(
            "tombstones",
            &store.tombstones(&pairing, side, &halves).await?,
            &model.tombstones(&pairing, side, &halves).await?,
        )?;
    }
    Ok(())
}
