//! What one seed runs over: a runtime of one thread, two servers, two clients, a state directory.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use calsync_core::ids::PerSide;
use calsync_core::model::Field;
use calsync_sim::{Ground, Manners, Mix, Options, Outcome, Place, Script, Surroundings, run_over};

use super::exchange::Exchange;
use super::gate::Pace;
use super::nvs::Nvs;
use super::vault::Disk;

/// One run of a seed.
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) requests: u64,
    pub(crate) mails: u64,
}

/// The options of a seed, as far as real servers leave a choice. It is shorter than in memory: a step costs more, and the
/// mishaps of the network hit each request of an operation.
fn options(seed: u64, mix: Mix) -> Options {
    let mut options = Options::draw(seed, mix);
    options.steps = options.steps / 3 + 80;
    let drawn = options.manners.clone();
    let real = |drawn: &Manners, unheld: &'static [Field]| Manners {
        unheld,
        lossy: false,
        own_uids: false,
        tells_time: true,
        ..drawn.clone()
    };
    options.manners = PerSide {
        a: Manners { remembers_tokens: true, one_category: true, ..real(&drawn.a, &[Field::Meeting]) },
        b: real(&drawn.b, &[Field::Organizer, Field::Attendees, Field::Meeting]),
    };
    options
}

/// Runs a seed.
pub(crate) fn run(seed: u64, mix: Mix, script: Script) -> Run {
    let runtime = Arc::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    // What dies with a daemon may want to know where it lived.
    let _runtime = runtime.enter();
    let pace = Pace::new(&runtime);
    let lives = Arc::new(AtomicU64::new(0));
    let mut servers = None;
    let outcome = run_over(seed, options(seed, mix), script, |options, clock| {
        let nvs = Arc::new(Nvs::start(&pace, &options.manners.a, Arc::clone(clock)));
        let exchange = Arc::new(Exchange::start(&pace, seed, &options.manners.b, Arc::clone(clock), &lives));
        servers = Some((Arc::clone(&nvs), Arc::clone(&exchange)));
        Surroundings {
            places: PerSide { a: nvs as Arc<dyn Place>, b: exchange as Arc<dyn Place> },
            vault: Arc::new(Disk::new(Arc::clone(&pace), Arc::clone(&lives))),
            ground: Arc::clone(&pace) as Arc<dyn Ground>,
            real: true,
        }
    });
    let (nvs, exchange) = servers.unwrap();
    nvs.disconnect();
    exchange.disconnect();
    let mut run = Run { outcome, requests: nvs.requests() + exchange.requests(), mails: exchange.mails() };
    if run.mails > 0 {
        let what = format!("{} mails would have been sent", run.mails);
        run.outcome.violations.push(calsync_sim::Violation { invariant: "mail", what });
    }
    run
}
