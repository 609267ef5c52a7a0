//! TLS of the server. The certificate can be renewed while the server runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use crate::pem;

/// A certificate chain and its private key, each in a PEM file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate first, then the intermediate ones.
    pub certificate: PathBuf,
    /// The private key of the first certificate.
    pub key: PathBuf,
}

/// The error for TLS files that cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read, or contains no certificate or key.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The cause.
        reason: String,
    },
    /// The certificate and the key do not match, or rustls does not support them.
    #[error("the certificate and the key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Creates a rustls configuration with these files.
///
/// # Errors
/// Returns an error if a file is missing or invalid.
pub(crate) fn server_config(files: TlsFiles) -> Result<ServerConfig, TlsError> {
    let certificate = ReloadingCertificate::load(files)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A certificate that is reloaded when its files change.
#[derive(Debug)]
struct ReloadingCertificate {
    files: TlsFiles,
    current: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    key: Arc<CertifiedKey>,
    modified: [Option<SystemTime>; 2],
    checked_at: Instant,
}

impl ReloadingCertificate {
    const CHECK_INTERVAL: Duration = Duration::from_secs(10);

    fn load(files: TlsFiles) -> Result<Self, TlsError> {
        // Determined before the files are read, so that the next check detects a change in between.
        let modified = files.modified();
        let key = Arc::new(files.read()?);
        Ok(Self { files, current: Mutex::new(Loaded { key, modified, checked_at: Instant::now() }) })
    }

    fn key(&self, now: Instant) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(current.checked_at) >= Self::CHECK_INTERVAL {
            current.checked_at = now;
            let modified = self.files.modified();
            if modified != current.modified {
                current.modified = modified;
                match self.files.read() {
                    Ok(key) => {
                        log::info!("reloaded the TLS certificate");
                        current.key = Arc::new(key);
                    }
                    // May fail because the two files are replaced one after the other; the second change triggers
                    // another attempt.
                    Err(error) => log::warn!(error:%; "failed to reload the TLS certificate, keeping the current one"),
                }
            }
        }
        Arc::clone(&current.key)
    }
}

impl ResolvesServerCert for ReloadingCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key(Instant::now()))
    }
}

impl TlsFiles {
    /// Checks that a server can use these files.
    ///
    /// # Errors
    /// Returns an error if a file is missing or invalid.
    pub fn check(&self) -> Result<(), TlsError> {
        self.read().map(drop)
    }

    fn modified(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
    }

    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let file_error = |path: &PathBuf, reason: String| TlsError::File { path: path.display().to_string(), reason };
        let chain = pem::certificates(&self.certificate).map_err(|reason| file_error(&self.certificate, reason))?;
        let key = pem::private_key(&self.key).map_err(|reason| file_error(&self.key, reason))?;
        Ok(CertifiedKey::from_der(chain, key, &ring::default_provider())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(files: &TlsFiles, name: &str) {
        let generated = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(&files.certificate, generated.cert.pem()).unwrap();
        std::fs::write(&files.key, generated.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_renewed_certificate_is_reloaded_and_an_invalid_one_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        write(&files, "one.example");
        let certificate = ReloadingCertificate::load(files.clone()).unwrap();
        let now = Instant::now();
        let first = certificate.key(now);
        let later = |checks: u32| now + ReloadingCertificate::CHECK_INTERVAL * checks;
        let touch = |age: u64| {
            let file = std::fs::File::options().write(true).open(&files.certificate).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };

        write(&files, "two.example");
        touch(500);
        assert_eq!(certificate.key(now).cert, first.cert, "the files are checked at an interval");
        let second = certificate.key(later(1));
        assert_ne!(second.cert, first.cert);

        std::fs::write(&files.certificate, "no certificate").unwrap();
        touch(400);
        assert_eq!(certificate.key(later(2)).cert, second.cert);
    }

    #[test]
    fn an_error_names_the_unusable_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        let error = |files: &TlsFiles| server_config(files.clone()).unwrap_err().to_string();
        assert!(error(&files).contains("cert.pem"));
        write(&files, "one.example");
        let other = TlsFiles { key: folder.path().join("other.pem"), ..files.clone() };
        assert!(error(&other).contains("other.pem"));
        let other_pair = rcgen::generate_simple_self_signed(["two.example".to_owned()]).unwrap();
        std::fs::write(&other.key, other_pair.signing_key.serialize_pem()).unwrap();
        assert!(error(&other).contains("cannot be used"));
        std::fs::write(&files.certificate, "").unwrap();
        assert!(error(&files).contains("no certificate"));
    }
}
