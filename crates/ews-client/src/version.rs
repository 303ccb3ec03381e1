//! Versions of Exchange: what a server says it is, and what a request may therefore contain.
//!
//! The four build numbers decide. The `Version` attribute beside them is absent on old servers and odd on new ones.

use std::fmt;

use serde::Serialize;

use crate::wire::Element;

/// `RequestServerVersion`: the schema that a request follows and that its answer shall follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub enum Version {
    /// Exchange 2007 SP1, SP2 and SP3.
    Exchange2007Sp1,
    /// Exchange 2010.
    Exchange2010,
    /// Exchange 2010 SP1.
    Exchange2010Sp1,
    /// Exchange 2010 SP2 and SP3.
    Exchange2010Sp2,
    /// Exchange 2013.
    Exchange2013,
    /// Exchange 2013 SP1 and later updates.
    Exchange2013Sp1,
    /// Exchange 2016, 2019 and Server SE.
    Exchange2016,
}

impl Version {
    /// The value that every supported server accepts.
    pub const LOWEST: Self = Self::Exchange2007Sp1;

    /// The wire's spelling.
    pub fn as_wire(self) -> &'static str {
        match self {
            Self::Exchange2007Sp1 => "Exchange2007_SP1",
            Self::Exchange2010 => "Exchange2010",
            Self::Exchange2010Sp1 => "Exchange2010_SP1",
            Self::Exchange2010Sp2 => "Exchange2010_SP2",
            Self::Exchange2013 => "Exchange2013",
            Self::Exchange2013Sp1 => "Exchange2013_SP1",
            Self::Exchange2016 => "Exchange2016",
        }
    }

    /// The next lower value, for a server that refuses this one without saying what it is.
    pub(crate) fn lower(self) -> Option<Self> {
        Some(match self {
            Self::Exchange2007Sp1 => return None,
            Self::Exchange2010 => Self::Exchange2007Sp1,
            Self::Exchange2010Sp1 => Self::Exchange2010,
            Self::Exchange2010Sp2 => Self::Exchange2010Sp1,
            Self::Exchange2013 => Self::Exchange2010Sp2,
            Self::Exchange2013Sp1 => Self::Exchange2013,
            Self::Exchange2016 => Self::Exchange2013Sp1,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_wire())
    }
}

/// `ServerVersionInfo`: the build of the server that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ServerBuild {
    /// 8 is 2007, 14 is 2010, 15 is everything since.
    pub major: u32,
    /// With 15: 0 is 2013, 1 is 2016, 2 is 2019 and Server SE.
    pub minor: u32,
    /// Build.
    pub build: u32,
    /// Revision.
    pub revision: u32,
}

impl ServerBuild {
    pub(crate) fn read(element: &Element<'_>) -> Option<Self> {
        let number = |name| element.attribute(name).and_then(|text| text.trim().parse().ok());
        Some(Self {
            major: number("MajorVersion")?,
            minor: number("MinorVersion")?,
            build: number("MajorBuildNumber").unwrap_or(0),
            revision: number("MinorBuildNumber").unwrap_or(0),
        })
    }

    /// The newest request version that this server understands.
    pub fn version(self) -> Version {
        match (self.major, self.minor, self.build) {
            (..=8, ..) => Version::Exchange2007Sp1,
            (..=13, ..) | (14, 0, _) => Version::Exchange2010,
            (14, 1, _) => Version::Exchange2010Sp1,
            (14, ..) => Version::Exchange2010Sp2,
            (15, 0, ..847) => Version::Exchange2013,
            (15, 0, _) => Version::Exchange2013Sp1,
            _ => Version::Exchange2016,
        }
    }
}

impl fmt::Display for ServerBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.major, self.minor, self.build, self.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_decides_and_is_capped_at_2016() {
        let version = |major, minor, build| ServerBuild { major, minor, build, revision: 0 }.version();
        assert_eq!(version(8, 3, 485), Version::Exchange2007Sp1);
        assert_eq!(version(14, 0, 722), Version::Exchange2010);
        assert_eq!(version(14, 1, 438), Version::Exchange2010Sp1);
        assert_eq!(version(14, 3, 123), Version::Exchange2010Sp2);
        assert_eq!(version(15, 0, 516), Version::Exchange2013);
        assert_eq!(version(15, 0, 847), Version::Exchange2013Sp1);
        assert_eq!(version(15, 1, 225), Version::Exchange2016);
        assert_eq!(version(15, 2, 2562), Version::Exchange2016);
        assert_eq!(version(15, 20, 1), Version::Exchange2016);
    }
}
