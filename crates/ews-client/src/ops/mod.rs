//! The operations, one file each.
//!
//! A question is a struct, its method on [`EwsClient`](crate::EwsClient) asks it. Questions about several items get one
//! result for each, in the same order; an error of the whole call says nothing about any of them.

mod create_attachment;
mod create_item;
mod delete_attachment;
mod delete_item;
mod find_item;
mod folder_ref;
mod get_attachment;
mod get_folder;
mod get_item;
mod get_user_configuration;
mod move_item;
mod notify;
mod resolve_names;
mod shape;
mod sync_folder_items;
mod update_folder;
mod update_item;
mod update_user_configuration;

use crate::client::Target;
use crate::error::{EwsError, ResponseError};
use crate::version::Version;
use crate::wire::{Answer, Message, ResponseClass, ResponseCode, Writer};

pub use create_attachment::CreateAttachment;
pub use create_item::CreateItem;
pub use delete_attachment::DeleteAttachment;
pub use delete_item::{DeleteItem, DeleteType};
pub use find_item::{FindItem, FoundPage, Range, Restriction};
pub use folder_ref::FolderRef;
pub use get_attachment::GetAttachment;
pub use get_folder::GetFolder;
pub use get_item::GetItem;
pub use get_user_configuration::GetUserConfiguration;
pub use move_item::MoveItem;
pub use notify::{MayNotify, Notify};
pub use resolve_names::ResolveNames;
pub use shape::{BodyForm, Shape, calendar_fields};
pub use sync_folder_items::{SyncFolderItems, SyncPage};
pub use update_folder::UpdateFolder;
pub use update_item::{ConflictResolution, ItemChange, UpdateItem, Updated};
pub use update_user_configuration::UpdateUserConfiguration;

/// An operation as the client sees it.
pub(crate) trait Operation {
    /// Its name on the wire.
    const NAME: &'static str;
    /// Whether its request looks the same in every version, so that it can be the first thing a server is asked.
    const ANY_VERSION: bool = false;
    /// The newest request version it is sent in.
    const NEWEST: Version = Version::Exchange2016;
    /// Whether it changes something, so that it must not be sent again after a lost answer.
    const WRITES: bool = false;
    /// What comes back.
    type Output;

    /// Writes the request's body element.
    fn write(&self, xml: &mut Writer, version: Version, target: &Target);

    /// Makes the result of an answer that is no fault.
    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError>;
}

/// The only message of an answer, or its error.
fn only(answer: Answer, operation: &'static str) -> Result<Message, EwsError> {
    let message = answer
        .messages
        .into_iter()
        .next()
        .ok_or(EwsError::Incomplete { operation, what: "response message" })?;
    match checked(message) {
        Ok(message) => Ok(message),
        Err(error) => Err(error.into()),
    }
}

/// A message that worked, with a warning perhaps, or its error.
fn checked(message: Message) -> Result<Message, ResponseError> {
    match message.class {
        ResponseClass::Error => Err(ResponseError::of_message(&message)),
        ResponseClass::Success | ResponseClass::Warning => Ok(message),
        // A class nobody knows: believe the code.
        ResponseClass::Other(_) => match message.code {
            ResponseCode::NoError => Ok(message),
            _ => Err(ResponseError::of_message(&message)),
        },
    }
}

/// One result for each part of the question.
///
/// A server that answers less stopped in the middle; what it did not mention counts as not done, as
/// `ErrorBatchProcessingStopped` says it.
fn each<T>(
    answer: Answer,
    asked: usize,
    mut read: impl FnMut(Message) -> Result<T, ResponseError>,
) -> Vec<Result<T, ResponseError>> {
    let mut results: Vec<_> =
        answer.messages.into_iter().take(asked).map(|message| checked(message).and_then(&mut read)).collect();
    results.resize_with(asked, || Err(ResponseError::new(ResponseCode::BatchProcessingStopped)));
    results
}
