//! A client's connection, which is kept open between requests.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Instant;

use anyhow::{Context, bail};
use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

/// A client's connection, and the request in flight on it.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    /// The entity tag of the last response.
    tag: Option<String>,
    /// When the request in flight was due.
    due: Option<Instant>,
    /// The response head as far as received, and the bytes of the body that are missing once it is complete.
    head: Vec<u8>,
    body: Option<Body>,
}

struct Body {
    status: u16,
    left: usize,
    length: usize,
}

/// A complete response.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) due: Instant,
    pub(crate) bytes: usize,
}

impl Connection {
    /// Connects from one of this machine's addresses.
    pub(crate) fn open(server: SocketAddr, source: Ipv4Addr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_tcp_nodelay(true)?;
        socket.bind(&SocketAddr::V4(SocketAddrV4::new(source, 0)).into())?;
        socket.connect(&server.into())?;
        socket.set_nonblocking(true)?;
        let stream = TcpStream::from_std(socket.into());
        Ok(Self { stream, tag: None, due: None, head: Vec::new(), body: None })
    }

    /// Whether a response is awaited.
    pub(crate) fn is_busy(&self) -> bool {
        self.due.is_some()
    }

    /// Returns the entity tag of the last response.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Sends a request that was due at this time.
    pub(crate) fn request(&mut self, path: &str, is_conditional: bool, due: Instant) -> io::Result<()> {
        let known = self.tag.as_ref().filter(|_| is_conditional);
        let known = known.map(|tag| format!("If-None-Match: {tag}\r\n")).unwrap_or_default();
        let text = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\n{known}\r\n");
        // The request fits into the send buffer, which is empty.
        self.stream.write_all(text.as_bytes())?;
        self.due = Some(due);
        Ok(())
    }

    /// Reads what has arrived. Returns the response once it is complete.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> anyhow::Result<Option<Response>> {
        loop {
            let length = match self.stream.read(buffer) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(response) = self.take(buffer.get(..length).unwrap_or_default())? {
                return Ok(Some(response));
            }
        }
    }

    fn take(&mut self, received: &[u8]) -> anyhow::Result<Option<Response>> {
        let mut of_body = received.len();
        if self.body.is_none() {
            let before = self.head.len();
            self.head.extend_from_slice(received);
            let Some(end) = self.parse_head()? else { return Ok(None) };
            of_body = before + received.len() - end;
            self.head.clear();
        }
        let body = self.body.as_mut().context("no response is awaited")?;
        body.left = body.left.checked_sub(of_body).context("more bytes than announced")?;
        if body.left > 0 {
            return Ok(None);
        }
        let (status, bytes) = (body.status, body.length);
        self.body = None;
        let due = self.due.take().context("a response without a request")?;
        Ok(Some(Response { status, due, bytes }))
    }

    /// Parses the response head. Returns its length once it is complete.
    fn parse_head(&mut self) -> anyhow::Result<Option<usize>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(end) = response.parse(&self.head)? else { return Ok(None) };
        let value = |name: &str| {
            let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(header.value).ok()
        };
        let status = response.code.context("no status")?;
        let length = match value("content-length") {
            Some(length) => length.parse()?,
            None if status == 304 => 0,
            None => bail!("the response has no length: status {status}"),
        };
        self.tag = value("etag").map(str::to_owned).or(self.tag.take());
        self.body = Some(Body { status, left: length, length });
        Ok(Some(end))
    }
}
