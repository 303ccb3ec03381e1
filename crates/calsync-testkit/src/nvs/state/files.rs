//! Files: their bytes by digest, who may read them, and what an appointment may name.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Actor, State, Target};
use crate::nvs::content::{Attachment, Content, Override};
use crate::nvs::problem::{Fault, Problem};

fn digest_of(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|half| DIGITS.get(usize::from(half)).copied());
    Sha256::digest(bytes).iter().flat_map(digits).flatten().collect()
}

impl State {
    /// Takes a file that a program sends to a unit.
    pub(in crate::nvs) fn put_file(
        &mut self,
        unit: &str,
        digest: &str,
        bytes: &[u8],
    ) -> Result<Value, Problem> {
        let Some(most) = self.limits.file_bytes else { return Err(Problem::not_found()) };
        self.may_write(Actor::Program, unit)?;
        if bytes.len() > most {
            return Err(Problem::too_large(format!("a file has at most {most} bytes")));
        }
        if digest_of(bytes) != digest {
            return Err(Problem::invalid(&[Fault::at("", "has another digest than the address says")]));
        }
        self.keep_file(unit, bytes);
        Ok(json!({"digest": digest, "size": bytes.len()}))
    }

    fn keep_file(&mut self, unit: &str, bytes: &[u8]) -> String {
        let digest = digest_of(bytes);
        self.data.files.insert(digest.clone(), bytes.to_vec());
        self.data.sent.insert((unit.to_owned(), digest.clone()));
        digest
    }

    /// Gives a file that an appointment of the unit names, or that was sent to the unit.
    pub(in crate::nvs) fn file(&self, unit: &str, digest: &str) -> Result<Vec<u8>, Problem> {
        if self.limits.file_bytes.is_none() {
            return Err(Problem::not_found());
        }
        self.knows_unit(unit)?;
        self.may_read_file(unit, digest).cloned().ok_or_else(Problem::unknown_file)
    }

    fn may_read_file(&self, unit: &str, digest: &str) -> Option<&Vec<u8>> {
        let named = self.appointments(unit).any(|(_, stored)| names(&stored.content, digest));
        let sent = self.data.sent.contains(&(unit.to_owned(), digest.to_owned()));
        self.data.files.get(digest).filter(|_| named || sent)
    }

    /// Looks at the files that `content` names, and fills in how large they are.
    pub(super) fn check_files(
        &self,
        unit: &str,
        content: &mut Content,
        pointer: &str,
        faults: &mut Vec<Fault>,
    ) {
        for (index, file) in content.attachments.iter_mut().enumerate() {
            let Some(digest) = &file.digest else { continue };
            match self.may_read_file(unit, digest) {
                Some(bytes) => file.size = Some(bytes.len() as u64),
                None => faults.push(Fault::at(
                    format!("{pointer}/attachments/{index}/digest"),
                    "is of a file that was not sent to this calendar unit",
                )),
            }
        }
        for (key, over) in &content.overrides {
            if let Override::Changed(members) = over
                && let Some(list) = members.get("attachments").and_then(Value::as_array)
                && list.iter().any(|file| {
                    let digest = file.get("digest").and_then(Value::as_str);
                    digest.is_some_and(|digest| self.may_read_file(unit, digest).is_none())
                })
            {
                faults.push(Fault::at(
                    format!("{pointer}/overrides/{key}/attachments"),
                    "names a file that was not sent to this calendar unit",
                ));
            }
        }
    }

    /// Puts a file into an appointment, in place of those of its name, as a person does.
    pub(in crate::nvs) fn attach(
        &mut self,
        unit: &str,
        id: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), Problem> {
        let digest = self.keep_file(unit, bytes);
        self.data.next_id += 1;
        let file = Attachment {
            id: format!("F{:06}", self.data.next_id),
            name: name.to_owned(),
            media_type: None,
            size: None,
            digest: Some(digest),
            url: None,
        };
        let change = |content: &mut Content, _: &mut Vec<Fault>| {
            content.attachments.retain(|other| other.name != file.name);
            content.attachments.push(file);
        };
        let target = Target { unit, id, expect: None };
        self.update(Actor::Person, target, "", change, &std::collections::BTreeMap::new()).map(|_| ())
    }

    /// Takes all files of a name out of an appointment, as a person does.
    pub(in crate::nvs) fn detach(&mut self, unit: &str, id: &str, name: &str) -> Result<(), Problem> {
        let change = |content: &mut Content, _: &mut Vec<Fault>| {
            content.attachments.retain(|file| file.name != name);
        };
        let target = Target { unit, id, expect: None };
        self.update(Actor::Person, target, "", change, &std::collections::BTreeMap::new()).map(|_| ())
    }

    /// Names and bytes of the files of an appointment, by name.
    pub(in crate::nvs) fn files_of(&self, unit: &str, id: &str) -> Vec<(String, Vec<u8>)> {
        let list = self.appointment(unit, id).map(|stored| stored.content.attachments.clone());
        let bytes = |file: Attachment| {
            let bytes = self.data.files.get(file.digest.as_ref()?)?.clone();
            Some((file.name, bytes))
        };
        let mut files: Vec<_> = list.unwrap_or_default().into_iter().filter_map(bytes).collect();
        files.sort();
        files
    }
}

fn names(content: &Content, digest: &str) -> bool {
    let own = |over: &Override| match over {
        Override::Cancelled => false,
        Override::Changed(members) => {
            members.get("attachments").and_then(Value::as_array).is_some_and(|list| {
                list.iter().any(|file| file.get("digest").and_then(Value::as_str) == Some(digest))
            })
        }
    };
    content.attachments.iter().any(|file| file.digest.as_deref() == Some(digest))
        || content.overrides.values().any(own)
}
