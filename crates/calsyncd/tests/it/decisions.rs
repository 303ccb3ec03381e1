//! What waits, what was decided, what was written: looked at by a person, beside a running service too.

use calsync_testkit::people::{Calendars as _, Edit};
use serde_json::Value;

use super::world::World;

fn rename(subject: &str) -> Edit {
    Edit { subject: Some(subject.to_owned()), ..Edit::default() }
}

/// One pairing in step, with the ids of appointments `Termin 0`, `Termin 1`, ... on Exchange.
async fn in_step(count: u64) -> (World, Vec<String>) {
    let world = World::new(1).await;
    let one = &world.pairings[0];
    let enter = |number: u64| {
        let draft = world.draft(&format!("Termin {number}"), number + 1);
        world.exchange.create(&one.mailbox, &draft).unwrap()
    };
    let ids = (0..count).map(enter).collect();
    world.pair_all().await;
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
    (world, ids)
}

/// The rows under a name in a document, and of each the text under a key.
fn texts(document: &Value, rows: &str, key: &str) -> Vec<String> {
    let rows = document[rows].as_array().unwrap();
    rows.iter().map(|row| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned)).collect()
}

/// Eight of ten are deleted on Exchange, which the guard holds.
async fn eight_held() -> World {
    let (world, ids) = in_step(10).await;
    for id in ids.iter().take(8) {
        assert!(world.exchange.delete(&world.pairings[0].mailbox, id));
    }
    world.run(&["sync"]).await.exits(3);
    world
}

/// One appointment that both sides renamed, with this rule for conflicts.
async fn renamed_on_both(rule: &str) -> World {
    let (world, ids) = in_step(1).await;
    let one = &world.pairings[0];
    world.run(&["pairing", "set", &one.unit, "--conflict", rule]).await.exits(0);
    assert!(world.nvs.edit(&one.unit, &world.nvs.list(&one.unit)[0], &rename("Aus NVS")));
    assert!(world.exchange.edit(&one.mailbox, &ids[0], &rename("Aus Exchange")));
    world.run(&["sync"]).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_holds_is_listed_with_what_it_is() {
    let world = eight_held().await;
    let held = world.run(&["held", "list", "--json"]).await.exits(0).json();
    assert_eq!(texts(&held, "held", "kind"), ["deletion"; 8]);
    let mut subjects = texts(&held, "held", "subject");
    subjects.sort();
    assert_eq!(subjects, (0..8).map(|number| format!("Termin {number}")).collect::<Vec<_>>());
    world.run_in_german(&["held", "list", "--pairing", &world.pairings[0].unit]).await.exits(0).says(&[
        "VERKNÜPFUNG",
        "Löschung",
        "Termin 7",
        "gelöscht in Exchange: zu viele auf einmal",
    ]);
    let status = world.run(&["status", "--json"]).await.exits(3).json();
    assert_eq!(status["pairings"][0]["held_by_kind"], serde_json::json!({ "deletion": 8 }));
    world.run_in_german(&["status"]).await.exits(3).says(&["8 (8 Löschung)", "calsyncd held approve"]);

    // What is not there is told, and nothing is done.
    world.run(&["held", "approve"]).await.exits(2).says(&["--all --pairing NAME"]);
    world
        .run(&["held", "approve", "0000000000000007"])
        .await
        .exits(2)
        .says(&["link 0000000000000007 does not wait"]);
    world.run(&["held", "reject", "x"]).await.exits(2).says(&["does not take \"x\""]);
    world.run(&["held", "list", "--pairing", "nobody"]).await.exits(2).says(&["no pairing \"nobody\""]);
    let link = texts(&held, "held", "link").remove(0);
    world
        .run(&["conflict", "resolve", &link, "--prefer", "nvs"])
        .await
        .exits(2)
        .says(&["is no conflict", "held approve"]);
    assert_eq!(world.nvs.list(&world.pairings[0].unit).len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_waits_is_shown_with_both_values() {
    let world = renamed_on_both("hold").await;
    let listed = world.run(&["conflict", "list", "--json"]).await.exits(0).json();
    let link = texts(&listed, "conflicts", "link").remove(0);
    let shown = world.run(&["conflict", "show", &link, "--json"]).await.exits(0).json();
    assert_eq!(shown["state"], "waiting");
    let field = &shown["fields"][0];
    assert_eq!(
        (&field["path"], &field["before"], &field["nvs"], &field["exchange"], &field["disputed"]),
        (
            &"master.subject".into(),
            &"Termin 0".into(),
            &"Aus NVS".into(),
            &"Aus Exchange".into(),
            &true.into()
        )
    );
    world.run_in_german(&["conflict", "show", &link]).await.exits(0).says(&[
        "  Betreff  [auf beiden Seiten geändert]\n    vorher    Termin 0\n    NVS       Aus NVS\n    Exchange  Aus Exchange\n",
        &format!("calsyncd conflict resolve {link} --prefer nvs (oder exchange)"),
    ]);
    let wrong = world.run(&["held", "approve", &link]).await.exits(2);
    wrong.says(&["is a conflict", "conflict resolve"]);
    world.run(&["conflict", "show", "12345"]).await.exits(2).says(&["conflict list --decided"]);
    world.run(&["conflict", "resolve", &link, "--prefer", "me"]).await.exits(2).says(&["nvs, exchange"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_conflict_is_listed_and_shown_with_what_lost() {
    let world = renamed_on_both("exchange").await;
    world.assert_in_step();
    let listed = world.run(&["conflict", "list", "--decided", "--json"]).await.exits(0).json();
    let row = &listed["conflicts"][0];
    assert_eq!(
        (&row["winner"], &row["loser"], &row["by"]),
        (&"exchange".into(), &"nvs".into(), &"policy".into())
    );
    let entry = row["entry"].to_string();
    let shown = world.run(&["conflict", "show", &entry, "--json"]).await.exits(0).json();
    let field = &shown["fields"][0];
    assert_eq!(
        (&field["path"], &field["nvs"], &field["exchange"], &field["lost"]),
        (&"master.subject".into(), &"Aus NVS".into(), &"Aus Exchange".into(), &true.into())
    );
    world.run_in_german(&["conflict", "show", &entry]).await.exits(0).says(&[
        "NVS verlor am",
        "auf beiden Seiten geändert, die Regel wählte die andere",
        "  Betreff  [verloren]\n    NVS       Aus NVS\n    Exchange  Aus Exchange\n",
    ]);
    world.run_in_german(&["conflict", "list", "--decided"]).await.exits(0).says(&["NVS: Betreff", "Aus NVS"]);
    world.run(&["conflict", "list"]).await.exits(0).says(&["no conflicts"]);
    let already = world.run(&["conflict", "resolve", &entry, "--prefer", "exchange"]).await.exits(0);
    already.says(&["stand already"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_asked_by_round_link_and_time() {
    let (world, ids) = in_step(3).await;
    let one = &world.pairings[0];
    assert!(world.exchange.edit(&one.mailbox, &ids[1], &rename("Umbenannt")));
    world.run(&["sync"]).await.exits(0);
    let all = world.run(&["journal", "list", "--json"]).await.exits(0).json();
    assert_eq!(texts(&all, "entries", "action"), ["update", "create", "create", "create"]);
    assert_eq!(texts(&all, "entries", "carried_out"), ["true"; 4]);
    let newest = &all["entries"][0];
    let by = async |option: &str, value: &str| {
        let args = ["journal", "list", "--json", "--pairing", &one.unit, option, value];
        texts(&world.run(&args).await.exits(0).json(), "entries", "entry")
    };
    assert_eq!(by("--round", &newest["round"].to_string()).await, [newest["entry"].to_string()]);
    assert_eq!(by("--link", newest["link"].as_str().unwrap()).await.len(), 2);
    assert_eq!(by("--limit", "3").await.len(), 3);
    assert_eq!(by("--since", "1h").await.len(), 4);
    assert_eq!(by("--since", "2100-01-01").await, Vec::<String>::new());
    world
        .run(&["journal", "list", "--since", "yesterday"])
        .await
        .exits(2)
        .says(&["--since does not take \"yesterday\"", "2h"]);

    let entry = newest["entry"].to_string();
    let shown = world.run(&["journal", "show", &entry, "--json"]).await.exits(0).json();
    assert_eq!(shown["before"]["master.subject"], "Termin 1");
    assert_eq!(shown["after"]["master.subject"], "Umbenannt");
    world.run_in_german(&["journal", "show", &entry]).await.exits(0).says(&[
        "ändern in NVS",
        "  warum: geändert in Exchange\n  Ergebnis: ausgeführt\n  Betreff\n    vorher   Termin 1\n    nachher  Umbenannt\n",
    ]);
    world.run_in_german(&["journal", "list"]).await.exits(0).says(&[
        "ERGEBNIS",
        "neu in Exchange",
        "anlegen in NVS",
    ]);
    world.run(&["journal", "show", "99"]).await.exits(2).says(&["no journal entry 99"]);
}

/// The files of the state directory that hold this text.
fn files_with(world: &World, text: &str) -> Vec<String> {
    let files = std::fs::read_dir(world.path("state")).unwrap().map(|file| file.unwrap().path());
    let has = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    files.filter(has).map(|path| path.display().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_journal_holds_of_appointments_is_erased_for_good() {
    let (world, ids) = in_step(2).await;
    let (one, id) = (&world.pairings[0], &ids[0]);
    assert!(world.exchange.edit(&one.mailbox, id, &rename("Streng vertraulich")));
    world.run(&["sync"]).await.exits(0);
    assert!(world.exchange.edit(&one.mailbox, id, &rename("Offen")));
    world.run(&["sync"]).await.exits(0);
    assert!(!files_with(&world, "Streng vertraulich").is_empty());

    world.run(&["journal", "erase", "--pairing", &one.unit]).await.exits(1).says(&["--yes"]);
    let old = ["journal", "erase", "--pairing", &one.unit, "--before", "1d", "--yes"];
    world.run(&old).await.exits(0).says(&["erased in 0 journal entries"]);
    let all = ["journal", "erase", "--pairing", &one.unit, "--yes"];
    world.run_in_german(&all).await.exits(0).says(&["in 4 Einträgen des Journals gelöscht"]);
    assert_eq!(files_with(&world, "Streng vertraulich"), Vec::<String>::new());
    let list = world.run(&["journal", "list", "--json"]).await.exits(0).json();
    assert_eq!(texts(&list, "entries", "carried_out"), ["true"; 4]);
    assert_eq!(list["entries"][0]["paths"], serde_json::json!(["master.subject"]));
    let entry = list["entries"][0]["entry"].to_string();
    world.run(&["journal", "show", &entry]).await.exits(0).says(&["was erased on", "master.subject"]);
    world
        .run(&["journal", "undo", "--entry", &entry])
        .await
        .exits(3)
        .says(&["its content was erased", "nothing to undo"]);

    // With the pairing goes everything, but for the facts.
    world.run(&["sync"]).await.exits(0);
    world.run(&["pairing", "remove", &one.unit, "--erase", "--yes"]).await.exits(0);
    for text in ["Offen", "Termin 1", "Schlüssel beim Hausmeister"] {
        assert_eq!(files_with(&world, text), Vec::<String>::new(), "{text}");
    }
    let facts = world.run(&["journal", "list", "--pairing", &one.unit, "--json"]).await.exits(0).json();
    assert_eq!(facts["entries"].as_array().unwrap().len(), 4);
}

fn subjects(world: &World) -> (Vec<String>, Vec<String>) {
    let one = &world.pairings[0];
    let of = |tiles: Vec<calsync_testkit::people::Tile>| {
        let mut subjects: Vec<String> = tiles.into_iter().map(|tile| tile.subject).collect();
        subjects.sort();
        subjects
    };
    (of(world.nvs_tiles(one)), of(world.exchange_tiles(one)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_is_deleted_and_what_is_rejected_is_made_again() {
    let world = eight_held().await;
    let held = world.run(&["held", "list", "--json"]).await.exits(0).json();
    let links = texts(&held, "held", "link");
    let names = texts(&held, "held", "subject");
    let gone = &names[..3];
    world.run(&["held", "approve", &links[0], &links[1], &links[2]]).await.exits(3);
    let left = world.run(&["held", "list", "--json"]).await.exits(0).json();
    assert_eq!(left["held"].as_array().unwrap().len(), 5);
    let one = &world.pairings[0];
    world
        .run_in_german(&["held", "reject", "--all", "--pairing", &one.unit])
        .await
        .exits(0)
        .says(&["erledigt"]);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
    let (nvs, _) = subjects(&world);
    assert_eq!(nvs.len(), 7);
    assert!(gone.iter().all(|name| !nvs.contains(name)), "{gone:?} {nvs:?}");
    world.run(&["held", "list"]).await.exits(0).says(&["nothing waits"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_waits_ends_with_the_side_that_a_person_chose() {
    let world = renamed_on_both("hold").await;
    let listed = world.run(&["conflict", "list", "--json"]).await.exits(0).json();
    let link = texts(&listed, "conflicts", "link").remove(0);
    world.run(&["conflict", "resolve", &link, "--prefer", "exchange"]).await.exits(0);
    assert_eq!(subjects(&world).0, ["Aus Exchange"]);
    world.assert_in_step();
    let decided = world.run(&["conflict", "list", "--decided", "--json"]).await.exits(0).json();
    assert_eq!(decided["conflicts"][0]["loser"], "nvs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_conflict_is_turned_round() {
    let world = renamed_on_both("exchange").await;
    let listed = world.run(&["conflict", "list", "--decided", "--json"]).await.exits(0).json();
    let entry = listed["conflicts"][0]["entry"].to_string();
    world.run(&["conflict", "resolve", &entry, "--prefer", "nvs"]).await.exits(0);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
    assert_eq!(subjects(&world).1, ["Aus NVS"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_taken_back_after_a_look_at_what_that_would_do() {
    let (world, ids) = in_step(2).await;
    let one = &world.pairings[0];
    assert!(world.exchange.edit(&one.mailbox, &ids[1], &rename("Irrtum")));
    world.run(&["sync"]).await.exits(0);
    let list = world.run(&["journal", "list", "--json"]).await.exits(0).json();
    let (entry, round) = (list["entries"][0]["entry"].to_string(), list["entries"][0]["round"].to_string());
    let dry = world.run(&["journal", "undo", "--entry", &entry, "--dry-run", "--json"]).await.json();
    assert_eq!(dry["pairings"][0]["writes"], 2, "both sides: {dry}");
    assert_eq!(subjects(&world).0, ["Irrtum", "Termin 0"]);
    let undo = ["journal", "undo", "--round", &round, "--pairing", &one.unit];
    world.run_in_german(&undo).await.exits(0).says(&["erledigt"]);
    world.run(&["sync"]).await.exits(0);
    assert_eq!(subjects(&world).1, ["Termin 0", "Termin 1"]);
    world.assert_in_step();
    world.run(&["journal", "undo"]).await.exits(2).says(&["--entry ID"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_does_what_is_asked_beside_it() {
    let mut world = eight_held().await;
    world.set_sync("interval = \"1s\"");
    let mut child = world.command(&["run"]).spawn().unwrap();
    super::world::wait_for("the service", || world.path("state/service.heartbeat").exists()).await;
    let one = &world.pairings[0];
    let ran = world.run(&["held", "approve", "--all", "--pairing", &one.unit]).await.exits(0);
    ran.says(&["noted (8); the running service does it"]);
    super::world::wait_for("the deletions", || world.nvs.list(&one.unit).len() == 2).await;
    super::world::terminate(&child);
    super::world::ended(&mut child).await;
    world.assert_in_step();
}
