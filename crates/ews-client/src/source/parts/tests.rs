//! Taking apart and putting together, without a server.

use std::collections::{BTreeMap, BTreeSet};

use calsync_core::ids::{ItemKey, Revision};
use calsync_core::model::{Event, Overlay, Override, Recurrence, RecurrenceId, Series, Span};
use calsync_core::source::{Item, Shape};
use calsync_core::zone::Zone;
use chrono::{NaiveDate, NaiveDateTime};

use super::compose::{Composed, compose, record};
use super::layout::{Before, Layout, Terms, layout};
use super::{Role, Tag, UnfitRules, Whole, rule_of};
use crate::source::write::Setting;
use crate::version::Version;

fn zone() -> Zone {
    Zone::new("Europe/Berlin").unwrap()
}

fn at(text: &str) -> NaiveDateTime {
    format!("{text}:00").parse().unwrap()
}

fn key(text: &str) -> RecurrenceId {
    RecurrenceId::Local(at(text))
}

fn series(rule: &str) -> Series {
    let span = Span::zoned(at("2026-11-02T09:00"), at("2026-11-02T10:00"), &zone());
    Series {
        recurrence: Some(Recurrence { rule: rule.parse().unwrap(), dates: BTreeSet::new() }),
        ..Series::single("uid".into(), Event::new("Runde", span))
    }
}

fn moved(start: &str, end: &str) -> Override {
    let span = Some(Span::zoned(at(start), at(end), &zone()));
    Override::Changed(Overlay { span, ..Overlay::default() })
}

fn called(subject: &str) -> Override {
    Override::Changed(Overlay { subject: Some(subject.to_owned()), ..Overlay::default() })
}

fn laid_out(series: &Series, unfit: UnfitRules) -> Result<Layout, String> {
    let home = zone();
    let setting = Setting { home: &home, version: Version::Exchange2016 };
    let today = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
    layout(series, &Terms { setting, unfit, today }, &Before::default())
}

/// The items of a layout as a server would give them back, and the record of them.
fn written(series: &Series, layout: &Layout) -> (Whole, BTreeMap<Role, Item>) {
    let items: BTreeMap<Role, Item> = layout
        .items
        .iter()
        .map(|(role, series)| {
            let item = Item {
                key: ItemKey::new(role.to_text()),
                revision: Revision::new("1"),
                series: series.clone(),
                receipt: None,
                created: None,
                modified: None,
                access: calsync_core::source::Access::Full,
            };
            (*role, item)
        })
        .collect();
    (record(series, layout, &BTreeSet::new(), &items).unwrap(), items)
}

fn shown(whole: &Whole, items: &BTreeMap<Role, Item>) -> Option<Series> {
    let mut parts = items.clone();
    let owner = parts.remove(&Role::Owner).unwrap();
    // What is kept survives being kept.
    let whole: Whole = serde_json::from_str(&serde_json::to_string(whole).unwrap()).unwrap();
    match compose(&whole, &owner, &parts) {
        Composed::One(item) => Some(item.series),
        Composed::Apart => None,
    }
}

/// Series that take several items, with how many.
fn table() -> Vec<(Series, usize)> {
    let mut with_dates = series("FREQ=WEEKLY;BYDAY=MO");
    with_dates.recurrence.as_mut().unwrap().dates =
        [key("2026-11-03T15:00"), key("2026-11-09T09:00"), key("2026-11-12T08:00")].into();
    with_dates.overrides.insert(key("2026-11-12T08:00"), called("Zusatz"));
    let mut cancelled_date = with_dates.clone();
    cancelled_date.overrides.insert(key("2026-11-03T15:00"), Override::Cancelled);
    let mut crossing = series("FREQ=WEEKLY;BYDAY=MO;COUNT=10");
    crossing.overrides.insert(key("2026-11-16T09:00"), moved("2026-11-24T09:00", "2026-11-24T10:00"));
    crossing.overrides.insert(key("2026-11-09T09:00"), called("anders"));
    let mut halves = series("FREQ=DAILY;BYHOUR=9,15;BYMINUTE=0");
    halves.overrides.insert(key("2026-11-04T15:00"), called("nachmittags"));
    halves.overrides.insert(key("2026-11-05T09:00"), Override::Cancelled);
    halves.overrides.insert(key("2026-11-06T15:00"), moved("2026-11-09T15:00", "2026-11-09T16:00"));
    halves.overrides.insert(key("2026-12-06T11:00"), Override::Cancelled);
    let mut weeks = series("FREQ=YEARLY;BYWEEKNO=45,46,47,48,49,50;BYDAY=MO");
    weeks.overrides.insert(key("2026-11-09T09:00"), called("erste"));
    weeks.overrides.insert(key("2026-11-16T09:00"), Override::Cancelled);
    weeks.overrides.insert(key("2031-11-17T09:00"), called("fern"));
    vec![
        (series("FREQ=MONTHLY;BYMONTHDAY=2,15"), 2),
        (halves, 3),
        (with_dates, 3),
        (cancelled_date, 2),
        (crossing, 2),
        // Six Mondays of 2026, one of them cancelled, and as many of 2027.
        (weeks, 11),
    ]
}

#[test]
fn what_is_taken_apart_is_put_together_again() {
    for (series, count) in table() {
        let layout = laid_out(&series, UnfitRules::Split).unwrap();
        assert_eq!(layout.items.len(), count, "{:?}", layout.shapes);
        let (whole, items) = written(&series, &layout);
        assert_eq!(shown(&whole, &items).unwrap(), series, "{:?}", layout.shapes);
    }
}

#[test]
fn what_exchange_holds_stays_one_item() {
    let mut series = series("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20");
    series.overrides.insert(key("2026-11-04T09:00"), moved("2026-11-05T09:00", "2026-11-05T10:00"));
    series.overrides.insert(key("2026-11-09T09:00"), Override::Cancelled);
    // Its neighbour is cancelled, so it may go there.
    series.overrides.insert(key("2026-11-11T09:00"), moved("2026-11-09T09:00", "2026-11-09T10:00"));
    for unfit in [UnfitRules::Split, UnfitRules::Expand, UnfitRules::Report] {
        let layout = laid_out(&series, unfit).unwrap();
        assert!(layout.is_whole());
        assert_eq!(layout.items, BTreeMap::from([(Role::Owner, series.clone())]));
    }
}

#[test]
fn an_occurrence_leaves_the_series_when_its_neighbour_is_in_the_way() {
    let cases = [
        // Onto the day of the next one, over it, onto the one before, into its time.
        ("2026-11-23T18:00", "2026-11-23T19:00", true),
        ("2026-12-02T09:00", "2026-12-02T10:00", true),
        ("2026-11-09T18:00", "2026-11-09T19:00", true),
        ("2026-11-22T09:00", "2026-11-23T09:30", true),
        ("2026-11-22T09:00", "2026-11-22T10:00", false),
        ("2026-11-10T00:00", "2026-11-10T01:00", false),
    ];
    for (start, end, leaves) in cases {
        let mut series = series("FREQ=WEEKLY;BYDAY=MO");
        series.overrides.insert(key("2026-11-16T09:00"), moved(start, end));
        let layout = laid_out(&series, UnfitRules::Split).unwrap();
        assert_eq!(!layout.is_whole(), leaves, "{start}");
        if leaves {
            let owner = &layout.items[&Role::Owner];
            assert_eq!(owner.overrides[&key("2026-11-16T09:00")], Override::Cancelled);
            let Shape::Single { instance, why } = &layout.shapes[0] else { panic!("{:?}", layout.shapes) };
            assert_eq!(*instance, key("2026-11-16T09:00"));
            assert!(why.contains("neighbour"), "{why}");
        }
    }
}

#[test]
fn the_setting_says_what_becomes_of_a_rule_that_exchange_does_not_have() {
    let month = series("FREQ=MONTHLY;BYMONTHDAY=2,15");
    assert_eq!(laid_out(&month, UnfitRules::Split).unwrap().shapes, [Shape::Split(2)]);
    let expanded = laid_out(&month, UnfitRules::Expand).unwrap();
    assert!(matches!(&expanded.shapes[..], [Shape::Expanded { .. }]), "{:?}", expanded.shapes);
    // 2 November 2026 to 29 December 2027.
    assert_eq!(expanded.items.len(), 28);
    let why = laid_out(&month, UnfitRules::Report).unwrap_err();
    assert!(why.contains("several days of a month"), "{why}");
    let weeks = series("FREQ=YEARLY;BYWEEKNO=47;BYDAY=MO");
    assert!(matches!(
        &laid_out(&weeks, UnfitRules::Split).unwrap().shapes[..],
        [Shape::Expanded { why, .. }] if why.contains("weeks of the year")
    ));
}

#[test]
fn a_series_that_begins_where_the_clocks_skip_its_time_begins_with_its_second_instance() {
    for (rule, last) in [("FREQ=DAILY", None), ("FREQ=DAILY;COUNT=4", Some("2026-04-01T02:45"))] {
        let mut skipped = series(rule);
        skipped.event.span = Span::zoned(at("2026-03-29T02:45"), at("2026-03-29T04:15"), &zone());
        skipped.overrides.insert(key("2026-03-31T02:45"), called("dritte"));
        let layout = laid_out(&skipped, UnfitRules::Split).unwrap();
        let first = key("2026-03-29T02:45");
        assert_eq!(layout.items.keys().copied().collect::<Vec<_>>(), [Role::Owner, Role::Once(first)]);
        let owner = &layout.items[&Role::Owner];
        assert_eq!(owner.event.span, Span::zoned(at("2026-03-30T02:45"), at("2026-03-30T04:15"), &zone()));
        if let Some(last) = last {
            let rule = &owner.recurrence.as_ref().unwrap().rule;
            assert_eq!(rule.occurrences(at("2026-03-30T02:45"), Some(&zone())).last(), Some(at(last)));
        }
        let (whole, items) = written(&skipped, &layout);
        assert_eq!(shown(&whole, &items).unwrap(), skipped);
        // Without its first instance it needs no help.
        skipped.overrides.insert(first, Override::Cancelled);
        let layout = laid_out(&skipped, UnfitRules::Split).unwrap();
        assert_eq!(layout.items.len(), 1);
        let (whole, items) = written(&skipped, &layout);
        assert_eq!(shown(&whole, &items).unwrap(), skipped);
        let why = laid_out(&skipped, UnfitRules::Report).unwrap_err();
        assert!(why.contains("the clocks skip"), "{why}");
    }
}

#[test]
fn instances_that_overlap_each_other_are_no_series_of_exchange() {
    for (end, overlap) in [("2026-11-09T09:00", false), ("2026-11-09T10:00", true)] {
        let mut weekly = series("FREQ=WEEKLY;COUNT=5");
        weekly.event.span = Span::zoned(at("2026-11-02T09:00"), at(end), &zone());
        let layout = laid_out(&weekly, UnfitRules::Split).unwrap();
        assert_eq!(layout.items.len(), if overlap { 5 } else { 1 });
        let (whole, items) = (!layout.is_whole()).then(|| written(&weekly, &layout)).unzip();
        if let (Some(whole), Some(items)) = (whole, items) {
            assert_eq!(shown(&whole, &items).unwrap(), weekly);
        }
        assert_eq!(laid_out(&weekly, UnfitRules::Report).is_err(), overlap);
    }
}

#[test]
fn what_is_too_much_is_refused_and_says_so() {
    for rule in ["FREQ=SECONDLY", "FREQ=MINUTELY;INTERVAL=15"] {
        let why = laid_out(&series(rule), UnfitRules::Split).unwrap_err();
        assert!(why.contains("too often"), "{why}");
    }
    let why = laid_out(&series("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), UnfitRules::Split).unwrap_err();
    assert!(why.contains("none of its instances"), "{why}");
    // Several times a day for as long as it goes.
    let layout = laid_out(&series("FREQ=HOURLY;INTERVAL=5"), UnfitRules::Split).unwrap();
    assert_eq!(layout.items.len(), 250);
    assert!(layout.until.unwrap() > NaiveDate::from_ymd_opt(2026, 12, 8).unwrap());
}

#[test]
fn what_a_person_changes_in_one_of_the_series_changes_the_whole_one() {
    let halves = series("FREQ=DAILY;BYHOUR=9,15;BYMINUTE=0");
    let layout = laid_out(&halves, UnfitRules::Split).unwrap();
    for role in [Role::Owner, Role::Rule(2)] {
        let (whole, mut items) = written(&halves, &layout);
        items.get_mut(&role).unwrap().series.event.subject = "neu".to_owned();
        let mut expected = halves.clone();
        expected.event.subject = "neu".to_owned();
        assert_eq!(shown(&whole, &items).unwrap(), expected, "{role:?}");
        // Then another one in the other.
        let other = if role == Role::Owner { Role::Rule(2) } else { Role::Owner };
        items.get_mut(&other).unwrap().series.event.place = "hier".to_owned();
        expected.event.place = "hier".to_owned();
        assert_eq!(shown(&whole, &items).unwrap(), expected, "{role:?}");
    }
}

#[test]
fn what_a_person_changes_in_a_single_one_changes_that_instance() {
    let (halves, _) = table().swap_remove(1);
    let layout = laid_out(&halves, UnfitRules::Split).unwrap();
    let single = key("2026-11-06T15:00");
    let (whole, mut items) = written(&halves, &layout);
    items.get_mut(&Role::Once(single)).unwrap().series.event.place = "dort".to_owned();
    let read = shown(&whole, &items).unwrap();
    let Override::Changed(overlay) = &read.overrides[&single] else { panic!() };
    assert_eq!(overlay.place.as_deref(), Some("dort"));
    assert_eq!(overlay.subject, None);
    // The master is changed beside it, which is no change of the instance.
    items.get_mut(&Role::Owner).unwrap().series.event.subject = "neu".to_owned();
    let read = shown(&whole, &items).unwrap();
    let Override::Changed(overlay) = &read.overrides[&single] else { panic!() };
    assert_eq!((read.event.subject.as_str(), overlay.subject.as_deref()), ("neu", None));
    // It is deleted.
    items.remove(&Role::Once(single));
    assert_eq!(shown(&whole, &items).unwrap().overrides[&single], Override::Cancelled);
}

#[test]
fn an_instance_of_an_expanded_series_is_an_instance_even_if_it_is_the_owner() {
    let weeks = series("FREQ=YEARLY;BYWEEKNO=45,46,47,48;BYDAY=MO");
    let layout = laid_out(&weeks, UnfitRules::Split).unwrap();
    let (whole, mut items) = written(&weeks, &layout);
    let owner = layout.owner.unwrap();
    items.get_mut(&Role::Owner).unwrap().series.event.subject = "neu".to_owned();
    let read = shown(&whole, &items).unwrap();
    assert_eq!(read.event, weeks.event);
    assert_eq!(read.overrides, BTreeMap::from([(owner, called("neu"))]));
}

#[test]
fn a_series_with_another_rhythm_is_one_of_its_own() {
    let halves = series("FREQ=DAILY;BYHOUR=9,15;BYMINUTE=0");
    let layout = laid_out(&halves, UnfitRules::Split).unwrap();
    let (whole, items) = written(&halves, &layout);
    for role in [Role::Owner, Role::Rule(2)] {
        let mut items = items.clone();
        let recurrence = &mut items.get_mut(&role).unwrap().series.recurrence;
        recurrence.as_mut().unwrap().rule = "FREQ=WEEKLY".parse().unwrap();
        assert_eq!(shown(&whole, &items), None);
    }
    let mut items = items;
    items.remove(&Role::Rule(2));
    assert_eq!(shown(&whole, &items), None);
    assert!(rule_of(&items[&Role::Owner].series).is_some());
}

#[test]
fn a_tag_is_read_as_it_was_written_and_nothing_else_is_one() {
    for role in [Role::Owner, Role::Rule(12), Role::Once(key("2026-11-06T15:00"))] {
        let tag = Tag { role, group: "abc.3".to_owned() };
        assert_eq!(Tag::from_text(&tag.to_text()), Some(tag));
    }
    for text in ["", "owner", "owner ", "rule: g", "rule:x g", "once:soon g", "chief g"] {
        assert_eq!(Tag::from_text(text), None, "{text}");
    }
}
