//! `ResolveNames`: who is meant by a name or an address.

use super::Operation;
use crate::client::{EwsClient, Target};
use crate::error::{EwsError, ResponseError};
use crate::version::Version;
use crate::wire::{Answer, Mailbox, ResponseClass, ResponseCode, Writer};

/// Asks for the mailboxes that a name may mean.
#[derive(Debug, Clone)]
pub struct ResolveNames {
    /// A name, the beginning of one, or an address (`smtp:` in front makes it exact).
    pub name: String,
}

impl Operation for ResolveNames {
    const NAME: &'static str = "ResolveNames";
    const ANY_VERSION: bool = true;
    type Output = Vec<Mailbox>;

    fn write(&self, xml: &mut Writer, _version: Version, _target: &Target) {
        xml.start("m:ResolveNames")
            .attribute("ReturnFullContactData", false)
            .leaf("m:UnresolvedEntry", &self.name)
            .end("m:ResolveNames");
    }

    fn read(&self, answer: Answer) -> Result<Vec<Mailbox>, EwsError> {
        let mut found = Vec::new();
        for message in answer.messages {
            match (&message.class, &message.code) {
                // Nobody found is an answer, not a failure.
                (ResponseClass::Error, ResponseCode::NameResolutionNoResults) => {}
                (ResponseClass::Error, _) => return Err(ResponseError::of_message(&message).into()),
                _ => found.extend(message.resolutions.into_iter().map(|resolution| resolution.mailbox)),
            }
        }
        Ok(found)
    }
}

impl EwsClient {
    /// The mailboxes that a name may mean, at most 100; nobody is no error.
    pub async fn resolve_names(
        &self,
        target: &Target,
        question: &ResolveNames,
    ) -> Result<Vec<Mailbox>, EwsError> {
        self.call(target, question).await
    }
}
