//! Clients of both servers, made from a configuration.

use ews_client::{EwsClient, EwsError, Secret, Target, TraceDir, Traffic};
use nvs_client::{NvsClient, NvsError, NvsSettings, Token};

use crate::config::{Access, Config};
use crate::texts::{ConfigText, Lang, Message, OutputText};

/// Why a client could not be made; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A secret or file that the configuration names cannot be read.
    #[error("{}", .0.to_text(Lang::En))]
    Named(Message),
    /// The Exchange client does not take its settings.
    #[error(transparent)]
    Exchange(EwsError),
    /// The NVS client does not take its settings.
    #[error(transparent)]
    Nvs(NvsError),
}

impl ConnectError {
    /// What is wrong, and what to do.
    pub fn message(&self) -> Message {
        let detail = |detail: String| Message::new(OutputText::WhyOther).with("detail", detail);
        match self {
            ConnectError::Named(message) => message.clone(),
            ConnectError::Exchange(error) => detail(error.to_string()),
            ConnectError::Nvs(error) => detail(error.to_string()),
        }
    }
}

/// A client of the Exchange server.
///
/// # Errors
///
/// When the password cannot be read, or URL, CA file or fingerprint make no sense.
pub fn exchange(config: &Config, trace: Option<TraceDir>) -> Result<EwsClient, ConnectError> {
    let exchange = &config.exchange;
    let password =
        exchange.password.read("exchange", ["password_env", "password_file"]).map_err(ConnectError::Named)?;
    let mut builder = EwsClient::basic(&exchange.url, &exchange.user, Secret::new(password))
        .timeout(exchange.timeout)
        .traffic(Traffic::default());
    if let Some(file) = &exchange.ca_file {
        builder = builder.ca_file(file);
    }
    if let Some(fingerprint) = &exchange.fingerprint {
        builder = builder.fingerprint(fingerprint);
    }
    if let Some(trace) = trace {
        builder = builder.trace(trace);
    }
    builder.build().map_err(ConnectError::Exchange)
}

/// A client of the NVS server.
///
/// # Errors
///
/// When the token or the CA file cannot be read, or make no sense.
pub fn nvs(config: &Config) -> Result<NvsClient, ConnectError> {
    let nvs = &config.nvs;
    let token = nvs.token.read("nvs", ["token_env", "token_file"]).map_err(ConnectError::Named)?;
    let mut settings = NvsSettings::new(&nvs.url, Token::new(token));
    settings.timeout = nvs.timeout;
    if let Some(path) = &nvs.ca_file {
        let pem = std::fs::read(path).map_err(|error| {
            let message = Message::new(ConfigText::FileUnreadable).with("path", path.display());
            ConnectError::Named(message.with("why", error).with("section", "nvs").with("key", "ca_file"))
        })?;
        settings.extra_ca = Some(pem);
    }
    NvsClient::new(settings).map_err(ConnectError::Nvs)
}

/// How a mailbox is reached.
pub fn target(mailbox: &str, access: Access) -> Target {
    match access {
        Access::Rights => Target::by_rights(mailbox),
        Access::Impersonation => Target::impersonated(mailbox),
    }
}
