//! The XML of the master category list (MS-OXOCFG 2.2.5.2), and how entries are added to it.
//!
//! In: the document as the server gave it; out: the same document, byte for byte, with entries before its last tag. What
//! people and other programs wrote into it is never taken apart and put together again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::CategoryColour;
use crate::wire::{Pull, Writer};

/// The longest name that Outlook takes.
const MAX_NAME: usize = 255;
/// Moment of something that never happened.
const NEVER: &str = "1601-01-01T00:00:00.000";

/// A list that was understood.
#[derive(Debug)]
pub(super) struct CategoryList<'a> {
    text: &'a str,
    /// Names in lower case: Outlook tells them apart without regard to it.
    names: BTreeSet<String>,
    colours: BTreeSet<i8>,
}

/// How Outlook compares names.
pub(super) fn key(name: &str) -> String {
    name.to_lowercase()
}

impl<'a> CategoryList<'a> {
    /// Reads a list; `None` when it is none.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut xml = Pull::new(text.trim_start_matches('\u{feff}'));
        let root = xml.root().ok()?;
        if root.local() != "categories" {
            return None;
        }
        let level = xml.depth();
        let (mut names, mut colours) = (BTreeSet::new(), BTreeSet::new());
        while let Some(entry) = xml.child(level).ok()? {
            if entry.local() == "category" {
                names.extend(entry.attribute("name").map(|name| key(&name)));
                colours.extend(entry.attribute("color").and_then(|colour| colour.trim().parse::<i8>().ok()));
            }
        }
        xml.finish().ok()?;
        Some(Self { text, names, colours })
    }

    /// The names it has, as [`key`] makes them.
    pub(super) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// The document with entries for those of the names that it lacks; `None` when it lacks none, or nothing can be added.
    ///
    /// A name without a colour of its own gets the first free one, beginning at a place that the name decides: the same
    /// in every mailbox as far as it is free there.
    pub(super) fn with(
        &self,
        names: &BTreeSet<String>,
        given: &BTreeMap<String, CategoryColour>,
    ) -> Option<Vec<u8>> {
        let (before, root, after) = if let Some(end) = self.text.rfind("</") {
            let (before, tag) = self.text.split_at_checked(end)?;
            (before.to_owned(), tag.strip_prefix("</")?.split_once('>')?.0.trim(), tag.to_owned())
        } else {
            // Not one entry yet.
            let before = self.text.trim_end().strip_suffix("/>")?;
            let start = before.rfind('<')? + 1;
            let root = before.get(start..)?.split(char::is_whitespace).next()?;
            (format!("{}>", before.trim_end()), root, format!("</{root}>"))
        };
        let prefix = match root.rsplit_once(':') {
            Some((prefix, "categories")) => format!("{prefix}:"),
            None if root == "categories" => String::new(),
            // A comment behind the list, or nothing that could be known here.
            _ => return None,
        };
        let mut added = String::new();
        let (mut taken, mut known) = (self.colours.clone(), self.names.clone());
        for name in names.iter().filter(|name| is_possible(name)) {
            if !known.insert(key(name)) {
                continue;
            }
            let colour = given.get(name).copied().unwrap_or_else(|| free_colour(name, &taken));
            taken.insert(colour.number());
            added.push_str(&entry(&prefix, name, colour));
        }
        (!added.is_empty()).then(|| (before + &added + &after).into_bytes())
    }
}

/// Outlook separates the categories of an item by commas and semicolons.
fn is_possible(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= MAX_NAME && !name.contains([',', ';'])
}

fn free_colour(name: &str, taken: &BTreeSet<i8>) -> CategoryColour {
    let count = CategoryColour::all().count();
    let first = digest(name).first().map_or(0, |byte| usize::from(*byte)) % count;
    let mut from_there = CategoryColour::all().cycle().skip(first).take(count);
    let own = from_there.clone().next();
    from_there.find(|colour| !taken.contains(&colour.number())).or(own).unwrap_or(CategoryColour::NONE)
}

fn entry(prefix: &str, name: &str, colour: CategoryColour) -> String {
    let element = format!("{prefix}category");
    let mut xml = Writer::new();
    xml.start(&element)
        .attribute("name", name)
        .attribute("color", colour.number())
        .attribute("keyboardShortcut", 0)
        .attribute("usageCount", 0);
    for kind in ["Notes", "Journal", "Contacts", "Tasks", "Calendar", "Mail", ""] {
        xml.attribute(&format!("lastTimeUsed{kind}"), NEVER);
    }
    xml.attribute("lastSessionUsed", 0).attribute("guid", guid(name)).attribute("renameOnFirstUse", 0);
    xml.end(&element);
    xml.finish()
}

fn digest(name: &str) -> [u8; 32] {
    Sha256::digest(key(name).as_bytes()).into()
}

/// A GUID that is made of the name: whoever adds a category twice adds the same one.
fn guid(name: &str) -> String {
    let mut text = String::with_capacity(38);
    text.push('{');
    for (index, byte) in digest(name).iter().take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Version 8 (own making), variant of RFC 9562.
        let byte = match index {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        let _ = write!(text, "{byte:02X}");
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "<?xml version=\"1.0\"?>\r\n<categories default=\"Rot\" lastSavedSession=\"5\" own=\"x\" xmlns=\"CategoryList.xsd\">\r\n<category name=\"Rot\" color=\"0\" keyboardShortcut=\"0\" mine='1'/><strange>&amp;</strange><category name=\"K &amp; L\" color=\"-1\"></category>\r\n</categories>\r\n";

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn with(list: &str, wanted: &[&str]) -> Option<String> {
        let given = BTreeMap::from([("Kunde".to_owned(), "dark_blue".parse().unwrap())]);
        let list = CategoryList::read(list.as_bytes()).unwrap();
        list.with(&names(wanted), &given).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn entries_are_added_and_all_else_stays_byte_for_byte() {
        let new = with(LIST, &["Kunde", "rot", "<\"Neu\">"]).unwrap();
        let (head, _) = LIST.split_at(LIST.rfind("</categories>").unwrap());
        assert!(new.starts_with(head) && new.ends_with("</categories>\r\n"));
        assert!(new.contains("<category name=\"Kunde\" color=\"22\" keyboardShortcut=\"0\""));
        let read = CategoryList::read(new.as_bytes()).unwrap();
        assert_eq!(read.names(), &names(&["<\"neu\">", "k & l", "kunde", "rot"]));
        assert_eq!(with(&new, &["KUNDE", "K & L"]), None);
    }

    #[test]
    fn a_list_may_be_empty_or_have_a_prefix() {
        for empty in ["<categories xmlns=\"CategoryList.xsd\"/>", "\u{feff}<categories></categories>"] {
            let new = with(empty, &["Kunde"]).unwrap();
            assert_eq!(CategoryList::read(new.as_bytes()).unwrap().names(), &names(&["kunde"]), "{new}");
        }
        let new = with("<c:categories xmlns:c=\"CategoryList.xsd\"></c:categories>", &["Kunde"]).unwrap();
        assert!(new.contains("<c:category name=\"Kunde\""), "{new}");
    }

    #[test]
    fn what_is_no_list_is_left_alone() {
        for text in ["", "<categories>", "<!DOCTYPE x><categories/>", "<other/>", "<categories></other>"] {
            assert!(CategoryList::read(text.as_bytes()).is_none(), "{text}");
        }
        assert!(CategoryList::read(b"<categories n='\xff'/>").is_none());
        // A list whose end cannot be found for certain.
        assert_eq!(with("<categories></categories><!-- </categories> </x> -->", &["Kunde"]), None);
    }

    #[test]
    fn names_that_outlook_cannot_have_are_not_added() {
        assert_eq!(with(LIST, &["a, b", "a;b", " ", &"x".repeat(256)]), None);
    }

    #[test]
    fn colours_are_taken_only_once_while_there_are_free_ones() {
        let wanted: Vec<String> = (0..24).map(|n| format!("Art {n}")).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let new = with(LIST, &wanted).unwrap();
        let colours = CategoryList::read(new.as_bytes()).unwrap().colours;
        assert_eq!(colours.len(), 26, "all colours and none");
        assert!(with(&new, &["noch eine"]).is_some());
    }

    #[test]
    fn a_category_has_the_same_guid_wherever_it_is_added() {
        assert_eq!(guid("Kunde"), guid("KUNDE"));
        assert_eq!(guid("Kunde").len(), 38);
        assert_ne!(guid("Kunde"), guid("Termin"));
    }
}
