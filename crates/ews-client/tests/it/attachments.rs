//! The operations for files, with every version.

use calsync_testkit::exchange::{AttachedAs, Rights};
use calsync_testkit::people::Calendars as _;
use ews_client::EwsError;
use ews_client::ops::{CreateAttachment, DeleteAttachment, GetAttachment, GetItem, Shape};
use ews_client::wire::{FieldRef, ItemId, ItemRef};

use crate::server::*;

fn with_files(id: &ItemId) -> GetItem {
    let fields = vec![FieldRef::Named("item:Attachments")];
    GetItem { items: vec![ItemRef::Id(id.clone())], shape: Shape::Fields { fields, body: None } }
}

#[tokio::test]
async fn a_file_goes_in_is_read_and_goes_with_every_version() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let (client, target) = (&server.client, target());
        let item = create(&server.source(), &rich()).await;
        let parent = ItemId::with_change_key(item.key.as_str(), item.revision.as_str());
        let content: Vec<u8> = (0..=255).collect();
        let question = CreateAttachment {
            parent: parent.clone(),
            name: "Plan <1> & 2.pdf".to_owned(),
            content_type: Some("application/pdf".to_owned()),
            content: content.clone(),
        };
        let now = client.create_attachment(&target, &question).await.unwrap();
        assert_ne!(now.change_key, parent.change_key, "{version:?}");
        let id = server.mock.list(MAILBOX).remove(0);
        assert!(server.mock.attach_as(MAILBOX, &id, "Mail", b"", AttachedAs::Item));
        assert!(server.mock.attach_as(MAILBOX, &id, "logo.png", b"logo", AttachedAs::InlineImage));

        let item = client.get_item(&target, &with_files(&now)).await.unwrap().remove(0).unwrap();
        assert_eq!(item.attachments.len(), 2, "{version:?}");
        let (file, image) = (&item.attachments[0], &item.attachments[1]);
        assert_eq!(file.name.as_deref(), Some("Plan <1> & 2.pdf"));
        assert_eq!(file.content_type.as_deref(), Some("application/pdf"));
        assert!(image.content_id.is_some());
        let says = version != calsync_testkit::exchange::ServerVersion::Exchange2007Sp1;
        assert_eq!((file.is_inline, image.is_inline), (says.then_some(false), says.then_some(true)));
        assert_eq!((file.size.is_some(), file.last_modified_time.is_some()), (says, says), "{version:?}");

        let read = client.get_attachment(&target, &GetAttachment { id: file.id.clone() }).await.unwrap();
        assert_eq!(read.content, Some(content), "{version:?}");
        let gone = DeleteAttachment { ids: vec![file.id.clone(), file.id.clone()] };
        let results = client.delete_attachment(&target, &gone).await.unwrap();
        assert!(results[0].as_ref().unwrap().is_some());
        assert_eq!(results[1].as_ref().unwrap_err().code.as_wire(), "ErrorItemNotFound");
        let lost = client.get_attachment(&target, &GetAttachment { id: file.id.clone() }).await.unwrap_err();
        assert!(matches!(lost, EwsError::Response(_)), "{lost:?}");
    }
}

#[tokio::test]
async fn who_may_only_read_reads_files_and_changes_none() {
    let server = Server::newest().await;
    let (client, target) = (&server.client, target());
    let item = create(&server.source(), &rich()).await;
    let id = server.mock.list(MAILBOX).remove(0);
    assert!(server.mock.attach(MAILBOX, &id, "Plan.pdf", b"plan"));
    server.mock.set_rights(ACCOUNT, MAILBOX, Rights::Reviewer);
    let parent = ItemId::new(item.key.as_str());
    let file = client
        .get_item(&target, &with_files(&parent))
        .await
        .unwrap()
        .remove(0)
        .unwrap()
        .attachments
        .remove(0);
    let read = client.get_attachment(&target, &GetAttachment { id: file.id.clone() }).await.unwrap();
    assert_eq!(read.content, Some(b"plan".to_vec()));
    let refused =
        client.delete_attachment(&target, &DeleteAttachment { ids: vec![file.id] }).await.unwrap().remove(0);
    assert_eq!(refused.unwrap_err().code.as_wire(), "ErrorAccessDenied");
    let more = CreateAttachment { parent, name: "x".to_owned(), content_type: None, content: Vec::new() };
    client.create_attachment(&target, &more).await.unwrap_err();
    assert_eq!(server.mock.files(MAILBOX, &id), [("Plan.pdf".to_owned(), b"plan".to_vec())]);
}
