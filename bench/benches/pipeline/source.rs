//! The simulated OpenSky, behind a relay that records when each response is sent.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use flate2::read::MultiGzDecoder;
use simulator::{Changes, DailyCredits, Simulator};

use bench::client::Dechunker;

/// A response of `/states/all`, as sent to the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// The response's time, which is also the last contact of the changed aircraft.
    pub(crate) time: i64,
    /// When the response was complete, before its first byte was written to the server.
    pub(crate) at: Instant,
}

pub(crate) struct Source {
    simulator: Simulator,
    relay: SocketAddr,
    answers: Receiver<Answer>,
}

impl Source {
    pub(crate) fn start(aircraft: usize, changes: Changes) -> anyhow::Result<Self> {
        let simulator = simulator::start(simulator::Options {
            aircraft,
            changes,
            daily_credits: DailyCredits { account: 1_000_000, ..DailyCredits::default() },
            remember_served: Some(10_000_000),
            ..simulator::Options::default()
        })?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let relay = listener.local_addr()?;
        let (sender, answers) = mpsc::channel();
        let upstream = simulator.address();
        thread::Builder::new().name("relay".to_owned()).spawn(move || accept(&listener, upstream, &sender))?;
        Ok(Self { simulator, relay, answers })
    }

    /// Returns the settings that make the server poll this source, at its highest rate.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let through_relay = |url: String| url.replace(&self.simulator.address().to_string(), &self.relay.to_string());
        vec![
            ("OPENSKY_BASE_URL", through_relay(self.simulator.base_url())),
            ("OPENSKY_AUTH_URL", through_relay(self.simulator.auth_url())),
            ("OPENSKY_CLIENT_ID", "bench".to_owned()),
            ("OPENSKY_CLIENT_SECRET", "bench".to_owned()),
            ("OPENSKY_POLL_INTERVAL", "5s".to_owned()),
        ]
    }

    /// Waits for the next response.
    pub(crate) fn next(&self) -> anyhow::Result<Answer> {
        self.answers.recv_timeout(Duration::from_secs(30)).context("the server has stopped polling")
    }

    /// Returns every distinct (icao24, last_contact) served so far, sorted.
    pub(crate) fn served(&self) -> Vec<(u32, i64)> {
        self.simulator.served().states
    }
}

/// Handles one connection after another: the server sends one request at a time.
fn accept(listener: &TcpListener, upstream: SocketAddr, answers: &Sender<Answer>) {
    for stream in listener.incoming().flatten() {
        if let Err(error) = relay(stream, upstream, answers) {
            eprintln!("relay: {error:#}");
        }
    }
}

/// Forwards one request and its response, unchanged except that the connection is closed afterwards.
fn relay(mut server: TcpStream, upstream: SocketAddr, answers: &Sender<Answer>) -> anyhow::Result<()> {
    server.set_nodelay(true)?;
    server.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = read_request(&mut server)?;
    let mut simulator = TcpStream::connect(upstream)?;
    simulator.write_all(&request)?;
    let mut answer = Vec::new();
    simulator.read_to_end(&mut answer)?;
    let time = request.starts_with(b"GET /api/states/all").then(|| response_time(&answer)).transpose()?;
    let at = Instant::now();
    server.write_all(&answer)?;
    if let Some(time) = time {
        // At the end of a trial the receiver is gone.
        let _ = answers.send(Answer { time, at });
    }
    Ok(())
}

fn read_request(server: &mut TcpStream) -> anyhow::Result<Vec<u8>> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length = server.read(&mut buffer)?;
        anyhow::ensure!(length > 0, "incomplete request");
        request.extend_from_slice(&buffer[..length]);
        let Some((head, body)) = split_head(&request) else { continue };
        let announced = header(&head, "content-length").map_or(Ok(0), |value| value.parse::<usize>())?;
        if body.len() >= announced {
            let kept = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
            let mut request = kept.collect::<Vec<_>>().join("\r\n").into_bytes();
            request.extend_from_slice(b"\r\nConnection: close\r\n\r\n");
            request.extend_from_slice(body);
            return Ok(request);
        }
    }
}

/// Returns the `time` at the start of a response's JSON.
fn response_time(answer: &[u8]) -> anyhow::Result<i64> {
    let (head, body) = split_head(answer).context("response without a head")?;
    let mut dechunked = Vec::new();
    let body = if header(&head, "transfer-encoding").is_some() {
        Dechunker::default().read(body, &mut dechunked);
        &dechunked
    } else {
        body
    };
    let mut beginning = String::new();
    if header(&head, "content-encoding") == Some("gzip") {
        MultiGzDecoder::new(body).take(64).read_to_string(&mut beginning)?;
    } else {
        body.take(64).read_to_string(&mut beginning)?;
    }
    let digits = beginning.strip_prefix("{\"time\":").and_then(|rest| rest.split(',').next());
    Ok(digits.context("response without a time")?.parse()?)
}

fn split_head(message: &[u8]) -> Option<(String, &[u8])> {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&message[..end]).into_owned(), &message[end + 4..]))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
