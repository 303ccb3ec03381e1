//! Finding items again by the create token they carry.

use std::collections::BTreeMap;

use calsync_core::ids::{CalendarKey, CreateToken, ItemKey};
use calsync_core::source::Seen;

use super::fetch::Look;
use super::{ExchangeSource, properties};
use crate::error::EwsError;
use crate::ops::{FindItem, Range, Restriction, Shape};
use crate::wire::{DateTime, FieldRef};

/// The most tokens in one condition: servers refuse conditions that are too long.
const TOKENS: usize = 50;

impl ExchangeSource {
    pub(super) async fn find_tokens(
        &self,
        calendar: &CalendarKey,
        tokens: &[CreateToken],
    ) -> Result<Vec<Seen>, EwsError> {
        let mut keys: BTreeMap<String, (Option<DateTime>, String)> = BTreeMap::new();
        for tokens in tokens.chunks(TOKENS) {
            self.find_chunk(calendar, tokens, &mut keys).await?;
        }
        let found: Vec<Option<ItemKey>> =
            tokens.iter().map(|token| keys.get(token.as_str()).map(|(_, id)| ItemKey::new(id))).collect();
        let wanted: Vec<ItemKey> = found.iter().flatten().cloned().collect();
        let mut seen = self.fetch_items(calendar, &wanted, Look::Settled).await?.into_iter();
        // One that is there but cannot be read stays so: nobody may make it again.
        let answers = found.iter().map(|key| match key {
            Some(_) => seen.next().unwrap_or(Seen::Unreadable("the server did not answer for it".to_owned())),
            None => Seen::Absent,
        });
        Ok(answers.collect())
    }

    /// Notes the item that was created first for each token.
    async fn find_chunk(
        &self,
        calendar: &CalendarKey,
        tokens: &[CreateToken],
        keys: &mut BTreeMap<String, (Option<DateTime>, String)>,
    ) -> Result<(), EwsError> {
        let place = self.place(calendar);
        let values = tokens.iter().map(|token| token.as_str().to_owned()).collect();
        let fields = vec![FieldRef::Named("item:DateTimeCreated"), FieldRef::Extended(properties::TOKEN)];
        let mut offset = 0;
        loop {
            let question = FindItem {
                folder: place.folder.clone(),
                shape: Shape::Fields { fields: fields.clone(), body: None },
                range: Range::Page {
                    offset,
                    max: 500,
                    restriction: Some(Restriction::OneOf {
                        field: properties::TOKEN,
                        values: Vec::clone(&values),
                    }),
                },
            };
            let page = self.client.find_item(&place.target, &question).await?;
            for item in &page.items {
                let (Some(id), Some(token)) = (&item.item_id, item.extended(&properties::TOKEN)) else {
                    continue;
                };
                let new = (item.date_time_created, id.id.clone());
                let first = keys.entry(token.to_owned()).or_insert_with(|| new.clone());
                let moment = |at: Option<DateTime>| at.map(DateTime::to_utc);
                if moment(new.0) < moment(first.0) {
                    *first = new;
                }
            }
            match page.next_offset {
                Some(next) => offset = next,
                None => return Ok(()),
            }
        }
    }
}
