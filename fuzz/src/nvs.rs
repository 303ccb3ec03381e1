//! Answers of NVS.

use nvs_client::wire::{
    Appointment, BinPage, ChangePage, FindResponse, Problem, ReadEntry, ReadResponse, ServerInfo, StoredFile,
    UnitPage, WriteResponse, WriteResult,
};
use nvs_client::{EventParser, read_item};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{can_be_stored, fits_somehow};

/// An appointment: members that we do not know survive, and what is read of it can be stored.
pub fn appointment(bytes: &[u8]) {
    let Some(appointment) = there_and_back::<Appointment>(bytes) else { return };
    if let Ok(item) = read_item("u1", &appointment) {
        can_be_stored(&item);
        fits_somehow(&item);
        assert!(item.series.diff(&item.series).is_empty());
    }
}

/// Any other document; the first byte says which is expected.
pub fn answer(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        b'c' => drop(there_and_back::<ChangePage>(bytes)),
        b'r' => {
            for entry in there_and_back::<ReadResponse>(bytes).iter().flat_map(|answer| &answer.results) {
                match ReadEntry::of(entry) {
                    Some((id, ReadEntry::Present(appointment))) => assert_eq!(appointment.id, id),
                    Some((_, ReadEntry::Unreadable(problem))) => told(&problem),
                    Some((_, ReadEntry::Absent)) => assert_eq!(entry["state"], "absent"),
                    None => {}
                }
            }
        }
        b'f' => drop(there_and_back::<FindResponse>(bytes)),
        b'w' => {
            for entry in there_and_back::<WriteResponse>(bytes).iter().flat_map(|answer| &answer.results) {
                let _ = WriteResult::of(entry);
            }
        }
        b'p' => {
            if let Some(problem) = there_and_back::<Problem>(bytes) {
                told(&problem);
            }
        }
        b's' => drop(there_and_back::<ServerInfo>(bytes)),
        b'u' => drop(there_and_back::<UnitPage>(bytes)),
        b'b' => drop(there_and_back::<BinPage>(bytes)),
        _ => drop(there_and_back::<StoredFile>(bytes)),
    }
}

/// What a problem says to people is short and ours.
fn told(problem: &Problem) {
    let text = problem.to_string();
    assert!(!text.is_empty() && text.len() < 600, "{text}");
    assert!(problem.wait().is_none_or(|wait| wait.as_secs() <= 3600));
}

/// Server-sent events: the same however they are cut.
pub fn events(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let all = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut parser = EventParser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece);
            loop {
                match parser.event() {
                    Ok(Some(event)) => events.push(event),
                    Ok(None) => break,
                    Err(_) => return (events, false),
                }
            }
        }
        (events, true)
    };
    let whole = all(&mut std::iter::once(bytes));
    let cut = all(&mut bytes.chunks(usize::from(*cut).max(1)));
    assert_eq!(whole, cut);
}

fn there_and_back<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(bytes).ok()?;
    let text = serde_json::to_vec(&read).expect("what was read can be written");
    let again: T = serde_json::from_slice(&text).expect("what was written can be read");
    if read != again {
        // Members that we do not know may hold numbers of which the last digit is lost; nothing of ours is one.
        let whole: Value = serde_json::from_slice(bytes).expect("was read before");
        assert!(has_fraction(&whole), "{read:?} became {again:?}");
    }
    Some(read)
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}
