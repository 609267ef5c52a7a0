use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde_json::Value;

use super::{Key, TEST_TIMEOUT};

/// A client of an event stream, which it reads on its own thread.
pub(crate) struct SseClient {
    shared: Arc<(Mutex<Seen>, Condvar)>,
    socket: TcpStream,
}

/// Everything a client has received.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The status line and the headers, in lowercase.
    pub(crate) head: Vec<String>,
    /// The data of each event.
    pub(crate) events: Vec<Value>,
    pub(crate) comments: Vec<String>,
    /// The reconnection time from the `retry` field, in milliseconds.
    pub(crate) retry: Option<u64>,
    /// Whether the response was complete when the stream ended.
    pub(crate) ended: bool,
    /// Whether the connection is closed.
    pub(crate) closed: bool,
}

impl Seen {
    /// Returns the states in the order received, without the acknowledgement that precedes them.
    pub(crate) fn states(&self) -> Vec<Key> {
        self.events.iter().skip(1).map(key).collect()
    }
}

/// Returns the key of a telemetry event's state.
pub(crate) fn key(event: &Value) -> Key {
    let text = event["icao24"].as_str().unwrap_or_else(|| panic!("no telemetry: {event}"));
    (text.to_owned(), event["last_contact"].as_i64().unwrap())
}

impl SseClient {
    /// Requests `/sse/flights` with these headers.
    pub(crate) fn connect(address: &str, headers: &[(&str, &str)]) -> Self {
        Self::read_from(Self::ask(address, headers))
    }

    /// Reads the response to a request that was already sent.
    pub(crate) fn read_from(socket: TcpStream) -> Self {
        let shared = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let (into, stream) = (shared.clone(), socket.try_clone().unwrap());
        thread::spawn(move || {
            let ended = read(BufReader::new(stream), |change| {
                change(&mut into.0.lock().unwrap());
                into.1.notify_all();
            });
            let mut seen = into.0.lock().unwrap();
            (seen.ended, seen.closed) = (ended.is_ok(), true);
            drop(seen);
            into.1.notify_all();
        });
        Self { shared, socket }
    }

    /// Requests `/sse/flights` without reading the response.
    pub(crate) fn ask(address: &str, headers: &[(&str, &str)]) -> TcpStream {
        Self::ask_for("/sse/flights", address, headers)
    }

    /// Requests a path without reading the response.
    pub(crate) fn ask_for(path: &str, address: &str, headers: &[(&str, &str)]) -> TcpStream {
        let mut socket = TcpStream::connect(address).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{headers}\r\n").unwrap();
        socket
    }

    /// Returns everything received so far.
    pub(crate) fn seen(&self) -> Seen {
        self.shared.0.lock().unwrap().clone()
    }

    /// Waits until the received data satisfies a condition, and returns it.
    pub(crate) fn wait(&self, what: &str, enough: impl Fn(&Seen) -> bool) -> Seen {
        let (mutex, changed) = &*self.shared;
        let seen = mutex.lock().unwrap();
        let (seen, timeout) = changed.wait_timeout_while(seen, TEST_TIMEOUT, |seen| !enough(seen)).unwrap();
        let seen = seen.clone();
        assert!(!timeout.timed_out(), "a client timed out after {TEST_TIMEOUT:?}: {what}; {}", brief(&seen));
        seen
    }

    /// Waits until at least `count` states have been received in total.
    pub(crate) fn wait_states(&self, count: usize) -> Vec<Key> {
        self.wait(&format!("{count} states"), |seen| seen.events.len() > count).states()
    }
}

fn brief(seen: &Seen) -> String {
    format!("{} events, ended {}, closed {}, {:?}", seen.events.len(), seen.ended, seen.closed, seen.head)
}

impl Drop for SseClient {
    fn drop(&mut self) {
        // Fails if the server has already closed the connection.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Reads a whole response. Returns an error if it was cut off.
fn read(mut stream: BufReader<TcpStream>, mut change: impl FnMut(&mut dyn FnMut(&mut Seen))) -> io::Result<()> {
    let mut length = None;
    loop {
        let line = line(&mut stream)?.to_lowercase();
        if line.is_empty() {
            break;
        }
        length = line.strip_prefix("content-length: ").map(|length| length.parse().unwrap()).or(length);
        change(&mut |seen| seen.head.push(line.clone()));
    }
    let mut rest = Vec::new();
    loop {
        // A short response has a content length, a stream is chunked.
        let size = match length {
            Some(length) => length,
            None => usize::from_str_radix(&line(&mut stream)?, 16).map_err(io::Error::other)?,
        };
        if size == 0 {
            return Ok(());
        }
        let start = rest.len();
        rest.resize(start + size, 0);
        stream.read_exact(&mut rest[start..])?;
        if length.is_some() {
            length = Some(0);
        } else {
            line(&mut stream)?;
        }
        let Some(end) = rest.windows(2).rposition(|two| two == b"\n\n") else { continue };
        let whole: Vec<u8> = rest.drain(..end + 2).collect();
        let text = String::from_utf8(whole).map_err(io::Error::other)?;
        change(&mut |seen| text.lines().for_each(|line| take(line, seen)));
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// Parses one line of an event stream. Events of `/sse/flights` have one line of data each.
fn take(line: &str, seen: &mut Seen) {
    match line.split_once(": ") {
        Some(("data", data)) => seen.events.push(serde_json::from_str(data).unwrap()),
        Some(("retry", millis)) => seen.retry = Some(millis.parse().unwrap()),
        Some(("", comment)) => seen.comments.push(comment.to_owned()),
        _ => assert!(line.is_empty(), "unexpected line in the stream: {line}"),
    }
}
