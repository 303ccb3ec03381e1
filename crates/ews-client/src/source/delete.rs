//! Deleting items, into Deleted Items.
//!
//! Whether Exchange looks at the change key of a delete is not documented clearly, so the keys are read first. An account
//! that may not reach the owner's Deleted Items by deleting often may by moving.

use calsync_core::source::{Applied, SourceError, SourceErrorKind, Write, WriteOp, WriteOutcome};

use super::ExchangeSource;
use super::apply::{Job, Outcomes};
use super::create::fail_all;
use super::outcome::{failed_write, source_error};
use crate::error::{EwsError, ResponseError};
use crate::ops::{DeleteItem, DeleteType, FolderRef, MoveItem, Notify, Shape};
use crate::wire::{CodeClass, FieldRef, ItemId, ItemRef, ResponseCode};

const DOING: &str = "delete items";

impl ExchangeSource {
    pub(super) async fn delete_items(&self, job: &Job<'_>, writes: Vec<(usize, Write)>) -> Outcomes {
        let mut outcomes = Outcomes::new();
        let mut asked = Vec::new();
        for (index, write) in writes {
            if let WriteOp::Delete { key, expected } = write.op {
                asked.push((index, key, expected));
            }
        }
        let ids = asked.iter().map(|(_, key, _)| ItemRef::Id(ItemId::new(key.as_str()))).collect();
        let shape = if job.inviting.is_some() { meeting_shape() } else { Shape::IdOnly };
        let answers = match self.read_all(&job.place, ids, shape).await {
            Ok(answers) => answers,
            Err(error) => {
                // Only reading was tried.
                let first = source_error(DOING, error);
                let kind = first.kind.clone();
                outcomes.extend(asked.into_iter().map(|(index, ..)| {
                    (index, WriteOutcome::Refused(SourceError::new(DOING, kind.clone())))
                }));
                return outcomes;
            }
        };
        let (mut doomed, mut doomed_meetings) = (Vec::new(), Vec::new());
        for ((index, _, expected), answer) in asked.into_iter().zip(answers) {
            let told = match (&answer, job.inviting) {
                (Ok(item), Some(inviting)) => inviting.of_deletion(item),
                _ => Notify::Nobody,
            };
            match answer.map(|item| item.item_id) {
                Ok(Some(id)) if id.change_key.as_deref() == Some(expected.as_str()) => {
                    if told == Notify::Nobody {
                        doomed.push((index, id));
                    } else {
                        doomed_meetings.push((index, id));
                    }
                }
                Ok(_) => outcomes
                    .push((index, WriteOutcome::Refused(SourceError::new(DOING, SourceErrorKind::Stale)))),
                Err(error) if error.code.class() == CodeClass::Missing => {
                    outcomes.push((index, WriteOutcome::Applied(Applied::Deleted)));
                }
                Err(error) => {
                    outcomes.push((index, WriteOutcome::Refused(source_error(DOING, error.into()))));
                }
            }
        }
        outcomes.extend(self.delete_known(job, doomed, Notify::Nobody).await);
        if let Some(inviting) = job.inviting {
            outcomes.extend(self.delete_known(job, doomed_meetings, inviting.everybody()).await);
        }
        outcomes
    }

    async fn delete_known(&self, job: &Job<'_>, doomed: Vec<(usize, ItemId)>, notify: Notify) -> Outcomes {
        let question = DeleteItem {
            items: doomed.iter().map(|(_, id)| ItemRef::Id(id.clone())).collect(),
            delete_type: DeleteType::MoveToDeletedItems,
            notify,
        };
        let results = match self.client.delete_item(&job.place.target, &question).await {
            Ok(results) => results,
            Err(error) => return fail_all(doomed.into_iter().map(|(index, _)| index).collect(), error),
        };
        let mut outcomes = Outcomes::new();
        for ((index, id), result) in doomed.into_iter().zip(results) {
            let outcome = match result {
                Ok(()) => WriteOutcome::Applied(Applied::Deleted),
                Err(error) if error.code.class() == CodeClass::Missing => {
                    WriteOutcome::Applied(Applied::Deleted)
                }
                // Who moves a meeting away tells nobody.
                Err(error) if may_help_to_move(&error) && notify == Notify::Nobody => {
                    self.move_away(job, id, error).await
                }
                Err(error) => failed_write(DOING, error.into()),
            };
            outcomes.push((index, outcome));
        }
        outcomes
    }

    /// Moves an item to the owner's Deleted Items, where deleting it there was refused.
    async fn move_away(&self, job: &Job<'_>, id: ItemId, refusal: ResponseError) -> WriteOutcome {
        let question = MoveItem { items: vec![id], to: FolderRef::DeletedItems };
        match self.client.move_item(&job.place.target, &question).await {
            Ok(mut results) => match results.pop() {
                Some(Ok(_)) => WriteOutcome::Applied(Applied::Deleted),
                Some(Err(error)) if error.may_have_happened() => failed_write(DOING, error.into()),
                // Why deleting was refused says more than why moving was.
                Some(Err(_)) | None => {
                    WriteOutcome::Refused(source_error(DOING, EwsError::Response(refusal)))
                }
            },
            Err(error) => failed_write(DOING, error),
        }
    }
}

/// What tells whether people were invited by the owner.
fn meeting_shape() -> Shape {
    let fields = [
        "calendar:IsMeeting",
        "calendar:IsCancelled",
        "calendar:MeetingRequestWasSent",
        "calendar:MyResponseType",
        "calendar:AppointmentState",
    ];
    Shape::Fields { fields: fields.map(FieldRef::Named).to_vec(), body: None }
}

fn may_help_to_move(error: &ResponseError) -> bool {
    matches!(error.code, ResponseCode::CannotDeleteObject | ResponseCode::AccessDenied)
}
