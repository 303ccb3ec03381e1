//! Reading items by their ids, series with their changed occurrences.

use calsync_core::ids::{CalendarKey, ItemKey};
use calsync_core::source::Seen;

use super::parts::group::{Lying, Mark};
use super::{BATCH, ExchangeSource, Place, properties, read};
use crate::client::Access;
use crate::error::{EwsError, Next, ResponseError};
use crate::ops::{BodyForm, GetItem, Shape};
use crate::wire::{CalendarItem, CodeClass, Folder, ItemId, ItemRef, ResponseCode};

type Read = Result<CalendarItem, ResponseError>;

/// Said of an item by us, not by a server: its answer alone is larger than an answer may be.
const TOO_LARGE: &str = "with more than an answer may hold";

/// How to read a series whose recurrence is being set anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// As it was before, for whoever plans.
    Settled,
    /// As it is, for whoever is at it.
    Raw,
}

impl ExchangeSource {
    pub(super) async fn fetch_items(
        &self,
        calendar: &CalendarKey,
        keys: &[ItemKey],
        look: Look,
    ) -> Result<Vec<Seen>, EwsError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let place = self.place(calendar);
        let mut folder = self.folder(calendar, &place).await?;
        let lying = self.read_lying(&place, &mut folder, keys, look).await?;
        match look {
            Look::Settled => self.compose_all(&place, &mut folder, keys, lying).await,
            Look::Raw => Ok(lying.into_iter().map(|lying| lying.seen).collect()),
        }
    }

    /// Reads items as they lie in the folder, each for itself.
    pub(super) async fn read_lying(
        &self,
        place: &Place,
        folder: &mut Folder,
        keys: &[ItemKey],
        look: Look,
    ) -> Result<Vec<Lying>, EwsError> {
        let mut lying = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BATCH) {
            let ids = keys.iter().map(|key| ItemRef::Id(ItemId::new(key.as_str()))).collect();
            let items = self.read_all(place, ids, full_shape()).await?;
            if items.iter().any(is_missing) {
                // To an account that has lost its rights, everything is missing.
                *folder = self.folder_now(&place.calendar, place).await?;
                if folder.effective_rights.is_some_and(|rights| !rights.read) {
                    return Err(ResponseError::new(ResponseCode::AccessDenied).into());
                }
            }
            let mut exceptions = self.read_exceptions(place, &items).await?.into_iter();
            for item in items {
                lying.push(match item {
                    Ok(item) => {
                        let count = if wants_exceptions(&item) { item.modified_occurrences.len() } else { 0 };
                        let exceptions: Vec<Read> = exceptions.by_ref().take(count).collect();
                        let seen = self.seen(&item, &exceptions, folder, look);
                        Lying { seen, mark: Mark::read(&item) }
                    }
                    Err(error) => Lying { seen: self.unseen(&error, folder), mark: None },
                });
            }
        }
        Ok(lying)
    }

    /// One item, or why it is not there.
    pub(super) async fn fetch_one(
        &self,
        calendar: &CalendarKey,
        key: &ItemKey,
        look: Look,
    ) -> Result<Seen, EwsError> {
        let mut seen = self.fetch_items(calendar, std::slice::from_ref(key), look).await?;
        Ok(seen.pop().unwrap_or(Seen::Unreadable("the server did not answer about it".to_owned())))
    }

    /// Asks until every item has an answer: a server stops a batch that takes too long.
    pub(super) async fn read_all(
        &self,
        place: &Place,
        ids: Vec<ItemRef>,
        shape: Shape,
    ) -> Result<Vec<Read>, EwsError> {
        let mut results: Vec<Option<Read>> = ids.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..ids.len()).collect();
        let mut size = BATCH;
        while !open.is_empty() {
            let asked: Vec<usize> = open.iter().copied().take(size).collect();
            let items = asked.iter().filter_map(|index| ids.get(*index).cloned()).collect();
            let question = GetItem { items, shape: shape.clone() };
            let answers = match self.client.get_item(&place.target, &question).await {
                Ok(answers) => answers,
                // Items that are too much together are read apart; one that is too much alone is that item's trouble.
                Err(error) if error.next() == Next::Smaller => match asked.as_slice() {
                    [only] => {
                        if let Some(slot) = results.get_mut(*only) {
                            *slot = Some(Err(ResponseError::new(ResponseCode::Other(TOO_LARGE.to_owned()))));
                        }
                        open.retain(|index| index != only);
                        continue;
                    }
                    several => {
                        size = (several.len() / 4).max(1);
                        continue;
                    }
                },
                Err(error) => return Err(error),
            };
            let mut settled = 0_usize;
            for (index, answer) in asked.iter().zip(answers) {
                match &answer {
                    Err(error) if error.code == ResponseCode::BatchProcessingStopped => continue,
                    Err(error) if matches!(error.next(), Next::Later(_)) && is_whole_server(&error.code) => {
                        return Err(error.clone().into());
                    }
                    _ => {}
                }
                if let Some(slot) = results.get_mut(*index) {
                    *slot = Some(answer);
                    settled += 1;
                }
            }
            if settled == 0 {
                if asked.len() == 1 {
                    return Err(ResponseError::new(ResponseCode::BatchProcessingStopped).into());
                }
                size = (asked.len() / 4).max(1);
            }
            open.retain(|index| results.get(*index).is_some_and(Option::is_none));
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// The changed occurrences of all series of a batch, in their order.
    async fn read_exceptions(&self, place: &Place, items: &[Read]) -> Result<Vec<Read>, EwsError> {
        let ids: Vec<ItemRef> = items
            .iter()
            .flatten()
            .filter(|item| wants_exceptions(item))
            .flat_map(|item| {
                item.modified_occurrences.iter().map(|info| ItemRef::Id(ItemId::new(&info.item_id.id)))
            })
            .collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.read_all(place, ids, full_shape()).await
    }

    fn seen(&self, item: &CalendarItem, exceptions: &[Read], folder: &Folder, look: Look) -> Seen {
        if item.element != "CalendarItem" {
            return Seen::Unreadable("it is no appointment".to_owned());
        }
        if let (Some(lies_in), Some(here)) = (&item.parent_folder_id, &folder.folder_id)
            && lies_in.id != here.id
        {
            return Seen::Absent;
        }
        if self.is_veiled(item) {
            return Seen::Unreadable("it is private and the account may not see private items".to_owned());
        }
        let mut contents = Vec::with_capacity(exceptions.len());
        for (info, exception) in item.modified_occurrences.iter().zip(exceptions) {
            match exception {
                Ok(exception) => contents.push((info, exception)),
                Err(error) => {
                    return Seen::Unreadable(format!("a changed occurrence of it cannot be read: {error}"));
                }
            }
        }
        let read = match look {
            Look::Settled => read::settled_item(item, &contents, &self.zone),
            Look::Raw => read::item(item, &contents, &self.zone),
        };
        match read {
            Ok(item) => Seen::Present(Box::new(item)),
            Err(why) => Seen::Unreadable(why),
        }
    }

    /// Whether the server may show less of a private item than there is.
    fn is_veiled(&self, item: &CalendarItem) -> bool {
        self.access == Access::Rights
            && matches!(item.sensitivity, Some(crate::wire::Sensitivity::Private))
            && item.effective_rights.and_then(|rights| rights.view_private_items) == Some(false)
    }

    /// What an error about one item says of it.
    fn unseen(&self, error: &ResponseError, folder: &Folder) -> Seen {
        if error.code.class() != CodeClass::Missing {
            return Seen::Unreadable(error.to_string());
        }
        let may_be_private = self.access == Access::Rights
            && folder.effective_rights.and_then(|rights| rights.view_private_items) == Some(false);
        if may_be_private {
            return Seen::Unreadable(
                "it is gone or was made private, which this account cannot tell apart: let it see private items".to_owned(),
            );
        }
        Seen::Absent
    }
}

/// A server that has no time at all, unlike one that has trouble with one item.
fn is_whole_server(code: &ResponseCode) -> bool {
    matches!(
        code,
        ResponseCode::ServerBusy
            | ResponseCode::ServiceUnavailable
            | ResponseCode::MailboxStoreUnavailable
            | ResponseCode::MailboxMoveInProgress
            | ResponseCode::MailboxFailover
            | ResponseCode::ExceededConnectionCount
            | ResponseCode::InsufficientResources
    )
}

fn is_missing(read: &Read) -> bool {
    matches!(read, Err(error) if error.code.class() == CodeClass::Missing)
}

fn wants_exceptions(item: &CalendarItem) -> bool {
    item.recurrence.is_some()
}

fn full_shape() -> Shape {
    Shape::Calendar { extended: properties::all(), body: BodyForm::Best }
}
