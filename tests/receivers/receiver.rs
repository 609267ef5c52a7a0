//! A receiver on the loopback interface, and sources that read it.

use std::fmt::Write as _;
use std::time::Duration;

use flight_monitor::sources::beast::BeastDecoder;
use flight_monitor::sources::receiver::{Decoder, ReceiverOptions, ReceiverSource};
use flight_monitor::sources::sbs::SbsDecoder;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// The time after which a test fails.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct Receiver(TcpListener);

impl Receiver {
    pub(crate) async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn address(&self) -> (String, u16) {
        let address = self.0.local_addr().unwrap();
        (address.ip().to_string(), address.port())
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        timeout(TEST_TIMEOUT, self.0.accept()).await.unwrap().unwrap().0
    }

    pub(crate) fn sbs(&self) -> ReceiverSource<SbsDecoder> {
        source(self.address(), SbsDecoder::default)
    }

    pub(crate) fn beast(&self) -> ReceiverSource<BeastDecoder> {
        source(self.address(), || BeastDecoder::new(None))
    }
}

pub(crate) fn options(address: (String, u16)) -> ReceiverOptions {
    ReceiverOptions {
        address,
        area: None,
        connect_timeout: Duration::from_secs(5),
        idle_timeout: TEST_TIMEOUT,
        pause: Duration::from_millis(100),
    }
}

pub(crate) fn source<D: Decoder>(address: (String, u16), decoder: impl Fn() -> D + 'static) -> ReceiverSource<D> {
    ReceiverSource::new(options(address), decoder)
}

/// Returns an SBS line with a position.
pub(crate) fn position(icao24: &str, lat: f64, lon: f64) -> String {
    let mut line = format!("MSG,3,1,1,{icao24},1,2026/11/30,20:00:00.000,2026/11/30,20:00:00.000,,");
    write!(line, "37000,,,{lat},{lon},,,0,0,0,0\r\n").unwrap();
    line
}
