use std::path::PathBuf;

use super::Rows;
use crate::config::reader::Reader;
use crate::config::values::{Host, Networks, Shown};

/// `http`: where the server listens.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The address to listen on.
    pub host: Host,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// What to speak TLS with; `None`: plain HTTP.
    pub tls: Option<TlsSettings>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
}

/// Two files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate and those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl HttpSettings {
    /// `host:port` to listen on.
    pub fn listen_on(&self) -> String {
        self.host.with_port(self.port)
    }

    pub(in crate::config) fn read(reader: &mut Reader) -> Option<Self> {
        let host = reader.read("http.host");
        let port = reader.read("http.port");
        let tls = read_tls(reader);
        let trusted_proxies = reader.read("http.trusted_proxies");
        Some(Self { host: host?, port: port?, tls: tls?, trusted_proxies: trusted_proxies? })
    }

    pub(in crate::config) fn rows(&self) -> Rows {
        let file = |of: fn(&TlsSettings) -> &PathBuf| Shown::optional(self.tls.as_ref().map(|tls| of(tls).display()));
        vec![
            ("http.host", Shown::text(&self.host)),
            ("http.port", Shown::text(&self.port)),
            ("http.tls_certificate", file(|tls| &tls.certificate)),
            ("http.tls_key", file(|tls| &tls.key)),
            ("http.trusted_proxies", Shown::List(self.trusted_proxies.show())),
        ]
    }
}

fn read_tls(reader: &mut Reader) -> Option<Option<TlsSettings>> {
    const CERTIFICATE: &str = "http.tls_certificate";
    const KEY: &str = "http.tls_key";
    let mut file = |path: &str| {
        let file: Option<PathBuf> = reader.read_optional(path)?;
        if file.as_ref().is_some_and(|file| !file.is_file()) {
            reader.conflict(path, "there is no such file; expected the path of a PEM file");
            return None;
        }
        Some(file)
    };
    let (certificate, key) = (file(CERTIFICATE), file(KEY));
    match (certificate?, key?) {
        (Some(certificate), Some(key)) => Some(Some(TlsSettings { certificate, key })),
        (None, None) => Some(None),
        (Some(_), None) => {
            reader.conflict(CERTIFICATE, "http.tls_key is missing; give both or none");
            None
        }
        (None, Some(_)) => {
            reader.conflict(KEY, "http.tls_certificate is missing; give both or none");
            None
        }
    }
}
