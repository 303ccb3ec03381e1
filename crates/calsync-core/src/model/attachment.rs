//! Files that belong to an appointment: their names and which version of them it is, never their bytes.
//!
//! Each side marks the version of a file in its own way, its [`stamp`](Attachment::stamp). Stamps of one side are compared
//! with stamps of that side only; across sides a file is known by its name, and among several of one name by its number.
//! Inline images of an HTML text and attached items are no files in this sense: they are part of the text, or an
//! appointment of their own, and are left alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use super::Change;

/// A file of an appointment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attachment {
    /// File name, as people see it. Several files may have the same.
    pub name: String,
    /// Which of the files of that name, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nth: u32,
    /// Media type, such as `application/pdf`; empty where the side does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// Bytes, where the side says so. Some count a little more than the file itself has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The side's own mark of this version of the file; opaque.
    pub stamp: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference to the field")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Attachment {
    /// A file as a side shows it; the number is given by [`Attachments::new`].
    pub fn new(name: impl Into<String>, stamp: impl Into<String>) -> Attachment {
        Attachment { name: name.into(), nth: 0, media_type: String::new(), size: None, stamp: stamp.into() }
    }

    fn key(&self) -> Key<'_> {
        (&self.name, self.nth)
    }
}

/// What a file is known by across sides.
type Key<'a> = (&'a str, u32);

/// The files of an appointment, by name and number.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Attachments(Vec<Attachment>);

impl Attachments {
    /// The files as a side shows them, in any order: files of one name are numbered by their stamps, so that a side may
    /// list them in another order next time.
    pub fn new(files: impl IntoIterator<Item = Attachment>) -> Attachments {
        let mut files: Vec<Attachment> = files.into_iter().collect();
        files.sort_by(|a, b| (&a.name, &a.stamp, &a.media_type).cmp(&(&b.name, &b.stamp, &b.media_type)));
        let mut last: Option<(String, u32)> = None;
        for file in &mut files {
            file.nth = match &last {
                Some((name, nth)) if *name == file.name => nth.saturating_add(1),
                Some(_) | None => 0,
            };
            last = Some((file.name.clone(), file.nth));
        }
        Attachments(files)
    }

    /// Files that have their numbers, in the order of names and numbers.
    pub(crate) fn numbered(files: impl IntoIterator<Item = Attachment>) -> Attachments {
        Attachments(files.into_iter().collect())
    }

    /// All of them, by name and number.
    pub fn iter(&self) -> std::slice::Iter<'_, Attachment> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The file of that name and number.
    pub fn get(&self, name: &str, nth: u32) -> Option<&Attachment> {
        self.0.iter().find(|file| file.key() == (name, nth))
    }

    /// Those that `keep` wants; numbers stay.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Attachment) -> bool) -> Attachments {
        Attachments(self.0.iter().filter(|file| keep(file)).cloned().collect())
    }

    fn by_key(&self) -> BTreeMap<Key<'_>, &Attachment> {
        self.0.iter().map(|file| (file.key(), file)).collect()
    }

    /// What `current` becomes when elsewhere `from` became `to`: what came comes, what went goes, what is another version
    /// is replaced. A file that came on both sides under one name is taken for the same.
    pub(super) fn carry(from: &Self, to: &Self, current: &Self) -> Self {
        let (from, to, mut now) = (from.by_key(), to.by_key(), current.by_key());
        for key in from.keys().filter(|key| !to.contains_key(*key)) {
            now.remove(key);
        }
        for (key, file) in to {
            match from.get(&key) {
                Some(before) if *before == file => {}
                Some(_) => drop(now.insert(key, file)),
                None => drop(now.entry(key).or_insert(file)),
            }
        }
        Attachments(now.into_values().cloned().collect())
    }

    /// `self` after `change` was written, with the files of the names that it touched as the side gives them back.
    pub(crate) fn given_back(&self, change: &Change<Attachments>, read: &Attachments) -> Attachments {
        let touched: BTreeSet<&str> =
            change.incoming().chain(change.outgoing()).map(|file| file.name.as_str()).collect();
        let others = self.0.iter().filter(|file| !touched.contains(file.name.as_str()));
        let given = read.0.iter().filter(|file| touched.contains(file.name.as_str()));
        let all: BTreeMap<Key<'_>, &Attachment> =
            others.chain(given).map(|file| (file.key(), file)).collect();
        Attachments(all.into_values().cloned().collect())
    }

    /// Whether both sides replaced the same file, or one replaced what the other took away.
    pub(super) fn collide(mine: &Change<Self>, theirs: &Change<Self>) -> bool {
        let (mine, theirs) = (Touched::of(mine), Touched::of(theirs));
        mine.replaced.iter().any(|key| theirs.replaced.contains(key) || theirs.removed.contains(key))
            || theirs.replaced.iter().any(|key| mine.removed.contains(key))
    }
}

/// What a change does to files that were there before.
struct Touched<'a> {
    replaced: Vec<Key<'a>>,
    removed: Vec<Key<'a>>,
}

impl<'a> Touched<'a> {
    fn of(change: &'a Change<Attachments>) -> Touched<'a> {
        let to = change.to.by_key();
        let mut touched = Touched { replaced: Vec::new(), removed: Vec::new() };
        for before in &change.from {
            match to.get(&before.key()) {
                None => touched.removed.push(before.key()),
                Some(now) if *now != before => touched.replaced.push(before.key()),
                Some(_) => {}
            }
        }
        touched
    }
}

impl Change<Attachments> {
    /// Files that come, or come in place of one of the same name and number. In a write these are files of the other
    /// side, whose bytes the writing source has to ask for.
    pub fn incoming(&self) -> impl Iterator<Item = &Attachment> {
        let from = &self.from;
        self.to.iter().filter(move |file| from.get(&file.name, file.nth) != Some(*file))
    }

    /// Files that go: taken away, or replaced.
    pub fn outgoing(&self) -> impl Iterator<Item = &Attachment> {
        let to = &self.to;
        self.from.iter().filter(move |file| to.get(&file.name, file.nth) != Some(*file))
    }
}

impl<'a> IntoIterator for &'a Attachments {
    type Item = &'a Attachment;
    type IntoIter = std::slice::Iter<'a, Attachment>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What was stored before there were files has none.
impl<'de> Deserialize<'de> for Attachments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let files: Option<Vec<Attachment>> = Option::deserialize(deserializer)?;
        Ok(Attachments(files.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a=1 a=2 b=3`: names and stamps.
    fn files(text: &str) -> Attachments {
        let file = |part: &str| {
            let (name, stamp) = part.split_once('=').unwrap();
            Attachment::new(name, stamp)
        };
        Attachments::new(text.split_whitespace().map(file))
    }

    fn shown(files: &Attachments) -> String {
        let one = |file: &Attachment| format!("{}#{}={}", file.name, file.nth, file.stamp);
        files.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn change(from: &str, to: &str) -> Change<Attachments> {
        Change { from: files(from), to: files(to) }
    }

    #[test]
    fn what_happened_to_files_is_carried_by_name_and_number() {
        let table = [
            // from, to, current, then
            ("", "a=1", "", "a#0=1"),
            ("a=1", "", "a=x", ""),
            ("a=1", "a=2", "a=x b=y", "a#0=2 b#0=y"),
            ("a=1", "a=1 b=2", "a=x", "a#0=x b#0=2"),
            // Already there, by name.
            ("", "a=1", "a=x", "a#0=x"),
            ("a=1", "", "b=y", "b#0=y"),
            // What the other side never had is not made by a change of something else.
            ("a=1 b=2", "a=1 b=3", "b=y", "b#0=3"),
            // Two of one name: the second one comes and goes by its number.
            ("a=1", "a=1 a=2", "a=x", "a#0=x a#1=2"),
            ("a=1 a=2", "a=1", "a=x a=y", "a#0=x"),
            ("a=1 a=2", "a=2", "a=x a=y", "a#0=2"),
        ];
        for (from, to, current, then) in table {
            let carried = Attachments::carry(&files(from), &files(to), &files(current));
            assert_eq!(shown(&carried), then, "{from} -> {to} upon {current}");
        }
    }

    #[test]
    fn only_a_file_that_both_sides_had_can_collide() {
        let table = [
            (change("a=1", "a=2"), change("a=x", "a=y"), true),
            (change("a=1", "a=2"), change("a=x", ""), true),
            (change("a=1", ""), change("a=x", "a=y"), true),
            (change("a=1", ""), change("a=x", ""), false),
            (change("", "a=1"), change("", "a=x"), false),
            (change("a=1", "a=2"), change("a=x", "a=x b=y"), false),
        ];
        for (mine, theirs, collide) in table {
            assert_eq!(Attachments::collide(&mine, &theirs), collide, "{mine:?} {theirs:?}");
        }
    }

    #[test]
    fn the_order_of_a_listing_says_nothing() {
        assert_eq!(files("b=1 a=2 a=1"), files("a=1 a=2 b=1"));
    }

    #[test]
    fn a_change_names_what_comes_and_what_goes() {
        let change = change("a=1 b=2 c=3", "a=1 b=9 d=4");
        let names = |files: Vec<&Attachment>| -> Vec<String> {
            files.into_iter().map(|file| format!("{}={}", file.name, file.stamp)).collect()
        };
        assert_eq!(names(change.incoming().collect()), ["b=9", "d=4"]);
        assert_eq!(names(change.outgoing().collect()), ["b=2", "c=3"]);
    }

    #[test]
    fn what_was_stored_before_there_were_files_has_none() {
        #[derive(Deserialize)]
        struct Old {
            attachments: Attachments,
        }
        let old: Old = serde_json::from_str("{}").unwrap();
        assert!(old.attachments.is_empty());
        let text = serde_json::to_string(&files("a=1 a=2")).unwrap();
        assert_eq!(serde_json::from_str::<Attachments>(&text).unwrap(), files("a=1 a=2"));
    }
}
