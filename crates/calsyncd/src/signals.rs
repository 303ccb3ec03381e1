//! The operating system asks us to stop.

use tokio::sync::watch;

use crate::scheduler::Stop;

/// Listens for the system's and the user's wish to stop: the first one finishes what runs, the second abandons it.
///
/// # Errors
///
/// When the system does not let us listen.
pub fn listen() -> std::io::Result<watch::Receiver<Stop>> {
    let (sender, receiver) = watch::channel(Stop::No);
    let mut wishes = Wishes::new()?;
    tokio::spawn(async move {
        for stop in [Stop::Finish, Stop::Now] {
            wishes.next().await;
            tracing::info!(abandon = (stop == Stop::Now), "asked to stop");
            if sender.send(stop).is_err() {
                break;
            }
        }
        // Kept until the process ends: without a sender the receiver would take it for a stop.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}

#[cfg(unix)]
struct Wishes {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Wishes {
    fn new() -> std::io::Result<Wishes> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Wishes {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Wishes {
    interrupt: tokio::signal::windows::CtrlC,
    end: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Wishes {
    fn new() -> std::io::Result<Wishes> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Wishes {
            interrupt: ctrl_c()?,
            end: ctrl_break()?,
            close: ctrl_close()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.end.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}
