//! Which Exchange the mock is, and which schema a request asks for.
//!
//! In: a name from a command line, or the value of `RequestServerVersion`. Out: an ordered [`Schema`] that decides what
//! the mock knows, and the build numbers it reports. The one idea: a server accepts every schema up to its own and
//! answers in the shape of the one it was asked in.

/// An Exchange release that the mock can pretend to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerVersion {
    /// Exchange 2007 with Service Pack 1.
    Exchange2007Sp1,
    /// Exchange 2010 with Service Pack 2.
    Exchange2010Sp2,
    /// Exchange 2013 with Service Pack 1.
    Exchange2013Sp1,
    /// Exchange 2016.
    Exchange2016,
    /// Exchange Server Subscription Edition.
    ExchangeSe,
}

impl ServerVersion {
    /// All releases, oldest first.
    pub const ALL: [Self; 5] = [
        Self::Exchange2007Sp1,
        Self::Exchange2010Sp2,
        Self::Exchange2013Sp1,
        Self::Exchange2016,
        Self::ExchangeSe,
    ];

    /// Name as used on command lines, such as `exchange2010_sp2`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exchange2007Sp1 => "exchange2007_sp1",
            Self::Exchange2010Sp2 => "exchange2010_sp2",
            Self::Exchange2013Sp1 => "exchange2013_sp1",
            Self::Exchange2016 => "exchange2016",
            Self::ExchangeSe => "exchange_se",
        }
    }

    /// Finds a release by its [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }

    /// Build number as a real server of that release reports it.
    pub const fn build(self) -> (u16, u16, u16, u16) {
        match self {
            Self::Exchange2007Sp1 => (8, 1, 436, 0),
            Self::Exchange2010Sp2 => (14, 2, 247, 5),
            Self::Exchange2013Sp1 => (15, 0, 847, 32),
            Self::Exchange2016 => (15, 1, 2507, 6),
            Self::ExchangeSe => (15, 2, 2562, 17),
        }
    }

    /// The `Version` attribute beside the build; newer servers name an internal schema there, not one to ask for.
    pub(crate) const fn reported(self) -> &'static str {
        match self {
            Self::Exchange2007Sp1 => "Exchange2007_SP1",
            Self::Exchange2010Sp2 => "Exchange2010_SP2",
            Self::Exchange2013Sp1 => "V2_23",
            Self::Exchange2016 | Self::ExchangeSe => "V2017_07_11",
        }
    }

    /// The newest schema this release knows.
    pub(crate) const fn newest(self) -> Schema {
        match self {
            Self::Exchange2007Sp1 => Schema::E2007Sp1,
            Self::Exchange2010Sp2 => Schema::E2010Sp2,
            Self::Exchange2013Sp1 => Schema::E2013Sp1,
            Self::Exchange2016 => Schema::E2016,
            Self::ExchangeSe => Schema::Se,
        }
    }
}

/// A schema version, as a request names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Schema {
    E2007,
    E2007Sp1,
    E2010,
    E2010Sp1,
    E2010Sp2,
    E2013,
    E2013Sp1,
    E2015,
    E2016,
    /// What only the newest schema has; no request names it, a server of that release answers `E2016` requests.
    Se,
}

impl Schema {
    /// Reads the value of `RequestServerVersion/@Version`.
    pub(crate) fn from_request(text: &str) -> Option<Self> {
        Some(match text {
            "Exchange2007" => Self::E2007,
            "Exchange2007_SP1" => Self::E2007Sp1,
            "Exchange2010" => Self::E2010,
            "Exchange2010_SP1" => Self::E2010Sp1,
            "Exchange2010_SP2" => Self::E2010Sp2,
            "Exchange2013" => Self::E2013,
            "Exchange2013_SP1" => Self::E2013Sp1,
            "Exchange2015" => Self::E2015,
            "Exchange2016" => Self::E2016,
            "V2015_10_05" | "V2016_01_06" | "V2016_04_13" | "V2016_07_13" | "V2016_10_10" | "V2017_01_07"
            | "V2017_04_14" | "V2017_07_11" => Self::Se,
            _ => return None,
        })
    }

    /// Reads the short form used in this mock's own tables: `2010`, `2010sp1`, `2013` and so on.
    pub(crate) fn from_table(text: &str) -> Self {
        match text {
            "2010" => Self::E2010,
            "2010sp1" => Self::E2010Sp1,
            "2010sp2" => Self::E2010Sp2,
            "2013" => Self::E2013,
            "2013sp1" => Self::E2013Sp1,
            "2016" => Self::E2016,
            "se" => Self::Se,
            _ => Self::E2007,
        }
    }

    /// The schema that really applies on `server`: its release knows its own additions without being asked for them.
    pub(crate) fn on(self, server: ServerVersion) -> Self {
        if self == Self::E2016 && server == ServerVersion::ExchangeSe { Self::Se } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_releases_lead_back_to_them() {
        for version in ServerVersion::ALL {
            assert_eq!(ServerVersion::from_name(version.name()), Some(version));
        }
        assert_eq!(ServerVersion::from_name("exchange2003"), None);
    }

    #[test]
    fn a_schema_newer_than_the_server_is_recognised_by_its_order() {
        let asked = Schema::from_request("Exchange2013_SP1").unwrap();
        assert!(asked > ServerVersion::Exchange2010Sp2.newest());
        assert!(asked <= ServerVersion::Exchange2016.newest());
    }
}
