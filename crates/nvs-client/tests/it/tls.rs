//! HTTPS: whom the client trusts, and whom the server.

use calsync_testkit::nvs::{MockNvs, MockNvsSettings, MockTls};
use nvs_client::{ClientIdentity, NvsClient, NvsErrorKind, NvsSettings, Token};

async fn start(tls: MockTls) -> MockNvs {
    MockNvs::start(MockNvsSettings { tls: Some(tls), ..MockNvsSettings::default() }).await.unwrap()
}

fn settings(mock: &MockNvs, tls: &MockTls) -> NvsSettings {
    let mut settings = NvsSettings::new(mock.url(), Token::new(mock.token()));
    settings.extra_ca = Some(tls.authority.clone().into_bytes());
    settings
}

#[tokio::test]
async fn a_certificate_is_trusted_once_its_authority_is() {
    let tls = MockTls::new().unwrap();
    let mock = start(tls.clone()).await;
    let stranger = NvsClient::new(NvsSettings::new(mock.url(), Token::new(mock.token()))).unwrap();
    let error = stranger.server().await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::Untrusted);
    assert!(error.to_string().contains("not trusted; add the certificate of its authority"), "{error}");
    assert!(NvsClient::new(settings(&mock, &tls)).unwrap().server().await.is_ok());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_believed() {
    let tls = MockTls::for_name("elsewhere.example.com").unwrap();
    let mock = start(tls.clone()).await;
    let error = NvsClient::new(settings(&mock, &tls)).unwrap().server().await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::Untrusted);
    assert!(error.to_string().contains("for another name"), "{error}");
}

#[tokio::test]
async fn a_client_certificate_does_instead_of_a_token() {
    let tls = MockTls::new().unwrap().with_client_certificate();
    let mock = start(tls.clone()).await;
    let mut settings = settings(&mock, &tls);
    settings.token = None;
    settings.identity =
        Some(ClientIdentity::from_pem(tls.client_certificate.clone(), tls.client_key.clone()));
    assert!(NvsClient::new(settings.clone()).unwrap().server().await.is_ok());
    settings.identity = None;
    let error = NvsClient::new(settings).unwrap().server().await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::Untrusted, "{error}");
}

#[tokio::test]
async fn plain_http_at_a_tls_port_says_so() {
    let mock = MockNvs::start(MockNvsSettings::default()).await.unwrap();
    let url = mock.url().replace("http:", "https:");
    let error = NvsClient::new(NvsSettings::new(url, Token::new("t"))).unwrap().server().await.unwrap_err();
    assert_eq!(error.kind, NvsErrorKind::Untrusted);
    assert!(error.to_string().contains("no TLS at this port"), "{error}");
}
