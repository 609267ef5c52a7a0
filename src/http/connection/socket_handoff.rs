//! Takes the socket of an event stream over from actix-http.
//!
//! actix-http copies each chunk of a body into a buffer of the connection, and keeps that buffer and the read buffer
//! for the lifetime of the connection. That is too much memory for thousands of clients that mostly wait for the next
//! event. A handler can therefore take over its socket: actix-http writes the response head and is dropped together
//! with its buffers, and the frames, which all clients share, are written directly to the socket. HTTP/2 and TLS
//! connections stay with actix-http.

use std::cell::Cell;
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::Version;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use actors::sse_hub::QueueReceiver;
use bytes::Bytes;
use tokio::net::TcpStream;

/// Passes the frames from a response body to the connection. Stored in the extensions of each plain connection.
#[derive(Clone, Default)]
pub(crate) struct SocketHandoff(Rc<Cell<Option<FrameStream>>>);

/// The frames that follow a response head on its socket.
pub(crate) struct FrameStream {
    frames: QueueReceiver,
    framing: Framing,
}

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// By a last chunk of length zero (RFC 9112, section 7.1).
    Chunked,
    /// By the end of the connection, because HTTP/1.0 has no chunked encoding.
    UntilClose,
}

/// A body that sends nothing itself. Its first poll triggers the handoff.
struct HandoffBody {
    stream: Option<FrameStream>,
    handoff: SocketHandoff,
}

impl SocketHandoff {
    /// Returns the handoff of a request whose socket can be taken over: HTTP/1.0 or HTTP/1.1 without TLS.
    pub(crate) fn of(request: &HttpRequest) -> Option<&Self> {
        request.conn_data().filter(|_| request.version() <= Version::HTTP_11)
    }

    /// Responds with these frames as the body. The connection closes after the last one.
    pub(crate) fn respond(
        &self,
        request: &HttpRequest,
        response: &mut HttpResponseBuilder,
        frames: QueueReceiver,
    ) -> HttpResponse {
        let framing = if request.version() < Version::HTTP_11 { Framing::UntilClose } else { Framing::Chunked };
        let stream = Some(FrameStream { frames, framing });
        response.force_close().body(HandoffBody { stream, handoff: self.clone() })
    }

    /// Takes the frames, once the body has been polled.
    pub(super) fn take(&self) -> Option<FrameStream> {
        self.0.take()
    }
}

impl MessageBody for HandoffBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        // The first poll happens after the response head has been put into the write buffer.
        if let Some(stream) = self.stream.take() {
            self.handoff.0.set(Some(stream));
        }
        Poll::Pending
    }
}

/// Writes the frames to the socket until they end or the client closes the connection.
pub(super) async fn serve_frames(socket: TcpStream, stream: FrameStream) {
    tokio::select! {
        biased;
        () = closed_by_client(&socket) => {}
        // An error also means that the client has disconnected.
        _ = send(&socket, stream) => {}
    }
}

/// Returns when the client closes the connection. Further requests are discarded: this response is the last one.
async fn closed_by_client(socket: &TcpStream) {
    while socket.readable().await.is_ok() {
        // Declared inside the loop, so that the future does not hold it across the await.
        let mut discarded = [0; 512];
        match socket.try_read(&mut discarded) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
        }
    }
}

async fn send(socket: &TcpStream, FrameStream { mut frames, framing }: FrameStream) -> io::Result<()> {
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

/// Writes all parts in as few calls as the socket allows, and calls `progress` after each.
async fn write_all(socket: &TcpStream, parts: &[Bytes], progress: impl Fn()) -> io::Result<()> {
    /// `IOV_MAX`, the maximum number of slices per call.
    const MAX_SLICES: usize = 1024;
    let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        let written = match &*rest {
            [one] => socket.try_write(one),
            several => socket.try_write_vectored(several.get(..MAX_SLICES).unwrap_or(several)),
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
    use socket2::SockRef;
    use tokio::sync::Notify;

    use super::*;

    /// Returns the server's and the client's end of a connection.
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

    /// Decodes a chunked body, which must be complete.
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
    async fn frames_arrive_complete_through_a_small_send_buffer() {
        check_frames_arrive_complete(Framing::Chunked).await;
        check_frames_arrive_complete(Framing::UntilClose).await;
    }

    async fn check_frames_arrive_complete(framing: Framing) {
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
        let (sending, ending) = (send(&server, FrameStream { frames: receiver, framing }), async move {
            // Each partial write counts as progress: a slow client is not a dead one.
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
    async fn sending_to_a_closed_connection_fails() {
        let (server, client) = connected().await;
        let (_sender, receiver) = frames(&frame([vec![b'x'; 20_000_000]]));
        drop(client);
        send(&server, FrameStream { frames: receiver, framing: Framing::Chunked }).await.unwrap_err();
    }
}
