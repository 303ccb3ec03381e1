//! Whether a write tells the attendees.
//!
//! The server's own defaults send mail. Here silence is the default, and anything else needs a [`MayNotify`], which a
//! program makes in one place, where a person has decided so.

/// The permission to send meeting mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MayNotify(());

impl MayNotify {
    /// To be called where an operator has decided that attendees shall be told, and nowhere else.
    #[must_use]
    pub fn decided_by_operator() -> Self {
        Self(())
    }
}

/// Who is told of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notify {
    /// Nobody.
    #[default]
    Nobody,
    /// All attendees.
    All(MayNotify),
}

impl Notify {
    /// `SendMeetingInvitations` and its kin.
    pub(crate) fn as_wire(self) -> &'static str {
        match self {
            Self::Nobody => "SendToNone",
            Self::All(_) => "SendToAllAndSaveCopy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_default() {
        assert_eq!(Notify::default().as_wire(), "SendToNone");
    }
}
