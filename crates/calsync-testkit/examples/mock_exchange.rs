//! The mock Exchange alone, for clients in other languages: `mock_exchange [RELEASE [TRACE_DIR]]`.
//!
//! Prints one JSON line with address and accounts when it is ready, then serves until standard input closes.

use std::io::Read as _;
use std::path::PathBuf;

use calsync_testkit::exchange::{MockExchange, Options, Rights, ServerVersion};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "exchange2016".to_owned());
    let Some(version) = ServerVersion::from_name(&name) else {
        let known = ServerVersion::ALL.map(ServerVersion::name).join(", ");
        return Err(std::io::Error::other(format!("unknown release '{name}', use one of: {known}")));
    };
    let trace = args.next().map(PathBuf::from);
    let mock = MockExchange::start(Options { version, trace, ..Options::default() }).await?;
    mock.add_mailbox("anna.berger@example.test", "Anna Berger");
    mock.add_mailbox("jonas.weber@example.test", "Jonas Weber");
    mock.add_owner("anna.berger@example.test", "anna", "anna.berger@example.test");
    mock.add_account("svc-sync", "secret");
    mock.set_impersonation("svc-sync", true);
    mock.set_rights("svc-sync", "jonas.weber@example.test", Rights::Editor);
    let ready = serde_json::json!({
        "exchange_url": mock.url(),
        "owner": {"user": "anna.berger@example.test", "password": "anna", "mailbox": "anna.berger@example.test"},
        "service": {"user": "svc-sync", "password": "secret", "mailbox": "jonas.weber@example.test"},
    });
    println!("{ready}");
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let _ = closed.await;
    Ok(())
}
