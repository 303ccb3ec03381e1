//! What people do in Outlook that other calendars lack: formatted notes.
//!
//! As in `calendars`, no HTTP and no client takes part, and times are wall clock of the series' own zone.

use chrono::NaiveDateTime;

use super::calendars::{day_of, item_of, touched};
use super::edit::Edit;
use super::item::View;
use super::server::lock;
use super::{MockExchange, apply, body};

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
}
