//! `run`: the service in the foreground.

use std::sync::Arc;

use super::{Answer, Context, Exit, open};
use crate::engine::{Engine, Servers};
use crate::scheduler::Limits;
use crate::service::{self, JournalKeeping, Service};
use crate::signals;

pub(super) async fn run(context: &Context) -> Answer {
    let config = context.config_of_service()?;
    // Before the state is opened: whoever asks to stop from here on is heard.
    let stop = signals::listen().map_err(|error| super::failed(&error))?;
    let store = Arc::new(open(&config).await?);
    let servers = Servers::from_config(&config)?;
    let journal = JournalKeeping {
        store: Arc::clone(&store),
        keep: config.store.keep_journal,
        contents: config.store.keep_contents,
    };
    let engine = Engine::new(Arc::new(servers), store)
        .with_defaults(config.defaults.clone())
        .with_longest_request(config.longest_request());
    let service = Service::new(engine, config.sync.interval);
    let limits = Limits {
        concurrency: config.sync.concurrency,
        stop_within: config.sync.stop_within,
        ..Limits::default()
    };
    service::run(service, journal, limits, stop, &config.store.directory).await;
    Ok(Exit::Good)
}
