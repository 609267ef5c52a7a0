//! A server on the loopback interface that plays a script: one connection and one reply after the other.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// What the server does with a connection after it has read the request.
pub(crate) enum Reply {
    /// Sends these bytes, then closes the connection.
    Close(Vec<u8>),
    /// Sends these bytes, then resets the connection.
    Reset(Vec<u8>),
    /// Sends these bytes, then nothing while the server lives.
    Hold(Vec<u8>),
    /// Sends these bytes, then one more byte every few milliseconds, forever.
    Drip(Vec<u8>),
}

/// A request as the server received it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The method, and the path with the query.
    pub(crate) line: String,
    /// Everything before the body, in lower case.
    pub(crate) head: String,
    #[allow(dead_code, reason = "not every test sends a body")]
    pub(crate) body: String,
}

pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    // Dropping it tells the server's threads to stop.
    _alive: mpsc::Sender<()>,
}

/// Builds a response with a `Content-Length`.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
    Reply::Close(answer(status, headers, body))
}

impl Server {
    pub(crate) fn play(script: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (alive, gone) = mpsc::channel();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            let mut held = Vec::new();
            for reply in script {
                let (stream, _) = listener.accept().unwrap();
                held.extend(play(stream, reply, &seen));
            }
            // The script is over, so further connections are refused.
            drop(listener);
            let _ = gone.recv();
        });
        Self { address, requests, _alive: alive }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the first lines of the requests so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }
}

/// Answers one request. Returns the connection if it has to stay open.
fn play(mut stream: TcpStream, reply: Reply, seen: &Mutex<Vec<Request>>) -> Option<TcpStream> {
    if let Reply::Reset(bytes) = reply {
        // Closing a connection with unread bytes resets it.
        stream.read_exact(&mut [0]).unwrap();
        stream.write_all(&bytes).unwrap();
        return None;
    }
    seen.lock().unwrap().push(read_request(&mut stream)?);
    match reply {
        // The client often closes the connection before it has read everything.
        Reply::Close(bytes) => drop(stream.write_all(&bytes)),
        Reply::Reset(_) => {}
        Reply::Hold(bytes) => {
            stream.write_all(&bytes).unwrap();
            return Some(stream);
        }
        Reply::Drip(bytes) => {
            stream.write_all(&bytes).unwrap();
            thread::spawn(move || {
                let (_never, pause) = mpsc::channel::<()>();
                while stream.write_all(b" ").is_ok() {
                    let _ = pause.recv_timeout(Duration::from_millis(5));
                }
            });
        }
    }
    None
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let line = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { line, head, body: String::from_utf8(body).unwrap() })
}
