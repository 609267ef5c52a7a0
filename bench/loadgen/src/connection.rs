use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

use crate::chunks::Dechunker;
use crate::framing::{Framer, Piece};
use crate::{Encoding, Target};

/// A reader's connection, and how far its request and response have got.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Connecting,
    Head(Vec<u8>),
    Body(Body),
}

#[derive(Debug)]
struct Body {
    chunks: Option<Dechunker>,
    frames: Framer,
}

/// Events reported while reading a response.
pub(crate) enum Event<'a> {
    /// The first byte of the response has arrived.
    FirstByte,
    /// The response head is complete: its status, and the encoding of the body.
    Head(u16, Encoding),
    /// Bytes of the body.
    Body(Piece<'a>),
}

/// The state of a connection after reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// No more bytes are available for now, or `max` bytes were read.
    Waiting,
    /// The server has ended the response.
    Ended,
}

const MAX_HEAD: usize = 16 * 1024;

impl Connection {
    /// Starts connecting.
    pub(crate) fn open(target: &Target, source: Ipv4Addr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.bind(&SocketAddr::V4(SocketAddrV4::new(source, 0)).into())?;
        match socket.connect(&target.address.into()) {
            Ok(()) => {}
            // EINPROGRESS: the non-blocking connect has started.
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32) => {}
            Err(error) => return Err(error),
        }
        Ok(Self { stream: TcpStream::from_std(socket.into()), phase: Phase::Connecting })
    }

    /// Returns whether it has not sent its request yet.
    pub(crate) fn is_connecting(&self) -> bool {
        matches!(self.phase, Phase::Connecting)
    }

    /// Sends the request once connected; does nothing before that.
    pub(crate) fn request(
        &mut self,
        target: &Target,
        encoding: Encoding,
        last_event_id: Option<&str>,
    ) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        if self.stream.peer_addr().is_err() {
            return Ok(false);
        }
        let Target { host, path, .. } = target;
        let resume = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\nAccept-Encoding: {}\r\n{resume}\r\n",
            encoding.name(),
        );
        // The whole request fits into the buffer of a fresh socket.
        self.stream.write_all(request.as_bytes())?;
        self.phase = Phase::Head(Vec::new());
        Ok(true)
    }

    /// Reads the available bytes, at most about `max`.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        max: usize,
        mut report: impl FnMut(Event<'_>),
    ) -> io::Result<After> {
        let mut read = 0;
        while read < max {
            let limit = buffer.len().min(max - read);
            let length = match self.stream.read(&mut buffer[..limit]) {
                Ok(0) => return Ok(After::Ended),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(After::Waiting),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            read += length;
            if self.take(&buffer[..length], &mut report)? == After::Ended {
                return Ok(After::Ended);
            }
        }
        Ok(After::Waiting)
    }

    fn take(&mut self, bytes: &[u8], report: &mut impl FnMut(Event<'_>)) -> io::Result<After> {
        match &mut self.phase {
            Phase::Connecting => Err(io::Error::other("the server sent data before the request")),
            Phase::Body(body) => Ok(body.read(bytes, report)),
            Phase::Head(head) => {
                if head.is_empty() {
                    report(Event::FirstByte);
                }
                head.extend_from_slice(bytes);
                let Some(Head { status, length, chunked, encoding }) = parse_head(head)? else {
                    return Ok(After::Waiting);
                };
                report(Event::Head(status, encoding));
                let mut body = Body { chunks: chunked.then(Dechunker::default), frames: Framer::new(encoding) };
                let beginning = head.split_off(length);
                let after = body.read(&beginning, report);
                self.phase = Phase::Body(body);
                Ok(after)
            }
        }
    }
}

impl Body {
    fn read(&mut self, mut bytes: &[u8], report: &mut impl FnMut(Event<'_>)) -> After {
        let frames = &mut self.frames;
        let mut add = |data: &[u8]| frames.read(data, |piece| report(Event::Body(piece)));
        let Some(chunks) = &mut self.chunks else {
            add(bytes);
            return After::Waiting;
        };
        while let Some(data) = chunks.next(&mut bytes) {
            add(data);
        }
        if chunks.has_ended() { After::Ended } else { After::Waiting }
    }
}

struct Head {
    status: u16,
    length: usize,
    chunked: bool,
    encoding: Encoding,
}

/// Parses the response head; `None` while it is incomplete.
fn parse_head(head: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(head) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if head.len() < MAX_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(io::Error::other("the response head is too long")),
        Err(error) => return Err(io::Error::other(format!("invalid HTTP response: {error}"))),
    };
    let value = |name: &str| {
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let encoding = match value("content-encoding") {
        None => Encoding::Identity,
        Some(name) => name.parse().map_err(io::Error::other)?,
    };
    let chunked = value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    Ok(Some(Head { status: response.code.unwrap_or_default(), length, chunked, encoding }))
}
