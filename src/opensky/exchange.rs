use std::io::ErrorKind;
use std::sync::{Arc, Once};
use std::time::Duration;

use actix_web::error::ParseError;
use actors::ports::SourceError;
use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::header::{ACCEPT, HeaderMap, LOCATION, USER_AGENT};
use awc::http::{StatusCode, Version};
use awc::{Client, ClientRequest, Connector, SendClientRequest};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::endpoint::Endpoint;
use super::quote::Secrets;

/// One request and its answer, bounded in time and size. Nothing is followed or tried again here.
pub(super) struct Exchange {
    client: Client,
    timeout: Duration,
}

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Decompressed; of an answer that is not 200 only the beginning, or nothing when it did not come in time.
    pub(super) body: Vec<u8>,
}

/// Bytes of an error's body that are looked at.
const ERROR_BODY: usize = 16 * 1024;

/// How long an error's body may take: its status says enough.
const ERROR_BODY_TIME: Duration = Duration::from_secs(2);

impl Exchange {
    pub(super) fn new(timeout: Duration) -> Self {
        install_crypto_provider();
        let connector = Connector::new()
            .timeout(timeout)
            .handshake_timeout(timeout)
            // Long enough for one poll's requests. Kept until the next poll, a connection may be closed by the server
            // at the moment of its use.
            .conn_keep_alive(Duration::from_secs(1));
        let client = Client::builder()
            .connector(connector)
            // One request at a time has no use for HTTP/2.
            .max_http_version(Version::HTTP_11)
            // A followed redirect could carry the token to another host.
            .disable_redirects()
            // `send` bounds the body too, awc the head only.
            .disable_timeout()
            .finish();
        Self { client, timeout }
    }

    pub(super) fn get(&self, url: &str) -> ClientRequest {
        described(self.client.get(url))
    }

    pub(super) fn post(&self, url: &str) -> ClientRequest {
        described(self.client.post(url))
    }

    /// Sends a request and reads its answer, of a 200 up to `limit` bytes.
    pub(super) async fn send(&self, request: SendClientRequest, limit: usize) -> Result<Answer, SourceError> {
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
        Ok(Answer { status, headers, body })
    }
}

fn described(request: ClientRequest) -> ClientRequest {
    request
        .insert_header((USER_AGENT, concat!("flight-monitor/", env!("CARGO_PKG_VERSION"))))
        .insert_header((ACCEPT, "application/json"))
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
        format!("answered {}{separator}{quote}", self.status)
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

fn sending_failed(error: &SendRequestError) -> SourceError {
    use SendRequestError as E;
    match error {
        E::Connect(ConnectError::Disconnected) => {
            SourceError::Unavailable("the connection was closed before an answer".to_owned())
        }
        E::Response(ParseError::Io(_) | ParseError::Timeout | ParseError::Incomplete) => {
            SourceError::Unavailable(format!("reading the answer: {error}"))
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
