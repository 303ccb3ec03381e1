//! How often something happened within the last hour.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Counts what happened within the last hour, by the minute: what comes in small helpings is seen as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lately(BTreeMap<i64, u64>);

const MINUTES: u64 = 60;

impl Lately {
    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How often it happened within an hour of `now`, by whatever clock.
    pub fn count(&self, now: DateTime<Utc>) -> u64 {
        let near = self.0.iter().filter(|(minute, _)| is_near(**minute, now));
        near.fold(0, |sum, (_, times)| sum.saturating_add(*times))
    }

    /// The same with `times` more, and without what is over.
    #[must_use]
    pub fn with(&self, times: u64, now: DateTime<Utc>) -> Lately {
        let mut minutes = self.0.clone();
        minutes.retain(|minute, _| is_near(*minute, now));
        if times > 0 {
            let minute = minutes.entry(minute(now)).or_default();
            *minute = minute.saturating_add(times);
        }
        Lately(minutes)
    }
}

fn minute(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(60)
}

/// A clock that was set back leaves times in the future: they count until they are an hour away.
fn is_near(of: i64, now: DateTime<Utc>) -> bool {
    of.abs_diff(minute(now)) < MINUTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_hour_old_is_forgotten_and_the_rest_adds_up() {
        let at = |minutes: i64| DateTime::from_timestamp(1_795_500_000 + 60 * minutes, 0).unwrap();
        let mut lately = Lately::default();
        for round in 0..24 {
            lately = lately.with(5, at(5 * round));
        }
        assert_eq!(lately.count(at(115)), 60);
        assert_eq!(lately.0.len(), 12, "no more is kept than is counted");
        assert_eq!(lately.count(at(150)), 25);
        assert!(lately.with(0, at(300)).is_empty());
        assert!(lately.with(0, at(-100_000)).is_empty(), "a clock that was set back");
    }
}
