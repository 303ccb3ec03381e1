//! What must be seen: the one place that says what a version of Exchange shows differently.
//!
//! The rule is that both calendars show the same tiles. Everything that is let through beyond that is in
//! [`on_exchange`] and in [`cannot_hold`].

use calsync_testkit::people::{Busy, Tile};

/// The first day that is compared, and the first that no longer is.
pub(crate) const WINDOW: (&str, &str) = ("2026-01-01", "2028-01-01");

/// How that version of Exchange shows what NVS shows as `tile`.
///
/// - "Working elsewhere" came with Exchange 2013; earlier ones show the time as taken.
pub(crate) fn on_exchange(version: &str, tile: &Tile) -> Tile {
    let mut tile = tile.clone();
    if tile.busy == Busy::WorkingElsewhere && matches!(version, "exchange2007_sp1" | "exchange2010_sp2") {
        tile.busy = Busy::Busy;
    }
    tile
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
