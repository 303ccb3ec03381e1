//! Time zones by their Windows names, with the rules of the bundled zone database.
//!
//! In: the `Id` of a wire zone, or an IANA name typed by a person. Out: a [`Zone`] that converts between wall clock and
//! instant. The mock has its own small table, so that a wrong row of a client's table shows up as a difference.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::zone_table::TABLE;

/// A zone that the server knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Zone {
    /// Windows id, such as `W. Europe Standard Time`.
    pub(crate) id: String,
    tz: TimeZone,
    /// Answers give its name alone, without rules.
    pub(crate) named_only: bool,
}

/// The bundled database, never the machine's: the same answer everywhere.
fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

impl Zone {
    /// Coordinated universal time.
    pub(crate) fn utc() -> Self {
        Self { id: "UTC".to_owned(), tz: TimeZone::UTC, named_only: false }
    }

    /// A zone by its Windows id; names compare without case, as in the Windows registry.
    pub(crate) fn by_windows_id(id: &str) -> Option<Self> {
        if id.eq_ignore_ascii_case("UTC") || id == "tzone://Microsoft/Utc" {
            return Some(Self::utc());
        }
        let row = TABLE.iter().find(|row| row.0.eq_ignore_ascii_case(id))?;
        Some(Self { id: row.0.to_owned(), tz: database().get(row.1).ok()?, named_only: false })
    }

    /// The server's zone for an IANA name: the Windows zone that means it, with the Windows zone's rules.
    pub(crate) fn by_iana(name: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.1 == name || row.3.contains(&name))?;
        Self::by_windows_id(row.0)
    }

    /// A zone described by a POSIX rule, for definitions that came with their own transitions.
    pub(crate) fn by_rule(id: &str, rule: &str) -> Option<Self> {
        Some(Self { id: id.to_owned(), tz: TimeZone::posix(rule).ok()?, named_only: false })
    }

    /// The same clocks under a name that answers give without any rules.
    pub(crate) fn known_only_as(&self, name: &str) -> Self {
        Self { id: name.to_owned(), named_only: true, ..self.clone() }
    }

    /// Every zone the server knows, in the table's order.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().filter_map(|row| Self::by_windows_id(row.0))
    }

    /// `(UTC+01:00) Amsterdam, ...`, or the id of a zone that has no name.
    pub(crate) fn display_name(&self) -> &str {
        TABLE.iter().find(|row| row.0 == self.id).map_or(self.id.as_str(), |row| row.2)
    }

    /// Offset at an instant.
    pub(crate) fn offset(&self, instant: Timestamp) -> Offset {
        self.tz.to_offset(instant)
    }

    /// Instant of a wall clock: in a gap the offset before it, in a fold the first reading.
    pub(crate) fn instant(&self, civil: DateTime) -> Timestamp {
        self.tz.to_timestamp(civil).unwrap_or(if civil.year() < 1970 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }

    /// The next change of the offset after an instant, with the offset that then applies and whether it is summer time.
    pub(crate) fn next_change(&self, after: Timestamp) -> Option<(Timestamp, Offset, bool)> {
        let change = self.tz.following(after).next()?;
        Some((change.timestamp(), change.offset(), change.dst().is_dst()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_row_of_the_table_has_rules_and_no_id_appears_twice() {
        assert_eq!(Zone::all().count(), TABLE.len());
        assert!(TABLE.len() >= 130);
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.0 == row.0).count(), 1, "{}", row.0);
        }
    }

    #[test]
    fn no_iana_name_means_two_zones() {
        for row in TABLE {
            for name in row.3.iter().chain([&row.1]) {
                let holders = TABLE.iter().filter(|r| r.1 == *name || r.3.contains(name)).count();
                assert_eq!(holders, 1, "{name}");
                assert!(database().get(name).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn unknown_ids_are_unknown() {
        for id in ["", "Europe/Berlin", "Customized Time Zone", "Mitteleuropäische Zeit"] {
            assert_eq!(Zone::by_windows_id(id), None, "{id}");
        }
    }

    #[test]
    fn summer_time_moves_the_instant_of_a_wall_clock() {
        let berlin = Zone::by_iana("Europe/Vienna").unwrap();
        assert_eq!(berlin.id, "W. Europe Standard Time");
        let winter = berlin.instant(date(2026, 1, 15).at(9, 0, 0, 0));
        let summer = berlin.instant(date(2026, 7, 15).at(9, 0, 0, 0));
        assert_eq!(winter.to_string(), "2026-01-15T08:00:00Z");
        assert_eq!(summer.to_string(), "2026-07-15T07:00:00Z");
    }
}
