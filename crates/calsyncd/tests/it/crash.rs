//! The process is killed at any moment, and started again: both sides end in step and nothing is doubled.

use std::time::{Duration, Instant};

use calsync_testkit::people::{Calendars as _, Edit};

use super::world::World;

/// Moments that look random and are the same on every run.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

async fn in_step_and_nothing_doubled(world: &World, appointments: usize) {
    let last = world.run(&["sync", "--json"]).await.exits(0).json();
    assert_eq!(last["result"], "ok");
    world.assert_in_step();
    for pairing in &world.pairings {
        assert_eq!(world.nvs.list(&pairing.unit).len(), appointments, "doubled or lost in NVS");
        assert_eq!(world.exchange.list(&pairing.mailbox).len(), appointments, "doubled or lost on Exchange");
    }
    let quiet = world.run(&["sync", "--json"]).await.exits(0).json();
    for pairing in quiet["pairings"].as_array().unwrap() {
        for side in ["nvs", "exchange"] {
            assert_eq!(pairing[side]["created"], 0);
            assert_eq!(pairing[side]["updated"], 0);
            assert_eq!(pairing[side]["deleted"], 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_is_killed_again_and_again_in_the_first_sync() {
    let world = World::new(2).await;
    world.fill(14);
    world.pair_all().await;
    world.exchange.set_latency(Duration::from_millis(12));
    world.nvs.latency(Duration::from_millis(12));
    let mut moments = Moments(1);
    for turn in 0..25 {
        let mut child = world.command(&["sync"]).spawn().unwrap();
        // Later and later, so that every part of the round is hit.
        let wait = 5 + turn * 20 + moments.next(40);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        child.kill().await.unwrap();
    }
    world.exchange.set_latency(Duration::ZERO);
    world.nvs.latency(Duration::ZERO);
    in_step_and_nothing_doubled(&world, 14).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn run_is_killed_again_and_again_while_people_edit() {
    let mut world = World::new(2).await;
    world.set_sync("interval = \"1s\"");
    world.fill(8);
    world.pair_all().await;
    world.run(&["sync"]).await.exits(0);
    world.run(&["sync"]).await.exits(0);
    world.exchange.set_latency(Duration::from_millis(8));
    world.nvs.latency(Duration::from_millis(8));
    let mut moments = Moments(2);
    let mut appointments = 8;
    for turn in 0..12_u64 {
        let child = world.command(&["run"]).spawn();
        let mut child = child.unwrap();
        for pairing in &world.pairings {
            world.nvs.create(&pairing.unit, &world.draft(&format!("NVS {turn}"), 2 + turn)).unwrap();
            world
                .exchange
                .create(&pairing.mailbox, &world.draft(&format!("Exchange {turn}"), 3 + turn))
                .unwrap();
            let edit = Edit { place: Some(format!("Raum {turn}")), ..Edit::default() };
            let ids = world.nvs.list(&pairing.unit);
            let at = usize::try_from(moments.next(ids.len() as u64)).unwrap();
            assert!(world.nvs.edit(&pairing.unit, &ids[at], &edit));
        }
        appointments += 2;
        tokio::time::sleep(Duration::from_millis(150 + moments.next(1200))).await;
        child.kill().await.unwrap();
    }
    world.exchange.set_latency(Duration::ZERO);
    world.nvs.latency(Duration::ZERO);
    let began = Instant::now();
    in_step_and_nothing_doubled(&world, appointments).await;
    assert!(began.elapsed() < Duration::from_secs(30));
}
