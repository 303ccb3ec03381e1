//! The list of categories, as the hidden item of the calendar that it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calsync_testkit::exchange::{Rights, ServerVersion};

use super::{ANNA, CALENDAR, Desk, Seen};

const MAILBOX: &str = r#"<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>anna@example.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"#;

fn get(desk: &Desk, folder: &str, name: &str) -> Seen {
    desk.ask(&format!(
        r#"<m:GetUserConfiguration><m:UserConfigurationName Name="{name}">{folder}</m:UserConfigurationName><m:UserConfigurationProperties>XmlData</m:UserConfigurationProperties></m:GetUserConfiguration>"#
    ))
}

fn update(desk: &Desk, folder: &str, list: &str) -> Seen {
    let data = STANDARD.encode(list);
    desk.ask(&format!(
        r#"<m:UpdateUserConfiguration><m:UserConfiguration><t:UserConfigurationName Name="CategoryList">{folder}</t:UserConfigurationName><t:XmlData>{data}</t:XmlData></m:UserConfiguration></m:UpdateUserConfiguration>"#
    ))
}

#[test]
fn the_list_lies_in_the_calendar_and_is_replaced_as_a_whole() {
    let desk = Desk::new();
    let text = get(&desk, CALENDAR, "CategoryList").text("t:XmlData");
    let list = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
    assert_eq!(Some(list), desk.mock.category_list(ANNA));
    assert_eq!(update(&desk, CALENDAR, "<categories/>").codes(), ["NoError"]);
    assert_eq!(desk.mock.category_list(ANNA).as_deref(), Some("<categories/>"));
    let inbox = r#"<t:DistinguishedFolderId Id="inbox"/>"#;
    assert_eq!(get(&desk, inbox, "CategoryList").codes(), ["ErrorItemNotFound"]);
    assert_eq!(get(&desk, CALENDAR, "Nothing").codes(), ["ErrorItemNotFound"]);
    desk.mock.set_category_list(ANNA, None);
    assert_eq!(update(&desk, CALENDAR, "<categories/>").codes(), ["ErrorItemNotFound"]);
}

#[test]
fn exchange_2007_has_no_such_operations() {
    let desk = Desk::of(ServerVersion::Exchange2007Sp1);
    assert_eq!(get(&desk, CALENDAR, "CategoryList").codes(), ["ErrorSchemaValidation"]);
    assert_eq!(update(&desk, CALENDAR, "<categories/>").codes(), ["ErrorSchemaValidation"]);
}

#[test]
fn who_may_only_read_the_calendar_may_not_write_its_list() {
    let mut desk = Desk::new();
    desk.mock.add_account("sync", "pw");
    desk.user = ("sync".to_owned(), "pw".to_owned());
    for (rights, delegates, code) in [
        (Rights::None, true, "ErrorFolderNotFound"),
        (Rights::Reviewer, true, "ErrorAccessDenied"),
        (Rights::Editor, false, "ErrorAccessDenied"),
        (Rights::Editor, true, "NoError"),
        (Rights::Owner, false, "NoError"),
    ] {
        desk.mock.set_rights("sync", ANNA, rights);
        desk.mock.set_delegates_write_category_list(ANNA, delegates);
        assert_eq!(update(&desk, MAILBOX, "<categories/>").codes(), [code], "{rights:?} {delegates}");
    }
}
