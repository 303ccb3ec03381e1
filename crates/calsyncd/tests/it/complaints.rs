//! Every mistake of an administrator is answered with what to do, and with the right exit status.

use calsync_testkit::exchange::{Options, Rights, Trouble};
use calsync_testkit::nvs::{Failure, MockTls, MockUnit};

use super::world::{World, write};

/// A port at which nobody listens.
fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn paired() -> World {
    let world = World::new(1).await;
    world.fill(2);
    world.pair_all().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_at_the_url() {
    let world = paired().await;
    let nowhere = format!("http://127.0.0.1:{}/EWS/Exchange.asmx", closed_port());
    world.configure_urls(&nowhere, world.nvs.url(), "", "");
    let what = ["Exchange could not be used", "refuses the connection; check the port in exchange.url"];
    world.run(&["sync"]).await.exits(1).says(&what);
    let ran = world.run(&["sync", "--json"]).await.exits(1).says(&["check the port in exchange.url"]);
    assert_eq!(ran.json()["pairings"][0]["error"]["side"], "exchange");
    world
        .run_in_german(&["sync"])
        .await
        .exits(1)
        .says(&["lehnt die Verbindung ab; den Port in exchange.url prüfen"]);
    world.run(&["status"]).await.exits(1).says(&["failed", "calsyncd check --pairing"]);
    world.configure_urls(world.exchange.url(), &format!("http://127.0.0.1:{}", closed_port()), "", "");
    world.run(&["sync"]).await.exits(1).says(&["NVS could not be used", "check nvs.url"]);
    world.run(&["check"]).await.exits(1).says(&["FAILED", "check nvs.url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_name_does_not_exist() {
    let world = paired().await;
    world.configure_urls("https://mail.calsync.invalid/EWS/Exchange.asmx", world.nvs.url(), "", "");
    let what = ["mail.calsync.invalid is not known to this machine; check exchange.url"];
    world.run(&["sync"]).await.exits(1).says(&what);
    world.run(&["check"]).await.exits(1).says(&what);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_leads_to_something_else() {
    let world = paired().await;
    let owa = world.exchange.url().replace("/EWS/Exchange.asmx", "/owa/");
    world.configure_urls(&owa, world.nvs.url(), "", "");
    let what = ["not Exchange Web Services; exchange.url usually is https://HOST/EWS/Exchange.asmx"];
    world.run(&["sync"]).await.exits(1).says(&what);
    // Each server at the other one's place.
    world.configure_urls(world.nvs.url(), world.nvs.url(), "", "");
    world.run(&["sync"]).await.exits(1).says(&["it offers Bearer", "check exchange.user"]);
    let exchange = world.exchange.url().to_owned();
    world.configure_urls(&exchange, &exchange, "", "");
    world.run(&["sync"]).await.exits(1).says(&["does not speak the Calender Sync Protocol; check nvs.url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_html_page_comes_instead_of_an_answer() {
    let world = paired().await;
    world.exchange.trouble(Trouble::HtmlPage, 100);
    world.run(&["sync"]).await.exits(1).says(&["not Exchange Web Services", "HTML page instead of SOAP"]);
    world.exchange.clear_trouble();
    world.nvs.fail_next(100, Failure::HtmlPage);
    world.run(&["sync"]).await.exits(1).says(&["does not speak the Calender Sync Protocol", "HTML page"]);
    world.nvs.heal();
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_wrong() {
    let world = paired().await;
    world.exchange.set_password("svc-calsync", "another one");
    let what = ["the login is refused; check exchange.user"];
    let ran = world.run(&["sync"]).await.exits(1).says(&what);
    assert!(!format!("{ran:?}").contains(super::world::PASSWORD));
    world.run(&["check"]).await.exits(1).says(&what);
    world.run_in_german(&["check"]).await.exits(1).says(&["die Anmeldung wird abgelehnt", "FEHLER"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_wrong() {
    let world = paired().await;
    write(&world.path("nvs.token"), "wrong");
    let what = ["the token is refused; enter a valid token", "nvs.token_file"];
    world.run(&["sync"]).await.exits(1).says(&what);
    world.run(&["check"]).await.exits(1).says(&what);
}

#[tokio::test(flavor = "multi_thread")]
async fn mailbox_and_unit_are_unknown() {
    let world = World::new(1).await;
    let unit = world.pairings[0].unit.clone();
    world.run(&["pairing", "add", "x", "--unit", &unit, "--mailbox", "nobody@example.test"]).await.exits(0);
    let what = ["there is no mailbox nobody@example.test", "primary address"];
    world.run(&["sync"]).await.exits(1).says(&what);
    world.run(&["check"]).await.exits(1).says(&what);
    world.run(&["pairing", "remove", "x", "--yes"]).await.exits(0);
    let mailbox = world.pairings[0].mailbox.clone();
    world.run(&["pairing", "add", "x", "--unit", "u-9999", "--mailbox", &mailbox]).await.exits(0);
    let what = ["there is no calendar unit u-9999; there are u-0001"];
    world.run(&["sync"]).await.exits(1).says(&what);
    world.run(&["check"]).await.exits(1).says(&what);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_missing() {
    let world = paired().await;
    let one = &world.pairings[0];
    world.exchange.set_rights("svc-calsync", &one.mailbox, Rights::None);
    let what = ["give it rights on it (Add-MailboxFolderPermission"];
    world.run(&["sync"]).await.exits(1).says(&what);
    world.run(&["check"]).await.exits(1).says(&what);
    world.exchange.set_rights("svc-calsync", &one.mailbox, Rights::Reviewer);
    world.run(&["check"]).await.exits(1).says(&["may not create in the calendar of", "rights of an editor"]);
    // Read-only is enough where nothing is carried there.
    world.run(&["pairing", "set", &one.unit, "--direction", "to_nvs"]).await.exits(0);
    world.run(&["check"]).await.exits(0).says(&["needs no more"]);
    world.exchange.set_rights("svc-calsync", &one.mailbox, Rights::Editor);
    world.run(&["pairing", "set", &one.unit, "--direction", "default"]).await.exits(0);
    let unit = MockUnit::person(&one.unit, &one.name, &one.mailbox);
    world.nvs.put_unit(MockUnit { writable: false, ..unit });
    world.run(&["check"]).await.exits(1).says(&["may only read the calendar unit u-0001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn impersonation_is_not_allowed() {
    let world = World::new(1).await;
    world.configure("access = \"impersonation\"", "");
    world.pair_all().await;
    world.exchange.set_impersonation("svc-calsync", false);
    let what = ["give it the role ApplicationImpersonation"];
    world.run(&["sync"]).await.exits(1).says(&what);
    world.run(&["check"]).await.exits(1).says(&what);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_not_trusted_until_they_are() {
    let tls = MockTls::new().unwrap();
    let world = World::with(1, Options { tls: true, ..Options::default() }, Some(tls.clone())).await;
    world.fill(2);
    world.pair_all().await;
    let ran = world.run(&["check"]).await.exits(1);
    ran.says(&["is not trusted", "name it with exchange.ca_file", "name it with nvs.ca_file"]);
    world.run(&["sync"]).await.exits(1).says(&["is not trusted", "ca_file"]);

    write(&world.path("exchange.pem"), world.exchange.certificate_pem().unwrap());
    write(&world.path("nvs.pem"), &tls.authority);
    world.configure("ca_file = \"exchange.pem\"", "ca_file = \"nvs.pem\"");
    world.run(&["check"]).await.exits(0).says(&["encrypted, certificate trusted"]);
    world.run(&["sync"]).await.exits(0);
    world.assert_in_step();

    let pin = format!("fingerprint = \"{}\"", "00".repeat(32));
    world.configure(&pin, "ca_file = \"nvs.pem\"");
    let ran =
        world.run(&["check"]).await.exits(1).says(&["is not the pinned one", "as exchange.fingerprint"]);
    // What the message says to enter is accepted.
    let found = ran.out.split("on purpose, enter ").nth(1).unwrap().split_whitespace().next().unwrap();
    world.configure(&format!("fingerprint = \"{found}\""), "ca_file = \"nvs.pem\"");
    world.run(&["check"]).await.exits(0).says(&["certificate as pinned"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_wrong() {
    let world = paired().await;
    world.configure("pasword_file = \"x\"", "");
    let what =
        ["line 6, column 1: unknown key \"pasword_file\" in [exchange], did you mean \"password_file\"?"];
    for args in
        [["sync"].as_slice(), &["run"], &["check"], &["status"], &["pairing", "list"], &["config", "check"]]
    {
        world.run(args).await.exits(2).says(&what);
    }
    world.run_in_german(&["sync"]).await.exits(2).says(&["Zeile 6, Spalte 1: unbekannter Schlüssel"]);
    let ran = world.run(&["sync", "--json"]).await.exits(2).says(&what);
    assert_eq!(ran.json()["result"], "failed");
    std::fs::remove_file(world.config_path()).unwrap();
    world.run(&["sync"]).await.exits(2).says(&["there is no configuration file", "calsyncd config init"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_not_where_the_configuration_says() {
    let world = paired().await;
    let mut command = world.command(&["sync"]);
    command.env_remove("CALSYNC_TEST_PASSWORD");
    let ran = super::world::finish(command).await.exits(2);
    ran.says(&["environment variable CALSYNC_TEST_PASSWORD (exchange.password_env) is not set"]);
    std::fs::remove_file(world.path("nvs.token")).unwrap();
    world.run(&["sync"]).await.exits(2).says(&["nvs.token (nvs.token_file) cannot be read"]);
    world.run(&["config", "check"]).await.exits(2).says(&["nvs.token (nvs.token_file) cannot be read"]);
    world.run(&["check"]).await.exits(1).says(&["nvs.token (nvs.token_file) cannot be read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_configuration_is_complete_but_for_the_secrets() {
    let world = World::new(1).await;
    std::fs::remove_file(world.config_path()).unwrap();
    world.run_in_german(&["config", "init"]).await.exits(0).says(&["wurde angelegt"]);
    let text = std::fs::read_to_string(world.config_path()).unwrap();
    assert!(text.contains("Das Dienstkonto") && text.contains("für"), "{text}");
    world.run(&["config", "init"]).await.exits(1).says(&["is there already and is left as it is"]);
    world.run(&["config", "check"]).await.exits(2).says(&["exchange.password", "cannot be read"]);
    write(&world.path("exchange.password"), "x");
    world.run(&["config", "check"]).await.exits(0).says(&["everything in order"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage() {
    let world = paired().await;
    world
        .run(&["sync", "--pairing", "nobody"])
        .await
        .exits(2)
        .says(&["there is no pairing \"nobody\"; there are u-0001"]);
    world
        .run(&["pairing", "set", "u-0001", "--conflict", "oldest"])
        .await
        .exits(2)
        .says(&["newer, nvs, exchange, hold"]);
    world.run(&["frobnicate"]).await.exits(2).says(&["unknown command"]);
    world.run(&["--lang", "de", "frobnicate"]).await.exits(2).says(&["unbekannter Befehl"]);
    world.run(&["pairing", "pause", "u-0001"]).await.exits(0);
    world.run(&["sync", "--pairing", "u-0001"]).await.exits(1).says(&["pairing resume u-0001"]);
    world.run(&["--version"]).await.exits(0).says(&[env!("CARGO_PKG_VERSION")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told() {
    let world = paired().await;
    world.nvs.set_clock_offset(chrono::TimeDelta::minutes(10));
    world.run(&["check"]).await.exits(0).says(&["differ by 60", "time server"]);
}
