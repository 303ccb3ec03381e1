//! `FindItem`: restrictions, pages, windows; and the small lookups.

use super::{CALENDAR, Desk, item_id};

const URI: &str = r#"<t:ExtendedFieldURI PropertySetId="aaaaaaaa-0000-0000-0000-000000000001" PropertyName="k" PropertyType="String"/>"#;

fn find(desk: &Desk, restriction: &str, view: &str) -> super::Seen {
    let restriction = if restriction.is_empty() {
        String::new()
    } else {
        format!("<m:Restriction>{restriction}</m:Restriction>")
    };
    desk.ask(&format!(
        r#"<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>{view}{restriction}<m:ParentFolderIds>{CALENDAR}</m:ParentFolderIds></m:FindItem>"#
    ))
}

fn equals(path: &str, value: &str) -> String {
    format!(
        r#"<t:IsEqualTo>{path}<t:FieldURIOrConstant><t:Constant Value="{value}"/></t:FieldURIOrConstant></t:IsEqualTo>"#
    )
}

fn with_property(desk: &Desk, subject: &str, value: &str) {
    let seen = desk.create(&format!(
        "<t:Subject>{subject}</t:Subject><t:ExtendedProperty>{URI}<t:Value>{value}</t:Value></t:ExtendedProperty><t:Start>2026-12-01T09:00:00Z</t:Start><t:End>2026-12-01T10:00:00Z</t:End>"
    ));
    assert_eq!(seen.codes(), ["NoError"]);
}

#[test]
fn items_are_found_by_a_property_of_ours() {
    let desk = Desk::new();
    with_property(&desk, "a", "1");
    with_property(&desk, "b", "2");
    desk.appointment("c", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    let subjects = |restriction: &str| {
        let mut found = find(&desk, restriction, "").texts("t:Subject");
        found.sort();
        found.join("")
    };
    assert_eq!(subjects(&equals(URI, "1")), "a");
    assert_eq!(subjects(&equals(&URI.replace("aaaaaaaa", "AAAAAAAA"), "1")), "a");
    assert_eq!(subjects(&format!("<t:Or>{}{}</t:Or>", equals(URI, "1"), equals(URI, "2"))), "ab");
    assert_eq!(subjects(&format!("<t:And>{}{}</t:And>", equals(URI, "1"), equals(URI, "2"))), "");
    assert_eq!(subjects(&format!("<t:Exists>{URI}</t:Exists>")), "ab");
    assert_eq!(subjects(&format!("<t:Not><t:Exists>{URI}</t:Exists></t:Not>")), "c");
    let contains = r#"<t:Contains ContainmentMode="Prefixed" ContainmentComparison="IgnoreCase"><t:FieldURI FieldURI="item:Subject"/><t:Constant Value="A"/></t:Contains>"#;
    assert_eq!(subjects(contains), "a");
}

#[test]
fn times_are_compared_as_instants() {
    let desk = Desk::new();
    desk.appointment("early", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    desk.appointment("late", "2026-12-02T09:00:00Z", "2026-12-02T10:00:00Z", "");
    let after = r#"<t:IsGreaterThanOrEqualTo><t:FieldURI FieldURI="calendar:Start"/><t:FieldURIOrConstant><t:Constant Value="2026-12-02T10:00:00+01:00"/></t:FieldURIOrConstant></t:IsGreaterThanOrEqualTo>"#;
    assert_eq!(find(&desk, after, "").texts("t:Subject"), ["late"]);
}

#[test]
fn the_uid_cannot_be_searched() {
    let desk = Desk::new();
    let seen = find(&desk, &equals(r#"<t:FieldURI FieldURI="calendar:UID"/>"#, "x"), "");
    assert_eq!((seen.status, seen.codes()), (500, vec!["ErrorUnsupportedPathForQuery".to_owned()]));
}

#[test]
fn listings_come_in_pages_without_bodies() {
    let desk = Desk::new();
    for n in 0..7 {
        desk.appointment(&n.to_string(), "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    }
    let page = |offset: usize| {
        find(
            &desk,
            "",
            &format!(
                r#"<m:IndexedPageItemView MaxEntriesReturned="3" Offset="{offset}" BasePoint="Beginning"/>"#
            ),
        )
    };
    let first = page(0);
    assert_eq!(first.attrs("m:RootFolder", "TotalItemsInView"), ["7"]);
    assert_eq!(first.attrs("m:RootFolder", "IndexedPagingOffset"), ["3"]);
    assert_eq!(first.attrs("m:RootFolder", "IncludesLastItemInRange"), ["false"]);
    assert!(!first.has("t:Body"));
    assert_eq!(page(6).attrs("m:RootFolder", "IncludesLastItemInRange"), ["true"]);
    assert_eq!(page(6).texts("t:Subject").len(), 1);
}

#[test]
fn a_window_is_half_open_and_sorted() {
    let desk = Desk::new();
    desk.appointment("before", "2026-12-01T08:00:00Z", "2026-12-01T09:00:00Z", "");
    desk.appointment("second", "2026-12-01T09:30:00Z", "2026-12-01T10:00:00Z", "");
    desk.appointment("first", "2026-12-01T08:30:00Z", "2026-12-01T09:15:00Z", "");
    desk.appointment("after", "2026-12-01T10:00:00Z", "2026-12-01T11:00:00Z", "");
    assert_eq!(
        desk.view("2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z").texts("t:Subject"),
        ["first", "second"]
    );
}

#[test]
fn windows_that_are_too_big_are_refused() {
    let desk = Desk::new();
    assert_eq!(
        desk.view("2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z").codes(),
        ["ErrorCalendarViewRangeTooBig"]
    );
    assert_eq!(
        desk.view("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z").codes(),
        ["ErrorCalendarEndDateIsEarlierThanStartDate"]
    );
    for n in 0..3 {
        desk.appointment(
            "x",
            &format!("2026-12-01T0{n}:00:00Z"),
            &format!("2026-12-01T0{n}:30:00Z"),
            "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence><t:StartDate>2026-12-01</t:StartDate></t:NoEndRecurrence></t:Recurrence>",
        );
    }
    let seen = desk.view("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
    assert_eq!(seen.codes(), ["ErrorExceededFindCountLimit"]);
    assert!(seen.body.contains(r#"<t:Value Name="PolicyLimit">1000</t:Value>"#), "{}", seen.body);
    assert_eq!(desk.view("2027-01-01T00:00:00Z", "2027-11-01T00:00:00Z").texts("t:Subject").len(), 912);
    let inbox = r#"<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:CalendarView StartDate="2026-01-01T00:00:00Z" EndDate="2026-02-01T00:00:00Z"/><m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>"#;
    assert_eq!(desk.ask(inbox).codes(), ["ErrorCalendarFolderIsInvalidForCalendarView"]);
}

#[test]
fn names_zones_ids_and_options_can_be_looked_up() {
    let desk = Desk::new();
    desk.mock.add_mailbox("andrea@example.test", "Andrea");
    let resolve = |text: &str| {
        desk.ask(&format!(r#"<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>{text}</m:UnresolvedEntry></m:ResolveNames>"#))
    };
    assert_eq!(resolve("anna").texts("t:EmailAddress"), ["anna@example.test"]);
    assert_eq!(resolve("nobody").codes(), ["ErrorNameResolutionNoResults"]);
    let several = resolve("an");
    assert_eq!(several.codes(), ["ErrorNameResolutionMultipleResults"]);
    assert_eq!(several.texts("t:EmailAddress").len(), 2);
    let zones = desk.ask(r#"<m:GetServerTimeZones ReturnFullTimeZoneData="true"><m:Ids><t:Id>W. Europe Standard Time</t:Id></m:Ids></m:GetServerTimeZones>"#);
    assert_eq!(zones.attrs("t:Period", "Bias"), ["-PT1H", "-PT2H"]);
    let (id, _) = desk.appointment("x", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "");
    let convert = |id: &str| {
        desk.ask(&format!(r#"<m:ConvertId DestinationFormat="HexEntryId"><m:SourceIds><t:AlternateId Format="EwsId" Id="{id}" Mailbox="anna@example.test"/></m:SourceIds></m:ConvertId>"#))
    };
    assert_eq!(convert(&id).attrs("m:AlternateId", "Id")[0].len(), 140);
    assert_eq!(convert("DUMMY").codes(), ["ErrorInvalidIdMalformed"]);
    let options = desk.ask(r#"<m:GetUserConfiguration><m:UserConfigurationName Name="OWA.UserOptions"><t:DistinguishedFolderId Id="root"/></m:UserConfigurationName><m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>"#);
    assert!(options.texts("t:Value").contains(&"W. Europe Standard Time".to_owned()), "{}", options.body);
    assert_eq!(desk.get_as(&item_id(&id), "").codes(), ["NoError"]);
}
