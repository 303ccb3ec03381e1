//! Items as answers hold them.
//!
//! In: a [`View`] and a [`Shape`]; out: a `CalendarItem` element with its children in schema order. Times are UTC, or in the
//! zone of the request's context; computed properties are computed here and nowhere stored.

use super::body;
use super::faults::Refusal;
use super::item::{Attached, Attendee, ExtendedKey, Item, Role, View};
use super::ops::attachments::write_attached;
use super::recurrence::{DaySet, End, INDEXES, MONTHS, Pattern, Recurrence, WEEKDAYS};
use super::shape::Shape;
use super::soap::Context;
use super::time::{date_in, duration, zoned};
use super::version::Schema;
use super::world::{Mailbox, Rights};
use super::xml::Xml;
use super::zone_xml::{write_definition, write_meeting_zone};
use super::zones::Zone;

/// Writes an item or an occurrence.
pub(crate) fn write_item(xml: &mut Xml, ctx: &Context, mailbox: &Mailbox, view: View<'_>, shape: &Shape) {
    let calendar = view.item.foreign_class.is_none();
    xml.open(if calendar { "t:CalendarItem" } else { "t:Message" });
    let writer = ItemWriter { ctx, mailbox, view, shape, content: view.content() };
    writer.item_part(xml);
    if calendar {
        writer.calendar_part(xml);
    }
    xml.close();
}

struct ItemWriter<'a> {
    ctx: &'a Context,
    mailbox: &'a Mailbox,
    view: View<'a>,
    shape: &'a Shape,
    content: super::item::Content,
}

impl ItemWriter<'_> {
    fn has(&self, uri: &str) -> bool {
        self.shape.has(self.ctx, uri)
    }

    fn text(&self, xml: &mut Xml, uri: &str, value: &str) {
        if self.has(uri) {
            xml.leaf(&format!("t:{}", name(uri)), value);
        }
    }

    fn some(&self, xml: &mut Xml, uri: &str, value: Option<&String>) {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            self.text(xml, uri, value);
        }
    }

    fn flag(&self, xml: &mut Xml, uri: &str, value: bool) {
        self.text(xml, uri, if value { "true" } else { "false" });
    }

    fn item_part(&self, xml: &mut Xml) {
        let (item, ctx) = (self.view.item, self.ctx);
        let id = self.mailbox.item_id(item, self.view.occurrence);
        xml.empty_with("t:ItemId", &[("Id", &id), ("ChangeKey", &self.mailbox.change_key(item))]);
        if self.has("item:ParentFolderId") {
            let folder = self.mailbox.folders.get(&item.folder);
            let key = super::ids::change_key(
                super::ids::KeyKind::Folder,
                &self.mailbox.guid,
                folder.map_or(1, |f| f.change),
            );
            xml.empty_with(
                "t:ParentFolderId",
                &[("Id", &self.mailbox.folder_id(item.folder)), ("ChangeKey", &key)],
            );
        }
        let class = match (&item.foreign_class, self.view.kind()) {
            (Some(class), _) => class.as_str(),
            (None, "Occurrence" | "Exception") => "IPM.Appointment.Occurrence",
            (None, _) => "IPM.Appointment",
        };
        self.text(xml, "item:ItemClass", class);
        self.some(xml, "item:Subject", self.content.subject.as_ref());
        self.text(xml, "item:Sensitivity", self.content.sensitivity.as_deref().unwrap_or("Normal"));
        if self.has("item:Body")
            && let Some(stored) = &self.content.body
        {
            let (kind, text) = body::render(stored, &self.shape.body_type);
            xml.leaf_with("t:Body", &[("BodyType", kind)], &text);
        }
        let files: &[Attached] = if self.view.occurrence.is_none() { &item.files } else { &[] };
        if self.has("item:Attachments") && !files.is_empty() {
            xml.open("t:Attachments");
            for file in files {
                write_attached(xml, ctx, self.mailbox, item, file, false);
            }
            xml.close();
        }
        self.text(xml, "item:DateTimeReceived", &ctx.time(item.created));
        self.text(xml, "item:Size", &self.size().to_string());
        if self.has("item:Categories")
            && let Some(categories) = self.content.categories.as_ref().filter(|c| !c.is_empty())
        {
            xml.open("t:Categories");
            for category in categories {
                xml.leaf("t:String", category);
            }
            xml.close();
        }
        self.text(xml, "item:Importance", self.content.importance.as_deref().unwrap_or("Normal"));
        for uri in ["item:IsSubmitted", "item:IsDraft", "item:IsFromMe", "item:IsResend", "item:IsUnmodified"]
        {
            self.flag(xml, uri, false);
        }
        self.text(xml, "item:DateTimeSent", &ctx.time(item.created));
        self.text(xml, "item:DateTimeCreated", &ctx.time(item.created));
        self.response_objects(xml);
        let start = self.view.span().0;
        if item.foreign_class.is_none() {
            self.text(xml, "item:ReminderDueBy", &ctx.time(start));
            self.flag(xml, "item:ReminderIsSet", self.content.reminder_set.unwrap_or(false));
            let minutes = self.content.reminder_minutes.unwrap_or(15);
            if self.content.reminder_set.unwrap_or(false) {
                let due = start - jiff::SignedDuration::from_mins(i64::from(minutes));
                self.text(xml, "item:ReminderNextTime", &ctx.time(due));
            }
            self.text(xml, "item:ReminderMinutesBeforeStart", &minutes.to_string());
        }
        if self.has("item:DisplayCc") {
            xml.leaf("t:DisplayCc", &names(self.content.optional.as_ref()));
        }
        if self.has("item:DisplayTo") {
            xml.leaf("t:DisplayTo", &names(self.content.required.as_ref()));
        }
        // Images inside the text do not count.
        self.flag(xml, "item:HasAttachments", files.iter().any(|file| !file.inline));
        for key in &self.shape.extended {
            if let Some(values) = self.content.extended.get(key).filter(|v| !v.is_empty()) {
                write_extended(xml, key, values);
            }
        }
        self.text(xml, "item:Culture", self.content.culture.as_deref().unwrap_or("de-DE"));
        self.effective_rights(xml);
        self.text(xml, "item:LastModifiedName", &item.modified_by);
        self.text(xml, "item:LastModifiedTime", &ctx.time(self.view.modified()));
        self.flag(xml, "item:IsAssociated", false);
        if self.has("item:TextBody")
            && let Some(stored) = &self.content.body
        {
            xml.leaf_with("t:TextBody", &[("BodyType", "Text")], &body::plain(stored));
        }
    }

    fn calendar_part(&self, xml: &mut Xml) {
        let (item, ctx, view) = (self.view.item, self.ctx, self.view);
        let (start, end) = view.span();
        self.text(xml, "calendar:UID", &item.uid);
        let original = view.occurrence.map(|day| item.slot(day).0);
        if let Some(original) = original {
            self.text(xml, "calendar:RecurrenceId", &ctx.time(original));
        }
        self.text(xml, "calendar:DateTimeStamp", &ctx.time(item.created));
        self.text(xml, "calendar:Start", &ctx.time(start));
        self.text(xml, "calendar:End", &ctx.time(end));
        if let Some(original) = original {
            self.text(xml, "calendar:OriginalStart", &ctx.time(original));
        }
        self.flag(xml, "calendar:IsAllDayEvent", view.all_day());
        let busy = self.content.busy.as_deref().unwrap_or("Busy");
        let busy = if busy == "WorkingElsewhere" && !ctx.knows(Schema::E2013) { "Free" } else { busy };
        self.text(xml, "calendar:LegacyFreeBusyStatus", busy);
        self.some(xml, "calendar:Location", self.content.location.as_ref());
        let meeting = self.content.has_attendees() || item.meeting.role == Role::Attendee;
        self.flag(xml, "calendar:IsMeeting", meeting);
        self.flag(xml, "calendar:IsCancelled", view.cancelled());
        self.flag(xml, "calendar:IsRecurring", view.occurrence.is_some());
        self.flag(xml, "calendar:MeetingRequestWasSent", item.meeting.request_sent);
        self.flag(xml, "calendar:IsResponseRequested", self.content.response_requested.unwrap_or(true));
        self.text(xml, "calendar:CalendarItemType", view.kind());
        let response = if meeting { view.my_response() } else { "Organizer" };
        self.text(xml, "calendar:MyResponseType", response);
        if self.has("calendar:Organizer") {
            xml.open("t:Organizer");
            write_mailbox(xml, &item.meeting.organizer);
            xml.close();
        }
        let lists = [
            ("calendar:RequiredAttendees", &self.content.required),
            ("calendar:OptionalAttendees", &self.content.optional),
            ("calendar:Resources", &self.content.resources),
        ];
        for (uri, people) in lists {
            if let Some(people) = people.as_ref().filter(|p| !p.is_empty() && self.has(uri)) {
                xml.open(&format!("t:{}", name(uri)));
                for person in people {
                    xml.open("t:Attendee");
                    write_mailbox(xml, person);
                    // Exchange 2010 leaves the element out while there is no response.
                    if person.response != "Unknown" || !ctx.knows(Schema::E2010) || ctx.knows(Schema::E2013) {
                        xml.leaf("t:ResponseType", &person.response);
                    }
                    xml.close();
                }
                xml.close();
            }
        }
        self.text(xml, "calendar:ConflictingMeetingCount", "0");
        self.text(xml, "calendar:AdjacentMeetingCount", "0");
        self.text(xml, "calendar:Duration", &duration(start.duration_until(end)));
        // From 2016 on only recurring items have the old display name.
        if !ctx.knows(Schema::E2016) || item.series.is_some() {
            self.text(xml, "calendar:TimeZone", item.when.zone.display_name());
        }
        self.text(xml, "calendar:AppointmentSequenceNumber", &item.meeting.sequence.to_string());
        self.text(xml, "calendar:AppointmentState", &state(view, meeting).to_string());
        if view.occurrence.is_none() && item.series.is_some() {
            self.series_part(xml);
        }
        if !ctx.knows(Schema::E2010)
            && self.has("calendar:MeetingTimeZone")
            && (meeting || item.series.is_some())
        {
            write_meeting_zone(xml, &item.when.zone, ctx.now);
        }
        for (uri, zone) in
            [("calendar:StartTimeZone", &item.when.zone), ("calendar:EndTimeZone", &item.when.end_zone)]
        {
            if self.has(uri) {
                write_definition(xml, &format!("t:{}", name(uri)), zone, ctx.now);
            }
        }
        if !ctx.knows(Schema::E2016) {
            self.text(xml, "calendar:ConferenceType", "0");
        }
        self.flag(xml, "calendar:AllowNewTimeProposal", true);
        self.flag(xml, "calendar:IsOnlineMeeting", false);
        self.text(xml, "calendar:StartWallClock", &zoned(start, &item.when.zone));
        self.text(xml, "calendar:EndWallClock", &zoned(end, &item.when.end_zone));
        self.text(xml, "calendar:StartTimeZoneId", &item.when.zone.id);
        self.text(xml, "calendar:EndTimeZoneId", &item.when.end_zone.id);
        self.text(xml, "calendar:IntendedFreeBusyStatus", busy);
        self.flag(xml, "calendar:IsOrganizer", item.meeting.role == Role::Own);
    }

    fn series_part(&self, xml: &mut Xml) {
        let item = self.view.item;
        let Some(series) = &item.series else { return };
        if self.has("calendar:Recurrence") {
            write_recurrence(xml, &series.recurrence, &item.when.zone, self.ctx);
        }
        let ends = [
            ("calendar:FirstOccurrence", item.standing_days(jiff::civil::Date::MIN).next()),
            ("calendar:LastOccurrence", last_standing(item)),
        ];
        for (uri, day) in ends {
            if let Some(day) = day.filter(|_| self.has(uri)) {
                self.occurrence_info(xml, &format!("t:{}", name(uri)), day);
            }
        }
        if self.has("calendar:ModifiedOccurrences") && !series.exceptions.is_empty() {
            xml.open("t:ModifiedOccurrences");
            for day in series.exceptions.keys() {
                self.occurrence_info(xml, "t:Occurrence", *day);
            }
            xml.close();
        }
        if self.has("calendar:DeletedOccurrences") && !series.deleted.is_empty() {
            xml.open("t:DeletedOccurrences");
            for day in &series.deleted {
                xml.open("t:DeletedOccurrence");
                xml.leaf("t:Start", &self.ctx.time(item.slot(*day).0));
                xml.close();
            }
            xml.close();
        }
    }

    fn occurrence_info(&self, xml: &mut Xml, element: &str, day: jiff::civil::Date) {
        let view = View { item: self.view.item, occurrence: Some(day) };
        let (start, end) = view.span();
        xml.open(element);
        let id = self.mailbox.item_id(view.item, Some(day));
        xml.empty_with("t:ItemId", &[("Id", &id), ("ChangeKey", &self.mailbox.change_key(view.item))]);
        xml.leaf("t:Start", &self.ctx.time(start));
        xml.leaf("t:End", &self.ctx.time(end));
        xml.leaf("t:OriginalStart", &self.ctx.time(view.item.slot(day).0));
        xml.close();
    }

    fn response_objects(&self, xml: &mut Xml) {
        if !self.has("item:ResponseObjects") {
            return;
        }
        let names: &[&str] = match (self.view.item.meeting.role, self.content.has_attendees()) {
            (Role::Attendee, _) => &[
                "AcceptItem",
                "TentativelyAcceptItem",
                "DeclineItem",
                "ReplyToItem",
                "ReplyAllToItem",
                "ForwardItem",
            ],
            (Role::Own, true) => &["CancelCalendarItem", "ForwardItem"],
            (Role::Own, false) => &["ForwardItem"],
        };
        xml.open("t:ResponseObjects");
        for name in names {
            xml.empty(&format!("t:{name}"));
        }
        xml.close();
    }

    fn effective_rights(&self, xml: &mut Xml) {
        if !self.has("item:EffectiveRights") {
            return;
        }
        let kind = self.mailbox.folders.get(&self.view.item.folder).map(|f| f.kind);
        let rights = kind.map_or(Rights::None, |kind| self.mailbox.rights_of(&self.ctx.caller, kind));
        write_rights(xml, self.ctx, self.mailbox, rights, false);
    }

    fn size(&self) -> usize {
        let body = self.content.body.as_ref().map_or(0, |b| b.text.len() * 2);
        let subject = self.content.subject.as_ref().map_or(0, String::len);
        700 + body
            + subject * 2
            + self.view.item.series.as_ref().map_or(0, |s| 300 + 250 * s.exceptions.len())
    }
}

/// Writes what the caller may do with an item or a folder.
pub(crate) fn write_rights(xml: &mut Xml, ctx: &Context, mailbox: &Mailbox, rights: Rights, folder: bool) {
    let write = rights >= Rights::Editor;
    xml.open("t:EffectiveRights");
    xml.flag("t:CreateAssociated", folder && write);
    xml.flag("t:CreateContents", folder && write);
    xml.flag("t:CreateHierarchy", folder && rights == Rights::Owner);
    xml.flag("t:Delete", if folder { rights == Rights::Owner } else { write });
    xml.flag("t:Modify", if folder { rights == Rights::Owner } else { write });
    xml.flag("t:Read", rights >= Rights::Reviewer);
    if ctx.knows(Schema::E2010) {
        xml.flag("t:ViewPrivateItems", rights >= Rights::Reviewer && mailbox.sees_private(&ctx.caller));
    }
    xml.close();
}

/// The last occurrence that still stands, of a series that ends.
pub(crate) fn last_standing(item: &Item) -> Option<jiff::civil::Date> {
    let series = item.series.as_ref()?;
    let last = series.recurrence.last()?;
    if series.deleted.contains(&last) {
        item.standing_days(jiff::civil::Date::MIN).last()
    } else {
        Some(last)
    }
}

fn state(view: View<'_>, meeting: bool) -> u8 {
    let base = match (view.item.meeting.role, meeting) {
        (Role::Attendee, _) => 3,
        (Role::Own, true) => 1,
        (Role::Own, false) => 0,
    };
    if view.cancelled() { base | 4 } else { base }
}

fn name(uri: &str) -> &str {
    uri.split_once(':').map_or(uri, |(_, name)| name)
}

fn names(people: Option<&Vec<Attendee>>) -> String {
    people.into_iter().flatten().map(|p| p.name.as_str()).collect::<Vec<_>>().join("; ")
}

fn write_mailbox(xml: &mut Xml, person: &Attendee) {
    xml.open("t:Mailbox");
    xml.leaf("t:Name", &person.name);
    xml.leaf("t:EmailAddress", &person.address);
    xml.leaf("t:RoutingType", "SMTP");
    xml.close();
}

/// Writes an extended property with its key.
pub(crate) fn write_extended(xml: &mut Xml, key: &ExtendedKey, values: &[String]) {
    xml.open("t:ExtendedProperty");
    let mut attrs: Vec<(&str, &str)> = key.attrs.iter().map(|(k, v)| (*k, v.as_str())).collect();
    attrs.push(("PropertyType", &key.kind));
    xml.empty_with("t:ExtendedFieldURI", &attrs);
    if key.kind.ends_with("Array") {
        xml.open("t:Values");
        for value in values {
            xml.leaf("t:Value", value);
        }
        xml.close();
    } else {
        xml.leaf("t:Value", values.first().map_or("", String::as_str));
    }
    xml.close();
}

fn write_recurrence(xml: &mut Xml, recurrence: &Recurrence, zone: &Zone, ctx: &Context) {
    xml.open("t:Recurrence");
    write_pattern(xml, &recurrence.pattern, ctx);
    // Newer servers add the offset of the day's midnight, which says nothing.
    let date = |day| {
        if ctx.knows(Schema::E2010) { date_in(day, zone) } else { day.strftime("%Y-%m-%d").to_string() }
    };
    let start = date(recurrence.start);
    match recurrence.end {
        End::Never => {
            xml.open("t:NoEndRecurrence");
            xml.leaf("t:StartDate", &start);
        }
        End::Day(day) => {
            xml.open("t:EndDateRecurrence");
            xml.leaf("t:StartDate", &start);
            xml.leaf("t:EndDate", &date(day));
        }
        End::Count(n) => {
            xml.open("t:NumberedRecurrence");
            xml.leaf("t:StartDate", &start);
            xml.leaf("t:NumberOfOccurrences", &n.to_string());
        }
    }
    xml.close();
    xml.close();
}

fn write_pattern(xml: &mut Xml, pattern: &Pattern, ctx: &Context) {
    let day_name = |day| WEEKDAYS.iter().find(|(d, _)| *d == day).map_or("Sunday", |(_, name)| name);
    let set_name = |days: &DaySet| match days {
        DaySet::One(day) => day_name(*day),
        DaySet::Any => "Day",
        DaySet::Working => "Weekday",
        DaySet::Weekend => "WeekendDay",
    };
    let index_name = |index| INDEXES.iter().find(|(i, _)| *i == index).map_or("First", |(_, name)| name);
    let month_name =
        |month: i8| usize::try_from(month - 1).ok().and_then(|m| MONTHS.get(m)).copied().unwrap_or("January");
    match pattern {
        Pattern::Daily { interval } => {
            xml.open("t:DailyRecurrence");
            xml.leaf("t:Interval", &interval.to_string());
        }
        Pattern::Weekly { interval, days, first } => {
            xml.open("t:WeeklyRecurrence");
            xml.leaf("t:Interval", &interval.to_string());
            let names: Vec<&str> =
                WEEKDAYS.iter().filter(|(d, _)| days.contains(d)).map(|(_, n)| *n).collect();
            xml.leaf("t:DaysOfWeek", &names.join(" "));
            if ctx.knows(Schema::E2010Sp1) {
                xml.leaf("t:FirstDayOfWeek", day_name(*first));
            }
        }
        Pattern::AbsoluteMonthly { interval, day } => {
            xml.open("t:AbsoluteMonthlyRecurrence");
            xml.leaf("t:Interval", &interval.to_string());
            xml.leaf("t:DayOfMonth", &day.to_string());
        }
        Pattern::RelativeMonthly { interval, days, index } => {
            xml.open("t:RelativeMonthlyRecurrence");
            xml.leaf("t:Interval", &interval.to_string());
            xml.leaf("t:DaysOfWeek", set_name(days));
            xml.leaf("t:DayOfWeekIndex", index_name(*index));
        }
        Pattern::AbsoluteYearly { day, month } => {
            xml.open("t:AbsoluteYearlyRecurrence");
            xml.leaf("t:DayOfMonth", &day.to_string());
            xml.leaf("t:Month", month_name(*month));
        }
        Pattern::RelativeYearly { days, index, month } => {
            xml.open("t:RelativeYearlyRecurrence");
            xml.leaf("t:DaysOfWeek", set_name(days));
            xml.leaf("t:DayOfWeekIndex", index_name(*index));
            xml.leaf("t:Month", month_name(*month));
        }
    }
    xml.close();
}

/// The item a write answers with: ids only.
pub(crate) fn write_ids(xml: &mut Xml, ctx: &Context, mailbox: &Mailbox, view: View<'_>) {
    xml.open("m:Items");
    write_item(xml, ctx, mailbox, view, &Shape::ids());
    xml.close();
}

/// Used by operations that answer with items they looked up themselves.
pub(crate) fn view_of(item: &Item, occurrence: Option<jiff::civil::Date>) -> Result<View<'_>, Refusal> {
    if let Some(day) = occurrence {
        item.standing(day)?;
    }
    Ok(View { item, occurrence })
}
