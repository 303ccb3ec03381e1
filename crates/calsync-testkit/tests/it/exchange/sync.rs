//! Synchronisation states.

use calsync_testkit::people::Calendars as _;

use super::{ANNA, Desk, item_id};

fn fill(desk: &Desk, n: usize) -> Vec<String> {
    (0..n)
        .map(|k| desk.appointment(&format!("{k}"), "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z", "").0)
        .collect()
}

#[test]
fn pages_come_newest_first_and_cover_everything_once() {
    let desk = Desk::new();
    let ids = fill(&desk, 23);
    let mut seen = Vec::new();
    let mut state = String::new();
    loop {
        let page = desk.sync(&state, 10);
        seen.extend(page.attrs("t:ItemId", "Id"));
        state = page.text("m:SyncState");
        if page.text("m:IncludesLastItemInRange") == "true" {
            break;
        }
    }
    let mut newest_first = ids.clone();
    newest_first.reverse();
    assert_eq!(seen, newest_first);
    assert_eq!(desk.sync(&state, 512).attrs("t:ItemId", "Id"), Vec::<String>::new());
}

#[test]
fn changes_between_two_pages_are_neither_lost_nor_given_twice() {
    let desk = Desk::new();
    let ids = fill(&desk, 12);
    let first = desk.sync("", 5);
    // One already given is changed, one not yet given deleted, one not yet given changed, one new.
    let given = &ids[11];
    assert!(first.attrs("t:ItemId", "Id").contains(given));
    let key = desk.get(given).id().1;
    desk.set(&(given.clone(), key), "NeverOverwrite", "item:Subject", "<t:Subject>a</t:Subject>");
    desk.delete(&item_id(&ids[0]), "HardDelete");
    let key = desk.get(&ids[1]).id().1;
    desk.set(&(ids[1].clone(), key), "NeverOverwrite", "item:Subject", "<t:Subject>b</t:Subject>");
    let new = fill(&desk, 1);
    let rest = desk.sync(&first.text("m:SyncState"), 512);
    assert_eq!(rest.text("m:IncludesLastItemInRange"), "true");
    let updates = rest.body.matches("<t:Update>").count();
    assert_eq!((updates, rest.body.matches("<t:Delete>").count()), (1, 0), "{}", rest.body);
    let mut all = rest.attrs("t:ItemId", "Id");
    assert_eq!(all.len(), 6 + 1 + 1);
    assert!(all.contains(given) && all.contains(&ids[1]) && all.contains(&new[0]) && !all.contains(&ids[0]));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 8);
}

#[test]
fn created_changed_and_deleted_items_are_told_apart() {
    let desk = Desk::new();
    let ids = fill(&desk, 3);
    let state = desk.sync("", 512).text("m:SyncState");
    let key = desk.get(&ids[0]).id().1;
    desk.set(&(ids[0].clone(), key), "NeverOverwrite", "item:Subject", "<t:Subject>a</t:Subject>");
    desk.delete(&item_id(&ids[1]), "MoveToDeletedItems");
    let new = fill(&desk, 1);
    let gone = fill(&desk, 1);
    desk.delete(&item_id(&gone[0]), "HardDelete");
    let seen = desk.sync(&state, 512);
    let part =
        |name: &str| super::Seen { status: 200, body: seen.texts(name).join("") }.attrs("t:ItemId", "Id");
    assert_eq!(part("t:Create"), new);
    assert_eq!(part("t:Update"), [ids[0].clone()]);
    assert_eq!(part("t:Delete"), [ids[1].clone()]);
    // The old state still gives the same answer: states are values.
    assert_eq!(desk.sync(&state, 512).attrs("t:ItemId", "Id"), seen.attrs("t:ItemId", "Id"));
}

#[test]
fn a_changed_occurrence_is_an_update_of_its_master() {
    let desk = Desk::new();
    let (master, _) = desk.appointment(
        "x",
        "2026-12-01T09:00:00Z",
        "2026-12-01T10:00:00Z",
        "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence><t:StartDate>2026-12-01</t:StartDate></t:NoEndRecurrence></t:Recurrence>",
    );
    let state = desk.sync("", 512).text("m:SyncState");
    desk.delete(
        &format!(r#"<t:OccurrenceItemId RecurringMasterId="{master}" InstanceIndex="2"/>"#),
        "HardDelete",
    );
    let seen = desk.sync(&state, 512);
    assert_eq!((seen.body.matches("<t:Update>").count(), seen.id().0), (1, master));
}

#[test]
fn moving_away_is_a_delete_and_coming_back_is_a_create_with_a_new_id() {
    let desk = Desk::new();
    let ids = fill(&desk, 1);
    let state = desk.sync("", 512).text("m:SyncState");
    desk.mock.delete(ANNA, &ids[0]);
    let seen = desk.sync(&state, 512);
    assert_eq!((seen.body.matches("<t:Delete>").count(), seen.id().0), (1, ids[0].clone()));
    let back = desk.mock.restore_deleted(ANNA).unwrap();
    assert_ne!(back, ids[0]);
    let seen = desk.sync(&seen.text("m:SyncState"), 512);
    assert_eq!((seen.body.matches("<t:Create>").count(), seen.id().0), (1, back));
}

#[test]
fn bad_foreign_and_outdated_states_are_refused() {
    let desk = Desk::new();
    fill(&desk, 2);
    let state = desk.sync("", 512).text("m:SyncState");
    let refused = ["ErrorInvalidSyncStateData"];
    assert_eq!(desk.sync("nonsense", 512).codes(), refused);
    assert_eq!(desk.sync("H4sIAAA=", 512).codes(), refused);
    let other = desk.ask(&format!(
        r#"<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id="deleteditems"/></m:SyncFolderId><m:SyncState>{state}</m:SyncState><m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>"#
    ));
    assert_eq!(other.codes(), refused);
    desk.mock.invalidate_sync_states(ANNA);
    assert_eq!(desk.sync(&state, 512).codes(), refused);
    assert_eq!(desk.sync("", 512).codes(), ["NoError"]);
}

#[test]
fn the_page_size_has_a_limit() {
    let desk = Desk::new();
    for most in [0, 513] {
        assert_eq!(desk.sync("", most).codes(), ["ErrorSchemaValidation"]);
    }
}

#[test]
fn rich_shapes_still_lack_recurrence_and_body() {
    let desk = Desk::new();
    desk.appointment(
        "x",
        "2026-12-01T09:00:00Z",
        "2026-12-01T10:00:00Z",
        "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence><t:StartDate>2026-12-01</t:StartDate></t:NoEndRecurrence></t:Recurrence>",
    );
    let seen = desk.ask(&format!(
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:SyncFolderId>{}</m:SyncFolderId><m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>",
        super::CALENDAR
    ));
    assert!(seen.has("t:Subject") && !seen.has("t:Recurrence") && !seen.has("t:Body"));
    assert_eq!(seen.text("t:CalendarItemType"), "RecurringMaster");
}

#[test]
fn other_kinds_of_items_lie_in_a_calendar_too() {
    let desk = Desk::new();
    desk.mock.add_foreign_item(ANNA, "IPM.Note", "Notiz").unwrap();
    assert!(desk.sync("", 512).has("t:Message"));
}
