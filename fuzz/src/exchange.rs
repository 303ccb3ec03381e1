//! Answers of Exchange.

use calsync_core::recur::{Rule, SeriesTimes, expand};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use ews_client::read_item;
use ews_client::recurrence::{Series, to_exchange, to_rule};
use ews_client::wire::{Answer, CalendarItem, Limits, decode_answer};
use ews_client::zones::{Clock, Hints};

use crate::{HOME, can_be_stored, fits_somehow};

/// An answer of any operation.
pub fn response(bytes: &[u8]) {
    let limits = Limits { entries: 200 };
    let Ok(answer) = decode_answer(bytes, &limits) else { return };
    let _ = answer.to_json();
    let entries = |message: &ews_client::wire::Message| {
        message.items.len()
            + message.changes.len()
            + message.folders.len()
            + message.resolutions.len()
            + message.attachments.len()
    };
    assert!(answer.messages.iter().map(entries).sum::<usize>() <= limits.entries);
}

/// The answer with items, the first of them with the others as its changed occurrences, if it has such.
pub fn item(bytes: &[u8]) {
    // The fuzzer need not find the envelope for itself.
    let wrapped;
    let bytes = match bytes.strip_prefix(b"!") {
        Some(inside) => {
            wrapped = around(inside);
            &wrapped
        }
        None => bytes,
    };
    let Ok(answer) = decode_answer(bytes, &Limits::default()) else { return };
    let items: Vec<&CalendarItem> = items(&answer);
    for (index, master) in items.iter().enumerate() {
        let others = items.iter().skip(index + 1).copied();
        let exceptions: Vec<_> = master.modified_occurrences.iter().zip(others).collect();
        if let Ok(item) = read_item(master, &exceptions, &HOME) {
            can_be_stored(&item);
            fits_somehow(&item);
            let _ = (item.series.content_hash(), item.series.time_hash());
            assert!(item.series.diff(&item.series).is_empty());
        }
    }
}

/// The inside of a `Recurrence`.
pub fn recurrence(bytes: &[u8]) {
    let inside = [b"<t:Recurrence>", bytes, b"</t:Recurrence>"].concat();
    let Ok(answer) = decode_answer(&around(&inside), &Limits::default()) else { return };
    let Some(found) = items(&answer).first().and_then(|item| item.recurrence.clone()) else { return };
    let start = at(2026, 11, 24);
    for (all_day, zone) in [(false, Some(&*HOME)), (true, None)] {
        let series = Series { start, all_day, zone };
        let Ok(read) = to_rule(&found, series) else { continue };
        assert_eq!(read.rule.to_string().parse::<Rule>().as_ref(), Ok(&read.rule));
        let series = Series { start: read.start, ..series };
        if let Ok(written) = to_exchange(&read.rule, series, true) {
            // What Exchange says again in its own words is the same series.
            let again = to_rule(&written.recurrence, Series { start: written.start, ..series })
                .expect("what was written can be read");
            let times = |rule: &Rule, start| {
                let times = SeriesTimes { start, all_day, zone, rule: Some(rule), rdates: &[], exdates: &[] };
                expand(times, start..at(2100, 1, 1), 40).starts
            };
            assert_eq!(times(&read.rule, read.start), times(&again.rule, again.start), "{}", read.rule);
        }
    }
}

/// The inside of a `StartTimeZone`, or of a `MeetingTimeZone` after an exclamation mark.
pub fn zone(bytes: &[u8]) {
    let inside = match bytes.strip_prefix(b"!") {
        Some(rest) => [b"<t:MeetingTimeZone ", rest, b"</t:MeetingTimeZone>"].concat(),
        None => [b"<t:StartTimeZone ", bytes, b"</t:StartTimeZone>"].concat(),
    };
    let Ok(answer) = decode_answer(&around(&inside), &Limits::default()) else { return };
    let moment = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let span = (moment(1_790_000_000), moment(1_800_000_000));
    for item in items(&answer) {
        let hints = Hints { noted: None, mailbox: Some(&HOME), server: &[], span };
        let (zone, clock) = match (&item.start_time_zone, &item.meeting_time_zone) {
            (Some(definition), _) => (hints.zone(definition), Clock::of_definition(definition)),
            (None, Some(meeting)) => (hints.meeting_zone(meeting), Clock::of_meeting(meeting)),
            (None, None) => continue,
        };
        if let Some(clock) = clock {
            for years in [0, 40, 5000] {
                let from = span.0.checked_sub_signed(TimeDelta::days(365 * years)).unwrap_or_default();
                let _ = clock.between(from, span.1);
            }
        }
        if let Some(zone) = zone {
            let _ = zone.to_utc(at(2026, 3, 29));
        }
    }
}

fn items(answer: &Answer) -> Vec<&CalendarItem> {
    answer.messages.iter().flat_map(|message| &message.items).take(20).collect()
}

/// An answer with one item of an hour.
fn around(inside: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] = b"<s:Envelope><s:Body><m:GetItemResponse><m:ResponseMessages>\
        <m:GetItemResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode><m:Items><t:CalendarItem>\
        <t:ItemId Id=\"a\" ChangeKey=\"1\"/><t:Start>2026-11-24T08:00:00Z</t:Start><t:End>2026-11-24T09:00:00Z</t:End>\
        <t:UID>u</t:UID>";
    const AFTER: &[u8] = b"</t:CalendarItem></m:Items></m:GetItemResponseMessage></m:ResponseMessages>\
        </m:GetItemResponse></s:Body></s:Envelope>";
    [BEFORE, inside, AFTER].concat()
}

fn at(year: i32, month: u32, day: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, month, day).and_then(|date| date.and_hms_opt(9, 0, 0)).unwrap_or_default()
}
