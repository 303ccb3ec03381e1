use super::*;
use crate::wire::{ChangeRule, Period, Target, TimeChange, Transition, TransitionGroup, TransitionTime};
use crate::wire::{DayOfWeek, DayOfWeekIndex, MonthName};

fn utc(text: &str) -> DateTime<Utc> {
    format!("{text}T00:00:00Z").parse().unwrap()
}

fn hints() -> Hints<'static> {
    Hints { noted: None, mailbox: None, server: &[], span: (utc("2026-11-01"), utc("2027-11-01")) }
}

fn named(id: &str) -> ZoneDefinition {
    ZoneDefinition { id: Some(id.into()), ..ZoneDefinition::default() }
}

fn name(zone: Option<Zone>) -> Option<String> {
    zone.map(|zone| zone.name().to_owned())
}

/// A zone with summer time from the last Sunday in March to the last in October, as Exchange defines it.
fn european(id: &str, bias: i32) -> ZoneDefinition {
    let day = |month, minutes, to: &str| Transition {
        to: Target::Period(to.into()),
        at: TransitionTime::YearlyDay { month, day: DayOfWeek::Sunday, occurrence: -1, minutes },
    };
    ZoneDefinition {
        id: Some(id.into()),
        name: None,
        periods: vec![
            Period { id: "Std".into(), name: "Standard".into(), bias_minutes: bias },
            Period { id: "Dlt".into(), name: "Daylight".into(), bias_minutes: bias - 60 },
        ],
        groups: vec![TransitionGroup {
            id: "0".into(),
            transitions: vec![day(3, 60 - bias, "Dlt"), day(10, 120 - bias, "Std")],
        }],
        transitions: vec![Transition { to: Target::Group("0".into()), at: TransitionTime::Always }],
    }
}

#[test]
fn every_windows_id_leads_to_a_zone_that_leads_back() {
    for (id, iana) in windows_ids() {
        assert!(Zone::new(iana).is_ok(), "{iana}");
        assert_eq!(windows_id(iana), Some(id), "{iana}");
    }
    for (_, _, iana) in table::REGIONAL {
        assert!(Zone::new(iana).is_ok(), "{iana}");
    }
    assert!(table::DEFAULT.is_sorted() && table::REGIONAL.is_sorted() && table::WINDOWS.is_sorted());
}

#[test]
fn every_zone_of_the_data_has_a_windows_id_except_the_known_ones() {
    let without: Vec<_> = calsync_core::zone::names()
        .filter(|name| Zone::new(name).is_ok_and(|zone| windows_id(zone.name()).is_none()))
        .collect();
    assert_eq!(without, ["Antarctica/Troll", "Factory"]);
}

#[test]
fn a_windows_id_and_its_zone_have_the_same_clocks_from_now_on() {
    // Reading an IANA zone as its Windows id must not move an appointment: the zones that CLDR has under one id agree.
    let (from, to) = (utc("2026-11-24"), utc("2031-11-24"));
    let mut moved = Vec::new();
    for (iana, id) in table::WINDOWS {
        let stands = Zone::new(iana_name(id, None).unwrap()).unwrap();
        // CLDR keeps names that the zone data has dropped.
        let Ok(zone) = Zone::new(iana) else { continue };
        if !zone.same_rules(&stands, from, to) {
            moved.push((*iana, *id));
        }
    }
    assert_eq!(moved, [], "zone data and CLDR are of different age: see scripts/update-zones.py");
}

#[test]
fn old_and_new_names_have_the_same_windows_id() {
    for name in ["Asia/Calcutta", "Asia/Kolkata", "asia/kolkata"] {
        assert_eq!(windows_id(name), Some("India Standard Time"));
    }
    assert_eq!(iana_name("India Standard Time", None), Some("Asia/Kolkata"));
    assert_eq!(windows_id("Antarctica/Troll"), None);
}

#[test]
fn a_territory_has_its_own_zone_for_an_id() {
    assert_eq!(iana_name("W. Europe Standard Time", None), Some("Europe/Berlin"));
    assert_eq!(iana_name("W. Europe Standard Time", Some("AT")), Some("Europe/Vienna"));
    assert_eq!(iana_name("w. europe standard time", Some("JP")), Some("Europe/Berlin"));
    assert_eq!(iana_name("Customized Time Zone", None), None);
}

#[test]
fn canadians_are_where_their_clocks_are() {
    assert_eq!(windows_id("America/Vancouver"), Some("US Mountain Standard Time"));
    assert_eq!(windows_id("America/Edmonton"), Some("Canada Central Standard Time"));
    assert_eq!(windows_id("America/Winnipeg"), Some("SA Pacific Standard Time"));
    assert_eq!(iana_name("Pacific Standard Time", Some("CA")), Some("America/Los_Angeles"));
}

#[test]
fn names_of_all_kinds_are_understood() {
    let server = [ZoneDefinition {
        name: Some("(UTC+01:00) Amsterdam, Berlin".into()),
        ..named("W. Europe Standard Time")
    }];
    let hints = Hints { server: &server, ..hints() };
    for (id, zone) in [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("(UTC+01:00) Amsterdam, Berlin", "Europe/Berlin"),
        ("Europe/Vienna", "Europe/Vienna"),
        ("UTC", "Etc/UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("UTC-02", "Etc/GMT+2"),
    ] {
        assert_eq!(name(hints.zone(&named(id))).as_deref(), Some(zone), "{id}");
    }
}

#[test]
fn an_unknown_name_without_rules_stays_unknown() {
    for id in [
        "",
        "Customized Time Zone",
        "tzone://Microsoft/Custom",
        "Kamchatka Standard Time",
        "Mitteleurop\u{e4}ische Zeit",
    ] {
        assert_eq!(hints().zone(&named(id)), None, "{id}");
    }
    assert_eq!(hints().meeting_zone(&MeetingTimeZone::default()), None);
}

#[test]
fn the_mailbox_decides_among_zones_of_one_id() {
    let vienna = Zone::new("Europe/Vienna").unwrap();
    let tokyo = Zone::new("Asia/Tokyo").unwrap();
    let at_home = Hints { mailbox: Some(&vienna), ..hints() };
    assert_eq!(name(at_home.zone(&named("W. Europe Standard Time"))).as_deref(), Some("Europe/Vienna"));
    assert_eq!(name(at_home.zone(&named("Tokyo Standard Time"))).as_deref(), Some("Asia/Tokyo"));
    let stale = Hints { noted: Some(&tokyo), ..at_home };
    assert_eq!(name(stale.zone(&named("W. Europe Standard Time"))).as_deref(), Some("Europe/Vienna"));
}

#[test]
fn a_custom_zone_is_recognised_by_its_clocks() {
    assert_eq!(name(hints().zone(&european("Customized Time Zone", -60))).as_deref(), Some("Europe/Berlin"));
    assert_eq!(
        name(hints().zone(&european("tzone://Microsoft/Custom", 0))).as_deref(),
        Some("Europe/London")
    );
    let vienna = Zone::new("Europe/Vienna").unwrap();
    let hints = Hints { mailbox: Some(&vienna), ..hints() };
    assert_eq!(name(hints.zone(&european("", -60))).as_deref(), Some("Europe/Vienna"));
    // Summer time at an offset where nobody has it.
    assert_eq!(hints.zone(&european("Customized Time Zone", -300)), None);
}

#[test]
fn rules_that_changed_over_the_years_are_followed() {
    // No summer time until 2027, then European.
    let mut definition = european("Customized Time Zone", -60);
    definition.groups.push(TransitionGroup {
        id: "1".into(),
        transitions: vec![Transition { to: Target::Period("Std".into()), at: TransitionTime::Always }],
    });
    definition.transitions = vec![
        Transition { to: Target::Group("1".into()), at: TransitionTime::Always },
        Transition { to: Target::Group("0".into()), at: TransitionTime::Date("2027-01-01T00:00:00".into()) },
    ];
    let clock = Clock::of_definition(&definition).unwrap();
    let between = clock.between(utc("2025-01-01"), utc("2028-01-01")).unwrap();
    assert_eq!(between.before.local_minus_utc(), 3600);
    let changes: Vec<_> =
        between.changes.iter().map(|(at, to)| (at.to_rfc3339(), to.local_minus_utc())).collect();
    assert_eq!(
        changes,
        [("2027-03-28T01:00:00+00:00".to_owned(), 7200), ("2027-10-31T01:00:00+00:00".to_owned(), 3600)]
    );
    assert_eq!(hints().zone(&definition), None);
}

#[test]
fn the_southern_summer_spans_the_new_year() {
    let day = |month, index, to: &str, minutes| Transition {
        to: Target::Period(to.into()),
        at: TransitionTime::YearlyDay { month, day: DayOfWeek::Sunday, occurrence: index, minutes },
    };
    let mut definition = european("Customized Time Zone", -600);
    definition.groups[0].transitions = vec![day(10, 1, "Dlt", 120), day(4, 1, "Std", 180)];
    assert_eq!(name(hints().zone(&definition)).as_deref(), Some("Australia/Sydney"));
}

#[test]
fn the_zone_of_a_2007_meeting_is_found_by_name_or_rules() {
    let rule = |index, month| Some(ChangeRule { day: DayOfWeek::Sunday, index, month });
    let zone = MeetingTimeZone {
        name: Some("Mitteleurop\u{e4}ische Zeit".into()),
        base_offset_minutes: Some(-60),
        standard: Some(TimeChange {
            rule: rule(DayOfWeekIndex::Last, MonthName::October),
            minutes: 180,
            ..TimeChange::default()
        }),
        daylight: Some(TimeChange {
            offset_minutes: -60,
            rule: rule(DayOfWeekIndex::Last, MonthName::March),
            minutes: 120,
            ..TimeChange::default()
        }),
    };
    assert_eq!(name(hints().meeting_zone(&zone)).as_deref(), Some("Europe/Berlin"));
    let plain = MeetingTimeZone { name: Some("Tokyo Standard Time".into()), ..MeetingTimeZone::default() };
    assert_eq!(name(hints().meeting_zone(&plain)).as_deref(), Some("Asia/Tokyo"));
}

#[test]
fn definitions_that_contradict_themselves_are_not_believed() {
    let mut without_period = european("Customized Time Zone", -60);
    without_period.periods.pop();
    let mut without_group = european("Customized Time Zone", -60);
    without_group.groups.clear();
    let mut thirteenth = european("Customized Time Zone", -60);
    thirteenth.groups[0].transitions[0].at = TransitionTime::YearlyDate { month: 13, day: 1, minutes: 0 };
    let mut far = european("Customized Time Zone", -60);
    far.periods[0].bias_minutes = i32::MIN;
    far.periods[1].bias_minutes = i32::MAX;
    for definition in [without_period, without_group, thirteenth, far] {
        assert_eq!(hints().zone(&definition), None);
    }
}

mod random {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn transition() -> impl Strategy<Value = Transition> {
        let to = prop_oneof!["[ab]".prop_map(Target::Period), "[ab]".prop_map(Target::Group),];
        let minutes = prop_oneof![0..1440i32, any::<i32>()];
        let at = prop_oneof![
            Just(TransitionTime::Always),
            "(19|20)[0-9]{2}-0[1-9]-[0-3][0-9]T0[0-9]:00:00".prop_map(TransitionTime::Date),
            (0..14u32, 0..8i32, -2..7i32, minutes.clone()).prop_map(|(month, day, occurrence, minutes)| {
                let day = if day == 7 { DayOfWeek::Weekday } else { DayOfWeek::Sunday };
                TransitionTime::YearlyDay { month, day, occurrence, minutes }
            }),
            (0..14u32, 0..33u32, minutes).prop_map(|(month, day, minutes)| TransitionTime::YearlyDate {
                month,
                day,
                minutes
            }),
        ];
        (to, at).prop_map(|(to, at)| Transition { to, at })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_definition_makes_the_clock_panic_or_run_backwards(
            biases in vec(prop_oneof![-900..900i32, any::<i32>()], 2),
            groups in vec(vec(transition(), 0..3), 2),
            transitions in vec(transition(), 0..4),
        ) {
            let name = |index: usize| ["a", "b"][index].to_owned();
            let periods = biases.iter().enumerate();
            let groups = groups.into_iter().enumerate();
            let definition = ZoneDefinition {
                id: None,
                name: None,
                periods: periods.map(|(n, bias)| Period { id: name(n), name: String::new(), bias_minutes: *bias }).collect(),
                groups: groups.map(|(n, transitions)| TransitionGroup { id: name(n), transitions }).collect(),
                transitions,
            };
            let (from, to) = (utc("2020-06-01"), utc("2030-06-01"));
            if let Some(between) = Clock::of_definition(&definition).and_then(|clock| clock.between(from, to)) {
                prop_assert!(between.changes.iter().all(|(at, _)| *at > from && *at < to));
            }
            hints().zone(&definition);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        /// A zone written out as rules of its own, year by year, is recognised as itself.
        #[test]
        fn any_zone_is_recognised_by_its_own_changes(index in 0..139usize) {
            let (_, iana) = windows_ids().nth(index).unwrap();
            let zone = Zone::new(iana).unwrap();
            let (from, to) = (utc("2024-01-01"), utc("2031-01-01"));
            let bias = |offset: chrono::FixedOffset| -offset.local_minus_utc() / 60;
            let mut definition = ZoneDefinition { id: Some("Customized Time Zone".into()), ..ZoneDefinition::default() };
            let mut offset = zone.offset_at(from);
            let mut add = |at: TransitionTime, offset: chrono::FixedOffset| {
                let id = format!("p{}", definition.periods.len());
                definition.periods.push(Period { id: id.clone(), name: String::new(), bias_minutes: bias(offset) });
                definition.transitions.push(Transition { to: Target::Period(id), at });
            };
            add(TransitionTime::Always, offset);
            for (at, new) in zone.changes(from, to) {
                let local = at.with_timezone(&offset).naive_local();
                add(TransitionTime::Date(local.format("%Y-%m-%dT%H:%M:%S").to_string()), new);
                offset = new;
            }
            let hints = Hints { mailbox: Some(&zone), span: (utc("2026-01-01"), utc("2028-06-01")), ..hints() };
            prop_assert_eq!(hints.zone(&definition), Some(zone.clone()));
            // Without a hint it is some zone with the same clocks.
            let found = Hints { mailbox: None, ..hints }.zone(&definition).unwrap();
            prop_assert!(found.same_rules(&zone, utc("2025-06-01"), utc("2030-06-01")), "{} {}", found, zone);
        }
    }
}
