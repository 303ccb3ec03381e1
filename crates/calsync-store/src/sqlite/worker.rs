//! The thread that owns the database connections.
//!
//! Jobs are done in the order in which they were sent, each to its end, whether or not somebody still waits for the
//! answer: a future may be dropped at any await, and what is sent after it finds the finished work of the dropped one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::JoinHandle;

use calsync_core::store::StoreError;
use tokio::sync::oneshot;

use super::files::Files;

type Job = Box<dyn FnOnce(&mut Files) + Send>;

/// Dropping it waits for the jobs that were sent, then closes the files and gives the lock back.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(files: Files) -> Result<Worker, StoreError> {
        let (jobs, work) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name("calsync-store".to_owned())
            .spawn(move || {
                let mut files = files;
                for job in work {
                    // An open transaction is rolled back while the panic unwinds, so the files stay usable.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&mut files)));
                }
                files.finish();
            })
            .map_err(|error| StoreError::Unavailable(format!("no thread for the state store: {error}")))?;
        Ok(Worker { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does `act` on the thread and waits for its answer.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Files) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let broken = || StoreError::Unavailable("the state store broke down, see the log".to_owned());
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |files| {
            // Nobody waits any more: the work is done all the same.
            let _ = reply.send(act(files));
        });
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(broken)?;
        answer.await.unwrap_or_else(|_| Err(broken()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
