//! Mailboxes and attendees.

use serde::Serialize;

use super::open_enum::ResponseType;
use super::pull::{Pull, XmlError};
use super::time::DateTime;
use super::writer::Writer;

/// `Mailbox`: a person, room or list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Mailbox {
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SMTP address, or another kind of address when `routing` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `SMTP`, `EX` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing: Option<String>,
    /// `Mailbox`, `OneOff` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl Mailbox {
    /// A mailbox by SMTP address.
    pub fn smtp(address: impl Into<String>) -> Self {
        Self { address: Some(address.into()), ..Self::default() }
    }

    /// Reads the content of a `Mailbox` element.
    pub(crate) fn read(xml: &mut Pull<'_>) -> Result<Self, XmlError> {
        let mut mailbox = Self::default();
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            let target = match child.local() {
                "Name" => &mut mailbox.name,
                "EmailAddress" => &mut mailbox.address,
                "RoutingType" => &mut mailbox.routing,
                "MailboxType" => &mut mailbox.kind,
                _ => continue,
            };
            *target = xml.filled()?;
        }
        Ok(mailbox)
    }

    /// Reads the `Mailbox` inside an element such as `Organizer`.
    pub(crate) fn read_inside(xml: &mut Pull<'_>) -> Result<Option<Self>, XmlError> {
        let mut mailbox = None;
        let level = xml.depth();
        while let Some(child) = xml.child(level)? {
            if child.local() == "Mailbox" {
                mailbox = Some(Self::read(xml)?);
            }
        }
        Ok(mailbox)
    }

    pub(crate) fn write(&self, xml: &mut Writer) {
        xml.start("t:Mailbox");
        xml.leaf_opt("t:Name", self.name.as_ref());
        xml.leaf_opt("t:EmailAddress", self.address.as_ref());
        xml.leaf_opt("t:RoutingType", self.routing.as_ref());
        xml.leaf_opt("t:MailboxType", self.kind.as_ref());
        xml.end("t:Mailbox");
    }
}

/// `Attendee` of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Attendee {
    /// Who.
    pub mailbox: Mailbox,
    /// What they answered; some versions leave it out while there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseType>,
    /// When they answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responded: Option<DateTime>,
}

impl Attendee {
    /// Reads the content of `RequiredAttendees` and its kin.
    pub(crate) fn read_list(xml: &mut Pull<'_>) -> Result<Vec<Self>, XmlError> {
        let mut list = Vec::new();
        let level = xml.depth();
        while let Some(entry) = xml.child(level)? {
            if entry.local() != "Attendee" {
                continue;
            }
            let mut attendee = Self::default();
            let inner = xml.depth();
            while let Some(child) = xml.child(inner)? {
                match child.local() {
                    "Mailbox" => attendee.mailbox = Mailbox::read(xml)?,
                    "ResponseType" => attendee.response = Some(ResponseType::from_wire(xml.text()?.trim())),
                    "LastResponseTime" => attendee.responded = DateTime::parse(&xml.text()?),
                    _ => {}
                }
            }
            list.push(attendee);
        }
        Ok(list)
    }
}
