use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::{Arc, Once};
use std::time::Duration;

use actix_web::error::ParseError;
use actors::ports::SourceError;
use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::header::{ACCEPT, HOST, HeaderMap, LOCATION, PROXY_AUTHORIZATION, USER_AGENT};
use awc::http::{Method, StatusCode, Uri};
use awc::{Client, ClientRequest, Connector, SendClientRequest};
use futures_util::StreamExt as _;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout_at};
use url::{Position, Url};

use super::endpoint::Endpoint;
use super::quote::Secrets;
use super::tunnel::{self, TunnelConnector};
use crate::proxy::{Proxies, Proxy};

/// One request and its answer, bounded in time and size. Nothing is followed or tried again here.
pub(super) struct Exchange {
    client: Client,
    proxies: Rc<Proxies>,
    timeout: Duration,
}

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Decompressed; of an answer that is not 200 only the beginning, or nothing when it did not come in time.
    pub(super) body: Vec<u8>,
    /// Which proxy handed it on, and may have made it; empty for a direct answer.
    through: String,
}

macro_rules! user_agent {
    () => {
        concat!("flight-monitor/", env!("CARGO_PKG_VERSION"))
    };
}

/// How this program names itself to a proxy.
pub(super) const USER_AGENT_LINE: &str = concat!("User-Agent: ", user_agent!(), "\r\n");

/// Bytes of an error's body that are looked at.
const ERROR_BODY: usize = 16 * 1024;

/// How long an error's body may take: its status says enough.
const ERROR_BODY_TIME: Duration = Duration::from_secs(2);

impl Exchange {
    /// Requests through these proxies, to servers with a certificate of the public authorities or of these.
    pub(super) fn new(timeout: Duration, proxies: Proxies, authorities: Vec<CertificateDer<'static>>) -> Self {
        install_crypto_provider();
        let proxies = Rc::new(proxies);
        let connector = Connector::new()
            .connector(TunnelConnector::new(Rc::clone(&proxies)))
            .rustls_0_23(Arc::new(tls(authorities)))
            .timeout(timeout)
            .handshake_timeout(timeout)
            // Long enough for one poll's requests. Kept until the next poll, a connection may be closed by the server
            // at the moment of its use.
            .conn_keep_alive(Duration::from_secs(1));
        let client = Client::builder()
            .connector(connector)
            // A followed redirect could carry the token to another host.
            .disable_redirects()
            // `send` bounds the body too, awc the head only.
            .disable_timeout()
            .finish();
        Self { client, proxies, timeout }
    }

    pub(super) fn get(&self, url: &str) -> ClientRequest {
        self.request(Method::GET, url)
    }

    pub(super) fn post(&self, url: &str) -> ClientRequest {
        self.request(Method::POST, url)
    }

    /// An `http` URL that goes through a proxy is asked for in the absolute form, of the proxy (RFC 9112, 3.2.2).
    fn request(&self, method: Method, url: &str) -> ClientRequest {
        let forwarded = Url::parse(url).ok().and_then(|url| Some((self.forwarder(&url)?, url)));
        let Some((proxy, url)) = forwarded else { return described(self.client.request(method, url)) };
        // A URL that does not fit becomes an empty one, which awc refuses.
        let uri = Uri::builder().scheme("http").authority(proxy.to_string()).path_and_query(url.as_str()).build();
        let mut request = described(self.client.request(method, uri.unwrap_or_default()))
            .insert_header((HOST, &url[Position::BeforeHost..Position::AfterPort]));
        if let Some(authorization) = proxy.authorization() {
            request = request.insert_header((PROXY_AUTHORIZATION, authorization));
        }
        request
    }

    fn forwarder(&self, url: &Url) -> Option<&Proxy> {
        self.proxies.of(url).filter(|_| url.scheme() == "http")
    }

    /// Sends a request to this endpoint and reads its answer, of a 200 up to `limit` bytes. Errors do not name the endpoint,
    /// but the proxy.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        request: SendClientRequest,
        limit: usize,
    ) -> Result<Answer, SourceError> {
        let answer = self.receive(request, limit).await.map_err(|error| self.naming_proxy(error, endpoint))?;
        match self.forwarder(endpoint.url()) {
            Some(proxy) if answer.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                let hint = tunnel::hint(proxy, answer.status.as_u16());
                Err(SourceError::Refused(format!("proxy {proxy} refused the request: {}{hint}", answer.status)))
            }
            Some(proxy) => Ok(Answer { through: through(proxy), ..answer }),
            None => Ok(answer),
        }
    }

    fn naming_proxy(&self, error: SourceError, endpoint: &Endpoint) -> SourceError {
        let Some(proxy) = self.proxies.of(endpoint.url()) else { return error };
        let named = format!("proxy {proxy}");
        let naming = |text: String| if text.contains(&named) { text } else { format!("{text}{}", through(proxy)) };
        match error {
            SourceError::Refused(text) => SourceError::Refused(naming(text)),
            SourceError::Unavailable(text) => SourceError::Unavailable(naming(text)),
            SourceError::Malformed(text) => SourceError::Malformed(naming(text)),
            limited @ SourceError::RateLimited { .. } => limited,
        }
    }

    async fn receive(&self, request: SendClientRequest, limit: usize) -> Result<Answer, SourceError> {
        let deadline = Instant::now() + self.timeout;
        let slow = |_| SourceError::Unavailable(format!("no answer within {:?}", self.timeout));
        let mut response =
            timeout_at(deadline, request).await.map_err(slow)?.map_err(|error| sending_failed(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        let mut read = async |limit: usize| {
            while let Some(chunk) = response.next().await {
                let chunk = chunk.map_err(|error| reading_failed(&error))?;
                if chunk.len() > limit - body.len() {
                    body.extend_from_slice(&chunk[..limit - body.len()]);
                    return Err(SourceError::Malformed(format!("an answer of more than {limit} bytes")));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(())
        };
        if status == StatusCode::OK {
            let slow = |_| SourceError::Unavailable(format!("the answer did not end within {:?}", self.timeout));
            timeout_at(deadline, read(limit)).await.map_err(slow)??;
        } else {
            let deadline = deadline.min(Instant::now() + ERROR_BODY_TIME);
            // Whatever goes wrong here, the status is known.
            let _ = timeout_at(deadline, read(ERROR_BODY)).await;
        }
        Ok(Answer { status, headers, body, through: String::new() })
    }
}

fn through(proxy: &Proxy) -> String {
    format!(" (through proxy {proxy})")
}

fn tls(authorities: Vec<CertificateDer<'static>>) -> ClientConfig {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let (_, unusable) = roots.add_parsable_certificates(authorities);
    if unusable > 0 {
        log::warn!("{unusable} certificates of authorities cannot be used");
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    // One request at a time has no use for HTTP/2. awc's own `max_http_version` would replace this configuration.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

fn described(request: ClientRequest) -> ClientRequest {
    request.insert_header((USER_AGENT, user_agent!())).insert_header((ACCEPT, "application/json"))
}

impl Answer {
    /// The status, and what else there is to say about it.
    pub(super) fn describe(&self, secrets: &Secrets) -> String {
        let quote = match self.headers.get(LOCATION) {
            // The query of a redirect may carry a session.
            Some(location) if self.status.is_redirection() => {
                let location = location.as_bytes().split(|b| matches!(b, b'?' | b'#')).next().unwrap_or_default();
                format!("redirects to {}", secrets.quote(location))
            }
            _ => secrets.quote(&self.body),
        };
        let separator = if quote.is_empty() { "" } else { ": " };
        format!("answered {}{}{separator}{quote}", self.status, self.through)
    }
}

/// Puts before an error's text what was asked.
pub(super) fn with_context(error: SourceError, asked: &Endpoint) -> SourceError {
    let named = |text: String| format!("{asked}: {text}");
    match error {
        SourceError::Refused(text) => SourceError::Refused(named(text)),
        SourceError::Unavailable(text) => SourceError::Unavailable(named(text)),
        SourceError::Malformed(text) => SourceError::Malformed(named(text)),
        limited @ SourceError::RateLimited { .. } => limited,
    }
}

fn sending_failed(sending: &SendRequestError) -> SourceError {
    use SendRequestError as E;
    match sending {
        E::Connect(ConnectError::Disconnected) => {
            SourceError::Unavailable("the connection was closed before an answer".to_owned())
        }
        E::Response(ParseError::Io(_) | ParseError::Timeout | ParseError::Incomplete) => {
            SourceError::Unavailable(format!("reading the answer: {sending}"))
        }
        E::Connect(ConnectError::Io(error)) => {
            tunnel::failure(error).unwrap_or_else(|| SourceError::Unavailable(sending.to_string()))
        }
        E::Response(error) => SourceError::Malformed(format!("not an HTTP answer: {error}")),
        other => SourceError::Unavailable(other.to_string()),
    }
}

fn reading_failed(error: &PayloadError) -> SourceError {
    let text = format!("reading the answer: {error}");
    match error {
        PayloadError::Incomplete(None) | PayloadError::EncodingCorrupted => SourceError::Malformed(text),
        PayloadError::Io(error) | PayloadError::Incomplete(Some(error)) => match error.kind() {
            // The decoder's words for a body that is no gzip, or ends too early.
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::WriteZero => {
                SourceError::Malformed(text)
            }
            _ => SourceError::Unavailable(text),
        },
        _ => SourceError::Unavailable(text),
    }
}

/// rustls wants one provider for the whole process, and awc panics without.
fn install_crypto_provider() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // An error says that another part of the program was first, which is as good.
        let _: Result<(), Arc<_>> = rustls::crypto::ring::default_provider().install_default();
    });
}
