//! Identifiers as Exchange makes them: base64, case-sensitive, built from the mailbox and the entry in its store.
//!
//! Layout after MS-OXWSITEMID: compression flag, storage type, mailbox GUID as text, processing instruction, entry. An
//! occurrence's id holds the day of its original start and the master's entry, so it survives a moved occurrence and dies
//! with the master's id. A moved item gets a new entry, hence a new id. Change keys hold a type, the mailbox's replica
//! GUID and a counter. Sync states carry exactly what the client has been given, and a checksum.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Span;
use jiff::civil::{Date, date};
use sha2::{Digest as _, Sha256};

/// GUID bytes of a mailbox; the textual form is only used inside ids.
pub(crate) type Guid = [u8; 16];

/// What an item id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ItemId {
    pub(crate) mailbox: Guid,
    pub(crate) folder: u64,
    pub(crate) number: u64,
    /// Day of the original start, for an occurrence.
    pub(crate) occurrence: Option<Date>,
}

/// What a folder id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FolderId {
    pub(crate) mailbox: Guid,
    pub(crate) number: u64,
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
pub(crate) fn guid_text(guid: &Guid) -> String {
    let hex = hex(guid, false);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

/// Bytes derived from a text; the same text gives the same GUID in every run.
pub(crate) fn guid_from(text: &str) -> Guid {
    let digest = Sha256::digest(text.as_bytes());
    let mut guid = [0; 16];
    for (to, from) in guid.iter_mut().zip(digest) {
        *to = from;
    }
    guid
}

fn guid_parse(text: &[u8]) -> Option<Guid> {
    let hex: Vec<u8> = text.iter().copied().filter(|b| *b != b'-').collect();
    let mut guid = [0; 16];
    if hex.len() != 32 {
        return None;
    }
    for (to, pair) in guid.iter_mut().zip(hex.chunks(2)) {
        *to = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(guid)
}

/// Reads bytes from the front.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        (self.take(bytes.len())? == bytes).then_some(())
    }

    fn number(&mut self, n: usize) -> Option<u64> {
        Some(self.take(n)?.iter().fold(0, |sum, b| sum << 8 | u64::from(*b)))
    }
}

fn big_endian(number: u64, bytes: usize) -> impl Iterator<Item = u8> {
    number.to_be_bytes().into_iter().skip(8 - bytes)
}

/// Flags and provider of an entry id.
const PROVIDER: [u8; 4] = [0, 0, 0, 0];

fn head(mailbox: &Guid, instruction: u8) -> Vec<u8> {
    let moniker = guid_text(mailbox);
    let mut bytes = vec![0, 3, 36, 0];
    bytes.extend(moniker.as_bytes());
    bytes.push(instruction);
    bytes
}

fn entry(mailbox: &Guid, kind: u8, folder: u64, number: Option<u64>) -> Vec<u8> {
    let store = guid_from(&guid_text(mailbox));
    let mut bytes = PROVIDER.to_vec();
    bytes.extend(mailbox);
    bytes.extend([kind, 0]);
    bytes.extend(store);
    bytes.extend(big_endian(folder, 6));
    bytes.extend([0, 0]);
    if let Some(number) = number {
        bytes.extend(store);
        bytes.extend(big_endian(number, 6));
        bytes.extend([0, 0]);
    }
    bytes
}

impl ItemId {
    /// The id's text.
    pub(crate) fn text(&self) -> String {
        let entry = entry(&self.mailbox, 7, self.folder, Some(self.number));
        let mut bytes = head(&self.mailbox, u8::from(self.occurrence.is_some()));
        match self.occurrence {
            None => bytes.extend([70, 0]),
            Some(day) => {
                bytes.extend([81, 0, 8]);
                bytes.extend(ticks(day).to_be_bytes());
                bytes.extend([70, 0]);
            }
        }
        bytes.extend(entry);
        STANDARD.encode(bytes)
    }

    /// Reads an id; `None` when it is not one that this server made.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let mut c = Cursor(&bytes);
        c.expect(&[0, 3, 36, 0])?;
        let mailbox = guid_parse(c.take(36)?)?;
        let instruction = c.number(1)?;
        let occurrence = match instruction {
            0 => {
                c.expect(&[70, 0])?;
                None
            }
            1 => {
                c.expect(&[81, 0, 8])?;
                let day = day_of_ticks(c.number(8)?)?;
                c.expect(&[70, 0])?;
                Some(day)
            }
            _ => return None,
        };
        let (folder, number) = read_entry(&mut c, &mailbox, 7, true)?;
        Some(Self { mailbox, folder, number: number?, occurrence })
    }
}

impl FolderId {
    /// The id's text.
    pub(crate) fn text(&self) -> String {
        let mut bytes = head(&self.mailbox, 0);
        bytes.extend([46, 0]);
        bytes.extend(entry(&self.mailbox, 1, self.number, None));
        STANDARD.encode(bytes)
    }

    /// Reads an id; `None` when it is not one that this server made.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let mut c = Cursor(&bytes);
        c.expect(&[0, 3, 36, 0])?;
        let mailbox = guid_parse(c.take(36)?)?;
        c.expect(&[0, 46, 0])?;
        let (number, _) = read_entry(&mut c, &mailbox, 1, false)?;
        Some(Self { mailbox, number })
    }
}

fn read_entry(c: &mut Cursor<'_>, mailbox: &Guid, kind: u8, message: bool) -> Option<(u64, Option<u64>)> {
    let store = guid_from(&guid_text(mailbox));
    c.expect(&PROVIDER)?;
    c.expect(mailbox)?;
    c.expect(&[kind, 0])?;
    c.expect(&store)?;
    let folder = c.number(6)?;
    c.expect(&[0, 0])?;
    let number = if message {
        c.expect(&store)?;
        let number = c.number(6)?;
        c.expect(&[0, 0])?;
        Some(number)
    } else {
        None
    };
    c.0.is_empty().then_some((folder, number))
}

/// 100-nanosecond steps since the year 1, as .NET counts.
fn ticks(day: Date) -> u64 {
    let days = date(1, 1, 1).duration_until(day).as_hours() / 24;
    u64::try_from(days).unwrap_or(0) * 864_000_000_000
}

fn day_of_ticks(ticks: u64) -> Option<Date> {
    let days = i64::try_from(ticks / 864_000_000_000).ok()?;
    date(1, 1, 1).checked_add(Span::new().try_days(days).ok()?).ok()
}

/// Kind byte of a change key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Folder = 1,
    Message = 9,
    Calendar = 15,
}

/// A change key's text.
pub(crate) fn change_key(kind: KeyKind, mailbox: &Guid, change: u64) -> String {
    let mut bytes = vec![kind as u8, 0, 0, 0, 0x16, 0, 0, 0];
    bytes.extend(guid_from(&guid_text(mailbox)));
    bytes.extend(big_endian(change, 6));
    STANDARD.encode(bytes)
}

/// Counter of a change key; `None` when it is not usable for writes.
pub(crate) fn change_of_key(text: &str, mailbox: &Guid) -> Option<u64> {
    let bytes = STANDARD.decode(text).ok()?;
    let mut c = Cursor(&bytes);
    c.take(4)?;
    c.expect(&[0x16, 0, 0, 0])?;
    c.expect(&guid_from(&guid_text(mailbox)))?;
    let change = c.number(6)?;
    c.0.is_empty().then_some(change)
}

/// A global object id in hex, the UID that Exchange gives an item that came without one.
pub(crate) fn new_uid(mailbox: &Guid, number: u64, created_ticks: u64) -> String {
    let mut bytes: Vec<u8> =
        vec![0x04, 0, 0, 0, 0x82, 0, 0xE0, 0, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08];
    bytes.extend([0, 0, 0, 0]);
    bytes.extend(created_ticks.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend([0x10, 0, 0, 0]);
    bytes.extend(guid_from(&format!("{}/{number}", guid_text(mailbox))));
    hex(&bytes, true)
}

/// Two digits for each byte.
pub(crate) fn hex(bytes: &[u8], upper: bool) -> String {
    let digits: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit =
        |n: u8| digits.get(usize::from(n)).map_or('0', |d| if upper { d.to_ascii_uppercase() } else { *d });
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ItemId {
        ItemId { mailbox: guid_from("anna"), folder: 3, number: 4711, occurrence: None }
    }

    #[test]
    fn ids_lead_back_to_what_they_name() {
        let single = sample();
        let occurrence = ItemId { occurrence: Some(date(2026, 11, 24)), ..single };
        assert_eq!(ItemId::parse(&single.text()), Some(single));
        assert_eq!(ItemId::parse(&occurrence.text()), Some(occurrence));
        let folder = FolderId { mailbox: guid_from("anna"), number: 3 };
        assert_eq!(FolderId::parse(&folder.text()), Some(folder));
        assert_eq!(ItemId::parse(&folder.text()), None);
    }

    #[test]
    fn ids_look_like_those_of_a_real_server() {
        assert!(sample().text().starts_with("AAMk"));
        assert_eq!(sample().text().len(), 152);
        assert!(change_key(KeyKind::Calendar, &guid_from("anna"), 7).starts_with("DwAAABYAAA"));
        assert_eq!(change_key(KeyKind::Calendar, &guid_from("anna"), 7).len(), 40);
    }

    #[test]
    fn case_matters_in_ids() {
        let lower = sample().text().to_ascii_lowercase();
        assert_eq!(ItemId::parse(&lower), None);
        let texts: Vec<String> = (1..300).map(|number| ItemId { number, ..sample() }.text()).collect();
        let mut folded: Vec<String> = texts.iter().map(|t| t.to_ascii_lowercase()).collect();
        folded.sort();
        folded.dedup();
        assert!(folded.len() < texts.len(), "some ids differ in case alone");
    }

    #[test]
    fn the_short_key_of_a_notification_is_no_key() {
        let guid = guid_from("anna");
        assert_eq!(change_of_key("DwAAAA==", &guid), None);
        assert_eq!(change_of_key(&change_key(KeyKind::Calendar, &guid, 99), &guid), Some(99));
        assert_eq!(change_of_key(&change_key(KeyKind::Calendar, &guid, 99), &guid_from("bert")), None);
    }

    #[test]
    fn a_new_uid_is_a_global_object_id() {
        let uid = new_uid(&guid_from("anna"), 1, 5);
        assert!(uid.starts_with("040000008200E00074C5B7101A82E008"));
        assert_eq!(uid.len(), 112);
    }
}
