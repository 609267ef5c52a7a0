use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::reader::Reader;
use crate::config::section::section;
use crate::config::values::Host;
use crate::http::TlsFiles;

section! {
    /// The address of the server.
    pub struct HttpSettings in "http", checked by check {
        /// The address to listen on; 0.0.0.0 or :: for all addresses of this machine.
        host: Host = "127.0.0.1";
        /// The port to listen on; 0 picks a free one.
        port: u16 = "8081", 0..=u16::MAX;
        /// A PEM file with the server's certificate and its chain. With it, the server speaks HTTPS only, including
        /// HTTP/2. The file is read again when it changes.
        tls_certificate: Option<PathBuf> = "";
        /// The PEM file with its private key; only with http.tls_certificate.
        tls_key: Option<PathBuf> = "";
        /// Proxies whose X-Forwarded-For is trusted, as addresses or networks; a client is then counted by its own
        /// address.
        trusted_proxies: Vec<IpNet> = "";
        /// Whether readsb's files are served below /data, and the API of its aggregators below /v2, so that their
        /// clients work with this server.
        readsb_api: bool = "true";
        /// Whether OpenSky's REST API is served below /api, so that its clients work with this server.
        opensky_api: bool = "true";
    }
}

impl HttpSettings {
    fn check(&self, reader: &mut Reader) {
        for (setting, file) in [(Self::tls_certificate, &self.tls_certificate), (Self::tls_key, &self.tls_key)] {
            if file.as_ref().is_some_and(|file| !file.is_file()) {
                reader.conflict(setting, "file does not exist; expected the path of a PEM file");
            }
        }
        match (&self.tls_certificate, &self.tls_key) {
            (Some(_), None) => {
                reader.conflict(Self::tls_certificate, "http.tls_key is missing; set both or neither");
            }
            (None, Some(_)) => {
                reader.conflict(Self::tls_key, "http.tls_certificate is missing; set both or neither");
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// Returns the `host:port` to listen on.
    pub fn listen_on(&self) -> String {
        self.host.with_port(self.port)
    }

    /// Returns the files of the certificate and its key, or `None` for plain HTTP.
    pub fn tls(&self) -> Option<TlsFiles> {
        Some(TlsFiles { certificate: self.tls_certificate.clone()?, key: self.tls_key.clone()? })
    }
}
