//! A mock Exchange and a mock NVS Calender with sample calendars, to be used by hand or by other programs.
//!
//! Prints one JSON line when both are ready: `exchange_url`, `exchange_user`, `exchange_password`, `nvs_url`, `nvs_token` and
//! `pairings` with `unit` and `mailbox`. Serves until Ctrl-C.
//!
//! ```text
//! cargo run --example mock_servers -- --server-version exchange2013_sp1 --pairings 3 --appointments 20 --trace /tmp/trace
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use calsync_examples::release;
use calsync_testkit::exchange::{MockExchange, Options, ServerVersion};
use calsync_testkit::nvs::{MockNvs, MockNvsSettings};
use calsync_testkit::sample::{self, SampleSpec};
use chrono::DateTime;
use clap::Parser;
use serde_json::json;

/// The one account that reaches every mailbox.
const USER: &str = "svc-calsync@example.test";
/// Its password; these servers only listen where they are told to, on loopback by default.
const PASSWORD: &str = "sync-it";

/// A mock Exchange and a mock NVS Calender with sample calendars.
#[derive(Debug, Parser)]
#[command(name = "mock_servers")]
struct Args {
    /// Address of the mock Exchange; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    exchange: SocketAddr,
    /// Address of the mock NVS Calender; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    nvs: SocketAddr,
    /// Exchange release to pretend to be
    #[arg(long, value_name = "RELEASE", default_value = "exchange2016", value_parser = release)]
    server_version: ServerVersion,
    /// Pairings of a calendar unit and a mailbox
    #[arg(long, value_name = "N", default_value_t = 5)]
    pairings: usize,
    /// Appointments of each pairing, on both sides together
    #[arg(long, value_name = "M", default_value_t = 40)]
    appointments: usize,
    /// The same seed makes the same calendars
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Start with empty calendars
    #[arg(long)]
    empty: bool,
    /// Folder for a copy of every request and answer
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mock_servers: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> std::io::Result<()> {
    let exchange = MockExchange::start(Options {
        version: args.server_version,
        address: args.exchange,
        tls: false,
        trace: args.trace.clone(),
    })
    .await?;
    let nvs = MockNvs::start(MockNvsSettings { address: args.nvs, ..MockNvsSettings::default() }).await?;
    if let Some(dir) = args.trace {
        nvs.trace(dir, exchange.trace_numbers());
    }
    let pairings = sample::pairings(args.pairings, args.seed);
    sample::furnish(&exchange, &nvs, &pairings, USER, PASSWORD);
    if !args.empty {
        let spec = SampleSpec {
            pairings: args.pairings,
            appointments: args.appointments,
            seed: args.seed,
            around: today(),
        };
        sample::fill(&exchange, &nvs, &spec);
    }
    let ready = json!({
        "exchange_url": exchange.url(),
        "exchange_user": USER,
        "exchange_password": PASSWORD,
        "nvs_url": nvs.url(),
        "nvs_token": nvs.token(),
        "pairings": pairings.iter().map(|p| json!({"unit": p.unit, "mailbox": p.mailbox, "name": p.name})).collect::<Vec<_>>(),
    });
    println!("{ready}");
    tokio::signal::ctrl_c().await
}

/// Today in UTC.
fn today() -> chrono::NaiveDate {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    i64::try_from(seconds).ok().and_then(|s| DateTime::from_timestamp(s, 0)).unwrap_or_default().date_naive()
}
