//! The states from which a link starts, each brought about by the engine itself.

use calsync_core::ids::Side;
use calsync_core::link::Direction;
use calsync_core::model::{Sensitivity, Series};
use calsync_core::store::StateStore;

use super::people::{Act, single, weekly};
use super::play::play;
use super::rules::Rules;
use super::world::{Names, World, block_on};

/// A state of one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// Nothing anywhere, and nothing was ever read.
    Nothing,
    /// An appointment on this side, and nothing was ever read.
    FirstOn(Side),
    /// One with the same UID on both sides, and nothing was ever read.
    FirstSameUid,
    /// One with the same subject and time on both sides, and nothing was ever read.
    FirstAlike,
    /// Both sides were read, then somebody made an appointment on this side.
    NewOn(Side),
    /// In step, made on this side; and what was done to it on both sides since.
    InStep(Side, Since, Since),
    /// In step, made on this side; then our store was lost.
    StoreLost(Side),
    /// In step; then our store and all receipts were lost.
    AllLost,
    /// Private, made on this side; carried as the rules say.
    Private(Side),
    /// Deleted on both sides and forgotten, with a copy in the bin of this side.
    Buried(Side),
    /// Both sides changed the subject, and the rules decided or left it to a person.
    Contested,
    /// A series in step, made on this side.
    Series(Side),
    /// A series in step, of which the other side cancelled an instance and that was carried.
    SeriesWithOverride,
    /// The round before was cut off after the write of a create, an update or a delete, before anybody knew.
    CutOff(Act),
}

/// What was done since to one side of a link, and not read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Since {
    Nothing,
    Edited,
    Deleted,
}

impl Since {
    pub const ALL: [Since; 3] = [Since::Nothing, Since::Edited, Since::Deleted];
}

impl Start {
    pub fn all() -> Vec<Start> {
        use Side::{A, B};
        let mut all = vec![Start::Nothing, Start::FirstSameUid, Start::FirstAlike, Start::AllLost];
        all.extend([Start::Contested, Start::SeriesWithOverride]);
        for side in [A, B] {
            all.extend([Start::FirstOn(side), Start::NewOn(side), Start::StoreLost(side)]);
            all.extend([Start::Private(side), Start::Buried(side), Start::Series(side)]);
            for a in Since::ALL {
                all.extend(Since::ALL.map(|b| Start::InStep(side, a, b)));
            }
        }
        all.extend([Act::New, Act::Subject, Act::Delete].map(Start::CutOff));
        all
    }

    pub fn private(self) -> bool {
        matches!(self, Start::Private(_))
    }

    /// Whether both sides have their own versions from the beginning.
    pub fn is_first_sync(self) -> bool {
        matches!(
            self,
            Start::Nothing
                | Start::FirstOn(_)
                | Start::FirstSameUid
                | Start::FirstAlike
                | Start::StoreLost(_)
                | Start::AllLost
        )
    }

    /// The world in that state, under these rules.
    pub fn build(self, rules: &Rules) -> World {
        let mut world = World::new();
        let plain = || single("u", "s", 0);
        match self {
            Start::Nothing => {}
            Start::FirstOn(side) => world.make(side, plain()),
            Start::FirstSameUid => {
                world.make(Side::A, plain());
                world.make(Side::B, plain());
            }
            Start::FirstAlike => {
                world.make(Side::A, single("u<", "s", 0));
                world.make(Side::B, single("u>", "s", 0));
            }
            Start::NewOn(side) => {
                settle(&mut world, rules);
                world.make(side, plain());
            }
            Start::InStep(side, a, b) => {
                in_step(&mut world, rules, side, plain());
                for (side, since) in [(Side::A, a), (Side::B, b)] {
                    match since {
                        Since::Nothing => {}
                        Since::Edited => assert!(world.act(side, Act::Subject)),
                        Since::Deleted => assert!(world.act(side, Act::Delete)),
                    }
                }
            }
            Start::StoreLost(side) => {
                in_step(&mut world, rules, side, plain());
                lose_store(&mut world);
            }
            Start::AllLost => {
                in_step(&mut world, rules, Side::A, plain());
                lose_store(&mut world);
                for side in Side::BOTH {
                    for stored in world.sides.get(side).shelf().items.values_mut() {
                        stored.receipt = None;
                        stored.token = None;
                    }
                }
            }
            Start::Private(side) => {
                settle(&mut world, rules);
                let mut series = plain();
                series.event.sensitivity = Sensitivity::Private;
                world.make(side, series);
                settle(&mut world, rules);
            }
            Start::Buried(side) => {
                in_step(&mut world, rules, side, plain());
                for side in Side::BOTH {
                    world.act(side, Act::Delete);
                }
                world.sides.get(side.other()).shelf().bin = None;
                settle(&mut world, rules);
            }
            Start::Contested => {
                in_step(&mut world, rules, Side::A, plain());
                assert!(world.act(Side::A, Act::Subject) && world.act(Side::B, Act::Subject));
                settle(&mut world, rules);
            }
            Start::Series(side) => in_step(&mut world, rules, side, weekly("u", "s")),
            Start::SeriesWithOverride => {
                in_step(&mut world, rules, Side::A, weekly("u", "s"));
                assert!(world.act(Side::A, Act::EditOne));
                settle(&mut world, rules);
            }
            Start::CutOff(act) => {
                if act == Act::New {
                    settle(&mut world, rules);
                    world.make(Side::A, plain());
                } else {
                    in_step(&mut world, rules, Side::A, plain());
                    assert!(world.act(Side::A, act));
                }
                let names = Names::new();
                let played = play(&world, &names, &rules.settings(), &[], true).unwrap();
                // After the write and before the next step, where there is a write under these rules.
                let after = played.points.iter().skip_while(|point| !point.is_write).skip(1);
                world = after
                    .filter_map(|point| point.before.as_ref())
                    .next()
                    .map_or(played.end, |cut| World::clone(cut));
            }
        }
        world
    }
}

fn lose_store(world: &mut World) {
    block_on(world.store.reset(&Names::new().pairing)).unwrap();
    world.store_chain = super::chain::mix(world.store_chain, "reset", &());
}

/// Rounds until nothing is written.
fn settle(world: &mut World, rules: &Rules) {
    let names = Names::new();
    for _ in 0..5 {
        let played = play(world, &names, &rules.settings(), &[], false).unwrap();
        *world = played.end;
        if !played.wrote {
            return;
        }
    }
    panic!("it is never quiet");
}

/// An appointment of this side with a counterpart that is in step, whatever the direction is later.
fn in_step(world: &mut World, rules: &Rules, side: Side, series: Series) {
    world.make(side, series);
    settle(world, &Rules { direction: Direction::Both, ..*rules });
    settle(world, rules);
}
