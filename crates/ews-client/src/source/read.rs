//! From items of the wire to the model.
//!
//! Nothing here asks a server. Instants are never moved: a zone of rules that no known one has makes a single appointment
//! an instant and a series unreadable, and a mere name that nobody knows makes either unreadable. All-day items become dates by the nearest midnight in their zone.

use std::collections::BTreeSet;

use calsync_core::ids::{ItemKey, Revision, Uid};
use calsync_core::model::{
    Attendee, Busy, Event, Override, Participation, Person, Recurrence, RecurrenceId, Reminder, Sensitivity,
    Series, Span, When,
};
use calsync_core::recur::Rule;
use calsync_core::source::Item;
use calsync_core::zone::Zone;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::write::starting_at;
use super::{files, invite, meeting, notes, properties};
use crate::recurrence;
use crate::wire::{
    self, BusyStatus, CalendarItem, ItemKind, MeetingTimeZone, OccurrenceInfo, ZoneDefinition,
};
use crate::zones::{Clock, Hints};

/// Why an item cannot be taken; for people, without anything of its content.
pub(super) type Unreadable = String;

/// The zones of an item.
#[derive(Debug, Clone)]
pub(super) struct ItemZones {
    /// Zone of start and recurrence, `None` when it is stated and unknown.
    start: Option<Zone>,
    /// Zone of the end, likewise.
    end: Option<Zone>,
    /// What the zone is called that is stated by a name nobody knows, without rules.
    unknown: Option<String>,
    /// Where the mailbox owner sits.
    home: Zone,
}

impl ItemZones {
    /// The zones that `item` states. An item that states none is in the owner's.
    pub(super) fn of(item: &CalendarItem, home: &Zone) -> Self {
        let kept = item.extended(&properties::ZONES).unwrap_or_default();
        let (kept_start, kept_end) = kept.split_once('|').unwrap_or((kept, kept));
        let moment = |at: Option<wire::DateTime>| at.map(|at| at.to_utc().and_utc()).unwrap_or_default();
        let span = (moment(item.start), moment(item.end));
        let noted = [Zone::new(kept_start).ok(), Zone::new(kept_end).ok()];
        let hints = |noted| Hints { noted, mailbox: Some(home), server: &[], span };
        let [at_start, at_end] = noted.each_ref().map(|zone| hints(zone.as_ref()));
        let start = match (&item.start_time_zone, &item.meeting_time_zone) {
            (Some(definition), _) => at_start.zone(definition),
            (None, Some(zone)) => at_start.meeting_zone(zone),
            (None, None) => Some(home.clone()),
        };
        let end = match &item.end_time_zone {
            Some(definition) => at_end.zone(definition),
            None => start.clone(),
        };
        let is_unknown = |definition: &&ZoneDefinition, zone: &Option<Zone>| {
            zone.is_none() && Clock::of_definition(definition).is_none()
        };
        let of_definition = |definition: Option<&ZoneDefinition>, zone: &Option<Zone>| {
            let definition = definition.filter(|definition| is_unknown(definition, zone))?;
            name_of([&definition.id, &definition.name])
        };
        let of_meeting = |zone: &MeetingTimeZone| {
            let is_unknown = start.is_none() && Clock::of_meeting(zone).is_none();
            name_of([&zone.name, &None]).filter(|_| is_unknown)
        };
        let unknown = of_definition(item.start_time_zone.as_deref(), &start)
            .or_else(|| of_definition(item.end_time_zone.as_deref(), &end))
            .or_else(|| item.meeting_time_zone.as_ref().and_then(of_meeting));
        Self { start, end, unknown, home: home.clone() }
    }

    /// The zone by which dates and recurrences of the item are reckoned.
    pub(super) fn reckoning(&self) -> &Zone {
        self.start.as_ref().unwrap_or(&self.home)
    }
}

/// What a zone is called; whoever wrote the item may have written anything there.
fn name_of(names: [&Option<String>; 2]) -> Option<String> {
    let plain = |name: &String| name.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
    names.into_iter().flatten().map(plain).find(|name| !name.trim().is_empty())
}

/// Reads an item with the content of its changed occurrences, as it is or, while its recurrence is being set anew, as it
/// was before.
pub(super) fn settled_item(
    master: &CalendarItem,
    exceptions: &[(&OccurrenceInfo, &CalendarItem)],
    home: &Zone,
) -> Result<Item, Unreadable> {
    let mut item = item(master, exceptions, home)?;
    item.series.event.attachments = files::settled(master);
    if let Some(before) = properties::Unfinished::read(master) {
        before.apply(&mut item.series);
    }
    Ok(item)
}

/// Reads an item with the content of its changed occurrences, exactly as it is.
pub(super) fn item(
    master: &CalendarItem,
    exceptions: &[(&OccurrenceInfo, &CalendarItem)],
    home: &Zone,
) -> Result<Item, Unreadable> {
    let id = master.item_id.as_ref().ok_or("the server sent it without an id")?;
    let change_key = id.change_key.as_deref().ok_or("the server sent it without a revision")?;
    let moment = |at: Option<wire::DateTime>| {
        at.map(wire::DateTime::to_utc).filter(|at| is_real(*at)).map(|at| at.and_utc())
    };
    Ok(Item {
        key: ItemKey::new(&id.id),
        revision: Revision::new(change_key),
        series: series(master, exceptions, home)?,
        receipt: properties::read_receipt(master),
        created: moment(master.date_time_created),
        modified: moment(master.last_modified_time),
        access: meeting::access(master),
    })
}

fn series(
    master: &CalendarItem,
    exceptions: &[(&OccurrenceInfo, &CalendarItem)],
    home: &Zone,
) -> Result<Series, Unreadable> {
    let id = master.item_id.as_ref().map(|id| id.id.as_str()).unwrap_or_default();
    let uid = Uid::new(master.uid.as_deref().unwrap_or(id));
    let zones = ItemZones::of(master, home);
    let event = event(master, &zones)?;
    match master.calendar_item_type {
        Some(ItemKind::Occurrence | ItemKind::Exception) => {
            return Err("it is an occurrence of a series and not an appointment of its own".to_owned());
        }
        Some(ItemKind::Single) if master.recurrence.is_none() => return Ok(Series::single(uid, event)),
        _ => {}
    }
    let Some(pattern) = &master.recurrence else { return Ok(Series::single(uid, event)) };
    if zones.start.is_none() && !event.span.is_all_day() {
        return Err("the series is in a time zone of its own, whose clocks no known one has".to_owned());
    }
    let times = recurrence::Series {
        start: event.span.start.local(),
        all_day: event.span.is_all_day(),
        zone: event.span.start.zone(),
    };
    let rule = recurrence::to_rule(&with_week(pattern, master), times)
        .map_err(|error| format!("its recurrence cannot be read: {error}"))?
        .rule;
    let mut series = Series {
        uid,
        event,
        recurrence: Some(Recurrence { rule, dates: BTreeSet::new() }),
        overrides: std::collections::BTreeMap::new(),
    };
    for (info, content) in exceptions {
        let original = content.original_start.unwrap_or(info.original_start);
        let key = recurrence_id(&series, original, &zones);
        let instance = instance(&series, key, content, home)?;
        let overlay = base_instance(&series, key).overlay(&instance);
        if !overlay.is_empty() {
            series.overrides.insert(key, Override::Changed(overlay));
        }
    }
    for start in &master.deleted_occurrences {
        let key = recurrence_id(&series, *start, &zones);
        series.overrides.insert(key, Override::Cancelled);
    }
    Ok(series)
}

/// The recurrence with the first day of its weeks, where only we know it.
fn with_week(recurrence: &wire::Recurrence, item: &CalendarItem) -> wire::Recurrence {
    let mut recurrence = recurrence.clone();
    if let wire::Pattern::Weekly { first_day: first_day @ None, .. } = &mut recurrence.pattern {
        *first_day = item.extended(&properties::WEEK).map(wire::DayOfWeek::from_wire);
    }
    recurrence
}

/// The content of a changed occurrence, with times that are only written differently as the series has them.
fn instance(
    series: &Series,
    key: RecurrenceId,
    content: &CalendarItem,
    home: &Zone,
) -> Result<Event, Unreadable> {
    let mut zones = ItemZones::of(content, home);
    if content.start_time_zone.is_none()
        && content.meeting_time_zone.is_none()
        && let Some(zone) = series.event.span.start.zone()
    {
        zones.start = Some(zone.clone());
        zones.end = series.event.span.end.zone().cloned();
    }
    let mut instance = event(content, &zones)?;
    instance.attachments.clone_from(&series.event.attachments);
    if !meeting::is_said(content) {
        instance.meeting = series.event.meeting;
    }
    let base = base_instance(series, key).span;
    // Where the clocks skip the start, it may be later than the end.
    let is_skipped = base.end.instant() < base.start.instant()
        && instance.span.start.same_point(&base.start)
        && instance.span.end.same_point(&base.start);
    if instance.span.same_time(&base) || is_skipped {
        instance.span = base;
    }
    Ok(instance)
}

/// What the rule alone makes of an instance.
pub(super) fn base_instance(series: &Series, key: RecurrenceId) -> Event {
    Event { span: starting_at(&series.event.span, key.local()), ..series.event.clone() }
}

/// Names the instance whose original start the server gives as an instant.
///
/// Some servers are an hour off here across a change of the clocks: when the rule has no instance at that time but has one
/// on that day at the series' own time, that one is meant.
pub(super) fn recurrence_id(series: &Series, original: wire::DateTime, zones: &ItemZones) -> RecurrenceId {
    let utc = original.to_utc().and_utc();
    if series.event.span.is_all_day() {
        return RecurrenceId::Date(nearest_date(zones.reckoning().to_local(utc)));
    }
    let start = &series.event.span.start;
    let zone = start.zone();
    let local = match zone {
        Some(zone) => zone.to_local(utc),
        None => utc.naive_utc(),
    };
    let usual = local.date().and_time(start.local().time());
    let rule = series.recurrence.as_ref().map(|recurrence| &recurrence.rule);
    let happens = |rule: &Rule, at| rule.contains(start.local(), zone, at);
    match rule {
        Some(rule) if local != usual && !happens(rule, local) && happens(rule, usual) => {
            RecurrenceId::Local(usual)
        }
        _ => RecurrenceId::Local(local),
    }
}

fn event(item: &CalendarItem, zones: &ItemZones) -> Result<Event, Unreadable> {
    if let Some(field) = item.malformed.first() {
        return Err(format!("the server sent a value for {field} that makes no sense"));
    }
    let is_meeting = meeting::is_meeting(item);
    Ok(Event {
        span: span(item, zones)?,
        subject: item.subject.clone().unwrap_or_default(),
        place: item.location.clone().unwrap_or_default(),
        notes: notes::read(item.body.as_ref())?,
        categories: item.categories.iter().filter(|category| !category.is_empty()).cloned().collect(),
        busy: match &item.legacy_free_busy_status {
            Some(BusyStatus::Free) => Busy::Free,
            Some(BusyStatus::Tentative) => Busy::Tentative,
            Some(BusyStatus::OutOfOffice) => Busy::OutOfOffice,
            Some(BusyStatus::WorkingElsewhere) => Busy::WorkingElsewhere,
            Some(BusyStatus::Busy | BusyStatus::NoData | BusyStatus::Other(_)) | None => Busy::Busy,
        },
        sensitivity: match &item.sensitivity {
            Some(wire::Sensitivity::Personal) => Sensitivity::Personal,
            Some(wire::Sensitivity::Private) => Sensitivity::Private,
            Some(wire::Sensitivity::Confidential) => Sensitivity::Confidential,
            Some(wire::Sensitivity::Normal | wire::Sensitivity::Other(_)) | None => Sensitivity::Normal,
        },
        reminder: match (item.reminder_is_set, item.reminder_minutes_before_start) {
            (Some(true), Some(minutes)) => Reminder::Minutes(u32::try_from(minutes).unwrap_or(0)),
            _ => Reminder::Off,
        },
        // Exchange names the mailbox owner as organiser of plain appointments too.
        organizer: item
            .organizer
            .as_ref()
            .filter(|_| is_meeting)
            .map(person)
            .or_else(|| invite::noted_organizer(item))
            .unwrap_or_default(),
        attendees: attendees(item),
        customer: item.extended(&properties::CUSTOMER).unwrap_or_default().to_owned(),
        meeting: meeting::read(item),
        attachments: files::read(item),
    })
}

fn person(mailbox: &wire::Mailbox) -> Person {
    Person {
        name: mailbox.name.clone().unwrap_or_default(),
        address: mailbox.address.clone().unwrap_or_default(),
    }
}

fn attendees(item: &CalendarItem) -> Vec<Attendee> {
    let lists = [
        (&item.required_attendees, Participation::Required),
        (&item.optional_attendees, Participation::Optional),
        (&item.resources, Participation::Resource),
    ];
    lists
        .into_iter()
        .flat_map(|(list, participation)| {
            list.iter().map(move |attendee| Attendee { person: person(&attendee.mailbox), participation })
        })
        .collect()
}

fn span(item: &CalendarItem, zones: &ItemZones) -> Result<Span, Unreadable> {
    let moment = |at: Option<wire::DateTime>, what: &str| {
        at.map(|at| at.to_utc().and_utc()).ok_or_else(|| format!("the server sent no {what}"))
    };
    let start = moment(item.start, "start")?;
    let end = moment(item.end, "end")?;
    if item.is_all_day_event == Some(true) {
        return Ok(dates(start, end, zones));
    }
    if let Some(name) = &zones.unknown {
        return Err(format!(
            "it is in the time zone {name:?}, which is not known: choose another one in Outlook"
        ));
    }
    let end = end.max(start);
    Ok(Span { start: when(start, zones.start.as_ref()), end: when(end, zones.end.as_ref()) })
}

/// A wall clock reading in the zone; an instant where the zone is not known or cannot say it (the second hour of a fold).
fn when(utc: DateTime<Utc>, zone: Option<&Zone>) -> When {
    match zone {
        Some(zone) if is_utc(zone) => When::Utc(utc),
        Some(zone) => {
            let local = zone.to_local(utc);
            if zone.to_utc(local) == utc { When::Zoned { local, zone: zone.clone() } } else { When::Utc(utc) }
        }
        None => When::Utc(utc),
    }
}

/// Whether the zone is UTC under one of its names.
pub(super) fn is_utc(zone: &Zone) -> bool {
    matches!(zone.name(), "UTC" | "Etc/UTC" | "Etc/GMT" | "Etc/Zulu")
}

/// The days of an all-day item: by midnights of its zone, else of the owner's, else by the nearest ones.
fn dates(start: DateTime<Utc>, end: DateTime<Utc>, zones: &ItemZones) -> Span {
    let is_midnight = |at: NaiveDateTime| at.time() == NaiveTime::MIN;
    let fits = |zone: &&Zone| is_midnight(zone.to_local(start)) && is_midnight(zone.to_local(end));
    let zone = zones.start.iter().chain([&zones.home]).find(fits).unwrap_or_else(|| zones.reckoning());
    let first = nearest_date(zone.to_local(start));
    let after = nearest_date(zone.to_local(end));
    let least = first.checked_add_days(Days::new(1)).unwrap_or(first);
    Span { start: When::Date(first), end: When::Date(after.max(least)) }
}

/// The date whose midnight is nearest.
fn nearest_date(local: NaiveDateTime) -> NaiveDate {
    local.checked_add_signed(TimeDelta::hours(12)).unwrap_or(local).date()
}

/// Whether a moment is one and not one of the values by which Exchange says "none".
fn is_real(at: NaiveDateTime) -> bool {
    (1602..4500).contains(&at.year())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Limits, decode_answer};

    const CUSTOM: &str = "<StartTimeZone Id='Customized Time Zone'/><EndTimeZone Id='Customized Time Zone'/>";

    fn wire(fields: &str) -> CalendarItem {
        let text = format!("<CalendarItem><ItemId Id='a' ChangeKey='k'/>{fields}</CalendarItem>");
        decode_answer(text.as_bytes(), &Limits::default()).unwrap().messages.remove(0).items.remove(0)
    }

    fn read(fields: &str) -> Result<Item, Unreadable> {
        item(&wire(fields), &[], &Zone::new("Europe/Berlin").unwrap())
    }

    fn times(start: &str, end: &str) -> String {
        format!("<Start>{start}</Start><End>{end}</End>")
    }

    fn daily() -> &'static str {
        "<CalendarItemType>RecurringMaster</CalendarItemType><Recurrence><DailyRecurrence><Interval>1</Interval>\
         </DailyRecurrence><NoEndRecurrence><StartDate>2026-03-20</StartDate></NoEndRecurrence></Recurrence>"
    }

    fn days(fields: &str) -> (String, String) {
        let span = read(&format!("<IsAllDayEvent>true</IsAllDayEvent>{fields}")).unwrap().series.event.span;
        assert!(span.is_all_day());
        (span.start.local().date().to_string(), span.end.local().date().to_string())
    }

    /// Rules that nobody has: summer time from March to October at 05:17.
    fn own_rules(element: &str) -> String {
        let change = |to: &str, month: u32| {
            format!(
                "<RecurringDayTransition><To Kind='Period'>{to}</To><TimeOffset>PT2H</TimeOffset><Month>{month}</Month>\
                 <DayOfWeek>Sunday</DayOfWeek><Occurrence>-1</Occurrence></RecurringDayTransition>"
            )
        };
        format!(
            "<{element} Id='Customized Time Zone'><Periods><Period Bias='-PT5H17M' Name='Standard' Id='s'/>\
             <Period Bias='-PT6H17M' Name='Daylight' Id='d'/></Periods><TransitionsGroups><TransitionsGroup Id='0'>{}{}\
             </TransitionsGroup></TransitionsGroups><Transitions><Transition><To Kind='Group'>0</To></Transition>\
             </Transitions></{element}>",
            change("d", 3),
            change("s", 10)
        )
    }

    #[test]
    fn a_zone_that_nobody_knows_isolates_the_item_and_is_named() {
        let times = times("2026-03-20T09:00:00Z", "2026-03-20T10:00:00Z");
        for name in ["Customized Time Zone", "tzone://Microsoft/Custom", "Mitteleurop\u{e4}ische Zeit"] {
            for zones in [
                format!("<StartTimeZone Id='{name}'/><EndTimeZone Id='{name}'/>"),
                format!("<StartTimeZone Id='UTC'/><EndTimeZone Name='{name}'/>"),
                format!("<MeetingTimeZone TimeZoneName='{name}'/>"),
            ] {
                for series in ["", daily()] {
                    let why = read(&format!("{times}{zones}{series}")).unwrap_err();
                    assert!(why.contains(name), "{why}");
                }
            }
        }
    }

    #[test]
    fn a_zone_without_a_name_and_without_rules_moves_nothing() {
        let times = times("2026-03-20T09:00:00Z", "2026-03-20T10:00:00Z");
        let nameless = "<StartTimeZone Id=''/><EndTimeZone Id=''/>";
        let span = read(&format!("{times}{nameless}")).unwrap().series.event.span;
        assert_eq!(span.start, When::Utc("2026-03-20T09:00:00Z".parse().unwrap()));
        assert!(read(&format!("{times}{nameless}{}", daily())).is_err());
    }

    #[test]
    fn a_zone_of_rules_that_nobody_has_moves_nothing() {
        let times = times("2026-03-20T09:00:00Z", "2026-03-20T10:00:00Z");
        let zones = own_rules("StartTimeZone") + &own_rules("EndTimeZone");
        let span = read(&format!("{times}{zones}")).unwrap().series.event.span;
        assert_eq!(span.start, When::Utc("2026-03-20T09:00:00Z".parse().unwrap()));
        assert_eq!(span.end, When::Utc("2026-03-20T10:00:00Z".parse().unwrap()));
        let why = read(&format!("{times}{zones}{}", daily())).unwrap_err();
        assert!(why.contains("time zone"), "{why}");
        let utc = "<StartTimeZone Id='tzone://Microsoft/Utc'/><EndTimeZone Id='tzone://Microsoft/Utc'/>";
        assert!(read(&format!("{times}{utc}{}", daily())).is_ok());
    }

    #[test]
    fn all_day_items_are_days_whatever_their_zone_is_called() {
        let one_day = ("2026-03-29".to_owned(), "2026-03-30".to_owned());
        // Midnights of Berlin around the change of the clocks, with no zone, a strange zone, and the right one.
        let berlin = times("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        assert_eq!(days(&berlin), one_day);
        assert_eq!(days(&format!("{berlin}{CUSTOM}")), one_day);
        assert_eq!(days(&format!("{berlin}<StartTimeZone Id='W. Europe Standard Time'/>")), one_day);
        // An hour off at the end, as clients write it that add 24 hours.
        let off = times("2026-03-28T23:00:00Z", "2026-03-29T23:00:00Z");
        assert_eq!(days(&format!("{off}<StartTimeZone Id='W. Europe Standard Time'/>")), one_day);
        // Midnights of another zone than the one that is named.
        let tokyo = times("2026-03-28T15:00:00Z", "2026-03-29T15:00:00Z");
        assert_eq!(days(&format!("{tokyo}<StartTimeZone Id='Tokyo Standard Time'/>")), one_day);
        // No length at all is still a day.
        let none = times("2026-03-28T23:00:00Z", "2026-03-28T23:00:00Z");
        assert_eq!(days(&none), one_day);
    }

    #[test]
    fn an_original_start_that_is_an_hour_off_names_the_instance_of_that_day() {
        let master = format!(
            "{}<StartTimeZone Id='W. Europe Standard Time'/>{}<DeletedOccurrences><DeletedOccurrence>\
             <Start>2026-03-30T09:00:00Z</Start></DeletedOccurrence><DeletedOccurrence><Start>2026-03-31T08:00:00Z</Start>\
             </DeletedOccurrence></DeletedOccurrences>",
            times("2026-03-20T09:00:00Z", "2026-03-20T10:00:00Z"),
            daily()
        );
        let overrides = read(&master).unwrap().series.overrides;
        let keys: Vec<String> = overrides.keys().map(RecurrenceId::to_text).collect();
        assert_eq!(keys, ["2026-03-30T10:00:00", "2026-03-31T10:00:00"]);
    }

    #[test]
    fn what_makes_no_sense_is_unreadable_and_never_a_guess() {
        let why = read("<Start>soon</Start><End>2026-03-20T10:00:00Z</End>").unwrap_err();
        assert!(why.contains("Start") && !why.contains("soon"), "{why}");
        assert!(read("<End>2026-03-20T10:00:00Z</End>").unwrap_err().contains("no start"));
        let tasks = daily().replace("DailyRecurrence", "DailyRegeneration");
        let times = times("2026-03-20T09:00:00Z", "2026-03-20T10:00:00Z");
        assert!(read(&format!("{times}{tasks}")).unwrap_err().contains("recurrence"));
    }

    #[test]
    fn moments_by_which_exchange_says_none_are_none() {
        let times = times("2026-03-20T09:00:00Z", "2026-03-20T10:00:00Z");
        let item = read(&format!("<DateTimeCreated>1601-01-01T00:00:00Z</DateTimeCreated>{times}")).unwrap();
        assert_eq!(item.created, None);
    }
}
