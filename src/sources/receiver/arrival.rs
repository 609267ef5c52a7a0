use std::time::{Duration, SystemTime};

use actors::domain::UnixTime;

/// When a message arrived, by the local clock, in milliseconds since 1970.
///
/// Receivers do not tell the time in a usable form: SBS has the receiver's local time without a time zone, and Beast a
/// counter that starts at any value. On a local network, a message arrives within milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival(i64);

impl Arrival {
    /// Returns the present time.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Creates a time from milliseconds since 1970.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the time rounded down to the second.
    pub fn second(self) -> UnixTime {
        UnixTime(self.0.div_euclid(1000))
    }

    /// Returns the time since an earlier arrival; zero if that one is later, as after the clock was set back.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the time left until the next second begins.
    pub(super) fn until_next_second(self) -> Duration {
        Duration::from_millis(1000 - self.0.rem_euclid(1000).unsigned_abs())
    }
}
