//! Ids of items and folders, and the paths by which fields are named.
//!
//! Ids are opaque and case-sensitive. The change key travels beside the id and names a revision.

use std::borrow::Cow;

use serde::Serialize;

use super::pull::Element;
use super::writer::Writer;

/// `ItemId`: an item, occurrences included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ItemId {
    /// Opaque, case-sensitive, up to some hundred characters. Changes when the item is moved.
    pub id: String,
    /// The revision; absent where the server left it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_key: Option<String>,
}

impl ItemId {
    /// An id without a revision, enough for reading.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), change_key: None }
    }

    /// An id with the revision that a write is based on.
    pub fn with_change_key(id: impl Into<String>, change_key: impl Into<String>) -> Self {
        Self { id: id.into(), change_key: Some(change_key.into()) }
    }

    pub(crate) fn read(element: &Element<'_>) -> Self {
        let mut id = Self::new(String::new());
        element.attributes(|name, value| match name {
            "Id" => id.id = value,
            "ChangeKey" => id.change_key = Some(value),
            _ => {}
        });
        id
    }

    pub(crate) fn write(&self, xml: &mut Writer, name: &str) {
        xml.start(name)
            .attribute("Id", &self.id)
            .attribute_opt("ChangeKey", self.change_key.as_ref())
            .end(name);
    }
}

/// `FolderId`. Unlike an item's, it stays when the folder is moved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FolderId {
    /// Opaque, case-sensitive.
    pub id: String,
    /// The revision of the folder itself, not of its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_key: Option<String>,
}

impl FolderId {
    /// An id without a revision.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), change_key: None }
    }

    pub(crate) fn read(element: &Element<'_>) -> Self {
        let ItemId { id, change_key } = ItemId::read(element);
        Self { id, change_key }
    }
}

/// How a request names an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemRef {
    /// By its own id.
    Id(ItemId),
    /// The n-th occurrence of a series, counted from 1 over the pattern as generated: deleted ones keep their number.
    Occurrence {
        /// The series.
        master: ItemId,
        /// From 1.
        index: u32,
    },
    /// The series to which an occurrence belongs.
    MasterOf(ItemId),
}

impl ItemRef {
    pub(crate) fn write(&self, xml: &mut Writer) {
        match self {
            Self::Id(id) => id.write(xml, "t:ItemId"),
            Self::Occurrence { master, index } => {
                xml.start("t:OccurrenceItemId")
                    .attribute("RecurringMasterId", &master.id)
                    .attribute_opt("ChangeKey", master.change_key.as_ref())
                    .attribute("InstanceIndex", index)
                    .end("t:OccurrenceItemId");
            }
            Self::MasterOf(id) => {
                xml.start("t:RecurringMasterItemId")
                    .attribute("OccurrenceId", &id.id)
                    .attribute_opt("ChangeKey", id.change_key.as_ref())
                    .end("t:RecurringMasterItemId");
            }
        }
    }
}

impl From<ItemId> for ItemRef {
    fn from(id: ItemId) -> Self {
        Self::Id(id)
    }
}

/// `ExtendedFieldURI`: a property outside the schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct ExtendedField {
    /// One of the well-known sets, such as `PublicStrings` or `Meeting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinguished_set: Option<Cow<'static, str>>,
    /// A set by its GUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<Cow<'static, str>>,
    /// A property tag, hexadecimal or decimal as the server wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<Cow<'static, str>>,
    /// Name within the set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'static, str>>,
    /// Number within the set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Cow<'static, str>>,
    /// `String`, `Binary`, `Integer` and so on.
    pub kind: Cow<'static, str>,
}

impl ExtendedField {
    /// A named string property of an own set.
    pub const fn string(set: &'static str, name: &'static str) -> Self {
        Self {
            distinguished_set: None,
            set: Some(Cow::Borrowed(set)),
            tag: None,
            name: Some(Cow::Borrowed(name)),
            number: None,
            kind: Cow::Borrowed("String"),
        }
    }

    /// Whether both name the same property: GUIDs and names compare without case, as servers spell them freely.
    pub fn is_same(&self, other: &Self) -> bool {
        fn same(a: Option<&str>, b: Option<&str>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
                (None, None) => true,
                _ => false,
            }
        }
        same(self.distinguished_set.as_deref(), other.distinguished_set.as_deref())
            && same(self.set.as_deref(), other.set.as_deref())
            && same(self.tag.as_deref(), other.tag.as_deref())
            && same(self.name.as_deref(), other.name.as_deref())
            && self.number == other.number
    }

    pub(crate) fn read(element: &Element<'_>) -> Self {
        let mut field = Self::default();
        element.attributes(|name, value| {
            let value = Cow::Owned(value);
            match name {
                "DistinguishedPropertySetId" => field.distinguished_set = Some(value),
                "PropertySetId" => field.set = Some(value),
                "PropertyTag" => field.tag = Some(value),
                "PropertyName" => field.name = Some(value),
                "PropertyId" => field.number = Some(value),
                "PropertyType" => field.kind = value,
                _ => {}
            }
        });
        field
    }

    pub(crate) fn write(&self, xml: &mut Writer) {
        xml.start("t:ExtendedFieldURI")
            .attribute_opt("DistinguishedPropertySetId", self.distinguished_set.as_ref())
            .attribute_opt("PropertySetId", self.set.as_ref())
            .attribute_opt("PropertyTag", self.tag.as_ref())
            .attribute_opt("PropertyName", self.name.as_ref())
            .attribute_opt("PropertyId", self.number.as_ref())
            .attribute("PropertyType", &self.kind)
            .end("t:ExtendedFieldURI");
    }
}

/// A field as requests name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldRef {
    /// A field of the schema, such as `item:Subject`.
    Named(&'static str),
    /// A property outside the schema.
    Extended(ExtendedField),
}

impl FieldRef {
    pub(crate) fn write(&self, xml: &mut Writer) {
        match self {
            Self::Named(uri) => {
                xml.start("t:FieldURI").attribute("FieldURI", uri).end("t:FieldURI");
            }
            Self::Extended(field) => field.write(xml),
        }
    }
}
