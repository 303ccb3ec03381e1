//! Log-on, rights, impersonation.

use calsync_testkit::exchange::{Answer, Rights};
use calsync_testkit::people::{Calendars as _, Edit};

use super::{ANNA, Desk, item_id};

const CALENDAR_OF_ANNA: &str = r#"<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>anna@example.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"#;

/// The same mock, used by a service account.
fn service(rights: Rights) -> Desk {
    let mut desk = Desk::new();
    desk.mock.add_account("svc", "geheim");
    desk.mock.set_rights("svc", ANNA, rights);
    desk.user = ("EXAMPLE\\svc".to_owned(), "geheim".to_owned());
    desk
}

fn folder(desk: &Desk) -> super::Seen {
    desk.ask(&format!("<m:GetFolder><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape><m:FolderIds>{CALENDAR_OF_ANNA}</m:FolderIds></m:GetFolder>"))
}

fn create(desk: &Desk) -> super::Seen {
    desk.ask(&format!(
        r#"<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>{CALENDAR_OF_ANNA}</m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>x</t:Subject></t:CalendarItem></m:Items></m:CreateItem>"#
    ))
}

#[test]
fn a_wrong_password_is_401() {
    let mut desk = Desk::new();
    for (user, password) in [(ANNA, "falsch"), ("niemand", "pw")] {
        desk.user = (user.to_owned(), password.to_owned());
        assert!(matches!(desk.raw(&desk.envelope("")), Answer::Http { status: 401, .. }));
    }
}

#[test]
fn without_rights_there_is_no_folder() {
    let desk = service(Rights::None);
    assert_eq!(folder(&desk).codes(), ["ErrorFolderNotFound"]);
    assert_eq!(create(&desk).codes(), ["ErrorSavedItemFolderNotFound"]);
    let sync = desk.ask(&format!(
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>{CALENDAR_OF_ANNA}</m:SyncFolderId><m:MaxChangesReturned>1</m:MaxChangesReturned></m:SyncFolderItems>"
    ));
    assert_eq!(sync.codes(), ["ErrorSyncFolderNotFound"]);
}

#[test]
fn a_reviewer_reads_and_an_editor_writes() {
    let desk = service(Rights::Editor);
    let id = create(&desk).id();
    let rights = folder(&desk);
    assert_eq!(
        (rights.text("t:CreateContents"), rights.text("t:Read")),
        ("true".to_owned(), "true".to_owned())
    );
    desk.mock.set_rights("svc", ANNA, Rights::Reviewer);
    assert_eq!(folder(&desk).text("t:CreateContents"), "false");
    assert_eq!(desk.get(&id.0).codes(), ["NoError"]);
    assert_eq!(desk.get(&id.0).text("t:Modify"), "false");
    assert_eq!(create(&desk).codes(), ["ErrorCreateItemAccessDenied"]);
    assert_eq!(
        desk.set(&id, "NeverOverwrite", "item:Subject", "<t:Subject>y</t:Subject>").codes(),
        ["ErrorAccessDenied"]
    );
    assert_eq!(desk.delete(&item_id(&id.0), "MoveToDeletedItems").codes(), ["ErrorAccessDenied"]);
    desk.mock.set_rights("svc", ANNA, Rights::None);
    assert_eq!(desk.get(&id.0).codes(), ["ErrorItemNotFound"]);
}

#[test]
fn some_mailboxes_do_not_let_delegates_into_deleted_items() {
    let desk = service(Rights::Editor);
    desk.mock.set_delegates_reach_deleted_items(ANNA, false);
    let (id, _) = create(&desk).id();
    assert_eq!(desk.delete(&item_id(&id), "MoveToDeletedItems").codes(), ["ErrorCannotDeleteObject"]);
    assert_eq!(desk.get(&id).codes(), ["NoError"]);
    assert_eq!(desk.delete(&item_id(&id), "HardDelete").codes(), ["NoError"]);
}

#[test]
fn an_account_without_a_mailbox_has_to_name_one() {
    let desk = service(Rights::Editor);
    let own = desk.ask(&format!(
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>{}{}</m:FolderIds></m:GetFolder>",
        super::CALENDAR,
        CALENDAR_OF_ANNA.replace("anna@", "nobody@")
    ));
    assert_eq!(own.codes(), ["ErrorMissingEmailAddress", "ErrorNonExistentMailbox"]);
}

#[test]
fn impersonation_needs_its_right_and_a_mailbox() {
    let mut desk = service(Rights::None);
    let acting = |address: &str| {
        format!(
            "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>{address}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
        )
    };
    desk.header = acting(ANNA);
    let denied = folder(&desk);
    assert_eq!((denied.status, denied.codes()), (500, vec!["ErrorImpersonateUserDenied".to_owned()]));
    desk.mock.set_impersonation("svc", true);
    assert_eq!(folder(&desk).codes(), ["NoError"]);
    assert_eq!(create(&desk).codes(), ["NoError"]);
    desk.header = acting("nobody@example.test");
    assert_eq!(folder(&desk).codes(), ["ErrorNonExistentMailbox"]);
    // Acting as somebody gives that person's rights, not more.
    desk.mock.add_mailbox("bert@example.test", "Bert");
    desk.header = acting("bert@example.test");
    assert_eq!(folder(&desk).codes(), ["ErrorFolderNotFound"]);
}

#[test]
fn who_may_not_see_private_items_sees_them_leave_and_come_back() {
    let desk = service(Rights::Editor);
    desk.mock.set_sees_private("svc", ANNA, false);
    assert_eq!(folder(&desk).text("t:ViewPrivateItems"), "false");
    let id = create(&desk).id();
    let sync = |state: &str| {
        let state =
            if state.is_empty() { String::new() } else { format!("<m:SyncState>{state}</m:SyncState>") };
        desk.ask(&format!("<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>{CALENDAR_OF_ANNA}</m:SyncFolderId>{state}<m:MaxChangesReturned>9</m:MaxChangesReturned></m:SyncFolderItems>"))
    };
    let first = sync("");
    assert!(first.has("t:Create"));
    let private =
        desk.set(&id, "NeverOverwrite", "item:Sensitivity", "<t:Sensitivity>Private</t:Sensitivity>");
    assert_eq!(private.codes(), ["NoError"]);
    let gone = sync(&first.text("m:SyncState"));
    assert!(gone.has("t:Delete"));
    assert!(!sync(&gone.text("m:SyncState")).has("t:Delete"));
    assert_eq!(desk.get(&id.0).codes(), ["ErrorItemNotFound"]);
    desk.mock.edit(ANNA, &id.0, &Edit { private: Some(false), ..Edit::default() });
    assert!(sync(&gone.text("m:SyncState")).has("t:Create"));
    assert_eq!(desk.get(&id.0).codes(), ["NoError"]);
}
