//! Whole appointments of a mailbox, see [`whole`](crate::whole).

use calsync_core::ids::Uid;
use calsync_core::model::{Busy, Event, Notes, Override, Person, Reminder, Sensitivity, Series, Span};
use calsync_core::recur::{Frequency, Rule};
use chrono::{DateTime, Datelike, NaiveDateTime, Utc, Weekday};
use jiff::Timestamp;
use jiff::civil::Date;

use super::calendars::{date, datetime, item_of, naive};
use super::edit::Edit;
use super::item::{Content, Exception, Item, Role, View};
use super::outlook::receive;
use super::recurrence::{End, Pattern, Recurrence};
use super::server::lock;
use super::time::WireTime;
use super::world::{FolderKind, Mailbox};
use super::zones::Zone;
use super::{MockExchange, apply, body};
use crate::whole::{self, HOME, Whole};

impl MockExchange {
    /// What stands in a calendar, and the change that made each appointment what it is.
    pub fn standing(&self, mailbox: &str) -> Vec<(String, u64)> {
        self.listed(mailbox, FolderKind::Calendar)
    }

    /// The same of what lies in Deleted Items.
    pub fn binned(&self, mailbox: &str) -> Vec<(String, u64)> {
        self.listed(mailbox, FolderKind::Deleted)
    }

    fn listed(&self, mailbox: &str, kind: FolderKind) -> Vec<(String, u64)> {
        let world = lock(&self.shared.world);
        let Some(mailbox) = world.mailbox(mailbox) else { return Vec::new() };
        let Some(folder) = mailbox.folder_of_kind(kind).map(|folder| folder.number) else {
            return Vec::new();
        };
        mailbox.items_in(folder).map(|item| (mailbox.item_id(item, None), item.change)).collect()
    }

    /// An appointment and the change that made it what it is, wherever in the mailbox it lies.
    pub fn whole(&self, mailbox: &str, id: &str) -> Option<(u64, Whole)> {
        let world = lock(&self.shared.world);
        let item = item_of(&world, mailbox, id)?;
        let received = item.meeting.role == Role::Attendee;
        Some((item.change, Whole { series: series(item)?, received }))
    }

    /// The change that made an appointment what it is.
    pub fn change_of(&self, mailbox: &str, id: &str) -> Option<u64> {
        item_of(&lock(&self.shared.world), mailbox, id).map(|item| item.change)
    }

    /// Enters a whole appointment, or one that somebody else organises and the owner has accepted.
    pub fn enter(&self, mailbox: &str, whole: &Whole) -> Option<String> {
        self.at(mailbox, |mailbox, now, modern| {
            let edit =
                Edit { uid: Some(whole.series.uid.as_str().to_owned()), ..edit(&whole.series, modern)? };
            let by = mailbox.name.clone();
            let number = apply::create(mailbox, mailbox.calendar(), &edit, None, now, &by).ok()?;
            if whole.received {
                let organizer = &whole.series.event.organizer;
                let item = receive(mailbox, number, &organizer.name, &organizer.address)?;
                "Accept".clone_into(&mut item.meeting.my_response);
            }
            let item = mailbox.items.get_mut(&number)?;
            set_occurrences(item, &whole.series, now, modern)?;
            id_of(mailbox, number)
        })
    }

    /// Makes an appointment what `series` says; what a person does not see in it stays.
    pub fn replace(&self, mailbox: &str, id: &str, series: &Series) -> bool {
        let done = self.on(mailbox, id, |mailbox, number, now, modern| {
            let edit = edit(series, modern)?;
            let item = mailbox.items.get_mut(&number)?;
            let edit = Edit { clear_recurrence: item.series.is_some() && edit.recurrence.is_none(), ..edit };
            apply::update(item, &edit, None).ok()?;
            set_occurrences(item, series, now, modern)?;
            let by = mailbox.name.clone();
            mailbox.touch(number, now, &by, &FIELDS.map(str::to_owned));
            Some(())
        });
        done.is_some()
    }

    /// Copies an appointment to where `series` says, within its calendar: everything else comes along.
    pub fn copy_as(&self, mailbox: &str, id: &str, series: &Series) -> Option<String> {
        let copy = self.copy(mailbox, id)?;
        self.on(mailbox, &copy, |mailbox, number, _, _| {
            if let Some(item) = mailbox.items.get_mut(&number) {
                series.uid.as_str().clone_into(&mut item.uid);
            }
        });
        self.replace(mailbox, &copy, series).then_some(copy)
    }

    /// Takes an appointment out of Deleted Items; gives its new id.
    pub fn bring_back(&self, mailbox: &str, id: &str) -> Option<String> {
        self.on(mailbox, id, |mailbox, number, now, _| {
            let item = mailbox.remove(number)?;
            let calendar = mailbox.calendar();
            let number = mailbox.put(item, calendar, now);
            id_of(mailbox, number)
        })
    }

    /// A device files again what lies in Deleted Items, as it was and as of when it was changed last; gives its id.
    pub fn file_again(&self, mailbox: &str, id: &str) -> Option<String> {
        self.on(mailbox, id, |mailbox, number, now, _| {
            let item = mailbox.items.get(&number)?.clone();
            let (calendar, modified) = (mailbox.calendar(), item.modified_before);
            let number = mailbox.put(item, calendar, now);
            mailbox.items.get_mut(&number)?.modified = modified;
            id_of(mailbox, number)
        })
    }

    /// Moves an appointment to another calendar and back; gives its new id.
    pub fn move_out_and_back(&self, mailbox: &str, id: &str) -> Option<String> {
        let away = self.move_to_folder(mailbox, id, "Ablage")?;
        self.bring_back(mailbox, &away)
    }
}

/// What of an appointment people change.
const FIELDS: [&str; 9] = [
    "item:Subject",
    "item:Body",
    "item:Categories",
    "item:Sensitivity",
    "item:ReminderIsSet",
    "calendar:Location",
    "calendar:Start",
    "calendar:End",
    "calendar:LegacyFreeBusyStatus",
];

fn id_of(mailbox: &Mailbox, number: u64) -> Option<String> {
    mailbox.items.get(&number).map(|item| mailbox.item_id(item, None))
}

fn series(item: &Item) -> Option<Series> {
    let mut event = event(&View::of(item))?;
    if item.meeting.role == Role::Attendee {
        let who = &item.meeting.organizer;
        event.organizer = Person { name: who.name.clone(), address: who.address.clone() };
    }
    let mut series = Series::single(Uid::new(&item.uid), event);
    let Some(stored) = &item.series else { return Some(series) };
    let start = series.event.span.start.local();
    let rule: Rule = rule(&stored.recurrence).parse().ok()?;
    let rule = whole::short_rule(&rule, start)?;
    series.recurrence =
        Some(calsync_core::model::Recurrence { rule, dates: std::collections::BTreeSet::new() });
    let original = |day: Date| naive(day.to_datetime(item.civil_start().time()));
    for day in &stored.deleted {
        whole::note(&mut series, original(*day)?, None);
    }
    for day in stored.exceptions.keys() {
        let mut instance = self::event(&View { item, occurrence: Some(*day) })?;
        instance.organizer = series.event.organizer.clone();
        whole::note(&mut series, original(*day)?, Some(instance));
    }
    Some(series)
}

fn event(view: &View<'_>) -> Option<Event> {
    let content = view.content();
    let (start, end) = view.span();
    let utc = |at: Timestamp| DateTime::<Utc>::from_timestamp(at.as_second(), 0);
    let mut event = Event::new(content.subject.unwrap_or_default(), whole::span(utc(start)?, utc(end)?)?);
    event.place = content.location.unwrap_or_default();
    event.notes = Notes::plain(&content.body.as_ref().map(body::plain).unwrap_or_default());
    event.categories = content.categories.unwrap_or_default().into_iter().collect();
    event.busy = match content.busy.as_deref() {
        Some("Free") => Busy::Free,
        Some("Tentative") => Busy::Tentative,
        Some("OOF") => Busy::OutOfOffice,
        Some("WorkingElsewhere") => Busy::WorkingElsewhere,
        _ => Busy::Busy,
    };
    let private = matches!(content.sensitivity.as_deref(), Some("Private" | "Confidential"));
    event.sensitivity = if private { Sensitivity::Private } else { Sensitivity::Normal };
    event.reminder = match (content.reminder_set, content.reminder_minutes) {
        (Some(true), Some(minutes)) => Reminder::Minutes(minutes),
        _ => Reminder::Off,
    };
    Some(event)
}

fn rule(recurrence: &Recurrence) -> String {
    let text = match &recurrence.pattern {
        Pattern::Daily { interval } => format!("FREQ=DAILY;INTERVAL={interval}"),
        Pattern::Weekly { interval, days, .. } => {
            let days: Vec<&str> = days.iter().map(|day| whole::day(weekday(*day))).collect();
            format!("FREQ=WEEKLY;INTERVAL={interval};BYDAY={}", days.join(","))
        }
        // Nobody in the simulated world makes any other.
        _ => "FREQ=YEARLY".to_owned(),
    };
    match recurrence.end {
        End::Count(count) => format!("{text};COUNT={count}"),
        End::Day(day) => format!("{text};UNTIL={}T225959Z", day.strftime("%Y%m%d")),
        End::Never => text,
    }
}

fn weekday(day: jiff::civil::Weekday) -> Weekday {
    Weekday::try_from(u8::try_from(day.to_monday_zero_offset()).unwrap_or(0)).unwrap_or(Weekday::Mon)
}

/// Everything that a person sees, as an edit.
fn edit(series: &Series, modern: bool) -> Option<Edit> {
    let zone = Zone::by_iana(HOME)?;
    let (start, end) = times(&series.event.span)?;
    let mut edit = Edit {
        content: content(&series.event, modern),
        start: Some(start),
        end: Some(end),
        all_day: Some(false),
        end_zone: Some(zone.clone()),
        zone: Some(zone),
        fields: FIELDS.map(str::to_owned).to_vec(),
        ..Edit::default()
    };
    if let Some(recurrence) = &series.recurrence {
        edit.recurrence = Some(pattern(&recurrence.rule, series.event.span.start.local())?);
    }
    Some(edit)
}

fn times(span: &Span) -> Option<(WireTime, WireTime)> {
    let time = |at: NaiveDateTime| Some(WireTime { civil: datetime(at)?, offset: None });
    Some((time(span.start.local())?, time(span.end.local())?))
}

fn content(event: &Event, modern: bool) -> Content {
    let minutes = if let Reminder::Minutes(minutes) = event.reminder { Some(minutes) } else { None };
    let busy = match event.busy {
        Busy::Free => "Free",
        Busy::Tentative => "Tentative",
        Busy::OutOfOffice => "OOF",
        Busy::WorkingElsewhere if modern => "WorkingElsewhere",
        Busy::Busy | Busy::WorkingElsewhere => "Busy",
    };
    let sensitivity = if event.sensitivity.is_private() { "Private" } else { "Normal" };
    Content {
        subject: Some(event.subject.clone()),
        sensitivity: Some(sensitivity.to_owned()),
        body: Some(body::store(false, &event.notes.text)),
        categories: Some(event.categories.iter().cloned().collect()),
        reminder_set: Some(minutes.is_some()),
        reminder_minutes: minutes,
        busy: Some(busy.to_owned()),
        location: Some(event.place.clone()),
        ..Content::default()
    }
}

fn pattern(rule: &Rule, start: NaiveDateTime) -> Option<Recurrence> {
    let interval = i32::try_from(rule.interval().get()).ok()?;
    let pattern = match rule.freq() {
        Frequency::Daily => Pattern::Daily { interval },
        Frequency::Weekly => {
            let day = i8::try_from(start.weekday().num_days_from_monday()).ok()?;
            let days = vec![jiff::civil::Weekday::from_monday_zero_offset(day).ok()?];
            Pattern::Weekly { interval, days, first: jiff::civil::Weekday::Monday }
        }
        _ => return None,
    };
    let end = match whole::count(rule) {
        Some(count) => End::Count(usize::try_from(count).ok()?),
        None => End::Never,
    };
    Some(Recurrence { pattern, start: date(start.date())?, end })
}

/// Makes the occurrences of a series what they are to be, whatever they were. What nobody sees in them stays.
fn set_occurrences(item: &mut Item, series: &Series, now: Timestamp, modern: bool) -> Option<()> {
    let zone = Zone::by_iana(HOME)?;
    let Some(stored) = &mut item.series else { return Some(()) };
    let mut old = std::mem::take(&mut stored.exceptions);
    stored.deleted.clear();
    for (key, over) in &series.overrides {
        let day = date(key.local().date())?;
        let Override::Changed(overlay) = over else {
            stored.deleted.insert(day);
            continue;
        };
        let planned = whole::planned(&series.event, key.local());
        let instance = planned.with(overlay);
        let hidden = old.remove(&day).map(|old| old.content.extended).unwrap_or_default();
        let mut exception = Exception {
            content: Content {
                extended: hidden,
                ..differing(&content(&instance, modern), &content(&planned, modern))
            },
            modified: now,
            ..Exception::default()
        };
        if overlay.span.is_some() {
            let (start, end) = times(&instance.span)?;
            exception.span = Some((start.instant(&zone)?, end.instant(&zone)?));
        }
        stored.exceptions.insert(day, exception);
    }
    Some(())
}

/// What `one` says otherwise than `master`.
fn differing(one: &Content, master: &Content) -> Content {
    fn other<T: Clone + PartialEq>(one: Option<&T>, master: Option<&T>) -> Option<T> {
        one.filter(|_| one != master).cloned()
    }
    Content {
        subject: other(one.subject.as_ref(), master.subject.as_ref()),
        sensitivity: other(one.sensitivity.as_ref(), master.sensitivity.as_ref()),
        body: other(one.body.as_ref(), master.body.as_ref()),
        categories: other(one.categories.as_ref(), master.categories.as_ref()),
        reminder_set: other(one.reminder_set.as_ref(), master.reminder_set.as_ref()),
        reminder_minutes: other(one.reminder_minutes.as_ref(), master.reminder_minutes.as_ref()),
        busy: other(one.busy.as_ref(), master.busy.as_ref()),
        location: other(one.location.as_ref(), master.location.as_ref()),
        ..Content::default()
    }
}
