//! Plain HTTP/1 connections.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Protocol;
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::in_flight::{InFlightRequests, StallGuard};
use super::socket_handoff::{SocketHandoff, serve_frames};

/// A plain connection that actix-http serves. Clones share the socket.
#[derive(Clone)]
pub(crate) struct PlainConnection(Rc<Shared>);

struct Shared {
    socket: RefCell<TcpStream>,
    /// Whether the last write was pending because the socket's send buffer was full.
    is_blocked: Cell<bool>,
    handoff: SocketHandoff,
    in_flight: InFlightRequests,
}

impl PlainConnection {
    fn new(socket: TcpStream) -> Self {
        let (socket, is_blocked) = (RefCell::new(socket), Cell::new(false));
        Self(Rc::new(Shared {
            socket,
            is_blocked,
            handoff: SocketHandoff::default(),
            in_flight: InFlightRequests::default(),
        }))
    }

    pub(crate) fn with_socket(&self, use_socket: impl FnOnce(&TcpStream)) {
        use_socket(&self.0.socket.borrow());
    }

    /// Returns the handoff, which goes into the extensions of the connection for [`SocketHandoff::of`].
    pub(crate) fn handoff(&self) -> SocketHandoff {
        self.0.handoff.clone()
    }

    pub(crate) fn in_flight(&self) -> InFlightRequests {
        self.0.in_flight.clone()
    }

    fn note_blocked<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.0.is_blocked.set(written.is_pending());
        written
    }
}

impl AsyncRead for PlainConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.socket.borrow_mut()).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PlainConnection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.0.socket.borrow_mut()).poll_write(cx, bytes);
        self.note_blocked(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.socket.borrow_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.socket.borrow_mut()).poll_shutdown(cx)
    }
}

/// Serves plain connections with an HTTP service, until it hands the socket off, or the client accepts no data of a
/// response for `client_timeout`.
pub(crate) fn serve_plain<F>(
    client_timeout: Duration,
    http: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = F::Error>
where
    F: ServiceFactory<(PlainConnection, Protocol, Option<SocketAddr>), Config = (), Response = ()>,
    <F::Service as Service<(PlainConnection, Protocol, Option<SocketAddr>)>>::Future: 'static,
{
    apply_fn_factory(http, move |socket: TcpStream, http: &F::Service| {
        let (peer, connection) = (socket.peer_addr().ok(), PlainConnection::new(socket));
        // Boxed, so that dropping it frees its memory while this future continues.
        let http = Box::pin(http.call((connection.clone(), Protocol::Http1, peer)));
        serve(connection, http, client_timeout)
    })
}

async fn serve<E>(
    connection: PlainConnection,
    mut http: Pin<Box<impl Future<Output = Result<(), E>>>>,
    client_timeout: Duration,
) -> Result<(), E> {
    let mut stall = StallGuard::new(connection.in_flight(), client_timeout);
    let _reset = ResetIfTruncated(Rc::downgrade(&connection.0));
    let Shared { is_blocked, handoff, .. } = &*connection.0;
    let served = std::future::poll_fn(|cx| {
        let ended = http.as_mut().poll(cx).map(Err);
        // If the service is pending and no write is blocked, the response head has been written.
        if ended.is_pending()
            && !is_blocked.get()
            && let Some(stream) = handoff.take()
        {
            return Poll::Ready(Ok(stream));
        }
        if ended.is_pending() && stall.poll_stalled(cx).is_ready() {
            return Poll::Ready(Err(Ok(())));
        }
        ended
    });
    let stream = match served.await {
        Ok(stream) => stream,
        Err(ended) => return ended,
    };
    // A client that waits for the next event must use as little memory as possible.
    drop((http, stall));
    if let Some(Shared { socket, .. }) = Rc::into_inner(connection.0) {
        serve_frames(socket.into_inner(), stream).await;
    }
    Ok(())
}

/// Resets a connection that ends inside a body delimited by the end of the connection. After an orderly close, the
/// truncated body would look complete.
struct ResetIfTruncated(Weak<Shared>);

impl Drop for ResetIfTruncated {
    fn drop(&mut self) {
        // The upgrade fails if the socket was handed off.
        let Some(connection) = self.0.upgrade().filter(|connection| connection.in_flight.is_truncated()) else {
            return;
        };
        let reset = SockRef::from(&*connection.socket.borrow()).set_linger(Some(Duration::ZERO));
        if let Err(error) = reset {
            log::debug!(error:%; "failed to reset a connection with a truncated response");
        }
    }
}
