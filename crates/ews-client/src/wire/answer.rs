//! Reading of whole answers: envelope, faults, response messages and whatever they carry.
//!
//! One reader serves every operation, so a caller that only wants to see what an answer holds needs to know nothing of
//! the question. Items are found wherever they lie: in listings, in changes, in groups, in attachments.

use serde::Serialize;

use super::attachment::FileAttachment;
use super::code::ResponseCode;
use super::id::{ExtendedField, FolderId, ItemId};
use super::item::{CalendarItem, EffectiveRights, ExtendedProperty};
use super::item_xml::boolean;
use super::open_enum::open_enum;
use super::person::Mailbox;
use super::pull::{Element, Pull, XmlError, decode};
use super::time::DateTime;
use crate::version::ServerBuild;

/// What an answer may hold at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Messages, items, changes, folders, files and names together.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 20_000 }
    }
}

/// A decoded answer.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Answer {
    /// The build of the server, when it said so.
    pub server: Option<ServerBuild>,
    /// The server's clock, from the HTTP header; not part of the document.
    pub server_time: Option<DateTime>,
    /// Name of the element in the body, such as `GetItemResponse`.
    pub operation: String,
    /// The whole request failed.
    pub fault: Option<Fault>,
    /// One entry for each part of the request.
    pub messages: Vec<Message>,
}

/// A SOAP fault.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Fault {
    /// Exchange's own code, when there is one.
    pub code: Option<ResponseCode>,
    /// The SOAP code.
    pub soap_code: String,
    /// What the server says about it.
    pub text: String,
    /// Named details, such as `BackOffMilliseconds`.
    pub details: Vec<(String, String)>,
}

open_enum! {
    /// `ResponseClass` of a message.
    ResponseClass {
        /// It worked.
        Success = "Success",
        /// It worked, and there is something to say.
        Warning = "Warning",
        /// It did not work.
        Error = "Error",
    }
}

/// The answer to one part of a request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Whether it worked. With a warning the payload is good.
    pub class: ResponseClass,
    /// `NoError`, or what went wrong.
    pub code: ResponseCode,
    /// The server's words, in its language.
    pub text: Option<String>,
    /// Named details of an error.
    pub details: Vec<(String, String)>,
    /// Items.
    pub items: Vec<CalendarItem>,
    /// Changes of `SyncFolderItems`.
    pub changes: Vec<Change>,
    /// Folders.
    pub folders: Vec<Folder>,
    /// Names found by `ResolveNames`.
    pub resolutions: Vec<Resolution>,
    /// How far the changes reach.
    pub sync_state: Option<String>,
    /// Whether nothing follows.
    pub includes_last: Option<bool>,
    /// How many entries a listing has in all.
    pub total: Option<u32>,
    /// Where the next page of a listing begins.
    pub next_offset: Option<u32>,
    /// How many conflicts an update met.
    pub conflicts: Option<u32>,
    /// The XML of a configuration, in base64.
    pub xml_data: Option<String>,
    /// Files.
    pub attachments: Vec<FileAttachment>,
    /// Change key of an item that a file was deleted from.
    pub root_change_key: Option<String>,
}

impl Default for Message {
    fn default() -> Self {
        Self {
            class: ResponseClass::Success,
            code: ResponseCode::NoError,
            text: None,
            details: Vec::new(),
            items: Vec::new(),
            changes: Vec::new(),
            folders: Vec::new(),
            resolutions: Vec::new(),
            sync_state: None,
            includes_last: None,
            total: None,
            next_offset: None,
            conflicts: None,
            xml_data: None,
            attachments: Vec::new(),
            root_change_key: None,
        }
    }
}

/// One entry of `SyncFolderItems`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// New in the folder.
    Create(Box<CalendarItem>),
    /// Changed.
    Update(Box<CalendarItem>),
    /// No longer in the folder: deleted or moved.
    Delete(ItemId),
    /// Read or unread; nothing of a calendar changed.
    ReadFlag {
        /// Which item.
        id: ItemId,
        /// Whether it is read now.
        is_read: bool,
    },
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Folder {
    /// `CalendarFolder`, `Folder` and so on.
    pub element: String,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<FolderId>,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_folder_id: Option<FolderId>,
    /// `IPF.Appointment` for calendars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_class: Option<String>,
    /// Name, in the mailbox's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Number of items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_count: Option<u32>,
    /// Properties outside the schema that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extended_properties: Vec<ExtendedProperty>,
    /// What the caller may do in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_rights: Option<EffectiveRights>,
}

impl Folder {
    /// The value of a property outside the schema, by [`ExtendedField::is_same`].
    pub fn extended(&self, field: &ExtendedField) -> Option<&str> {
        let property = self.extended_properties.iter().find(|property| property.field.is_same(field));
        property.and_then(ExtendedProperty::single)
    }
}

/// A name that `ResolveNames` found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Resolution {
    /// Who it is.
    pub mailbox: Mailbox,
}

/// Reads an answer, or the part of one that begins with its response element.
///
/// # Errors
///
/// When it is no XML, no answer of Exchange Web Services, or beyond the limits. Faults and error messages are no errors
/// here but part of the result.
pub fn decode_answer(bytes: &[u8], limits: &Limits) -> Result<Answer, XmlError> {
    let text = decode(bytes);
    let text = text.trim_start();
    if text.is_empty() {
        return Err(XmlError::Empty);
    }
    if looks_like_html(text) {
        return Err(XmlError::Html);
    }
    let mut reader = AnswerReader {
        xml: Pull::new(text),
        answer: Answer::default(),
        left: limits.entries,
        limit: limits.entries,
    };
    let root = reader.xml.root()?;
    match root.local() {
        "Envelope" => reader.envelope()?,
        _ => reader.body_element(&root)?,
    }
    reader.xml.finish()?;
    Ok(reader.answer)
}

fn looks_like_html(text: &str) -> bool {
    let head: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html") || head.contains("<html")
}

struct AnswerReader<'a> {
    xml: Pull<'a>,
    answer: Answer,
    left: usize,
    limit: usize,
}

impl AnswerReader<'_> {
    fn envelope(&mut self) -> Result<(), XmlError> {
        let level = self.xml.depth();
        let mut has_body = false;
        while let Some(part) = self.xml.child(level)? {
            let inner = self.xml.depth();
            match part.local() {
                "Header" => {
                    while let Some(header) = self.xml.child(inner)? {
                        if header.local() == "ServerVersionInfo" {
                            self.answer.server = ServerBuild::read(&header);
                        }
                    }
                }
                "Body" => {
                    while let Some(element) = self.xml.child(inner)? {
                        has_body = true;
                        self.body_element(&element)?;
                    }
                }
                _ => {}
            }
        }
        if has_body { Ok(()) } else { Err(XmlError::NotEws { root: "Envelope without a body".to_owned() }) }
    }

    fn body_element(&mut self, element: &Element<'_>) -> Result<(), XmlError> {
        let name = element.local().to_owned();
        if name == "Fault" {
            self.answer.operation = name;
            let fault = self.fault()?;
            self.answer.fault = Some(fault);
            return Ok(());
        }
        let is_answer = name.ends_with("Response")
            || name.ends_with("ResponseMessage")
            || matches!(
                name.as_str(),
                "SendNotification" | "ResponseMessages" | "Items" | "Changes" | "RootFolder"
            );
        if is_item(&name) {
            let mut message = Message::default();
            self.item(element, &mut message)?;
            self.answer.operation = name;
            self.answer.messages.push(message);
            return Ok(());
        }
        if !is_answer {
            let root = name.chars().take(60).collect();
            return Err(XmlError::NotEws { root });
        }
        if name.ends_with("Response") || self.answer.operation.is_empty() {
            self.answer.operation.clone_from(&name);
        }
        match name.as_str() {
            "Items" | "Changes" | "RootFolder" => {
                let mut message = Message::default();
                self.payload_element(element, &name, &mut message)?;
                self.answer.messages.push(message);
            }
            _ => self.messages(element)?,
        }
        Ok(())
    }

    /// Reads the messages inside an element, or the element as a message when it has a class of its own.
    fn messages(&mut self, element: &Element<'_>) -> Result<(), XmlError> {
        if let Some(class) = element.attribute("ResponseClass") {
            self.take_one()?;
            let mut message = Message { class: ResponseClass::from_wire(&class), ..Message::default() };
            self.payload(element.local(), &mut message)?;
            self.answer.messages.push(message);
            return Ok(());
        }
        let level = self.xml.depth();
        while let Some(child) = self.xml.child(level)? {
            self.messages(&child)?;
        }
        Ok(())
    }

    fn payload(&mut self, parent: &str, message: &mut Message) -> Result<(), XmlError> {
        let level = self.xml.depth();
        while let Some(child) = self.xml.child(level)? {
            let holds_items = matches!(parent, "Items" | "ItemAttachment" | "Create" | "Update");
            if holds_items && is_item(child.local()) || child.local() == "CalendarItem" {
                self.item(&child, message)?;
            } else {
                let name = child.local().to_owned();
                self.payload_element(&child, &name, message)?;
            }
        }
        Ok(())
    }

    fn payload_element(
        &mut self,
        element: &Element<'_>,
        name: &str,
        message: &mut Message,
    ) -> Result<(), XmlError> {
        match name {
            "ResponseCode" => message.code = ResponseCode::from_wire(self.xml.text()?.trim()),
            "MessageText" => message.text = self.xml.filled()?,
            "MessageXml" => self.details(&mut message.details)?,
            "SyncState" => message.sync_state = self.xml.filled()?,
            "IncludesLastItemInRange" | "IncludesLastFolderInRange" => {
                message.includes_last = boolean(self.xml.text()?.trim());
            }
            "RootFolder" => {
                element.attributes(|name, value| match name {
                    "IncludesLastItemInRange" => message.includes_last = boolean(value.trim()),
                    "TotalItemsInView" => message.total = value.trim().parse().ok(),
                    "IndexedPagingOffset" => message.next_offset = value.trim().parse().ok(),
                    _ => {}
                });
                self.payload(name, message)?;
            }
            "XmlData" => message.xml_data = self.xml.filled()?,
            "Changes" => self.changes(message)?,
            "Folders" => self.folders(message)?,
            "FileAttachment" => {
                self.take_one()?;
                message.attachments.push(FileAttachment::read(&mut self.xml)?);
            }
            "RootItemId" => message.root_change_key = element.attribute("RootItemChangeKey"),
            "Resolution" => {
                self.take_one()?;
                if let Some(mailbox) = Mailbox::read_inside(&mut self.xml)? {
                    message.resolutions.push(Resolution { mailbox });
                }
            }
            "ConflictResults" => {
                let level = self.xml.depth();
                while let Some(child) = self.xml.child(level)? {
                    if child.local() == "Count" {
                        message.conflicts = self.xml.text()?.trim().parse().ok();
                    }
                }
            }
            _ => self.payload(name, message)?,
        }
        Ok(())
    }

    fn item(&mut self, element: &Element<'_>, message: &mut Message) -> Result<(), XmlError> {
        self.take_one()?;
        message.items.push(CalendarItem::read(element, &mut self.xml)?);
        Ok(())
    }

    fn changes(&mut self, message: &mut Message) -> Result<(), XmlError> {
        let level = self.xml.depth();
        while let Some(change) = self.xml.child(level)? {
            let kind = change.local().to_owned();
            let inner = self.xml.depth();
            let (mut id, mut is_read, mut item) = (None, false, None);
            while let Some(child) = self.xml.child(inner)? {
                match child.local() {
                    "ItemId" => id = Some(ItemId::read(&child)),
                    "IsRead" => is_read = boolean(self.xml.text()?.trim()).unwrap_or(false),
                    _ => item = Some(Box::new(CalendarItem::read(&child, &mut self.xml)?)),
                }
            }
            let change = match (kind.as_str(), item, id) {
                ("Create", Some(item), _) => Change::Create(item),
                ("Update", Some(item), _) => Change::Update(item),
                ("Delete", _, Some(id)) => Change::Delete(id),
                ("ReadFlagChange", _, Some(id)) => Change::ReadFlag { id, is_read },
                _ => continue,
            };
            self.take_one()?;
            message.changes.push(change);
        }
        Ok(())
    }

    fn folders(&mut self, message: &mut Message) -> Result<(), XmlError> {
        let level = self.xml.depth();
        while let Some(element) = self.xml.child(level)? {
            self.take_one()?;
            let mut folder = Folder { element: element.local().to_owned(), ..Folder::default() };
            let inner = self.xml.depth();
            while let Some(child) = self.xml.child(inner)? {
                match child.local() {
                    "FolderId" => folder.folder_id = Some(FolderId::read(&child)),
                    "ParentFolderId" => folder.parent_folder_id = Some(FolderId::read(&child)),
                    "FolderClass" => folder.folder_class = self.xml.filled()?,
                    "DisplayName" => folder.display_name = self.xml.filled()?,
                    "TotalCount" => folder.total_count = self.xml.text()?.trim().parse().ok(),
                    "ExtendedProperty" => {
                        folder.extended_properties.extend(ExtendedProperty::read(&mut self.xml)?);
                    }
                    "EffectiveRights" => {
                        folder.effective_rights = Some(EffectiveRights::read(&mut self.xml)?);
                    }
                    _ => {}
                }
            }
            message.folders.push(folder);
        }
        Ok(())
    }

    /// Reads `MessageXml`: named values, and paths of fields under their attribute's name.
    fn details(&mut self, details: &mut Vec<(String, String)>) -> Result<(), XmlError> {
        let level = self.xml.depth();
        while let Some(child) = self.xml.child(level)? {
            if details.len() >= 100 {
                continue;
            }
            match child.local() {
                "Value" => {
                    let name = child.attribute("Name").unwrap_or_default();
                    details.push((name, self.xml.string()?));
                }
                "FieldURI" | "IndexedFieldURI" => {
                    details.push(("FieldURI".to_owned(), child.attribute("FieldURI").unwrap_or_default()));
                }
                "ExtendedFieldURI" => {
                    let name = child.attribute("PropertyName").or_else(|| child.attribute("PropertyTag"));
                    details.push(("ExtendedFieldURI".to_owned(), name.unwrap_or_default()));
                }
                name => {
                    let name = name.to_owned();
                    details.push((name, self.xml.string()?));
                }
            }
        }
        Ok(())
    }

    /// Reads a fault of SOAP 1.1, and of 1.2 for servers that answer so.
    fn fault(&mut self) -> Result<Fault, XmlError> {
        let mut fault = Fault::default();
        self.fault_part(&mut fault)?;
        if fault.code.is_none() {
            // Some servers put the code where SOAP has its own.
            let local = fault.soap_code.rsplit(':').next().unwrap_or_default();
            if local.starts_with("Error") {
                fault.code = Some(ResponseCode::from_wire(local));
            }
        }
        Ok(fault)
    }

    fn fault_part(&mut self, fault: &mut Fault) -> Result<(), XmlError> {
        let level = self.xml.depth();
        while let Some(child) = self.xml.child(level)? {
            match child.local() {
                "faultcode" => fault.soap_code = self.xml.string()?,
                "Value" if fault.soap_code.is_empty() => fault.soap_code = self.xml.string()?,
                "faultstring" => fault.text = self.xml.string()?,
                "Text" | "Message" if fault.text.is_empty() => fault.text = self.xml.string()?,
                "ResponseCode" => fault.code = Some(ResponseCode::from_wire(self.xml.text()?.trim())),
                "MessageXml" => self.details(&mut fault.details)?,
                "Code" | "Reason" | "Subcode" | "detail" | "Detail" => self.fault_part(fault)?,
                name @ ("LineNumber" | "LinePosition" | "Violation") => {
                    let name = name.to_owned();
                    fault.details.push((name, self.xml.string()?));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn take_one(&mut self) -> Result<(), XmlError> {
        self.left =
            self.left.checked_sub(1).ok_or(XmlError::TooMany { what: "entries", limit: self.limit })?;
        Ok(())
    }
}

fn is_item(name: &str) -> bool {
    matches!(
        name,
        "CalendarItem"
            | "Item"
            | "Message"
            | "Contact"
            | "DistributionList"
            | "MeetingMessage"
            | "MeetingRequest"
            | "MeetingResponse"
            | "MeetingCancellation"
            | "Task"
            | "PostItem"
            | "SharingMessage"
            | "RoleMember"
            | "Network"
            | "Person"
    )
}
