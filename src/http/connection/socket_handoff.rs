//! Plain connections, and what becomes of those that end in a stream.
//!
//! actix-http copies what a body yields into a buffer of each connection, and keeps that buffer and the one for reading as
//! long as the connection lasts: dear for thousands that only wait for the next event. So a route may hand its connection
//! over: actix-http answers with the head, is then dropped with all that it holds, and the frames, which all clients share,
//! go to the socket as they are. HTTP/2 and TLS stay with actix-http.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Protocol;
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::Version;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use actors::sse_hub::QueueReceiver;
use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::in_flight::{InFlight, Watch};

/// A plain connection, while actix-http serves it.
#[derive(Clone)]
pub(crate) struct PlainConnection(Rc<Shared>);

struct Shared {
    socket: RefCell<TcpStream>,
    /// Whether something that was to be written has found no room.
    is_blocked: Cell<bool>,
    handoff: SocketHandoff,
    in_flight: InFlight,
}

/// Where a body leaves what its connection is to go on with; in the extensions of each plain connection.
#[derive(Clone, Default)]
pub(crate) struct SocketHandoff(Rc<Cell<Option<(QueueReceiver, Framing)>>>);

/// How the client finds the end of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// By the last chunk (RFC 9112, 7.1).
    Chunked,
    /// By the end of the connection: HTTP/1.0 has no chunks.
    UntilClose,
}

/// A body that sends nothing itself.
struct Leaves {
    frames: Option<(QueueReceiver, Framing)>,
    to: SocketHandoff,
}

impl SocketHandoff {
    /// The place for a request whose answer can be continued on its socket: HTTP/1.0 or HTTP/1.1, without TLS.
    pub(crate) fn of(request: &HttpRequest) -> Option<&Self> {
        request.conn_data().filter(|_| request.version() <= Version::HTTP_11)
    }

    /// The answer to a request whose body are these frames, up to their end; the connection ends with them.
    pub(crate) fn answer(
        &self,
        request: &HttpRequest,
        response: &mut HttpResponseBuilder,
        frames: QueueReceiver,
    ) -> HttpResponse {
        let framing = if request.version() < Version::HTTP_11 { Framing::UntilClose } else { Framing::Chunked };
        response.force_close().body(Leaves { frames: Some((frames, framing)), to: self.clone() })
    }
}

impl MessageBody for Leaves {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        // Asked for its first part, which it is once the head is among what is to be written.
        if let Some(frames) = self.frames.take() {
            self.to.0.set(Some(frames));
        }
        Poll::Pending
    }
}

impl PlainConnection {
    fn new(socket: TcpStream) -> Self {
        let (socket, is_blocked) = (RefCell::new(socket), Cell::new(false));
        Self(Rc::new(Shared { socket, is_blocked, handoff: SocketHandoff::default(), in_flight: InFlight::default() }))
    }

    /// Calls `with` with its socket.
    pub(crate) fn with_socket(&self, with: impl FnOnce(&TcpStream)) {
        with(&self.0.socket.borrow());
    }

    /// Where an answer to its requests may leave it.
    pub(crate) fn handoff(&self) -> SocketHandoff {
        self.0.handoff.clone()
    }

    /// What it is asked for.
    pub(crate) fn in_flight(&self) -> InFlight {
        self.0.in_flight.clone()
    }

    fn watched<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
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
        self.watched(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.socket.borrow_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.socket.borrow_mut()).poll_shutdown(cx)
    }
}

/// Serves plain connections with what serves HTTP on them, until that hands them over, or their client takes nothing of an
/// answer for `patience`.
pub(crate) fn plain<F>(
    patience: Duration,
    http: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = F::Error>
where
    F: ServiceFactory<(PlainConnection, Protocol, Option<SocketAddr>), Config = (), Response = ()>,
    <F::Service as Service<(PlainConnection, Protocol, Option<SocketAddr>)>>::Future: 'static,
{
    apply_fn_factory(http, move |socket: TcpStream, http: &F::Service| {
        let (peer, connection) = (socket.peer_addr().ok(), PlainConnection::new(socket));
        // In a box, so that its memory goes with it.
        let answering = Box::pin(http.call((connection.clone(), Protocol::Http1, peer)));
        serve(connection, answering, patience)
    })
}

async fn serve<E>(
    connection: PlainConnection,
    mut answering: Pin<Box<impl Future<Output = Result<(), E>>>>,
    patience: Duration,
) -> Result<(), E> {
    let mut watch = Watch::over(connection.in_flight(), patience);
    let _reset = ResetIfCutShort(Rc::downgrade(&connection.0));
    let Shared { is_blocked, handoff, .. } = &*connection.0;
    let frames = std::future::poll_fn(|cx| {
        let answered = answering.as_mut().poll(cx).map(Err);
        // Whatever it had to write it has written, unless that found no room.
        if answered.is_pending()
            && !is_blocked.get()
            && let Some(frames) = handoff.0.take()
        {
            return Poll::Ready(Ok(frames));
        }
        if answered.is_pending() && watch.poll_stalled(cx).is_ready() {
            return Poll::Ready(Err(Ok(())));
        }
        answered
    });
    let (frames, framing) = match frames.await {
        Ok(frames) => frames,
        Err(ended) => return ended,
    };
    // A client that waits for the next event costs as little as possible.
    drop((answering, watch));
    if let Some(Shared { socket, .. }) = Rc::into_inner(connection.0) {
        let socket = socket.into_inner();
        tokio::select! {
            biased;
            () = leaving(&socket) => {}
            // An error says that the client has gone, too.
            _ = send(&socket, frames, framing) => {}
        }
    }
    Ok(())
}

/// Resets a connection that ends within a body which only its end delimits: closed in order, a part would look whole.
struct ResetIfCutShort(Weak<Shared>);

impl Drop for ResetIfCutShort {
    fn drop(&mut self) {
        // One that was handed over is not there any more.
        let Some(connection) = self.0.upgrade().filter(|connection| connection.in_flight.is_cut_short()) else {
            return;
        };
        let reset = SockRef::from(&*connection.socket.borrow()).set_linger(Some(Duration::ZERO));
        if let Err(error) = reset {
            log::debug!(error:%; "failed to reset a connection whose answer was cut short");
        }
    }
}

/// Ends when the client does. What it still says is passed over: the answer under way is the last on this connection.
async fn leaving(socket: &TcpStream) {
    while socket.readable().await.is_ok() {
        // Not kept while it waits.
        let mut said = [0; 512];
        match socket.try_read(&mut said) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
        }
    }
}

/// Sends the frames, up to the last one.
async fn send(socket: &TcpStream, mut frames: QueueReceiver, framing: Framing) -> io::Result<()> {
    while let Some(frame) = frames.recv().await {
        let parts = match framing {
            Framing::Chunked => frame.chunk(),
            Framing::UntilClose => frame.pieces(),
        };
        write_all(socket, parts, || frames.note_progress()).await?;
    }
    match framing {
        Framing::Chunked => write_all(socket, &[Bytes::from_static(b"0\r\n\r\n")], || {}).await,
        Framing::UntilClose => Ok(()),
    }
}

/// Writes all parts, in as few calls as the socket has room for, and calls `progress` after each.
async fn write_all(socket: &TcpStream, parts: &[Bytes], progress: impl Fn()) -> io::Result<()> {
    /// The system takes no more at once (`IOV_MAX`).
    const MOST: usize = 1024;
    let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        let written = match &*rest {
            [one] => socket.try_write(one),
            several => socket.try_write_vectored(several.get(..MOST).unwrap_or(several)),
        };
        match written {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => {
                IoSlice::advance_slices(&mut rest, length);
                progress();
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;
    use std::thread;

    use actors::sse_hub::{Frame, QueueLimits, QueueSender, queue};
    use tokio::sync::Notify;

    use super::*;

    /// The server's end of a connection, and the client's.
    async fn connected() -> (TcpStream, std::net::TcpStream) {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().await.unwrap().0, client)
    }

    fn frame(pieces: impl IntoIterator<Item = Vec<u8>>) -> Arc<Frame> {
        Frame::new(pieces.into_iter().map(Bytes::from).collect())
    }

    fn frames(opening: &Arc<Frame>) -> (QueueSender, QueueReceiver) {
        queue(opening.clone(), Arc::new(Notify::new()))
    }

    /// The contents of a chunked body, which must end as one.
    fn contents(mut chunks: &[u8]) -> Vec<u8> {
        let mut contents = Vec::new();
        loop {
            let line = chunks.windows(2).position(|two| two == b"\r\n").unwrap();
            let length = usize::from_str_radix(std::str::from_utf8(&chunks[..line]).unwrap(), 16).unwrap();
            contents.extend_from_slice(&chunks[line + 2..line + 2 + length]);
            chunks = chunks[line + 2 + length..].strip_prefix(b"\r\n").unwrap();
            if length == 0 {
                assert!(chunks.is_empty());
                return contents;
            }
        }
    }

    fn read_to_the_end(mut client: std::net::TcpStream) -> thread::JoinHandle<Vec<u8>> {
        thread::spawn(move || {
            let (mut all, mut part) = (Vec::new(), vec![0; 7_919]);
            loop {
                match client.read(&mut part).unwrap() {
                    0 => return all,
                    length => all.extend_from_slice(&part[..length]),
                }
            }
        })
    }

    #[tokio::test]
    async fn frames_arrive_whole_however_little_the_socket_takes_at_once() {
        check_frames_arrive_whole(Framing::Chunked).await;
        check_frames_arrive_whole(Framing::UntilClose).await;
    }

    async fn check_frames_arrive_whole(framing: Framing) {
        let (server, client) = connected().await;
        SockRef::from(&server).set_send_buffer_size(4096).unwrap();
        let sent = [
            frame([b"opening".to_vec()]),
            frame([]),
            frame((0..3000_u32).map(|number| vec![number as u8; number as usize % 300])),
            frame([vec![b'x'; 2_000_000], Vec::new(), vec![b'y'; 3]]),
        ];
        let (sender, receiver) = frames(&sent[0]);
        for frame in &sent[1..] {
            sender.offer(frame.clone(), QueueLimits { frames: 9, bytes: usize::MAX });
        }
        let reader = read_to_the_end(client);
        let (sending, ending) = (send(&server, receiver, framing), async move {
            // Each part that the socket took is progress: a slow client is not a dead one.
            while sender.reads() < 10 {
                tokio::task::yield_now().await;
            }
            drop(sender);
        });
        tokio::join!(sending, ending).0.unwrap();
        drop(server);
        let pieces = sent.iter().flat_map(|frame| frame.pieces());
        let read = reader.join().unwrap();
        let read = if framing == Framing::Chunked { contents(&read) } else { read };
        assert!(read == pieces.flatten().copied().collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_has_gone_is_sent_no_more() {
        let (server, client) = connected().await;
        let (_sender, receiver) = frames(&frame([vec![b'x'; 20_000_000]]));
        drop(client);
        send(&server, receiver, Framing::Chunked).await.unwrap_err();
    }
}
