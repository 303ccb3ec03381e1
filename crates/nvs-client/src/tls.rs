//! TLS: which servers are trusted, and how the client shows who it is.
//!
//! The crypto provider is named here and not taken from the process, so that an embedding program may have another.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::{NvsError, NvsErrorKind};

const DOING: &str = "set up tls";

/// A client certificate with its key, both PEM.
#[derive(Clone)]
pub struct ClientIdentity {
    certificates: Vec<u8>,
    key: Vec<u8>,
}

impl ClientIdentity {
    /// Takes the certificate chain, own certificate first, and its private key.
    pub fn from_pem(certificates: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self { certificates: certificates.into(), key: key.into() }
    }
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientIdentity(..)")
    }
}

/// Builds the TLS settings. Where nothing is encrypted, the machine's certificates need not be read.
pub(crate) fn client_config(
    is_encrypted: bool,
    extra_ca: Option<&[u8]>,
    identity: Option<&ClientIdentity>,
) -> Result<ClientConfig, NvsError> {
    let mut roots = RootCertStore::empty();
    // Certificates of the machine that cannot be read are no reason to stop: the one that is needed may be another.
    let machine = if is_encrypted { rustls_native_certs::load_native_certs().certs } else { Vec::new() };
    for certificate in machine {
        if let Err(error) = roots.add(certificate) {
            tracing::debug!(%error, "certificate of the machine is left out");
        }
    }
    if let Some(pem) = extra_ca {
        let certificates = certificates(pem, "the additional certificate authority")?;
        for certificate in certificates {
            roots.add(certificate).map_err(|error| {
                settings("a certificate in the file of the additional certificate authority is not usable")
                    .because(error)
            })?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| settings("the tls library offers no protocol version").because(error))?
        .with_root_certificates(roots);
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let chain = certificates(&identity.certificates, "the client certificate")?;
            let key = PrivateKeyDer::from_pem_slice(&identity.key)
                .map_err(|_| settings("the file of the client key holds no private key in PEM form"))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                settings("client certificate and key do not fit together; check both files").because(error)
            })
        }
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, NvsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(settings(&format!("the file of {what} holds no certificate in PEM form"))),
    }
}

fn settings(advice: &str) -> NvsError {
    NvsError::new(DOING, NvsErrorKind::Settings, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_named_and_its_content_is_not() {
        let error = client_config(true, Some(b"-----BEGIN NONSENSE-----"), None).unwrap_err();
        assert_eq!(error.kind, NvsErrorKind::Settings);
        assert!(error.to_string().contains("additional certificate authority"));
        assert!(!error.to_string().contains("NONSENSE"));
    }

    #[test]
    fn a_client_identity_does_not_show_its_key() {
        let identity = ClientIdentity::from_pem("certificate", "very secret");
        assert!(!format!("{identity:?}").contains("secret"));
        let error = client_config(true, None, Some(&identity)).unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }
}
