//! `run`: the service, and what other commands do beside it.
#![cfg(unix)]

use std::time::{Duration, Instant};

use calsync_testkit::people::{Calendars as _, Edit};

use super::world::{World, ended, terminate, wait_for};

async fn running(pairings: usize) -> (World, tokio::process::Child) {
    let mut world = World::new(pairings).await;
    world.set_sync("interval = \"1s\"\nconcurrency = 2");
    world.fill(6);
    world.pair_all().await;
    let child = world.command(&["run"]).spawn().unwrap();
    wait_for("the first sync", || world.in_step()).await;
    (world, child)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_carries_edits_both_ways_until_it_is_told_to_stop() {
    let (world, mut child) = running(3).await;
    let one = &world.pairings[0];
    world.nvs.create(&one.unit, &world.draft("Neu in NVS", 3)).unwrap();
    let id = world.exchange.create(&one.mailbox, &world.draft("Neu in Exchange", 4)).unwrap();
    wait_for("both new ones", || world.in_step() && world.nvs.list(&one.unit).len() == 8).await;
    let edit = Edit { subject: Some("Umbenannt".to_owned()), ..Edit::default() };
    assert!(world.exchange.edit(&one.mailbox, &id, &edit));
    let renamed = || world.nvs_tiles(one).iter().any(|tile| tile.subject == "Umbenannt");
    wait_for("the new name", renamed).await;
    assert!(world.exchange.delete(&one.mailbox, &id));
    wait_for("the deletion", || world.in_step() && world.nvs.list(&one.unit).len() == 7).await;
    terminate(&child);
    assert_eq!(ended(&mut child).await.code(), Some(0));
    world.assert_in_step();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_commands_work_beside_it_and_it_notices_what_they_change() {
    let (world, mut child) = running(2).await;
    let [one, two] = [&world.pairings[0], &world.pairings[1]];
    let status = world.run(&["status", "--json"]).await.exits(0).json();
    assert_eq!(status["service"]["process"], child.id().unwrap());
    world.run(&["status"]).await.exits(0).says(&["service: runs"]);
    world.run(&["plan"]).await.exits(0).says(&["nothing to do"]);
    world.run(&["check"]).await.exits(0);
    world.run(&["config", "check"]).await.exits(0);

    // Only one may run rounds.
    let ran = world.run(&["run"]).await.exits(1);
    ran.says(&["the state is in use", "while the service runs it synchronises by itself"]);
    world.run_in_german(&["run"]).await.exits(1).says(&["der Zustand ist in Benutzung"]);
    world.run(&["sync"]).await.exits(1).says(&["the state is in use"]);

    // Paused means paused, resumed means at once.
    world.run(&["pairing", "pause", &one.unit]).await.exits(0);
    tokio::time::sleep(Duration::from_secs(4)).await;
    world.nvs.create(&one.unit, &world.draft("Während der Pause", 3)).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!world.in_step());
    world.run(&["pairing", "resume", &one.unit]).await.exits(0);
    wait_for("what was entered in the pause", || world.in_step()).await;

    // A pairing that is removed and one that is added.
    world.run(&["pairing", "remove", &two.unit, "--yes"]).await.exits(0);
    tokio::time::sleep(Duration::from_secs(4)).await;
    world.exchange.create(&two.mailbox, &world.draft("Ohne Paarung", 3)).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!world.in_step());
    let add = ["pairing", "add", "again", "--unit", &two.unit, "--mailbox", &two.mailbox];
    world.run(&add).await.exits(0);
    wait_for("the new pairing", || world.in_step()).await;
    world.run(&["pairing", "reset", "again", "--yes"]).await.exits(0);
    world.nvs.create(&two.unit, &world.draft("Nach dem Zurücksetzen", 5)).unwrap();
    wait_for("a first sync beside a running service", || world.in_step()).await;

    terminate(&child);
    assert_eq!(ended(&mut child).await.code(), Some(0));
    world.run(&["status"]).await.exits(0).says(&["does not run"]);
    world.assert_in_step();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_lives_through_an_outage_and_goes_on_by_itself() {
    let (world, mut child) = running(1).await;
    let one = &world.pairings[0];
    world.exchange.trouble(calsync_testkit::exchange::Trouble::DropBefore, 4);
    world.nvs.create(&one.unit, &world.draft("Im Ausfall", 3)).unwrap();
    wait_for("the appointment after the outage", || world.in_step()).await;
    terminate(&child);
    assert_eq!(ended(&mut child).await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_obeyed_even_when_a_server_does_not_answer() {
    let mut world = World::new(1).await;
    world.set_sync("interval = \"1s\"\nstop_within = \"1s\"");
    world.fill(4);
    world.pair_all().await;
    world.exchange.set_latency(Duration::from_secs(15));
    let mut child = world.command(&["run"]).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let asked = Instant::now();
    terminate(&child);
    assert_eq!(ended(&mut child).await.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    world.exchange.set_latency(Duration::ZERO);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_to_wait_is_left_alone_for_that_long() {
    let (world, mut child) = running(2).await;
    let asked = || world.exchange.traffic().values().map(|seen| seen.requests).sum::<u64>();
    world.exchange.trouble(calsync_testkit::exchange::Trouble::Busy(Duration::from_secs(4)), 1);
    world.exchange.reset_traffic();
    wait_for("the busy answer", || asked() > 0).await;
    // A round that was on its way at that moment may still end.
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.exchange.reset_traffic();
    tokio::time::sleep(Duration::from_millis(2800)).await;
    assert_eq!(asked(), 0);
    wait_for("the next question", || asked() > 0).await;
    terminate(&child);
    assert_eq!(ended(&mut child).await.code(), Some(0));
}
