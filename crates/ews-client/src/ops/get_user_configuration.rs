//! `GetUserConfiguration`: a hidden item of settings, such as the list of categories; from Exchange 2010 on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{FolderRef, Operation, only};
use crate::client::{EwsClient, Target};
use crate::error::EwsError;
use crate::version::Version;
use crate::wire::{Answer, Writer};

/// Asks for the XML of a configuration.
#[derive(Debug, Clone)]
pub struct GetUserConfiguration {
    /// The folder that holds it.
    pub folder: FolderRef,
    /// Its name, such as `CategoryList`; the class of its item is `IPM.Configuration.` and that.
    pub name: &'static str,
}

impl Operation for GetUserConfiguration {
    const NAME: &'static str = "GetUserConfiguration";
    // The published schema of 2016 has another form of the answer than those before and after it.
    const NEWEST: Version = Version::Exchange2013Sp1;
    type Output = Option<Vec<u8>>;

    fn write(&self, xml: &mut Writer, _version: Version, target: &Target) {
        xml.start("m:GetUserConfiguration");
        xml.start("m:UserConfigurationName").attribute("Name", self.name);
        self.folder.write(xml, target);
        xml.end("m:UserConfigurationName");
        xml.leaf("m:UserConfigurationProperties", "XmlData").end("m:GetUserConfiguration");
    }

    fn read(&self, answer: Answer) -> Result<Self::Output, EwsError> {
        let Some(text) = only(answer, Self::NAME)?.xml_data else { return Ok(None) };
        let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let bytes = STANDARD.decode(packed);
        bytes.map(Some).map_err(|_| EwsError::Incomplete { operation: Self::NAME, what: "readable XML data" })
    }
}

impl EwsClient {
    /// The XML of a configuration, `None` where it has none.
    ///
    /// # Errors
    ///
    /// `ErrorItemNotFound` when there is no configuration of that name.
    pub async fn get_user_configuration(
        &self,
        target: &Target,
        question: &GetUserConfiguration,
    ) -> Result<Option<Vec<u8>>, EwsError> {
        self.call(target, question).await
    }
}
