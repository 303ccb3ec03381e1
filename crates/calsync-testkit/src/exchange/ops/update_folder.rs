//! `UpdateFolder`: a folder's own properties, set and cleared.
//!
//! Only its owner may. There is no rule for conflicts: a folder named by its id needs a change key, and which one it is makes
//! no difference, as the documentation names no error for an old one.

use super::super::edit::check_extended;
use super::super::faults::{Fault, Refusal};
use super::super::ids::{KeyKind, change_key};
use super::super::item::ExtendedKey;
use super::super::soap::{Context, Reply};
use super::super::world::{Rights, World};
use super::super::xml::{Node, Xml};
use super::resolve_folder;

pub(super) fn run(world: &mut World, ctx: &Context, operation: &Node) -> Result<String, Fault> {
    let mut reply = Reply::new("UpdateFolder", &["m:Folders"]);
    for change in operation.child("FolderChanges").map(|n| n.children.as_slice()).unwrap_or_default() {
        let updates = change.child("Updates").map(|n| n.children.as_slice()).unwrap_or_default();
        if let Some(wrong) = updates.iter().find(|update| !update.name.ends_with("FolderField")) {
            return Err(Fault::schema(&format!(
                "The element 'Updates' in namespace '{}' has invalid child element '{}'.",
                super::super::xml::TYPES,
                wrong.name
            )));
        }
        let done = update(world, ctx, change, updates);
        reply.entry(done.map(|(element, id, key)| {
            move |xml: &mut Xml| {
                xml.open("m:Folders");
                xml.open(element);
                xml.empty_with("t:FolderId", &[("Id", &id), ("ChangeKey", &key)]);
                xml.close();
                xml.close();
            }
        }));
    }
    Ok(reply.finish())
}

/// Element, id and change key of the changed folder.
type Done = (&'static str, String, String);

fn update(world: &mut World, ctx: &Context, change: &Node, updates: &[Node]) -> Result<Done, Refusal> {
    let absent =
        || Refusal::new("ErrorFolderNotFound", "The specified folder could not be found in the store.");
    let id = change.children.first().ok_or_else(absent)?;
    let (mailbox, number, rights) = resolve_folder(world, ctx, id, "ErrorFolderNotFound")?;
    if id.name == "FolderId" && id.attr("ChangeKey").is_none_or(str::is_empty) {
        return Err(Refusal::new(
            "ErrorChangeKeyRequiredForWriteOperations",
            "The change key is required for this operation.",
        ));
    }
    if rights < Rights::Owner {
        return Err(Refusal::access_denied());
    }
    let address = mailbox.address.to_lowercase();
    let mailbox = world.mailboxes.get_mut(&address).ok_or_else(absent)?;
    let bumped = mailbox.bump();
    let (guid, folder_id) = (mailbox.guid, mailbox.folder_id(number));
    let folder = mailbox.folders.get_mut(&number).ok_or_else(absent)?;
    let mut extended = folder.extended.clone();
    for update in updates {
        let path = update.children.first().filter(|path| path.name == "ExtendedFieldURI");
        let key = path
            .map(ExtendedKey::read)
            .ok_or_else(|| Refusal::new("ErrorInvalidPropertySet", "Set action is invalid for property."))?;
        check_extended(&key)?;
        match update.name.as_str() {
            "SetFolderField" => {
                let values = one_value(update.children.get(1), &key)?;
                extended.insert(key, values);
            }
            "DeleteFolderField" => drop(extended.remove(&key)),
            _ => {
                return Err(Refusal::new(
                    "ErrorInvalidPropertyAppend",
                    "Append action is invalid for property.",
                ));
            }
        }
    }
    folder.extended = extended;
    folder.change = bumped;
    let element = if folder.kind.is_calendar() { "t:CalendarFolder" } else { "t:Folder" };
    Ok((element, folder_id, change_key(KeyKind::Folder, &guid, bumped)))
}

/// The value of the one property in the folder, which has to be the one that the path names.
fn one_value(folder: Option<&Node>, key: &ExtendedKey) -> Result<Vec<String>, Refusal> {
    let properties = folder.map(|n| n.children.as_slice()).unwrap_or_default();
    let [property] = properties else {
        return Err(Refusal::new(
            "ErrorIncorrectUpdatePropertyCount",
            "An object within a change description must contain one and only one property to modify.",
        ));
    };
    let named = property.child("ExtendedFieldURI").map(ExtendedKey::read);
    if named.as_ref() != Some(key) {
        return Err(Refusal::new(
            "ErrorUpdatePropertyMismatch",
            "There is a mismatch between the property to update and the property that was given.",
        ));
    }
    Ok(match property.child("Values") {
        Some(values) => values.children.iter().map(|value| value.text.clone()).collect(),
        None => vec![property.child_text("Value").unwrap_or_default().to_owned()],
    })
}
