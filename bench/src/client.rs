//! A low-cost client of `/sse/flights`: it records when bytes arrive, and parses them while the stream is idle.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// One state vector as a client received it.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub icao24: u32,
    pub last_contact: i64,
    /// When its last byte was received.
    pub at: Instant,
}

/// A connected client on its own thread.
pub struct Client {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Vec<Event>>>,
}

impl Client {
    /// Connects. Everything published after it returns is received.
    pub fn connect(server: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = request(server)?;
        let mut head = Vec::new();
        while !contains(&head, b"connection_ack") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let ending = Arc::new(AtomicBool::new(false));
        let stop = ending.clone();
        // The rest of the first event is not telemetry, so the event parser skips it.
        let body = head.windows(4).position(|w| w == b"\r\n\r\n").context("response without a head")? + 4;
        let beginning = head.split_off(body);
        let thread =
            thread::Builder::new().name("sse-client".to_owned()).spawn(move || receive(stream, beginning, &stop))?;
        Ok(Self { ending, thread })
    }

    /// Disconnects and returns every event received.
    pub fn end(self) -> anyhow::Result<Vec<Event>> {
        self.ending.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))?
    }
}

/// Returns when the first state vector arrived. The server may not be listening yet.
pub fn first_event(server: SocketAddr, patience: Duration) -> anyhow::Result<Instant> {
    let deadline = Instant::now() + patience;
    let mut stream = loop {
        match request(server) {
            Ok(stream) => break stream,
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => pause(Duration::from_millis(2)),
        }
    };
    stream.set_read_timeout(Some(patience))?;
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    while !contains(&received, b"\"icao24\"") {
        match stream.read(&mut buffer)? {
            0 => bail!("the stream ended before its first event"),
            length => received.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(Instant::now())
}

fn request(server: SocketAddr) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    write!(stream, "GET /sse/flights HTTP/1.1\r\nHost: {server}\r\nAccept: text/event-stream\r\n\r\n")?;
    Ok(stream)
}

/// A stream that is never idle is parsed after this many bytes.
const MAX_UNREAD: usize = 4 << 20;

/// How long a client that is to end receives a stream that is never idle.
const LAST_EVENTS: Duration = Duration::from_secs(1);

fn receive(mut stream: TcpStream, beginning: Vec<u8>, stop: &AtomicBool) -> anyhow::Result<Vec<Event>> {
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut pieces = vec![(Instant::now(), beginning)];
    let mut reader = EventReader::default();
    let mut buffer = vec![0; 256 * 1024];
    let (mut unread, mut last_end) = (0, None);
    loop {
        let is_idle = match stream.read(&mut buffer) {
            Ok(0) => bail!("the server ended the stream"),
            Ok(length) => {
                pieces.push((Instant::now(), buffer[..length].to_vec()));
                unread += length;
                false
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => true,
            Err(error) => return Err(error.into()),
        };
        let ending = stop.load(Ordering::Relaxed);
        let ends = ending && (is_idle || Instant::now() > *last_end.get_or_insert(Instant::now() + LAST_EVENTS));
        if is_idle || ends || unread > MAX_UNREAD {
            unread = 0;
            for (at, bytes) in pieces.drain(..) {
                reader.read(&bytes, at);
            }
        }
        if ends {
            return Ok(reader.events);
        }
    }
}

/// Decodes HTTP/1.1's chunked transfer coding (RFC 9112, 7.1).
#[derive(Default)]
pub struct Dechunker {
    size: String,
    left: usize,
}

impl Dechunker {
    pub fn read(&mut self, mut bytes: &[u8], into: &mut Vec<u8>) {
        while let [first, rest @ ..] = bytes {
            if self.left > 0 {
                let (data, rest) = bytes.split_at(self.left.min(bytes.len()));
                into.extend_from_slice(data);
                self.left -= data.len();
                bytes = rest;
                continue;
            }
            match first {
                b'\n' => self.left = usize::from_str_radix(&std::mem::take(&mut self.size), 16).unwrap_or(0),
                b'\r' => {}
                digit => self.size.push(char::from(*digit)),
            }
            bytes = rest;
        }
    }
}

#[derive(Default)]
struct EventReader {
    chunks: Dechunker,
    text: Vec<u8>,
    events: Vec<Event>,
}

impl EventReader {
    fn read(&mut self, bytes: &[u8], at: Instant) {
        let known = self.text.len();
        self.chunks.read(bytes, &mut self.text);
        let (mut start, mut look) = (0, known.saturating_sub(1));
        while let Some(end) = self.text[look..].windows(2).position(|pair| pair == b"\n\n") {
            let event = &self.text[start..look + end];
            self.events.extend(telemetry(event).map(|(icao24, last_contact)| Event { icao24, last_contact, at }));
            start = look + end + 2;
            look = start;
        }
        self.text.drain(..start);
    }
}

/// Parses the address and last contact of a state vector event.
fn telemetry(event: &[u8]) -> Option<(u32, i64)> {
    let json = std::str::from_utf8(event.strip_prefix(b"data: ")?).ok()?;
    let icao24 = json.strip_prefix("{\"icao24\":\"")?.get(..6)?;
    let (_, last_contact) = json.rsplit_once("\"last_contact\":")?;
    let digits = last_contact.split([',', '}']).next()?;
    Some((u32::from_str_radix(icao24, 16).ok()?, digits.parse().ok()?))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Blocks the current thread, which must not run an async runtime.
pub fn pause(duration: Duration) {
    #[expect(clippy::disallowed_methods, reason = "there is no arbiter on this thread")]
    thread::sleep(duration);
}
