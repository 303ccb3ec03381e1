//! Element order, versions and enumerations of requests, as the server's schema validation sees them.
//!
//! In: an element of a request and the schema it claims; out: nothing, or the fault of a real server. The tables are this
//! mock's own excerpt of the published schema: what calendar work needs. Elements that no table names pass unchecked.
//!
//! A rule lists an element's children in order. `a|b` are alternatives in one place, `!` marks a required place, `@2010` is
//! the first schema that knows the name.

use super::faults::Fault;
use super::fields;
use super::version::Schema;
use super::xml::Node;

/// Element, then its children in schema order.
const CHILDREN: &[(&str, &str)] = &[
    ("GetFolder", "!FolderShape !FolderIds"),
    (
        "FindFolder",
        "!FolderShape IndexedPageFolderView|FractionalPageFolderView Restriction !ParentFolderIds",
    ),
    ("UpdateFolder", "!FolderChanges"),
    ("FolderChanges", "!FolderChange"),
    ("FolderChange", "!FolderId|DistinguishedFolderId !Updates"),
    ("SyncFolderItems", "!ItemShape !SyncFolderId SyncState Ignore !MaxChangesReturned SyncScope@2010"),
    ("GetItem", "!ItemShape !ItemIds"),
    ("CreateItem", "SavedItemFolderId !Items"),
    ("UpdateItem", "SavedItemFolderId !ItemChanges"),
    ("DeleteItem", "!ItemIds"),
    ("MoveItem", "!ToFolderId !ItemIds ReturnNewItemIds@2010sp1"),
    ("CopyItem", "!ToFolderId !ItemIds ReturnNewItemIds@2010sp1"),
    (
        "FindItem",
        "!ItemShape IndexedPageItemView|FractionalPageItemView|SeekToConditionPageItemView@2013|CalendarView|ContactsView GroupBy|DistinguishedGroupBy Restriction SortOrder !ParentFolderIds QueryString@2010",
    ),
    ("GetAttachment", "AttachmentShape !AttachmentIds"),
    ("CreateAttachment", "!ParentItemId !Attachments"),
    ("DeleteAttachment", "!AttachmentIds"),
    ("AttachmentIds", "!AttachmentId"),
    ("Attachments", "ItemAttachment|FileAttachment|ReferenceAttachment@2016"),
    (
        "FileAttachment",
        "AttachmentId Name ContentType ContentId ContentLocation Size@2010 LastModifiedTime@2010 IsInline@2010 IsContactPhoto@2010 Content",
    ),
    ("ResolveNames", "ParentFolderIds !UnresolvedEntry"),
    ("GetServerTimeZones", "Ids"),
    ("ConvertId", "!SourceIds"),
    ("GetUserConfiguration", "!UserConfigurationName !UserConfigurationProperties"),
    ("UpdateUserConfiguration", "!UserConfiguration"),
    ("UserConfiguration", "!UserConfigurationName ItemId Dictionary XmlData BinaryData"),
    ("UserConfigurationName", "!FolderId|DistinguishedFolderId"),
    (
        "ItemShape",
        "!BaseShape IncludeMimeContent BodyType UniqueBodyType@2013 NormalizedBodyType@2013 FilterHtmlContent@2010 ConvertHtmlCodePageToUTF8@2010 InlineImageUrlTemplate@2013 BlockExternalImages@2013 AddBlankTargetToLinks@2013 MaximumBodySize@2013 AdditionalProperties",
    ),
    ("FolderShape", "!BaseShape AdditionalProperties"),
    (
        "ItemChange",
        "!ItemId|OccurrenceItemId|RecurringMasterItemId|RecurringMasterItemIdRanges@2013 !Updates",
    ),
    // Of items and of folders; which of them is meant is looked at by the operation.
    (
        "Updates",
        "AppendToItemField|SetItemField|DeleteItemField|AppendToFolderField|SetFolderField|DeleteFolderField",
    ),
    (
        "SetFolderField",
        "!FieldURI|IndexedFieldURI|ExtendedFieldURI !Folder|CalendarFolder|ContactsFolder|SearchFolder|TasksFolder",
    ),
    ("DeleteFolderField", "!FieldURI|IndexedFieldURI|ExtendedFieldURI"),
    (
        "CalendarFolder",
        "FolderId ParentFolderId FolderClass DisplayName TotalCount ChildFolderCount ExtendedProperty ManagedFolderInformation EffectiveRights",
    ),
    (
        "SetItemField",
        "!FieldURI|IndexedFieldURI|ExtendedFieldURI !Item|Message|CalendarItem|Contact|DistributionList|MeetingMessage|MeetingRequest|MeetingResponse|MeetingCancellation|Task|PostItem",
    ),
    (
        "AppendToItemField",
        "!FieldURI|IndexedFieldURI|ExtendedFieldURI !Item|Message|CalendarItem|Contact|DistributionList|MeetingMessage|MeetingRequest|MeetingResponse|MeetingCancellation|Task|PostItem",
    ),
    ("DeleteItemField", "!FieldURI|IndexedFieldURI|ExtendedFieldURI"),
    ("Mailbox", "Name EmailAddress RoutingType MailboxType ItemId OriginalDisplayName@2013"),
    ("Attendee", "!Mailbox ResponseType LastResponseTime ProposedStart@2013 ProposedEnd@2013"),
    ("ExtendedProperty", "!ExtendedFieldURI !Value|Values"),
    (
        "Recurrence",
        "!DailyRecurrence|WeeklyRecurrence|AbsoluteMonthlyRecurrence|RelativeMonthlyRecurrence|AbsoluteYearlyRecurrence|RelativeYearlyRecurrence !NoEndRecurrence|EndDateRecurrence|NumberedRecurrence",
    ),
    ("DailyRecurrence", "!Interval"),
    ("WeeklyRecurrence", "!Interval !DaysOfWeek FirstDayOfWeek@2010sp1"),
    ("AbsoluteMonthlyRecurrence", "!Interval !DayOfMonth"),
    ("RelativeMonthlyRecurrence", "!Interval !DaysOfWeek !DayOfWeekIndex"),
    ("AbsoluteYearlyRecurrence", "!DayOfMonth !Month"),
    ("RelativeYearlyRecurrence", "!DaysOfWeek !DayOfWeekIndex !Month"),
    ("NoEndRecurrence", "!StartDate"),
    ("EndDateRecurrence", "!StartDate !EndDate"),
    ("NumberedRecurrence", "!StartDate !NumberOfOccurrences"),
    ("ConnectingSID", "!PrincipalName|SID|PrimarySmtpAddress|SmtpAddress@2010"),
    ("TimeZoneContext", "!TimeZoneDefinition"),
    ("DistinguishedFolderId", "Mailbox"),
    ("ItemIds", "!ItemId|OccurrenceItemId|RecurringMasterItemId|RecurringMasterItemIdRanges@2013"),
    ("FolderIds", "!FolderId|DistinguishedFolderId"),
    ("ParentFolderIds", "!FolderId|DistinguishedFolderId"),
    ("ToFolderId", "!FolderId|DistinguishedFolderId"),
    ("SyncFolderId", "!FolderId|DistinguishedFolderId"),
    ("SavedItemFolderId", "!FolderId|DistinguishedFolderId"),
];

/// Element, then the attributes it may have.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("MeetingTimeZone", "TimeZoneName"),
    ("CreateItem", "MessageDisposition SendMeetingInvitations"),
    (
        "UpdateItem",
        "!ConflictResolution MessageDisposition SendMeetingInvitationsOrCancellations SuppressReadReceipts@2013sp1",
    ),
    (
        "DeleteItem",
        "!DeleteType SendMeetingCancellations AffectedTaskOccurrences SuppressReadReceipts@2013sp1",
    ),
    ("FindItem", "!Traversal"),
    ("FindFolder", "!Traversal"),
    ("ItemId", "!Id ChangeKey"),
    ("ParentItemId", "!Id ChangeKey"),
    ("AttachmentId", "!Id"),
    ("FolderId", "!Id ChangeKey"),
    ("DistinguishedFolderId", "!Id ChangeKey"),
    ("OccurrenceItemId", "!RecurringMasterId ChangeKey !InstanceIndex"),
    ("RecurringMasterItemId", "!OccurrenceId ChangeKey"),
    ("CalendarView", "MaxEntriesReturned !StartDate !EndDate"),
    ("IndexedPageItemView", "MaxEntriesReturned !Offset !BasePoint"),
    ("IndexedPageFolderView", "MaxEntriesReturned !Offset !BasePoint"),
    ("Body", "!BodyType"),
    (
        "ExtendedFieldURI",
        "DistinguishedPropertySetId PropertySetId PropertyTag PropertyName PropertyId !PropertyType",
    ),
    ("StartTimeZone", "Id Name"),
    ("EndTimeZone", "Id Name"),
];

/// Element (or `Element/@Attribute`), then the values it may have.
const VALUES: &[(&str, &str)] = &[
    ("BaseShape", "IdOnly Default AllProperties PcxPeopleSearch@2013sp1"),
    ("BodyType", "Best HTML Text"),
    ("Body/@BodyType", "HTML Text"),
    ("Sensitivity", "Normal Personal Private Confidential"),
    ("Importance", "Low Normal High"),
    ("LegacyFreeBusyStatus", "Free Tentative Busy OOF WorkingElsewhere@2013 NoData"),
    ("DayOfWeekIndex", "First Second Third Fourth Last"),
    ("FirstDayOfWeek", "Sunday Monday Tuesday Wednesday Thursday Friday Saturday"),
    ("SyncScope", "NormalItems NormalAndAssociatedItems"),
    ("UpdateItem/@ConflictResolution", "NeverOverwrite AutoResolve AlwaysOverwrite"),
    ("DeleteItem/@DeleteType", "HardDelete SoftDelete MoveToDeletedItems"),
    ("CreateItem/@MessageDisposition", "SaveOnly SendOnly SendAndSaveCopy"),
    ("UpdateItem/@MessageDisposition", "SaveOnly SendOnly SendAndSaveCopy"),
    ("FindItem/@Traversal", "Shallow SoftDeleted Associated@2010"),
    ("FindFolder/@Traversal", "Shallow Deep SoftDeleted"),
    ("IndexedPageItemView/@BasePoint", "Beginning End"),
    (
        "DistinguishedFolderId/@Id",
        "calendar contacts deleteditems drafts inbox journal notes outbox sentitems tasks msgfolderroot publicfoldersroot root junkemail searchfolders voicemail recoverableitemsroot@2010sp1 recoverableitemsdeletions@2010sp1 recoverableitemsversions@2010sp1 recoverableitemspurges@2010sp1 archiveroot@2010sp1 archivemsgfolderroot@2010sp1 archivedeleteditems@2010sp1 syncissues@2013 conflicts@2013 localfailures@2013 serverfailures@2013 recipientcache@2013 quickcontacts@2013 conversationhistory@2013 todosearch@2013 adminauditlogs@2013 mycontacts@2013 directory@2013 imcontactlist@2013 peopleconnect@2013 favorites@2013",
    ),
];

fn known(table: &'static [(&'static str, &'static str)], key: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| *name == key).map(|(_, rule)| *rule)
}

/// Splits `Name@2010` into the name and whether the schema has it.
fn versioned(word: &str, schema: Schema) -> (&str, bool) {
    match word.split_once('@') {
        Some((name, since)) => (name, schema >= Schema::from_table(since)),
        None => (word, true),
    }
}

/// Checks an element and everything below it.
pub(crate) fn check(node: &Node, schema: Schema) -> Result<(), Fault> {
    check_attributes(node, schema)?;
    if let Some(allowed) = known(VALUES, &node.name).filter(|_| !node.text.is_empty()) {
        check_value(&node.name, "element", node.text.trim(), allowed, schema)?;
    }
    if node.name == "DaysOfWeek" {
        for day in node.text.split_ascii_whitespace() {
            check_value(
                "DaysOfWeek",
                "element",
                day,
                "Sunday Monday Tuesday Wednesday Thursday Friday Saturday Day Weekday WeekendDay",
                schema,
            )?;
        }
    }
    if node.name == "CalendarItem" {
        check_order(node, fields::order(schema), schema)?;
    } else if let Some(rule) = known(CHILDREN, &node.name) {
        check_order(node, rule.split(' '), schema)?;
    }
    node.children.iter().try_for_each(|child| check(child, schema))
}

fn check_attributes(node: &Node, schema: Schema) -> Result<(), Fault> {
    if let Some(rule) = known(ATTRIBUTES, &node.name) {
        let mut allowed = Vec::new();
        for word in rule.split(' ') {
            let required = word.starts_with('!');
            let (name, has) = versioned(word.trim_start_matches('!'), schema);
            if required && node.attr(name).is_none() {
                return Err(Fault::schema(&format!("The required attribute '{name}' is missing.")));
            }
            if has {
                allowed.push(name);
            }
        }
        for (key, _) in &node.attrs {
            if !key.contains(':') && !allowed.contains(&key.as_str()) {
                return Err(Fault::schema(&format!("The '{key}' attribute is not declared.")));
            }
        }
    }
    for (key, value) in &node.attrs {
        if let Some(allowed) = known(VALUES, &format!("{}/@{key}", node.name)) {
            check_value(key, "attribute", value, allowed, schema)?;
        }
    }
    Ok(())
}

fn check_value(name: &str, what: &str, value: &str, allowed: &str, schema: Schema) -> Result<(), Fault> {
    let fits = allowed.split(' ').any(|word| versioned(word, schema) == (value, true));
    if fits {
        return Ok(());
    }
    Err(Fault::schema(&format!(
        "The '{name}' {what} is invalid - The value '{value}' is invalid according to its datatype - The Enumeration constraint failed."
    )))
}

fn check_order<'r>(node: &Node, places: impl Iterator<Item = &'r str>, schema: Schema) -> Result<(), Fault> {
    let places: Vec<&str> = places.collect();
    let mut at = 0;
    for child in &node.children {
        let found = places.iter().enumerate().skip(at).find(|(_, place)| {
            place
                .trim_start_matches('!')
                .split('|')
                .any(|word| versioned(word, schema) == (child.name.as_str(), true))
        });
        let Some((place, _)) = found else {
            return Err(Fault::schema(&format!(
                "The element '{}' in namespace '{}' has invalid child element '{}'.",
                node.name,
                super::xml::TYPES,
                child.name
            )));
        };
        at = place;
    }
    match places.iter().find(|place| place.starts_with('!') && !holds(node, place)) {
        Some(place) => Err(Fault::schema(&format!(
            "The element '{}' has incomplete content. List of possible elements expected: '{}'.",
            node.name,
            place.trim_start_matches('!')
        ))),
        None => Ok(()),
    }
}

fn holds(node: &Node, place: &str) -> bool {
    place
        .trim_start_matches('!')
        .split('|')
        .any(|word| node.child(word.split('@').next().unwrap_or(word)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::xml::parse;

    fn verdict(xml: &str, schema: Schema) -> Result<(), String> {
        check(&parse(xml.as_bytes()).unwrap(), schema).map_err(|f| f.0.text)
    }

    #[test]
    fn calendar_elements_in_the_wrong_order_are_refused() {
        let right = "<CalendarItem><Subject>a</Subject><Start>x</Start><End>y</End><Location>z</Location></CalendarItem>";
        let wrong = "<CalendarItem><Start>x</Start><Subject>a</Subject></CalendarItem>";
        assert_eq!(verdict(right, Schema::E2016), Ok(()));
        assert!(verdict(wrong, Schema::E2016).unwrap_err().contains("invalid child element 'Subject'"));
    }

    #[test]
    fn elements_newer_than_the_schema_are_refused() {
        let zone = "<CalendarItem><StartTimeZone Id=\"UTC\"/></CalendarItem>";
        assert!(verdict(zone, Schema::E2007Sp1).is_err());
        assert_eq!(verdict(zone, Schema::E2010), Ok(()));
        let week = "<WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>Monday</DaysOfWeek><FirstDayOfWeek>Monday</FirstDayOfWeek></WeeklyRecurrence>";
        assert!(verdict(week, Schema::E2007Sp1).is_err());
        assert_eq!(verdict(week, Schema::E2010Sp2), Ok(()));
    }

    #[test]
    fn missing_elements_and_attributes_are_refused() {
        assert!(
            verdict("<GetItem><ItemIds><ItemId Id=\"a\"/></ItemIds></GetItem>", Schema::E2016)
                .unwrap_err()
                .contains("incomplete content")
        );
        assert!(
            verdict("<GetItem><ItemShape><BaseShape>IdOnly</BaseShape></ItemShape></GetItem>", Schema::E2016)
                .is_err()
        );
        assert!(verdict("<GetItem/>", Schema::E2016).is_err());
        assert!(verdict("<ItemId ChangeKey=\"x\"/>", Schema::E2016).unwrap_err().contains("'Id'"));
        assert!(
            verdict(
                "<Recurrence><DailyRecurrence><Interval>1</Interval></DailyRecurrence></Recurrence>",
                Schema::E2016
            )
            .is_err()
        );
    }

    #[test]
    fn the_zone_of_2007_has_a_name_and_no_id() {
        assert!(verdict("<MeetingTimeZone Id=\"UTC\"/>", Schema::E2007Sp1).is_err());
        assert_eq!(verdict("<MeetingTimeZone TimeZoneName=\"UTC\"/>", Schema::E2007Sp1), Ok(()));
    }

    #[test]
    fn values_outside_their_enumeration_are_refused() {
        assert!(
            verdict("<LegacyFreeBusyStatus>WorkingElsewhere</LegacyFreeBusyStatus>", Schema::E2010Sp2)
                .is_err()
        );
        assert_eq!(
            verdict("<LegacyFreeBusyStatus>WorkingElsewhere</LegacyFreeBusyStatus>", Schema::E2013),
            Ok(())
        );
        assert!(verdict("<DaysOfWeek>Montag</DaysOfWeek>", Schema::E2013).is_err());
        assert!(verdict("<DistinguishedFolderId Id=\"kalender\"/>", Schema::E2013).is_err());
    }
}
