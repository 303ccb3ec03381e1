//! Two processes on one store: one works on a pairing at a time, and one that stood still writes nothing afterwards.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use calsync_core::drive::{Clock, Holder, Turn};
use calsync_core::ids::PairingId;
use calsync_core::memory::MemoryStore;
use calsync_core::store::{Fence, StateStore, StoreError};
use chrono::{DateTime, Utc};

use super::fake::{World, block_on};
use super::rounds_crash::{busy, expected};

/// A steady clock that the test moves, and a wall clock that is set whenever somebody looks at it.
#[derive(Default)]
struct Hands(Mutex<(Duration, i64)>);

impl Hands {
    fn pass(&self, seconds: u64) {
        self.0.lock().unwrap().0 += Duration::from_secs(seconds);
    }
}

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        let mut hands = self.0.lock().unwrap();
        hands.1 = -hands.1 * 3 + 1_000_000;
        DateTime::from_timestamp(hands.1, 0).unwrap()
    }

    fn steady(&self) -> Duration {
        self.0.lock().unwrap().0
    }
}

/// Two processes with leases of 90 seconds, of which the last 30 are for what is under way.
struct Race {
    store: MemoryStore,
    clock: Hands,
    pairing: PairingId,
    one: Holder,
    two: Holder,
}

impl Race {
    fn new() -> Race {
        let holder = |name: &str| Holder::new(name, Duration::from_secs(30));
        Race {
            store: MemoryStore::new(),
            clock: Hands::default(),
            pairing: PairingId::new("meier"),
            one: holder("one"),
            two: holder("two"),
        }
    }

    fn begin<'a>(&'a self, holder: &'a Holder) -> Result<Turn<'a>, StoreError> {
        block_on(holder.begin(&self.pairing, &self.store, &self.clock))
    }

    /// How long the second one still has to wait.
    fn waits(&self) -> Option<u64> {
        match self.begin(&self.two) {
            Ok(_) => None,
            Err(StoreError::Leased { holder, remains }) => {
                assert_eq!(holder, "one");
                Some(remains.as_secs())
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn fence(&self) -> Fence {
        block_on(self.store.lease(&self.pairing)).unwrap().fence
    }
}

#[test]
fn a_pairing_is_taken_when_its_lease_was_seen_unchanged_for_its_whole_length() {
    let world = Race::new();
    let turn = world.begin(&world.one).unwrap();
    // However long ago it was claimed: what counts is what was seen.
    world.clock.pass(1_000);
    assert_eq!(world.waits(), Some(90));
    world.clock.pass(89);
    assert_eq!(world.waits(), Some(1));
    world.clock.pass(1);
    assert_eq!(world.waits(), None);
    assert!(world.fence() > turn.fence());
}

#[test]
fn a_sign_of_life_begins_the_wait_anew() {
    let world = Race::new();
    let mut turn = world.begin(&world.one).unwrap();
    assert_eq!(world.waits(), Some(90));
    world.clock.pass(80);
    block_on(turn.stores(world.store.renew(&world.pairing, turn.fence()))).unwrap();
    assert_eq!(world.waits(), Some(90), "it lives");
    world.clock.pass(89);
    assert_eq!(world.waits(), Some(1));
}

#[test]
fn what_is_given_back_is_free_at_once_and_what_was_dropped_is_for_the_same_process() {
    let world = Race::new();
    block_on(world.begin(&world.one).unwrap().end()).unwrap();
    let first = world.fence();
    assert_eq!(world.waits(), None);
    // The turn of the second one was dropped by `waits`.
    let Err(StoreError::Leased { holder, .. }) = world.begin(&world.one) else { panic!("not given back") };
    assert_eq!(holder, "two");
    let again = world.begin(&world.two).unwrap();
    assert!(again.fence() > first);
}

#[test]
fn one_process_works_on_a_pairing_once_at_a_time() {
    let world = Race::new();
    let turn = world.begin(&world.one).unwrap();
    let Err(StoreError::Leased { holder, remains }) = world.begin(&world.one) else { panic!("twice") };
    assert_eq!((holder.as_str(), remains), ("one", Duration::ZERO));
    let other = PairingId::new("huber");
    block_on(world.one.begin(&other, &world.store, &world.clock)).unwrap();
    drop(turn);
    world.begin(&world.one).unwrap();
}

/// Polls a write of many steps; between them the test acts.
fn write(turn: &mut Turn<'_>, steps: &Cell<u32>, mut between: impl FnMut(u32)) -> Result<(), StoreError> {
    let work = poll_fn(|_| {
        steps.set(steps.get() + 1);
        if steps.get() < 10 { Poll::Pending } else { Poll::Ready(Ok(())) }
    });
    let mut write = pin!(turn.writes(work));
    for _ in 0..20 {
        if let Poll::Ready(done) = write.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
        between(steps.get());
    }
    panic!("it does not end");
}

#[test]
fn whoever_stood_still_in_the_middle_of_a_write_goes_no_step_further_when_somebody_else_came() {
    let world = Race::new();
    let mut turn = world.begin(&world.one).unwrap();
    let steps = Cell::new(0);
    let ended = write(&mut turn, &steps, |step| {
        if step == 4 {
            assert_eq!(world.waits(), Some(90));
            world.clock.pass(90);
            assert_eq!(world.waits(), None, "taken over");
        }
    });
    assert!(matches!(ended, Err(StoreError::Fenced)), "{ended:?}");
    assert_eq!(steps.get(), 4);
    // Nor does it begin another one, or store anything.
    let ended = write(&mut turn, &steps, |_| {});
    assert!(matches!(ended, Err(StoreError::Fenced)), "{ended:?}");
    assert_eq!(steps.get(), 4);
}

#[test]
fn whoever_stood_still_goes_on_when_nobody_came() {
    let world = Race::new();
    let mut turn = world.begin(&world.one).unwrap();
    let steps = Cell::new(0);
    let waits = Cell::new(None);
    write(&mut turn, &steps, |step| {
        if step == 4 {
            waits.set(world.waits());
            // Too late for a request to leave, too early for anybody to come.
            world.clock.pass(89);
        }
    })
    .unwrap();
    assert_eq!((waits.get(), steps.get()), (Some(90), 10));
    assert_eq!(world.waits(), Some(90), "it gave a sign of life before it went on");
}

#[test]
fn a_write_that_takes_long_keeps_the_pairing() {
    let world = Race::new();
    let mut turn = world.begin(&world.one).unwrap();
    let steps = Cell::new(0);
    write(&mut turn, &steps, |_| {
        world.clock.pass(29);
        assert!(world.waits().is_some_and(|seconds| seconds > 30), "{:?}", world.waits());
    })
    .unwrap();
    assert_eq!(steps.get(), 10);
}

#[test]
fn a_sign_of_life_is_given_when_half_of_the_time_is_over() {
    let world = Race::new();
    assert_eq!(world.one.name(), "one");
    let mut turn = world.begin(&world.one).unwrap();
    // Its last request may leave after 60 seconds.
    for (seconds, given) in [(0, 0), (29, 0), (1, 1), (29, 1), (1, 2)] {
        world.clock.pass(seconds);
        block_on(turn.writes(async { Ok(()) })).unwrap();
        assert_eq!(block_on(world.store.lease(&world.pairing)).unwrap().beats, given, "after {seconds} more");
    }
}

#[test]
fn a_process_that_sleeps_before_any_request_of_a_round_is_overtaken_and_harms_nothing() {
    let expected = expected();
    let mut overtaken = 0;
    for at in 0.. {
        let world = busy();
        let slept = Holder::new("slept", Duration::from_secs(60));
        let mut came_to_it = false;
        let standing = Cell::new(None);
        let ended = world.sync_as(&slept, |world: &World, number| {
            if number == at {
                came_to_it = true;
                let refused = world.try_sync();
                assert!(matches!(refused, Err(StoreError::Leased { .. })), "{refused:?}");
                world.clock.pass(600);
                world.sync();
                standing.set(Some((world.a.all(), world.b.all())));
            }
        });
        if !came_to_it {
            break;
        }
        match ended {
            Err(StoreError::Fenced) => overtaken += 1,
            // It had stored everything.
            Ok(_) => {}
            ended => panic!("request {at}: {ended:?}"),
        }
        let standing = standing.into_inner();
        assert_eq!(standing, Some((world.a.all(), world.b.all())), "request {at}: it wrote afterwards");
        world.settle();
        world.assert_in_step();
        assert_eq!(world.a.all(), expected, "request {at}");
    }
    assert!(overtaken > 20, "{overtaken}");
}
