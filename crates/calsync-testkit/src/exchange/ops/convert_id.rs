//! `ConvertId`: between the forms of an id. The mock knows its own form and the entry's hex form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::faults::Refusal;
use super::super::ids::{ItemId, hex};
use super::super::soap::Reply;
use super::super::xml::{Node, Xml};

pub(super) fn run(operation: &Node) -> String {
    let mut reply = Reply::new("ConvertId", &[]);
    let to = operation.attr("DestinationFormat").unwrap_or_default().to_owned();
    for id in operation.child("SourceIds").map(|n| n.children.as_slice()).unwrap_or_default() {
        let to = to.clone();
        let mailbox = id.attr("Mailbox").unwrap_or_default().to_owned();
        reply.entry(convert(id, &to).map(|text| {
            move |xml: &mut Xml| {
                xml.empty_with(
                    "m:AlternateId",
                    &[
                        ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
                        ("xsi:type", "t:AlternateIdType"),
                        ("Format", &to),
                        ("Id", &text),
                        ("Mailbox", &mailbox),
                    ],
                );
            }
        }));
    }
    reply.finish()
}

/// Bytes of the entry at the end of an id.
const ENTRY: usize = 70;

fn convert(id: &Node, to: &str) -> Result<String, Refusal> {
    let malformed = || Refusal::new("ErrorInvalidIdMalformed", "Id is malformed.");
    let text = id.attr("Id").unwrap_or_default();
    if id.attr("Format") != Some("EwsId") || ItemId::parse(text).is_none() {
        return Err(malformed());
    }
    let bytes = STANDARD.decode(text).map_err(|_| malformed())?;
    let entry = bytes.len().checked_sub(ENTRY).and_then(|at| bytes.get(at..)).ok_or_else(malformed)?;
    match to {
        "EwsId" => Ok(text.to_owned()),
        "EntryId" => Ok(STANDARD.encode(entry)),
        "HexEntryId" => Ok(hex(entry, true)),
        _ => {
            Err(Refusal::new("ErrorUnsupportedTypeForConversion", "The destination format is not supported."))
        }
    }
}
