//! The machine's clocks; the only place that reads them.

use std::time::{Duration, SystemTime};

use calsync_core::drive::Clock;
use chrono::{DateTime, Utc};

/// The time now.
pub fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// The machine's clocks, for the engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        now()
    }

    fn steady(&self) -> Duration {
        steady()
    }
}

/// Since the machine was started, with the time that it slept: a laptop that was closed over night has to notice it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn steady() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The same, to about 16 milliseconds.
#[cfg(windows)]
fn steady() -> Duration {
    #[allow(
        unsafe_code,
        reason = "the standard library does not say whether its clock goes on while the machine sleeps"
    )]
    // SAFETY: it takes nothing and gives a number.
    let milliseconds = unsafe { windows_sys::Win32::System::SystemInformation::GetTickCount64() };
    Duration::from_millis(milliseconds)
}

/// Since this was asked first. Whether that goes on while the machine sleeps depends on the system: on macOS it does not.
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
fn steady() -> Duration {
    static BEGINNING: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    BEGINNING.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_clock_goes_on_as_time_does() {
        let (before, since) = (SystemClock.steady(), std::time::Instant::now());
        std::thread::sleep(Duration::from_millis(60));
        let (passed, elapsed) = (SystemClock.steady().saturating_sub(before), since.elapsed());
        assert!(
            passed >= Duration::from_millis(40) && passed <= elapsed + Duration::from_millis(20),
            "{passed:?}"
        );
    }
}
