use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) enum Command {
    ComeBack { resume: bool },
    Finish,
}

/// How far they are; since the last cut where it says "connections".
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
    /// Connections that have sent their request.
    pub fn connected(&self) -> u64 {
        self.connected.load(Relaxed)
    }

    /// Connections whose answer has begun, with status 200.
    pub fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// Connections that have got a whole frame.
    pub fn with_frame(&self) -> u64 {
        self.with_frame.load(Relaxed)
    }

    /// Connections that the server ended, or that failed.
    pub fn ended(&self) -> u64 {
        self.ended.load(Relaxed)
    }

    /// Frames in all.
    pub fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    /// Bytes of bodies in all.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// For how long no frame has ended anywhere.
    pub fn quiet_for(&self) -> Duration {
        Duration::from_micros(now().saturating_sub(self.last_frame.load(Relaxed)))
    }

    pub(crate) fn begin_round(&self) {
        for counter in [&self.connected, &self.answered, &self.with_frame, &self.ended] {
            counter.store(0, Relaxed);
        }
    }
}

/// Microseconds of Unix time.
pub(crate) fn now() -> u64 {
    micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
