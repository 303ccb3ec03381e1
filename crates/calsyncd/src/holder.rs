//! What this process is called where it works on a pairing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use calsync_core::drive::Holder;

use crate::clock;

/// A holder with a name that no other has: process and machine for people, the moment so that a process that gets the same
/// number later is another one.
pub(crate) fn new(longest_request: Duration) -> Holder {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let (process, machine) = (std::process::id(), machine());
    let since = clock::now().format("%Y-%m-%dT%H:%M:%S%.6fZ");
    let nth = MADE.fetch_add(1, Ordering::Relaxed);
    let nth = if nth == 0 { String::new() } else { format!(", {}", u64::from(nth).saturating_add(1)) };
    Holder::new(format!("process {process} on {machine} (since {since}{nth})"), longest_request)
}

fn machine() -> String {
    let named = if cfg!(windows) {
        std::env::var("COMPUTERNAME").ok()
    } else {
        ["/proc/sys/kernel/hostname", "/etc/hostname"]
            .into_iter()
            .find_map(|path| std::fs::read_to_string(path).ok())
    };
    let named = named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    named.unwrap_or_else(|| "this machine".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_holders_of_one_process_have_two_names() {
        let [one, other] = [new(Duration::ZERO), new(Duration::ZERO)];
        assert_ne!(one.name(), other.name());
        let process = format!("process {} on ", std::process::id());
        assert!(one.name().starts_with(&process), "{}", one.name());
    }
}
