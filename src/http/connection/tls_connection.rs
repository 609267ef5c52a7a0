//! TLS connections: HTTP/2 and HTTP/1.1.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_http::Protocol;
use actix_service::{Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::in_flight::{InFlightRequests, StallGuard};

/// A connection after its TLS handshake. Reading pauses while a write is blocked. Otherwise `h2` would continue to read
/// requests, and their responses, even if only rejections, would accumulate.
pub(crate) struct TlsConnection<S = TlsStream<TcpStream>> {
    stream: S,
    is_blocked: bool,
    /// The reader that waits until the write is no longer blocked.
    reader: Option<Waker>,
    in_flight: InFlightRequests,
}

impl TlsConnection {
    pub(crate) fn socket(&self) -> &TcpStream {
        self.stream.get_ref().0
    }

    pub(crate) fn in_flight(&self) -> InFlightRequests {
        self.in_flight.clone()
    }

    fn protocol(&self) -> Protocol {
        match self.stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        }
    }
}

impl<S> TlsConnection<S> {
    fn new(stream: S) -> Self {
        Self { stream, is_blocked: false, reader: None, in_flight: InFlightRequests::default() }
    }

    fn note_blocked<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.is_blocked = written.is_pending();
        if !self.is_blocked
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
        written
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsConnection<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_blocked {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsConnection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_blocked(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note_blocked(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.note_blocked(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Performs the TLS handshake and serves the connection until it ends, or the client accepts no data of a response for
/// `client_timeout`.
pub(crate) fn serve_tls<F>(
    config: ServerConfig,
    client_timeout: Duration,
    http: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = TlsError<io::Error, F::Error>, InitError = ()>
where
    F: ServiceFactory<(TlsConnection, Protocol, Option<SocketAddr>), Config = (), Response = (), InitError = ()>,
    F::Error: 'static,
    <F::Service as Service<(TlsConnection, Protocol, Option<SocketAddr>)>>::Future: 'static,
{
    let http = apply_fn_factory(http, move |stream: TlsStream<TcpStream>, http: &F::Service| {
        let connection = TlsConnection::new(stream);
        let stall = StallGuard::new(connection.in_flight(), client_timeout);
        let (protocol, peer) = (connection.protocol(), connection.socket().peer_addr().ok());
        let serving = Box::pin(http.call((connection, protocol, peer)));
        stall.serve(serving)
    });
    Acceptor::new(config).map_err(TlsError::into_service_error).and_then(http.map_err(TlsError::Service))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn reading_pauses_while_a_write_is_blocked() {
        let (server, mut client) = duplex(4);
        let (mut reading, mut writing) = split(TlsConnection::new(server));
        client.write_all(b"ask").await.unwrap();
        let (mut request, mut response, is_read) = ([0; 3], [0; 6], Cell::new(false));
        let responding = writing.write_all(b"answer");
        let reading_request = async {
            reading.read_exact(&mut request).await.unwrap();
            is_read.set(true);
        };
        let client_reads = async {
            sleep(Duration::from_secs(1)).await;
            assert!(!is_read.get(), "reading continues while a write is blocked");
            client.read_exact(&mut response).await.unwrap();
        };
        // The waiting reader continues as soon as the client reads.
        let all = async { tokio::join!(responding, reading_request, client_reads) };
        timeout(Duration::from_secs(2), all).await.unwrap().0.unwrap();
        assert_eq!((&request, &response), (b"ask", b"answer"));
    }
}
