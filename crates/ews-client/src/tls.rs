//! Whom to trust: the machine's roots, an own authority, or one certificate by its fingerprint.

use std::fmt;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use crate::error::{ConnectFailure, EwsError};

/// Whom to trust besides the machine's own roots.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// A PEM file with certificates of an own authority, or with a server's self-signed certificate.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the only certificate to be accepted, whatever its name, issuer and age; 64 hexadecimal digits, colons
    /// and spaces do not matter.
    pub fingerprint: Option<String>,
}

impl Trust {
    fn is_plain(&self) -> bool {
        self.ca_file.is_none() && self.fingerprint.is_none()
    }
}

/// Builds the TLS settings. Where nothing is encrypted and nothing was set, the machine's roots need not be read.
pub(crate) fn client_config(trust: &Trust, is_encrypted: bool) -> Result<ClientConfig, EwsError> {
    let provider = Arc::new(ring::default_provider());
    if !is_encrypted && trust.is_plain() {
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder =
            builder.map_err(|error| EwsError::Settings(format!("TLS cannot be set up: {error}")))?;
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let verifier: Arc<dyn ServerCertVerifier> = match &trust.fingerprint {
        Some(text) => {
            Arc::new(Pinned { fingerprint: parse_fingerprint(text)?, provider: Arc::clone(&provider) })
        }
        None => Arc::new(Rooted::new(trust, &provider)?),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| EwsError::Settings(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

fn parse_fingerprint(text: &str) -> Result<[u8; 32], EwsError> {
    let wrong = || {
        EwsError::Settings(
            "the pinned fingerprint must be a SHA-256 value of 64 hexadecimal digits".to_owned(),
        )
    };
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ' | '-')).collect();
    if digits.len() != 64 || !digits.is_ascii() {
        return Err(wrong());
    }
    let mut fingerprint = [0; 32];
    for (byte, at) in fingerprint.iter_mut().zip((0..64).step_by(2)) {
        *byte =
            digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(wrong)?;
    }
    Ok(fingerprint)
}

fn fingerprint_text(certificate: &CertificateDer<'_>) -> String {
    Sha256::digest(certificate).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02X}");
        out
    })
}

/// The certificate is not the pinned one; carries the fingerprint through rustls' error.
#[derive(Debug)]
struct PinMismatch(String);

impl fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not the pinned certificate but {}", self.0)
    }
}

impl std::error::Error for PinMismatch {}

/// Accepts exactly one certificate.
#[derive(Debug)]
struct Pinned {
    fingerprint: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if Sha256::digest(end_entity).as_slice() == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        let mismatch = PinMismatch(fingerprint_text(end_entity));
        Err(CertificateError::Other(OtherError(Arc::new(mismatch))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The usual check against roots. A certificate that stands in the CA file itself is accepted for its names even when it
/// is self-signed in a way that the usual check refuses: that is what a fresh Exchange server has.
#[derive(Debug)]
struct Rooted {
    usual: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl Rooted {
    fn new(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Self, EwsError> {
        let mut roots = RootCertStore::empty();
        // A machine without usable roots is fine as long as the settings bring one.
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        let mut own = Vec::new();
        if let Some(path) = &trust.ca_file {
            let shown = path.display();
            let unreadable = |why: &dyn fmt::Display| {
                EwsError::Settings(format!("cannot read the CA file {shown}: {why}"))
            };
            let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate.clone()).map_err(|error| unreadable(&error))?;
                own.push(certificate);
            }
            if own.is_empty() {
                return Err(unreadable(&"it holds no certificate in PEM form"));
            }
        }
        if roots.is_empty() {
            return Err(EwsError::Settings(
                "this machine trusts no certificate authority: name a CA file or pin the server's certificate".to_owned(),
            ));
        }
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| EwsError::Settings(format!("TLS cannot be set up: {error}")))?;
        Ok(Self { usual, own })
    }
}

impl ServerCertVerifier for Rooted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let result =
            self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match result {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::Other(_),
            )) if self.own.contains(end_entity) => {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Says what is wrong with a TLS connection.
pub(crate) fn explain(error: &rustls::Error) -> ConnectFailure {
    use CertificateError as C;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            C::UnknownIssuer => ConnectFailure::CertificateUntrusted,
            C::NotValidForNameContext { presented, .. } => {
                let shown: Vec<&str> = presented.iter().take(5).map(String::as_str).collect();
                let names = if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) };
                ConnectFailure::CertificateName { names }
            }
            C::NotValidForName => ConnectFailure::CertificateName { names: String::new() },
            C::Expired | C::ExpiredContext { .. } => ConnectFailure::CertificateExpired,
            C::NotValidYet | C::NotValidYetContext { .. } => ConnectFailure::CertificateTooNew,
            C::Other(OtherError(inner)) => match inner.downcast_ref::<PinMismatch>() {
                Some(PinMismatch(found)) => ConnectFailure::CertificatePin { found: found.clone() },
                // A self-signed certificate that calls itself an authority.
                None if inner.to_string().contains("CaUsedAsEndEntity") => {
                    ConnectFailure::CertificateUntrusted
                }
                None => ConnectFailure::Certificate(inner.to_string()),
            },
            other => ConnectFailure::Certificate(other.to_string()),
        },
        other => ConnectFailure::Tls(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_in_all_their_spellings() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(parse_fingerprint(&plain).unwrap(), [0xAB; 32]);
        assert_eq!(parse_fingerprint(&colons).unwrap(), [0xAB; 32]);
        for wrong in ["", "ab", &"zz".repeat(32), &"ä".repeat(32)] {
            assert!(parse_fingerprint(wrong).is_err());
        }
    }

    #[test]
    fn a_missing_ca_file_is_named() {
        let trust = Trust { ca_file: Some("/does/not/exist.pem".into()), fingerprint: None };
        let error = client_config(&trust, true).unwrap_err().to_string();
        assert!(error.contains("/does/not/exist.pem"), "{error}");
    }
}
