//! Exchange's time zones and ours.
//!
//! In goes what an item says about its zone: a Windows id, an IANA name, a display name, or rules of its own. Out comes
//! a [`Zone`], or `None`: then nobody knows, and the item must stay as it is. UTC is never a guess.
//!
//! The ladder of [`Hints::zone`] takes the most specific evidence first, and among zones that would do it prefers the
//! one that the mailbox uses. Where names fail, rules decide: the clock changes that the item defines are compared with
//! those of the zone data over the time that matters.

mod rules;
mod table;

use std::ops::Range;

use calsync_core::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};

use crate::wire::{MeetingTimeZone, ZoneDefinition};
pub use rules::Clock;

/// The CLDR release behind the names, such as `48.2.0`.
pub const fn cldr_version() -> &'static str {
    table::VERSION
}

/// The IANA zone that stands for a Windows id; the one of `territory` (ISO 3166, `AT`) where that has its own.
pub fn iana_name(windows: &str, territory: Option<&str>) -> Option<&'static str> {
    let (id, default) = match table::DEFAULT.binary_search_by(|row| row.0.cmp(windows)) {
        Ok(index) => table::DEFAULT.get(index),
        Err(_) => table::DEFAULT.iter().find(|row| row.0.eq_ignore_ascii_case(windows)),
    }?;
    let regional = territory.and_then(|territory| {
        let index = table::REGIONAL.binary_search_by(|row| (row.0, row.1).cmp(&(id, territory))).ok()?;
        table::REGIONAL.get(index).map(|row| row.2)
    });
    Some(regional.unwrap_or(default))
}

/// The Windows id for an IANA name, old names included.
///
/// `None` for zones that Windows does not have, such as `Antarctica/Troll`; [`windows_id_by_rules`] may know one that
/// will do for a while.
pub fn windows_id(iana: &str) -> Option<&'static str> {
    let name = iana.to_ascii_lowercase();
    let index = table::WINDOWS.binary_search_by(|row| row.0.cmp(&name)).ok()?;
    table::WINDOWS.get(index).map(|row| row.1)
}

/// All Windows ids with the IANA zone that stands for each.
pub fn windows_ids() -> impl Iterator<Item = (&'static str, &'static str)> {
    table::DEFAULT.iter().copied()
}

/// A Windows id whose clocks agree with those of `zone` during `span`.
pub fn windows_id_by_rules(zone: &Zone, span: &Range<DateTime<Utc>>) -> Option<&'static str> {
    if let Some(id) = windows_id(zone.name()).or_else(|| windows_id(zone.primary_name())) {
        return Some(id);
    }
    let agrees =
        |iana: &str| Zone::new(iana).is_ok_and(|other| zone.same_rules(&other, span.start, span.end));
    in_order().find(|(_, iana)| agrees(iana)).map(|(id, _)| id)
}

/// The zones of Windows ids, those first that most customers live in: which of several equal ones is taken only shows in
/// the name, but should not surprise.
fn in_order() -> impl Iterator<Item = (&'static str, &'static str)> {
    const FIRST: [&str; 6] = [
        "W. Europe Standard Time",
        "GMT Standard Time",
        "Eastern Standard Time",
        "Central Standard Time",
        "Mountain Standard Time",
        "Pacific Standard Time",
    ];
    let first = FIRST.iter().filter_map(|id| Some((*id, iana_name(id, None)?)));
    first.chain(windows_ids().filter(|(id, _)| !FIRST.contains(id)))
}

/// What is known besides the item's own words.
#[derive(Debug, Clone, Copy)]
pub struct Hints<'a> {
    /// The IANA zone that was noted in the item when it was written. Believed only while it fits the item's zone.
    pub noted: Option<&'a Zone>,
    /// The zone of the mailbox.
    pub mailbox: Option<&'a Zone>,
    /// `GetServerTimeZones`: what the server's display names mean.
    pub server: &'a [ZoneDefinition],
    /// The time in which the item happens; rules must agree from a year before to two years after.
    pub span: (DateTime<Utc>, DateTime<Utc>),
}

impl Hints<'_> {
    /// Resolves `StartTimeZone` or `EndTimeZone` of Exchange 2010 and later.
    pub fn zone(&self, definition: &ZoneDefinition) -> Option<Zone> {
        let clock = Clock::of_definition(definition);
        let names = [definition.id.as_deref(), definition.name.as_deref()];
        self.by_names(names).or_else(|| self.by_rules(&clock?))
    }

    /// Resolves `MeetingTimeZone` of Exchange 2007.
    pub fn meeting_zone(&self, zone: &MeetingTimeZone) -> Option<Zone> {
        let clock = Clock::of_meeting(zone);
        self.by_names([zone.name.as_deref(), None]).or_else(|| self.by_rules(&clock?))
    }

    /// Resolves a bare name: `StartTimeZoneId`, or a `TZID`.
    pub fn named(&self, name: &str) -> Option<Zone> {
        self.by_names([Some(name), None])
    }

    fn by_names(&self, names: [Option<&str>; 2]) -> Option<Zone> {
        let mut names = names.into_iter().flatten().map(str::trim).filter(|name| !name.is_empty());
        names.find_map(|name| {
            // Zone data has names such as `EST` and `GMT` that Windows does not, but no Windows id.
            self.windows(name)
                .or_else(|| Zone::new(name).ok())
                .or_else(|| self.windows(self.displayed(name)?))
                .or_else(|| name.eq_ignore_ascii_case("tzone://Microsoft/Utc").then(Zone::utc))
        })
    }

    /// A Windows id: the noted zone or the mailbox's, if they are of that id, otherwise CLDR's.
    fn windows(&self, id: &str) -> Option<Zone> {
        let default = iana_name(id, None)?;
        let own = [self.noted, self.mailbox]
            .into_iter()
            .flatten()
            .find(|zone| windows_id(zone.name()).is_some_and(|own| own.eq_ignore_ascii_case(id)));
        own.cloned().or_else(|| Zone::new(default).ok())
    }

    /// The id of a display name such as `(UTC+01:00) Amsterdam, Berlin, ...`, in the language of the server.
    fn displayed(&self, name: &str) -> Option<&str> {
        let definition = self.server.iter().find(|zone| zone.name.as_deref() == Some(name))?;
        definition.id.as_deref()
    }

    /// A zone whose clocks agree with `clock` over the time of the item.
    fn by_rules(&self, clock: &Clock) -> Option<Zone> {
        let from = self.span.0.checked_sub_signed(TimeDelta::days(366))?;
        let to = self.span.1.checked_add_signed(TimeDelta::days(731))?;
        let theirs = clock.between(from, to)?;
        let agrees = |zone: &Zone| {
            zone.offset_at(from) == theirs.before && zone.changes(from, to).eq(theirs.changes.iter().copied())
        };
        let own = [self.noted, self.mailbox].into_iter().flatten().find(|zone| agrees(zone));
        own.cloned().or_else(|| in_order().filter_map(|(_, iana)| Zone::new(iana).ok()).find(agrees))
    }
}

#[cfg(test)]
mod tests;
