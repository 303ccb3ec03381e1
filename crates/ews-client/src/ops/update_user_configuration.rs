//! `UpdateUserConfiguration`: replaces the XML of a hidden item of settings; from Exchange 2010 on.
//!
//! It knows no change key: what somebody else wrote since it was read is lost, so it is read right before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{FolderRef, Operation, only};
use crate::client::{EwsClient, Target};
use crate::error::EwsError;
use crate::version::Version;
use crate::wire::{Answer, Writer};

/// Replaces the XML of a configuration.
#[derive(Debug, Clone)]
pub struct UpdateUserConfiguration {
    /// The folder that holds it.
    pub folder: FolderRef,
    /// Its name, such as `CategoryList`.
    pub name: &'static str,
    /// The whole document.
    pub xml_data: Vec<u8>,
}

impl Operation for UpdateUserConfiguration {
    const NAME: &'static str = "UpdateUserConfiguration";
    const WRITES: bool = true;
    type Output = ();

    fn write(&self, xml: &mut Writer, _version: Version, target: &Target) {
        xml.start("m:UpdateUserConfiguration").start("m:UserConfiguration");
        xml.start("t:UserConfigurationName").attribute("Name", self.name);
        self.folder.write(xml, target);
        xml.end("t:UserConfigurationName");
        xml.leaf("t:XmlData", STANDARD.encode(&self.xml_data));
        xml.end("m:UserConfiguration").end("m:UpdateUserConfiguration");
    }

    fn read(&self, answer: Answer) -> Result<(), EwsError> {
        only(answer, Self::NAME).map(|_| ())
    }
}

impl EwsClient {
    /// Replaces the XML of a configuration.
    pub async fn update_user_configuration(
        &self,
        target: &Target,
        question: &UpdateUserConfiguration,
    ) -> Result<(), EwsError> {
        self.call(target, question).await
    }
}
