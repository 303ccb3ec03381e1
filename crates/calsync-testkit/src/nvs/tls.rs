//! HTTPS for the mock: an authority and a server certificate, made up on the spot.

use std::io;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// An authority, a certificate for `localhost` and `127.0.0.1`, and a client certificate, all in PEM form.
#[derive(Debug, Clone)]
pub struct MockTls {
    /// The authority's certificate: what a client has to trust.
    pub authority: String,
    /// A client certificate of the authority.
    pub client_certificate: String,
    /// Its key.
    pub client_key: String,
    certificate: String,
    key: String,
    wants_client_certificate: bool,
}

impl MockTls {
    /// Makes up keys and certificates.
    ///
    /// # Errors
    ///
    /// When the machine gives no random numbers.
    pub fn new() -> io::Result<Self> {
        Self::for_name("localhost")
    }

    /// As [`new`](Self::new), for another name (and no address).
    pub fn for_name(name: &str) -> io::Result<Self> {
        let mut authority = CertificateParams::new(Vec::<String>::new()).map_err(io::Error::other)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "Mock Authority");
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(io::Error::other)?)
                .map_err(io::Error::other)?;
        let mut names = vec![name.to_owned()];
        if name == "localhost" {
            names.push("127.0.0.1".to_owned());
        }
        let (certificate, key) = signed(names, &authority)?;
        let (client_certificate, client_key) = signed(vec!["calsync".to_owned()], &authority)?;
        Ok(Self {
            authority: authority.pem(),
            client_certificate,
            client_key,
            certificate,
            key,
            wants_client_certificate: false,
        })
    }

    /// Asks for a client certificate, which then does instead of a token.
    #[must_use]
    pub fn with_client_certificate(mut self) -> Self {
        self.wants_client_certificate = true;
        self
    }

    pub(super) fn wants_client_certificate(&self) -> bool {
        self.wants_client_certificate
    }

    pub(super) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = if self.wants_client_certificate {
            let mut roots = RootCertStore::empty();
            let authority =
                CertificateDer::from_pem_slice(self.authority.as_bytes()).map_err(io::Error::other)?;
            roots.add(authority).map_err(io::Error::other)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(io::Error::other)?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let certificate =
            CertificateDer::from_pem_slice(self.certificate.as_bytes()).map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(io::Error::other)?;
        let config = builder.with_single_cert(vec![certificate], key).map_err(io::Error::other)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn signed(names: Vec<String>, authority: &CertifiedIssuer<'_, KeyPair>) -> io::Result<(String, String)> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = CertificateParams::new(names)
        .and_then(|params| params.signed_by(&key, authority))
        .map_err(io::Error::other)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
