//! `FileAttachment`: a file of an item, with or without its bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::item_xml::boolean;
use super::pull::{Pull, XmlError};
use super::time::DateTime;
use super::writer::Writer;

/// A file of an item, or an image inside its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FileAttachment {
    /// `AttachmentId`; dies with the item's id.
    pub id: String,
    /// Change key of the item after this attachment was added; only in the answer to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_change_key: Option<String>,
    /// File name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// By what an HTML text names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
    /// What it takes in the store, a little more than the file has; Exchange 2010 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Exchange 2010 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified_time: Option<DateTime>,
    /// Whether it is shown inside the text; Exchange 2010 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_inline: Option<bool>,
    /// The bytes, where they were asked for.
    #[serde(skip)]
    pub content: Option<Vec<u8>>,
}

impl FileAttachment {
    /// Reads the content of its element.
    pub(crate) fn read(xml: &mut Pull<'_>) -> Result<Self, XmlError> {
        let mut file = Self::default();
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            match child.local() {
                "AttachmentId" => {
                    file.id = child.attribute("Id").unwrap_or_default();
                    file.root_change_key = child.attribute("RootItemChangeKey");
                }
                "Name" => file.name = xml.filled()?,
                "ContentType" => file.content_type = xml.filled()?,
                "ContentId" => file.content_id = xml.filled()?,
                "Size" => file.size = xml.text()?.trim().parse().ok(),
                "LastModifiedTime" => file.last_modified_time = DateTime::parse(xml.text()?.trim()),
                "IsInline" => file.is_inline = boolean(xml.text()?.trim()),
                "Content" => file.content = from_base64(&xml.text()?),
                _ => {}
            }
        }
        Ok(file)
    }

    /// Reads a list of attachments. Attached items and references to files elsewhere are left out.
    pub(crate) fn read_list(xml: &mut Pull<'_>) -> Result<Vec<Self>, XmlError> {
        let mut files = Vec::new();
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            if child.local() == "FileAttachment" {
                files.push(Self::read(xml)?);
            }
        }
        Ok(files)
    }
}

/// Bytes of base64, which servers break into lines.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    if text.contains(char::is_whitespace) {
        let text: String = text.split_whitespace().collect();
        return STANDARD.decode(text).ok();
    }
    STANDARD.decode(text).ok()
}

/// Writes a new file.
pub(crate) fn write_file(xml: &mut Writer, name: &str, content_type: Option<&str>, content: &[u8]) {
    xml.start("t:FileAttachment").leaf("t:Name", name).leaf_opt("t:ContentType", content_type);
    xml.leaf("t:Content", STANDARD.encode(content)).end("t:FileAttachment");
}

/// Writes the ids of attachments.
pub(crate) fn write_ids(xml: &mut Writer, ids: &[String]) {
    xml.start("m:AttachmentIds");
    for id in ids {
        xml.start("t:AttachmentId").attribute("Id", id).end("t:AttachmentId");
    }
    xml.end("m:AttachmentIds");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_lines_are_the_same_bytes() {
        assert_eq!(from_base64("cGxh\r\n bg=="), Some(b"plan".to_vec()));
        assert_eq!(from_base64("cGxhbg=="), Some(b"plan".to_vec()));
        assert_eq!(from_base64(""), Some(Vec::new()));
        assert_eq!(from_base64("#"), None);
    }
}
