//! What can go wrong, sorted by what the caller does next.
//!
//! [`EwsError::next`] is the short form of it, [`EwsError::may_have_happened`] the question that matters after a write.
//! Messages say what to do. They hold no secrets and nothing of an appointment, so the server's own words are only
//! repeated for the errors of access and configuration.

use std::fmt;
use std::time::Duration;

use crate::wire::{CodeClass, Fault, Message, ResponseCode, XmlError};

/// An operation that did not end as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EwsError {
    /// The settings of the client make no sense.
    #[error("{0}")]
    Settings(String),
    /// No connection came about, so nothing was sent.
    #[error("cannot reach {host}: {failure}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// Why.
        failure: ConnectFailure,
    },
    /// The request was sent and no complete answer came: nobody knows what happened.
    #[error("no answer to {operation}: {what}")]
    NoAnswer {
        /// Name of the operation.
        operation: &'static str,
        /// What happened instead.
        what: &'static str,
    },
    /// Name or password is wrong, or the server does not take this kind of login.
    #[error("the server refused the login (401{offered}): {advice}")]
    Login {
        /// What the server offers, for the message.
        offered: String,
        /// What to do.
        advice: &'static str,
    },
    /// The account is known but may not come in.
    #[error(
        "the server forbids access (403): check that EWS is enabled for this account (Set-CASMailbox -EwsEnabled) and \
         that no application access policy or proxy blocks this client"
    )]
    Forbidden,
    /// Whatever is at the URL, it is not Exchange Web Services.
    #[error("{what}; the URL usually is https://HOST/EWS/Exchange.asmx")]
    WrongUrl {
        /// What was found there.
        what: String,
    },
    /// The server is busy or something behind it is away.
    #[error("the server is busy ({what}), try again later")]
    Busy {
        /// How long the server asks to wait, when it says so.
        wait: Option<Duration>,
        /// How it said so.
        what: String,
        /// Whether the request was refused before anything was done.
        refused_first: bool,
    },
    /// The server failed without saying why in SOAP.
    #[error("the server failed with HTTP status {status} and no explanation, try again later")]
    Failed {
        /// HTTP status.
        status: u16,
    },
    /// The server answered with an error code.
    #[error("{0}")]
    Response(ResponseError),
    /// The answer cannot be read.
    #[error("{0}")]
    Unreadable(#[from] XmlError),
    /// The answer does not have what the operation promises.
    #[error(
        "the answer to {operation} has no {what}, which every Exchange server sends; check that the URL leads to one"
    )]
    Incomplete {
        /// Name of the operation.
        operation: &'static str,
        /// What is missing.
        what: &'static str,
    },
    /// The answer is larger than allowed.
    #[error("the answer is larger than {limit} bytes, ask for less at once or raise the limit")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

/// No server makes us wait longer than this, whatever it asks for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What [`EwsError::NoAnswer`] says of a connection that broke before the answer.
pub(crate) const BROKEN: &str = "the connection broke before the answer";

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The name does not exist for this machine.
    #[error("the host name cannot be resolved, check the URL and the name server")]
    Name,
    /// Nothing listens there.
    #[error("the connection was refused, check host and port in the URL and that the server runs")]
    Refused,
    /// Nobody answered in time.
    #[error("no connection within the time allowed, check host, port and firewalls")]
    TimedOut,
    /// The certificate comes from nobody this machine trusts.
    #[error(
        "the server's certificate is not trusted: add the certificate of its issuer to the settings (CA file) or to the \
         machine's store, or pin the server's own certificate by its SHA-256 fingerprint"
    )]
    CertificateUntrusted,
    /// The certificate is for another name.
    #[error("the server's certificate is for another name: use the name the certificate was made for{names}")]
    CertificateName {
        /// The names it was made for, for the message.
        names: String,
    },
    /// The certificate is too old.
    #[error("the server's certificate has expired: renew it on the server, and check this machine's clock")]
    CertificateExpired,
    /// The certificate is not valid yet.
    #[error("the server's certificate is not valid yet: check this machine's clock")]
    CertificateTooNew,
    /// The certificate is not the pinned one.
    #[error(
        "the server's certificate is not the pinned one: if it was replaced on purpose, pin SHA-256 {found}"
    )]
    CertificatePin {
        /// Fingerprint of the certificate that the server shows.
        found: String,
    },
    /// The certificate cannot be used for another reason.
    #[error("the server's certificate cannot be used ({0})")]
    Certificate(String),
    /// No common version or cipher, or no TLS at all.
    #[error("no TLS connection ({0}): the server must speak TLS 1.2 or later on this port")]
    Tls(String),
    /// Anything else.
    #[error("the connection failed, check host, port and network")]
    Other,
}

/// An error code of the server, for a whole request or for one item of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseError {
    /// The code.
    pub code: ResponseCode,
    /// The server's words. Not for logs: they may repeat values of the request.
    pub text: Option<String>,
    /// Named details.
    pub details: Vec<(String, String)>,
}

impl ResponseError {
    /// An error without words.
    pub fn new(code: ResponseCode) -> Self {
        Self { code, text: None, details: Vec::new() }
    }

    pub(crate) fn of_message(message: &Message) -> Self {
        Self { code: message.code.clone(), text: message.text.clone(), details: message.details.clone() }
    }

    /// How long the server asks to wait; at most an hour, whatever it says.
    pub fn back_off(&self) -> Option<Duration> {
        let (_, value) = self.details.iter().find(|(name, _)| name == "BackOffMilliseconds")?;
        value.trim().parse().ok().map(Duration::from_millis).map(|wait| wait.min(LONGEST_WAIT))
    }

    /// The field that the server complains about.
    pub fn field(&self) -> Option<&str> {
        self.details.iter().find(|(name, _)| name.ends_with("FieldURI")).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}", self.code)?;
        if let Some(field) = self.field() {
            write!(f, " for {field}")?;
        }
        let class = self.code.class();
        if let (CodeClass::Configure | CodeClass::Login, Some(text)) = (class, &self.text) {
            write!(f, " ({})", text.trim_end_matches('.'))?;
        }
        if let Some(advice) = self.advice() {
            write!(f, ": {advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ResponseError {}

impl ResponseError {
    fn advice(&self) -> Option<&'static str> {
        use ResponseCode as C;
        Some(match &self.code {
            C::AccessDenied | C::CreateItemAccessDenied => {
                "give the service account the rights it needs on this calendar (Editor), or use impersonation"
            }
            C::ImpersonateUserDenied | C::ImpersonationDenied | C::ImpersonationFailed => {
                "give the service account the role ApplicationImpersonation for this mailbox"
            }
            C::NonExistentMailbox | C::NameResolutionNoMailbox => "check the mailbox address",
            C::NonPrimarySmtpAddress => "use the primary address of the mailbox",
            C::MissingEmailAddress => {
                "the service account has no mailbox of its own; name the mailbox to be read"
            }
            C::FolderNotFound | C::SyncFolderNotFound | C::SavedItemFolderNotFound | C::NoCalendar => {
                "check that the calendar exists and that the service account may see it"
            }
            C::AccountDisabled => "the account is disabled, enable it",
            C::PasswordExpired | C::PasswordChangeRequired => "the password has expired, set a new one",
            C::InvalidSyncStateData => "the folder has to be listed anew",
            C::WrongServerVersionDelegate => {
                "the service account's mailbox must be on the same Exchange version as this one, or use impersonation"
            }
            C::QuotaExceeded => "the mailbox is full",
            _ => return None,
        })
    }
}

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again later, not before this time has passed.
    Later(Option<Duration>),
    /// Forget the change token and list the folder anew.
    StartOver,
    /// Read the item again, then decide.
    ReadAgain,
    /// Ask for less at once.
    Smaller,
    /// Set this item aside; the others can go on.
    SkipItem,
    /// Stop and tell a person: settings, rights or certificates.
    AskPerson,
    /// A mistake of this client; the same request never succeeds.
    Mistake,
}

impl EwsError {
    /// What the caller does next.
    pub fn next(&self) -> Next {
        match self {
            Self::Settings(_) | Self::Login { .. } | Self::Forbidden | Self::WrongUrl { .. } => {
                Next::AskPerson
            }
            Self::Unreachable { failure, .. } => match failure {
                ConnectFailure::Refused
                | ConnectFailure::TimedOut
                | ConnectFailure::Name
                | ConnectFailure::Other => Next::Later(None),
                _ => Next::AskPerson,
            },
            Self::Busy { wait, .. } => Next::Later(*wait),
            Self::Response(error) => error.next(),
            Self::Unreadable(XmlError::Html | XmlError::NotEws { .. } | XmlError::DocumentType)
            | Self::Incomplete { .. } => Next::AskPerson,
            Self::Unreadable(XmlError::TooMany { .. }) | Self::TooLarge { .. } => Next::Smaller,
            Self::NoAnswer { .. } | Self::Failed { .. } | Self::Unreadable(_) => Next::Later(None),
        }
    }

    /// Whether the connection broke before anything of the answer had come.
    pub(crate) fn is_broken_connection(&self) -> bool {
        matches!(self, Self::NoAnswer { what, .. } if *what == BROKEN)
    }

    /// Whether a write may have been carried out although it ended like this.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::Failed { .. } | Self::Incomplete { .. } | Self::TooLarge { .. } => {
                true
            }
            Self::Busy { refused_first, .. } => !refused_first,
            Self::Response(error) => error.may_have_happened(),
            Self::Unreadable(error) => !matches!(error, XmlError::Html | XmlError::NotEws { .. }),
            Self::Settings(_)
            | Self::Unreachable { .. }
            | Self::Login { .. }
            | Self::Forbidden
            | Self::WrongUrl { .. } => false,
        }
    }

    pub(crate) fn of_fault(fault: Fault) -> Self {
        let code = fault
            .code
            .unwrap_or_else(|| ResponseCode::Other(format!("a fault ({})", short(&fault.soap_code))));
        let text = (!fault.text.trim().is_empty()).then_some(fault.text);
        let error = ResponseError { code, text, details: fault.details };
        error.into()
    }
}

impl From<ResponseError> for EwsError {
    fn from(error: ResponseError) -> Self {
        match error.code {
            ResponseCode::ServerBusy
            | ResponseCode::ServiceUnavailable
            | ResponseCode::ExceededConnectionCount => {
                let wait = error.back_off().filter(|wait| !wait.is_zero());
                Self::Busy { wait, what: error.code.to_string(), refused_first: true }
            }
            _ => Self::Response(error),
        }
    }
}

impl ResponseError {
    /// What the caller does next.
    pub fn next(&self) -> Next {
        match self.code.class() {
            CodeClass::Later => Next::Later(self.back_off()),
            CodeClass::StartOver => Next::StartOver,
            CodeClass::Stale | CodeClass::Missing => Next::ReadAgain,
            CodeClass::Smaller => Next::Smaller,
            CodeClass::Configure | CodeClass::Login => Next::AskPerson,
            CodeClass::Mistake | CodeClass::Version => Next::Mistake,
            CodeClass::Fine | CodeClass::Item => Next::SkipItem,
        }
    }

    /// Whether a write may have been carried out although it ended like this.
    pub fn may_have_happened(&self) -> bool {
        matches!(
            self.code,
            ResponseCode::InternalServerError
                | ResponseCode::InternalServerTransientError
                | ResponseCode::TimeoutExpired
                | ResponseCode::ConnectionFailed
                | ResponseCode::MailboxFailover
        )
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '-')).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_time_is_obeyed_and_zero_means_none() {
        let busy = |ms: &str| {
            let details = vec![("BackOffMilliseconds".to_owned(), ms.to_owned())];
            EwsError::from(ResponseError { code: ResponseCode::ServerBusy, text: None, details })
        };
        assert_eq!(busy("2500").next(), Next::Later(Some(Duration::from_millis(2500))));
        assert_eq!(busy("0").next(), Next::Later(None));
        let hour = Duration::from_secs(3600);
        assert_eq!(busy("18446744073709551615").next(), Next::Later(Some(hour)), "no longer than an hour");
        assert!(!busy("1").may_have_happened());
    }

    #[test]
    fn the_servers_words_are_repeated_only_where_they_help_a_person() {
        let error = |code| ResponseError { code, text: Some("Words.".to_owned()), details: Vec::new() };
        assert!(error(ResponseCode::AccessDenied).to_string().contains("Words"));
        assert!(!error(ResponseCode::SchemaValidation).to_string().contains("Words"));
        assert!(!error(ResponseCode::Other("ErrorNew".to_owned())).to_string().contains("Words"));
    }

    #[test]
    fn a_lost_answer_to_a_write_is_never_taken_for_a_failure() {
        assert!(
            EwsError::NoAnswer { operation: "CreateItem", what: "the connection was closed" }
                .may_have_happened()
        );
        assert!(EwsError::Unreadable(XmlError::Truncated { at: 7 }).may_have_happened());
        assert!(ResponseError::new(ResponseCode::InternalServerError).may_have_happened());
        assert!(!ResponseError::new(ResponseCode::AccessDenied).may_have_happened());
    }
}
