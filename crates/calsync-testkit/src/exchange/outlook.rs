//! What people do in Outlook that other calendars lack: formatted notes, meetings of other people, zones of
//! one's own, the list of categories.
//!
//! As in `calendars`, no HTTP and no client takes part, and times are wall clock of the series' own zone.

use chrono::NaiveDateTime;
use jiff::Timestamp;

use super::calendars::{day_of, edit_of_draft, item_of, touched};
use super::edit::Edit;
use super::item::{Attendee, Exception, Item, Role, View};
use super::server::lock;
use super::world::Mailbox;
use super::zones::Zone;
use super::{MockExchange, apply, body};
use crate::people::Draft;

/// How an invited person answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Will come.
    Accept,
    /// May come.
    Tentative,
    /// Will not come, and keeps the meeting in the calendar all the same.
    Decline,
}

impl MockExchange {
    /// Writes formatted notes into an appointment or into one occurrence of a series, named by its original start.
    pub fn write_html_notes(
        &self,
        mailbox: &str,
        id: &str,
        original: Option<NaiveDateTime>,
        html: &str,
    ) -> bool {
        self.on(mailbox, id, |mailbox, number, now, _| {
            let Some(item) = mailbox.items.get_mut(&number) else { return false };
            let mut edit = Edit { fields: vec!["item:Body".to_owned()], ..Edit::default() };
            edit.content.body = Some(body::store(true, html));
            let done = match original {
                None => apply::update(item, &edit, None),
                Some(original) => match day_of(item, original) {
                    Some(day) => apply::update_occurrence(item, day, &edit, None, now),
                    None => return false,
                },
            };
            done.is_ok() && touched(mailbox, number, now, &edit)
        })
    }

    /// The notes of an appointment or of one occurrence as they are stored: whether they are HTML, and their text.
    pub fn stored_notes(
        &self,
        mailbox: &str,
        id: &str,
        original: Option<NaiveDateTime>,
    ) -> Option<(bool, String)> {
        let world = lock(&self.shared.world);
        let item = item_of(&world, mailbox, id)?;
        let occurrence = match original {
            None => None,
            Some(original) => Some(day_of(item, original)?),
        };
        let body = View { item, occurrence }.content().body?;
        Some((body.html, body.text))
    }

    /// Puts a meeting that somebody else organises into a mailbox, accepted.
    pub fn receive_meeting(&self, mailbox: &str, organizer: &str, draft: &Draft) -> Option<String> {
        let id = self.receive_invitation(mailbox, organizer, draft, true)?;
        self.answer_meeting(mailbox, &id, None, Reply::Accept).then_some(id)
    }

    /// Puts a meeting that somebody else organises into a mailbox, not answered yet; `wants_answer` is what the organiser
    /// ticked.
    pub fn receive_invitation(
        &self,
        mailbox: &str,
        organizer: &str,
        draft: &Draft,
        wants_answer: bool,
    ) -> Option<String> {
        self.at(mailbox, |mailbox, now, modern| {
            let edit = edit_of_draft(draft, modern)?;
            let number = apply::create(mailbox, mailbox.calendar(), &edit, None, now, organizer).ok()?;
            let item = receive(mailbox, number, organizer, organizer)?;
            item.content.response_requested = Some(wants_answer);
            "NoResponseReceived".clone_into(&mut item.meeting.my_response);
            mailbox.items.get(&number).map(|item| mailbox.item_id(item, None))
        })
    }

    /// Answers an invitation, or that to one occurrence of a series, named by its original start.
    pub fn answer_meeting(
        &self,
        mailbox: &str,
        id: &str,
        original: Option<NaiveDateTime>,
        reply: Reply,
    ) -> bool {
        self.on_meeting(mailbox, id, original, |item, exception| {
            let (answer, busy) = match reply {
                Reply::Accept => ("Accept", None),
                Reply::Tentative => ("Tentative", Some("Tentative")),
                Reply::Decline => ("Decline", Some("Free")),
            };
            let content = if let Some(exception) = exception {
                exception.my_response = Some(answer.to_owned());
                &mut exception.content
            } else {
                answer.clone_into(&mut item.meeting.my_response);
                &mut item.content
            };
            if let Some(busy) = busy {
                content.busy = Some(busy.to_owned());
            }
        })
    }

    /// What becomes of an invited person's copy when the organiser cancels the meeting, or one occurrence of it: it stays,
    /// marked, until that person removes it.
    pub fn cancel_by_organizer(&self, mailbox: &str, id: &str, original: Option<NaiveDateTime>) -> bool {
        self.on_meeting(mailbox, id, original, |item, exception| {
            item.meeting.sequence += 1;
            let subject = item.content.subject.clone().unwrap_or_default();
            let content = if let Some(exception) = exception {
                exception.cancelled = true;
                &mut exception.content
            } else {
                item.meeting.cancelled = true;
                &mut item.content
            };
            content.subject = Some(format!("Abgesagt: {subject}"));
            content.busy = Some("Free".to_owned());
        })
    }

    /// Puts an appointment into a zone that the server does not have: by rules (as POSIX writes them) that it keeps under
    /// this name, or by a name alone, as other programs leave it. Nothing moves.
    pub fn put_into_zone(&self, mailbox: &str, id: &str, name: &str, rule: Option<&str>) -> bool {
        self.on(mailbox, id, |mailbox, number, now, _| {
            let Some(item) = mailbox.items.get_mut(&number) else { return false };
            let zone = match rule {
                Some(rule) => Zone::by_rule(name, rule),
                None => Some(item.when.zone.known_only_as(name)),
            };
            let Some(zone) = zone else { return false };
            item.when.zone = zone.clone();
            item.when.end_zone = zone;
            touched(mailbox, number, now, &Edit::default())
        })
    }

    /// What the zone of an appointment is called.
    pub fn zone_name(&self, mailbox: &str, id: &str) -> Option<String> {
        let world = lock(&self.shared.world);
        Some(item_of(&world, mailbox, id)?.when.zone.id.clone())
    }

    /// The list of categories of a mailbox, as XML.
    pub fn category_list(&self, mailbox: &str) -> Option<String> {
        lock(&self.shared.world).mailbox(mailbox)?.category_list.clone()
    }

    /// Replaces the list of categories of a mailbox; `None` leaves it without one, as before Outlook's first start.
    pub fn set_category_list(&self, mailbox: &str, list: Option<&str>) {
        if let Some(mailbox) = lock(&self.shared.world).mailbox_mut(mailbox) {
            mailbox.category_list = list.map(str::to_owned);
        }
    }

    /// Whether editors of a mailbox's calendar may write its list of categories; they may by default.
    pub fn set_delegates_write_category_list(&self, mailbox: &str, allowed: bool) {
        if let Some(mailbox) = lock(&self.shared.world).mailbox_mut(mailbox) {
            mailbox.delegates_write_category_list = allowed;
        }
    }

    /// Changes a received meeting or one occurrence of it, as the server does for its owner.
    fn on_meeting(
        &self,
        mailbox: &str,
        id: &str,
        original: Option<NaiveDateTime>,
        change: impl FnOnce(&mut Item, Option<&mut Exception>),
    ) -> bool {
        self.on(mailbox, id, |mailbox, number, now, _| {
            let Some(item) = mailbox.items.get_mut(&number) else { return false };
            if item.meeting.role != Role::Attendee {
                return false;
            }
            match original {
                None => change(item, None),
                Some(original) => {
                    let Some(mut exception) = exception_of(item, original, now) else { return false };
                    change(item, Some(&mut exception.1));
                    if let Some(place) = item.exception_mut(exception.0) {
                        *place = exception.1;
                    }
                }
            }
            touched(mailbox, number, now, &Edit::default())
        })
    }
}

/// Makes an item the owner's copy of a meeting that somebody else organises.
pub(super) fn receive<'m>(
    mailbox: &'m mut Mailbox,
    number: u64,
    name: &str,
    address: &str,
) -> Option<&'m mut Item> {
    let me = Attendee {
        name: mailbox.name.clone(),
        address: mailbox.address.clone(),
        response: "Unknown".to_owned(),
    };
    let item = mailbox.items.get_mut(&number)?;
    item.content.required = Some(vec![me]);
    item.meeting.role = Role::Attendee;
    item.meeting.organizer =
        Attendee { name: name.to_owned(), address: address.to_owned(), response: "Organizer".to_owned() };
    item.meeting.request_sent = true;
    Some(item)
}

/// The occurrence of that original start, as it is recorded so far.
fn exception_of(
    item: &Item,
    original: NaiveDateTime,
    now: Timestamp,
) -> Option<(jiff::civil::Date, Exception)> {
    let day = day_of(item, original)?;
    item.standing(day).ok()?;
    let mut exception = View { item, occurrence: Some(day) }.exception().cloned().unwrap_or_default();
    exception.modified = now;
    Some((day, exception))
}
