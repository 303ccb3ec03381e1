//! Each operation against a server of each version.

use calsync_testkit::exchange::ServerVersion;
use calsync_testkit::people::Calendars;
use ews_client::ops::{
    BodyForm, ConflictResolution, CreateItem, DeleteItem, DeleteType, FindItem, FolderRef, GetFolder,
    GetItem, ItemChange, MoveItem, Notify, Range, ResolveNames, Restriction, Shape, SyncFolderItems,
    UpdateItem,
};
use ews_client::wire::{
    Body, BodyType, BusyStatus, Change, DateTime, DayOfWeek, ExtendedField, ExtendedProperty, ExtendedValue,
    FieldChange, ItemId, ItemKind, ItemRef, MeetingTimeZone, Pattern, Property, Range as SeriesRange,
    Recurrence, ResponseCode, ZoneDefinition,
};
use ews_client::{Target, Version};

use crate::server::{MAILBOX, Server, VERSIONS, day, target};

const MARK: ExtendedField = ExtendedField::string("5f8f1a52-0000-4000-8000-00000000c0de", "mark");

fn moment(text: &str) -> DateTime {
    DateTime::parse(text).unwrap()
}

fn appointment(subject: &str, start: &str, end: &str) -> Vec<Property> {
    vec![
        Property::Subject(subject.to_owned()),
        Property::Body(Body {
            body_type: BodyType::Text,
            text: "a\nb \u{1}".to_owned(),
            is_truncated: false,
        }),
        Property::Categories(vec!["Kunde".to_owned()]),
        Property::ReminderIsSet(false),
        Property::Extended(ExtendedProperty { field: MARK, value: ExtendedValue::One(subject.to_owned()) }),
        Property::Start(moment(start)),
        Property::End(moment(end)),
        Property::LegacyFreeBusyStatus(BusyStatus::WorkingElsewhere),
        Property::Location("<Lager> & Hof".to_owned()),
        Property::StartTimeZone(ZoneDefinition::by_id("W. Europe Standard Time")),
        Property::EndTimeZone(ZoneDefinition::by_id("W. Europe Standard Time")),
        Property::MeetingTimeZone(MeetingTimeZone::by_name("W. Europe Standard Time")),
    ]
}

fn create(items: Vec<Vec<Property>>) -> CreateItem {
    CreateItem { folder: FolderRef::Calendar, items, notify: Notify::Nobody }
}

fn full() -> Shape {
    Shape::Calendar { extended: vec![MARK], body: BodyForm::Text }
}

async fn make(server: &Server, properties: Vec<Property>) -> ItemId {
    server.client.create_item(&target(), &create(vec![properties])).await.unwrap().remove(0).unwrap()
}

async fn get(
    server: &Server,
    item: ItemRef,
) -> Result<ews_client::wire::CalendarItem, ews_client::ResponseError> {
    let question = GetItem { items: vec![item], shape: full() };
    server.client.get_item(&target(), &question).await.unwrap().remove(0)
}

#[tokio::test]
async fn an_appointment_lives_and_dies_on_every_version() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let id =
            make(&server, appointment("one", "2026-03-02T09:00:00+01:00", "2026-03-02T10:00:00+01:00")).await;
        let item = get(&server, id.clone().into()).await.unwrap();
        assert_eq!(item.subject.as_deref(), Some("one"));
        assert_eq!(item.location.as_deref(), Some("<Lager> & Hof"));
        assert_eq!(item.start.unwrap().to_utc(), moment("2026-03-02T08:00:00Z").to_utc());
        assert_eq!(item.extended(&MARK), Some("one"));
        assert_eq!(item.calendar_item_type, Some(ItemKind::Single));
        let old = version == ServerVersion::Exchange2007Sp1 || version == ServerVersion::Exchange2010Sp2;
        let busy = if old { BusyStatus::Busy } else { BusyStatus::WorkingElsewhere };
        assert_eq!(item.legacy_free_busy_status, Some(busy), "{version:?}");

        let change = UpdateItem {
            items: vec![ItemChange {
                item: id.clone().into(),
                changes: vec![
                    FieldChange::Set(Property::Subject("two".to_owned())),
                    FieldChange::Delete(Property::Categories(Vec::new()).field()),
                ],
            }],
            conflict_resolution: ConflictResolution::NeverOverwrite,
            notify: Notify::Nobody,
        };
        let updated = server.client.update_item(&target(), &change).await.unwrap().remove(0).unwrap();
        assert_eq!(updated.item_id.id, id.id);
        assert_ne!(updated.item_id.change_key, id.change_key);
        let stale = server.client.update_item(&target(), &change).await.unwrap().remove(0).unwrap_err();
        assert_eq!(stale.code, ResponseCode::IrresolvableConflict);
        let item = get(&server, id.clone().into()).await.unwrap();
        assert_eq!((item.subject.as_deref(), item.categories.len()), (Some("two"), 0));

        let remove = DeleteItem {
            items: vec![id.clone().into()],
            delete_type: DeleteType::default(),
            notify: Notify::Nobody,
        };
        server.client.delete_item(&target(), &remove).await.unwrap().remove(0).unwrap();
        assert_eq!(get(&server, id.into()).await.unwrap_err().code, ResponseCode::ItemNotFound);
        assert_eq!(server.mock.deleted_items(MAILBOX), 1);
        assert!(server.mock.outbox().is_empty());
    }
}

#[tokio::test]
async fn the_version_is_learnt_from_the_first_answer() {
    let expected = [
        Version::Exchange2007Sp1,
        Version::Exchange2010Sp2,
        Version::Exchange2013Sp1,
        Version::Exchange2016,
        Version::Exchange2016,
    ];
    for (server_version, expected) in VERSIONS.into_iter().zip(expected) {
        let server = Server::start(server_version).await;
        assert_eq!(server.client.server_build(&target()), None);
        assert_eq!(server.client.version(&target()).await.unwrap(), expected);
        assert!(server.client.server_build(&target()).is_some());
        assert_eq!(server.client.traffic().requests(), 1);
        server.client.version(&target()).await.unwrap();
        assert_eq!(server.client.traffic().requests(), 1);
    }
}

#[tokio::test]
async fn a_mailbox_on_an_older_server_steps_down_and_is_remembered() {
    let server = Server::newest().await;
    server.client.version(&target()).await.unwrap();
    let refusal = calsync_testkit::exchange::Trouble::Fault("ErrorInvalidServerVersion".to_owned());
    server.mock.trouble(refusal, 1);
    let other = Target::by_rights("anna@example.test");
    let before = server.client.traffic().requests();
    server.client.get_folder(&other, &GetFolder::of(FolderRef::Calendar)).await.unwrap();
    assert_eq!(server.client.traffic().requests(), before + 2);
}

#[tokio::test]
async fn changes_come_in_pages_and_end() {
    let server = Server::newest().await;
    let items = (0..7)
        .map(|n| appointment(&format!("{n}"), "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"))
        .collect();
    server.client.create_item(&target(), &create(items)).await.unwrap();
    let mut question =
        SyncFolderItems { folder: FolderRef::Calendar, sync_state: None, max_changes: 3, extended: vec![] };
    let mut sizes = Vec::new();
    loop {
        let page = server.client.sync_folder_items(&target(), &question).await.unwrap();
        sizes.push(page.changes.len());
        assert!(page.changes.iter().all(|change| matches!(change, Change::Create(_))));
        assert!(page.server_time.is_some());
        question.sync_state = Some(page.sync_state);
        if !page.more {
            break;
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    let quiet = server.client.sync_folder_items(&target(), &question).await.unwrap();
    assert!(quiet.changes.is_empty() && !quiet.more);
    let id = server.mock.list(MAILBOX).remove(0);
    server.mock.delete(MAILBOX, &id);
    let page = server.client.sync_folder_items(&target(), &question).await.unwrap();
    assert_eq!(
        page.changes,
        [Change::Delete(match &page.changes[0] {
            Change::Delete(id) => id.clone(),
            other => panic!("{other:?}"),
        })]
    );
}

#[tokio::test]
async fn items_are_found_by_a_property_and_by_a_window() {
    let server = Server::newest().await;
    let items = (0..5)
        .map(|n| appointment(&format!("m{n}"), "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"))
        .collect();
    server.client.create_item(&target(), &create(items)).await.unwrap();
    let by_mark = |values: &[&str], offset, max| FindItem {
        folder: FolderRef::Calendar,
        shape: full_without_body(),
        range: Range::Page {
            offset,
            max,
            restriction: Some(Restriction::OneOf {
                field: MARK,
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }),
        },
    };
    let found = server.client.find_item(&target(), &by_mark(&["m1", "m3", "nobody"], 0, 10)).await.unwrap();
    let mut marks: Vec<_> = found.items.iter().filter_map(|item| item.extended(&MARK)).collect();
    marks.sort_unstable();
    assert_eq!((marks.as_slice(), found.next_offset), (["m1", "m3"].as_slice(), None));
    let page = server.client.find_item(&target(), &by_mark(&["m0", "m1", "m2"], 0, 2)).await.unwrap();
    assert_eq!((page.items.len(), page.next_offset), (2, Some(2)));
    let window = FindItem {
        folder: FolderRef::Calendar,
        shape: Shape::IdOnly,
        range: Range::View {
            start: moment("2026-03-02T00:00:00Z"),
            end: moment("2026-03-03T00:00:00Z"),
            max: None,
        },
    };
    assert_eq!(server.client.find_item(&target(), &window).await.unwrap().items.len(), 5);
}

fn full_without_body() -> Shape {
    Shape::Fields { fields: vec![ews_client::wire::FieldRef::Extended(MARK)], body: None }
}

#[tokio::test]
async fn a_series_is_changed_occurrence_by_occurrence() {
    for version in VERSIONS {
        let server = Server::start(version).await;
        let mut properties = appointment("series", "2026-03-02T09:00:00+01:00", "2026-03-02T10:00:00+01:00");
        properties.push(Property::Recurrence(Recurrence {
            pattern: Pattern::Weekly {
                interval: 1,
                days: vec![DayOfWeek::Monday, DayOfWeek::Thursday],
                first_day: Some(DayOfWeek::Monday),
            },
            range: SeriesRange::Numbered { start: day("2026-03-02"), count: 10 },
        }));
        let master = make(&server, properties).await;
        let occurrence =
            get(&server, ItemRef::Occurrence { master: master.clone(), index: 3 }).await.unwrap();
        assert_eq!(
            occurrence.start.unwrap().to_utc(),
            moment("2026-03-09T08:00:00Z").to_utc(),
            "{version:?}"
        );
        let change = UpdateItem {
            items: vec![ItemChange {
                item: occurrence.item_id.clone().unwrap().into(),
                changes: vec![
                    FieldChange::Set(Property::Start(moment("2026-03-09T11:00:00+01:00"))),
                    FieldChange::Set(Property::End(moment("2026-03-09T12:00:00+01:00"))),
                ],
            }],
            conflict_resolution: ConflictResolution::NeverOverwrite,
            notify: Notify::Nobody,
        };
        server.client.update_item(&target(), &change).await.unwrap().remove(0).unwrap();
        let second = get(&server, ItemRef::Occurrence { master: master.clone(), index: 2 }).await.unwrap();
        let remove = DeleteItem {
            items: vec![second.item_id.unwrap().into()],
            delete_type: DeleteType::default(),
            notify: Notify::Nobody,
        };
        server.client.delete_item(&target(), &remove).await.unwrap().remove(0).unwrap();
        let item = get(&server, ItemRef::MasterOf(occurrence.item_id.unwrap())).await.unwrap();
        assert_eq!(item.calendar_item_type, Some(ItemKind::RecurringMaster));
        assert_eq!(item.modified_occurrences.len(), 1);
        assert_eq!(
            item.modified_occurrences[0].original_start.to_utc(),
            moment("2026-03-09T08:00:00Z").to_utc()
        );
        assert_eq!(item.deleted_occurrences.len(), 1);
        assert_eq!(
            item.recurrence.unwrap().range,
            SeriesRange::Numbered { start: day("2026-03-02"), count: 10 }
        );
        let gone = get(&server, ItemRef::Occurrence { master, index: 2 }).await.unwrap_err();
        assert_eq!(gone.code, ResponseCode::CalendarOccurrenceIsDeletedFromRecurrence);
    }
}

#[tokio::test]
async fn one_bad_id_does_not_fail_the_others() {
    let server = Server::newest().await;
    let id = make(&server, appointment("one", "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z")).await;
    let question = GetItem {
        items: vec![ItemRef::Id(ItemId::new("bm9uc2Vuc2U=")), id.clone().into()],
        shape: Shape::IdOnly,
    };
    let results = server.client.get_item(&target(), &question).await.unwrap();
    assert!(results[0].is_err());
    assert_eq!(results[1].as_ref().unwrap().item_id.as_ref().unwrap().id, id.id);
}

#[tokio::test]
async fn an_item_is_moved_and_gets_a_new_id() {
    let server = Server::newest().await;
    let id = make(&server, appointment("one", "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z")).await;
    let question = MoveItem { items: vec![id.clone()], to: FolderRef::DeletedItems };
    let new = server.client.move_item(&target(), &question).await.unwrap().remove(0).unwrap();
    assert_ne!(new.map(|new| new.id), Some(id.id.clone()));
    assert_eq!(get(&server, id.into()).await.unwrap_err().code, ResponseCode::ItemNotFound);
}

#[tokio::test]
async fn names_are_resolved_and_nobody_is_no_error() {
    let server = Server::newest().await;
    let ask = |name: &str| ResolveNames { name: name.to_owned() };
    let found = server.client.resolve_names(&target(), &ask("Anna")).await.unwrap();
    assert_eq!(found[0].address.as_deref(), Some(MAILBOX));
    assert!(server.client.resolve_names(&target(), &ask("nobody at all")).await.unwrap().is_empty());
}

#[tokio::test]
async fn both_ways_of_access_reach_the_calendar() {
    let server = Server::newest().await;
    for target in [Target::by_rights(MAILBOX), Target::impersonated(MAILBOX)] {
        let folder = server.client.get_folder(&target, &GetFolder::of(FolderRef::Calendar)).await.unwrap();
        assert_eq!(folder.element, "CalendarFolder");
        let rights = folder.effective_rights.unwrap();
        assert!(folder.folder_id.is_some() && rights.create_contents && rights.read);
    }
}
