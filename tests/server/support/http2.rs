use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Setup, TEST_TIMEOUT};

/// A self-signed certificate, with its key.
pub(crate) struct Certificate {
    folder: tempfile::TempDir,
}

impl Certificate {
    /// Creates a certificate for `localhost`.
    pub(crate) fn new() -> Self {
        Self::of(&["localhost"])
    }

    /// Creates a certificate for these hosts.
    pub(crate) fn of(hosts: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(hosts).unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self { folder }
    }

    /// Returns the path of `cert.pem` or `key.pem`.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Configures a server to use this certificate.
    pub(crate) fn on(&self, setup: Setup) -> Setup {
        setup.set("HTTP_TLS_CERTIFICATE", &self.file("cert.pem")).set("HTTP_TLS_KEY", &self.file("key.pem"))
    }
}

/// An HTTP/2 client with one connection.
pub(crate) struct Http2 {
    runtime: Runtime,
    requests: SendRequest<Bytes>,
}

/// A response whose body has not been read yet; see [`Http2::read`].
pub(crate) struct Http2Response {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: RecvStream,
}

impl Http2 {
    /// Connects over TLS. `window` is how many bytes of each body the server may send before the client reads them.
    pub(crate) fn connect(address: &str, certificate: &Certificate, window: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate.file("cert.pem")).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let (requests, connection) = runtime.block_on(async {
            let socket = tokio::net::TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let secured = TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap();
            Builder::new().initial_window_size(window).initial_max_send_streams(1_000).handshake(secured).await.unwrap()
        });
        runtime.spawn(async move {
            // A test sees a connection error in its next request or read.
            let _ = connection.await;
        });
        Self { runtime, requests }
    }

    /// Sends a `GET` request and waits for the response head.
    pub(crate) fn ask(&self, path: &str) -> Result<Http2Response, h2::Error> {
        let request = http::Request::get(format!("https://localhost{path}")).body(()).unwrap();
        self.with_timeout(async {
            let mut requests = self.requests.clone();
            std::future::poll_fn(|cx| requests.poll_ready(cx)).await?;
            let (answer, _) = requests.send_request(request, true)?;
            let (head, body) = answer.await?.into_parts();
            let retry_after = head.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned());
            Ok(Http2Response { status: head.status.as_u16(), retry_after, body })
        })
    }

    /// Reads the whole body, or returns the error that cut it off.
    pub(crate) fn read(&self, mut answer: Http2Response) -> Result<Vec<u8>, h2::Error> {
        self.with_timeout(async {
            let mut all = Vec::new();
            while let Some(data) = answer.body.data().await {
                let data = data?;
                answer.body.flow_control().release_capacity(data.len())?;
                all.extend_from_slice(&data);
            }
            Ok(all)
        })
    }

    fn with_timeout<T>(&self, answer: impl Future<Output = T>) -> T {
        let answer = async { tokio::time::timeout(TEST_TIMEOUT, answer).await };
        self.runtime.block_on(answer).unwrap_or_else(|_| panic!("timed out after {TEST_TIMEOUT:?}"))
    }
}
