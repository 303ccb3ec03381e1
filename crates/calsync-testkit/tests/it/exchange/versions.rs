//! What differs by release.

use calsync_testkit::exchange::ServerVersion;

use super::{Desk, ZONE};

#[test]
fn a_server_answers_every_schema_up_to_its_own_and_tells_its_build() {
    let mut desk = Desk::of(ServerVersion::Exchange2010Sp2);
    let resolve = r#"<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>anna</m:UnresolvedEntry></m:ResolveNames>"#;
    for (schema, code) in [
        ("Exchange2007_SP1", "NoError"),
        ("Exchange2010", "NoError"),
        ("Exchange2010_SP2", "NoError"),
        ("Exchange2013", "ErrorInvalidServerVersion"),
        ("Exchange2016", "ErrorInvalidServerVersion"),
        ("Exchange2099", "ErrorInvalidServerVersion"),
    ] {
        desk.schema = schema;
        let seen = desk.ask(resolve);
        assert_eq!(seen.codes(), [code], "{schema}");
        assert!(seen.body.contains(r#"MajorVersion="14" MinorVersion="2""#));
        assert_eq!(seen.status, if code == "NoError" { 200 } else { 500 });
    }
}

#[test]
fn exchange_2007_has_its_own_zone_and_refuses_the_later_ones() {
    let desk = Desk::of(ServerVersion::Exchange2007Sp1);
    let times = "<t:Start>2026-07-01T09:00:00</t:Start><t:End>2026-07-01T10:00:00</t:End>";
    assert_eq!(desk.create(&format!("{times}{ZONE}")).codes(), ["ErrorSchemaValidation"]);
    let seen = desk.create(&format!(r#"{times}<t:MeetingTimeZone TimeZoneName="W. Europe Standard Time"/>"#));
    assert_eq!(desk.get(&seen.id().0).text("t:Start"), "2026-07-01T07:00:00Z");
    assert!(seen.body.starts_with(r#"<?xml version="1.0" encoding="utf-8"?><soap:Envelope"#));
    let weekly = |more: &str| {
        desk.create(&format!(
            "<t:Start>2026-07-01T09:00:00Z</t:Start><t:End>2026-07-01T10:00:00Z</t:End><t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Wednesday</t:DaysOfWeek>{more}</t:WeeklyRecurrence><t:NoEndRecurrence><t:StartDate>2026-07-01</t:StartDate></t:NoEndRecurrence></t:Recurrence>"
        ))
    };
    assert_eq!(weekly("<t:FirstDayOfWeek>Monday</t:FirstDayOfWeek>").codes(), ["ErrorSchemaValidation"]);
    let master = desk.get(&weekly("").id().0);
    assert!(!master.has("t:FirstDayOfWeek") && !master.has("t:StartTimeZone"));
    assert_eq!(master.text("t:StartDate"), "2026-07-01");
    assert_eq!(
        desk.ask("<m:GetServerTimeZones ReturnFullTimeZoneData=\"false\"/>").codes(),
        ["ErrorSchemaValidation"]
    );
}

#[test]
fn later_releases_refuse_the_zone_of_2007() {
    let desk = Desk::of(ServerVersion::Exchange2010Sp2);
    let seen = desk.create(r#"<t:Start>2026-07-01T09:00:00Z</t:Start><t:End>2026-07-01T10:00:00Z</t:End><t:MeetingTimeZone TimeZoneName="UTC"/>"#);
    assert_eq!(seen.codes(), ["ErrorInvalidPropertySet"]);
}

#[test]
fn properties_appear_with_the_schema_that_was_asked_for() {
    let mut desk = Desk::of(ServerVersion::Exchange2016);
    let (id, _) = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    for (schema, zone, zone_id) in [
        ("Exchange2007_SP1", false, false),
        ("Exchange2010_SP2", true, false),
        ("Exchange2013", true, true),
        ("Exchange2016", true, true),
    ] {
        desk.schema = schema;
        let seen = desk.get(&id);
        assert_eq!((seen.has("t:StartTimeZone"), seen.has("t:StartTimeZoneId")), (zone, zone_id), "{schema}");
    }
}

#[test]
fn field_names_newer_than_the_schema_are_refused() {
    let desk = Desk::of(ServerVersion::Exchange2010Sp2);
    let (id, _) = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    let shape = |uri: &str| {
        desk.get_as(
            &super::item_id(&id),
            &format!(r#"<t:AdditionalProperties><t:FieldURI FieldURI="{uri}"/></t:AdditionalProperties>"#),
        )
        .codes()
    };
    assert_eq!(shape("calendar:StartTimeZone"), ["NoError"]);
    assert_eq!(shape("calendar:StartTimeZoneId"), ["ErrorSchemaValidation"]);
    assert_eq!(shape("item:TextBody"), ["ErrorSchemaValidation"]);
}

#[test]
fn wrong_order_and_unknown_elements_are_schema_faults() {
    let desk = Desk::new();
    for inside in [
        "<t:Start>2026-12-01T09:00:00Z</t:Start><t:Subject>x</t:Subject>",
        "<t:Betreff>x</t:Betreff>",
        "<t:Start>2026-12-01</t:Start>",
        "<t:IsAllDayEvent>ja</t:IsAllDayEvent>",
        "<t:LegacyFreeBusyStatus>Besetzt</t:LegacyFreeBusyStatus>",
    ] {
        let seen = desk.create(inside);
        assert_eq!((seen.status, seen.codes()), (500, vec!["ErrorSchemaValidation".to_owned()]), "{inside}");
    }
}

#[test]
fn what_is_no_soap_gets_a_fault_and_no_more() {
    let desk = Desk::new();
    for body in [
        "",
        "hallo",
        "<a/>",
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body/></s:Envelope>",
        "<!DOCTYPE a><a/>",
    ] {
        let calsync_testkit::exchange::Answer::Http { status, body, .. } = desk.raw(body) else {
            panic!("dropped")
        };
        assert_eq!(status, 500);
        assert!(body.contains("Fault"), "{body}");
    }
}
