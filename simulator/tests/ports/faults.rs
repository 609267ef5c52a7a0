//! Faults of the ports, and clients that come, go and do not read.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use simulator::{Clock, Fault, FaultKind, Options, Sbs, Target};

use crate::{Client, PATIENCE, Sky, everywhere, localhost, wait_until};

impl Client {
    /// Returns whether nothing arrives for a while.
    fn is_silent(&mut self) -> bool {
        self.stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let read = self.stream.read(&mut [0; 64]);
        read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    fn has_line(&mut self) {
        self.received.clear();
        self.read_until("a line", |received| received.windows(4).any(|bytes| bytes == b"MSG,"));
    }
}

impl Sky {
    fn fault(&self, target: Target, kind: FaultKind, times: Option<u32>) {
        let fault = Fault::new(target, kind);
        self.simulator.faults().add(times.map_or(fault.clone(), |times| fault.times(times))).unwrap();
    }

    fn wait_for_fault(&self) {
        wait_until("the fault is injected", || self.simulator.faults().injected() > 0);
    }
}

/// A sky whose clock runs.
fn running() -> Options {
    Options { aircraft: 30, receiver: everywhere(), clock: Clock::System, ..Options::default() }
}

fn start(options: Options) -> (simulator::Simulator, std::net::SocketAddr) {
    let sbs = Some(Sbs { address: localhost(), utc_offset: 0 });
    let simulator = simulator::start(Options { sbs, ..options }).unwrap();
    let address = simulator.sbs_address().unwrap();
    (simulator, address)
}

#[test]
fn a_running_clock_sends_messages_without_being_asked() {
    let (_simulator, address) = start(running());
    let mut client = Client { stream: TcpStream::connect(address).unwrap(), received: Vec::new() };
    client.has_line();
    client.has_line();
}

#[test]
fn a_port_closes_connections_and_refuses_new_ones_until_the_fault_is_cleared() {
    for target in [Target::Sbs, Target::Beast] {
        let sky = Sky::of(20);
        let mut client = sky.connect(target);
        sky.fault(target, FaultKind::Refuse, None);
        assert_eq!(client.read_until("the end", |_| false), Some(ErrorKind::ConnectionReset));
        let address = sky.address(target);
        wait_until("connections are refused", || TcpStream::connect(address).is_err());
        sky.simulator.faults().clear();
        wait_until("connections are accepted", || TcpStream::connect(address).is_ok());
    }
}

#[test]
fn a_reset_closes_the_connections_of_one_port() {
    let sky = Sky::of(20);
    let (mut sbs, mut beast) = (sky.connect(Target::Sbs), sky.connect(Target::Beast));
    sky.fault(Target::Beast, FaultKind::Reset, Some(1));
    assert_eq!(beast.read_until("the end", |_| false), Some(ErrorKind::ConnectionReset));
    sky.clock.advance(2);
    sbs.has_line();
    // It ends with its second.
    wait_until("a client may stay", || {
        let mut client = sky.connect(Target::Beast);
        client.is_silent()
    });
}

#[test]
fn a_hanging_or_quiet_port_stays_connected_and_sends_nothing() {
    for kind in [FaultKind::Hang, FaultKind::Quiet] {
        let sky = Sky::of(20);
        sky.fault(Target::Sbs, kind, None);
        let mut client = sky.connect(Target::Sbs);
        sky.wait_for_fault();
        sky.clock.advance(3);
        assert!(client.is_silent(), "{kind}");
        assert!(sky.simulator.sent(Target::Sbs).states.is_empty());
        sky.simulator.faults().clear();
        wait_until("messages arrive again", || {
            sky.clock.advance(1);
            !client.is_silent()
        });
    }
}

#[test]
fn garbage_and_bad_messages_are_sent_between_good_ones() {
    let sky = Sky::of(20);
    let mut client = sky.connect(Target::Sbs);
    sky.fault(Target::Sbs, FaultKind::Garbage, Some(1));
    client.read_until("garbage", |received| received.len() >= 2_000);
    sky.clock.advance(2);
    client.has_line();
    sky.fault(Target::Sbs, FaultKind::BadRows, Some(1));
    client.received.clear();
    client.read_until("bad lines", |received| String::from_utf8_lossy(received).contains(",yesterday,noon,"));
    let text = String::from_utf8_lossy(&client.received).into_owned();
    assert!(text.contains("hello, world\r\n") && text.contains(",ZZ00ZZ,") && text.contains(",95.0,"), "{text}");

    let mut client = sky.connect(Target::Beast);
    sky.fault(Target::Beast, FaultKind::BadRows, Some(1));
    client.read_until("bad frames", |received| received.ends_with(&[0, 1, 100, 0x8d, 0x48]));
}

#[test]
fn a_truncated_message_is_the_last() {
    let sky = Sky::of(20);
    let mut client = sky.connect(Target::Sbs);
    sky.clock.advance(1);
    client.has_line();
    client.read_until("whole lines", |received| received.ends_with(b"\r\n"));
    sky.clock.advance(1);
    sky.fault(Target::Sbs, FaultKind::Truncate, Some(1));
    // The messages of the second may already be on their way.
    client.received.clear();
    wait_until("a second has messages", || {
        sky.clock.advance(1);
        client.stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut buffer = [0; 65_536];
        match client.stream.read(&mut buffer) {
            Ok(0) => true,
            Ok(length) => {
                client.received.extend_from_slice(&buffer[..length]);
                false
            }
            Err(_) => false,
        }
    });
}

#[test]
fn a_stale_port_repeats_its_last_messages() {
    let sky = Sky::of(5);
    let mut client = sky.connect(Target::Sbs);
    sky.clock.advance(2);
    client.has_line();
    client.read_until("whole lines", |received| received.ends_with(b"\r\n"));
    sky.fault(Target::Sbs, FaultKind::Stale, Some(1));
    sky.wait_for_fault();
    client.received.clear();
    sky.clock.advance(5);
    client.read_until("repeated lines", |received| received.len() > 20_000);
    let text = String::from_utf8_lossy(&client.received);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines[lines.len() / 4];
    assert!(lines.iter().filter(|line| **line == first).count() > 1, "{text}");
}

#[test]
fn a_dripping_port_sends_a_few_bytes_at_a_time() {
    let sky = Sky::of(50);
    let mut client = sky.connect(Target::Sbs);
    sky.fault(Target::Sbs, FaultKind::Drip, None);
    sky.wait_for_fault();
    sky.clock.advance(5);
    client.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 65_536];
    let started_at = Instant::now();
    for _ in 0..10 {
        assert!((1..=200).contains(&client.stream.read(&mut buffer).unwrap()));
    }
    assert!(started_at.elapsed() > Duration::from_millis(100));
}

#[test]
fn a_client_that_does_not_read_is_disconnected_and_delays_no_other() {
    let sky = Sky::of(20);
    let (idle, mut reading) = (sky.connect(Target::Sbs), sky.connect(Target::Sbs));
    // More than the system keeps for a client.
    sky.fault(Target::Sbs, FaultKind::Huge, Some(1));
    reading.read_until("a line without an end", |received| received.len() >= 8 << 20);
    let started_at = Instant::now();
    for _ in 0..5 {
        sky.clock.advance(1);
        reading.has_line();
    }
    assert!(started_at.elapsed() < Duration::from_secs(4), "{:?}", started_at.elapsed());
    let mut idle = idle;
    wait_until("the idle client is disconnected", || {
        socket_error(&mut idle.stream) == Some(ErrorKind::ConnectionReset)
    });
}

/// Returns the pending error of a socket without reading from it.
fn socket_error(stream: &mut TcpStream) -> Option<ErrorKind> {
    stream.take_error().unwrap().map(|error| error.kind())
}

#[test]
fn dropping_the_simulator_ends_the_connections_and_frees_the_port() {
    let sky = Sky::of(10);
    let mut client = sky.connect(Target::Sbs);
    let address = sky.address(Target::Sbs);
    sky.fault(Target::Sbs, FaultKind::Hang, None);
    sky.wait_for_fault();
    let started_at = Instant::now();
    drop(sky);
    assert!(started_at.elapsed() < Duration::from_secs(5));
    assert!(client.read_until("the end", |_| false).is_some());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn many_clients_get_the_same_messages() {
    let sky = Sky::of(30);
    let mut clients: Vec<Client> = (0..20).map(|_| sky.connect(Target::Sbs)).collect();
    sky.clock.advance(3);
    let length = {
        clients[0].read_until("lines", |received| {
            received.ends_with(b"\r\n") && received.windows(9).any(|bytes| bytes == b"12:00:09.")
        });
        clients[0].received.len()
    };
    for client in &mut clients[1..] {
        client.read_until("lines", |received| received.len() >= length);
    }
    let (first, others) = clients.split_first().unwrap();
    assert!(others.iter().all(|client| client.received[..length] == first.received[..length]));
}
