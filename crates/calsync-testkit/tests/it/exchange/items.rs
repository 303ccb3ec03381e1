//! Single items: defaults, times, whole days, bodies, updates and conflicts, deletes.

use super::{ANNA, Desk, ZONE, item_id, set_field};

#[test]
fn what_a_creator_does_not_say_gets_the_servers_defaults() {
    let desk = Desk::new();
    let (id, _) = desk.appointment("x", "2026-12-01T09:00:00+01:00", "2026-12-01T10:00:00+01:00", "");
    let seen = desk.get(&id);
    assert_eq!(seen.text("t:ReminderIsSet"), "true");
    assert_eq!(seen.text("t:ReminderMinutesBeforeStart"), "15");
    assert_eq!(seen.text("t:LegacyFreeBusyStatus"), "Busy");
    assert_eq!(seen.text("t:Sensitivity"), "Normal");
    assert_eq!(seen.text("t:CalendarItemType"), "Single");
    assert!(seen.text("t:UID").starts_with("040000008200E00074C5B7101A82E008"));
    assert_eq!(seen.text("t:Start"), "2026-12-01T08:00:00Z");
    assert_eq!(seen.text("t:Duration"), "PT1H");
}

#[test]
fn a_given_uid_is_kept() {
    let desk = Desk::new();
    let seen = desk.create(&format!("<t:Subject>x</t:Subject><t:UID>mine-1</t:UID><t:Start>2026-12-01T09:00:00Z</t:Start><t:End>2026-12-01T10:00:00Z</t:End>{ZONE}"));
    assert_eq!(desk.get(&seen.id().0).text("t:UID"), "mine-1");
}

#[test]
fn times_without_offset_are_in_the_zone_of_the_item_or_of_the_context() {
    let mut desk = Desk::new();
    let times = "<t:Start>2026-07-01T09:00:00</t:Start><t:End>2026-07-01T10:00:00</t:End>";
    let start =
        |desk: &Desk, more: &str| desk.get(&desk.create(&format!("{times}{more}")).id().0).text("t:Start");
    assert_eq!(start(&desk, ""), "2026-07-01T09:00:00Z");
    assert_eq!(start(&desk, ZONE), "2026-07-01T07:00:00Z");
    desk.header =
        r#"<t:TimeZoneContext><t:TimeZoneDefinition Id="Tokyo Standard Time"/></t:TimeZoneContext>"#
            .to_owned();
    // Answers are now written in the zone of the context, too.
    assert_eq!(start(&desk, ""), "2026-07-01T09:00:00+09:00");
    assert_eq!(start(&desk, ZONE), "2026-07-01T16:00:00+09:00");
}

#[test]
fn whole_days_are_cut_in_the_creation_zone() {
    let desk = Desk::new();
    let day = |zone: &str| {
        let seen = desk.create(&format!(
            "<t:Start>2026-03-28T10:00:00+01:00</t:Start><t:End>2026-03-29T12:00:00+02:00</t:End><t:IsAllDayEvent>true</t:IsAllDayEvent>{zone}"
        ));
        let seen = desk.get(&seen.id().0);
        (seen.text("t:Start"), seen.text("t:End"))
    };
    // The 29th has 23 hours in Berlin.
    assert_eq!(day(ZONE), ("2026-03-27T23:00:00Z".to_owned(), "2026-03-29T22:00:00Z".to_owned()));
    assert_eq!(day(""), ("2026-03-28T00:00:00Z".to_owned(), "2026-03-30T00:00:00Z".to_owned()));
}

#[test]
fn changing_only_the_zone_keeps_the_wall_clock() {
    let desk = Desk::new();
    let id = desk.appointment("x", "2026-12-01T09:00:00+01:00", "2026-12-01T10:00:00+01:00", "");
    let zone = r#"<t:StartTimeZone Id="Tokyo Standard Time"/>"#;
    desk.set(&id, "AlwaysOverwrite", "calendar:StartTimeZone", zone);
    let seen = desk.get(&id.0);
    assert_eq!(
        (seen.text("t:Start"), seen.text("t:End")),
        ("2026-12-01T00:00:00Z".to_owned(), "2026-12-01T01:00:00Z".to_owned())
    );
    assert_eq!(seen.text("t:StartTimeZoneId"), "Tokyo Standard Time");
}

#[test]
fn an_unknown_zone_is_refused() {
    let desk = Desk::new();
    let seen = desk.create(r#"<t:Start>2026-12-01T09:00:00Z</t:Start><t:End>2026-12-01T10:00:00Z</t:End><t:StartTimeZone Id="Europe/Berlin"/>"#);
    assert_eq!(seen.codes(), ["ErrorCalendarInvalidTimeZone"]);
}

#[test]
fn an_end_before_its_start_and_endless_appointments_are_refused() {
    let desk = Desk::new();
    let code = |end: &str| {
        desk.create(&format!("<t:Start>2026-12-01T09:00:00Z</t:Start><t:End>{end}</t:End>")).codes()
    };
    assert_eq!(code("2026-12-01T08:59:00Z"), ["ErrorCalendarEndDateIsEarlierThanStartDate"]);
    assert_eq!(code("2032-12-01T08:59:00Z"), ["ErrorCalendarDurationIsTooLong"]);
    assert_eq!(code("2026-12-01T09:00:00Z"), ["NoError"]);
}

#[test]
fn bodies_come_back_as_the_server_writes_them() {
    let desk = Desk::new();
    let (id, _) = desk.create("<t:Body BodyType=\"HTML\">&lt;p&gt;eins&lt;/p&gt;\n&lt;p&gt;zwei &amp;amp; drei&lt;/p&gt;</t:Body>").id();
    let html = desk.get_as(&item_id(&id), "").text("t:Body");
    assert!(html.starts_with("<html>\r\n<head>"), "{html}");
    assert!(html.contains("<p>eins</p>\r\n<p>zwei &amp; drei</p>"), "{html}");
    let text = desk.get_as(&item_id(&id), "<t:BodyType>Text</t:BodyType>");
    assert_eq!(text.text("t:Body"), "eins\r\nzwei & drei");
}

#[test]
fn a_stale_key_is_a_conflict_under_never_overwrite_only() {
    let desk = Desk::new();
    let old = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    let new = desk.set(&old, "NeverOverwrite", "item:Subject", "<t:Subject>a</t:Subject>").id();
    assert_eq!(new.0, old.0);
    assert_ne!(new.1, old.1);
    let refused = desk.set(&old, "NeverOverwrite", "item:Subject", "<t:Subject>b</t:Subject>");
    assert_eq!(refused.codes(), ["ErrorIrresolvableConflict"]);
    assert_eq!(desk.get(&old.0).text("t:Subject"), "a");
    assert_eq!(
        desk.set(&old, "AlwaysOverwrite", "item:Subject", "<t:Subject>c</t:Subject>").codes(),
        ["NoError"]
    );
    assert_eq!(desk.get(&old.0).text("t:Subject"), "c");
}

#[test]
fn auto_resolve_keeps_the_servers_value_of_what_changed_and_counts_it() {
    let desk = Desk::new();
    let old = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    desk.set(&old, "NeverOverwrite", "item:Subject", "<t:Subject>server</t:Subject>");
    let both = set_field("item:Subject", "<t:Subject>client</t:Subject>")
        + &set_field("calendar:Location", "<t:Location>Büro</t:Location>");
    let seen = desk.update(&old, "AutoResolve", &both);
    assert_eq!((seen.codes(), seen.text("t:Count")), (vec!["NoError".to_owned()], "1".to_owned()));
    let now = desk.get(&old.0);
    assert_eq!((now.text("t:Subject"), now.text("t:Location")), ("server".to_owned(), "Büro".to_owned()));
}

#[test]
fn a_write_without_a_usable_key_is_refused() {
    let desk = Desk::new();
    let (id, _) = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    let code = |key: &str, rule: &str| {
        desk.set(&(id.clone(), key.to_owned()), rule, "item:Subject", "<t:Subject>a</t:Subject>").codes()
    };
    assert_eq!(code("", "NeverOverwrite"), ["ErrorChangeKeyRequiredForWriteOperations"]);
    assert_eq!(code("DwAAAA==", "AutoResolve"), ["ErrorInvalidChangeKey"]);
    assert_eq!(code("", "AlwaysOverwrite"), ["NoError"]);
}

#[test]
fn fields_are_cleared_and_appended() {
    let desk = Desk::new();
    let id = desk.appointment(
        "x",
        "2026-12-01T09:00:00Z",
        "2026-12-01T10:00:00Z",
        "<t:Location>Halle</t:Location>",
    );
    let clear = r#"<t:DeleteItemField><t:FieldURI FieldURI="calendar:Location"/></t:DeleteItemField><t:AppendToItemField><t:FieldURI FieldURI="item:Body"/><t:CalendarItem><t:Body BodyType="Text">mehr</t:Body></t:CalendarItem></t:AppendToItemField>"#;
    let id = desk.update(&id, "NeverOverwrite", clear).id();
    assert!(!desk.get(&id.0).has("t:Location"));
    let id = desk.update(&id, "NeverOverwrite", clear).id();
    assert_eq!(desk.get(&id.0).text("t:Body"), "mehrmehr");
    let required = r#"<t:DeleteItemField><t:FieldURI FieldURI="calendar:Start"/></t:DeleteItemField>"#;
    assert_eq!(desk.update(&id, "NeverOverwrite", required).codes(), ["ErrorInvalidPropertyDelete"]);
    let append = r#"<t:AppendToItemField><t:FieldURI FieldURI="item:Subject"/><t:CalendarItem><t:Subject>y</t:Subject></t:CalendarItem></t:AppendToItemField>"#;
    assert_eq!(desk.update(&id, "NeverOverwrite", append).codes(), ["ErrorInvalidPropertyAppend"]);
}

#[test]
fn an_update_holds_one_property_that_fits_its_path() {
    let desk = Desk::new();
    let id = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    let two =
        desk.set(&id, "NeverOverwrite", "item:Subject", "<t:Subject>a</t:Subject><t:Location>b</t:Location>");
    assert_eq!(two.codes(), ["ErrorIncorrectUpdatePropertyCount"]);
    let other = desk.set(&id, "NeverOverwrite", "item:Subject", "<t:Location>b</t:Location>");
    assert_eq!(other.codes(), ["ErrorUpdatePropertyMismatch"]);
    let computed = desk.set(&id, "NeverOverwrite", "calendar:IsMeeting", "<t:IsMeeting>true</t:IsMeeting>");
    assert_eq!(computed.codes(), ["ErrorInvalidPropertySet"]);
    assert_eq!(computed.attrs("t:FieldURI", "FieldURI"), ["calendar:IsMeeting"]);
}

#[test]
fn deleting_moves_into_deleted_items_under_a_new_id_or_removes_for_good() {
    let desk = Desk::new();
    let (id, _) = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    assert_eq!(desk.delete(&item_id(&id), "MoveToDeletedItems").codes(), ["NoError"]);
    assert_eq!(desk.mock.deleted_items(ANNA), 1);
    assert_eq!(desk.get(&id).codes(), ["ErrorItemNotFound"]);
    assert_eq!(desk.delete(&item_id(&id), "MoveToDeletedItems").codes(), ["ErrorItemNotFound"]);
    for kind in ["HardDelete", "SoftDelete"] {
        let (id, _) = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
        assert_eq!(desk.delete(&item_id(&id), kind).codes(), ["NoError"]);
    }
    assert_eq!(desk.mock.deleted_items(ANNA), 1);
}

#[test]
fn a_batch_answers_each_entry_in_order() {
    let desk = Desk::new();
    let (id, _) = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    let ids = format!(
        r#"<t:ItemId Id="nonsense"/>{}<t:ItemId Id=""/>{}"#,
        item_id(&id),
        item_id(&id.to_ascii_lowercase())
    );
    let seen = desk.get_as(&ids, "");
    assert_eq!(seen.status, 200);
    assert_eq!(
        seen.codes(),
        ["ErrorInvalidIdMalformed", "NoError", "ErrorInvalidIdEmpty", "ErrorInvalidIdMalformed"]
    );
}

#[test]
fn moving_and_copying_give_new_ids_and_a_copy_keeps_extended_properties() {
    let desk = Desk::new();
    let property = r#"<t:ExtendedProperty><t:ExtendedFieldURI PropertySetId="AAAAAAAA-0000-0000-0000-000000000001" PropertyName="k" PropertyType="String"/><t:Value>v</t:Value></t:ExtendedProperty>"#;
    let seen = desk.create(&format!("<t:Subject>x</t:Subject>{property}<t:Start>2026-12-01T09:00:00Z</t:Start><t:End>2026-12-01T10:00:00Z</t:End>"));
    let (id, _) = seen.id();
    let copy = desk.ask(&format!(
        r"<m:CopyItem><m:ToFolderId>{}</m:ToFolderId><m:ItemIds>{}</m:ItemIds></m:CopyItem>",
        super::CALENDAR,
        item_id(&id)
    ));
    let (copied, _) = copy.id();
    assert_ne!(copied, id);
    assert_eq!(
        desk.mock.extended(ANNA, &copied, "aaaaaaaa-0000-0000-0000-000000000001", "k").as_deref(),
        Some("v")
    );
    assert_eq!(desk.get(&copied).text("t:UID"), desk.get(&id).text("t:UID"));
    let moved = desk.ask(&format!(
        r#"<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id="deleteditems"/></m:ToFolderId><m:ItemIds>{}</m:ItemIds></m:MoveItem>"#,
        item_id(&id)
    ));
    assert_ne!(moved.id().0, id);
    assert_eq!(desk.get(&id).codes(), ["ErrorItemNotFound"]);
    assert_eq!(desk.get(&moved.id().0).text("t:Subject"), "x");
}

#[test]
fn extended_properties_without_a_proper_key_are_refused() {
    let desk = Desk::new();
    let code = |attrs: &str| {
        desk.create(&format!(r#"<t:ExtendedProperty><t:ExtendedFieldURI {attrs} PropertyType="String"/><t:Value>v</t:Value></t:ExtendedProperty>"#)).codes()
    };
    assert_eq!(code(r#"PropertyTag="0x8001""#), ["ErrorInvalidExtendedProperty"]);
    assert_eq!(code(r#"PropertyName="k""#), ["ErrorInvalidExtendedProperty"]);
    assert_eq!(code(r#"DistinguishedPropertySetId="PublicStrings" PropertyName="k""#), ["NoError"]);
    assert_eq!(code(r#"PropertyTag="0x3001""#), ["NoError"]);
}
