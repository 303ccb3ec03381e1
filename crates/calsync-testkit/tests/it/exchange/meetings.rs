//! Meetings: who is mailed, and what an invited person may change.

use calsync_testkit::people::{Busy, Draft};
use chrono::NaiveDate;

use super::{ANNA, Desk, item_id};

const GUESTS: &str = "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>bert@example.test</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>";

fn create(desk: &Desk, send: &str) -> super::Seen {
    desk.ask(&format!(
        r"<m:CreateItem {send}><m:Items><t:CalendarItem><t:Subject>Treffen</t:Subject><t:Start>2026-12-01T09:00:00Z</t:Start><t:End>2026-12-01T10:00:00Z</t:End>{GUESTS}</t:CalendarItem></m:Items></m:CreateItem>"
    ))
}

#[test]
fn send_to_none_mails_nobody() {
    let desk = Desk::new();
    let id = create(&desk, r#"SendMeetingInvitations="SendToNone""#).id();
    let read = desk.get(&id.0);
    assert_eq!(
        (read.text("t:IsMeeting"), read.text("t:AppointmentState"), read.text("t:MeetingRequestWasSent")),
        ("true".to_owned(), "1".to_owned(), "false".to_owned())
    );
    let id = desk.set(&id, "NeverOverwrite", "calendar:Location", "<t:Location>hier</t:Location>").id();
    desk.delete(&item_id(&id.0), "MoveToDeletedItems");
    assert_eq!(desk.mock.outbox(), []);
}

#[test]
fn every_mail_that_would_have_been_sent_is_in_the_outbox() {
    let desk = Desk::new();
    let id = create(&desk, r#"SendMeetingInvitations="SendToAllAndSaveCopy""#).id();
    desk.ask(&format!(
        r#"<m:UpdateItem ConflictResolution="NeverOverwrite" SendMeetingInvitationsOrCancellations="SendToChangedAndSaveCopy"><m:ItemChanges><t:ItemChange><t:ItemId Id="{}" ChangeKey="{}"/><t:Updates>{}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"#,
        id.0,
        id.1,
        super::set_field("calendar:Location", "<t:Location>hier</t:Location>")
    ));
    desk.ask(&format!(r#"<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendOnlyToAll"><m:ItemIds>{}</m:ItemIds></m:DeleteItem>"#, item_id(&id.0)));
    let sent: Vec<(String, Vec<String>)> = desk.mock.outbox().into_iter().map(|m| (m.kind, m.to)).collect();
    let bert = vec!["bert@example.test".to_owned()];
    assert_eq!(
        sent,
        [
            ("request".to_owned(), bert.clone()),
            ("update".to_owned(), bert.clone()),
            ("cancellation".to_owned(), bert)
        ]
    );
}

#[test]
fn the_sending_attribute_is_required() {
    let desk = Desk::new();
    assert_eq!(create(&desk, "").codes(), ["ErrorSendMeetingInvitationsRequired"]);
    let (id, key) = create(&desk, r#"SendMeetingInvitations="SendToNone""#).id();
    let update = desk.ask(&format!(
        r#"<m:UpdateItem ConflictResolution="NeverOverwrite"><m:ItemChanges><t:ItemChange><t:ItemId Id="{id}" ChangeKey="{key}"/><t:Updates>{}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"#,
        super::set_field("item:Subject", "<t:Subject>y</t:Subject>")
    ));
    assert_eq!(update.codes(), ["ErrorSendMeetingInvitationsOrCancellationsRequired"]);
    let delete = desk.ask(&format!(
        r#"<m:DeleteItem DeleteType="HardDelete"><m:ItemIds>{}</m:ItemIds></m:DeleteItem>"#,
        item_id(&id)
    ));
    assert_eq!(delete.codes(), ["ErrorSendMeetingCancellationsRequired"]);
    let wrong = create(&desk, r#"SendMeetingInvitations="SendOnlyToChanged""#);
    assert_eq!((wrong.status, wrong.codes()), (500, vec!["ErrorSchemaValidation".to_owned()]));
}

#[test]
fn an_invited_persons_copy_only_takes_what_is_their_own() {
    let desk = Desk::new();
    let at = |h| NaiveDate::from_ymd_opt(2026, 12, 1).unwrap().and_hms_opt(h, 0, 0).unwrap();
    let draft = Draft {
        subject: "Einladung".to_owned(),
        place: String::new(),
        notes: String::new(),
        start: at(9),
        end: at(10),
        zone: "Europe/Berlin".to_owned(),
        all_day: false,
        category: None,
        busy: Busy::Tentative,
        private: false,
        reminder: None,
        customer: None,
        repeat: None,
    };
    let id = desk.mock.receive_meeting(ANNA, "chef@example.test", &draft).unwrap();
    let read = desk.get(&id);
    assert_eq!(
        (read.text("t:AppointmentState"), read.text("t:IsOrganizer")),
        ("3".to_owned(), "false".to_owned())
    );
    let id = read.id();
    let guests = desk.set(&id, "NeverOverwrite", "calendar:RequiredAttendees", GUESTS);
    assert_eq!(guests.codes(), ["ErrorInvalidPropertySet"]);
    let own =
        desk.set(&id, "NeverOverwrite", "item:ReminderIsSet", "<t:ReminderIsSet>true</t:ReminderIsSet>");
    assert_eq!(own.codes(), ["NoError"]);
}
