//! The mails that the server would have sent.
//!
//! Every operation on a meeting says whether to notify; what it asks for is recorded here instead of being sent, so that a
//! test can prove that nobody was mailed.

use super::item::{Attendee, Content};

/// A mail that the server would have sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Address of the organising mailbox.
    pub from: String,
    /// Recipients' addresses.
    pub to: Vec<String>,
    /// `request`, `update` or `cancellation`.
    pub kind: String,
    /// Subject of the meeting.
    pub subject: String,
}

/// Who is to be told, by the value of a `SendMeeting...` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notify {
    Nobody,
    Everyone,
    OnlyChanged,
}

impl Notify {
    /// Reads the attribute's value; `None` when the schema does not have it.
    pub(crate) fn parse(value: &str, changed_allowed: bool) -> Option<Self> {
        Some(match value {
            "SendToNone" => Self::Nobody,
            "SendOnlyToAll" | "SendToAllAndSaveCopy" => Self::Everyone,
            "SendOnlyToChanged" | "SendToChangedAndSaveCopy" if changed_allowed => Self::OnlyChanged,
            _ => return None,
        })
    }

    /// The mail for a change from `before` to `after`, if anyone is to be told.
    pub(crate) fn mail(
        self,
        from: &str,
        kind: &str,
        before: Option<&Content>,
        after: &Content,
    ) -> Option<Mail> {
        let to: Vec<String> = match self {
            Self::Nobody => return None,
            Self::Everyone => after.everyone().map(|a| a.address.clone()).collect(),
            Self::OnlyChanged => {
                let old: Vec<&Attendee> = before.map(|c| c.everyone().collect()).unwrap_or_default();
                let new = after
                    .everyone()
                    .filter(|a| !old.iter().any(|o| o.address.eq_ignore_ascii_case(&a.address)));
                let mut to: Vec<String> = new.map(|a| a.address.clone()).collect();
                // Exchange decides on its own whom a change concerns: without a change of attendees it is everybody.
                if to.is_empty() {
                    to = after.everyone().map(|a| a.address.clone()).collect();
                }
                to
            }
        };
        (!to.is_empty()).then(|| Mail {
            from: from.to_owned(),
            to,
            kind: kind.to_owned(),
            subject: after.subject.clone().unwrap_or_default(),
        })
    }
}
