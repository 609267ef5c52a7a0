use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actors::domain::BadRows;
use actors::ports::SourceError;
use actors::supervision::Backoff;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::{AircraftTracker, Arrival, Decoded, Decoder, ReceiverOptions};

/// What the connection in the background shares with its source.
pub(super) struct Shared {
    pub(super) tracker: AircraftTracker,
    pub(super) bad_rows: BadRows,
    pub(super) link: Link,
    /// Wakes the source after each change.
    pub(super) changed: Rc<Notify>,
}

/// The state of the connection.
#[derive(Debug)]
pub(super) enum Link {
    /// Waiting for the next attempt, or for its outcome. The source has reported the last failure, if there was one.
    Connecting,
    /// The connection is established.
    Connected,
    /// The last attempt or connection failed, which the source has not reported yet.
    Failed(SourceError),
}

/// How a connection ended.
enum End {
    /// No byte arrived for the idle timeout. The receiver may be quiet or gone; a new connection tells.
    Idle,
    Failed(SourceError),
}

/// The upper bound of the pause between two attempts to connect.
pub(super) const MAX_BACKOFF: Duration = Duration::from_secs(30);
const MIN_BACKOFF: Duration = Duration::from_millis(500);

/// The kernel probes a silent peer after this time, and then at the interval, to detect one that vanished.
const KEEPALIVE_TIME: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// The size of a read. A Beast frame has up to 44 bytes, an SBS line about 100.
const CHUNK: usize = 16 * 1024;

/// The maximum number of bytes read per second, above which the receiver is slowed down by TCP's flow control: about
/// 100,000 Beast frames, more than twenty times the messages of a busy receiver.
const MAX_BYTES_PER_SECOND: usize = 4 << 20;

/// A stream is checked after this many bytes or this time, whichever is first: most of it must be valid.
const CHECK_BYTES: u64 = 16 * 1024;
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Keeps a connection to the receiver, and adds what arrives to the tracker. Never returns.
pub(super) async fn keep<D: Decoder>(mut decoder: D, options: Rc<ReceiverOptions>, shared: Rc<RefCell<Shared>>) {
    let mut backoff = Backoff::new(MIN_BACKOFF, MAX_BACKOFF);
    loop {
        let end = match connect(&options).await {
            Ok(stream) => {
                shared.borrow_mut().set_link(Link::Connected);
                decoder.reset();
                read(stream, &mut decoder, &options, &shared, &mut backoff).await
            }
            Err(error) => End::Failed(error),
        };
        match end {
            End::Idle => {
                log::debug!("no data from {} for {:?}, reconnecting", options.shown_address(), options.idle_timeout);
            }
            End::Failed(error) => {
                shared.borrow_mut().set_link(Link::Failed(error));
                tokio::time::sleep(backoff.pause()).await;
            }
        }
    }
}

async fn connect(options: &ReceiverOptions) -> Result<TcpStream, SourceError> {
    let failed = |reason: String| {
        SourceError::Unavailable(format!("failed to connect to {}: {reason}", options.shown_address()))
    };
    let connecting = TcpStream::connect((options.address.0.as_str(), options.address.1));
    let stream = match timeout(options.connect_timeout, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => return Err(failed(format!("no response within {:?}", options.connect_timeout))),
    };
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_TIME).with_interval(KEEPALIVE_INTERVAL);
    if let Err(error) = SockRef::from(&stream).set_tcp_keepalive(&keepalive) {
        log::debug!("failed to enable TCP keepalive for {}: {error}", options.shown_address());
    }
    Ok(stream)
}

async fn read<D: Decoder>(
    mut stream: TcpStream,
    decoder: &mut D,
    options: &ReceiverOptions,
    shared: &RefCell<Shared>,
    backoff: &mut Backoff,
) -> End {
    let lost = |reason: String| {
        End::Failed(SourceError::Unavailable(format!("lost the connection to {}: {reason}", options.shown_address())))
    };
    let mut buffer = vec![0; CHUNK];
    let mut check = StreamCheck::new();
    let mut quota = ByteQuota::new();
    loop {
        let length = match timeout(options.idle_timeout, stream.read(&mut buffer)).await {
            Ok(Ok(0)) => return lost("closed by the receiver".to_owned()),
            Ok(Ok(length)) => length,
            Ok(Err(error)) => return lost(error.to_string()),
            Err(_) => return End::Idle,
        };
        let at = Arrival::now();
        let mut decoded = Decoded::default();
        decoder.decode(&buffer[..length], at, &mut decoded);
        if decoded.valid_bytes > 0 {
            *backoff = Backoff::new(MIN_BACKOFF, MAX_BACKOFF);
        }
        let is_valid = check.add(&decoded);
        shared.borrow_mut().add(decoded, at);
        if !is_valid {
            return End::Failed(SourceError::Malformed(format!(
                "most of the data from {} is not made of {}s",
                options.shown_address(),
                D::MESSAGE
            )));
        }
        quota.spend(length).await;
    }
}

impl Shared {
    fn set_link(&mut self, link: Link) {
        self.link = link;
        self.changed.notify_one();
    }

    fn add(&mut self, decoded: Decoded, at: Arrival) {
        self.bad_rows.merge(decoded.bad_rows);
        self.tracker.add(&decoded.reports, at);
        if self.tracker.is_ready() {
            self.changed.notify_one();
        }
    }
}

/// Checks that most bytes of a stream belong to valid messages, to distinguish a wrong port from a quiet sky.
struct StreamCheck {
    since: Instant,
    valid: u64,
    invalid: u64,
}

impl StreamCheck {
    fn new() -> Self {
        Self { since: Instant::now(), valid: 0, invalid: 0 }
    }

    /// Adds a chunk. Returns false if most of the stream is invalid.
    fn add(&mut self, decoded: &Decoded) -> bool {
        self.valid += decoded.valid_bytes;
        self.invalid += decoded.invalid_bytes;
        if self.valid + self.invalid < CHECK_BYTES && self.since.elapsed() < CHECK_INTERVAL {
            return true;
        }
        let is_valid = self.invalid <= self.valid;
        *self = Self::new();
        is_valid
    }
}

/// Bounds the bytes read per second.
struct ByteQuota {
    since: Instant,
    spent: usize,
}

impl ByteQuota {
    const PERIOD: Duration = Duration::from_secs(1);

    fn new() -> Self {
        Self { since: Instant::now(), spent: 0 }
    }

    /// Waits for the next second once the bytes of this one are spent, and lets other tasks of the thread run.
    async fn spend(&mut self, bytes: usize) {
        self.spent += bytes;
        if self.since.elapsed() >= Self::PERIOD {
            *self = Self { spent: bytes, ..Self::new() };
        } else if self.spent >= MAX_BYTES_PER_SECOND {
            tokio::time::sleep_until(self.since + Self::PERIOD).await;
            *self = Self::new();
        }
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(valid_bytes: u64, invalid_bytes: u64) -> Decoded {
        Decoded { valid_bytes, invalid_bytes, ..Decoded::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_fails_the_check_once_most_of_it_is_invalid() {
        let mut check = StreamCheck::new();
        assert!(check.add(&decoded(10, CHECK_BYTES - 11)));
        assert!(!check.add(&decoded(0, 1)));

        let mut check = StreamCheck::new();
        assert!(check.add(&decoded(0, 1)));
        tokio::time::advance(CHECK_INTERVAL).await;
        assert!(!check.add(&decoded(0, 1)));

        // A receiver on a noisy line.
        let mut check = StreamCheck::new();
        for _ in 0..100 {
            assert!(check.add(&decoded(600, 400)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_slowed_down() {
        let (mut quota, started) = (ByteQuota::new(), Instant::now());
        for _ in 0..10 * MAX_BYTES_PER_SECOND / CHUNK {
            quota.spend(CHUNK).await;
        }
        assert_eq!(started.elapsed(), Duration::from_secs(10));
    }
}
