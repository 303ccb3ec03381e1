//! When which pairing is worked on.
//!
//! Takes the list of pairings from [`Work`] again and again, and asks it for one round of each at its interval: never
//! two of one pairing at once, never more than the limit at all, later and later while a side cannot be used. What a
//! round is, the scheduler does not know.
//!
//! Ending is in two steps: [`Stop::Finish`] starts nothing new and waits for what runs, up to the time allowed;
//! [`Stop::Now`], or the end of that time, abandons it, which a round survives at any point.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use calsync_core::ids::PairingId;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

/// What the scheduler arranges.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// All pairings that are to be kept in step now.
    ///
    /// # Errors
    ///
    /// The text is logged; the list read before stays.
    async fn jobs(&self) -> Result<Vec<Job>, String>;

    /// One round. Dropping the future anywhere is harmless.
    async fn round(&self, pairing: &PairingId) -> RoundEnd;
}

/// A pairing and how often it is its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Which.
    pub pairing: PairingId,
    /// From start to start.
    pub interval: Duration,
}

/// How a round ended, as far as it matters for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundEnd {
    /// Both sides were used, whatever became of single items.
    Done,
    /// A side could not be used as a whole.
    Failed,
    /// A server asks everybody to wait.
    Throttled(Duration),
    /// Another process works on this pairing; after this time it is known whether it still lives.
    Elsewhere(Duration),
}

/// Limits of the scheduler.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rounds at the same time.
    pub concurrency: usize,
    /// How long rounds may take to finish after [`Stop::Finish`].
    pub stop_within: Duration,
    /// How often the list of pairings is read.
    pub refresh: Duration,
    /// First rounds after the start are spread over this time.
    pub spread: Duration,
    /// The longest delay after failures, where the interval is not longer.
    pub longest_delay: Duration,
    /// The longest wait that a server is granted, whatever it asks for: one server must not stop all pairings for a day.
    pub longest_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            concurrency: 4,
            stop_within: Duration::from_secs(20),
            refresh: Duration::from_secs(2),
            spread: Duration::from_secs(5),
            longest_delay: Duration::from_secs(30 * 60),
            longest_wait: Duration::from_secs(60 * 60),
        }
    }
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    #[default]
    No,
    /// Start nothing new, finish what runs.
    Finish,
    /// Abandon what runs.
    Now,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Rounds that were abandoned.
    pub abandoned: usize,
}

/// Works until it is told to stop. When the sender of `stop` is gone, that is [`Stop::Finish`].
pub async fn run(work: Arc<dyn Work>, limits: Limits, mut stop: watch::Receiver<Stop>) -> Ended {
    let mut schedule = Schedule::new(work, limits);
    loop {
        if *stop.borrow_and_update() != Stop::No {
            break;
        }
        schedule.refresh().await;
        let next = schedule.start_due();
        tokio::select! {
            changed = stop.changed() => if changed.is_err() { break },
            Some(joined) = schedule.running.join_next_with_id() => schedule.ended(joined),
            () = tokio::time::sleep_until(next) => {}
        }
    }
    schedule.finish(stop).await
}

struct Schedule {
    work: Arc<dyn Work>,
    limits: Limits,
    slots: BTreeMap<PairingId, Slot>,
    running: JoinSet<RoundEnd>,
    tasks: BTreeMap<Id, PairingId>,
    next_refresh: Instant,
    /// A server asked everybody to wait until then.
    not_before: Instant,
    started: bool,
}

#[derive(Debug)]
struct Slot {
    interval: Duration,
    due: Instant,
    running: bool,
    failures: u32,
    rounds: u64,
    /// Paused or removed meanwhile; forgotten when its round has ended.
    gone: bool,
}

impl Schedule {
    fn new(work: Arc<dyn Work>, limits: Limits) -> Schedule {
        let now = Instant::now();
        Schedule {
            work,
            limits,
            slots: BTreeMap::new(),
            running: JoinSet::new(),
            tasks: BTreeMap::new(),
            next_refresh: now,
            not_before: now,
            started: false,
        }
    }

    /// Reads the list of pairings when it is time.
    async fn refresh(&mut self) {
        let now = Instant::now();
        if now < self.next_refresh {
            return;
        }
        self.next_refresh = after(now, self.limits.refresh);
        let jobs = match self.work.jobs().await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::error!(%error, "the list of pairings cannot be read");
                return;
            }
        };
        let wanted: BTreeMap<PairingId, Duration> =
            jobs.into_iter().map(|job| (job.pairing, job.interval)).collect();
        for (pairing, slot) in &mut self.slots {
            slot.gone = !wanted.contains_key(pairing);
        }
        self.slots.retain(|_, slot| slot.running || !slot.gone);
        for (pairing, interval) in wanted {
            if let Some(slot) = self.slots.get_mut(&pairing) {
                if slot.interval != interval {
                    slot.due = slot.due.min(after(now, interval));
                    slot.interval = interval;
                }
                continue;
            }
            // A pairing that was added or resumed while we run is waited for by somebody: it begins at once.
            let wait = if self.started {
                Duration::ZERO
            } else {
                share(self.limits.spread.min(interval), &pairing, 0)
            };
            let slot =
                Slot { interval, due: after(now, wait), running: false, failures: 0, rounds: 0, gone: false };
            self.slots.insert(pairing, slot);
        }
        self.started = true;
    }

    /// Starts what is due, longest waiting first; says when to look again.
    fn start_due(&mut self) -> Instant {
        let now = Instant::now();
        let mut waiting: Vec<(Instant, PairingId)> = self
            .slots
            .iter()
            .filter(|(_, slot)| !slot.running && !slot.gone)
            .map(|(pairing, slot)| (slot.due.max(self.not_before), pairing.clone()))
            .collect();
        waiting.sort();
        for (due, pairing) in waiting {
            if self.running.len() >= self.limits.concurrency.max(1) {
                // The end of a round wakes the loop.
                return self.next_refresh;
            }
            if due > now {
                return due.min(self.next_refresh);
            }
            let Some(slot) = self.slots.get_mut(&pairing) else { continue };
            slot.running = true;
            slot.rounds += 1;
            let part = slot.interval.checked_div(20).unwrap_or_default();
            // Between 95 % and 100 % of the interval, so that pairings that met once do not meet for ever.
            slot.due = after(now, slot.interval.saturating_sub(share(part, &pairing, slot.rounds)));
            let (work, id) = (Arc::clone(&self.work), pairing.clone());
            let task = self.running.spawn(async move { work.round(&id).await });
            self.tasks.insert(task.id(), pairing);
        }
        self.next_refresh
    }

    fn ended(&mut self, joined: Result<(Id, RoundEnd), tokio::task::JoinError>) {
        let (id, end) = match joined {
            Ok((id, end)) => (id, end),
            Err(error) => {
                tracing::error!("a round broke off by a mistake in the program; please report it");
                (error.id(), RoundEnd::Failed)
            }
        };
        let Some(pairing) = self.tasks.remove(&id) else { return };
        let Some(slot) = self.slots.get_mut(&pairing) else { return };
        slot.running = false;
        let now = Instant::now();
        match end {
            RoundEnd::Done => slot.failures = 0,
            RoundEnd::Failed => {
                slot.failures = slot.failures.saturating_add(1);
                slot.due = after(now, delay(slot.interval, slot.failures, self.limits.longest_delay));
                tracing::info!(
                    pairing = %pairing,
                    failures = slot.failures,
                    next_in_s = slot.due.saturating_duration_since(now).as_secs(),
                    "waiting before the next try"
                );
            }
            // Nobody failed: the next one is at its time, or as soon as it may be ours.
            RoundEnd::Elsewhere(wait) => {
                slot.due = slot.due.min(after(now, wait.max(Duration::from_secs(1))));
            }
            RoundEnd::Throttled(wait) => {
                let granted = wait.max(Duration::from_secs(1)).min(self.limits.longest_wait);
                slot.due = after(now, granted);
                self.not_before = self.not_before.max(slot.due);
                tracing::info!(
                    pairing = %pairing,
                    asked_s = wait.as_secs(),
                    wait_s = granted.as_secs(),
                    "a server asks to wait"
                );
            }
        }
        if slot.gone {
            self.slots.remove(&pairing);
        }
    }

    async fn finish(mut self, mut stop: watch::Receiver<Stop>) -> Ended {
        let running = self.running.len();
        if running > 0 {
            tracing::info!(running, "finishing the rounds that run");
        }
        let deadline = after(Instant::now(), self.limits.stop_within);
        let mut listening = true;
        while !self.running.is_empty() && *stop.borrow_and_update() != Stop::Now {
            tokio::select! {
                changed = stop.changed(), if listening => listening = changed.is_ok(),
                Some(joined) = self.running.join_next_with_id() => self.ended(joined),
                () = tokio::time::sleep_until(deadline) => break,
            }
        }
        let abandoned = self.running.len();
        self.running.shutdown().await;
        Ended { abandoned }
    }
}

/// That much later; what no clock can show is years away.
fn after(now: Instant, span: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    now.checked_add(span).or_else(|| now.checked_add(FAR)).unwrap_or(now)
}

/// The interval, doubled with every failure in a row after the first.
fn delay(interval: Duration, failures: u32, longest: Duration) -> Duration {
    let factor = 1u32 << failures.saturating_sub(1).min(16);
    interval.saturating_mul(factor).min(longest.max(interval))
}

/// A part of `span` that is spread evenly over pairings and rounds, and the same on every run.
fn share(span: Duration, pairing: &PairingId, round: u64) -> Duration {
    let mut hasher = DefaultHasher::new();
    (pairing, round).hash(&mut hasher);
    let thousandth = u32::try_from(hasher.finish() % 1000).unwrap_or_default();
    span.saturating_mul(thousandth).checked_div(1000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers as a script says, and notes when each round began.
    struct Script {
        jobs: Mutex<Vec<Job>>,
        takes: Duration,
        ends: Mutex<BTreeMap<PairingId, Vec<RoundEnd>>>,
        began: Mutex<Vec<(PairingId, Instant)>>,
        at_once: AtomicUsize,
        most_at_once: AtomicUsize,
        finished: AtomicUsize,
    }

    impl Script {
        fn new(jobs: &[(&str, u64)], takes: u64) -> Arc<Script> {
            Arc::new(Script {
                jobs: Mutex::new(jobs.iter().map(|(name, interval)| job(name, *interval)).collect()),
                takes: Duration::from_secs(takes),
                ends: Mutex::default(),
                began: Mutex::default(),
                at_once: AtomicUsize::new(0),
                most_at_once: AtomicUsize::new(0),
                finished: AtomicUsize::new(0),
            })
        }

        fn times(&self, pairing: &str) -> Vec<Instant> {
            let began = self.began.lock().unwrap();
            began.iter().filter(|(name, _)| name.as_str() == pairing).map(|(_, at)| *at).collect()
        }
    }

    fn job(name: &str, interval: u64) -> Job {
        Job { pairing: PairingId::new(name), interval: Duration::from_secs(interval) }
    }

    #[async_trait]
    impl Work for Script {
        async fn jobs(&self) -> Result<Vec<Job>, String> {
            Ok(self.jobs.lock().unwrap().clone())
        }

        async fn round(&self, pairing: &PairingId) -> RoundEnd {
            self.began.lock().unwrap().push((pairing.clone(), Instant::now()));
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(self.takes).await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            self.finished.fetch_add(1, Ordering::SeqCst);
            let mut ends = self.ends.lock().unwrap();
            match ends.get_mut(pairing) {
                Some(ends) if !ends.is_empty() => ends.remove(0),
                _ => RoundEnd::Done,
            }
        }
    }

    struct Running {
        stop: watch::Sender<Stop>,
        task: tokio::task::JoinHandle<Ended>,
    }

    fn start(script: &Arc<Script>, limits: Limits) -> Running {
        let (stop, stopped) = watch::channel(Stop::No);
        let work: Arc<dyn Work> = script.clone();
        Running { stop, task: tokio::spawn(run(work, limits, stopped)) }
    }

    async fn pass(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn each_pairing_has_its_turn_at_its_interval() {
        let script = Script::new(&[("slow", 300), ("fast", 60)], 1);
        let running = start(&script, Limits::default());
        pass(3600).await;
        running.stop.send(Stop::Finish).unwrap();
        running.task.await.unwrap();
        assert!((12..=13).contains(&script.times("slow").len()), "{:?}", script.times("slow").len());
        assert!((60..=64).contains(&script.times("fast").len()), "{:?}", script.times("fast").len());
        for gap in script.times("fast").windows(2) {
            let gap = gap[1] - gap[0];
            assert!(gap >= Duration::from_secs(57) && gap <= Duration::from_secs(61), "{gap:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pairing_never_runs_twice_at_once_and_the_limit_holds() {
        let names: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
        let jobs: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let script = Script::new(&jobs, 7);
        let running = start(&script, Limits { concurrency: 3, ..Limits::default() });
        pass(600).await;
        running.stop.send(Stop::Now).unwrap();
        running.task.await.unwrap();
        assert_eq!(script.most_at_once.load(Ordering::SeqCst), 3);
        for name in &names {
            let times = script.times(name);
            assert!(times.len() >= 10, "{name} was starved: {}", times.len());
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(7)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_make_it_wait_longer_and_longer_and_success_forgets_them() {
        let script = Script::new(&[("p", 60)], 0);
        script.ends.lock().unwrap().insert(PairingId::new("p"), vec![RoundEnd::Failed; 4]);
        let running = start(&script, Limits { longest_delay: Duration::from_secs(240), ..Limits::default() });
        pass(2000).await;
        running.stop.send(Stop::Finish).unwrap();
        running.task.await.unwrap();
        let times = script.times("p");
        let gaps: Vec<u64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).take(5).collect();
        assert_eq!(gaps[..4], [60, 120, 240, 240]);
        assert!((57..=60).contains(&gaps[4]), "{gaps:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn when_a_server_asks_to_wait_everybody_waits() {
        let script = Script::new(&[("a", 10), ("b", 10)], 0);
        script
            .ends
            .lock()
            .unwrap()
            .insert(PairingId::new("a"), vec![RoundEnd::Throttled(Duration::from_secs(100))]);
        let running = start(&script, Limits { spread: Duration::ZERO, ..Limits::default() });
        pass(150).await;
        running.stop.send(Stop::Finish).unwrap();
        running.task.await.unwrap();
        let b = script.times("b");
        assert!(b[1] - b[0] >= Duration::from_secs(100), "{:?}", b[1] - b[0]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_server_stops_the_service_by_asking_for_an_absurd_wait() {
        for wait in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(86_400)] {
            let script = Script::new(&[("a", 60), ("b", 60)], 0);
            let ends = vec![RoundEnd::Throttled(wait); 2];
            script.ends.lock().unwrap().insert(PairingId::new("a"), ends);
            let running = start(&script, Limits { spread: Duration::ZERO, ..Limits::default() });
            pass(3 * 3600).await;
            running.stop.send(Stop::Finish).unwrap();
            assert_eq!(running.task.await.unwrap(), Ended { abandoned: 0 });
            for name in ["a", "b"] {
                let times = script.times(name);
                assert!(times.len() > 30, "{name} began {} times after {wait:?}", times.len());
                let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
                assert!(longest >= Duration::from_secs(3500), "{name}: {longest:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn spans_that_no_clock_can_show_are_far_away_and_no_panic() {
        let script = Script::new(&[("p", 10)], 0);
        script.jobs.lock().unwrap()[0].interval = Duration::MAX;
        script.ends.lock().unwrap().insert(PairingId::new("p"), vec![RoundEnd::Failed]);
        let limits = Limits { stop_within: Duration::MAX, longest_wait: Duration::MAX, ..Limits::default() };
        let running = start(&script, limits);
        pass(3600).await;
        running.stop.send(Stop::Finish).unwrap();
        assert_eq!(running.task.await.unwrap(), Ended { abandoned: 0 });
        assert_eq!(script.times("p").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn pairings_come_and_go_while_it_runs() {
        let script = Script::new(&[("old", 10)], 0);
        let running = start(&script, Limits::default());
        pass(50).await;
        *script.jobs.lock().unwrap() = vec![job("new", 10)];
        let changed = Instant::now();
        pass(50).await;
        running.stop.send(Stop::Finish).unwrap();
        running.task.await.unwrap();
        assert!(script.times("new").first().is_some_and(|at| *at - changed <= Duration::from_secs(3)));
        assert!(script.times("old").iter().all(|at| *at <= changed + Duration::from_secs(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_lets_rounds_finish_and_a_second_one_does_not() {
        let script = Script::new(&[("p", 10)], 8);
        let limits = Limits { spread: Duration::ZERO, ..Limits::default() };
        let running = start(&script, limits);
        pass(2).await;
        running.stop.send(Stop::Finish).unwrap();
        assert_eq!(running.task.await.unwrap(), Ended { abandoned: 0 });
        assert_eq!(script.finished.load(Ordering::SeqCst), 1);

        let script = Script::new(&[("p", 10)], 1000);
        let running = start(&script, limits);
        pass(2).await;
        running.stop.send(Stop::Finish).unwrap();
        pass(1).await;
        running.stop.send(Stop::Now).unwrap();
        assert_eq!(running.task.await.unwrap(), Ended { abandoned: 1 });

        let script = Script::new(&[("p", 10)], 1000);
        let began = Instant::now();
        let running = start(&script, limits);
        pass(2).await;
        running.stop.send(Stop::Finish).unwrap();
        assert_eq!(running.task.await.unwrap(), Ended { abandoned: 1 });
        assert_eq!((Instant::now() - began).as_secs(), 22, "it waits as long as it may, and no longer");
    }
}
