//! Tests the receiver's SBS and Beast ports over TCP, as their clients see them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows tests by their attribute, and not their helpers")]

mod beast;
mod faults;
mod sbs;

use std::collections::HashMap;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use simulator::{Beast, Clock, ManualClock, Options, Receiver, Sbs, Simulator, Target};

/// A Monday, 12:00:07 UTC.
const NOON: i64 = 1_754_308_807;
const PATIENCE: Duration = Duration::from_secs(20);

/// A simulator with both ports, whose clock is stopped at noon.
struct Sky {
    simulator: Simulator,
    clock: ManualClock,
}

/// A client of a port.
struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

fn localhost() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

impl Sky {
    fn start(options: Options) -> Self {
        let clock = ManualClock::new(NOON);
        let options = Options {
            sbs: options.sbs.or(Some(Sbs { address: localhost(), utc_offset: 0 })),
            beast: options.beast.or(Some(Beast { address: localhost(), gps_clock: false })),
            clock: Clock::Manual(clock.clone()),
            remember_served: Some(1_000_000),
            ..options
        };
        Self { simulator: simulator::start(options).unwrap(), clock }
    }

    /// A sky in which the receiver hears every aircraft.
    fn of(aircraft: usize) -> Self {
        Self::start(Options { aircraft, receiver: everywhere(), ..Options::default() })
    }

    fn address(&self, target: Target) -> SocketAddr {
        let address = if target == Target::Sbs { self.simulator.sbs_address() } else { self.simulator.beast_address() };
        address.unwrap()
    }

    /// Connects, and waits until the port has accepted the connection.
    fn connect(&self, target: Target) -> Client {
        let connections = || {
            let requests = self.simulator.requests();
            if target == Target::Sbs { requests.sbs } else { requests.beast }
        };
        let before = connections();
        let stream = TcpStream::connect(self.address(target)).unwrap();
        wait_until("the connection is accepted", || connections() > before);
        Client { stream, received: Vec::new() }
    }

    /// Returns OpenSky's rows of a second, by address.
    fn world(&self, second: i64) -> HashMap<String, Value> {
        let now = self.clock.now();
        self.clock.set(second);
        let token: Value = ureq::post(self.simulator.auth_url())
            .send_form([("grant_type", "client_credentials"), ("client_id", "me")])
            .unwrap()
            .body_mut()
            .read_json()
            .unwrap();
        let mut answer = ureq::get(format!("{}/states/all?extended=1", self.simulator.base_url()))
            .header("Authorization", format!("Bearer {}", token["access_token"].as_str().unwrap()))
            .call()
            .unwrap();
        let json: Value = answer.body_mut().with_config().limit(100 << 20).read_json().unwrap();
        self.clock.set(now);
        let rows = json["states"].as_array().unwrap().iter();
        rows.map(|row| (row[0].as_str().unwrap().to_owned(), row.clone())).collect()
    }
}

fn everywhere() -> Receiver {
    Receiver { range_km: None, ..Receiver::default() }
}

impl Client {
    /// Reads until `enough` of what was received, or until the connection ends.
    fn read_until(&mut self, what: &str, mut enough: impl FnMut(&[u8]) -> bool) -> Option<ErrorKind> {
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 65_536];
        let deadline = Instant::now() + PATIENCE;
        while !enough(&self.received) {
            assert!(Instant::now() < deadline, "{what}: {} bytes received", self.received.len());
            match self.stream.read(&mut buffer) {
                Ok(0) => return Some(ErrorKind::UnexpectedEof),
                Ok(length) => self.received.extend_from_slice(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    panic!("{what}: nothing received for {PATIENCE:?}")
                }
                Err(error) => return Some(error.kind()),
            }
        }
        None
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's thread runs no arbiter")]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the metres between two positions that are not far apart.
fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
    let east = (a.1 - b.1) * a.0.to_radians().cos();
    (a.0 - b.0).hypot(east) * 111_195.0
}
