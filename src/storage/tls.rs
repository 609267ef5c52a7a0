use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::SslNegotiation;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::OpenError;
use super::url::{DatabaseUrl, PostgresUrl, TlsMode};
use crate::pem;
use crate::tls::LenientVerifier;

/// Builds the TLS connector for the URL's `sslmode`.
///
/// # Errors
/// The root certificates cannot be read, or are not valid certificates.
pub(super) fn connector(url: &PostgresUrl) -> Result<MakeRustlsConnect, OpenError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Client(error.to_string()))?;
    let mut config = match url.tls {
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(LenientVerifier { provider, authority: None }))
            .with_no_client_auth(),
        TlsMode::VerifyCa => {
            let roots = roots(url.root_certificates.as_deref())?;
            let authority = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| OpenError::Client(error.to_string()))?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(LenientVerifier { provider, authority: Some(authority) }))
                .with_no_client_auth()
        }
        TlsMode::VerifyFull => {
            builder.with_root_certificates(roots(url.root_certificates.as_deref())?).with_no_client_auth()
        }
    };
    if url.config.get_ssl_negotiation() == SslNegotiation::Direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

/// Checks that the root certificates named in a URL can be used.
///
/// # Errors
/// The root certificates cannot be read, or are not valid certificates.
pub fn check_certificates(url: &DatabaseUrl) -> Result<(), OpenError> {
    match url {
        DatabaseUrl::Postgres(url) => connector(url).map(drop),
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteMemory => Ok(()),
    }
}

/// Loads the root certificates from the PEM file, or the system's if there is no file.
fn roots(path: Option<&Path>) -> Result<RootCertStore, OpenError> {
    let unusable = |reason: String| OpenError::Certificates { path: path.map(Path::to_owned), reason };
    let certificates = match path {
        Some(path) => pem::certificates(path).map_err(unusable)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(certificates);
    if usable == 0 { Err(unusable("no valid certificate found".to_owned())) } else { Ok(roots) }
}
