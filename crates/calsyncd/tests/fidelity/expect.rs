//! What must be seen: the one place that says what a version of Exchange shows differently.
//!
//! The rule is that both calendars show the same tiles. Everything that is let through beyond that is in
//! [`agreed`] and in [`cannot_hold`].

use calsync_core::zone::{Resolved, Zone};
use calsync_testkit::people::{Busy, Draft, Edit, Rhythm, Tile};
use chrono::{NaiveDateTime, Weekday};

use super::script::At;

/// The first day that is compared, and the first that no longer is.
pub(crate) const WINDOW: (&str, &str) = ("2026-01-01", "2028-01-01");

/// Where the mailboxes are taken to be.
pub(crate) const HOME: &str = "Europe/Berlin";

/// What both sides agree upon of a tile that each shows as well as it can.
///
/// - "Working elsewhere" came with Exchange 2013; earlier ones show the time as taken.
/// - A subject on Exchange ends after 255 characters.
/// - XML, and with it Exchange, has no characters such as form feeds.
/// - A subject, place or customer in NVS is one line: what is between lines becomes a blank.
pub(crate) fn agreed(version: &str, tile: &Tile) -> Tile {
    let mut tile = tile.clone();
    tile.subject = line(&tile.subject).chars().take(255).collect();
    tile.place = line(&tile.place);
    let notes = legal(&tile.notes);
    // Nobody sees blanks at the end of a line, and HTML has none.
    tile.notes = notes.trim_end().split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n");
    tile.customer = tile.customer.as_deref().map(line);
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

/// Whether both sides show a subject as it is.
pub(crate) fn is_agreed(subject: &str) -> bool {
    line(subject) == subject && subject.chars().count() <= 255
}

/// Without the characters that XML 1.0 does not have.
fn legal(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)).collect()
}

/// As one line: one blank for whatever stands between two.
fn line(text: &str) -> String {
    let legal = legal(text);
    let parts: Vec<&str> = legal.split(char::is_control).collect();
    let last = parts.len().saturating_sub(1);
    let inner = |(k, part): &(usize, &str)| *k == 0 || *k == last || !part.is_empty();
    let parts: Vec<&str> = parts.iter().copied().enumerate().filter(inner).map(|(_, part)| part).collect();
    parts.join(" ")
}

fn is_far_away(draft: &Draft) -> bool {
    let (Ok(there), Ok(home)) = (Zone::new(&draft.zone), Zone::new(HOME)) else { return false };
    let at = there.to_utc(draft.start);
    let offset = |zone: &Zone| zone.offset_at(at).local_minus_utc();
    (offset(&there) - offset(&home)).abs() > 12 * 3600
}

/// Whether an edit of a whole series may come back from Exchange for the occurrences that were changed before.
///
/// Exchange does not say which fields a changed occurrence has of its own. One that happens to be the master's looks
/// inherited; when the master's changes, it turns up again, and counts as what somebody wants for this occurrence. Both
/// sides then show the same, but not what was entered for the whole. Texts are unlike each other here, unless cleared.
pub(crate) fn may_come_back(edit: &Edit, emptied: bool) -> bool {
    let Edit { subject, place, notes, html, span: _, category, busy, private, reminder, customer, repeat: _ } =
        edit;
    let text =
        subject.is_some() || place.is_some() || notes.is_some() || html.is_some() || customer.is_some();
    (emptied && text) || busy.is_some() || private.is_some() || reminder.is_some() || category.is_some()
}

/// Whether a text is cleared.
pub(crate) fn empties(edit: &Edit) -> bool {
    let texts = [&edit.subject, &edit.place, &edit.notes];
    texts.into_iter().flatten().any(|text| text.trim().is_empty()) || edit.customer == Some(None)
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
    let mut expected: Vec<Tile> = nvs.iter().map(|tile| agreed(version, tile)).collect();
    // As Exchange shows them, an appointment may come earlier in the order.
    expected.sort();
    let mut shown: Vec<Tile> = exchange.iter().map(|tile| agreed(version, tile)).collect();
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
