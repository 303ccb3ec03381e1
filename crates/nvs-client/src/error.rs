//! Errors of the client, sorted by what the caller does next.
//!
//! Each message says what a person should do. None holds a token or the text of an appointment.

use std::time::Duration;

use crate::wire::{Problem, ProblemCode};

/// What went wrong, with what, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {advice}")]
pub struct NvsError {
    /// What was being done, never whose data: `read change feed`.
    pub doing: &'static str,
    /// What the caller does next.
    pub kind: NvsErrorKind,
    /// What a person does next.
    pub advice: String,
    /// The error underneath.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What the caller does next.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum NvsErrorKind {
    /// Nothing was sent: the settings of this client are wrong. A person corrects them.
    Settings,
    /// Nothing was sent: the server cannot be reached. Try later.
    Unreachable,
    /// Nothing was sent: the server's certificate is not trusted, or it does not trust ours. A person corrects it.
    Untrusted,
    /// The token or certificate is not accepted. A person corrects it.
    Unauthorized,
    /// Known, but not allowed. A person gives the right.
    Forbidden,
    /// There is no such calendar unit. A person corrects the pairing.
    UnknownUnit,
    /// What answers at this address does not speak the protocol, or not this version. A person corrects the address.
    NotCalender,
    /// Read the feed from the beginning.
    CursorExpired,
    /// The server went back in time. Nothing was written; a person decides.
    EpochChanged,
    /// Nothing was done. Wait that long, or a while.
    Throttled(Option<Duration>),
    /// Nothing was done. Wait that long, or a while.
    Unavailable(Option<Duration>),
    /// The request was sent and there was no answer that says what became of it. Ask before repeating a write.
    NoAnswer,
    /// Nothing was done: the server refuses the request as a whole. Repeating it does not help.
    Refused(Box<Problem>),
    /// The answer cannot be understood. Of a write it is not known what became of it.
    BadAnswer,
    /// The answer is larger than the limit. Ask for less at once; of a write it is not known what became of it.
    TooLarge,
}

impl NvsError {
    pub(crate) fn new(doing: &'static str, kind: NvsErrorKind, advice: impl Into<String>) -> Self {
        Self { doing, kind, advice: advice.into(), source: None }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether a write may have been carried out although it ended in this error.
    pub fn may_have_arrived(&self) -> bool {
        match self.kind {
            NvsErrorKind::NoAnswer | NvsErrorKind::BadAnswer | NvsErrorKind::TooLarge => true,
            NvsErrorKind::Settings
            | NvsErrorKind::Unreachable
            | NvsErrorKind::Untrusted
            | NvsErrorKind::Unauthorized
            | NvsErrorKind::Forbidden
            | NvsErrorKind::UnknownUnit
            | NvsErrorKind::NotCalender
            | NvsErrorKind::CursorExpired
            | NvsErrorKind::EpochChanged
            | NvsErrorKind::Throttled(_)
            | NvsErrorKind::Unavailable(_)
            | NvsErrorKind::Refused(_) => false,
        }
    }

    /// Reads a problem document that answered a whole request.
    pub(crate) fn from_problem(doing: &'static str, problem: Problem, wait: Option<Duration>) -> Self {
        let wait = wait.or_else(|| problem.wait());
        let (kind, advice) = match problem.code() {
            ProblemCode::Unauthorized => (
                NvsErrorKind::Unauthorized,
                "the server does not accept the token; enter a valid token of the NVS installation"
                    .to_owned(),
            ),
            ProblemCode::Forbidden => (
                NvsErrorKind::Forbidden,
                format!("the token may not do this; give its user the right in the NVS Calender ({problem})"),
            ),
            ProblemCode::UnknownUnit => (
                NvsErrorKind::UnknownUnit,
                "there is no such calendar unit; choose one from the list of units of the server".to_owned(),
            ),
            ProblemCode::NotFound => (
                NvsErrorKind::NotCalender,
                "the server does not know this address; check the path of the nvs url".to_owned(),
            ),
            ProblemCode::CursorExpired => (
                NvsErrorKind::CursorExpired,
                "the place in the change feed is no longer known; read it from the beginning".to_owned(),
            ),
            ProblemCode::EpochChanged => (
                NvsErrorKind::EpochChanged,
                "the server was restored from a backup; nothing was written, choose which side leads"
                    .to_owned(),
            ),
            ProblemCode::Throttled => {
                (NvsErrorKind::Throttled(wait), later("the server gets too many requests", wait))
            }
            ProblemCode::Unavailable => {
                (NvsErrorKind::Unavailable(wait), later("the server is not ready", wait))
            }
            ProblemCode::Internal => {
                (NvsErrorKind::NoAnswer, format!("the server failed; look into its log ({problem})"))
            }
            ProblemCode::Other(_) if problem.status >= 500 => {
                (NvsErrorKind::NoAnswer, format!("the server failed; look into its log ({problem})"))
            }
            _ => (
                NvsErrorKind::Refused(Box::new(problem.clone())),
                format!("the server refuses the request; report this to the maker ({problem})"),
            ),
        };
        Self::new(doing, kind, advice).because(problem)
    }

    /// Sorts what the HTTP library reports while a request is on its way.
    pub(crate) fn from_http(doing: &'static str, error: reqwest::Error) -> Self {
        // Addresses hold ids and cursors, and the caller knows the address anyway.
        let error = error.without_url();
        if let Some(fault) = certificate_fault(&error) {
            return Self::new(doing, NvsErrorKind::Untrusted, fault).because(error);
        }
        let (kind, advice) = if error.is_builder() {
            (NvsErrorKind::Settings, "the request cannot be made up; check url and token".to_owned())
        } else if error.is_connect() && error.is_timeout() {
            (
                NvsErrorKind::Unreachable,
                "the server does not answer; check host name, port and firewall".to_owned(),
            )
        } else if error.is_connect() {
            let what = if mentions(&error, "dns") || mentions(&error, "lookup") {
                "the host name is not known; check the nvs url and the name server"
            } else {
                "no connection to the server; check host name, port, firewall and whether the server runs"
            };
            (NvsErrorKind::Unreachable, what.to_owned())
        } else if error.is_timeout() {
            (
                NvsErrorKind::NoAnswer,
                "the server did not answer in time; look whether it is overloaded".to_owned(),
            )
        } else {
            (
                NvsErrorKind::NoAnswer,
                "the connection was lost before the answer was complete; try again".to_owned(),
            )
        };
        Self::new(doing, kind, advice).because(error)
    }
}

pub(crate) fn later(what: &str, wait: Option<Duration>) -> String {
    match wait {
        Some(wait) => format!("{what}; it asks to wait {} seconds", wait.as_secs()),
        None => format!("{what}; try again in a while"),
    }
}

fn mentions(error: &reqwest::Error, word: &str) -> bool {
    chain(error).any(|cause| cause.to_string().to_ascii_lowercase().contains(word))
}

fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    // An `io::Error` does not name the error it wraps as its source but the source of that one.
    std::iter::successors(Some(error), |cause| match cause.downcast_ref::<std::io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static)),
        None => cause.source(),
    })
    .take(16)
}

fn certificate_fault(error: &reqwest::Error) -> Option<String> {
    use rustls::{AlertDescription, CertificateError, Error};

    let tls = chain(error).find_map(|cause| cause.downcast_ref::<Error>())?;
    Some(match tls {
        Error::InvalidCertificate(fault) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired; renew it there".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet; check the clocks of both machines".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the server's certificate is for another name; use the name it was made for in the nvs url"
                    .to_owned()
            }
            _ => {
                "the server's certificate is not trusted; add the certificate of its authority as a PEM file"
                    .to_owned()
            }
        },
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::AccessDenied,
        ) => "the server does not accept the client certificate; check its file and authority".to_owned(),
        Error::InvalidMessage(_) => "no TLS at this port; check port and scheme of the nvs url".to_owned(),
        _ => "no secure connection; check TLS versions and certificates of the server".to_owned(),
    })
}
