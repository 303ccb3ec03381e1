//! Single rounds by `sync` and `plan`.

use calsync_testkit::exchange::Rights;
use calsync_testkit::people::{Calendars as _, Edit};
use serde_json::json;

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sync_edits_and_a_quiet_round() {
    let world = World::new(3).await;
    world.fill(12);
    world.pair_all().await;

    // A plan first: it says everything and does nothing.
    let before = world.pairings.iter().map(|pairing| world.nvs_tiles(pairing)).collect::<Vec<_>>();
    let plan = world.run(&["plan", "--json"]).await.exits(0).json();
    let planned: u64 = (0..3).map(|at| plan["pairings"][at]["writes"].as_u64().unwrap()).sum();
    assert_eq!(planned, 36);
    assert_eq!(plan["pairings"][0]["steps"][0]["action"], "create");
    let after = world.pairings.iter().map(|pairing| world.nvs_tiles(pairing)).collect::<Vec<_>>();
    assert_eq!(before, after);
    world.run(&["plan"]).await.exits(0).says(&["create on NVS", "new on Exchange"]);
    world.run_in_german(&["plan"]).await.exits(0).says(&["anlegen in Exchange", "neu in NVS"]);

    let first = world.run(&["sync", "--json"]).await.exits(0).json();
    assert_eq!(first["result"], "ok");
    let written: u64 = (0..3)
        .map(|at| {
            let pairing = &first["pairings"][at];
            assert_eq!(pairing["first_sync"], true);
            pairing["nvs"]["created"].as_u64().unwrap() + pairing["exchange"]["created"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(written, 36);
    world.assert_in_step();

    // Edits on both sides.
    let (one, two) = (&world.pairings[0], &world.pairings[1]);
    world.nvs.create(&one.unit, &world.draft("Neu in NVS", 3)).unwrap();
    world.exchange.create(&one.mailbox, &world.draft("Neu in Exchange", 4)).unwrap();
    let moved = world.nvs.list(&two.unit)[0].clone();
    let place = Edit { place: Some("Keller".to_owned()), ..Edit::default() };
    assert!(world.nvs.edit(&two.unit, &moved, &place));
    let second = world.run(&["sync"]).await.exits(0);
    second.says(&[
        "Exchange: 1 created",
        "NVS: 1 created",
        "Exchange: 0 created, 1 changed",
        "nothing to do",
    ]);
    world.assert_in_step();

    // What one side has deleted is deleted on the other.
    world.exchange.reset_traffic();
    world.run(&["sync"]).await.exits(0);
    let gone = world.exchange.list(&two.mailbox)[0].clone();
    assert!(world.exchange.delete(&two.mailbox, &gone));
    let gone = world.nvs.list(&one.unit)[0].clone();
    assert!(world.nvs.delete(&one.unit, &gone));
    world.run(&["sync"]).await.exits(0).says(&["NVS: 0 created, 0 changed, 1 deleted"]);
    world.assert_in_step();
    world.run(&["sync"]).await.exits(0);

    // Nothing happened: one question to each side and pairing, and not a single write; and each process asks NVS once which
    // installation it is.
    world.exchange.reset_traffic();
    world.nvs.forget_seen();
    let quiet = world.run(&["sync", "--json"]).await.exits(0).json();
    for at in 0..3 {
        for side in ["nvs", "exchange"] {
            let did = &quiet["pairings"][at][side];
            assert_eq!(*did, json!({"read": 0, "created": 0, "updated": 0, "deleted": 0, "failed": 0}));
        }
    }
    let asked: Vec<_> =
        world.exchange.traffic().into_iter().map(|(name, seen)| (name, seen.requests)).collect();
    assert_eq!(asked, [("SyncFolderItems".to_owned(), 3)]);
    let seen: Vec<_> = world.nvs.seen().requests.into_iter().collect();
    assert_eq!(seen, [("changes".to_owned(), 3), ("server".to_owned(), 1)]);
    assert!(world.exchange.outbox().is_empty(), "nobody is ever mailed");

    let status = world.run(&["status", "--json"]).await.exits(0).json();
    assert_eq!(status["service"], json!(null));
    assert_eq!(status["pairings"][0]["state"], "ok");
    assert_eq!(status["pairings"][0]["first_sync_done"], true);
    world.run(&["status"]).await.exits(0).says(&["PAIRING", "good", "does not run"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_pairing_alone_and_the_other_way_round() {
    let world = World::new(2).await;
    world.fill(4);
    world.pair_all().await;
    let [one, two] = [&world.pairings[0], &world.pairings[1]];
    world.run(&["sync", "--pairing", &one.unit]).await.exits(0);
    assert_eq!(world.nvs_tiles(one), world.exchange_tiles(one));
    assert_ne!(world.nvs_tiles(two), world.exchange_tiles(two));

    // Only from NVS to Exchange: what is entered on Exchange goes nowhere.
    world.run(&["pairing", "set", &two.unit, "--direction", "to_exchange"]).await.exits(0);
    let before = world.nvs_tiles(two);
    world.run(&["sync", "--pairing", &two.unit]).await;
    assert_eq!(world.nvs_tiles(two), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn impersonation_reaches_mailboxes_without_rights() {
    let world = World::new(1).await;
    world.fill(4);
    let one = &world.pairings[0];
    world.exchange.set_rights("svc-calsync", &one.mailbox, calsync_testkit::exchange::Rights::None);
    world.configure("access = \"impersonation\"", "");
    world.pair_all().await;
    world.run(&["check"]).await.exits(0);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_deletions_wait_for_a_person_and_the_exit_status_says_so() {
    let world = World::new(1).await;
    world.fill(20);
    world.pair_all().await;
    world.run(&["sync"]).await.exits(0);
    world.run(&["sync"]).await.exits(0);
    let one = &world.pairings[0];
    for id in world.nvs.list(&one.unit).iter().take(12) {
        assert!(world.nvs.delete(&one.unit, id));
    }
    let before = world.exchange_tiles(one);
    let ran = world.run(&["sync"]).await.exits(3);
    let allow = format!("calsyncd pairing set {} --guard-percent 100", one.unit);
    ran.says(&[
        "12 wait for a person",
        "calsyncd held list --pairing",
        "held reject makes them again on NVS",
        &allow,
    ]);
    assert_eq!(world.exchange_tiles(one), before);
    world.run(&["plan"]).await.exits(3).says(&["too many at once to be meant", &allow]);
    let status = world.run(&["status", "--json"]).await.exits(3).json();
    assert_eq!(status["pairings"][0]["held"], 12);
    assert_eq!(status["pairings"][0]["waiting"], json!({"too_many_deletions": {"nvs": 12}}));
    world.run(&["status"]).await.exits(3).says(&[&allow]);
    let german = world.run_in_german(&["status"]).await.exits(3);
    german.says(&["12 warten auf einen Menschen", "held reject legt sie in NVS wieder an", &allow]);

    // What it advises is what helps.
    world.run(&["pairing", "set", &one.unit, "--guard-percent", "100"]).await.exits(0);
    world.run(&["sync"]).await.exits(0).says(&["Exchange: 0 created, 0 changed, 12 deleted"]);
    world.assert_in_step();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_left_to_a_person_is_told_with_what_to_do_and_that_helps() {
    let world = World::new(1).await;
    world.pair_all().await;
    let one = &world.pairings[0];
    world.run(&["pairing", "set", &one.unit, "--conflict", "hold"]).await.exits(0);
    let nvs = world.nvs.create(&one.unit, &world.draft("Vorher", 3)).unwrap();
    world.run(&["sync"]).await.exits(0);
    let exchange = &world.exchange.list(&one.mailbox)[0];
    let called = |name: &str| Edit { subject: Some(name.to_owned()), ..Edit::default() };
    assert!(world.nvs.edit(&one.unit, &nvs, &called("Nach NVS")));
    assert!(world.exchange.edit(&one.mailbox, exchange, &called("Nach Exchange")));
    let advice = format!("calsyncd pairing set {} --conflict newer", one.unit);
    for command in ["sync", "plan", "status"] {
        world.run(&[command]).await.exits(3).says(&["changed on both sides", &advice]);
        world.run_in_german(&[command]).await.exits(3).says(&["auf beiden Seiten geändert", &advice]);
    }
    world.run(&["pairing", "set", &one.unit, "--conflict", "nvs"]).await.exits(0);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
    assert!(world.exchange_tiles(one).iter().any(|tile| tile.subject == "Nach NVS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_nvs_server_restored_from_a_backup_deletes_nothing_and_a_person_chooses() {
    let world = World::new(1).await;
    world.fill(10);
    world.pair_all().await;
    world.run(&["sync"]).await.exits(0);
    let one = &world.pairings[0];
    let backup = world.nvs.snapshot();
    for days in 1..4 {
        world.nvs.create(&one.unit, &world.draft(&format!("Seither {days}"), days)).unwrap();
    }
    let edited = world.nvs.list(&one.unit)[0].clone();
    assert!(world.nvs.edit(
        &one.unit,
        &edited,
        &Edit { place: Some("Seither".to_owned()), ..Edit::default() }
    ));
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
    let before = world.exchange_tiles(one);

    world.nvs.restore(&backup);
    let resume = format!("calsyncd pairing resume {} --lead nvs (or exchange)", one.unit);
    for _ in 0..2 {
        let ran = world.run(&["sync"]).await.exits(1);
        ran.says(&["it was restored from a backup", &resume, "calsyncd plan"]);
        assert_eq!(world.exchange_tiles(one), before, "nothing is written");
    }
    world.run(&["plan"]).await.exits(1).says(&[&resume]);
    world.run(&["status"]).await.exits(1).says(&["restored from a backup", &resume]);
    world.run_in_german(&["sync"]).await.exits(1).says(&["aus einer Sicherung wiederhergestellt"]);
    world.run_in_german(&["status"]).await.exits(1).says(&["aus einer Sicherung wiederhergestellt"]);

    for lead in ["nvs", "exchange"] {
        let plan = world.run(&["plan", "--pairing", &one.unit, "--lead", lead, "--json"]).await.json();
        let steps = plan["pairings"][0]["steps"].as_array().unwrap().clone();
        assert!(steps.iter().all(|step| step["action"] != "delete"), "{steps:#?}");
        // What was made since is made again on NVS, whoever leads; the edit goes to the side that does not.
        let made = steps.iter().filter(|step| step["action"] == "create").count();
        assert_eq!(made, 3, "{lead}: {steps:#?}");
    }
    assert_eq!(world.exchange_tiles(one), before, "a plan writes nothing");
    world.run(&["pairing", "resume", &one.unit, "--lead", "exchange"]).await.exits(0);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
    assert_eq!(world.exchange_tiles(one), before, "what was made since is there again on both sides");
    world.run(&["sync"]).await.exits(0).says(&["nothing to do"]);
    world.run(&["pairing", "resume", &one.unit, "--lead", "nvs"]).await.exits(1).says(&["nothing to choose"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_mailbox_restored_from_a_backup_is_noticed_and_the_chosen_side_leads() {
    let world = World::new(1).await;
    world.fill(10);
    world.pair_all().await;
    let one = &world.pairings[0];
    world.exchange.set_rights("svc-calsync", &one.mailbox, Rights::Editor);
    // Who is not the owner of the folder cannot leave a mark in it, and is told.
    world.run(&["sync"]).await.exits(0).says(&["no mark can be left in the calendar on Exchange"]);
    world.exchange.set_rights("svc-calsync", &one.mailbox, Rights::Owner);
    world.nvs.create(&one.unit, &world.draft("Vorher", 1)).unwrap();
    world.run(&["sync"]).await.exits(0);
    let backup = world.exchange.snapshot();
    world.nvs.create(&one.unit, &world.draft("Nachher", 2)).unwrap();
    world.run(&["sync"]).await.exits(0);
    let before = world.exchange_tiles(one);

    world.exchange.restore(&backup);
    world.nvs.create(&one.unit, &world.draft("Noch später", 3)).unwrap();
    let resume = format!("calsyncd pairing resume {} --lead nvs (or exchange)", one.unit);
    world.run(&["sync"]).await.exits(1).says(&["restored from a backup", &resume]);
    assert!(!world.exchange_tiles(one).iter().any(|tile| tile.subject == "Noch später"));
    world.run(&["status"]).await.exits(1).says(&["restored from a backup", &resume]);
    world.run(&["pairing", "resume", &one.unit, "--lead", "nvs"]).await.exits(0);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
    assert_eq!(world.exchange_tiles(one).len(), before.len() + 1);
    assert!(world.exchange.outbox().is_empty());

    // The same mailbox under other ids is the same mailbox.
    world.exchange.renumber_items(&one.mailbox);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
    assert_eq!(world.exchange_tiles(one).len(), before.len() + 1);
    // An emptied one is not.
    world.exchange.recreate_mailbox(&one.mailbox);
    world.run(&["sync"]).await.exits(1).says(&["emptied or made anew", &resume]);
    world.run(&["pairing", "resume", &one.unit, "--lead", "nvs"]).await.exits(0);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
    assert_eq!(world.exchange_tiles(one).len(), before.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_pairing_and_the_defaults_decide_what_arrives_and_how() {
    let mut world = World::new(1).await;
    world.set_sync("[defaults]\nto_exchange_subject = \"{subject} ({place})\"\npast_days = 30\n");
    world.run(&["config", "check"]).await.exits(0);
    world.pair_all().await;
    let pairing = world.pairings[0].clone();
    let set = ["pairing", "set", &pairing.unit, "--set", "to_exchange_private=mask", "--set"];
    world.run(&[&set[..], &["type_names=Einsatz=Job"]].concat()).await.exits(0);
    world
        .run(&[&set[..], &["to_exchange_privat=mask"]].concat())
        .await
        .exits(2)
        .says(&["to_exchange_private="]);
    world.run(&[&set[..], &["past_days=soon"]].concat()).await.exits(2).says(&["0 ... 36500, all"]);
    let shown = world.run(&["pairing", "show", &pairing.unit, "--json"]).await.exits(0).json();
    assert_eq!(shown["to_exchange_private"], "mask");
    assert_eq!(shown["to_exchange_subject"], json!(null), "that is a default");

    let mut job = world.draft("Leiter", 2);
    job.category = Some("Einsatz".to_owned());
    let mut dentist = world.draft("Zahnarzt", 3);
    dentist.private = true;
    let mut old = world.draft("vorbei", 0);
    (old.start, old.end) = (old.start - chrono::TimeDelta::days(90), old.end - chrono::TimeDelta::days(90));
    for draft in [&job, &dentist, &old] {
        world.nvs.create(&pairing.unit, draft).unwrap();
    }
    world.run(&["sync"]).await.exits(0).says(&["Exchange: 2 created"]);
    let tiles = format!("{:?}", world.exchange_tiles(&pairing));
    for there in ["Leiter (Halle 2)", "Job", "Privat"] {
        assert!(tiles.contains(there), "{there} is missing in {tiles}");
    }
    for hidden in ["Zahnarzt", "vorbei", "Einsatz"] {
        assert!(!tiles.contains(hidden), "{hidden} is in {tiles}");
    }
    world.run(&["sync"]).await.exits(0).says(&["nothing to do"]);
}
