//! Which properties an answer holds.
//!
//! In: the `ItemShape` of a request; out: a [`Shape`] that the item writer asks about each property. Operations take
//! things out that they cannot give: lists never hold bodies, synchronisation never holds recurrences.

use std::collections::BTreeSet;

use super::fields::{self, In};
use super::item::ExtendedKey;
use super::soap::Context;
use super::xml::Node;

/// What to include.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    base: Base,
    /// Local names asked for, with their family, such as `calendar:Start`.
    named: BTreeSet<String>,
    pub(crate) extended: Vec<ExtendedKey>,
    /// `Best`, `HTML` or `Text`.
    pub(crate) body_type: String,
    left_out: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    IdOnly,
    Default,
    All,
}

/// What a list of items cannot give.
pub(crate) const NOT_IN_LISTS: &[&str] = &[
    "Body",
    "TextBody",
    "Recurrence",
    "FirstOccurrence",
    "LastOccurrence",
    "ModifiedOccurrences",
    "DeletedOccurrences",
    "RequiredAttendees",
    "OptionalAttendees",
    "Resources",
];

/// What synchronisation cannot give.
pub(crate) const NOT_IN_SYNC: &[&str] = &[
    "Body",
    "TextBody",
    "Recurrence",
    "FirstOccurrence",
    "LastOccurrence",
    "ModifiedOccurrences",
    "DeletedOccurrences",
];

impl Shape {
    /// Reads the shape of a request.
    pub(crate) fn read(node: Option<&Node>, left_out: &'static [&'static str]) -> Self {
        let base = match node.and_then(|n| n.child_text("BaseShape")).map(str::trim) {
            Some("AllProperties") => Base::All,
            Some("Default") => Base::Default,
            _ => Base::IdOnly,
        };
        let paths = node
            .and_then(|n| n.child("AdditionalProperties"))
            .map(|n| n.children.as_slice())
            .unwrap_or_default();
        Self {
            base,
            named: paths.iter().filter_map(|p| p.attr("FieldURI")).map(str::to_owned).collect(),
            extended: paths.iter().filter(|p| p.name == "ExtendedFieldURI").map(ExtendedKey::read).collect(),
            body_type: node.and_then(|n| n.child_text("BodyType")).unwrap_or("Best").trim().to_owned(),
            left_out,
        }
    }

    /// Only ids, as writes answer.
    pub(crate) fn ids() -> Self {
        Self {
            base: Base::IdOnly,
            named: BTreeSet::new(),
            extended: Vec::new(),
            body_type: "Best".to_owned(),
            left_out: &[],
        }
    }

    /// Whether a property is to be written.
    pub(crate) fn has(&self, ctx: &Context, uri: &str) -> bool {
        let Some((name, since, within)) = fields::row(uri) else { return false };
        if !ctx.knows(*since) || self.left_out.contains(name) {
            return false;
        }
        *name == "ItemId"
            || self.named.contains(uri)
            || match self.base {
                Base::IdOnly => false,
                Base::Default => *within <= In::Default,
                Base::All => *within <= In::All,
            }
    }
}

/// Attributes of `ExtendedFieldURI` that make up its key.
const KEY_ATTRIBUTES: [&str; 5] =
    ["DistinguishedPropertySetId", "PropertySetId", "PropertyTag", "PropertyName", "PropertyId"];

impl ExtendedKey {
    /// Reads an `ExtendedFieldURI`; GUIDs and tags compare without case.
    pub(crate) fn read(node: &Node) -> Self {
        let attrs = KEY_ATTRIBUTES
            .into_iter()
            .filter_map(|name| {
                let value = node.attr(name)?;
                let value = match name {
                    "PropertySetId" => value.trim_matches(['{', '}']).to_lowercase(),
                    "PropertyTag" => tag(value),
                    _ => value.to_owned(),
                };
                Some((name, value))
            })
            .collect();
        Self { attrs, kind: node.attr("PropertyType").unwrap_or("String").to_owned() }
    }

    /// A named string property of a property set.
    pub(crate) fn named(set: &str, name: &str) -> Self {
        Self {
            attrs: vec![("PropertySetId", set.to_lowercase()), ("PropertyName", name.to_owned())],
            kind: "String".to_owned(),
        }
    }
}

/// `0x1a` and `26` are the same tag.
fn tag(value: &str) -> String {
    let number = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => value.parse().ok(),
    };
    number.map_or_else(|| value.to_owned(), |n| format!("0x{n:x}"))
}
