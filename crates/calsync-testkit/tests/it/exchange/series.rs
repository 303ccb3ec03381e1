//! Series: occurrences, exceptions, and what is refused.

use super::{Desk, ZONE, item_id, set_field};

/// Tuesdays at nine in Berlin, five times from 13 October 2026, over the end of summer time.
fn tuesdays(desk: &Desk) -> (String, String) {
    recurring(
        desk,
        "2026-10-13T09:00:00+02:00",
        "2026-10-13T10:00:00+02:00",
        "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Tuesday</t:DaysOfWeek></t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2026-10-13</t:StartDate><t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence>",
    )
    .id()
}

fn recurring(desk: &Desk, start: &str, end: &str, recurrence: &str) -> super::Seen {
    desk.create(&format!(
        "<t:Subject>Runde</t:Subject><t:Start>{start}</t:Start><t:End>{end}</t:End><t:Location>Büro</t:Location><t:Recurrence>{recurrence}</t:Recurrence>{ZONE}"
    ))
}

fn at_index(master: &str, index: i32) -> String {
    format!(r#"<t:OccurrenceItemId RecurringMasterId="{master}" InstanceIndex="{index}"/>"#)
}

#[test]
fn occurrences_keep_their_hour_over_summer_time_and_have_ids_of_their_own() {
    let desk = Desk::new();
    let (master, key) = tuesdays(&desk);
    let seen = desk.view("2026-10-01T00:00:00Z", "2026-12-31T00:00:00Z");
    assert_eq!(
        seen.texts("t:Start"),
        [
            "2026-10-13T07:00:00Z",
            "2026-10-20T07:00:00Z",
            "2026-10-27T08:00:00Z",
            "2026-11-03T08:00:00Z",
            "2026-11-10T08:00:00Z"
        ]
    );
    assert_eq!(seen.texts("t:CalendarItemType"), ["Occurrence"; 5]);
    let ids = seen.attrs("t:ItemId", "Id");
    assert!(ids.iter().all(|id| *id != master));
    assert_eq!(seen.attrs("t:ItemId", "ChangeKey"), vec![key; 5]);
    let second = desk.get_as(&at_index(&master, 2), "");
    assert_eq!(second.id().0, ids[1]);
    assert_eq!(second.text("t:OriginalStart"), "2026-10-20T07:00:00Z");
    let back = desk.get_as(&format!(r#"<t:RecurringMasterItemId OccurrenceId="{}"/>"#, ids[1]), "");
    assert_eq!((back.id().0, back.text("t:CalendarItemType")), (master, "RecurringMaster".to_owned()));
}

#[test]
fn a_changed_occurrence_keeps_its_id_and_is_listed_in_the_master_only() {
    let desk = Desk::new();
    let (master, _) = tuesdays(&desk);
    let second = desk.get_as(&at_index(&master, 2), "").id();
    let change = set_field("item:Subject", "<t:Subject>anders</t:Subject>")
        + &set_field("calendar:Start", "<t:Start>2026-10-21T14:00:00+02:00</t:Start>")
        + &set_field("calendar:End", "<t:End>2026-10-21T15:00:00+02:00</t:End>");
    let new = desk.update(&second, "NeverOverwrite", &change).id();
    assert_eq!(new.0, second.0);
    let read = desk.get(&master);
    assert_eq!(read.id().1, new.1, "one key for the whole series");
    let modified = read.body.split("<t:ModifiedOccurrences>").nth(1).unwrap();
    let modified = super::Seen {
        status: 200,
        body: modified.split("</t:ModifiedOccurrences>").next().unwrap().to_owned(),
    };
    assert_eq!(modified.attrs("t:ItemId", "Id"), std::slice::from_ref(&second.0));
    assert_eq!(modified.texts("t:OriginalStart"), ["2026-10-20T07:00:00Z"]);
    assert_eq!(modified.texts("t:Start"), ["2026-10-21T12:00:00Z"]);
    let exception = desk.get(&second.0);
    assert_eq!(exception.text("t:CalendarItemType"), "Exception");
    assert_eq!(
        (exception.text("t:Subject"), exception.text("t:Location")),
        ("anders".to_owned(), "Büro".to_owned())
    );
    assert!(!exception.has("t:Recurrence"));
}

#[test]
fn a_deleted_occurrence_keeps_its_number_and_leaves_no_trace_in_deleted_items() {
    let desk = Desk::new();
    let (master, _) = tuesdays(&desk);
    let third = desk.get_as(&at_index(&master, 3), "").id().0;
    assert_eq!(desk.delete(&at_index(&master, 3), "MoveToDeletedItems").codes(), ["NoError"]);
    assert_eq!(desk.mock.deleted_items(super::ANNA), 0);
    assert_eq!(
        desk.get_as(&at_index(&master, 3), "").codes(),
        ["ErrorCalendarOccurrenceIsDeletedFromRecurrence"]
    );
    assert_eq!(desk.get(&third).codes(), ["ErrorCalendarOccurrenceIsDeletedFromRecurrence"]);
    assert_eq!(desk.get_as(&at_index(&master, 4), "").text("t:Start"), "2026-11-03T08:00:00Z");
    for index in [0, 6, -1] {
        let code = desk.get_as(&at_index(&master, index), "").codes();
        assert_eq!(code, ["ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"], "{index}");
    }
    let read = desk.get(&master);
    assert_eq!(read.texts("t:DeletedOccurrence"), ["<t:Start>2026-10-27T08:00:00Z</t:Start>"]);
}

#[test]
fn a_moved_and_then_deleted_occurrence_is_only_in_the_deleted_list() {
    let desk = Desk::new();
    let (master, _) = tuesdays(&desk);
    let second = desk.get_as(&at_index(&master, 2), "").id();
    let change = set_field("calendar:Start", "<t:Start>2026-10-20T14:00:00+02:00</t:Start>")
        + &set_field("calendar:End", "<t:End>2026-10-20T15:00:00+02:00</t:End>");
    desk.update(&second, "NeverOverwrite", &change);
    desk.delete(&item_id(&second.0), "HardDelete");
    let read = desk.get(&master);
    assert!(!read.has("t:ModifiedOccurrences"));
    assert_eq!(read.texts("t:DeletedOccurrence"), ["<t:Start>2026-10-20T07:00:00Z</t:Start>"]);
}

#[test]
fn the_last_occurrence_that_stands_cannot_be_deleted() {
    let desk = Desk::new();
    let (master, _) = tuesdays(&desk);
    for index in 1..=4 {
        assert_eq!(desk.delete(&at_index(&master, index), "HardDelete").codes(), ["NoError"]);
    }
    assert_eq!(desk.delete(&at_index(&master, 5), "HardDelete").codes(), ["ErrorRecurrenceHasNoOccurrence"]);
}

#[test]
fn an_occurrence_stays_between_its_neighbours() {
    let desk = Desk::new();
    let (master, _) = tuesdays(&desk);
    let second = desk.get_as(&at_index(&master, 2), "").id();
    let move_to = |start: &str, end: &str| {
        let change = set_field("calendar:Start", &format!("<t:Start>{start}</t:Start>"))
            + &set_field("calendar:End", &format!("<t:End>{end}</t:End>"));
        desk.update(&second, "AlwaysOverwrite", &change)
    };
    let onto = move_to("2026-10-27T15:00:00+01:00", "2026-10-27T16:00:00+01:00");
    assert_eq!(onto.codes(), ["ErrorOccurrenceCrossingBoundary"]);
    assert!(onto.body.contains("AdjacentOccurrenceOriginalStartTime"));
    assert_eq!(
        move_to("2026-10-12T15:00:00+01:00", "2026-10-12T16:00:00+01:00").codes(),
        ["ErrorOccurrenceCrossingBoundary"]
    );
    assert_eq!(move_to("2026-10-26T15:00:00+01:00", "2026-10-26T16:00:00+01:00").codes(), ["NoError"]);
    // With its neighbour gone there is room.
    desk.delete(&at_index(&master, 3), "HardDelete");
    assert_eq!(move_to("2026-10-27T15:00:00+01:00", "2026-10-27T16:00:00+01:00").codes(), ["NoError"]);
}

#[test]
fn series_fields_are_refused_on_an_occurrence() {
    let desk = Desk::new();
    let (master, _) = tuesdays(&desk);
    let second = desk.get_as(&at_index(&master, 2), "").id();
    let uid = desk.set(&second, "AlwaysOverwrite", "calendar:UID", "<t:UID>x</t:UID>");
    assert_eq!(uid.codes(), ["ErrorInvalidPropertySet"]);
    let folder = format!(
        "<m:MoveItem><m:ToFolderId>{}</m:ToFolderId><m:ItemIds>{}</m:ItemIds></m:MoveItem>",
        super::CALENDAR,
        item_id(&second.0)
    );
    assert_eq!(desk.ask(&folder).codes(), ["ErrorCalendarCannotMoveOrCopyOccurrence"]);
    let single = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "").0;
    assert_eq!(desk.get_as(&at_index(&single, 1), "").codes(), ["ErrorCalendarCannotUseIdForOccurrenceId"]);
    let master_of = format!(r#"<t:RecurringMasterItemId OccurrenceId="{master}"/>"#);
    assert_eq!(desk.get_as(&master_of, "").codes(), ["ErrorCalendarCannotUseIdForRecurringMasterId"]);
}

#[test]
fn a_new_pattern_or_start_drops_every_exception_and_a_new_end_keeps_them() {
    let change = |updates: &str| {
        let desk = Desk::new();
        let (master, _) = tuesdays(&desk);
        desk.delete(&at_index(&master, 2), "HardDelete");
        let third = desk.get_as(&at_index(&master, 3), "").id();
        let new = desk.set(&third, "NeverOverwrite", "item:Subject", "<t:Subject>anders</t:Subject>").id();
        let seen = desk.update(&(master.clone(), new.1), "NeverOverwrite", updates);
        assert_eq!(seen.codes(), ["NoError"], "{}", seen.body);
        let read = desk.get(&master);
        (read.has("t:ModifiedOccurrences"), read.has("t:DeletedOccurrences"))
    };
    let recurrence = |interval: u8, count: u8| {
        set_field(
            "calendar:Recurrence",
            &format!(
                "<t:Recurrence><t:WeeklyRecurrence><t:Interval>{interval}</t:Interval><t:DaysOfWeek>Tuesday</t:DaysOfWeek></t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2026-10-13+02:00</t:StartDate><t:NumberOfOccurrences>{count}</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>"
            ),
        )
    };
    assert_eq!(change(&recurrence(2, 5)), (false, false));
    assert_eq!(change(&recurrence(1, 9)), (true, true));
    assert_eq!(change(&recurrence(1, 2)), (false, true));
    let times = set_field("calendar:Start", "<t:Start>2026-10-13T10:00:00+02:00</t:Start>")
        + &set_field("calendar:End", "<t:End>2026-10-13T11:00:00+02:00</t:End>");
    assert_eq!(change(&times), (false, false));
    let same = set_field("calendar:Start", "<t:Start>2026-10-13T09:00:00+02:00</t:Start>")
        + &set_field("item:Subject", "<t:Subject>neu</t:Subject>");
    assert_eq!(change(&same), (true, true));
}

#[test]
fn impossible_recurrences_are_refused_with_the_servers_codes() {
    let desk = Desk::new();
    let code = |end: &str, pattern: &str, range: &str| {
        recurring(&desk, "2026-10-13T09:00:00+02:00", end, &format!("{pattern}{range}")).codes().join("")
    };
    let hour = "2026-10-13T10:00:00+02:00";
    let daily = |n: i32| format!("<t:DailyRecurrence><t:Interval>{n}</t:Interval></t:DailyRecurrence>");
    let endless = "<t:NoEndRecurrence><t:StartDate>2026-10-13</t:StartDate></t:NoEndRecurrence>";
    let until = |day: &str| {
        format!(
            "<t:EndDateRecurrence><t:StartDate>2026-10-13</t:StartDate><t:EndDate>{day}</t:EndDate></t:EndDateRecurrence>"
        )
    };
    assert_eq!(code(hour, &daily(1), endless), "NoError");
    assert_eq!(code(hour, &daily(0), endless), "ErrorCalendarInvalidRecurrence");
    assert_eq!(code(hour, &daily(1000), endless), "ErrorCalendarInvalidRecurrence");
    assert_eq!(code("2026-10-14T09:30:00+02:00", &daily(1), endless), "ErrorOccurrenceTimeSpanTooBig");
    assert_eq!(code(hour, &daily(1), &until("2026-10-12")), "ErrorCalendarEndDateIsEarlierThanStartDate");
    assert_eq!(code(hour, &daily(1), &until("4501-01-01")), "ErrorRecurrenceEndDateTooBig");
    let monday = "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek></t:WeeklyRecurrence>";
    assert_eq!(code(hour, monday, &until("2026-10-18")), "ErrorRecurrenceHasNoOccurrence");
    let count = "<t:NumberedRecurrence><t:StartDate>2026-10-13</t:StartDate><t:NumberOfOccurrences>1000</t:NumberOfOccurrences></t:NumberedRecurrence>";
    assert_eq!(code(hour, &daily(1), count), "ErrorCalendarInvalidRecurrence");
}

#[test]
fn a_start_off_the_pattern_moves_to_the_first_day_on_it() {
    let desk = Desk::new();
    let seen = recurring(
        &desk,
        "2026-10-14T09:00:00+02:00",
        "2026-10-14T10:00:00+02:00",
        "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek></t:WeeklyRecurrence><t:NoEndRecurrence><t:StartDate>2026-10-14</t:StartDate></t:NoEndRecurrence>",
    );
    let read = desk.get(&seen.id().0);
    assert_eq!(read.text("t:Start"), "2026-10-19T07:00:00Z");
    assert_eq!(read.text("t:StartDate"), "2026-10-19+02:00");
    assert!(!read.has("t:LastOccurrence"));
}

#[test]
fn occurrences_inherit_extended_properties_and_exceptions_may_have_their_own() {
    let desk = Desk::new();
    let uri = r#"<t:ExtendedFieldURI PropertySetId="aaaaaaaa-0000-0000-0000-000000000001" PropertyName="k" PropertyType="String"/>"#;
    let value = |v: &str| format!("<t:ExtendedProperty>{uri}<t:Value>{v}</t:Value></t:ExtendedProperty>");
    let seen = desk.create(&format!(
        "<t:Subject>x</t:Subject>{}<t:Start>2026-10-13T09:00:00Z</t:Start><t:End>2026-10-13T10:00:00Z</t:End><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence><t:StartDate>2026-10-13</t:StartDate></t:NoEndRecurrence></t:Recurrence>",
        value("all")
    ));
    let (master, _) = seen.id();
    let shape = format!("<t:AdditionalProperties>{uri}</t:AdditionalProperties>");
    let read = |index: i32| desk.get_as(&at_index(&master, index), &shape);
    assert_eq!(read(2).text("t:Value"), "all");
    let update =
        format!("<t:SetItemField>{uri}<t:CalendarItem>{}</t:CalendarItem></t:SetItemField>", value("one"));
    desk.update(&read(2).id(), "NeverOverwrite", &update);
    assert_eq!((read(2).text("t:Value"), read(3).text("t:Value")), ("one".to_owned(), "all".to_owned()));
    desk.update(&read(2).id(), "NeverOverwrite", &format!("<t:DeleteItemField>{uri}</t:DeleteItemField>"));
    assert!(!read(2).has("t:Value"));
}
