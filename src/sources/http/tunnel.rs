use std::io;
use std::rc::Rc;

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, Connector, ConnectorService, Resolver};
use actors::ports::SourceError;
use awc::http::Uri;
use futures_util::future::LocalBoxFuture;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::address_guard::AddressGuard;
use crate::proxy::{Proxies, Proxy};

/// Connects directly or, for `https`, through a CONNECT tunnel of the configured proxy (RFC 9110, 9.3.6).
#[derive(Clone)]
pub(super) struct TunnelConnector {
    proxies: Rc<Proxies>,
    direct: ConnectorService,
    guard: AddressGuard,
}

/// Why a tunnel could not be opened. The text names the proxy.
#[derive(Debug, Error)]
pub(super) enum TunnelError {
    /// The proxy rejected the request.
    #[error("{0}")]
    Refused(String),
    /// The proxy does not respond, or cannot reach the target at the moment.
    #[error("{0}")]
    Unavailable(String),
    /// The server is not an HTTP proxy.
    #[error("{0}")]
    Malformed(String),
}

/// The maximum size of the response head to CONNECT, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// The maximum number of characters of the response's status line in errors.
const MAX_STATUS: usize = 80;

impl TunnelConnector {
    pub(super) fn new(proxies: Rc<Proxies>, guard: AddressGuard) -> Self {
        Self { proxies, direct: Connector::new(Resolver::default()).service(), guard }
    }

    /// Returns the host and port to connect to directly if the guard has to admit the address. A proxy is the
    /// operator's, wherever it is.
    fn guarded(&self, uri: &Uri) -> Option<(String, u16)> {
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default);
        (self.guard != AddressGuard::Any && !self.proxies.has(&host, port)).then_some((host, port))
    }

    /// Returns the proxy to use, and the host and port to connect to through it.
    fn tunnel(&self, uri: &Uri) -> Option<(Proxy, String)> {
        if uri.scheme_str() != Some("https") {
            return None;
        }
        let proxy = self.proxies.of(&Url::parse(&uri.to_string()).ok()?)?;
        Some((proxy.clone(), format!("{}:{}", uri.host()?, uri.port_u16().unwrap_or(443))))
    }
}

impl Service<ConnectInfo<Uri>> for TunnelConnector {
    type Response = Connection<Uri, TcpStream>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    actix_service::always_ready!();

    // awc's connect timeout also covers opening the tunnel.
    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        match self.tunnel(info.request()) {
            Some((proxy, target)) => Box::pin(async move {
                let stream = open(&proxy, &target).await.map_err(|error| ConnectError::Io(io::Error::other(error)))?;
                Ok(Connection::new(info.request().clone(), stream))
            }),
            None => match self.guarded(info.request()) {
                Some((host, port)) => {
                    let guard = self.guard;
                    Box::pin(async move {
                        let stream = guard.connect(&host, port).await.map_err(ConnectError::Io)?;
                        Ok(Connection::new(info.request().clone(), stream))
                    })
                }
                None => Box::pin(self.direct.call(info)),
            },
        }
    }
}

async fn open(proxy: &Proxy, target: &str) -> Result<TcpStream, TunnelError> {
    let (host, port) = proxy.address();
    let mut stream = TcpStream::connect((host.as_str(), port))
        .await
        .map_err(|error| TunnelError::Unavailable(format!("failed to connect to proxy {proxy}: {error}")))?;
    let lost = |error: io::Error| {
        TunnelError::Unavailable(format!("proxy {proxy} closed the connection during CONNECT to {target}: {error}"))
    };
    stream.set_nodelay(true).map_err(lost)?;
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}", super::user_agent::USER_AGENT_LINE);
    if let Some(authorization) = proxy.authorization() {
        request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(lost)?;

    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            let what =
                format!("proxy {proxy} responded to CONNECT to {target} with more than {MAX_HEAD} bytes of headers");
            return Err(TunnelError::Malformed(what));
        }
        // Read byte by byte, because what follows the head belongs to TLS. The head has only a few hundred bytes.
        head.push(stream.read_u8().await.map_err(lost)?);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split_once(' ')).map(|(_, status)| status.trim());
    let code = status.and_then(|status| status.get(..3)?.parse::<u16>().ok());
    let (Some(status), Some(code)) = (status, code) else {
        return Err(TunnelError::Malformed(format!("proxy {proxy} sent no HTTP response to CONNECT to {target}")));
    };
    if (200..300).contains(&code) {
        return Ok(stream);
    }
    let status: String = status.chars().take(MAX_STATUS).filter(|c| !c.is_control()).collect();
    let refused = format!("proxy {proxy} refused CONNECT to {target}: {status}{}", hint(proxy, code));
    Err(if code >= 500 { TunnelError::Unavailable(refused) } else { TunnelError::Refused(refused) })
}

/// Returns advice on how to fix a status returned by the proxy.
pub(super) fn hint(proxy: &Proxy, code: u16) -> String {
    match code {
        407 => format!(" (set the user name and password in {}: http://user:password@{proxy})", proxy.variable()),
        _ => String::new(),
    }
}

/// Classifies the error of a tunnel by who can act on it. Returns `None` for any other error.
pub(super) fn failure(error: &io::Error) -> Option<SourceError> {
    let error = error.get_ref()?.downcast_ref::<TunnelError>()?;
    let text = error.to_string();
    Some(match error {
        TunnelError::Refused(_) => SourceError::Refused(text),
        TunnelError::Unavailable(_) => SourceError::Unavailable(text),
        TunnelError::Malformed(_) => SourceError::Malformed(text),
    })
}
