use std::io::ErrorKind;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Once};
use std::time::Duration;

use actix_web::error::ParseError;
use actors::ports::SourceError;
use anyhow::Context as _;
use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::header::{ACCEPT, HOST, PROXY_AUTHORIZATION, USER_AGENT};
use awc::http::{Method, StatusCode, Uri};
use awc::{Client, ClientRequest, Connector, SendClientRequest};
use futures_util::StreamExt as _;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout_at};
use url::{Position, Url};

use super::endpoint::Endpoint;
use super::response::HttpResponse;
use super::tunnel::{self, TunnelConnector};
use super::user_agent::USER_AGENT_VALUE;
use crate::address_guard::{AddressGuard, BlockedAddress};
use crate::proxy::{InvalidProxy, Proxies, Proxy};

/// The proxies and certificate authorities for outgoing requests.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The proxies for requests.
    pub proxies: Proxies,
    /// Certificate authorities to trust in addition to the public ones.
    pub authorities: Vec<CertificateDer<'static>>,
}

impl Network {
    /// Reads the certificate authorities that are trusted in addition to the public ones from a PEM file.
    ///
    /// # Errors
    /// The proxy settings are invalid, or the certificates cannot be read.
    pub fn of(proxies: &Result<Proxies, InvalidProxy>, authorities: Option<&Path>) -> anyhow::Result<Self> {
        let authorities = match authorities {
            Some(path) => crate::pem::certificates(path)
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("SSL_CERT_FILE: failed to read certificates from {}", path.display()))?,
            None => Vec::new(),
        };
        Ok(Self { proxies: proxies.clone()?, authorities })
    }
}

/// Sends HTTP requests, with limits on time and size. It does not follow redirects and does not retry.
pub(crate) struct HttpClient {
    client: Client,
    proxies: Rc<Proxies>,
    timeout: Duration,
}

/// The maximum number of bytes read of an error response's body.
const MAX_ERROR_BODY: usize = 16 * 1024;

/// The timeout for reading an error response's body. It is short, because the status is what matters.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(2);

impl HttpClient {
    /// Creates a client whose requests take no longer than `timeout`, including the last byte of the response.
    pub(crate) fn new(timeout: Duration, network: Network) -> Self {
        Self::guarded(timeout, network, AddressGuard::Any)
    }

    /// Like [`HttpClient::new`]. Direct connections are opened only to addresses that the guard admits.
    pub(crate) fn guarded(timeout: Duration, Network { proxies, authorities }: Network, guard: AddressGuard) -> Self {
        install_crypto_provider();
        let proxies = Rc::new(proxies);
        let connector = Connector::new()
            .connector(TunnelConnector::new(Rc::clone(&proxies), guard))
            .rustls_0_23(Arc::new(http_tls(authorities)))
            .timeout(timeout)
            .handshake_timeout(timeout)
            // Long enough for the requests of one poll. If a connection were kept until the next poll, the server might
            // close it just as it is reused.
            .conn_keep_alive(Duration::from_secs(1));
        let client = Client::builder()
            .connector(connector)
            // Following a redirect could send the token to another host.
            .disable_redirects()
            // `receive` applies its own timeout, which also covers the body; awc's covers only the head.
            .disable_timeout()
            .finish();
        Self { client, proxies, timeout }
    }

    pub(crate) fn get(&self, url: &str) -> ClientRequest {
        self.request(Method::GET, url)
    }

    pub(crate) fn head(&self, url: &str) -> ClientRequest {
        self.request(Method::HEAD, url)
    }

    pub(crate) fn post(&self, url: &str) -> ClientRequest {
        self.request(Method::POST, url)
    }

    /// Creates a request. A plain `http` request that goes through a proxy is sent to the proxy, with the URL in
    /// absolute form (RFC 9112, 3.2.2).
    fn request(&self, method: Method, url: &str) -> ClientRequest {
        let forwarded = Url::parse(url).ok().and_then(|url| Some((self.forwarder(&url)?, url)));
        let Some((proxy, url)) = forwarded else { return with_headers(self.client.request(method, url)) };
        // An invalid URL becomes an empty one, which awc rejects.
        let uri = Uri::builder().scheme("http").authority(proxy.to_string()).path_and_query(url.as_str()).build();
        let mut request = with_headers(self.client.request(method, uri.unwrap_or_default()))
            .insert_header((HOST, &url[Position::BeforeHost..Position::AfterPort]));
        if let Some(authorization) = proxy.authorization() {
            request = request.insert_header((PROXY_AUTHORIZATION, authorization));
        }
        request
    }

    fn forwarder(&self, url: &Url) -> Option<&Proxy> {
        self.proxies.of(url).filter(|_| url.scheme() == "http")
    }

    /// Sends a request to this endpoint and reads the response; if its status is 200, up to `limit` bytes. Errors name
    /// the proxy, but not the endpoint.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        request: SendClientRequest,
        limit: usize,
    ) -> Result<HttpResponse, SourceError> {
        self.exchange(endpoint.url(), request, Some(limit)).await
    }

    /// Sends a request to a URL whose response matters by its status alone. Reads only the beginning of the response,
    /// and not for long.
    pub(crate) async fn notify(&self, url: &Url, request: SendClientRequest) -> Result<HttpResponse, SourceError> {
        self.exchange(url, request, None).await
    }

    async fn exchange(
        &self,
        url: &Url,
        request: SendClientRequest,
        limit: Option<usize>,
    ) -> Result<HttpResponse, SourceError> {
        let response = self.receive(request, limit).await.map_err(|error| self.naming_proxy(error, url))?;
        match self.forwarder(url) {
            Some(proxy) if response.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                let hint = tunnel::hint(proxy, response.status.as_u16());
                Err(SourceError::Refused(format!("proxy {proxy} refused the request: {}{hint}", response.status)))
            }
            Some(proxy) => Ok(HttpResponse { through: through(proxy), ..response }),
            None => Ok(response),
        }
    }

    fn naming_proxy(&self, error: SourceError, url: &Url) -> SourceError {
        let Some(proxy) = self.proxies.of(url) else { return error };
        let named = format!("proxy {proxy}");
        error.map_text(|text| if text.contains(&named) { text } else { format!("{text}{}", through(proxy)) })
    }

    /// Without a limit, only the beginning of the body is read, as of an error response.
    async fn receive(&self, request: SendClientRequest, limit: Option<usize>) -> Result<HttpResponse, SourceError> {
        let deadline = Instant::now() + self.timeout;
        let slow = |_| SourceError::Unavailable(format!("no response within {:?}", self.timeout));
        let mut response =
            timeout_at(deadline, request).await.map_err(slow)?.map_err(|error| sending_failed(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        let mut read = async |limit: usize| {
            while let Some(chunk) = response.next().await {
                let chunk = chunk.map_err(|error| reading_failed(&error))?;
                if chunk.len() > limit - body.len() {
                    body.extend_from_slice(&chunk[..limit - body.len()]);
                    return Err(SourceError::Malformed(format!("response larger than {limit} bytes")));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(())
        };
        if let Some(limit) = limit.filter(|_| status == StatusCode::OK) {
            let slow = |_| SourceError::Unavailable(format!("response not complete within {:?}", self.timeout));
            timeout_at(deadline, read(limit)).await.map_err(slow)??;
        } else {
            let deadline = deadline.min(Instant::now() + ERROR_BODY_TIMEOUT);
            // The status is already known, so it does not matter if reading the body fails.
            let _ = timeout_at(deadline, read(MAX_ERROR_BODY)).await;
        }
        Ok(HttpResponse { status, headers, body, through: String::new() })
    }
}

fn through(proxy: &Proxy) -> String {
    format!(" (through proxy {proxy})")
}

/// Returns a TLS client that trusts the public certificate authorities and these.
pub(crate) fn tls_client(authorities: Vec<CertificateDer<'static>>) -> ClientConfig {
    install_crypto_provider();
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let (_, unusable) = roots.add_parsable_certificates(authorities);
    if unusable > 0 {
        log::warn!("ignored {unusable} invalid certificates in SSL_CERT_FILE");
    }
    ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
}

fn http_tls(authorities: Vec<CertificateDer<'static>>) -> ClientConfig {
    let mut config = tls_client(authorities);
    // HTTP/2 has no advantage for sequential requests. awc's `max_http_version` would replace this TLS configuration.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

fn with_headers(request: ClientRequest) -> ClientRequest {
    request.insert_header((USER_AGENT, USER_AGENT_VALUE)).insert_header((ACCEPT, "application/json"))
}

fn sending_failed(sending: &SendRequestError) -> SourceError {
    use SendRequestError as E;
    match sending {
        E::Connect(ConnectError::Disconnected) => {
            SourceError::Unavailable("the connection was closed before a response".to_owned())
        }
        E::Response(ParseError::Io(_) | ParseError::Timeout | ParseError::Incomplete) => {
            SourceError::Unavailable(format!("failed to read the response: {sending}"))
        }
        E::Connect(ConnectError::Io(error)) => {
            if let Some(blocked) = error.get_ref().and_then(|error| error.downcast_ref::<BlockedAddress>()) {
                return SourceError::Refused(blocked.to_string());
            }
            tunnel::failure(error).unwrap_or_else(|| SourceError::Unavailable(sending.to_string()))
        }
        E::Response(error) => SourceError::Malformed(format!("not an HTTP response: {error}")),
        other => SourceError::Unavailable(other.to_string()),
    }
}

fn reading_failed(error: &PayloadError) -> SourceError {
    let text = format!("failed to read the response: {error}");
    match error {
        PayloadError::Incomplete(None) | PayloadError::EncodingCorrupted => SourceError::Malformed(text),
        PayloadError::Io(error) | PayloadError::Incomplete(Some(error)) => match error.kind() {
            // The decoder reports these for a body that is not gzip or that ends too early.
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::WriteZero => {
                SourceError::Malformed(text)
            }
            _ => SourceError::Unavailable(text),
        },
        _ => SourceError::Unavailable(text),
    }
}

/// Installs the process-wide rustls provider. awc panics if there is none.
fn install_crypto_provider() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // It fails if another part of the program has already installed one.
        let _: Result<(), Arc<_>> = rustls::crypto::ring::default_provider().install_default();
    });
}
