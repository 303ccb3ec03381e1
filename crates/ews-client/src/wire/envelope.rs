//! The envelope around every request.

use super::writer::Writer;
use crate::version::Version;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";

/// What goes into the SOAP header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header<'a> {
    /// The schema that the body follows.
    pub(crate) version: Version,
    /// Whose mailbox the account acts in, by SMTP address.
    pub(crate) impersonate: Option<&'a str>,
}

/// Wraps a request body. The body may use the prefixes `m:` for messages and `t:` for types.
pub(crate) fn envelope(header: &Header<'_>, body: impl FnOnce(&mut Writer)) -> String {
    let mut xml = Writer::new();
    xml.raw("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    xml.start("s:Envelope")
        .attribute("xmlns:s", SOAP)
        .attribute("xmlns:t", TYPES)
        .attribute("xmlns:m", MESSAGES)
        .start("s:Header")
        .start("t:RequestServerVersion")
        .attribute("Version", header.version)
        .end("t:RequestServerVersion");
    if let Some(address) = header.impersonate {
        xml.start("t:ExchangeImpersonation")
            .start("t:ConnectingSID")
            .leaf("t:PrimarySmtpAddress", address)
            .end("t:ConnectingSID")
            .end("t:ExchangeImpersonation");
    }
    xml.end("s:Header").start("s:Body");
    body(&mut xml);
    xml.end("s:Body").end("s:Envelope");
    xml.finish()
}

/// The value of the `SOAPAction` header for an operation.
pub(crate) fn soap_action(operation: &str) -> String {
    format!("\"{MESSAGES}/{operation}\"")
}
