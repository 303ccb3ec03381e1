//! Logs to standard error.
//!
//! What goes in is what each crate gives to `tracing`: names of pairings, counts, errors that hold no appointment text.
//! Crates of others are kept at `warn` unless a filter names them, since nobody here can speak for what they write.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogConfig, LogFormat};

/// Our crates: a level without a module in the configuration is for these.
const OURS: &[&str] = &["calsyncd", "calsync_core", "calsync_store", "ews_client", "nvs_client"];

/// Starts logging for the whole process. Called a second time it does nothing.
pub fn start(config: &LogConfig) {
    let subscriber = subscriber(config, io::stderr);
    // A second start (tests, embedding programs with their own) leaves the first one.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// A subscriber that writes as the configuration says.
pub fn subscriber<W>(config: &LogConfig, writer: W) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter(&config.level)).with_writer(writer).with_ansi(false);
    match config.format {
        LogFormat::Text => Box::new(builder.finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    }
}

fn filter(level: &str) -> EnvFilter {
    let is_word = !level.contains(['=', ',', '[']);
    let of_ours = |name: &&str| format!(",{name}={level}");
    let directives = if is_word {
        OURS.iter().map(of_ours).fold("warn".to_owned(), |all, one| all + &one)
    } else {
        level.to_owned()
    };
    EnvFilter::builder().parse_lossy(directives)
}
