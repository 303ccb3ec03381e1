//! The `pairing` commands.

use super::world::{World, write};

#[tokio::test(flavor = "multi_thread")]
async fn pairings_are_added_changed_listed_and_removed() {
    let world = World::new(2).await;
    world.run(&["pairing", "list", "--json"]).await.exits(0);
    world.run(&["status"]).await.exits(0).says(&["no pairings yet"]);
    let add =
        ["pairing", "add", "meier", "--unit", "u-0001", "--mailbox", "meier@example.test", "--conflict=nvs"];
    world.run(&add).await.exits(0).says(&["calsyncd check --pairing meier"]);
    world.run(&add).await.exits(1).says(&["there is a pairing \"meier\" already"]);
    let other = ["pairing", "add", "m2", "--unit", "u-0001", "--mailbox", "m2@example.test"];
    world.run(&other).await.exits(1).says(&["unit u-0001 is in the pairing \"meier\" already"]);
    let other = ["pairing", "add", "m2", "--unit", "u-2", "--mailbox", "Meier@Example.test"];
    world.run(&other).await.exits(1).says(&["is in the pairing \"meier\" already"]);

    world.run(&["pairing", "set", "meier", "--interval", "30s", "--guard-percent", "50"]).await.exits(0);
    world.run(&["pairing", "set", "meier"]).await.exits(2).says(&["nothing to change"]);
    let shown = world.run(&["pairing", "show", "meier", "--json"]).await.exits(0).json();
    assert_eq!((&shown["interval"], &shown["guard_percent"]), (&"30s".into(), &"50".into()));
    assert_eq!((&shown["conflict"], &shown["lead"]), (&"nvs".into(), &serde_json::Value::Null));
    world.run(&["pairing", "show", "meier"]).await.exits(0).says(&["guard_percent", "50"]);
    world.run(&["pairing", "list"]).await.exits(0).says(&["meier@example.test", "30s"]);
    world.run(&["pairing", "pause", "meier"]).await.exits(0).says(&["paused"]);
    world.run(&["pairing", "list", "--json"]).await.exits(0).says(&["\"enabled\": \"no\""]);
    world.run(&["pairing", "resume", "meier"]).await.exits(0);

    world.run(&["pairing", "remove", "meier"]).await.exits(1).says(&["--yes"]);
    world.run(&["pairing", "remove", "meier", "--yes"]).await.exits(0).says(&["stay on both sides"]);
    world.run(&["pairing", "show", "meier"]).await.exits(2).says(&["no pairing \"meier\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pairings_travel_in_files_and_a_bad_file_changes_nothing() {
    let world = World::new(1).await;
    write(
        &world.path("p.csv"),
        "name;unit;mailbox;interval;to_nvs_only_types;to_exchange_subject\n\
         meier;u-1;meier@example.test;30s;\"Job; Urlaub\";\"[{type}] {subject}, \"\"{place}\"\"\"\n\
         van;u-2;van@example.test;;;\n",
    );
    let file = world.path("p.csv").display().to_string();
    world.run(&["pairing", "import", &file]).await.exits(0).says(&["2 pairings added, 0 changed"]);
    let csv = world.run(&["pairing", "export"]).await.exits(0).out;
    let toml = world.run(&["pairing", "export", "--format", "toml"]).await.exits(0).out;
    assert!(toml.contains("Job; Urlaub") && csv.contains("Job; Urlaub"), "{toml}{csv}");
    write(&world.path("again.csv"), &csv);
    write(&world.path("again.toml"), &toml);
    for name in ["again.csv", "again.toml"] {
        let file = world.path(name).display().to_string();
        world.run(&["pairing", "import", &file]).await.exits(0).says(&["0 changed, 2 as they were"]);
    }
    write(
        &world.path("bad.csv"),
        "name,unit,mailbox,conflict\nnew,u-3,new@example.test,\nodd,u-1,odd@example.test,x\n",
    );
    let file = world.path("bad.csv").display().to_string();
    let ran = world.run(&["pairing", "import", &file]).await.exits(2);
    ran.says(&["nothing was imported", "line 3: \"conflict\" does not take \"x\""]);
    assert_eq!(world.run(&["pairing", "export"]).await.exits(0).out, csv);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_pairing_is_synchronised_anew_without_doubling_anything() {
    let world = World::new(1).await;
    world.fill(10);
    world.pair_all().await;
    world.run(&["sync"]).await.exits(0);
    let before = world.nvs_tiles(&world.pairings[0]);
    world.run(&["pairing", "reset", "u-0001", "--yes"]).await.exits(0).says(&["first sync"]);
    let again = world.run(&["sync", "--json"]).await.exits(0).json();
    assert_eq!(again["pairings"][0]["first_sync"], true);
    assert_eq!(again["pairings"][0]["nvs"]["created"], 0);
    assert_eq!(again["pairings"][0]["exchange"]["created"], 0);
    assert_eq!(world.nvs_tiles(&world.pairings[0]), before);
    world.assert_in_step();

    // The same after the pairing was removed and set up again.
    world.run(&["pairing", "remove", "u-0001", "--yes"]).await.exits(0);
    world.pair_all().await;
    world.run(&["sync"]).await.exits(0);
    assert_eq!(world.nvs_tiles(&world.pairings[0]), before);
    world.assert_in_step();
}
