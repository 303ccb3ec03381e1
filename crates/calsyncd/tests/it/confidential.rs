//! Whatever is logged, at the most talkative level: never a secret, never what an appointment is about.

use std::time::Duration;

use calsync_testkit::exchange::Trouble;
use calsync_testkit::nvs::Failure;
use calsync_testkit::people::{Calendars as _, Edit};

use super::world::{PASSWORD, World};

/// What must never be seen.
const SUBJECT: &str = "Geheimbetreff";
const PLACE: &str = "Geheimort";
const NOTES: &str = "Geheimnotiz";
const CUSTOMER: &str = "Geheimkunde";

#[tokio::test(flavor = "multi_thread")]
async fn no_stream_ever_shows_a_secret_or_an_appointment() {
    let world = World::new(1).await;
    let one = &world.pairings[0];
    for (at, days) in (0..6).zip(1..) {
        let mut draft = world.draft(&format!("{SUBJECT} {at}"), days);
        draft.place = PLACE.to_owned();
        draft.notes = NOTES.to_owned();
        draft.customer = Some(CUSTOMER.to_owned());
        let id = if at % 2 == 0 {
            world.nvs.create(&one.unit, &draft).unwrap()
        } else {
            world.exchange.create(&one.mailbox, &draft).unwrap()
        };
        if at == 0 {
            world.nvs.make_unreadable(&id);
        }
    }
    let mut text = std::fs::read_to_string(world.config_path()).unwrap();
    text.push_str("[log]\nlevel = \"trace,hyper=trace,reqwest=trace,rustls=trace\"\n");
    std::fs::write(world.config_path(), &text).unwrap();
    world.pair_all().await;

    let mut said = String::new();
    let mut rounds = 0;
    let json = text.replace("[log]\n", "[log]\nformat = \"json\"\n");
    for config in [text, json] {
        std::fs::write(world.config_path(), config).unwrap();
        for args in [
            ["plan"].as_slice(),
            &["plan", "--json"],
            &["sync"],
            &["status"],
            &["check"],
            &["pairing", "show", "u-0001"],
        ] {
            let ran = world.run(args).await;
            said.push_str(&ran.out);
            said.push_str(&ran.err);
            rounds += 1;
        }
        // With every kind of trouble, too.
        let edit = Edit { subject: Some(format!("{SUBJECT} neu {rounds}")), ..Edit::default() };
        for id in world.nvs.list(&one.unit) {
            world.nvs.edit(&one.unit, &id, &edit);
        }
        world.exchange.trouble_for("UpdateItem", Trouble::Fault("ErrorSchemaValidation".to_owned()), 0, 2);
        world.exchange.trouble_for("GetItem", Trouble::CutAnswer, 0, 1);
        world.nvs.fail_next_of("write", 1, Failure::HalfAnAnswer);
        for _ in 0..3 {
            let ran = world.run(&["sync"]).await;
            said.push_str(&ran.out);
            said.push_str(&ran.err);
        }
        let mut child = world.command(&["run"]).spawn().unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        child.start_kill().unwrap();
        let ran = child.wait_with_output().await.unwrap();
        said.push_str(&String::from_utf8(ran.stderr).unwrap());
        world.exchange.clear_trouble();
        world.nvs.heal();
    }

    // It was talkative indeed.
    assert!(said.contains("TRACE") && said.contains("round done") && said.lines().count() > 200, "{said}");
    let login = "c3ZjLWNhbHN5bmM"; // how the user's name begins in Basic authentication
    for secret in [PASSWORD, world.nvs.token(), login, SUBJECT, PLACE, NOTES, CUSTOMER] {
        if let Some(line) = said.lines().find(|line| line.contains(secret)) {
            panic!("\"{secret}\" is in: {line}");
        }
    }
}
