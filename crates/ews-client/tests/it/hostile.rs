//! Input that no well-behaved server sends.

use ews_client::wire::{Limits, XmlError, decode_answer};
use proptest::prelude::*;

const ANSWER: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
 <s:Header><h:ServerVersionInfo xmlns:h="x" MajorVersion="15" MinorVersion="01" MajorBuildNumber="225" MinorBuildNumber="042"/></s:Header>
 <s:Body><m:GetItemResponse xmlns:m="m" xmlns:t="t"><m:ResponseMessages>
  <m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Items>
   <t:CalendarItem><t:ItemId Id="AAA=" ChangeKey="DDD="/><t:Subject>Tee &amp; Kuchen</t:Subject>
    <t:Body BodyType="Text">x &#x0; y</t:Body><t:Categories><t:String>Kunde</t:String></t:Categories>
    <t:ExtendedProperty><t:ExtendedFieldURI PropertySetId="g" PropertyName="n" PropertyType="String"/><t:Value>v</t:Value></t:ExtendedProperty>
    <t:Start>2026-03-28T09:00:00Z</t:Start><t:End>2026-03-28T10:00:00Z</t:End>
    <t:RequiredAttendees><t:Attendee><t:Mailbox><t:Name>A</t:Name></t:Mailbox></t:Attendee></t:RequiredAttendees>
    <t:Recurrence><t:WeeklyRecurrence><t:Interval>2</t:Interval><t:DaysOfWeek>Monday Friday</t:DaysOfWeek></t:WeeklyRecurrence>
     <t:NumberedRecurrence><t:StartDate>2026-03-30+02:00</t:StartDate><t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>
    <t:DeletedOccurrences><t:DeletedOccurrence><t:Start>2026-03-28T09:00:00Z</t:Start></t:DeletedOccurrence></t:DeletedOccurrences>
    <t:StartTimeZone Id="Z"><t:Periods><t:Period Bias="-PT1H" Name="S" Id="s"/></t:Periods></t:StartTimeZone>
   </t:CalendarItem></m:Items></m:GetItemResponseMessage>
  <m:GetItemResponseMessage ResponseClass="Error"><m:MessageText>gone</m:MessageText><m:ResponseCode>ErrorItemNotFound</m:ResponseCode>
   <m:MessageXml><t:Value Name="BackOffMilliseconds">7</t:Value></m:MessageXml></m:GetItemResponseMessage>
 </m:ResponseMessages></m:GetItemResponse></s:Body></s:Envelope>"#;

#[test]
fn the_unharmed_answer_decodes() {
    let answer = decode_answer(ANSWER.as_bytes(), &Limits::default()).unwrap();
    let item = &answer.messages[0].items[0];
    assert_eq!(item.subject.as_deref(), Some("Tee & Kuchen"));
    assert_eq!(item.body.as_ref().unwrap().text, "x  y");
    assert_eq!(answer.server.unwrap().to_string(), "15.1.225.42");
    assert_eq!(answer.messages[1].details, [("BackOffMilliseconds".to_owned(), "7".to_owned())]);
    assert!(answer.has_errors());
}

#[test]
fn wrong_namespaces_do_not_matter() {
    let other =
        ANSWER.replace("xmlns:t=\"t\"", "xmlns:t=\"https://schemas.example/types\"").replace("t:", "q7:");
    assert_eq!(decode_answer(other.as_bytes(), &Limits::default()).unwrap().messages[0].items.len(), 1);
}

#[test]
fn a_value_without_sense_spoils_its_field_and_not_the_page() {
    let odd = ANSWER.replace("2026-03-28T09:00:00Z</t:Start><t:End>", "soon</t:Start><t:End>");
    let answer = decode_answer(odd.as_bytes(), &Limits::default()).unwrap();
    let item = &answer.messages[0].items[0];
    assert_eq!(item.malformed, ["Start"]);
    assert_eq!(item.start, None);
    assert!(item.end.is_some());
}

#[test]
fn document_types_html_and_foreign_xml_are_refused_with_advice() {
    let refuse = |text: &str| decode_answer(text.as_bytes(), &Limits::default()).unwrap_err();
    let bomb = format!("<!DOCTYPE x [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]>{ANSWER}")
        .replace("<?xml version=\"1.0\" encoding=\"utf-8\"?>", "");
    assert_eq!(refuse(&bomb), XmlError::DocumentType);
    assert_eq!(refuse("<!DOCTYPE html><html><body>Sign in</body></html>"), XmlError::Html);
    assert_eq!(refuse("  <HTML>"), XmlError::Html);
    assert!(refuse("<feed><entry/></feed>").to_string().contains("feed"));
    assert_eq!(refuse(""), XmlError::Empty);
    assert!(refuse("{\"json\": 1}").to_string().contains("not well-formed"));
    assert!(matches!(refuse(&ANSWER[..ANSWER.len() / 2]), XmlError::Truncated { .. }));
}

#[test]
fn an_answer_with_too_many_entries_is_refused() {
    let many = format!("<Items>{}</Items>", "<CalendarItem/>".repeat(101));
    let result = decode_answer(many.as_bytes(), &Limits { entries: 100 });
    assert_eq!(result, Err(XmlError::TooMany { what: "entries", limit: 100 }));
}

#[test]
fn an_answer_with_too_many_empty_messages_is_refused() {
    let many = format!("<XResponse>{}</XResponse>", "<Y ResponseClass=\"\"/>".repeat(101));
    let result = decode_answer(many.as_bytes(), &Limits { entries: 100 });
    assert_eq!(result, Err(XmlError::TooMany { what: "entries", limit: 100 }));
}

#[test]
fn a_zone_with_more_rules_than_any_has_is_known_by_its_name_alone() {
    let with = |count: usize| {
        let periods = "<Period Bias=\"PT1H\" Id=\"p\"/>".repeat(count);
        let zone = format!("<StartTimeZone Id=\"Z\"><Periods>{periods}</Periods></StartTimeZone>");
        let text = format!("<Items><CalendarItem>{zone}</CalendarItem></Items>");
        let answer = decode_answer(text.as_bytes(), &Limits::default()).unwrap();
        let zone = answer.messages[0].items[0].start_time_zone.clone().unwrap();
        (zone.id.clone(), zone.periods.len())
    };
    assert_eq!(with(2_000), (Some("Z".to_owned()), 2_000));
    assert_eq!(with(2_001), (Some("Z".to_owned()), 0));
}

#[test]
fn a_million_attributes_in_one_tag_take_no_time() {
    let attributes = (0..1_000_000).fold(String::new(), |all, n| all + " a" + &n.to_string() + "=\"\"");
    let text = format!("<Items><CalendarItem><ItemId{attributes} Id=\"x\"/></CalendarItem></Items>");
    let started = std::time::Instant::now();
    let answer = decode_answer(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(answer.messages[0].items[0].item_id.as_ref().unwrap().id, "x");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn a_fault_keeps_its_code_and_its_back_off_time() {
    let fault = r#"<s:Envelope xmlns:s="s"><s:Body><s:Fault><faultcode xmlns:a="a">a:ErrorServerBusy</faultcode>
        <faultstring xml:lang="en-US">busy</faultstring><detail><e:ResponseCode xmlns:e="e">ErrorServerBusy</e:ResponseCode>
        <e:Message xmlns:e="e">busy</e:Message><t:MessageXml xmlns:t="t"><t:Value Name="BackOffMilliseconds">297749</t:Value></t:MessageXml>
        </detail></s:Fault></s:Body></s:Envelope>"#;
    let answer = decode_answer(fault.as_bytes(), &Limits::default()).unwrap();
    let line = &answer.to_json()[0];
    assert_eq!(line["code"], "ErrorServerBusy");
    assert_eq!(line["error"], "busy");
    assert_eq!(line["details"]["BackOffMilliseconds"], "297749");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_end_in_a_result(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_answer(&bytes, &Limits::default());
    }

    #[test]
    fn any_markup_ends_in_a_result(text in "(<[a-zA-Z:/! \"=?&;#x0-9\\[\\]-]{0,12}>?|[a-z&;]{0,4}){0,40}") {
        let _ = decode_answer(text.as_bytes(), &Limits::default());
    }

    #[test]
    fn a_damaged_answer_ends_in_a_result(at in 0..ANSWER.len(), len in 0..60_usize, with in proptest::collection::vec(any::<u8>(), 0..12)) {
        let mut bytes = ANSWER.as_bytes().to_vec();
        let end = (at + len).min(bytes.len());
        bytes.splice(at..end, with);
        if let Ok(answer) = decode_answer(&bytes, &Limits::default()) {
            let _ = answer.to_json();
        }
    }

    #[test]
    fn any_value_in_any_leaf_ends_in_a_result(value in "[^<&]{0,30}") {
        for leaf in ["2026-03-28T09:00:00Z", "2026-03-30+02:00", "Monday Friday", ">2<", ">5<", "-PT1H", "NoError"] {
            let with = leaf.replace(leaf.trim_matches(['<', '>']), &value);
            let text = ANSWER.replace(leaf, &with);
            if let Ok(answer) = decode_answer(text.as_bytes(), &Limits::default()) {
                let _ = answer.to_json();
            }
        }
    }
}
