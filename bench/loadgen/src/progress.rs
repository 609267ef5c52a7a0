use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) enum Command {
    ReconnectAll { resume: bool },
    Finish,
}

/// The readers' progress. Counts of connections start at the last disconnection of all readers.
#[derive(Debug, Default)]
pub struct Progress {
    pub(crate) connected: AtomicU64,
    pub(crate) answered: AtomicU64,
    pub(crate) with_frame: AtomicU64,
    pub(crate) ended: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) last_frame: AtomicU64,
}

impl Progress {
    /// Returns the number of connections that have sent their request.
    pub fn connected(&self) -> u64 {
        self.connected.load(Relaxed)
    }

    /// Returns the number of connections with the head of a response of status 200.
    pub fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// Returns the number of connections that have received a complete frame.
    pub fn with_frame(&self) -> u64 {
        self.with_frame.load(Relaxed)
    }

    /// Returns the number of connections that the server ended or that failed.
    pub fn ended(&self) -> u64 {
        self.ended.load(Relaxed)
    }

    /// Returns the total number of frames received.
    pub fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    /// Returns the total number of body bytes received.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Returns the time since the last frame was completed at any reader.
    pub fn quiet_for(&self) -> Duration {
        Duration::from_micros(now().saturating_sub(self.last_frame.load(Relaxed)))
    }

    pub(crate) fn begin_round(&self) {
        for counter in [&self.connected, &self.answered, &self.with_frame, &self.ended] {
            counter.store(0, Relaxed);
        }
    }
}

/// Returns the current time in microseconds of Unix time.
pub(crate) fn now() -> u64 {
    micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
