//! Two processes on one state directory that no lock keeps apart: leases do.
#![cfg(unix)]

use std::time::Duration;

use calsync_testkit::people::Calendars as _;
use tokio::process::Child;

use super::world::{World, ended, finish, terminate, wait_for};

const APPOINTMENTS: usize = 40;

/// A world in which a first sync takes some seconds, and leases of six.
async fn slow(appointments: usize) -> World {
    let mut world = World::new(1).await;
    world.set_sync("interval = \"1s\"");
    let config = std::fs::read_to_string(world.config_path()).unwrap();
    std::fs::write(world.config_path(), config.replace("timeout = \"20s\"", "timeout = \"2s\"")).unwrap();
    world.fill(appointments);
    world.pair_all().await;
    world.exchange.set_latency(Duration::from_millis(200));
    world.nvs.latency(Duration::from_millis(200));
    world
}

fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
}

/// A service in the middle of its first sync.
async fn in_the_middle(world: &World) -> Child {
    let child = world.command(&["run"]).spawn().unwrap();
    let made = || world.exchange.list(&world.pairings[0].mailbox).len();
    let before = made();
    wait_for("the first appointments", || made() > before).await;
    child
}

/// What happens to locks on some network file systems, in copied machines, and when somebody tidies up.
fn lose_the_lock(world: &World) {
    std::fs::remove_file(world.path("state").join("state.lock")).unwrap();
}

/// Requests that write appointments, on both sides.
fn writes(world: &World) -> u64 {
    let traffic = world.exchange.traffic();
    let of = |name: &str| traffic.get(name).map_or(0, |seen| seen.requests);
    ["CreateItem", "UpdateItem", "DeleteItem", "MoveItem"].into_iter().map(of).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_stopped_beyond_its_lease_writes_nothing_when_it_goes_on() {
    let world = slow(APPOINTMENTS).await;
    let first = in_the_middle(&world).await;
    signal(&first, "-STOP");
    lose_the_lock(&world);
    let mut second = world.command(&["run"]).spawn().unwrap();
    // As long as the lease of the first one may last, nothing is written.
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.exchange.reset_traffic();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(writes(&world), 0, "the second one did not wait");
    assert!(!world.in_step(), "the first one was not in the middle of anything");
    world.exchange.set_latency(Duration::ZERO);
    world.nvs.latency(Duration::ZERO);
    wait_for("the second one takes over", || world.in_step()).await;
    terminate(&second);
    assert_eq!(ended(&mut second).await.code(), Some(0));

    world.exchange.reset_traffic();
    let seen = || world.exchange.traffic().values().map(|seen| seen.requests).sum::<u64>();
    signal(&first, "-CONT");
    // It ends its round, and after that it is as good as any other.
    wait_for("the first one goes on with new rounds", || seen() >= 3).await;
    terminate(&first);
    let output =
        tokio::time::timeout(Duration::from_secs(40), first.wait_with_output()).await.unwrap().unwrap();
    let log = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert!(log.contains("another process took over this pairing meanwhile"), "{log}");
    assert_eq!(writes(&world), 0, "{log}");
    world.assert_in_step();
    assert_eq!(world.exchange.list(&world.pairings[0].mailbox).len(), APPOINTMENTS, "doubled or lost");
    world.run(&["sync", "--json"]).await.exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_yields_to_a_service_that_lives() {
    let world = slow(4 * APPOINTMENTS).await;
    let _first = in_the_middle(&world).await;
    lose_the_lock(&world);
    let said = ["works on this pairing; try again when it has finished", "process "];
    world.run(&["sync"]).await.exits(1).says(&said);
    let german = "bearbeitet diese Paarung; erneut versuchen, wenn das beendet ist";
    world.run_in_german(&["sync"]).await.exits(1).says(&[german]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_until_a_service_that_stands_still_counts_as_dead() {
    let world = slow(APPOINTMENTS).await;
    let first = in_the_middle(&world).await;
    signal(&first, "-STOP");
    lose_the_lock(&world);
    assert!(!world.in_step(), "it was not in the middle of anything");
    world.exchange.set_latency(Duration::ZERO);
    world.nvs.latency(Duration::ZERO);
    let ran = finish(world.command(&["sync"])).await;
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    ran.says(&["had this pairing last and did not give it back; waiting up to"]);
    world.assert_in_step();
    signal(&first, "-KILL");
}
