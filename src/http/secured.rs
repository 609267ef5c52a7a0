//! Connections by TLS: HTTP/2, and HTTP/1.1.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Protocol;
use actix_service::{Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::under_way::{UnderWay, Watch};

/// A connection whose client has shaken hands.
pub(super) struct SecuredConnection {
    stream: TlsStream<TcpStream>,
    under_way: UnderWay,
}

impl SecuredConnection {
    /// Its socket.
    pub(super) fn socket(&self) -> &TcpStream {
        self.stream.get_ref().0
    }

    /// What it is asked for.
    pub(super) fn under_way(&self) -> UnderWay {
        self.under_way.clone()
    }

    fn protocol(&self) -> Protocol {
        match self.stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TlsStream<TcpStream>> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl AsyncRead for SecuredConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for SecuredConnection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

/// Shakes hands, and serves with what serves HTTP; a client that takes nothing of an answer for `patience` is given up.
pub(super) fn secured<F>(
    config: ServerConfig,
    patience: Duration,
    http: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = TlsError<io::Error, F::Error>, InitError = ()>
where
    F: ServiceFactory<(SecuredConnection, Protocol, Option<SocketAddr>), Config = (), Response = (), InitError = ()>,
    F::Error: 'static,
    <F::Service as Service<(SecuredConnection, Protocol, Option<SocketAddr>)>>::Future: 'static,
{
    let http = apply_fn_factory(http, move |stream: TlsStream<TcpStream>, http: &F::Service| {
        let connection = SecuredConnection { stream, under_way: UnderWay::default() };
        let watch = Watch::over(connection.under_way(), patience);
        let (protocol, peer) = (connection.protocol(), connection.socket().peer_addr().ok());
        let serving = Box::pin(http.call((connection, protocol, peer)));
        watch.serve(serving)
    });
    Acceptor::new(config).map_err(TlsError::into_service_error).and_then(http.map_err(TlsError::Service))
}
