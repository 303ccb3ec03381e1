//! The smallest scripts that once showed a difference, by name.

use calsync_testkit::people::Draft;

use super::play::play;
use super::script::{At, Script};
use super::world::World;

/// Appointments of the scripts, as they are printed.
fn draft(start: &str, end: &str, repeat: &str) -> String {
    format!(
        r#"{{"subject": "x", "place": "", "notes": "", "start": "{start}", "end": "{end}", "zone": "Europe/Berlin",
            "all_day": false, "category": null, "busy": "busy", "private": false, "reminder": null, "customer": null,
            "repeat": {repeat}}}"#
    )
}

/// An edit of one field.
fn edit(field: &str, value: &str) -> String {
    format!(r#"{{"{field}": {value}}}"#)
}

const DAILY: &str = r#"{"rhythm": "Daily", "every": 1, "until": "Forever"}"#;

/// Plays a script.
async fn plays(version: &str, steps: &[String]) {
    let json = format!(r#"{{"version": "{version}", "steps": [{}]}}"#, steps.join(", "));
    let script: Script = serde_json::from_str(&json).unwrap();
    let world = World::start().await;
    if let Err(why) = play(&world, &script, false).await {
        panic!("{why}");
    }
}

fn create(at: &str, draft: &str) -> String {
    format!(r#"{{"create": {{"at": "{at}", "draft": {draft}}}}}"#)
}

fn shift(at: &str, days: i64, minutes: i64) -> String {
    format!(
        r#"{{"move": {{"at": "{at}", "item": 0, "by": {{"days": {days}, "minutes": {minutes}, "longer": 0}}}}}}"#
    )
}

fn edit_first(at: &str, edit: &str) -> String {
    format!(r#"{{"edit_occurrence": {{"at": "{at}", "item": 0, "nth": 0, "edit": {edit}}}}}"#)
}

fn delete_first(at: &str) -> String {
    format!(r#"{{"delete_occurrence": {{"at": "{at}", "item": 0, "nth": 0}}}}"#)
}

fn sync() -> String {
    r#""sync""#.to_owned()
}

#[tokio::test]
async fn nothing_at_all_is_in_step() {
    plays("exchange2016", &[sync()]).await;
}

#[tokio::test]
async fn an_occurrence_edited_on_exchange_while_its_series_is_moved_in_nvs_fails_nothing() {
    let series = draft("2026-02-03T11:15:00", "2026-02-03T11:30:00", DAILY);
    let edit = edit_first("exchange", &edit("customer", "\"7\""));
    plays("exchange2016", &[create("nvs", &series), sync(), shift("nvs", 0, 60), edit]).await;
}

#[tokio::test]
async fn an_occurrence_changed_in_nvs_while_its_series_is_moved_on_exchange_fails_nothing() {
    let series = draft("2026-03-15T17:30:00", "2026-03-16T03:30:00", DAILY);
    let steps = |step| [create("exchange", &series), sync(), shift("exchange", 0, -60), step];
    plays("exchange2016", &steps(delete_first("nvs"))).await;
    plays("exchange2016", &steps(edit_first("nvs", &edit("subject", "\"y\"")))).await;
}

#[tokio::test]
async fn the_first_day_of_the_week_survives_exchange_2007() {
    let sundays = r#"{"rhythm": {"Weekly": ["Sun"]}, "every": 2, "until": "Forever"}"#;
    let series = draft("2026-03-15T10:00:00", "2026-03-15T11:00:00", sundays);
    plays("exchange2007_sp1", &[create("nvs", &series), sync(), shift("nvs", 1, 0)]).await;
}

#[tokio::test]
async fn a_series_whose_first_day_lacks_its_time_is_not_an_hour_late_for_ever() {
    let world = World::start().await;
    for (start, end) in
        [("2026-03-29T02:45:00", "2026-03-29T04:15:00"), ("2026-03-28T22:00:00", "2026-03-29T02:30:00")]
    {
        let pair = world.pair("exchange2016").unwrap();
        let draft: Draft = serde_json::from_str(&draft(start, end, DAILY)).unwrap();
        let (people, calendar) = pair.people(At::Nvs);
        people.create(calendar, &draft).unwrap();
        let report = pair.round().await;
        assert!(report.is_clean(), "{:?}", report.failures);
        assert!(report.plan.to_string().contains("the clocks skip"), "{}", report.plan);
        let tiles = [At::Nvs, At::Exchange].map(|at| {
            let (people, calendar) = pair.people(at);
            let [from, to] = ["2026-03-30", "2026-06-30"].map(|day| day.parse().unwrap());
            people.tiles(calendar, from, to)
        });
        assert!(tiles[0].len() > 90);
        assert_eq!(tiles[0], tiles[1]);
    }
}

#[tokio::test]
async fn an_occurrence_that_still_stands_after_the_move_stays_where_it_is() {
    let twice = r#"{"rhythm": {"Weekly": ["Wed", "Sun"]}, "every": 1, "until": "Forever"}"#;
    let series = draft("2026-10-18T01:30:00", "2026-10-18T01:30:00", twice);
    let second = r#"{"delete_occurrence": {"at": "exchange", "item": 0, "nth": 1}}"#.to_owned();
    plays("exchange2016", &[create("nvs", &series), sync(), second, shift("nvs", 1, 0)]).await;
}

#[tokio::test]
async fn lines_that_exchange_has_and_nvs_has_not_are_one_line_there() {
    let single = draft("2026-02-02T09:00:00", "2026-02-02T10:00:00", "null");
    let step = |field, text| {
        let edit = edit(field, text);
        format!(r#"{{"edit": {{"at": "exchange", "item": 0, "edit": {edit}}}}}"#)
    };
    let texts = [step("subject", r#""Tab\tim Titel""#), step("place", r#""zwei\r\nZeilen""#)];
    plays("exchange2016", &[&[create("exchange", &single), sync()], &texts[..]].concat()).await;
    plays("exchange2016", &[&[create("exchange", &single)], &texts[..]].concat()).await;
}

#[tokio::test]
async fn what_an_occurrence_says_as_the_series_does_stays_when_the_series_moves() {
    let monthly = r#"{"rhythm": {"MonthlyOn": 25}, "every": 1, "until": "Forever"}"#;
    let series = draft("2026-11-25T10:00:00", "2026-11-25T11:00:00", monthly);
    let second = format!(
        r#"{{"edit_occurrence": {{"at": "nvs", "item": 0, "nth": 1, "edit": {}}}}}"#,
        edit("private", "false")
    );
    let private = format!(r#"{{"edit": {{"at": "nvs", "item": 0, "edit": {}}}}}"#, edit("private", "true"));
    plays("exchange2016", &[create("nvs", &series), second, sync(), shift("nvs", 1, 0), private]).await;
}

#[tokio::test]
async fn an_appointment_whose_start_the_clocks_skip_never_ends_before_it_begins() {
    let sundays = r#"{"rhythm": {"Weekly": ["Sun"]}, "every": 1, "until": "Forever"}"#;
    let series = draft("2026-03-22T02:45:00", "2026-03-22T03:00:00", sundays);
    let second = r#"{"edit_occurrence": {"at": "nvs", "item": 0, "nth": 1, "edit": {"place": "y"}}}"#;
    for at in ["nvs", "exchange"] {
        plays("exchange2016", &[create(at, &series), sync(), second.to_owned()]).await;
        plays("exchange2016", &[create(at, &series), sync(), second.replace("nvs", "exchange")]).await;
    }
}

#[tokio::test]
async fn a_day_that_ends_where_the_clocks_skip_midnight_is_one_day() {
    let day = draft("2026-03-07T00:00:00", "2026-03-08T00:00:00", "null")
        .replace("Europe/Berlin", "America/Havana")
        .replace(r#""all_day": false"#, r#""all_day": true"#);
    let both = format!(r#"{{"create_on_both": {{"draft": {day}, "edit": {}}}}}"#, edit("customer", "\"7\""));
    plays("exchange2016", &[both]).await;

    let monthly = r#"{"rhythm": {"MonthlyOn": 8}, "every": 1, "until": "Forever"}"#;
    let series = day.replace(r#""repeat": null"#, &format!(r#""repeat": {monthly}"#)).replace("-08T", "-09T");
    let series = series.replace("-07T", "-08T");
    plays(
        "exchange2016",
        &[create("exchange", &series), shift("exchange", -1, 0), sync(), delete_first("nvs")],
    )
    .await;
}

#[tokio::test]
async fn an_occurrence_that_says_for_itself_what_the_master_says_does_not_differ_when_both_change() {
    let series = draft("2026-03-02T09:00:00", "2026-03-02T10:00:00", DAILY);
    let steps = [
        create("exchange", &series),
        edit_first("exchange", &edit("private", "false")),
        sync(),
        edit_first("nvs", &edit("reminder", "5")),
        format!(r#"{{"edit": {{"at": "nvs", "item": 0, "edit": {}}}}}"#, edit("private", "true")),
    ];
    plays("exchange2016", &steps).await;

    let split = format!(
        r#"{{"split": {{"at": "exchange", "item": 0, "nth": 7, "edit": {}}}}}"#,
        edit("reminder", "5")
    );
    let steps = [
        create("exchange", &series),
        sync(),
        edit_first("nvs", &edit("private", "false")),
        split,
        format!(r#"{{"edit": {{"at": "exchange", "item": 0, "edit": {}}}}}"#, edit("private", "true")),
    ];
    plays("exchange2016", &steps).await;
}

#[tokio::test]
async fn what_becomes_a_series_or_a_single_one_is_told_with_its_time() {
    let single = draft("2026-03-06T12:30:00", "2026-03-06T16:30:00", "null")
        .replace("Europe/Berlin", "Pacific/Kiritimati");
    let weekly = r#"{"turn": {"at": "nvs", "item": 0, "into": {"weekly": true, "every": 1, "count": null}}}"#;
    plays("exchange2007_sp1", &[create("nvs", &single), sync(), weekly.to_owned()]).await;

    let monthly = r#"{"rhythm": {"MonthlyOn": 16}, "every": 1, "until": "Forever"}"#;
    let series = draft("2026-04-16T17:45:00", "2026-04-16T18:30:00", monthly);
    let once = r#"{"turn": {"at": "exchange", "item": 0, "into": null}}"#;
    plays(
        "exchange2016",
        &[create("exchange", &series), sync(), shift("nvs", -1, 0), sync(), once.to_owned()],
    )
    .await;

    let first_sundays = r#"{"rhythm": {"MonthlyNth": [1, "Sun"]}, "every": 1, "until": "Forever"}"#;
    let series = draft("2027-01-03T04:30:00", "2027-01-03T06:00:00", first_sundays);
    let daily = weekly.replace("true", "false");
    let turned = [create("nvs", &series), shift("nvs", 1, 0), sync(), once.replace("exchange", "nvs"), daily];
    plays("exchange2016", &turned).await;
}
