//! Guards over real HTTP: protected types, and changes that are too many to be meant.

use calsync_testkit::people::{Calendars as _, Edit};
use chrono::TimeDelta;
use serde_json::json;

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_exchange_does_to_a_protected_type_is_marked_in_nvs_and_taken_back() {
    // Once the pairing names the type, once only the server refuses.
    for named in [true, false] {
        let world = World::new(1).await;
        world.pair_all().await;
        let one = &world.pairings[0];
        if named {
            let set = ["pairing", "set", &one.unit, "--set", "protected_types=Urlaub; Krank"];
            world.run(&set).await.exits(0);
        }
        world.nvs.protect_type("Urlaub");
        let mut draft = world.draft("Urlaub Meier", 3);
        draft.category = Some("Urlaub".to_owned());
        let leave = world.nvs.create(&one.unit, &draft).unwrap();
        world.run(&["sync"]).await.exits(0);
        let before = world.nvs_tiles(one);
        let mark = || world.nvs.document(&one.unit, &leave).unwrap()["mark"].clone();

        let copy = world.exchange.list(&one.mailbox)[0].clone();
        let moved = Some((draft.start + TimeDelta::hours(2), draft.end + TimeDelta::hours(2)));
        assert!(world.exchange.edit(&one.mailbox, &copy, &Edit { span: moved, ..Edit::default() }));
        if named {
            let plan = world.run(&["plan"]).await.exits(0);
            plan.says(&["deleted or moved on Exchange, where its type may not be: marked in NVS"]);
        } else {
            world.run(&["sync"]).await.exits(3).says(&["can neither be deleted nor moved"]);
        }
        for _ in 0..3 {
            world.run(&["sync"]).await.exits(0);
        }
        assert_eq!(mark()["kind"], "moved", "named: {named}");
        assert_eq!(world.nvs_tiles(one), before);
        world.assert_in_step();

        let copy = world.exchange.list(&one.mailbox)[0].clone();
        assert!(world.exchange.delete(&one.mailbox, &copy));
        if !named {
            world.run(&["sync"]).await.exits(3);
        }
        for _ in 0..3 {
            world.run(&["sync"]).await.exits(0);
        }
        assert_eq!(mark(), json!({"kind": "deleted"}), "named: {named}");
        assert_eq!(world.nvs_tiles(one), before);
        world.assert_in_step();
        world.run(&["sync"]).await.exits(0).says(&["nothing to do"]);
        assert!(world.exchange.outbox().is_empty(), "nobody is mailed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_is_an_hour_off_all_at_once_waits_for_a_person() {
    let world = World::new(1).await;
    world.pair_all().await;
    let one = &world.pairings[0];
    let drafts: Vec<_> = (0..25).map(|number| world.draft(&format!("Termin {number}"), 1 + number)).collect();
    let ids: Vec<_> = drafts.iter().map(|draft| world.nvs.create(&one.unit, draft).unwrap()).collect();
    world.run(&["sync"]).await.exits(0);
    let before = world.exchange_tiles(one);
    for (id, draft) in ids.iter().zip(&drafts) {
        let span = Some((draft.start + TimeDelta::hours(1), draft.end + TimeDelta::hours(1)));
        assert!(world.nvs.edit(&one.unit, id, &Edit { span, ..Edit::default() }));
    }
    let off = format!("calsyncd pairing set {} --set change_guard=off", one.unit);
    for command in ["sync", "plan", "status"] {
        world.run(&[command]).await.exits(3).says(&["too many at once to be meant", &off]);
        world.run_in_german(&[command]).await.exits(3).says(&["zu viele auf einmal, um gemeint zu sein"]);
    }
    assert_eq!(world.exchange_tiles(one), before);
    world.run(&["pairing", "set", &one.unit, "--set", "change_guard=off"]).await.exits(0);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
}
