//! Properties of folders.

use calsync_testkit::exchange::{Rights, ServerVersion};

use super::{ANNA, CALENDAR, Desk, Seen};

const FIELD: &str = r#"<t:ExtendedFieldURI PropertySetId="7a1c5e0e-3c1b-4f0b-9d2e-2b6f0c1d9a55" PropertyName="own" PropertyType="String"/>"#;

fn read(desk: &Desk) -> Seen {
    desk.ask(&format!(
        r"<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{FIELD}</t:AdditionalProperties></m:FolderShape><m:FolderIds>{CALENDAR}</m:FolderIds></m:GetFolder>"
    ))
}

fn set(desk: &Desk, folder: &str, property: &str) -> Seen {
    desk.ask(&format!(
        r"<m:UpdateFolder><m:FolderChanges><t:FolderChange>{folder}<t:Updates><t:SetFolderField>{FIELD}<t:CalendarFolder>{property}</t:CalendarFolder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>"
    ))
}

fn value(text: &str) -> String {
    format!("<t:ExtendedProperty>{FIELD}<t:Value>{text}</t:Value></t:ExtendedProperty>")
}

#[test]
fn a_named_property_of_a_folder_is_kept_on_every_version() {
    for version in [
        ServerVersion::Exchange2007Sp1,
        ServerVersion::Exchange2010Sp2,
        ServerVersion::Exchange2013Sp1,
        ServerVersion::Exchange2016,
        ServerVersion::ExchangeSe,
    ] {
        let desk = Desk::of(version);
        assert!(!read(&desk).body.contains("t:Value"));
        assert_eq!(set(&desk, CALENDAR, &value("7")).codes(), ["NoError"]);
        assert_eq!(read(&desk).text("t:Value"), "7");
        // Somebody else's property is another one, and a folder that was made anew has none.
        desk.mock.recreate_mailbox(ANNA);
        assert!(!read(&desk).body.contains("t:Value"));
    }
}

#[test]
fn a_folder_named_by_its_id_needs_a_change_key_and_one_property_at_a_time() {
    let desk = Desk::new();
    let id = read(&desk).attrs("t:FolderId", "Id").remove(0);
    let bare = format!(r#"<t:FolderId Id="{id}"/>"#);
    assert_eq!(set(&desk, &bare, &value("1")).codes(), ["ErrorChangeKeyRequiredForWriteOperations"]);
    let key = read(&desk).attrs("t:FolderId", "ChangeKey").remove(0);
    let whole = format!(r#"<t:FolderId Id="{id}" ChangeKey="{key}"/>"#);
    assert_eq!(set(&desk, &whole, &value("1")).codes(), ["NoError"]);
    assert_ne!(read(&desk).attrs("t:FolderId", "ChangeKey").remove(0), key);
    let two = format!("{}{}", value("1"), value("2"));
    assert_eq!(set(&desk, CALENDAR, &two).codes(), ["ErrorIncorrectUpdatePropertyCount"]);
    let other = value("1").replace(r#""own""#, r#""other""#);
    assert_eq!(set(&desk, CALENDAR, &other).codes(), ["ErrorUpdatePropertyMismatch"]);
    let wrong = set(&desk, CALENDAR, "<t:Subject>a</t:Subject>");
    assert_eq!(wrong.codes(), ["ErrorSchemaValidation"]);
}

#[test]
fn only_the_owner_of_a_folder_changes_it() {
    let mut desk = Desk::new();
    desk.mock.add_account("sync", "pw");
    desk.mock.set_rights("sync", ANNA, Rights::Editor);
    desk.user = ("sync".to_owned(), "pw".to_owned());
    let hers = CALENDAR.replace(
        "/>",
        &format!("><t:Mailbox><t:EmailAddress>{ANNA}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"),
    );
    assert_eq!(set(&desk, &hers, &value("1")).codes(), ["ErrorAccessDenied"]);
    desk.mock.set_rights("sync", ANNA, Rights::Owner);
    assert_eq!(set(&desk, &hers, &value("1")).codes(), ["NoError"]);
}

#[test]
fn a_moved_mailbox_gives_every_item_another_id() {
    let desk = Desk::new();
    let (before, _) = desk.appointment("Jour fixe", "2026-03-02T09:00:00", "2026-03-02T10:00:00", "");
    let uid = desk.get(&before).text("t:UID");
    desk.mock.renumber_items(ANNA);
    assert_eq!(desk.get(&before).codes(), ["ErrorItemNotFound"]);
    let after = desk.view("2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z").attrs("t:ItemId", "Id").remove(0);
    assert_ne!(after, before);
    assert_eq!(desk.get(&after).text("t:UID"), uid);
}
