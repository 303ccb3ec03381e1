//! People at the mock's calendars: what Outlook would do, done directly on the store.
//!
//! In: the drafts and edits of [`people`](crate::people); out: stored items and the tiles a person sees. No HTTP and no
//! client takes part; every change goes through the same rules as the operations.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, Timelike as _, Weekday};
use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp};

use super::edit::Edit;
use super::ids::ItemId;
use super::item::{Body, ExtendedKey, Item, View};
use super::recurrence::{DaySet, End, Index, Pattern, Recurrence};
use super::server::lock;
use super::time::{WireTime, civil, utc};
use super::version::Schema;
use super::world::{FolderKind, Mailbox, World};
use super::zones::Zone;
use super::{CUSTOMER_NAME, CUSTOMER_SET, MockExchange, apply, body};
use crate::people::{self, Busy, Calendars, Draft, Repeat, Rhythm, Tile, Until};

impl Calendars for MockExchange {
    fn calendars(&self) -> BTreeMap<String, String> {
        lock(&self.shared.world).mailboxes.values().map(|m| (m.address.clone(), m.name.clone())).collect()
    }

    fn list(&self, calendar: &str) -> Vec<String> {
        let world = lock(&self.shared.world);
        let Some(mailbox) = world.mailbox(calendar) else { return Vec::new() };
        mailbox.items_in(mailbox.calendar()).map(|item| mailbox.item_id(item, None)).collect()
    }

    fn create(&self, calendar: &str, draft: &Draft) -> Option<String> {
        self.at(calendar, |mailbox, now, modern| {
            let edit = edit_of_draft(draft, modern)?;
            let by = mailbox.name.clone();
            let number = apply::create(mailbox, mailbox.calendar(), &edit, None, now, &by).ok()?;
            mailbox.items.get(&number).map(|item| mailbox.item_id(item, None))
        })
    }

    fn edit(&self, calendar: &str, id: &str, edit: &people::Edit) -> bool {
        self.on(calendar, id, |mailbox, number, now, modern| {
            let Some(item) = mailbox.items.get_mut(&number) else { return false };
            let edit = edit_of_edit(edit, item, modern);
            apply::update(item, &edit, None).is_ok() && touched(mailbox, number, now, &edit)
        })
    }

    fn delete(&self, calendar: &str, id: &str) -> bool {
        self.on(calendar, id, |mailbox, number, now, _| {
            let deleted = mailbox.folder_of_kind(FolderKind::Deleted).map(|f| f.number);
            match (mailbox.remove(number), deleted) {
                (Some(item), Some(deleted)) => {
                    mailbox.put(item, deleted, now);
                    true
                }
                _ => false,
            }
        })
    }

    fn edit_occurrence(
        &self,
        calendar: &str,
        id: &str,
        original: NaiveDateTime,
        edit: &people::Edit,
    ) -> bool {
        self.on(calendar, id, |mailbox, number, now, modern| {
            let Some(item) = mailbox.items.get_mut(&number) else { return false };
            let Some(day) = day_of(item, original) else { return false };
            let edit = edit_of_edit(edit, item, modern);
            apply::update_occurrence(item, day, &edit, None, now).is_ok()
                && touched(mailbox, number, now, &edit)
        })
    }

    fn delete_occurrence(&self, calendar: &str, id: &str, original: NaiveDateTime) -> bool {
        let done = self.on(calendar, id, |mailbox, number, now, _| {
            let Some(item) = mailbox.items.get_mut(&number) else { return Some(false) };
            let Some(day) = day_of(item, original) else { return Some(false) };
            match item.delete_occurrence(day) {
                Ok(()) => Some(touched(mailbox, number, now, &Edit::default())),
                Err(refusal) if refusal.code == "ErrorRecurrenceHasNoOccurrence" => None,
                Err(_) => Some(false),
            }
        });
        // Outlook removes the series with its last occurrence.
        done.unwrap_or_else(|| self.delete(calendar, id))
    }

    fn occurrences(&self, calendar: &str, id: &str, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDateTime> {
        let (Some(from), Some(to)) = (date(from), date(to)) else { return Vec::new() };
        let world = lock(&self.shared.world);
        let Some(item) = item_of(&world, calendar, id) else { return Vec::new() };
        let time = item.civil_start().time();
        item.standing_days(from)
            .take_while(|day| *day < to)
            .filter_map(|day| naive(day.to_datetime(time)))
            .collect()
    }

    fn tiles(&self, calendar: &str, from: NaiveDate, to: NaiveDate) -> Vec<Tile> {
        let (Some(from), Some(to)) = (date(from), date(to)) else { return Vec::new() };
        let world = lock(&self.shared.world);
        let Some(mailbox) = world.mailbox(calendar) else { return Vec::new() };
        let midnight = |day: Date| Zone::utc().instant(day.at(0, 0, 0, 0));
        // A day more on both sides: whole days are compared as dates below, whatever their zone.
        let wide = (
            midnight(from).saturating_sub(Span::new().hours(24)),
            midnight(to).saturating_add(Span::new().hours(24)),
        );
        let (Ok(first), Ok(last)) = wide else { return Vec::new() };
        let mut tiles: Vec<Tile> = mailbox
            .items_in(mailbox.calendar())
            .filter(|item| item.foreign_class.is_none())
            .flat_map(|item| item.expand(first, last))
            .filter(|view| {
                let (start, end) = view.span();
                if view.all_day() {
                    let zone = &view.item.when.zone;
                    civil(start, zone).date() < to && civil(end, zone).date() > from
                } else {
                    start < midnight(to)
                        && (end > midnight(from) || (start == end && start >= midnight(from)))
                }
            })
            .map(|view| tile(&view))
            .collect();
        tiles.sort();
        tiles
    }
}

/// What else a person can do to an Exchange calendar.
impl MockExchange {
    /// Copies an item within its calendar, as Ctrl-C and Ctrl-V do: everything comes along, extended properties too.
    pub fn copy(&self, mailbox: &str, id: &str) -> Option<String> {
        self.on(mailbox, id, |mailbox, number, now, _| {
            let mut copy = mailbox.items.get(&number)?.clone();
            copy.created = now;
            let folder = copy.folder;
            let number = mailbox.put(copy, folder, now);
            mailbox.items.get(&number).map(|item| mailbox.item_id(item, None))
        })
    }

    /// Moves an item to another calendar folder of the mailbox, which is made when it is not there; gives the new id.
    pub fn move_to_folder(&self, mailbox: &str, id: &str, folder: &str) -> Option<String> {
        self.on(mailbox, id, |mailbox, number, now, _| {
            let target = folder_named(mailbox, folder);
            let item = mailbox.remove(number)?;
            let number = mailbox.put(item, target, now);
            mailbox.items.get(&number).map(|item| mailbox.item_id(item, None))
        })
    }

    /// Brings back the newest item of Deleted Items; gives its new id.
    pub fn restore_deleted(&self, mailbox: &str) -> Option<String> {
        self.at(mailbox, |mailbox, now, _| {
            let deleted = mailbox.folder_of_kind(FolderKind::Deleted)?.number;
            let number = mailbox.items_in(deleted).map(|i| i.number).max()?;
            let item = mailbox.remove(number)?;
            let calendar = mailbox.calendar();
            let number = mailbox.put(item, calendar, now);
            mailbox.items.get(&number).map(|item| mailbox.item_id(item, None))
        })
    }

    /// Drops something that is no appointment into a calendar folder, such as a note.
    pub fn add_foreign_item(&self, mailbox: &str, class: &str, subject: &str) -> Option<String> {
        self.at(mailbox, |mailbox, now, _| {
            let by = mailbox.name.clone();
            let mut edit = Edit::default();
            edit.content.subject = Some(subject.to_owned());
            let number = apply::create(mailbox, mailbox.calendar(), &edit, None, now, &by).ok()?;
            let item = mailbox.items.get_mut(&number)?;
            item.foreign_class = Some(class.to_owned());
            mailbox.items.get(&number).map(|item| mailbox.item_id(item, None))
        })
    }

    /// Changes only the change key of an item, as calendar assistants do within seconds of a write.
    pub fn bump_change_key(&self, mailbox: &str, id: &str) -> bool {
        self.on(mailbox, id, |mailbox, number, now, _| touched(mailbox, number, now, &Edit::default()))
    }

    /// Value of a string property in an item, by property set (a GUID without braces) and name.
    pub fn extended(&self, mailbox: &str, id: &str, set: &str, name: &str) -> Option<String> {
        let world = lock(&self.shared.world);
        let item = item_of(&world, mailbox, id)?;
        item.content.extended.get(&ExtendedKey::named(set, name))?.first().cloned()
    }

    pub(super) fn at<T>(
        &self,
        calendar: &str,
        act: impl FnOnce(&mut Mailbox, Timestamp, bool) -> Option<T>,
    ) -> Option<T> {
        let mut world = lock(&self.shared.world);
        let now = world.now();
        let modern = world.version.newest() >= Schema::E2013;
        act(world.mailbox_mut(calendar)?, now, modern)
    }

    pub(super) fn on<T: Default>(
        &self,
        calendar: &str,
        id: &str,
        act: impl FnOnce(&mut Mailbox, u64, Timestamp, bool) -> T,
    ) -> T {
        self.at(calendar, |mailbox, now, modern| {
            let id = ItemId::parse(id).filter(|id| id.mailbox == mailbox.guid && id.occurrence.is_none())?;
            mailbox.items.get(&id.number).filter(|i| i.folder == id.folder)?;
            Some(act(mailbox, id.number, now, modern))
        })
        .unwrap_or_default()
    }
}

fn folder_named(mailbox: &mut Mailbox, name: &str) -> u64 {
    if let Some(folder) = mailbox.folders.values().find(|f| f.name == name) {
        return folder.number;
    }
    let (number, parent) = (mailbox.number(), mailbox.calendar());
    mailbox.add_folder(number, FolderKind::Extra, parent, name);
    number
}

pub(super) fn item_of<'w>(world: &'w World, calendar: &str, id: &str) -> Option<&'w Item> {
    let mailbox = world.mailbox(calendar)?;
    let id = ItemId::parse(id).filter(|id| id.mailbox == mailbox.guid && id.occurrence.is_none())?;
    mailbox.items.get(&id.number).filter(|i| i.folder == id.folder)
}

pub(super) fn touched(mailbox: &mut Mailbox, number: u64, now: Timestamp, edit: &Edit) -> bool {
    let by = mailbox.name.clone();
    mailbox.touch(number, now, &by, &edit.fields);
    true
}

pub(super) fn day_of(item: &Item, original: NaiveDateTime) -> Option<Date> {
    let original = datetime(original)?;
    item.series.as_ref()?;
    (item.civil_start().time() == original.time()).then_some(original.date())
}

fn customer_key() -> ExtendedKey {
    ExtendedKey::named(CUSTOMER_SET, CUSTOMER_NAME)
}

pub(super) fn edit_of_draft(draft: &Draft, modern: bool) -> Option<Edit> {
    let mut edit =
        Edit { zone: Some(Zone::by_iana(&draft.zone)?), all_day: Some(draft.all_day), ..Edit::default() };
    edit.end_zone.clone_from(&edit.zone);
    edit.start = Some(WireTime { civil: datetime(draft.start)?, offset: None });
    edit.end = Some(WireTime { civil: datetime(draft.end)?, offset: None });
    let content = &mut edit.content;
    content.subject = Some(draft.subject.clone());
    content.location = Some(draft.place.clone());
    content.body = Some(body::store(false, &draft.notes));
    content.categories = draft.category.clone().map(|c| vec![c]);
    content.busy = Some(busy_name(draft.busy, modern));
    content.sensitivity = Some(sensitivity(draft.private));
    content.reminder_set = Some(draft.reminder.is_some());
    content.reminder_minutes = draft.reminder;
    if let Some(customer) = &draft.customer {
        content.extended.insert(customer_key(), vec![customer.clone()]);
    }
    if let Some(repeat) = &draft.repeat {
        edit.recurrence = Some(recurrence(repeat, datetime(draft.start)?.date())?);
    }
    Some(edit)
}

fn edit_of_edit(wanted: &people::Edit, item: &Item, modern: bool) -> Edit {
    let mut edit = Edit::default();
    let mut field = |name: &str| edit.fields.push(name.to_owned());
    if let Some((start, end)) = wanted.span {
        field("calendar:Start");
        field("calendar:End");
        edit.start = datetime(start).map(|civil| WireTime { civil, offset: None });
        edit.end = datetime(end).map(|civil| WireTime { civil, offset: None });
        // Times are wall clock of the appointment's own zone.
        edit.zone = Some(item.when.zone.clone());
        edit.end_zone = Some(item.when.end_zone.clone());
    }
    if let Some(repeat) = &wanted.repeat {
        edit.fields.push("calendar:Recurrence".to_owned());
        let start = wanted
            .span
            .and_then(|(start, _)| datetime(start))
            .unwrap_or_else(|| item.when.reading(item.when.start));
        edit.recurrence = repeat.as_ref().and_then(|repeat| recurrence(repeat, start.date()));
        edit.clear_recurrence = repeat.is_none();
    }
    let mut field = |name: &str| edit.fields.push(name.to_owned());
    let content = &mut edit.content;
    if let Some(subject) = &wanted.subject {
        field("item:Subject");
        content.subject = Some(subject.clone());
    }
    if let Some(place) = &wanted.place {
        field("calendar:Location");
        content.location = Some(place.clone());
    }
    if let Some(notes) = &wanted.notes {
        field("item:Body");
        content.body = Some(body::store(false, notes));
    }
    if let Some(html) = &wanted.html {
        field("item:Body");
        content.body = Some(body::store(true, html));
    }
    if let Some(category) = &wanted.category {
        field("item:Categories");
        content.categories = Some(category.iter().cloned().collect());
    }
    if let Some(busy) = wanted.busy {
        field("calendar:LegacyFreeBusyStatus");
        content.busy = Some(busy_name(busy, modern));
    }
    if let Some(private) = wanted.private {
        field("item:Sensitivity");
        content.sensitivity = Some(sensitivity(private));
    }
    if let Some(reminder) = wanted.reminder {
        field("item:ReminderIsSet");
        content.reminder_set = Some(reminder.is_some());
        content.reminder_minutes = reminder;
    }
    match &wanted.customer {
        None => {}
        Some(Some(customer)) => {
            content.extended.insert(customer_key(), vec![customer.clone()]);
        }
        Some(None) => edit.cleared_extended.push(customer_key()),
    }
    edit
}

fn recurrence(repeat: &Repeat, start: Date) -> Option<Recurrence> {
    let interval = i32::from(repeat.every.max(1));
    let pattern = match &repeat.rhythm {
        Rhythm::Daily => Pattern::Daily { interval },
        Rhythm::Weekly(days) => Pattern::Weekly {
            interval,
            days: days.iter().map(|d| weekday(*d)).collect(),
            first: jiff::civil::Weekday::Monday,
        },
        Rhythm::MonthlyOn(day) => Pattern::AbsoluteMonthly { interval, day: i8::try_from(*day).ok()? },
        Rhythm::MonthlyNth(n, day) => Pattern::RelativeMonthly {
            interval,
            days: DaySet::One(weekday(*day)),
            index: match n {
                1 => Index::First,
                2 => Index::Second,
                3 => Index::Third,
                4 => Index::Fourth,
                -1 => Index::Last,
                _ => return None,
            },
        },
        Rhythm::Yearly => Pattern::AbsoluteYearly { day: start.day(), month: start.month() },
    };
    let end = match repeat.until {
        Until::Forever => End::Never,
        Until::Count(n) => End::Count(usize::try_from(n).ok()?),
        Until::Day(day) => End::Day(date(day)?),
    };
    Some(Recurrence { pattern, start, end })
}

fn weekday(day: Weekday) -> jiff::civil::Weekday {
    use jiff::civil::Weekday as Jiff;
    match day {
        Weekday::Mon => Jiff::Monday,
        Weekday::Tue => Jiff::Tuesday,
        Weekday::Wed => Jiff::Wednesday,
        Weekday::Thu => Jiff::Thursday,
        Weekday::Fri => Jiff::Friday,
        Weekday::Sat => Jiff::Saturday,
        Weekday::Sun => Jiff::Sunday,
    }
}

fn tile(view: &View<'_>) -> Tile {
    let content = view.content();
    let (start, end) = view.span();
    let form = |at: Timestamp| {
        if view.all_day() { civil(at, &view.item.when.zone).date().to_string() } else { utc(at) }
    };
    let notes = content.body.as_ref().map(plain_notes).unwrap_or_default();
    Tile {
        start: form(start),
        end: form(end),
        subject: content.subject.unwrap_or_default(),
        place: content.location.unwrap_or_default(),
        notes,
        category: content.categories.and_then(|c| c.first().cloned()),
        busy: match content.busy.as_deref() {
            Some("Free") => Busy::Free,
            Some("Tentative") => Busy::Tentative,
            Some("OOF") => Busy::OutOfOffice,
            Some("WorkingElsewhere") => Busy::WorkingElsewhere,
            _ => Busy::Busy,
        },
        private: content.sensitivity.as_deref().is_some_and(|s| s == "Private"),
        reminder: content.reminder_minutes.filter(|_| content.reminder_set == Some(true)),
        customer: content.extended.get(&customer_key()).and_then(|v| v.first().cloned()),
        recurring: view.item.series.is_some(),
    }
}

fn plain_notes(stored: &Body) -> String {
    body::plain(stored).replace("\r\n", "\n").trim_end().to_owned()
}

fn busy_name(busy: Busy, modern: bool) -> String {
    match busy {
        Busy::Free => "Free",
        Busy::Tentative => "Tentative",
        Busy::OutOfOffice => "OOF",
        Busy::WorkingElsewhere if modern => "WorkingElsewhere",
        // Older Outlooks do not offer it.
        Busy::Busy | Busy::WorkingElsewhere => "Busy",
    }
    .to_owned()
}

fn sensitivity(private: bool) -> String {
    if private { "Private" } else { "Normal" }.to_owned()
}

pub(super) fn date(day: NaiveDate) -> Option<Date> {
    Date::new(i16::try_from(day.year()).ok()?, i8::try_from(day.month()).ok()?, i8::try_from(day.day()).ok()?)
        .ok()
}

pub(super) fn datetime(at: NaiveDateTime) -> Option<DateTime> {
    let part = |n: u32| i8::try_from(n).ok();
    DateTime::new(
        i16::try_from(at.year()).ok()?,
        part(at.month())?,
        part(at.day())?,
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
        0,
    )
    .ok()
}

pub(super) fn naive(at: DateTime) -> Option<NaiveDateTime> {
    let part = |n: i8| u32::try_from(n).ok();
    NaiveDate::from_ymd_opt(i32::from(at.year()), part(at.month())?, part(at.day())?)?.and_hms_opt(
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
    )
}
