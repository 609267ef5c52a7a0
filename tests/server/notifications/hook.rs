use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::support::eventually;

/// A webhook on the loopback interface, which responds as told.
pub(super) struct Hook {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    response: Response,
    deliveries: Vec<Delivery>,
    /// Connections that are held open.
    held: Vec<TcpStream>,
    /// Requests, accepted or not.
    attempts: usize,
    /// Their heads.
    heads: Vec<String>,
    connections: usize,
}

/// How the webhook responds.
#[derive(Clone, Debug)]
pub(super) enum Response {
    /// With this status and these header lines, each ended by CRLF.
    Status(u16, &'static str),
    /// Not at all.
    Hang,
    /// It closes the connection.
    Close,
    /// Not in HTTP.
    Garbage,
    /// With 400 and the request.
    Echo,
    /// With 200 and the beginning of a body.
    Stall,
    /// With 200 and a body that never ends.
    Endless,
}

/// A request that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// The head, with the names in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

impl Delivery {
    pub(super) fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("no {name}"))
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Hook {
    /// Starts a webhook.
    pub(super) fn start(response: Response) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), response)
    }

    /// Returns an address at which nothing listens.
    pub(super) fn unused_address() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    /// Starts a webhook at this address.
    pub(super) fn start_at(address: SocketAddr, response: Response) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            response,
            deliveries: Vec::new(),
            held: Vec::new(),
            attempts: 0,
            heads: Vec::new(),
            connections: 0,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                shared.lock().unwrap().connections += 1;
                thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { address, state }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Changes how it responds from now on.
    pub(super) fn respond(&self, response: Response) {
        let mut state = self.state.lock().unwrap();
        state.response = response;
        state.held.clear();
    }

    pub(super) fn attempts(&self) -> usize {
        self.state.lock().unwrap().attempts
    }

    /// Returns the head of each request.
    pub(super) fn heads(&self) -> Vec<String> {
        self.state.lock().unwrap().heads.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.state.lock().unwrap().deliveries.clone()
    }

    /// Returns the ids of the accepted requests, except those of test messages.
    pub(super) fn ids(&self) -> BTreeSet<String> {
        let deliveries = self.deliveries();
        let alerts = deliveries.iter().map(Delivery::json).filter(|delivery| delivery["event"] != "alert.test");
        alerts.map(|delivery| delivery["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until exactly these ids were accepted.
    pub(super) fn wait_for(&self, ids: &BTreeSet<String>) {
        eventually("every notification is delivered", || (self.ids().len() >= ids.len()).then_some(()));
        assert_eq!(&self.ids(), ids);
    }
}

fn answer(mut stream: TcpStream, shared: &Mutex<State>) {
    // The client may keep the connection for its next request.
    while let Some(request) = read(&mut stream) {
        let response = {
            let mut state = shared.lock().unwrap();
            state.attempts += 1;
            state.heads.push(request.head.clone());
            state.response.clone()
        };
        let is_written = match response {
            Response::Hang => {
                shared.lock().unwrap().held.push(stream);
                return;
            }
            Response::Close => return,
            Response::Garbage => stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
            Response::Echo => {
                let (head, body) = (request.head, request.body);
                let length = head.len() + body.len();
                let text = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {length}\r\n\r\n{head}{body}");
                stream.write_all(text.as_bytes())
            }
            Response::Stall => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"),
            Response::Endless => {
                let head = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                head.and_then(|()| {
                    loop {
                        stream.write_all(b"4\r\nmore\r\n")?;
                    }
                })
            }
            Response::Status(status, headers) => {
                if status < 300 {
                    shared.lock().unwrap().deliveries.push(request);
                }
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{headers}\r\n");
                stream.write_all(head.as_bytes())
            }
        };
        if is_written.is_err() {
            return;
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Delivery> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    // Values are case-sensitive; names are not.
    let lines = head.lines().map(|line| match line.split_once(':') {
        Some((name, value)) => format!("{}:{value}", name.to_lowercase()),
        None => line.to_owned(),
    });
    let head = lines.collect::<Vec<_>>().join("\n");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Delivery { head, body: String::from_utf8(body).unwrap() })
}
