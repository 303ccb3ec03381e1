//! Time zones by their Windows names, with the rules of the bundled zone database.
//!
//! In: the `Id` of a wire zone, or an IANA name typed by a person. Out: a [`Zone`] that converts between wall clock and
//! instant. The mock has its own small table, so that a wrong row of a client's table shows up as a difference.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

/// A zone that the server knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Zone {
    /// Windows id, such as `W. Europe Standard Time`.
    pub(crate) id: String,
    tz: TimeZone,
}

/// Windows id, IANA zone whose rules it has, display name, further IANA names that mean it.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// Sorted by display offset; from the Unicode CLDR's territory `001` rows and common aliases.
const TABLE: &[Row] = &[
    ("Hawaiian Standard Time", "Pacific/Honolulu", "(UTC-10:00) Hawaii", &[]),
    ("Alaskan Standard Time", "America/Anchorage", "(UTC-09:00) Alaska", &["America/Juneau"]),
    (
        "Pacific Standard Time",
        "America/Los_Angeles",
        "(UTC-08:00) Pacific Time (US & Canada)",
        &["US/Pacific"],
    ),
    ("US Mountain Standard Time", "America/Phoenix", "(UTC-07:00) Arizona", &[]),
    (
        "Mountain Standard Time",
        "America/Denver",
        "(UTC-07:00) Mountain Time (US & Canada)",
        &["America/Boise"],
    ),
    (
        "Central America Standard Time",
        "America/Guatemala",
        "(UTC-06:00) Central America",
        &["America/Costa_Rica"],
    ),
    ("Central Standard Time", "America/Chicago", "(UTC-06:00) Central Time (US & Canada)", &["US/Central"]),
    ("Canada Central Standard Time", "America/Regina", "(UTC-06:00) Saskatchewan", &[]),
    (
        "Central Standard Time (Mexico)",
        "America/Mexico_City",
        "(UTC-06:00) Guadalajara, Mexico City, Monterrey",
        &[],
    ),
    (
        "SA Pacific Standard Time",
        "America/Bogota",
        "(UTC-05:00) Bogota, Lima, Quito, Rio Branco",
        &["America/Lima"],
    ),
    (
        "Eastern Standard Time",
        "America/New_York",
        "(UTC-05:00) Eastern Time (US & Canada)",
        &["US/Eastern", "America/Toronto", "America/Detroit"],
    ),
    (
        "US Eastern Standard Time",
        "America/Indianapolis",
        "(UTC-05:00) Indiana (East)",
        &["America/Indiana/Indianapolis"],
    ),
    ("Cuba Standard Time", "America/Havana", "(UTC-05:00) Havana", &[]),
    ("Venezuela Standard Time", "America/Caracas", "(UTC-04:00) Caracas", &[]),
    ("Atlantic Standard Time", "America/Halifax", "(UTC-04:00) Atlantic Time (Canada)", &[]),
    ("SA Western Standard Time", "America/La_Paz", "(UTC-04:00) Georgetown, La Paz, Manaus, San Juan", &[]),
    ("Pacific SA Standard Time", "America/Santiago", "(UTC-04:00) Santiago", &[]),
    ("Newfoundland Standard Time", "America/St_Johns", "(UTC-03:30) Newfoundland", &[]),
    ("E. South America Standard Time", "America/Sao_Paulo", "(UTC-03:00) Brasilia", &[]),
    (
        "Argentina Standard Time",
        "America/Buenos_Aires",
        "(UTC-03:00) City of Buenos Aires",
        &["America/Argentina/Buenos_Aires"],
    ),
    ("Greenland Standard Time", "America/Godthab", "(UTC-02:00) Greenland", &["America/Nuuk"]),
    ("Azores Standard Time", "Atlantic/Azores", "(UTC-01:00) Azores", &[]),
    ("Cape Verde Standard Time", "Atlantic/Cape_Verde", "(UTC-01:00) Cabo Verde Is.", &[]),
    ("UTC", "Etc/UTC", "(UTC) Coordinated Universal Time", &["UTC", "Etc/GMT", "GMT", "Zulu"]),
    (
        "GMT Standard Time",
        "Europe/London",
        "(UTC+00:00) Dublin, Edinburgh, Lisbon, London",
        &["Europe/Dublin", "Europe/Lisbon"],
    ),
    (
        "Greenwich Standard Time",
        "Atlantic/Reykjavik",
        "(UTC+00:00) Monrovia, Reykjavik",
        &["Africa/Monrovia"],
    ),
    ("Morocco Standard Time", "Africa/Casablanca", "(UTC+01:00) Casablanca", &[]),
    (
        "W. Europe Standard Time",
        "Europe/Berlin",
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
        &[
            "Europe/Vienna",
            "Europe/Zurich",
            "Europe/Amsterdam",
            "Europe/Rome",
            "Europe/Stockholm",
            "Europe/Oslo",
            "Europe/Luxembourg",
            "Europe/Busingen",
            "Europe/Vaduz",
        ],
    ),
    (
        "Central Europe Standard Time",
        "Europe/Budapest",
        "(UTC+01:00) Belgrade, Bratislava, Budapest, Ljubljana, Prague",
        &["Europe/Prague", "Europe/Belgrade", "Europe/Bratislava", "Europe/Ljubljana"],
    ),
    (
        "Romance Standard Time",
        "Europe/Paris",
        "(UTC+01:00) Brussels, Copenhagen, Madrid, Paris",
        &["Europe/Brussels", "Europe/Madrid", "Europe/Copenhagen"],
    ),
    (
        "Central European Standard Time",
        "Europe/Warsaw",
        "(UTC+01:00) Sarajevo, Skopje, Warsaw, Zagreb",
        &["Europe/Zagreb", "Europe/Sarajevo"],
    ),
    (
        "W. Central Africa Standard Time",
        "Africa/Lagos",
        "(UTC+01:00) West Central Africa",
        &["Africa/Algiers"],
    ),
    ("GTB Standard Time", "Europe/Bucharest", "(UTC+02:00) Athens, Bucharest", &["Europe/Athens"]),
    ("Middle East Standard Time", "Asia/Beirut", "(UTC+02:00) Beirut", &[]),
    ("Egypt Standard Time", "Africa/Cairo", "(UTC+02:00) Cairo", &[]),
    ("South Africa Standard Time", "Africa/Johannesburg", "(UTC+02:00) Harare, Pretoria", &["Africa/Harare"]),
    (
        "FLE Standard Time",
        "Europe/Kiev",
        "(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius",
        &[
            "Europe/Kyiv",
            "Europe/Helsinki",
            "Europe/Riga",
            "Europe/Sofia",
            "Europe/Tallinn",
            "Europe/Vilnius",
        ],
    ),
    ("Israel Standard Time", "Asia/Jerusalem", "(UTC+02:00) Jerusalem", &["Asia/Tel_Aviv"]),
    ("E. Europe Standard Time", "Europe/Chisinau", "(UTC+02:00) Chisinau", &[]),
    ("Jordan Standard Time", "Asia/Amman", "(UTC+03:00) Amman", &[]),
    ("Turkey Standard Time", "Europe/Istanbul", "(UTC+03:00) Istanbul", &["Asia/Istanbul"]),
    ("Arabic Standard Time", "Asia/Baghdad", "(UTC+03:00) Baghdad", &[]),
    ("Arab Standard Time", "Asia/Riyadh", "(UTC+03:00) Kuwait, Riyadh", &["Asia/Kuwait"]),
    ("Belarus Standard Time", "Europe/Minsk", "(UTC+03:00) Minsk", &[]),
    ("Russian Standard Time", "Europe/Moscow", "(UTC+03:00) Moscow, St. Petersburg", &[]),
    ("E. Africa Standard Time", "Africa/Nairobi", "(UTC+03:00) Nairobi", &["Africa/Addis_Ababa"]),
    ("Iran Standard Time", "Asia/Tehran", "(UTC+03:30) Tehran", &[]),
    ("Arabian Standard Time", "Asia/Dubai", "(UTC+04:00) Abu Dhabi, Muscat", &["Asia/Muscat"]),
    ("Azerbaijan Standard Time", "Asia/Baku", "(UTC+04:00) Baku", &[]),
    ("Georgian Standard Time", "Asia/Tbilisi", "(UTC+04:00) Tbilisi", &[]),
    ("Afghanistan Standard Time", "Asia/Kabul", "(UTC+04:30) Kabul", &[]),
    ("West Asia Standard Time", "Asia/Tashkent", "(UTC+05:00) Ashgabat, Tashkent", &[]),
    ("Pakistan Standard Time", "Asia/Karachi", "(UTC+05:00) Islamabad, Karachi", &[]),
    (
        "India Standard Time",
        "Asia/Calcutta",
        "(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi",
        &["Asia/Kolkata"],
    ),
    ("Sri Lanka Standard Time", "Asia/Colombo", "(UTC+05:30) Sri Jayawardenepura", &[]),
    ("Nepal Standard Time", "Asia/Katmandu", "(UTC+05:45) Kathmandu", &["Asia/Kathmandu"]),
    ("Bangladesh Standard Time", "Asia/Dhaka", "(UTC+06:00) Dhaka", &[]),
    ("Myanmar Standard Time", "Asia/Rangoon", "(UTC+06:30) Yangon (Rangoon)", &["Asia/Yangon"]),
    (
        "SE Asia Standard Time",
        "Asia/Bangkok",
        "(UTC+07:00) Bangkok, Hanoi, Jakarta",
        &["Asia/Jakarta", "Asia/Ho_Chi_Minh"],
    ),
    (
        "China Standard Time",
        "Asia/Shanghai",
        "(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi",
        &["Asia/Hong_Kong"],
    ),
    (
        "Singapore Standard Time",
        "Asia/Singapore",
        "(UTC+08:00) Kuala Lumpur, Singapore",
        &["Asia/Kuala_Lumpur", "Asia/Manila"],
    ),
    ("W. Australia Standard Time", "Australia/Perth", "(UTC+08:00) Perth", &[]),
    ("Taipei Standard Time", "Asia/Taipei", "(UTC+08:00) Taipei", &[]),
    ("Tokyo Standard Time", "Asia/Tokyo", "(UTC+09:00) Osaka, Sapporo, Tokyo", &[]),
    ("Korea Standard Time", "Asia/Seoul", "(UTC+09:00) Seoul", &[]),
    ("Cen. Australia Standard Time", "Australia/Adelaide", "(UTC+09:30) Adelaide", &[]),
    ("AUS Central Standard Time", "Australia/Darwin", "(UTC+09:30) Darwin", &[]),
    ("E. Australia Standard Time", "Australia/Brisbane", "(UTC+10:00) Brisbane", &[]),
    (
        "AUS Eastern Standard Time",
        "Australia/Sydney",
        "(UTC+10:00) Canberra, Melbourne, Sydney",
        &["Australia/Melbourne"],
    ),
    ("Tasmania Standard Time", "Australia/Hobart", "(UTC+10:00) Hobart", &[]),
    ("Vladivostok Standard Time", "Asia/Vladivostok", "(UTC+10:00) Vladivostok", &[]),
    ("Lord Howe Standard Time", "Australia/Lord_Howe", "(UTC+10:30) Lord Howe Island", &[]),
    ("New Zealand Standard Time", "Pacific/Auckland", "(UTC+12:00) Auckland, Wellington", &[]),
    ("Fiji Standard Time", "Pacific/Fiji", "(UTC+12:00) Fiji", &[]),
    ("Chatham Islands Standard Time", "Pacific/Chatham", "(UTC+12:45) Chatham Islands", &[]),
    ("Tonga Standard Time", "Pacific/Tongatapu", "(UTC+13:00) Nuku'alofa", &[]),
    ("Samoa Standard Time", "Pacific/Apia", "(UTC+13:00) Samoa", &[]),
    ("Line Islands Standard Time", "Pacific/Kiritimati", "(UTC+14:00) Kiritimati Island", &[]),
];

/// The bundled database, never the machine's: the same answer everywhere.
fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

impl Zone {
    /// Coordinated universal time.
    pub(crate) fn utc() -> Self {
        Self { id: "UTC".to_owned(), tz: TimeZone::UTC }
    }

    /// A zone by its Windows id; names compare without case, as in the Windows registry.
    pub(crate) fn by_windows_id(id: &str) -> Option<Self> {
        if id.eq_ignore_ascii_case("UTC") || id == "tzone://Microsoft/Utc" {
            return Some(Self::utc());
        }
        let row = TABLE.iter().find(|row| row.0.eq_ignore_ascii_case(id))?;
        Some(Self { id: row.0.to_owned(), tz: database().get(row.1).ok()? })
    }

    /// The server's zone for an IANA name: the Windows zone that means it, with the Windows zone's rules.
    pub(crate) fn by_iana(name: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.1 == name || row.3.contains(&name))?;
        Self::by_windows_id(row.0)
    }

    /// A zone described by a POSIX rule, for definitions that came with their own transitions.
    pub(crate) fn by_rule(id: &str, rule: &str) -> Option<Self> {
        Some(Self { id: id.to_owned(), tz: TimeZone::posix(rule).ok()? })
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
        assert!(TABLE.len() >= 40);
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
