//! What must be seen: the one place that says what a version of Exchange shows differently.
//!
//! The rule is that both calendars show the same tiles. Everything that is let through beyond that is in
//! [`on_exchange`] and in [`cannot_hold`].

use calsync_core::zone::{Resolved, Zone};
use calsync_testkit::people::{Busy, Draft, Rhythm, Tile};
use chrono::{NaiveDateTime, Weekday};

use super::script::At;

/// The first day that is compared, and the first that no longer is.
pub(crate) const WINDOW: (&str, &str) = ("2026-01-01", "2028-01-01");

/// Where the mailboxes are taken to be.
pub(crate) const HOME: &str = "Europe/Berlin";

/// How that version of Exchange shows what NVS shows as `tile`.
///
/// - "Working elsewhere" came with Exchange 2013; earlier ones show the time as taken.
pub(crate) fn on_exchange(version: &str, tile: &Tile) -> Tile {
    let mut tile = tile.clone();
    if tile.busy == Busy::WorkingElsewhere && has_no_elsewhere(version) {
        tile.busy = Busy::Busy;
    }
    tile
}

/// Why that version of Exchange cannot hold what a person enters there or in NVS; cases leave it out, and count it.
///
/// - A series keeps its times as those of its first occurrence, as instants. Entered in NVS with a first day on which the
///   clocks skip its start or end, it is refused and reported. On Exchange itself nobody can enter such a thing.
/// - Exchange 2007 does not say in which zone a single appointment is. Whole days that somebody entered more than twelve
///   hours away from where the mailbox is taken to be may be read as the day before or after.
/// - Exchange 2007 says nothing about the first day of the week. Where that decides in which weeks an occurrence lies,
///   the series is refused, and one that was entered in Outlook is read with weeks that begin on Sunday.
pub(crate) fn cannot_hold(version: &str, at: At, draft: &Draft) -> Option<&'static str> {
    let old = version == "exchange2007_sp1";
    if old && at == At::Exchange && draft.all_day && draft.repeat.is_none() && is_far_away(draft) {
        return Some("cannot hold: whole days far away on 2007");
    }
    let repeat = draft.repeat.as_ref()?;
    if at == At::Nvs && !draft.all_day && begins_in_gap(&draft.zone, draft.start, draft.end) {
        return Some("cannot hold: first occurrence in a gap");
    }
    match &repeat.rhythm {
        Rhythm::Weekly(days) if old && repeat.every > 1 && days.len() > 1 && days.contains(&Weekday::Sun) => {
            Some("cannot hold: first day of the week on 2007")
        }
        _ => None,
    }
}

fn is_far_away(draft: &Draft) -> bool {
    let (Ok(there), Ok(home)) = (Zone::new(&draft.zone), Zone::new(HOME)) else { return false };
    let at = there.to_utc(draft.start);
    let offset = |zone: &Zone| zone.offset_at(at).local_minus_utc();
    (offset(&there) - offset(&home)).abs() > 12 * 3600
}

/// Whether that version of Exchange, where it cannot hold a value, may lose what an occurrence has of its own: set on the
/// whole series, "working elsewhere" becomes "busy" there, and an occurrence that was "busy" of its own no longer differs.
pub(crate) fn blurs_occurrences(version: &str, busy: Option<Busy>) -> bool {
    busy == Some(Busy::WorkingElsewhere) && has_no_elsewhere(version)
}

fn has_no_elsewhere(version: &str) -> bool {
    matches!(version, "exchange2007_sp1" | "exchange2010_sp2")
}

/// Whether the clocks skip one of the two readings.
pub(crate) fn begins_in_gap(zone: &str, start: NaiveDateTime, end: NaiveDateTime) -> bool {
    let Ok(zone) = Zone::new(zone) else { return false };
    [start, end].into_iter().any(|at| matches!(zone.resolve(at), Resolved::Gap(_)))
}

/// The first difference of two calendars, in words.
pub(crate) fn difference(version: &str, nvs: &[Tile], exchange: &[Tile]) -> Option<String> {
    let mut expected: Vec<Tile> = nvs.iter().map(|tile| on_exchange(version, tile)).collect();
    // As Exchange shows them, an appointment may come earlier in the order.
    expected.sort();
    let mut shown: Vec<Tile> = exchange.iter().map(|tile| on_exchange(version, tile)).collect();
    shown.sort();
    first_difference("nvs", &expected, "exchange", &shown)
}

/// The first tile that only one of two has.
pub(crate) fn first_difference(one: &str, mine: &[Tile], other: &str, theirs: &[Tile]) -> Option<String> {
    if mine == theirs {
        return None;
    }
    let at = mine.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(mine.len().min(theirs.len()));
    let tell = |tile: Option<&Tile>| tile.map_or_else(|| "nothing".to_owned(), |tile| format!("{tile:?}"));
    Some(format!(
        "tiles differ ({one} {}, {other} {}):\n  {one}: {}\n  {other}: {}",
        mine.len(),
        theirs.len(),
        tell(mine.get(at)),
        tell(theirs.get(at))
    ))
}
